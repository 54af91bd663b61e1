/* A session with the IMAP client engine, as its tests hold it: the server is a script. */
#pragma once

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

static inline void log_span(Session *session, const char *label, Span span)
{
    g_string_append_printf(session->log, "%s%.*s\n", label, (int)span.length,
                           (const char *)span.data);
}

static inline void log_message(Session *session, const ImapClientEvent *event)
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

static inline void log_found(Session *session, const ImapClientEvent *event)
{
    g_string_append(session->log, "found");
    for (size_t i = 0; i < event->number_count; i++)
        g_string_append_printf(session->log, " %u", event->numbers[i]);
    g_string_append_c(session->log, '\n');
}

static inline void log_done(Session *session, const ImapClientEvent *event)
{
    g_string_append_printf(session->log, "done %u %s [%.*s] ", event->tag,
                           imap_result_name(event->result), (int)event->code.length,
                           (const char *)event->code.data);
    log_span(session, "", event->text);
}

static inline void log_event(Session *session, const ImapClientEvent *event)
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

static inline void pump(Session *session)
{
    ImapClientEvent event;
    while (imap_client_next_event(session->client, &event))
        log_event(session, &event);
    for (Span out; (out = imap_client_peek_output(session->client)).length > 0;) {
        g_string_append_len(session->sent, (const char *)out.data, (gssize)out.length);
        imap_client_consume_output(session->client, out.length);
    }
}

static inline void session_begin_with(Session *session, const ImapClientOptions *options)
{
    *session = (Session){imap_client_new(options), g_string_new(NULL), g_string_new(NULL)};
}

static inline void session_begin(Session *session)
{
    session_begin_with(session, &(ImapClientOptions){0});
}

static inline void session_end(Session *session)
{
    imap_client_free(session->client);
    g_string_free(session->log, TRUE);
    g_string_free(session->sent, TRUE);
}

/* What the server says; returns the events since the last call but the lines themselves. */
static inline void hear(Session *session, const char *text)
{
    imap_client_receive(session->client, span_of_text(text));
    pump(session);
}

static inline void clear_logs(Session *session)
{
    pump(session);
    g_string_truncate(session->log, 0);
    g_string_truncate(session->sent, 0);
}

/* The server says `text`; exactly these events follow, lines left out. */
static inline void expect(Session *session, const char *text, const char *events)
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
static inline void expect_sent(Session *session, const char *line)
{
    g_string_truncate(session->sent, 0);
    pump(session);
    assert_string_equal(session->sent->str, line);
}

static inline void begin_authenticated(Session *session)
{
    session_begin(session);
    hear(session, "* PREAUTH welcome\r\n");
    assert_int_equal(imap_client_state(session->client), IMAP_CLIENT_AUTHENTICATED);
}

static inline void begin_selected(Session *session)
{
    begin_authenticated(session);
    imap_client_select(session->client, "INBOX", false);
    hear(session, "* 3 EXISTS\r\nA1 OK selected\r\n");
    assert_int_equal(imap_client_state(session->client), IMAP_CLIENT_SELECTED);
    clear_logs(session);
}
