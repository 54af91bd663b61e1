/* The sections of the scenario file. See format.h; larger ones are in format_server.c,
 * format_mails.c and format_network.c, the timeline's actions in format_actions.c, what is asked of
 * the tables in format_lookup.c. */
#include "scenario/format.h"

#define TTL_MAXIMUM     (INT64_C(0x7fffffff) * SIM_SECOND) /* RFC 2181 §8 */
#define INTEGER_MAXIMUM INT64_MAX

/* --- dns --- */

static const KeySpec exchange_keys[] = {
    {.key = "preference",
     .offset = offsetof(DnsExchange, preference),
     .value = {.type = VALUE_INTEGER, .maximum = 65535},
     .is_required = true,
     .meaning = "the lowest is tried first"},
    {.key = "host",
     .offset = offsetof(DnsExchange, host),
     .value = {.type = VALUE_EXCHANGE},
     .is_required = true,
     .meaning = "the mail server's name; `.` says that the domain takes no mail"},
};

static const MappingSpec an_exchange = {
    .what = "an `mx` record",
    .size = sizeof(DnsExchange),
    .keys = exchange_keys,
    .key_count = G_N_ELEMENTS(exchange_keys),
};

static const ValueSpec exchange_value = {.type = VALUE_MAP, .mapping = &an_exchange};
static const ValueSpec a_target = {.type = VALUE_DNS_TARGET};
static const ValueSpec a_text = {.type = VALUE_TEXT};
static const ValueSpec a_block_list = {.type = VALUE_DNS_NAME};

const KeySpec format_dns_keys[] = {
    {.key = "mx",
     .offset = offsetof(DnsRecords, mx),
     .value = {.type = VALUE_LIST, .element = &exchange_value, .least = 1},
     .when_absent = "as generated",
     .meaning = "the servers that take mail for the name"},
    {.key = "a",
     .offset = offsetof(DnsRecords, a),
     .value = {.type = VALUE_LIST, .element = &a_target, .least = 1},
     .when_absent = "as generated",
     .meaning = "its addresses: each an IPv4 address, or a server's name for the address it has"},
    {.key = "cname",
     .offset = offsetof(DnsRecords, cname),
     .value = {.type = VALUE_DNS_NAME},
     .when_absent = "none",
     .meaning = "the name is an alias of this one, and has no other records"},
    {.key = "txt",
     .offset = offsetof(DnsRecords, txt),
     .value = {.type = VALUE_LIST, .element = &a_text, .least = 1},
     .when_absent = "none",
     .meaning = "texts"},
    {.key = "ptr",
     .offset = offsetof(DnsRecords, ptr),
     .value = {.type = VALUE_EXCHANGE},
     .when_absent = "as generated",
     .meaning =
         "what the look-up of this host's address gives, in place of its name; `.`: nothing"},
    {.key = "listed_by",
     .offset = offsetof(DnsRecords, listed_by),
     .value = {.type = VALUE_LIST, .element = &a_block_list, .least = 1},
     .when_absent = "nobody",
     .meaning = "block lists (RFC 5782) that have this host's address: each gets an A record "
                "127.0.0.2 and a TXT record for it"},
    {.key = "ttl",
     .offset = offsetof(DnsRecords, ttl_ns),
     .value = {.type = VALUE_QUANTITY, .units = UNITS_DURATION, .maximum = TTL_MAXIMUM},
     .default_text = "1 h",
     .meaning = "how long others may keep the name's records; whole seconds"},
};

const size_t format_dns_key_count = G_N_ELEMENTS(format_dns_keys);

static const MappingSpec dns_name = {
    .what = "a name in `dns`",
    .size = sizeof(DnsRecords),
    .keys = format_dns_keys,
    .key_count = G_N_ELEMENTS(format_dns_keys),
    .name_type = VALUE_DNS_NAME,
    .name_offset = offsetof(DnsRecords, name),
    .name_meaning = "the name whose records these are",
};

/* --- people --- */

static const char *const send_protocols[] = {
    [AGENT_SEND_SMTP] = "smtp", [AGENT_SEND_DIRECT] = "direct", NULL};
static const char *const read_protocols[] = {[AGENT_READ_IMAP] = "imap", NULL};

static const KeySpec outbox_keys[] = {
    {.key = "retry",
     .offset = offsetof(ScenarioOutbox, retry_ns),
     .value = {.type = VALUE_QUANTITY, .units = UNITS_DURATION, .maximum = SIM_DAY},
     .default_text = "0 s",
     .meaning = "how long it waits before it tries its server again; `0 s`: it does not, and tells "
                "its person at once. Not with `send: direct`"},
    {.key = "lifetime",
     .offset = offsetof(ScenarioOutbox, lifetime_ns),
     .value =
         {.type = VALUE_QUANTITY, .units = UNITS_DURATION, .minimum = 1, .maximum = RETRY_TIME_MAX},
     .default_text = "1 d",
     .meaning = "after this time it gives up and tells its person"},
};

static const MappingSpec outbox = {
    .what = "`outbox`",
    .size = sizeof(ScenarioOutbox),
    .keys = outbox_keys,
    .key_count = G_N_ELEMENTS(outbox_keys),
};

static const KeySpec agent_keys[] = {
    {.key = "router",
     .offset = offsetof(ScenarioAgent, router),
     .value = {.type = VALUE_ROUTER},
     .when_absent = "the first router",
     .meaning = "the router that its machine's link leads to"},
    {.key = "link",
     .offset = offsetof(ScenarioAgent, link),
     .value = {.type = VALUE_MAP, .mapping = &format_access_link},
     .meaning = "the link to the router"},
    {.key = "tcp",
     .offset = offsetof(ScenarioAgent, tcp),
     .value = {.type = VALUE_MAP, .mapping = &format_machine_tcp},
     .meaning = "how TCP behaves on this machine, where that differs from `network.tcp`"},
    {.key = "send",
     .offset = offsetof(ScenarioAgent, send),
     .value = {.type = VALUE_CHOICE, .choices = send_protocols},
     .default_text = "smtp",
     .meaning = "how it sends: by `smtp` to the person's own server; or `direct`, to the "
                "recipients' servers by itself, without a queue: what cannot be handed over at "
                "once is lost"},
    {.key = "through",
     .offset = offsetof(ScenarioAgent, through),
     .value = {.type = VALUE_SERVER},
     .when_absent = "the recipients' servers",
     .meaning = "with `send: direct`: a server to whose port 25 it gives all its mail, without "
                "logging in; an open relay passes it on"},
    {.key = "helo",
     .offset = offsetof(ScenarioAgent, helo),
     .value = {.type = VALUE_TEXT},
     .when_absent = "the machine's name",
     .meaning = "what it calls itself in EHLO, true or not"},
    {.key = "outbox",
     .offset = offsetof(ScenarioAgent, outbox),
     .value = {.type = VALUE_MAP, .mapping = &outbox},
     .meaning = "what it does with mail that its server does not take now"},
    {.key = "read",
     .offset = offsetof(ScenarioAgent, read),
     .value = {.type = VALUE_CHOICE, .choices = read_protocols},
     .default_text = "imap",
     .meaning = "the protocol by which it fetches mail from there"},
};

static const MappingSpec an_agent = {
    .what = "an agent",
    .size = sizeof(ScenarioAgent),
    .keys = agent_keys,
    .key_count = G_N_ELEMENTS(agent_keys),
    .name_type = VALUE_NAME,
    .name_offset = offsetof(ScenarioAgent, name),
    .name_meaning = "the agent's name; its machine is called PERSON.AGENT, such as `alice.laptop`",
};

static const KeySpec person_keys[] = {
    {.key = "address",
     .offset = offsetof(ScenarioPerson, address),
     .value = {.type = VALUE_ADDRESS},
     .is_required = true,
     .meaning = "the person's mail address: a user of one of the servers"},
    {.key = "agents",
     .offset = offsetof(ScenarioPerson, agents),
     .value = {.type = VALUE_NAMED, .mapping = &an_agent, .least = 1},
     .default_text = "{laptop: {}}",
     .meaning = "the person's user agents, each a program on a machine of its own; the first acts "
                "where no other is named"},
};

static const MappingSpec a_person = {
    .what = "a person",
    .size = sizeof(ScenarioPerson),
    .keys = person_keys,
    .key_count = G_N_ELEMENTS(person_keys),
    .name_type = VALUE_NAME,
    .name_offset = offsetof(ScenarioPerson, name),
    .name_meaning = "the person's name",
};

/* --- questions --- */

static const KeySpec question_keys[] = {
    {.key = "ask",
     .offset = offsetof(ScenarioQuestion, ask),
     .value = {.type = VALUE_LOCAL_TEXT},
     .is_required = true,
     .meaning = "the question"},
    {.key = "answer",
     .offset = offsetof(ScenarioQuestion, answer),
     .value = {.type = VALUE_SELECTOR},
     .is_required = true,
     .meaning = "the fact of the run that answers it"},
    {.key = "explain",
     .offset = offsetof(ScenarioQuestion, explain),
     .value = {.type = VALUE_LOCAL_TEXT},
     .when_absent = "none",
     .meaning = "why that is the answer; shown after the run"},
};

static const MappingSpec a_question = {
    .what = "a question",
    .size = sizeof(ScenarioQuestion),
    .keys = question_keys,
    .key_count = G_N_ELEMENTS(question_keys),
};

/* --- the whole file --- */

static const ValueSpec action_value = {.type = VALUE_ACTION};
static const ValueSpec expectation_value = {.type = VALUE_EXPECTATION};
static const ValueSpec question_value = {.type = VALUE_MAP, .mapping = &a_question};

static const KeySpec scenario_keys[] = {
    {.key = "mailsim",
     .offset = offsetof(Scenario, version),
     .value = {.type = VALUE_INTEGER,
               .minimum = SCENARIO_FORMAT_VERSION,
               .maximum = SCENARIO_FORMAT_VERSION},
     .is_required = true,
     .meaning = "the version of this format: 1"},
    {.key = "title",
     .offset = offsetof(Scenario, title),
     .value = {.type = VALUE_LOCAL_TEXT},
     .when_absent = "none",
     .meaning = "what it shows, in one line"},
    {.key = "about",
     .offset = offsetof(Scenario, about),
     .value = {.type = VALUE_LOCAL_TEXT},
     .when_absent = "none",
     .meaning = "what it shows, in a few sentences"},
    {.key = "start",
     .offset = offsetof(Scenario, start),
     .value = {.type = VALUE_DATE_TIME},
     .default_text = "2026-03-02T09:00:00+09:00",
     .meaning = "the wall clock at time zero, for labels and `Date:` headers; nothing else"},
    {.key = "until",
     .offset = offsetof(Scenario, until_ns),
     .value = {.type = VALUE_QUANTITY,
               .units = UNITS_DURATION,
               .minimum = 1,
               .maximum = SCENARIO_TIME_MAXIMUM},
     .when_absent = "until no message waits in a queue and nothing is left to happen",
     .meaning = "when the run ends"},
    {.key = "seed",
     .offset = offsetof(Scenario, seed),
     .value = {.type = VALUE_INTEGER, .maximum = INTEGER_MAXIMUM},
     .default_text = "1",
     .meaning = "where chance begins: the same file and seed give the same run"},
    {.key = "network",
     .offset = offsetof(Scenario, network),
     .value = {.type = VALUE_MAP, .mapping = &format_network},
     .meaning = "routers and links"},
    {.key = "servers",
     .offset = offsetof(Scenario, servers),
     .value = {.type = VALUE_NAMED, .mapping = &format_server, .least = 1},
     .is_required = true,
     .meaning = "the mail servers, by host name"},
    {.key = "dns",
     .offset = offsetof(Scenario, dns),
     .value = {.type = VALUE_NAMED, .mapping = &dns_name},
     .when_absent = "A, MX and PTR records follow from `servers`",
     .meaning = "records that replace the generated ones of a name, type by type"},
    {.key = "people",
     .offset = offsetof(Scenario, people),
     .value = {.type = VALUE_NAMED, .mapping = &a_person},
     .when_absent = "nobody",
     .meaning = "who writes and reads, by name"},
    {.key = "mails",
     .offset = offsetof(Scenario, mails),
     .value = {.type = VALUE_NAMED, .mapping = &format_mail},
     .when_absent = "none",
     .meaning = "the mails that the timeline sends, by name"},
    {.key = "traffic",
     .offset = offsetof(Scenario, traffic),
     .value = {.type = VALUE_NAMED, .mapping = &format_traffic},
     .when_absent = "none",
     .meaning = "many mails drawn by chance, by name"},
    {.key = "timeline",
     .offset = offsetof(Scenario, timeline),
     .value = {.type = VALUE_LIST, .element = &action_value},
     .when_absent = "nothing happens",
     .meaning = "what happens, and when"},
    {.key = "expect",
     .offset = offsetof(Scenario, expect),
     .value = {.type = VALUE_LIST, .element = &expectation_value},
     .when_absent = "nothing",
     .meaning = "what must be true of the run"},
    {.key = "questions",
     .offset = offsetof(Scenario, questions),
     .value = {.type = VALUE_LIST, .element = &question_value},
     .when_absent = "none",
     .meaning = "what a reader should predict before the run"},
};

const MappingSpec format_scenario = {
    .what = "a scenario",
    .size = sizeof(Scenario),
    .keys = scenario_keys,
    .key_count = G_N_ELEMENTS(scenario_keys),
};
