/* The content of a file: a chain of shared chunks, each pointing to the one before, so that an
 * append copies nothing. A content is its last chunk; NULL is the empty one. */
#pragma once

#include "core/random.h"
#include "store/disk.h"

#include <glib.h>
#include <stdint.h>

typedef struct Chunk Chunk;

/* What a disk writes whole or not at all. */
enum { DISK_BLOCK_SIZE = 512 };

uint64_t chunk_size(const Chunk *chunk);
/* Whether it is not NULL, and no others are before it. */
bool chunk_is_alone(const Chunk *chunk);
Chunk *chunk_ref(Chunk *chunk);
void chunk_unref(Chunk *chunk);
/* A content by itself; shares `bytes`, if they are many. */
Chunk *chunk_new(Octets *bytes);
Chunk *chunk_new_octets(Span octets);
/* Takes over what the value owns. */
Chunk *chunk_new_value(const DiskValue *value);
/* Puts `chunk`, which is NULL or a content by itself and stays in this place, behind `before`;
 * takes the references to both over. */
Chunk *chunk_append(Chunk *before, Chunk *chunk);
/* Where a value stands behind two or more that nobody else has, all of the content is put together
 * into one piece of memory, if it is not much. Takes the reference over, and gives one to the same
 * content. */
Chunk *chunk_fold(Chunk *chunk);
Octets *chunk_read(const Chunk *chunk);
/* See disk_each_value. */
void chunk_each_value(const Chunk *chunk, const DiskValueVisitor *visitor);
/* The same, but where it costs less, only the first `count` octets of more. */
Octets *chunk_read_beginning(const Chunk *chunk, size_t count);
/* What a loss of power leaves where `durable` is for certain on the disk and `view` is not: see
 * disk.h. A new reference. */
Chunk *chunk_tear(Chunk *durable, Chunk *view, Random *draws);
