/* Greylisting (RFC 6647 §2.2): mail of a client, sender and recipient that were not seen together
 * before is put off. A mail server comes again, most spam sources do not.
 *
 * A triplet is new; after the delay an attempt passes, if it comes before the triplet is forgotten;
 * then the triplet passes as long as it is used. */
#pragma once

#include "core/bytes.h"
#include "core/ipv4.h"
#include "core/simtime.h"

#include <stdbool.h>
#include <stdint.h>

enum { GREYLIST_TRIPLETS_MAX = 1 << 20 }; /* more are let pass */

typedef struct Greylist Greylist;

typedef struct GreylistOptions {
    SimTime delay_ns, retry_within_ns, pass_for_ns;
    unsigned prefix;
} GreylistOptions;

typedef enum GreylistFinding {
    GREYLIST_NEW,    /* never seen, or forgotten */
    GREYLIST_EARLY,  /* seen, and back too soon */
    GREYLIST_WAITED, /* passes for the first time */
    GREYLIST_KNOWN,  /* has passed before */
} GreylistFinding;

typedef struct GreylistAnswer {
    GreylistFinding finding;
    SimTime first_seen; /* of the triplet */
    uint64_t mark;      /* that greylist_mark gave it, or 0 */
} GreylistAnswer;

Greylist *greylist_new(const GreylistOptions *options);
void greylist_free(Greylist *greylist);

/* An attempt, which the triplet remembers. */
GreylistAnswer greylist_ask(Greylist *greylist, Ipv4Address client, const char *sender,
                            const char *recipient, SimTime now);
/* Puts a number beside the triplet asked for last, kept until it is forgotten. */
void greylist_mark(Greylist *greylist, uint64_t mark);
