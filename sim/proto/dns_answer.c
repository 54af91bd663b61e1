/* Outcomes of look-ups, and the chains of aliases in them (RFC 1034 §3.6.2, RFC 2181 §10.1). */
#include "proto/dns_answer.h"

#include "core/text.h"

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
    GString *text = g_string_new(NULL);
    for (size_t i = 0; i < answer->record_count; i++) {
        DnsRecord aged = answer->records[i]; /* its pointers are the answer's */
        aged.ttl_s -= MIN(aged.ttl_s, answer->elapsed_s);
        g_autofree char *line = dns_record_format(&aged);
        text_append(text, i > 0 ? "; " : "", line, NULL);
    }
    return g_string_free(text, FALSE);
}

DnsFinding *dns_finding_new(const char *name, DnsOutcome outcome, SimTime now)
{
    const size_t size = strlen(name) + 1;
    DnsFinding *finding = g_malloc(sizeof *finding + size);
    *finding =
        (DnsFinding){.references = 1, .outcome = outcome, .cached_at = now, .expires_at = now};
    memcpy(finding->name, name, size);
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
    g_clear_pointer(&finding->records, g_array_unref);
    g_free(finding);
}

DnsAnswer dns_finding_answer(const DnsFinding *finding)
{
    DnsAnswer answer = {.outcome = finding->outcome};
    if (finding->records != NULL) {
        answer.records = (const DnsRecord *)(const void *)finding->records->data;
        answer.record_count = finding->records->len;
    }
    return answer;
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
                             uint16_t type, GArray *chain)
{
    if (type == DNS_TYPE_CNAME || type == DNS_TYPE_ANY)
        return name;
    for (int links = 0; links <= DNS_CHAIN_MAX; links++) {
        const DnsRecord *alias = find_alias(records, count, name);
        if (!alias)
            return name;
        if (chain) {
            DnsRecord copy = dns_record_copy(alias);
            g_array_append_val(chain, copy);
        }
        name = alias->host;
    }
    return NULL;
}
