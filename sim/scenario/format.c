/* The sections of the scenario file. See format.h; the timeline's actions are in format_actions.c,
 * what is asked of the tables in format_lookup.c. */
#include "scenario/format.h"

#include "mail/envelope.h"

/* Bounds that keep every sum of times within int64_t and every count within memory. */
#define SIZE_MAXIMUM        (INT64_C(64) << 20)
#define TTL_MAXIMUM         (INT64_C(0x7fffffff) * SIM_SECOND) /* RFC 2181 §8 */
#define INTEGER_MAXIMUM     INT64_MAX
#define CONNECTIONS_MAXIMUM 100000
#define TRAFFIC_MAXIMUM     1000000

/* --- servers --- */

static const ValueSpec a_wait = {.type = VALUE_QUANTITY,
                                 .units = UNITS_DURATION,
                                 .minimum = 1,
                                 .maximum = RETRY_TIME_MAX,
                                 .below_minimum = "a wait of 0 would try for ever in one instant"};

static const KeySpec retry_keys[] = {
    {.key = "like",
     .offset = offsetof(ScenarioRetry, like),
     .value = {.type = VALUE_SCHEDULE},
     .when_absent = "`postfix`, unless there are `intervals`",
     .meaning = "try again as this well-known mail server does"},
    {.key = "intervals",
     .offset = offsetof(ScenarioRetry, intervals),
     .value = {.type = VALUE_LIST, .element = &a_wait, .least = 1, .most = RETRY_INTERVALS_MAX},
     .when_absent = "as `like` says",
     .meaning = "try again so long after each failure; the last one repeats. Not beside `like`"},
    {.key = "rules",
     .offset = offsetof(ScenarioRetry, rules),
     .value = {.type = VALUE_TEXT},
     .when_absent = "as `like` says",
     .meaning =
         "Exim's rules, in quotes: `\"F,2h,15m; G,16h,1h,1.5; F,4d,6h\"` waits 15 minutes for "
         "2 hours, then from 1 hour on 1.5 times longer each time, then 6 hours. Not beside "
         "`like` or `intervals`"},
    {.key = "run_every",
     .offset = offsetof(ScenarioRetry, run_every_ns),
     .value = {.type = VALUE_QUANTITY, .units = UNITS_DURATION, .maximum = RETRY_TIME_MAX},
     .when_absent = "as `like` says; with `rules` 1 min, with `intervals` 0 s",
     .meaning = "a runner looks through the queue so often, and attempts what is due by then; with "
                "`0 s` each attempt has its own timer"},
    {.key = "run_phase",
     .offset = offsetof(ScenarioRetry, run_phase_ns),
     .value = {.type = VALUE_QUANTITY, .units = UNITS_DURATION, .maximum = RETRY_TIME_MAX},
     .default_text = "0 s",
     .meaning = "when the runner looks for the first time"},
    {.key = "jitter",
     .offset = offsetof(ScenarioRetry, jitter_ppb),
     .value = {.type = VALUE_QUANTITY, .units = UNITS_SHARE, .maximum = 1000000000},
     .default_text = "0 %",
     .meaning = "each wait is longer by a random part of it, at most this much"},
    {.key = "lifetime",
     .offset = offsetof(ScenarioRetry, lifetime_ns),
     .value =
         {.type = VALUE_QUANTITY, .units = UNITS_DURATION, .minimum = 1, .maximum = RETRY_TIME_MAX},
     .when_absent = "as `like` says; with `intervals` 5 d",
     .meaning = "a message that is older when an attempt fails is given up, and its sender told"},
    {.key = "warn_after",
     .offset = offsetof(ScenarioRetry, warn_after_ns),
     .value =
         {.type = VALUE_QUANTITY, .units = UNITS_DURATION, .minimum = 1, .maximum = RETRY_TIME_MAX},
     .when_absent = "as `like` says; with `intervals` never",
     .meaning = "tell the sender of a message that has waited so long, once"},
};

static const MappingSpec retry = {
    .what = "`retry`",
    .size = sizeof(ScenarioRetry),
    .keys = retry_keys,
    .key_count = G_N_ELEMENTS(retry_keys),
};

static const KeySpec connections_keys[] = {
    {.key = "messages",
     .offset = offsetof(ScenarioConnections, messages),
     .value = {.type = VALUE_INTEGER, .minimum = 1, .maximum = CONNECTIONS_MAXIMUM},
     .default_text = "100",
     .meaning =
         "how many messages one connection carries at most, one after the other; with 1 each "
         "message has a connection of its own"},
    {.key = "idle",
     .offset = offsetof(ScenarioConnections, idle_ns),
     .value = {.type = VALUE_QUANTITY, .units = UNITS_DURATION, .maximum = SIM_DAY},
     .default_text = "0 s",
     .meaning = "how long a connection with nothing to send waits for another message before QUIT"},
    {.key = "per_destination",
     .offset = offsetof(ScenarioConnections, per_destination),
     .value = {.type = VALUE_INTEGER, .minimum = 1, .maximum = CONNECTIONS_MAXIMUM},
     .default_text = "20",
     .meaning = "connections at once to one domain; what is due beyond that waits for one of them"},
    {.key = "total",
     .offset = offsetof(ScenarioConnections, total),
     .value = {.type = VALUE_INTEGER, .minimum = 1, .maximum = CONNECTIONS_MAXIMUM},
     .default_text = "100",
     .meaning = "connections at once in all"},
    {.key = "active_limit",
     .offset = offsetof(ScenarioConnections, active_limit),
     .value = {.type = VALUE_INTEGER, .minimum = 1, .maximum = CONNECTIONS_MAXIMUM},
     .default_text = "20000",
     .meaning = "messages at once that are attempted or wait for a connection; what is due beyond "
                "that stays in the incoming or the deferred queue until one of them is through"},
};

static const MappingSpec connections = {
    .what = "`connections`",
    .size = sizeof(ScenarioConnections),
    .keys = connections_keys,
    .key_count = G_N_ELEMENTS(connections_keys),
};

static const char *const plus_choices[] = {
    [PLUS_CHOICE_ACCEPT] = "accept", [PLUS_CHOICE_REFUSE] = "refuse", NULL};

static const ValueSpec a_domain = {.type = VALUE_DOMAIN};

static const char *const extensions[] = {
    [SERVER_EXTENSION_PIPELINING] = "PIPELINING",
    [SERVER_EXTENSION_SIZE] = "SIZE",
    [SERVER_EXTENSION_8BITMIME] = "8BITMIME",
    [SERVER_EXTENSION_ENHANCEDSTATUSCODES] = "ENHANCEDSTATUSCODES",
    [SERVER_EXTENSION_DSN] = "DSN",
    [SERVER_EXTENSION_SMTPUTF8] = "SMTPUTF8",
    [SERVER_EXTENSION_CHUNKING] = "CHUNKING",
    [SERVER_EXTENSION_STARTTLS] = "STARTTLS",
    [SERVER_EXTENSION_EXPN] = "EXPN",
    [SERVER_EXTENSION_HELP] = "HELP",
    NULL,
};

static const ValueSpec an_extension = {.type = VALUE_CHOICE, .choices = extensions};

static const char *const verify_choices[] = {
    [VERIFY_CHOICE_EVASIVE] = "evasive", [VERIFY_CHOICE_TELL] = "tell", NULL};
static const char *const newline_choices[] = {[NEWLINE_CHOICE_REFUSE] = "refuse",
                                              [NEWLINE_CHOICE_ACCEPT] = "accept",
                                              [NEWLINE_CHOICE_KEEP] = "keep",
                                              NULL};
static const char *const double_bounce_choices[] = {
    [DOUBLE_BOUNCE_DISCARD] = "discard", [DOUBLE_BOUNCE_POSTMASTER] = "postmaster", NULL};
static const char *const auth_choices[] = {
    [AUTH_CHOICE_ALWAYS] = "always", [AUTH_CHOICE_AFTER_STARTTLS] = "after_starttls", NULL};

static const char *const final_reply_choices[] = {[FINAL_REPLY_CHOICE_AFTER_SYNC] = "after_sync",
                                                  [FINAL_REPLY_CHOICE_BEFORE_SYNC] = "before_sync",
                                                  NULL};

static const KeySpec smtp_keys[] = {
    {.key = "size_limit",
     .offset = offsetof(ScenarioSmtp, size_limit),
     .value = {.type = VALUE_QUANTITY, .units = UNITS_SIZE, .minimum = 1, .maximum = SIZE_MAXIMUM},
     .default_text = "10240 kB",
     .meaning = "the largest message that it takes; with SIZE it says so beforehand"},
    {.key = "recipient_limit",
     .offset = offsetof(ScenarioSmtp, recipient_limit),
     .value = {.type = VALUE_INTEGER, .minimum = 1, .maximum = ENVELOPE_RECIPIENTS_MAX},
     .default_text = "100",
     .meaning = "recipients of one message; more get 452. RFC 5321 wants 100 at least"},
    {.key = "error_limit",
     .offset = offsetof(ScenarioSmtp, error_limit),
     .value = {.type = VALUE_INTEGER, .minimum = 1, .maximum = 1000000},
     .default_text = "20",
     .meaning = "replies of 5yz in one session; then 421"},
    {.key = "hop_limit",
     .offset = offsetof(ScenarioSmtp, hop_limit),
     .value = {.type = VALUE_INTEGER, .minimum = 1, .maximum = 10000},
     .default_text = "100",
     .meaning = "a message with so many Received lines goes in circles, and is refused by 554 "
                "(RFC 5321 §6.3)"},
    {.key = "verify",
     .offset = offsetof(ScenarioSmtp, verify),
     .value = {.type = VALUE_CHOICE, .choices = verify_choices},
     .default_text = "evasive",
     .meaning = "how it answers VRFY and EXPN: always by 252, or as it is: 250 with the mailbox or "
                "the members, 251 with the address that a user's mail goes to, 550"},
    {.key = "bare_newlines",
     .offset = offsetof(ScenarioSmtp, bare_newlines),
     .value = {.type = VALUE_CHOICE, .choices = newline_choices},
     .default_text = "refuse",
     .meaning =
         "a line feed without carriage return in what it receives: `refuse` it; `accept` it for a "
         "line end, which makes the server vulnerable to SMTP smuggling (CVE-2023-51764); or "
         "`keep` it in the text and send it on as it is: the server that a smuggler sends through"},
    {.key = "auth",
     .offset = offsetof(ScenarioSmtp, auth),
     .value = {.type = VALUE_CHOICE, .choices = auth_choices},
     .default_text = "always",
     .meaning =
         "when it offers AUTH to agents; `after_starttls` needs STARTTLS among `extensions`"},
    {.key = "final_reply",
     .offset = offsetof(ScenarioSmtp, final_reply),
     .value = {.type = VALUE_CHOICE, .choices = final_reply_choices},
     .default_text = "after_sync",
     .meaning = "when it says 250 to a message: once that is on the disk for good, as RFC 5321 "
                "wants it; or `before_sync`, which is faster and loses mail with its power"},
};

static const MappingSpec smtp = {
    .what = "`smtp`",
    .size = sizeof(ScenarioSmtp),
    .keys = smtp_keys,
    .key_count = G_N_ELEMENTS(smtp_keys),
};

static const ValueSpec a_relay_client = {.type = VALUE_NODE};

static const KeySpec server_keys[] = {
    {.key = "router",
     .offset = offsetof(ScenarioServer, router),
     .value = {.type = VALUE_ROUTER},
     .when_absent = "the first router",
     .meaning = "the router that its link leads to"},
    {.key = "link",
     .offset = offsetof(ScenarioServer, link),
     .value = {.type = VALUE_MAP, .mapping = &format_access_link},
     .meaning = "the link to the router"},
    {.key = "tcp",
     .offset = offsetof(ScenarioServer, tcp),
     .value = {.type = VALUE_MAP, .mapping = &format_machine_tcp},
     .meaning = "how TCP behaves on this machine, where that differs from `network.tcp`"},
    {.key = "domains",
     .offset = offsetof(ScenarioServer, domains),
     .value = {.type = VALUE_LIST, .element = &a_domain},
     .is_required = true,
     .meaning = "the mail domains whose mailboxes it keeps"},
    {.key = "backup_for",
     .offset = offsetof(ScenarioServer, backup_for),
     .value = {.type = VALUE_LIST, .element = &a_domain},
     .default_text = "[]",
     .meaning = "domains of other servers for which it is a backup MX: it takes their mail from "
                "anybody and passes it on when their server is back. It gets an MX record of "
                "preference 20"},
    {.key = "users",
     .offset = offsetof(ScenarioServer, users),
     .value = {.type = VALUE_NAMED, .mapping = &format_user},
     .when_absent = "none",
     .meaning = "who has a mailbox there: `{alice: {}, bob: {}}`"},
    {.key = "extensions",
     .offset = offsetof(ScenarioServer, extensions),
     .value = {.type = VALUE_LIST, .element = &an_extension},
     .default_text = "[PIPELINING, SIZE, 8BITMIME, ENHANCEDSTATUSCODES, DSN, SMTPUTF8, EXPN, HELP]",
     .meaning = "the SMTP service extensions that it offers; `[]` for none. CHUNKING and STARTTLS "
                "(simulated: captures show records) only where they are named; AUTH is for agents, "
                "see `smtp`"},
    {.key = "smtp",
     .offset = offsetof(ScenarioServer, smtp),
     .value = {.type = VALUE_MAP, .mapping = &smtp},
     .meaning = "what it takes and tells as an SMTP server"},
    {.key = "timeouts",
     .offset = offsetof(ScenarioServer, timeouts),
     .value = {.type = VALUE_MAP, .mapping = &format_timeouts},
     .meaning = "how long it waits for other servers, and for clients"},
    {.key = "disk",
     .offset = offsetof(ScenarioServer, disk),
     .value = {.type = VALUE_MAP, .mapping = &format_disk},
     .meaning = "the disk with its message queue and mailboxes"},
    {.key = "retry",
     .offset = offsetof(ScenarioServer, retry),
     .value = {.type = VALUE_MAP, .mapping = &retry},
     .meaning = "when it tries again to pass on a message, and when it gives up"},
    {.key = "connections",
     .offset = offsetof(ScenarioServer, connections),
     .value = {.type = VALUE_MAP, .mapping = &connections},
     .meaning = "its connections to other servers: how many, and how many messages each carries"},
    {.key = "relay_for",
     .offset = offsetof(ScenarioServer, relay_for),
     .value = {.type = VALUE_LIST, .element = &a_relay_client},
     .when_absent = "nobody",
     .meaning = "who may send to any domain without logging in: machines, or routers for all "
                "machines joined to them (programs outside, in `mailsim live`, are joined to the "
                "first router)"},
    {.key = "double_bounces",
     .offset = offsetof(ScenarioServer, double_bounces),
     .value = {.type = VALUE_CHOICE, .choices = double_bounce_choices},
     .default_text = "discard",
     .meaning =
         "what becomes of a notification that cannot be delivered, since none may answer it: "
         "it is discarded, or its postmaster is told first, by a notice that is the last"},
    {.key = "catch_all",
     .offset = offsetof(ScenarioServer, catch_all),
     .value = {.type = VALUE_USER_NAME},
     .when_absent = "mail for unknown users is refused",
     .meaning = "the user who gets the mail for all unknown users of its domains"},
    {.key = "aliases",
     .offset = offsetof(ScenarioServer, aliases),
     .value = {.type = VALUE_NAMED, .mapping = &format_alias},
     .when_absent = "none",
     .meaning = "addresses that stand for others: `{info: {to: [alice@naver.example]}}`. The "
                "envelope's sender stays as it is (RFC 5321 §3.9.1)"},
    {.key = "lists",
     .offset = offsetof(ScenarioServer, lists),
     .value = {.type = VALUE_NAMED, .mapping = &format_list},
     .when_absent = "none",
     .meaning = "mailing lists: what is sent to one goes to its members, and what cannot be "
                "delivered to a member comes back to its owner (RFC 5321 §3.9.2)"},
    {.key = "plus_addresses",
     .offset = offsetof(ScenarioServer, plus_addresses),
     .value = {.type = VALUE_CHOICE, .choices = plus_choices},
     .default_text = "accept",
     .meaning = "whether `bob+news` is an address of `bob` (RFC 5233)"},
    {.key = "policy",
     .offset = offsetof(ScenarioServer, policy),
     .value = {.type = VALUE_MAP, .mapping = &format_policy},
     .meaning = "who may send what to whom: its rules, each with the reply that it gives"},
};

static const MappingSpec a_server = {
    .what = "a server",
    .size = sizeof(ScenarioServer),
    .keys = server_keys,
    .key_count = G_N_ELEMENTS(server_keys),
    .name_type = VALUE_HOST_NAME,
    .name_offset = offsetof(ScenarioServer, name),
    .name_meaning = "the server's host name",
};

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

/* --- mails --- */

static const char *const notifications[] = {
    [MAIL_NOTIFY_NEVER] = "never",
    [MAIL_NOTIFY_SUCCESS] = "success",
    [MAIL_NOTIFY_FAILURE] = "failure",
    [MAIL_NOTIFY_DELAY] = "delay",
    NULL,
};
static const char *const returns[] = {
    [MAIL_RETURN_HEADERS] = "headers", [MAIL_RETURN_FULL] = "full", NULL};
static const ValueSpec a_notification = {.type = VALUE_CHOICE, .choices = notifications};
static const ValueSpec an_address = {.type = VALUE_ADDRESS};

static const KeySpec field_keys[] = {
    {.key = "name",
     .offset = offsetof(ScenarioField, name),
     .value = {.type = VALUE_TEXT},
     .is_required = true,
     .meaning = "its name, such as `From` or `X-Mailer`"},
    {.key = "value",
     .offset = offsetof(ScenarioField, value),
     .value = {.type = VALUE_TEXT},
     .is_required = true,
     .meaning = "what it says, best in quotes"},
};

static const MappingSpec a_field = {
    .what = "a header field",
    .size = sizeof(ScenarioField),
    .keys = field_keys,
    .key_count = G_N_ELEMENTS(field_keys),
};

static const KeySpec original_keys[] = {
    {.key = "to",
     .offset = offsetof(ScenarioOriginal, to),
     .value = {.type = VALUE_ADDRESS},
     .is_required = true,
     .meaning = "one of the mail's recipients"},
    {.key = "original",
     .offset = offsetof(ScenarioOriginal, original),
     .value = {.type = VALUE_TEXT},
     .is_required = true,
     .meaning = "a type, `;` and the address, such as `rfc822;bob@old.example`"},
};

static const MappingSpec an_original = {
    .what = "an original recipient",
    .size = sizeof(ScenarioOriginal),
    .keys = original_keys,
    .key_count = G_N_ELEMENTS(original_keys),
};

static const KeySpec attachment_keys[] = {
    {.key = "name",
     .offset = offsetof(ScenarioAttachment, name),
     .value = {.type = VALUE_TEXT},
     .is_required = true,
     .meaning = "the file's name, in any script"},
    {.key = "size",
     .offset = offsetof(ScenarioAttachment, size_bytes),
     .value = {.type = VALUE_QUANTITY, .units = UNITS_SIZE, .minimum = 1, .maximum = SIZE_MAXIMUM},
     .is_required = true,
     .meaning = "the file's size; its octets follow from name and size"},
};

static const MappingSpec an_attachment = {
    .what = "an attachment",
    .size = sizeof(ScenarioAttachment),
    .keys = attachment_keys,
    .key_count = G_N_ELEMENTS(attachment_keys),
};

static const ValueSpec original_value = {.type = VALUE_MAP, .mapping = &an_original};
static const ValueSpec field_value = {.type = VALUE_MAP, .mapping = &a_field};
static const ValueSpec attachment_value = {.type = VALUE_MAP, .mapping = &an_attachment};

static const KeySpec mail_keys[] = {
    {.key = "from",
     .offset = offsetof(ScenarioMail, from),
     .value = {.type = VALUE_PERSON},
     .is_required = true,
     .meaning = "the person who writes it"},
    {.key = "sender",
     .offset = offsetof(ScenarioMail, sender),
     .value = {.type = VALUE_ADDRESS},
     .when_absent = "the person's address",
     .meaning = "the envelope's sender (MAIL FROM), to forge one: whoever has it gets the bounce. "
                "What the letterhead says `header` can forge"},
    {.key = "to",
     .offset = offsetof(ScenarioMail, to),
     .value = {.type = VALUE_LIST, .element = &an_address, .most = ENVELOPE_RECIPIENTS_MAX},
     .when_absent = "nobody",
     .meaning = "the addresses it is for. An unknown user of a known domain is allowed"},
    {.key = "cc",
     .offset = offsetof(ScenarioMail, cc),
     .value = {.type = VALUE_LIST, .element = &an_address, .most = ENVELOPE_RECIPIENTS_MAX},
     .when_absent = "nobody",
     .meaning = "those who get a copy, seen by all"},
    {.key = "bcc",
     .offset = offsetof(ScenarioMail, bcc),
     .value = {.type = VALUE_LIST, .element = &an_address, .most = ENVELOPE_RECIPIENTS_MAX},
     .when_absent = "nobody",
     .meaning = "those who get a copy, seen by nobody"},
    {.key = "subject",
     .offset = offsetof(ScenarioMail, subject),
     .value = {.type = VALUE_TEXT},
     .default_text = "",
     .meaning = "its subject, best in quotes"},
    {.key = "body",
     .offset = offsetof(ScenarioMail, body),
     .value = {.type = VALUE_TEXT},
     .default_text = "",
     .meaning = "its text, best as a block after `|`"},
    {.key = "raw",
     .offset = offsetof(ScenarioMail, raw),
     .value = {.type = VALUE_TEXT},
     .when_absent = "nothing",
     .meaning = "a text behind the text whose line feeds the agent sends bare, without carriage "
                "returns, and whose lines it does not encode: for mail that breaks the rules"},
    {.key = "size",
     .offset = offsetof(ScenarioMail, size_bytes),
     .value = {.type = VALUE_QUANTITY, .units = UNITS_SIZE, .minimum = 1, .maximum = SIZE_MAXIMUM},
     .when_absent = "as it is",
     .meaning = "the message, header and all, has this size as the agent sends it: its text is "
                "filled up"},
    {.key = "notify",
     .offset = offsetof(ScenarioMail, notify),
     .value = {.type = VALUE_LIST, .element = &a_notification},
     .default_text = "[]",
     .meaning =
         "of what the sender wants to be told (NOTIFY, RFC 3461); with `[]` nothing is asked "
         "for, and servers tell of failure and delay. `[never]` stands alone"},
    {.key = "return",
     .offset = offsetof(ScenarioMail, return_content),
     .value = {.type = VALUE_CHOICE, .choices = returns},
     .when_absent = "the server's choice: the headers",
     .meaning = "how much of the mail a bounce returns (RET, RFC 3461)"},
    {.key = "envid",
     .offset = offsetof(ScenarioMail, envid),
     .value = {.type = VALUE_TEXT},
     .when_absent = "none",
     .meaning = "a mark of the sender's, which notifications give back (ENVID, RFC 3461)"},
    {.key = "orcpt",
     .offset = offsetof(ScenarioMail, orcpt),
     .value = {.type = VALUE_LIST, .element = &original_value, .most = ENVELOPE_RECIPIENTS_MAX},
     .when_absent = "none",
     .meaning = "whom a recipient was at first, which notifications give back (ORCPT, RFC 3461)"},
    {.key = "header",
     .offset = offsetof(ScenarioMail, header),
     .value = {.type = VALUE_LIST, .element = &field_value, .most = 100},
     .when_absent = "as the agent writes it",
     .meaning = "header fields; one by the name of the agent's own, such as `From`, stands in its "
                "place: forged. The envelope stays what it is"},
    {.key = "attach",
     .offset = offsetof(ScenarioMail, attach),
     .value = {.type = VALUE_LIST, .element = &attachment_value, .most = 100},
     .when_absent = "nothing",
     .meaning = "files that go with it, in base64"},
};

static const MappingSpec a_mail = {
    .what = "a mail",
    .size = sizeof(ScenarioMail),
    .keys = mail_keys,
    .key_count = G_N_ELEMENTS(mail_keys),
    .name_type = VALUE_NAME,
    .name_offset = offsetof(ScenarioMail, name),
    .name_meaning = "the name by which the scenario and the trace call it",
};

/* --- traffic --- */

static const char *const arrivals[] = {
    [ARRIVAL_POISSON] = "poisson", [ARRIVAL_FIXED] = "fixed", [ARRIVAL_BURST] = "burst", NULL};
static const char *const sizes[] = {
    [SIZES_FIXED] = "fixed", [SIZES_EXPONENTIAL] = "exponential", NULL};
static const ValueSpec a_writer = {.type = VALUE_PERSON};

static const KeySpec traffic_keys[] = {
    {.key = "from",
     .offset = offsetof(ScenarioTraffic, from),
     .value = {.type = VALUE_LIST, .element = &a_writer, .least = 1},
     .is_required = true,
     .meaning = "the persons who write, each as likely as the others"},
    {.key = "sender",
     .offset = offsetof(ScenarioTraffic, sender),
     .value = {.type = VALUE_ADDRESS},
     .when_absent = "the person's address",
     .meaning = "the sender that their envelopes name"},
    {.key = "to",
     .offset = offsetof(ScenarioTraffic, to),
     .value = {.type = VALUE_LIST, .element = &an_address, .least = 1},
     .is_required = true,
     .meaning = "the addresses they write to, each as likely as the others; a mail is for one"},
    {.key = "start",
     .offset = offsetof(ScenarioTraffic, start_ns),
     .value = {.type = VALUE_QUANTITY, .units = UNITS_DURATION, .maximum = SCENARIO_TIME_MAXIMUM},
     .default_text = "0 s",
     .meaning = "when it begins"},
    {.key = "arrivals",
     .offset = offsetof(ScenarioTraffic, arrivals),
     .value = {.type = VALUE_CHOICE, .choices = arrivals},
     .default_text = "poisson",
     .meaning = "`poisson`: the times between are random, with `every` as their mean; `fixed`: one "
                "mail after each `every`; `burst`: all at once"},
    {.key = "every",
     .offset = offsetof(ScenarioTraffic, every_ns),
     .value =
         {.type = VALUE_QUANTITY, .units = UNITS_DURATION, .minimum = 1, .maximum = 30 * SIM_DAY},
     .default_text = "1 s",
     .meaning = "from one mail to the next, or the mean of it; not used by `burst`"},
    {.key = "count",
     .offset = offsetof(ScenarioTraffic, count),
     .value = {.type = VALUE_INTEGER, .minimum = 1, .maximum = TRAFFIC_MAXIMUM},
     .is_required = true,
     .meaning = "how many mails in all"},
    {.key = "size",
     .offset = offsetof(ScenarioTraffic, size_bytes),
     .value = {.type = VALUE_QUANTITY, .units = UNITS_SIZE, .minimum = 1, .maximum = SIZE_MAXIMUM},
     .default_text = "1 kB",
     .meaning = "of a mail, header and all, or the mean of it; none is smaller than its header"},
    {.key = "sizes",
     .offset = offsetof(ScenarioTraffic, sizes),
     .value = {.type = VALUE_CHOICE, .choices = sizes},
     .default_text = "fixed",
     .meaning = "`fixed`: all the same; `exponential`: many small ones and a few large, at most 64 "
                "MiB"},
};

static const MappingSpec a_traffic = {
    .what = "an entry of `traffic`",
    .size = sizeof(ScenarioTraffic),
    .keys = traffic_keys,
    .key_count = G_N_ELEMENTS(traffic_keys),
    .name_type = VALUE_NAME,
    .name_offset = offsetof(ScenarioTraffic, name),
    .name_meaning = "its name, and that of its first mail; the others are NAME.2, NAME.3, …",
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
     .value = {.type = VALUE_NAMED, .mapping = &a_server, .least = 1},
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
     .value = {.type = VALUE_NAMED, .mapping = &a_mail},
     .when_absent = "none",
     .meaning = "the mails that the timeline sends, by name"},
    {.key = "traffic",
     .offset = offsetof(Scenario, traffic),
     .value = {.type = VALUE_NAMED, .mapping = &a_traffic},
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
