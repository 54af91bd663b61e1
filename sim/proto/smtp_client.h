/* The SMTP client's side of one connection, without any input or output of its own.
 *
 * It greets, sends any number of mail transactions, and says for each recipient what became of it.
 * What a reply means (try again, give up) is the engine's business; when to try again is the
 * node's.
 *
 * Source: RFC 5321 §3, §4.1 to §4.5; RFC 2920 (pipelining), 1870, 6152, 2034, 3461, 6531, 4954,
 * 3030 (BDAT where it is offered), 3207 (STARTTLS where it is offered; the node puts the stream
 * behind records). Left out on purpose: conversion of 8-bit content for a server without 8BITMIME,
 * which is the node's.
 *
 * The node's loop is the server's: receive, events, output, events again (smtp_server.h). */
#pragma once

#include "core/bytes.h"
#include "core/state_table.h"
#include "proto/smtp.h"
#include "proto/smtp_heard.h"
#include "proto/smtp_parameters.h"
#include "proto/smtp_reply.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    SMTP_CLIENT_INPUT_MAXIMUM = 16384,
    SMTP_CLIENT_OUTPUT_MAXIMUM = 32768,
    SMTP_CLIENT_RECIPIENTS_MAXIMUM = 1000, /* a transaction; split larger ones */
    SMTP_CLIENT_PARTS_MAXIMUM = 8,         /* slices that make up one content */
    SMTP_CLIENT_CHUNK_MAXIMUM = 16384,     /* octets of a chunk (RFC 3030) */
};

/* States, rows of smtp_client_table. With pipelining the state is that of the oldest command whose
 * reply has not come. */
typedef enum SmtpClientState {
    SMTP_CLIENT_CONNECT,   /* waits for the greeting */
    SMTP_CLIENT_EHLO,      /* EHLO sent */
    SMTP_CLIENT_HELO,      /* HELO sent, after EHLO was refused */
    SMTP_CLIENT_STARTTLS,  /* STARTTLS sent */
    SMTP_CLIENT_TLS,       /* 220 came: the node puts the stream behind records; a handshake */
    SMTP_CLIENT_AUTH,      /* AUTH, or an answer to its challenge, sent */
    SMTP_CLIENT_READY,     /* a transaction may begin */
    SMTP_CLIENT_MAIL,      /* MAIL sent */
    SMTP_CLIENT_RCPT,      /* RCPT sent */
    SMTP_CLIENT_DATA,      /* DATA sent */
    SMTP_CLIENT_CONTENT,   /* 354 came: sends the content */
    SMTP_CLIENT_CHUNKS,    /* sends the content in chunks, and waits for their replies */
    SMTP_CLIENT_FINAL_DOT, /* CRLF.CRLF sent: whose is the message? */
    SMTP_CLIENT_DRAIN,     /* transaction has failed; replies to pipelined commands still come */
    SMTP_CLIENT_RSET,      /* RSET sent */
    SMTP_CLIENT_QUIT,      /* QUIT sent */
    SMTP_CLIENT_CLOSED,
    SMTP_CLIENT_STATE_COUNT
} SmtpClientState;

/* Events, columns of smtp_client_table. */
typedef enum SmtpClientInput {
    SMTP_CLIENT_ON_SUCCESS,      /* reply 2yz */
    SMTP_CLIENT_ON_INTERMEDIATE, /* reply 3yz */
    SMTP_CLIENT_ON_TEMPORARY,    /* reply 4yz but 421 */
    SMTP_CLIENT_ON_PERMANENT,    /* reply 5yz */
    SMTP_CLIENT_ON_CLOSING,      /* reply 421 */
    SMTP_CLIENT_ON_MALFORMED,    /* not a reply */
    SMTP_CLIENT_ON_AUTH_NEEDED,  /* EHLO succeeded, credentials are given and AUTH is offered */
    SMTP_CLIENT_ON_TLS_OFFERED,  /* EHLO succeeded, STARTTLS is offered and not tried yet */
    SMTP_CLIENT_ON_TLS_STARTED,  /* the node has put the stream behind records */
    SMTP_CLIENT_ON_HELO_ONLY,    /* greeting 220, and the client does not know EHLO */
    SMTP_CLIENT_ON_RCPT_DONE,    /* last RCPT answered, some recipient accepted */
    SMTP_CLIENT_ON_RCPT_DONE_CHUNKING, /* the same, and BDAT is offered */
    SMTP_CLIENT_ON_ALL_TAKEN,          /* the last chunk was answered by 2yz */
    SMTP_CLIENT_ON_ALL_REFUSED,        /* last RCPT answered, none accepted; nothing is in flight */
    SMTP_CLIENT_ON_IN_FLIGHT,    /* transaction failed; pipelined commands are still unanswered */
    SMTP_CLIENT_ON_OVER,         /* transaction failed; nothing is in flight */
    SMTP_CLIENT_ON_CONTENT_SENT, /* the content and its final dot are in the output */
    SMTP_CLIENT_ON_SEND,         /* the node has a transaction */
    SMTP_CLIENT_ON_QUIT,         /* the node has no more */
    SMTP_CLIENT_ON_TIME_OUT,
    SMTP_CLIENT_ON_LOST, /* the server closed, or the connection broke */
    SMTP_CLIENT_INPUT_COUNT
} SmtpClientInput;

extern const StateTable smtp_client_table; /* named "smtp-client" */

/* What it points to stays as long as the engine. */
typedef struct SmtpClientOptions {
    SmtpObserver observer;
    SmtpHeard *heard; /* what its engines hear in reply to EHLO, which they share; NULL: this one
                         shares nothing */
    const SmtpTimeouts *timeouts; /* NULL: RFC 5321's */
    uint32_t extensions;          /* SmtpExtension bits to use where the server offers them */
    bool helo_only;               /* an old client that never tries EHLO */
    /* True sends a lone CR or LF of the content as it is (the sending half of SMTP smuggling);
     * false sends each as CRLF (RFC 5321 §2.3.8). */
    bool send_bare_newlines;
    const char *name;     /* for EHLO: the client's domain or address literal */
    const char *identity; /* for AUTH; NULL: do not authenticate */
    const char *password;
} SmtpClientOptions;

/* Defaults: SMTP_EXTENSIONS_DEFAULT and CHUNKING, no STARTTLS, no AUTH, EHLO first, newlines made
 * right, no observer. */
SmtpClientOptions smtp_client_options(const char *name);

typedef struct SmtpClientRecipient {
    const char *mailbox; /* "bob@b.example", without angle brackets */
    SmtpRcptParameters parameters;
} SmtpClientRecipient;

/* Everything is copied; the slices are shared by reference. The content is the front and the parts,
 * one behind the other, lines ended by CRLF, not dot-stuffed; a missing last CRLF is added. */
typedef struct SmtpClientTransaction {
    const char *reverse_path;      /* mailbox without angle brackets; "" is the null path */
    SmtpMailParameters parameters; /* size 0: the engine declares the content's length */
    const SmtpClientRecipient *recipients;
    size_t recipient_count; /* 1 to SMTP_CLIENT_RECIPIENTS_MAXIMUM */
    Span content_front;     /* goes before the parts, and is copied */
    const Slice *content;
    size_t content_count; /* 0 to SMTP_CLIENT_PARTS_MAXIMUM */
    bool is_plain; /* known of the content: whole lines that end in CRLF, with no other CR or LF,
                      none of which begins with a dot. False: the engine looks. */
} SmtpClientTransaction;

/* Where a recipient's fate was settled. */
typedef enum SmtpStage {
    SMTP_STAGE_LOCAL, /* before MAIL: the server lacks an extension or its SIZE is too small */
    SMTP_STAGE_CONNECT,
    SMTP_STAGE_HELO,
    SMTP_STAGE_TLS, /* STARTTLS and the handshake */
    SMTP_STAGE_AUTH,
    SMTP_STAGE_MAIL,
    SMTP_STAGE_RCPT,
    SMTP_STAGE_DATA,
    SMTP_STAGE_CONTENT,
    SMTP_STAGE_FINAL_DOT,
    SMTP_STAGE_IDLE, /* between transactions, RSET, QUIT: no recipient's fate hangs on it */
} SmtpStage;
const char *smtp_stage_name(SmtpStage stage);

typedef enum SmtpClientEventKind {
    SMTP_CLIENT_EVENT_TLS,     /* put the stream behind records; when it is, call ..._start_tls */
    SMTP_CLIENT_EVENT_READY,   /* send, or quit; after each transaction again */
    SMTP_CLIENT_EVENT_REFUSED, /* no service: refused at greeting, HELO or AUTH */
    SMTP_CLIENT_EVENT_RECIPIENT_RESULT, /* exactly one for each recipient of a transaction */
    SMTP_CLIENT_EVENT_TRANSACTION_DONE, /* after the last of them */
    SMTP_CLIENT_EVENT_CLOSED,           /* last event */
} SmtpClientEventKind;

typedef enum SmtpClientCloseReason {
    SMTP_CLIENT_CLOSE_QUIT, /* QUIT was sent, whatever came of it */
    SMTP_CLIENT_CLOSE_LOST, /* the server closed, or the connection broke */
    SMTP_CLIENT_CLOSE_TIME_OUT,
    SMTP_CLIENT_CLOSE_BY_SERVER, /* 421 */
    SMTP_CLIENT_CLOSE_PROTOCOL,  /* what came was no SMTP reply, or none that fits */
} SmtpClientCloseReason;

/* Spans are valid until the next call on the engine. */
typedef struct SmtpClientEvent {
    SmtpClientEventKind kind;
    union {
        struct {
            uint32_t extensions;   /* SmtpExtension bits that the server offers */
            uint64_t size_maximum; /* SIZE's limit; 0: none told */
        } ready;
        struct {
            SmtpStage stage;
            SmtpReply reply;
            SmtpReplyClass class;
        } refused;
        struct {
            size_t index; /* into the transaction's recipients */
            SmtpStage stage;
            SmtpReply reply;      /* code 0: none came; its text says why */
            SmtpReplyClass class; /* SUCCESS: the server has taken the mail for this recipient */
            bool is_all_sent; /* nothing of the mail was left to send: without a reply the server
                                 may have taken it, whatever the stage (BDAT with PIPELINING) */
        } result;
        struct {
            size_t delivered, temporary, permanent; /* recipients */
        } done;
        struct {
            SmtpClientCloseReason reason;
            SmtpStage stage; /* where it happened */
            SmtpReply reply; /* the one that led to it; code 0: none, its text says why */
        } closed;
    };
} SmtpClientEvent;

typedef struct SmtpClient SmtpClient;

SmtpClient *smtp_client_new(const SmtpClientOptions *options);
void smtp_client_free(SmtpClient *client);
/* The same in memory of smtp_client_size() octets that stays the caller's; each step touches few
 * cache lines if it begins with one. */
size_t smtp_client_size(void);
void smtp_client_init(SmtpClient *client, const SmtpClientOptions *options);
void smtp_client_clear(SmtpClient *client);

/* `bytes` is at most smtp_client_input_room long. */
void smtp_client_receive(SmtpClient *client, Span bytes);
/* The same by reference; the engine becomes the owner of the slice. */
void smtp_client_take_input(SmtpClient *client, Slice bytes);
/* The server has closed, or the connection broke; replies that came before still count. */
void smtp_client_receive_end(SmtpClient *client);
size_t smtp_client_input_room(const SmtpClient *client);

bool smtp_client_next_event(SmtpClient *client, SmtpClientEvent *event);

/* Only after its event. */
void smtp_client_start_tls(SmtpClient *client);
/* Only in state READY, after its event. */
void smtp_client_send(SmtpClient *client, const SmtpClientTransaction *transaction);
void smtp_client_quit(SmtpClient *client);

Span smtp_client_peek_output(const SmtpClient *client);
void smtp_client_consume_output(SmtpClient *client, size_t count);
/* The same by reference: at most `room` octets, one slice behind the other; returns how many slices
 * the caller owns now. */
size_t smtp_client_take_output(SmtpClient *client, size_t room,
                               Slice slices[static SMTP_OUTPUT_SLICES_MAXIMUM]);
/* Something was held back, when last asked for an event, until the output has gone. */
bool smtp_client_is_held_back(const SmtpClient *client);
/* Closed: the node closes the stream; output that is left is pointless. */
bool smtp_client_is_finished(const SmtpClient *client);

SmtpTimeout smtp_client_timeout(const SmtpClient *client);
/* How long that is, in nanoseconds; 0 for SMTP_TIMEOUT_NONE. */
int64_t smtp_client_timeout_ns(const SmtpClient *client);
/* A number that changes when the wait begins anew; the node re-arms its timer when it differs. */
uint32_t smtp_client_timeout_epoch(const SmtpClient *client);
void smtp_client_time_out(SmtpClient *client);

uint8_t smtp_client_state(const SmtpClient *client); /* SmtpClientState */
