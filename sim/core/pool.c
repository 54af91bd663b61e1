/* Memory for many things of one size. See pool.h. It is got in blocks of some, whose first line
 * links them. */
#include "core/pool.h"

#include "core/cache_line.h"
#include "core/check.h"
#include "core/sanitized.h"

#include <glib.h>
#include <stdint.h>

/* AddressSanitizer sees who uses a thing after its end only if its memory is given back at once. */
#define KEEPS_MEMORY (!IS_SANITIZED)

enum { BLOCK_THINGS = 32 };

/* What a block, or a thing that is free, begins with. */
typedef struct PoolLink {
    struct PoolLink *next;
} PoolLink;

struct Pool {
    PoolLink *free;   /* what was given back */
    char *fresh;      /* in the newest block, what was never taken: `fresh_count` things */
    size_t size;      /* of a thing, in whole lines */
    PoolLink *blocks; /* the newest first */
    uint64_t living;  /* things taken and not given back */
    uint32_t fresh_count;
    bool is_closed;
};

Pool *pool_new(size_t size)
{
    CHECK(size > 0);
    Pool *pool = g_new0(Pool, 1);
    pool->size = (size + CACHE_LINE - 1) / CACHE_LINE * CACHE_LINE;
    return pool;
}

__attribute__((cold, noinline)) static void pool_end(Pool *pool)
{
    for (PoolLink *block = pool->blocks, *next; block != NULL; block = next) {
        next = block->next;
        free(block);
    }
    g_free(pool);
}

static inline void pool_end_if_through(Pool *pool)
{
    if (G_UNLIKELY(pool->is_closed && pool->living == 0))
        pool_end(pool);
}

void pool_close(Pool *pool)
{
    pool->is_closed = true;
    pool_end_if_through(pool);
}

__attribute__((cold, noinline)) static void pool_add_block(Pool *pool)
{
    PoolLink *block = aligned_alloc(CACHE_LINE, CACHE_LINE + BLOCK_THINGS * pool->size);
    CHECK(block != NULL);
    block->next = pool->blocks;
    pool->blocks = block;
    pool->fresh = (char *)block + CACHE_LINE;
    pool->fresh_count = BLOCK_THINGS;
}

void *pool_take(Pool *pool)
{
    CHECK(!pool->is_closed);
    pool->living++;
    if (!KEEPS_MEMORY)
        return cache_line_new0(pool->size);
    PoolLink *thing = pool->free;
    if (thing != NULL) {
        pool->free = thing->next;
        return thing;
    }
    if (pool->fresh_count == 0)
        pool_add_block(pool);
    pool->fresh_count--;
    pool->fresh += pool->size;
    return pool->fresh - pool->size;
}

void pool_give_back(Pool *pool, void *memory)
{
    CHECK(pool->living > 0);
    pool->living--;
    if (KEEPS_MEMORY) {
        PoolLink *thing = memory;
        thing->next = pool->free;
        pool->free = thing;
    } else {
        free(memory);
    }
    pool_end_if_through(pool);
}
