/* Contents of files, and how power tears them. See disk_chunk.h. */
#include "store/disk_chunk.h"

#include <stdbool.h>
#include <string.h>

struct Chunk {
    Chunk *before;
    uint64_t size; /* octets, of those before too */
    unsigned references;
    bool is_shared; /* `bytes` holds a reference; otherwise the octets are here */
    union {
        GBytes *bytes;
        uint8_t octets[sizeof(GBytes *)]; /* or more */
    };
};

/* Few octets, such as a note in a journal has, take less room where they are than a reference to
 * them and what they would be shared by. */
enum { COPIED_MAX = 192 };

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
        if (chunk->is_shared)
            g_bytes_unref(chunk->bytes);
        g_free(chunk);
        chunk = before;
    }
}

Chunk *chunk_append(Chunk *before, GBytes *bytes)
{
    gsize size = 0;
    const void *data = g_bytes_get_data(bytes, &size);
    if (size == 0)
        return before;
    bool is_shared = size > COPIED_MAX;
    size_t more = is_shared || size <= sizeof(GBytes *) ? 0 : size - sizeof(GBytes *);
    Chunk *chunk = g_malloc(sizeof *chunk + more);
    chunk->before = before;
    chunk->size = chunk_size(before) + size;
    chunk->references = 1;
    chunk->is_shared = is_shared;
    if (is_shared)
        chunk->bytes = g_bytes_ref(bytes);
    else
        memcpy(chunk->octets, data, size);
    return chunk;
}

/* Copies all octets. */
static uint8_t *chunk_copy(const Chunk *chunk)
{
    uint8_t *all = g_malloc(chunk_size(chunk));
    for (const Chunk *at = chunk; at != NULL; at = at->before) {
        const void *data = at->is_shared ? g_bytes_get_data(at->bytes, NULL) : at->octets;
        memcpy(all + chunk_size(at->before), data, at->size - chunk_size(at->before));
    }
    return all;
}

GBytes *chunk_read(const Chunk *chunk)
{
    if (chunk == NULL)
        return g_bytes_new(NULL, 0);
    if (chunk->before == NULL && chunk->is_shared)
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
