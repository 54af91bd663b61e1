/* Names in whole runs: caches, failures, mail exchangers of every kind, and clients' names. */
#include "node/user_agent_internal.h"
#include "scenario/simulation_internal.h"
#include "scenario_play.h"

/* mx.c.test takes no mail for b.test: what is sent there by an MX record is refused. */
#define BEGIN                                                                                      \
    "mailsim: 1\n"                                                                                 \
    "title: names\n"                                                                               \
    "servers:\n"                                                                                   \
    "  mx.a.test: {domains: [a.test], users: {alice: {}}, retry: {intervals: [10 min]}}\n"         \
    "  mx.b.test: {domains: [b.test], users: {bob: {}}}\n"                                         \
    "  mx.c.test: {domains: [c.test], users: {carol: {}}}\n"                                       \
    "people:\n"                                                                                    \
    "  alice: {address: alice@a.test}\n"                                                           \
    "  bob: {address: bob@b.test}\n"
#define LUNCH                                                                                      \
    "mails:\n"                                                                                     \
    "  lunch: {from: alice, to: [bob@b.test], subject: \"Lunch?\", body: \"Noon?\"}\n"             \
    "timeline:\n"
#define SEND BEGIN LUNCH "  - {at: 1 s, do: send, mail: lunch}\n"

/* Plays a mail to `address` with these names in the section `dns`. */
static Played play_names(const char *dns, const char *address)
{
    g_autofree char *text =
        g_strdup_printf(BEGIN "dns:\n%s"
                              "mails:\n"
                              "  lunch: {from: alice, to: [%s], subject: \"x\", body: \"x\"}\n"
                              "timeline:\n"
                              "  - {at: 1 s, do: send, mail: lunch}\n",
                        dns, address);
    return play(text);
}

/* ---- The cache ---- */

static void test_an_answer_is_kept_for_its_ttl(void **state)
{
    (void)state;
    Played played =
        play(BEGIN LUNCH "  - {at: 1 s, do: send, mail: lunch, every: 40 min, times: 3}\n");
    const char *mx = "host=mx.a.test dns.qry.name=b.test dns.qry.type=MX";
    assert_int_equal(played_count(&played, "dns.query", mx), 2); /* at 0 and 80 min, not at 40 */
    const Record *result = played_find(&played, "dns.result", mx);
    assert_true(record_meets(result, "from_cache=false"));
    result = played_find_after(&played, result, "dns.result", mx);
    assert_true(record_meets(result, "from_cache=true"));
    assert_int_equal(record_time(result) / SIM_MINUTE, 40);
    result = played_find_after(&played, result, "dns.result", mx);
    assert_true(record_meets(result, "from_cache=false"));
    assert_int_equal(played_count(&played, "mailbox.store", ""), 3);
    played_end(&played);
}

static void test_an_old_answer_is_believed_until_its_ttl_ends(void **state)
{
    (void)state;
    Played played =
        play(BEGIN LUNCH "  - {at: 1 s, do: send, mail: lunch, every: 40 min, times: 3}\n"
                         "  - {at: 10 min, do: dns_set, name: b.test, records: "
                         "{mx: [{preference: 10, host: mx.c.test}]}}\n");
    assert_int_equal(played_count(&played, "mailbox.store", "mail=lunch user=bob"), 1);
    assert_int_equal(played_count(&played, "mailbox.store", "mail=lunch.2 user=bob"), 1);
    const Record *bounced = played_find(&played, "mail.bounced", "");
    assert_string_equal(record_text(bounced, "mail"), "lunch.3");
    played_end(&played);
}

static void test_a_restart_empties_the_cache(void **state)
{
    (void)state;
    Played played =
        play(BEGIN LUNCH "  - {at: 1 s, do: send, mail: lunch, every: 10 min, times: 2}\n"
                         "  - {at: 1 min, do: crash, host: mx.a.test}\n"
                         "  - {at: 2 min, do: restart, host: mx.a.test}\n");
    assert_int_equal(
        played_count(&played, "dns.query", "host=mx.a.test dns.qry.name=b.test dns.qry.type=MX"),
        2);
    played_end(&played);
}

/* ---- Failures ---- */

static void test_no_such_name_bounces_at_once(void **state)
{
    (void)state;
    Played played = play_names("  other.test: {a: [192.0.2.1]}\n", "bob@nowhere.test");
    const Record *bounced = played_find(&played, "mail.bounced", "mail=lunch");
    assert_true(record_time(bounced) < 2 * SIM_SECOND);
    assert_string_equal(record_text(bounced, "status"), "5.1.2");
    assert_int_equal(played_count(&played, "queue.attempt", "mail=lunch transport=smtp"), 1);
    assert_int_equal(played_count(&played, "mailbox.store", "mail=lunch.bounce user=alice"), 1);
    played_end(&played);
}

/* An alias that comes to lead back, be it that of the name asked for or a later one. */
static void test_aliases_that_go_round_have_a_reason(void **state)
{
    (void)state;
    static const char *const CHANGED[] = {"b.test", "ring.test"};
    for (size_t i = 0; i < G_N_ELEMENTS(CHANGED); i++) {
        g_autofree char *text =
            g_strdup_printf("mailsim: 1\n"
                            "until: 1 h\n"
                            "servers: {mx.a.test: {domains: [a.test], users: {alice: {}}}}\n"
                            "dns:\n"
                            "  b.test: {cname: ring.test}\n"
                            "  ring.test: {cname: b.test}\n"
                            "people: {alice: {address: alice@a.test}}\n"
                            "mails: {lunch: {from: alice, to: [bob@b.test]}}\n"
                            "timeline:\n"
                            "  - {at: 0 s, do: dns_set, name: %s, records: {cname: %s}}\n"
                            "  - {at: 1 s, do: send, mail: lunch}\n",
                            CHANGED[i], CHANGED[1 - i]);
        Played played = play(text);
        const Record *result =
            played_find(&played, "dns.result", "host=mx.a.test outcome=alias-loop");
        g_autofree char *named = g_strdup_printf("dns.qry.name=%s", CHANGED[i]);
        assert_because(&played, result, "dns.set", named);
        const Record *defer = played_find(&played, "queue.defer", "mail=lunch");
        assert_because(&played, defer, "dns.set", named);
        played_end(&played);
    }
}

/* A name that is changed to lead nowhere, or to have nothing that mail could go to. */
static void test_a_change_is_the_reason(void **state)
{
    (void)state;
    static const char *const RECORDS[] = {"cname: no.test", "cname: bare.test",
                                          "mx: [{preference: 0, host: \".\"}]"};
    for (size_t i = 0; i < G_N_ELEMENTS(RECORDS); i++) {
        g_autofree char *text =
            g_strdup_printf(BEGIN LUNCH "  - {at: 0 s, do: dns_set, name: b.test, records: {%s}}\n"
                                        "  - {at: 1 s, do: send, mail: lunch}\n"
                                        "dns: {bare.test: {txt: [nothing]}}\n",
                            RECORDS[i]);
        Played played = play(text);
        const Record *bounced = played_find(&played, "mail.bounced", "mail=lunch");
        assert_because(&played, bounced, "dns.set", "dns.qry.name=b.test");
        played_end(&played);
    }
}

/* RFC 2308 §5: that a name does not exist is remembered too. The fault stays the reason. */
static void test_no_such_name_is_remembered(void **state)
{
    (void)state;
    Played played =
        play(BEGIN LUNCH "  - {at: 0 s, do: dns_fail, name: b.test, how: nxdomain}\n"
                         "  - {at: 1 s, do: send, mail: lunch, every: 3 min, times: 3}\n"
                         "  - {at: 1 min, do: dns_fix, name: b.test}\n");
    const Record *bounced = NULL;
    for (unsigned i = 0; i < 2; i++) {
        bounced = played_find_after(&played, bounced, "mail.bounced", "");
        assert_non_null(bounced);
        assert_because(&played, bounced, "dns.fail", "how=nxdomain");
    }
    assert_string_equal(record_text(bounced, "mail"), "lunch.2");
    assert_int_equal(played_count(&played, "mailbox.store", "mail=lunch.3 user=bob"), 1);
    played_end(&played);
}

/* Neither says anything about the name: the mail waits, and each attempt asks again. */
static void test_a_failing_name_defers(void **state)
{
    (void)state;
    static const struct {
        const char *how;
        SimTime takes;
    } failures[] = {{"servfail", 0}, {"timeout", 10 * SIM_SECOND}};
    for (size_t i = 0; i < G_N_ELEMENTS(failures); i++) {
        g_autofree char *text =
            g_strdup_printf(SEND "  - {at: 0 s, do: dns_fail, name: b.test, how: %s}\n"
                                 "  - {at: 15 min, do: dns_fix, name: b.test}\n",
                            failures[i].how);
        g_autofree char *fault = g_strdup_printf("how=%s", failures[i].how);
        Played played = play(text);
        assert_int_equal(played_count(&played, "queue.defer", "mail=lunch"), 2);
        const Record *attempt = played_find(&played, "queue.attempt", "mail=lunch");
        const Record *defer = played_find(&played, "queue.defer", "mail=lunch");
        assert_because(&played, defer, "dns.fail", fault);
        SimTime took = record_time(defer) - record_time(attempt);
        assert_true(took >= failures[i].takes && took < failures[i].takes + SIM_SECOND);
        assert_string_equal(record_text(defer, "reason"), "the name could not be looked up");
        assert_int_equal(played_count(&played, "mailbox.store", "mail=lunch"), 1);
        played_end(&played);
    }
}

/* A look-up that keeps failing ends in a bounce, which names what keeps it failing. */
static void test_a_name_that_keeps_failing_bounces(void **state)
{
    (void)state;
    static const char *const failures[] = {"servfail", "timeout"};
    for (size_t i = 0; i < G_N_ELEMENTS(failures); i++) {
        g_autofree char *text = g_strdup_printf(
            SEND "  - {at: 0 s, do: dns_fail, name: b.test, how: %s}\n", failures[i]);
        g_autofree char *fault = g_strdup_printf("how=%s", failures[i]);
        Played played = play(text);
        const Record *expired = played_find(&played, "mail.expired", "mail=lunch");
        assert_true(record_time(expired) >= 5 * SIM_DAY);
        assert_because(&played, expired, "dns.fail", fault);
        const Record *bounced = played_find(&played, "mail.bounced", "mail=lunch");
        assert_because(&played, bounced, "dns.fail", fault);
        assert_string_equal(record_text(bounced, "status"), "4.4.3");
        assert_int_equal(played_count(&played, "mailbox.store", "mail=lunch.bounce user=alice"), 1);
        played_end(&played);
    }
}

/* The name asked for is whole; the one that it is an alias of has been made to vanish. */
static void test_the_fault_of_an_aliased_name_is_found(void **state)
{
    (void)state;
    Played played = play(BEGIN "dns:\n"
                               "  alias.test: {cname: b.test}\n"
                               "mails:\n"
                               "  lunch: {from: alice, to: [bob@alias.test], subject: \"x\", "
                               "body: \"x\"}\n"
                               "timeline:\n"
                               "  - {at: 0 s, do: dns_fail, name: b.test, how: nxdomain}\n"
                               "  - {at: 1 s, do: send, mail: lunch}\n");
    assert_because(&played, played_find(&played, "mail.bounced", "mail=lunch"), "dns.fail",
                   "dns.qry.name=b.test");
    played_end(&played);
}

/* ---- Mail exchangers ---- */

/* RFC 7505: the domain says that it takes no mail. */
static void test_null_mx(void **state)
{
    (void)state;
    Played played = play_names("  b.test: {mx: [{preference: 0, host: .}]}\n", "bob@b.test");
    const Record *bounced = played_find(&played, "mail.bounced", "mail=lunch");
    assert_string_equal(record_text(bounced, "status"), "5.1.10");
    assert_int_equal(played_count(&played, "tcp.connect", "host=mx.a.test tcp.dstport=25"), 0);
    played_end(&played);
}

/* RFC 5321 §5.1: without MX, the name itself. mx.b.test refuses to relay for that name, but it is
 * there that the mail goes. */
static void test_implicit_mx(void **state)
{
    (void)state;
    Played played = play_names("  plain.test: {a: [mx.b.test]}\n", "bob@plain.test");
    const Record *connect = played_find(&played, "tcp.connect", "host=mx.a.test tcp.dstport=25");
    assert_string_equal(record_text(connect, "remote"), "mx.b.test");
    const Record *mx = played_find(&played, "dns.result",
                                   "dns.qry.name=plain.test "
                                   "dns.qry.type=MX");
    assert_true(record_number(mx, "seq") < record_number(connect, "seq"));
    assert_null(record_text(mx, "records"));
    played_find(&played, "dns.result", "dns.qry.name=plain.test dns.qry.type=A");
    played_end(&played);
}

static void test_an_alias_leads_on(void **state)
{
    (void)state;
    Played played = play_names("  alias.test: {cname: b.test}\n", "bob@alias.test");
    const Record *connect = played_find(&played, "tcp.connect", "host=mx.a.test tcp.dstport=25");
    assert_string_equal(record_text(connect, "remote"), "mx.b.test");
    played_end(&played);
}

/* The host of lower preference is tried in the same attempt when the first is not there. */
static void test_preference(void **state)
{
    (void)state;
    Played played = play(BEGIN "dns:\n"
                               "  b.test: {mx: [{preference: 20, host: mx.c.test}, "
                               "{preference: 10, host: mx.b.test}]}\n" LUNCH
                               "  - {at: 0 s, do: crash, host: mx.b.test}\n"
                               "  - {at: 1 s, do: send, mail: lunch}\n");
    const Record *first = played_find(&played, "tcp.connect", "host=mx.a.test tcp.dstport=25");
    const Record *second =
        played_find_after(&played, first, "tcp.connect", "host=mx.a.test tcp.dstport=25");
    assert_string_equal(record_text(first, "remote"), "mx.b.test");
    assert_string_equal(record_text(second, "remote"), "mx.c.test");
    assert_int_equal(played_count(&played, "queue.attempt", "mail=lunch"), 1);
    played_end(&played);
}

/* ---- The client's name ---- */

/* The top Received field of lunch as Bob's agent has got it. */
static char *received_field(const Played *played, const char *by)
{
    const Simulation *simulation = played->run->simulation;
    const SimulatedAgent *bob = &g_array_index(simulation->agents, SimulatedAgent, 1);
    assert_string_equal(bob->person->name.text, "bob");
    const AgentMail *mail = user_agent_find_received(bob->agent, "lunch");
    assert_non_null(mail);
    Span message = span_of_octets(mail->content);
    Span name, value;
    for (size_t position = 0; message_next_header(message, &position, &name, &value);) {
        g_autofree char *text = span_dup_text(value);
        if (span_equals_text_nocase(name, "Received") && strstr(text, by) != NULL)
            return g_steal_pointer(&text);
    }
    fail_msg("no Received field has %s", by);
    return NULL;
}

static void assert_received(const char *timeline, const char *from_alice, const char *from_a)
{
    g_autofree char *text =
        g_strconcat(SEND, timeline, "  - {at: 1 h, do: fetch, who: bob}\n", NULL);
    Played played = play(text);
    g_autofree char *first = received_field(&played, "by mx.a.test");
    g_autofree char *second = received_field(&played, "by mx.b.test");
    assert_non_null(strstr(first, from_alice));
    assert_non_null(strstr(second, from_a));
    played_end(&played);
}

static void test_received_names_the_client(void **state)
{
    (void)state;
    assert_received("", "from alice.laptop (alice.laptop [198.18.0.5])",
                    "from mx.a.test (mx.a.test [198.18.0.2])");
    assert_received("  - {at: 0 s, do: dns_set, name: mx.a.test, records: {ptr: dialup7.test}}\n",
                    "from alice.laptop (alice.laptop [198.18.0.5])",
                    "from mx.a.test (dialup7.test [198.18.0.2])");
    assert_received("  - {at: 0 s, do: dns_fail, name: 2.0.18.198.in-addr.arpa, how: nxdomain}\n"
                    "  - {at: 0 s, do: dns_fail, name: 5.0.18.198.in-addr.arpa, how: timeout}\n",
                    "from alice.laptop (unknown [198.18.0.5])",
                    "from mx.a.test (unknown [198.18.0.2])");
}

/* The name is looked up before the greeting; a name server's silence delays it and no more. */
static void test_the_greeting_waits_for_the_name(void **state)
{
    (void)state;
    Played played = play(SEND "  - {at: 0 s, do: dns_fail, name: 2.0.18.198.in-addr.arpa, how: "
                              "timeout}\n");
    const Record *open = played_find(&played, "tcp.established", "host=mx.b.test");
    const Record *greeting =
        played_find(&played, "smtp.reply", "host=mx.b.test smtp.response.code=220");
    assert_int_equal(record_time(greeting) - record_time(open), 10 * SIM_SECOND);
    assert_int_equal(played_count(&played, "queue.defer", ""), 0);
    assert_int_equal(played_count(&played, "mailbox.store", "mail=lunch"), 1);
    played_end(&played);
}

/* The client is cut off, and the server shut down, while the name is looked up. */
static void test_an_end_before_the_greeting(void **state)
{
    (void)state;
    static const char *const ends[] = {"do: crash, host: mx.b.test", "do: crash, host: mx.a.test",
                                       "do: power_off, host: mx.a.test",
                                       "do: shutdown, host: mx.b.test"};
    for (size_t i = 0; i < G_N_ELEMENTS(ends); i++) {
        g_autofree char *text =
            g_strdup_printf(SEND "  - {at: 0 s, do: dns_fail, name: 2.0.18.198.in-addr.arpa, how: "
                                 "timeout}\n"
                                 "  - {at: 5 s, %s}\n"
                                 "  - {at: 15 min, do: restart, host: mx.a.test}\n"
                                 "  - {at: 15 min, do: restart, host: mx.b.test}\n",
                            ends[i]);
        Played played = play(text);
        assert_int_equal(played_count(&played, "mailbox.store", "mail=lunch"), 1);
        played_end(&played);
    }
}

/* ---- Records of other types ---- */

#define WITH_TEXT                                                                                  \
    (BEGIN "dns:\n"                                                                                \
           "  b.test: {txt: [\"v=spf1 mx -all\"]}\n" LUNCH                                         \
           "  - {at: 1 s, do: send, mail: lunch}\n")

typedef struct TextLookUp {
    Resolver *resolver;
    char *found;
} TextLookUp;

static void on_text(void *owner, const DnsResolverEvent *event, uint64_t because)
{
    (void)because;
    TextLookUp *look_up = owner;
    assert_int_equal(event->answer.record_count, 1);
    GString *line = g_string_new(NULL);
    dns_record_append(line, &event->answer.records[0]);
    look_up->found = g_string_free(line, FALSE);
}

static void ask_for_text(void *owner, void *data)
{
    TextLookUp *look_up = owner;
    resolver_look_up(look_up->resolver, data, DNS_TYPE_TXT, on_text, look_up);
}

static void test_text_records_are_served(void **state)
{
    (void)state;
    Played played = played_prepare(WITH_TEXT);
    const Simulation *simulation = played.run->simulation;
    const Machine *machine = &g_array_index(simulation->agents, SimulatedAgent, 0).machine;
    TextLookUp look_up = {.resolver = resolver_new(machine)};
    char name[] = "b.test";
    EventAction action = {ask_for_text, &look_up, name, NULL};
    simulator_schedule(simulation->simulator, SIM_SECOND, machine->node, EVENT_FOREGROUND, action);
    played_run(&played);
    assert_non_null(look_up.found);
    assert_non_null(strstr(look_up.found, "IN TXT \"v=spf1 mx -all\""));
    g_free(look_up.found);
    resolver_free(look_up.resolver);
    played_end(&played);
}

/* ---- Look-ups given up ---- */

typedef struct Asker {
    Resolver *resolver;
    uint64_t ids[5];
    unsigned answers[5];
} Asker;

static void count_answer(void *owner, const DnsResolverEvent *event, uint64_t because)
{
    (void)because;
    assert_true(event->answer.outcome == DNS_OUTCOME_ANSWER ||
                event->answer.outcome == DNS_OUTCOME_NODATA);
    ++*(unsigned *)owner;
}

/* Five look-ups, of which the first, the third and the last but one are given up, not in order. */
static void ask_and_forget(void *owner, void *data)
{
    (void)data;
    Asker *asker = owner;
    static const uint16_t types[] = {DNS_TYPE_TXT, DNS_TYPE_MX, DNS_TYPE_A, DNS_TYPE_NS,
                                     DNS_TYPE_TXT};
    for (size_t i = 0; i < G_N_ELEMENTS(types); i++)
        asker->ids[i] =
            resolver_look_up(asker->resolver, "b.test", types[i], count_answer, &asker->answers[i]);
    resolver_forget(asker->resolver, asker->ids[3]);
    resolver_forget(asker->resolver, asker->ids[0]);
    resolver_forget(asker->resolver, asker->ids[2]);
    resolver_forget(asker->resolver, asker->ids[0]); /* it is over: nothing */
    resolver_forget(asker->resolver, 0);
}

static void test_who_gives_up_is_told_nothing(void **state)
{
    (void)state;
    Played played = played_prepare(WITH_TEXT);
    const Simulation *simulation = played.run->simulation;
    const Machine *machine = &g_array_index(simulation->agents, SimulatedAgent, 0).machine;
    Asker first = {.resolver = resolver_new(machine)};
    Asker again = {.resolver = first.resolver}; /* answered from the cache */
    simulator_schedule(simulation->simulator, SIM_SECOND, machine->node, EVENT_FOREGROUND,
                       (EventAction){ask_and_forget, &first, NULL, NULL});
    simulator_schedule(simulation->simulator, 10 * SIM_SECOND, machine->node, EVENT_FOREGROUND,
                       (EventAction){ask_and_forget, &again, NULL, NULL});
    played_run(&played);
    for (size_t i = 0; i < G_N_ELEMENTS(first.answers); i++) {
        assert_int_equal(first.answers[i], i == 1 || i == 4);
        assert_int_equal(again.answers[i], i == 1 || i == 4);
    }
    resolver_free(first.resolver);
    played_end(&played);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_an_answer_is_kept_for_its_ttl),
        cmocka_unit_test(test_an_old_answer_is_believed_until_its_ttl_ends),
        cmocka_unit_test(test_a_restart_empties_the_cache),
        cmocka_unit_test(test_no_such_name_bounces_at_once),
        cmocka_unit_test(test_aliases_that_go_round_have_a_reason),
        cmocka_unit_test(test_a_change_is_the_reason),
        cmocka_unit_test(test_no_such_name_is_remembered),
        cmocka_unit_test(test_a_failing_name_defers),
        cmocka_unit_test(test_a_name_that_keeps_failing_bounces),
        cmocka_unit_test(test_the_fault_of_an_aliased_name_is_found),
        cmocka_unit_test(test_null_mx),
        cmocka_unit_test(test_implicit_mx),
        cmocka_unit_test(test_an_alias_leads_on),
        cmocka_unit_test(test_preference),
        cmocka_unit_test(test_received_names_the_client),
        cmocka_unit_test(test_the_greeting_waits_for_the_name),
        cmocka_unit_test(test_an_end_before_the_greeting),
        cmocka_unit_test(test_text_records_are_served),
        cmocka_unit_test(test_who_gives_up_is_told_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
