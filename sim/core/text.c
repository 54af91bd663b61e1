/* Texts put together. See text.h. */
#include "core/text.h"

#include "core/check.h"
#include "core/digits.h"

#include <string.h>

const char *text_number(uint64_t number, unsigned width, char room[static TEXT_NUMBER_SIZE])
{
    CHECK(width < TEXT_NUMBER_SIZE);
    size_t length = text_put_number(number, room);
    if (length < width) {
        memmove(room + width - length, room, length);
        memset(room, '0', width - length);
        length = width;
    }
    room[length] = '\0';
    return room;
}

size_t text_put_digits(uint64_t number, char *out)
{
    return (size_t)(digits_put(out, number) - out);
}

void text_append_shown(GString *text, Span octets)
{
    while (octets.length > 0) {
        gunichar c = g_utf8_get_char_validated((const char *)octets.data, (gssize)octets.length);
        bool is_character = c != (gunichar)-1 && c != (gunichar)-2;
        size_t length = is_character ? (size_t)g_unichar_to_utf8(c, NULL) : 1;
        if (is_character && (g_unichar_isprint(c) || c == '\n'))
            g_string_append_len(text, (const char *)octets.data, (gssize)length);
        else
            for (size_t i = 0; i < length; i++)
                g_string_append_printf(text, "\\x%02x", octets.data[i]);
        octets = span_skip(octets, length);
    }
}

void text_append_shown_line(GString *text, const char *line)
{
    g_autofree char *copy = g_strdelimit(g_strdup(line), "\n\r", ' ');
    text_append_shown(text, span_of_text(copy));
}

char *text_shown_line(const char *line)
{
    GString *text = g_string_sized_new(strlen(line) + 1);
    text_append_shown_line(text, line);
    return g_string_free(text, FALSE);
}
