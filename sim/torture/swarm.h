/* A swarm: a scenario to which faults and traffic are added that a seed draws, and in the end the
 * healing of every fault.
 *
 * The result is a scenario file like any other, so a run that fails can be kept, looked at, and
 * played with `mailsim run`. It has
 *
 *  - what the scenario has, without its expectations, questions and `until`;
 *  - faults in a window of time that is drawn, from ten seconds to eight days long. Of the families
 *    of faults (swarm_family_name) each run has some wholly off, so that a frequent one does not
 * hide what a rare one would show;
 *  - traffic between all users, to unknown users too;
 *  - at the end of the window: every machine restarts, every link and name works again. Then
 *    another mail of each person;
 *  - an `until` by which everything must have come to rest, and expectations that every queue is
 *    empty then.
 *
 * Each family draws from a stream of its own (seed and the family's name), so that a new family
 * changes no other's draws. */
#pragma once

#include "scenario/model.h"

/* The scenario as a text to free; `seed` becomes its seed. */
char *swarm_write(const Scenario *base, uint64_t seed);

/* Whether each fault of the timeline has an end behind it, as in every swarm. A scenario without
 * one may well have mail left over: shrinking must not take it away. */
bool swarm_is_healed(const Scenario *scenario);

/* The families by number, from 0; NULL behind the last. */
const char *swarm_family_name(size_t family);
/* The bits of the families that are on with this seed, by those numbers. */
uint32_t swarm_families_on(uint64_t seed);
