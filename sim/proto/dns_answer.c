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
