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
    if (!message->is_lent)
        dns_question_clear(&message->question);
    for (int i = 0; i < DNS_SECTION_COUNT; i++) {
        dns_message_drop(message, (DnsSection)i);
        g_free(message->sections[i].records);
    }
    *message = (DnsMessage){0};
}

size_t dns_message_count(const DnsMessage *message, DnsSection section)
{
    return message->sections[section].count;
}

const DnsRecord *dns_message_peek(const DnsMessage *message, DnsSection section, size_t index)
{
    CHECK(index < dns_message_count(message, section));
    return &message->sections[section].records[index];
}

void dns_message_take(DnsMessage *message, DnsSection section, DnsRecord record)
{
    enum { FIRST_ROOM = 4 };
    DnsSectionRecords *its = &message->sections[section];
    if (its->count == its->room) {
        its->room = MAX(2 * its->room, (size_t)FIRST_ROOM);
        its->records = g_renew(DnsRecord, its->records, its->room);
    }
    its->records[its->count++] = record;
}

void dns_message_drop(DnsMessage *message, DnsSection section)
{
    DnsSectionRecords *its = &message->sections[section];
    for (size_t i = 0; i < its->count && !message->is_lent; i++)
        dns_record_clear(&its->records[i]);
    its->count = 0;
}
