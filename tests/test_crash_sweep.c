/* A crash and a loss of power of each server after each event of the lesson in which the receiver
 * is down, and a sample of all kinds of fault there: nothing is lost or left over, and each
 * duplicate has its witness. `make check-torture` strikes the other lessons too. */
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

/* Of all kinds of fault; and of the crashes at all events, each so-manieth is played. */
enum { POINTS = IS_SANITIZED ? 200 : 1500, EVENT_STEP = IS_SANITIZED ? 41 : 1 };

static Scenario *read_lesson(void)
{
    g_autoptr(Diagnostics) diagnostics = diagnostics_new();
    Scenario *scenario = scenario_read_file(LESSON, diagnostics);
    assert_non_null(scenario);
    return scenario;
}

/* Plays the fault, demands that nothing is lost, and tells whether there was a second copy. */
static bool survive(const Scenario *scenario, const SimulationFault *fault)
{
    TrialResult result = trial_play_with_fault(scenario, fault);
    g_autofree char *text = simulation_fault_format(fault);
    if (result.kind != DEFECT_NONE)
        fail_msg("%s\n    mailsim run --audit --fault %s %s", result.defect, text, LESSON);
    bool is_doubled = result.marks.counts[mark_find("second-copy")] > 0;
    trial_result_clear(&result);
    return is_doubled;
}

/* The receiving server, and each of the three that send: one run for each event. */
static void strike_every_event(SimulationFaultKind kind)
{
    g_autoptr(Scenario) scenario = read_lesson();
    g_autofree uint64_t *disk_steps = g_new0(uint64_t, scenario->servers.count);
    uint64_t events = trial_count_points(scenario, disk_steps), struck = 0;
    assert_true(events > 500 && scenario->servers.count == 4);
    for (size_t i = 0; i < scenario->servers.count; i++) {
        const char *server = scenario->servers.items[i].name.text;
        uint64_t second_copies = 0;
        for (uint64_t event = 1 + i % EVENT_STEP; event <= events; event += EVENT_STEP, struck++) {
            SimulationFault fault = {.number = event,
                                     .kind = kind,
                                     .server = server,
                                     .restart_after_ns = SIMULATION_FAULT_DURATION};
            second_copies += survive(scenario, &fault);
        }
        printf("%s %s: %d second copies\n", simulation_fault_name(kind), server,
               (int)second_copies);
        if (EVENT_STEP == 1)
            assert_true(second_copies > 0); /* RFC 1047's window was met, on either side */
    }
    if (EVENT_STEP == 1)
        assert_int_equal(struck, events * scenario->servers.count);
}

static void test_a_crash_at_every_event_is_survived(void **state)
{
    (void)state;
    strike_every_event(FAULT_CRASH);
}

static void test_a_loss_of_power_at_every_event_is_survived(void **state)
{
    (void)state;
    strike_every_event(FAULT_POWER_OFF);
}

static void test_a_sample_of_all_faults_is_survived(void **state)
{
    (void)state;
    g_autoptr(Scenario) scenario = read_lesson();
    g_autoptr(CrashPoints) points = crash_points_new();
    crash_points_add(points, scenario);
    crash_points_sample(points, POINTS);
    uint64_t second_copies = 0, count = crash_points_count(points);
    for (uint64_t i = 0; i < count; i++) {
        CrashPoint point = crash_points_at(points, i);
        second_copies += survive(scenario, &point.fault);
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
        wanted += events * FAULT_KINDS + disk_steps[i] * CRASH_POINTS_AT_STEPS;
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
        unsigned hits[FAULT_KINDS][PARTS] = {{0}};
        for (uint64_t i = 0; i < crash_points_count(points); i++) {
            SimulationFault fault = crash_points_at(points, i).fault;
            if (strcmp(fault.server, scenario->servers.items[server].name.text) == 0 &&
                fault.point == FAULT_AFTER_EVENT)
                hits[fault.kind][(fault.number - 1) * PARTS / events]++;
        }
        for (size_t kind = 0; kind < FAULT_KINDS; kind++)
            for (size_t part = 0; part < PARTS; part++)
                assert_true(hits[kind][part] > 0);
    }
}

/* The command that a failure prints means the same fault. */
static void test_fault_in_text(void **state)
{
    (void)state;
    static const SimulationFault faults[] = {
        {117, FAULT_CRASH, "mail.naver.example", 5, FAULT_AFTER_EVENT},
        {9, FAULT_POWER_OFF, "mail.naver.example", 5, FAULT_BEFORE_DISK_STEP},
        {1, FAULT_CRASH, "mail.gmail.example", 5, FAULT_AFTER_DISK_STEP},
        {3, FAULT_LINK_DOWN, "mail.gmail.example", 5, FAULT_AFTER_EVENT},
        {4, FAULT_DISK_ERROR, "mail.gmail.example", 5, FAULT_BEFORE_DISK_STEP},
        {5, FAULT_DISK_ERROR_FOR_GOOD, "mail.gmail.example", 5, FAULT_AFTER_EVENT},
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
        cmocka_unit_test(test_a_crash_at_every_event_is_survived),
        cmocka_unit_test(test_a_loss_of_power_at_every_event_is_survived),
        cmocka_unit_test(test_a_sample_of_all_faults_is_survived),
        cmocka_unit_test(test_points_are_all),
        cmocka_unit_test(test_samples_are_spread),
        cmocka_unit_test(test_fault_in_text),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
