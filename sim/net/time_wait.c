/* Connections in TIME-WAIT, in the order in which they end. See time_wait.h. */
#include "net/time_wait.h"

#include "core/check.h"

#include <glib.h>

enum { RING_FIRST_CAPACITY = 4 };

void time_wait_clear(TimeWaitQueue *queue)
{
    g_free(queue->ring);
    socket_table_clear(&queue->numbers);
    *queue = (TimeWaitQueue){0};
}

bool time_wait_takes(const TimeWaitQueue *queue, SimTime ends_at)
{
    return time_wait_is_empty(queue) || queue->last_ends_at <= ends_at;
}

__attribute__((cold, noinline)) static void ring_grow(TimeWaitQueue *queue)
{
    TimeWaitQueue old = *queue;
    CHECK(old.capacity <= UINT32_MAX / 4);
    queue->capacity = MAX(2 * old.capacity, RING_FIRST_CAPACITY);
    queue->ring = g_new(TimeWait, queue->capacity);
    for (uint64_t number = old.first; number < old.end; number++)
        *time_wait_place(queue, number) = *time_wait_at(&old, number);
    g_free(old.ring);
}

void time_wait_add(TimeWaitQueue *queue, const TimeWait *wait)
{
    CHECK(wait->key != 0 && time_wait_takes(queue, wait->tcp.ends_at));
    if (queue->end == 0)
        queue->first = queue->end = 1;
    if (queue->end - queue->first == queue->capacity)
        ring_grow(queue);
    *time_wait_place(queue, queue->end) = *wait;
    queue->last_ends_at = wait->tcp.ends_at;
    socket_table_insert(&queue->numbers, wait->key, queue->end++);
}

TimeWait time_wait_take_out(TimeWaitQueue *queue, uint64_t number)
{
    CHECK(queue->first <= number && number < queue->end);
    TimeWait *place = time_wait_place(queue, number);
    TimeWait wait = *place;
    CHECK(wait.key != 0);
    socket_table_remove(&queue->numbers, wait.key);
    place->key = 0;
    while (queue->first < queue->end && time_wait_at(queue, queue->first)->key == 0)
        queue->first++;
    return wait;
}
