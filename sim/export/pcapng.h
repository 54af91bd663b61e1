/* The trace as a capture for Wireshark and its like, in the pcapng format
 * (draft-ietf-opsawg-pcapng).
 *
 * Either one file of the whole network, with each packet once, as it leaves its source; or one
 * host's own capture, with what it sends and what reaches it. Both ends in one file would show each
 * packet twice, which readers take for a retransmission.
 *
 * A packet's comment ties it to the trace: the record's seq, the record that set it off, why a
 * segment is sent again, the mail on whose behalf, and the fault behind it where there is one:
 *
 *     record 190, set off by record 189; mail lunch;
 *     because of record 4, mail.gmail.example: mail server crashes
 *
 * Left out on purpose: what only passes through a router, packets cut short (all octets of a packet
 * are there), and names of addresses. */
#pragma once

#include "trace/trace.h"

typedef struct PcapngOptions {
    const char *title;
    int64_t start_unix_seconds; /* wall clock of time zero */
    /* Whose capture; NODE_TIMELINE: each packet once, as it leaves its source, with an interface
     * for each host and router. */
    NodeId host;
} PcapngOptions;

/* Where the bytes go, 64 KiB or so at a time. */
typedef struct PcapngOutput {
    void (*write)(void *owner, Span bytes);
    void *owner;
} PcapngOutput;

typedef struct PcapngWriter PcapngWriter;

/* Adds itself to the trace; it is to outlive the run. The nodes must have been made by now. */
PcapngWriter *pcapng_writer_new(Trace *trace, const PcapngOptions *options, PcapngOutput output);
/* Hands on what is still held back; call it after the run. */
void pcapng_writer_flush(PcapngWriter *writer);
void pcapng_writer_free(PcapngWriter *writer);
