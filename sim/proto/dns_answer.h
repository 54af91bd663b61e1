/* What a look-up has come to: the value that a resolver gives and that asks for mail routes take.
 */
#pragma once

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

/* Records: the CNAMEs from the name asked, in their order, then those of the type asked. The
 * TTLs are what remains of them. Borrowed. */
typedef struct DnsAnswer {
    DnsOutcome outcome;
    const DnsRecord *records;
    size_t record_count;
} DnsAnswer;

/* The name where the CNAMEs among `records`, in whatever order, lead from `name`: `name` itself
 * when there is none or CNAMEs are what is asked for. NULL when they go round or are more than
 * DNS_CHAIN_MAX. Points to `name` or into `records`. When `chain` is not NULL, copies of the
 * CNAMEs followed are appended to it. */
const char *dns_chain_follow(const DnsRecord *records, size_t count, const char *name,
                             uint16_t type, GArray *chain);
