/* The transmission control block, shared by the files of the TCP engine alone.
 *
 * Names of variables are RFC 9293 §3.3.1's in lower case: SND.UNA is snd_una. */
#pragma once

#include "core/check.h"
#include "net/slice_queue.h"
#include "net/tcp.h"

/* Out-of-order pieces kept at most; what arrives beyond is dropped and sent again by the peer. */
enum { TCP_REASSEMBLY_MAXIMUM = 1024 };

/* An out-of-order piece of text (RFC 9293 §3.10.7.4, SHLD-31). */
typedef struct TcpPiece {
    uint32_t seq;
    Slice text; /* owned */
} TcpPiece;

/* What the retransmission timer will do when it fires; one timer serves all, as at most one of
 * these waits is ever open. */
typedef enum TcpRetransmitTimer {
    TCP_TIMER_RESEND,     /* RFC 6298 */
    TCP_TIMER_TAIL_PROBE, /* RFC 8985 §7 */
    TCP_TIMER_PERSIST,    /* RFC 9293 §3.8.6.1, and the override of §3.8.6.2.1 */
} TcpRetransmitTimer;

struct TcpConnection {
    const TcpOptions *options;
    TcpObserver *observer;
    void *observer_context;

    SliceQueue sending;   /* written and not yet acknowledged; begins at snd_data */
    SliceQueue receiving; /* in order and not yet read */
    TcpPiece *pieces;     /* by rising seq, behind a gap; NULL when there are none */
    uint32_t piece_count, piece_capacity;

    /* Send sequence space. */
    uint32_t iss, snd_una, snd_nxt;
    uint32_t snd_data;   /* sequence number of the first octet in `sending` */
    uint32_t snd_resend; /* below snd_nxt: from here on all is sent again (after a timeout) */
    uint32_t snd_wnd, snd_wl1, snd_wl2;
    uint32_t max_snd_wnd; /* the largest window the peer has offered */
    uint32_t snd_small;   /* end of the last short segment, not below snd_una (Minshall's Nagle) */
    uint32_t unacknowledged; /* octets in `sending` when the connection ended */

    /* Receive sequence space. */
    uint32_t irs, rcv_nxt;
    uint32_t rcv_adv;   /* right edge of the window offered: RCV.WND = rcv_adv - rcv_nxt */
    uint32_t rcv_acked; /* the last acknowledgement sent */
    uint32_t rcv_fin;   /* sequence number of the peer's FIN, when fin_known */

    /* Congestion control. */
    uint32_t cwnd, ssthresh;
    uint32_t bytes_acked;        /* towards the next growth in congestion avoidance */
    uint32_t recover;            /* RFC 6582: SND.NXT when the last loss was noticed */
    uint32_t flight_before_dups; /* FlightSize before limited transmit (RFC 5681 §3.2) */
    uint32_t retransmissions;

    /* Timers; SIM_NEVER when off. */
    SimTime rto, srtt, rttvar;
    SimTime retransmit_at, ack_at, linger_at, keep_alive_at;
    SimTime progress_at;  /* since when what is outstanding waits: the user timeout's start */
    SimTime rtt_start;    /* when the timed segment was sent */
    SimTime last_sent_at; /* the last data, SYN or FIN */
    SimTime stray_ack_at; /* from when on a stray empty segment is answered again */
    uint32_t rtt_seq;     /* the acknowledgement that ends the timing */

    uint16_t mss;             /* Eff.snd.MSS */
    uint16_t events;          /* pending: 1 << TcpEventKind */
    uint8_t state;            /* TcpState; written by tcp_set_state alone */
    uint8_t icmp;             /* TcpIcmp last noted */
    uint8_t retransmit_timer; /* TcpRetransmitTimer */
    uint8_t resend_sending;   /* SegmentSending of what lies below snd_nxt from snd_resend */
    uint8_t retries;          /* of the oldest outstanding segment, or unanswered probes */
    uint8_t syn_retries;      /* how often our SYN was sent again */
    uint8_t keep_alives;      /* unanswered */
    uint8_t dup_acks;
    uint8_t snd_scale, rcv_scale; /* shift counts of RFC 7323; 0 unless both sides offered */

    bool passive : 1;       /* came from LISTEN */
    bool closing : 1;       /* the user sends no more */
    bool fin_sent : 1;      /* at least once */
    bool reading_ended : 1; /* tcp_close: data that arrives now is lost (RFC 9293 §3.6.1) */
    bool fin_known : 1;     /* the peer's FIN has arrived, perhaps ahead of its text */
    bool write_full : 1;    /* tcp_write left no room */
    bool ack_now : 1;
    bool rtt_active : 1;
    bool recovering : 1;    /* fast recovery */
    bool partial_acked : 1; /* a partial ACK has arrived in this recovery */
    bool resend_first : 1;  /* fast retransmit: one segment at snd_una */
    bool tail_probe : 1;    /* each of these: one such segment is to be sent */
    bool window_probe : 1;
    bool override : 1; /* silly window avoidance is overridden for one segment */
    bool keep_alive : 1;
    bool reset : 1;     /* a RST is to be sent ... */
    uint32_t reset_seq; /* ... with this sequence number */
};

/* tcp_state.c */
void tcp_set_state(TcpConnection *tcp, TcpTrigger trigger);
/* The connection is over: timers off, buffers flushed, `event` (or TCP_EVENT_CLOSED) and the end.
 */
void tcp_end(TcpConnection *tcp, TcpTrigger trigger, TcpEventKind event);
void tcp_send_reset(TcpConnection *tcp, uint32_t seq);
void tcp_notify(TcpConnection *tcp, TcpEventKind event);
/* Stops on a bug in the engine: it is asked after each segment. */
void tcp_check(const TcpConnection *tcp);

/* tcp.c: carries out a CLOSE, now that the state allows it. */
void tcp_start_closing(TcpConnection *tcp);

/* tcp_reassembly.c: text of [seq, seq + length) within the window; true when it filled a gap or
 * came behind one, so that it must be acknowledged at once. Takes the text. */
bool tcp_reassemble(TcpConnection *tcp, uint32_t seq, const Slice *text);
/* Keeps a piece for later, unless one like it is there or there are too many. Takes the text. */
void tcp_reassembly_keep(TcpConnection *tcp, uint32_t seq, Slice text);
void tcp_reassembly_clear(TcpConnection *tcp);
/* Delivers what has become contiguous; true when there was any. */
bool tcp_reassembly_deliver(TcpConnection *tcp);

/* tcp_congestion.c */
void tcp_congestion_start(TcpConnection *tcp);
/* A new acknowledgement, before snd_una moves; false: the retransmission timer keeps running as it
 * is. */
bool tcp_congestion_acknowledged(TcpConnection *tcp, uint32_t ack);
void tcp_congestion_duplicate_ack(TcpConnection *tcp);
void tcp_congestion_timeout(TcpConnection *tcp);
/* The path takes only smaller segments. */
void tcp_congestion_mtu_shrunk(TcpConnection *tcp);
void tcp_congestion_before_send(TcpConnection *tcp, SimTime now);
/* How many octets may be in flight now: cwnd, with limited transmit. */
uint32_t tcp_congestion_limit(const TcpConnection *tcp);

/* tcp_timer.c */
/* An RTT measurement that Karn's algorithm allows. */
void tcp_timer_sample(TcpConnection *tcp, SimTime rtt);
/* RFC 6298 (5.2), (5.3): starts the timer again, or stops it when nothing is outstanding. */
void tcp_timer_restart(TcpConnection *tcp, SimTime now);
void tcp_timer_start_persist(TcpConnection *tcp, SimTime now);
void tcp_timer_stop_all(TcpConnection *tcp);
/* The RTO as if it had never been doubled: the peer was heard all the time. */
void tcp_timer_forget_back_off(TcpConnection *tcp);
/* The SYN is acknowledged. */
void tcp_timer_opened(TcpConnection *tcp);
/* Something has arrived: keep-alives start to wait anew. */
void tcp_timer_heard(TcpConnection *tcp, SimTime now);

/* tcp_input.c: a SYN for a connection in LISTEN. */
void tcp_listen_receive(TcpConnection *tcp, const Segment *syn);

/* tcp_output.c: after the user has read, whether the window's opening is worth a segment. */
bool tcp_window_update_is_due(const TcpConnection *tcp);

/* The sequence number behind the last octet written: that of our FIN. */
static inline uint32_t tcp_data_end(const TcpConnection *tcp)
{
    return tcp->snd_data + (uint32_t)tcp->sending.length;
}
static inline uint32_t tcp_flight(const TcpConnection *tcp)
{
    return tcp->snd_nxt - tcp->snd_una;
}
static inline uint32_t tcp_rcv_wnd(const TcpConnection *tcp)
{
    return tcp->rcv_adv - tcp->rcv_nxt;
}
static inline bool tcp_syn_is_acked(const TcpConnection *tcp)
{
    return tcp->snd_una != tcp->iss;
}
static inline bool tcp_fin_is_acked(const TcpConnection *tcp)
{
    return tcp->fin_sent && seq_is_before(tcp_data_end(tcp), tcp->snd_una);
}
