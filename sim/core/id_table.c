/* The set of numbers. See id_table.h. */
#include "core/id_table.h"

#include "core/check.h"

#include <glib.h>

void id_table_clear(IdTable *table)
{
    g_free(table->ids);
    places_clear(&table->places);
    table->ids = NULL;
}

/* With as much room as the numbers need, and without the places of those that have gone. */
static void make_room(IdTable *table)
{
    IdTable old = *table;
    table->places = places_new(old.places.count);
    table->ids = g_new(uint32_t, table->places.capacity);
    uint32_t at = 0;
    for (uint32_t id; (id = id_table_each(&old, &at)) != 0;)
        table->ids[places_take(&table->places, table->hash_of(table->owner, id))] = id;
    id_table_clear(&old);
}

void id_table_add(IdTable *table, uint32_t hash, uint32_t id)
{
    if (places_are_full(&table->places))
        make_room(table);
    table->ids[places_take(&table->places, hash)] = id;
}

void id_table_remove(IdTable *table, uint32_t id)
{
    TableProbe probe = id_table_probe(table, table->hash_of(table->owner, id));
    uint32_t place = places_next(&table->places, &probe);
    while (place != PLACE_NONE && table->ids[place] != id)
        place = places_next(&table->places, &probe);
    CHECK(place != PLACE_NONE);
    places_give_back(&table->places, place);
}
