/* Tests of export/timeline: phrases name real fields, replies show as they travel, long and hostile
 * text is wrapped and escaped. */
#include "export/timeline.h"
#include "text_output.h"

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

static World world_new_at(TraceLevel level, bool use_colour)
{
    World world = {.simulator = simulator_new(7), .text = g_string_new(NULL)};
    world.host = simulator_add_node(world.simulator, "mx.example");
    world.trace = trace_new(world.simulator);
    TimelineOptions options = {.level = level, .use_colour = use_colour, .width = 60};
    world.timeline = timeline_new(world.trace, &options, (TimelineOutput){append_text, world.text});
    return world;
}

static World world_new(bool use_colour)
{
    return world_new_at(TRACE_LEVEL_PROTOCOL, use_colour);
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

static void accept(World *world, const char *mail, const char *recipient, const char *sender)
{
    TRACE(world->trace, world->host, MAIL_ACCEPTED, 0, .mail = mail, .recipient = recipient,
          .sender = sender);
}

static void accept_again(void *owner, void *data)
{
    (void)data;
    World *world = owner;
    accept(world, "list", "c@x", "owner@x");
    accept(world, "list.bounce", "owner@x", "");
    accept(world, "list", "d@x", "a@x");
}

/* Who wrote a mail is known; another sender, the null one too, is said once, of all recipients. */
static void test_sender_is_told_when_it_is_news(void **state)
{
    (void)state;
    World world = world_new(false);
    TRACE(world.trace, world.host, AGENT_COMPOSE, 0, .mail = "list", .from = "a@x", .to = "l@x",
          .subject = "", .size = 1);
    g_string_truncate(world.text, 0);
    accept(&world, "list", "l@x", "a@x");
    accept(&world, "list", "b@x", "owner@x");
    accept(&world, "list", "c@x", "owner@x");
    accept(&world, "list.bounce", "owner@x", "");
    accept(&world, "alien", "a@x", "\033@x");
    simulator_schedule(world.simulator, SIM_SECOND, world.host, EVENT_FOREGROUND,
                       (EventAction){.run = accept_again, .owner = &world});
    simulator_run(world.simulator, (SimulatorLimits){.until = SIM_NEVER});
    assert_string_equal(world.text->str,
                        "00:00:00.000  mx.example  accepts list for l@x\n"
                        "00:00:00.000  mx.example  accepts list for b@x, sender\n"
                        "                            <owner@x>\n"
                        "00:00:00.000  mx.example  accepts list for c@x, sender\n"
                        "                            <owner@x>\n"
                        "00:00:00.000  mx.example  accepts list.bounce for owner@x,\n"
                        "                            sender <>\n"
                        "00:00:00.000  mx.example  accepts alien for a@x, sender\n"
                        "                            <\\x1b@x>\n"
                        "00:00:01.000  mx.example  accepts list for c@x\n"
                        "00:00:01.000  mx.example  accepts list.bounce for owner@x\n"
                        "00:00:01.000  mx.example  accepts list for d@x, sender <a@x>\n");
    world_clear(&world);
}

/* A Korean character takes two columns of the 34 that stand beside time and host. */
static void test_wide_characters(void **state)
{
    (void)state;
    World world = world_new(false);
    TRACE(world.trace, world.host, TIMELINE_NOTE, 0,
          .text = "가나다라마바사아자차카타파하 둘 셋 넷 다섯");
    TRACE(world.trace, world.host, TIMELINE_NOTE, 0,
          .text = "가나다라마바사아자차카타파하가나다라마바사아자차카타파하");
    assert_string_equal(world.text->str,
                        "00:00:00.000  mx.example  # 가나다라마바사아자차카타파하 둘\n"
                        "                            셋 넷 다섯\n"
                        "00:00:00.000  mx.example  #\n"
                        "                            가나다라마바사아자차카타파하가나\n"
                        "                            다라마바사아자차카타파하\n");
    world_clear(&world);
}

static void test_look_ups(void **state)
{
    (void)state;
    World world = world_new(false);
    TRACE(world.trace, world.host, DNS_QUERY, 0, .name = "b.example", .type = "MX");
    TRACE(world.trace, world.host, DNS_RESULT, 0, .name = "b.example", .type = "MX",
          .outcome = "answer",
          .records = "b.example. 60 IN MX 10 m.example.; b.example. 60 IN MX 20 n.example.");
    TRACE(world.trace, world.host, DNS_RESULT, 0, .name = "w.example", .type = "A",
          .outcome = "answer", .from_cache = true,
          .records = "w.example. 9 IN CNAME m.example.; m.example. 60 IN A 192.0.2.1");
    TRACE(world.trace, world.host, DNS_RESULT, 0, .name = "c.example", .type = "MX",
          .outcome = "nxdomain", .from_cache = true);
    TRACE(world.trace, world.host, DNS_RESULT, 0, .name = "e.example", .type = "A",
          .outcome = "nxdomain", .records = "e.example. 9 IN CNAME m.example.");
    TRACE(world.trace, world.host, DNS_RESULT, 0, .name = "d.example", .type = "A",
          .outcome = "answer", .records = "strange \033 words");
    assert_string_equal(world.text->str,
                        "00:00:00.000  mx.example  DNS: MX of b.example?\n"
                        "00:00:00.000  mx.example  DNS: MX of b.example: 10\n"
                        "                            m.example.; 20 n.example.\n"
                        "00:00:00.000  mx.example  DNS: A of w.example: CNAME\n"
                        "                            m.example.; 192.0.2.1 (cached, 9\n"
                        "                            s left)\n"
                        "00:00:00.000  mx.example  DNS: MX of c.example: nxdomain\n"
                        "                            (cached)\n"
                        "00:00:00.000  mx.example  DNS: A of e.example: nxdomain,\n"
                        "                            CNAME m.example.\n"
                        "00:00:00.000  mx.example  DNS: A of d.example: strange \\x1b\n"
                        "                            words\n");
    world_clear(&world);
}

/* Writes one record of each kind that a reader of the dialogue can do without. */
static void write_details(World *world)
{
    TRACE(world->trace, world->host, SMTP_STATE, 0, .machine = "smtp-server", .from = "A",
          .to = "B");
    TRACE(world->trace, world->host, IMAP_STATE, 0, .machine = "imap-server", .from = "A",
          .to = "B");
    TRACE(world->trace, world->host, DNS_RESPONSE, 0, .name = "b", .type = "A", .code = "NXDOMAIN");
    TRACE(world->trace, world->host, TCP_ESTABLISHED, 0, .remote = "b");
    TRACE(world->trace, world->host, TCP_CLOSED, 0, .remote = "b");
    TRACE(world->trace, world->host, STORE_INVENTORY, 0, .place = "queue", .mail = "m",
          .recipient = "b");
}

static void test_details_at_level_segment_only(void **state)
{
    (void)state;
    World dialogue = world_new(false);
    write_details(&dialogue);
    assert_string_equal(dialogue.text->str, "");
    world_clear(&dialogue);

    World packets = world_new_at(TRACE_LEVEL_SEGMENT, false);
    write_details(&packets);
    assert_string_equal(packets.text->str,
                        "00:00:00.000000  mx.example  smtp-server: A -> B\n"
                        "00:00:00.000000  mx.example  imap-server: A -> B\n"
                        "00:00:00.000000  mx.example  DNS: A of b: NXDOMAIN\n"
                        "00:00:00.000000  mx.example  TCP: connection with b is open\n"
                        "00:00:00.000000  mx.example  TCP: connection with b is\n"
                        "                               closed\n"
                        "00:00:00.000000  mx.example  disk holds m for b in the queue\n");
    world_clear(&packets);
}

static void note(void *owner, void *data)
{
    (void)data;
    World *world = owner;
    TRACE(world->trace, world->host, TIMELINE_NOTE, 0, .text = "x");
}

static void test_pause_is_a_blank_line(void **state)
{
    (void)state;
    World world = world_new(false);
    static const SimTime TIMES[] = {SIM_SECOND, 11 * SIM_SECOND - 1, 21 * SIM_SECOND - 1};
    for (size_t i = 0; i < G_N_ELEMENTS(TIMES); i++)
        simulator_schedule(world.simulator, TIMES[i], world.host, EVENT_FOREGROUND,
                           (EventAction){.run = note, .owner = &world});
    simulator_run(world.simulator, (SimulatorLimits){.until = SIM_NEVER});
    assert_string_equal(world.text->str, "00:00:01.000  mx.example  # x\n"
                                         "00:00:10.999  mx.example  # x\n"
                                         "\n"
                                         "00:00:20.999  mx.example  # x\n");
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

static void test_opened_message(void **state)
{
    (void)state;
    World world = world_new(false);
    TRACE(world.trace, world.host, AGENT_READ, 0, .mail = "dot", .subject = "A dot",
          .text = "one\n\n.");
    TRACE(world.trace, world.host, AGENT_READ, 0, .mail = "empty");
    assert_string_equal(world.text->str, "00:00:00.000  mx.example  shows dot: \"A dot\"\n"
                                         "                          | one\n"
                                         "                          |\n"
                                         "                          | .\n"
                                         "00:00:00.000  mx.example  shows empty: \"\"\n");
    world_clear(&world);
}

static void test_outside_text(void **state)
{
    (void)state;
    World world = world_new(false);
    g_autofree char *longer = g_strnfill(1007, 'x');
    longer[3] = '\n';
    TRACE(world.trace, world.host, TIMELINE_DATA, 0, .text = "HELO me\r\n");
    TRACE(world.trace, world.host, TIMELINE_DATA, 0, .text = "Subject: a\r\n\r\n.\r\nQU");
    TRACE(world.trace, world.host, TIMELINE_DATA, 0, .base64 = "/w==");
    assert_string_equal(world.text->str,
                        "00:00:00.000  mx.example  C: HELO me\n"
                        "00:00:00.000  mx.example  C: Subject: a\n"
                        "                          C:\n"
                        "                          C: .\n"
                        "                          C: QU\n"
                        "00:00:00.000  mx.example  C: (octets that are no text)\n");
    g_string_truncate(world.text, 0);
    TRACE(world.trace, world.host, TIMELINE_DATA, 0, .text = longer);
    assert_true(g_str_has_prefix(world.text->str, "00:00:00.000  mx.example  C: xxx\n"));
    assert_true(
        g_str_has_suffix(world.text->str, "                          C: (7 octets more)\n"));
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
        cmocka_unit_test(test_sender_is_told_when_it_is_news),
        cmocka_unit_test(test_wide_characters),
        cmocka_unit_test(test_look_ups),
        cmocka_unit_test(test_details_at_level_segment_only),
        cmocka_unit_test(test_pause_is_a_blank_line),
        cmocka_unit_test(test_colour_only_when_asked),
        cmocka_unit_test(test_opened_message),
        cmocka_unit_test(test_outside_text),
        cmocka_unit_test(test_times),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
