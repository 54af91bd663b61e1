/* The dialogue of an SMTP connection in the trace: each line is recorded where it is sent, each
 * change of state at the end that changes. */
#pragma once

#include "net/stream.h"
#include "proto/smtp_client.h"
#include "trace/trace.h"

/* What an observer needs; it outlives the engine. */
typedef struct SmtpTrace {
    Trace *trace;
    NodeId node;
    TraceRef connection;
    const char *mail;         /* client: the message that it sends; borrowed */
    uint64_t size;            /* and its octets */
    uint64_t because;         /* server: the record that decided the reply, or 0 */
    bool is_encrypted;        /* the dialogue goes within TLS */
    uint64_t closing_because; /* server: the same for a 421, once the server shuts down */
} SmtpTrace;

/* Records smtp.command, smtp.content and smtp.state. */
SmtpObserver smtp_trace_client_observer(SmtpTrace *trace);
/* For the observer of a server's engine: record smtp.reply and smtp.state. */
void smtp_trace_reply(const SmtpTrace *trace, const SmtpReply *reply);
void smtp_trace_state(const SmtpTrace *trace, const StateTable *table, uint8_t from, uint8_t to);

/* "550 5.1.1 No such user", lines joined by LF. To free. */
char *smtp_trace_reply_text(const SmtpReply *reply);
/* The same for what a client came to at a stage of the dialogue; where no reply came (code 0), why:
 * "connection refused", "connection reset by peer, after MAIL". `failure` is the stream's. To free.
 */
char *smtp_trace_outcome_text(const SmtpReply *reply, SmtpStage stage, StreamFailure failure);
