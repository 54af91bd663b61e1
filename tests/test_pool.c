/* Memory for things of one size (core/pool.h). */
#include "core/cache_line.h"
#include "core/pool.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

enum { SIZE = 100, THINGS = 200 };

/* More than a block of them: aligned, and none in another's way. */
static void test_things_are_apart(void **state)
{
    (void)state;
    Pool *pool = pool_new(SIZE);
    unsigned char *things[THINGS];
    for (int i = 0; i < THINGS; i++) {
        things[i] = pool_take(pool);
        assert_int_equal((uintptr_t)things[i] % CACHE_LINE, 0);
        memset(things[i], i, SIZE);
    }
    for (int i = 0; i < THINGS; i++) {
        for (int octet = 0; octet < SIZE; octet++)
            assert_int_equal(things[i][octet], i);
        pool_give_back(pool, things[i]);
    }
    pool_close(pool);
}

/* What is given back in between is given out again, and still nobody is in another's way. */
static void test_things_come_and_go(void **state)
{
    (void)state;
    Pool *pool = pool_new(sizeof(int));
    int *things[THINGS] = {NULL};
    for (int step = 0; step < 10 * THINGS; step++) {
        int i = step * 7 % THINGS;
        if (things[i] == NULL) {
            things[i] = pool_take(pool);
            *things[i] = i;
        } else if (step % 3 != 0) {
            assert_int_equal(*things[i], i);
            pool_give_back(pool, things[i]);
            things[i] = NULL;
        }
    }
    for (int i = 0; i < THINGS; i++) {
        if (things[i] != NULL)
            pool_give_back(pool, things[i]);
    }
    pool_close(pool);
}

/* The last thing takes the pool along; AddressSanitizer would see a leak, or a use after it. */
static void test_things_may_outlive_the_pool(void **state)
{
    (void)state;
    Pool *pool = pool_new(SIZE);
    unsigned char *first = pool_take(pool), *second = pool_take(pool);
    pool_close(pool);
    memset(first, 1, SIZE);
    pool_give_back(pool, first);
    memset(second, 2, SIZE);
    assert_int_equal(second[SIZE - 1], 2);
    pool_give_back(pool, second);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_things_are_apart),
        cmocka_unit_test(test_things_come_and_go),
        cmocka_unit_test(test_things_may_outlive_the_pool),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
