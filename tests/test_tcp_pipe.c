/* Two TCP engines over a virtual pipe that loses chosen segments. The bytes arrive always, once and
 * in order, and both ends end in CLOSED. Either a short dialogue, then 20 KB, then the closing
 * handshake; or both ends say 3 KB and close at once, so that their FINs cross. Either one end
 * opens or both do at once, so that their SYNs cross. */
#include "tcp_case.h"

enum { DIALOGUE_TURNS = 3, BULK = 20000, CROSSING = 3000, PIPE_MAXIMUM = 256 };

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
    unsigned states; /* that it has entered, a bit each */
    bool connected, peer_closed, closed, broken;
} End;

typedef struct Course {
    TcpOptions options;
    bool both_open, both_close; /* at once */
} Course;

typedef struct Pipe {
    const Course *course;
    End ends[2];
    Flying flying[PIPE_MAXIMUM];
    unsigned flying_count;
    unsigned sent;    /* segments so far, in both directions */
    unsigned lose[2]; /* numbers of the segments to lose */
    SimTime now;
} Pipe;

static void end_write(End *end, size_t length)
{
    end->unwritten = case_text(length);
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

/* Each says all that it has and closes, whatever the other says. */
static void end_say_and_close(End *end)
{
    if (!end->connected || end->turn > 0)
        return;
    end->turn++;
    end_write(end, CROSSING);
    end_flush(end);
    assert_null(end->unwritten.bytes);
    tcp_close_sending(end->tcp);
}

static void end_serve(End *end, unsigned who, bool both_close)
{
    TcpEvent event;
    while (end->tcp != NULL && tcp_next_event(end->tcp, &event)) {
        if (event.kind == TCP_EVENT_CONNECTED)
            end->connected = true;
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
    if (end->closed)
        return;
    if (both_close)
        end_say_and_close(end);
    else
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
    end_serve(end, who, pipe->course->both_close);
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
        end->tcp = tcp_new_passive(&pipe->course->options, 77000, &first.segment, pipe->now);
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

static void note_state(void *context, TcpState from, TcpState to, TcpTrigger trigger)
{
    (void)from;
    (void)trigger;
    End *end = context;
    end->states |= 1u << to;
}

static void pipe_open(Pipe *pipe)
{
    static const uint32_t iss[] = {UINT32_MAX - 5000, 77000};
    unsigned openers = pipe->course->both_open ? 2 : 1;
    for (unsigned i = 0; i < openers; i++) {
        pipe->ends[i].tcp = tcp_new_active(&pipe->course->options, iss[i], 0);
        tcp_set_observer(pipe->ends[i].tcp, note_state, &pipe->ends[i]);
    }
    for (unsigned i = 0; i < openers; i++)
        pipe_settle(pipe, i);
}

static void pipe_assert_good_end(const Pipe *pipe)
{
    for (unsigned i = 0; i < 2; i++) {
        assert_int_equal(tcp_state(pipe->ends[i].tcp), TCP_CLOSED);
        assert_true(pipe->ends[i].closed);
        if (pipe->course->both_close)
            assert_got(&pipe->ends[i], 0, CROSSING);
    }
    if (!pipe->course->both_close) {
        assert_got(&pipe->ends[0], DIALOGUE_TURNS, 0);
        assert_got(&pipe->ends[1], DIALOGUE_TURNS - 1, BULK);
    }
    assert_false(pipe->ends[0].broken);
}

/* Plays the whole conversation without the two segments; returns how many were sent. `states`, when
 * not NULL, is set to those that both ends have entered. */
static unsigned play(const Course *course, unsigned lose_first, unsigned lose_second,
                     unsigned *states)
{
    Pipe pipe = {.course = course, .lose = {lose_first, lose_second}};
    for (unsigned i = 0; i < 2; i++)
        pipe.ends[i].got = g_byte_array_new();
    pipe_open(&pipe);
    unsigned steps = 0;
    while (pipe_step(&pipe))
        assert_true(++steps < 5000);
    pipe_assert_good_end(&pipe);
    if (states != NULL)
        *states = pipe.ends[0].states & pipe.ends[1].states;
    for (unsigned i = 0; i < 2; i++) {
        tcp_free(pipe.ends[i].tcp);
        g_byte_array_free(pipe.ends[i].got, TRUE);
    }
    return pipe.sent;
}

static void play_all(const Course *course)
{
    unsigned count = play(course, UINT32_MAX, UINT32_MAX, NULL);
    for (unsigned first = 0; first < count; first++) {
        play(course, first, UINT32_MAX, NULL);
        /* A loss makes more segments, so the second may be one that only it brought forth. */
        for (unsigned second = first + 1; second < count + 4; second++)
            play(course, first, second, NULL);
    }
}

static void test_any_two_losses_rfc(void **state)
{
    (void)state;
    Course course = {0};
    tcp_options_init(&course.options, TCP_PROFILE_RFC);
    play_all(&course);
}

static void test_any_two_losses_linux(void **state)
{
    (void)state;
    Course course = {0};
    tcp_options_init(&course.options, TCP_PROFILE_LINUX);
    play_all(&course);
}

static void test_any_two_losses_small_buffers(void **state)
{
    (void)state;
    Course course = {0};
    tcp_options_init(&course.options, TCP_PROFILE_RFC);
    course.options.send_buffer = 5000;
    course.options.receive_buffer = 3000;
    play_all(&course);
}

/* RFC 9293 figures 7 and 13, and each loss of one segment and of two on these ways. */
static void test_any_two_losses_at_once(void **state)
{
    (void)state;
    for (TcpProfile profile = TCP_PROFILE_RFC; profile <= TCP_PROFILE_LINUX; profile++) {
        for (unsigned i = 1; i < 4; i++) {
            Course course = {.both_open = (i & 1) != 0, .both_close = (i & 2) != 0};
            unsigned states;
            tcp_options_init(&course.options, profile);
            play(&course, UINT32_MAX, UINT32_MAX, &states);
            if (course.both_open)
                assert_true((states & 1u << TCP_SYN_RECEIVED) != 0);
            if (course.both_open && course.both_close) /* else one is a round trip ahead */
                assert_true((states & 1u << TCP_CLOSING) != 0);
            play_all(&course);
        }
    }
}

/* Without loss the count of segments is what the rules say, and no segment is sent again. */
static void test_no_loss_sends_nothing_twice(void **state)
{
    (void)state;
    Course course = {0};
    tcp_options_init(&course.options, TCP_PROFILE_RFC);
    unsigned first = play(&course, UINT32_MAX, UINT32_MAX, NULL);
    assert_int_equal(first, play(&course, UINT32_MAX, UINT32_MAX, NULL));
    assert_true(first < 45);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_no_loss_sends_nothing_twice),
        cmocka_unit_test(test_any_two_losses_rfc),
        cmocka_unit_test(test_any_two_losses_linux),
        cmocka_unit_test(test_any_two_losses_small_buffers),
        cmocka_unit_test(test_any_two_losses_at_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
