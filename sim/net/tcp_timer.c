/* Timers of a TCP connection: retransmission, persist, delayed ACK, TIME-WAIT, user timeout,
 * keep-alive.
 *
 * Source: RFC 9293 §3.10.8, §3.8.1, §3.8.3, §3.8.4, §3.8.6.1; RFC 6298; RFC 8985 §7 in small: the
 * probe is sent, but its ACK is not searched for a repaired loss, as that needs SACK. */
#include "net/tcp_internal.h"

/* RFC 9293 §3.8.6.2.1: between 0.1 and 1 s. */
static const SimTime override_timeout = 500 * SIM_MILLISECOND;
/* RFC 6298 (5.7): the RTO for data when the timer for the SYN has expired. */
static const SimTime rto_after_lost_syn = 3 * SIM_SECOND;
/* RFC 8985 §7.2: TLP.max_ack_delay and the time without a round-trip sample. */
static const SimTime probe_ack_delay = 200 * SIM_MILLISECOND;
static const SimTime probe_without_sample = SIM_SECOND;

void tcp_timer_stop_all(TcpConnection *tcp)
{
    tcp->retransmit_at = SIM_NEVER;
    tcp->ack_at = SIM_NEVER;
    tcp->linger_at = SIM_NEVER;
    tcp->keep_alive_at = SIM_NEVER;
    tcp->rtt_active = false;
}

void tcp_timer_forget_back_off(TcpConnection *tcp)
{
    const TcpOptions *options = tcp->options;
    SimTime rto = tcp->srtt + MAX(options->rto_granularity, 4 * tcp->rttvar);
    tcp->rto = tcp->srtt == 0 ? options->initial_rto
                              : CLAMP(rto, options->minimum_rto, options->maximum_rto);
}

/* RFC 6298 (2.2), (2.3). */
void tcp_timer_sample(TcpConnection *tcp, SimTime rtt)
{
    if (tcp->srtt == 0 && tcp->rttvar == 0) {
        tcp->srtt = rtt;
        tcp->rttvar = rtt / 2;
    } else {
        SimTime difference = tcp->srtt > rtt ? tcp->srtt - rtt : rtt - tcp->srtt;
        tcp->rttvar = (3 * tcp->rttvar + difference) / 4;
        tcp->srtt = (7 * tcp->srtt + rtt) / 8;
    }
    tcp_timer_forget_back_off(tcp);
}

/* A tail loss probe goes out once, before the first retransmission timeout (RFC 8985 §7.2). */
static bool tail_probe_is_due(const TcpConnection *tcp)
{
    return tcp->options->tail_loss_probe && tcp_syn_is_acked(tcp) && !tcp->recovering &&
           tcp->retries == 0 && tcp->snd_wnd > 0 && tcp->snd_resend == tcp->snd_nxt;
}

static SimTime tail_probe_timeout(const TcpConnection *tcp)
{
    SimTime timeout = tcp->srtt == 0 ? probe_without_sample : 2 * tcp->srtt;
    if (tcp_flight(tcp) <= tcp->mss)
        timeout += probe_ack_delay;
    return MIN(timeout, tcp->rto);
}

void tcp_timer_restart(TcpConnection *tcp, SimTime now)
{
    tcp->retransmit_timer = TCP_TIMER_RESEND;
    if (tcp_flight(tcp) == 0) {
        tcp->retransmit_at = SIM_NEVER;
    } else if (tail_probe_is_due(tcp)) {
        tcp->retransmit_timer = TCP_TIMER_TAIL_PROBE;
        tcp->retransmit_at = simtime_add(now, tail_probe_timeout(tcp));
    } else {
        tcp->retransmit_at = simtime_add(now, tcp->rto);
    }
}

void tcp_timer_start_persist(TcpConnection *tcp, SimTime now)
{
    if (tcp->retransmit_at != SIM_NEVER)
        return;
    tcp->retransmit_timer = TCP_TIMER_PERSIST;
    tcp->retransmit_at = simtime_add(now, tcp->snd_wnd == 0 ? tcp->rto : override_timeout);
}

void tcp_timer_heard(TcpConnection *tcp, SimTime now)
{
    tcp->keep_alives = 0;
    tcp->keep_alive_at = simtime_add(now, tcp->options->keep_alive_idle);
}

/* Keep-alives are for connections that are idle: "no sent data is outstanding" (MUST-26). */
static bool keep_alive_applies(const TcpConnection *tcp)
{
    return (tcp->state == TCP_ESTABLISHED || tcp->state == TCP_CLOSE_WAIT) &&
           tcp_flight(tcp) == 0 && tcp->retransmit_at == SIM_NEVER;
}

/* TIME-WAIT, and FIN-WAIT-2 once nobody reads any more. */
static SimTime linger_deadline(const TcpConnection *tcp)
{
    return tcp->state == TCP_TIME_WAIT || tcp->reading_ended ? tcp->linger_at : SIM_NEVER;
}

static SimTime user_deadline(const TcpConnection *tcp)
{
    bool waiting = tcp_flight(tcp) > 0 || tcp->state == TCP_SYN_SENT;
    return waiting ? simtime_add(tcp->progress_at, tcp->options->user_timeout) : SIM_NEVER;
}

SimTime tcp_deadline(const TcpConnection *tcp)
{
    if (tcp_is_finished(tcp))
        return SIM_NEVER;
    SimTime deadline = MIN(tcp->retransmit_at, tcp->ack_at);
    deadline = MIN(deadline, linger_deadline(tcp));
    deadline = MIN(deadline, user_deadline(tcp));
    if (keep_alive_applies(tcp))
        deadline = MIN(deadline, tcp->keep_alive_at);
    return deadline;
}

static void give_up(TcpConnection *tcp)
{
    tcp_end(tcp, TCP_ON_USER_TIMEOUT,
            tcp_syn_is_acked(tcp) ? TCP_EVENT_TIMED_OUT : TCP_EVENT_TIMED_OUT_OPENING);
}

static void back_off(TcpConnection *tcp)
{
    bool linear = !tcp_syn_is_acked(tcp) && tcp->retries <= tcp->options->syn_linear_retries;
    if (!linear)
        tcp->rto = MIN(2 * tcp->rto, tcp->options->maximum_rto);
}

/* RFC 9293 §3.8.3: counts towards R1 and R2; false when R2 was reached and the connection ended. */
static bool count_retry(TcpConnection *tcp)
{
    const TcpOptions *options = tcp->options;
    if (tcp->retries >= (tcp_syn_is_acked(tcp) ? options->data_retries : options->syn_retries)) {
        give_up(tcp);
        return false;
    }
    tcp->retries++;
    if (tcp->retries == options->warning_retries)
        tcp_notify(tcp, TCP_EVENT_TROUBLE);
    return true;
}

/* RFC 6298 (5.4) to (5.6). */
static void resend_timeout(TcpConnection *tcp, SimTime now)
{
    if (!count_retry(tcp))
        return;
    if (tcp_syn_is_acked(tcp))
        tcp_congestion_timeout(tcp);
    else
        tcp->syn_retries = tcp->retries;
    tcp->snd_resend = tcp->snd_una;
    tcp->resend_sending = SEGMENT_SENDING_TIMEOUT_RESEND;
    tcp->rtt_active = false;
    back_off(tcp);
    tcp->retransmit_timer = TCP_TIMER_RESEND;
    tcp->retransmit_at = simtime_add(now, tcp->rto);
}

/* RFC 9293 §3.8.6.1: the interval between probes grows exponentially. They count towards R2 only
 * while nothing at all is heard (MUST-37). */
static void probe_timeout(TcpConnection *tcp, SimTime now)
{
    if (!count_retry(tcp))
        return;
    tcp->window_probe = true;
    back_off(tcp);
    tcp->retransmit_timer = TCP_TIMER_PERSIST;
    tcp->retransmit_at = simtime_add(now, tcp->rto);
}

static void retransmit_timeout(TcpConnection *tcp, SimTime now)
{
    TcpRetransmitTimer timer = (TcpRetransmitTimer)tcp->retransmit_timer;
    tcp->retransmit_at = SIM_NEVER;
    if (tcp_syn_is_acked(tcp) && tcp->snd_wnd == 0) {
        probe_timeout(tcp, now);
        return;
    }
    switch (timer) {
    case TCP_TIMER_RESEND:
        resend_timeout(tcp, now);
        break;
    case TCP_TIMER_TAIL_PROBE:
        tcp->tail_probe = true;
        tcp->rtt_active = false;
        tcp->retransmit_timer = TCP_TIMER_RESEND;
        tcp->retransmit_at = simtime_add(now, tcp->rto);
        break;
    case TCP_TIMER_PERSIST:
        if (tcp_flight(tcp) > 0)
            resend_timeout(tcp, now);
        else
            tcp->override = true;
        break;
    }
}

static void keep_alive_timeout(TcpConnection *tcp, SimTime now)
{
    if (tcp->keep_alives >= tcp->options->keep_alive_probes) {
        give_up(tcp);
        return;
    }
    tcp->keep_alives++;
    tcp->keep_alive = true;
    tcp->keep_alive_at = simtime_add(now, tcp->options->keep_alive_interval);
}

void tcp_time_out(TcpConnection *tcp, SimTime now)
{
    if (now >= tcp->ack_at) {
        tcp->ack_at = SIM_NEVER;
        tcp->ack_now = true;
    }
    if (tcp_is_finished(tcp))
        return;
    if (now >= linger_deadline(tcp)) {
        tcp_end(tcp, tcp->state == TCP_TIME_WAIT ? TCP_ON_TIME_WAIT_TIMEOUT : TCP_ON_USER_TIMEOUT,
                TCP_EVENT_CLOSED);
        return;
    }
    if (now >= user_deadline(tcp))
        give_up(tcp);
    else if (now >= tcp->retransmit_at)
        retransmit_timeout(tcp, now);
    else if (keep_alive_applies(tcp) && now >= tcp->keep_alive_at)
        keep_alive_timeout(tcp, now);
    tcp_check(tcp);
}

void tcp_timer_opened(TcpConnection *tcp)
{
    tcp->retries = 0;
    if (tcp->syn_retries > 0)
        tcp->rto = MAX(rto_after_lost_syn, tcp->options->minimum_rto);
}
