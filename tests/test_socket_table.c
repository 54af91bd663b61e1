/* Tests of net/socket_table: against GLib's hash table, through many insertions and removals. */
#include "net/socket_table.h"

#include "core/random.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <glib.h>

static uint64_t modelled(GHashTable *model, uint64_t key)
{
    return GPOINTER_TO_SIZE(g_hash_table_lookup(model, GSIZE_TO_POINTER(key + 1)));
}

/* Keys are few and close, so that runs of occupied entries form, wrap around and are cut. */
static void test_table_is_a_map(void **state)
{
    (void)state;
    enum { STEPS = 200000, KEYS = 400 };
    Random random = random_stream(1, "sockets", RANDOM_WORKLOAD);
    SocketTable table = {0};
    g_autoptr(GHashTable) model = g_hash_table_new(NULL, NULL);
    for (int step = 0; step < STEPS; step++) {
        uint64_t key = random_draw_below(&random, KEYS);
        uint64_t expected = modelled(model, key);
        assert_int_equal(socket_table_find(&table, key), expected);
        uint64_t chance = random_draw_below(&random, 100);
        uint64_t limit = step % 20000 < 10000 ? 70 : 30;
        if (expected == 0 && chance < limit) {
            uint64_t thing = (uint64_t)step + 1;
            socket_table_insert(&table, key, thing);
            g_hash_table_insert(model, GSIZE_TO_POINTER(key + 1), GSIZE_TO_POINTER(thing));
        } else if (expected != 0 && chance >= limit) {
            socket_table_remove(&table, key);
            g_hash_table_remove(model, GSIZE_TO_POINTER(key + 1));
        }
        assert_int_equal(table.count, g_hash_table_size(model));
    }
    for (uint64_t key = 0; key < KEYS; key++)
        assert_int_equal(socket_table_find(&table, key), modelled(model, key));
    socket_table_clear(&table);
    assert_int_equal(socket_table_find(&table, 0), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_table_is_a_map),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
