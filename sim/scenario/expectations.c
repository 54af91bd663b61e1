/* Expectations and questions. See expectations.h. */
#include "scenario/expectations.h"

#include "core/check.h"
#include "core/units.h"
#include "export/timeline.h"
#include "scenario/traffic_facts.h"

struct Expectations {
    const Scenario *scenario;
    const Facts *facts;
    size_t *watches;        /* for each expectation about events, or about a queue at a time */
    size_t *answer_watches; /* for each such question */
};

static size_t watch_queue(Facts *facts, const FactSelector *selector)
{
    static const FactsQueue QUEUES[FACTS] = {
        [FACT_HOST_QUEUE_LENGTH] = FACTS_QUEUE_ALL,
        [FACT_HOST_QUEUE_INCOMING] = FACTS_QUEUE_INCOMING,
        [FACT_HOST_QUEUE_ACTIVE] = FACTS_QUEUE_ACTIVE,
        [FACT_HOST_QUEUE_DEFERRED] = FACTS_QUEUE_DEFERRED,
        [FACT_HOST_QUEUE_HOLD] = FACTS_QUEUE_HOLD,
    };
    return facts_watch_queue(facts, selector->host, QUEUES[selector->fact], selector->moment);
}

/* Asks for the events to be counted, or for the queue to be looked at; else nothing is to do. */
static size_t watch(Facts *facts, const FactSelector *selector)
{
    if (fact_is_of_a_moment(selector->fact))
        return watch_queue(facts, selector);
    if (fact_of(selector->fact)->subject != FACT_OF_EVENT)
        return 0;
    const TraceKindInfo *kind = trace_kind_info(selector->event);
    g_autofree FactsCondition *conditions = g_new0(FactsCondition, selector->field_count + 1);
    g_autoptr(GPtrArray) values = g_ptr_array_new_with_free_func(g_free);
    size_t count = 0;
    for (size_t i = 0; i < selector->field_count; i++) {
        const TraceFieldInfo *field = &kind->fields[selector->fields[i].index];
        char *value = fact_field_text(field->type, &selector->fields[i]);
        g_ptr_array_add(values, value);
        conditions[count++] = (FactsCondition){field->key, value};
    }
    if (selector->host != NULL)
        conditions[count++] = (FactsCondition){"host", selector->host};
    size_t number = facts_watch_event(facts, selector->event, conditions, count);
    facts_limit_watch(facts, number, selector->before);
    return number;
}

Expectations *expectations_new(const Scenario *scenario, Facts *facts)
{
    Expectations *expectations = g_new0(Expectations, 1);
    expectations->scenario = scenario;
    expectations->facts = facts;
    expectations->watches = g_new0(size_t, scenario->expect.count + 1);
    expectations->answer_watches = g_new0(size_t, scenario->questions.count + 1);
    for (size_t i = 0; i < scenario->expect.count; i++)
        expectations->watches[i] = watch(facts, &scenario->expect.items[i].selector);
    for (size_t i = 0; i < scenario->questions.count; i++)
        expectations->answer_watches[i] = watch(facts, &scenario->questions.items[i].answer);
    return expectations;
}

void expectations_free(Expectations *expectations)
{
    g_free(expectations->watches);
    g_free(expectations->answer_watches);
    g_free(expectations);
}

/* ---- Reading a fact ---- */

/* The mail that is meant, or NULL when it does not exist (yet). */
static const FactsMail *find_mail(const Facts *facts, const FactSelector *selector)
{
    if (!selector->is_bounce)
        return facts_find_mail(facts, selector->mail);
    g_autofree const char **bounces = facts_bounces_of(facts, selector->mail);
    return bounces[0] != NULL ? facts_find_mail(facts, bounces[0]) : NULL;
}

/* The recipient that is meant: the one named, or the first. */
static const FactsRecipient *find_recipient(const FactsMail *mail, const FactSelector *selector)
{
    if (mail == NULL || mail->recipient_count == 0)
        return NULL;
    return selector->to != NULL ? facts_find_recipient(mail, selector->to) : &mail->recipients[0];
}

static int64_t mail_fact(const Facts *facts, const FactSelector *selector)
{
    static const FactsRecipient NOBODY = {.fate = MAIL_FATE_NONE,
                                          .accepted_at = SIM_NEVER,
                                          .first_attempt_at = SIM_NEVER,
                                          .delivered_at = SIM_NEVER,
                                          .bounced_at = SIM_NEVER};
    const FactsRecipient *recipient = find_recipient(find_mail(facts, selector), selector);
    if (recipient == NULL)
        recipient = &NOBODY;
    switch (selector->fact) {
    case FACT_MAIL_STATUS:
        return mail_status_find(mail_fate_name(recipient->fate));
    case FACT_MAIL_ATTEMPTS:
        return (int64_t)recipient->attempts;
    case FACT_MAIL_ACCEPTED_AT:
        return recipient->accepted_at;
    case FACT_MAIL_FIRST_ATTEMPT_AT:
        return recipient->first_attempt_at;
    case FACT_MAIL_DELIVERED_AT:
        return recipient->delivered_at;
    case FACT_MAIL_BOUNCED_AT:
        return recipient->bounced_at;
    case FACT_MAIL_COPIES:
        return (int64_t)recipient->copies;
    case FACT_MAIL_RECEIVED_LINES:
        return (int64_t)recipient->servers;
    default: /* not a fact of a mail */
        CHECK(false);
        return 0;
    }
}

static int64_t host_fact(const Facts *facts, const FactSelector *selector, size_t watch_number)
{
    FactsHost host = {0};
    if (fact_is_of_a_moment(selector->fact))
        return (int64_t)facts_queue_at(facts, watch_number);
    CHECK(facts_find_host(facts, selector->host, &host));
    if (selector->fact == FACT_HOST_RELAY_PEAK)
        return (int64_t)host.relay_peak;
    return (int64_t)host.queue_peak;
}

static int64_t event_fact(const Facts *facts, FactId fact, size_t watch_number)
{
    FactsEvents events = facts_events(facts, watch_number);
    if (fact == FACT_EVENT_COUNT)
        return (int64_t)events.count;
    return fact == FACT_EVENT_FIRST_AT ? events.first_at : events.last_at;
}

static FactValue read_fact(const Facts *facts, const FactSelector *selector, size_t watch_number)
{
    switch (fact_of(selector->fact)->subject) {
    case FACT_OF_MAIL:
        return (FactValue){mail_fact(facts, selector)};
    case FACT_OF_TRAFFIC:
        return (FactValue){traffic_fact(facts, selector->traffic, selector->fact)};
    case FACT_OF_HOST:
        return (FactValue){host_fact(facts, selector, watch_number)};
    case FACT_OF_EVENT:
        break;
    }
    return (FactValue){event_fact(facts, selector->fact, watch_number)};
}

static FactValue actual_value(const Expectations *expectations, size_t index)
{
    return read_fact(expectations->facts, &expectations->scenario->expect.items[index].selector,
                     expectations->watches[index]);
}

/* ---- In words ---- */

/* On one line: a line feed in the value shows as `\\n`. */
static void append_condition(const FactSelector *selector, size_t index, GString *out)
{
    g_autoptr(GString) value = g_string_new(selector->fields[index].value);
    g_string_replace(value, "\n", "\\n", 0);
    g_string_append_printf(
        out, " %s %s", fact_field_name(selector->event, selector->fields[index].index), value->str);
}

static void append_time(const char *word, SimTime time, GString *out)
{
    if (time == SIM_NEVER)
        return;
    g_autofree char *text = units_format(UNITS_DURATION, time);
    g_string_append_printf(out, "%s%s", word, text);
}

static void describe_selector(const FactSelector *selector, GString *out)
{
    switch (fact_of(selector->fact)->subject) {
    case FACT_OF_MAIL:
        g_string_append_printf(out, "%s %s", selector->is_bounce ? "bounce of" : "mail",
                               selector->mail);
        if (selector->to != NULL)
            g_string_append_printf(out, " to %s", selector->to);
        break;
    case FACT_OF_TRAFFIC:
        g_string_append_printf(out, "traffic %s", selector->traffic);
        break;
    case FACT_OF_HOST:
        g_string_append_printf(out, "host %s", selector->host);
        append_time(" at ", selector->moment, out);
        break;
    case FACT_OF_EVENT:
        g_string_append_printf(out, "event %s", trace_kind_info(selector->event)->name);
        for (size_t i = 0; i < selector->field_count; i++)
            append_condition(selector, i, out);
        if (selector->host != NULL)
            g_string_append_printf(out, " on %s", selector->host);
        append_time(" before ", selector->before, out);
        break;
    }
    g_string_append_printf(out, ": %s", fact_of(selector->fact)->name);
}

/* A time as the timeline shows it, so that the line can be found there. */
static char *format_actual(FactType type, FactValue value)
{
    if (type != FACT_TIME || value.number == SIM_NEVER)
        return fact_value_format(type, value);
    GString *text = g_string_new(NULL);
    timeline_format_time(value.number, 3, text);
    return g_string_free(text, FALSE);
}

size_t expectations_count(const Expectations *expectations)
{
    return expectations->scenario->expect.count;
}

bool expectations_hold(const Expectations *expectations, size_t index)
{
    const ScenarioExpectation *expected = &expectations->scenario->expect.items[index];
    return fact_compare(expected->comparator, actual_value(expectations, index), expected->value,
                        expected->upper);
}

char *expectations_describe(const Expectations *expectations, size_t index)
{
    static const char *const WORDS[FACT_COMPARATORS] = {
        [FACT_IS] = "is",
        [FACT_AT_LEAST] = "is at least",
        [FACT_AT_MOST] = "is at most",
        [FACT_RANGE] = "lies between",
    };
    const ScenarioExpectation *expected = &expectations->scenario->expect.items[index];
    FactType type = fact_of(expected->selector.fact)->type;
    g_autofree char *value = fact_value_format(type, expected->value);
    GString *text = g_string_new(NULL);
    describe_selector(&expected->selector, text);
    g_string_append_printf(text, " %s %s", WORDS[expected->comparator], value);
    if (expected->comparator == FACT_RANGE) {
        g_autofree char *upper = fact_value_format(type, expected->upper);
        g_string_append_printf(text, " and %s", upper);
    }
    return g_string_free(text, FALSE);
}

char *expectations_actual(const Expectations *expectations, size_t index)
{
    const ScenarioExpectation *expected = &expectations->scenario->expect.items[index];
    return format_actual(fact_of(expected->selector.fact)->type, actual_value(expectations, index));
}

char *expectations_answer(const Expectations *expectations, size_t question)
{
    const FactSelector *selector = &expectations->scenario->questions.items[question].answer;
    FactValue value =
        read_fact(expectations->facts, selector, expectations->answer_watches[question]);
    return format_actual(fact_of(selector->fact)->type, value);
}
