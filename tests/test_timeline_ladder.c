/* Tests of the timeline as a ladder, of following one mail, and of folding attempts that fail
 * alike. */
#include "export/timeline.h"
#include "export/timeline_ladder.h"
#include "text_output.h"

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
    Timeline *timeline;
    GString *text;
} World;

static World world_new(TimelineOptions options)
{
    World world = {.simulator = simulator_new(7), .text = g_string_new(NULL)};
    world.agent = simulator_add_node(world.simulator, "a.example");
    world.server = simulator_add_node(world.simulator, "mx.example");
    world.trace = trace_new(world.simulator);
    world.timeline = timeline_new(world.trace, &options, (TimelineOutput){append_text, world.text});
    return world;
}

static World ladder_new(void)
{
    static const NodeId COLUMNS[] = {1, 2};
    return world_new((TimelineOptions){.level = TRACE_LEVEL_PROTOCOL,
                                       .width = 62,
                                       .columns = COLUMNS,
                                       .column_count = G_N_ELEMENTS(COLUMNS)});
}

static World list_new(const char *follow, bool is_unfolded)
{
    return world_new((TimelineOptions){
        .level = TRACE_LEVEL_PROTOCOL, .width = 100, .follow = follow, .is_unfolded = is_unfolded});
}

/* Holds what was shown against the lines, and takes the world down. */
static void world_end(World *world, const char *shown)
{
    timeline_finish(world->timeline);
    assert_string_equal(world->text->str, shown);
    timeline_free(world->timeline);
    trace_free(world->trace);
    simulator_free(world->simulator);
    g_string_free(world->text, TRUE);
}

/* What a step does begins with no cause of its own. */
static void begin_step(World *world)
{
    *simulator_cause(world->simulator) = (Cause){0};
}

static void connect(World *world)
{
    TRACE(world->trace, world->agent, TCP_CONNECT, 0, .connection = {world->agent, 1},
          .remote = "mx.example", .remote_port = 25);
    TRACE(world->trace, world->server, TCP_ESTABLISHED, 0, .connection = {world->server, 1},
          .remote = "a.example", .remote_port = 49152);
}

/* ---- The ladder ---- */

static void test_arrows_and_notes(void **state)
{
    (void)state;
    World world = ladder_new();
    connect(&world);
    TRACE(world.trace, world.server, SMTP_REPLY, 0, .connection = {world.server, 1}, .code = 250,
          .text = span_of_text("mx\nthis one is longer than the arrow\nSIZE"));
    TRACE(world.trace, world.agent, SMTP_COMMAND, 0, .connection = {world.agent, 1},
          .line = span_of_text("VRFY somebody.with.a.long.name"));
    TRACE(world.trace, world.agent, AGENT_FETCHED, 0, .count = 3);
    TRACE(world.trace, world.server, QUEUE_REMOVE, 0, .mail = "lunch", .length = 0);
    world_end(&world, "                  a.example                mx.example\n"
                      "00:00:00.000          |  TCP: connects to mx.example port 25\n"
                      "                      |------------------------>|\n"
                      "00:00:00.000          |  S: 250-mx              |\n"
                      "                      |  S: 250-this one is longer than the\n"
                      "                      |  arrow                  |\n"
                      "                      |<-S: 250 SIZE------------|\n"
                      "00:00:00.000          |  C: VRFY somebody.with.a.long.name\n"
                      "                      |------------------------>|\n"
                      "00:00:00.000          | has fetched everything; new messages:\n"
                      "                      | 3                       |\n"
                      "00:00:00.000     queue: lunch leaves (length 0) |\n");
}

static void test_lifeline_of_a_host_that_is_down(void **state)
{
    (void)state;
    World world = ladder_new();
    TRACE(world.trace, world.server, HOST_CRASH, 0, .program = "mail server");
    TRACE(world.trace, world.agent, AGENT_FETCHED, 0, .count = 0);
    TRACE(world.trace, world.server, HOST_RESTART, 0, .program = "mail server");
    world_end(&world, "                  a.example                mx.example\n"
                      "00:00:00.000          |     mail server crashes :\n"
                      "00:00:00.000          | has fetched everything; new messages:\n"
                      "                      | 0                       :\n"
                      "00:00:00.000          |      mail server starts |\n");
}

/* A Korean character takes two columns; what stands behind it stays where it is. */
static void test_wide_characters_keep_the_lifelines(void **state)
{
    (void)state;
    World world = ladder_new();
    connect(&world);
    g_string_truncate(world.text, 0);
    TRACE(world.trace, world.agent, SMTP_COMMAND, 0, .connection = {world.agent, 1},
          .line = span_of_text("점심"));
    world_end(&world, "00:00:00.000          |--C: 점심--------------->|\n");
}

static void test_too_narrow_for_a_ladder(void **state)
{
    (void)state;
    static const NodeId COLUMNS[] = {1, 2, 0};
    assert_int_equal(ladder_width_needed(3), 78); /* three machines go on 80 columns */
    World world = world_new((TimelineOptions){
        .level = TRACE_LEVEL_MAIL,
        .width = ladder_width_needed(3) - 1,
        .columns = COLUMNS,
        .column_count = 3,
    });
    TRACE(world.trace, world.agent, AGENT_FETCHED, 0, .count = 3);
    world_end(&world, "00:00:00.000  a.example   has fetched everything; new messages: 3\n");
}

/* ---- Following ---- */

static void test_following_a_mail(void **state)
{
    (void)state;
    World world = list_new("lunch", false);
    TRACE(world.trace, world.agent, AGENT_SUBMIT, 0, .mail = "lunch", .server = "mx.example");
    TRACE(world.trace, world.agent, SMTP_COMMAND, 0, .connection = {world.agent, 1},
          .line = span_of_text("set off by lunch"));
    TRACE(world.trace, world.agent, SMTP_COMMAND, 0, .connection = {world.agent, 1},
          .mail = "lunch.2", .line = span_of_text("the next on the same connection"));
    begin_step(&world);
    TRACE(world.trace, world.agent, AGENT_SUBMIT, 0, .mail = "lunchbox", .server = "mx.example");
    TRACE(world.trace, world.agent, SMTP_COMMAND, 0, .connection = {world.agent, 1},
          .line = span_of_text("set off by lunchbox"));
    TRACE(world.trace, world.server, HOST_CRASH, 0, .program = "mail server");
    TRACE(world.trace, world.server, MAIL_DELIVERED, 0, .mail = "lunch.2", .recipient = "b");
    TRACE(world.trace, world.server, MAIL_DELIVERED, 0, .mail = "lunch.bounce", .recipient = "a");
    world_end(&world, "00:00:00.000  a.example   hands lunch to mx.example\n"
                      "00:00:00.000  a.example   C: set off by lunch\n"
                      "00:00:00.000  mx.example  mail server crashes\n"
                      "00:00:00.000  mx.example  lunch.bounce is in the mailbox of a\n");
}

/* ---- Folding ---- */

typedef struct Try {
    World *world;
    const char *recipient, *reason;
    unsigned number;
} Try;

/* An attempt: a connection that fails, then the deferral. */
static void try_once(void *owner, void *data)
{
    const Try *try = data;
    World *world = owner;
    SimTime now = simulator_now(world->simulator);
    begin_step(world);
    TRACE(world->trace, world->server, QUEUE_ATTEMPT, 0, .entry = "1-1", .mail = "lunch",
          .recipient = try->recipient, .attempt = try->number, .transport = "smtp");
    if (try->number == 1) /* later ones find it in the cache */
        TRACE(world->trace, world->server, DNS_QUERY, 0, .name = "b", .type = "MX");
    TRACE(world->trace, world->server, TCP_FAILED, 0, .remote = "b", .reason = try->reason);
    TRACE(world->trace, world->server, QUEUE_DEFER, 0, .entry = "1-1", .mail = "lunch",
          .recipient = try->recipient, .reason = span_of_text(try->reason),
          .next_at = now + 5 * SIM_SECOND);
}

static void play(World *world, Try *tries, size_t count)
{
    for (size_t i = 0; i < count; i++)
        simulator_schedule(world->simulator, (SimTime)(i + 1) * SIM_SECOND, world->server,
                           EVENT_FOREGROUND, (EventAction){try_once, world, &tries[i], NULL});
    simulator_run(world->simulator, (SimulatorLimits){.until = SIM_NEVER});
}

static void test_attempts_that_fail_alike_are_folded(void **state)
{
    (void)state;
    World world = list_new(NULL, false);
    Try tries[] = {{&world, "b", "refused", 1},
                   {&world, "b", "refused", 2},
                   {&world, "b", "refused", 3},
                   {&world, "b", "timed out", 4},
                   {&world, "b", "timed out", 5}};
    play(&world, tries, G_N_ELEMENTS(tries));
    world_end(&world,
              "00:00:01.000  mx.example  queue: attempt 1 for lunch to b (smtp)\n"
              "00:00:01.000  mx.example  DNS: MX of b?\n"
              "00:00:01.000  mx.example  TCP: refused (b)\n"
              "00:00:01.000  mx.example  queue: lunch for b waits until 00:00:06: refused\n"
              "00:00:04.000  mx.example  queue: 2 more attempts for lunch to b, failed likewise: "
              "00:00:02, 00:00:03\n"
              "00:00:04.000  mx.example  queue: attempt 4 for lunch to b (smtp)\n"
              "00:00:04.000  mx.example  TCP: timed out (b)\n"
              "00:00:04.000  mx.example  queue: lunch for b waits until 00:00:09: timed out\n"
              "00:00:05.000  mx.example  queue: 1 more attempt for lunch to b, failed likewise: "
              "00:00:05\n");
}

static void test_recipients_are_told_apart(void **state)
{
    (void)state;
    World world = list_new(NULL, false);
    Try tries[] = {{&world, "b", "refused", 2}, {&world, "c", "refused", 2}};
    play(&world, tries, G_N_ELEMENTS(tries));
    world_end(&world,
              "00:00:01.000  mx.example  queue: attempt 2 for lunch to b (smtp)\n"
              "00:00:01.000  mx.example  TCP: refused (b)\n"
              "00:00:01.000  mx.example  queue: lunch for b waits until 00:00:06: refused\n"
              "00:00:02.000  mx.example  queue: attempt 2 for lunch to c (smtp)\n"
              "00:00:02.000  mx.example  TCP: refused (b)\n"
              "00:00:02.000  mx.example  queue: lunch for c waits until 00:00:07: refused\n");
}

static void test_unfolded_when_asked(void **state)
{
    (void)state;
    World world = list_new(NULL, true);
    Try tries[] = {{&world, "b", "refused", 2}, {&world, "b", "refused", 3}};
    play(&world, tries, G_N_ELEMENTS(tries));
    world_end(&world,
              "00:00:01.000  mx.example  queue: attempt 2 for lunch to b (smtp)\n"
              "00:00:01.000  mx.example  TCP: refused (b)\n"
              "00:00:01.000  mx.example  queue: lunch for b waits until 00:00:06: refused\n"
              "00:00:02.000  mx.example  queue: attempt 3 for lunch to b (smtp)\n"
              "00:00:02.000  mx.example  TCP: refused (b)\n"
              "00:00:02.000  mx.example  queue: lunch for b waits until 00:00:07: refused\n");
}

/* A refusal in a dialogue: what is no event of its own (a name server's answer) leads on to what
 * is; and after the deferral the connection says farewell, or has the next message. */
static void refuse_once(void *owner, void *data)
{
    const Try *try = data;
    World *world = owner;
    TraceRef connection = {world->server, try->number};
    begin_step(world);
    TRACE(world->trace, world->server, QUEUE_ATTEMPT, 0, .entry = "1-1", .mail = "lunch",
          .recipient = "b", .attempt = try->number, .transport = "smtp");
    TRACE(world->trace, world->agent, DNS_RESPONSE, 0, .name = "b", .type = "MX",
          .code = "NOERROR");
    TRACE(world->trace, world->server, TCP_CONNECT, 0, .connection = connection,
          .remote = "a.example", .remote_port = 25);
    TRACE(world->trace, world->server, QUEUE_DEFER, 0, .entry = "1-1", .mail = "lunch",
          .recipient = "b", .reason = span_of_text("450"));
    if (try->recipient != NULL)
        TRACE(world->trace, world->server, SMTP_COMMAND, 0, .connection = connection,
              .line = span_of_text(try->recipient));
    TRACE(world->trace, world->server, SMTP_COMMAND, 0, .connection = connection,
          .line = span_of_text("QUIT"));
    TRACE(world->trace, world->server, TCP_CLOSED, 0, .connection = connection,
          .remote = "a.example");
}

static void test_farewells_are_folded_and_the_next_message_is_not(void **state)
{
    (void)state;
    World world = list_new(NULL, false);
    Try tries[] = {{&world, NULL, NULL, 1},
                   {&world, NULL, NULL, 2},
                   {&world, "RSET", NULL, 3},
                   {&world, "MAIL FROM:<next>", NULL, 4}};
    for (size_t i = 0; i < G_N_ELEMENTS(tries); i++)
        simulator_schedule(world.simulator, (SimTime)(i + 1) * SIM_SECOND, world.server,
                           EVENT_FOREGROUND, (EventAction){refuse_once, &world, &tries[i], NULL});
    simulator_run(world.simulator, (SimulatorLimits){.until = SIM_NEVER});
    world_end(&world,
              "00:00:01.000  mx.example  queue: attempt 1 for lunch to b (smtp)\n"
              "00:00:01.000  mx.example  TCP: connects to a.example port 25\n"
              "00:00:01.000  mx.example  queue: lunch for b waits until 00:00:00: 450\n"
              "00:00:01.000  mx.example  C: QUIT\n"
              "00:00:04.000  mx.example  C: MAIL FROM:<next>\n"
              "00:00:04.000  mx.example  C: QUIT\n"
              "00:00:04.000  mx.example  queue: 3 more attempts for lunch to b, failed likewise: "
              "00:00:02,\n"
              "                            00:00:03, 00:00:04\n");
}

/* Greylisting says of each attempt how long the one before is ago. */
static void greylist_once(void *owner, void *data)
{
    const Try *try = data;
    World *world = owner;
    begin_step(world);
    TRACE(world->trace, world->server, QUEUE_ATTEMPT, 0, .entry = "1-1", .mail = "lunch",
          .recipient = "b", .attempt = try->number, .transport = "smtp");
    TRACE(world->trace, world->agent, POLICY_VERDICT, 0, .policy = "greylist",
          .verdict = "deferred", .reason = try->reason);
    TRACE(world->trace, world->server, QUEUE_DEFER, 0, .entry = "1-1", .mail = "lunch",
          .recipient = "b", .reason = span_of_text("450"));
}

static void test_refusals_that_differ_by_numbers_are_folded(void **state)
{
    (void)state;
    World world = list_new(NULL, false);
    Try tries[] = {{&world, NULL, "the first attempt", 1},
                   {&world, NULL, "back after 1 min", 2},
                   {&world, NULL, "back after 10 min", 3},
                   {&world, NULL, "back after 20 h", 4}};
    for (size_t i = 0; i < G_N_ELEMENTS(tries); i++)
        simulator_schedule(world.simulator, (SimTime)(i + 1) * SIM_SECOND, world.server,
                           EVENT_FOREGROUND, (EventAction){greylist_once, &world, &tries[i], NULL});
    simulator_run(world.simulator, (SimulatorLimits){.until = SIM_NEVER});
    world_end(&world,
              "00:00:01.000  mx.example  queue: attempt 1 for lunch to b (smtp)\n"
              "00:00:01.000  a.example   policy greylist: deferred, the first attempt\n"
              "00:00:01.000  mx.example  queue: lunch for b waits until 00:00:00: 450\n"
              "00:00:02.000  mx.example  queue: attempt 2 for lunch to b (smtp)\n"
              "00:00:02.000  a.example   policy greylist: deferred, back after 1 min\n"
              "00:00:02.000  mx.example  queue: lunch for b waits until 00:00:00: 450\n"
              "00:00:04.000  mx.example  queue: 1 more attempt for lunch to b, failed likewise: "
              "00:00:03\n"
              "00:00:04.000  mx.example  queue: attempt 4 for lunch to b (smtp)\n"
              "00:00:04.000  a.example   policy greylist: deferred, back after 20 h\n"
              "00:00:04.000  mx.example  queue: lunch for b waits until 00:00:00: 450\n");
}

/* A full disk has no room for a file whose name is another each time. */
static void find_no_room_once(void *owner, void *data)
{
    const Try *try = data;
    World *world = owner;
    begin_step(world);
    TRACE(world->trace, world->server, QUEUE_ATTEMPT, 0, .entry = "1-1", .mail = "lunch",
          .recipient = "b", .attempt = try->number, .transport = "smtp");
    TRACE(world->trace, world->agent, DISK_FULL, 0, .path = try->reason);
    TRACE(world->trace, world->server, QUEUE_DEFER, 0, .entry = "1-1", .mail = "lunch",
          .recipient = "b", .reason = span_of_text("452"));
}

static void test_refusals_by_a_full_disk_are_folded(void **state)
{
    (void)state;
    World world = list_new(NULL, false);
    Try tries[] = {{&world, NULL, "spool/tmp/1-1", 1},
                   {&world, NULL, "spool/tmp/1-2", 2},
                   {&world, NULL, "spool/tmp/1-13", 3}};
    for (size_t i = 0; i < G_N_ELEMENTS(tries); i++)
        simulator_schedule(world.simulator, (SimTime)(i + 1) * SIM_SECOND, world.server,
                           EVENT_FOREGROUND,
                           (EventAction){find_no_room_once, &world, &tries[i], NULL});
    simulator_run(world.simulator, (SimulatorLimits){.until = SIM_NEVER});
    world_end(&world,
              "00:00:01.000  mx.example  queue: attempt 1 for lunch to b (smtp)\n"
              "00:00:01.000  a.example   disk: no room for spool/tmp/1-1\n"
              "00:00:01.000  mx.example  queue: lunch for b waits until 00:00:00: 452\n"
              "00:00:03.000  mx.example  queue: 2 more attempts for lunch to b, failed likewise: "
              "00:00:02, 00:00:03\n");
}

/* An agent that keeps a message in its outbox, until the server takes it. */
static void submit_once(void *owner, void *data)
{
    const Try *try = data;
    World *world = owner;
    begin_step(world);
    TRACE(world->trace, world->agent, AGENT_SUBMIT, 0, .mail = "lunch", .server = "mx.example");
    if (try->reason != NULL)
        TRACE(world->trace, world->agent, AGENT_WAIT, 0, .mail = "lunch",
              .reason = span_of_text(try->reason), .next_at = SIM_MINUTE);
    else
        TRACE(world->trace, world->agent, AGENT_SENT, 0, .mail = "lunch", .server = "mx.example");
}

static void test_an_outbox_is_folded(void **state)
{
    (void)state;
    World world = list_new(NULL, false);
    Try tries[] = {{&world, NULL, "refused", 1},
                   {&world, NULL, "refused", 2},
                   {&world, NULL, "refused", 3},
                   {&world, NULL, NULL, 4}};
    for (size_t i = 0; i < G_N_ELEMENTS(tries); i++)
        simulator_schedule(world.simulator, (SimTime)(i + 1) * SIM_SECOND, world.agent,
                           EVENT_FOREGROUND, (EventAction){submit_once, &world, &tries[i], NULL});
    simulator_run(world.simulator, (SimulatorLimits){.until = SIM_NEVER});
    world_end(&world,
              "00:00:01.000  a.example   hands lunch to mx.example\n"
              "00:00:01.000  a.example   keeps lunch in its outbox until 00:01:00: refused\n"
              "00:00:04.000  a.example   outbox: 2 more attempts for lunch, failed likewise: "
              "00:00:02, 00:00:03\n"
              "00:00:04.000  a.example   hands lunch to mx.example\n"
              "00:00:04.000  a.example   lunch is with mx.example now\n");
}

/* What happens while an attempt is open is shown behind its lines, in order; an attempt that a
 * crash ends is shown as it is. */
/* An address that stands for others ends its attempt: a live session shows what comes after it. */
static void test_an_expansion_holds_nothing_back(void **state)
{
    (void)state;
    World world = list_new(NULL, false);
    TRACE(world.trace, world.server, QUEUE_ATTEMPT, 0, .entry = "1-1", .mail = "lunch",
          .recipient = "b", .attempt = 1, .transport = "local");
    TRACE(world.trace, world.server, MAIL_EXPANDED, 0, .entry = "1-1", .mail = "lunch",
          .recipient = "b", .how = "catch_all", .to = "c");
    assert_non_null(strstr(world.text->str, "b is replaced for lunch (catch_all): c\n"));
    g_autofree char *shown = g_strdup(world.text->str);
    world_end(&world, shown);
}

static void test_order_is_kept_and_nothing_is_lost(void **state)
{
    (void)state;
    World world = list_new(NULL, false);
    TRACE(world.trace, world.server, QUEUE_ATTEMPT, 0, .entry = "1-1", .mail = "lunch",
          .recipient = "b", .attempt = 1, .transport = "smtp");
    begin_step(&world);
    TRACE(world.trace, world.agent, AGENT_FETCHED, 0, .count = 3);
    assert_string_equal(world.text->str, "");
    TRACE(world.trace, world.server, HOST_CRASH, 0, .program = "mail server");
    assert_true(world.text->len > 0);
    TRACE(world.trace, world.server, QUEUE_ATTEMPT, 0, .entry = "1-1", .mail = "lunch",
          .recipient = "b", .attempt = 2, .transport = "smtp");
    world_end(&world, "00:00:00.000  mx.example  queue: attempt 1 for lunch to b (smtp)\n"
                      "00:00:00.000  a.example   has fetched everything; new messages: 3\n"
                      "00:00:00.000  mx.example  mail server crashes\n"
                      "00:00:00.000  mx.example  queue: attempt 2 for lunch to b (smtp)\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_arrows_and_notes),
        cmocka_unit_test(test_lifeline_of_a_host_that_is_down),
        cmocka_unit_test(test_wide_characters_keep_the_lifelines),
        cmocka_unit_test(test_too_narrow_for_a_ladder),
        cmocka_unit_test(test_following_a_mail),
        cmocka_unit_test(test_attempts_that_fail_alike_are_folded),
        cmocka_unit_test(test_recipients_are_told_apart),
        cmocka_unit_test(test_unfolded_when_asked),
        cmocka_unit_test(test_farewells_are_folded_and_the_next_message_is_not),
        cmocka_unit_test(test_refusals_that_differ_by_numbers_are_folded),
        cmocka_unit_test(test_refusals_by_a_full_disk_are_folded),
        cmocka_unit_test(test_an_outbox_is_folded),
        cmocka_unit_test(test_an_expansion_holds_nothing_back),
        cmocka_unit_test(test_order_is_kept_and_nothing_is_lost),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
