/* A stub resolver with a cache (RFC 1034 §5.3, RFC 1035 §7, RFC 2308 §5, RFC 2181 §5.4 and §8).
 *
 * It asks one name server that follows aliases itself, as far as it knows them. An ask is answered
 * from the cache, or joins a query for the same question that is on its way, or sends one. The
 * resolver has no clock: every call brings the time, which never runs back, and
 * dns_resolver_deadline says when it wants to be called again. After each call the node drains
 * dns_resolver_next_event.
 *
 * Left out on purpose: iteration from the root, several name servers, TCP after a truncated
 * response (it counts as SERVFAIL), use of the additional section (data of the lowest rank,
 * RFC 2181 §5.4.1), remembering SERVFAIL (RFC 2308 §7.1 leaves that free). */
#pragma once

#include "core/bytes.h"
#include "core/simtime.h"
#include "proto/dns_answer.h"

enum {
    DNS_RESOLVER_ASKS_MAX = 65536,              /* asks not yet answered */
    DNS_RESOLVER_TTL_MAX_S = 7 * 24 * 3600,     /* RFC 2181 §8 allows a limit; a week is usual */
    DNS_RESOLVER_NEGATIVE_TTL_MAX_S = 3 * 3600, /* RFC 2308 §5: one to three hours */
    /* The defaults of resolv.conf. */
    DNS_RESOLVER_DEFAULT_TIMEOUT_S = 5,
    DNS_RESOLVER_DEFAULT_ATTEMPTS = 2,
    DNS_RESOLVER_DEFAULT_CACHE_ENTRIES_MAX = 4096,
};

typedef struct DnsResolver DnsResolver;

/* A field of 0 means the default. */
typedef struct DnsResolverOptions {
    SimTime timeout_ns;       /* how long each attempt waits */
    uint32_t attempts;        /* queries sent before the outcome is a timeout */
    size_t cache_entries_max; /* see proto/dns_cache.h */
} DnsResolverOptions;

typedef enum DnsResolverEventKind {
    DNS_RESOLVER_SEND,     /* `datagram` is to be sent to the name server */
    DNS_RESOLVER_ANSWERED, /* `answer` is what the ask `token` has come to */
} DnsResolverEventKind;

/* Pointers are valid until the next call. */
typedef struct DnsResolverEvent {
    DnsResolverEventKind kind;
    uint64_t token; /* of the ask; for SEND, the one that the query was first sent for */
    DnsQuestion question;
    /* SEND */
    Span datagram;
    uint16_t id;
    uint32_t attempt; /* 1 for the first */
    /* ANSWERED */
    DnsAnswer answer;
    uint8_t rcode;      /* of the response; 0 when there was none */
    bool is_from_cache; /* then the name server's data may have changed since cached_at */
    SimTime cached_at;  /* when the answer came in from the name server */
    SimTime expires_at; /* until when the cache would repeat it; cached_at when it does not */
} DnsResolverEvent;

/* What became of a datagram. */
typedef enum DnsReceived {
    DNS_RECEIVED_ANSWER,    /* it ended a query */
    DNS_RECEIVED_MALFORMED, /* ignored: no well-formed message */
    DNS_RECEIVED_UNASKED,   /* ignored: no response to a query on its way: too late, or forged */
} DnsReceived;

DnsResolver *dns_resolver_new(const DnsResolverOptions *options);
void dns_resolver_free(DnsResolver *resolver);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(DnsResolver, dns_resolver_free)

/* Asks for the records of `type` at `name`; an ANSWERED event with the returned token follows, at
 * once or later. `id` becomes the query's, should one be sent, and should be hard to guess. Text
 * that cannot be a name comes to NXDOMAIN. 0 when DNS_RESOLVER_ASKS_MAX asks are open. */
uint64_t dns_resolver_ask(DnsResolver *resolver, const char *name, uint16_t type, uint16_t id,
                          SimTime now);
/* The same where the cache knows the name as it stands there, for which no id is needed; 0, and
 * nothing is asked, where it does not. */
uint64_t dns_resolver_ask_cache(DnsResolver *resolver, const char *name, uint16_t type,
                                SimTime now);
/* Takes a datagram from the name server. */
DnsReceived dns_resolver_receive(DnsResolver *resolver, Span datagram, SimTime now);
/* When dns_resolver_time_out is next due; SIM_NEVER when no query is on its way. */
SimTime dns_resolver_deadline(const DnsResolver *resolver);
/* Ends the attempts whose time is up. */
void dns_resolver_time_out(DnsResolver *resolver, SimTime now);
/* False: nothing more happens before the next call. */
bool dns_resolver_next_event(DnsResolver *resolver, DnsResolverEvent *event);
/* Empties the cache. */
void dns_resolver_flush(DnsResolver *resolver);
