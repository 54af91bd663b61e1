/* Immutable octets, shared by reference count: what a message, a segment, a file are made of.
 *
 * They lie in one piece of memory with their header, and the count is no atomic one, since a
 * simulation has one thread: a mail takes dozens of references on its way, and an atomic
 * one would be dear. Whoever has just made some may write them, and make them fewer.
 *
 * What is known of them goes with them, so that octets which go from hop to hop by reference are
 * not looked at anew at each (bytes.h, span_plain_lines_within). */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { OCTETS_PLAIN_LINE_MAX = 1000 }; /* with CRLF: RFC 5321 §4.5.3.1.6 */
enum { OCTETS_MANY = 1024, OCTETS_ROOM = 64 };

typedef struct Octets {
    uint32_t references;
    bool is_plain; /* known: span_is_plain holds of them. False says nothing. Whoever makes
                      them says so when they are complete */
    bool has_room; /* see octets_take_room */
    size_t length;
    uint8_t here[];
} Octets;

/* So many, to be written. */
Octets *octets_allocate(size_t length);
/* A copy; `data` may be NULL where the length is 0. */
Octets *octets_new(const void *data, size_t length);
/* A copy; frees the array. */
Octets *octets_of_array(GByteArray *array);
bool octets_equal(const Octets *a, const Octets *b);
/* Behind many octets there is room for one small thing that holds a reference to them all its life:
 * so it needs no memory of its own. So much of it, aligned for anything; NULL: there is less, or
 * another thing lies there. */
void *octets_take_room(Octets *octets, size_t size);
void octets_give_room_back(Octets *octets);
static inline Octets *octets_ref(Octets *octets)
{
    octets->references++;
    return octets;
}

/* NULL is none. */
static inline void octets_unref(Octets *octets)
{
    if (octets != NULL && --octets->references == 0)
        g_free(octets);
}
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Octets, octets_unref)

static inline const uint8_t *octets_data(const Octets *octets)
{
    return octets->here;
}

static inline size_t octets_length(const Octets *octets)
{
    return octets->length;
}
