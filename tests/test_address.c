/* Mailbox addresses: RFC 5321 §4.1.2. */
#include "mail/address.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static AddressFault parse(const char *text, Address *address)
{
    return address_parse(span_of_text(text), address);
}

static void assert_parts(const char *text, const char *local_part, const char *domain)
{
    Address address;
    assert_int_equal(parse(text, &address), ADDRESS_OK);
    assert_string_equal(address.local_part, local_part);
    assert_string_equal(address.domain, domain);
}

static void assert_written(const char *text, const char *expected)
{
    Address address;
    assert_int_equal(parse(text, &address), ADDRESS_OK);
    g_autofree char *written = address_format(&address);
    assert_string_equal(written, expected);
}

static void good_addresses_are_taken_apart(void **state)
{
    (void)state;
    assert_parts("bob@gmail.example", "bob", "gmail.example");
    assert_parts("Bob.O'Hara+x@Mail.Example", "Bob.O'Hara+x", "Mail.Example");
    assert_parts("\"a b\"@b.test", "a b", "b.test");
    assert_parts("\"a\\\"\\\\@c\"@b.test", "a\"\\@c", "b.test");
    assert_parts("\"\"@b.test", "", "b.test");
    assert_parts("bob@[192.0.2.1]", "bob", "[192.0.2.1]");
    assert_parts("bob@[IPv6:2001:db8::1]", "bob", "[IPv6:2001:db8::1]");
    assert_parts("bob@localhost", "bob", "localhost");
    assert_parts("앨리스@메일.example", "앨리스", "메일.example");
}

static void each_fault_has_its_reason(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        AddressFault fault;
    } cases[] = {
        {"", ADDRESS_EMPTY},
        {"bob", ADDRESS_NO_AT},
        {"@b.test", ADDRESS_LOCAL_PART_EMPTY},
        {"b ob@b.test", ADDRESS_LOCAL_PART_BAD_CHARACTER},
        {"b\x01@b.test", ADDRESS_LOCAL_PART_BAD_CHARACTER},
        {"\"b\r\"@b.test", ADDRESS_LOCAL_PART_BAD_CHARACTER},
        {"\"b\"c@b.test", ADDRESS_LOCAL_PART_BAD_CHARACTER},
        {".bob@b.test", ADDRESS_LOCAL_PART_BAD_DOT},
        {"bob.@b.test", ADDRESS_LOCAL_PART_BAD_DOT},
        {"b..ob@b.test", ADDRESS_LOCAL_PART_BAD_DOT},
        {"\"bob@b.test", ADDRESS_QUOTE_UNFINISHED},
        {"\"bob\\", ADDRESS_QUOTE_UNFINISHED},
        {"bob@", ADDRESS_DOMAIN_EMPTY},
        {"bob@b_c.test", ADDRESS_DOMAIN_BAD_CHARACTER},
        {"bob@b.test ", ADDRESS_DOMAIN_BAD_CHARACTER},
        {"bob@@b.test", ADDRESS_DOMAIN_BAD_CHARACTER},
        {"bob@.test", ADDRESS_DOMAIN_BAD_LABEL},
        {"bob@b..test", ADDRESS_DOMAIN_BAD_LABEL},
        {"bob@b.test.", ADDRESS_DOMAIN_BAD_LABEL},
        {"bob@-b.test", ADDRESS_DOMAIN_BAD_LABEL},
        {"bob@b-.test", ADDRESS_DOMAIN_BAD_LABEL},
        {"bob@[192.0.2.256]", ADDRESS_BAD_LITERAL},
        {"bob@[192.0.2.1", ADDRESS_BAD_LITERAL},
        {"bob@[2001:db8::1]", ADDRESS_BAD_LITERAL},
        {"bob@[IPv6:192.0.2.1]", ADDRESS_BAD_LITERAL},
        {"bob@[IPv6:2001:db8:::1]", ADDRESS_BAD_LITERAL},
        {"bob@[]", ADDRESS_BAD_LITERAL},
        {"b\xff@b.test", ADDRESS_NOT_UTF8},
        {"b@b\xff.test", ADDRESS_NOT_UTF8},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        Address address;
        AddressFault fault = parse(cases[i].text, &address);
        if (fault != cases[i].fault)
            fail_msg("%s: %s", cases[i].text, address_fault_text(fault));
        assert_true(address_is_null(&address));
    }
}

static void sizes_are_those_of_the_rfc(void **state)
{
    (void)state;
    Address address;
    g_autofree char *local = g_strnfill(ADDRESS_LOCAL_PART_MAX, 'a');
    g_autofree char *longest = g_strconcat(local, "@b.test", NULL);
    g_autofree char *too_long = g_strconcat("a", longest, NULL);
    assert_int_equal(parse(longest, &address), ADDRESS_OK);
    assert_int_equal(parse(too_long, &address), ADDRESS_LOCAL_PART_TOO_LONG);

    g_autofree char *label = g_strnfill(63, 'b');
    g_autofree char *domain = g_strjoin(".", label, label, label, label, NULL);
    assert_int_equal(strlen(domain), ADDRESS_DOMAIN_MAX);
    assert_true(address_is_domain(span_of_text(domain)));
    g_autofree char *domain_too_long = g_strconcat(domain, "b", NULL);
    assert_false(address_is_domain(span_of_text(domain_too_long)));
    g_autofree char *label_too_long = g_strconcat("b@c", label, NULL);
    assert_int_equal(parse(label_too_long, &address), ADDRESS_DOMAIN_BAD_LABEL);

    /* 252 octets of domain after "a@" fill a path of 256 with its angle brackets. */
    g_autofree char *fits = g_strconcat("a@", domain + 3, NULL);
    g_autofree char *path_too_long = g_strconcat("a@", domain + 2, NULL);
    assert_int_equal(parse(fits, &address), ADDRESS_OK);
    assert_int_equal(parse(path_too_long, &address), ADDRESS_PATH_TOO_LONG);
}

static void only_what_needs_quotes_is_written_with_them(void **state)
{
    (void)state;
    assert_written("bob@B.test", "bob@B.test");
    assert_written("\"bob\"@b.test", "bob@b.test");
    assert_written("\"b\\ob\"@b.test", "bob@b.test");
    assert_written("\"a b\"@b.test", "\"a b\"@b.test");
    assert_written("\"a\\\"b\"@b.test", "\"a\\\"b\"@b.test");
    assert_written("\".a\"@b.test", "\".a\"@b.test");
    assert_written("\"\"@b.test", "\"\"@b.test");
    assert_written("\"a@c\"@b.test", "\"a@c\"@b.test");
}

/* What an address knows of itself is true, and forgotten when it is changed. */
static void a_plain_address_is_known_as_such(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        bool is_plain, is_ascii;
    } cases[] = {
        {"bob@b.test", true, true},          {"Bob.O'Hara+x@[192.0.2.1]", true, true},
        {"\"bob\"@b.test", false, true},     {"\"a b\"@b.test", false, true},
        {"앨리스@b.test", false, false},     {"bob@메일.example", false, false},
        {"\"앨리스\"@b.test", false, false},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        Address address;
        assert_int_equal(parse(cases[i].text, &address), ADDRESS_OK);
        assert_int_equal(address.is_plain, cases[i].is_plain);
        assert_int_equal(address_is_ascii(&address), cases[i].is_ascii);
        address_set_local_part(&address, "a b");
        g_autofree char *quoted = address_format(&address);
        assert_true(g_str_has_prefix(quoted, "\"a b\"@"));
        address_set_local_part(&address, "앨리스");
        assert_false(address_is_ascii(&address));
        assert_int_equal(parse("앨", &address), ADDRESS_NO_AT);
        assert_false(address.is_plain);
    }
}

static void paths_are_read_from_a_command(void **state)
{
    (void)state;
    static const struct {
        const char *text, *address;
        AddressFault fault;
        size_t used;
    } cases[] = {
        {"<bob@b.test> SIZE=1", "bob@b.test", ADDRESS_OK, 12},
        {"<>", "", ADDRESS_OK, 2},
        {"<postmaster>", "postmaster", ADDRESS_OK, 12},
        {"<\"a>b\"@b.test>x", "\"a>b\"@b.test", ADDRESS_OK, 14},
        {"<@a.test,@[192.0.2.1]:bob@b.test>", "bob@b.test", ADDRESS_OK, 33},
        {"bob@b.test", "", ADDRESS_NO_ANGLE, 0},
        {"", "", ADDRESS_NO_ANGLE, 0},
        {"<bob@b.test", "", ADDRESS_NO_ANGLE, 0},
        {"<bob>", "", ADDRESS_NO_AT, 0},
        {"<bob@>", "", ADDRESS_DOMAIN_EMPTY, 0},
        {"<bob@b.test x>", "", ADDRESS_DOMAIN_BAD_CHARACTER, 0},
        {"<@a.test>", "", ADDRESS_BAD_ROUTE, 0},
        {"<@a.test,b.test:bob@b.test>", "", ADDRESS_BAD_ROUTE, 0},
        {"<@a.test:>", "", ADDRESS_LOCAL_PART_BAD_CHARACTER, 0},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        Address address;
        size_t used = 99;
        AddressFault fault = address_scan_path(span_of_text(cases[i].text), &address, &used);
        g_autofree char *written = address_format(&address);
        if (fault != cases[i].fault)
            fail_msg("%s: %s", cases[i].text, address_fault_text(fault));
        assert_string_equal(written, cases[i].address);
        assert_int_equal(used, cases[i].used);
    }
}

static void a_long_source_route_makes_a_path_too_long(void **state)
{
    (void)state;
    Address address;
    size_t used = 0;
    g_autoptr(GString) path = g_string_new("<@a.test");
    while (path->len < ADDRESS_PATH_MAX)
        g_string_append(path, ",@a.test");
    g_string_append(path, ":bob@b.test>");
    assert_int_equal(address_scan_path(span_of_text(path->str), &address, &used),
                     ADDRESS_PATH_TOO_LONG);
    assert_int_equal(used, 0);
}

static void case_counts_before_the_at_only(void **state)
{
    (void)state;
    assert_true(address_texts_equal("bob@b.test", "bob@B.TEST"));
    assert_false(address_texts_equal("bob@b.test", "Bob@b.test"));
    assert_true(address_texts_equal("\"bob\"@b.test", "bob@b.test"));
    assert_true(address_texts_equal("Postmaster@b.test", "postmaster@b.test"));
    assert_true(address_texts_equal("Postmaster", "postmaster"));
    assert_true(address_texts_equal("", ""));
    assert_false(address_texts_equal("", "bob@b.test"));
    assert_false(address_texts_equal("bob", "bob"));
}

static void small_questions(void **state)
{
    (void)state;
    Address address;
    assert_string_equal(address_text_peek_domain("\"a@c\"@b.test"), "b.test");
    assert_string_equal(address_text_peek_domain("Postmaster"), "");
    assert_int_equal(parse("앨리스@b.test", &address), ADDRESS_OK);
    assert_false(address_is_ascii(&address));
    assert_int_equal(parse("bob@b.test", &address), ADDRESS_OK);
    assert_true(address_is_ascii(&address));
    assert_true(address_is_literal(span_of_text("[IPv6:::ffff:192.0.2.1]")));
    assert_false(address_is_literal(span_of_text("192.0.2.1")));
    assert_false(address_is_domain(span_of_text("[192.0.2.1]")));
}

/* RFC 5890: what stands in an address in letters has an A-label in the DNS. */
static void a_domain_has_its_form_for_the_dns(void **state)
{
    (void)state;
    static const char *const cases[][2] = {
        {"b.example", "b.example"},
        {"한국.example", "xn--3e0b707e.example"},
        {"[192.0.2.1]", "[192.0.2.1]"},
        {"", ""},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autofree char *ascii = address_domain_to_ascii(cases[i][0]);
        assert_string_equal(ascii, cases[i][1]);
    }
    /* A label beyond 63 octets is none, and stays what it is. */
    g_autoptr(GString) label = g_string_new(NULL);
    for (int i = 0; i < 60; i++)
        g_string_append(label, i % 2 == 0 ? "한" : "국");
    g_autofree char *same = address_domain_to_ascii(label->str);
    assert_string_equal(same, label->str);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(good_addresses_are_taken_apart),
        cmocka_unit_test(each_fault_has_its_reason),
        cmocka_unit_test(sizes_are_those_of_the_rfc),
        cmocka_unit_test(only_what_needs_quotes_is_written_with_them),
        cmocka_unit_test(a_plain_address_is_known_as_such),
        cmocka_unit_test(paths_are_read_from_a_command),
        cmocka_unit_test(a_long_source_route_makes_a_path_too_long),
        cmocka_unit_test(case_counts_before_the_at_only),
        cmocka_unit_test(a_domain_has_its_form_for_the_dns),
        cmocka_unit_test(small_questions),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
