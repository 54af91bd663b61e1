/* What a capture says about a packet: its place in the trace. */
#pragma once

#include "trace/trace.h"

/* What comments need to know of records past. */
typedef struct PcapngMemory PcapngMemory;

/* It reads names of nodes from the simulator, which outlives it. */
PcapngMemory *pcapng_memory_new(const Simulator *simulator);
void pcapng_memory_free(PcapngMemory *memory);
/* To be called with every record of the trace, in order. */
void pcapng_memory_note(PcapngMemory *memory, const TraceRecord *record);

/* A comment is at most so many octets of UTF-8; a longer one is cut. */
enum { PCAPNG_COMMENT_MAXIMUM = 1000 };

/* Appends the comment on a record that has been noted. */
void pcapng_comment(const PcapngMemory *memory, const TraceRecord *record, GString *out);
