/* The trace as NDJSON, its interchange form: a header line, then one object a line.
 *
 *     {"mailsim_trace":1,"title":"…","seed":1,"start":"…","version":"0.1","scenario_sha256":"…",
 *      "level":"protocol","nodes":[{"name":"mail.naver.example","role":"server"},…],
 *      "links":[{"a":"mail.naver.example","b":"internet","delay":10000000,"rate":100000000},…]}
 *     {"seq":7,"t":10000000,"kind":"tcp.connect","host":"alice.laptop","cause":6,…}
 *
 * Keys come in a fixed order: seq, t, kind, host, cause, because where there is one, then the
 * kind's fields in the order of trace/kinds.def; a field that is absent is left out. Times are
 * integer nanoseconds. Octets that are not UTF-8 show as U+FFFD; a capture has the very bytes. */
#pragma once

#include "trace/trace.h"

enum { NDJSON_VERSION = 1 };

/* A node of the network, in the order of the scenario; unused texts are NULL. */
typedef struct NdjsonNode {
    const char *name;
    const char *role;             /* "router", "server", "agent", "nameserver" */
    const char *person, *address; /* of an agent */
    const char *server;           /* an agent's own mail server */
} NdjsonNode;

/* A link as the scenario has it at the start. */
typedef struct NdjsonLink {
    const char *a, *b;
    int64_t delay_ns, rate_bps;
} NdjsonLink;

typedef struct NdjsonHeader {
    const char *title;
    const char *start; /* wall clock of time zero, RFC 3339 */
    const char *scenario_sha256;
    uint64_t seed;
    TraceLevel level;
    bool has_frames;         /* each packet's octets, in its sending record, as `frame` in base64 */
    const NdjsonNode *nodes; /* borrowed, as the links: for the call only */
    size_t node_count;
    const NdjsonLink *links;
    size_t link_count;
    bool (*holds)(TraceKind kind); /* NULL: records of every kind */
} NdjsonHeader;

/* Where the bytes go, 64 KiB or so at a time. */
typedef struct NdjsonOutput {
    void (*write)(void *owner, Span bytes);
    void *owner;
} NdjsonOutput;

typedef struct NdjsonWriter NdjsonWriter;

/* Writes the header, and each record of the trace that `header->level` holds. The writer is to
 * outlive the trace's run. */
NdjsonWriter *ndjson_writer_new(Trace *trace, const NdjsonHeader *header, NdjsonOutput output);
/* Hands on what is still held back; call it after the run. */
void ndjson_writer_flush(NdjsonWriter *writer);
void ndjson_writer_free(NdjsonWriter *writer);

/* "mail", "protocol" or "segment". */
const char *trace_level_name(TraceLevel level);
/* False when there is no such level. */
bool trace_level_find(const char *name, TraceLevel *level);
