/* A trial: one scenario played to its end before the judge. */
#pragma once

#include "torture/judge.h"
#include "torture/marks.h"

typedef struct TrialResult {
    bool is_healed;   /* swarm_is_healed */
    bool is_readable; /* the text is a scenario; otherwise nothing was played */
    DefectKind kind;
    char *defect; /* in a sentence; NULL: none. To free. */
    /* What is wrong can be seen by `mailsim run` alone, by its exit status. */
    bool is_plain;
    uint64_t events, mails;
    Marks marks;
} TrialResult;

void trial_result_clear(TrialResult *result);

/* Plays a scenario that has an `until`, such as a swarm. */
TrialResult trial_play(const Scenario *scenario);
/* The same with a fault, and to its rest, whatever its `until`. */
TrialResult trial_play_with_fault(const Scenario *scenario, const SimulationFault *fault);
/* Where the run without a fault can be struck: how many events it has, and how many steps each
 * server's disk takes, in the order of the scenario's servers. */
uint64_t trial_count_points(const Scenario *scenario, uint64_t *disk_steps);
/* A scenario from its text. */
TrialResult trial_play_text(const char *text);
