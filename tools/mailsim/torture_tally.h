/* What a torture run has come to: how many runs, failures, marks; and how it is told. */
#pragma once

#include "torture/trial.h"

typedef struct TortureTally {
    uint64_t runs, failures, events, mails;
    Marks passed;    /* how often each mark was passed, in all runs */
    Marks reached;   /* in how many runs */
    uint64_t total;  /* runs to come to, for the progress */
    gint64 shown_at; /* of the wall clock, in microseconds */
} TortureTally;

/* A result as one line, as a child process gives it to the pool; the defect goes last. */
void torture_result_write(const TrialResult *result, GString *line);
/* The result of such a line, or of what the child has died of. */
TrialResult torture_result_of(const char *line, const char *death);

void torture_tally_add(TortureTally *tally, const TrialResult *result);
/* How far it is, on standard error where that is a terminal; now and then. */
void torture_tally_show_progress(TortureTally *tally);
/* Wipes the progress out: something else is written. */
void torture_tally_hide_progress(TortureTally *tally);
/* Marks reached and never reached, and the sum of it all, on standard output. */
void torture_tally_print(const TortureTally *tally);
