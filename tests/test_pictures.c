/* Tests of the pictures of a run: well-formed SVG that says what happened, with hostile text
 * escaped; Mermaid text; how much a picture may hold. */
#include "export/diagram.h"
#include "export/map_picture.h"
#include "export/queue_picture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
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

static Diagram *diagram_of(World *world, const char *title)
{
    static const NodeId COLUMNS[] = {1, 2, 3};
    return diagram_new(world->trace, &(DiagramOptions){.level = TRACE_LEVEL_PROTOCOL,
                                                       .title = title,
                                                       .columns = COLUMNS,
                                                       .column_count = G_N_ELEMENTS(COLUMNS)});
}

/* All texts of the picture, a line each; fails when it is not well-formed XML. */
typedef struct Texts {
    GString *lines;
    bool is_text;
} Texts;

static void on_start(GMarkupParseContext *context, const char *name, const char **keys,
                     const char **values, gpointer user, GError **error)
{
    (void)context, (void)keys, (void)values, (void)error;
    Texts *texts = user;
    texts->is_text = strcmp(name, "text") == 0;
}

static void on_text(GMarkupParseContext *context, const char *text, gsize length, gpointer user,
                    GError **error)
{
    (void)context, (void)error;
    Texts *texts = user;
    if (texts->is_text) {
        g_string_append_len(texts->lines, text, (gssize)length);
        g_string_append_c(texts->lines, '\n');
    }
    texts->is_text = false;
}

static void assert_texts(const GString *svg, const char *expected)
{
    static const GMarkupParser PARSER = {.start_element = on_start, .text = on_text};
    Texts texts = {g_string_new(NULL), false};
    GMarkupParseContext *context = g_markup_parse_context_new(&PARSER, 0, &texts, NULL);
    assert_true(g_markup_parse_context_parse(context, svg->str, (gssize)svg->len, NULL));
    assert_true(g_markup_parse_context_end_parse(context, NULL));
    g_markup_parse_context_free(context);
    assert_string_equal(texts.lines->str, expected);
    g_string_free(texts.lines, TRUE);
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
                      "00:00:00.000\n"
                      "C: MAIL FROM:<a>; #1\n"
                      "00:00:00.000\n"
                      "mail server crashes\n");
    assert_int_equal(count(svg, "<path d=\"M190 "), 2);  /* arrows from the first lifeline */
    assert_int_equal(count(svg, "stroke-dasharray"), 1); /* the lifeline of who is down */
    assert_null(strstr(svg->str, "idle.example"));
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

/* A mail that waits from minute 6 to minute 54 of an hour: of the 710 pixels of the axis. */
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
    assert_texts(svg,
                 "Waiting\nmx.example\nlunch\n0\n10 min\n20 min\n30 min\n40 min\n50 min\n1 h\n");
    assert_non_null(strstr(svg->str, "<rect x=\"290\" y=\"76\" width=\"568\""));
    assert_int_equal(count(svg, "<line x1=\"290\" y1=\"73\" x2=\"290\" y2=\"91\" class=\"b\""), 1);
    assert_int_equal(count(svg, "<line x1=\"858\" y1=\"73\" x2=\"858\" y2=\"91\" class=\"g\""), 1);
    queue_picture_free(picture);
    world_clear(&world);
}

static void test_more_mails_than_a_picture_holds(void **state)
{
    (void)state;
    World world = world_new();
    QueuePicture *picture = queue_picture_new(world.trace, "Many");
    for (int i = 0; i < QUEUE_PICTURE_BARS_MAXIMUM + 3; i++) {
        g_autofree char *entry = g_strdup_printf("1-%d", i);
        TRACE(world.trace, world.server, QUEUE_ENTER, 0, .entry = entry, .mail = "m",
              .recipients = 1);
    }
    g_autoptr(GString) svg = g_string_new(NULL);
    queue_picture_write(picture, svg);
    assert_int_equal(count(svg, ">m</text>"), QUEUE_PICTURE_BARS_MAXIMUM);
    assert_non_null(strstr(svg->str, ">and 3 more</text>"));
    queue_picture_free(picture);
    world_clear(&world);
}

/* ---- The map ---- */

static void test_map(void **state)
{
    (void)state;
    static const MapNode NODES[] = {{"seoul", MAP_ROUTER, 0},
                                    {"frankfurt", MAP_ROUTER, 0},
                                    {"mail.example", MAP_SERVER, 1},
                                    {"bob.phone", MAP_AGENT, 1}};
    static const MapLink LINKS[] = {{0, 1, "120 ms"}};
    MapPicture map = {"Far", NODES, G_N_ELEMENTS(NODES), LINKS, G_N_ELEMENTS(LINKS)};
    g_autoptr(GString) svg = g_string_new(NULL);
    map_picture_write(&map, svg);
    assert_texts(svg, "Far\n120 ms\nmail.example\nbob.phone\nseoul\nfrankfurt\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ladder_as_svg),
        cmocka_unit_test(test_ladder_as_mermaid),
        cmocka_unit_test(test_what_is_left_out_is_said),
        cmocka_unit_test(test_queues),
        cmocka_unit_test(test_more_mails_than_a_picture_holds),
        cmocka_unit_test(test_map),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
