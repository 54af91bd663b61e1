/* The fields that servers put on top of a message: RFC 5321 §4.4. */
#include "mail/message.h"

#include "core/check.h"
#include "mail/address.h"
#include "mail/date.h"

#include <string.h>

/* Longer words from peers are cut, so that every line stays within 998 octets (RFC 5322 §2.1.1). */
enum { WORD_MAX = 255 };

/* What a peer calls itself, made safe: no blank, bracket, quote or control can end a token or begin
 * a comment, and `@` and `:` stay as addresses have them. */
static char *safe_word(const char *word)
{
    GString *safe = g_string_new(NULL);
    for (const char *c = word; *c != '\0' && safe->len < WORD_MAX; c++)
        g_string_append_c(safe, g_ascii_isgraph(*c) && !strchr("()<>[]\\\";,", *c) ? *c : '?');
    if (safe->len == 0)
        g_string_append_c(safe, '?');
    return g_string_free(safe, FALSE);
}

/* An EHLO name may be an address literal, whose brackets belong to it (RFC 5321 §4.1.3). */
static char *safe_helo_name(const char *name)
{
    return address_is_literal(span_of_text(name)) ? g_strdup(name) : safe_word(name);
}

/* From-domain = "FROM" FWS Extended-Domain, with TCP-info = address-literal / ( Domain FWS
 * address-literal ). */
static void append_from(GString *text, const ReceivedField *field)
{
    g_autofree char *helo = safe_helo_name(field->helo_name);
    g_string_append_printf(text, "from %s", helo);
    if (field->client_address != NULL) {
        g_autofree char *name =
            safe_word(field->client_name != NULL ? field->client_name : "unknown");
        g_autofree char *address = safe_word(field->client_address);
        g_string_append_printf(text, " (%s [%s])", name, address);
    }
    g_string_append(text, "\r\n\t");
}

static void append_clause(GString *text, const char *keyword, const char *word)
{
    if (word == NULL)
        return;
    g_autofree char *safe = safe_word(word);
    g_string_append_printf(text, " %s %s", keyword, safe);
}

char *message_format_received(const ReceivedField *field)
{
    char date[MAIL_DATE_SIZE];
    mail_format_date(field->date_unix, field->utc_offset_minutes, date);
    GString *text = g_string_new("Received: ");
    if (field->helo_name != NULL)
        append_from(text, field);
    g_autofree char *host = safe_word(field->host);
    g_string_append_printf(text, "by %s", host);
    append_clause(text, "with", field->protocol);
    append_clause(text, "id", field->queue_id);
    if (field->recipient != NULL) {
        CHECK(address_text_is_valid(field->recipient));
        g_string_append_printf(text, "\r\n\tfor <%s>", field->recipient);
    }
    g_string_append_printf(text, ";\r\n\t%s\r\n", date);
    return g_string_free(text, FALSE);
}

char *message_format_return_path(const char *reverse_path)
{
    CHECK(address_text_is_valid(reverse_path));
    return g_strdup_printf("Return-Path: <%s>\r\n", reverse_path);
}
