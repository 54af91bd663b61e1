/* Folds attempts at delivery that fail as the one before did, so that five days of waiting are a
 * few lines: the first is shown, of those after it only their times.
 *
 *     queue: 3 more attempts for lunch to bob@b.example, failed likewise: 00:05:00, 00:10:00, …
 *     outbox: 2 more attempts for lunch, failed likewise: 00:05:00, 00:10:00
 *
 * A server's attempt is what its record queue.attempt sets off, up to its queue.defer, and the
 * farewell on its connection; an agent's is what agent.submit sets off, up to its agent.wait.
 * Events are held back while an attempt before them is still open, so their order is kept. */
#pragma once

#include "export/timeline_event.h"

typedef struct TimelineReceiver {
    void (*receive)(void *owner, const TimelineEvent *event);
    void *owner;
} TimelineReceiver;

typedef struct TimelineFold TimelineFold;

/* Records at `level` are what timeline_fold_take is told of. */
TimelineFold *timeline_fold_new(TraceLevel level, TimelineReceiver receiver);
void timeline_fold_free(TimelineFold *fold);
/* Takes the event over; `record` is the one it was read from. With NULL the record is no event, but
 * may lead from one to the next. */
void timeline_fold_take(TimelineFold *fold, const TraceRecord *record, TimelineEvent *event);
/* Gives what is held back: the run is over, at `now`. */
void timeline_fold_finish(TimelineFold *fold, SimTime now);
