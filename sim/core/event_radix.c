/* The event queue as a monotone radix heap over a wheel. See event_queue_internal.h. */
#include "core/check.h"
#include "core/event_queue_internal.h"
#include "core/sanitized.h"

#include <glib.h>

enum {
    BUCKET_FIRST_CAPACITY = 16,
    BUCKET_KEPT_CAPACITY = 4096, /* of an empty bucket; more is given back */
    RUN_WANTED = 12,             /* keys, so that it need not be lengthened for each */
    TICK_SMALL = 24,             /* keys that are sorted anyway; */
    TICK_KEYS_A_MOVE = 4,        /* more, if that takes one move for so many keys */
    TICK_KEYS = 4,               /* that it is made short for */
};

void event_radix_init(EventRadix *radix)
{
    *radix = (EventRadix){.wheel.tick_bits = EVENT_TICK_BITS};
}

void event_radix_clear(EventRadix *radix)
{
    for (int i = 0; i < EVENT_RADIX_BUCKETS; i++)
        g_free(radix->buckets[i].keys);
    event_heap_clear(&radix->soon);
    g_free(radix->run.keys);
    g_free(radix->wheel.keys);
    event_radix_init(radix);
}

/* ---- The wheel ---- */

__attribute__((cold, noinline)) static void wheel_grow(EventWheel *wheel)
{
    enum { FIRST_CAPACITY = 64 };
    CHECK(wheel->capacity <= UINT32_MAX / 2);
    wheel->capacity = MAX(2 * wheel->capacity, FIRST_CAPACITY);
    wheel->keys = g_renew(EventWheelKey, wheel->keys, wheel->capacity);
}

/* The index + 1 of memory for a key, the one that was given back last. */
static inline uint32_t wheel_take(EventWheel *wheel)
{
    uint32_t number = wheel->free;
    if (G_LIKELY(number != 0)) {
        wheel->free = wheel->keys[number - 1].next;
        return number;
    }
    if (wheel->length == wheel->capacity)
        wheel_grow(wheel);
    return ++wheel->length;
}

static inline void wheel_put(EventWheel *wheel, uint32_t tick, const EventKey *key)
{
    uint32_t number = wheel_take(wheel);
    wheel->keys[number - 1] = (EventWheelKey){*key, wheel->ticks[tick]};
    wheel->ticks[tick] = number;
    wheel->words[tick / EVENT_WORD_BITS] |= UINT64_C(1) << tick % EVENT_WORD_BITS;
    wheel->occupied |= UINT64_C(1) << tick / EVENT_WORD_BITS;
}

/* The first tick that has keys; there is one. */
static inline uint32_t wheel_first(const EventWheel *wheel)
{
    uint32_t word = (uint32_t)__builtin_ctzll(wheel->occupied);
    return word * EVENT_WORD_BITS + (uint32_t)__builtin_ctzll(wheel->words[word]);
}

/* There are no keys in the tick any more. */
static inline void wheel_forget(EventWheel *wheel, uint32_t tick)
{
    uint32_t word = tick / EVENT_WORD_BITS;
    wheel->ticks[tick] = 0;
    wheel->words[word] &= ~(UINT64_C(1) << tick % EVENT_WORD_BITS);
    if (wheel->words[word] == 0)
        wheel->occupied &= ~(UINT64_C(1) << word);
}

static uint32_t wheel_count(const EventWheel *wheel, uint32_t tick)
{
    uint32_t count = 0;
    for (uint32_t number = wheel->ticks[tick]; number != 0; number = wheel->keys[number - 1].next)
        count++;
    return count;
}

/* Takes all keys out of a tick that has some to `keys`, in the order in which they came. */
static void wheel_take_tick(EventWheel *wheel, uint32_t tick, EventKey *keys, uint32_t count)
{
    uint32_t first = wheel->ticks[tick];
    for (uint32_t number = first;;) {
        EventWheelKey *held = &wheel->keys[number - 1];
        keys[--count] = held->key;
        number = held->next;
        if (count == 0) {
            held->next = wheel->free;
            break;
        }
    }
    wheel->free = first;
    wheel_forget(wheel, tick);
}

/* The memory of an empty wheel is given out in order again, which many keys need. */
static void wheel_begin(EventWheel *wheel)
{
    CHECK_SANITIZED(wheel->occupied == 0);
    wheel->length = 0;
    wheel->free = 0;
}

/* Takes out all keys, to free: those of one tick the latest first. */
static EventKey *wheel_take_all(EventWheel *wheel, uint32_t *count)
{
    EventKey *keys = g_new(EventKey, wheel->length);
    EventKey *key = keys;
    while (wheel->occupied != 0) {
        uint32_t tick = wheel_first(wheel);
        for (uint32_t number = wheel->ticks[tick]; number != 0;) {
            const EventWheelKey *held = &wheel->keys[number - 1];
            *key++ = held->key;
            number = held->next;
        }
        wheel_forget(wheel, tick);
    }
    wheel_begin(wheel);
    *count = (uint32_t)(key - keys);
    return keys;
}

/* Takes the dead keys out of the tick; returns how many are left. */
static uint32_t wheel_sweep_tick(EventWheel *wheel, uint32_t tick, EventKeyTest *is_dead,
                                 void *owner)
{
    uint32_t kept = 0;
    for (uint32_t *link = &wheel->ticks[tick]; *link != 0;) {
        uint32_t number = *link;
        EventWheelKey *held = &wheel->keys[number - 1];
        if (!is_dead(owner, &held->key)) {
            link = &held->next;
            kept++;
            continue;
        }
        *link = held->next;
        held->next = wheel->free;
        wheel->free = number;
    }
    if (kept == 0)
        wheel_forget(wheel, tick);
    return kept;
}

static uint32_t wheel_sweep(EventWheel *wheel, EventKeyTest *is_dead, void *owner)
{
    uint32_t kept = 0;
    for (uint32_t word = 0; word < EVENT_WORD_BITS; word++) {
        for (uint64_t left = wheel->words[word]; left != 0; left &= left - 1) {
            uint32_t tick = word * EVENT_WORD_BITS + (uint32_t)__builtin_ctzll(left);
            kept += wheel_sweep_tick(wheel, tick, is_dead, owner);
        }
    }
    return kept;
}

/* ---- Buckets ---- */

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

static SimTime keys_earliest(const EventKey *keys, uint32_t count)
{
    SimTime earliest = keys[0].time;
    for (uint32_t i = 1; i < count; i++)
        earliest = MIN(earliest, keys[i].time);
    return earliest;
}

/* Places a key whose tick has not begun. */
static inline void radix_place(EventRadix *radix, const EventKey *key)
{
    EventWheel *wheel = &radix->wheel;
    uint64_t difference = (uint64_t)key->time ^ wheel->start;
    uint64_t tick = difference >> wheel->tick_bits;
    if (tick < EVENT_TURN_TICKS) {
        wheel_put(wheel, (uint32_t)tick, key);
        return;
    }
    unsigned index = 63u - (unsigned)__builtin_clzll(difference);
    EventBucket *bucket = &radix->buckets[index];
    if (bucket->length == bucket->capacity)
        bucket_grow(bucket);
    radix->occupied |= UINT64_C(1) << index;
    bucket->keys[bucket->length++] = *key;
}

/* Places one that comes before the wheel's keys: at the front of the run, if it is the next and
 * there is room where keys have been taken from, as for what an event schedules at once. */
static inline void radix_place_soon(EventRadix *radix, const EventKey *key)
{
    EventRun *run = &radix->run;
    if (run->first > 0 && run->first < run->end && event_key_is_before(key, &run->keys[run->first]))
        run->keys[--run->first] = *key;
    else
        event_heap_push(&radix->soon, key);
}

void event_radix_push(EventRadix *radix, const EventKey *key)
{
    CHECK_SANITIZED(key->time >= 0 && radix->length < UINT32_MAX);
    radix->length++;
    if ((uint64_t)key->time < radix->begun)
        radix_place_soon(radix, key);
    else
        radix_place(radix, key);
}

/* The start of the wheel's turn with that time. */
static void wheel_turn_to(EventWheel *wheel, SimTime time)
{
    unsigned bits = wheel->tick_bits + EVENT_TURN_BITS;
    wheel->start = (uint64_t)time >> bits << bits;
}

/* Moves the wheel, which is empty, to the first turn that has keys. Those of the lowest bucket
 * agree in its bit, so what is not in the turn goes to lower buckets; a turn has no higher bits, as
 * those of the other buckets are none of its keys. */
static void radix_turn(EventRadix *radix)
{
    unsigned index = (unsigned)__builtin_ctzll(radix->occupied);
    EventBucket *bucket = &radix->buckets[index];
    EventWheel *wheel = &radix->wheel;
    radix->occupied &= radix->occupied - 1;
    if (wheel->length < EVENT_TURN_TICKS) /* there never was a key for each tick in the last turn */
        wheel->tick_bits = MIN(index + 1 - EVENT_TURN_BITS, EVENT_TICK_BITS);
    wheel_turn_to(wheel, keys_earliest(bucket->keys, bucket->length));
    radix->begun = wheel->start;
    wheel_begin(wheel);
    for (uint32_t i = 0, length = bucket->length; i < length; i++)
        radix_place(radix, &bucket->keys[i]);
    bucket_empty(bucket);
}

/* ---- The run ---- */

/* Sorts keys by insertion. They come mostly in order, as what is scheduled later is mostly due
 * later; false: so many moves would it take that they are still in some order. */
static bool keys_sort(EventKey *keys, uint32_t count)
{
    uint32_t moves = count <= TICK_SMALL ? UINT32_MAX : count / TICK_KEYS_A_MOVE;
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

static void run_make_room(EventRun *run, uint32_t count)
{
    if (count <= run->capacity - run->end)
        return;
    CHECK(count <= UINT32_MAX / 2 - run->end);
    run->capacity = MAX(2 * run->capacity, run->end + count);
    run->keys = g_renew(EventKey, run->keys, run->capacity);
}

/* Few keys are left, so the run stays where it is in the cache. */
static void run_move_up(EventRun *run)
{
    uint32_t left = run->end - run->first;
    for (uint32_t i = 0; i < left; i++)
        run->keys[i] = run->keys[run->first + i];
    run->first = 0;
    run->end = left;
}

/* For keys so dense; shorter than that of all of them. */
static unsigned bits_of_tick(const EventKey *keys, uint32_t count)
{
    SimTime earliest = keys[0].time, latest = earliest;
    for (uint32_t i = 1; i < count; i++) {
        earliest = MIN(earliest, keys[i].time);
        latest = MAX(latest, keys[i].time);
    }
    uint64_t tick = (uint64_t)(latest - earliest) * TICK_KEYS / count;
    return tick > 0 ? 63u - (unsigned)__builtin_clzll(tick) : 0;
}

/* Places keys of the wheel's first tick, which is empty, and the wheel's anew in ticks that a few
 * of the former would fill. */
static void radix_shorten_ticks(EventRadix *radix, const EventKey *keys, uint32_t count)
{
    EventWheel *wheel = &radix->wheel;
    uint32_t left = 0;
    EventKey *later = wheel_take_all(wheel, &left);
    SimTime earliest = keys_earliest(keys, count);
    wheel->tick_bits = bits_of_tick(keys, count);
    wheel_turn_to(wheel, earliest);
    for (uint32_t i = 0; i < count; i++)
        radix_place(radix, &keys[i]);
    while (left > 0)
        radix_place(radix, &later[--left]);
    g_free(later);
}

/* Takes the wheel's first tick to the end of the run. What cannot be sorted in a few moves goes to
 * shorter ticks, and what comes at one nanosecond to the heap. */
static void radix_begin_tick(EventRadix *radix)
{
    EventRun *run = &radix->run;
    EventWheel *wheel = &radix->wheel;
    uint32_t tick = wheel_first(wheel);
    uint32_t count = wheel_count(wheel, tick);
    run_make_room(run, count);
    EventKey *keys = &run->keys[run->end];
    wheel_take_tick(wheel, tick, keys, count);
    uint64_t end = wheel->start + ((uint64_t)(tick + 1) << wheel->tick_bits);
    if (count == 1 || keys_sort(keys, count)) {
        run->end += count;
    } else if (wheel->tick_bits > 0) {
        radix_shorten_ticks(radix, keys, count);
        return;
    } else {
        for (uint32_t i = 0; i < count; i++)
            event_heap_push(&radix->soon, &keys[i]);
    }
    radix->begun = end;
}

/* Lengthens the run from the wheel; where that is empty, it moves on first. */
static void radix_settle(EventRadix *radix)
{
    if (radix->wheel.occupied == 0)
        radix_turn(radix);
    run_move_up(&radix->run);
    do
        radix_begin_tick(radix);
    while (radix->wheel.occupied != 0 && radix->run.end < RUN_WANTED);
}

const EventKey *event_radix_peek_both(EventRadix *radix)
{
    const EventRun *run = &radix->run;
    const EventHeap *soon = &radix->soon;
    uint32_t ahead = run->end - run->first;
    bool is_empty = ahead == 0 && soon->length == 0;
    if (ahead < EVENT_RUN_LOW && (radix->wheel.occupied != 0 || (is_empty && radix->occupied != 0)))
        radix_settle(radix);
    const EventKey *next = run->first < run->end ? &run->keys[run->first] : NULL;
    if (soon->length > 0 && (next == NULL || event_key_is_before(&soon->keys[0], next)))
        return &soon->keys[0];
    return next;
}

/* ---- All keys ---- */

const EventKey *event_radix_soon(const EventRadix *radix, uint32_t *count)
{
    const EventRun *run = &radix->run;
    *count = run->end - run->first;
    if (*count > 0)
        return &run->keys[run->first];
    *count = radix->soon.length;
    return radix->soon.keys;
}

void event_radix_sweep(EventRadix *radix, EventKeyTest *is_dead, void *owner)
{
    EventRun *run = &radix->run;
    if (run->first < run->end)
        run->end = run->first +
                   event_keys_sweep(&run->keys[run->first], run->end - run->first, is_dead, owner);
    event_heap_sweep(&radix->soon, is_dead, owner);
    radix->length =
        run->end - run->first + radix->soon.length + wheel_sweep(&radix->wheel, is_dead, owner);
    for (uint64_t left = radix->occupied; left != 0; left &= left - 1) {
        unsigned index = (unsigned)__builtin_ctzll(left);
        EventBucket *bucket = &radix->buckets[index];
        bucket->length = event_keys_sweep(bucket->keys, bucket->length, is_dead, owner);
        radix->length += bucket->length;
        if (bucket->length == 0)
            radix->occupied &= ~(UINT64_C(1) << index);
    }
}
