/* The discrete-event simulator. See simulator.h. A pending event is a key in the event queue and a
 * slot with its action. A cancelled event gives its slot back at once, for the next event, which
 * finds it in the cache, and leaves its key behind, to be skipped when it comes, or swept out with
 * the others when they are more than the pending ones: a timeout of minutes that each line of a
 * dialogue sets anew would leave thousands. */
#include "core/simulator.h"

#include "core/cache_line.h"
#include "core/check.h"
#include "core/event_queue.h"

#include <glib.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* One cache line: a run with many pending events waits for memory more than for anything else. */
typedef struct EventSlot {
    EventAction action;
    Cause cause;
    uint32_t generation; /* odd, so never 0; another one once its event has run or is cancelled: a
                            key or a Timer of the same generation is that of the pending event */
    uint32_t state; /* SLOT_FOREGROUND or SLOT_BACKGROUND: an event is pending; else the slot is
                       free, and this is the index + 1 of the next free one, or 0 */
} EventSlot;

enum { SLOTS_FIRST_CAPACITY = 64, SLOTS_MAXIMUM = (1 << 30) - 1 };
enum { SLOT_FOREGROUND = SLOTS_MAXIMUM + 1, SLOT_BACKGROUND }; /* in EventPriority's order */
_Static_assert(EVENT_FOREGROUND == 0 && EVENT_BACKGROUND == 1, "states in that order");
_Static_assert(sizeof(EventSlot) == CACHE_LINE, "a slot fills a cache line");

/* An event that comes right after the running one. */
typedef struct Interrupt {
    EventAction action;
    Cause cause;
    NodeId destination;
} Interrupt;

typedef struct Node {
    char *name;
    uint64_t next_origin; /* event_key_origin of the next event that this node schedules */
} Node;

struct Simulator {
    uint64_t seed;
    EventQueue *queue;
    EventSlot *slots;
    uint32_t slot_count;
    uint32_t first_free; /* index + 1; there always is one */
    uint32_t foreground_count;
    uint32_t cancelled_count; /* keys in the queue whose events are cancelled */
    Node *nodes;
    uint32_t node_count, node_capacity;
    GArray *interrupts; /* Interrupt, in the order in which they came */
    EventKey current;
    Cause cause;
    uint64_t event_count;
    uint64_t budget_end;                          /* of the run: it ends with that event */
    void (*fetched_run)(void *owner, void *data); /* simulator_fetch_ahead */
    EventFetch *fetch;
    bool is_running;
    bool is_stopped;
};

static EventSlot *slot_at(const Simulator *simulator, uint32_t index)
{
    return &simulator->slots[index];
}

static bool slot_is_pending(const EventSlot *slot)
{
    return slot->state > SLOTS_MAXIMUM;
}

static bool key_is_pending(const Simulator *simulator, const EventKey *key)
{
    const EventSlot *slot = slot_at(simulator, key->slot);
    return slot->generation == key->generation && slot_is_pending(slot);
}

static Node *node_at(const Simulator *simulator, NodeId node)
{
    CHECK(node < simulator->node_count);
    return &simulator->nodes[node];
}

/* When the last free slot is taken: the new ones are free. */
__attribute__((cold, noinline)) static void slots_grow(Simulator *simulator)
{
    uint32_t count = simulator->slot_count;
    CHECK(count <= SLOTS_MAXIMUM / 2);
    uint32_t more = MAX(2 * count, SLOTS_FIRST_CAPACITY);
    EventSlot *slots = aligned_alloc(CACHE_LINE, more * sizeof(EventSlot));
    CHECK(slots != NULL);
    if (count > 0)
        memcpy(slots, simulator->slots, count * sizeof(EventSlot));
    for (uint32_t i = count; i < more; i++)
        slots[i] = (EventSlot){.generation = 1, .state = i + 1 < more ? i + 2 : 0};
    free(simulator->slots);
    simulator->slots = slots;
    simulator->slot_count = more;
    simulator->first_free = count + 1;
}

Simulator *simulator_new(uint64_t seed)
{
    return simulator_new_with_queue(seed, EVENT_QUEUE_RADIX);
}

Simulator *simulator_new_with_queue(uint64_t seed, EventQueueKind queue)
{
    Simulator *simulator = g_new0(Simulator, 1);
    simulator->seed = seed;
    simulator->queue = event_queue_new(queue);
    simulator->interrupts = g_array_new(FALSE, FALSE, sizeof(Interrupt));
    slots_grow(simulator);
    simulator_add_node(simulator, "timeline");
    return simulator;
}

void simulator_free(Simulator *simulator)
{
    for (uint32_t i = 0; i < simulator->slot_count; i++) {
        EventSlot *slot = slot_at(simulator, i);
        if (slot_is_pending(slot) && slot->action.discard != NULL)
            slot->action.discard(slot->action.data);
    }
    free(simulator->slots);
    for (uint32_t i = 0; i < simulator->node_count; i++)
        g_free(simulator->nodes[i].name);
    g_free(simulator->nodes);
    g_array_unref(simulator->interrupts);
    event_queue_free(simulator->queue);
    g_free(simulator);
}

NodeId simulator_add_node(Simulator *simulator, const char *name)
{
    enum { NODES_FIRST_CAPACITY = 16 };
    CHECK(simulator->node_count < EVENT_MAX_SOURCES);
    if (simulator->node_count == simulator->node_capacity) {
        simulator->node_capacity = MAX(2 * simulator->node_capacity, NODES_FIRST_CAPACITY);
        simulator->nodes = g_renew(Node, simulator->nodes, simulator->node_capacity);
    }
    NodeId id = simulator->node_count++;
    simulator->nodes[id] = (Node){g_strdup(name), event_key_origin(id, 0)};
    return id;
}

const char *simulator_node_name(const Simulator *simulator, NodeId node)
{
    return node_at(simulator, node)->name;
}

uint32_t simulator_node_count(const Simulator *simulator)
{
    return simulator->node_count;
}

Random simulator_random(const Simulator *simulator, NodeId node, RandomPurpose purpose)
{
    return random_stream(simulator->seed, simulator_node_name(simulator, node), purpose);
}

uint64_t simulator_seed(const Simulator *simulator)
{
    return simulator->seed;
}

SimTime simulator_now(const Simulator *simulator)
{
    return simulator->current.time;
}

uint64_t simulator_event_count(const Simulator *simulator)
{
    return simulator->event_count;
}

NodeId simulator_current_node(const Simulator *simulator)
{
    return simulator->current.destination;
}

Cause *simulator_cause(Simulator *simulator)
{
    return &simulator->cause;
}

/* Gives the slot back, whose event is not pending any more. */
static void slot_release(Simulator *simulator, uint32_t index)
{
    EventSlot *slot = slot_at(simulator, index);
    simulator->foreground_count -= slot->state == SLOT_FOREGROUND;
    slot->generation += 2;
    slot->state = simulator->first_free;
    simulator->first_free = index + 1;
}

/* The round of an event that is not later than now: it follows in the step, if there is one. */
static inline uint32_t next_round(const Simulator *simulator, SimTime time, NodeId destination)
{
    const EventKey *current = &simulator->current;
    SIMULATOR_CHECK(simulator, time == current->time);
    if (!simulator->is_running)
        return 0;
    SIMULATOR_CHECK(simulator, destination == current->destination);
    return current->round + 1;
}

__attribute__((flatten)) Timer simulator_schedule_call(Simulator *simulator, SimTime time,
                                                       NodeId destination, EventPriority priority,
                                                       void (*run)(void *owner, void *data),
                                                       void *owner, void *data,
                                                       void (*discard)(void *data))
{
    SIMULATOR_CHECK(simulator, time != SIM_NEVER);
    CHECK(destination < simulator->node_count);
    const EventKey *current = &simulator->current;
    bool is_later = G_LIKELY(time > current->time);
    uint32_t index = simulator->first_free - 1;
    EventSlot *slot = slot_at(simulator, index);
    simulator->first_free = slot->state;
    Timer timer = {index, slot->generation};
    slot->action = (EventAction){run, owner, data, discard};
    slot->cause = simulator->cause;
    slot->state = SLOT_FOREGROUND + priority;
    simulator->foreground_count += priority == EVENT_FOREGROUND;
    EventKey key = {
        .time = time,
        .destination = destination,
        .round = is_later ? 0 : next_round(simulator, time, destination),
        .origin = simulator->nodes[current->destination].next_origin++,
        .slot = timer.slot,
        .generation = timer.generation,
    };
    event_queue_push(simulator->queue, &key);
    if (G_UNLIKELY(simulator->first_free == 0))
        slots_grow(simulator);
    return timer;
}

void simulator_interrupt(Simulator *simulator, NodeId destination, EventAction action)
{
    SIMULATOR_CHECK(simulator, !simulator->is_running ||
                                   destination == simulator->current.destination ||
                                   simulator->current.destination == NODE_TIMELINE);
    Interrupt interrupt = {action, simulator->cause, destination};
    g_array_append_val(simulator->interrupts, interrupt);
}

bool simulator_is_pending(const Simulator *simulator, Timer timer)
{
    if (timer.generation == 0)
        return false;
    const EventSlot *slot = slot_at(simulator, timer.slot);
    return slot->generation == timer.generation && slot_is_pending(slot);
}

/* An EventKeyTest. */
static bool key_is_cancelled(void *owner, const EventKey *key)
{
    return !key_is_pending(owner, key);
}

static void note_cancelled(Simulator *simulator)
{
    enum { CANCELLED_FEW = 256 };
    uint32_t cancelled = ++simulator->cancelled_count;
    if (cancelled > CANCELLED_FEW && cancelled > event_queue_length(simulator->queue) / 2) {
        event_queue_sweep(simulator->queue, key_is_cancelled, simulator);
        simulator->cancelled_count = 0;
    }
}

void simulator_cancel(Simulator *simulator, Timer *timer)
{
    Timer cancelled = *timer;
    *timer = (Timer){0};
    if (!simulator_is_pending(simulator, cancelled))
        return;
    EventAction action = slot_at(simulator, cancelled.slot)->action;
    slot_release(simulator, cancelled.slot);
    note_cancelled(simulator);
    if (action.discard != NULL)
        action.discard(action.data);
}

/* Drops the keys of cancelled events from the front of the queue, where there is one. */
__attribute__((noinline)) static const EventKey *queue_skip_cancelled(Simulator *simulator)
{
    const EventKey *key = event_queue_peek(simulator->queue);
    while (key != NULL && !key_is_pending(simulator, key)) {
        event_queue_drop(simulator->queue, key);
        simulator->cancelled_count--;
        key = event_queue_peek(simulator->queue);
    }
    return key;
}

static inline const EventKey *queue_peek_pending(Simulator *simulator)
{
    const EventKey *key = event_queue_peek(simulator->queue);
    if (G_LIKELY(key == NULL || key_is_pending(simulator, key)))
        return key;
    return queue_skip_cancelled(simulator);
}

bool simulator_begin_next(Simulator *simulator)
{
    EventKey *current = &simulator->current;
    if (!simulator->is_running || simulator->is_stopped || simulator->interrupts->len > 0 ||
        simulator->event_count >= simulator->budget_end)
        return false;
    const EventKey *next = queue_peek_pending(simulator);
    if (next != NULL && next->time == current->time && next->destination <= current->destination)
        return false;
    current->origin = simulator->nodes[current->destination].next_origin++;
    current->round++;
    simulator->event_count++;
    return true;
}

void simulator_fetch_ahead(Simulator *simulator, void (*run)(void *owner, void *data),
                           EventFetch *fetch)
{
    simulator->fetched_run = run;
    simulator->fetch = fetch;
}

static inline void fetch_for(const Simulator *simulator, const EventKey *key, FetchStage stage)
{
    const EventSlot *slot = slot_at(simulator, key->slot);
    if (G_LIKELY(slot->generation == key->generation) && slot->action.run == simulator->fetched_run)
        simulator->fetch(slot->action.owner, slot->action.data, stage);
}

static inline void fetch_what_is_given(const EventAction *action)
{
    const char *data = action->data;
    __builtin_prefetch(action->owner);
    if (data != NULL) { /* address 0 is in no page: looking for it takes long */
        __builtin_prefetch(data);
        __builtin_prefetch(data + CACHE_LINE);
    }
}

/* Fetches what the next events need into the cache while the present one runs, in four stages, as
 * each finds its way by what the one before has fetched: the slot of the sixth event from here,
 * which is mostly the coldest, what the third is given, what the second and the first will find
 * there. Changes nothing but the time. */
static inline void fetch_ahead(const Simulator *simulator)
{
    uint32_t count = 0;
    const EventKey *keys = event_queue_soon(simulator->queue, &count);
    if (count > 5)
        __builtin_prefetch(slot_at(simulator, keys[5].slot));
    if (count > 2)
        fetch_what_is_given(&slot_at(simulator, keys[2].slot)->action);
    if (count > 1)
        fetch_for(simulator, &keys[1], FETCH_FAR);
    if (count > 0)
        fetch_for(simulator, &keys[0], FETCH_NEAR);
}

/* Runs the event whose key queue_peek_pending gave. */
static void simulator_step(Simulator *simulator, const EventKey *next)
{
    uint32_t index = next->slot;
    EventSlot *slot = slot_at(simulator, index);
    EventAction action = slot->action;
    simulator->current = *next;
    simulator->cause = slot->cause;
    event_queue_drop(simulator->queue, next);
    slot_release(simulator, index);
    simulator->event_count++;
    if (simulator->current.round == 0) /* else those that come next have not moved up */
        fetch_ahead(simulator);
    action.run(action.owner, action.data);
}

/* Each takes the place of the event that it interrupts, so what it schedules for its own node comes
 * a round later, as what the event itself scheduled. */
static void simulator_run_interrupts(Simulator *simulator)
{
    if (G_LIKELY(simulator->interrupts->len == 0))
        return;
    for (guint i = 0; i < simulator->interrupts->len; i++) {
        Interrupt interrupt = g_array_index(simulator->interrupts, Interrupt, i);
        simulator->current.destination = interrupt.destination;
        simulator->cause = interrupt.cause;
        simulator->event_count++;
        interrupt.action.run(interrupt.action.owner, interrupt.action.data);
    }
    g_array_set_size(simulator->interrupts, 0);
}

bool simulator_is_quiet(const Simulator *simulator)
{
    return simulator->foreground_count == 0;
}

/* Whether the run goes on with that event; if not, `end` says why. */
static bool goes_on(const Simulator *simulator, SimTime until, const EventKey *next,
                    SimulatorEnd *end)
{
    bool is_quiet = until == SIM_NEVER && simulator->foreground_count == 0;
    if (next != NULL && next->time <= until && !is_quiet &&
        simulator->event_count < simulator->budget_end)
        return true;
    if (next != NULL && next->time > until)
        *end = SIMULATOR_END_UNTIL;
    else if (next == NULL || is_quiet)
        *end = until == SIM_NEVER ? SIMULATOR_END_QUIET : SIMULATOR_END_UNTIL;
    else
        *end = SIMULATOR_END_BUDGET;
    return false;
}

static SimulatorEnd simulator_run_events(Simulator *simulator, SimulatorLimits limits)
{
    SimulatorEnd end = SIMULATOR_END_STOPPED;
    simulator->budget_end =
        limits.max_events == 0 ? UINT64_MAX : simulator->event_count + limits.max_events;
    simulator_run_interrupts(simulator);
    while (!simulator->is_stopped) {
        const EventKey *next = queue_peek_pending(simulator);
        if (!goes_on(simulator, limits.until, next, &end))
            break;
        simulator_step(simulator, next);
        simulator_run_interrupts(simulator);
    }
    return end;
}

SimulatorEnd simulator_run(Simulator *simulator, SimulatorLimits limits)
{
    simulator->is_running = true;
    simulator->is_stopped = false;
    SimulatorEnd end = simulator_run_events(simulator, limits);
    simulator->is_running = false;
    SimTime now = end == SIMULATOR_END_UNTIL ? limits.until : simulator->current.time;
    simulator->current = (EventKey){.time = now, .destination = NODE_TIMELINE};
    simulator->cause = (Cause){0};
    return end;
}

SimTime simulator_next_time(Simulator *simulator)
{
    const EventKey *next = queue_peek_pending(simulator);
    return next != NULL ? next->time : SIM_NEVER;
}

void simulator_stop(Simulator *simulator)
{
    simulator->is_stopped = true;
}

_Noreturn void simulator_check_failed(const Simulator *simulator, const char *file, int line,
                                      const char *expression)
{
    fprintf(stderr, "mailsim: at %lld ns, event %llu on %s, seed %llu:\n",
            (long long)simulator->current.time, (unsigned long long)simulator->event_count,
            simulator_node_name(simulator, simulator->current.destination),
            (unsigned long long)simulator->seed);
    check_failed(file, line, expression);
}
