/* Mailbox addresses: RFC 5321 §4.1.2 and §4.1.3, with UTF-8 as RFC 6531 §3.3 adds it.
 *
 * Left out on purpose: RFC 5322's comments and folding inside of addresses, which SMTP does not
 * have, and General-address-literal, for which no tag but IPv6 was ever registered. */
#include "mail/address.h"

#include "core/text.h"

#include <string.h>

enum { DOMAIN_LABEL_MAX = 63 /* RFC 1035 §2.3.4 */ };

const char *address_fault_text(AddressFault fault)
{
    switch (fault) {
    case ADDRESS_OK:
        return "nothing is wrong";
    case ADDRESS_EMPTY:
        return "the address is empty";
    case ADDRESS_NO_AT:
        return "there is no @ and domain after the local-part";
    case ADDRESS_LOCAL_PART_EMPTY:
        return "there is no local-part before the @";
    case ADDRESS_LOCAL_PART_TOO_LONG:
        return "the local-part is longer than 64 octets";
    case ADDRESS_LOCAL_PART_BAD_CHARACTER:
        return "the local-part has a character that must be quoted";
    case ADDRESS_LOCAL_PART_BAD_DOT:
        return "the local-part begins or ends with a dot or has two together";
    case ADDRESS_QUOTE_UNFINISHED:
        return "the quoted local-part does not end";
    case ADDRESS_DOMAIN_EMPTY:
        return "there is no domain after the @";
    case ADDRESS_DOMAIN_TOO_LONG:
        return "the domain is longer than 255 octets";
    case ADDRESS_DOMAIN_BAD_CHARACTER:
        return "the domain has a character that no domain has";
    case ADDRESS_DOMAIN_BAD_LABEL:
        return "a part of the domain between dots is empty, longer than 63 octets, "
               "or begins or ends with a hyphen";
    case ADDRESS_BAD_LITERAL:
        return "the address literal is neither [192.0.2.1] nor [IPv6:2001:db8::1]";
    case ADDRESS_NOT_UTF8:
        return "the address is not UTF-8";
    case ADDRESS_NO_ANGLE:
        return "the path is not between < and >";
    case ADDRESS_BAD_ROUTE:
        return "the source route is not @domain,@domain:";
    case ADDRESS_PATH_TOO_LONG:
        return "the path is longer than 256 octets";
    }
    return "unknown fault";
}

/* ---- Characters ---- */

/* atext of RFC 5322 §3.2.3, and UTF-8 (RFC 6531 §3.3). */
static bool is_atext(uint8_t c)
{
    return c >= 0x80 || g_ascii_isalnum(c) || (c != 0 && strchr("!#$%&'*+-/=?^_`{|}~", c) != NULL);
}

static bool is_domain_octet(uint8_t c)
{
    return c >= 0x80 || g_ascii_isalnum(c) || c == '-' || c == '.';
}

static bool next_is(Span text, char c)
{
    return text.length > 0 && text.data[0] == (uint8_t)c;
}

/* ---- Local-part ---- */

/* Appends one octet of meaning; false when the local-part is full. */
static bool local_part_add(Address *address, size_t *length, uint8_t octet)
{
    if (*length >= ADDRESS_LOCAL_PART_MAX)
        return false;
    address->local_part[(*length)++] = (char)octet;
    return true;
}

/* Dot-string = Atom *("." Atom) */
static AddressFault scan_dot_string(Span *text, Address *address)
{
    size_t length = 0;
    bool after_dot = true; /* as at the beginning: an atom must follow */
    while (text->length > 0 && (is_atext(text->data[0]) || next_is(*text, '.'))) {
        bool is_dot = next_is(*text, '.');
        if (is_dot && after_dot)
            return ADDRESS_LOCAL_PART_BAD_DOT;
        if (!local_part_add(address, &length, text->data[0]))
            return ADDRESS_LOCAL_PART_TOO_LONG;
        after_dot = is_dot;
        *text = span_skip(*text, 1);
    }
    if (length > 0 && after_dot)
        return ADDRESS_LOCAL_PART_BAD_DOT;
    if (length == 0)
        return next_is(*text, '@') ? ADDRESS_LOCAL_PART_EMPTY : ADDRESS_LOCAL_PART_BAD_CHARACTER;
    return ADDRESS_OK;
}

/* Quoted-string = DQUOTE *QcontentSMTP DQUOTE */
static AddressFault scan_quoted_string(Span *text, Address *address)
{
    size_t length = 0;
    *text = span_skip(*text, 1);
    while (text->length > 0 && !next_is(*text, '"')) {
        bool is_pair = next_is(*text, '\\');
        if (is_pair)
            *text = span_skip(*text, 1);
        if (text->length == 0)
            return ADDRESS_QUOTE_UNFINISHED;
        uint8_t octet = text->data[0];
        if (octet < ' ' || octet == 0x7f || (is_pair && octet >= 0x80))
            return ADDRESS_LOCAL_PART_BAD_CHARACTER;
        if (!local_part_add(address, &length, octet))
            return ADDRESS_LOCAL_PART_TOO_LONG;
        *text = span_skip(*text, 1);
    }
    if (text->length == 0)
        return ADDRESS_QUOTE_UNFINISHED;
    *text = span_skip(*text, 1);
    return ADDRESS_OK;
}

static AddressFault scan_local_part(Span *text, Address *address)
{
    AddressFault fault =
        next_is(*text, '"') ? scan_quoted_string(text, address) : scan_dot_string(text, address);
    if (fault == ADDRESS_OK && !g_utf8_validate(address->local_part, -1, NULL))
        return ADDRESS_NOT_UTF8;
    return fault;
}

/* ---- Domain ---- */

static AddressFault check_label(Span label)
{
    bool good = label.length > 0 && label.length <= DOMAIN_LABEL_MAX && label.data[0] != '-' &&
                label.data[label.length - 1] != '-';
    return good ? ADDRESS_OK : ADDRESS_DOMAIN_BAD_LABEL;
}

/* Domain = sub-domain *("." sub-domain) */
static AddressFault check_domain(Span domain)
{
    if (domain.length == 0)
        return ADDRESS_DOMAIN_EMPTY;
    if (domain.length > ADDRESS_DOMAIN_MAX)
        return ADDRESS_DOMAIN_TOO_LONG;
    for (size_t i = 0; i < domain.length; i++)
        if (!is_domain_octet(domain.data[i]))
            return ADDRESS_DOMAIN_BAD_CHARACTER;
    if (!g_utf8_validate((const char *)domain.data, (gssize)domain.length, NULL))
        return ADDRESS_NOT_UTF8;
    for (;;) {
        size_t dot = span_find(domain, '.');
        AddressFault fault = check_label(span_of(domain.data, dot));
        if (fault != ADDRESS_OK || dot == domain.length)
            return fault;
        domain = span_skip(domain, dot + 1);
    }
}

bool address_is_domain(Span text)
{
    return check_domain(text) == ADDRESS_OK;
}

bool address_is_literal(Span text)
{
    enum { TAG_LENGTH = 5, INNER_MAX = TAG_LENGTH + 45 /* the longest IPv6 text */ };
    if (text.length < 3 || text.length > INNER_MAX + 2 || text.data[0] != '[' ||
        text.data[text.length - 1] != ']')
        return false;
    Span inner = span_of(text.data + 1, text.length - 2);
    bool is_ipv6 = span_starts_with_nocase(inner, "IPv6:");
    if (is_ipv6)
        inner = span_skip(inner, TAG_LENGTH);
    for (size_t i = 0; i < inner.length; i++) {
        uint8_t c = inner.data[i];
        if (!g_ascii_isdigit(c) && c != '.' && !(is_ipv6 && (g_ascii_isxdigit(c) || c == ':')))
            return false;
    }
    /* The digits could still be an IPv4 address behind the tag: §4.1.3 wants a colon there. */
    g_autofree char *host = span_dup_text(inner);
    return (strchr(host, ':') != NULL) == is_ipv6 && g_hostname_is_ip_address(host);
}

/* Takes a domain or address literal off the front of `text`, as far as its characters reach. */
static AddressFault scan_domain(Span *text, Span *domain)
{
    size_t length = 0;
    if (next_is(*text, '[')) {
        length = span_find(*text, ']');
        if (length == text->length)
            return ADDRESS_BAD_LITERAL;
        length++;
    } else {
        while (length < text->length && is_domain_octet(text->data[length]))
            length++;
    }
    *domain = span_of(text->data, length);
    *text = span_skip(*text, length);
    if (next_is(*domain, '['))
        return address_is_literal(*domain) ? ADDRESS_OK : ADDRESS_BAD_LITERAL;
    /* A foreign character right after the @ is a bad one rather than a missing domain. */
    if (length == 0 && text->length > 0 && !next_is(*text, '>'))
        return ADDRESS_DOMAIN_BAD_CHARACTER;
    return check_domain(*domain);
}

/* ---- Mailbox and path ---- */

/* Mailbox = Local-part "@" ( Domain / address-literal ), and Postmaster alone when allowed. */
static AddressFault scan_mailbox(Span *text, Address *address, bool allow_postmaster)
{
    const uint8_t *start = text->data;
    AddressFault fault = scan_local_part(text, address);
    if (fault != ADDRESS_OK)
        return fault;
    if (!next_is(*text, '@')) {
        bool at_end = text->length == 0 || next_is(*text, '>');
        if (allow_postmaster && at_end &&
            g_ascii_strcasecmp(address->local_part, "postmaster") == 0)
            return ADDRESS_OK;
        return at_end ? ADDRESS_NO_AT : ADDRESS_LOCAL_PART_BAD_CHARACTER;
    }
    *text = span_skip(*text, 1);
    Span domain = {0};
    fault = scan_domain(text, &domain);
    if (fault != ADDRESS_OK)
        return fault;
    memcpy(address->domain, domain.data, domain.length);
    return text->data - start > ADDRESS_TEXT_MAX ? ADDRESS_PATH_TOO_LONG : ADDRESS_OK;
}

AddressFault address_parse(Span text, Address *address)
{
    *address = (Address){0};
    if (text.length == 0)
        return ADDRESS_EMPTY;
    AddressFault fault = scan_mailbox(&text, address, false);
    if (fault == ADDRESS_OK && text.length > 0)
        fault = ADDRESS_DOMAIN_BAD_CHARACTER;
    if (fault != ADDRESS_OK)
        *address = (Address){0};
    return fault;
}

/* Source route: A-d-l ":" with A-d-l = At-domain *("," At-domain). */
static AddressFault skip_source_route(Span *text)
{
    for (;;) {
        Span domain = {0};
        if (!next_is(*text, '@'))
            return ADDRESS_BAD_ROUTE;
        *text = span_skip(*text, 1);
        if (scan_domain(text, &domain) != ADDRESS_OK || text->length == 0)
            return ADDRESS_BAD_ROUTE;
        uint8_t separator = text->data[0];
        *text = span_skip(*text, 1);
        if (separator == ':')
            return ADDRESS_OK;
        if (separator != ',')
            return ADDRESS_BAD_ROUTE;
    }
}

static AddressFault scan_inside_angles(Span *text, Address *address)
{
    if (next_is(*text, '>')) /* the null reverse-path, RFC 5321 §4.5.5 */
        return ADDRESS_OK;
    if (next_is(*text, '@')) {
        AddressFault fault = skip_source_route(text);
        if (fault != ADDRESS_OK)
            return fault;
    }
    return scan_mailbox(text, address, true);
}

AddressFault address_scan_path(Span text, Address *address, size_t *used)
{
    const uint8_t *start = text.data;
    *address = (Address){0};
    *used = 0;
    if (!next_is(text, '<'))
        return ADDRESS_NO_ANGLE;
    text = span_skip(text, 1);
    AddressFault fault = scan_inside_angles(&text, address);
    if (fault == ADDRESS_OK && text.length > 0 && !next_is(text, '>'))
        fault = ADDRESS_DOMAIN_BAD_CHARACTER;
    else if (fault == ADDRESS_OK && text.length == 0)
        fault = ADDRESS_NO_ANGLE;
    size_t path_length = (size_t)(text.data - start) + 1;
    if (fault == ADDRESS_OK && path_length > ADDRESS_PATH_MAX)
        fault = ADDRESS_PATH_TOO_LONG;
    if (fault == ADDRESS_OK)
        *used = path_length;
    else
        *address = (Address){0};
    return fault;
}

/* ---- Writing and comparing ---- */

/* Whether the local-part is a Dot-string as it stands. RFC 5321 §4.1.2 asks to avoid quotes where
 * they are not needed. */
static bool is_dot_string(const char *local_part)
{
    Address ignored = {0};
    Span text = span_of_text(local_part);
    return text.length > 0 && scan_dot_string(&text, &ignored) == ADDRESS_OK && text.length == 0;
}

char *address_format(const Address *address)
{
    if (address_is_null(address))
        return g_strdup("");
    const char *at = address->domain[0] != '\0' ? "@" : "";
    if (is_dot_string(address->local_part))
        return g_strconcat(address->local_part, at, address->domain, NULL);
    GString *text = g_string_new("\"");
    for (const char *c = address->local_part; *c != '\0'; c++) {
        if (*c == '"' || *c == '\\')
            g_string_append_c(text, '\\');
        g_string_append_c(text, *c);
    }
    text_append(text, "\"", at, address->domain, NULL);
    return g_string_free(text, FALSE);
}

bool address_is_null(const Address *address)
{
    return address->local_part[0] == '\0' && address->domain[0] == '\0';
}

char *address_domain_to_ascii(const char *domain)
{
    char *ascii = g_str_is_ascii(domain) ? NULL : g_hostname_to_ascii(domain);
    return ascii != NULL ? ascii : g_strdup(domain);
}

bool address_is_ascii(const Address *address)
{
    return g_str_is_ascii(address->local_part) && g_str_is_ascii(address->domain);
}

bool address_equals(const Address *a, const Address *b)
{
    if (g_ascii_strcasecmp(a->domain, b->domain) != 0)
        return false;
    if (g_ascii_strcasecmp(a->local_part, "postmaster") == 0)
        return g_ascii_strcasecmp(b->local_part, "postmaster") == 0;
    return strcmp(a->local_part, b->local_part) == 0;
}

/* Any text form: "", "Postmaster" or a mailbox. */
static bool parse_text_form(const char *text, Address *address)
{
    *address = (Address){0};
    Span rest = span_of_text(text);
    return rest.length == 0 ||
           (scan_mailbox(&rest, address, true) == ADDRESS_OK && rest.length == 0);
}

bool address_text_is_valid(const char *text)
{
    Address ignored;
    return parse_text_form(text, &ignored);
}

bool address_texts_equal(const char *a, const char *b)
{
    Address first, second;
    return parse_text_form(a, &first) && parse_text_form(b, &second) &&
           address_equals(&first, &second);
}

const char *address_text_peek_domain(const char *text)
{
    const char *at = strrchr(text, '@'); /* no domain holds an @, a quoted local-part may */
    return at != NULL ? at + 1 : "";
}
