/* Domain names as text (RFC 1035 §2.3, §3.1, §5.1; RFC 4343).
 *
 * A name is kept in one normal form, so that equal names are equal strings: lower case, labels
 * joined by dots, no dot at the end; the root is ".". An octet that would be mistaken for
 * something else is written as RFC 1035 §5.1 has it: `\.` or `\032`. Names carry any octet;
 * whether one is a proper host name is not asked here. */
#pragma once

#include "core/bytes.h"
#include "core/ipv4.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    DNS_LABEL_MAX = 63,      /* octets of one label, RFC 1035 §2.3.4 */
    DNS_NAME_WIRE_MAX = 255, /* octets of a name as sent, with length octets and root */
    /* 250 octets of four labels, each written as \DDD, three dots and the NUL. */
    DNS_NAME_TEXT_SIZE = 1004,
};

typedef struct DnsLabel {
    uint8_t octets[DNS_LABEL_MAX];
    uint8_t length;
} DnsLabel;

/* Writes the normal form of `text` (a dot at its end is allowed); false when it is no name: an
 * empty or too long label, a too long name, or a broken escape. */
bool dns_name_normalise(const char *text, char name[DNS_NAME_TEXT_SIZE]);
/* A newly allocated normal form; that `text` is a name is CHECKed. */
char *dns_name_dup(const char *text);

/* Reads the label at *cursor and moves behind it and its dot; false when it is none. */
bool dns_name_read_label(const char **cursor, DnsLabel *label);

/* Builds a normal form label by label. */
typedef struct DnsNameBuilder {
    char *text;         /* the caller's array of DNS_NAME_TEXT_SIZE */
    size_t length;      /* of the text so far */
    size_t wire_length; /* octets that the labels so far take on the wire */
} DnsNameBuilder;

void dns_name_builder_init(DnsNameBuilder *builder, char text[DNS_NAME_TEXT_SIZE]);
/* False when the label is empty or the name would exceed DNS_NAME_WIRE_MAX. */
bool dns_name_builder_add(DnsNameBuilder *builder, Span label);
/* Terminates the text. */
void dns_name_builder_finish(DnsNameBuilder *builder);

/* The name one label up, a part of `name` or "."; NULL for the root. `name` is normal. */
const char *dns_name_parent(const char *name);
/* True when `name` is `apex` or below it; both are normal. */
bool dns_name_is_within(const char *name, const char *apex);
/* 192.0.2.1 becomes 1.2.0.192.in-addr.arpa, RFC 1035 §3.5. */
void dns_name_reverse(Ipv4Address address, char name[DNS_NAME_TEXT_SIZE]);
