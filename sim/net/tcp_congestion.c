/* Congestion control: slow start, congestion avoidance, fast retransmit and fast recovery.
 *
 * Source: RFC 5681, RFC 6582 (NewReno), RFC 6928 (initial window), RFC 3042 (limited transmit),
 * RFC 3465 §2.2 (counting octets in slow start, by option). All windows are octets. */
#include "net/tcp_internal.h"

/* Beyond any window that can be offered (RFC 7323 §2.3), so that sums cannot overflow. */
enum { LARGEST_CWND = 1 << 30 };

enum { DUPLICATE_ACK_THRESHOLD = 3 };

/* RFC 6928 §2: min (10*MSS, max (2*MSS, 14600)), for 10 segments. */
static uint32_t initial_window(const TcpConnection *tcp)
{
    uint32_t segments = MAX(tcp->options->initial_window, 1);
    return MIN(segments * tcp->mss, MAX(2u * tcp->mss, segments * 1460));
}

void tcp_congestion_start(TcpConnection *tcp)
{
    /* RFC 6928 §2: back to one segment only after more than one SYN or SYN,ACK was sent again. */
    tcp->cwnd = tcp->syn_retries > 1 ? tcp->mss : initial_window(tcp);
}

/* RFC 5681 §3.1, equation (4). */
static void reduce_threshold(TcpConnection *tcp, uint32_t flight)
{
    tcp->ssthresh = MAX(flight / 2, 2u * tcp->mss);
}

/* RFC 5681 §3.1: equation (2) in slow start; then one segment for each window acknowledged. */
static void grow(TcpConnection *tcp, uint32_t acked)
{
    if (tcp->cwnd < tcp->ssthresh) {
        uint32_t limit = (uint32_t)tcp->options->slow_start_limit * tcp->mss;
        tcp->cwnd += limit == 0 ? acked : MIN(acked, limit);
    } else {
        tcp->bytes_acked += acked;
        if (tcp->bytes_acked >= tcp->cwnd) {
            tcp->bytes_acked -= tcp->cwnd;
            tcp->cwnd += tcp->mss;
        }
    }
    tcp->cwnd = MIN(tcp->cwnd, LARGEST_CWND);
}

/* RFC 5681 §3.2 step 6: Reno takes the next new acknowledgement for the end of it. */
static bool reno_recovery_acknowledged(TcpConnection *tcp)
{
    tcp->cwnd = tcp->ssthresh;
    tcp->recovering = false;
    tcp->bytes_acked = 0;
    return true;
}

/* RFC 6582 §3.2 step 3. A partial acknowledgement says that the next segment is lost as well. */
static bool newreno_recovery_acknowledged(TcpConnection *tcp, uint32_t ack, uint32_t acked)
{
    if (seq_is_at_or_before(tcp->recover, ack)) {
        uint32_t flight = tcp->snd_nxt - ack;
        tcp->cwnd = MIN(tcp->ssthresh, MAX(flight, tcp->mss) + tcp->mss);
        tcp->recovering = false;
        tcp->bytes_acked = 0;
        return true;
    }
    bool first = !tcp->partial_acked;
    tcp->partial_acked = true;
    tcp->resend_first = true;
    tcp->cwnd -= MIN(acked, tcp->cwnd - tcp->mss);
    if (acked >= tcp->mss)
        tcp->cwnd += tcp->mss;
    return first;
}

bool tcp_congestion_acknowledged(TcpConnection *tcp, uint32_t ack)
{
    uint32_t acked = ack - tcp->snd_una;
    tcp->dup_acks = 0;
    /* It stays behind SND.UNA also when 2^31 octets pass without a loss. */
    if (!tcp->recovering && seq_is_before(tcp->recover, ack))
        tcp->recover = ack - 1;
    if (tcp->recovering && tcp->options->recovery == TCP_RECOVERY_RENO)
        return reno_recovery_acknowledged(tcp);
    if (tcp->recovering)
        return newreno_recovery_acknowledged(tcp, ack, acked);
    grow(tcp, acked);
    return true;
}

/* RFC 6582 §3.2 step 2, RFC 5681 §3.2 steps 2 and 3. Tahoe (the textbook's older TCP) knew fast
 * retransmit but no fast recovery: it starts slowly, as after a timeout. */
static void recovery_begin(TcpConnection *tcp)
{
    reduce_threshold(tcp, tcp->flight_before_dups);
    tcp->recover = tcp->snd_nxt;
    tcp->resend_first = true;
    tcp->bytes_acked = 0;
    if (tcp->options->recovery == TCP_RECOVERY_TAHOE) {
        tcp->cwnd = tcp->mss;
        return;
    }
    tcp->recovering = true;
    tcp->partial_acked = false;
    tcp->cwnd = tcp->ssthresh + DUPLICATE_ACK_THRESHOLD * (uint32_t)tcp->mss;
}

/* RFC 6582 §3.2 step 2: duplicates of what was sent before the last loss was noticed may come from
 * our own needless resending, and start nothing. Its predecessors did not look. */
static bool duplicates_tell_of_loss(const TcpConnection *tcp)
{
    return tcp->options->recovery != TCP_RECOVERY_NEWRENO ||
           seq_is_before(tcp->recover, tcp->snd_una);
}

void tcp_congestion_duplicate_ack(TcpConnection *tcp)
{
    if (tcp->options->recovery == TCP_RECOVERY_TIMER)
        return;
    if (tcp->recovering) {
        /* RFC 5681 §3.2 step 4: a segment has left the network. */
        tcp->cwnd = MIN(tcp->cwnd + tcp->mss, LARGEST_CWND);
        return;
    }
    if (tcp->dup_acks > DUPLICATE_ACK_THRESHOLD)
        return;
    if (tcp->dup_acks++ == 0)
        tcp->flight_before_dups = tcp_flight(tcp);
    if (tcp->dup_acks == DUPLICATE_ACK_THRESHOLD && duplicates_tell_of_loss(tcp))
        recovery_begin(tcp);
}

void tcp_congestion_timeout(TcpConnection *tcp)
{
    /* RFC 5681 §3.1: ssthresh is held when the same segment times out again. */
    if (tcp->retries <= 1)
        reduce_threshold(tcp, tcp_flight(tcp));
    tcp->cwnd = tcp->mss;
    tcp->bytes_acked = 0;
    tcp->recover = tcp->snd_nxt;
    tcp->recovering = false;
    tcp->resend_first = false;
    tcp->dup_acks = 0;
}

/* RFC 1191 §6.4: what is sent again because it was too large tells of no congestion, so the
 * window's size is kept as the threshold; but it "should trigger the slow-start mechanism", one
 * segment until acknowledgements come. */
void tcp_congestion_mtu_shrunk(TcpConnection *tcp)
{
    tcp->ssthresh = MAX(tcp->ssthresh, tcp->cwnd);
    tcp->cwnd = tcp->mss;
    tcp->bytes_acked = 0;
    tcp->recover = tcp->snd_nxt;
    tcp->recovering = false;
    tcp->resend_first = false;
    tcp->dup_acks = 0;
}

void tcp_congestion_before_send(TcpConnection *tcp, SimTime now)
{
    /* RFC 5681 §4.1: the restart window after an idle time longer than the RTO. */
    if (tcp->options->restart_after_idle && tcp_flight(tcp) == 0 &&
        now - tcp->last_sent_at > tcp->rto)
        tcp->cwnd = MIN(tcp->cwnd, initial_window(tcp));
}

uint32_t tcp_congestion_limit(const TcpConnection *tcp)
{
    /* RFC 3042 §2: one new segment for each of the first two duplicate ACKs. */
    if (tcp->options->limited_transmit && !tcp->recovering &&
        tcp->dup_acks < DUPLICATE_ACK_THRESHOLD)
        return tcp->cwnd + (uint32_t)tcp->dup_acks * tcp->mss;
    return tcp->cwnd;
}
