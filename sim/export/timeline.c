/* The trace as lines for a terminal. See timeline.h. */
#include "export/timeline.h"

#include "core/check.h"
#include "export/timeline_phrases.h"

#include <string.h>

enum { TIMELINE_HOST_COLUMNS_MAXIMUM = 26, TIMELINE_WIDTH_MINIMUM = 60 };

/* A blank line stands where nothing was shown for so long. */
static const SimTime TIMELINE_PAUSE = 10 * SIM_SECOND;

struct Timeline {
    Trace *trace;
    TimelineOptions options;
    TimelineOutput output;
    int host_columns;
    SimTime shown_until;  /* the time of the last record shown */
    GString *description; /* reused for each record */
    GString *lines;
};

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
    case TIMELINE_DETAIL:
        return "\033[2m";
    }
    return "";
}

/* How many columns of a terminal the character takes: Korean ones take two. */
static unsigned character_columns(gunichar c)
{
    if (g_unichar_iszerowidth(c))
        return 0;
    return g_unichar_iswide(c) ? 2 : 1;
}

/* How much of `text`, which has no line feed, goes on one line of `columns`, which is at least one
 * character: up to a space where there is one. */
static size_t line_length(const char *text, unsigned columns)
{
    unsigned used = 0;
    const char *space = NULL;
    for (const char *c = text; *c != '\0'; c = g_utf8_next_char(c)) {
        if (*c == ' ')
            space = c;
        used += character_columns(g_utf8_get_char(c));
        if (used > columns && c > text)
            return (size_t)((space != NULL && space > text ? space : c) - text);
    }
    return strlen(text);
}

/* Appends one line of the description, going on below, indented, where it is too long. */
static void put_wrapped(Timeline *timeline, const char *text, int indent, TimelineTone tone)
{
    unsigned columns = timeline->options.width - (unsigned)indent;
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
    const TimelinePhrase *phrase = timeline_phrase(record->kind);
    if (phrase->tone == TIMELINE_DETAIL && timeline->options.level < TRACE_LEVEL_SEGMENT)
        return;
    const Simulator *simulator = trace_simulator(timeline->trace);
    g_string_truncate(timeline->description, 0);
    timeline_describe(simulator, record, timeline->description);
    g_autoptr(GString) head = g_string_new(NULL);
    timeline_format_time(record->time, timeline->options.level == TRACE_LEVEL_SEGMENT ? 6 : 3,
                         head);
    g_string_append_printf(head, "  %-*s  ", timeline->host_columns,
                           simulator_node_name(simulator, record->node));
    g_string_assign(timeline->lines,
                    record->time - timeline->shown_until >= TIMELINE_PAUSE ? "\n" : "");
    timeline->shown_until = record->time;
    g_auto(GStrv) lines = g_strsplit(timeline->description->str, "\n", -1);
    for (char **line = lines; *line != NULL; line++) {
        if (line == lines)
            g_string_append(timeline->lines, head->str);
        else
            g_string_append_printf(timeline->lines, "%*s", (int)head->len, "");
        put_wrapped(timeline, *line, (int)head->len, phrase->tone);
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
