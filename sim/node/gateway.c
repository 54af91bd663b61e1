/* The gateway between the simulation and programs outside. See gateway.h. */
#include "node/gateway.h"

#include "node/delivery.h"

#include <string.h>

typedef struct Passage {
    Gateway *gateway;
    const Machine *machine; /* whose host it is on */
    uint64_t number;
    Stream *stream;
    GByteArray *waiting; /* from outside, for the stream */
    size_t credit;       /* octets that may go outside */
    Cause cause;         /* the record that it began with */
    bool is_closing;     /* nothing comes after what is waiting */
    bool is_closed;      /* the stream has been told */
    bool peer_has_ended; /* the stream brings no more than it holds */
    bool end_is_told;    /* to the observer */
} Passage;

struct Gateway {
    Machine *machines;
    size_t machine_count;
    GHashTable *passages; /* &number -> Passage; look-up only */
    uint64_t count;
    GatewayObserver observer;
};

void gateway_input_clear(GatewayInput *input)
{
    g_clear_pointer(&input->server, g_free);
    g_clear_pointer(&input->data, octets_unref);
}

static void passage_free(void *pointer)
{
    Passage *passage = pointer;
    if (passage->stream != NULL)
        stream_release(passage->stream);
    g_byte_array_unref(passage->waiting);
    g_free(passage);
}

Gateway *gateway_new(const Machine *machines, size_t domain_count)
{
    Gateway *gateway = g_new0(Gateway, 1);
    gateway->machine_count = domain_count + 1;
    gateway->machines = g_memdup2(machines, gateway->machine_count * sizeof *machines);
    gateway->passages = g_hash_table_new_full(g_int64_hash, g_int64_equal, NULL, passage_free);
    return gateway;
}

void gateway_free(Gateway *gateway)
{
    g_hash_table_unref(gateway->passages);
    g_free(gateway->machines);
    g_free(gateway);
}

void gateway_set_observer(Gateway *gateway, const GatewayObserver *observer)
{
    gateway->observer = *observer;
}

static Passage *find_passage(const Gateway *gateway, uint64_t number)
{
    return g_hash_table_lookup(gateway->passages, &number);
}

uint64_t gateway_next_connection(const Gateway *gateway)
{
    return gateway->count + 1;
}

size_t gateway_input_room(const Gateway *gateway, uint64_t connection)
{
    const Passage *passage = find_passage(gateway, connection);
    return passage != NULL && passage->waiting->len == 0 && !passage->is_closing ? GATEWAY_DATA_MAX
                                                                                 : 0;
}

bool gateway_wants_room(const Gateway *gateway, uint64_t connection)
{
    const Passage *passage = find_passage(gateway, connection);
    return passage != NULL && passage->credit == 0;
}

/* ---- Between the stream and the program ---- */

static Passage *passage_new(Gateway *gateway, const Machine *machine)
{
    Passage *passage = g_new0(Passage, 1);
    passage->gateway = gateway;
    passage->machine = machine;
    passage->number = ++gateway->count;
    passage->waiting = g_byte_array_new();
    passage->credit = GATEWAY_CREDIT;
    passage->cause = *simulator_cause(machine->simulator);
    g_hash_table_insert(gateway->passages, &passage->number, passage);
    return passage;
}

static void move_out(Passage *passage)
{
    const GatewayObserver *observer = &passage->gateway->observer;
    for (;;) {
        Span octets = stream_peek(passage->stream);
        size_t count = MIN(octets.length, passage->credit);
        if (count == 0)
            return;
        if (observer->output != NULL)
            observer->output(observer->owner, passage->number, span_of(octets.data, count));
        passage->credit -= count;
        stream_consume(passage->stream, count);
    }
}

static void move_in(Passage *passage)
{
    while (passage->waiting->len > 0) {
        size_t count = MIN(passage->waiting->len, stream_write_room(passage->stream));
        if (count == 0)
            return;
        g_autoptr(Octets) bytes = octets_new(passage->waiting->data, count);
        size_t taken = stream_write(passage->stream, (Slice){bytes, 0, count});
        if (taken == 0)
            return;
        g_byte_array_remove_range(passage->waiting, 0, (guint)taken);
    }
    if (passage->is_closing && !passage->is_closed) {
        passage->is_closed = true;
        stream_close(passage->stream);
    }
}

static void tell_end(Passage *passage, bool is_broken)
{
    const GatewayObserver *observer = &passage->gateway->observer;
    passage->end_is_told = true;
    if (observer->ended != NULL)
        observer->ended(observer->owner, passage->number, is_broken);
}

static void passage_end(Passage *passage)
{
    g_hash_table_remove(passage->gateway->passages, &passage->number);
}

/* Moves what can be moved; the passage may be gone after it. */
static void pump(Passage *passage)
{
    move_in(passage);
    move_out(passage);
    bool is_drained = passage->peer_has_ended && stream_peek(passage->stream).length == 0;
    if (is_drained && !passage->end_is_told)
        tell_end(passage, false);
    if (is_drained && passage->is_closed)
        passage_end(passage);
}

static void on_stream(void *owner, Stream *stream, StreamEvent event)
{
    (void)stream;
    Passage *passage = owner;
    switch (event) {
    case STREAM_PEER_CLOSED:
        passage->peer_has_ended = true;
        break;
    case STREAM_FAILED:
        tell_end(passage, true);
        passage_end(passage);
        return;
    case STREAM_CLOSED:
        passage->peer_has_ended = passage->is_closing = passage->is_closed = true;
        break;
    case STREAM_CONNECTED:
    case STREAM_READABLE:
    case STREAM_WRITABLE:
        break;
    }
    pump(passage);
}

/* ---- Connections ---- */

static StreamHandler accept_outward(void *owner, Stream *stream)
{
    Gateway *gateway = owner;
    for (size_t i = 1; i < gateway->machine_count; i++) {
        const Machine *machine = &gateway->machines[i];
        if (machine->node != stream_ref(stream).node)
            continue;
        Passage *passage = passage_new(gateway, machine);
        passage->stream = stream;
        if (gateway->observer.opened != NULL)
            gateway->observer.opened(gateway->observer.owner, passage->number,
                                     host_name(machine->host));
        return (StreamHandler){on_stream, passage};
    }
    stream_release(stream);
    return (StreamHandler){0};
}

static void connect_inward(Gateway *gateway, const GatewayInput *input)
{
    const Machine *machine = &gateway->machines[0];
    const Host *server = network_find_host(machine->network, input->server);
    TRACE(machine->trace, machine->node, TIMELINE_CONNECT, 0,
          .connection = gateway_next_connection(gateway), .server = input->server,
          .port = input->port);
    Passage *passage = passage_new(gateway, machine);
    if (server != NULL)
        passage->stream = host_connect(machine->host, host_address(server), input->port,
                                       (StreamHandler){on_stream, passage});
    if (passage->stream == NULL) {
        tell_end(passage, true);
        passage_end(passage);
    }
}

void gateway_start(Gateway *gateway)
{
    const Machine *first = &gateway->machines[0];
    g_autoptr(GString) domains = g_string_new(NULL);
    for (size_t i = 1; i < gateway->machine_count; i++) {
        Host *host = gateway->machines[i].host;
        host_listen(host, DELIVERY_PORT, accept_outward, gateway);
        g_string_append_printf(domains, "%s%s", i > 1 ? "," : "", host_name(host));
    }
    TRACE(first->trace, first->node, TIMELINE_OUTSIDE, 0,
          .domains = domains->len > 0 ? domains->str : NULL);
}

/* ---- Inputs ---- */

typedef struct PlannedInput {
    Gateway *gateway;
    GatewayInput input;
} PlannedInput;

static void planned_free(void *pointer)
{
    PlannedInput *planned = pointer;
    gateway_input_clear(&planned->input);
    g_free(planned);
}

static void take_data(Passage *passage, Octets *data)
{
    size_t size = octets_length(data);
    const char *octets = (const char *)octets_data(data);
    bool is_text = g_utf8_validate(octets, (gssize)size, NULL);
    g_autofree char *text =
        is_text ? g_strndup(octets, size) : g_base64_encode((const guchar *)octets, size);
    TRACE(passage->machine->trace, passage->machine->node, TIMELINE_DATA, 0,
          .connection = passage->number, .text = is_text ? text : NULL,
          .base64 = is_text ? NULL : text);
    if (!passage->is_closing)
        g_byte_array_append(passage->waiting, (const guint8 *)octets, (guint)size);
}

static void take_reset(Passage *passage)
{
    TRACE(passage->machine->trace, passage->machine->node, TIMELINE_RESET, 0,
          .connection = passage->number);
    stream_abort(passage->stream);
    passage_end(passage);
}

/* What the input says goes into the trace first: it is the cause of the rest. */
static void take_input(Passage *passage, const GatewayInput *input)
{
    const Machine *machine = passage->machine;
    *simulator_cause(machine->simulator) = passage->cause;
    switch (input->kind) {
    case GATEWAY_INPUT_DATA:
        take_data(passage, input->data);
        break;
    case GATEWAY_INPUT_ROOM:
        TRACE(machine->trace, machine->node, TIMELINE_ROOM, 0, .connection = passage->number);
        passage->credit = GATEWAY_CREDIT;
        break;
    case GATEWAY_INPUT_CLOSE:
        TRACE(machine->trace, machine->node, TIMELINE_CLOSE, 0, .connection = passage->number);
        passage->is_closing = true;
        break;
    case GATEWAY_INPUT_RESET:
        take_reset(passage);
        return;
    case GATEWAY_INPUT_CONNECT:
    case GATEWAY_INPUT_STOP:
        break;
    }
    pump(passage);
}

static void run_input(void *owner, void *data)
{
    Gateway *gateway = owner;
    PlannedInput *planned = data;
    const GatewayInput *input = &planned->input;
    const Machine *first = &gateway->machines[0];
    Passage *passage = find_passage(gateway, input->connection);
    bool is_here =
        passage != NULL && passage->machine->node == simulator_current_node(first->simulator);
    *simulator_cause(first->simulator) = (Cause){0};
    if (input->kind == GATEWAY_INPUT_STOP) {
        TRACE(first->trace, first->node, TIMELINE_STOP, 0, .reason = "interrupt");
        simulator_stop(first->simulator);
    } else if (input->kind == GATEWAY_INPUT_CONNECT) {
        connect_inward(gateway, input);
    } else if (is_here) { /* it may have begun since the input was planned, on another host */
        take_input(passage, input);
    }
    planned_free(planned);
}

void gateway_schedule(Gateway *gateway, const GatewayInput *input)
{
    const Passage *passage = find_passage(gateway, input->connection);
    const Machine *machine = passage != NULL ? passage->machine : &gateway->machines[0];
    PlannedInput *planned = g_new0(PlannedInput, 1);
    planned->gateway = gateway;
    planned->input = *input;
    planned->input.server = g_strdup(input->server);
    planned->input.data = input->data != NULL ? octets_ref(input->data) : NULL;
    EventAction action = {run_input, gateway, planned, planned_free};
    simulator_schedule(machine->simulator, input->time, machine->node, EVENT_FOREGROUND, action);
}
