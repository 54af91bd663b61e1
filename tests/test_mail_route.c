/* Tests of proto/mail_route: routes over a made-up DNS, given as lines of text. */
#include "proto/mail_route.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* The DNS: "NAME TYPE OUTCOME" or "NAME TYPE answer" with records as "mx:10:host", "a:1.2.3.4",
 * "cname:host"; a CNAME moves the owner name of the records behind it. Ends with NULL. */
typedef const char *const *World;

static DnsRecord parse_record(const char *owner, const char *text)
{
    g_auto(GStrv) parts = g_strsplit(text, ":", 3);
    if (strcmp(parts[0], "mx") == 0)
        return dns_record_mx(owner, 60, (uint16_t)g_ascii_strtoull(parts[1], NULL, 10), parts[2]);
    if (strcmp(parts[0], "cname") == 0)
        return dns_record_host(owner, DNS_TYPE_CNAME, 60, parts[1]);
    Ipv4Address address = 0;
    assert_string_equal(parts[0], "a");
    assert_true(ipv4_parse(parts[1], &address));
    return dns_record_a(owner, 60, address);
}

static DnsOutcome parse_outcome(const char *text)
{
    for (DnsOutcome outcome = 0; outcome < DNS_OUTCOME_COUNT; outcome++) {
        if (strcmp(dns_outcome_name(outcome), text) == 0)
            return outcome;
    }
    fail_msg("no outcome: %s", text);
    return DNS_OUTCOME_COUNT;
}

static const char *find_line(World world, const char *prefix)
{
    for (; *world; world++) {
        if (g_str_has_prefix(*world, prefix))
            return *world + strlen(prefix);
    }
    return "nodata";
}

/* Answers the question as the world has it. */
static void answer(MailRoute *route, World world, const MailRouteQuestion *question)
{
    g_autofree char *prefix =
        g_strdup_printf("%s %s ", question->name, question->type == DNS_TYPE_MX ? "MX" : "A");
    g_auto(GStrv) words = g_strsplit(find_line(world, prefix), " ", -1);
    g_autoptr(GArray) records = dns_records_new();
    g_autofree char *owner = g_strdup(question->name);
    for (char **word = words + 1; *word; word++) {
        DnsRecord record = parse_record(owner, *word);
        if (record.type == DNS_TYPE_CNAME) {
            g_free(owner);
            owner = g_strdup(record.host);
        }
        g_array_append_val(records, record);
    }
    mail_route_answer(route, question->token,
                      &(DnsAnswer){.outcome = parse_outcome(words[0]),
                                   .records = (const DnsRecord *)(const void *)records->data,
                                   .record_count = records->len});
}

static void append_result(GString *text, const MailRoute *route)
{
    if (mail_route_result(route) != MAIL_ROUTE_HOSTS) {
        const MailRouteStatus *status = mail_route_status(mail_route_result(route));
        g_string_append_printf(text, "%u %s", status->reply, status->enhanced);
        assert_int_equal(mail_route_host_count(route), 0);
    }
    for (size_t i = 0; i < mail_route_host_count(route); i++) {
        MailRouteHost host = mail_route_peek_host(route, i);
        char address[IPV4_TEXT_SIZE];
        g_string_append_printf(text, "%s%u %s", i > 0 ? ", " : "", host.preference, host.name);
        for (size_t j = 0; j < host.address_count; j++)
            g_string_append_printf(text, " %s", ipv4_format(host.addresses[j], address));
    }
}

/* Runs a route to its end. The text: "asked NAME TYPE; ...; RESULT". */
/* Walks the route to its end; the questions are appended to `text`. To free. */
static MailRoute *walk(World world, const char *domain, uint64_t draw, GString *text)
{
    static const char *const own_names[] = {"We.example", "us.example"};
    static const Ipv4Address own_addresses[] = {0x09090909};
    const MailRouteOptions options = {.domain = domain,
                                      .own_names = own_names,
                                      .own_name_count = 2,
                                      .own_addresses = own_addresses,
                                      .own_address_count = 1,
                                      .draw = draw};
    MailRoute *route = mail_route_new(&options);
    MailRouteQuestion question;
    while (mail_route_peek_question(route, &question)) {
        assert_int_equal(mail_route_result(route), MAIL_ROUTE_PENDING);
        assert_int_equal(mail_route_host_count(route), 0);
        g_string_append_printf(text, "%s %s; ", question.name,
                               question.type == DNS_TYPE_MX ? "MX" : "A");
        answer(route, world, &question);
    }
    assert_int_equal(mail_route_state(route), MAIL_ROUTE_STATE_FINISHED);
    return route;
}

static char *run(World world, const char *domain, uint64_t draw)
{
    GString *text = g_string_new(NULL);
    g_autoptr(MailRoute) route = walk(world, domain, draw, text);
    append_result(text, route);
    return g_string_free(text, FALSE);
}

static void assert_route(World world, const char *domain, const char *expected)
{
    g_autofree char *text = run(world, domain, 0);
    assert_string_equal(text, expected);
}

static void assert_result(World world, const char *domain, MailRouteResult result)
{
    g_autoptr(GString) text = g_string_new(NULL);
    g_autoptr(MailRoute) route = walk(world, domain, 0, text);
    assert_int_equal(mail_route_result(route), result);
}

#define WORLD(...)                                                                                 \
    (const char *const[])                                                                          \
    {                                                                                              \
        __VA_ARGS__, NULL                                                                          \
    }

static void test_exchanges_in_order_of_preference(void **state)
{
    (void)state;
    World world =
        WORLD("a.example MX answer mx:20:two.example mx:10:one.example",
              "one.example A answer a:1.1.1.1 a:1.1.1.2", "two.example A answer a:2.2.2.2");
    assert_route(world, "A.Example",
                 "a.example MX; one.example A; two.example A; "
                 "10 one.example 1.1.1.1 1.1.1.2, 20 two.example 2.2.2.2");
}

static void test_implicit_exchange(void **state)
{
    (void)state;
    World world = WORLD("a.example A answer a:1.1.1.1", "b.example A nodata",
                        "c.example A nxdomain", "d.example A timeout");
    assert_route(world, "a.example", "a.example MX; a.example A; 0 a.example 1.1.1.1");
    assert_route(world, "b.example", "b.example MX; b.example A; 550 5.4.4");
    assert_route(world, "c.example", "c.example MX; c.example A; 550 5.4.4");
    assert_route(world, "d.example", "d.example MX; d.example A; 451 4.4.3");
    assert_route(world, "we.example", "we.example MX; 554 5.4.6");
    /* An answer without a record is the same as no data. */
    assert_route(WORLD("a.example MX answer", "a.example A answer a:1.1.1.1"), "a.example",
                 "a.example MX; a.example A; 0 a.example 1.1.1.1");
}

static void test_failures_of_the_domain(void **state)
{
    (void)state;
    World world =
        WORLD("no.example MX nxdomain", "broken.example MX servfail", "mute.example MX timeout",
              "null.example MX answer mx:0:.", "odd.example MX answer mx:0:. mx:5:h.example",
              "h.example A answer a:1.1.1.1");
    assert_route(world, "no.example", "no.example MX; 550 5.1.2");
    assert_route(world, "broken.example", "broken.example MX; 451 4.4.3");
    assert_route(world, "mute.example", "mute.example MX; 451 4.4.3");
    assert_route(world, "null.example", "null.example MX; 556 5.1.10");
    assert_route(world, "odd.example", "odd.example MX; h.example A; 5 h.example 1.1.1.1");
    assert_route(world, "a..example", "550 5.1.2");
}

static void test_failures_of_exchanges(void **state)
{
    (void)state;
    World world = WORLD("a.example MX answer mx:1:gone.example mx:2:broken.example mx:3:h.example",
                        "gone.example A nxdomain", "broken.example A servfail",
                        "h.example A answer a:1.1.1.1",
                        "b.example MX answer mx:1:gone.example mx:2:empty.example",
                        "c.example MX answer mx:1:gone.example mx:2:broken.example");
    assert_route(world, "a.example",
                 "a.example MX; gone.example A; broken.example A; h.example A; "
                 "3 h.example 1.1.1.1");
    assert_route(world, "b.example", "b.example MX; gone.example A; empty.example A; 550 5.4.4");
    assert_route(world, "c.example", "c.example MX; gone.example A; broken.example A; 451 4.4.3");
}

static void test_we_are_in_the_list(void **state)
{
    (void)state;
    World world = WORLD(
        ("a.example MX answer mx:10:one.example mx:20:us.example mx:20:two.example "
         "mx:30:three.example"),
        "one.example A answer a:1.1.1.1", "b.example MX answer mx:10:us.example mx:20:one.example",
        "c.example MX answer mx:10:one.example mx:20:alias.example mx:30:x.example",
        "alias.example A answer a:8.8.8.8 a:9.9.9.9",
        "d.example MX answer mx:10:alias.example mx:20:one.example",
        "e.example MX answer mx:10:broken.example mx:20:us.example", "broken.example A servfail");
    assert_route(world, "a.example", "a.example MX; one.example A; 10 one.example 1.1.1.1");
    assert_route(world, "b.example", "b.example MX; 554 5.4.6");
    /* Known by address only: seen when the address is. */
    assert_route(world, "c.example",
                 "c.example MX; one.example A; alias.example A; 10 one.example 1.1.1.1");
    assert_route(world, "d.example", "d.example MX; alias.example A; 554 5.4.6");
    /* Whoever is preferred to us may come back. */
    assert_route(world, "e.example", "e.example MX; broken.example A; 451 4.4.3");
}

static void test_aliases(void **state)
{
    (void)state;
    World world = WORLD(
        "www.example MX answer cname:a.example mx:10:h.example",
        "h.example A answer cname:real.example a:1.1.1.1",
        /* Followed by us when the resolver did not. */
        "far.example MX answer cname:there.test", "there.test MX answer mx:10:far-host.example",
        "far-host.example A answer cname:host.test", "host.test A answer a:2.2.2.2",
        /* An implicit exchange is that of the name at the end. */
        "bare.example MX nodata cname:b.example", "b.example A answer a:3.3.3.3",
        "lost.example MX nxdomain cname:no.example",
        "round.example MX answer cname:round2.example cname:round.example",
        "ring.example MX alias-loop", /* the resolver has seen it itself */
        "ping.example MX answer cname:pong.example", "pong.example MX answer cname:ping.example");
    assert_route(world, "www.example", "www.example MX; h.example A; 10 h.example 1.1.1.1");
    assert_route(world, "far.example",
                 "far.example MX; there.test MX; far-host.example A; host.test A; "
                 "10 far-host.example 2.2.2.2");
    assert_route(world, "bare.example", "bare.example MX; b.example A; 0 b.example 3.3.3.3");
    assert_route(world, "lost.example", "lost.example MX; 550 5.1.2");
    assert_route(world, "round.example", "round.example MX; 451 4.4.3");
    assert_route(world, "ring.example", "ring.example MX; 451 4.4.3");
    g_autofree char *text = run(world, "ping.example", 0);
    assert_true(g_str_has_suffix(text, "; 451 4.4.3"));
    g_auto(GStrv) steps = g_strsplit(text, "; ", -1);
    assert_int_equal(g_strv_length(steps), DNS_CHAIN_MAX + 2);
}

/* Aliases that do not end are told apart from a failure that passes: someone has to mend them. */
static void test_loops_have_a_reason_of_their_own(void **state)
{
    (void)state;
    World world = WORLD(
        "round.example MX answer cname:round2.example cname:round.example",
        "ring.example MX alias-loop", "broken.example MX servfail",
        "ping.example MX answer cname:pong.example", "pong.example MX answer cname:ping.example",
        "far.example MX answer mx:10:ring.test", "ring.test A alias-loop",
        "both.example MX answer mx:10:ring.test mx:20:mute.test", "mute.test A timeout");
    assert_result(world, "round.example", MAIL_ROUTE_ALIAS_LOOP);
    assert_result(world, "ring.example", MAIL_ROUTE_ALIAS_LOOP);
    assert_result(world, "ping.example", MAIL_ROUTE_ALIAS_LOOP);
    assert_result(world, "far.example", MAIL_ROUTE_ALIAS_LOOP);
    assert_result(world, "broken.example", MAIL_ROUTE_LOOKUP_FAILED);
    assert_result(world, "both.example", MAIL_ROUTE_LOOKUP_FAILED);
    assert_string_equal(mail_route_status(MAIL_ROUTE_ALIAS_LOOP)->text,
                        "the name's aliases (CNAME) lead in circles and to no host");
}

static void test_address_literals(void **state)
{
    (void)state;
    World world = WORLD("x A nodata");
    assert_route(world, "[192.0.2.1]", "0 [192.0.2.1] 192.0.2.1");
    assert_route(world, "[9.9.9.9]", "554 5.4.6");
    static const char *const unusable[] = {
        "[", "[]", "[192.0.2.1", "[192.0.2.1]x", "[192.0.2]", "[IPv6:2001:db8::1]"};
    for (size_t i = 0; i < G_N_ELEMENTS(unusable); i++)
        assert_route(world, unusable[i], "550 5.1.2");
}

/* Every order of three equals comes of some draw, equally often over six draws; the others stay
 * where they are. The order of the records in the answer does not count. */
static void test_equals_are_drawn(void **state)
{
    (void)state;
    World world = WORLD("a.example MX answer mx:5:x mx:5:y mx:5:z mx:9:last mx:1:first",
                        "b.example MX answer mx:9:last mx:5:z mx:1:first mx:5:x mx:5:y",
                        "first A answer a:1.0.0.1", "last A answer a:1.0.0.2",
                        "x A answer a:1.0.0.3", "y A answer a:1.0.0.4", "z A answer a:1.0.0.5");
    g_autoptr(GHashTable) orders = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    for (uint64_t draw = 0; draw < 6; draw++) {
        g_autofree char *one = run(world, "a.example", draw);
        g_autofree char *other = run(world, "b.example", draw);
        char *order = g_strdup(strrchr(one, ';'));
        assert_string_equal(order, strrchr(other, ';'));
        assert_true(g_str_has_prefix(order, "; 1 first"));
        assert_true(g_str_has_suffix(order, "9 last 1.0.0.2"));
        g_hash_table_add(orders, order);
    }
    assert_int_equal(g_hash_table_size(orders), 6);
}

static void test_hosts_and_addresses_are_bounded(void **state)
{
    (void)state;
    g_autoptr(GString) mx = g_string_new("a.example MX answer");
    for (int i = 0; i < 30; i++)
        g_string_append_printf(mx, " mx:%d:h%02d", 30 - i, i);
    g_string_append(mx, " mx:99:h29"); /* named twice: counts at the better preference */
    g_autofree char *text = run(WORLD(mx->str, "h29 A answer a:1.1.1.1"), "a.example", 0);
    g_auto(GStrv) steps = g_strsplit(text, "; ", -1);
    assert_int_equal(g_strv_length(steps), 1 + MAIL_ROUTE_HOSTS_MAX + 1);
    assert_string_equal(steps[MAIL_ROUTE_HOSTS_MAX + 1], "1 h29 1.1.1.1");

    g_autoptr(GString) a = g_string_new("b.example A answer");
    for (int i = 0; i < 40; i++)
        g_string_append_printf(a, " a:1.1.1.%d", i);
    g_autofree char *many = run(WORLD(a->str), "b.example", 0);
    assert_true(g_str_has_suffix(many, " 1.1.1.31"));
}

/* The tests above walk every cell but those that no outcome leads to; these are here by name. */
static void test_table_has_no_defect(void **state)
{
    (void)state;
    g_autofree char *defect = state_table_find_defect(&mail_route_table);
    assert_null(defect);
    GString *bugs = g_string_new(NULL);
    for (uint8_t from = 0; from < MAIL_ROUTE_STATE_FINISHED; from++) {
        for (uint8_t event = 0; event < mail_route_table.event_count; event++) {
            const StateCell *cell = state_table_cell(&mail_route_table, from, event);
            if (strcmp(mail_route_table.actions[cell->action], "cannot happen") == 0)
                g_string_append_printf(bugs, "%s %s; ", mail_route_table.states[from],
                                       mail_route_table.events[event]);
        }
    }
    assert_string_equal(bugs->str, "asking-mx all-done; asking-addresses null-mx; "
                                   "asking-addresses literal; ");
    g_string_free(bugs, TRUE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_exchanges_in_order_of_preference),
        cmocka_unit_test(test_implicit_exchange),
        cmocka_unit_test(test_failures_of_the_domain),
        cmocka_unit_test(test_failures_of_exchanges),
        cmocka_unit_test(test_loops_have_a_reason_of_their_own),
        cmocka_unit_test(test_we_are_in_the_list),
        cmocka_unit_test(test_aliases),
        cmocka_unit_test(test_address_literals),
        cmocka_unit_test(test_equals_are_drawn),
        cmocka_unit_test(test_hosts_and_addresses_are_bounded),
        cmocka_unit_test(test_table_has_no_defect),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
