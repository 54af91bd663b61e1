/* The queues of a run as a picture. See queue_picture.h. */
#include "export/queue_picture.h"

#include "core/units.h"
#include "export/svg.h"

#include <string.h>

enum {
    WIDTH = 960,
    MARGIN = 8,
    RIGHT = 30,
    BESIDE_NAMES = 16, /* between the longest name and time zero */
    TITLE_Y = 28,
    FIRST_Y = 54,
    BAR_HEIGHT = 12,
    ROW_HEIGHT = 22,
    CURVE_HEIGHT = 56,
    SERVER_GAP = 18,
    TEXT_RISE = 10, /* of a base line below the top of its row */
    AXIS_HEIGHT = 34,
    LEGEND_HEIGHT = 30,
    BETWEEN_MARKS = 9, /* failed attempts closer than this are one mark */
    TICKS_MAXIMUM = 9,
};

typedef struct Mark {
    SimTime time;
    SvgMark kind;
} Mark;

/* How many messages a queue holds from then on. */
typedef struct Step {
    SimTime time;
    uint64_t length;
} Step;

/* A message in a server's queue. */
typedef struct Bar {
    char *entry, *mail;
    SimTime from, to; /* `to` is SIM_NEVER while it is there */
    bool is_missing;  /* after a restart it was not found again */
    GArray *marks;    /* Mark */
} Bar;

typedef struct Outage {
    SimTime from, to;
} Outage;

typedef struct Server {
    NodeId node;
    GPtrArray *bars; /* Bar, of the first messages */
    bool has_more;   /* messages than bars */
    GArray *steps;   /* Step */
    GArray *outages; /* Outage */
} Server;

struct QueuePicture {
    Trace *trace;
    char *title;
    GPtrArray *servers; /* Server, in the order of the nodes */
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
    g_array_unref(server->steps);
    g_array_unref(server->outages);
    g_free(server);
}

/* ---- Gathering ---- */

static Server *server_of(QueuePicture *picture, NodeId node)
{
    guint place = 0;
    for (; place < picture->servers->len; place++) {
        Server *server = g_ptr_array_index(picture->servers, place);
        if (server->node == node)
            return server;
        if (server->node > node)
            break;
    }
    Server *server = g_new0(Server, 1);
    server->node = node;
    server->bars = g_ptr_array_new_with_free_func(bar_free);
    server->steps = g_array_new(FALSE, FALSE, sizeof(Step));
    server->outages = g_array_new(FALSE, FALSE, sizeof(Outage));
    g_ptr_array_insert(picture->servers, (gint)place, server);
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

static void add_bar(Server *server, const char *entry, const char *mail, SimTime now)
{
    if (find_bar(server, entry) != NULL)
        return;
    if (server->bars->len == QUEUE_PICTURE_BARS_MAXIMUM) {
        server->has_more = true;
        return;
    }
    Bar *bar = g_new(Bar, 1);
    *bar = (Bar){g_strdup(entry), g_strdup(mail), now,
                 SIM_NEVER,       false,          g_array_new(FALSE, FALSE, sizeof(Mark))};
    g_ptr_array_add(server->bars, bar);
}

static void add_mark(const Server *server, const char *entry, SimTime now, SvgMark kind)
{
    Bar *bar = find_bar(server, entry);
    Mark mark = {now, kind};
    if (bar != NULL)
        g_array_append_val(bar->marks, mark);
}

static void add_step(const Server *server, SimTime now, uint64_t length)
{
    Step step = {now, length};
    g_array_append_val(server->steps, step);
}

static void end_bar(const Server *server, const char *entry, SimTime now)
{
    Bar *bar = find_bar(server, entry);
    if (bar != NULL)
        bar->to = now;
}

static void begin_outage(const Server *server, SimTime now)
{
    Outage outage = {now, SIM_NEVER};
    g_array_append_val(server->outages, outage);
}

static void recover(const Server *server, const char *entry, SimTime now, uint64_t length)
{
    Bar *bar = find_bar(server, entry);
    if (bar != NULL)
        *bar = (Bar){bar->entry, bar->mail, bar->from, SIM_NEVER, false, bar->marks};
    add_step(server, now, length);
}

/* What was in the queue is on the disk while the server is down; when it starts, what it does not
 * find again there is lost, and was when the server stopped. */
static void end_outage(const Server *server, SimTime now)
{
    if (server->outages->len == 0)
        return;
    Outage *last = &g_array_index(server->outages, Outage, server->outages->len - 1);
    if (last->to != SIM_NEVER)
        return;
    last->to = now;
    for (guint i = 0; i < server->bars->len; i++) {
        Bar *bar = g_ptr_array_index(server->bars, i);
        if (bar->to == SIM_NEVER) {
            bar->to = last->from;
            bar->is_missing = true;
        }
    }
    add_step(server, now, 0);
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
        Server *server = server_of(picture, record->node);
        add_bar(server, enter->entry, enter->mail, now);
        add_step(server, now, enter->length);
        break;
    }
    case TRACE_QUEUE_REMOVE: {
        const TraceFields_QUEUE_REMOVE *removal = record->fields;
        const Server *server = server_of(picture, record->node);
        end_bar(server, removal->entry, now);
        add_step(server, now, removal->length);
        break;
    }
    case TRACE_QUEUE_RECOVER: {
        const TraceFields_QUEUE_RECOVER *found = record->fields;
        recover(server_of(picture, record->node), found->entry, now, found->length);
        break;
    }
    case TRACE_QUEUE_DEFER:
        add_mark(server_of(picture, record->node), entry_of(record), now, SVG_MARK_FAILED);
        break;
    case TRACE_MAIL_RELAYED:
    case TRACE_MAIL_DELIVERED:
        add_mark(server_of(picture, record->node), entry_of(record), now, SVG_MARK_GOOD);
        break;
    case TRACE_MAIL_BOUNCED:
    case TRACE_MAIL_DISCARDED:
        add_mark(server_of(picture, record->node), entry_of(record), now, SVG_MARK_GIVEN_UP);
        break;
    case TRACE_HOST_CRASH:
    case TRACE_HOST_POWER_OFF:
    case TRACE_HOST_SHUTDOWN:
        begin_outage(server_of(picture, record->node), now);
        break;
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
    uint64_t peak; /* of the queues whose length is drawn */
    int left, y;
} Canvas;

/* The time's place, by integer arithmetic: the same picture on every machine. */
static int time_x(const Canvas *canvas, SimTime time)
{
    SimTime unit = canvas->end / (WIDTH - canvas->left - RIGHT) + 1;
    return canvas->left + (int)(MIN(time, canvas->end) / unit);
}

static void draw_bar(Canvas *canvas, const Bar *bar)
{
    int from = time_x(canvas, bar->from);
    int to = time_x(canvas, bar->to == SIM_NEVER ? canvas->end : bar->to);
    svg_text(canvas->out, canvas->left - BESIDE_NAMES, canvas->y + TEXT_RISE, SVG_END,
             TIMELINE_PLAIN, bar->mail);
    svg_box(canvas->out, from, canvas->y, MAX(to - from, 2), BAR_HEIGHT, TIMELINE_PLAIN);
    int last_x = -BETWEEN_MARKS;
    for (guint i = 0; i < bar->marks->len; i++) {
        const Mark *mark = &g_array_index(bar->marks, Mark, i);
        int x = time_x(canvas, mark->time);
        if (x - last_x < BETWEEN_MARKS && mark->kind == SVG_MARK_FAILED)
            continue; /* it would be drawn over the one before */
        svg_mark(canvas->out, x, canvas->y + BAR_HEIGHT / 2, mark->kind);
        last_x = x;
    }
    if (bar->is_missing)
        svg_mark(canvas->out, to, canvas->y + BAR_HEIGHT / 2, SVG_MARK_LOST);
    canvas->y += ROW_HEIGHT;
}

/* The most messages in each column of pixels. */
static void fill_levels(const Canvas *canvas, const Server *server, uint64_t *levels)
{
    uint64_t now = 0;
    int reached = canvas->left;
    for (guint i = 0; i < server->steps->len; i++) {
        const Step *step = &g_array_index(server->steps, Step, i);
        int x = time_x(canvas, step->time);
        for (; reached < x; reached++)
            levels[reached] = MAX(levels[reached], now);
        levels[x] = MAX(levels[x], MAX(now, step->length));
        now = step->length;
    }
    for (; reached <= WIDTH - RIGHT; reached++)
        levels[reached] = MAX(levels[reached], now);
}

static uint64_t peak_of(const Server *server)
{
    uint64_t peak = 0;
    for (guint i = 0; i < server->steps->len; i++)
        peak = MAX(peak, g_array_index(server->steps, Step, i).length);
    return peak;
}

static void draw_curve(Canvas *canvas, const Server *server)
{
    uint64_t levels[WIDTH + 1] = {0}, shown = 0;
    int base = canvas->y + CURVE_HEIGHT;
    fill_levels(canvas, server, levels);
    g_string_append_printf(canvas->out, "<path class=\"full\" d=\"M%d %d", canvas->left, base);
    for (int x = canvas->left; x <= WIDTH - RIGHT; x++) {
        if (levels[x] == shown)
            continue;
        shown = levels[x];
        g_string_append_printf(canvas->out, "H%dV%d", x,
                               base - (int)(shown * CURVE_HEIGHT / MAX(canvas->peak, 1)));
    }
    g_string_append_printf(canvas->out, "H%dV%dZ\"/>\n", WIDTH - RIGHT, base);
    g_autofree char *text = g_strdup_printf("at most %" G_GUINT64_FORMAT, peak_of(server));
    svg_text(canvas->out, canvas->left - BESIDE_NAMES, canvas->y + TEXT_RISE, SVG_END, TIMELINE_DIM,
             text);
    canvas->y = base + ROW_HEIGHT - BAR_HEIGHT;
}

static void draw_outages(const Canvas *canvas, const Server *server)
{
    enum { IN_BAND = 4 };
    for (guint i = 0; i < server->outages->len; i++) {
        const Outage *outage = &g_array_index(server->outages, Outage, i);
        int from = time_x(canvas, outage->from), to = time_x(canvas, outage->to);
        svg_box(canvas->out, from, canvas->y, MAX(to - from, 2), BAR_HEIGHT, TIMELINE_BAD);
        if (to - from > svg_text_width("down", false) + 2 * IN_BAND)
            svg_text(canvas->out, from + IN_BAND, canvas->y + TEXT_RISE, SVG_START, TIMELINE_BAD,
                     "down");
    }
}

static void draw_server(const QueuePicture *picture, Canvas *canvas, const Server *server)
{
    svg_text(canvas->out, MARGIN, canvas->y + TEXT_RISE, SVG_START, TIMELINE_STRONG,
             simulator_node_name(trace_simulator(picture->trace), server->node));
    draw_outages(canvas, server);
    canvas->y += ROW_HEIGHT;
    if (server->has_more)
        draw_curve(canvas, server);
    for (guint i = 0; i < server->bars->len && !server->has_more; i++)
        draw_bar(canvas, g_ptr_array_index(server->bars, i));
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
    svg_line(canvas->out, canvas->left, canvas->y, WIDTH - RIGHT, canvas->y, TIMELINE_DIM, false);
    for (SimTime time = 0; time <= canvas->end; time += step) {
        int x = time_x(canvas, time);
        g_autofree char *text = time == 0 ? g_strdup("0") : units_format_readable(time);
        svg_line(canvas->out, x, canvas->y, x, canvas->y + 5, TIMELINE_DIM, false);
        svg_text(canvas->out, x, canvas->y + 20, SVG_MIDDLE, TIMELINE_DIM, text);
    }
    canvas->y += AXIS_HEIGHT;
}

/* What the signs mean. */
static void draw_legend(Canvas *canvas)
{
    enum { SIGN = 20, BETWEEN = 20 };
    static const struct {
        const char *words;
        SvgMark mark;
    } SIGNS[] = {{"passed on", SVG_MARK_GOOD},
                 {"attempt failed", SVG_MARK_FAILED},
                 {"given up", SVG_MARK_GIVEN_UP},
                 {"lost", SVG_MARK_LOST}};
    int x = canvas->left, y = canvas->y + TEXT_RISE;
    svg_box(canvas->out, x, canvas->y, BAR_HEIGHT, BAR_HEIGHT, TIMELINE_PLAIN);
    svg_text(canvas->out, x + SIGN, y, SVG_START, TIMELINE_PLAIN, "in the queue");
    x += SIGN + svg_text_width("in the queue", false) + BETWEEN;
    svg_box(canvas->out, x, canvas->y, BAR_HEIGHT, BAR_HEIGHT, TIMELINE_BAD);
    svg_text(canvas->out, x + SIGN, y, SVG_START, TIMELINE_PLAIN, "server down");
    x += SIGN + svg_text_width("server down", false) + BETWEEN;
    for (size_t i = 0; i < G_N_ELEMENTS(SIGNS); i++) {
        svg_mark(canvas->out, x + BAR_HEIGHT / 2, canvas->y + BAR_HEIGHT / 2, SIGNS[i].mark);
        svg_text(canvas->out, x + SIGN, y, SVG_START, TIMELINE_PLAIN, SIGNS[i].words);
        x += SIGN + svg_text_width(SIGNS[i].words, false) + BETWEEN;
    }
    canvas->y += LEGEND_HEIGHT;
}

/* Where time zero stands: beside the longest name, but in the left half. */
static int left_of(const QueuePicture *picture)
{
    int width = svg_text_width("at most 100000", false);
    for (guint i = 0; i < picture->servers->len; i++) {
        const Server *server = g_ptr_array_index(picture->servers, i);
        const char *name = simulator_node_name(trace_simulator(picture->trace), server->node);
        width = MAX(width, svg_text_width(name, true));
        for (guint k = 0; k < server->bars->len; k++) {
            const Bar *bar = g_ptr_array_index(server->bars, k);
            width = MAX(width, server->has_more ? 0 : svg_text_width(bar->mail, false));
        }
    }
    return MIN(MARGIN + width + BESIDE_NAMES, WIDTH / 2);
}

static uint64_t peak_of_curves(const QueuePicture *picture)
{
    uint64_t peak = 0;
    for (guint i = 0; i < picture->servers->len; i++) {
        const Server *server = g_ptr_array_index(picture->servers, i);
        peak = MAX(peak, server->has_more ? peak_of(server) : 0);
    }
    return peak;
}

void queue_picture_write(QueuePicture *picture, GString *out)
{
    g_autoptr(GString) shapes = g_string_new(NULL);
    Canvas canvas = {shapes, MAX(simulator_now(trace_simulator(picture->trace)), 1),
                     peak_of_curves(picture), left_of(picture), FIRST_Y};
    for (guint i = 0; i < picture->servers->len; i++)
        draw_server(picture, &canvas, g_ptr_array_index(picture->servers, i));
    draw_axis(&canvas);
    draw_legend(&canvas);
    svg_begin(out, WIDTH, canvas.y, picture->title);
    svg_text(out, MARGIN, TITLE_Y, SVG_START, TIMELINE_STRONG, picture->title);
    g_string_append_len(out, shapes->str, (gssize)shapes->len);
    svg_end(out);
}
