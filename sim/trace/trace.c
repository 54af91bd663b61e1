/* The trace. See trace.h. */
#include "trace/trace.h"

#include "core/check.h"

#include <string.h>

/* trace_fields_MAIL_ACCEPTED[], … */
#define KIND(id, name, level, meaning) static const TraceFieldInfo trace_fields_##id[] = {
#define FIELD(id, type, name, key, meaning)                                                        \
    {key, meaning, TRACE_FIELD_##type, offsetof(TraceFields_##id, name)},
#define END(id)                                                                                    \
    }                                                                                              \
    ;
#include "trace/kinds.def"
#undef KIND
#undef FIELD
#undef END

#define KIND(id, name, level, meaning)                                                             \
    {name, meaning, TRACE_LEVEL_##level, trace_fields_##id, G_N_ELEMENTS(trace_fields_##id)},
#define FIELD(id, type, name, key, meaning)
#define END(id)
static const TraceKindInfo TRACE_KINDS[] = {
#include "trace/kinds.def"
};
#undef KIND
#undef FIELD
#undef END

const TraceKindInfo *trace_kind_info(TraceKind kind)
{
    CHECK(kind < TRACE_KIND_COUNT);
    return &TRACE_KINDS[kind];
}

TraceKind trace_kind_find(const char *name)
{
    for (TraceKind kind = 0; kind < TRACE_KIND_COUNT; kind++) {
        if (strcmp(TRACE_KINDS[kind].name, name) == 0)
            return kind;
    }
    return TRACE_KIND_COUNT;
}

const TraceFieldInfo *trace_kind_field(TraceKind kind, const char *key)
{
    const TraceKindInfo *info = trace_kind_info(kind);
    for (size_t i = 0; i < info->field_count; i++) {
        if (strcmp(info->fields[i].key, key) == 0)
            return &info->fields[i];
    }
    return NULL;
}

Trace *trace_new(Simulator *simulator)
{
    Trace *trace = g_new0(Trace, 1);
    trace->simulator = simulator;
    trace->cause = simulator_cause(simulator);
    return trace;
}

void trace_free(Trace *trace)
{
    g_free(trace->tallies);
    g_free(trace);
}

Simulator *trace_simulator(const Trace *trace)
{
    return trace->simulator;
}

void trace_add_sink(Trace *trace, TraceSink sink)
{
    bool kinds[TRACE_KIND_COUNT];
    memset(kinds, true, sizeof kinds);
    trace_add_sink_of_kinds(trace, sink, kinds);
}

void trace_add_sink_of_kinds(Trace *trace, TraceSink sink, const bool *kinds)
{
    CHECK(trace->sink_count < TRACE_MAX_SINKS);
    for (TraceKind kind = 0; kind < TRACE_KIND_COUNT; kind++) {
        if (TRACE_KINDS[kind].level <= sink.level && kinds[kind])
            trace->wanted_by[kind] |= (uint16_t)(1u << trace->sink_count);
    }
    trace->sinks[trace->sink_count++] = sink;
}

uint64_t trace_tally(const Trace *trace, NodeId node, TraceTally tally)
{
    return node < trace->tally_nodes ? trace->tallies[node].of[tally] : 0;
}

void trace_lengthen_tallies(Trace *trace, NodeId node)
{
    size_t count = MAX((size_t)node + 1, simulator_node_count(trace->simulator));
    trace->tallies = g_renew(TraceCounts, trace->tallies, count);
    memset(trace->tallies + trace->tally_nodes, 0,
           (count - trace->tally_nodes) * sizeof *trace->tallies);
    trace->tally_nodes = count;
}

void trace_close(Trace *trace)
{
    trace->is_closed = true;
    trace->sink_count = 0;
    memset(trace->wanted_by, 0, sizeof trace->wanted_by);
}

static void trace_give_to_sinks(const Trace *trace, const TraceRecord *record)
{
    for (uint32_t left = trace->wanted_by[record->kind]; left != 0; left &= left - 1) {
        const TraceSink *sink = &trace->sinks[__builtin_ctz(left)];
        sink->write(sink->owner, record);
    }
}

uint64_t trace_write_packet(Trace *trace, NodeId node, TraceKind kind, uint64_t because,
                            const void *fields, TracePacket packet)
{
    trace->count++;
    SIMULATOR_CHECK(trace->simulator, because < trace->count);
    TraceRecord record = {
        .seq = trace->count,
        .time = simulator_now(trace->simulator),
        .kind = kind,
        .node = node,
        .cause = *trace->cause,
        .because = because,
        .fields = fields,
        .packet = packet,
    };
    trace_give_to_sinks(trace, &record);
    trace_become_cause(trace, TRACE_KINDS[kind].level);
    return record.seq;
}

uint64_t trace_write(Trace *trace, NodeId node, TraceKind kind, uint64_t because,
                     const void *fields)
{
    return trace_write_packet(trace, node, kind, because, fields, (TracePacket){0});
}
