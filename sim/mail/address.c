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

/* What each octet may stand in: a letter, digit or hyphen in an atom and in a domain (d), other
 * atext of RFC 5322 §3.2.3 in an atom only (a), a dot between them. Beyond ASCII both have all, as
 * in RFC 6531 §3.3. */
static const char OCTET_USES[256 + 1] = "                "
                                        "                "
                                        " a aaaaa  aa d.a"
                                        "dddddddddd   a a"
                                        " ddddddddddddddd"
                                        "ddddddddddd   aa"
                                        "addddddddddddddd"
                                        "dddddddddddaaaa "
                                        "dddddddddddddddd"
                                        "dddddddddddddddd"
                                        "dddddddddddddddd"
                                        "dddddddddddddddd"
                                        "dddddddddddddddd"
                                        "dddddddddddddddd"
                                        "dddddddddddddddd"
                                        "dddddddddddddddd";

static inline char use_of(uint8_t c)
{
    return OCTET_USES[c];
}

static bool next_is(Span text, char c)
{
    return text.length > 0 && text.data[0] == (uint8_t)c;
}

static bool is_utf8(Span octets)
{
    return span_is_ascii(octets) ||
           g_utf8_validate((const char *)octets.data, (gssize)octets.length, NULL);
}

/* ---- Local-part ---- */

/* Dot-string = Atom *("." Atom). Takes it off the front of `text`. */
static AddressFault scan_dot_string(Span *text, Span *local_part)
{
    size_t length = 0;
    bool after_dot = true; /* as at the beginning: an atom must follow */
    for (; length < text->length; length++) {
        char use = use_of(text->data[length]);
        if (use == ' ')
            break;
        if (use == '.' && after_dot)
            return ADDRESS_LOCAL_PART_BAD_DOT;
        if (length == ADDRESS_LOCAL_PART_MAX)
            return ADDRESS_LOCAL_PART_TOO_LONG;
        after_dot = use == '.';
    }
    *local_part = span_of(text->data, length);
    *text = span_skip(*text, length);
    if (length > 0 && after_dot)
        return ADDRESS_LOCAL_PART_BAD_DOT;
    if (length == 0)
        return next_is(*text, '@') ? ADDRESS_LOCAL_PART_EMPTY : ADDRESS_LOCAL_PART_BAD_CHARACTER;
    return is_utf8(*local_part) ? ADDRESS_OK : ADDRESS_NOT_UTF8;
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
        if (length == ADDRESS_LOCAL_PART_MAX)
            return ADDRESS_LOCAL_PART_TOO_LONG;
        address->local_part[length++] = (char)octet;
        *text = span_skip(*text, 1);
    }
    address->local_part[length] = '\0';
    if (text->length == 0)
        return ADDRESS_QUOTE_UNFINISHED;
    *text = span_skip(*text, 1);
    return is_utf8(span_of(address->local_part, length)) ? ADDRESS_OK : ADDRESS_NOT_UTF8;
}

static AddressFault scan_local_part(Span *text, Address *address)
{
    if (next_is(*text, '"'))
        return scan_quoted_string(text, address);
    Span local_part = {0};
    AddressFault fault = scan_dot_string(text, &local_part);
    if (fault == ADDRESS_OK)
        *(char *)mempcpy(address->local_part, local_part.data, local_part.length) = '\0';
    return fault;
}

/* ---- Domain ---- */

static bool is_label(const uint8_t *octets, size_t length)
{
    return length > 0 && length <= DOMAIN_LABEL_MAX && octets[0] != '-' &&
           octets[length - 1] != '-';
}

/* Domain = sub-domain *("." sub-domain), as far as its octets reach at the front of `text`. */
static AddressFault measure_domain(Span text, size_t *length)
{
    size_t at = 0, label = 0; /* where the label begins */
    bool has_bad_label = false;
    for (; at < text.length; at++) {
        char use = use_of(text.data[at]);
        if (use == 'd')
            continue;
        if (use != '.')
            break;
        has_bad_label |= !is_label(text.data + label, at - label);
        label = at + 1;
    }
    *length = at;
    if (at == 0)
        return ADDRESS_DOMAIN_EMPTY;
    if (at > ADDRESS_DOMAIN_MAX)
        return ADDRESS_DOMAIN_TOO_LONG;
    if (!is_utf8(span_of(text.data, at)))
        return ADDRESS_NOT_UTF8;
    has_bad_label |= !is_label(text.data + label, at - label);
    return has_bad_label ? ADDRESS_DOMAIN_BAD_LABEL : ADDRESS_OK;
}

bool address_is_domain(Span text)
{
    size_t length = 0;
    return measure_domain(text, &length) == ADDRESS_OK && length == text.length;
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

/* address-literal, off the front of `text`. */
static AddressFault scan_literal(Span *text, Span *literal)
{
    size_t length = span_find(*text, ']');
    if (length == text->length)
        return ADDRESS_BAD_LITERAL;
    *literal = span_of(text->data, length + 1);
    *text = span_skip(*text, length + 1);
    return address_is_literal(*literal) ? ADDRESS_OK : ADDRESS_BAD_LITERAL;
}

/* Takes a domain or address literal off the front of `text`, as far as its characters reach. */
static AddressFault scan_domain(Span *text, Span *domain)
{
    if (next_is(*text, '['))
        return scan_literal(text, domain);
    size_t length = 0;
    AddressFault fault = measure_domain(*text, &length);
    *domain = span_of(text->data, length);
    *text = span_skip(*text, length);
    /* A foreign character right after the @ is a bad one rather than a missing domain. */
    if (length == 0 && text->length > 0 && !next_is(*text, '>'))
        return ADDRESS_DOMAIN_BAD_CHARACTER;
    return fault;
}

/* ---- Mailbox and path ---- */

/* Its parts are long, and so not cleared to their ends. */
static void make_empty(Address *address)
{
    address->local_part[0] = address->domain[0] = '\0';
    address->is_plain = false;
}

void address_set_local_part(Address *address, const char *local_part)
{
    g_strlcpy(address->local_part, local_part, sizeof address->local_part);
    address->is_plain = false;
}

/* Mailbox = Local-part "@" ( Domain / address-literal ), and Postmaster alone when allowed. */
static AddressFault scan_mailbox(Span *text, Address *address, bool allow_postmaster)
{
    const uint8_t *start = text->data;
    const bool is_quoted = next_is(*text, '"');
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
    *(char *)mempcpy(address->domain, domain.data, domain.length) = '\0';
    address->is_plain = !is_quoted && span_is_ascii(span_of(start, (size_t)(text->data - start)));
    return text->data - start > ADDRESS_TEXT_MAX ? ADDRESS_PATH_TOO_LONG : ADDRESS_OK;
}

AddressFault address_parse(Span text, Address *address)
{
    make_empty(address);
    if (text.length == 0)
        return ADDRESS_EMPTY;
    AddressFault fault = scan_mailbox(&text, address, false);
    if (fault == ADDRESS_OK && text.length > 0)
        fault = ADDRESS_DOMAIN_BAD_CHARACTER;
    if (fault != ADDRESS_OK)
        make_empty(address);
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
    make_empty(address);
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
        make_empty(address);
    return fault;
}

/* ---- Writing and comparing ---- */

/* Whether the local-part is a Dot-string as it stands. RFC 5321 §4.1.2 asks to avoid quotes where
 * they are not needed. */
static bool is_dot_string(const char *local_part)
{
    Span text = span_of_text(local_part), scanned;
    return scan_dot_string(&text, &scanned) == ADDRESS_OK && text.length == 0;
}

/* Returns the end of what is written. */
static char *put_quoted(char *out, const char *local_part)
{
    *out++ = '"';
    for (const char *c = local_part; *c != '\0'; c++) {
        if (*c == '"' || *c == '\\')
            *out++ = '\\';
        *out++ = *c;
    }
    *out++ = '"';
    return out;
}

char *address_write(const Address *address, char text[static ADDRESS_TEXT_SIZE])
{
    text[0] = '\0';
    if (address_is_null(address))
        return text;
    char *end = address->is_plain || is_dot_string(address->local_part)
                    ? stpcpy(text, address->local_part)
                    : put_quoted(text, address->local_part);
    if (address->domain[0] != '\0')
        *end++ = '@';
    stpcpy(end, address->domain);
    return text;
}

char *address_format(const Address *address)
{
    char text[ADDRESS_TEXT_SIZE];
    return g_strdup(address_write(address, text));
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
    return address->is_plain ||
           (g_str_is_ascii(address->local_part) && g_str_is_ascii(address->domain));
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
    make_empty(address);
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
