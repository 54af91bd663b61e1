/* A record of the trace in words. See timeline.h; the words are in timeline_phrases.c. */
#include "export/timeline.h"

#include "core/check.h"
#include "core/text.h"
#include "export/timeline_phrases.h"

#include <string.h>

void timeline_format_time(SimTime time, unsigned digits, GString *out)
{
    CHECK(digits <= 9);
    SimTime unit = SIM_SECOND;
    for (unsigned i = 0; i < digits; i++)
        unit /= 10;
    int64_t ticks = time / unit;
    int64_t per_second = SIM_SECOND / unit;
    int64_t seconds = ticks / per_second;
    if (time >= SIM_DAY)
        g_string_append_printf(out, "%dd ", (int)(time / SIM_DAY));
    g_string_append_printf(out, "%02d:%02d:%02d", (int)(seconds / 3600 % 24),
                           (int)(seconds / 60 % 60), (int)(seconds % 60));
    if (digits > 0)
        g_string_append_printf(out, ".%0*d", (int)digits, (int)(ticks % per_second));
}

static void put_one_line(GString *out, Span text)
{
    if (text.length == 0)
        return;
    g_autofree char *copy = span_dup_text(text);
    g_strdelimit(copy, "\n\r", ' ');
    text_append_shown(out, span_of(copy, text.length));
}

static void put_text(GString *out, const char *text)
{
    if (text != NULL)
        put_one_line(out, span_of_text(text));
}

static void put_ref(const Simulator *simulator, TraceRef ref, GString *out)
{
    if (ref.number != 0)
        g_string_append_printf(out, "%s#%llu", simulator_node_name(simulator, ref.node),
                               (unsigned long long)ref.number);
}

/* Appends the field's value; false, and nothing, when it is absent. */
static bool put_field(const Simulator *simulator, const TraceFieldInfo *field, const void *value,
                      GString *out)
{
    gsize before = out->len;
    char ip[IPV4_TEXT_SIZE];
    switch (field->type) {
    case TRACE_FIELD_TEXT:
        if (*(const TraceField_TEXT *)value != NULL)
            put_one_line(out, span_of_text(*(const TraceField_TEXT *)value));
        break;
    case TRACE_FIELD_OCTETS:
        put_one_line(out, *(const TraceField_OCTETS *)value);
        break;
    case TRACE_FIELD_COUNT:
        g_string_append_printf(out, "%llu", (unsigned long long)*(const TraceField_COUNT *)value);
        break;
    case TRACE_FIELD_TIME:
        if (*(const TraceField_TIME *)value != SIM_NEVER)
            timeline_format_time(*(const TraceField_TIME *)value, 0, out);
        break;
    case TRACE_FIELD_FLAG:
        g_string_append(out, *(const TraceField_FLAG *)value ? "yes" : "no");
        break;
    case TRACE_FIELD_REF:
        put_ref(simulator, *(const TraceField_REF *)value, out);
        break;
    case TRACE_FIELD_IP:
        g_string_append(out, ipv4_format(*(const TraceField_IP *)value, ip));
        break;
    }
    return out->len > before;
}

static bool put_placeholder(const Simulator *simulator, const TraceRecord *record, Span key,
                            GString *out)
{
    g_autofree char *name = span_dup_text(key);
    const TraceFieldInfo *field = trace_kind_field(record->kind, name);
    CHECK(field != NULL);
    return put_field(simulator, field, (const char *)record->fields + field->offset, out);
}

/* Fills in the template; see timeline_phrases.c. */
static void put_template(const Simulator *simulator, const TraceRecord *record,
                         const char *template, GString *out)
{
    gsize optional_start = 0;
    bool is_present = true; /* every field since the last `[` */
    for (const char *c = template; *c != '\0'; c++) {
        if (*c == '[') {
            is_present = true;
            optional_start = out->len;
        } else if (*c == ']') {
            if (!is_present)
                g_string_truncate(out, optional_start);
        } else if (*c == '{') {
            const char *end = strchr(c, '}');
            is_present =
                put_placeholder(simulator, record, span_of(c + 1, (size_t)(end - c - 1)), out);
            c = end;
        } else {
            g_string_append_c(out, *c);
        }
    }
}

/* What an observer on the way cannot read is marked. */
static const char *tls_mark(const char *tls)
{
    return tls != NULL ? "(TLS) " : "";
}

static void put_command(const TraceFields_SMTP_COMMAND *command, GString *out)
{
    g_string_append_printf(out, "C: %s", tls_mark(command->tls));
    put_one_line(out, command->line);
}

static void put_content(const TraceFields_SMTP_CONTENT *content, GString *out)
{
    g_string_append_printf(out, "C: %s(message ", tls_mark(content->tls));
    put_text(out, content->mail);
    g_string_append_printf(out, ", %llu octets, and ", (unsigned long long)content->size);
    put_text(out, content->ending);
    g_string_append_c(out, ')');
}

static void put_state(const TraceFields_SMTP_STATE *state, GString *out)
{
    if (g_strcmp0(state->to, "TLS") == 0)
        g_string_append(out, " (simulated: the shape of TLS 1.3, and no cryptography)");
}

/* The reply as it travels: the code before each line, a hyphen behind it on all but the last. */
static void put_reply(const TraceFields_SMTP_REPLY *reply, GString *out)
{
    Span rest = reply->text;
    for (;;) {
        size_t length = span_find(rest, '\n');
        bool is_last = length == rest.length;
        g_string_append_printf(out, "S: %s%03d%c", tls_mark(reply->tls), (int)reply->code,
                               is_last ? ' ' : '-');
        put_one_line(out, span_of(rest.data, length));
        if (is_last)
            return;
        g_string_append_c(out, '\n');
        rest = span_skip(rest, length + 1);
    }
}

/* What a program outside says, line by line as a client's; of a long text only the beginning. */
static void put_outside_text(const TraceFields_TIMELINE_DATA *data, GString *out)
{
    enum { SHOWN_OCTETS = 1000 };
    if (data->text == NULL) {
        g_string_append(out, "C: (octets that are no text)");
        return;
    }
    Span rest = span_of_text(data->text);
    size_t hidden = rest.length > SHOWN_OCTETS ? rest.length - SHOWN_OCTETS : 0;
    rest.length -= hidden;
    for (bool is_first = true; is_first || rest.length > 0; is_first = false) {
        size_t length = span_find(rest, '\n');
        bool has_return = length > 0 && rest.data[length - 1] == '\r';
        Span line = span_of(rest.data, has_return ? length - 1 : length);
        g_string_append_printf(out, "%sC:%s", is_first ? "" : "\n", line.length > 0 ? " " : "");
        put_one_line(out, line);
        rest = span_skip(rest, MIN(length + 1, rest.length));
    }
    if (hidden > 0)
        g_string_append_printf(out, "\nC: (%zu octets more)", hidden);
}

/* Appends "10 mx.example." for "b.example. 3600 IN MX 10 mx.example.", as the trace has it (RFC
 * 1035 §5.1): without owner, lifetime and class, and without the type where that was asked for. */
static void put_record(const char *record, const char *asked, GString *out)
{
    enum { TYPE = 3, DATA, PARTS };
    g_auto(GStrv) parts = g_strsplit(record, " ", PARTS);
    if (g_strv_length(parts) < PARTS) {
        put_one_line(out, span_of_text(record));
        return;
    }
    if (g_strcmp0(parts[TYPE], asked) != 0) {
        put_one_line(out, span_of_text(parts[TYPE]));
        g_string_append_c(out, ' ');
    }
    put_one_line(out, span_of_text(parts[DATA]));
}

static void put_records(const char *records, const char *asked, GString *out)
{
    g_auto(GStrv) lines = g_strsplit(records, "; ", -1);
    for (char **line = lines; *line != NULL; line++) {
        g_string_append(out, line == lines ? "" : "; ");
        put_record(*line, asked, out);
    }
}

static void put_dns_response(const TraceFields_DNS_RESPONSE *response, GString *out)
{
    if (response->records == NULL)
        return;
    g_string_append(out, ", ");
    put_records(response->records, response->type, out);
}

/* A cached record's lifetime is what is left of it (RFC 1035 §3.2.1). */
static void put_cached(const char *records, GString *out)
{
    enum { LIFETIME = 1, PARTS = 5 };
    g_string_append(out, " (cached");
    g_auto(GStrv) parts = g_strsplit(records != NULL ? records : "", " ", PARTS);
    if (g_strv_length(parts) == PARTS) {
        g_string_append(out, ", ");
        put_one_line(out, span_of_text(parts[LIFETIME]));
        g_string_append(out, " s left");
    }
    g_string_append_c(out, ')');
}

static void put_dns_result(const TraceFields_DNS_RESULT *result, GString *out)
{
    bool is_answer = g_strcmp0(result->outcome, "answer") == 0 && result->records != NULL;
    if (!is_answer && result->outcome != NULL)
        put_one_line(out, span_of_text(result->outcome));
    if (!is_answer && result->outcome != NULL && result->records != NULL)
        g_string_append(out, ", ");
    if (result->records != NULL)
        put_records(result->records, result->type, out);
    if (result->from_cache)
        put_cached(result->records, out);
}

/* A connection begins with a threshold as high as can be (RFC 5681 §3.1). */
static void put_threshold(const TraceFields_TCP_CWND *cwnd, GString *out)
{
    if (cwnd->ssthresh < UINT32_MAX)
        g_string_append_printf(out, ", slow start below %llu", (unsigned long long)cwnd->ssthresh);
    else
        g_string_append(out, ", slow start");
}

/* The text of an opened message, line by line behind a bar. */
static void put_opened(const TraceFields_AGENT_READ *opened, GString *out)
{
    Span rest = opened->text != NULL ? span_of_text(opened->text) : (Span){NULL, 0};
    while (rest.length > 0) {
        size_t length = span_find(rest, '\n');
        g_string_append(out, length > 0 ? "\n| " : "\n|");
        put_one_line(out, span_of(rest.data, length));
        rest = span_skip(rest, MIN(length + 1, rest.length));
    }
}

/* ---- mailq ---- */

/* The head of the list, and its sums. */
static void put_queue(const TraceFields_QUEUE_LIST *list, GString *out)
{
    const struct {
        uint64_t count;
        const char *word;
    } parts[] = {{list->incoming, "incoming"},
                 {list->active, "active"},
                 {list->deferred, "deferred"},
                 {list->hold, "on hold"}};
    bool is_down = g_strcmp0(list->source, "disk") == 0;
    g_string_append_printf(out, "mailq%s: ", is_down ? " (the program is down)" : "");
    if (list->length == 0) {
        g_string_append(out, "the queue is empty");
        return;
    }
    g_string_append_printf(out, "%llu message%s, %llu octets", (unsigned long long)list->length,
                           list->length == 1 ? "" : "s", (unsigned long long)list->size);
    const char *separator = ": ";
    for (size_t i = 0; i < G_N_ELEMENTS(parts); i++) {
        if (parts[i].count == 0)
            continue;
        g_string_append_printf(out, "%s%llu %s", separator, (unsigned long long)parts[i].count,
                               parts[i].word);
        separator = ", ";
    }
}

/* The message on a line of its own before its first recipient: id with `*` for active and `!` for
 * on hold as mailq has it, size, arrival, sender. */
static void put_listed_message(const TraceFields_QUEUE_LISTED *listed, GString *out)
{
    enum { ID_COLUMNS = 6 };
    bool is_active = g_strcmp0(listed->state, "active") == 0;
    bool is_held = g_strcmp0(listed->state, "hold") == 0;
    bool has_sender = listed->sender != NULL && listed->sender[0] != '\0';
    size_t start = out->len;
    put_text(out, listed->entry);
    g_string_append(out, is_active ? "*" : is_held ? "!" : "");
    g_string_append_printf(out, "%*s %8llu  ", MAX(0, ID_COLUMNS - (int)(out->len - start)), "",
                           (unsigned long long)listed->size);
    timeline_format_time(listed->arrived_at, 0, out);
    g_string_append(out, "  ");
    put_text(out, has_sender ? listed->sender : "MAILER-DAEMON");
    g_string_append_c(out, '\n');
}

static void put_listed(const TraceFields_QUEUE_LISTED *listed, GString *out)
{
    if (listed->place == 1)
        put_listed_message(listed, out);
    if (listed->reason != NULL) {
        g_string_append(out, "   (");
        put_text(out, listed->reason);
        g_string_append(out, ")\n");
    }
    g_string_append(out, "   to ");
    put_text(out, listed->recipient);
    if (listed->next_at == SIM_NEVER)
        return;
    g_string_append(out, ", next attempt ");
    timeline_format_time(listed->next_at, 0, out);
}

void timeline_describe(const Simulator *simulator, const TraceRecord *record, GString *out)
{
    put_template(simulator, record, timeline_phrase(record->kind)->template, out);
    if (record->kind == TRACE_SMTP_REPLY)
        put_reply(record->fields, out);
    else if (record->kind == TRACE_SMTP_COMMAND)
        put_command(record->fields, out);
    else if (record->kind == TRACE_SMTP_CONTENT)
        put_content(record->fields, out);
    else if (record->kind == TRACE_SMTP_STATE)
        put_state(record->fields, out);
    else if (record->kind == TRACE_TIMELINE_DATA)
        put_outside_text(record->fields, out);
    else if (record->kind == TRACE_AGENT_READ)
        put_opened(record->fields, out);
    else if (record->kind == TRACE_DNS_RESPONSE)
        put_dns_response(record->fields, out);
    else if (record->kind == TRACE_DNS_RESULT)
        put_dns_result(record->fields, out);
    else if (record->kind == TRACE_QUEUE_LIST)
        put_queue(record->fields, out);
    else if (record->kind == TRACE_QUEUE_LISTED)
        put_listed(record->fields, out);
    else if (record->kind == TRACE_TCP_CWND)
        put_threshold(record->fields, out);
}
