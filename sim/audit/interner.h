/* Names, each kept once, so that equal names are equal pointers: mails, addresses, queue entries,
 * hosts. Records about one mail follow each other closely, so what was asked for lately is found
 * without touching the large table. */
#pragma once

#include <glib.h>

typedef struct Interner Interner;

Interner *interner_new(void);
/* `free_meaning` (NULL: none) gets each meaning that is not NULL. */
void interner_free(Interner *names, GDestroyNotify free_meaning);
/* The name as it is kept, which lives as long as the interner; NULL counts as "". */
const char *interner_take(Interner *names, const char *text);
/* The same, but NULL where it is not kept. */
const char *interner_find(const Interner *names, const char *text);
/* What the owner makes of an interned name: at first NULL. */
void **interned_meaning(const char *name);
/* Forgets an interned name, whose meaning is the owner's to free. */
void interner_remove(Interner *names, const char *name);
