/* Lines and literals from bytes. See imap_reader.h. */
#include "proto/imap_reader.h"

#include "core/check.h"

#include <string.h>

/* "{" 20 digits "+}" CRLF: as much of a discarded line's end is looked at. */
enum { LITERAL_END_MAXIMUM = 25 };

/* Octets of a line that is too long which are shown. */
enum { TOO_LONG_SHOWN = 60 };

void imap_reader_init(ImapReader *reader, size_t line_maximum, size_t literals_maximum)
{
    CHECK(line_maximum > LITERAL_END_MAXIMUM && line_maximum + literals_maximum < INT32_MAX);
    *reader = (ImapReader){.line_maximum = line_maximum,
                           .literals_maximum = literals_maximum,
                           .shown = g_string_new(NULL)};
    /* A line stays in the input until its end has come, so a whole one must fit. */
    buffer_init(&reader->input, (uint32_t)MAX(line_maximum + 1, IMAP_READER_INPUT_MINIMUM));
    buffer_init(&reader->text, (uint32_t)(line_maximum + literals_maximum));
}

void imap_reader_clear(ImapReader *reader)
{
    buffer_clear(&reader->input);
    buffer_clear(&reader->text);
    g_string_free(reader->shown, TRUE);
}

void imap_reader_receive(ImapReader *reader, Span bytes)
{
    CHECK(buffer_append(&reader->input, bytes));
}

size_t imap_reader_room(const ImapReader *reader)
{
    return buffer_room(&reader->input);
}

void imap_reader_start_anew(ImapReader *reader)
{
    buffer_consume(&reader->text, reader->text.length);
    g_string_truncate(reader->shown, 0);
    reader->line_octets = reader->literal_octets = 0;
    reader->piece_start = reader->literal_left = 0;
}

bool imap_reader_accept_literal(ImapReader *reader, bool counted)
{
    size_t *octets = counted ? &reader->line_octets : &reader->literal_octets;
    size_t maximum = counted ? reader->line_maximum : reader->literals_maximum;
    CHECK(reader->literal_left == 0);
    if (reader->announced > maximum - *octets)
        return false;
    reader->literal_left = (size_t)reader->announced;
    reader->piece_start = reader->text.length + reader->literal_left;
    *octets += reader->literal_left;
    return true;
}

static void move_to_text(ImapReader *reader, size_t count)
{
    CHECK(buffer_append(&reader->text, span_of(buffer_peek(&reader->input).data, count)));
    buffer_consume(&reader->input, count);
    reader->scanned = 0;
}

/* Whether `piece` ends with "{n}" or "{n+}" and CRLF. */
static bool announces_literal(Span piece, uint64_t *size, bool *waits)
{
    size_t at = piece.length;
    if (at < 2 || piece.data[at - 2] != '\r' || piece.data[at - 1] != '\n')
        return false;
    at -= 2;
    if (at == 0 || piece.data[--at] != '}')
        return false;
    *waits = !(at > 0 && piece.data[at - 1] == '+');
    if (!*waits)
        at--;
    size_t digits_end = at;
    while (at > 0 && g_ascii_isdigit(piece.data[at - 1]))
        at--;
    if (at == digits_end || at == 0 || piece.data[at - 1] != '{')
        return false;
    *size = 0;
    for (; at < digits_end; at++) {
        unsigned digit = piece.data[at] - '0';
        *size = *size > (UINT64_MAX - digit) / 10 ? UINT64_MAX : *size * 10 + digit;
    }
    return true;
}

/* Throws octets away up to the end of the line that was too long. Its last octets are kept in
 * `text`: when they announce a literal that comes unasked, whatever follows is no command. */
static ImapReaderStep discard(ImapReader *reader)
{
    Span input = buffer_peek(&reader->input);
    size_t end = span_find(input, '\n');
    bool ended = end < input.length;
    size_t count = ended ? end + 1 : input.length;
    size_t tail = MIN(count, LITERAL_END_MAXIMUM);
    if (reader->text.length + tail > LITERAL_END_MAXIMUM)
        buffer_consume(&reader->text, reader->text.length + tail - LITERAL_END_MAXIMUM);
    CHECK(buffer_append(&reader->text, span_of(input.data + count - tail, tail)));
    buffer_consume(&reader->input, count);
    if (!ended)
        return IMAP_READER_MORE;
    uint64_t size = 0;
    bool waits = false;
    bool lost = announces_literal(buffer_peek(&reader->text), &size, &waits) && !waits;
    reader->discarding = false;
    imap_reader_start_anew(reader);
    return lost ? IMAP_READER_LOST : imap_reader_step(reader);
}

/* The bare line ends and NUL that no IMAP line may hold (RFC 9051 §9 CHAR8, TEXT-CHAR). */
static bool is_malformed(Span piece)
{
    if (piece.length < 2 || piece.data[piece.length - 2] != '\r')
        return true;
    return span_find(piece, '\r') != piece.length - 2 || span_find(piece, 0) != piece.length;
}

/* A piece of text has ended with LF: the line is complete, or announces a literal. */
static ImapReaderStep end_piece(ImapReader *reader)
{
    Span piece = span_skip(buffer_peek(&reader->text), reader->piece_start);
    bool malformed = is_malformed(piece);
    size_t shown = malformed ? piece.length - 1 : piece.length - 2;
    g_string_append_len(reader->shown, (const char *)piece.data, (gssize)shown);
    if (!malformed && announces_literal(piece, &reader->announced, &reader->waits))
        return IMAP_READER_LITERAL;
    reader->text.length -= (uint32_t)(piece.length - shown);
    return malformed ? IMAP_READER_MALFORMED : IMAP_READER_LINE;
}

ImapReaderStep imap_reader_step(ImapReader *reader)
{
    if (reader->discarding)
        return discard(reader);
    if (reader->literal_left > 0) {
        size_t count = MIN(reader->literal_left, reader->input.length);
        move_to_text(reader, count);
        reader->literal_left -= count;
        if (reader->literal_left > 0)
            return IMAP_READER_MORE;
    }
    Span unread = span_skip(buffer_peek(&reader->input), reader->scanned);
    size_t found = span_find(unread, '\n');
    size_t count = reader->scanned + found + (found < unread.length ? 1 : 0);
    size_t allowed = reader->line_maximum - reader->line_octets;
    if (count > allowed) {
        move_to_text(reader, allowed);
        Span piece = span_skip(buffer_peek(&reader->text), reader->piece_start);
        g_string_append_len(reader->shown, (const char *)piece.data,
                            (gssize)MIN(piece.length, TOO_LONG_SHOWN));
        g_string_append(reader->shown, "...");
        reader->discarding = true;
        return IMAP_READER_TOO_LONG;
    }
    if (found == unread.length) {
        reader->scanned = reader->input.length;
        return IMAP_READER_MORE;
    }
    move_to_text(reader, count);
    reader->line_octets += count;
    return end_piece(reader);
}
