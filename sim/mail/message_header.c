/* Reading header fields as a server does at every hop: line by line, nothing copied, safe on any
 * octets. RFC 5322 §2.2. Lines may end in CRLF or LF, since what comes in from outside may too. */
#include "mail/message.h"

#include <string.h>

static bool is_blank(uint8_t c)
{
    return c == ' ' || c == '\t';
}

/* The header as far as it may be looked at: the message, cut at MESSAGE_HEADER_MAX. */
static Span header_window(Span message)
{
    return span_of(message.data, MIN(message.length, (size_t)MESSAGE_HEADER_MAX));
}

/* Where the line that begins at `start` ends: after its LF, or at the end of `text`. */
static size_t line_end(Span text, size_t start)
{
    size_t length = span_find(span_skip(text, start), '\n');
    return start + length < text.length ? start + length + 1 : text.length;
}

static Span without_line_end(Span line)
{
    if (line.length > 0 && line.data[line.length - 1] == '\n')
        line.length--;
    if (line.length > 0 && line.data[line.length - 1] == '\r')
        line.length--;
    return line;
}

static bool is_empty_line(Span text, size_t start, size_t end)
{
    return without_line_end(span_of(text.data + start, end - start)).length == 0;
}

/* The end of the field whose first line ends at `end`: of the folded ones too (RFC 5322 §2.2.3). */
static size_t field_end(Span text, size_t end)
{
    while (end < text.length && is_blank(text.data[end]))
        end = line_end(text, end);
    return end;
}

/* Takes the name and the value of a field; false where it is none: it is read over, as mail servers
 * do. */
static bool take_field(Span field, Span *name, Span *value)
{
    field = without_line_end(field);
    size_t colon = span_find(field, ':');
    if (colon == field.length || is_blank(field.data[0]))
        return false;
    *value = span_skip(field, colon + 1);
    while (colon > 0 && is_blank(field.data[colon - 1])) /* obs-optional, RFC 5322 §4.5 */
        colon--;
    *name = span_of(field.data, colon);
    return true;
}

/* The next field whose name begins with this letter, or with its capital; 0: with any octet. */
static bool next_header(Span message, uint8_t letter, size_t *position, Span *name, Span *value)
{
    Span text = header_window(message);
    while (*position < text.length) {
        size_t start = *position, end = line_end(text, start);
        if (is_empty_line(text, start, end))
            return false;
        *position = field_end(text, end);
        Span field = span_of(text.data + start, *position - start);
        if ((letter == 0 || (field.data[0] | 0x20) == letter) && take_field(field, name, value))
            return true;
    }
    return false;
}

bool message_next_header(Span message, size_t *position, Span *name, Span *value)
{
    return next_header(message, 0, position, name, value);
}

static Span trim(Span value)
{
    while (value.length > 0 && g_ascii_isspace(value.data[0]))
        value = span_skip(value, 1);
    while (value.length > 0 && g_ascii_isspace(value.data[value.length - 1]))
        value.length--;
    return value;
}

Span message_find_header(Span message, const char *name)
{
    size_t position = 0;
    uint8_t letter = g_ascii_isalpha(name[0]) ? (uint8_t)g_ascii_tolower(name[0]) : 0;
    Span found, value;
    while (next_header(message, letter, &position, &found, &value))
        if (span_equals_text_nocase(found, name))
            return trim(value);
    return (Span){0};
}

size_t message_body_offset(Span message)
{
    Span text = header_window(message);
    size_t start = 0;
    while (start < text.length) {
        size_t end = line_end(text, start);
        if (is_empty_line(text, start, end))
            return end;
        start = end;
    }
    return message.length;
}

bool message_header_is_ascii(Span message)
{
    return span_is_ascii(span_of(message.data, message_body_offset(message)));
}

Span message_id_left(Span message)
{
    Span id = message_find_header(message, "Message-ID");
    size_t open = span_find(id, '<');
    if (open == id.length)
        return (Span){0};
    id = span_skip(id, open + 1);
    size_t at = span_find(id, '@');
    /* Without an @ the name may have been cut off, so that it names nothing. */
    return at == id.length ? (Span){0} : span_of(id.data, at);
}

unsigned message_count_received(Span message)
{
    unsigned count = 0;
    size_t position = 0;
    Span name, value;
    while (next_header(message, 'r', &position, &name, &value))
        if (span_equals_text_nocase(name, "Received"))
            count++;
    return count;
}

/* RFC 5322 §2.2.3: unfolding takes away the line end before a blank, and nothing else. NUL octets
 * go too, since the result is a C string. */
char *message_dup_header(Span message, const char *name)
{
    Span value = message_find_header(message, name);
    if (value.data == NULL)
        return NULL;
    GString *text = g_string_sized_new(value.length);
    for (size_t i = 0; i < value.length; i++) {
        uint8_t c = value.data[i];
        if (c != '\r' && c != '\n' && c != '\0')
            g_string_append_c(text, (char)c);
    }
    return g_string_free(text, FALSE);
}
