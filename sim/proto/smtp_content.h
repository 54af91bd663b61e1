/* Mail content on its way through DATA: dot-stuffing, its removal, and the end of the content.
 *
 * Source: RFC 5321 §4.1.1.4 (only CRLF.CRLF ends it), §4.5.2 (transparency), §2.3.8 (CR and LF
 * travel as a pair only); RFC 3030 §2 (BDAT has neither dots nor an end mark). */
#pragma once

#include "core/bytes.h"

#include <stdbool.h>
#include <stddef.h>

/* What a CR or LF that is not part of a pair is taken for. */
typedef enum SmtpBareNewlines {
    SMTP_BARE_NEWLINES_REFUSED,   /* an error: §2.3.8 says that they must not be sent */
    SMTP_BARE_NEWLINES_END_LINES, /* a lone LF ends a line: vulnerable to SMTP smuggling */
    SMTP_BARE_NEWLINES_KEPT, /* an octet of the text as any other: passes a smuggler's mail on */
} SmtpBareNewlines;

/* What is wrong with content that was read. */
typedef enum SmtpContentFault {
    SMTP_CONTENT_SOUND,
    SMTP_CONTENT_BARE_NEWLINE, /* a CR without LF, or an LF without CR */
    SMTP_CONTENT_LINE_TOO_LONG,
} SmtpContentFault;

/* The receiving half. A plain value; begin with smtp_content_decoder. */
typedef struct SmtpContentDecoder {
    SmtpBareNewlines bare_newlines : 8;
    SmtpContentFault fault : 8; /* the first one */
    bool at_line_start;
    bool after_cr;         /* in chunks: the octet before was a CR */
    bool may_have_dots;    /* what was read may have a line that begins with a dot */
    uint32_t line_length;  /* octets of the present line so far, dots removed */
    uint32_t line_maximum; /* octets with CRLF */
} SmtpContentDecoder;

typedef struct SmtpContentPiece {
    Span content;    /* part of the input, or static text; empty: none */
    size_t consumed; /* octets of the input that are dealt with; 0: more input is needed */
    bool end;        /* the final dot has been read */
    bool is_made_up; /* the content is static text */
} SmtpContentPiece;

SmtpContentDecoder smtp_content_decoder(SmtpBareNewlines bare_newlines, uint32_t line_maximum);
/* Reads the first piece of `input`, which lies in `within` or (NULL) in octets of which nothing is
 * known. Octets whose meaning hangs on the next octet stay unconsumed, two at most. */
SmtpContentPiece smtp_content_decoder_read(SmtpContentDecoder *decoder, Span input,
                                           const Octets *within);
/* Octets of a chunk (RFC 3030): all of them are content, dots are nothing special, and nothing in
 * them ends it. A line may lie across chunks. `is_last`: these are the last of the content. */
void smtp_content_decoder_add_chunk(SmtpContentDecoder *decoder, Span octets, bool is_last);

/* The sending half. A plain value; begin with smtp_content_encoder. */
typedef struct SmtpContentEncoder {
    bool send_bare_newlines; /* false: a lone CR or LF is sent as CRLF */
    bool is_chunked;         /* for BDAT: no dot is stuffed, no final dot ends it */
    bool at_line_start;
    bool pending_cr; /* a CR was read, and not yet what follows it */
} SmtpContentEncoder;

enum { SMTP_CONTENT_FINISH_ROOM = 2 + 2 + 3 }; /* what smtp_content_encoder_finish may append */

SmtpContentEncoder smtp_content_encoder(bool send_bare_newlines, bool is_chunked);
/* Appends as much of `source` to `output` as fits, stuffed; returns how much of it was read. */
size_t smtp_content_encoder_write(SmtpContentEncoder *encoder, Span source, Buffer *output);
/* Ends the last line if need be and, unless it is chunked, appends the final dot. False, nothing
 * done: no room. */
bool smtp_content_encoder_finish(SmtpContentEncoder *encoder, Buffer *output);
