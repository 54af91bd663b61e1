/* The sockets of a live session: what is read becomes an input, what the gateway gives out is
 * written. Nothing here blocks. */
#include "live/live_internal.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

static void drop_source(GSource **source)
{
    if (*source == NULL)
        return;
    g_source_destroy(*source);
    g_clear_pointer(source, g_source_unref);
}

void live_link_free(void *pointer)
{
    LiveLink *link = pointer;
    drop_source(&link->readable);
    drop_source(&link->writable);
    g_socket_close(link->socket, NULL);
    g_object_unref(link->socket);
    g_byte_array_unref(link->output);
    g_free(link);
}

static LiveLink *connection_new(Live *live, GSocket *socket, uint64_t number)
{
    LiveLink *link = g_new0(LiveLink, 1);
    link->live = live;
    link->number = number;
    link->socket = g_object_ref(socket);
    link->output = g_byte_array_new();
    g_socket_set_blocking(socket, FALSE);
    g_hash_table_insert(live->links, &link->number, link);
    return link;
}

static void connection_close(LiveLink *link)
{
    g_hash_table_remove(link->live->links, &link->number);
}

static void give(const LiveLink *link, GatewayInputKind kind, Octets *data)
{
    GatewayInput input = {.kind = kind, .connection = link->number, .data = data};
    live_give(link->live, &input);
}

/* The program is gone. */
static void connection_reset(LiveLink *link)
{
    Live *live = link->live;
    GatewayInput input = {.kind = GATEWAY_INPUT_RESET, .connection = link->number};
    connection_close(link);
    live_give(live, &input);
}

/* ---- Reading ---- */

static gboolean on_readable(GSocket *socket, GIOCondition condition, void *data);
static gboolean on_writable(GSocket *socket, GIOCondition condition, void *data);

static void wait_for(LiveLink *link, GSource **source, GIOCondition condition,
                     GSocketSourceFunc callback)
{
    if (*source != NULL)
        return;
    *source = g_socket_create_source(link->socket, condition, NULL);
    g_source_set_callback(*source, G_SOURCE_FUNC(callback), link, NULL);
    g_source_attach(*source, NULL);
}

static bool wants_input(const LiveLink *link)
{
    return !link->is_connecting && !link->input_has_ended && !link->is_broken &&
           gateway_input_room(link->live->gateway, link->number) > 0;
}

static gboolean on_readable(GSocket *socket, GIOCondition condition, void *data)
{
    (void)condition;
    LiveLink *link = data;
    char octets[GATEWAY_DATA_MAX];
    if (!live_advance(link->live))
        return G_SOURCE_CONTINUE;
    if (!wants_input(link)) {
        drop_source(&link->readable);
        return G_SOURCE_REMOVE;
    }
    g_autoptr(GError) error = NULL;
    gssize count = g_socket_receive(socket, octets, sizeof octets, NULL, &error);
    if (count > 0) {
        g_autoptr(Octets) bytes = octets_new(octets, (gsize)count);
        give(link, GATEWAY_INPUT_DATA, bytes);
    } else if (count == 0) {
        link->input_has_ended = true;
        drop_source(&link->readable);
        give(link, GATEWAY_INPUT_CLOSE, NULL);
    } else if (!g_error_matches(error, G_IO_ERROR, G_IO_ERROR_WOULD_BLOCK)) {
        connection_reset(link);
    }
    return G_SOURCE_CONTINUE;
}

/* ---- Writing ---- */

/* False when the link is gone. */
static bool write_output(LiveLink *link)
{
    while (link->output->len > 0) {
        g_autoptr(GError) error = NULL;
        gssize count = g_socket_send(link->socket, (const char *)link->output->data,
                                     link->output->len, NULL, &error);
        if (count < 0 && g_error_matches(error, G_IO_ERROR, G_IO_ERROR_WOULD_BLOCK)) {
            wait_for(link, &link->writable, G_IO_OUT, on_writable);
            return true;
        }
        if (count < 0) {
            connection_reset(link);
            return false;
        }
        g_byte_array_remove_range(link->output, 0, (guint)count);
    }
    return true;
}

/* A real server has answered the connection, or refused it. */
static bool finish_connecting(LiveLink *link)
{
    if (!link->is_connecting)
        return true;
    link->is_connecting = false;
    if (g_socket_check_connect_result(link->socket, NULL))
        return true;
    connection_reset(link);
    return false;
}

static gboolean on_writable(GSocket *socket, GIOCondition condition, void *data)
{
    (void)socket;
    (void)condition;
    LiveLink *link = data;
    drop_source(&link->writable);
    if (live_advance(link->live) && finish_connecting(link))
        live_link_settle(link);
    return G_SOURCE_REMOVE;
}

static void break_off(LiveLink *link)
{
    struct linger at_once = {.l_onoff = 1, .l_linger = 0};
    setsockopt(g_socket_get_fd(link->socket), SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
    connection_close(link);
}

void live_link_settle(LiveLink *link)
{
    if (link->is_connecting || !write_output(link))
        return;
    if (link->output->len == 0 && link->is_broken) {
        break_off(link);
        return;
    }
    if (link->output->len == 0 && gateway_wants_room(link->live->gateway, link->number)) {
        give(link, GATEWAY_INPUT_ROOM, NULL); /* which settles again */
        return;
    }
    if (link->output->len == 0 && link->output_ends) {
        link->output_ends = false;
        g_socket_shutdown(link->socket, FALSE, TRUE, NULL);
    }
    if (wants_input(link))
        wait_for(link, &link->readable, G_IO_IN | G_IO_HUP | G_IO_ERR, on_readable);
}

/* ---- What the gateway says ---- */

static LiveLink *find_link(const Live *live, uint64_t number)
{
    return g_hash_table_lookup(live->links, &number);
}

void live_link_output(void *owner, uint64_t connection, Span octets)
{
    LiveLink *link = find_link(owner, connection);
    if (link != NULL)
        g_byte_array_append(link->output, octets.data, (guint)octets.length);
}

void live_link_ended(void *owner, uint64_t connection, bool is_broken)
{
    LiveLink *link = find_link(owner, connection);
    if (link == NULL)
        return;
    link->output_ends = true;
    link->is_broken = is_broken;
}

static const LiveTarget *find_target(const Live *live, const char *domain)
{
    for (size_t i = 0; i < live->options.target_count; i++) {
        if (strcmp(live->options.targets[i].domain, domain) == 0)
            return &live->options.targets[i];
    }
    return NULL;
}

/* What fails at once shows when the socket is first written to. */
void live_link_opened(void *owner, uint64_t connection, const char *domain)
{
    Live *live = owner;
    const LiveTarget *target = find_target(live, domain);
    GSocketFamily family = g_socket_address_get_family(target->address);
    g_autoptr(GSocket) socket =
        g_socket_new(family, G_SOCKET_TYPE_STREAM, G_SOCKET_PROTOCOL_TCP, NULL);
    if (socket == NULL)
        g_error("no socket: %s", g_strerror(errno));
    LiveLink *link = connection_new(live, socket, connection);
    link->is_connecting = true;
    g_socket_connect(socket, target->address, NULL, NULL);
    wait_for(link, &link->writable, G_IO_OUT | G_IO_HUP | G_IO_ERR, on_writable);
}

void live_link_accept(Live *live, GSocket *socket, const char *server, uint16_t port)
{
    uint64_t number = gateway_next_connection(live->gateway);
    GatewayInput input = {
        .kind = GATEWAY_INPUT_CONNECT, .connection = number, .server = (char *)(uintptr_t)server};
    input.port = port;
    connection_new(live, socket, number);
    live_give(live, &input);
}
