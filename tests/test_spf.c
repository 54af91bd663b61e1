/* SPF (RFC 7208): records, macros, and the check among the records of a small world. */
#include "policy/spf.h"
#include "policy/spf_macro.h"
#include "policy/spf_record.h"
#include "proto/dns_wire.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#define CLIENT ((Ipv4Address)0xC6120005) /* 198.18.0.5 */

/* ---- Records ---- */

static void test_records_that_are_right(void **state)
{
    (void)state;
    static const char *const RECORDS[] = {
        "v=spf1",
        "V=SPF1 -all",
        "v=spf1  a   mx ~all ",
        "v=spf1 a:b.test/24 a/24 a//64 a/24//64 mx:b.test/0 A:b.test",
        "v=spf1 ip4:198.18.0.5 ip4:198.18.0.0/16 ip6:2001:db8::/32 ip6:::1",
        "v=spf1 ?include:%{d2}.b.test exists:%{ir}.%{v}._spf.%{L1r-} ptr ptr:b.test",
        "v=spf1 redirect=_spf.b.test",
        "v=spf1 -all exp=why.b.test unknown=%{s}x%%%_%- other.one-2=",
        "v=spf1 a:b.test.",
        "v=spf1 exists:%{i}",
    };
    for (size_t i = 0; i < G_N_ELEMENTS(RECORDS); i++) {
        g_autofree char *fault = NULL;
        g_autoptr(SpfRecord) record = spf_record_parse(RECORDS[i], &fault);
        if (record == NULL)
            fail_msg("%s: %s", RECORDS[i], fault);
    }
}

static void test_records_in_error(void **state)
{
    (void)state;
    static const char *const RECORDS[] = {
        "v=spf10 -all",
        "v=spf2.0/pra",
        " v=spf1",
        "v=spf1 al",
        "v=spf1 all:b.test",
        "v=spf1 all/24",
        "v=spf1 include",
        "v=spf1 include:",
        "v=spf1 include:b.test/24",
        "v=spf1 a:",
        "v=spf1 a/33",
        "v=spf1 a/08",
        "v=spf1 a/",
        "v=spf1 a//129",
        "v=spf1 a:b",
        "v=spf1 ip4",
        "v=spf1 ip4:1.2.3",
        "v=spf1 ip4:1.2.3.4/",
        "v=spf1 ip4:1.2.3.4/33",
        "v=spf1 ip6:b.test",
        "v=spf1 exists",
        "v=spf1 exists:%{c}.b.test",
        "v=spf1 exists:%{d.b.test",
        "v=spf1 exists:%d.b.test",
        "v=spf1 exists:%{d0}.b.test",
        "v=spf1 redirect=a.test redirect=b.test",
        "v=spf1 exp=a.test exp=b.test",
        "v=spf1 redirect=",
        "v=spf1 unknown=%x",
        "v=spf1 a:b.123",
        "v=spf1 a:b.-c",
        "v=spf1 -",
    };
    for (size_t i = 0; i < G_N_ELEMENTS(RECORDS); i++) {
        g_autofree char *fault = NULL;
        g_autoptr(SpfRecord) record = spf_record_parse(RECORDS[i], &fault);
        if (record != NULL)
            fail_msg("%s is taken", RECORDS[i]);
        assert_non_null(fault);
    }
}

static void test_record_taken_apart(void **state)
{
    (void)state;
    g_autofree char *fault = NULL;
    g_autoptr(SpfRecord) record =
        spf_record_parse("v=spf1 ~ip4:198.18.0.0/16 -mx:b.test/24//64 redirect=c.test", &fault);
    assert_int_equal(record->mechanisms->len, 2);
    const SpfMechanism *first = record->mechanisms->pdata[0],
                       *second = record->mechanisms->pdata[1];
    assert_int_equal(first->kind, SPF_IP4);
    assert_int_equal(first->qualifier, SPF_QUALIFIER_SOFTFAIL);
    assert_int_equal(first->address, 0xC6120000);
    assert_int_equal(first->prefix, 16);
    assert_int_equal(second->kind, SPF_MX);
    assert_int_equal(second->qualifier, SPF_QUALIFIER_FAIL);
    assert_string_equal(second->domain, "b.test");
    assert_int_equal(second->prefix, 24);
    assert_string_equal(record->redirect, "c.test");
}

/* ---- Macros: the examples of RFC 7208 §7.4 ---- */

static void test_macros(void **state)
{
    (void)state;
    static const char *const CASES[][2] = {
        {"%{s}", "strong-bad@email.example.com"},
        {"%{o}", "email.example.com"},
        {"%{d}", "email.example.com"},
        {"%{d4}", "email.example.com"},
        {"%{d3}", "email.example.com"},
        {"%{d2}", "example.com"},
        {"%{d1}", "com"},
        {"%{dr}", "com.example.email"},
        {"%{d2r}", "example.email"},
        {"%{l}", "strong-bad"},
        {"%{l-}", "strong.bad"},
        {"%{lr}", "strong-bad"},
        {"%{lr-}", "bad.strong"},
        {"%{l1r-}", "strong"},
        {"%{ir}.%{v}._spf.%{d2}", "3.2.0.192.in-addr._spf.example.com"},
        {"%{lr-}.lp._spf.%{d2}", "bad.strong.lp._spf.example.com"},
        {"%{lr-}.lp.%{ir}.%{v}._spf.%{d2}", "bad.strong.lp.3.2.0.192.in-addr._spf.example.com"},
        {"%{h}%%%_%-", "mx.example.org% %20"},
        {"%{S}", "strong-bad%40email.example.com"},
    };
    SpfMacroValues values = {"strong-bad@email.example.com", "email.example.com", "mx.example.org",
                             0xC0000203};
    for (size_t i = 0; i < G_N_ELEMENTS(CASES); i++) {
        assert_true(spf_macros_are_valid(CASES[i][0]));
        g_autofree char *text = spf_macros_expand(CASES[i][0], &values);
        assert_string_equal(text, CASES[i][1]);
    }
}

/* ---- The check ---- */

/* "NAME TYPE VALUE"; a value of `!` is a time-out. */
typedef struct World {
    const char *const *lines;
    size_t count;
    unsigned asked;
} World;

static DnsRecord record_of(const char *name, uint16_t type, const char *value)
{
    Ipv4Address address = 0;
    if (type == DNS_TYPE_TXT)
        return dns_record_txt(name, 60, value);
    if (type == DNS_TYPE_MX)
        return dns_record_mx(name, 60, 10, value);
    if (type == DNS_TYPE_PTR)
        return dns_record_host(name, DNS_TYPE_PTR, 60, value);
    assert_true(ipv4_parse(value, &address));
    return dns_record_a(name, 60, address);
}

static void answer(World *world, Spf *spf, const char *name, uint16_t type)
{
    char word[DNS_TYPE_TEXT_SIZE];
    dns_type_format(type, word);
    g_autofree char *prefix = g_strdup_printf("%s %s ", name, word);
    g_autoptr(GArray) records = dns_records_new();
    bool fails = false, exists = false;
    world->asked++;
    for (size_t i = 0; i < world->count; i++) {
        exists = exists || g_str_has_prefix(world->lines[i], name);
        if (!g_str_has_prefix(world->lines[i], prefix))
            continue;
        const char *value = world->lines[i] + strlen(prefix);
        fails = fails || strcmp(value, "!") == 0;
        if (!fails) {
            DnsRecord record = record_of(name, type, value);
            g_array_append_val(records, record);
        }
    }
    DnsOutcome outcome = fails              ? DNS_OUTCOME_TIMEOUT
                         : records->len > 0 ? DNS_OUTCOME_ANSWER
                         : exists           ? DNS_OUTCOME_NODATA
                                            : DNS_OUTCOME_NXDOMAIN;
    DnsAnswer reply = {outcome, (const DnsRecord *)(void *)records->data, records->len, 0};
    spf_answer(spf, &reply);
}

static SpfResult check(World *world, const char *sender, const char *helo)
{
    SpfOptions options = {CLIENT, sender, helo};
    Spf *spf = spf_new(&options);
    const char *name = NULL;
    uint16_t type = 0;
    while (spf_peek_question(spf, &name, &type))
        answer(world, spf, name, type);
    SpfResult result = spf_result(spf);
    assert_true(strlen(spf_reason(spf)) > 0);
    spf_free(spf);
    return result;
}

/* The result for alice@a.test whose domain has this record, in a world of all kinds of names. */
static SpfResult result_of(const char *record)
{
    g_autofree char *own = g_strdup_printf("a.test TXT %s", record);
    const char *const lines[] = {
        own,
        "a.test A 198.18.0.9",
        "a.test TXT hello",
        "here.test A 198.18.0.5",
        "near.test A 198.18.0.77",
        "mail.test MX far.test",
        "mail.test MX here.test",
        "far.test A 203.0.113.1",
        "5.0.18.198.in-addr.arpa PTR here.test",
        "5.0.18.198.in-addr._spf.a.test A 127.0.0.2",
        "pass.test TXT v=spf1 +all",
        "fail.test TXT v=spf1 -all",
        "soft.test TXT v=spf1 ~all",
        "empty.test TXT v=spf1",
        "twice.test TXT v=spf1 -all",
        "twice.test TXT v=spf1 +all",
        "broken.test TXT v=spf1 nonsense",
        "none.test TXT hello",
        "later.test TXT !",
        "later.test A !",
        "loop.test TXT v=spf1 include:loop.test -all",
    };
    World world = {lines, G_N_ELEMENTS(lines), 0};
    SpfResult result = check(&world, "alice@a.test", "mx.a.test");
    assert_true(world.asked <= 1 + SPF_LOOK_UPS_MAX * (1 + SPF_NAMES_MAX));
    return result;
}

static void test_mechanisms_and_qualifiers(void **state)
{
    (void)state;
    static const struct {
        const char *record;
        SpfResult result;
    } CASES[] = {
        {"v=spf1 -all", SPF_FAIL},
        {"v=spf1 ~all", SPF_SOFTFAIL},
        {"v=spf1 ?all", SPF_NEUTRAL},
        {"v=spf1 all", SPF_PASS},
        {"v=spf1", SPF_NEUTRAL},
        {"v=spf1 ip4:198.18.0.5 -all", SPF_PASS},
        {"v=spf1 -ip4:198.18.0.0/24 all", SPF_FAIL},
        {"v=spf1 ip4:198.18.1.0/24 -all", SPF_FAIL},
        {"v=spf1 ip4:203.0.113.0/0 -all", SPF_PASS},
        {"v=spf1 ip6:2001:db8::/32 -all", SPF_FAIL},
        {"v=spf1 a -all", SPF_FAIL},
        {"v=spf1 a/24 -all", SPF_PASS},
        {"v=spf1 a:here.test -all", SPF_PASS},
        {"v=spf1 a:near.test -all", SPF_FAIL},
        {"v=spf1 a:near.test/24 -all", SPF_PASS},
        {"v=spf1 mx:mail.test -all", SPF_PASS},
        {"v=spf1 mx -all", SPF_FAIL},
        {"v=spf1 ptr:here.test -all", SPF_PASS},
        {"v=spf1 ptr:test -all", SPF_PERMERROR}, /* one label is no domain-spec */
        {"v=spf1 ptr -all", SPF_FAIL},
        {"v=spf1 exists:%{ir}.%{v}._spf.%{d} -all", SPF_PASS},
        {"v=spf1 exists:%{i}._spf.%{d} -all", SPF_FAIL},
        {"v=spf1 a:later.test -all", SPF_TEMPERROR},
        {"v=spf1 nonsense", SPF_PERMERROR},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(CASES); i++) {
        SpfResult result = result_of(CASES[i].record);
        if (result != CASES[i].result)
            fail_msg("%s: %s", CASES[i].record, spf_result_name(result));
    }
}

/* RFC 7208 §5.2's table, and §6.1. */
static void test_include_and_redirect(void **state)
{
    (void)state;
    static const struct {
        const char *record;
        SpfResult result;
    } CASES[] = {
        {"v=spf1 include:pass.test -all", SPF_PASS},
        {"v=spf1 ?include:pass.test -all", SPF_NEUTRAL},
        {"v=spf1 include:fail.test ~all", SPF_SOFTFAIL},
        {"v=spf1 include:soft.test ?all", SPF_NEUTRAL},
        {"v=spf1 include:empty.test -all", SPF_FAIL},
        {"v=spf1 include:none.test -all", SPF_PERMERROR},
        {"v=spf1 include:nowhere.test -all", SPF_PERMERROR},
        {"v=spf1 include:broken.test -all", SPF_PERMERROR},
        {"v=spf1 include:twice.test -all", SPF_PERMERROR},
        {"v=spf1 include:later.test -all", SPF_TEMPERROR},
        {"v=spf1 include:loop.test -all", SPF_PERMERROR},
        {"v=spf1 redirect=fail.test", SPF_FAIL},
        {"v=spf1 redirect=pass.test", SPF_PASS},
        {"v=spf1 ~all redirect=fail.test", SPF_SOFTFAIL},
        {"v=spf1 redirect=none.test", SPF_PERMERROR},
        {"v=spf1 redirect=a.test", SPF_PERMERROR}, /* round and round */
    };
    for (size_t i = 0; i < G_N_ELEMENTS(CASES); i++) {
        SpfResult result = result_of(CASES[i].record);
        if (result != CASES[i].result)
            fail_msg("%s: %s", CASES[i].record, spf_result_name(result));
    }
}

static void test_limits(void **state)
{
    (void)state;
    g_autoptr(GString) ten = g_string_new("v=spf1");
    for (int i = 0; i < SPF_LOOK_UPS_MAX; i++)
        g_string_append(ten, " a:near.test");
    assert_int_equal(result_of(ten->str), SPF_NEUTRAL);
    g_string_append(ten, " a:near.test");
    assert_int_equal(result_of(ten->str), SPF_PERMERROR);
    assert_int_equal(result_of("v=spf1 a:n1.test a:n2.test ~all"), SPF_SOFTFAIL);
    assert_int_equal(result_of("v=spf1 a:n1.test a:n2.test a:n3.test ~all"), SPF_PERMERROR);
    assert_int_equal(result_of("v=spf1 -all a:n1.test a:n2.test a:n3.test"), SPF_FAIL);
}

static void test_who_is_checked(void **state)
{
    (void)state;
    const char *const lines[] = {"a.test TXT v=spf1 -all", "mx.b.test TXT v=spf1 +all"};
    World world = {lines, G_N_ELEMENTS(lines), 0};
    assert_int_equal(check(&world, "alice@a.test", "mx.b.test"), SPF_FAIL);
    assert_int_equal(check(&world, "", "mx.b.test"), SPF_PASS); /* a bounce: postmaster@HELO */
    assert_int_equal(check(&world, "", "localhost"), SPF_NONE);
    assert_int_equal(check(&world, "", "x@a.test"), SPF_NONE);
    assert_int_equal(check(&world, "alice@[198.18.0.5]", "mx.b.test"), SPF_NONE);
    assert_int_equal(check(&world, "alice@c.test", "mx.b.test"), SPF_NONE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_records_that_are_right),
        cmocka_unit_test(test_records_in_error),
        cmocka_unit_test(test_record_taken_apart),
        cmocka_unit_test(test_macros),
        cmocka_unit_test(test_mechanisms_and_qualifiers),
        cmocka_unit_test(test_include_and_redirect),
        cmocka_unit_test(test_limits),
        cmocka_unit_test(test_who_is_checked),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
