/* Memory for many things of one size that come and go with the events: each begins with a cache
 * line, and is given out again as soon as it is given back, while it may still be in the cache. */
#pragma once

#include <stddef.h>

typedef struct Pool Pool;

/* For things of `size` octets, more than 0. */
Pool *pool_new(size_t size);
/* Nothing more is taken. What was taken may be given back later: the last takes the pool along. */
void pool_close(Pool *pool);
/* Memory of any content. */
void *pool_take(Pool *pool);
void pool_give_back(Pool *pool, void *memory);
