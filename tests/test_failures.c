/* What goes wrong in a run is told as what it was, and by whom: the reason of each failed attempt,
 * and the fault that it comes from. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "scenario_play.h"

/* Two servers far apart, so that a dialogue takes seconds and a fault finds it where it is wanted:
 * a round trip between them takes 1 s. Alice's mail reaches her server at about 1.2 s. */
#define WORLD                                                                                      \
    "mailsim: 1\n"                                                                                 \
    "title: \"Faults\"\n"                                                                          \
    "network:\n"                                                                                   \
    "  routers: [seoul, frankfurt]\n"                                                              \
    "  links:\n"                                                                                   \
    "    - {between: [seoul, frankfurt], delay: 490 ms, rate: 1 Gbit/s}\n"                         \
    "servers:\n"                                                                                   \
    "  mail.naver.example: {domains: [naver.example], users: {alice: {}}, retry: {intervals: "     \
    "[30 min]}}\n"                                                                                 \
    "  mail.gmail.example: {router: frankfurt, domains: [gmail.example], users: {bob: {}}}\n"      \
    "people:\n"                                                                                    \
    "  alice: {address: alice@naver.example}\n"                                                    \
    "  bob: {address: bob@gmail.example, agents: {phone: {router: frankfurt}}}\n"                  \
    "mails:\n"                                                                                     \
    "  lunch: {from: alice, to: [bob@gmail.example], subject: \"Lunch?\", body: \"Noon?\"}\n"      \
    "timeline:\n"                                                                                  \
    "  - {at: 1 s, do: send, mail: lunch}\n"

/* The first deferral has this reason, and comes from a fault of this kind; the mail arrives. */
static void assert_deferred(const Played *played, const char *reason, const char *fault)
{
    JsonObject *defer = played_first(played, "queue.defer", NULL, NULL);
    assert_non_null(defer);
    assert_string_equal(json_object_get_string_member(defer, "reason"), reason);
    JsonObject *because = played_because(played, defer);
    assert_non_null(because);
    assert_string_equal(json_object_get_string_member(because, "kind"), fault);
    assert_true(played_count(played, "mail.delivered", "mail", "lunch") >= 1);
}

static void test_refused_after_a_crash(void **state)
{
    (void)state;
    Played played = play_text(WORLD "  - {at: 0 s, do: crash, host: mail.gmail.example}\n"
                                    "  - {at: 10 min, do: restart, host: mail.gmail.example}\n");
    assert_deferred(&played, "connection refused", "host.crash");
    JsonObject *failed = played_first(&played, "tcp.failed", "host", "mail.naver.example");
    assert_string_equal(json_object_get_string_member(played_because(&played, failed), "kind"),
                        "host.crash");
    played_clear(&played);
}

static void test_timed_out_without_power(void **state)
{
    (void)state;
    Played played = play_text(WORLD "  - {at: 0 s, do: power_off, host: mail.gmail.example}\n"
                                    "  - {at: 10 min, do: restart, host: mail.gmail.example}\n");
    assert_deferred(&played, "connection timed out", "host.power_off");
    played_clear(&played);
}

static void test_timed_out_behind_a_partition(void **state)
{
    (void)state;
    Played played = play_text(WORLD "  - {at: 0 s, do: partition, groups: [[mail.naver.example], "
                                    "[mail.gmail.example]]}\n"
                                    "  - {at: 10 min, do: heal}\n");
    assert_deferred(&played, "connection timed out", "timeline.action");
    played_clear(&played);
}

static void test_a_link_that_is_down(void **state)
{
    (void)state;
    Played played =
        play_text(WORLD "  - {at: 1500 ms, do: link_down, between: [seoul, frankfurt]}\n"
                        "  - {at: 10 min, do: link_up, between: [seoul, frankfurt]}\n");
    JsonObject *defer = played_first(&played, "queue.defer", NULL, NULL);
    assert_string_equal(json_object_get_string_member(played_because(&played, defer), "kind"),
                        "link.down");
    assert_int_equal(played_count(&played, "mail.delivered", "mail", "lunch"), 1);
    played_clear(&played);
}

/* The dialogue begins with the SYN at about 1.5 s: the crash comes between EHLO and MAIL. */
static void test_a_crash_in_mid_dialogue(void **state)
{
    (void)state;
    Played played = play_text(WORLD "  - {at: 4 s, do: crash, host: mail.gmail.example}\n"
                                    "  - {at: 10 min, do: restart, host: mail.gmail.example}\n");
    JsonObject *defer = played_first(&played, "queue.defer", NULL, NULL);
    assert_non_null(defer);
    assert_non_null(played_because(&played, defer));
    assert_string_equal(json_object_get_string_member(played_because(&played, defer), "kind"),
                        "host.crash");
    assert_int_equal(played_count(&played, "mail.uncertain", NULL, NULL), 0);
    assert_int_equal(played_count(&played, "mail.delivered", "mail", "lunch"), 1);
    played_clear(&played);
}

/* When the receiver's 250 is under way, the link dies: the sender cannot know, and sends again. */
static void test_the_lost_250_is_a_duplicate_with_a_witness(void **state)
{
    (void)state;
    Played before = play_text(WORLD);
    JsonObject *delivered = played_first(&before, "mail.delivered", "mail", "lunch");
    gint64 at_ms = record_number(delivered, "t") / SIM_MILLISECOND + 10;
    played_clear(&before);
    g_autofree char *text =
        g_strdup_printf(WORLD "  - {at: %d ms, do: link_down, between: [seoul, frankfurt]}\n"
                              "  - {at: 40 min, do: link_up, between: [seoul, frankfurt]}\n",
                        (int)at_ms);
    Played played = play_text(text);
    assert_int_equal(played_count(&played, "mail.uncertain", "mail", "lunch"), 1);
    assert_int_equal(played_count(&played, "mail.delivered", "mail", "lunch"), 2);
    JsonObject *uncertain = played_first(&played, "mail.uncertain", NULL, NULL);
    assert_string_equal(json_object_get_string_member(played_because(&played, uncertain), "kind"),
                        "link.down");
    played_clear(&played);
}

static void test_shutdown_says_421_and_keeps_the_queue(void **state)
{
    (void)state;
    Played played = play_text(WORLD "  - {at: 4 s, do: shutdown, host: mail.gmail.example}\n"
                                    "  - {at: 10 min, do: restart, host: mail.gmail.example}\n");
    guint position = 0;
    bool is_said = false;
    JsonObject *reply;
    while ((reply = played_find(&played, &position, "smtp.reply", "host", "mail.gmail.example")))
        is_said = is_said || record_number(reply, "smtp.response.code") == 421;
    assert_true(is_said);
    JsonObject *defer = played_first(&played, "queue.defer", NULL, NULL);
    assert_true(g_str_has_prefix(json_object_get_string_member(defer, "reason"), "421"));
    assert_int_equal(played_count(&played, "mail.delivered", "mail", "lunch"), 1);
    played_clear(&played);
}

static void test_a_failing_name_is_the_reason(void **state)
{
    (void)state;
    static const char *const HOW[] = {"servfail", "timeout"};
    for (size_t i = 0; i < G_N_ELEMENTS(HOW); i++) {
        g_autofree char *text =
            g_strdup_printf(WORLD "  - {at: 0 s, do: dns_fail, name: gmail.example, how: %s}\n"
                                  "  - {at: 10 min, do: dns_fix, name: gmail.example}\n",
                            HOW[i]);
        Played played = play_text(text);
        assert_deferred(&played, "the name could not be looked up", "dns.fail");
        played_clear(&played);
    }
}

static void test_an_agent_is_told_why(void **state)
{
    (void)state;
    Played played = play_text(WORLD "  - {at: 0 s, do: crash, host: mail.naver.example}\n"
                                    "  - {at: 1 min, do: fetch, who: alice}\n");
    JsonObject *failed = played_first(&played, "agent.failed", "action", "submit");
    assert_string_equal(json_object_get_string_member(failed, "reason"), "connection refused");
    assert_string_equal(json_object_get_string_member(played_because(&played, failed), "kind"),
                        "host.crash");
    failed = played_first(&played, "agent.failed", "action", "fetch");
    assert_string_equal(json_object_get_string_member(played_because(&played, failed), "kind"),
                        "host.crash");
    played_clear(&played);
}

/* 250 is not said before the message is durable: its folder's sync comes first. */
static void test_250_comes_after_the_sync(void **state)
{
    (void)state;
    Played played = play_text(WORLD);
    guint position = 0;
    assert_non_null(played_find(&played, &position, "disk.sync", "path", "spool/queue"));
    JsonObject *reply;
    guint synced = position;
    position = 0;
    while ((reply = played_find(&played, &position, "smtp.reply", "host", "mail.naver.example"))) {
        if (strstr(json_object_get_string_member(reply, "smtp.rsp.parameter"), "queued as"))
            break;
    }
    assert_non_null(reply);
    assert_true(position > synced);
    played_clear(&played);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_refused_after_a_crash),
        cmocka_unit_test(test_timed_out_without_power),
        cmocka_unit_test(test_timed_out_behind_a_partition),
        cmocka_unit_test(test_a_link_that_is_down),
        cmocka_unit_test(test_a_crash_in_mid_dialogue),
        cmocka_unit_test(test_the_lost_250_is_a_duplicate_with_a_witness),
        cmocka_unit_test(test_shutdown_says_421_and_keeps_the_queue),
        cmocka_unit_test(test_a_failing_name_is_the_reason),
        cmocka_unit_test(test_an_agent_is_told_why),
        cmocka_unit_test(test_250_comes_after_the_sync),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
