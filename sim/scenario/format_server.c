/* An entry of `servers`. See format.h; some of its keys have files of their own. */
#include "mail/envelope.h"
#include "scenario/format.h"

#define CONNECTIONS_MAXIMUM 100000

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
     .value = {.type = VALUE_QUANTITY,
               .units = UNITS_SIZE,
               .minimum = 1,
               .maximum = FORMAT_SIZE_MAXIMUM},
     .default_text = "10240 kB",
     .meaning =
         "the largest message that it takes; with SIZE it says so beforehand. Larger ones get "
         "the reply of `policy`'s `size`"},
    {.key = "recipient_limit",
     .offset = offsetof(ScenarioSmtp, recipient_limit),
     .value = {.type = VALUE_INTEGER, .minimum = 1, .maximum = ENVELOPE_RECIPIENTS_MAX},
     .default_text = "100",
     .meaning =
         "recipients of one message; more get the reply of `policy`'s `recipients`. RFC 5321 "
         "wants 100 at least"},
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
     .meaning =
         "the SMTP service extensions that it offers; `[]` for none. CHUNKING and STARTTLS "
         "(simulated: captures show records, and `(TLS)` marks what goes within them) only where "
         "they are named; AUTH is for agents, see `smtp`"},
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

const MappingSpec format_server = {
    .what = "a server",
    .size = sizeof(ScenarioServer),
    .keys = server_keys,
    .key_count = G_N_ELEMENTS(server_keys),
    .name_type = VALUE_HOST_NAME,
    .name_offset = offsetof(ScenarioServer, name),
    .name_meaning = "the server's host name",
};
