/* A host: an address, a kernel with TCP, UDP and ICMP, and the sockets of one program.
 *
 * Sources: RFC 1122 (hosts), RFC 9293 §3.10 (TCP's user calls), RFC 768 (UDP), RFC 792 (ICMP),
 * RFC 6335 §6 (dynamic ports), RFC 6528 (initial sequence numbers).
 *
 * Calls on a host belong into steps of its own node or of the timeline, or before the run. */
#pragma once

#include "core/bytes.h"
#include "core/ipv4.h"
#include "core/simulator.h"
#include "net/stream.h"
#include "net/tcp.h"

#include <stdbool.h>
#include <stdint.h>

typedef struct Host Host; /* owned by its Network */

enum {
    HOST_FIRST_EPHEMERAL_PORT = 49152, /* RFC 6335 §6 */
    HOST_MAX_HALF_OPEN = 4096,         /* connections in SYN-RECEIVED; more SYNs are dropped */
    HOST_MAX_UDP_PAYLOAD = 65507,      /* 65,535 less the IP and UDP headers */
};

NodeId host_node(const Host *host);
const char *host_name(const Host *host);
Ipv4Address host_address(const Host *host);

/* For connections made from now on. The options are copied. */
void host_set_tcp_options(Host *host, const TcpOptions *options);

/* A peer has connected: `stream` is open and the callee owns it. The answer is who hears its
 * events from now on, the first being READABLE when something came with the handshake. */
typedef StreamHandler HostAccept(void *owner, Stream *stream);

/* Connections to `port` are accepted. The port has no listener yet. */
void host_listen(Host *host, uint16_t port, HostAccept *accept, void *owner);
/* From now on connections to the port are refused, because of that record of level MAIL; open ones
 * stay. */
void host_unlisten(Host *host, uint16_t port, uint64_t because);
/* Begins to connect. The caller owns the stream and hears STREAM_CONNECTED or STREAM_FAILED. NULL:
 * the host is off, or every ephemeral port is in use towards that address and port. */
Stream *host_connect(Host *host, Ipv4Address address, uint16_t port, StreamHandler handler);

/* A datagram has come; `data` is valid during the call. */
typedef void HostUdpHandler(void *owner, Ipv4Address source, uint16_t source_port, Span data);

/* Datagrams to `port` go to the handler; port 0: a free one, from 49152 upward. Returns the port,
 * or 0 when it is in use or none is free. */
uint16_t host_udp_bind(Host *host, uint16_t port, HostUdpHandler *handler, void *owner);
void host_udp_unbind(Host *host, uint16_t port);
/* Sends at most HOST_MAX_UDP_PAYLOAD octets, by reference. Nothing is sent while the host is off.
 */
void host_udp_send(Host *host, uint16_t local_port, Ipv4Address address, uint16_t port,
                   Octets *data);

/* Failures. `because` is the seq of the record that tells of them (host.crash, …; level MAIL); it
 * becomes the `because` of what follows from them, here and at the peers. None of the program's
 * handlers is called again: listeners and UDP ports vanish, and its streams are as if released,
 * but remain valid pointers until it does release them (or the network is freed). */

/* The program dies, the kernel lives: open connections get a FIN, or a RST where data is unread
 * (RFC 9293 §3.6.1); new ones are refused until the program listens again. */
void host_crash_program(Host *host, uint64_t because);
/* The same in order: a program that ends by itself. Connections end without a fault; new ones are
 * refused because of it. */
void host_stop_program(Host *host, uint64_t because);
/* The power fails: everything vanishes in silence, and packets to the host are dropped. */
void host_power_off(Host *host, uint64_t because);
void host_power_on(Host *host);
bool host_is_on(const Host *host);
