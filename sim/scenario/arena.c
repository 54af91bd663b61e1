/* An arena. See arena.h. */
#include "scenario/arena.h"

#include "core/check.h"

#include <stdalign.h>
#include <string.h>

enum { ARENA_BLOCK = 32 * 1024 };

struct Arena {
    GPtrArray *blocks; /* the last one is being filled */
    size_t used;       /* of the last one */
    size_t capacity;   /* of the last one */
};

Arena *arena_new(void)
{
    Arena *arena = g_new0(Arena, 1);
    arena->blocks = g_ptr_array_new_with_free_func(g_free);
    return arena;
}

void arena_free(Arena *arena)
{
    if (arena == NULL)
        return;
    g_ptr_array_unref(arena->blocks);
    g_free(arena);
}

void *arena_allocate(Arena *arena, size_t count, size_t element_size)
{
    size_t size = 0;
    CHECK(!__builtin_mul_overflow(count, element_size, &size));
    if (size == 0)
        return NULL;
    size_t start = (arena->used + alignof(max_align_t) - 1) & ~(alignof(max_align_t) - 1);
    if (arena->blocks->len == 0 || start > arena->capacity || size > arena->capacity - start) {
        arena->capacity = MAX(size, ARENA_BLOCK);
        g_ptr_array_add(arena->blocks, g_malloc0(arena->capacity));
        start = 0;
    }
    arena->used = start + size;
    char *block = g_ptr_array_index(arena->blocks, arena->blocks->len - 1);
    return block + start;
}

char *arena_text(Arena *arena, Span text)
{
    char *copy = arena_allocate(arena, text.length + 1, 1);
    if (text.length > 0)
        memcpy(copy, text.data, text.length);
    return copy;
}
