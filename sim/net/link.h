/* A link: two independent directions, each with a delay, a rate, a drop-tail queue, and what may go
 * wrong on the way: loss, jitter, reordering, duplicates, bits turned over.
 *
 * A packet costs one event, its arrival at the other end. When its bits leave is computed: a
 * direction is busy until the last packet put on it has left, and the queue is those packets whose
 * first bit is not sent yet. The rate counts the Ethernet header and the IP packet. Left out on
 * purpose: preamble, frame check sequence, gaps between frames, shared media, priorities. */
#pragma once

#include "core/random.h"
#include "core/simtime.h"
#include "net/packet.h"
#include "trace/trace.h"

#include <stdbool.h>
#include <stdint.h>

enum {
    LINK_QUEUE_DEFAULT = 100, /* packets */
    LINK_QUEUE_MAXIMUM = 1000000,
};

/* A chance; 0/0: it never happens. */
typedef struct LinkChance {
    uint64_t numerator, denominator;
} LinkChance;

/* How a link behaves in one direction. What is not given (zero) does not happen. */
typedef struct LinkOptions {
    SimTime delay_ns;                          /* propagation, more than 0 */
    uint64_t rate_bits_per_second;             /* more than 0 */
    uint64_t loss_numerator, loss_denominator; /* chance that a packet is lost; 0/0: none */
    uint32_t queue_packets;                    /* that wait, besides the one being sent;
                                                  0: LINK_QUEUE_DEFAULT */
    uint32_t mtu;                              /* octets of an IP packet; 0: any number */
    uint64_t queue_octets;                     /* of frames that wait; 0: any number */
    SimTime jitter_ns;    /* a packet travels up to so much longer, but overtakes none */
    LinkChance reorder;   /* it travels up to twice as long, and later ones may overtake it */
    LinkChance duplicate; /* it arrives a second time */
    LinkChance corrupt;   /* one bit of it is turned over on the way */
} LinkOptions;

typedef struct Link Link;

/* Where a link ends. */
typedef struct LinkEnd {
    NodeId node;
    void *owner; /* given to LinkDeliver for packets that arrive here */
} LinkEnd;

/* A packet has arrived, its last bit included; the callee owns it. */
typedef void LinkDeliver(void *owner, Packet *packet);

/* The packet will arrive soon: fetches what LinkDeliver will need, as an EventFetch does. */
typedef void LinkFetch(const void *owner, const Packet *packet, FetchStage stage);

/* What a network does with its links' packets. */
typedef struct LinkReceiver {
    LinkDeliver *deliver;
    LinkFetch *fetch;
} LinkReceiver;

/* The receiver is a constant. */
Link *link_new(Trace *trace, LinkEnd a, LinkEnd b, LinkOptions options,
               const LinkReceiver *receiver);
void link_free(Link *link);

/* One direction of a link, as long as there is the link: the way out for who stands at `from`. */
typedef struct LinkDirection LinkDirection;
LinkDirection *link_direction(Link *link, NodeId from);
/* The node to which it leads. */
NodeId link_direction_end(const LinkDirection *direction);
/* How the direction that begins at `from` behaves, and from now on shall: packets on it stay as
 * they are. link_new gives both the same. */
LinkOptions link_options(const Link *link, NodeId from);
void link_set_options(Link *link, NodeId from, LinkOptions options);

/* Whether an IP packet of so many octets is too large for the direction; if so, its MTU, else 0. */
uint32_t link_exceeded_mtu(const LinkDirection *direction, uint32_t ip_size);

/* Takes the packet where the direction begins: sends it, lets it wait its turn, or drops it. What
 * may go wrong is drawn from streams of the direction's own, named "FROM>TO", one a purpose, and
 * only where it can: no other link's traffic, and no other chance, matters to it. The packet has
 * `ip_size` octets. */
void link_take_packet(LinkDirection *direction, Packet *packet, uint32_t ip_size);
/* Fetches what that will need into the cache. */
void link_fetch(const LinkDirection *direction);

/* Why a link carries nothing: `reason` is for people, `because` the seq of the fault. */
typedef struct LinkFault {
    const char *reason; /* a constant text; NULL: the link is up */
    uint64_t because;
} LinkFault;

/* Sets or lifts the fault of the direction that begins at `from`. What is underway when one is set
 * never arrives. */
void link_set_fault(Link *link, NodeId from, LinkFault fault);
LinkFault link_fault(const Link *link, NodeId from);

/* Writes link.drop for a packet lost at `node` on its way to `to` (NULL: nowhere in particular). */
void link_record_drop(Trace *trace, NodeId node, const char *to, LinkFault why,
                      const Packet *packet);
/* The same, and frees the packet. */
void link_drop_packet(Trace *trace, NodeId node, const char *to, LinkFault why, Packet *packet);
