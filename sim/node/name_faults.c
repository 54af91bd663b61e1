/* Names that are broken on purpose. See name_faults.h. */
#include "node/name_faults.h"

struct NameFaults {
    GHashTable *faults; /* name in lower case -> seq */
};

NameFaults *name_faults_new(void)
{
    NameFaults *faults = g_new0(NameFaults, 1);
    faults->faults = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
    return faults;
}

void name_faults_free(NameFaults *faults)
{
    g_hash_table_unref(faults->faults);
    g_free(faults);
}

void name_faults_set(NameFaults *faults, const char *name, uint64_t because)
{
    char *key = g_ascii_strdown(name, -1);
    if (because != 0) {
        g_hash_table_insert(faults->faults, key, g_memdup2(&because, sizeof because));
        return;
    }
    g_hash_table_remove(faults->faults, key);
    g_free(key);
}

uint64_t name_faults_find(const NameFaults *faults, const char *name)
{
    g_autofree char *key = g_ascii_strdown(name, -1);
    const uint64_t *because = g_hash_table_lookup(faults->faults, key);
    return because != NULL ? *because : 0;
}
