/* A host's life, and the packets that come to it. See host.h; UDP is in udp.c, TCP in tcp_host.c
 * and tcp_socket.c. */
#include "net/host_internal.h"

#include "core/cache_line.h"

Host *host_new(NetworkNode *node)
{
    Host *host = cache_line_new0(sizeof(Host));
    host->node = node;
    host->trace = node->network->trace;
    host->simulator = node->network->simulator;
    host->is_on = true;
    host->udp_ports = g_hash_table_new_full(NULL, NULL, NULL, g_free);
    host->next_udp_port = HOST_FIRST_EPHEMERAL_PORT;
    tcp_host_init(host);
    return host;
}

void host_free(Host *host)
{
    tcp_host_clear(host);
    g_hash_table_unref(host->udp_ports);
    free(host);
}

NodeId host_node(const Host *host)
{
    return host->node->id;
}

const char *host_name(const Host *host)
{
    return host->node->name;
}

Ipv4Address host_address(const Host *host)
{
    return host->node->address;
}

NetworkNode *host_peek_node(const Host *host)
{
    return host->node;
}

bool host_is_on(const Host *host)
{
    return host->is_on;
}

uint64_t host_off_because(const Host *host)
{
    return host->is_on ? 0 : host->off_because;
}

SimTime host_earliest_time(const Host *host)
{
    bool is_own_step = simulator_current_node(host->simulator) == host->node->id;
    return simtime_add(simulator_now(host->simulator), is_own_step ? 0 : SIM_NANOSECOND);
}

uint16_t host_next_ephemeral_port(uint16_t port)
{
    return port == UINT16_MAX ? HOST_FIRST_EPHEMERAL_PORT : (uint16_t)(port + 1);
}

void host_fetch(const Host *host, const Packet *packet, FetchStage stage)
{
    if (packet->protocol == PACKET_TCP)
        tcp_host_fetch(host, packet, stage);
}

void host_receive(Host *host, Packet *packet)
{
    if (G_UNLIKELY(!host->is_on)) {
        NodeId before = packet->hop_from;
        link_drop_packet(host->trace, before, host->node->name,
                         (LinkFault){"host off", host->off_because}, packet);
        return;
    }
    switch ((PacketProtocol)packet->protocol) {
    case PACKET_TCP:
        tcp_host_receive(host, packet);
        break;
    case PACKET_UDP:
        udp_receive(host, packet);
        break;
    case PACKET_ICMP:
        icmp_receive(host, packet);
        break;
    }
    packet_free(packet);
}

static void end_program(Host *host, uint64_t because, uint64_t lost_because)
{
    host->no_program_because = because;
    host->lost_because = lost_because;
    g_hash_table_remove_all(host->udp_ports);
    tcp_host_end_program(host, lost_because);
}

void host_crash_program(Host *host, uint64_t because)
{
    end_program(host, because, because);
}

void host_stop_program(Host *host, uint64_t because)
{
    end_program(host, because, 0);
}

void host_power_off(Host *host, uint64_t because)
{
    if (!host->is_on)
        return;
    host->is_on = false;
    host->off_because = because;
    host->no_program_because = because;
    host->lost_because = because;
    g_hash_table_remove_all(host->udp_ports);
    tcp_host_power_off(host);
}

void host_power_on(Host *host)
{
    host->is_on = true;
}
