/* Opening a TCP connection: RFC 9293 §3.5 and §3.10.7.2 to §3.10.7.4, SYN retransmission. */
#include "tcp_script.h"

static void test_three_way_handshake_active(void **state)
{
    (void)state;
    Script s;
    script_init(&s, TCP_PROFILE_RFC);
    script_establish(&s, 50 * SIM_MILLISECOND);
    TcpInfo info = tcp_peek_info(s.tcp);
    assert_int_equal(info.mss, PEER_MSS);
    assert_int_equal(info.srtt, 50 * SIM_MILLISECOND);
    assert_int_equal(info.rto, SIM_SECOND);
    assert_int_equal(info.cwnd, 10 * PEER_MSS);
    assert_int_equal(tcp_deadline(s.tcp), SIM_NEVER);
    script_end(&s);
}

static void test_three_way_handshake_passive(void **state)
{
    (void)state;
    Script s;
    script_init(&s, TCP_PROFILE_RFC);
    script_open_passive(&s);
    expect_state(&s, SYN_RECEIVED);
    expect_segment(&s, S | A, OUR_ISS, PEER_ISS + 1, 0, FIRST);
    expect_no_event(&s);
    peer_sends(&s, A, PEER_ISS + 1, OUR_ISS + 1, 0);
    expect_event(&s, CONNECTED);
    expect_state(&s, ESTABLISHED);
    expect_nothing(&s);
    script_end(&s);
}

static void test_options_of_the_syn(void **state)
{
    (void)state;
    Script s;
    script_init(&s, TCP_PROFILE_LINUX);
    script_open_active(&s);
    Segment syn;
    assert_true(tcp_next_segment(s.tcp, 0, &syn));
    assert_int_equal(syn.mss, PEER_MSS);
    assert_int_equal(syn.window_scale, 7);
    assert_int_equal(syn.window, 65535);
    /* A peer without the options: no scale either way, and an MSS of 536. */
    Segment answer = {.seq = PEER_ISS,
                      .ack = OUR_ISS + 1,
                      .flags = S | A,
                      .window = 100,
                      .window_scale = SEGMENT_NO_WINDOW_SCALE};
    tcp_receive(s.tcp, &answer, 0);
    Segment ack;
    assert_true(tcp_next_segment(s.tcp, 0, &ack));
    assert_int_equal(ack.window, 65535);
    assert_int_equal(tcp_peek_info(s.tcp).mss, 536);
    assert_int_equal(tcp_peek_info(s.tcp).snd_wnd, 100);
    script_end(&s);
}

static void test_window_scale_in_use(void **state)
{
    (void)state;
    Script s;
    script_init(&s, TCP_PROFILE_LINUX);
    script_open_active(&s);
    script_drain(&s);
    Segment answer = {
        .seq = PEER_ISS, .ack = OUR_ISS + 1, .flags = S | A, .window = 100, .window_scale = 3};
    tcp_receive(s.tcp, &answer, 0);
    assert_int_equal(tcp_peek_info(s.tcp).snd_wnd, 100); /* a SYN's window is not scaled */
    Segment ack;
    assert_true(tcp_next_segment(s.tcp, 0, &ack));
    assert_int_equal(ack.window, 256 * 1024 >> 7);
    s.window = 100;
    peer_sends(&s, A, PEER_ISS + 1, OUR_ISS + 1, 0);
    assert_int_equal(tcp_peek_info(s.tcp).snd_wnd, 100 << 3);
    script_end(&s);
}

static void expect_syn_schedule(TcpProfile profile, const SimTime *at, size_t count, SimTime end)
{
    Script s;
    script_init(&s, profile);
    script_open_active(&s);
    expect_segment(&s, S, OUR_ISS, 0, 0, FIRST);
    for (size_t i = 0; i < count; i++) {
        expect_deadline(&s, at[i] * SIM_SECOND);
        expect_segment(&s, S, OUR_ISS, 0, 0, TIMEOUT_RESEND);
        expect_nothing(&s);
        if (i + 1 == 3)
            expect_event(&s, TROUBLE);
        expect_no_event(&s);
    }
    expect_deadline(&s, end * SIM_SECOND);
    expect_nothing(&s);
    expect_event(&s, TIMED_OUT_OPENING);
    expect_event(&s, CLOSED);
    expect_state(&s, CLOSED);
    script_end(&s);
}

/* RFC 6298 (5.5); RFC 9293 §3.8.3: at least 3 minutes for a SYN. */
static void test_syn_schedule_rfc(void **state)
{
    (void)state;
    const SimTime at[] = {1, 3, 7, 15, 31, 63, 123, 183};
    expect_syn_schedule(TCP_PROFILE_RFC, at, G_N_ELEMENTS(at), 243);
}

/* Measured: 1.0 2.1 3.1 4.1 5.1 7.1 11.3 19.5 35.7 68.7 s, its timers running up to 3 % late; given
 * up after about 131 s. */
static void test_syn_schedule_linux(void **state)
{
    (void)state;
    const SimTime at[] = {1, 2, 3, 4, 5, 7, 11, 19, 35, 67};
    const SimTime measured_ms[] = {1000, 2100, 3100, 4100, 5100, 7100, 11300, 19500, 35700, 68700};
    for (size_t i = 0; i < G_N_ELEMENTS(at); i++)
        assert_in_range(measured_ms[i], at[i] * 1000, at[i] * 1030 + 50);
    expect_syn_schedule(TCP_PROFILE_LINUX, at, G_N_ELEMENTS(at), 131);
}

static void test_syn_ack_is_sent_again(void **state)
{
    (void)state;
    Script s;
    script_init(&s, TCP_PROFILE_RFC);
    script_open_passive(&s);
    script_drain(&s);
    expect_deadline(&s, SIM_SECOND);
    expect_segment(&s, S | A, OUR_ISS, PEER_ISS + 1, 0, TIMEOUT_RESEND);
    expect_nothing(&s);
    script_end(&s);
}

/* RFC 6298 (5.7): 3 s for data after a lost SYN; RFC 6928 §2: one segment after two. */
static void test_after_lost_syns(void **state)
{
    (void)state;
    for (unsigned losses = 1; losses <= 2; losses++) {
        Script s;
        script_init(&s, TCP_PROFILE_RFC);
        script_open_active(&s);
        script_drain(&s);
        for (unsigned i = 0; i < losses; i++) {
            expect_deadline(&s, tcp_deadline(s.tcp));
            script_drain(&s);
        }
        peer_sends(&s, S | A, PEER_ISS, OUR_ISS + 1, 0);
        TcpInfo info = tcp_peek_info(s.tcp);
        assert_int_equal(info.rto, 3 * SIM_SECOND);
        assert_int_equal(info.srtt, 0); /* Karn: no sample from a SYN sent twice */
        assert_int_equal(info.cwnd, losses == 1 ? 10 * PEER_MSS : PEER_MSS);
        script_end(&s);
    }
}

/* RFC 9293 figure 7. */
static void test_simultaneous_open(void **state)
{
    (void)state;
    Script s;
    script_init(&s, TCP_PROFILE_RFC);
    script_open_active(&s);
    script_drain(&s);
    peer_sends(&s, S, PEER_ISS, 0, 0);
    expect_state(&s, SYN_RECEIVED);
    expect_segment(&s, S | A, OUR_ISS, PEER_ISS + 1, 0, FIRST);
    peer_sends(&s, S | A, PEER_ISS, OUR_ISS + 1, 0);
    expect_state(&s, ESTABLISHED);
    expect_event(&s, CONNECTED);
    expect_nothing(&s);
    script_end(&s);
}

static void test_two_engines_open_at_once(void **state)
{
    (void)state;
    Script a, b;
    script_init(&a, TCP_PROFILE_RFC);
    script_init(&b, TCP_PROFILE_RFC);
    a.tcp = tcp_new_active(&a.options, 1, 0);
    b.tcp = tcp_new_active(&b.options, 2, 0);
    for (unsigned round = 0; round < 3; round++) {
        Segment from_a = {0}, from_b = {0};
        bool a_sends = tcp_next_segment(a.tcp, 0, &from_a);
        bool b_sends = tcp_next_segment(b.tcp, 0, &from_b);
        assert_int_equal(a_sends, round < 2);
        assert_int_equal(b_sends, round < 2);
        if (a_sends)
            tcp_receive(b.tcp, &from_a, 0);
        if (b_sends)
            tcp_receive(a.tcp, &from_b, 0);
    }
    expect_state(&a, ESTABLISHED);
    expect_state(&b, ESTABLISHED);
    script_end(&a);
    script_end(&b);
}

/* §3.10.7.3, first and second step. */
static void test_refused(void **state)
{
    (void)state;
    Script s;
    script_init(&s, TCP_PROFILE_RFC);
    script_open_active(&s);
    script_drain(&s);
    peer_sends(&s, R, 0, 0, 0); /* without an acceptable ACK: dropped */
    peer_sends(&s, R | A, 0, OUR_ISS, 0);
    expect_state(&s, SYN_SENT);
    expect_nothing(&s);
    peer_sends(&s, R | A, 0, OUR_ISS + 1, 0);
    expect_state(&s, CLOSED);
    expect_event(&s, REFUSED);
    expect_event(&s, CLOSED);
    expect_nothing(&s);
    script_end(&s);
}

/* Figure 9: half-open connection discovery. */
static void test_half_open_is_discovered(void **state)
{
    (void)state;
    Script s;
    script_init(&s, TCP_PROFILE_RFC);
    script_open_active(&s);
    script_drain(&s);
    peer_sends(&s, A, PEER_ISS + 300, 100, 0); /* it believes that we are synchronised */
    expect_segment(&s, R, 100, 0, 0, RESET);
    expect_state(&s, SYN_SENT);
    script_end(&s);

    /* And the other side: our SYN of a new incarnation meets an old connection. */
    script_init(&s, TCP_PROFILE_RFC);
    script_establish(&s, SIM_MILLISECOND);
    peer_sends(&s, S, 400, 0, 0);
    expect_segment(&s, A, OUR_ISS + 1, PEER_ISS + 1, 0, PURE_ACK);
    peer_sends(&s, R, PEER_ISS + 1, 0, 0);
    expect_event(&s, RESET);
    expect_event(&s, CLOSED);
    script_end(&s);
}

/* §3.10.7.4, second step, after a passive OPEN. */
static void test_passive_returns_to_listen(void **state)
{
    (void)state;
    Script s;
    script_init(&s, TCP_PROFILE_RFC);
    script_open_passive(&s);
    script_drain(&s);
    peer_sends(&s, R, PEER_ISS + 1, 0, 0);
    expect_state(&s, LISTEN);
    assert_true(tcp_is_finished(s.tcp));
    expect_event(&s, CLOSED);
    expect_no_event(&s);
    script_end(&s);
}

static void test_bad_ack_in_syn_received(void **state)
{
    (void)state;
    Script s;
    script_init(&s, TCP_PROFILE_RFC);
    script_open_passive(&s);
    script_drain(&s);
    peer_sends(&s, A, PEER_ISS + 1, OUR_ISS + 2, 0);
    expect_segment(&s, R, OUR_ISS + 2, 0, 0, RESET);
    expect_state(&s, SYN_RECEIVED);
    script_end(&s);
}

/* "Other controls or text ... queue them for processing after ESTABLISHED." */
static void test_text_on_syn_waits(void **state)
{
    (void)state;
    Script s;
    script_init(&s, TCP_PROFILE_RFC);
    Segment syn = {.seq = PEER_ISS,
                   .flags = S,
                   .window = 1000,
                   .window_scale = SEGMENT_NO_WINDOW_SCALE,
                   .payload = script_text(5)};
    s.tcp = tcp_new_passive(&s.options, OUR_ISS, &syn, 0);
    segment_clear(&syn);
    expect_segment(&s, S | A, OUR_ISS, PEER_ISS + 1, 0, FIRST);
    assert_int_equal(tcp_readable(s.tcp), 0);
    peer_sends(&s, A, PEER_ISS + 6, OUR_ISS + 1, 0);
    expect_event(&s, CONNECTED);
    expect_event(&s, READABLE);
    assert_int_equal(tcp_readable(s.tcp), 5);
    expect_segment(&s, A, OUR_ISS + 1, PEER_ISS + 6, 0, PURE_ACK);
    script_end(&s);
}

/* RFC 9293 §3.9.2.2, RFC 5461. */
static void test_icmp_while_opening(void **state)
{
    (void)state;
    Script s;
    TcpEvent event;
    script_init(&s, TCP_PROFILE_RFC);
    script_open_active(&s);
    script_drain(&s);
    tcp_icmp_unreachable(s.tcp, TCP_ICMP_HOST_UNREACHABLE);
    assert_true(tcp_next_event(s.tcp, &event));
    assert_int_equal(event.kind, TCP_EVENT_SOFT_ERROR);
    assert_int_equal(event.icmp, TCP_ICMP_HOST_UNREACHABLE);
    expect_state(&s, SYN_SENT);
    tcp_icmp_unreachable(s.tcp, TCP_ICMP_PORT_UNREACHABLE);
    expect_event(&s, UNREACHABLE);
    expect_event(&s, CLOSED);
    expect_state(&s, CLOSED);
    script_end(&s);

    script_init(&s, TCP_PROFILE_LINUX);
    script_open_active(&s);
    tcp_icmp_unreachable(s.tcp, TCP_ICMP_HOST_UNREACHABLE);
    expect_event(&s, UNREACHABLE);
    script_end(&s);

    script_init(&s, TCP_PROFILE_RFC);
    script_establish(&s, 1);
    tcp_icmp_unreachable(s.tcp, TCP_ICMP_PORT_UNREACHABLE);
    expect_event(&s, SOFT_ERROR);
    expect_state(&s, ESTABLISHED);
    script_end(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_three_way_handshake_active),
        cmocka_unit_test(test_three_way_handshake_passive),
        cmocka_unit_test(test_options_of_the_syn),
        cmocka_unit_test(test_window_scale_in_use),
        cmocka_unit_test(test_syn_schedule_rfc),
        cmocka_unit_test(test_syn_schedule_linux),
        cmocka_unit_test(test_syn_ack_is_sent_again),
        cmocka_unit_test(test_after_lost_syns),
        cmocka_unit_test(test_simultaneous_open),
        cmocka_unit_test(test_two_engines_open_at_once),
        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_half_open_is_discovered),
        cmocka_unit_test(test_passive_returns_to_listen),
        cmocka_unit_test(test_bad_ack_in_syn_received),
        cmocka_unit_test(test_text_on_syn_waits),
        cmocka_unit_test(test_icmp_while_opening),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
