/* The JSON Schema of the scenario file, made from the format's tables. See schema.h. */
#include "scenario/schema.h"

#include "core/units.h"
#include "scenario/format.h"

#include <string.h>

/* --- Writing JSON --- */

typedef struct Json {
    GString *text;
    int depth;
    bool is_first; /* nothing stands yet in the innermost object or array */
} Json;

static void json_string(Json *json, const char *text)
{
    g_string_append_c(json->text, '"');
    for (const char *next = text; *next != '\0'; next++) {
        if (*next == '"' || *next == '\\')
            g_string_append_c(json->text, '\\');
        g_string_append_c(json->text, *next);
    }
    g_string_append_c(json->text, '"');
}

/* Begins a member of an object, or with a NULL key an element of an array. */
static void json_begin(Json *json, const char *key)
{
    if (json->depth > 0)
        g_string_append_printf(json->text, "%s\n%*s", json->is_first ? "" : ",", 2 * json->depth,
                               "");
    json->is_first = false;
    if (key == NULL)
        return;
    json_string(json, key);
    g_string_append(json->text, ": ");
}

static void json_open(Json *json, const char *key, char bracket)
{
    json_begin(json, key);
    g_string_append_c(json->text, bracket);
    json->depth++;
    json->is_first = true;
}

static void json_close(Json *json, char bracket)
{
    json->depth--;
    if (!json->is_first)
        g_string_append_printf(json->text, "\n%*s", 2 * json->depth, "");
    g_string_append_c(json->text, bracket);
    json->is_first = false;
}

static void json_text(Json *json, const char *key, const char *text)
{
    json_begin(json, key);
    json_string(json, text);
}

static void json_number(Json *json, const char *key, int64_t number)
{
    json_begin(json, key);
    g_string_append_printf(json->text, "%" G_GINT64_FORMAT, number);
}

static void json_false(Json *json, const char *key)
{
    json_begin(json, key);
    g_string_append(json->text, "false");
}

/* A list of texts, ended by NULL. */
static void json_texts(Json *json, const char *key, const char *const *texts)
{
    json_open(json, key, '[');
    for (; *texts != NULL; texts++)
        json_text(json, NULL, *texts);
    json_close(json, ']');
}

/* --- Values --- */

/* In each `1..40` may stand for numbers. */
static const char name_pattern[] =
    "^[A-Za-z0-9][A-Za-z0-9_-]{0,62}(\\.\\.[0-9]+[A-Za-z0-9_-]{0,62})?$";
#define LABEL     "[a-z0-9]([a-z0-9-]*[a-z0-9])?(\\.\\.[0-9]+([a-z0-9-]*[a-z0-9])?)?"
#define DNS_LABEL "[a-z0-9_]([a-z0-9_-]*[a-z0-9])?(\\.\\.[0-9]+([a-z0-9_-]*[a-z0-9])?)?"
static const char host_pattern[] = "^" LABEL "(\\." LABEL ")+$";
static const char dns_pattern[] = "^" DNS_LABEL "(\\." DNS_LABEL ")+$";
static const char exchange_pattern[] = "^(\\.|" DNS_LABEL "(\\." DNS_LABEL ")+)$";
static const char reply_pattern[] = "^(4[0-9]{2} 4|5[0-9]{2} 5)\\.[0-9]{1,3}\\.[0-9]{1,3} [ -~]+$";
static const char address_pattern[] = "^.+@[^@]+$";
static const char date_pattern[] = "^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}"
                                   "(Z|[-+][0-9]{2}:[0-9]{2})$";
static const char language_pattern[] = "^[a-z]{2,3}$";

/* The form of a word; NULL where any text may stand. */
static const char *word_pattern(ValueType type)
{
    switch (type) {
    case VALUE_NAME:
        return name_pattern;
    case VALUE_USER_NAME:
        return "^[^@]+$";
    case VALUE_HOST_NAME:
    case VALUE_DOMAIN:
        return host_pattern;
    case VALUE_DNS_NAME:
        return dns_pattern;
    case VALUE_EXCHANGE:
        return exchange_pattern;
    case VALUE_ADDRESS:
        return address_pattern;
    case VALUE_REPLY:
        return reply_pattern;
    default:
        return NULL;
    }
}

static void append_events(Json *json)
{
    json_open(json, "enum", '[');
    for (TraceKind kind = 0; kind < TRACE_KIND_COUNT; kind++)
        json_text(json, NULL, trace_kind_info(kind)->name);
    json_close(json, ']');
}

static void append_action_names(Json *json)
{
    json_open(json, "enum", '[');
    for (ActionKind kind = 0; kind < ACTION_KINDS; kind++)
        json_text(json, NULL, action_name(kind));
    json_close(json, ']');
}

static void append_word(Json *json, ValueType type)
{
    const char *pattern = word_pattern(type);
    json_text(json, "type", "string");
    if (pattern != NULL)
        json_text(json, "pattern", pattern);
    if (type == VALUE_SCHEDULE)
        json_texts(json, "enum", retry_schedule_names());
    else if (type == VALUE_EVENT)
        append_events(json);
}

static void append_value(Json *json, const ValueSpec *value);

static void append_local_text(Json *json)
{
    json_open(json, "anyOf", '[');
    json_open(json, NULL, '{');
    json_text(json, "type", "string");
    json_close(json, '}');
    json_open(json, NULL, '{');
    json_text(json, "type", "object");
    json_number(json, "minProperties", 1);
    json_open(json, "propertyNames", '{');
    json_text(json, "pattern", language_pattern);
    json_close(json, '}');
    json_open(json, "additionalProperties", '{');
    json_text(json, "type", "string");
    json_close(json, '}');
    json_close(json, '}');
    json_close(json, ']');
}

static void append_list(Json *json, const ValueSpec *value)
{
    json_text(json, "type", "array");
    if (value->least > 0)
        json_number(json, "minItems", (int64_t)value->least);
    if (value->most > 0)
        json_number(json, "maxItems", (int64_t)value->most);
    json_open(json, "items", '{');
    append_value(json, value->element);
    json_close(json, '}');
}

/* --- Maps --- */

static void append_property(Json *json, const KeySpec *key)
{
    const char *text = key->default_text;
    json_open(json, key->key, '{');
    json_text(json, "description", key->meaning);
    append_value(json, &key->value);
    if (text != NULL && key->value.type == VALUE_INTEGER)
        json_number(json, "default", g_ascii_strtoll(text, NULL, 10));
    else if (text != NULL && key->value.type != VALUE_LIST && key->value.type != VALUE_NAMED)
        json_text(json, "default", text);
    json_close(json, '}');
}

static void append_properties(Json *json, const KeySpec *keys, size_t count)
{
    for (size_t i = 0; i < count; i++)
        append_property(json, &keys[i]);
}

static void append_required(Json *json, const KeySpec *keys, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (keys[i].is_required)
            json_text(json, NULL, keys[i].key);
    }
}

static void append_map(Json *json, const MappingSpec *mapping)
{
    json_text(json, "type", "object");
    json_open(json, "properties", '{');
    append_properties(json, mapping->keys, mapping->key_count);
    json_close(json, '}');
    json_open(json, "required", '[');
    append_required(json, mapping->keys, mapping->key_count);
    json_close(json, ']');
    json_false(json, "additionalProperties");
}

static void append_named(Json *json, const ValueSpec *value)
{
    json_text(json, "type", "object");
    if (value->least > 0)
        json_number(json, "minProperties", (int64_t)value->least);
    json_open(json, "propertyNames", '{');
    append_word(json, value->mapping->name_type);
    json_close(json, '}');
    json_open(json, "additionalProperties", '{');
    append_map(json, value->mapping);
    json_close(json, '}');
}

/* --- The timeline: `do` decides which keys there are --- */

/* `{"required": [KEY]}`, as an element or under a name. */
static void append_presence(Json *json, const char *name, const char *key)
{
    json_open(json, name, '{');
    json_open(json, "required", '[');
    json_text(json, NULL, key);
    json_close(json, ']');
    json_close(json, '}');
}

/* Of an event, with any further keys, or of a state. */
static void append_trigger(Json *json)
{
    json_text(json, "type", "object");
    append_presence(json, "if", "event");
    json_open(json, "then", '{');
    json_open(json, "properties", '{');
    append_properties(json, format_event_trigger.keys, format_event_trigger.key_count);
    json_close(json, '}');
    json_open(json, "required", '[');
    append_required(json, format_event_trigger.keys, format_event_trigger.key_count);
    json_close(json, ']');
    json_close(json, '}');
    json_open(json, "else", '{');
    append_map(json, &format_trigger);
    json_close(json, '}');
}

/* The keys of every action, so that no others are allowed; what they hold is said once, outside. */
static void append_common_keys(Json *json)
{
    for (size_t i = 0; i < format_action.key_count; i++) {
        json_open(json, format_action.keys[i].key, '{');
        json_close(json, '}');
    }
}

static void append_one_action(Json *json, const ActionSpec *action)
{
    json_open(json, NULL, '{');
    json_open(json, "if", '{');
    json_open(json, "properties", '{');
    json_open(json, "do", '{');
    json_text(json, "const", action->name);
    json_close(json, '}');
    json_close(json, '}');
    json_open(json, "required", '[');
    json_text(json, NULL, "do");
    json_close(json, ']');
    json_close(json, '}');
    json_open(json, "then", '{');
    json_text(json, "description", action->meaning);
    json_open(json, "properties", '{');
    append_common_keys(json);
    append_properties(json, action->keys, action->key_count);
    json_close(json, '}');
    json_open(json, "required", '[');
    append_required(json, format_action.keys, format_action.key_count);
    append_required(json, action->keys, action->key_count);
    json_close(json, ']');
    json_false(json, "additionalProperties");
    json_close(json, '}');
    json_close(json, '}');
}

static void append_action(Json *json)
{
    json_text(json, "type", "object");
    json_open(json, "required", '[');
    append_required(json, format_action.keys, format_action.key_count);
    json_close(json, ']');
    json_open(json, "oneOf", '[');
    append_presence(json, NULL, "at");
    append_presence(json, NULL, "when");
    json_close(json, ']');
    json_open(json, "properties", '{');
    append_properties(json, format_action.keys, format_action.key_count);
    json_close(json, '}');
    json_open(json, "allOf", '[');
    for (ActionKind kind = 0; kind < ACTION_KINDS; kind++)
        append_one_action(json, format_action_of(kind));
    json_close(json, ']');
}

/* --- Expectations and answers: about events, with any further keys, or about something else --- */

static void append_facts(Json *json, const FactSubject *subjects, size_t count)
{
    json_open(json, "enum", '[');
    for (FactId id = 0; id < FACTS; id++) {
        for (size_t i = 0; i < count; i++) {
            if (fact_of(id)->subject == subjects[i])
                json_text(json, NULL, fact_of(id)->name);
        }
    }
    json_close(json, ']');
}

static void append_selector_keys(Json *json, const MappingSpec *mapping,
                                 const FactSubject *subjects, size_t subject_count)
{
    json_open(json, "properties", '{');
    for (size_t i = 0; i < mapping->key_count; i++) {
        const KeySpec *key = &mapping->keys[i];
        if (key->value.type != VALUE_FACT) {
            append_property(json, key);
            continue;
        }
        json_open(json, key->key, '{');
        json_text(json, "description", key->meaning);
        append_facts(json, subjects, subject_count);
        json_close(json, '}');
    }
    json_close(json, '}');
}

/* Exactly one subject, and a fact that such subjects have. */
static void append_subjects(Json *json)
{
    static const struct {
        const char *key;
        FactSubject subject;
    } subjects[] = {{"mail", FACT_OF_MAIL},
                    {"bounce_of", FACT_OF_MAIL},
                    {"traffic", FACT_OF_TRAFFIC},
                    {"host", FACT_OF_HOST}};
    json_open(json, "oneOf", '[');
    for (size_t i = 0; i < G_N_ELEMENTS(subjects); i++)
        append_presence(json, NULL, subjects[i].key);
    json_close(json, ']');
    json_open(json, "allOf", '[');
    for (size_t i = 0; i < G_N_ELEMENTS(subjects); i++) {
        json_open(json, NULL, '{');
        append_presence(json, "if", subjects[i].key);
        json_open(json, "then", '{');
        json_open(json, "properties", '{');
        json_open(json, "fact", '{');
        append_facts(json, &subjects[i].subject, 1);
        json_close(json, '}');
        json_close(json, '}');
        json_close(json, '}');
        json_close(json, '}');
    }
    json_close(json, ']');
}

static void append_comparators(Json *json)
{
    json_open(json, "oneOf", '[');
    for (FactComparator comparator = 0; comparator < FACT_COMPARATORS; comparator++)
        append_presence(json, NULL, fact_comparator_name(comparator));
    json_close(json, ']');
}

static void append_selector(Json *json, const MappingSpec *of_events, const MappingSpec *others)
{
    const FactSubject events[] = {FACT_OF_EVENT},
                      subjects[] = {FACT_OF_MAIL, FACT_OF_TRAFFIC, FACT_OF_HOST};
    json_text(json, "type", "object");
    json_open(json, "required", '[');
    json_text(json, NULL, "fact");
    json_close(json, ']');
    json_open(json, "if", '{');
    json_open(json, "required", '[');
    json_text(json, NULL, "event");
    json_close(json, ']');
    json_close(json, '}');
    json_open(json, "then", '{');
    append_selector_keys(json, of_events, events, G_N_ELEMENTS(events));
    json_close(json, '}');
    json_open(json, "else", '{');
    append_selector_keys(json, others, subjects, G_N_ELEMENTS(subjects));
    json_false(json, "additionalProperties");
    append_subjects(json);
    json_close(json, '}');
}

/* --- All of it --- */

static void append_value(Json *json, const ValueSpec *value)
{
    switch (value->type) {
    case VALUE_QUANTITY:
        json_text(json, "type", "string");
        json_text(json, "pattern", units_pattern(value->units));
        break;
    case VALUE_INTEGER:
        json_text(json, "type", "integer");
        json_number(json, "minimum", value->minimum);
        if (value->maximum < INT64_MAX)
            json_number(json, "maximum", value->maximum);
        break;
    case VALUE_CHOICE:
        json_texts(json, "enum", value->choices);
        break;
    case VALUE_DATE_TIME:
        json_text(json, "type", "string");
        json_text(json, "pattern", date_pattern);
        break;
    case VALUE_LOCAL_TEXT:
        append_local_text(json);
        break;
    case VALUE_FACT_VALUE:
        json_texts(json, "type", (const char *const[]){"string", "integer", NULL});
        break;
    case VALUE_LIST:
        append_list(json, value);
        break;
    case VALUE_MAP:
        append_map(json, value->mapping);
        break;
    case VALUE_NAMED:
        append_named(json, value);
        break;
    case VALUE_DO:
        append_action_names(json);
        break;
    case VALUE_ACTION:
        append_action(json);
        break;
    case VALUE_TRIGGER:
        append_trigger(json);
        break;
    case VALUE_SELECTOR:
        append_selector(json, &format_event_selector, &format_selector);
        break;
    case VALUE_EXPECTATION:
        append_selector(json, &format_event_expectation, &format_expectation);
        append_comparators(json);
        break;
    default:
        append_word(json, value->type);
    }
}

char *scenario_schema_text(void)
{
    Json json = {.text = g_string_new(NULL)};
    json_open(&json, NULL, '{');
    json_text(&json, "$schema", "http://json-schema.org/draft-07/schema#");
    json_text(&json, "title", "mailsim scenario");
    json_text(&json, "description",
              "A network, its mail servers and people, and what happens when. Made from the tables "
              "of sim/scenario/format.c.");
    append_map(&json, &format_scenario);
    json_close(&json, '}');
    return g_string_free(g_string_append_c(json.text, '\n'), FALSE);
}
