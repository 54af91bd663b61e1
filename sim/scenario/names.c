/* An index of names. See names.h. */
#include "scenario/names.h"

#include "core/check.h"

#include <string.h>

struct Names {
    GArray *entries; /* of NamesEntry */
    bool is_sorted;
};

Names *names_new(void)
{
    Names *names = g_new0(Names, 1);
    names->entries = g_array_new(FALSE, FALSE, sizeof(NamesEntry));
    return names;
}

void names_free(Names *names)
{
    if (names == NULL)
        return;
    g_array_unref(names->entries);
    g_free(names);
}

void names_add(Names *names, const char *name, const void *what, int kind)
{
    CHECK(!names->is_sorted);
    NamesEntry entry = {name, what, kind};
    if (name != NULL)
        g_array_append_val(names->entries, entry);
}

static int compare_entries(const void *a, const void *b)
{
    return strcmp(((const NamesEntry *)a)->name, ((const NamesEntry *)b)->name);
}

void names_sort(Names *names)
{
    /* Stable: g_array_sort is a merge sort. */
    g_array_sort(names->entries, compare_entries);
    names->is_sorted = true;
}

const NamesEntry *names_at(const Names *names, size_t index)
{
    CHECK(names->is_sorted);
    return index < names->entries->len ? &g_array_index(names->entries, NamesEntry, (guint)index)
                                       : NULL;
}

const NamesEntry *names_find(const Names *names, const char *name)
{
    CHECK(names->is_sorted);
    size_t low = 0, high = names->entries->len;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (strcmp(names_at(names, middle)->name, name) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    const NamesEntry *entry = names_at(names, low);
    return entry != NULL && strcmp(entry->name, name) == 0 ? entry : NULL;
}

void names_suggest(const Names *names, Suggestion *suggestion)
{
    for (size_t i = 0; i < NAMES_SUGGESTED && names_at(names, i) != NULL; i++)
        suggestion_offer(suggestion, names_at(names, i)->name);
}
