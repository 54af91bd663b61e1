/* The trace as lines for a terminal. See timeline.h. */
#include "export/timeline.h"

#include "core/check.h"
#include "export/timeline_phrases.h"

#include <string.h>

enum { TIMELINE_HOST_COLUMNS_MAXIMUM = 26, TIMELINE_WIDTH_MINIMUM = 60 };

struct Timeline {
    Trace *trace;
    TimelineOptions options;
    TimelineOutput output;
    int host_columns;
    GString *description; /* reused for each record */
    GString *lines;
};

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

/* Appends text as a terminal may show it: control characters and stray octets as \xNN. */
static void put_shown(GString *out, Span text)
{
    while (text.length > 0) {
        gunichar c = g_utf8_get_char_validated((const char *)text.data, (gssize)text.length);
        bool is_character = c != (gunichar)-1 && c != (gunichar)-2;
        size_t length = is_character ? (size_t)g_unichar_to_utf8(c, NULL) : 1;
        if (is_character && (g_unichar_isprint(c) || c == '\n'))
            g_string_append_len(out, (const char *)text.data, (gssize)length);
        else
            for (size_t i = 0; i < length; i++)
                g_string_append_printf(out, "\\x%02x", text.data[i]);
        text = span_skip(text, length);
    }
}

static void put_one_line(GString *out, Span text)
{
    if (text.length == 0)
        return;
    g_autofree char *copy = span_dup_text(text);
    g_strdelimit(copy, "\n\r", ' ');
    put_shown(out, span_of(copy, text.length));
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

/* The reply as it travels: the code before each line, a hyphen behind it on all but the last. */
static void put_reply(const TraceFields_SMTP_REPLY *reply, GString *out)
{
    Span rest = reply->text;
    for (;;) {
        size_t length = span_find(rest, '\n');
        bool is_last = length == rest.length;
        g_string_append_printf(out, "S: %03d%c", (int)reply->code, is_last ? ' ' : '-');
        put_one_line(out, span_of(rest.data, length));
        if (is_last)
            return;
        g_string_append_c(out, '\n');
        rest = span_skip(rest, length + 1);
    }
}

void timeline_describe(const Simulator *simulator, const TraceRecord *record, GString *out)
{
    if (record->kind == TRACE_SMTP_REPLY)
        put_reply(record->fields, out);
    else
        put_template(simulator, record, timeline_phrase(record->kind)->template, out);
}

static const char *tone_escape(TimelineTone tone)
{
    switch (tone) {
    case TIMELINE_PLAIN:
        return "";
    case TIMELINE_STRONG:
        return "\033[1m";
    case TIMELINE_GOOD:
        return "\033[32m";
    case TIMELINE_BAD:
        return "\033[31m";
    case TIMELINE_DIM:
        return "\033[2m";
    }
    return "";
}

/* How much of `text`, which has no line feed, goes on one line of `columns`: up to a space where
 * there is one. */
static size_t line_length(const char *text, glong columns)
{
    if (g_utf8_strlen(text, -1) <= columns)
        return strlen(text);
    const char *end = g_utf8_offset_to_pointer(text, columns);
    for (const char *space = end; space > text; space--) {
        if (*space == ' ')
            return (size_t)(space - text);
    }
    return (size_t)(end - text);
}

/* Appends one line of the description, going on below, indented, where it is too long. */
static void put_wrapped(Timeline *timeline, const char *text, int indent, TimelineTone tone)
{
    glong columns = (glong)timeline->options.width - indent;
    const char *escape = timeline->options.use_colour ? tone_escape(tone) : "";
    const char *end_escape = escape[0] == '\0' ? "" : "\033[0m";
    for (bool is_first = true; is_first || *text != '\0'; is_first = false) {
        size_t length = line_length(text, is_first ? columns : columns - 2);
        if (!is_first)
            g_string_append_printf(timeline->lines, "%*s", indent + 2, "");
        g_string_append_printf(timeline->lines, "%s%.*s%s\n", escape, (int)length, text,
                               end_escape);
        text += length;
        while (*text == ' ')
            text++;
    }
}

static void timeline_write(void *owner, const TraceRecord *record)
{
    Timeline *timeline = owner;
    const Simulator *simulator = trace_simulator(timeline->trace);
    g_string_truncate(timeline->description, 0);
    timeline_describe(simulator, record, timeline->description);
    g_autoptr(GString) head = g_string_new(NULL);
    timeline_format_time(record->time, timeline->options.level == TRACE_LEVEL_SEGMENT ? 6 : 3,
                         head);
    g_string_append_printf(head, "  %-*s  ", timeline->host_columns,
                           simulator_node_name(simulator, record->node));
    g_string_truncate(timeline->lines, 0);
    g_auto(GStrv) lines = g_strsplit(timeline->description->str, "\n", -1);
    for (char **line = lines; *line != NULL; line++) {
        if (line == lines)
            g_string_append(timeline->lines, head->str);
        else
            g_string_append_printf(timeline->lines, "%*s", (int)head->len, "");
        put_wrapped(timeline, *line, (int)head->len, timeline_phrase(record->kind)->tone);
    }
    timeline->output.write(timeline->output.owner,
                           span_of(timeline->lines->str, timeline->lines->len));
}

static int longest_name(const Simulator *simulator)
{
    size_t longest = 0;
    for (NodeId node = 0; node < simulator_node_count(simulator); node++)
        longest = MAX(longest, strlen(simulator_node_name(simulator, node)));
    return (int)MIN(longest, TIMELINE_HOST_COLUMNS_MAXIMUM);
}

Timeline *timeline_new(Trace *trace, const TimelineOptions *options, TimelineOutput output)
{
    Timeline *timeline = g_new0(Timeline, 1);
    timeline->trace = trace;
    timeline->options = *options;
    timeline->options.width = MAX(options->width, TIMELINE_WIDTH_MINIMUM);
    timeline->output = output;
    timeline->host_columns = longest_name(trace_simulator(trace));
    timeline->description = g_string_new(NULL);
    timeline->lines = g_string_new(NULL);
    trace_add_sink(trace, (TraceSink){timeline_write, timeline, options->level});
    return timeline;
}

void timeline_free(Timeline *timeline)
{
    g_string_free(timeline->description, TRUE);
    g_string_free(timeline->lines, TRUE);
    g_free(timeline);
}
