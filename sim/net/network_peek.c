/* Whose fault it is that packets do not arrive, or that no answer comes back: a packet's way is
 * walked in thought, there and back, by the routes that packets take or would take if all links
 * were up, through firewalls and NAT. See network_peek_fault in network.h.
 *
 * Only silence is looked for: a firewall that answers (reject, reset) explains itself. */
#include "net/network_internal.h"

#include "net/host_internal.h"
#include "net/nat_internal.h"

/* The edge that packets at `node` take, or would take if all links were up. */
static uint32_t intended_edge(const NetworkNode *node, const NetworkNode *destination)
{
    Network *network = node->network;
    uint32_t edge = routing_next_edge(network->current, node->index, destination->index);
    if (edge == ROUTING_NO_EDGE)
        edge = routing_next_edge(network->intact, node->index, destination->index);
    return edge;
}

/* Of the node's firewall, where it drops such a packet. */
static uint64_t fault_of_filter(const NetworkNode *node, const NetworkFlow *flow)
{
    if (node->filters == NULL || flow->protocol == 0)
        return 0;
    const FilterRule *rules = (const FilterRule *)(const void *)node->filters->data;
    FilterVerdict verdict = filter_judge_flow(rules, node->filters->len, flow);
    return verdict == FILTER_DROP ? node->filters_because : 0;
}

/* Where the packet stands has its destination: a router, or a host that may be off. */
static uint64_t fault_at_end(const NetworkNode *node, const NetworkFlow *flow)
{
    if (node->host == NULL)
        return 0;
    uint64_t because = host_off_because(node->host);
    return because != 0 ? because : fault_of_filter(node, flow);
}

/* Of a router that the packet has come to, before it passes it on. */
static uint64_t fault_at_router(const NetworkNode *node, NetworkFlow *flow)
{
    bool has_nat = node->nat != NULL && flow->protocol != 0;
    if (has_nat && !nat_peek(node->nat, flow))
        return node->nat_because;
    bool is_passed_on = network_destination_at(node, flow->destination) != node;
    return is_passed_on ? fault_of_filter(node, flow) : 0;
}

/* The first fault on the flow's way from `*at`, which becomes where it ends; 0: none. */
static uint64_t fault_on_way(const NetworkNode **at, NetworkFlow *flow)
{
    const NetworkNode *node = *at;
    const Network *network = node->network;
    uint64_t because = node->host != NULL ? fault_of_filter(node, flow) : 0;
    /* While routes converge they may run in a circle: the walk has an end. */
    for (guint hops = 0; hops <= network->nodes->len && because == 0; hops++) {
        if (hops > 0 && node->host == NULL)
            because = fault_at_router(node, flow);
        const NetworkNode *destination = network_destination_at(node, flow->destination);
        *at = node;
        if (because != 0)
            break;
        if (destination == NULL)
            return network_vacated_because(network, flow->destination);
        if (destination == node)
            return hops > 0 ? fault_at_end(node, flow) : 0;
        uint32_t edge = intended_edge(node, destination);
        if (edge == ROUTING_NO_EDGE || (hops > 0 && node->host != NULL))
            return 0;
        const NetworkLink *link = network_link_at(network, edge);
        LinkFault fault = link_fault(link->link, node->id);
        if (fault.reason != NULL)
            return fault.because;
        node = network_node_at(network, link->ends[link->ends[0] == node->index]);
    }
    return because;
}

static void turn_round(NetworkFlow *flow)
{
    NetworkFlow back = *flow;
    back.source = flow->destination;
    back.destination = flow->source;
    back.source_port = flow->destination_port;
    back.destination_port = flow->source_port;
    *flow = back;
}

uint64_t network_peek_flow_fault_from(const NetworkNode *node, NetworkFlow flow)
{
    const Network *network = node->network;
    const NetworkNode *destination = network_node_by_address(network, flow.destination);
    if (destination != NULL && network_is_parted(node, destination))
        return network->partition_because;
    const NetworkNode *at = node;
    uint64_t fault = fault_on_way(&at, &flow);
    /* A router, too, may be where the packet stands; nobody answers it. */
    if (fault != 0 || node->host == NULL || at == node)
        return fault;
    turn_round(&flow);
    return fault_on_way(&at, &flow);
}

uint64_t network_peek_flow_fault(const Host *from, NetworkFlow flow)
{
    const NetworkNode *node = host_peek_node(from);
    flow.source = node->address;
    return network_peek_flow_fault_from(node, flow);
}

uint64_t network_peek_fault(const Network *network, const Host *from, Ipv4Address to)
{
    (void)network;
    return network_peek_flow_fault(from, (NetworkFlow){.destination = to});
}
