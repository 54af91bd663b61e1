/* Building a network, and looking its nodes up. See network.h. */
#include "net/network_internal.h"

#include "core/cache_line.h"
#include "core/check.h"
#include "net/host_internal.h"
#include "net/nat_internal.h"

#define ADDRESS_FIRST_HOST   ((Ipv4Address)0xC6120001) /* 198.18.0.1 */
#define ADDRESS_FIRST_ROUTER ((Ipv4Address)0xC613FFFE) /* 198.19.255.254 */

Network *network_new(Trace *trace)
{
    Network *network = g_new0(Network, 1);
    network->trace = trace;
    network->simulator = trace_simulator(trace);
    network->nodes = g_ptr_array_new_with_free_func(free);
    network->hosts = g_ptr_array_new();
    network->routers = g_ptr_array_new();
    network->vacated = g_hash_table_new(NULL, NULL);
    network->homes = g_ptr_array_new();
    network->by_name = g_hash_table_new(g_str_hash, g_str_equal);
    network->links = g_ptr_array_new_with_free_func(g_free);
    network->current = routing_new();
    network->intact = routing_new();
    network->convergence_ns = NETWORK_DEFAULT_CONVERGENCE;
    network->sockets = pool_new(tcp_socket_size());
    network->packets = pool_new(sizeof(Packet));
    return network;
}

void network_free(Network *network)
{
    for (guint i = 0; i < network->nodes->len; i++)
        g_clear_pointer(&network_node_at(network, i)->host, host_free);
    for (guint i = 0; i < network->homes->len; i++)
        nat_free(((NetworkNode *)network->homes->pdata[i])->nat);
    for (guint i = 0; i < network->links->len; i++)
        link_free(network_link_at(network, i)->link);
    for (guint i = 0; i < network->nodes->len; i++)
        g_clear_pointer(&network_node_at(network, i)->filters, g_array_unref);
    g_hash_table_unref(network->by_name);
    g_ptr_array_unref(network->hosts);
    g_ptr_array_unref(network->routers);
    g_hash_table_destroy(network->vacated);
    g_ptr_array_unref(network->homes);
    g_ptr_array_unref(network->links);
    g_ptr_array_unref(network->nodes);
    routing_free(network->current);
    routing_free(network->intact);
    pool_close(network->packets);
    pool_close(network->sockets);
    g_free(network);
}

void network_set_convergence(Network *network, SimTime convergence_ns)
{
    CHECK(convergence_ns > 0);
    network->convergence_ns = convergence_ns;
}

Trace *network_trace(const Network *network)
{
    return network->trace;
}

static NetworkNode *node_add(Network *network, const char *name, bool forwards)
{
    CHECK(!network->is_finished && network->nodes->len < NETWORK_MAX_NODES);
    CHECK(!g_hash_table_contains(network->by_name, name));
    NetworkNode *node = cache_line_new0(sizeof(NetworkNode));
    node->network = network;
    node->id = simulator_add_node(network->simulator, name);
    node->name = simulator_node_name(network->simulator, node->id);
    node->index = routing_add_node(network->current, node->name, forwards);
    routing_add_node(network->intact, node->name, forwards);
    g_ptr_array_add(network->nodes, node);
    g_hash_table_insert(network->by_name, (void *)node->name, node);
    return node;
}

void network_add_router(Network *network, const char *name)
{
    NetworkNode *node = node_add(network, name, true);
    node->address = ADDRESS_FIRST_ROUTER - network->routers->len;
    g_ptr_array_add(network->routers, node);
}

Host *network_add_host(Network *network, const char *name)
{
    NetworkNode *node = node_add(network, name, false);
    node->address = ADDRESS_FIRST_HOST + network->hosts->len;
    g_ptr_array_add(network->hosts, node);
    node->host = host_new(node);
    return node->host;
}

void network_add_nat_router(Network *network, const char *name, NatOptions options)
{
    CHECK(network->homes->len < NAT_MAX_HOMES);
    network_add_router(network, name);
    NetworkNode *node = network_node_named(network, name);
    node->nat = nat_new(node, network->homes->len, options);
    g_ptr_array_add(network->homes, node);
}

Host *network_add_private_host(Network *network, const char *name, const char *nat_router)
{
    NetworkNode *node = node_add(network, name, false);
    node->home = network_node_named(network, nat_router);
    node->address = nat_add_host(node->home->nat, node);
    node->host = host_new(node);
    return node->host;
}

void network_add_forward(Network *network, const char *nat_router, uint16_t port, const char *host,
                         uint16_t host_port)
{
    const NetworkNode *router = network_node_named(network, nat_router);
    nat_forward(router->nat, port, network_node_named(network, host)->address, host_port);
}

void network_add_link(Network *network, const char *a, const char *b, LinkOptions options)
{
    CHECK(!network->is_finished);
    NetworkNode *ends[] = {network_node_named(network, a), network_node_named(network, b)};
    static const LinkReceiver receiver = {network_deliver, network_fetch};
    NetworkLink *link = g_new0(NetworkLink, 1);
    link->network = network;
    for (int i = 0; i < 2; i++) {
        link->ends[i] = ends[i]->index;
        ends[i]->link_count++;
    }
    link->built[0] = link->built[1] = options;
    link->is_usable = true;
    link->link = link_new(network->trace, (LinkEnd){ends[0]->id, ends[0]},
                          (LinkEnd){ends[1]->id, ends[1]}, options, &receiver);
    link->edge =
        routing_add_edge(network->current, ends[0]->index, ends[1]->index, options.delay_ns);
    routing_add_edge(network->intact, ends[0]->index, ends[1]->index, options.delay_ns);
    g_ptr_array_add(network->links, link);
}

void network_note_way_in(const NetworkLink *link, bool is_usable)
{
    for (int i = 0; i < 2; i++) {
        NetworkNode *node = network_node_at(link->network, link->ends[i]);
        if (node->neighbour != NULL)
            node->way_in = is_usable ? link_direction(link->link, node->neighbour->id) : NULL;
    }
}

static void note_only_link(const NetworkLink *link)
{
    for (int i = 0; i < 2; i++) {
        NetworkNode *node = network_node_at(link->network, link->ends[i]);
        if (node->host == NULL || node->link_count != 1)
            continue;
        node->neighbour = network_node_at(link->network, link->ends[1 - i]);
        node->way_out = link_direction(link->link, node->id);
    }
    network_note_way_in(link, true);
}

void network_finish(Network *network)
{
    CHECK(!network->is_finished);
    network->is_finished = true;
    for (guint i = 0; i < network->links->len; i++)
        note_only_link(network_link_at(network, i));
    routing_finish(network->current);
    routing_finish(network->intact);
}

/* ---- What there is to say at the beginning, and new addresses ---- */

static uint64_t announce_address(NetworkNode *router, uint64_t because)
{
    g_autofree char *forwards = nat_format_forwards(router->nat);
    router->nat_because = TRACE(router->network->trace, router->id, NAT_ADDRESS, because,
                                .address = router->address, .forwards = forwards);
    return router->nat_because;
}

void network_announce(Network *network)
{
    Cause *cause = simulator_cause(network->simulator);
    Cause before = *cause;
    for (uint32_t index = 0; index < network->nodes->len; index++) {
        NetworkNode *node = network_node_at(network, index);
        *cause = before;
        if (node->nat != NULL)
            announce_address(node, 0);
        if (node->filters != NULL)
            network_announce_filters(node, 0);
    }
    *cause = before;
}

/* Who has the router's address from now on; NULL: nobody. */
static void hand_address(Network *network, Ipv4Address address, NetworkNode *owner)
{
    network->routers->pdata[ADDRESS_FIRST_ROUTER - address] = owner;
    if (owner != NULL)
        owner->address = address;
}

static void note_vacated(Network *network, Ipv4Address address, uint64_t seq)
{
    g_hash_table_insert(network->vacated, GUINT_TO_POINTER(address), GSIZE_TO_POINTER(seq));
}

void network_renumber(Network *network, const char *nat_router, const char *heir, uint64_t because)
{
    NetworkNode *router = network_node_named(network, nat_router);
    NetworkNode *next = heir != NULL ? network_node_named(network, heir) : NULL;
    Ipv4Address old = router->address, left = next != NULL ? next->address : old;
    g_ptr_array_add(network->routers, router);
    router->address = ADDRESS_FIRST_ROUTER - (network->routers->len - 1);
    if (next != NULL)
        hand_address(network, left, NULL);
    hand_address(network, old, next);
    nat_forget(router->nat);
    uint64_t seq = announce_address(router, because);
    if (next != NULL) {
        nat_forget(next->nat);
        seq = announce_address(next, because);
    }
    note_vacated(network, left, seq);
}

uint64_t network_vacated_because(const Network *network, Ipv4Address address)
{
    return GPOINTER_TO_SIZE(g_hash_table_lookup(network->vacated, GUINT_TO_POINTER(address)));
}

NetworkNode *network_node_at(const Network *network, uint32_t index)
{
    CHECK(index < network->nodes->len);
    return network->nodes->pdata[index];
}

NetworkLink *network_link_at(const Network *network, uint32_t edge)
{
    CHECK(edge < network->links->len);
    return network->links->pdata[edge];
}

NetworkNode *network_node_named(const Network *network, const char *name)
{
    NetworkNode *node = g_hash_table_lookup(network->by_name, name);
    CHECK(node != NULL);
    return node;
}

NetworkNode *network_node_by_address(const Network *network, Ipv4Address address)
{
    if (address - ADDRESS_FIRST_HOST < network->hosts->len)
        return network->hosts->pdata[address - ADDRESS_FIRST_HOST];
    if (ADDRESS_FIRST_ROUTER - address < network->routers->len)
        return network->routers->pdata[ADDRESS_FIRST_ROUTER - address];
    uint32_t home = (address - NAT_INSIDE) >> 8;
    if (home < network->homes->len)
        return nat_host_at(((NetworkNode *)network->homes->pdata[home])->nat, address);
    return NULL;
}

Ipv4Address network_address_of(const Network *network, const char *name)
{
    const NetworkNode *node = network_node_named(network, name);
    return node->home != NULL ? node->home->address : node->address;
}

Host *network_find_host(const Network *network, const char *name)
{
    const NetworkNode *node = g_hash_table_lookup(network->by_name, name);
    return node != NULL ? node->host : NULL;
}

Host *network_host_by_address(const Network *network, Ipv4Address address)
{
    const NetworkNode *node = network_node_by_address(network, address);
    return node != NULL ? node->host : NULL;
}
