/* One attempt to hand a message to the mail servers of a domain: look up the route, connect to the
 * hosts in order until one takes part in a session, and tell what became of each recipient.
 *
 * Source: RFC 5321 §5.1 (which hosts, in which order), §3 and §4 by proto/smtp_client. It is the
 * client side of every mail server. Left out on purpose: several messages on one connection. */
#pragma once

#include "node/machine.h"
#include "node/resolver.h"
#include "proto/smtp_client.h"

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
    bool is_uncertain;  /* lost after the final dot: the server may have the message */
    uint64_t because;   /* the fault behind a failure, or 0 */
} DeliveryResult;

/* Borrowed until the delivery is done, content and all. */
typedef struct DeliveryJob {
    const char *helo_name;    /* of the sending server */
    const char *mail;         /* the message's name, for the trace */
    const char *domain;       /* of the recipients */
    const char *reverse_path; /* "" is the null path */
    SmtpMailParameters parameters;
    const SmtpClientRecipient *recipients;
    size_t recipient_count;
    Slice content;
    uint64_t route_draw; /* random bits that order hosts of equal preference */
} DeliveryJob;

typedef struct DeliveryOwner {
    void *owner;
    /* Exactly once for each recipient. */
    void (*result)(void *owner, Delivery *delivery, size_t index, const DeliveryResult *result);
    /* After the last result, from a step of its own; the owner then frees the delivery. */
    void (*done)(void *owner, Delivery *delivery);
} DeliveryOwner;

enum { DELIVERY_PORT = 25 };
/* How long a host may take to answer the SYN, as Postfix has it. */
#define DELIVERY_CONNECT_TIMEOUT (30 * SIM_SECOND)

Delivery *delivery_new(const Machine *machine, Resolver *resolver, const DeliveryJob *job,
                       DeliveryOwner owner);
/* May be called at any time: whatever is under way is broken off. */
void delivery_free(Delivery *delivery);
