/* A crash, and a loss of power, of each server after every event, and before and after every step
 * of its disk, of the lesson in which the receiver is down: nothing is lost, and each duplicate has
 * its witness. */
#include "scenario/reader.h"
#include "torture/crash_sweep.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

static const char LESSON[] = "scenarios/05-receiver-down/scenario.yaml";

/* Under a sanitizer each run takes many times as long: there every so many points are struck. */
#if defined(__SANITIZE_ADDRESS__)
enum { STRIDE = 13 };
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
enum { STRIDE = 13 };
#else
enum { STRIDE = 1 };
#endif
#else
enum { STRIDE = 1 };
#endif

static void sweep(const char *server, ActionKind kind, SimulationFaultPoint point, uint64_t stride)
{
    g_autoptr(Diagnostics) diagnostics = diagnostics_new();
    g_autoptr(Scenario) scenario = scenario_read_file(LESSON, diagnostics);
    assert_non_null(scenario);
    CrashSweep options = {scenario, LESSON, server, kind, 10 * SIM_MINUTE, stride, point};
    CrashSweepResult result = crash_sweep(&options);
    g_autofree char *failure = result.first_failure;
    printf("%s of %s: %d points, %d runs, %d with a duplicate\n", action_name(kind), server,
           (int)result.points, (int)result.runs, (int)result.duplicates);
    if (result.failures > 0)
        fail_msg("%d of %d runs fail, first: %s", (int)result.failures, (int)result.runs, failure);
    assert_int_equal(result.runs, (result.points + stride - 1) / stride);
    assert_true(result.points > 10);
}

#define RECEIVER "mail.gmail.example"
#define SENDER   "mail.naver.example"

static void test_receiver_crashes(void **state)
{
    (void)state;
    sweep(RECEIVER, ACTION_CRASH, FAULT_AFTER_EVENT, STRIDE);
}

static void test_receiver_loses_power(void **state)
{
    (void)state;
    sweep(RECEIVER, ACTION_POWER_OFF, FAULT_AFTER_EVENT, STRIDE);
}

static void test_sender_crashes(void **state)
{
    (void)state;
    sweep(SENDER, ACTION_CRASH, FAULT_AFTER_EVENT, STRIDE);
}

static void test_sender_loses_power(void **state)
{
    (void)state;
    sweep(SENDER, ACTION_POWER_OFF, FAULT_AFTER_EVENT, STRIDE);
}

static void test_disk_steps(void **state)
{
    (void)state;
    static const char *const servers[] = {RECEIVER, SENDER};
    static const ActionKind kinds[] = {ACTION_CRASH, ACTION_POWER_OFF};
    static const SimulationFaultPoint points[] = {FAULT_BEFORE_DISK_STEP, FAULT_AFTER_DISK_STEP};
    for (size_t s = 0; s < G_N_ELEMENTS(servers); s++)
        for (size_t k = 0; k < G_N_ELEMENTS(kinds); k++)
            for (size_t p = 0; p < G_N_ELEMENTS(points); p++)
                sweep(servers[s], kinds[k], points[p], 1);
}

/* The command that a failure prints means the same fault. */
static void test_fault_in_text(void **state)
{
    (void)state;
    static const SimulationFault faults[] = {
        {117, ACTION_CRASH, SENDER, 5, FAULT_AFTER_EVENT},
        {9, ACTION_POWER_OFF, SENDER, 5, FAULT_BEFORE_DISK_STEP},
        {1, ACTION_CRASH, RECEIVER, 5, FAULT_AFTER_DISK_STEP},
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
        cmocka_unit_test(test_receiver_crashes), cmocka_unit_test(test_receiver_loses_power),
        cmocka_unit_test(test_sender_crashes),   cmocka_unit_test(test_sender_loses_power),
        cmocka_unit_test(test_disk_steps),       cmocka_unit_test(test_fault_in_text),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
