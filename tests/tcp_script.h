/* Scripts of segments at virtual times: a test plays the peer of one TCP connection.
 *
 * Our ISS is 1000 and the peer's 5000, so a script reads like the figures of RFC 9293.
 *
 * Where each rule is tested (in tests/test_tcp_NAME.c: test); requirement by requirement in
 * tests/conformance/rfc9293.md:
 *
 * RFC 9293
 *   §3.3.2 figure 5, the states     table: each_cell_is_what_happens; host: segments_in_closed,
 *                                   segments_in_listen, calls_in_closed_and_listen
 *   §3.4.1 initial numbers          host: iss_is_clock_and_secret (RFC 6528 §3)
 *   §3.5 figures 6, 7, 9            opening: three_way_handshake_*, simultaneous_open,
 *                                   half_open_is_discovered
 *   §3.5.2, §3.5.3 resets           closing: reply_for_closed, rst_is_validated,
 *                                   rst_at_a_closed_window; opening: refused,
 *                                   bad_ack_in_syn_received, passive_returns_to_listen
 *   §3.6 figures 12, 13             closing: active_close, passive_close, simultaneous_close
 *   §3.6.1 half-closed, TIME-WAIT   closing: half_closed, close_with_unread_data, data_after_close,
 *                                   time_wait_restarts; host: reopening_in_time_wait,
 *                                   port_in_time_wait_is_taken_again
 *   §3.7.1 MSS                      opening: options_of_the_syn; rules:
 *                                   options_of_the_peer_are_bounded
 *   §3.7.4 Nagle                    flow: nagle, fin_overrides_nagle
 *   §3.8.3 R1 and R2                opening: syn_schedule_*; loss: back_off_*
 *   §3.8.4 keep-alives              flow: keep_alive
 *   §3.8.6 the window               flow: window_shrinks, window_update, ack_passes_closed_window;
 *                                   rules: old_segment_leaves_window
 *   §3.8.6.1 zero windows           flow: zero_window_is_probed, probe_is_accepted,
 *                                   unanswered_probes_time_out
 *   §3.8.6.2 silly windows          flow: sender_avoids_silly_windows,
 *                                   half_of_a_small_window_is_used, receiver_avoids_silly_windows
 *   §3.8.6.3 delayed ACKs           flow: delayed_ack, delayed_ack_off
 *   §3.9.1 user timeout             loss: user_timeout
 *   §3.9.1.2 PUSH                   rules: the_last_segment_is_pushed
 *   §3.9.2.2 ICMP                   opening: icmp_while_opening (RFC 5461)
 *   §3.10.4, §3.10.5 CLOSE, ABORT   closing: close_while_opening, abort
 *   §3.10.7.4 reassembly            flow: reassembly, fin_before_its_text; opening:
 *                                   text_on_syn_waits
 * RFC 1191 §6.4 path MTU            flow: path_mtu
 * RFC 3042 limited transmit         loss: fast_retransmit_and_full_ack; rules: limited_transmit_off
 * RFC 5681 §3.1 slow start          loss: slow_start_from_one, timeout_goes_back; rules:
 *                                   slow_start_limit (RFC 3465)
 * RFC 5681 §3.2 fast retransmit     loss: fast_retransmit_and_full_ack; rules:
 *                                   reno_ends_with_the_next_ack, window_update_is_no_duplicate
 * RFC 5681 §4.1 after idle times    loss: restart_after_idle; rules: restart_after_idle_off
 * RFC 5961 blind attacks            closing: rst_is_validated, stray_segments; rules:
 *                                   ancient_ack_is_challenged
 * RFC 6298 timer; Karn              loss: estimator, karn, back_off_*; opening: after_lost_syns;
 *                                   rules: no_sample_from_simultaneous_open
 * RFC 6582 NewReno                  loss: newreno_partial_acks, duplicates_after_timeout; rules:
 *                                   partial_ack_adds_back_one_segment,
 *                                   full_ack_deflates_to_the_threshold
 * RFC 7323 §2 window scale          opening: window_scale_in_use
 * RFC 8985 §7 tail loss probe       rules: tail_loss_probe
 * any loss of one segment or two    pipe: any_two_losses_*
 */
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

#define expect_no_event(script)                                                                    \
    do {                                                                                           \
        TcpEvent event_;                                                                           \
        assert_false(tcp_next_event((script)->tcp, &event_));                                      \
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

/* A passive open, by the peer's SYN; our SYN,ACK is still to be sent. */
static inline void script_open_passive(Script *script)
{
    Segment syn = {.seq = PEER_ISS,
                   .flags = S,
                   .window = script->window,
                   .mss = PEER_MSS,
                   .window_scale = SEGMENT_NO_WINDOW_SCALE};
    script->tcp = tcp_new_passive(&script->options, OUR_ISS, &syn, script->now);
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
