/* Tests of link: times to the nanosecond, busy links, queues, loss and cuts. */
#include "net_world.h"

#include "net/packet.h"

enum { PORT = 53, DATA = 58, FRAME = DATA + 8 + 20 + 14 }; /* 100 octets */

static const LinkOptions FAST = {.delay_ns = 1000, .rate_bits_per_second = 1000000000};

/* alice - r1 - r2 - bob */
static World *world_with_routers(LinkOptions middle)
{
    World *world = world_new(1);
    network_add_router(world->network, "r1");
    network_add_router(world->network, "r2");
    network_add_host(world->network, "alice");
    network_add_host(world->network, "bob");
    network_add_link(world->network, "alice", "r1", FAST);
    network_add_link(world->network, "r2", "r1", middle);
    network_add_link(world->network, "r2", "bob", FAST);
    network_finish(world->network);
    return world;
}

static void send_count(World *world, int count, size_t size)
{
    g_autofree uint8_t *octets = g_malloc0(size);
    g_autoptr(GBytes) data = g_bytes_new(octets, size);
    Host *alice = network_find_host(world->network, "alice");
    Host *bob = network_find_host(world->network, "bob");
    for (int i = 0; i < count; i++)
        host_udp_send(alice, 1000, host_address(bob), PORT, data);
}

static void receive_nothing(void *owner, Ipv4Address source, uint16_t port, Span data)
{
    (void)source;
    (void)port;
    (void)data;
    (*(int *)owner)++;
}

static void bind_bob(World *world, int *received)
{
    Host *bob = network_find_host(world->network, "bob");
    assert_int_equal(host_udp_bind(bob, PORT, receive_nothing, received), PORT);
}

/* Store and forward: each hop adds 100 octets at its rate and its delay. */
static void test_times_over_routers(void **state)
{
    (void)state;
    LinkOptions slow = {.delay_ns = 20 * SIM_MILLISECOND, .rate_bits_per_second = 3000000};
    World *world = world_with_routers(slow);
    int received = 0;
    bind_bob(world, &received);
    send_count(world, 1, DATA);
    uint64_t before = simulator_event_count(world->simulator);
    assert_int_equal(world_run(world, SIM_NEVER), SIMULATOR_END_QUIET);
    assert_int_equal(received, 1);
    assert_int_equal(simulator_event_count(world->simulator) - before, 3); /* one a hop */
    /* 800 bits at 1 Gbit/s are 800 ns; at 3 Mbit/s 266,666.6…, rounded up. */
    SimTime expected = 1800 + 266667 + 20000000 + 1800;
    assert_int_equal(simulator_now(world->simulator), expected);
    world_assert_has(world, "t=1800 r1 link.transmit packet=3#1 to=r2 frame.len=100 ip.ttl=63 "
                            "starts_at=1800 ends_at=268467 arrives_at=20268467\n");
    world_free(world);
}

static void test_packets_wait_their_turn(void **state)
{
    (void)state;
    LinkOptions slow = {.delay_ns = 5000, .rate_bits_per_second = 1000000};
    World *world = world_with_routers(slow);
    int received = 0;
    bind_bob(world, &received);
    send_count(world, 3, DATA);
    world_run(world, SIM_NEVER);
    assert_int_equal(received, 3);
    /* The second and third reach r1 while it sends, and leave back to back. */
    world_assert_has(world, "t=1800 r1 link.transmit packet=3#1 to=r2 frame.len=100 ip.ttl=63 "
                            "starts_at=1800 ends_at=801800 arrives_at=806800\n");
    world_assert_has(world, "t=2600 r1 link.transmit packet=3#2 to=r2 frame.len=100 ip.ttl=63 "
                            "starts_at=801800 ends_at=1601800 arrives_at=1606800\n");
    world_assert_has(world, "t=3400 r1 link.transmit packet=3#3 to=r2 frame.len=100 ip.ttl=63 "
                            "starts_at=1601800 ends_at=2401800 arrives_at=2406800\n");
    world_free(world);
}

static void test_full_queue_drops_the_last(void **state)
{
    (void)state;
    LinkOptions slow = {.delay_ns = 5000, .rate_bits_per_second = 1000000, .queue_packets = 10};
    World *world = world_with_routers(slow);
    int received = 0;
    bind_bob(world, &received);
    send_count(world, 20, DATA);
    world_run(world, SIM_MILLISECOND); /* the second is being sent since 801,800: one place */
    assert_int_equal(world_count(world, "reason=queue full"), 9);
    world_assert_has(world, "r1 link.drop packet=3#12 to=r2 reason=queue full");
    send_count(world, 2, DATA);
    world_run(world, SIM_NEVER);
    assert_int_equal(received, 12);
    assert_int_equal(world_count(world, "reason=queue full"), 10);
    world_free(world);
}

static void test_loss_has_its_rate_and_its_stream(void **state)
{
    (void)state;
    LinkOptions lossy = {.delay_ns = 5000,
                         .rate_bits_per_second = 1000000000,
                         .loss_numerator = 1,
                         .loss_denominator = 4,
                         .queue_packets = 1000};
    int received[2] = {0, 0};
    for (int i = 0; i < 2; i++) {
        World *world = world_with_routers(lossy);
        bind_bob(world, &received[i]);
        send_count(world, 80, DATA);
        world_run(world, SIM_NEVER);
        assert_int_equal(world_count(world, "reason=loss"), 80 - received[i]);
        assert_int_equal(world_count(world, "arrives_at=9223372036854775807"), 80 - received[i]);
        world_free(world);
    }
    assert_int_equal(received[0], received[1]);
    assert_in_range(received[0], 48, 72);
}

static void cut_link(void *owner, void *data)
{
    (void)data;
    network_link_down(((World *)owner)->network, "r1", "r2", 0);
}

static void mend_link(void *owner, void *data)
{
    (void)data;
    network_link_up(((World *)owner)->network, "r2", "r1", 0);
}

/* What is underway when the link is cut is lost even if it is mended before the arrival. */
static void test_cut_loses_what_is_underway(void **state)
{
    (void)state;
    LinkOptions slow = {.delay_ns = 50000, .rate_bits_per_second = 1000000000};
    World *world = world_with_routers(slow);
    int received = 0;
    bind_bob(world, &received);
    send_count(world, 1, DATA);
    world_at(world, 10000, NODE_TIMELINE, cut_link, world);
    world_at(world, 20000, NODE_TIMELINE, mend_link, world);
    world_run(world, 30000);
    send_count(world, 1, DATA);
    world_run(world, SIM_NEVER);
    assert_int_equal(received, 1);
    world_assert_has(world, "t=52600 r1 link.drop packet=3#1 to=r2 reason=link down");
    world_assert_has(world, "t=10000 r1 link.down a=r1 b=r2");
    world_assert_has(world, "t=20000 r2 link.up a=r2 b=r1");
    world_free(world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_times_over_routers),
        cmocka_unit_test(test_packets_wait_their_turn),
        cmocka_unit_test(test_full_queue_drops_the_last),
        cmocka_unit_test(test_loss_has_its_rate_and_its_stream),
        cmocka_unit_test(test_cut_loses_what_is_underway),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
