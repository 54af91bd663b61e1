/* The format of the scenario file as tables: every key, its type, default and meaning.
 *
 * One place for each key: the reader, `check --full`, the JSON Schema and the written reference all
 * follow these tables, so a new key is one row in a format*.c, a new action one entry in
 * format_actions.c. Rows hold the offset of the key's value in the model's struct (model.h). */
#pragma once

#include "core/state_table.h"
#include "core/units.h"
#include "scenario/model.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What a value is, and, in parentheses, how the model keeps it. */
typedef enum ValueType {
    VALUE_TEXT,       /* any text (ScenarioText, like all up to VALUE_FACT_VALUE) */
    VALUE_NAME,       /* a name that the scenario gives: letters, digits, - and _ */
    VALUE_USER_NAME,  /* a local-part */
    VALUE_HOST_NAME,  /* a server's name */
    VALUE_DOMAIN,     /* a mail domain */
    VALUE_DNS_NAME,   /* a name to look up */
    VALUE_EXCHANGE,   /* likewise, or `.`: no mail is taken (RFC 7505) */
    VALUE_ADDRESS,    /* a mail address */
    VALUE_DNS_TARGET, /* an IPv4 address, or a server for the address it has */
    VALUE_REPLY,      /* a refusal of a server: `550 5.7.1 No` */
    VALUE_SCHEDULE,   /* a retry schedule that mail/retry_schedule.h knows */
    VALUE_ROUTER,     /* the name of a router that the scenario has; likewise the next ones */
    VALUE_SERVER,     /* of a server */
    VALUE_NODE,       /* of a router, a server or an agent's machine */
    VALUE_PLACE,      /* of a router, a server or an agent's machine, or a range of addresses */
    VALUE_PERSON,     /* of a person */
    VALUE_AGENT,      /* of an agent of the person named beside it */
    VALUE_MAIL,       /* of a mail, or the `as` of a reply */
    VALUE_RECEIVED,   /* likewise, or of what comes of one: `lunch.bounce`, `lunch.delay`, `lunch.2`
                       */
    VALUE_KNOWN_NAME, /* a name that has records: a domain, a server, or in `dns` */
    VALUE_EVENT,      /* a kind of trace record */
    VALUE_STATE,      /* a state of the machine named beside it */
    VALUE_FACT,       /* a fact's name */
    VALUE_FACT_VALUE, /* what a fact is compared with */
    VALUE_LOCAL_TEXT, /* a text for people (LocalText) */
    VALUE_DATE_TIME,  /* (ScenarioDateTime) */
    VALUE_QUANTITY,   /* a number with a unit (int64_t) */
    VALUE_INTEGER,    /* a number without (int64_t) */
    VALUE_CHOICE,     /* one of some words (int64_t, the index) */
    VALUE_LIST,       /* of `element` (items and count, as in ScenarioTexts) */
    VALUE_MAP,        /* the keys of `mapping` (its struct) */
    VALUE_NAMED,      /* a map from names to such maps (items and count) */
    VALUE_DO,         /* an action's name (ActionKind) */
    VALUE_ACTION,     /* an entry of the timeline (ScenarioAction) */
    VALUE_TRIGGER,    /* what an action waits for (ScenarioTrigger) */
    VALUE_SELECTOR,   /* what a fact is about (FactSelector) */
    VALUE_EXPECTATION /* a selector and a comparison (ScenarioExpectation) */
} ValueType;

typedef struct MappingSpec MappingSpec;
typedef struct ValueSpec ValueSpec;

struct ValueSpec {
    ValueType type;
    UnitsKind units;            /* VALUE_QUANTITY */
    int64_t minimum, maximum;   /* VALUE_QUANTITY and VALUE_INTEGER: ends included */
    const char *below_minimum;  /* said of a value below, in place of the usual words */
    const char *const *choices; /* VALUE_CHOICE, ended by NULL */
    const ValueSpec *element;   /* VALUE_LIST */
    size_t least, most;         /* VALUE_LIST: elements; most 0: any number */
    const MappingSpec *mapping; /* VALUE_MAP, VALUE_NAMED */
};

typedef struct KeySpec {
    const char *key;
    size_t offset; /* of the value in the mapping's struct */
    ValueSpec value;
    bool is_required;
    /* Read in place of a missing value, as if it stood in the file; NULL: none. */
    const char *default_text;
    const char *when_absent; /* for people: what holds without the key, if there is no default */
    const char *meaning;
} KeySpec;

/* A map with a fixed set of keys. Its struct begins with the SourcePosition. */
struct MappingSpec {
    const char *what; /* "a server" */
    size_t size;      /* of its struct */
    const KeySpec *keys;
    size_t key_count;
    /* Of VALUE_NAMED: the name that stands before it, a ScenarioText. */
    ValueType name_type;
    size_t name_offset;
    const char *name_meaning;
};

/* What a list looks like in the model, whatever its element type. */
typedef struct ListValue {
    void *items;
    size_t count;
} ListValue;

/* The most that a message can be told to have; it keeps counts within memory. */
#define FORMAT_SIZE_MAXIMUM (INT64_C(64) << 20)

extern const MappingSpec format_scenario;
/* format_server.c; format_mails.c */
extern const MappingSpec format_server, format_mail, format_traffic;
/* format_tcp.c; each of their keys is a number in TcpParameters. */
extern const MappingSpec format_tcp, format_machine_tcp;
/* format_policy.c */
extern const MappingSpec format_policy;
/* format_timeouts.c: a server's `timeouts`. */
extern const MappingSpec format_timeouts;
/* format_addresses.c: a user, an alias and a mailing list of a server. */
extern const MappingSpec format_user, format_alias, format_list;
/* `disk` of a server. */
extern const MappingSpec format_disk;
/* Parts of it: the section `network`; the link of one server or agent, in which what is not given
 * is as in `default_link`. */
extern const MappingSpec format_network, format_access_link, format_rule_of_action;

/* An action: its own keys, beside those of every action (format_action). */
typedef struct ActionSpec {
    const char *name;
    const char *meaning;
    const KeySpec *keys;
    size_t key_count;
} ActionSpec;

const ActionSpec *format_action_of(ActionKind kind);
/* ACTION_KINDS when there is none of that name. */
ActionKind format_action_find(const char *name);
extern const MappingSpec format_action; /* at, when, after, do, every, times */

/* `when` as it stands in the file, before it is understood. */
typedef struct TriggerText {
    SourcePosition at;
    ScenarioText host, enters, event;
    int64_t machine, nth;
} TriggerText;

/* That a machine enters a state; an event, where each further key is a field of it. */
extern const MappingSpec format_trigger, format_event_trigger;
/* The table of the machine, by its index in the choices of `machine`. */
const StateTable *format_machine(int64_t index);
extern const MappingSpec format_dns_set_records;
extern const KeySpec format_dns_keys[];
extern const size_t format_dns_key_count;

/* A selector and a comparison as they stand in the file, before they are understood. */
typedef struct ExpectationText {
    SourcePosition at;
    ScenarioText mail, bounce_of, traffic, to, host, event, fact, is, at_least, at_most;
    int64_t before_ns; /* of an event */
    int64_t moment_ns; /* of a queue */
    ScenarioTexts range;
} ExpectationText;

/* About a mail or a host; about events, where each further key is a field of such events. */
extern const MappingSpec format_selector, format_event_selector;
extern const MappingSpec format_expectation, format_event_expectation;

/* True for the types that the model keeps as a ScenarioText. */
bool value_type_is_word(ValueType type);
/* The size of the model's value. */
size_t value_size(const ValueSpec *value);
/* What belongs there, for people: "a duration such as `20 ms`", "the name of a router". To free. */
char *value_describe(const ValueSpec *value);
/* The places in the format where a key is at home, other than in `except`: "`network.links`,
 * `servers.NAME.link`". NULL when there is none. To free. */
char *format_find_places(const char *key, const MappingSpec *except);
