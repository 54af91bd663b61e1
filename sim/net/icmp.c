/* ICMP error messages (RFC 792; RFC 1122 §3.2.2; RFC 1191): unreachable and time exceeded. Left out
 * on purpose: echo, redirects, limits on their rate. */
#include "net/host_internal.h"
#include "net/nat_internal.h"

#include <string.h>

enum {
    QUOTE_PROTOCOL_OFFSET = 9,
    QUOTE_DESTINATION_OFFSET = 16,
    QUOTE_SOURCE_PORT_OFFSET = PACKET_IP_HEADER,
    QUOTE_DESTINATION_PORT_OFFSET = PACKET_IP_HEADER + 2,
    QUOTE_SEQUENCE_OFFSET = PACKET_IP_HEADER + 4,
};

static const char *meaning_of(uint8_t type, uint8_t code)
{
    static const char *const UNREACHABLE[] = {
        [ICMP_CODE_NETWORK_UNREACHABLE] = "network unreachable",
        [ICMP_CODE_HOST_UNREACHABLE] = "host unreachable",
        [ICMP_CODE_PROTOCOL_UNREACHABLE] = "protocol unreachable",
        [ICMP_CODE_PORT_UNREACHABLE] = "port unreachable",
        [ICMP_CODE_FRAGMENTATION_NEEDED] = "fragmentation needed and DF set",
        [ICMP_CODE_PROHIBITED] = "communication administratively prohibited",
    };
    return type == ICMP_TIME_EXCEEDED ? "time exceeded" : UNREACHABLE[code];
}

static void quote_packet(const Packet *packet, uint8_t quote[PACKET_ICMP_QUOTE])
{
    g_autoptr(GByteArray) bytes = g_byte_array_new();
    packet_write(packet, bytes);
    memcpy(quote, bytes->data + PACKET_ETHERNET_HEADER, PACKET_ICMP_QUOTE);
}

void icmp_report(NetworkNode *node, const Packet *about, IcmpReport report)
{
    if (about->protocol == PACKET_ICMP) /* RFC 1122 §3.2.2: no error about an error */
        return;
    Packet *packet = network_new_packet(node, PACKET_ICMP, about->source);
    packet->because = report.because;
    packet->icmp = (IcmpError){
        .about = about->ref, .type = report.type, .code = report.code, .mtu = (uint16_t)report.mtu};
    quote_packet(about, packet->icmp.quote);
    if (node->nat != NULL)
        nat_hide_quote(node->nat, &packet->icmp);
    TraceFields_ICMP_SEND fields = {
        .packet = packet->ref,
        .about = about->ref,
        .destination = about->source,
        .type = report.type,
        .code = report.code,
        .meaning = meaning_of(report.type, report.code),
    };
    trace_write_packet(node->network->trace, node->id, TRACE_ICMP_SEND, report.because, &fields,
                       packet_for_trace(packet));
    network_send(node, packet);
}

static uint16_t quote_u16(const IcmpError *icmp, int offset)
{
    return (uint16_t)(icmp->quote[offset] << 8 | icmp->quote[offset + 1]);
}

static TcpIcmp tcp_icmp_of(const IcmpError *icmp)
{
    static const TcpIcmp UNREACHABLE[] = {
        [ICMP_CODE_NETWORK_UNREACHABLE] = TCP_ICMP_NETWORK_UNREACHABLE,
        [ICMP_CODE_HOST_UNREACHABLE] = TCP_ICMP_HOST_UNREACHABLE,
        [ICMP_CODE_PROTOCOL_UNREACHABLE] = TCP_ICMP_PROTOCOL_UNREACHABLE,
        [ICMP_CODE_PORT_UNREACHABLE] = TCP_ICMP_PORT_UNREACHABLE,
        [ICMP_CODE_FRAGMENTATION_NEEDED] = TCP_ICMP_FRAGMENTATION_NEEDED,
        [ICMP_CODE_PROHIBITED] = TCP_ICMP_PROHIBITED,
    };
    return icmp->type == ICMP_TIME_EXCEEDED ? TCP_ICMP_TIME_EXCEEDED : UNREACHABLE[icmp->code];
}

/* RFC 1122 §3.2.2: an error goes to the transport named in the packet that it quotes. */
void icmp_receive(Host *host, const Packet *packet)
{
    const IcmpError *icmp = &packet->icmp;
    TraceFields_ICMP_RECEIVE fields = {
        .packet = packet->ref,
        .about = icmp->about,
        .type = icmp->type,
        .code = icmp->code,
        .meaning = meaning_of(icmp->type, icmp->code),
    };
    trace_write_packet(host->trace, host->node->id, TRACE_ICMP_RECEIVE, 0, &fields,
                       packet_for_trace(packet));
    if (icmp->quote[QUOTE_PROTOCOL_OFFSET] != PACKET_TCP)
        return;
    Ipv4Address remote = (Ipv4Address)quote_u16(icmp, QUOTE_DESTINATION_OFFSET) << 16 |
                         quote_u16(icmp, QUOTE_DESTINATION_OFFSET + 2);
    TcpIcmpReport report = {
        .error = tcp_icmp_of(icmp),
        .seq = (uint32_t)quote_u16(icmp, QUOTE_SEQUENCE_OFFSET) << 16 |
               quote_u16(icmp, QUOTE_SEQUENCE_OFFSET + 2),
        .mtu = icmp->mtu,
    };
    tcp_host_receive_icmp(host, remote, quote_u16(icmp, QUOTE_DESTINATION_PORT_OFFSET),
                          quote_u16(icmp, QUOTE_SOURCE_PORT_OFFSET), report, packet->because);
}
