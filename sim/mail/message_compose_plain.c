/* Composing a plain message without a MIME library: most messages of a run are such, and all that a
 * library knows of folding, encoding and structure decides nothing about them.
 *
 * tests/test_message_compose.c holds each octet against what GMime writes of the same draft. */
#include "mail/message_compose_plain.h"

#include "mail/date.h"
#include "mail/mime.h"

#include <string.h>

enum { PLAIN_LINE_MAX = 72 /* of a field with its name: shorter than any that is folded */ };

static const char MIME_FIELDS[] = "MIME-Version: 1.0\r\n"
                                  "Content-Type: text/plain; charset=us-ascii\r\n"
                                  "Content-Transfer-Encoding: 7bit\r\n\r\n";

/* Date, From, To, Cc, Subject and Message-ID. */
enum { PLAIN_HEADER_MAX = 6 * (PLAIN_LINE_MAX + 2) + sizeof MIME_FIELDS };

/* Printable ASCII without what could be taken for an encoded-word or tidied: blanks stand alone and
 * between other characters. */
static bool is_plain_at(const char *value, size_t i)
{
    if (value[i] == ' ')
        return i > 0 && value[i - 1] != ' ' && value[i + 1] != '\0';
    return g_ascii_isgraph(value[i]) && !(value[i] == '=' && value[i + 1] == '?');
}

/* Puts a field behind the others; false when it is not plain. */
static bool put_field(char **end, const char *name, const char *value)
{
    char *out = stpcpy(stpcpy(*end, name), ": ");
    size_t most = PLAIN_LINE_MAX - (size_t)(out - *end), length = 0;
    for (; value[length] != '\0'; length++) {
        if (length == most || !is_plain_at(value, length))
            return false;
        *out++ = value[length];
    }
    *end = mempcpy(out, "\r\n", 2);
    return length > 0;
}

/* An address of lower-case letters, digits and dots: nothing to quote, no domain to translate. */
static bool is_plain_address(const char *address)
{
    for (const char *c = address; *c != '\0'; c++) {
        if (!g_ascii_islower(*c) && !g_ascii_isdigit(*c) && *c != '.' && *c != '@')
            return false;
    }
    return true;
}

/* The same of `a@x, b@y`; no mailboxes make no field. */
static bool put_mailboxes(char **end, const char *name, const MessageMailbox *mailboxes,
                          size_t count)
{
    char value[PLAIN_LINE_MAX + 1], *at = value;
    for (size_t i = 0; i < count; i++) {
        const char *address = mailboxes[i].address;
        size_t written = (size_t)(at - value);
        if (mailboxes[i].name != NULL || !is_plain_address(address) ||
            written + strlen(", ") + strlen(address) > PLAIN_LINE_MAX)
            return false;
        if (i > 0)
            at = stpcpy(at, ", ");
        at = stpcpy(at, address);
    }
    return count == 0 || put_field(end, name, value);
}

static bool put_id(char **end, const char *id)
{
    char value[PLAIN_LINE_MAX + 1];
    if (strlen(id) + strlen("<>") > PLAIN_LINE_MAX || strchr(id, ' ') != NULL)
        return false;
    stpcpy(stpcpy(stpcpy(value, "<"), id), ">");
    return put_field(end, "Message-ID", value);
}

static bool put_header(char **end, const MessageDraft *draft)
{
    char date[MAIL_DATE_SIZE];
    mail_format_date(draft->date_unix, draft->utc_offset_minutes, date);
    return put_field(end, "Date", date) && put_mailboxes(end, "From", &draft->from, 1) &&
           put_mailboxes(end, "To", draft->to, draft->to_count) &&
           put_mailboxes(end, "Cc", draft->cc, draft->cc_count) &&
           (draft->subject == NULL || put_field(end, "Subject", draft->subject)) &&
           put_id(end, draft->message_id);
}

/* The body as it is sent; NULL when it is not plain. */
static Octets *plain_body(const char *body)
{
    if (!span_is_ascii(span_of_text(body)))
        return NULL;
    g_autofree char *text = mime_dup_lines(body);
    if (mime_encoding_for(text) != GMIME_CONTENT_ENCODING_7BIT)
        return NULL;
    return mime_with_crlf(span_of_text(text));
}

Octets *message_compose_plain(const MessageDraft *draft)
{
    char header[PLAIN_HEADER_MAX], *end = header;
    if (draft->attachment_count > 0 || draft->field_count > 0 || draft->in_reply_to != NULL ||
        draft->references != NULL || !put_header(&end, draft))
        return NULL;
    end = stpcpy(end, MIME_FIELDS);
    size_t header_length = (size_t)(end - header);
    g_autoptr(Octets) body = NULL;
    if (draft->body != NULL && draft->body[0] != '\0') {
        body = plain_body(draft->body);
        if (body == NULL)
            return NULL;
    }
    Span below = body != NULL ? span_of_octets(body) : (Span){0};
    Octets *message = octets_allocate(header_length + below.length);
    memcpy(message->here, header, header_length);
    if (below.length > 0)
        memcpy(message->here + header_length, below.data, below.length);
    message->is_plain = body == NULL || body->is_plain; /* as the header is */
    return message;
}
