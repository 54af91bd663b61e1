/* Names that are broken on purpose, or changed. See name_faults.h. */
#include "node/name_faults.h"

#include <stdbool.h>

typedef struct NameFault {
    uint64_t because; /* 0: it was never broken */
    bool is_mended;
    uint64_t change;
} NameFault;

struct NameFaults {
    GHashTable *faults; /* name in lower case -> NameFault */
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

static NameFault *find_or_add(NameFaults *faults, const char *name)
{
    g_autofree char *key = g_ascii_strdown(name, -1);
    NameFault *fault = g_hash_table_lookup(faults->faults, key);
    if (fault == NULL) {
        fault = g_new0(NameFault, 1);
        g_hash_table_insert(faults->faults, g_steal_pointer(&key), fault);
    }
    return fault;
}

void name_faults_set(NameFaults *faults, const char *name, uint64_t because)
{
    NameFault *fault = find_or_add(faults, name);
    fault->is_mended = because == 0;
    if (because != 0)
        fault->because = because;
}

void name_faults_change(NameFaults *faults, const char *name, uint64_t because)
{
    find_or_add(faults, name)->change = because;
}

static const NameFault *find(const NameFaults *faults, const char *name)
{
    g_autofree char *key = g_ascii_strdown(name, -1);
    return g_hash_table_lookup(faults->faults, key);
}

uint64_t name_faults_find(const NameFaults *faults, const char *name)
{
    const NameFault *fault = find(faults, name);
    return fault != NULL && !fault->is_mended ? fault->because : 0;
}

uint64_t name_faults_find_last(const NameFaults *faults, const char *name)
{
    const NameFault *fault = find(faults, name);
    return fault != NULL ? fault->because : 0;
}

uint64_t name_faults_find_change(const NameFaults *faults, const char *name)
{
    const NameFault *fault = find(faults, name);
    return fault != NULL ? fault->change : 0;
}
