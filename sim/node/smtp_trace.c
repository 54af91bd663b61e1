/* The dialogue of an SMTP connection in the trace. See smtp_trace.h. */
#include "node/smtp_trace.h"

#include "core/text.h"

#include <string.h>

static const char *tls_of(const SmtpTrace *trace)
{
    return trace->is_encrypted ? "simulated" : NULL;
}

static void trace_content(const SmtpTrace *trace, const char *ending)
{
    TRACE(trace->trace, trace->node, SMTP_CONTENT, 0, .connection = trace->connection,
          .mail = trace->mail, .size = trace->size, .ending = ending, .tls = tls_of(trace));
}

/* One connection can carry several messages: a command of a transaction is about its own. */
static bool is_of_transaction(Span line)
{
    return span_starts_with_nocase(line, "MAIL ") || span_starts_with_nocase(line, "RCPT ") ||
           span_equals_text_nocase(line, "DATA") || span_starts_with_nocase(line, "BDAT ");
}

static void trace_command(void *user, Span line)
{
    const SmtpTrace *trace = user;
    TRACE(trace->trace, trace->node, SMTP_COMMAND, 0, .connection = trace->connection,
          .mail = is_of_transaction(line) ? trace->mail : NULL, .line = line, .tls = tls_of(trace));
    if (!span_starts_with_nocase(line, "BDAT "))
        return;
    if (span_equals_text_nocase(span_skip(line, line.length - strlen(" LAST")), " LAST"))
        trace_content(trace, "no dot"); /* the chunk follows its command at once */
}

/* The most that put_reply_text writes. */
static size_t reply_text_bound(const SmtpReply *reply)
{
    return SMTP_ENHANCED_TEXT_SIZE + reply->text.length;
}

/* The enhanced code, if there is one, and the text; returns the end of it. */
static char *put_reply_text(char *out, const SmtpReply *reply)
{
    out += smtp_enhanced_format(reply->enhanced, out);
    return reply->text.length > 0 ? mempcpy(out, reply->text.data, reply->text.length) : out;
}

void smtp_trace_reply(const SmtpTrace *trace, const SmtpReply *reply)
{
    if (TRACE_PASS_OVER(trace->trace, SMTP_REPLY))
        return;
    char room[256]; /* nearly all texts are shorter */
    size_t bound = reply_text_bound(reply);
    g_autofree char *longer = bound > sizeof room ? g_malloc(bound) : NULL;
    char *text = longer != NULL ? longer : room;
    size_t length = (size_t)(put_reply_text(text, reply) - text);
    bool is_closing = reply->code == 421 && trace->closing_because != 0;
    uint64_t because = is_closing ? trace->closing_because : trace->because;
    TRACE(trace->trace, trace->node, SMTP_REPLY, because, .connection = trace->connection,
          .code = reply->code, .text = span_of(text, length), .tls = tls_of(trace));
}

void smtp_trace_state(const SmtpTrace *trace, const StateTable *table, uint8_t from, uint8_t to)
{
    TRACE(trace->trace, trace->node, SMTP_STATE, 0, .connection = trace->connection,
          .machine = table->name, .from = table->states[from], .to = table->states[to]);
}

static void trace_client_state(void *user, const StateTable *table, uint8_t from, uint8_t to)
{
    const SmtpTrace *trace = user;
    if (to == SMTP_CLIENT_FINAL_DOT)
        trace_content(trace, "a dot");
    smtp_trace_state(trace, table, from, to);
}

SmtpObserver smtp_trace_client_observer(SmtpTrace *trace)
{
    return (SmtpObserver){.user = trace, .command = trace_command, .state = trace_client_state};
}

char *smtp_trace_reply_text(const SmtpReply *reply)
{
    char room[TEXT_NUMBER_SIZE];
    char *text = g_malloc(sizeof room + sizeof " " + reply_text_bound(reply));
    char *end = stpcpy(stpcpy(text, text_number(reply->code, 3, room)), " ");
    *put_reply_text(end, reply) = '\0';
    return text;
}

/* NULL where nothing more is to be said. */
static const char *stage_words(SmtpStage stage)
{
    switch (stage) {
    case SMTP_STAGE_LOCAL:
    case SMTP_STAGE_IDLE:
        return NULL;
    case SMTP_STAGE_CONNECT:
        return "before the greeting";
    case SMTP_STAGE_HELO:
        return "after EHLO";
    case SMTP_STAGE_TLS:
        return "after STARTTLS";
    case SMTP_STAGE_AUTH:
        return "after AUTH";
    case SMTP_STAGE_MAIL:
        return "after MAIL";
    case SMTP_STAGE_RCPT:
        return "after RCPT";
    case SMTP_STAGE_DATA:
        return "after DATA";
    case SMTP_STAGE_CONTENT:
        return "in the middle of the message";
    case SMTP_STAGE_FINAL_DOT:
        return "after the final dot";
    }
    return NULL;
}

char *smtp_trace_outcome_text(const SmtpReply *reply, SmtpStage stage, StreamFailure failure)
{
    if (reply->code != 0)
        return smtp_trace_reply_text(reply);
    g_autofree char *why =
        failure != STREAM_OK ? g_strdup(stream_failure_text(failure)) : span_dup_text(reply->text);
    const char *words = stream_failure_is_opening(failure) ? NULL : stage_words(stage);
    return words != NULL ? g_strconcat(why, ", ", words, NULL) : g_steal_pointer(&why);
}
