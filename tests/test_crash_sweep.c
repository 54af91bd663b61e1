/* A crash, and a loss of power, of each server after every event of the lesson in which the
 * receiver is down: nothing is lost, and each duplicate has its witness. */
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

static void sweep(const char *server, ActionKind kind)
{
    g_autoptr(Diagnostics) diagnostics = diagnostics_new();
    g_autoptr(Scenario) scenario = scenario_read_file(LESSON, diagnostics);
    assert_non_null(scenario);
    CrashSweep options = {scenario, LESSON, server, kind, 10 * SIM_MINUTE, STRIDE};
    CrashSweepResult result = crash_sweep(&options);
    g_autofree char *failure = result.first_failure;
    printf("%s of %s: %d events, %d runs, %d with a duplicate\n", action_name(kind), server,
           (int)result.events, (int)result.runs, (int)result.duplicates);
    if (result.failures > 0)
        fail_msg("%d of %d runs fail, first: %s", (int)result.failures, (int)result.runs, failure);
    assert_int_equal(result.runs, (result.events + STRIDE - 1) / STRIDE);
}

static void test_receiver_crashes(void **state)
{
    (void)state;
    sweep("mail.gmail.example", ACTION_CRASH);
}

static void test_receiver_loses_power(void **state)
{
    (void)state;
    sweep("mail.gmail.example", ACTION_POWER_OFF);
}

static void test_sender_crashes(void **state)
{
    (void)state;
    sweep("mail.naver.example", ACTION_CRASH);
}

static void test_sender_loses_power(void **state)
{
    (void)state;
    sweep("mail.naver.example", ACTION_POWER_OFF);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_receiver_crashes),
        cmocka_unit_test(test_receiver_loses_power),
        cmocka_unit_test(test_sender_crashes),
        cmocka_unit_test(test_sender_loses_power),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
