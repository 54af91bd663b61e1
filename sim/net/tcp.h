/* One TCP connection as an engine without I/O: segments and the time go in; segments, events for
 * the user and the next deadline come out. No clock, no link, no randomness inside.
 *
 * Source: RFC 9293, §3.10 in its order and words, with the algorithms that it names: RFC 6298
 * (timer), RFC 5681 and RFC 6582 (congestion control, NewReno), RFC 6928 (initial window),
 * RFC 3042 (limited transmit), RFC 5961 (challenge ACKs), RFC 7323 §2 (window scale), RFC 8985 §7
 * (tail loss probe, Linux profile only), RFC 1191 §6.4 (path MTU). Left out on purpose: urgent data
 * (its bytes are ordinary data here), selective acknowledgement, timestamps, ECN, data on our own
 * SYN, throttling of challenge ACKs, probing for a larger path MTU within a connection.
 *
 * LISTEN belongs to the host: it keeps the listening ports and makes a connection when a SYN
 * arrives. Addresses and ports belong to the host too: it looks connections up by them and writes
 * them into each segment that comes out; here they stay zero.
 *
 * How a host drives a connection: after each call that may change it (making it, a segment, a
 * deadline, or the user writing, consuming or closing), first take events with tcp_next_event until
 * false and let the user read, then segments with tcp_next_segment until false - so that one ACK
 * says all - then arm one timer at tcp_deadline. */
#pragma once

#include "core/bytes.h"
#include "core/simtime.h"
#include "core/state_table.h"
#include "net/segment.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct TcpConnection TcpConnection;

/* RFC 9293 §3.3.2; the order is that of figure 5's walk from CLOSED. */
typedef enum TcpState {
    TCP_CLOSED,
    TCP_LISTEN,
    TCP_SYN_SENT,
    TCP_SYN_RECEIVED,
    TCP_ESTABLISHED,
    TCP_FIN_WAIT_1,
    TCP_FIN_WAIT_2,
    TCP_CLOSE_WAIT,
    TCP_CLOSING,
    TCP_LAST_ACK,
    TCP_TIME_WAIT,
    TCP_STATE_COUNT,
} TcpState;

/* What moves a connection from state to state: the arrows of RFC 9293 figure 5, and the endings
 * that the figure leaves out. */
typedef enum TcpTrigger {
    TCP_ON_PASSIVE_OPEN,
    TCP_ON_ACTIVE_OPEN,
    TCP_ON_CLOSE, /* the CLOSE call, at the moment at which it is carried out, not while queued */
    TCP_ON_ABORT, /* the ABORT call */
    TCP_ON_SYN,
    TCP_ON_SYN_ACK,
    TCP_ON_ACK_OF_SYN,
    TCP_ON_FIN,
    TCP_ON_ACK_OF_FIN,
    TCP_ON_RST,
    TCP_ON_RETURN_TO_LISTEN, /* RST or a second SYN in SYN-RECEIVED after a passive open */
    TCP_ON_UNREACHABLE,      /* an ICMP hard error while opening */
    TCP_ON_USER_TIMEOUT,     /* R2 or the user timeout */
    TCP_ON_TIME_WAIT_TIMEOUT,
    TCP_TRIGGER_COUNT,
} TcpTrigger;

/* The table that the engine runs from: [TcpState][TcpTrigger]. */
extern const StateTable tcp_table;

typedef enum TcpProfile {
    TCP_PROFILE_RFC,   /* the values that the RFCs recommend */
    TCP_PROFILE_LINUX, /* a recent Linux; measured, see tcp_options_init */
} TcpProfile;

typedef enum TcpNagle {
    TCP_NAGLE_OFF,      /* RFC 9293 §3.7.4: an application may turn it off */
    TCP_NAGLE_ON,       /* short segments wait for any unacknowledged data */
    TCP_NAGLE_MINSHALL, /* they wait only for another short one (RFC 9293 appendix A.3) */
} TcpNagle;

/* How a lost segment is found out and what follows, as the generations of TCP had it. */
typedef enum TcpRecovery {
    TCP_RECOVERY_TIMER,   /* by the retransmission timer alone */
    TCP_RECOVERY_TAHOE,   /* three duplicate ACKs: the segment again, then slow start from one */
    TCP_RECOVERY_RENO,    /* fast recovery (RFC 5681 §3.2), which the next new ACK ends */
    TCP_RECOVERY_NEWRENO, /* it goes on until all that was outstanding is acknowledged (RFC 6582) */
} TcpRecovery;

/* Durations in nanoseconds, sizes in octets. Shared by many connections: it must outlive them and
 * not change meanwhile. */
typedef struct TcpOptions {
    SimTime initial_rto;         /* RFC 6298 (2.1) */
    SimTime minimum_rto;         /* RFC 6298 (2.4) */
    SimTime maximum_rto;         /* RFC 6298 (2.5), at least 60 s */
    SimTime rto_granularity;     /* G in RFC 6298 (2.2): RTO = SRTT + max(G, 4 RTTVAR) */
    SimTime user_timeout;        /* RFC 9293 §3.9.1.1; SIM_NEVER: R2 alone decides */
    SimTime maximum_lifetime;    /* MSL; TIME-WAIT lasts twice this */
    SimTime delayed_ack;         /* below 0.5 s (RFC 9293 §3.8.6.3); 0: every segment at once */
    SimTime fin_wait_2_timeout;  /* after tcp_close, for a peer that never closes; SIM_NEVER: RFC */
    SimTime keep_alive_idle;     /* SIM_NEVER: no keep-alives, the default (RFC 9293 §3.8.4) */
    SimTime keep_alive_interval; /* between keep-alives that nothing answers */
    uint32_t receive_buffer;     /* at most 65,535 is offered without window scale */
    uint32_t send_buffer;        /* most octets kept until acknowledged */
    uint16_t mss;                /* the MSS we announce, and most we send */
    uint8_t initial_window;      /* in segments: 10 (RFC 6928), 1 as in the textbook */
    uint8_t slow_start_limit;    /* segments that one ACK may add in slow start: 1 (RFC 5681),
                                    2 (RFC 3465); 0: all that it acknowledges */
    uint8_t window_scale;        /* RFC 7323, at most 14; SEGMENT_NO_WINDOW_SCALE: not offered */
    uint8_t syn_retries;         /* R2 for SYN: time out after so many resendings */
    uint8_t syn_linear_retries;  /* the first so many of them without doubling the RTO */
    uint8_t data_retries;        /* R2 for data */
    uint8_t warning_retries;     /* R1: tell the user about a delivery problem */
    uint8_t keep_alive_probes;   /* unanswered keep-alives before the connection times out */
    uint8_t nagle;               /* TcpNagle */
    uint8_t recovery;            /* TcpRecovery */
    bool limited_transmit;       /* RFC 3042 */
    bool restart_after_idle;     /* RFC 5681 §4.1 */
    bool tail_loss_probe;        /* RFC 8985 §7 */
    bool soft_error_ends_open;   /* RFC 5461 §4.1: soft ICMP errors abort SYN-SENT */
} TcpOptions;

/* Fills in a profile's values; a scenario then changes what it wants changed. */
void tcp_options_init(TcpOptions *options, TcpProfile profile);

/* Calls. A connection is owned by who made it. `iss` is the initial send sequence number: the host
 * chooses it (RFC 9293 §3.4.1). */
TcpConnection *tcp_new_active(const TcpOptions *options, uint32_t iss, SimTime now);
/* `syn` is a segment that arrived at a listening port: SYN without RST or ACK (all else the host
 * answers with tcp_reply_for_closed, RFC 9293 §3.10.7.2). */
TcpConnection *tcp_new_passive(const TcpOptions *options, uint32_t iss, const Segment *syn,
                               SimTime now);
void tcp_free(TcpConnection *tcp);
/* The same in zeroed memory of tcp_size() octets that stays the caller's: tcp_clear instead of
 * tcp_free. A host has it next to what else it knows of the connection. */
size_t tcp_size(void);
void tcp_init_active(TcpConnection *tcp, const TcpOptions *options, uint32_t iss, SimTime now);
void tcp_init_passive(TcpConnection *tcp, const TcpOptions *options, uint32_t iss,
                      const Segment *syn, SimTime now);
void tcp_clear(TcpConnection *tcp);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(TcpConnection, tcp_free)

/* SEGMENT ARRIVES. The segment stays the caller's, to be cleared; what it holds may have been
 * changed, and its payload taken. A finished connection ignores it: the host answers with
 * tcp_reply_for_closed. */
void tcp_receive(TcpConnection *tcp, Segment *segment, SimTime now);
/* A deadline has passed. Harmless when called early. */
void tcp_time_out(TcpConnection *tcp, SimTime now);
/* When tcp_time_out wants to be called; SIM_NEVER when nothing is waited for. It may move later
 * without notice (a host may wake early and ask again); it moves earlier only within a call. */
SimTime tcp_deadline(const TcpConnection *tcp);
/* The next segment to send now; false: none. The caller owns *out (segment_clear), fills in the
 * ports and sees in out->sending why it is sent. A finished connection may still have a RST. */
bool tcp_next_segment(TcpConnection *tcp, SimTime now, Segment *out);

/* SEND. Takes as many octets as there is room for, by reference, and returns how many. */
size_t tcp_write(TcpConnection *tcp, Slice data);
/* 0 too when the connection sends no more. */
size_t tcp_write_room(const TcpConnection *tcp);
/* RECEIVE. The first run of octets, valid until the connection is next changed. */
Span tcp_peek(const TcpConnection *tcp);
/* All octets that can be read now. */
size_t tcp_readable(const TcpConnection *tcp);
/* Drops `count` octets, at most tcp_readable; the window opens. */
void tcp_consume(TcpConnection *tcp, size_t count);
/* At most `maximum` octets of the first run, which the caller owns; the window opens. */
Slice tcp_take(TcpConnection *tcp, size_t maximum);
/* At most `maximum` octets from the front, by reference; the caller owns the slice. Empty when
 * there is nothing to read. */
Slice tcp_read(TcpConnection *tcp, size_t maximum);

/* RFC 9293's CLOSE: "I have no more data to send"; reading goes on until the peer closes. */
void tcp_close_sending(TcpConnection *tcp);
/* Closing as programs know it (RFC 9293 §3.6.1, "half-duplex"): as above, and the user reads no
 * more; data unread now, or arriving later, is answered with a RST. */
void tcp_close(TcpConnection *tcp);
/* ABORT: a RST to the peer where RFC 9293 §3.10.5 says so. */
void tcp_abort(TcpConnection *tcp);

typedef enum TcpIcmp {
    TCP_ICMP_NONE,
    TCP_ICMP_NETWORK_UNREACHABLE,  /* soft */
    TCP_ICMP_HOST_UNREACHABLE,     /* soft */
    TCP_ICMP_TIME_EXCEEDED,        /* soft */
    TCP_ICMP_PROTOCOL_UNREACHABLE, /* hard */
    TCP_ICMP_PORT_UNREACHABLE,     /* hard */
    TCP_ICMP_PROHIBITED,           /* hard: a firewall's word (RFC 1812 §5.2.7.1) */
    TCP_ICMP_FRAGMENTATION_NEEDED, /* RFC 1191; neither: for tcp_icmp_too_large */
} TcpIcmp;

/* An ICMP error about this connection. RFC 9293 §3.9.2.2: soft errors are noted; hard ones end the
 * connection in SYN-SENT and are noted in synchronised states, as RFC 5461 §4 reports practice. */
void tcp_icmp_unreachable(TcpConnection *tcp, TcpIcmp error);
/* The segment at `seq` was too large for a hop that takes packets of `mtu` octets. Believed when it
 * is outstanding (RFC 5927 §7.1): what is outstanding goes again in smaller ones. */
void tcp_icmp_too_large(TcpConnection *tcp, uint32_t seq, uint32_t mtu);
/* Whether the sequence number has been sent and is not acknowledged. */
bool tcp_has_outstanding(const TcpConnection *tcp, uint32_t seq);
/* The largest segment in a packet of `mtu` octets; not below what RFC 791 guarantees. */
uint16_t tcp_mss_of_mtu(uint32_t mtu);
/* No segment is larger from now on: what is known of the path. */
void tcp_limit_mss(TcpConnection *tcp, uint16_t mss);

/* What the user is told. When several wait they come in this order. */
typedef enum TcpEventKind {
    TCP_EVENT_CONNECTED,   /* ESTABLISHED */
    TCP_EVENT_READABLE,    /* new octets since the last such event */
    TCP_EVENT_WRITABLE,    /* half of the send buffer is free again after tcp_write filled it */
    TCP_EVENT_TROUBLE,     /* R1 reached: resent data is still unacknowledged (RFC 9293 §3.8.3) */
    TCP_EVENT_SOFT_ERROR,  /* ICMP error noted, see `icmp` */
    TCP_EVENT_PEER_CLOSED, /* FIN received: what is readable now is all */
    TCP_EVENT_REFUSED,     /* RST while opening actively */
    TCP_EVENT_RESET,       /* RST in a synchronised state */
    TCP_EVENT_TIMED_OUT_OPENING, /* R2 or the user timeout; our SYN is unacknowledged */
    TCP_EVENT_TIMED_OUT,         /* the same, later; see `unacknowledged` */
    TCP_EVENT_UNREACHABLE,       /* ICMP error ended the opening, see `icmp` */
    TCP_EVENT_CLOSED,            /* the TCB is deleted; always the last event */
} TcpEventKind;

typedef struct TcpEvent {
    TcpEventKind kind;
    TcpIcmp icmp;            /* the last ICMP error noted */
    uint8_t retries;         /* how often what is unacknowledged has been sent again */
    uint32_t unacknowledged; /* octets written but never acknowledged, when it ended */
} TcpEvent;

bool tcp_next_event(TcpConnection *tcp, TcpEvent *event);

/* The RST that answers a segment for which there is no connection, ports swapped; false: the
 * segment is a RST and gets no answer (RFC 9293 §3.10.7.1). It answers an ACK in LISTEN as well. */
bool tcp_reply_for_closed(const Segment *in, Segment *reply);

TcpState tcp_state(const TcpConnection *tcp);
/* The TCB is deleted (CLOSED), or a passive open has returned to LISTEN: once its segments and
 * events are taken, the host frees the connection. */
bool tcp_is_finished(const TcpConnection *tcp);
/* True when a SYN may open a new incarnation at once (RFC 9293 §3.6.1, MAY-2): the host then frees
 * this TIME-WAIT connection and makes a passive one whose ISS lies beyond the old snd_nxt. */
bool tcp_can_reopen(const TcpConnection *tcp, const Segment *syn);

/* A connection that waits out its 2 MSL, in little memory: what of it can matter yet. */
typedef struct TcpTimeWait {
    const TcpOptions *options;
    SimTime ends_at; /* when tcp_time_out would delete the TCB */
    uint32_t iss, snd_nxt, max_snd_wnd;
    uint32_t irs, rcv_nxt, rcv_adv;
    uint16_t mss;
    uint8_t snd_scale, rcv_scale;
    bool passive;
} TcpTimeWait;

/* False: it is not in TIME-WAIT, or has still something to send, to tell or to be read. Afterwards
 * it can be cleared, and one that was restored does what it would have done. */
bool tcp_save_time_wait(const TcpConnection *tcp, SimTime now, TcpTimeWait *out);
/* In zeroed memory, as tcp_init_active; no observer is set. */
void tcp_restore_time_wait(TcpConnection *tcp, const TcpTimeWait *saved);

/* Told of each transition, in order, while it happens; it must not call the connection. */
typedef void TcpObserver(void *context, TcpState from, TcpState to, TcpTrigger trigger);
/* From now on: the transition made by tcp_new_... has passed. */
void tcp_set_observer(TcpConnection *tcp, TcpObserver *observer, void *context);

/* STATUS, for traces and charts. */
typedef struct TcpInfo {
    TcpState state;
    uint32_t iss, snd_una, snd_nxt, snd_wnd;
    uint32_t irs, rcv_nxt, rcv_wnd;
    uint32_t cwnd, ssthresh;  /* octets; ssthresh is UINT32_MAX before the first loss */
    uint32_t flight;          /* octets sent and not acknowledged */
    uint32_t mss;             /* effective send MSS */
    SimTime srtt, rttvar;     /* 0 before the first sample */
    SimTime rto;              /* as backed off now */
    uint32_t retransmissions; /* segments sent again so far */
    bool recovering;          /* fast recovery (RFC 6582) */
    size_t unsent, unread;    /* octets in the buffers */
} TcpInfo;

TcpInfo tcp_peek_info(const TcpConnection *tcp);

/* What is looked at after each segment. */
typedef struct TcpCongestion {
    uint32_t cwnd, ssthresh, flight; /* as in TcpInfo */
} TcpCongestion;
TcpCongestion tcp_peek_congestion(const TcpConnection *tcp);
/* Whether anything is unsent or unacknowledged. */
bool tcp_has_unfinished(const TcpConnection *tcp);
