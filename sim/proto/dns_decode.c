/* DNS messages from octets (RFC 1035 §4.1); trusts nothing in the datagram.
 *
 * The work is bounded: at most 512 octets, every record takes eleven of them at least, and a
 * compression pointer must lead to before where its name began, so no chain of them has a loop. */
#include "proto/dns_wire.h"

#include <string.h>

typedef struct Reader {
    Span datagram;
    size_t offset; /* never more than the datagram's length */
} Reader;

static bool has_left(const Reader *reader, size_t count)
{
    return count <= reader->datagram.length - reader->offset;
}

static bool get_u16(Reader *reader, uint16_t *value)
{
    if (!has_left(reader, 2))
        return false;
    const uint8_t *octets = reader->datagram.data + reader->offset;
    *value = (uint16_t)(octets[0] << 8 | octets[1]);
    reader->offset += 2;
    return true;
}

static bool get_u32(Reader *reader, uint32_t *value)
{
    uint16_t high = 0, low = 0;
    if (!get_u16(reader, &high) || !get_u16(reader, &low))
        return false;
    *value = (uint32_t)high << 16 | low;
    return true;
}

/* RFC 1035 §4.1.4: a pointer leads to a prior occurrence, here: before `start`, where the run of
 * labels that it ends begins. */
static bool follow_pointer(Reader *reader, size_t start)
{
    uint16_t pointer = 0;
    if (!get_u16(reader, &pointer))
        return false;
    reader->offset = pointer & 0x3FFF;
    return reader->offset >= DNS_HEADER_SIZE && reader->offset < start;
}

static bool get_label(Reader *reader, Span *label)
{
    const uint8_t *octets = reader->datagram.data + reader->offset;
    *label = span_of(octets + 1, octets[0]);
    /* The bit patterns 01 and 10 are reserved. */
    if (label->length > DNS_LABEL_MAX || !has_left(reader, 1 + label->length))
        return false;
    reader->offset += 1 + label->length;
    return true;
}

/* The builder holds the name when it succeeds. */
static bool get_name_text(Reader *reader, DnsNameBuilder *builder)
{
    Reader walk = *reader; /* goes back along pointers */
    size_t start = walk.offset;
    bool has_jumped = false;
    while (has_left(&walk, 1)) {
        Span label;
        if (walk.datagram.data[walk.offset] >= 0xC0) {
            if (!has_jumped)
                reader->offset = MIN(walk.offset + 2, walk.datagram.length);
            has_jumped = true;
            if (!follow_pointer(&walk, start))
                return false;
            start = walk.offset;
            continue;
        }
        if (!get_label(&walk, &label))
            return false;
        if (!has_jumped)
            reader->offset = walk.offset;
        if (label.length == 0) {
            dns_name_builder_finish(builder);
            return true;
        }
        if (!dns_name_builder_add(builder, label))
            return false;
    }
    return false;
}

/* Leaves *name alone when it fails. */
static bool get_name(Reader *reader, char **name)
{
    char text[DNS_NAME_TEXT_SIZE];
    DnsNameBuilder builder;
    dns_name_builder_init(&builder, text);
    if (!get_name_text(reader, &builder))
        return false;
    *name = g_memdup2(text, builder.length + 1);
    return true;
}

static bool get_soa(Reader *reader, DnsSoa *soa)
{
    return get_name(reader, &soa->primary) && get_name(reader, &soa->mailbox) &&
           get_u32(reader, &soa->serial) && get_u32(reader, &soa->refresh_s) &&
           get_u32(reader, &soa->retry_s) && get_u32(reader, &soa->expire_s) &&
           get_u32(reader, &soa->minimum_s);
}

/* TXT is one or more character-strings, RFC 1035 §3.3.14. */
static bool is_txt(Span strings)
{
    if (strings.length == 0)
        return false;
    while (strings.length > 0) {
        if (strings.data[0] >= strings.length)
            return false;
        strings = span_skip(strings, 1u + strings.data[0]);
    }
    return true;
}

static bool get_bytes(Reader *reader, size_t length, DnsRecord *record)
{
    Span bytes = span_of(reader->datagram.data + reader->offset, length);
    record->bytes = octets_new(bytes.data, bytes.length);
    reader->offset += length;
    if (record->class != DNS_CLASS_IN)
        return true;
    if (record->type == DNS_TYPE_TXT)
        return is_txt(bytes);
    return record->type != DNS_TYPE_AAAA || length == 16;
}

static bool get_rdata(Reader *reader, size_t length, DnsRecord *record)
{
    switch (dns_record_rdata(record)) {
    case DNS_RDATA_ADDRESS:
        return get_u32(reader, &record->address);
    case DNS_RDATA_HOST:
        return get_name(reader, &record->host);
    case DNS_RDATA_MX:
        return get_u16(reader, &record->mx.preference) && get_name(reader, &record->mx.exchange);
    case DNS_RDATA_SOA:
        return get_soa(reader, &record->soa);
    case DNS_RDATA_BYTES:
        return get_bytes(reader, length, record);
    }
    return false;
}

/* Reads into an empty record, which the caller clears also when this fails. */
static bool get_record(Reader *reader, DnsRecord *record)
{
    uint16_t length = 0;
    if (!get_name(reader, &record->name) || !get_u16(reader, &record->type) ||
        !get_u16(reader, &record->class) || !get_u32(reader, &record->ttl_s) ||
        !get_u16(reader, &length) || !has_left(reader, length))
        return false;
    const size_t end = reader->offset + length;
    return get_rdata(reader, length, record) && reader->offset == end;
}

static bool get_section(Reader *reader, uint16_t count, DnsMessage *message, DnsSection section)
{
    for (uint16_t i = 0; i < count; i++) {
        DnsRecord record = {0};
        if (!get_record(reader, &record)) {
            dns_record_clear(&record);
            return false;
        }
        dns_message_take(message, section, record);
    }
    return true;
}

static bool get_question(Reader *reader, DnsQuestion *question)
{
    return get_name(reader, &question->name) && get_u16(reader, &question->type) &&
           get_u16(reader, &question->class);
}

static bool get_header(Reader *reader, DnsMessage *message)
{
    uint16_t flags = 0;
    if (!get_u16(reader, &message->id) || !get_u16(reader, &flags))
        return false;
    message->is_response = flags >> 15;
    message->opcode = flags >> 11 & 15;
    message->is_authoritative = flags >> 10 & 1;
    message->is_truncated = flags >> 9 & 1;
    message->recursion_desired = flags >> 8 & 1;
    message->recursion_available = flags >> 7 & 1;
    message->rcode = flags & 15;
    return true;
}

bool dns_message_decode_header(Span datagram, DnsMessage *message)
{
    Reader reader = {.datagram = datagram};
    return datagram.length >= DNS_HEADER_SIZE && get_header(&reader, message);
}

bool dns_message_has_question(Span datagram)
{
    enum { QDCOUNT = 4 }; /* where it stands, RFC 1035 §4.1.1 */
    return datagram.length >= DNS_HEADER_SIZE &&
           (datagram.data[QDCOUNT] != 0 || datagram.data[QDCOUNT + 1] != 0);
}

bool dns_message_decode(Span datagram, DnsMessage *message)
{
    Reader reader = {.datagram = datagram};
    uint16_t questions = 0, counts[DNS_SECTION_COUNT] = {0};
    if (datagram.length > DNS_DATAGRAM_MAX || !get_header(&reader, message) ||
        !get_u16(&reader, &questions))
        return false;
    for (int i = 0; i < DNS_SECTION_COUNT; i++) {
        if (!get_u16(&reader, &counts[i]))
            return false;
    }
    if (questions > 1 || (questions == 1 && !get_question(&reader, &message->question)))
        return false;
    for (int i = 0; i < DNS_SECTION_COUNT; i++) {
        if (!get_section(&reader, counts[i], message, (DnsSection)i))
            return false;
    }
    return !has_left(&reader, 1);
}
