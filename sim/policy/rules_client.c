/* Rules about the client: its address, its names, how much it sends. */
#include "policy/policy_internal.h"

#include "core/units.h"
#include "mail/address.h"
#include "proto/dns_wire.h"

#include <string.h>

static bool has_failed(const DnsAnswer *answer)
{
    return dns_outcome_is_failure(answer->outcome);
}

static bool holds_address(const DnsAnswer *answer, Ipv4Address address)
{
    for (size_t i = 0; i < answer->record_count; i++) {
        if (answer->records[i].type == DNS_TYPE_A && answer->records[i].address == address)
            return true;
    }
    return false;
}

static bool holds_type(const DnsAnswer *answer, uint16_t type)
{
    for (size_t i = 0; i < answer->record_count; i++) {
        if (answer->records[i].type == type)
            return true;
    }
    return false;
}

/* ---- The reverse name ---- */

/* Always looked up, for the Received field (RFC 5321 §4.4). */
RuleOutcome rule_name_judge(PolicyClient *client)
{
    char name[DNS_NAME_TEXT_SIZE];
    dns_name_reverse(client->address, name);
    return policy_ask(client, name, DNS_TYPE_PTR);
}

static RuleOutcome take_name(PolicyClient *client, const DnsAnswer *answer)
{
    PolicyNameNeed need = client->policy->options.reverse_name;
    for (size_t i = 0; i < answer->record_count && client->name == NULL; i++) {
        if (answer->records[i].type == DNS_TYPE_PTR)
            client->name = g_strdup(answer->records[i].host);
    }
    if (need == POLICY_NAME_ANY)
        return RULE_PASSES;
    if (has_failed(answer))
        return policy_decide_later(client, POLICY_RULE_REVERSE_NAME,
                                   g_strdup("the name of its address cannot be looked up now"));
    if (client->name == NULL)
        return policy_decide(client, POLICY_RULE_REVERSE_NAME,
                             g_strdup("its address has no name (PTR)"));
    return need == POLICY_NAME_CONFIRMS ? policy_ask(client, client->name, DNS_TYPE_A)
                                        : RULE_PASSES;
}

RuleOutcome rule_name_take(PolicyClient *client, const DnsAnswer *answer)
{
    if (client->name == NULL)
        return take_name(client, answer);
    if (has_failed(answer))
        return policy_decide_later(
            client, POLICY_RULE_REVERSE_NAME,
            g_strdup_printf("the address of its name %s cannot be looked up now", client->name));
    if (!holds_address(answer, client->address))
        return policy_decide(
            client, POLICY_RULE_REVERSE_NAME,
            g_strdup_printf("its name %s does not lead back to its address", client->name));
    return RULE_PASSES;
}

/* ---- Ranges of addresses ---- */

RuleOutcome rule_ranges_judge(PolicyClient *client)
{
    const Policy *policy = client->policy;
    for (size_t i = 0; i < policy->options.refused_range_count; i++) {
        const PolicyRange *range = &policy->ranges[i];
        if ((client->address & range->mask) == range->address)
            return policy_decide(client, POLICY_RULE_ADDRESSES,
                                 g_strdup("its address is in a range from which no mail is taken"));
    }
    return RULE_PASSES;
}

/* ---- Block lists (RFC 5782 §2.1): 198.18.0.5 is looked up as 5.0.18.198.LIST ---- */

static char *listed_name(const PolicyClient *client)
{
    Ipv4Address address = client->address;
    return g_strdup_printf("%u.%u.%u.%u.%s", address & 255, address >> 8 & 255, address >> 16 & 255,
                           address >> 24, client->policy->blocklists[client->list]);
}

static RuleOutcome ask_list(PolicyClient *client)
{
    if (client->policy->blocklists[client->list] == NULL)
        return RULE_PASSES;
    g_autofree char *name = listed_name(client);
    return policy_ask(client, name, DNS_TYPE_A);
}

RuleOutcome rule_blocklists_judge(PolicyClient *client)
{
    client->list = 0;
    return ask_list(client);
}

/* RFC 5782 §2.3: an entry is an address of 127.0.0.0/8; anything else means that the list is gone
 * or somebody answers in its place. */
static bool is_listed(const DnsAnswer *answer)
{
    for (size_t i = 0; i < answer->record_count; i++) {
        if (answer->records[i].type == DNS_TYPE_A && answer->records[i].address >> 24 == 127)
            return true;
    }
    return false;
}

static char *list_text(const DnsAnswer *answer)
{
    for (size_t i = 0; i < answer->record_count; i++) {
        if (answer->records[i].type == DNS_TYPE_TXT)
            return dns_record_dup_text(&answer->records[i]);
    }
    return NULL;
}

/* The reply names the list, and its reason where that can be said in a reply. */
static RuleOutcome decide_by_list(PolicyClient *client, const DnsAnswer *answer)
{
    const char *list = client->policy->blocklists[client->list];
    SmtpReply reply = client->policy->replies[POLICY_RULE_BLOCKLISTS].reply;
    g_autofree char *said = list_text(answer);
    g_autofree char *usual = span_dup_text(reply.text);
    bool is_sayable = said != NULL && g_str_is_ascii(said) && strlen(said) <= 200;
    g_free(client->reply_text);
    client->reply_text =
        g_strdup_printf("%s: %s%s%s", usual, list, is_sayable ? ": " : "", is_sayable ? said : "");
    g_strdelimit(client->reply_text, "\r\n", ' ');
    reply.text = span_of_text(client->reply_text);
    return policy_decide_by(client, POLICY_RULE_BLOCKLISTS, &reply,
                            g_strdup_printf("its address is on the block list %s", list));
}

/* First the address, then the text of one that is listed. A list that does not answer lists nobody,
 * so that no list can stop all mail. */
RuleOutcome rule_blocklists_take(PolicyClient *client, const DnsAnswer *answer)
{
    if (client->question.type == DNS_TYPE_TXT)
        return decide_by_list(client, answer);
    if (is_listed(answer)) {
        g_autofree char *name = listed_name(client);
        return policy_ask(client, name, DNS_TYPE_TXT);
    }
    client->list++;
    return ask_list(client);
}

/* ---- The name in EHLO ---- */

static RuleOutcome refuse_helo(PolicyClient *client, const char *what)
{
    return policy_decide(client, POLICY_RULE_HELO, g_strdup_printf("%s %s", client->helo, what));
}

/* `[198.18.0.5]` needs no look-up. */
static RuleOutcome judge_literal(PolicyClient *client)
{
    char own[IPV4_TEXT_SIZE];
    ipv4_format(client->address, own);
    bool is_own =
        strlen(client->helo) == strlen(own) + 2 && strncmp(client->helo + 1, own, strlen(own)) == 0;
    if (client->policy->options.helo == POLICY_HELO_OWN && !is_own)
        return refuse_helo(client, "is not the client's address");
    return RULE_PASSES;
}

RuleOutcome rule_helo_judge(PolicyClient *client)
{
    PolicyHeloNeed need = client->policy->options.helo;
    Span name = span_of_text(client->helo);
    if (need == POLICY_HELO_ANY)
        return RULE_PASSES;
    if (address_is_literal(name))
        return judge_literal(client);
    if (!address_is_domain(name) || strchr(client->helo, '.') == NULL)
        return refuse_helo(client, "is not a full name");
    return need == POLICY_HELO_FULL ? RULE_PASSES : policy_ask(client, client->helo, DNS_TYPE_A);
}

RuleOutcome rule_helo_take(PolicyClient *client, const DnsAnswer *answer)
{
    if (has_failed(answer))
        return policy_decide_later(client, POLICY_RULE_HELO,
                                   g_strdup_printf("%s cannot be looked up now", client->helo));
    if (client->policy->options.helo == POLICY_HELO_OWN)
        return holds_address(answer, client->address)
                   ? RULE_PASSES
                   : refuse_helo(client, "does not lead to the client's address");
    if (holds_type(answer, DNS_TYPE_A) || holds_type(answer, DNS_TYPE_MX))
        return RULE_PASSES;
    return client->question.type == DNS_TYPE_A ? policy_ask(client, client->helo, DNS_TYPE_MX)
                                               : refuse_helo(client, "has no address and no MX");
}

/* ---- How much it sends ---- */

/* Users who have logged in count too: an account may be stolen. */
RuleOutcome rule_login_judge(PolicyClient *client)
{
    if (!client->needs_login)
        return RULE_PASSES;
    return policy_decide(client, POLICY_RULE_LOGIN, g_strdup("the client has not logged in"));
}

static const char *messages_word(uint32_t count)
{
    return count == 1 ? "message" : "messages";
}

/* Takes `reason`. */
static RuleOutcome refuse_rate(PolicyClient *client, const RateLimit *limit, const char *name,
                               char *reason)
{
    policy_decide(client, POLICY_RULE_RATE, reason);
    client->verdict.because = rate_limit_last_mark(limit, name);
    return RULE_DECIDES;
}

RuleOutcome rule_rate_judge(PolicyClient *client)
{
    Policy *policy = client->policy;
    const PolicyRate *rate = &policy->options.rate;
    char address[IPV4_TEXT_SIZE];
    if (policy->clients == NULL && policy->senders == NULL)
        return RULE_PASSES;
    ipv4_format(client->address, address);
    bool client_has_room =
        policy->clients == NULL || rate_limit_has_room(policy->clients, address, client->now);
    bool sender_has_room = policy->senders == NULL ||
                           rate_limit_has_room(policy->senders, client->sender, client->now);
    g_autofree char *within =
        client_has_room && sender_has_room ? NULL : units_format_readable(rate->within_ns);
    if (!client_has_room)
        return refuse_rate(client, policy->clients, address,
                           g_strdup_printf("the client has sent %u %s within %s", rate->per_client,
                                           messages_word(rate->per_client), within));
    if (!sender_has_room)
        return refuse_rate(client, policy->senders, client->sender,
                           g_strdup_printf("<%s> has sent %u %s within %s", client->sender,
                                           rate->per_sender, messages_word(rate->per_sender),
                                           within));
    if (policy->clients != NULL)
        rate_limit_count(policy->clients, address, client->now);
    if (policy->senders != NULL)
        rate_limit_count(policy->senders, client->sender, client->now);
    return RULE_PASSES;
}
