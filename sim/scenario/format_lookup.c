/* What is asked of the format's tables. See format.h. */
#include "scenario/format.h"

#include "core/check.h"

#include <string.h>

enum { PLACES_NAMED = 3 };

bool value_type_is_word(ValueType type)
{
    return type <= VALUE_FACT_VALUE;
}

size_t value_size(const ValueSpec *value)
{
    switch (value->type) {
    case VALUE_LOCAL_TEXT:
        return sizeof(LocalText);
    case VALUE_DATE_TIME:
        return sizeof(ScenarioDateTime);
    case VALUE_QUANTITY:
    case VALUE_INTEGER:
    case VALUE_CHOICE:
        return sizeof(int64_t);
    case VALUE_LIST:
    case VALUE_NAMED:
        return sizeof(ListValue);
    case VALUE_MAP:
        return value->mapping->size;
    case VALUE_DO:
        return sizeof(ActionKind);
    case VALUE_ACTION:
        return sizeof(ScenarioAction);
    case VALUE_TRIGGER:
        return sizeof(ScenarioTrigger);
    case VALUE_SELECTOR:
        return sizeof(FactSelector);
    case VALUE_EXPECTATION:
        return sizeof(ScenarioExpectation);
    default: /* the words, all alike */
        CHECK(value_type_is_word(value->type));
        return sizeof(ScenarioText);
    }
}

/* The words by type; the other types are described below. */
static const char *const descriptions[] = {
    [VALUE_TEXT] = "a text",
    [VALUE_NAME] = "a name of letters, digits, `-` and `_`",
    [VALUE_USER_NAME] = "a user's name",
    [VALUE_HOST_NAME] = "a host name such as `mail.gmail.example`",
    [VALUE_DOMAIN] = "a mail domain such as `gmail.example`",
    [VALUE_DNS_NAME] = "a domain name such as `mail.gmail.example`",
    [VALUE_EXCHANGE] = "a domain name such as `mail.gmail.example`, or `.`",
    [VALUE_ADDRESS] = "a mail address such as `bob@gmail.example`",
    [VALUE_DNS_TARGET] = "an IPv4 address or the name of a server",
    [VALUE_REPLY] = "a reply such as `550 5.7.1 Not for you`",
    [VALUE_SCHEDULE] = "the name of a retry schedule such as `postfix`",
    [VALUE_ROUTER] = "the name of a router",
    [VALUE_SERVER] = "the name of a server",
    [VALUE_NODE] = "the name of a router, a server or an agent's machine",
    [VALUE_PLACE] = "the name of a node, or a range of addresses such as `198.51.100.0/24`",
    [VALUE_PERSON] = "the name of a person",
    [VALUE_AGENT] = "the name of an agent",
    [VALUE_MAIL] = "the name of a mail",
    [VALUE_RECEIVED] = "the name of a mail, or of what comes of one, such as `lunch.bounce`",
    [VALUE_KNOWN_NAME] = "a name that has records",
    [VALUE_EVENT] = "a kind of event such as `smtp.reply`",
    [VALUE_STATE] = "the name of a state such as `DATA`",
    [VALUE_FACT] = "the name of a fact",
    [VALUE_FACT_VALUE] = "a value",
    [VALUE_LOCAL_TEXT] = "a text, or a map from languages to texts",
    [VALUE_DATE_TIME] = "a date and time with a zone, such as `2026-03-02T09:00:00+09:00`",
    [VALUE_INTEGER] = "a whole number",
    [VALUE_LIST] = "a list",
    [VALUE_MAP] = "a map",
    [VALUE_NAMED] = "a map from names to what they stand for",
    [VALUE_DO] = "the name of an action",
    [VALUE_ACTION] = "an action, a map such as `{at: 1 s, do: send, mail: lunch}`",
    [VALUE_TRIGGER] =
        "a map such as `{host: mail.gmail.example, machine: smtp-server, enters: DATA}`",
    [VALUE_SELECTOR] = "a map such as `{mail: lunch, fact: attempts}`",
    [VALUE_EXPECTATION] = "a map such as `{mail: lunch, fact: status, is: delivered}`",
};

char *value_describe(const ValueSpec *value)
{
    if (value->type == VALUE_QUANTITY)
        return g_strdup_printf("a %s such as `%s`", units_name(value->units),
                               units_example(value->units));
    if (value->type == VALUE_CHOICE) {
        g_autofree char *choices = g_strjoinv("` or `", (char **)(void *)value->choices);
        return g_strdup_printf("`%s`", choices);
    }
    return g_strdup(descriptions[value->type]);
}

/* --- Where a key is at home --- */

typedef struct PlaceSearch {
    const char *key;
    const MappingSpec *except;
    GPtrArray *places;
} PlaceSearch;

static bool keys_hold(const KeySpec *keys, size_t count, const char *key)
{
    for (size_t i = 0; i < count; i++) {
        if (strcmp(keys[i].key, key) == 0)
            return true;
    }
    return false;
}

/* Each place once: `expect` has two sets of keys. */
static void add_place(PlaceSearch *search, const char *place)
{
    if (!g_ptr_array_find_with_equal_func(search->places, place, g_str_equal, NULL))
        g_ptr_array_add(search->places, g_strdup(place));
}

static void search_mapping(PlaceSearch *search, const MappingSpec *mapping, const char *path);

/* A mapping that is found under `path`, directly, as an element or under names. */
static void search_value(PlaceSearch *search, const ValueSpec *value, const char *path)
{
    if (value->type == VALUE_LIST) {
        search_value(search, value->element, path);
    } else if (value->type == VALUE_MAP) {
        search_mapping(search, value->mapping, path);
    } else if (value->type == VALUE_NAMED) {
        g_autofree char *named = g_strconcat(path, ".NAME", NULL);
        search_mapping(search, value->mapping, named);
    } else if (value->type == VALUE_ACTION) {
        search_mapping(search, &format_action, path);
    } else if (value->type == VALUE_TRIGGER) {
        search_mapping(search, &format_trigger, path);
        search_mapping(search, &format_event_trigger, path);
    } else if (value->type == VALUE_SELECTOR) {
        search_mapping(search, &format_selector, path);
        search_mapping(search, &format_event_selector, path);
    } else if (value->type == VALUE_EXPECTATION) {
        search_mapping(search, &format_expectation, path);
        search_mapping(search, &format_event_expectation, path);
    }
}

static void search_mapping(PlaceSearch *search, const MappingSpec *mapping, const char *path)
{
    if (mapping != search->except && keys_hold(mapping->keys, mapping->key_count, search->key)) {
        g_autofree char *quoted = g_strdup_printf("`%s`", path);
        add_place(search, *path == '\0' ? "the top level" : quoted);
    }
    for (size_t i = 0; i < mapping->key_count; i++) {
        g_autofree char *below =
            g_strconcat(path, *path == '\0' ? "" : ".", mapping->keys[i].key, NULL);
        search_value(search, &mapping->keys[i].value, below);
    }
}

static void search_actions(PlaceSearch *search)
{
    for (ActionKind kind = 0; kind < ACTION_KINDS; kind++) {
        const ActionSpec *action = format_action_of(kind);
        if (keys_hold(action->keys, action->key_count, search->key)) {
            g_autofree char *place = g_strdup_printf("`do: %s`", action->name);
            add_place(search, place);
        }
    }
}

char *format_find_places(const char *key, const MappingSpec *except)
{
    g_autoptr(GPtrArray) places = g_ptr_array_new_with_free_func(g_free);
    PlaceSearch search = {key, except, places};
    if (except == &format_action)
        search_actions(&search);
    search_mapping(&search, &format_scenario, "");
    if (except != &format_action)
        search_actions(&search);
    if (places->len == 0)
        return NULL;
    GString *text = g_string_new(places->pdata[0]);
    for (guint i = 1; i < places->len && i < PLACES_NAMED; i++)
        g_string_append_printf(text, "%s%s",
                               i + 1 == MIN(places->len, PLACES_NAMED) ? " or " : ", ",
                               (const char *)places->pdata[i]);
    return g_string_free(text, FALSE);
}
