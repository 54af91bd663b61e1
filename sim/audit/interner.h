/* Names, each kept once, so that equal names are equal pointers: mails, addresses, queue entries,
 * hosts. Records about one mail follow each other closely, so what was asked for lately is found
 * without touching the large table. */
#pragma once

#include <glib.h>

typedef struct Interner Interner;

/* With each name its owner may keep so many octets: what the name means. They are zeros at first,
 * and one piece of memory with the name, which they say nothing about. 0: none. */
Interner *interner_new(size_t meaning_size);
/* `clear_meaning` (NULL: none) gets each meaning, to free what it owns. */
void interner_free(Interner *names, void (*clear_meaning)(void *meaning));
/* The name as it is kept, which lives until it is removed; NULL counts as "". */
const char *interner_take(Interner *names, const char *text);
/* The same, but NULL where it is not kept. */
const char *interner_find(const Interner *names, const char *text);
/* All names, in no order that may matter: from `*at` 0 on; NULL ends them. */
const char *interner_each(const Interner *names, size_t *at);
/* What an interned name means. */
void *interner_meaning(const Interner *names, const char *name);
/* Forgets an interned name and its meaning, of which the owner has freed what it owns. */
void interner_remove(Interner *names, const char *name);
