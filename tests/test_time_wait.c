/* Tests of net/time_wait: the queue of connections in TIME-WAIT. */
#include "net/time_wait.h"

#include "core/random.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <glib.h>

static void add(TimeWaitQueue *queue, uint64_t key, SimTime ends_at)
{
    TimeWait wait = {.key = key, .connection = 2 * key, .tcp.ends_at = ends_at};
    time_wait_add(queue, &wait);
}

/* Each is found by its key while the ring grows and turns; the first is never one that
 * has been taken out. */
static void test_keys_find_what_was_added(void **state)
{
    (void)state;
    enum { STEPS = 20000 };
    Random random = random_stream(1, "time-wait", RANDOM_WORKLOAD);
    TimeWaitQueue queue = {0};
    g_autoptr(GArray) keys = g_array_new(FALSE, FALSE, sizeof(uint64_t));
    for (uint64_t step = 1; step <= STEPS; step++) {
        bool grows = random_draw_below(&random, 100) < (step % 4000 < 2000 ? 60u : 40u);
        if (grows || keys->len == 0) {
            add(&queue, step, (SimTime)step);
            g_array_append_val(keys, step);
        } else {
            guint i = (guint)random_draw_below(&random, keys->len);
            uint64_t key = g_array_index(keys, uint64_t, i);
            TimeWait wait = time_wait_take_out(&queue, time_wait_find(&queue, key));
            assert_int_equal(wait.key, key);
            assert_int_equal(wait.connection, 2 * wait.key);
            assert_int_equal(time_wait_find(&queue, key), 0);
            g_array_remove_index(keys, i); /* the others stay in their order */
        }
        assert_int_equal(time_wait_is_empty(&queue), keys->len == 0);
        if (keys->len > 0)
            assert_int_equal(time_wait_at(&queue, queue.first)->key,
                             g_array_index(keys, uint64_t, 0));
    }
    assert_in_range(keys->len, 1, STEPS);
    time_wait_clear(&queue);
    assert_true(time_wait_is_empty(&queue));
}

static void test_ends_in_order(void **state)
{
    (void)state;
    TimeWaitQueue queue = {0};
    assert_true(time_wait_takes(&queue, 0));
    add(&queue, 1, 100);
    add(&queue, 2, 100);
    assert_true(time_wait_takes(&queue, 100));
    assert_false(time_wait_takes(&queue, 99));
    time_wait_take_out(&queue, time_wait_find(&queue, 1));
    time_wait_take_out(&queue, queue.first);
    assert_true(time_wait_takes(&queue, 1));
    time_wait_clear(&queue);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_keys_find_what_was_added),
        cmocka_unit_test(test_ends_in_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
