/* Tests of export/timeline: phrases name real fields, replies show as they travel, long and hostile
 * text is wrapped and escaped. */
#include "export/timeline.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

typedef struct World {
    Simulator *simulator;
    Trace *trace;
    NodeId host;
    Timeline *timeline;
    GString *text;
} World;

static void world_write(void *owner, Span text)
{
    g_string_append_len(owner, (const char *)text.data, (gssize)text.length);
}

static World world_new(bool use_colour)
{
    World world = {.simulator = simulator_new(7), .text = g_string_new(NULL)};
    world.host = simulator_add_node(world.simulator, "mx.example");
    world.trace = trace_new(world.simulator);
    TimelineOptions options = {TRACE_LEVEL_PROTOCOL, use_colour, 60};
    world.timeline = timeline_new(world.trace, &options, (TimelineOutput){world_write, world.text});
    return world;
}

static void world_clear(World *world)
{
    timeline_free(world->timeline);
    trace_free(world->trace);
    simulator_free(world->simulator);
    g_string_free(world->text, TRUE);
}

/* A key that the kind does not have fails an assertion in timeline_describe. */
static void test_every_kind_has_words(void **state)
{
    (void)state;
    World world = world_new(false);
    static const uint64_t nothing[32]; /* every field absent or 0 */
    g_autoptr(GString) text = g_string_new(NULL);
    for (TraceKind kind = 0; kind < TRACE_KIND_COUNT; kind++) {
        g_string_truncate(text, 0);
        timeline_describe(world.simulator, &(TraceRecord){.kind = kind, .fields = nothing}, text);
        assert_true(text->len > 0);
        assert_null(strpbrk(text->str, "{}[]"));
    }
    world_clear(&world);
}

static void test_lines(void **state)
{
    (void)state;
    World world = world_new(false);
    TRACE(world.trace, world.host, SMTP_REPLY, 0, .code = 250, .text = span_of_text("mx\nSIZE"));
    TRACE(world.trace, world.host, SMTP_COMMAND, 0, .line = span_of_text("NOOP \033[2J"));
    TRACE(world.trace, world.host, AGENT_FAILED, 0, .action = "submit",
          .reason = span_of_text("no, this is a reason that is long"));
    TRACE(world.trace, world.host, LINK_DROP, 0, .reason = "loss");
    assert_string_equal(world.text->str,
                        "00:00:00.000  mx.example  S: 250-mx\n"
                        "                          S: 250 SIZE\n"
                        "00:00:00.000  mx.example  C: NOOP \\x1b[2J\n"
                        "00:00:00.000  mx.example  could not submit: no, this is a\n"
                        "                            reason that is long\n");
    world_clear(&world);
}

static void test_colour_only_when_asked(void **state)
{
    (void)state;
    World world = world_new(true);
    TRACE(world.trace, world.host, HOST_CRASH, 0, .program = "mail server");
    assert_string_equal(world.text->str,
                        "00:00:00.000  mx.example  \033[31mmail server crashes\033[0m\n");
    world_clear(&world);
}

static void test_times(void **state)
{
    (void)state;
    g_autoptr(GString) text = g_string_new(NULL);
    timeline_format_time(4 * SIM_DAY + 23 * SIM_HOUR + 59 * SIM_SECOND + 1234567, 3, text);
    assert_string_equal(text->str, "4d 23:00:59.001");
    g_string_truncate(text, 0);
    timeline_format_time(61 * SIM_MINUTE + 1, 9, text);
    assert_string_equal(text->str, "01:01:00.000000001");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_kind_has_words),
        cmocka_unit_test(test_lines),
        cmocka_unit_test(test_colour_only_when_asked),
        cmocka_unit_test(test_times),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
