/* Tests of audit/causality: a sound trace has no defect, and each rule finds what breaks it. */
#include "audit/causality.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

typedef struct World {
    Simulator *simulator;
    Trace *trace;
    Causality *causality;
    NodeId host;
} World;

static World world_new(void)
{
    World world = {.simulator = simulator_new(1)};
    world.host = simulator_add_node(world.simulator, "a.example");
    world.trace = trace_new(world.simulator);
    world.causality = causality_new(world.trace);
    return world;
}

static void world_free(World *world)
{
    causality_free(world->causality);
    trace_free(world->trace);
    simulator_free(world->simulator);
}

static void begin(const World *w)
{
    TRACE(w->trace, NODE_TIMELINE, TIMELINE_BEGIN, 0, .start = "2026-03-02T09:00:00Z");
}

static void assert_defects(World *world, size_t count, const char *first)
{
    assert_int_equal(causality_defect_count(world->causality), count);
    assert_string_equal(causality_defect_at(world->causality, 0)->text, first);
    world_free(world);
}

static void test_sound(void **state)
{
    (void)state;
    World w = world_new();
    begin(&w);
    uint64_t crash = TRACE(w.trace, w.host, HOST_CRASH, 0, .program = "mail server");
    TRACE(w.trace, w.host, TCP_SEND, crash, .flags = "RST");
    TRACE(w.trace, w.host, TCP_FAILED, crash, .reason = "connection refused");
    TRACE(w.trace, w.host, LINK_DROP, 0, .reason = "loss");
    TRACE(w.trace, w.host, QUEUE_DEFER, crash, .mail = "lunch");
    *simulator_cause(w.simulator) = (Cause){{0}};
    TRACE(w.trace, NODE_TIMELINE, TIMELINE_ACTION, 0, .action = "send");
    assert_int_equal(causality_defect_count(w.causality), 0);
    assert_null(causality_defect_at(w.causality, 0));
    world_free(&w);
}

static void test_no_cause(void **state)
{
    (void)state;
    World w = world_new();
    TRACE(w.trace, w.host, HOST_CRASH, 0, .program = "mail server");
    assert_defects(&w, 3, "host.crash of a.example has no cause at level mail");
}

static void test_cause_not_earlier(void **state)
{
    (void)state;
    World w = world_new();
    begin(&w);
    *simulator_cause(w.simulator) = (Cause){{1, 1, 2}};
    TRACE(w.trace, w.host, LINK_DROP, 0, .reason = "loss");
    assert_defects(&w, 1, "link.drop of a.example is not later than its cause 2");
}

static void test_cause_left_out(void **state)
{
    (void)state;
    World w = world_new();
    begin(&w);
    TRACE(w.trace, w.host, LINK_DROP, 0, .reason = "loss");
    *simulator_cause(w.simulator) = (Cause){{1, 2, 2}};
    TRACE(w.trace, w.host, HOST_CRASH, 0, .program = "mail server");
    assert_defects(&w, 1,
                   "host.crash of a.example names as its cause at level protocol record 2, "
                   "which that level leaves out");
}

static void test_levels_disagree(void **state)
{
    (void)state;
    World w = world_new();
    begin(&w);
    TRACE(w.trace, w.host, HOST_CRASH, 0, .program = "mail server");
    *simulator_cause(w.simulator) = (Cause){{2, 2, 1}};
    TRACE(w.trace, w.host, HOST_RESTART, 0, .program = "mail server");
    assert_defects(&w, 1,
                   "host.restart of a.example has a nearer cause at level protocol than at "
                   "level segment");
}

static void test_because_of_another_level(void **state)
{
    (void)state;
    World w = world_new();
    begin(&w);
    TRACE(w.trace, w.host, SMTP_REPLY, 0, .code = 550);
    TRACE(w.trace, w.host, QUEUE_DEFER, 2, .mail = "lunch");
    assert_defects(&w, 1,
                   "queue.defer of a.example was decided by record 2, which is not of level "
                   "mail");
}

/* One that listens from the second record on has missed the first. */
static void test_missed_a_record(void **state)
{
    (void)state;
    World w = world_new();
    simulator_run(w.simulator, (SimulatorLimits){.until = 5});
    begin(&w);
    Causality *late = causality_new(w.trace);
    TRACE(w.trace, w.host, HOST_CRASH, 0, .program = "mail server");
    assert_int_equal(causality_defect_count(late), 1);
    assert_string_equal(causality_defect_at(late, 0)->text,
                        "host.crash of a.example does not have the next seq, which is 1");
    assert_int_equal(causality_defect_at(late, 0)->seq, 2);
    assert_int_equal(causality_defect_at(late, 0)->time, 5);
    causality_free(late);
    world_free(&w);
}

static void test_many_defects(void **state)
{
    (void)state;
    World w = world_new();
    for (int i = 0; i < CAUSALITY_MAX_DEFECTS; i++) {
        *simulator_cause(w.simulator) = (Cause){{0}};
        TRACE(w.trace, w.host, LINK_DROP, 0, .reason = "loss");
    }
    assert_int_equal(causality_defect_count(w.causality), 3 * CAUSALITY_MAX_DEFECTS);
    assert_non_null(causality_defect_at(w.causality, CAUSALITY_MAX_DEFECTS - 1));
    assert_null(causality_defect_at(w.causality, CAUSALITY_MAX_DEFECTS));
    world_free(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sound),
        cmocka_unit_test(test_no_cause),
        cmocka_unit_test(test_cause_not_earlier),
        cmocka_unit_test(test_cause_left_out),
        cmocka_unit_test(test_levels_disagree),
        cmocka_unit_test(test_because_of_another_level),
        cmocka_unit_test(test_missed_a_record),
        cmocka_unit_test(test_many_defects),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
