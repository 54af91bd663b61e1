/* Each kind of fault at each server after each event of the lesson in which the receiver is down:
 * nothing is lost or left over, and each duplicate has its witness. `make check-torture` strikes
 * the other lessons too. */
#include "sanitized.h"
#include "scenario/reader.h"
#include "torture/crash_points.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static const char LESSON[] = "scenarios/05-receiver-down/scenario.yaml";

enum { POINTS = IS_SANITIZED ? 200 : 1500 };

static Scenario *read_lesson(void)
{
    g_autoptr(Diagnostics) diagnostics = diagnostics_new();
    Scenario *scenario = scenario_read_file(LESSON, diagnostics);
    assert_non_null(scenario);
    return scenario;
}

static void test_every_point_is_survived(void **state)
{
    (void)state;
    g_autoptr(Scenario) scenario = read_lesson();
    g_autoptr(CrashPoints) points = crash_points_new();
    crash_points_add(points, scenario);
    crash_points_sample(points, POINTS);
    uint64_t second_copies = 0, count = crash_points_count(points);
    for (uint64_t i = 0; i < count; i++) {
        TrialResult result = crash_points_play(points, i);
        CrashPoint point = crash_points_at(points, i);
        g_autofree char *fault = simulation_fault_format(&point.fault);
        if (result.kind != DEFECT_NONE)
            fail_msg("%s\n    mailsim run --audit --fault %s %s", result.defect, fault, LESSON);
        second_copies += result.marks.counts[mark_find("second-copy")] > 0;
        trial_result_clear(&result);
    }
    printf("%d points, %d with a second copy\n", (int)count, (int)second_copies);
    assert_true(second_copies > 0); /* RFC 1047's window was met, or nothing was struck */
}

/* Without a sample each point is there once: kinds at events, ends of two kinds at disk steps. */
static void test_points_are_all(void **state)
{
    (void)state;
    g_autoptr(Scenario) scenario = read_lesson();
    g_autoptr(CrashPoints) points = crash_points_new();
    g_autofree uint64_t *disk_steps = g_new0(uint64_t, scenario->servers.count);
    crash_points_add(points, scenario);
    uint64_t events = trial_count_points(scenario, disk_steps), wanted = 0;
    for (size_t i = 0; i < scenario->servers.count; i++) {
        assert_true(disk_steps[i] > 10);
        wanted += events * SIMULATION_FAULT_KIND_COUNT + disk_steps[i] * 4;
    }
    assert_int_equal(crash_points_count(points), wanted);
    g_autoptr(GHashTable) seen = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    for (uint64_t i = 0; i < wanted; i++) {
        CrashPoint point = crash_points_at(points, i);
        assert_true(g_hash_table_add(seen, simulation_fault_format(&point.fault)));
        assert_true(point.fault.number >= 1);
        if (point.fault.point == FAULT_AFTER_EVENT)
            assert_true(point.fault.number <= events);
    }
}

/* A sample takes of each group its share, from its beginning to its end. */
static void test_samples_are_spread(void **state)
{
    (void)state;
    enum { SAMPLE = 2000, PARTS = 20 };
    g_autoptr(Scenario) scenario = read_lesson();
    g_autoptr(CrashPoints) points = crash_points_new();
    g_autofree uint64_t *disk_steps = g_new0(uint64_t, scenario->servers.count);
    crash_points_add(points, scenario);
    uint64_t events = trial_count_points(scenario, disk_steps);
    crash_points_sample(points, SAMPLE);
    assert_in_range(crash_points_count(points), SAMPLE - 100, SAMPLE);
    for (size_t server = 0; server < scenario->servers.count; server++) {
        unsigned hits[SIMULATION_FAULT_KIND_COUNT][PARTS] = {{0}};
        for (uint64_t i = 0; i < crash_points_count(points); i++) {
            SimulationFault fault = crash_points_at(points, i).fault;
            size_t kind = 0;
            while (SIMULATION_FAULT_KINDS[kind] != fault.kind)
                kind++;
            if (strcmp(fault.server, scenario->servers.items[server].name.text) == 0 &&
                fault.point == FAULT_AFTER_EVENT)
                hits[kind][(fault.number - 1) * PARTS / events]++;
        }
        for (size_t kind = 0; kind < SIMULATION_FAULT_KIND_COUNT; kind++)
            for (size_t part = 0; part < PARTS; part++)
                assert_true(hits[kind][part] > 0);
    }
}

/* The command that a failure prints means the same fault. */
static void test_fault_in_text(void **state)
{
    (void)state;
    static const SimulationFault faults[] = {
        {117, ACTION_CRASH, "mail.naver.example", 5, FAULT_AFTER_EVENT},
        {9, ACTION_POWER_OFF, "mail.naver.example", 5, FAULT_BEFORE_DISK_STEP},
        {1, ACTION_CRASH, "mail.gmail.example", 5, FAULT_AFTER_DISK_STEP},
        {3, ACTION_LINK_DOWN, "mail.gmail.example", 5, FAULT_AFTER_EVENT},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(faults); i++) {
        SimulationFault read = {.restart_after_ns = 5};
        g_autofree char *text = simulation_fault_format(&faults[i]);
        g_autofree char *again = g_strdup(text);
        assert_true(simulation_fault_parse(again, &read));
        assert_string_equal(read.server, faults[i].server);
        g_autofree char *formatted = simulation_fault_format(&read);
        assert_string_equal(formatted, text);
        assert_int_equal(read.restart_after_ns, 5);
    }
    static const char *const wrong[] = {
        "",
        "crash",
        "crash:a",
        "crash:a:0",
        "crash:a:-1",
        "crash::1",
        "restart:a:1",
        "crash:a:1:2",
        "crash:a:1x",
        "crash:a:step-1",
        "crash:a: 1",
        "crash:a:before-step-",
        "crash:a:before-step-0",
    };
    for (size_t i = 0; i < G_N_ELEMENTS(wrong); i++) {
        SimulationFault read = {0};
        g_autofree char *text = g_strdup(wrong[i]);
        assert_false(simulation_fault_parse(text, &read));
        assert_int_equal(read.number, 0);
        assert_string_equal(text, wrong[i]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_point_is_survived),
        cmocka_unit_test(test_points_are_all),
        cmocka_unit_test(test_samples_are_spread),
        cmocka_unit_test(test_fault_in_text),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
