/* GMime 3, kept deterministic.
 *
 * What would leak is never asked of it: it makes boundaries from chance, picks charsets by locale,
 * and reads the clock for a missing date. So boundaries are ours, charsets are named, and dates are
 * written by mail/date.h. It writes lines ending in LF, and one pass makes them CRLF. */
#include "mail/mime.h"

#include <string.h>

enum {
    LINE_MAX_OCTETS = 998, /* RFC 5322 §2.1.1 */
    PART_DEPTH_MAX = 32,   /* deeper parts are not looked at */
};

void mime_start(void)
{
    static gsize started; /* GMime's own state is global; this only says that it is there */
    if (g_once_init_enter(&started)) {
        g_mime_init();
        g_once_init_leave(&started, 1);
    }
}

/* ---- Writing ---- */

typedef struct TextShape {
    size_t length;
    size_t foreign;      /* octets that are neither printable ASCII nor blank */
    size_t longest_line; /* octets without line end */
} TextShape;

/* In a line. */
static size_t count_foreign(Span line)
{
    size_t foreign = 0;
    for (uint64_t eight; line.length > 0; line = span_skip(line, 1)) {
        for (; line.length >= sizeof eight; line = span_skip(line, sizeof eight)) {
            memcpy(&eight, line.data, sizeof eight);
            if (!octets_are_printable(eight))
                break;
        }
        if (line.length == 0)
            break;
        foreign += !g_ascii_isprint((char)line.data[0]) && line.data[0] != '\t';
    }
    return foreign;
}

static TextShape shape_of(const char *text)
{
    TextShape shape = {.length = strlen(text)};
    for (const char *line = text; *line != '\0';) {
        const char *end = strchrnul(line, '\n');
        shape.longest_line = MAX(shape.longest_line, (size_t)(end - line));
        shape.foreign += count_foreign(span_of(line, (size_t)(end - line)));
        line = *end == '\n' ? end + 1 : end;
    }
    return shape;
}

GMimeContentEncoding mime_encoding_for(const char *text)
{
    TextShape shape = shape_of(text);
    if (shape.foreign == 0 && shape.longest_line <= LINE_MAX_OCTETS)
        return GMIME_CONTENT_ENCODING_7BIT;
    /* Quoted-printable triples a foreign octet and base64 adds a third to all: beyond one in six,
     * base64 is the shorter. */
    return shape.foreign * 6 < shape.length ? GMIME_CONTENT_ENCODING_QUOTEDPRINTABLE
                                            : GMIME_CONTENT_ENCODING_BASE64;
}

GMimePart *mime_part_new(const char *type, const char *subtype, const char *charset, Span content,
                         GMimeContentEncoding encoding)
{
    GMimePart *part = g_mime_part_new_with_type(type, subtype);
    if (charset != NULL)
        g_mime_object_set_content_type_parameter(GMIME_OBJECT(part), "charset", charset);
    GMimeStream *stream =
        g_mime_stream_mem_new_with_buffer((const char *)content.data, content.length);
    GMimeDataWrapper *wrapper =
        g_mime_data_wrapper_new_with_stream(stream, GMIME_CONTENT_ENCODING_DEFAULT);
    g_mime_part_set_content(part, wrapper);
    g_mime_part_set_content_encoding(part, encoding);
    g_object_unref(wrapper);
    g_object_unref(stream);
    return part;
}

/* Text with LF as text with CRLF. */
static char *dup_with_crlf(const char *text)
{
    GString *crlf = g_string_sized_new(strlen(text) + 1);
    for (const char *c = text; *c != '\0'; c++) {
        if (*c == '\n')
            g_string_append_c(crlf, '\r');
        g_string_append_c(crlf, *c);
    }
    return g_string_free(crlf, FALSE);
}

GMimePart *mime_text_part_new(const char *text)
{
    const char *charset = g_str_is_ascii(text) ? "us-ascii" : "utf-8";
    GMimeContentEncoding encoding = mime_encoding_for(text);
    if (encoding != GMIME_CONTENT_ENCODING_BASE64)
        return mime_part_new("text", "plain", charset, span_of_text(text), encoding);
    /* Base64 hides line ends, so they must be CRLF inside of it (RFC 2045 §6.8). */
    g_autofree char *canonical = dup_with_crlf(text);
    return mime_part_new("text", "plain", charset, span_of_text(canonical), encoding);
}

/* FNV-1a: a fixed function of the text, unlike GLib's hashes, which may change. */
static uint64_t hash_text(const char *text)
{
    uint64_t hash = UINT64_C(0xcbf29ce484222325);
    for (const char *c = text; *c != '\0'; c++)
        hash = (hash ^ (uint8_t)*c) * UINT64_C(0x100000001b3);
    return hash;
}

static bool stands_in_any(const char *boundary, const Span *contents, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (contents[i].length > 0 &&
            memmem(contents[i].data, contents[i].length, boundary, strlen(boundary)) != NULL)
            return true;
    return false;
}

char *mime_boundary_new(const char *seed, const Span *contents, size_t count)
{
    uint64_t hash = hash_text(seed);
    for (;; hash++) {
        /* "=_" can stand neither in quoted-printable nor in base64 (RFC 2045 §6.7). */
        g_autofree char *boundary = g_strdup_printf("=_%016" G_GINT64_MODIFIER "x", hash);
        if (!stands_in_any(boundary, contents, count))
            return g_steal_pointer(&boundary);
    }
}

GMimeMultipart *mime_multipart_new(const char *subtype, const char *boundary)
{
    GMimeMultipart *multipart = g_mime_multipart_new_with_subtype(subtype);
    g_mime_multipart_set_boundary(multipart, boundary);
    return multipart;
}

Octets *mime_with_crlf(Span octets)
{
    size_t lines = 0;
    for (size_t at = 0; (at += span_find(span_skip(octets, at), '\n')) < octets.length; at++)
        lines++;
    Octets *crlf = octets_allocate(octets.length + lines);
    uint8_t *to = crlf->here;
    while (octets.length > 0) {
        size_t line = span_find(octets, '\n');
        memcpy(to, octets.data, line);
        to += line;
        if (line == octets.length)
            break;
        if (line == 0 || octets.data[line - 1] != '\r')
            *to++ = '\r';
        *to++ = '\n';
        octets = span_skip(octets, line + 1);
    }
    crlf->length = (size_t)(to - crlf->here);
    crlf->is_plain = span_is_plain(span_of_octets(crlf));
    return crlf;
}

Octets *mime_write(GMimeMessage *message)
{
    GMimeFormatOptions *options = g_mime_format_options_new();
    g_mime_format_options_set_newline_format(options, GMIME_NEWLINE_FORMAT_UNIX);
    g_mime_format_options_set_param_encoding_method(options, GMIME_PARAM_ENCODING_METHOD_RFC2231);
    GMimeStream *stream = g_mime_stream_mem_new();
    g_mime_object_write_to_stream(GMIME_OBJECT(message), options, stream);
    const GByteArray *octets = g_mime_stream_mem_get_byte_array(GMIME_STREAM_MEM(stream));
    Octets *bytes = mime_with_crlf(span_of(octets->data, octets->len));
    g_object_unref(stream);
    g_mime_format_options_free(options);
    return bytes;
}

char *mime_dup_lines(const char *text)
{
    GString *lines = g_string_sized_new(strlen(text) + 1);
    for (const char *c = text; *c != '\0';) {
        size_t length = (size_t)(strchrnul(c, '\r') - c);
        g_string_append_len(lines, c, (gssize)length);
        c += length;
        if (*c == '\r' && *++c != '\n')
            g_string_append_c(lines, '\n');
    }
    if (lines->len > 0 && lines->str[lines->len - 1] != '\n')
        g_string_append_c(lines, '\n');
    return g_string_free(lines, FALSE);
}

/* ---- Reading ---- */

/* Charsets for octets that name none: never the locale's. */
static GMimeParserOptions *reading_options_new(void)
{
    const char *charsets[] = {"utf-8", "iso-8859-1", NULL};
    GMimeParserOptions *options = g_mime_parser_options_new();
    g_mime_parser_options_set_fallback_charsets(options, charsets);
    return options;
}

GMimeMessage *mime_parse(Span octets)
{
    mime_start();
    GMimeParserOptions *options = reading_options_new();
    GMimeStream *stream =
        g_mime_stream_mem_new_with_buffer((const char *)octets.data, octets.length);
    GMimeParser *parser = g_mime_parser_new_with_stream(stream);
    GMimeMessage *message = g_mime_parser_construct_message(parser, options);
    g_object_unref(parser);
    g_object_unref(stream);
    g_mime_parser_options_free(options);
    return message;
}

static GMimeObject *find_part_below(GMimeObject *part, bool (*matches)(GMimeObject *), int depth)
{
    if (part == NULL || depth > PART_DEPTH_MAX)
        return NULL;
    if (!GMIME_IS_MULTIPART(part))
        return matches(part) ? part : NULL;
    GMimeMultipart *multipart = GMIME_MULTIPART(part);
    for (int i = 0; i < g_mime_multipart_get_count(multipart); i++) {
        GMimeObject *found =
            find_part_below(g_mime_multipart_get_part(multipart, i), matches, depth + 1);
        if (found != NULL)
            return found;
    }
    return NULL;
}

GMimeObject *mime_find_part(GMimeMessage *message, bool (*matches)(GMimeObject *part))
{
    return find_part_below(g_mime_message_get_mime_part(message), matches, 0);
}

Octets *mime_part_content(GMimePart *part)
{
    GMimeDataWrapper *wrapper = g_mime_part_get_content(part);
    GMimeStream *stream = g_mime_stream_mem_new();
    if (wrapper != NULL)
        g_mime_data_wrapper_write_to_stream(wrapper, stream);
    const GByteArray *octets = g_mime_stream_mem_get_byte_array(GMIME_STREAM_MEM(stream));
    Octets *bytes = octets_new(octets->data, octets->len);
    g_object_unref(stream);
    return bytes;
}

bool mime_charset_is_utf8(const char *charset)
{
    return charset == NULL || g_ascii_strcasecmp(charset, "utf-8") == 0 ||
           g_ascii_strcasecmp(charset, "us-ascii") == 0;
}

char *mime_dup_utf8(Span octets, const char *charset)
{
    const char *text = (const char *)octets.data;
    g_autofree char *converted = NULL;
    gsize length = 0;
    if (!mime_charset_is_utf8(charset)) {
        mime_start();
        /* GMime knows names that mail uses and iconv does not, such as ks_c_5601-1987. */
        const char *known = g_mime_charset_iconv_name(charset);
        converted = g_convert(text, (gssize)octets.length, "utf-8", known, NULL, &length, NULL);
    }
    if (converted != NULL)
        return g_utf8_make_valid(converted, (gssize)length);
    return g_utf8_make_valid(octets.length > 0 ? text : "", (gssize)octets.length);
}

/* The length of the encoded-word at the start of `text`, `=?charset?encoding?text?=` without
 * blanks (RFC 2047 §2), or 0. */
static size_t encoded_word_length(const char *text)
{
    size_t at = 2;
    if (!g_str_has_prefix(text, "=?"))
        return 0;
    for (int marks = 0; g_ascii_isgraph(text[at]); at++)
        if (text[at] == '?' && ++marks == 3)
            return text[at + 1] == '=' ? at + 2 : 0;
    return 0;
}

/* Words are decoded one by one, since each stands alone (RFC 2047 §5): GMime joins words that
 * follow one another and then stops at the first base64 padding. */
static void append_decoded_word(GString *text, GMimeParserOptions *options, const char *word,
                                size_t length)
{
    g_autofree char *encoded = g_strndup(word, length);
    g_autofree char *decoded = g_mime_utils_header_decode_text(options, encoded);
    g_string_append(text, decoded != NULL ? decoded : encoded);
}

char *mime_decode_header(const char *value)
{
    mime_start();
    GMimeParserOptions *options = reading_options_new();
    g_autoptr(GString) text = g_string_new(NULL);
    while (*value != '\0') {
        size_t length = encoded_word_length(value);
        if (length == 0) {
            g_string_append_c(text, *value++);
            continue;
        }
        append_decoded_word(text, options, value, length);
        value += length;
        size_t blanks = strspn(value, " \t"); /* not shown between two words, RFC 2047 §6.2 */
        if (encoded_word_length(value + blanks) > 0)
            value += blanks;
    }
    g_mime_parser_options_free(options);
    return g_utf8_make_valid(text->str, (gssize)text->len);
}
