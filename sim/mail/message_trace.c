/* The fields that servers put on top of a message: RFC 5321 §4.4. */
#include "mail/message.h"

#include "core/check.h"
#include "mail/address.h"
#include "mail/date.h"

#include <string.h>

/* Longer words from peers are cut, so that every line stays within 998 octets (RFC 5322 §2.1.1). */
enum { WORD_MAX = 255 };

/* Appends what a peer calls itself, made safe: no blank, bracket, quote or control can end a token
 * or begin a comment, and `@` and `:` stay as addresses have them. */
static void append_safe_word(GString *text, const char *word)
{
    char safe[WORD_MAX];
    size_t length = 0;
    for (; word[length] != '\0' && length < WORD_MAX; length++) {
        char c = word[length];
        bool is_safe = g_ascii_isalnum(c) || c == '.' || c == '-' || /* as nearly all are */
                       (g_ascii_isgraph(c) && strchr("()<>[]\\\";,", c) == NULL);
        safe[length] = is_safe ? c : '?';
    }
    if (length == 0)
        safe[length++] = '?';
    g_string_append_len(text, safe, (gssize)length);
}

/* From-domain = "FROM" FWS Extended-Domain, with TCP-info = address-literal / ( Domain FWS
 * address-literal ). An EHLO name may be an address literal, whose brackets belong to it (RFC 5321
 * §4.1.3). */
static void append_from(GString *text, const ReceivedField *field)
{
    g_string_append(text, "from ");
    if (address_is_literal(span_of_text(field->helo_name)))
        g_string_append(text, field->helo_name);
    else
        append_safe_word(text, field->helo_name);
    if (field->client_address != NULL) {
        g_string_append(text, " (");
        append_safe_word(text, field->client_name != NULL ? field->client_name : "unknown");
        g_string_append(text, " [");
        append_safe_word(text, field->client_address);
        g_string_append(text, "])");
    }
    g_string_append(text, "\r\n\t");
}

static void append_clause(GString *text, const char *keyword, const char *word)
{
    if (word == NULL)
        return;
    g_string_append(text, keyword);
    append_safe_word(text, word);
}

char *message_format_received(const ReceivedField *field)
{
    enum { USUAL_LENGTH = 256 };
    char date[MAIL_DATE_SIZE];
    mail_format_date(field->date_unix, field->utc_offset_minutes, date);
    GString *text = g_string_sized_new(USUAL_LENGTH);
    g_string_append(text, "Received: ");
    if (field->helo_name != NULL)
        append_from(text, field);
    append_clause(text, "by ", field->host);
    append_clause(text, " with ", field->protocol);
    append_clause(text, " id ", field->queue_id);
    if (field->recipient != NULL) {
        CHECK(address_text_is_valid(field->recipient));
        g_string_append(text, "\r\n\tfor <");
        g_string_append(text, field->recipient);
        g_string_append_c(text, '>');
    }
    g_string_append(text, ";\r\n\t");
    g_string_append(text, date);
    g_string_append(text, "\r\n");
    return g_string_free(text, FALSE);
}

char *message_format_return_path(const char *reverse_path)
{
    CHECK(address_text_is_valid(reverse_path));
    return g_strconcat("Return-Path: <", reverse_path, ">\r\n", NULL);
}
