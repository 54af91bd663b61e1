/* Greylisting. See greylist.h. */
#include "policy/greylist.h"

#include <glib.h>

typedef struct Triplet {
    SimTime first_seen;
    SimTime passed_at; /* the last time; SIM_NEVER: not yet */
    uint64_t mark;
} Triplet;

struct Greylist {
    GreylistOptions options;
    GHashTable *triplets; /* "198.18.0.1 alice@a.example bob@b.example" -> Triplet */
    Triplet *last;        /* asked for */
};

Greylist *greylist_new(const GreylistOptions *options)
{
    Greylist *greylist = g_new0(Greylist, 1);
    greylist->options = *options;
    greylist->triplets = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
    return greylist;
}

void greylist_free(Greylist *greylist)
{
    if (greylist == NULL)
        return;
    g_hash_table_unref(greylist->triplets);
    g_free(greylist);
}

static bool is_forgotten(const Greylist *greylist, const Triplet *triplet, SimTime now)
{
    const GreylistOptions *options = &greylist->options;
    if (triplet->passed_at == SIM_NEVER)
        return now - triplet->first_seen > options->retry_within_ns;
    return now - triplet->passed_at > options->pass_for_ns;
}

/* Makes room; which go does not depend on the table's order, since all go that may. */
static void forget_old(Greylist *greylist, SimTime now)
{
    GHashTableIter iterator;
    gpointer triplet = NULL;
    g_hash_table_iter_init(&iterator, greylist->triplets);
    while (g_hash_table_iter_next(&iterator, NULL, &triplet)) {
        if (is_forgotten(greylist, triplet, now))
            g_hash_table_iter_remove(&iterator);
    }
}

/* Addresses differ in the case of their domains only where people type them. */
static char *triplet_key(const Greylist *greylist, Ipv4Address client, const char *sender,
                         const char *recipient)
{
    unsigned shift = 32 - greylist->options.prefix;
    char text[IPV4_TEXT_SIZE];
    ipv4_format(shift < 32 ? client >> shift << shift : 0, text);
    g_autofree char *key = g_strdup_printf("%s %s %s", text, sender, recipient);
    return g_ascii_strdown(key, -1);
}

static Triplet *find(Greylist *greylist, const char *key, SimTime now)
{
    Triplet *triplet = g_hash_table_lookup(greylist->triplets, key);
    if (triplet == NULL || !is_forgotten(greylist, triplet, now))
        return triplet;
    g_hash_table_remove(greylist->triplets, key);
    return NULL;
}

GreylistAnswer greylist_ask(Greylist *greylist, Ipv4Address client, const char *sender,
                            const char *recipient, SimTime now)
{
    g_autofree char *key = triplet_key(greylist, client, sender, recipient);
    Triplet *triplet = find(greylist, key, now);
    GreylistFinding finding = GREYLIST_EARLY;
    if (triplet == NULL) {
        if (g_hash_table_size(greylist->triplets) >= GREYLIST_TRIPLETS_MAX)
            forget_old(greylist, now);
        greylist->last = NULL;
        if (g_hash_table_size(greylist->triplets) >= GREYLIST_TRIPLETS_MAX)
            return (GreylistAnswer){.finding = GREYLIST_KNOWN, .first_seen = now};
        triplet = g_new0(Triplet, 1);
        *triplet = (Triplet){.first_seen = now, .passed_at = SIM_NEVER};
        g_hash_table_insert(greylist->triplets, g_steal_pointer(&key), triplet);
        finding = GREYLIST_NEW;
    } else if (triplet->passed_at != SIM_NEVER) {
        finding = GREYLIST_KNOWN;
    } else if (now - triplet->first_seen >= greylist->options.delay_ns) {
        finding = GREYLIST_WAITED;
    }
    if (finding == GREYLIST_WAITED || finding == GREYLIST_KNOWN)
        triplet->passed_at = now;
    greylist->last = triplet;
    return (GreylistAnswer){finding, triplet->first_seen, triplet->mark};
}

void greylist_mark(Greylist *greylist, uint64_t mark)
{
    if (greylist->last != NULL && greylist->last->mark == 0)
        greylist->last->mark = mark;
}
