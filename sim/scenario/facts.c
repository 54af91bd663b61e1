/* Facts: what can be asked about a run. See facts.h. */
#include "scenario/facts.h"

#include "audit/facts.h"
#include "core/check.h"
#include "core/units.h"

#include <string.h>

static const Fact facts[FACTS] = {
    [FACT_MAIL_STATUS] = {FACT_OF_MAIL, "status", FACT_STATUS, true,
                          "what has become of the mail at the end of the run"},
    [FACT_MAIL_ATTEMPTS] =
        {FACT_OF_MAIL, "attempts", FACT_COUNT, true,
         "how often mail servers tried to pass it on over the network, all of them "
         "together, the successful attempt included"},
    [FACT_MAIL_ACCEPTED_AT] = {FACT_OF_MAIL, "accepted_at", FACT_TIME, false,
                               "when the sender's mail server took it over from the agent"},
    [FACT_MAIL_FIRST_ATTEMPT_AT] = {FACT_OF_MAIL, "first_attempt_at", FACT_TIME, true,
                                    "when the first attempt at passing it on began"},
    [FACT_MAIL_DELIVERED_AT] = {FACT_OF_MAIL, "delivered_at", FACT_TIME, true,
                                "when it came into the recipient's mailbox, for the first time"},
    [FACT_MAIL_BOUNCED_AT] = {FACT_OF_MAIL, "bounced_at", FACT_TIME, true,
                              "when a server gave it up and wrote to the sender"},
    [FACT_MAIL_COPIES] = {FACT_OF_MAIL, "copies", FACT_COUNT, true,
                          "how often it came into the recipient's mailbox"},
    [FACT_MAIL_RECEIVED_LINES] = {FACT_OF_MAIL, "received_lines", FACT_COUNT, true,
                                  "how many Received lines it has got: one each time a mail server "
                                  "took it over"},
    [FACT_TRAFFIC_SENT] = {FACT_OF_TRAFFIC, "sent", FACT_COUNT, false,
                           "mails that their senders' servers took over"},
    [FACT_TRAFFIC_DELIVERED] = {FACT_OF_TRAFFIC, "delivered", FACT_COUNT, false,
                                "mails that have come into a mailbox"},
    [FACT_TRAFFIC_BOUNCED] = {FACT_OF_TRAFFIC, "bounced", FACT_COUNT, false,
                              "mails that a server gave up"},
    [FACT_TRAFFIC_REFUSED] = {FACT_OF_TRAFFIC, "refused", FACT_COUNT, false,
                              "mails that no server took, as their authors were told"},
    [FACT_TRAFFIC_LOST] = {FACT_OF_TRAFFIC, "lost", FACT_COUNT, false,
                           "mails that agents without a queue could not hand over"},
    [FACT_TRAFFIC_MEAN_DELAY] = {FACT_OF_TRAFFIC, "mean_delay", FACT_TIME, false,
                                 "the mean time from the sender's server to the mailbox, of those "
                                 "delivered"},
    [FACT_TRAFFIC_MEDIAN_DELAY] = {FACT_OF_TRAFFIC, "median_delay", FACT_TIME, false,
                                   "half of those delivered took at most this long"},
    [FACT_TRAFFIC_DELAY_95] = {FACT_OF_TRAFFIC, "delay_95", FACT_TIME, false,
                               "95 of 100 of those delivered took at most this long"},
    [FACT_TRAFFIC_LAST_DELIVERED_AT] = {FACT_OF_TRAFFIC, "last_delivered_at", FACT_TIME, false,
                                        "when the last one came into a mailbox"},
    [FACT_HOST_QUEUE_PEAK] = {FACT_OF_HOST, "queue_peak", FACT_COUNT, false,
                              "the most messages that were in the server's queue at once"},
    [FACT_HOST_QUEUE_LENGTH] = {FACT_OF_HOST, "queue_length", FACT_COUNT, false,
                                "messages in the server's queue at the end of the run, or `at` a "
                                "time"},
    [FACT_HOST_QUEUE_INCOMING] = {FACT_OF_HOST, "queue_incoming", FACT_COUNT, false,
                                  "those of them that have never been attempted"},
    [FACT_HOST_QUEUE_ACTIVE] = {FACT_OF_HOST, "queue_active", FACT_COUNT, false,
                                "those that are being attempted, or wait for a connection"},
    [FACT_HOST_QUEUE_DEFERRED] = {FACT_OF_HOST, "queue_deferred", FACT_COUNT, false,
                                  "those that wait for their next attempt"},
    [FACT_HOST_QUEUE_HOLD] = {FACT_OF_HOST, "queue_hold", FACT_COUNT, false, "those on hold"},
    [FACT_HOST_RELAY_PEAK] = {FACT_OF_HOST, "relay_peak", FACT_COUNT, false,
                              "the most messages that it handed on to other servers within one "
                              "minute"},
    [FACT_EVENT_COUNT] = {FACT_OF_EVENT, "count", FACT_COUNT, false, "how many such events"},
    [FACT_EVENT_FIRST_AT] = {FACT_OF_EVENT, "first_at", FACT_TIME, false, "when the first one was"},
    [FACT_EVENT_LAST_AT] = {FACT_OF_EVENT, "last_at", FACT_TIME, false, "when the last one was"},
};

const Fact *fact_of(FactId id)
{
    CHECK(id < FACTS);
    return &facts[id];
}

bool fact_is_of_a_moment(FactId id)
{
    return id >= FACT_HOST_QUEUE_LENGTH && id <= FACT_HOST_QUEUE_HOLD;
}

FactId fact_find(FactSubject subject, const char *name)
{
    for (FactId id = 0; id < FACTS; id++) {
        if (facts[id].subject == subject && strcmp(facts[id].name, name) == 0)
            return id;
    }
    return FACTS;
}

static const struct {
    const char *name;
    const char *meaning;
} statuses[MAIL_STATUSES] = {
    [MAIL_STATUS_NONE] = {"none", "it was never sent, or there is no bounce"},
    [MAIL_STATUS_QUEUED] = {"queued", "it waits in a server's queue"},
    [MAIL_STATUS_DELIVERED] = {"delivered", "it has come into the recipient's mailbox"},
    [MAIL_STATUS_BOUNCED] = {"bounced", "a server gave it up and told the sender"},
    [MAIL_STATUS_DISCARDED] = {"discarded", "a named rule removed it, such as that no bounce is "
                                            "bounced"},
    [MAIL_STATUS_REFUSED] = {"refused", "no server accepted it, and its author was told"},
    [MAIL_STATUS_LOST_BY_AGENT] = {"lost_by_agent", "its agent sends directly, could not hand it "
                                                    "over, and has no queue: nobody has it"},
    [MAIL_STATUS_RELAYED] = {"relayed", "in `mailsim live`, a real server has taken it over"},
    [MAIL_STATUS_EXPANDED] = {"expanded", "the address is an alias, a list or of a user who "
                                          "forwards: what became of the mail is said of the "
                                          "addresses in its place"},
    [MAIL_STATUS_LOST] = {"lost", "a server accepted it, and it is nowhere"},
};

const char *mail_status_name(MailStatus status)
{
    CHECK(status < MAIL_STATUSES);
    return statuses[status].name;
}

const char *mail_status_meaning(MailStatus status)
{
    CHECK(status < MAIL_STATUSES);
    return statuses[status].meaning;
}

MailStatus mail_status_find(const char *name)
{
    MailStatus status = 0;
    while (status < MAIL_STATUSES && strcmp(statuses[status].name, name) != 0)
        status++;
    return status;
}

static const char *const comparators[FACT_COMPARATORS] = {
    [FACT_IS] = "is",
    [FACT_AT_LEAST] = "at_least",
    [FACT_AT_MOST] = "at_most",
    [FACT_RANGE] = "range",
};

const char *fact_comparator_name(FactComparator comparator)
{
    CHECK(comparator < FACT_COMPARATORS);
    return comparators[comparator];
}

bool fact_compare(FactComparator comparator, FactValue actual, FactValue value, FactValue upper)
{
    switch (comparator) {
    case FACT_IS:
        return actual.number == value.number;
    case FACT_AT_LEAST:
        return actual.number >= value.number;
    case FACT_AT_MOST:
        return actual.number <= value.number;
    case FACT_RANGE:
        return actual.number >= value.number && actual.number <= upper.number;
    case FACT_COMPARATORS:
        break;
    }
    CHECK(false);
    return false;
}

char *fact_value_format(FactType type, FactValue value)
{
    switch (type) {
    case FACT_COUNT:
        return g_strdup_printf("%" G_GINT64_FORMAT, value.number);
    case FACT_TIME:
        return value.number == SIM_NEVER ? g_strdup("never")
                                         : units_format(UNITS_DURATION, value.number);
    case FACT_STATUS:
        return g_strdup(mail_status_name((MailStatus)value.number));
    }
    CHECK(false);
    return NULL;
}

/* --- Fields of events --- */

const char *fact_field_name(TraceKind kind, size_t index)
{
    CHECK(index < trace_kind_info(kind)->field_count);
    g_autofree const char **names = facts_list_fields(kind);
    return names[index + 1]; /* behind "host" */
}

size_t fact_field_find(TraceKind kind, const char *name)
{
    const TraceKindInfo *info = trace_kind_info(kind);
    const TraceFieldInfo *field = facts_find_field(kind, name);
    return field == NULL ? info->field_count : (size_t)(field - info->fields);
}

char *fact_field_text(TraceFieldType type, const FactField *field)
{
    switch (type) {
    case TRACE_FIELD_COUNT:
    case TRACE_FIELD_TIME:
        return g_strdup_printf("%lld", (long long)field->number);
    case TRACE_FIELD_FLAG:
        return g_strdup(field->number != 0 ? "true" : "false");
    case TRACE_FIELD_TEXT:
    case TRACE_FIELD_OCTETS:
    case TRACE_FIELD_REF:
    case TRACE_FIELD_IP:
        break;
    }
    return g_strdup(field->value);
}
