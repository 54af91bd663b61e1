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
 * sorted where they lie, or to the earliest of many, which go to lower buckets. A key moves at most
 * once for each bit, without a comparison, and mostly not at all or once. */
typedef struct EventBucket {
    EventKey *keys;
    uint32_t length;
    uint32_t capacity;
} EventBucket;

enum { EVENT_RADIX_BUCKETS = 63 }; /* the bits of a time that is not negative */
/* Keys in order, to be taken from the front: the array is that of the bucket that they came in. */
typedef struct EventRun {
    EventKey *keys;
    uint32_t first, end;
    uint32_t capacity;
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
/* When run and heap are empty, and the queue is not. */
void event_radix_settle(EventRadix *radix);

/* Whether the earliest key is that of the run. */
static inline bool event_radix_run_is_first(const EventRadix *radix)
{
    const EventRun *run = &radix->run;
    return run->first < run->end &&
           (radix->soon.length == 0 ||
            event_key_is_before(&run->keys[run->first], &radix->soon.keys[0]));
}

/* The earliest key; the queue is not empty. */
static inline const EventKey *event_radix_peek(EventRadix *radix)
{
    if (radix->run.first == radix->run.end && radix->soon.length == 0)
        event_radix_settle(radix);
    return event_radix_run_is_first(radix) ? &radix->run.keys[radix->run.first]
                                           : &radix->soon.keys[0];
}

/* Takes out the key that was peeked at. */
static inline void event_radix_drop(EventRadix *radix, const EventKey *earliest)
{
    radix->length--;
    if (earliest == radix->soon.keys)
        event_heap_drop(&radix->soon);
    else
        radix->run.first++;
}
void event_radix_sweep(EventRadix *radix, EventKeyTest *is_dead, void *owner);
/* As event_queue_soon. */
const EventKey *event_radix_soon(const EventRadix *radix, uint32_t *count);
