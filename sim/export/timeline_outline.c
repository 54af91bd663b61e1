/* What attempts have in common. See timeline_outline.h. */
#include "export/timeline_outline.h"

static void append_without_numbers(GString *outline, const char *text)
{
    for (; *text != '\0'; text++) {
        if (!g_ascii_isdigit(*text))
            g_string_append_c(outline, *text);
        else if (!g_ascii_isdigit(text[1]))
            g_string_append_c(outline, '#');
    }
}

void timeline_outline_add(GString *outline, const char *text, bool has_numbers)
{
    if (has_numbers)
        append_without_numbers(outline, text);
    else
        g_string_append(outline, text);
    g_string_append_c(outline, '\n');
}

char *timeline_without_names(const char *text, const char *mail, const char *recipient)
{
    GString *bare = g_string_new(text);
    if (recipient[0] != '\0')
        g_string_replace(bare, recipient, "@", 0);
    if (mail[0] != '\0')
        g_string_replace(bare, mail, "*", 0);
    return g_string_free(bare, FALSE);
}
