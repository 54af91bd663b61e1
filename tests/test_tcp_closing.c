/* Closing a TCP connection: RFC 9293 §3.6, §3.10.4, §3.10.5, the rules for RST (§3.5.2, §3.5.3,
 * §3.10.7.1, RFC 5961), TIME-WAIT. */
#include "tcp_script.h"

/* Figure 12, the left side. */
static void test_active_close(void **state)
{
    (void)state;
    Script s;
    script_init(&s, TCP_PROFILE_RFC);
    script_establish(&s, SIM_MILLISECOND);
    tcp_close(s.tcp);
    expect_state(&s, FIN_WAIT_1);
    expect_segment(&s, F | A, ONE, THEIRS, 0, FIRST);
    peer_sends(&s, A, THEIRS, ONE + 1, 0);
    expect_state(&s, FIN_WAIT_2);
    assert_int_equal(tcp_deadline(s.tcp), SIM_NEVER);
    peer_sends(&s, F | A, THEIRS, ONE + 1, 0);
    expect_state(&s, TIME_WAIT);
    expect_event(&s, PEER_CLOSED);
    expect_segment(&s, A, ONE + 1, THEIRS + 1, 0, PURE_ACK);
    expect_no_event(&s);
    expect_deadline(&s, s.now + 4 * SIM_MINUTE);
    expect_state(&s, CLOSED);
    expect_event(&s, CLOSED);
    script_end(&s);
}

/* Figure 12, the right side; text that is still to be sent goes before the FIN. */
static void test_passive_close(void **state)
{
    (void)state;
    Script s;
    script_init(&s, TCP_PROFILE_RFC);
    script_establish(&s, SIM_MILLISECOND);
    peer_sends(&s, F | A, THEIRS, ONE, 0);
    expect_event(&s, PEER_CLOSED);
    expect_segment(&s, A, ONE, THEIRS + 1, 0, PURE_ACK);
    script_write(&s, 15000);
    tcp_close(s.tcp);
    assert_int_equal(script_drain(&s), 10);
    expect_state(&s, CLOSE_WAIT); /* the CLOSE is queued until all is segmentized */
    peer_sends(&s, A, THEIRS + 1, ONE + 10000, 0);
    script_drain(&s);
    expect_state(&s, LAST_ACK);
    assert_int_equal(tcp_peek_info(s.tcp).snd_nxt, ONE + 15001);
    peer_sends(&s, A, THEIRS + 1, ONE + 15001, 0);
    expect_state(&s, CLOSED);
    expect_event(&s, CLOSED);
    script_end(&s);
}

/* Figure 13. */
static void test_simultaneous_close(void **state)
{
    (void)state;
    Script s;
    script_init(&s, TCP_PROFILE_LINUX);
    script_establish(&s, SIM_MILLISECOND);
    tcp_close(s.tcp);
    expect_segment(&s, F | A, ONE, THEIRS, 0, FIRST);
    peer_sends(&s, F | A, THEIRS, ONE, 0);
    expect_state(&s, CLOSING);
    expect_segment(&s, A, ONE + 1, THEIRS + 1, 0, PURE_ACK);
    peer_sends(&s, A, THEIRS + 1, ONE + 1, 0);
    expect_state(&s, TIME_WAIT);
    expect_deadline(&s, s.now + SIM_MINUTE);
    expect_state(&s, CLOSED);
    script_end(&s);
}

/* FIN and the ACK of ours in one segment. */
static void test_fin_with_ack_of_fin(void **state)
{
    (void)state;
    Script s;
    script_init(&s, TCP_PROFILE_RFC);
    script_reach(&s, TCP_FIN_WAIT_1);
    peer_sends(&s, F | A, THEIRS, ONE + 1, 0);
    expect_state(&s, TIME_WAIT);
    script_end(&s);
}

/* RFC 9293's CLOSE closes one direction: reading goes on. */
static void test_half_closed(void **state)
{
    (void)state;
    Script s;
    script_init(&s, TCP_PROFILE_RFC);
    script_reach(&s, TCP_FIN_WAIT_2);
    peer_sends(&s, A, THEIRS, ONE + 1, 300);
    expect_event(&s, READABLE);
    assert_int_equal(tcp_readable(s.tcp), 300);
    peer_sends(&s, F | A, THEIRS + 300, ONE + 1, 0);
    expect_event(&s, PEER_CLOSED);
    expect_state(&s, TIME_WAIT);
    assert_int_equal(tcp_readable(s.tcp), 300);
    script_end(&s);
}

/* §3.6.1, SHLD-3: unread data, and data after the close, are answered with a RST. */
static void test_close_with_unread_data(void **state)
{
    (void)state;
    Script s;
    script_init(&s, TCP_PROFILE_RFC);
    script_establish(&s, SIM_MILLISECOND);
    peer_sends(&s, A, THEIRS, ONE, 10);
    tcp_close(s.tcp);
    expect_state(&s, CLOSED);
    expect_segment(&s, R, ONE, 0, 0, RESET);
    expect_nothing(&s);
    expect_event(&s, CLOSED);
    expect_no_event(&s);
    script_end(&s);
}

static void test_data_after_close(void **state)
{
    (void)state;
    Script s;
    script_init(&s, TCP_PROFILE_RFC);
    script_establish(&s, SIM_MILLISECOND);
    tcp_close(s.tcp);
    script_drain(&s);
    peer_sends(&s, A, THEIRS, ONE + 1, 10);
    expect_state(&s, CLOSED);
    expect_segment(&s, R, ONE + 1, 0, 0, RESET);
    script_end(&s);
}

static void test_fin_wait_2_times_out(void **state)
{
    (void)state;
    Script s;
    script_init(&s, TCP_PROFILE_LINUX);
    script_establish(&s, SIM_MILLISECOND);
    tcp_close(s.tcp);
    script_drain(&s);
    peer_sends(&s, A, THEIRS, ONE + 1, 0);
    expect_state(&s, FIN_WAIT_2);
    expect_deadline(&s, s.now + SIM_MINUTE);
    expect_state(&s, CLOSED);
    expect_event(&s, CLOSED);
    script_end(&s);
}

/* A FIN that is lost is sent again. */
static void test_fin_is_sent_again(void **state)
{
    (void)state;
    Script s;
    script_init(&s, TCP_PROFILE_RFC);
    script_reach(&s, TCP_LAST_ACK);
    expect_deadline(&s, s.now + SIM_SECOND);
    expect_segment(&s, F | A, ONE, THEIRS + 1, 0, TIMEOUT_RESEND);
    script_end(&s);
}

/* §3.10.7.4, fifth step, TIME-WAIT: acknowledge the FIN, restart the 2 MSL timeout. */
static void test_time_wait_restarts(void **state)
{
    (void)state;
    Script s;
    script_init(&s, TCP_PROFILE_RFC);
    script_reach(&s, TCP_TIME_WAIT);
    s.now += SIM_MINUTE;
    peer_sends(&s, F | A, THEIRS, ONE + 1, 0);
    expect_segment(&s, A, ONE + 1, THEIRS + 1, 0, PURE_ACK);
    assert_int_equal(tcp_deadline(s.tcp), s.now + 4 * SIM_MINUTE);
    Segment syn = {.seq = THEIRS + 1, .flags = S};
    assert_false(tcp_can_reopen(s.tcp, &syn));
    syn.seq++;
    assert_true(tcp_can_reopen(s.tcp, &syn));
    script_end(&s);
}

/* RFC 5961 §3: exact: reset; in the window: challenge ACK; outside: nothing. */
static void test_rst_is_validated(void **state)
{
    (void)state;
    Script s;
    script_init(&s, TCP_PROFILE_RFC);
    script_establish(&s, SIM_MILLISECOND);
    peer_sends(&s, R, THEIRS - 1, 0, 0);
    peer_sends(&s, R, THEIRS + 65535, 0, 0);
    expect_nothing(&s);
    peer_sends(&s, R, THEIRS + 1, 0, 0);
    expect_segment(&s, A, ONE, THEIRS, 0, PURE_ACK);
    expect_state(&s, ESTABLISHED);
    script_write(&s, 7);
    TcpEvent event;
    peer_sends(&s, R, THEIRS, 0, 0);
    assert_true(tcp_next_event(s.tcp, &event));
    assert_int_equal(event.kind, TCP_EVENT_RESET);
    assert_int_equal(event.unacknowledged, 7);
    expect_event(&s, CLOSED);
    expect_nothing(&s);
    assert_int_equal(tcp_deadline(s.tcp), SIM_NEVER);
    script_end(&s);
}

/* MUST-66, SHLD-2: a RST counts though our window is closed, and though it carries text. */
static void test_rst_at_a_closed_window(void **state)
{
    (void)state;
    for (size_t text = 0; text <= 5; text += 5) {
        Script s;
        script_init(&s, TCP_PROFILE_RFC);
        s.options.receive_buffer = 2 * PEER_MSS;
        script_establish(&s, SIM_MILLISECOND);
        peer_sends(&s, A, THEIRS, ONE, PEER_MSS);
        peer_sends(&s, A, THEIRS + PEER_MSS, ONE, PEER_MSS);
        Segment full;
        assert_true(tcp_next_segment(s.tcp, s.now, &full));
        assert_int_equal(full.ack, THEIRS + 2 * PEER_MSS);
        assert_int_equal(full.window, 0);
        segment_clear(&full);
        peer_sends(&s, R, THEIRS + 2 * PEER_MSS + 1, 0, text); /* in no window */
        expect_state(&s, ESTABLISHED);
        peer_sends(&s, R, THEIRS + 2 * PEER_MSS, 0, text);
        expect_state(&s, CLOSED);
        script_end(&s);
    }
}

/* RFC 5961 §5 and stray segments; those without text are answered at most twice a second. */
static void test_stray_segments(void **state)
{
    (void)state;
    Script s;
    script_init(&s, TCP_PROFILE_RFC);
    script_establish(&s, SIM_MILLISECOND);
    peer_sends(&s, A, THEIRS, ONE + 1, 0); /* acknowledges what was not sent */
    expect_segment(&s, A, ONE, THEIRS, 0, PURE_ACK);
    peer_sends(&s, A, THEIRS - 50, ONE, 50); /* old text */
    expect_segment(&s, A, ONE, THEIRS, 0, PURE_ACK);
    peer_sends(&s, A, THEIRS - 1, ONE, 0);
    expect_segment(&s, A, ONE, THEIRS, 0, PURE_ACK);
    peer_sends(&s, A, THEIRS - 1, ONE, 0);
    expect_nothing(&s);
    peer_sends(&s, 0, THEIRS, 0, 5); /* no ACK: dropped */
    expect_nothing(&s);
    assert_int_equal(tcp_readable(s.tcp), 0);
    script_end(&s);
}

/* §3.10.5. */
static void test_abort(void **state)
{
    (void)state;
    for (TcpState from = TCP_SYN_SENT; from < TCP_STATE_COUNT; from++) {
        Script s;
        script_init(&s, TCP_PROFILE_RFC);
        script_reach(&s, from);
        uint32_t next = tcp_peek_info(s.tcp).snd_nxt;
        tcp_abort(s.tcp);
        expect_state(&s, CLOSED);
        bool silent = from == TCP_SYN_SENT || from == TCP_CLOSING || from == TCP_LAST_ACK ||
                      from == TCP_TIME_WAIT;
        if (!silent)
            expect_segment(&s, R, next, 0, 0, RESET);
        expect_nothing(&s);
        expect_event(&s, CLOSED);
        script_end(&s);
    }
}

/* §3.10.7.1. */
static void test_reply_for_closed(void **state)
{
    (void)state;
    Segment reply;
    Segment syn = {.source_port = 1, .destination_port = 25, .seq = 100, .flags = S | F};
    syn.payload = script_text(8);
    assert_true(tcp_reply_for_closed(&syn, &reply));
    assert_int_equal(reply.flags, R | A);
    assert_int_equal(reply.seq, 0);
    assert_int_equal(reply.ack, 110);
    assert_int_equal(reply.source_port, 25);
    assert_int_equal(reply.destination_port, 1);
    Segment ack = {.seq = 100, .ack = 77, .flags = A};
    assert_true(tcp_reply_for_closed(&ack, &reply));
    assert_int_equal(reply.flags, R);
    assert_int_equal(reply.seq, 77);
    Segment rst = {.flags = R | A};
    assert_false(tcp_reply_for_closed(&rst, &reply));
    segment_clear(&syn);
}

/* §3.10.4, SYN-SENT and SYN-RECEIVED. */
static void test_close_while_opening(void **state)
{
    (void)state;
    Script s;
    script_init(&s, TCP_PROFILE_RFC);
    script_reach(&s, TCP_SYN_SENT);
    tcp_close(s.tcp);
    expect_state(&s, CLOSED);
    expect_event(&s, CLOSED);
    script_end(&s);

    script_init(&s, TCP_PROFILE_RFC);
    script_open_passive(&s);
    script_drain(&s);
    script_write(&s, 10);
    tcp_close(s.tcp);
    expect_state(&s, SYN_RECEIVED); /* queued */
    peer_sends(&s, A, THEIRS, ONE, 0);
    expect_state(&s, FIN_WAIT_1);
    expect_segment(&s, F | A, ONE, THEIRS, 10, FIRST);
    script_end(&s);

    script_init(&s, TCP_PROFILE_RFC);
    script_open_passive(&s);
    script_drain(&s);
    tcp_close(s.tcp);
    expect_state(&s, FIN_WAIT_1);
    script_drain(&s);
    peer_sends(&s, A, THEIRS, ONE, 0);
    expect_segment(&s, F | A, ONE, THEIRS, 0, FIRST);
    peer_sends(&s, F | A, THEIRS, ONE + 1, 0);
    expect_state(&s, TIME_WAIT);
    script_end(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_active_close),       cmocka_unit_test(test_passive_close),
        cmocka_unit_test(test_simultaneous_close), cmocka_unit_test(test_fin_with_ack_of_fin),
        cmocka_unit_test(test_half_closed),        cmocka_unit_test(test_close_with_unread_data),
        cmocka_unit_test(test_data_after_close),   cmocka_unit_test(test_fin_wait_2_times_out),
        cmocka_unit_test(test_fin_is_sent_again),  cmocka_unit_test(test_time_wait_restarts),
        cmocka_unit_test(test_rst_is_validated),   cmocka_unit_test(test_rst_at_a_closed_window),
        cmocka_unit_test(test_stray_segments),     cmocka_unit_test(test_abort),
        cmocka_unit_test(test_reply_for_closed),   cmocka_unit_test(test_close_while_opening),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
