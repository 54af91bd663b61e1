/* The event queue as a monotone radix heap. See event_queue_internal.h. */
#include "core/check.h"
#include "core/event_queue_internal.h"

#include <glib.h>

enum {
    BUCKET_FIRST_CAPACITY = 16,
    BUCKET_KEPT_CAPACITY = 4096, /* of an empty bucket; more is given back */
};

void event_radix_clear(EventRadix *radix)
{
    for (int i = 0; i < EVENT_RADIX_BUCKETS; i++)
        g_free(radix->buckets[i].keys);
    event_heap_clear(&radix->soon);
    *radix = (EventRadix){0};
}

static void bucket_grow(EventBucket *bucket)
{
    CHECK(bucket->capacity <= UINT32_MAX / 2);
    bucket->capacity = MAX(2 * bucket->capacity, BUCKET_FIRST_CAPACITY);
    bucket->keys = g_renew(EventKey, bucket->keys, bucket->capacity);
}

static void bucket_empty(EventBucket *bucket)
{
    bucket->length = 0;
    if (bucket->capacity > BUCKET_KEPT_CAPACITY) {
        g_free(bucket->keys);
        *bucket = (EventBucket){0};
    }
}

static inline void radix_place(EventRadix *radix, const EventKey *key)
{
    if (key->time <= radix->now) {
        event_heap_push(&radix->soon, key);
        return;
    }
    uint64_t difference = (uint64_t)key->time ^ (uint64_t)radix->now;
    unsigned index = 63u - (unsigned)__builtin_clzll(difference);
    EventBucket *bucket = &radix->buckets[index];
    if (bucket->length == bucket->capacity)
        bucket_grow(bucket);
    bucket->keys[bucket->length++] = *key;
    radix->occupied |= UINT64_C(1) << index;
}

void event_radix_push(EventRadix *radix, const EventKey *key)
{
    CHECK(key->time >= 0 && radix->length < UINT32_MAX);
    radix_place(radix, key);
    radix->length++;
}

static SimTime bucket_earliest(const EventBucket *bucket)
{
    SimTime earliest = bucket->keys[0].time;
    for (uint32_t i = 1; i < bucket->length; i++)
        earliest = MIN(earliest, bucket->keys[i].time);
    return earliest;
}

/* Sorts a few keys by insertion. */
static void run_fill(EventRun *run, const EventBucket *bucket)
{
    run->first = 0;
    run->end = bucket->length;
    for (uint32_t i = 0; i < bucket->length; i++) {
        uint32_t at = i;
        for (; at > 0 && event_key_is_before(&bucket->keys[i], &run->keys[at - 1]); at--)
            run->keys[at] = run->keys[at - 1];
        run->keys[at] = bucket->keys[i];
    }
}

/* Moves keys until the earliest is in the run or in the heap. The keys of the lowest bucket agree
 * in its bit, so with `now` at the time of one of them all go lower; with `now` at the latest, all
 * are due. */
static void radix_settle(EventRadix *radix)
{
    if (G_LIKELY(radix->run.first < radix->run.end || radix->soon.length > 0))
        return;
    CHECK(radix->occupied != 0);
    unsigned index = (unsigned)__builtin_ctzll(radix->occupied);
    EventBucket *bucket = &radix->buckets[index];
    radix->occupied &= radix->occupied - 1;
    if (bucket->length <= EVENT_RUN_MAXIMUM) {
        run_fill(&radix->run, bucket);
        radix->now = radix->run.keys[radix->run.end - 1].time;
    } else {
        radix->now = bucket_earliest(bucket);
        for (uint32_t i = 0; i < bucket->length; i++)
            radix_place(radix, &bucket->keys[i]);
    }
    bucket_empty(bucket);
}

/* Whether the earliest key is that of the run. */
static inline bool run_is_first(const EventRadix *radix)
{
    const EventRun *run = &radix->run;
    return run->first < run->end &&
           (radix->soon.length == 0 ||
            event_key_is_before(&run->keys[run->first], &radix->soon.keys[0]));
}

const EventKey *event_radix_peek(EventRadix *radix)
{
    radix_settle(radix);
    return run_is_first(radix) ? &radix->run.keys[radix->run.first] : &radix->soon.keys[0];
}

void event_radix_drop(EventRadix *radix)
{
    radix->length--;
    if (run_is_first(radix))
        radix->run.first++;
    else
        event_heap_drop(&radix->soon);
}

const EventKey *event_radix_soon(const EventRadix *radix, uint32_t *count)
{
    const EventRun *run = &radix->run;
    if (run->first < run->end) {
        *count = run->end - run->first;
        return &run->keys[run->first];
    }
    if (radix->soon.length > 0 || radix->occupied == 0) {
        *count = radix->soon.length;
        return radix->soon.keys;
    }
    const EventBucket *bucket = &radix->buckets[__builtin_ctzll(radix->occupied)];
    *count = bucket->length;
    return bucket->keys;
}

void event_radix_sweep(EventRadix *radix, EventKeyTest *is_dead, void *owner)
{
    EventRun *run = &radix->run;
    run->end = run->first +
               event_keys_sweep(&run->keys[run->first], run->end - run->first, is_dead, owner);
    event_heap_sweep(&radix->soon, is_dead, owner);
    radix->length = run->end - run->first + radix->soon.length;
    for (uint64_t left = radix->occupied; left != 0; left &= left - 1) {
        unsigned index = (unsigned)__builtin_ctzll(left);
        EventBucket *bucket = &radix->buckets[index];
        bucket->length = event_keys_sweep(bucket->keys, bucket->length, is_dead, owner);
        radix->length += bucket->length;
        if (bucket->length == 0)
            radix->occupied &= ~(UINT64_C(1) << index);
    }
}
