/* Mailbox addresses: local-part@domain, as SMTP carries them.
 *
 * Two forms are in use. Text such as `bob@gmail.example` or `"a b"@gmail.example`, always as
 * address_format writes it, is what envelopes hold and traces show. An Address is the same taken
 * apart, for whoever decides by domain or local-part.
 *
 * Source: RFC 5321 §4.1.2 (syntax), §2.4 and §2.3.11 (the case of a local-part counts, that of a
 * domain does not), §4.1.3 (address literals), §4.5.3.1 (sizes); RFC 6531 §3.3 (UTF-8). */
#pragma once

#include "core/bytes.h"

/* RFC 5321 §4.5.3.1.1 to §4.5.3.1.3, in octets. Longer ones may be refused, and are here. */
enum { ADDRESS_LOCAL_PART_MAX = 64, ADDRESS_DOMAIN_MAX = 255, ADDRESS_PATH_MAX = 256 };
/* The longest text form: a path without its angle brackets. */
enum { ADDRESS_TEXT_MAX = ADDRESS_PATH_MAX - 2 };
/* Room for the text of whatever an Address can hold, were it too long for a path and each octet of
 * its local-part escaped, and the NUL. */
enum { ADDRESS_TEXT_SIZE = 2 * ADDRESS_LOCAL_PART_MAX + ADDRESS_DOMAIN_MAX + sizeof "\"\"@" };

/* A plain value; NUL-terminated. Both parts empty: the null reverse-path `<>` (RFC 5321 §4.5.5).
 * Only the domain empty: `<Postmaster>` (RFC 5321 §4.5.1). Whoever changes one that was read does
 * so by address_set_local_part. */
typedef struct Address {
    /* Known of it: it is ASCII, and nothing in it needs quotes. False says nothing. */
    bool is_plain;
    char local_part[ADDRESS_LOCAL_PART_MAX + 1]; /* what it means: without quotes and backslashes */
    char domain[ADDRESS_DOMAIN_MAX + 1];         /* as written; `[192.0.2.1]` keeps its brackets */
} Address;

/* Why a text is not an address. */
typedef enum AddressFault {
    ADDRESS_OK,
    ADDRESS_EMPTY,
    ADDRESS_NO_AT,
    ADDRESS_LOCAL_PART_EMPTY,
    ADDRESS_LOCAL_PART_TOO_LONG,
    ADDRESS_LOCAL_PART_BAD_CHARACTER,
    ADDRESS_LOCAL_PART_BAD_DOT,
    ADDRESS_QUOTE_UNFINISHED,
    ADDRESS_DOMAIN_EMPTY,
    ADDRESS_DOMAIN_TOO_LONG,
    ADDRESS_DOMAIN_BAD_CHARACTER,
    ADDRESS_DOMAIN_BAD_LABEL,
    ADDRESS_BAD_LITERAL,
    ADDRESS_NOT_UTF8,
    ADDRESS_NO_ANGLE,
    ADDRESS_BAD_ROUTE,
    ADDRESS_PATH_TOO_LONG,
} AddressFault;

/* What is wrong, for people and for a 501 reply: "the local-part is longer than 64 octets". */
const char *address_fault_text(AddressFault fault);

/* Reads all of `text` as local-part@domain. On a fault `address` is empty. */
AddressFault address_parse(Span text, Address *address);

/* Reads the path at the start of `text`, as it follows `MAIL FROM:` and `RCPT TO:`: `<bob@b.test>`,
 * `<>`, `<Postmaster>`. A source route is read over (RFC 5321 §4.1.1.3, appendix C). `used` is set
 * to the octets taken, the closing `>` included, or 0 on a fault. */
AddressFault address_scan_path(Span text, Address *address, size_t *used);

/* Writes the text form, quoted only where it must be; "" for the null reverse-path. Returns `text`.
 */
char *address_write(const Address *address, char text[static ADDRESS_TEXT_SIZE]);
/* The same, to free. */
char *address_format(const Address *address);

/* Puts another local-part into it, unquoted; what is too long is cut. */
void address_set_local_part(Address *address, const char *local_part);

bool address_is_null(const Address *address);
/* False when carrying the address needs SMTPUTF8 (RFC 6531). */
bool address_is_ascii(const Address *address);
/* The domain as the DNS knows it, in A-labels (RFC 6531 §3.2, RFC 5890); what cannot be one stays
 * as it is. To free. */
char *address_domain_to_ascii(const char *domain);
/* Domains without regard to ASCII case, local-parts exactly; only `postmaster` is without regard to
 * case there too (RFC 5321 §4.5.1). */
bool address_equals(const Address *a, const Address *b);
/* The same of two texts; false when either is no address. */
bool address_texts_equal(const char *a, const char *b);
/* Whether `text` is what an envelope may hold: a mailbox, "Postmaster" alone, or "" for the null
 * reverse-path. */
bool address_text_is_valid(const char *text);
/* The domain within a text form, or "" when it has none. Borrowed from `text`. */
const char *address_text_peek_domain(const char *text);

/* Whether `text` is a domain by RFC 5321 §4.1.2, with letters of any case, digits, hyphens and
 * UTF-8 (RFC 6531); an address literal is not. Also what EHLO may give. */
bool address_is_domain(Span text);
/* Whether `text` is `[192.0.2.1]` or `[IPv6:2001:db8::1]` (RFC 5321 §4.1.3). */
bool address_is_literal(Span text);
