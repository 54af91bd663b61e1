/* The two implementations of the event queue, for event_queue.c alone. */
#pragma once

#include "core/event_queue.h"

#include <stddef.h>

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

/* event_radix.c: a radix heap (Ahuja, Mehlhorn, Orlin and Tarjan, 1990) over a wheel, a calendar
 * of the present. Time is divided into ticks, and ticks into turns of the wheel. Keys of the
 * present turn lie in the wheel, in a list for each tick; every later key is in the bucket of the
 * highest bit in which its time differs from the turn's start, so that of two buckets the lower has
 * the earlier keys. Keys of the earliest ticks are taken from the wheel into a sorted run of some
 * that come next; what comes before the wheel's keys later on goes to the front of the run or to a
 * small heap. When all of these are empty, the wheel moves on to the first turn that has keys:
 * those of the lowest bucket go to the wheel or to lower buckets. So a packet's arrival in some
 * milliseconds moves twice, into the wheel and into the run, and a timeout, which is mostly
 * cancelled, moves once and is swept out where it lies.
 *
 * A tick is short enough for few keys: a tick of many that are not in order makes it shorter, a
 * new turn makes it as long again as the bucket that is opened allows. */
typedef struct EventBucket {
    EventKey *keys;
    uint32_t length;
    uint32_t capacity;
} EventBucket;

/* Keys in order, to be taken from the front. */
typedef struct EventRun {
    EventKey *keys;
    uint32_t first, end;
    uint32_t capacity;
} EventRun;

typedef struct EventWheelKey {
    EventKey key;
    uint32_t next; /* of its list, or of the free ones: index + 1; 0 ends it */
} EventWheelKey;

enum {
    EVENT_TICK_BITS = 16, /* at most: 66 µs, a few keys in a busy run, ... */
    EVENT_TURN_BITS = 12, /* ticks of a turn: 268 ms, so that most ways through the net end in it */
    EVENT_TURN_TICKS = 1 << EVENT_TURN_BITS,
    EVENT_WORD_BITS = 64,
    EVENT_RADIX_BUCKETS = 63, /* the bits of a time that is not negative */
};
_Static_assert(EVENT_TURN_TICKS == EVENT_WORD_BITS * EVENT_WORD_BITS, "a bit for each word");

typedef struct EventWheel {
    uint64_t start;     /* of the turn, a time */
    unsigned tick_bits; /* a tick is so many bits of time, a turn EVENT_TURN_BITS more */
    EventWheelKey *keys;
    uint32_t length; /* of `keys`, with the free ones */
    uint32_t capacity;
    uint32_t free;
    uint64_t occupied;                /* bit n: word n is not 0 */
    uint64_t words[EVENT_WORD_BITS];  /* bit n of word m: tick 64 m + n has keys */
    uint32_t ticks[EVENT_TURN_TICKS]; /* their lists, the latest key first */
} EventWheel;

typedef struct EventRadix {
    uint64_t begun; /* keys of times before it are in the run or in the heap */
    EventRun run;
    EventHeap soon;
    uint64_t occupied; /* bit n: bucket n is not empty */
    uint32_t length;   /* of all together */
    EventBucket buckets[EVENT_RADIX_BUCKETS];
    EventWheel wheel;
} EventRadix;

/* With fewer keys in the run, it is lengthened if there are some in the wheel. */
enum { EVENT_RUN_LOW = 6 };

void event_radix_init(EventRadix *radix);
void event_radix_clear(EventRadix *radix);
void event_radix_push(EventRadix *radix, const EventKey *key);
/* As event_radix_peek, when the run is low or the heap has keys. */
const EventKey *event_radix_peek_both(EventRadix *radix);

/* The earliest key, or NULL. */
static inline const EventKey *event_radix_peek(EventRadix *radix)
{
    const EventRun *run = &radix->run;
    if (__builtin_expect(run->end - run->first >= EVENT_RUN_LOW && radix->soon.length == 0, true))
        return &run->keys[run->first];
    return event_radix_peek_both(radix);
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
