/* Retry schedules: each row of times that real servers were seen to keep. */
#include "mail/retry_schedule.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

enum { DAY_MINUTES = 24 * 60 };
#define MINUTES(value) ((SimTime)((value)*60000) * SIM_MILLISECOND)

static RetrySchedule like(const char *name)
{
    RetrySchedule schedule;
    assert_true(retry_schedule_like(name, &schedule));
    assert_null(retry_schedule_find_defect(&schedule));
    return schedule;
}

/* Attempts fail at once, the first at arrival. Every time after it in the first 24 hours must be
 * that of the row, within `slack`, and there must be no other. The row ends with a negative number,
 * and from there each attempt comes `then` minutes after the one before (0: there is none left). */
static void assert_day(const RetrySchedule *schedule, SimTime arrived_at, const double *minutes,
                       double then, SimTime slack)
{
    RetryState state = retry_state_new(arrived_at);
    SimTime now = arrived_at;
    double expected = minutes[0];
    for (size_t i = 0; now - arrived_at <= SIM_DAY; i++) {
        SimTime off = now - arrived_at - MINUTES(expected);
        if (off < -slack || off > slack)
            fail_msg("attempt %zu is %lld s after arrival, not %.1f min", i,
                     (long long)((now - arrived_at) / SIM_SECOND), expected);
        assert_int_equal(state.attempts, i);
        bool is_in_row = *minutes >= 0 && *++minutes >= 0;
        expected = is_in_row ? *minutes : then > 0 ? expected + then : DAY_MINUTES + 1;
        now = retry_schedule_next(schedule, &state, now, 0);
        if (!is_in_row && then == 0)
            assert_true(now - arrived_at > SIM_DAY);
    }
    assert_true(expected > DAY_MINUTES); /* the row has no more */
}

static SimTime time_of_expiry(const RetrySchedule *schedule, SimTime arrived_at)
{
    RetryState state = retry_state_new(arrived_at);
    SimTime now = arrived_at;
    while (!retry_schedule_is_expired(schedule, arrived_at, now))
        now = retry_schedule_next(schedule, &state, now, 0);
    return now - arrived_at;
}

static void exim_with_a_queue_run_every_minute(void **state)
{
    (void)state;
    static const double row[] = {0,   15,  30,  45,  60,  75,  90,   105, 120,
                                 135, 195, 285, 420, 623, 927, 1383, -1};
    RetrySchedule exim = like("exim");
    assert_day(&exim, 0, row, 0, 0);
    assert_int_equal(time_of_expiry(&exim, 0), MINUTES(5760));
    /* The same when it arrives within that second. */
    assert_true(retry_schedule_is_expired(&exim, 999 * SIM_MILLISECOND, MINUTES(5760)));
    assert_false(retry_schedule_is_expired(&exim, SIM_SECOND, MINUTES(5760)));
}

static void exim_with_a_queue_run_every_half_hour(void **state)
{
    (void)state;
    static const double row[] = {0, 30, 60, 90, 120, 150, 210, 300, 450, 660, 990, 1350, -1};
    RetrySchedule exim = like("exim");
    exim.run_interval_ns = 30 * SIM_MINUTE;
    assert_day(&exim, 0, row, 0, 0);
}

static void postfix_on_a_scan(void **state)
{
    (void)state;
    static const double row[] = {0, 5, 10, 20, 40, 80, 150, 220, -1};
    RetrySchedule postfix = like("postfix");
    assert_day(&postfix, 0, row, 70, 0);
    /* The same when it fails within the second. */
    RetryState retry = retry_state_new(0);
    assert_int_equal(retry_schedule_next(&postfix, &retry, 999 * SIM_MILLISECOND, 0), MINUTES(5));
    assert_int_equal(retry_schedule_warn_at(&postfix, 0), SIM_NEVER);
    assert_false(retry_schedule_is_expired(&postfix, 0, 5 * SIM_DAY - 1));
    assert_true(retry_schedule_is_expired(&postfix, 0, 5 * SIM_DAY));
    /* Its lifetime ends between two attempts, so that the later of them is the last. */
    assert_int_equal(time_of_expiry(&postfix, 0), MINUTES(220 + 70 * 100));
}

static void postfix_with_the_measured_phase(void **state)
{
    (void)state;
    static const double row[] = {0, 8.9, 19, 39, 79, 149, 219, -1};
    RetrySchedule postfix = like("postfix");
    postfix.run_phase_ns = MINUTES(3.9);
    assert_day(&postfix, 0, row, 70, MINUTES(0.1));
    /* The same row when it is the arrival that lies beside the scan. */
    postfix.run_phase_ns = 0;
    assert_day(&postfix, MINUTES(61.1), row, 70, MINUTES(0.1));
}

static void qmail_goes_by_squares(void **state)
{
    (void)state;
    static const double row[] = {0,     6.7, 26.7,  60,    106.7, 166.7,  240,    326.7,
                                 426.7, 540, 666.7, 806.7, 960,   1126.7, 1306.7, -1};
    RetrySchedule qmail = like("qmail");
    assert_day(&qmail, 0, row, 0, MINUTES(0.05));
    RetrySchedule opensmtpd = like("opensmtpd");
    assert_day(&opensmtpd, 0, row, 0, MINUTES(0.05));
    assert_int_equal(retry_schedule_warn_at(&opensmtpd, SIM_HOUR), 5 * SIM_HOUR);
    assert_false(retry_schedule_is_expired(&opensmtpd, 0, 4 * SIM_DAY - 1));
    assert_true(retry_schedule_is_expired(&opensmtpd, 0, 4 * SIM_DAY));
    assert_false(retry_schedule_is_expired(&qmail, 0, 7 * SIM_DAY - 1));
    assert_int_equal(retry_schedule_warn_at(&qmail, 0), SIM_NEVER);
    assert_true(retry_schedule_is_expired(&qmail, 0, 7 * SIM_DAY));
}

static void qmail_and_opensmtpd_differ_when_failing_takes_long(void **state)
{
    (void)state;
    RetrySchedule qmail = like("qmail"), opensmtpd = like("opensmtpd");
    RetryState first = retry_state_new(0), second = retry_state_new(0);
    /* ⌊√500⌋ + 20 = 42; 400 · 1² is past, 400 · 2² is not. */
    assert_int_equal(retry_schedule_next(&qmail, &first, 500 * SIM_SECOND, 0), 1764 * SIM_SECOND);
    assert_int_equal(retry_schedule_next(&opensmtpd, &second, 500 * SIM_SECOND, 0),
                     1600 * SIM_SECOND);
}

static void rfc5321_advice(void **state)
{
    (void)state;
    static const double row[] = {0, 30, 60, 240, 420, 600, 780, 960, 1140, 1320, -1};
    RetrySchedule rfc5321 = like("rfc5321");
    assert_day(&rfc5321, 12345, row, 0, 0);
    assert_false(retry_schedule_is_expired(&rfc5321, 0, 5 * SIM_DAY - 1));
    assert_true(retry_schedule_is_expired(&rfc5321, 0, 5 * SIM_DAY));
    assert_int_equal(retry_schedule_warn_at(&rfc5321, 0), SIM_NEVER);
}

static void sendmail_tries_at_every_run(void **state)
{
    (void)state;
    static const double row[] = {0, -1};
    RetrySchedule sendmail = like("sendmail");
    assert_day(&sendmail, 0, row, 10, 0);
    assert_int_equal(retry_schedule_warn_at(&sendmail, 0), 4 * SIM_HOUR);
    assert_true(retry_schedule_is_expired(&sendmail, 0, 5 * SIM_DAY));
    sendmail.run_phase_ns = MINUTES(3);
    RetryState retry = retry_state_new(MINUTES(1));
    assert_int_equal(retry_schedule_next(&sendmail, &retry, MINUTES(1), 0), MINUTES(3));
    assert_int_equal(retry_schedule_next(&sendmail, &retry, MINUTES(3), 0), MINUTES(13));
}

static void own_intervals_repeat_the_last(void **state)
{
    (void)state;
    static const SimTime waits[] = {15 * SIM_MINUTE, 30 * SIM_MINUTE, SIM_HOUR};
    static const double row[] = {0, 15, 45, 105, -1};
    RetrySchedule schedule;
    assert_true(retry_schedule_of_intervals(waits, 3, &schedule));
    assert_day(&schedule, SIM_NANOSECOND, row, 60, 0);
    assert_false(retry_schedule_of_intervals(waits, 0, &schedule));
    assert_false(retry_schedule_of_intervals(&(SimTime){0}, 1, &schedule));
}

static RetrySchedule with_rules(const char *text)
{
    RetrySchedule schedule = {0};
    g_autoptr(GError) error = NULL;
    if (!retry_schedule_set_rules(&schedule, text, &error))
        fail_msg("%s", error->message);
    assert_null(retry_schedule_find_defect(&schedule));
    return schedule;
}

static void rules_are_read_as_exim_writes_them(void **state)
{
    (void)state;
    RetrySchedule schedule = with_rules(" F,2h,15m;G,16h , 1h30m,1.25; H, 1w,90s,2 ");
    assert_int_equal(schedule.rule_count, 3);
    assert_int_equal(schedule.rules[0].kind, 'F');
    assert_int_equal(schedule.rules[1].wait_ns, 90 * SIM_MINUTE);
    assert_int_equal(schedule.rules[1].factor_milli, 1250);
    assert_int_equal(schedule.rules[2].cutoff_ns, 7 * SIM_DAY);
    assert_int_equal(schedule.rules[2].factor_milli, 2000);
    assert_int_equal(schedule.lifetime_ns, 7 * SIM_DAY);
}

static void wrong_rules_are_refused_with_a_reason(void **state)
{
    (void)state;
    static const char *const wrong[] = {
        "",
        "F",
        "X,1h,1m",
        "F,1h",
        "F,1h,1m,2",
        "G,1h,1m",
        "F,1h,",
        "F,1h,1",
        "F,1h,0s",
        "F,1h,m",
        "F,1h,1x",
        "F,99999d,1m",
        "F,1h,-1m",
        "G,1h,1m,0.9",
        "G,1h,1m,1.",
        "G,1h,1m,1.5x",
        "G,1h,1m,9999",
        "F,1h,1m;",
        "F,2h,1m;F,1h,1m",
        "F,1h,99999999999999999999s",
        "FF,1h,1m",
        "F,1h,1m\xff",
    };
    for (size_t i = 0; i < G_N_ELEMENTS(wrong); i++) {
        RetrySchedule schedule = like("postfix");
        g_autoptr(GError) error = NULL;
        if (retry_schedule_set_rules(&schedule, wrong[i], &error))
            fail_msg("\"%s\" was taken", wrong[i]);
        assert_non_null(error);
        assert_int_equal(schedule.kind, RETRY_AGE);
    }
}

static void random_rule_waits_within_its_upper_half(void **state)
{
    (void)state;
    RetrySchedule schedule = with_rules("H,4d,1h,3");
    /* The last wait was an hour, so the next grows to at most three: 1 h + (1 h … 2 h). */
    RetryState base = retry_state_new(0);
    SimTime now = retry_schedule_next(&schedule, &base, 0, 0);
    assert_int_equal(now, SIM_HOUR);
    RetryState low = base, high = base;
    assert_int_equal(retry_schedule_next(&schedule, &low, now, 0), now + 2 * SIM_HOUR);
    assert_int_equal(retry_schedule_next(&schedule, &high, now, UINT32_MAX),
                     now + 3 * SIM_HOUR - SIM_SECOND);
}

static void a_wait_never_exceeds_a_day_under_rules(void **state)
{
    (void)state;
    RetrySchedule schedule = with_rules("G,100d,12h,10");
    RetryState retry = retry_state_new(0);
    assert_int_equal(retry_schedule_next(&schedule, &retry, 0, 0), 12 * SIM_HOUR);
    assert_int_equal(retry_schedule_next(&schedule, &retry, 12 * SIM_HOUR, 0), 36 * SIM_HOUR);
}

static void a_longer_lifetime_prolongs_the_last_rule(void **state)
{
    (void)state;
    RetrySchedule schedule = with_rules("F,1h,10m");
    schedule.lifetime_ns = 3 * SIM_HOUR;
    assert_int_equal(time_of_expiry(&schedule, 0), 3 * SIM_HOUR);
    RetryState retry = retry_state_new(0);
    retry_schedule_next(&schedule, &retry, 0, 0);
    assert_int_equal(retry_schedule_next(&schedule, &retry, 2 * SIM_HOUR, 0),
                     2 * SIM_HOUR + MINUTES(10));
}

static void names_and_defects(void **state)
{
    (void)state;
    RetrySchedule schedule;
    for (const char *const *name = retry_schedule_names(); *name != NULL; name++)
        like(*name);
    assert_false(retry_schedule_like("smail", &schedule));
    schedule = like("postfix");
    schedule.minimal_ns = schedule.maximal_ns + SIM_SECOND;
    assert_non_null(retry_schedule_find_defect(&schedule));
    schedule = like("sendmail");
    schedule.run_interval_ns = 0;
    assert_non_null(retry_schedule_find_defect(&schedule));
    schedule = like("qmail");
    schedule.lifetime_ns = 0;
    assert_non_null(retry_schedule_find_defect(&schedule));
}

/* Attempts fail after a while of odd length, and now and then one is made before it is due. */
static void assert_memory_is_enough(const RetrySchedule *schedule)
{
    RetryState exact = retry_state_new(7 * SIM_SECOND + 123456789);
    RetryState kept = exact;
    SimTime now = exact.arrived_at;
    for (uint32_t i = 0; !retry_schedule_is_expired(schedule, exact.arrived_at, now); i++) {
        uint32_t draw = i * 2654435761U;
        now += 1234567891 + draw % 1000000007;
        SimTime next_at = retry_schedule_next(schedule, &exact, now, draw);
        assert_int_equal(retry_schedule_next(schedule, &kept, now, draw), next_at);
        RetryMemory memory = retry_memory_of(&kept);
        kept = retry_memory_state(&memory, exact.arrived_at, kept.attempts);
        assert_int_equal(kept.first_failed_at, exact.first_failed_at);
        now = i % 5 == 4 ? now + (next_at - now) / 3 : next_at;
    }
    assert_true(exact.attempts > 5);
}

static void whole_seconds_are_all_to_remember(void **state)
{
    (void)state;
    RetrySchedule schedule;
    for (const char *const *name = retry_schedule_names(); *name != NULL; name++) {
        schedule = like(*name);
        assert_memory_is_enough(&schedule);
        schedule.jitter_ppb = 300000000;
        assert_memory_is_enough(&schedule);
    }
    schedule = like("exim");
    assert_true(retry_schedule_set_rules(&schedule, "F,1h,7m; G,9h,11m,1.3; H,4d,1h,1.7", NULL));
    assert_memory_is_enough(&schedule);
    schedule.jitter_ppb = 999999999;
    assert_memory_is_enough(&schedule);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(exim_with_a_queue_run_every_minute),
        cmocka_unit_test(exim_with_a_queue_run_every_half_hour),
        cmocka_unit_test(postfix_on_a_scan),
        cmocka_unit_test(postfix_with_the_measured_phase),
        cmocka_unit_test(qmail_goes_by_squares),
        cmocka_unit_test(qmail_and_opensmtpd_differ_when_failing_takes_long),
        cmocka_unit_test(rfc5321_advice),
        cmocka_unit_test(sendmail_tries_at_every_run),
        cmocka_unit_test(own_intervals_repeat_the_last),
        cmocka_unit_test(rules_are_read_as_exim_writes_them),
        cmocka_unit_test(wrong_rules_are_refused_with_a_reason),
        cmocka_unit_test(random_rule_waits_within_its_upper_half),
        cmocka_unit_test(a_wait_never_exceeds_a_day_under_rules),
        cmocka_unit_test(a_longer_lifetime_prolongs_the_last_rule),
        cmocka_unit_test(names_and_defects),
        cmocka_unit_test(whole_seconds_are_all_to_remember),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
