/* An arena: memory that is taken piece by piece and given back all at once. The YAML tree and the
 * model each live in one. */
#pragma once

#include "core/bytes.h"

#include <stddef.h>

typedef struct Arena Arena;

Arena *arena_new(void);
void arena_free(Arena *arena);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Arena, arena_free)

/* Zeroed memory for `count` elements, aligned for any type; NULL when the count is 0. */
void *arena_allocate(Arena *arena, size_t count, size_t element_size);
/* A NUL-terminated copy. */
char *arena_text(Arena *arena, Span text);
