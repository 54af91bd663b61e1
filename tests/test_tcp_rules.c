/* Single rules of the RFCs that only one segment shows, and what each switch of TcpOptions turns
 * off: one test a rule. */
#include "tcp_script.h"

/* Ten segments of 1000 octets are out, of 40 000 written; a round trip has passed. */
static void script_send_ten(Script *s)
{
    script_establish(s, 100 * SIM_MILLISECOND);
    script_write(s, 40000);
    assert_int_equal(script_drain(s), 10);
    s->now += 100 * SIM_MILLISECOND;
}

static void peer_repeats_ack(Script *s, unsigned times)
{
    for (unsigned i = 0; i < times; i++)
        peer_sends(s, A, THEIRS, ONE, 0);
}

/* RFC 6582 §3.2 step 3: a partial ACK deflates by what it acknowledges and adds back one SMSS. */
static void test_partial_ack_adds_back_one_segment(void **state)
{
    (void)state;
    Script s;
    script_init(&s, TCP_PROFILE_RFC);
    script_send_ten(&s);
    peer_repeats_ack(&s, 3);
    script_drain(&s);
    assert_int_equal(tcp_peek_info(s.tcp).cwnd, 8000);
    peer_sends(&s, A, THEIRS, ONE + 4000, 0);
    assert_int_equal(tcp_peek_info(s.tcp).cwnd, 8000 - 4000 + 1000);
    script_end(&s);
}

/* RFC 6582 §3.2 step 3: the ACK of all ends recovery with no more than the threshold, however much
 * has been sent during it. */
static void test_full_ack_deflates_to_the_threshold(void **state)
{
    (void)state;
    Script s;
    script_init(&s, TCP_PROFILE_RFC);
    script_send_ten(&s);
    for (unsigned i = 0; i < 16; i++) {
        peer_repeats_ack(&s, 1);
        script_drain(&s);
    }
    assert_int_equal(tcp_peek_info(s.tcp).flight, 21000);
    peer_sends(&s, A, THEIRS, ONE + 12000, 0);
    assert_false(tcp_peek_info(s.tcp).recovering);
    assert_int_equal(tcp_peek_info(s.tcp).flight, 9000);
    assert_int_equal(tcp_peek_info(s.tcp).cwnd, 5000);
    script_end(&s);
}

/* RFC 5681 §3.2 step 6: Reno leaves recovery with the next new ACK, even a partial one. */
static void test_reno_ends_with_the_next_ack(void **state)
{
    (void)state;
    Script s;
    script_init(&s, TCP_PROFILE_RFC);
    s.options.recovery = TCP_RECOVERY_RENO;
    script_send_ten(&s);
    peer_repeats_ack(&s, 3);
    expect_segment(&s, A, ONE, THEIRS, 1000, FAST_RESEND);
    assert_true(tcp_peek_info(s.tcp).recovering);
    script_drain(&s);
    peer_sends(&s, A, THEIRS, ONE + 4000, 0);
    assert_false(tcp_peek_info(s.tcp).recovering);
    assert_int_equal(tcp_peek_info(s.tcp).cwnd, 5000);
    script_end(&s);
}

/* Tahoe: the third duplicate brings the segment again, and slow start from one segment. */
static void test_tahoe_starts_slowly(void **state)
{
    (void)state;
    Script s;
    script_init(&s, TCP_PROFILE_RFC);
    s.options.recovery = TCP_RECOVERY_TAHOE;
    s.options.limited_transmit = false;
    script_send_ten(&s);
    peer_repeats_ack(&s, 3);
    expect_segment(&s, A, ONE, THEIRS, 1000, FAST_RESEND);
    expect_nothing(&s);
    peer_repeats_ack(&s, 4); /* nothing is inflated */
    expect_nothing(&s);
    TcpInfo info = tcp_peek_info(s.tcp);
    assert_false(info.recovering);
    assert_int_equal(info.cwnd, 1000);
    assert_int_equal(info.ssthresh, 5000);
    peer_sends(&s, A, THEIRS, ONE + 10000, 0);
    assert_int_equal(tcp_peek_info(s.tcp).cwnd, 2000);
    assert_int_equal(script_drain(&s), 2);
    script_end(&s);
}

static void test_timer_alone_ignores_duplicates(void **state)
{
    (void)state;
    Script s;
    script_init(&s, TCP_PROFILE_RFC);
    s.options.recovery = TCP_RECOVERY_TIMER;
    script_send_ten(&s);
    peer_repeats_ack(&s, 9);
    expect_nothing(&s);
    expect_deadline(&s, tcp_deadline(s.tcp));
    expect_segment(&s, A, ONE, THEIRS, 1000, TIMEOUT_RESEND);
    script_end(&s);
}

/* RFC 3042, switched off: the first two duplicates send nothing. */
static void test_limited_transmit_off(void **state)
{
    (void)state;
    Script s;
    script_init(&s, TCP_PROFILE_RFC);
    s.options.limited_transmit = false;
    script_send_ten(&s);
    peer_repeats_ack(&s, 2);
    expect_nothing(&s);
    peer_repeats_ack(&s, 1);
    expect_segment(&s, A, ONE, THEIRS, 1000, FAST_RESEND);
    script_end(&s);
}

/* RFC 5681 equation (2), RFC 3465 §2.2, and no limit: what one ACK of four segments opens. */
static void test_slow_start_limit(void **state)
{
    (void)state;
    const uint8_t limits[] = {1, 2, 0};
    const uint32_t windows[] = {11000, 12000, 14000};
    for (size_t i = 0; i < G_N_ELEMENTS(limits); i++) {
        Script s;
        script_init(&s, TCP_PROFILE_RFC);
        s.options.slow_start_limit = limits[i];
        script_send_ten(&s);
        peer_sends(&s, A, THEIRS, ONE + 4000, 0);
        assert_int_equal(tcp_peek_info(s.tcp).cwnd, windows[i]);
        script_end(&s);
    }
}

/* RFC 5681 §4.1, switched off: the window stays as it was. */
static void test_restart_after_idle_off(void **state)
{
    (void)state;
    Script s;
    script_init(&s, TCP_PROFILE_RFC);
    s.options.restart_after_idle = false;
    script_send_ten(&s);
    for (uint32_t acked = ONE + 1000; acked <= ONE + 40000; acked += 1000) {
        peer_sends(&s, A, THEIRS, acked, 0);
        script_drain(&s);
    }
    s.now += 10 * SIM_SECOND;
    script_write(&s, 40000);
    assert_int_equal(script_drain(&s), 40);
    script_end(&s);
}

/* RFC 8985 §7.2: 2 SRTT with more than one segment out, the delay of an ACK more with one; §7.3:
 * the last segment goes again. Switched off, the timer comes first. */
static void test_tail_loss_probe(void **state)
{
    (void)state;
    Script s;
    script_init(&s, TCP_PROFILE_LINUX);
    script_establish(&s, 50 * SIM_MILLISECOND);
    script_write(&s, 3000);
    assert_int_equal(script_drain(&s), 3);
    expect_deadline(&s, s.now + 100 * SIM_MILLISECOND);
    expect_segment(&s, A, ONE + 2000, THEIRS, 1000, TAIL_LOSS_PROBE);
    expect_nothing(&s);
    script_end(&s);

    script_init(&s, TCP_PROFILE_LINUX);
    s.options.tail_loss_probe = false;
    script_establish(&s, 50 * SIM_MILLISECOND);
    script_write(&s, 3000);
    script_drain(&s);
    expect_deadline(&s, s.now + 250 * SIM_MILLISECOND); /* SRTT + 200 ms */
    expect_segment(&s, A, ONE, THEIRS, 1000, TIMEOUT_RESEND);
    script_end(&s);
}

/* RFC 9293's CLOSE: whoever still reads waits for the peer's FIN as long as it takes. */
static void test_half_closed_waits_for_ever(void **state)
{
    (void)state;
    Script s;
    script_init(&s, TCP_PROFILE_LINUX);
    script_reach(&s, TCP_FIN_WAIT_2);
    assert_int_equal(tcp_deadline(s.tcp), SIM_NEVER);
    script_end(&s);
}

/* RFC 5961 §5: an acknowledgement older than the largest window is answered, its text dropped. */
static void test_ancient_ack_is_challenged(void **state)
{
    (void)state;
    Script s;
    script_init(&s, TCP_PROFILE_RFC);
    script_establish(&s, SIM_MILLISECOND);
    peer_sends(&s, A, THEIRS, (uint32_t)ONE - PEER_WINDOW - 1, 10);
    expect_segment(&s, A, ONE, THEIRS, 0, PURE_ACK);
    assert_int_equal(tcp_readable(s.tcp), 0);
    peer_sends(&s, A, THEIRS, (uint32_t)ONE - PEER_WINDOW, 10);
    assert_int_equal(tcp_readable(s.tcp), 10);
    script_end(&s);
}

/* RFC 5681 §2, (e): an ACK that changes the window is no duplicate. */
static void test_window_update_is_no_duplicate(void **state)
{
    (void)state;
    Script s;
    script_init(&s, TCP_PROFILE_RFC);
    script_send_ten(&s);
    for (unsigned i = 0; i < 4; i++) {
        s.window += 1000;
        peer_sends(&s, A, THEIRS, ONE, 0);
    }
    expect_nothing(&s);
    assert_false(tcp_peek_info(s.tcp).recovering);
    script_end(&s);
}

/* §3.10.7.4, fifth step: SND.WL1 and SND.WL2 keep old segments from changing the window. */
static void test_old_segment_leaves_window(void **state)
{
    (void)state;
    Script s;
    script_init(&s, TCP_PROFILE_RFC);
    script_establish(&s, SIM_MILLISECOND);
    s.window = 50000;
    peer_sends(&s, A, THEIRS + 1000, ONE, 1000); /* sent later, comes first */
    assert_int_equal(tcp_peek_info(s.tcp).snd_wnd, 50000);
    s.window = 100;
    peer_sends(&s, A, THEIRS, ONE, 0);
    assert_int_equal(tcp_peek_info(s.tcp).snd_wnd, 50000);
    script_end(&s);
}

/* RFC 7323 §2.3: a shift count above 14 is taken for 14. RFC 9293 §3.7.1: the peer's MSS bounds
 * ours. */
static void test_options_of_the_peer_are_bounded(void **state)
{
    (void)state;
    Script s;
    script_init(&s, TCP_PROFILE_LINUX);
    script_open_active(&s);
    script_drain(&s);
    Segment answer = {
        .seq = PEER_ISS, .ack = ONE, .flags = S | A, .window = 100, .mss = 400, .window_scale = 20};
    tcp_receive(s.tcp, &answer, s.now);
    script_drain(&s);
    s.window = 4;
    peer_sends(&s, A, THEIRS, ONE, 0);
    assert_int_equal(tcp_peek_info(s.tcp).snd_wnd, 4 << 14);
    script_write(&s, 900);
    expect_segment(&s, A, ONE, THEIRS, 400, FIRST);
    script_end(&s);
}

/* Karn's algorithm in a simultaneous open: the SYN has gone out twice. */
static void test_no_sample_from_simultaneous_open(void **state)
{
    (void)state;
    Script s;
    script_init(&s, TCP_PROFILE_RFC);
    script_open_active(&s);
    script_drain(&s);
    s.now += 50 * SIM_MILLISECOND;
    peer_sends(&s, S, PEER_ISS, 0, 0);
    script_drain(&s);
    s.now += 50 * SIM_MILLISECOND;
    peer_sends(&s, S | A, PEER_ISS, ONE, 0);
    expect_state(&s, ESTABLISHED);
    assert_int_equal(tcp_peek_info(s.tcp).srtt, 0);
    script_end(&s);
}

/* Marks of the past stay behind SND.UNA also when more than 2^31 octets pass without a loss or a
 * short segment: loss is still noticed, and Minshall's Nagle lets the last short segment go. */
static void test_marks_after_two_gigabytes(void **state)
{
    (void)state;
    Script s;
    script_init(&s, TCP_PROFILE_RFC);
    s.options.nagle = TCP_NAGLE_MINSHALL;
    script_establish(&s, SIM_MILLISECOND);
    Slice text = script_text(60000);
    uint32_t acked = ONE;
    for (unsigned i = 0; i < 36000; i++) { /* 2.16e9 octets */
        assert_int_equal(tcp_write(s.tcp, text), 60000);
        while (tcp_peek_info(s.tcp).flight + tcp_peek_info(s.tcp).unsent > 0) {
            script_drain(&s);
            acked += tcp_peek_info(s.tcp).flight;
            peer_sends(&s, A, THEIRS, acked, 0);
        }
    }
    slice_clear(&text);
    script_write(&s, 5010);
    assert_int_equal(script_drain(&s), 6);
    for (unsigned i = 0; i < 3; i++)
        peer_sends(&s, A, THEIRS, acked, 0);
    expect_segment(&s, A, acked, THEIRS, 1000, FAST_RESEND);
    script_end(&s);
}

/* §3.9.1.2, MUST-61: nobody pushes, so PSH is on the last segment that there is text for. */
static void test_the_last_segment_is_pushed(void **state)
{
    (void)state;
    Script s;
    script_init(&s, TCP_PROFILE_RFC);
    script_establish(&s, SIM_MILLISECOND);
    script_write(&s, 2 * PEER_MSS + 10);
    static const size_t lengths[] = {PEER_MSS, PEER_MSS, 10};
    for (size_t i = 0; i < G_N_ELEMENTS(lengths); i++) {
        if (i == 2) /* Nagle: the short one waits */
            peer_sends(&s, A, PEER_ISS + 1, OUR_ISS + 1 + 2 * PEER_MSS, 0);
        Segment segment;
        assert_true(tcp_next_segment(s.tcp, s.now, &segment));
        assert_int_equal(segment.payload.length, lengths[i]);
        assert_int_equal((segment.flags & P) != 0, i == 2);
        segment_clear(&segment);
    }
    script_end(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_partial_ack_adds_back_one_segment),
        cmocka_unit_test(test_full_ack_deflates_to_the_threshold),
        cmocka_unit_test(test_reno_ends_with_the_next_ack),
        cmocka_unit_test(test_tahoe_starts_slowly),
        cmocka_unit_test(test_timer_alone_ignores_duplicates),
        cmocka_unit_test(test_limited_transmit_off),
        cmocka_unit_test(test_slow_start_limit),
        cmocka_unit_test(test_restart_after_idle_off),
        cmocka_unit_test(test_tail_loss_probe),
        cmocka_unit_test(test_half_closed_waits_for_ever),
        cmocka_unit_test(test_ancient_ack_is_challenged),
        cmocka_unit_test(test_window_update_is_no_duplicate),
        cmocka_unit_test(test_old_segment_leaves_window),
        cmocka_unit_test(test_the_last_segment_is_pushed),
        cmocka_unit_test(test_options_of_the_peer_are_bounded),
        cmocka_unit_test(test_no_sample_from_simultaneous_open),
        cmocka_unit_test(test_marks_after_two_gigabytes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
