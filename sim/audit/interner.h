/* Names, each kept once and known by a number, so that equal names have equal numbers: addresses,
 * queue entries, hosts. Names of mails, which come and go, are in roster.h. */
#pragma once

#include "core/id_table.h"

#include <glib.h>

/* Numbers count from 1, in the order in which the names were first taken. */
typedef uint32_t NameId;
enum { NAME_NONE, NAME_EMPTY /* "" */ };

/* Who asks for a name mostly keeps it in one place for a while, and asks again: the place says
 * which name was found there last. That is compared with what lies there now, so that it only saves
 * time.
 */
enum { RECENT_NAMES = 256 };

typedef struct RecentNames {
    uint32_t at[RECENT_NAMES];
} RecentNames;

static inline uint32_t *recent_name(RecentNames *recent, const char *text)
{
    enum { GRAIN = 16 }; /* octets: what is given out in memory begins with such a one */
    return &recent->at[(uintptr_t)text / GRAIN % RECENT_NAMES];
}

/* Nobody's to look into but the functions here. */
typedef struct Interner {
    GPtrArray *texts; /* by number */
    GStringChunk *memory;
    IdTable table;
    RecentNames recent; /* NameId */
} Interner;

Interner *interner_new(void);
void interner_free(Interner *names);
/* The name's number; NULL counts as "". */
NameId interner_take(Interner *names, const char *text);

/* The name as it is kept, as long as the interner lives; NULL for NAME_NONE. */
static inline const char *interner_text(const Interner *names, NameId id)
{
    return names->texts->pdata[id];
}
