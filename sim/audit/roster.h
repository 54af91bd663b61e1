/* The names that the observers of one run share: those of mails, which come and go, and all others,
 * which stay. What an observer knows of a mail it keeps under the mail's number, in a slab of its
 * own (slab_reach), so a name is kept and looked up in one place for all.
 *
 * A mail's number is its own as long as an observer holds it; later it may be another's. */
#pragma once

#include "audit/interner.h"

#include <stdbool.h>

typedef uint32_t MailId; /* 0: none */

/* Who holds a number. */
typedef enum RosterHolder {
    ROSTER_BOOKS = 1,
    ROSTER_FACTS = 2,
} RosterHolder;

typedef struct Roster Roster;

Roster *roster_new(void);
Roster *roster_ref(Roster *roster);
/* The last one takes it along. */
void roster_unref(Roster *roster);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Roster, roster_unref)
/* Names other than of mails. */
Interner *roster_names(Roster *roster);

/* The number of the mail of that name, which the holder holds from now on; NULL counts as "". */
MailId roster_take(Roster *roster, RosterHolder holder, const char *name);
/* The same, but 0 when the holder does not hold one. */
MailId roster_find(const Roster *roster, RosterHolder holder, const char *name);
/* The holder, who holds it, holds it no more. */
void roster_release(Roster *roster, RosterHolder holder, MailId mail);
/* Borrowed, as long as somebody holds it. */
const char *roster_name(const Roster *roster, MailId mail);
/* All numbers that are or were taken are lower. */
MailId roster_end(const Roster *roster);
