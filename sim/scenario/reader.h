/* From scenario file to checked model: YAML 1.2, read strictly, all errors at once.
 *
 * The keys, their types and their defaults are in format.h's tables; the checks that need the whole
 * file (does this router exist?) are in checks_*.c. */
#pragma once

#include "core/bytes.h"
#include "scenario/diagnostics.h"
#include "scenario/model.h"

enum { SCENARIO_FILE_MAXIMUM = 4 * 1024 * 1024 };

/* Reads and checks a file. NULL when it has errors: `diagnostics` then holds at least one; it may
 * hold warnings in either case. Its earlier entries are forgotten. */
Scenario *scenario_read_file(const char *path, Diagnostics *diagnostics);
/* The same for bytes in memory; `name` stands in the diagnostics for the file. */
Scenario *scenario_read_bytes(const char *name, Span bytes, Diagnostics *diagnostics);
