/* YAML 1.2 as the scenario file uses it. See yaml.h. */
#include "scenario/yaml.h"

#include <libfyaml.h>
#include <string.h>

typedef struct YamlReader {
    Span bytes;
    Arena *arena;
    Diagnostics *diagnostics;
    struct fy_parser *parser;
    YamlNode *stack[YAML_NESTING_MAXIMUM]; /* the maps and lists that are open */
    YamlNode *last[YAML_NESTING_MAXIMUM];  /* the last child of each */
    size_t depth;
    size_t nodes;
    YamlNode *root;
    YamlNode *pending_key; /* a key whose value is still to come */
    bool failed;           /* an error after which nothing more is read */
} YamlReader;

const char *yaml_kind_name(const YamlNode *node)
{
    switch (node->kind) {
    case YAML_SCALAR:
        return "a text";
    case YAML_LIST:
        return "a list";
    case YAML_MAP:
        return "a map";
    }
    return "";
}

const YamlNode *yaml_find(const YamlNode *map, const char *key)
{
    for (const YamlNode *child = map->first; child != NULL; child = child->next) {
        if (child->key != NULL && strcmp(child->key->text, key) == 0)
            return child;
    }
    return NULL;
}

/* --- Before libfyaml sees the file --- */

static bool check_line(Span bytes, size_t start, size_t end, uint32_t line,
                       Diagnostics *diagnostics)
{
    SourcePosition at = {line, 1};
    if (end - start > YAML_LINE_MAXIMUM) {
        diagnostics_error(diagnostics, at,
                          "this line has more than %d octets; spread it over several lines",
                          YAML_LINE_MAXIMUM);
        return false;
    }
    if (end > start && bytes.data[start] == '%') {
        diagnostics_error(diagnostics, at,
                          "a line that begins with `%%` is a YAML directive; there are none here");
        return false;
    }
    return true;
}

static bool check_lines(Span bytes, Diagnostics *diagnostics)
{
    uint32_t line = 1;
    for (size_t start = 0; start < bytes.length; line++) {
        size_t end = start + span_find(span_skip(bytes, start), '\n');
        if (!check_line(bytes, start, end, line, diagnostics))
            return false;
        start = end + 1;
    }
    return true;
}

static bool check_brackets(Span bytes, Diagnostics *diagnostics)
{
    size_t count = 0;
    for (size_t i = 0; i < bytes.length; i++)
        count += bytes.data[i] == '[' || bytes.data[i] == '{';
    if (count <= YAML_BRACKETS_MAXIMUM)
        return true;
    diagnostics_error(diagnostics, (SourcePosition){0, 0},
                      "the file has more than %d opening brackets; make it smaller",
                      YAML_BRACKETS_MAXIMUM);
    return false;
}

/* Its mark in the other order of octets, 00 00 FE FF, is a NUL octet for what comes after. */
static bool starts_as_utf32(Span bytes)
{
    return bytes.length >= 4 && memcmp(bytes.data, "\xff\xfe\0\0", 4) == 0;
}

static bool starts_as_utf16(Span bytes)
{
    return bytes.length >= 2 && ((bytes.data[0] == 0xff && bytes.data[1] == 0xfe) ||
                                 (bytes.data[0] == 0xfe && bytes.data[1] == 0xff));
}

/* The place of the octet at `offset`, where everything before it is UTF-8. */
static SourcePosition position_of(Span bytes, size_t offset)
{
    SourcePosition at = {1, 1};
    for (size_t i = 0; i < offset; i++) {
        if (bytes.data[i] == '\n')
            at = (SourcePosition){at.line + 1, 1};
        else if ((bytes.data[i] & 0xc0) != 0x80)
            at.column++;
    }
    return at;
}

/* UTF-8 and nothing else; g_utf8_validate_len takes a NUL for the end. */
static bool check_utf8(Span bytes, Diagnostics *diagnostics)
{
    const char *bad = NULL;
    if (starts_as_utf16(bytes)) {
        diagnostics_error(diagnostics, (SourcePosition){0, 0},
                          "the file is UTF-%d; save it as UTF-8", starts_as_utf32(bytes) ? 32 : 16);
        return false;
    }
    if (g_utf8_validate_len((const char *)bytes.data, bytes.length, &bad))
        return true;
    size_t offset = (size_t)(bad - (const char *)bytes.data);
    diagnostics_error(diagnostics, position_of(bytes, offset),
                      bytes.data[offset] == 0 ? "a NUL octet; the file is not a text"
                                              : "octet 0x%02X is not UTF-8; save the file as UTF-8",
                      bytes.data[offset]);
    return false;
}

/* --- The tree --- */

static SourcePosition position_of_mark(const struct fy_mark *mark)
{
    if (mark == NULL)
        return (SourcePosition){0, 0};
    return (SourcePosition){(uint32_t)mark->line + 1, (uint32_t)mark->column + 1};
}

static void yaml_error(YamlReader *reader, SourcePosition at, const char *text)
{
    diagnostics_error(reader->diagnostics, at, "%s", text);
    reader->failed = true;
}

static YamlNode *node_new(YamlReader *reader, YamlKind kind, SourcePosition at)
{
    YamlNode *node = arena_allocate(reader->arena, 1, sizeof *node);
    *node = (YamlNode){.kind = kind, .at = at, .length = 1, .text = ""};
    if (++reader->nodes > YAML_NODES_MAXIMUM)
        yaml_error(reader, at, "the file holds more than 500000 values; make it smaller");
    return node;
}

/* The map or list being filled; NULL at the top. */
static YamlNode *node_parent(const YamlReader *reader)
{
    return reader->depth > 0 ? reader->stack[reader->depth - 1] : NULL;
}

static bool expects_key(const YamlReader *reader)
{
    const YamlNode *parent = node_parent(reader);
    return parent != NULL && parent->kind == YAML_MAP && reader->pending_key == NULL;
}

static void append_child(YamlReader *reader, YamlNode *node)
{
    YamlNode *parent = node_parent(reader);
    if (parent == NULL) {
        reader->root = node;
        return;
    }
    YamlNode **last = &reader->last[reader->depth - 1];
    if (*last == NULL)
        parent->first = node;
    else
        (*last)->next = node;
    *last = node;
    parent->count++;
}

static int compare_keys(const void *a, const void *b)
{
    const YamlNode *left = *(YamlNode *const *)a, *right = *(YamlNode *const *)b;
    int order = strcmp(left->text, right->text);
    if (order != 0)
        return order;
    if (left->at.line != right->at.line)
        return left->at.line < right->at.line ? -1 : 1;
    return left->at.column < right->at.column ? -1 : 1;
}

/* Sorted instead of hashed, so that no choice of keys makes it slow. */
void yaml_check_keys_differ(const YamlNode *map, Diagnostics *diagnostics)
{
    g_autoptr(GPtrArray) keys = g_ptr_array_sized_new((guint)map->count);
    for (const YamlNode *child = map->first; child != NULL; child = child->next)
        g_ptr_array_add(keys, child->key);
    g_ptr_array_sort(keys, compare_keys);
    for (guint i = 1; i < keys->len; i++) {
        const YamlNode *before = keys->pdata[i - 1], *key = keys->pdata[i];
        if (strcmp(before->text, key->text) == 0)
            diagnostics_add(diagnostics, SEVERITY_ERROR, key->at, key->length,
                            "the key `%.60s` is here twice; it is in line %u too", key->text,
                            before->at.line);
    }
}

/* Puts a new node in its place. A value without a mark, an empty one, stands where its key does. */
static void add_value(YamlReader *reader, YamlNode *node)
{
    node->key = reader->pending_key;
    reader->pending_key = NULL;
    if (node->at.line == 0 && node->key != NULL) {
        node->at = node->key->at;
        node->length = node->key->length;
    } else if (node->at.line == 0 && node_parent(reader) != NULL) {
        node->at = node_parent(reader)->at;
    }
    append_child(reader, node);
}

/* YAML 1.2 §5.1 lets more in; a terminal or a mail would not. */
static bool text_is_clean(Span text)
{
    for (size_t i = 0; i < text.length; i++) {
        uint8_t octet = text.data[i];
        if ((octet < 0x20 && octet != '\n' && octet != '\t') || octet == 0x7f)
            return false;
    }
    return true;
}

static bool has_comment_behind(Span bytes, size_t offset)
{
    size_t start = offset;
    while (offset < bytes.length && (bytes.data[offset] == ' ' || bytes.data[offset] == '\t'))
        offset++;
    return offset > start && offset < bytes.length && bytes.data[offset] == '#';
}

/* How far the first line that is not blank stands in, from `offset` on. */
static size_t indentation_at(Span bytes, size_t offset)
{
    size_t spaces = 0;
    for (; offset < bytes.length && strchr(" \r\n", bytes.data[offset]) != NULL; offset++)
        spaces = bytes.data[offset] == ' ' ? spaces + 1 : 0;
    return spaces;
}

/* Whether the text of a block stands deeper than the key or dash that it belongs to (YAML 1.2
 * §8.1). libfyaml does not see to that: it reads on into the keys that follow, and more octets than
 * there are. */
static bool block_stands_in(const YamlReader *reader, const struct fy_mark *start)
{
    const YamlNode *parent = node_parent(reader);
    const YamlNode *owner = reader->pending_key != NULL ? reader->pending_key : parent;
    size_t offset = start != NULL ? start->input_pos : 0;
    while (offset > 0 && reader->bytes.data[offset - 1] != '\n')
        offset--;
    return owner == NULL || indentation_at(reader->bytes, offset) >= owner->at.column;
}

static void refuse_block(YamlReader *reader, YamlNode *node)
{
    yaml_error(reader, node->at, "the lines of a block stand deeper than its key");
    node->text = "";
}

/* Takes over text, style and place of a scalar. libfyaml's marks leave the quotes out. */
static void scalar_fill(YamlReader *reader, YamlNode *node, struct fy_token *token)
{
    size_t length = 0;
    enum fy_scalar_style style = fy_token_scalar_style(token);
    bool is_block = style == FYSS_LITERAL || style == FYSS_FOLDED;
    const char *text = fy_token_get_text(token, &length);
    if (is_block && length > 0 && !block_stands_in(reader, fy_token_start_mark(token))) {
        refuse_block(reader, node);
        return;
    }
    node->text = arena_text(reader->arena, span_of(text, text == NULL ? 0 : length));
    node->is_plain = style == FYSS_PLAIN;
    const struct fy_mark *start = fy_token_start_mark(token), *end = fy_token_end_mark(token);
    if (start != NULL && end != NULL && end->line == start->line && end->column > start->column)
        node->length = (uint32_t)(end->column - start->column);
    if (style == FYSS_SINGLE_QUOTED || style == FYSS_DOUBLE_QUOTED) {
        node->at.column -= node->at.column > 1 ? 1 : 0;
        node->length += 2;
    }
    if (node->is_plain && end != NULL)
        node->is_cut_by_comment = has_comment_behind(reader->bytes, end->input_pos);
    node->is_unclean = text != NULL && !text_is_clean(span_of(text, length));
    if (node->is_unclean)
        diagnostics_add(reader->diagnostics, SEVERITY_ERROR, node->at, node->length,
                        "this text holds a control character");
}

static void take_scalar(YamlReader *reader, struct fy_event *event)
{
    SourcePosition at = position_of_mark(fy_token_start_mark(event->scalar.value));
    YamlNode *node = node_new(reader, YAML_SCALAR, at);
    scalar_fill(reader, node, event->scalar.value);
    if (expects_key(reader))
        reader->pending_key = node;
    else
        add_value(reader, node);
}

static void take_start(YamlReader *reader, YamlKind kind, const struct fy_mark *mark)
{
    SourcePosition at = position_of_mark(mark);
    if (expects_key(reader)) {
        yaml_error(reader, at, "a key must be a word, not a map or a list");
        return;
    }
    if (reader->depth == YAML_NESTING_MAXIMUM) {
        yaml_error(reader, at, "maps and lists are nested more than 32 deep");
        return;
    }
    YamlNode *node = node_new(reader, kind, at);
    node->is_open = true;
    add_value(reader, node);
    reader->stack[reader->depth] = node;
    reader->last[reader->depth] = NULL;
    reader->depth++;
}

static void take_end(YamlReader *reader)
{
    reader->depth--;
    reader->stack[reader->depth]->is_open = false;
    if (reader->stack[reader->depth]->kind == YAML_MAP)
        yaml_check_keys_differ(reader->stack[reader->depth], reader->diagnostics);
}

/* Anchors and tags may stand before any value. */
static bool check_properties(YamlReader *reader, struct fy_token *anchor, struct fy_token *tag)
{
    if (anchor != NULL)
        yaml_error(reader, position_of_mark(fy_token_start_mark(anchor)),
                   "anchors (`&name`) are not used here; a text that begins with `&` needs quotes");
    else if (tag != NULL)
        yaml_error(reader, position_of_mark(fy_token_start_mark(tag)),
                   "tags (`!name`) are not used here; a text that begins with `!` needs quotes");
    return !reader->failed;
}

static void take_event(YamlReader *reader, struct fy_event *event)
{
    switch (event->type) {
    case FYET_SCALAR:
        if (check_properties(reader, event->scalar.anchor, event->scalar.tag))
            take_scalar(reader, event);
        break;
    case FYET_MAPPING_START:
        if (check_properties(reader, event->mapping_start.anchor, event->mapping_start.tag))
            take_start(reader, YAML_MAP, fy_event_start_mark(event));
        break;
    case FYET_SEQUENCE_START:
        if (check_properties(reader, event->sequence_start.anchor, event->sequence_start.tag))
            take_start(reader, YAML_LIST, fy_event_start_mark(event));
        break;
    case FYET_MAPPING_END:
    case FYET_SEQUENCE_END:
        take_end(reader);
        break;
    case FYET_ALIAS:
        yaml_error(reader, position_of_mark(fy_token_start_mark(event->alias.anchor)),
                   "aliases (`*name`) are not used here; a text that begins with `*` needs quotes");
        break;
    case FYET_DOCUMENT_START:
        if (reader->root != NULL)
            yaml_error(reader, position_of_mark(fy_event_start_mark(event)),
                       "a second YAML document begins here; a scenario is one document");
        break;
    case FYET_NONE:
    case FYET_STREAM_START:
    case FYET_STREAM_END:
    case FYET_DOCUMENT_END:
        break;
    }
}

/* --- What libfyaml found --- */

typedef struct Hint {
    const char *message; /* how libfyaml's message begins */
    const char *hint;
} Hint;

static const Hint hints[] = {
    {"invalid nested block mapping on the same line", "a text that holds `: ` needs quotes"},
    {"invalid value after mapping", "a text that begins with `[` or `{` needs quotes"},
    {"plain scalar cannot start with", "such a text needs quotes"},
    {"invalid trailing content after", "what follows the closing quote does not belong there"},
    {"tab character may not be used as indentation", "use spaces"},
    {"invalid multiline plain key", "a colon is missing, or this line is indented wrongly"},
    {"did not find expected node content", "something is missing here, or a bracket is not closed"},
    {"wrongly indented flow", "a bracket above may not be closed"},
    {"wrongly indented", "the closing quote may be missing"},
    {"missing comma in flow",
     "a text that holds `: ` needs quotes, or a bracket above is not closed"},
};

static const char *hint_for(const char *message)
{
    for (size_t i = 0; i < G_N_ELEMENTS(hints); i++) {
        if (g_str_has_prefix(message, hints[i].message))
            return hints[i].hint;
    }
    return NULL;
}

static void report_syntax(YamlReader *reader, struct fy_diag *diag)
{
    void *iterator = NULL;
    struct fy_diag_error *error = fy_diag_errors_iterate(diag, &iterator);
    if (error == NULL) {
        yaml_error(reader, (SourcePosition){0, 0}, "the file is not YAML");
        return;
    }
    SourcePosition at = {(uint32_t)MAX(error->line, 1), (uint32_t)MAX(error->column, 1)};
    const char *hint = hint_for(error->msg);
    diagnostics_error(reader->diagnostics, at, "not YAML: %s%s%s", error->msg,
                      hint != NULL ? "; " : "", hint != NULL ? hint : "");
    reader->failed = true;
}

static void read_events(YamlReader *reader, struct fy_diag *diag)
{
    struct fy_event *event = NULL;
    while (!reader->failed && (event = fy_parser_parse(reader->parser)) != NULL) {
        take_event(reader, event);
        fy_parser_event_free(reader->parser, event);
    }
    if (!reader->failed && fy_parser_get_stream_error(reader->parser))
        report_syntax(reader, diag);
}

/* libfyaml prints unless it is given somewhere else to send its words. */
static void swallow_output(struct fy_diag *diag, void *user, const char *text, size_t length)
{
    (void)diag, (void)user, (void)text, (void)length;
}

static void parse(YamlReader *reader)
{
    struct fy_diag_cfg output;
    fy_diag_cfg_default(&output);
    output.fp = NULL;
    output.output_fn = swallow_output;
    output.colorize = false;
    struct fy_diag *diag = fy_diag_create(&output);
    fy_diag_set_collect_errors(diag, true);
    struct fy_parse_cfg configuration = {
        .flags = FYPCF_DEFAULT_VERSION_1_2 | FYPCF_JSON_NONE | FYPCF_COLLECT_DIAG,
        .diag = diag,
    };
    reader->parser = fy_parser_create(&configuration);
    fy_parser_set_string(reader->parser, (const char *)reader->bytes.data, reader->bytes.length);
    read_events(reader, diag);
    fy_parser_destroy(reader->parser);
    fy_diag_destroy(diag);
}

YamlNode *yaml_read(Span bytes, Arena *arena, Diagnostics *diagnostics)
{
    YamlReader reader = {.bytes = bytes, .arena = arena, .diagnostics = diagnostics};
    if (!check_utf8(bytes, diagnostics) || !check_lines(bytes, diagnostics) ||
        !check_brackets(bytes, diagnostics))
        return NULL;
    if (bytes.length > 0)
        parse(&reader);
    if (reader.root == NULL && !reader.failed)
        diagnostics_error(diagnostics, (SourcePosition){0, 0}, "the file is empty");
    return reader.root;
}
