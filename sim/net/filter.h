/* A firewall: rules at a host or router that let a packet pass or not. The first that fits decides;
 * without one the packet passes.
 *
 * A router asks them of what it passes on, a host of what it sends and of what comes to it. Answers
 * to a refused packet follow RFC 1812 §5.2.7.1 (ICMP) and RFC 9293 §3.10.7.1 (a reset in the name
 * of the destination, as firewalls send it). Left out on purpose: rules that keep state. */
#pragma once

#include "core/ipv4.h"
#include "net/packet.h"

typedef enum FilterVerdict {
    FILTER_ALLOW,
    FILTER_DROP,   /* in silence */
    FILTER_REJECT, /* ICMP: communication administratively prohibited */
    FILTER_RESET,  /* TCP: RST; anything else as FILTER_REJECT */
} FilterVerdict;

/* Addresses that agree with `address` in the bits of `mask`; mask 0: all. */
typedef struct AddressRange {
    Ipv4Address address, mask;
} AddressRange;

typedef struct FilterRule {
    FilterVerdict verdict;
    uint8_t protocol; /* PacketProtocol; 0: any */
    uint16_t port;    /* of the destination; 0: any */
    AddressRange from, to;
} FilterRule;

/* What is looked at of a packet. */
typedef struct NetworkFlow {
    uint8_t protocol; /* PacketProtocol; 0: any packet, for whom firewalls and NAT do not count */
    uint16_t source_port, destination_port;
    Ipv4Address source, destination;
    /* For NAT, as long as the flow is walked in thought: the mapping that its first packet would
     * make, with the router; NULL: none. */
    const struct Nat *opened;
    Ipv4Address opened_inside;
    uint16_t opened_port;
} NetworkFlow;

/* What the first rule that fits says. */
FilterVerdict filter_judge(const FilterRule *rules, size_t count, const Packet *packet);
FilterVerdict filter_judge_flow(const FilterRule *rules, size_t count, const NetworkFlow *flow);
/* "drop tcp to port 25; allow any from 198.18.0.0/16"; "none". To free. */
char *filter_format(const FilterRule *rules, size_t count);
