/* The set of things. See table.h. Linear probing, at most three quarters full. */
#include "core/table.h"

#include "core/check.h"

#include <glib.h>

enum { FIRST_CAPACITY = 8 };

void table_clear(Table *table)
{
    g_free(table->things);
    g_free(table->tags);
    *table = (Table){.hash_of = table->hash_of};
}

static void put(Table *table, uint32_t hash, void *thing)
{
    size_t at = hash & (table->capacity - 1);
    while (table->tags[at] >= TABLE_HELD)
        at = (at + 1) & (table->capacity - 1);
    table->used += table->tags[at] == TABLE_FREE;
    table->count++;
    table->tags[at] = table_tag(hash);
    table->things[at] = thing;
}

/* With as much room as the things need, and without the places of those that have gone. */
static void make_room(Table *table)
{
    Table old = *table;
    size_t capacity = FIRST_CAPACITY;
    while (capacity / 2 < old.count + 1)
        capacity *= 2;
    *table = (Table){.hash_of = old.hash_of,
                     .things = g_new(void *, capacity),
                     .tags = g_new0(uint8_t, capacity),
                     .capacity = capacity};
    size_t at = 0;
    for (void *thing; (thing = table_each(&old, &at)) != NULL;)
        put(table, table->hash_of(thing), thing);
    table_clear(&old);
}

void table_add(Table *table, uint32_t hash, void *thing)
{
    if ((table->used + 1) * 4 > table->capacity * 3)
        make_room(table);
    put(table, hash, thing);
}

void table_remove(Table *table, const void *thing)
{
    TableProbe probe = table_probe(table, table->hash_of(thing));
    const void *found = table_next(table, &probe);
    while (found != NULL && found != thing)
        found = table_next(table, &probe);
    CHECK(found != NULL);
    size_t at = (probe.at - 1) & (table->capacity - 1);
    bool is_last = table->tags[probe.at] == TABLE_FREE;
    table->tags[at] = is_last ? TABLE_FREE : TABLE_GONE;
    table->used -= is_last;
    table->count--;
}
