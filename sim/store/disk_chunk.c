/* Contents of files, and how power tears them. See disk_chunk.h. */
#include "store/disk_chunk.h"

#include <stdbool.h>
#include <string.h>

struct Chunk {
    unsigned references;
    GBytes *bytes;
    Chunk *before;
    uint64_t size; /* octets, of those before too */
};

uint64_t chunk_size(const Chunk *chunk)
{
    return chunk != NULL ? chunk->size : 0;
}

Chunk *chunk_ref(Chunk *chunk)
{
    if (chunk != NULL)
        chunk->references++;
    return chunk;
}

void chunk_unref(Chunk *chunk)
{
    while (chunk != NULL && --chunk->references == 0) {
        Chunk *before = chunk->before;
        g_bytes_unref(chunk->bytes);
        g_free(chunk);
        chunk = before;
    }
}

Chunk *chunk_append(Chunk *before, GBytes *bytes)
{
    if (g_bytes_get_size(bytes) == 0)
        return before;
    Chunk *chunk = g_new(Chunk, 1);
    *chunk = (Chunk){1, g_bytes_ref(bytes), before, chunk_size(before) + g_bytes_get_size(bytes)};
    return chunk;
}

/* Copies all octets. */
static uint8_t *chunk_copy(const Chunk *chunk)
{
    uint8_t *all = g_malloc(chunk_size(chunk));
    for (const Chunk *at = chunk; at != NULL; at = at->before) {
        gsize size = 0;
        const void *data = g_bytes_get_data(at->bytes, &size);
        memcpy(all + chunk_size(at->before), data, size);
    }
    return all;
}

GBytes *chunk_read(const Chunk *chunk)
{
    if (chunk == NULL)
        return g_bytes_new(NULL, 0);
    if (chunk->before == NULL)
        return g_bytes_ref(chunk->bytes);
    return g_bytes_new_take(chunk_copy(chunk), chunk->size);
}

static bool chunk_begins_with(const Chunk *chunk, const Chunk *beginning)
{
    while (chunk != NULL && chunk != beginning)
        chunk = chunk->before;
    return chunk == beginning;
}

/* Each block that the disk had still to write is there or not; what was durable stays. */
static void lose_blocks(uint8_t *octets, uint64_t kept, uint64_t end, Random *draws)
{
    for (uint64_t from = kept; from < end;) {
        uint64_t next = MIN((from / DISK_BLOCK_SIZE + 1) * DISK_BLOCK_SIZE, end);
        if (random_draw_chance(draws, 1, 4))
            memset(octets + from, 0, next - from);
        from = next;
    }
}

typedef enum Tear { TEAR_OLD, TEAR_NEW, TEAR_SHORT, TEAR_WITH_HOLES, TEAR_COUNT } Tear;

Chunk *chunk_tear(Chunk *durable, Chunk *view, Random *draws)
{
    Tear tear = (Tear)random_draw_below(draws, TEAR_COUNT);
    if (tear == TEAR_OLD)
        return chunk_ref(durable);
    if (tear == TEAR_NEW || view == NULL)
        return chunk_ref(view);
    uint64_t kept = chunk_begins_with(view, durable) ? chunk_size(durable) : 0;
    uint64_t end = kept + random_draw_below(draws, chunk_size(view) - kept + 1);
    uint8_t *octets = chunk_copy(view);
    if (tear == TEAR_WITH_HOLES)
        lose_blocks(octets, kept, end, draws);
    g_autoptr(GBytes) all = g_bytes_new_take(octets, chunk_size(view));
    g_autoptr(GBytes) torn = g_bytes_new_from_bytes(all, 0, end);
    return chunk_append(NULL, torn);
}
