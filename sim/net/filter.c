/* Firewall rules. See filter.h. */
#include "net/filter.h"

#include "net/network_internal.h"
#include "net/tcp.h"

static bool range_holds(AddressRange range, Ipv4Address address)
{
    return ((address ^ range.address) & range.mask) == 0;
}

static bool port_fits(uint16_t port, const Packet *packet)
{
    if (port == 0)
        return true;
    switch ((PacketProtocol)packet->protocol) {
    case PACKET_TCP:
        return packet->tcp.destination_port == port;
    case PACKET_UDP:
        return packet->udp.destination_port == port;
    case PACKET_ICMP:
        break;
    }
    return false;
}

FilterVerdict filter_judge(const FilterRule *rules, size_t count, const Packet *packet)
{
    for (size_t i = 0; i < count; i++) {
        const FilterRule *rule = &rules[i];
        bool is_protocol = rule->protocol == 0 || rule->protocol == packet->protocol;
        if (is_protocol && port_fits(rule->port, packet) &&
            range_holds(rule->from, packet->source) && range_holds(rule->to, packet->destination))
            return rule->verdict;
    }
    return FILTER_ALLOW;
}

/* A reset as the destination would send it if nobody listened there. */
static void send_reset(NetworkNode *node, const Packet *about)
{
    Segment reply;
    if (tcp_reply_for_closed(&about->tcp, &reply))
        tcp_send_forged(node, about->destination, about->source, &reply);
}

bool filter_stops(NetworkNode *node, Packet *packet)
{
    const FilterRule *rules = (const FilterRule *)(const void *)node->filters->data;
    FilterVerdict verdict = filter_judge(rules, node->filters->len, packet);
    if (verdict == FILTER_ALLOW)
        return false;
    link_record_drop(node->network->trace, node->id, NULL, (LinkFault){"firewall", 0}, packet);
    if (verdict == FILTER_RESET && packet->protocol == PACKET_TCP)
        send_reset(node, packet);
    else if (verdict != FILTER_DROP)
        icmp_report(node, packet, (IcmpReport){ICMP_UNREACHABLE, ICMP_CODE_PROHIBITED, 0, 0});
    packet_free(packet);
    return true;
}

void network_add_filter(Network *network, const char *name, FilterRule rule)
{
    NetworkNode *node = network_node_named(network, name);
    if (node->filters == NULL)
        node->filters = g_array_new(FALSE, FALSE, sizeof(FilterRule));
    g_array_append_val(node->filters, rule);
}
