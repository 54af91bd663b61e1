/* Loss: the retransmission timer (RFC 6298), Karn's algorithm, fast retransmit and NewReno (RFC
 * 5681, RFC 6582), limited transmit (RFC 3042), tail loss probes, giving up (RFC 9293 §3.8.3). */
#include "tcp_script.h"

static void test_back_off_and_r2_rfc(void **state)
{
    (void)state;
    Script s;
    script_init(&s, TCP_PROFILE_RFC);
    script_establish(&s, 10 * SIM_MILLISECOND);
    SimTime start = s.now;
    script_write(&s, 100);
    expect_segment(&s, A, ONE, THEIRS, 100, FIRST);
    const SimTime at[] = {1, 3, 7, 15, 31, 63, 123, 183};
    for (size_t i = 0; i < G_N_ELEMENTS(at); i++) {
        expect_deadline(&s, start + at[i] * SIM_SECOND);
        expect_segment(&s, A, ONE, THEIRS, 100, TIMEOUT_RESEND);
        expect_nothing(&s);
    }
    expect_event(&s, TROUBLE);
    expect_deadline(&s, start + 243 * SIM_SECOND);
    TcpEvent event;
    assert_true(tcp_next_event(s.tcp, &event));
    assert_int_equal(event.kind, TCP_EVENT_TIMED_OUT);
    assert_int_equal(event.unacknowledged, 100);
    expect_event(&s, CLOSED);
    expect_nothing(&s);
    script_end(&s);
}

/* Measured: 0.21 (a tail loss probe), 0.42, 0.84, 1.68, 3.34, 6.73, 13.4, 26.7 s; given up after 15
 * resendings, about 15 minutes. */
static void test_back_off_linux(void **state)
{
    (void)state;
    Script s;
    script_init(&s, TCP_PROFILE_LINUX);
    script_establish(&s, 10 * SIM_MILLISECOND);
    SimTime start = s.now;
    script_write(&s, 100);
    script_drain(&s);
    expect_deadline(&s, start + 210 * SIM_MILLISECOND);
    expect_segment(&s, A, ONE, THEIRS, 100, TAIL_LOSS_PROBE);
    SimTime interval = 210 * SIM_MILLISECOND;
    SimTime at = s.now;
    for (unsigned i = 0; i < 15; i++) {
        at += interval;
        interval = MIN(2 * interval, 2 * SIM_MINUTE);
        expect_deadline(&s, at);
        expect_segment(&s, A, ONE, THEIRS, 100, TIMEOUT_RESEND);
        if (i == 6)
            assert_in_range(s.now - start, 26600 * SIM_MILLISECOND, 26900 * SIM_MILLISECOND);
    }
    script_drop_events(&s);
    expect_deadline(&s, at + interval);
    assert_in_range(s.now - start, 900 * SIM_SECOND, 960 * SIM_SECOND);
    expect_event(&s, TIMED_OUT);
    script_end(&s);
}

/* RFC 6298 §2: the estimator's arithmetic. */
static void test_estimator(void **state)
{
    (void)state;
    Script s;
    script_init(&s, TCP_PROFILE_RFC);
    script_establish(&s, 400 * SIM_MILLISECOND);
    assert_int_equal(tcp_peek_info(s.tcp).rto, 1200 * SIM_MILLISECOND);
    script_write(&s, 10);
    script_drain(&s);
    s.now += 800 * SIM_MILLISECOND;
    peer_sends(&s, A, THEIRS, ONE + 10, 0);
    TcpInfo info = tcp_peek_info(s.tcp);
    assert_int_equal(info.rttvar, 250 * SIM_MILLISECOND); /* 3/4 * 200 + 1/4 * |400 - 800| */
    assert_int_equal(info.srtt, 450 * SIM_MILLISECOND);   /* 7/8 * 400 + 1/8 * 800 */
    assert_int_equal(info.rto, 1450 * SIM_MILLISECOND);
    script_end(&s);
}

/* Karn: no sample from what was sent twice; the doubled RTO stays until there is one. */
static void test_karn(void **state)
{
    (void)state;
    Script s;
    script_init(&s, TCP_PROFILE_RFC);
    script_establish(&s, 100 * SIM_MILLISECOND);
    script_write(&s, 10);
    script_drain(&s);
    expect_deadline(&s, s.now + SIM_SECOND);
    script_drain(&s);
    s.now += 700 * SIM_MILLISECOND;
    peer_sends(&s, A, THEIRS, ONE + 10, 0);
    assert_int_equal(tcp_peek_info(s.tcp).srtt, 100 * SIM_MILLISECOND);
    assert_int_equal(tcp_peek_info(s.tcp).rto, 2 * SIM_SECOND);
    script_write(&s, 10);
    script_drain(&s);
    s.now += 100 * SIM_MILLISECOND;
    peer_sends(&s, A, THEIRS, ONE + 20, 0);
    assert_int_equal(tcp_peek_info(s.tcp).rto, SIM_SECOND);
    script_end(&s);
}

/* Writes much and sends the initial window: segments at ONE, ONE + 1000, ... ONE + 9000. */
static void script_send_window(Script *s)
{
    script_init(s, TCP_PROFILE_RFC);
    script_establish(s, 100 * SIM_MILLISECOND);
    script_write(s, 40000);
    assert_int_equal(script_drain(s), 10);
    s->now += 100 * SIM_MILLISECOND;
}

static void test_fast_retransmit_and_full_ack(void **state)
{
    (void)state;
    Script s;
    script_send_window(&s);
    /* Limited transmit: a new segment for each of the first two duplicates. */
    peer_sends(&s, A, THEIRS, ONE, 0);
    expect_segment(&s, A, ONE + 10000, THEIRS, 1000, FIRST);
    expect_nothing(&s);
    peer_sends(&s, A, THEIRS, ONE, 0);
    expect_segment(&s, A, ONE + 11000, THEIRS, 1000, FIRST);
    expect_nothing(&s);
    peer_sends(&s, A, THEIRS, ONE, 0);
    expect_segment(&s, A, ONE, THEIRS, 1000, FAST_RESEND);
    expect_nothing(&s);
    TcpInfo info = tcp_peek_info(s.tcp);
    assert_true(info.recovering);
    assert_int_equal(info.ssthresh, 5000); /* half of the flight before limited transmit */
    assert_int_equal(info.cwnd, 8000);
    /* Each more duplicate inflates the window: the fifth makes 13000 of it. */
    for (unsigned i = 0; i < 4; i++) {
        peer_sends(&s, A, THEIRS, ONE, 0);
        expect_nothing(&s);
    }
    peer_sends(&s, A, THEIRS, ONE, 0);
    expect_segment(&s, A, ONE + 12000, THEIRS, 1000, FIRST);
    /* Full acknowledgement: out of recovery, cwnd = min (ssthresh, flight + SMSS); the segment that
     * was timed has been sent twice, so there is no sample (Karn). */
    s.now += 50 * SIM_MILLISECOND;
    peer_sends(&s, A, THEIRS, ONE + 12000, 0);
    info = tcp_peek_info(s.tcp);
    assert_int_equal(info.srtt, 100 * SIM_MILLISECOND);
    assert_false(info.recovering);
    assert_int_equal(info.cwnd, 2000);
    assert_int_equal(info.retransmissions, 1);
    script_end(&s);
}

/* RFC 6582: a partial acknowledgement brings the next lost segment at once. */
static void test_newreno_partial_acks(void **state)
{
    (void)state;
    Script s;
    script_send_window(&s);
    for (unsigned i = 0; i < 3; i++)
        peer_sends(&s, A, THEIRS, ONE, 0);
    expect_segment(&s, A, ONE, THEIRS, 1000, FAST_RESEND);
    script_drain(&s);
    peer_sends(&s, A, THEIRS, ONE + 4000, 0);
    expect_segment(&s, A, ONE + 4000, THEIRS, 1000, FAST_RESEND);
    assert_true(tcp_peek_info(s.tcp).recovering);
    script_drain(&s);
    peer_sends(&s, A, THEIRS, ONE + 7000, 0);
    expect_segment(&s, A, ONE + 7000, THEIRS, 1000, FAST_RESEND);
    script_drain(&s);
    peer_sends(&s, A, THEIRS, tcp_peek_info(s.tcp).snd_nxt, 0);
    assert_false(tcp_peek_info(s.tcp).recovering);
    assert_int_equal(tcp_peek_info(s.tcp).retransmissions, 3);
    script_end(&s);
}

/* After a timeout: one segment, then slow start over what was outstanding. */
static void test_timeout_goes_back(void **state)
{
    (void)state;
    Script s;
    script_send_window(&s);
    expect_deadline(&s, tcp_deadline(s.tcp));
    expect_segment(&s, A, ONE, THEIRS, 1000, TIMEOUT_RESEND);
    expect_nothing(&s);
    assert_int_equal(tcp_peek_info(s.tcp).cwnd, 1000);
    assert_int_equal(tcp_peek_info(s.tcp).ssthresh, 5000);
    peer_sends(&s, A, THEIRS, ONE + 1000, 0);
    expect_segment(&s, A, ONE + 1000, THEIRS, 1000, TIMEOUT_RESEND);
    expect_segment(&s, A, ONE + 2000, THEIRS, 1000, TIMEOUT_RESEND);
    expect_nothing(&s);
    peer_sends(&s, A, THEIRS, ONE + 10000, 0); /* the rest had arrived */
    expect_segment(&s, A, ONE + 10000, THEIRS, 1000, FIRST);
    script_end(&s);
}

/* RFC 6582 §3.2 step 2: duplicates caused by our own needless resending start no recovery. */
static void test_duplicates_after_timeout(void **state)
{
    (void)state;
    Script s;
    script_send_window(&s);
    expect_deadline(&s, tcp_deadline(s.tcp));
    script_drain(&s);
    peer_sends(&s, A, THEIRS, ONE + 10000, 0);
    script_drain(&s);
    for (unsigned i = 0; i < 4; i++)
        peer_sends(&s, A, THEIRS, ONE + 10000, 0);
    assert_false(tcp_peek_info(s.tcp).recovering);
    script_end(&s);
}

/* RFC 5681 §3.1: slow start, one segment an ACK; the textbook's initial window of one segment. */
static void test_slow_start_from_one(void **state)
{
    (void)state;
    Script s;
    script_init(&s, TCP_PROFILE_RFC);
    s.options.initial_window = 1;
    script_establish(&s, SIM_MILLISECOND);
    script_write(&s, 60000);
    uint32_t acked = ONE;
    for (unsigned round = 0; round < 5; round++) {
        assert_int_equal(script_drain(&s), 1u << round);
        for (unsigned i = 0; i < 1u << round; i++)
            peer_sends(&s, A, THEIRS, acked += 1000, 0);
    }
    assert_int_equal(tcp_peek_info(s.tcp).cwnd, 32000);
    script_end(&s);
}

static void test_user_timeout(void **state)
{
    (void)state;
    Script s;
    script_init(&s, TCP_PROFILE_RFC);
    s.options.user_timeout = 10 * SIM_SECOND;
    script_establish(&s, SIM_MILLISECOND);
    SimTime start = s.now;
    script_write(&s, 1);
    script_drain(&s);
    for (unsigned i = 0; i < 3; i++) {
        expect_deadline(&s, tcp_deadline(s.tcp));
        script_drain(&s);
    }
    script_drop_events(&s);
    expect_deadline(&s, start + 10 * SIM_SECOND);
    expect_event(&s, TIMED_OUT);
    script_end(&s);
}

/* RFC 5681 §4.1. */
static void test_restart_after_idle(void **state)
{
    (void)state;
    Script s;
    script_send_window(&s);
    uint32_t acked = ONE;
    while (tcp_peek_info(s.tcp).unsent > 0 || tcp_peek_info(s.tcp).flight > 0) {
        peer_sends(&s, A, THEIRS, acked += 1000, 0);
        script_drain(&s);
    }
    assert_int_equal(tcp_peek_info(s.tcp).cwnd, 50000);
    s.now += 2 * SIM_SECOND;
    script_write(&s, 40000);
    assert_int_equal(script_drain(&s), 10);
    script_end(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_back_off_and_r2_rfc),
        cmocka_unit_test(test_back_off_linux),
        cmocka_unit_test(test_estimator),
        cmocka_unit_test(test_karn),
        cmocka_unit_test(test_fast_retransmit_and_full_ack),
        cmocka_unit_test(test_newreno_partial_acks),
        cmocka_unit_test(test_timeout_goes_back),
        cmocka_unit_test(test_duplicates_after_timeout),
        cmocka_unit_test(test_slow_start_from_one),
        cmocka_unit_test(test_user_timeout),
        cmocka_unit_test(test_restart_after_idle),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
