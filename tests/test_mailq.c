/* What a server's administrator does with its queue, through whole runs: mailq, hold, release,
 * flush; and the facts of how many messages are in which state. */
#include "scenario_play.h"

/* mx.a.example has mail for mx.b.example, which is down from the beginning to the second hour. */
#define WORLD(server, timeline, expect)                                                            \
    "mailsim: 1\n"                                                                                 \
    "until: 3 h\n"                                                                                 \
    "servers:\n"                                                                                   \
    "  mx.a.example: {domains: [a.example], users: {alice: {}}, retry: {intervals: [10 min]}, "    \
    "connections: {" server "}}\n"                                                                 \
    "  mx.b.example: {domains: [b.example, c.example], users: {bob: {}, carol: {}}}\n"             \
    "people: {alice: {address: alice@a.example}}\n"                                                \
    "mails:\n"                                                                                     \
    "  lunch: {from: alice, to: [bob@b.example, carol@c.example]}\n"                               \
    "  tea: {from: alice, to: [bob@b.example]}\n"                                                  \
    "timeline:\n"                                                                                  \
    "  - {at: 0 s, do: crash, host: mx.b.example}\n"                                               \
    "  - {at: 1 s, do: send, mail: lunch}\n"                                                       \
    "  - {at: 10 s, do: send, mail: tea}\n"                                                        \
    "  - {at: 121 min, do: restart, host: mx.b.example}\n" timeline "expect:\n" expect
#define EVERYTHING "  - {mail: tea, fact: status, is: delivered}\n"

static Played play_and_expect(const char *text)
{
    Played played = play(text);
    for (size_t i = 0; i < expectations_count(played.run->expectations); i++) {
        g_autofree char *words = expectations_describe(played.run->expectations, i);
        g_autofree char *actual = expectations_actual(played.run->expectations, i);
        if (!expectations_hold(played.run->expectations, i))
            fail_msg("%s, and it is %s", words, actual);
    }
    return played;
}

/* ---- mailq ---- */

static void test_what_mailq_tells(void **state)
{
    (void)state;
    Played played =
        play_and_expect(WORLD("", "  - {at: 15 min, do: mailq, host: mx.a.example}\n", EVERYTHING));
    const Record *list = played_find(&played, "queue.list", "host=mx.a.example");
    assert_int_equal(record_time(list), 15 * SIM_MINUTE);
    assert_int_equal(record_number(list, "length"), 2);
    assert_int_equal(record_number(list, "deferred"), 2);
    assert_int_equal(record_number(list, "incoming") + record_number(list, "active") +
                         record_number(list, "hold"),
                     0);
    assert_string_equal(record_text(list, "source"), "memory");
    const Record *bob = played_find(&played, "queue.listed", "mail=lunch recipient=bob@b.example");
    assert_int_equal(record_number(bob, "cause"), record_number(list, "seq"));
    assert_int_equal(record_number(bob, "place"), 1);
    assert_string_equal(record_text(bob, "sender"), "alice@a.example");
    assert_string_equal(record_text(bob, "state"), "deferred");
    assert_string_equal(record_text(bob, "reason"), "connection refused");
    assert_int_equal(record_number(bob, "attempts"), 2);
    const Record *carol = played_find(&played, "queue.listed", "recipient=carol@c.example");
    assert_int_equal(record_number(carol, "place"), 2);
    /* The same that the queue has said of itself. */
    const Record *defer = NULL, *next = NULL;
    while ((next = played_find_after(&played, next, "queue.defer",
                                     "mail=lunch recipient=bob@b.example")) != NULL &&
           record_time(next) < 15 * SIM_MINUTE)
        defer = next;
    assert_int_equal(record_number(bob, "next_at"), record_number(defer, "next_at"));
    const Record *accepted = played_find(&played, "mail.accepted", "mail=lunch host=mx.a.example");
    const Record *tea = played_find(&played, "mail.accepted", "mail=tea host=mx.a.example");
    assert_int_equal(record_number(bob, "size"), record_number(accepted, "size"));
    assert_int_equal(record_number(list, "size"),
                     record_number(accepted, "size") + record_number(tea, "size"));
    const Record *enter = played_find(&played, "queue.enter", "mail=lunch host=mx.a.example");
    assert_int_equal(record_number(bob, "expires_at"), record_number(enter, "expires_at"));
    assert_true(record_number(bob, "arrived_at") <= record_time(enter));
    played_end(&played);
}

static void test_mailq_of_a_program_that_is_down(void **state)
{
    (void)state;
    Played played = play_and_expect(
        WORLD("",
              "  - {at: 15 min, do: hold, host: mx.a.example, mail: tea}\n"
              "  - {at: 16 min, do: crash, host: mx.a.example}\n"
              "  - {at: 17 min, do: mailq, host: mx.a.example}\n"
              "  - {at: 18 min, do: restart, host: mx.a.example}\n"
              "  - {at: 19 min, do: power_off, host: mx.a.example}\n"
              "  - {at: 20 min, do: mailq, host: mx.a.example}\n"
              "  - {at: 30 min, do: restart, host: mx.a.example}\n",
              "  - {mail: tea, fact: status, is: queued}\n"
              "  - {host: mx.a.example, fact: queue_hold, at: 17 min, is: 1}\n"
              "  - {host: mx.a.example, fact: queue_deferred, at: 17 min, is: 1}\n"));
    assert_int_equal(played_count(&played, "queue.list", ""), 1); /* not of a dead machine */
    const Record *list = played_find(&played, "queue.list", "source=disk");
    assert_int_equal(record_number(list, "length"), 2);
    assert_int_equal(record_number(list, "deferred"), 1);
    assert_int_equal(record_number(list, "hold"), 1);
    const Record *lunch = played_find(&played, "queue.listed", "mail=lunch");
    assert_int_equal(record_number(lunch, "attempts"), 2);
    assert_null(record_text(lunch, "reason"));
    played_find(&played, "queue.listed", "mail=tea state=hold");
    played_end(&played);
}

static void test_mailq_of_an_empty_queue(void **state)
{
    (void)state;
    Played played =
        play_and_expect(WORLD("", "  - {at: 1 ms, do: mailq, host: mx.a.example}\n", EVERYTHING));
    assert_int_equal(record_number(played_find(&played, "queue.list", ""), "length"), 0);
    assert_int_equal(played_count(&played, "queue.listed", ""), 0);
    played_end(&played);
}

/* ---- hold, release, flush ---- */

/* What is on hold is left alone while the receiver is back, and over a loss of power. */
static void test_hold_and_release(void **state)
{
    (void)state;
    Played played = play_and_expect(WORLD(
        "",
        "  - {at: 15 min, do: hold, host: mx.a.example, mail: lunch}\n"
        "  - {at: 20 min, do: power_off, host: mx.a.example}\n"
        "  - {at: 21 min, do: restart, host: mx.a.example}\n"
        "  - {at: 140 min, do: flush, host: mx.a.example}\n"
        "  - {at: 150 min, do: release, host: mx.a.example}\n",
        "  - {mail: tea, fact: delivered_at, range: [2 h, 131 min]}\n"
        "  - {mail: lunch, to: bob@b.example, fact: delivered_at, range: [150 min, 151 min]}\n"
        "  - {mail: lunch, to: carol@c.example, fact: delivered_at, range: [150 min, 151 "
        "min]}\n"
        "  - {host: mx.a.example, fact: queue_hold, at: 899 s, is: 0}\n"
        "  - {host: mx.a.example, fact: queue_hold, at: 15 min, is: 1}\n"
        "  - {host: mx.a.example, fact: queue_hold, at: 149 min, is: 1}\n"
        "  - {host: mx.a.example, fact: queue_length, at: 149 min, is: 1}\n"
        "  - {host: mx.a.example, fact: queue_hold, is: 0}\n"));
    assert_int_equal(played_count(&played, "queue.hold", "mail=lunch"), 1);
    assert_int_equal(played_count(&played, "queue.release", "mail=lunch"), 1);
    assert_int_equal(played_count(&played, "queue.release", "mail=tea"), 0);
    const Record *attempt = NULL;
    while ((attempt = played_find_after(&played, attempt, "queue.attempt",
                                        "host=mx.a.example mail=lunch")) != NULL)
        assert_false(record_time(attempt) > 15 * SIM_MINUTE &&
                     record_time(attempt) < 150 * SIM_MINUTE);
    /* The attempt is because somebody has released it. */
    attempt = played_find_after(&played, played_find(&played, "queue.release", ""), "queue.attempt",
                                "mail=lunch");
    assert_int_equal(record_number(attempt, "cause"),
                     record_number(played_find(&played, "queue.release", ""), "seq"));
    played_end(&played);
}

/* A hold over the end of the lifetime: nothing is given up before the release. */
static void test_what_is_held_does_not_expire(void **state)
{
    (void)state;
    Played played = play_and_expect(
        "mailsim: 1\n"
        "servers:\n"
        "  mx.a.example: {domains: [a.example], users: {alice: {}}, retry: {intervals: [10 min], "
        "lifetime: 1 h}}\n"
        "  mx.b.example: {domains: [b.example], users: {bob: {}}}\n"
        "people: {alice: {address: alice@a.example}}\n"
        "mails: {lunch: {from: alice, to: [bob@b.example]}}\n"
        "timeline:\n"
        "  - {at: 0 s, do: crash, host: mx.b.example}\n"
        "  - {at: 1 s, do: send, mail: lunch}\n"
        "  - {at: 30 min, do: hold, host: mx.a.example}\n"
        "  - {at: 5 h, do: release, host: mx.a.example}\n"
        "expect:\n"
        "  - {mail: lunch, fact: bounced_at, range: [5 h, 301 min]}\n");
    played_end(&played);
}

static void test_flush(void **state)
{
    (void)state;
    Played played = play_and_expect(WORLD(
        "",
        "  - {at: 122 min, do: flush, host: mx.a.example, domain: c.example}\n"
        "  - {at: 123 min, do: flush, host: mx.a.example}\n"
        "  - {at: 124 min, do: flush, host: mx.a.example}\n",
        "  - {mail: lunch, to: carol@c.example, fact: delivered_at, range: [122 min, 123 "
        "min]}\n"
        "  - {mail: lunch, to: bob@b.example, fact: delivered_at, range: [123 min, 124 min]}\n"
        "  - {mail: tea, fact: delivered_at, range: [123 min, 124 min]}\n"));
    const Record *flush = played_find(&played, "queue.flush", "domain=c.example");
    assert_int_equal(record_number(flush, "recipients"), 1);
    flush = played_find_after(&played, flush, "queue.flush", "");
    assert_null(record_text(flush, "domain"));
    assert_int_equal(record_number(flush, "recipients"), 2);
    flush = played_find_after(&played, flush, "queue.flush", "");
    assert_int_equal(record_number(flush, "recipients"), 0);
    played_end(&played);
}

/* ---- The states ---- */

#define SILENT                                                                                     \
    "  - {at: 500 ms, do: restart, host: mx.b.example}\n"                                          \
    "  - {at: 600 ms, do: link_down, between: [mx.b.example, internet]}\n"                         \
    "  - {at: 2 h, do: link_up, between: [mx.b.example, internet]}\n"

/* An attempt that lasts for minutes, since nobody answers; the second mail waits for its turn. */
static void test_active_and_waiting_for_a_connection(void **state)
{
    (void)state;
    Played played = play_and_expect(
        WORLD("total: 1", SILENT "  - {at: 15 s, do: mailq, host: mx.a.example}\n",
              EVERYTHING "  - {host: mx.a.example, fact: queue_active, at: 15 s, is: 2}\n"
                         "  - {host: mx.a.example, fact: queue_incoming, at: 15 s, is: 0}\n"));
    played_find(&played, "queue.activate", "mail=tea host=mx.a.example destination=b.example");
    const Record *list = played_find(&played, "queue.list", "");
    assert_int_equal(record_number(list, "active"), 2);
    played_find(&played, "queue.listed", "mail=tea state=active");
    played_end(&played);
}

/* At most one message is active: the other stays in the incoming queue, and its turn comes. */
static void test_active_limit(void **state)
{
    (void)state;
    Played played = play_and_expect(
        WORLD("active_limit: 1", SILENT "  - {at: 15 s, do: mailq, host: mx.a.example}\n",
              EVERYTHING "  - {host: mx.a.example, fact: queue_active, at: 15 s, is: 1}\n"
                         "  - {host: mx.a.example, fact: queue_incoming, at: 15 s, is: 1}\n"
                         "  - {mail: lunch, to: bob@b.example, fact: status, is: delivered}\n"
                         "  - {mail: lunch, to: carol@c.example, fact: status, is: delivered}\n"));
    const Record *list = played_find(&played, "queue.list", "");
    assert_int_equal(record_number(list, "active"), 1);
    assert_int_equal(record_number(list, "incoming"), 1);
    played_find(&played, "queue.listed", "mail=tea state=incoming");
    /* Tea's first attempt follows lunch's last in time, without a pause. */
    const Record *defer = played_find(&played, "queue.defer", "mail=lunch");
    defer = played_find_after(&played, defer, "queue.defer", "mail=lunch");
    assert_int_equal(record_time(played_find(&played, "queue.attempt", "mail=tea")),
                     record_time(defer));
    played_end(&played);
}

/* ---- What the reader says of mistakes ---- */

static void assert_refused(const char *expect, const char *words)
{
    g_autofree char *text = g_strconcat(WORLD("", "", ""), expect, NULL);
    assert_scenario_refused(text, words);
}

static void test_at_where_it_makes_no_sense(void **state)
{
    (void)state;
    assert_refused("  - {host: mx.a.example, fact: queue_peak, at: 1 h, is: 0}\n",
                   "`queue_peak` is a fact of the whole run");
    assert_refused("  - {mail: tea, fact: status, at: 1 h, is: delivered}\n",
                   "`at` goes with `host` only");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_mailq_tells),
        cmocka_unit_test(test_mailq_of_a_program_that_is_down),
        cmocka_unit_test(test_mailq_of_an_empty_queue),
        cmocka_unit_test(test_hold_and_release),
        cmocka_unit_test(test_what_is_held_does_not_expire),
        cmocka_unit_test(test_flush),
        cmocka_unit_test(test_active_and_waiting_for_a_connection),
        cmocka_unit_test(test_active_limit),
        cmocka_unit_test(test_at_where_it_makes_no_sense),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
