/* `expect` and `answer`: selectors, facts and what they are compared with. See reader_internal.h
 * and facts.h. */
#include "core/ipv4.h"
#include "mail/address.h"
#include "scenario/reader_internal.h"

#include <string.h>

/* --- What a selector is about --- */

static bool is_given(const ScenarioText *text)
{
    return text->text != NULL;
}

/* The subject that the keys say; false, with an error, when they say none or several. */
static bool find_subject(Reader *reader, const ExpectationText *text, const YamlNode *node,
                         FactSubject *subject)
{
    int mails = is_given(&text->mail) + is_given(&text->bounce_of);
    int subjects = mails + is_given(&text->host) + is_given(&text->traffic);
    *subject = is_given(&text->event)     ? FACT_OF_EVENT
               : mails > 0                ? FACT_OF_MAIL
               : is_given(&text->traffic) ? FACT_OF_TRAFFIC
                                          : FACT_OF_HOST;
    if (*subject == FACT_OF_EVENT)
        return true;
    if (subjects == 0)
        reader_error(reader, node,
                     "what is it about? `mail`, `bounce_of`, `traffic`, `host` or `event` says so");
    else if (subjects > 1)
        reader_error(reader, node,
                     "it is about one of `mail`, `bounce_of`, `traffic`, `host` and `event` only");
    else if (is_given(&text->to) && *subject != FACT_OF_MAIL)
        reader_text_error(reader, &text->to, "`to` goes with `mail` or `bounce_of` only");
    else if (text->moment_ns != SCENARIO_UNSET && *subject != FACT_OF_HOST)
        reader_error(reader, yaml_find(node, "at"), "`at` goes with `host` only");
    else
        return true;
    return false;
}

static const char *const subject_names[] = {
    [FACT_OF_MAIL] = "a mail",
    [FACT_OF_TRAFFIC] = "traffic",
    [FACT_OF_HOST] = "a host",
    [FACT_OF_EVENT] = "events",
};

static FactId find_fact(Reader *reader, const ScenarioText *name, FactSubject subject)
{
    FactId id = fact_find(subject, name->text);
    if (id != FACTS)
        return id;
    Suggestion suggestion = reader_suggestion(reader, name->text);
    g_autoptr(GString) names = g_string_new(NULL);
    for (FactId other = 0; other < FACTS; other++) {
        const Fact *fact = fact_of(other);
        if (fact->subject != subject) {
            if (strcmp(fact->name, name->text) == 0)
                reader_text_error(reader, name, "`%s` is a fact of %s, not of %s", name->text,
                                  subject_names[fact->subject], subject_names[subject]);
            if (strcmp(fact->name, name->text) == 0)
                return FACTS;
            continue;
        }
        suggestion_offer(&suggestion, fact->name);
        g_string_append_printf(names, "%s%s", names->len == 0 ? "" : ", ", fact->name);
    }
    g_autofree char *hint = reader_did_you_mean(&suggestion);
    reader_text_error(reader, name, "there is no fact `%.60s` of %s%s%s%s", name->text,
                      subject_names[subject], hint, *hint == '\0' ? "; there are " : "",
                      *hint == '\0' ? names->str : "");
    return FACTS;
}

/* --- Conditions on an event's fields --- */

static bool parse_field(const TraceFieldInfo *field, const YamlNode *node, int64_t *number)
{
    Ipv4Address address = 0;
    guint64 count = 0;
    *number = 0;
    switch (field->type) {
    case TRACE_FIELD_COUNT:
        if (!g_ascii_string_to_unsigned(node->text, 10, 0, INT64_MAX, &count, NULL))
            return false;
        *number = (int64_t)count;
        return true;
    case TRACE_FIELD_TIME:
        return units_parse(UNITS_DURATION, span_of_text(node->text), number, NULL);
    case TRACE_FIELD_FLAG:
        *number = strcmp(node->text, "true") == 0;
        return *number == 1 || strcmp(node->text, "false") == 0;
    case TRACE_FIELD_IP:
        if (!ipv4_parse(node->text, &address))
            return false;
        *number = address;
        return true;
    case TRACE_FIELD_TEXT:
    case TRACE_FIELD_OCTETS:
    case TRACE_FIELD_REF:
        return true;
    }
    return false;
}

static const char *const field_type_names[] = {
    [TRACE_FIELD_TEXT] = "a text",        [TRACE_FIELD_OCTETS] = "a text",
    [TRACE_FIELD_COUNT] = "a number",     [TRACE_FIELD_TIME] = "a duration",
    [TRACE_FIELD_FLAG] = "true or false", [TRACE_FIELD_REF] = "a text",
    [TRACE_FIELD_IP] = "an IPv4 address",
};

static void report_unknown_field(Reader *reader, TraceKind kind, const YamlNode *key)
{
    const TraceKindInfo *info = trace_kind_info(kind);
    Suggestion suggestion = reader_suggestion(reader, key->text);
    g_autoptr(GString) names = g_string_new(NULL);
    for (size_t i = 0; i < info->field_count; i++) {
        suggestion_offer(&suggestion, fact_field_name(kind, i));
        g_string_append_printf(names, "%s%s", i == 0 ? "" : ", ", fact_field_name(kind, i));
    }
    g_autofree char *hint = reader_did_you_mean(&suggestion);
    reader_error(reader, key, "events `%s` have no field `%.60s`%s%s%s", info->name, key->text,
                 hint, *hint == '\0' ? "; they have " : "", *hint == '\0' ? names->str : "");
}

static void read_field(Reader *reader, TraceKind kind, const YamlNode *node, FactField *target)
{
    size_t index = fact_field_find(kind, node->key->text);
    if (index == trace_kind_info(kind)->field_count) {
        report_unknown_field(reader, kind, node->key);
        return;
    }
    const TraceFieldInfo *field = &trace_kind_info(kind)->fields[index];
    target->index = index;
    target->value = arena_text(reader->arena, span_of_text(node->text));
    if (node->kind != YAML_SCALAR || !parse_field(field, node, &target->number))
        reader_error(reader, node, "the field `%s` takes %s", node->key->text,
                     field_type_names[field->type]);
    else if (strcmp(node->key->text, "mail") == 0)
        reader_note_mail(reader, node);
}

static FactField *read_fields(Reader *reader, TraceKind kind, const GPtrArray *nodes)
{
    FactField *fields = arena_allocate(reader->arena, nodes->len, sizeof *fields);
    for (guint i = 0; i < nodes->len; i++)
        read_field(reader, kind, nodes->pdata[i], &fields[i]);
    return fields;
}

/* --- Selectors --- */

/* The keys of `mapping`; every other one is a field of the event. */
static void read_event_texts(Reader *reader, const MappingSpec *mapping, const YamlNode *node,
                             ExpectationText *text, FactSelector *selector)
{
    g_autoptr(GPtrArray) others = g_ptr_array_new();
    read_mapping(reader, mapping, NULL, node, text, others);
    if (!is_given(&text->event))
        return;
    selector->event = trace_kind_find(text->event.text);
    selector->fields = read_fields(reader, selector->event, others);
    selector->field_count = others->len;
}

/* Reads the texts, then makes a selector of them; false when there were errors. */
static bool read_texts(Reader *reader, bool is_expectation, const YamlNode *node,
                       ExpectationText *text, FactSelector *selector)
{
    size_t errors = diagnostics_error_count(reader->diagnostics);
    FactSubject subject = FACT_OF_MAIL;
    if (yaml_find(node, "event") != NULL)
        read_event_texts(reader,
                         is_expectation ? &format_event_expectation : &format_event_selector, node,
                         text, selector);
    else
        read_mapping(reader, is_expectation ? &format_expectation : &format_selector, NULL, node,
                     text, NULL);
    selector->at = text->at;
    /* Of a file that breaks off here, the fact may be missing without an error. */
    if (diagnostics_error_count(reader->diagnostics) > errors || !is_given(&text->fact) ||
        !find_subject(reader, text, node, &subject))
        return false;
    selector->is_bounce = is_given(&text->bounce_of);
    selector->mail = selector->is_bounce ? text->bounce_of.text : text->mail.text;
    selector->to = text->to.text;
    selector->traffic = text->traffic.text;
    selector->host = text->host.text;
    selector->before = text->before_ns > 0 ? text->before_ns : SIM_NEVER;
    selector->moment =
        subject == FACT_OF_HOST && text->moment_ns != SCENARIO_UNSET ? text->moment_ns : SIM_NEVER;
    selector->fact = find_fact(reader, &text->fact, subject);
    if (selector->moment != SIM_NEVER && selector->fact != FACTS &&
        !fact_is_of_a_moment(selector->fact))
        reader_error(reader, yaml_find(node, "at"),
                     "`%s` is a fact of the whole run; `at` goes with `queue_length` and its like",
                     text->fact.text);
    return selector->fact != FACTS;
}

/* The texts stay in the arena: references point to them. */
static ExpectationText *texts_new(Reader *reader)
{
    return arena_allocate(reader->arena, 1, sizeof(ExpectationText));
}

void read_selector(Reader *reader, const YamlNode *node, FactSelector *target)
{
    if (read_texts(reader, false, node, texts_new(reader), target))
        g_ptr_array_add(reader->selectors, target);
}

/* --- Comparisons --- */

static void read_status(Reader *reader, const ScenarioText *text, FactValue *value)
{
    MailStatus status = mail_status_find(text->text);
    value->number = status;
    if (status != MAIL_STATUSES)
        return;
    Suggestion suggestion = reader_suggestion(reader, text->text);
    g_autoptr(GString) names = g_string_new(NULL);
    for (MailStatus other = 0; other < MAIL_STATUSES; other++) {
        suggestion_offer(&suggestion, mail_status_name(other));
        g_string_append_printf(names, "%s%s", other == 0 ? "" : ", ", mail_status_name(other));
    }
    g_autofree char *hint = reader_did_you_mean(&suggestion);
    reader_text_error(reader, text, "there is no status `%.60s`%s%s%s", text->text, hint,
                      *hint == '\0' ? "; there are " : "", *hint == '\0' ? names->str : "");
}

static void read_count(Reader *reader, const ScenarioText *text, FactValue *value)
{
    guint64 number = 0;
    if (!g_ascii_string_to_unsigned(text->text, 10, 0, INT64_MAX, &number, NULL))
        reader_text_error(reader, text, "`%.60s` is not a count; write a whole number", text->text);
    value->number = (int64_t)number;
}

static void read_time(Reader *reader, const ScenarioText *text, FactComparator comparator,
                      FactValue *value)
{
    g_autofree char *reason = NULL;
    if (strcmp(text->text, "never") == 0 && comparator == FACT_IS)
        value->number = SIM_NEVER;
    else if (!units_parse(UNITS_DURATION, span_of_text(text->text), &value->number, &reason))
        reader_text_error(reader, text, "`%.60s` %s", text->text, reason);
}

static void read_fact_value(Reader *reader, const Fact *fact, FactComparator comparator,
                            const ScenarioText *text, FactValue *value)
{
    if (text->text == NULL)
        return;
    switch (fact->type) {
    case FACT_COUNT:
        read_count(reader, text, value);
        break;
    case FACT_TIME:
        read_time(reader, text, comparator, value);
        break;
    case FACT_STATUS:
        if (comparator == FACT_IS)
            read_status(reader, text, value);
        else
            reader_text_error(reader, text, "a status is compared with `is` only");
        break;
    }
}

static void read_range(Reader *reader, const Fact *fact, const ExpectationText *text,
                       ScenarioExpectation *target)
{
    read_fact_value(reader, fact, FACT_RANGE, &text->range.items[0], &target->value);
    read_fact_value(reader, fact, FACT_RANGE, &text->range.items[1], &target->upper);
    if (text->range.items[1].text != NULL && target->value.number > target->upper.number)
        reader_text_error(reader, &text->range.items[0],
                          "the lower end of the range is above the upper one");
}

static void read_comparison(Reader *reader, const YamlNode *node, const ExpectationText *text,
                            ScenarioExpectation *target)
{
    const ScenarioText *const values[] = {
        [FACT_IS] = &text->is,
        [FACT_AT_LEAST] = &text->at_least,
        [FACT_AT_MOST] = &text->at_most,
    };
    int given = text->range.count == 2;
    for (FactComparator comparator = FACT_IS; comparator <= FACT_AT_MOST; comparator++)
        given += is_given(values[comparator]);
    if (given != 1) {
        reader_error(reader, node,
                     "an expectation compares with exactly one of `is`, `at_least`, "
                     "`at_most` and `range`");
        return;
    }
    const Fact *fact = fact_of(target->selector.fact);
    target->comparator = FACT_RANGE;
    for (FactComparator comparator = FACT_IS; comparator <= FACT_AT_MOST; comparator++) {
        if (!is_given(values[comparator]))
            continue;
        target->comparator = comparator;
        read_fact_value(reader, fact, comparator, values[comparator], &target->value);
    }
    if (target->comparator == FACT_RANGE)
        read_range(reader, fact, text, target);
}

void read_expectation(Reader *reader, const YamlNode *node, ScenarioExpectation *target)
{
    ExpectationText *text = texts_new(reader);
    if (!read_texts(reader, true, node, text, &target->selector))
        return;
    g_ptr_array_add(reader->selectors, &target->selector);
    read_comparison(reader, node, text, target);
}

/* --- What an action waits for --- */

static void report_unknown_state(Reader *reader, const StateTable *table, const ScenarioText *state)
{
    Suggestion suggestion = reader_suggestion(reader, state->text);
    g_autoptr(GString) names = g_string_new(NULL);
    for (uint8_t i = 0; i < table->state_count; i++) {
        suggestion_offer(&suggestion, table->states[i]);
        g_string_append_printf(names, "%s%s", i == 0 ? "" : ", ", table->states[i]);
    }
    g_autofree char *hint = reader_did_you_mean(&suggestion);
    reader_text_error(reader, state, "`%s` has no state `%.60s`%s%s%s", table->name, state->text,
                      hint, *hint == '\0' ? "; it has " : "", *hint == '\0' ? names->str : "");
}

static bool has_state(const StateTable *table, const char *name)
{
    for (uint8_t i = 0; i < table->state_count; i++) {
        if (strcmp(table->states[i], name) == 0)
            return true;
    }
    return false;
}

/* The record that a machine writes when it enters the state. */
static void trigger_by_state(Reader *reader, const StateTable *table, ScenarioTrigger *target)
{
    bool is_tcp = strcmp(table->name, "tcp") == 0, is_imap = g_str_has_prefix(table->name, "imap");
    target->event = is_tcp ? TRACE_TCP_STATE : is_imap ? TRACE_IMAP_STATE : TRACE_SMTP_STATE;
    target->field_count = is_tcp ? 1 : 2;
    target->fields = arena_allocate(reader->arena, 2, sizeof *target->fields);
    target->fields[0].index = fact_field_find(target->event, "to");
    target->fields[0].value = target->enters.text;
    if (is_tcp)
        return;
    target->fields[1].index = fact_field_find(target->event, "machine");
    target->fields[1].value = table->name;
}

void read_trigger(Reader *reader, const YamlNode *node, ScenarioTrigger *target)
{
    g_autoptr(GPtrArray) others = g_ptr_array_new();
    size_t errors = diagnostics_error_count(reader->diagnostics);
    bool is_event = yaml_find(node, "event") != NULL;
    /* It stays in the arena: references point to it. */
    TriggerText *text = arena_allocate(reader->arena, 1, sizeof *text);
    read_mapping(reader, is_event ? &format_event_trigger : &format_trigger, NULL, node, text,
                 is_event ? others : NULL);
    *target = (ScenarioTrigger){.at = text->at,
                                .host = text->host,
                                .machine = is_event ? SCENARIO_UNSET : text->machine,
                                .enters = text->enters,
                                .nth = text->nth};
    /* Of a file that breaks off here, keys may be missing without an error. */
    if (diagnostics_error_count(reader->diagnostics) > errors ||
        !is_given(is_event ? &text->event : &text->enters) || !is_given(&text->host))
        return;
    if (is_event) {
        target->event = trace_kind_find(text->event.text);
        target->fields = read_fields(reader, target->event, others);
        target->field_count = others->len;
    } else if (target->machine != SCENARIO_UNSET) {
        const StateTable *table = format_machine(target->machine);
        if (has_state(table, target->enters.text))
            trigger_by_state(reader, table, target);
        else
            report_unknown_state(reader, table, &target->enters);
    }
}

/* --- When all of the file is read --- */

static void check_recipients(Checks *checks, const FactSelector *selector)
{
    const ScenarioMail *mail = checks_find_mail(checks, selector->mail);
    if (mail == NULL || selector->is_bounce)
        return;
    size_t recipients = mail->to.count + mail->cc.count + mail->bcc.count;
    if (selector->to != NULL && !mail_may_reach(checks, mail, selector->to))
        diagnostics_error(checks->reader->diagnostics, selector->at, "`%s` is no recipient of `%s`",
                          selector->to, selector->mail);
    else if (selector->to == NULL && recipients > 1 && fact_of(selector->fact)->for_each_recipient)
        diagnostics_error(checks->reader->diagnostics, selector->at,
                          "`%s` has %zu recipients; say for which one with `to`", selector->mail,
                          recipients);
}

static void check_traffic(Checks *checks, const FactSelector *selector)
{
    if (scenario_find_traffic(checks->scenario, selector->traffic) == NULL)
        diagnostics_error(checks->reader->diagnostics, selector->at,
                          "there is no entry `%s` in `traffic`", selector->traffic);
}

void check_selectors(Checks *checks)
{
    for (guint i = 0; i < checks->reader->selectors->len; i++) {
        const FactSelector *selector = checks->reader->selectors->pdata[i];
        if (selector->traffic != NULL)
            check_traffic(checks, selector);
        if (selector->mail != NULL)
            check_recipients(checks, selector);
    }
}
