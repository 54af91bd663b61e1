/* The nodes together, without a scenario file: agents, mail servers and names over a network. */
#include "export/timeline.h"
#include "node/mail_server.h"
#include "node/name_server.h"
#include "node/user_agent.h"
#include "proto/smtp.h"
#include "text_output.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>

typedef struct World {
    Simulator *simulator;
    Trace *trace;
    Network *network;
    NameFaults *faults;
    DnsZone *zone;
    NameServer *names;
    MailServer *a, *b; /* of a.example with alice, of b.example with bob */
    Machine machine_a, machine_b;
    UserAgent *alice, *bob;
    GString *text; /* the trace at level MAIL, as a timeline */
    Timeline *timeline;
} World;

static Machine add_machine(World *world, const char *name)
{
    LinkOptions link = {.delay_ns = 10 * SIM_MILLISECOND, .rate_bits_per_second = 100000000};
    Host *host = network_add_host(world->network, name);
    network_add_link(world->network, name, "internet", link);
    return (Machine){.simulator = world->simulator,
                     .trace = world->trace,
                     .network = world->network,
                     .host = host,
                     .node = host_node(host),
                     .clock = {1772409600, 540},
                     .name_faults = world->faults};
}

static void add_name(World *world, const Machine *machine)
{
    DnsRecord record = dns_record_a(host_name(machine->host), 3600, host_address(machine->host));
    assert_true(dns_zone_add(world->zone, &record));
    dns_record_clear(&record);
}

static MailServer *add_server(World *world, Machine *machine, const char *domain, const char *user)
{
    add_name(world, machine);
    DnsRecord mx = dns_record_mx(domain, 3600, 10, host_name(machine->host));
    assert_true(dns_zone_add(world->zone, &mx));
    dns_record_clear(&mx);
    const char *domains[] = {domain};
    MailServerUser users[] = {{.name = user, .password = "secret"}};
    MailServerOptions options = {.domains = domains,
                                 .domain_count = 1,
                                 .users = users,
                                 .user_count = 1,
                                 .extensions = SMTP_EXTENSIONS_DEFAULT,
                                 .connections = MAIL_SERVER_CONNECTIONS_DEFAULT};
    retry_schedule_like("postfix", &options.retry);
    return mail_server_new(machine, &options);
}

static World world_new(void)
{
    World world = {.simulator = simulator_new(1), .text = g_string_new(NULL)};
    world.trace = trace_new(world.simulator);
    world.network = network_new(world.trace);
    world.faults = name_faults_new();
    world.zone = dns_zone_new();
    char primary[] = "ns", mailbox[] = "postmaster.ns";
    DnsSoa soa = {.primary = primary, .mailbox = mailbox, .minimum_s = 300};
    DnsRecord record = dns_record_soa(".", 3600, &soa);
    dns_zone_add(world.zone, &record);
    dns_record_clear(&record);
    network_add_router(world.network, "internet");
    Machine names = add_machine(&world, "ns");
    world.machine_a = add_machine(&world, "mx.a.example");
    world.machine_b = add_machine(&world, "mx.b.example");
    Machine alice = add_machine(&world, "alice.laptop");
    Machine bob = add_machine(&world, "bob.phone");
    network_finish(world.network);
    world.names = name_server_new(&names, world.zone);
    Ipv4Address name_server = host_address(names.host);
    world.machine_a.name_server = world.machine_b.name_server = name_server;
    alice.name_server = bob.name_server = name_server;
    world.a = add_server(&world, &world.machine_a, "a.example", "alice");
    world.b = add_server(&world, &world.machine_b, "b.example", "bob");
    UserAgentOptions alice_options = {.address = "alice@a.example",
                                      .server = "mx.a.example",
                                      .user = "alice",
                                      .password = "secret"};
    UserAgentOptions bob_options = {
        .address = "bob@b.example", .server = "mx.b.example", .user = "bob", .password = "secret"};
    world.alice = user_agent_new(&alice, &alice_options);
    world.bob = user_agent_new(&bob, &bob_options);
    const char *level = g_getenv("MAIL_PATH_LEVEL"); /* to look at more than the test does */
    TimelineOptions options = {.level = level != NULL ? (TraceLevel)atoi(level) : TRACE_LEVEL_MAIL,
                               .width = 120,
                               .is_unfolded = true};
    world.timeline = timeline_new(world.trace, &options, (TimelineOutput){append_text, world.text});
    TRACE(world.trace, NODE_TIMELINE, TIMELINE_BEGIN, 0, .start = "now");
    mail_server_start(world.a);
    mail_server_start(world.b);
    return world;
}

static void world_free(World *world)
{
    user_agent_free(world->alice);
    user_agent_free(world->bob);
    mail_server_free(world->a);
    mail_server_free(world->b);
    name_server_free(world->names);
    dns_zone_free(world->zone);
    network_free(world->network);
    timeline_finish(world->timeline);
    timeline_free(world->timeline);
    trace_free(world->trace);
    simulator_free(world->simulator);
    name_faults_free(world->faults);
    g_string_free(world->text, TRUE);
}

static void send_lunch(void *owner, void *data)
{
    World *world = owner;
    const char *to[] = {data};
    UserAgentMail mail = {
        .name = "lunch", .to = to, .to_count = 1, .subject = "Lunch?", .body = "Noon?\n"};
    user_agent_send(world->alice, &mail);
}

/* More than all buffers on the way hold, in lines of 50 octets. */
enum { LARGE_MAIL_LINES = 20000 };

static void send_photos(void *owner, void *data)
{
    World *world = owner;
    const char *to[] = {data};
    g_autoptr(GString) body = g_string_new(NULL);
    for (int i = 0; i < LARGE_MAIL_LINES; i++)
        g_string_append(body, "0123456789abcdef0123456789abcdef0123456789abcdef\n");
    UserAgentMail mail = {
        .name = "photos", .to = to, .to_count = 1, .subject = "Photos", .body = body->str};
    user_agent_send(world->alice, &mail);
}

static void bob_fetches(void *owner, void *data)
{
    (void)data;
    user_agent_fetch(((World *)owner)->bob);
}

static void alice_fetches(void *owner, void *data)
{
    (void)data;
    user_agent_fetch(((World *)owner)->alice);
}

static void b_crashes(void *owner, void *data)
{
    (void)data;
    World *world = owner;
    mail_server_crash(world->b, TRACE(world->trace, world->machine_b.node, HOST_CRASH, 0,
                                      .program = "mail server"));
}

static void b_restarts(void *owner, void *data)
{
    (void)data;
    World *world = owner;
    TRACE(world->trace, world->machine_b.node, HOST_RESTART, 0, .program = "mail server");
    mail_server_start(world->b);
}

static void at(World *world, SimTime time, const char *host, void (*run)(void *, void *),
               const char *data)
{
    EventAction action = {run, world, (void *)(uintptr_t)data, NULL};
    NodeId node = host_node(network_find_host(world->network, host));
    simulator_schedule(world->simulator, time, node, EVENT_FOREGROUND, action);
}

static unsigned count(const World *world, const char *text)
{
    unsigned found = 0;
    for (const char *c = world->text->str; (c = strstr(c, text)) != NULL; c++)
        found++;
    return found;
}

static void play(World *world)
{
    assert_int_equal(simulator_run(world->simulator, (SimulatorLimits){.until = SIM_NEVER}),
                     SIMULATOR_END_QUIET);
    if (g_getenv("MAIL_PATH_LEVEL") != NULL)
        puts(world->text->str);
}

static void test_a_mail_is_sent_and_fetched(void **state)
{
    (void)state;
    World world = world_new();
    at(&world, SIM_SECOND, "alice.laptop", send_lunch, "bob@b.example");
    at(&world, SIM_MINUTE, "bob.phone", bob_fetches, NULL);
    play(&world);
    assert_int_equal(count(&world, "accepts lunch for bob@b.example"), 2);
    assert_int_equal(count(&world, "lunch is in the mailbox of bob@b.example"), 1);
    assert_int_equal(count(&world, "has lunch from alice@a.example: \"Lunch?\""), 1);
    world_free(&world);
}

static void test_a_large_mail_comes_through_at_once(void **state)
{
    (void)state;
    World world = world_new();
    at(&world, SIM_SECOND, "alice.laptop", send_photos, "bob@b.example");
    at(&world, SIM_MINUTE, "bob.phone", bob_fetches, NULL);
    play(&world);
    assert_int_equal(count(&world, "photos for bob@b.example is now with mx.b.example"), 1);
    assert_int_equal(count(&world, "waits until"), 0);
    assert_int_equal(count(&world, "has photos from alice@a.example: \"Photos\""), 1);
    world_free(&world);
}

static void test_a_mail_waits_for_the_server(void **state)
{
    (void)state;
    World world = world_new();
    at(&world, 0, "mx.b.example", b_crashes, NULL);
    at(&world, SIM_SECOND, "alice.laptop", send_lunch, "bob@b.example");
    at(&world, 2 * SIM_HOUR, "mx.b.example", b_restarts, NULL);
    play(&world);
    assert_true(count(&world, "lunch for bob@b.example waits until") > 3);
    assert_int_equal(count(&world, "connection refused"), count(&world, "waits until"));
    assert_int_equal(count(&world, "lunch is in the mailbox of bob@b.example"), 1);
    world_free(&world);
}

static void test_an_unknown_user_is_a_bounce(void **state)
{
    (void)state;
    World world = world_new();
    at(&world, SIM_SECOND, "alice.laptop", send_lunch, "carol@b.example");
    at(&world, SIM_MINUTE, "alice.laptop", alice_fetches, NULL);
    play(&world);
    assert_int_equal(count(&world, "returns lunch for carol@b.example as lunch.bounce"), 1);
    assert_int_equal(count(&world, "has lunch.bounce from"), 1);
    world_free(&world);
}

static void test_a_mail_expires(void **state)
{
    (void)state;
    World world = world_new();
    at(&world, 0, "mx.b.example", b_crashes, NULL);
    at(&world, SIM_SECOND, "alice.laptop", send_lunch, "bob@b.example");
    play(&world);
    assert_int_equal(count(&world, "gives up on lunch for bob@b.example"), 1);
    assert_int_equal(count(&world, "returns lunch for bob@b.example as lunch.bounce"), 1);
    assert_int_equal(count(&world, "lunch.bounce is in the mailbox of alice@a.example"), 1);
    assert_true(simulator_now(world.simulator) >= 5 * SIM_DAY);
    world_free(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_mail_is_sent_and_fetched),
        cmocka_unit_test(test_a_large_mail_comes_through_at_once),
        cmocka_unit_test(test_a_mail_waits_for_the_server),
        cmocka_unit_test(test_an_unknown_user_is_a_bounce),
        cmocka_unit_test(test_a_mail_expires),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
