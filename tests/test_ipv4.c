/* Tests of core/ipv4. */
#include "core/ipv4.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void test_reads_and_writes(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        Ipv4Address address;
    } examples[] = {
        {"198.18.0.1", 0xC6120001},      {"0.0.0.0", 0},
        {"255.255.255.255", 0xFFFFFFFF}, {"127.0.0.1", 0x7F000001},
        {"10.20.30.40", 0x0A141E28},
    };
    for (size_t i = 0; i < sizeof examples / sizeof examples[0]; i++) {
        Ipv4Address address = 1;
        char text[IPV4_TEXT_SIZE];
        assert_true(ipv4_parse(examples[i].text, &address));
        assert_int_equal(address, examples[i].address);
        assert_string_equal(ipv4_format(address, text), examples[i].text);
    }
}

static void test_refuses_what_is_not_an_address(void **state)
{
    (void)state;
    static const char *const wrong[] = {
        "",        "1",         "1.2.3",     "1.2.3.",    "1.2.3.4.",   "1.2.3.4.5", ".1.2.3",
        "1..2.3",  "256.0.0.1", "1.2.3.256", "01.2.3.4",  "1.2.3.00",   "1.2.3.4 ",  " 1.2.3.4",
        "1.2.3.x", "-1.2.3.4",  "+1.2.3.4",  "0x1.2.3.4", "1000.1.1.1", "1,2,3,4",
    };
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        Ipv4Address address = 42;
        assert_false(ipv4_parse(wrong[i], &address));
        assert_int_equal(address, 42);
    }
}

static void test_ranges(void **state)
{
    (void)state;
    Ipv4Address address = 0, mask = 0;
    assert_true(ipv4_parse_range("198.51.100.77/24", &address, &mask));
    assert_int_equal(address, 0xC6336400);
    assert_int_equal(mask, 0xFFFFFF00);
    assert_true(ipv4_parse_range("198.51.100.77/32", &address, &mask));
    assert_int_equal(address, 0xC633644D);
    assert_int_equal(mask, 0xFFFFFFFF);
    assert_true(ipv4_parse_range("198.51.100.77/0", &address, &mask));
    assert_int_equal(address, 0);
    assert_int_equal(mask, 0);
    const char *const wrong[] = {"198.51.100.77",     "198.51.100.77/",   "198.51.100.77/33",
                                 "198.51.100/24",     "198.51.100.77/2x", "/24",
                                 "198.51.100.77/032", "1198.51.100.177/3"};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        assert_false(ipv4_parse_range(wrong[i], &address, &mask));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ranges),
        cmocka_unit_test(test_reads_and_writes),
        cmocka_unit_test(test_refuses_what_is_not_an_address),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
