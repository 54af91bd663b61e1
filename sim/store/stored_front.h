/* What servers put on top of messages. Of those that come from one client it is nearly the same
 * each time: an id, a time and perhaps an address are others. So a message keeps a reference to a
 * text like its own, which it shares with many, and the octets that differ. */
#pragma once

#include "core/bytes.h"

/* A text, shared by reference count. */
typedef struct StoredFront {
    uint32_t references;
    uint32_t length;
    uint32_t path_length; /* of the Return-Path at its beginning; 0: there is none */
    uint8_t octets[];
} StoredFront;

/* What differs from it, a run of octets after the other: how many octets before the run are as they
 * are there, how many are in it, and these. */
enum { FRONT_DIFFERENCES_MAX = 48 }; /* octets of all of that: of more it is not worth it */
typedef struct FrontDifferences {
    uint8_t length;
    uint8_t octets[FRONT_DIFFERENCES_MAX];
} FrontDifferences;

/* The texts that were put on top lately, for the next ones to be like them. Zeros: none were. */
enum { FRONTS_RECENT = 512, FRONT_SHARED_MAX = 1024 /* octets: a longer one is kept by itself */ };
typedef struct StoredFronts {
    StoredFront *recent[FRONTS_RECENT]; /* by how they begin; each holds a reference, or is NULL */
} StoredFronts;

void fronts_clear(StoredFronts *fronts);

/* The parts of a text, one behind the other. */
typedef struct FrontParts {
    Span path; /* the Return-Path */
    Span fields, more;
} FrontParts;

/* A reference to a text that is like the parts, and what differs; NULL where they are empty.
 * `fronts` (NULL: none) are looked through, and know it from then on. */
StoredFront *front_take(StoredFronts *fronts, const FrontParts *parts,
                        FrontDifferences *differences);
void front_unref(StoredFront *front); /* NULL is none */
/* Writes the octets from `from` on of the text that differs so; `front` may be NULL. */
void front_put(const StoredFront *front, Span differences, size_t from, uint8_t *out);
