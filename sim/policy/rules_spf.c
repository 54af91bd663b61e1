/* The rule about the sender's domain: SPF (RFC 7208), and the field that tells of it (§9.1). */
#include "policy/policy_internal.h"

#include <string.h>

/* What stands in the field as a quoted string. */
static char *quote(const char *text)
{
    GString *out = g_string_new("\"");
    for (; *text != '\0'; text++) {
        if (*text == '"' || *text == '\\')
            g_string_append_c(out, '\\');
        g_string_append_c(out, (unsigned char)*text < ' ' ? '?' : *text);
    }
    g_string_append_c(out, '"');
    return g_string_free(out, FALSE);
}

static const char *comment_of(SpfResult result)
{
    static const char *const COMMENTS[] = {
        [SPF_NONE] = "the domain has no SPF record",
        [SPF_NEUTRAL] = "the domain says nothing of the client",
        [SPF_PASS] = "the domain has the client as a permitted sender",
        [SPF_FAIL] = "the domain does not have the client as a permitted sender",
        [SPF_SOFTFAIL] = "the domain believes that the client is no permitted sender",
        [SPF_TEMPERROR] = "the record could not be looked up",
        [SPF_PERMERROR] = "the record is in error",
    };
    return COMMENTS[result];
}

static char *format_field(const PolicyClient *client, SpfResult result)
{
    char address[IPV4_TEXT_SIZE];
    g_autofree char *sender = quote(client->sender);
    g_autofree char *helo = quote(client->helo != NULL ? client->helo : "");
    return g_strdup_printf("Received-SPF: %s (%s)\r\n"
                           "\tclient-ip=%s; envelope-from=%s;\r\n"
                           "\thelo=%s;\r\n",
                           spf_result_name(result), comment_of(result),
                           ipv4_format(client->address, address), sender, helo);
}

/* RFC 7372 §3.2: 5.7.23 is a fail, 5.7.24 an error. */
static RuleOutcome judge_result(PolicyClient *client, SpfResult result)
{
    PolicySpf spf = client->policy->options.spf;
    char *reason = g_strdup_printf("%s: %s", spf_result_name(result), spf_reason(client->spf));
    bool is_refused = result == SPF_FAIL || (spf == POLICY_SPF_STRICT && result == SPF_SOFTFAIL);
    if (spf >= POLICY_SPF_REFUSES && is_refused)
        return policy_decide(client, POLICY_RULE_SPF, reason);
    if (spf >= POLICY_SPF_REFUSES && result == SPF_TEMPERROR) {
        SmtpReply later = smtp_reply(451, "4.7.24", "SPF cannot be checked now");
        return policy_decide_by(client, POLICY_RULE_SPF, &later, reason);
    }
    if (spf == POLICY_SPF_STRICT && result == SPF_PERMERROR) {
        SmtpReply error = smtp_reply(550, "5.7.24", "The domain's SPF record is in error");
        return policy_decide_by(client, POLICY_RULE_SPF, &error, reason);
    }
    return policy_remark(client, POLICY_RULE_SPF, reason);
}

static RuleOutcome go_on(PolicyClient *client)
{
    const char *name = NULL;
    uint16_t type = 0;
    if (spf_peek_question(client->spf, &name, &type))
        return policy_ask(client, name, type);
    SpfResult result = spf_result(client->spf);
    g_free(client->spf_field);
    client->spf_field = format_field(client, result);
    return result == SPF_NONE ? RULE_PASSES : judge_result(client, result);
}

RuleOutcome rule_spf_judge(PolicyClient *client)
{
    if (client->policy->options.spf == POLICY_SPF_UNCHECKED || client->is_trusted)
        return RULE_PASSES;
    SpfOptions options = {.client = client->address,
                          .sender = client->sender,
                          .helo = client->helo != NULL ? client->helo : ""};
    spf_free(client->spf);
    client->spf = spf_new(&options);
    return go_on(client);
}

RuleOutcome rule_spf_take(PolicyClient *client, const DnsAnswer *answer)
{
    spf_answer(client->spf, answer);
    return go_on(client);
}
