/* The places of a table. See places.h. */
#include "core/places.h"

#include <glib.h>

enum { FIRST_CAPACITY = 8 };

void places_clear(Places *places)
{
    g_free(places->tags);
    *places = (Places){0};
}

bool places_are_full(const Places *places)
{
    return (places->used + 1) * UINT64_C(4) > places->capacity * UINT64_C(3);
}

Places places_new(uint32_t count)
{
    uint32_t capacity = FIRST_CAPACITY;
    while (capacity / 2 < count + 1)
        capacity *= 2;
    return (Places){.tags = g_new0(uint8_t, capacity), .capacity = capacity};
}

uint32_t places_take(Places *places, uint32_t hash)
{
    uint32_t at = hash & (places->capacity - 1);
    while (places->tags[at] >= PLACE_HELD)
        at = (at + 1) & (places->capacity - 1);
    places->used += places->tags[at] == PLACE_FREE;
    places->count++;
    places->tags[at] = places_tag(hash);
    return at;
}

void places_give_back(Places *places, uint32_t place)
{
    uint32_t next = (place + 1) & (places->capacity - 1);
    bool is_last = places->tags[next] == PLACE_FREE;
    places->tags[place] = is_last ? PLACE_FREE : PLACE_GONE;
    places->used -= is_last;
    places->count--;
}
