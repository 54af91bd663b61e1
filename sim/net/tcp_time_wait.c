/* A connection in TIME-WAIT, saved in little memory and restored. A busy server has some thousands
 * of them, and hardly one is ever heard of again.
 *
 * Source: RFC 9293 §3.10.7.4 for TIME-WAIT: a segment is answered with an ACK, or ends it. Buffers,
 * congestion control and all timers but one have no work left. */
#include "net/tcp_internal.h"

static bool is_at_rest(const TcpConnection *tcp, SimTime now)
{
    bool has_to_send = tcp->reset || tcp->ack_now || tcp->window_probe || tcp->keep_alive ||
                       tcp->snd_resend != tcp->snd_nxt || tcp_flight(tcp) > 0;
    bool has_octets = tcp->sending.length > 0 || tcp->receiving.length > 0 || tcp->piece_count > 0;
    return !has_to_send && !has_octets && tcp->events == 0 && tcp->snd_wnd > 0 &&
           tcp->stray_ack_at <= now;
}

bool tcp_save_time_wait(const TcpConnection *tcp, SimTime now, TcpTimeWait *out)
{
    if (tcp->state != TCP_TIME_WAIT || !is_at_rest(tcp, now))
        return false;
    *out = (TcpTimeWait){
        .options = tcp->options,
        .ends_at = tcp->linger_at,
        .iss = tcp->iss,
        .snd_nxt = tcp->snd_nxt,
        .max_snd_wnd = tcp->max_snd_wnd,
        .irs = tcp->irs,
        .rcv_nxt = tcp->rcv_nxt,
        .rcv_adv = tcp->rcv_adv,
        .mss = tcp->mss,
        .snd_scale = tcp->snd_scale,
        .rcv_scale = tcp->rcv_scale,
        .passive = tcp->passive,
    };
    return true;
}

void tcp_restore_time_wait(TcpConnection *tcp, const TcpTimeWait *saved)
{
    *tcp = (TcpConnection){
        .options = saved->options,
        .state = TCP_TIME_WAIT,
        .iss = saved->iss,
        .snd_una = saved->snd_nxt,
        .snd_nxt = saved->snd_nxt,
        .snd_data = saved->snd_nxt - 1, /* the number of our FIN, which is acknowledged */
        .snd_resend = saved->snd_nxt,
        .snd_small = saved->snd_nxt,
        .snd_wnd = saved->max_snd_wnd,
        .max_snd_wnd = saved->max_snd_wnd,
        .irs = saved->irs,
        .rcv_nxt = saved->rcv_nxt,
        .rcv_adv = saved->rcv_adv,
        .rcv_acked = saved->rcv_nxt,
        .rcv_fin = saved->rcv_nxt - 1,
        .mss = saved->mss,
        .snd_scale = saved->snd_scale,
        .rcv_scale = saved->rcv_scale,
        .passive = saved->passive,
        .closing = true,
        .fin_sent = true,
        .fin_known = true,
        .reading_ended = true,
    };
    tcp_timer_stop_all(tcp);
    tcp->linger_at = saved->ends_at;
}
