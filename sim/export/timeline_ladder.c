/* The ladder. See timeline_ladder.h. */
#include "export/timeline_ladder.h"

#include "core/check.h"
#include "core/units.h"
#include "export/timeline.h"
#include "export/timeline_text.h"

#include <string.h>

enum {
    TEXT_COLUMNS_MINIMUM = 30, /* of an event's own text; with less room it stands on the left */
    FIRST_POSITION = LADDER_TIME_COLUMNS + 8, /* of the leftmost lifeline */
    RIGHT_OF_LAST = 14,                       /* columns right of the rightmost one */
    NOT_A_COLUMN = -1,
    SECOND_HALF = 0, /* in a cell: behind a character of two columns */
};

typedef struct Cell {
    gunichar character;
    TimelineTone tone;
} Cell;

struct TimelineLadder {
    const Simulator *simulator;
    LadderOptions options;
    NodeId columns[LADDER_COLUMNS_MAXIMUM];
    unsigned positions[LADDER_COLUMNS_MAXIMUM];
    bool is_down[LADDER_COLUMNS_MAXIMUM];
    Cell *row; /* options.width of them */
};

unsigned ladder_width_needed(size_t column_count)
{
    return FIRST_POSITION + ((unsigned)column_count - 1) * LADDER_GAP_MINIMUM + RIGHT_OF_LAST;
}

TimelineLadder *timeline_ladder_new(const Simulator *simulator, const LadderOptions *options)
{
    CHECK(options->column_count >= 2 && options->column_count <= LADDER_COLUMNS_MAXIMUM);
    CHECK(options->width >= ladder_width_needed(options->column_count));
    TimelineLadder *ladder = g_new0(TimelineLadder, 1);
    ladder->simulator = simulator;
    ladder->options = *options;
    unsigned gap =
        (options->width - FIRST_POSITION - RIGHT_OF_LAST) / ((unsigned)options->column_count - 1);
    for (size_t i = 0; i < options->column_count; i++) {
        ladder->columns[i] = options->columns[i];
        ladder->positions[i] = FIRST_POSITION + (unsigned)i * gap;
    }
    ladder->options.columns = ladder->columns;
    ladder->row = g_new0(Cell, options->width);
    return ladder;
}

void timeline_ladder_free(TimelineLadder *ladder)
{
    g_free(ladder->row);
    g_free(ladder);
}

/* ---- Rows of cells ---- */

static void put_cell(TimelineLadder *ladder, unsigned at, gunichar character, TimelineTone tone)
{
    if (at < ladder->options.width)
        ladder->row[at] = (Cell){character, tone};
}

static void put_text(TimelineLadder *ladder, unsigned at, const char *text, TimelineTone tone)
{
    for (const char *c = text; *c != '\0'; c = g_utf8_next_char(c)) {
        gunichar character = g_utf8_get_char(c);
        unsigned columns = timeline_character_columns(character);
        if (columns == 0)
            continue;
        put_cell(ladder, at, character, tone);
        if (columns == 2)
            put_cell(ladder, at + 1, SECOND_HALF, tone);
        at += columns;
    }
}

/* An empty row: the lifelines, or what a pause shows instead of them. */
static void begin_row(TimelineLadder *ladder, bool is_pause)
{
    for (unsigned i = 0; i < ladder->options.width; i++)
        ladder->row[i] = (Cell){' ', TIMELINE_PLAIN};
    gunichar line = ladder->options.use_unicode ? 0x2502 : '|';
    for (size_t i = 0; i < ladder->options.column_count; i++) {
        gunichar shown = is_pause ? ' ' : ladder->is_down[i] ? ':' : line;
        put_cell(ladder, ladder->positions[i], shown,
                 ladder->is_down[i] ? TIMELINE_BAD : TIMELINE_DIM);
    }
}

static void end_tone(TimelineLadder *ladder, TimelineTone *tone, TimelineTone next, GString *out)
{
    if (!ladder->options.use_colour || *tone == next)
        return;
    if (timeline_tone_escape(*tone)[0] != '\0')
        g_string_append(out, "\033[0m");
    g_string_append(out, timeline_tone_escape(next));
    *tone = next;
}

/* Appends the row without the spaces at its end. */
static void end_row(TimelineLadder *ladder, GString *out)
{
    unsigned length = ladder->options.width;
    while (length > 0 && ladder->row[length - 1].character == ' ')
        length--;
    TimelineTone tone = TIMELINE_PLAIN;
    for (unsigned i = 0; i < length; i++) {
        const Cell *cell = &ladder->row[i];
        if (cell->character == SECOND_HALF)
            continue;
        if (cell->character != ' ')
            end_tone(ladder, &tone, cell->tone, out);
        g_string_append_unichar(out, cell->character);
    }
    end_tone(ladder, &tone, TIMELINE_PLAIN, out);
    g_string_append_c(out, '\n');
}

static void put_time(TimelineLadder *ladder, SimTime time)
{
    g_autoptr(GString) text = g_string_new(NULL);
    timeline_format_time(time, ladder->options.time_digits, text);
    put_text(ladder, 0, text->str, TIMELINE_PLAIN);
}

/* ---- Events ---- */

static int column_of(const TimelineLadder *ladder, NodeId node)
{
    for (size_t i = 0; i < ladder->options.column_count; i++) {
        if (ladder->columns[i] == node)
            return (int)i;
    }
    return NOT_A_COLUMN;
}

/* How an event's text is laid out. */
typedef struct Rows {
    TimelineLadder *ladder;
    const TimelineEvent *event;
    GString *out;
    unsigned text_from, text_to; /* the first column of the text, and the one behind its last */
    bool is_right_aligned;
    bool has_time; /* the first row has shown it */
} Rows;

static void begin_event_row(Rows *rows)
{
    begin_row(rows->ladder, false);
    if (!rows->has_time)
        put_time(rows->ladder, rows->event->time);
    rows->has_time = true;
}

static void put_row_text(const Rows *rows, const char *text)
{
    unsigned columns = timeline_text_columns(text);
    unsigned at = rows->is_right_aligned ? rows->text_to - columns : rows->text_from;
    put_text(rows->ladder, at, text, rows->event->tone);
}

/* The text in as many rows as it takes. */
static void put_wrapped_rows(Rows *rows, const char *text)
{
    do {
        size_t length = timeline_line_length(text, rows->text_to - rows->text_from);
        g_autofree char *part = g_strndup(text, length);
        begin_event_row(rows);
        put_row_text(rows, part);
        end_row(rows->ladder, rows->out);
        text += length;
        while (*text == ' ')
            text++;
    } while (*text != '\0');
}

static void put_lines(Rows *rows)
{
    g_auto(GStrv) lines = g_strsplit(rows->event->text, "\n", -1);
    for (char **line = lines; *line != NULL; line++)
        put_wrapped_rows(rows, *line);
}

static void draw_shaft(TimelineLadder *ladder, unsigned from, unsigned to, TimelineTone tone)
{
    gunichar shaft = ladder->options.use_unicode ? 0x2500 : '-';
    for (unsigned i = MIN(from, to) + 1; i < MAX(from, to); i++)
        put_cell(ladder, i, shaft, TIMELINE_DIM);
    put_cell(ladder, from < to ? to - 1 : to + 1, from < to ? '>' : '<', tone);
}

/* The last line of the text stands on the arrow where it fits, all else above it. */
static void put_arrow(Rows *rows, unsigned from, unsigned to)
{
    enum { ARROW_MARGINS = 6 };
    unsigned left = MIN(from, to), span = MAX(from, to) - left;
    rows->text_from = left + 3;
    rows->text_to = MAX(rows->ladder->options.width, left + span);
    g_auto(GStrv) lines = g_strsplit(rows->event->text, "\n", -1);
    char **last = lines + g_strv_length(lines) - 1;
    for (char **line = lines; line < last; line++)
        put_wrapped_rows(rows, *line);
    bool fits = timeline_text_columns(*last) + ARROW_MARGINS <= span;
    if (!fits)
        put_wrapped_rows(rows, *last);
    begin_event_row(rows);
    draw_shaft(rows->ladder, from, to, rows->event->tone);
    if (fits)
        put_row_text(rows, *last);
    end_row(rows->ladder, rows->out);
}

/* Text beside the host's lifeline: to the right where there is room, else to the left. */
static void put_note(Rows *rows, unsigned position)
{
    rows->text_from = position + 2;
    rows->text_to = rows->ladder->options.width;
    if (rows->text_to < rows->text_from + TEXT_COLUMNS_MINIMUM) {
        rows->text_from = LADDER_TIME_COLUMNS;
        rows->text_to = position - 1;
        rows->is_right_aligned = true;
    }
    put_lines(rows);
}

/* An event of who has no column, such as a router or the timeline. */
static void put_elsewhere(TimelineLadder *ladder, const TimelineEvent *event, GString *out)
{
    TimelineEvent named = *event;
    g_autofree char *text =
        event->node == NODE_TIMELINE
            ? g_strdup(event->text)
            : g_strdup_printf("(%s) %s", simulator_node_name(ladder->simulator, event->node),
                              event->text);
    named.text = text;
    Rows rows = {ladder, &named, out, LADDER_TIME_COLUMNS, ladder->options.width, false, false};
    put_lines(&rows);
}

static void note_state(TimelineLadder *ladder, const TimelineEvent *event, int column)
{
    if (event->kind == TRACE_HOST_CRASH || event->kind == TRACE_HOST_POWER_OFF ||
        event->kind == TRACE_HOST_SHUTDOWN)
        ladder->is_down[column] = true;
    else if (event->kind == TRACE_HOST_RESTART)
        ladder->is_down[column] = false;
}

void timeline_ladder_put(TimelineLadder *ladder, const TimelineEvent *event, GString *out)
{
    int column = column_of(ladder, event->node);
    int peer = event->peer != TIMELINE_NO_PEER ? column_of(ladder, event->peer) : NOT_A_COLUMN;
    if (column == NOT_A_COLUMN) {
        put_elsewhere(ladder, event, out);
        return;
    }
    note_state(ladder, event, column);
    Rows rows = {.ladder = ladder, .event = event, .out = out};
    if (peer == NOT_A_COLUMN || peer == column)
        put_note(&rows, ladder->positions[column]);
    else
        put_arrow(&rows, ladder->positions[column], ladder->positions[peer]);
}

void timeline_ladder_put_head(TimelineLadder *ladder, GString *out)
{
    begin_row(ladder, true);
    for (size_t i = 0; i < ladder->options.column_count; i++) {
        const char *name = simulator_node_name(ladder->simulator, ladder->columns[i]);
        unsigned columns = timeline_text_columns(name);
        unsigned most = ladder->positions[1] - ladder->positions[0] - 1;
        g_autofree char *shown = columns <= most ? g_strdup(name) : g_strndup(name, most);
        put_text(ladder, ladder->positions[i] - MIN(columns, most) / 2, shown, TIMELINE_STRONG);
    }
    end_row(ladder, out);
}

void timeline_ladder_put_pause(TimelineLadder *ladder, SimTime pause_ns, GString *out)
{
    SimTime whole = pause_ns - pause_ns % (pause_ns >= SIM_HOUR ? SIM_MINUTE : SIM_SECOND);
    g_autofree char *pause = units_format_readable(whole);
    g_autofree char *text = g_strdup_printf("... %s ...", pause);
    begin_row(ladder, true);
    put_text(ladder, LADDER_TIME_COLUMNS, text, TIMELINE_DIM);
    end_row(ladder, out);
}
