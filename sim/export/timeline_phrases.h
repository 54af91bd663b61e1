/* How each kind of trace record reads on a terminal. */
#pragma once

#include "trace/trace.h"

typedef enum TimelineTone {
    TIMELINE_PLAIN,
    TIMELINE_STRONG,
    TIMELINE_GOOD,
    TIMELINE_BAD,
    TIMELINE_DIM,
    /* Dim, and shown only where every packet is: what a reader of the dialogue can do without,
     * such as the states of both machines. */
    TIMELINE_DETAIL,
} TimelineTone;

typedef struct TimelinePhrase {
    const char *template; /* timeline_describe adds what no template can say */
    TimelineTone tone;
} TimelinePhrase;

const TimelinePhrase *timeline_phrase(TraceKind kind);
