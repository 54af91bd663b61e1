/* Firewall rules. See filter.h. */
#include "net/filter.h"

#include "net/network_internal.h"
#include "net/tcp.h"

static bool range_holds(AddressRange range, Ipv4Address address)
{
    return ((address ^ range.address) & range.mask) == 0;
}

/* ICMP has no ports. */
static uint16_t destination_port(const Packet *packet)
{
    switch ((PacketProtocol)packet->protocol) {
    case PACKET_TCP:
        return packet->tcp.destination_port;
    case PACKET_UDP:
        return packet->udp.destination_port;
    case PACKET_ICMP:
        break;
    }
    return 0;
}

FilterVerdict filter_judge_flow(const FilterRule *rules, size_t count, const NetworkFlow *flow)
{
    for (size_t i = 0; i < count; i++) {
        const FilterRule *rule = &rules[i];
        bool is_protocol = rule->protocol == 0 || rule->protocol == flow->protocol;
        if (is_protocol && (rule->port == 0 || rule->port == flow->destination_port) &&
            range_holds(rule->from, flow->source) && range_holds(rule->to, flow->destination))
            return rule->verdict;
    }
    return FILTER_ALLOW;
}

FilterVerdict filter_judge(const FilterRule *rules, size_t count, const Packet *packet)
{
    NetworkFlow flow = {.protocol = packet->protocol,
                        .destination_port = destination_port(packet),
                        .source = packet->source,
                        .destination = packet->destination};
    return filter_judge_flow(rules, count, &flow);
}

/* ---- Rules in words ---- */

static const char *protocol_text(uint8_t protocol)
{
    return protocol == PACKET_TCP    ? "tcp"
           : protocol == PACKET_UDP  ? "udp"
           : protocol == PACKET_ICMP ? "icmp"
                                     : "any";
}

/* ` from 198.18.0.0/16`; nothing for all addresses. */
static void append_range(GString *text, const char *word, AddressRange range)
{
    char address[IPV4_TEXT_SIZE];
    int bits = 0;
    if (range.mask == 0)
        return;
    while (bits < 32 && (range.mask << bits & 0x80000000U) != 0)
        bits++;
    g_string_append_printf(text, " %s %s", word, ipv4_format(range.address, address));
    if (bits < 32)
        g_string_append_printf(text, "/%d", bits);
}

char *filter_format(const FilterRule *rules, size_t count)
{
    static const char *const VERDICTS[] = {[FILTER_ALLOW] = "allow",
                                           [FILTER_DROP] = "drop",
                                           [FILTER_REJECT] = "reject",
                                           [FILTER_RESET] = "reset"};
    GString *text = g_string_new(count == 0 ? "none" : NULL);
    for (size_t i = 0; i < count; i++) {
        const FilterRule *rule = &rules[i];
        g_string_append_printf(text, "%s%s %s", i > 0 ? "; " : "", VERDICTS[rule->verdict],
                               protocol_text(rule->protocol));
        if (rule->port != 0)
            g_string_append_printf(text, " to port %u", rule->port);
        append_range(text, "from", rule->from);
        append_range(text, "to", rule->to);
    }
    return g_string_free(text, FALSE);
}

/* ---- Judging packets ---- */

/* A reset as the destination would send it if nobody listened there. */
static void send_reset(NetworkNode *node, const Packet *about)
{
    Segment reply;
    if (tcp_reply_for_closed(&about->tcp, &reply))
        tcp_send_forged(node, about->destination, about->source, node->filters_because, &reply);
}

bool filter_stops(NetworkNode *node, Packet *packet)
{
    const FilterRule *rules = (const FilterRule *)(const void *)node->filters->data;
    FilterVerdict verdict = filter_judge(rules, node->filters->len, packet);
    if (verdict == FILTER_ALLOW)
        return false;
    link_record_drop(node->network->trace, node->id, NULL,
                     (LinkFault){"firewall", node->filters_because}, packet);
    if (verdict == FILTER_RESET && packet->protocol == PACKET_TCP)
        send_reset(node, packet);
    else if (verdict != FILTER_DROP)
        icmp_report(node, packet,
                    (IcmpReport){ICMP_UNREACHABLE, ICMP_CODE_PROHIBITED, 0, node->filters_because});
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

/* The record is what packets name that the rules stop. */
void network_announce_filters(NetworkNode *node, uint64_t because)
{
    const FilterRule *rules = (const FilterRule *)(const void *)node->filters->data;
    g_autofree char *text = filter_format(rules, node->filters->len);
    node->filters_because =
        TRACE(node->network->trace, node->id, FIREWALL_SET, because, .rules = text);
}

void network_set_filters(Network *network, const char *name, const FilterRule *rules, size_t count,
                         uint64_t because)
{
    NetworkNode *node = network_node_named(network, name);
    if (node->filters == NULL)
        node->filters = g_array_new(FALSE, FALSE, sizeof(FilterRule));
    g_array_set_size(node->filters, 0);
    if (count > 0)
        g_array_append_vals(node->filters, rules, (guint)count);
    network_announce_filters(node, because);
}
