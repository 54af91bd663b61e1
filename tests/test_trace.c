/* Tests of trace: records reach the sinks of their level, causes follow events at every level. */
#include "trace/trace.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

typedef struct Seen {
    GString *text; /* "seq<cause ", and "!because" where there is one */
    TraceLevel level;
} Seen;

static void seen_write(void *owner, const TraceRecord *record)
{
    Seen *seen = owner;
    g_string_append_printf(seen->text, "%d<%d", (int)record->seq,
                           (int)record->cause.nearest[seen->level]);
    if (record->because != 0)
        g_string_append_printf(seen->text, "!%d", (int)record->because);
    g_string_append_c(seen->text, ' ');
}

typedef struct World {
    Simulator *simulator;
    Trace *trace;
    NodeId host;
} World;

static void step_second(void *owner, void *data)
{
    (void)data;
    World *world = owner;
    TRACE(world->trace, world->host, LINK_DROP, 0, .reason = "loss");
    TRACE(world->trace, world->host, SMTP_REPLY, 1, .code = 421);
    TRACE(world->trace, world->host, MAIL_DELAYED, 1, .mail = "lunch");
}

static void step_first(void *owner, void *data)
{
    (void)data;
    World *world = owner;
    TRACE(world->trace, world->host, HOST_CRASH, 0, .program = "mail server");
    TRACE(world->trace, world->host, LINK_TRANSMIT, 0, .size = 60);
    EventAction second = {step_second, world, NULL, NULL};
    simulator_schedule(world->simulator, 20, world->host, EVENT_FOREGROUND, second);
}

static void test_causes_at_each_level(void **state)
{
    (void)state;
    World world = {.simulator = simulator_new(1)};
    world.host = simulator_add_node(world.simulator, "a.example");
    world.trace = trace_new(world.simulator);
    Seen seen[CAUSE_LEVELS];
    for (int level = 0; level < CAUSE_LEVELS; level++) {
        seen[level] = (Seen){g_string_new(NULL), (TraceLevel)level};
        trace_add_sink(world.trace, (TraceSink){seen_write, &seen[level], (TraceLevel)level});
    }
    EventAction first = {step_first, &world, NULL, NULL};
    simulator_schedule(world.simulator, 10, world.host, EVENT_FOREGROUND, first);
    simulator_run(world.simulator, (SimulatorLimits){.until = SIM_NEVER});
    assert_string_equal(seen[TRACE_LEVEL_SEGMENT].text->str, "1<0 2<1 3<2 4<3!1 5<4!1 ");
    assert_string_equal(seen[TRACE_LEVEL_PROTOCOL].text->str, "1<0 4<1!1 5<4!1 ");
    assert_string_equal(seen[TRACE_LEVEL_MAIL].text->str, "1<0 5<1!1 ");
    for (int level = 0; level < CAUSE_LEVELS; level++)
        g_string_free(seen[level].text, TRUE);
    trace_free(world.trace);
    simulator_free(world.simulator);
}

static void test_kinds_are_described(void **state)
{
    (void)state;
    for (TraceKind kind = 0; kind < TRACE_KIND_COUNT; kind++) {
        const TraceKindInfo *info = trace_kind_info(kind);
        assert_int_equal(trace_kind_find(info->name), kind);
        assert_true(info->field_count > 0 && strlen(info->meaning) > 0);
        for (size_t i = 0; i < info->field_count; i++)
            assert_ptr_equal(trace_kind_field(kind, info->fields[i].key), &info->fields[i]);
    }
    assert_int_equal(trace_kind_find("mail.lost"), TRACE_KIND_COUNT);
    const TraceFieldInfo *code = trace_kind_field(TRACE_SMTP_REPLY, "smtp.response.code");
    TraceFields_SMTP_REPLY reply = {.code = 550};
    assert_int_equal(*(const uint64_t *)((const char *)&reply + code->offset), 550);
}

static void test_tallies(void **state)
{
    (void)state;
    World world = {.simulator = simulator_new(1)};
    world.trace = trace_new(world.simulator);
    world.host = simulator_add_node(world.simulator, "host");
    assert_int_equal(trace_tally(world.trace, world.host, TRACE_TALLY_SEGMENTS), 0);
    trace_add_tally(world.trace, world.host, TRACE_TALLY_SEGMENTS);
    NodeId late = simulator_add_node(world.simulator, "late");
    trace_add_tally(world.trace, late, TRACE_TALLY_RETRANSMISSIONS);
    trace_add_tally(world.trace, world.host, TRACE_TALLY_SEGMENTS);
    trace_close(world.trace);
    trace_add_tally(world.trace, world.host, TRACE_TALLY_SEGMENTS);
    assert_int_equal(trace_tally(world.trace, world.host, TRACE_TALLY_SEGMENTS), 2);
    assert_int_equal(trace_tally(world.trace, world.host, TRACE_TALLY_RETRANSMISSIONS), 0);
    assert_int_equal(trace_tally(world.trace, late, TRACE_TALLY_RETRANSMISSIONS), 1);
    assert_int_equal(trace_count(world.trace), 0);
    trace_free(world.trace);
    simulator_free(world.simulator);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_causes_at_each_level),
        cmocka_unit_test(test_kinds_are_described),
        cmocka_unit_test(test_tallies),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
