/* Resource records as values: made, copied, compared, shown. */
#include "proto/dns_record.h"

#include "core/check.h"
#include "core/text.h"

#include <string.h>

static DnsRecord record_in(const char *name, uint16_t type, uint32_t ttl_s)
{
    return (DnsRecord){
        .name = dns_name_dup(name), .type = type, .class = DNS_CLASS_IN, .ttl_s = ttl_s};
}

DnsRecord dns_record_a(const char *name, uint32_t ttl_s, Ipv4Address address)
{
    DnsRecord record = record_in(name, DNS_TYPE_A, ttl_s);
    record.address = address;
    return record;
}

DnsRecord dns_record_mx(const char *name, uint32_t ttl_s, uint16_t preference, const char *exchange)
{
    DnsRecord record = record_in(name, DNS_TYPE_MX, ttl_s);
    record.mx.preference = preference;
    record.mx.exchange = dns_name_dup(exchange);
    return record;
}

DnsRecord dns_record_host(const char *name, uint16_t type, uint32_t ttl_s, const char *host)
{
    DnsRecord record = record_in(name, type, ttl_s);
    CHECK(dns_record_rdata(&record) == DNS_RDATA_HOST);
    record.host = dns_name_dup(host);
    return record;
}

DnsRecord dns_record_soa(const char *name, uint32_t ttl_s, const DnsSoa *soa)
{
    DnsRecord record = record_in(name, DNS_TYPE_SOA, ttl_s);
    record.soa = *soa;
    record.soa.primary = dns_name_dup(soa->primary);
    record.soa.mailbox = dns_name_dup(soa->mailbox);
    return record;
}

DnsRecord dns_record_txt(const char *name, uint32_t ttl_s, const char *text)
{
    DnsRecord record = record_in(name, DNS_TYPE_TXT, ttl_s);
    size_t left = strlen(text);
    CHECK(left <= DNS_TXT_TEXT_MAX);
    GByteArray *strings = g_byte_array_new();
    do {
        uint8_t part = (uint8_t)MIN(left, (size_t)DNS_TXT_STRING_MAX);
        g_byte_array_append(strings, &part, 1);
        g_byte_array_append(strings, (const uint8_t *)text, part);
        text += part;
        left -= part;
    } while (left > 0);
    record.bytes = octets_of_array(strings);
    return record;
}

char *dns_record_dup_text(const DnsRecord *record)
{
    size_t length = octets_length(record->bytes);
    const uint8_t *at = octets_data(record->bytes);
    GString *text = g_string_new(NULL);
    for (gsize i = 0; i < length; i += 1U + at[i])
        g_string_append_len(text, (const char *)at + i + 1, (gssize)MIN(at[i], length - i - 1));
    for (gsize i = 0; i < text->len; i++) {
        if (text->str[i] == '\0')
            text->str[i] = '?';
    }
    return g_string_free(text, FALSE);
}

DnsRdata dns_record_rdata(const DnsRecord *record)
{
    if (record->class != DNS_CLASS_IN)
        return DNS_RDATA_BYTES;
    switch (record->type) {
    case DNS_TYPE_A:
        return DNS_RDATA_ADDRESS;
    case DNS_TYPE_NS:
    case DNS_TYPE_CNAME:
    case DNS_TYPE_PTR:
        return DNS_RDATA_HOST;
    case DNS_TYPE_MX:
        return DNS_RDATA_MX;
    case DNS_TYPE_SOA:
        return DNS_RDATA_SOA;
    default: /* any 16-bit number */
        return DNS_RDATA_BYTES;
    }
}

DnsRecord dns_record_copy(const DnsRecord *record)
{
    DnsRecord copy = *record;
    copy.name = g_strdup(record->name);
    switch (dns_record_rdata(record)) {
    case DNS_RDATA_ADDRESS:
        break;
    case DNS_RDATA_HOST:
        copy.host = g_strdup(record->host);
        break;
    case DNS_RDATA_MX:
        copy.mx.exchange = g_strdup(record->mx.exchange);
        break;
    case DNS_RDATA_SOA:
        copy.soa.primary = g_strdup(record->soa.primary);
        copy.soa.mailbox = g_strdup(record->soa.mailbox);
        break;
    case DNS_RDATA_BYTES:
        copy.bytes = octets_ref(record->bytes);
        break;
    }
    return copy;
}

void dns_record_clear(DnsRecord *record)
{
    switch (dns_record_rdata(record)) {
    case DNS_RDATA_ADDRESS:
        break;
    case DNS_RDATA_HOST:
        g_free(record->host);
        break;
    case DNS_RDATA_MX:
        g_free(record->mx.exchange);
        break;
    case DNS_RDATA_SOA:
        g_free(record->soa.primary);
        g_free(record->soa.mailbox);
        break;
    case DNS_RDATA_BYTES:
        g_clear_pointer(&record->bytes, octets_unref);
        break;
    }
    g_free(record->name);
    *record = (DnsRecord){0};
}

static bool soa_equals(const DnsSoa *a, const DnsSoa *b)
{
    return strcmp(a->primary, b->primary) == 0 && strcmp(a->mailbox, b->mailbox) == 0 &&
           a->serial == b->serial && a->refresh_s == b->refresh_s && a->retry_s == b->retry_s &&
           a->expire_s == b->expire_s && a->minimum_s == b->minimum_s;
}

bool dns_record_equals(const DnsRecord *a, const DnsRecord *b)
{
    if (a->type != b->type || a->class != b->class || strcmp(a->name, b->name) != 0)
        return false;
    switch (dns_record_rdata(a)) {
    case DNS_RDATA_ADDRESS:
        return a->address == b->address;
    case DNS_RDATA_HOST:
        return strcmp(a->host, b->host) == 0;
    case DNS_RDATA_MX:
        return a->mx.preference == b->mx.preference && strcmp(a->mx.exchange, b->mx.exchange) == 0;
    case DNS_RDATA_SOA:
        return soa_equals(&a->soa, &b->soa);
    case DNS_RDATA_BYTES:
        return octets_equal(a->bytes, b->bytes);
    }
    return false;
}

static void clear_element(gpointer record)
{
    dns_record_clear(record);
}

GArray *dns_records_new(void)
{
    GArray *records = g_array_new(FALSE, FALSE, sizeof(DnsRecord));
    g_array_set_clear_func(records, clear_element);
    return records;
}

static void append_txt(GString *line, Span strings)
{
    while (strings.length > 0) {
        size_t length = strings.data[0];
        g_string_append(line, " \"");
        for (size_t i = 1; i <= length; i++) {
            uint8_t octet = strings.data[i];
            if (octet == '"' || octet == '\\')
                g_string_append_printf(line, "\\%c", octet);
            else if (g_ascii_isprint((char)octet))
                g_string_append_c(line, (char)octet);
            else
                g_string_append_printf(line, "\\%03d", octet);
        }
        g_string_append_c(line, '"');
        strings = span_skip(strings, length + 1);
    }
}

static void append_bytes(GString *line, const DnsRecord *record)
{
    Span bytes = span_of_octets(record->bytes);
    if (record->type == DNS_TYPE_TXT && record->class == DNS_CLASS_IN) {
        append_txt(line, bytes);
        return;
    }
    g_string_append_printf(line, " \\# %zu ", bytes.length); /* RFC 3597 §5 */
    for (size_t i = 0; i < bytes.length; i++)
        g_string_append_printf(line, "%02x", bytes.data[i]);
}

/* Names are written absolute, with the dot of the root at the end. */
static char *put_name(char *at, const char *name)
{
    *at = ' ';
    at = stpcpy(at + 1, name);
    return strcmp(name, ".") == 0 ? at : stpcpy(at, ".");
}

static char *put_count(char *at, uint64_t count)
{
    *at = ' ';
    return at + 1 + text_put_number(count, at + 1);
}

/* All but octets. */
static char *put_rdata(char *at, const DnsRecord *record)
{
    switch (dns_record_rdata(record)) {
    case DNS_RDATA_ADDRESS:
        *at = ' ';
        ipv4_format(record->address, at + 1);
        return at + strlen(at);
    case DNS_RDATA_HOST:
        return put_name(at, record->host);
    case DNS_RDATA_MX:
        return put_name(put_count(at, record->mx.preference), record->mx.exchange);
    case DNS_RDATA_SOA:
        at = put_name(put_name(at, record->soa.primary), record->soa.mailbox);
        at = put_count(at, record->soa.serial);
        at = put_count(at, record->soa.refresh_s);
        at = put_count(at, record->soa.retry_s);
        at = put_count(at, record->soa.expire_s);
        return put_count(at, record->soa.minimum_s);
    case DNS_RDATA_BYTES:
        break;
    }
    return at;
}

void dns_record_append(GString *out, const DnsRecord *record)
{
    enum { NAMES = 3, NUMBERS = 6, CLASS_SIZE = sizeof " CLASS65535 " };
    char line[NAMES * (DNS_NAME_TEXT_SIZE + 1) + NUMBERS * TEXT_NUMBER_SIZE + CLASS_SIZE +
              DNS_TYPE_TEXT_SIZE];
    char *at = put_count(put_name(line, record->name), record->ttl_s);
    if (record->class == DNS_CLASS_IN)
        at = stpcpy(at, " IN ");
    else
        at += g_snprintf(at, CLASS_SIZE, " CLASS%u ", record->class); /* RFC 3597 §5 */
    at = put_rdata(at + strlen(dns_type_format(record->type, at)), record);
    const char *begin = line + 1; /* behind the blank before the name */
    g_string_append_len(out, begin, at - begin);
    if (dns_record_rdata(record) == DNS_RDATA_BYTES)
        append_bytes(out, record);
}

static const struct {
    uint16_t type;
    const char *name;
} type_names[] = {
    {DNS_TYPE_A, "A"},     {DNS_TYPE_NS, "NS"},     {DNS_TYPE_CNAME, "CNAME"},
    {DNS_TYPE_SOA, "SOA"}, {DNS_TYPE_PTR, "PTR"},   {DNS_TYPE_MX, "MX"},
    {DNS_TYPE_TXT, "TXT"}, {DNS_TYPE_AAAA, "AAAA"}, {DNS_TYPE_ANY, "ANY"},
};

char *dns_type_format(uint16_t type, char text[DNS_TYPE_TEXT_SIZE])
{
    for (size_t i = 0; i < G_N_ELEMENTS(type_names); i++) {
        if (type_names[i].type == type) {
            g_strlcpy(text, type_names[i].name, DNS_TYPE_TEXT_SIZE);
            return text;
        }
    }
    g_snprintf(text, DNS_TYPE_TEXT_SIZE, "TYPE%u", type);
    return text;
}

void dns_question_clear(DnsQuestion *question)
{
    g_free(question->name);
    *question = (DnsQuestion){0};
}

bool dns_question_equals(const DnsQuestion *a, const DnsQuestion *b)
{
    return a->type == b->type && a->class == b->class && strcmp(a->name, b->name) == 0;
}
