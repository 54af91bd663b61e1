/* The network: hosts and routers joined by links, and the routes between them.
 *
 * Built before the run: add routers, hosts and links, then network_finish. Routes are the shortest
 * by delay, ties by name order (strcmp) of the next node; hosts forward nothing (RFC 1122 §3.1).
 * They change NetworkOptions.convergence after a link does; until then packets run into the dead
 * link. No routing protocol is modelled, only its effect: a link that has failed in one direction
 * is not used in the other either (RFC 2328 §7.1), and delays count as they are in each direction.
 * Left out on purpose: fragmentation, ARP, multicast. */
#pragma once

#include "core/ipv4.h"
#include "core/simulator.h"
#include "net/filter.h"
#include "net/host.h"
#include "net/link.h"
#include "net/nat.h"
#include "trace/trace.h"

#include <stddef.h>
#include <stdint.h>

typedef struct Network Network;

/* Hosts get addresses upward from 198.18.0.1, routers downward from 198.19.255.254, in order of
 * creation: RFC 2544 (C.2.2) reserves 198.18.0.0/15 for benchmarks. */
enum { NETWORK_MAX_NODES = 65534 };

#define NETWORK_DEFAULT_CONVERGENCE SIM_SECOND

/* Records carry the trace; it outlives the network. Nodes are added to the trace's simulator. */
Network *network_new(Trace *trace);
/* Frees hosts, connections and streams too. No event may run any more; simulator_free comes after
 * this. */
void network_free(Network *network);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Network, network_free)

/* The time from a link's change to that of the routes; more than 0. */
void network_set_convergence(Network *network, SimTime convergence_ns);

/* Names are unique among the simulator's nodes. */
void network_add_router(Network *network, const char *name);
Host *network_add_host(Network *network, const char *name);
/* A router with private addresses behind it (nat.h), hosts there, and a port of the router whose
 * TCP connections go to one of them. Only hosts and the router itself send to private addresses. */
void network_add_nat_router(Network *network, const char *name, NatOptions options);
Host *network_add_private_host(Network *network, const char *name, const char *nat_router);
void network_add_forward(Network *network, const char *nat_router, uint16_t port, const char *host,
                         uint16_t host_port);
/* Joins two nodes that no link joins yet. */
void network_add_link(Network *network, const char *a, const char *b, LinkOptions options);
/* Before the run: how the direction from `from` to `to` differs from the link's other. */
void network_set_direction(Network *network, const char *from, const char *to, LinkOptions options);
/* Before the run: a rule of a host's or router's firewall, behind those added before. */
void network_add_filter(Network *network, const char *node, FilterRule rule);
/* Computes the routes: the network is complete. */
void network_finish(Network *network);
/* As the run begins: records what firewalls and NAT routers there are (firewall.set, nat.address),
 * which packets that they stop then name as what decided it. */
void network_announce(Network *network);

/* NULL: there is none. */
Host *network_find_host(const Network *network, const char *name);
Host *network_host_by_address(const Network *network, Ipv4Address address);
/* Of a host or router, which there is; of a host behind NAT that of its router. */
Ipv4Address network_address_of(const Network *network, const char *name);
Trace *network_trace(const Network *network);

/* Faults. `because` is 0 or the seq of a record of level MAIL, such as the timeline's action.
 * Packets underway on a link that goes down are lost. A link already down (up) stays as it is. The
 * fault that packets and streams name is the record link.down; for a partition it is `because`. */
void network_link_down(Network *network, const char *a, const char *b, uint64_t because);
void network_link_up(Network *network, const char *a, const char *b, uint64_t because);
/* The same, but only packets from `from` to `to` are lost; link_up ends it. */
void network_link_down_one_way(Network *network, const char *from, const char *to,
                               uint64_t because);
/* How the direction behaves. */
LinkOptions network_link_options(const Network *network, const char *from, const char *to);
/* From now on it behaves like that: link.change, with `changes` for people. Routes follow a changed
 * delay a convergence time later. */
void network_link_change(Network *network, const char *from, const char *to, LinkOptions options,
                         const char *changes, uint64_t because);
/* Both directions behave again as they did before the run. */
void network_link_restore(Network *network, const char *a, const char *b, uint64_t because);

/* From now on these are the rules of the host's or router's firewall: firewall.set. */
void network_set_filters(Network *network, const char *node, const FilterRule *rules, size_t count,
                         uint64_t because);
/* The provider gives a NAT router another public address: nat.address. Its old one goes to the NAT
 * router `heir`, whose own nobody has from then on; NULL: nobody has the old one. Mappings are
 * forgotten, connections go nowhere. */
void network_renumber(Network *network, const char *nat_router, const char *heir, uint64_t because);

typedef struct NetworkGroup {
    const char *const *names; /* of hosts and routers */
    size_t count;
} NetworkGroup;

/* No packet passes between members of different groups: neither end to end nor over a link that
 * joins two such routers. Who is in no group reaches everybody. Replaces an earlier partition. */
void network_partition(Network *network, const NetworkGroup *groups, size_t group_count,
                       uint64_t because);
void network_heal(Network *network);

/* Why packets from `from` do not reach `to` now, or answers do not come back: the seq of the first
 * fault on their way - a partition, a link that is down, the host being off, an address that nobody
 * has any more - or 0: no fault. Changes nothing. */
uint64_t network_peek_fault(const Network *network, const Host *from, Ipv4Address to);
/* The same for packets of a protocol between ports, so that firewalls that drop them and NAT
 * routers without a mapping for them count too. The flow's source is the host. */
uint64_t network_peek_flow_fault(const Host *from, NetworkFlow flow);
