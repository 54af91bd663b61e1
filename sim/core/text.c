/* Texts put together. See text.h. */
#include "core/text.h"

#include "core/check.h"

#include <stdarg.h>
#include <string.h>

const char *text_number(uint64_t number, unsigned width, char room[static TEXT_NUMBER_SIZE])
{
    CHECK(width < TEXT_NUMBER_SIZE);
    char *at = room + TEXT_NUMBER_SIZE - 1;
    const char *end = at;
    *at = '\0';
    do {
        *--at = (char)('0' + number % 10);
        number /= 10;
    } while (number > 0);
    while (end - at < (ptrdiff_t)width)
        *--at = '0';
    return at;
}

size_t text_put_number(uint64_t number, char *out)
{
    char room[TEXT_NUMBER_SIZE];
    const char *text = text_number(number, 1, room);
    size_t length = (size_t)(room + TEXT_NUMBER_SIZE - 1 - text);
    memcpy(out, text, length);
    return length;
}

void text_append_number(GString *text, uint64_t number)
{
    char room[TEXT_NUMBER_SIZE];
    g_string_append(text, text_number(number, 1, room));
}

void text_append(GString *text, const char *first, ...)
{
    va_list texts;
    va_start(texts, first);
    for (const char *next = first; next != NULL; next = va_arg(texts, const char *))
        g_string_append(text, next);
    va_end(texts);
}
