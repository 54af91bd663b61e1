/* The user's side of a TCP connection: profiles, the calls of RFC 9293 §3.10.1 to §3.10.6, and the
 * events that it is told. See tcp.h. */
#include "net/tcp.h"

#include "net/tcp_internal.h"

/* Where sources differ: initial RTO 1 s, at least 60 s as maximum (RFC 6298 (2.1), (2.5)); eight
 * resendings at 1, 3, 7, 15, 31, 63, 123 and 183 s reach R2 of at least 3 minutes for a SYN and at
 * least 100 s for data (RFC 9293 §3.8.3). */
static void options_init_rfc(TcpOptions *options)
{
    *options = (TcpOptions){
        .initial_rto = SIM_SECOND,
        .minimum_rto = SIM_SECOND,
        .maximum_rto = SIM_MINUTE,
        .rto_granularity = SIM_MILLISECOND,
        .user_timeout = SIM_NEVER,
        .maximum_lifetime = 2 * SIM_MINUTE,
        .delayed_ack = 200 * SIM_MILLISECOND,
        .fin_wait_2_timeout = SIM_NEVER,
        .keep_alive_idle = SIM_NEVER,
        .keep_alive_interval = 75 * SIM_SECOND,
        .receive_buffer = UINT16_MAX,
        .send_buffer = UINT16_MAX,
        .mss = 1460,
        .initial_window = 10,
        .slow_start_limit = 1,
        .window_scale = SEGMENT_NO_WINDOW_SCALE,
        .syn_retries = 8,
        .data_retries = 8,
        .warning_retries = 3,
        .keep_alive_probes = 9,
        .nagle = TCP_NAGLE_ON,
        .recovery = TCP_RECOVERY_NEWRENO,
        .limited_transmit = true,
        .restart_after_idle = true,
    };
}

/* A recent Linux (6.18): its SYN goes out again after 1, 1, 1, 1, 1, 2, 4, 8, 16 and 32 s, and data
 * after a tail loss probe and 200 ms more than the round trip, doubled each time. It bounds the
 * variance, not the RTO, by 200 ms: that is a clock granularity of 200 ms in RFC 6298's words. Its
 * buffers grow by themselves; here they have one generous size. CUBIC and selective
 * acknowledgement are not modelled: loss recovery is NewReno's in both profiles. */
static void options_init_linux(TcpOptions *options)
{
    options_init_rfc(options);
    options->minimum_rto = 200 * SIM_MILLISECOND;
    options->maximum_rto = 2 * SIM_MINUTE;
    options->rto_granularity = 200 * SIM_MILLISECOND;
    options->maximum_lifetime = 30 * SIM_SECOND;
    options->delayed_ack = 40 * SIM_MILLISECOND;
    options->fin_wait_2_timeout = SIM_MINUTE;
    options->receive_buffer = 256 * 1024;
    options->send_buffer = 256 * 1024;
    options->slow_start_limit = 0;
    options->window_scale = 7;
    options->syn_retries = 10;
    options->syn_linear_retries = 4;
    options->data_retries = 15;
    options->nagle = TCP_NAGLE_MINSHALL;
    options->tail_loss_probe = true;
    options->soft_error_ends_open = true;
}

void tcp_options_init(TcpOptions *options, TcpProfile profile)
{
    switch (profile) {
    case TCP_PROFILE_RFC:
        options_init_rfc(options);
        return;
    case TCP_PROFILE_LINUX:
        options_init_linux(options);
        return;
    }
}

size_t tcp_size(void)
{
    return sizeof(TcpConnection);
}

/* A TCB in CLOSED; the caller opens it. */
static void tcp_init(TcpConnection *tcp, const TcpOptions *options, uint32_t iss, SimTime now)
{
    CHECK(options->mss > 0 && options->receive_buffer > 0 && options->send_buffer > 0);
    CHECK(options->send_buffer <= INT32_MAX / 2 && options->receive_buffer <= INT32_MAX / 2);
    CHECK(options->window_scale <= 14 || options->window_scale == SEGMENT_NO_WINDOW_SCALE);
    tcp->options = options;
    tcp->iss = tcp->snd_una = tcp->snd_nxt = tcp->snd_resend = iss;
    tcp->snd_data = iss + 1;
    tcp->snd_small = iss;
    tcp->recover = iss;
    tcp->mss = options->mss;
    tcp->rto = options->initial_rto;
    tcp->ssthresh = UINT32_MAX;
    tcp->progress_at = now;
    /* The window on a SYN is never scaled (RFC 7323 §2.2). */
    tcp->rcv_adv = MIN(options->receive_buffer, UINT16_MAX);
    tcp_timer_stop_all(tcp);
}

void tcp_init_active(TcpConnection *tcp, const TcpOptions *options, uint32_t iss, SimTime now)
{
    tcp_init(tcp, options, iss, now);
    tcp_set_state(tcp, TCP_ON_ACTIVE_OPEN);
}

void tcp_init_passive(TcpConnection *tcp, const TcpOptions *options, uint32_t iss,
                      const Segment *syn, SimTime now)
{
    CHECK((syn->flags & (SEGMENT_SYN | SEGMENT_RST | SEGMENT_ACK)) == SEGMENT_SYN);
    tcp_init(tcp, options, iss, now);
    tcp->passive = true;
    tcp_set_state(tcp, TCP_ON_PASSIVE_OPEN);
    tcp_listen_receive(tcp, syn);
}

TcpConnection *tcp_new_active(const TcpOptions *options, uint32_t iss, SimTime now)
{
    TcpConnection *tcp = g_new0(TcpConnection, 1);
    tcp_init_active(tcp, options, iss, now);
    return tcp;
}

TcpConnection *tcp_new_passive(const TcpOptions *options, uint32_t iss, const Segment *syn,
                               SimTime now)
{
    TcpConnection *tcp = g_new0(TcpConnection, 1);
    tcp_init_passive(tcp, options, iss, syn, now);
    return tcp;
}

void tcp_clear(TcpConnection *tcp)
{
    slice_queue_clear(&tcp->sending);
    slice_queue_clear(&tcp->receiving);
    tcp_reassembly_clear(tcp);
}

void tcp_free(TcpConnection *tcp)
{
    if (tcp == NULL)
        return;
    tcp_clear(tcp);
    g_free(tcp);
}

/* RFC 9293 §3.10.2: SEND is in order before and in ESTABLISHED and in CLOSE-WAIT. */
static bool tcp_takes_data(const TcpConnection *tcp)
{
    switch ((TcpState)tcp->state) {
    case TCP_SYN_SENT:
    case TCP_SYN_RECEIVED:
    case TCP_ESTABLISHED:
    case TCP_CLOSE_WAIT:
        return !tcp->closing;
    case TCP_CLOSED:
    case TCP_LISTEN:
    case TCP_FIN_WAIT_1:
    case TCP_FIN_WAIT_2:
    case TCP_CLOSING:
    case TCP_LAST_ACK:
    case TCP_TIME_WAIT:
    case TCP_STATE_COUNT:
        break;
    }
    return false;
}

size_t tcp_write_room(const TcpConnection *tcp)
{
    return tcp_takes_data(tcp) ? tcp->options->send_buffer - tcp->sending.length : 0;
}

size_t tcp_write(TcpConnection *tcp, Slice data)
{
    size_t room = tcp_write_room(tcp);
    size_t taken = MIN(data.length, room);
    if (taken > 0)
        slice_queue_take(&tcp->sending, slice_ref(data, 0, taken));
    tcp->write_full = taken == room;
    return taken;
}

Span tcp_peek(const TcpConnection *tcp)
{
    return slice_queue_peek(&tcp->receiving);
}

size_t tcp_readable(const TcpConnection *tcp)
{
    return tcp->receiving.length;
}

/* The user has read: there is more room to receive. */
static void note_room(TcpConnection *tcp)
{
    if (tcp_window_update_is_due(tcp))
        tcp->ack_now = true;
}

void tcp_consume(TcpConnection *tcp, size_t count)
{
    slice_queue_consume(&tcp->receiving, count);
    note_room(tcp);
}

Slice tcp_take(TcpConnection *tcp, size_t maximum)
{
    Slice slice = slice_queue_shift(&tcp->receiving, maximum);
    note_room(tcp);
    return slice;
}

Slice tcp_read(TcpConnection *tcp, size_t maximum)
{
    size_t length = MIN(maximum, tcp->receiving.length);
    Slice slice = slice_queue_cut(&tcp->receiving, 0, length);
    tcp_consume(tcp, length);
    return slice;
}

void tcp_start_closing(TcpConnection *tcp)
{
    switch ((TcpState)tcp->state) {
    case TCP_SYN_SENT:
        tcp_end(tcp, TCP_ON_CLOSE, TCP_EVENT_CLOSED);
        break;
    case TCP_SYN_RECEIVED:
        /* With data pending: "queue for processing after entering ESTABLISHED state". */
        if (tcp->sending.length == 0)
            tcp_set_state(tcp, TCP_ON_CLOSE);
        break;
    case TCP_ESTABLISHED:
        tcp_set_state(tcp, TCP_ON_CLOSE);
        break;
    case TCP_CLOSE_WAIT:
        /* "Queue this request until all preceding SENDs have been segmentized": LAST-ACK is
         * entered when the FIN goes out, in tcp_output.c. */
    case TCP_CLOSED:
    case TCP_LISTEN:
    case TCP_FIN_WAIT_1:
    case TCP_FIN_WAIT_2:
    case TCP_CLOSING:
    case TCP_LAST_ACK:
    case TCP_TIME_WAIT:
    case TCP_STATE_COUNT:
        break;
    }
}

void tcp_close_sending(TcpConnection *tcp)
{
    if (tcp->closing || tcp_is_finished(tcp))
        return;
    tcp->closing = true;
    tcp_start_closing(tcp);
}

/* RFC 9293 §3.6.1: "If such a host issues a CLOSE call while received data is still pending in the
 * TCP connection, [it] SHOULD send a RST to show that data was lost." */
void tcp_close(TcpConnection *tcp)
{
    tcp->reading_ended = true;
    if (tcp->receiving.length > 0)
        tcp_abort(tcp);
    else
        tcp_close_sending(tcp);
}

void tcp_abort(TcpConnection *tcp)
{
    if (tcp_is_finished(tcp))
        return;
    switch ((TcpState)tcp->state) {
    case TCP_SYN_RECEIVED:
    case TCP_ESTABLISHED:
    case TCP_FIN_WAIT_1:
    case TCP_FIN_WAIT_2:
    case TCP_CLOSE_WAIT:
        tcp_send_reset(tcp, tcp->snd_nxt);
        break;
    case TCP_CLOSED:
    case TCP_LISTEN:
    case TCP_SYN_SENT:
    case TCP_CLOSING:
    case TCP_LAST_ACK:
    case TCP_TIME_WAIT:
    case TCP_STATE_COUNT:
        break;
    }
    slice_queue_clear(&tcp->receiving);
    tcp->events = 0;
    tcp_end(tcp, TCP_ON_ABORT, TCP_EVENT_CLOSED);
}

static bool icmp_is_hard(TcpIcmp error)
{
    return error == TCP_ICMP_PROTOCOL_UNREACHABLE || error == TCP_ICMP_PORT_UNREACHABLE ||
           error == TCP_ICMP_PROHIBITED;
}

bool tcp_has_outstanding(const TcpConnection *tcp, uint32_t seq)
{
    return seq_is_at_or_before(tcp->snd_una, seq) && seq_is_before(seq, tcp->snd_nxt);
}

uint16_t tcp_mss_of_mtu(uint32_t mtu)
{
    enum { LEAST_MTU = 68, HEADERS = 40 }; /* RFC 791 §3.2; RFC 9293 §3.7.1 */
    return (uint16_t)(CLAMP(mtu, LEAST_MTU, UINT16_MAX) - HEADERS);
}

void tcp_limit_mss(TcpConnection *tcp, uint16_t mss)
{
    tcp->mss = MIN(tcp->mss, mss);
}

/* Of the segments of one flight each is reported; the first report is enough. */
void tcp_icmp_too_large(TcpConnection *tcp, uint32_t seq, uint32_t mtu)
{
    uint16_t mss = tcp_mss_of_mtu(mtu);
    bool is_news = tcp_has_outstanding(tcp, seq) && mss < tcp->mss;
    if (!is_news || tcp_is_finished(tcp) || !tcp_syn_is_acked(tcp))
        return;
    tcp->mss = mss;
    tcp_congestion_mtu_shrunk(tcp);
    tcp->snd_resend = tcp->snd_una;
    tcp->resend_sending = SEGMENT_SENDING_SMALLER_RESEND;
}

void tcp_icmp_unreachable(TcpConnection *tcp, TcpIcmp error)
{
    if (tcp_is_finished(tcp))
        return;
    tcp->icmp = (uint8_t)error;
    if (tcp->state == TCP_SYN_SENT && (icmp_is_hard(error) || tcp->options->soft_error_ends_open))
        tcp_end(tcp, TCP_ON_UNREACHABLE, TCP_EVENT_UNREACHABLE);
    else
        tcp_notify(tcp, TCP_EVENT_SOFT_ERROR);
}

bool tcp_next_event(TcpConnection *tcp, TcpEvent *event)
{
    if (tcp->events == 0)
        return false;
    unsigned kind = (unsigned)__builtin_ctz(tcp->events);
    tcp->events &= (uint16_t)(tcp->events - 1);
    *event = (TcpEvent){
        .kind = (TcpEventKind)kind,
        .icmp = (TcpIcmp)tcp->icmp,
        .retries = tcp->retries,
        .unacknowledged = tcp->unacknowledged,
    };
    return true;
}

TcpState tcp_state(const TcpConnection *tcp)
{
    return (TcpState)tcp->state;
}

bool tcp_is_finished(const TcpConnection *tcp)
{
    return tcp->state == TCP_CLOSED || tcp->state == TCP_LISTEN;
}

bool tcp_can_reopen(const TcpConnection *tcp, const Segment *syn)
{
    return tcp->state == TCP_TIME_WAIT &&
           (syn->flags & (SEGMENT_SYN | SEGMENT_RST | SEGMENT_ACK)) == SEGMENT_SYN &&
           seq_is_before(tcp->rcv_nxt, syn->seq);
}

void tcp_set_observer(TcpConnection *tcp, TcpObserver *observer, void *context)
{
    tcp->observer = observer;
    tcp->observer_context = context;
}

TcpInfo tcp_peek_info(const TcpConnection *tcp)
{
    uint32_t end = tcp_data_end(tcp);
    return (TcpInfo){
        .state = (TcpState)tcp->state,
        .iss = tcp->iss,
        .snd_una = tcp->snd_una,
        .snd_nxt = tcp->snd_nxt,
        .snd_wnd = tcp->snd_wnd,
        .irs = tcp->irs,
        .rcv_nxt = tcp->rcv_nxt,
        .rcv_wnd = tcp_rcv_wnd(tcp),
        .cwnd = tcp->cwnd,
        .ssthresh = tcp->ssthresh,
        .flight = tcp_flight(tcp),
        .mss = tcp->mss,
        .srtt = tcp->srtt,
        .rttvar = tcp->rttvar,
        .rto = tcp->rto,
        .retransmissions = tcp->retransmissions,
        .recovering = tcp->recovering,
        .unsent =
            seq_is_before(tcp->snd_nxt, end) ? MIN(end - tcp->snd_nxt, tcp->sending.length) : 0,
        .unread = tcp->receiving.length,
    };
}

TcpCongestion tcp_peek_congestion(const TcpConnection *tcp)
{
    return (TcpCongestion){tcp->cwnd, tcp->ssthresh, tcp_flight(tcp)};
}

bool tcp_has_unfinished(const TcpConnection *tcp)
{
    return tcp_flight(tcp) > 0 ||
           (tcp->sending.length > 0 && seq_is_before(tcp->snd_nxt, tcp_data_end(tcp)));
}
