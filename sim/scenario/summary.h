/* The summary of a run on a terminal: what became of each mail, the servers' queues, the network,
 * the verdicts of the expectations, and the answers to the questions. */
#pragma once

#include "scenario/run.h"

typedef struct SummaryOptions {
    bool use_colour;
    const char *language; /* of questions: "en", "ko" */
    const char *follow;   /* the only mail to tell of; NULL: all of them */
} SummaryOptions;

void summary_write(const Run *run, const SummaryOptions *options, GString *out);
