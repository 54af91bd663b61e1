/* Outcomes of look-ups, and the chains of aliases in them (RFC 1034 §3.6.2, RFC 2181 §10.1). */
#include "proto/dns_answer.h"

#include <string.h>

const char *dns_outcome_name(DnsOutcome outcome)
{
    static const char *const names[DNS_OUTCOME_COUNT] = {
        [DNS_OUTCOME_ANSWER] = "answer",   [DNS_OUTCOME_NXDOMAIN] = "nxdomain",
        [DNS_OUTCOME_NODATA] = "nodata",   [DNS_OUTCOME_SERVFAIL] = "servfail",
        [DNS_OUTCOME_TIMEOUT] = "timeout", [DNS_OUTCOME_LOOP] = "alias-loop",
    };
    return names[outcome];
}

bool dns_outcome_is_failure(DnsOutcome outcome)
{
    return outcome == DNS_OUTCOME_SERVFAIL || outcome == DNS_OUTCOME_TIMEOUT ||
           outcome == DNS_OUTCOME_LOOP;
}

char *dns_answer_format(const DnsAnswer *answer)
{
    if (answer->record_count == 0)
        return NULL;
    enum { USUAL_LENGTH = 96 };
    GString *text = g_string_sized_new(USUAL_LENGTH);
    for (size_t i = 0; i < answer->record_count; i++) {
        DnsRecord aged = answer->records[i]; /* its pointers are the answer's */
        aged.ttl_s -= MIN(aged.ttl_s, answer->elapsed_s);
        if (i > 0)
            g_string_append(text, "; ");
        dns_record_append(text, &aged);
    }
    return g_string_free(text, FALSE);
}

/* The octets that the texts of a record take in a finding about `name`. */
static size_t texts_size(const DnsRecord *record, const char *name)
{
    size_t size = strcmp(record->name, name) == 0 ? 0 : strlen(record->name) + 1;
    switch (dns_record_rdata(record)) {
    case DNS_RDATA_HOST:
        return size + strlen(record->host) + 1;
    case DNS_RDATA_MX:
        return size + strlen(record->mx.exchange) + 1;
    case DNS_RDATA_SOA:
        return size + strlen(record->soa.primary) + 1 + strlen(record->soa.mailbox) + 1;
    case DNS_RDATA_ADDRESS:
    case DNS_RDATA_BYTES:
        break;
    }
    return size;
}

/* Copies a text to `*at`, which is then behind it. */
static char *put_text(const char *text, char **at)
{
    char *copy = *at;
    *at = stpcpy(copy, text) + 1;
    return copy;
}

static DnsRecord put_record(const DnsRecord *record, const DnsFinding *finding, char **texts)
{
    DnsRecord copy = *record;
    bool is_its = strcmp(record->name, finding->name) == 0;
    copy.name = is_its ? finding->name : put_text(record->name, texts);
    switch (dns_record_rdata(record)) {
    case DNS_RDATA_HOST:
        copy.host = put_text(record->host, texts);
        break;
    case DNS_RDATA_MX:
        copy.mx.exchange = put_text(record->mx.exchange, texts);
        break;
    case DNS_RDATA_SOA:
        copy.soa.primary = put_text(record->soa.primary, texts);
        copy.soa.mailbox = put_text(record->soa.mailbox, texts);
        break;
    case DNS_RDATA_BYTES:
        copy.bytes = octets_ref(record->bytes);
        break;
    case DNS_RDATA_ADDRESS:
        break;
    }
    return copy;
}

DnsFinding *dns_finding_new(const char *name, DnsOutcome outcome, SimTime now,
                            const DnsRecord *const *records, size_t count)
{
    size_t size = sizeof(DnsFinding) + count * sizeof(DnsRecord), texts = strlen(name) + 1;
    for (size_t i = 0; i < count; i++)
        texts += texts_size(records[i], name);
    DnsFinding *finding = g_malloc(size + texts);
    *finding = (DnsFinding){.references = 1,
                            .outcome = outcome,
                            .cached_at = now,
                            .expires_at = now,
                            .record_count = count};
    char *at = (char *)finding + size;
    finding->name = put_text(name, &at);
    for (size_t i = 0; i < count; i++)
        finding->records[i] = put_record(records[i], finding, &at);
    return finding;
}

DnsFinding *dns_finding_ref(DnsFinding *finding)
{
    finding->references++;
    return finding;
}

void dns_finding_unref(DnsFinding *finding)
{
    if (finding == NULL || --finding->references > 0)
        return;
    for (size_t i = 0; i < finding->record_count; i++) {
        if (dns_record_rdata(&finding->records[i]) == DNS_RDATA_BYTES)
            octets_unref(finding->records[i].bytes);
    }
    g_free(finding);
}

DnsAnswer dns_finding_answer(const DnsFinding *finding)
{
    return (DnsAnswer){.outcome = finding->outcome,
                       .records = finding->records,
                       .record_count = finding->record_count};
}

static const DnsRecord *find_alias(const DnsRecord *records, size_t count, const char *name)
{
    for (size_t i = 0; i < count; i++) {
        if (records[i].type == DNS_TYPE_CNAME && records[i].class == DNS_CLASS_IN &&
            strcmp(records[i].name, name) == 0)
            return &records[i];
    }
    return NULL;
}

const char *dns_chain_follow(const DnsRecord *records, size_t count, const char *name,
                             uint16_t type, DnsChain *chain)
{
    if (type == DNS_TYPE_CNAME || type == DNS_TYPE_ANY)
        return name;
    for (int links = 0; links <= DNS_CHAIN_MAX; links++) {
        const DnsRecord *alias = find_alias(records, count, name);
        if (!alias)
            return name;
        if (chain)
            chain->links[chain->count++] = alias;
        name = alias->host;
    }
    return NULL;
}
