/* Puts IMAP lines together from bytes as they come: text up to CRLF, and the literals that the
 * text announces. RFC 9051 §2.2, §4.3; RFC 7888 for "{n+}". Both ends of a connection use it.
 *
 * How the bytes were cut on their way changes nothing: a step looks at the stream alone. */
#pragma once

#include "core/bytes.h"

enum { IMAP_READER_INPUT_MINIMUM = 16 * 1024 }; /* of bytes taken but not yet read */

typedef enum ImapReaderStep {
    IMAP_READER_MORE,      /* more bytes are needed */
    IMAP_READER_LINE,      /* reader->text holds a complete line without its CRLF */
    IMAP_READER_LITERAL,   /* the text so far announces a literal: accept it, or start anew */
    IMAP_READER_TOO_LONG,  /* the line exceeds its maximum; its rest is being thrown away */
    IMAP_READER_MALFORMED, /* a complete line with bare CR or LF, or NUL; reader->text holds it */
    IMAP_READER_LOST,      /* the rest thrown away announced a literal that comes unasked */
} ImapReaderStep;

typedef struct ImapReader {
    Buffer input;
    Buffer text;        /* the line so far, each literal in its place */
    GString *shown;     /* the same for people: a literal is only its "{n}" */
    size_t line_octets; /* of the text, with the literals that count as line */
    size_t line_maximum;
    size_t literal_octets; /* of the text, in literals that do not count as line */
    size_t literals_maximum;
    uint64_t announced;  /* size of the literal that IMAP_READER_LITERAL tells of */
    bool waits;          /* its sender waits for a continuation: "{n}", not "{n+}" */
    size_t literal_left; /* octets of the accepted literal that have not come yet */
    size_t piece_start;  /* offset in `text` of what follows the last literal */
    size_t scanned;      /* octets of the input known to hold no LF */
    bool discarding;
} ImapReader;

/* `literals_maximum`: octets of all literals of one line that do not count as line. */
void imap_reader_init(ImapReader *reader, size_t line_maximum, size_t literals_maximum);
void imap_reader_clear(ImapReader *reader);
/* At most imap_reader_room() bytes. */
void imap_reader_receive(ImapReader *reader, Span bytes);
size_t imap_reader_room(const ImapReader *reader);
ImapReaderStep imap_reader_step(ImapReader *reader);
/* After IMAP_READER_LITERAL: takes its octets. `counted` adds them to the length of the line.
 * False: a maximum would be exceeded; the caller refuses the line. */
bool imap_reader_accept_literal(ImapReader *reader, bool counted);
/* Forgets the line at hand, so that the next step begins another. */
void imap_reader_start_anew(ImapReader *reader);
