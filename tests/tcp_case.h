/* A test in C around one TCP connection, whose peer it plays. Rules are scripts (tests/tcp); here
 * is what needs more: loops over states and losses, formulas, two engines.
 *
 * Our ISS is 1000 and the peer's 5000, so a test reads like the figures of RFC 9293. */
#pragma once

#include "net/tcp.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

enum { OUR_ISS = 1000, PEER_ISS = 5000, PEER_MSS = 1000, PEER_WINDOW = 60000 };
/* The first octet of ours, and of theirs. */
enum { ONE = OUR_ISS + 1, THEIRS = PEER_ISS + 1 };

/* Flags in short. */
enum {
    F = SEGMENT_FIN,
    S = SEGMENT_SYN,
    R = SEGMENT_RST,
    P = SEGMENT_PSH,
    A = SEGMENT_ACK,
};

typedef struct TcpCase {
    TcpOptions options;
    TcpConnection *tcp;
    SimTime now;
    uint16_t window; /* that the peer offers */
} TcpCase;

static inline Slice case_text(size_t length)
{
    Octets *text = octets_allocate(length);
    for (size_t i = 0; i < length; i++)
        text->here[i] = (uint8_t)('a' + i % 26);
    return (Slice){text, 0, length};
}

static inline void case_init(TcpCase *tested, TcpProfile profile)
{
    *tested = (TcpCase){.window = PEER_WINDOW};
    tcp_options_init(&tested->options, profile);
    tested->options.mss = PEER_MSS;
}

static inline void case_end(TcpCase *tested)
{
    g_clear_pointer(&tested->tcp, tcp_free);
}

/* The peer sends a segment; a SYN carries its MSS. */
static inline void peer_sends(TcpCase *tested, unsigned flags, uint32_t seq, uint32_t ack,
                              size_t length)
{
    Segment segment = {
        .seq = seq,
        .ack = ack,
        .flags = (uint8_t)flags,
        .window = tested->window,
        .mss = (flags & S) != 0 ? PEER_MSS : 0,
        .window_scale = SEGMENT_NO_WINDOW_SCALE,
        .payload = case_text(length),
    };
    tcp_receive(tested->tcp, &segment, tested->now);
    segment_clear(&segment);
}

#define expect_segment(tested, flags_, seq_, ack_, length_, sending_)                              \
    do {                                                                                           \
        Segment out_;                                                                              \
        assert_true(tcp_next_segment((tested)->tcp, (tested)->now, &out_));                        \
        assert_int_equal(out_.flags & ~P, flags_);                                                 \
        assert_int_equal(out_.seq, seq_);                                                          \
        assert_int_equal(out_.ack, ack_);                                                          \
        assert_int_equal(segment_payload_size(&out_), length_);                                    \
        assert_int_equal(out_.sending, SEGMENT_SENDING_##sending_);                                \
        segment_clear(&out_);                                                                      \
    } while (false)

#define expect_nothing(tested)                                                                     \
    do {                                                                                           \
        Segment out_;                                                                              \
        assert_false(tcp_next_segment((tested)->tcp, (tested)->now, &out_));                       \
    } while (false)

#define expect_event(tested, kind_)                                                                \
    do {                                                                                           \
        TcpEvent event_;                                                                           \
        assert_true(tcp_next_event((tested)->tcp, &event_));                                       \
        assert_int_equal(event_.kind, TCP_EVENT_##kind_);                                          \
    } while (false)

#define expect_state(tested, state_) assert_int_equal(tcp_state((tested)->tcp), TCP_##state_)

/* The next deadline is `at_`; the clock goes there. */
#define expect_deadline(tested, at_)                                                               \
    do {                                                                                           \
        assert_int_equal(tcp_deadline((tested)->tcp), at_);                                        \
        (tested)->now = (at_);                                                                     \
        tcp_time_out((tested)->tcp, (tested)->now);                                                \
    } while (false)

/* Sends what is waiting and drops it. */
static inline unsigned case_drain(TcpCase *tested)
{
    Segment out;
    unsigned count = 0;
    while (tcp_next_segment(tested->tcp, tested->now, &out)) {
        segment_clear(&out);
        count++;
    }
    return count;
}

static inline void case_drop_events(TcpCase *tested)
{
    TcpEvent event;
    while (tcp_next_event(tested->tcp, &event))
        continue;
}

static inline size_t case_write(TcpCase *tested, size_t length)
{
    Slice text = case_text(length);
    size_t taken = tcp_write(tested->tcp, text);
    slice_clear(&text);
    return taken;
}

static inline void case_open_active(TcpCase *tested)
{
    tested->tcp = tcp_new_active(&tested->options, OUR_ISS, tested->now);
}

/* Opens actively; the peer answers after `rtt`. Then snd_nxt is 1001 and rcv_nxt 5001. */
static inline void case_establish(TcpCase *tested, SimTime rtt)
{
    case_open_active(tested);
    expect_segment(tested, S, OUR_ISS, 0, 0, FIRST);
    tested->now += rtt;
    peer_sends(tested, S | A, PEER_ISS, OUR_ISS + 1, 0);
    expect_event(tested, CONNECTED);
    expect_segment(tested, A, OUR_ISS + 1, PEER_ISS + 1, 0, PURE_ACK);
    expect_nothing(tested);
    expect_state(tested, ESTABLISHED);
}

/* Closes and the peer closes, up to `goal`, one of the states after ESTABLISHED. */
static inline void case_reach(TcpCase *tested, TcpState goal)
{
    if (goal == TCP_SYN_SENT || goal == TCP_SYN_RECEIVED) {
        case_open_active(tested);
        case_drain(tested);
        if (goal == TCP_SYN_RECEIVED)
            peer_sends(tested, S, PEER_ISS, 0, 0);
    } else {
        case_establish(tested, SIM_MILLISECOND);
    }
    if (goal == TCP_CLOSE_WAIT || goal == TCP_LAST_ACK)
        peer_sends(tested, F | A, PEER_ISS + 1, OUR_ISS + 1, 0);
    if (goal > TCP_ESTABLISHED && goal != TCP_CLOSE_WAIT)
        tcp_close_sending(tested->tcp);
    case_drain(tested);
    if (goal == TCP_FIN_WAIT_2)
        peer_sends(tested, A, PEER_ISS + 1, OUR_ISS + 2, 0);
    if (goal == TCP_CLOSING)
        peer_sends(tested, F | A, PEER_ISS + 1, OUR_ISS + 1, 0);
    if (goal == TCP_TIME_WAIT)
        peer_sends(tested, F | A, PEER_ISS + 1, OUR_ISS + 2, 0);
    case_drain(tested);
    case_drop_events(tested);
    assert_int_equal(tcp_state(tested->tcp), goal);
}
