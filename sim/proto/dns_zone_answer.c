/* How an authoritative name server answers (RFC 1034 §4.3.2, RFC 2308 §2 and §3). */
#include "proto/dns_answer.h"
#include "proto/dns_zone_data.h"

#include <string.h>

static bool contains(const DnsMessage *message, DnsSection section, const DnsRecord *record)
{
    for (size_t i = 0; i < dns_message_count(message, section); i++) {
        if (dns_record_equals(dns_message_peek(message, section, i), record))
            return true;
    }
    return false;
}

/* The first record of `type` at an entry that may be NULL. */
static const DnsRecord *find_record(const DnsZoneEntry *entry, uint16_t type)
{
    for (guint i = 0; entry && i < entry->records->len; i++) {
        const DnsRecord *record = &g_array_index(entry->records, DnsRecord, i);
        if (record->type == type)
            return record;
    }
    return NULL;
}

/* The SOA of the zone that `name` lies in: that of the nearest apex, at its entry or above. */
static const DnsRecord *find_soa(const DnsZone *zone, const char *name, const DnsZoneEntry *entry)
{
    const DnsRecord *soa = find_record(entry, DNS_TYPE_SOA);
    while (!soa && (name = dns_name_parent(name)) != NULL)
        soa = find_record(dns_zone_find(zone, name), DNS_TYPE_SOA);
    return soa;
}

static size_t append_matching(const DnsZoneEntry *entry, uint16_t type, DnsMessage *response)
{
    size_t count = 0;
    for (guint i = 0; i < entry->records->len; i++) {
        const DnsRecord *record = &g_array_index(entry->records, DnsRecord, i);
        if (record->type == type || type == DNS_TYPE_ANY) {
            dns_message_take(response, DNS_ANSWER, *record);
            count++;
        }
    }
    return count;
}

/* RFC 2308 §3: the SOA tells how long the answer "no" may be kept: the lesser of its own TTL and
 * its MINIMUM field. */
static void answer_negative(const DnsRecord *soa, uint8_t rcode, DnsMessage *response)
{
    DnsRecord copy = *soa;
    copy.ttl_s = MIN(soa->ttl_s, soa->soa.minimum_s);
    dns_message_take(response, DNS_AUTHORITY, copy);
    response->rcode = rcode;
}

static void append_addresses(const DnsZone *zone, const char *host, DnsMessage *response)
{
    const DnsZoneEntry *entry = dns_zone_find(zone, host);
    if (!entry || entry->failure != DNS_ZONE_FAILURE_NONE)
        return;
    for (guint i = 0; i < entry->records->len; i++) {
        const DnsRecord *record = &g_array_index(entry->records, DnsRecord, i);
        if (record->type == DNS_TYPE_A && !contains(response, DNS_ANSWER, record) &&
            !contains(response, DNS_ADDITIONAL, record))
            dns_message_take(response, DNS_ADDITIONAL, *record);
    }
}

/* RFC 1035 §3.3.9 and §3.3.11: an exchange's or name server's addresses come along. */
static void append_additional(const DnsZone *zone, DnsMessage *response)
{
    for (size_t i = 0; i < dns_message_count(response, DNS_ANSWER); i++) {
        const DnsRecord *record = dns_message_peek(response, DNS_ANSWER, i);
        if (record->type == DNS_TYPE_MX)
            append_addresses(zone, record->mx.exchange, response);
        else if (record->type == DNS_TYPE_NS)
            append_addresses(zone, record->host, response);
    }
}

/* Answers for one name of a chain of aliases, whose entry may be NULL. Returns the next name to go
 * on with, or NULL. */
static const char *answer_name(const DnsZone *zone, const char *name, const DnsZoneEntry *entry,
                               DnsMessage *response)
{
    const uint16_t type = response->question.type;
    const DnsRecord *soa = find_soa(zone, name, entry);
    const bool is_first = dns_message_count(response, DNS_ANSWER) == 0;
    if (!soa) { /* not ours: an alias may still lead there, and the asker goes on alone */
        response->rcode = is_first ? DNS_RCODE_REFUSED : DNS_RCODE_NOERROR;
        return NULL;
    }
    response->is_authoritative = true; /* a name that is not ours can only come later */
    if (!entry || entry->populated == 0 || entry->failure == DNS_ZONE_FAILURE_NXDOMAIN) {
        answer_negative(soa, DNS_RCODE_NXDOMAIN, response); /* also after CNAMEs, RFC 6604 §3 */
        return NULL;
    }
    if (append_matching(entry, type, response) > 0) {
        append_additional(zone, response);
        return NULL;
    }
    const DnsRecord *alias = find_record(entry, DNS_TYPE_CNAME);
    if (!alias) {
        answer_negative(soa, DNS_RCODE_NOERROR, response);
        return NULL;
    }
    if (contains(response, DNS_ANSWER, alias))
        return NULL; /* they go round: the asker sees it (RFC 1034 §3.6.2) */
    dns_message_take(response, DNS_ANSWER, *alias);
    return alias->host;
}

static void answer_failed(DnsMessage *response)
{
    dns_message_drop(response, DNS_ANSWER);
    response->is_authoritative = false;
    response->rcode = DNS_RCODE_SERVFAIL;
}

/* RFC 1034 §4.3.2 steps 3 to 6: follows aliases as far as the data goes. */
static bool answer_question(const DnsZone *zone, DnsMessage *response)
{
    const char *name = response->question.name;
    for (int links = 0; name && links <= DNS_CHAIN_MAX; links++) {
        const DnsZoneEntry *entry = dns_zone_find(zone, name);
        DnsZoneFailure failure = entry ? entry->failure : DNS_ZONE_FAILURE_NONE;
        if (failure == DNS_ZONE_FAILURE_TIMEOUT)
            return false;
        if (failure == DNS_ZONE_FAILURE_SERVFAIL) {
            answer_failed(response);
            return true;
        }
        name = answer_name(zone, name, entry, response);
    }
    return true;
}

static void start_response(const DnsMessage *query, DnsMessage *response)
{
    response->id = query->id;
    response->is_response = true;
    response->opcode = query->opcode;
    response->recursion_desired = query->recursion_desired; /* copied, RFC 1035 §4.1.1 */
    response->is_lent = true;
    response->question = query->question;
}

bool dns_zone_answer(const DnsZone *zone, const DnsMessage *query, DnsMessage *response)
{
    if (query->is_response)
        return false; /* answering answers would let two servers talk for ever */
    start_response(query, response);
    if (query->opcode != DNS_OPCODE_QUERY)
        response->rcode = DNS_RCODE_NOTIMP;
    else if (!query->question.name)
        response->rcode = DNS_RCODE_FORMERR;
    else if (query->question.class != DNS_CLASS_IN)
        response->rcode = DNS_RCODE_REFUSED;
    else
        return answer_question(zone, response);
    return true;
}

bool dns_zone_answer_datagram(const DnsZone *zone, Span query, uint8_t response[DNS_DATAGRAM_MAX],
                              size_t *length)
{
    DnsMessage asked, answer;
    dns_message_init(&asked);
    dns_message_init(&answer);
    bool speaks = dns_message_decode_header(query, &asked) && !asked.is_response;
    if (speaks && asked.opcode == DNS_OPCODE_QUERY && !dns_message_decode(query, &asked)) {
        dns_question_clear(&asked.question); /* what could be read of it is no question */
        start_response(&asked, &answer);
        answer.rcode = DNS_RCODE_FORMERR;
    } else if (speaks) {
        speaks = dns_zone_answer(zone, &asked, &answer);
    }
    if (speaks)
        *length = dns_message_encode(&answer, response);
    dns_message_clear(&asked);
    dns_message_clear(&answer);
    return speaks;
}
