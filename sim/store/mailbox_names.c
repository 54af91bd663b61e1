/* File names of the message store: writing and reading them. See mailbox.h for what they look like.
 *
 * A name is read generously, then written again and compared, so that nothing but what the store
 * writes is ever taken. */
#include "store/mailbox_names.h"

#include "core/text.h"
#include "store/numbers.h"

#include <string.h>

#define FOLDER_PREFIX       "folder."
#define SUBSCRIPTION_PREFIX "subscribed."

/* In the order of maildir's letters. */
static const struct FlagName {
    MailFlag flag;
    char letter;
    const char *word;
} flag_names[] = {
    {MAIL_FLAG_DRAFT, 'D', "\\Draft"},       {MAIL_FLAG_FLAGGED, 'F', "\\Flagged"},
    {MAIL_FLAG_ANSWERED, 'R', "\\Answered"}, {MAIL_FLAG_SEEN, 'S', "\\Seen"},
    {MAIL_FLAG_DELETED, 'T', "\\Deleted"},
};

char *mail_flags_text(MailFlags flags)
{
    GString *text = g_string_new(NULL);
    for (size_t i = 0; i < G_N_ELEMENTS(flag_names); i++)
        if ((flags & flag_names[i].flag) != 0)
            g_string_append_printf(text, "%s%s", text->len > 0 ? " " : "", flag_names[i].word);
    return g_string_free(text, FALSE);
}

/* ---- %HH ---- */

static bool is_plain(char c)
{
    return g_ascii_isalnum(c) || c == '-' || c == '_';
}

char *mail_name_escape(const char *text)
{
    GString *escaped = g_string_new(NULL);
    for (; *text != '\0'; text++) {
        if (is_plain(*text))
            g_string_append_c(escaped, *text);
        else
            g_string_append_printf(escaped, "%%%02X", (unsigned)(unsigned char)*text);
    }
    return g_string_free(escaped, FALSE);
}

/* The octet that "%HH" at `text` means, or -1. */
static int unescape_octet(const char *text)
{
    int high = g_ascii_xdigit_value(text[1]);
    int low = high >= 0 ? g_ascii_xdigit_value(text[2]) : -1;
    return low >= 0 ? 16 * high + low : -1;
}

char *mail_name_unescape(const char *text)
{
    g_autoptr(GString) plain = g_string_new(NULL);
    for (const char *at = text; *at != '\0'; at++) {
        int octet = *at == '%' ? unescape_octet(at) : (unsigned char)*at;
        if (octet <= 0)
            return NULL;
        g_string_append_c(plain, (char)octet);
        at += *at == '%' ? 2 : 0;
    }
    g_autofree char *again = mail_name_escape(plain->str);
    return strcmp(again, text) == 0 ? g_strdup(plain->str) : NULL;
}

/* ---- Messages ---- */

static bool has_origin(const MailMessage *message)
{
    return message->origin.start != 0;
}

/* Writes the number and the character behind it; returns the end. */
static char *put_number(char *out, uint64_t number, char behind)
{
    out += text_put_number(number, out);
    *out = behind;
    return out + 1;
}

/* The same, with zeros in front. */
static char *put_uid(char *out, uint32_t uid, char behind)
{
    enum { UID_DIGITS = 10 };
    char digits[TEXT_NUMBER_SIZE];
    size_t length = text_put_number(uid, digits);
    memset(out, '0', UID_DIGITS - length);
    memcpy(out + UID_DIGITS - length, digits, length);
    out[UID_DIGITS] = behind;
    return out + UID_DIGITS + 1;
}

size_t mail_message_name_put(const MailMessage *message, char out[static MAIL_MESSAGE_NAME_SIZE])
{
    char *end = put_uid(out, message->uid, '.');
    if (message->date < 0)
        *end++ = '-';
    end = put_number(end, (uint64_t)ABS(message->date), '.');
    if (has_origin(message)) {
        end = put_number(end, message->origin.start, '-');
        end = put_number(end, message->origin.number, '-');
        end = put_number(end, message->origin.recipient, '.');
    }
    for (size_t i = 0; i < G_N_ELEMENTS(flag_names); i++)
        if ((message->flags & flag_names[i].flag) != 0)
            *end++ = flag_names[i].letter;
    *end = '\0';
    return (size_t)(end - out);
}

/* Takes `1-5-0.` off the front, where there is such a thing; false when it is not well written. */
static bool take_origin(Span *text, MailOrigin *origin)
{
    uint64_t start = 0, number = 0, recipient = 0;
    *origin = (MailOrigin){0};
    if (span_find(*text, '.') == text->length)
        return true;
    if (!number_take(text, '-', UINT32_MAX, &start) || start == 0 ||
        !number_take(text, '-', UINT32_MAX, &number) ||
        !number_take(text, '.', UINT32_MAX, &recipient))
        return false;
    *origin = (MailOrigin){(uint32_t)start, (uint32_t)number, (uint32_t)recipient};
    return true;
}

static MailFlags flags_of_letters(Span letters)
{
    MailFlags flags = 0;
    for (size_t i = 0; i < G_N_ELEMENTS(flag_names); i++)
        if (span_find(letters, (uint8_t)flag_names[i].letter) < letters.length)
            flags = (MailFlags)(flags | flag_names[i].flag);
    return flags;
}

bool mail_message_name_parse(const char *name, MailMessage *message)
{
    uint64_t uid = 0, date = 0;
    Span rest = span_of_text(name);
    if (!number_take(&rest, '.', UINT32_MAX, &uid) || uid == 0)
        return false;
    bool is_before_start = rest.length > 0 && rest.data[0] == '-';
    rest = span_skip(rest, is_before_start ? 1 : 0);
    if (!number_take(&rest, '.', SIM_NEVER, &date))
        return false;
    *message = (MailMessage){.uid = (uint32_t)uid,
                             .date = is_before_start ? -(SimTime)date : (SimTime)date};
    if (!take_origin(&rest, &message->origin))
        return false;
    message->flags = flags_of_letters(rest);
    char again[MAIL_MESSAGE_NAME_SIZE];
    mail_message_name_put(message, again);
    return strcmp(again, name) == 0;
}

/* ---- Folders ---- */

char *mail_folder_name_format(uint32_t uid_next, const char *folder)
{
    g_autofree char *escaped = mail_name_escape(folder);
    return g_strdup_printf(FOLDER_PREFIX "%010u.%s", uid_next, escaped);
}

bool mail_folder_name_parse(const char *name, uint32_t *uid_next, char **folder)
{
    uint64_t number = 0;
    Span rest = span_of_text(name);
    if (!g_str_has_prefix(name, FOLDER_PREFIX))
        return false;
    rest = span_skip(rest, strlen(FOLDER_PREFIX));
    if (!number_take(&rest, '.', UINT32_MAX, &number) || number == 0)
        return false;
    g_autofree char *escaped = span_dup_text(rest);
    g_autofree char *plain = mail_name_unescape(escaped);
    if (plain == NULL || !mail_folder_name_is_valid(plain))
        return false;
    g_autofree char *again = mail_folder_name_format((uint32_t)number, plain);
    if (strcmp(again, name) != 0)
        return false;
    *uid_next = (uint32_t)number;
    *folder = g_steal_pointer(&plain);
    return true;
}

bool mail_folder_name_is_valid(const char *folder)
{
    size_t length = strlen(folder);
    return length > 0 && length <= MAIL_FOLDER_MAX && folder[0] != '/' &&
           folder[length - 1] != '/' && strstr(folder, "//") == NULL &&
           g_utf8_validate(folder, (gssize)length, NULL);
}

/* ---- Subscriptions ---- */

char *mail_subscription_name_format(const char *folder)
{
    g_autofree char *escaped = mail_name_escape(folder);
    return g_strconcat(SUBSCRIPTION_PREFIX, escaped, NULL);
}

char *mail_subscription_name_parse(const char *name)
{
    if (!g_str_has_prefix(name, SUBSCRIPTION_PREFIX))
        return NULL;
    g_autofree char *folder = mail_name_unescape(name + strlen(SUBSCRIPTION_PREFIX));
    if (folder == NULL || !mail_folder_name_is_valid(folder))
        return NULL;
    return g_steal_pointer(&folder);
}
