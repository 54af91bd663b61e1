/* Scenarios: the files that describe a network, its mail servers and people, and what happens. The
 * format is described in scenarios/README.md. */
#pragma once

#include "mailsim/api.h"

#include <stddef.h>

/* A scenario that has been read and checked; immutable. */
typedef struct MsScenario MsScenario;

/* Reads a file. `messages`, when not NULL, is set to what is to be told to the author (errors and
 * warnings, one block each, with file, line and column; "" when there are none), to be released
 * with ms_free_text. Returns NULL when the file has errors. */
MS_API MsScenario *ms_scenario_read_file(const char *path, char **messages);
/* The same for `length` bytes in memory; `name` stands for the file in the messages. */
MS_API MsScenario *ms_scenario_read_bytes(const char *name, const void *bytes, size_t length,
                                          char **messages);
MS_API void ms_scenario_free(MsScenario *scenario);

/* The title in a language ("en", "ko"), or in English; borrowed. */
MS_API const char *ms_scenario_title(const MsScenario *scenario, const char *language);

/* Releases a text that the library has returned. NULL is ignored. */
MS_API void ms_free_text(char *text);
