/* The network of a scenario as the header of its trace tells it. See topology.h. */
#include "scenario/topology.h"

#include "scenario/simulation.h"

#include <string.h>

static size_t count_nodes(const Scenario *scenario)
{
    const ScenarioNetwork *network = &scenario->network;
    size_t count = network->routers.count + network->homes.count + 1 + scenario->servers.count;
    for (size_t i = 0; i < scenario->people.count; i++)
        count += scenario->people.items[i].agents.count;
    return count;
}

static void add_link(Topology *topology, const char *a, const char *b,
                     const LinkParameters *parameters)
{
    topology->links[topology->link_count++] =
        (NdjsonLink){a, b, parameters->delay_ns, parameters->rate_bps};
}

static void add_routers(Topology *topology, const ScenarioNetwork *network)
{
    for (size_t i = 0; i < network->routers.count; i++)
        topology->nodes[topology->node_count++] =
            (NdjsonNode){.name = network->routers.items[i].text, .role = "router"};
    for (size_t i = 0; i < network->links.count; i++) {
        const ScenarioLink *link = &network->links.items[i];
        add_link(topology, link->between.items[0].text, link->between.items[1].text,
                 &link->parameters);
    }
}

/* Whoever lives in a home names its router as the own one. */
static void add_homes(Topology *topology, const ScenarioHomes *homes)
{
    for (size_t i = 0; i < homes->count; i++) {
        const ScenarioHome *home = &homes->items[i];
        topology->nodes[topology->node_count++] =
            (NdjsonNode){.name = home->name.text, .role = "router"};
        add_link(topology, home->name.text, home->router.text, &home->link);
    }
}

/* The domain is what follows the address's last @. */
static const char *server_of(const Scenario *scenario, const char *address)
{
    const char *at = strrchr(address, '@');
    const ScenarioServer *server = at != NULL ? scenario_find_domain(scenario, at + 1) : NULL;
    return server != NULL ? server->name.text : NULL;
}

static void add_agents(Topology *topology, const Scenario *scenario, const ScenarioPerson *person)
{
    for (size_t i = 0; i < person->agents.count; i++) {
        const ScenarioAgent *agent = &person->agents.items[i];
        g_autofree char *name = simulation_agent_host_name(person, agent);
        NdjsonNode node = {.name = g_string_chunk_insert(topology->texts, name),
                           .role = "agent",
                           .person = person->name.text,
                           .address = person->address.text,
                           .server = server_of(scenario, person->address.text)};
        topology->nodes[topology->node_count++] = node;
        add_link(topology, node.name, agent->router.text, &agent->link);
    }
}

Topology *topology_new(const Scenario *scenario)
{
    const ScenarioNetwork *network = &scenario->network;
    size_t count = count_nodes(scenario);
    Topology *topology = g_new0(Topology, 1);
    topology->texts = g_string_chunk_new(256);
    topology->nodes = g_new0(NdjsonNode, count);
    topology->links = g_new0(NdjsonLink, count + network->links.count);
    add_routers(topology, network);
    add_homes(topology, &network->homes);
    topology->nodes[topology->node_count++] =
        (NdjsonNode){.name = SIMULATION_NAME_SERVER, .role = "nameserver"};
    add_link(topology, SIMULATION_NAME_SERVER, network->routers.items[0].text,
             &network->default_link);
    for (size_t i = 0; i < scenario->servers.count; i++) {
        const ScenarioServer *server = &scenario->servers.items[i];
        topology->nodes[topology->node_count++] =
            (NdjsonNode){.name = server->name.text, .role = "server"};
        add_link(topology, server->name.text, server->router.text, &server->link);
    }
    for (size_t i = 0; i < scenario->people.count; i++)
        add_agents(topology, scenario, &scenario->people.items[i]);
    return topology;
}

void topology_free(Topology *topology)
{
    g_string_chunk_free(topology->texts);
    g_free(topology->nodes);
    g_free(topology->links);
    g_free(topology);
}
