/* mailsim torture by seeds: swarms of faults, and what becomes of a seed that fails. */
#pragma once

#include "torture/marks.h"
#include "torture_tally.h"

typedef struct TortureOptions {
    uint64_t first, count; /* seeds */
    unsigned jobs;
    const char *folder; /* in which failing scenarios are written */
    bool is_shrinking;
    bool stops; /* at the first failure */
} TortureOptions;

/* Plays the file's swarms; `path` NULL: a small scenario is drawn for each seed. False when the
 * file cannot be read or the work cannot be done, which is told on standard error. */
bool torture_seeds(const char *path, const TortureOptions *options, TortureTally *tally);
