/* What attempts that fail alike have in common: their events' texts, line by line, without what
 * differs from one to the next. */
#pragma once

#include <glib.h>
#include <stdbool.h>

/* Appends the text as a line. With `has_numbers` each number in it is #: "back after 2 min" is told
 * of the next attempt as "back after 4 min". */
void timeline_outline_add(GString *outline, const char *text, bool has_numbers);
/* The text as it would be of any mail, for any recipient; to free. Either may be empty. */
char *timeline_without_names(const char *text, const char *mail, const char *recipient);
