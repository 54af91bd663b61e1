/* The dialogue of an SMTP connection in the trace. See smtp_trace.h. */
#include "node/smtp_trace.h"

#include "proto/smtp_client.h"

static void trace_command(void *user, Span line)
{
    const SmtpTrace *trace = user;
    TRACE(trace->trace, trace->node, SMTP_COMMAND, 0, .connection = trace->connection,
          .line = line);
}

static GString *reply_text(const SmtpReply *reply)
{
    GString *text = g_string_new(NULL);
    if (reply->enhanced.class != 0)
        g_string_append_printf(text, "%u.%u.%u ", reply->enhanced.class, reply->enhanced.subject,
                               reply->enhanced.detail);
    g_string_append_len(text, (const char *)reply->text.data, (gssize)reply->text.length);
    return text;
}

static void trace_reply(void *user, const SmtpReply *reply)
{
    const SmtpTrace *trace = user;
    g_autoptr(GString) text = reply_text(reply);
    TRACE(trace->trace, trace->node, SMTP_REPLY, 0, .connection = trace->connection,
          .code = reply->code, .text = span_of(text->str, text->len));
}

static void trace_state(void *user, const StateTable *table, uint8_t from, uint8_t to)
{
    const SmtpTrace *trace = user;
    TRACE(trace->trace, trace->node, SMTP_STATE, 0, .connection = trace->connection,
          .machine = table->name, .from = table->states[from], .to = table->states[to]);
}

static void trace_client_state(void *user, const StateTable *table, uint8_t from, uint8_t to)
{
    const SmtpTrace *trace = user;
    if (to == SMTP_CLIENT_FINAL_DOT)
        TRACE(trace->trace, trace->node, SMTP_CONTENT, 0, .connection = trace->connection,
              .mail = trace->mail, .size = trace->size);
    trace_state(user, table, from, to);
}

SmtpObserver smtp_trace_client_observer(SmtpTrace *trace)
{
    return (SmtpObserver){.user = trace, .command = trace_command, .state = trace_client_state};
}

SmtpObserver smtp_trace_server_observer(SmtpTrace *trace)
{
    return (SmtpObserver){.user = trace, .reply = trace_reply, .state = trace_state};
}

char *smtp_trace_reply_text(const SmtpReply *reply)
{
    GString *text = reply_text(reply);
    if (reply->code != 0) {
        g_autofree char *code = g_strdup_printf("%03u ", reply->code);
        g_string_prepend(text, code);
    }
    return g_string_free(text, FALSE);
}
