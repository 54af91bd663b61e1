/* What the files of the network share: its nodes, and how a packet gets from one to the next. */
#pragma once

#include "net/link.h"
#include "net/network.h"
#include "net/packet.h"
#include "net/routing.h"

#include <glib.h>

typedef struct Nat Nat; /* nat_internal.h */

/* First what packets from, to and through it meet, in a cache line and a little more. */
typedef struct NetworkNode {
    Network *network;
    Host *host;      /* NULL: a router */
    GArray *filters; /* FilterRule; NULL: no firewall */
    struct NetworkNode
        *home; /* the NAT router before a private host; NULL: the address is public */
    /* Of a host with one link, which every packet from or to it takes; else NULL. */
    struct NetworkNode *neighbour;
    LinkDirection *way_in; /* from `neighbour`; NULL also while routes have it that it is down */
    LinkDirection *way_out;
    Ipv4Address address;
    NodeId id;
    uint64_t packet_count; /* packets that arose here */
    uint32_t group;        /* of the partition; 0: in none */
    uint32_t index;        /* among the network's nodes, and in its routings */
    struct Nat *nat;       /* a NAT router's table; NULL: none */
    const char *name;      /* the simulator's */
    uint32_t link_count;
    uint64_t filters_because; /* seq of the firewall.set that says them */
    uint64_t nat_because;     /* of a NAT router: of the nat.address that says what it has */
} NetworkNode;

/* A link, with the state that its options do not say. */
typedef struct NetworkLink {
    Network *network;
    Link *link;
    uint32_t edge;          /* in the routings */
    uint32_t ends[2];       /* indices of nodes */
    LinkOptions built[2];   /* how the direction from each end behaved before the run */
    uint64_t down_since[2]; /* seq of link.down, of the direction from each end; 0: not down */
    bool is_usable;         /* as routes will have it when they have converged */
} NetworkLink;

struct Network {
    Trace *trace;
    Pool *packets; /* Packet */
    Pool *sockets; /* TcpSocket, each with its TcpConnection */
    Simulator *simulator;
    GPtrArray *nodes;    /* NetworkNode * */
    GPtrArray *hosts;    /* NetworkNode *, in order of address */
    GPtrArray *homes;    /* NetworkNode *: the NAT routers, by index */
    GPtrArray *routers;  /* NetworkNode *, in falling order of address */
    GHashTable *by_name; /* name -> NetworkNode * */
    GPtrArray *links;    /* NetworkLink *, by the routings' edge */
    Routing *current;    /* the routes that packets take */
    Routing *intact;     /* those that they would take if every link were up */
    SimTime convergence_ns;
    GHashTable
        *vacated; /* an address that nobody has any more -> seq of nat.address, as pointers */
    uint64_t partition_because;
    bool is_finished;
};

NetworkNode *network_node_at(const Network *network, uint32_t index);
NetworkLink *network_link_at(const Network *network, uint32_t edge);
/* NULL: nobody has the address. */
NetworkNode *network_node_by_address(const Network *network, Ipv4Address address);
/* The node of that name must exist. */
NetworkNode *network_node_named(const Network *network, const char *name);

/* The link that joins the two, which there is. */
NetworkLink *network_link_between(const Network *network, const NetworkNode *a,
                                  const NetworkNode *b);

/* network.c: routes take the link from now on, or do not; for those of its ends that have no other.
 */
void network_note_way_in(const NetworkLink *link, bool is_usable);

/* tcp_socket.c: how much memory a TcpSocket takes. */
size_t tcp_socket_size(void);

/* network_forwarding.c */

/* A packet that arises at `node`, with its first hop's ends filled in. */
Packet *network_new_packet(NetworkNode *node, PacketProtocol protocol, Ipv4Address destination);
/* Sends a packet that arose at `node` on its way. */
void network_send(NetworkNode *node, Packet *packet);
/* A packet has arrived at the NetworkNode `owner`: a LinkDeliver. */
void network_deliver(void *owner, Packet *packet);
/* Fetches what that will need: a LinkFetch. */
void network_fetch(const void *owner, const Packet *packet, FetchStage stage);
/* Ends a packet at `node`: link.drop. */
void network_drop(NetworkNode *node, LinkFault why, Packet *packet);

/* network_faults.c */

/* Whether the partition keeps the two apart. */
bool network_is_parted(const NetworkNode *a, const NetworkNode *b);

/* network_peek.c */

/* network_peek_flow_fault, from any node; the flow has its source. */
uint64_t network_peek_flow_fault_from(const NetworkNode *node, NetworkFlow flow);

/* network_forwarding.c: who has the address, as the node knows: private ones mean something only at
 * home; NULL: nobody. */
const NetworkNode *network_destination_at(const NetworkNode *node, Ipv4Address address);

/* network.c: the record since which nobody has the address; 0: nobody ever had, or somebody has. */
uint64_t network_vacated_because(const Network *network, Ipv4Address address);

/* filter.c */

/* Whether the node's firewall, which it has, stops the packet; then it takes it. */
bool filter_stops(NetworkNode *node, Packet *packet);
/* Records the rules that it has: firewall.set. */
void network_announce_filters(NetworkNode *node, uint64_t because);

/* tcp_segment.c: a segment that the node sends in the name of `source`. */
void tcp_send_forged(NetworkNode *node, Ipv4Address source, Ipv4Address remote, uint64_t because,
                     const Segment *segment);

/* icmp.c */

typedef struct IcmpReport {
    uint8_t type, code;
    uint32_t mtu; /* with ICMP_CODE_FRAGMENTATION_NEEDED */
    uint64_t because;
} IcmpReport;

/* Reports to the source of `about` that `node` could not pass it on; nothing where RFC 1122
 * §3.2.2 forbids it. */
void icmp_report(NetworkNode *node, const Packet *about, IcmpReport report);
