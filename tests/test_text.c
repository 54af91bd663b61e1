/* Texts put together: core/text.h. */
#include "core/text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

/* Every power of ten and its neighbours, as printf has them. */
static void test_numbers(void **state)
{
    (void)state;
    for (uint64_t power = 1;; power *= 10) {
        for (uint64_t number = power - 1; number <= power + 1; number++) {
            char room[TEXT_NUMBER_SIZE], expected[32], out[32];
            snprintf(expected, sizeof expected, "%llu", (unsigned long long)number);
            assert_string_equal(text_number(number, 1, room), expected);
            memset(out, '#', sizeof out);
            size_t length = text_put_number(number, out);
            assert_int_equal(length, strlen(expected));
            assert_memory_equal(out, expected, length);
            assert_int_equal(out[length], '#');
            snprintf(expected, sizeof expected, "%012llu", (unsigned long long)number);
            assert_string_equal(text_number(number, 12, room), expected);
        }
        if (power > UINT64_MAX / 10)
            break;
    }
    char room[TEXT_NUMBER_SIZE];
    assert_string_equal(text_number(UINT64_MAX, 20, room), "18446744073709551615");
    assert_string_equal(text_number(7, 20, room), "00000000000000000007");
    assert_string_equal(text_number(0, 0, room), "0");
}

static void test_appends(void **state)
{
    (void)state;
    g_autoptr(GString) text = g_string_new("a");
    text_append(text, "b", "", "cd", NULL);
    text_append_number(text, 305);
    assert_string_equal(text->str, "abcd305");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_numbers),
        cmocka_unit_test(test_appends),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
