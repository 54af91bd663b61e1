/* The queues of a run as a picture. See queue_picture.h. */
#include "export/queue_picture.h"

#include "core/units.h"
#include "export/svg.h"

#include <string.h>

enum {
    WIDTH = 960,
    LEFT = 220, /* names stand left of it */
    RIGHT = 30,
    TITLE_Y = 28,
    FIRST_Y = 54,
    BAR_HEIGHT = 12,
    ROW_HEIGHT = 22,
    SERVER_GAP = 18,
    TEXT_RISE = 10, /* of a base line below the top of its row */
    AXIS_HEIGHT = 40,
    TICKS_MAXIMUM = 9,
};

typedef enum MarkKind { MARK_ATTEMPT, MARK_FAILED, MARK_PASSED_ON, MARK_GIVEN_UP } MarkKind;

typedef struct Mark {
    SimTime time;
    MarkKind kind;
} Mark;

/* A message in a server's queue. */
typedef struct Bar {
    char *entry, *mail;
    SimTime from, to; /* `to` is SIM_NEVER while it is there */
    GArray *marks;    /* Mark */
} Bar;

typedef struct Outage {
    SimTime from, to;
} Outage;

typedef struct Server {
    NodeId node;
    GPtrArray *bars; /* Bar */
    uint64_t left_out;
    GArray *outages; /* Outage */
} Server;

struct QueuePicture {
    Trace *trace;
    char *title;
    GPtrArray *servers; /* Server, in the order of appearance */
};

static void bar_free(gpointer data)
{
    Bar *bar = data;
    g_free(bar->entry);
    g_free(bar->mail);
    g_array_unref(bar->marks);
    g_free(bar);
}

static void server_free(gpointer data)
{
    Server *server = data;
    g_ptr_array_unref(server->bars);
    g_array_unref(server->outages);
    g_free(server);
}

/* ---- Gathering ---- */

static Server *server_of(QueuePicture *picture, NodeId node)
{
    for (guint i = 0; i < picture->servers->len; i++) {
        Server *server = g_ptr_array_index(picture->servers, i);
        if (server->node == node)
            return server;
    }
    Server *server = g_new0(Server, 1);
    server->node = node;
    server->bars = g_ptr_array_new_with_free_func(bar_free);
    server->outages = g_array_new(FALSE, FALSE, sizeof(Outage));
    g_ptr_array_add(picture->servers, server);
    return server;
}

static Bar *find_bar(const Server *server, const char *entry)
{
    for (guint i = server->bars->len; i-- > 0;) {
        Bar *bar = g_ptr_array_index(server->bars, i);
        if (g_strcmp0(bar->entry, entry) == 0)
            return bar;
    }
    return NULL;
}

/* A message found again after a restart has its bar already. */
static void add_bar(Server *server, const char *entry, const char *mail, SimTime now)
{
    if (find_bar(server, entry) != NULL)
        return;
    if (server->bars->len == QUEUE_PICTURE_BARS_MAXIMUM) {
        server->left_out++;
        return;
    }
    Bar *bar = g_new(Bar, 1);
    *bar = (Bar){g_strdup(entry), g_strdup(mail), now, SIM_NEVER,
                 g_array_new(FALSE, FALSE, sizeof(Mark))};
    g_ptr_array_add(server->bars, bar);
}

static void add_mark(const Server *server, const char *entry, SimTime now, MarkKind kind)
{
    Bar *bar = find_bar(server, entry);
    Mark mark = {now, kind};
    if (bar != NULL)
        g_array_append_val(bar->marks, mark);
}

static void end_bar(const Server *server, const char *entry, SimTime now)
{
    Bar *bar = find_bar(server, entry);
    if (bar != NULL)
        bar->to = now;
}

static void end_outage(const Server *server, SimTime now)
{
    if (server->outages->len == 0)
        return;
    Outage *last = &g_array_index(server->outages, Outage, server->outages->len - 1);
    if (last->to == SIM_NEVER)
        last->to = now;
}

static const char *entry_of(const TraceRecord *record)
{
    const TraceFieldInfo *field = trace_kind_field(record->kind, "entry");
    const void *value = (const char *)record->fields + field->offset;
    return *(const TraceField_TEXT *)value;
}

static void take(void *owner, const TraceRecord *record)
{
    QueuePicture *picture = owner;
    SimTime now = record->time;
    switch ((int)record->kind) {
    case TRACE_QUEUE_ENTER: {
        const TraceFields_QUEUE_ENTER *enter = record->fields;
        add_bar(server_of(picture, record->node), enter->entry, enter->mail, now);
        break;
    }
    case TRACE_QUEUE_REMOVE:
        end_bar(server_of(picture, record->node), entry_of(record), now);
        break;
    case TRACE_QUEUE_DEFER:
        add_mark(server_of(picture, record->node), entry_of(record), now, MARK_FAILED);
        break;
    case TRACE_MAIL_RELAYED:
    case TRACE_MAIL_DELIVERED:
        add_mark(server_of(picture, record->node), entry_of(record), now, MARK_PASSED_ON);
        break;
    case TRACE_MAIL_BOUNCED:
    case TRACE_MAIL_DISCARDED:
        add_mark(server_of(picture, record->node), entry_of(record), now, MARK_GIVEN_UP);
        break;
    case TRACE_HOST_CRASH:
    case TRACE_HOST_POWER_OFF:
    case TRACE_HOST_SHUTDOWN: {
        Outage outage = {now, SIM_NEVER};
        g_array_append_val(server_of(picture, record->node)->outages, outage);
        break;
    }
    case TRACE_HOST_RESTART:
        end_outage(server_of(picture, record->node), now);
        break;
    }
}

QueuePicture *queue_picture_new(Trace *trace, const char *title)
{
    QueuePicture *picture = g_new0(QueuePicture, 1);
    picture->trace = trace;
    picture->title = g_strdup(title);
    picture->servers = g_ptr_array_new_with_free_func(server_free);
    trace_add_sink(trace, (TraceSink){take, picture, TRACE_LEVEL_MAIL});
    return picture;
}

void queue_picture_free(QueuePicture *picture)
{
    g_free(picture->title);
    g_ptr_array_unref(picture->servers);
    g_free(picture);
}

/* ---- Drawing ---- */

typedef struct Canvas {
    GString *out;
    SimTime end;
    int y;
} Canvas;

/* The time's place, by integer arithmetic: the same picture on every machine. */
static int time_x(const Canvas *canvas, SimTime time)
{
    SimTime unit = canvas->end / (WIDTH - LEFT - RIGHT) + 1;
    return LEFT + (int)(MIN(time, canvas->end) / unit);
}

static void draw_bar(Canvas *canvas, const Bar *bar)
{
    static const TimelineTone TONES[] = {TIMELINE_DIM, TIMELINE_BAD, TIMELINE_GOOD, TIMELINE_BAD};
    int from = time_x(canvas, bar->from);
    int to = time_x(canvas, bar->to == SIM_NEVER ? canvas->end : bar->to);
    svg_text(canvas->out, LEFT - 10, canvas->y + TEXT_RISE, SVG_END, TIMELINE_PLAIN, bar->mail);
    svg_box(canvas->out, from, canvas->y, MAX(to - from, 2), BAR_HEIGHT, TIMELINE_PLAIN);
    int last_x = -1;
    for (guint i = 0; i < bar->marks->len; i++) {
        const Mark *mark = &g_array_index(bar->marks, Mark, i);
        int x = time_x(canvas, mark->time);
        if (x == last_x && mark->kind == MARK_FAILED)
            continue; /* it would be drawn over the one before */
        svg_line(canvas->out, x, canvas->y - 3, x, canvas->y + BAR_HEIGHT + 3, TONES[mark->kind],
                 false);
        last_x = x;
    }
    canvas->y += ROW_HEIGHT;
}

static void draw_server(const QueuePicture *picture, Canvas *canvas, const Server *server)
{
    svg_text(canvas->out, 8, canvas->y + TEXT_RISE, SVG_START, TIMELINE_STRONG,
             simulator_node_name(trace_simulator(picture->trace), server->node));
    for (guint i = 0; i < server->outages->len; i++) {
        const Outage *outage = &g_array_index(server->outages, Outage, i);
        int from = time_x(canvas, outage->from), to = time_x(canvas, outage->to);
        svg_box(canvas->out, from, canvas->y, MAX(to - from, 2), BAR_HEIGHT, TIMELINE_BAD);
        svg_text(canvas->out, from + 4, canvas->y + TEXT_RISE, SVG_START, TIMELINE_BAD, "down");
    }
    canvas->y += ROW_HEIGHT;
    for (guint i = 0; i < server->bars->len; i++)
        draw_bar(canvas, g_ptr_array_index(server->bars, i));
    if (server->left_out > 0) {
        g_autofree char *text = g_strdup_printf("and %" G_GUINT64_FORMAT " more", server->left_out);
        svg_text(canvas->out, LEFT - 10, canvas->y + TEXT_RISE, SVG_END, TIMELINE_DIM, text);
        canvas->y += ROW_HEIGHT;
    }
    canvas->y += SERVER_GAP;
}

/* The smallest step that gives few enough ticks. */
static SimTime tick_step(SimTime end)
{
    static const SimTime STEPS[] = {
        SIM_MILLISECOND * 100, SIM_SECOND, SIM_SECOND * 5, SIM_SECOND * 10,
        SIM_SECOND * 30,       SIM_MINUTE, SIM_MINUTE * 5, SIM_MINUTE * 10,
        SIM_MINUTE * 30,       SIM_HOUR,   SIM_HOUR * 2,   SIM_HOUR * 6,
        SIM_HOUR * 12,         SIM_DAY,    SIM_DAY * 2,    SIM_DAY * 7,
    };
    size_t i = 0;
    while (i + 1 < G_N_ELEMENTS(STEPS) && end / STEPS[i] >= TICKS_MAXIMUM)
        i++;
    return MAX(STEPS[i], end / TICKS_MAXIMUM);
}

static void draw_axis(Canvas *canvas)
{
    SimTime step = tick_step(canvas->end);
    svg_line(canvas->out, LEFT, canvas->y, WIDTH - RIGHT, canvas->y, TIMELINE_DIM, false);
    for (SimTime time = 0; time <= canvas->end; time += step) {
        int x = time_x(canvas, time);
        g_autofree char *text = time == 0 ? g_strdup("0") : units_format_readable(time);
        svg_line(canvas->out, x, canvas->y, x, canvas->y + 5, TIMELINE_DIM, false);
        svg_text(canvas->out, x, canvas->y + 20, SVG_MIDDLE, TIMELINE_DIM, text);
    }
}

void queue_picture_write(QueuePicture *picture, GString *out)
{
    g_autoptr(GString) shapes = g_string_new(NULL);
    Canvas canvas = {shapes, MAX(simulator_now(trace_simulator(picture->trace)), 1), FIRST_Y};
    for (guint i = 0; i < picture->servers->len; i++)
        draw_server(picture, &canvas, g_ptr_array_index(picture->servers, i));
    draw_axis(&canvas);
    svg_begin(out, WIDTH, canvas.y + AXIS_HEIGHT, picture->title);
    svg_text(out, 8, TITLE_Y, SVG_START, TIMELINE_STRONG, picture->title);
    g_string_append_len(out, shapes->str, (gssize)shapes->len);
    svg_end(out);
}
