/* A session with the SMTP server engine, as its tests hold it: the node accepts everything unless
 * it is told otherwise, and writes down what happens. */
#pragma once

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

static inline void observe_command(void *user, Span line)
{
    Session *session = user;
    g_string_append_printf(session->log, "C %.*s\n", (int)line.length, (const char *)line.data);
}

static inline void observe_reply(void *user, const SmtpReply *reply)
{
    Session *session = user;
    g_string_append_printf(session->log, "S %d\n", reply->code);
}

static inline void observe_state(void *user, const StateTable *table, uint8_t from, uint8_t to)
{
    Session *session = user;
    assert_ptr_equal(table, &smtp_server_table);
    assert_true(state_table_allows(table, from, to));
    g_string_append_printf(session->log, "%s>%s\n", table->states[from], table->states[to]);
}

static inline Session *session_with(SmtpServerOptions options)
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

static inline Session *session_new(void)
{
    SmtpServerOptions options = smtp_server_options("mx.b.example");
    options.extensions |= SMTP_EXTENSION_AUTH;
    return session_with(options);
}

static inline void session_free(Session *session)
{
    smtp_server_free(session->server);
    g_string_free(session->log, TRUE);
    g_string_free(session->content, TRUE);
    g_string_free(session->output, TRUE);
    g_free(session);
}

static inline void log_path(Session *session, const char *what, const Address *path)
{
    g_autofree char *mailbox = address_format(path);
    g_string_append_printf(session->log, "%s <%s>\n", what, mailbox);
}

static inline void log_event(Session *session, const SmtpServerEvent *event)
{
    switch (event->kind) {
    case SMTP_SERVER_EVENT_CONNECT:
        g_string_append(session->log, "connect\n");
        break;
    case SMTP_SERVER_EVENT_HELO:
        g_string_append_printf(session->log, "helo %s\n", event->helo.name);
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
        log_path(session, "mail", event->mail.reverse_path);
        g_string_truncate(session->content, 0);
        break;
    case SMTP_SERVER_EVENT_RCPT:
        log_path(session, "rcpt", event->rcpt.forward_path);
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
        g_string_append_printf(session->log, "message [%s]%s\n", session->content->str,
                               event->message.is_plain ? "" : " not plain");
        break;
    case SMTP_SERVER_EVENT_RESET:
        g_string_append_printf(session->log, "reset %d\n", (int)event->reset);
        break;
    case SMTP_SERVER_EVENT_CLOSED:
        g_string_append_printf(session->log, "closed %d\n", (int)event->closed);
        break;
    }
}

static inline void collect_output(Session *session)
{
    Span output = smtp_server_peek_output(session->server);
    g_string_append_len(session->output, (const char *)output.data, (gssize)output.length);
    smtp_server_consume_output(session->server, output.length);
}

static inline void run(Session *session)
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

static inline void feed_span(Session *session, Span bytes)
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

static inline void feed(Session *session, const char *text)
{
    feed_span(session, span_of_text(text));
}

/* Feeds `input` and demands that the output ends with `expected`. */
static inline void expect(Session *session, const char *input, const char *expected)
{
    g_string_truncate(session->output, 0);
    feed(session, input);
    assert_string_equal(session->output->str, expected);
}

static inline void expect_code(Session *session, const char *input, int code)
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

/* Content */

/* Sends `wire` after 354; returns the code after it, and the content in session->content. */
static inline int deliver(Session *session, const char *wire)
{
    feed(session, hello);
    feed(session, envelope);
    feed(session, "DATA\r\n");
    g_string_truncate(session->output, 0);
    feed(session, wire);
    return (int)g_ascii_strtoull(session->output->str, NULL, 10);
}
