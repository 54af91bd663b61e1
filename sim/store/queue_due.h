/* The recipients of a queue that wait for their time, for the queue alone: see queue.h. A heap, in
 * the order of the times, then of arrival; each recipient knows its place in it. */
#pragma once

#include "store/queue.h"

/* A zero one is empty. */
typedef struct QueueDue {
    QueueRecipient **heap;
    uint32_t count, capacity;
} QueueDue;

/* The entry that the recipient is in. */
QueueEntry *queue_recipient_entry(const QueueRecipient *recipient);

void queue_due_clear(QueueDue *due);
/* At the recipient's next_attempt_at, which stays as it is from then on. */
void queue_due_add(QueueDue *due, QueueRecipient *recipient);
/* Nothing happens when the recipient is not among them. */
void queue_due_remove(QueueDue *due, QueueRecipient *recipient);
/* The first; NULL: there is none. */
static inline QueueRecipient *queue_due_first(const QueueDue *due)
{
    return due->count > 0 ? due->heap[0] : NULL;
}
/* Whether `a` has arrived before `b`, or is a recipient before it in the same message. */
bool queue_recipient_arrived_before(const QueueRecipient *a, const QueueRecipient *b);
