/* What a response says (RFC 1034 §5.3.3 step 4, RFC 2308 §2). Only records that answer the
 * question count; whatever else a response brings is no one's business (RFC 2181 §5.4.1). */
#include "proto/dns_response.h"

#include "proto/dns_resolver.h"

#include <string.h>

/* RFC 2181 §8: a TTL has 31 bits; with the highest bit set it counts as 0. */
static uint32_t sane_ttl(uint32_t ttl_s, uint32_t maximum_s)
{
    return ttl_s > INT32_MAX ? 0 : MIN(ttl_s, maximum_s);
}

/* Appends the records of `type` at `name` from the answer section; returns how many. */
static size_t collect_set(const DnsMessage *response, const char *name, GArray *records)
{
    const DnsQuestion *question = &response->question;
    size_t count = 0;
    for (size_t i = 0; i < dns_message_count(response, DNS_ANSWER); i++) {
        const DnsRecord *record = dns_message_peek(response, DNS_ANSWER, i);
        if ((record->type == question->type || question->type == DNS_TYPE_ANY) &&
            record->class == question->class && strcmp(record->name, name) == 0) {
            DnsRecord copy = dns_record_copy(record);
            g_array_append_val(records, copy);
            count++;
        }
    }
    return count;
}

/* Corrects the records' TTLs and returns the shortest. */
static uint32_t limit_ttls(GArray *records)
{
    uint32_t shortest = DNS_RESOLVER_TTL_MAX_S;
    for (guint i = 0; i < records->len; i++) {
        DnsRecord *record = &g_array_index(records, DnsRecord, i);
        record->ttl_s = sane_ttl(record->ttl_s, DNS_RESOLVER_TTL_MAX_S);
        shortest = MIN(shortest, record->ttl_s);
    }
    return shortest;
}

static const DnsRecord *find_authority(const DnsMessage *response, uint16_t type, const char *name)
{
    for (size_t i = 0; i < dns_message_count(response, DNS_AUTHORITY); i++) {
        const DnsRecord *record = dns_message_peek(response, DNS_AUTHORITY, i);
        if (record->type == type && record->class == DNS_CLASS_IN &&
            dns_name_is_within(name, record->name))
            return record;
    }
    return NULL;
}

/* RFC 2308 §5: a "no" is kept as long as its SOA's TTL and MINIMUM allow; without one, not. */
static uint32_t negative_ttl(const DnsRecord *soa)
{
    if (!soa)
        return 0;
    return MIN(sane_ttl(soa->ttl_s, DNS_RESOLVER_NEGATIVE_TTL_MAX_S),
               sane_ttl(soa->soa.minimum_s, DNS_RESOLVER_NEGATIVE_TTL_MAX_S));
}

/* The answer section has nothing of the type at `name`, where the aliases end. */
static DnsOutcome judge_empty(const DnsMessage *response, const char *name, bool has_aliases,
                              uint32_t *ttl_s)
{
    const DnsRecord *soa = find_authority(response, DNS_TYPE_SOA, name);
    *ttl_s = negative_ttl(soa);
    if (response->rcode == DNS_RCODE_NXDOMAIN)
        return DNS_OUTCOME_NXDOMAIN;
    if (soa)
        return DNS_OUTCOME_NODATA;
    if (has_aliases) { /* the server knew no further: the asker may go on with the last name */
        *ttl_s = DNS_RESOLVER_TTL_MAX_S;
        return DNS_OUTCOME_ANSWER;
    }
    /* RFC 2308 §2.2: without SOA, NS records make it a referral, which a stub cannot follow. */
    bool is_referral = find_authority(response, DNS_TYPE_NS, name);
    return is_referral ? DNS_OUTCOME_SERVFAIL : DNS_OUTCOME_NODATA;
}

DnsOutcome dns_response_judge(const DnsMessage *response, GArray *records, uint32_t *ttl_s)
{
    const DnsQuestion *question = &response->question;
    *ttl_s = 0;
    bool speaks = response->rcode == DNS_RCODE_NOERROR || response->rcode == DNS_RCODE_NXDOMAIN;
    if (!speaks || response->is_truncated)
        return DNS_OUTCOME_SERVFAIL;
    const size_t count = dns_message_count(response, DNS_ANSWER);
    const DnsRecord *section = count > 0 ? dns_message_peek(response, DNS_ANSWER, 0) : NULL;
    const char *end = dns_chain_follow(section, count, question->name, question->type, records);
    if (!end) { /* RFC 1034 §3.6.2: aliases that go round are an error */
        g_array_set_size(records, 0);
        return DNS_OUTCOME_LOOP;
    }
    DnsOutcome outcome = DNS_OUTCOME_ANSWER;
    *ttl_s = DNS_RESOLVER_TTL_MAX_S;
    if (collect_set(response, end, records) == 0)
        outcome = judge_empty(response, end, records->len > 0, ttl_s);
    const uint32_t shortest_s = limit_ttls(records);
    *ttl_s = MIN(*ttl_s, shortest_s);
    return outcome;
}
