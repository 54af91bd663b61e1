/* A link: two independent directions, each with a delay, a rate, a loss and a drop-tail queue.
 *
 * A packet costs one event, its arrival at the other end. When its bits leave is computed: a
 * direction is busy until the last packet put on it has left, and the queue is those packets whose
 * first bit is not sent yet. The rate counts the Ethernet header and the IP packet. Left out on
 * purpose: preamble, frame check sequence, gaps between frames, shared media, priorities. */
#pragma once

#include "core/simtime.h"

#include <stdint.h>

enum {
    LINK_QUEUE_DEFAULT = 100, /* packets */
    LINK_QUEUE_MAXIMUM = 1000000,
};

/* How a link behaves in each direction. */
typedef struct LinkOptions {
    SimTime delay_ns; /* propagation, more than 0 */
    uint64_t rate_bits_per_second;
    uint64_t loss_numerator, loss_denominator; /* chance that a packet is lost; 0/0: none */
    uint32_t queue_packets;                    /* that wait, besides the one being sent;
                                                  0: LINK_QUEUE_DEFAULT */
} LinkOptions;
