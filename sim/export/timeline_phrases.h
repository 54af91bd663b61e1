/* How each kind of trace record reads on a terminal. */
#pragma once

#include "trace/trace.h"

typedef enum TimelineTone {
    TIMELINE_PLAIN,
    TIMELINE_STRONG,
    TIMELINE_GOOD,
    TIMELINE_BAD,
    TIMELINE_DIM,
} TimelineTone;

typedef struct TimelinePhrase {
    const char *template; /* NULL: made by timeline_describe itself */
    TimelineTone tone;
} TimelinePhrase;

const TimelinePhrase *timeline_phrase(TraceKind kind);
