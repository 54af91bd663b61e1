/* The event queue as a heap of four children a node in one array, keys inline: two levels of a
 * binary heap in one cache line pair. See event_queue.h. */
#include "core/event_queue.h"

#include "core/check.h"

#include <glib.h>

enum { HEAP_ARITY = 4, HEAP_FIRST_CAPACITY = 64 };

struct EventQueue {
    EventKey *keys;
    uint32_t length;
    uint32_t capacity;
};

bool event_key_is_before(const EventKey *a, const EventKey *b)
{
    if (a->time != b->time)
        return a->time < b->time;
    if (a->destination != b->destination)
        return a->destination < b->destination;
    if (a->round != b->round)
        return a->round < b->round;
    if (a->source != b->source)
        return a->source < b->source;
    return a->sequence < b->sequence;
}

EventQueue *event_queue_new(void)
{
    EventQueue *queue = g_new0(EventQueue, 1);
    queue->capacity = HEAP_FIRST_CAPACITY;
    queue->keys = g_new(EventKey, queue->capacity);
    return queue;
}

void event_queue_free(EventQueue *queue)
{
    g_free(queue->keys);
    g_free(queue);
}

void event_queue_push(EventQueue *queue, const EventKey *key)
{
    if (queue->length == queue->capacity) {
        CHECK(queue->capacity <= UINT32_MAX / 2);
        queue->capacity *= 2;
        queue->keys = g_renew(EventKey, queue->keys, queue->capacity);
    }
    uint32_t hole = queue->length++;
    while (hole > 0) {
        uint32_t parent = (hole - 1) / HEAP_ARITY;
        if (!event_key_is_before(key, &queue->keys[parent]))
            break;
        queue->keys[hole] = queue->keys[parent];
        hole = parent;
    }
    queue->keys[hole] = *key;
}

const EventKey *event_queue_peek(const EventQueue *queue)
{
    return queue->length == 0 ? NULL : &queue->keys[0];
}

/* The earliest child of `parent`, or 0 when it has none. */
static uint32_t heap_first_child(const EventQueue *queue, uint32_t parent)
{
    uint64_t first = (uint64_t)parent * HEAP_ARITY + 1;
    if (first >= queue->length)
        return 0;
    uint32_t best = (uint32_t)first;
    uint32_t end = MIN(best + HEAP_ARITY, queue->length);
    for (uint32_t child = best + 1; child < end; child++) {
        if (event_key_is_before(&queue->keys[child], &queue->keys[best]))
            best = child;
    }
    return best;
}

EventKey event_queue_pop(EventQueue *queue)
{
    CHECK(queue->length > 0);
    EventKey first = queue->keys[0];
    EventKey last = queue->keys[--queue->length];
    uint32_t hole = 0;
    for (;;) {
        uint32_t child = heap_first_child(queue, hole);
        if (child == 0 || !event_key_is_before(&queue->keys[child], &last))
            break;
        queue->keys[hole] = queue->keys[child];
        hole = child;
    }
    queue->keys[hole] = last;
    return first;
}

uint32_t event_queue_length(const EventQueue *queue)
{
    return queue->length;
}
