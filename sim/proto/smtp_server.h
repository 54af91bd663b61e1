/* The SMTP server's side of one connection, without any input or output of its own.
 *
 * Bytes from the client go in, events come out; the node answers what only it can decide (is there
 * such a mailbox, is the disk full), and bytes to send are left in the output. The engine decides
 * what is legal, from `smtp_server_table`, and it alone writes replies: exactly one final reply to
 * each command.
 *
 * Source: RFC 5321 §3, §4.1 to §4.5; RFC 2920, 1870, 6152, 2034, 3461, 6531, 4954, 3030 (BDAT),
 * 3207 (STARTTLS: the command and what it resets; the node puts the stream behind records). A
 * command of an extension that is not offered is an unknown command. Left out on purpose:
 * BINARYMIME, TURN and its obsolete relatives.
 *
 * The node's loop: receive at most smtp_server_input_room bytes; take events until
 * smtp_server_next_event is false; send from the output and consume it; ask for events again, since
 * a full output holds commands back; close the stream when smtp_server_is_finished. */
#pragma once

#include "core/bytes.h"
#include "core/state_table.h"
#include "mail/address.h"
#include "proto/smtp.h"
#include "proto/smtp_content.h"
#include "proto/smtp_offer.h"
#include "proto/smtp_parameters.h"
#include "proto/smtp_reply.h"

#include <stdbool.h>
#include <stdint.h>

enum {
    SMTP_COMMAND_LINE_MINIMUM = 512,  /* octets with CRLF that must be accepted, §4.5.3.1.4 */
    SMTP_COMMAND_LINE_MAXIMUM = 2048, /* accepted here, room for all extensions; longer: 500 */
    SMTP_TEXT_LINE_MINIMUM = 1000,    /* octets with CRLF that must be accepted, §4.5.3.1.6 */
    SMTP_TEXT_LINE_MAXIMUM = 16384,   /* accepted here; longer: 500 after the final dot */
    SMTP_RECIPIENTS_MINIMUM = 100,    /* recipients that must be accepted, §4.5.3.1.8 */
    SMTP_SERVER_INPUT_MAXIMUM = 32768,
    SMTP_SERVER_OUTPUT_MAXIMUM = 32768,
    SMTP_SERVER_ERRORS_DEFAULT = 20,
    SMTP_SERVER_JUNK_DEFAULT = 100,
};

/* States, rows of smtp_server_table. */
typedef enum SmtpServerState {
    SMTP_SERVER_CONNECT,   /* connected; the node has not yet said how to greet */
    SMTP_SERVER_REFUSED,   /* greeted with 554; only QUIT is left to the client */
    SMTP_SERVER_GREETED,   /* greeted with 220; waits for EHLO or HELO */
    SMTP_SERVER_READY,     /* client has said EHLO or HELO; no mail transaction */
    SMTP_SERVER_AUTH,      /* inside AUTH: the next line answers a 334 challenge */
    SMTP_SERVER_TLS,       /* 220 to STARTTLS: the node puts the stream behind records */
    SMTP_SERVER_MAIL,      /* a transaction with a sender and no recipient yet */
    SMTP_SERVER_RCPT,      /* a transaction with at least one recipient */
    SMTP_SERVER_DATA,      /* 354 sent: content arrives */
    SMTP_SERVER_CHUNK,     /* BDAT read: the octets of its chunk arrive */
    SMTP_SERVER_CHUNKS,    /* some chunks have come; waits for the next BDAT */
    SMTP_SERVER_FINAL_DOT, /* content at its end; the node has not yet answered for the message */
    SMTP_SERVER_CLOSED,
    SMTP_SERVER_STATE_COUNT
} SmtpServerState;

/* Events, columns of smtp_server_table: first what the client sends, then what the node answers,
 * then what happens to the connection. */
typedef enum SmtpServerInput {
    SMTP_SERVER_ON_EHLO,
    SMTP_SERVER_ON_HELO,
    SMTP_SERVER_ON_STARTTLS,
    SMTP_SERVER_ON_AUTH,
    SMTP_SERVER_ON_MAIL,
    SMTP_SERVER_ON_RCPT,
    SMTP_SERVER_ON_DATA,
    SMTP_SERVER_ON_BDAT, /* where a chunk is out of order its octets have been dropped by now */
    SMTP_SERVER_ON_BDAT_MALFORMED, /* nobody knows how many octets follow */
    SMTP_SERVER_ON_RSET,
    SMTP_SERVER_ON_NOOP,
    SMTP_SERVER_ON_VRFY,
    SMTP_SERVER_ON_EXPN,
    SMTP_SERVER_ON_HELP,
    SMTP_SERVER_ON_QUIT,
    SMTP_SERVER_ON_UNKNOWN,         /* no such command, line too long, bare CR or LF */
    SMTP_SERVER_ON_AUTH_LINE,       /* the answer to a 334 challenge */
    SMTP_SERVER_ON_CHUNK_END,       /* a chunk has come, and is not the last */
    SMTP_SERVER_ON_END_OF_CONTENT,  /* CRLF.CRLF or the last chunk's end, the content is sound */
    SMTP_SERVER_ON_CONTENT_REFUSED, /* the same, the content was too large or malformed */
    SMTP_SERVER_ON_GREETING_ACCEPTED,
    SMTP_SERVER_ON_GREETING_REFUSED,
    SMTP_SERVER_ON_HELO_ACCEPTED,
    SMTP_SERVER_ON_TLS_STARTED,
    SMTP_SERVER_ON_AUTH_CHALLENGED,
    SMTP_SERVER_ON_AUTH_ACCEPTED,
    SMTP_SERVER_ON_MAIL_ACCEPTED,
    SMTP_SERVER_ON_RCPT_ACCEPTED,
    SMTP_SERVER_ON_DATA_ACCEPTED,
    SMTP_SERVER_ON_MESSAGE_ANSWERED,
    SMTP_SERVER_ON_VRFY_ANSWERED,   /* or EXPN */
    SMTP_SERVER_ON_COMMAND_REFUSED, /* by the node, or by the engine for its argument */
    SMTP_SERVER_ON_SHUT_DOWN,       /* the node's news, or its answer 421 */
    SMTP_SERVER_ON_TIME_OUT,
    SMTP_SERVER_ON_TOO_MANY_ERRORS,
    SMTP_SERVER_ON_CONNECTION_END,
    SMTP_SERVER_INPUT_COUNT
} SmtpServerInput;

extern const StateTable smtp_server_table; /* named "smtp-server" */

/* What it points to stays as long as the engine. */
typedef struct SmtpServerOptions {
    uint32_t extensions; /* SmtpExtension bits to offer */
    /* END_LINES makes the server vulnerable to SMTP smuggling (CVE-2023-51764): a lone LF ends a
     * line as CRLF does, so that LF.LF ends the content; content is handed on with CRLF. KEPT makes
     * it the server that a smuggler sends through: content is handed on as it came. */
    SmtpBareNewlines bare_newlines;
    uint64_t message_maximum; /* octets of content; 0: no limit */
    SmtpObserver observer;
    const SmtpTimeouts *timeouts; /* NULL: RFC 5321's */
    uint32_t error_maximum; /* 5yz replies a session; then 421 to the next command; 0: no limit */
    uint32_t recipient_maximum; /* a transaction; 452 beyond it */
    /* NOOP, RSET, VRFY, EXPN and HELP since the last message taken; further ones count as errors
     * too; 0: no limit. */
    uint32_t junk_maximum;
    bool auth_needs_tls; /* AUTH is offered after STARTTLS only (RFC 4954 §9) */
    const char *name;    /* the server's domain for 220, 250 and 221 */
    SmtpOffers *offers;  /* what its engines have said to EHLO, which they share; NULL: this one
                            shares nothing */
    const SmtpReply *size_reply; /* beyond message_maximum; NULL: 552 5.3.4. Outlives the engine */
} SmtpServerOptions;

/* Defaults: SMTP_EXTENSIONS_DEFAULT, no limit on the message, 100 recipients, 20 errors, 100 junk
 * commands, bare newlines refused, no observer. */
SmtpServerOptions smtp_server_options(const char *name);

/* Questions have a token that is not 0 and wait for smtp_server_answer or smtp_server_accept. */
typedef enum SmtpServerEventKind {
    SMTP_SERVER_EVENT_CONNECT,     /* question: 220, or 554, or 421 */
    SMTP_SERVER_EVENT_HELO,        /* question: 250, or 4yz or 5yz */
    SMTP_SERVER_EVENT_TLS,         /* question: accept it when the stream is behind records */
    SMTP_SERVER_EVENT_AUTH,        /* question: 235, or 4yz or 5yz (535: wrong credentials) */
    SMTP_SERVER_EVENT_MAIL,        /* question: 250, or 4yz or 5yz */
    SMTP_SERVER_EVENT_RCPT,        /* question: 250 (251), or 4yz or 5yz */
    SMTP_SERVER_EVENT_VRFY,        /* question: 250, 251 or 252, or 550, 553 or others */
    SMTP_SERVER_EVENT_EXPN,        /* the same, of a list */
    SMTP_SERVER_EVENT_DATA,        /* question: 354, or 4yz or 5yz; not asked for BDAT */
    SMTP_SERVER_EVENT_CONTENT,     /* a piece of the content, dots removed; no question */
    SMTP_SERVER_EVENT_MESSAGE_END, /* question: 250 once it is durable, or 4yz or 5yz */
    SMTP_SERVER_EVENT_RESET,       /* the transaction is off: drop sender, recipients, content */
    SMTP_SERVER_EVENT_CLOSED, /* last event; a RESET came before it if there was a transaction */
} SmtpServerEventKind;

typedef enum SmtpResetReason {
    SMTP_RESET_COMMAND, /* RSET, or EHLO or HELO inside a transaction */
    SMTP_RESET_CONTENT, /* the engine refused the content: too large, line too long, bare newline */
    SMTP_RESET_CLOSED,  /* the connection came to its end */
} SmtpResetReason;

typedef enum SmtpServerCloseReason {
    SMTP_SERVER_CLOSE_QUIT,
    SMTP_SERVER_CLOSE_LOST,      /* the client closed without QUIT, or the connection broke */
    SMTP_SERVER_CLOSE_TIME_OUT,  /* 421 sent */
    SMTP_SERVER_CLOSE_SHUT_DOWN, /* 421 sent by the node's wish */
    SMTP_SERVER_CLOSE_ERRORS,    /* 421 sent after too many errors, or a BDAT without a size */
} SmtpServerCloseReason;

/* Spans and addresses are valid until the next call on the engine. */
typedef struct SmtpServerEvent {
    SmtpServerEventKind kind;
    uint32_t token; /* 0: nothing to answer */
    union {
        struct {
            /* As the client gives it: a domain or an address literal, or neither. Valid until the
             * next EHLO or HELO. */
            const char *name;
            bool extended; /* EHLO */
        } helo;
        struct {
            const char *mechanism; /* "PLAIN" or "LOGIN" */
            Span identity;         /* user name */
            Span password;
        } auth;
        struct {
            const Address *reverse_path; /* address_is_null: `<>` */
            SmtpMailParameters parameters;
        } mail;
        struct {
            const Address *forward_path; /* its domain is empty for `<Postmaster>` */
            SmtpRcptParameters parameters;
        } rcpt;
        Span verify; /* VRFY, EXPN: the argument, an address or a name, not empty */
        struct {
            Span content;
            Octets *within; /* the shared bytes that it lies in, for who keeps a reference to them;
                               NULL: none, it is to be copied */
        };
        struct {
            uint64_t size;        /* octets of content handed out */
            bool is_plain;        /* known of it: as in SmtpClientTransaction (smtp_client.h) */
            bool is_beyond_ascii; /* an octet of it is */
        } message;
        SmtpResetReason reset;
        SmtpServerCloseReason closed;
    };
} SmtpServerEvent;

typedef struct SmtpServer SmtpServer;

SmtpServer *smtp_server_new(const SmtpServerOptions *options);
void smtp_server_free(SmtpServer *server);
/* The same in memory of smtp_server_size() octets that stays the caller's; each step touches few
 * cache lines if it begins with one. */
size_t smtp_server_size(void);
void smtp_server_init(SmtpServer *server, const SmtpServerOptions *options);
void smtp_server_clear(SmtpServer *server);

/* `bytes` is at most smtp_server_input_room long. After STARTTLS the room is 0 until the node has
 * accepted SMTP_SERVER_EVENT_TLS: what comes meanwhile is no SMTP. */
void smtp_server_receive(SmtpServer *server, Span bytes);
/* The same by reference; the engine becomes the owner of the slice. */
void smtp_server_take_input(SmtpServer *server, Slice bytes);
/* The client has closed its side, or the connection broke; what came before is still acted on. */
void smtp_server_receive_end(SmtpServer *server);
size_t smtp_server_input_room(const SmtpServer *server);

bool smtp_server_next_event(SmtpServer *server, SmtpServerEvent *event);

/* Answer the open question, now or later; `reply` is copied. A code of 400 and above refuses, 421
 * also closes. The enhanced code is sent where the client may expect one; when `reply` has none,
 * x.0.0 of its class is. */
void smtp_server_answer(SmtpServer *server, uint32_t token, SmtpReply reply);
/* Answers with the standard positive reply to that question. */
void smtp_server_accept(SmtpServer *server, uint32_t token);
/* News from the node: the service stops. 421 is sent and the connection closed, at once or, with a
 * question open, behind the reply to it. */
void smtp_server_shut_down(SmtpServer *server);

Span smtp_server_peek_output(const SmtpServer *server);
void smtp_server_consume_output(SmtpServer *server, size_t count);
/* The same by reference: at most `room` octets, one slice behind the other; returns how many slices
 * the caller owns now. */
size_t smtp_server_take_output(SmtpServer *server, size_t room,
                               Slice slices[static SMTP_OUTPUT_SLICES_MAXIMUM]);
/* Something was held back, when last asked for an event, until the output has gone. */
bool smtp_server_is_held_back(const SmtpServer *server);
/* Closed, and the output is drained. */
bool smtp_server_is_finished(const SmtpServer *server);

/* SMTP_TIMEOUT_SERVER, or SMTP_TIMEOUT_NONE while a question is open and once closed. */
SmtpTimeout smtp_server_timeout(const SmtpServer *server);
/* How long that is, in nanoseconds; 0 for SMTP_TIMEOUT_NONE. */
int64_t smtp_server_timeout_ns(const SmtpServer *server);
/* A number that changes when the wait begins anew: with each reply, and with content. A client that
 * drips the octets of a command does not change it. The node re-arms its timer when it differs. */
uint32_t smtp_server_timeout_epoch(const SmtpServer *server);
void smtp_server_time_out(SmtpServer *server);

/* The reply that the observer is being told is the engine's to a message beyond message_maximum. */
bool smtp_server_refuses_size(const SmtpServer *server);
uint8_t smtp_server_state(const SmtpServer *server); /* SmtpServerState */
