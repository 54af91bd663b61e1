/* How far a long run is, on standard error where that is a terminal: simulated time, speed, and
 * the time left where the run's end is known. */
#pragma once

#include "trace/trace.h"

typedef struct Progress Progress;

/* Adds itself to the trace. `until` is when the run ends; SIM_NEVER: nobody knows. NULL, and
 * nothing is shown, when standard error is no terminal. */
Progress *progress_new(Trace *trace, SimTime until);
/* Wipes its line out. NULL is allowed. */
void progress_free(Progress *progress);
