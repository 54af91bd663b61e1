/* SMTP through a whole run: how long each side waits, refusals, and what no agent says. */
#include "smtp_peer.h"

#include "proto/smtp.h"

/* ---- Timeouts, RFC 5321 §4.5.3.2 ---- */

static const char *const server_cues[] = {"", "EHLO", "MAIL", "RCPT", "DATA"};
static const char *const server_parts[] = {"220 b\r\n", "250 b\r\n", "250 ok\r\n", "250 ok\r\n",
                                           "354 go\r\n"};

/* The last record of the kind before this one. */
static const Record *last_before(const Played *played, const Record *end, const char *kind,
                                 const char *conditions)
{
    const Record *last = NULL, *next = NULL;
    while ((next = played_find_after(played, next, kind, conditions)) != NULL &&
           record_number(next, "seq") < record_number(end, "seq"))
        last = next;
    assert_non_null(last);
    return last;
}

/* A server that falls silent is waited for as long as the RFC has it; then the mail is deferred. */
static void test_a_silent_server_is_left_in_time(void **state)
{
    (void)state;
    static const struct {
        SmtpTimeout timeout;
        SimTime wait;
        const char *kind, *conditions; /* since when it is waited for */
        const char *reason;
    } stages[] = {
        {SMTP_TIMEOUT_GREETING, 5 * SIM_MINUTE, "tcp.established", "tcp.dstport=25", "greeting"},
        {SMTP_TIMEOUT_HELLO, 5 * SIM_MINUTE, "smtp.command", "smtp.command_line~EHLO", "EHLO"},
        {SMTP_TIMEOUT_MAIL, 5 * SIM_MINUTE, "smtp.command", "smtp.command_line~MAIL", "MAIL"},
        {SMTP_TIMEOUT_RCPT, 5 * SIM_MINUTE, "smtp.command", "smtp.command_line~RCPT", "RCPT"},
        {SMTP_TIMEOUT_DATA_INITIATION, 2 * SIM_MINUTE, "smtp.command", "smtp.command_line=DATA",
         "DATA"},
        {SMTP_TIMEOUT_DATA_TERMINATION, 10 * SIM_MINUTE, "smtp.content", "mail=lunch", "final dot"},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(stages); i++) {
        assert_true(smtp_timeout_default_ns(stages[i].timeout) == stages[i].wait);
        Played played = played_prepare(WORLD("", "", LUNCH, SEND, "until: 20 min\n"));
        Peer peer = peer_new(server_parts, server_cues, i);
        play_server(&peer, &played);
        const Record *defer = played_find(&played, "queue.defer", "mail=lunch");
        assert_non_null(strstr(record_text(defer, "reason"), "no reply in time"));
        assert_non_null(strstr(record_text(defer, "reason"), stages[i].reason));
        g_autofree char *conditions = g_strdup_printf("host=mx.a.example %s", stages[i].conditions);
        const Record *since = last_before(&played, defer, stages[i].kind, conditions);
        SimTime waited = record_time(defer) - record_time(since);
        assert_in_range(waited, stages[i].wait, stages[i].wait + SIM_SECOND);
        played_end(&played);
        peer_free(&peer);
    }
}

/* "Timeouts SHOULD be easily reconfigurable" (§4.5.3.2). */
static void test_patience_can_be_set(void **state)
{
    (void)state;
    static const char *const keys[] = {"greeting", "hello", "mail", "rcpt", "data", "final_dot"};
    for (size_t i = 0; i < G_N_ELEMENTS(keys); i++) {
        g_autofree char *text = g_strdup_printf(
            WORLD(", timeouts: {%s: 7 s}", "", LUNCH, SEND, "until: 1 min\n"), keys[i]);
        Played played = played_prepare(text);
        Peer peer = peer_new(server_parts, server_cues, i);
        play_server(&peer, &played);
        const Record *defer = played_find(&played, "queue.defer", "mail=lunch");
        assert_non_null(strstr(record_text(defer, "reason"), "no reply in time"));
        assert_in_range(record_time(defer), 8 * SIM_SECOND, 10 * SIM_SECOND);
        played_end(&played);
        peer_free(&peer);
    }
}

/* §4.5.3.2.5: while there is more to send, each wait for room may last three minutes. */
static void test_a_server_that_stops_reading_is_left_in_time(void **state)
{
    (void)state;
    Played played = played_prepare(WORLD(
        "", "", "lunch: {from: alice, to: [bob@b.example], size: 2 MB}", SEND, "until: 20 min\n"));
    Peer peer = peer_new(server_parts, server_cues, G_N_ELEMENTS(server_parts));
    peer.is_deaf = true;
    play_server(&peer, &played);
    const Record *defer = played_find(&played, "queue.defer", "mail=lunch");
    assert_non_null(strstr(record_text(defer, "reason"), "in the middle of the message"));
    const Record *data =
        last_before(&played, defer, "smtp.command", "host=mx.a.example smtp.command_line=DATA");
    assert_in_range(record_time(defer) - record_time(data), 3 * SIM_MINUTE,
                    3 * SIM_MINUTE + 5 * SIM_SECOND);
    played_end(&played);
    peer_free(&peer);
}

/* §4.5.3.2.7: the server waits five minutes for the next command, or the next of the content. */
static void test_a_silent_client_is_left_in_time(void **state)
{
    (void)state;
    static const char *const cues[] = {"220 ", "250 SIZE", "250 ", "250 ", "354 "};
    static const char *const parts[] = {"EHLO a.example\r\n", "MAIL FROM:<alice@a.example>\r\n",
                                        "RCPT TO:<bob@b.example>\r\n", "DATA\r\n", "Hi\r\n"};
    for (size_t i = 0; i <= G_N_ELEMENTS(parts); i++) {
        Played played = played_prepare(WORLD("", "", "", "{at: 20 min, do: fetch, who: bob}", ""));
        Peer peer = peer_new(parts, cues, i);
        play_client(&peer, &played);
        assert_int_equal(peer.next, i);
        const Record *closing =
            played_find(&played, "smtp.reply", "host=mx.b.example smtp.response.code=421");
        const Record *last = last_before(&played, closing, "smtp.reply", "host=mx.b.example");
        assert_in_range(record_time(closing) - record_time(last), 5 * SIM_MINUTE,
                        5 * SIM_MINUTE + SIM_SECOND);
        assert_int_equal(played_count(&played, "mail.accepted", ""), 0);
        played_end(&played);
        peer_free(&peer);
    }
}

/* ---- Refusals before any mail ---- */

/* A host that refuses to speak has said nothing about the mail: whatever the digits of its greeting
 * the mail waits (§3.1; Postfix's smtp_skip_5xx_greeting). After EHLO and HELO it has been asked.
 */
static void test_a_greeting_is_no_verdict_on_a_mail(void **state)
{
    (void)state;
    static const struct {
        const char *parts[4], *cues[4];
        size_t count;
        const char *kind, *words; /* what comes of the mail */
    } cases[] = {
        {{"554 5.3.2 no mail here\r\n", "221 bye\r\n"},
         {"", "QUIT"},
         2,
         "queue.defer",
         "554 5.3.2 no mail here"},
        {{"421 4.3.2 not now\r\n"}, {""}, 1, "queue.defer", "421 4.3.2 not now"},
        {{"220 b\r\n", "550 what\r\n", "450 not you\r\n", "221 bye\r\n"},
         {"", "EHLO", "HELO", "QUIT"},
         4,
         "queue.defer",
         "450 not you"},
        {{"220 b\r\n", "550 what\r\n", "550 not you\r\n", "221 bye\r\n"},
         {"", "EHLO", "HELO", "QUIT"},
         4,
         "mail.bounced",
         "550 not you"},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        Played played = played_prepare(WORLD("", "", LUNCH, SEND, "until: 4 min\n"));
        Peer peer = peer_new(cases[i].parts, cases[i].cues, cases[i].count);
        play_server(&peer, &played);
        const Record *record = played_find(&played, cases[i].kind, "host=mx.a.example mail=lunch");
        if (strstr(record_text(record, "reason"), cases[i].words) == NULL)
            fail_msg("the reason is %s", record_text(record, "reason"));
        assert_null(strstr(peer.all->str, "MAIL"));
        played_end(&played);
        peer_free(&peer);
    }
}

/* ---- What no agent says ---- */

static void test_a_server_tells_of_its_users(void **state)
{
    (void)state;
    static const Exchange told[] = {
        {"HELO a\r\n", "250 "},
        {"VRFY BOB\r\n", "250 2.1.5 <bob@b.example>\r\n"},
        {"VRFY <Bob@B.example>\r\n", "250 2.1.5 <bob@B.example>\r\n"},
        {"VRFY eve\r\n", "550 5.1.1 "},
        {"VRFY alice@a.example\r\n", "252 "},
        {"EXPN bob\r\n", "550 5.2.4 "},
        {"HELP\r\n", "214 "},
        {"QUIT\r\n", "221 "},
    };
    static const Exchange kept[] = {
        {"EHLO a\r\n", "250 SIZE"}, {"VRFY bob\r\n", "252 "},
        {"VRFY eve\r\n", "252 "},   {"EXPN bob\r\n", "252 2.5.0 Cannot EXPN"},
        {"VRFY\r\n", "501 "},
    };
    static const Exchange addresses[] = {
        {"HELO a\r\n", "250 "},
        {"VRFY away@b.example\r\n", "251 2.1.5 User not local; will forward to <x@a.example>\r\n"},
        {"VRFY here\r\n", "250 2.1.5 <here@b.example>\r\n"},
        {"VRFY \"h\\ere\"\r\n", "250 2.1.5 <here@b.example>\r\n"},
        {"VRFY <\"here\">\r\n", "250 2.1.5 <here@b.example>\r\n"},
        {"VRFY Bob Here\r\n", "550 5.1.1 "},
        {"VRFY course\r\n", "250 2.1.5 <course@b.example>\r\n"},
        {"VRFY bob+news\r\n", "250 2.1.5 <bob@b.example>\r\n"},
        {"EXPN course\r\n", "250-2.1.5 <bob@b.example>\r\n250 2.1.5 <x@a.example>\r\n"},
        {"EXPN Team@B.example\r\n", "250 2.1.5 <away@b.example>\r\n"},
        {"EXPN away\r\n", "550 5.2.4 "},
        {"EXPN eve\r\n", "550 5.1.1 "},
    };
    converse(addresses, G_N_ELEMENTS(addresses),
             ", smtp: {verify: tell}, aliases: {team: {to: [away@b.example]}}, lists: {course: "
             "{owner: bob@b.example, members: [bob@b.example, x@a.example]}}",
             NULL);
    converse(told, G_N_ELEMENTS(told), ", smtp: {verify: tell}", NULL);
    static const Exchange anybody[] = {
        {"HELO a\r\n", "250 "},
        {"VRFY bob\r\n", "250 2.1.5 <bob@b.example>\r\n"},
        {"VRFY eve\r\n", "252 "},
        {"EXPN eve\r\n", "550 5.1.1 "},
    };
    converse(anybody, G_N_ELEMENTS(anybody), ", smtp: {verify: tell}, catch_all: bob", NULL);
    converse(kept, G_N_ELEMENTS(kept), "", NULL);
}

/* Local-parts are one whether quoted or not and in any case; a source route is taken off; the
 * server's own address is a domain of it; postmaster is always there (§2.4, §4.1.2, §4.1.3, §4.5.1,
 * appendix C). */
static void test_ways_to_name_a_mailbox(void **state)
{
    (void)state;
    static const char *const paths[] = {
        "bob@b.example",        "BOB@B.EXAMPLE",    "\"bob\"@b.example",
        "\"b\\ob\"@b.example",  "bob@[198.18.0.3]", "@x.example,@y.example:bob@b.example",
        "postmaster@b.example", "PostMaster",       "Postmaster@[198.18.0.3]",
    };
    static const char *const mailboxes[] = {
        "bob", "bob", "bob", "bob", "bob", "bob", "postmaster", "postmaster", "postmaster",
    };
    for (size_t i = 0; i < G_N_ELEMENTS(paths); i++) {
        g_autofree char *rcpt = g_strdup_printf("RCPT TO:<%s>\r\n", paths[i]);
        const Exchange exchanges[] = {
            {"EHLO a\r\n", "250 SIZE"},
            {"MAIL FROM:<>\r\n", "250 "},
            {"RCPT TO:<bob@[198.18.0.2]>\r\n", "550 5.7.1"},
            {"RCPT TO:<\"bob \"@b.example>\r\n", "550 5.1.1"},
            {rcpt, "250 2.1.5"},
            {"DATA\r\n", "354 "},
            {"Subject: x\r\n\r\nHi\r\n.\r\n", "250 2.0.0"},
            {"QUIT\r\n", "221 "},
        };
        converse(exchanges, G_N_ELEMENTS(exchanges), "", mailboxes[i]);
    }
}

/* A client may name a recipient twice in one transaction, in any spelling. It hears 250 each time,
 * and the mailbox gets one copy; an address that leads on is followed once. */
static void test_a_recipient_named_twice(void **state)
{
    (void)state;
    static const Exchange exchanges[] = {
        {"EHLO a\r\n", "250 SIZE"},
        {"MAIL FROM:<>\r\n", "250 "},
        {"RCPT TO:<bob@b.example>\r\n", "250 2.1.5"},
        {"RCPT TO:<BOB@b.example>\r\n", "250 2.1.5"},
        {"RCPT TO:<\"bob\"@b.example>\r\n", "250 2.1.5"},
        {"RCPT TO:<bob@b.example> NOTIFY=NEVER\r\n", "250 2.1.5"},
        {"DATA\r\n", "354 "},
        {"Subject: x\r\n\r\nHi\r\n.\r\n", "250 2.0.0"},
        {"MAIL FROM:<>\r\n", "250 "},
        {"RCPT TO:<eve@b.example>\r\n", "250 2.1.5"},
        {"RCPT TO:<eve@b.example>\r\n", "250 2.1.5"},
        {"DATA\r\n", "354 "},
        {"Subject: y\r\n\r\nHi\r\n.\r\n", "250 2.0.0"},
        {"QUIT\r\n", "221 "},
    };
    Played played =
        played_prepare(WORLD("", ", catch_all: bob", "", "{at: 1 min, do: fetch, who: bob}", ""));
    hold_conversation(exchanges, G_N_ELEMENTS(exchanges), &played);
    assert_int_equal(played_count(&played, "mail.accepted", "entry=1-1"), 2);
    assert_int_equal(played_count(&played, "mail.delivered", "entry=1-1 imap.uid=1"), 2);
    assert_int_equal(played_count(&played, "mail.expanded", "recipient=eve@b.example"), 1);
    assert_int_equal(played_count(&played, "mailbox.store", "user=bob"), 2);
    played_end(&played);
}

/* What a client sends while its first message is on its way to a slow disk may be more than the
 * engine has room for: the rest is read when the disk has it, though nothing more comes. */
static void test_more_than_there_is_room_for_is_read_later(void **state)
{
    (void)state;
    enum { MANY = 50000 };
    g_autofree char *line = g_strnfill(98, 'x');
    g_autoptr(GString) both = g_string_new("MAIL FROM:<>\r\nRCPT TO:<bob@b.example>\r\n"
                                           "BDAT 8 LAST\r\na: b\r\n\r\n");
    g_string_append_printf(both, "MAIL FROM:<>\r\nRCPT TO:<bob@b.example>\r\nBDAT %d LAST\r\n",
                           MANY);
    for (size_t i = 0; i < MANY / 100; i++)
        g_string_append_printf(both, "%s\r\n", line);
    g_string_append(both, "QUIT\r\n");
    const char *const parts[] = {"EHLO x.example\r\n", both->str};
    const char *const cues[] = {"220 ", "250 "};
    Played played =
        played_prepare(WORLD("", ", extensions: [CHUNKING], disk: {sync: 3 s}", "", "", ""));
    Peer peer = peer_new(parts, cues, G_N_ELEMENTS(parts));
    play_client(&peer, &played);
    if (strstr(peer.all->str, "221 ") == NULL)
        fail_msg("not all was read:\n%.1200s", peer.all->str);
    assert_int_equal(played_count(&played, "mailbox.store", "host=mx.b.example user=bob"), 2);
    played_end(&played);
    peer_free(&peer);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_silent_server_is_left_in_time),
        cmocka_unit_test(test_patience_can_be_set),
        cmocka_unit_test(test_a_server_that_stops_reading_is_left_in_time),
        cmocka_unit_test(test_a_silent_client_is_left_in_time),
        cmocka_unit_test(test_a_greeting_is_no_verdict_on_a_mail),
        cmocka_unit_test(test_a_server_tells_of_its_users),
        cmocka_unit_test(test_ways_to_name_a_mailbox),
        cmocka_unit_test(test_a_recipient_named_twice),
        cmocka_unit_test(test_more_than_there_is_room_for_is_read_later),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
