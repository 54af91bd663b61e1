/* From scenario file to checked model: maps, lists and their keys, by the format's tables. See
 * reader.h. */
#include "scenario/reader.h"

#include "core/check.h"
#include "scenario/reader_internal.h"
#include "scenario/yaml_ranges.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* --- Messages --- */

/* As long as the text is in the file; a text that goes over lines is underlined at its start. */
static uint32_t text_length(const char *text)
{
    return (uint32_t)MIN(g_utf8_strlen(text, -1), UINT16_MAX);
}

static void reader_add(Reader *reader, Severity severity, SourcePosition at, uint32_t length,
                       const char *format, va_list arguments)
{
    g_autofree char *text = g_strdup_vprintf(format, arguments);
    diagnostics_add(reader->diagnostics, severity, at, length, "%s", text);
}

void reader_error(Reader *reader, const YamlNode *node, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    reader_add(reader, SEVERITY_ERROR, reader_position(reader, node), node->length, format,
               arguments);
    va_end(arguments);
}

void reader_warning(Reader *reader, const YamlNode *node, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    reader_add(reader, SEVERITY_WARNING, reader_position(reader, node), node->length, format,
               arguments);
    va_end(arguments);
}

void reader_text_error(Reader *reader, const ScenarioText *text, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    reader_add(reader, SEVERITY_ERROR, text->at, text_length(text->text), format, arguments);
    va_end(arguments);
}

void reader_text_warning(Reader *reader, const ScenarioText *text, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    reader_add(reader, SEVERITY_WARNING, text->at, text_length(text->text), format, arguments);
    va_end(arguments);
}

char *reader_did_you_mean(const Suggestion *suggestion)
{
    if (suggestion->best == NULL)
        return g_strdup("");
    return g_strdup_printf("; did you mean `%s`?", suggestion->best);
}

static bool has_time_to_suggest(const Reader *reader)
{
    return diagnostics_error_count(reader->diagnostics) < DIAGNOSTICS_PRINTED;
}

Suggestion reader_suggestion(const Reader *reader, const char *word)
{
    return has_time_to_suggest(reader) ? suggestion_start(word) : (Suggestion){.word = word};
}

SourcePosition reader_position(const Reader *reader, const YamlNode *node)
{
    return reader->in_default ? (SourcePosition){0, 0} : node->at;
}

/* --- Keys --- */

static const KeySpec *find_key(const MappingSpec *mapping, const ActionSpec *more, const char *name)
{
    for (size_t i = 0; i < mapping->key_count; i++) {
        if (strcmp(mapping->keys[i].key, name) == 0)
            return &mapping->keys[i];
    }
    for (size_t i = 0; more != NULL && i < more->key_count; i++) {
        if (strcmp(more->keys[i].key, name) == 0)
            return &more->keys[i];
    }
    return NULL;
}

static void offer_keys(Suggestion *suggestion, const KeySpec *keys, size_t count)
{
    for (size_t i = 0; i < count; i++)
        suggestion_offer(suggestion, keys[i].key);
}

static Suggestion suggest_key(const Reader *reader, const MappingSpec *mapping,
                              const ActionSpec *more, const char *name)
{
    Suggestion suggestion = reader_suggestion(reader, name);
    offer_keys(&suggestion, mapping->keys, mapping->key_count);
    if (more != NULL)
        offer_keys(&suggestion, more->keys, more->key_count);
    return suggestion;
}

static char *list_keys(const MappingSpec *mapping, const ActionSpec *more)
{
    GString *text = g_string_new(NULL);
    size_t own = mapping->key_count, total = own + (more != NULL ? more->key_count : 0);
    for (size_t i = 0; i < total; i++)
        g_string_append_printf(text, "%s`%s`",
                               i == 0           ? ""
                               : i + 1 == total ? " and "
                                                : ", ",
                               i < own ? mapping->keys[i].key : more->keys[i - own].key);
    return g_string_free(text, FALSE);
}

/* "a server", "`do: crash`". */
static char *describe_mapping(const MappingSpec *mapping, const ActionSpec *more)
{
    return more != NULL ? g_strdup_printf("`do: %s`", more->name) : g_strdup(mapping->what);
}

/* A key that does not belong here: what is near, where it belongs, or what there is. */
static void report_unknown_key(Reader *reader, const MappingSpec *mapping, const ActionSpec *more,
                               const KeySpec *renamed, const YamlNode *key)
{
    if (renamed != NULL) {
        reader_error(reader, key, "unknown key `%.60s`; did you mean `%s`: %s?", key->text,
                     renamed->key, renamed->meaning);
        return;
    }
    if (!has_time_to_suggest(reader)) {
        reader_error(reader, key, "unknown key `%.60s`", key->text);
        return;
    }
    Suggestion suggestion = suggest_key(reader, mapping, more, key->text);
    g_autofree char *what = describe_mapping(mapping, more);
    g_autofree char *places = format_find_places(key->text, mapping);
    g_autofree char *keys = list_keys(mapping, more);
    /* One letter off is likelier a slip than a key that has lost its place. */
    if (suggestion.best != NULL && (places == NULL || suggestion.distance <= 1))
        reader_error(reader, key, "unknown key `%.60s`; did you mean `%s`?", key->text,
                     suggestion.best);
    else if (places != NULL)
        reader_error(reader, key, "`%s` is not a key of %s; it belongs under %s", key->text, what,
                     places);
    else if (mapping->key_count == 0)
        reader_error(reader, key, "unknown key `%.60s`; %s has no keys, write `{}`", key->text,
                     what);
    else
        reader_error(reader, key, "unknown key `%.60s`; %s has the keys %s", key->text, what, keys);
}

/* --- Values that are not there --- */

/* A list or map that stands in for a missing value; each default is parsed once. */
static const YamlNode *default_node(Reader *reader, const char *text)
{
    YamlNode *node = g_hash_table_lookup(reader->defaults, text);
    if (node != NULL)
        return node;
    node = yaml_read(span_of_text(text), reader->defaults_arena, reader->diagnostics);
    CHECK(node != NULL);
    g_hash_table_insert(reader->defaults, (char *)text, node);
    return node;
}

static void read_default(Reader *reader, const KeySpec *key, void *target)
{
    bool was_in_default = reader->in_default;
    reader->in_default = true;
    YamlNode scalar = {.kind = YAML_SCALAR, .text = key->default_text, .length = 1};
    bool is_scalar = key->value.type != VALUE_LIST && key->value.type != VALUE_NAMED;
    scalar.is_plain = key->value.type != VALUE_TEXT;
    const YamlNode *node = is_scalar ? &scalar : default_node(reader, key->default_text);
    read_value(reader, key->key, &key->value, node, target);
    reader->in_default = was_in_default;
}

/* A map that is not there is one without keys, so that its keys' defaults apply. */
static void read_absent_map(Reader *reader, const MappingSpec *mapping, void *target)
{
    bool was_in_default = reader->in_default;
    reader->in_default = true;
    const YamlNode empty = {.kind = YAML_MAP};
    read_mapping(reader, mapping, NULL, &empty, target, NULL);
    reader->in_default = was_in_default;
}

static void report_missing_key(Reader *reader, const MappingSpec *mapping, const ActionSpec *more,
                               const KeySpec *key, const YamlNode *node)
{
    g_autofree char *what = describe_mapping(mapping, more);
    reader_error(reader, node->key != NULL ? node->key : node, "%s needs the key `%s`: %s", what,
                 key->key, key->meaning);
}

static void fill_absent(Reader *reader, const MappingSpec *mapping, const ActionSpec *more,
                        const KeySpec *key, const YamlNode *node, void *target)
{
    if (key->is_required && !node->is_open)
        report_missing_key(reader, mapping, more, key, node);
    else if (key->default_text != NULL)
        read_default(reader, key, target);
    else if (key->value.type == VALUE_MAP && !key->is_required)
        read_absent_map(reader, key->value.mapping, target);
    else if (key->value.type == VALUE_QUANTITY || key->value.type == VALUE_INTEGER ||
             key->value.type == VALUE_CHOICE)
        *(int64_t *)target = SCENARIO_UNSET;
}

/* The only key that is required and not there, when there is also just one that belongs nowhere:
 * somebody has given it another name. NULL when it is not so. */
static const KeySpec *find_renamed_key(const Reader *reader, const MappingSpec *mapping,
                                       const ActionSpec *more, const YamlNode *node)
{
    const KeySpec *missing = NULL;
    size_t missing_count = 0, unknown_count = 0;
    size_t own = mapping->key_count, total = own + (more != NULL ? more->key_count : 0);
    for (size_t i = 0; i < total; i++) {
        const KeySpec *key = i < own ? &mapping->keys[i] : &more->keys[i - own];
        if (key->is_required && yaml_find(node, key->key) == NULL) {
            missing = key;
            missing_count++;
        }
    }
    if (missing_count != 1 || node->is_open)
        return NULL;
    for (const YamlNode *child = node->first; child != NULL; child = child->next) {
        if (find_key(mapping, more, child->key->text) != NULL)
            continue;
        g_autofree char *places = format_find_places(child->key->text, mapping);
        Suggestion suggestion = suggest_key(reader, mapping, more, child->key->text);
        bool is_another = suggestion.best != NULL && strcmp(suggestion.best, missing->key) != 0;
        bool is_a_slip = suggestion.best != NULL && suggestion.distance <= 1;
        if ((places != NULL && !is_a_slip) || is_another || unknown_count++ > 0)
            return NULL;
    }
    return unknown_count == 1 ? missing : NULL;
}

static void fill_all_absent(Reader *reader, const MappingSpec *mapping, const ActionSpec *more,
                            const KeySpec *renamed, const YamlNode *node, void *target)
{
    size_t own = mapping->key_count, total = own + (more != NULL ? more->key_count : 0);
    for (size_t i = 0; i < total; i++) {
        const KeySpec *key = i < own ? &mapping->keys[i] : &more->keys[i - own];
        if (key != renamed && yaml_find(node, key->key) == NULL)
            fill_absent(reader, mapping, i < own ? NULL : more, key, node,
                        (char *)target + key->offset);
    }
}

/* --- Values --- */

static bool expect_kind(Reader *reader, const char *key, const ValueSpec *value,
                        const YamlNode *node, YamlKind kind)
{
    if (node->kind == kind)
        return true;
    g_autofree char *what = value_describe(value);
    bool is_empty = node->kind == YAML_SCALAR && node->is_plain && *node->text == '\0';
    if (is_empty)
        reader_error(reader, node, "`%.60s` has no value; it takes %s", key, what);
    else
        reader_error(reader, node, "`%.60s` takes %s, not %s", key, what, yaml_kind_name(node));
    return false;
}

bool reader_has_misread(const Reader *reader, SourcePosition at)
{
    for (guint i = 0; i < reader->misread->len; i++) {
        const SourcePosition *map = &g_array_index(reader->misread, SourcePosition, i);
        if (map->line == at.line && map->column == at.column)
            return true;
    }
    return false;
}

void read_mapping(Reader *reader, const MappingSpec *mapping, const ActionSpec *more,
                  const YamlNode *node, void *target, GPtrArray *unknown)
{
    *(SourcePosition *)target = reader_position(reader, node->key != NULL ? node->key : node);
    const KeySpec *renamed = unknown == NULL ? find_renamed_key(reader, mapping, more, node) : NULL;
    for (const YamlNode *child = node->first; child != NULL; child = child->next) {
        const KeySpec *key = find_key(mapping, more, child->key->text);
        if (key != NULL)
            read_value(reader, key->key, &key->value, child, (char *)target + key->offset);
        else if (unknown != NULL)
            g_ptr_array_add(unknown, (void *)child);
        else {
            report_unknown_key(reader, mapping, more, renamed, child->key);
            g_array_append_vals(reader->misread, target, 1);
        }
    }
    fill_all_absent(reader, mapping, more, renamed, node, target);
}

static bool check_count(Reader *reader, const char *key, const ValueSpec *value,
                        const YamlNode *node)
{
    if (node->is_open)
        return true;
    if (value->least == value->most && value->least > 0 && node->count != value->least)
        reader_error(reader, node, "`%s` takes exactly %zu, not %zu", key, value->least,
                     node->count);
    else if (node->count < value->least)
        reader_error(reader, node, "`%s` needs at least %zu, not %zu", key, value->least,
                     node->count);
    else if (value->most > 0 && node->count > value->most)
        reader_error(reader, node, "`%s` takes at most %zu, not %zu", key, value->most,
                     node->count);
    else
        return true;
    return false;
}

/* Lists differ in the type of their elements only. Every pointer to a struct has the same form, so
 * the list is copied to where its own type expects it. */
static void store_list(ListValue list, void *target)
{
    memcpy(target, &list, sizeof list);
}

/* A value without its brackets, of which that has been said: so that nothing is told to be missing.
 */
static void read_lone_element(Reader *reader, const char *key, const ValueSpec *value,
                              const YamlNode *node, void *target)
{
    if (node->kind != YAML_SCALAR || *node->text == '\0' || value->element->type >= VALUE_LIST)
        return;
    ListValue list = {arena_allocate(reader->arena, 1, value_size(value->element)), 1};
    store_list(list, target);
    read_value(reader, key, value->element, node, list.items);
}

static void read_list(Reader *reader, const char *key, const ValueSpec *value, const YamlNode *node,
                      void *target)
{
    if (!expect_kind(reader, key, value, node, YAML_LIST)) {
        read_lone_element(reader, key, value, node, target);
        return;
    }
    if (!check_count(reader, key, value, node))
        return;
    size_t size = value_size(value->element);
    ListValue list = {arena_allocate(reader->arena, node->count, size), node->count};
    store_list(list, target);
    char *item = list.items;
    for (const YamlNode *child = node->first; child != NULL; child = child->next, item += size)
        read_value(reader, key, value->element, child, item);
}

static void read_named(Reader *reader, const char *key, const ValueSpec *value,
                       const YamlNode *node, void *target)
{
    if (!expect_kind(reader, key, value, node, YAML_MAP) || !check_count(reader, key, value, node))
        return;
    const MappingSpec *mapping = value->mapping;
    const ValueSpec element = {.type = VALUE_MAP, .mapping = mapping};
    ListValue list = {arena_allocate(reader->arena, node->count, mapping->size), node->count};
    store_list(list, target);
    char *item = list.items;
    for (const YamlNode *child = node->first; child != NULL;
         child = child->next, item += mapping->size) {
        read_name(reader, mapping->name_type, child->key,
                  (ScenarioText *)(void *)(item + mapping->name_offset));
        read_value(reader, child->key->text, &element, child, item);
    }
}

/* The action's name decides which keys it has, so it is looked for first. */
static void read_action(Reader *reader, const ValueSpec *value, const YamlNode *node,
                        ScenarioAction *target)
{
    if (!expect_kind(reader, "timeline", value, node, YAML_MAP))
        return;
    const YamlNode *name = yaml_find(node, "do");
    target->kind = ACTION_KINDS;
    if (name != NULL && name->kind == YAML_SCALAR)
        target->kind = format_action_find(name->text);
    if (target->kind != ACTION_KINDS) {
        read_mapping(reader, &format_action, format_action_of(target->kind), node, target, NULL);
        return;
    }
    /* Without a known action nothing can be said of the other keys. */
    g_autoptr(GPtrArray) unknown = g_ptr_array_new();
    read_mapping(reader, &format_action, NULL, node, target, unknown);
}

static void read_action_name(Reader *reader, const ValueSpec *value, const YamlNode *node)
{
    if (!expect_kind(reader, "do", value, node, YAML_SCALAR) ||
        format_action_find(node->text) != ACTION_KINDS)
        return;
    Suggestion suggestion = reader_suggestion(reader, node->text);
    g_autoptr(GString) names = g_string_new(NULL);
    for (ActionKind kind = 0; kind < ACTION_KINDS; kind++) {
        suggestion_offer(&suggestion, format_action_of(kind)->name);
        g_string_append_printf(names, "%s%s", kind == 0 ? "" : ", ", format_action_of(kind)->name);
    }
    g_autofree char *hint = reader_did_you_mean(&suggestion);
    reader_error(reader, node, "there is no action `%.60s`%s%s%s", node->text, hint,
                 *hint == '\0' ? "; there are " : "", *hint == '\0' ? names->str : "");
}

void read_value(Reader *reader, const char *key, const ValueSpec *value, const YamlNode *node,
                void *target)
{
    if (node->is_unclean)
        return;
    switch (value->type) {
    case VALUE_LIST:
        read_list(reader, key, value, node, target);
        break;
    case VALUE_MAP:
        if (expect_kind(reader, key, value, node, YAML_MAP))
            read_mapping(reader, value->mapping, NULL, node, target, NULL);
        break;
    case VALUE_NAMED:
        read_named(reader, key, value, node, target);
        break;
    case VALUE_LOCAL_TEXT:
        read_local_text(reader, key, node, target);
        break;
    case VALUE_DO:
        read_action_name(reader, value, node);
        break;
    case VALUE_ACTION:
        read_action(reader, value, node, target);
        break;
    case VALUE_TRIGGER:
        if (expect_kind(reader, key, value, node, YAML_MAP))
            read_trigger(reader, node, target);
        break;
    case VALUE_SELECTOR:
        if (expect_kind(reader, key, value, node, YAML_MAP))
            read_selector(reader, node, target);
        break;
    case VALUE_EXPECTATION:
        if (expect_kind(reader, key, value, node, YAML_MAP))
            read_expectation(reader, node, target);
        break;
    default:
        if (expect_kind(reader, key, value, node, YAML_SCALAR))
            read_scalar(reader, key, value, node, target);
    }
}

/* --- The whole file --- */

static void reader_init(Reader *reader, Scenario *scenario, Diagnostics *diagnostics)
{
    *reader = (Reader){.scenario = scenario,
                       .arena = scenario->arena,
                       .diagnostics = diagnostics,
                       .references = g_array_new(FALSE, FALSE, sizeof(Reference)),
                       .real_names = g_ptr_array_new(),
                       .misread = g_array_new(FALSE, FALSE, sizeof(SourcePosition)),
                       .selectors = g_ptr_array_new(),
                       .defaults = g_hash_table_new(g_str_hash, g_str_equal),
                       .defaults_arena = arena_new()};
}

static void reader_clear(Reader *reader)
{
    g_array_unref(reader->references);
    g_ptr_array_unref(reader->real_names);
    g_array_unref(reader->misread);
    g_ptr_array_unref(reader->selectors);
    g_hash_table_unref(reader->defaults);
    arena_free(reader->defaults_arena);
}

static void read_scenario(Reader *reader, const YamlNode *root)
{
    if (root->kind == YAML_SCALAR && *root->text == '\0') {
        diagnostics_error(reader->diagnostics, (SourcePosition){1, 1},
                          "there is nothing in this file; a scenario begins with `mailsim: 1`");
        return;
    }
    if (root->kind != YAML_MAP) {
        reader_error(reader, root, "a scenario is a map that begins with `mailsim: 1`, not %s",
                     yaml_kind_name(root));
        return;
    }
    const YamlNode *version = yaml_find(root, "mailsim");
    if (version != NULL && version->kind == YAML_SCALAR && strcmp(version->text, "1") != 0) {
        reader_error(reader, version, "this program reads format version 1, not `%.60s`",
                     version->text);
        return;
    }
    read_mapping(reader, &format_scenario, NULL, root, reader->scenario, NULL);
    if (!reader->is_partial)
        check_scenario(reader);
}

static void digest(Scenario *scenario, Span bytes)
{
    g_autofree char *text =
        g_compute_checksum_for_data(G_CHECKSUM_SHA256, bytes.data, bytes.length);
    g_strlcpy(scenario->sha256, text, sizeof scenario->sha256);
}

static void read_bytes(Scenario *scenario, Span bytes, Diagnostics *diagnostics)
{
    g_autoptr(Arena) arena = arena_new();
    YamlNode *root = yaml_read(bytes, arena, diagnostics);
    if (root == NULL || !yaml_expand_ranges(root, arena, diagnostics))
        return;
    Reader reader;
    reader_init(&reader, scenario, diagnostics);
    reader.is_partial = root->is_open;
    read_scenario(&reader, root);
    reader_clear(&reader);
}

Scenario *scenario_read_bytes(const char *name, Span bytes, Diagnostics *diagnostics)
{
    if (bytes.length > SCENARIO_FILE_MAXIMUM) {
        diagnostics_set_source(diagnostics, name, (Span){0});
        diagnostics_error(diagnostics, (SourcePosition){0, 0},
                          "the file has more than 4 MiB; a scenario is shorter");
        return NULL;
    }
    diagnostics_set_source(diagnostics, name, bytes);
    g_autoptr(Scenario) scenario = g_new0(Scenario, 1);
    scenario->arena = arena_new();
    digest(scenario, bytes);
    read_bytes(scenario, bytes, diagnostics);
    diagnostics_sort(diagnostics);
    return diagnostics_error_count(diagnostics) == 0 ? g_steal_pointer(&scenario) : NULL;
}

Scenario *scenario_read_file(const char *path, Diagnostics *diagnostics)
{
    diagnostics_set_source(diagnostics, path, (Span){0});
    errno = 0;
    FILE *file = fopen(path, "rb");
    g_autofree uint8_t *bytes = g_malloc(SCENARIO_FILE_MAXIMUM + 1);
    /* One octet more than is allowed, so that a longer file is known to be longer. */
    size_t length = file != NULL ? fread(bytes, 1, SCENARIO_FILE_MAXIMUM + 1, file) : 0;
    bool failed = file == NULL || ferror(file) != 0;
    int reason = errno;
    if (file != NULL)
        fclose(file);
    g_autofree char *inside = g_build_filename(path, "scenario.yaml", NULL);
    if (failed && g_file_test(inside, G_FILE_TEST_EXISTS)) {
        diagnostics_error(diagnostics, (SourcePosition){0, 0},
                          "this is a folder; did you mean `%s`?", inside);
        return NULL;
    }
    if (failed) {
        diagnostics_error(diagnostics, (SourcePosition){0, 0}, "the file cannot be read: %s",
                          g_strerror(reason));
        return NULL;
    }
    return scenario_read_bytes(path, span_of(bytes, length), diagnostics);
}
