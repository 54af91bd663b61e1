/* Tests of host under faults: crashes, power failures, dead links, and who is to blame. */
#include "net_pair.h"

/* Faults, each in a step of bob's host or of the timeline; pair->fault is their record. */

static void crash_bob(void *owner, void *data)
{
    (void)data;
    Pair *pair = owner;
    pair->fault = TRACE(pair->world->trace, host_node(pair->bob), HOST_CRASH, 0, .program = "bob");
    host_crash_program(pair->bob, pair->fault);
}

static void power_off_bob(void *owner, void *data)
{
    (void)data;
    Pair *pair = owner;
    pair->fault =
        TRACE(pair->world->trace, host_node(pair->bob), HOST_POWER_OFF, 0, .program = "bob");
    host_power_off(pair->bob, pair->fault);
}

static void power_on_bob(void *owner, void *data)
{
    (void)data;
    Pair *pair = owner;
    host_power_on(pair->bob);
}

static void restart_bob(void *owner, void *data)
{
    (void)data;
    Pair *pair = owner;
    pair->server.stream = NULL;
    pair_listen(pair);
}

static void write_from_alice(void *owner, void *data)
{
    (void)data;
    Pair *pair = owner;
    g_autoptr(Octets) bytes = text_bytes(10, 5);
    Slice slice = slice_new(bytes, 0, 10);
    assert_int_equal(stream_write(pair->client.stream, slice), 10);
    slice_clear(&slice);
}

static void test_crash_closes(void **state)
{
    (void)state;
    Pair *pair = pair_new(0);
    pair_listen(pair);
    pair->client.stops_at = STREAM_PEER_CLOSED;
    pair_connect(pair);
    bob_at(pair, SIM_SECOND, crash_bob);
    world_run(pair->world, SIM_NEVER);
    assert_string_equal(pair->client.events->str, "CP");
    assert_int_equal(pair->client.because, pair->fault);
    assert_int_not_equal(pair->fault, 0);
    assert_string_equal(pair->server.events->str, ""); /* its handlers are cut off */
    assert_int_equal(world_count(pair->world, "tcp.closed"), 2);
    stream_release(pair->server.stream);
    pair_free(pair);
}

static void test_crash_resets_where_data_is_unread(void **state)
{
    (void)state;
    Pair *pair = pair_new(0);
    pair_listen(pair);
    pair->server.reads_nothing = true;
    pair->client.stays_open = true;
    pair->client.outgoing = text_bytes(1000, 1);
    pair_connect(pair);
    bob_at(pair, SIM_SECOND, crash_bob);
    world_run(pair->world, SIM_NEVER);
    assert_string_equal(pair->client.events->str, "CF");
    assert_int_equal(pair->client.failure, STREAM_RESET);
    assert_int_equal(pair->client.because, pair->fault);
    assert_string_equal(pair->server.events->str, "R");
    assert_int_equal(stream_peek(pair->server.stream).length, 0);
    stream_release(pair->server.stream);
    pair_free(pair);
}

static void test_crash_refuses_until_restart(void **state)
{
    (void)state;
    Pair *pair = pair_new(0);
    pair_listen(pair);
    bob_at(pair, SIM_SECOND, crash_bob);
    alice_at(pair, 2 * SIM_SECOND, connect_alice);
    world_run(pair->world, 3 * SIM_SECOND);
    assert_string_equal(pair->client.events->str, "F");
    assert_int_equal(pair->client.failure, STREAM_REFUSED);
    assert_int_equal(pair->client.because, pair->fault);
    bob_at(pair, 4 * SIM_SECOND, restart_bob);
    alice_at(pair, 5 * SIM_SECOND, connect_alice);
    pair->client.stops_at = STREAM_CONNECTED;
    world_run(pair->world, SIM_NEVER);
    assert_string_equal(pair->client.events->str, "FC");
    assert_int_equal(pair->client.because, 0);
    stream_release(pair->server.stream);
    pair_free(pair);
}

static void test_power_off_is_silence(void **state)
{
    (void)state;
    Pair *pair = pair_new(0);
    bob_at(pair, SIM_SECOND, power_off_bob);
    alice_at(pair, 2 * SIM_SECOND, connect_alice);
    world_run(pair->world, SIM_NEVER);
    assert_string_equal(pair->client.events->str, "F");
    assert_int_equal(pair->client.failure, STREAM_TIMED_OUT_CONNECTING);
    assert_int_equal(pair->client.because, pair->fault);
    world_assert_has(pair->world,
                     " !1 t=2022055680 r2 link.drop packet=3#1 to=bob reason=host off");
    world_assert_has(pair->world, "alice tcp.timeout connection=3#1 timer=retransmission\n");
    world_assert_has(pair->world, "alice tcp.timeout connection=3#1 timer=user timeout\n");
    pair_free(pair);
}

static void test_power_off_under_a_connection(void **state)
{
    (void)state;
    for (int comes_back = 0; comes_back < 2; comes_back++) {
        Pair *pair = pair_new(0);
        pair_listen(pair);
        pair_connect(pair);
        bob_at(pair, SIM_SECOND, power_off_bob);
        alice_at(pair, 2 * SIM_SECOND, write_from_alice);
        if (comes_back)
            bob_at(pair, 10 * SIM_SECOND, power_on_bob);
        world_run(pair->world, SIM_NEVER);
        assert_string_equal(pair->client.events->str, "CF");
        assert_int_equal(pair->client.failure, comes_back ? STREAM_RESET : STREAM_TIMED_OUT);
        assert_int_equal(pair->client.because, pair->fault);
        assert_string_equal(pair->server.events->str, "");
        pair_free(pair); /* bob's program never released its stream */
    }
}

static void link_falls(void *owner, void *data)
{
    (void)data;
    Pair *pair = owner;
    network_link_down(pair->world->network, "r1", "r2", 0);
    pair->fault = trace_count(pair->world->trace);
}

static void test_link_down_times_out(void **state)
{
    (void)state;
    Pair *pair = pair_new(0);
    pair_listen(pair);
    pair_connect(pair);
    world_at(pair->world, SIM_SECOND, NODE_TIMELINE, link_falls, pair);
    alice_at(pair, 2 * SIM_SECOND, write_from_alice);
    world_run(pair->world, SIM_NEVER);
    assert_string_equal(pair->client.events->str, "CF");
    assert_int_equal(pair->client.failure, STREAM_TIMED_OUT);
    assert_int_equal(pair->client.because, pair->fault);
    assert_int_equal(world_count(pair->world, "link.down"), 1);
    pair_free(pair);
}

static void test_unreachable(void **state)
{
    (void)state;
    Pair *pair = pair_new(0);
    TcpOptions options;
    tcp_options_init(&options, TCP_PROFILE_RFC);
    options.soft_error_ends_open = true;
    host_set_tcp_options(pair->alice, &options);
    world_at(pair->world, SIM_SECOND, NODE_TIMELINE, link_falls, pair);
    alice_at(pair, 3 * SIM_SECOND, connect_alice);
    world_run(pair->world, SIM_NEVER);
    assert_string_equal(pair->client.events->str, "F");
    assert_int_equal(pair->client.failure, STREAM_UNREACHABLE);
    assert_int_equal(pair->client.because, 1);
    assert_true(simulator_now(pair->world->simulator) < 5 * SIM_SECOND);
    pair_free(pair);
}

static void crash_in_handler(void *owner, Stream *stream, StreamEvent event)
{
    (void)stream;
    Pair *pair = owner;
    g_string_append_c(pair->server.events, "CRWPFX"[event]);
    crash_bob(pair, NULL);
    assert_int_equal(stream_peek(stream).length, 0);
    assert_int_equal(stream_write_room(stream), 0);
    stream_close(stream);
    stream_release(stream);
}

static void power_off_in_handler(void *owner, Stream *stream, StreamEvent event)
{
    Pair *pair = owner;
    g_string_append_c(pair->server.events, "CRWPFX"[event]);
    power_off_bob(pair, NULL);
    stream_abort(stream);
    stream_release(stream);
}

static StreamHandler accept_to_crash(void *owner, Stream *stream)
{
    (void)stream;
    return (StreamHandler){crash_in_handler, owner};
}

static StreamHandler accept_to_power_off(void *owner, Stream *stream)
{
    (void)stream;
    return (StreamHandler){power_off_in_handler, owner};
}

static StreamHandler accept_and_crash(void *owner, Stream *stream)
{
    Pair *pair = owner;
    crash_bob(pair, NULL);
    stream_release(stream);
    return (StreamHandler){crash_in_handler, owner};
}

static StreamHandler accept_and_release(void *owner, Stream *stream)
{
    (void)owner;
    stream_release(stream);
    return (StreamHandler){0};
}

/* A fault may strike while a handler runs: it hears nothing more. */
static void test_faults_inside_handlers(void **state)
{
    (void)state;
    static const struct {
        HostAccept *accept;
        const char *server_events;
        StreamFailure failure; /* that alice sees */
    } CASES[] = {
        {accept_to_crash, "R", STREAM_RESET},
        {accept_to_power_off, "R", STREAM_TIMED_OUT},
        {accept_and_crash, "", STREAM_RESET},
        {accept_and_release, "", STREAM_RESET},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(CASES); i++) {
        Pair *pair = pair_new(0);
        host_listen(pair->bob, PORT, CASES[i].accept, pair);
        pair->client.outgoing = text_bytes(20000, 1);
        pair->client.stays_open = true;
        pair_connect(pair);
        world_run(pair->world, SIM_NEVER);
        assert_string_equal(pair->server.events->str, CASES[i].server_events);
        assert_int_equal(pair->client.failure, CASES[i].failure);
        assert_int_equal(pair->client.because, pair->fault);
        pair_free(pair);
    }
}

/* A handshake under way when the program dies: the half-open connection is reset. */
static void test_crash_while_half_open(void **state)
{
    (void)state;
    Pair *pair = pair_new(0);
    pair_listen(pair);
    pair_connect(pair);
    bob_at(pair, 30 * SIM_MILLISECOND, crash_bob);
    world_run(pair->world, SIM_NEVER);
    assert_string_equal(pair->client.events->str, "CF");
    assert_int_equal(pair->client.failure, STREAM_RESET);
    assert_int_equal(pair->client.because, pair->fault);
    assert_null(pair->server.stream);
    pair_free(pair);
}

static void link_rises(void *owner, void *data)
{
    (void)data;
    network_link_up(((Pair *)owner)->world->network, "r1", "r2", 0);
}

/* A fault that a connection has lived through is not blamed for its end. */
static void test_healed_fault_is_forgotten(void **state)
{
    (void)state;
    Pair *pair = pair_new(0);
    pair_listen(pair);
    pair->client.stays_open = true;
    pair_connect(pair);
    world_at(pair->world, SIM_SECOND, NODE_TIMELINE, link_falls, pair);
    alice_at(pair, 3 * SIM_SECOND, write_from_alice);
    world_at(pair->world, 5 * SIM_SECOND, NODE_TIMELINE, link_rises, pair);
    world_run(pair->world, 60 * SIM_SECOND);
    assert_true(world_count(pair->world, "meaning=host unreachable") > 0);
    assert_int_equal(pair->server.incoming->len, 10);
    stream_close(pair->server.stream);
    world_run(pair->world, SIM_NEVER);
    assert_string_equal(pair->client.events->str, "CP");
    assert_int_equal(pair->client.because, 0);
    stream_release(pair->client.stream);
    world_run(pair->world, SIM_NEVER);
    assert_string_equal(pair->server.events->str, "RPX");
    pair_free(pair);
}

/* A program that ends in order is no fault for its peers, but why new ones are refused. */
static void test_stop(void **state)
{
    (void)state;
    Pair *pair = pair_new(0);
    pair_listen(pair);
    pair->client.stops_at = STREAM_PEER_CLOSED;
    pair_connect(pair);
    world_run(pair->world, SIM_SECOND);
    uint64_t shutdown =
        TRACE(pair->world->trace, host_node(pair->bob), HOST_SHUTDOWN, 0, .program = "bob");
    host_stop_program(pair->bob, shutdown);
    stream_release(pair->server.stream);
    world_run(pair->world, 2 * SIM_SECOND);
    assert_string_equal(pair->client.events->str, "CP");
    assert_int_equal(pair->client.because, 0);
    alice_at(pair, 3 * SIM_SECOND, connect_alice);
    world_run(pair->world, SIM_NEVER);
    assert_string_equal(pair->client.events->str, "CPF");
    assert_int_equal(pair->client.because, shutdown);
    pair_free(pair);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_crash_closes),
        cmocka_unit_test(test_crash_resets_where_data_is_unread),
        cmocka_unit_test(test_crash_refuses_until_restart),
        cmocka_unit_test(test_power_off_is_silence),
        cmocka_unit_test(test_power_off_under_a_connection),
        cmocka_unit_test(test_link_down_times_out),
        cmocka_unit_test(test_unreachable),
        cmocka_unit_test(test_faults_inside_handlers),
        cmocka_unit_test(test_crash_while_half_open),
        cmocka_unit_test(test_healed_fault_is_forgotten),
        cmocka_unit_test(test_stop),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
