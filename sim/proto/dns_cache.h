/* What a resolver remembers: answers and refusals with their time to live (RFC 1034 §5.3.3,
 * RFC 2308 §5).
 *
 * An entry holds a whole outcome of one question. It lives as long as its shortest-lived record,
 * counted from when it came in, and is never given out later; meanwhile the name server's data
 * may have changed, which is what the times in the entry let a trace show. The number of entries
 * is bounded: the least recently used one makes room. */
#pragma once

#include "core/simtime.h"
#include "proto/dns_answer.h"

typedef struct DnsCache DnsCache;

typedef struct DnsCacheEntry {
    DnsOutcome outcome; /* answer, nxdomain or nodata */
    GArray *records;    /* of DnsRecord, with TTLs as they came in */
    SimTime cached_at;
    SimTime expires_at; /* from this moment on, the entry is not used */
} DnsCacheEntry;

/* A cache of at most `entry_maximum` entries, at least one. */
DnsCache *dns_cache_new(size_t entry_maximum);
void dns_cache_free(DnsCache *cache);
/* The entry that answers the question at `now`, or NULL. Valid until the cache next changes. */
const DnsCacheEntry *dns_cache_find(DnsCache *cache, const DnsQuestion *question, SimTime now);
/* Keeps copies of the records for `ttl_s` seconds; nothing when that is 0. An NXDOMAIN without
 * records (without aliases on the way) counts for every type of the name, RFC 2308 §5. */
void dns_cache_put(DnsCache *cache, const DnsQuestion *question, const DnsAnswer *answer,
                   uint32_t ttl_s, SimTime now);
/* Forgets everything. */
void dns_cache_flush(DnsCache *cache);
size_t dns_cache_count(const DnsCache *cache);
