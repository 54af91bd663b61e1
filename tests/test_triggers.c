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

static const Record *only(const Played *played, const char *kind, const char *condition)
{
    assert_int_equal(played_count(played, kind, condition), 1);
    return played_find(played, kind, condition);
}

/* After the sync and before the 250: the client hears nothing, sends again, and Bob has two. */
static void test_crash_at_a_sync(void **state)
{
    (void)state;
    Played played =
        play(TOWN "  - {when: {host: mail.gmail.example, event: disk.sync, path: "
                  "spool/queue, nth: 2}, do: crash, host: mail.gmail.example}\n" RESTART);
    const Record *crash = only(&played, "host.crash", "host=mail.gmail.example");
    const Record *sync =
        played_find(&played, "disk.sync", "host=mail.gmail.example path=spool/queue");
    sync = played_find_after(&played, sync, "disk.sync",
                             "host=mail.gmail.example path=spool/queue"); /* the first: at start */
    assert_int_equal(record_time(crash), record_time(sync));
    const Record *action = only(&played, "timeline.action", "do=crash");
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
    const Record *crash = only(&played, "host.crash", "host=mail.gmail.example");
    assert_int_equal(record_time(crash), record_time(entered));
    const Record *restart = only(&played, "host.restart", "host=mail.gmail.example");
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
    const Record *note = only(&played, "timeline.note", "text=again");
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
    const Record *fill = only(&played, "disk.fill", "host=mail.gmail.example");
    const Record *full = played_find(&played, "disk.full", "host=mail.gmail.example");
    assert_int_equal(record_number(full, "because"), record_number(fill, "seq"));
    const Record *defer = played_find(&played, "queue.defer", "reason~452");
    assert_non_null(defer);
    const Record *delivered = only(&played, "mail.delivered", "mail=lunch");
    assert_true(record_time(delivered) > SIM_HOUR);
    played_end(&played);
}

/* The sender's own disk: the agent is told at once, and the mail was never accepted. */
static void test_full_disk_of_the_sender(void **state)
{
    (void)state;
    Played played = play(TOWN "  - {at: 0 s, do: fill_disk, host: mail.naver.example}\n");
    assert_int_equal(played_count(&played, "mail.accepted", ""), 0);
    assert_non_null(played_find(&played, "agent.failed", "reason~452"));
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
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
