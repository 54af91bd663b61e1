/* The set of numbers. See id_table.h. Linear probing, at most three quarters full. */
#include "core/id_table.h"

#include "core/check.h"

#include <glib.h>

enum { FIRST_CAPACITY = 8 };

void id_table_clear(IdTable *table)
{
    g_free(table->ids);
    g_free(table->tags);
    *table = (IdTable){.hash_of = table->hash_of, .owner = table->owner};
}

static void put(IdTable *table, uint32_t hash, uint32_t id)
{
    size_t at = hash & (table->capacity - 1);
    while (table->tags[at] >= TABLE_HELD)
        at = (at + 1) & (table->capacity - 1);
    table->used += table->tags[at] == TABLE_FREE;
    table->count++;
    table->tags[at] = table_tag(hash);
    table->ids[at] = id;
}

/* With as much room as the numbers need, and without the places of those that have gone. */
static void make_room(IdTable *table)
{
    IdTable old = *table;
    uint32_t capacity = FIRST_CAPACITY;
    while (capacity / 2 < old.count + 1)
        capacity *= 2;
    *table = (IdTable){.hash_of = old.hash_of,
                       .owner = old.owner,
                       .ids = g_new(uint32_t, capacity),
                       .tags = g_new0(uint8_t, capacity),
                       .capacity = capacity};
    for (uint32_t i = 0; i < old.capacity; i++) {
        if (old.tags[i] >= TABLE_HELD)
            put(table, table->hash_of(table->owner, old.ids[i]), old.ids[i]);
    }
    id_table_clear(&old);
}

void id_table_add(IdTable *table, uint32_t hash, uint32_t id)
{
    if ((table->used + 1) * UINT64_C(4) > table->capacity * UINT64_C(3))
        make_room(table);
    put(table, hash, id);
}

void id_table_remove(IdTable *table, uint32_t id)
{
    TableProbe probe = id_table_probe(table, table->hash_of(table->owner, id));
    uint32_t found = id_table_next(table, &probe);
    while (found != 0 && found != id)
        found = id_table_next(table, &probe);
    CHECK(found != 0);
    size_t at = (probe.at - 1) & (table->capacity - 1);
    bool is_last = table->tags[probe.at] == TABLE_FREE;
    table->tags[at] = is_last ? TABLE_FREE : TABLE_GONE;
    table->used -= is_last;
    table->count--;
}
