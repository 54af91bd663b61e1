/* FETCH items and sections of a message, RFC 9051 §6.4.5. See imap_section.h. */
#include "proto/imap_section.h"

#include "core/check.h"
#include "mail/message.h"

#include <string.h>

void imap_fetch_clear(ImapFetch *fetch)
{
    for (size_t i = 0; i < fetch->count; i++) {
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

static bool lex_section_part(ImapLexer *lexer, ImapFetch *fetch, ImapFetchItem *item)
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
    };
    Span name = lex_item_name(lexer);
    for (size_t i = 0; i < G_N_ELEMENTS(parts); i++) {
        if (!span_equals_text_nocase(name, parts[i].name))
            continue;
        item->part = parts[i].part;
        g_string_append(item->label, parts[i].name);
        bool listed = item->part == IMAP_SECTION_FIELDS || item->part == IMAP_SECTION_FIELDS_NOT;
        return !listed || lex_fields(lexer, item);
    }
    fetch->unsupported = g_ascii_isdigit(name.data[0]);
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

/* Behind "BODY[". */
static bool lex_section(ImapLexer *lexer, ImapFetch *fetch, ImapFetchItem *item)
{
    g_string_assign(item->label, "BODY[");
    if (!lex_section_part(lexer, fetch, item) || !imap_lexer_char(lexer, ']'))
        return false;
    g_string_append_c(item->label, ']');
    return lex_partial(lexer, item);
}

/* NULL: there are too many. */
static ImapFetchItem *add_item(ImapFetch *fetch, ImapFetchKind kind)
{
    if (fetch->count >= IMAP_FETCH_ITEMS_MAXIMUM)
        return NULL;
    ImapFetchItem *item = &fetch->items[fetch->count++];
    *item = (ImapFetchItem){.kind = kind};
    if (kind == IMAP_FETCH_SECTION) {
        item->fields = g_ptr_array_new_with_free_func(g_free);
        item->label = g_string_new(NULL);
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
    {"RFC822.SIZE", IMAP_FETCH_SIZE, IMAP_SECTION_WHOLE, false},
    {"RFC822", IMAP_FETCH_SECTION, IMAP_SECTION_WHOLE, false},
    {"RFC822.HEADER", IMAP_FETCH_SECTION, IMAP_SECTION_HEADER, true},
    {"RFC822.TEXT", IMAP_FETCH_SECTION, IMAP_SECTION_TEXT, false},
};

static const char *const unsupported_items[] = {
    "ENVELOPE", "BODY", "BODYSTRUCTURE", "BINARY", "BINARY.PEEK", "BINARY.SIZE",
};

static bool lex_item(ImapLexer *lexer, ImapFetch *fetch)
{
    Span name = lex_item_name(lexer);
    bool peek = span_equals_text_nocase(name, "BODY.PEEK");
    if ((peek || span_equals_text_nocase(name, "BODY")) && imap_lexer_char(lexer, '[')) {
        ImapFetchItem *item = add_item(fetch, IMAP_FETCH_SECTION);
        if (item == NULL)
            return false;
        item->peek = peek;
        return lex_section(lexer, fetch, item);
    }
    for (size_t i = 0; i < G_N_ELEMENTS(plain_items); i++) {
        if (!span_equals_text_nocase(name, plain_items[i].name))
            continue;
        ImapFetchItem *item = add_item(fetch, plain_items[i].kind);
        if (item == NULL)
            return false;
        item->part = plain_items[i].part;
        item->peek = plain_items[i].peek;
        if (item->label != NULL)
            g_string_assign(item->label, plain_items[i].name);
        return true;
    }
    for (size_t i = 0; i < G_N_ELEMENTS(unsupported_items); i++)
        fetch->unsupported |= span_equals_text_nocase(name, unsupported_items[i]);
    return false;
}

/* RFC 9051 §6.4.5: the macros stand alone. ALL and FULL hold ENVELOPE, which is left out. */
static bool lex_macro(ImapLexer *lexer, ImapFetch *fetch)
{
    if (imap_lexer_keyword(lexer, "ALL") || imap_lexer_keyword(lexer, "FULL")) {
        fetch->unsupported = true;
        return true;
    }
    if (!imap_lexer_keyword(lexer, "FAST"))
        return false;
    add_item(fetch, IMAP_FETCH_FLAGS);
    add_item(fetch, IMAP_FETCH_DATE);
    add_item(fetch, IMAP_FETCH_SIZE);
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
    static const unsigned needs[] = {
        [IMAP_FETCH_UID] = 0,
        [IMAP_FETCH_FLAGS] = IMAP_NEED_FLAGS,
        [IMAP_FETCH_DATE] = IMAP_NEED_DATE,
        [IMAP_FETCH_SIZE] = IMAP_NEED_SIZE,
        [IMAP_FETCH_SECTION] = IMAP_NEED_CONTENT,
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
        if (fetch->items[i].kind == IMAP_FETCH_SECTION && !fetch->items[i].peek)
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
    cut.bytes = g_byte_array_free_to_bytes(chosen);
    return cut;
}

static Slice cut_part(const ImapFetchItem *item, Slice message)
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
    }
    CHECK(false);
}

Slice imap_section_cut(const ImapFetchItem *item, Slice message)
{
    Slice part = cut_part(item, message);
    if (!item->partial)
        return part;
    /* RFC 9051 §6.4.5 <partial>: what lies beyond the end is left out, perhaps everything. */
    size_t first = (size_t)MIN(item->first, part.length);
    size_t count = (size_t)MIN(item->count, part.length - first);
    Slice cut = slice_ref(part, first, count);
    slice_clear(&part);
    return cut;
}
