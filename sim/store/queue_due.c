/* Who waits for his time: a binary heap. See queue_due.h. */
#include "store/queue_due.h"

#include <stddef.h>

QueueEntry *queue_recipient_entry(const QueueRecipient *recipient)
{
    uintptr_t first = (uintptr_t)(recipient - recipient->index);
    return (QueueEntry *)(first - offsetof(QueueEntry, recipients));
}

bool queue_recipient_arrived_before(const QueueRecipient *a, const QueueRecipient *b)
{
    uint32_t first = queue_recipient_entry(a)->serial, second = queue_recipient_entry(b)->serial;
    return first != second ? first < second : a->index < b->index;
}

static bool is_before(const QueueRecipient *a, const QueueRecipient *b)
{
    return a->next_attempt_at != b->next_attempt_at ? a->next_attempt_at < b->next_attempt_at
                                                    : queue_recipient_arrived_before(a, b);
}

void queue_due_clear(QueueDue *due)
{
    g_free(due->heap);
    *due = (QueueDue){0};
}

static void put(QueueDue *due, uint32_t place, QueueRecipient *recipient)
{
    due->heap[place] = recipient;
    recipient->due_place = place + 1;
}

/* Finds the place for it from `place` on, towards the first. */
static void sift_up(QueueDue *due, uint32_t place, QueueRecipient *recipient)
{
    while (place > 0 && is_before(recipient, due->heap[(place - 1) / 2])) {
        put(due, place, due->heap[(place - 1) / 2]);
        place = (place - 1) / 2;
    }
    put(due, place, recipient);
}

/* Likewise, away from the first. */
static void sift_down(QueueDue *due, uint32_t place, QueueRecipient *recipient)
{
    for (;;) {
        uint32_t child = 2 * place + 1;
        if (child + 1 < due->count && is_before(due->heap[child + 1], due->heap[child]))
            child++;
        if (child >= due->count || !is_before(due->heap[child], recipient))
            break;
        put(due, place, due->heap[child]);
        place = child;
    }
    put(due, place, recipient);
}

void queue_due_add(QueueDue *due, QueueRecipient *recipient)
{
    if (due->count == due->capacity) {
        due->capacity = MAX(2 * due->capacity, 4);
        due->heap = g_renew(QueueRecipient *, due->heap, due->capacity);
    }
    sift_up(due, due->count++, recipient);
}

void queue_due_remove(QueueDue *due, QueueRecipient *recipient)
{
    uint32_t place = recipient->due_place;
    if (place == 0)
        return;
    recipient->due_place = 0;
    QueueRecipient *last = due->heap[--due->count];
    if (--place == due->count)
        return;
    if (place > 0 && is_before(last, due->heap[(place - 1) / 2]))
        sift_up(due, place, last);
    else
        sift_down(due, place, last);
}
