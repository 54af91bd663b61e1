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

struct Trace {
    Simulator *simulator;
    uint64_t count;
    TraceSink sinks[TRACE_MAX_SINKS];
    size_t sink_count;
    int most_detailed; /* level of the most detailed sink; -1 without one */
};

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
    trace->most_detailed = -1;
    return trace;
}

void trace_free(Trace *trace)
{
    g_free(trace);
}

Simulator *trace_simulator(const Trace *trace)
{
    return trace->simulator;
}

void trace_add_sink(Trace *trace, TraceSink sink)
{
    CHECK(trace->sink_count < TRACE_MAX_SINKS);
    trace->sinks[trace->sink_count++] = sink;
    trace->most_detailed = MAX(trace->most_detailed, (int)sink.level);
}

void trace_close(Trace *trace)
{
    trace->sink_count = 0;
    trace->most_detailed = -1;
}

uint64_t trace_count(const Trace *trace)
{
    return trace->count;
}

bool trace_is_wanted(const Trace *trace, TraceLevel level)
{
    return (int)level <= trace->most_detailed;
}

static void trace_give_to_sinks(Trace *trace, const TraceRecord *record, TraceLevel level)
{
    for (size_t i = 0; i < trace->sink_count; i++) {
        if (level <= trace->sinks[i].level)
            trace->sinks[i].write(trace->sinks[i].owner, record);
    }
}

/* The record becomes the cause of what follows. */
static inline void cause_become(Cause *cause, TraceLevel level, uint64_t seq)
{
    for (int at = (int)level; at < CAUSE_LEVELS; at++)
        cause->nearest[at] = seq;
}

bool trace_pass_over(Trace *trace, TraceKind kind)
{
    TraceLevel level = TRACE_KINDS[kind].level;
    if (trace_is_wanted(trace, level))
        return false;
    cause_become(simulator_cause(trace->simulator), level, ++trace->count);
    return true;
}

uint64_t trace_write_packet(Trace *trace, NodeId node, TraceKind kind, uint64_t because,
                            const void *fields, TracePacket packet)
{
    TraceLevel level = TRACE_KINDS[kind].level;
    Cause *cause = simulator_cause(trace->simulator);
    uint64_t seq = ++trace->count;
    SIMULATOR_CHECK(trace->simulator, because < seq);
    if (trace_is_wanted(trace, level)) {
        TraceRecord record = {
            .seq = seq,
            .time = simulator_now(trace->simulator),
            .kind = kind,
            .node = node,
            .cause = *cause,
            .because = because,
            .fields = fields,
            .packet = packet,
        };
        trace_give_to_sinks(trace, &record, level);
    }
    cause_become(cause, level, seq);
    return seq;
}

uint64_t trace_write(Trace *trace, NodeId node, TraceKind kind, uint64_t because,
                     const void *fields)
{
    return trace_write_packet(trace, node, kind, because, fields, (TracePacket){0});
}
