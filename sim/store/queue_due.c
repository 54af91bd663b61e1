/* Who waits for his time: a binary heap. See queue_due.h. */
#include "store/queue_due.h"

static QueueRecipient *recipient_of(const QueueWait *wait)
{
    return &wait->entry->recipients[wait->recipient];
}

bool queue_wait_arrived_before(const QueueWait *a, const QueueWait *b)
{
    if (a->entry != b->entry)
        return a->entry->serial < b->entry->serial;
    return a->recipient < b->recipient;
}

static bool is_before(const QueueWait *a, const QueueWait *b)
{
    SimTime first = recipient_of(a)->next_attempt_at, second = recipient_of(b)->next_attempt_at;
    return first != second ? first < second : queue_wait_arrived_before(a, b);
}

void queue_due_clear(QueueDue *due)
{
    g_free(due->heap);
    *due = (QueueDue){0};
}

static void put(QueueDue *due, uint32_t place, QueueWait wait)
{
    due->heap[place] = wait;
    recipient_of(&wait)->due_place = place + 1;
}

/* Finds the place for `wait` from `place` on, towards the first. */
static void sift_up(QueueDue *due, uint32_t place, QueueWait wait)
{
    while (place > 0 && is_before(&wait, &due->heap[(place - 1) / 2])) {
        put(due, place, due->heap[(place - 1) / 2]);
        place = (place - 1) / 2;
    }
    put(due, place, wait);
}

/* Likewise, away from the first. */
static void sift_down(QueueDue *due, uint32_t place, QueueWait wait)
{
    for (;;) {
        uint32_t child = 2 * place + 1;
        if (child + 1 < due->count && is_before(&due->heap[child + 1], &due->heap[child]))
            child++;
        if (child >= due->count || !is_before(&due->heap[child], &wait))
            break;
        put(due, place, due->heap[child]);
        place = child;
    }
    put(due, place, wait);
}

void queue_due_add(QueueDue *due, QueueEntry *entry, size_t recipient)
{
    if (due->count == due->capacity) {
        due->capacity = MAX(2 * due->capacity, 4);
        due->heap = g_renew(QueueWait, due->heap, due->capacity);
    }
    sift_up(due, due->count++, (QueueWait){entry, (uint32_t)recipient});
}

void queue_due_remove(QueueDue *due, QueueEntry *entry, size_t recipient)
{
    uint32_t place = entry->recipients[recipient].due_place;
    if (place == 0)
        return;
    entry->recipients[recipient].due_place = 0;
    QueueWait last = due->heap[--due->count];
    if (--place == due->count)
        return;
    if (place > 0 && is_before(&last, &due->heap[(place - 1) / 2]))
        sift_up(due, place, last);
    else
        sift_down(due, place, last);
}
