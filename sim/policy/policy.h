/* Who may send what to whom: the rules of a mail server, asked at each step of an SMTP dialogue.
 *
 *     connection   -> the client's name (PTR), ranges of addresses, block lists
 *     EHLO         -> the name that the client gives itself
 *     MAIL         -> has it logged in, where that is needed; how much it sends, and SPF: may it
 * send for that domain RCPT         -> what the steps before have found, relaying, the quota,
 * greylisting
 *
 * An engine that knows no resolver and no clock: it asks one question of the DNS at a time, is told
 * the outcome, and ends each step with a verdict. What it remembers from one connection to the next
 * (greylisting, rates) is in its memory. Who has logged in, or whose machine the server serves, is
 * trusted: for it only relaying, rates and quotas are looked at.
 *
 * What a rule finds out about the client before RCPT is held back until there is a recipient, as
 * Postfix does (smtpd_delay_reject), unless refuses_at_once: then a user can log in from anywhere,
 * the trace knows whose mail it was, and postmaster can be reached (RFC 5321 §4.5.1). Logging in
 * and rates are looked at at MAIL all the same. Greylisting spares postmaster too.
 *
 * Source: RFC 5321 §3.6.1, §4.1.4, §7.8, §7.9; RFC 3463, RFC 7372 (codes); RFC 7208 (SPF); RFC 5782
 * (block lists); RFC 6647 (greylisting). */
#pragma once

#include "core/ipv4.h"
#include "core/simtime.h"
#include "proto/dns_answer.h"
#include "proto/smtp_reply.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef enum PolicyRule {
    POLICY_RULE_NONE,
    POLICY_RULE_RELAY,
    POLICY_RULE_LOGIN,
    POLICY_RULE_ADDRESSES,
    POLICY_RULE_REVERSE_NAME,
    POLICY_RULE_BLOCKLISTS,
    POLICY_RULE_HELO,
    POLICY_RULE_RATE,
    POLICY_RULE_SPF,
    POLICY_RULE_RECIPIENTS,
    POLICY_RULE_SIZE, /* decided by the SMTP engine (RFC 1870), which knows no rules */
    POLICY_RULE_QUOTA,
    POLICY_RULE_GREYLIST,
    POLICY_RULES,
} PolicyRule;

/* `relay`, `greylist`, …: as the scenario calls it; NULL for none. */
const char *policy_rule_name(PolicyRule rule);

/* Reads "550 5.7.1 Relaying denied": a code that refuses, an enhanced code of the same class, and a
 * text of printable ASCII on one line, which stays the caller's. False, with what would be right in
 * `*fault`, when it is no such reply. */
bool policy_reply_parse(const char *text, SmtpReply *reply, const char **fault);

/* What the rules say, unless the options have a reply of their own. */
#define POLICY_REPLY_RELAY        "550 5.7.1 Relaying denied"
#define POLICY_REPLY_LOGIN        "530 5.7.0 Authentication required"
#define POLICY_REPLY_ADDRESSES    "550 5.7.1 No mail from this address range; use your own mail server"
#define POLICY_REPLY_REVERSE_NAME "550 5.7.25 Client has no proper reverse name"
#define POLICY_REPLY_BLOCKLISTS   "554 5.7.1 Client is on a block list"
#define POLICY_REPLY_HELO         "550 5.7.1 EHLO with a name that is not yours"
#define POLICY_REPLY_RATE         "450 4.7.1 Too much mail, try again later"
#define POLICY_REPLY_SPF          "550 5.7.23 This host may not send for that domain"
#define POLICY_REPLY_RECIPIENTS   "452 4.5.3 Too many recipients"
#define POLICY_REPLY_SIZE         "552 5.3.4 Message size exceeds fixed maximum message size"
#define POLICY_REPLY_QUOTA        "452 4.2.2 Mailbox full"
#define POLICY_REPLY_GREYLIST     "450 4.7.1 Greylisted, try again later"

/* Addresses whose bits under `mask` are those of `address`. */
typedef struct PolicyRange {
    Ipv4Address address, mask;
} PolicyRange;

/* What the look-up of the client's address must give. */
typedef enum PolicyNameNeed {
    POLICY_NAME_ANY,      /* nothing */
    POLICY_NAME_EXISTS,   /* a name */
    POLICY_NAME_CONFIRMS, /* a name that leads back to the address */
} PolicyNameNeed;

/* What the name in EHLO must be. RFC 5321 §4.1.4 forbids to refuse mail for a name that does not
 * fit the address; many servers do. */
typedef enum PolicyHeloNeed {
    POLICY_HELO_ANY,
    POLICY_HELO_FULL,  /* a name with a dot, or an address literal: §4.1.1.1 */
    POLICY_HELO_KNOWN, /* moreover it has an address or an MX */
    POLICY_HELO_OWN,   /* moreover the address is the client's */
} PolicyHeloNeed;

/* What is done about SPF (RFC 7208), when it is checked. */
typedef enum PolicySpf {
    POLICY_SPF_UNCHECKED,
    POLICY_SPF_MARKS,   /* a Received-SPF field says what came out */
    POLICY_SPF_REFUSES, /* moreover a fail is refused, and a temperror put off */
    POLICY_SPF_STRICT,  /* softfail and permerror are refused too */
} PolicySpf;

/* How much mail may come, as numbers of MAIL commands; 0: any. */
typedef struct PolicyRate {
    uint32_t per_client, per_sender;
    SimTime within_ns; /* the length of time in which they are counted */
    const char *reply;
} PolicyRate;

typedef struct PolicyGreylist {
    SimTime delay_ns;        /* from the first attempt to one that passes; 0: no greylisting */
    SimTime retry_within_ns; /* when a first attempt is forgotten */
    SimTime pass_for_ns;     /* how long one that has passed passes again, from its last use */
    unsigned prefix;         /* bits of the client's address that count: 1 to 32 */
    const char *reply;
} PolicyGreylist;

/* Everything is copied. Replies are as policy_reply_parse reads them; NULL: that above. */
typedef struct PolicyOptions {
    bool relays_for_anybody; /* an open relay */
    const char *relay_reply; /* to others than its own, where it is none */
    bool login_is_optional;  /* on the submission port; else who sends there logs in (RFC 6409) */
    const char *login_reply;
    bool refuses_at_once; /* at connection, EHLO, and for SPF at MAIL; else not before RCPT */
    const PolicyRange *refused_ranges;
    size_t refused_range_count;
    const char *ranges_reply;
    PolicyNameNeed reverse_name;
    const char *reverse_name_reply;
    PolicyHeloNeed helo;
    const char *helo_reply;
    const char *const *blocklists; /* zones of DNS block lists */
    size_t blocklist_count;
    const char *blocklists_reply; /* the list's own text is added */
    PolicyRate rate;
    PolicySpf spf;
    const char *spf_reply;
    uint32_t recipient_limit;     /* of one message (RFC 5321 §4.5.3.1.10); 0: any number */
    const char *recipients_reply; /* to each beyond */
    const char *size_reply;       /* to mail that is larger than the server takes */
    const char *quota_reply;      /* to mail that would exceed a user's quota */
    PolicyGreylist greylist;
} PolicyOptions;

/* The rules of a server, and what they remember. */
typedef struct Policy Policy;

Policy *policy_new(const PolicyOptions *options);
void policy_free(Policy *policy);
/* The program has ended: what its memory held is gone. No client is left. */
void policy_forget(Policy *policy);

/* To mail of this size (0: unknown) for which a mailbox of this quota has no room; for who finds
 * out later on too. What is larger than all of the quota is refused for good, whatever the reply of
 * the options (RFC 3463: 5.2.3). Borrowed. */
SmtpReply policy_quota_reply(const Policy *policy, uint64_t size, uint64_t quota);

/* To mail that is larger than the server takes, for the engine that finds it out. Borrowed, as long
 * as the policy lives. */
const SmtpReply *policy_size_reply(const Policy *policy);

/* ---- One client: a connection ---- */

typedef struct PolicyClient PolicyClient;

PolicyClient *policy_client_new(Policy *policy, Ipv4Address address);
void policy_client_free(PolicyClient *client);
/* The same in memory of policy_client_size() octets that stays the caller's. */
size_t policy_client_size(void);
void policy_client_init(PolicyClient *client, Policy *policy, Ipv4Address address);
void policy_client_clear(PolicyClient *client);
/* It has come to the submission port (RFC 6409). */
void policy_client_submits(PolicyClient *client);
void policy_client_log_in(PolicyClient *client);
/* Its machine is one that the server serves. */
void policy_client_trust(PolicyClient *client);

typedef enum PolicyDecision {
    POLICY_PASS,
    POLICY_DEFER,  /* 4yz */
    POLICY_REFUSE, /* 5yz */
} PolicyDecision;

/* The outcome of a step; texts are valid until the client's next step. */
typedef struct PolicyVerdict {
    PolicyDecision decision;
    PolicyRule rule; /* that has decided, or has let pass what it watched; NONE: none has a say */
    SmtpReply reply; /* unless it passes */
    const char *reason; /* for people */
    uint64_t because;   /* the record of what came before and decided, or of a fault; or 0 */
} PolicyVerdict;

typedef struct PolicyQuestion {
    uint64_t token;
    const char *name; /* valid until the answer */
    uint16_t type;    /* DNS_TYPE_… */
} PolicyQuestion;

/* The steps of a dialogue; each begins anew. A client may come to any of them again. */
void policy_begin_connect(PolicyClient *client);
/* `name` is the caller's, and stays valid until the client is freed or says another. */
void policy_begin_helo(PolicyClient *client, const char *name);
/* `sender` as an envelope has it; "" is the null path. */
void policy_begin_mail(PolicyClient *client, const char *sender, SimTime now);

typedef struct PolicyRecipient {
    const char *address;  /* as an envelope has it */
    uint32_t place;       /* how many recipients the message has before it */
    bool is_ours;         /* the server is where the mail ends, or a backup for that */
    uint64_t used, quota; /* octets in the mailbox, and how many there may be; quota 0: any */
    uint64_t size;        /* of the message, as the client has said it; 0: it has not */
    uint64_t filled_by;   /* the record of what came into the mailbox last; 0: none is known */
} PolicyRecipient;

/* Rules about recipients ask no question: the verdict is there at once, and `recipient` and what it
 * points to are borrowed for the call. */
void policy_begin_rcpt(PolicyClient *client, const PolicyRecipient *recipient, SimTime now);

/* The open question; false: there is none, and the verdict is there. */
bool policy_peek_question(const PolicyClient *client, PolicyQuestion *question);
/* Answers it. `because`: the record of the fault behind a failure, or 0. */
void policy_answer(PolicyClient *client, uint64_t token, const DnsAnswer *answer, uint64_t because);
/* Only when no question is open. */
const PolicyVerdict *policy_verdict(const PolicyClient *client);
/* Names the verdict in the trace: later verdicts that follow from it have this as `because`. */
void policy_mark(PolicyClient *client, uint64_t mark);

/* The client's message has been taken, or refused by a verdict: later verdicts about how much it
 * sends have this record as `because`. */
void policy_client_mark_message(const PolicyClient *client, uint64_t mark);

/* As policy_begin_mail was told; NULL before that. Borrowed until the next one, or the client's
 * end.
 */
const char *policy_client_sender(const PolicyClient *client);

/* The Received-SPF field of the transaction, folded, with its CRLF; NULL: SPF was not checked.
 * Borrowed. */
const char *policy_client_spf_field(const PolicyClient *client);

/* What the reverse look-up has given, for the Received field; NULL: nothing. Borrowed. */
const char *policy_client_name(const PolicyClient *client);
