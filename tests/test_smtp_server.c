/* Tests of proto/smtp_server: dialogues against RFC 5321, every cell of the table, the end of the
 * content, limits, and the same bytes in any pieces. */
#include "proto/smtp_server.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

/* A server and a node that accepts everything unless it is told otherwise. */
typedef struct Session {
    SmtpServer *server;
    SmtpServerOptions options;
    GString *log;     /* events, observations */
    GString *content; /* of the present message */
    GString *output;
    SmtpServerEventKind hold;    /* the kind of question that is left open; CONTENT: none */
    SmtpServerEventKind special; /* the kind that is answered with `answer`; CONTENT: none */
    SmtpReply answer;
    uint32_t token;   /* the question left open */
    bool more_chunks; /* the chunk in which CHUNK is entered is not the last */
} Session;

static void observe_command(void *user, Span line)
{
    Session *session = user;
    g_string_append_printf(session->log, "C %.*s\n", (int)line.length, (const char *)line.data);
}

static void observe_reply(void *user, const SmtpReply *reply)
{
    Session *session = user;
    g_string_append_printf(session->log, "S %d\n", reply->code);
}

static void observe_state(void *user, const StateTable *table, uint8_t from, uint8_t to)
{
    Session *session = user;
    assert_ptr_equal(table, &smtp_server_table);
    assert_true(state_table_allows(table, from, to));
    g_string_append_printf(session->log, "%s>%s\n", table->states[from], table->states[to]);
}

static Session *session_with(SmtpServerOptions options)
{
    Session *session = g_new0(Session, 1);
    options.observer = (SmtpObserver){session, observe_command, observe_reply, observe_state};
    session->options = options;
    session->server = smtp_server_new(&options);
    session->log = g_string_new(NULL);
    session->content = g_string_new(NULL);
    session->output = g_string_new(NULL);
    session->hold = session->special = SMTP_SERVER_EVENT_CONTENT;
    return session;
}

static Session *session_new(void)
{
    SmtpServerOptions options = smtp_server_options("mx.b.example");
    options.extensions |= SMTP_EXTENSION_AUTH;
    return session_with(options);
}

static void session_free(Session *session)
{
    smtp_server_free(session->server);
    g_string_free(session->log, TRUE);
    g_string_free(session->content, TRUE);
    g_string_free(session->output, TRUE);
    g_free(session);
}

static void log_path(Session *session, const char *what, const Address *path)
{
    g_autofree char *mailbox = address_format(path);
    g_string_append_printf(session->log, "%s <%s>\n", what, mailbox);
}

static void log_event(Session *session, const SmtpServerEvent *event)
{
    switch (event->kind) {
    case SMTP_SERVER_EVENT_CONNECT:
        g_string_append(session->log, "connect\n");
        break;
    case SMTP_SERVER_EVENT_HELO:
        g_string_append_printf(session->log, "helo %.*s\n", (int)event->helo.name.length,
                               (const char *)event->helo.name.data);
        break;
    case SMTP_SERVER_EVENT_TLS:
        assert_int_equal(smtp_server_peek_output(session->server).length, 0);
        g_string_append(session->log, "tls\n");
        break;
    case SMTP_SERVER_EVENT_VRFY:
    case SMTP_SERVER_EVENT_EXPN:
        g_string_append_printf(session->log, "verify %.*s\n", (int)event->verify.length,
                               (const char *)event->verify.data);
        break;
    case SMTP_SERVER_EVENT_AUTH:
        g_string_append_printf(
            session->log, "auth %s %.*s %.*s\n", event->auth.mechanism,
            (int)event->auth.identity.length, (const char *)event->auth.identity.data,
            (int)event->auth.password.length, (const char *)event->auth.password.data);
        break;
    case SMTP_SERVER_EVENT_MAIL:
        log_path(session, "mail", &event->mail.reverse_path);
        g_string_truncate(session->content, 0);
        break;
    case SMTP_SERVER_EVENT_RCPT:
        log_path(session, "rcpt", &event->rcpt.forward_path);
        break;
    case SMTP_SERVER_EVENT_DATA:
        g_string_append(session->log, "data\n");
        g_string_truncate(session->content, 0);
        break;
    case SMTP_SERVER_EVENT_CONTENT:
        g_string_append_len(session->content, (const char *)event->content.data,
                            (gssize)event->content.length);
        break;
    case SMTP_SERVER_EVENT_MESSAGE_END:
        assert_int_equal(event->message.size, session->content->len);
        g_string_append_printf(session->log, "message [%s]\n", session->content->str);
        break;
    case SMTP_SERVER_EVENT_RESET:
        g_string_append_printf(session->log, "reset %d\n", (int)event->reset);
        break;
    case SMTP_SERVER_EVENT_CLOSED:
        g_string_append_printf(session->log, "closed %d\n", (int)event->closed);
        break;
    }
}

static void collect_output(Session *session)
{
    Span output = smtp_server_peek_output(session->server);
    g_string_append_len(session->output, (const char *)output.data, (gssize)output.length);
    smtp_server_consume_output(session->server, output.length);
}

static void run(Session *session)
{
    SmtpServerEvent event;
    while (smtp_server_next_event(session->server, &event) ||
           (smtp_server_peek_output(session->server).length > 0 &&
            (collect_output(session), smtp_server_next_event(session->server, &event)))) {
        log_event(session, &event);
        if (event.token != 0) {
            session->token = event.token;
            if (event.kind == session->special && session->answer.code != 0)
                smtp_server_answer(session->server, event.token, session->answer);
            else if (event.kind != session->hold)
                smtp_server_accept(session->server, event.token);
        }
        collect_output(session);
    }
    collect_output(session);
}

static void feed_span(Session *session, Span bytes)
{
    run(session);
    while (bytes.length > 0 && smtp_server_state(session->server) != SMTP_SERVER_CLOSED &&
           smtp_server_state(session->server) != SMTP_SERVER_TLS) {
        size_t piece = MIN(bytes.length, smtp_server_input_room(session->server));
        assert_true(piece > 0);
        smtp_server_receive(session->server, span_of(bytes.data, piece));
        bytes = span_skip(bytes, piece);
        run(session);
    }
}

static void feed(Session *session, const char *text)
{
    feed_span(session, span_of_text(text));
}

/* Feeds `input` and demands that the output ends with `expected`. */
static void expect(Session *session, const char *input, const char *expected)
{
    g_string_truncate(session->output, 0);
    feed(session, input);
    assert_string_equal(session->output->str, expected);
}

static void expect_code(Session *session, const char *input, int code)
{
    g_string_truncate(session->output, 0);
    feed(session, input);
    assert_int_equal(g_ascii_strtoull(session->output->str, NULL, 10), code);
    /* One final reply: one line that is not continued. */
    int finals = 0;
    for (const char *line = session->output->str; *line != '\0'; line = strstr(line, "\r\n") + 2)
        finals += line[3] == ' ';
    assert_int_equal(finals, 1);
}

static const char *const hello = "EHLO a.example\r\n";
static const char *const envelope = "MAIL FROM:<alice@a.example>\r\nRCPT TO:<bob@b.example>\r\n";

/* The table */

static void test_table_is_whole(void **state)
{
    (void)state;
    assert_null(state_table_find_defect(&smtp_server_table));
}

static void enter(Session *session, SmtpServerState state)
{
    static const char *const scripts[SMTP_SERVER_STATE_COUNT] = {
        [SMTP_SERVER_CONNECT] = "",
        [SMTP_SERVER_REFUSED] = "",
        [SMTP_SERVER_GREETED] = "",
        [SMTP_SERVER_READY] = "EHLO a\r\n",
        [SMTP_SERVER_AUTH] = "EHLO a\r\nAUTH LOGIN\r\n",
        [SMTP_SERVER_TLS] = "EHLO a\r\nSTARTTLS\r\n",
        [SMTP_SERVER_CHUNK] = "EHLO a\r\nMAIL FROM:<>\r\nRCPT TO:<b@b>\r\nBDAT 3 LAST\r\n",
        [SMTP_SERVER_CHUNKS] = "EHLO a\r\nMAIL FROM:<>\r\nRCPT TO:<b@b>\r\nBDAT 1\r\nx",
        [SMTP_SERVER_MAIL] = "EHLO a\r\nMAIL FROM:<>\r\n",
        [SMTP_SERVER_RCPT] = "EHLO a\r\nMAIL FROM:<>\r\nRCPT TO:<b@b>\r\n",
        [SMTP_SERVER_DATA] = "EHLO a\r\nMAIL FROM:<>\r\nRCPT TO:<b@b>\r\nDATA\r\n",
        [SMTP_SERVER_FINAL_DOT] = "EHLO a\r\nMAIL FROM:<>\r\nRCPT TO:<b@b>\r\nDATA\r\n.\r\n",
        [SMTP_SERVER_CLOSED] = "QUIT\r\n",
    };
    if (state == SMTP_SERVER_CONNECT)
        session->hold = SMTP_SERVER_EVENT_CONNECT;
    if (state == SMTP_SERVER_TLS)
        session->hold = SMTP_SERVER_EVENT_TLS;
    if (state == SMTP_SERVER_FINAL_DOT)
        session->hold = SMTP_SERVER_EVENT_MESSAGE_END;
    if (state == SMTP_SERVER_REFUSED) {
        session->special = SMTP_SERVER_EVENT_CONNECT;
        session->answer = smtp_reply(554, NULL, "");
    }
    feed(session, scripts[state]);
    if (state == SMTP_SERVER_CHUNK && session->more_chunks)
        feed(session, "x\r\nRSET\r\nMAIL FROM:<>\r\nRCPT TO:<b@b>\r\nBDAT 3\r\n");
    assert_int_equal(smtp_server_state(session->server), state);
    g_string_truncate(session->output, 0);
}

/* The same, and there an error that uses up a limit of one. */
static void enter_with_error(Session *session, SmtpServerState state)
{
    static const char *const last[SMTP_SERVER_STATE_COUNT] = {
        [SMTP_SERVER_REFUSED] = "NOOP\r\n", [SMTP_SERVER_GREETED] = "FOO\r\n",
        [SMTP_SERVER_READY] = "FOO\r\n",    [SMTP_SERVER_MAIL] = "FOO\r\n",
        [SMTP_SERVER_RCPT] = "FOO\r\n",     [SMTP_SERVER_CHUNKS] = "FOO\r\n",
    };
    enter(session, state);
    feed(session, last[state]);
    assert_int_equal(smtp_server_state(session->server), state);
    g_string_truncate(session->output, 0);
}

/* What makes an input happen: a line, or the node's answer or news. */
static const char *line_of(SmtpServerState state, SmtpServerInput input)
{
    static const char *const lines[SMTP_SERVER_INPUT_COUNT] = {
        [SMTP_SERVER_ON_EHLO] = "EHLO a\r\n",
        [SMTP_SERVER_ON_HELO] = "HELO a\r\n",
        [SMTP_SERVER_ON_STARTTLS] = "STARTTLS\r\n",
        [SMTP_SERVER_ON_BDAT] = "BDAT 3 LAST\r\n",
        [SMTP_SERVER_ON_BDAT_MALFORMED] = "BDAT many\r\n",
        [SMTP_SERVER_ON_VRFY_ANSWERED] = "VRFY bob\r\n",
        [SMTP_SERVER_ON_AUTH] = "AUTH PLAIN AGEAYg==\r\n",
        [SMTP_SERVER_ON_MAIL] = "MAIL FROM:<a@a>\r\n",
        [SMTP_SERVER_ON_RCPT] = "RCPT TO:<b@b>\r\n",
        [SMTP_SERVER_ON_DATA] = "DATA\r\n",
        [SMTP_SERVER_ON_RSET] = "RSET\r\n",
        [SMTP_SERVER_ON_NOOP] = "NOOP\r\n",
        [SMTP_SERVER_ON_VRFY] = "VRFY bob\r\n",
        [SMTP_SERVER_ON_EXPN] = "EXPN list\r\n",
        [SMTP_SERVER_ON_HELP] = "HELP\r\n",
        [SMTP_SERVER_ON_QUIT] = "QUIT\r\n",
        [SMTP_SERVER_ON_UNKNOWN] = "TURN\r\n",
        [SMTP_SERVER_ON_AUTH_LINE] = "Ym9i\r\n",
        [SMTP_SERVER_ON_END_OF_CONTENT] = "x\r\n.\r\n",
        [SMTP_SERVER_ON_CONTENT_REFUSED] = "x\ny\r\n.\r\n",
        [SMTP_SERVER_ON_HELO_ACCEPTED] = "EHLO a\r\n",
        [SMTP_SERVER_ON_AUTH_CHALLENGED] = "AUTH LOGIN\r\n",
        [SMTP_SERVER_ON_AUTH_ACCEPTED] = "AUTH PLAIN AGEAYg==\r\n",
        [SMTP_SERVER_ON_MAIL_ACCEPTED] = "MAIL FROM:<a@a>\r\n",
        [SMTP_SERVER_ON_RCPT_ACCEPTED] = "RCPT TO:<b@b>\r\n",
        [SMTP_SERVER_ON_DATA_ACCEPTED] = "DATA\r\n",
        [SMTP_SERVER_ON_COMMAND_REFUSED] = "EHLO\r\n",
    };
    bool is_reading =
        state == SMTP_SERVER_CHUNK || state == SMTP_SERVER_RCPT || state == SMTP_SERVER_CHUNKS;
    if (input == SMTP_SERVER_ON_BDAT && !is_reading)
        return "BDAT 3 LAST\r\nabc";
    if (state == SMTP_SERVER_CHUNK && input == SMTP_SERVER_ON_CONTENT_REFUSED)
        return "a\nb";
    if (state == SMTP_SERVER_CHUNK)
        return "a\r\n";
    if (state != SMTP_SERVER_AUTH)
        return lines[input];
    if (input == SMTP_SERVER_ON_AUTH_CHALLENGED)
        return "Ym9i\r\n";
    if (input == SMTP_SERVER_ON_AUTH_ACCEPTED)
        return "Ym9i\r\nYg==\r\n";
    return input == SMTP_SERVER_ON_COMMAND_REFUSED ? "*\r\n" : lines[input];
}

/* The question whose answer an asking action leaves open. */
static SmtpServerEventKind asked_by(SmtpServerInput input)
{
    switch ((int)input) {
    case SMTP_SERVER_ON_EHLO:
    case SMTP_SERVER_ON_HELO:
        return SMTP_SERVER_EVENT_HELO;
    case SMTP_SERVER_ON_STARTTLS:
        return SMTP_SERVER_EVENT_TLS;
    case SMTP_SERVER_ON_VRFY:
        return SMTP_SERVER_EVENT_VRFY;
    case SMTP_SERVER_ON_EXPN:
        return SMTP_SERVER_EVENT_EXPN;
    case SMTP_SERVER_ON_AUTH:
        return SMTP_SERVER_EVENT_AUTH;
    case SMTP_SERVER_ON_MAIL:
        return SMTP_SERVER_EVENT_MAIL;
    case SMTP_SERVER_ON_RCPT:
        return SMTP_SERVER_EVENT_RCPT;
    case SMTP_SERVER_ON_DATA:
        return SMTP_SERVER_EVENT_DATA;
    case SMTP_SERVER_ON_END_OF_CONTENT:
        return SMTP_SERVER_EVENT_MESSAGE_END;
    }
    return SMTP_SERVER_EVENT_CONTENT;
}

static void cause_input(Session *session, SmtpServerState state, SmtpServerInput input)
{
    SmtpServer *server = session->server;
    bool open = state == SMTP_SERVER_CONNECT || state == SMTP_SERVER_FINAL_DOT;
    bool from_tls = state == SMTP_SERVER_TLS && input != SMTP_SERVER_ON_TLS_STARTED;
    /* In TLS only what strikes before the 220 has been taken does so: an open question waits. */
    if (from_tls) {
        smtp_server_free(server);
        session->server = server = smtp_server_new(&session->options);
        SmtpServerEvent event;
        while (smtp_server_next_event(server, &event))
            smtp_server_accept(server, event.token);
        smtp_server_receive(server, span_of_text("EHLO a\r\nSTARTTLS\r\n"));
        while (smtp_server_next_event(server, &event))
            smtp_server_accept(server, event.token);
        assert_int_equal(smtp_server_state(server), SMTP_SERVER_TLS);
    }
    switch ((int)input) {
    case SMTP_SERVER_ON_GREETING_ACCEPTED:
    case SMTP_SERVER_ON_MESSAGE_ANSWERED:
    case SMTP_SERVER_ON_TLS_STARTED:
        smtp_server_accept(server, session->token);
        break;
    case SMTP_SERVER_ON_GREETING_REFUSED:
        smtp_server_answer(server, session->token, smtp_reply(554, NULL, "no"));
        break;
    case SMTP_SERVER_ON_SHUT_DOWN:
        if (open)
            smtp_server_answer(server, session->token, smtp_reply(421, NULL, "bye"));
        else
            smtp_server_shut_down(server);
        break;
    case SMTP_SERVER_ON_TIME_OUT:
        smtp_server_time_out(server);
        break;
    case SMTP_SERVER_ON_CONNECTION_END:
        smtp_server_receive_end(server);
        break;
    default:
        feed(session, line_of(state, input));
    }
    run(session);
}

/* The reply that came last in a walk through one cell. */
static int last_code(const Session *session)
{
    int code = 0;
    for (const char *line = session->output->str; *line != '\0'; line = strstr(line, "\r\n") + 2)
        code = (int)g_ascii_strtoull(line, NULL, 10);
    return code;
}

static void walk_cell(SmtpServerState state, SmtpServerInput input)
{
    SmtpServerOptions options = smtp_server_options("mx.b.example");
    options.extensions |= SMTP_EXTENSION_AUTH | SMTP_EXTENSION_CHUNKING | SMTP_EXTENSION_STARTTLS;
    if (input == SMTP_SERVER_ON_TOO_MANY_ERRORS)
        options.error_maximum = 1;
    Session *session = session_with(options);
    const StateCell *cell = state_table_cell(&smtp_server_table, (uint8_t)state, (uint8_t)input);
    if (input == SMTP_SERVER_ON_TOO_MANY_ERRORS)
        enter_with_error(session, state);
    else {
        session->more_chunks = input == SMTP_SERVER_ON_CHUNK_END;
        enter(session, state);
    }
    if (strncmp(smtp_server_table.actions[cell->action], "ask", 3) == 0 ||
        input == SMTP_SERVER_ON_AUTH || input == SMTP_SERVER_ON_STARTTLS)
        session->hold = asked_by(input);
    if (input == SMTP_SERVER_ON_TOO_MANY_ERRORS) {
        feed(session, "NOOP\r\n");
    } else {
        cause_input(session, state, input);
    }
    if (smtp_server_state(session->server) != cell->next)
        fail_msg("[%s][%s] leads to %s", smtp_server_table.states[state],
                 smtp_server_table.events[input],
                 smtp_server_table.states[smtp_server_state(session->server)]);
    bool is_said = cell->reply != 0 && input != SMTP_SERVER_ON_TLS_STARTED;
    if (is_said && last_code(session) != cell->reply)
        fail_msg("[%s][%s] replies %d", smtp_server_table.states[state],
                 smtp_server_table.events[input], last_code(session));
    session_free(session);
}

static void test_every_cell_does_what_it_says(void **test_state)
{
    (void)test_state;
    int walked = 0;
    for (uint8_t state = 0; state < SMTP_SERVER_STATE_COUNT; state++) {
        for (uint8_t input = 0; input < SMTP_SERVER_INPUT_COUNT; input++) {
            const StateCell *cell = state_table_cell(&smtp_server_table, state, input);
            if (strcmp(smtp_server_table.actions[cell->action], "cannot happen") == 0)
                continue;
            walk_cell((SmtpServerState)state, (SmtpServerInput)input);
            walked++;
        }
    }
    assert_true(walked > 100);
}

/* Dialogues */

static void test_textbook_dialogue(void **state)
{
    (void)state;
    SmtpServerOptions options = smtp_server_options("mx.b.example");
    options.extensions = 0;
    Session *session = session_with(options);
    expect(session, "", "220 mx.b.example ESMTP service ready\r\n");
    expect(session, "HELO a.example\r\n", "250 mx.b.example greets a.example\r\n");
    expect(session, "MAIL FROM: <alice@a.example>\r\n", "501 Syntax error in address\r\n");
    expect(session, "MAIL FROM:<alice@a.example>\r\n", "250 OK\r\n");
    expect(session, "RCPT TO:<bob@b.example>\r\n", "250 OK\r\n");
    expect(session, "DATA\r\n", "354 Start mail input; end with <CRLF>.<CRLF>\r\n");
    expect(session, "Do you like ketchup?\r\n.\r\n", "250 OK\r\n");
    expect(session, "QUIT\r\n", "221 mx.b.example Service closing transmission channel\r\n");
    assert_true(smtp_server_is_finished(session->server));
    assert_non_null(strstr(session->log->str, "message [Do you like ketchup?\r\n]\n"));
    assert_non_null(strstr(session->log->str, "C QUIT\nREADY>CLOSED\nS 221\nclosed 0\n"));
    session_free(session);
}

static void test_ehlo_names_extensions(void **state)
{
    (void)state;
    SmtpServerOptions options = smtp_server_options("mx.b.example");
    options.message_maximum = 1000;
    Session *session = session_with(options);
    feed(session, "");
    expect(session, hello,
           "250-mx.b.example greets a.example\r\n250-PIPELINING\r\n250-8BITMIME\r\n"
           "250-ENHANCEDSTATUSCODES\r\n250-DSN\r\n250-SMTPUTF8\r\n250 SIZE 1000\r\n");
    expect(session, "NOOP\r\n", "250 2.0.0 OK\r\n");
    expect(session, "MAIL FROM:<a@a.example> SIZE=1001\r\n",
           "552 5.3.4 Message size exceeds fixed maximum message size\r\n");
    expect(session, "MAIL FROM:<a@a.example> SIZE=1000 BODY=8BITMIME\r\n", "250 2.1.0 OK\r\n");
    expect(session, "RCPT TO:<b@b.example>\r\n", "250 2.1.5 OK\r\n");
    session_free(session);
}

static void test_node_chooses_replies(void **state)
{
    (void)state;
    Session *session = session_new();
    feed(session, hello);
    session->special = SMTP_SERVER_EVENT_RCPT;
    session->answer = smtp_reply(550, "5.1.1", "No such user\r\nhere\nsecond line");
    feed(session, "MAIL FROM:<>\r\n");
    expect(session, "RCPT TO:<x@b.example>\r\n",
           "550-5.1.1 No such user?\r\n550-5.1.1 here\r\n550 5.1.1 second line\r\n");
    expect(session, "DATA\r\n", "554 5.5.1 No valid recipients\r\n");
    session->special = SMTP_SERVER_EVENT_MESSAGE_END;
    session->answer = smtp_reply(250, "2.0.0", "queued as 17");
    feed(session, "RCPT TO:<b@b.example>\r\nDATA\r\n");
    expect(session, "Hi\r\n.\r\n", "250 2.0.0 queued as 17\r\n");
    session_free(session);
}

static void test_commands_out_of_order(void **state)
{
    (void)state;
    Session *session = session_new();
    feed(session, "");
    expect_code(session, "MAIL FROM:<a@a.example>\r\n", 503);
    expect_code(session, hello, 250);
    expect_code(session, "RCPT TO:<b@b.example>\r\n", 503);
    expect_code(session, "DATA\r\n", 503);
    expect_code(session, "mail from:<a@a.example>\r\n", 250);
    expect_code(session, "MAIL FROM:<a@a.example>\r\n", 503);
    expect_code(session, "DATA\r\n", 554);
    expect_code(session, "RSET x\r\n", 501);
    expect_code(session, "rset  \r\n", 250);
    expect_code(session, "VRFY bob\r\n", 252);
    expect_code(session, "EXPN all\r\n", 252);
    expect_code(session, "VRFY\r\n", 501);
    expect_code(session, "HELP me\r\n", 504);
    expect(session, "HELP data\r\n",
           "214 2.0.0 DATA: then the message, ended by a line with a single dot\r\n");
    expect_code(session, "NOOP anything\r\n", 250);
    expect_code(session, "\r\n", 500);
    expect_code(session, "BDAT 10 LAST\r\n", 500);
    session_free(session);
}

static void test_addresses(void **state)
{
    (void)state;
    static const struct {
        const char *line;
        int code;
    } cases[] = {
        {"RCPT TO:<@x.example,@y.example:b@b.example>\r\n", 250},
        {"RCPT TO:<PostMaster>\r\n", 250},
        {"RCPT TO:<\"b ob\\\"\"@b.example>\r\n", 250},
        {"RCPT TO:<b@[192.0.2.1]>\r\n", 250},
        {"RCPT TO:<b@[IPv6:2001:db8::1]>\r\n", 250},
        {"RCPT TO:<b@b.example> NOTIFY=SUCCESS,DELAY ORCPT=rfc822;b+40b.example\r\n", 250},
        {"RCPT TO:<>\r\n", 501},
        {"RCPT TO:<b>\r\n", 501},
        {"RCPT TO:b@b.example\r\n", 501},
        {"RCPT TO:<b..c@b.example>\r\n", 501},
        {"RCPT TO:<b@-b.example>\r\n", 501},
        {"RCPT TO:<b@b_b.example>\r\n", 501},
        {"RCPT TO:<b@[300.0.2.1]>\r\n", 501},
        {"RCPT TO:<b@b.example>x\r\n", 501},
        {"RCPT FROM:<b@b.example>\r\n", 501},
        {"RCPT TO:<b@b.example> NOTIFY=NEVER,DELAY\r\n", 501},
        {"RCPT TO:<b@b.example> FOO=BAR\r\n", 555},
        {"RCPT TO:<\xc3\xa9@b.example>\r\n", 553},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        Session *session = session_new();
        feed(session, "EHLO a\r\nMAIL FROM:<>\r\n");
        expect_code(session, cases[i].line, cases[i].code);
        session_free(session);
    }
}

/* §4.5.3.1.1 to §4.5.3.1.3: what must be taken is, in MAIL and in RCPT, and one octet more is
 * not. A path of 256 octets has its angle brackets in it. */
static void test_lengths_of_addresses(void **state)
{
    (void)state;
    enum { LOCAL_PART = 64, DOMAIN = 255, PATH = 256 };
    g_autofree char *letters = g_strnfill(63, 'd');
    g_autofree char *domain =
        g_strdup_printf("%s.%s.%s.%.57s.bb", letters, letters, letters, letters);
    for (int rcpt = 0; rcpt < 2; rcpt++) {
        const char *verb = rcpt ? "RCPT TO" : "MAIL FROM";
        const char *too_long = rcpt ? "501 5.1.3 Path too long\r\n" : "501 5.1.7 Path too long\r\n";
        Session *session = session_new();
        feed(session, rcpt ? "EHLO a\r\nMAIL FROM:<>\r\n" : "EHLO a\r\n");
        size_t most = PATH - strlen("<>@") - LOCAL_PART;
        g_autofree char *local = g_strnfill(LOCAL_PART, 'l');
        g_autofree char *longest = g_strdup_printf("%.*s", (int)most, domain);
        g_autofree char *good = g_strdup_printf("%s:<%s@%s>\r\n", verb, local, longest);
        assert_int_equal(strlen(good), strlen(verb) + 1 + PATH + 2);
        expect_code(session, good, 250);
        feed(session, rcpt ? "" : "RSET\r\n");
        g_autofree char *path = g_strdup_printf("%s:<%s@%s1>\r\n", verb, local, longest);
        expect(session, path, too_long);
        g_autofree char *user = g_strdup_printf("%s:<l%s@b.example>\r\n", verb, local);
        expect(session, user, too_long);
        session_free(session);
    }
    /* A path has room for a domain of 252 octets; in EHLO it may have all its 255. */
    Session *session = session_new();
    assert_int_equal(strlen(domain), DOMAIN - 3);
    g_autofree char *hello_line = g_strdup_printf("EHLO %sccc\r\n", domain);
    feed(session, "");
    expect_code(session, "EHLO a\r\n", 250);
    expect_code(session, hello_line, 250);
    g_autofree char *beyond = g_strdup_printf("EHLO %scccc\r\n", domain);
    expect_code(session, beyond, 501);
    session_free(session);
}

static void test_mail_parameters_reach_the_node(void **state)
{
    (void)state;
    SmtpMailParameters mail;
    SmtpReply refusal;
    uint32_t all = SMTP_EXTENSIONS_DEFAULT;
    assert_true(smtp_mail_parameters_parse(
        span_of_text(" SIZE=12 BODY=8BITMIME RET=HDRS ENVID=QQ+2B1 SMTPUTF8"), all, &mail,
        &refusal));
    assert_int_equal(mail.size, 12);
    assert_int_equal(mail.body, SMTP_BODY_8BITMIME);
    assert_int_equal(mail.ret, RETURN_HEADERS);
    assert_true(mail.utf8);
    assert_true(span_equals(mail.envid, span_of_text("QQ+2B1")));
    static const struct {
        const char *text;
        int code;
    } bad[] = {
        {" SIZE=x", 501},          {" SIZE", 501},          {" RET=ALL", 501}, {" ENVID=a=b", 501},
        {" BODY=BINARYMIME", 504}, {" SIZE=1 SIZE=2", 501}, {"x", 501},        {" AUTH=<>", 555},
        {" ENVID=+zz", 501},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(bad); i++) {
        assert_false(smtp_mail_parameters_parse(span_of_text(bad[i].text), all, &mail, &refusal));
        assert_int_equal(refusal.code, bad[i].code);
    }
    assert_false(smtp_mail_parameters_parse(span_of_text(" SIZE=1"), 0, &mail, &refusal));
    assert_int_equal(refusal.code, 555);
}

static void test_auth(void **state)
{
    (void)state;
    Session *session = session_new();
    feed(session, hello);
    expect(session, "AUTH PLAIN\r\n", "334 \r\n");
    expect(session, "*\r\n", "501 5.7.0 Authentication cancelled\r\n");
    expect_code(session, "AUTH CRAM-MD5\r\n", 504);
    expect_code(session, "AUTH PLAIN !!!!\r\n", 501);
    session->special = SMTP_SERVER_EVENT_AUTH;
    session->answer = smtp_reply(535, "5.7.8", "");
    expect_code(session, "AUTH PLAIN AGFsaWNlAHNlY3JldA==\r\n", 535);
    session->special = SMTP_SERVER_EVENT_CONTENT;
    expect(session, "AUTH LOGIN\r\n", "334 VXNlcm5hbWU6\r\n");
    expect(session, "YWxpY2U=\r\n", "334 UGFzc3dvcmQ6\r\n");
    expect(session, "c2VjcmV0\r\n", "235 2.7.0 Authentication succeeded\r\n");
    assert_non_null(strstr(session->log->str, "auth PLAIN alice secret\n"));
    assert_non_null(strstr(session->log->str, "auth LOGIN alice secret\n"));
    expect_code(session, "AUTH PLAIN AGFsaWNlAHNlY3JldA==\r\n", 503);
    session_free(session);
}

/* BDAT: RFC 3030 */

static Session *session_chunking(void)
{
    SmtpServerOptions options = smtp_server_options("mx.b.example");
    options.extensions |= SMTP_EXTENSION_CHUNKING;
    options.message_maximum = 100;
    Session *session = session_with(options);
    feed(session, hello);
    return session;
}

static void test_chunks_make_a_message(void **state)
{
    (void)state;
    Session *session = session_chunking();
    feed(session, envelope);
    expect(session, "BDAT 7\r\n.\r\n\r\nQU", "250 2.0.0 7 octets received\r\n");
    expect(session, "DATA\r\n", "503 5.5.1 Bad sequence of commands\r\n");
    expect(session, "BDAT 0\r\n", "250 2.0.0 0 octets received\r\n");
    expect(session, "BDAT 10 LAST\r\nIT\r\nx\r\n.\r\nQUIT\r\n",
           "250 2.0.0 OK\r\n221 2.0.0 mx.b.example Service closing transmission channel\r\n");
    assert_non_null(strstr(session->log->str, "message [.\r\n\r\nQUIT\r\nx\r\n.\r\n]\n"));
    session_free(session);
}

/* Whatever becomes of a chunk, its octets are not taken for commands. */
static void test_chunks_out_of_order_are_dropped(void **state)
{
    (void)state;
    Session *session = session_chunking();
    expect_code(session, "BDAT 6\r\nQUIT\r\n", 503);
    feed(session, "MAIL FROM:<>\r\n");
    expect_code(session, "BDAT 6 LAST\r\nRSET\r\n", 554);
    feed(session, "RCPT TO:<b@b.example>\r\n");
    expect(session, "BDAT 3\r\na\nbBDAT 6 LAST\r\nQUIT\r\n",
           "550 5.5.2 Bare CR or LF is not allowed in a message\r\n"
           "503 5.5.1 Bad sequence of commands\r\n");
    assert_int_equal(smtp_server_state(session->server), SMTP_SERVER_READY);
    g_autofree char *large = g_strnfill(101, 'x');
    g_autofree char *too_large = g_strconcat("BDAT 101 LAST\r\n", large, NULL);
    feed(session, envelope);
    expect(session, too_large, "552 5.3.4 Message too large\r\n");
    feed(session, envelope);
    expect_code(session, "BDAT 3\r\na\r\r", 550);
    feed(session, envelope);
    expect_code(session, "BDAT 2 LAST\r\na\r", 550);
    expect_code(session, "BDAT 1 FIRST\r\n", 421);
    assert_true(smtp_server_is_finished(session->server));
    session_free(session);
}

/* A CR and its LF may lie in two chunks. */
static void test_a_line_end_across_chunks(void **state)
{
    (void)state;
    Session *session = session_chunking();
    feed(session, envelope);
    expect_code(session, "BDAT 2\r\na\r", 250);
    expect_code(session, "BDAT 1 LAST\r\n\n", 250);
    assert_non_null(strstr(session->log->str, "message [a\r\n]\n"));
    session_free(session);
}

/* STARTTLS: RFC 3207 */

static void test_starttls_forgets_everything(void **state)
{
    (void)state;
    SmtpServerOptions options = smtp_server_options("mx.b.example");
    options.extensions = SMTP_EXTENSION_AUTH | SMTP_EXTENSION_STARTTLS;
    options.auth_needs_tls = true;
    Session *session = session_with(options);
    feed(session, "");
    expect_code(session, "STARTTLS\r\n", 503);
    expect(session, hello, "250-mx.b.example greets a.example\r\n250 STARTTLS\r\n");
    expect_code(session, "AUTH PLAIN AGEAYg==\r\n", 538);
    expect_code(session, "STARTTLS now\r\n", 501);
    /* What is injected behind STARTTLS is dropped. */
    expect(session, "STARTTLS\r\nMAIL FROM:<eve@a.example>\r\n", "220 Ready to start TLS\r\n");
    assert_null(strstr(session->log->str, "eve"));
    assert_non_null(strstr(session->log->str, "S 220\ntls\nTLS>GREETED\n"));
    expect_code(session, "MAIL FROM:<>\r\n", 503);
    expect(session, hello, "250-mx.b.example greets a.example\r\n250 AUTH PLAIN LOGIN\r\n");
    expect_code(session, "STARTTLS\r\n", 500);
    expect_code(session, "AUTH PLAIN AGEAYg==\r\n", 235);
    session_free(session);
}

/* While the node hides the stream the engine takes no octets. */
static void test_starttls_takes_nothing_meanwhile(void **state)
{
    (void)state;
    SmtpServerOptions options = smtp_server_options("mx.b.example");
    options.extensions = SMTP_EXTENSION_STARTTLS;
    Session *session = session_with(options);
    session->hold = SMTP_SERVER_EVENT_TLS;
    feed(session, "EHLO a\r\nSTARTTLS\r\n");
    assert_int_equal(smtp_server_input_room(session->server), 0);
    assert_int_equal(smtp_server_timeout(session->server), SMTP_TIMEOUT_NONE);
    smtp_server_accept(session->server, session->token);
    assert_true(smtp_server_input_room(session->server) > 0);
    assert_int_equal(smtp_server_timeout(session->server), SMTP_TIMEOUT_SERVER);
    session_free(session);
}

/* Transactions that come to nothing */

static void test_resets_are_told(void **state)
{
    (void)state;
    Session *session = session_new();
    feed(session, hello);
    feed(session, envelope);
    feed(session, "RSET\r\n");
    feed(session, envelope);
    feed(session, hello);
    feed(session, envelope);
    smtp_server_receive_end(session->server);
    run(session);
    const char *log = session->log->str;
    assert_non_null(log = strstr(log, "RCPT>READY\nS 250\nreset 0\n"));
    assert_non_null(log = strstr(log, "helo a.example\nRCPT>READY\nS 250\nreset 0\n"));
    assert_non_null(log = strstr(log, "RCPT>CLOSED\nreset 2\nclosed 1\n"));
    session_free(session);
}

static void test_refused_ehlo_keeps_the_transaction(void **state)
{
    (void)state;
    Session *session = session_new();
    feed(session, hello);
    feed(session, envelope);
    session->special = SMTP_SERVER_EVENT_HELO;
    session->answer = smtp_reply(550, "5.7.1", "not you");
    expect(session, hello, "550 not you\r\n"); /* RFC 2034 §4: no enhanced code here */
    assert_int_equal(smtp_server_state(session->server), SMTP_SERVER_RCPT);
    session_free(session);
}

static void test_shut_down_waits_for_the_answer(void **state)
{
    (void)state;
    Session *session = session_new();
    enter(session, SMTP_SERVER_FINAL_DOT);
    smtp_server_shut_down(session->server);
    run(session);
    assert_string_equal(session->output->str, "");
    smtp_server_accept(session->server, session->token);
    run(session);
    assert_string_equal(session->output->str,
                        "250 2.0.0 OK\r\n421 4.3.2 mx.b.example Service not available, closing "
                        "transmission channel\r\n");
    assert_non_null(strstr(session->log->str, "closed 3\n"));
    session_free(session);
}

static void test_timeout_and_its_epoch(void **state)
{
    (void)state;
    Session *session = session_new();
    assert_int_equal(smtp_server_timeout(session->server), SMTP_TIMEOUT_NONE);
    feed(session, hello);
    uint32_t epoch = smtp_server_timeout_epoch(session->server);
    feed(session, "NO");
    feed(session, "OP");
    assert_int_equal(smtp_server_timeout_epoch(session->server), epoch);
    feed(session, "\r\n");
    assert_int_not_equal(smtp_server_timeout_epoch(session->server), epoch);
    assert_int_equal(smtp_server_timeout(session->server), SMTP_TIMEOUT_SERVER);
    assert_true(smtp_timeout_default_ns(SMTP_TIMEOUT_SERVER) == INT64_C(300000000000));
    g_string_truncate(session->output, 0);
    smtp_server_time_out(session->server);
    run(session);
    assert_true(g_str_has_prefix(session->output->str, "421 4.4.2 "));
    assert_int_equal(smtp_server_timeout(session->server), SMTP_TIMEOUT_NONE);
    session_free(session);
}

/* Content */

/* Sends `wire` after 354; returns the code after it, and the content in session->content. */
static int deliver(Session *session, const char *wire)
{
    feed(session, hello);
    feed(session, envelope);
    feed(session, "DATA\r\n");
    g_string_truncate(session->output, 0);
    feed(session, wire);
    return (int)g_ascii_strtoull(session->output->str, NULL, 10);
}

static void test_dots_are_removed(void **state)
{
    (void)state;
    static const struct {
        const char *wire, *content;
    } cases[] = {
        {".\r\n", ""},
        {"\r\n.\r\n", "\r\n"},
        {"..\r\n.\r\n", ".\r\n"},
        {"...a\r\n.\r\n", "..a\r\n"},
        {".a\r\n.\r\n", "a\r\n"},
        {"a.\r\n..b\r\n..\r\n.\r\n", "a.\r\n.b\r\n.\r\n"},
        {"\xff\xfe\r\n.\r\n", "\xff\xfe\r\n"},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        Session *session = session_new();
        assert_int_equal(deliver(session, cases[i].wire), 250);
        assert_string_equal(session->content->str, cases[i].content);
        session_free(session);
    }
}

/* Each sequence that some server takes for the end of the content, a second mail behind it. */
static const char *const smuggling[] = {
    "\n.\n", "\n.\r\n", "\r.\r", "\r.\r\n", "\r\n.\n", "\r\n.\r", "\n.\r", "\r\n\r.\r\n",
};
static const char *const smuggled =
    "MAIL FROM:<eve@a.example>\r\nRCPT TO:<bob@b.example>\r\nDATA\r\nevil\r\n.\r\n";

static void test_smuggling_is_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < G_N_ELEMENTS(smuggling); i++) {
        Session *session = session_new();
        g_autofree char *wire = g_strconcat("a", smuggling[i], smuggled, NULL);
        assert_int_equal(deliver(session, wire), 550);
        assert_null(strstr(session->log->str, "eve"));
        assert_null(strstr(session->log->str, "message"));
        assert_non_null(strstr(session->log->str, "reset 1\n"));
        assert_int_equal(smtp_server_state(session->server), SMTP_SERVER_READY);
        session_free(session);
    }
}

static void test_vulnerable_server_is_smuggled_to(void **state)
{
    (void)state;
    static const char *const works[] = {"\n.\n", "\n.\r\n", "\r\n.\n"};
    for (size_t i = 0; i < G_N_ELEMENTS(works); i++) {
        SmtpServerOptions options = smtp_server_options("mx.b.example");
        options.bare_newlines = SMTP_BARE_NEWLINES_END_LINES;
        Session *session = session_with(options);
        g_autofree char *wire = g_strconcat("a", works[i], smuggled, NULL);
        assert_int_equal(deliver(session, wire), 250);
        assert_non_null(strstr(session->log->str, "message [a\r\n]\n"));
        assert_non_null(strstr(session->log->str, "mail <eve@a.example>\n"));
        assert_non_null(strstr(session->log->str, "message [evil\r\n]\n"));
        session_free(session);
    }
}

/* The smuggler's own server: what it takes it hands on as it came, one message whole. */
static void test_bare_newlines_are_kept(void **state)
{
    (void)state;
    SmtpServerOptions options = smtp_server_options("mx.b.example");
    options.bare_newlines = SMTP_BARE_NEWLINES_KEPT;
    Session *session = session_with(options);
    assert_int_equal(deliver(session, "a\n.\nb\rc\n.\r\nd\r\n.\r\n"), 250);
    assert_non_null(strstr(session->log->str, "message [a\n.\nb\rc\n.\r\nd\r\n]\n"));
    expect(session, "NOOP\nMAIL FROM:<>\r\n", "500 5.5.2 Bare CR or LF is not allowed\r\n");
    session_free(session);
}

static void test_bare_newlines_in_commands(void **state)
{
    (void)state;
    Session *session = session_new();
    feed(session, hello);
    expect(session, "NOOP\nMAIL FROM:<>\r\n", "500 5.5.2 Bare CR or LF is not allowed\r\n");
    expect(session, "NOOP\rNOOP\r\n", "500 5.5.2 Bare CR or LF is not allowed\r\n");
    assert_int_equal(smtp_server_state(session->server), SMTP_SERVER_READY);
    session_free(session);
}

/* A second reading of the end of content, as simple as can be: the first CRLF.CRLF, counted from
 * the CRLF of the DATA line, ends it; a dot that starts a line is removed; a CR or LF that is alone
 * makes the content bad. */
static bool reference_read(const GString *wire, GString *content, bool *is_sound)
{
    g_autofree char *whole = g_strconcat("\r\n", wire->str, NULL);
    const char *end = strstr(whole, "\r\n.\r\n");
    if (end == NULL)
        return false;
    size_t length = (size_t)(end - whole) + 2;
    g_string_truncate(content, 0);
    *is_sound = true;
    for (size_t i = 2; i < length; i++) {
        bool starts_line = whole[i - 2] == '\r' && whole[i - 1] == '\n';
        if (!(starts_line && whole[i] == '.'))
            g_string_append_c(content, whole[i]);
        if ((whole[i] == '\n' && whole[i - 1] != '\r') ||
            (whole[i] == '\r' && whole[i + 1] != '\n'))
            *is_sound = false;
    }
    return true;
}

static uint32_t next_random(uint32_t *seed);

static void test_end_of_content_against_reference(void **state)
{
    (void)state;
    static const char *const alphabet[] = {"\r\n", "\r", "\n", ".", ".", "a", "\r\n.\r\n"};
    unsigned ended = 0, sound = 0;
    uint32_t seed = 20;
    g_autoptr(GString) wire = g_string_new(NULL);
    g_autoptr(GString) content = g_string_new(NULL);
    for (int round = 0; round < 20000; round++) {
        g_string_truncate(wire, 0);
        for (uint32_t left = 1 + next_random(&seed) % 12; left > 0; left--)
            g_string_append(wire, alphabet[next_random(&seed) % G_N_ELEMENTS(alphabet)]);
        bool is_sound = false;
        bool has_end = reference_read(wire, content, &is_sound);
        Session *session = session_new();
        session->hold = SMTP_SERVER_EVENT_MESSAGE_END;
        int code = deliver(session, wire->str);
        bool taken = smtp_server_state(session->server) == SMTP_SERVER_FINAL_DOT;
        assert_int_equal(taken, has_end && is_sound);
        assert_int_equal(code == 550, has_end && !is_sound);
        if (taken)
            assert_string_equal(session->content->str, content->str);
        ended += has_end;
        sound += taken;
        session_free(session);
    }
    assert_true(sound > 1000 && ended > sound + 1000 && ended < 19000);
}

/* Limits */

static void test_command_line_length(void **state)
{
    (void)state;
    Session *session = session_new();
    feed(session, "");
    g_autofree char *fill = g_strnfill(SMTP_COMMAND_LINE_MAXIMUM - 7, 'x');
    g_autofree char *longest = g_strdup_printf("NOOP %s\r\n", fill);
    g_autofree char *longer = g_strdup_printf("NOOP %sx\r\n", fill);
    expect_code(session, longest, 250);
    expect(session, longer, "500 5.5.2 Line too long\r\n");
    expect_code(session, "NOOP\r\n", 250);
    session_free(session);
}

/* §4.5.3.1.4, §4.5.3.1.6: what any server must take, with its CRLF. */
static void test_lines_that_must_be_taken(void **state)
{
    (void)state;
    Session *session = session_new();
    feed(session, "");
    g_autofree char *command = g_strnfill(SMTP_COMMAND_LINE_MINIMUM - strlen("NOOP \r\n"), 'x');
    g_autofree char *line = g_strdup_printf("NOOP %s\r\n", command);
    assert_int_equal(strlen(line), 512);
    expect_code(session, line, 250);
    /* "not counting the leading dot duplicated for transparency" */
    g_autofree char *fill = g_strnfill(SMTP_TEXT_LINE_MINIMUM - strlen(".\r\n"), 'x');
    g_autofree char *text = g_strdup_printf("..%s\r\n", fill);
    assert_int_equal(strlen(text), 1000 + 1);
    g_autofree char *wire = g_strdup_printf("%s.\r\n", text);
    assert_int_equal(deliver(session, wire), 250);
    assert_int_equal(session->content->len, 1000);
    session_free(session);
}

static void test_text_line_length(void **state)
{
    (void)state;
    g_autofree char *fill = g_strnfill(SMTP_TEXT_LINE_MAXIMUM - 2, 'x');
    g_autofree char *longest = g_strdup_printf(".%s\r\n.\r\n", fill);
    g_autofree char *longer = g_strdup_printf("%sx\r\n.\r\n", fill);
    Session *session = session_new();
    assert_int_equal(deliver(session, longest), 250);
    assert_int_equal(deliver(session, longer), 500);
    session_free(session);
}

static void test_message_size(void **state)
{
    (void)state;
    SmtpServerOptions options = smtp_server_options("mx.b.example");
    options.message_maximum = 10;
    Session *session = session_with(options);
    assert_int_equal(deliver(session, "12345678\r\n.\r\n"), 250);
    assert_int_equal(deliver(session, "123456789\r\n.\r\n"), 552);
    session_free(session);
}

static void test_recipient_limit(void **state)
{
    (void)state;
    Session *session = session_new();
    feed(session, hello);
    feed(session, "MAIL FROM:<>\r\n");
    for (int i = 0; i < SMTP_RECIPIENTS_MINIMUM; i++)
        expect_code(session, "RCPT TO:<b@b.example>\r\n", 250);
    expect(session, "RCPT TO:<b@b.example>\r\n", "452 4.5.3 Too many recipients\r\n");
    expect_code(session, "DATA\r\n", 354);
    session_free(session);
}

static void test_error_limit(void **state)
{
    (void)state;
    Session *session = session_new();
    feed(session, "");
    for (int i = 0; i < SMTP_SERVER_ERRORS_DEFAULT; i++)
        expect_code(session, "FOO\r\n", 500);
    expect_code(session, "NOOP\r\n", 421);
    assert_true(smtp_server_is_finished(session->server));
    session_free(session);
}

/* As Postfix has it: junk beyond the limit counts as errors, a message taken sets it back. */
static void test_junk_limit(void **state)
{
    (void)state;
    SmtpServerOptions options = smtp_server_options("mx.b.example");
    options.junk_maximum = 3;
    options.error_maximum = 2;
    Session *session = session_with(options);
    feed(session, "");
    for (int round = 0; round < 2; round++) {
        expect_code(session, "NOOP\r\n", 250);
        expect_code(session, "HELP DATA\r\n", 214);
        expect_code(session, "RSET\r\n", 250);
        if (round == 0)
            assert_int_equal(deliver(session, "x\r\n.\r\n"), 250);
    }
    expect_code(session, "NOOP\r\n", 250);
    expect_code(session, "VRFY bob\r\n", 252);
    expect_code(session, "NOOP\r\n", 421);
    session_free(session);
}

/* A peer that never reads: the engine holds commands back and keeps within its maximum. */
static void test_output_is_bounded(void **state)
{
    (void)state;
    SmtpServerOptions options = smtp_server_options("mx.b.example");
    SmtpServer *server = smtp_server_new(&options);
    SmtpServerEvent event;
    size_t fed = 0;
    for (;;) {
        while (smtp_server_next_event(server, &event)) {
            if (event.token != 0)
                smtp_server_accept(server, event.token);
        }
        if (smtp_server_input_room(server) < 6)
            break;
        smtp_server_receive(server, span_of_text("HELP\r\n"));
        fed++;
    }
    size_t replies = 0;
    while (smtp_server_peek_output(server).length > 0) {
        Span output = smtp_server_peek_output(server);
        assert_true(output.length <= SMTP_SERVER_OUTPUT_MAXIMUM);
        for (size_t i = 0; i < output.length; i++)
            replies += output.data[i] == '\n';
        smtp_server_consume_output(server, output.length);
        assert_false(smtp_server_next_event(server, &event));
    }
    assert_int_equal(replies, fed + 1);
    smtp_server_free(server);
}

/* Pieces */

static const char *const long_session =
    "EHLO a.example\r\nAUTH LOGIN\r\nYWxpY2U=\r\nc2VjcmV0\r\nMAIL FROM:<a@a.example> SIZE=7\r\n"
    "RCPT TO:<b@b.example>\r\nRCPT TO:<nobody\r\nDATA\r\n..\r\n.x\r\n\r\nend\r\n.\r\nNOOP\n\r\n"
    "MAIL FROM:<>\r\nRCPT TO:<c@b.example>\r\nDATA\r\nbare\nx\r\n.\r\nRSET\r\nMAIL FROM:<>\r\n"
    "BDAT 4\r\nlostRSET\r\nMAIL FROM:<>\r\nRCPT TO:<c@b.example>\r\nBDAT 6\r\nab\r\n.\r"
    "BDAT 3 LAST\r\n\nz\nBDAT 2 LAST\r\nxyRSET\r\nMAIL FROM:<>\r\nRCPT TO:<c@b.example>\r\n"
    "BDAT 1\r\n.BDAT 2 LAST\r\n\r\nQUIT\r\nignored\r\n";

/* Next of a small generator: enough to cut at many places, the same in every run. */
static uint32_t next_random(uint32_t *seed)
{
    *seed = *seed * 1664525U + 1013904223U;
    return *seed >> 16;
}

static char *play_in_pieces(size_t largest, uint32_t seed)
{
    SmtpServerOptions options = smtp_server_options("mx.b.example");
    options.extensions |= SMTP_EXTENSION_AUTH | SMTP_EXTENSION_CHUNKING;
    Session *session = session_with(options);
    Span rest = span_of_text(long_session);
    while (rest.length > 0) {
        size_t piece = largest == 0 ? rest.length : 1 + next_random(&seed) % largest;
        piece = MIN(piece, rest.length);
        feed_span(session, span_of(rest.data, piece));
        rest = span_skip(rest, piece);
    }
    char *all = g_strconcat(session->log->str, session->output->str, NULL);
    session_free(session);
    return all;
}

static void test_any_pieces_give_the_same(void **state)
{
    (void)state;
    g_autofree char *whole = play_in_pieces(0, 0);
    assert_non_null(strstr(whole, "message [.\r\nx\r\n\r\nend\r\n]\n"));
    assert_non_null(strstr(whole, "message [.\r\n]\n"));
    for (uint32_t seed = 0; seed < 200; seed++) {
        g_autofree char *cut = play_in_pieces(1 + seed % 20, seed);
        assert_string_equal(cut, whole);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_table_is_whole),
        cmocka_unit_test(test_every_cell_does_what_it_says),
        cmocka_unit_test(test_textbook_dialogue),
        cmocka_unit_test(test_ehlo_names_extensions),
        cmocka_unit_test(test_node_chooses_replies),
        cmocka_unit_test(test_commands_out_of_order),
        cmocka_unit_test(test_addresses),
        cmocka_unit_test(test_lengths_of_addresses),
        cmocka_unit_test(test_mail_parameters_reach_the_node),
        cmocka_unit_test(test_auth),
        cmocka_unit_test(test_chunks_make_a_message),
        cmocka_unit_test(test_chunks_out_of_order_are_dropped),
        cmocka_unit_test(test_a_line_end_across_chunks),
        cmocka_unit_test(test_starttls_forgets_everything),
        cmocka_unit_test(test_starttls_takes_nothing_meanwhile),
        cmocka_unit_test(test_resets_are_told),
        cmocka_unit_test(test_refused_ehlo_keeps_the_transaction),
        cmocka_unit_test(test_shut_down_waits_for_the_answer),
        cmocka_unit_test(test_timeout_and_its_epoch),
        cmocka_unit_test(test_dots_are_removed),
        cmocka_unit_test(test_smuggling_is_refused),
        cmocka_unit_test(test_vulnerable_server_is_smuggled_to),
        cmocka_unit_test(test_end_of_content_against_reference),
        cmocka_unit_test(test_bare_newlines_are_kept),
        cmocka_unit_test(test_bare_newlines_in_commands),
        cmocka_unit_test(test_command_line_length),
        cmocka_unit_test(test_lines_that_must_be_taken),
        cmocka_unit_test(test_text_line_length),
        cmocka_unit_test(test_message_size),
        cmocka_unit_test(test_recipient_limit),
        cmocka_unit_test(test_error_limit),
        cmocka_unit_test(test_junk_limit),
        cmocka_unit_test(test_output_is_bounded),
        cmocka_unit_test(test_any_pieces_give_the_same),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
