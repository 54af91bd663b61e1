/* How agents send, in whole runs: directly, with and without luck, and by an outbox that keeps. */
#include "scenario_play.h"

#define DIRECT                                                                                     \
    "mailsim: 1\n"                                                                                 \
    "servers:\n"                                                                                   \
    "  mx.a.test: {domains: [a.test], users: {alice: {}}}\n"                                       \
    "  mx.b.test: {domains: [b.test], users: {bob: {}}}\n"                                         \
    "  mx.c.test: {domains: [c.test], users: {carol: {}}}\n"                                       \
    "people:\n"                                                                                    \
    "  alice: {address: alice@a.test, agents: {script: {send: direct, helo: liar.test}}}\n"        \
    "mails:\n"                                                                                     \
    "  lunch: {from: alice, to: [bob@b.test, carol@c.test, nobody@c.test],\n"                      \
    "          sender: boss@b.test}\n"                                                             \
    "timeline:\n"                                                                                  \
    "  - {at: 1 s, do: send, mail: lunch}\n"
#define KEPT                                                                                       \
    "mailsim: 1\n"                                                                                 \
    "servers:\n"                                                                                   \
    "  mx.a.test: {domains: [a.test], users: {alice: {}, bob: {quota: 15 kB}}}\n"                  \
    "people:\n"                                                                                    \
    "  alice: {address: alice@a.test,\n"                                                           \
    "          agents: {phone: {outbox: {retry: 5 min, lifetime: 1 h}}}}\n"                        \
    "mails:\n"                                                                                     \
    "  lunch: {from: alice, to: [bob@a.test], size: 10 kB}\n"                                      \
    "  dinner: {from: alice, to: [alice@a.test, bob@a.test], size: 10 kB}\n"                       \
    "timeline:\n"                                                                                  \
    "  - {at: 1 s, do: send, mail: lunch}\n"

static void test_direct_mail_goes_to_each_domain(void **state)
{
    (void)state;
    Played played = play(DIRECT);
    assert_int_equal(played_count(&played, "agent.submit", "mail=lunch direct=true"), 2);
    assert_int_equal(played_count(&played, "agent.sent", "mail=lunch"), 2);
    played_find(&played, "mail.accepted", "host=mx.b.test sender=boss@b.test recipient=bob@b.test");
    played_find(&played, "mail.delivered", "host=mx.c.test recipient=carol@c.test");
    const Record *failed = played_find(&played, "agent.failed", "recipient=nobody@c.test");
    assert_non_null(strstr(record_text(failed, "reason"), "550 5.1.1"));
    assert_int_equal(played_count(&played, "agent.lost", ""), 0);
    assert_int_equal(played_count(&played, "mail.accepted", "host=mx.a.test"), 0);
    assert_int_equal(played_count(&played, "smtp.command", "smtp.command_line~liar.test"), 2);
    played_end(&played);
}

/* The books have nothing to say: no server had taken it. */
static void test_direct_mail_to_a_dead_server_is_lost(void **state)
{
    (void)state;
    Played played = play(DIRECT "  - {at: 0 s, do: crash, host: mx.b.test}\n"
                                "  - {at: 10 s, do: restart, host: mx.b.test}\n");
    const Record *lost = played_find(&played, "agent.lost", "mail=lunch recipient=bob@b.test");
    assert_string_equal(record_text(lost, "reason"), "connection refused");
    assert_because(&played, lost, "host.crash", "host=mx.b.test");
    assert_int_equal(played_count(&played, "agent.lost", ""), 1);
    played_find(&played, "mail.delivered", "recipient=carol@c.test");
    const FactsMail *lunch = facts_find_mail(played.run->facts, "lunch");
    assert_int_equal(facts_find_recipient(lunch, "bob@b.test")->fate, MAIL_FATE_LOST_BY_AGENT);
    assert_int_equal(facts_find_recipient(lunch, "nobody@c.test")->fate, MAIL_FATE_REFUSED);
    played_end(&played);
}

static void test_direct_mail_is_lost_to_greylisting(void **state)
{
    (void)state;
    g_autoptr(GString) text = g_string_new(DIRECT);
    g_string_replace(text, "users: {bob: {}}",
                     "users: {bob: {}}, policy: {greylist: {delay: 5 min}}", 1);
    Played played = play(text->str);
    const Record *lost = played_find(&played, "agent.lost", "recipient=bob@b.test");
    assert_because(&played, lost, "policy.verdict", "host=mx.b.test policy=greylist");
    played_end(&played);
}

static void test_outbox_tries_its_server_again(void **state)
{
    (void)state;
    Played played = play(KEPT "  - {at: 0 s, do: crash, host: mx.a.test}\n"
                              "  - {at: 12 min, do: restart, host: mx.a.test}\n");
    assert_int_equal(played_count(&played, "agent.wait", "mail=lunch"), 3);
    assert_because(&played, played_find(&played, "agent.wait", ""), "host.crash", "");
    const Record *delivered = played_find(&played, "mail.delivered", "mail=lunch");
    assert_int_equal(record_time(delivered) / SIM_MINUTE, 15);
    assert_int_equal(played_count(&played, "agent.failed", ""), 0);
    played_end(&played);
}

static void test_outbox_gives_up_in_the_end(void **state)
{
    (void)state;
    Played played = play(KEPT "  - {at: 0 s, do: crash, host: mx.a.test}\n");
    const Record *failed = played_find(&played, "agent.failed", "mail=lunch");
    assert_int_equal(record_time(failed) / SIM_MINUTE, 60);
    assert_int_equal(played_count(&played, "agent.wait", ""), 12);
    played_end(&played);
}

/* Only the recipient that was put off is tried again. */
static void test_outbox_keeps_one_recipient(void **state)
{
    (void)state;
    Played played = play(KEPT "  - {at: 1 min, do: send, mail: dinner}\n");
    const Record *wait = played_find(&played, "agent.wait", "mail=dinner recipient=bob@a.test");
    assert_because(&played, wait, "policy.verdict", "policy=quota");
    assert_int_equal(played_count(&played, "mail.delivered", "recipient=alice@a.test"), 1);
    const Record *failed = played_find(&played, "agent.failed", "mail=dinner");
    assert_string_equal(record_text(failed, "recipient"), "bob@a.test");
    assert_int_equal(record_time(failed) / SIM_MINUTE, 61);
    played_end(&played);
}

/* After a lost 250 the agent cannot know, and sends again: two copies, which the books allow. */
static void test_outbox_sends_twice_rather_than_loses(void **state)
{
    (void)state;
    g_autoptr(GString) text =
        g_string_new(KEPT "  - {when: {host: mx.a.test, machine: smtp-server, enters: FINAL_DOT},\n"
                          "     after: 500 us, do: link_down, between: [internet, alice.phone]}\n"
                          "  - {at: 20 min, do: link_up, between: [internet, alice.phone]}\n");
    g_string_replace(text, "{quota: 15 kB}", "{}", 1);
    Played played = play(text->str);
    assert_int_equal(played_count(&played, "mail.accepted", "mail=lunch"), 2);
    assert_true(played_count(&played, "agent.wait", "") >= 1);
    played_end(&played);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_direct_mail_goes_to_each_domain),
        cmocka_unit_test(test_direct_mail_to_a_dead_server_is_lost),
        cmocka_unit_test(test_direct_mail_is_lost_to_greylisting),
        cmocka_unit_test(test_outbox_tries_its_server_again),
        cmocka_unit_test(test_outbox_gives_up_in_the_end),
        cmocka_unit_test(test_outbox_keeps_one_recipient),
        cmocka_unit_test(test_outbox_sends_twice_rather_than_loses),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
