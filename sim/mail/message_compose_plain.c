/* Composing a plain message without a MIME library: most messages of a run are such, and all that a
 * library knows of folding, encoding and structure decides nothing about them.
 *
 * tests/test_message_compose.c holds each octet against what GMime writes of the same draft. */
#include "mail/message_compose_plain.h"

#include "mail/date.h"
#include "mail/mime.h"

#include <string.h>

enum { PLAIN_LINE_MAX = 72 /* of a field with its name: shorter than any that is folded */ };

/* Printable ASCII without what could be taken for an encoded-word or tidied: blanks stand alone and
 * between other characters. */
static bool is_plain_value(const char *value, const char *name)
{
    size_t length = strlen(value);
    if (length == 0 || strlen(name) + 2 + length > PLAIN_LINE_MAX || strstr(value, "=?") != NULL)
        return false;
    for (size_t i = 0; i < length; i++) {
        bool is_lone_blank = value[i] == ' ' && i > 0 && value[i - 1] != ' ' && i + 1 < length;
        if (!g_ascii_isgraph(value[i]) && !is_lone_blank)
            return false;
    }
    return true;
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

/* `a@x, b@y`, empty without any; NULL when an entry is not plain. To free. */
static char *join_plain(const MessageMailbox *mailboxes, size_t count)
{
    g_autoptr(GString) text = g_string_sized_new(PLAIN_LINE_MAX);
    for (size_t i = 0; i < count && text->len <= PLAIN_LINE_MAX; i++) {
        if (mailboxes[i].name != NULL || !is_plain_address(mailboxes[i].address))
            return NULL;
        if (i > 0)
            g_string_append(text, ", ");
        g_string_append(text, mailboxes[i].address);
    }
    return g_string_free(g_steal_pointer(&text), FALSE);
}

/* Adds a field; false when it is not plain. NULL and "" of mailboxes are none. */
static bool add_plain(GString *message, const char *name, const char *value)
{
    if (!is_plain_value(value, name))
        return false;
    g_string_append(message, name);
    g_string_append(message, ": ");
    g_string_append(message, value);
    g_string_append_c(message, '\n');
    return true;
}

static bool add_plain_mailboxes(GString *message, const char *name, const MessageMailbox *mailboxes,
                                size_t count)
{
    g_autofree char *text = join_plain(mailboxes, count);
    return text != NULL && (count == 0 || add_plain(message, name, text));
}

static bool add_plain_header(GString *message, const MessageDraft *draft)
{
    char date[MAIL_DATE_SIZE];
    mail_format_date(draft->date_unix, draft->utc_offset_minutes, date);
    g_autofree char *message_id = g_strconcat("<", draft->message_id, ">", NULL);
    return add_plain(message, "Date", date) &&
           add_plain_mailboxes(message, "From", &draft->from, 1) &&
           add_plain_mailboxes(message, "To", draft->to, draft->to_count) &&
           add_plain_mailboxes(message, "Cc", draft->cc, draft->cc_count) &&
           (draft->subject == NULL || add_plain(message, "Subject", draft->subject)) &&
           strchr(message_id, ' ') == NULL && add_plain(message, "Message-ID", message_id);
}

GBytes *message_compose_plain(const MessageDraft *draft)
{
    const char *body = draft->body != NULL ? draft->body : "";
    if (draft->attachment_count > 0 || draft->field_count > 0 || draft->in_reply_to != NULL ||
        draft->references != NULL || !span_is_ascii(span_of_text(body)))
        return NULL;
    g_autofree char *text = mime_dup_lines(body);
    if (mime_encoding_for(text) != GMIME_CONTENT_ENCODING_7BIT)
        return NULL;
    g_autoptr(GString) message = g_string_sized_new(512 + strlen(text));
    if (!add_plain_header(message, draft))
        return NULL;
    g_string_append(message, "MIME-Version: 1.0\nContent-Type: text/plain; charset=us-ascii\n"
                             "Content-Transfer-Encoding: 7bit\n\n");
    g_string_append(message, text);
    return mime_with_crlf(span_of(message->str, message->len));
}
