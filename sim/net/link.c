/* Links. See link.h. */
#include "net/link.h"

#include "core/check.h"

enum { BITS_PER_OCTET = 8, STARTS_FIRST_CAPACITY = 8 };

/* When the packets that wait begin to be sent: a ring of ascending times. */
typedef struct StartTimes {
    SimTime *times;
    uint32_t capacity; /* a power of two */
    uint32_t first, count;
} StartTimes;

typedef struct LinkDirection {
    Link *link;
    LinkEnd from, to;
    Random loss;
    SimTime busy_until; /* the last bit of all packets so far is sent */
    StartTimes waiting;
} LinkDirection;

struct Link {
    Trace *trace;
    Simulator *simulator;
    LinkOptions options;
    LinkDeliver *deliver;
    LinkDirection directions[2];
    LinkFault fault;
    LinkFault last_fault;
    SimTime last_fault_at; /* -1: never */
};

static void starts_grow(StartTimes *starts)
{
    uint32_t capacity = MAX(2 * starts->capacity, STARTS_FIRST_CAPACITY);
    SimTime *times = g_new(SimTime, capacity);
    for (uint32_t i = 0; i < starts->count; i++)
        times[i] = starts->times[(starts->first + i) & (starts->capacity - 1)];
    g_free(starts->times);
    *starts = (StartTimes){times, capacity, 0, starts->count};
}

static void starts_push(StartTimes *starts, SimTime time)
{
    if (starts->count == starts->capacity)
        starts_grow(starts);
    starts->times[(starts->first + starts->count++) & (starts->capacity - 1)] = time;
}

static void starts_drop_until(StartTimes *starts, SimTime now)
{
    while (starts->count > 0 && starts->times[starts->first] <= now) {
        starts->first = (starts->first + 1) & (starts->capacity - 1);
        starts->count--;
    }
}

static LinkDirection direction_make(Link *link, LinkEnd from, LinkEnd to)
{
    g_autofree char *name =
        g_strdup_printf("%s>%s", simulator_node_name(link->simulator, from.node),
                        simulator_node_name(link->simulator, to.node));
    return (LinkDirection){
        .link = link,
        .from = from,
        .to = to,
        .loss = random_stream(simulator_seed(link->simulator), name, RANDOM_LINK_LOSS),
    };
}

Link *link_new(Trace *trace, LinkEnd a, LinkEnd b, LinkOptions options, LinkDeliver *deliver)
{
    CHECK(options.delay_ns > 0 && options.rate_bits_per_second > 0);
    CHECK(options.loss_numerator <= options.loss_denominator);
    CHECK(options.queue_packets <= LINK_QUEUE_MAXIMUM);
    Link *link = g_new0(Link, 1);
    link->trace = trace;
    link->simulator = trace_simulator(trace);
    link->options = options;
    if (options.queue_packets == 0)
        link->options.queue_packets = LINK_QUEUE_DEFAULT;
    link->deliver = deliver;
    link->directions[0] = direction_make(link, a, b);
    link->directions[1] = direction_make(link, b, a);
    link->last_fault_at = -1;
    return link;
}

void link_free(Link *link)
{
    g_free(link->directions[0].waiting.times);
    g_free(link->directions[1].waiting.times);
    g_free(link);
}

static LinkDirection *direction_from(Link *link, NodeId node)
{
    LinkDirection *direction = &link->directions[link->directions[0].from.node != node];
    SIMULATOR_CHECK(link->simulator, direction->from.node == node);
    return direction;
}

LinkEnd link_other_end(const Link *link, NodeId node)
{
    return link->directions[link->directions[0].from.node != node].to;
}

SimTime link_delay(const Link *link)
{
    return link->options.delay_ns;
}

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

static void direction_drop(LinkDirection *direction, LinkFault why, Packet *packet)
{
    Link *link = direction->link;
    const char *to = simulator_node_name(link->simulator, direction->to.node);
    link_drop_packet(link->trace, direction->from.node, to, why, packet);
}

static void direction_arrive(void *owner, void *data)
{
    LinkDirection *direction = owner;
    Link *link = direction->link;
    Packet *packet = data;
    if (link->last_fault_at >= packet->put_on_link_at)
        direction_drop(direction, link->last_fault, packet);
    else
        link->deliver(direction->to.owner, packet);
}

/* How long the packet's bits take to be sent, rounded up to whole nanoseconds. */
static SimTime transmission_time(const Link *link, const Packet *packet)
{
    uint64_t bits = (uint64_t)packet_frame_size(packet) * BITS_PER_OCTET;
    uint64_t rate = link->options.rate_bits_per_second;
    return (SimTime)((bits * (uint64_t)SIM_SECOND + rate - 1) / rate);
}

static bool direction_draws_loss(LinkDirection *direction)
{
    const LinkOptions *options = &direction->link->options;
    return options->loss_numerator > 0 &&
           random_draw_chance(&direction->loss, options->loss_numerator, options->loss_denominator);
}

/* The packet occupies the direction, lost or not: a loss happens on the way. */
static void direction_send(LinkDirection *direction, SimTime starts_at, Packet *packet)
{
    Link *link = direction->link;
    SimTime ends_at = simtime_add(starts_at, transmission_time(link, packet));
    bool is_lost = direction_draws_loss(direction);
    SimTime arrives_at = is_lost ? SIM_NEVER : simtime_add(ends_at, link->options.delay_ns);
    direction->busy_until = ends_at;
    TraceFields_LINK_TRANSMIT fields = {
        .packet = packet->ref,
        .to = simulator_node_name(link->simulator, direction->to.node),
        .size = packet_frame_size(packet),
        .ttl = packet->ttl,
        .starts_at = starts_at,
        .ends_at = ends_at,
        .arrives_at = arrives_at,
    };
    trace_write_packet(link->trace, direction->from.node, TRACE_LINK_TRANSMIT, 0, &fields,
                       packet_for_trace(packet));
    if (is_lost) {
        direction_drop(direction, (LinkFault){"loss", 0}, packet);
        return;
    }
    EventAction arrival = {direction_arrive, direction, packet, packet_free};
    simulator_schedule(link->simulator, arrives_at, direction->to.node, EVENT_FOREGROUND, arrival);
}

void link_take_packet(Link *link, NodeId from, Packet *packet)
{
    LinkDirection *direction = direction_from(link, from);
    SimTime now = simulator_now(link->simulator);
    packet->hop_from = from;
    packet->hop_to = direction->to.node;
    packet->put_on_link_at = now;
    starts_drop_until(&direction->waiting, now);
    bool is_busy = direction->busy_until > now;
    if (link->fault.reason != NULL) {
        direction_drop(direction, link->fault, packet);
    } else if (is_busy && direction->waiting.count == link->options.queue_packets) {
        direction_drop(direction, (LinkFault){"queue full", 0}, packet);
    } else {
        if (is_busy)
            starts_push(&direction->waiting, direction->busy_until);
        direction_send(direction, MAX(now, direction->busy_until), packet);
    }
}

/* A cut empties both queues: the packets that it loses no longer keep the link busy. */
void link_set_fault(Link *link, LinkFault fault)
{
    SimTime now = simulator_now(link->simulator);
    if (fault.reason != NULL && link->fault.reason == NULL) {
        link->last_fault_at = now;
        link->last_fault = fault;
        for (int i = 0; i < 2; i++) {
            link->directions[i].busy_until = now;
            link->directions[i].waiting.count = 0;
        }
    }
    link->fault = fault;
}

LinkFault link_fault(const Link *link)
{
    return link->fault;
}
