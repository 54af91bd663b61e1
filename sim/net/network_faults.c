/* Links that go down, partitions, and what they do to routes. See network.h; whose fault it is that
 * a packet does not arrive is in network_peek.c. */
#include "net/network_internal.h"

#include "core/check.h"

bool network_is_parted(const NetworkNode *a, const NetworkNode *b)
{
    return a->group != 0 && b->group != 0 && a->group != b->group;
}

static LinkFault link_find_fault(const NetworkLink *link, int direction)
{
    const Network *network = link->network;
    if (link->down_since[direction] != 0)
        return (LinkFault){"link down", link->down_since[direction]};
    if (network_is_parted(network_node_at(network, link->ends[0]),
                          network_node_at(network, link->ends[1])))
        return (LinkFault){"partition", network->partition_because};
    return (LinkFault){0};
}

static void routes_lose_link(void *owner, void *data)
{
    (void)data;
    NetworkLink *link = owner;
    routing_set_usable(link->network->current, link->edge, false);
    network_note_way_in(link, false);
}

static void routes_gain_link(void *owner, void *data)
{
    (void)data;
    NetworkLink *link = owner;
    routing_set_usable(link->network->current, link->edge, true);
    network_note_way_in(link, true);
}

/* The event is in the background: new routes matter only to somebody who still sends. */
static void converge_later(NetworkLink *link, void (*change)(void *owner, void *data))
{
    Network *network = link->network;
    EventAction action = {change, link, NULL, NULL};
    simulator_schedule(network->simulator,
                       simtime_add(simulator_now(network->simulator), network->convergence_ns),
                       NODE_TIMELINE, EVENT_BACKGROUND, action);
}

/* Tells the link what is the matter with it, and the routes later. */
static void link_update(NetworkLink *link)
{
    bool is_usable = true;
    for (int direction = 0; direction < 2; direction++) {
        LinkFault fault = link_find_fault(link, direction);
        NodeId from = network_node_at(link->network, link->ends[direction])->id;
        link_set_fault(link->link, from, fault);
        is_usable = is_usable && fault.reason == NULL;
    }
    if (is_usable == link->is_usable)
        return;
    link->is_usable = is_usable;
    converge_later(link, is_usable ? routes_gain_link : routes_lose_link);
}

NetworkLink *network_link_between(const Network *network, const NetworkNode *a,
                                  const NetworkNode *b)
{
    for (uint32_t edge = 0; edge < network->links->len; edge++) {
        NetworkLink *link = network_link_at(network, edge);
        if ((link->ends[0] == a->index && link->ends[1] == b->index) ||
            (link->ends[0] == b->index && link->ends[1] == a->index))
            return link;
    }
    CHECK(false);
    return NULL;
}

void network_link_down(Network *network, const char *a, const char *b, uint64_t because)
{
    const NetworkNode *first = network_node_named(network, a);
    const NetworkNode *second = network_node_named(network, b);
    NetworkLink *link = network_link_between(network, first, second);
    if (link->down_since[0] != 0 && link->down_since[1] != 0)
        return;
    uint64_t seq =
        TRACE(network->trace, first->id, LINK_DOWN, because, .a = first->name, .b = second->name);
    for (int direction = 0; direction < 2; direction++) {
        if (link->down_since[direction] == 0)
            link->down_since[direction] = seq;
    }
    link_update(link);
}

void network_link_down_one_way(Network *network, const char *from, const char *to, uint64_t because)
{
    const NetworkNode *first = network_node_named(network, from);
    const NetworkNode *second = network_node_named(network, to);
    NetworkLink *link = network_link_between(network, first, second);
    uint64_t *down_since = &link->down_since[link->ends[0] != first->index];
    if (*down_since != 0)
        return;
    *down_since = TRACE(network->trace, first->id, LINK_DOWN, because, .a = first->name,
                        .b = second->name, .from = first->name);
    link_update(link);
}

void network_link_up(Network *network, const char *a, const char *b, uint64_t because)
{
    const NetworkNode *first = network_node_named(network, a);
    const NetworkNode *second = network_node_named(network, b);
    NetworkLink *link = network_link_between(network, first, second);
    if (link->down_since[0] == 0 && link->down_since[1] == 0)
        return;
    TRACE(network->trace, first->id, LINK_UP, because, .a = first->name, .b = second->name);
    link->down_since[0] = link->down_since[1] = 0;
    link_update(link);
}

/* ---- Links that change ---- */

LinkOptions network_link_options(const Network *network, const char *from, const char *to)
{
    const NetworkNode *first = network_node_named(network, from);
    const NetworkNode *second = network_node_named(network, to);
    return link_options(network_link_between(network, first, second)->link, first->id);
}

static void routes_read_delays(void *owner, void *data)
{
    (void)data;
    const NetworkLink *link = owner;
    const Network *network = link->network;
    for (int direction = 0; direction < 2; direction++) {
        uint32_t from = link->ends[direction];
        SimTime delay_ns = link_options(link->link, network_node_at(network, from)->id).delay_ns;
        routing_set_delay(network->current, link->edge, from, delay_ns);
        routing_set_delay(network->intact, link->edge, from, delay_ns);
    }
}

void network_set_direction(Network *network, const char *from, const char *to, LinkOptions options)
{
    CHECK(!network->is_finished);
    const NetworkNode *first = network_node_named(network, from);
    NetworkLink *link = network_link_between(network, first, network_node_named(network, to));
    link->built[link->ends[0] != first->index] = options;
    link_set_options(link->link, first->id, options);
    routes_read_delays(link, NULL);
}

void network_link_change(Network *network, const char *from, const char *to, LinkOptions options,
                         const char *changes, uint64_t because)
{
    const NetworkNode *first = network_node_named(network, from);
    const NetworkNode *second = network_node_named(network, to);
    NetworkLink *link = network_link_between(network, first, second);
    SimTime delay_before = link_options(link->link, first->id).delay_ns;
    TRACE(network->trace, first->id, LINK_CHANGE, because, .a = first->name, .b = second->name,
          .changes = changes);
    link_set_options(link->link, first->id, options);
    if (options.delay_ns != delay_before)
        converge_later(link, routes_read_delays);
}

void network_link_restore(Network *network, const char *a, const char *b, uint64_t because)
{
    const NetworkNode *first = network_node_named(network, a);
    const NetworkLink *link = network_link_between(network, first, network_node_named(network, b));
    for (int direction = 0; direction < 2; direction++) {
        const char *from = network_node_at(network, link->ends[direction])->name;
        const char *to = network_node_at(network, link->ends[1 - direction])->name;
        network_link_change(network, from, to, link->built[direction], "as at first", because);
    }
}

/* ---- Partitions ---- */

static void links_update(Network *network)
{
    for (uint32_t edge = 0; edge < network->links->len; edge++)
        link_update(network_link_at(network, edge));
}

static void groups_clear(Network *network)
{
    network->partition_because = 0;
    for (uint32_t index = 0; index < network->nodes->len; index++)
        network_node_at(network, index)->group = 0;
}

void network_partition(Network *network, const NetworkGroup *groups, size_t group_count,
                       uint64_t because)
{
    groups_clear(network);
    network->partition_because = because;
    for (uint32_t group = 0; group < group_count; group++) {
        for (size_t i = 0; i < groups[group].count; i++)
            network_node_named(network, groups[group].names[i])->group = group + 1;
    }
    links_update(network);
}

void network_heal(Network *network)
{
    groups_clear(network);
    links_update(network);
}
