/* The bounce as Alice's agent has it: a whole message, octet by octet legal, that tells programs
 * and people what became of her mail. RFC 3464, RFC 6522, RFC 3834 §5, RFC 5321 §4.5.5. */
#include "scenario_play.h"

#include "mail/dsn.h"
#include "node/user_agent_internal.h"
#include "scenario/simulation_internal.h"

enum { LINE_OCTETS_MAX = 998 }; /* RFC 5322 §2.1.1, without CRLF */

#define TOWN(mail)                                                                                 \
    "mailsim: 1\n"                                                                                 \
    "start: 2026-03-02T09:00:00+09:00\n"                                                           \
    "servers:\n"                                                                                   \
    "  mx.a.test: {domains: [a.test], users: {alice: {}}, "                                        \
    "retry: {intervals: [10 min], lifetime: 1 h}}\n"                                               \
    "  mx.b.test: {domains: [b.test], users: {bob: {}}}\n"                                         \
    "people:\n"                                                                                    \
    "  alice: {address: alice@a.test}\n"                                                           \
    "  bob: {address: bob@b.test}\n"                                                               \
    "mails:\n"                                                                                     \
    "  lunch: {from: alice, subject: \"Lunch?\", body: \"Noon, as ever?\", " mail "}\n"            \
    "timeline:\n"                                                                                  \
    "  - {at: 1 s, do: send, mail: lunch}\n"                                                       \
    "  - {at: 1 d, do: fetch, who: alice}\n"
#define CRASHED "  - {at: 0 s, do: crash, host: mx.b.test}\n"

static Span bounce_of(const Played *played)
{
    const Simulation *simulation = played->run->simulation;
    const SimulatedAgent *alice = &g_array_index(simulation->agents, SimulatedAgent, 0);
    const AgentMail *mail = user_agent_find_received(alice->agent, "lunch.bounce");
    assert_non_null(mail);
    return span_of_octets(mail->content);
}

static bool bounce_has(Span message, const char *text)
{
    return g_strstr_len((const char *)message.data, (gssize)message.length, text) != NULL;
}

static void assert_header(Span message, const char *name, const char *value)
{
    g_autofree char *found = span_dup_text(message_find_header(message, name));
    assert_string_equal(found, value);
}

static void assert_legal_lines(Span message)
{
    size_t begin = 0;
    for (size_t i = 0; i < message.length; i++) {
        assert_in_range(message.data[i], 1, 0x7e);
        if (message.data[i] != '\n')
            continue;
        assert_true(i > begin && message.data[i - 1] == '\r');
        assert_in_range(i - 1 - begin, 0, LINE_OCTETS_MAX);
        begin = i + 1;
    }
    assert_int_equal(begin, message.length);
}

/* What every bounce has. */
static Dsn *read_report(Span message)
{
    assert_legal_lines(message);
    assert_header(message, "Return-Path", "<>");
    assert_header(message, "From", "Mail Delivery System <MAILER-DAEMON@mx.a.test>");
    assert_header(message, "To", "alice@a.test");
    assert_header(message, "Subject", "Mail not delivered");
    assert_header(message, "Message-ID", "<lunch.bounce@mx.a.test>");
    assert_header(message, "In-Reply-To", "<lunch@a.test>");
    assert_header(message, "Auto-Submitted", "auto-replied");
    assert_header(message, "MIME-Version", "1.0");
    g_autofree char *type = span_dup_text(message_find_header(message, "Content-Type"));
    assert_true(g_str_has_prefix(type, "multipart/report;"));
    assert_non_null(strstr(type, "report-type=delivery-status"));
    assert_true(bounce_has(message, "Content-Type: message/delivery-status\r\n"));
    assert_true(bounce_has(message, "\r\nSubject: Lunch?\r\n"));
    assert_true(bounce_has(message, "\r\nThis is the mail server mx.a.test.\r\n"));
    Dsn *dsn = dsn_parse(message);
    assert_non_null(dsn);
    assert_string_equal(dsn->reporting_mta, "mx.a.test");
    assert_string_equal(dsn->arrival_date, "Mon, 2 Mar 2026 09:00:01 +0900");
    assert_string_equal(dsn->original_message_id, "lunch@a.test");
    return dsn;
}

static void assert_refused(const DsnStatus *status, const char *recipient)
{
    assert_string_equal(status->final_recipient, recipient);
    assert_null(status->original_recipient); /* the agent has not given one */
    assert_string_equal(status->action, "failed");
    assert_string_equal(status->status, "5.1.1");
    assert_string_equal(status->remote_mta, "mx.b.test");
    assert_string_equal(status->diagnostic, "550 5.1.1 No such user here");
    assert_string_equal(status->last_attempt, "Mon, 2 Mar 2026 09:00:01 +0900");
    assert_null(status->will_retry_until);
}

static void test_refused(void **state)
{
    (void)state;
    Played played = play(TOWN("to: [bobb@b.test]"));
    Span message = bounce_of(&played);
    g_autoptr(Dsn) dsn = read_report(message);
    assert_int_equal(dsn->recipient_count, 1);
    assert_null(dsn->envelope_id);
    assert_refused(&dsn->recipients[0], "bobb@b.test");
    assert_true(bounce_has(message,
                           "\r\n<bobb@b.test>\r\n"
                           "    Your message could not be delivered. It will not be tried "
                           "again.\r\n"
                           "    The server mx.b.test said: 550 5.1.1 No such user here\r\n"));
    /* The header alone comes back (RFC 3461 §6.2). */
    assert_true(bounce_has(message, "Content-Type: text/rfc822-headers\r\n"));
    assert_false(bounce_has(message, "Noon, as ever?"));
    played_end(&played);
}

static void test_expired(void **state)
{
    (void)state;
    Played played = play(TOWN("to: [bob@b.test]") CRASHED);
    Span message = bounce_of(&played);
    g_autoptr(Dsn) dsn = read_report(message);
    assert_int_equal(dsn->recipient_count, 1);
    const DsnStatus *status = &dsn->recipients[0];
    assert_string_equal(status->final_recipient, "bob@b.test");
    assert_string_equal(status->action, "failed");
    assert_string_equal(status->status, "4.4.1");
    assert_null(status->diagnostic); /* nobody has said anything */
    assert_string_equal(status->last_attempt, "Mon, 2 Mar 2026 10:00:01 +0900");
    assert_true(bounce_has(message,
                           "    It has been tried since Mon, 2 Mar 2026 09:00:01 +0900.\r\n"
                           "    The reason: connection refused\r\n"));
    played_end(&played);
}

static void test_all_of_it_comes_back(void **state)
{
    (void)state;
    Played played = play(TOWN("to: [bobb@b.test], return: full, envid: QQ1"));
    Span message = bounce_of(&played);
    g_autoptr(Dsn) dsn = read_report(message);
    assert_string_equal(dsn->envelope_id, "QQ1");
    assert_true(bounce_has(message, "Content-Type: message/rfc822\r\n"));
    assert_true(bounce_has(message, "\r\nNoon, as ever?\r\n"));
    played_end(&played);
}

/* ORCPT, with a `+` that must be encoded on the way, comes back as it was given. */
static void test_original_recipient(void **state)
{
    (void)state;
    Played played = play(TOWN("to: [bobb@b.test, bob@b.test, bobbb@b.test], orcpt: [{to: "
                              "bobb@B.test, original: \"rfc822;robert+list@old.test\"}]"));
    g_autoptr(Dsn) dsn = read_report(bounce_of(&played));
    assert_int_equal(dsn->recipient_count, 2);
    assert_string_equal(dsn->recipients[0].final_recipient, "bobb@b.test");
    assert_string_equal(dsn->recipients[0].original_recipient, "robert+list@old.test");
    assert_null(dsn->recipients[1].original_recipient);
    played_find(&played, "smtp.command",
                "host=alice.laptop smtp.command_line~ORCPT=rfc822;robert+2Blist@old.test");
    played_find(&played, "smtp.command",
                "host=mx.a.test smtp.command_line~ORCPT=rfc822;robert+2Blist@old.test");
    played_end(&played);
}

/* Two fail in one attempt: one bounce. The third gets the mail. */
static void test_two_of_three(void **state)
{
    (void)state;
    Played played = play(TOWN("to: [bobb@b.test, bob@b.test, bobbb@b.test]"));
    g_autoptr(Dsn) dsn = read_report(bounce_of(&played));
    assert_int_equal(dsn->recipient_count, 2);
    assert_refused(&dsn->recipients[0], "bobb@b.test");
    assert_refused(&dsn->recipients[1], "bobbb@b.test");
    assert_int_equal(played_count(&played, "mail.bounced", "bounce=lunch.bounce"), 2);
    assert_int_equal(played_count(&played, "mailbox.store", "mail=lunch user=bob"), 1);
    played_end(&played);
}

/* The mail expires on the backup server, and so will the bounce when mx.a.test crashes. */
#define DOUBLE(domains)                                                                            \
    "mailsim: 1\n"                                                                                 \
    "servers:\n"                                                                                   \
    "  mx.a.test: {domains: [a.test], users: {alice: {}}}\n"                                       \
    "  mx1.b.test: {domains: [b.test], users: {bob: {}}}\n"                                        \
    "  mx2.b.test: {domains: " domains ", backup_for: [b.test], double_bounces: postmaster, "      \
    "retry: {intervals: [10 min], lifetime: 1 h}}\n"                                               \
    "people: {alice: {address: alice@a.test}}\n"                                                   \
    "mails: {lunch: {from: alice, to: [bob@b.test], subject: \"Lunch?\", body: \"Noon?\"}}\n"      \
    "timeline:\n"                                                                                  \
    "  - {at: 0 s, do: crash, host: mx1.b.test}\n"                                                 \
    "  - {at: 1 s, do: send, mail: lunch}\n"

/* A bounce that cannot be delivered either: the backup server, which has nobody to tell, discards
 * it by a rule that is named (RFC 5321 §4.5.5, §6.1), and writes no other. */
static void test_a_bounce_is_never_bounced(void **state)
{
    (void)state;
    Played played = play(
        "mailsim: 1\n"
        "servers:\n"
        "  mx.a.test: {domains: [a.test], users: {alice: {}}}\n"
        "  mx1.b.test: {domains: [b.test], users: {bob: {}}}\n"
        "  mx2.b.test: {domains: [], backup_for: [b.test], "
        "retry: {intervals: [10 min], lifetime: 1 h}}\n"
        "dns:\n"
        "  b.test: {mx: [{preference: 10, host: mx1.b.test}, {preference: 20, host: mx2.b.test}]}\n"
        "people:\n"
        "  alice: {address: alice@a.test}\n"
        "mails:\n"
        "  lunch: {from: alice, to: [bob@b.test], subject: \"Lunch?\", body: \"Noon?\"}\n"
        "timeline:\n"
        "  - {at: 0 s, do: crash, host: mx1.b.test}\n"
        "  - {at: 1 s, do: send, mail: lunch}\n"
        "  - {at: 10 min, do: crash, host: mx.a.test}\n");
    const Record *bounced = played_find(&played, "mail.bounced", "host=mx2.b.test mail=lunch");
    assert_int_equal(played_count(&played, "mail.bounced", ""), 1);
    const Record *expired = played_find(&played, "mail.expired", "mail=lunch.bounce");
    assert_true(record_time(expired) >= record_time(bounced) + SIM_HOUR);
    const Record *discarded = played_find(&played, "mail.discarded", "mail=lunch.bounce");
    assert_non_null(strstr(record_text(discarded, "rule"), "RFC 5321 §4.5.5"));
    assert_because(&played, discarded, "host.crash", "host=mx.a.test");
    assert_int_equal(played_count(&played, "mail.accepted", "sender="), 1);
    played_end(&played);
}

/* The same, where the backup server's postmaster is told. */
static void test_a_double_bounce_is_told_to_the_postmaster(void **state)
{
    (void)state;
    Played played = play(DOUBLE("[backup.test]") "  - {at: 10 min, do: crash, host: mx.a.test}\n");
    const Record *reported =
        played_find(&played, "mail.reported", "mail=lunch.bounce notice=lunch.bounce.double");
    assert_because(&played, reported, "host.crash", "host=mx.a.test");
    const Record *discarded = played_find(&played, "mail.discarded", "mail=lunch.bounce");
    assert_int_equal(record_time(discarded), record_time(reported));
    played_find(&played, "mail.accepted",
                "mail=lunch.bounce.double sender= recipient=postmaster@backup.test");
    played_find(&played, "mailbox.store", "mail=lunch.bounce.double user=postmaster");
    assert_int_equal(played_count(&played, "mail.bounced", ""), 1);
    assert_int_equal(played_count(&played, "mail.accepted", "sender="), 2);
    assert_int_equal(played_count(&played, "mail.accepted", "host=mx2.b.test"), 3);
    played_end(&played);
}

/* A server that has no domain has a postmaster all the same. When he cannot be told either, that is
 * the end. */
static void test_nobody_is_told_of_what_the_postmaster_was_told(void **state)
{
    (void)state;
    Played played = play(DOUBLE("[]") "  - {at: 10 min, do: crash, host: mx.a.test}\n"
                                      "  - {when: {host: mx2.b.test, event: mail.reported}, do: "
                                      "fill_disk, host: mx2.b.test}\n"
                                      "  - {at: 12 h, do: free_disk, host: mx2.b.test}\n");
    const Record *report = played_find(&played, "mail.accepted", "mail=lunch.bounce.double");
    assert_true(g_str_has_prefix(record_text(report, "recipient"), "postmaster@["));
    played_find(&played, "mail.expired", "mail=lunch.bounce.double");
    const Record *discarded = played_find(&played, "mail.discarded", "mail=lunch.bounce.double");
    assert_non_null(strstr(record_text(discarded, "rule"), "RFC 5321 §4.5.5"));
    assert_int_equal(played_count(&played, "mail.reported", ""), 1);
    assert_int_equal(played_count(&played, "mail.bounced", ""), 1);
    played_end(&played);
}

/* His address leads to one that is not there, here or on another server. */
static void test_a_postmaster_who_is_not_there(void **state)
{
    static const char *const DEAD[] = {"dead@a.test", "dead@b.test"};
    (void)state;
    for (size_t i = 0; i < G_N_ELEMENTS(DEAD); i++) {
        g_autofree char *text = g_strdup_printf(
            "mailsim: 1\n"
            "servers:\n"
            "  mx.a.test: {domains: [a.test], users: {alice: {}}, double_bounces: postmaster,\n"
            "    aliases: {postmaster: {to: [%s]}}}\n"
            "  mx.b.test: {domains: [b.test], users: {bob: {}}}\n"
            "people: {alice: {address: alice@a.test}}\n"
            "mails: {lunch: {from: alice, sender: nobody@a.test, to: [gone@b.test]}}\n"
            "timeline:\n"
            "  - {at: 1 s, do: send, mail: lunch}\n",
            DEAD[i]);
        Played played = play(text);
        g_autofree char *dead = g_strdup_printf("mail=lunch.bounce.double recipient=%s", DEAD[i]);
        const Record *discarded = played_find(&played, "mail.discarded", dead);
        assert_non_null(strstr(record_text(discarded, "rule"), "RFC 5321 §4.5.5"));
        assert_int_equal(played_count(&played, "mail.reported", ""), 1);
        played_end(&played);
    }
}

/* The disk fills up during the attempt that is refused: the bounce waits, and the trace says so;
 * the recipient is not attempted again meanwhile. */
static void test_no_room_for_a_bounce(void **state)
{
    (void)state;
    Played played = play(TOWN("to: [bobb@b.test]") "  - {when: {host: mx.a.test, event: "
                                                   "queue.attempt}, do: fill_disk, host: "
                                                   "mx.a.test}\n"
                                                   "  - {at: 7 min, do: mailq, host: mx.a.test}\n"
                                                   "  - {at: 20 min, do: free_disk, host: "
                                                   "mx.a.test}\n");
    const Record *untold =
        played_find(&played, "mail.untold", "mail=lunch bounce=lunch.bounce recipient=bobb@b.test");
    assert_string_equal(record_text(untold, "reason"), "550 5.1.1 No such user here");
    assert_int_equal(record_number(untold, "next_at"), record_time(untold) + 5 * SIM_MINUTE);
    const Record *again = played_find_after(&played, untold, "mail.untold", "");
    assert_true(record_time(again) >= record_number(untold, "next_at"));
    assert_int_equal(record_number(again, "next_at"), record_time(again) + 10 * SIM_MINUTE);
    const Record *listed = played_find(&played, "queue.listed", "mail=lunch state=active");
    assert_string_equal(record_text(listed, "reason"), "550 5.1.1 No such user here");
    const Record *bounced = played_find(&played, "mail.bounced", "bounce=lunch.bounce");
    while (played_find_after(&played, again, "mail.untold", "") != NULL)
        again = played_find_after(&played, again, "mail.untold", "");
    assert_true(record_time(bounced) >= record_number(again, "next_at"));
    assert_true(record_time(bounced) > 20 * SIM_MINUTE);
    assert_int_equal(played_count(&played, "queue.attempt", "mail=lunch"), 1);
    played_end(&played);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_expired),
        cmocka_unit_test(test_all_of_it_comes_back),
        cmocka_unit_test(test_original_recipient),
        cmocka_unit_test(test_two_of_three),
        cmocka_unit_test(test_no_room_for_a_bounce),
        cmocka_unit_test(test_a_bounce_is_never_bounced),
        cmocka_unit_test(test_a_double_bounce_is_told_to_the_postmaster),
        cmocka_unit_test(test_nobody_is_told_of_what_the_postmaster_was_told),
        cmocka_unit_test(test_a_postmaster_who_is_not_there),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
