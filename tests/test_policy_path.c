/* The rules of a server in whole runs: what they do to mail, and that the trace says why. */
#include "scenario_play.h"

/* Alice of a.test writes to Bob of b.test, whose server has `policy`, at 1 s and again at 1 h. */
static char *scenario_of(const char *policy, const char *user, const char *timeline)
{
    return g_strdup_printf(
        "mailsim: 1\n"
        "servers:\n"
        "  mx.a.test: {domains: [a.test], users: {alice: {}}, retry: {intervals: [10 min]}}\n"
        "  mx.b.test:\n"
        "    domains: [b.test]\n"
        "    users: {bob: {%s}}\n"
        "    policy: {%s}\n"
        "people:\n"
        "  alice: {address: alice@a.test}\n"
        "  bob: {address: bob@b.test}\n"
        "mails:\n"
        "  lunch: {from: alice, to: [bob@b.test], subject: \"Lunch?\", size: 10 kB}\n"
        "timeline:\n"
        "  - {at: 1 s, do: send, mail: lunch, every: 1 h, times: 2}\n%s",
        user, policy, timeline);
}

static Played play_with(const char *policy, const char *user, const char *timeline)
{
    g_autofree char *text = scenario_of(policy, user, timeline);
    return play(text);
}

/* The sender's server knows, across the network, which verdict its deferral comes from. */
static void test_greylisting_defers_once(void **state)
{
    (void)state;
    Played played = play_with("greylist: {delay: 5 min}", "", "");
    const Record *defer = played_find(&played, "queue.defer", "host=mx.a.test mail=lunch");
    assert_because(&played, defer, "policy.verdict",
                   "host=mx.b.test policy=greylist verdict=deferred");
    const Record *reply = played_find(&played, "smtp.reply", "smtp.response.code=450");
    assert_because(&played, reply, "policy.verdict", "policy=greylist verdict=deferred");
    const Record *passed = played_find(&played, "policy.verdict", "policy=greylist verdict=passed");
    assert_because(&played, passed, "policy.verdict", "policy=greylist verdict=deferred");
    assert_int_equal(record_time(passed) / SIM_MINUTE, 10);
    assert_int_equal(played_count(&played, "policy.verdict", ""), 2);
    assert_int_equal(played_count(&played, "mail.delivered", "host=mx.b.test"), 2);
    assert_int_equal(played_count(&played, "queue.defer", ""), 1);
    played_end(&played);
}

/* What is in memory goes with the program: the mail that came back is a stranger's again. */
static void test_greylist_in_memory_is_lost_in_a_crash(void **state)
{
    (void)state;
    Played played = play_with("greylist: {delay: 5 min}", "",
                              "  - {at: 2 min, do: crash, host: mx.b.test}\n"
                              "  - {at: 3 min, do: restart, host: mx.b.test}\n");
    assert_int_equal(played_count(&played, "policy.verdict", "verdict=deferred"), 2);
    const Record *delivered = played_find(&played, "mail.delivered", "mail=lunch host=mx.b.test");
    assert_int_equal(record_time(delivered) / SIM_MINUTE, 20);
    played_end(&played);
}

static void test_quota_is_temporary_or_final(void **state)
{
    (void)state;
    Played played = play_with("", "quota: 15 kB", "");
    assert_true(played_count(&played, "smtp.reply", "smtp.response.code=452") > 1);
    const Record *defer = played_find(&played, "queue.defer", "mail=lunch.2");
    assert_because(&played, defer, "policy.verdict", "policy=quota recipient=bob@b.test");
    assert_because(&played, played_because(&played, defer), "mailbox.store", "user=bob mail=lunch");
    const Record *bounced = played_find(&played, "mail.bounced", "mail=lunch.2");
    assert_true(record_time(bounced) > 5 * SIM_DAY);
    assert_string_equal(record_text(bounced, "status"), "4.2.2");
    played_end(&played);

    played = play_with("quota: {reply: \"550 5.2.2 Mailbox full\"}", "quota: 15 kB", "");
    assert_int_equal(played_count(&played, "queue.defer", ""), 0);
    bounced = played_find(&played, "mail.bounced", "mail=lunch.2");
    assert_string_equal(record_text(bounced, "reason"), "550 5.2.2 Mailbox full");
    assert_because(&played, bounced, "policy.verdict", "policy=quota");
    played_end(&played);
}

/* What could never come in is not tried again: whether its size is told (RFC 1870) or found out. */
static void test_a_mail_larger_than_the_mailbox(void **state)
{
    (void)state;
    for (int tells_size = 0; tells_size <= 1; tells_size++) {
        g_autofree char *text =
            g_strdup_printf("mailsim: 1\n"
                            "servers:\n"
                            "  mx.a.test: {domains: [a.test], users: {alice: {}}}\n"
                            "  mx.b.test: {domains: [b.test], users: {bob: {quota: 5 kB}}%s}\n"
                            "people: {alice: {address: alice@a.test}}\n"
                            "mails: {lunch: {from: alice, to: [bob@b.test], size: 10 kB}}\n"
                            "timeline: [{at: 1 s, do: send, mail: lunch}]\n",
                            tells_size ? "" : ", extensions: []");
        Played played = play(text);
        const Record *bounced = played_find(&played, "mail.bounced", "mail=lunch");
        assert_string_equal(record_text(bounced, "status"), "5.2.3");
        assert_string_equal(record_text(bounced, "host"), tells_size ? "mx.a.test" : "mx.b.test");
        if (tells_size)
            assert_because(&played, bounced, "policy.verdict",
                           "policy=quota smtp.response.code=552");
        assert_int_equal(played_count(&played, "queue.defer", ""), 0);
        played_end(&played);
    }
}

/* One message, and one recipient more than the server takes at a time: that comes by itself. */
static void test_too_many_recipients_for_a_reason(void **state)
{
    (void)state;
    Played played = play("mailsim: 1\n"
                         "servers:\n"
                         "  mx.a.test: {domains: [a.test], users: {alice: {}}}\n"
                         "  mx.b.test: {domains: [b.test], users: {bob: {}, ben: {}},\n"
                         "    smtp: {recipient_limit: 1}}\n"
                         "people: {alice: {address: alice@a.test}}\n"
                         "mails: {lunch: {from: alice, to: [bob@b.test, ben@b.test]}}\n"
                         "timeline: [{at: 1 s, do: send, mail: lunch}]\n");
    const Record *defer = played_find(&played, "queue.defer", "recipient=ben@b.test");
    assert_because(&played, defer, "policy.verdict",
                   "policy=recipients verdict=deferred recipient=ben@b.test");
    assert_int_equal(played_count(&played, "policy.verdict", ""), 1);
    assert_int_equal(played_count(&played, "mail.delivered", "host=mx.b.test"), 2);
    played_end(&played);
}

/* Told before (RFC 1870), or found out at the message's end: the trace says why. */
static void test_a_mail_larger_than_the_server_takes(void **state)
{
    (void)state;
    for (int tells_size = 0; tells_size <= 1; tells_size++) {
        g_autofree char *text = g_strdup_printf(
            "mailsim: 1\n"
            "servers:\n"
            "  mx.a.test: {domains: [a.test], users: {alice: {}}}\n"
            "  mx.b.test: {domains: [b.test], users: {bob: {}}, smtp: {size_limit: 5 kB},\n"
            "    extensions: [%s]}\n"
            "people: {alice: {address: alice@a.test}}\n"
            "mails: {lunch: {from: alice, to: [bob@b.test], size: 10 kB}}\n"
            "timeline: [{at: 1 s, do: send, mail: lunch}]\n",
            tells_size ? "SIZE" : "ENHANCEDSTATUSCODES");
        Played played = play(text);
        const Record *bounced = played_find(&played, "mail.bounced", "host=mx.a.test status=5.3.4");
        if (tells_size)
            assert_non_null(
                strstr(record_text(bounced, "reason"), "says to EHLO that it takes 5000"));
        else
            assert_because(&played, bounced, "policy.verdict",
                           "host=mx.b.test policy=size verdict=refused sender=alice@a.test");
        played_end(&played);
    }
}

/* Beyond the limits of a server its own replies stand, which decide what becomes of the mail. */
static void test_limits_have_replies(void **state)
{
    (void)state;
    static const char *const TEXT =
        "mailsim: 1\n"
        "until: 2 h\n"
        "servers:\n"
        "  mx.a.test: {domains: [a.test], users: {alice: {}}}\n"
        "  mx.b.test: {domains: [b.test], users: {bob: {}, ben: {}}, extensions: "
        "[ENHANCEDSTATUSCODES],\n"
        "    smtp: {size_limit: 5 kB, recipient_limit: 1},\n"
        "    policy: {recipients: {reply: \"550 5.5.3 One at a time\"},\n"
        "      size: {reply: \"450 4.3.4 Too large by day\"}}}\n"
        "people: {alice: {address: alice@a.test}}\n"
        "mails:\n"
        "  both: {from: alice, to: [bob@b.test, ben@b.test]}\n"
        "  film: {from: alice, to: [bob@b.test], size: 10 kB}\n"
        "timeline:\n"
        "  - {at: 1 s, do: send, mail: both}\n"
        "  - {at: 1 h, do: send, mail: film}\n";
    Played played = play(TEXT);
    const Record *bounced = played_find(&played, "mail.bounced", "mail=both");
    assert_string_equal(record_text(bounced, "recipient"), "ben@b.test");
    assert_string_equal(record_text(bounced, "reason"), "550 5.5.3 One at a time");
    assert_because(&played, bounced, "policy.verdict", "policy=recipients verdict=refused");
    const Record *defer = played_find(&played, "queue.defer", "mail=film");
    assert_string_equal(record_text(defer, "reason"), "450 4.3.4 Too large by day");
    assert_because(&played, defer, "policy.verdict",
                   "policy=size verdict=deferred smtp.response.code=450");
    played_end(&played);
}

/* The message that made it too much is the reason. */
static void test_rate_names_the_last_message(void **state)
{
    (void)state;
    Played played = play_with("rate: {per_client: 1, within: 2 h}", "", "");
    const Record *verdict = played_find(&played, "policy.verdict", "policy=rate verdict=deferred");
    assert_string_equal(record_text(verdict, "reason"), "the client has sent 1 message within 2 h");
    assert_because(&played, verdict, "mail.accepted", "host=mx.b.test mail=lunch");
    played_end(&played);
}

/* Two messages find room at RCPT, and only one has it at the end: the second is put off, or
 * returned, by the server that has accepted it. */
static void test_quota_is_kept_at_delivery_too(void **state)
{
    (void)state;
    Played played =
        play("mailsim: 1\n"
             "servers:\n"
             "  mx.a.test: {domains: [a.test], users: {alice: {}}, link: {rate: 64 kbit/s}}\n"
             "  mx.b.test:\n"
             "    domains: [b.test]\n"
             "    users: {bob: {quota: 15 kB}}\n"
             "    policy: {quota: {reply: \"550 5.2.2 Mailbox full\"}}\n"
             "people:\n"
             "  alice: {address: alice@a.test}\n"
             "  bob: {address: bob@b.test}\n"
             "mails:\n"
             "  slow: {from: alice, to: [bob@b.test], size: 10 kB}\n"
             "  fast: {from: bob, to: [bob@b.test], size: 10 kB}\n"
             "timeline:\n"
             "  - {at: 1 s, do: send, mail: slow}\n"
             "  - {when: {host: mx.b.test, machine: smtp-server, enters: DATA}, after: 1 ms,\n"
             "     do: send, mail: fast}\n");
    assert_int_equal(played_count(&played, "mail.accepted", "host=mx.b.test mail=slow"), 1);
    assert_int_equal(played_count(&played, "mail.delivered", "host=mx.b.test"), 1);
    const Record *bounced = played_find(&played, "mail.bounced", "host=mx.b.test");
    assert_string_equal(record_text(bounced, "reason"), "Mailbox full");
    assert_string_equal(record_text(bounced, "status"), "5.2.2");
    assert_because(&played, bounced, "mailbox.store", "host=mx.b.test user=bob");
    played_end(&played);
}

static void test_relaying_is_denied_with_a_reason(void **state)
{
    (void)state;
    /* The domain's MX is a server that knows nothing of it. */
    Played played = play("mailsim: 1\n"
                         "servers:\n"
                         "  mx.a.test: {domains: [a.test], users: {alice: {}}}\n"
                         "  mx.b.test: {domains: [b.test], users: {bob: {}}}\n"
                         "dns:\n"
                         "  c.test: {mx: [{preference: 10, host: mx.b.test}]}\n"
                         "people:\n"
                         "  alice: {address: alice@a.test}\n"
                         "mails:\n"
                         "  lunch: {from: alice, to: [carol@c.test]}\n"
                         "timeline:\n"
                         "  - {at: 1 s, do: send, mail: lunch}\n");
    const Record *bounced = played_find(&played, "mail.bounced", "mail=lunch");
    assert_string_equal(record_text(bounced, "reason"), "550 5.7.1 Relaying denied");
    assert_because(&played, bounced, "policy.verdict",
                   "host=mx.b.test policy=relay verdict=refused recipient=carol@c.test");
    played_end(&played);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_greylisting_defers_once),
        cmocka_unit_test(test_greylist_in_memory_is_lost_in_a_crash),
        cmocka_unit_test(test_quota_is_temporary_or_final),
        cmocka_unit_test(test_a_mail_larger_than_the_mailbox),
        cmocka_unit_test(test_too_many_recipients_for_a_reason),
        cmocka_unit_test(test_a_mail_larger_than_the_server_takes),
        cmocka_unit_test(test_limits_have_replies),
        cmocka_unit_test(test_rate_names_the_last_message),
        cmocka_unit_test(test_quota_is_kept_at_delivery_too),
        cmocka_unit_test(test_relaying_is_denied_with_a_reason),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
