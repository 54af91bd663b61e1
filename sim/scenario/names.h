/* An index of names: add them all, then look up. Sorted, so that no choice of names makes it slow.
 */
#pragma once

#include "scenario/suggest.h"

#include <glib.h>
#include <stdbool.h>

typedef struct Names Names;

/* What a name stands for; the caller says what `what` and `kind` mean. */
typedef struct NamesEntry {
    const char *name; /* borrowed */
    const void *what; /* borrowed */
    int kind;
} NamesEntry;

Names *names_new(void);
void names_free(Names *names);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Names, names_free)

/* A NULL name is left out. */
void names_add(Names *names, const char *name, const void *what, int kind);
/* Afterwards none may be added. Equal names keep the order in which they were added. */
void names_sort(Names *names);
/* The first of that name, or NULL. */
const NamesEntry *names_find(const Names *names, const char *name);
/* In sorted order; NULL behind the last. */
const NamesEntry *names_at(const Names *names, size_t index);
/* Offers them to a suggestion, the first NAMES_SUGGESTED at most. */
enum { NAMES_SUGGESTED = 2000 };
void names_suggest(const Names *names, Suggestion *suggestion);
