/* The event queue as a heap in one array. See event_queue_internal.h. */
#include "core/check.h"
#include "core/event_queue_internal.h"

#include <glib.h>

enum { HEAP_ARITY = 4, HEAP_FIRST_CAPACITY = 16 };

void event_heap_clear(EventHeap *heap)
{
    g_free(heap->keys);
    *heap = (EventHeap){0};
}

__attribute__((cold, noinline)) static void heap_grow(EventHeap *heap)
{
    CHECK(heap->capacity <= UINT32_MAX / 2);
    heap->capacity = MAX(2 * heap->capacity, HEAP_FIRST_CAPACITY);
    heap->keys = g_renew(EventKey, heap->keys, heap->capacity);
}

void event_heap_push(EventHeap *heap, const EventKey *key)
{
    if (heap->length == heap->capacity)
        heap_grow(heap);
    uint32_t hole = heap->length++;
    while (hole > 0) {
        uint32_t parent = (hole - 1) / HEAP_ARITY;
        if (!event_key_is_before(key, &heap->keys[parent]))
            break;
        heap->keys[hole] = heap->keys[parent];
        hole = parent;
    }
    heap->keys[hole] = *key;
}

/* The earlier of two keys. Which one it is cannot be predicted, that times differ can: so the
 * times are compared without a branch, and ties apart. */
static inline uint32_t earlier(const EventKey *keys, uint32_t a, uint32_t b)
{
    SimTime time_a = keys[a].time, time_b = keys[b].time;
    if (__builtin_expect(time_a == time_b, 0))
        return event_key_is_before(&keys[a], &keys[b]) ? a : b;
    return a ^ ((a ^ b) & (0u - (uint32_t)(time_b < time_a)));
}

/* The earliest child of `parent`, or 0 when it has none. */
static uint32_t heap_first_child(const EventHeap *heap, uint32_t parent)
{
    uint64_t first = (uint64_t)parent * HEAP_ARITY + 1;
    if (first >= heap->length)
        return 0;
    uint32_t child = (uint32_t)first;
    if (first + HEAP_ARITY <= heap->length)
        return earlier(heap->keys, earlier(heap->keys, child, child + 1),
                       earlier(heap->keys, child + 2, child + 3));
    uint32_t best = child;
    while (++child < heap->length)
        best = earlier(heap->keys, best, child);
    return best;
}

void event_heap_drop(EventHeap *heap)
{
    EventKey last = heap->keys[--heap->length];
    uint32_t hole = 0;
    for (uint32_t child; (child = heap_first_child(heap, hole)) != 0; hole = child) {
        if (!event_key_is_before(&heap->keys[child], &last))
            break;
        heap->keys[hole] = heap->keys[child];
    }
    heap->keys[hole] = last;
}

uint32_t event_keys_sweep(EventKey *keys, uint32_t count, EventKeyTest *is_dead, void *owner)
{
    uint32_t kept = 0;
    for (uint32_t i = 0; i < count; i++) {
        if (!is_dead(owner, &keys[i]))
            keys[kept++] = keys[i];
    }
    return kept;
}

void event_heap_sweep(EventHeap *heap, EventKeyTest *is_dead, void *owner)
{
    uint32_t count = event_keys_sweep(heap->keys, heap->length, is_dead, owner);
    heap->length = 0;
    for (uint32_t i = 0; i < count; i++) { /* each goes to where keys have been taken from */
        EventKey key = heap->keys[i];
        event_heap_push(heap, &key);
    }
}
