/* Tests of id_table: what is added is found until it is removed, whatever the hashes. */
#include "core/id_table.h"

#include <glib.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>

#include <cmocka.h>

enum { IDS = 3000, WINDOW = 100 };

static uint32_t hash_of(const void *mask, uint32_t id)
{
    return table_hash_number(id) & *(const uint32_t *)mask;
}

static bool has(const IdTable *table, uint32_t id)
{
    TableProbe probe = id_table_probe(table, hash_of(table->owner, id));
    uint32_t found;
    while ((found = id_table_next(table, &probe)) != 0 && found != id)
        continue;
    return found == id;
}

static void add(IdTable *table, uint32_t id)
{
    id_table_add(table, hash_of(table->owner, id), id);
}

static void test_empty(void **state)
{
    (void)state;
    const uint32_t mask = UINT32_MAX;
    IdTable table = {.hash_of = hash_of, .owner = &mask};
    assert_false(has(&table, 7));
    add(&table, 7);
    assert_true(has(&table, 7));
    assert_false(has(&table, 8));
    id_table_remove(&table, 7);
    assert_false(has(&table, 7));
    id_table_clear(&table);
    assert_false(has(&table, 7));
}

/* `mask` says how many different hashes there are. */
static void check_all(uint32_t mask)
{
    IdTable table = {.hash_of = hash_of, .owner = &mask};
    for (uint32_t id = 1; id <= IDS; id++) {
        add(&table, id);
        if (id > WINDOW) /* moves along */
            id_table_remove(&table, id - WINDOW);
    }
    assert_int_equal(table.places.count, WINDOW);
    assert_true(table.places.capacity <= 512);
    for (uint32_t id = 1; id <= IDS; id++)
        assert_int_equal(has(&table, id), id > IDS - WINDOW);
    for (uint32_t id = 1; id <= IDS - WINDOW; id++)
        add(&table, id);
    assert_true(table.places.capacity <= 8192);
    for (uint32_t id = 1; id <= IDS; id++)
        assert_true(has(&table, id));
    id_table_clear(&table);
}

static void test_ids_come_and_go(void **state)
{
    (void)state;
    check_all(UINT32_MAX);
}

static void test_equal_hashes(void **state)
{
    (void)state;
    check_all(0x3f);
    check_all(0xfe000000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_empty),
        cmocka_unit_test(test_ids_come_and_go),
        cmocka_unit_test(test_equal_hashes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
