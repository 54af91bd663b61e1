/* Numbers and strings as JSON has them, by hand: see ndjson_internal.h. */
#include "export/ndjson_internal.h"

#include <string.h>

enum { NDJSON_WORD = 8 }; /* octets of a text that are looked at together */

/* The decimal digits of 0 to 99. */
static const char PAIRS[] = "00010203040506070809101112131415161718192021222324252627282930313233"
                            "34353637383940414243444546474849505152535455565758596061626364656667"
                            "6869707172737475767778798081828384858687888990919293949596979899";

static inline char *put_pair(char *at, uint32_t pair)
{
    memcpy(at, PAIRS + (size_t)pair * 2, 2);
    return at + 2;
}

static inline char *put_four(char *at, uint32_t number)
{
    return put_pair(put_pair(at, number / 100), number % 100);
}

static inline char *put_eight(char *at, uint32_t number)
{
    return put_four(put_four(at, number / 10000), number % 10000);
}

static inline char *put_below_hundred(char *at, uint32_t number)
{
    if (number >= 10)
        return put_pair(at, number);
    *at = (char)('0' + number);
    return at + 1;
}

static inline char *put_below_10000(char *at, uint32_t number)
{
    if (number < 100)
        return put_below_hundred(at, number);
    return put_pair(put_below_hundred(at, number / 100), number % 100);
}

/* Digits come out two, four and eight at a time: to divide and to go round a loop is what costs. */
char *ndjson_put_unsigned(char *at, uint64_t number)
{
    const uint64_t eight_digits = 100000000;
    if (number < 10000)
        return put_below_10000(at, (uint32_t)number);
    if (number < eight_digits)
        return put_four(put_below_10000(at, (uint32_t)number / 10000), (uint32_t)number % 10000);
    at = ndjson_put_unsigned(at, number / eight_digits);
    return put_eight(at, (uint32_t)(number % eight_digits));
}

char *ndjson_put_signed(char *at, int64_t number)
{
    if (number < 0)
        return ndjson_put_unsigned(NDJSON_PUT(at, "-"), -(uint64_t)number);
    return ndjson_put_unsigned(at, (uint64_t)number);
}

static char *put_escape(char *at, uint8_t byte)
{
    static const char HEX[] = "0123456789abcdef";
    switch (byte) {
    case '"':
        return NDJSON_PUT(at, "\\\"");
    case '\\':
        return NDJSON_PUT(at, "\\\\");
    case '\n':
        return NDJSON_PUT(at, "\\n");
    case '\r':
        return NDJSON_PUT(at, "\\r");
    case '\t':
        return NDJSON_PUT(at, "\\t");
    default: {
        char text[NDJSON_ESCAPE_SIZE] = {'\\', 'u', '0', '0', HEX[byte >> 4], HEX[byte & 15]};
        memcpy(at, text, sizeof text);
        return at + sizeof text;
    }
    }
}

static inline bool byte_is_plain(uint8_t byte)
{
    return byte >= 0x20 && byte < 0x7f && byte != '"' && byte != '\\';
}

/* Whether eight octets are all plain; like octets_are_printable, it may say no where they are. */
static inline bool word_is_plain(uint64_t word)
{
    const uint64_t each = UINT64_C(0x0101010101010101);
    uint64_t quote = (word ^ each * '"') - each;
    uint64_t backslash = (word ^ each * '\\') - each;
    return octets_are_printable(word) && ((quote | backslash) & each * 0x80) == 0;
}

/* Puts the character at the start of `rest`, which is no plain one, and takes it off. */
static char *put_special(char *at, Span *rest)
{
    size_t length = 1;
    if (rest->data[0] < 0x80) {
        at = put_escape(at, rest->data[0]);
    } else {
        gunichar c = g_utf8_get_char_validated((const char *)rest->data, (gssize)rest->length);
        if (c == (gunichar)-1 || c == (gunichar)-2) {
            at = NDJSON_PUT(at, "\xEF\xBF\xBD"); /* U+FFFD */
        } else {
            length = (size_t)g_unichar_to_utf8(c, NULL);
            memcpy(at, rest->data, length);
            at += length;
        }
    }
    *rest = span_skip(*rest, length);
    return at;
}

/* Puts the octets before the first that is not plain, and takes them off. Where fewer than a word
 * are left, and four or more, they are looked at together too: the first four and the last four. */
static inline char *put_plain(char *at, Span *text)
{
    enum { HALF = NDJSON_WORD / 2 };
    size_t length = text->length;
    if (length >= HALF && length < NDJSON_WORD) {
        uint32_t first, last;
        memcpy(&first, text->data, HALF);
        memcpy(&last, text->data + length - HALF, HALF);
        if (word_is_plain(first | (uint64_t)last << 32)) {
            memcpy(at, &first, HALF);
            memcpy(at + length - HALF, &last, HALF);
            *text = span_of(text->data + length, 0);
            return at + length;
        }
    }
    size_t plain = 0;
    for (; plain < length && byte_is_plain(text->data[plain]); plain++)
        at[plain] = (char)text->data[plain];
    *text = span_of(text->data + plain, length - plain);
    return at + plain;
}

/* There is room for the text, each of its octets escaped. */
char *ndjson_put_escaped(char *at, Span text)
{
    while (text.length > 0) {
        uint64_t word = 0;
        while (text.length >= NDJSON_WORD &&
               (memcpy(&word, text.data, NDJSON_WORD), word_is_plain(word))) {
            memcpy(at, &word, NDJSON_WORD);
            at += NDJSON_WORD;
            text = span_of(text.data + NDJSON_WORD, text.length - NDJSON_WORD);
        }
        at = put_plain(at, &text);
        if (text.length > 0)
            at = put_special(at, &text);
    }
    return at;
}

char *ndjson_put_string(char *at, Span text)
{
    return NDJSON_PUT(ndjson_put_escaped(NDJSON_PUT(at, "\""), text), "\"");
}
