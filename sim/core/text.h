/* Texts put together without the cost of printf: for what is written for each mail. */
#pragma once

#include "core/bytes.h"

#include <glib.h>
#include <stddef.h>
#include <stdint.h>

enum { TEXT_NUMBER_SIZE = 21 }; /* 2^64 in decimal, and the NUL */

/* The number in decimal, with zeros in front up to `width` digits (at most 20). What is returned
 * lies in `room`. */
const char *text_number(uint64_t number, unsigned width, char room[static TEXT_NUMBER_SIZE]);
/* Writes its digits, and no NUL, to `out`, which has room for 20; returns how many they are. */
size_t text_put_digits(uint64_t number, char *out);
static inline size_t text_put_number(uint64_t number, char *out)
{
    if (number >= 10)
        return text_put_digits(number, out);
    *out = (char)('0' + number);
    return 1;
}
/* Appends what comes from outside, such as a mail's name, as a terminal may show it: control
 * characters and octets that are no UTF-8 as \xNN. A line feed is left as it is. */
void text_append_shown(GString *text, Span octets);
/* The same in one line: line ends become spaces. */
void text_append_shown_line(GString *text, const char *line);
/* As text_append_shown_line; to free. */
char *text_shown_line(const char *line);
