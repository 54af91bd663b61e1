/* Paths and mailboxes of the SMTP envelope: a recursive-descent reader of RFC 5321 §4.1.2, one
 * function for each production. See smtp_path.h.
 *
 * Left out: General-address-literal; no tag but IPv6 has ever been registered. */
#include "proto/smtp_path.h"

#include <arpa/inet.h>
#include <string.h>

/* What is being read, and how far. A production that matches advances `at`; one that does not may
 * leave it anywhere, since the first failure ends the reading. */
typedef struct Reader {
    Span text;
    size_t at;
    bool utf8;
    SmtpPathError error;
} Reader;

static Reader reader_of(Span text, bool utf8)
{
    return (Reader){.text = text, .utf8 = utf8};
}

static bool fail(Reader *reader, SmtpPathError error)
{
    if (reader->error == SMTP_PATH_OK)
        reader->error = error;
    return false;
}

static int peek(const Reader *reader)
{
    return reader->at < reader->text.length ? reader->text.data[reader->at] : -1;
}

static bool take(Reader *reader, char character)
{
    if (peek(reader) != (uint8_t)character)
        return false;
    reader->at++;
    return true;
}

static Span taken_since(const Reader *reader, size_t start)
{
    return start == reader->at ? (Span){0} : span_of(reader->text.data + start, reader->at - start);
}

static bool is_utf8(Span text)
{
    return g_utf8_validate_len((const char *)text.data, text.length, NULL);
}

/* RFC 6531 §3.3 adds UTF-8 to atext, qtextSMTP and sub-domain. */
static bool is_foreign(const Reader *reader, int octet)
{
    return reader->utf8 && octet >= 0x80;
}

static bool is_let_dig(const Reader *reader, int octet)
{
    return octet >= 0 && (g_ascii_isalnum((char)octet) || is_foreign(reader, octet));
}

static bool is_atext(const Reader *reader, int octet)
{
    return is_let_dig(reader, octet) ||
           (octet > 0 && octet < 0x80 && strchr("!#$%&'*+-/=?^_`{|}~", octet) != NULL);
}

/* sub-domain = Let-dig [Ldh-str]: hyphens inside alone. */
static bool take_sub_domain(Reader *reader)
{
    size_t start = reader->at;
    while (is_let_dig(reader, peek(reader)) || peek(reader) == '-')
        reader->at++;
    Span label = taken_since(reader, start);
    if (label.length == 0 || label.data[0] == '-' || label.data[label.length - 1] == '-')
        return fail(reader, SMTP_PATH_SYNTAX);
    return label.length <= SMTP_LABEL_MAXIMUM || fail(reader, SMTP_PATH_TOO_LONG);
}

/* Domain = sub-domain *("." sub-domain) */
static bool take_domain(Reader *reader, Span *domain)
{
    size_t start = reader->at;
    do {
        if (!take_sub_domain(reader))
            return false;
    } while (take(reader, '.'));
    *domain = taken_since(reader, start);
    if (domain->length > SMTP_DOMAIN_MAXIMUM)
        return fail(reader, SMTP_PATH_TOO_LONG);
    return is_utf8(*domain) || fail(reader, SMTP_PATH_SYNTAX);
}

/* address-literal = "[" ( IPv4-address-literal / IPv6-address-literal ) "]", §4.1.3 */
static bool take_address_literal(Reader *reader, Span *literal)
{
    size_t start = reader->at;
    while (peek(reader) > ' ' && peek(reader) != ']')
        reader->at++;
    if (!take(reader, ']'))
        return fail(reader, SMTP_PATH_SYNTAX);
    *literal = taken_since(reader, start);
    return smtp_address_literal_is_valid(*literal) || fail(reader, SMTP_PATH_SYNTAX);
}

/* Quoted-string = DQUOTE *QcontentSMTP DQUOTE */
static bool take_quoted_string(Reader *reader)
{
    reader->at++;
    while (!take(reader, '"')) {
        take(reader, '\\');
        int octet = peek(reader);
        if (!((octet >= ' ' && octet <= '~') || is_foreign(reader, octet)))
            return fail(reader, SMTP_PATH_SYNTAX);
        reader->at++;
    }
    return true;
}

/* Dot-string = Atom *("." Atom) */
static bool take_dot_string(Reader *reader)
{
    do {
        size_t start = reader->at;
        while (is_atext(reader, peek(reader)))
            reader->at++;
        if (reader->at == start)
            return fail(reader, SMTP_PATH_SYNTAX);
    } while (take(reader, '.'));
    return true;
}

/* Local-part = Dot-string / Quoted-string */
static bool take_local_part(Reader *reader, Span *local_part)
{
    size_t start = reader->at;
    if (!(peek(reader) == '"' ? take_quoted_string(reader) : take_dot_string(reader)))
        return false;
    *local_part = taken_since(reader, start);
    if (local_part->length > SMTP_LOCAL_PART_MAXIMUM)
        return fail(reader, SMTP_PATH_TOO_LONG);
    return is_utf8(*local_part) || fail(reader, SMTP_PATH_SYNTAX);
}

/* Mailbox = Local-part "@" ( Domain / address-literal ) */
static bool take_mailbox(Reader *reader, SmtpPath *path)
{
    if (!take_local_part(reader, &path->local_part))
        return false;
    if (!take(reader, '@'))
        return fail(reader, SMTP_PATH_SYNTAX);
    if (peek(reader) == '[')
        return take_address_literal(reader, &path->domain);
    return take_domain(reader, &path->domain);
}

/* A-d-l ":" with A-d-l = At-domain *( "," At-domain ). It must be accepted and should be ignored
 * (§4.1.1.3, appendix C). */
static bool take_source_route(Reader *reader)
{
    do {
        Span ignored = {0};
        if (!take(reader, '@') || !take_domain(reader, &ignored))
            return fail(reader, SMTP_PATH_SYNTAX);
    } while (take(reader, ','));
    return take(reader, ':') || fail(reader, SMTP_PATH_SYNTAX);
}

/* `<postmaster>` needs no domain and has no case (§4.1.1.3, §4.5.1). */
static bool take_postmaster(Reader *reader, SmtpPath *path)
{
    static const char postmaster[] = "postmaster>";
    size_t length = sizeof postmaster - 1;
    if (!span_starts_with_nocase(span_skip(reader->text, reader->at), postmaster))
        return false;
    path->local_part = span_of(reader->text.data + reader->at, length - 1);
    reader->at += length;
    return true;
}

static bool take_path(Reader *reader, SmtpPathForm form, SmtpPath *path)
{
    if (!take(reader, '<'))
        return fail(reader, SMTP_PATH_SYNTAX);
    if (form == SMTP_PATH_REVERSE && take(reader, '>'))
        return true;
    if (form == SMTP_PATH_FORWARD && take_postmaster(reader, path))
        return true;
    if (peek(reader) == '@' && !take_source_route(reader))
        return false;
    if (!take_mailbox(reader, path))
        return false;
    if (!take(reader, '>'))
        return fail(reader, SMTP_PATH_SYNTAX);
    return reader->at <= SMTP_PATH_MAXIMUM || fail(reader, SMTP_PATH_TOO_LONG);
}

SmtpPathError smtp_path_parse(Span text, SmtpPathForm form, bool utf8, SmtpPath *path, size_t *used)
{
    Reader reader = reader_of(text, utf8);
    *path = (SmtpPath){0};
    *used = 0;
    if (!take_path(&reader, form, path)) {
        *path = (SmtpPath){0};
        return reader.error;
    }
    *used = reader.at;
    return SMTP_PATH_OK;
}

SmtpPathError smtp_mailbox_parse(Span text, bool utf8, SmtpPath *path)
{
    Reader reader = reader_of(text, utf8);
    *path = (SmtpPath){0};
    if (take_mailbox(&reader, path) && reader.at < text.length)
        fail(&reader, SMTP_PATH_SYNTAX);
    if (reader.error != SMTP_PATH_OK)
        *path = (SmtpPath){0};
    return reader.error;
}

bool smtp_path_is_null(const SmtpPath *path)
{
    return path->local_part.length == 0 && path->domain.length == 0;
}

char *smtp_path_dup_local_part(const SmtpPath *path)
{
    Span local = path->local_part;
    bool quoted = local.length >= 2 && local.data[0] == '"';
    if (!quoted)
        return local.length == 0 ? g_strdup("") : span_dup_text(local);
    GString *text = g_string_sized_new(local.length);
    for (size_t i = 1; i + 1 < local.length; i++) {
        if (local.data[i] == '\\')
            i++;
        g_string_append_c(text, (char)local.data[i]);
    }
    return g_string_free(text, FALSE);
}

char *smtp_path_dup_mailbox(const SmtpPath *path)
{
    return g_strdup_printf("%.*s%s%.*s", (int)path->local_part.length,
                           (const char *)path->local_part.data, path->domain.length > 0 ? "@" : "",
                           (int)path->domain.length, (const char *)path->domain.data);
}

bool smtp_domain_is_valid(Span text, bool utf8)
{
    Reader reader = reader_of(text, utf8);
    Span domain = {0};
    return take_domain(&reader, &domain) && domain.length == text.length;
}

bool smtp_address_literal_is_valid(Span text)
{
    char address[INET6_ADDRSTRLEN];
    uint8_t binary[sizeof(struct in6_addr)];
    if (text.length < 2 || text.data[0] != '[' || text.data[text.length - 1] != ']')
        return false;
    Span inside = span_of(text.data + 1, text.length - 2);
    bool version_6 = span_starts_with_nocase(inside, "IPv6:");
    if (version_6)
        inside = span_skip(inside, strlen("IPv6:"));
    if (inside.length >= sizeof address || memchr(inside.data, '\0', inside.length) != NULL)
        return false;
    memcpy(address, inside.data, inside.length);
    address[inside.length] = '\0';
    return inet_pton(version_6 ? AF_INET6 : AF_INET, address, binary) == 1;
}
