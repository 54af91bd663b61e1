/* SEGMENT ARRIVES: what a segment does to a connection, in the order and words of RFC 9293 §3.10.7.
 *
 * The checks of RFC 5961 are made: exact sequence numbers for RST, challenge ACKs, a range for the
 * acknowledgement number. Security and compartment (third step) do not exist here, and urgent data
 * (sixth step) is ordinary data. */
#include "net/tcp_internal.h"

/* RFC 9293 §3.7.1 (MUST-15), for IPv4. */
static const uint16_t default_mss = 536;

/* RFC 5961 §7 wants challenge ACKs throttled. Two ends that disagree would else answer each other's
 * empty segments for ever; segments with text, SYN or FIN are always answered. */
static const SimTime stray_ack_interval = 500 * SIM_MILLISECOND;

bool tcp_reply_for_closed(const Segment *in, Segment *reply)
{
    *reply = (Segment){
        .source_port = in->destination_port,
        .destination_port = in->source_port,
        .window_scale = SEGMENT_NO_WINDOW_SCALE,
        .sending = SEGMENT_SENDING_RESET,
    };
    if ((in->flags & SEGMENT_RST) != 0)
        return false;
    if ((in->flags & SEGMENT_ACK) != 0) {
        reply->seq = in->ack;
        reply->flags = SEGMENT_RST;
    } else {
        reply->ack = in->seq + segment_length(in);
        reply->flags = SEGMENT_RST | SEGMENT_ACK;
    }
    return true;
}

/* The peer's SYN: IRS, RCV.NXT, its options and its window. */
static void learn_syn(TcpConnection *tcp, const Segment *syn)
{
    tcp->irs = syn->seq;
    tcp->rcv_adv += syn->seq + 1; /* until now it was the window offered on our SYN */
    tcp->rcv_nxt = tcp->rcv_acked = syn->seq + 1;
    uint16_t peer_mss = syn->mss == 0 ? default_mss : syn->mss;
    tcp->mss = MIN(tcp->mss, peer_mss);
    if (syn->window_scale != SEGMENT_NO_WINDOW_SCALE &&
        tcp->options->window_scale != SEGMENT_NO_WINDOW_SCALE) {
        tcp->snd_scale = MIN(syn->window_scale, 14); /* RFC 7323 §2.3 */
        tcp->rcv_scale = tcp->options->window_scale;
    }
    tcp->snd_wnd = tcp->max_snd_wnd = syn->window;
    tcp->snd_wl1 = syn->seq;
    tcp->snd_wl2 = syn->ack;
}

/* Notes where the peer's stream ends, when this segment says so and that lies within the window. A
 * FIN that does not is unacceptable, and answered: the peer may be probing a closed window. */
static void note_fin(TcpConnection *tcp, const Segment *in, uint32_t text_seq)
{
    uint32_t fin = text_seq + segment_payload_size(in);
    if (G_LIKELY((in->flags & SEGMENT_FIN) == 0) || tcp->fin_known)
        return;
    if (fin - tcp->rcv_nxt >= tcp_rcv_wnd(tcp)) {
        tcp->ack_now = true;
        return;
    }
    tcp->fin_known = true;
    tcp->rcv_fin = fin;
}

/* Cuts off what of the text at `seq` is outside the window; returns where the text begins then. */
static uint32_t trim_to_window(const TcpConnection *tcp, Slice *text, uint32_t seq)
{
    if (G_UNLIKELY(seq_is_before(seq, tcp->rcv_nxt))) {
        size_t old = MIN(tcp->rcv_nxt - seq, text->length);
        text->offset += old;
        text->length -= old;
        seq = tcp->rcv_nxt;
    }
    uint32_t room = seq_is_before(seq, tcp->rcv_adv) ? tcp->rcv_adv - seq : 0;
    text->length = MIN(text->length, room);
    return seq;
}

/* All the text of a segment as one slice, which the caller owns. */
static Slice payload_in_one(const Segment *in)
{
    const Slice parts[] = {in->payload, in->payload_rest};
    return in->payload_rest.length > 0 ? slice_queue_gather(parts, 0, segment_payload_size(in))
                                       : slice_ref(in->payload, 0, in->payload.length);
}

/* "Any other incoming control or data (combined with SYN) will be processed in the SYN-RECEIVED
 * state": it is kept until ESTABLISHED. */
static void keep_text_of_syn(TcpConnection *tcp, const Segment *syn)
{
    uint32_t seq = syn->seq + 1;
    note_fin(tcp, syn, seq);
    Slice text = payload_in_one(syn);
    seq = trim_to_window(tcp, &text, seq);
    if (text.length > 0)
        tcp_reassembly_keep(tcp, seq, text);
    else
        slice_clear(&text);
}

/* §3.10.7.2, third step; the first two are the host's. */
void tcp_listen_receive(TcpConnection *tcp, const Segment *syn)
{
    learn_syn(tcp, syn);
    keep_text_of_syn(tcp, syn);
    tcp_set_state(tcp, TCP_ON_SYN);
}

/* SND.UNA moves: timing, congestion control, the buffers and the timer follow. */
static void acknowledge(TcpConnection *tcp, uint32_t ack, SimTime now)
{
    bool restart = true;
    if (tcp->rtt_active && seq_is_at_or_before(tcp->rtt_seq, ack)) {
        tcp->rtt_active = false;
        tcp_timer_sample(tcp, now - tcp->rtt_start);
    }
    if (G_UNLIKELY(!tcp_syn_is_acked(tcp))) {
        tcp->snd_una++;
        tcp_timer_opened(tcp);
        tcp_congestion_start(tcp);
    }
    if (ack != tcp->snd_una)
        restart = tcp_congestion_acknowledged(tcp, ack);
    size_t text = MIN(ack - tcp->snd_data, tcp->sending.length);
    slice_queue_consume(&tcp->sending, text);
    tcp->snd_data += (uint32_t)text;
    tcp->snd_una = ack;
    if (seq_is_before(tcp->snd_resend, ack))
        tcp->snd_resend = ack;
    if (seq_is_before(tcp->snd_small, ack))
        tcp->snd_small = ack;
    tcp->retries = 0;
    tcp->progress_at = now;
    if (restart)
        tcp_timer_restart(tcp, now);
    if (G_UNLIKELY(tcp->write_full) && tcp->sending.length <= tcp->options->send_buffer / 2) {
        tcp->write_full = false;
        tcp_notify(tcp, TCP_EVENT_WRITABLE);
    }
}

static uint32_t offered_window(const TcpConnection *tcp, const Segment *in)
{
    return (uint32_t)in->window << tcp->snd_scale;
}

/* Fifth step: "the send window should be updated", but not by old segments. */
static void update_window(TcpConnection *tcp, const Segment *in, SimTime now)
{
    if (!seq_is_before(tcp->snd_wl1, in->seq) &&
        !(tcp->snd_wl1 == in->seq && seq_is_at_or_before(tcp->snd_wl2, in->ack)))
        return;
    bool was_closed = tcp->snd_wnd == 0;
    tcp->snd_wnd = offered_window(tcp, in);
    tcp->max_snd_wnd = MAX(tcp->max_snd_wnd, tcp->snd_wnd);
    tcp->snd_wl1 = in->seq;
    tcp->snd_wl2 = in->ack;
    if (G_LIKELY(!was_closed) || tcp->snd_wnd == 0)
        return;
    /* The window opens: what it had refused, such as a probe's octet, goes out again. */
    tcp->snd_resend = tcp->snd_una;
    tcp->resend_sending = SEGMENT_SENDING_TIMEOUT_RESEND;
    tcp->window_probe = false;
    tcp_timer_forget_back_off(tcp);
    tcp_timer_restart(tcp, now);
}

/* RFC 5681 §2, the definition of a duplicate acknowledgement, (a) to (e). With a closed window it
 * answers a probe instead. */
static bool is_duplicate_ack(const TcpConnection *tcp, const Segment *in)
{
    return in->ack == tcp->snd_una && tcp_flight(tcp) > 0 && segment_length(in) == 0 &&
           tcp->snd_wnd > 0 && offered_window(tcp, in) == tcp->snd_wnd;
}

/* Fifth step, ESTABLISHED and later. False: the segment is to be dropped. */
static bool process_ack(TcpConnection *tcp, const Segment *in, SimTime now)
{
    /* RFC 5961 §5: SND.UNA - MAX.SND.WND =< SEG.ACK =< SND.NXT. */
    if (G_UNLIKELY(seq_is_before(tcp->snd_nxt, in->ack) ||
                   seq_is_before(in->ack, tcp->snd_una - tcp->max_snd_wnd))) {
        tcp->ack_now = true;
        return false;
    }
    bool duplicate = is_duplicate_ack(tcp, in);
    if (seq_is_before(tcp->snd_una, in->ack))
        acknowledge(tcp, in->ack, now);
    if (seq_is_at_or_before(tcp->snd_una, in->ack))
        update_window(tcp, in, now);
    if (G_UNLIKELY(tcp->snd_wnd == 0)) {
        /* MUST-37: while probes are answered, the connection stays open. */
        tcp->retries = 0;
        tcp->progress_at = now;
    }
    if (G_UNLIKELY(duplicate)) {
        bool recovering = tcp->recovering;
        tcp_congestion_duplicate_ack(tcp);
        if (tcp->recovering != recovering)
            tcp_timer_restart(tcp, now);
    }
    return true;
}

static void enter_time_wait(TcpConnection *tcp, TcpTrigger trigger, SimTime now)
{
    if (trigger != TCP_ON_FIN || tcp->state != TCP_TIME_WAIT)
        tcp_set_state(tcp, trigger);
    tcp_timer_stop_all(tcp);
    tcp_reassembly_clear(tcp);
    tcp->linger_at = simtime_add(now, 2 * tcp->options->maximum_lifetime);
}

/* Fifth step, what an acknowledgement of our FIN does. False: the connection is over. */
static bool process_ack_of_fin(TcpConnection *tcp, SimTime now)
{
    if (G_LIKELY(!tcp_fin_is_acked(tcp)))
        return true;
    switch ((TcpState)tcp->state) {
    case TCP_FIN_WAIT_1:
        tcp_set_state(tcp, TCP_ON_ACK_OF_FIN);
        tcp->linger_at = simtime_add(now, tcp->options->fin_wait_2_timeout);
        return true;
    case TCP_CLOSING:
        enter_time_wait(tcp, TCP_ON_ACK_OF_FIN, now);
        return true;
    case TCP_LAST_ACK:
        tcp_end(tcp, TCP_ON_ACK_OF_FIN, TCP_EVENT_CLOSED);
        return false;
    case TCP_CLOSED:
    case TCP_LISTEN:
    case TCP_SYN_SENT:
    case TCP_SYN_RECEIVED:
    case TCP_ESTABLISHED:
    case TCP_FIN_WAIT_2:
    case TCP_CLOSE_WAIT:
    case TCP_TIME_WAIT:
    case TCP_STATE_COUNT:
        break;
    }
    return true;
}

/* The states in which text and FIN are taken (seventh and eighth step). */
static bool takes_text(const TcpConnection *tcp)
{
    return tcp->state == TCP_ESTABLISHED || tcp->state == TCP_FIN_WAIT_1 ||
           tcp->state == TCP_FIN_WAIT_2;
}

/* When text has moved RCV.NXT. RFC 9293 §3.8.6.3 and RFC 5681 §4.2: at once for every second full
 * segment and for what comes behind a gap or fills one. */
static void schedule_ack(TcpConnection *tcp, bool at_once, SimTime now)
{
    SimTime delay = tcp->options->delayed_ack;
    if (at_once || delay == 0 || tcp->rcv_nxt - tcp->rcv_acked >= 2u * tcp->mss)
        tcp->ack_now = true;
    else
        tcp->ack_at = MIN(tcp->ack_at, simtime_add(now, delay));
}

/* Seventh step. False: the connection is over. */
static bool process_text(TcpConnection *tcp, Segment *in, uint32_t seq, SimTime now)
{
    if (segment_payload_size(in) == 0)
        return true;
    if (G_UNLIKELY(seq_is_before(tcp->rcv_nxt, seq)) && in->payload_rest.length > 0) {
        Slice whole = payload_in_one(in); /* it will be kept, as one piece */
        segment_clear(in);
        in->payload = whole;
    }
    uint32_t rest_seq = seq + (uint32_t)in->payload.length;
    seq = trim_to_window(tcp, &in->payload, seq);
    if (in->payload_rest.length > 0)
        rest_seq = trim_to_window(tcp, &in->payload_rest, rest_seq);
    if (G_UNLIKELY(segment_payload_size(in) == 0)) {
        tcp->ack_now = true;
        return true;
    }
    if (G_UNLIKELY(tcp->reading_ended)) {
        /* §3.6.1: "if new data is received after CLOSE is called, its TCP implementation SHOULD
         * send a RST to show that data was lost" (SHLD-3). */
        tcp_abort(tcp);
        return false;
    }
    bool at_once = tcp_reassemble(tcp, seq, &in->payload);
    in->payload = (Slice){0}; /* the reference is given away */
    if (in->payload_rest.length > 0) {
        at_once = tcp_reassemble(tcp, rest_seq, &in->payload_rest) || at_once;
        in->payload_rest = (Slice){0};
    }
    schedule_ack(tcp, at_once, now);
    return true;
}

/* Eighth step, when all before the FIN has arrived. */
static void process_fin(TcpConnection *tcp, SimTime now)
{
    if (G_LIKELY(!tcp->fin_known))
        return;
    tcp->ack_now = true;
    if (tcp->rcv_nxt != tcp->rcv_fin)
        return;
    tcp->rcv_nxt++;
    tcp_reassembly_clear(tcp);
    tcp_notify(tcp, TCP_EVENT_PEER_CLOSED);
    if (tcp->state == TCP_FIN_WAIT_2)
        enter_time_wait(tcp, TCP_ON_FIN, now);
    else
        tcp_set_state(tcp, TCP_ON_FIN);
}

static void process_text_and_fin(TcpConnection *tcp, Segment *in, SimTime now)
{
    uint32_t seq = in->seq + ((in->flags & SEGMENT_SYN) != 0);
    if (!takes_text(tcp))
        return;
    note_fin(tcp, in, seq);
    if (process_text(tcp, in, seq, now))
        process_fin(tcp, now);
}

/* ESTABLISHED is entered; what came with the SYN, and a CLOSE that was queued, is processed. */
static void establish(TcpConnection *tcp, TcpTrigger trigger)
{
    tcp_set_state(tcp, trigger);
    tcp_notify(tcp, TCP_EVENT_CONNECTED);
    if (tcp_reassembly_deliver(tcp))
        tcp->ack_now = true;
    if (tcp->closing)
        tcp_start_closing(tcp);
}

/* §3.10.7.3, fourth step. */
static void syn_sent_process_syn(TcpConnection *tcp, Segment *in, SimTime now)
{
    learn_syn(tcp, in);
    if ((in->flags & SEGMENT_ACK) != 0) {
        acknowledge(tcp, in->ack, now);
        establish(tcp, TCP_ON_SYN_ACK);
        tcp->ack_now = true;
        process_text_and_fin(tcp, in, now);
        return;
    }
    keep_text_of_syn(tcp, in);
    tcp_set_state(tcp, TCP_ON_SYN);
    /* Our SYN once more, now with an ACK; which of the two is answered cannot be told (Karn). */
    tcp->snd_resend = tcp->iss;
    tcp->resend_sending = SEGMENT_SENDING_FIRST;
    tcp->rtt_active = false;
}

/* §3.10.7.3. */
static void syn_sent_receive(TcpConnection *tcp, Segment *in, SimTime now)
{
    bool has_ack = (in->flags & SEGMENT_ACK) != 0;
    /* First, check the ACK bit. */
    if (has_ack &&
        (seq_is_at_or_before(in->ack, tcp->iss) || seq_is_before(tcp->snd_nxt, in->ack))) {
        if ((in->flags & SEGMENT_RST) == 0)
            tcp_send_reset(tcp, in->ack);
        return;
    }
    /* Second, check the RST bit. */
    if ((in->flags & SEGMENT_RST) != 0) {
        if (has_ack)
            tcp_end(tcp, TCP_ON_RST, TCP_EVENT_REFUSED);
        return;
    }
    /* Fourth, check the SYN bit; fifth, drop the segment without it. */
    if ((in->flags & SEGMENT_SYN) != 0)
        syn_sent_process_syn(tcp, in, now);
}

/* Table 6. */
static bool sequence_is_acceptable(const TcpConnection *tcp, const Segment *in)
{
    uint32_t length = segment_length(in);
    uint32_t window = tcp_rcv_wnd(tcp);
    uint32_t offset = in->seq - tcp->rcv_nxt;
    if (length == 0)
        return window == 0 ? offset == 0 : offset < window;
    return offset < window || offset + length - 1 < window;
}

/* "Special allowance should be made to accept valid ACKs, URGs, and RSTs" when the window is closed
 * (MUST-66; a RST may carry text, SHLD-2). An empty segment is also taken right behind the window,
 * and one octet farther: a peer that has filled the window, or probed it, has its SND.NXT there
 * (appendix A.2). */
static bool is_allowed(const TcpConnection *tcp, const Segment *in)
{
    if ((in->flags & SEGMENT_RST) != 0)
        return in->seq == tcp->rcv_nxt;
    if ((in->flags & SEGMENT_SYN) != 0)
        return false;
    if (segment_length(in) == 0)
        return in->seq - tcp->rcv_nxt <= tcp_rcv_wnd(tcp) + 1;
    return tcp_rcv_wnd(tcp) == 0 && in->seq == tcp->rcv_nxt;
}

/* First step. False: the segment is dropped. */
static bool process_sequence(TcpConnection *tcp, const Segment *in, SimTime now)
{
    if (G_LIKELY(sequence_is_acceptable(tcp, in)) || is_allowed(tcp, in))
        return true;
    if ((in->flags & SEGMENT_RST) != 0)
        return false;
    if (segment_length(in) == 0) {
        if (now < tcp->stray_ack_at)
            return false;
        tcp->stray_ack_at = simtime_add(now, stray_ack_interval);
    }
    tcp->ack_now = true;
    /* Fifth step, TIME-WAIT: "a retransmission of the remote FIN. Acknowledge it, and restart the
     * 2 MSL timeout." Its sequence number is old, so it never comes that far. */
    if (tcp->state == TCP_TIME_WAIT && (in->flags & SEGMENT_FIN) != 0)
        enter_time_wait(tcp, TCP_ON_FIN, now);
    return false;
}

/* Second step, for a RST within the window. */
static void process_rst(TcpConnection *tcp, const Segment *in)
{
    if (in->seq != tcp->rcv_nxt) {
        tcp->ack_now = true; /* RFC 5961 §3: challenge ACK */
        return;
    }
    switch ((TcpState)tcp->state) {
    case TCP_SYN_RECEIVED:
        if (tcp->passive)
            tcp_end(tcp, TCP_ON_RETURN_TO_LISTEN, TCP_EVENT_CLOSED);
        else
            tcp_end(tcp, TCP_ON_RST, TCP_EVENT_REFUSED);
        break;
    case TCP_ESTABLISHED:
    case TCP_FIN_WAIT_1:
    case TCP_FIN_WAIT_2:
    case TCP_CLOSE_WAIT:
        tcp_end(tcp, TCP_ON_RST, TCP_EVENT_RESET);
        break;
    case TCP_CLOSING:
    case TCP_LAST_ACK:
    case TCP_TIME_WAIT:
        tcp_end(tcp, TCP_ON_RST, TCP_EVENT_CLOSED);
        break;
    case TCP_CLOSED:
    case TCP_LISTEN:
    case TCP_SYN_SENT:
    case TCP_STATE_COUNT:
        break;
    }
}

/* Fourth step. */
static void process_unexpected_syn(TcpConnection *tcp)
{
    if (tcp->state == TCP_SYN_RECEIVED && tcp->passive)
        tcp_end(tcp, TCP_ON_RETURN_TO_LISTEN, TCP_EVENT_CLOSED);
    else
        tcp->ack_now = true; /* RFC 5961 §4: challenge ACK */
}

/* Fifth step, SYN-RECEIVED. False: the segment is dropped. */
static bool syn_received_process_ack(TcpConnection *tcp, const Segment *in, TcpTrigger trigger,
                                     SimTime now)
{
    if (!seq_is_before(tcp->snd_una, in->ack) || seq_is_before(tcp->snd_nxt, in->ack)) {
        tcp_send_reset(tcp, in->ack);
        return false;
    }
    acknowledge(tcp, in->ack, now);
    tcp->snd_wl1 = in->seq - 1; /* so that the window of this very segment is taken */
    establish(tcp, trigger);
    return true;
}

/* §3.10.7.4. */
static void other_states_receive(TcpConnection *tcp, Segment *in, TcpTrigger acked, SimTime now)
{
    if (!process_sequence(tcp, in, now))
        return;
    if (G_UNLIKELY((in->flags & SEGMENT_RST) != 0)) {
        process_rst(tcp, in);
        return;
    }
    if (G_UNLIKELY((in->flags & SEGMENT_SYN) != 0)) {
        process_unexpected_syn(tcp);
        return;
    }
    if (G_UNLIKELY((in->flags & SEGMENT_ACK) == 0))
        return;
    if (G_UNLIKELY(tcp->state == TCP_SYN_RECEIVED) &&
        !syn_received_process_ack(tcp, in, acked, now))
        return;
    if (process_ack(tcp, in, now) && process_ack_of_fin(tcp, now))
        process_text_and_fin(tcp, in, now);
}

/* Figure 7, lines 6 and 7: in a simultaneous open the peer's SYN comes twice, the second time with
 * the ACK. Without the SYN, which lies left of the window, it begins at RCV.NXT. */
static bool is_second_syn(const TcpConnection *tcp, const Segment *in)
{
    return tcp->state == TCP_SYN_RECEIVED && !tcp->passive && in->seq == tcp->irs &&
           (in->flags & (SEGMENT_SYN | SEGMENT_ACK)) == (SEGMENT_SYN | SEGMENT_ACK);
}

void tcp_receive(TcpConnection *tcp, Segment *segment, SimTime now)
{
    if (tcp_is_finished(tcp))
        return;
    tcp_timer_heard(tcp, now);
    if (G_UNLIKELY(tcp->state == TCP_SYN_SENT)) {
        syn_sent_receive(tcp, segment, now);
    } else if (G_UNLIKELY(is_second_syn(tcp, segment))) {
        segment->seq++;
        segment->flags &= (uint8_t)~SEGMENT_SYN;
        uint8_t scale = tcp->snd_scale;
        tcp->snd_scale = 0; /* RFC 7323 §2.2: a SYN's window "MUST NOT be scaled" */
        other_states_receive(tcp, segment, TCP_ON_SYN_ACK, now);
        tcp->snd_scale = scale;
    } else {
        other_states_receive(tcp, segment, TCP_ON_ACK_OF_SYN, now);
    }
    tcp_check(tcp);
}
