/* The IMAP client side: life, events, transitions, time-outs. See imap_client.h. */
#include "core/check.h"
#include "proto/imap_client_internal.h"

typedef struct QueuedEvent {
    ImapClientEvent event;
    char *text; /* owned; what event.line spans, or NULL */
} QueuedEvent;

static void queued_event_free(void *data)
{
    QueuedEvent *queued = data;
    g_free(queued->text);
    g_free(queued);
}

size_t imap_client_size(void)
{
    return sizeof(ImapClient);
}

ImapClient *imap_client_new(const ImapClientOptions *options)
{
    ImapClient *client = g_new(ImapClient, 1);
    imap_client_init(client, options);
    return client;
}

void imap_client_init(ImapClient *client, const ImapClientOptions *options)
{
    *client = (ImapClient){0};
    size_t line = options->line_maximum ? options->line_maximum : IMAP_CLIENT_LINE_DEFAULT;
    size_t literals =
        options->literal_maximum ? options->literal_maximum : IMAP_CLIENT_LITERAL_DEFAULT;
    client->state = imap_client_table.initial;
    imap_reader_init(&client->reader, line, literals);
    imap_output_init(&client->output);
    g_queue_init(&client->events);
    client->numbers = g_array_new(FALSE, FALSE, sizeof(uint32_t));
}

void imap_client_free(ImapClient *client)
{
    if (client == NULL)
        return;
    imap_client_clear(client);
    g_free(client);
}

void imap_client_clear(ImapClient *client)
{
    slice_clear(&client->content);
    g_array_unref(client->numbers);
    g_queue_clear_full(&client->events, queued_event_free);
    g_free(client->event_text);
    imap_output_clear(&client->output);
    imap_reader_clear(&client->reader);
}

void imap_client_push(ImapClient *client, ImapClientEvent event, char *text)
{
    QueuedEvent *queued = g_new(QueuedEvent, 1);
    if (text != NULL)
        event.line = span_of_text(text);
    *queued = (QueuedEvent){event, text};
    g_queue_push_tail(&client->events, queued);
}

static void set_state(ImapClient *client, uint8_t to)
{
    if (to == client->state)
        return;
    ImapClientEvent event = {.kind = IMAP_CLIENT_STATE_CHANGED, .from = client->state, .to = to};
    client->state = to;
    imap_client_push(client, event, NULL);
}

const StateCell *imap_client_transition(ImapClient *client, ImapClientInput input)
{
    const StateCell *cell = state_table_cell(&imap_client_table, client->state, (uint8_t)input);
    CHECK(cell->action != IMAP_CLIENT_NEVER && cell->action != IMAP_CLIENT_REFUSE);
    set_state(client, cell->next);
    return cell;
}

void imap_client_end(ImapClient *client, const char *why)
{
    client->ended = true;
    client->busy = client->idling = client->content_waits = false;
    slice_clear(&client->content);
    ImapClientEvent event = {.kind = IMAP_CLIENT_CLOSED, .text = span_of_text(why)};
    imap_client_push(client, event, NULL);
}

void imap_client_happen(ImapClient *client, ImapClientInput input)
{
    if (imap_client_transition(client, input)->action == IMAP_CLIENT_END)
        imap_client_end(client, input == IMAP_CLIENT_ON_TIMEOUT
                                    ? "no reply in time"
                                    : "connection closed by the server");
}

void imap_client_protocol_error(ImapClient *client, const char *text)
{
    ImapClientEvent event = {.kind = IMAP_CLIENT_PROTOCOL_ERROR, .text = span_of_text(text)};
    imap_client_push(client, event, NULL);
    imap_client_happen(client, IMAP_CLIENT_ON_BAD_RESPONSE);
}

/* Bytes */

void imap_client_receive(ImapClient *client, Span bytes)
{
    if (!client->ended)
        imap_reader_receive(&client->reader, bytes);
}

void imap_client_receive_end(ImapClient *client)
{
    client->input_ended = true;
}

size_t imap_client_input_room(const ImapClient *client)
{
    return imap_reader_room(&client->reader);
}

Span imap_client_peek_output(const ImapClient *client)
{
    return imap_output_peek(&client->output);
}

void imap_client_consume_output(ImapClient *client, size_t count)
{
    imap_output_consume(&client->output, count);
}

static void take_line(ImapClient *client)
{
    GString *shown = client->reader.shown;
    ImapClientEvent event = {.kind = IMAP_CLIENT_RESPONSE_LINE,
                             .line = span_of(shown->str, shown->len)};
    client->line_taken = true;
    imap_client_push(client, event, NULL);
    imap_client_respond(client);
}

/* One step of reading; false: more bytes are needed. */
static bool read_step(ImapClient *client)
{
    if (client->line_taken)
        imap_reader_start_anew(&client->reader);
    client->line_taken = false;
    switch (imap_reader_step(&client->reader)) {
    case IMAP_READER_MORE:
        if (client->input_ended)
            imap_client_happen(client, IMAP_CLIENT_ON_PEER_CLOSED);
        return client->input_ended;
    case IMAP_READER_LINE:
        take_line(client);
        return true;
    case IMAP_READER_LITERAL:
        if (!imap_reader_accept_literal(&client->reader, false))
            imap_client_protocol_error(client, "The server sends a literal that is too large");
        return true;
    case IMAP_READER_TOO_LONG:
    case IMAP_READER_LOST:
        imap_client_protocol_error(client, "The server sends a line that is too long");
        return true;
    case IMAP_READER_MALFORMED:
        imap_client_protocol_error(client, "The server sends NUL, or CR or LF alone");
        return true;
    }
    CHECK(false);
}

bool imap_client_next_event(ImapClient *client, ImapClientEvent *event)
{
    g_clear_pointer(&client->event_text, g_free);
    for (;;) {
        QueuedEvent *queued = g_queue_pop_head(&client->events);
        if (queued != NULL) {
            *event = queued->event;
            client->event_text = queued->text;
            g_free(queued);
            return true;
        }
        if (client->ended || !read_step(client))
            return false;
    }
}

/* Time */

ImapClientTimeout imap_client_timeout(const ImapClient *client)
{
    if (client->ended)
        return IMAP_CLIENT_TIMEOUT_NONE;
    if (client->idling && !client->idle_ended)
        return IMAP_CLIENT_TIMEOUT_IDLE;
    bool waits = client->busy || client->state == IMAP_CLIENT_GREETING;
    return waits ? IMAP_CLIENT_TIMEOUT_RESPONSE : IMAP_CLIENT_TIMEOUT_NONE;
}

int64_t imap_client_timeout_ns(ImapClientTimeout timeout)
{
    const int64_t minute = INT64_C(60) * 1000000000;
    switch (timeout) {
    case IMAP_CLIENT_TIMEOUT_NONE:
        return 0;
    case IMAP_CLIENT_TIMEOUT_RESPONSE:
        return 5 * minute;
    case IMAP_CLIENT_TIMEOUT_IDLE:
        return 29 * minute;
    }
    CHECK(false);
}

void imap_client_time_out(ImapClient *client)
{
    switch (imap_client_timeout(client)) {
    case IMAP_CLIENT_TIMEOUT_NONE:
        return;
    case IMAP_CLIENT_TIMEOUT_RESPONSE:
        imap_client_happen(client, IMAP_CLIENT_ON_TIMEOUT);
        return;
    case IMAP_CLIENT_TIMEOUT_IDLE:
        imap_client_idle_done(client);
        return;
    }
    CHECK(false);
}

uint8_t imap_client_state(const ImapClient *client)
{
    return client->state;
}

bool imap_client_is_ready(const ImapClient *client)
{
    return !client->ended && !client->busy && client->state != IMAP_CLIENT_GREETING &&
           client->state != IMAP_CLIENT_LOGOUT;
}

bool imap_client_is_finished(const ImapClient *client)
{
    return client->ended && client->events.length == 0;
}
