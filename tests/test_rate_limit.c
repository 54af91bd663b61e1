/* So many in so much time. */
#include "policy/rate_limit.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void test_rate_limit_is_exact(void **state)
{
    (void)state;
    RateLimit *limit = rate_limit_new(2, SIM_HOUR);
    for (SimTime now = 0; now < 10 * SIM_HOUR; now += SIM_HOUR) {
        assert_true(rate_limit_has_room(limit, "a", now));
        rate_limit_count(limit, "a", now);
        assert_true(rate_limit_has_room(limit, "a", now + SIM_MINUTE));
        rate_limit_count(limit, "a", now + SIM_MINUTE);
        assert_false(rate_limit_has_room(limit, "a", now + SIM_HOUR - 1));
        assert_true(rate_limit_has_room(limit, "b", now));
    }
    rate_limit_free(limit);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rate_limit_is_exact),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
