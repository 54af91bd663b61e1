/* Tests of table: what is added is found until it is removed, whatever the hashes. */
#include "core/table.h"

#include <glib.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>

#include <cmocka.h>

enum { THINGS = 3000 };

typedef struct Thing {
    uint32_t number, hash;
} Thing;

static uint32_t hash_of(const void *thing)
{
    return ((const Thing *)thing)->hash;
}

static Thing *find(const Table *table, uint32_t hash, uint32_t number)
{
    TableProbe probe = table_probe(table, hash);
    Thing *thing;
    while ((thing = table_next(table, &probe)) != NULL && thing->number != number)
        continue;
    return thing;
}

static size_t count_each(const Table *table)
{
    size_t at = 0, count = 0;
    while (table_each(table, &at) != NULL)
        count++;
    return count;
}

static void test_empty(void **state)
{
    (void)state;
    Table table = {.hash_of = hash_of};
    assert_null(find(&table, 7, 7));
    assert_int_equal(count_each(&table), 0);
    Thing thing = {7, 7};
    table_add(&table, thing.hash, &thing);
    assert_ptr_equal(find(&table, 7, 7), &thing);
    assert_null(find(&table, 7, 8));
    table_remove(&table, &thing);
    assert_null(find(&table, 7, 7));
    table_clear(&table);
    assert_null(find(&table, 7, 7));
}

/* `mask` says how many different hashes there are. */
static void check_all(uint32_t mask)
{
    Table table = {.hash_of = hash_of};
    g_autofree Thing *things = g_new0(Thing, THINGS);
    for (uint32_t i = 0; i < THINGS; i++) {
        things[i] = (Thing){i, table_hash_number(i) & mask};
        table_add(&table, things[i].hash, &things[i]);
        if (i >= 100) /* a window of a hundred moves along */
            table_remove(&table, &things[i - 100]);
    }
    assert_int_equal(table.places.count, 100);
    assert_int_equal(count_each(&table), 100);
    assert_true(table.places.capacity <= 512);
    for (uint32_t i = 0; i < THINGS; i++) {
        const Thing *found = find(&table, things[i].hash, i);
        assert_ptr_equal(found, i >= THINGS - 100 ? &things[i] : NULL);
    }
    for (uint32_t i = 0; i < THINGS - 100; i++)
        table_add(&table, things[i].hash, &things[i]);
    assert_true(table.places.capacity <= 8192);
    for (uint32_t i = 0; i < THINGS; i++)
        assert_ptr_equal(find(&table, things[i].hash, i), &things[i]);
    table_clear(&table);
}

static void test_things_come_and_go(void **state)
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

static void test_hash_takes_all_octets(void **state)
{
    (void)state;
    char text[] = "spool/queue/1-12345";
    uint32_t hash = table_hash(text, strlen(text));
    for (size_t i = 0; i < strlen(text); i++) {
        char before = text[i];
        text[i] ^= 1;
        assert_int_not_equal(table_hash(text, strlen(text)), hash);
        text[i] = before;
    }
    assert_int_equal(table_hash(text, strlen(text)), hash);
    assert_int_not_equal(table_hash("", 0), table_hash("\0", 1));
}

/* Names that differ in their last digits come to different places. */
static void test_hash_spreads_numbered_names(void **state)
{
    (void)state;
    enum { NAMES = 10000, PLACES = 16384 };
    static const char *const FORMS[] = {"m-%04d", "a-0%04d", "news-1%04d", "spool/queue/1-%04d"};
    for (size_t form = 0; form < G_N_ELEMENTS(FORMS); form++) {
        g_autofree bool *is_taken = g_new0(bool, PLACES);
        unsigned taken = 0;
        for (int i = 0; i < NAMES; i++) {
            char name[32];
            g_snprintf(name, sizeof name, FORMS[form], i);
            bool *place = &is_taken[table_hash(name, strlen(name)) % PLACES];
            taken += !*place;
            *place = true;
        }
        assert_true(taken >= 7000); /* by chance it would be 7,484 */
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_empty),
        cmocka_unit_test(test_things_come_and_go),
        cmocka_unit_test(test_equal_hashes),
        cmocka_unit_test(test_hash_takes_all_octets),
        cmocka_unit_test(test_hash_spreads_numbered_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
