/* Where mail for a domain goes: the rules of RFC 5321 §5.1 above the look-ups (RFC 7505 for the
 * null MX, RFC 3463 for the codes of failure).
 *
 * An engine that knows no resolver: it asks one question at a time (MX of the domain, then A of
 * each exchange in order of preference), is told the outcome, and ends with a list of hosts to try
 * in order, or with the reason why there is none. Whether a domain is our own to deliver is the
 * node's policy, and decided before.
 *
 * Left out on purpose: IPv6 (§5.2 lets an IPv4-only client ignore AAAA). */
#pragma once

#include "core/bytes.h"
#include "core/state_table.h"
#include "proto/dns_answer.h"

enum {
    /* Exchanges looked at, the most preferred first; §5.1 allows a limit. A draw of 64 bits
     * reaches every order of so many: 20! < 2^64. */
    MAIL_ROUTE_HOSTS_MAX = 20,
    MAIL_ROUTE_ADDRESSES_MAX = 32, /* addresses kept of one host; as many fit a datagram */
};

typedef struct MailRoute MailRoute;

typedef struct MailRouteOptions {
    /* What follows the @: a name, or an address literal "[192.0.2.1]"; read by mail_route_new only.
     */
    const char *domain;
    /* By what we are known ourselves; to stay as long as the route. */
    const char *const *own_names;
    size_t own_name_count;
    const Ipv4Address *own_addresses;
    size_t own_address_count;
    uint64_t draw; /* random bits that order exchanges of equal preference */
} MailRouteOptions;

typedef struct MailRouteQuestion {
    uint64_t token;
    const char *name; /* valid until the answer */
    uint16_t type;    /* DNS_TYPE_MX or DNS_TYPE_A */
} MailRouteQuestion;

/* A host to try; its addresses come in the order of the answer. */
typedef struct MailRouteHost {
    uint16_t preference;
    const char *name; /* "[192.0.2.1]" for an address literal */
    const Ipv4Address *addresses;
    size_t address_count; /* at least 1 */
} MailRouteHost;

typedef enum MailRouteResult {
    MAIL_ROUTE_PENDING,       /* a question is open */
    MAIL_ROUTE_HOSTS,         /* there are hosts to try */
    MAIL_ROUTE_LOOKUP_FAILED, /* no answer now: try again later */
    MAIL_ROUTE_ALIAS_LOOP,    /* nor until someone mends the aliases: try again later */
    MAIL_ROUTE_NO_DOMAIN,     /* the domain does not exist, or is an address that cannot be used */
    MAIL_ROUTE_NULL_MX,       /* the domain says that it takes no mail */
    MAIL_ROUTE_NO_HOST,       /* the domain exists, but leads to no address */
    MAIL_ROUTE_LOOP,          /* we are the most preferred exchange ourselves */
    MAIL_ROUTE_RESULT_COUNT,
} MailRouteResult;

/* A failure in the terms of SMTP. */
typedef struct MailRouteStatus {
    uint16_t reply;       /* such as 556; 4xx is temporary, 5xx permanent */
    const char *enhanced; /* such as "5.1.10" */
    const char *text;     /* for people */
} MailRouteStatus;

MailRoute *mail_route_new(const MailRouteOptions *options);
void mail_route_free(MailRoute *route);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(MailRoute, mail_route_free)

/* The open question; false when there is none: the route is finished. */
bool mail_route_peek_question(const MailRoute *route, MailRouteQuestion *question);
/* Answers the open question. Records other than those that answer it are not looked at. */
void mail_route_answer(MailRoute *route, uint64_t token, const DnsAnswer *answer);

MailRouteResult mail_route_result(const MailRoute *route);
/* The hosts in the order to try; none before MAIL_ROUTE_HOSTS. Valid as long as the route. */
size_t mail_route_host_count(const MailRoute *route);
MailRouteHost mail_route_peek_host(const MailRoute *route, size_t index);
/* The status of a result that is a failure. */
const MailRouteStatus *mail_route_status(MailRouteResult result);

enum {
    MAIL_ROUTE_STATE_MX,        /* waits for the domain's MX records */
    MAIL_ROUTE_STATE_ADDRESSES, /* waits for an exchange's addresses */
    MAIL_ROUTE_STATE_FINISHED,
    MAIL_ROUTE_STATE_COUNT,
};

enum {
    MAIL_ROUTE_EVENT_RECORDS,  /* records of the type asked */
    MAIL_ROUTE_EVENT_NULL_MX,  /* a single MX whose exchange is the root */
    MAIL_ROUTE_EVENT_ALIAS,    /* only an alias, which leads on to a name not yet asked */
    MAIL_ROUTE_EVENT_NODATA,   /* no record of the type */
    MAIL_ROUTE_EVENT_NXDOMAIN, /* no such name, or what cannot be one */
    MAIL_ROUTE_EVENT_FAILURE,  /* no answer now */
    MAIL_ROUTE_EVENT_ALL_DONE, /* no exchange is left to ask for */
    MAIL_ROUTE_EVENT_LITERAL,  /* the domain is an address: nothing to ask */
    MAIL_ROUTE_EVENT_COUNT,
};

extern const StateTable mail_route_table;
uint8_t mail_route_state(const MailRoute *route);
