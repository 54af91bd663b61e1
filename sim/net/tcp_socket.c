/* Connections of a host. See tcp_socket.h.
 *
 * Whatever changes a connection ends in tcp_socket_settle: it sends what is to be sent and arms the
 * timer. Only steps of the simulator - a segment, a timer - give events, in socket_run; a call from
 * a handler finds is_running set and leaves the rest to it. */
#include "net/tcp_socket.h"

#include "core/cache_line.h"
#include "core/check.h"

/* Of the owner of a stream, to whom octets come: of a session and its engine behind it
 * (node/session.c) what a step looks at. */
enum { PROGRAM_HOT_LINES = 5 };

static void trace_timeout(TcpSocket *socket, const char *timer)
{
    socket->timer_has_fired = false;
    tcp_trace_timeout(socket->host, socket->stream.ref, timer);
}

/* The timer that a segment shows to have run out. */
static const char *timer_behind(SegmentSending sending)
{
    static const char *const TIMERS[] = {
        [SEGMENT_SENDING_FIRST] = "persist",
        [SEGMENT_SENDING_PURE_ACK] = "delayed acknowledgment",
        [SEGMENT_SENDING_TIMEOUT_RESEND] = "retransmission",
        [SEGMENT_SENDING_FAST_RESEND] = "retransmission",
        [SEGMENT_SENDING_SMALLER_RESEND] = "retransmission",
        [SEGMENT_SENDING_TAIL_LOSS_PROBE] = "tail loss probe",
        [SEGMENT_SENDING_WINDOW_PROBE] = "persist",
        [SEGMENT_SENDING_KEEP_ALIVE] = "keep-alive",
        [SEGMENT_SENDING_RESET] = "user timeout",
    };
    return TIMERS[sending];
}

static void socket_observe(void *context, TcpState from, TcpState to, TcpTrigger trigger)
{
    TcpSocket *socket = context;
    if (socket->timer_has_fired)
        trace_timeout(socket, trigger == TCP_ON_TIME_WAIT_TIMEOUT ? tcp_time_wait_timer_name
                                                                  : "user timeout");
    if (trigger == TCP_ON_ABORT)
        socket->is_aborted = true;
    if (from != to)
        tcp_trace_state(socket->host, socket->stream.ref, from, to);
}

static void trace_cwnd(TcpSocket *socket, const TcpCongestion *congestion)
{
    if (!socket->is_open || (congestion->cwnd == socket->traced_cwnd &&
                             congestion->ssthresh == socket->traced_ssthresh))
        return;
    socket->traced_cwnd = congestion->cwnd;
    socket->traced_ssthresh = congestion->ssthresh;
    if (TRACE_PASS_OVER(socket->host->trace, TCP_CWND))
        return;
    TRACE(socket->host->trace, socket->host->node->id, TCP_CWND, 0,
          .connection = socket->stream.ref, .cwnd = congestion->cwnd,
          .ssthresh = congestion->ssthresh, .flight = congestion->flight);
}

static void socket_opened(TcpSocket *socket)
{
    socket->is_open = true;
    if (socket->is_passive)
        socket->host->half_open--;
}

/* The kernel knows the connection no more. */
static void socket_detach(TcpSocket *socket)
{
    if (!socket->is_attached)
        return;
    socket->is_attached = false;
    if (socket->is_passive && !socket->is_open)
        socket->host->half_open--;
    simulator_cancel(socket->host->simulator, &socket->timer);
    socket_table_remove(&socket->host->sockets, socket->key);
}

/* The TcpSocket's part of the memory that it shares with its TcpConnection. */
static size_t own_size(void)
{
    return (sizeof(TcpSocket) + CACHE_LINE - 1) / CACHE_LINE * CACHE_LINE;
}

size_t tcp_socket_size(void)
{
    return own_size() + tcp_size();
}

void tcp_socket_fetch(const TcpSocket *socket)
{
    _Static_assert(offsetof(TcpSocket, previous) <= (size_t)TCP_SOCKET_HOT_LINES * CACHE_LINE,
                   "what each segment needs comes first");
    cache_line_fetch(socket, (size_t)TCP_SOCKET_HOT_LINES * CACHE_LINE);
    cache_line_fetch((const char *)socket + own_size(), tcp_size());
}

/* Neither kernel nor program needs the connection. */
static void socket_forget_connection(TcpSocket *socket)
{
    if (socket->tcp != NULL)
        tcp_clear(socket->tcp);
    socket->tcp = NULL;
}

void tcp_socket_free(TcpSocket *socket)
{
    Host *host = socket->host;
    socket_detach(socket);
    *(socket->previous != NULL ? &socket->previous->next : &host->first_socket) = socket->next;
    *(socket->next != NULL ? &socket->next->previous : &host->last_socket) = socket->previous;
    socket_forget_connection(socket);
    pool_give_back(host->node->network->sockets, socket);
}

/* Frees what neither the kernel nor the program needs. */
static void socket_collect(TcpSocket *socket)
{
    if (socket->is_running || socket->is_attached)
        return;
    if (socket->is_released)
        tcp_socket_free(socket);
    else if (socket->is_orphan)
        socket_forget_connection(socket);
}

static void socket_notify(TcpSocket *socket, StreamEvent event)
{
    if (socket->handler.on_event != NULL)
        socket->handler.on_event(socket->handler.owner, &socket->stream, event);
}

/* The listener says who owns the stream. It may have gone while the handshake went on. */
static void socket_offer(TcpSocket *socket)
{
    const TcpListener *listener = tcp_host_listener(socket->host, socket->stream.local_port);
    if (listener == NULL) {
        tcp_abort(socket->tcp);
        return;
    }
    socket->is_released = false;
    StreamHandler handler = listener->accept(listener->owner, &socket->stream);
    if (!socket->is_released && !socket->is_orphan)
        socket->handler = handler;
}

static void give_connected(TcpSocket *socket)
{
    socket_opened(socket);
    TRACE(socket->host->trace, socket->host->node->id, TCP_ESTABLISHED, 0,
          .connection = socket->stream.ref, .remote = socket->stream.remote_name,
          .local_port = socket->stream.local_port, .remote_port = socket->stream.remote_port);
    if (socket->is_passive)
        socket_offer(socket);
    else
        socket_notify(socket, STREAM_CONNECTED);
}

static void trace_failed(TcpSocket *socket, const char *reason)
{
    TRACE(socket->host->trace, socket->host->node->id, TCP_FAILED, socket->stream.because,
          .connection = socket->stream.ref, .remote = socket->stream.remote_name, .reason = reason);
}

static uint64_t fault_on_the_way(const TcpSocket *socket)
{
    const Stream *stream = &socket->stream;
    NetworkFlow flow = {.protocol = PACKET_TCP,
                        .source_port = stream->local_port,
                        .destination_port = stream->remote_port,
                        .destination = stream->remote_address};
    return network_peek_flow_fault(socket->host, flow);
}

/* Nobody explains silence, so the way to the peer is looked at. A fault that has been mended in the
 * meantime counts too: it took the segments that were not heard of. */
uint64_t tcp_socket_silence_because(const TcpSocket *socket)
{
    uint64_t fault = fault_on_the_way(socket);
    if (fault == 0)
        fault = socket->lost_because;
    return fault != 0 ? fault : socket->icmp_because;
}

static uint64_t failure_because(const TcpSocket *socket, StreamFailure failure)
{
    switch (failure) {
    case STREAM_REFUSED:
    case STREAM_RESET:
        return socket->peer_because;
    case STREAM_TIMED_OUT:
    case STREAM_TIMED_OUT_CONNECTING:
        return tcp_socket_silence_because(socket);
    case STREAM_UNREACHABLE:
        return socket->icmp_because;
    case STREAM_OK:
        break;
    }
    return 0;
}

static void give_failure(TcpSocket *socket, StreamFailure failure)
{
    socket->is_ended = true;
    socket->stream.failure = failure;
    socket->stream.because = failure_because(socket, failure);
    trace_failed(socket, stream_failure_text(failure));
    socket_notify(socket, STREAM_FAILED);
}

/* What made this end give the connection up: that its program was lost, that the peer was silent,
 * or else what it said last. */
static uint64_t giving_up_because(const TcpSocket *socket)
{
    uint64_t silence = socket->is_orphan ? 0 : tcp_socket_silence_because(socket);
    return silence != 0 ? silence : socket->own_because;
}

/* Both directions have ended. A passive connection that never opened ends unheard. */
static void give_closed(TcpSocket *socket, uint32_t unacknowledged)
{
    if (socket->is_ended)
        return;
    socket->is_ended = true;
    if (socket->is_aborted) { /* mostly by a program that has waited in vain */
        socket->stream.because = giving_up_because(socket);
        trace_failed(socket, "given up by this host");
    } else if (socket->is_open)
        TRACE(socket->host->trace, socket->host->node->id, TCP_CLOSED, socket->stream.because,
              .connection = socket->stream.ref, .remote = socket->stream.remote_name,
              .octets_sent = socket->octets_written - unacknowledged,
              .octets_received = socket->octets_read + tcp_readable(socket->tcp),
              .retransmissions = tcp_peek_info(socket->tcp).retransmissions);
    socket_notify(socket, STREAM_CLOSED);
}

/* RFC 9293 §3.8.3: R1 is the moment for advice to the layers around; here a record is all. */
static void trace_trouble(TcpSocket *socket, unsigned retries)
{
    TRACE(socket->host->trace, socket->host->node->id, TCP_TROUBLE,
          tcp_socket_silence_because(socket), .connection = socket->stream.ref,
          .remote = socket->stream.remote_name, .retransmissions = retries);
}

static void socket_give(TcpSocket *socket, const TcpEvent *event)
{
    switch (event->kind) {
    case TCP_EVENT_CONNECTED:
        give_connected(socket);
        break;
    case TCP_EVENT_READABLE:
        socket_notify(socket, STREAM_READABLE);
        break;
    case TCP_EVENT_WRITABLE:
        socket_notify(socket, STREAM_WRITABLE);
        break;
    case TCP_EVENT_TROUBLE:
        trace_trouble(socket, event->retries);
        break;
    case TCP_EVENT_SOFT_ERROR: /* icmp.receive has told of it */
        break;
    case TCP_EVENT_PEER_CLOSED:
        socket->stream.because = socket->peer_because;
        socket_notify(socket, STREAM_PEER_CLOSED);
        break;
    case TCP_EVENT_REFUSED:
        give_failure(socket, STREAM_REFUSED);
        break;
    case TCP_EVENT_RESET:
        give_failure(socket, STREAM_RESET);
        break;
    case TCP_EVENT_TIMED_OUT_OPENING:
        give_failure(socket, STREAM_TIMED_OUT_CONNECTING);
        break;
    case TCP_EVENT_TIMED_OUT:
        give_failure(socket, STREAM_TIMED_OUT);
        break;
    case TCP_EVENT_UNREACHABLE:
        give_failure(socket, STREAM_UNREACHABLE);
        break;
    case TCP_EVENT_CLOSED:
        give_closed(socket, event->unacknowledged);
        break;
    }
}

/* TIME-WAIT is the kernel's business: for the program the connection is closed. */
static void socket_give_events(TcpSocket *socket)
{
    TcpEvent event;
    socket->is_running = true;
    while (socket->is_attached && tcp_next_event(socket->tcp, &event))
        socket_give(socket, &event);
    if (socket->is_attached && tcp_state(socket->tcp) == TCP_TIME_WAIT)
        give_closed(socket, 0);
    socket->is_running = false;
}

static void socket_send_segment(TcpSocket *socket, Segment *segment)
{
    Stream *stream = &socket->stream;
    bool occupies_sequence_space = segment_length(segment) > 0;
    segment->source_port = stream->local_port;
    segment->destination_port = stream->remote_port;
    tcp_send_segment(socket->host, stream->ref, stream->remote_address, socket->own_because,
                     segment);
    if (occupies_sequence_space)
        socket->timer_cause = *simulator_cause(socket->host->simulator);
}

/* Each segment has the same cause; none is the cause of the next. */
static void socket_send_segments(TcpSocket *socket, const TcpCongestion *congestion)
{
    Simulator *simulator = socket->host->simulator;
    SimTime now = simulator_now(simulator);
    Segment segment;
    bool is_more = tcp_next_segment(socket->tcp, now, &segment);
    if (G_UNLIKELY(socket->timer_has_fired) && is_more)
        trace_timeout(socket, timer_behind((SegmentSending)segment.sending));
    socket->timer_has_fired = false;
    trace_cwnd(socket, congestion);
    Cause cause = *simulator_cause(simulator);
    for (; is_more; is_more = tcp_next_segment(socket->tcp, now, &segment)) {
        *simulator_cause(simulator) = cause;
        socket_send_segment(socket, &segment);
    }
    *simulator_cause(simulator) = cause;
}

static void socket_timer_fire(void *owner, void *data);

static void timer_set(TcpSocket *socket, SimTime time, bool is_foreground)
{
    Simulator *simulator = socket->host->simulator;
    EventAction action = {socket_timer_fire, socket, NULL, NULL};
    simulator_cancel(simulator, &socket->timer);
    socket->timer_at = MAX(time, host_earliest_time(socket->host));
    socket->timer_is_foreground = is_foreground;
    socket->timer = simulator_schedule(simulator, socket->timer_at, socket->host->node->id,
                                       is_foreground ? EVENT_FOREGROUND : EVENT_BACKGROUND, action);
}

/* An event that is due no later than the deadline stays: when it fires too early it is set again,
 * which is cheaper than to cancel one for each ACK. A run waits for what is not acknowledged; all
 * else (TIME-WAIT, keep-alives, delayed ACKs) comes if the run lasts so long. */
static void socket_arm(TcpSocket *socket)
{
    SimTime deadline = tcp_deadline(socket->tcp);
    bool is_foreground = tcp_has_unfinished(socket->tcp);
    if (socket->timer.generation != 0) { /* it is set: to ask the simulator costs more */
        bool serves =
            socket->timer_at <= deadline && (socket->timer_is_foreground || !is_foreground);
        bool outlives = socket->timer_is_foreground && tcp_state(socket->tcp) == TCP_TIME_WAIT;
        if (serves && !outlives)
            return;
    }
    if (deadline == SIM_NEVER)
        simulator_cancel(socket->host->simulator, &socket->timer);
    else
        timer_set(socket, deadline, is_foreground);
}

/* A finished connection that has still something to tell: a call of the program ended it, which
 * hears of it in a step of its own. */
static void socket_finish(TcpSocket *socket)
{
    if (socket->is_ended || !socket->is_attached) {
        socket_detach(socket);
    } else if (socket->handler.on_event != NULL) {
        timer_set(socket, host_earliest_time(socket->host), true);
    } else {
        socket_give_events(socket);
        socket_detach(socket);
    }
}

/* In TIME-WAIT and held by nobody: what is left of it goes to the host's TimeWaitQueue, unless that
 * would lose something. */
static bool socket_save(TcpSocket *socket)
{
    Host *host = socket->host;
    bool is_plain = socket->is_released && socket->is_ended && socket->is_open &&
                    !socket->is_aborted && socket->own_because == 0;
    TimeWait wait = {
        .key = socket->key,
        .connection = socket->stream.ref.number,
        .cause = socket->timer_cause,
    };
    if (!is_plain || !tcp_save_time_wait(socket->tcp, simulator_now(host->simulator), &wait.tcp) ||
        !time_wait_takes(&host->time_waits, wait.tcp.ends_at))
        return false;
    socket_detach(socket);
    tcp_host_wait(host, &wait);
    return true;
}

void tcp_socket_settle_now(TcpSocket *socket)
{
    if (socket->is_attached) {
        Cause cause = *simulator_cause(socket->host->simulator);
        TcpCongestion congestion = tcp_peek_congestion(socket->tcp);
        if (congestion.flight == 0)
            socket->timer_cause = cause;
        socket_send_segments(socket, &congestion);
        if (G_UNLIKELY(tcp_is_finished(socket->tcp)))
            socket_finish(socket);
        else if (tcp_state(socket->tcp) != TCP_TIME_WAIT || !socket_save(socket))
            socket_arm(socket);
        *simulator_cause(socket->host->simulator) = cause;
    }
    socket_collect(socket);
}

/* A step of the simulator. */
static void socket_run(TcpSocket *socket)
{
    socket_give_events(socket);
    tcp_socket_settle(socket);
}

/* What was sent is not heard of: keeps in mind what may have taken it. */
static void note_fault(TcpSocket *socket)
{
    uint64_t fault = tcp_peek_congestion(socket->tcp).flight > 0 ? fault_on_the_way(socket) : 0;
    if (fault != 0)
        socket->lost_because = fault;
}

static void socket_timer_fire(void *owner, void *data)
{
    (void)data;
    TcpSocket *socket = owner;
    SimTime now = simulator_now(socket->host->simulator);
    socket->timer = (Timer){0};
    bool is_due = tcp_deadline(socket->tcp) <= now;
    if (is_due) {
        note_fault(socket);
        *simulator_cause(socket->host->simulator) = socket->timer_cause;
        socket->timer_has_fired = true;
        tcp_time_out(socket->tcp, now);
    }
    if (is_due || tcp_is_finished(socket->tcp))
        socket_run(socket);
    else
        socket_arm(socket);
}

void tcp_socket_receive(TcpSocket *socket, Packet *packet)
{
    /* Who will hear of it, and has what each step needs at its beginning. */
    if (packet->tcp.payload.length > 0 && socket->handler.owner != NULL)
        cache_line_fetch(socket->handler.owner, (size_t)PROGRAM_HOT_LINES * CACHE_LINE);
    else
        __builtin_prefetch(socket->handler.owner);
    /* What has reasons behind it may be followed by what has none. */
    if (packet->because != 0 || packet->tcp.payload.length > 0)
        socket->peer_because = packet->because;
    socket->lost_because = 0;
    tcp_receive(socket->tcp, &packet->tcp, simulator_now(socket->host->simulator));
    socket_run(socket);
}

void tcp_socket_receive_icmp(TcpSocket *socket, TcpIcmpReport report, uint64_t because)
{
    socket->icmp_because = because;
    if (report.error == TCP_ICMP_FRAGMENTATION_NEEDED)
        tcp_icmp_too_large(socket->tcp, report.seq, report.mtu);
    else
        tcp_icmp_unreachable(socket->tcp, report.error);
    socket_run(socket);
}

void tcp_socket_lose_program(TcpSocket *socket, uint64_t because)
{
    bool is_half_open = socket->is_passive && !socket->is_open;
    socket->handler = (StreamHandler){0};
    socket->is_orphan = true;
    if (!socket->is_attached) {
        socket_collect(socket);
        return;
    }
    if (!socket->is_released || is_half_open)
        socket->own_because = because;
    if (is_half_open)
        tcp_abort(socket->tcp);
    else
        tcp_close(socket->tcp);
    tcp_socket_settle(socket);
}

void tcp_socket_vanish(TcpSocket *socket)
{
    socket_detach(socket);
    socket_collect(socket);
}

static const TcpOptions *host_peek_tcp_options(const Host *host)
{
    return host->options->pdata[host->options->len - 1];
}

static const char *remote_name(TcpSocket *socket, Ipv4Address remote)
{
    const NetworkNode *node = network_node_by_address(socket->host->node->network, remote);
    return node != NULL ? node->name : ipv4_format(remote, socket->remote_text);
}

static void socket_link(TcpSocket *socket)
{
    Host *host = socket->host;
    socket->previous = host->last_socket;
    *(host->last_socket != NULL ? &host->last_socket->next : &host->first_socket) = socket;
    host->last_socket = socket;
    socket_table_insert(&host->sockets, socket->key, (uintptr_t)socket);
}

static TcpSocket *socket_new(Host *host, uint64_t key, uint64_t connection)
{
    Ipv4Address remote = tcp_socket_key_remote(key);
    TcpSocket *socket = pool_take(host->node->network->sockets);
    memset(socket, 0, tcp_socket_size());
    socket->tcp = (TcpConnection *)(void *)((char *)socket + own_size());
    socket->host = host;
    socket->stream = (Stream){
        .operations = &tcp_stream_operations,
        .ref = {host->node->id, connection},
        .remote_address = remote,
        .remote_port = tcp_socket_key_remote_port(key),
        .local_port = tcp_socket_key_local_port(key),
        .remote_name = remote_name(socket, remote),
    };
    socket->key = key;
    socket->is_attached = true;
    socket_link(socket);
    return socket;
}

TcpSocket *tcp_socket_new_active(Host *host, Ipv4Address remote, uint16_t remote_port,
                                 uint16_t local_port, const uint32_t *iss_after,
                                 StreamHandler handler)
{
    uint64_t key = tcp_socket_key(remote, remote_port, local_port);
    TcpSocket *socket = socket_new(host, key, ++host->connection_count);
    socket->handler = handler;
    TRACE(host->trace, host->node->id, TCP_CONNECT, 0, .connection = socket->stream.ref,
          .local_address = host->node->address, .local_port = local_port, .remote_address = remote,
          .remote_port = remote_port, .remote = socket->stream.remote_name);
    Cause cause = *simulator_cause(host->simulator);
    uint32_t iss = tcp_host_iss(host, socket->key, iss_after);
    tcp_init_active(socket->tcp, host_peek_tcp_options(host), iss, simulator_now(host->simulator));
    tcp_limit_mss(socket->tcp, tcp_host_path_mss(host, remote));
    tcp_set_observer(socket->tcp, socket_observe, socket);
    tcp_trace_state(host, socket->stream.ref, TCP_CLOSED, TCP_SYN_SENT);
    tcp_socket_settle(socket);
    *simulator_cause(host->simulator) = cause;
    return socket;
}

TcpSocket *tcp_socket_new_passive(Host *host, const Packet *syn, const uint32_t *iss_after)
{
    uint64_t key = tcp_socket_key(syn->source, syn->tcp.source_port, syn->tcp.destination_port);
    TcpSocket *socket = socket_new(host, key, ++host->connection_count);
    uint32_t iss = tcp_host_iss(host, socket->key, iss_after);
    socket->is_passive = true;
    socket->is_released = true; /* no program has it yet */
    host->half_open++;
    tcp_init_passive(socket->tcp, host_peek_tcp_options(host), iss, &syn->tcp,
                     simulator_now(host->simulator));
    tcp_limit_mss(socket->tcp, tcp_host_path_mss(host, syn->source));
    tcp_set_observer(socket->tcp, socket_observe, socket);
    tcp_trace_state(host, socket->stream.ref, TCP_LISTEN, TCP_SYN_RECEIVED);
    socket_run(socket);
    return socket;
}

TcpSocket *tcp_socket_restore(Host *host, const TimeWait *wait)
{
    TcpSocket *socket = socket_new(host, wait->key, wait->connection);
    socket->is_passive = wait->tcp.passive;
    socket->is_open = true;
    socket->is_ended = true;
    socket->is_released = true;
    socket->timer_cause = wait->cause;
    tcp_restore_time_wait(socket->tcp, &wait->tcp);
    tcp_set_observer(socket->tcp, socket_observe, socket);
    return socket;
}
