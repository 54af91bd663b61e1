/* The event queue as a monotone radix heap. See event_queue_internal.h. */
#include "core/check.h"
#include "core/event_queue_internal.h"

#include <glib.h>

enum {
    BUCKET_FIRST_CAPACITY = 16,
    BUCKET_KEPT_CAPACITY = 4096, /* of an empty bucket; more is given back */
    BUCKET_FEW = 16,             /* keys that are sorted at once */
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

static SimTime bucket_latest(const EventBucket *bucket)
{
    SimTime latest = bucket->keys[0].time;
    for (uint32_t i = 1; i < bucket->length; i++)
        latest = MAX(latest, bucket->keys[i].time);
    return latest;
}

/* The keys of the lowest bucket agree in its bit, so with `now` at the time of one of them all go
 * lower; with `now` at the latest, all into the heap. */
void event_radix_settle(EventRadix *radix)
{
    if (radix->soon.length > 0)
        return;
    CHECK(radix->occupied != 0);
    unsigned index = (unsigned)__builtin_ctzll(radix->occupied);
    EventBucket *bucket = &radix->buckets[index];
    bool are_few = bucket->length <= BUCKET_FEW;
    radix->now = are_few ? bucket_latest(bucket) : bucket_earliest(bucket);
    radix->occupied &= radix->occupied - 1;
    for (uint32_t i = 0; i < bucket->length; i++)
        radix_place(radix, &bucket->keys[i]);
    bucket_empty(bucket);
}
