/* What a resolver remembers: answers and refusals with their time to live (RFC 1034 §5.3.3,
 * RFC 2308 §5).
 *
 * An entry is a finding: a whole outcome of one question. It lives as long as its shortest-lived
 * record, counted from when it came in, and is never given out later; meanwhile the name server's
 * data may have changed, which is what the times in the finding let a trace show. The number of
 * entries is bounded: the least recently used one makes room, or one not used much later. */
#pragma once

#include "proto/dns_answer.h"

typedef struct DnsCache DnsCache;

/* A cache of at most `entry_maximum` entries, at least one. */
DnsCache *dns_cache_new(size_t entry_maximum);
void dns_cache_free(DnsCache *cache);
/* What has been found at `now` for that type at that name, which is in normal form (any other text
 * finds nothing), or NULL. Borrowed: to be kept, it is ref'd. */
DnsFinding *dns_cache_find(DnsCache *cache, const char *name, uint16_t type, SimTime now);
/* Keeps what a question of this type has come to, which no cache keeps yet, by a reference of its
 * own, until it expires; not at all when that is at once. An NXDOMAIN without records (without
 * aliases on the way) counts for every type of the name, RFC 2308 §5. */
void dns_cache_put(DnsCache *cache, uint16_t type, DnsFinding *finding);
/* Forgets everything. */
void dns_cache_flush(DnsCache *cache);
size_t dns_cache_count(const DnsCache *cache);
