/* Many things of one size, each known by a number of 32 bits: where things name each other, that is
 * half of a pointer, and they lie close together. Number 0 is no thing's.
 *
 * A thing stays where it is from the time when its number is taken to when it is given back. A Slab
 * of zeros but for its `size` is an empty one. */
#pragma once

#include <stddef.h>
#include <stdint.h>

typedef struct Slab {
    size_t size;   /* octets of a thing */
    char **chunks; /* of SLAB_CHUNK things each; NULL: none of them has been there yet */
    uint32_t chunk_count;
    uint32_t end;    /* numbers from here on have never been taken; 0: none has */
    uint32_t *spare; /* numbers given back */
    uint32_t spare_count, spare_room;
} Slab;

/* With these a chunk has a size that an allocator has a class for. */
enum { SLAB_CHUNK = 32 };

/* Forgets all things, which are the owner's to clear before. */
void slab_clear(Slab *slab);
/* A number; its thing is zeros. */
uint32_t slab_take(Slab *slab);
void slab_give_back(Slab *slab, uint32_t number);
/* The thing of a number that is taken, or reached. */
static inline void *slab_at(const Slab *slab, uint32_t number)
{
    return slab->chunks[number / SLAB_CHUNK] + number % SLAB_CHUNK * slab->size;
}

/* For slab_reach alone. */
void slab_lengthen(Slab *slab, uint32_t number);

/* For a slab whose numbers another one gives out: the thing of that number, zeros where there was
 * none. What is there stays there, though its number is given out anew. */
static inline void *slab_reach(Slab *slab, uint32_t number)
{
    uint32_t chunk = number / SLAB_CHUNK;
    if (chunk >= slab->chunk_count || slab->chunks[chunk] == NULL)
        slab_lengthen(slab, number);
    return slab_at(slab, number);
}

/* The thing of that number, or NULL where neither it nor one near it has been reached. */
static inline void *slab_find(const Slab *slab, uint32_t number)
{
    uint32_t chunk = number / SLAB_CHUNK;
    return chunk < slab->chunk_count && slab->chunks[chunk] != NULL ? slab_at(slab, number) : NULL;
}

/* The next number after this one that may be taken or was reached, for looking at all things, among
 * which there are zeros; 0: there is none. */
uint32_t slab_next(const Slab *slab, uint32_t number);
