/* Memory that most things of a kind do not have. */
#pragma once

#include <glib.h>

/* As g_free, but that there is none is found without a call: a mail's things have dozens of such
 * members, and all of them are let go of with each. */
static inline void free_rare(void *memory)
{
    if (G_UNLIKELY(memory != NULL))
        g_free(memory);
}
