/* The discrete-event simulator: a virtual clock, pending events, and the nodes they happen on.
 *
 * Everything that happens is an event on one node at one time. A node schedules events for itself
 * at any time from now on, and for another node only at a later time: nodes speak through the
 * network, whose links have a delay. Node 0 is the timeline: what the scenario's author does. */
#pragma once

#include "core/cause.h"
#include "core/event_queue.h"
#include "core/random.h"
#include "core/simtime.h"

#include <stdbool.h>
#include <stdint.h>

typedef struct Simulator Simulator;
typedef uint32_t NodeId;

enum { NODE_TIMELINE = 0 };

/* What an event does. `data` belongs to the event: `run` takes it, or, when the event is cancelled
 * or never comes, `discard` gets it (NULL when there is nothing to free). */
typedef struct EventAction {
    void (*run)(void *owner, void *data);
    void *owner;
    void *data;
    void (*discard)(void *data);
} EventAction;

/* A run whose end is not given lasts until no foreground event is left. Scans, polls, keep-alives
 * and the like are background: they do not keep a run going by themselves. */
typedef enum EventPriority {
    EVENT_FOREGROUND,
    EVENT_BACKGROUND,
} EventPriority;

/* A scheduled event, for cancelling it. A zero Timer is none. */
typedef struct Timer {
    uint32_t slot;
    uint32_t generation; /* 0: none */
} Timer;

Simulator *simulator_new(uint64_t seed);
/* With the event queue of that kind; the run is the same. */
Simulator *simulator_new_with_queue(uint64_t seed, EventQueueKind queue);
/* Frees pending events by their `discard`. */
void simulator_free(Simulator *simulator);

/* A new node; the name must be unique, and is copied. Ids count up from 1. */
NodeId simulator_add_node(Simulator *simulator, const char *name);
const char *simulator_node_name(const Simulator *simulator, NodeId node);
uint32_t simulator_node_count(const Simulator *simulator);
Random simulator_random(const Simulator *simulator, NodeId node, RandomPurpose purpose);

uint64_t simulator_seed(const Simulator *simulator);
SimTime simulator_now(const Simulator *simulator);
uint64_t simulator_event_count(const Simulator *simulator);
/* The node whose event runs now; NODE_TIMELINE outside of a run. */
NodeId simulator_current_node(const Simulator *simulator);
/* What set the running step off; the trace moves it on as records are made. A node that does two
 * unrelated things in one step saves it before and restores it between. */
Cause *simulator_cause(Simulator *simulator);

/* Schedules an event. `time` is not before now, and after now when another node than the current
 * one is its destination, unless the run has not begun. */
static inline Timer simulator_schedule(Simulator *simulator, SimTime time, NodeId destination,
                                       EventPriority priority, EventAction action);
/* Schedules an event to come right after the running one, before anything else on any node; before
 * the run, it is the first. `destination` is the node whose event runs now, or any one in an
 * event of the timeline. `data` is not freed. */
void simulator_interrupt(Simulator *simulator, NodeId destination, EventAction action);
/* For who would, as the last thing of the running event, schedule another for the same node and
 * time: whether that would be the very next to run. If so, it begins here, and who asked does what
 * it is to do; its cause is simulator_cause. It counts and sorts as one that was scheduled, but for
 * the way through the queue. */
bool simulator_begin_next(Simulator *simulator);
/* Fetches into the cache what an event with that owner and data, which are in it, will need:
 * FETCH_FAR two steps before it may come, FETCH_NEAR, with what that has fetched, one step. Changes
 * nothing. */
typedef enum FetchStage {
    FETCH_FAR,
    FETCH_NEAR,
} FetchStage;
typedef void EventFetch(const void *owner, const void *data, FetchStage stage);

/* Most events do `run`: for these, `fetch` is called ahead. */
void simulator_fetch_ahead(Simulator *simulator, void (*run)(void *owner, void *data),
                           EventFetch *fetch);
/* Cancels a pending event and clears the timer; nothing happens when it has run or is none. */
void simulator_cancel(Simulator *simulator, Timer *timer);
bool simulator_is_pending(const Simulator *simulator, Timer timer);

typedef enum SimulatorEnd {
    SIMULATOR_END_UNTIL,   /* the given time is reached */
    SIMULATOR_END_QUIET,   /* nothing is left that keeps the run going */
    SIMULATOR_END_STOPPED, /* simulator_stop was called */
    SIMULATOR_END_BUDGET,  /* the given number of events has run */
} SimulatorEnd;

typedef struct SimulatorLimits {
    SimTime until;       /* SIM_NEVER: until nothing in the foreground is left */
    uint64_t max_events; /* 0: no limit */
} SimulatorLimits;

/* Runs events up to and including those at `until`, and leaves the clock there; otherwise at the
 * last event. */
SimulatorEnd simulator_run(Simulator *simulator, SimulatorLimits limits);
/* When the next event is due; SIM_NEVER: there is none. */
SimTime simulator_next_time(Simulator *simulator);
/* Whether nothing is left that keeps a run without an end going. */
bool simulator_is_quiet(const Simulator *simulator);
/* Ends the run after the present event. */
void simulator_stop(Simulator *simulator);

/* An assertion that says when it failed and how to see it again. */
#define SIMULATOR_CHECK(simulator, expression)                                                     \
    do {                                                                                           \
        if (!(expression))                                                                         \
            simulator_check_failed(simulator, __FILE__, __LINE__, #expression);                    \
    } while (false)
__attribute__((cold)) _Noreturn void simulator_check_failed(const Simulator *simulator,
                                                            const char *file, int line,
                                                            const char *expression);

/* The action's members one by one: a struct that goes by way of the stack in pieces and comes back
 * in larger ones stops the processor each time. */
Timer simulator_schedule_call(Simulator *simulator, SimTime time, NodeId destination,
                              EventPriority priority, void (*run)(void *owner, void *data),
                              void *owner, void *data, void (*discard)(void *data));

static inline Timer simulator_schedule(Simulator *simulator, SimTime time, NodeId destination,
                                       EventPriority priority, EventAction action)
{
    return simulator_schedule_call(simulator, time, destination, priority, action.run, action.owner,
                                   action.data, action.discard);
}
