/* The SMTP client engine as its node sees it.
 *
 * Replies are read one at a time, each an input to the table; the reply's text stays valid while
 * the events that quote it are handed out, since nothing is read before they are. */
#include "proto/smtp_client_internal.h"

#include "core/check.h"

SmtpClientOptions smtp_client_options(const char *name)
{
    return (SmtpClientOptions){.name = name,
                               .extensions = SMTP_EXTENSIONS_DEFAULT | SMTP_EXTENSION_CHUNKING};
}

size_t smtp_client_size(void)
{
    return sizeof(SmtpClient);
}

SmtpClient *smtp_client_new(const SmtpClientOptions *options)
{
    SmtpClient *client = g_new(SmtpClient, 1);
    smtp_client_init(client, options);
    return client;
}

void smtp_client_init(SmtpClient *client, const SmtpClientOptions *options)
{
    CHECK(options->identity == NULL || options->password != NULL);
    *client = (SmtpClient){.options = *options};
    client->state = smtp_client_table.initial;
    intake_init(&client->input, SMTP_CLIENT_INPUT_MAXIMUM);
    buffer_init(&client->output, SMTP_CLIENT_OUTPUT_MAXIMUM);
    smtp_reply_reader_init(&client->reader);
}

void smtp_client_free(SmtpClient *client)
{
    if (client == NULL)
        return;
    smtp_client_clear(client);
    g_free(client);
}

void smtp_client_clear(SmtpClient *client)
{
    smtp_own_transaction_free(client->transaction);
    intake_clear(&client->input);
    buffer_clear(&client->output);
    if (client->is_lending)
        slice_clear(&client->lent);
    smtp_reply_reader_clear(&client->reader);
}

/* Replies */

static SmtpClientInput input_of_success(SmtpClient *client, const SmtpReply *reply)
{
    if (client->state == SMTP_CLIENT_CONNECT && client->options.helo_only)
        return SMTP_CLIENT_ON_HELO_ONLY;
    if (client->state != SMTP_CLIENT_EHLO)
        return SMTP_CLIENT_ON_SUCCESS;
    smtp_client_take_extensions(client, reply);
    if (smtp_client_wants_tls(client))
        return SMTP_CLIENT_ON_TLS_OFFERED;
    return smtp_client_wants_auth(client) ? SMTP_CLIENT_ON_AUTH_NEEDED : SMTP_CLIENT_ON_SUCCESS;
}

/* A reply to a chunk before its end: the rest would be read as commands. */
static bool comes_too_early(const SmtpClient *client)
{
    const SmtpOwnTransaction *transaction = client->transaction;
    return transaction != NULL && transaction->chunk.length > 0 &&
           smtp_client_in_flight(client) == 1;
}

static SmtpClientInput input_of_reply(SmtpClient *client, const SmtpReply *reply)
{
    if (reply->code == 421)
        return SMTP_CLIENT_ON_CLOSING;
    if (comes_too_early(client))
        return SMTP_CLIENT_ON_MALFORMED;
    switch (smtp_reply_class(reply->code)) {
    case SMTP_REPLY_SUCCESS:
        return input_of_success(client, reply);
    case SMTP_REPLY_INTERMEDIATE:
        return SMTP_CLIENT_ON_INTERMEDIATE;
    case SMTP_REPLY_TEMPORARY:
        return SMTP_CLIENT_ON_TEMPORARY;
    case SMTP_REPLY_PERMANENT:
        return SMTP_CLIENT_ON_PERMANENT;
    }
    CHECK(false);
}

/* Fires a failure that no reply came with. */
static void fire_failure(SmtpClient *client, SmtpClientInput input, const char *text)
{
    SmtpReply none = {.enhanced = {4, 4, 2}, .text = span_of_text(text)};
    smtp_client_fire(client, input, &none);
}

/* Reads one reply; false: there is none yet. */
static bool read_reply(SmtpClient *client)
{
    const SmtpObserver *observer = &client->options.observer;
    SmtpReply reply = {0};
    if (intake_peek(&client->input).length == 0 && !client->input_ended)
        return false;
    const SmtpReplyTail *known = NULL;
    if (client->state == SMTP_CLIENT_EHLO && client->options.heard != NULL)
        known = &client->options.heard->tail;
    switch (smtp_reply_reader_read(&client->reader, &client->input, known, &reply)) {
    case SMTP_REPLY_READ_MORE:
        if (!client->input_ended)
            return false;
        fire_failure(client, SMTP_CLIENT_ON_LOST, "connection closed by the server");
        return true;
    case SMTP_REPLY_READ_MALFORMED:
        fire_failure(client, SMTP_CLIENT_ON_MALFORMED, "what came is not an SMTP reply");
        return true;
    case SMTP_REPLY_READ_DONE:
        client->epoch++;
        if (observer->reply != NULL)
            observer->reply(observer->user, &reply);
        smtp_client_fire(client, input_of_reply(client, &reply), &reply);
        return true;
    }
    return false;
}

/* Puts into the output what may be sent and has room; true when that moved the state. */
static bool pump(SmtpClient *client)
{
    bool commands = client->state == SMTP_CLIENT_MAIL || client->state == SMTP_CLIENT_RCPT ||
                    client->state == SMTP_CLIENT_DATA || client->state == SMTP_CLIENT_CHUNKS ||
                    client->state == SMTP_CLIENT_DRAIN;
    if (commands)
        smtp_client_pump_commands(client);
    if (client->state != SMTP_CLIENT_CONTENT || !smtp_client_pump_content(client))
        return false;
    smtp_client_fire(client, SMTP_CLIENT_ON_CONTENT_SENT, NULL);
    return true;
}

/* A reply may make the client send one line, which must have room. */
static bool step(SmtpClient *client)
{
    if (pump(client))
        return true;
    bool content = client->state == SMTP_CLIENT_CONTENT ||
                   client->state == SMTP_CLIENT_CHUNKS; /* fills the output, answers nothing */
    bool is_full = smtp_client_output_room(client) < SMTP_CLIENT_COMMAND_LINE_MAXIMUM;
    client->is_held_back = content || is_full;
    return (content || !is_full) && read_reply(client);
}

/* Events */

static void make_ready(SmtpClient *client)
{
    client->ready_due = false;
    g_clear_pointer(&client->transaction, smtp_own_transaction_free);
    client->event = (SmtpClientEvent){.kind = SMTP_CLIENT_EVENT_READY};
    client->event.ready.extensions = client->abilities.extensions;
    client->event.ready.size_maximum = client->abilities.size_maximum;
    client->has_event = true;
}

/* Makes the next event of those that are due, in the order in which they are told. */
static bool prepare_event(SmtpClient *client)
{
    if (client->has_event)
        return true;
    if (client->settling) {
        smtp_client_settle_next(client);
    } else if (client->tls_due) {
        client->tls_due = false;
        client->event = (SmtpClientEvent){.kind = SMTP_CLIENT_EVENT_TLS};
        client->has_event = true;
    } else if (client->ready_due) {
        make_ready(client);
    } else if (client->closed_due) {
        client->event = client->closed_event;
        client->closed_due = false;
        client->has_event = true;
    }
    return client->has_event;
}

bool smtp_client_next_event(SmtpClient *client, SmtpClientEvent *event)
{
    client->is_held_back = false;
    while (!prepare_event(client)) {
        if (client->state == SMTP_CLIENT_CLOSED || !step(client))
            return false;
    }
    *event = client->event;
    client->has_event = false;
    return true;
}

/* The node */

void smtp_client_start_tls(SmtpClient *client)
{
    client->is_encrypted = true;
    smtp_client_fire(client, SMTP_CLIENT_ON_TLS_STARTED, NULL);
}

void smtp_client_send(SmtpClient *client, const SmtpClientTransaction *transaction)
{
    CHECK(client->state == SMTP_CLIENT_READY && client->transaction == NULL && !client->ready_due);
    SmtpReply refusal = {0};
    bool chunking = client->used_extensions & SMTP_EXTENSION_CHUNKING;
    client->transaction =
        smtp_own_transaction_new(transaction, client->options.send_bare_newlines, chunking);
    if (!smtp_client_find_obstacle(client, &refusal)) {
        smtp_client_fire(client, SMTP_CLIENT_ON_SEND, NULL);
        return;
    }
    smtp_client_settle(client, &refusal, SMTP_STAGE_LOCAL);
    client->ready_due = true;
}

void smtp_client_quit(SmtpClient *client)
{
    CHECK(client->transaction == NULL && !client->ready_due);
    smtp_client_fire(client, SMTP_CLIENT_ON_QUIT, NULL);
}

void smtp_client_time_out(SmtpClient *client)
{
    fire_failure(client, SMTP_CLIENT_ON_TIME_OUT, "no reply in time");
}

/* Bytes in, bytes out */

void smtp_client_receive(SmtpClient *client, Span bytes)
{
    CHECK(!client->input_ended);
    CHECK(bytes.length <= smtp_client_input_room(client));
    intake_append(&client->input, bytes);
}

void smtp_client_take_input(SmtpClient *client, Slice bytes)
{
    CHECK(!client->input_ended);
    CHECK(bytes.length <= smtp_client_input_room(client));
    intake_take(&client->input, bytes);
}

void smtp_client_receive_end(SmtpClient *client)
{
    client->input_ended = true;
}

size_t smtp_client_input_room(const SmtpClient *client)
{
    bool deaf = client->state == SMTP_CLIENT_CLOSED || client->state == SMTP_CLIENT_TLS;
    return deaf ? 0 : intake_room(&client->input);
}

Span smtp_client_peek_output(const SmtpClient *client)
{
    if (client->before_lent > 0)
        return span_of(buffer_peek(&client->output).data, client->before_lent);
    return client->is_lending ? slice_span(client->lent) : buffer_peek(&client->output);
}

/* Each piece of content sent begins the wait anew. */
static void note_sent(SmtpClient *client, size_t count)
{
    bool content = client->state == SMTP_CLIENT_CONTENT || client->state == SMTP_CLIENT_CHUNKS ||
                   client->state == SMTP_CLIENT_FINAL_DOT;
    if (content && count > 0)
        client->epoch++;
}

/* Takes octets of the content that stands in the output by reference. */
static Slice take_lent(SmtpClient *client, size_t count)
{
    Slice *lent = &client->lent;
    if (count == lent->length) {
        Slice all = *lent;
        *lent = (Slice){0};
        client->is_lending = false;
        return all;
    }
    Slice taken = slice_ref(*lent, 0, count);
    lent->offset += count;
    lent->length -= count;
    return taken;
}

void smtp_client_consume_output(SmtpClient *client, size_t count)
{
    note_sent(client, count);
    if (client->before_lent == 0 && client->is_lending) {
        Slice taken = take_lent(client, count);
        slice_clear(&taken);
    } else {
        client->before_lent -= (uint32_t)MIN(client->before_lent, count);
        buffer_consume(&client->output, count);
    }
}

size_t smtp_client_take_output(SmtpClient *client, size_t room,
                               Slice slices[static SMTP_OUTPUT_SLICES_MAXIMUM])
{
    size_t count = 0, before = MIN(client->before_lent, room);
    if (before > 0)
        slices[count++] = buffer_take(&client->output, before);
    client->before_lent -= (uint32_t)before;
    bool may_lend = client->is_lending && client->before_lent == 0;
    size_t lent = may_lend ? MIN(client->lent.length, room - before) : 0;
    if (lent > 0)
        slices[count++] = take_lent(client, lent);
    bool is_behind = client->before_lent == 0 && !client->is_lending;
    size_t rest = is_behind ? MIN(client->output.length, room - before - lent) : 0;
    if (rest > 0)
        slices[count++] = buffer_take(&client->output, rest);
    note_sent(client, before + lent + rest);
    return count;
}

size_t smtp_client_output_room(const SmtpClient *client)
{
    size_t room = buffer_room(&client->output);
    return client->is_lending ? room - client->lent.length : room;
}

bool smtp_client_is_held_back(const SmtpClient *client)
{
    return client->is_held_back;
}

bool smtp_client_is_finished(const SmtpClient *client)
{
    return client->state == SMTP_CLIENT_CLOSED;
}

uint32_t smtp_client_timeout_epoch(const SmtpClient *client)
{
    return client->epoch;
}

uint8_t smtp_client_state(const SmtpClient *client)
{
    return client->state;
}
