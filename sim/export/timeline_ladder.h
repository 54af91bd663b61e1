/* Events as a ladder: a column for each host with its lifeline, arrows between them.
 *
 *                   alice.laptop        mail.naver.example
 *     00:00:01.040       |--TCP: connects to port 25-->|
 *     00:00:01.140       |<-S: 220 ready---------------|
 *     00:00:02.000       |                             o queue: lunch enters
 *
 * The lifeline of a host that is down is a colon. In plain ASCII unless asked otherwise: arrows and
 * box lines take two columns in many Korean terminals. */
#pragma once

#include "export/timeline_event.h"

enum { LADDER_TIME_COLUMNS = 14, LADDER_GAP_MINIMUM = 21, LADDER_COLUMNS_MAXIMUM = 12 };

typedef struct TimelineLadder TimelineLadder;

typedef struct LadderOptions {
    const NodeId *columns; /* hosts, from left to right; copied */
    size_t column_count;   /* 2 to LADDER_COLUMNS_MAXIMUM */
    unsigned width;        /* at least ladder_width_needed */
    unsigned time_digits;
    bool use_colour;
    bool use_unicode;
} LadderOptions;

/* The narrowest terminal that so many columns fit on. */
unsigned ladder_width_needed(size_t column_count);

TimelineLadder *timeline_ladder_new(const Simulator *simulator, const LadderOptions *options);
void timeline_ladder_free(TimelineLadder *ladder);
/* Appends the hosts' names. */
void timeline_ladder_put_head(TimelineLadder *ladder, GString *out);
/* Appends a row that says how long nothing happens. */
void timeline_ladder_put_pause(TimelineLadder *ladder, SimTime pause_ns, GString *out);
/* Appends the event: one row or several. */
void timeline_ladder_put(TimelineLadder *ladder, const TimelineEvent *event, GString *out);
