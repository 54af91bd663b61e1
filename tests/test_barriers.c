/* Firewalls and NAT through whole runs: what they do to mail, that the trace names them as what
 * decided it, and that both can change while the run goes on. */
#include "scenario_play.h"

#define WORLD(network, timeline)                                                                   \
    "mailsim: 1\n"                                                                                 \
    "network:\n"                                                                                   \
    "  routers: [core, edge]\n"                                                                    \
    "  links: [{between: [core, edge]}]\n" network "servers:\n"                                    \
    "  mx.a.test: {domains: [a.test], users: {alice: {}}, router: edge, "                          \
    "retry: {intervals: [10 min], lifetime: 2 h}}\n"                                               \
    "  mx.b.test: {domains: [b.test], users: {bob: {}}}\n"                                         \
    "people:\n"                                                                                    \
    "  alice: {address: alice@a.test, agents: {laptop: {router: edge}}}\n"                         \
    "mails:\n"                                                                                     \
    "  lunch: {from: alice, to: [bob@b.test], subject: \"Lunch?\", body: \"Noon?\"}\n"             \
    "timeline:\n"                                                                                  \
    "  - {at: 1 s, do: send, mail: lunch}\n" timeline
#define RULE(rule) "  firewall: [{" rule "}]\n"

/* The first attempt fails like this, and the host's record of that kind is why. */
static void assert_stopped(const char *text, const char *reason, const char *kind, const char *host)
{
    Played played = play(text);
    const Record *failed = played_find(&played, "tcp.failed", "host=mx.a.test");
    const Record *defer = played_find(&played, "queue.defer", "mail=lunch");
    g_autofree char *conditions = g_strdup_printf("host=%s", host);
    assert_string_equal(record_text(defer, "reason"), reason);
    assert_because(&played, failed, kind, conditions);
    assert_because(&played, defer, kind, conditions);
    played_end(&played);
}

static void test_a_firewall_on_the_way(void **state)
{
    (void)state;
    assert_stopped(WORLD(RULE("host: edge, action: drop, port: 25"), ""), "connection timed out",
                   "firewall.set", "edge");
    assert_stopped(WORLD(RULE("host: edge, action: reset, port: 25"), ""), "connection refused",
                   "firewall.set", "edge");
    assert_stopped(WORLD(RULE("host: core, action: reject, port: 25, from: [mx.a.test]"), ""),
                   "host unreachable", "firewall.set", "core");
}

/* A machine's own: what it sends, and what comes to it. */
static void test_a_firewall_of_a_machine(void **state)
{
    (void)state;
    assert_stopped(WORLD(RULE("host: mx.a.test, action: drop, port: 25"), ""),
                   "connection timed out", "firewall.set", "mx.a.test");
    assert_stopped(WORLD(RULE("host: mx.b.test, action: drop, port: 25, from: [mx.a.test]"), ""),
                   "connection timed out", "firewall.set", "mx.b.test");
}

/* The answers are stopped, not what is answered. */
static void test_a_firewall_on_the_way_back(void **state)
{
    (void)state;
    assert_stopped(WORLD(RULE("host: core, action: drop, from: [mx.b.test], to: [mx.a.test]"), ""),
                   "connection timed out", "firewall.set", "core");
}

static void test_rules_that_let_it_pass(void **state)
{
    (void)state;
    Played played = play(WORLD("  firewall:\n"
                               "    - {host: edge, action: allow, port: 25, from: [mx.a.test]}\n"
                               "    - {host: edge, action: drop, port: 25}\n",
                               ""));
    const Record *set = played_find(&played, "firewall.set", "host=edge");
    assert_string_equal(record_text(set, "rules"),
                        "allow tcp to port 25 from 198.18.0.2; drop tcp to port 25");
    assert_int_equal(played_count(&played, "mail.delivered", "recipient=bob@b.test"), 1);
    played_end(&played);
}

/* Names are asked for by UDP. */
static void test_a_firewall_before_the_name_server(void **state)
{
    (void)state;
    Played played = play(WORLD(RULE("host: edge, action: drop, protocol: udp, port: 53, "
                                    "from: [mx.a.test]"),
                               ""));
    const Record *defer = played_find(&played, "queue.defer", "mail=lunch");
    assert_because(&played, defer, "firewall.set", "host=edge");
    played_end(&played);
}

/* It is set while the run goes on, and lifted again. */
static void test_rules_change(void **state)
{
    (void)state;
    Played played = play(WORLD("", "  - {at: 0 s, do: set_firewall, host: edge, "
                                   "rules: [{action: drop, port: 25}]}\n"
                                   "  - {at: 15 min, do: set_firewall, host: edge, rules: []}\n"));
    const Record *set = played_find(&played, "firewall.set", "host=edge");
    assert_because(&played, set, "timeline.action", "do=set_firewall subject=edge");
    const Record *lifted = played_find_after(&played, set, "firewall.set", "host=edge rules=none");
    assert_non_null(lifted);
    const Record *defer = played_find(&played, "queue.defer", "mail=lunch");
    assert_int_equal(record_number(defer, "because"), record_number(set, "seq"));
    const Record *delivered = played_find(&played, "mail.delivered", "recipient=bob@b.test");
    assert_in_range(record_time(delivered), 20 * SIM_MINUTE, 22 * SIM_MINUTE);
    played_end(&played);
}

/* An established connection falls silent when the rule comes. */
static void test_a_rule_cuts_a_connection(void **state)
{
    (void)state;
    Played played =
        play(WORLD("", "  - {when: {host: mx.b.test, machine: smtp-server, enters: DATA}, "
                       "after: 1 us, do: set_firewall, host: core, rules: [{action: drop, "
                       "protocol: any, from: [mx.a.test]}]}\n"
                       "  - {at: 30 min, do: set_firewall, host: core, rules: []}\n"));
    const Record *defer = played_find(&played, "queue.defer", "mail=lunch");
    assert_because(&played, defer, "firewall.set", "host=core");
    assert_int_equal(played_count(&played, "mail.delivered", "recipient=bob@b.test"), 1);
    played_end(&played);
}

/* ---- NAT ---- */

#define HOMES(forward)                                                                             \
    "mailsim: 1\n"                                                                                 \
    "network: {homes: {cottage: {" forward "}, villa: {forward: [{port: 25, to: pc.c.test}]}}}\n"  \
    "servers:\n"                                                                                   \
    "  mx.a.test: {domains: [a.test], users: {alice: {}}, "                                        \
    "retry: {intervals: [10 min], lifetime: 3 h}}\n"                                               \
    "  pc.b.test: {domains: [b.test], users: {bob: {}}, router: cottage}\n"                        \
    "  pc.c.test: {domains: [c.test], users: {carol: {}}, router: villa}\n"                        \
    "people:\n"                                                                                    \
    "  alice: {address: alice@a.test}\n"                                                           \
    "mails:\n"                                                                                     \
    "  first: {from: alice, to: [bob@b.test], subject: \"1\", body: \"1\"}\n"                      \
    "  second: {from: alice, to: [bob@b.test], subject: \"2\", body: \"2\"}\n"                     \
    "timeline:\n"                                                                                  \
    "  - {at: 1 s, do: send, mail: first}\n"
#define FORWARD "forward: [{port: 25, to: pc.b.test}]"

static void test_nobody_gets_in(void **state)
{
    (void)state;
    Played played = play(HOMES(""));
    const Record *address = played_find(&played, "nat.address", "host=cottage");
    assert_null(record_text(address, "forwards"));
    const Record *defer = played_find(&played, "queue.defer", "mail=first");
    assert_string_equal(record_text(defer, "reason"), "connection timed out");
    assert_int_equal(record_number(defer, "because"), record_number(address, "seq"));
    const Record *drop = played_find(&played, "link.drop", "host=cottage");
    assert_string_equal(record_text(drop, "reason"), "no mapping");
    assert_int_equal(record_number(drop, "because"), record_number(address, "seq"));
    played_end(&played);
}

/* The forward leads in, and there the machine is off. */
static void test_a_machine_behind_nat_is_off(void **state)
{
    (void)state;
    Played played = play(HOMES(FORWARD) "  - {at: 0 s, do: power_off, host: pc.b.test}\n"
                                        "  - {at: 1 h, do: restart, host: pc.b.test}\n");
    const Record *address = played_find(&played, "nat.address", "host=cottage");
    assert_string_equal(record_text(address, "forwards"), "25 to pc.b.test");
    assert_because(&played, played_find(&played, "queue.defer", "mail=first"), "host.power_off",
                   "host=pc.b.test");
    assert_int_equal(played_count(&played, "mail.delivered", "mail=first"), 1);
    played_end(&played);
}

#define SECOND "  - {at: 11 min, do: send, mail: second}\n"

/* Caches lead to an address that nobody has: nothing comes back, and the mail waits for the cache
 * to forget. */
static void test_a_new_address(void **state)
{
    (void)state;
    Played played = play(HOMES(FORWARD) "  - {at: 10 min, do: renumber, home: cottage, "
                                        "dns_after: 1 s}\n" SECOND);
    const Record *first = played_find(&played, "nat.address", "host=cottage");
    const Record *moved = played_find_after(&played, first, "nat.address", "host=cottage");
    assert_string_not_equal(record_text(moved, "address"), record_text(first, "address"));
    assert_because(&played, moved, "timeline.action", "do=renumber");
    const Record *set = played_find(&played, "dns.set", "");
    assert_int_equal(record_time(set), 10 * SIM_MINUTE + SIM_SECOND);
    const Record *defer = played_find(&played, "queue.defer", "mail=second");
    assert_int_equal(record_number(defer, "because"), record_number(moved, "seq"));
    const Record *delivered = played_find(&played, "mail.delivered", "mail=second");
    assert_in_range(record_time(delivered), SIM_HOUR, 73 * SIM_MINUTE);
    played_end(&played);
}

/* Or to a stranger, whose server says no for good. */
static void test_a_stranger_has_the_old_address(void **state)
{
    (void)state;
    Played played = play(HOMES(FORWARD) "  - {at: 10 min, do: renumber, home: cottage, "
                                        "old_address_to: villa, dns_after: 1 s}\n" SECOND);
    const Record *old = played_find(&played, "nat.address", "host=cottage");
    const Record *villa = played_find_after(
        &played, played_find(&played, "nat.address", "host=villa"), "nat.address", "host=villa");
    assert_string_equal(record_text(villa, "address"), record_text(old, "address"));
    played_find(&played, "smtp.reply", "host=pc.c.test smtp.response.code=550");
    played_find(&played, "mail.bounced", "mail=second status=5.7.1");
    assert_int_equal(played_count(&played, "dns.set", ""), 2);
    played_end(&played);
}

/* Without dynamic DNS the name keeps the old address, until somebody sets it. */
static void test_without_dynamic_dns(void **state)
{
    (void)state;
    Played played = play(HOMES(FORWARD) "  - {at: 10 min, do: renumber, home: cottage}\n" SECOND);
    assert_int_equal(played_count(&played, "dns.set", ""), 0);
    assert_int_equal(played_count(&played, "mail.delivered", "mail=second"), 0);
    played_find(&played, "mail.bounced", "mail=second");
    played_end(&played);
}

/* From inside, connections go out by the new address at once. */
static void test_out_by_the_new_address(void **state)
{
    (void)state;
    Played played =
        play("mailsim: 1\n"
             "network: {homes: {cottage: {}}}\n"
             "servers: {mx.a.test: {domains: [a.test], users: {alice: {}, bob: {}}}}\n"
             "people: {bob: {address: bob@a.test, agents: {pc: {router: cottage}}}}\n"
             "mails: {note: {from: bob, to: [alice@a.test], subject: \"x\", body: \"x\"}}\n"
             "timeline:\n"
             "  - {at: 1 s, do: send, mail: note, every: 1 h, times: 2}\n"
             "  - {at: 30 min, do: renumber, home: cottage}\n");
    const Record *moved =
        played_find_after(&played, played_find(&played, "nat.address", ""), "nat.address", "");
    g_autofree char *condition =
        g_strdup_printf("direction=out ip.src=%s", record_text(moved, "address"));
    played_find(&played, "nat.translate", condition);
    assert_int_equal(played_count(&played, "mail.delivered", ""), 2);
    played_end(&played);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_firewall_on_the_way),
        cmocka_unit_test(test_a_firewall_of_a_machine),
        cmocka_unit_test(test_a_firewall_on_the_way_back),
        cmocka_unit_test(test_rules_that_let_it_pass),
        cmocka_unit_test(test_a_firewall_before_the_name_server),
        cmocka_unit_test(test_rules_change),
        cmocka_unit_test(test_a_rule_cuts_a_connection),
        cmocka_unit_test(test_nobody_gets_in),
        cmocka_unit_test(test_a_machine_behind_nat_is_off),
        cmocka_unit_test(test_a_new_address),
        cmocka_unit_test(test_a_stranger_has_the_old_address),
        cmocka_unit_test(test_without_dynamic_dns),
        cmocka_unit_test(test_out_by_the_new_address),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
