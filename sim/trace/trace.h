/* The trace: a sequence of typed records, each with its cause, streamed to sinks.
 *
 * Every view is made from it and nothing else. Writing a record draws no random number and
 * schedules nothing, so a run is the same with any set of sinks. No format is known here.
 *
 * A record's `cause` is the record that set it off; `because` the record that set the state which
 * decided it (the crash behind a reset). The simulator carries causes through its events, and
 * each record becomes the cause of what follows in the same step. */
#pragma once

#include "core/bytes.h"
#include "core/ipv4.h"
#include "core/simulator.h"

#include <stddef.h>

/* Each level holds the records of those before it. */
typedef enum TraceLevel {
    TRACE_LEVEL_MAIL,
    TRACE_LEVEL_PROTOCOL,
    TRACE_LEVEL_SEGMENT,
} TraceLevel;

/* An id of a connection or packet: the number that its host gave it. Zero number: none. */
typedef struct TraceRef {
    NodeId node;
    uint64_t number;
} TraceRef;

/* How a field of each type is kept in its record's struct. */
typedef const char *TraceField_TEXT;
typedef TraceField_TEXT TraceField_NAME;
typedef Span TraceField_OCTETS;
typedef uint64_t TraceField_COUNT;
typedef SimTime TraceField_TIME;
typedef bool TraceField_FLAG;
typedef TraceRef TraceField_REF;
typedef Ipv4Address TraceField_IP;

typedef enum TraceFieldType {
    TRACE_FIELD_TEXT,
    TRACE_FIELD_NAME = TRACE_FIELD_TEXT, /* the difference is for who keeps names ready */
    TRACE_FIELD_OCTETS,
    TRACE_FIELD_COUNT,
    TRACE_FIELD_TIME,
    TRACE_FIELD_FLAG,
    TRACE_FIELD_REF,
    TRACE_FIELD_IP,
} TraceFieldType;

/* TRACE_MAIL_ACCEPTED, … */
#define KIND(id, name, level, meaning) TRACE_##id,
#define FIELD(id, type, name, key, meaning)
#define END(id)
typedef enum TraceKind {
#include "trace/kinds.def"
    TRACE_KIND_COUNT
} TraceKind;
#undef KIND
#undef FIELD
#undef END

/* TRACE_LEVEL_OF_MAIL_ACCEPTED, … */
#define KIND(id, name, level, meaning) TRACE_LEVEL_OF_##id = TRACE_LEVEL_##level,
#define FIELD(id, type, name, key, meaning)
#define END(id)
enum {
#include "trace/kinds.def"
};
#undef KIND
#undef FIELD
#undef END

/* TraceFields_MAIL_ACCEPTED {mail, recipient, …}, … */
#define KIND(id, name, level, meaning)      typedef struct TraceFields_##id {
#define FIELD(id, type, name, key, meaning) TraceField_##type name;
#define END(id)                                                                                    \
    }                                                                                              \
    TraceFields_##id;
#include "trace/kinds.def"
#undef KIND
#undef FIELD
#undef END

typedef struct TraceFieldInfo {
    const char *key; /* in NDJSON and in expectations */
    const char *meaning;
    TraceFieldType type;
    size_t offset; /* in the kind's struct */
} TraceFieldInfo;

typedef struct TraceKindInfo {
    const char *name; /* dotted */
    const char *meaning;
    TraceLevel level;
    const TraceFieldInfo *fields;
    size_t field_count;
} TraceKindInfo;

const TraceKindInfo *trace_kind_info(TraceKind kind);
/* The kind of that name, or TRACE_KIND_COUNT. */
TraceKind trace_kind_find(const char *name);
/* The field of that key, or NULL. */
const TraceFieldInfo *trace_kind_field(TraceKind kind, const char *key);

/* A packet that a record tells of; its bytes are written only where a sink asks for them. */
typedef struct TracePacket {
    /* Appends the frame's octets, from the Ethernet header on; NULL: no packet. */
    void (*write)(const void *packet, GByteArray *out);
    const void *packet; /* borrowed: valid while the record is being written */
} TracePacket;

/* What a sink gets; borrowed, valid during the call only. */
typedef struct TraceRecord {
    uint64_t seq; /* counts every record from 1, written or not */
    SimTime time;
    TraceKind kind;
    NodeId node;
    Cause cause;      /* nearest[level of the sink] is the seq to show */
    uint64_t because; /* 0: none */
    const void *fields;
    TracePacket packet;
} TraceRecord;

typedef struct TraceSink {
    void (*write)(void *owner, const TraceRecord *record);
    void *owner;
    TraceLevel level;
} TraceSink;

/* What is counted of each node beside the records that tell of it, for whoever needs nothing but
 * the number: there are so many of them that a record each would cost a run without a trace more
 * than it is worth. Each is counted just where its record is written or passed over. */
typedef enum TraceTally {
    TRACE_TALLY_SEGMENTS,        /* tcp.send */
    TRACE_TALLY_RETRANSMISSIONS, /* of them, those sent again */
    TRACE_TALLIES,
} TraceTally;

typedef struct TraceCounts {
    uint64_t of[TRACE_TALLIES];
} TraceCounts;

enum { TRACE_MAX_SINKS = 16 };

/* Nobody's to look into but the functions here: known so that a record which no sink wants, as most
 * are in a run without a trace, costs no call. */
typedef struct Trace {
    Simulator *simulator;
    Cause *cause; /* the simulator's */
    uint64_t count;
    uint16_t wanted_by[TRACE_KIND_COUNT]; /* a bit for each sink */
    TraceSink sinks[TRACE_MAX_SINKS];
    size_t sink_count;
    TraceCounts *tallies; /* by NodeId */
    size_t tally_nodes;   /* so many of them */
    bool is_closed;
} Trace;

/* Records carry the simulator's time and cause; it outlives the trace. */
Trace *trace_new(Simulator *simulator);
void trace_free(Trace *trace);
Simulator *trace_simulator(const Trace *trace);
/* Adds a sink, before the run; at most TRACE_MAX_SINKS. */
void trace_add_sink(Trace *trace, TraceSink sink);
/* The same for one that wants only some of its level's kinds: TRACE_KIND_COUNT flags. */
void trace_add_sink_of_kinds(Trace *trace, TraceSink sink, const bool *kinds);
/* No sink hears any more, and nothing is counted: what follows is tidying up, not part of the run.
 */
void trace_close(Trace *trace);
/* How much there was of it at that node. */
uint64_t trace_tally(const Trace *trace, NodeId node, TraceTally tally);
/* For trace_add_tally alone. */
void trace_lengthen_tallies(Trace *trace, NodeId node);
/* How many records there were. */
static inline uint64_t trace_count(const Trace *trace)
{
    return trace->count;
}

/* Whether any sink wants records of this kind. */
static inline bool trace_is_wanted(const Trace *trace, TraceKind kind)
{
    return trace->wanted_by[kind] != 0;
}

/* One more at that node. */
static inline void trace_add_tally(Trace *trace, NodeId node, TraceTally tally)
{
    if (node >= trace->tally_nodes)
        trace_lengthen_tallies(trace, node);
    trace->tallies[node].of[tally] += !trace->is_closed;
}

/* Writes a record and makes it the cause of what follows in this step; returns its seq.
 * `because` is 0 or the seq of a record of level MAIL, which every sink has. */
uint64_t trace_write(Trace *trace, NodeId node, TraceKind kind, uint64_t because,
                     const void *fields);
uint64_t trace_write_packet(Trace *trace, NodeId node, TraceKind kind, uint64_t because,
                            const void *fields, TracePacket packet);

/* The latest record, of that level, becomes the cause of what follows. */
static inline void trace_become_cause(Trace *trace, TraceLevel level)
{
    uint64_t *nearest = trace->cause->nearest; /* CAUSE_LEVELS of them */
    nearest[TRACE_LEVEL_SEGMENT] = trace->count;
    if (level <= TRACE_LEVEL_PROTOCOL)
        nearest[TRACE_LEVEL_PROTOCOL] = trace->count;
    if (level == TRACE_LEVEL_MAIL)
        nearest[TRACE_LEVEL_MAIL] = trace->count;
}

/* True when no sink wants a record of this kind: it is counted, and is the cause of what follows,
 * without having been written. For those whose fields cost something to fill in. */
static inline bool trace_pass_over_level(Trace *trace, TraceKind kind, TraceLevel level)
{
    if (trace_is_wanted(trace, kind))
        return false;
    trace->count++;
    trace_become_cause(trace, level);
    return true;
}
#define TRACE_PASS_OVER(trace, id)                                                                 \
    trace_pass_over_level(trace, TRACE_##id, (TraceLevel)TRACE_LEVEL_OF_##id)

/* TRACE(trace, node, MAIL_ACCEPTED, because, .mail = name, …): the usual way to write a record. Its
 * arguments are evaluated only for a sink that wants it, so they must not change anything. */
#define TRACE(trace, node, id, because, ...)                                                       \
    (TRACE_PASS_OVER(trace, id)                                                                    \
         ? trace_count(trace)                                                                      \
         : trace_write(trace, node, TRACE_##id, because, &(TraceFields_##id){__VA_ARGS__}))
