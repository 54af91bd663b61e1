/* The timeline's actions, and what `expect` and `answer` are made of. See format.h. */
#include "scenario/format_links.h"

#include "core/check.h"
#include "net/tcp.h"
#include "proto/imap_client.h"
#include "proto/imap_server.h"
#include "proto/smtp_client.h"
#include "proto/smtp_server.h"
#include "store/disk.h"

#include <string.h>

#define TIMES_MAXIMUM 1000000

static const KeySpec common_keys[] = {
    {.key = "at",
     .offset = offsetof(ScenarioAction, time_ns),
     .value = {.type = VALUE_QUANTITY, .units = UNITS_DURATION, .maximum = SCENARIO_TIME_MAXIMUM},
     .when_absent = "`when` says it",
     .meaning = "when, counted from the start of the run"},
    {.key = "when",
     .offset = offsetof(ScenarioAction, when),
     .value = {.type = VALUE_TRIGGER},
     .when_absent = "`at` says it",
     .meaning = "what happens at a host just before, in place of a time"},
    {.key = "after",
     .offset = offsetof(ScenarioAction, after_ns),
     .value = {.type = VALUE_QUANTITY,
               .units = UNITS_DURATION,
               .minimum = 1,
               .maximum = SCENARIO_TIME_MAXIMUM,
               .below_minimum = "without `after` it happens at once"},
     .when_absent = "at once",
     .meaning =
         "so much later than `when`; on another machine than that of `when` it must be given"},
    {.key = "do",
     .offset = offsetof(ScenarioAction, kind),
     .value = {.type = VALUE_DO},
     .is_required = true,
     .meaning = "what happens"},
    {.key = "every",
     .offset = offsetof(ScenarioAction, every_ns),
     .value = {.type = VALUE_QUANTITY,
               .units = UNITS_DURATION,
               .minimum = 1,
               .maximum = SCENARIO_TIME_MAXIMUM,
               .below_minimum = "repetition needs some time in between"},
     .when_absent = "it happens once",
     .meaning = "it happens again after each such time; together with `times`"},
    {.key = "times",
     .offset = offsetof(ScenarioAction, times),
     .value = {.type = VALUE_INTEGER, .minimum = 1, .maximum = TIMES_MAXIMUM},
     .when_absent = "it happens once",
     .meaning = "how often in all; together with `every`"},
};

/* --- when --- */

static const StateTable *const machines[] = {&smtp_server_table, &smtp_client_table,
                                             &imap_server_table, &imap_client_table, &tcp_table};
static const char *const machine_names[] = {"smtp-server", "smtp-client", "imap-server",
                                            "imap-client", "tcp",         NULL};

const StateTable *format_machine(int64_t index)
{
    return machines[index];
}

#define TRIGGER_HOST                                                                               \
    {                                                                                              \
        .key = "host", .offset = offsetof(TriggerText, host), .value = {.type = VALUE_NODE},       \
        .is_required = true, .meaning = "where it happens"                                         \
    }
#define TRIGGER_NTH                                                                                \
    {                                                                                              \
        .key = "nth", .offset = offsetof(TriggerText, nth),                                        \
        .value = {.type = VALUE_INTEGER, .minimum = 1, .maximum = TIMES_MAXIMUM},                  \
        .default_text = "1", .meaning = "the how-manieth time it happens there"                    \
    }

static const KeySpec trigger_keys[] = {
    TRIGGER_HOST,
    {.key = "machine",
     .offset = offsetof(TriggerText, machine),
     .value = {.type = VALUE_CHOICE, .choices = machine_names},
     .is_required = true,
     .meaning = "a state machine, as `mailsim states` names it; each connection has its own"},
    {.key = "enters",
     .offset = offsetof(TriggerText, enters),
     .value = {.type = VALUE_STATE},
     .is_required = true,
     .meaning = "the state that it enters, as `mailsim states MACHINE` names it"},
    TRIGGER_NTH,
};

static const KeySpec event_trigger_keys[] = {
    TRIGGER_HOST,
    {.key = "event",
     .offset = offsetof(TriggerText, event),
     .value = {.type = VALUE_EVENT},
     .is_required = true,
     .meaning = "a kind of event"},
    TRIGGER_NTH,
};

const MappingSpec format_trigger = {
    .what = "`when`",
    .size = sizeof(TriggerText),
    .keys = trigger_keys,
    .key_count = G_N_ELEMENTS(trigger_keys),
};
const MappingSpec format_event_trigger = {
    .what = "`when`",
    .size = sizeof(TriggerText),
    .keys = event_trigger_keys,
    .key_count = G_N_ELEMENTS(event_trigger_keys),
};

/* --- What every action has --- */

const MappingSpec format_action = {
    .what = "an action",
    .size = sizeof(ScenarioAction),
    .keys = common_keys,
    .key_count = G_N_ELEMENTS(common_keys),
};

static const ValueSpec a_node = {.type = VALUE_NODE};
static const ValueSpec a_group = {.type = VALUE_LIST, .element = &a_node, .least = 1};
static const char *const dns_failures[] = {
    [DNS_FAILURE_SERVFAIL] = "servfail",
    [DNS_FAILURE_TIMEOUT] = "timeout",
    [DNS_FAILURE_NXDOMAIN] = "nxdomain",
    NULL,
};

const MappingSpec format_dns_set_records = {
    .what = "`records`",
    .size = sizeof(DnsRecords),
    .keys = format_dns_keys,
    .key_count = 7,
};

static const KeySpec send_keys[] = {
    {.key = "mail",
     .offset = offsetof(ScenarioAction, send.mail),
     .value = {.type = VALUE_MAIL},
     .is_required = true,
     .meaning = "a mail of `mails`"},
    {.key = "agent",
     .offset = offsetof(ScenarioAction, send.agent),
     .value = {.type = VALUE_AGENT},
     .when_absent = "its author's first one",
     .meaning = "by which agent of its author"},
};

static const KeySpec reply_keys[] = {
    {.key = "who",
     .offset = offsetof(ScenarioAction, reply.who),
     .value = {.type = VALUE_PERSON},
     .is_required = true,
     .meaning = "the person who answers"},
    {.key = "mail",
     .offset = offsetof(ScenarioAction, reply.mail),
     .value = {.type = VALUE_RECEIVED},
     .is_required = true,
     .meaning = "the mail that is answered"},
    {.key = "as",
     .offset = offsetof(ScenarioAction, reply.as),
     .value = {.type = VALUE_NAME},
     .is_required = true,
     .meaning = "a new name, for the answer"},
    {.key = "body",
     .offset = offsetof(ScenarioAction, reply.body),
     .value = {.type = VALUE_TEXT},
     .default_text = "",
     .meaning = "the text of the answer"},
};

static const KeySpec fetch_keys[] = {
    {.key = "who",
     .offset = offsetof(ScenarioAction, fetch.who),
     .value = {.type = VALUE_PERSON},
     .is_required = true,
     .meaning = "whose agent"},
    {.key = "agent",
     .offset = offsetof(ScenarioAction, fetch.agent),
     .value = {.type = VALUE_AGENT},
     .when_absent = "the person's first one",
     .meaning = "which one"},
};

static const KeySpec read_keys[] = {
    {.key = "who",
     .offset = offsetof(ScenarioAction, read.who),
     .value = {.type = VALUE_PERSON},
     .is_required = true,
     .meaning = "the person who reads"},
    {.key = "mail",
     .offset = offsetof(ScenarioAction, read.mail),
     .value = {.type = VALUE_RECEIVED},
     .is_required = true,
     .meaning = "the mail that is opened; a bounce of `lunch` is `lunch.bounce`, a delay warning "
                "`lunch.delay`, its second repetition `lunch.2`"},
};

static const KeySpec machine_keys[] = {
    {.key = "host",
     .offset = offsetof(ScenarioAction, machine.host),
     .value = {.type = VALUE_SERVER},
     .is_required = true,
     .meaning = "the server"},
};

/* In the order of DiskOperation. */
static const char *const disk_operations[] = {"write", "sync", "rename", "unlink", "read", NULL};
_Static_assert(G_N_ELEMENTS(disk_operations) == DISK_OPERATION_COUNT + 1, "a word is missing");
static const ValueSpec a_disk_operation = {.type = VALUE_CHOICE, .choices = disk_operations};

static const KeySpec disk_fail_keys[] = {
    {.key = "host",
     .offset = offsetof(ScenarioAction, disk_fail.host),
     .value = {.type = VALUE_SERVER},
     .is_required = true,
     .meaning = "the server"},
    {.key = "operations",
     .offset = offsetof(ScenarioAction, disk_fail.operations),
     .value = {.type = VALUE_LIST, .element = &a_disk_operation},
     .default_text = "[]",
     .meaning = "what fails; `[]` for all of it"},
    {.key = "failures",
     .offset = offsetof(ScenarioAction, disk_fail.failures),
     .value = {.type = VALUE_INTEGER, .minimum = 1, .maximum = TIMES_MAXIMUM},
     .when_absent = "all, until `disk_fix`",
     .meaning = "so many such operations fail, and then the disk works again"},
};

static const KeySpec mailq_keys[] = {
    {.key = "host",
     .offset = offsetof(ScenarioAction, queue.host),
     .value = {.type = VALUE_SERVER},
     .is_required = true,
     .meaning = "the server"},
};

static const KeySpec hold_keys[] = {
    {.key = "host",
     .offset = offsetof(ScenarioAction, queue.host),
     .value = {.type = VALUE_SERVER},
     .is_required = true,
     .meaning = "the server"},
    {.key = "mail",
     .offset = offsetof(ScenarioAction, queue.mail),
     .value = {.type = VALUE_RECEIVED},
     .when_absent = "all that are in its queue",
     .meaning = "this mail alone"},
};

static const KeySpec flush_keys[] = {
    {.key = "host",
     .offset = offsetof(ScenarioAction, queue.host),
     .value = {.type = VALUE_SERVER},
     .is_required = true,
     .meaning = "the server"},
    {.key = "domain",
     .offset = offsetof(ScenarioAction, queue.domain),
     .value = {.type = VALUE_DOMAIN},
     .when_absent = "for any domain",
     .meaning = "only what is for recipients in this domain"},
};

#define BETWEEN_KEY                                                                                \
    {                                                                                              \
        .key = "between", .offset = offsetof(ScenarioAction, link.between),                        \
        .value = {.type = VALUE_LIST, .element = &a_node, .least = 2, .most = 2},                  \
        .is_required = true,                                                                       \
        .meaning = "the link's two ends: routers, servers or agents' machines (`alice.laptop`)"    \
    }

#define FROM_KEY(text)                                                                             \
    {                                                                                              \
        .key = "from", .offset = offsetof(ScenarioAction, link.from),                              \
        .value = {.type = VALUE_NODE}, .when_absent = "both directions", .meaning = text           \
    }

static const KeySpec link_keys[] = {BETWEEN_KEY};
static const KeySpec link_down_keys[] = {
    BETWEEN_KEY,
    FROM_KEY("only packets from this end are lost"),
};
static const KeySpec degrade_keys[] = {
    BETWEEN_KEY,
    FROM_KEY("only the direction that begins at this end changes"),
    LINK_KEYS(offsetof(ScenarioAction, link.changes), NULL, NULL, NULL,
              LINK_NO_DEFAULTS("as it is")),
};

static const KeySpec partition_keys[] = {
    {.key = "groups",
     .offset = offsetof(ScenarioAction, partition.groups),
     .value = {.type = VALUE_LIST, .element = &a_group, .least = 2},
     .is_required = true,
     .meaning = "lists of nodes that cannot reach each other; who is in none reaches everybody"},
};

static const ValueSpec a_firewall_rule = {.type = VALUE_MAP, .mapping = &format_rule_of_action};

static const KeySpec set_firewall_keys[] = {
    {.key = "host",
     .offset = offsetof(ScenarioAction, set_firewall.host),
     .value = {.type = VALUE_NODE},
     .is_required = true,
     .meaning = "whose firewall it is"},
    {.key = "rules",
     .offset = offsetof(ScenarioAction, set_firewall.rules),
     .value = {.type = VALUE_LIST, .element = &a_firewall_rule},
     .is_required = true,
     .meaning = "its rules from now on, with the keys of `network.firewall` but `host`; `[]` for "
                "none"},
};

static const KeySpec renumber_keys[] = {
    {.key = "home",
     .offset = offsetof(ScenarioAction, renumber.home),
     .value = {.type = VALUE_ROUTER},
     .is_required = true,
     .meaning = "the home, by its router's name"},
    {.key = "old_address_to",
     .offset = offsetof(ScenarioAction, renumber.old_address_to),
     .value = {.type = VALUE_ROUTER},
     .when_absent = "nobody",
     .meaning = "another home, which has the old address from now on"},
    {.key = "dns_after",
     .offset = offsetof(ScenarioAction, renumber.dns_after_ns),
     .value = {.type = VALUE_QUANTITY,
               .units = UNITS_DURATION,
               .minimum = 1,
               .maximum = SCENARIO_TIME_MAXIMUM,
               .below_minimum = "a name server learns of it later than the home"},
     .when_absent = "the names keep the old address",
     .meaning = "dynamic DNS: so much later the names of the machines in these homes lead to their "
                "new addresses; caches keep the old ones as long as their `ttl` lets them"},
};

static const KeySpec dns_fail_keys[] = {
    {.key = "name",
     .offset = offsetof(ScenarioAction, dns_fail.name),
     .value = {.type = VALUE_KNOWN_NAME},
     .is_required = true,
     .meaning = "the name"},
    {.key = "how",
     .offset = offsetof(ScenarioAction, dns_fail.how),
     .value = {.type = VALUE_CHOICE, .choices = dns_failures},
     .default_text = "servfail",
     .meaning = "the answer is that the name server failed, or that there is no such name; or "
                "there is no answer"},
};

static const KeySpec dns_fix_keys[] = {
    {.key = "name",
     .offset = offsetof(ScenarioAction, dns_fix.name),
     .value = {.type = VALUE_KNOWN_NAME},
     .is_required = true,
     .meaning = "the name"},
};

static const KeySpec dns_set_keys[] = {
    {.key = "name",
     .offset = offsetof(ScenarioAction, dns_set.name),
     .value = {.type = VALUE_DNS_NAME},
     .is_required = true,
     .meaning = "the name"},
    {.key = "records",
     .offset = offsetof(ScenarioAction, dns_set.records),
     .value = {.type = VALUE_MAP, .mapping = &format_dns_set_records},
     .is_required = true,
     .meaning = "its new records, with the keys of a name in `dns`"},
};

static const KeySpec note_keys[] = {
    {.key = "text",
     .offset = offsetof(ScenarioAction, note.text),
     .value = {.type = VALUE_LOCAL_TEXT},
     .is_required = true,
     .meaning = "the remark"},
};

#define KEYS(array) .keys = array, .key_count = G_N_ELEMENTS(array)

static const ActionSpec actions[ACTION_KINDS] = {
    [ACTION_SEND] = {"send", "the mail's author writes it and hands it to the mail server",
                     KEYS(send_keys)},
    [ACTION_REPLY] = {"reply", "a person answers a mail", KEYS(reply_keys)},
    [ACTION_FETCH] = {"fetch", "an agent gets what is new from its mail server", KEYS(fetch_keys)},
    [ACTION_READ] = {"read", "a person opens a mail that an agent has fetched", KEYS(read_keys)},
    [ACTION_CRASH] = {"crash",
                      "the server program dies, its operating system lives: open connections are "
                      "closed or reset, new ones are refused",
                      KEYS(machine_keys)},
    [ACTION_POWER_OFF] = {"power_off",
                          "the machine loses power: silence, and what was not yet synced to disk "
                          "is lost",
                          KEYS(machine_keys)},
    [ACTION_RESTART] = {"restart", "a crashed, stopped or powered-off server starts again",
                        KEYS(machine_keys)},
    [ACTION_SHUTDOWN] = {"shutdown", "the server ends in good order, with a 421 to its clients",
                         KEYS(machine_keys)},
    [ACTION_FILL_DISK] = {"fill_disk",
                          "something else fills the server's disk up: what it writes fails",
                          KEYS(machine_keys)},
    [ACTION_FREE_DISK] = {"free_disk", "the server's disk has room again", KEYS(machine_keys)},
    [ACTION_DISK_FAIL] = {"disk_fail",
                          "the server's disk fails: operations end with an input/output error",
                          KEYS(disk_fail_keys)},
    [ACTION_DISK_FIX] = {"disk_fix", "the server's disk works again", KEYS(machine_keys)},
    [ACTION_MAILQ] = {"mailq",
                      "the server's queue is listed: each message with its state and, for each "
                      "recipient, why it waits and until when; of a program that is down, as its "
                      "disk has it",
                      KEYS(mailq_keys)},
    [ACTION_HOLD] = {"hold",
                     "the administrator of a running server puts mail in its queue on hold: it is "
                     "not attempted, nor given up, until it is released; not even after a restart",
                     KEYS(hold_keys)},
    [ACTION_RELEASE] = {"release",
                        "mail on hold is no longer; what has become due meanwhile is attempted at "
                        "once",
                        KEYS(hold_keys)},
    [ACTION_FLUSH] =
        {"flush",
         "all that waits in a running server's queue for its next attempt is attempted "
         "now, but for what is on hold",
         KEYS(flush_keys)},
    [ACTION_LINK_DOWN] = {"link_down",
                          "a link carries nothing any more, or nothing in one direction",
                          KEYS(link_down_keys)},
    [ACTION_LINK_UP] = {"link_up", "the link carries packets again", KEYS(link_keys)},
    [ACTION_DEGRADE] = {"degrade", "a link behaves differently from now on", KEYS(degrade_keys)},
    [ACTION_RESTORE] = {"restore", "the link behaves again as `network` says", KEYS(link_keys)},
    [ACTION_PARTITION] = {"partition", "the network falls into parts", KEYS(partition_keys)},
    [ACTION_HEAL] = {"heal", "the partition is over", .keys = NULL},
    [ACTION_SET_FIREWALL] = {"set_firewall", "a firewall has these rules from now on",
                             KEYS(set_firewall_keys)},
    [ACTION_RENUMBER] = {"renumber",
                         "the provider gives a home another public address: what is on its way to "
                         "the old one goes to a stranger or nowhere, connections are lost",
                         KEYS(renumber_keys)},
    [ACTION_DNS_FAIL] = {"dns_fail", "look-ups of a name fail from now on", KEYS(dns_fail_keys)},
    [ACTION_DNS_FIX] = {"dns_fix", "look-ups of the name work again", KEYS(dns_fix_keys)},
    [ACTION_DNS_SET] = {"dns_set", "a name gets other records; caches may keep the old ones",
                        KEYS(dns_set_keys)},
    [ACTION_NOTE] = {"note", "a remark in the trace; nothing happens", KEYS(note_keys)},
};

const ActionSpec *format_action_of(ActionKind kind)
{
    CHECK(kind < ACTION_KINDS);
    return &actions[kind];
}

ActionKind format_action_find(const char *name)
{
    ActionKind kind = 0;
    while (kind < ACTION_KINDS && strcmp(actions[kind].name, name) != 0)
        kind++;
    return kind;
}

/* --- expect and answer --- */

static const ValueSpec a_fact_value = {.type = VALUE_FACT_VALUE};

#define FACT_KEY                                                                                   \
    {                                                                                              \
        .key = "fact", .offset = offsetof(ExpectationText, fact), .value = {.type = VALUE_FACT},   \
        .is_required = true, .meaning = "which fact"                                               \
    }

#define SUBJECT_KEYS                                                                               \
    {.key = "mail",                                                                                \
     .offset = offsetof(ExpectationText, mail),                                                    \
     .value = {.type = VALUE_MAIL},                                                                \
     .when_absent = "another subject",                                                             \
     .meaning = "a fact of this mail"},                                                            \
        {.key = "bounce_of",                                                                       \
         .offset = offsetof(ExpectationText, bounce_of),                                           \
         .value = {.type = VALUE_MAIL},                                                            \
         .when_absent = "another subject",                                                         \
         .meaning = "a fact of the bounce of this mail"},                                          \
        {.key = "to",                                                                              \
         .offset = offsetof(ExpectationText, to),                                                  \
         .value = {.type = VALUE_ADDRESS},                                                         \
         .when_absent = "the only recipient",                                                      \
         .meaning = "beside `mail` or `bounce_of`: for this recipient of the mail"},               \
        {.key = "traffic",                                                                         \
         .offset = offsetof(ExpectationText, traffic),                                             \
         .value = {.type = VALUE_NAME},                                                            \
         .when_absent = "another subject",                                                         \
         .meaning = "a fact of all mails of this entry of `traffic`"},                             \
        {.key = "host",                                                                            \
         .offset = offsetof(ExpectationText, host),                                                \
         .value = {.type = VALUE_SERVER},                                                          \
         .when_absent = "another subject",                                                         \
         .meaning = "a fact of this server"},                                                      \
        {.key = "at",                                                                              \
         .offset = offsetof(ExpectationText, moment_ns),                                           \
         .value = {.type = VALUE_QUANTITY,                                                         \
                   .units = UNITS_DURATION,                                                        \
                   .maximum = SCENARIO_TIME_MAXIMUM},                                              \
         .when_absent = "at the end of the run",                                                   \
         .meaning = "beside `queue_length` and its like: at this time, with all that happens "     \
                    "then"},                                                                       \
        FACT_KEY

#define EVENT_KEYS                                                                                 \
    {.key = "event",                                                                               \
     .offset = offsetof(ExpectationText, event),                                                   \
     .value = {.type = VALUE_EVENT},                                                               \
     .is_required = true,                                                                          \
     .meaning = "a fact of all events of this kind"},                                              \
        {.key = "host",                                                                            \
         .offset = offsetof(ExpectationText, host),                                                \
         .value = {.type = VALUE_NODE},                                                            \
         .when_absent = "anywhere",                                                                \
         .meaning = "only events at this node"},                                                   \
        {.key = "before",                                                                          \
         .offset = offsetof(ExpectationText, before_ns),                                           \
         .value = {.type = VALUE_QUANTITY,                                                         \
                   .units = UNITS_DURATION,                                                        \
                   .minimum = 1,                                                                   \
                   .maximum = SCENARIO_TIME_MAXIMUM},                                              \
         .when_absent = "until the run ends",                                                      \
         .meaning = "only events before this time"},                                               \
        FACT_KEY

#define COMPARISON_KEYS                                                                            \
    {.key = "is",                                                                                  \
     .offset = offsetof(ExpectationText, is),                                                      \
     .value = {.type = VALUE_FACT_VALUE},                                                          \
     .when_absent = "another comparison",                                                          \
     .meaning = "the fact has exactly this value; a time may be `never`"},                         \
        {.key = "at_least",                                                                        \
         .offset = offsetof(ExpectationText, at_least),                                            \
         .value = {.type = VALUE_FACT_VALUE},                                                      \
         .when_absent = "another comparison",                                                      \
         .meaning = "it has this value or a greater one"},                                         \
        {.key = "at_most",                                                                         \
         .offset = offsetof(ExpectationText, at_most),                                             \
         .value = {.type = VALUE_FACT_VALUE},                                                      \
         .when_absent = "another comparison",                                                      \
         .meaning = "it has this value or a smaller one"},                                         \
    {                                                                                              \
        .key = "range", .offset = offsetof(ExpectationText, range),                                \
        .value = {.type = VALUE_LIST, .element = &a_fact_value, .least = 2, .most = 2},            \
        .when_absent = "another comparison",                                                       \
        .meaning = "it lies between these two values, or is one of them"                           \
    }

static const KeySpec selector_keys[] = {SUBJECT_KEYS};
static const KeySpec event_selector_keys[] = {EVENT_KEYS};
static const KeySpec expectation_keys[] = {SUBJECT_KEYS, COMPARISON_KEYS};
static const KeySpec event_expectation_keys[] = {EVENT_KEYS, COMPARISON_KEYS};

#define EXPECTATION_MAPPING(words, array)                                                          \
    {                                                                                              \
        .what = words, .size = sizeof(ExpectationText), KEYS(array)                                \
    }

const MappingSpec format_selector = EXPECTATION_MAPPING("an answer", selector_keys);
const MappingSpec format_event_selector = EXPECTATION_MAPPING("an answer", event_selector_keys);
const MappingSpec format_expectation = EXPECTATION_MAPPING("an expectation", expectation_keys);
const MappingSpec format_event_expectation =
    EXPECTATION_MAPPING("an expectation", event_expectation_keys);
