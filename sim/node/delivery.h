/* One connection to the mail servers of a domain, and the messages that are handed over on it: look
 * up the route, connect to the hosts in order until one takes part in a session, send one job after
 * the other for as long as the owner has some, and tell what became of each recipient.
 *
 * A server may close a connection that has been idle between two messages (RFC 5321 §4.5.3.2.7). A
 * job that meets with that before anything was answered is sent again over a new connection; that
 * is no failure of the job.
 *
 * Source: RFC 5321 §5.1 (which hosts, in which order), §3 and §4 by proto/smtp_client. It is the
 * client side of every mail server. */
#pragma once

#include "node/machine.h"
#include "node/resolver.h"
#include "proto/smtp_client.h"
#include "store/stored_message.h"

typedef struct Delivery Delivery;

typedef enum DeliveryOutcome {
    DELIVERY_RELAYED,   /* the next server has taken the message over for this recipient */
    DELIVERY_TEMPORARY, /* try again later */
    DELIVERY_PERMANENT, /* do not try again */
} DeliveryOutcome;

/* What became of one recipient; borrowed during the call. */
typedef struct DeliveryResult {
    DeliveryOutcome outcome;
    const char *text;   /* "550 5.1.1 No such user", or in our words: "connection refused" */
    const char *status; /* RFC 3463, such as "5.1.1" */
    const char *remote; /* the server that decided it; NULL: none did */
    bool is_reply;      /* `text` is what the server said */
    bool passes_dsn;    /* relayed to a server that will report on it (RFC 3461) */
    bool is_uncertain;  /* lost after the final dot: the server may have the message */
    uint64_t because;   /* the fault behind a failure, or 0 */
} DeliveryResult;

/* Copied, but for the name of the sending server, which outlives the delivery. */
typedef struct DeliveryOptions {
    const char *helo_name;
    const char *domain;           /* where to */
    bool keeps_bare_newlines;     /* sends a lone CR or LF as it is, not as CRLF */
    SimTime connect_timeout;      /* for each host's TCP connection */
    const SmtpTimeouts *timeouts; /* they stay as long as the delivery; NULL: RFC 5321's */
    SmtpHeard *heard;             /* from servers, as of SmtpClientOptions; stays as long */
    uint64_t route_draw;          /* random bits that order hosts of equal preference */
} DeliveryOptions;

/* One message to some recipients in the domain. Borrowed until it is done, content and all. */
typedef struct DeliveryJob {
    const char *mail;         /* the message's name, for the trace */
    const char *reverse_path; /* "" is the null path */
    SmtpMailParameters parameters;
    const SmtpClientRecipient *recipients;
    size_t recipient_count;
    const StoredMessage *message;
} DeliveryJob;

typedef struct DeliveryHandlers {
    /* Exactly once for each recipient of a job. */
    void (*result)(void *owner, Delivery *delivery, size_t index, const DeliveryResult *result);
    /* The job is done, and the connection is open: delivery_send the next one, or delivery_quit;
     * both may also be called later. */
    void (*ready)(void *owner, Delivery *delivery);
    /* The connection has ended, or none came about, and every recipient's result has been told;
     * never from within a call of the owner's. The owner then frees the delivery. */
    void (*done)(void *owner, Delivery *delivery);
} DeliveryHandlers;

enum { DELIVERY_PORT = 25 };
/* How long a host may take to answer the SYN, as Postfix has it. */
#define DELIVERY_CONNECT_TIMEOUT (30 * SIM_SECOND)

/* Machine, resolver and handlers outlive the delivery. */
Delivery *delivery_new(const Machine *machine, Resolver *resolver, const DeliveryOptions *options,
                       const DeliveryJob *job, const DeliveryHandlers *handlers, void *owner);
/* May be called at any time: whatever is under way is broken off. */
void delivery_free(Delivery *delivery);

/* ---- After `ready` ---- */

/* Whether the connection waits for the next job. Not when the server has just closed it: then
 * `done` is on its way. */
bool delivery_is_ready(const Delivery *delivery);
/* Only while it is ready. */
void delivery_send(Delivery *delivery, const DeliveryJob *job);
/* Nothing when it is not ready. */
void delivery_quit(Delivery *delivery);
