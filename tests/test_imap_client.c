/* The IMAP client engine, with a server that is a script. */
#include "core/check.h"
#include "proto/imap_client.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

typedef struct Session {
    ImapClient *client;
    GString *log;  /* events, one a line */
    GString *sent; /* what the client has sent */
} Session;

static void log_span(Session *session, const char *label, Span span)
{
    g_string_append_printf(session->log, "%s%.*s\n", label, (int)span.length,
                           (const char *)span.data);
}

static void log_message(Session *session, const ImapClientEvent *event)
{
    g_string_append_printf(session->log, "message %u uid %u", event->number, event->uid);
    if (event->has & IMAP_NEED_FLAGS) {
        g_autofree char *flags = imap_flags_text(event->flags);
        g_string_append_printf(session->log, " (%s)", flags);
    }
    if (event->has & IMAP_NEED_SIZE)
        g_string_append_printf(session->log, " size %" G_GUINT64_FORMAT, event->size_octets);
    if (event->has & IMAP_NEED_DATE)
        g_string_append_printf(session->log, " date %.*s", (int)event->date.length,
                               (const char *)event->date.data);
    if (event->has & IMAP_NEED_CONTENT)
        g_string_append_printf(session->log, " content %.*s", (int)event->content.length,
                               (const char *)event->content.data);
    g_string_append_c(session->log, '\n');
}

static void log_found(Session *session, const ImapClientEvent *event)
{
    g_string_append(session->log, "found");
    for (size_t i = 0; i < event->number_count; i++)
        g_string_append_printf(session->log, " %u", event->numbers[i]);
    g_string_append_c(session->log, '\n');
}

static void log_done(Session *session, const ImapClientEvent *event)
{
    g_string_append_printf(session->log, "done %u %s [%.*s] ", event->tag,
                           imap_result_name(event->result), (int)event->code.length,
                           (const char *)event->code.data);
    log_span(session, "", event->text);
}

static void log_event(Session *session, const ImapClientEvent *event)
{
    switch (event->kind) {
    case IMAP_CLIENT_COMMAND_LINE:
        log_span(session, "C: ", event->line);
        return;
    case IMAP_CLIENT_RESPONSE_LINE:
        log_span(session, "S: ", event->line);
        return;
    case IMAP_CLIENT_STATE_CHANGED:
        CHECK(state_table_allows(&imap_client_table, event->from, event->to));
        g_string_append_printf(session->log, "%s -> %s\n", imap_client_table.states[event->from],
                               imap_client_table.states[event->to]);
        return;
    case IMAP_CLIENT_GREETED:
        log_span(session, "greeted ", event->text);
        return;
    case IMAP_CLIENT_CAPABILITY:
        log_span(session, "capability ", event->text);
        return;
    case IMAP_CLIENT_EXISTS:
        g_string_append_printf(session->log, "exists %u\n", event->number);
        return;
    case IMAP_CLIENT_EXPUNGED:
        g_string_append_printf(session->log, "expunged %u\n", event->number);
        return;
    case IMAP_CLIENT_UID_VALIDITY:
        g_string_append_printf(session->log, "uid validity %u\n", event->number);
        return;
    case IMAP_CLIENT_UID_NEXT:
        g_string_append_printf(session->log, "uid next %u\n", event->number);
        return;
    case IMAP_CLIENT_MESSAGE:
        log_message(session, event);
        return;
    case IMAP_CLIENT_MAILBOX:
        g_string_append_printf(session->log, "attributes %u ", event->attributes);
        log_span(session, "mailbox ", event->mailbox);
        return;
    case IMAP_CLIENT_STATUS:
        g_string_append_printf(session->log, "messages %u unseen %u size %d ",
                               event->status.messages, event->status.unseen,
                               (int)event->status.size_octets);
        log_span(session, "in ", event->mailbox);
        return;
    case IMAP_CLIENT_FOUND:
        log_found(session, event);
        return;
    case IMAP_CLIENT_IDLING:
        g_string_append(session->log, "idling\n");
        return;
    case IMAP_CLIENT_DONE:
        log_done(session, event);
        return;
    case IMAP_CLIENT_BYE:
        log_span(session, "bye ", event->text);
        return;
    case IMAP_CLIENT_PROTOCOL_ERROR:
        log_span(session, "error ", event->text);
        return;
    case IMAP_CLIENT_CLOSED:
        g_string_append(session->log, "closed\n");
        return;
    }
}

static void pump(Session *session)
{
    ImapClientEvent event;
    while (imap_client_next_event(session->client, &event))
        log_event(session, &event);
    for (Span out; (out = imap_client_peek_output(session->client)).length > 0;) {
        g_string_append_len(session->sent, (const char *)out.data, (gssize)out.length);
        imap_client_consume_output(session->client, out.length);
    }
}

static void session_begin_with(Session *session, const ImapClientOptions *options)
{
    *session = (Session){imap_client_new(options), g_string_new(NULL), g_string_new(NULL)};
}

static void session_begin(Session *session)
{
    session_begin_with(session, &(ImapClientOptions){0});
}

static void session_end(Session *session)
{
    imap_client_free(session->client);
    g_string_free(session->log, TRUE);
    g_string_free(session->sent, TRUE);
}

/* What the server says; returns the events since the last call but the lines themselves. */
static void hear(Session *session, const char *text)
{
    imap_client_receive(session->client, span_of_text(text));
    pump(session);
}

static void clear_logs(Session *session)
{
    pump(session);
    g_string_truncate(session->log, 0);
    g_string_truncate(session->sent, 0);
}

/* The server says `text`; exactly these events follow, lines left out. */
static void expect(Session *session, const char *text, const char *events)
{
    clear_logs(session);
    hear(session, text);
    g_auto(GStrv) lines = g_strsplit(session->log->str, "\n", -1);
    g_autoptr(GString) seen = g_string_new(NULL);
    for (size_t i = 0; lines[i] != NULL; i++) {
        if (*lines[i] != '\0' && !g_str_has_prefix(lines[i], "S: "))
            g_string_append_printf(seen, "%s\n", lines[i]);
    }
    assert_string_equal(seen->str, events);
}

/* The command that the last call has given. */
static void expect_sent(Session *session, const char *line)
{
    g_string_truncate(session->sent, 0);
    pump(session);
    assert_string_equal(session->sent->str, line);
}

static void begin_authenticated(Session *session)
{
    session_begin(session);
    hear(session, "* PREAUTH welcome\r\n");
    assert_int_equal(imap_client_state(session->client), IMAP_CLIENT_AUTHENTICATED);
}

static void begin_selected(Session *session)
{
    begin_authenticated(session);
    imap_client_select(session->client, "INBOX", false);
    hear(session, "* 3 EXISTS\r\nA1 OK selected\r\n");
    assert_int_equal(imap_client_state(session->client), IMAP_CLIENT_SELECTED);
    clear_logs(session);
}

static void test_table_is_whole(void **state)
{
    (void)state;
    assert_null(state_table_find_defect(&imap_client_table));
    assert_string_equal(imap_client_table.name, "imap-client");
}

static void test_greeting_and_login(void **state)
{
    (void)state;
    Session session;
    session_begin(&session);
    assert_int_equal(imap_client_login(session.client, "bob", "x"), 0);
    assert_int_equal(imap_client_timeout(session.client), IMAP_CLIENT_TIMEOUT_RESPONSE);
    expect(&session, "* OK [CAPABILITY IMAP4rev1 IDLE] mx ready\r\n",
           "greeting -> not-authenticated\ncapability IMAP4rev1 IDLE\ngreeted mx ready\n");
    assert_int_equal(imap_client_timeout(session.client), IMAP_CLIENT_TIMEOUT_NONE);
    assert_int_equal(imap_client_login(session.client, "b\"o\\b", "secret"), 1);
    expect_sent(&session, "A1 LOGIN \"b\\\"o\\\\b\" \"secret\"\r\n");
    assert_int_equal(imap_client_noop(session.client), 0);
    expect(&session, "A1 NO [AUTHENTICATIONFAILED] wrong\r\n",
           "done 1 NO [AUTHENTICATIONFAILED] wrong\n");
    assert_int_equal(imap_client_login(session.client, "bob", "secret"), 2);
    expect(&session, "A2 OK welcome\r\n",
           "not-authenticated -> authenticated\ndone 2 OK [] welcome\n");
    session_end(&session);
}

static void test_select(void **state)
{
    (void)state;
    Session session;
    begin_authenticated(&session);
    imap_client_select(session.client, "Work Lab", true);
    expect_sent(&session, "A1 EXAMINE \"Work Lab\"\r\n");
    expect(&session,
           "* FLAGS (\\Seen)\r\n* 172 EXISTS\r\n* 0 RECENT\r\n* OK [UIDVALIDITY 38] valid\r\n"
           "* OK [UIDNEXT 4392] next\r\n* OK [PERMANENTFLAGS (\\*)] all\r\n"
           "A1 OK [READ-ONLY] done\r\n",
           "exists 172\nuid validity 38\nuid next 4392\nauthenticated -> selected\n"
           "done 1 OK [READ-ONLY] done\n");
    imap_client_select(session.client, "Nowhere", false);
    expect_sent(&session, "A2 SELECT \"Nowhere\"\r\n");
    expect(&session, "* OK [CLOSED] closed\r\nA2 NO no such mailbox\r\n",
           "done 2 NO [] no such mailbox\n");
    assert_int_equal(imap_client_state(session.client), IMAP_CLIENT_AUTHENTICATED);
    session_end(&session);
}

static void test_fetch(void **state)
{
    (void)state;
    Session session;
    begin_selected(&session);
    unsigned all = IMAP_NEED_FLAGS | IMAP_NEED_SIZE | IMAP_NEED_DATE | IMAP_NEED_CONTENT;
    imap_client_fetch(session.client, 1, UINT32_MAX, all, true);
    expect_sent(&session, "A2 UID FETCH 1:* (UID FLAGS RFC822.SIZE INTERNALDATE BODY.PEEK[])\r\n");
    expect(&session,
           "* 1 FETCH (UID 11 FLAGS (\\Seen $Junk) RFC822.SIZE 12 INTERNALDATE \" 1-Jan\" "
           "BODY[] {7}\r\nab\r\ncd\n)\r\n",
           "message 1 uid 11 (\\Seen) size 12 date  1-Jan content ab\r\ncd\n");
    expect(&session,
           "* 2 FETCH (ENVELOPE (NIL \"a)\" ((\"A\" NIL {1}\r\n( \"b\"))) BODY[TEXT]<0> NIL UID 5 "
           "BODYSTRUCTURE ((\"a\" 1)(\"b\" 2) \"mixed\"))\r\n",
           "message 2 uid 5 content \n");
    expect(&session, "A2 OK done\r\n", "done 2 OK [] done\n");
    imap_client_fetch(session.client, 7, 7, 0, false);
    expect_sent(&session, "A3 UID FETCH 7 (UID)\r\n");
    session_end(&session);
}

static void test_commands_on_messages(void **state)
{
    (void)state;
    Session session;
    begin_selected(&session);
    ImapClient *client = session.client;
    imap_client_store_flags(client, 3, 5, IMAP_STORE_ADD, IMAP_FLAG_SEEN | IMAP_FLAG_DELETED);
    expect_sent(&session, "A2 UID STORE 3:5 +FLAGS (\\Seen \\Deleted)\r\n");
    expect(&session, "* 1 FETCH (FLAGS ())\r\nA2 OK x\r\n", "message 1 uid 0 ()\ndone 2 OK [] x\n");
    imap_client_expunge(client);
    expect(&session, "* 3 EXPUNGE\r\n* 3 EXPUNGE\r\n* 1 EXISTS\r\nA3 OK x\r\n",
           "expunged 3\nexpunged 3\nexists 1\ndone 3 OK [] x\n");
    imap_client_copy(client, 1, 2, "Work");
    expect_sent(&session, "A4 UID COPY 1:2 \"Work\"\r\n");
    hear(&session, "A4 OK [COPYUID 7 1:2 3:4] x\r\n");
    imap_client_move(client, 1, 1, "Work");
    expect_sent(&session, "A5 UID MOVE 1 \"Work\"\r\n");
    hear(&session, "A5 OK x\r\n");
    imap_client_search(client, "UNSEEN FROM alice");
    expect_sent(&session, "A6 UID SEARCH UNSEEN FROM alice\r\n");
    expect(&session, "* SEARCH 2 84 882\r\n* SEARCH\r\n", "found 2 84 882\nfound\n");
    expect(&session, "* ESEARCH (TAG \"A6\") UID COUNT 5 ALL 4:7,9 MODSEQ 12\r\n",
           "found 4 5 6 7 9\n");
    hear(&session, "A6 OK x\r\n");
    imap_client_close(client);
    expect(&session, "A7 OK [CLOSED] x\r\n", "selected -> authenticated\ndone 7 OK [CLOSED] x\n");
    assert_int_equal(imap_client_unselect(client), 0);
    session_end(&session);
}

static void test_commands_on_mailboxes(void **state)
{
    (void)state;
    Session session;
    begin_authenticated(&session);
    ImapClient *client = session.client;
    imap_client_list(client, "", "%");
    expect_sent(&session, "A1 LIST \"\" \"%\"\r\n");
    expect(&session,
           "* LIST (\\HasNoChildren \\Sent) \"/\" \"Sent mail\"\r\n* LIST () NIL inbox\r\n"
           "* LIST (\\Noselect) \"/\" {4}\r\nW\"rk (\"CHILDINFO\" (\"X\"))\r\nA1 OK x\r\n",
           "attributes 16 mailbox Sent mail\nattributes 0 mailbox INBOX\n"
           "attributes 1 mailbox W\"rk\ndone 1 OK [] x\n");
    imap_client_status(client, "INBOX");
    expect_sent(&session, "A2 STATUS \"INBOX\" (MESSAGES UIDNEXT UIDVALIDITY UNSEEN)\r\n");
    expect(&session, "* STATUS INBOX (MESSAGES 4 UNSEEN 2 HIGHESTMODSEQ 7 SIZE 99)\r\nA2 OK x\r\n",
           "messages 4 unseen 2 size 99 in INBOX\ndone 2 OK [] x\n");
    imap_client_create(client, "New");
    expect_sent(&session, "A3 CREATE \"New\"\r\n");
    hear(&session, "A3 OK x\r\n");
    imap_client_delete(client, "New");
    expect_sent(&session, "A4 DELETE \"New\"\r\n");
    hear(&session, "A4 OK x\r\n");
    imap_client_enable_rev2(client);
    expect_sent(&session, "A5 ENABLE IMAP4rev2\r\n");
    expect(&session, "* ENABLED IMAP4rev2\r\nA5 OK x\r\n", "done 5 OK [] x\n");
    imap_client_capability(client);
    expect(&session, "* CAPABILITY IMAP4rev2 X\r\nA6 OK x\r\n",
           "capability IMAP4rev2 X\ndone 6 OK [] x\n");
    session_end(&session);
}

static void test_append_waits_to_be_invited(void **state)
{
    (void)state;
    Session session;
    begin_authenticated(&session);
    g_autoptr(GBytes) bytes = g_bytes_new_static("xhello", 6);
    Slice content = {bytes, 1, 5};
    imap_client_append(session.client, "Sent", IMAP_FLAG_SEEN, " 1-Jan-2026 00:00:00 +0000",
                       content);
    expect_sent(&session, "A1 APPEND \"Sent\" (\\Seen) \" 1-Jan-2026 00:00:00 +0000\" {5}\r\n");
    clear_logs(&session);
    hear(&session, "+ go on\r\n");
    assert_string_equal(session.sent->str, "hello\r\n");
    expect(&session, "A1 OK [APPENDUID 7 12] x\r\n", "done 1 OK [APPENDUID 7 12] x\n");
    imap_client_append(session.client, "Nowhere", 0, NULL, content);
    expect(&session, "A2 NO [TRYCREATE] x\r\n", "done 2 NO [TRYCREATE] x\n");
    expect(&session, "+ go on\r\n",
           "error The server sends what cannot be understood\nauthenticated -> logout\nclosed\n");
    session_end(&session);
}

static void test_idle(void **state)
{
    (void)state;
    Session session;
    begin_selected(&session);
    imap_client_idle(session.client);
    assert_false(imap_client_idle_done(session.client));
    expect_sent(&session, "A2 IDLE\r\n");
    expect(&session, "+ idling\r\n* 4 EXISTS\r\n", "idling\nexists 4\n");
    assert_int_equal(imap_client_timeout(session.client), IMAP_CLIENT_TIMEOUT_IDLE);
    assert_true(imap_client_timeout_ns(IMAP_CLIENT_TIMEOUT_IDLE) == INT64_C(1740000000000));
    imap_client_time_out(session.client);
    expect_sent(&session, "DONE\r\n");
    assert_false(imap_client_idle_done(session.client));
    assert_int_equal(imap_client_timeout(session.client), IMAP_CLIENT_TIMEOUT_RESPONSE);
    expect(&session, "A2 OK x\r\n", "done 2 OK [] x\n");
    assert_true(imap_client_is_ready(session.client));
    session_end(&session);
}

static void test_logout(void **state)
{
    (void)state;
    Session session;
    begin_selected(&session);
    imap_client_logout(session.client);
    expect(&session, "* BYE see you\r\nA2 OK x\r\n",
           "bye see you\nselected -> logout\ndone 2 OK [] x\nclosed\n");
    assert_true(imap_client_is_finished(session.client));
    session_end(&session);
}

static void test_ends_of_other_kinds(void **state)
{
    (void)state;
    Session session;
    session_begin(&session);
    expect(&session, "* BYE too busy\r\n", "bye too busy\ngreeting -> logout\nclosed\n");
    session_end(&session);
    begin_selected(&session);
    expect(&session, "* BYE going down\r\n* 1 EXISTS\r\n",
           "bye going down\nselected -> logout\nclosed\n");
    session_end(&session);
    begin_selected(&session);
    imap_client_noop(session.client);
    clear_logs(&session);
    imap_client_time_out(session.client);
    expect(&session, "", "");
    assert_true(imap_client_is_finished(session.client));
    session_end(&session);
    begin_selected(&session);
    expect(&session, "* OK [CLOSED] mailbox is gone\r\n", "selected -> authenticated\n");
    imap_client_receive_end(session.client);
    pump(&session);
    assert_true(imap_client_is_finished(session.client));
    session_end(&session);
}

/* Each ends the session. */
static void test_protocol_errors(void **state)
{
    (void)state;
    static const char *const lines[] = {
        "A2 OK x\r\n",
        "A1 MAYBE x\r\n",
        "A99 OK x\r\n",
        "hello\r\n",
        "* 3 EXISTS\n",
        "*\r\n",
        "* 99999999999 EXISTS\r\n",
        "* OK [UNFINISHED\r\n",
        "* PREAUTH again\r\n",
        "* 1 FETCH FLAGS\r\n",
        "* 1 FETCH (FLAGS (\\Seen)\r\n",
        "* 1 FETCH (BODY[ NIL)\r\n",
        "* 1 FETCH (RFC822.SIZE many)\r\n",
        "* 1 FETCH (X ((((((((((((((((((1))))))))))))))))))\r\n",
        "* LIST \"/\" x\r\n",
        "* STATUS INBOX (MESSAGES x)\r\n",
        "* SEARCH x\r\n",
        "* ESEARCH ALL x\r\n",
        "* ESEARCH ALL 1:4294967295\r\n",
        "+ unasked\r\n",
    };
    for (size_t i = 0; i < G_N_ELEMENTS(lines); i++) {
        Session session;
        begin_selected(&session);
        hear(&session, lines[i]);
        if (strstr(session.log->str, "error The server") == NULL)
            fail_msg("accepted: %s", lines[i]);
        assert_true(imap_client_is_finished(session.client));
        session_end(&session);
    }
}

static void test_nesting_is_bounded(void **state)
{
    (void)state;
    Session session;
    begin_selected(&session);
    g_autoptr(GString) line = g_string_new("* 1 FETCH (X ");
    for (int i = 0; i < 16; i++)
        g_string_append_c(line, '(');
    for (int i = 0; i < 16; i++)
        g_string_append_c(line, ')');
    g_string_append(line, " UID 3)\r\n");
    expect(&session, line->str, "message 1 uid 3\n");
    session_end(&session);
}

static void test_sizes_are_bounded(void **state)
{
    (void)state;
    Session session;
    session_begin_with(&session, &(ImapClientOptions){.line_maximum = 40, .literal_maximum = 10});
    hear(&session, "* PREAUTH x\r\n");
    expect(&session, "* 1 FETCH (BODY[] {6}\r\n123456 X {4}\r\n1234)\r\n",
           "message 1 uid 0 content 123456\n");
    expect(&session, "* 1 FETCH (BODY[] {6}\r\n123456 X {5}\r\n",
           "error The server sends a literal that is too large\nauthenticated -> logout\nclosed\n");
    session_end(&session);
    session_begin_with(&session, &(ImapClientOptions){.line_maximum = 40});
    expect(&session, "* OK 012345678901234567890123456789012345678901234567890\r\n",
           "error The server sends a line that is too long\ngreeting -> logout\nclosed\n");
    session_end(&session);
}

static const char script[] =
    "* PREAUTH [CAPABILITY X] hi\r\n* 2 EXISTS\r\n* LIST () \"/\" {3}\r\na b\r\n"
    "* 1 FETCH (UID 4 FLAGS (\\Seen) BODY[] {9}\r\n{3}\r\nabc) BODY[TEXT] \"q\\\"\")\r\n"
    "* ESEARCH UID ALL 1:3\r\n* NONSENSE\r\n* STATUS x (MESSAGES 1)\r\n* 1 EXPUNGE\r\n* BYE x\r\n";

static char *play(uint32_t seed)
{
    Session session;
    session_begin(&session);
    for (size_t at = 0; at < sizeof script - 1;) {
        size_t left = sizeof script - 1 - at, wanted = seed == 0 ? left : 1;
        if (seed > 1) {
            seed = seed * 1664525U + 1013904223U;
            wanted = 1 + seed % 30;
        }
        size_t count = MIN(left, wanted);
        imap_client_receive(session.client, span_of(script + at, count));
        pump(&session);
        at += count;
    }
    imap_client_free(session.client);
    g_string_free(session.sent, TRUE);
    return g_string_free(session.log, FALSE);
}

static void test_cuts_change_nothing(void **state)
{
    (void)state;
    g_autofree char *whole = play(0);
    assert_non_null(strstr(whole, "closed\n"));
    for (uint32_t seed = 1; seed < 50; seed++) {
        g_autofree char *pieces = play(seed);
        assert_string_equal(pieces, whole);
    }
}

/* Every cell */

static uint32_t give(ImapClient *client, ImapClientInput input)
{
    switch (input) {
    case IMAP_CLIENT_ON_CAPABILITY:
        return imap_client_capability(client);
    case IMAP_CLIENT_ON_NOOP:
        return imap_client_noop(client);
    case IMAP_CLIENT_ON_LOGOUT:
        return imap_client_logout(client);
    case IMAP_CLIENT_ON_LOGIN:
        return imap_client_login(client, "u", "p");
    case IMAP_CLIENT_ON_ENABLE:
        return imap_client_enable_rev2(client);
    case IMAP_CLIENT_ON_SELECT:
        return imap_client_select(client, "x", false);
    case IMAP_CLIENT_ON_CREATE:
        return imap_client_create(client, "x");
    case IMAP_CLIENT_ON_DELETE:
        return imap_client_delete(client, "x");
    case IMAP_CLIENT_ON_LIST:
        return imap_client_list(client, "", "*");
    case IMAP_CLIENT_ON_STATUS:
        return imap_client_status(client, "x");
    case IMAP_CLIENT_ON_APPEND:
        return imap_client_append(client, "x", 0, NULL, (Slice){0});
    case IMAP_CLIENT_ON_IDLE:
        return imap_client_idle(client);
    case IMAP_CLIENT_ON_CLOSE:
        return imap_client_close(client);
    case IMAP_CLIENT_ON_UNSELECT:
        return imap_client_unselect(client);
    case IMAP_CLIENT_ON_EXPUNGE:
        return imap_client_expunge(client);
    case IMAP_CLIENT_ON_SEARCH:
        return imap_client_search(client, "ALL");
    case IMAP_CLIENT_ON_FETCH:
        return imap_client_fetch(client, 1, 1, 0, true);
    case IMAP_CLIENT_ON_STORE:
        return imap_client_store_flags(client, 1, 1, IMAP_STORE_ADD, 0);
    case IMAP_CLIENT_ON_COPY:
        return imap_client_copy(client, 1, 1, "x");
    case IMAP_CLIENT_ON_MOVE:
        return imap_client_move(client, 1, 1, "x");
    default:
        fail();
        return 0;
    }
}

static void begin_in_state(Session *session, uint8_t state)
{
    switch ((ImapClientState)state) {
    case IMAP_CLIENT_GREETING:
        session_begin(session);
        break;
    case IMAP_CLIENT_NOT_AUTHENTICATED:
        session_begin(session);
        hear(session, "* OK hello\r\n");
        break;
    case IMAP_CLIENT_AUTHENTICATED:
        begin_authenticated(session);
        break;
    case IMAP_CLIENT_SELECTED:
        begin_selected(session);
        break;
    case IMAP_CLIENT_LOGOUT: /* LOGOUT has been sent, and BYE has come */
        begin_authenticated(session);
        imap_client_logout(session->client);
        hear(session, "* BYE x\r\n");
        break;
    case IMAP_CLIENT_STATE_COUNT:
        fail();
    }
    assert_int_equal(imap_client_state(session->client), state);
    clear_logs(session);
}

/* The tagged OK to a command, with the tag it has got. */
static void hear_ok(Session *session, uint32_t tag)
{
    g_autofree char *line = g_strdup_printf("A%u OK x\r\n", tag);
    assert_true(tag != 0);
    hear(session, line);
}

static void cause(Session *session, uint8_t from, ImapClientInput input)
{
    ImapClient *client = session->client;
    switch (input) {
    case IMAP_CLIENT_ON_GREETING_OK:
        hear(session, "* OK hello\r\n");
        return;
    case IMAP_CLIENT_ON_GREETING_PREAUTH:
        hear(session, "* PREAUTH hello\r\n");
        return;
    case IMAP_CLIENT_ON_LOGGED_IN:
        hear_ok(session, imap_client_login(client, "u", "p"));
        return;
    case IMAP_CLIENT_ON_OPENED:
        hear_ok(session, imap_client_select(client, "x", false));
        return;
    case IMAP_CLIENT_ON_MAILBOX_CLOSED:
        if (from == IMAP_CLIENT_SELECTED) {
            hear_ok(session, imap_client_close(client));
            return;
        }
        /* Closed by the server while CLOSE was on its way. */
        hear_ok(session, imap_client_select(client, "x", false));
        imap_client_close(client);
        hear(session, "* OK [CLOSED] x\r\nA2 OK x\r\n");
        return;
    case IMAP_CLIENT_ON_BYE:
    case IMAP_CLIENT_ON_BYE_AWAITED:
        if (input == IMAP_CLIENT_ON_BYE_AWAITED && from != IMAP_CLIENT_LOGOUT)
            imap_client_logout(client);
        hear(session, "* BYE x\r\n");
        return;
    case IMAP_CLIENT_ON_LOGGED_OUT:
        hear_ok(session, from == IMAP_CLIENT_LOGOUT ? 1 : imap_client_logout(client));
        return;
    case IMAP_CLIENT_ON_BAD_RESPONSE:
        hear(session, "nonsense\r\n");
        return;
    case IMAP_CLIENT_ON_TIMEOUT:
        if (from != IMAP_CLIENT_GREETING && from != IMAP_CLIENT_LOGOUT)
            imap_client_noop(client);
        imap_client_time_out(client);
        pump(session);
        return;
    case IMAP_CLIENT_ON_PEER_CLOSED:
        imap_client_receive_end(client);
        pump(session);
        return;
    default:
        fail();
    }
}

static void walk_cell(uint8_t from, uint8_t input)
{
    const StateCell *cell = state_table_cell(&imap_client_table, from, input);
    Session session;
    begin_in_state(&session, from);
    if (input < IMAP_CLIENT_ON_GREETING_OK) {
        uint32_t tag = give(session.client, (ImapClientInput)input);
        assert_int_equal(tag != 0, cell->action == IMAP_CLIENT_SEND);
        pump(&session);
        assert_int_equal(session.sent->len > 0, tag != 0);
    } else {
        cause(&session, from, (ImapClientInput)input);
        bool closed = g_str_has_suffix(session.log->str, "closed\n");
        assert_int_equal(closed, cell->action == IMAP_CLIENT_END);
    }
    assert_int_equal(imap_client_state(session.client), cell->next);
    session_end(&session);
}

static void test_every_cell(void **state)
{
    (void)state;
    unsigned walked = 0;
    for (uint8_t from = 0; from < IMAP_CLIENT_STATE_COUNT; from++) {
        for (uint8_t input = 0; input < IMAP_CLIENT_INPUT_COUNT; input++) {
            if (state_table_cell(&imap_client_table, from, input)->action == IMAP_CLIENT_NEVER)
                continue;
            walk_cell(from, input);
            walked++;
        }
    }
    /* 21 cells cannot happen. */
    assert_int_equal(walked, IMAP_CLIENT_STATE_COUNT * IMAP_CLIENT_INPUT_COUNT - 21);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_table_is_whole),
        cmocka_unit_test(test_greeting_and_login),
        cmocka_unit_test(test_select),
        cmocka_unit_test(test_fetch),
        cmocka_unit_test(test_commands_on_messages),
        cmocka_unit_test(test_commands_on_mailboxes),
        cmocka_unit_test(test_append_waits_to_be_invited),
        cmocka_unit_test(test_idle),
        cmocka_unit_test(test_logout),
        cmocka_unit_test(test_ends_of_other_kinds),
        cmocka_unit_test(test_protocol_errors),
        cmocka_unit_test(test_nesting_is_bounded),
        cmocka_unit_test(test_sizes_are_bounded),
        cmocka_unit_test(test_cuts_change_nothing),
        cmocka_unit_test(test_every_cell),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
