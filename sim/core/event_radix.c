/* The event queue as a monotone radix heap. See event_queue_internal.h. */
#include "core/check.h"
#include "core/event_queue_internal.h"
#include "core/sanitized.h"

#include <glib.h>

enum {
    BUCKET_FIRST_CAPACITY = 16,
    BUCKET_KEPT_CAPACITY = 4096, /* of an empty bucket; more is given back */
    RUN_MAXIMUM = 256,           /* keys that are sorted, if that takes few moves */
    RUN_SMALL = 48,              /* keys that are sorted anyway */
    RUN_KEYS_A_MOVE = 4,         /* few: one for so many keys */
};

void event_radix_clear(EventRadix *radix)
{
    for (int i = 0; i < EVENT_RADIX_BUCKETS; i++)
        g_free(radix->buckets[i].keys);
    event_heap_clear(&radix->soon);
    g_free(radix->run.keys);
    *radix = (EventRadix){0};
}

__attribute__((cold, noinline)) static void bucket_grow(EventBucket *bucket)
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

/* `now` is radix->now, which the compiler would else read again for each key. */
static inline void radix_place(EventRadix *radix, SimTime now, const EventKey *key)
{
    if (key->time <= now) {
        event_heap_push(&radix->soon, key);
        return;
    }
    uint64_t difference = (uint64_t)key->time ^ (uint64_t)now;
    unsigned index = 63u - (unsigned)__builtin_clzll(difference);
    EventBucket *bucket = &radix->buckets[index];
    if (bucket->length == bucket->capacity)
        bucket_grow(bucket);
    radix->occupied |= UINT64_C(1) << index;
    bucket->keys[bucket->length++] = *key;
}

void event_radix_push(EventRadix *radix, const EventKey *key)
{
    CHECK_SANITIZED(key->time >= 0 && radix->length < UINT32_MAX);
    radix_place(radix, radix->now, key);
    radix->length++;
}

static SimTime bucket_earliest(const EventBucket *bucket)
{
    SimTime earliest = bucket->keys[0].time;
    for (uint32_t i = 1; i < bucket->length; i++)
        earliest = MIN(earliest, bucket->keys[i].time);
    return earliest;
}

/* Sorts keys by insertion. They come mostly in order, as what is scheduled later is mostly due
 * later; false: so many moves would it take that they are still in some order. */
static bool keys_sort(EventKey *keys, uint32_t count)
{
    uint32_t moves = count <= RUN_SMALL ? UINT32_MAX : count / RUN_KEYS_A_MOVE;
    for (uint32_t i = 1; i < count; i++) {
        if (!event_key_is_before(&keys[i], &keys[i - 1]))
            continue;
        EventKey key = keys[i];
        uint32_t at = i;
        for (; at > 0 && event_key_is_before(&key, &keys[at - 1]); at--)
            keys[at] = keys[at - 1];
        keys[at] = key;
        if (moves < i - at)
            return false;
        moves -= i - at;
    }
    return true;
}

/* The bucket's sorted keys become the run, and its array the run's. */
static void run_take(EventRun *run, EventBucket *bucket)
{
    EventBucket emptied = {run->keys, 0, run->capacity};
    *run = (EventRun){bucket->keys, 0, bucket->length, bucket->capacity};
    *bucket = emptied;
}

/* Moves keys until the earliest is in the run or in the heap. The keys of the lowest bucket agree
 * in its bit, so with `now` at the time of one of them all go lower; with `now` at the latest, all
 * are due. */
void event_radix_settle(EventRadix *radix)
{
    CHECK(radix->occupied != 0);
    unsigned index = (unsigned)__builtin_ctzll(radix->occupied);
    EventBucket *bucket = &radix->buckets[index];
    radix->occupied &= radix->occupied - 1;
    if (bucket->length <= RUN_MAXIMUM && keys_sort(bucket->keys, bucket->length)) {
        run_take(&radix->run, bucket);
        radix->now = radix->run.keys[radix->run.end - 1].time;
        return;
    }
    SimTime now = bucket_earliest(bucket);
    const EventKey *keys = bucket->keys;
    radix->now = now;
    for (uint32_t i = 0, length = bucket->length; i < length; i++)
        radix_place(radix, now, &keys[i]);
    bucket_empty(bucket);
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
    if (run->first < run->end)
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
