/* The TCP of a host: listening ports, connections by their four-tuple, ephemeral ports, and
 * segments that belong to no connection.
 *
 * Source: RFC 9293 §3.10.1 (OPEN), §3.10.7.1 and §3.10.7.2 (CLOSED and LISTEN), §3.6.1 (closing;
 * a new incarnation in TIME-WAIT). */
#include "net/tcp_socket.h"

#include "core/check.h"

/* RFC 6528 §3: the initial sequence number is a clock that ticks each 4 microseconds, plus a
 * secret function of the connection. */
#define ISS_TICK (4 * SIM_MICROSECOND)

/* RFC 1191 §6.3: after 10 minutes a larger size may be tried. */
#define PATH_MTU_LIFETIME (10 * SIM_MINUTE)

void tcp_host_init(Host *host)
{
    host->options = g_ptr_array_new_with_free_func(g_free);
    host->next_tcp_port = HOST_FIRST_EPHEMERAL_PORT;
    host->iss_secret = simulator_random(host->simulator, host->node->id, RANDOM_TCP_ISS);
    TcpOptions options;
    tcp_options_init(&options, TCP_PROFILE_RFC);
    host_set_tcp_options(host, &options);
}

static void time_waits_clear(Host *host)
{
    simulator_cancel(host->simulator, &host->time_wait_timer);
    time_wait_clear(&host->time_waits);
}

void tcp_host_clear(Host *host)
{
    g_clear_pointer(&host->path_mtus, g_hash_table_unref);
    while (host->first_socket != NULL)
        tcp_socket_free(host->first_socket);
    time_waits_clear(host);
    socket_table_clear(&host->sockets);
    g_free(host->listeners);
    g_ptr_array_unref(host->options);
}

void host_set_tcp_options(Host *host, const TcpOptions *options)
{
    TcpOptions *copy = g_new(TcpOptions, 1);
    *copy = *options;
    g_ptr_array_add(host->options, copy);
}

const TcpListener *tcp_host_listener(const Host *host, uint16_t port)
{
    for (uint32_t i = 0; i < host->listener_count; i++) {
        if (host->listeners[i].port == port)
            return &host->listeners[i];
    }
    return NULL;
}

static bool port_has_listener(const Host *host, uint16_t port)
{
    return tcp_host_listener(host, port) != NULL;
}

void host_listen(Host *host, uint16_t port, HostAccept *accept, void *owner)
{
    SIMULATOR_CHECK(host->simulator, !port_has_listener(host, port));
    host->no_program_because = 0;
    host->listeners = g_renew(TcpListener, host->listeners, host->listener_count + 1);
    host->listeners[host->listener_count++] = (TcpListener){accept, owner, port};
}

void host_unlisten(Host *host, uint16_t port, uint64_t because)
{
    host->no_program_because = because;
    for (uint32_t i = 0; i < host->listener_count; i++) {
        if (host->listeners[i].port == port)
            host->listeners[i] = host->listeners[--host->listener_count];
    }
}

static void time_wait_end(void *owner, void *data);

static void time_wait_arm(Host *host)
{
    simulator_cancel(host->simulator, &host->time_wait_timer);
    if (time_wait_is_empty(&host->time_waits))
        return;
    SimTime ends_at = time_wait_at(&host->time_waits, host->time_waits.first)->tcp.ends_at;
    EventAction action = {time_wait_end, host, NULL, NULL};
    host->time_wait_timer =
        simulator_schedule(host->simulator, MAX(ends_at, host_earliest_time(host)), host->node->id,
                           EVENT_BACKGROUND, action);
}

void tcp_host_wait(Host *host, const TimeWait *wait)
{
    bool is_first = time_wait_is_empty(&host->time_waits);
    time_wait_add(&host->time_waits, wait);
    if (is_first)
        time_wait_arm(host);
}

static TimeWait time_wait_leave(Host *host, uint64_t number)
{
    bool is_first = number == host->time_waits.first;
    TimeWait wait = time_wait_take_out(&host->time_waits, number);
    if (is_first)
        time_wait_arm(host);
    return wait;
}

/* RFC 9293 §3.10.8: "If the time-wait timeout expires on a connection, delete the TCB, enter the
 * CLOSED state, and return." Its program has heard the end long ago. */
static void time_wait_end(void *owner, void *data)
{
    (void)data;
    Host *host = owner;
    host->time_wait_timer = (Timer){0};
    TimeWait wait = time_wait_leave(host, host->time_waits.first);
    TraceRef connection = {host->node->id, wait.connection};
    *simulator_cause(host->simulator) = wait.cause;
    tcp_trace_timeout(host, connection, tcp_time_wait_timer_name);
    tcp_trace_state(host, connection, TCP_TIME_WAIT, TCP_CLOSED);
}

/* NULL: it is none of those in use. */
static TcpSocket *socket_in_use(const Host *host, uint64_t key)
{
    return (TcpSocket *)(uintptr_t)socket_table_find(&host->sockets, key);
}

static TcpSocket *socket_find(Host *host, uint64_t key)
{
    TcpSocket *socket = socket_in_use(host, key);
    uint64_t number = socket != NULL ? 0 : time_wait_find(&host->time_waits, key);
    if (G_LIKELY(number == 0))
        return socket;
    TimeWait wait = time_wait_leave(host, number);
    return tcp_socket_restore(host, &wait);
}

static uint32_t initial_sequence_number(const Host *host, uint64_t key)
{
    Random secret = host->iss_secret;
    secret.index = key;
    return (uint32_t)random_draw(&secret) + (uint32_t)(simulator_now(host->simulator) / ISS_TICK);
}

/* A connection that sends more than an octet a tick is ahead of the clock, so a new incarnation
 * begins behind the end of the last one, if that is known (RFC 9293 §3.6.1). */
uint32_t tcp_host_iss(const Host *host, uint64_t key, const uint32_t *end)
{
    uint32_t iss = initial_sequence_number(host, key);
    return end != NULL && seq_is_at_or_before(iss, *end) ? *end + 1 : iss;
}

/* A port from which to connect. */
typedef struct LocalPort {
    uint16_t number; /* 0: none is free */
    bool is_reused;
    uint32_t end; /* when used again: where the numbers of the old connection end */
} LocalPort;

/* A port in TIME-WAIT is taken again: the initial sequence number will lie beyond the old
 * connection's (RFC 6528; RFC 9293 §3.6.1). */
static LocalPort ephemeral_port(Host *host, Ipv4Address remote, uint16_t remote_port)
{
    uint16_t first = host->next_tcp_port;
    uint16_t port = first;
    do {
        TcpSocket *socket = socket_find(host, tcp_socket_key(remote, remote_port, port));
        bool is_free = socket == NULL && !port_has_listener(host, port);
        bool is_waiting =
            socket != NULL && !socket->is_running && tcp_state(socket->tcp) == TCP_TIME_WAIT;
        if (is_free || is_waiting) {
            LocalPort local = {port, is_waiting,
                               is_waiting ? tcp_peek_info(socket->tcp).snd_nxt : 0};
            if (is_waiting)
                tcp_socket_vanish(socket);
            host->next_tcp_port = host_next_ephemeral_port(port);
            return local;
        }
        port = host_next_ephemeral_port(port);
    } while (port != first);
    return (LocalPort){0};
}

Stream *host_connect(Host *host, Ipv4Address address, uint16_t port, StreamHandler handler)
{
    if (!host->is_on)
        return NULL;
    LocalPort local = ephemeral_port(host, address, port);
    if (local.number == 0)
        return NULL;
    const uint32_t *iss_after = local.is_reused ? &local.end : NULL;
    return &tcp_socket_new_active(host, address, port, local.number, iss_after, handler)->stream;
}

/* RFC 9293 §3.10.7.1. A SYN is refused because the program is gone; anything else because the
 * connection that it belongs to is. */
static void answer_without_connection(Host *host, const Packet *packet)
{
    Segment reply;
    if (!tcp_reply_for_closed(&packet->tcp, &reply))
        return;
    bool is_opening = (packet->tcp.flags & (SEGMENT_SYN | SEGMENT_ACK)) == SEGMENT_SYN;
    uint64_t because = is_opening ? host->no_program_because : host->lost_because;
    tcp_send_segment(host, (TraceRef){0}, packet->source, because, &reply);
}

static void listener_receive(Host *host, const Packet *packet, const uint32_t *iss_after)
{
    if (host->half_open >= HOST_MAX_HALF_OPEN)
        link_record_drop(host->trace, host->node->id, NULL, (LinkFault){"listen queue full", 0},
                         packet);
    else
        tcp_socket_new_passive(host, packet, iss_after);
}

static bool opens_connection(const Host *host, const Packet *packet)
{
    return (packet->tcp.flags & (SEGMENT_SYN | SEGMENT_RST | SEGMENT_ACK)) == SEGMENT_SYN &&
           port_has_listener(host, packet->tcp.destination_port);
}

static uint64_t key_of_segment(const Packet *packet)
{
    const Segment *segment = &packet->tcp;
    return tcp_socket_key(packet->source, segment->source_port, segment->destination_port);
}

/* What text is read at, and its reference count. */
static void fetch_text(const Slice *text)
{
    if (text->length == 0)
        return;
    __builtin_prefetch(text->bytes);
    __builtin_prefetch(&text->bytes->here[text->offset + text->length - 1]);
}

/* The connection and its text, and the way out for what it will answer. */
void tcp_host_fetch(const Host *host, const Packet *packet, FetchStage stage)
{
    uint64_t key = key_of_segment(packet);
    if (stage == FETCH_FAR) {
        socket_table_fetch(&host->sockets, key);
        if ((packet->tcp.flags & SEGMENT_SYN) != 0)
            socket_table_fetch(&host->time_waits.numbers, key);
        return;
    }
    const TcpSocket *socket = socket_in_use(host, key);
    if (socket != NULL)
        tcp_socket_fetch(socket);
    fetch_text(&packet->tcp.payload);
    if (host->node->way_out != NULL)
        link_fetch(host->node->way_out);
}

void tcp_host_receive(Host *host, Packet *packet)
{
    const Segment *segment = &packet->tcp;
    TcpSocket *socket = socket_find(host, key_of_segment(packet));
    tcp_trace_receive(host, socket != NULL ? socket->stream.ref : (TraceRef){0}, packet);
    if (socket != NULL && G_UNLIKELY(opens_connection(host, packet)) &&
        tcp_can_reopen(socket->tcp, segment)) {
        uint32_t end = tcp_peek_info(socket->tcp).snd_nxt;
        tcp_socket_vanish(socket);
        listener_receive(host, packet, &end);
    } else if (G_LIKELY(socket != NULL)) {
        tcp_socket_receive(socket, packet);
    } else if (opens_connection(host, packet)) {
        listener_receive(host, packet, NULL);
    } else {
        answer_without_connection(host, packet);
    }
}

/* RFC 1191 §6.1: what is learnt about a path serves all that goes to the same destination, until it
 * is old. */
typedef struct PathMtu {
    uint32_t mtu;
    SimTime learnt_at;
} PathMtu;

static void note_path_mtu(Host *host, Ipv4Address remote, uint32_t mtu)
{
    if (host->path_mtus == NULL)
        host->path_mtus = g_hash_table_new_full(NULL, NULL, NULL, g_free);
    PathMtu *path = g_new(PathMtu, 1);
    *path = (PathMtu){mtu, simulator_now(host->simulator)};
    g_hash_table_insert(host->path_mtus, GUINT_TO_POINTER(remote), path);
}

uint16_t tcp_host_path_mss(Host *host, Ipv4Address remote)
{
    if (host->path_mtus == NULL)
        return UINT16_MAX;
    const PathMtu *path = g_hash_table_lookup(host->path_mtus, GUINT_TO_POINTER(remote));
    if (path == NULL)
        return UINT16_MAX;
    if (simulator_now(host->simulator) - path->learnt_at >= PATH_MTU_LIFETIME) {
        g_hash_table_remove(host->path_mtus, GUINT_TO_POINTER(remote));
        return UINT16_MAX;
    }
    return tcp_mss_of_mtu(path->mtu);
}

void tcp_host_receive_icmp(Host *host, Ipv4Address remote, uint16_t remote_port,
                           uint16_t local_port, TcpIcmpReport report, uint64_t because)
{
    TcpSocket *socket = socket_find(host, tcp_socket_key(remote, remote_port, local_port));
    if (socket == NULL)
        return;
    bool is_about_path = report.error == TCP_ICMP_FRAGMENTATION_NEEDED;
    if (is_about_path && tcp_has_outstanding(socket->tcp, report.seq))
        note_path_mtu(host, remote, report.mtu);
    tcp_socket_receive_icmp(socket, report, because);
}

/* What waits in the TimeWaitQueue is none of the program's business any more. */
void tcp_host_end_program(Host *host, uint64_t because)
{
    host->listener_count = 0;
    for (TcpSocket *socket = host->first_socket, *next; socket != NULL; socket = next) {
        next = socket->next;
        tcp_socket_lose_program(socket, because);
    }
}

void tcp_host_power_off(Host *host)
{
    host->listener_count = 0;
    for (TcpSocket *socket = host->first_socket, *next; socket != NULL; socket = next) {
        next = socket->next;
        socket->handler = (StreamHandler){0};
        socket->is_orphan = true;
        tcp_socket_vanish(socket);
    }
    time_waits_clear(host);
}
