/* Tests of network and routing: addresses, routes, faults and convergence, routers' ICMP. */
#include "net_world.h"

#include "net/routing.h"

enum { PORT = 53 };

static LinkOptions link_of(SimTime delay_ns)
{
    return (LinkOptions){.delay_ns = delay_ns, .rate_bits_per_second = 1000000000};
}

/* alice - west, bob - east; west and east joined by north (short) and by south (long). */
static World *world_with_two_ways(void)
{
    World *world = world_new(1);
    Network *network = world->network;
    const char *const routers[] = {"west", "east", "north", "south"};
    for (size_t i = 0; i < G_N_ELEMENTS(routers); i++)
        network_add_router(network, routers[i]);
    network_add_host(network, "alice");
    network_add_host(network, "bob");
    network_add_link(network, "alice", "west", link_of(SIM_MILLISECOND));
    network_add_link(network, "bob", "east", link_of(SIM_MILLISECOND));
    network_add_link(network, "west", "south", link_of(20 * SIM_MILLISECOND));
    network_add_link(network, "south", "east", link_of(20 * SIM_MILLISECOND));
    network_add_link(network, "west", "north", link_of(10 * SIM_MILLISECOND));
    network_add_link(network, "north", "east", link_of(10 * SIM_MILLISECOND));
    network_finish(network);
    return world;
}

static void count_datagram(void *owner, Ipv4Address source, uint16_t port, Span data)
{
    (void)source;
    (void)port;
    (void)data;
    (*(int *)owner)++;
}

static void send_one(void *owner, void *data)
{
    (void)data;
    World *world = owner;
    g_autoptr(Octets) bytes = octets_new("hello", 5);
    Host *bob = network_find_host(world->network, "bob");
    host_udp_send(network_find_host(world->network, "alice"), 1000, host_address(bob), PORT, bytes);
}

static void send_at(World *world, SimTime time)
{
    world_at(world, time, host_node(network_find_host(world->network, "alice")), send_one, world);
}

static uint64_t fault_to_bob(const World *world)
{
    const Network *network = world->network;
    return network_peek_fault(network, network_find_host(network, "alice"),
                              host_address(network_find_host(network, "bob")));
}

static void north_down(void *owner, void *data)
{
    (void)data;
    network_link_down(((World *)owner)->network, "west", "north", 0);
}

static void north_up(void *owner, void *data)
{
    (void)data;
    network_link_up(((World *)owner)->network, "west", "north", 0);
}

static void south_down(void *owner, void *data)
{
    (void)data;
    network_link_down(((World *)owner)->network, "south", "east", 0);
}

static void test_addresses(void **state)
{
    (void)state;
    World *world = world_with_two_ways();
    Host *alice = network_find_host(world->network, "alice");
    Host *bob = network_find_host(world->network, "bob");
    assert_int_equal(host_address(alice), 0xC6120001);
    assert_int_equal(host_address(bob), 0xC6120002);
    assert_string_equal(host_name(bob), "bob");
    assert_ptr_equal(network_host_by_address(world->network, 0xC6120002), bob);
    assert_null(network_host_by_address(world->network, 0xC6120003));
    assert_null(network_host_by_address(world->network, 0xC613FFFE)); /* a router */
    assert_null(network_host_by_address(world->network, 0));
    assert_null(network_find_host(world->network, "west"));
    assert_null(network_find_host(world->network, "carol"));
    world_free(world);
}

/* Until routes have converged packets run into the dead link; then they take the long way, and
 * return to the short one a convergence time after it is back. */
static void test_routes_converge(void **state)
{
    (void)state;
    World *world = world_with_two_ways();
    int received = 0;
    host_udp_bind(network_find_host(world->network, "bob"), PORT, count_datagram, &received);
    send_at(world, 0);
    world_at(world, SIM_SECOND, NODE_TIMELINE, north_down, world);
    send_at(world, SIM_SECOND + 900 * SIM_MILLISECOND);
    send_at(world, 3 * SIM_SECOND);
    world_at(world, 4 * SIM_SECOND, NODE_TIMELINE, north_up, world);
    send_at(world, 4 * SIM_SECOND + 900 * SIM_MILLISECOND);
    send_at(world, 6 * SIM_SECOND);

    world_run(world, SIM_SECOND + 500 * SIM_MILLISECOND);
    assert_int_equal(received, 1);
    assert_int_equal(world_count(world, "to=north"), 1);
    assert_int_not_equal(fault_to_bob(world), 0);
    world_run(world, 2 * SIM_SECOND + 500 * SIM_MILLISECOND);
    assert_int_equal(received, 1);
    world_assert_has(world, "west link.drop packet=5#2 to=north reason=link down");
    assert_int_equal(fault_to_bob(world), 0); /* there is another way now */
    world_run(world, 5 * SIM_SECOND);
    assert_int_equal(received, 3);
    assert_int_equal(world_count(world, "to=south"), 2);
    world_run(world, SIM_NEVER);
    assert_int_equal(received, 4);
    assert_int_equal(world_count(world, "to=south"), 2);
    world_free(world);
}

/* Without a route the router tells the source, and every record names the link's fall. */
static void test_no_route(void **state)
{
    (void)state;
    World *world = world_with_two_ways();
    world_at(world, SIM_SECOND, NODE_TIMELINE, south_down, world);
    world_at(world, SIM_SECOND, NODE_TIMELINE, north_down, world);
    send_at(world, 3 * SIM_SECOND);
    world_run(world, SIM_NEVER);
    world_assert_has(world, "t=1000000000 south link.down a=south b=east");
    /* The first fault on the way that a packet would take: west to north. */
    world_assert_has(world, "2 <0 t=1000000000 west link.down a=west b=north");
    world_assert_has(world, " !2 t=3001000376 west link.drop packet=5#1 to=- reason=no route");
    world_assert_has(world, " !2 t=3001000376 west icmp.send packet=1#1 about=5#1 "
                            "ip.dst=198.18.0.1 icmp.type=3 icmp.code=1 meaning=host unreachable");
    assert_int_equal(fault_to_bob(world), 2);
    assert_int_equal(world_count(world, "to=alice"), 1);
    world_free(world);
}

static void bob_down(void *owner, void *data)
{
    (void)data;
    network_link_down(((World *)owner)->network, "bob", "east", 0);
}

static void bob_up(void *owner, void *data)
{
    (void)data;
    network_link_up(((World *)owner)->network, "bob", "east", 0);
}

/* The only link of a host: packets for it run into it, then its router knows and says so, and a
 * convergence time after the link is back they arrive again. */
static void test_the_last_hop_converges(void **state)
{
    (void)state;
    World *world = world_with_two_ways();
    int received = 0;
    host_udp_bind(network_find_host(world->network, "bob"), PORT, count_datagram, &received);
    world_at(world, SIM_SECOND, NODE_TIMELINE, bob_down, world);
    send_at(world, SIM_SECOND + 500 * SIM_MILLISECOND);
    send_at(world, 3 * SIM_SECOND);
    world_at(world, 4 * SIM_SECOND, NODE_TIMELINE, bob_up, world);
    send_at(world, 4 * SIM_SECOND + 500 * SIM_MILLISECOND);
    send_at(world, 6 * SIM_SECOND);
    world_run(world, 2 * SIM_SECOND);
    world_assert_has(world, "east link.drop packet=5#1 to=bob reason=link down");
    assert_int_equal(world_count(world, "icmp.send"), 0);
    world_run(world, 5 * SIM_SECOND);
    world_assert_has(world, "east link.drop packet=5#2 to=- reason=no route");
    world_assert_has(world, "east link.drop packet=5#3 to=- reason=no route");
    assert_int_equal(world_count(world, "icmp.send"), 2);
    assert_int_equal(received, 0);
    world_run(world, SIM_NEVER);
    assert_int_equal(received, 1);
    world_free(world);
}

/* The first time to live, 64, is enough for 63 routers. */
static void test_time_to_live(void **state)
{
    (void)state;
    World *world = world_new(1);
    Network *network = world->network;
    char name[2][16];
    network_add_host(network, "alice");
    network_add_host(network, "bob");
    for (int i = 0; i < 70; i++) {
        g_snprintf(name[i % 2], sizeof name[0], "r%d", i);
        network_add_router(network, name[i % 2]);
        network_add_link(network, i == 0 ? "alice" : name[(i + 1) % 2], name[i % 2], link_of(1000));
    }
    network_add_link(network, "r69", "bob", link_of(1000));
    network_finish(network);
    send_at(world, 0);
    world_run(world, SIM_NEVER);
    world_assert_has(world, "r63 link.drop packet=1#1 to=- reason=TTL exceeded");
    world_assert_has(world, "r63 icmp.send packet=66#1 about=1#1 ip.dst=198.18.0.1 icmp.type=11");
    assert_int_equal(world_count(world, "reason="), 1); /* the report itself arrives */
    world_free(world);
}

static void test_port_unreachable(void **state)
{
    (void)state;
    World *world = world_with_two_ways();
    send_at(world, 0);
    world_run(world, SIM_NEVER);
    world_assert_has(world, "bob icmp.send packet=6#1 about=5#1 ip.dst=198.18.0.1 icmp.type=3 "
                            "icmp.code=3 meaning=port unreachable");
    world_free(world);
}

typedef struct Parting {
    World *world;
    uint64_t because;
} Parting;

static void part(void *owner, void *data)
{
    (void)data;
    Parting *parting = owner;
    Network *network = parting->world->network;
    const char *const first[] = {"alice"};
    const char *const second[] = {"bob", "south"};
    NetworkGroup groups[] = {{first, 1}, {second, 2}};
    parting->because =
        TRACE(parting->world->trace, NODE_TIMELINE, TIMELINE_ACTION, 0, .action = "partition");
    network_partition(network, groups, 2, parting->because);
}

static void heal(void *owner, void *data)
{
    (void)data;
    network_heal(((Parting *)owner)->world->network);
}

static void test_partition(void **state)
{
    (void)state;
    World *world = world_with_two_ways();
    Parting parting = {.world = world};
    int received = 0;
    host_udp_bind(network_find_host(world->network, "bob"), PORT, count_datagram, &received);
    world_at(world, SIM_SECOND, NODE_TIMELINE, part, &parting);
    send_at(world, 2 * SIM_SECOND);
    world_at(world, 3 * SIM_SECOND, NODE_TIMELINE, heal, &parting);
    send_at(world, 4 * SIM_SECOND);
    world_run(world, 2 * SIM_SECOND);
    world_assert_has(world, " !1 t=2000000000 alice link.drop packet=5#1 to=- reason=partition");
    assert_int_equal(fault_to_bob(world), parting.because);
    world_run(world, SIM_NEVER);
    assert_int_equal(received, 1);
    assert_int_equal(fault_to_bob(world), 0);
    world_free(world);
}

static void part_routers(void *owner, void *data)
{
    (void)data;
    const char *const first[] = {"west"};
    const char *const second[] = {"north"};
    NetworkGroup groups[] = {{first, 1}, {second, 1}};
    network_partition(((World *)owner)->network, groups, 2, 0);
}

/* Routers kept apart lose the link between them; packets go another way when routes know it. */
static void test_partition_of_routers(void **state)
{
    (void)state;
    World *world = world_with_two_ways();
    int received = 0;
    host_udp_bind(network_find_host(world->network, "bob"), PORT, count_datagram, &received);
    world_at(world, SIM_SECOND, NODE_TIMELINE, part_routers, world);
    send_at(world, SIM_SECOND + 1);
    send_at(world, 3 * SIM_SECOND);
    world_run(world, SIM_NEVER);
    assert_int_equal(world_count(world, "west link.drop packet=5#1 to=north reason=partition"), 1);
    assert_int_equal(world_count(world, "packet=5#2 to=south"), 1);
    assert_int_equal(received, 1);
    world_free(world);
}

/* Nobody has the address: the host's router knows, and says so. */
static void test_unknown_address(void **state)
{
    (void)state;
    World *world = world_with_two_ways();
    g_autoptr(Octets) bytes = octets_new("hello", 5);
    host_udp_send(network_find_host(world->network, "alice"), 1000, 0xC0000201, PORT, bytes);
    world_run(world, SIM_NEVER);
    world_assert_has(world, "west link.drop packet=5#1 to=- reason=no route");
    world_assert_has(world, "west icmp.send packet=1#1 about=5#1 ip.dst=198.18.0.1 icmp.type=3 "
                            "icmp.code=1 meaning=host unreachable");
    world_free(world);
}

/* Of two ways of the same length the next node's name decides; hosts are no way at all. */
static void test_routing(void **state)
{
    (void)state;
    Routing *routing = routing_new();
    uint32_t a = routing_add_node(routing, "a", true);
    uint32_t z = routing_add_node(routing, "z", true);
    uint32_t m = routing_add_node(routing, "m", true);
    uint32_t host = routing_add_node(routing, "b", false);
    uint32_t end = routing_add_node(routing, "end", true);
    uint32_t leaf = routing_add_node(routing, "leaf", false);
    routing_add_edge(routing, a, z, 10);
    uint32_t to_m = routing_add_edge(routing, a, m, 5);
    uint32_t to_host = routing_add_edge(routing, a, host, 1);
    uint32_t z_end = routing_add_edge(routing, z, end, 10);
    routing_add_edge(routing, m, end, 15);
    routing_add_edge(routing, host, end, 1);
    uint32_t to_leaf = routing_add_edge(routing, end, leaf, 3);
    routing_finish(routing);
    assert_int_equal(routing_next_edge(routing, a, end), to_m);
    assert_int_equal(routing_next_edge(routing, a, leaf), to_m);
    assert_int_equal(routing_next_edge(routing, a, host), to_host);
    assert_int_equal(routing_next_edge(routing, leaf, a), to_leaf);
    assert_int_equal(routing_next_edge(routing, end, leaf), to_leaf);
    routing_set_usable(routing, to_m, false);
    assert_int_equal(routing_next_edge(routing, a, end), 0);
    routing_set_usable(routing, z_end, false);
    assert_int_equal(routing_next_edge(routing, a, end), ROUTING_NO_EDGE);
    assert_int_equal(routing_next_edge(routing, a, leaf), ROUTING_NO_EDGE);
    routing_set_usable(routing, to_leaf, false);
    assert_int_equal(routing_next_edge(routing, end, leaf), ROUTING_NO_EDGE);
    assert_int_equal(routing_next_edge(routing, leaf, a), to_leaf);
    routing_free(routing);
}

static void test_udp_ports(void **state)
{
    (void)state;
    World *world = world_with_two_ways();
    Host *alice = network_find_host(world->network, "alice");
    int received = 0;
    assert_int_equal(host_udp_bind(alice, 0, count_datagram, &received), 49152);
    assert_int_equal(host_udp_bind(alice, 49153, count_datagram, &received), 49153);
    assert_int_equal(host_udp_bind(alice, 49153, count_datagram, &received), 0);
    assert_int_equal(host_udp_bind(alice, 0, count_datagram, &received), 49154);
    host_udp_unbind(alice, 49152);
    for (uint32_t port = 49155; port <= 65535; port++)
        assert_int_equal(host_udp_bind(alice, 0, count_datagram, &received), port);
    assert_int_equal(host_udp_bind(alice, 0, count_datagram, &received), 49152);
    assert_int_equal(host_udp_bind(alice, 0, count_datagram, &received), 0);
    /* A host reaches itself, over no link. */
    g_autoptr(Octets) bytes = octets_new("hello", 5);
    host_udp_send(alice, 49152, host_address(alice), 49153, bytes);
    world_run(world, SIM_NEVER);
    assert_int_equal(received, 1);
    assert_int_equal(world_count(world, "link."), 0);
    world_free(world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_addresses),        cmocka_unit_test(test_routes_converge),
        cmocka_unit_test(test_no_route),         cmocka_unit_test(test_the_last_hop_converges),
        cmocka_unit_test(test_time_to_live),     cmocka_unit_test(test_partition),
        cmocka_unit_test(test_port_unreachable), cmocka_unit_test(test_routing),
        cmocka_unit_test(test_udp_ports),        cmocka_unit_test(test_partition_of_routers),
        cmocka_unit_test(test_unknown_address),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
