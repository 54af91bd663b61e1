/* Text on a terminal. See timeline_text.h. */
#include "export/timeline_text.h"

#include <string.h>

unsigned timeline_character_columns(gunichar c)
{
    if (g_unichar_iszerowidth(c))
        return 0;
    return g_unichar_iswide(c) ? 2 : 1;
}

unsigned timeline_text_columns(const char *text)
{
    unsigned columns = 0;
    for (const char *c = text; *c != '\0'; c = g_utf8_next_char(c))
        columns += timeline_character_columns(g_utf8_get_char(c));
    return columns;
}

size_t timeline_line_length(const char *text, unsigned columns)
{
    unsigned used = 0;
    const char *space = NULL;
    for (const char *c = text; *c != '\0'; c = g_utf8_next_char(c)) {
        if (*c == ' ')
            space = c;
        used += timeline_character_columns(g_utf8_get_char(c));
        if (used > columns && c > text)
            return (size_t)((space != NULL && space > text ? space : c) - text);
    }
    return strlen(text);
}

const char *timeline_tone_escape(TimelineTone tone)
{
    switch (tone) {
    case TIMELINE_PLAIN:
        return "";
    case TIMELINE_STRONG:
        return "\033[1m";
    case TIMELINE_GOOD:
        return "\033[32m";
    case TIMELINE_BAD:
        return "\033[31m";
    case TIMELINE_DIM:
    case TIMELINE_DETAIL:
        return "\033[2m";
    }
    return "";
}
