/* FETCH items and sections of a message, RFC 9051 §6.4.5. See imap_section.h. */
#include "proto/imap_section.h"

#include "core/check.h"
#include "mail/message.h"
#include "mail/mime_tree.h"

#include <string.h>

void imap_fetch_clear(ImapFetch *fetch)
{
    for (size_t i = 0; i < fetch->count; i++) {
        g_free(fetch->items[i].path);
        g_clear_pointer(&fetch->items[i].fields, g_ptr_array_unref);
        if (fetch->items[i].label != NULL)
            g_string_free(fetch->items[i].label, TRUE);
    }
    *fetch = (ImapFetch){0};
}

/* Item names hold letters, digits and dots; "[" begins a section. */
static Span lex_item_name(ImapLexer *lexer)
{
    uint8_t *start = lexer->at;
    while (lexer->at < lexer->end && (g_ascii_isalnum(*lexer->at) || *lexer->at == '.'))
        lexer->at++;
    return span_of(start, (size_t)(lexer->at - start));
}

/* RFC 9051 §9 header-list. */
static bool lex_fields(ImapLexer *lexer, ImapFetchItem *item)
{
    if (!imap_lexer_space(lexer) || !imap_lexer_char(lexer, '('))
        return false;
    g_string_append(item->label, " (");
    do {
        Span name;
        if (item->fields->len >= IMAP_SECTION_FIELDS_MAXIMUM || !imap_lexer_astring(lexer, &name))
            return false;
        /* The name is said again in the response, so it must be one that can be: field-name. */
        for (size_t i = 0; i < name.length; i++) {
            if (!g_ascii_isgraph(name.data[i]) || strchr(":(){\"\\]%*", name.data[i]) != NULL)
                return false;
        }
        if (name.length == 0)
            return false;
        if (item->fields->len > 0)
            g_string_append_c(item->label, ' ');
        g_string_append_len(item->label, (const char *)name.data, (gssize)name.length);
        g_ptr_array_add(item->fields, span_dup_text(name));
    } while (imap_lexer_space(lexer));
    g_string_append_c(item->label, ')');
    return imap_lexer_char(lexer, ')');
}

/* "1.2", and the dot behind it if there is more; a number is not zero. */
static bool lex_path(ImapLexer *lexer, ImapFetchItem *item)
{
    bool more = g_ascii_isdigit(imap_lexer_peek(lexer));
    while (more && g_ascii_isdigit(imap_lexer_peek(lexer))) {
        uint32_t number;
        if (item->path_length == IMAP_SECTION_DEPTH_MAXIMUM ||
            !imap_lexer_number32(lexer, &number) || number == 0)
            return false;
        g_string_append_printf(item->label, item->path_length > 0 ? ".%u" : "%u", number);
        item->path = g_renew(uint32_t, item->path, item->path_length + 1);
        item->path[item->path_length++] = number;
        more = imap_lexer_char(lexer, '.');
    }
    if (more)
        g_string_append_c(item->label, '.');
    return item->path_length == 0 || more == g_ascii_isalpha(imap_lexer_peek(lexer));
}

static bool lex_section_part(ImapLexer *lexer, ImapFetchItem *item)
{
    static const struct {
        const char *name;
        ImapSectionPart part;
    } parts[] = {
        {"", IMAP_SECTION_WHOLE},
        {"HEADER", IMAP_SECTION_HEADER},
        {"HEADER.FIELDS", IMAP_SECTION_FIELDS},
        {"HEADER.FIELDS.NOT", IMAP_SECTION_FIELDS_NOT},
        {"TEXT", IMAP_SECTION_TEXT},
        {"MIME", IMAP_SECTION_MIME},
    };
    Span name = lex_item_name(lexer);
    for (size_t i = 0; i < G_N_ELEMENTS(parts); i++) {
        if (!span_equals_text_nocase(name, parts[i].name))
            continue;
        item->part = parts[i].part;
        g_string_append(item->label, parts[i].name);
        if (item->part == IMAP_SECTION_MIME && item->path_length == 0)
            return false;
        bool listed = item->part == IMAP_SECTION_FIELDS || item->part == IMAP_SECTION_FIELDS_NOT;
        return !listed || lex_fields(lexer, item);
    }
    return false;
}

/* "<first.count>", RFC 9051 §9 partial; the count is not zero. */
static bool lex_partial(ImapLexer *lexer, ImapFetchItem *item)
{
    if (!imap_lexer_char(lexer, '<'))
        return true;
    item->partial = true;
    if (!imap_lexer_number(lexer, INT64_MAX, &item->first) || !imap_lexer_char(lexer, '.') ||
        !imap_lexer_number(lexer, INT64_MAX, &item->count) || item->count == 0)
        return false;
    g_string_append_printf(item->label, "<%" G_GUINT64_FORMAT ">", item->first);
    return imap_lexer_char(lexer, '>');
}

/* Behind "BODY[" or "BINARY[": the latter has part numbers alone (RFC 9051 §9 section-binary). */
static bool lex_section(ImapLexer *lexer, ImapFetchItem *item)
{
    if (!lex_path(lexer, item) ||
        (item->kind == IMAP_FETCH_SECTION && !lex_section_part(lexer, item)) ||
        !imap_lexer_char(lexer, ']'))
        return false;
    g_string_append_c(item->label, ']');
    return item->kind == IMAP_FETCH_BINARY_SIZE || lex_partial(lexer, item);
}

static bool has_section(ImapFetchKind kind)
{
    return kind == IMAP_FETCH_SECTION || kind == IMAP_FETCH_BINARY ||
           kind == IMAP_FETCH_BINARY_SIZE;
}

/* NULL: there are too many. */
static ImapFetchItem *add_item(ImapFetch *fetch, ImapFetchKind kind, const char *label)
{
    if (fetch->count >= IMAP_FETCH_ITEMS_MAXIMUM)
        return NULL;
    ImapFetchItem *item = &fetch->items[fetch->count++];
    *item = (ImapFetchItem){.kind = kind};
    if (has_section(kind)) {
        item->fields = g_ptr_array_new_with_free_func(g_free);
        item->label = g_string_new(label);
    }
    return item;
}

/* The items that are words alone. RFC822 and its relatives are of rev1 (RFC 3501 §6.4.5). */
static const struct {
    const char *name;
    ImapFetchKind kind;
    ImapSectionPart part;
    bool peek;
} plain_items[] = {
    {"UID", IMAP_FETCH_UID, IMAP_SECTION_WHOLE, false},
    {"FLAGS", IMAP_FETCH_FLAGS, IMAP_SECTION_WHOLE, false},
    {"INTERNALDATE", IMAP_FETCH_DATE, IMAP_SECTION_WHOLE, false},
    {"ENVELOPE", IMAP_FETCH_ENVELOPE, IMAP_SECTION_WHOLE, false},
    {"BODY", IMAP_FETCH_BODY, IMAP_SECTION_WHOLE, false},
    {"BODYSTRUCTURE", IMAP_FETCH_STRUCTURE, IMAP_SECTION_WHOLE, false},
    {"RFC822.SIZE", IMAP_FETCH_SIZE, IMAP_SECTION_WHOLE, false},
    {"RFC822", IMAP_FETCH_SECTION, IMAP_SECTION_WHOLE, false},
    {"RFC822.HEADER", IMAP_FETCH_SECTION, IMAP_SECTION_HEADER, true},
    {"RFC822.TEXT", IMAP_FETCH_SECTION, IMAP_SECTION_TEXT, false},
};

/* The items with a section in brackets, and how the response names them. */
static const struct {
    const char *name, *label;
    ImapFetchKind kind;
    bool peek;
} section_items[] = {
    {"BODY", "BODY[", IMAP_FETCH_SECTION, false},
    {"BODY.PEEK", "BODY[", IMAP_FETCH_SECTION, true},
    {"BINARY", "BINARY[", IMAP_FETCH_BINARY, false},
    {"BINARY.PEEK", "BINARY[", IMAP_FETCH_BINARY, true},
    {"BINARY.SIZE", "BINARY.SIZE[", IMAP_FETCH_BINARY_SIZE, true},
};

static bool lex_section_item(ImapLexer *lexer, ImapFetch *fetch, Span name)
{
    for (size_t i = 0; i < G_N_ELEMENTS(section_items); i++) {
        if (!span_equals_text_nocase(name, section_items[i].name))
            continue;
        ImapFetchItem *item = add_item(fetch, section_items[i].kind, section_items[i].label);
        if (item == NULL)
            return false;
        item->peek = section_items[i].peek;
        return lex_section(lexer, item);
    }
    return false;
}

static bool lex_item(ImapLexer *lexer, ImapFetch *fetch)
{
    Span name = lex_item_name(lexer);
    if (imap_lexer_char(lexer, '['))
        return lex_section_item(lexer, fetch, name);
    for (size_t i = 0; i < G_N_ELEMENTS(plain_items); i++) {
        if (!span_equals_text_nocase(name, plain_items[i].name))
            continue;
        ImapFetchItem *item = add_item(fetch, plain_items[i].kind, plain_items[i].name);
        if (item == NULL)
            return false;
        item->part = plain_items[i].part;
        item->peek = plain_items[i].peek;
        return true;
    }
    return false;
}

/* RFC 9051 §6.4.5: the macros stand alone. */
static bool lex_macro(ImapLexer *lexer, ImapFetch *fetch)
{
    bool is_full = imap_lexer_keyword(lexer, "FULL");
    bool has_envelope = is_full || imap_lexer_keyword(lexer, "ALL");
    if (!has_envelope && !imap_lexer_keyword(lexer, "FAST"))
        return false;
    add_item(fetch, IMAP_FETCH_FLAGS, NULL);
    add_item(fetch, IMAP_FETCH_DATE, NULL);
    add_item(fetch, IMAP_FETCH_SIZE, NULL);
    if (has_envelope)
        add_item(fetch, IMAP_FETCH_ENVELOPE, NULL);
    if (is_full)
        add_item(fetch, IMAP_FETCH_BODY, NULL);
    return true;
}

bool imap_lexer_fetch(ImapLexer *lexer, ImapFetch *fetch)
{
    imap_fetch_clear(fetch);
    if (lex_macro(lexer, fetch))
        return true;
    if (!imap_lexer_char(lexer, '('))
        return lex_item(lexer, fetch);
    do {
        if (!lex_item(lexer, fetch))
            return false;
    } while (imap_lexer_space(lexer));
    return imap_lexer_char(lexer, ')');
}

unsigned imap_fetch_needs(const ImapFetch *fetch)
{
    static const unsigned needs[IMAP_FETCH_KINDS] = {
        [IMAP_FETCH_UID] = 0,
        [IMAP_FETCH_FLAGS] = IMAP_NEED_FLAGS,
        [IMAP_FETCH_DATE] = IMAP_NEED_DATE,
        [IMAP_FETCH_SIZE] = IMAP_NEED_SIZE,
        [IMAP_FETCH_ENVELOPE] = IMAP_NEED_CONTENT,
        [IMAP_FETCH_BODY] = IMAP_NEED_CONTENT,
        [IMAP_FETCH_STRUCTURE] = IMAP_NEED_CONTENT,
        [IMAP_FETCH_SECTION] = IMAP_NEED_CONTENT,
        [IMAP_FETCH_BINARY] = IMAP_NEED_CONTENT,
        [IMAP_FETCH_BINARY_SIZE] = IMAP_NEED_CONTENT,
    };
    unsigned all = 0;
    for (size_t i = 0; i < fetch->count; i++)
        all |= needs[fetch->items[i].kind];
    return all;
}

bool imap_fetch_asks(const ImapFetch *fetch, ImapFetchKind kind)
{
    for (size_t i = 0; i < fetch->count; i++) {
        if (fetch->items[i].kind == kind)
            return true;
    }
    return false;
}

bool imap_fetch_sets_seen(const ImapFetch *fetch)
{
    for (size_t i = 0; i < fetch->count; i++) {
        if (has_section(fetch->items[i].kind) && !fetch->items[i].peek)
            return true;
    }
    return false;
}

void imap_fetch_add_uid(ImapFetch *fetch)
{
    if (imap_fetch_asks(fetch, IMAP_FETCH_UID))
        return;
    memmove(&fetch->items[1], &fetch->items[0], fetch->count * sizeof(ImapFetchItem));
    fetch->items[0] = (ImapFetchItem){.kind = IMAP_FETCH_UID};
    fetch->count++;
}

static bool is_listed(const ImapFetchItem *item, Span name)
{
    for (guint i = 0; i < item->fields->len; i++) {
        if (span_equals_text_nocase(name, g_ptr_array_index(item->fields, i)))
            return true;
    }
    return false;
}

/* Whether the header of `header_end` octets ends with the empty line before a body. */
static bool has_empty_line(Span content, size_t header_end)
{
    if (header_end == 2)
        return memcmp(content.data, "\r\n", 2) == 0;
    return header_end >= 4 && memcmp(content.data + header_end - 4, "\r\n\r\n", 4) == 0;
}

/* RFC 9051 §6.4.5.1: the fields that are listed, or the others, as they stand in the header, and
 * the empty line that ends a header, if the message has one. */
static Slice cut_fields(const ImapFetchItem *item, Slice message)
{
    Span content = slice_span(message);
    size_t position = 0;
    GByteArray *chosen = g_byte_array_new();
    Span name, value;
    bool wanted = item->part == IMAP_SECTION_FIELDS;
    for (size_t start = 0; message_next_header(content, &position, &name, &value);
         start = position) {
        if (is_listed(item, name) == wanted)
            g_byte_array_append(chosen, content.data + start, (guint)(position - start));
    }
    if (has_empty_line(content, message_body_offset(content)))
        g_byte_array_append(chosen, (const guint8 *)"\r\n", 2);
    Slice cut = {.length = chosen->len};
    cut.bytes = octets_of_array(chosen);
    return cut;
}

/* Cuts of a message, or of one that a part encapsulates. */
static Slice cut_message(const ImapFetchItem *item, Slice message)
{
    size_t body = message_body_offset(slice_span(message));
    switch (item->part) {
    case IMAP_SECTION_WHOLE:
        return slice_ref(message, 0, message.length);
    case IMAP_SECTION_HEADER:
        return slice_ref(message, 0, body);
    case IMAP_SECTION_TEXT:
        return slice_ref(message, body, message.length - body);
    case IMAP_SECTION_FIELDS:
    case IMAP_SECTION_FIELDS_NOT:
        return cut_fields(item, message);
    case IMAP_SECTION_MIME:
        break;
    }
    CHECK(false);
}

/* RFC 9051 §6.4.5.1: the parts of a message that is no multipart are one, itself; a message in a
 * part counts as if the part were that message. NULL: there is no such part. */
static const MimePart *find_part(const MimePart *root, const uint32_t *path, size_t path_length)
{
    const MimePart *part = root;
    bool is_message = true;
    for (size_t i = 0; i < path_length; i++) {
        if (mime_part_is_message(part) && !is_message) {
            part = part->parts[0];
            is_message = true;
        }
        if (mime_part_is_multipart(part)) {
            if (path[i] > part->part_count)
                return NULL;
            part = part->parts[path[i] - 1];
        } else if (!is_message || path[i] != 1) {
            return NULL;
        }
        is_message = false;
    }
    return part;
}

/* `span` lies in the message. */
static Slice slice_within(Slice message, Span span)
{
    if (span.length == 0)
        return (Slice){0};
    return slice_ref(message, (size_t)(span.data - slice_span(message).data), span.length);
}

static ImapCut cut_of_part(const ImapFetchItem *item, Slice message, const MimePart *part,
                           Slice *cut)
{
    if (part == NULL)
        return IMAP_CUT_NO_PART;
    if (item->kind != IMAP_FETCH_SECTION) { /* of leaves alone, RFC 9051 §6.4.5 BINARY */
        if (part->part_count > 0)
            return IMAP_CUT_NO_PART;
        Octets *decoded = mime_part_decode(part);
        if (decoded == NULL)
            return IMAP_CUT_UNKNOWN_ENCODING;
        *cut = (Slice){decoded, 0, octets_length(decoded)};
        return IMAP_CUT_DONE;
    }
    if (item->part == IMAP_SECTION_WHOLE || item->part == IMAP_SECTION_MIME) {
        *cut = slice_within(message, item->part == IMAP_SECTION_MIME ? part->header : part->body);
        return IMAP_CUT_DONE;
    }
    if (!mime_part_is_message(part)) /* HEADER and TEXT are those of a message within */
        return IMAP_CUT_NO_PART;
    Slice within = slice_within(message, part->body);
    *cut = cut_message(item, within);
    slice_clear(&within);
    return IMAP_CUT_DONE;
}

/* RFC 9051 §6.4.5 <partial>: what lies beyond the end is left out, perhaps everything. */
static void cut_partial(const ImapFetchItem *item, Slice *cut)
{
    size_t first = (size_t)MIN(item->first, cut->length);
    size_t count = (size_t)MIN(item->count, cut->length - first);
    Slice whole = *cut;
    *cut = slice_ref(whole, first, count);
    slice_clear(&whole);
}

ImapCut imap_section_cut(const ImapFetchItem *item, Slice message, Slice *cut)
{
    ImapCut result = IMAP_CUT_DONE;
    if (item->path_length == 0) {
        *cut = cut_message(item, message);
    } else {
        MimePart *root = mime_tree_new(slice_span(message));
        result = cut_of_part(item, message, find_part(root, item->path, item->path_length), cut);
        mime_tree_free(root);
    }
    if (result == IMAP_CUT_DONE && item->partial)
        cut_partial(item, cut);
    return result;
}
