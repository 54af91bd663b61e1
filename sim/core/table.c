/* The set of things. See table.h. */
#include "core/table.h"

#include "core/check.h"

#include <glib.h>

void table_clear(Table *table)
{
    g_free(table->things);
    places_clear(&table->places);
    table->things = NULL;
}

/* With as much room as the things need, and without the places of those that have gone. */
static void make_room(Table *table)
{
    Table old = *table;
    table->places = places_new(old.places.count);
    table->things = g_new(void *, table->places.capacity);
    size_t at = 0;
    for (void *thing; (thing = table_each(&old, &at)) != NULL;)
        table->things[places_take(&table->places, table->hash_of(thing))] = thing;
    table_clear(&old);
}

void table_add(Table *table, uint32_t hash, void *thing)
{
    if (places_are_full(&table->places))
        make_room(table);
    table->things[places_take(&table->places, hash)] = thing;
}

void table_remove(Table *table, const void *thing)
{
    TableProbe probe = table_probe(table, table->hash_of(thing));
    uint32_t place = places_next(&table->places, &probe);
    while (place != PLACE_NONE && table->things[place] != thing)
        place = places_next(&table->places, &probe);
    CHECK(place != PLACE_NONE);
    places_give_back(&table->places, place);
}
