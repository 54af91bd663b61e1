/* A diagram as a picture of the ladder. See diagram.h. */
#include "export/diagram_internal.h"

#include "export/svg.h"
#include "export/timeline.h"
#include "export/timeline_text.h"

enum {
    LEFT = 190,          /* the first lifeline; times stand left of it */
    COLUMN_GAP = 260,    /* between lifelines */
    RIGHT = 100,         /* right of the last lifeline at least */
    CHARACTER_WIDTH = 7, /* of a terminal's column, on average */
    TITLE_Y = 28,
    HEAD_Y = 60,
    FIRST_Y = 84,
    LINE_HEIGHT = 17,
    EVENT_GAP = 9,
    PAUSE_HEIGHT = 30,
    TEXT_OFFSET = 8, /* of text from a lifeline */
};

typedef struct Picture {
    const Diagram *diagram;
    GString *lifelines, *events; /* the lifelines lie beneath */
    int *drawn_to;               /* of each lifeline */
    bool *is_down;
    int y, width;
} Picture;

static int column_x(int column)
{
    return LEFT + column * COLUMN_GAP;
}

static void draw_lifeline(Picture *picture, guint column, int y)
{
    svg_line(picture->lifelines, column_x((int)column), picture->drawn_to[column],
             column_x((int)column), y, picture->is_down[column] ? TIMELINE_BAD : TIMELINE_DIM,
             picture->is_down[column]);
    picture->drawn_to[column] = y;
}

static void note_state(Picture *picture, const TimelineEvent *event, int column)
{
    bool goes_down = event->kind == TRACE_HOST_CRASH || event->kind == TRACE_HOST_POWER_OFF ||
                     event->kind == TRACE_HOST_SHUTDOWN;
    if (column < 0 || (!goes_down && event->kind != TRACE_HOST_RESTART))
        return;
    draw_lifeline(picture, (guint)column, picture->y);
    picture->is_down[column] = goes_down;
}

static void put_time(Picture *picture, SimTime time)
{
    g_autoptr(GString) text = g_string_new(NULL);
    timeline_format_time(time, 3, text);
    svg_text(picture->events, TEXT_OFFSET, picture->y, SVG_START, TIMELINE_DIM, text->str);
}

static void put_event(Picture *picture, const TimelineEvent *event)
{
    const Diagram *diagram = picture->diagram;
    int from = diagram_column(diagram, event->node);
    int to = event->peer != TIMELINE_NO_PEER ? diagram_column(diagram, event->peer) : -1;
    bool is_arrow = from >= 0 && to >= 0 && to != from;
    int left = from < 0 ? 0 : is_arrow ? MIN(from, to) : from;
    note_state(picture, event, from);
    picture->y += LINE_HEIGHT;
    put_time(picture, event->time);
    g_autofree char *text = diagram_text(diagram, event);
    g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
    for (char **line = lines; *line != NULL; line++) {
        int x = column_x(left) + TEXT_OFFSET;
        svg_text(picture->events, x, picture->y, SVG_START, event->tone, *line);
        int width = (int)timeline_text_columns(*line) * CHARACTER_WIDTH;
        picture->width = MAX(picture->width, x + width + TEXT_OFFSET);
        picture->y += LINE_HEIGHT;
    }
    picture->y -= LINE_HEIGHT;
    if (is_arrow) {
        picture->y += LINE_HEIGHT / 3;
        svg_arrow(picture->events, column_x(from), column_x(to), picture->y, event->tone);
    }
    picture->y += EVENT_GAP;
}

static void put_pause(Picture *picture, const char *pause)
{
    for (guint i = 0; i < picture->diagram->columns->len; i++) {
        draw_lifeline(picture, i, picture->y);
        picture->drawn_to[i] = picture->y + PAUSE_HEIGHT;
    }
    svg_text(picture->events, column_x(0) + TEXT_OFFSET, picture->y + PAUSE_HEIGHT * 2 / 3,
             SVG_START, TIMELINE_DIM, pause);
    picture->y += PAUSE_HEIGHT;
}

static void put_events(Picture *picture)
{
    const Diagram *diagram = picture->diagram;
    for (guint i = 0; i < diagram->events->len; i++) {
        g_autofree char *pause = diagram_pause(diagram, i);
        if (pause != NULL)
            put_pause(picture, pause);
        put_event(picture, g_ptr_array_index(diagram->events, i));
    }
    g_autofree char *left_out = diagram_left_out(diagram);
    if (left_out != NULL)
        put_pause(picture, left_out);
    for (guint i = 0; i < diagram->columns->len; i++)
        draw_lifeline(picture, i, picture->y + EVENT_GAP);
}

void diagram_write_svg(Diagram *diagram, GString *out)
{
    diagram_finish(diagram);
    guint columns = MAX(diagram->columns->len, 1);
    g_autoptr(GString) lifelines = g_string_new(NULL);
    g_autoptr(GString) events = g_string_new(NULL);
    g_autofree int *drawn_to = g_new(int, columns);
    g_autofree bool *is_down = g_new0(bool, columns);
    for (guint i = 0; i < columns; i++)
        drawn_to[i] = HEAD_Y + EVENT_GAP;
    int width = column_x((int)columns - 1) + RIGHT;
    Picture picture = {diagram, lifelines, events, drawn_to, is_down, FIRST_Y, width};
    put_events(&picture);
    svg_begin(out, picture.width, picture.y + 2 * LINE_HEIGHT, diagram->title);
    svg_text(out, TEXT_OFFSET, TITLE_Y, SVG_START, TIMELINE_STRONG, diagram->title);
    for (guint i = 0; i < diagram->columns->len; i++)
        svg_text(out, column_x((int)i), HEAD_Y, SVG_MIDDLE, TIMELINE_STRONG,
                 diagram_column_name(diagram, i));
    g_string_append_len(out, lifelines->str, (gssize)lifelines->len);
    g_string_append(out, "<g class=\"halo\">\n");
    g_string_append_len(out, events->str, (gssize)events->len);
    g_string_append(out, "</g>\n");
    svg_end(out);
}
