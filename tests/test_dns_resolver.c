/* Tests of proto/dns_resolver and proto/dns_cache: a resolver and a zone, hand in hand. */
#include "proto/dns_cache.h"
#include "proto/dns_resolver.h"
#include "proto/dns_zone.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

typedef struct Fixture {
    DnsResolver *resolver;
    DnsZone *zone;
} Fixture;

static void add(DnsZone *zone, DnsRecord record)
{
    assert_true(dns_zone_add(zone, &record));
    dns_record_clear(&record);
}

static int setup(void **state)
{
    Fixture *fixture = g_new0(Fixture, 1);
    fixture->resolver = dns_resolver_new(&(DnsResolverOptions){0});
    fixture->zone = dns_zone_new();
    DnsSoa soa = {.primary = "ns.example", .mailbox = "hostmaster.example", .minimum_s = 300};
    add(fixture->zone, dns_record_soa("example", 3600, &soa));
    add(fixture->zone, dns_record_a("a.example", 60, 1));
    add(fixture->zone, dns_record_mx("a.example", 120, 10, "mail.example"));
    add(fixture->zone, dns_record_host("www.example", DNS_TYPE_CNAME, 30, "a.example"));
    add(fixture->zone, dns_record_host("lost.example", DNS_TYPE_CNAME, 30, "no.example"));
    add(fixture->zone, dns_record_host("away.example", DNS_TYPE_CNAME, 30, "www.test"));
    add(fixture->zone, dns_record_host("x.example", DNS_TYPE_CNAME, 30, "y.example"));
    add(fixture->zone, dns_record_host("y.example", DNS_TYPE_CNAME, 30, "x.example"));
    *state = fixture;
    return 0;
}

static int teardown(void **state)
{
    Fixture *fixture = *state;
    dns_resolver_free(fixture->resolver);
    dns_zone_free(fixture->zone);
    g_free(fixture);
    return 0;
}

/* Drains the events into text, such as "send#1 7 a.example 1; answered#1 answer ...". When `zone`
 * is given, its answers to what is sent come back at once. */
static char *drain(Fixture *fixture, const DnsZone *zone, SimTime now)
{
    GString *text = g_string_new(NULL);
    DnsResolverEvent event;
    while (dns_resolver_next_event(fixture->resolver, &event)) {
        g_string_append(text, text->len > 0 ? "; " : "");
        if (event.kind == DNS_RESOLVER_SEND) {
            uint8_t response[DNS_DATAGRAM_MAX];
            size_t length = 0;
            g_string_append_printf(text, "send#%u", event.attempt);
            if (zone && dns_zone_answer_datagram(zone, event.datagram, response, &length))
                assert_int_equal(
                    dns_resolver_receive(fixture->resolver, span_of(response, length), now),
                    DNS_RECEIVED_ANSWER);
            continue;
        }
        g_string_append_printf(text, "%s%s", event.is_from_cache ? "cached " : "",
                               dns_outcome_name(event.answer.outcome));
        g_autofree char *records = dns_answer_format(&event.answer);
        if (records != NULL)
            g_string_append_printf(text, " %s", records);
    }
    return g_string_free(text, FALSE);
}

static void assert_drains(Fixture *fixture, const DnsZone *zone, SimTime now, const char *expected)
{
    g_autofree char *text = drain(fixture, zone, now);
    assert_string_equal(text, expected);
}

static void assert_ask(Fixture *fixture, const char *name, uint16_t type, SimTime now,
                       const char *expected)
{
    assert_true(dns_resolver_ask(fixture->resolver, name, type, 7, now) != 0);
    assert_drains(fixture, fixture->zone, now, expected);
}

static void test_asks_once_and_remembers(void **state)
{
    Fixture *f = *state;
    assert_ask(f, "A.Example.", DNS_TYPE_A, 0, "send#1; answer a.example. 60 IN A 0.0.0.1");
    assert_int_equal(dns_resolver_deadline(f->resolver), SIM_NEVER);
    assert_ask(f, "a.example", DNS_TYPE_A, 0, "cached answer a.example. 60 IN A 0.0.0.1");
    /* What remains is whole seconds, rounded down. */
    assert_ask(f, "a.example", DNS_TYPE_A, 1, "cached answer a.example. 59 IN A 0.0.0.1");
    assert_ask(f, "a.example", DNS_TYPE_A, 10 * SIM_SECOND,
               "cached answer a.example. 50 IN A 0.0.0.1");
    assert_ask(f, "a.example", DNS_TYPE_A, 60 * SIM_SECOND - 1,
               "cached answer a.example. 0 IN A 0.0.0.1");
    assert_ask(f, "a.example", DNS_TYPE_A, 60 * SIM_SECOND,
               "send#1; answer a.example. 60 IN A 0.0.0.1");
    dns_resolver_flush(f->resolver);
    assert_ask(f, "a.example", DNS_TYPE_A, 60 * SIM_SECOND,
               "send#1; answer a.example. 60 IN A 0.0.0.1");
}

static void test_asks_the_cache_alone(void **state)
{
    Fixture *f = *state;
    assert_int_equal(dns_resolver_ask_cache(f->resolver, "a.example", DNS_TYPE_A, 0), 0);
    assert_drains(f, f->zone, 0, "");
    uint64_t first = dns_resolver_ask(f->resolver, "a.example", DNS_TYPE_A, 7, 0);
    assert_drains(f, f->zone, 0, "send#1; answer a.example. 60 IN A 0.0.0.1");
    assert_int_equal(dns_resolver_ask_cache(f->resolver, "a.example", DNS_TYPE_A, 0), first + 1);
    assert_drains(f, f->zone, 0, "cached answer a.example. 60 IN A 0.0.0.1");
    assert_int_equal(dns_resolver_ask_cache(f->resolver, "a.example", DNS_TYPE_MX, 0), 0);
    assert_int_equal(dns_resolver_ask_cache(f->resolver, "a.example", DNS_TYPE_A, 60 * SIM_SECOND),
                     0);
}

/* A cached record outlives its change at the name server, and the event says since when. */
static void test_stale_answers_show_their_age(void **state)
{
    Fixture *f = *state;
    assert_ask(f, "a.example", DNS_TYPE_A, SIM_SECOND, "send#1; answer a.example. 60 IN A 0.0.0.1");
    DnsRecord moved = dns_record_a("a.example", 60, 2);
    assert_true(dns_zone_set(f->zone, "a.example", DNS_TYPE_A, &moved, 1));
    dns_record_clear(&moved);
    uint64_t token = dns_resolver_ask(f->resolver, "a.example", DNS_TYPE_A, 7, 5 * SIM_SECOND);
    DnsResolverEvent event;
    assert_true(dns_resolver_next_event(f->resolver, &event));
    assert_int_equal(event.token, token);
    assert_true(event.is_from_cache);
    assert_int_equal(event.answer.records[0].address, 1);
    assert_int_equal(event.cached_at, SIM_SECOND);
    assert_int_equal(event.expires_at, 61 * SIM_SECOND);
    assert_false(dns_resolver_next_event(f->resolver, &event));
    assert_ask(f, "a.example", DNS_TYPE_A, 61 * SIM_SECOND,
               "send#1; answer a.example. 60 IN A 0.0.0.2");
}

static void test_remembers_no(void **state)
{
    Fixture *f = *state;
    assert_ask(f, "no.example", DNS_TYPE_A, 0, "send#1; nxdomain");
    /* A name that does not exist has no records of any type (RFC 2308 §5). */
    assert_ask(f, "no.example", DNS_TYPE_MX, 299 * SIM_SECOND, "cached nxdomain");
    assert_ask(f, "no.example", DNS_TYPE_MX, 300 * SIM_SECOND, "send#1; nxdomain");
    assert_ask(f, "a.example", DNS_TYPE_TXT, 0, "send#1; nodata");
    assert_ask(f, "a.example", DNS_TYPE_TXT, 299 * SIM_SECOND, "cached nodata");
    assert_ask(f, "a.example", DNS_TYPE_A, 0, "send#1; answer a.example. 60 IN A 0.0.0.1");
}

static void test_follows_aliases(void **state)
{
    Fixture *f = *state;
    assert_ask(f, "www.example", DNS_TYPE_MX, 0,
               "send#1; answer www.example. 30 IN CNAME a.example.; "
               "a.example. 120 IN MX 10 mail.example.");
    assert_ask(f, "www.example", DNS_TYPE_MX, 29 * SIM_SECOND,
               "cached answer www.example. 1 IN CNAME a.example.; "
               "a.example. 91 IN MX 10 mail.example.");
    /* The shortest TTL of the chain counts. */
    assert_ask(f, "www.example", DNS_TYPE_MX, 30 * SIM_SECOND,
               "send#1; answer www.example. 30 IN CNAME a.example.; "
               "a.example. 120 IN MX 10 mail.example.");
    assert_ask(f, "www.example", DNS_TYPE_CNAME, 0,
               "send#1; answer www.example. 30 IN CNAME a.example.");
    assert_ask(f, "lost.example", DNS_TYPE_A, 0,
               "send#1; nxdomain lost.example. 30 IN CNAME no.example.");
    assert_ask(f, "lost.example", DNS_TYPE_CNAME, 0,
               "send#1; answer lost.example. 30 IN CNAME no.example.");
    assert_ask(f, "away.example", DNS_TYPE_A, 0,
               "send#1; answer away.example. 30 IN CNAME www.test.");
    assert_ask(f, "x.example", DNS_TYPE_A, 0,
               "send#1; alias-loop x.example. 30 IN CNAME y.example.; "
               "y.example. 30 IN CNAME x.example.");
}

static void test_failures_are_not_remembered(void **state)
{
    Fixture *f = *state;
    dns_zone_fail(f->zone, "a.example", DNS_ZONE_FAILURE_SERVFAIL);
    assert_ask(f, "a.example", DNS_TYPE_A, 0, "send#1; servfail");
    assert_ask(f, "host.test", DNS_TYPE_A, 0, "send#1; servfail"); /* REFUSED */
    dns_zone_fail(f->zone, "a.example", DNS_ZONE_FAILURE_NONE);
    assert_ask(f, "a.example", DNS_TYPE_A, 0, "send#1; answer a.example. 60 IN A 0.0.0.1");
}

static void test_tries_again_and_gives_up(void **state)
{
    Fixture *f = *state;
    dns_zone_fail(f->zone, "a.example", DNS_ZONE_FAILURE_TIMEOUT);
    assert_ask(f, "a.example", DNS_TYPE_A, 0, "send#1");
    assert_int_equal(dns_resolver_deadline(f->resolver), 5 * SIM_SECOND);
    dns_resolver_time_out(f->resolver, 5 * SIM_SECOND - 1);
    assert_drains(f, NULL, 0, "");
    dns_resolver_time_out(f->resolver, 5 * SIM_SECOND);
    assert_drains(f, f->zone, 5 * SIM_SECOND, "send#2");
    assert_int_equal(dns_resolver_deadline(f->resolver), 10 * SIM_SECOND);
    dns_resolver_time_out(f->resolver, 10 * SIM_SECOND);
    assert_drains(f, f->zone, 10 * SIM_SECOND, "timeout");
    assert_int_equal(dns_resolver_deadline(f->resolver), SIM_NEVER);
    /* The second attempt may succeed. */
    assert_ask(f, "a.example", DNS_TYPE_A, 20 * SIM_SECOND, "send#1");
    dns_zone_fail(f->zone, "a.example", DNS_ZONE_FAILURE_NONE);
    dns_resolver_time_out(f->resolver, 25 * SIM_SECOND);
    assert_drains(f, f->zone, 25 * SIM_SECOND, "send#2; answer a.example. 60 IN A 0.0.0.1");
}

static void test_asks_for_the_same_share_a_query(void **state)
{
    Fixture *f = *state;
    DnsResolverEvent event;
    uint64_t first = dns_resolver_ask(f->resolver, "a.example", DNS_TYPE_A, 7, 0);
    uint64_t other = dns_resolver_ask(f->resolver, "no.example", DNS_TYPE_A, 8, 1);
    uint64_t second = dns_resolver_ask(f->resolver, "a.example", DNS_TYPE_A, 9, 2);
    assert_drains(f, NULL, 0, "send#1; send#1");
    assert_int_equal(dns_resolver_deadline(f->resolver), 5 * SIM_SECOND);
    dns_resolver_time_out(f->resolver, 5 * SIM_SECOND + 1);
    assert_drains(f, NULL, 0, "send#2; send#2");
    dns_resolver_time_out(f->resolver, 11 * SIM_SECOND);
    const uint64_t expected[] = {first, second, other};
    for (size_t i = 0; i < G_N_ELEMENTS(expected); i++) {
        assert_true(dns_resolver_next_event(f->resolver, &event));
        assert_int_equal(event.token, expected[i]);
        assert_int_equal(event.answer.outcome, DNS_OUTCOME_TIMEOUT);
    }
    assert_false(dns_resolver_next_event(f->resolver, &event));
}

static void test_believes_only_what_it_asked(void **state)
{
    Fixture *f = *state;
    DnsResolverEvent event;
    uint8_t good[DNS_DATAGRAM_MAX], forged[DNS_DATAGRAM_MAX];
    size_t length = 0;
    dns_resolver_ask(f->resolver, "a.example", DNS_TYPE_A, 0x1234, 0);
    assert_true(dns_resolver_next_event(f->resolver, &event));
    assert_int_equal(event.id, 0x1234);
    assert_true(dns_zone_answer_datagram(f->zone, event.datagram, good, &length));
    static const struct {
        size_t offset;
        uint8_t mask;
        DnsReceived received;
    } changes[] = {
        {1, 1, DNS_RECEIVED_UNASKED},    /* another id */
        {2, 0x80, DNS_RECEIVED_UNASKED}, /* a query */
        {2, 0x08, DNS_RECEIVED_UNASKED}, /* another opcode */
        {13, 1, DNS_RECEIVED_UNASKED},   /* another name */
        {24, 2, DNS_RECEIVED_UNASKED},   /* another type */
        {26, 2, DNS_RECEIVED_UNASKED},   /* another class */
        {7, 2, DNS_RECEIVED_MALFORMED},  /* more answers than there are */
    };
    for (size_t i = 0; i < G_N_ELEMENTS(changes); i++) {
        memcpy(forged, good, length);
        forged[changes[i].offset] ^= changes[i].mask;
        assert_int_equal(dns_resolver_receive(f->resolver, span_of(forged, length), 1),
                         changes[i].received);
        assert_drains(f, NULL, 1, "");
    }
    assert_int_equal(dns_resolver_receive(f->resolver, span_of(good, length), 2),
                     DNS_RECEIVED_ANSWER);
    assert_drains(f, NULL, 2, "answer a.example. 60 IN A 0.0.0.1");
    assert_int_equal(dns_resolver_receive(f->resolver, span_of(good, length), 3),
                     DNS_RECEIVED_UNASKED);
}

/* Sends `message` as the response to a question for a.example A, which it gets with its id. */
static void respond(Fixture *f, DnsMessage *message)
{
    uint8_t datagram[DNS_DATAGRAM_MAX];
    dns_resolver_ask(f->resolver, "a.example", DNS_TYPE_A, 7, 0);
    assert_drains(f, NULL, 0, "send#1");
    message->id = 7;
    message->is_response = true;
    message->question = (DnsQuestion){g_strdup("a.example"), DNS_TYPE_A, DNS_CLASS_IN};
    size_t length = dns_message_encode(message, datagram);
    assert_int_equal(dns_resolver_receive(f->resolver, span_of(datagram, length), 0),
                     DNS_RECEIVED_ANSWER);
    dns_message_clear(message);
}

static void test_odd_responses(void **state)
{
    Fixture *f = *state;
    DnsMessage message;
    dns_message_init(&message);
    message.is_truncated = true;
    dns_message_take(&message, DNS_ANSWER, dns_record_a("a.example", 60, 1));
    respond(f, &message);
    assert_drains(f, NULL, 0, "servfail");
    /* A referral; then nothing at all, which is "no data", not to be remembered. */
    dns_message_init(&message);
    dns_message_take(&message, DNS_AUTHORITY,
                     dns_record_host("example", DNS_TYPE_NS, 60, "ns.example"));
    respond(f, &message);
    assert_drains(f, NULL, 0, "servfail");
    dns_message_init(&message);
    respond(f, &message);
    assert_drains(f, NULL, 0, "nodata");
    /* Records nobody asked for are not believed; a TTL with the highest bit set is 0. */
    dns_message_init(&message);
    dns_message_take(&message, DNS_ANSWER, dns_record_a("b.example", 60, 1));
    dns_message_take(&message, DNS_ANSWER, dns_record_a("a.example", 0x80000000u, 2));
    dns_message_take(&message, DNS_ADDITIONAL, dns_record_a("c.example", 60, 3));
    respond(f, &message);
    assert_drains(f, NULL, 0, "answer a.example. 0 IN A 0.0.0.2");
    dns_message_init(&message);
    dns_message_take(&message, DNS_ANSWER, dns_record_a("a.example", 0, 3));
    respond(f, &message); /* it asks: the last was not remembered */
    assert_drains(f, NULL, 0, "answer a.example. 0 IN A 0.0.0.3");
}

static void test_what_is_no_name_does_not_exist(void **state)
{
    Fixture *f = *state;
    assert_ask(f, "a..example", DNS_TYPE_A, 0, "nxdomain");
    assert_int_equal(dns_resolver_deadline(f->resolver), SIM_NEVER);
}

static void test_open_asks_are_bounded(void **state)
{
    Fixture *f = *state;
    DnsResolverEvent event;
    for (int i = 0; i < DNS_RESOLVER_ASKS_MAX; i++)
        assert_true(dns_resolver_ask(f->resolver, "a.example", DNS_TYPE_A, 7, 0) != 0);
    assert_int_equal(dns_resolver_ask(f->resolver, "a.example", DNS_TYPE_A, 7, 0), 0);
    dns_resolver_time_out(f->resolver, 5 * SIM_SECOND);
    dns_resolver_time_out(f->resolver, 10 * SIM_SECOND);
    while (dns_resolver_next_event(f->resolver, &event))
        ;
    assert_true(dns_resolver_ask(f->resolver, "a.example", DNS_TYPE_A, 7, 0) != 0);
}

/* --- the cache alone --------------------------------------------------------------------- */

static bool cache_has(DnsCache *cache, const char *name, SimTime now)
{
    return dns_cache_find(cache, name, DNS_TYPE_A, now) != NULL;
}

static void cache_put(DnsCache *cache, const char *name, uint32_t ttl_s)
{
    DnsFinding *finding = dns_finding_new(name, DNS_OUTCOME_NODATA, 0, NULL, 0);
    finding->expires_at = ttl_s * SIM_SECOND;
    dns_cache_put(cache, DNS_TYPE_A, finding);
    dns_finding_unref(finding);
}

static void test_cache_drops_the_least_recently_used(void **state)
{
    (void)state;
    DnsCache *cache = dns_cache_new(3);
    cache_put(cache, "a", 10);
    cache_put(cache, "b", 10);
    cache_put(cache, "c", 10);
    cache_put(cache, "zero", 0);
    assert_true(cache_has(cache, "a", 0));
    cache_put(cache, "d", 10);
    assert_int_equal(dns_cache_count(cache), 3);
    assert_false(cache_has(cache, "b", 0));
    assert_true(cache_has(cache, "a", 0) && cache_has(cache, "c", 0) && cache_has(cache, "d", 0));
    cache_put(cache, "a", 20); /* takes the place of the older one */
    assert_int_equal(dns_cache_count(cache), 3);
    assert_true(cache_has(cache, "a", 19 * SIM_SECOND));
    assert_false(cache_has(cache, "c", 10 * SIM_SECOND));
    assert_int_equal(dns_cache_count(cache), 2);
    dns_cache_flush(cache);
    assert_int_equal(dns_cache_count(cache), 0);
    cache_put(cache, "a", 10);
    assert_true(cache_has(cache, "a", 0));
    dns_cache_free(cache);
}

/* However often others are used, and however many come, one that is used again and again stays. */
static void test_cache_keeps_what_is_used(void **state)
{
    (void)state;
    enum { MAXIMUM = 40 };
    DnsCache *cache = dns_cache_new(MAXIMUM);
    cache_put(cache, "a", 10);
    for (int i = 0; i < 20 * MAXIMUM; i++) {
        g_autofree char *name = g_strdup_printf("n%d", i);
        cache_put(cache, name, 10);
        assert_true(cache_has(cache, "a", 0) && cache_has(cache, name, 0));
        g_autofree char *old = g_strdup_printf("n%d", i - 2 * MAXIMUM);
        assert_false(cache_has(cache, old, 0));
        assert_int_equal(dns_cache_count(cache), MIN(i + 2, MAXIMUM));
    }
    for (int i = 0; i < 20 * MAXIMUM; i++) {
        g_autofree char *name = g_strdup_printf("m%d", i);
        cache_put(cache, name, 10);
        if (i % 8 == 0)
            assert_true(cache_has(cache, "a", 0));
    }
    dns_cache_free(cache);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_asks_once_and_remembers, setup, teardown),
        cmocka_unit_test_setup_teardown(test_asks_the_cache_alone, setup, teardown),
        cmocka_unit_test_setup_teardown(test_stale_answers_show_their_age, setup, teardown),
        cmocka_unit_test_setup_teardown(test_remembers_no, setup, teardown),
        cmocka_unit_test_setup_teardown(test_follows_aliases, setup, teardown),
        cmocka_unit_test_setup_teardown(test_failures_are_not_remembered, setup, teardown),
        cmocka_unit_test_setup_teardown(test_tries_again_and_gives_up, setup, teardown),
        cmocka_unit_test_setup_teardown(test_asks_for_the_same_share_a_query, setup, teardown),
        cmocka_unit_test_setup_teardown(test_believes_only_what_it_asked, setup, teardown),
        cmocka_unit_test_setup_teardown(test_odd_responses, setup, teardown),
        cmocka_unit_test_setup_teardown(test_what_is_no_name_does_not_exist, setup, teardown),
        cmocka_unit_test_setup_teardown(test_open_asks_are_bounded, setup, teardown),
        cmocka_unit_test(test_cache_keeps_what_is_used),
        cmocka_unit_test(test_cache_drops_the_least_recently_used),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
