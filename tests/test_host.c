/* Tests of host: TCP connections from end to end, their ends, the same run twice. */
#include "net_pair.h"

static void test_both_directions(void **state)
{
    (void)state;
    Pair *pair = pair_new(0);
    pair_listen(pair);
    pair_give_bulk(pair);
    pair_connect(pair);
    assert_string_equal(stream_remote_name(pair->client.stream), "bob");
    assert_int_equal(stream_remote_port(pair->client.stream), PORT);
    assert_int_equal(stream_local_port(pair->client.stream), 49152);
    assert_int_equal(world_run(pair->world, SIM_NEVER), SIMULATOR_END_QUIET);
    assert_got(&pair->client, BULK, 99);
    assert_got(&pair->server, BULK, 1);
    assert_null(pair->client.stream);
    assert_null(pair->server.stream);
    assert_true(g_str_has_suffix(pair->client.events->str, "X"));
    assert_true(g_str_has_suffix(pair->server.events->str, "X"));
    assert_int_equal(pair->client.failure, STREAM_OK);
    assert_int_equal(world_count(pair->world, "tcp.established"), 2);
    assert_int_equal(world_count(pair->world, "octets_sent=100000 octets_received=100000 "
                                              "retransmissions=0\n"),
                     2);
    assert_int_equal(world_count(pair->world, "tcp.timeout connection=3#1 timer=retransmission"),
                     0);
    assert_int_equal(world_count(pair->world, "tcp.failed"), 0);
    assert_in_range(simulator_now(pair->world->simulator), 0, 5 * SIM_SECOND);
    pair_free(pair);
}

static char *run_with_loss(void)
{
    Pair *pair = pair_new(10);
    pair_listen(pair);
    pair_give_bulk(pair);
    pair_connect(pair);
    assert_int_equal(world_run(pair->world, SIM_NEVER), SIMULATOR_END_QUIET);
    assert_got(&pair->client, BULK, 99);
    assert_got(&pair->server, BULK, 1);
    assert_true(world_count(pair->world, "reason=loss") > 5);
    assert_true(world_count(pair->world, "reason=fast retransmission") > 0);
    assert_true(world_count(pair->world, "timer=retransmission") > 0);
    char *log = g_strdup(pair->world->log->str);
    pair_free(pair);
    return log;
}

static void test_loss_and_the_same_run_again(void **state)
{
    (void)state;
    g_autofree char *first = run_with_loss();
    g_autofree char *second = run_with_loss();
    assert_string_equal(first, second);
}

/* Nobody watches: the clock and the events are the same, and so is the number of records. */
static void test_tracing_changes_nothing(void **state)
{
    (void)state;
    uint64_t counts[2], events[2];
    SimTime ends[2];
    for (int i = 0; i < 2; i++) {
        Pair *pair = pair_new_in(i == 0 ? world_new(7) : world_new_silent(7), 10);
        pair_listen(pair);
        pair_give_bulk(pair);
        pair_connect(pair);
        world_run(pair->world, SIM_NEVER);
        counts[i] = trace_count(pair->world->trace);
        events[i] = simulator_event_count(pair->world->simulator);
        ends[i] = simulator_now(pair->world->simulator);
        pair_free(pair);
    }
    assert_int_equal(counts[0], counts[1]);
    assert_int_equal(events[0], events[1]);
    assert_int_equal(ends[0], ends[1]);
}

static void test_refused(void **state)
{
    (void)state;
    Pair *pair = pair_new(0);
    pair_connect(pair);
    world_run(pair->world, SIM_NEVER);
    assert_string_equal(pair->client.events->str, "F");
    assert_int_equal(pair->client.failure, STREAM_REFUSED);
    assert_int_equal(pair->client.because, 0);
    world_assert_has(pair->world, "bob tcp.send connection=0#0 packet=4#1");
    world_assert_has(pair->world, "alice tcp.failed connection=3#1 remote=bob "
                                  "reason=connection refused\n");
    assert_string_equal(stream_failure_text(pair->client.failure), "connection refused");
    pair_free(pair);
}

/* The kernel of a dead program closes its connections; the peer learns whose fault it is. */
/* RFC 9293 §3.6.1: unread data make it a reset. */
/* Data into the silence, and after the power is back a reset: both name the power failure. */
static void test_aborting(void **state)
{
    (void)state;
    Pair *pair = pair_new(0);
    pair_listen(pair);
    pair_connect(pair);
    world_run(pair->world, SIM_SECOND);
    stream_abort(pair->client.stream);
    assert_string_equal(pair->client.events->str, "C"); /* no event inside the call */
    world_run(pair->world, SIM_NEVER);
    assert_string_equal(pair->client.events->str, "CX");
    assert_string_equal(pair->server.events->str, "F");
    assert_int_equal(pair->server.failure, STREAM_RESET);
    pair_free(pair);
}

static void test_release_goes_on_closing(void **state)
{
    (void)state;
    Pair *pair = pair_new(0);
    pair_listen(pair);
    pair->server.stops_at = STREAM_PEER_CLOSED;
    pair->client.stays_open = true;
    pair->client.outgoing = text_bytes(5000, 1);
    pair_connect(pair);
    world_run(pair->world, 60 * SIM_MILLISECOND);
    stream_release(pair->client.stream);
    pair->client.stream = NULL;
    world_run(pair->world, SIM_NEVER);
    assert_string_equal(pair->client.events->str, "C");
    assert_got(&pair->server, 5000, 1);
    assert_int_equal(world_count(pair->world, "tcp.closed"), 2);
    pair_free(pair);
}

/* A release while connecting sends nothing more; the SYN,ACK then meets a reset. */
static void test_release_while_connecting(void **state)
{
    (void)state;
    Pair *pair = pair_new(0);
    pair_listen(pair);
    pair_connect(pair);
    world_run(pair->world, 10 * SIM_MILLISECOND);
    stream_release(pair->client.stream);
    world_run(pair->world, SIM_NEVER);
    assert_string_equal(pair->client.events->str, "");
    assert_null(pair->server.stream);
    world_assert_has(pair->world, "bob tcp.state connection=4#1 from=SYN-RECEIVED to=LISTEN");
    pair_free(pair);
}

/* What is written after the link has fallen: the time-out names its fall. */
/* With Linux's profile an ICMP error ends the opening at once. */
/* A connection to the host itself, and one to a name-less address. */
static void test_odd_addresses(void **state)
{
    (void)state;
    Pair *pair = pair_new(0);
    host_listen(pair->alice, PORT, end_accept, &pair->server);
    StreamHandler handler = {end_on_event, &pair->client};
    pair->client.outgoing = text_bytes(5000, 1);
    pair->server.outgoing = text_bytes(5000, 2);
    pair->client.stream = host_connect(pair->alice, host_address(pair->alice), PORT, handler);
    world_run(pair->world, SIM_NEVER);
    assert_got(&pair->client, 5000, 2);
    assert_got(&pair->server, 5000, 1);
    assert_int_equal(world_count(pair->world, "link."), 0);
    Stream *nowhere = host_connect(pair->alice, 0xC0000201, PORT, (StreamHandler){NULL, NULL});
    assert_string_equal(stream_remote_name(nowhere), "192.0.2.1");
    assert_int_equal(stream_remote_address(nowhere), 0xC0000201);
    stream_release(nowhere);
    pair_free(pair);
}

/* All ports towards one server in TIME-WAIT: they are taken again in turn. */
static void test_many_connections(void **state)
{
    (void)state;
    Pair *pair = pair_new(0);
    pair_listen(pair);
    pair->server.stops_at = STREAM_PEER_CLOSED;
    for (int i = 0; i < 50; i++) {
        g_autoptr(Octets) empty = octets_new(NULL, 0);
        pair->client.outgoing = octets_ref(empty);
        pair->client.written = 0;
        pair_connect(pair);
        assert_int_equal(stream_local_port(pair->client.stream), 49152 + i);
        world_run(pair->world, simulator_now(pair->world->simulator) + SIM_SECOND);
        assert_null(pair->client.stream);
        assert_null(pair->server.stream);
    }
    assert_int_equal(world_count(pair->world, "tcp.closed"), 100);
    assert_int_equal(world_count(pair->world, "tcp.failed"), 0);
    pair_free(pair);
}

static StreamHandler accept_unheard(void *owner, Stream *stream)
{
    (void)owner;
    (void)stream;
    return (StreamHandler){0};
}

/* More SYNs than a host remembers are dropped; those connections open on the next try. */
static void test_half_open_connections_are_bounded(void **state)
{
    (void)state;
    World *world = world_new(1);
    LinkOptions options = {.delay_ns = 20 * SIM_MILLISECOND,
                           .rate_bits_per_second = 1000000000,
                           .queue_packets = 10000};
    Host *alice = network_add_host(world->network, "alice");
    Host *bob = network_add_host(world->network, "bob");
    network_add_link(world->network, "alice", "bob", options);
    network_finish(world->network);
    host_listen(bob, PORT, accept_unheard, NULL);
    for (int i = 0; i < HOST_MAX_HALF_OPEN + 2; i++)
        assert_non_null(host_connect(alice, host_address(bob), PORT, (StreamHandler){0}));
    world_run(world, 500 * SIM_MILLISECOND);
    assert_int_equal(world_count(world, "reason=listen queue full"), 2);
    assert_int_equal(world_count(world, "tcp.established"), 2 * HOST_MAX_HALF_OPEN);
    world_run(world, SIM_NEVER);
    assert_int_equal(world_count(world, "tcp.established"), 2 * (HOST_MAX_HALF_OPEN + 2));
    world_free(world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_both_directions),
        cmocka_unit_test(test_loss_and_the_same_run_again),
        cmocka_unit_test(test_tracing_changes_nothing),
        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_aborting),
        cmocka_unit_test(test_release_goes_on_closing),
        cmocka_unit_test(test_release_while_connecting),
        cmocka_unit_test(test_odd_addresses),
        cmocka_unit_test(test_many_connections),
        cmocka_unit_test(test_half_open_connections_are_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
