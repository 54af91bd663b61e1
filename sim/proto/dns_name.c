/* Domain names: their normal form as text, and the steps along their labels. */
#include "proto/dns_name.h"

#include "core/check.h"
#include "core/text.h"

#include <glib.h>
#include <string.h>

/* The octet as a normal form has it, letters in lower case; a blank for those that need an escape:
 * what means something to a master file (RFC 1035 §5.1), and what does not print. */
static inline char plain_octet(uint8_t octet)
{
    static const char PRINTABLE[] =
        " ! # %&'  *+,- /0123456789: <=>? abcdefghijklmnopqrstuvwxyz[ ]^_`"
        "abcdefghijklmnopqrstuvwxyz{|}~";
    const unsigned place = (unsigned)octet - ' ';
    return place < sizeof PRINTABLE - 1 ? PRINTABLE[place] : ' ';
}

/* `\DDD` is the octet with that decimal number, RFC 1035 §5.1. */
static bool read_decimal_escape(const char *digits, uint8_t *octet)
{
    int value = 0;
    for (int i = 0; i < 3; i++) {
        if (!g_ascii_isdigit(digits[i]))
            return false;
        value = value * 10 + g_ascii_digit_value(digits[i]);
    }
    *octet = (uint8_t)value;
    return value <= 255;
}

static bool read_octet(const char **cursor, uint8_t *octet)
{
    const char *text = *cursor;
    if (text[0] != '\\') {
        *octet = (uint8_t)text[0];
        *cursor += 1;
        return true;
    }
    if (g_ascii_isdigit(text[1])) {
        *cursor += 4;
        return read_decimal_escape(text + 1, octet);
    }
    *octet = (uint8_t)text[1];
    *cursor += 2;
    return text[1] != '\0';
}

bool dns_name_read_label(const char **cursor, DnsLabel *label)
{
    label->length = 0;
    while (**cursor != '\0' && **cursor != '.') {
        uint8_t octet = 0;
        if (label->length == DNS_LABEL_MAX || !read_octet(cursor, &octet))
            return false;
        label->octets[label->length++] = octet;
    }
    if (**cursor == '.')
        (*cursor)++;
    return label->length > 0;
}

void dns_name_builder_init(DnsNameBuilder *builder, char text[DNS_NAME_TEXT_SIZE])
{
    *builder = (DnsNameBuilder){.text = text, .wire_length = 1}; /* the root's length octet */
}

/* Returns where the next octet goes. */
static char *put_octet(char *end, uint8_t octet)
{
    const char plain = plain_octet(octet);
    if (plain != ' ') {
        *end = plain;
        return end + 1;
    }
    if (g_ascii_isgraph((char)octet)) {
        end[0] = '\\';
        end[1] = (char)octet;
        return end + 2;
    }
    g_snprintf(end, 5, "\\%03d", octet);
    return end + 4;
}

bool dns_name_builder_add(DnsNameBuilder *builder, Span label)
{
    builder->wire_length += 1 + label.length;
    if (label.length == 0 || builder->wire_length > DNS_NAME_WIRE_MAX)
        return false;
    char *end = builder->text + builder->length;
    if (builder->length > 0)
        *end++ = '.';
    for (size_t i = 0; i < label.length; i++)
        end = put_octet(end, label.data[i]);
    builder->length = (size_t)(end - builder->text);
    return true;
}

void dns_name_builder_finish(DnsNameBuilder *builder)
{
    if (builder->length == 0)
        builder->text[builder->length++] = '.';
    CHECK(builder->length < DNS_NAME_TEXT_SIZE);
    builder->text[builder->length] = '\0';
}

/* Most names have no escape: writes those that need none, in one pass. False for all others, among
 * them those that are too long, which dns_name_normalise looks at label by label. */
static bool normalise_plain(const char *text, char name[DNS_NAME_TEXT_SIZE])
{
    enum { TEXT_MAX = DNS_NAME_WIRE_MAX - 2 }; /* on the wire, a text takes two octets more */
    size_t length = 0, label = 0;              /* where the present label begins */
    for (; length <= TEXT_MAX; length++) {
        const char plain = plain_octet((uint8_t)text[length]);
        name[length] = plain;
        if (plain != ' ')
            continue;
        if (length - label > DNS_LABEL_MAX)
            return false;
        if (text[length] != '.' || length == label)
            break;
        name[length] = '.';
        label = length + 1;
    }
    if (length == 0 || length > TEXT_MAX || text[length] != '\0')
        return false;
    name[length > label ? length : length - 1] = '\0'; /* without the root's dot */
    return true;
}

bool dns_name_normalise(const char *text, char name[DNS_NAME_TEXT_SIZE])
{
    if (normalise_plain(text, name))
        return true;
    DnsNameBuilder builder;
    dns_name_builder_init(&builder, name);
    const char *cursor = strcmp(text, ".") == 0 ? text + 1 : text;
    if (*text == '\0')
        return false;
    while (*cursor != '\0') {
        DnsLabel label;
        if (!dns_name_read_label(&cursor, &label) ||
            !dns_name_builder_add(&builder, span_of(label.octets, label.length)))
            return false;
    }
    dns_name_builder_finish(&builder);
    return true;
}

char *dns_name_dup(const char *text)
{
    char name[DNS_NAME_TEXT_SIZE];
    CHECK(dns_name_normalise(text, name));
    return g_strdup(name);
}

const char *dns_name_parent(const char *name)
{
    if (strcmp(name, ".") == 0)
        return NULL;
    while (*name != '\0' && *name != '.')
        name += *name == '\\' ? 2 : 1; /* an escaped dot ends no label */
    return *name == '.' ? name + 1 : ".";
}

bool dns_name_is_within(const char *name, const char *apex)
{
    for (; name; name = dns_name_parent(name)) {
        if (strcmp(name, apex) == 0)
            return true;
    }
    return false;
}

void dns_name_reverse(Ipv4Address address, char name[DNS_NAME_TEXT_SIZE])
{
    static const char SUFFIX[] = "in-addr.arpa";
    size_t length = 0;
    for (unsigned i = 0; i < 4; i++) {
        length += text_put_number(address >> 8 * i & 255, name + length);
        name[length++] = '.';
    }
    memcpy(name + length, SUFFIX, sizeof SUFFIX);
}
