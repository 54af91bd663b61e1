/* The dialogue of an SMTP connection in the trace: each line is recorded where it is sent, each
 * change of state at the end that changes. */
#pragma once

#include "proto/smtp.h"
#include "trace/trace.h"

/* What an observer needs; it outlives the engine. */
typedef struct SmtpTrace {
    Trace *trace;
    NodeId node;
    TraceRef connection;
    const char *mail; /* client: the message that it sends; borrowed */
    uint64_t size;    /* and its octets */
} SmtpTrace;

/* Records smtp.command, smtp.content and smtp.state. */
SmtpObserver smtp_trace_client_observer(SmtpTrace *trace);
/* Records smtp.reply and smtp.state. */
SmtpObserver smtp_trace_server_observer(SmtpTrace *trace);

/* "550 5.1.1 No such user", lines joined by LF; the text alone when there was no reply. To free. */
char *smtp_trace_reply_text(const SmtpReply *reply);
