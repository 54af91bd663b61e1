/* A host with a disk for the tests of the store, and a log of what the trace says.
 *
 * A crash test runs the same story again and again, stopping it after 0, 1, 2, … events: before and
 * after each step of the disk. */
#pragma once

#include "store/stored_message.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

typedef struct World {
    Simulator *simulator;
    Trace *trace;
    NodeId host;
    Disk *disk;
    GString *log; /* a line a record but those of the disk: its kind and its texts and counts */
    GString *disk_log; /* those of the disk */
} World;

static inline void world_log_field(GString *log, const TraceFieldInfo *info, const void *fields)
{
    const void *at = (const char *)fields + info->offset;
    if (info->type == TRACE_FIELD_TEXT && *(const char *const *)at != NULL)
        g_string_append_printf(log, " %s", *(const char *const *)at);
    if (info->type == TRACE_FIELD_COUNT)
        g_string_append_printf(log, " %d", (int)*(const uint64_t *)at);
}

static inline void world_write(void *owner, const TraceRecord *record)
{
    World *world = owner;
    const TraceKindInfo *info = trace_kind_info(record->kind);
    GString *log = g_str_has_prefix(info->name, "disk.") ? world->disk_log : world->log;
    g_string_append(log, info->name);
    for (size_t i = 0; i < info->field_count; i++)
        world_log_field(log, &info->fields[i], record->fields);
    g_string_append_c(log, '\n');
}

static inline void world_init_seeded(World *world, DiskOptions options, uint64_t seed)
{
    world->simulator = simulator_new(seed);
    world->trace = trace_new(world->simulator);
    world->host = simulator_add_node(world->simulator, "mail.naver.example");
    world->disk = disk_new(world->trace, world->host, options);
    world->log = g_string_new(NULL);
    world->disk_log = g_string_new(NULL);
    trace_add_sink(world->trace, (TraceSink){world_write, world, TRACE_LEVEL_SEGMENT});
}

static inline void world_init(World *world, DiskOptions options)
{
    world_init_seeded(world, options, 1);
}

static inline void world_clear(World *world)
{
    disk_free(world->disk);
    trace_free(world->trace);
    simulator_free(world->simulator);
    g_string_free(world->log, TRUE);
    g_string_free(world->disk_log, TRUE);
}

/* Runs until nothing is left to do. */
static inline void world_run(World *world)
{
    simulator_run(world->simulator, (SimulatorLimits){.until = SIM_NEVER});
}

/* Runs until a time. */
static inline void world_run_to(World *world, SimTime until)
{
    simulator_run(world->simulator, (SimulatorLimits){.until = until});
}

/* Runs so many events; false when there are not so many left. */
static inline bool world_run_events(World *world, uint64_t count)
{
    SimulatorLimits limits = {.until = SIM_NEVER, .max_events = count};
    return count == 0 || simulator_run(world->simulator, limits) == SIMULATOR_END_BUDGET;
}

static inline void world_crash(World *world, bool is_power_off)
{
    if (is_power_off)
        disk_power_off(world->disk);
    else
        disk_crash_program(world->disk);
}

/* A story that crashes after so many events, and again after so many of the recovery; false when it
 * was through before. The seed draws what a loss of power leaves; 0: the program crashes. */
typedef bool (*CrashStory)(uint64_t seed, uint64_t events, uint64_t more, bool *recovery_ended);

/* With each pair of crashes, for each seed from 0; there are more than so many pairs. */
static inline void play_crashes(CrashStory story, uint64_t last_seed, unsigned pairs)
{
    for (uint64_t seed = 0; seed <= last_seed; seed++) {
        bool is_cut = true;
        unsigned played = 0;
        for (uint64_t events = 0; is_cut; events++) {
            bool recovery_ended = false;
            for (uint64_t more = 0; !recovery_ended; more++, played++)
                is_cut = story(seed, events, more, &recovery_ended);
        }
        assert_true(played > pairs);
    }
}

static inline Octets *bytes_of(const char *text)
{
    return octets_new(text, strlen(text));
}

/* How often `part` is in `text`. */
static inline unsigned count_of(const char *text, const char *part)
{
    unsigned count = 0;
    for (const char *at = strstr(text, part); at != NULL; at = strstr(at + strlen(part), part))
        count++;
    return count;
}

static inline void assert_bytes(Octets *bytes, const char *text)
{
    assert_non_null(bytes);
    assert_int_equal(octets_length(bytes), strlen(text));
    assert_memory_equal(octets_data(bytes), text, strlen(text));
}

/* A message with half of it in front, as if a server had put that there. */
static inline StoredMessage *stored_of(const char *text)
{
    size_t length = strlen(text), front = length / 2;
    Octets *bytes = bytes_of(text + front);
    return stored_message_new(NULL, NULL, span_of(text, front), (Span){0},
                              (Slice){bytes, 0, length - front});
}

static inline void assert_message(const StoredMessage *message, const char *text)
{
    g_autoptr(Octets) bytes = stored_message_join(message);
    assert_bytes(bytes, text);
}
