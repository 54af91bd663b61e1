/* Tests of net/tcp_host: the rows CLOSED and LISTEN of TCP's table, which are the host's, walked by
 * segments without a connection behind them; initial sequence numbers; ports used again. */
#include "net/tcp_socket.h"
#include "net_pair.h"

enum {
    F = SEGMENT_FIN,
    S = SEGMENT_SYN,
    R = SEGMENT_RST,
    A = SEGMENT_ACK,
    RAW_PORT = 40000,
    RAW_SEQ = 700,
    RAW_ACK = 900,
};

/* What a host has sent last, and how its connections have moved. */
typedef struct Watch {
    NodeId node;
    unsigned sent;
    TraceFields_TCP_SEND last;
    char flags[32];
    uint32_t last_syn_seq;
    const char *from, *to; /* of its last change of state; NULL: none */
} Watch;

static void watch(void *owner, const TraceRecord *record)
{
    Watch *seen = owner;
    if (record->node != seen->node)
        return;
    if (record->kind == TRACE_TCP_SEND) {
        seen->sent++;
        seen->last = *(const TraceFields_TCP_SEND *)record->fields;
        g_strlcpy(seen->flags, seen->last.flags, sizeof seen->flags);
        if (strstr(seen->flags, "SYN") != NULL)
            seen->last_syn_seq = (uint32_t)seen->last.sequence_number;
    }
    if (record->kind == TRACE_TCP_STATE) {
        const TraceFields_TCP_STATE *fields = record->fields;
        seen->from = fields->from;
        seen->to = fields->to;
    }
}

static Pair *pair_watched(const Host *(*whom)(const Pair *pair), Watch *seen)
{
    Pair *pair = pair_new_in(world_new_silent(7), 0);
    *seen = (Watch){.node = host_node(whom(pair))};
    trace_add_sink(pair->world->trace, (TraceSink){watch, seen, TRACE_LEVEL_SEGMENT});
    return pair;
}

static const Host *alice_of(const Pair *pair)
{
    return pair->alice;
}

static const Host *bob_of(const Pair *pair)
{
    return pair->bob;
}

/* A segment from alice's host, which knows of no such connection. */
static void send_raw(Pair *pair, uint16_t port, unsigned flags, uint32_t seq, uint32_t ack)
{
    Segment segment = {.source_port = port,
                       .destination_port = PORT,
                       .seq = seq,
                       .ack = ack,
                       .flags = (uint8_t)flags,
                       .window = 1000,
                       .window_scale = SEGMENT_NO_WINDOW_SCALE};
    tcp_send_segment(pair->alice, (TraceRef){0}, host_address(pair->bob), 0, &segment);
}

static void world_run_for(World *world, SimTime span)
{
    world_run(world, simulator_now(world->simulator) + span);
}

/* ---- The rows of the table ---- */

typedef struct Arrival {
    TcpTrigger trigger;
    unsigned flags;
    const char *answer; /* flags of what the host sends; NULL: nothing */
    uint32_t seq, ack;  /* of the answer */
} Arrival;

/* Plays the segments at bob's host, which is in `row`. A cell that stays in its row lets no
 * connection come into being; one that leaves it makes one, in the cell's state. */
static void walk_row(TcpState row, const Arrival *arrivals, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        Watch seen;
        Pair *pair = pair_watched(bob_of, &seen);
        if (row == TCP_LISTEN)
            pair_listen(pair);
        send_raw(pair, RAW_PORT, arrivals[i].flags, RAW_SEQ, RAW_ACK);
        world_run_for(pair->world, 30 * SIM_MILLISECOND); /* there, but no answer back yet */
        const StateCell *cell =
            state_table_cell(&tcp_table, (uint8_t)row, (uint8_t)arrivals[i].trigger);
        if (cell->next == row)
            assert_null(seen.to);
        else
            assert_string_equal(seen.to, tcp_table.states[cell->next]);
        assert_int_equal(seen.sent, arrivals[i].answer != NULL);
        if (arrivals[i].answer != NULL) {
            assert_string_equal(seen.flags, arrivals[i].answer);
            assert_int_equal(seen.last.acknowledgment, arrivals[i].ack);
            if (strstr(seen.flags, "SYN") == NULL)
                assert_int_equal(seen.last.sequence_number, arrivals[i].seq);
        }
        pair_free(pair);
    }
}

/* RFC 9293 §3.10.7.1: all but a RST is answered by one, and that acknowledges what has no ACK. */
static void test_segments_in_closed(void **state)
{
    (void)state;
    static const Arrival ARRIVALS[] = {
        {TCP_ON_SYN, S, "ACK, RST", 0, RAW_SEQ + 1},
        {TCP_ON_SYN_ACK, S | A, "RST", RAW_ACK, 0},
        {TCP_ON_ACK_OF_SYN, A, "RST", RAW_ACK, 0},
        {TCP_ON_FIN, F, "ACK, RST", 0, RAW_SEQ + 1},
        {TCP_ON_ACK_OF_FIN, F | A, "RST", RAW_ACK, 0},
        {TCP_ON_RST, R, NULL, 0, 0},
        {TCP_ON_RST, R | A, NULL, 0, 0},
    };
    walk_row(TCP_CLOSED, ARRIVALS, G_N_ELEMENTS(ARRIVALS));
}

/* RFC 9293 §3.10.7.2: RST first, then ACK, then SYN. */
static void test_segments_in_listen(void **state)
{
    (void)state;
    static const Arrival ARRIVALS[] = {
        {TCP_ON_SYN, S, "SYN, ACK", 0, RAW_SEQ + 1},
        {TCP_ON_SYN_ACK, S | A, "RST", RAW_ACK, 0},
        {TCP_ON_ACK_OF_SYN, A, "RST", RAW_ACK, 0},
        {TCP_ON_ACK_OF_FIN, F | A, "RST", RAW_ACK, 0},
        {TCP_ON_RST, R, NULL, 0, 0},
        {TCP_ON_RST, R | S, NULL, 0, 0},
    };
    walk_row(TCP_LISTEN, ARRIVALS, G_N_ELEMENTS(ARRIVALS));
}

/* The calls: active OPEN from CLOSED; passive OPEN and CLOSE lead to LISTEN and back. */
static void test_calls_in_closed_and_listen(void **state)
{
    (void)state;
    Watch seen;
    Pair *pair = pair_watched(alice_of, &seen);
    pair_connect(pair);
    const StateCell *cell = state_table_cell(&tcp_table, TCP_CLOSED, TCP_ON_ACTIVE_OPEN);
    assert_string_equal(seen.from, tcp_table.states[TCP_CLOSED]);
    assert_string_equal(seen.to, tcp_table.states[cell->next]);
    assert_string_equal(seen.flags, "SYN");
    pair_free(pair);

    pair = pair_watched(bob_of, &seen);
    pair_listen(pair);
    assert_int_equal(state_table_cell(&tcp_table, TCP_CLOSED, TCP_ON_PASSIVE_OPEN)->next,
                     TCP_LISTEN);
    send_raw(pair, RAW_PORT, S, RAW_SEQ, 0);
    world_run_for(pair->world, 30 * SIM_MILLISECOND);
    assert_string_equal(seen.from, tcp_table.states[TCP_LISTEN]);
    world_run_for(pair->world, SIM_SECOND); /* alice's host has reset it */
    assert_string_equal(seen.to, tcp_table.states[TCP_LISTEN]);
    assert_int_equal(state_table_cell(&tcp_table, TCP_LISTEN, TCP_ON_CLOSE)->next, TCP_CLOSED);
    host_unlisten(pair->bob, PORT, 0);
    send_raw(pair, RAW_PORT, S, RAW_SEQ, 0);
    world_run_for(pair->world, SIM_SECOND);
    assert_string_equal(seen.flags, "ACK, RST");
    pair_free(pair);
}

/* ---- Initial sequence numbers ---- */

/* The ISS with which bob answers a SYN from the port. */
static uint32_t iss_for(Pair *pair, const Watch *seen, uint16_t port)
{
    unsigned before = seen->sent;
    send_raw(pair, port, S, RAW_SEQ, 0);
    world_run_for(pair->world, SIM_SECOND);
    assert_true(seen->sent > before);
    assert_string_equal(seen->flags, "SYN, ACK");
    return seen->last_syn_seq;
}

/* RFC 6528 §3: ISN = M + F(connection, secret); M ticks each 4 microseconds. */
static void test_iss_is_clock_and_secret(void **state)
{
    (void)state;
    enum { TICKS_A_SECOND = 250000 };
    Watch seen;
    Pair *pair = pair_watched(bob_of, &seen);
    pair_listen(pair);
    uint32_t first = iss_for(pair, &seen, RAW_PORT);
    uint32_t again = iss_for(pair, &seen, RAW_PORT);
    uint32_t other = iss_for(pair, &seen, RAW_PORT + 1);
    assert_int_equal(again - first, TICKS_A_SECOND);
    /* Another connection: a second later, but not a second further. */
    assert_true(other - again > 100 * TICKS_A_SECOND && again - other > 100 * TICKS_A_SECOND);
    pair_free(pair);
}

static const uint32_t octets = 1000000; /* in less time than the clock ticks so often */

/* Bob has sent a million octets to alice, and closed; his end waits, hers is gone. */
static Pair *pair_in_time_wait(Watch *seen)
{
    Pair *pair = pair_watched(bob_of, seen);
    pair_listen(pair);
    pair->server.outgoing = text_bytes(octets, 1);
    pair->client.stops_at = STREAM_PEER_CLOSED;
    pair_connect(pair);
    for (unsigned i = 0; i < 3000 && g_strcmp0(seen->to, "TIME-WAIT") != 0; i++)
        world_run_for(pair->world, SIM_MILLISECOND);
    world_run_for(pair->world, 30 * SIM_MILLISECOND); /* his last ACK has come to her */
    assert_string_equal(seen->to, "TIME-WAIT");
    assert_int_equal(seen->last.sequence_number, seen->last_syn_seq + octets + 2); /* SYN, FIN */
    assert_true(simulator_now(pair->world->simulator) < octets * 4 * SIM_MICROSECOND);
    return pair;
}

/* RFC 9293 §3.6.1 (MAY-2): a SYN beyond what it has received opens a connection in TIME-WAIT anew,
 * with an ISS beyond what it has sent; one that is not beyond is answered by an ACK. */
static void test_reopening_in_time_wait(void **state)
{
    (void)state;
    for (unsigned is_beyond = 0; is_beyond < 2; is_beyond++) {
        Watch seen;
        Pair *pair = pair_in_time_wait(&seen);
        uint32_t next = (uint32_t)seen.last.sequence_number;
        uint32_t received = (uint32_t)seen.last.acknowledgment;
        send_raw(pair, HOST_FIRST_EPHEMERAL_PORT, S, received + is_beyond, 0);
        world_run_for(pair->world, 30 * SIM_MILLISECOND);
        if (is_beyond) {
            assert_string_equal(seen.from, "LISTEN");
            assert_string_equal(seen.to, "SYN-RECEIVED");
            assert_int_equal(seen.last_syn_seq, next + 1);
            assert_int_equal(seen.last.acknowledgment, received + 2);
        } else {
            assert_string_equal(seen.to, "TIME-WAIT");
            assert_string_equal(seen.flags, "ACK");
        }
        pair_free(pair);
    }
}

/* When no port but one is free and that is in TIME-WAIT, it is taken again; and then too the new
 * connection's numbers lie beyond the old one's. */
static void test_port_in_time_wait_is_taken_again(void **state)
{
    (void)state;
    Watch seen;
    Pair *pair = pair_watched(alice_of, &seen);
    for (unsigned port = HOST_FIRST_EPHEMERAL_PORT + 1; port <= UINT16_MAX; port++)
        host_listen(pair->alice, (uint16_t)port, end_accept, NULL);
    pair_listen(pair);
    pair->server.stops_at = STREAM_PEER_CLOSED;
    pair->client.outgoing = text_bytes(octets, 1);
    pair_connect(pair);
    assert_null(host_connect(pair->alice, host_address(pair->bob), PORT, (StreamHandler){0}));
    uint32_t old_iss = seen.last_syn_seq;
    world_run_for(pair->world, 3 * SIM_SECOND);
    assert_null(pair->client.stream);
    assert_string_equal(seen.to, "TIME-WAIT");
    assert_int_equal(pair->server.incoming->len, octets);
    uint32_t next = (uint32_t)seen.last.sequence_number;
    assert_int_equal(next, old_iss + octets + 2);
    pair_connect(pair);
    assert_int_equal(stream_local_port(pair->client.stream), HOST_FIRST_EPHEMERAL_PORT);
    assert_int_equal(seen.last_syn_seq, next + 1);
    world_run_for(pair->world, SIM_SECOND);
    assert_string_equal(seen.to, "ESTABLISHED");
    pair_free(pair);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_segments_in_closed),
        cmocka_unit_test(test_segments_in_listen),
        cmocka_unit_test(test_calls_in_closed_and_listen),
        cmocka_unit_test(test_iss_is_clock_and_secret),
        cmocka_unit_test(test_reopening_in_time_wait),
        cmocka_unit_test(test_port_in_time_wait_is_taken_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
