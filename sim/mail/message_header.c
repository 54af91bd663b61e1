/* Reading header fields as a server does at every hop: line by line, nothing copied, safe on any
 * octets. RFC 5322 §2.2. Lines may end in CRLF or LF, since what comes in from outside may too. */
#include "mail/message.h"

#include <string.h>

static bool is_blank(uint8_t c)
{
    return c == ' ' || c == '\t';
}

/* Where the line at `start` ends: after its LF, or at `end`. */
static const uint8_t *line_end(const uint8_t *start, const uint8_t *end)
{
    const uint8_t *feed = memchr(start, '\n', (size_t)(end - start));
    return feed != NULL ? feed + 1 : end;
}

/* CRLF or LF alone; at the end of the message also CR. */
static bool is_empty_line(const uint8_t *start, const uint8_t *end)
{
    if (start[0] == '\n')
        return true;
    return start[0] == '\r' && (end - start == 1 || (end - start == 2 && start[1] == '\n'));
}

/* The end of the field whose first line ends at `at`: of the folded ones too (RFC 5322 §2.2.3). */
static const uint8_t *field_end(const uint8_t *at, const uint8_t *end)
{
    while (at < end && is_blank(*at))
        at = line_end(at, end);
    return at;
}

static Span without_line_end(Span line)
{
    if (line.length > 0 && line.data[line.length - 1] == '\n')
        line.length--;
    if (line.length > 0 && line.data[line.length - 1] == '\r')
        line.length--;
    return line;
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

/* Letters with which names begin, in lower case; both 0: any name. */
typedef struct Letters {
    uint8_t first, second;
} Letters;

static bool may_begin(Letters letters, uint8_t octet)
{
    octet |= 0x20;
    return letters.first == 0 || octet == letters.first || octet == letters.second;
}

/* The next field whose name begins with one of the letters. A header has few of the same, so that
 * most lines are passed by without a look at the rest. When there is none, `position` is where the
 * header ends. */
static bool next_lettered(Span message, Letters letters, size_t *position, Span *name, Span *value)
{
    if (message.length == 0)
        return false;
    const uint8_t *end = message.data + MIN(message.length, (size_t)MESSAGE_HEADER_MAX);
    for (const uint8_t *start = message.data + *position, *next; start < end; start = next) {
        next = line_end(start, end);
        if (is_empty_line(start, next))
            return false;
        next = field_end(next, end);
        *position = (size_t)(next - message.data);
        if (may_begin(letters, start[0]) &&
            take_field(span_of(start, (size_t)(next - start)), name, value))
            return true;
    }
    return false;
}

/* The next field of the name; NULL: of any. */
static bool next_header(Span message, const char *wanted, size_t *position, Span *name, Span *value)
{
    const uint8_t letter = wanted != NULL ? (uint8_t)wanted[0] | 0x20 : 0;
    while (next_lettered(message, (Letters){letter, letter}, position, name, value)) {
        if (wanted == NULL || span_equals_text_nocase(*name, wanted))
            return true;
    }
    return false;
}

bool message_next_header(Span message, size_t *position, Span *name, Span *value)
{
    return next_header(message, NULL, position, name, value);
}

bool message_next_header_named(Span message, const char *wanted, size_t *position, Span *name,
                               Span *value)
{
    return next_header(message, wanted, position, name, value);
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
    Span found, value;
    return next_header(message, name, &position, &found, &value) ? trim(value) : (Span){0};
}

size_t message_body_offset(Span message)
{
    if (message.length == 0)
        return 0;
    const uint8_t *end = message.data + MIN(message.length, (size_t)MESSAGE_HEADER_MAX);
    for (const uint8_t *start = message.data, *next; start < end; start = next) {
        next = line_end(start, end);
        if (is_empty_line(start, next))
            return (size_t)(next - message.data);
    }
    return message.length;
}

bool message_header_is_ascii(Span message)
{
    return span_is_ascii(span_of(message.data, message_body_offset(message)));
}

/* Of the value of a Message-ID field. */
static Span left_of_id(Span id)
{
    size_t open = span_find(id, '<');
    if (open == id.length)
        return (Span){0};
    id = span_skip(id, open + 1);
    size_t at = span_find(id, '@');
    /* Without an @ the name may have been cut off, so that it names nothing. */
    return at == id.length ? (Span){0} : span_of(id.data, at);
}

Span message_id_left(Span message)
{
    return left_of_id(message_find_header(message, "Message-ID"));
}

MessageSurvey message_survey(Span message)
{
    const Letters letters = {'r', 'm'};
    MessageSurvey survey = {.body_offset = message.length};
    size_t position = 0;
    Span name, value;
    while (next_lettered(message, letters, &position, &name, &value)) {
        if (span_equals_text_nocase(name, "Received")) {
            survey.received++;
        } else if (span_equals_text_nocase(name, "Return-Path")) {
            survey.has_return_path = true;
        } else if (!survey.has_id && span_equals_text_nocase(name, "Message-ID")) {
            survey.has_id = true;
            survey.id_left = left_of_id(value);
        }
    }
    if (position < MIN(message.length, (size_t)MESSAGE_HEADER_MAX)) {
        const uint8_t *end = message.data + MIN(message.length, (size_t)MESSAGE_HEADER_MAX);
        survey.body_offset = (size_t)(line_end(message.data + position, end) - message.data);
    }
    return survey;
}

unsigned message_count_received(Span message)
{
    unsigned count = 0;
    size_t position = 0;
    Span name, value;
    while (next_header(message, "Received", &position, &name, &value))
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
