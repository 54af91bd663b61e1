/* Memory that begins with a cache line, for what many events meet: a run with thousands of
 * connections waits for memory more than for anything else, and each line less counts. */
#pragma once

#include "core/check.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

enum { CACHE_LINE = 64 }; /* octets */

/* Fetches the lines of that memory, which begins with one, while other things are done. */
static inline void cache_line_fetch(const void *memory, size_t size)
{
    for (size_t offset = 0; offset < size; offset += CACHE_LINE)
        __builtin_prefetch((const char *)memory + offset);
}

/* Zeroed memory; free() gives it back. */
static inline void *cache_line_new0(size_t size)
{
    size_t whole_lines = (size + CACHE_LINE - 1) / CACHE_LINE * CACHE_LINE;
    void *memory = aligned_alloc(CACHE_LINE, whole_lines);
    CHECK(memory != NULL);
    return memset(memory, 0, whole_lines);
}
