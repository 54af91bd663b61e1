/* Tests of audit/facts: what becomes of mails, hosts' numbers, events counted by condition, and the
 * JSON form; from traces written by hand. */
#include "audit/facts.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#define BOB   "bob@b.example"
#define CAROL "carol@b.example"
#define ALICE "alice@a.example"

typedef struct World {
    Simulator *simulator;
    Trace *trace;
    Facts *facts;
    NodeId laptop, a, b;
} World;

static World world_new(void)
{
    World world = {.simulator = simulator_new(1)};
    world.laptop = simulator_add_node(world.simulator, "alice.laptop");
    world.a = simulator_add_node(world.simulator, "a.example");
    world.b = simulator_add_node(world.simulator, "b.example");
    world.trace = trace_new(world.simulator);
    world.facts = facts_new(world.trace, NULL);
    return world;
}

static void world_free(World *world)
{
    facts_free(world->facts);
    trace_free(world->trace);
    simulator_free(world->simulator);
}

static World world_begin(TraceLevel level)
{
    World world = world_new();
    facts_start(world.facts, level);
    return world;
}

static void go_to(const World *world, SimTime time)
{
    simulator_run(world->simulator, (SimulatorLimits){.until = time});
}

static const FactsRecipient *recipient_of(const World *w, const char *mail, const char *address)
{
    const FactsMail *known = facts_find_mail(w->facts, mail);
    assert_non_null(known);
    const FactsRecipient *recipient = facts_find_recipient(known, address);
    assert_non_null(recipient);
    return recipient;
}

static MailFate fate(const World *w, const char *address)
{
    return recipient_of(w, "lunch", address)->fate;
}

/* ---- Records, one call each ---- */

static void compose(const World *w)
{
    TRACE(w->trace, w->laptop, AGENT_COMPOSE, 0, .mail = "lunch", .from = ALICE,
          .to = BOB ", " CAROL, .subject = "Lunch?");
}

static void accept_mail(const World *w, NodeId node, const char *recipient)
{
    TRACE(w->trace, node, MAIL_ACCEPTED, 0, .mail = "lunch", .recipient = recipient,
          .sender = ALICE, .entry = "1-1");
}

static void attempt(const World *w, NodeId node, const char *recipient, const char *transport)
{
    TRACE(w->trace, node, QUEUE_ATTEMPT, 0, .entry = "1-1", .mail = "lunch", .recipient = recipient,
          .transport = transport);
}

static void relay(const World *w, const char *recipient)
{
    TRACE(w->trace, w->a, MAIL_RELAYED, 0, .mail = "lunch", .recipient = recipient, .entry = "1-1",
          .next = "b.example");
}

static void deliver(const World *w, const char *recipient)
{
    TRACE(w->trace, w->b, MAIL_DELIVERED, 0, .mail = "lunch", .recipient = recipient,
          .entry = "1-1", .uid = 1);
}

static void end_run(const World *w)
{
    TRACE(w->trace, NODE_TIMELINE, TIMELINE_END, 0, .reason = "quiet");
}

/* ---- Mails ---- */

static void test_delivered(void **state)
{
    (void)state;
    World w = world_begin(TRACE_LEVEL_MAIL);
    compose(&w);
    assert_int_equal(fate(&w, BOB), MAIL_FATE_NONE);
    go_to(&w, 1);
    accept_mail(&w, w.a, BOB);
    assert_int_equal(fate(&w, BOB), MAIL_FATE_QUEUED);
    go_to(&w, 2);
    attempt(&w, w.a, BOB, "smtp");
    go_to(&w, 3);
    attempt(&w, w.a, BOB, "smtp");
    go_to(&w, 4);
    accept_mail(&w, w.b, BOB);
    relay(&w, BOB);
    assert_int_equal(fate(&w, BOB), MAIL_FATE_QUEUED); /* at the next server */
    go_to(&w, 5);
    attempt(&w, w.b, BOB, "local");
    deliver(&w, BOB);
    const FactsRecipient *bob = recipient_of(&w, "lunch", "bob@B.Example");
    assert_int_equal(bob->fate, MAIL_FATE_DELIVERED);
    assert_int_equal(bob->attempts, 2);
    assert_int_equal(bob->copies, 1);
    assert_int_equal(bob->accepted_at, 1);
    assert_int_equal(bob->first_attempt_at, 2);
    assert_int_equal(bob->delivered_at, 5);
    assert_int_equal(bob->bounced_at, SIM_NEVER);
    assert_null(bob->bounce);
    world_free(&w);
}

/* In `mailsim live` b.example is a real server: what it has taken over is out of sight, not lost.
 */
static void test_relayed_outside(void **state)
{
    (void)state;
    for (int outside = 0; outside < 2; outside++) {
        World w = world_begin(TRACE_LEVEL_MAIL);
        if (outside)
            TRACE(w.trace, w.b, TIMELINE_OUTSIDE, 0, .domains = "b.example");
        compose(&w);
        accept_mail(&w, w.a, BOB);
        attempt(&w, w.a, BOB, "smtp");
        relay(&w, BOB);
        assert_int_equal(fate(&w, BOB), outside ? MAIL_FATE_RELAYED : MAIL_FATE_LOST);
        end_run(&w);
        assert_int_equal(fate(&w, BOB), outside ? MAIL_FATE_RELAYED : MAIL_FATE_LOST);
        assert_string_equal(mail_fate_name(fate(&w, BOB)), outside ? "relayed" : "lost");
        world_free(&w);
    }
}

static void test_two_recipients(void **state)
{
    (void)state;
    World w = world_begin(TRACE_LEVEL_MAIL);
    compose(&w);
    const FactsMail *mail = facts_find_mail(w.facts, "lunch");
    MailFate common = MAIL_FATE_LOST;
    assert_int_equal(mail->recipient_count, 2);
    assert_string_equal(mail->recipients[0].address, BOB);
    assert_string_equal(mail->recipients[1].address, CAROL);
    assert_string_equal(mail->from, ALICE);
    assert_string_equal(mail->subject, "Lunch?");
    assert_true(facts_mail_fate(mail, &common));
    assert_int_equal(common, MAIL_FATE_NONE);
    accept_mail(&w, w.a, CAROL);
    assert_false(facts_mail_fate(facts_find_mail(w.facts, "lunch"), &common));
    assert_null(facts_find_mail(w.facts, "dinner"));
    assert_null(facts_find_recipient(mail, "BOB@b.example"));
    world_free(&w);
}

static void test_bounced(void **state)
{
    (void)state;
    World w = world_begin(TRACE_LEVEL_MAIL);
    compose(&w);
    accept_mail(&w, w.a, BOB);
    accept_mail(&w, w.a, CAROL);
    go_to(&w, 9);
    TRACE(w.trace, w.a, MAIL_ACCEPTED, 0, .mail = "lunch.bounce", .recipient = ALICE, .sender = "",
          .entry = "1-2");
    for (int i = 0; i < 2; i++)
        TRACE(w.trace, w.a, MAIL_BOUNCED, 0, .mail = "lunch", .recipient = i == 0 ? BOB : CAROL,
              .entry = "1-1", .bounce = "lunch.bounce");
    assert_int_equal(fate(&w, BOB), MAIL_FATE_BOUNCED);
    assert_int_equal(recipient_of(&w, "lunch", CAROL)->bounced_at, 9);
    g_autofree const char **bounces = facts_bounces_of(w.facts, "lunch");
    assert_string_equal(bounces[0], "lunch.bounce");
    assert_null(bounces[1]);
    g_autofree const char **none = facts_bounces_of(w.facts, "dinner");
    assert_null(none[0]);
    assert_int_equal(recipient_of(&w, "lunch.bounce", ALICE)->fate, MAIL_FATE_QUEUED);
    assert_string_equal(facts_find_mail(w.facts, "lunch.bounce")->from, "");
    assert_int_equal(facts_mail_count(w.facts), 2);
    assert_string_equal(facts_mail_at(w.facts, 1)->name, "lunch.bounce");
    world_free(&w);
}

static void test_refused(void **state)
{
    (void)state;
    World w = world_begin(TRACE_LEVEL_MAIL);
    compose(&w);
    TRACE(w.trace, w.laptop, AGENT_FAILED, 0, .action = "submit", .mail = "lunch",
          .recipient = BOB);
    assert_int_equal(fate(&w, BOB), MAIL_FATE_REFUSED);
    assert_int_equal(fate(&w, CAROL), MAIL_FATE_NONE);
    TRACE(w.trace, w.laptop, AGENT_FAILED, 0, .action = "fetch");
    TRACE(w.trace, w.laptop, AGENT_FAILED, 0, .action = "submit", .mail = "lunch");
    assert_int_equal(fate(&w, CAROL), MAIL_FATE_REFUSED);
    accept_mail(&w, w.a, BOB); /* sent again */
    assert_int_equal(fate(&w, BOB), MAIL_FATE_QUEUED);
    world_free(&w);
}

static void test_discarded(void **state)
{
    (void)state;
    World w = world_begin(TRACE_LEVEL_MAIL);
    accept_mail(&w, w.a, BOB);
    TRACE(w.trace, w.a, MAIL_DISCARDED, 0, .mail = "lunch", .recipient = BOB, .entry = "1-1",
          .rule = "a bounce is never bounced");
    assert_int_equal(fate(&w, BOB), MAIL_FATE_DISCARDED);
    world_free(&w);
}

/* After the end, the disks decide what is queued and what is lost. */
static void test_lost(void **state)
{
    (void)state;
    World w = world_begin(TRACE_LEVEL_MAIL);
    compose(&w);
    accept_mail(&w, w.a, BOB);
    accept_mail(&w, w.a, CAROL);
    end_run(&w);
    TRACE(w.trace, w.a, STORE_INVENTORY, 0, .place = "queue", .mail = "lunch", .recipient = BOB,
          .entry = "1-1", .is_final = true);
    TRACE(w.trace, w.a, STORE_INVENTORY, 0, .place = "mailbox", .mail = "lunch",
          .recipient = "carol", .is_final = true);
    assert_int_equal(fate(&w, BOB), MAIL_FATE_QUEUED);
    assert_int_equal(fate(&w, CAROL), MAIL_FATE_LOST);
    assert_string_equal(mail_fate_name(MAIL_FATE_LOST), "lost");
    world_free(&w);
}

/* The next server said 250, and nothing is left of it. */
static void test_lost_after_relay(void **state)
{
    (void)state;
    World w = world_begin(TRACE_LEVEL_MAIL);
    compose(&w);
    accept_mail(&w, w.a, BOB);
    relay(&w, BOB);
    relay(&w, BOB); /* told twice: counted once */
    end_run(&w);
    assert_int_equal(fate(&w, BOB), MAIL_FATE_LOST);
    world_free(&w);
}

/* The address stands for another, which is a recipient of its own; no server more has taken it. */
static void test_expanded(void **state)
{
    (void)state;
    World w = world_begin(TRACE_LEVEL_MAIL);
    compose(&w);
    accept_mail(&w, w.b, BOB);
    attempt(&w, w.b, BOB, "local");
    TRACE(w.trace, w.b, MAIL_ACCEPTED, 0, .mail = "lunch", .recipient = "b2@b.example",
          .sender = ALICE, .entry = "1-2", .origin = "1-1");
    TRACE(w.trace, w.b, MAIL_EXPANDED, 0, .mail = "lunch", .recipient = BOB, .entry = "1-1",
          .how = "alias", .into = "1-2", .to = "b2@b.example", .count = 1);
    assert_int_equal(fate(&w, BOB), MAIL_FATE_EXPANDED);
    assert_string_equal(mail_fate_name(MAIL_FATE_EXPANDED), "expanded");
    assert_int_equal(fate(&w, "b2@b.example"), MAIL_FATE_QUEUED);
    assert_int_equal(recipient_of(&w, "lunch", "b2@b.example")->servers, 0);
    assert_int_equal(recipient_of(&w, "lunch", BOB)->servers, 1);
    end_run(&w);
    assert_int_equal(fate(&w, BOB), MAIL_FATE_EXPANDED);
    assert_int_equal(fate(&w, "b2@b.example"), MAIL_FATE_LOST);
    world_free(&w);
}

static void test_two_copies(void **state)
{
    (void)state;
    World w = world_begin(TRACE_LEVEL_MAIL);
    compose(&w);
    accept_mail(&w, w.b, BOB);
    go_to(&w, 3);
    deliver(&w, BOB);
    attempt(&w, w.b, BOB, "local"); /* again, after a crash */
    go_to(&w, 4);
    deliver(&w, BOB);
    const FactsRecipient *bob = recipient_of(&w, "lunch", BOB);
    assert_int_equal(bob->copies, 2);
    assert_int_equal(bob->delivered_at, 3);
    assert_int_equal(bob->attempts, 0); /* none over the network */
    assert_int_equal(bob->first_attempt_at, SIM_NEVER);
    world_free(&w);
}

/* ---- Hosts and totals ---- */

static void test_queue_lengths(void **state)
{
    (void)state;
    World w = world_begin(TRACE_LEVEL_MAIL);
    FactsHost host;
    TRACE(w.trace, w.a, QUEUE_ENTER, 0, .entry = "1-1", .mail = "x", .length = 1);
    TRACE(w.trace, w.a, QUEUE_ENTER, 0, .entry = "1-2", .mail = "y", .length = 2);
    TRACE(w.trace, w.a, QUEUE_REMOVE, 0, .entry = "1-1", .mail = "x", .length = 1);
    assert_true(facts_find_host(w.facts, "a.example", &host));
    assert_true(host.is_mail_server);
    assert_int_equal(host.queue_length, 1);
    assert_int_equal(host.queue_peak, 2);
    TRACE(w.trace, w.a, HOST_RESTART, 0, .program = "mail server");
    facts_find_host(w.facts, "a.example", &host);
    assert_int_equal(host.queue_length, 0);
    TRACE(w.trace, w.a, QUEUE_RECOVER, 0, .entry = "1-2", .mail = "y", .length = 1);
    facts_find_host(w.facts, "a.example", &host);
    assert_int_equal(host.queue_length, 1);
    assert_true(facts_find_host(w.facts, "b.example", &host));
    assert_false(host.is_mail_server);
    assert_false(facts_find_host(w.facts, "c.example", &host));
    world_free(&w);
}

static void write_network(const World *w)
{
    TRACE(w->trace, w->a, TCP_CONNECT, 0, .remote = "b.example", .remote_port = 25);
    trace_add_tally(w->trace, w->a, TRACE_TALLY_SEGMENTS);
    TRACE(w->trace, w->a, LINK_DROP, 0, .reason = "loss");
    trace_add_tally(w->trace, w->a, TRACE_TALLY_SEGMENTS);
    trace_add_tally(w->trace, w->a, TRACE_TALLY_RETRANSMISSIONS);
    TRACE(w->trace, w->b, LINK_DROP, 0, .reason = "queue full");
    TRACE(w->trace, w->b, LINK_DROP, 0, .reason = "loss");
}

static void test_totals(void **state)
{
    (void)state;
    World w = world_begin(TRACE_LEVEL_SEGMENT);
    write_network(&w);
    FactsTotals totals = facts_totals(w.facts);
    assert_int_equal(totals.connections, 1);
    assert_int_equal(totals.segments, 2);
    assert_int_equal(totals.retransmissions, 1);
    assert_int_equal(totals.drops, 3);
    assert_int_equal(totals.reason_count, 2);
    assert_string_equal(totals.drops_by_reason[0].reason, "loss");
    assert_int_equal(totals.drops_by_reason[0].count, 2);
    assert_int_equal(facts_host_at(w.facts, w.b).drops, 2);
    assert_int_equal(facts_host_at(w.facts, w.a).retransmissions, 1);
    assert_int_equal(facts_host_count(w.facts), 4);
    world_free(&w);
}

/* ---- Events ---- */

static void test_field_names(void **state)
{
    (void)state;
    const TraceFieldInfo *code = trace_kind_field(TRACE_SMTP_REPLY, "smtp.response.code");
    assert_ptr_equal(facts_find_field(TRACE_SMTP_REPLY, "code"), code);
    assert_ptr_equal(facts_find_field(TRACE_SMTP_REPLY, "smtp.response.code"), code);
    assert_null(facts_find_field(TRACE_SMTP_REPLY, "cod"));
    assert_null(facts_find_field(TRACE_SMTP_REPLY, "response.code"));
    for (TraceKind kind = 0; kind < TRACE_KIND_COUNT; kind++) {
        g_autofree const char **names = facts_list_fields(kind);
        const TraceKindInfo *info = trace_kind_info(kind);
        assert_string_equal(names[0], "host");
        for (size_t i = 0; i < info->field_count; i++)
            assert_ptr_equal(facts_find_field(kind, names[i + 1]), &info->fields[i]);
        assert_null(names[info->field_count + 1]);
    }
}

static size_t watch(const World *w, TraceKind kind, const char *field, const char *value)
{
    FactsCondition condition = {field, value};
    return facts_watch_event(w->facts, kind, &condition, 1);
}

static uint64_t count(const World *w, size_t number)
{
    return facts_events(w->facts, number).count;
}

static void test_events(void **state)
{
    (void)state;
    World w = world_new();
    FactsCondition both[] = {{"code", "550"}, {"host", "b.example"}};
    size_t all = facts_watch_event(w.facts, TRACE_SMTP_REPLY, NULL, 0);
    size_t refusals = facts_watch_event(w.facts, TRACE_SMTP_REPLY, both, 2);
    size_t early = facts_watch_event(w.facts, TRACE_SMTP_REPLY, NULL, 0);
    facts_limit_watch(w.facts, early, 5);
    facts_start(w.facts, TRACE_LEVEL_MAIL);
    assert_int_equal(facts_level(w.facts), TRACE_LEVEL_PROTOCOL); /* what the watches need */
    assert_int_equal(facts_events(w.facts, all).first_at, SIM_NEVER);
    go_to(&w, 3);
    TRACE(w.trace, w.b, SMTP_REPLY, 0, .code = 550);
    go_to(&w, 5);
    TRACE(w.trace, w.b, SMTP_REPLY, 0, .code = 250);
    TRACE(w.trace, w.a, SMTP_REPLY, 0, .code = 550);
    TRACE(w.trace, w.b, SMTP_REPLY, 0, .code = 5500);
    assert_int_equal(count(&w, all), 4);
    assert_int_equal(facts_events(w.facts, all).first_at, 3);
    assert_int_equal(facts_events(w.facts, all).last_at, 5);
    assert_int_equal(count(&w, refusals), 1);
    assert_int_equal(facts_events(w.facts, refusals).last_at, 3);
    assert_int_equal(count(&w, early), 1);
    assert_int_equal(facts_events(w.facts, early).last_at, 3);
    world_free(&w);
}

static void test_values_of_each_type(void **state)
{
    (void)state;
    World w = world_new();
    size_t text = watch(&w, TRACE_QUEUE_ATTEMPT, "transport", "smtp");
    size_t octets = watch(&w, TRACE_SMTP_COMMAND, "command_line", "QUIT");
    size_t time = watch(&w, TRACE_QUEUE_DEFER, "next_at", "300000000000");
    size_t flag = watch(&w, TRACE_DNS_RESULT, "from_cache", "true");
    size_t ref = watch(&w, TRACE_SMTP_COMMAND, "connection", "a.example#3");
    size_t address = watch(&w, TRACE_TCP_CONNECT, "dst", "198.18.0.1");
    facts_start(w.facts, TRACE_LEVEL_MAIL);
    TRACE(w.trace, w.a, QUEUE_ATTEMPT, 0, .mail = "lunch", .recipient = BOB, .transport = "smtp");
    TRACE(w.trace, w.a, QUEUE_ATTEMPT, 0, .mail = "lunch", .recipient = BOB); /* absent */
    TRACE(w.trace, w.a, SMTP_COMMAND, 0, .line = span_of_text("QUIT"));
    TRACE(w.trace, w.a, SMTP_COMMAND, 0, .line = span_of_text("QUI"), .connection = {w.a, 3});
    TRACE(w.trace, w.a, QUEUE_DEFER, 0, .next_at = 300 * SIM_SECOND);
    TRACE(w.trace, w.a, QUEUE_DEFER, 0, .next_at = SIM_NEVER);
    TRACE(w.trace, w.a, DNS_RESULT, 0, .from_cache = true);
    TRACE(w.trace, w.a, DNS_RESULT, 0, .from_cache = false);
    TRACE(w.trace, w.a, TCP_CONNECT, 0, .remote_address = 0xC6120001);
    TRACE(w.trace, w.a, TCP_CONNECT, 0, .remote_address = 0xC6120002);
    assert_int_equal(count(&w, text), 1);
    assert_int_equal(count(&w, octets), 1);
    assert_int_equal(count(&w, time), 1);
    assert_int_equal(count(&w, flag), 1);
    assert_int_equal(count(&w, ref), 1);
    assert_int_equal(count(&w, address), 1);
    world_free(&w);
}

/* ---- Queues ---- */

static void test_queue_at_a_time(void **state)
{
    (void)state;
    World w = world_new();
    static const SimTime TIMES[] = {1, 2, 3, 4, 5, 6, 7, 8, SIM_NEVER};
    size_t watches[G_N_ELEMENTS(TIMES)][FACTS_QUEUES];
    for (size_t t = 0; t < G_N_ELEMENTS(TIMES); t++)
        for (FactsQueue queue = 0; queue < FACTS_QUEUES; queue++)
            watches[t][queue] = facts_watch_queue(w.facts, "a.example", queue, TIMES[t]);
    facts_start(w.facts, TRACE_LEVEL_MAIL);
    go_to(&w, 1);
    TRACE(w.trace, w.a, QUEUE_ENTER, 0, .entry = "1-1", .mail = "x", .length = 1);
    TRACE(w.trace, w.a, QUEUE_ENTER, 0, .entry = "1-2", .mail = "y", .length = 2);
    TRACE(w.trace, w.b, QUEUE_ENTER, 0, .entry = "1-1", .mail = "z", .length = 1);
    go_to(&w, 2);
    TRACE(w.trace, w.a, QUEUE_ACTIVATE, 0, .entry = "1-1", .mail = "x", .recipient = BOB);
    TRACE(w.trace, w.a, QUEUE_ATTEMPT, 0, .entry = "1-1", .mail = "x", .recipient = BOB);
    TRACE(w.trace, w.a, QUEUE_ATTEMPT, 0, .entry = "1-2", .mail = "y", .recipient = BOB);
    go_to(&w, 3);
    TRACE(w.trace, w.a, QUEUE_HOLD, 0, .entry = "1-2", .mail = "y");
    TRACE(w.trace, w.a, QUEUE_DEFER, 0, .entry = "1-1", .mail = "x", .recipient = BOB);
    go_to(&w, 4);
    TRACE(w.trace, w.a, QUEUE_DEFER, 0, .entry = "1-2", .mail = "y", .recipient = BOB);
    go_to(&w, 5);
    TRACE(w.trace, w.a, QUEUE_ATTEMPT, 0, .entry = "1-1", .mail = "x", .recipient = BOB);
    TRACE(w.trace, w.a, HOST_CRASH, 0, .program = "mail server");
    go_to(&w, 6);
    TRACE(w.trace, w.a, HOST_RESTART, 0, .program = "mail server");
    TRACE(w.trace, w.a, QUEUE_RECOVER, 0, .entry = "1-2", .mail = "y", .length = 1);
    go_to(&w, 7);
    TRACE(w.trace, w.a, QUEUE_RELEASE, 0, .entry = "1-2", .mail = "y");
    go_to(&w, 8);
    TRACE(w.trace, w.a, MAIL_RELAYED, 0, .entry = "1-2", .mail = "y", .recipient = BOB);
    TRACE(w.trace, w.a, QUEUE_REMOVE, 0, .entry = "1-2", .mail = "y");
    static const uint64_t EXPECTED[G_N_ELEMENTS(TIMES)][FACTS_QUEUES] = {
        {2, 2, 0, 0, 0}, {2, 0, 2, 0, 0}, {2, 0, 1, 1, 0}, {2, 0, 0, 1, 1}, {2, 0, 0, 1, 1},
        {1, 0, 0, 0, 1}, {1, 0, 0, 1, 0}, {0, 0, 0, 0, 0}, {0, 0, 0, 0, 0},
    };
    for (size_t t = 0; t < G_N_ELEMENTS(TIMES); t++)
        for (FactsQueue queue = 0; queue < FACTS_QUEUES; queue++)
            assert_int_equal(facts_queue_at(w.facts, watches[t][queue]), EXPECTED[t][queue]);
    world_free(&w);
}

/* ---- JSON ---- */

static void test_json(void **state)
{
    (void)state;
    World w = world_begin(TRACE_LEVEL_SEGMENT);
    TRACE(w.trace, w.laptop, AGENT_COMPOSE, 0, .mail = "lunch", .from = ALICE, .to = BOB,
          .subject = "\"Lunch\"?");
    go_to(&w, 7);
    accept_mail(&w, w.a, BOB);
    write_network(&w);
    g_autofree char *text = facts_format_json(w.facts);
    assert_string_equal(text, "{\n"
                              "  \"mails\" : [\n"
                              "    {\n"
                              "      \"name\" : \"lunch\",\n"
                              "      \"from\" : \"alice@a.example\",\n"
                              "      \"subject\" : \"\\\"Lunch\\\"?\",\n"
                              "      \"recipients\" : [\n"
                              "        {\n"
                              "          \"address\" : \"bob@b.example\",\n"
                              "          \"status\" : \"queued\",\n"
                              "          \"attempts\" : 0,\n"
                              "          \"copies\" : 0,\n"
                              "          \"accepted_at\" : 7\n"
                              "        }\n"
                              "      ]\n"
                              "    }\n"
                              "  ],\n"
                              "  \"hosts\" : [\n"
                              "    {\n"
                              "      \"name\" : \"alice.laptop\",\n"
                              "      \"connections\" : 0,\n"
                              "      \"segments\" : 0,\n"
                              "      \"retransmissions\" : 0,\n"
                              "      \"drops\" : 0\n"
                              "    },\n"
                              "    {\n"
                              "      \"name\" : \"a.example\",\n"
                              "      \"queue_length\" : 0,\n"
                              "      \"queue_peak\" : 0,\n"
                              "      \"relay_peak\" : 0,\n"
                              "      \"connections\" : 1,\n"
                              "      \"segments\" : 2,\n"
                              "      \"retransmissions\" : 1,\n"
                              "      \"drops\" : 1\n"
                              "    },\n"
                              "    {\n"
                              "      \"name\" : \"b.example\",\n"
                              "      \"connections\" : 0,\n"
                              "      \"segments\" : 0,\n"
                              "      \"retransmissions\" : 0,\n"
                              "      \"drops\" : 2\n"
                              "    }\n"
                              "  ],\n"
                              "  \"totals\" : {\n"
                              "    \"connections\" : 1,\n"
                              "    \"segments\" : 2,\n"
                              "    \"retransmissions\" : 1,\n"
                              "    \"drops\" : 3,\n"
                              "    \"drops_by_reason\" : {\n"
                              "      \"loss\" : 2,\n"
                              "      \"queue full\" : 1\n"
                              "    }\n"
                              "  }\n"
                              "}\n");
    world_free(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_delivered),
        cmocka_unit_test(test_relayed_outside),
        cmocka_unit_test(test_two_recipients),
        cmocka_unit_test(test_bounced),
        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_discarded),
        cmocka_unit_test(test_lost),
        cmocka_unit_test(test_lost_after_relay),
        cmocka_unit_test(test_expanded),
        cmocka_unit_test(test_two_copies),
        cmocka_unit_test(test_queue_lengths),
        cmocka_unit_test(test_totals),
        cmocka_unit_test(test_field_names),
        cmocka_unit_test(test_events),
        cmocka_unit_test(test_values_of_each_type),
        cmocka_unit_test(test_queue_at_a_time),
        cmocka_unit_test(test_json),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
