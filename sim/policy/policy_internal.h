/* What the files of the policy share. */
#pragma once

#include "policy/greylist.h"
#include "policy/policy.h"
#include "policy/rate_limit.h"
#include "policy/spf.h"

#include <glib.h>

/* A reply of the options, kept. */
typedef struct KeptReply {
    char *text; /* which `reply` points into */
    SmtpReply reply;
} KeptReply;

struct Policy {
    PolicyOptions options; /* without its texts, which are kept below */
    KeptReply replies[POLICY_RULES];
    PolicyRange *ranges;
    GStrv blocklists;
    RateLimit *clients, *senders; /* NULL: none */
    Greylist *greylist;           /* NULL: none */
    uint64_t last_token;
};

typedef enum RuleOutcome {
    RULE_PASSES,
    RULE_ASKS,    /* policy_ask has been called */
    RULE_DECIDES, /* policy_decide has been called */
} RuleOutcome;

typedef struct Rule {
    RuleOutcome (*judge)(PolicyClient *client);
    /* The answer to its question; NULL: it asks none. */
    RuleOutcome (*take_answer)(PolicyClient *client, const DnsAnswer *answer);
    bool is_held_back; /* a refusal waits for a recipient */
} Rule;

/* What each step looks at comes first, then what is owned and mostly not there. */
struct PolicyClient {
    Policy *policy;
    const Rule *rules; /* of the step under way, ended by one without functions */
    uint32_t rule;     /* the present one */
    Ipv4Address address;
    bool is_trusted, needs_login;
    char *name;       /* by PTR, or NULL */
    const char *helo; /* or NULL; the caller's */
    char *sender;     /* of the transaction, or NULL */
    char *question_name;

    char *reply_text, *reason; /* of the verdict, where they had to be made */
    char *held_text, *held_reason;
    Spf *spf;        /* of the transaction, or NULL */
    char *spf_field; /* likewise */
    uint64_t answer_because;
    SimTime now; /* of the step under way */

    PolicyVerdict verdict;
    PolicyQuestion question; /* token 0: none is open */
    size_t list;             /* the block list asked */
    PolicyVerdict held;      /* rule NONE: nothing is held back */
    PolicyRecipient recipient;
};

/* ---- policy.c ---- */

/* For rules: asks, and returns RULE_ASKS. */
RuleOutcome policy_ask(PolicyClient *client, const char *name, uint16_t type);
/* For rules: refuses or defers by the rule's reply, and returns RULE_DECIDES. Takes `reason`. */
RuleOutcome policy_decide(PolicyClient *client, PolicyRule rule, char *reason);
/* The same with a reply of its own, whose text stays valid or is the client's reply_text. */
RuleOutcome policy_decide_by(PolicyClient *client, PolicyRule rule, const SmtpReply *reply,
                             char *reason);
/* For rules that could not look something up: the rule's reply as a temporary one. */
RuleOutcome policy_decide_later(PolicyClient *client, PolicyRule rule, char *reason);
/* For rules: lets pass, and says so; returns RULE_PASSES. Takes `reason`. */
RuleOutcome policy_remark(PolicyClient *client, PolicyRule rule, char *reason);

/* RFC 5321 §4.5.1: mail to postmaster is taken whatever the client is. */
bool policy_is_to_postmaster(const PolicyClient *client);

/* ---- The rules ---- */

RuleOutcome rule_name_judge(PolicyClient *client);
RuleOutcome rule_name_take(PolicyClient *client, const DnsAnswer *answer);
RuleOutcome rule_ranges_judge(PolicyClient *client);
RuleOutcome rule_blocklists_judge(PolicyClient *client);
RuleOutcome rule_blocklists_take(PolicyClient *client, const DnsAnswer *answer);
RuleOutcome rule_helo_judge(PolicyClient *client);
RuleOutcome rule_helo_take(PolicyClient *client, const DnsAnswer *answer);
RuleOutcome rule_login_judge(PolicyClient *client);
RuleOutcome rule_rate_judge(PolicyClient *client);
RuleOutcome rule_spf_judge(PolicyClient *client);
RuleOutcome rule_spf_take(PolicyClient *client, const DnsAnswer *answer);
RuleOutcome rule_recipients_judge(PolicyClient *client);
RuleOutcome rule_relay_judge(PolicyClient *client);
RuleOutcome rule_quota_judge(PolicyClient *client);
RuleOutcome rule_greylist_judge(PolicyClient *client);
