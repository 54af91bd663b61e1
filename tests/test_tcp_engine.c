/* What no script of tests/tcp can say of the TCP engine: whose memory a text is, two engines that
 * face each other, and more octets than a sequence number counts. */
#include "tcp_case.h"

/* RFC 9293 §3.5, figure 7. */
static void test_two_engines_open_at_once(void **state)
{
    (void)state;
    TcpCase a, b;
    case_init(&a, TCP_PROFILE_RFC);
    case_init(&b, TCP_PROFILE_RFC);
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
    case_end(&a);
    case_end(&b);
}

/* A segment's text is the writer's own bytes where it lies in one chunk or two, a copy where it
 * does not. */
static void test_text_by_reference(void **state)
{
    (void)state;
    TcpCase s;
    case_init(&s, TCP_PROFILE_RFC);
    case_open_active(&s);
    Slice text = case_text(1500);
    const size_t written[] = {1500, 900, 100, 1500};
    for (size_t i = 0; i < G_N_ELEMENTS(written); i++) {
        Slice part = slice_ref(text, 0, written[i]);
        tcp_write(s.tcp, part);
        slice_clear(&part);
    }
    case_drain(&s);
    peer_sends(&s, S | A, PEER_ISS, ONE, 0);
    /* The third spans three chunks. */
    static const struct {
        size_t here, rest;
        bool is_shared;
    } expected[] = {{1000, 0, true}, {500, 500, true}, {1000, 0, false}, {1000, 0, true}};
    for (size_t i = 0; i < G_N_ELEMENTS(expected); i++) {
        Segment out;
        assert_true(tcp_next_segment(s.tcp, s.now, &out));
        assert_int_equal(out.payload.length, expected[i].here);
        assert_int_equal(out.payload_rest.length, expected[i].rest);
        assert_int_equal(out.payload.bytes == text.bytes, expected[i].is_shared);
        segment_clear(&out);
    }
    slice_clear(&text);
    case_end(&s);
}

/* Marks of the past stay behind SND.UNA also when more than 2^31 octets pass without a loss or a
 * short segment: loss is still noticed, and Minshall's Nagle lets the last short segment go. */
static void test_marks_after_two_gigabytes(void **state)
{
    (void)state;
    TcpCase s;
    case_init(&s, TCP_PROFILE_RFC);
    s.options.nagle = TCP_NAGLE_MINSHALL;
    case_establish(&s, SIM_MILLISECOND);
    Slice text = case_text(60000);
    uint32_t acked = ONE;
    for (unsigned i = 0; i < 36000; i++) { /* 2.16e9 octets */
        assert_int_equal(tcp_write(s.tcp, text), 60000);
        while (tcp_peek_info(s.tcp).flight + tcp_peek_info(s.tcp).unsent > 0) {
            case_drain(&s);
            acked += tcp_peek_info(s.tcp).flight;
            peer_sends(&s, A, THEIRS, acked, 0);
        }
    }
    slice_clear(&text);
    case_write(&s, 5010);
    assert_int_equal(case_drain(&s), 6);
    for (unsigned i = 0; i < 3; i++)
        peer_sends(&s, A, THEIRS, acked, 0);
    expect_segment(&s, A, acked, THEIRS, 1000, FAST_RESEND);
    case_end(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_two_engines_open_at_once),
        cmocka_unit_test(test_text_by_reference),
        cmocka_unit_test(test_marks_after_two_gigabytes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
