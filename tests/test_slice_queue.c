/* Tests of net/slice_queue. */
#include "net/slice_queue.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

/* A queue of `count` slices of three octets each, one octet left out between them. */
static SliceQueue queue_of(Octets *bytes, size_t count)
{
    SliceQueue queue = {0};
    for (size_t i = 0; i < count; i++)
        slice_queue_take(&queue, slice_new(bytes, 4 * i, 3));
    return queue;
}

static void test_shift(void **state)
{
    (void)state;
    g_autoptr(Octets) bytes = octets_new("abc.def.ghi.jkl.mno.", 20);
    SliceQueue queue = queue_of(bytes, 5);
    static const struct {
        size_t maximum;
        const char *shifted;
        uint32_t left;
    } steps[] = {{2, "ab", 13}, {9, "c", 12}, {3, "def", 9}, {0, "", 9},    {1, "g", 8},
                 {1, "h", 7},   {1, "i", 6},  {4, "jkl", 3}, {3, "mno", 0}, {3, "", 0}};
    for (size_t i = 0; i < G_N_ELEMENTS(steps); i++) {
        Slice shifted = slice_queue_shift(&queue, steps[i].maximum);
        assert_true(span_equals(slice_span(shifted), span_of_text(steps[i].shifted)));
        assert_int_equal(queue.length, steps[i].left);
        slice_clear(&shifted);
    }
    slice_queue_take(&queue, slice_new(bytes, 0, 3)); /* it is as good as new */
    assert_true(span_equals(slice_queue_peek(&queue), span_of_text("abc")));
    slice_queue_clear(&queue);
}

static void test_extend(void **state)
{
    (void)state;
    g_autoptr(Octets) bytes = octets_new("abcdefgh", 8);
    g_autoptr(Octets) others = octets_new("abcdefgh", 8);
    const uint8_t *data = octets_data(bytes);
    SliceQueue queue = {0};
    assert_false(slice_queue_extend(&queue, bytes, span_of(data, 2)));
    slice_queue_take(&queue, slice_new(bytes, 0, 2));
    assert_false(slice_queue_extend(&queue, bytes, span_of(data + 3, 2)));
    assert_false(slice_queue_extend(&queue, others, span_of(data + 2, 2)));
    assert_true(slice_queue_extend(&queue, bytes, span_of(data + 2, 2)));
    assert_int_equal(queue.count, 1);
    assert_int_equal(queue.length, 4);
    assert_true(span_equals(slice_queue_peek(&queue), span_of_text("abcd")));
    slice_queue_clear(&queue);
}

static void test_gather(void **state)
{
    (void)state;
    static const struct {
        size_t offset, length;
        const char *gathered;
    } CASES[] = {{0, 11, "efghijklmno"}, {1, 3, "fgh"}, {0, 2, "ef"}, {1, 1, "f"}, {0, 0, ""}};
    g_autoptr(Octets) bytes = octets_new("abc.def.ghi.jkl.mno.", 20);
    SliceQueue queue = queue_of(bytes, 5);
    slice_queue_consume(&queue, 4);
    for (size_t i = 0; i < G_N_ELEMENTS(CASES); i++) {
        Slice gathered =
            slice_queue_gather(slice_queue_first(&queue), CASES[i].offset, CASES[i].length);
        assert_true(span_equals(slice_span(gathered), span_of_text(CASES[i].gathered)));
        slice_clear(&gathered);
    }
    assert_int_equal(queue.length, 11);
    slice_queue_clear(&queue);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_shift),
        cmocka_unit_test(test_extend),
        cmocka_unit_test(test_gather),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
