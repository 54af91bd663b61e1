/* Bytes cut anywhere: an engine gives the same, in whatever pieces they come. */
#pragma once

#include <glib.h>
#include <stddef.h>
#include <stdint.h>

/* Next of a small generator: enough to cut at many places, the same in every run. */
static inline uint32_t next_random(uint32_t *seed)
{
    *seed = *seed * 1664525U + 1013904223U;
    return *seed >> 16;
}

/* How many of the octets left come together: from 1 to `largest`, as drawn; 0: all. */
static inline size_t next_piece(size_t left, size_t largest, uint32_t *seed)
{
    size_t piece = largest == 0 ? left : 1 + next_random(seed) % largest;
    return MIN(piece, left);
}
