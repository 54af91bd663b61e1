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

/* What a terminal would obey is shown as what it is; letters of any script are left. */
static void test_shown(void **state)
{
    (void)state;
    static const char TURNED[] = {'a', (char)0xe2, (char)0x80, (char)0xae, 'b', '\0'};
    static const char *const CASES[][2] = {
        {"lunch", "lunch"},
        {"\033[2Jx", "\\x1b[2Jx"},
        {"\xc2\x9b"
         "2J",
         "\\xc2\\x9b"
         "2J"}, /* CSI as one character */
        {"a\xffz", "a\\xffz"},
        {"a\r\nb", "a  b"},
        {"점심", "점심"},
        {TURNED, "a\\xe2\\x80\\xae"
                 "b"}, /* turns the direction of writing */
        {"", ""},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(CASES); i++) {
        g_autofree char *shown = text_shown_line(CASES[i][0]);
        assert_string_equal(shown, CASES[i][1]);
    }
    g_autoptr(GString) text = g_string_new(">");
    text_append_shown(text, span_of("a\nb\0c", 5));
    assert_string_equal(text->str, ">a\nb\\x00c");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_numbers),
        cmocka_unit_test(test_shown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
