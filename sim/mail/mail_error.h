/* Wrong input from a person, such as a scenario's retry rules or a mail's texts: a sentence that
 * says what is wrong. Where it stands in a file is for the caller to add. */
#pragma once

#include <glib.h>
#include <stdbool.h>

GQuark mail_error_quark(void);
/* Sets `error` unless it is NULL; always false, so that a check can end `return mail_error(…)`. */
bool mail_error(GError **error, const char *format, ...) G_GNUC_PRINTF(2, 3);
