/* The places of an open-addressed table, by linear probing: which are held, and by something of
 * what hash. What stands in them is the table's own (core/table.h, core/id_table.h). From 3 to 6 of
 * 8 places are in use.
 *
 * Beside each stands an octet of its hash, so that hardly any thing but the one looked for is
 * touched. Zero Places are none. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct Places {
    uint8_t *tags;     /* PLACE_FREE, PLACE_GONE, or PLACE_HELD and bits of the hash */
    uint32_t capacity; /* a power of two, or 0 */
    uint32_t count;    /* held */
    uint32_t used;     /* not free: what has gone keeps its place for a while */
} Places;

enum { PLACE_FREE, PLACE_GONE, PLACE_HELD = 0x80 };
/* No place. */
#define PLACE_NONE UINT32_MAX

void places_clear(Places *places);
/* Whether one more needs new places first: places_new. */
bool places_are_full(const Places *places);
/* As many as `count` and one more need, all free. */
Places places_new(uint32_t count);
/* The place that something of that hash holds from now on. */
uint32_t places_take(Places *places, uint32_t hash);
void places_give_back(Places *places, uint32_t place);

/* Where one looks for something of some hash. */
typedef struct TableProbe {
    uint32_t at; /* the place to look at next */
    uint8_t tag;
} TableProbe;

static inline uint8_t places_tag(uint32_t hash)
{
    return (uint8_t)(PLACE_HELD | hash >> 25);
}

static inline TableProbe places_probe(const Places *places, uint32_t hash)
{
    return (TableProbe){hash & (places->capacity - 1), places_tag(hash)};
}

/* The next place that may be the one looked for, or PLACE_NONE. */
static inline uint32_t places_next(const Places *places, TableProbe *probe)
{
    if (places->count == 0)
        return PLACE_NONE;
    for (;;) {
        uint32_t at = probe->at;
        uint8_t tag = places->tags[at];
        probe->at = (at + 1) & (places->capacity - 1);
        if (tag == probe->tag)
            return at;
        if (tag == PLACE_FREE)
            return PLACE_NONE;
    }
}

/* The first that is held from `at` on, or PLACE_NONE. */
static inline uint32_t places_held_from(const Places *places, uint32_t at)
{
    while (at < places->capacity && places->tags[at] < PLACE_HELD)
        at++;
    return at < places->capacity ? at : PLACE_NONE;
}
