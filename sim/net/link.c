/* Links. See link.h. */
#include "net/link.h"

#include "core/cache_line.h"
#include "core/check.h"

enum { BITS_PER_OCTET = 8, WAITING_FIRST_CAPACITY = 8 };

/* A packet that waits: when it begins to be sent, and its frame. */
typedef struct WaitingFrame {
    SimTime starts_at;
    uint32_t size;
} WaitingFrame;

/* A ring of frames by ascending time. */
typedef struct WaitingFrames {
    WaitingFrame *frames;
    uint64_t octets;   /* of all that wait */
    uint32_t capacity; /* a power of two */
    uint32_t first, count;
    SimTime last_starts_at; /* of the frame that was put in last */
} WaitingFrames;

/* What most links never need. */
typedef struct LinkMischief {
    Random jitter, reorder, duplicate, corrupt;
    SimTime last_arrival; /* of the packets that keep their order */
} LinkMischief;

/* What each packet meets comes first and in two cache lines: in a network of hundreds of hosts each
 * link is out of the nearest cache when a packet comes to it. */
struct LinkDirection {
    _Alignas(CACHE_LINE) Simulator *simulator;
    Trace *trace;
    const LinkReceiver *receiver;
    void *to_owner;
    NodeId from, to;
    SimTime busy_until;       /* the last bit of all packets so far is sent */
    SimTime last_fault_at;    /* -1: never */
    const char *fault_reason; /* NULL: the direction is up */
    LinkMischief *mischief;   /* NULL: jitter and the like are off, and always were */
    SimTime octet_time; /* that an octet takes to be sent; 0: no whole number of nanoseconds */
    LinkOptions options;
    WaitingFrames waiting;
    Random loss;
    uint64_t fault_because;
    LinkFault last_fault;
};
_Static_assert(offsetof(LinkDirection, options.jitter_ns) == 2 * CACHE_LINE, "two lines");

struct Link {
    LinkDirection directions[2];
};

/* ---- Packets that wait ---- */

__attribute__((cold, noinline)) static void waiting_grow(WaitingFrames *waiting)
{
    uint32_t capacity = MAX(2 * waiting->capacity, WAITING_FIRST_CAPACITY);
    WaitingFrame *frames = g_new(WaitingFrame, capacity);
    for (uint32_t i = 0; i < waiting->count; i++)
        frames[i] = waiting->frames[(waiting->first + i) & (waiting->capacity - 1)];
    g_free(waiting->frames);
    waiting->frames = frames;
    waiting->capacity = capacity;
    waiting->first = 0;
}

static void waiting_push(WaitingFrames *waiting, SimTime starts_at, uint32_t size)
{
    if (waiting->count == waiting->capacity)
        waiting_grow(waiting);
    uint32_t at = (waiting->first + waiting->count++) & (waiting->capacity - 1);
    waiting->frames[at] = (WaitingFrame){starts_at, size};
    waiting->octets += size;
    waiting->last_starts_at = starts_at;
}

static void waiting_clear(WaitingFrames *waiting)
{
    waiting->first = 0;
    waiting->count = 0;
    waiting->octets = 0;
}

/* Mostly none is left, which is seen without a look at the frames: they are out of the cache. */
static void waiting_drop_until(WaitingFrames *waiting, SimTime now)
{
    if (waiting->last_starts_at <= now)
        waiting_clear(waiting);
    while (waiting->count > 0 && waiting->frames[waiting->first].starts_at <= now) {
        waiting->octets -= waiting->frames[waiting->first].size;
        waiting->first = (waiting->first + 1) & (waiting->capacity - 1);
        waiting->count--;
    }
}

/* ---- Directions ---- */

static Random direction_random(const LinkDirection *direction, RandomPurpose purpose)
{
    const Simulator *simulator = direction->simulator;
    g_autofree char *name =
        g_strdup_printf("%s>%s", simulator_node_name(simulator, direction->from),
                        simulator_node_name(simulator, direction->to));
    return random_stream(simulator_seed(simulator), name, purpose);
}

static LinkDirection direction_make(Trace *trace, NodeId from, LinkEnd to,
                                    const LinkReceiver *receiver)
{
    LinkDirection direction = {.simulator = trace_simulator(trace),
                               .trace = trace,
                               .receiver = receiver,
                               .to_owner = to.owner,
                               .from = from,
                               .to = to.node,
                               .last_fault_at = -1};
    direction.loss = direction_random(&direction, RANDOM_LINK_LOSS);
    return direction;
}

static LinkMischief *mischief_new(const LinkDirection *direction)
{
    LinkMischief *mischief = g_new(LinkMischief, 1);
    *mischief = (LinkMischief){
        .jitter = direction_random(direction, RANDOM_LINK_JITTER),
        .reorder = direction_random(direction, RANDOM_LINK_REORDER),
        .duplicate = direction_random(direction, RANDOM_LINK_DUPLICATE),
        .corrupt = direction_random(direction, RANDOM_LINK_CORRUPT),
    };
    return mischief;
}

static void direction_set_options(LinkDirection *direction, LinkOptions options)
{
    CHECK(options.delay_ns > 0 && options.rate_bits_per_second > 0 && options.jitter_ns >= 0);
    CHECK(options.loss_numerator <= options.loss_denominator);
    CHECK(options.queue_packets <= LINK_QUEUE_MAXIMUM);
    if (options.queue_packets == 0)
        options.queue_packets = LINK_QUEUE_DEFAULT;
    bool has_mischief = options.jitter_ns > 0 || options.reorder.numerator > 0 ||
                        options.duplicate.numerator > 0 || options.corrupt.numerator > 0;
    if (has_mischief && direction->mischief == NULL)
        direction->mischief = mischief_new(direction);
    const uint64_t rate_unit = BITS_PER_OCTET * (uint64_t)SIM_SECOND;
    bool is_whole = rate_unit % options.rate_bits_per_second == 0;
    direction->octet_time = is_whole ? (SimTime)(rate_unit / options.rate_bits_per_second) : 0;
    direction->options = options;
}

static void direction_arrive(void *owner, void *data);

/* The direction and the packet are in the cache by then. */
static void direction_fetch_arrival(const void *owner, const void *data, FetchStage stage)
{
    const LinkDirection *direction = owner;
    direction->receiver->fetch(direction->to_owner, data, stage);
}

Link *link_new(Trace *trace, LinkEnd a, LinkEnd b, LinkOptions options,
               const LinkReceiver *receiver)
{
    Link *link = cache_line_new0(sizeof(Link));
    link->directions[0] = direction_make(trace, a.node, b, receiver);
    link->directions[1] = direction_make(trace, b.node, a, receiver);
    for (int i = 0; i < 2; i++)
        direction_set_options(&link->directions[i], options);
    simulator_fetch_ahead(trace_simulator(trace), direction_arrive, direction_fetch_arrival);
    return link;
}

void link_free(Link *link)
{
    for (int i = 0; i < 2; i++) {
        g_free(link->directions[i].waiting.frames);
        g_free(link->directions[i].mischief);
    }
    free(link);
}

static uint32_t index_from(const Link *link, NodeId node)
{
    uint32_t index = link->directions[0].from != node;
    SIMULATOR_CHECK(link->directions[0].simulator, link->directions[index].from == node);
    return index;
}

LinkDirection *link_direction(Link *link, NodeId from)
{
    return &link->directions[index_from(link, from)];
}

NodeId link_direction_end(const LinkDirection *direction)
{
    return direction->to;
}

LinkOptions link_options(const Link *link, NodeId from)
{
    return link->directions[index_from(link, from)].options;
}

void link_set_options(Link *link, NodeId from, LinkOptions options)
{
    direction_set_options(link_direction(link, from), options);
}

uint32_t link_exceeded_mtu(const LinkDirection *direction, uint32_t ip_size)
{
    uint32_t mtu = direction->options.mtu;
    return mtu != 0 && ip_size > mtu ? mtu : 0;
}

/* ---- Packets that are lost ---- */

void link_record_drop(Trace *trace, NodeId node, const char *to, LinkFault why,
                      const Packet *packet)
{
    TraceFields_LINK_DROP fields = {.packet = packet->ref, .to = to, .reason = why.reason};
    trace_write_packet(trace, node, TRACE_LINK_DROP, why.because, &fields,
                       packet_for_trace(packet));
}

void link_drop_packet(Trace *trace, NodeId node, const char *to, LinkFault why, Packet *packet)
{
    link_record_drop(trace, node, to, why, packet);
    packet_free(packet);
}

__attribute__((cold, noinline)) static void direction_drop(LinkDirection *direction, LinkFault why,
                                                           Packet *packet)
{
    const char *to = simulator_node_name(direction->simulator, direction->to);
    link_drop_packet(direction->trace, direction->from, to, why, packet);
}

static LinkFault direction_fault(const LinkDirection *direction)
{
    return (LinkFault){direction->fault_reason, direction->fault_because};
}

/* ---- What goes wrong on the way ---- */

static bool chance_strikes(Random *random, LinkChance chance)
{
    return chance.numerator > 0 && random_draw_chance(random, chance.numerator, chance.denominator);
}

/* When the packet arrives that would arrive at `arrives_at` if all went well. */
static SimTime arrival_with_mischief(LinkDirection *direction, SimTime arrives_at)
{
    LinkMischief *mischief = direction->mischief;
    const LinkOptions *options = &direction->options;
    if (options->jitter_ns > 0) {
        uint64_t range = (uint64_t)options->jitter_ns + 1;
        SimTime jitter = (SimTime)random_draw_below(&mischief->jitter, range);
        arrives_at = simtime_add(arrives_at, jitter);
    }
    if (chance_strikes(&mischief->reorder, options->reorder)) {
        uint64_t range = (uint64_t)options->delay_ns;
        SimTime detour = 1 + (SimTime)random_draw_below(&mischief->reorder, range);
        return simtime_add(arrives_at, detour);
    }
    mischief->last_arrival = MAX(mischief->last_arrival, arrives_at);
    return mischief->last_arrival;
}

static void schedule_arrival(LinkDirection *direction, SimTime arrives_at, Packet *packet);

/* A second one follows the packet as closely as it can. */
static void duplicate_if_drawn(LinkDirection *direction, SimTime arrives_at, const Packet *packet)
{
    if (!chance_strikes(&direction->mischief->duplicate, direction->options.duplicate))
        return;
    Cause *cause = simulator_cause(direction->simulator);
    Cause before = *cause;
    TraceFields_LINK_DUPLICATE fields = {
        .packet = packet->ref,
        .to = simulator_node_name(direction->simulator, direction->to),
        .arrives_at = simtime_add(arrives_at, SIM_NANOSECOND),
    };
    trace_write_packet(direction->trace, direction->from, TRACE_LINK_DUPLICATE, 0, &fields,
                       packet_for_trace(packet));
    schedule_arrival(direction, fields.arrives_at, packet_copy(packet));
    *cause = before; /* the first one arrives as if there were no second */
}

static void corrupt_if_drawn(LinkDirection *direction, Packet *packet)
{
    Random *random = &direction->mischief->corrupt;
    if (!chance_strikes(random, direction->options.corrupt))
        return;
    uint64_t bits = (uint64_t)packet_ip_size(packet) * BITS_PER_OCTET;
    uint32_t bit = (uint32_t)random_draw_below(random, bits);
    packet_damage(packet, bit);
    TraceFields_LINK_CORRUPT fields = {
        .packet = packet->ref,
        .to = simulator_node_name(direction->simulator, direction->to),
        .octet = bit / BITS_PER_OCTET,
        .bit = bit % BITS_PER_OCTET,
        .part = packet_part_at(packet, bit / BITS_PER_OCTET),
    };
    trace_write_packet(direction->trace, direction->from, TRACE_LINK_CORRUPT, 0, &fields,
                       packet_for_trace(packet));
}

/* ---- The way ---- */

static void direction_arrive(void *owner, void *data)
{
    LinkDirection *direction = owner;
    Packet *packet = data;
    if (G_UNLIKELY(direction->last_fault_at >= packet->put_on_link_at))
        direction_drop(direction, direction->last_fault, packet);
    else
        direction->receiver->deliver(direction->to_owner, packet);
}

/* How long the bits of a frame take to be sent, rounded up to whole nanoseconds. */
static SimTime transmission_time(const LinkDirection *direction, uint32_t size)
{
    if (G_LIKELY(direction->octet_time != 0)) /* a division takes long */
        return size * direction->octet_time;
    uint64_t bits = (uint64_t)size * BITS_PER_OCTET;
    uint64_t rate = direction->options.rate_bits_per_second;
    return (SimTime)((bits * (uint64_t)SIM_SECOND + rate - 1) / rate);
}

static bool direction_draws_loss(LinkDirection *direction)
{
    const LinkOptions *options = &direction->options;
    return options->loss_numerator > 0 &&
           random_draw_chance(&direction->loss, options->loss_numerator, options->loss_denominator);
}

static void schedule_arrival(LinkDirection *direction, SimTime arrives_at, Packet *packet)
{
    EventAction arrival = {direction_arrive, direction, packet, packet_free};
    simulator_schedule(direction->simulator, arrives_at, direction->to, EVENT_FOREGROUND, arrival);
}

__attribute__((noinline)) static void write_transmit(const LinkDirection *direction,
                                                     SimTime starts_at, SimTime arrives_at,
                                                     uint32_t size, const Packet *packet)
{
    TraceFields_LINK_TRANSMIT fields = {
        .packet = packet->ref,
        .to = simulator_node_name(direction->simulator, direction->to),
        .size = size,
        .ttl = packet->ttl,
        .starts_at = starts_at,
        .ends_at = direction->busy_until,
        .arrives_at = arrives_at,
    };
    trace_write_packet(direction->trace, direction->from, TRACE_LINK_TRANSMIT, 0, &fields,
                       packet_for_trace(packet));
}

static inline void trace_transmit(const LinkDirection *direction, SimTime starts_at,
                                  SimTime arrives_at, uint32_t size, const Packet *packet)
{
    if (!TRACE_PASS_OVER(direction->trace, LINK_TRANSMIT))
        write_transmit(direction, starts_at, arrives_at, size, packet);
}

/* The rest of direction_send where something may go wrong on the way. */
__attribute__((noinline)) static void send_with_faults(LinkDirection *direction, SimTime starts_at,
                                                       uint32_t size, Packet *packet)
{
    bool is_lost = direction_draws_loss(direction);
    SimTime arrives_at =
        is_lost ? SIM_NEVER : simtime_after(direction->busy_until, direction->options.delay_ns);
    if (direction->mischief != NULL && !is_lost)
        arrives_at = arrival_with_mischief(direction, arrives_at);
    trace_transmit(direction, starts_at, arrives_at, size, packet);
    if (is_lost) {
        direction_drop(direction, (LinkFault){"loss", 0}, packet);
        return;
    }
    if (direction->mischief != NULL) {
        duplicate_if_drawn(direction, arrives_at, packet);
        corrupt_if_drawn(direction, packet);
    }
    schedule_arrival(direction, arrives_at, packet);
}

/* The packet occupies the direction, lost or not: a loss happens on the way. */
static inline void direction_send(LinkDirection *direction, SimTime starts_at, uint32_t size,
                                  Packet *packet)
{
    SimTime ends_at = simtime_after(starts_at, transmission_time(direction, size));
    direction->busy_until = ends_at;
    if (G_UNLIKELY(direction->options.loss_numerator > 0 || direction->mischief != NULL)) {
        send_with_faults(direction, starts_at, size, packet);
        return;
    }
    SimTime arrives_at = simtime_after(ends_at, direction->options.delay_ns);
    trace_transmit(direction, starts_at, arrives_at, size, packet);
    schedule_arrival(direction, arrives_at, packet);
}

static bool queue_has_room(const LinkDirection *direction, uint32_t size)
{
    const LinkOptions *options = &direction->options;
    return direction->waiting.count < options->queue_packets &&
           (options->queue_octets == 0 ||
            direction->waiting.octets + size <= options->queue_octets);
}

void link_fetch(const LinkDirection *direction)
{
    cache_line_fetch(direction, offsetof(LinkDirection, options.jitter_ns));
}

void link_take_packet(LinkDirection *direction, Packet *packet, uint32_t ip_size)
{
    uint32_t size = PACKET_ETHERNET_HEADER + ip_size;
    SimTime now = simulator_now(direction->simulator);
    SimTime starts_at = now;
    packet->hop_from = direction->from;
    packet->hop_to = direction->to;
    packet->put_on_link_at = now;
    if (G_UNLIKELY(direction->fault_reason != NULL)) {
        direction_drop(direction, direction_fault(direction), packet);
        return;
    }
    if (direction->busy_until > now) { /* else nothing waits */
        waiting_drop_until(&direction->waiting, now);
        if (G_UNLIKELY(!queue_has_room(direction, size))) {
            direction_drop(direction, (LinkFault){"queue full", 0}, packet);
            return;
        }
        starts_at = direction->busy_until;
        waiting_push(&direction->waiting, starts_at, size);
    }
    direction_send(direction, starts_at, size, packet);
}

/* A cut empties the queue: the packets that it loses no longer keep the link busy. */
void link_set_fault(Link *link, NodeId from, LinkFault fault)
{
    LinkDirection *direction = link_direction(link, from);
    SimTime now = simulator_now(direction->simulator);
    if (fault.reason != NULL && direction->fault_reason == NULL) {
        direction->last_fault_at = now;
        direction->last_fault = fault;
        direction->busy_until = now;
        waiting_clear(&direction->waiting);
    }
    direction->fault_reason = fault.reason;
    direction->fault_because = fault.because;
}

LinkFault link_fault(const Link *link, NodeId from)
{
    return direction_fault(&link->directions[index_from(link, from)]);
}
