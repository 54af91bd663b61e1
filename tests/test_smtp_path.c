/* SMTP through a whole run: two servers of a scenario, and a peer that plays a script in place of
 * one side, so that what no agent would say can be said, and silence lasts as long as wanted. */
#include "scenario_play.h"

#include "node/user_agent_internal.h"
#include "proto/smtp.h"
#include "scenario/simulation_internal.h"

#define SERVER_A(more) "  mx.a.example: {domains: [a.example], users: {alice: {}}" more "}\n"
#define SERVER_B(more) "  mx.b.example: {domains: [b.example], users: {bob: {}}" more "}\n"
#define WORLD(a, b, mails, timeline, more)                                                         \
    "mailsim: 1\n" more "servers:\n" SERVER_A(a)                                                   \
        SERVER_B(b) "people:\n"                                                                    \
                    "  alice: {address: alice@a.example}\n"                                        \
                    "  bob: {address: bob@b.example}\n"                                            \
                    "mails: {" mails "}\n"                                                         \
                    "timeline: [" timeline "]\n"
#define SEND "{at: 1 s, do: send, mail: lunch}"

/* ---- A peer with a script ---- */

/* Says the next part whenever what it has heard since the last one holds the words before it. */
typedef struct Peer {
    const char *const *parts; /* what to say */
    const char *const *cues;  /* what to hear before; "": nothing */
    size_t part_count, next;
    Host *host;          /* where it is */
    Ipv4Address address; /* what it connects to; 0: it takes port 25 over from the program there */
    bool is_deaf;        /* reads nothing once it has said all */
    GString *heard;
    GString *all;
} Peer;

static void peer_say(Stream *stream, const char *text)
{
    g_autoptr(GBytes) bytes = g_bytes_new(text, strlen(text));
    assert_int_equal(stream_write(stream, (Slice){bytes, 0, strlen(text)}), strlen(text));
}

static void peer_on_event(void *owner, Stream *stream, StreamEvent event)
{
    Peer *peer = owner;
    if (event == STREAM_FAILED || event == STREAM_CLOSED)
        return;
    Span input = stream_peek(stream);
    while (input.length > 0 && !(peer->is_deaf && peer->next == peer->part_count)) {
        g_string_append_len(peer->heard, (const char *)input.data, (gssize)input.length);
        g_string_append_len(peer->all, (const char *)input.data, (gssize)input.length);
        stream_consume(stream, input.length);
        input = stream_peek(stream);
    }
    while (peer->next < peer->part_count &&
           strstr(peer->heard->str, peer->cues[peer->next]) != NULL) {
        g_string_truncate(peer->heard, 0);
        peer_say(stream, peer->parts[peer->next++]);
    }
    if (event == STREAM_PEER_CLOSED)
        stream_close(stream);
}

static StreamHandler peer_accept(void *owner, Stream *stream)
{
    Peer *peer = owner;
    while (peer->next < peer->part_count && *peer->cues[peer->next] == '\0')
        peer_say(stream, peer->parts[peer->next++]);
    return (StreamHandler){peer_on_event, owner};
}

static void peer_begin(void *owner, void *data)
{
    (void)data;
    Peer *peer = owner;
    if (peer->address != 0) {
        assert_non_null(
            host_connect(peer->host, peer->address, 25, (StreamHandler){peer_on_event, peer}));
        return;
    }
    host_unlisten(peer->host, 25, 0);
    host_listen(peer->host, 25, peer_accept, peer);
}

/* The peer's turn comes before the timeline's. */
static void peer_schedule(Peer *peer, const Played *played)
{
    EventAction action = {peer_begin, peer, NULL, NULL};
    simulator_schedule(played->run->simulation->simulator, SIM_SECOND / 2, host_node(peer->host),
                       EVENT_FOREGROUND, action);
}

/* In place of mx.b.example, which is played in this world. */
static void play_server(Peer *peer, Played *played)
{
    peer->host = played->run->simulation->servers[1].machine.host;
    peer_schedule(peer, played);
    played_run(played);
}

/* At the place of mx.a.example, a client of mx.b.example. What it sends has no author. */
static void play_client(Peer *peer, Played *played)
{
    const Simulation *simulation = played->run->simulation;
    peer->host = simulation->servers[0].machine.host;
    peer->address = host_address(simulation->servers[1].machine.host);
    books_trust_server(played->run->books, "mx.b.example");
    peer_schedule(peer, played);
    played_run(played);
}

/* At the place of Alice's agent, a client of mx.a.example; mx.b.example is played too. */
static void play_both_ends(Peer *client, Peer *server, Played *played)
{
    const Simulation *simulation = played->run->simulation;
    client->host = g_array_index(simulation->agents, SimulatedAgent, 0).machine.host;
    client->address = host_address(simulation->servers[0].machine.host);
    books_trust_server(played->run->books, "mx.a.example");
    peer_schedule(client, played);
    play_server(server, played);
}

static void peer_free(Peer *peer)
{
    g_string_free(peer->heard, TRUE);
    g_string_free(peer->all, TRUE);
}

static Peer peer_new(const char *const *parts, const char *const *cues, size_t count)
{
    return (Peer){.parts = parts,
                  .cues = cues,
                  .part_count = count,
                  .heard = g_string_new(NULL),
                  .all = g_string_new(NULL)};
}

/* ---- Timeouts, RFC 5321 §4.5.3.2 ---- */

#define LUNCH "lunch: {from: alice, to: [bob@b.example]}"

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

typedef struct Exchange {
    const char *line, *reply; /* the reply to it begins so */
} Exchange;

/* Says the lines to mx.b.example one by one; a mail comes into that mailbox (NULL: none). */
static void converse(const Exchange *exchanges, size_t count, const char *options,
                     const char *mailbox)
{
    g_autofree const char **parts = g_new0(const char *, count + 1);
    g_autofree const char **cues = g_new0(const char *, count + 1);
    cues[0] = "220 ";
    for (size_t i = 0; i < count; i++) {
        parts[i] = exchanges[i].line;
        cues[i + 1] = exchanges[i].reply;
    }
    g_autofree char *text =
        g_strdup_printf(WORLD("", "%s", "", "{at: 1 min, do: fetch, who: bob}", ""), options);
    Played played = played_prepare(text);
    Peer peer = peer_new(parts, cues, count);
    play_client(&peer, &played);
    if (peer.next < count || strstr(peer.heard->str, cues[count]) == NULL)
        fail_msg("%zu lines were answered as they should be:\n%s", peer.next, peer.all->str);
    if (mailbox != NULL) {
        g_autofree char *conditions = g_strdup_printf("host=mx.b.example user=%s", mailbox);
        assert_int_equal(played_count(&played, "mailbox.store", conditions), 1);
    }
    played_end(&played);
    peer_free(&peer);
}

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
        {"EHLO a\r\n", "250 SIZE"}, {"VRFY bob\r\n", "252 "}, {"VRFY eve\r\n", "252 "},
        {"EXPN bob\r\n", "252 "},   {"VRFY\r\n", "501 "},
    };
    converse(told, G_N_ELEMENTS(told), ", smtp: {verify: tell}", NULL);
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
        "Message-ID: <x@a.example>\r\nreturn-path: <eve@a.example>\r\n (more)\r\nno field\r\n"
        "Subject: x\r\nReturn-Path: <mallory@a.example>\r\n\r\nReturn-Path: text\r\n.\r\n",
        "QUIT\r\n"};
    Played played = played_prepare(WORLD("", "", "", "{at: 1 min, do: fetch, who: bob}", ""));
    Peer peer = peer_new(parts, cues, G_N_ELEMENTS(parts));
    play_client(&peer, &played);
    const SimulatedAgent *bob = &g_array_index(played.run->simulation->agents, SimulatedAgent, 1);
    assert_int_equal(bob->agent->inbox->len, 1);
    const AgentMail *mail = bob->agent->inbox->pdata[0];
    g_autofree char *text =
        g_strndup(g_bytes_get_data(mail->content, NULL), g_bytes_get_size(mail->content));
    assert_true(
        g_str_has_prefix(text, "Return-Path: <alice@a.example>\r\nReceived: from a.example"));
    assert_true(g_str_has_suffix(text, "\r\nMessage-ID: <x@a.example>\r\nno field\r\nSubject: x\r\n"
                                       "\r\nReturn-Path: text\r\n"));
    played_end(&played);
    peer_free(&peer);
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
        cmocka_unit_test(test_a_silent_server_is_left_in_time),
        cmocka_unit_test(test_a_server_that_stops_reading_is_left_in_time),
        cmocka_unit_test(test_a_silent_client_is_left_in_time),
        cmocka_unit_test(test_a_greeting_is_no_verdict_on_a_mail),
        cmocka_unit_test(test_a_server_tells_of_its_users),
        cmocka_unit_test(test_ways_to_name_a_mailbox),
        cmocka_unit_test(test_a_message_in_circles_is_refused),
        cmocka_unit_test(test_there_is_one_return_path),
        cmocka_unit_test(test_a_mail_is_smuggled_between_servers),
        cmocka_unit_test(test_eight_bits_through_a_run),
        cmocka_unit_test(test_eight_bits_are_encoded_for_a_server_of_seven),
        cmocka_unit_test(test_utf8_needs_a_server_that_takes_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
