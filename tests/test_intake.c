/* Tests of core/intake: whether octets come by reference or not, in order they come out. */
#include "core/intake.h"
#include "pieces.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static Slice part_of(Octets *bytes, size_t offset, size_t length)
{
    return slice_new(bytes, offset, length);
}

static void assert_unread(const Intake *intake, const char *text)
{
    assert_true(span_equals(intake_peek(intake), span_of_text(text)));
    assert_int_equal(intake_room(intake), 100 - strlen(text));
}

static void test_neighbours_stay_where_they_are(void **state)
{
    (void)state;
    g_autoptr(Octets) bytes = octets_new("0123456789", 10);
    const uint8_t *data = octets_data(bytes);
    Intake intake;
    intake_init(&intake, 100);
    assert_null(intake_bytes(&intake));
    intake_take(&intake, part_of(bytes, 1, 3));
    intake_consume(&intake, 2);
    intake_take(&intake, part_of(bytes, 4, 4));
    assert_unread(&intake, "34567");
    assert_ptr_equal(intake_peek(&intake).data, data + 3);
    assert_ptr_equal(intake_bytes(&intake), bytes);
    intake_consume(&intake, 5);
    assert_unread(&intake, "");
    intake_take(&intake, part_of(bytes, 0, 2)); /* nothing is left: from anywhere */
    assert_ptr_equal(intake_peek(&intake).data, data);
    intake_clear(&intake);
}

static void test_others_are_copied(void **state)
{
    (void)state;
    g_autoptr(Octets) bytes = octets_new("0123456789", 10);
    g_autoptr(Octets) others = octets_new("abcdef", 6);
    Intake intake;
    intake_init(&intake, 100);
    intake_take(&intake, part_of(bytes, 0, 3));
    intake_take(&intake, part_of(bytes, 4, 1)); /* not right behind it */
    assert_unread(&intake, "0124");
    assert_null(intake_bytes(&intake));
    intake_take(&intake, part_of(bytes, 5, 1)); /* behind what is copied by now */
    intake_append(&intake, span_of_text("x"));
    intake_take(&intake, part_of(others, 0, 2));
    assert_unread(&intake, "01245xab");
    intake_consume(&intake, 7);
    assert_unread(&intake, "b");
    intake_consume(&intake, 1);
    intake_take(&intake, part_of(others, 3, 2));
    assert_ptr_equal(intake_bytes(&intake), others);
    intake_append(&intake, span_of_text("y"));
    assert_unread(&intake, "dey");
    intake_clear(&intake);
}

/* Any mixture, before a plain string as judge. */
static void test_any_mixture_comes_out_in_order(void **state)
{
    (void)state;
    enum { SIZE = 200, ROUNDS = 20000 };
    uint8_t octets[SIZE];
    for (size_t i = 0; i < SIZE; i++)
        octets[i] = (uint8_t)i;
    g_autoptr(Octets) bytes = octets_new(octets, SIZE);
    g_autoptr(GByteArray) judge = g_byte_array_new();
    Intake intake;
    intake_init(&intake, 100);
    uint32_t seed = 1;
    size_t at = 0, shared = 0;
    for (size_t round = 0; round < ROUNDS; round++) {
        size_t length = MIN(next_random(&seed) % 20, intake_room(&intake));
        if (next_random(&seed) % 4 == 0 || at + length > SIZE)
            at = next_random(&seed) % (SIZE - length);
        if (next_random(&seed) % 8 == 0)
            intake_append(&intake, span_of(octets + at, length));
        else
            intake_take(&intake, part_of(bytes, at, length));
        g_byte_array_append(judge, octets + at, (guint)length);
        at += length;
        assert_true(span_equals(intake_peek(&intake), span_of(judge->data, judge->len)));
        assert_int_equal(intake_room(&intake), 100 - judge->len);
        shared += intake_bytes(&intake) != NULL;
        guint read = next_random(&seed) % 2 ? judge->len : next_random(&seed) % (judge->len + 1);
        intake_consume(&intake, read);
        g_byte_array_remove_range(judge, 0, read);
    }
    assert_in_range(shared, ROUNDS / 10, ROUNDS - ROUNDS / 10);
    intake_clear(&intake);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_neighbours_stay_where_they_are),
        cmocka_unit_test(test_others_are_copied),
        cmocka_unit_test(test_any_mixture_comes_out_in_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
