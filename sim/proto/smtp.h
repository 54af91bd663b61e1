/* What both SMTP engines share: extensions, timeouts, and the observer that tracing hangs on.
 *
 * Source: RFC 5321; extensions by their own RFCs, named below. */
#pragma once

#include "core/bytes.h"
#include "core/state_table.h"
#include "proto/smtp_reply.h"

#include <stdbool.h>
#include <stdint.h>

/* Service extensions, as a set of bits: what a server offers, what a client found offered. */
typedef enum SmtpExtension {
    SMTP_EXTENSION_PIPELINING = 1 << 0,          /* RFC 2920 */
    SMTP_EXTENSION_SIZE = 1 << 1,                /* RFC 1870 */
    SMTP_EXTENSION_8BITMIME = 1 << 2,            /* RFC 6152 */
    SMTP_EXTENSION_ENHANCEDSTATUSCODES = 1 << 3, /* RFC 2034 */
    SMTP_EXTENSION_DSN = 1 << 4,                 /* RFC 3461 */
    SMTP_EXTENSION_SMTPUTF8 = 1 << 5,            /* RFC 6531 */
    SMTP_EXTENSION_AUTH = 1 << 6,                /* RFC 4954, mechanisms PLAIN and LOGIN */
    SMTP_EXTENSION_CHUNKING = 1 << 7,            /* RFC 3030, BDAT; without BINARYMIME */
    SMTP_EXTENSION_STARTTLS = 1 << 8,            /* RFC 3207; what follows it is only simulated */
    SMTP_EXTENSION_EXPN = 1 << 9,                /* RFC 5321 §3.5.2 */
    SMTP_EXTENSION_HELP = 1 << 10,               /* RFC 5321 §4.1.1.1 wants it to be named */
} SmtpExtension;

/* What a simulated server offers unless told otherwise: what changes nothing of the textbook's
 * dialogue but saves round trips. */
enum {
    SMTP_EXTENSIONS_DEFAULT = SMTP_EXTENSION_PIPELINING | SMTP_EXTENSION_SIZE |
                              SMTP_EXTENSION_8BITMIME | SMTP_EXTENSION_ENHANCEDSTATUSCODES |
                              SMTP_EXTENSION_DSN | SMTP_EXTENSION_SMTPUTF8 | SMTP_EXTENSION_EXPN |
                              SMTP_EXTENSION_HELP
};

/* Slices that an engine's output is taken in at once: lines, content by reference, and lines. */
enum { SMTP_OUTPUT_SLICES_MAXIMUM = 3 };

/* How long an engine waits for its peer before the node calls ..._time_out (RFC 5321 §4.5.3.2). */
typedef enum SmtpTimeout {
    SMTP_TIMEOUT_NONE,     /* waits for nothing, or for the node itself */
    SMTP_TIMEOUT_GREETING, /* client: the initial 220; 5 min, §4.5.3.2.1 */
    SMTP_TIMEOUT_HELLO,    /* client: reply to EHLO, HELO, AUTH and the like; 5 min, as MAIL */
    SMTP_TIMEOUT_MAIL,     /* client: reply to MAIL; 5 min, §4.5.3.2.2 */
    SMTP_TIMEOUT_RCPT,     /* client: reply to RCPT; 5 min, §4.5.3.2.3 */
    SMTP_TIMEOUT_DATA_INITIATION,  /* client: 354 to DATA; 2 min, §4.5.3.2.4 */
    SMTP_TIMEOUT_DATA_BLOCK,       /* client: room to send more content; 3 min, §4.5.3.2.5 */
    SMTP_TIMEOUT_DATA_TERMINATION, /* client: reply to the final dot; 10 min, §4.5.3.2.6 */
    SMTP_TIMEOUT_SERVER,           /* server: the next command or content; 5 min, §4.5.3.2.7 */
    SMTP_TIMEOUT_COUNT
} SmtpTimeout;

/* RFC 5321's value in nanoseconds; 0 for SMTP_TIMEOUT_NONE. */
int64_t smtp_timeout_default_ns(SmtpTimeout timeout);
/* §4.5.3.2 wants them to be "easily reconfigurable": nanoseconds, 0 where RFC 5321's value holds.
 */
typedef struct SmtpTimeouts {
    int64_t ns[SMTP_TIMEOUT_COUNT];
} SmtpTimeouts;
/* `timeouts` NULL: all values are RFC 5321's. */
int64_t smtp_timeouts_ns(const SmtpTimeouts *timeouts, SmtpTimeout timeout);
/* NULL where all values are RFC 5321's, so that nobody has to look for them where they lie. */
const SmtpTimeouts *smtp_timeouts_need(const SmtpTimeouts *timeouts);

/* Watches an engine for the trace; it is the same for both ends. The engine calls it at the moment
 * a thing happens, from inside x_receive, x_next_event, x_answer and so on. An observer must not
 * call the engine. Each function may be NULL. Spans are valid during the call alone.
 *
 * Order: a client's command is observed as it is put into the output; a server's command before it
 * is acted on; a reply as the server puts it into the output, or as the client has read its last
 * line, before it is acted on. A change of state comes before the replies and commands that it
 * sends. */
typedef struct SmtpObserver {
    void *user; /* borrowed; handed back as it is */
    /* `line`: the command without CRLF, as it travels; an AUTH response is a line too. */
    void (*command)(void *user, Span line);
    void (*reply)(void *user, const SmtpReply *reply);
    void (*state)(void *user, const StateTable *table, uint8_t from, uint8_t to);
} SmtpObserver;
