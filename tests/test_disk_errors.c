/* Disks that fail, in whole runs: what a server says, what it does later, and that a second copy is
 * the worst that comes of it. */
#include "scenario_play.h"

#define NAVER "mail.naver.example"
#define GMAIL "mail.gmail.example"

/* Alice writes to Bob after a second. */
#define TOWN                                                                                       \
    "mailsim: 1\n"                                                                                 \
    "servers:\n"                                                                                   \
    "  " NAVER ": {domains: [naver.example], users: {alice: {}}, retry: {intervals: [10 min]}}\n"  \
    "  " GMAIL ": {domains: [gmail.example], users: {bob: {}}, retry: {intervals: [10 min]}}\n"    \
    "people:\n"                                                                                    \
    "  alice: {address: alice@naver.example, agents: {laptop: {}}}\n"                              \
    "  bob: {address: bob@gmail.example, agents: {phone: {}}}\n"                                   \
    "mails: {lunch: {from: alice, to: [bob@gmail.example], subject: \"Lunch?\", body: "            \
    "\"Noon?\"}}\n"                                                                                \
    "timeline:\n"                                                                                  \
    "  - {at: 1 s, do: send, mail: lunch}\n"
#define FAIL_AT(time, host, what) "  - {at: " time ", do: disk_fail, host: " host ", " what "}\n"
#define FAIL_WHEN(host, event, what)                                                               \
    "  - {when: {host: " host ", event: " event "}, do: disk_fail, host: " host ", " what "}\n"
#define AT(time, action, host) "  - {at: " time ", do: " action ", host: " host "}\n"

static uint64_t copies(const Played *played)
{
    return facts_find_mail(played->run->facts, "lunch")->recipients[0].copies;
}

static void assert_because_of_disk(const Record *error, const Played *played)
{
    const Record *fail = played_find(played, "disk.fail", "");
    assert_non_null(error);
    assert_int_equal(record_number(error, "because"), record_number(fail, "seq"));
}

/* Each step of taking a message over, by itself: 451 and never 250, and nothing is left of it. */
static void test_no_250_for_what_cannot_be_stored(void **state)
{
    (void)state;
    static const char *const OPERATIONS[] = {"write", "sync", "rename"};
    for (size_t i = 0; i < G_N_ELEMENTS(OPERATIONS); i++) {
        g_autofree char *text = g_strdup_printf(TOWN FAIL_AT("0.5 s", GMAIL, "operations: [%s]")
                                                    AT("15 min", "disk_fix", GMAIL),
                                                OPERATIONS[i]);
        Played played = play(text);
        const Record *first = played_find(&played, "smtp.reply", "smtp.response.code=451");
        assert_string_equal(record_text(first, "smtp.rsp.parameter"),
                            "4.3.0 Local error: the message cannot be stored");
        const Record *error = played_find(&played, "disk.error", "");
        assert_string_equal(record_text(error, "operation"), OPERATIONS[i]);
        assert_because_of_disk(error, &played);
        assert_string_equal(record_text(played_find(&played, "queue.defer", ""), "reason"),
                            "451 4.3.0 Local error: the message cannot be stored");
        assert_because(&played, first, "disk.error", "host=" GMAIL);
        assert_because(&played, played_find(&played, "queue.defer", ""), "disk.error",
                       "host=" GMAIL);
        const Record *delivered = played_only(&played, "mail.delivered", "");
        assert_in_range(record_time(delivered), 20 * SIM_MINUTE, 21 * SIM_MINUTE);
        assert_int_equal(copies(&played), 1);
        played_end(&played);
    }
}

/* Once is over at the next attempt, whatever the disk was doing: the agent's own server, here. */
static void test_the_agent_is_told(void **state)
{
    (void)state;
    Played played = play(TOWN FAIL_AT("0.5 s", NAVER, "failures: 1"));
    assert_non_null(played_find(&played, "agent.failed", "reason~451"));
    assert_int_equal(played_count(&played, "mail.accepted", ""), 0);
    played_end(&played);
}

/* The queue has it, the mailbox does not take it: it waits, 4.3.0, and arrives once. */
static void test_a_mailbox_that_cannot_be_written(void **state)
{
    (void)state;
    Played played = play(TOWN FAIL_WHEN(GMAIL, "mail.accepted", "failures: 1"));
    const Record *defer = played_only(&played, "queue.defer", "host=" GMAIL);
    assert_string_equal(record_text(defer, "reason"), "the mailbox cannot be written");
    const Record *error = played_only(&played, "disk.error", "");
    assert_because_of_disk(error, &played);
    assert_int_equal(record_number(defer, "cause"), record_number(error, "seq"));
    assert_int_equal(record_number(defer, "because"), record_number(error, "seq"));
    assert_int_equal(record_number(played_only(&played, "mail.delivered", ""), "t") / SIM_MINUTE,
                     10);
    assert_int_equal(copies(&played), 1);
    played_end(&played);
}

/* The note that the mail is delivered is lost: nothing comes of that as long as the program lives.
 */
static void test_a_journal_that_cannot_be_written(void **state)
{
    (void)state;
    Played played = play(TOWN FAIL_WHEN(GMAIL, "mail.delivered", "failures: 1"));
    const Record *error = played_only(&played, "disk.error", "");
    assert_string_equal(record_text(error, "path"), "spool/queue/1-1");
    played_only(&played, "queue.attempt", "host=" GMAIL);
    played_only(&played, "queue.remove", "host=" GMAIL);
    assert_int_equal(copies(&played), 1);
    played_end(&played);
}

/* The sender's note is lost and its entry cannot go: after a crash it sends again, and the failure
 * is the witness. */
static void test_a_lost_note_and_a_crash(void **state)
{
    (void)state;
    Played played = play(TOWN FAIL_WHEN(NAVER, "mail.relayed", "operations: [write, unlink]") AT(
        "1 min", "crash", NAVER) AT("2 min", "disk_fix", NAVER) AT("3 min", "restart", NAVER));
    assert_int_equal(played_count(&played, "disk.error", "host=" NAVER), 2);
    played_only(&played, "queue.recover", "host=" NAVER);
    assert_int_equal(copies(&played), 2);
    played_end(&played);
}

/* A message that cannot be read is attempted later, on its way and at its end. */
static void test_a_message_that_cannot_be_read(void **state)
{
    (void)state;
    static const char *const HOSTS[] = {NAVER, GMAIL};
    for (size_t i = 0; i < G_N_ELEMENTS(HOSTS); i++) {
        g_autofree char *text =
            g_strdup_printf(TOWN "  - {at: 0.5 s, do: disk_fail, host: %s, operations: [read]}\n"
                                 "  - {at: 15 min, do: disk_fix, host: %s}\n",
                            HOSTS[i], HOSTS[i]);
        Played played = play(text);
        const Record *defer = played_find(&played, "queue.defer", "");
        assert_string_equal(record_text(defer, "host"), HOSTS[i]);
        assert_string_equal(record_text(defer, "reason"),
                            "the message cannot be read from the disk");
        const Record *error = played_find(&played, "disk.error", "");
        assert_int_equal(record_number(defer, "because"), record_number(error, "seq"));
        assert_int_equal(played_count(&played, "queue.defer", ""), 2);
        assert_int_equal(record_time(played_only(&played, "mail.delivered", "")) / SIM_MINUTE, 20);
        assert_int_equal(copies(&played), 1);
        played_end(&played);
    }
}

/* What a start cannot read stays on the disk: it is found when the server looks again. */
static void test_an_entry_that_cannot_be_read_at_the_start(void **state)
{
    (void)state;
    Played played = play(TOWN AT("0 s", "crash", GMAIL) AT("2 s", "crash", NAVER)
                             FAIL_AT("3 s", NAVER, "operations: [read]") AT("4 s", "restart", NAVER)
                                 AT("5 s", "restart", GMAIL) AT("7 min", "disk_fix", NAVER));
    const Record *recovered = played_only(&played, "queue.recover", "");
    assert_in_range(record_time(recovered), 7 * SIM_MINUTE, 12 * SIM_MINUTE);
    assert_int_equal(copies(&played), 1);
    played_end(&played);
}

/* As long as the start's number is not on the disk, nothing is accepted: ids would come twice. */
static void test_a_start_that_cannot_be_noted(void **state)
{
    (void)state;
    Played played = play(TOWN FAIL_AT("0 s", GMAIL, "operations: [write]") AT(
        "0.1 s", "crash", GMAIL) AT("0.2 s", "restart", GMAIL) AT("5 min", "disk_fix", GMAIL));
    assert_non_null(played_find(&played, "disk.error", "path=spool/start.1"));
    assert_non_null(played_find(&played, "queue.defer", "reason~451"));
    assert_int_equal(copies(&played), 1);
    played_end(&played);
}

/* Bob's agent is told no, and has the mail at the next time. */
static void test_a_mailbox_that_cannot_be_read(void **state)
{
    (void)state;
    Played played = play(
        TOWN FAIL_AT("1 min", GMAIL, "operations: [read]") "  - {at: 2 min, do: fetch, who: "
                                                           "bob}\n" AT("3 min", "disk_fix",
                                                                       GMAIL) "  - {at: 4 min, do: "
                                                                              "fetch, who: bob}\n");
    const Record *failed = played_only(&played, "agent.failed", "action=fetch");
    assert_non_null(strstr(record_text(failed, "reason"), "cannot be read now"));
    assert_true(record_time(played_only(&played, "agent.receive", "mail=lunch")) > 4 * SIM_MINUTE);
    played_end(&played);
}

/* A bounce that the disk does not take waits, and is told in the end. */
static void test_a_bounce_that_cannot_be_written(void **state)
{
    (void)state;
    g_autofree char *nobody =
        g_strdup(TOWN FAIL_WHEN(NAVER, "queue.attempt", "operations: [sync], failures: 1"));
    char *user = strstr(nobody, "to: [bob@");
    memcpy(user, "to: [bab@", strlen("to: [bab@"));
    Played played = play(nobody);
    assert_because(&played, played_only(&played, "mail.untold", ""), "disk.error", "host=" NAVER);
    played_only(&played, "mail.bounced", "mail=lunch");
    played_only(&played, "mailbox.store", "mail=lunch.bounce");
    played_end(&played);
}

/* A disk that is never fixed ends no run, and loses nothing. */
static void test_for_good(void **state)
{
    (void)state;
    Played played = play(TOWN FAIL_WHEN(GMAIL, "queue.attempt", "operations: []") "until: 1 d\n");
    assert_int_equal(played_count(&played, "mail.delivered", ""), 0);
    assert_true(played_count(&played, "queue.defer", "host=" GMAIL) > 100);
    played_only(&played, "store.inventory", "place=queue host=" GMAIL);
    played_end(&played);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_no_250_for_what_cannot_be_stored),
        cmocka_unit_test(test_the_agent_is_told),
        cmocka_unit_test(test_a_mailbox_that_cannot_be_written),
        cmocka_unit_test(test_a_journal_that_cannot_be_written),
        cmocka_unit_test(test_a_lost_note_and_a_crash),
        cmocka_unit_test(test_a_message_that_cannot_be_read),
        cmocka_unit_test(test_an_entry_that_cannot_be_read_at_the_start),
        cmocka_unit_test(test_a_start_that_cannot_be_noted),
        cmocka_unit_test(test_a_mailbox_that_cannot_be_read),
        cmocka_unit_test(test_a_bounce_that_cannot_be_written),
        cmocka_unit_test(test_for_good),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
