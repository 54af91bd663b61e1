/* Two TCP engines over a virtual pipe that loses chosen segments: a short dialogue, then 20 KB,
 * then the closing handshake. The bytes arrive always, once and in order, and both ends end in
 * CLOSED. */
#include "tcp_script.h"

enum { DIALOGUE_TURNS = 3, BULK = 20000, PIPE_MAXIMUM = 256 };

static const SimTime one_way = 10 * SIM_MILLISECOND;

typedef struct Flying {
    SimTime at;
    unsigned to; /* 0: client, 1: server */
    Segment segment;
} Flying;

typedef struct End {
    TcpConnection *tcp;
    GByteArray *got;
    Slice unwritten; /* what there was no room for */
    unsigned turn;   /* lines of the dialogue said so far */
    bool peer_closed, closed, broken;
} End;

typedef struct Pipe {
    const TcpOptions *options;
    End ends[2];
    Flying flying[PIPE_MAXIMUM];
    unsigned flying_count;
    unsigned sent;    /* segments so far, in both directions */
    unsigned lose[2]; /* numbers of the segments to lose */
    SimTime now;
} Pipe;

static void end_write(End *end, size_t length)
{
    end->unwritten = script_text(length);
}

static void end_flush(End *end)
{
    size_t taken = tcp_write(end->tcp, end->unwritten);
    end->unwritten.offset += taken;
    end->unwritten.length -= taken;
    if (end->unwritten.length == 0)
        slice_clear(&end->unwritten);
}

/* Each says a line of 30 octets in turn; the client's last word is the bulk. */
static void end_talk(End *end, unsigned who)
{
    size_t heard = end->got->len;
    if (end->turn < DIALOGUE_TURNS && heard >= 30 * (end->turn + (who == 0 ? 1 : 0))) {
        if (who == 0 || heard >= 30 * end->turn) {
            end->turn++;
            end_write(end, who == 0 && end->turn == DIALOGUE_TURNS ? BULK : 30);
            end_flush(end);
        }
    }
    if (who == 0 && end->turn == DIALOGUE_TURNS && end->unwritten.length == 0)
        tcp_close_sending(end->tcp);
    if (who == 1 && end->peer_closed)
        tcp_close(end->tcp);
}

static void end_serve(End *end, unsigned who)
{
    TcpEvent event;
    while (end->tcp != NULL && tcp_next_event(end->tcp, &event)) {
        if (event.kind == TCP_EVENT_PEER_CLOSED)
            end->peer_closed = true;
        if (event.kind == TCP_EVENT_CLOSED)
            end->closed = true;
        if (event.kind >= TCP_EVENT_REFUSED && event.kind < TCP_EVENT_CLOSED)
            end->broken = true;
        if (event.kind == TCP_EVENT_WRITABLE)
            end_flush(end);
    }
    while (tcp_readable(end->tcp) > 0) {
        Slice part = tcp_read(end->tcp, 700);
        Span span = slice_span(part);
        g_byte_array_append(end->got, span.data, (guint)span.length);
        slice_clear(&part);
    }
    if (!end->closed)
        end_talk(end, who);
}

static void pipe_send(Pipe *pipe, unsigned from, Segment *segment)
{
    unsigned number = pipe->sent++;
    if (number == pipe->lose[0] || number == pipe->lose[1]) {
        segment_clear(segment);
        return;
    }
    assert_true(pipe->flying_count < PIPE_MAXIMUM);
    pipe->flying[pipe->flying_count++] = (Flying){pipe->now + one_way, 1 - from, *segment};
}

static void pipe_settle(Pipe *pipe, unsigned who)
{
    End *end = &pipe->ends[who];
    Segment segment;
    if (end->tcp == NULL)
        return;
    end_serve(end, who);
    while (tcp_next_segment(end->tcp, pipe->now, &segment))
        pipe_send(pipe, who, &segment);
}

static void pipe_deliver(Pipe *pipe)
{
    Flying first = pipe->flying[0];
    End *end = &pipe->ends[first.to];
    pipe->now = first.at;
    pipe->flying_count--;
    memmove(pipe->flying, pipe->flying + 1, pipe->flying_count * sizeof first);
    Segment reset;
    if (end->tcp == NULL)
        end->tcp = tcp_new_passive(pipe->options, 77000, &first.segment, pipe->now);
    else if (!tcp_is_finished(end->tcp))
        tcp_receive(end->tcp, &first.segment, pipe->now);
    else if (tcp_reply_for_closed(&first.segment, &reset))
        pipe_send(pipe, first.to, &reset);
    segment_clear(&first.segment);
    pipe_settle(pipe, first.to);
}

/* The earlier of the next arrival and the next deadline; false when both ends are done. */
static bool pipe_step(Pipe *pipe)
{
    SimTime arrival = pipe->flying_count > 0 ? pipe->flying[0].at : SIM_NEVER;
    unsigned who = 0;
    SimTime deadline = SIM_NEVER;
    for (unsigned i = 0; i < 2; i++) {
        SimTime its = pipe->ends[i].tcp != NULL ? tcp_deadline(pipe->ends[i].tcp) : SIM_NEVER;
        if (its < deadline) {
            deadline = its;
            who = i;
        }
    }
    if (arrival == SIM_NEVER && deadline == SIM_NEVER)
        return false;
    if (arrival <= deadline) {
        pipe_deliver(pipe);
        return true;
    }
    assert_true(deadline >= pipe->now);
    pipe->now = deadline;
    tcp_time_out(pipe->ends[who].tcp, pipe->now);
    pipe_settle(pipe, who);
    return true;
}

static void assert_got(const End *end, size_t lines, size_t bulk)
{
    assert_int_equal(end->got->len, lines * 30 + bulk);
    for (size_t i = 0; i < end->got->len; i++) {
        size_t in_part = i < lines * 30 ? i % 30 : i - lines * 30;
        assert_int_equal(end->got->data[i], 'a' + in_part % 26);
    }
}

/* Plays the whole conversation without the two segments; returns how many were sent. */
static unsigned play(const TcpOptions *options, unsigned lose_first, unsigned lose_second)
{
    Pipe pipe = {.options = options, .lose = {lose_first, lose_second}};
    for (unsigned i = 0; i < 2; i++)
        pipe.ends[i].got = g_byte_array_new();
    pipe.ends[0].tcp = tcp_new_active(options, UINT32_MAX - 5000, 0);
    pipe_settle(&pipe, 0);
    unsigned steps = 0;
    while (pipe_step(&pipe))
        assert_true(++steps < 5000);
    for (unsigned i = 0; i < 2; i++) {
        assert_int_equal(tcp_state(pipe.ends[i].tcp), TCP_CLOSED);
        assert_true(pipe.ends[i].closed);
    }
    assert_got(&pipe.ends[0], DIALOGUE_TURNS, 0);
    assert_got(&pipe.ends[1], DIALOGUE_TURNS - 1, BULK);
    assert_false(pipe.ends[0].broken);
    for (unsigned i = 0; i < 2; i++) {
        tcp_free(pipe.ends[i].tcp);
        g_byte_array_free(pipe.ends[i].got, TRUE);
    }
    return pipe.sent;
}

static void play_all(const TcpOptions *options)
{
    unsigned count = play(options, UINT32_MAX, UINT32_MAX);
    for (unsigned first = 0; first < count; first++) {
        play(options, first, UINT32_MAX);
        /* A loss makes more segments, so the second may be one that only it brought forth. */
        for (unsigned second = first + 1; second < count + 4; second++)
            play(options, first, second);
    }
}

static void test_any_two_losses_rfc(void **state)
{
    (void)state;
    TcpOptions options;
    tcp_options_init(&options, TCP_PROFILE_RFC);
    play_all(&options);
}

static void test_any_two_losses_linux(void **state)
{
    (void)state;
    TcpOptions options;
    tcp_options_init(&options, TCP_PROFILE_LINUX);
    play_all(&options);
}

static void test_any_two_losses_small_buffers(void **state)
{
    (void)state;
    TcpOptions options;
    tcp_options_init(&options, TCP_PROFILE_RFC);
    options.send_buffer = 5000;
    options.receive_buffer = 3000;
    play_all(&options);
}

/* Without loss the count of segments is what the rules say, and no segment is sent again. */
static void test_no_loss_sends_nothing_twice(void **state)
{
    (void)state;
    TcpOptions options;
    tcp_options_init(&options, TCP_PROFILE_RFC);
    unsigned first = play(&options, UINT32_MAX, UINT32_MAX);
    assert_int_equal(first, play(&options, UINT32_MAX, UINT32_MAX));
    assert_true(first < 45);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_no_loss_sends_nothing_twice),
        cmocka_unit_test(test_any_two_losses_rfc),
        cmocka_unit_test(test_any_two_losses_linux),
        cmocka_unit_test(test_any_two_losses_small_buffers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
