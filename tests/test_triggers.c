/* Actions that wait for what happens, and the disk that is filled up: `when`, `fill_disk`,
 * `free_disk`. */
#include "scenario_play.h"

#define TOWN                                                                                       \
    "mailsim: 1\n"                                                                                 \
    "servers:\n"                                                                                   \
    "  mail.naver.example: {domains: [naver.example], users: {alice: {}}}\n"                       \
    "  mail.gmail.example: {domains: [gmail.example], users: {bob: {}}}\n"                         \
    "people:\n"                                                                                    \
    "  alice: {address: alice@naver.example, agents: {laptop: {}}}\n"                              \
    "  bob: {address: bob@gmail.example, agents: {phone: {}}}\n"                                   \
    "mails: {lunch: {from: alice, to: [bob@gmail.example], subject: \"Lunch?\", body: "            \
    "\"Noon?\"}}\n"                                                                                \
    "timeline:\n"                                                                                  \
    "  - {at: 1 s, do: send, mail: lunch}\n"
#define RESTART                                                                                    \
    "  - {when: {host: mail.gmail.example, event: host.crash}, after: 10 min, do: restart, host: " \
    "mail.gmail.example}\n"

/* After the sync and before the 250: the client hears nothing, sends again, and Bob has two. */
static void test_crash_at_a_sync(void **state)
{
    (void)state;
    Played played =
        play(TOWN "  - {when: {host: mail.gmail.example, event: disk.sync, path: "
                  "spool/queue, nth: 2}, do: crash, host: mail.gmail.example}\n" RESTART);
    const Record *crash = played_only(&played, "host.crash", "host=mail.gmail.example");
    const Record *sync =
        played_find(&played, "disk.sync", "host=mail.gmail.example path=spool/queue");
    sync = played_find_after(&played, sync, "disk.sync",
                             "host=mail.gmail.example path=spool/queue"); /* the first: at start */
    assert_int_equal(record_time(crash), record_time(sync));
    const Record *action = played_only(&played, "timeline.action", "do=crash");
    assert_int_equal(record_number(action, "cause"), record_number(sync, "seq"));
    assert_int_equal(record_number(crash, "cause"), record_number(action, "seq"));
    /* Between the sync and the crash the host does nothing. */
    assert_int_equal(record_number(action, "seq"), record_number(sync, "seq") + 1);
    assert_int_equal(played_count(&played, "mail.delivered", "mail=lunch"), 2);
    played_end(&played);
}

static void test_crash_in_a_state(void **state)
{
    (void)state;
    Played played = play(TOWN "  - {when: {host: mail.gmail.example, machine: smtp-server, enters: "
                              "DATA}, do: crash, host: mail.gmail.example}\n" RESTART);
    const Record *entered = played_find(&played, "smtp.state", "to=DATA host=mail.gmail.example");
    const Record *crash = played_only(&played, "host.crash", "host=mail.gmail.example");
    assert_int_equal(record_time(crash), record_time(entered));
    const Record *restart = played_only(&played, "host.restart", "host=mail.gmail.example");
    assert_int_equal(record_time(restart), record_time(crash) + 10 * SIM_MINUTE);
    assert_int_equal(played_count(&played, "mail.delivered", "mail=lunch"), 1);
    played_end(&played);
}

/* The second connection to Bob's server is that of the second attempt. */
static void test_nth(void **state)
{
    (void)state;
    Played played =
        play(TOWN "  - {at: 0 s, do: crash, host: mail.gmail.example}\n"
                  "  - {at: 7 min, do: restart, host: mail.gmail.example}\n"
                  "  - {when: {host: mail.naver.example, event: queue.attempt, mail: lunch, nth: "
                  "2}, after: 1 ms, do: note, text: \"again\"}\n");
    const Record *note = played_only(&played, "timeline.note", "text=again");
    const Record *attempt = played_find(&played, "queue.attempt", "attempt=2");
    assert_int_equal(record_time(note), record_time(attempt) + SIM_MILLISECOND);
    played_end(&played);
}

static void test_what_does_not_come(void **state)
{
    (void)state;
    Played played = play(TOWN "  - {when: {host: mail.gmail.example, machine: tcp, enters: "
                              "CLOSING, nth: 9}, do: crash, host: mail.gmail.example}\n");
    assert_int_equal(played_count(&played, "host.crash", ""), 0);
    played_end(&played);
}

/* 452 while the disk is full, and the mail waits on its sender's server. */
static void test_full_disk(void **state)
{
    (void)state;
    Played played = play(TOWN "  - {at: 0 s, do: fill_disk, host: mail.gmail.example}\n"
                              "  - {at: 1 h, do: free_disk, host: mail.gmail.example}\n");
    const Record *fill = played_only(&played, "disk.fill", "host=mail.gmail.example");
    const Record *full = played_find(&played, "disk.full", "host=mail.gmail.example");
    assert_int_equal(record_number(full, "because"), record_number(fill, "seq"));
    const Record *defer = played_find(&played, "queue.defer", "reason~452");
    assert_because(&played, defer, "disk.full", "host=mail.gmail.example");
    assert_because(&played, played_find(&played, "smtp.reply", "smtp.response.code=452"),
                   "disk.full", "host=mail.gmail.example");
    const Record *delivered = played_only(&played, "mail.delivered", "mail=lunch");
    assert_true(record_time(delivered) > SIM_HOUR);
    const Record *accepted = played_find(&played, "smtp.reply",
                                         "host=mail.gmail.example "
                                         "smtp.rsp.parameter~queued");
    assert_null(played_because(&played, accepted));
    played_end(&played);
}

/* The sender's own disk: the agent is told at once, and the mail was never accepted. */
static void test_full_disk_of_the_sender(void **state)
{
    (void)state;
    Played played = play(TOWN "  - {at: 0 s, do: fill_disk, host: mail.naver.example}\n");
    assert_int_equal(played_count(&played, "mail.accepted", ""), 0);
    assert_because(&played, played_find(&played, "agent.failed", "reason~452"), "disk.full",
                   "host=mail.naver.example");
    played_end(&played);
}

/* Full just after the queue has taken it: the mailbox does not. */
static void test_full_disk_of_a_mailbox(void **state)
{
    (void)state;
    Played played = play(TOWN "  - {when: {host: mail.gmail.example, event: mail.accepted}, "
                              "do: fill_disk, host: mail.gmail.example}\n"
                              "  - {at: 1 h, do: free_disk, host: mail.gmail.example}\n");
    const Record *defer = played_find(&played, "queue.defer", "host=mail.gmail.example");
    assert_string_equal(record_text(defer, "reason"), "the mailbox has no room");
    assert_because(&played, defer, "disk.full", "host=mail.gmail.example");
    played_end(&played);
}

/* ---- A disk that is full when a bounce is to be written ---- */

#define REFUSED                                                                                    \
    "mailsim: 1\n"                                                                                 \
    "servers:\n"                                                                                   \
    "  mail.naver.example: {domains: [naver.example], users: {alice: {}}, "                        \
    "retry: {like: postfix, lifetime: 1 h}}\n"                                                     \
    "  mail.gmail.example: {domains: [gmail.example], users: {bob: {}}}\n"                         \
    "people:\n"                                                                                    \
    "  alice: {address: alice@naver.example, agents: {laptop: {}}}\n"                              \
    "mails: {lunch: {from: alice, to: [bobb@gmail.example], subject: \"Lunch?\", body: "           \
    "\"Noon?\"}}\n"                                                                                \
    "timeline:\n"                                                                                  \
    "  - {at: 1 s, do: send, mail: lunch}\n"                                                       \
    "  - {when: {host: mail.naver.example, event: mail.accepted}, do: fill_disk, host: "           \
    "mail.naver.example}\n"
#define FREE(time) "  - {at: " time ", do: free_disk, host: mail.naver.example}\n"

static void assert_bounced_once(const Played *played, SimTime after, SimTime before)
{
    const Record *bounced = played_only(played, "mail.bounced", "");
    assert_in_range(record_time(bounced), after, before);
    played_only(played, "mailbox.store", "user=alice mail=lunch.bounce");
    assert_non_null(played_only(played, "timeline.end", "reason=quiet"));
}

/* RFC 5321 §4.2.1: a 5yz is not asked for again. What waits is the bounce alone. */
static void test_a_refusal_is_kept(void **state)
{
    (void)state;
    Played played = play(REFUSED FREE("2 d") "  - {at: 3 d, do: fetch, who: alice}\n");
    played_only(&played, "queue.attempt", "mail=lunch");
    const Record *refused = played_only(&played, "smtp.reply", "smtp.response.code=550");
    assert_true(record_time(refused) < 2 * SIM_SECOND);
    assert_bounced_once(&played, 2 * SIM_DAY, 2 * SIM_DAY + SIM_HOUR);
    assert_string_equal(record_text(played_find(&played, "mail.bounced", ""), "reason"),
                        "550 5.1.1 No such user here");
    /* It is offered to the disk less and less often. */
    assert_in_range(played_count(&played, "disk.full", ""), 48, 55);
    const Record *full = played_find(&played, "disk.full", "");
    assert_because(&played, full, "disk.fill", "host=mail.naver.example");
    played_end(&played);
}

/* The lifetime ends while the disk is full: that too is decided once. */
static void test_an_expiry_is_kept(void **state)
{
    (void)state;
    Played played =
        play(REFUSED "  - {at: 0 s, do: crash, host: mail.gmail.example}\n" FREE("1 d"));
    const Record *expired = played_only(&played, "mail.expired", "");
    assert_in_range(record_time(expired), SIM_HOUR, 2 * SIM_HOUR);
    assert_null(played_find_after(&played, expired, "queue.attempt", "mail=lunch"));
    assert_bounced_once(&played, SIM_DAY, SIM_DAY + SIM_HOUR);
    assert_because(&played, played_find(&played, "mail.bounced", ""), "host.crash",
                   "host=mail.gmail.example");
    played_end(&played);
}

/* Nothing will ever make room: the run ends nevertheless, and the mail is still in the queue. */
static void test_a_disk_that_stays_full(void **state)
{
    (void)state;
    Played played = play(REFUSED);
    const Record *end = played_only(&played, "timeline.end", "reason=quiet");
    assert_true(record_time(end) < SIM_HOUR);
    played_only(&played, "queue.attempt", "mail=lunch");
    assert_int_equal(played_count(&played, "mail.bounced", ""), 0);
    const FactsMail *mail = facts_find_mail(played.run->facts, "lunch");
    assert_int_equal(mail->recipients[0].fate, MAIL_FATE_QUEUED);
    played_end(&played);
}

/* What the program knew is gone after a crash, a loss of power and a shutdown: the recipient is
 * attempted once more each time, no bounce is lost, and none is written twice. */
static void test_a_restart_while_a_bounce_waits(void **state)
{
    (void)state;
    static const char *const ends[] = {"crash", "power_off", "shutdown"};
    for (size_t i = 0; i < G_N_ELEMENTS(ends); i++) {
        g_autofree char *text = g_strdup_printf(
            REFUSED "  - {at: 12 h, do: %s, host: mail.naver.example}\n"
                    "  - {at: 13 h, do: restart, host: mail.naver.example}\n" FREE("1 d"),
            ends[i]);
        Played played = play(text);
        const Record *restart = played_only(&played, "host.restart", "");
        assert_int_equal(record_time(restart), 13 * SIM_HOUR);
        assert_int_equal(played_count(&played, "queue.attempt", "mail=lunch"), 2);
        assert_bounced_once(&played, SIM_DAY, SIM_DAY + SIM_HOUR);
        played_end(&played);
    }
}

/* ---- What did not come is told ---- */

static void assert_unmet(const char *text, const char *told)
{
    Played played = play(text);
    g_autoptr(GPtrArray) unmet = simulation_list_unmet(played.run->simulation);
    assert_int_equal(unmet->len, 1);
    assert_string_equal(g_ptr_array_index(unmet, 0), told);
    played_end(&played);
}

static void test_unmet_triggers_are_told(void **state)
{
    (void)state;
    assert_unmet(TOWN "  - {when: {host: mail.gmail.example, machine: smtp-server, enters: DATA, "
                      "nth: 3}, do: crash, host: mail.gmail.example}\n",
                 "line 11, crash mail.gmail.example: mail.gmail.example had 1 of the 3 smtp.state "
                 "with to=DATA and machine=smtp-server that it waits for");
    assert_unmet(TOWN "  - {when: {host: mail.gmail.example, event: queue.defer}, do: crash, host: "
                      "mail.gmail.example}\n",
                 "line 11, crash mail.gmail.example: mail.gmail.example had no queue.defer");
    assert_unmet(TOWN "  - {when: {host: mail.gmail.example, event: mail.delivered}, after: 1 h, "
                      "do: crash, host: mail.gmail.example}\n"
                      "until: 30 min\n",
                 "line 11, crash mail.gmail.example: the run ended before it was due");
    Played played = play(TOWN "  - {when: {host: mail.gmail.example, event: mail.delivered}, do: "
                              "crash, host: mail.gmail.example}\n");
    g_autoptr(GPtrArray) unmet = simulation_list_unmet(played.run->simulation);
    assert_int_equal(unmet->len, 0);
    played_end(&played);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_crash_at_a_sync),
        cmocka_unit_test(test_crash_in_a_state),
        cmocka_unit_test(test_nth),
        cmocka_unit_test(test_what_does_not_come),
        cmocka_unit_test(test_full_disk),
        cmocka_unit_test(test_full_disk_of_the_sender),
        cmocka_unit_test(test_full_disk_of_a_mailbox),
        cmocka_unit_test(test_a_refusal_is_kept),
        cmocka_unit_test(test_an_expiry_is_kept),
        cmocka_unit_test(test_a_disk_that_stays_full),
        cmocka_unit_test(test_a_restart_while_a_bounce_waits),
        cmocka_unit_test(test_unmet_triggers_are_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
