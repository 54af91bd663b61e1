/* The written reference of the scenario file, made from the format's tables. See reference.h; the
 * prose is in reference_prose.c. */
#include "scenario/reference.h"

#include "core/units.h"
#include "scenario/format.h"
#include "scenario/reference_prose.h"

#include <string.h>

typedef struct Reference {
    GString *text;
    /* Mappings that have their table already, and where; a second one refers to the first. */
    GPtrArray *mappings;
    GPtrArray *paths; /* char * */
} Reference;

/* --- Markdown --- */

/* A cell of a table, where a `|` would begin the next cell. */
static void append_cell(GString *out, const char *text)
{
    g_string_append(out, " ");
    for (const char *next = text; *next != '\0'; next++) {
        if (*next == '|')
            g_string_append_c(out, '\\');
        g_string_append_c(out, *next);
    }
    g_string_append(out, " |");
}

static void append_row(GString *out, const char *const *cells, size_t count)
{
    g_string_append_c(out, '|');
    for (size_t i = 0; i < count; i++)
        append_cell(out, cells[i]);
    g_string_append_c(out, '\n');
}

static void append_header(GString *out, const char *const *cells, size_t count)
{
    append_row(out, cells, count);
    g_string_append_c(out, '|');
    for (size_t i = 0; i < count; i++)
        g_string_append(out, "---|");
    g_string_append_c(out, '\n');
}

#define ROW(out, ...)                                                                              \
    append_row(out, (const char *const[]){__VA_ARGS__},                                            \
               G_N_ELEMENTS(((const char *const[]){__VA_ARGS__})))
#define HEADER(out, ...)                                                                           \
    append_header(out, (const char *const[]){__VA_ARGS__},                                         \
                  G_N_ELEMENTS(((const char *const[]){__VA_ARGS__})))

/* --- A key --- */

static const char *const kinds_of_value[] = {
    [VALUE_TEXT] = "text",
    [VALUE_NAME] = "new name",
    [VALUE_USER_NAME] = "user name",
    [VALUE_HOST_NAME] = "host name",
    [VALUE_DOMAIN] = "domain",
    [VALUE_DNS_NAME] = "domain name",
    [VALUE_EXCHANGE] = "domain name, or `.`",
    [VALUE_ADDRESS] = "mail address",
    [VALUE_DNS_TARGET] = "IPv4 address or server",
    [VALUE_REPLY] = "SMTP reply",
    [VALUE_SCHEDULE] = "retry schedule",
    [VALUE_ROUTER] = "router",
    [VALUE_SERVER] = "server",
    [VALUE_NODE] = "router, server or agent's machine",
    [VALUE_PLACE] = "node or address range",
    [VALUE_PERSON] = "person",
    [VALUE_AGENT] = "agent",
    [VALUE_MAIL] = "mail",
    [VALUE_RECEIVED] = "mail, or `MAIL.bounce`",
    [VALUE_KNOWN_NAME] = "name with records",
    [VALUE_EVENT] = "kind of event",
    [VALUE_STATE] = "state of the machine",
    [VALUE_FACT] = "fact",
    [VALUE_FACT_VALUE] = "value",
    [VALUE_LOCAL_TEXT] = "text for people",
    [VALUE_DATE_TIME] = "date and time",
    [VALUE_INTEGER] = "whole number",
    [VALUE_MAP] = "map",
    [VALUE_DO] = "action",
    [VALUE_ACTION] = "action",
    [VALUE_TRIGGER] = "map, see `when` below",
    [VALUE_SELECTOR] = "selector",
    [VALUE_EXPECTATION] = "expectation",
};

/* "duration", "list of servers": what stands in the table's second column. To free. */
static char *value_in_words(const ValueSpec *value)
{
    if (value->type == VALUE_QUANTITY)
        return g_strdup(units_name(value->units));
    if (value->type == VALUE_CHOICE)
        return value_describe(value);
    if (value->type == VALUE_NAMED)
        return g_strdup("map from names to maps");
    if (value->type != VALUE_LIST)
        return g_strdup(kinds_of_value[value->type]);
    if (value->element->type == VALUE_LIST)
        return g_strdup("list of lists");
    g_autofree char *element = value_in_words(value->element);
    if (value->least == value->most && value->least > 0)
        return g_strdup_printf("list of %zu: %s each", value->least, element);
    return g_strdup_printf("list: %s each", element);
}

/* What holds without the key. To free. */
static char *default_in_words(const KeySpec *key)
{
    if (key->is_required)
        return g_strdup("**required**");
    if (key->default_text != NULL)
        return g_strdup_printf("`%s`", *key->default_text != '\0' ? key->default_text : "\"\"");
    return g_strdup(key->when_absent != NULL ? key->when_absent : "its keys' defaults");
}

static void append_keys(GString *out, const KeySpec *keys, size_t count)
{
    HEADER(out, "key", "value", "without it", "meaning");
    for (size_t i = 0; i < count; i++) {
        g_autofree char *name = g_strdup_printf("`%s`", keys[i].key);
        g_autofree char *value = value_in_words(&keys[i].value);
        g_autofree char *absent = default_in_words(&keys[i]);
        ROW(out, name, value, absent, keys[i].meaning);
    }
    g_string_append_c(out, '\n');
}

/* --- A map, and the maps within --- */

static const char *path_of(const Reference *reference, const MappingSpec *mapping)
{
    for (guint i = 0; i < reference->mappings->len; i++) {
        if (reference->mappings->pdata[i] == mapping)
            return reference->paths->pdata[i];
    }
    return NULL;
}

static void append_mapping(Reference *reference, const MappingSpec *mapping, const char *path);

/* The maps that are values of the keys. */
static void append_maps_below(Reference *reference, const MappingSpec *mapping, const char *path)
{
    for (size_t i = 0; i < mapping->key_count; i++) {
        const ValueSpec *value = &mapping->keys[i].value;
        const ValueSpec *inner = value->type == VALUE_LIST ? value->element : value;
        if (inner->type != VALUE_MAP && inner->type != VALUE_NAMED)
            continue;
        g_autofree char *below = g_strconcat(path, *path == '\0' ? "" : ".", mapping->keys[i].key,
                                             inner->type == VALUE_NAMED ? ".NAME" : "", NULL);
        append_mapping(reference, inner->mapping, below);
    }
}

static void append_mapping(Reference *reference, const MappingSpec *mapping, const char *path)
{
    GString *out = reference->text;
    const char *before = path_of(reference, mapping);
    g_string_append_printf(out, "### `%s`\n\n", path);
    if (before != NULL) {
        g_string_append_printf(out, "The same keys as in `%s`.\n\n", before);
        return;
    }
    g_ptr_array_add(reference->mappings, (void *)mapping);
    g_ptr_array_add(reference->paths, g_strdup(path));
    if (mapping->name_meaning != NULL)
        g_string_append_printf(out, "NAME is %s.\n\n", mapping->name_meaning);
    if (mapping->key_count == 0)
        g_string_append(out, "There are no keys yet: write `{}`.\n\n");
    else
        append_keys(out, mapping->keys, mapping->key_count);
    append_maps_below(reference, mapping, path);
}

/* --- The chapters --- */

static void append_units(GString *out)
{
    HEADER(out, "quantity", "units", "example");
    for (UnitsKind kind = 0; kind < UNITS_KINDS; kind++) {
        g_autofree char *example = g_strdup_printf("`%s`", units_example(kind));
        ROW(out, units_name(kind), units_list(kind), example);
    }
    g_string_append_c(out, '\n');
}

static void append_schedules(GString *out)
{
    g_string_append(out, "The schedules that `like` knows are ");
    const char *const *names = retry_schedule_names();
    for (size_t i = 0; names[i] != NULL; i++)
        g_string_append_printf(out, "%s`%s`",
                               i == 0                 ? ""
                               : names[i + 1] == NULL ? " and "
                                                      : ", ",
                               names[i]);
    g_string_append(out, ".\n\n");
}

static void append_keys_chapter(GString *out)
{
    Reference reference = {.text = out,
                           .mappings = g_ptr_array_new(),
                           .paths = g_ptr_array_new_with_free_func(g_free)};
    g_string_append(out, reference_prose_keys);
    append_keys(out, format_scenario.keys, format_scenario.key_count);
    append_maps_below(&reference, &format_scenario, "");
    append_schedules(out);
    g_ptr_array_unref(reference.mappings);
    g_ptr_array_unref(reference.paths);
}

static void append_actions_chapter(GString *out)
{
    g_string_append(out, reference_prose_timeline);
    append_keys(out, format_action.keys, format_action.key_count);
    g_string_append(out, reference_prose_when);
    append_keys(out, format_trigger.keys, format_trigger.key_count);
    g_string_append(out, reference_prose_when_event);
    append_keys(out, format_event_trigger.keys, format_event_trigger.key_count);
    for (ActionKind kind = 0; kind < ACTION_KINDS; kind++) {
        const ActionSpec *action = format_action_of(kind);
        g_string_append_printf(out, "### `do: %s`\n\nWhat happens: %s.\n\n", action->name,
                               action->meaning);
        if (action->key_count > 0)
            append_keys(out, action->keys, action->key_count);
    }
}

static void append_facts(GString *out, FactSubject subject, const char *heading)
{
    static const char *const types[] = {
        [FACT_COUNT] = "number", [FACT_TIME] = "duration", [FACT_STATUS] = "status"};
    g_string_append_printf(out, "%s\n\n", heading);
    HEADER(out, "fact", "value", "meaning");
    for (FactId id = 0; id < FACTS; id++) {
        const Fact *fact = fact_of(id);
        g_autofree char *name = g_strdup_printf("`%s`", fact->name);
        if (fact->subject == subject)
            ROW(out, name, types[fact->type], fact->meaning);
    }
    g_string_append_c(out, '\n');
}

static void append_statuses(GString *out)
{
    HEADER(out, "status", "meaning");
    for (MailStatus status = 0; status < MAIL_STATUSES; status++) {
        g_autofree char *name = g_strdup_printf("`%s`", mail_status_name(status));
        ROW(out, name, mail_status_meaning(status));
    }
    g_string_append_c(out, '\n');
}

static void append_events(GString *out)
{
    HEADER(out, "event", "when", "fields");
    for (TraceKind kind = 0; kind < TRACE_KIND_COUNT; kind++) {
        const TraceKindInfo *info = trace_kind_info(kind);
        g_autoptr(GString) fields = g_string_new(NULL);
        for (size_t i = 0; i < info->field_count; i++)
            g_string_append_printf(fields, "%s`%s`", i == 0 ? "" : ", ", fact_field_name(kind, i));
        g_autofree char *name = g_strdup_printf("`%s`", info->name);
        ROW(out, name, info->meaning, fields->str);
    }
    g_string_append_c(out, '\n');
}

static void append_expectations_chapter(GString *out)
{
    g_string_append(out, reference_prose_expect);
    append_keys(out, format_expectation.keys, format_expectation.key_count);
    append_facts(out, FACT_OF_MAIL, "### Facts of a mail, or of the bounce of one");
    append_statuses(out);
    append_facts(out, FACT_OF_TRAFFIC, "### Facts of traffic");
    append_facts(out, FACT_OF_HOST, "### Facts of a server");
    append_facts(out, FACT_OF_EVENT, "### Facts of events");
    g_string_append(out, reference_prose_events);
    append_keys(out, format_event_expectation.keys, format_event_expectation.key_count);
    append_events(out);
}

char *scenario_reference_text(void)
{
    GString *out = g_string_new(reference_prose_introduction);
    append_units(out);
    g_string_append(out, reference_prose_names);
    append_keys_chapter(out);
    append_actions_chapter(out);
    append_expectations_chapter(out);
    g_string_append(out, reference_prose_end);
    return g_string_free(out, FALSE);
}
