/* DNS messages: the value, and what both directions share. */
#include "proto/dns_wire.h"

#include "core/check.h"

const char *dns_rcode_name(uint8_t rcode)
{
    static const char *const names[] = {
        [DNS_RCODE_NOERROR] = "NOERROR",   [DNS_RCODE_FORMERR] = "FORMERR",
        [DNS_RCODE_SERVFAIL] = "SERVFAIL", [DNS_RCODE_NXDOMAIN] = "NXDOMAIN",
        [DNS_RCODE_NOTIMP] = "NOTIMP",     [DNS_RCODE_REFUSED] = "REFUSED",
    };
    return rcode < G_N_ELEMENTS(names) ? names[rcode] : "RCODE";
}

void dns_message_init(DnsMessage *message)
{
    *message = (DnsMessage){0};
}

void dns_message_clear(DnsMessage *message)
{
    dns_question_clear(&message->question);
    for (int i = 0; i < DNS_SECTION_COUNT; i++)
        g_clear_pointer(&message->sections[i], g_array_unref);
    *message = (DnsMessage){0};
}

size_t dns_message_count(const DnsMessage *message, DnsSection section)
{
    const GArray *records = message->sections[section];
    return records != NULL ? records->len : 0;
}

const DnsRecord *dns_message_peek(const DnsMessage *message, DnsSection section, size_t index)
{
    CHECK(index < dns_message_count(message, section));
    return &g_array_index(message->sections[section], DnsRecord, index);
}

void dns_message_take(DnsMessage *message, DnsSection section, DnsRecord record)
{
    if (message->sections[section] == NULL)
        message->sections[section] = dns_records_new();
    g_array_append_val(message->sections[section], record);
}
