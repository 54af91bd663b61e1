/* The queue through whole runs: retry schedules, the choice among MX records, backup servers. */
#include "scenario_play.h"

/* ---- Retry schedules: the times of the attempts ---- */

/* mx.a.example, with this `retry`, and mx.b.example, which is down for ever. The mail comes into
 * the queue within the second 300: on a scan of Postfix's. */
#define SCHEDULE(retry)                                                                            \
    "mailsim: 1\n"                                                                                 \
    "until: 1525 min\n"                                                                            \
    "servers:\n"                                                                                   \
    "  mx.a.example: {domains: [a.example], users: {alice: {}}, retry: {" retry "}}\n"             \
    "  mx.b.example: {domains: [b.example], users: {bob: {}}}\n"                                   \
    "people:\n"                                                                                    \
    "  alice: {address: alice@a.example}\n"                                                        \
    "mails:\n"                                                                                     \
    "  lunch: {from: alice, to: [bob@b.example]}\n"                                                \
    "timeline:\n"                                                                                  \
    "  - {at: 0 s, do: crash, host: mx.b.example}\n"                                               \
    "  - {at: 300 s, do: send, mail: lunch}\n"

/* `minutes` after the second 300, to a tenth, ended by -1: the first attempts. */
static void assert_attempts(const char *scenario, const double *minutes)
{
    Played played = play(scenario);
    const Record *attempt = NULL;
    for (size_t i = 0; minutes[i] >= 0; i++) {
        attempt = played_find_after(&played, attempt, "queue.attempt", "mail=lunch");
        assert_non_null(attempt);
        SimTime since = record_time(attempt) / SIM_SECOND - 300;
        assert_int_equal((since * 10 + 30) / 60, (int64_t)(minutes[i] * 10 + 0.5));
    }
    played_end(&played);
}

static void test_schedules_as_observed(void **state)
{
    (void)state;
    static const double EXIM[] = {0,   15,  30,  45,  60,  75,  90,   105, 120,
                                  135, 195, 285, 420, 623, 927, 1383, -1};
    static const double EXIM_30[] = {0, 30, 60, 90, 120, 150, 210, 300, 450, 660, 990, 1350, -1};
    static const double POSTFIX[] = {0, 5, 10, 20, 40, 80, 150, 220, 290, 360, -1};
    static const double POSTFIX_MEASURED[] = {0, 8.9, 18.9, 38.9, 78.9, 148.9, 218.9, 288.9, -1};
    static const double QMAIL[] = {0,     6.7,   26.7,  60,    106.7, 166.7,  240,    326.7,
                                   426.7, 540.0, 666.7, 806.7, 960,   1126.7, 1306.7, -1};
    static const double RFC5321[] = {0, 30, 60, 240, 420, 600, 780, 960, 1140, 1320, -1};
    static const double SENDMAIL[] = {0, 5, 15, 25, 35, -1}; /* runs at 10 min, 20 min, … */
    assert_attempts(SCHEDULE("like: exim"), EXIM);
    assert_attempts(SCHEDULE("rules: \"F,2h,15m; G,16h,1h,1.5; F,4d,6h\""), EXIM);
    assert_attempts(SCHEDULE("like: exim, run_every: 30 min, run_phase: 5 min"), EXIM_30);
    assert_attempts(SCHEDULE("like: postfix"), POSTFIX);
    assert_attempts(SCHEDULE("like: postfix, run_phase: 234 s"), POSTFIX_MEASURED);
    assert_attempts(SCHEDULE("like: qmail"), QMAIL);
    assert_attempts(SCHEDULE("like: opensmtpd"), QMAIL);
    assert_attempts(SCHEDULE("like: rfc5321"), RFC5321);
    assert_attempts(SCHEDULE("like: sendmail"), SENDMAIL);
}

/* To a tenth of a minute: where failing takes its time, the attempts drift by so much. */
static void assert_minutes(SimTime time, double minutes)
{
    int64_t off = time / SIM_SECOND - 300 - (int64_t)(minutes * 60);
    assert_in_range(off + 6, 0, 12);
}

/* The warning and the end, in minutes after the second 300; a negative number: there is none. */
static void assert_end(const char *retry, double warning, double end)
{
    g_autofree char *schedule = g_strdup_printf(SCHEDULE("%s"), retry);
    g_autofree char *text = g_strdup(strstr(schedule, "servers:"));
    g_autofree char *scenario = g_strconcat("mailsim: 1\n", text, NULL);
    Played played = play(scenario);
    const Record *warned = played_find_after(&played, NULL, "mail.delayed", "mail=lunch");
    assert_int_equal(warned != NULL, warning >= 0);
    if (warned != NULL)
        assert_minutes(record_time(warned), warning);
    const Record *expired = played_find(&played, "mail.expired", "mail=lunch");
    assert_minutes(record_time(expired), end);
    /* It ends with the attempt that failed. */
    const Record *attempt = NULL, *last = NULL;
    while ((attempt = played_find_after(&played, attempt, "queue.attempt", "mail=lunch")) != NULL)
        last = attempt;
    assert_in_range(record_time(expired) - record_time(last), 0, SIM_SECOND);
    assert_int_equal(played_count(&played, "mail.bounced", "mail=lunch"), 1);
    played_end(&played);
}

/* Lifetimes: the first attempt, or queue run, after four days (Exim, OpenSMTPD), five (Postfix, RFC
 * 5321, sendmail), seven (qmail). */
static void test_schedules_end(void **state)
{
    (void)state;
    assert_end("like: exim", 1743, 5760);
    assert_end("like: exim, run_every: 30 min, run_phase: 5 min", 1710, 5760);
    assert_end("like: exim, run_every: 30 min, run_phase: 4 min", 1709, 5789);
    assert_end("like: postfix", -1, 7220);
    assert_end("like: qmail", -1, 10140);
    assert_end("like: opensmtpd", 326.7, 6000);
    assert_end("like: rfc5321", -1, 7260);
    assert_end("like: sendmail", 245, 7205); /* runs at 10 min, 20 min, … */
}

static void test_jitter_lengthens_waits(void **state)
{
    (void)state;
    Played played = play(SCHEDULE("intervals: [10 min], jitter: 50 %"));
    const Record *last = NULL, *defer;
    int64_t shortest = INT64_MAX, longest = 0;
    while ((defer = played_find_after(&played, last, "queue.defer", "mail=lunch")) != NULL) {
        SimTime wait = record_number(defer, "next_at") - record_time(defer);
        shortest = MIN(shortest, wait);
        longest = MAX(longest, wait);
        last = defer;
    }
    assert_in_range(shortest, 10 * SIM_MINUTE, 11 * SIM_MINUTE);
    assert_in_range(longest, 14 * SIM_MINUTE, 15 * SIM_MINUTE);
    played_end(&played);
}

static void test_bad_rules_are_told(void **state)
{
    (void)state;
    assert_scenario_refused(SCHEDULE("rules: \"F,2h\""), "rule \"F,2h\" must be F,CUTOFF,WAIT");
}

/* ---- MX ---- */

#define MX_WORLD(dns, mails, timeline)                                                             \
    "mailsim: 1\n"                                                                                 \
    "servers:\n"                                                                                   \
    "  mx.a.example: {domains: [a.example], users: {alice: {}}}\n"                                 \
    "  mx1.b.example: {domains: [b.example], users: {bob: {}}}\n"                                  \
    "  mx2.b.example: {domains: [mx2.b.example], backup_for: [b.example]}\n"                       \
    "dns: {" dns "}\n"                                                                             \
    "people:\n"                                                                                    \
    "  alice: {address: alice@a.example}\n"                                                        \
    "mails: {" mails "}\n"                                                                         \
    "timeline: [" timeline "]\n"
#define LUNCH "lunch: {from: alice, to: [bob@b.example]}"
#define SEND  "{at: 1 s, do: send, mail: lunch}"

static void test_lowest_preference_first(void **state)
{
    (void)state;
    Played played = play(MX_WORLD("", LUNCH, SEND));
    played_find(&played, "mail.relayed", "mail=lunch next=mx1.b.example");
    assert_int_equal(played_count(&played, "mail.accepted", "mail=lunch host=mx2.b.example"), 0);
    played_end(&played);
}

static void test_next_exchange_on_failure(void **state)
{
    (void)state;
    Played played = play(MX_WORLD("", LUNCH,
                                  "{at: 0 s, do: crash, host: mx1.b.example}, " SEND
                                  ", {at: 1 h, do: restart, host: mx1.b.example}"));
    played_find(&played, "mail.relayed", "mail=lunch host=mx.a.example next=mx2.b.example");
    played_find(&played, "mail.relayed", "mail=lunch host=mx2.b.example next=mx1.b.example");
    played_find(&played, "mail.delivered", "mail=lunch host=mx1.b.example");
    played_end(&played);
}

/* Of two with the same preference each is taken some time; the one that is no mailbox server may
 * not pass anything to its equal, and returns what came to it. */
static void test_equal_preference(void **state)
{
    (void)state;
    Played played =
        play(MX_WORLD("b.example: {mx: [{preference: 10, host: mx1.b.example}, "
                      "{preference: 10, host: mx2.b.example}]}",
                      LUNCH, "{at: 1 s, do: send, mail: lunch, every: 1 min, times: 20}"));
    unsigned first = played_count(&played, "mail.relayed", "next=mx1.b.example");
    unsigned second = played_count(&played, "mail.relayed", "host=mx.a.example next=mx2.b.example");
    assert_int_equal(first + second, 20);
    assert_in_range(first, 4, 16);
    assert_int_equal(played_count(&played, "mail.bounced", "host=mx2.b.example"), second);
    assert_int_equal(
        played_count(&played, "tcp.connect", "host=mx2.b.example remote=mx1.b.example"), 0);
    played_end(&played);
}

/* mx2 passes on to what is preferred to itself, and to nothing else: neither to its equal nor to a
 * worse one, though mx1 is down and both would take it (RFC 5321 §5.1). */
static void test_never_to_an_equal_or_worse_exchange(void **state)
{
    (void)state;
    Played played =
        play("mailsim: 1\n"
             "servers:\n"
             "  mx.a.example: {domains: [a.example], users: {alice: {}}}\n"
             "  mx0.b.example: {domains: [b.example], users: {bob: {}}}\n"
             "  mx1.b.example: {domains: [x.example], backup_for: [b.example]}\n"
             "  mx2.b.example: {domains: [y.example], backup_for: [b.example]}\n"
             "  mx3.b.example: {domains: [z.example], backup_for: [b.example]}\n"
             "dns:\n"
             "  b.example: {mx: [{preference: 10, host: mx0.b.example}, {preference: 20, host: "
             "mx1.b.example}, {preference: 20, host: mx2.b.example}, {preference: 30, host: "
             "mx3.b.example}]}\n"
             "people: {alice: {address: alice@a.example}}\n"
             "mails: {" LUNCH "}\n"
             "timeline:\n"
             "  - {at: 0 s, do: crash, host: mx0.b.example}\n"
             "  - {at: 0 s, do: crash, host: mx1.b.example}\n"
             "  - {at: 1 s, do: send, mail: lunch}\n"
             "  - {at: 1 min, do: restart, host: mx1.b.example}\n"
             "  - {at: 4 h, do: restart, host: mx0.b.example}\n");
    /* Alice's server tries the first, perhaps the second, and finds the third. */
    played_find(&played, "mail.relayed", "host=mx.a.example next=mx2.b.example");
    assert_true(played_count(&played, "tcp.connect", "host=mx2.b.example remote=mx0.b.example") >
                3);
    for (int other = 1; other <= 3; other++) {
        g_autofree char *connect =
            g_strdup_printf("host=mx2.b.example remote=mx%d.b.example", other);
        assert_int_equal(played_count(&played, "tcp.connect", connect), 0);
    }
    played_find(&played, "mail.delivered", "mail=lunch host=mx0.b.example");
    played_end(&played);
}

static void test_null_mx(void **state)
{
    (void)state;
    Played played = play(MX_WORLD("b.example: {mx: [{preference: 0, host: .}]}", LUNCH, SEND));
    played_find(&played, "mail.bounced", "mail=lunch status=5.1.10");
    assert_int_equal(played_count(&played, "queue.defer", ""), 0);
    assert_int_equal(played_count(&played, "tcp.connect", "host=mx.a.example tcp.dstport=25"), 0);
    played_end(&played);
}

/* A host without MX records is its own exchange (RFC 5321 §5.1). */
static void test_implicit_mx(void **state)
{
    (void)state;
    Played played = play("mailsim: 1\n"
                         "servers:\n"
                         "  mx.a.example: {domains: [a.example], users: {alice: {}}}\n"
                         "  b.example: {domains: [elsewhere.example], users: {bob: {}}}\n"
                         "people:\n"
                         "  alice: {address: alice@a.example}\n"
                         "mails:\n"
                         "  lunch: {from: alice, to: [bob@b.example]}\n"
                         "timeline:\n"
                         "  - {at: 1 s, do: send, mail: lunch}\n");
    played_find(&played, "tcp.connect", "host=mx.a.example remote=b.example tcp.dstport=25");
    /* It serves another domain, and says so. */
    played_find(&played, "mail.bounced", "mail=lunch status=5.7.1");
    played_end(&played);
}

/* ---- What the sender asks to be told (RFC 3461) ---- */

#define NOTIFY_WORLD(extensions, mail, to)                                                         \
    "mailsim: 1\n"                                                                                 \
    "servers:\n"                                                                                   \
    "  mx.a.example: {domains: [a.example], users: {alice: {}}}\n"                                 \
    "  mx.b.example: {domains: [b.example], users: {bob: {}}" extensions "}\n"                     \
    "people:\n"                                                                                    \
    "  alice: {address: alice@a.example}\n"                                                        \
    "mails:\n"                                                                                     \
    "  lunch: {from: alice, to: [" to "@b.example], " mail "}\n"                                   \
    "timeline:\n"                                                                                  \
    "  - {at: 1 s, do: send, mail: lunch}\n"

static void test_success_is_told_by_the_last_server(void **state)
{
    (void)state;
    Played played =
        play(NOTIFY_WORLD("", "notify: [success, failure], envid: Q31, return: full", "bob"));
    const Record *command = NULL;
    bool has_notify = false, has_envid = false;
    while ((command = played_find_after(&played, command, "smtp.command", "host=mx.a.example"))) {
        const char *line = record_text(command, "smtp.command_line");
        has_notify = has_notify || strstr(line, "NOTIFY=SUCCESS,FAILURE") != NULL;
        has_envid = has_envid || strstr(line, "RET=FULL ENVID=Q31") != NULL;
    }
    assert_true(has_notify && has_envid);
    played_find(&played, "mail.accepted", "mail=lunch.delivered host=mx.b.example");
    played_find(&played, "mail.delivered", "mail=lunch.delivered recipient=alice@a.example");
    assert_int_equal(played_count(&played, "queue.enter", "mail=lunch.relayed"), 0);
    played_end(&played);
}

static void test_success_is_told_where_dsn_ends(void **state)
{
    (void)state;
    Played played = play(NOTIFY_WORLD(", extensions: []", "notify: [success]", "bob"));
    played_find(&played, "mail.delivered", "mail=lunch.relayed host=mx.a.example");
    assert_int_equal(played_count(&played, "queue.enter", "mail=lunch.delivered"), 0);
    played_end(&played);
}

static void test_nothing_is_told(void **state)
{
    (void)state;
    Played asked = play(NOTIFY_WORLD("", "subject: x", "bib"));
    Played never = play(NOTIFY_WORLD("", "notify: [never]", "bib"));
    played_find(&asked, "mail.delivered", "mail=lunch.bounce");
    played_find(&never, "mail.discarded", "mail=lunch rule~NOTIFY");
    assert_int_equal(played_count(&never, "mail.bounced", ""), 0);
    played_end(&asked);
    played_end(&never);
}

/* ---- One mailbox, two recipients ---- */

/* Local-parts may differ by case (RFC 5321 §2.4), so each spelling is a recipient of its own on the
 * way; the server whose mailbox it is knows better, and one copy does for both. */
static void test_two_spellings_of_an_address(void **state)
{
    (void)state;
    Played played = play("mailsim: 1\n"
                         "servers:\n"
                         "  mx.a.example: {domains: [a.example], users: {alice: {}}}\n"
                         "  mx.b.example: {domains: [b.example], users: {bob: {}}}\n"
                         "people:\n"
                         "  alice: {address: alice@a.example}\n"
                         "mails:\n"
                         "  lunch: {from: alice, to: [bob@b.example, BOB@b.example]}\n"
                         "timeline:\n"
                         "  - {at: 1 s, do: send, mail: lunch}\n");
    played_find(&played, "mail.delivered", "mail=lunch recipient=bob@b.example");
    played_find(&played, "mail.delivered", "mail=lunch recipient=BOB@b.example");
    assert_int_equal(played_count(&played, "mailbox.store", "mail=lunch user=bob"), 1);
    played_end(&played);
}

/* What becomes of the one copy becomes of both. */
static void test_two_spellings_share_what_becomes_of_it(void **state)
{
    (void)state;
    Played played = play("mailsim: 1\n"
                         "servers:\n"
                         "  mx.a.example: {domains: [a.example], extensions: [],\n"
                         "    users: {alice: {}, bob: {quota: 100 B}},\n"
                         "    policy: {quota: {reply: \"552 5.2.2 Mailbox full\"}}}\n"
                         "people:\n"
                         "  alice: {address: alice@a.example}\n"
                         "mails:\n"
                         "  lunch: {from: alice, to: [bob@a.example, Bob@a.example]}\n"
                         "timeline:\n"
                         "  - {at: 1 s, do: send, mail: lunch}\n");
    assert_int_equal(played_count(&played, "queue.attempt", "mail=lunch"), 2);
    assert_int_equal(played_count(&played, "mail.bounced", "mail=lunch bounce=lunch.bounce"), 2);
    assert_int_equal(played_count(&played, "queue.enter", ""), 2);
    assert_int_equal(played_count(&played, "mailbox.store", "user=bob"), 0);
    played_end(&played);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_schedules_as_observed),
        cmocka_unit_test(test_schedules_end),
        cmocka_unit_test(test_jitter_lengthens_waits),
        cmocka_unit_test(test_bad_rules_are_told),
        cmocka_unit_test(test_lowest_preference_first),
        cmocka_unit_test(test_next_exchange_on_failure),
        cmocka_unit_test(test_equal_preference),
        cmocka_unit_test(test_never_to_an_equal_or_worse_exchange),
        cmocka_unit_test(test_null_mx),
        cmocka_unit_test(test_implicit_mx),
        cmocka_unit_test(test_success_is_told_by_the_last_server),
        cmocka_unit_test(test_success_is_told_where_dsn_ends),
        cmocka_unit_test(test_nothing_is_told),
        cmocka_unit_test(test_two_spellings_of_an_address),
        cmocka_unit_test(test_two_spellings_share_what_becomes_of_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
