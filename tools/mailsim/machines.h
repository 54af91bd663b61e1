/* The state tables that the protocol engines run from, all of them. */
#pragma once

#include "core/state_table.h"

/* NULL-terminated. */
extern const StateTable *const MACHINES[];
