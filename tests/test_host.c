/* Tests of host: TCP connections from end to end, their ends, and the faults behind these. */
#include "net_world.h"

enum { PORT = 25, BULK = 100000 };

/* One end of a connection, and what the program there does. */
typedef struct End {
    World *world;
    Stream *stream;   /* NULL: none, or released */
    GBytes *outgoing; /* written as there is room, then the stream is closed; NULL: nothing */
    size_t written;
    GByteArray *incoming;
    GString *events;      /* a letter an event: C R W P F X */
    StreamEvent stops_at; /* releases the stream on this event */
    bool stays_open;      /* does not close after writing */
    bool reads_nothing;
    bool is_inside; /* a handler runs */
    StreamFailure failure;
    uint64_t because;
} End;

typedef struct Pair {
    World *world;
    Host *alice, *bob; /* alice connects, bob listens */
    End client, server;
    uint64_t fault; /* seq of the record that a fault wrote */
} Pair;

static void end_write(End *end)
{
    if (end->outgoing == NULL || end->stream == NULL)
        return;
    size_t left = g_bytes_get_size(end->outgoing) - end->written;
    Slice slice = slice_new(end->outgoing, end->written, left);
    end->written += stream_write(end->stream, slice);
    slice_clear(&slice);
    if (end->written == g_bytes_get_size(end->outgoing) && !end->stays_open) {
        g_clear_pointer(&end->outgoing, g_bytes_unref);
        stream_close(end->stream);
    }
}

static void end_read(End *end)
{
    if (end->reads_nothing)
        return;
    for (Span span; (span = stream_peek(end->stream)).length > 0;) {
        g_byte_array_append(end->incoming, span.data, (guint)span.length);
        stream_consume(end->stream, span.length);
    }
}

static void end_on_event(void *owner, Stream *stream, StreamEvent event)
{
    End *end = owner;
    assert_false(end->is_inside);
    assert_ptr_equal(stream, end->stream);
    end->is_inside = true;
    g_string_append_c(end->events, "CRWPFX"[event]);
    if (event == STREAM_CONNECTED || event == STREAM_WRITABLE)
        end_write(end);
    if (event == STREAM_READABLE)
        end_read(end);
    end->failure = stream_failure(stream);
    end->because = stream_because(stream);
    if (event == end->stops_at || event == STREAM_FAILED || event == STREAM_CLOSED) {
        stream_release(stream);
        end->stream = NULL;
    }
    end->is_inside = false;
}

static StreamHandler end_accept(void *owner, Stream *stream)
{
    End *end = owner;
    assert_null(end->stream);
    end->stream = stream;
    end_write(end);
    return (StreamHandler){end_on_event, end};
}

static void end_init(End *end, World *world)
{
    *end = (End){.world = world, .stops_at = STREAM_CLOSED};
    end->incoming = g_byte_array_new();
    end->events = g_string_new(NULL);
}

static void end_clear(End *end)
{
    g_byte_array_unref(end->incoming);
    g_string_free(end->events, TRUE);
    g_clear_pointer(&end->outgoing, g_bytes_unref);
}

/* alice - r1 - r2 - bob */
static Pair *pair_new_in(World *world, uint64_t loss_percent)
{
    Pair *pair = g_new0(Pair, 1);
    pair->world = world;
    LinkOptions fast = {.delay_ns = SIM_MILLISECOND, .rate_bits_per_second = 100000000};
    LinkOptions slow = {.delay_ns = 20 * SIM_MILLISECOND,
                        .rate_bits_per_second = 10000000,
                        .loss_numerator = loss_percent,
                        .loss_denominator = 100};
    network_add_router(world->network, "r1");
    network_add_router(world->network, "r2");
    pair->alice = network_add_host(world->network, "alice");
    pair->bob = network_add_host(world->network, "bob");
    network_add_link(world->network, "alice", "r1", fast);
    network_add_link(world->network, "r1", "r2", slow);
    network_add_link(world->network, "r2", "bob", fast);
    network_finish(world->network);
    end_init(&pair->client, world);
    end_init(&pair->server, world);
    return pair;
}

static Pair *pair_new(uint64_t loss_percent)
{
    return pair_new_in(world_new(7), loss_percent);
}

static void pair_free(Pair *pair)
{
    end_clear(&pair->client);
    end_clear(&pair->server);
    world_free(pair->world);
    g_free(pair);
}

static void pair_connect(Pair *pair)
{
    StreamHandler handler = {end_on_event, &pair->client};
    pair->client.stream = host_connect(pair->alice, host_address(pair->bob), PORT, handler);
    assert_non_null(pair->client.stream);
}

static void pair_listen(Pair *pair)
{
    host_listen(pair->bob, PORT, end_accept, &pair->server);
}

static GBytes *text_bytes(size_t length, uint8_t first)
{
    uint8_t *octets = g_malloc(length);
    for (size_t i = 0; i < length; i++)
        octets[i] = (uint8_t)(first + i * 7 + i / 251);
    return g_bytes_new_take(octets, length);
}

static void assert_got(const End *end, size_t length, uint8_t first)
{
    g_autoptr(GBytes) expected = text_bytes(length, first);
    assert_int_equal(end->incoming->len, length);
    assert_memory_equal(end->incoming->data, g_bytes_get_data(expected, NULL), length);
}

static void pair_give_bulk(Pair *pair)
{
    pair->client.outgoing = text_bytes(BULK, 1);
    pair->server.outgoing = text_bytes(BULK, 99);
}

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

static void connect_alice(void *owner, void *data)
{
    (void)data;
    pair_connect(owner);
}

static void write_from_alice(void *owner, void *data)
{
    (void)data;
    Pair *pair = owner;
    g_autoptr(GBytes) bytes = text_bytes(10, 5);
    Slice slice = slice_new(bytes, 0, 10);
    assert_int_equal(stream_write(pair->client.stream, slice), 10);
    slice_clear(&slice);
}

static void bob_at(Pair *pair, SimTime time, void (*run)(void *, void *))
{
    world_at(pair->world, time, host_node(pair->bob), run, pair);
}

static void alice_at(Pair *pair, SimTime time, void (*run)(void *, void *))
{
    world_at(pair->world, time, host_node(pair->alice), run, pair);
}

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

/* RFC 9293 §3.6.1: unread data make it a reset. */
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

/* Data into the silence, and after the power is back a reset: both name the power failure. */
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

/* With Linux's profile an ICMP error ends the opening at once. */
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
        g_autoptr(GBytes) empty = g_bytes_new(NULL, 0);
        pair->client.outgoing = g_bytes_ref(empty);
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_both_directions),
        cmocka_unit_test(test_loss_and_the_same_run_again),
        cmocka_unit_test(test_tracing_changes_nothing),
        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_crash_closes),
        cmocka_unit_test(test_crash_resets_where_data_is_unread),
        cmocka_unit_test(test_crash_refuses_until_restart),
        cmocka_unit_test(test_power_off_is_silence),
        cmocka_unit_test(test_power_off_under_a_connection),
        cmocka_unit_test(test_aborting),
        cmocka_unit_test(test_release_goes_on_closing),
        cmocka_unit_test(test_release_while_connecting),
        cmocka_unit_test(test_link_down_times_out),
        cmocka_unit_test(test_unreachable),
        cmocka_unit_test(test_odd_addresses),
        cmocka_unit_test(test_many_connections),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
