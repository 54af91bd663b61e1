/* A diagram as a picture of the ladder. See diagram.h. */
#include "export/diagram_internal.h"

#include "export/svg.h"
#include "export/timeline.h"

enum {
    MARGIN = 8,
    EVENTS_LEFT = 112, /* times stand left of it */
    WIDTH_WANTED = 1280,
    COLUMN_GAP_MINIMUM = 150, /* between lifelines */
    COLUMN_GAP_MAXIMUM = 420,
    BETWEEN_NAMES = 20,
    TITLE_Y = 28,
    MACHINE_Y = 68,
    NAME_Y = MACHINE_Y + SVG_MACHINE_HALF + 18,
    LIFELINES_Y = NAME_Y + 10,
    FIRST_Y = NAME_Y + 20,
    LINE_HEIGHT = 17,
    EVENT_GAP = 9,
    PAUSE_HEIGHT = 30,
    ARROW_BELOW_TEXT = 6,
    MIDDLE_OF_LINE = 4, /* above the base line */
    TEXT_OFFSET = 9,    /* of text from a lifeline */
    TEXT_WIDTH = 360,   /* of an arrow's words, where the arrow is shorter */
};

typedef struct Picture {
    const Diagram *diagram;
    GString *lifelines, *events; /* the lifelines lie beneath */
    int *drawn_to;               /* of each lifeline */
    bool *is_down;
    int first_x, gap, width;
    int y;
    GString *shown_time; /* the last one, not to be repeated */
} Picture;

static int column_x(const Picture *picture, int column)
{
    return picture->first_x + column * picture->gap;
}

/* As narrow as the names allow, but as wide as a slide. */
static void lay_columns(Picture *picture)
{
    const Diagram *diagram = picture->diagram;
    int names = 0, gaps = (int)diagram->columns->len - 1;
    for (guint i = 0; i < diagram->columns->len; i++)
        names = MAX(names, svg_text_width(diagram_column_name(diagram, i), true));
    names += BETWEEN_NAMES;
    picture->first_x = EVENTS_LEFT + names / 2;
    int beside = picture->first_x + names / 2;
    int wanted = gaps > 0 ? (WIDTH_WANTED - beside) / gaps : COLUMN_GAP_MAXIMUM;
    picture->gap = MAX(MIN(wanted, COLUMN_GAP_MAXIMUM), MAX(names, COLUMN_GAP_MINIMUM));
    picture->width = beside + MAX(gaps, 1) * picture->gap;
}

static void draw_lifeline(Picture *picture, guint column, int y)
{
    int x = column_x(picture, (int)column);
    svg_line(picture->lifelines, x, picture->drawn_to[column], x, y,
             picture->is_down[column] ? TIMELINE_BAD : TIMELINE_DIM, picture->is_down[column]);
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
    if (g_string_equal(text, picture->shown_time))
        return;
    g_string_assign(picture->shown_time, text->str);
    svg_text(picture->events, MARGIN, picture->y, SVG_START, TIMELINE_DIM, text->str);
}

/* The event's words in lines of at most that width. */
static GPtrArray *wrap(const TimelineEvent *event, const char *text, int width)
{
    GPtrArray *wrapped = g_ptr_array_new_with_free_func(g_free);
    g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
    for (char **line = lines; *line != NULL; line++) {
        const char *rest = *line;
        do {
            size_t length = svg_line_length(rest, width, event->tone == TIMELINE_STRONG);
            g_ptr_array_add(wrapped, g_strndup(rest, length));
            rest += length;
            rest += *rest == ' ';
        } while (*rest != '\0');
    }
    return wrapped;
}

static int widest(const GPtrArray *lines, TimelineTone tone)
{
    int width = 0;
    for (guint i = 0; i < lines->len; i++)
        width = MAX(width, svg_text_width(g_ptr_array_index(lines, i), tone == TIMELINE_STRONG));
    return width;
}

/* Leaves `y` at the last line. */
static void put_lines(Picture *picture, const TimelineEvent *event, const GPtrArray *lines, int x,
                      SvgAnchor anchor)
{
    for (guint i = 0; i < lines->len; i++) {
        picture->y += i > 0 ? LINE_HEIGHT : 0;
        svg_text(picture->events, x, picture->y, anchor, event->tone, g_ptr_array_index(lines, i));
    }
}

/* Words over the middle of an arrow, but within the picture. */
static void put_arrow(Picture *picture, const TimelineEvent *event, const char *text, int from,
                      int to)
{
    int a = column_x(picture, from), b = column_x(picture, to);
    g_autoptr(GPtrArray) lines = wrap(event, text, MAX(ABS(b - a) - 2 * TEXT_OFFSET, TEXT_WIDTH));
    int half = widest(lines, event->tone) / 2;
    int x = MAX(MIN((a + b) / 2, picture->width - MARGIN - half), EVENTS_LEFT + half);
    put_lines(picture, event, lines, x, SVG_MIDDLE);
    picture->y += ARROW_BELOW_TEXT;
    svg_arrow(picture->events, a, b, picture->y, event->tone);
}

/* Words beside a lifeline: right of it where they fit, else left, else where there is more room. */
static void put_note(Picture *picture, const TimelineEvent *event, const char *text, int column)
{
    int x = column_x(picture, column);
    int right = picture->width - MARGIN - x - TEXT_OFFSET, left = x - TEXT_OFFSET - EVENTS_LEFT;
    int longest = svg_text_width(text, event->tone == TIMELINE_STRONG);
    bool is_right = longest <= right || (longest > left && right >= left);
    g_autoptr(GPtrArray) lines = wrap(event, text, is_right ? right : left);
    svg_dot(picture->events, x, picture->y - MIDDLE_OF_LINE, event->tone);
    put_lines(picture, event, lines, is_right ? x + TEXT_OFFSET : x - TEXT_OFFSET,
              is_right ? SVG_START : SVG_END);
}

static void put_event(Picture *picture, const TimelineEvent *event)
{
    const Diagram *diagram = picture->diagram;
    int from = diagram_column(diagram, event->node);
    int to = event->peer != TIMELINE_NO_PEER ? diagram_column(diagram, event->peer) : -1;
    note_state(picture, event, from);
    picture->y += LINE_HEIGHT;
    put_time(picture, event->time);
    g_autofree char *text = diagram_text(diagram, event);
    if (from < 0) {
        g_autoptr(GPtrArray) lines = wrap(event, text, picture->width - MARGIN - EVENTS_LEFT);
        put_lines(picture, event, lines, EVENTS_LEFT, SVG_START);
    } else if (to >= 0 && to != from) {
        put_arrow(picture, event, text, from, to);
    } else {
        put_note(picture, event, text, from);
    }
    picture->y += EVENT_GAP;
}

static void put_pause(Picture *picture, const char *pause)
{
    for (guint i = 0; i < picture->diagram->columns->len; i++) {
        draw_lifeline(picture, i, picture->y);
        picture->drawn_to[i] = picture->y + PAUSE_HEIGHT;
    }
    svg_text(picture->events, EVENTS_LEFT, picture->y + PAUSE_HEIGHT * 2 / 3, SVG_START,
             TIMELINE_DIM, pause);
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

static void put_head(const Picture *picture, GString *out)
{
    const Diagram *diagram = picture->diagram;
    svg_text(out, MARGIN, TITLE_Y, SVG_START, TIMELINE_STRONG, diagram->title);
    for (guint i = 0; i < diagram->columns->len; i++) {
        const NdjsonNode *node = diagram_column_node(diagram, i);
        int x = column_x(picture, (int)i);
        if (node != NULL)
            svg_machine(out, x, MACHINE_Y, svg_machine_of(node->role, node->name));
        svg_text(out, x, NAME_Y, SVG_MIDDLE, TIMELINE_STRONG, diagram_column_name(diagram, i));
    }
}

void diagram_write_svg(Diagram *diagram, GString *out)
{
    diagram_finish(diagram);
    guint columns = MAX(diagram->columns->len, 1);
    g_autoptr(GString) lifelines = g_string_new(NULL);
    g_autoptr(GString) events = g_string_new(NULL);
    g_autoptr(GString) shown_time = g_string_new(NULL);
    g_autofree int *drawn_to = g_new(int, columns);
    g_autofree bool *is_down = g_new0(bool, columns);
    for (guint i = 0; i < columns; i++)
        drawn_to[i] = LIFELINES_Y;
    Picture picture = {.diagram = diagram,
                       .lifelines = lifelines,
                       .events = events,
                       .drawn_to = drawn_to,
                       .is_down = is_down,
                       .y = FIRST_Y,
                       .shown_time = shown_time};
    lay_columns(&picture);
    put_events(&picture);
    int width = MAX(picture.width, svg_text_width(diagram->title, true) + 2 * MARGIN);
    svg_begin(out, width, picture.y + 2 * LINE_HEIGHT, diagram->title);
    put_head(&picture, out);
    g_string_append_len(out, lifelines->str, (gssize)lifelines->len);
    g_string_append(out, "<g class=\"halo\">\n");
    g_string_append_len(out, events->str, (gssize)events->len);
    g_string_append(out, "</g>\n");
    svg_end(out);
}
