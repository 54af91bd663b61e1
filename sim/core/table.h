/* A set of things that are found by what they are called: an open-addressed table of pointers. The
 * things keep their keys themselves, and a place takes 9 octets here. The owner of the table says
 * when two things are the same:
 *
 *     TableProbe probe = table_probe(table, hash);
 *     while ((thing = table_next(table, &probe)) != NULL && strcmp(thing->name, name) != 0)
 *         continue;
 *
 * A zero Table is an empty one, but for its `hash_of`. Its order is for nobody to see. */
#pragma once

#include "core/places.h"

#include <stddef.h>
#include <stdint.h>
#include <string.h>

typedef struct Table {
    uint32_t (*hash_of)(const void *thing);
    void **things; /* by their places */
    Places places;
} Table;

/* Forgets all things, which are the owner's. */
void table_clear(Table *table);
static inline size_t table_count(const Table *table)
{
    return table->places.count;
}
/* The table has no thing that is the same; `hash` is what `hash_of` says of it. */
void table_add(Table *table, uint32_t hash, void *thing);
/* The thing is in the table; its key is still what it was. */
void table_remove(Table *table, const void *thing);

/* Mixes a number well, as into a hash. Its upper half goes into the lower one first, as no digit of
 * a product depends on higher ones of its factors: and names differ in their last octets. */
static inline uint32_t table_hash_number(uint64_t number)
{
    number = (number ^ number >> 32) * UINT64_C(0x9e3779b97f4a7c15);
    return (uint32_t)(number >> 32);
}

/* Fewer than eight octets as a number, the first the lowest. */
static inline uint64_t table_few_octets(const char *octets, size_t length)
{
    enum { HALF = 4, BITS = 8 };
    uint32_t low = 0, last = 0;
    if (length < HALF) {
        while (length-- > 0)
            low = low << BITS | (uint8_t)octets[length];
        return low;
    }
    memcpy(&low, octets, HALF);
    memcpy(&last, octets + length - HALF, HALF); /* some octets once more: they are shifted out */
    return (uint64_t)last >> (2 * HALF - length) * BITS << HALF * BITS | low;
}

/* Of so many octets, taken eight at a time. */
static inline uint32_t table_hash(const char *octets, size_t length)
{
    uint64_t hash = length, eight = 0;
    if (length < sizeof eight)
        return table_hash_number(hash ^ table_few_octets(octets, length));
    const char *last = octets + length - sizeof eight; /* eight octets, some of them once more */
    for (; octets < last; octets += sizeof eight) {
        memcpy(&eight, octets, sizeof eight);
        hash = (hash ^ eight) * UINT64_C(0x9e3779b97f4a7c15);
        hash ^= hash >> 32;
    }
    memcpy(&eight, last, sizeof eight);
    return table_hash_number(hash ^ eight);
}

static inline TableProbe table_probe(const Table *table, uint32_t hash)
{
    return places_probe(&table->places, hash);
}

/* The next thing that may be the one looked for; NULL: there is none. */
static inline void *table_next(const Table *table, TableProbe *probe)
{
    uint32_t place = places_next(&table->places, probe);
    return place != PLACE_NONE ? table->things[place] : NULL;
}

/* All things, for what their order does not matter to: from `*at` 0 on; NULL ends them. */
static inline void *table_each(const Table *table, size_t *at)
{
    uint32_t place = places_held_from(&table->places, (uint32_t)*at);
    if (place == PLACE_NONE)
        return NULL;
    *at = (size_t)place + 1;
    return table->things[place];
}
