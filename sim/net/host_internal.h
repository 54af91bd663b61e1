/* What the files of the host share. */
#pragma once

#include "core/random.h"
#include "net/host.h"
#include "net/network_internal.h"
#include "net/packet.h"
#include "net/socket_table.h"
#include "net/time_wait.h"

#include <glib.h>

typedef struct TcpSocket TcpSocket;

typedef struct TcpListener {
    HostAccept *accept;
    void *owner;
    uint16_t port;
} TcpListener;

struct Host {
    NetworkNode *node;
    Trace *trace;
    Simulator *simulator;
    SocketTable sockets;      /* TcpSocket by tcp_socket_key: those that segments are given to */
    TimeWaitQueue time_waits; /* connections that only wait */
    Timer time_wait_timer;    /* for the first of these */
    TcpListener *listeners;   /* few */
    uint32_t listener_count;
    uint64_t connection_count;
    uint32_t half_open;
    bool is_on;

    GPtrArray
        *options; /* TcpOptions *, each kept as connections refer to it; the last is current */
    TcpSocket *first_socket,
        *last_socket;  /* every one that is not freed, in order of creation or restoring */
    Random iss_secret; /* its index is set for each use */

    uint64_t off_because;        /* of the power failure, while it is off */
    uint64_t no_program_because; /* why nobody listens: what ended the program; 0 when it does */
    uint64_t lost_because;       /* of what last ended connections here, for resets sent later */

    GHashTable *path_mtus; /* address -> PathMtu *; NULL: none is known (tcp_host.c) */
    GHashTable *udp_ports; /* port -> UdpPort * */
    uint16_t next_tcp_port, next_udp_port;
};

Host *host_new(NetworkNode *node);
void host_free(Host *host);
NetworkNode *host_peek_node(const Host *host);
/* The power failure's seq, or 0 when the host is on. */
uint64_t host_off_because(const Host *host);
/* A packet for this host has arrived; takes it. */
void host_receive(Host *host, Packet *packet);
/* Fetches what that will need into the cache. */
void host_fetch(const Host *host, const Packet *packet, FetchStage stage);
/* The earliest time for which the host's own events may be scheduled now: another node's step may
 * not schedule here for this very instant. */
SimTime host_earliest_time(const Host *host);
/* The ephemeral port after `port`, around in a circle. */
uint16_t host_next_ephemeral_port(uint16_t port);

/* udp.c */
void udp_receive(Host *host, const Packet *packet);

/* icmp.c */
void icmp_receive(Host *host, const Packet *packet);

/* tcp_host.c */
void tcp_host_init(Host *host);
void tcp_host_clear(Host *host);
/* NULL: nobody listens at that port. Valid until somebody begins or ends to. */
const TcpListener *tcp_host_listener(const Host *host, uint16_t port);
/* The packet stays the caller's, its payload may be taken. */
void tcp_host_receive(Host *host, Packet *packet);
void tcp_host_fetch(const Host *host, const Packet *packet, FetchStage stage);
typedef struct TcpIcmpReport {
    TcpIcmp error;
    uint32_t seq; /* of the segment that it quotes */
    uint32_t mtu; /* of the next hop, with TCP_ICMP_FRAGMENTATION_NEEDED */
} TcpIcmpReport;

/* An ICMP error about a segment of ours. */
void tcp_host_receive_icmp(Host *host, Ipv4Address remote, uint16_t remote_port,
                           uint16_t local_port, TcpIcmpReport report, uint64_t because);
/* The program is gone; `because` 0: in order. */
void tcp_host_end_program(Host *host, uint64_t because);
void tcp_host_power_off(Host *host);
