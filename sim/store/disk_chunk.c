/* Contents of files, and how power tears them. See disk_chunk.h. */
#include "store/disk_chunk.h"

#include "core/check.h"

#include <stdbool.h>
#include <string.h>

typedef enum ChunkKind { CHUNK_OCTETS, CHUNK_BYTES, CHUNK_VALUE } ChunkKind;

enum { REFERENCES_MAX = (1 << 18) - 1, KIND_MASK = 3 };
#define CHUNK_SIZE_MAX ((UINT64_C(1) << 44) - 1)

/* Every message on a disk has one or more, so it is packed. */
struct Chunk {
    Chunk *before;
    uint64_t size : 44; /* octets, of those before too */
    uint64_t kind : 2;  /* ChunkKind */
    uint64_t references : 18;
    union {
        uint8_t octets[sizeof(GBytes *)]; /* or more */
        GBytes *bytes;                    /* a reference */
        const DiskValueType *type;        /* the value lies behind the chunk */
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
    if (chunk != NULL) {
        CHECK(chunk->references < REFERENCES_MAX);
        chunk->references++;
    }
    return chunk;
}

void chunk_unref(Chunk *chunk)
{
    while (chunk != NULL && --chunk->references == 0) {
        Chunk *before = chunk->before;
        if (chunk->kind == CHUNK_BYTES)
            g_bytes_unref(chunk->bytes);
        else if (chunk->kind == CHUNK_VALUE && chunk->type->clear != NULL)
            chunk->type->clear(chunk + 1);
        g_free(chunk);
        chunk = before;
    }
}

static void chunk_set_size(Chunk *chunk, uint64_t size)
{
    CHECK(size <= CHUNK_SIZE_MAX);
    chunk->size = size & CHUNK_SIZE_MAX;
}

/* With room for so much behind it. */
static Chunk *chunk_allocate(ChunkKind kind, uint64_t size, size_t room)
{
    Chunk *chunk = g_malloc(sizeof *chunk + room);
    chunk->before = NULL;
    chunk->references = 1;
    chunk->kind = kind & KIND_MASK;
    chunk_set_size(chunk, size);
    return chunk;
}

Chunk *chunk_new_octets(Span octets)
{
    size_t here = sizeof(GBytes *);
    if (octets.length == 0)
        return NULL;
    Chunk *chunk = chunk_allocate(CHUNK_OCTETS, octets.length,
                                  octets.length > here ? octets.length - here : 0);
    memcpy(chunk->octets, octets.data, octets.length);
    return chunk;
}

Chunk *chunk_new(GBytes *bytes)
{
    gsize size = 0;
    const void *data = g_bytes_get_data(bytes, &size);
    if (size <= COPIED_MAX)
        return chunk_new_octets(span_of(data, size));
    Chunk *chunk = chunk_allocate(CHUNK_BYTES, size, 0);
    chunk->bytes = g_bytes_ref(bytes);
    return chunk;
}

Chunk *chunk_new_value(const DiskValueType *type, const void *value, uint64_t octets)
{
    CHECK(octets > 0);
    Chunk *chunk = chunk_allocate(CHUNK_VALUE, octets, type->size);
    chunk->type = type;
    memcpy(chunk + 1, value, type->size);
    return chunk;
}

Chunk *chunk_append(Chunk *before, Chunk *chunk)
{
    if (chunk == NULL)
        return before;
    CHECK(chunk->before == NULL);
    chunk->before = before;
    chunk_set_size(chunk, chunk->size + chunk_size(before));
    return chunk;
}

/* Copies the octets of this chunk alone. */
static void copy_own(const Chunk *chunk, uint8_t *to, uint64_t size)
{
    switch ((ChunkKind)chunk->kind) {
    case CHUNK_OCTETS:
        memcpy(to, chunk->octets, size);
        break;
    case CHUNK_BYTES:
        memcpy(to, g_bytes_get_data(chunk->bytes, NULL), size);
        break;
    case CHUNK_VALUE:
        chunk->type->write(chunk + 1, to);
        break;
    }
}

/* Copies all octets. */
static uint8_t *chunk_copy(const Chunk *chunk)
{
    uint8_t *all = g_malloc(chunk_size(chunk));
    for (const Chunk *at = chunk; at != NULL; at = at->before)
        copy_own(at, all + chunk_size(at->before), at->size - chunk_size(at->before));
    return all;
}

GBytes *chunk_read(const Chunk *chunk)
{
    if (chunk == NULL)
        return g_bytes_new(NULL, 0);
    if (chunk->before == NULL && chunk->kind == CHUNK_BYTES)
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
    return chunk_new(torn);
}
