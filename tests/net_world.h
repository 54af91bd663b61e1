/* A small network under test, with its trace at the level of segments as text: one line a record,
 * `time node kind key=value …`. */
#pragma once

#include "net/network.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

typedef struct World {
    Simulator *simulator;
    Trace *trace;
    Network *network;
    GString *log;
} World;

static inline void world_log_field(const World *world, const TraceFieldInfo *info,
                                   const void *field)
{
    GString *log = world->log;
    char address[IPV4_TEXT_SIZE];
    g_string_append_printf(log, " %s=", info->key);
    switch (info->type) {
    case TRACE_FIELD_TEXT: {
        const char *text = *(const TraceField_TEXT *)field;
        g_string_append(log, text != NULL ? text : "-");
        break;
    }
    case TRACE_FIELD_OCTETS: {
        const TraceField_OCTETS *span = field;
        g_string_append_len(log, (const char *)span->data, (gssize)span->length);
        break;
    }
    case TRACE_FIELD_COUNT:
        g_string_append_printf(log, "%" G_GUINT64_FORMAT, *(const TraceField_COUNT *)field);
        break;
    case TRACE_FIELD_TIME:
        g_string_append_printf(log, "%" G_GINT64_FORMAT, *(const TraceField_TIME *)field);
        break;
    case TRACE_FIELD_FLAG:
        g_string_append(log, *(const TraceField_FLAG *)field ? "true" : "false");
        break;
    case TRACE_FIELD_REF: {
        const TraceField_REF *ref = field;
        g_string_append_printf(log, "%u#%" G_GUINT64_FORMAT, ref->node, ref->number);
        break;
    }
    case TRACE_FIELD_IP:
        g_string_append(log, ipv4_format(*(const TraceField_IP *)field, address));
        break;
    }
}

static inline void world_log_record(void *owner, const TraceRecord *record)
{
    const World *world = owner;
    const TraceKindInfo *info = trace_kind_info(record->kind);
    g_string_append_printf(world->log, "%" G_GUINT64_FORMAT " <%" G_GUINT64_FORMAT, record->seq,
                           record->cause.nearest[TRACE_LEVEL_SEGMENT]);
    if (record->because != 0)
        g_string_append_printf(world->log, " !%" G_GUINT64_FORMAT, record->because);
    g_string_append_printf(world->log, " t=%" G_GINT64_FORMAT " %s %s", record->time,
                           simulator_node_name(world->simulator, record->node), info->name);
    for (size_t i = 0; i < info->field_count; i++)
        world_log_field(world, &info->fields[i],
                        (const char *)record->fields + info->fields[i].offset);
    g_string_append_c(world->log, '\n');
}

static inline World *world_new_silent(uint64_t seed)
{
    World *world = g_new0(World, 1);
    world->simulator = simulator_new(seed);
    world->trace = trace_new(world->simulator);
    world->network = network_new(world->trace);
    world->log = g_string_new(NULL);
    return world;
}

static inline World *world_new(uint64_t seed)
{
    World *world = world_new_silent(seed);
    trace_add_sink(world->trace, (TraceSink){world_log_record, world, TRACE_LEVEL_SEGMENT});
    return world;
}

static inline void world_free(World *world)
{
    network_free(world->network);
    trace_free(world->trace);
    simulator_free(world->simulator);
    g_string_free(world->log, TRUE);
    g_free(world);
}

static inline SimulatorEnd world_run(World *world, SimTime until)
{
    return simulator_run(world->simulator, (SimulatorLimits){.until = until});
}

/* Runs `run` with the world at `time`, on `node`. */
static inline void world_at(World *world, SimTime time, NodeId node,
                            void (*run)(void *owner, void *data), void *owner)
{
    EventAction action = {run, owner, NULL, NULL};
    simulator_schedule(world->simulator, time, node, EVENT_FOREGROUND, action);
}

/* How many records hold the text. */
static inline int world_count(const World *world, const char *text)
{
    int count = 0;
    const char *end = world->log->str + world->log->len;
    /* Not strstr(): AddressSanitizer measures the rest of the log at each call of it. */
    for (const char *at = world->log->str; (at = g_strstr_len(at, end - at, text)) != NULL;
         at += strlen(text))
        count++;
    return count;
}

/* The log must hold the text; what it holds is printed where it does not. */
static inline void world_assert_has(const World *world, const char *text)
{
    if (strstr(world->log->str, text) == NULL)
        fail_msg("no \"%s\" in:\n%s", text, world->log->str);
}
