/* What the network asks of its NAT routers. */
#pragma once

#include "net/network_internal.h"

/* 10.0.0.0/8 (RFC 1918) */
#define NAT_INSIDE ((Ipv4Address)0x0A000000)

/* `index` counts the network's NAT routers. */
Nat *nat_new(NetworkNode *router, uint32_t index, NatOptions options);
void nat_free(Nat *nat);
/* The private address of another host behind it. */
Ipv4Address nat_add_host(Nat *nat, NetworkNode *host);
/* NULL: nobody has the address. */
NetworkNode *nat_host_at(const Nat *nat, Ipv4Address address);
/* TCP connections to the port go to a host inside, always. */
void nat_forward(Nat *nat, uint16_t outside_port, Ipv4Address inside, uint16_t inside_port);
/* Translates a packet that has come to the router, where it must be; false: there is no mapping. */
bool nat_translate(Nat *nat, Packet *packet);
/* The same in thought: translates the flow and leaves the table as it is. A mapping that its first
 * packet would make is noted in it, for the way back. */
bool nat_peek(const Nat *nat, NetworkFlow *flow);
/* The mappings are forgotten, all but the forwards. */
void nat_forget(Nat *nat);
/* The forwarded ports in words: "25 to bob.pc, 143 to bob.pc"; NULL: there is none. To free. */
char *nat_format_forwards(const Nat *nat);
/* In a report to the outside, a packet to a host inside is quoted as it came. */
void nat_hide_quote(Nat *nat, IcmpError *icmp);
