/* The key `policy` of a server: who may send what to whom. See format.h, and policy/policy.h for
 * what the rules do. */
#include "policy/policy.h"
#include "scenario/format.h"

#define MEMORY_MAXIMUM (365 * SIM_DAY)
#define RATE_MAXIMUM   1000000

static const char *const relay_choices[] = {
    [RELAY_CHOICE_OWN] = "own", [RELAY_CHOICE_ANYBODY] = "anybody", NULL};

static const char *const refuse_at_choices[] = {
    [REFUSE_AT_RECIPIENT] = "recipient", [REFUSE_AT_ONCE] = "once", NULL};
static const char *const name_needs[] = {
    [NAME_NEED_NOTHING] = "nothing", [NAME_NEED_NAME] = "name", [NAME_NEED_OWN] = "own_name", NULL};
static const char *const helo_needs[] = {[HELO_NEED_NOTHING] = "nothing",
                                         [HELO_NEED_FULL] = "full_name",
                                         [HELO_NEED_KNOWN] = "known_name",
                                         [HELO_NEED_OWN] = "own_name",
                                         NULL};
static const char *const login_needs[] = {
    [LOGIN_REQUIRED] = "required", [LOGIN_OPTIONAL] = "optional", NULL};
static const ValueSpec a_place = {.type = VALUE_PLACE};
static const ValueSpec a_zone = {.type = VALUE_DNS_NAME};

static const KeySpec login_keys[] = {
    {.key = "need",
     .offset = offsetof(ScenarioLogin, need),
     .value = {.type = VALUE_CHOICE, .choices = login_needs},
     .default_text = "required",
     .meaning = "whether who sends by port 587 must have logged in by AUTH (RFC 6409); where that "
                "is `optional`, others are treated as on port 25"},
    {.key = "reply",
     .offset = offsetof(ScenarioLogin, reply),
     .value = {.type = VALUE_REPLY},
     .default_text = POLICY_REPLY_LOGIN,
     .meaning = "what it says to MAIL of who has not"},
};

static const MappingSpec login = {
    .what = "`login`",
    .size = sizeof(ScenarioLogin),
    .keys = login_keys,
    .key_count = G_N_ELEMENTS(login_keys),
};

static const KeySpec addresses_keys[] = {
    {.key = "refuse",
     .offset = offsetof(ScenarioRefusedAddresses, refuse),
     .value = {.type = VALUE_LIST, .element = &a_place},
     .default_text = "[]",
     .meaning = "from where no mail is taken: ranges of addresses, machines, or routers for all "
                "machines joined to them (a home's router: its public address)"},
    {.key = "reply",
     .offset = offsetof(ScenarioRefusedAddresses, reply),
     .value = {.type = VALUE_REPLY},
     .default_text = POLICY_REPLY_ADDRESSES,
     .meaning = "what it says"},
};

static const MappingSpec addresses = {
    .what = "`addresses`",
    .size = sizeof(ScenarioRefusedAddresses),
    .keys = addresses_keys,
    .key_count = G_N_ELEMENTS(addresses_keys),
};

static const KeySpec reverse_name_keys[] = {
    {.key = "need",
     .offset = offsetof(ScenarioReverseName, need),
     .value = {.type = VALUE_CHOICE, .choices = name_needs},
     .default_text = "nothing",
     .meaning = "what the look-up of the client's address (PTR) must give: `nothing`; a `name`; or "
                "an `own_name`, which leads back to the address. A look-up that fails defers"},
    {.key = "reply",
     .offset = offsetof(ScenarioReverseName, reply),
     .value = {.type = VALUE_REPLY},
     .default_text = POLICY_REPLY_REVERSE_NAME,
     .meaning = "what it says"},
};

static const MappingSpec reverse_name = {
    .what = "`reverse_name`",
    .size = sizeof(ScenarioReverseName),
    .keys = reverse_name_keys,
    .key_count = G_N_ELEMENTS(reverse_name_keys),
};

static const KeySpec blocklists_keys[] = {
    {.key = "zones",
     .offset = offsetof(ScenarioBlocklists, zones),
     .value = {.type = VALUE_LIST, .element = &a_zone, .most = 100},
     .default_text = "[]",
     .meaning = "block lists in the DNS (RFC 5782), asked in this order: who is on one (see "
                "`listed_by` in `dns`) is refused; one that does not answer lists nobody"},
    {.key = "reply",
     .offset = offsetof(ScenarioBlocklists, reply),
     .value = {.type = VALUE_REPLY},
     .default_text = POLICY_REPLY_BLOCKLISTS,
     .meaning = "what it says; the list and its text are added"},
};

static const MappingSpec blocklists = {
    .what = "`blocklists`",
    .size = sizeof(ScenarioBlocklists),
    .keys = blocklists_keys,
    .key_count = G_N_ELEMENTS(blocklists_keys),
};

static const KeySpec helo_keys[] = {
    {.key = "need",
     .offset = offsetof(ScenarioHelo, need),
     .value = {.type = VALUE_CHOICE, .choices = helo_needs},
     .default_text = "nothing",
     .meaning =
         "what a client must call itself in EHLO: anything; a `full_name`, with a dot, or its "
         "address in brackets; a `known_name`, which has an address or an MX; an `own_name`, "
         "which leads to its address. RFC 5321 §4.1.4 does not want mail refused for that"},
    {.key = "reply",
     .offset = offsetof(ScenarioHelo, reply),
     .value = {.type = VALUE_REPLY},
     .default_text = POLICY_REPLY_HELO,
     .meaning = "what it says"},
};

static const MappingSpec helo = {
    .what = "`helo`",
    .size = sizeof(ScenarioHelo),
    .keys = helo_keys,
    .key_count = G_N_ELEMENTS(helo_keys),
};

static const KeySpec rate_keys[] = {
    {.key = "per_client",
     .offset = offsetof(ScenarioRate, per_client),
     .value = {.type = VALUE_INTEGER, .maximum = RATE_MAXIMUM},
     .default_text = "0",
     .meaning = "messages from one address `within` that time; 0: any number"},
    {.key = "per_sender",
     .offset = offsetof(ScenarioRate, per_sender),
     .value = {.type = VALUE_INTEGER, .maximum = RATE_MAXIMUM},
     .default_text = "0",
     .meaning = "messages of one sender (MAIL FROM), users who have logged in included"},
    {.key = "within",
     .offset = offsetof(ScenarioRate, within_ns),
     .value =
         {.type = VALUE_QUANTITY, .units = UNITS_DURATION, .minimum = 1, .maximum = MEMORY_MAXIMUM},
     .default_text = "1 h",
     .meaning = "the length of time in which they are counted, at MAIL FROM; one that this rule "
                "puts off does not count, one that another rule refuses later on does"},
    {.key = "reply",
     .offset = offsetof(ScenarioRate, reply),
     .value = {.type = VALUE_REPLY},
     .default_text = POLICY_REPLY_RATE,
     .meaning = "what it says"},
};

static const MappingSpec rate = {
    .what = "`rate`",
    .size = sizeof(ScenarioRate),
    .keys = rate_keys,
    .key_count = G_N_ELEMENTS(rate_keys),
};

static const KeySpec greylist_keys[] = {
    {.key = "delay",
     .offset = offsetof(ScenarioGreylist, delay_ns),
     .value = {.type = VALUE_QUANTITY, .units = UNITS_DURATION, .maximum = SIM_DAY},
     .default_text = "0 s",
     .meaning = "put off the first mail of a client, a sender and a recipient that were not seen "
                "together before; an attempt after this time passes, and mail to postmaster at "
                "once. `0 s`: no greylisting"},
    {.key = "retry_within",
     .offset = offsetof(ScenarioGreylist, retry_within_ns),
     .value =
         {.type = VALUE_QUANTITY, .units = UNITS_DURATION, .minimum = 1, .maximum = MEMORY_MAXIMUM},
     .default_text = "2 d",
     .meaning = "a first attempt is forgotten after this time"},
    {.key = "pass_for",
     .offset = offsetof(ScenarioGreylist, pass_for_ns),
     .value =
         {.type = VALUE_QUANTITY, .units = UNITS_DURATION, .minimum = 1, .maximum = MEMORY_MAXIMUM},
     .default_text = "36 d",
     .meaning = "what has passed passes at once so long after its last mail"},
    {.key = "prefix",
     .offset = offsetof(ScenarioGreylist, prefix),
     .value = {.type = VALUE_INTEGER, .minimum = 1, .maximum = 32},
     .default_text = "32",
     .meaning = "how many bits of the client's address count; with 24, neighbours are one client"},
    {.key = "reply",
     .offset = offsetof(ScenarioGreylist, reply),
     .value = {.type = VALUE_REPLY},
     .default_text = POLICY_REPLY_GREYLIST,
     .meaning = "what it says"},
};

static const MappingSpec greylist = {
    .what = "`greylist`",
    .size = sizeof(ScenarioGreylist),
    .keys = greylist_keys,
    .key_count = G_N_ELEMENTS(greylist_keys),
};

static const char *const spf_checks[] = {[SPF_CHOICE_UNCHECKED] = "unchecked",
                                         [SPF_CHOICE_MARK] = "mark",
                                         [SPF_CHOICE_REFUSE] = "refuse",
                                         [SPF_CHOICE_STRICT] = "strict",
                                         NULL};

static const KeySpec spf_keys[] = {
    {.key = "check",
     .offset = offsetof(ScenarioSpf, check),
     .value = {.type = VALUE_CHOICE, .choices = spf_checks},
     .default_text = "unchecked",
     .meaning =
         "whether the client may send for the domain of MAIL FROM, by that domain's record "
         "(a `txt` in `dns`, such as `\"v=spf1 mx -all\"`): `mark` adds a Received-SPF field "
         "with the result; `refuse` also refuses fail and defers temperror, but for postmaster; "
         "`strict` refuses softfail and permerror too"},
    {.key = "reply",
     .offset = offsetof(ScenarioSpf, reply),
     .value = {.type = VALUE_REPLY},
     .default_text = POLICY_REPLY_SPF,
     .meaning = "what it says to fail (and softfail)"},
};

static const MappingSpec spf = {
    .what = "`spf`",
    .size = sizeof(ScenarioSpf),
    .keys = spf_keys,
    .key_count = G_N_ELEMENTS(spf_keys),
};

static const KeySpec recipients_keys[] = {
    {.key = "reply",
     .offset = offsetof(ScenarioLimit, reply),
     .value = {.type = VALUE_REPLY},
     .default_text = POLICY_REPLY_RECIPIENTS,
     .meaning =
         "what it says to each recipient beyond `recipient_limit`; 552 counts as for now, as "
         "452 does (RFC 5321 §4.5.3.1.10), 550 is for good"},
};

static const MappingSpec recipients = {
    .what = "`recipients`",
    .size = sizeof(ScenarioLimit),
    .keys = recipients_keys,
    .key_count = G_N_ELEMENTS(recipients_keys),
};

static const KeySpec size_keys[] = {
    {.key = "reply",
     .offset = offsetof(ScenarioLimit, reply),
     .value = {.type = VALUE_REPLY},
     .default_text = POLICY_REPLY_SIZE,
     .meaning = "what it says to a message larger than `size_limit`, at MAIL or at its end (RFC "
                "1870 §6). An agent or server that sees the limit behind EHLO does not send it"},
};

static const MappingSpec size = {
    .what = "`size`",
    .size = sizeof(ScenarioLimit),
    .keys = size_keys,
    .key_count = G_N_ELEMENTS(size_keys),
};

static const KeySpec quota_keys[] = {
    {.key = "reply",
     .offset = offsetof(ScenarioLimit, reply),
     .value = {.type = VALUE_REPLY},
     .default_text = POLICY_REPLY_QUOTA,
     .meaning =
         "what it says to mail that would exceed a user's `quota`; with a code of 500 and "
         "above it is final, as by `552 5.2.2 Mailbox full`. Mail that is larger than all of "
         "the quota is refused for good by 552 5.2.3"},
};

static const MappingSpec quota = {
    .what = "`quota`",
    .size = sizeof(ScenarioLimit),
    .keys = quota_keys,
    .key_count = G_N_ELEMENTS(quota_keys),
};

static const KeySpec policy_keys[] = {
    {.key = "relay",
     .offset = offsetof(ScenarioPolicy, relay),
     .value = {.type = VALUE_CHOICE, .choices = relay_choices},
     .default_text = "own",
     .meaning = "who may send to other servers through it: its `own` users, who log in, and "
                "`relay_for`; or `anybody`, which makes it an open relay"},
    {.key = "relay_reply",
     .offset = offsetof(ScenarioPolicy, relay_reply),
     .value = {.type = VALUE_REPLY},
     .default_text = POLICY_REPLY_RELAY,
     .meaning = "what it says to others"},
    {.key = "refuse_at",
     .offset = offsetof(ScenarioPolicy, refuse_at),
     .value = {.type = VALUE_CHOICE, .choices = refuse_at_choices},
     .default_text = "recipient",
     .meaning =
         "when a client is told what the rules find out about it at connection and EHLO, and SPF "
         "at "
         "MAIL: with its first `recipient`, so that users can log in from anywhere and postmaster "
         "can be reached; or at `once`, where a greeting that refuses is 554 (RFC 5321 §3.1)"},
    {.key = "login",
     .offset = offsetof(ScenarioPolicy, login),
     .value = {.type = VALUE_MAP, .mapping = &login},
     .meaning = "AUTH on the submission port"},
    {.key = "addresses",
     .offset = offsetof(ScenarioPolicy, addresses),
     .value = {.type = VALUE_MAP, .mapping = &addresses},
     .meaning = "clients whose address is refused"},
    {.key = "reverse_name",
     .offset = offsetof(ScenarioPolicy, reverse_name),
     .value = {.type = VALUE_MAP, .mapping = &reverse_name},
     .meaning = "the name of the client's address"},
    {.key = "blocklists",
     .offset = offsetof(ScenarioPolicy, blocklists),
     .value = {.type = VALUE_MAP, .mapping = &blocklists},
     .meaning = "block lists in the DNS"},
    {.key = "helo",
     .offset = offsetof(ScenarioPolicy, helo),
     .value = {.type = VALUE_MAP, .mapping = &helo},
     .meaning = "the name in EHLO"},
    {.key = "rate",
     .offset = offsetof(ScenarioPolicy, rate),
     .value = {.type = VALUE_MAP, .mapping = &rate},
     .meaning = "how much may come"},
    {.key = "spf",
     .offset = offsetof(ScenarioPolicy, spf),
     .value = {.type = VALUE_MAP, .mapping = &spf},
     .meaning = "SPF (RFC 7208)"},
    {.key = "recipients",
     .offset = offsetof(ScenarioPolicy, recipients),
     .value = {.type = VALUE_MAP, .mapping = &recipients},
     .meaning = "messages for too many"},
    {.key = "size",
     .offset = offsetof(ScenarioPolicy, size),
     .value = {.type = VALUE_MAP, .mapping = &size},
     .meaning = "messages that are too large"},
    {.key = "quota",
     .offset = offsetof(ScenarioPolicy, quota),
     .value = {.type = VALUE_MAP, .mapping = &quota},
     .meaning = "mailboxes that are full"},
    {.key = "greylist",
     .offset = offsetof(ScenarioPolicy, greylist),
     .value = {.type = VALUE_MAP, .mapping = &greylist},
     .meaning = "greylisting (RFC 6647)"},
};

const MappingSpec format_policy = {
    .what = "`policy`",
    .size = sizeof(ScenarioPolicy),
    .keys = policy_keys,
    .key_count = G_N_ELEMENTS(policy_keys),
};
