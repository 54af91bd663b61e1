/* A TCP segment as a value: header fields in host order, options, and the payload by reference.
 *
 * Source: RFC 9293 §3.1, with the window scale option of RFC 7323 §2. Ports are filled in by the
 * host that owns the connection; checksum, data offset and padding exist only on the wire. */
#pragma once

#include "core/bytes.h"

#include <stdbool.h>
#include <stdint.h>

/* Control bits with the values that they have on the wire (RFC 9293 §3.1). */
enum {
    SEGMENT_FIN = 0x01,
    SEGMENT_SYN = 0x02,
    SEGMENT_RST = 0x04,
    SEGMENT_PSH = 0x08,
    SEGMENT_ACK = 0x10,
    SEGMENT_URG = 0x20,
};

/* Why a segment is sent. It is not on the wire: it is the sender's own word, for the trace. */
typedef enum SegmentSending {
    SEGMENT_SENDING_FIRST,           /* data, SYN or FIN for the first time */
    SEGMENT_SENDING_PURE_ACK,        /* no data: acknowledgement or window update */
    SEGMENT_SENDING_TIMEOUT_RESEND,  /* again, after the retransmission timeout (RFC 6298) */
    SEGMENT_SENDING_FAST_RESEND,     /* again, after duplicate ACKs (RFC 5681 §3.2, RFC 6582) */
    SEGMENT_SENDING_SMALLER_RESEND,  /* again, as the path has a smaller MTU (RFC 1191 §6.4) */
    SEGMENT_SENDING_TAIL_LOSS_PROBE, /* RFC 8985 §7 */
    SEGMENT_SENDING_WINDOW_PROBE,    /* RFC 9293 §3.8.6.1 */
    SEGMENT_SENDING_KEEP_ALIVE,      /* RFC 9293 §3.8.4 */
    SEGMENT_SENDING_RESET,           /* RFC 9293 §3.5.2 */
} SegmentSending;

enum { SEGMENT_NO_WINDOW_SCALE = 0xFF };

typedef struct Segment {
    uint16_t source_port, destination_port;
    uint32_t seq;
    uint32_t ack;         /* counts only with SEGMENT_ACK */
    uint16_t window;      /* as on the wire: not shifted by the window scale */
    uint16_t urgent;      /* counts only with SEGMENT_URG */
    uint16_t mss;         /* MSS option in octets; 0: option absent (SYN only) */
    uint8_t window_scale; /* shift count, or SEGMENT_NO_WINDOW_SCALE: option absent (SYN only) */
    uint8_t flags;
    uint8_t sending; /* SegmentSending */
    /* Owned by the segment: release with segment_clear. */
    Slice payload;
    Slice payload_rest; /* what is behind it where all does not lie in one piece; else empty */
} Segment;

static inline uint32_t segment_payload_size(const Segment *segment)
{
    return (uint32_t)(segment->payload.length + segment->payload_rest.length);
}

/* SEG.LEN: octets of sequence space, SYN and FIN included (RFC 9293 §3.3.1). */
static inline uint32_t segment_length(const Segment *segment)
{
    return segment_payload_size(segment) + ((segment->flags & SEGMENT_SYN) != 0) +
           ((segment->flags & SEGMENT_FIN) != 0);
}

static inline void segment_clear(Segment *segment)
{
    slice_clear(&segment->payload);
    slice_clear(&segment->payload_rest);
}

/* For a copy of another segment: it owns its payload too from now on. */
static inline void segment_share_payload(Segment *segment)
{
    segment->payload = slice_ref(segment->payload, 0, segment->payload.length);
    segment->payload_rest = slice_ref(segment->payload_rest, 0, segment->payload_rest.length);
}

/* Sequence numbers are compared modulo 2^32 (RFC 9293 §3.4). */
static inline bool seq_is_before(uint32_t a, uint32_t b)
{
    return (int32_t)(a - b) < 0;
}
static inline bool seq_is_at_or_before(uint32_t a, uint32_t b)
{
    return (int32_t)(a - b) <= 0;
}
