/* Rules about the recipient: their number, relaying, the quota, greylisting. */
#include "policy/policy_internal.h"

#include "core/units.h"

/* ---- Their number ---- */

RuleOutcome rule_recipients_judge(PolicyClient *client)
{
    uint32_t limit = client->policy->options.recipient_limit;
    if (limit == 0 || client->recipient.place < limit)
        return RULE_PASSES;
    return policy_decide(client, POLICY_RULE_RECIPIENTS,
                         g_strdup_printf("the message has %u already, and may have %u",
                                         client->recipient.place, limit));
}

/* ---- Relaying ---- */

/* RFC 5321 §3.6.1, §7.9: a server that relays for anybody is an open relay. */
RuleOutcome rule_relay_judge(PolicyClient *client)
{
    if (client->recipient.is_ours || client->is_trusted)
        return RULE_PASSES;
    if (client->policy->options.relays_for_anybody)
        return policy_remark(client, POLICY_RULE_RELAY,
                             g_strdup("an open relay: neither client nor recipient is its own"));
    return policy_decide(
        client, POLICY_RULE_RELAY,
        g_strdup("the recipient is not of this server, and the client has not logged in"));
}

/* ---- The quota ---- */

RuleOutcome rule_quota_judge(PolicyClient *client)
{
    const PolicyRecipient *recipient = &client->recipient;
    uint64_t needed = MAX(recipient->size, 1);
    if (recipient->quota == 0 || recipient->used + needed <= recipient->quota)
        return RULE_PASSES;
    char *reason =
        g_strdup_printf("the mailbox has %llu octets of %llu, and this mail %s%llu",
                        (unsigned long long)recipient->used, (unsigned long long)recipient->quota,
                        recipient->size > 0 ? "" : "at least ", (unsigned long long)needed);
    SmtpReply reply = policy_quota_reply(client->policy, recipient->size, recipient->quota);
    policy_decide_by(client, POLICY_RULE_QUOTA, &reply, reason);
    if (recipient->size <= recipient->quota) /* else what is in the mailbox does not matter */
        client->verdict.because = recipient->filled_by;
    return RULE_DECIDES;
}

/* ---- Greylisting ---- */

static char *describe_wait(const PolicyClient *client, const GreylistAnswer *answer)
{
    SimTime waited = client->now - answer->first_seen;
    g_autofree char *text = units_format_readable(waited);
    g_autofree char *delay = units_format_readable(client->policy->options.greylist.delay_ns);
    if (answer->finding == GREYLIST_NEW)
        return g_strdup_printf("the first attempt of this client, sender and recipient; "
                               "one after %s or more passes",
                               delay);
    if (answer->finding == GREYLIST_EARLY)
        return g_strdup_printf("back after %s, before the %s are over", text, delay);
    return g_strdup_printf("back after %s", text);
}

RuleOutcome rule_greylist_judge(PolicyClient *client)
{
    Policy *policy = client->policy;
    if (policy->greylist == NULL || client->is_trusted || policy_is_to_postmaster(client))
        return RULE_PASSES;
    GreylistAnswer answer = greylist_ask(policy->greylist, client->address, client->sender,
                                         client->recipient.address, client->now);
    if (answer.finding == GREYLIST_KNOWN)
        return RULE_PASSES;
    RuleOutcome outcome = RULE_PASSES;
    char *reason = describe_wait(client, &answer);
    if (answer.finding == GREYLIST_WAITED)
        outcome = policy_remark(client, POLICY_RULE_GREYLIST, reason);
    else
        outcome = policy_decide(client, POLICY_RULE_GREYLIST, reason);
    client->verdict.because = answer.mark;
    return outcome;
}
