/* Things known by numbers. See slab.h. */
#include "core/slab.h"

#include "core/check.h"

#include <glib.h>
#include <string.h>

/* Below these there may be things. */
static uint32_t numbers_end(const Slab *slab)
{
    return slab->chunk_count * SLAB_CHUNK;
}

void slab_clear(Slab *slab)
{
    for (uint32_t i = 0; i < slab->chunk_count; i++)
        g_free(slab->chunks[i]);
    g_free(slab->chunks);
    g_free(slab->spare);
    *slab = (Slab){.size = slab->size};
}

/* Twice as many places for chunks, or as many as the number asks for. */
static void add_places(Slab *slab, uint32_t number)
{
    uint32_t count = MAX(2 * slab->chunk_count, number / SLAB_CHUNK + 1);
    slab->chunks = g_renew(char *, slab->chunks, count);
    memset(slab->chunks + slab->chunk_count, 0, (count - slab->chunk_count) * sizeof *slab->chunks);
    slab->chunk_count = count;
}

void slab_lengthen(Slab *slab, uint32_t number)
{
    if (number >= numbers_end(slab))
        add_places(slab, number);
    char **chunk = &slab->chunks[number / SLAB_CHUNK];
    if (*chunk == NULL)
        *chunk = g_malloc0(SLAB_CHUNK * slab->size);
}

uint32_t slab_take(Slab *slab)
{
    if (slab->spare_count > 0)
        return slab->spare[--slab->spare_count];
    CHECK(slab->end < UINT32_MAX);
    uint32_t number = MAX(slab->end, 1);
    slab->end = number + 1;
    slab_reach(slab, number);
    return number;
}

void slab_give_back(Slab *slab, uint32_t number)
{
    CHECK(number > 0 && number < slab->end);
    memset(slab_at(slab, number), 0, slab->size);
    if (slab->spare_count == slab->spare_room) {
        slab->spare_room = MAX(2 * slab->spare_room, SLAB_CHUNK);
        slab->spare = g_renew(uint32_t, slab->spare, slab->spare_room);
    }
    slab->spare[slab->spare_count++] = number;
}

uint32_t slab_next(const Slab *slab, uint32_t number)
{
    for (number++; number < numbers_end(slab); number = (number / SLAB_CHUNK + 1) * SLAB_CHUNK) {
        if (slab->chunks[number / SLAB_CHUNK] != NULL)
            return number;
    }
    return 0;
}
