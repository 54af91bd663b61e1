/* Names, each kept once and known by a number, so that equal names have equal numbers: addresses,
 * queue entries, hosts. Records about one mail follow each other closely, so what was asked for
 * lately is found without touching the large table. Names of mails, which come and go, are in
 * roster.h. */
#pragma once

#include "core/id_table.h"

#include <glib.h>

/* Numbers count from 1, in the order in which the names were first taken. */
typedef uint32_t NameId;
enum { NAME_NONE, NAME_EMPTY /* "" */ };

enum { INTERNER_RECENT = 256 };

/* Nobody's to look into but the functions here. */
typedef struct Interner {
    GPtrArray *texts; /* by number */
    GStringChunk *memory;
    IdTable table;
    struct {
        uint32_t hash;
        NameId id; /* NAME_NONE: none */
    } recent[INTERNER_RECENT];
} Interner;

Interner *interner_new(void);
void interner_free(Interner *names);
/* The name's number; NULL counts as "". */
NameId interner_take(Interner *names, const char *text);
/* The same, but NAME_NONE where it is not kept. */
NameId interner_find(const Interner *names, const char *text);

/* The name as it is kept, as long as the interner lives; NULL for NAME_NONE. */
static inline const char *interner_text(const Interner *names, NameId id)
{
    return names->texts->pdata[id];
}
