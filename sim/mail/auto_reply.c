/* When not to answer. See auto_reply.h. */
#include "mail/auto_reply.h"

#include "mail/message.h"
#include "mail/mime.h"

#include <string.h>

/* ---- The sender ---- */

/* RFC 3834 §2: addresses of programs and of whoever looks after them. A list's is not forbidden by
 * its form, but by the fields of the message. */
static bool is_of_a_program(const char *sender)
{
    static const char *const BEGINNINGS[] = {"owner-"};
    static const char *const ENDS[] = {"-owner", "-request"};
    static const char *const WHOLE[] = {"mailer-daemon", "postmaster"};
    Address address;
    if (address_parse(span_of_text(sender), &address) != ADDRESS_OK)
        return true;
    g_autofree char *local_part = g_ascii_strdown(address.local_part, -1);
    for (size_t i = 0; i < G_N_ELEMENTS(WHOLE); i++) {
        if (strcmp(local_part, WHOLE[i]) == 0)
            return true;
    }
    for (size_t i = 0; i < G_N_ELEMENTS(ENDS); i++) {
        if (g_str_has_suffix(local_part, ENDS[i]))
            return true;
    }
    return g_str_has_prefix(local_part, BEGINNINGS[0]);
}

/* ---- The message ---- */

/* The first word of a field, in lower case: what is behind it is comment or parameter. To free. */
static char *first_word(Span value)
{
    size_t start = 0, length = 0;
    while (start < value.length && g_ascii_isspace(value.data[start]))
        start++;
    while (start + length < value.length &&
           (g_ascii_isalnum(value.data[start + length]) || value.data[start + length] == '-'))
        length++;
    g_autofree char *word = span_dup_text(span_of(value.data + start, length));
    return g_ascii_strdown(word, -1);
}

/* A field that says that nobody waits for an answer; NULL: it does not. */
static const char *rule_of_field(Span name, Span value)
{
    if (span_starts_with_nocase(name, "List-"))
        return "it comes from a mailing list (RFC 2369, RFC 2919)";
    g_autofree char *word = first_word(value);
    if (span_equals_text_nocase(name, "Auto-Submitted") && strcmp(word, "no") != 0)
        return "a program has written it (Auto-Submitted, RFC 3834 §2)";
    bool is_bulk =
        strcmp(word, "bulk") == 0 || strcmp(word, "list") == 0 || strcmp(word, "junk") == 0;
    if (span_equals_text_nocase(name, "Precedence") && is_bulk)
        return "it is sent to many (Precedence)";
    return NULL;
}

static bool list_has_own(InternetAddressList *list, const AutoReplyUser *user)
{
    for (int i = 0; i < internet_address_list_length(list); i++) {
        InternetAddress *entry = internet_address_list_get_address(list, i);
        Address address;
        if (!INTERNET_ADDRESS_IS_MAILBOX(entry))
            continue;
        const char *text = internet_address_mailbox_get_addr(INTERNET_ADDRESS_MAILBOX(entry));
        if (text != NULL && address_parse(span_of_text(text), &address) == ADDRESS_OK &&
            user->is_own(user->owner, &address))
            return true;
    }
    return false;
}

static bool field_has_own(Span value, const AutoReplyUser *user)
{
    g_autofree char *octets = span_dup_text(value);
    g_autofree char *text = g_utf8_make_valid(octets, -1);
    mime_start();
    InternetAddressList *list = internet_address_list_parse(NULL, text);
    if (list == NULL)
        return false;
    bool has_own = list_has_own(list, user);
    g_object_unref(list);
    return has_own;
}

static bool is_address_field(Span name)
{
    return span_equals_text_nocase(name, "To") || span_equals_text_nocase(name, "Cc") ||
           span_equals_text_nocase(name, "Resent-To") || span_equals_text_nocase(name, "Resent-Cc");
}

const char *auto_reply_find_rule(Span message, const char *sender, const AutoReplyUser *user)
{
    if (sender[0] == '\0')
        return "it is a notification: its sender is empty (RFC 3834 §2)";
    bool is_addressed = false;
    size_t position = 0;
    Span name, value;
    while (message_next_header(message, &position, &name, &value)) {
        const char *rule = rule_of_field(name, value);
        if (rule != NULL)
            return rule;
        is_addressed = is_addressed || (is_address_field(name) && field_has_own(value, user));
    }
    if (is_of_a_program(sender))
        return "its sender is the address of a program (RFC 3834 §2)";
    return is_addressed ? NULL : "the user is in neither To nor Cc (RFC 3834 §2)";
}
