/* The two implementations of the event queue, for event_queue.c alone. */
#pragma once

#include "core/event_queue.h"

/* event_heap.c: four children a node in one array, keys inline: two levels of a binary heap in two
 * cache lines. */
typedef struct EventHeap {
    EventKey *keys;
    uint32_t length;
    uint32_t capacity;
} EventHeap;

void event_heap_clear(EventHeap *heap);
void event_heap_push(EventHeap *heap, const EventKey *key);
/* Takes out keys[0], the earliest; there is one. */
void event_heap_drop(EventHeap *heap);
void event_heap_sweep(EventHeap *heap, EventKeyTest *is_dead, void *owner);
/* Keeps the keys that are not dead, in their order; returns how many. */
uint32_t event_keys_sweep(EventKey *keys, uint32_t count, EventKeyTest *is_dead, void *owner);

/* event_radix.c: a radix heap (Ahuja, Mehlhorn, Orlin and Tarjan, 1990). Keys up to the time `now`
 * are in a sorted run or a small heap; every later key is in the bucket of the highest bit in which
 * its time differs from `now`. Of two buckets the lower has the earlier keys. When run and heap are
 * empty, `now` moves on to a time in the lowest bucket: to the latest of a few keys, which are
 * sorted, or to the earliest of many, which go to lower buckets. A key moves at most once for each
 * bit, without a comparison, and mostly once or twice. */
typedef struct EventBucket {
    EventKey *keys;
    uint32_t length;
    uint32_t capacity;
} EventBucket;

enum { EVENT_RADIX_BUCKETS = 63 }; /* the bits of a time that is not negative */
enum { EVENT_RUN_MAXIMUM = 48 };

/* Keys in order, to be taken from the front. */
typedef struct EventRun {
    uint32_t first, end;
    EventKey keys[EVENT_RUN_MAXIMUM];
} EventRun;

typedef struct EventRadix {
    SimTime now;
    EventRun run;      /* a small bucket, sorted */
    EventHeap soon;    /* what has come since then with a time up to `now`, or a larger bucket */
    uint64_t occupied; /* bit n: bucket n is not empty */
    EventBucket buckets[EVENT_RADIX_BUCKETS];
    uint32_t length; /* of all together */
} EventRadix;

void event_radix_clear(EventRadix *radix);
void event_radix_push(EventRadix *radix, const EventKey *key);
/* The earliest key; the queue is not empty. And takes out the one that was peeked at. */
const EventKey *event_radix_peek(EventRadix *radix);
void event_radix_drop(EventRadix *radix);
void event_radix_sweep(EventRadix *radix, EventKeyTest *is_dead, void *owner);
/* As event_queue_soon. */
const EventKey *event_radix_soon(const EventRadix *radix, uint32_t *count);
