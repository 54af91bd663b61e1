/* The scalars of the scenario file: words, quantities, numbers, dates. See reader_internal.h. */
#include "core/ipv4.h"
#include "core/units.h"
#include "mail/address.h"
#include "mail/date.h"
#include "policy/policy.h"
#include "scenario/reader_internal.h"

#include <string.h>

enum { NAME_MAXIMUM = 63, LANGUAGE_MAXIMUM = 3 };

/* --- What YAML takes for something else than a text --- */

/* YAML 1.2 §10.3.2: what the core schema makes a number of. */
static bool is_yaml_number(const char *text)
{
    static const char pattern[] = "^[-+]?(\\.[0-9]+|[0-9]+(\\.[0-9]*)?)([eE][-+]?[0-9]+)?$"
                                  "|^0o[0-7]+$|^0x[0-9a-fA-F]+$"
                                  "|^[-+]?\\.(inf|Inf|INF)$|^\\.(nan|NaN|NAN)$";
    bool may_be = g_ascii_isdigit(*text) || *text == '.' || *text == '-' || *text == '+';
    return may_be && g_regex_match_simple(pattern, text, 0, 0);
}

/* The words of YAML 1.1 too: other programs still read them so. */
static bool is_yaml_word(const char *text)
{
    static const char *const words[] = {"~",  "null", "true", "false", "yes",
                                        "no", "on",   "off",  "y",     "n"};
    for (size_t i = 0; i < G_N_ELEMENTS(words); i++) {
        if (g_ascii_strcasecmp(text, words[i]) == 0)
            return true;
    }
    return false;
}

/* A text without quotes that YAML programs would not all take for a text. */
static bool check_is_text(Reader *reader, const YamlNode *node)
{
    if (!node->is_plain)
        return true;
    if (is_yaml_number(node->text))
        reader_error(reader, node,
                     "`%.60s` is a number to YAML; a text is written in quotes: "
                     "`\"%.60s\"`",
                     node->text, node->text);
    else if (is_yaml_word(node->text))
        reader_error(reader, node,
                     "`%s` is not a text to every YAML program; write it in quotes: "
                     "`\"%s\"`",
                     node->text, node->text);
    else
        return true;
    return false;
}

static bool check_has_value(Reader *reader, const char *key, const ValueSpec *value,
                            const YamlNode *node)
{
    if (!node->is_plain || *node->text != '\0')
        return true;
    g_autofree char *what = value_describe(value);
    reader_error(reader, node, "`%.60s` has no value; it takes %s", key, what);
    return false;
}

/* --- Names --- */

static bool is_name(const char *text)
{
    size_t length =
        strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_");
    return length > 0 && length <= NAME_MAXIMUM && text[length] == '\0' && g_ascii_isalnum(text[0]);
}

/* RFC 1035 §2.3.1 and RFC 1123 §2.1: letters, digits and hyphens between dots; in names that are
 * only looked up, underscores too (RFC 8552). */
static const char *host_name_fault(const char *text, bool may_have_underscores)
{
    size_t label = 0, length = strlen(text);
    if (length > 253)
        return "is longer than 253 characters";
    for (size_t i = 0; i <= length; i++) {
        if (text[i] == '.' || text[i] == '\0') {
            if (label == 0)
                return "has an empty part between dots";
            if (label > 63)
                return "has a part of more than 63 characters";
            if (text[i - 1] == '-' || text[i - label] == '-')
                return "has a part that begins or ends with a hyphen";
            label = 0;
        } else if (g_ascii_isupper(text[i])) {
            return "has capital letters; names are written small here";
        } else if (g_ascii_isalnum(text[i]) || text[i] == '-' ||
                   (text[i] == '_' && may_have_underscores)) {
            label++;
        } else {
            return "holds a character that host names do not have";
        }
    }
    return NULL;
}

static const char *domain_of(const YamlNode *node)
{
    const char *at = strrchr(node->text, '@');
    return at != NULL ? at + 1 : node->text;
}

/* RFC 2606 §2, and what is no name of anybody's. */
static void note_real_name(Reader *reader, const YamlNode *node)
{
    g_autofree char *lower = g_ascii_strdown(domain_of(node), -1);
    bool is_reserved = g_str_has_suffix(lower, ".example") || g_str_has_suffix(lower, ".test") ||
                       g_str_has_suffix(lower, ".arpa") || *lower == '[';
    if (!is_reserved && !reader->in_default)
        g_ptr_array_add(reader->real_names, (void *)node);
}

void reader_warn_of_real_names(Reader *reader, const Names *nodes)
{
    for (guint i = 0; i < reader->real_names->len; i++) {
        const YamlNode *node = g_ptr_array_index(reader->real_names, i);
        const NamesEntry *machine = names_find(nodes, domain_of(node));
        if (machine == NULL || machine->kind != NODE_AGENT)
            reader_warning(reader, node,
                           "`%.60s` may be somebody's; names that end in `.example` or `.test` are "
                           "nobody's",
                           domain_of(node));
    }
}

static bool check_host_name(Reader *reader, const YamlNode *node, bool may_have_underscores)
{
    const char *fault = host_name_fault(node->text, may_have_underscores);
    Ipv4Address address = 0;
    if (ipv4_parse(node->text, &address))
        fault = "is an address; a name belongs here";
    else if (fault == NULL && strchr(node->text, '.') == NULL)
        fault = "has no dot; write a full name that ends in `.example` or `.test`";
    if (fault == NULL) {
        note_real_name(reader, node);
        return true;
    }
    reader_error(reader, node, "`%.60s` %s", node->text, fault);
    return false;
}

static const char *find_person_address(const Reader *reader, const char *name)
{
    const ScenarioPerson *person = scenario_find_person(reader->scenario, name);
    return person != NULL ? person->address.text : NULL;
}

static bool check_address(Reader *reader, const YamlNode *node)
{
    Address address;
    AddressFault fault = address_parse(span_of_text(node->text), &address);
    if (fault == ADDRESS_OK) {
        note_real_name(reader, node);
        return true;
    }
    /* Few errors are looked at so closely: the look-up is a search. */
    bool is_word = strchr(node->text, '@') == NULL &&
                   diagnostics_error_count(reader->diagnostics) < DIAGNOSTICS_PRINTED;
    const char *known = is_word ? find_person_address(reader, node->text) : NULL;
    if (known != NULL)
        reader_error(reader, node, "`%s` is a person; an address belongs here: `%s`", node->text,
                     known);
    else
        reader_error(reader, node, "`%.60s` is not a mail address: %s", node->text,
                     address_fault_text(fault));
    return false;
}

static bool check_user_name(Reader *reader, const YamlNode *node)
{
    if (strchr(node->text, '@') != NULL) {
        reader_error(reader, node,
                     "`%.60s` is a whole address; only the part before the @ belongs "
                     "here",
                     node->text);
        return false;
    }
    g_autofree char *text = g_strconcat(node->text, "@user.example", NULL);
    Address address;
    AddressFault fault = address_parse(span_of_text(text), &address);
    if (fault != ADDRESS_OK)
        reader_error(reader, node, "`%.60s` cannot be a user's name: %s", node->text,
                     address_fault_text(fault));
    return fault == ADDRESS_OK;
}

static bool check_schedule(Reader *reader, const YamlNode *node)
{
    Suggestion suggestion = reader_suggestion(reader, node->text);
    g_autoptr(GString) names = g_string_new(NULL);
    for (const char *const *name = retry_schedule_names(); *name != NULL; name++) {
        if (strcmp(*name, node->text) == 0)
            return true;
        suggestion_offer(&suggestion, *name);
        g_string_append_printf(names, "%s%s", names->len == 0 ? "" : ", ", *name);
    }
    g_autofree char *hint = reader_did_you_mean(&suggestion);
    reader_error(reader, node, "there is no retry schedule `%.60s`%s%s%s", node->text, hint,
                 *hint == '\0' ? "; there are " : "", *hint == '\0' ? names->str : "");
    return false;
}

static bool check_reply(Reader *reader, const YamlNode *node)
{
    SmtpReply reply = {0};
    const char *fault = NULL;
    if (policy_reply_parse(node->text, &reply, &fault))
        return true;
    reader_error(reader, node, "`%.60s` is no reply that refuses: %s", node->text, fault);
    return false;
}

static bool check_event(Reader *reader, const YamlNode *node)
{
    if (trace_kind_find(node->text) != TRACE_KIND_COUNT)
        return true;
    Suggestion suggestion = reader_suggestion(reader, node->text);
    for (TraceKind kind = 0; kind < TRACE_KIND_COUNT; kind++)
        suggestion_offer(&suggestion, trace_kind_info(kind)->name);
    g_autofree char *hint = reader_did_you_mean(&suggestion);
    reader_error(reader, node, "there is no event of the kind `%.60s`%s", node->text, hint);
    return false;
}

/* The form of a word; whether it names something that exists is looked up later. */
static bool check_word(Reader *reader, ValueType type, const YamlNode *node)
{
    Ipv4Address address = 0;
    switch (type) {
    case VALUE_NAME:
        if (is_name(node->text))
            return true;
        reader_error(reader, node,
                     "`%.60s` cannot be a name here; a name has letters (a-z), digits, `-` and "
                     "`_`, at most 63, and begins with a letter or digit",
                     node->text);
        return false;
    case VALUE_USER_NAME:
        return check_user_name(reader, node);
    case VALUE_HOST_NAME:
    case VALUE_DOMAIN:
        return check_host_name(reader, node, false);
    case VALUE_DNS_NAME:
        return check_host_name(reader, node, true);
    case VALUE_EXCHANGE:
        return strcmp(node->text, ".") == 0 || check_host_name(reader, node, true);
    case VALUE_ADDRESS:
        return check_address(reader, node);
    case VALUE_DNS_TARGET:
        return ipv4_parse(node->text, &address) || check_host_name(reader, node, false);
    case VALUE_SCHEDULE:
        return check_schedule(reader, node);
    case VALUE_REPLY:
        return check_reply(reader, node);
    case VALUE_EVENT:
        return check_event(reader, node);
    default: /* texts, and references, whose form is that of what they refer to */
        return true;
    }
}

static bool type_is_reference(ValueType type, const char *text)
{
    Ipv4Address address = 0;
    uint32_t mask = 0;
    if (type == VALUE_DNS_TARGET)
        return !ipv4_parse(text, &address);
    if (type == VALUE_PLACE)
        return !ipv4_parse_range(text, &address, &mask);
    return type >= VALUE_ROUTER && type <= VALUE_KNOWN_NAME && type != VALUE_AGENT;
}

static ScenarioText keep_text(Reader *reader, const YamlNode *node)
{
    return (ScenarioText){arena_text(reader->arena, span_of_text(node->text)),
                          reader_position(reader, node)};
}

void reader_note_mail(Reader *reader, const YamlNode *node)
{
    ScenarioText *name = arena_allocate(reader->arena, 1, sizeof *name);
    name->text = arena_text(reader->arena, span_of(node->text, strcspn(node->text, ".")));
    name->at = reader_position(reader, node);
    Reference reference = {VALUE_MAIL, name, node->length};
    g_array_append_val(reader->references, reference);
}

/* As everything else writes it, without quotes that mean nothing (RFC 5321 §4.1.2), so that it is
 * found again in what the run tells. */
static ScenarioText keep_address(Reader *reader, const YamlNode *node)
{
    Address address;
    ScenarioText kept = keep_text(reader, node);
    if (node->text[0] == '"' && address_parse(span_of_text(node->text), &address) == ADDRESS_OK) {
        g_autofree char *text = address_format(&address);
        kept.text = arena_text(reader->arena, span_of_text(text));
    }
    return kept;
}

static void read_word(Reader *reader, ValueType type, const YamlNode *node, ScenarioText *target)
{
    if (type == VALUE_FACT_VALUE) {
        *target = keep_text(reader, node);
        return;
    }
    if (!check_is_text(reader, node) || !check_word(reader, type, node))
        return;
    *target = type == VALUE_ADDRESS ? keep_address(reader, node) : keep_text(reader, node);
    if (type == VALUE_TEXT && node->is_cut_by_comment)
        reader_warning(reader, node,
                       "the text ends where ` #` begins a comment; if `#` belongs to "
                       "the text, write it in quotes");
    if (type == VALUE_RECEIVED) {
        reader_note_mail(reader, node);
    } else if (type_is_reference(type, node->text)) {
        Reference reference = {type, target, node->length};
        g_array_append_val(reader->references, reference);
    }
}

void read_name(Reader *reader, ValueType type, const YamlNode *node, ScenarioText *target)
{
    read_word(reader, type, node, target);
}

/* --- Numbers --- */

static void check_range(Reader *reader, const char *key, const ValueSpec *value,
                        const YamlNode *node, int64_t number)
{
    bool is_quantity = value->type == VALUE_QUANTITY;
    if (number < value->minimum && value->below_minimum != NULL) {
        reader_error(reader, node, "%s", value->below_minimum);
    } else if (number < value->minimum || number > value->maximum) {
        bool is_low = number < value->minimum;
        int64_t bound = is_low ? value->minimum : value->maximum;
        g_autofree char *limit = is_quantity ? units_format(value->units, bound)
                                             : g_strdup_printf("%" G_GINT64_FORMAT, bound);
        reader_error(reader, node, "`%s` is %s %s", key, is_low ? "at least" : "at most", limit);
    }
}

static void read_quantity(Reader *reader, const char *key, const ValueSpec *value,
                          const YamlNode *node, int64_t *target)
{
    g_autofree char *reason = NULL;
    if (units_parse(value->units, span_of_text(node->text), target, &reason))
        check_range(reader, key, value, node, *target);
    else
        reader_error(reader, node, "`%.60s` %s", node->text, reason);
}

static void read_integer(Reader *reader, const char *key, const ValueSpec *value,
                         const YamlNode *node, int64_t *target)
{
    guint64 number = 0;
    if (!node->is_plain)
        reader_error(reader, node, "`%s` takes a whole number without quotes", key);
    else if (strspn(node->text, "0123456789") != strlen(node->text))
        reader_error(reader, node, "`%.60s` is not a whole number", node->text);
    else if (!g_ascii_string_to_unsigned(node->text, 10, 0, INT64_MAX, &number, NULL))
        reader_error(reader, node, "`%.60s` is too large a number", node->text);
    else
        check_range(reader, key, value, node, (int64_t)number);
    *target = (int64_t)number;
}

static void read_choice(Reader *reader, const char *key, const ValueSpec *value,
                        const YamlNode *node, int64_t *target)
{
    Suggestion suggestion = reader_suggestion(reader, node->text);
    for (size_t i = 0; value->choices[i] != NULL; i++) {
        if (strcmp(value->choices[i], node->text) == 0) {
            *target = (int64_t)i;
            return;
        }
        suggestion_offer(&suggestion, value->choices[i]);
    }
    g_autofree char *what = value_describe(value);
    g_autofree char *hint = reader_did_you_mean(&suggestion);
    reader_error(reader, node, "`%s` takes %s, not `%.60s`%s", key, what, node->text, hint);
}

/* --- Dates --- */

/* Reads exactly `count` digits; -1 when they are not there. */
static int64_t take_number(const char **text, size_t count)
{
    int64_t number = 0;
    for (size_t i = 0; i < count; i++, (*text)++) {
        if (!g_ascii_isdigit(**text))
            return -1;
        number = number * 10 + (**text - '0');
    }
    return number;
}

static bool take_character(const char **text, char wanted)
{
    if (**text != wanted)
        return false;
    (*text)++;
    return true;
}

/* `Z`, `+09:00` or `-03:30`, and nothing behind. */
static bool take_zone(const char **text, int64_t *minutes)
{
    *minutes = 0;
    if (take_character(text, 'Z'))
        return **text == '\0';
    int64_t sign = **text == '-' ? -1 : 1;
    if (**text != '+' && **text != '-')
        return false;
    (*text)++;
    int64_t hours = take_number(text, 2);
    bool has_colon = take_character(text, ':');
    int64_t rest = take_number(text, 2);
    *minutes = sign * (hours * 60 + rest);
    return has_colon && hours >= 0 && hours <= 23 && rest >= 0 && rest <= 59 && **text == '\0';
}

/* RFC 3339 §5.6 with whole seconds and a capital T and Z. */
static bool parse_date_time(const char *text, ScenarioDateTime *value)
{
    int64_t year = take_number(&text, 4);
    bool shaped = take_character(&text, '-');
    int64_t month = take_number(&text, 2);
    shaped = take_character(&text, '-') && shaped;
    int64_t day = take_number(&text, 2);
    shaped = take_character(&text, 'T') && shaped;
    int64_t hour = take_number(&text, 2);
    shaped = take_character(&text, ':') && shaped;
    int64_t minute = take_number(&text, 2);
    shaped = take_character(&text, ':') && shaped;
    int64_t second = take_number(&text, 2);
    shaped = take_zone(&text, &value->offset_minutes) && shaped;
    bool is_real = shaped && year >= 1900 && month >= 1 && month <= 12 && day >= 1 &&
                   g_date_valid_dmy((GDateDay)day, (GDateMonth)month, (GDateYear)year) &&
                   hour >= 0 && hour <= 23 && minute >= 0 && minute <= 59 && second >= 0 &&
                   second <= 59;
    if (!is_real)
        return false;
    GDate date;
    g_date_clear(&date, 1);
    g_date_set_dmy(&date, (GDateDay)day, (GDateMonth)month, (GDateYear)year);
    enum { JULIAN_OF_1970 = 719163 };
    int64_t days = (int64_t)g_date_get_julian(&date) - JULIAN_OF_1970;
    value->unix_seconds =
        days * 86400 + hour * 3600 + minute * 60 + second - value->offset_minutes * 60;
    return true;
}

static void read_date_time(Reader *reader, const YamlNode *node, ScenarioDateTime *target)
{
    if (!parse_date_time(node->text, target)) {
        reader_error(reader, node,
                     "`%.60s` is not a date and time with a zone; write it as in "
                     "`2026-03-02T09:00:00+09:00`",
                     node->text);
        return;
    }
    int64_t last = MAIL_DATE_LAST - SCENARIO_TIME_MAXIMUM / SIM_SECOND;
    if (target->unix_seconds < MAIL_DATE_FIRST || target->unix_seconds > last)
        reader_error(reader, node, "a run begins in the years 1900 to 9899");
}

void read_scalar(Reader *reader, const char *key, const ValueSpec *value, const YamlNode *node,
                 void *target)
{
    if (!check_has_value(reader, key, value, node))
        return;
    switch (value->type) {
    case VALUE_QUANTITY:
        read_quantity(reader, key, value, node, target);
        break;
    case VALUE_INTEGER:
        read_integer(reader, key, value, node, target);
        break;
    case VALUE_CHOICE:
        read_choice(reader, key, value, node, target);
        break;
    case VALUE_DATE_TIME:
        read_date_time(reader, node, target);
        break;
    default:
        read_word(reader, value->type, node, target);
    }
}

/* --- Texts for people --- */

static bool is_language(const char *text)
{
    size_t length = strspn(text, "abcdefghijklmnopqrstuvwxyz");
    return length >= 2 && length <= LANGUAGE_MAXIMUM && text[length] == '\0';
}

static LocalTextEntry read_local_entry(Reader *reader, const char *language, const YamlNode *node)
{
    ScenarioText text = {0};
    const ValueSpec value = {.type = VALUE_TEXT};
    if (node->kind != YAML_SCALAR)
        reader_error(reader, node, "the text in a language is a text, not %s",
                     yaml_kind_name(node));
    else if (check_has_value(reader, language, &value, node))
        read_word(reader, VALUE_TEXT, node, &text);
    return (LocalTextEntry){arena_text(reader->arena, span_of_text(language)), text.text};
}

static void read_languages(Reader *reader, const char *key, const YamlNode *node, LocalText *target)
{
    target->entries = arena_allocate(reader->arena, node->count, sizeof *target->entries);
    if (node->count == 0)
        reader_error(reader, node, "`%s` has no text in any language", key);
    for (const YamlNode *child = node->first; child != NULL; child = child->next) {
        if (!is_language(child->key->text))
            reader_error(reader, child->key,
                         "`%.60s` is not a language; write `en`, `ko` or another code of ISO 639",
                         child->key->text);
        target->entries[target->count++] = read_local_entry(reader, child->key->text, child);
    }
}

void read_local_text(Reader *reader, const char *key, const YamlNode *node, LocalText *target)
{
    const ValueSpec value = {.type = VALUE_LOCAL_TEXT};
    target->at = reader_position(reader, node);
    if (node->kind == YAML_MAP) {
        read_languages(reader, key, node, target);
    } else if (node->kind == YAML_LIST) {
        reader_error(reader, node,
                     "`%s` takes a text, or a map from languages to texts, not a "
                     "list",
                     key);
    } else if (check_has_value(reader, key, &value, node)) {
        target->entries = arena_allocate(reader->arena, 1, sizeof *target->entries);
        target->entries[0] = read_local_entry(reader, "", node);
        target->count = 1;
    }
}
