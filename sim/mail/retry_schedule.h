/* When a mail server tries again, for how long, and when it warns: real servers' schedules as data.
 *
 * Times are SimTime; there is no clock in here. RFC 5321 §4.5.4.1 only advises (half an hour as a
 * rule, give up after four to five days), so each server has its own way. All arithmetic is in
 * integers, and in whole seconds where the real server counts so.
 *
 * Source: RFC 5321 §4.5.4.1; the documentation and observed behaviour of the servers named. */
#pragma once

#include "core/simtime.h"

#include <glib.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { RETRY_RULES_MAX = 16, RETRY_INTERVALS_MAX = 64 };
/* No mail is tried more often: once a second would take 17 years. */
enum { RETRY_ATTEMPTS_BITS = 29, RETRY_ATTEMPTS_MAX = (1 << RETRY_ATTEMPTS_BITS) - 1 };
/* No time in a schedule is longer. */
#define RETRY_TIME_MAX (3650 * SIM_DAY)

typedef enum RetryKind {
    RETRY_INTERVALS, /* a list of waits; the last repeats */
    RETRY_AGE,       /* Postfix: wait as long as the mail is old, between two bounds */
    RETRY_RULES,     /* Exim: the first rule whose cut-off is not passed */
    RETRY_ROOT,      /* qmail: at birth + (root of age + step)² seconds */
    RETRY_SQUARE,    /* OpenSMTPD: at birth + unit · k² */
    RETRY_EVERY_RUN, /* sendmail: at every queue run */
} RetryKind;

/* One of Exim's rules. */
typedef struct RetryRule {
    char kind;             /* 'F': fixed, 'G': geometric, 'H': geometric with a random part */
    SimTime cutoff_ns;     /* it holds up to this long after the first failure */
    SimTime wait_ns;       /* the wait of F, the shortest of G and H */
    uint32_t factor_milli; /* G, H: next wait = last wait · factor / 1000 */
} RetryRule;

/* A plain value. A field that its kind does not use is 0. */
typedef struct RetrySchedule {
    RetryKind kind;
    SimTime lifetime_ns;
    SimTime warn_after_ns; /* 0: no delay warning */
    /* The queue runner (Exim, sendmail) or scan (Postfix): at phase + k · interval since time zero.
     * Interval 0: the server has timers instead. */
    SimTime run_interval_ns, run_phase_ns;
    uint32_t jitter_ppb; /* each wait is longer by up to so many billionths of it, at random */
    SimTime minimal_ns, maximal_ns; /* RETRY_AGE */
    uint32_t root_step;             /* RETRY_ROOT: 20 */
    SimTime square_unit_ns;         /* RETRY_SQUARE: 400 s */
    size_t rule_count;
    RetryRule rules[RETRY_RULES_MAX];
    size_t interval_count; /* RETRY_INTERVALS: at least one */
    SimTime intervals_ns[RETRY_INTERVALS_MAX];
} RetrySchedule;

/* What has to be known of one mail (or recipient) to tell its next attempt. A plain value without
 * pointers, so that a spool can keep it. */
typedef struct RetryState {
    SimTime arrived_at;
    SimTime first_failed_at; /* these three mean something once `attempts` is not 0 */
    SimTime last_failed_at;
    SimTime due_at;    /* when the next attempt may be made; a queue run then makes it */
    uint32_t attempts; /* failed so far */
} RetryState;

/* What retry_schedule_next has to know of a RetryState, beside its arrival, in less room: of the
 * last failure only the second counts, and how many whole seconds after it the next attempt was
 * due. */
typedef struct RetryMemory {
    SimTime first_failed_at;
    uint64_t last_failed_s : 34;
    uint64_t wait_s : 30;
} RetryMemory;

RetryMemory retry_memory_of(const RetryState *state);
RetryState retry_memory_state(const RetryMemory *memory, SimTime arrived_at, uint32_t attempts);

/* NULL-terminated: "postfix", "exim", "sendmail", "qmail", "opensmtpd", "rfc5321". */
const char *const *retry_schedule_names(void);
/* Fills in the schedule of that name; false when there is none. */
bool retry_schedule_like(const char *name, RetrySchedule *schedule);
/* A schedule of these waits: 1 to RETRY_INTERVALS_MAX of them, each above 0; life 5 days. */
bool retry_schedule_of_intervals(const SimTime *intervals_ns, size_t count,
                                 RetrySchedule *schedule);
/* Exim's rules as written, such as "F,2h,15m; G,16h,1h,1.5; F,4d,6h". Replaces the rules and makes
 * the last cut-off the lifetime; a lifetime set longer afterwards prolongs the last rule.
 * No wait is longer than a day (Exim's retry_interval_max). */
bool retry_schedule_set_rules(RetrySchedule *schedule, const char *text, GError **error);
/* What is wrong with the schedule, in words, or NULL. The other functions take none with defects.
 */
const char *retry_schedule_find_defect(const RetrySchedule *schedule);

RetryState retry_state_new(SimTime arrived_at);
/* An attempt failed at `failed_at`: notes it in `state` and gives the next attempt's time, which is
 * later than `failed_at`. `draw` is 32 random bits, used by `H` rules and for the jitter. Ask
 * retry_schedule_is_expired first. */
SimTime retry_schedule_next(const RetrySchedule *schedule, RetryState *state, SimTime failed_at,
                            uint32_t draw);
/* Whether a mail whose attempt failed at `now` is returned instead of kept. */
bool retry_schedule_is_expired(const RetrySchedule *schedule, SimTime arrived_at, SimTime now);
/* The moment from which the first failed attempt sends the warning, or SIM_NEVER. */
SimTime retry_schedule_warn_at(const RetrySchedule *schedule, SimTime arrived_at);
