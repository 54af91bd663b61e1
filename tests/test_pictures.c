/* Tests of the pictures of a run: well-formed SVG that says what happened, with hostile text
 * escaped; Mermaid text; how much a picture may hold. */
#include "export/diagram.h"
#include "export/map_picture.h"
#include "export/queue_picture.h"
#include "export/svg.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

typedef struct World {
    Simulator *simulator;
    Trace *trace;
    NodeId agent, server;
} World;

static World world_new(void)
{
    World world = {.simulator = simulator_new(7)};
    world.agent = simulator_add_node(world.simulator, "a.example");
    world.server = simulator_add_node(world.simulator, "mx.example");
    simulator_add_node(world.simulator, "idle.example");
    world.trace = trace_new(world.simulator);
    return world;
}

static void world_clear(World *world)
{
    trace_free(world->trace);
    simulator_free(world->simulator);
}

static const NdjsonNode NETWORK[] = {{.name = "mx.example", .role = "server"},
                                     {.name = "a.example", .role = "agent"}};

static Diagram *diagram_of(World *world, const char *title)
{
    static const NodeId COLUMNS[] = {1, 2, 3};
    return diagram_new(world->trace, &(DiagramOptions){.level = TRACE_LEVEL_PROTOCOL,
                                                       .title = title,
                                                       .columns = COLUMNS,
                                                       .column_count = G_N_ELEMENTS(COLUMNS),
                                                       .network = NETWORK,
                                                       .network_count = G_N_ELEMENTS(NETWORK)});
}

/* All texts of the picture, a line each, and where they stand; fails when it is not well-formed
 * XML. */
typedef struct Box {
    int left, right, y;
    char *text;
} Box;

typedef struct Texts {
    GString *lines;
    GArray *boxes; /* Box */
    int width;     /* of the picture */
    int x, y;
    char anchor; /* of "start", "middle", "end" the first letter */
    bool is_text, is_bold;
} Texts;

static void on_start(GMarkupParseContext *context, const char *name, const char **keys,
                     const char **values, gpointer user, GError **error)
{
    (void)context, (void)error;
    Texts *texts = user;
    texts->is_text = strcmp(name, "text") == 0;
    texts->anchor = 's';
    for (size_t i = 0; keys[i] != NULL; i++) {
        if (strcmp(name, "svg") == 0 && strcmp(keys[i], "width") == 0)
            texts->width = atoi(values[i]);
        if (!texts->is_text)
            continue;
        if (strcmp(keys[i], "x") == 0)
            texts->x = atoi(values[i]);
        if (strcmp(keys[i], "y") == 0)
            texts->y = atoi(values[i]);
        if (strcmp(keys[i], "text-anchor") == 0)
            texts->anchor = values[i][0];
        if (strcmp(keys[i], "class") == 0)
            texts->is_bold = strcmp(values[i], "s") == 0;
    }
}

static void on_text(GMarkupParseContext *context, const char *text, gsize length, gpointer user,
                    GError **error)
{
    (void)context, (void)error;
    Texts *texts = user;
    if (texts->is_text) {
        g_string_append_len(texts->lines, text, (gssize)length);
        g_string_append_c(texts->lines, '\n');
        char *copy = g_strndup(text, length);
        int width = svg_text_width(copy, texts->is_bold);
        int left = texts->x - (texts->anchor == 's' ? 0 : texts->anchor == 'e' ? width : width / 2);
        Box box = {left, left + width, texts->y, copy};
        g_array_append_val(texts->boxes, box);
    }
    texts->is_text = false;
}

static void clear_box(gpointer box)
{
    g_free(((Box *)box)->text);
}

static Texts read_texts(const GString *svg)
{
    static const GMarkupParser PARSER = {.start_element = on_start, .text = on_text};
    Texts texts = {.lines = g_string_new(NULL), .boxes = g_array_new(FALSE, FALSE, sizeof(Box))};
    g_array_set_clear_func(texts.boxes, clear_box);
    GMarkupParseContext *context = g_markup_parse_context_new(&PARSER, 0, &texts, NULL);
    assert_true(g_markup_parse_context_parse(context, svg->str, (gssize)svg->len, NULL));
    assert_true(g_markup_parse_context_end_parse(context, NULL));
    g_markup_parse_context_free(context);
    return texts;
}

static void texts_clear(Texts *texts)
{
    g_string_free(texts->lines, TRUE);
    g_array_unref(texts->boxes);
}

static void assert_texts(const GString *svg, const char *expected)
{
    Texts texts = read_texts(svg);
    assert_string_equal(texts.lines->str, expected);
    texts_clear(&texts);
}

/* No text lies on another, or goes over the picture's edge. */
static void assert_room(const GString *svg)
{
    enum { LINE = 14 };
    Texts texts = read_texts(svg);
    assert_true(texts.boxes->len > 0);
    for (guint i = 0; i < texts.boxes->len; i++) {
        const Box *a = &g_array_index(texts.boxes, Box, i);
        if (a->left < 0 || a->right > texts.width)
            fail_msg("over the edge: %s (%d to %d of %d)", a->text, a->left, a->right, texts.width);
        for (guint k = 0; k < i; k++) {
            const Box *b = &g_array_index(texts.boxes, Box, k);
            if (ABS(a->y - b->y) < LINE && a->left < b->right && b->left < a->right)
                fail_msg("%s lies on %s", a->text, b->text);
        }
    }
    texts_clear(&texts);
}

static unsigned count(const GString *text, const char *what)
{
    unsigned found = 0;
    for (const char *at = strstr(text->str, what); at != NULL; at = strstr(at + 1, what))
        found++;
    return found;
}

static void write_dialogue(World *world)
{
    TRACE(world->trace, world->agent, TCP_CONNECT, 0, .connection = {world->agent, 1},
          .remote = "mx.example", .remote_port = 25);
    TRACE(world->trace, world->agent, SMTP_COMMAND, 0, .connection = {world->agent, 1},
          .line = span_of_text("MAIL FROM:<a>; #1"));
    TRACE(world->trace, world->server, HOST_CRASH, 0, .program = "mail server");
}

static void test_ladder_as_svg(void **state)
{
    (void)state;
    World world = world_new();
    Diagram *diagram = diagram_of(&world, "<Down> & out");
    write_dialogue(&world);
    g_autoptr(GString) svg = g_string_new(NULL);
    diagram_write_svg(diagram, svg);
    assert_texts(svg, "<Down> & out\n"
                      "a.example\n"
                      "mx.example\n"
                      "00:00:00.000\n"
                      "TCP: connects to mx.example port 25\n"
                      "C: MAIL FROM:<a>; #1\n"
                      "mail server crashes\n");
    assert_int_equal(count(svg, "m-8 -4l8 4l-8 4"), 2);  /* arrows to the right */
    assert_int_equal(count(svg, "class=\"m\""), 2);      /* machines */
    assert_int_equal(count(svg, "stroke-dasharray"), 1); /* the lifeline of who is down */
    assert_null(strstr(svg->str, "idle.example"));
    assert_room(svg);
    diagram_free(diagram);
    world_clear(&world);
}

/* Words longer than the way from host to host, than the picture, and without a space. */
static void test_long_words_have_room(void **state)
{
    (void)state;
    World world = world_new();
    Diagram *diagram = diagram_of(&world, "Much to say");
    g_autofree char *unbroken = g_strnfill(700, 'Q');
    g_autoptr(GString) spaced = g_string_new("550");
    for (int i = 0; i < 60; i++)
        g_string_append(spaced, " Postfach");
    write_dialogue(&world);
    TRACE(world.trace, world.agent, SMTP_COMMAND, 0, .connection = {world.agent, 1},
          .line = span_of_text(unbroken));
    TRACE(world.trace, world.agent, SMTP_COMMAND, 0, .connection = {world.agent, 1},
          .line = span_of_text(spaced->str));
    TRACE(world.trace, world.server, HOST_RESTART, 0, .program = spaced->str);
    TRACE(world.trace, NODE_TIMELINE, TIMELINE_NOTE, 0, .text = unbroken);
    g_autoptr(GString) svg = g_string_new(NULL);
    diagram_write_svg(diagram, svg);
    assert_room(svg);
    assert_int_equal(count(svg, "Postfach"), 120);
    assert_int_equal(count(svg, "Q"), 1400); /* nothing is cut */
    diagram_free(diagram);
    world_clear(&world);
}

static void test_ladder_as_mermaid(void **state)
{
    (void)state;
    World world = world_new();
    Diagram *diagram = diagram_of(&world, "Down");
    write_dialogue(&world);
    g_autoptr(GString) text = g_string_new(NULL);
    diagram_write_mermaid(diagram, text);
    assert_string_equal(text->str, "sequenceDiagram\n"
                                   "    title Down\n"
                                   "    participant h0 as a.example\n"
                                   "    participant h1 as mx.example\n"
                                   "    h0->>h1: 00:00:00.000 TCP: connects to mx.example port 25\n"
                                   "    h0->>h1: 00:00:00.000 C: MAIL FROM:#60;a#62;#59; #35;1\n"
                                   "    Note over h1: 00:00:00.000 mail server crashes\n");
    diagram_free(diagram);
    world_clear(&world);
}

static void test_what_is_left_out_is_said(void **state)
{
    (void)state;
    World world = world_new();
    Diagram *diagram = diagram_of(&world, "Much");
    for (int i = 0; i < DIAGRAM_EVENTS_MAXIMUM + 2; i++)
        TRACE(world.trace, world.agent, AGENT_FETCHED, 0, .count = 0);
    g_autoptr(GString) text = g_string_new(NULL);
    diagram_write_mermaid(diagram, text);
    assert_int_equal(count(text, "has fetched"), DIAGRAM_EVENTS_MAXIMUM);
    assert_non_null(strstr(text->str, "Note over h0: 2 more events are left out#59;"));
    diagram_free(diagram);
    world_clear(&world);
}

/* ---- Queues ---- */

static void fill_queue(void *owner, void *data)
{
    (void)data;
    World *world = owner;
    TRACE(world->trace, world->server, QUEUE_ENTER, 0, .entry = "1-1", .mail = "lunch",
          .recipients = 1, .length = 1);
    TRACE(world->trace, world->server, QUEUE_DEFER, 0, .entry = "1-1", .mail = "lunch",
          .recipient = "b", .next_at = SIM_HOUR);
}

static void empty_queue(void *owner, void *data)
{
    (void)data;
    World *world = owner;
    TRACE(world->trace, world->server, MAIL_RELAYED, 0, .entry = "1-1", .mail = "lunch",
          .recipient = "b");
    TRACE(world->trace, world->server, QUEUE_REMOVE, 0, .entry = "1-1", .mail = "lunch");
}

#define LEGEND "in the queue\nserver down\npassed on\nattempt failed\ngiven up\nlost\n"

/* The number behind those words, where they stand first. */
static int number_after(const GString *svg, const char *beginning)
{
    const char *at = strstr(svg->str, beginning);
    assert_non_null(at);
    return atoi(at + strlen(beginning));
}

/* A mail that waits from minute 6 to minute 54 of an hour. */
static void test_queues(void **state)
{
    (void)state;
    World world = world_new();
    QueuePicture *picture = queue_picture_new(world.trace, "Waiting");
    simulator_schedule(world.simulator, 6 * SIM_MINUTE, world.server, EVENT_FOREGROUND,
                       (EventAction){.run = fill_queue, .owner = &world});
    simulator_schedule(world.simulator, 54 * SIM_MINUTE, world.server, EVENT_FOREGROUND,
                       (EventAction){.run = empty_queue, .owner = &world});
    simulator_run(world.simulator, (SimulatorLimits){.until = SIM_HOUR});
    g_autoptr(GString) svg = g_string_new(NULL);
    queue_picture_write(picture, svg);
    assert_texts(
        svg, "Waiting\nmx.example\nlunch\n0\n10 min\n20 min\n30 min\n40 min\n50 min\n1 h\n" LEGEND);
    int left = number_after(svg, "<line x1=\""), bar = number_after(svg, "<rect x=\"");
    int axis = 960 - 30 - left; /* pixels that are an hour */
    assert_in_range(bar, left + axis / 10 - 1, left + axis / 10);
    assert_in_range(number_after(svg, "y=\"76\" width=\""), axis * 8 / 10 - 3, axis * 8 / 10 + 1);
    assert_int_equal(count(svg, "class=\"b\" style"), 4); /* one failed; three of the legend */
    assert_int_equal(count(svg, "class=\"g\" style"), 2);
    assert_room(svg);
    queue_picture_free(picture);
    world_clear(&world);
}

/* After a loss of power the one message is found again, and the other is not. */
static void lose_one(void *owner, void *data)
{
    (void)data;
    World *world = owner;
    for (int i = 0; i < 2; i++)
        TRACE(world->trace, world->server, QUEUE_ENTER, 0, .entry = i == 0 ? "1-1" : "1-2",
              .mail = i == 0 ? "kept" : "gone", .recipients = 1, .length = i == 0 ? 1 : 2);
    TRACE(world->trace, world->server, HOST_POWER_OFF, 0, .program = "mail server");
    TRACE(world->trace, world->server, HOST_RESTART, 0, .program = "mail server");
    TRACE(world->trace, world->server, QUEUE_RECOVER, 0, .entry = "1-1", .mail = "kept",
          .length = 1);
}

static void test_what_is_lost(void **state)
{
    (void)state;
    World world = world_new();
    QueuePicture *picture = queue_picture_new(world.trace, "Lost");
    simulator_schedule(world.simulator, 6 * SIM_MINUTE, world.server, EVENT_FOREGROUND,
                       (EventAction){.run = lose_one, .owner = &world});
    simulator_run(world.simulator, (SimulatorLimits){.until = SIM_HOUR});
    g_autoptr(GString) svg = g_string_new(NULL);
    queue_picture_write(picture, svg);
    assert_texts(svg, "Lost\nmx.example\nkept\ngone\n0\n10 min\n20 min\n30 min\n40 min\n50 "
                      "min\n1 h\n" LEGEND);
    const char *gone = strstr(svg->str, ">gone<");
    assert_int_equal(count(svg, "a6 6 0"), 4); /* two arcs each: one lost, and the legend's */
    assert_true(strstr(svg->str, "a6 6 0") > gone);
    queue_picture_free(picture);
    world_clear(&world);
}

/* Servers in the order of the nodes, whoever is first to have something; many messages as a curve.
 */
static void test_more_mails_than_a_picture_holds(void **state)
{
    (void)state;
    World world = world_new();
    QueuePicture *picture = queue_picture_new(world.trace, "Many");
    for (int i = 0; i < QUEUE_PICTURE_BARS_MAXIMUM + 3; i++) {
        g_autofree char *entry = g_strdup_printf("1-%d", i);
        TRACE(world.trace, world.server, QUEUE_ENTER, 0, .entry = entry, .mail = "m",
              .recipients = 1, .length = (uint64_t)i + 1);
    }
    TRACE(world.trace, world.agent, QUEUE_ENTER, 0, .entry = "1-1", .mail = "one", .length = 1);
    g_autoptr(GString) svg = g_string_new(NULL);
    queue_picture_write(picture, svg);
    assert_texts(svg, "Many\na.example\none\nmx.example\nat most 23\n0\n" LEGEND);
    assert_int_equal(count(svg, "<path class=\"full\""), 1);
    queue_picture_free(picture);
    world_clear(&world);
}

/* ---- The map ---- */

#define LONG_NAME "mail.a-rather-long-name-of-a-server.example"

static void test_map(void **state)
{
    (void)state;
    static const NdjsonNode NODES[] = {
        {.name = "seoul", .role = "router"},     {.name = "cottage", .role = "router"},
        {.name = "frankfurt", .role = "router"}, {.name = "nameserver", .role = "nameserver"},
        {.name = LONG_NAME, .role = "server"},   {.name = "mx.example", .role = "server"},
        {.name = "bob.phone", .role = "agent"},  {.name = "carol.laptop", .role = "agent"},
    };
    static const NdjsonLink LINKS[] = {
        {"seoul", "frankfurt", 120 * SIM_MILLISECOND, 1},
        {"cottage", "seoul", SIM_MILLISECOND, 1},
        {"nameserver", "seoul", SIM_MILLISECOND, 1},
        {LONG_NAME, "seoul", 1, 1},
        {"mx.example", "frankfurt", 1, 1},
        {"bob.phone", "frankfurt", 1, 1},
        {"carol.laptop", "frankfurt", 1, 1},
    };
    MapPicture map = {"Far", NODES, G_N_ELEMENTS(NODES), LINKS, G_N_ELEMENTS(LINKS)};
    g_autoptr(GString) svg = g_string_new(NULL);
    map_picture_write(&map, svg);
    assert_texts(svg, "Far\n120 ms\n1 ms\nseoul\ncottage\nfrankfurt\nnameserver\n" LONG_NAME
                      "\nmx.example\nbob.phone\n"
                      "carol.laptop\n");
    assert_room(svg);
    assert_int_equal(count(svg, "class=\"m\""), G_N_ELEMENTS(NODES));
    assert_int_equal(count(svg, "<line "), G_N_ELEMENTS(LINKS));
    assert_int_equal(count(svg, ",224)"),
                     2); /* routers; cottage, which a link would cross, is lower */
    assert_int_equal(count(svg, ",268)"), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ladder_as_svg),
        cmocka_unit_test(test_long_words_have_room),
        cmocka_unit_test(test_ladder_as_mermaid),
        cmocka_unit_test(test_what_is_left_out_is_said),
        cmocka_unit_test(test_queues),
        cmocka_unit_test(test_what_is_lost),
        cmocka_unit_test(test_more_mails_than_a_picture_holds),
        cmocka_unit_test(test_map),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
