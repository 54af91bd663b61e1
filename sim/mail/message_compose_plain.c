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
static bool is_plain_value(Span value)
{
    const char *text = (const char *)value.data;
    if (value.length == 0)
        return false;
    size_t last = value.length - 1;
    if (text[0] == ' ' || text[last] == ' ')
        return false;
    for (size_t i = 0; i < last; i++) {
        if ((text[i] == ' ' && text[i + 1] == ' ') || (text[i] == '=' && text[i + 1] == '?'))
            return false;
    }
    return !span_has_control(value) && span_is_ascii(value);
}

/* Inline, so that the compiler knows the length of a constant. */
static inline char *put(char *at, const char *text)
{
    size_t length = strlen(text);
    memcpy(at, text, length);
    return at + length;
}

static inline char *put_name(char *at, const char *name)
{
    return put(put(at, name), ": ");
}

/* Puts a value whose octets are known to be plain; false when the field gets too long. */
static inline bool put_known_field(char **end, const char *name, Span value)
{
    char *at = put_name(*end, name);
    if ((size_t)(at - *end) + value.length > PLAIN_LINE_MAX)
        return false;
    *end = put(mempcpy(at, value.data, value.length), "\r\n");
    return true;
}

/* An address of lower-case letters, digits and dots: nothing to quote, no domain to translate. */
static bool is_plain_address(Span address)
{
    for (size_t i = 0; i < address.length; i++) {
        char c = (char)address.data[i];
        if (!g_ascii_islower(c) && !g_ascii_isdigit(c) && c != '.' && c != '@')
            return false;
    }
    return true;
}

/* Puts a field such as `a@x, b@y`; no mailboxes make no field. */
static inline bool put_mailboxes(char **end, const char *name, const MessageMailbox *mailboxes,
                                 size_t count)
{
    char *at = put_name(*end, name);
    for (size_t i = 0; i < count; i++) {
        Span address = span_of_text(mailboxes[i].address);
        size_t written = (size_t)(at - *end);
        if (mailboxes[i].name != NULL || !is_plain_address(address) ||
            written + strlen(", ") + address.length > PLAIN_LINE_MAX)
            return false;
        if (i > 0)
            at = put(at, ", ");
        at = mempcpy(at, address.data, address.length);
    }
    if (count > 0)
        *end = put(at, "\r\n");
    return true;
}

static bool put_id(char **end, const char *id)
{
    char value[PLAIN_LINE_MAX + 1];
    Span text = span_of_text(id);
    if (text.length + strlen("<>") > PLAIN_LINE_MAX || !is_plain_value(text) ||
        span_find(text, ' ') < text.length)
        return false;
    value[0] = '<';
    char *close = mempcpy(value + 1, id, text.length);
    *close = '>';
    return put_known_field(end, "Message-ID", span_of(value, text.length + strlen("<>")));
}

static bool put_subject(char **end, const char *subject)
{
    if (subject == NULL)
        return true;
    Span text = span_of_text(subject);
    return is_plain_value(text) && put_known_field(end, "Subject", text);
}

static bool put_header(char **end, const MessageDraft *draft)
{
    char date[MAIL_DATE_SIZE];
    const char *date_end = mail_format_date(draft->date_unix, draft->utc_offset_minutes, date);
    return put_known_field(end, "Date", span_of(date, (size_t)(date_end - date))) &&
           put_mailboxes(end, "From", &draft->from, 1) &&
           put_mailboxes(end, "To", draft->to, draft->to_count) &&
           put_mailboxes(end, "Cc", draft->cc, draft->cc_count) &&
           put_subject(end, draft->subject) && put_id(end, draft->message_id);
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

Octets *message_compose_plain(const MessageDraft *draft, size_t size)
{
    char header[PLAIN_HEADER_MAX], *end = header;
    if (draft->attachment_count > 0 || draft->field_count > 0 || draft->in_reply_to != NULL ||
        draft->references != NULL || !put_header(&end, draft))
        return NULL;
    end = put(end, MIME_FIELDS);
    size_t header_length = (size_t)(end - header);
    g_autoptr(Octets) body = NULL;
    if (draft->body != NULL && draft->body[0] != '\0') {
        body = plain_body(draft->body);
        if (body == NULL)
            return NULL;
    }
    Span below = body != NULL ? span_of_octets(body) : (Span){0};
    Octets *message = octets_allocate(MAX(header_length + below.length, size));
    message->length = header_length + below.length;
    memcpy(message->here, header, header_length);
    if (below.length > 0)
        memcpy(message->here + header_length, below.data, below.length);
    message->is_plain = body == NULL || body->is_plain; /* as the header is */
    return message;
}
