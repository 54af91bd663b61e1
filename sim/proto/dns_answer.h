/* What a look-up has come to: the value that a resolver gives and that asks for mail routes take,
 * and its owner, which the resolver's cache shares with whoever is being told. */
#pragma once

#include "core/simtime.h"
#include "proto/dns_record.h"

enum {
    DNS_CHAIN_MAX = 8, /* aliases followed one after the other before it counts as a loop */
};

typedef enum DnsOutcome {
    DNS_OUTCOME_ANSWER,   /* records of the type, or an alias that leads on to an unknown name */
    DNS_OUTCOME_NXDOMAIN, /* the name, or the one its aliases lead to, does not exist */
    DNS_OUTCOME_NODATA,   /* the name exists, without a record of the type (RFC 2308 §2.2) */
    DNS_OUTCOME_SERVFAIL, /* the name server failed, refused or made no sense */
    DNS_OUTCOME_TIMEOUT,  /* no answer to any attempt */
    DNS_OUTCOME_LOOP,     /* aliases that go round, or more than DNS_CHAIN_MAX of them */
    DNS_OUTCOME_COUNT,
} DnsOutcome;

/* "nxdomain" and so on, for traces. */
const char *dns_outcome_name(DnsOutcome outcome);
/* Whether nothing is known: whoever can asks again later. */
bool dns_outcome_is_failure(DnsOutcome outcome);

/* Records: the CNAMEs from the name asked, in their order, each once where they go round, then
 * those of the type asked; with the TTLs with which they came in. Borrowed. */
typedef struct DnsAnswer {
    DnsOutcome outcome;
    const DnsRecord *records;
    size_t record_count;
    uint32_t elapsed_s; /* how much of the TTLs is gone */
} DnsAnswer;

/* The records as lines of a master file, with what remains of their TTLs and semicolons between;
 * NULL when there are none. The caller frees. */
char *dns_answer_format(const DnsAnswer *answer);

/* An answer that many may hold, none of whom changes it. One piece of memory: what it points to
 * lies behind the records. */
typedef struct DnsFinding {
    uint32_t references;
    DnsOutcome outcome;
    SimTime cached_at;  /* when it came in */
    SimTime expires_at; /* from this moment on, it is not used; cached_at: it is not kept at all */
    char *name;         /* that was asked for, in normal form */
    size_t record_count;
    struct { /* of the cache that keeps it (proto/dns_cache.c) */
        uint32_t name_hash;
        uint16_t type;
        uint64_t moved_at; /* the cache's uses when it came to the end of the list */
        GList link;        /* its data is this finding; NULL: none keeps it */
    } kept;
    DnsRecord records[]; /* with the TTLs with which they came in */
} DnsFinding;

/* One reference; the records are copied. */
DnsFinding *dns_finding_new(const char *name, DnsOutcome outcome, SimTime now,
                            const DnsRecord *const *records, size_t count);
DnsFinding *dns_finding_ref(DnsFinding *finding);
/* NULL is ignored. */
void dns_finding_unref(DnsFinding *finding);
/* Borrowed from the finding. */
DnsAnswer dns_finding_answer(const DnsFinding *finding);

/* CNAMEs followed one after the other. */
typedef struct DnsChain {
    const DnsRecord *links[DNS_CHAIN_MAX + 1];
    size_t count;
} DnsChain;

/* The name where the CNAMEs among `records`, in whatever order, lead from `name`: `name` itself
 * when there is none or CNAMEs are what is asked for. NULL when they go round or are more than
 * DNS_CHAIN_MAX. Points to `name` or into `records`. When `chain`, which is empty, is not NULL, it
 * gets the CNAMEs followed. */
const char *dns_chain_follow(const DnsRecord *records, size_t count, const char *name,
                             uint16_t type, DnsChain *chain);
