/* Real time and the simulation's. See live.h. */
#include "live/live_internal.h"

#include "core/check.h"

#include <glib-unix.h>
#include <signal.h>

enum {
    SLICE_EVENTS = 20000, /* at most, before the sockets are looked at again */
    LISTEN_BACKLOG = 128,
    MICROSECONDS = 1000000,
};

typedef struct LiveListener {
    Live *live;
    GSocket *socket;
    GSource *source;
    char *server;
    uint16_t port; /* of the simulated server */
} LiveListener;

static const struct {
    const char *name;
    uint16_t port;
} SERVICES[] = {
    [LIVE_SMTP] = {"smtp", 25},
    [LIVE_SUBMISSION] = {"submission", 587},
    [LIVE_IMAP] = {"imap", 143},
};

const char *live_service_name(LiveService service)
{
    return SERVICES[service].name;
}

bool live_service_find(const char *name, LiveService *service)
{
    for (int i = 0; i < LIVE_SERVICES; i++) {
        if (g_strcmp0(SERVICES[i].name, name) == 0) {
            *service = (LiveService)i;
            return true;
        }
    }
    return false;
}

static void listener_free(void *pointer)
{
    LiveListener *listener = pointer;
    g_source_destroy(listener->source);
    g_source_unref(listener->source);
    g_socket_close(listener->socket, NULL);
    g_object_unref(listener->socket);
    g_free(listener->server);
    g_free(listener);
}

Live *live_new(Run *run, const LiveOptions *options)
{
    Live *live = g_new0(Live, 1);
    live->run = run;
    live->options = *options;
    live->gateway = simulation_gateway(run->simulation);
    CHECK(live->gateway != NULL);
    live->simulator = simulation_simulator(run->simulation);
    live->loop = g_main_loop_new(NULL, FALSE);
    live->listeners = g_ptr_array_new_with_free_func(listener_free);
    live->links = g_hash_table_new_full(g_int64_hash, g_int64_equal, NULL, live_link_free);
    live->until = simulation_until(run->simulation);
    GatewayObserver observer = {live, live_link_opened, live_link_output, live_link_ended};
    gateway_set_observer(live->gateway, &observer);
    return live;
}

void live_free(Live *live)
{
    GatewayObserver nobody = {0};
    gateway_set_observer(live->gateway, &nobody);
    g_hash_table_unref(live->links);
    g_ptr_array_unref(live->listeners);
    g_main_loop_unref(live->loop);
    g_free(live);
}

/* ---- The two clocks ---- */

static SimTime present(const Live *live)
{
    double elapsed_us = (double)(g_get_monotonic_time() - live->began_us);
    double now_ns = elapsed_us * 1000.0 * live->options.speed;
    return now_ns < (double)SCENARIO_TIME_MAXIMUM ? (SimTime)now_ns : SCENARIO_TIME_MAXIMUM;
}

static void finish(Live *live, SimulatorEnd end)
{
    live->has_ended = true;
    live->end = end;
    g_main_loop_quit(live->loop);
}

static gboolean on_timer(void *data);

/* Comes back when the next event is due; at once when some are left over from a full slice. */
static void arm(Live *live)
{
    SimTime next = MIN(simulator_next_time(live->simulator), live->until);
    double wait_us = (double)(next - present(live)) / (1000.0 * live->options.speed);
    if (live->timer != NULL)
        g_source_set_ready_time(live->timer,
                                next == SIM_NEVER
                                    ? -1
                                    : g_get_monotonic_time() +
                                          (int64_t)CLAMP(wait_us, 0.0, 3600.0 * MICROSECONDS));
}

/* Moves links whose gateway side has moved. A link may go, or another come, meanwhile. */
static void settle_links(Live *live)
{
    g_autoptr(GList) numbers = NULL;
    GHashTableIter iter;
    void *key = NULL;
    g_hash_table_iter_init(&iter, live->links);
    while (g_hash_table_iter_next(&iter, &key, NULL))
        numbers = g_list_prepend(numbers, GSIZE_TO_POINTER((gsize) * (const uint64_t *)key));
    for (const GList *at = numbers; at != NULL && !live->has_ended; at = at->next) {
        uint64_t number = (uint64_t)GPOINTER_TO_SIZE(at->data);
        LiveLink *link = g_hash_table_lookup(live->links, &number);
        if (link != NULL)
            live_link_settle(link);
    }
}

static void advance_to(Live *live, SimTime time)
{
    SimulatorLimits limits = {.until = MIN(time, live->until), .max_events = SLICE_EVENTS};
    SimulatorEnd end = simulation_advance(live->run->simulation, limits);
    bool is_over =
        end == SIMULATOR_END_STOPPED || (end == SIMULATOR_END_UNTIL && limits.until == live->until);
    if (is_over)
        finish(live, end);
}

bool live_advance(Live *live)
{
    SimTime now = present(live);
    if (!live->has_ended && now > simulator_now(live->simulator))
        advance_to(live, now);
    return !live->has_ended;
}

void live_give(Live *live, GatewayInput *input)
{
    if (live->has_ended)
        return;
    input->time = simtime_add(simulator_now(live->simulator), 1);
    if (input->time > live->until)
        return;
    gateway_schedule(live->gateway, input);
    advance_to(live, input->time);
    if (live->timer != NULL)
        g_source_set_ready_time(live->timer, 0);
}

static gboolean on_timer(void *data)
{
    Live *live = data;
    live_advance(live);
    settle_links(live);
    if (live->options.moved != NULL)
        live->options.moved(live->options.owner);
    if (!live->has_ended)
        arm(live);
    return G_SOURCE_CONTINUE;
}

static gboolean on_interrupt(void *data)
{
    Live *live = data;
    GatewayInput input = {.kind = GATEWAY_INPUT_STOP};
    live_advance(live);
    live_give(live, &input);
    /* What else is due at that very instant may fill the slice before it. */
    while (!live->has_ended)
        advance_to(live, input.time);
    return G_SOURCE_CONTINUE;
}

/* ---- Listening ---- */

static gboolean on_client(GSocket *socket, GIOCondition condition, void *data)
{
    (void)condition;
    LiveListener *listener = data;
    g_autoptr(GSocket) client = g_socket_accept(socket, NULL, NULL);
    if (client != NULL && live_advance(listener->live))
        live_link_accept(listener->live, client, listener->server, listener->port);
    return G_SOURCE_CONTINUE;
}

/* Bound to a loopback address and listening, or NULL. */
static GSocket *bind_loopback(uint16_t port, GError **error)
{
    g_autoptr(GInetAddress) loopback = g_inet_address_new_loopback(G_SOCKET_FAMILY_IPV4);
    g_autoptr(GSocketAddress) address = g_inet_socket_address_new(loopback, port);
    g_autoptr(GSocket) socket =
        g_socket_new(G_SOCKET_FAMILY_IPV4, G_SOCKET_TYPE_STREAM, G_SOCKET_PROTOCOL_TCP, error);
    if (socket == NULL)
        return NULL;
    g_socket_set_blocking(socket, FALSE);
    g_socket_set_listen_backlog(socket, LISTEN_BACKLOG);
    if (!g_socket_bind(socket, address, TRUE, error) || !g_socket_listen(socket, error))
        return NULL;
    return g_steal_pointer(&socket);
}

uint16_t live_listen(Live *live, const char *server, LiveService service, uint16_t port,
                     GError **error)
{
    g_autoptr(GSocket) socket = bind_loopback(port, error);
    g_autoptr(GSocketAddress) bound =
        socket != NULL ? g_socket_get_local_address(socket, error) : NULL;
    if (bound == NULL)
        return 0;
    LiveListener *listener = g_new0(LiveListener, 1);
    listener->live = live;
    listener->socket = g_steal_pointer(&socket);
    listener->server = g_strdup(server);
    listener->port = SERVICES[service].port;
    listener->source = g_socket_create_source(listener->socket, G_IO_IN, NULL);
    g_source_set_callback(listener->source, G_SOURCE_FUNC(on_client), listener, NULL);
    g_source_attach(listener->source, NULL);
    g_ptr_array_add(live->listeners, listener);
    return g_inet_socket_address_get_port(G_INET_SOCKET_ADDRESS(bound));
}

/* ---- The session ---- */

static gboolean timer_dispatch(GSource *source, GSourceFunc callback, void *data)
{
    g_source_set_ready_time(source, -1);
    return callback(data);
}

static const GSourceFuncs TIMER = {.dispatch = timer_dispatch};

bool live_play(Live *live)
{
    simulation_begin(live->run->simulation);
    live->began_us = g_get_monotonic_time();
    live->timer = g_source_new((GSourceFuncs *)&TIMER, sizeof(GSource)); /* GLib only reads it */
    g_source_set_callback(live->timer, on_timer, live, NULL);
    g_source_set_ready_time(live->timer, 0);
    g_source_attach(live->timer, NULL);
    guint interrupt = g_unix_signal_add(SIGINT, on_interrupt, live);
    guint terminate = g_unix_signal_add(SIGTERM, on_interrupt, live);
    if (!live->has_ended)
        g_main_loop_run(live->loop);
    g_source_remove(interrupt);
    g_source_remove(terminate);
    g_source_destroy(live->timer);
    g_clear_pointer(&live->timer, g_source_unref);
    return run_finish(live->run, live->end);
}
