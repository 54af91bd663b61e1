/* MIME parts as octet ranges. See mime_tree.h. */
#include "mail/mime_tree.h"

#include "mail/message.h"
#include "mail/mime.h"
#include "mail/structured_field.h"

/* ---- Fields ---- */

static void parameter_clear(void *parameter)
{
    MimeParameter *its = parameter;
    g_free(its->name);
    g_free(its->value);
}

void mime_field_clear(MimeField *field)
{
    g_free(field->type);
    g_free(field->subtype);
    if (field->parameters != NULL)
        g_array_unref(field->parameters);
    *field = (MimeField){0};
}

static char *dup_token(const FieldToken *token)
{
    GString *text = g_string_new(NULL);
    field_token_append(token, text);
    return g_string_free(text, FALSE);
}

static void add_parameter(MimeField *field, const char *name, const char *value)
{
    if (field->parameters == NULL) {
        field->parameters = g_array_new(FALSE, FALSE, sizeof(MimeParameter));
        g_array_set_clear_func(field->parameters, parameter_clear);
    }
    const MimeParameter parameter = {g_strdup(name), g_strdup(value)};
    if (field->parameters->len < MIME_PARAMETERS_MAX)
        g_array_append_val(field->parameters, parameter);
    else
        parameter_clear(&(MimeParameter){parameter.name, parameter.value});
}

const char *mime_field_parameter(const MimeField *field, const char *name)
{
    for (guint i = 0; field->parameters != NULL && i < field->parameters->len; i++) {
        const MimeParameter *its = &g_array_index(field->parameters, MimeParameter, i);
        if (g_ascii_strcasecmp(its->name, name) == 0)
            return its->value;
    }
    return NULL;
}

/* `; name=value` again and again; what is no parameter is passed over (RFC 2045 §5.1). */
static void take_parameters(MimeField *field, Span rest)
{
    FieldToken token = field_token_take(&rest, FIELD_SEPARATORS_MIME);
    while (token.kind != FIELD_TOKEN_END) {
        if (!field_token_is(&token, ';')) {
            token = field_token_take(&rest, FIELD_SEPARATORS_MIME);
            continue;
        }
        FieldToken name = token = field_token_take(&rest, FIELD_SEPARATORS_MIME);
        if (name.kind != FIELD_TOKEN_WORD)
            continue;
        token = field_token_take(&rest, FIELD_SEPARATORS_MIME);
        if (!field_token_is(&token, '='))
            continue;
        token = field_token_take(&rest, FIELD_SEPARATORS_MIME);
        if (token.kind != FIELD_TOKEN_WORD && token.kind != FIELD_TOKEN_QUOTED)
            continue;
        g_autofree char *name_text = dup_token(&name);
        g_autofree char *value_text = dup_token(&token);
        add_parameter(field, name_text, value_text);
        token = field_token_take(&rest, FIELD_SEPARATORS_MIME);
    }
}

static MimeField field_parse(Span value, bool has_subtype)
{
    MimeField field = {0};
    FieldToken type = field_token_take(&value, FIELD_SEPARATORS_MIME), subtype = {0};
    if (type.kind != FIELD_TOKEN_WORD)
        return field;
    if (has_subtype) {
        FieldToken slash = field_token_take(&value, FIELD_SEPARATORS_MIME);
        subtype = field_token_take(&value, FIELD_SEPARATORS_MIME);
        if (!field_token_is(&slash, '/') || subtype.kind != FIELD_TOKEN_WORD)
            return field;
        field.subtype = dup_token(&subtype);
    }
    field.type = dup_token(&type);
    take_parameters(&field, value);
    return field;
}

MimeField mime_part_field(const MimePart *part, const char *name)
{
    return field_parse(message_find_header(part->header, name), false);
}

char *mime_part_dup_field(const MimePart *part, const char *name)
{
    return message_dup_header(part->header, name);
}

/* RFC 2045 §5.2, RFC 2046 §5.1.5: within a digest parts are messages by default. */
static void set_default_content(MimePart *part, bool is_in_digest)
{
    mime_field_clear(&part->content);
    part->content.type = g_strdup(is_in_digest ? "message" : "text");
    part->content.subtype = g_strdup(is_in_digest ? "rfc822" : "plain");
    if (!is_in_digest)
        add_parameter(&part->content, "charset", "us-ascii");
}

static void set_content_of_octets(MimePart *part)
{
    mime_field_clear(&part->content);
    part->content.type = g_strdup("application");
    part->content.subtype = g_strdup("octet-stream");
}

static bool content_is(const MimePart *part, const char *type, const char *subtype)
{
    return g_ascii_strcasecmp(part->content.type, type) == 0 &&
           (subtype == NULL || g_ascii_strcasecmp(part->content.subtype, subtype) == 0);
}

bool mime_part_is_multipart(const MimePart *part)
{
    return part->part_count > 0 && content_is(part, "multipart", NULL);
}

bool mime_part_is_message(const MimePart *part)
{
    return part->part_count > 0 && !mime_part_is_multipart(part);
}

/* ---- Parts ---- */

/* `count` is that of the parts so far. */
static MimePart *read_part(Span octets, unsigned depth, bool is_in_digest, size_t *count);

static void add_part(MimePart *part, Span octets, unsigned depth, bool is_digest, size_t *count)
{
    if (*count >= MIME_PARTS_MAX)
        return;
    part->parts = g_renew(MimePart *, part->parts, part->part_count + 1);
    part->parts[part->part_count++] = read_part(octets, depth + 1, is_digest, count);
}

/* RFC 2046 §5.1.1: `--boundary`, or `--boundary--`, and white space behind it. The RFC lets
 * anything stand behind it; other readers do not, as one boundary may begin like another. */
static bool is_delimiter(Span line, Span boundary, bool *is_last)
{
    if (line.length < boundary.length + 2 || line.data[0] != '-' || line.data[1] != '-' ||
        memcmp(line.data + 2, boundary.data, boundary.length) != 0)
        return false;
    Span rest = span_skip(line, boundary.length + 2);
    bool has_hyphens = rest.length >= 2 && rest.data[0] == '-' && rest.data[1] == '-';
    for (size_t i = has_hyphens ? 2 : 0; i < rest.length; i++)
        if (!g_ascii_isspace(rest.data[i]))
            return false;
    *is_last = has_hyphens;
    return true;
}

/* The line end before a delimiter belongs to the delimiter. */
static Span without_line_end(Span octets)
{
    if (octets.length > 0 && octets.data[octets.length - 1] == '\n')
        octets.length--;
    if (octets.length > 0 && octets.data[octets.length - 1] == '\r')
        octets.length--;
    return octets;
}

static void read_multipart(MimePart *part, Span boundary, unsigned depth, size_t *count)
{
    bool is_digest = content_is(part, "multipart", "digest"), is_open = false, is_last = false;
    size_t start = 0, length = part->body.length;
    for (size_t at = 0; at < length && !is_last;) {
        size_t line = span_find(span_skip(part->body, at), '\n');
        size_t next = MIN(at + line + 1, length);
        if (is_delimiter(span_of(part->body.data + at, next - at), boundary, &is_last)) {
            if (is_open)
                add_part(part, without_line_end(span_of(part->body.data + start, at - start)),
                         depth, is_digest, count);
            is_open = !is_last;
            start = next;
        }
        at = next;
    }
    if (is_open) /* the end is missing */
        add_part(part, span_skip(part->body, start), depth, is_digest, count);
}

/* Without one it is 7bit (RFC 2045 §6.1); DEFAULT stands for all but the five of the RFC. */
static GMimeContentEncoding encoding_of(const MimePart *part)
{
    g_autofree char *name = mime_part_dup_field(part, "Content-Transfer-Encoding");
    GMimeContentEncoding encoding =
        name == NULL ? GMIME_CONTENT_ENCODING_7BIT : g_mime_content_encoding_from_string(name);
    return encoding == GMIME_CONTENT_ENCODING_UUENCODE ? GMIME_CONTENT_ENCODING_DEFAULT : encoding;
}

bool mime_part_is_as_it_is(const MimePart *part)
{
    GMimeContentEncoding encoding = encoding_of(part);
    return encoding == GMIME_CONTENT_ENCODING_7BIT || encoding == GMIME_CONTENT_ENCODING_8BIT ||
           encoding == GMIME_CONTENT_ENCODING_BINARY;
}

/* RFC 2045 §6.7 (3): white space at the end of a line has been added on the way. */
static GByteArray *without_trailing_blanks(Span text)
{
    GByteArray *kept = g_byte_array_sized_new((guint)text.length);
    size_t blanks = 0; /* at the end of `kept` */
    for (size_t i = 0; i < text.length; i++) {
        uint8_t c = text.data[i];
        if (c == '\r' || c == '\n')
            g_byte_array_set_size(kept, kept->len - (guint)blanks);
        blanks = c == ' ' || c == '\t' ? blanks + 1 : 0;
        g_byte_array_append(kept, &c, 1);
    }
    return kept;
}

/* What completes the last group of four letters, if somebody has left that out. */
static const char *missing_padding(Span text)
{
    size_t letters = 0;
    for (size_t i = 0; i < text.length; i++)
        letters += g_ascii_isalnum(text.data[i]) || text.data[i] == '+' || text.data[i] == '/' ||
                   text.data[i] == '=';
    static const char *const PADDING[] = {"", "", "==", "="};
    return PADDING[letters % 4];
}

static Octets *decode(GMimeContentEncoding encoding, Span text, const char *end)
{
    GMimeEncoding decoder;
    g_mime_encoding_init_decode(&decoder, encoding);
    Octets *decoded = octets_allocate(g_mime_encoding_outlen(&decoder, text.length + strlen(end)));
    char *to = (char *)decoded->here;
    size_t length = g_mime_encoding_step(&decoder, (const char *)text.data, text.length, to);
    decoded->length = length + g_mime_encoding_flush(&decoder, end, strlen(end), to + length);
    return decoded;
}

Octets *mime_part_decode(const MimePart *part)
{
    GMimeContentEncoding encoding = encoding_of(part);
    if (mime_part_is_as_it_is(part))
        return octets_new(part->body.data, part->body.length);
    if (encoding == GMIME_CONTENT_ENCODING_DEFAULT)
        return NULL;
    if (encoding == GMIME_CONTENT_ENCODING_BASE64)
        return decode(encoding, part->body, missing_padding(part->body));
    GByteArray *text = without_trailing_blanks(part->body);
    Octets *decoded = decode(encoding, span_of(text->data, text->len), "");
    g_byte_array_unref(text);
    return decoded;
}

static MimePart *read_part(Span octets, unsigned depth, bool is_in_digest, size_t *count)
{
    MimePart *part = g_new0(MimePart, 1);
    ++*count;
    size_t body = message_body_offset(octets);
    part->header = span_of(octets.data, body);
    part->body = span_skip(octets, body);
    Span type = message_find_header(part->header, "Content-Type");
    part->content = field_parse(type, true);
    if (part->content.type == NULL)
        set_default_content(part, is_in_digest && type.data == NULL);
    if (content_is(part, "multipart", NULL)) {
        const char *boundary = mime_field_parameter(&part->content, "boundary");
        if (boundary != NULL && boundary[0] != '\0' && depth < MIME_DEPTH_MAX)
            read_multipart(part, span_of_text(boundary), depth, count);
        if (part->part_count == 0)
            set_default_content(part, false);
    } else if (content_is(part, "message", "rfc822") || content_is(part, "message", "global")) {
        if (mime_part_is_as_it_is(part) && depth < MIME_DEPTH_MAX) /* RFC 2046 §5.2.1 */
            add_part(part, part->body, depth, false, count);
        if (part->part_count == 0)
            set_content_of_octets(part);
    }
    return part;
}

MimePart *mime_tree_new(Span message)
{
    size_t count = 0;
    return read_part(message, 0, false, &count);
}

void mime_tree_free(MimePart *part)
{
    for (size_t i = 0; i < part->part_count; i++)
        mime_tree_free(part->parts[i]);
    g_free(part->parts);
    mime_field_clear(&part->content);
    g_free(part);
}
