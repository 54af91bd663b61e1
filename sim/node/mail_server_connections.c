/* The mail server's connections to other servers: how many at once, and what goes over each.
 *
 * Mail that is due waits at its destination, which is a domain, in the order of arrival. As long as
 * some waits there and the limits permit, connections are opened; a connection that is through with
 * a message takes the next one of its destination (RFC 5321 §4.1.1.4: after the final dot a new
 * transaction may begin), until it has carried as many as it may. With nothing left to send it
 * stays open for the idle time, so that what comes meanwhile finds it, and then says QUIT.
 *
 * Destinations take turns in opening, so that a large one does not keep the small ones waiting; and
 * an idle connection gives way when its place is needed. Left out on purpose: Postfix's slow start
 * (it opens few connections first and more as they succeed). */
#include "node/mail_server_internal.h"

#include "core/check.h"

#include <string.h>

/* Stays for a while once mail has been due there: most are met again. */
typedef struct Destination {
    MailServer *server;
    QueueBatch *first, *last; /* what waits, by its `after`; NULL: nothing does */
    QueueBatch *untold; /* the first that queue_activate has not told of; so are those after it */
    GQueue idle;        /* Connection, the longest idle first */
    size_t connections; /* all of them */
    GList turn;         /* in server->turns, while more connections may be opened */
    bool has_turn;
    bool is_fresh; /* in server->fresh */
    char domain[]; /* in lower case */
} Destination;

/* Beyond these, only destinations with mail or connections stay. */
enum { DESTINATIONS_MAX = 1000 };

typedef struct Connection {
    Destination *destination;
    Delivery *delivery;
    Transfer *transfer; /* under way; NULL: idle, or closing */
    uint32_t messages;  /* carried so far, this one included */
    bool is_idle;
    Timer idle_timer;
    GList link;      /* in server->connections, which are in the order of opening */
    GList idle_link; /* in destination->idle */
} Connection;

/* ---- Destinations ---- */

static uint32_t hash_domain(const char *domain)
{
    return table_hash(domain, strlen(domain));
}

static uint32_t hash_destination(const void *thing)
{
    return hash_domain(((const Destination *)thing)->domain);
}

/* Any may be forgotten in any order: none is told. */
static void forget_unused(MailServer *server)
{
    size_t at = 0;
    for (Destination *it; (it = table_each(&server->destinations, &at)) != NULL;) {
        bool is_unused =
            it->first == NULL && it->connections == 0 && !it->has_turn && !it->is_fresh;
        if (!is_unused)
            continue;
        table_remove(&server->destinations, it);
        g_free(it);
    }
}

/* The letters of domains are equal in either case. */
static Destination *find_destination(MailServer *server, const char *domain)
{
    char lower[ADDRESS_DOMAIN_MAX + 1];
    size_t length = 0;
    for (; domain[length] != '\0'; length++) {
        CHECK(length < sizeof lower - 1);
        lower[length] = g_ascii_tolower(domain[length]);
    }
    lower[length] = '\0';
    const uint32_t hash = table_hash(lower, length);
    TableProbe probe = table_probe(&server->destinations, hash);
    Destination *destination;
    while ((destination = table_next(&server->destinations, &probe)) != NULL &&
           strcmp(destination->domain, lower) != 0)
        continue;
    if (destination != NULL)
        return destination;
    if (table_count(&server->destinations) >= DESTINATIONS_MAX)
        forget_unused(server);
    destination = g_malloc(sizeof *destination + length + 1);
    *destination = (Destination){.server = server, .turn.data = destination};
    memcpy(destination->domain, lower, length + 1);
    table_add(&server->destinations, hash, destination);
    return destination;
}

static void push_waiting(Destination *destination, QueueBatch *batch)
{
    batch->after = NULL;
    if (destination->first == NULL)
        destination->first = batch;
    else
        destination->last->after = batch;
    destination->last = batch;
    if (destination->untold == NULL)
        destination->untold = batch;
}

static QueueBatch *pop_waiting(Destination *destination)
{
    QueueBatch *batch = destination->first;
    if (batch == NULL)
        return NULL;
    if (batch == destination->untold)
        destination->untold = batch->after;
    destination->first = batch->after;
    return batch;
}

static void forget_waiting(Destination *destination)
{
    QueueBatch *batch;
    while ((batch = pop_waiting(destination)) != NULL)
        queue_batch_free(batch);
}

/* Puts the destination among those that may open connections, or takes it out, as is right. */
static void update_turn(Destination *destination)
{
    MailServer *server = destination->server;
    bool may_open =
        destination->first != NULL && destination->connections < server->limits.per_destination;
    if (may_open && !destination->has_turn)
        g_queue_push_tail_link(&server->turns, &destination->turn);
    else if (!may_open && destination->has_turn)
        g_queue_unlink(&server->turns, &destination->turn);
    destination->has_turn = may_open;
}

/* ---- One connection ---- */

static void end_idleness(Connection *connection)
{
    if (!connection->is_idle)
        return;
    connection->is_idle = false;
    g_queue_unlink(&connection->destination->idle, &connection->idle_link);
    simulator_cancel(connection->destination->server->machine.simulator, &connection->idle_timer);
}

void connection_free(void *pointer)
{
    Connection *connection = pointer;
    end_idleness(connection);
    if (connection->delivery != NULL)
        delivery_free(connection->delivery);
    if (connection->transfer != NULL)
        transfer_free(connection->transfer);
    g_free(connection);
}

static void quit(Connection *connection)
{
    end_idleness(connection);
    delivery_quit(connection->delivery);
}

static void on_idle_timeout(void *owner, void *data)
{
    (void)data;
    quit(owner);
}

static void begin_idleness(Connection *connection)
{
    Destination *destination = connection->destination;
    const MailServer *server = destination->server;
    Simulator *simulator = server->machine.simulator;
    EventAction action = {on_idle_timeout, connection, NULL, NULL};
    SimTime time = simtime_add(simulator_now(simulator), server->limits.idle_ns);
    connection->is_idle = true;
    g_queue_push_tail_link(&destination->idle, &connection->idle_link);
    connection->idle_timer =
        simulator_schedule(simulator, time, server->machine.node, EVENT_FOREGROUND, action);
}

static Transfer *begin_next_transfer(Destination *destination)
{
    Transfer *transfer = transfer_begin(destination->server, pop_waiting(destination));
    update_turn(destination);
    return transfer;
}

static void send_next(Connection *connection)
{
    connection->transfer = begin_next_transfer(connection->destination);
    connection->messages++;
    delivery_send(connection->delivery, &connection->transfer->job);
}

static void end_transfer(Connection *connection)
{
    Cause *cause = simulator_cause(connection->destination->server->machine.simulator);
    Cause before = *cause;
    if (connection->transfer != NULL)
        transfer_end(g_steal_pointer(&connection->transfer));
    *cause = before;
}

static void on_result(void *owner, Delivery *delivery, size_t index, const DeliveryResult *result)
{
    (void)delivery;
    Connection *connection = owner;
    transfer_take_result(connection->transfer, index, result);
}

static void on_ready(void *owner, Delivery *delivery)
{
    (void)delivery;
    Connection *connection = owner;
    Destination *destination = connection->destination;
    MailServer *server = destination->server;
    end_transfer(connection);
    /* What is due and was kept back, since too much was active, finds this connection. */
    if (queue_next_due_at(server->queue) <= simulator_now(server->machine.simulator))
        mail_server_run_queue(server);
    if (server->is_shutting_down || connection->messages >= server->limits.messages)
        quit(connection);
    else if (destination->first != NULL)
        send_next(connection);
    else if (server->limits.idle_ns > 0)
        begin_idleness(connection);
    else
        quit(connection);
}

static void on_done(void *owner, Delivery *delivery)
{
    (void)delivery;
    Connection *connection = owner;
    Destination *destination = connection->destination;
    MailServer *server = destination->server;
    end_transfer(connection);
    g_queue_unlink(&server->connections, &connection->link);
    connection_free(connection);
    destination->connections--;
    update_turn(destination);
    mail_server_run_queue(server);
    mail_server_settle(server);
}

static void open_connection(Destination *destination)
{
    MailServer *server = destination->server;
    Connection *connection = g_new(Connection, 1);
    *connection = (Connection){0};
    connection->destination = destination;
    connection->idle_link.data = connection;
    connection->link.data = connection;
    g_queue_push_tail_link(&server->connections, &connection->link);
    destination->connections++;
    connection->transfer = begin_next_transfer(destination);
    connection->messages = 1;
    DeliveryOptions options = {
        .helo_name = host_name(server->machine.host),
        .domain = destination->domain,
        .connect_timeout = server->connect_timeout,
        .timeouts = server->timeouts,
        .heard = &server->heard,
        .keeps_bare_newlines = server->bare_newlines == SMTP_BARE_NEWLINES_KEPT,
        .route_draw = random_draw(&server->route_draws),
    };
    static const DeliveryHandlers HANDLERS = {on_result, on_ready, on_done};
    connection->delivery = delivery_new(&server->machine, server->resolver, &options,
                                        &connection->transfer->job, &HANDLERS, connection);
}

/* ---- All of them ---- */

void mail_server_connections_take(MailServer *server, QueueBatch *batch)
{
    Destination *destination = find_destination(server, batch->domain);
    push_waiting(destination, batch);
    update_turn(destination);
    if (!destination->is_fresh)
        g_ptr_array_add(server->fresh, destination);
    destination->is_fresh = true;
    Connection *idle;
    while ((idle = g_queue_peek_head(&destination->idle)) != NULL) {
        end_idleness(idle);
        if (delivery_is_ready(idle->delivery)) {
            send_next(idle);
            return;
        }
    }
}

/* Asks the oldest idle connection to end; its place is free once it has. */
static void make_room(MailServer *server)
{
    for (GList *link = server->connections.head; link != NULL; link = link->next) {
        Connection *connection = link->data;
        if (connection->is_idle) {
            quit(connection);
            return;
        }
    }
}

static void tell_waiting(Destination *destination)
{
    for (const QueueBatch *batch = destination->untold; batch != NULL; batch = batch->after)
        queue_activate(batch);
    destination->untold = NULL;
}

void mail_server_connections_start(MailServer *server)
{
    Cause *cause = simulator_cause(server->machine.simulator);
    Cause before = *cause;
    while (server->turns.length > 0 && server->connections.length < server->limits.total) {
        GList *turn = g_queue_pop_head_link(&server->turns);
        Destination *destination = turn->data;
        destination->has_turn = false;
        *cause = before;
        open_connection(destination);
    }
    for (guint i = 0; i < server->fresh->len; i++) {
        Destination *destination = server->fresh->pdata[i];
        tell_waiting(destination);
        destination->is_fresh = false;
    }
    if (server->fresh->len > 0)
        g_ptr_array_set_size(server->fresh, 0);
    *cause = before;
    if (server->turns.length > 0)
        make_room(server);
}

void mail_server_connections_shut_down(MailServer *server)
{
    size_t at = 0; /* in any order: nothing is told of it */
    for (Destination *it; (it = table_each(&server->destinations, &at)) != NULL;) {
        forget_waiting(it);
        update_turn(it);
    }
    for (GList *link = server->connections.head; link != NULL; link = link->next) {
        Connection *connection = link->data;
        if (connection->is_idle)
            quit(connection);
    }
}

void mail_server_connections_begin(MailServer *server)
{
    server->destinations.hash_of = hash_destination;
    server->fresh = g_ptr_array_new();
}

void mail_server_connections_free(MailServer *server)
{
    size_t at = 0;
    for (Destination *it; (it = table_each(&server->destinations, &at)) != NULL;) {
        forget_waiting(it);
        g_free(it);
    }
    table_clear(&server->destinations);
    g_clear_pointer(&server->fresh, g_ptr_array_unref);
    g_queue_init(&server->turns);
}
