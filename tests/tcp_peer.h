/* A test in C that plays the peer of one TCP connection. Rules are scripts (tests/tcp); here is
 * what needs more: loops over states and losses, formulas, two engines.
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

/* Flags as the scripts write them. */
enum {
    F = SEGMENT_FIN,
    S = SEGMENT_SYN,
    R = SEGMENT_RST,
    P = SEGMENT_PSH,
    A = SEGMENT_ACK,
};

typedef struct Script {
    TcpOptions options;
    TcpConnection *tcp;
    SimTime now;
    uint16_t window; /* that the peer offers */
} Script;

static inline Slice script_text(size_t length)
{
    uint8_t *bytes = g_malloc(length + 1);
    for (size_t i = 0; i < length; i++)
        bytes[i] = (uint8_t)('a' + i % 26);
    return (Slice){g_bytes_new_take(bytes, length), 0, length};
}

static inline void script_init(Script *script, TcpProfile profile)
{
    *script = (Script){.window = PEER_WINDOW};
    tcp_options_init(&script->options, profile);
    script->options.mss = PEER_MSS;
}

static inline void script_end(Script *script)
{
    g_clear_pointer(&script->tcp, tcp_free);
}

/* The peer sends a segment; a SYN carries its MSS. */
static inline void peer_sends(Script *script, unsigned flags, uint32_t seq, uint32_t ack,
                              size_t length)
{
    Segment segment = {
        .seq = seq,
        .ack = ack,
        .flags = (uint8_t)flags,
        .window = script->window,
        .mss = (flags & S) != 0 ? PEER_MSS : 0,
        .window_scale = SEGMENT_NO_WINDOW_SCALE,
        .payload = script_text(length),
    };
    tcp_receive(script->tcp, &segment, script->now);
    segment_clear(&segment);
}

#define expect_segment(script, flags_, seq_, ack_, length_, sending_)                              \
    do {                                                                                           \
        Segment out_;                                                                              \
        assert_true(tcp_next_segment((script)->tcp, (script)->now, &out_));                        \
        assert_int_equal(out_.flags & ~P, flags_);                                                 \
        assert_int_equal(out_.seq, seq_);                                                          \
        assert_int_equal(out_.ack, ack_);                                                          \
        assert_int_equal(out_.payload.length, length_);                                            \
        assert_int_equal(out_.sending, SEGMENT_SENDING_##sending_);                                \
        segment_clear(&out_);                                                                      \
    } while (false)

#define expect_nothing(script)                                                                     \
    do {                                                                                           \
        Segment out_;                                                                              \
        assert_false(tcp_next_segment((script)->tcp, (script)->now, &out_));                       \
    } while (false)

#define expect_event(script, kind_)                                                                \
    do {                                                                                           \
        TcpEvent event_;                                                                           \
        assert_true(tcp_next_event((script)->tcp, &event_));                                       \
        assert_int_equal(event_.kind, TCP_EVENT_##kind_);                                          \
    } while (false)

#define expect_state(script, state_) assert_int_equal(tcp_state((script)->tcp), TCP_##state_)

/* The next deadline is `at_`; the clock goes there. */
#define expect_deadline(script, at_)                                                               \
    do {                                                                                           \
        assert_int_equal(tcp_deadline((script)->tcp), at_);                                        \
        (script)->now = (at_);                                                                     \
        tcp_time_out((script)->tcp, (script)->now);                                                \
    } while (false)

/* Sends what is waiting and drops it. */
static inline unsigned script_drain(Script *script)
{
    Segment out;
    unsigned count = 0;
    while (tcp_next_segment(script->tcp, script->now, &out)) {
        segment_clear(&out);
        count++;
    }
    return count;
}

static inline void script_drop_events(Script *script)
{
    TcpEvent event;
    while (tcp_next_event(script->tcp, &event))
        continue;
}

static inline size_t script_write(Script *script, size_t length)
{
    Slice text = script_text(length);
    size_t taken = tcp_write(script->tcp, text);
    slice_clear(&text);
    return taken;
}

static inline void script_open_active(Script *script)
{
    script->tcp = tcp_new_active(&script->options, OUR_ISS, script->now);
}

/* Opens actively; the peer answers after `rtt`. Then snd_nxt is 1001 and rcv_nxt 5001. */
static inline void script_establish(Script *script, SimTime rtt)
{
    script_open_active(script);
    expect_segment(script, S, OUR_ISS, 0, 0, FIRST);
    script->now += rtt;
    peer_sends(script, S | A, PEER_ISS, OUR_ISS + 1, 0);
    expect_event(script, CONNECTED);
    expect_segment(script, A, OUR_ISS + 1, PEER_ISS + 1, 0, PURE_ACK);
    expect_nothing(script);
    expect_state(script, ESTABLISHED);
}

/* Closes and the peer closes, up to `goal`, one of the states after ESTABLISHED. */
static inline void script_reach(Script *script, TcpState goal)
{
    if (goal == TCP_SYN_SENT || goal == TCP_SYN_RECEIVED) {
        script_open_active(script);
        script_drain(script);
        if (goal == TCP_SYN_RECEIVED)
            peer_sends(script, S, PEER_ISS, 0, 0);
    } else {
        script_establish(script, SIM_MILLISECOND);
    }
    if (goal == TCP_CLOSE_WAIT || goal == TCP_LAST_ACK)
        peer_sends(script, F | A, PEER_ISS + 1, OUR_ISS + 1, 0);
    if (goal > TCP_ESTABLISHED && goal != TCP_CLOSE_WAIT)
        tcp_close_sending(script->tcp);
    script_drain(script);
    if (goal == TCP_FIN_WAIT_2)
        peer_sends(script, A, PEER_ISS + 1, OUR_ISS + 2, 0);
    if (goal == TCP_CLOSING)
        peer_sends(script, F | A, PEER_ISS + 1, OUR_ISS + 1, 0);
    if (goal == TCP_TIME_WAIT)
        peer_sends(script, F | A, PEER_ISS + 1, OUR_ISS + 2, 0);
    script_drain(script);
    script_drop_events(script);
    assert_int_equal(tcp_state(script->tcp), goal);
}
