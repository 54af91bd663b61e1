/* Reading messages as a person does: text decoded, encoded words decoded. RFC 2045 to RFC 2047.
 *
 * Left out on purpose: HTML, which shows as it is written, and attachments. */
#include "mail/message.h"

#include "mail/mime.h"

char *message_dup_header_shown(Span message, const char *name)
{
    g_autofree char *value = message_dup_header(message, name);
    if (value == NULL)
        return NULL;
    g_strdelimit(value, "\t", ' '); /* folds are often at tabs */
    return mime_decode_header(value);
}

static bool is_shown_part(GMimeObject *part)
{
    const char *disposition = g_mime_object_get_disposition(part);
    bool is_attachment =
        disposition != NULL && g_ascii_strcasecmp(disposition, GMIME_DISPOSITION_ATTACHMENT) == 0;
    return GMIME_IS_PART(part) && !is_attachment;
}

static bool is_plain_text(GMimeObject *part)
{
    GMimeContentType *type = g_mime_object_get_content_type(part);
    return is_shown_part(part) && g_mime_content_type_is_type(type, "text", "plain");
}

static bool is_any_text(GMimeObject *part)
{
    GMimeContentType *type = g_mime_object_get_content_type(part);
    return is_shown_part(part) && g_mime_content_type_is_type(type, "text", "*");
}

char *message_dup_text(Span message)
{
    g_autoptr(GMimeMessage) parsed = mime_parse(message);
    if (parsed == NULL)
        return g_strdup("");
    GMimeObject *part = mime_find_part(parsed, is_plain_text);
    if (part == NULL)
        part = mime_find_part(parsed, is_any_text);
    if (part == NULL)
        return g_strdup("");
    g_autoptr(Octets) content = mime_part_content(GMIME_PART(part));
    size_t length = octets_length(content);
    const void *octets = octets_data(content);
    const char *charset = g_mime_object_get_content_type_parameter(part, "charset");
    g_autofree char *text = mime_dup_utf8(span_of(octets, length), charset);
    return mime_dup_lines(text);
}
