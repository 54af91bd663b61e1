/* The steps of a dialogue, and the rules that each asks in turn. See policy.h. */
#include "policy/policy_internal.h"

#include "core/check.h"
#include "core/rare.h"

#include <string.h>

static const char *const RULE_NAMES[POLICY_RULES] = {
    [POLICY_RULE_RELAY] = "relay",
    [POLICY_RULE_LOGIN] = "login",
    [POLICY_RULE_ADDRESSES] = "addresses",
    [POLICY_RULE_REVERSE_NAME] = "reverse_name",
    [POLICY_RULE_BLOCKLISTS] = "blocklists",
    [POLICY_RULE_HELO] = "helo",
    [POLICY_RULE_RATE] = "rate",
    [POLICY_RULE_SPF] = "spf",
    [POLICY_RULE_RECIPIENTS] = "recipients",
    [POLICY_RULE_SIZE] = "size",
    [POLICY_RULE_QUOTA] = "quota",
    [POLICY_RULE_GREYLIST] = "greylist",
};

const char *policy_rule_name(PolicyRule rule)
{
    return RULE_NAMES[rule];
}

/* ---- The steps ---- */

static const Rule CONNECT_RULES[] = {
    {rule_name_judge, rule_name_take, true},
    {rule_ranges_judge, NULL, true},
    {rule_blocklists_judge, rule_blocklists_take, true},
    {NULL, NULL, false},
};

static const Rule HELO_RULES[] = {
    {rule_helo_judge, rule_helo_take, true},
    {NULL, NULL, false},
};

static const Rule MAIL_RULES[] = {
    {rule_login_judge, NULL, false},
    {rule_rate_judge, NULL, false},
    {rule_spf_judge, rule_spf_take, true},
    {NULL, NULL, false},
};

static RuleOutcome rule_held_judge(PolicyClient *client);

/* Greylisting comes last: what is refused anyway is not worth remembering. */
static const Rule RCPT_RULES[] = {
    {rule_recipients_judge, NULL, false}, {rule_relay_judge, NULL, false},
    {rule_held_judge, NULL, false},       {rule_quota_judge, NULL, false},
    {rule_greylist_judge, NULL, false},   {NULL, NULL, false},
};

/* ---- Rules speak ---- */

RuleOutcome policy_ask(PolicyClient *client, const char *name, uint16_t type)
{
    char *copy = g_strdup(name); /* `name` may be the one asked last */
    g_free(client->question_name);
    client->question_name = copy;
    client->question = (PolicyQuestion){++client->policy->last_token, client->question_name, type};
    return RULE_ASKS;
}

RuleOutcome policy_decide_by(PolicyClient *client, PolicyRule rule, const SmtpReply *reply,
                             char *reason)
{
    g_free(client->reason);
    client->reason = reason;
    PolicyDecision decision = reply->code < 500 ? POLICY_DEFER : POLICY_REFUSE;
    client->verdict =
        (PolicyVerdict){decision, rule, *reply, client->reason, client->answer_because};
    return RULE_DECIDES;
}

RuleOutcome policy_decide(PolicyClient *client, PolicyRule rule, char *reason)
{
    return policy_decide_by(client, rule, &client->policy->replies[rule].reply, reason);
}

RuleOutcome policy_decide_later(PolicyClient *client, PolicyRule rule, char *reason)
{
    SmtpReply reply = client->policy->replies[rule].reply;
    if (reply.code >= 500)
        reply.code = 450;
    reply.enhanced.class = 4;
    return policy_decide_by(client, rule, &reply, reason);
}

RuleOutcome policy_remark(PolicyClient *client, PolicyRule rule, char *reason)
{
    g_free(client->reason);
    client->reason = reason;
    client->verdict = (PolicyVerdict){.rule = rule, .reason = client->reason};
    return RULE_PASSES;
}

/* ---- A step ---- */

/* Puts a refusal by until there is a recipient; the first one stays. */
static void hold_back(PolicyClient *client)
{
    if (client->held.rule == POLICY_RULE_NONE) {
        client->held = client->verdict;
        client->held_reason = g_steal_pointer(&client->reason);
        client->held_text = g_steal_pointer(&client->reply_text);
    }
    client->verdict = (PolicyVerdict){0};
}

/* A greeting refuses by 554, and puts off by 421, whatever the rule's code (RFC 5321 §3.1, §3.8,
 * §4.3.2). */
static void fit_greeting(PolicyClient *client)
{
    if (client->rules == CONNECT_RULES)
        client->verdict.reply.code = client->verdict.decision == POLICY_REFUSE ? 554 : 421;
}

static void go_on(PolicyClient *client, RuleOutcome outcome)
{
    for (;;) {
        const Rule *rule = &client->rules[client->rule];
        if (outcome == RULE_ASKS)
            return;
        bool waits = rule->is_held_back && !client->policy->options.refuses_at_once;
        if (outcome == RULE_DECIDES && !waits) {
            fit_greeting(client);
            return;
        }
        if (outcome == RULE_DECIDES)
            hold_back(client);
        rule = &client->rules[++client->rule];
        if (rule->judge == NULL)
            return;
        outcome = rule->judge(client);
    }
}

static void begin(PolicyClient *client, const Rule *rules)
{
    g_clear_pointer(&client->reply_text, g_free);
    g_clear_pointer(&client->reason, g_free);
    client->verdict = (PolicyVerdict){0};
    client->question.token = 0;
    client->answer_because = 0;
    client->rules = rules;
    client->rule = 0;
    if (rules[0].judge != NULL)
        go_on(client, rules[0].judge(client));
}

void policy_begin_connect(PolicyClient *client)
{
    begin(client, CONNECT_RULES);
}

void policy_begin_helo(PolicyClient *client, const char *name)
{
    client->helo = name;
    begin(client, HELO_RULES);
}

static void forget_held(PolicyClient *client)
{
    g_clear_pointer(&client->held_text, g_free);
    g_clear_pointer(&client->held_reason, g_free);
    client->held = (PolicyVerdict){0};
}

void policy_begin_mail(PolicyClient *client, const char *sender, SimTime now)
{
    if (client->held.rule == POLICY_RULE_SPF) /* that was said of another message */
        forget_held(client);
    g_free(client->sender);
    client->sender = g_strdup(sender);
    g_clear_pointer(&client->spf_field, g_free);
    client->now = now;
    begin(client, MAIL_RULES);
}

void policy_begin_rcpt(PolicyClient *client, const PolicyRecipient *recipient, SimTime now)
{
    CHECK(client->sender != NULL);
    client->recipient = *recipient;
    client->now = now;
    begin(client, RCPT_RULES);
    CHECK(client->question.token == 0);
}

bool policy_peek_question(const PolicyClient *client, PolicyQuestion *question)
{
    *question = client->question;
    return question->token != 0;
}

void policy_answer(PolicyClient *client, uint64_t token, const DnsAnswer *answer, uint64_t because)
{
    CHECK(token != 0 && token == client->question.token);
    client->question.token = 0;
    client->answer_because = because;
    RuleOutcome outcome = client->rules[client->rule].take_answer(client, answer);
    client->answer_because = 0;
    go_on(client, outcome);
}

const PolicyVerdict *policy_verdict(const PolicyClient *client)
{
    CHECK(client->question.token == 0);
    return &client->verdict;
}

void policy_mark(PolicyClient *client, uint64_t mark)
{
    const PolicyVerdict *verdict = &client->verdict;
    if (verdict->rule == POLICY_RULE_GREYLIST)
        greylist_mark(client->policy->greylist, mark);
    /* A message that was counted and then refused is told of by that. */
    bool is_of_message = client->rules == RCPT_RULES || verdict->rule == POLICY_RULE_SPF;
    if (is_of_message && verdict->decision != POLICY_PASS)
        policy_client_mark_message(client, mark);
}

bool policy_is_to_postmaster(const PolicyClient *client)
{
    return g_ascii_strncasecmp(client->recipient.address, "postmaster@", 11) == 0;
}

static RuleOutcome rule_held_judge(PolicyClient *client)
{
    if (client->held.rule == POLICY_RULE_NONE || client->is_trusted ||
        policy_is_to_postmaster(client))
        return RULE_PASSES;
    client->verdict = client->held;
    return RULE_DECIDES;
}

/* ---- Life ---- */

static void keep_reply(Policy *policy, PolicyRule rule, const char *text, const char *usual)
{
    KeptReply *kept = &policy->replies[rule];
    const char *fault = NULL;
    kept->text = g_strdup(text != NULL ? text : usual);
    CHECK(policy_reply_parse(kept->text, &kept->reply, &fault));
}

static void keep_replies(Policy *policy, const PolicyOptions *options)
{
    keep_reply(policy, POLICY_RULE_RELAY, options->relay_reply, POLICY_REPLY_RELAY);
    keep_reply(policy, POLICY_RULE_LOGIN, options->login_reply, POLICY_REPLY_LOGIN);
    keep_reply(policy, POLICY_RULE_ADDRESSES, options->ranges_reply, POLICY_REPLY_ADDRESSES);
    keep_reply(policy, POLICY_RULE_REVERSE_NAME, options->reverse_name_reply,
               POLICY_REPLY_REVERSE_NAME);
    keep_reply(policy, POLICY_RULE_BLOCKLISTS, options->blocklists_reply, POLICY_REPLY_BLOCKLISTS);
    keep_reply(policy, POLICY_RULE_HELO, options->helo_reply, POLICY_REPLY_HELO);
    keep_reply(policy, POLICY_RULE_RATE, options->rate.reply, POLICY_REPLY_RATE);
    keep_reply(policy, POLICY_RULE_SPF, options->spf_reply, POLICY_REPLY_SPF);
    keep_reply(policy, POLICY_RULE_RECIPIENTS, options->recipients_reply, POLICY_REPLY_RECIPIENTS);
    keep_reply(policy, POLICY_RULE_SIZE, options->size_reply, POLICY_REPLY_SIZE);
    keep_reply(policy, POLICY_RULE_QUOTA, options->quota_reply, POLICY_REPLY_QUOTA);
    keep_reply(policy, POLICY_RULE_GREYLIST, options->greylist.reply, POLICY_REPLY_GREYLIST);
}

static void remember_nothing(Policy *policy)
{
    const PolicyGreylist *greylist = &policy->options.greylist;
    const PolicyRate *rate = &policy->options.rate;
    if (greylist->delay_ns > 0) {
        GreylistOptions rules = {greylist->delay_ns, greylist->retry_within_ns,
                                 greylist->pass_for_ns, greylist->prefix};
        policy->greylist = greylist_new(&rules);
    }
    if (rate->per_client > 0)
        policy->clients = rate_limit_new(rate->per_client, rate->within_ns);
    if (rate->per_sender > 0)
        policy->senders = rate_limit_new(rate->per_sender, rate->within_ns);
}

Policy *policy_new(const PolicyOptions *options)
{
    Policy *policy = g_new0(Policy, 1);
    policy->options = *options;
    policy->ranges = g_memdup2(options->refused_ranges,
                               options->refused_range_count * sizeof *options->refused_ranges);
    policy->blocklists = g_new0(char *, options->blocklist_count + 1);
    for (size_t i = 0; i < options->blocklist_count; i++)
        policy->blocklists[i] = g_strdup(options->blocklists[i]);
    keep_replies(policy, options);
    remember_nothing(policy);
    return policy;
}

void policy_forget(Policy *policy)
{
    g_clear_pointer(&policy->greylist, greylist_free);
    g_clear_pointer(&policy->clients, rate_limit_free);
    g_clear_pointer(&policy->senders, rate_limit_free);
    remember_nothing(policy);
}

void policy_free(Policy *policy)
{
    if (policy == NULL)
        return;
    greylist_free(policy->greylist);
    rate_limit_free(policy->clients);
    rate_limit_free(policy->senders);
    for (PolicyRule rule = 0; rule < POLICY_RULES; rule++)
        g_free(policy->replies[rule].text);
    g_free(policy->ranges);
    g_strfreev(policy->blocklists);
    g_free(policy);
}

SmtpReply policy_quota_reply(const Policy *policy, uint64_t size, uint64_t quota)
{
    if (size > quota)
        return smtp_reply(552, "5.2.3", "Message is larger than the mailbox may be");
    return policy->replies[POLICY_RULE_QUOTA].reply;
}

const SmtpReply *policy_size_reply(const Policy *policy)
{
    return &policy->replies[POLICY_RULE_SIZE].reply;
}

void policy_client_mark_message(const PolicyClient *client, uint64_t mark)
{
    char address[IPV4_TEXT_SIZE];
    const Policy *policy = client->policy;
    if (policy->clients != NULL)
        rate_limit_mark(policy->clients, ipv4_format(client->address, address), mark);
    if (policy->senders != NULL)
        rate_limit_mark(policy->senders, client->sender, mark);
}

size_t policy_client_size(void)
{
    return sizeof(PolicyClient);
}

PolicyClient *policy_client_new(Policy *policy, Ipv4Address address)
{
    PolicyClient *client = g_new(PolicyClient, 1);
    policy_client_init(client, policy, address);
    return client;
}

void policy_client_init(PolicyClient *client, Policy *policy, Ipv4Address address)
{
    *client = (PolicyClient){.policy = policy, .address = address};
}

void policy_client_free(PolicyClient *client)
{
    if (client == NULL)
        return;
    policy_client_clear(client);
    g_free(client);
}

void policy_client_clear(PolicyClient *client)
{
    free_rare(client->name);
    free_rare(client->question_name);
    free_rare(client->sender);
    free_rare(client->spf_field);
    spf_free(client->spf);
    free_rare(client->reply_text);
    free_rare(client->reason);
    free_rare(client->held_text);
    free_rare(client->held_reason);
}

void policy_client_submits(PolicyClient *client)
{
    client->needs_login = !client->policy->options.login_is_optional;
}

void policy_client_log_in(PolicyClient *client)
{
    client->needs_login = false;
    client->is_trusted = true;
}

void policy_client_trust(PolicyClient *client)
{
    client->is_trusted = true;
}

const char *policy_client_sender(const PolicyClient *client)
{
    return client->sender;
}

const char *policy_client_spf_field(const PolicyClient *client)
{
    return client->spf_field;
}

const char *policy_client_name(const PolicyClient *client)
{
    return client->name;
}
