/* How packets find their way: what a host does with a packet of its own, and a router with any
 * (RFC 1812 §5.2.1, §5.3.1).
 *
 * A host does not forward (RFC 1122 §3.1). Its packets to itself take a loopback time and are on
 * no link. */
#include "net/network_internal.h"

#include "core/cache_line.h"
#include "net/host_internal.h"
#include "net/nat_internal.h"

/* Long enough for an RTT sample that is not zero. */
#define LOOPBACK_TIME (10 * SIM_MICROSECOND)

__attribute__((cold, noinline)) void network_drop(NetworkNode *node, LinkFault why, Packet *packet)
{
    link_drop_packet(node->network->trace, node->id, NULL, why, packet);
}

const NetworkNode *network_destination_at(const NetworkNode *node, Ipv4Address address)
{
    const NetworkNode *found = network_node_by_address(node->network, address);
    bool is_foreign =
        found != NULL && found->home != NULL && found->home != node && found->home != node->home;
    return is_foreign ? NULL : found;
}

/* The way to take from `node`; NULL: none. `destination` is NULL where nobody has the address. To a
 * host with one link the last hop is known without asking for routes. */
static LinkDirection *next_way(const NetworkNode *node, const NetworkNode *destination)
{
    const Network *network = node->network;
    if (destination == node)
        return NULL;
    if (node->way_out != NULL)
        return node->way_out;
    if (destination != NULL && destination->neighbour == node)
        return destination->way_in;
    uint32_t to = destination != NULL ? destination->index : ROUTING_NO_NODE;
    uint32_t edge = routing_next_edge(network->current, node->index, to);
    return edge == ROUTING_NO_EDGE ? NULL
                                   : link_direction(network_link_at(network, edge)->link, node->id);
}

/* Whether all that goes from the node to the address takes its only link, whoever has it. */
static bool has_one_way(const NetworkNode *node, Ipv4Address destination)
{
    return node->way_out != NULL && destination != node->address;
}

/* To which node the first hop leads; the node itself where there is no way. */
__attribute__((noinline)) static NodeId first_hop_by_routes(const NetworkNode *node,
                                                            Ipv4Address destination)
{
    const LinkDirection *way = next_way(node, network_destination_at(node, destination));
    return way != NULL ? link_direction_end(way) : node->id;
}

Packet *network_new_packet(NetworkNode *node, PacketProtocol protocol, Ipv4Address destination)
{
    Packet *packet = packet_new(node->network->packets, protocol, node->address, destination);
    packet->ref = (TraceRef){node->id, ++node->packet_count};
    packet->hop_from = node->id;
    packet->hop_to = G_LIKELY(has_one_way(node, destination))
                         ? node->neighbour->id
                         : first_hop_by_routes(node, destination);
    return packet;
}

static void loopback_arrive(void *owner, void *packet)
{
    network_deliver(owner, packet);
}

/* Where it is to go: what routes alone decide. */
static NetworkFlow flow_of(const Packet *packet)
{
    return (NetworkFlow){.source = packet->source, .destination = packet->destination};
}

/* Drops a packet and tells its source. */
__attribute__((cold, noinline)) static void refuse(NetworkNode *node, LinkFault why, uint8_t type,
                                                   uint8_t code, uint32_t mtu, Packet *packet)
{
    link_record_drop(node->network->trace, node->id, NULL, why, packet);
    icmp_report(node, packet, (IcmpReport){type, code, mtu, why.because});
    packet_free(packet);
}

/* Puts the packet on the link, or tells its source that it is too large: nothing is fragmented, as
 * every packet has DF set (RFC 1191 §3, §4). */
static inline void put_on_link(NetworkNode *node, LinkDirection *way, Packet *packet)
{
    uint32_t size = packet_ip_size(packet);
    uint32_t mtu = link_exceeded_mtu(way, size);
    if (G_UNLIKELY(mtu != 0))
        refuse(node, (LinkFault){"packet too large", 0}, ICMP_UNREACHABLE,
               ICMP_CODE_FRAGMENTATION_NEEDED, mtu, packet);
    else
        link_take_packet(way, packet, size);
}

/* Where there is more to it than one link that takes all. */
__attribute__((noinline)) static void send_by_routes(NetworkNode *node, Packet *packet)
{
    Network *network = node->network;
    const NetworkNode *destination = network_destination_at(node, packet->destination);
    LinkDirection *way = next_way(node, destination);
    if (node->filters != NULL && node->host != NULL && destination != node &&
        filter_stops(node, packet))
        return;
    if (destination == node) {
        SimTime arrives_at = simtime_add(simulator_now(network->simulator), LOOPBACK_TIME);
        EventAction arrival = {loopback_arrive, node, packet, packet_free};
        simulator_schedule(network->simulator, arrives_at, node->id, EVENT_FOREGROUND, arrival);
    } else if (destination != NULL && network_is_parted(node, destination)) {
        network_drop(node, (LinkFault){"partition", network->partition_because}, packet);
    } else if (way == NULL) {
        uint64_t because = network_peek_flow_fault_from(node, flow_of(packet));
        network_drop(node, (LinkFault){"no route", because}, packet);
    } else {
        put_on_link(node, way, packet);
    }
}

void network_send(NetworkNode *node, Packet *packet)
{
    if (G_LIKELY(has_one_way(node, packet->destination) && node->group == 0 &&
                 node->filters == NULL))
        put_on_link(node, node->way_out, packet);
    else
        send_by_routes(node, packet);
}

/* Passes a packet on that is not for the router itself. */
__attribute__((noinline)) static void pass_on_by_routes(NetworkNode *router, Packet *packet,
                                                        const NetworkNode *destination)
{
    if (packet->ttl <= 1) { /* RFC 1812 §5.3.1 */
        refuse(router, (LinkFault){"TTL exceeded", 0}, ICMP_TIME_EXCEEDED, ICMP_CODE_TTL_EXCEEDED,
               0, packet);
        return;
    }
    LinkDirection *way = next_way(router, destination);
    if (way == NULL) { /* RFC 1812 §5.2.7.1 */
        uint64_t because = network_peek_flow_fault_from(router, flow_of(packet));
        refuse(router, (LinkFault){"no route", because}, ICMP_UNREACHABLE,
               ICMP_CODE_HOST_UNREACHABLE, 0, packet);
        return;
    }
    packet->ttl--;
    put_on_link(router, way, packet);
}

/* Nothing on a router listens, so a packet for itself ends there. */
__attribute__((noinline)) static void guarded_router_receive(NetworkNode *router, Packet *packet)
{
    if (router->nat != NULL && !nat_translate(router->nat, packet)) {
        network_drop(router, (LinkFault){"no mapping", router->nat_because}, packet);
        return;
    }
    const NetworkNode *destination = network_destination_at(router, packet->destination);
    if (destination == router)
        packet_free(packet);
    else if (router->filters == NULL || !filter_stops(router, packet))
        pass_on_by_routes(router, packet, destination);
}

/* Mostly the next hop is the last one, and nothing is between. */
static inline void router_receive(NetworkNode *router, Packet *packet)
{
    if (G_UNLIKELY(router->nat != NULL || router->filters != NULL)) {
        guarded_router_receive(router, packet);
        return;
    }
    const NetworkNode *destination = network_destination_at(router, packet->destination);
    if (G_LIKELY(destination != NULL && destination->neighbour == router &&
                 destination->way_in != NULL && packet->ttl > 1)) {
        packet->ttl--;
        put_on_link(router, destination->way_in, packet);
    } else if (destination == router) {
        packet_free(packet);
    } else {
        pass_on_by_routes(router, packet, destination);
    }
}

void network_fetch(const void *owner, const Packet *packet, FetchStage stage)
{
    const NetworkNode *node = owner;
    if (node->host != NULL) {
        host_fetch(node->host, packet, stage);
        return;
    }
    const NetworkNode *destination = network_node_by_address(node->network, packet->destination);
    if (destination == NULL)
        return;
    if (stage == FETCH_FAR)
        cache_line_fetch(destination, CACHE_LINE);
    else if (destination->neighbour == node && destination->way_in != NULL)
        link_fetch(destination->way_in);
}

/* A host's packet, whose octets are sound. A host does not forward. */
static inline void deliver_to_host(NetworkNode *node, Packet *packet)
{
    if (G_UNLIKELY(packet->destination != node->address))
        network_drop(node, (LinkFault){"no route", 0}, packet);
    else if (G_LIKELY(node->filters == NULL) || packet->source == node->address ||
             !host_is_on(node->host) || !filter_stops(node, packet))
        host_receive(node->host, packet);
}

void network_deliver(void *owner, Packet *packet)
{
    NetworkNode *node = owner;
    const char *defect = packet_find_defect(packet, node->host == NULL);
    /* RFC 1122 §3.2.1.2, §4.1.3.4, §3.2.2; RFC 9293 §3.1: silently discarded. */
    if (G_UNLIKELY(defect != NULL))
        network_drop(node, (LinkFault){defect, 0}, packet);
    else if (node->host == NULL)
        router_receive(node, packet);
    else
        deliver_to_host(node, packet);
}
