/* The trace as lines for a terminal: time, host, and what happened in a few words; lines of a
 * dialogue as `C:` and `S:`.
 *
 *     00:00:00.031  mail.naver.example  S: 250 2.1.0 Ok
 *
 * Times are hours, minutes and seconds since the start, days before them where there are any; a
 * blank line stands where nothing was shown for ten seconds or longer. What came over the wire is
 * shown with control characters escaped. Where the terminal is wide enough, hosts can be columns
 * instead (timeline_ladder.h). Attempts at delivery that fail like the one before are folded
 * (timeline_fold.h), but not at level segment.
 *
 * Who a mail's envelope is from is said where a server accepts it and it is not its author, or has
 * changed since it was said.
 *
 * Some records of the trace are details here and shown at level segment alone, so that the
 * dialogue stands out: the states of the SMTP and IMAP machines, both ends of a connection that
 * opens and closes as it should, the name server's side of a look-up, the inventory. */
#pragma once

#include "trace/trace.h"

typedef struct TimelineOptions {
    TraceLevel level;
    bool use_colour;
    unsigned width;     /* columns that a line may have; longer text goes on below; at least 60 */
    const char *follow; /* show what concerns this mail; NULL: everything. Borrowed. */
    bool is_unfolded;   /* show every attempt */
    bool use_unicode;   /* box lines in the ladder */
    /* Hosts to be columns of a ladder, from left to right; none, or more than the width has room
     * for: a list. Copied. */
    const NodeId *columns;
    size_t column_count;
} TimelineOptions;

typedef struct TimelineOutput {
    void (*write)(void *owner, Span text);
    void *owner;
} TimelineOutput;

typedef struct Timeline Timeline;

/* Adds itself to the trace; it is to outlive the run. The nodes must have been made by now: the
 * host column is as wide as the longest name. */
Timeline *timeline_new(Trace *trace, const TimelineOptions *options, TimelineOutput output);
/* The run is over: writes what was held back to see whether it would be repeated. */
void timeline_finish(Timeline *timeline);
void timeline_free(Timeline *timeline);

/* Appends the record in words, without time and host: "lunch to bob@b.example waits: …". Lines are
 * separated by LF. */
void timeline_describe(const Simulator *simulator, const TraceRecord *record, GString *out);
/* Appends the time as the timeline's first column has it, with `digits` decimals (0 to 9). */
void timeline_format_time(SimTime time, unsigned digits, GString *out);
