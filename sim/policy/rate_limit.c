/* Rates. See rate_limit.h. */
#include "policy/rate_limit.h"

#include <glib.h>

struct RateLimit {
    uint32_t count;
    SimTime within_ns;
    GHashTable *names; /* name -> GQueue of SimTime *, the latest last */
};

static void times_free(gpointer times)
{
    g_queue_free_full(times, g_free);
}

RateLimit *rate_limit_new(uint32_t count, SimTime within_ns)
{
    RateLimit *limit = g_new0(RateLimit, 1);
    limit->count = count;
    limit->within_ns = within_ns;
    limit->names = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, times_free);
    return limit;
}

void rate_limit_free(RateLimit *limit)
{
    if (limit == NULL)
        return;
    g_hash_table_unref(limit->names);
    g_free(limit);
}

/* Forgets what is too long ago to count. */
static void forget_old(const RateLimit *limit, GQueue *times, SimTime now)
{
    const SimTime *first = NULL;
    while ((first = g_queue_peek_head(times)) != NULL && now - *first >= limit->within_ns)
        g_free(g_queue_pop_head(times));
}

bool rate_limit_has_room(RateLimit *limit, const char *name, SimTime now)
{
    GQueue *times = g_hash_table_lookup(limit->names, name);
    if (times == NULL)
        return true;
    forget_old(limit, times, now);
    return times->length < limit->count;
}

/* Which names go does not depend on the table's order, since all go that may. */
static void make_room(RateLimit *limit, SimTime now)
{
    GHashTableIter iterator;
    gpointer times = NULL;
    g_hash_table_iter_init(&iterator, limit->names);
    while (g_hash_table_iter_next(&iterator, NULL, &times)) {
        forget_old(limit, times, now);
        if (((GQueue *)times)->length == 0)
            g_hash_table_iter_remove(&iterator);
    }
}

void rate_limit_count(RateLimit *limit, const char *name, SimTime now)
{
    GQueue *times = g_hash_table_lookup(limit->names, name);
    if (times == NULL) {
        if (g_hash_table_size(limit->names) >= RATE_LIMIT_NAMES_MAX)
            make_room(limit, now);
        if (g_hash_table_size(limit->names) >= RATE_LIMIT_NAMES_MAX)
            return;
        times = g_queue_new();
        g_hash_table_insert(limit->names, g_strdup(name), times);
    }
    g_queue_push_tail(times, g_memdup2(&now, sizeof now));
}
