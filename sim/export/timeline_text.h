/* Text on a terminal: how wide it is, where it breaks, which colour it has. */
#pragma once

#include "export/timeline_phrases.h"

#include <stddef.h>

/* How many columns of a terminal the character takes: Korean ones take two. */
unsigned timeline_character_columns(gunichar c);
unsigned timeline_text_columns(const char *text);
/* How many octets of `text`, which has no line feed, go on one line of `columns`, which is at least
 * one character: up to a space where there is one. */
size_t timeline_line_length(const char *text, unsigned columns);
/* What begins the colour of a tone (ECMA-48 SGR); "" for none. "\033[0m" ends it. */
const char *timeline_tone_escape(TimelineTone tone);
