/* Tests of link: times to the nanosecond, busy links, queues, loss and cuts. */
#include "net_world.h"

#include "net/packet.h"

#include <stdlib.h>

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
    g_autoptr(Octets) data = octets_new(octets, size);
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

/* ---- What may go wrong on the way ---- */

static const LinkOptions MIDDLE = {
    .delay_ns = 50000, .rate_bits_per_second = 1000000000, .queue_packets = 1000};

static World *play_with(LinkOptions middle, int count, int *received)
{
    World *world = world_with_routers(middle);
    *received = 0;
    bind_bob(world, received);
    send_count(world, count, DATA);
    world_run(world, SIM_NEVER);
    return world;
}

static LinkChance percent(uint64_t share)
{
    return (LinkChance){share, 100};
}

/* The packets' numbers in the order of their arrival at bob. */
static GString *order_of_arrival(const World *world)
{
    GString *order = g_string_new(NULL);
    static const char MARK[] = " bob udp.receive packet=3#";
    for (const char *at = world->log->str; (at = strstr(at, MARK)) != NULL; at += sizeof MARK - 1)
        g_string_append_printf(order, "%d ", atoi(at + sizeof MARK - 1));
    return order;
}

static bool is_in_order(const GString *order)
{
    int before = 0;
    g_auto(GStrv) numbers = g_strsplit(g_strchomp(order->str), " ", -1);
    for (char **number = numbers; *number != NULL; number++) {
        if (atoi(*number) < before)
            return false;
        before = atoi(*number);
    }
    return true;
}

static void test_jitter_keeps_the_order(void **state)
{
    (void)state;
    int received = 0;
    LinkOptions middle = MIDDLE;
    middle.jitter_ns = SIM_MILLISECOND;
    World *world = play_with(middle, 50, &received);
    g_autoptr(GString) order = order_of_arrival(world);
    assert_int_equal(received, 50);
    assert_true(is_in_order(order));
    /* 50 packets reach r1 within 40 us: what takes them apart is the jitter, up to 1 ms of it. */
    assert_in_range(simulator_now(world->simulator), 500000, 1150000);
    world_free(world);
}

static void test_reordering(void **state)
{
    (void)state;
    int received = 0;
    LinkOptions middle = MIDDLE;
    middle.reorder = percent(20);
    World *world = play_with(middle, 50, &received);
    g_autoptr(GString) order = order_of_arrival(world);
    assert_int_equal(received, 50);
    assert_false(is_in_order(order));
    assert_true(simulator_now(world->simulator) < 2 * 50000 + 50 * 800 + 10000);
    world_free(world);
}

static void test_duplicates_arrive_behind(void **state)
{
    (void)state;
    int received = 0;
    LinkOptions middle = MIDDLE;
    middle.duplicate = percent(25);
    World *world = play_with(middle, 80, &received);
    g_autoptr(GString) order = order_of_arrival(world);
    int copies = world_count(world, "link.duplicate");
    assert_in_range(copies, 10, 30);
    assert_int_equal(received, 80 + copies);
    assert_true(is_in_order(order));
    world_free(world);
}

/* Each damaged packet is found out: by the next router where the IP header is hit, else by the host
 * that it is for. */
static void test_corruption_is_found(void **state)
{
    (void)state;
    int received = 0;
    LinkOptions middle = MIDDLE;
    middle.corrupt = percent(50);
    World *world = play_with(middle, 100, &received);
    int damaged = world_count(world, "link.corrupt");
    int at_router = world_count(world, "r2 link.drop");
    int at_bob = world_count(world, "bob link.drop");
    assert_in_range(damaged, 35, 65);
    assert_int_equal(received, 100 - damaged);
    assert_int_equal(at_router, world_count(world, "reason=wrong IP checksum"));
    assert_int_equal(at_bob, world_count(world, "reason=wrong UDP checksum"));
    assert_int_equal(at_router, world_count(world, "part=IP header"));
    assert_int_equal(at_bob, world_count(world, "part=UDP header") +
                                 world_count(world, "part=UDP payload"));
    assert_int_equal(at_router + at_bob, damaged);
    assert_true(at_router > 0 && at_bob > at_router);
    world_free(world);
}

/* A chance of 0 draws nothing, and each chance has a stream of its own: which packets are lost does
 * not depend on what else may happen to them. */
static void test_chances_do_not_disturb_each_other(void **state)
{
    (void)state;
    GString *losses[2] = {g_string_new(NULL), g_string_new(NULL)};
    for (int i = 0; i < 2; i++) {
        int received = 0;
        LinkOptions middle = MIDDLE;
        middle.loss_numerator = 1;
        middle.loss_denominator = 4;
        if (i == 1) {
            middle.jitter_ns = 100;
            middle.duplicate = middle.reorder = middle.corrupt = percent(30);
        }
        World *world = play_with(middle, 80, &received);
        for (const char *at = world->log->str; (at = strstr(at, " r1 link.drop packet=")) != NULL;
             at++)
            g_string_append_printf(losses[i], "%.8s ", at + strlen(" r1 link.drop packet="));
        world_free(world);
    }
    assert_true(losses[0]->len > 0);
    assert_string_equal(losses[0]->str, losses[1]->str);
    for (int i = 0; i < 2; i++)
        g_string_free(losses[i], TRUE);
}

static void test_queue_in_octets(void **state)
{
    (void)state;
    int received = 0;
    /* Of 20 frames of 100 octets one is sent at once, and ten and a half could wait. */
    LinkOptions slow = {.delay_ns = 5000, .rate_bits_per_second = 1000000, .queue_octets = 1050};
    World *world = play_with(slow, 12, &received);
    assert_int_equal(received, 11);
    world_assert_has(world, "r1 link.drop packet=3#12 to=r2 reason=queue full");
    world_free(world);
}

/* Too large by one octet: dropped, and the source hears of the MTU (RFC 1191). */
static void test_mtu(void **state)
{
    (void)state;
    LinkOptions narrow = MIDDLE;
    narrow.mtu = 600;
    int received = 0;
    World *world = world_with_routers(narrow);
    bind_bob(world, &received);
    send_count(world, 1, 600 - 28);
    send_count(world, 1, 601 - 28);
    world_run(world, SIM_NEVER);
    assert_int_equal(received, 1);
    world_assert_has(world, "r1 link.drop packet=3#2 to=- reason=packet too large");
    world_assert_has(world, "r1 icmp.send packet=1#1 about=3#2 ip.dst=198.18.0.1 icmp.type=3 "
                            "icmp.code=4 meaning=fragmentation needed and DF set");
    world_free(world);
}

static void cut_way_back(void *owner, void *data)
{
    (void)data;
    network_link_down_one_way(((World *)owner)->network, "r2", "r1", 0);
}

/* Packets pass in the one direction and are lost in the other, until routes know. */
static void test_one_way_failure(void **state)
{
    (void)state;
    World *world = world_with_routers(MIDDLE);
    Host *alice = network_find_host(world->network, "alice");
    Host *bob = network_find_host(world->network, "bob");
    int received = 0;
    bind_bob(world, &received);
    world_at(world, 1000, NODE_TIMELINE, cut_way_back, world);
    world_run(world, 2000);
    send_count(world, 1, DATA);
    g_autoptr(Octets) data = octets_new("x", 1);
    host_udp_send(bob, PORT, host_address(alice), 1000, data);
    world_run(world, SIM_MILLISECOND);
    assert_int_equal(received, 1);
    world_assert_has(world, "r2 link.down a=r2 b=r1 from=r2");
    world_assert_has(world, "r2 link.drop packet=4#1 to=r1 reason=link down");
    /* Silence is explained from both ends: by the way there, or by the way back. */
    assert_int_equal(network_peek_fault(world->network, alice, host_address(bob)), 1);
    assert_int_equal(network_peek_fault(world->network, bob, host_address(alice)), 1);
    world_free(world);
}

static void slow_down(void *owner, void *data)
{
    (void)data;
    World *world = owner;
    LinkOptions options = network_link_options(world->network, "r1", "r2");
    options.rate_bits_per_second = 1000000;
    network_link_change(world->network, "r1", "r2", options, "rate 1 Mbit/s", 0);
}

static void restore(void *owner, void *data)
{
    (void)data;
    network_link_restore(((World *)owner)->network, "r2", "r1", 0);
}

static void test_change_and_restore(void **state)
{
    (void)state;
    World *world = world_with_routers(MIDDLE);
    int received = 0;
    bind_bob(world, &received);
    world_at(world, 1000, NODE_TIMELINE, slow_down, world);
    world_run(world, 2000);
    send_count(world, 1, DATA);
    world_run(world, SIM_SECOND);
    world_at(world, SIM_SECOND + 1, NODE_TIMELINE, restore, world);
    world_run(world, SIM_SECOND + 2);
    send_count(world, 1, DATA);
    world_run(world, SIM_NEVER);
    assert_int_equal(received, 2);
    world_assert_has(world, "r1 link.change a=r1 b=r2 changes=rate 1 Mbit/s");
    world_assert_has(world, "t=3800 r1 link.transmit packet=3#1 to=r2 frame.len=100 ip.ttl=63 "
                            "starts_at=3800 ends_at=803800");
    world_assert_has(world, "packet=3#2 to=r2 frame.len=100 ip.ttl=63 starts_at=1000001802 "
                            "ends_at=1000002602");
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
        cmocka_unit_test(test_jitter_keeps_the_order),
        cmocka_unit_test(test_reordering),
        cmocka_unit_test(test_duplicates_arrive_behind),
        cmocka_unit_test(test_corruption_is_found),
        cmocka_unit_test(test_chances_do_not_disturb_each_other),
        cmocka_unit_test(test_queue_in_octets),
        cmocka_unit_test(test_mtu),
        cmocka_unit_test(test_one_way_failure),
        cmocka_unit_test(test_change_and_restore),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
