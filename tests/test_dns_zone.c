/* Tests of proto/dns_zone. */
#include "proto/dns_zone.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

/* Adds a record and releases the caller's. */
static bool add(DnsZone *zone, DnsRecord record)
{
    bool added = dns_zone_add(zone, &record);
    dns_record_clear(&record);
    return added;
}

static void add_apex(DnsZone *zone, const char *name)
{
    DnsSoa soa = {.primary = "ns.example",
                  .mailbox = "hostmaster.example",
                  .serial = 1,
                  .refresh_s = 7200,
                  .retry_s = 600,
                  .expire_s = 86400,
                  .minimum_s = 300};
    assert_true(add(zone, dns_record_soa(name, 3600, &soa)));
}

static int setup(void **state)
{
    DnsZone *zone = dns_zone_new();
    add_apex(zone, "example");
    add_apex(zone, "in-addr.arpa");
    assert_true(add(zone, dns_record_mx("a.example", 60, 20, "backup.example")));
    assert_true(add(zone, dns_record_mx("a.example", 60, 10, "mail.a.example")));
    assert_true(add(zone, dns_record_a("mail.a.example", 60, 0xC6120001)));
    assert_true(add(zone, dns_record_a("mail.a.example", 60, 0xC6120002)));
    assert_true(add(zone, dns_record_a("backup.example", 60, 0xC6120003)));
    assert_true(add(zone, dns_record_a("deep.down.b.example", 60, 0xC6120004)));
    assert_true(add(zone, dns_record_host("www.example", DNS_TYPE_CNAME, 30, "alias.example")));
    assert_true(add(zone, dns_record_host("alias.example", DNS_TYPE_CNAME, 30, "a.example")));
    assert_true(add(zone, dns_record_host("lost.example", DNS_TYPE_CNAME, 30, "no.example")));
    assert_true(add(zone, dns_record_host("away.example", DNS_TYPE_CNAME, 30, "www.test")));
    assert_true(add(zone, dns_record_host("x.example", DNS_TYPE_CNAME, 30, "y.example")));
    assert_true(add(zone, dns_record_host("y.example", DNS_TYPE_CNAME, 30, "x.example")));
    assert_true(
        add(zone, dns_record_host("1.0.18.198.in-addr.arpa", DNS_TYPE_PTR, 60, "mail.a.example")));
    *state = zone;
    return 0;
}

static int teardown(void **state)
{
    dns_zone_free(*state);
    return 0;
}

/* The whole answer as text: rcode, AA, and each section's records; "silence" for none. */
static char *ask(const DnsZone *zone, const char *name, uint16_t type)
{
    static const char *const titles[] = {"", "; authority:", "; additional:"};
    DnsMessage query, response;
    dns_message_init(&query);
    dns_message_init(&response);
    query.question = (DnsQuestion){dns_name_dup(name), type, DNS_CLASS_IN};
    GString *text = g_string_new(NULL);
    if (dns_zone_answer(zone, &query, &response)) {
        g_string_append(text, dns_rcode_name(response.rcode));
        g_string_append(text, response.is_authoritative ? " aa" : "");
        for (DnsSection section = DNS_ANSWER; section < DNS_SECTION_COUNT; section++) {
            if (section > 0 && dns_message_count(&response, section) > 0)
                g_string_append(text, titles[section]);
            for (size_t i = 0; i < dns_message_count(&response, section); i++) {
                g_string_append(text, i > 0 ? ", " : " ");
                dns_record_append(text, dns_message_peek(&response, section, i));
            }
        }
    } else {
        g_string_append(text, "silence");
    }
    dns_message_clear(&query);
    dns_message_clear(&response);
    return g_string_free(text, FALSE);
}

static void assert_answer(const DnsZone *zone, const char *name, uint16_t type,
                          const char *expected)
{
    g_autofree char *text = ask(zone, name, type);
    assert_string_equal(text, expected);
}

/* The negative answers' SOA has the lesser of its TTL and MINIMUM as TTL. */
#define AUTHORITY                                                                                  \
    "; authority: example. 300 IN SOA ns.example. hostmaster.example. 1 7200 600 86400 300"

static void test_answers_what_it_has(void **state)
{
    assert_answer(*state, "MAIL.a.Example", DNS_TYPE_A,
                  "NOERROR aa mail.a.example. 60 IN A 198.18.0.1, "
                  "mail.a.example. 60 IN A 198.18.0.2");
    assert_answer(*state, "1.0.18.198.in-addr.arpa", DNS_TYPE_PTR,
                  "NOERROR aa 1.0.18.198.in-addr.arpa. 60 IN PTR mail.a.example.");
}

static void test_exchanges_bring_their_addresses(void **state)
{
    assert_answer(*state, "a.example", DNS_TYPE_MX,
                  "NOERROR aa a.example. 60 IN MX 20 backup.example., "
                  "a.example. 60 IN MX 10 mail.a.example.; "
                  "additional: backup.example. 60 IN A 198.18.0.3, "
                  "mail.a.example. 60 IN A 198.18.0.1, mail.a.example. 60 IN A 198.18.0.2");
}

static void test_says_no_in_two_ways(void **state)
{
    assert_answer(*state, "nobody.example", DNS_TYPE_MX, "NXDOMAIN aa" AUTHORITY);
    assert_answer(*state, "mail.a.example", DNS_TYPE_MX, "NOERROR aa" AUTHORITY);
    /* A name exists when one below it does. */
    assert_answer(*state, "down.b.example", DNS_TYPE_A, "NOERROR aa" AUTHORITY);
    assert_answer(*state, "up.b.example", DNS_TYPE_A, "NXDOMAIN aa" AUTHORITY);
    assert_answer(*state, "host.test", DNS_TYPE_A, "REFUSED");
}

static void test_follows_aliases(void **state)
{
    assert_answer(*state, "www.example", DNS_TYPE_CNAME,
                  "NOERROR aa www.example. 30 IN CNAME alias.example.");
    assert_answer(*state, "www.example", DNS_TYPE_TXT,
                  "NOERROR aa www.example. 30 IN CNAME alias.example., "
                  "alias.example. 30 IN CNAME a.example." AUTHORITY);
    assert_answer(*state, "lost.example", DNS_TYPE_A,
                  "NXDOMAIN aa lost.example. 30 IN CNAME no.example." AUTHORITY);
    assert_answer(*state, "away.example", DNS_TYPE_A,
                  "NOERROR aa away.example. 30 IN CNAME www.test.");
    assert_answer(*state, "x.example", DNS_TYPE_A,
                  "NOERROR aa x.example. 30 IN CNAME y.example., "
                  "y.example. 30 IN CNAME x.example.");
}

static void test_long_chain_of_aliases_ends(void **state)
{
    char from[32], to[32];
    for (int i = 0; i < 20; i++) {
        g_snprintf(from, sizeof from, "c%d.example", i);
        g_snprintf(to, sizeof to, "c%d.example", i + 1);
        assert_true(add(*state, dns_record_host(from, DNS_TYPE_CNAME, 30, to)));
    }
    g_autofree char *text = ask(*state, "c0.example", DNS_TYPE_A);
    assert_non_null(strstr(text, "c8.example. 30 IN CNAME c9.example."));
    assert_null(strstr(text, "c9.example. 30"));
}

static void test_fails_as_told_and_mends(void **state)
{
    static const char *const good = "NOERROR aa backup.example. 60 IN A 198.18.0.3";
    dns_zone_fail(*state, "Backup.example", DNS_ZONE_FAILURE_SERVFAIL);
    assert_answer(*state, "backup.example", DNS_TYPE_A, "SERVFAIL");
    dns_zone_fail(*state, "backup.example", DNS_ZONE_FAILURE_TIMEOUT);
    assert_answer(*state, "backup.example", DNS_TYPE_A, "silence");
    dns_zone_fail(*state, "backup.example", DNS_ZONE_FAILURE_NXDOMAIN);
    assert_answer(*state, "backup.example", DNS_TYPE_A, "NXDOMAIN aa" AUTHORITY);
    dns_zone_fail(*state, "backup.example", DNS_ZONE_FAILURE_NONE);
    assert_answer(*state, "backup.example", DNS_TYPE_A, good);
    /* A failure at the end of a chain shows at its start. */
    dns_zone_fail(*state, "a.example", DNS_ZONE_FAILURE_SERVFAIL);
    assert_answer(*state, "www.example", DNS_TYPE_MX, "SERVFAIL");
    /* A switch for a name that does not exist does not make it exist. */
    dns_zone_fail(*state, "new.example", DNS_ZONE_FAILURE_TIMEOUT);
    assert_answer(*state, "new.example", DNS_TYPE_A, "silence");
    dns_zone_fail(*state, "new.example", DNS_ZONE_FAILURE_NONE);
    assert_answer(*state, "new.example", DNS_TYPE_A, "NXDOMAIN aa" AUTHORITY);
}

static bool set(DnsZone *zone, DnsRecord record)
{
    bool done = dns_zone_set(zone, record.name, record.type, &record, 1);
    dns_record_clear(&record);
    return done;
}

static void test_records_are_replaced_and_restored(void **state)
{
    g_autofree char *before = ask(*state, "a.example", DNS_TYPE_ANY);
    assert_true(set(*state, dns_record_mx("a.example", 5, 7, "new.example")));
    assert_true(set(*state, dns_record_a("a.example", 5, 9)));
    assert_answer(*state, "a.example", DNS_TYPE_ANY,
                  "NOERROR aa a.example. 5 IN MX 7 new.example., a.example. 5 IN A 0.0.0.9");
    dns_zone_set_ttl(*state, "a.example", 8);
    assert_true(dns_zone_set(*state, "a.example", DNS_TYPE_MX, NULL, 0));
    assert_answer(*state, "a.example", DNS_TYPE_ANY, "NOERROR aa a.example. 8 IN A 0.0.0.9");
    assert_true(set(*state, dns_record_host("a.example", DNS_TYPE_CNAME, 5, "b.example")));
    assert_answer(*state, "a.example", DNS_TYPE_ANY, "NOERROR aa a.example. 5 IN CNAME b.example.");
    assert_true(set(*state, dns_record_a("a.example", 5, 9)));
    assert_answer(*state, "a.example", DNS_TYPE_ANY, "NOERROR aa a.example. 5 IN A 0.0.0.9");
    dns_zone_restore(*state, "a.example");
    assert_answer(*state, "a.example", DNS_TYPE_ANY, before);
    dns_zone_restore(*state, "a.example");
    assert_answer(*state, "a.example", DNS_TYPE_ANY, before);
}

static void test_names_come_and_go_with_their_records(void **state)
{
    assert_true(set(*state, dns_record_a("n.e.w.example", 5, 9)));
    assert_answer(*state, "w.example", DNS_TYPE_A, "NOERROR aa" AUTHORITY);
    dns_zone_restore(*state, "n.e.w.example");
    assert_answer(*state, "w.example", DNS_TYPE_A, "NXDOMAIN aa" AUTHORITY);
    assert_true(dns_zone_set(*state, "backup.example", DNS_TYPE_A, NULL, 0));
    assert_answer(*state, "backup.example", DNS_TYPE_A, "NXDOMAIN aa" AUTHORITY);
}

static void test_refuses_contradictions(void **state)
{
    assert_false(add(*state, dns_record_host("a.example", DNS_TYPE_CNAME, 60, "b.example")));
    assert_false(add(*state, dns_record_a("www.example", 60, 1)));
    assert_false(add(*state, dns_record_host("www.example", DNS_TYPE_CNAME, 30, "b.example")));
    assert_false(add(*state, dns_record_a("backup.example", 61, 1)));
    DnsSoa soa = {.primary = "ns.example", .mailbox = "other.example"};
    assert_false(add(*state, dns_record_soa("example", 60, &soa)));
    /* The same again is no contradiction, and changes nothing. */
    assert_true(add(*state, dns_record_a("backup.example", 60, 0xC6120003)));
    assert_answer(*state, "backup.example", DNS_TYPE_A,
                  "NOERROR aa backup.example. 60 IN A 198.18.0.3");
    DnsRecord two[] = {dns_record_a("backup.example", 60, 1),
                       dns_record_a("backup.example", 61, 2)};
    assert_false(dns_zone_set(*state, "backup.example", DNS_TYPE_A, two, 2));
    assert_answer(*state, "backup.example", DNS_TYPE_A,
                  "NOERROR aa backup.example. 60 IN A 198.18.0.3");
    dns_record_clear(&two[0]);
    dns_record_clear(&two[1]);
}

/* Sends octets and gives the response's flags and rcode, or -1 for silence. */
static int exchange(const DnsZone *zone, const uint8_t *query, size_t length)
{
    uint8_t response[DNS_DATAGRAM_MAX];
    size_t response_length = 0;
    if (!dns_zone_answer_datagram(zone, span_of(query, length), response, &response_length))
        return -1;
    DnsMessage message;
    dns_message_init(&message);
    assert_true(dns_message_decode(span_of(response, response_length), &message));
    assert_int_equal(message.id, query[0] << 8 | query[1]);
    assert_true(message.is_response);
    dns_message_clear(&message);
    return response[2] << 8 | response[3];
}

static void test_datagrams(void **state)
{
    uint8_t query[] = {0x12, 0x34, 0x01, 0,   0,   1,   0,   0,   0, 0, 0, 0, 1, 'a',
                       7,    'e',  'x',  'a', 'm', 'p', 'l', 'e', 0, 0, 1, 0, 1};
    enum { FLAGS = 2, COUNT = 5, CLASS = 26 };
    assert_int_equal(exchange(*state, query, sizeof query), 0x8500);     /* QR AA RD NOERROR */
    assert_int_equal(exchange(*state, query, sizeof query - 1), 0x8101); /* FORMERR */
    assert_int_equal(exchange(*state, query, 11), -1);
    query[COUNT] = 0;
    assert_int_equal(exchange(*state, query, DNS_HEADER_SIZE), 0x8101);
    query[COUNT] = 1;
    query[CLASS] = 3;
    assert_int_equal(exchange(*state, query, sizeof query), 0x8105); /* REFUSED */
    query[CLASS] = 1;
    query[FLAGS] = 0x11;                                             /* opcode 2 */
    assert_int_equal(exchange(*state, query, sizeof query), 0x9104); /* NOTIMP */
    query[FLAGS] = 0x80;
    assert_int_equal(exchange(*state, query, sizeof query), -1);
    query[FLAGS] = 0;
    dns_zone_fail(*state, "a.example", DNS_ZONE_FAILURE_TIMEOUT);
    assert_int_equal(exchange(*state, query, sizeof query), -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_answers_what_it_has, setup, teardown),
        cmocka_unit_test_setup_teardown(test_exchanges_bring_their_addresses, setup, teardown),
        cmocka_unit_test_setup_teardown(test_says_no_in_two_ways, setup, teardown),
        cmocka_unit_test_setup_teardown(test_follows_aliases, setup, teardown),
        cmocka_unit_test_setup_teardown(test_long_chain_of_aliases_ends, setup, teardown),
        cmocka_unit_test_setup_teardown(test_fails_as_told_and_mends, setup, teardown),
        cmocka_unit_test_setup_teardown(test_records_are_replaced_and_restored, setup, teardown),
        cmocka_unit_test_setup_teardown(test_names_come_and_go_with_their_records, setup, teardown),
        cmocka_unit_test_setup_teardown(test_refuses_contradictions, setup, teardown),
        cmocka_unit_test_setup_teardown(test_datagrams, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
