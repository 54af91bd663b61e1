/* Messages: composing them, reading them, and the lines that servers add on top.
 *
 * A message is immutable octets (Octets or Span) with CRLF line ends. GMime 3 does what is MIME's;
 * what a server does at every hop (a field, the Message-ID, counting Received) scans header lines
 * and parses no more than it must.
 *
 * Source: RFC 5322 (format), RFC 2045 to RFC 2047 (MIME), RFC 5321 §4.4 (trace fields), §6.3 (loop
 * detection). */
#pragma once

#include "core/bytes.h"

/* Header lines are looked at within this many octets; further ones count as body. */
enum { MESSAGE_HEADER_MAX = 102400 };

/* ---- Composing ---- */

typedef struct MessageMailbox {
    const char *name;    /* display name in UTF-8, or NULL */
    const char *address; /* text form of mail/address.h */
} MessageMailbox;

typedef struct MessageAttachment {
    const char *name; /* file name in UTF-8 */
    size_t size;      /* octets of content, which follows from name and size alone */
} MessageAttachment;

typedef struct MessageField {
    const char *name;  /* such as "X-Mailer" */
    const char *value; /* UTF-8, one line */
} MessageField;

/* What a message is composed from; everything is borrowed, strings are UTF-8, NULL where absent.
 * There is no Bcc on purpose: it is a matter of the envelope (RFC 5322 §3.6.3). */
typedef struct MessageDraft {
    MessageMailbox from;
    const MessageMailbox *to, *cc;
    size_t to_count, cc_count;
    const char *subject;
    const char *body; /* lines end in LF or CRLF */
    const MessageAttachment *attachments;
    size_t attachment_count;
    const char *message_id;  /* without angle brackets: "lunch@naver.example" */
    const char *in_reply_to; /* likewise */
    const char *references;  /* identifiers without brackets, separated by spaces */
    /* Added below ours. A field of ours by the same name is left out, so that a scenario can forge
     * `From` or `Date`; Message-ID, Bcc and the MIME fields cannot be given. */
    const MessageField *fields;
    size_t field_count;
    int64_t date_unix;         /* seconds since 1970 UTC */
    int utc_offset_minutes;    /* of the Date field */
    const char *boundary_seed; /* multipart boundaries follow from this text */
} MessageDraft;

/* No more than this can be composed: a scenario that asks for more is refused. */
#define MESSAGE_ATTACHMENT_MAX ((size_t)64 << 20)

/* The composed message, all octets 7-bit but those of addresses beyond ASCII (RFC 6532), and lines
 * within 998 octets (RFC 5322 §2.1.1); the same draft gives the same octets everywhere. NULL with
 * an error when the draft is wrong: a text that is not UTF-8, an address that is none, a field that
 * cannot be given. */
Octets *message_compose(const MessageDraft *draft, GError **error);
/* The same, with lines of letters behind the body until the message has `size` octets; a message
 * that has as many is left as it is. Two cases cannot be met exactly, and miss by a few octets: one
 * octet behind an empty body, and a short text that base64 encodes. */
Octets *message_compose_of_size(const MessageDraft *draft, size_t size, GError **error);

/* ---- Reading at each hop: borrowed from `message`, cheap, safe on any octets ---- */

/* The value of the first field `name`, folds and all, without the line end; data NULL if absent. */
Span message_find_header(Span message, const char *name);
/* Walks over all fields: false after the last. `position` starts at 0. */
bool message_next_header(Span message, size_t *position, Span *name, Span *value);
/* The same over the fields of one name. */
bool message_next_header_named(Span message, const char *wanted, size_t *position, Span *name,
                               Span *value);
/* Where the body begins: after the empty line, or the message's length when there is none. */
size_t message_body_offset(Span message);
/* False: the header needs RFC 6532, and so its way needs SMTPUTF8. */
bool message_header_is_ascii(Span message);
/* The left part of the Message-ID, `lunch` of `<lunch@naver.example>`: the simulator's name of the
 * mail. Empty when there is none. */
Span message_id_left(Span message);
/* How many Received fields there are (RFC 5321 §6.3). */
unsigned message_count_received(Span message);
/* What a server asks of each message that it takes, found by one walk over the header. */
typedef struct MessageSurvey {
    unsigned received; /* message_count_received */
    bool has_return_path;
    bool has_id;        /* a Message-ID field, whatever it says: the first one counts */
    Span id_left;       /* message_id_left */
    size_t body_offset; /* message_body_offset */
} MessageSurvey;
MessageSurvey message_survey(Span message);

/* ---- Reading for people; each result is to free ---- */

/* The value unfolded (RFC 5322 §2.2.3); NULL when absent. Octets stay as they are. */
char *message_dup_header(Span message, const char *name);
/* The value as a person reads it: unfolded, RFC 2047 decoded, valid UTF-8; NULL when absent. */
char *message_dup_header_shown(Span message, const char *name);
/* The text a person reads: the first text/plain part (else the first text part), transfer encoding
 * and charset decoded to valid UTF-8, lines ending in LF. "" when there is no text. */
char *message_dup_text(Span message);

/* ---- Trace fields that servers add; each result ends in CRLF and is to free ---- */

/* The same message in 7 bits, its text parts encoded; NULL when that cannot be (a header beyond
 * ASCII, a signed part). */
Octets *message_downgrade(Span message);

/* RFC 5321 §4.4. Strings come from peers: what cannot stand in the field shows as `?`. */
typedef struct ReceivedField {
    const char *helo_name;      /* as the client gave it; NULL without a client, such as a bounce */
    const char *client_name;    /* found by PTR; NULL when unknown */
    const char *client_address; /* "192.0.2.1" or "IPv6:2001:db8::1"; NULL when there is none */
    const char *host;           /* who writes the field */
    const char *protocol;       /* "ESMTP", "SMTP", "HTTP", … (RFC 3848) */
    const char *queue_id;
    const char *recipient; /* NULL unless there is exactly one, so that none is told of another */
    int64_t date_unix;
    int utc_offset_minutes;
} ReceivedField;

/* `Received: from HELO (PTR [192.0.2.1]) by HOST with ESMTP id ID for <RCPT>; DATE`, folded. */
char *message_format_received(const ReceivedField *field);
/* `Return-Path: <alice@naver.example>`, which final delivery adds (RFC 5321 §4.4). */
char *message_format_return_path(const char *reverse_path);
