/* What a response says (RFC 1034 §5.3.3 step 4, RFC 2308 §2). Only records that answer the
 * question count; whatever else a response brings is no one's business (RFC 2181 §5.4.1). */
#include "proto/dns_response.h"

#include "core/check.h"
#include "proto/dns_resolver.h"

#include <string.h>

/* RFC 2181 §8: a TTL has 31 bits; with the highest bit set it counts as 0. */
static uint32_t sane_ttl(uint32_t ttl_s, uint32_t maximum_s)
{
    return ttl_s > INT32_MAX ? 0 : MIN(ttl_s, maximum_s);
}

/* A record takes eleven octets at least, and all stand in one datagram. */
enum { RECORDS_MAX = DNS_DATAGRAM_MAX / 11 };

/* What a response comes to, in parts. */
typedef struct Judgement {
    DnsOutcome outcome;
    const DnsRecord *records[RECORDS_MAX + DNS_CHAIN_MAX + 1];
    size_t count;
    uint32_t ttl_s;
} Judgement;

/* Adds the records of the type asked at `name` from the answer section; returns how many. */
static size_t collect_set(const DnsMessage *response, const char *name, Judgement *judgement)
{
    const DnsQuestion *question = &response->question;
    size_t count = 0;
    for (size_t i = 0; i < dns_message_count(response, DNS_ANSWER); i++) {
        const DnsRecord *record = dns_message_peek(response, DNS_ANSWER, i);
        if ((record->type == question->type || question->type == DNS_TYPE_ANY) &&
            record->class == question->class && strcmp(record->name, name) == 0) {
            CHECK(judgement->count < G_N_ELEMENTS(judgement->records));
            judgement->records[judgement->count++] = record;
            count++;
        }
    }
    return count;
}

/* Corrects the records' TTLs and returns the shortest. */
static uint32_t limit_ttls(DnsFinding *finding)
{
    uint32_t shortest = DNS_RESOLVER_TTL_MAX_S;
    for (size_t i = 0; i < finding->record_count; i++) {
        DnsRecord *record = &finding->records[i];
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

/* The aliases that go round, each once: they tell people where. */
static void collect_loop(const DnsChain *chain, Judgement *judgement)
{
    for (size_t i = 0; i < chain->count; i++) {
        for (size_t k = 0; k < i; k++) {
            if (chain->links[k] == chain->links[i])
                return;
        }
        judgement->records[judgement->count++] = chain->links[i];
    }
}

static void judge(const DnsMessage *response, Judgement *judgement)
{
    const DnsQuestion *question = &response->question;
    judgement->count = 0;
    judgement->ttl_s = 0;
    judgement->outcome = DNS_OUTCOME_SERVFAIL;
    bool speaks = response->rcode == DNS_RCODE_NOERROR || response->rcode == DNS_RCODE_NXDOMAIN;
    if (!speaks || response->is_truncated)
        return;
    const size_t count = dns_message_count(response, DNS_ANSWER);
    const DnsRecord *section = count > 0 ? dns_message_peek(response, DNS_ANSWER, 0) : NULL;
    DnsChain chain = {.count = 0};
    const char *end = dns_chain_follow(section, count, question->name, question->type, &chain);
    judgement->outcome = DNS_OUTCOME_LOOP;
    if (!end) { /* RFC 1034 §3.6.2: aliases that go round are an error */
        collect_loop(&chain, judgement);
        return;
    }
    for (; judgement->count < chain.count; judgement->count++)
        judgement->records[judgement->count] = chain.links[judgement->count];
    judgement->outcome = DNS_OUTCOME_ANSWER;
    judgement->ttl_s = DNS_RESOLVER_TTL_MAX_S;
    if (collect_set(response, end, judgement) == 0)
        judgement->outcome = judge_empty(response, end, chain.count > 0, &judgement->ttl_s);
}

DnsFinding *dns_response_judge(const DnsMessage *response, SimTime now)
{
    Judgement judgement; /* of whose records only those are read that there are */
    judge(response, &judgement);
    DnsFinding *finding = dns_finding_new(response->question.name, judgement.outcome, now,
                                          judgement.records, judgement.count);
    const uint32_t shortest_s = limit_ttls(finding);
    finding->expires_at = simtime_add(now, MIN(judgement.ttl_s, shortest_s) * SIM_SECOND);
    return finding;
}
