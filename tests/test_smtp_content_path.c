/* What becomes of a message's octets on its way through servers: loops, Return-Path, line ends,
 * eight bits, UTF-8. */
#include "smtp_peer.h"

#include "node/user_agent_internal.h"

/* What Bob fetches of the one message that a client sends him in these parts. To free. */
static char *fetched_of(const char *const *parts, const char *const *cues, size_t count)
{
    Played played = played_prepare(WORLD("", "", "", "{at: 1 min, do: fetch, who: bob}", ""));
    Peer peer = peer_new(parts, cues, count);
    play_client(&peer, &played);
    const SimulatedAgent *bob = &g_array_index(played.run->simulation->agents, SimulatedAgent, 1);
    assert_int_equal(bob->agent->inbox->len, 1);
    const AgentMail *mail = bob->agent->inbox->pdata[0];
    char *text = span_dup_text(span_of_octets(mail->content));
    played_end(&played);
    peer_free(&peer);
    return text;
}

/* §6.3: a message that has come through a hundred servers goes in circles; one less is let through.
 */
static void test_a_message_in_circles_is_refused(void **state)
{
    (void)state;
    for (int received = 99; received <= 100; received++) {
        g_autoptr(GString) content = g_string_new(NULL);
        for (int i = 0; i < received; i++)
            g_string_append_printf(content, "Received: by r%d.example; Mon, 2 Mar 2026\r\n", i);
        g_string_append(content, "\r\nReceived: in the text\r\n.\r\n");
        const Exchange exchanges[] = {
            {"EHLO a\r\n", "250 SIZE"},
            {"MAIL FROM:<>\r\n", "250 "},
            {"RCPT TO:<bob@b.example>\r\n", "250 "},
            {"DATA\r\n", "354 "},
            {content->str, received < 100 ? "250 2.0.0" : "554 5.4.6"},
        };
        converse(exchanges, G_N_ELEMENTS(exchanges), "", received < 100 ? "bob" : NULL);
    }
}

/* §4.4: the reverse-path as the envelope has it, in one field on top, whatever came with the
 * message; and of what else came nothing is lost. */
static void test_there_is_one_return_path(void **state)
{
    (void)state;
    static const char *const cues[] = {"220 ", "250 SIZE", "250 ", "250 ", "354 ", "250 "};
    static const char *const parts[] = {
        "EHLO a.example\r\n",
        "MAIL FROM:<alice@a.example>\r\n",
        "RCPT TO:<bob@b.example>\r\n",
        "DATA\r\n",
        ("Message-ID: <x@a.example>\r\nreturn-path: <eve@a.example>\r\n (more)\r\nno field\r\n"
         "Subject: x\r\nReturn-Path: <mallory@a.example>\r\n\r\nReturn-Path: text\r\n.\r\n"),
        "QUIT\r\n"};
    g_autofree char *text = fetched_of(parts, cues, G_N_ELEMENTS(parts));
    assert_true(
        g_str_has_prefix(text, "Return-Path: <alice@a.example>\r\nReceived: from a.example"));
    assert_true(g_str_has_suffix(text, "\r\nMessage-ID: <x@a.example>\r\nno field\r\nSubject: x\r\n"
                                       "\r\nReturn-Path: text\r\n"));
}

/* Lines that begin with dots, long and short ones, cut the content into pieces of which a server
 * keeps some where they are and copies others; the header lies in many of them. */
static void test_pieces_of_a_message_are_put_together(void **state)
{
    (void)state;
    static const char *const cues[] = {"220 ", "250 SIZE", "250 ", "250 ", "354 ", "250 "};
    g_autoptr(GString) sent = g_string_new(NULL), whole = g_string_new(NULL);
    for (size_t i = 0; i < 60; i++) {
        g_autofree char *filler = g_strnfill(i * i % 700, (char)('a' + i % 26));
        g_string_append_printf(sent, "..f%zu: %s\r\ng%zu: %s\r\n", i, filler, i, filler);
        g_string_append_printf(whole, ".f%zu: %s\r\ng%zu: %s\r\n", i, filler, i, filler);
    }
    const char *rest = "Message-ID: <late@a.example>\r\n\r\ntext\r\n";
    g_string_append(sent, rest);
    g_string_append(whole, rest);
    g_string_append(sent, "..\r\n...\r\n.\r\n");
    g_string_append(whole, ".\r\n..\r\n");
    const char *const parts[] = {"EHLO a.example\r\n",
                                 "MAIL FROM:<alice@a.example>\r\n",
                                 "RCPT TO:<bob@b.example>\r\n",
                                 "DATA\r\n",
                                 sent->str,
                                 "QUIT\r\n"};
    g_autofree char *text = fetched_of(parts, cues, G_N_ELEMENTS(parts));
    assert_true(g_str_has_suffix(text, whole->str));
    text[strlen(text) - whole->len] = '\0'; /* what the server has put on top */
    assert_true(g_str_has_prefix(text, "Return-Path: <alice@a.example>\r\nReceived: from "));
    assert_null(strstr(text, "Message-ID"));
}

/* ---- Smuggling ---- */

#define TRICK                                                                                      \
    "trick: {from: alice, to: [bob@b.example], raw: \"\\n.\\nMAIL FROM:<boss@b.example>\\n"        \
    "RCPT TO:<bob@b.example>\\nDATA\\nFrom: boss@b.example\\nSubject: Pay\\n\\nNow.\"}"

/* CVE-2023-51764: one mail goes into the server of the sender, two come out behind a receiver that
 * takes LF.LF for the end; a strict one refuses it whole, and a sender that is strict lets nothing
 * out. */
static void test_a_mail_is_smuggled_between_servers(void **state)
{
    (void)state;
    static const char *const choices[] = {"keep", "refuse"}, *const receivers[] = {"accept",
                                                                                   "refuse"};
    for (size_t i = 0; i < 4; i++) {
        bool keeps = i < 2, accepts = i % 2 == 0;
        g_autofree char *text = g_strdup_printf(
            WORLD(", smtp: {bare_newlines: %s}", ", smtp: {bare_newlines: %s}", TRICK,
                  "{at: 1 s, do: send, mail: trick}, {at: 1 min, do: fetch, who: bob}", ""),
            choices[!keeps], receivers[!accepts]);
        Played played = play(text);
        bool works = keeps && accepts;
        assert_int_equal(played_count(&played, "agent.receive", "host=bob.laptop subject=Pay"),
                         works);
        assert_int_equal(played_count(&played, "agent.receive", "host=bob.laptop"), works ? 2 : 0);
        assert_int_equal(played_count(&played, "mail.bounced", "mail=trick reason~550"),
                         keeps && !accepts);
        assert_int_equal(played_count(&played, "agent.failed", "mail=trick"), !keeps);
        played_end(&played);
    }
}

/* ---- Eight bits ---- */

/* An 8-bit text goes as it is to a server with 8BITMIME. This one says that it has seven bits, so
 * that it cannot be made right for a server without: 5.6.3 (RFC 6152 §3). */
static void test_eight_bits_through_a_run(void **state)
{
    (void)state;
    for (int offered = 0; offered < 2; offered++) {
        g_autofree char *text =
            g_strdup_printf(WORLD("", ", extensions: [SIZE%s]",
                                  "lunch: {from: alice, to: [bob@b.example], raw: \"\xc3\xa9\"}",
                                  SEND ", {at: 1 min, do: fetch, who: bob}", ""),
                            offered ? ", 8BITMIME" : "");
        Played played = play(text);
        assert_int_equal(played_count(&played, "agent.receive", "host=bob.laptop mail=lunch"),
                         offered);
        assert_int_equal(played_count(&played, "mail.bounced", "mail=lunch reason~5.6.3"),
                         !offered);
        assert_int_equal(played_count(&played, "smtp.command",
                                      "host=mx.a.example smtp.command_line~BODY=8BITMIME"),
                         offered);
        played_end(&played);
    }
}

/* What a client sends to mx.a.example, and what an mx.b.example with that reply to EHLO hears of
 * it.
 */
typedef struct Relayed {
    const char *mail, *rcpt, *content; /* the client's lines */
    const char *hello;
    const char *heard[3]; /* parts of what mx.b.example hears */
    const char *reason;   /* of the bounce; NULL: there is none */
    bool is_ascii;        /* all that mx.b.example hears */
} Relayed;

static void check_relayed(const Relayed *relayed)
{
    const char *const parts[] = {"EHLO alice\r\n", relayed->mail,    relayed->rcpt,
                                 "DATA\r\n",       relayed->content, "QUIT\r\n"};
    static const char *const cues[] = {"220 ", "250 SIZE", "250 ", "250 ", "354 ", "250 "};
    const char *const said[] = {"220 b\r\n",  relayed->hello,  "250 ok\r\n", "250 ok\r\n",
                                "354 go\r\n", "451 later\r\n", "221 bye\r\n"};
    static const char *const heard[] = {"", "EHLO", "MAIL", "RCPT", "DATA", "\r\n.\r\n", "QUIT"};
    Played played =
        played_prepare(WORLD(", relay_for: [alice.laptop]", "", "", "", "until: 1 h\n"));
    Peer client = peer_new(parts, cues, G_N_ELEMENTS(parts));
    Peer server = peer_new(said, heard, G_N_ELEMENTS(said));
    play_both_ends(&client, &server, &played);
    assert_int_equal(client.next, client.part_count);
    for (size_t i = 0; i < G_N_ELEMENTS(relayed->heard) && relayed->heard[i] != NULL; i++) {
        if (strstr(server.all->str, relayed->heard[i]) == NULL)
            fail_msg("mx.b.example does not hear %s:\n%s", relayed->heard[i], server.all->str);
    }
    assert_int_equal(g_str_is_ascii(server.all->str), relayed->is_ascii);
    assert_int_equal(strstr(server.all->str, "MAIL FROM") != NULL, relayed->reason == NULL);
    g_autofree char *bounce = g_strdup_printf("host=mx.a.example reason~%s",
                                              relayed->reason != NULL ? relayed->reason : "");
    assert_int_equal(played_count(&played, "mail.bounced", bounce) > 0, relayed->reason != NULL);
    played_end(&played);
    peer_free(&client);
    peer_free(&server);
}

#define KOREAN  "\xec\xa0\x90\xec\x8b\xac"
#define HEADERS "Message-ID: <lunch@a.example>\r\nMIME-Version: 1.0\r\n"
#define EIGHT                                                                                      \
    HEADERS "Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\n"   \
            "In Korean lunch = " KOREAN ", says the dictionary.\r\n.\r\n"
#define SEVEN  HEADERS "\r\nx\r\n.\r\n"
#define SENDER "MAIL FROM:<alice@a.example>"
#define BOB    "RCPT TO:<bob@b.example>\r\n"

/* RFC 6152 §3: 8-bit parts go as they are where that is offered; elsewhere they are encoded, and
 * say so. */
static void test_eight_bits_are_encoded_for_a_server_of_seven(void **state)
{
    (void)state;
    const Relayed cases[] = {
        {SENDER " BODY=8BITMIME\r\n",
         BOB,
         EIGHT,
         "250-b\r\n250 8BITMIME\r\n",
         {SENDER " BODY=8BITMIME\r\n", "Encoding: 8bit\r\n\r\nIn Korean lunch = " KOREAN ", says"},
         NULL,
         false},
        {SENDER " BODY=8BITMIME\r\n",
         BOB,
         EIGHT,
         "250-b\r\n250 SIZE\r\n",
         {SENDER " SIZE=", "Transfer-Encoding: quoted-printable\r\n\r\nIn Korean lunch =3D "
                           "=EC=A0=90=EC=8B=AC, says"},
         NULL,
         true},
        /* Who does not say so is relayed in the same way (§2.4 of RFC 5321). */
        {SENDER "\r\n",
         BOB,
         EIGHT,
         "250 b\r\n",
         {SENDER "\r\n", "lunch =3D =EC=A0=90"},
         NULL,
         true},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++)
        check_relayed(&cases[i]);
}

/* RFC 6531 §3.2: what needs SMTPUTF8, address or header, is not sent to who does not offer it. */
static void test_utf8_needs_a_server_that_takes_it(void **state)
{
    (void)state;
    static const char with[] = "250-b\r\n250-8BITMIME\r\n250 SMTPUTF8\r\n";
    static const char without[] = "250-b\r\n250 8BITMIME\r\n";
    static const char utf8[] = "RCPT TO:<" KOREAN "@b.example>\r\n";
    static const char both[] = "RCPT TO:<bob@b.example>\r\nRCPT TO:<" KOREAN "@b.example>\r\n";
    static const char sender[] = SENDER " BODY=8BITMIME SMTPUTF8\r\n";
    static const char subject[] = "Subject: " KOREAN "\r\n" SEVEN;
    const Relayed cases[] = {
        {sender, utf8, SEVEN, with, {sender, utf8}, NULL, false},
        {sender, utf8, SEVEN, without, {NULL}, "5.6.7", true},
        {sender, both, SEVEN, without, {NULL}, "5.6.7", true}, /* nothing but the address has it */
        {sender, BOB, subject, with, {sender, "\r\nSubject: " KOREAN "\r\n"}, NULL, false},
        {sender, BOB, subject, without, {NULL}, "5.6.7", true},
        {sender, BOB, SEVEN, without, {SENDER "\r\n", "\r\n\r\nx\r\n"}, NULL, true},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++)
        check_relayed(&cases[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_message_in_circles_is_refused),
        cmocka_unit_test(test_there_is_one_return_path),
        cmocka_unit_test(test_pieces_of_a_message_are_put_together),
        cmocka_unit_test(test_a_mail_is_smuggled_between_servers),
        cmocka_unit_test(test_eight_bits_through_a_run),
        cmocka_unit_test(test_eight_bits_are_encoded_for_a_server_of_seven),
        cmocka_unit_test(test_utf8_needs_a_server_that_takes_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
