/* UDP at a host (RFC 768; RFC 1122 §4.1). Left out on purpose: telling a program of the ICMP errors
 * that its datagrams meet. */
#include "net/host_internal.h"

#include "core/check.h"

typedef struct UdpPort {
    HostUdpHandler *handler;
    void *owner;
} UdpPort;

static UdpPort *port_find(const Host *host, uint16_t port)
{
    return g_hash_table_lookup(host->udp_ports, GUINT_TO_POINTER(port));
}

/* 0: none is free. */
static uint16_t free_port(Host *host)
{
    uint16_t first = host->next_udp_port;
    uint16_t port = first;
    while (port_find(host, port) != NULL) {
        port = host_next_ephemeral_port(port);
        if (port == first)
            return 0;
    }
    host->next_udp_port = host_next_ephemeral_port(port);
    return port;
}

uint16_t host_udp_bind(Host *host, uint16_t port, HostUdpHandler *handler, void *owner)
{
    if (port == 0)
        port = free_port(host);
    else
        host->no_program_because = 0;
    if (port == 0 || port_find(host, port) != NULL)
        return 0;
    UdpPort *bound = g_new(UdpPort, 1);
    *bound = (UdpPort){handler, owner};
    g_hash_table_insert(host->udp_ports, GUINT_TO_POINTER(port), bound);
    return port;
}

void host_udp_unbind(Host *host, uint16_t port)
{
    g_hash_table_remove(host->udp_ports, GUINT_TO_POINTER(port));
}

static void trace_send(const Host *host, const Packet *packet)
{
    const Datagram *datagram = &packet->udp;
    if (TRACE_PASS_OVER(host->trace, UDP_SEND))
        return;
    TraceFields_UDP_SEND fields = {
        .packet = packet->ref,
        .source = packet->source,
        .source_port = datagram->source_port,
        .destination = packet->destination,
        .destination_port = datagram->destination_port,
        .length = PACKET_UDP_HEADER + datagram->payload.length,
    };
    trace_write_packet(host->trace, host->node->id, TRACE_UDP_SEND, 0, &fields,
                       packet_for_trace(packet));
}

static void trace_receive(const Host *host, const Packet *packet)
{
    const Datagram *datagram = &packet->udp;
    if (TRACE_PASS_OVER(host->trace, UDP_RECEIVE))
        return;
    TraceFields_UDP_RECEIVE fields = {
        .packet = packet->ref,
        .source_port = datagram->source_port,
        .destination_port = datagram->destination_port,
        .length = PACKET_UDP_HEADER + datagram->payload.length,
    };
    trace_write_packet(host->trace, host->node->id, TRACE_UDP_RECEIVE, 0, &fields,
                       packet_for_trace(packet));
}

void host_udp_send(Host *host, uint16_t local_port, Ipv4Address address, uint16_t port,
                   Octets *data)
{
    size_t length = octets_length(data);
    CHECK(length <= HOST_MAX_UDP_PAYLOAD);
    if (!host->is_on)
        return;
    Packet *packet = network_new_packet(host->node, PACKET_UDP, address);
    packet->udp = (Datagram){local_port, port, slice_new(data, 0, length)};
    trace_send(host, packet);
    Cause cause = *simulator_cause(host->simulator);
    network_send(host->node, packet);
    *simulator_cause(host->simulator) = cause; /* the program's next record is not the link's */
}

void udp_receive(Host *host, const Packet *packet)
{
    trace_receive(host, packet);
    const Datagram *datagram = &packet->udp;
    const UdpPort *bound = port_find(host, datagram->destination_port);
    if (bound != NULL)
        bound->handler(bound->owner, packet->source, datagram->source_port,
                       slice_span(datagram->payload));
    else /* RFC 1122 §4.1.3.1 */
        icmp_report(host->node, packet,
                    (IcmpReport){ICMP_UNREACHABLE, ICMP_CODE_PORT_UNREACHABLE, 0,
                                 host->no_program_because});
}
