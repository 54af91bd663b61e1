/* Tests of core/random: independence of streams, and the published Philox test vector. */
#include "core/random.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

/* Random123's known-answer test: philox4x64-10 of an all-zero key and counter. */
static void test_philox_known_answer(void **state)
{
    (void)state;
    Random zero = {0};
    assert_true(random_draw(&zero) == 0x16554d9eca36314cU);
}

static void test_streams_are_apart(void **state)
{
    (void)state;
    Random a = random_stream(1, "a.example", RANDOM_LINK_LOSS);
    Random again = a;
    Random b = random_stream(1, "b.example", RANDOM_LINK_LOSS);
    Random other = random_stream(1, "a.example", RANDOM_TCP_ISS);
    uint64_t first = random_draw(&a);
    assert_true(first == random_draw(&again));
    assert_true(first != random_draw(&b));
    assert_true(first != random_draw(&other));
    assert_true(first != random_draw(&a));
}

static void test_a_draw_that_is_skipped_is_no_other(void **state)
{
    (void)state;
    Random drawn = random_stream(1, "a", RANDOM_DNS_ID), skipped = drawn;
    random_draw(&drawn);
    random_skip(&skipped);
    assert_int_equal(random_draw(&skipped), random_draw(&drawn));
}

static void test_draws_below_a_bound(void **state)
{
    (void)state;
    Random random = random_stream(3, "dice", RANDOM_WORKLOAD);
    int counts[6] = {0};
    for (int i = 0; i < 6000; i++)
        counts[random_draw_below(&random, 6)]++;
    for (int face = 0; face < 6; face++)
        assert_in_range(counts[face], 850, 1150);
}

static void test_chance_at_its_ends(void **state)
{
    (void)state;
    Random random = random_stream(3, "link", RANDOM_LINK_LOSS);
    for (int i = 0; i < 100; i++) {
        assert_false(random_draw_chance(&random, 0, 1000));
        assert_true(random_draw_chance(&random, 1000, 1000));
    }
    assert_int_equal(random.index, 200);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_philox_known_answer),
        cmocka_unit_test(test_streams_are_apart),
        cmocka_unit_test(test_a_draw_that_is_skipped_is_no_other),
        cmocka_unit_test(test_draws_below_a_bound),
        cmocka_unit_test(test_chance_at_its_ends),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
