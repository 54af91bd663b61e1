/* Composing delivery status notifications: RFC 3464, RFC 6522, RFC 3461 §6, RFC 3834 (answers that
 * no one wrote), RFC 6533 §3 (addresses beyond ASCII).
 *
 * Left out on purpose: reports in other languages, and the sender's own address beyond ASCII, whose
 * notice would itself need SMTPUTF8. */
#include "mail/dsn.h"

#include "core/check.h"
#include "mail/address.h"
#include "mail/date.h"
#include "mail/message.h"
#include "mail/mime.h"

#include <string.h>

const char *dsn_action_text(DsnAction action)
{
    switch (action) {
    case DSN_FAILED:
        return "failed";
    case DSN_DELAYED:
        return "delayed";
    case DSN_DELIVERED:
        return "delivered";
    case DSN_RELAYED:
        return "relayed";
    case DSN_EXPANDED:
        return "expanded";
    }
    return "failed";
}

/* ---- The text for people ---- */

/* What the report is about above all: a failure before a delay, a delay before good news. */
static DsnAction main_action(const DsnReport *report)
{
    DsnAction action = report->recipients[0].action;
    for (size_t i = 1; i < report->recipient_count; i++)
        action = MIN(action, report->recipients[i].action);
    return action;
}

static const char *subject_for(DsnAction action)
{
    switch (action) {
    case DSN_FAILED:
        return "Mail not delivered";
    case DSN_DELAYED:
        return "Mail delayed";
    case DSN_DELIVERED:
        return "Mail delivered";
    case DSN_RELAYED:
        return "Mail passed on";
    case DSN_EXPANDED:
        return "Mail delivered to a list";
    }
    return "Mail not delivered";
}

static const char *sentence_for(DsnAction action)
{
    switch (action) {
    case DSN_FAILED:
        return "could not be delivered. It will not be tried again.";
    case DSN_DELAYED:
        return "has not been delivered yet. You need not send it again.";
    case DSN_DELIVERED:
        return "has been delivered.";
    case DSN_RELAYED:
        return "has been passed on to a server that will not tell about its delivery.";
    case DSN_EXPANDED:
        return "has been delivered to a list, which sends it on to its members.";
    }
    return "could not be delivered.";
}

/* Words from a peer as one line of text: valid UTF-8 without control characters, cut to a length
 * that a line may have. */
static char *plain_words(const char *words)
{
    g_autofree char *cut = g_strndup(words, DSN_VALUE_MAX);
    char *valid = g_utf8_make_valid(cut, -1);
    for (char *c = valid; *c != '\0'; c++)
        if (g_ascii_iscntrl(*c))
            *c = ' ';
    return valid;
}

static void tell_reason(GString *text, const DsnRecipient *recipient)
{
    const char *words = recipient->reply != NULL ? recipient->reply : recipient->reason;
    if (words == NULL)
        return;
    g_autofree char *plain = plain_words(words);
    if (recipient->reply != NULL && recipient->remote_mta != NULL) {
        g_autofree char *remote = plain_words(recipient->remote_mta);
        g_string_append_printf(text, "    The server %s said: %s\n", remote, plain);
    } else {
        g_string_append_printf(text, "    The reason: %s\n", plain);
    }
}

static void tell_recipient(GString *text, const DsnReport *report, const DsnRecipient *recipient)
{
    g_string_append_printf(text, "\n<%s>\n    Your message %s\n", recipient->final_recipient,
                           sentence_for(recipient->action));
    if (recipient->action == DSN_FAILED && recipient->has_expired) {
        char date[MAIL_DATE_SIZE];
        mail_format_date(report->arrival_unix, report->utc_offset_minutes, date);
        g_string_append_printf(text, "    It has been tried since %s.\n", date);
    }
    tell_reason(text, recipient);
    if (recipient->action == DSN_DELAYED) {
        char date[MAIL_DATE_SIZE];
        mail_format_date(recipient->will_retry_until_unix, report->utc_offset_minutes, date);
        g_string_append_printf(text, "    It will be tried until %s.\n", date);
    }
}

static char *text_for_people(const DsnReport *report)
{
    GString *text = g_string_new(NULL);
    g_string_append_printf(text, "This is the mail server %s.\n", report->reporting_mta);
    for (size_t i = 0; i < report->recipient_count; i++)
        tell_recipient(text, report, &report->recipients[i]);
    return g_string_free(text, FALSE);
}

/* ---- The fields for programs: message/delivery-status (RFC 3464 §2) ---- */

/* One field, folded nowhere, so its value is cut; ASCII alone, since nobody promised more. */
static void append_field(GString *text, const char *name, const char *type, const char *value)
{
    if (value == NULL)
        return;
    g_string_append_printf(text, "%s: ", name);
    if (type != NULL)
        g_string_append_printf(text, "%s; ", type);
    size_t room = DSN_VALUE_MAX - strlen(name) - 16;
    for (const char *c = value; *c != '\0' && room > 0; c++, room--)
        g_string_append_c(text, g_ascii_isprint(*c) ? *c : '?');
    g_string_append_c(text, '\n');
}

static void append_date(GString *text, const char *name, int64_t unix_seconds, int offset)
{
    char date[MAIL_DATE_SIZE];
    mail_format_date(unix_seconds, offset, date);
    append_field(text, name, NULL, date);
}

/* QCHAR of RFC 6533 §3. */
static bool is_qchar(gunichar character)
{
    return character > ' ' && character < 0x7f && character != '\\' && character != '+' &&
           character != '=';
}

/* An address beyond ASCII is of the type utf-8 and has \x{…} for what is not (RFC 6533 §3). */
static void append_address(GString *text, const char *name, const char *address)
{
    if (g_str_is_ascii(address)) {
        append_field(text, name, "rfc822", address);
        return;
    }
    g_autoptr(GString) escaped = g_string_new(NULL);
    for (const char *c = address; *c != '\0'; c = g_utf8_next_char(c)) {
        gunichar character = g_utf8_get_char(c);
        if (is_qchar(character))
            g_string_append_unichar(escaped, character);
        else
            g_string_append_printf(escaped, "\\x{%X}", character);
    }
    append_field(text, name, "utf-8", escaped->str);
}

static void append_recipient(GString *text, const DsnReport *report, const DsnRecipient *recipient)
{
    int offset = report->utc_offset_minutes;
    g_string_append_c(text, '\n');
    append_field(text, "Original-Recipient", NULL, recipient->original_recipient);
    append_address(text, "Final-Recipient", recipient->final_recipient);
    append_field(text, "Action", NULL, dsn_action_text(recipient->action));
    append_field(text, "Status", NULL, recipient->status);
    append_field(text, "Remote-MTA", "dns", recipient->remote_mta);
    append_field(text, "Diagnostic-Code", "smtp", recipient->reply);
    append_date(text, "Last-Attempt-Date", recipient->last_attempt_unix, offset);
    if (recipient->action == DSN_DELAYED) /* RFC 3464 §2.3.9: for delayed ones alone */
        append_date(text, "Will-Retry-Until", recipient->will_retry_until_unix, offset);
}

static char *fields_for_programs(const DsnReport *report)
{
    GString *text = g_string_new(NULL);
    append_field(text, "Original-Envelope-Id", NULL, report->envelope_id);
    append_field(text, "Reporting-MTA", "dns", report->reporting_mta);
    append_date(text, "Arrival-Date", report->arrival_unix, report->utc_offset_minutes);
    for (size_t i = 0; i < report->recipient_count; i++)
        append_recipient(text, report, &report->recipients[i]);
    return g_string_free(text, FALSE);
}

/* ---- The whole ---- */

/* What is returned of the original (RFC 3461 §6.2), as it stands: it is data here, and not ours to
 * recode (RFC 6522 §4). */
static GMimePart *returned_part_new(const DsnReport *report, Span returned)
{
    GMimeContentEncoding encoding = GMIME_CONTENT_ENCODING_7BIT;
    for (size_t i = 0; i < returned.length; i++)
        if (returned.data[i] >= 0x80)
            encoding = GMIME_CONTENT_ENCODING_8BIT;
    return report->return_full ? mime_part_new("message", "rfc822", NULL, returned, encoding)
                               : mime_part_new("text", "rfc822-headers", NULL, returned, encoding);
}

static GMimeMultipart *body_new(const DsnReport *report)
{
    g_autofree char *text = text_for_people(report);
    g_autofree char *fields = fields_for_programs(report);
    Span returned = report->original;
    if (!report->return_full)
        returned.length = message_body_offset(report->original);
    Span contents[] = {span_of_text(text), span_of_text(fields), returned};
    g_autofree char *boundary =
        mime_boundary_new(report->boundary_seed, contents, G_N_ELEMENTS(contents));
    GMimeMultipart *multipart = mime_multipart_new("report", boundary);
    g_mime_object_set_content_type_parameter(GMIME_OBJECT(multipart), "report-type",
                                             "delivery-status");
    g_autoptr(GMimePart) first = mime_text_part_new(text);
    g_autoptr(GMimePart) second =
        mime_part_new("message", "delivery-status", NULL, contents[1], GMIME_CONTENT_ENCODING_7BIT);
    g_autoptr(GMimePart) third = returned_part_new(report, returned);
    g_mime_multipart_add(multipart, GMIME_OBJECT(first));
    g_mime_multipart_add(multipart, GMIME_OBJECT(second));
    g_mime_multipart_add(multipart, GMIME_OBJECT(third));
    return multipart;
}

static void add_field(GMimeMessage *message, const char *name, const char *value)
{
    g_mime_object_append_header(GMIME_OBJECT(message), name, value, "utf-8");
}

/* So that a user agent shows the notice beside the mail; only where the identifier is a sound one
 * that fits on a line. */
static void add_thread(GMimeMessage *message, Span original)
{
    Span id = message_find_header(original, "Message-ID");
    bool sound = id.length > 2 && id.length < ADDRESS_PATH_MAX && id.data[0] == '<' &&
                 span_find(id, '>') == id.length - 1;
    for (size_t i = 0; i < id.length; i++)
        sound = sound && g_ascii_isgraph(id.data[i]);
    if (!sound)
        return;
    g_autofree char *text = span_dup_text(id);
    add_field(message, "In-Reply-To", text);
    add_field(message, "References", text);
}

static void add_header(GMimeMessage *message, const DsnReport *report)
{
    char date[MAIL_DATE_SIZE];
    mail_format_date(report->date_unix, report->utc_offset_minutes, date);
    g_autofree char *from =
        g_strdup_printf("Mail Delivery System <MAILER-DAEMON@%s>", report->reporting_mta);
    g_autofree char *to = g_strdup_printf("<%s>", report->to);
    g_autofree char *message_id = g_strdup_printf("<%s>", report->message_id);
    add_field(message, "Date", date);
    add_field(message, "From", from);
    add_field(message, "To", to);
    add_field(message, "Subject", subject_for(main_action(report)));
    add_field(message, "Message-ID", message_id);
    add_thread(message, report->original);
    add_field(message, "Auto-Submitted", "auto-replied"); /* RFC 3834 §5 */
}

Octets *dsn_compose(const DsnReport *report)
{
    CHECK(report->recipient_count > 0);
    CHECK(address_is_domain(span_of_text(report->reporting_mta)));
    CHECK(report->to[0] != '\0' && address_text_is_valid(report->to));
    mime_start();
    g_autoptr(GMimeMessage) message = g_mime_message_new(FALSE);
    add_header(message, report);
    g_autoptr(GMimeMultipart) body = body_new(report);
    g_mime_message_set_mime_part(message, GMIME_OBJECT(body));
    return mime_write(message);
}
