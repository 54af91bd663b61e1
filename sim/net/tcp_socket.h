/* A connection of a host: the TCP engine with a timer, a handler, a trace and packets around it.
 * It is the Stream that a program holds; see stream.h for that side of it. */
#pragma once

#include "net/host_internal.h"
#include "net/stream.h"
#include "net/tcp.h"

/* The first three cache lines are what each segment needs; behind them is the TcpConnection, in the
 * same memory, so that all of it can be fetched when its address is known. */
enum { TCP_SOCKET_HOT_LINES = 3 };

struct TcpSocket {
    Stream stream;      /* first: a Stream * of this kind is a TcpSocket * */
    TcpConnection *tcp; /* behind this; NULL once neither kernel nor program needs it */
    StreamHandler handler;
    Host *host;
    uint64_t own_because;  /* the fault behind what is sent from here */
    uint64_t peer_because; /* the last one that a packet of the peer named */
    uint64_t lost_because; /* the fault on the way when a timer last ran out; 0 after any segment */
    Timer timer;
    SimTime timer_at;
    Cause timer_cause; /* of what the timer waits for */
    uint64_t octets_written, octets_read;
    uint32_t traced_cwnd, traced_ssthresh;
    bool is_passive : 1;
    bool is_open : 1;     /* has been ESTABLISHED */
    bool is_attached : 1; /* the kernel has it: segments find it */
    bool is_running : 1;  /* its events are being given: calls only leave work for later */
    bool is_ended : 1;    /* the last event has been given, or there is nobody for it */
    bool is_released : 1; /* the program holds it no more */
    bool is_orphan : 1;   /* the program that held it is gone */
    bool is_aborted : 1;  /* this end broke it off */
    bool timer_is_foreground : 1;
    bool timer_has_fired : 1; /* and tcp.timeout is not written yet */
    TcpSocket *previous, *next;
    uint64_t key;                     /* tcp_socket_key */
    uint64_t icmp_because;            /* of the last ICMP error */
    char remote_text[IPV4_TEXT_SIZE]; /* behind stream.remote_name when no host has the address */
};

/* The four-tuple without our own address, in one number. */
static inline uint64_t tcp_socket_key(Ipv4Address remote, uint16_t remote_port, uint16_t local_port)
{
    return (uint64_t)remote << 32 | (uint64_t)remote_port << 16 | local_port;
}
static inline Ipv4Address tcp_socket_key_remote(uint64_t key)
{
    return (Ipv4Address)(key >> 32);
}
static inline uint16_t tcp_socket_key_remote_port(uint64_t key)
{
    return (uint16_t)(key >> 16);
}
static inline uint16_t tcp_socket_key_local_port(uint64_t key)
{
    return (uint16_t)key;
}

/* `iss_after`: where the connection's last incarnation ended, or NULL. */
/* Opens actively: sends the SYN. */
TcpSocket *tcp_socket_new_active(Host *host, Ipv4Address remote, uint16_t remote_port,
                                 uint16_t local_port, const uint32_t *iss_after,
                                 StreamHandler handler);
/* Opens for a SYN; its listener is asked when it is open. */
TcpSocket *tcp_socket_new_passive(Host *host, const Packet *syn, const uint32_t *iss_after);
/* One that waited in the TimeWaitQueue, which it has left; the caller settles or frees it. */
TcpSocket *tcp_socket_restore(Host *host, const TimeWait *wait);
/* Fetches what the next segment will need into the cache. */
void tcp_socket_fetch(const TcpSocket *socket);
/* The packet stays the caller's, its payload may be taken. */
void tcp_socket_receive(TcpSocket *socket, Packet *packet);
void tcp_socket_receive_icmp(TcpSocket *socket, TcpIcmpReport report, uint64_t because);
/* Why the peer is silent: the fault on the way to it, now or at the last time-out; or 0. */
uint64_t tcp_socket_silence_because(const TcpSocket *socket);
/* The program is gone: its kernel closes the connection. */
void tcp_socket_lose_program(TcpSocket *socket, uint64_t because);
/* The kernel forgets the connection, without a word to anybody. */
void tcp_socket_vanish(TcpSocket *socket);
/* After any change: sends, arms the timer, cleans up; while the socket gives events, nothing. What
 * the caller's step does next is not caused by the segments sent here. */
void tcp_socket_settle_now(TcpSocket *socket);
static inline void tcp_socket_settle(TcpSocket *socket)
{
    if (!socket->is_running)
        tcp_socket_settle_now(socket);
}
/* Frees it, whoever holds it. */
void tcp_socket_free(TcpSocket *socket);

/* tcp_host.c: the largest segment that fits a path known to be narrow; UINT16_MAX: unknown. */
uint16_t tcp_host_path_mss(Host *host, Ipv4Address remote);
/* tcp_host.c: the initial sequence number; `end`: where the last incarnation ended, or NULL. */
uint32_t tcp_host_iss(const Host *host, uint64_t key, const uint32_t *end);
/* tcp_host.c: the connection waits in the TimeWaitQueue from now on, which takes it. */
void tcp_host_wait(Host *host, const TimeWait *wait);

/* tcp_stream.c */
extern const StreamOperations tcp_stream_operations;

/* tcp_segment.c: tcp.send, and the packet on its way. Takes the segment. `connection` may be zero.
 */
void tcp_send_segment(Host *host, TraceRef connection, Ipv4Address remote, uint64_t because,
                      const Segment *segment);
/* tcp_segment.c: tcp.state. */
void tcp_trace_state(Host *host, TraceRef connection, TcpState from, TcpState to);
/* tcp_segment.c: tcp.timeout. */
void tcp_trace_timeout(Host *host, TraceRef connection, const char *timer);
extern const char tcp_time_wait_timer_name[];
/* tcp_segment.c: tcp.receive. */
void tcp_trace_receive(Host *host, TraceRef connection, const Packet *packet);
