/* Fuzz target: any datagram is read and answered; what is read whole can be written and read again
 * as the same. */
#include "core/check.h"
#include "proto/dns_wire.h"
#include "proto/dns_zone.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void add(DnsZone *zone, DnsRecord record)
{
    CHECK(dns_zone_add(zone, &record));
    dns_record_clear(&record);
}

static DnsZone *example_zone(void)
{
    DnsZone *zone = dns_zone_new();
    const DnsSoa soa = {.primary = "ns.example", .mailbox = "hostmaster.example", .minimum_s = 300};
    add(zone, dns_record_soa("example", 3600, &soa));
    add(zone, dns_record_mx("a.example", 60, 10, "mail.example"));
    add(zone, dns_record_a("mail.example", 60, 1));
    add(zone, dns_record_host("w.example", DNS_TYPE_CNAME, 60, "a.example"));
    return zone;
}

/* A datagram that is read may have been packed tighter than ours, so records may be cut; those
 * that stand are the same. */
static void check_reads_back(const DnsMessage *message)
{
    uint8_t datagram[DNS_DATAGRAM_MAX];
    DnsMessage again;
    dns_message_init(&again);
    const size_t length = dns_message_encode(message, datagram);
    CHECK(dns_message_decode(span_of(datagram, length), &again));
    for (DnsSection section = DNS_ANSWER; section < DNS_SECTION_COUNT; section++) {
        for (size_t i = 0; i < dns_message_count(&again, section); i++) {
            const DnsRecord *record = dns_message_peek(message, section, i);
            CHECK(dns_record_equals(dns_message_peek(&again, section, i), record));
            g_autoptr(GString) line = g_string_new(NULL);
            dns_record_append(line, record);
        }
    }
    dns_message_clear(&again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    DnsMessage message;
    dns_message_init(&message);
    if (dns_message_decode(span_of(data, size), &message))
        check_reads_back(&message);
    dns_message_clear(&message);

    g_autoptr(DnsZone) zone = example_zone();
    uint8_t response[DNS_DATAGRAM_MAX];
    size_t length = 0;
    dns_message_init(&message);
    if (dns_zone_answer_datagram(zone, span_of(data, size), response, &length)) {
        CHECK(dns_message_decode(span_of(response, length), &message));
        CHECK(message.is_response);
    }
    dns_message_clear(&message);
    return 0;
}
