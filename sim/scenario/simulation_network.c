/* Machines, routers, links, homes and firewalls, as the scenario has them. See
 * simulation_internal.h. */
#include "scenario/simulation_internal.h"
#include "scenario/tcp_parameters.h"

#include <string.h>

/* Puts `number` into a field where the scenario gives one. */
#define SET_IF_GIVEN(field, type, number)                                                          \
    do {                                                                                           \
        if ((number) != SCENARIO_UNSET)                                                            \
            (field) = (type)(number);                                                              \
    } while (false)

void simulation_change_link(LinkOptions *options, const LinkParameters *changes)
{
    enum { PARTS_PER_BILLION = 1000000000 };
    SET_IF_GIVEN(options->delay_ns, SimTime, changes->delay_ns);
    SET_IF_GIVEN(options->rate_bits_per_second, uint64_t, changes->rate_bps);
    SET_IF_GIVEN(options->loss_numerator, uint64_t, changes->loss_ppb);
    SET_IF_GIVEN(options->queue_packets, uint32_t, changes->queue_packets);
    SET_IF_GIVEN(options->queue_octets, uint64_t, changes->buffer_bytes);
    SET_IF_GIVEN(options->mtu, uint32_t, changes->mtu_bytes);
    SET_IF_GIVEN(options->jitter_ns, SimTime, changes->jitter_ns);
    SET_IF_GIVEN(options->reorder.numerator, uint64_t, changes->reorder_ppb);
    SET_IF_GIVEN(options->duplicate.numerator, uint64_t, changes->duplicate_ppb);
    SET_IF_GIVEN(options->corrupt.numerator, uint64_t, changes->corrupt_ppb);
    options->loss_denominator = PARTS_PER_BILLION;
    options->reorder.denominator = PARTS_PER_BILLION;
    options->duplicate.denominator = PARTS_PER_BILLION;
    options->corrupt.denominator = PARTS_PER_BILLION;
}

static void add_link(Simulation *simulation, const char *a, const char *b,
                     const LinkParameters *parameters)
{
    LinkOptions options = {0};
    simulation_change_link(&options, parameters);
    network_add_link(simulation->network, a, b, options);
}

static void set_one_ways(Simulation *simulation)
{
    const ScenarioOneWays *one_ways = &simulation->scenario->network.one_way;
    for (size_t i = 0; i < one_ways->count; i++) {
        const char *from = one_ways->items[i].from.text, *to = one_ways->items[i].to.text;
        LinkOptions options = network_link_options(simulation->network, from, to);
        simulation_change_link(&options, &one_ways->items[i].changes);
        network_set_direction(simulation->network, from, to, options);
    }
}

static bool is_home(const Simulation *simulation, const char *router)
{
    const ScenarioHomes *homes = &simulation->scenario->network.homes;
    for (size_t i = 0; i < homes->count; i++) {
        if (strcmp(homes->items[i].name.text, router) == 0)
            return true;
    }
    return false;
}

static void add_homes(Simulation *simulation)
{
    const ScenarioHomes *homes = &simulation->scenario->network.homes;
    for (size_t i = 0; i < homes->count; i++) {
        const ScenarioHome *home = &homes->items[i];
        network_add_nat_router(
            simulation->network, home->name.text,
            (NatOptions){.tcp_timeout = home->tcp_timeout_ns, .udp_timeout = home->udp_timeout_ns});
    }
    for (size_t i = 0; i < homes->count; i++)
        add_link(simulation, homes->items[i].name.text, homes->items[i].router.text,
                 &homes->items[i].link);
}

static void add_forwards(Simulation *simulation)
{
    const ScenarioHomes *homes = &simulation->scenario->network.homes;
    for (size_t i = 0; i < homes->count; i++) {
        const ScenarioForwards *forwards = &homes->items[i].forward;
        for (size_t j = 0; j < forwards->count; j++) {
            uint16_t port = (uint16_t)forwards->items[j].port;
            network_add_forward(simulation->network, homes->items[i].name.text, port,
                                forwards->items[j].to.text, port);
        }
    }
}

static Machine add_machine(Simulation *simulation, const char *name, const char *router,
                           const LinkParameters *link, const TcpParameters *tcp)
{
    Host *host = is_home(simulation, router)
                     ? network_add_private_host(simulation->network, name, router)
                     : network_add_host(simulation->network, name);
    TcpOptions options = tcp_parameters_options(&simulation->scenario->network.tcp, tcp);
    /* RFC 9293 §3.7.1: a host announces what its own link can take. */
    options.mss = MIN(options.mss, tcp_mss_of_mtu((uint32_t)link->mtu_bytes));
    host_set_tcp_options(host, &options);
    add_link(simulation, name, router, link);
    return (Machine){
        .simulator = simulation->simulator,
        .trace = simulation->trace,
        .network = simulation->network,
        .host = host,
        .node = host_node(host),
        .clock = {simulation->scenario->start.unix_seconds,
                  (int)simulation->scenario->start.offset_minutes},
        .name_faults = simulation->name_faults,
    };
}

static void add_agents(Simulation *simulation, const ScenarioPerson *person)
{
    for (size_t i = 0; i < person->agents.count; i++) {
        const ScenarioAgent *agent = &person->agents.items[i];
        g_autofree char *name = simulation_agent_host_name(person, agent);
        SimulatedAgent simulated = {
            .person = person,
            .scenario = agent,
            .machine = add_machine(simulation, name, agent->router.text, &agent->link, &agent->tcp),
        };
        g_array_append_val(simulation->agents, simulated);
    }
}

/* A node, or a range; text NULL: anybody. */
static AddressRange range_of(const Simulation *simulation, const char *text)
{
    AddressRange range = {0, 0};
    if (text == NULL || ipv4_parse_range(text, &range.address, &range.mask))
        return range;
    return (AddressRange){network_address_of(simulation->network, text), UINT32_MAX};
}

void simulation_append_rule(const Simulation *simulation, const ScenarioRule *rule, GArray *filters)
{
    static const FilterVerdict VERDICTS[] = {[FIREWALL_ALLOW] = FILTER_ALLOW,
                                             [FIREWALL_DROP] = FILTER_DROP,
                                             [FIREWALL_REJECT] = FILTER_REJECT,
                                             [FIREWALL_RESET] = FILTER_RESET};
    static const uint8_t PROTOCOLS[] = {[FIREWALL_TCP] = PACKET_TCP,
                                        [FIREWALL_UDP] = PACKET_UDP,
                                        [FIREWALL_ICMP] = PACKET_ICMP,
                                        [FIREWALL_ANY] = 0};
    for (size_t from = 0; from < MAX(rule->from.count, 1); from++) {
        for (size_t to = 0; to < MAX(rule->to.count, 1); to++) {
            FilterRule filter = {
                .verdict = VERDICTS[rule->action],
                .protocol = PROTOCOLS[rule->protocol],
                .port = rule->port == SCENARIO_UNSET ? 0 : (uint16_t)rule->port,
                .from =
                    range_of(simulation, rule->from.count > 0 ? rule->from.items[from].text : NULL),
                .to = range_of(simulation, rule->to.count > 0 ? rule->to.items[to].text : NULL),
            };
            g_array_append_val(filters, filter);
        }
    }
}

static void add_rule(const Simulation *simulation, const ScenarioRule *rule)
{
    g_autoptr(GArray) filters = g_array_new(FALSE, FALSE, sizeof(FilterRule));
    simulation_append_rule(simulation, rule, filters);
    for (guint i = 0; i < filters->len; i++)
        network_add_filter(simulation->network, rule->host.text,
                           g_array_index(filters, FilterRule, i));
}

/* Last, so that no other machine gets another address when programs outside take part. */
static void add_outside(Simulation *simulation)
{
    const SimulationOutside *outside = simulation->options.outside;
    const ScenarioNetwork *network = &simulation->scenario->network;
    const char *router = network->routers.items[0].text;
    size_t count = g_strv_length(outside->domains);
    simulation->outside = g_new0(Machine, count + 1);
    simulation->outside[0] =
        add_machine(simulation, GATEWAY_HOST, router, &network->default_link, NULL);
    for (size_t i = 0; i < count; i++)
        simulation->outside[i + 1] =
            add_machine(simulation, outside->domains[i], router, &network->default_link, NULL);
}

void simulation_build_network(Simulation *simulation)
{
    const Scenario *scenario = simulation->scenario;
    const ScenarioNetwork *network = &scenario->network;
    simulation->network = network_new(simulation->trace);
    for (size_t i = 0; i < network->routers.count; i++)
        network_add_router(simulation->network, network->routers.items[i].text);
    for (size_t i = 0; i < network->links.count; i++) {
        const ScenarioLink *link = &network->links.items[i];
        add_link(simulation, link->between.items[0].text, link->between.items[1].text,
                 &link->parameters);
    }
    add_homes(simulation);
    simulation->name_server_machine =
        add_machine(simulation, SIMULATION_NAME_SERVER, network->routers.items[0].text,
                    &network->default_link, NULL);
    for (size_t i = 0; i < scenario->servers.count; i++) {
        const ScenarioServer *server = &scenario->servers.items[i];
        simulation->servers[i] = (SimulatedServer){
            .scenario = server,
            .machine = add_machine(simulation, server->name.text, server->router.text,
                                   &server->link, &server->tcp),
        };
    }
    for (size_t i = 0; i < scenario->people.count; i++)
        add_agents(simulation, &scenario->people.items[i]);
    add_forwards(simulation);
    set_one_ways(simulation);
    for (size_t i = 0; i < network->firewall.count; i++)
        add_rule(simulation, &network->firewall.items[i]);
    if (simulation->options.outside != NULL)
        add_outside(simulation);
    network_finish(simulation->network);
}
