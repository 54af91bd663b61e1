/* A set of numbers of things (core/slab.h) that are found by what the things are called: table.h
 * for numbers, with 5 octets a place. Number 0 is none.
 *
 *     TableProbe probe = id_table_probe(table, hash);
 *     while ((id = id_table_next(table, &probe)) != 0 && !is_called(id, name))
 *         continue;
 *
 * A zero IdTable is an empty one, but for its `hash_of` and `owner`. */
#pragma once

#include "core/table.h"

typedef struct IdTable {
    uint32_t (*hash_of)(const void *owner, uint32_t id);
    const void *owner; /* who knows what a number means */
    uint32_t *ids;     /* by their places */
    Places places;
} IdTable;

void id_table_clear(IdTable *table);
/* The table has no such number; `hash` is what `hash_of` says of it. */
void id_table_add(IdTable *table, uint32_t hash, uint32_t id);
/* The number is in the table; what its thing is called is still what it was. */
void id_table_remove(IdTable *table, uint32_t id);

/* All numbers, for what their order does not matter to: from `*at` 0 on; 0 ends them. */
static inline uint32_t id_table_each(const IdTable *table, uint32_t *at)
{
    uint32_t place = places_held_from(&table->places, *at);
    if (place == PLACE_NONE)
        return 0;
    *at = place + 1;
    return table->ids[place];
}

static inline TableProbe id_table_probe(const IdTable *table, uint32_t hash)
{
    return places_probe(&table->places, hash);
}

/* The next number that may be the one looked for; 0: there is none. */
static inline uint32_t id_table_next(const IdTable *table, TableProbe *probe)
{
    uint32_t place = places_next(&table->places, probe);
    return place != PLACE_NONE ? table->ids[place] : 0;
}
