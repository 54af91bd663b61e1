/* Strings as JSON has them, by hand: see ndjson_internal.h. */
#include "export/ndjson_internal.h"

enum {
    WORD = 8, /* octets of a text that are looked at together */
    HALF = WORD / 2,
};

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

/* 0 if eight octets are all plain. One that is not sets its highest bit here: it has it already, or
 * gets it by a subtraction that goes below zero or an addition. That a borrow or carry goes on into
 * the next octet does no harm, since it comes from one that is not plain. */
static inline uint64_t special_in_word(uint64_t word)
{
    const uint64_t each = UINT64_C(0x0101010101010101);
    /* Turning this bit over brings the quote next to the control characters: '"' ^ 2 == ' '. */
    uint64_t control_or_quote = (word ^ each * 2) - each * (' ' + 1);
    uint64_t backslash = (word ^ each * '\\') - each;
    uint64_t delete = word + each;
    return (word | control_or_quote | backslash | delete) & each * 0x80;
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

/* Puts characters until no more octets than that are left. */
static char *put_characters(char *at, Span *text, size_t left)
{
    while (text->length > left) {
        if (byte_is_plain(text->data[0])) {
            *at++ = (char)text->data[0];
            *text = span_of(text->data + 1, text->length - 1);
        } else {
            at = put_special(at, text);
        }
    }
    return at;
}

/* The eight octets, and what is special in them. */
static inline uint64_t copy_word(char *at, const uint8_t *from)
{
    uint64_t word;
    memcpy(&word, from, WORD);
    memcpy(at, &word, WORD);
    return special_in_word(word);
}

/* Copies a text of at least eight octets, whatever it is; whether it is all plain. The last eight
 * octets come as a word, too, of which some may have been in the one before. */
static inline bool copy_words(char *at, Span text)
{
    size_t last = text.length - WORD;
    uint64_t special = copy_word(at + last, text.data + last);
    for (size_t i = 0; i < last; i += WORD)
        special |= copy_word(at + i, text.data + i);
    return special == 0;
}

/* The same for four to seven octets: the first four and the last four. */
static inline bool copy_halves(char *at, Span text)
{
    uint32_t first, second;
    size_t last = text.length - HALF;
    memcpy(&first, text.data, HALF);
    memcpy(&second, text.data + last, HALF);
    memcpy(at, &first, HALF);
    memcpy(at + last, &second, HALF);
    return special_in_word(first | (uint64_t)second << 32) == 0;
}

/* Nearly all texts are plain, and are copied as they are looked at. */
static inline bool copy_if_plain(char *at, Span text)
{
    if (text.length >= WORD)
        return copy_words(at, text);
    return text.length >= HALF && copy_halves(at, text);
}

/* Kept apart, so that the others need not keep anything over a call. */
G_GNUC_NO_INLINE static char *put_word_by_word(char *at, Span text)
{
    while (text.length >= WORD) {
        if (copy_word(at, text.data) == 0) {
            at += WORD;
            text = span_of(text.data + WORD, text.length - WORD);
        } else {
            at = put_characters(at, &text, text.length - WORD);
        }
    }
    return NDJSON_PUT(put_characters(at, &text, 0), "\"");
}

char *ndjson_put_string(char *at, Span text)
{
    at = NDJSON_PUT(at, "\"");
    if (!copy_if_plain(at, text))
        return put_word_by_word(at, text);
    return NDJSON_PUT(at + text.length, "\"");
}
