/* Responses of the IMAP server, RFC 9051 §7. */
#include "core/check.h"
#include "proto/imap_server_internal.h"

#include <stdarg.h>

/* Octets for the client that people are not shown. */
static void put_hidden(ImapServer *server, Span octets)
{
    if (!imap_output_append(&server->output, octets))
        server->output_full = true;
}

void imap_server_put_text(ImapServer *server, Span text)
{
    g_string_append_len(server->line, (const char *)text.data, (gssize)text.length);
    put_hidden(server, text);
}

void imap_server_put(ImapServer *server, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    g_autofree char *text = g_strdup_vprintf(format, arguments);
    va_end(arguments);
    imap_server_put_text(server, span_of_text(text));
}

void imap_server_put_literal(ImapServer *server, Slice content)
{
    imap_server_put(server, "{%zu}", content.length);
    put_hidden(server, span_of_text("\r\n"));
    if (!imap_output_append_slice(&server->output, content))
        server->output_full = true;
}

/* RFC 9051 §9 quoted holds no CR, LF or NUL, and UTF-8 only after ENABLE IMAP4rev2 (§4.3): the
 * rest goes as a literal. */
static bool is_quotable(const ImapServer *server, Span string)
{
    for (size_t i = 0; i < string.length; i++) {
        uint8_t octet = string.data[i];
        if (octet == 0 || octet == '\r' || octet == '\n' || (octet >= 0x80 && !server->rev2))
            return false;
    }
    return string.length == 0 ||
           g_utf8_validate((const char *)string.data, (gssize)string.length, NULL);
}

void imap_server_put_string(ImapServer *server, Span string)
{
    if (!is_quotable(server, string)) {
        g_autoptr(Octets) bytes = octets_new(string.data, string.length);
        imap_server_put_literal(server, (Slice){bytes, 0, string.length});
        return;
    }
    g_autoptr(GString) quoted = g_string_new("\"");
    for (size_t i = 0; i < string.length; i++) {
        if (string.data[i] == '"' || string.data[i] == '\\')
            g_string_append_c(quoted, '\\');
        g_string_append_c(quoted, (char)string.data[i]);
    }
    g_string_append_c(quoted, '"');
    imap_server_put_text(server, span_of(quoted->str, quoted->len));
}

void imap_server_end_line(ImapServer *server)
{
    put_hidden(server, span_of_text("\r\n"));
    ImapServerEvent event = {.kind = IMAP_SERVER_RESPONSE_LINE};
    event.line.length = server->line->len;
    imap_server_push(server, event, g_strndup(server->line->str, server->line->len));
    g_string_truncate(server->line, 0);
}

void imap_server_say(ImapServer *server, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    g_autofree char *text = g_strdup_vprintf(format, arguments);
    va_end(arguments);
    imap_server_put_text(server, span_of_text(text));
    imap_server_end_line(server);
}

const char *imap_server_capabilities(void)
{
    return "IMAP4rev2 IMAP4rev1 ENABLE ESEARCH IDLE LITERAL+ MOVE NAMESPACE UIDPLUS UNSELECT";
}

/* RFC 9051 §7.5.1: EXPUNGE must not come while FETCH, STORE or SEARCH runs, since it would change
 * the numbers that the client means; the UID forms are other commands. */
static bool may_say_expunges(const ImapServer *server)
{
    return !server->task.command->holds_expunges || server->task.by_uid;
}

void imap_server_complete(ImapServer *server, ImapResult result, const char *code, const char *text)
{
    ImapServerTask *task = &server->task;
    CHECK(task->command != NULL);
    if (server->state == IMAP_SERVER_SELECTED)
        imap_server_say_news(server, may_say_expunges(server));
    imap_server_put(server, "%s %s ", task->tag->str, imap_result_name(result));
    if (code != NULL)
        imap_server_put(server, "[%s] ", code);
    if (text != NULL)
        imap_server_put_text(server, span_of_text(text));
    else
        imap_server_put(server, "%s%s %s", task->by_uid ? "UID " : "", task->command->name,
                        result == IMAP_OK ? "completed" : "failed");
    imap_server_end_line(server);
    server->bad_count += result == IMAP_BAD;
    imap_server_task_clear(server);
    if (!server->idling)
        imap_reader_start_anew(&server->reader);
    server->idling = false;
}
