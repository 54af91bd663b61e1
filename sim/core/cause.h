/* What set an event off: the trace record before it, at each level of the trace.
 *
 * The simulator carries a Cause from the step that schedules an event to the step that it starts;
 * the trace fills it in. A level that leaves records out names the nearest ancestor it has
 * written, so one number a level is kept. 0 means the timeline itself. */
#pragma once

#include <stdint.h>

enum { CAUSE_LEVELS = 3 };

typedef struct Cause {
    uint64_t nearest[CAUSE_LEVELS]; /* seq of the nearest record at each trace level */
} Cause;
