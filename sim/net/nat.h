/* A NAT router: machines with private addresses behind one public address.
 *
 * Sources: RFC 1918 (private addresses), RFC 3022 (address and port translation), RFC 4787, RFC
 * 5382 and RFC 5508 (how UDP, TCP and ICMP are treated). A mapping joins an inside address and port
 * with a port of the router, whatever the destination is (RFC 4787 REQ-1), and keeps the port's
 * number where it is free. What comes to a port without mapping is dropped in silence, as home
 * routers do. A mapping that no packet from inside has used for so long is gone. Left out on
 * purpose: filtering by the peer's address, shorter times for TCP connections that are closing, the
 * same private addresses in two homes. */
#pragma once

#include "core/ipv4.h"
#include "core/simtime.h"

#include <stdint.h>

enum { NAT_MAX_HOMES = 65536, NAT_MAX_HOSTS = 253 };

typedef struct NatOptions {
    SimTime tcp_timeout; /* of a mapping, more than 0 */
    SimTime udp_timeout;
} NatOptions;
