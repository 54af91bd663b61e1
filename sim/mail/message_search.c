/* Looking for a text in a message. See message_search.h. */
#include "mail/message_search.h"

#include "mail/message.h"
#include "mail/mime.h"
#include "mail/mime_tree.h"

#include <string.h>

/* ASCII, which most mail is, needs neither a check nor Unicode's tables. */
static void append_folded(GString *folded, Span text)
{
    if (text.length == 0)
        return;
    if (!span_is_ascii(text)) {
        g_autofree char *valid = g_utf8_make_valid((const char *)text.data, (gssize)text.length);
        g_autofree char *other = g_utf8_casefold(valid, -1);
        g_string_append(folded, other);
        return;
    }
    gsize at = folded->len;
    g_string_append_len(folded, (const char *)text.data, (gssize)text.length);
    for (; at < folded->len; at++)
        folded->str[at] = g_ascii_tolower(folded->str[at]);
}

char *message_search_key(Span text)
{
    if (text.length > 0 && !g_utf8_validate((const char *)text.data, (gssize)text.length, NULL))
        return NULL;
    GString *folded = g_string_sized_new(text.length + 1);
    append_folded(folded, text);
    return g_string_free(folded, FALSE);
}

static bool holds(const GString *folded, const char *key)
{
    return key[0] == '\0' || memmem(folded->str, folded->len, key, strlen(key)) != NULL;
}

/* ---- Fields ---- */

/* RFC 5322 §2.2.3: a fold is a line end before white space, of which the tab shows as a space. */
static char *dup_unfolded(Span value)
{
    GString *text = g_string_sized_new(value.length + 1);
    for (size_t i = 0; i < value.length; i++) {
        char c = (char)value.data[i];
        if (c != '\r' && c != '\n' && c != '\0')
            g_string_append_c(text, c == '\t' ? ' ' : c);
    }
    return g_string_free(text, FALSE);
}

static void append_value(GString *folded, Span value)
{
    g_autofree char *text = dup_unfolded(value);
    g_autofree char *decoded = strstr(text, "=?") != NULL ? mime_decode_header(text) : NULL;
    append_folded(folded, span_of_text(decoded != NULL ? decoded : text));
}

static void append_header(GString *folded, Span header)
{
    size_t position = 0;
    Span name, value;
    while (message_next_header(header, &position, &name, &value)) {
        append_folded(folded, name);
        g_string_append_c(folded, ':');
        append_value(folded, value);
        g_string_append_c(folded, '\0');
    }
}

bool message_search_field(const MessageSearch *search, const char *name, const char *key)
{
    g_autoptr(GString) folded = g_string_new(NULL);
    size_t position = 0;
    Span found, value;
    while (message_next_header_named(search->message, name, &position, &found, &value)) {
        g_string_truncate(folded, 0);
        append_value(folded, value);
        if (holds(folded, key))
            return true;
    }
    return false;
}

/* ---- Parts ---- */

/* Octets that are UTF-8 already are not copied first. */
static void append_converted(GString *folded, Span octets, const char *charset)
{
    if (mime_charset_is_utf8(charset)) {
        append_folded(folded, octets);
        return;
    }
    g_autofree char *text = mime_dup_utf8(octets, charset);
    append_folded(folded, span_of_text(text));
}

static void append_text_part(GString *folded, const MimePart *part)
{
    const char *charset = mime_field_parameter(&part->content, "charset");
    if (mime_part_is_as_it_is(part)) {
        append_converted(folded, part->body, charset);
    } else {
        Octets *decoded = mime_part_decode(part);
        if (decoded == NULL)
            return;
        append_converted(folded, span_of_octets(decoded), charset);
        octets_unref(decoded);
    }
    g_string_append_c(folded, '\0');
}

/* RFC 9051 §6.4.4: other media may be left out. A message/delivery-status is read as a text. */
static bool is_looked_at(const MimePart *part)
{
    return g_ascii_strcasecmp(part->content.type, "text") == 0 ||
           g_ascii_strcasecmp(part->content.type, "message") == 0;
}

/* Recursion is bounded by MIME_DEPTH_MAX. The header of a message within belongs to its body. */
static void append_part(MessageSearch *search, const MimePart *part, bool is_message)
{
    append_header(is_message ? search->body : search->headers, part->header);
    for (size_t i = 0; i < part->part_count; i++)
        append_part(search, part->parts[i], mime_part_is_message(part));
    if (part->part_count == 0 && is_looked_at(part))
        append_text_part(search->body, part);
}

static void read_parts(MessageSearch *search)
{
    if (search->body != NULL)
        return;
    search->headers = g_string_new(NULL);
    search->body = g_string_sized_new(search->message.length + 1);
    MimePart *root = mime_tree_new(search->message);
    append_part(search, root, false);
    mime_tree_free(root);
}

bool message_search_body(MessageSearch *search, const char *key)
{
    read_parts(search);
    return holds(search->body, key);
}

bool message_search_text(MessageSearch *search, const char *key)
{
    read_parts(search);
    return holds(search->headers, key) || holds(search->body, key);
}

void message_search_clear(MessageSearch *search)
{
    if (search->body != NULL) {
        g_string_free(search->headers, TRUE);
        g_string_free(search->body, TRUE);
    }
    *search = (MessageSearch){0};
}
