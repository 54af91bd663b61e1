/* Sending: which segment goes out next, and why.
 *
 * Source: RFC 9293 §3.7.4 (Nagle), §3.8.6.2.1 (silly windows, sender), §3.8.6.2.2 (silly windows,
 * receiver), §3.10.2, §3.10.4. Order: a reset; what is sent again; new text and FIN; probes; at
 * last a pure ACK, if nothing before has carried it. */
#include "net/tcp_internal.h"

/* The right edge that could be offered for the free part of the receive buffer. */
static uint32_t possible_edge(const TcpConnection *tcp)
{
    uint32_t space = tcp->options->receive_buffer - (uint32_t)tcp->receiving.length;
    return tcp->rcv_nxt + MIN(space, (uint32_t)UINT16_MAX << tcp->rcv_scale);
}

/* RFC 9293 §3.8.6.2.2: min (Fr * RCV.BUFF, Eff.snd.MSS), Fr = 1/2. */
static uint32_t worthwhile_step(const TcpConnection *tcp)
{
    return MAX(MIN(tcp->options->receive_buffer / 2, tcp->mss), 1);
}

/* How far the offered right edge can move; 0 when the step would be a silly one. */
static uint32_t window_gain(const TcpConnection *tcp)
{
    uint32_t gain = possible_edge(tcp) - tcp->rcv_adv;
    return (int32_t)gain >= (int32_t)worthwhile_step(tcp) ? gain : 0;
}

bool tcp_window_update_is_due(const TcpConnection *tcp)
{
    if (tcp->state != TCP_ESTABLISHED && tcp->state != TCP_FIN_WAIT_1 &&
        tcp->state != TCP_FIN_WAIT_2)
        return false;
    /* A segment of its own pays when the peer may be waiting for it, or for two full segments, as
     * often as an ACK would go; smaller steps travel with the next ACK. */
    uint32_t gain = window_gain(tcp);
    return gain > 0 && (tcp_rcv_wnd(tcp) < tcp->mss || gain >= 2u * tcp->mss ||
                        gain >= tcp->options->receive_buffer / 2);
}

/* SEG.WND; what it offers is never taken back (SHLD-14). */
static uint16_t offer_window(TcpConnection *tcp)
{
    if (window_gain(tcp) > 0)
        tcp->rcv_adv = possible_edge(tcp);
    return (uint16_t)MIN(tcp_rcv_wnd(tcp) >> tcp->rcv_scale, UINT16_MAX);
}

/* A SYN and its options; with an ACK unless we know nothing of the peer yet. */
static void fill_syn(const TcpConnection *tcp, Segment *out)
{
    bool answers = tcp->state != TCP_SYN_SENT;
    out->flags = SEGMENT_SYN;
    out->window = (uint16_t)MIN(tcp_rcv_wnd(tcp), UINT16_MAX);
    out->mss = tcp->options->mss;
    /* RFC 7323 §2.2: in a SYN,ACK only when the SYN had it. With a scale of ours the shift is
     * known to be in use once the peer's SYN has been read. */
    if (!answers || tcp->rcv_scale > 0 || tcp->snd_scale > 0)
        out->window_scale = tcp->options->window_scale;
}

/* Header fields that all segments but SYN and RST share. The acknowledgement goes with each. */
static void fill_header(TcpConnection *tcp, uint32_t seq, SegmentSending sending, Segment *out)
{
    out->seq = seq;
    out->sending = (uint8_t)sending;
    if (tcp->state != TCP_SYN_SENT) {
        out->flags |= SEGMENT_ACK;
        out->ack = tcp->rcv_nxt;
        tcp->rcv_acked = tcp->rcv_nxt;
        tcp->ack_now = false;
        tcp->ack_at = SIM_NEVER;
    }
}

/* The text at `seq`, at most `limit` octets of sequence space, FIN behind it if that is due. */
static void fill_text(TcpConnection *tcp, uint32_t seq, uint32_t limit, Segment *out)
{
    uint32_t end = tcp_data_end(tcp);
    uint32_t length = seq_is_before(seq, end) ? end - seq : 0;
    length = MIN(length, MIN(limit, tcp->mss));
    size_t offset = length > 0 ? seq - tcp->snd_data : 0;
    out->payload = slice_queue_cut_two(&tcp->sending, offset, length, &out->payload_rest);
    /* RFC 9293 §3.9.1.2: without a push from the user, PSH goes with the last buffered segment. */
    if (length > 0 && seq + length == end)
        out->flags |= SEGMENT_PSH;
    if (tcp->closing && seq + length == end && length < limit)
        out->flags |= SEGMENT_FIN;
    out->window = offer_window(tcp);
}

/* New sequence space: SND.NXT moves, and Karn's algorithm may time the segment. */
static void note_new(TcpConnection *tcp, const Segment *out, uint32_t end, SimTime now)
{
    if (tcp_flight(tcp) == 0)
        tcp->progress_at = now;
    if (tcp->snd_resend == tcp->snd_nxt)
        tcp->snd_resend = end;
    tcp->snd_nxt = end;
    if ((out->flags & SEGMENT_SYN) == 0 && segment_payload_size(out) < tcp->mss)
        tcp->snd_small = end;
    if (!tcp->rtt_active && out->sending == SEGMENT_SENDING_FIRST) {
        tcp->rtt_active = true;
        tcp->rtt_seq = end;
        tcp->rtt_start = now;
    }
    if (G_LIKELY((out->flags & SEGMENT_FIN) == 0))
        return;
    tcp->fin_sent = true;
    if (tcp->state == TCP_CLOSE_WAIT)
        tcp_set_state(tcp, TCP_ON_CLOSE);
}

/* Any segment that takes sequence space, new or again; `limit` octets at most. */
static void send_sequence(TcpConnection *tcp, uint32_t seq, uint32_t limit, SegmentSending sending,
                          SimTime now, Segment *out)
{
    if (G_UNLIKELY(seq == tcp->iss))
        fill_syn(tcp, out);
    else
        fill_text(tcp, seq, limit, out);
    uint32_t end = seq + segment_length(out);
    bool again = seq_is_before(seq, tcp->snd_nxt);
    CHECK(end != seq);
    out->sending = (uint8_t)sending;
    if (seq_is_before(tcp->snd_nxt, end))
        note_new(tcp, out, end, now);
    if (G_UNLIKELY(again) && sending != SEGMENT_SENDING_FIRST) {
        tcp->retransmissions++;
        tcp->rtt_active = false; /* Karn's algorithm (RFC 6298 §3) */
    }
    fill_header(tcp, seq, sending, out);
    tcp->last_sent_at = now;
    /* RFC 6298 (5.1); a tail loss probe waits anew after each new segment (RFC 8985 §7.2). */
    if (tcp->retransmit_at == SIM_NEVER ||
        (tcp->retransmit_timer == TCP_TIMER_TAIL_PROBE && !again))
        tcp_timer_restart(tcp, now);
}

/* Octets beyond `seq` that the peer's window and the congestion window allow. */
static uint32_t room_from(const TcpConnection *tcp, uint32_t seq, uint32_t congestion_limit)
{
    uint32_t used = seq - tcp->snd_una;
    uint32_t window = MIN(tcp->snd_wnd, congestion_limit);
    return window > used ? window - used : 0;
}

/* RFC 5681 §3.2 step 3: "the lost segment starting at SND.UNA MUST be retransmitted". */
static bool send_fast_resend(TcpConnection *tcp, SimTime now, Segment *out)
{
    uint32_t limit = MIN(tcp_flight(tcp), tcp->snd_wnd);
    if (G_LIKELY(!tcp->resend_first))
        return false;
    tcp->resend_first = false;
    if (limit == 0)
        return false;
    send_sequence(tcp, tcp->snd_una, limit, SEGMENT_SENDING_FAST_RESEND, now, out);
    return true;
}

/* After a timeout all that is outstanding is taken as lost and sent again, as the windows allow. */
static bool send_resend(TcpConnection *tcp, SimTime now, Segment *out)
{
    uint32_t seq = tcp->snd_resend;
    uint32_t left = tcp->snd_nxt - seq;
    if (G_LIKELY(left == 0))
        return false;
    uint32_t limit = left;
    if (seq != tcp->iss) {
        limit = MIN(left, room_from(tcp, seq, tcp->cwnd));
        if (limit == 0 || (limit < MIN(left, tcp->mss) && seq != tcp->snd_una))
            return false;
    }
    send_sequence(tcp, seq, limit, (SegmentSending)tcp->resend_sending, now, out);
    tcp->snd_resend = seq + segment_length(out);
    return true;
}

/* RFC 9293 §3.7.4: may a short segment go although something is unacknowledged? */
static bool nagle_allows(const TcpConnection *tcp)
{
    switch ((TcpNagle)tcp->options->nagle) {
    case TCP_NAGLE_OFF:
        return true;
    case TCP_NAGLE_ON:
        return tcp_flight(tcp) == 0;
    case TCP_NAGLE_MINSHALL:
        return seq_is_at_or_before(tcp->snd_small, tcp->snd_una);
    }
    return true;
}

/* RFC 9293 §3.8.6.2.1, rules (1) to (4): of `data` unsent octets with `room` for them, is a segment
 * sent now? All data counts as pushed. */
static bool text_is_due(const TcpConnection *tcp, uint32_t data, uint32_t room)
{
    uint32_t length = MIN(data, room);
    if (length >= tcp->mss || (length > 0 && tcp->override))
        return true;
    if (length == 0)
        return false;
    /* No more text will come to fill a last segment, so it does not wait. */
    if (data <= room && tcp->closing)
        return true;
    return nagle_allows(tcp) && (data <= room || length >= tcp->max_snd_wnd / 2);
}

/* The states in which text or FIN goes out for the first time. */
static bool may_send_text(const TcpConnection *tcp)
{
    switch ((TcpState)tcp->state) {
    case TCP_ESTABLISHED:
    case TCP_FIN_WAIT_1:
    case TCP_CLOSE_WAIT:
    case TCP_CLOSING:
    case TCP_LAST_ACK:
        return true;
    case TCP_CLOSED:
    case TCP_LISTEN:
    case TCP_SYN_SENT:
    case TCP_SYN_RECEIVED:
    case TCP_FIN_WAIT_2:
    case TCP_TIME_WAIT:
    case TCP_STATE_COUNT:
        break;
    }
    return false;
}

static uint32_t unsent(const TcpConnection *tcp)
{
    uint32_t end = tcp_data_end(tcp);
    return seq_is_before(tcp->snd_nxt, end) ? end - tcp->snd_nxt : 0;
}

static bool fin_is_unsent(const TcpConnection *tcp)
{
    return tcp->closing && !tcp->fin_sent;
}

static bool send_new(TcpConnection *tcp, SimTime now, Segment *out)
{
    if (!may_send_text(tcp) || tcp->snd_resend != tcp->snd_nxt)
        return false;
    uint32_t data = unsent(tcp);
    if (data == 0 && !fin_is_unsent(tcp))
        return false;
    tcp_congestion_before_send(tcp, now);
    uint32_t room = room_from(tcp, tcp->snd_nxt, tcp_congestion_limit(tcp));
    bool due = data > 0 ? text_is_due(tcp, data, room) : room > 0;
    tcp->override = false;
    if (!due)
        return false;
    send_sequence(tcp, tcp->snd_nxt, room, SEGMENT_SENDING_FIRST, now, out);
    return true;
}

/* RFC 8985 §7.3: new data if there is some, else the last segment again. */
static bool send_tail_probe(TcpConnection *tcp, SimTime now, Segment *out)
{
    if (G_LIKELY(!tcp->tail_probe))
        return false;
    tcp->tail_probe = false;
    if (tcp_flight(tcp) == 0)
        return false;
    uint32_t room = room_from(tcp, tcp->snd_nxt, UINT32_MAX);
    if (may_send_text(tcp) && unsent(tcp) > 0 && room > 0) {
        send_sequence(tcp, tcp->snd_nxt, room, SEGMENT_SENDING_TAIL_LOSS_PROBE, now, out);
        return true;
    }
    uint32_t length = MIN(tcp_flight(tcp), tcp->mss);
    send_sequence(tcp, tcp->snd_nxt - length, length, SEGMENT_SENDING_TAIL_LOSS_PROBE, now, out);
    return true;
}

/* RFC 9293 §3.8.6.1: one octet into a closed window, new or again. */
static bool send_window_probe(TcpConnection *tcp, SimTime now, Segment *out)
{
    if (G_LIKELY(!tcp->window_probe))
        return false;
    tcp->window_probe = false;
    if (tcp_flight(tcp) == 0 && unsent(tcp) == 0 && !fin_is_unsent(tcp))
        return false;
    send_sequence(tcp, tcp->snd_una, 1, SEGMENT_SENDING_WINDOW_PROBE, now, out);
    return true;
}

/* RFC 9293 §3.8.4: SEG.SEQ = SND.NXT - 1, no data. */
static bool send_keep_alive(TcpConnection *tcp, Segment *out)
{
    if (G_LIKELY(!tcp->keep_alive))
        return false;
    tcp->keep_alive = false;
    fill_header(tcp, tcp->snd_nxt - 1, SEGMENT_SENDING_KEEP_ALIVE, out);
    out->window = offer_window(tcp);
    return true;
}

static bool send_ack(TcpConnection *tcp, Segment *out)
{
    if (!tcp->ack_now || tcp->state == TCP_SYN_SENT)
        return false;
    fill_header(tcp, tcp->snd_nxt, SEGMENT_SENDING_PURE_ACK, out);
    out->window = offer_window(tcp);
    return true;
}

static void send_reset(TcpConnection *tcp, Segment *out)
{
    tcp->reset = false;
    out->seq = tcp->reset_seq;
    out->flags = SEGMENT_RST;
    out->sending = SEGMENT_SENDING_RESET;
}

/* Something waits to be sent and nothing is outstanding whose ACK would set it free. */
static bool needs_persist_timer(const TcpConnection *tcp)
{
    return may_send_text(tcp) && tcp_flight(tcp) == 0 && (unsent(tcp) > 0 || fin_is_unsent(tcp));
}

/* The SYN: active, at the first call; passive, with the ACK of the peer's. */
static bool send_first_syn(TcpConnection *tcp, SimTime now, Segment *out)
{
    if (G_LIKELY(tcp->snd_nxt != tcp->iss))
        return false;
    send_sequence(tcp, tcp->iss, 1, SEGMENT_SENDING_FIRST, now, out);
    return true;
}

/* Nothing is there that could be sent: what is mostly so, and soon seen. */
static bool has_nothing_to_send(const TcpConnection *tcp)
{
    bool is_wanted = tcp->reset || tcp->ack_now || tcp->resend_first || tcp->tail_probe ||
                     tcp->window_probe || tcp->keep_alive;
    return !is_wanted && tcp->snd_resend == tcp->snd_nxt && tcp->snd_nxt != tcp->iss &&
           unsent(tcp) == 0 && !fin_is_unsent(tcp);
}

/* tcp_next_segment where there may be something. */
__attribute__((noinline)) static bool find_segment(TcpConnection *tcp, SimTime now, Segment *out)
{
    *out = (Segment){.window_scale = SEGMENT_NO_WINDOW_SCALE};
    if (G_UNLIKELY(tcp->reset)) {
        send_reset(tcp, out);
        return true;
    }
    if (G_UNLIKELY(tcp_is_finished(tcp)))
        return false;
    if (G_UNLIKELY(tcp->state == TCP_TIME_WAIT))
        return send_ack(tcp, out);
    if (send_first_syn(tcp, now, out) || send_fast_resend(tcp, now, out) ||
        send_resend(tcp, now, out) || send_tail_probe(tcp, now, out) || send_new(tcp, now, out) ||
        send_window_probe(tcp, now, out) || send_keep_alive(tcp, out) || send_ack(tcp, out))
        return true;
    if (needs_persist_timer(tcp))
        tcp_timer_start_persist(tcp, now);
    return false;
}

bool tcp_next_segment(TcpConnection *tcp, SimTime now, Segment *out)
{
    return !has_nothing_to_send(tcp) && find_segment(tcp, now, out);
}
