/* Reading delivery status notifications: RFC 3464 §2. Whatever a report says is a claim of whoever
 * sent it; reading is generous and bounded. */
#include "mail/dsn.h"

#include "mail/message.h"
#include "mail/mime.h"

#include <string.h>

/* ---- Parts ---- */

static bool is_delivery_status(GMimeObject *part)
{
    GMimeContentType *type = g_mime_object_get_content_type(part);
    return GMIME_IS_PART(part) && g_mime_content_type_is_type(type, "message", "delivery-status");
}

static bool is_returned_header(GMimeObject *part)
{
    GMimeContentType *type = g_mime_object_get_content_type(part);
    return GMIME_IS_PART(part) && g_mime_content_type_is_type(type, "text", "rfc822-headers");
}

static bool is_returned_message(GMimeObject *part)
{
    return GMIME_IS_MESSAGE_PART(part);
}

/* ---- Values ---- */

/* The value of a field within a group, unfolded, valid UTF-8 and cut; NULL when absent. */
static char *dup_value(Span group, const char *name)
{
    g_autofree char *raw = message_dup_header(group, name);
    if (raw == NULL)
        return NULL;
    if (strlen(raw) > DSN_VALUE_MAX)
        raw[DSN_VALUE_MAX] = '\0';
    return g_utf8_make_valid(raw, -1);
}

/* The same without the type in front: `rfc822; bob@b.test` gives `bob@b.test`. */
static char *dup_typed_value(Span group, const char *name)
{
    char *value = dup_value(group, name);
    char *semicolon = value != NULL ? strchr(value, ';') : NULL;
    if (semicolon != NULL) {
        memmove(value, semicolon + 1, strlen(semicolon + 1) + 1);
        g_strstrip(value);
    }
    return value;
}

/* ---- The report ---- */

/* Takes the next group of fields off the front of `text`: lines up to an empty one (RFC 3464 §2.1);
 * empty lines before it do not count. */
static bool take_group(Span *text, Span *group)
{
    while (text->length > 0 && (text->data[0] == '\r' || text->data[0] == '\n'))
        *text = span_skip(*text, 1);
    *group = *text;
    group->length = message_body_offset(*text);
    *text = span_skip(*text, group->length);
    return group->length > 0;
}

static DsnStatus status_of_group(Span group)
{
    return (DsnStatus){
        .final_recipient = dup_typed_value(group, "Final-Recipient"),
        .original_recipient = dup_typed_value(group, "Original-Recipient"),
        .action = dup_value(group, "Action"),
        .status = dup_value(group, "Status"),
        .remote_mta = dup_typed_value(group, "Remote-MTA"),
        .diagnostic = dup_typed_value(group, "Diagnostic-Code"),
        .last_attempt = dup_value(group, "Last-Attempt-Date"),
        .will_retry_until = dup_value(group, "Will-Retry-Until"),
    };
}

static void read_fields(Dsn *dsn, Span text)
{
    Span group;
    if (!take_group(&text, &group))
        return;
    dsn->reporting_mta = dup_typed_value(group, "Reporting-MTA");
    dsn->envelope_id = dup_value(group, "Original-Envelope-Id");
    dsn->arrival_date = dup_value(group, "Arrival-Date");
    GArray *recipients = g_array_new(FALSE, FALSE, sizeof(DsnStatus));
    while (recipients->len < DSN_RECIPIENTS_MAX && take_group(&text, &group)) {
        DsnStatus status = status_of_group(group);
        g_array_append_val(recipients, status);
    }
    dsn->recipient_count = recipients->len;
    dsn->recipients = (DsnStatus *)(void *)g_array_free(recipients, FALSE);
}

/* The identifier of the mail that the report is about, from what it returns. */
static char *dup_original_id(GMimeMessage *message)
{
    GMimeObject *header = mime_find_part(message, is_returned_header);
    if (header != NULL) {
        g_autoptr(Octets) content = mime_part_content(GMIME_PART(header));
        g_autofree char *id = dup_value(span_of_octets(content), "Message-ID");
        return id != NULL ? g_mime_utils_decode_message_id(id) : NULL;
    }
    GMimeObject *part = mime_find_part(message, is_returned_message);
    GMimeMessage *returned =
        part != NULL ? g_mime_message_part_get_message(GMIME_MESSAGE_PART(part)) : NULL;
    const char *id = returned != NULL ? g_mime_message_get_message_id(returned) : NULL;
    return id != NULL ? g_utf8_make_valid(id, -1) : NULL;
}

Dsn *dsn_parse(Span message)
{
    g_autoptr(GMimeMessage) parsed = mime_parse(message);
    GMimeObject *part = parsed != NULL ? mime_find_part(parsed, is_delivery_status) : NULL;
    if (part == NULL)
        return NULL;
    Dsn *dsn = g_new0(Dsn, 1);
    g_autoptr(Octets) content = mime_part_content(GMIME_PART(part));
    read_fields(dsn, span_of_octets(content));
    dsn->original_message_id = dup_original_id(parsed);
    return dsn;
}

static void status_clear(DsnStatus *status)
{
    g_free(status->final_recipient);
    g_free(status->original_recipient);
    g_free(status->action);
    g_free(status->status);
    g_free(status->remote_mta);
    g_free(status->diagnostic);
    g_free(status->last_attempt);
    g_free(status->will_retry_until);
}

void dsn_free(Dsn *dsn)
{
    if (dsn == NULL)
        return;
    for (size_t i = 0; i < dsn->recipient_count; i++)
        status_clear(&dsn->recipients[i]);
    g_free(dsn->recipients);
    g_free(dsn->reporting_mta);
    g_free(dsn->envelope_id);
    g_free(dsn->arrival_date);
    g_free(dsn->original_message_id);
    g_free(dsn);
}
