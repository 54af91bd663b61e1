/* Checks of the network and of names. See reader_internal.h. */
#include "core/ipv4.h"
#include "scenario/reader_internal.h"
#include "scenario/tcp_parameters.h"

#include <string.h>

/* --- Links --- */

static bool link_is_whole(const ScenarioTexts *between)
{
    return between->count == 2 && between->items[0].text != NULL && between->items[1].text != NULL;
}

/* The two names in order, as one word to look up; a name holds no `|`. */
static char *link_word(const char *a, const char *b)
{
    return strcmp(a, b) < 0 ? g_strjoin("|", a, b, NULL) : g_strjoin("|", b, a, NULL);
}

static void check_link_ends(Checks *checks, const ScenarioTexts *between)
{
    if (link_is_whole(between) && strcmp(between->items[0].text, between->items[1].text) == 0)
        reader_text_error(checks->reader, &between->items[1], "a link joins two different nodes");
}

static void add_links(Checks *checks)
{
    const ScenarioLinks *links = &checks->scenario->network.links;
    for (size_t i = 0; i < links->count; i++) {
        const ScenarioTexts *between = &links->items[i].between;
        if (!link_is_whole(between))
            continue;
        g_autofree char *word = link_word(between->items[0].text, between->items[1].text);
        names_add(checks->links, arena_text(checks->reader->arena, span_of_text(word)),
                  &links->items[i], 0);
    }
    names_sort(checks->links);
}

static void check_links_differ(Checks *checks)
{
    const NamesEntry *before = names_at(checks->links, 0), *entry = NULL;
    for (size_t i = 1; (entry = names_at(checks->links, i)) != NULL; before = entry, i++) {
        const ScenarioLink *first = before->what, *second = entry->what;
        if (strcmp(before->name, entry->name) == 0)
            reader_text_error(checks->reader, &second->between.items[0],
                              "the link in line %u joins the same two routers", first->at.line);
    }
}

/* --- Whether every router can be reached from the first --- */

static size_t router_index(const ScenarioTexts *routers, const NamesEntry *entry)
{
    return (size_t)((const ScenarioText *)entry->what - routers->items);
}

/* Union-find with halved paths. */
static size_t find_root(size_t *parents, size_t index)
{
    while (parents[index] != index) {
        parents[index] = parents[parents[index]];
        index = parents[index];
    }
    return index;
}

static void join_ends(const Checks *checks, const ScenarioTexts *between, size_t *parents)
{
    const ScenarioTexts *routers = &checks->scenario->network.routers;
    if (!link_is_whole(between))
        return;
    const NamesEntry *a = names_find(checks->nodes, between->items[0].text);
    const NamesEntry *b = names_find(checks->nodes, between->items[1].text);
    if (a == NULL || b == NULL || a->kind != NODE_ROUTER || b->kind != NODE_ROUTER)
        return;
    size_t left = find_root(parents, router_index(routers, a));
    size_t right = find_root(parents, router_index(routers, b));
    parents[MAX(left, right)] = MIN(left, right);
}

static void check_connected(Checks *checks)
{
    const ScenarioNetwork *network = &checks->scenario->network;
    g_autofree size_t *parents = g_new(size_t, network->routers.count + 1);
    for (size_t i = 0; i < network->routers.count; i++)
        parents[i] = i;
    for (size_t i = 0; i < network->links.count; i++)
        join_ends(checks, &network->links.items[i].between, parents);
    for (size_t i = 1; i < network->routers.count; i++) {
        if (network->routers.items[i].text != NULL && find_root(parents, i) != 0)
            reader_text_warning(checks->reader, &network->routers.items[i],
                                "no links lead from `%s` to `%s`", network->routers.items[i].text,
                                network->routers.items[0].text);
    }
}

/* --- TCP --- */

static void check_tcp(const Checks *checks)
{
    const Scenario *scenario = checks->scenario;
    tcp_parameters_check(checks->reader, &scenario->network.tcp);
    for (size_t i = 0; i < scenario->servers.count; i++)
        tcp_parameters_check(checks->reader, &scenario->servers.items[i].tcp);
    for (size_t i = 0; i < scenario->people.count; i++) {
        const ScenarioAgents *agents = &scenario->people.items[i].agents;
        for (size_t j = 0; j < agents->count; j++)
            tcp_parameters_check(checks->reader, &agents->items[j].tcp);
    }
}

bool link_parameters_are_given(const LinkParameters *link)
{
    const int64_t numbers[] = {link->delay_ns,      link->rate_bps,     link->loss_ppb,
                               link->queue_packets, link->buffer_bytes, link->mtu_bytes,
                               link->jitter_ns,     link->reorder_ppb,  link->duplicate_ppb,
                               link->corrupt_ppb};
    for (size_t i = 0; i < G_N_ELEMENTS(numbers); i++) {
        if (numbers[i] != SCENARIO_UNSET)
            return true;
    }
    return false;
}

static void check_one_way(Checks *checks, const ScenarioOneWay *one_way)
{
    const char *from = one_way->from.text, *to = one_way->to.text;
    if (from == NULL || to == NULL)
        return;
    if (!nodes_are_joined(checks, from, to))
        reader_text_error(checks->reader, &one_way->from, "no link joins `%s` and `%s`", from, to);
    if (!link_parameters_are_given(&one_way->changes))
        reader_text_error(checks->reader, &one_way->from,
                          "nothing differs; write what does, such as `loss: 5 %%`");
}

void check_rule(Checks *checks, const ScenarioRule *rule)
{
    bool has_ports = rule->protocol == FIREWALL_TCP || rule->protocol == FIREWALL_UDP;
    if (rule->port != SCENARIO_UNSET && !has_ports)
        diagnostics_error(
            checks->reader->diagnostics, rule->at,
            "only `tcp` and `udp` have ports; leave `port` out, or change `protocol`");
    if (rule->action == FIREWALL_RESET && rule->protocol != FIREWALL_TCP)
        diagnostics_error(checks->reader->diagnostics, rule->at,
                          "only a TCP connection can be reset; `reject` answers other packets");
}

void check_network(Checks *checks)
{
    const ScenarioNetwork *network = &checks->scenario->network;
    for (size_t i = 0; i < network->links.count; i++)
        check_link_ends(checks, &network->links.items[i].between);
    add_links(checks);
    check_links_differ(checks);
    check_connected(checks);
    check_tcp(checks);
    for (size_t i = 0; i < network->one_way.count; i++)
        check_one_way(checks, &network->one_way.items[i]);
    for (size_t i = 0; i < network->firewall.count; i++)
        check_rule(checks, &network->firewall.items[i]);
    check_homes(checks);
}

/* --- Who is joined to whom --- */

/* The router that a machine's own link leads to; NULL for a router. */
static const char *router_of(const NamesEntry *node)
{
    switch ((NodeKind)node->kind) {
    case NODE_ROUTER:
        return NULL;
    case NODE_SERVER:
        return ((const ScenarioServer *)(const void *)((const char *)node->what -
                                                       offsetof(ScenarioServer, name)))
            ->router.text;
    case NODE_HOME:
        return ((const ScenarioHome *)(const void *)((const char *)node->what -
                                                     offsetof(ScenarioHome, name)))
            ->router.text;
    case NODE_AGENT:
        return ((const ScenarioAgent *)(const void *)((const char *)node->what -
                                                      offsetof(ScenarioAgent, name)))
            ->router.text;
    }
    return NULL;
}

static bool routers_are_joined(const Checks *checks, const char *a, const char *b)
{
    g_autofree char *word = link_word(a, b);
    return names_find(checks->links, word) != NULL;
}

bool nodes_are_joined(const Checks *checks, const char *a, const char *b)
{
    const NamesEntry *first = names_find(checks->nodes, a);
    const NamesEntry *second = names_find(checks->nodes, b);
    if (first == NULL || second == NULL)
        return true; /* which has been reported */
    const char *from_first = router_of(first), *from_second = router_of(second);
    if (from_first == NULL && from_second == NULL)
        return routers_are_joined(checks, a, b);
    return g_strcmp0(from_first, b) == 0 || g_strcmp0(from_second, a) == 0;
}

/* --- Homes --- */

/* A private address behind another, and a link that leads past NAT, are left out. */
static void check_home_router(Checks *checks, const ScenarioHome *home)
{
    const NamesEntry *router =
        home->router.text != NULL ? names_find(checks->nodes, home->router.text) : NULL;
    if (router != NULL && router->kind == NODE_HOME)
        reader_text_error(checks->reader, &home->router,
                          "`%s` is a home's router; a provider's router belongs here",
                          home->router.text);
}

static void check_forward(Checks *checks, const ScenarioHome *home, size_t index)
{
    const ScenarioForward *forward = &home->forward.items[index];
    const NamesEntry *to =
        forward->to.text != NULL ? names_find(checks->nodes, forward->to.text) : NULL;
    if (to != NULL && (to->kind == NODE_HOME || g_strcmp0(router_of(to), home->name.text) != 0))
        reader_text_error(checks->reader, &forward->to, "`%s` is not behind `%s`", forward->to.text,
                          home->name.text);
    for (size_t i = 0; i < index; i++) {
        if (home->forward.items[i].port == forward->port)
            reader_text_error(checks->reader, &forward->to,
                              "port %d is forwarded already, in line %u", (int)forward->port,
                              home->forward.items[i].at.line);
    }
}

void check_homes(Checks *checks)
{
    const ScenarioHomes *homes = &checks->scenario->network.homes;
    for (size_t i = 0; i < homes->count; i++) {
        check_home_router(checks, &homes->items[i]);
        for (size_t j = 0; j < homes->items[i].forward.count; j++)
            check_forward(checks, &homes->items[i], j);
    }
    const ScenarioLinks *links = &checks->scenario->network.links;
    for (size_t i = 0; i < links->count; i++) {
        for (size_t j = 0; j < links->items[i].between.count; j++) {
            const ScenarioText *end = &links->items[i].between.items[j];
            const NamesEntry *node =
                end->text != NULL ? names_find(checks->nodes, end->text) : NULL;
            if (node != NULL && node->kind == NODE_HOME)
                reader_text_error(checks->reader, end,
                                  "`%s` is a home's router, whose one link is in `homes`",
                                  end->text);
        }
    }
}

/* --- Names --- */

static bool has_other_records(const DnsRecords *records)
{
    return records->mx.count > 0 || records->a.count > 0 || records->txt.count > 0 ||
           records->ptr.text != NULL || records->listed_by.count > 0;
}

/* A name that mail is sent to, or that leads on, should lead somewhere. */
static void warn_of_dead_end(Checks *checks, const ScenarioText *name)
{
    if (name->text == NULL || names_find(checks->looked_up, name->text) != NULL)
        return;
    Suggestion suggestion = reader_suggestion(checks->reader, name->text);
    names_suggest(checks->looked_up, &suggestion);
    g_autofree char *hint = reader_did_you_mean(&suggestion);
    reader_text_warning(checks->reader, name, "nothing in this file has the name `%s`%s",
                        name->text, hint);
}

/* RFC 7505 §3: a null MX stands alone, since it contradicts any other. */
static void check_exchanges(Checks *checks, const DnsExchanges *mx)
{
    for (size_t i = 0; i < mx->count; i++) {
        const ScenarioText *host = &mx->items[i].host;
        if (g_strcmp0(host->text, ".") != 0)
            warn_of_dead_end(checks, host);
        else if (mx->count > 1)
            reader_text_error(checks->reader, host,
                              "`.` says that no mail is taken; there is no other `mx` beside it");
    }
}

/* It is a machine's address that is looked up. */
static void check_pointer(Checks *checks, const ScenarioText *name, const ScenarioText *text,
                          const char *key)
{
    if (text->text == NULL || name->text == NULL)
        return;
    const NamesEntry *node = names_find(checks->nodes, name->text);
    if (node == NULL || node->kind == NODE_ROUTER || node->kind == NODE_HOME)
        reader_text_error(checks->reader, text,
                          "`%s` is no server or agent's machine, whose address `%s` is about",
                          name->text, key);
}

void check_records(Checks *checks, const ScenarioText *name, const DnsRecords *records)
{
    /* RFC 1034 §3.6.2: if there is a CNAME, there is nothing else. */
    if (records->cname.text != NULL && has_other_records(records))
        reader_text_error(checks->reader, &records->cname,
                          "a name with `cname` has no other records");
    check_exchanges(checks, &records->mx);
    check_pointer(checks, name, &records->ptr, "ptr");
    if (records->listed_by.count > 0)
        check_pointer(checks, name, &records->listed_by.items[0], "listed_by");
    warn_of_dead_end(checks, &records->cname);
    if (records->ttl_ns % SIM_SECOND != 0)
        diagnostics_error(checks->reader->diagnostics, records->at,
                          "`ttl` is a number of whole seconds");
}

void check_dns(Checks *checks)
{
    const ScenarioDns *dns = &checks->scenario->dns;
    for (size_t i = 0; i < dns->count; i++)
        check_records(checks, &dns->items[i].name, &dns->items[i]);
}
