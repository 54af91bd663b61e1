/* The rules of a server, from the scenario's words to the policy's. */
#include "scenario/simulation_internal.h"

#include <string.h>

/* ---- Ranges of addresses ---- */

static void add_range(GArray *ranges, Ipv4Address address, Ipv4Address mask)
{
    PolicyRange range = {address, mask};
    g_array_append_val(ranges, range);
}

/* A machine by its own name, or by that of its router. Behind NAT it has its router's address. */
static void add_machine(const Simulation *simulation, const char *name, const char *host,
                        const char *router, GArray *ranges)
{
    if (strcmp(host, name) == 0 || strcmp(router, name) == 0)
        add_range(ranges, network_address_of(simulation->network, host), UINT32_MAX);
}

static void add_place(const Simulation *simulation, const char *name, GArray *ranges)
{
    const Scenario *scenario = simulation->scenario;
    PolicyRange range;
    if (ipv4_parse_range(name, &range.address, &range.mask)) {
        g_array_append_val(ranges, range);
        return;
    }
    for (size_t i = 0; i < scenario->servers.count; i++)
        add_machine(simulation, name, scenario->servers.items[i].name.text,
                    scenario->servers.items[i].router.text, ranges);
    for (guint i = 0; i < simulation->agents->len; i++) {
        const SimulatedAgent *agent = &g_array_index(simulation->agents, SimulatedAgent, i);
        add_machine(simulation, name, host_name(agent->machine.host), agent->scenario->router.text,
                    ranges);
    }
    for (size_t i = 0; i < scenario->network.homes.count; i++)
        add_machine(simulation, name, scenario->network.homes.items[i].name.text,
                    scenario->network.homes.items[i].router.text, ranges);
}

/* ---- All of it ---- */

static PolicyGreylist greylist_of(const ScenarioGreylist *greylist)
{
    return (PolicyGreylist){
        .delay_ns = greylist->delay_ns,
        .retry_within_ns = greylist->retry_within_ns,
        .pass_for_ns = greylist->pass_for_ns,
        .prefix = (unsigned)greylist->prefix,
        .reply = greylist->reply.text,
    };
}

static PolicyRate rate_of(const ScenarioRate *rate)
{
    return (PolicyRate){
        .per_client = (uint32_t)rate->per_client,
        .per_sender = (uint32_t)rate->per_sender,
        .within_ns = rate->within_ns,
        .reply = rate->reply.text,
    };
}

PolicyOptions simulation_policy(const Simulation *simulation, const ScenarioPolicy *policy,
                                PolicyLists *lists)
{
    static const PolicyNameNeed NAMES[] = {[NAME_NEED_NOTHING] = POLICY_NAME_ANY,
                                           [NAME_NEED_NAME] = POLICY_NAME_EXISTS,
                                           [NAME_NEED_OWN] = POLICY_NAME_CONFIRMS};
    static const PolicyHeloNeed HELOS[] = {[HELO_NEED_NOTHING] = POLICY_HELO_ANY,
                                           [HELO_NEED_FULL] = POLICY_HELO_FULL,
                                           [HELO_NEED_KNOWN] = POLICY_HELO_KNOWN,
                                           [HELO_NEED_OWN] = POLICY_HELO_OWN};
    static const PolicySpf SPFS[] = {[SPF_CHOICE_UNCHECKED] = POLICY_SPF_UNCHECKED,
                                     [SPF_CHOICE_MARK] = POLICY_SPF_MARKS,
                                     [SPF_CHOICE_REFUSE] = POLICY_SPF_REFUSES,
                                     [SPF_CHOICE_STRICT] = POLICY_SPF_STRICT};
    lists->ranges = g_array_new(FALSE, FALSE, sizeof(PolicyRange));
    for (size_t i = 0; i < policy->addresses.refuse.count; i++)
        add_place(simulation, policy->addresses.refuse.items[i].text, lists->ranges);
    lists->zones = g_new0(const char *, policy->blocklists.zones.count + 1);
    for (size_t i = 0; i < policy->blocklists.zones.count; i++)
        lists->zones[i] = policy->blocklists.zones.items[i].text;
    return (PolicyOptions){
        .relays_for_anybody = policy->relay == RELAY_CHOICE_ANYBODY,
        .relay_reply = policy->relay_reply.text,
        .login_is_optional = policy->login.need == LOGIN_OPTIONAL,
        .login_reply = policy->login.reply.text,
        .refuses_at_once = policy->refuse_at == REFUSE_AT_ONCE,
        .refused_ranges = (const PolicyRange *)(void *)lists->ranges->data,
        .refused_range_count = lists->ranges->len,
        .ranges_reply = policy->addresses.reply.text,
        .reverse_name = NAMES[policy->reverse_name.need],
        .reverse_name_reply = policy->reverse_name.reply.text,
        .helo = HELOS[policy->helo.need],
        .helo_reply = policy->helo.reply.text,
        .blocklists = lists->zones,
        .blocklist_count = policy->blocklists.zones.count,
        .blocklists_reply = policy->blocklists.reply.text,
        .rate = rate_of(&policy->rate),
        .spf = SPFS[policy->spf.check],
        .spf_reply = policy->spf.reply.text,
        .recipients_reply = policy->recipients.reply.text,
        .size_reply = policy->size.reply.text,
        .quota_reply = policy->quota.reply.text,
        .greylist = greylist_of(&policy->greylist),
    };
}

void policy_lists_clear(PolicyLists *lists)
{
    g_array_unref(lists->ranges);
    g_free(lists->zones);
}
