/* The event queue: one of two implementations. See event_queue.h. */
#include "core/event_queue.h"

#include "core/check.h"
#include "core/event_queue_internal.h"

#include <glib.h>

struct EventQueue {
    EventQueueKind kind;
    EventHeap heap;
    EventRadix radix;
};

/* The heap is for tests mostly. */
static inline bool is_heap(const EventQueue *queue)
{
    return __builtin_expect(queue->kind == EVENT_QUEUE_HEAP, false);
}

EventQueue *event_queue_new(EventQueueKind kind)
{
    EventQueue *queue = g_new0(EventQueue, 1);
    queue->kind = kind;
    event_radix_init(&queue->radix);
    return queue;
}

void event_queue_free(EventQueue *queue)
{
    event_heap_clear(&queue->heap);
    event_radix_clear(&queue->radix);
    g_free(queue);
}

void event_queue_push(EventQueue *queue, const EventKey *key)
{
    if (is_heap(queue))
        event_heap_push(&queue->heap, key);
    else
        event_radix_push(&queue->radix, key);
}

const EventKey *event_queue_peek(EventQueue *queue)
{
    if (is_heap(queue))
        return queue->heap.length > 0 ? &queue->heap.keys[0] : NULL;
    return event_radix_peek(&queue->radix);
}

EventKey event_queue_pop(EventQueue *queue)
{
    CHECK(event_queue_length(queue) > 0);
    const EventKey *earliest = event_queue_peek(queue);
    EventKey key = *earliest;
    event_queue_drop(queue, earliest);
    return key;
}

void event_queue_drop(EventQueue *queue, const EventKey *earliest)
{
    if (is_heap(queue))
        event_heap_drop(&queue->heap);
    else
        event_radix_drop(&queue->radix, earliest);
}

const EventKey *event_queue_soon(const EventQueue *queue, uint32_t *count)
{
    if (!is_heap(queue))
        return event_radix_soon(&queue->radix, count);
    *count = queue->heap.length;
    return queue->heap.keys;
}

uint32_t event_queue_length(const EventQueue *queue)
{
    return is_heap(queue) ? queue->heap.length : queue->radix.length;
}

void event_queue_sweep(EventQueue *queue, EventKeyTest *is_dead, void *owner)
{
    if (is_heap(queue))
        event_heap_sweep(&queue->heap, is_dead, owner);
    else
        event_radix_sweep(&queue->radix, is_dead, owner);
}
