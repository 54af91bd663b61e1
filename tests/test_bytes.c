/* Tests of core/bytes. */
#include "core/bytes.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void test_buffer_keeps_its_maximum(void **state)
{
    (void)state;
    Buffer buffer;
    buffer_init(&buffer, 300);
    uint8_t filler[299] = {0};
    assert_true(buffer_append(&buffer, span_of(filler, sizeof filler)));
    assert_false(buffer_append_text(&buffer, "ab"));
    assert_int_equal(buffer.length, 299);
    assert_true(buffer_append_text(&buffer, "a"));
    assert_int_equal(buffer_room(&buffer), 0);
    buffer_consume(&buffer, 299);
    assert_true(span_equals(buffer_peek(&buffer), span_of_text("a")));
    buffer_clear(&buffer);
}

static void test_span_compares_without_case(void **state)
{
    (void)state;
    assert_true(span_equals_text_nocase(span_of_text("rCpT"), "RCPT"));
    assert_false(span_equals_text_nocase(span_of_text("rcp"), "RCPT"));
    assert_true(span_starts_with_nocase(span_of_text("FROM:<a>"), "from:"));
    assert_int_equal(span_find(span_of_text("a:b"), ':'), 1);
    assert_int_equal(span_find(span_of_text("ab"), ':'), 2);
}

static void test_slice_shares(void **state)
{
    (void)state;
    g_autoptr(GBytes) bytes = g_bytes_new_static("abcdef", 6);
    Slice whole = slice_new(bytes, 1, 4);
    Slice part = slice_ref(whole, 1, 2);
    slice_clear(&whole);
    assert_true(span_equals(slice_span(part), span_of_text("cd")));
    slice_clear(&part);
    assert_int_equal(slice_span(part).length, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_buffer_keeps_its_maximum),
        cmocka_unit_test(test_span_compares_without_case),
        cmocka_unit_test(test_slice_shares),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
