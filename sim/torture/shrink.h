/* Shrinking: a scenario that fails becomes a small one that fails likewise.
 *
 * It works on the text of a scenario as scenario_format_full writes it, in blocks, and knows of
 * YAML no more than that what is indented further belongs to the line above. Parts are taken away
 * - first whole sections, then entries, keys, elements of lists - and counts made small, for as
 * long as the test says that what is left still fails. What is no scenario any more does not. So
 * defaults, faults without effect and bystanders all go by the same rule. */
#pragma once

#include <stdbool.h>

/* Whether the scenario still fails as it should. */
typedef bool (*ShrinkTest)(void *owner, const char *text);

/* Calls the test at most so many times. The result, to free, fails; it may be the text itself. */
char *shrink_text(const char *text, ShrinkTest test, void *owner, unsigned most_tests);
