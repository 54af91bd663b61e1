/* The judge of a run that has been tortured: after the faults are over, nothing may be left over.
 *
 *  - The books balance (audit/books.h): safety, judged all the while.
 *  - Every record has a sound cause (audit/causality.h).
 *  - The run comes to rest, with every queue empty: liveness.
 *  - Each mail is delivered, bounced or ended by a named rule for each recipient, or its author
 *    knows that no server has taken it.
 *
 * All of it is read from the trace. */
#pragma once

#include "audit/causality.h"
#include "scenario/run.h"

typedef struct Judge Judge;

/* A budget for runs that are judged, far more than any of them needs: who reaches it does not come
 * to rest. */
enum { JUDGE_EVENTS_MAX = 20 * 1000 * 1000 };

/* What a defect is of; the order is that of judging. */
typedef enum DefectKind {
    DEFECT_NONE,
    DEFECT_BOOKS,     /* lost, doubled or invented mail: a plain run tells it */
    DEFECT_CAUSALITY, /* a record without a sound cause */
    DEFECT_UNREST,    /* the budget of events was used up */
    DEFECT_LEFT_OVER, /* a mail without an end */
    DEFECT_DEATH,     /* the program died of an assertion or signal; no judge can tell this */
    DEFECT_KINDS,
} DefectKind;

/* "books", …: one word. */
const char *defect_kind_name(DefectKind kind);

/* Listens to the run, which has not begun and outlives the judge. */
Judge *judge_new(Run *run);
void judge_free(Judge *judge);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Judge, judge_free)

/* After run_play, with what it returned: the first defect in a sentence, to free; NULL, and
 * DEFECT_NONE, when there is none. */
char *judge_find_defect(const Judge *judge, bool is_balanced, DefectKind *kind);
