/* A scenario with every default filled in, as `mailsim check --full` prints it. */
#pragma once

#include "scenario/model.h"

/* The scenario as YAML that reads back to an equal model. Keys that are not given and have no
 * default stand as comments that say what holds. A text to free. */
char *scenario_format_full(const Scenario *scenario);
