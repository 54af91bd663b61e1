/* When not to answer. See auto_reply.h. */
#include "mail/auto_reply.h"

#include "mail/mailbox_list.h"
#include "mail/message.h"

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

/* False: an envelope cannot hold it. */
static bool take_address(const MailboxItem *item, Address *address)
{
    if (item->kind != MAILBOX_ITEM || strlen(item->local_part) > ADDRESS_LOCAL_PART_MAX ||
        strlen(item->domain) > ADDRESS_DOMAIN_MAX)
        return false;
    Address written = {0};
    g_strlcpy(written.local_part, item->local_part, sizeof written.local_part);
    g_strlcpy(written.domain, item->domain, sizeof written.domain);
    g_autofree char *text = address_format(&written);
    return address_parse(span_of_text(text), address) == ADDRESS_OK;
}

static bool field_has_own(Span value, const AutoReplyUser *user)
{
    GArray *items = mailbox_list_parse(value);
    bool has_own = false;
    for (guint i = 0; i < items->len && !has_own; i++) {
        Address address;
        has_own = take_address(&g_array_index(items, MailboxItem, i), &address) &&
                  user->is_own(user->owner, &address);
    }
    g_array_unref(items);
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
