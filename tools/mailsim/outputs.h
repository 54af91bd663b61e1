/* What a run writes beside its simulation: the timeline on the terminal, trace, captures, facts, a
 * live session's recording, digest and summary. */
#pragma once

#include "scenario/run.h"

typedef struct Outputs Outputs;

/* What the options say; texts may be NULL. All borrowed. */
typedef struct OutputsOptions {
    TraceLevel level, trace_level;
    bool is_quiet, wants_digest, is_unfolded, use_unicode;
    char *trace, *facts, *record, *pcap, *follow, *form, *mermaid;
    char **pcap_at, **svg;
} OutputsOptions;

/* Opens all, before the run. NULL, with the error told, when something cannot be. */
Outputs *outputs_new(const Run *run, const OutputsOptions *options, const char *start);
/* Ends what is being written, after the run; false when something could not be. */
bool outputs_finish(Outputs *outputs, const Run *run, const OutputsOptions *options);
void outputs_free(Outputs *outputs);
/* The exit status of a run that is over. */
int outputs_status(const Run *run, bool is_balanced, bool is_written);
