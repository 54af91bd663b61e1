/* The event queue: pending events in the written total order of the design,
 *
 *     (time, destination node, round, source node, source's own sequence)
 *
 * which depends neither on a global insertion counter nor on an address. The queue orders keys
 * and carries one 32-bit slot for each; what a slot means belongs to the simulator. */
#pragma once

#include "core/simtime.h"

#include <stdbool.h>
#include <stdint.h>

/* `round` counts the zero-delay steps that a node takes with itself within one instant, so that an
 * effect never sorts before its cause. */
typedef struct EventKey {
    SimTime time;
    uint64_t sequence; /* of the source node */
    uint32_t destination;
    uint32_t round;
    uint32_t source;
    uint32_t slot; /* not part of the order */
} EventKey;

/* True when `a` happens before `b`. Keys of two events are never equal. */
bool event_key_is_before(const EventKey *a, const EventKey *b);

typedef struct EventQueue EventQueue;

EventQueue *event_queue_new(void);
void event_queue_free(EventQueue *queue);
void event_queue_push(EventQueue *queue, const EventKey *key);
/* The earliest key, or NULL when the queue is empty; valid until the queue changes. */
const EventKey *event_queue_peek(const EventQueue *queue);
/* Removes the earliest key; the queue is not empty. */
EventKey event_queue_pop(EventQueue *queue);
uint32_t event_queue_length(const EventQueue *queue);
