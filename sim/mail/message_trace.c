/* The fields that servers put on top of a message: RFC 5321 §4.4. */
#include "mail/message.h"

#include "core/sanitized.h"
#include "mail/address.h"
#include "mail/date.h"

#include <string.h>

/* Longer words from peers are cut, so that every line stays within 998 octets (RFC 5322 §2.1.1). */
enum { WORD_MAX = 255 };

/* The field as it grows: `end` is behind what is written, in room enough. */
typedef struct FieldText {
    char *start, *end;
} FieldText;

/* Inline, so that the compiler knows the length of a constant. */
static inline void put(FieldText *text, const char *part)
{
    size_t length = strlen(part);
    memcpy(text->end, part, length);
    text->end += length;
}

/* What each octet shows as; NUL ends a word. */
static const char SAFE[256 + 1] = "\0???????????????????????????????"
                                  "?!?#$%&'??*+?-./0123456789:?"
                                  "?=??"
                                  "@ABCDEFGHIJKLMNOPQRSTUVWXYZ???^_"
                                  "`abcdefghijklmnopqrstuvwxyz{|}~?"
                                  "????????????????????????????????"
                                  "????????????????????????????????"
                                  "????????????????????????????????"
                                  "????????????????????????????????";

/* Writes what a peer calls itself, of at most WORD_MAX octets, made safe: no blank, bracket, quote
 * or control can end a token or begin a comment, and `@` and `:` stay as addresses have them. */
static void put_safe_word(FieldText *text, const char *word)
{
    char *end = text->end, *last = end + WORD_MAX, shown;
    while (end < last && (shown = SAFE[(uint8_t)*word++]) != '\0')
        *end++ = shown;
    if (end == text->end)
        *end++ = '?';
    text->end = end;
}

/* From-domain = "FROM" FWS Extended-Domain, with TCP-info = address-literal / ( Domain FWS
 * address-literal ). An EHLO name may be an address literal, whose brackets belong to it (RFC 5321
 * §4.1.3). */
static void put_from(FieldText *text, const ReceivedField *field)
{
    put(text, "from ");
    if (address_is_literal(span_of_text(field->helo_name)))
        put(text, field->helo_name);
    else
        put_safe_word(text, field->helo_name);
    if (field->client_address != NULL) {
        put(text, " (");
        put_safe_word(text, field->client_name != NULL ? field->client_name : "unknown");
        put(text, " [");
        put_safe_word(text, field->client_address);
        put(text, "])");
    }
    put(text, "\r\n\t");
}

static inline void put_clause(FieldText *text, const char *keyword, const char *word)
{
    if (word == NULL)
        return;
    put(text, keyword);
    put_safe_word(text, word);
}

char *message_format_received(const ReceivedField *field)
{
    /* Six words, an address, and what stands between them. */
    enum { SIZE_MAX_EVER = 6 * WORD_MAX + ADDRESS_TEXT_MAX + MAIL_DATE_SIZE + 64 };
    char room[SIZE_MAX_EVER];
    FieldText text = {room, room};
    put(&text, "Received: ");
    if (field->helo_name != NULL)
        put_from(&text, field);
    put_clause(&text, "by ", field->host);
    put_clause(&text, " with ", field->protocol);
    put_clause(&text, " id ", field->queue_id);
    if (field->recipient != NULL) {
        CHECK(strlen(field->recipient) <= ADDRESS_TEXT_MAX);
        CHECK_SANITIZED(address_text_is_valid(field->recipient));
        put(&text, "\r\n\tfor <");
        put(&text, field->recipient);
        put(&text, ">");
    }
    put(&text, ";\r\n\t");
    text.end = mail_format_date(field->date_unix, field->utc_offset_minutes, text.end);
    put(&text, "\r\n");
    *text.end = '\0';
    return g_memdup2(room, (gsize)(text.end - room) + 1);
}

char *message_format_return_path(const char *reverse_path)
{
    CHECK_SANITIZED(address_text_is_valid(reverse_path));
    static const char BEFORE[] = "Return-Path: <", BEHIND[] = ">\r\n";
    size_t length = strlen(reverse_path);
    FieldText text;
    text.start = text.end = g_malloc(sizeof BEFORE + length + sizeof BEHIND);
    put(&text, BEFORE);
    put(&text, reverse_path);
    put(&text, BEHIND);
    *text.end = '\0';
    return text.start;
}
