/* Contents of files, and how power tears them. See disk_chunk.h. */
#include "store/disk_chunk.h"

#include "core/check.h"

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

typedef enum ChunkKind {
    CHUNK_OCTETS,
    CHUNK_BYTES,
    CHUNK_VALUE,
    CHUNK_ROW, /* all of a content: the others, each an octet of kind and length and then its own */
} ChunkKind;

enum { REFERENCES_MAX = (1 << 4) - 1, ROW_MAX = (1 << 14) - 1, KIND_MASK = 3, PART_KIND_SHIFT = 6 };
#define CHUNK_SIZE_MAX ((UINT64_C(1) << 44) - 1)

/* Every message on a disk has one or more, so it is packed. */
struct Chunk {
    union {
        Chunk *before;                 /* NULL: none */
        const DiskValueType *row_type; /* CHUNK_ROW, which has none before it: of its values */
    };
    uint64_t size : 44; /* octets, of those before too */
    uint64_t kind : 2;  /* ChunkKind */
    uint64_t references : 4;
    uint64_t length : 14; /* of the value, or the row */
    union {
        uint8_t octets[sizeof(Octets *)]; /* or more; of a row too */
        Octets *bytes;                    /* a reference */
        const DiskValueType *type;        /* of the value behind the chunk */
    };
};

/* Few octets, such as a note in a journal has, take less room where they are than a reference to
 * them and what they would be shared by. */
enum { COPIED_MAX = 192 };

uint64_t chunk_size(const Chunk *chunk)
{
    return chunk != NULL ? chunk->size : 0;
}

static Chunk *chunk_before(const Chunk *chunk)
{
    return chunk->kind != CHUNK_ROW ? chunk->before : NULL;
}

/* Of a value, or of those in a row. */
static const DiskValueType *type_of(const Chunk *chunk)
{
    return chunk->kind != CHUNK_ROW ? chunk->type : chunk->row_type;
}

bool chunk_is_alone(const Chunk *chunk)
{
    return chunk != NULL && chunk_before(chunk) == NULL;
}

Chunk *chunk_ref(Chunk *chunk)
{
    if (chunk != NULL) {
        CHECK(chunk->references < REFERENCES_MAX);
        chunk->references++;
    }
    return chunk;
}

/* One of those in a row, or a chunk looked at as one. */
typedef struct Part {
    ChunkKind kind;
    const uint8_t *own; /* its octets, its reference to bytes, or its value */
    size_t length;      /* of these */
} Part;

/* The value. */
static uint8_t *behind(const Chunk *chunk)
{
    return (uint8_t *)(uintptr_t)(chunk + 1);
}

static Octets *part_bytes(const Part *part)
{
    Octets *bytes;
    memcpy(&bytes, part->own, sizeof(Octets *));
    return bytes;
}

/* The row, which goes on beyond the chunk. */
static uint8_t *row_of(const Chunk *chunk)
{
    return (uint8_t *)(uintptr_t)chunk + offsetof(Chunk, octets);
}

static void part_clear(const Part *part, const DiskValueType *type)
{
    if (part->kind == CHUNK_BYTES)
        octets_unref(part_bytes(part));
    else if (part->kind == CHUNK_VALUE)
        type->clear(part->own);
}

/* Returns how many octets it has written. */
static size_t part_write(const Part *part, const DiskValueType *type, uint8_t *to)
{
    if (part->kind == CHUNK_VALUE)
        return type->write(part->own, to);
    Span octets = part->kind == CHUNK_BYTES ? span_of_octets(part_bytes(part))
                                            : span_of(part->own, part->length);
    memcpy(to, octets.data, octets.length);
    return octets.length;
}

/* Of a chunk that is no row. */
static Part part_of(const Chunk *chunk)
{
    switch ((ChunkKind)chunk->kind) {
    case CHUNK_OCTETS:
        return (Part){CHUNK_OCTETS, chunk->octets, chunk->size - chunk_size(chunk->before)};
    case CHUNK_BYTES:
        return (Part){CHUNK_BYTES, (const uint8_t *)&chunk->bytes, sizeof(Octets *)};
    case CHUNK_VALUE:
        return (Part){CHUNK_VALUE, behind(chunk), chunk->length};
    case CHUNK_ROW:
        break;
    }
    CHECK(false);
    return (Part){0};
}

static Part part_of_row(const Chunk *row, size_t at)
{
    const uint8_t *octets = row_of(row) + at;
    return (Part){octets[0] >> PART_KIND_SHIFT, octets + 1, octets[0] & DISK_VALUE_MAX};
}

/* The next part of a chunk, from `*at` 0 on; false behind the last. */
static bool next_part(const Chunk *chunk, size_t *at, Part *part)
{
    bool is_row = chunk->kind == CHUNK_ROW;
    if (*at >= (is_row ? chunk->length : 1))
        return false;
    *part = is_row ? part_of_row(chunk, *at) : part_of(chunk);
    *at += 1 + part->length;
    return true;
}

static void chunk_clear(const Chunk *chunk)
{
    Part part;
    for (size_t at = 0; next_part(chunk, &at, &part);)
        part_clear(&part, type_of(chunk));
}

void chunk_unref(Chunk *chunk)
{
    while (chunk != NULL && --chunk->references == 0) {
        Chunk *before = chunk_before(chunk);
        if (chunk->kind != CHUNK_OCTETS)
            chunk_clear(chunk);
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
    size_t here = sizeof(Octets *);
    if (octets.length == 0)
        return NULL;
    Chunk *chunk = chunk_allocate(CHUNK_OCTETS, octets.length,
                                  octets.length > here ? octets.length - here : 0);
    memcpy(chunk->octets, octets.data, octets.length);
    return chunk;
}

Chunk *chunk_new(Octets *bytes)
{
    Span octets = span_of_octets(bytes);
    if (octets.length <= COPIED_MAX)
        return chunk_new_octets(octets);
    Chunk *chunk = chunk_allocate(CHUNK_BYTES, octets.length, 0);
    chunk->bytes = octets_ref(bytes);
    return chunk;
}

Chunk *chunk_new_value(const DiskValue *value)
{
    size_t length = value->value.length;
    CHECK(value->octets > 0 && length > 0 && length <= DISK_VALUE_MAX);
    Chunk *chunk = chunk_allocate(CHUNK_VALUE, value->octets, length);
    chunk->type = value->type;
    chunk->length = length & DISK_VALUE_MAX;
    memcpy(behind(chunk), value->value.data, length);
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

/* ---- Rows ---- */

/* How many octets of a row the chunk makes; 0: it cannot be in one with values of this type. */
static size_t length_in_row(const Chunk *chunk, const DiskValueType *type)
{
    bool has_type = chunk->kind == CHUNK_VALUE || chunk->kind == CHUNK_ROW;
    if (chunk->references > 1 || (has_type && type_of(chunk) != type))
        return 0;
    if (chunk->kind == CHUNK_ROW)
        return chunk->length;
    Part part = part_of(chunk);
    return part.length <= DISK_VALUE_MAX ? 1 + part.length : 0;
}

/* So that the row ends at `end`. */
static void put_in_row(const Chunk *chunk, uint8_t *end)
{
    if (chunk->kind == CHUNK_ROW) {
        memcpy(end - chunk->length, row_of(chunk), chunk->length);
        return;
    }
    Part part = part_of(chunk);
    memcpy(end - part.length, part.own, part.length);
    end[-(ptrdiff_t)part.length - 1] = (uint8_t)(part.kind << PART_KIND_SHIFT | part.length);
}

/* Moves all that the chunks have into the row, which ends at `end`. */
static void fill_row(uint8_t *end, Chunk *chunk, const DiskValueType *type)
{
    for (Chunk *before; chunk != NULL; chunk = before) {
        before = chunk_before(chunk);
        put_in_row(chunk, end);
        end -= length_in_row(chunk, type);
        g_free(chunk);
    }
}

Chunk *chunk_fold(Chunk *chunk)
{
    enum { FEW = 2, MANY = 32 }; /* are not worth it; stand behind a row that is full */
    if (chunk == NULL || chunk->kind != CHUNK_VALUE || chunk->before == NULL)
        return chunk;
    if (chunk->before->kind != CHUNK_ROW && chunk->before->before == NULL)
        return chunk; /* as nearly all are that are synced, and these are few */
    size_t length = 0, count = 0;
    for (const Chunk *at = chunk; at != NULL; at = chunk_before(at)) {
        size_t more = length_in_row(at, chunk->type);
        length += more;
        count += at->kind == CHUNK_ROW ? FEW : 1;
        if (more == 0 || length > ROW_MAX || count > MANY)
            return chunk;
    }
    if (count <= FEW)
        return chunk;
    Chunk *row = chunk_allocate(CHUNK_ROW, chunk->size, length - sizeof row->octets);
    row->row_type = chunk->type;
    row->length = length & ROW_MAX;
    fill_row(row_of(row) + length, chunk, chunk->type);
    return row;
}

/* ---- Reading ---- */

/* Copies the octets of this chunk alone. */
static void copy_own(const Chunk *chunk, uint8_t *to)
{
    Part part;
    for (size_t at = 0; next_part(chunk, &at, &part);)
        to += part_write(&part, type_of(chunk), to);
}

void chunk_each_value(const Chunk *chunk, const DiskValueVisitor *visitor)
{
    Part part;
    for (; chunk != NULL; chunk = chunk_before(chunk)) {
        for (size_t at = 0; next_part(chunk, &at, &part);)
            if (part.kind == CHUNK_VALUE && type_of(chunk) == visitor->type)
                visitor->visit(visitor->owner, part.own);
    }
}

/* Copies all octets. */
static Octets *chunk_copy(const Chunk *chunk)
{
    Octets *all = octets_allocate(chunk_size(chunk));
    for (const Chunk *at = chunk; at != NULL; at = chunk_before(at))
        copy_own(at, all->here + chunk_size(chunk_before(at)));
    return all;
}

Octets *chunk_read(const Chunk *chunk)
{
    if (chunk == NULL)
        return octets_new(NULL, 0);
    if (chunk->kind == CHUNK_BYTES && chunk->before == NULL)
        return octets_ref(chunk->bytes);
    return chunk_copy(chunk);
}

/* It does where the content is one value and nothing else, as a message in a mailbox is. */
Octets *chunk_read_beginning(const Chunk *chunk, size_t count)
{
    bool is_value = chunk_is_alone(chunk) && chunk->kind == CHUNK_VALUE;
    if (!is_value || chunk->type->begin == NULL || chunk->size <= count)
        return chunk_read(chunk);
    Part value = part_of(chunk);
    Octets *beginning = octets_allocate(count);
    chunk->type->begin(value.own, beginning->here, count);
    return beginning;
}

static bool chunk_begins_with(const Chunk *chunk, const Chunk *beginning)
{
    while (chunk != NULL && chunk != beginning)
        chunk = chunk_before(chunk);
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
    g_autoptr(Octets) torn = chunk_copy(view);
    if (tear == TEAR_WITH_HOLES)
        lose_blocks(torn->here, kept, end, draws);
    torn->length = end;
    return chunk_new(torn);
}
