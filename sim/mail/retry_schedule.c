/* Retry schedules: RFC 5321 §4.5.4.1 and what real servers make of it.
 *
 * Exim's rule language is in retry_rules.c. Left out on purpose: Postfix's and qmail's separate
 * queues, and Exim's retry data shared between messages to one host: a schedule here is that of one
 * mail alone. */
#include "mail/retry_schedule.h"

#include <string.h>

/* ---- Schedules by name ---- */

static void like_postfix(RetrySchedule *schedule)
{
    schedule->kind = RETRY_AGE;
    schedule->lifetime_ns = 5 * SIM_DAY;
    schedule->minimal_ns = 300 * SIM_SECOND;
    schedule->maximal_ns = 4000 * SIM_SECOND;
    schedule->run_interval_ns = 300 * SIM_SECOND;
}

static void like_exim(RetrySchedule *schedule)
{
    bool parsed = retry_schedule_set_rules(schedule, "F,2h,15m; G,16h,1h,1.5; F,4d,6h", NULL);
    CHECK(parsed);
    schedule->warn_after_ns = 24 * SIM_HOUR; /* delay_warning's default */
    schedule->run_interval_ns = SIM_MINUTE;
}

static void like_sendmail(RetrySchedule *schedule)
{
    schedule->kind = RETRY_EVERY_RUN;
    schedule->lifetime_ns = 5 * SIM_DAY;
    schedule->warn_after_ns = 4 * SIM_HOUR;
    schedule->run_interval_ns = 10 * SIM_MINUTE;
}

static void like_qmail(RetrySchedule *schedule)
{
    schedule->kind = RETRY_ROOT;
    schedule->lifetime_ns = 7 * SIM_DAY;
    schedule->root_step = 20;
}

static void like_opensmtpd(RetrySchedule *schedule)
{
    schedule->kind = RETRY_SQUARE;
    schedule->lifetime_ns = 4 * SIM_DAY;
    schedule->warn_after_ns = 4 * SIM_HOUR;
    schedule->square_unit_ns = 400 * SIM_SECOND;
}

/* "two attempts in the first hour the message is in the queue, and then back off to one every two
 * or three hours" (RFC 5321 §4.5.4.1): half an hour apart, as the same section asks. */
static void like_rfc5321(RetrySchedule *schedule)
{
    static const SimTime waits[] = {30 * SIM_MINUTE, 30 * SIM_MINUTE, 3 * SIM_HOUR};
    bool made = retry_schedule_of_intervals(waits, G_N_ELEMENTS(waits), schedule);
    CHECK(made);
}

static const char *const schedule_names[] = {
    "postfix", "exim", "sendmail", "qmail", "opensmtpd", "rfc5321", NULL,
};
static void (*const schedule_makers[])(RetrySchedule *) = {
    like_postfix, like_exim, like_sendmail, like_qmail, like_opensmtpd, like_rfc5321,
};
G_STATIC_ASSERT(G_N_ELEMENTS(schedule_names) == G_N_ELEMENTS(schedule_makers) + 1);

const char *const *retry_schedule_names(void)
{
    return schedule_names;
}

bool retry_schedule_like(const char *name, RetrySchedule *schedule)
{
    *schedule = (RetrySchedule){0};
    for (size_t i = 0; i < G_N_ELEMENTS(schedule_makers); i++) {
        if (strcmp(name, schedule_names[i]) == 0) {
            schedule_makers[i](schedule);
            return true;
        }
    }
    return false;
}

bool retry_schedule_of_intervals(const SimTime *intervals_ns, size_t count, RetrySchedule *schedule)
{
    *schedule = (RetrySchedule){.kind = RETRY_INTERVALS, .lifetime_ns = 5 * SIM_DAY};
    if (count == 0 || count > RETRY_INTERVALS_MAX)
        return false;
    memcpy(schedule->intervals_ns, intervals_ns, count * sizeof *intervals_ns);
    schedule->interval_count = count;
    return retry_schedule_find_defect(schedule) == NULL;
}

/* ---- Defects ---- */

static bool is_wait(SimTime time)
{
    return time > 0 && time <= RETRY_TIME_MAX;
}

static bool is_whole_seconds(SimTime time)
{
    return is_wait(time) && time % SIM_SECOND == 0;
}

static const char *find_interval_defect(const RetrySchedule *schedule)
{
    if (schedule->interval_count == 0 || schedule->interval_count > RETRY_INTERVALS_MAX)
        return "there must be 1 to 64 intervals";
    for (size_t i = 0; i < schedule->interval_count; i++)
        if (!is_wait(schedule->intervals_ns[i]))
            return "an interval must be above 0 and at most ten years";
    return NULL;
}

static const char *find_rule_defect(const RetrySchedule *schedule)
{
    if (schedule->rule_count == 0 || schedule->rule_count > RETRY_RULES_MAX)
        return "there must be 1 to 16 rules";
    for (size_t i = 0; i < schedule->rule_count; i++) {
        const RetryRule *rule = &schedule->rules[i];
        if (!is_whole_seconds(rule->wait_ns) || !is_whole_seconds(rule->cutoff_ns))
            return "a rule's times must be whole seconds, above 0 and at most ten years";
        if (rule->kind != 'F' && rule->factor_milli < 1000)
            return "a rule's factor must be at least 1";
    }
    return NULL;
}

static const char *find_kind_defect(const RetrySchedule *schedule)
{
    switch (schedule->kind) {
    case RETRY_INTERVALS:
        return find_interval_defect(schedule);
    case RETRY_AGE:
        if (!is_whole_seconds(schedule->minimal_ns) || !is_whole_seconds(schedule->maximal_ns) ||
            schedule->minimal_ns > schedule->maximal_ns)
            return "the minimal wait must be at least 1 s and at most the maximal wait";
        return NULL;
    case RETRY_RULES:
        return find_rule_defect(schedule);
    case RETRY_ROOT:
        if (schedule->root_step == 0 || schedule->root_step > 10000)
            return "the step must be 1 to 10000";
        return NULL;
    case RETRY_SQUARE:
        return is_whole_seconds(schedule->square_unit_ns) ? NULL : "the unit must be at least 1 s";
    case RETRY_EVERY_RUN:
        return schedule->run_interval_ns > 0 ? NULL : "there must be a queue run interval";
    }
    return "unknown kind of schedule";
}

const char *retry_schedule_find_defect(const RetrySchedule *schedule)
{
    if (!is_wait(schedule->lifetime_ns))
        return "the lifetime must be above 0 and at most ten years";
    if (schedule->warn_after_ns < 0 || schedule->warn_after_ns > RETRY_TIME_MAX)
        return "the warning must be at most ten years after arrival";
    if (schedule->run_interval_ns < 0 || schedule->run_interval_ns > RETRY_TIME_MAX)
        return "the queue run interval must be at most ten years";
    if (schedule->run_phase_ns < 0 || schedule->run_phase_ns > RETRY_TIME_MAX)
        return "the queue run phase must be at most ten years";
    if (schedule->jitter_ppb > 1000000000)
        return "the jitter must be at most 100 %";
    return find_kind_defect(schedule);
}

/* ---- The next attempt ---- */

static SimTime whole_seconds(SimTime time)
{
    return time - time % SIM_SECOND;
}

static SimTime clamp(SimTime time, SimTime lowest, SimTime highest)
{
    return time < lowest ? lowest : time > highest ? highest : time;
}

/* The greatest root with root² <= value, by Newton's method from above. */
static int64_t integer_root(int64_t value)
{
    if (value < 2)
        return value;
    int64_t root = value / 2 + 1;
    for (;;) {
        int64_t lower = (root + value / root) / 2;
        if (lower >= root)
            return root;
        root = lower;
    }
}

/* birth + unit · n², or never when that is beyond all simulated time. */
static SimTime add_square(SimTime birth, SimTime unit, int64_t n)
{
    SimTime delay = 0;
    bool too_late = __builtin_mul_overflow(n, n, &delay) ||
                    __builtin_mul_overflow(delay, unit, &delay) || delay > SIM_NEVER - birth;
    return too_late ? SIM_NEVER : birth + delay;
}

/* The first queue run at or after `time`: phase + k · interval, k from 0. */
static SimTime run_at_or_after(const RetrySchedule *schedule, SimTime time)
{
    if (schedule->run_interval_ns == 0)
        return time;
    if (time <= schedule->run_phase_ns)
        return schedule->run_phase_ns;
    SimTime interval = schedule->run_interval_ns;
    SimTime over = (time - schedule->run_phase_ns) % interval;
    return over == 0 ? time : simtime_add(time, interval - over);
}

/* Own lists: the waits in order, the last again and again. */
static SimTime due_by_intervals(const RetrySchedule *schedule, const RetryState *state, SimTime now)
{
    size_t index = MIN((size_t)state->attempts, schedule->interval_count) - 1;
    return simtime_add(now, schedule->intervals_ns[index]);
}

/* Postfix: the time in the queue doubles at each failure, between minimal_backoff_time and
 * maximal_backoff_time. */
static SimTime due_by_age(const RetrySchedule *schedule, const RetryState *state, SimTime now)
{
    SimTime second = whole_seconds(now);
    SimTime age = second - whole_seconds(state->arrived_at);
    return simtime_add(second, clamp(age, schedule->minimal_ns, schedule->maximal_ns));
}

/* qmail: with n = ⌊√age⌋ + step, at birth + n² seconds: attempts fall 2 · step seconds further
 * apart each time. */
static SimTime due_by_root(const RetrySchedule *schedule, const RetryState *state, SimTime now)
{
    SimTime birth = whole_seconds(state->arrived_at);
    int64_t age_s = (whole_seconds(now) - birth) / SIM_SECOND;
    int64_t n = integer_root(age_s) + schedule->root_step;
    return add_square(birth, SIM_SECOND, n);
}

/* OpenSMTPD: at birth + unit · k², k the number of failures, or the first k that is not past. */
static SimTime due_by_square(const RetrySchedule *schedule, const RetryState *state, SimTime now)
{
    SimTime birth = whole_seconds(state->arrived_at);
    SimTime unit = schedule->square_unit_ns;
    int64_t first_not_past = integer_root((now - birth) / unit) + 1;
    return add_square(birth, unit, MAX((int64_t)state->attempts, first_not_past));
}

/* The first rule whose cut-off is not passed; past all of them, the last. */
static const RetryRule *rule_for(const RetrySchedule *schedule, SimTime since_first_failure)
{
    for (size_t i = 0; i < schedule->rule_count; i++)
        if (since_first_failure <= schedule->rules[i].cutoff_ns)
            return &schedule->rules[i];
    return &schedule->rules[schedule->rule_count - 1];
}

/* The wait that G and H grow from: the last one as it was planned, or as it really was when the
 * mail was tried early; a late queue run does not lengthen what follows. 0 before a first wait. */
static SimTime last_wait(const RetryState *before, SimTime now)
{
    if (before->attempts == 0)
        return 0;
    SimTime last_failed = whole_seconds(before->last_failed_at);
    return MIN(before->due_at - last_failed, now - last_failed);
}

static SimTime rule_wait(const RetryRule *rule, SimTime last_wait_ns, uint32_t draw)
{
    if (rule->kind == 'F')
        return rule->wait_ns;
    /* Exim keeps the factor in thousandths and the waits in seconds. */
    int64_t grown_s = clamp(last_wait_ns, 0, RETRY_TIME_MAX) / SIM_SECOND * rule->factor_milli;
    SimTime grown = MIN(grown_s / 1000, RETRY_TIME_MAX / SIM_SECOND) * SIM_SECOND;
    if (rule->kind == 'G')
        return last_wait_ns < rule->wait_ns ? rule->wait_ns : grown;
    /* H: between the shortest wait and the grown one, in its upper half. */
    if (grown <= rule->wait_ns)
        return rule->wait_ns;
    SimTime spread_s = (grown - rule->wait_ns) / SIM_SECOND;
    SimTime drawn_s = (SimTime)(((uint64_t)spread_s * draw) >> 32);
    return rule->wait_ns + (drawn_s + spread_s) / 2 * SIM_SECOND;
}

/* Exim. A mail whose lifetime ends before its next attempt is due is tried once more at the end. */
static SimTime due_by_rules(const RetrySchedule *schedule, const RetryState *before,
                            SimTime first_failed_at, SimTime now, uint32_t draw)
{
    SimTime second = whole_seconds(now);
    const RetryRule *rule = rule_for(schedule, second - whole_seconds(first_failed_at));
    SimTime wait = rule_wait(rule, last_wait(before, second), draw);
    SimTime due = simtime_add(second, MIN(wait, 24 * SIM_HOUR)); /* retry_interval_max's default */
    SimTime end = simtime_add(whole_seconds(before->arrived_at), schedule->lifetime_ns);
    return end > now ? MIN(due, end) : due;
}

static SimTime due_by_kind(const RetrySchedule *schedule, const RetryState *before,
                           const RetryState *state, SimTime now, uint32_t draw)
{
    switch (schedule->kind) {
    case RETRY_INTERVALS:
        return due_by_intervals(schedule, state, now);
    case RETRY_AGE:
        return due_by_age(schedule, state, now);
    case RETRY_RULES:
        return due_by_rules(schedule, before, state->first_failed_at, now, draw);
    case RETRY_ROOT:
        return due_by_root(schedule, state, now);
    case RETRY_SQUARE:
        return due_by_square(schedule, state, now);
    case RETRY_EVERY_RUN:
        return simtime_add(now, SIM_NANOSECOND); /* any run after this one */
    }
    CHECK(false);
    return SIM_NEVER;
}

#define LAST_MAX ((UINT64_C(1) << 34) - 1)

/* Times that no run has, such as a spoilt disk may tell, are cut off. */
RetryMemory retry_memory_of(const RetryState *state)
{
    enum { WAIT_MAX = (1 << 30) - 1 };
    SimTime last_failed = whole_seconds(state->last_failed_at);
    SimTime wait = clamp(state->due_at, last_failed, SIM_NEVER) - last_failed;
    return (RetryMemory){.first_failed_at = state->first_failed_at,
                         .last_failed_s = (uint64_t)(last_failed / SIM_SECOND) & LAST_MAX,
                         .wait_s = (uint32_t)MIN(wait / SIM_SECOND, WAIT_MAX) & WAIT_MAX};
}

RetryState retry_memory_state(const RetryMemory *memory, SimTime arrived_at, uint32_t attempts)
{
    SimTime last_failed_at = (SimTime)memory->last_failed_s * SIM_SECOND;
    return (RetryState){.arrived_at = arrived_at,
                        .first_failed_at = memory->first_failed_at,
                        .last_failed_at = last_failed_at,
                        .due_at = simtime_add(last_failed_at, (SimTime)memory->wait_s * SIM_SECOND),
                        .attempts = attempts};
}

RetryState retry_state_new(SimTime arrived_at)
{
    return (RetryState){.arrived_at = arrived_at};
}

/* A random part of the wait, at most the schedule's share of it; below the microsecond it is cut.
 */
static SimTime jitter_of(const RetrySchedule *schedule, SimTime wait, uint32_t draw)
{
    enum { HALF_BITS = 16, PPB_OF_PPM = 1000 };
    if (wait <= 0 || wait > RETRY_TIME_MAX)
        return 0;
    SimTime most = wait / SIM_MILLISECOND * (schedule->jitter_ppb / PPB_OF_PPM);
    return (most >> HALF_BITS) * (SimTime)(draw >> HALF_BITS);
}

SimTime retry_schedule_next(const RetrySchedule *schedule, RetryState *state, SimTime failed_at,
                            uint32_t draw)
{
    CHECK(retry_schedule_find_defect(schedule) == NULL);
    CHECK(failed_at >= state->arrived_at && state->attempts < RETRY_ATTEMPTS_MAX);
    RetryState before = *state;
    state->attempts++;
    state->last_failed_at = failed_at;
    if (before.attempts == 0)
        state->first_failed_at = failed_at;
    state->due_at = due_by_kind(schedule, &before, state, failed_at, draw);
    SimTime jitter = jitter_of(schedule, state->due_at - failed_at, draw);
    state->due_at = simtime_add(state->due_at, jitter);
    SimTime next = run_at_or_after(schedule, state->due_at);
    CHECK(next > failed_at);
    return next;
}

/* Exim and Postfix know the time to the second. */
bool retry_schedule_is_expired(const RetrySchedule *schedule, SimTime arrived_at, SimTime now)
{
    bool has_whole_seconds = schedule->kind == RETRY_AGE || schedule->kind == RETRY_RULES;
    SimTime since = has_whole_seconds ? whole_seconds(arrived_at) : arrived_at;
    return now >= simtime_add(since, schedule->lifetime_ns);
}

SimTime retry_schedule_warn_at(const RetrySchedule *schedule, SimTime arrived_at)
{
    if (schedule->warn_after_ns == 0)
        return SIM_NEVER;
    return simtime_add(arrived_at, schedule->warn_after_ns);
}
