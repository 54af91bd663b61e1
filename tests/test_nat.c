/* Tests of NAT: mappings, their end, what comes uninvited, forwards, hairpins, and ICMP errors. */
#include "net_pair.h"

#include "net/nat.h"

enum { DNS_PORT = 53 };

static const LinkOptions FAST = {.delay_ns = SIM_MILLISECOND, .rate_bits_per_second = 100000000};

/* alice, carol - home - r1 - bob */
static World *world_with_home(void)
{
    World *world = world_new(3);
    Network *network = world->network;
    network_add_router(network, "r1");
    network_add_nat_router(network, "home",
                           (NatOptions){.tcp_timeout = 10 * SIM_MINUTE, .udp_timeout = SIM_MINUTE});
    network_add_private_host(network, "alice", "home");
    network_add_private_host(network, "carol", "home");
    network_add_host(network, "bob");
    network_add_link(network, "alice", "home", FAST);
    network_add_link(network, "carol", "home", FAST);
    network_add_link(network, "home", "r1", FAST);
    network_add_link(network, "r1", "bob", FAST);
    network_add_forward(network, "home", 25, "carol", 2525);
    network_finish(network);
    return world;
}

typedef struct Heard {
    int count;
    Ipv4Address source;
    uint16_t source_port;
} Heard;

static void hear(void *owner, Ipv4Address source, uint16_t port, Span data)
{
    (void)data;
    Heard *heard = owner;
    *heard = (Heard){heard->count + 1, source, port};
}

static void say(World *world, const char *from, uint16_t from_port, Ipv4Address to, uint16_t port)
{
    g_autoptr(Octets) data = octets_new("hello", 5);
    host_udp_send(network_find_host(world->network, from), from_port, to, port, data);
    world_run(world, SIM_NEVER);
}

static void nothing(void *owner, void *data)
{
    (void)owner;
    (void)data;
}

static void wait_until(World *world, SimTime time)
{
    world_at(world, time, NODE_TIMELINE, nothing, world);
    world_run(world, SIM_NEVER);
}

static void test_mapping(void **state)
{
    (void)state;
    World *world = world_with_home();
    Network *network = world->network;
    Ipv4Address home = network_address_of(network, "home");
    Ipv4Address bob = network_address_of(network, "bob");
    Heard at_bob = {0}, at_alice = {0}, at_carol = {0};
    assert_int_equal(host_address(network_find_host(network, "alice")), 0x0A000002);
    assert_int_equal(network_address_of(network, "alice"), home);
    host_udp_bind(network_find_host(network, "bob"), DNS_PORT, hear, &at_bob);
    host_udp_bind(network_find_host(network, "alice"), 5000, hear, &at_alice);
    host_udp_bind(network_find_host(network, "carol"), 5000, hear, &at_carol);
    say(world, "alice", 5000, bob, DNS_PORT);
    assert_int_equal(at_bob.source, home);
    assert_int_equal(at_bob.source_port, 5000); /* kept, as it is free */
    say(world, "carol", 5000, bob, DNS_PORT);
    assert_int_equal(at_bob.source_port, 5001);
    say(world, "bob", DNS_PORT, home, 5001);
    say(world, "bob", DNS_PORT, home, 5000);
    assert_int_equal(at_carol.count, 1);
    assert_int_equal(at_alice.count, 1);
    assert_int_equal(at_alice.source, bob);
    assert_int_equal(world_count(world, "nat.map"), 2);
    /* Nobody has asked for this: it ends at the router, in silence. */
    say(world, "bob", DNS_PORT, home, 5002);
    say(world, "bob", DNS_PORT, host_address(network_find_host(network, "alice")), 5000);
    assert_int_equal(at_alice.count, 1);
    assert_int_equal(world_count(world, "home link.drop"), 1);
    world_assert_has(world, "to=- reason=no mapping");
    world_assert_has(world, "r1 link.drop packet=5#4 to=- reason=no route");
    /* A minute later the mapping is gone. */
    wait_until(world, simulator_now(world->simulator) + SIM_MINUTE);
    say(world, "bob", DNS_PORT, home, 5000);
    assert_int_equal(at_alice.count, 1);
    assert_int_equal(world_count(world, "reason=no mapping"), 2);
    /* At home nothing is translated. */
    int before = world_count(world, "nat.translate");
    say(world, "carol", 5000, host_address(network_find_host(network, "alice")), 5000);
    assert_int_equal(at_alice.count, 2);
    assert_int_equal(world_count(world, "nat.translate"), before);
    world_free(world);
}

static void play_connection(const char *client, const char *server, uint16_t listen, uint16_t port)
{
    World *world = world_with_home();
    Network *network = world->network;
    End ends[2];
    for (int i = 0; i < 2; i++)
        end_init(&ends[i], world);
    ends[0].outgoing = text_bytes(BULK, 1);
    ends[1].outgoing = text_bytes(BULK, 99);
    host_listen(network_find_host(network, server), listen, end_accept, &ends[1]);
    ends[0].stream =
        host_connect(network_find_host(network, client), network_address_of(network, server), port,
                     (StreamHandler){end_on_event, &ends[0]});
    world_run(world, SIM_NEVER);
    assert_got(&ends[1], BULK, 1);
    assert_got(&ends[0], BULK, 99);
    assert_int_equal(world_count(world, "reason=no mapping"), 0);
    for (int i = 0; i < 2; i++)
        end_clear(&ends[i]);
    world_free(world);
}

/* Out, in through a forward, and from inside to the forward (RFC 4787 REQ-9). */
static void test_connections(void **state)
{
    (void)state;
    play_connection("alice", "bob", 80, 80);
    play_connection("bob", "carol", 2525, 25);
    play_connection("alice", "carol", 2525, 25);
}

/* RFC 5508: the error reaches the host inside, and quotes the packet as that host sent it. */
static void test_icmp(void **state)
{
    (void)state;
    World *world = world_with_home();
    Network *network = world->network;
    say(world, "carol", 7000, network_address_of(network, "bob"), 9); /* takes the number */
    say(world, "alice", 7000, network_address_of(network, "bob"), 9);
    world_assert_has(world, "carol icmp.receive packet=5#1 about=4#1 icmp.type=3 icmp.code=3");
    world_assert_has(world, "alice icmp.receive packet=5#2 about=3#1 icmp.type=3 icmp.code=3");
    End end;
    end_init(&end, world);
    end.stream = host_connect(network_find_host(network, "alice"), 0xC0000201, 80,
                              (StreamHandler){end_on_event, &end});
    TcpOptions options;
    tcp_options_init(&options, TCP_PROFILE_LINUX);
    host_set_tcp_options(network_find_host(network, "alice"), &options);
    stream_release(end.stream);
    end.stream = host_connect(network_find_host(network, "alice"), 0xC0000201, 80,
                              (StreamHandler){end_on_event, &end});
    world_run(world, SIM_NEVER);
    /* Its TCP found the connection that the error is about. */
    assert_int_equal(end.failure, STREAM_UNREACHABLE);
    end_clear(&end);
    world_free(world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_mapping),
        cmocka_unit_test(test_connections),
        cmocka_unit_test(test_icmp),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
