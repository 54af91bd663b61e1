/* A session with the SMTP client engine, as its tests hold it: the test plays the server, and the
 * node writes down what it is told. */
#pragma once

#include "proto/smtp_client.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

/* A client, and a node that writes down what it is told. */
typedef struct Session {
    SmtpClient *client;
    GString *log;
    GString *output;
    GString *texts; /* of the replies, each in a line of its own */
    bool ready;
    bool moved;         /* the state has changed since this was set to false, ... */
    uint8_t first_next; /* ... first to this */
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
    g_string_append_len(session->texts, (const char *)reply->text.data, (gssize)reply->text.length);
    g_string_append_c(session->texts, '\n');
}

static inline void observe_state(void *user, const StateTable *table, uint8_t from, uint8_t to)
{
    Session *session = user;
    assert_ptr_equal(table, &smtp_client_table);
    assert_true(state_table_allows(table, from, to));
    if (!session->moved)
        session->first_next = to;
    session->moved = true;
}

static inline Session *session_with(SmtpClientOptions options)
{
    Session *session = g_new0(Session, 1);
    options.observer = (SmtpObserver){session, observe_command, observe_reply, observe_state};
    session->client = smtp_client_new(&options);
    session->log = g_string_new(NULL);
    session->output = g_string_new(NULL);
    session->texts = g_string_new(NULL);
    return session;
}

static inline Session *session_new(void)
{
    return session_with(smtp_client_options("a.example"));
}

static inline void session_free(Session *session)
{
    smtp_client_free(session->client);
    g_string_free(session->log, TRUE);
    g_string_free(session->output, TRUE);
    g_string_free(session->texts, TRUE);
    g_free(session);
}

static inline void log_reply(Session *session, SmtpStage stage, const SmtpReply *reply,
                             SmtpReplyClass class)
{
    static const char *const classes[] = {"success", "intermediate", "temporary", "permanent"};
    g_string_append_printf(session->log, "%s %s %d %d.%d.%d %.*s\n", smtp_stage_name(stage),
                           classes[class], reply->code, reply->enhanced.class,
                           reply->enhanced.subject, reply->enhanced.detail, (int)reply->text.length,
                           (const char *)reply->text.data);
}

static inline void log_event(Session *session, const SmtpClientEvent *event)
{
    switch (event->kind) {
    case SMTP_CLIENT_EVENT_TLS:
        g_string_append(session->log, "tls\n");
        break;
    case SMTP_CLIENT_EVENT_READY:
        g_string_append_printf(session->log, "ready %x %" G_GUINT64_FORMAT "\n",
                               event->ready.extensions, event->ready.size_maximum);
        session->ready = true;
        break;
    case SMTP_CLIENT_EVENT_REFUSED:
        g_string_append(session->log, "refused ");
        log_reply(session, event->refused.stage, &event->refused.reply, event->refused.class);
        break;
    case SMTP_CLIENT_EVENT_RECIPIENT_RESULT:
        g_string_append_printf(
            session->log, "%sresult %zu ",
            event->result.reply.code == 0 && event->result.is_all_sent ? "uncertain " : "",
            event->result.index);
        log_reply(session, event->result.stage, &event->result.reply, event->result.class);
        break;
    case SMTP_CLIENT_EVENT_TRANSACTION_DONE:
        g_string_append_printf(session->log, "done %zu %zu %zu\n", event->done.delivered,
                               event->done.temporary, event->done.permanent);
        break;
    case SMTP_CLIENT_EVENT_CLOSED:
        g_string_append_printf(session->log, "closed %d %s\n", (int)event->closed.reason,
                               smtp_stage_name(event->closed.stage));
        break;
    }
}

static inline void run(Session *session)
{
    SmtpClientEvent event;
    bool moved = true;
    while (moved) {
        moved = false;
        while (smtp_client_next_event(session->client, &event)) {
            log_event(session, &event);
            moved = true;
        }
        Span output = smtp_client_peek_output(session->client);
        g_string_append_len(session->output, (const char *)output.data, (gssize)output.length);
        smtp_client_consume_output(session->client, output.length);
        moved |= output.length > 0;
    }
}

static inline void feed(Session *session, const char *text)
{
    run(session);
    smtp_client_receive(session->client, span_of_text(text));
    run(session);
}

/* Starts a mail to `count` recipients (at most 3) with this content. */
static inline void send_mail(Session *session, size_t count, const char *content)
{
    static const SmtpClientRecipient recipients[] = {{.mailbox = "bob@b.example"},
                                                     {.mailbox = "carol@b.example"},
                                                     {.mailbox = "dave@b.example"}};
    g_autoptr(Octets) bytes = octets_new(content, strlen(content));
    Slice slice = slice_new(bytes, 0, strlen(content));
    SmtpClientTransaction transaction = {.reverse_path = "alice@a.example",
                                         .recipients = recipients,
                                         .recipient_count = count,
                                         .content = &slice,
                                         .content_count = 1};
    assert_true(session->ready);
    session->ready = false;
    smtp_client_send(session->client, &transaction);
    slice_clear(&slice);
    run(session);
}

/* The server's greeting, and its reply to EHLO. */
static inline void greet(Session *session, const char *ehlo_reply)
{
    feed(session, "220 b\r\n");
    feed(session, ehlo_reply);
}

/* A server without any extension has greeted, and a mail is begun. */
static inline Session *session_with_mail(size_t count)
{
    Session *session = session_new();
    greet(session, "250 b\r\n");
    send_mail(session, count, "Hi\r\n");
    return session;
}

static inline Session *session_pipelined(size_t count)
{
    Session *session = session_new();
    greet(session, "250-b\r\n250 PIPELINING\r\n");
    send_mail(session, count, "Hi\r\n");
    return session;
}

static inline void assert_log_has(const Session *session, const char *part)
{
    if (strstr(session->log->str, part) == NULL)
        fail_msg("not in the log: %s\n%s", part, session->log->str);
}

static inline void assert_log_lacks(const Session *session, const char *part)
{
    if (strstr(session->log->str, part) != NULL)
        fail_msg("in the log: %s\n%s", part, session->log->str);
}
