/* The terminal that the program talks to, and what of a run is shown on it. */
#pragma once

#include "export/timeline.h"
#include "scenario/run.h"

/* Colour on a terminal only, and not where NO_COLOR forbids it. */
bool terminal_wants_colour(void);
/* "en" or "ko", as the user's language says. */
const char *terminal_language(void);

typedef struct TerminalOptions {
    TraceLevel level;
    const char *follow; /* a mail, or NULL */
    const char *form;   /* "ladder", "list", or NULL: a ladder on a terminal that is wide enough */
    bool is_unfolded, use_unicode;
} TerminalOptions;

/* The hosts (NodeId) that are columns of a ladder, from left to right: all servers and agents, or
 * those of the author and the recipients of the mail to follow. To unref. */
GArray *terminal_list_columns(const Run *run, const char *follow);
/* The run's timeline on standard output, to be made before the run. */
Timeline *terminal_timeline_new(const Run *run, const TerminalOptions *options);
