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
    event_heap_clear(&radix->instant);
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

/* Puts a key that is not before `now` where it belongs. */
static inline void radix_place(EventRadix *radix, const EventKey *key)
{
    uint64_t difference = (uint64_t)key->time ^ (uint64_t)radix->now;
    if (difference == 0) {
        event_heap_push(&radix->instant, key);
        return;
    }
    unsigned index = 63u - (unsigned)__builtin_clzll(difference);
    EventBucket *bucket = &radix->buckets[index];
    if (bucket->length == bucket->capacity)
        bucket_grow(bucket);
    bucket->keys[bucket->length++] = *key;
    radix->occupied |= UINT64_C(1) << index;
}

/* `now` goes back: every key may belong to another bucket. It happens between runs only, when
 * somebody has looked ahead and then plans something earlier. */
static void radix_turn_back(EventRadix *radix, SimTime now)
{
    EventRadix old = *radix;
    *radix = (EventRadix){.now = now, .length = old.length};
    for (uint32_t i = 0; i < old.instant.length; i++)
        radix_place(radix, &old.instant.keys[i]);
    for (int index = 0; index < EVENT_RADIX_BUCKETS; index++) {
        for (uint32_t i = 0; i < old.buckets[index].length; i++)
            radix_place(radix, &old.buckets[index].keys[i]);
    }
    event_radix_clear(&old);
}

void event_radix_push(EventRadix *radix, const EventKey *key)
{
    CHECK(key->time >= 0 && radix->length < UINT32_MAX);
    if (key->time < radix->now)
        radix_turn_back(radix, key->time);
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

/* The keys of the lowest bucket agree in its bit, so with `now` among them all go lower. */
void event_radix_settle(EventRadix *radix)
{
    if (radix->instant.length > 0)
        return;
    CHECK(radix->occupied != 0);
    unsigned index = (unsigned)__builtin_ctzll(radix->occupied);
    EventBucket *bucket = &radix->buckets[index];
    radix->now = bucket_earliest(bucket);
    radix->occupied &= radix->occupied - 1;
    for (uint32_t i = 0; i < bucket->length; i++)
        radix_place(radix, &bucket->keys[i]);
    bucket_empty(bucket);
}
