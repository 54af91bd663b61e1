/* Facts: what can be asked about a run. `expect` compares one, a question's `answer` reads one.
 *
 * The table of facts is shared by the reader, the documentation and the evaluator. A selector says
 * what the fact is about: a mail (for one recipient), the bounce of a mail, a host, or the events
 * of one kind whose fields have given values. */
#pragma once

#include "core/simtime.h"
#include "scenario/diagnostics.h"
#include "trace/trace.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef enum FactSubject {
    FACT_OF_MAIL,    /* {mail: NAME, to: ADDRESS} or {bounce_of: NAME} */
    FACT_OF_TRAFFIC, /* {traffic: NAME} */
    FACT_OF_HOST,    /* {host: NAME} */
    FACT_OF_EVENT    /* {event: KIND, FIELD: VALUE, …} */
} FactSubject;

typedef enum FactType {
    FACT_COUNT,  /* a number without a unit */
    FACT_TIME,   /* nanoseconds since the start; SIM_NEVER when it did not happen */
    FACT_STATUS, /* a MailStatus */
} FactType;

typedef enum MailStatus {
    MAIL_STATUS_NONE,          /* never sent, or there is no bounce */
    MAIL_STATUS_QUEUED,        /* waits in a server's queue */
    MAIL_STATUS_DELIVERED,     /* lies in the recipient's mailbox, or did */
    MAIL_STATUS_BOUNCED,       /* given up; the sender was told */
    MAIL_STATUS_DISCARDED,     /* removed by a named rule, such as a bounce of a bounce */
    MAIL_STATUS_REFUSED,       /* no server ever accepted it, and the sender knows */
    MAIL_STATUS_LOST_BY_AGENT, /* its agent has no queue and has given it up */
    MAIL_STATUS_RELAYED,       /* a server outside of the simulation has it */
    MAIL_STATUS_EXPANDED,      /* the address stands for others: ask for these */
    MAIL_STATUS_LOST,          /* accepted and nowhere to be found */
    MAIL_STATUSES,
} MailStatus;

typedef enum FactId {
    FACT_MAIL_STATUS,
    FACT_MAIL_ATTEMPTS,
    FACT_MAIL_ACCEPTED_AT,
    FACT_MAIL_FIRST_ATTEMPT_AT,
    FACT_MAIL_DELIVERED_AT,
    FACT_MAIL_BOUNCED_AT,
    FACT_MAIL_COPIES,
    FACT_MAIL_RECEIVED_LINES,
    FACT_TRAFFIC_SENT,
    FACT_TRAFFIC_DELIVERED,
    FACT_TRAFFIC_BOUNCED,
    FACT_TRAFFIC_REFUSED,
    FACT_TRAFFIC_LOST,
    FACT_TRAFFIC_MEAN_DELAY,
    FACT_TRAFFIC_MEDIAN_DELAY,
    FACT_TRAFFIC_DELAY_95,
    FACT_TRAFFIC_LAST_DELIVERED_AT,
    FACT_HOST_QUEUE_PEAK,
    FACT_HOST_QUEUE_LENGTH,
    FACT_HOST_QUEUE_INCOMING,
    FACT_HOST_QUEUE_ACTIVE,
    FACT_HOST_QUEUE_DEFERRED,
    FACT_HOST_QUEUE_HOLD,
    FACT_HOST_RELAY_PEAK,
    FACT_EVENT_COUNT,
    FACT_EVENT_FIRST_AT,
    FACT_EVENT_LAST_AT,
    FACTS,
} FactId;

typedef struct Fact {
    FactSubject subject;
    const char *name; /* as `fact:` takes it */
    FactType type;
    bool for_each_recipient; /* a mail with several needs `to:` */
    const char *meaning;
} Fact;

/* The table, FACTS rows by FactId. */
const Fact *fact_of(FactId id);
/* Whether it says how many messages are in a queue, so that one may ask at which time. */
bool fact_is_of_a_moment(FactId id);
/* The fact called `name` of such a subject, or FACTS. */
FactId fact_find(FactSubject subject, const char *name);
/* The (short) name of a kind's field, and the index of the field of a name, or the field count. */
const char *fact_field_name(TraceKind kind, size_t index);
size_t fact_field_find(TraceKind kind, const char *name);
/* `delivered` and so on; mail_status_find returns MAIL_STATUSES when there is none of that name. */
const char *mail_status_name(MailStatus status);
MailStatus mail_status_find(const char *name);
const char *mail_status_meaning(MailStatus status);

typedef enum FactComparator {
    FACT_IS,
    FACT_AT_LEAST,
    FACT_AT_MOST,
    FACT_RANGE,
    FACT_COMPARATORS,
} FactComparator;

const char *fact_comparator_name(FactComparator comparator);

/* A count, a time in ns (SIM_NEVER: `never`), or a MailStatus; the fact's type says which. */
typedef struct FactValue {
    int64_t number;
} FactValue;

/* True when the comparison holds. */
bool fact_compare(FactComparator comparator, FactValue actual, FactValue value, FactValue upper);
/* The value as the scenario would write it, a text to free: `3`, `2 h 15 min`, `delivered`. */
char *fact_value_format(FactType type, FactValue value);

/* A condition on a field of an event: it has this value. Which fields a kind has is in
 * trace/kinds.def; a condition names a field as facts_find_field takes it (`code`). */
typedef struct FactField {
    size_t index;      /* into trace_kind_info(kind)->fields */
    const char *value; /* as the file writes it */
    int64_t number;    /* a COUNT, a TIME in ns, a FLAG as 0 or 1, an IP address; otherwise 0 */
} FactField;

/* The text that the field must have, as audit/facts.h writes values; to free. */
char *fact_field_text(TraceFieldType type, const FactField *field);

typedef struct FactSelector {
    SourcePosition at;
    FactId fact;
    bool is_bounce;      /* it is the bounce of `mail` that is meant */
    const char *mail;    /* FACT_OF_MAIL; a mail's name, or the `as` of a reply */
    const char *to;      /* FACT_OF_MAIL; an address, or NULL: the only recipient, or all */
    const char *traffic; /* FACT_OF_TRAFFIC */
    const char *host;    /* FACT_OF_HOST: a server; FACT_OF_EVENT: any node, or NULL */
    SimTime before;      /* FACT_OF_EVENT: later events do not count; SIM_NEVER: all do */
    SimTime moment;      /* FACT_OF_HOST, of a queue: then; SIM_NEVER: in the end */
    TraceKind event;     /* FACT_OF_EVENT: the kind, such as smtp.reply */
    FactField *fields;   /* FACT_OF_EVENT; all must hold */
    size_t field_count;
} FactSelector;
