/* An IPv4 packet as a value, and its bytes where somebody asks for them.
 *
 * Sources: RFC 791 §3.1 (IPv4), RFC 768 (UDP), RFC 792 (ICMP), RFC 9293 §3.1 (TCP). A packet is
 * made by its source host and moves, with its payload by reference, from hop to hop: it has one
 * owner. Left out on purpose: IP options and fragments (DF is always set: who sends too large a
 * packet is told, RFC 1191). */
#pragma once

#include "core/bytes.h"
#include "core/ipv4.h"
#include "core/pool.h"
#include "core/simtime.h"
#include "net/segment.h"
#include "trace/trace.h"

#include <glib.h>
#include <stdint.h>

typedef enum PacketProtocol {
    PACKET_ICMP = 1,
    PACKET_TCP = 6,
    PACKET_UDP = 17,
} PacketProtocol;

enum {
    PACKET_ETHERNET_HEADER = 14,
    PACKET_IP_HEADER = 20,
    PACKET_UDP_HEADER = 8,
    PACKET_TCP_HEADER = 20,
    PACKET_ICMP_HEADER = 8,
    PACKET_ICMP_QUOTE = PACKET_IP_HEADER + 8, /* RFC 792: the IP header and 64 bits of its data */
    PACKET_FIRST_TTL = 64,                    /* RFC 1700's recommendation */
};

/* ICMP types and codes in use (RFC 792). */
enum {
    ICMP_UNREACHABLE = 3,
    ICMP_CODE_NETWORK_UNREACHABLE = 0,
    ICMP_CODE_HOST_UNREACHABLE = 1,
    ICMP_CODE_PROTOCOL_UNREACHABLE = 2,
    ICMP_CODE_PORT_UNREACHABLE = 3,
    ICMP_CODE_FRAGMENTATION_NEEDED = 4,
    ICMP_CODE_PROHIBITED = 13, /* RFC 1812 §5.2.7.1: by a firewall */
    ICMP_TIME_EXCEEDED = 11,
    ICMP_CODE_TTL_EXCEEDED = 0,
};

typedef struct Datagram {
    uint16_t source_port, destination_port;
    Slice payload;
} Datagram;

/* An ICMP error message. */
typedef struct IcmpError {
    TraceRef about; /* the packet quoted; not on the wire */
    uint8_t type, code;
    uint16_t mtu; /* of the next hop, with ICMP_CODE_FRAGMENTATION_NEEDED (RFC 1191 §4) */
    uint8_t quote[PACKET_ICMP_QUOTE]; /* the first octets of that packet */
} IcmpError;

/* Bits of a packet that links have turned over, by their number in the IP packet, the first octet's
 * highest being 0. */
enum { PACKET_MAX_DAMAGE = 8 };
typedef struct PacketDamage {
    uint32_t count;
    uint32_t bits[PACKET_MAX_DAMAGE];
} PacketDamage;

typedef struct Packet {
    Pool *pool;              /* where its memory goes back to; it may be closed by then */
    TraceRef ref;            /* the source's name for it, the number counting its packets */
    uint64_t because;        /* seq of the fault behind it, 0: none; not on the wire */
    PacketDamage *damage;    /* NULL: as it was sent; owned */
    SimTime put_on_link_at;  /* of the last hop */
    NodeId hop_from, hop_to; /* ends of the last hop: the MAC addresses */
    Ipv4Address source, destination;
    uint8_t ttl;
    uint8_t protocol; /* PacketProtocol: which member of the union holds */
    union {
        Segment tcp;
        Datagram udp;
        IcmpError icmp;
    };
} Packet;

/* A zeroed packet with its TTL set, in memory from a pool of sizeof(Packet); but for the segment,
 * which the caller puts there as a whole. */
Packet *packet_new(Pool *pool, PacketProtocol protocol, Ipv4Address source,
                   Ipv4Address destination);
/* Releases the payload too. Takes a Packet *. */
void packet_free(void *packet);
/* Another one like it, its payload shared. */
Packet *packet_copy(const Packet *packet);
/* Turns a bit over; more than PACKET_MAX_DAMAGE are not counted. */
void packet_damage(Packet *packet, uint32_t bit);
/* What is at an octet of the IP packet, for people: "TCP payload"; a constant text. */
const char *packet_part_at(const Packet *packet, uint32_t octet);
/* Which checksum of a packet does not fit its octets: a constant text, "wrong TCP checksum"; NULL:
 * none. `only_ip`: a router looks at the IP header alone (RFC 1812 §5.2.2). */
const char *packet_find_damage(const Packet *packet, bool only_ip);
static inline const char *packet_find_defect(const Packet *packet, bool only_ip)
{
    return G_UNLIKELY(packet->damage != NULL) ? packet_find_damage(packet, only_ip) : NULL;
}

/* Octets of a SYN's options. */
uint32_t packet_options_size(const Segment *segment);
/* packet_ip_size of what is no segment. */
uint32_t packet_size_without_tcp(const Packet *packet);
/* Octets of the IP packet, and of the frame that carries it. */
static inline uint32_t packet_ip_size(const Packet *packet)
{
    if (G_UNLIKELY(packet->protocol != PACKET_TCP))
        return packet_size_without_tcp(packet);
    uint32_t size = PACKET_IP_HEADER + PACKET_TCP_HEADER + segment_payload_size(&packet->tcp);
    return G_LIKELY((packet->tcp.flags & SEGMENT_SYN) == 0)
               ? size
               : size + packet_options_size(&packet->tcp);
}
static inline uint32_t packet_frame_size(const Packet *packet)
{
    return PACKET_ETHERNET_HEADER + packet_ip_size(packet);
}
/* Appends the frame: Ethernet, IP and what is in it, with right checksums, then damaged. */
void packet_write(const Packet *packet, GByteArray *out);
/* The same as a record of the trace wants it. */
TracePacket packet_for_trace(const Packet *packet);

/* The locally administered MAC address of a node: 02:00 and its id. */
enum { PACKET_MAC_SIZE = 6 };
void packet_mac_address(NodeId node, uint8_t mac[PACKET_MAC_SIZE]);
/* The Internet checksum (RFC 1071) of `octets`, on top of a sum so far. */
uint32_t packet_checksum_add(uint32_t sum, Span octets);
uint16_t packet_checksum_finish(uint32_t sum);
/* "SYN, ACK": the flags in the order of the kinds' documentation; a constant text. */
const char *packet_tcp_flags_text(uint8_t flags);
