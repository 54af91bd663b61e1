/* How a record came about: the chain of causes from it back to the timeline. */
#pragma once

#include "scenario/run.h"

/* Plays the scenario again, which gives the same run, and appends the chain that leads to the
 * record `seq`, one line a record of level MAIL, the earliest first. */
void chain_write(const Scenario *scenario, const SimulationOptions *options, uint64_t seq,
                 GString *out);
