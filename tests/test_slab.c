/* Tests of slab: things known by numbers stay where they are until their number is given back. */
#include "core/slab.h"

#include <glib.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>

#include <cmocka.h>

enum { MANY = 1000 };

typedef struct Thing {
    uint64_t value;
    uint32_t number;
} Thing;

static Thing *thing_at(const Slab *slab, uint32_t number)
{
    return slab_at(slab, number);
}

static Thing *take(Slab *slab, uint32_t expected)
{
    uint32_t number = slab_take(slab);
    Thing *thing = thing_at(slab, number);
    assert_int_equal(number, expected);
    assert_true(thing->value == 0 && thing->number == 0);
    *thing = (Thing){~(uint64_t)number, number};
    return thing;
}

static void assert_whole(const Slab *slab, uint32_t number)
{
    assert_int_equal(thing_at(slab, number)->number, number);
    assert_int_equal(thing_at(slab, number)->value, ~(uint64_t)number);
}

static void test_things_stay(void **state)
{
    (void)state;
    Slab slab = {.size = sizeof(Thing)};
    Thing *things[MANY + 1] = {0};
    assert_int_equal(slab_next(&slab, 0), 0);
    for (uint32_t number = 1; number <= MANY; number++)
        things[number] = take(&slab, number);
    for (uint32_t number = 1; number <= MANY; number++) {
        assert_ptr_equal(slab_at(&slab, number), things[number]);
        assert_whole(&slab, number);
    }
    slab_clear(&slab);
    take(&slab, 1);
    slab_clear(&slab);
}

/* The one given back last comes first, and is zeros again. */
static void test_numbers_come_again(void **state)
{
    (void)state;
    Slab slab = {.size = sizeof(Thing)};
    for (uint32_t number = 1; number <= MANY; number++)
        take(&slab, number);
    slab_give_back(&slab, 7);
    slab_give_back(&slab, MANY);
    slab_give_back(&slab, 70);
    take(&slab, 70);
    take(&slab, MANY);
    take(&slab, 7);
    take(&slab, MANY + 1);
    for (uint32_t number = 1; number <= MANY + 1; number++)
        assert_whole(&slab, number);
    slab_clear(&slab);
}

/* Numbers that another slab has given out, far from each other. */
static void test_reaching(void **state)
{
    (void)state;
    static const uint32_t NUMBERS[] = {70000, 3, SLAB_CHUNK, 70001, SLAB_CHUNK - 1, 1000000};
    Slab slab = {.size = sizeof(Thing)};
    for (size_t i = 0; i < G_N_ELEMENTS(NUMBERS); i++) {
        Thing *thing = slab_reach(&slab, NUMBERS[i]);
        assert_int_equal(thing->number, 0);
        thing->number = NUMBERS[i];
        assert_ptr_equal(thing, slab_at(&slab, NUMBERS[i]));
    }
    size_t seen = 0, found = 0;
    for (uint32_t number = slab_next(&slab, 0); number != 0; number = slab_next(&slab, number)) {
        seen++;
        found += thing_at(&slab, number)->number == number;
    }
    assert_int_equal(found, G_N_ELEMENTS(NUMBERS));
    assert_true(seen <= 4 * SLAB_CHUNK);
    assert_ptr_equal(slab_reach(&slab, 3), slab_at(&slab, 3)); /* again: what is there stays */
    assert_ptr_equal(slab_find(&slab, 3), slab_at(&slab, 3));
    assert_null(slab_find(&slab, NUMBERS[G_N_ELEMENTS(NUMBERS) - 1] + 100 * SLAB_CHUNK));
    assert_int_equal(thing_at(&slab, 3)->number, 3);
    slab_clear(&slab);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_things_stay),
        cmocka_unit_test(test_numbers_come_again),
        cmocka_unit_test(test_reaching),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
