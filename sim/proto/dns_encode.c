/* DNS messages to octets (RFC 1035 §4.1), with the compression of §4.1.4.
 *
 * Names are compressed as owner names and inside the RDATA of the types of RFC 1035, and nowhere
 * else, so that a reader that does not know a type can pass it on (RFC 3597 §4). */
#include "core/check.h"
#include "proto/dns_wire.h"

#include <string.h>

enum {
    /* A name's every label takes two octets at least. */
    LABELS_MAX = DNS_DATAGRAM_MAX / 2,
    POINTER_MARK = 0xC000, /* the two high bits of a compression pointer */
};

/* Octets written so far, and where each name and tail of a name stands among them. */
typedef struct Writer {
    uint8_t *octets;
    size_t length;
    size_t tail_count;
    struct {
        const char *name; /* borrowed from the message; the tail in normal form */
        uint16_t offset;
    } tails[LABELS_MAX];
} Writer;

static bool put_bytes(Writer *writer, const uint8_t *bytes, size_t length)
{
    if (length > DNS_DATAGRAM_MAX - writer->length)
        return false;
    if (length > 0)
        memcpy(writer->octets + writer->length, bytes, length);
    writer->length += length;
    return true;
}

static void store_u16(uint8_t *octets, size_t value)
{
    octets[0] = (uint8_t)(value >> 8);
    octets[1] = (uint8_t)value;
}

static bool put_u16(Writer *writer, uint16_t value)
{
    uint8_t octets[2];
    store_u16(octets, value);
    return put_bytes(writer, octets, sizeof octets);
}

static bool put_u32(Writer *writer, uint32_t value)
{
    return put_u16(writer, (uint16_t)(value >> 16)) && put_u16(writer, (uint16_t)value);
}

/* Offset of an earlier `name`, or 0, where the header stands, when there is none. */
static uint16_t find_tail(const Writer *writer, const char *name)
{
    for (size_t i = 0; i < writer->tail_count; i++) {
        const char *tail = writer->tails[i].name;
        if (tail[0] == name[0] && strcmp(tail, name) == 0)
            return writer->tails[i].offset;
    }
    return 0;
}

static void remember_tail(Writer *writer, const char *name, size_t offset)
{
    CHECK(writer->tail_count < LABELS_MAX);
    writer->tails[writer->tail_count].name = name;
    writer->tails[writer->tail_count].offset = (uint16_t)offset;
    writer->tail_count++;
}

/* Writes the label at `*name`, which is then behind it. */
static bool put_label(Writer *writer, const char **name)
{
    DnsLabel label;
    size_t length = 0;
    while ((*name)[length] != '.' && (*name)[length] != '\\' && (*name)[length] != '\0')
        length++;
    if ((*name)[length] == '\\') { /* few have an escape */
        CHECK(dns_name_read_label(name, &label));
        return put_bytes(writer, &label.length, 1) && put_bytes(writer, label.octets, label.length);
    }
    CHECK(length > 0 && length <= DNS_LABEL_MAX);
    const uint8_t *octets = (const uint8_t *)*name;
    *name += length + ((*name)[length] == '.');
    return put_bytes(writer, &(uint8_t){(uint8_t)length}, 1) && put_bytes(writer, octets, length);
}

/* RFC 1035 §4.1.4: labels, ended by the root or by a pointer to the same tail further up. */
static bool put_name(Writer *writer, const char *name)
{
    bool is_root = strcmp(name, ".") == 0;
    while (*name != '\0' && !is_root) {
        uint16_t earlier = find_tail(writer, name);
        if (earlier != 0)
            return put_u16(writer, (uint16_t)(POINTER_MARK | earlier));
        size_t offset = writer->length;
        const char *tail = name;
        if (!put_label(writer, &name))
            return false;
        remember_tail(writer, tail, offset);
    }
    return put_bytes(writer, (const uint8_t[]){0}, 1);
}

static bool put_soa(Writer *writer, const DnsSoa *soa)
{
    return put_name(writer, soa->primary) && put_name(writer, soa->mailbox) &&
           put_u32(writer, soa->serial) && put_u32(writer, soa->refresh_s) &&
           put_u32(writer, soa->retry_s) && put_u32(writer, soa->expire_s) &&
           put_u32(writer, soa->minimum_s);
}

static bool put_rdata(Writer *writer, const DnsRecord *record)
{
    switch (dns_record_rdata(record)) {
    case DNS_RDATA_ADDRESS:
        return put_u32(writer, record->address);
    case DNS_RDATA_HOST:
        return put_name(writer, record->host);
    case DNS_RDATA_MX:
        return put_u16(writer, record->mx.preference) && put_name(writer, record->mx.exchange);
    case DNS_RDATA_SOA:
        return put_soa(writer, &record->soa);
    case DNS_RDATA_BYTES:
        return put_bytes(writer, octets_data(record->bytes), octets_length(record->bytes));
    }
    return false;
}

/* Writes a record whole, or nothing of it. */
static bool put_record(Writer *writer, const DnsRecord *record)
{
    const size_t start = writer->length, tails = writer->tail_count;
    bool fits = put_name(writer, record->name) && put_u16(writer, record->type) &&
                put_u16(writer, record->class) && put_u32(writer, record->ttl_s) &&
                put_u16(writer, 0); /* RDLENGTH, known below */
    const size_t rdata = writer->length;
    if (!fits || !put_rdata(writer, record)) {
        writer->length = start;
        writer->tail_count = tails;
        return false;
    }
    store_u16(writer->octets + rdata - 2, writer->length - rdata);
    return true;
}

/* Writes records until one finds no room; returns how many stand. */
static size_t put_section(Writer *writer, const DnsMessage *message, DnsSection section)
{
    size_t count = 0;
    while (count < dns_message_count(message, section) &&
           put_record(writer, dns_message_peek(message, section, count)))
        count++;
    return count;
}

static bool is_same_set(const DnsRecord *a, const DnsRecord *b)
{
    return a->type == b->type && a->class == b->class && strcmp(a->name, b->name) == 0;
}

/* RFC 2181 §9: a set of the additional section that does not fit whole is left out whole. */
static size_t put_additional(Writer *writer, const DnsMessage *message)
{
    const size_t total = dns_message_count(message, DNS_ADDITIONAL);
    size_t set = 0, before = writer->length; /* the set being written: first record, offset */
    for (size_t i = 0; i < total; i++) {
        const DnsRecord *record = dns_message_peek(message, DNS_ADDITIONAL, i);
        if (!is_same_set(record, dns_message_peek(message, DNS_ADDITIONAL, set))) {
            set = i;
            before = writer->length;
        }
        if (!put_record(writer, record)) {
            writer->length = before; /* nothing is written after it: tails may dangle */
            return set;
        }
    }
    return total;
}

static uint16_t header_flags(const DnsMessage *message, bool is_truncated)
{
    return (uint16_t)(message->is_response << 15 | (message->opcode & 15) << 11 |
                      message->is_authoritative << 10 | is_truncated << 9 |
                      message->recursion_desired << 8 | message->recursion_available << 7 |
                      (message->rcode & 15));
}

size_t dns_message_encode(const DnsMessage *message, uint8_t datagram[DNS_DATAGRAM_MAX])
{
    Writer writer; /* whose tails are only read up to `tail_count` */
    writer.octets = datagram;
    writer.length = DNS_HEADER_SIZE;
    writer.tail_count = 0;
    const DnsQuestion *question = &message->question;
    if (question->name)
        CHECK(put_name(&writer, question->name) && put_u16(&writer, question->type) &&
              put_u16(&writer, question->class));
    size_t answers = put_section(&writer, message, DNS_ANSWER), authority = 0, additional = 0;
    bool is_whole = answers == dns_message_count(message, DNS_ANSWER);
    if (is_whole) {
        authority = put_section(&writer, message, DNS_AUTHORITY);
        is_whole = authority == dns_message_count(message, DNS_AUTHORITY);
    }
    if (is_whole)
        additional = put_additional(&writer, message);
    store_u16(datagram, message->id);
    store_u16(datagram + 2, header_flags(message, message->is_truncated || !is_whole));
    store_u16(datagram + 4, question->name ? 1 : 0);
    store_u16(datagram + 6, answers);
    store_u16(datagram + 8, authority);
    store_u16(datagram + 10, additional);
    return writer.length;
}
