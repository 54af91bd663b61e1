/* IPv4 addresses as values, in host byte order: 198.18.0.1 is 0xC6120001.
 *
 * Only the dotted-decimal form of RFC 5321 §4.1.3 (IPv4-address-literal) and RFC 1035 §3.4.1 is
 * read: four numbers, 0 to 255, no leading zeros, nothing around them. The shorthands and octal
 * numbers that inet_aton takes are left out, since two readers could take them differently. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

typedef uint32_t Ipv4Address;

enum {
    IPV4_TEXT_SIZE = 16, /* "255.255.255.255" with its NUL */
};

/* Reads `text`; false, with `address` untouched, when it is not an address. */
bool ipv4_parse(const char *text, Ipv4Address *address);
/* Reads a range as RFC 4632 writes it, `198.51.100.0/24`: the address with the bits behind the
 * prefix cleared, and the prefix as a mask. A plain address is not a range. */
bool ipv4_parse_range(const char *text, Ipv4Address *address, Ipv4Address *mask);
/* Writes the address as dotted decimals with a NUL into the caller's array; returns `text`. */
char *ipv4_format(Ipv4Address address, char text[IPV4_TEXT_SIZE]);
