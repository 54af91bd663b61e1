/* SMTP replies: three digits, an enhanced status code, and one or more lines of text.
 *
 * Source: RFC 5321 §4.2 (replies), RFC 2034 and RFC 3463 (enhanced status codes). */
#pragma once

#include "core/intake.h"

#include <stdbool.h>
#include <stdint.h>

enum {
    SMTP_REPLY_LINE_MAXIMUM = 512,          /* octets with code and CRLF; RFC 5321 §4.5.3.1.5 */
    SMTP_REPLY_LINE_LENIENT_MAXIMUM = 2048, /* what a client still reads */
    SMTP_REPLY_READ_MAXIMUM = 16384,        /* text of all lines of one reply that a client reads */
    SMTP_REPLY_TEXT_MAXIMUM = 4096,         /* text of all lines that is sent; the rest is cut */
    SMTP_REPLY_LINES_MAXIMUM = 32,          /* lines that are sent; the rest is cut */
    SMTP_REPLY_WIRE_MAXIMUM = 8192,         /* octets that smtp_reply_write writes at most */
    SMTP_ENHANCED_TEXT_SIZE = 16,           /* more than "5.999.999 " has */
};

/* An enhanced status code such as 5.1.1; `class` 0: there is none. */
typedef struct SmtpEnhanced {
    uint8_t class;    /* 2, 4 or 5 */
    uint16_t subject; /* 0 to 999 */
    uint16_t detail;  /* 0 to 999 */
} SmtpEnhanced;

/* A value: it owns nothing. */
typedef struct SmtpReply {
    uint16_t code; /* 200 to 599; 0 where no reply came (connection lost, timeout) */
    SmtpEnhanced enhanced;
    Span text; /* without the enhanced code; lines are separated by LF, without CR */
} SmtpReply;

/* What a sender makes of a reply (RFC 5321 §4.2.1). */
typedef enum SmtpReplyClass {
    SMTP_REPLY_SUCCESS,      /* 2yz */
    SMTP_REPLY_INTERMEDIATE, /* 3yz */
    SMTP_REPLY_TEMPORARY,    /* 4yz, and no reply at all: try again later */
    SMTP_REPLY_PERMANENT,    /* 5yz: do not try again */
} SmtpReplyClass;

/* A reply with `enhanced` as text ("5.1.1", or NULL for none) and `text` (borrowed; a C string). */
SmtpReply smtp_reply(uint16_t code, const char *enhanced, const char *text);
SmtpReplyClass smtp_reply_class(uint16_t code);
/* The same for the answer to RCPT, where old servers mean "too many recipients" by 552, and so 452
 * (RFC 5321 §4.5.3.1.10); unless the enhanced code says that the mailbox (5.2.z) or the message's
 * size (5.3.4) is meant. */
SmtpReplyClass smtp_reply_class_of_rcpt(const SmtpReply *reply);

/* Reads "5.1.1" at the start of `text`, up to a space or the end. False: there is none. On success
 * `*used` counts its octets with the space behind it. */
bool smtp_enhanced_parse(Span text, SmtpEnhanced *enhanced, size_t *used);
/* Writes "5.1.1 ", and no NUL; returns how many octets it has: 0 where there is no code. */
size_t smtp_enhanced_format(SmtpEnhanced enhanced, char text[static SMTP_ENHANCED_TEXT_SIZE]);
/* Writes every line of the reply with its code, its enhanced code if it has one, and CRLF. Control
 * characters become '?', long lines are cut. `output` has room for SMTP_REPLY_WIRE_MAXIMUM. */
void smtp_reply_write(const SmtpReply *reply, Buffer *output);

/* The same of a reply of one line in words of our own, without control characters. */
void smtp_reply_write_line(const SmtpReply *reply, Buffer *output);

/* The same of the first line of a reply alone, behind which others are to come; the text is that
 * line. */
void smtp_reply_write_first(const SmtpReply *reply, Buffer *output);

/* Reads replies from a stream, a line at a time. */
typedef enum SmtpReplyRead {
    SMTP_REPLY_READ_MORE, /* no whole reply yet */
    /* `reply` is filled; its text is valid until the reader is used again or the input changes */
    SMTP_REPLY_READ_DONE,
    SMTP_REPLY_READ_MALFORMED, /* not SMTP: the connection cannot be trusted any further */
} SmtpReplyRead;

/* Lines of a reply behind its first one, none with an enhanced code. */
typedef struct SmtpReplyTail {
    uint16_t code;
    Span wire; /* as they travel */
    Span text; /* as they are read */
} SmtpReplyTail;

typedef struct SmtpReplyReader {
    bool done;     /* a reply has been handed out; the next read starts anew */
    bool is_known; /* it ended as was known */
    uint16_t code; /* of the reply under way; 0: none is */
    SmtpEnhanced enhanced;
    uint32_t tail_length; /* of the reply that has been handed out: its lines behind the first as
                             they came, valid as its text is; 0: none, or they came bit by bit */
    const uint8_t *tail;
    Buffer text; /* lines read so far, LF between them */
} SmtpReplyReader;

void smtp_reply_reader_init(SmtpReplyReader *reader);
void smtp_reply_reader_clear(SmtpReplyReader *reader);
/* Consumes whole lines of `input` up to the end of one reply. `known`: how it may go on behind its
 * first line, which then need not be read line by line; NULL: unknown. */
SmtpReplyRead smtp_reply_reader_read(SmtpReplyReader *reader, Intake *input,
                                     const SmtpReplyTail *known, SmtpReply *reply);
