/* Rates. See rate_limit.h. */
#include "policy/rate_limit.h"

#include <glib.h>

struct RateLimit {
    uint32_t count;
    SimTime within_ns;
    GHashTable *names; /* name -> Counted */
};

typedef struct Counted {
    GQueue times; /* SimTime *, the latest last */
    uint64_t mark;
} Counted;

static void counted_free(gpointer pointer)
{
    Counted *counted = pointer;
    g_queue_clear_full(&counted->times, g_free);
    g_free(counted);
}

RateLimit *rate_limit_new(uint32_t count, SimTime within_ns)
{
    RateLimit *limit = g_new0(RateLimit, 1);
    limit->count = count;
    limit->within_ns = within_ns;
    limit->names = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, counted_free);
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
    Counted *counted = g_hash_table_lookup(limit->names, name);
    if (counted == NULL)
        return true;
    forget_old(limit, &counted->times, now);
    return counted->times.length < limit->count;
}

/* Which names go does not depend on the table's order, since all go that may. */
static void make_room(RateLimit *limit, SimTime now)
{
    GHashTableIter iterator;
    gpointer pointer = NULL;
    g_hash_table_iter_init(&iterator, limit->names);
    while (g_hash_table_iter_next(&iterator, NULL, &pointer)) {
        Counted *counted = pointer;
        forget_old(limit, &counted->times, now);
        if (counted->times.length == 0)
            g_hash_table_iter_remove(&iterator);
    }
}

void rate_limit_count(RateLimit *limit, const char *name, SimTime now)
{
    Counted *counted = g_hash_table_lookup(limit->names, name);
    if (counted == NULL) {
        if (g_hash_table_size(limit->names) >= RATE_LIMIT_NAMES_MAX)
            make_room(limit, now);
        if (g_hash_table_size(limit->names) >= RATE_LIMIT_NAMES_MAX)
            return;
        counted = g_new0(Counted, 1);
        g_hash_table_insert(limit->names, g_strdup(name), counted);
    }
    g_queue_push_tail(&counted->times, g_memdup2(&now, sizeof now));
    counted->mark = 0;
}

void rate_limit_mark(RateLimit *limit, const char *name, uint64_t mark)
{
    Counted *counted = g_hash_table_lookup(limit->names, name);
    if (counted != NULL)
        counted->mark = mark;
}

uint64_t rate_limit_last_mark(const RateLimit *limit, const char *name)
{
    const Counted *counted = g_hash_table_lookup(limit->names, name);
    return counted != NULL ? counted->mark : 0;
}
