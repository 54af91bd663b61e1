/* The trace as lines for a terminal. See timeline.h. */
#include "export/timeline.h"

#include "export/timeline_event.h"
#include "export/timeline_fold.h"
#include "export/timeline_ladder.h"
#include "export/timeline_text.h"

#include <string.h>

enum {
    TIMELINE_HOST_COLUMNS_MAXIMUM = 26,
    TIMELINE_WIDTH_MINIMUM = 60,
    ROWS_WITHOUT_HEAD = 40, /* of a ladder; after so many a pause repeats the hosts' names */
};

/* A blank line stands where nothing was shown for so long. */
static const SimTime TIMELINE_PAUSE = 10 * SIM_SECOND;

struct Timeline {
    Trace *trace;
    TimelineOptions options;
    TimelineOutput output;
    TimelineReader *reader;
    TimelineFold *fold;     /* NULL: nothing is folded */
    TimelineLadder *ladder; /* NULL: a list */
    unsigned time_digits;
    int host_columns;
    unsigned rows_since_head;
    SimTime shown_until; /* the time of the last event shown */
    GString *lines;      /* reused for each event */
};

/* ---- The list ---- */

/* Appends one line of the description, going on below, indented, where it is too long. */
static void put_wrapped(Timeline *timeline, const char *text, int indent, TimelineTone tone)
{
    unsigned columns = timeline->options.width - (unsigned)indent;
    const char *escape = timeline->options.use_colour ? timeline_tone_escape(tone) : "";
    const char *end_escape = escape[0] == '\0' ? "" : "\033[0m";
    for (bool is_first = true; is_first || *text != '\0'; is_first = false) {
        size_t length = timeline_line_length(text, is_first ? columns : columns - 2);
        if (!is_first)
            g_string_append_printf(timeline->lines, "%*s", indent + 2, "");
        g_string_append_printf(timeline->lines, "%s%.*s%s\n", escape, (int)length, text,
                               end_escape);
        text += length;
        while (*text == ' ')
            text++;
    }
}

static void put_in_list(Timeline *timeline, const TimelineEvent *event)
{
    if (event->time - timeline->shown_until >= TIMELINE_PAUSE)
        g_string_append_c(timeline->lines, '\n');
    g_autoptr(GString) head = g_string_new(NULL);
    timeline_format_time(event->time, timeline->time_digits, head);
    g_string_append_printf(head, "  %-*s  ", timeline->host_columns,
                           simulator_node_name(trace_simulator(timeline->trace), event->node));
    g_auto(GStrv) lines = g_strsplit(event->text, "\n", -1);
    for (char **line = lines; *line != NULL; line++) {
        if (line == lines)
            g_string_append(timeline->lines, head->str);
        else
            g_string_append_printf(timeline->lines, "%*s", (int)head->len, "");
        put_wrapped(timeline, *line, (int)head->len, event->tone);
    }
}

/* ---- The ladder ---- */

static void put_in_ladder(Timeline *timeline, const TimelineEvent *event)
{
    SimTime pause = event->time - timeline->shown_until;
    if (pause >= TIMELINE_PAUSE)
        timeline_ladder_put_pause(timeline->ladder, pause, timeline->lines);
    if (timeline->rows_since_head == 0 ||
        (pause >= TIMELINE_PAUSE && timeline->rows_since_head >= ROWS_WITHOUT_HEAD)) {
        timeline_ladder_put_head(timeline->ladder, timeline->lines);
        timeline->rows_since_head = 0;
    }
    timeline_ladder_put(timeline->ladder, event, timeline->lines);
    timeline->rows_since_head++;
}

/* ---- Both ---- */

static void show(void *owner, const TimelineEvent *event)
{
    Timeline *timeline = owner;
    g_string_truncate(timeline->lines, 0);
    if (timeline->ladder != NULL)
        put_in_ladder(timeline, event);
    else
        put_in_list(timeline, event);
    timeline->shown_until = event->time;
    timeline->output.write(timeline->output.owner,
                           span_of(timeline->lines->str, timeline->lines->len));
}

static void timeline_write(void *owner, const TraceRecord *record)
{
    Timeline *timeline = owner;
    TimelineEvent *event = timeline_reader_read(timeline->reader, record);
    if (timeline->fold != NULL) {
        timeline_fold_take(timeline->fold, record, event);
        return;
    }
    if (event == NULL)
        return;
    show(timeline, event);
    timeline_event_free(event);
}

static int longest_name(const Simulator *simulator)
{
    size_t longest = 0;
    for (NodeId node = 0; node < simulator_node_count(simulator); node++)
        longest = MAX(longest, strlen(simulator_node_name(simulator, node)));
    return (int)MIN(longest, TIMELINE_HOST_COLUMNS_MAXIMUM);
}

static TimelineLadder *make_ladder(const Timeline *timeline)
{
    const TimelineOptions *options = &timeline->options;
    if (options->column_count < 2 || options->column_count > LADDER_COLUMNS_MAXIMUM ||
        options->width < ladder_width_needed(options->column_count))
        return NULL;
    LadderOptions ladder = {options->columns,      options->column_count, options->width,
                            timeline->time_digits, options->use_colour,   options->use_unicode};
    return timeline_ladder_new(trace_simulator(timeline->trace), &ladder);
}

Timeline *timeline_new(Trace *trace, const TimelineOptions *options, TimelineOutput output)
{
    Timeline *timeline = g_new0(Timeline, 1);
    timeline->trace = trace;
    timeline->options = *options;
    timeline->options.width = MAX(options->width, TIMELINE_WIDTH_MINIMUM);
    timeline->output = output;
    timeline->time_digits = options->level == TRACE_LEVEL_SEGMENT ? 6 : 3;
    timeline->host_columns = longest_name(trace_simulator(trace));
    timeline->reader = timeline_reader_new(trace, options->level, options->follow);
    if (!options->is_unfolded && options->level < TRACE_LEVEL_SEGMENT)
        timeline->fold = timeline_fold_new(options->level, (TimelineReceiver){show, timeline});
    timeline->ladder = make_ladder(timeline);
    timeline->options.columns = NULL; /* borrowed until now */
    timeline->lines = g_string_new(NULL);
    trace_add_sink(trace, (TraceSink){timeline_write, timeline, options->level});
    return timeline;
}

void timeline_finish(Timeline *timeline)
{
    if (timeline->fold != NULL)
        timeline_fold_finish(timeline->fold, simulator_now(trace_simulator(timeline->trace)));
}

void timeline_free(Timeline *timeline)
{
    timeline_reader_free(timeline->reader);
    g_clear_pointer(&timeline->fold, timeline_fold_free);
    g_clear_pointer(&timeline->ladder, timeline_ladder_free);
    g_string_free(timeline->lines, TRUE);
    g_free(timeline);
}
