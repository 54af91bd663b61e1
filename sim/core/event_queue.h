/* The event queue: pending events in the written total order of the design,
 *
 *     (time, destination node, round, source node, source's own sequence)
 *
 * which depends neither on a global insertion counter nor on an address. The queue orders keys
 * and carries a slot and its generation for each; what they mean belongs to the simulator.
 *
 * There are two implementations behind this interface. They give the same keys in the same order,
 * so a run's trace is the same with either, and each is the other's judge. */
#pragma once

#include "core/simtime.h"

#include <stdbool.h>
#include <stdint.h>

/* `round` counts the zero-delay steps that a node takes with itself within one instant, so that an
 * effect never sorts before its cause. */
typedef struct EventKey {
    SimTime time; /* not negative */
    uint32_t destination;
    uint32_t round;
    uint64_t origin;           /* event_key_origin */
    uint32_t slot, generation; /* what it stands for: not part of the order */
} EventKey;

enum { EVENT_SEQUENCE_BITS = 40, EVENT_MAX_SOURCES = 1 << (64 - EVENT_SEQUENCE_BITS) };

/* Source node and its own sequence in one number, which is in their order: a node that schedules a
 * million events a second does so for 12 days before its sequence ends. */
static inline uint64_t event_key_origin(uint32_t source, uint64_t sequence)
{
    return (uint64_t)source << EVENT_SEQUENCE_BITS | sequence;
}

/* True when `a` happens before `b`. Keys of two events are never equal. */
static inline bool event_key_is_before(const EventKey *a, const EventKey *b)
{
    if (a->time != b->time)
        return a->time < b->time;
    if (a->destination != b->destination)
        return a->destination < b->destination;
    if (a->round != b->round)
        return a->round < b->round;
    return a->origin < b->origin;
}

typedef enum EventQueueKind {
    EVENT_QUEUE_RADIX, /* a wheel for what is near and a monotone radix heap for the rest: the
                          faster one */
    EVENT_QUEUE_HEAP,  /* a heap of four children a node */
} EventQueueKind;

typedef struct EventQueue EventQueue;

EventQueue *event_queue_new(EventQueueKind kind);
void event_queue_free(EventQueue *queue);
/* Any time will do. */
void event_queue_push(EventQueue *queue, const EventKey *key);
/* The earliest key, or NULL when the queue is empty; valid until the queue changes. */
const EventKey *event_queue_peek(EventQueue *queue);
/* Removes the earliest key; the queue is not empty. */
EventKey event_queue_pop(EventQueue *queue);
/* Removes the key that event_queue_peek has just given. */
void event_queue_drop(EventQueue *queue, const EventKey *earliest);
/* Keys that may well come next, for who wants to fetch what they stand for ahead: a hint, `count`
 * of them, in no order; valid until the queue changes. */
const EventKey *event_queue_soon(const EventQueue *queue, uint32_t *count);
uint32_t event_queue_length(const EventQueue *queue);
/* Takes out all keys that `is_dead`, which is asked once for each; in one pass over the queue. */
typedef bool EventKeyTest(void *owner, const EventKey *key);
void event_queue_sweep(EventQueue *queue, EventKeyTest *is_dead, void *owner);
