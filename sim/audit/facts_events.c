/* Events that somebody asked to count: which fields a condition may name, and what it matches. See
 * facts.h. */
#include "audit/facts_internal.h"

#include "core/check.h"

#include <string.h>

/* ---- Names of fields ---- */

static const char *short_name(const TraceFieldInfo *field)
{
    const char *dot = strrchr(field->key, '.');
    return dot != NULL ? dot + 1 : field->key;
}

/* The one field whose key ends in `.name`; NULL when there is none or more than one. */
static const TraceFieldInfo *find_by_short_name(const TraceKindInfo *info, const char *name)
{
    const TraceFieldInfo *found = NULL;
    for (size_t i = 0; i < info->field_count; i++) {
        if (strcmp(short_name(&info->fields[i]), name) != 0)
            continue;
        if (found != NULL)
            return NULL;
        found = &info->fields[i];
    }
    return found;
}

const TraceFieldInfo *facts_find_field(TraceKind kind, const char *name)
{
    const TraceFieldInfo *field = trace_kind_field(kind, name);
    return field != NULL ? field : find_by_short_name(trace_kind_info(kind), name);
}

const char **facts_list_fields(TraceKind kind)
{
    const TraceKindInfo *info = trace_kind_info(kind);
    const char **names = g_new0(const char *, info->field_count + 2);
    names[0] = "host";
    for (size_t i = 0; i < info->field_count; i++) {
        const TraceFieldInfo *field = &info->fields[i];
        const char *name = short_name(field);
        names[i + 1] = facts_find_field(kind, name) == field ? name : field->key;
    }
    return names;
}

/* ---- Values as text ---- */

static bool number_matches(uint64_t number, const char *value)
{
    char text[24];
    g_snprintf(text, sizeof text, "%" G_GUINT64_FORMAT, number);
    return strcmp(text, value) == 0;
}

static bool ref_matches(const Simulator *simulator, TraceRef ref, const char *value)
{
    if (ref.number == 0)
        return false;
    g_autofree char *text = g_strdup_printf("%s#%" G_GUINT64_FORMAT,
                                            simulator_node_name(simulator, ref.node), ref.number);
    return strcmp(text, value) == 0;
}

static bool address_matches(Ipv4Address address, const char *value)
{
    char text[IPV4_TEXT_SIZE];
    return strcmp(ipv4_format(address, text), value) == 0;
}

bool facts_field_matches(const Simulator *simulator, const TraceRecord *record,
                         const TraceFieldInfo *field, const char *value)
{
    const void *at = (const char *)record->fields + field->offset;
    switch (field->type) {
    case TRACE_FIELD_TEXT: {
        TraceField_TEXT text = *(const TraceField_TEXT *)at;
        return text != NULL && strcmp(text, value) == 0;
    }
    case TRACE_FIELD_OCTETS:
        return span_equals(*(const TraceField_OCTETS *)at, span_of_text(value));
    case TRACE_FIELD_COUNT:
        return number_matches(*(const TraceField_COUNT *)at, value);
    case TRACE_FIELD_TIME: {
        TraceField_TIME time = *(const TraceField_TIME *)at;
        return time != SIM_NEVER && number_matches((uint64_t)time, value);
    }
    case TRACE_FIELD_FLAG:
        return strcmp(*(const TraceField_FLAG *)at ? "true" : "false", value) == 0;
    case TRACE_FIELD_REF:
        return ref_matches(simulator, *(const TraceField_REF *)at, value);
    case TRACE_FIELD_IP:
        return address_matches(*(const TraceField_IP *)at, value);
    }
    return false;
}

/* ---- Watches ---- */

void watch_clear(void *pointer)
{
    Watch *watch = pointer;
    for (size_t i = 0; i < watch->condition_count; i++)
        g_free(watch->conditions[i].value);
    g_free(watch->conditions);
}

static WatchCondition condition_of(TraceKind kind, const FactsCondition *condition)
{
    WatchCondition copy = {.value = g_strdup(condition->value)};
    if (strcmp(condition->field, "host") != 0) {
        copy.field = facts_find_field(kind, condition->field);
        CHECK(copy.field != NULL);
    }
    return copy;
}

size_t facts_watch_event(Facts *facts, TraceKind kind, const FactsCondition *conditions,
                         size_t condition_count)
{
    Watch watch = {
        .conditions = g_new0(WatchCondition, condition_count),
        .condition_count = condition_count,
        .before = SIM_NEVER,
        .events = {0, SIM_NEVER, SIM_NEVER},
        .next = facts->first_watch[kind],
    };
    for (size_t i = 0; i < condition_count; i++)
        watch.conditions[i] = condition_of(kind, &conditions[i]);
    g_array_append_val(facts->watches, watch);
    facts->first_watch[kind] = facts->watches->len;
    facts->level = MAX(facts->level, trace_kind_info(kind)->level);
    return facts->watches->len - 1;
}

void facts_limit_watch(Facts *facts, size_t watch, SimTime before)
{
    g_array_index(facts->watches, Watch, watch).before = before;
}

FactsEvents facts_events(const Facts *facts, size_t watch)
{
    return g_array_index(facts->watches, Watch, watch).events;
}

static bool watch_matches(const Facts *facts, const Watch *watch, const TraceRecord *record)
{
    if (record->time >= watch->before)
        return false;
    for (size_t i = 0; i < watch->condition_count; i++) {
        const WatchCondition *condition = &watch->conditions[i];
        bool is_met =
            condition->field == NULL
                ? strcmp(simulator_node_name(facts->simulator, record->node), condition->value) == 0
                : facts_field_matches(facts->simulator, record, condition->field, condition->value);
        if (!is_met)
            return false;
    }
    return true;
}

void facts_count_watched(Facts *facts, const TraceRecord *record)
{
    size_t number = facts->first_watch[record->kind];
    while (number != 0) {
        Watch *watch = &g_array_index(facts->watches, Watch, number - 1);
        if (watch_matches(facts, watch, record)) {
            watch->events.count++;
            watch->events.first_at = MIN(watch->events.first_at, record->time);
            watch->events.last_at = record->time;
        }
        number = watch->next;
    }
}
