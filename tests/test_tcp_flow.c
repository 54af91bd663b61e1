/* Flow control and the receiver: zero windows and probes, silly windows, Nagle, delayed ACKs,
 * reassembly, buffers, keep-alives (RFC 9293 §3.7.4, §3.8.4, §3.8.6). */
#include "tcp_script.h"

static void script_ready(Script *s, TcpProfile profile)
{
    script_init(s, profile);
    script_establish(s, 10 * SIM_MILLISECOND);
}

static void test_zero_window_is_probed(void **state)
{
    (void)state;
    Script s;
    script_ready(&s, TCP_PROFILE_RFC);
    s.window = 0;
    peer_sends(&s, A, THEIRS, ONE, 0);
    script_write(&s, 50);
    expect_nothing(&s);
    SimTime interval = SIM_SECOND;
    SimTime at = s.now;
    for (unsigned i = 0; i < 20; i++) {
        at += interval;
        interval = MIN(2 * interval, SIM_MINUTE);
        expect_deadline(&s, at);
        expect_segment(&s, A, ONE, THEIRS, 1, WINDOW_PROBE);
        expect_nothing(&s);
        peer_sends(&s, A, THEIRS, ONE, 0); /* refused, but answered: MUST-37 */
        expect_nothing(&s);
    }
    expect_no_event(&s);
    s.window = 1000;
    peer_sends(&s, A, THEIRS, ONE, 0);
    expect_segment(&s, A, ONE, THEIRS, 1, TIMEOUT_RESEND);
    peer_sends(&s, A, THEIRS, ONE + 1, 0);
    expect_segment(&s, A, ONE + 1, THEIRS, 49, FIRST);
    assert_int_equal(tcp_peek_info(s.tcp).rto, SIM_SECOND);
    script_end(&s);
}

static void test_unanswered_probes_time_out(void **state)
{
    (void)state;
    Script s;
    script_ready(&s, TCP_PROFILE_RFC);
    s.window = 0;
    peer_sends(&s, A, THEIRS, ONE, 0);
    script_write(&s, 50);
    expect_nothing(&s);
    for (unsigned i = 0; i < 8; i++) {
        expect_deadline(&s, tcp_deadline(s.tcp));
        expect_segment(&s, A, ONE, THEIRS, 1, WINDOW_PROBE);
    }
    expect_deadline(&s, tcp_deadline(s.tcp));
    expect_event(&s, TIMED_OUT); /* the trouble told of before is outdated by it */
    script_end(&s);
}

/* The probe's octet is taken although the window stays closed after it. */
static void test_probe_is_accepted(void **state)
{
    (void)state;
    Script s;
    script_ready(&s, TCP_PROFILE_RFC);
    s.window = 0;
    peer_sends(&s, A, THEIRS, ONE, 0);
    script_write(&s, 50);
    expect_nothing(&s);
    expect_deadline(&s, tcp_deadline(s.tcp));
    expect_segment(&s, A, ONE, THEIRS, 1, WINDOW_PROBE);
    peer_sends(&s, A, THEIRS, ONE + 1, 0);
    expect_nothing(&s);
    expect_deadline(&s, tcp_deadline(s.tcp));
    expect_segment(&s, A, ONE + 1, THEIRS, 1, WINDOW_PROBE);
    script_end(&s);
}

/* MUST-34: the window shrinks below what is in flight. */
static void test_window_shrinks(void **state)
{
    (void)state;
    Script s;
    script_ready(&s, TCP_PROFILE_RFC);
    script_write(&s, 8000);
    assert_int_equal(script_drain(&s), 8);
    s.window = 500;
    peer_sends(&s, A, THEIRS, ONE + 1000, 0);
    script_write(&s, 100);
    expect_nothing(&s);
    expect_deadline(&s, tcp_deadline(s.tcp));
    expect_segment(&s, A, ONE + 1000, THEIRS, 500, TIMEOUT_RESEND);
    expect_nothing(&s);
    script_end(&s);
}

/* RFC 9293 §3.8.6.2.1: no silly segment, but after the override timeout. */
static void test_sender_avoids_silly_windows(void **state)
{
    (void)state;
    Script s;
    script_ready(&s, TCP_PROFILE_RFC);
    s.window = 100;
    peer_sends(&s, A, THEIRS, ONE, 0);
    script_write(&s, 3000);
    expect_nothing(&s);
    expect_deadline(&s, s.now + 500 * SIM_MILLISECOND);
    expect_segment(&s, A, ONE, THEIRS, 100, FIRST);
    expect_nothing(&s);
    script_end(&s);
}

/* Rule (3): half of the largest window ever offered is worth a segment. */
static void test_half_of_a_small_window_is_used(void **state)
{
    (void)state;
    Script s;
    script_init(&s, TCP_PROFILE_RFC);
    s.window = 600;
    script_establish(&s, 10 * SIM_MILLISECOND);
    script_write(&s, 3000);
    expect_segment(&s, A, ONE, THEIRS, 600, FIRST);
    s.window = 299;
    peer_sends(&s, A, THEIRS, ONE + 600, 0);
    expect_nothing(&s);
    s.window = 300;
    peer_sends(&s, A, THEIRS, ONE + 600, 0);
    expect_segment(&s, A, ONE + 600, THEIRS, 300, FIRST);
    script_end(&s);
}

/* A reader that comes late: an update of its own for two full segments, not for one. */
static void test_window_update(void **state)
{
    (void)state;
    Script s;
    script_ready(&s, TCP_PROFILE_RFC);
    for (uint32_t i = 0; i < 4; i++)
        peer_sends(&s, A, THEIRS + i * 1000, ONE, 1000);
    expect_segment(&s, A, ONE, THEIRS + 4000, 0, PURE_ACK);
    tcp_consume(s.tcp, 1999);
    expect_nothing(&s);
    tcp_consume(s.tcp, 1);
    expect_segment(&s, A, ONE, THEIRS + 4000, 0, PURE_ACK);
    assert_int_equal(tcp_peek_info(s.tcp).rcv_wnd, 63535);
    expect_nothing(&s);
    script_end(&s);
}

/* The receiver: a full buffer, and no small steps of its right edge. */
static void test_receiver_avoids_silly_windows(void **state)
{
    (void)state;
    Script s;
    script_init(&s, TCP_PROFILE_RFC);
    s.options.receive_buffer = 4000;
    script_establish(&s, 10 * SIM_MILLISECOND);
    for (uint32_t i = 0; i < 4; i++)
        peer_sends(&s, A, THEIRS + i * 1000, ONE, 1000);
    expect_segment(&s, A, ONE, THEIRS + 4000, 0, PURE_ACK);
    assert_int_equal(tcp_peek_info(s.tcp).rcv_wnd, 0);
    peer_sends(&s, A, THEIRS + 4000, ONE, 1); /* a probe: refused, answered */
    expect_segment(&s, A, ONE, THEIRS + 4000, 0, PURE_ACK);
    tcp_consume(s.tcp, 999);
    expect_nothing(&s);
    tcp_consume(s.tcp, 1);
    Segment update;
    assert_true(tcp_next_segment(s.tcp, s.now, &update));
    assert_int_equal(update.window, 1000);
    peer_sends(&s, A, THEIRS + 4000, ONE, 1);
    assert_int_equal(tcp_readable(s.tcp), 3001);
    script_end(&s);
}

/* ACKs that a closed window would refuse by table 6 still count (appendix A.2). */
static void test_ack_passes_closed_window(void **state)
{
    (void)state;
    Script s;
    script_init(&s, TCP_PROFILE_RFC);
    s.options.receive_buffer = 1000;
    script_establish(&s, 10 * SIM_MILLISECOND);
    peer_sends(&s, A, THEIRS, ONE, 1000);
    script_drain(&s);
    script_write(&s, 10);
    expect_segment(&s, A, ONE, THEIRS + 1000, 10, FIRST);
    peer_sends(&s, A, THEIRS + 1001, ONE + 10, 0); /* behind its own probe */
    assert_int_equal(tcp_peek_info(s.tcp).flight, 0);
    script_end(&s);
}

static void test_nagle(void **state)
{
    (void)state;
    const struct {
        TcpNagle nagle;
        bool after_full, after_short; /* does a short segment go behind an unacknowledged one? */
    } cases[] = {
        {TCP_NAGLE_ON, false, false},
        {TCP_NAGLE_MINSHALL, true, false},
        {TCP_NAGLE_OFF, true, true},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        Script s;
        script_init(&s, TCP_PROFILE_RFC);
        s.options.nagle = (uint8_t)cases[i].nagle;
        script_establish(&s, 10 * SIM_MILLISECOND);
        script_write(&s, 1000);
        assert_int_equal(script_drain(&s), 1);
        script_write(&s, 10);
        assert_int_equal(script_drain(&s), cases[i].after_full);
        peer_sends(&s, A, THEIRS, tcp_peek_info(s.tcp).snd_nxt, 0);
        script_drain(&s);
        assert_int_equal(tcp_peek_info(s.tcp).unsent, 0);
        script_write(&s, 10);
        script_drain(&s);
        script_write(&s, 10);
        assert_int_equal(script_drain(&s), cases[i].after_short);
        script_end(&s);
    }
}

/* The last short segment of a stream goes with the FIN: nothing will come to fill it. */
static void test_fin_overrides_nagle(void **state)
{
    (void)state;
    Script s;
    script_ready(&s, TCP_PROFILE_RFC);
    script_write(&s, 1010);
    expect_segment(&s, A, ONE, THEIRS, 1000, FIRST);
    expect_nothing(&s);
    tcp_close(s.tcp);
    expect_segment(&s, F | A, ONE + 1000, THEIRS, 10, FIRST);
    script_end(&s);
}

static void test_delayed_ack(void **state)
{
    (void)state;
    for (TcpProfile profile = TCP_PROFILE_RFC; profile <= TCP_PROFILE_LINUX; profile++) {
        Script s;
        script_ready(&s, profile);
        peer_sends(&s, A, THEIRS, ONE, 1000);
        tcp_consume(s.tcp, 1000);
        expect_nothing(&s);
        expect_deadline(&s, s.now + s.options.delayed_ack);
        expect_segment(&s, A, ONE, THEIRS + 1000, 0, PURE_ACK);
        /* At once for every second full segment. */
        peer_sends(&s, A, THEIRS + 1000, ONE, 1000);
        expect_nothing(&s);
        peer_sends(&s, A, THEIRS + 2000, ONE, 1000);
        expect_segment(&s, A, ONE, THEIRS + 3000, 0, PURE_ACK);
        assert_int_equal(tcp_deadline(s.tcp), SIM_NEVER);
        /* With our own data it costs nothing. */
        peer_sends(&s, A, THEIRS + 3000, ONE, 10);
        script_write(&s, 5);
        expect_segment(&s, A, ONE, THEIRS + 3010, 5, FIRST);
        expect_nothing(&s);
        script_end(&s);
    }
}

static void test_delayed_ack_off(void **state)
{
    (void)state;
    Script s;
    script_init(&s, TCP_PROFILE_RFC);
    s.options.delayed_ack = 0;
    script_establish(&s, 10 * SIM_MILLISECOND);
    peer_sends(&s, A, THEIRS, ONE, 1);
    expect_segment(&s, A, ONE, THEIRS + 1, 0, PURE_ACK);
    script_end(&s);
}

static void assert_stream(const Script *s, size_t length)
{
    uint8_t seen[64];
    assert_int_equal(tcp_readable(s->tcp), length);
    for (size_t i = 0; i < length; i++) {
        Slice octet = tcp_read(s->tcp, 1);
        seen[i] = slice_span(octet).data[0];
        slice_clear(&octet);
        assert_int_equal(seen[i], 'a' + i % 26);
    }
}

/* Pieces of "abcdef..." out of order, overlapping, twice; a duplicate ACK for each behind a gap. */
static void test_reassembly(void **state)
{
    (void)state;
    Script s;
    script_ready(&s, TCP_PROFILE_RFC);
    Slice all = script_text(26);
    const struct {
        uint32_t from, length, acked;
    } pieces[] = {
        {10, 5, 0}, {20, 6, 0}, {10, 5, 0},  {8, 9, 0},
        {5, 2, 0},  {0, 6, 7},  {3, 10, 17}, {16, 10, 26},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(pieces); i++) {
        Segment segment = {.seq = THEIRS + pieces[i].from,
                           .ack = ONE,
                           .flags = A,
                           .window = PEER_WINDOW,
                           .payload = slice_ref(all, pieces[i].from, pieces[i].length)};
        tcp_receive(s.tcp, &segment, s.now);
        segment_clear(&segment);
        expect_segment(&s, A, ONE, THEIRS + pieces[i].acked, 0, PURE_ACK);
        expect_nothing(&s);
    }
    slice_clear(&all);
    assert_stream(&s, 26);
    script_end(&s);
}

static void test_fin_before_its_text(void **state)
{
    (void)state;
    Script s;
    script_ready(&s, TCP_PROFILE_RFC);
    peer_sends(&s, F | A, THEIRS + 10, ONE, 0);
    expect_segment(&s, A, ONE, THEIRS, 0, PURE_ACK);
    expect_no_event(&s);
    peer_sends(&s, A, THEIRS, ONE, 20); /* a peer that says more than its FIN allows */
    expect_event(&s, READABLE);
    expect_event(&s, PEER_CLOSED);
    expect_segment(&s, A, ONE, THEIRS + 11, 0, PURE_ACK);
    expect_state(&s, CLOSE_WAIT);
    assert_stream(&s, 10);
    script_end(&s);
}

static void test_send_buffer_is_bounded(void **state)
{
    (void)state;
    Script s;
    script_init(&s, TCP_PROFILE_RFC);
    s.options.send_buffer = 4000;
    script_establish(&s, 10 * SIM_MILLISECOND);
    assert_int_equal(script_write(&s, 3000), 3000);
    assert_int_equal(script_write(&s, 3000), 1000);
    assert_int_equal(tcp_write_room(s.tcp), 0);
    script_drain(&s);
    peer_sends(&s, A, THEIRS, ONE + 1000, 0);
    expect_no_event(&s);
    peer_sends(&s, A, THEIRS, ONE + 2000, 0);
    expect_event(&s, WRITABLE);
    expect_no_event(&s);
    tcp_close_sending(s.tcp);
    assert_int_equal(script_write(&s, 1), 0);
    script_end(&s);
}

/* Who asks for the room and writes just as much is told of new room as well. */
static void test_room_after_exactly_filling(void **state)
{
    (void)state;
    Script s;
    script_init(&s, TCP_PROFILE_RFC);
    s.options.send_buffer = 4000;
    script_establish(&s, 10 * SIM_MILLISECOND);
    assert_int_equal(script_write(&s, 4000), 4000);
    script_drain(&s);
    peer_sends(&s, A, THEIRS, ONE + 2000, 0);
    expect_event(&s, WRITABLE);
    assert_int_equal(script_write(&s, 1000), 1000);
    script_drain(&s);
    peer_sends(&s, A, THEIRS, ONE + 5000, 0);
    expect_no_event(&s); /* 1000 octets of room were left */
    script_end(&s);
}

/* A segment's text is the writer's own bytes where it lies in one chunk, a copy where it does not.
 */
static void test_text_by_reference(void **state)
{
    (void)state;
    Script s;
    script_init(&s, TCP_PROFILE_RFC);
    script_open_active(&s);
    Slice text = script_text(1500);
    tcp_write(s.tcp, text);
    tcp_write(s.tcp, text);
    script_drain(&s);
    peer_sends(&s, S | A, PEER_ISS, ONE, 0);
    const bool shared[] = {true, false, true};
    for (size_t i = 0; i < G_N_ELEMENTS(shared); i++) {
        Segment out;
        assert_true(tcp_next_segment(s.tcp, s.now, &out));
        assert_int_equal(out.payload.length, 1000);
        assert_int_equal(out.payload.bytes == text.bytes, shared[i]);
        assert_int_equal(slice_span(out.payload).data[999],
                         slice_span(text).data[(i * 1000 + 999) % 1500]);
        segment_clear(&out);
    }
    slice_clear(&text);
    script_end(&s);
}

static void test_keep_alive(void **state)
{
    (void)state;
    Script s;
    script_init(&s, TCP_PROFILE_RFC);
    s.options.keep_alive_idle = 2 * SIM_HOUR;
    script_establish(&s, 10 * SIM_MILLISECOND);
    expect_deadline(&s, s.now + 2 * SIM_HOUR);
    expect_segment(&s, A, ONE - 1, THEIRS, 0, KEEP_ALIVE);
    peer_sends(&s, A, THEIRS, ONE, 0);
    expect_deadline(&s, s.now + 2 * SIM_HOUR);
    expect_segment(&s, A, ONE - 1, THEIRS, 0, KEEP_ALIVE);
    for (unsigned i = 0; i < 8; i++) {
        expect_deadline(&s, s.now + 75 * SIM_SECOND);
        expect_segment(&s, A, ONE - 1, THEIRS, 0, KEEP_ALIVE);
    }
    expect_deadline(&s, s.now + 75 * SIM_SECOND);
    expect_event(&s, TIMED_OUT);
    script_end(&s);
}

/* RFC 1191 §6.4: a segment was too large for the path. All that is outstanding goes again in
 * smaller ones, one until acknowledgements come; the congestion window's size is not forgotten. */
static void test_path_mtu(void **state)
{
    (void)state;
    Script s;
    Segment segment;
    script_init(&s, TCP_PROFILE_RFC);
    script_establish(&s, 10 * SIM_MILLISECOND);
    script_write(&s, 3000);
    script_drain(&s);
    uint32_t cwnd = tcp_peek_info(s.tcp).cwnd, first = tcp_peek_info(s.tcp).snd_una;
    tcp_icmp_too_large(s.tcp, first - 1, 576); /* about nothing outstanding: not believed */
    tcp_icmp_too_large(s.tcp, first, 1500);    /* no news */
    assert_false(tcp_next_segment(s.tcp, s.now, &segment));
    tcp_icmp_too_large(s.tcp, first, 576);
    tcp_icmp_too_large(s.tcp, first + 1460, 576); /* of the same flight */
    assert_true(tcp_next_segment(s.tcp, s.now, &segment));
    assert_int_equal(segment.seq, first);
    assert_int_equal(segment.payload.length, 536);
    assert_int_equal(segment.sending, SEGMENT_SENDING_SMALLER_RESEND);
    segment_clear(&segment);
    assert_false(tcp_next_segment(s.tcp, s.now, &segment));
    TcpInfo info = tcp_peek_info(s.tcp);
    assert_int_equal(info.mss, 536);
    assert_int_equal(info.cwnd, 536);
    assert_true(info.ssthresh >= cwnd);
    script_end(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_path_mtu),
        cmocka_unit_test(test_zero_window_is_probed),
        cmocka_unit_test(test_unanswered_probes_time_out),
        cmocka_unit_test(test_probe_is_accepted),
        cmocka_unit_test(test_window_shrinks),
        cmocka_unit_test(test_sender_avoids_silly_windows),
        cmocka_unit_test(test_half_of_a_small_window_is_used),
        cmocka_unit_test(test_window_update),
        cmocka_unit_test(test_receiver_avoids_silly_windows),
        cmocka_unit_test(test_ack_passes_closed_window),
        cmocka_unit_test(test_nagle),
        cmocka_unit_test(test_fin_overrides_nagle),
        cmocka_unit_test(test_delayed_ack),
        cmocka_unit_test(test_delayed_ack_off),
        cmocka_unit_test(test_reassembly),
        cmocka_unit_test(test_fin_before_its_text),
        cmocka_unit_test(test_send_buffer_is_bounded),
        cmocka_unit_test(test_room_after_exactly_filling),
        cmocka_unit_test(test_text_by_reference),
        cmocka_unit_test(test_keep_alive),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
