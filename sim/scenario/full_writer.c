/* A scenario with every default filled in. See full_writer.h.
 *
 * It follows the format's tables, as the reader does. Maps and lists of maps are blocks, lists of
 * words stand on one line. */
#include "scenario/full_writer.h"

#include "core/check.h"
#include "core/units.h"
#include "scenario/format.h"

#include <string.h>

enum { INDENT = 2 };

/* --- Scalars --- */

/* Words that no YAML program takes for anything but a text. */
static bool is_plain(const char *text)
{
    static const char *const others[] = {"null", "true", "false", "yes", "no",
                                         "on",   "off",  "y",     "n"};
    for (size_t i = 0; i < G_N_ELEMENTS(others); i++) {
        if (g_ascii_strcasecmp(text, others[i]) == 0)
            return false;
    }
    if (!g_ascii_isalpha(*text))
        return false;
    for (const char *next = text; *next != '\0'; next++) {
        if (!g_ascii_isalnum(*next) && strchr("._-@+/", *next) == NULL)
            return false;
    }
    return true;
}

static void append_quoted(GString *out, const char *text)
{
    g_string_append_c(out, '"');
    for (const char *next = text; *next != '\0'; next++) {
        if (*next == '"' || *next == '\\')
            g_string_append_printf(out, "\\%c", *next);
        else if (*next == '\n')
            g_string_append(out, "\\n");
        else if (*next == '\t')
            g_string_append(out, "\\t");
        else
            g_string_append_c(out, *next);
    }
    g_string_append_c(out, '"');
}

/* A block after `|` keeps lines as they are, but not a first line that is indented or empty, nor a
 * text that does not end in exactly one line end. */
static bool fits_block(const char *text)
{
    size_t length = strlen(text);
    return length > 1 && text[length - 1] == '\n' && text[length - 2] != '\n' &&
           strchr(" \t\n", *text) == NULL;
}

static void append_block(GString *out, const char *text, int indent)
{
    g_string_append_c(out, '|');
    g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
    for (char **line = lines; line[1] != NULL; line++)
        g_string_append_printf(out, "\n%*s%s", **line == '\0' ? 0 : indent + INDENT, "", *line);
}

/* A text for people stands in quotes or as a block. */
static void append_text(GString *out, const char *text, int indent)
{
    if (fits_block(text))
        append_block(out, text, indent);
    else
        append_quoted(out, text);
}

static void append_word(GString *out, ValueType type, const ScenarioText *word, int indent)
{
    if (type == VALUE_TEXT)
        append_text(out, word->text, indent);
    else if (is_plain(word->text))
        g_string_append(out, word->text);
    else
        append_quoted(out, word->text);
}

static void append_date_time(GString *out, const ScenarioDateTime *value)
{
    g_autoptr(GTimeZone) zone = g_time_zone_new_offset((gint32)value->offset_minutes * 60);
    g_autoptr(GDateTime) utc = g_date_time_new_from_unix_utc(value->unix_seconds);
    g_autoptr(GDateTime) local = g_date_time_to_timezone(utc, zone);
    int64_t offset = ABS(value->offset_minutes);
    g_string_append_printf(
        out, "%04d-%02d-%02dT%02d:%02d:%02d%c%02d:%02d", g_date_time_get_year(local),
        g_date_time_get_month(local), g_date_time_get_day_of_month(local),
        g_date_time_get_hour(local), g_date_time_get_minute(local), g_date_time_get_second(local),
        value->offset_minutes < 0 ? '-' : '+', (int)(offset / 60), (int)(offset % 60));
}

/* --- Values --- */

static ListValue list_of(const void *value)
{
    ListValue list;
    memcpy(&list, value, sizeof list);
    return list;
}

/* True when there is nothing to write: the key was not given and has no default. */
static bool is_absent(const ValueSpec *spec, const void *value)
{
    if (value_type_is_word(spec->type))
        return ((const ScenarioText *)value)->text == NULL;
    switch (spec->type) {
    case VALUE_QUANTITY:
    case VALUE_INTEGER:
    case VALUE_CHOICE:
        return *(const int64_t *)value == SCENARIO_UNSET;
    case VALUE_LOCAL_TEXT:
        return ((const LocalText *)value)->count == 0;
    case VALUE_LIST:
    case VALUE_NAMED:
        return list_of(value).count == 0 && spec->least > 0;
    default:
        return false;
    }
}

static void append_value(GString *out, const ValueSpec *spec, const void *value, int indent);

static void append_key(GString *out, const char *key, int indent)
{
    g_string_append_printf(out, "\n%*s", indent, "");
    const ScenarioText word = {.text = key};
    append_word(out, VALUE_NAME, &word, indent);
    g_string_append_c(out, ':');
}

/* The keys of a map, each on a line of its own. Returns how many were written. */
static size_t append_keys(GString *out, const KeySpec *keys, size_t count, const void *value,
                          int indent)
{
    size_t written = 0;
    for (size_t i = 0; i < count; i++) {
        const KeySpec *key = &keys[i];
        const char *target = (const char *)value + key->offset;
        if (is_absent(&key->value, target)) {
            g_string_append_printf(out, "\n%*s# %s: %s", indent, "", key->key, key->when_absent);
            continue;
        }
        append_key(out, key->key, indent);
        append_value(out, &key->value, target, indent);
        written++;
    }
    return written;
}

/* A map without keys is `{}`: comments alone would be no value. */
static void append_map(GString *out, const MappingSpec *mapping, const void *value, int indent)
{
    gsize before = out->len;
    if (append_keys(out, mapping->keys, mapping->key_count, value, indent + INDENT) == 0)
        g_string_append(g_string_truncate(out, before), " {}");
}

static void append_named(GString *out, const ValueSpec *spec, const void *value, int indent)
{
    ListValue list = list_of(value);
    const char *item = list.items;
    if (list.count == 0)
        g_string_append(out, " {}");
    for (size_t i = 0; i < list.count; i++, item += spec->mapping->size) {
        append_key(out,
                   ((const ScenarioText *)(const void *)(item + spec->mapping->name_offset))->text,
                   indent + INDENT);
        append_map(out, spec->mapping, item, indent + INDENT);
    }
}

static bool is_block(const ValueSpec *element)
{
    return element->type == VALUE_MAP || element->type == VALUE_ACTION ||
           element->type == VALUE_EXPECTATION;
}

static void append_flow_list(GString *out, const ValueSpec *element, ListValue list, int indent)
{
    const char *item = list.items;
    g_string_append(out, "[");
    for (size_t i = 0; i < list.count; i++, item += value_size(element)) {
        g_autoptr(GString) text = g_string_new(NULL);
        if (element->type == VALUE_TEXT)
            append_quoted(text, ((const ScenarioText *)(const void *)item)->text);
        else
            append_value(text, element, item, indent);
        g_string_append_printf(out, "%s%s", i == 0 ? "" : ", ", g_strchug(text->str));
    }
    g_string_append_c(out, ']');
}

/* Each element begins in the place of its first key's indentation: `- `. */
static void append_block_list(GString *out, const ValueSpec *element, ListValue list, int indent)
{
    const char *item = list.items;
    for (size_t i = 0; i < list.count; i++, item += value_size(element)) {
        gsize start = out->len + 1 + (gsize)indent + INDENT; /* behind the line end */
        append_value(out, element, item, indent + INDENT);
        CHECK(out->str[start] == ' ');
        out->str[start] = '-';
    }
}

static void append_list(GString *out, const ValueSpec *spec, const void *value, int indent)
{
    ListValue list = list_of(value);
    if (list.count > 0 && is_block(spec->element)) {
        append_block_list(out, spec->element, list, indent);
        return;
    }
    g_string_append_c(out, ' ');
    append_flow_list(out, spec->element, list, indent);
}

static void append_local_text(GString *out, const LocalText *text, int indent)
{
    bool has_language = *text->entries[0].language != '\0';
    for (size_t i = 0; i < text->count; i++) {
        if (has_language)
            append_key(out, text->entries[i].language, indent + INDENT);
        g_string_append_c(out, ' ');
        append_text(out, text->entries[i].text, has_language ? indent + INDENT : indent);
    }
}

/* --- Fields of events --- */

static void append_pair(GString *out, const char *key, const char *text, int indent)
{
    const ScenarioText word = {.text = text};
    if (text == NULL)
        return;
    append_key(out, key, indent);
    g_string_append_c(out, ' ');
    append_word(out, VALUE_NAME, &word, indent);
}

/* Numbers stay without quotes, as the format wants them. */
static void append_field(GString *out, TraceKind kind, const FactField *field, int indent)
{
    append_key(out, fact_field_name(kind, field->index), indent);
    if (trace_kind_info(kind)->fields[field->index].type == TRACE_FIELD_COUNT)
        g_string_append_printf(out, " %" G_GINT64_FORMAT, field->number);
    else
        append_quoted(g_string_append_c(out, ' '), field->value);
}

/* --- The timeline --- */

static void append_trigger(GString *out, const ScenarioTrigger *trigger, int indent)
{
    append_pair(out, "host", trigger->host.text, indent + INDENT);
    if (trigger->machine != SCENARIO_UNSET) {
        append_pair(out, "machine", format_machine(trigger->machine)->name, indent + INDENT);
        append_pair(out, "enters", trigger->enters.text, indent + INDENT);
    } else {
        append_pair(out, "event", trace_kind_info(trigger->event)->name, indent + INDENT);
        for (size_t i = 0; i < trigger->field_count; i++)
            append_field(out, trigger->event, &trigger->fields[i], indent + INDENT);
    }
    append_key(out, "nth", indent + INDENT);
    g_string_append_printf(out, " %" G_GINT64_FORMAT, trigger->nth);
}

/* Keys that are left out without a remark: an action has `at` or `when`. */
static bool is_left_out(const ScenarioAction *action, size_t offset)
{
    bool is_repetition =
        offset == offsetof(ScenarioAction, every_ns) || offset == offsetof(ScenarioAction, times);
    bool is_trigger =
        offset == offsetof(ScenarioAction, when) || offset == offsetof(ScenarioAction, after_ns);
    bool has_time = action->time_ns != SCENARIO_UNSET;
    return (is_repetition && action->every_ns == SCENARIO_UNSET) || (is_trigger && has_time) ||
           (offset == offsetof(ScenarioAction, time_ns) && !has_time);
}

/* The keys that every action has. */
static void append_action(GString *out, const ScenarioAction *action, int indent)
{
    const ActionSpec *spec = format_action_of(action->kind);
    for (size_t i = 0; i < format_action.key_count; i++) {
        const KeySpec *key = &format_action.keys[i];
        if (!is_left_out(action, key->offset))
            append_keys(out, key, 1, action, indent + INDENT);
    }
    append_keys(out, spec->keys, spec->key_count, action, indent + INDENT);
}

/* --- Expectations and answers --- */

static void append_selector(GString *out, const FactSelector *selector, int indent)
{
    const Fact *fact = fact_of(selector->fact);
    if (fact->subject == FACT_OF_EVENT)
        append_pair(out, "event", trace_kind_info(selector->event)->name, indent + INDENT);
    append_pair(out, selector->is_bounce ? "bounce_of" : "mail", selector->mail, indent + INDENT);
    append_pair(out, "traffic", selector->traffic, indent + INDENT);
    append_pair(out, "to", selector->to, indent + INDENT);
    append_pair(out, "host", selector->host, indent + INDENT);
    for (size_t i = 0; i < selector->field_count; i++)
        append_field(out, selector->event, &selector->fields[i], indent + INDENT);
    if (selector->moment != SIM_NEVER) {
        g_autofree char *moment = units_format(UNITS_DURATION, selector->moment);
        append_key(out, "at", indent + INDENT);
        g_string_append_printf(out, " %s", moment);
    }
    if (selector->before != SIM_NEVER) {
        g_autofree char *before = units_format(UNITS_DURATION, selector->before);
        append_key(out, "before", indent + INDENT);
        g_string_append_printf(out, " %s", before);
    }
    append_pair(out, "fact", fact->name, indent + INDENT);
}

static void append_expectation(GString *out, const ScenarioExpectation *expectation, int indent)
{
    FactType type = fact_of(expectation->selector.fact)->type;
    g_autofree char *value = fact_value_format(type, expectation->value);
    append_selector(out, &expectation->selector, indent);
    append_key(out, fact_comparator_name(expectation->comparator), indent + INDENT);
    if (expectation->comparator != FACT_RANGE) {
        g_string_append_printf(out, " %s", value);
        return;
    }
    g_autofree char *upper = fact_value_format(type, expectation->upper);
    g_string_append_printf(out, " [%s, %s]", value, upper);
}

/* --- All of them --- */

static void append_number(GString *out, const ValueSpec *spec, int64_t number)
{
    if (spec->type == VALUE_QUANTITY) {
        g_autofree char *text = units_format(spec->units, number);
        g_string_append_printf(out, " %s", text);
    } else if (spec->type == VALUE_CHOICE) {
        g_string_append_printf(out, " %s", spec->choices[number]);
    } else {
        g_string_append_printf(out, " %" G_GINT64_FORMAT, number);
    }
}

/* Everything behind the colon: a space and a scalar, or lines below. */
static void append_value(GString *out, const ValueSpec *spec, const void *value, int indent)
{
    switch (spec->type) {
    case VALUE_QUANTITY:
    case VALUE_INTEGER:
    case VALUE_CHOICE:
        append_number(out, spec, *(const int64_t *)value);
        break;
    case VALUE_DO:
        g_string_append_printf(out, " %s", action_name(*(const ActionKind *)value));
        break;
    case VALUE_DATE_TIME:
        append_date_time(g_string_append_c(out, ' '), value);
        break;
    case VALUE_LOCAL_TEXT:
        append_local_text(out, value, indent);
        break;
    case VALUE_LIST:
        append_list(out, spec, value, indent);
        break;
    case VALUE_MAP:
        append_map(out, spec->mapping, value, indent);
        break;
    case VALUE_NAMED:
        append_named(out, spec, value, indent);
        break;
    case VALUE_ACTION:
        append_action(out, value, indent);
        break;
    case VALUE_TRIGGER:
        append_trigger(out, value, indent);
        break;
    case VALUE_SELECTOR:
        append_selector(out, value, indent);
        break;
    case VALUE_EXPECTATION:
        append_expectation(out, value, indent);
        break;
    default:
        append_word(g_string_append_c(out, ' '), spec->type, value, indent);
    }
}

char *scenario_format_full(const Scenario *scenario)
{
    GString *out = g_string_new(NULL);
    append_keys(out, format_scenario.keys, format_scenario.key_count, scenario, 0);
    g_string_erase(out, 0, 1); /* the line end before the first key */
    return g_string_free(g_string_append_c(out, '\n'), FALSE);
}
