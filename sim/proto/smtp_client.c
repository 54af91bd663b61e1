/* The SMTP client engine: its input, its table, its door.
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

SmtpClient *smtp_client_new(const SmtpClientOptions *options)
{
    SmtpClient *client = g_new0(SmtpClient, 1);
    CHECK(options->identity == NULL || options->password != NULL);
    client->options = *options;
    client->options.name = client->name = g_strdup(options->name);
    client->options.identity = client->identity = g_strdup(options->identity);
    client->options.password = client->password = g_strdup(options->password);
    client->state = smtp_client_table.initial;
    buffer_init(&client->input, SMTP_CLIENT_INPUT_MAXIMUM);
    buffer_init(&client->output, SMTP_CLIENT_OUTPUT_MAXIMUM);
    smtp_reply_reader_init(&client->reader);
    return client;
}

void smtp_client_free(SmtpClient *client)
{
    if (client == NULL)
        return;
    smtp_own_transaction_free(client->transaction);
    buffer_clear(&client->input);
    buffer_clear(&client->output);
    smtp_reply_reader_clear(&client->reader);
    g_free(client->name);
    g_free(client->identity);
    g_free(client->password);
    g_free(client);
}

const char *smtp_stage_name(SmtpStage stage)
{
    static const char *const names[] = {
        [SMTP_STAGE_LOCAL] = "local",         [SMTP_STAGE_CONNECT] = "connect",
        [SMTP_STAGE_HELO] = "helo",           [SMTP_STAGE_AUTH] = "auth",
        [SMTP_STAGE_MAIL] = "mail",           [SMTP_STAGE_RCPT] = "rcpt",
        [SMTP_STAGE_DATA] = "data",           [SMTP_STAGE_CONTENT] = "content",
        [SMTP_STAGE_FINAL_DOT] = "final_dot", [SMTP_STAGE_IDLE] = "idle",
    };
    CHECK(stage < G_N_ELEMENTS(names));
    return names[stage];
}

static const struct {
    SmtpStage stage;
    SmtpTimeout timeout;
} waits[SMTP_CLIENT_STATE_COUNT] = {
    [SMTP_CLIENT_CONNECT] = {SMTP_STAGE_CONNECT, SMTP_TIMEOUT_GREETING},
    [SMTP_CLIENT_EHLO] = {SMTP_STAGE_HELO, SMTP_TIMEOUT_HELLO},
    [SMTP_CLIENT_HELO] = {SMTP_STAGE_HELO, SMTP_TIMEOUT_HELLO},
    [SMTP_CLIENT_STARTTLS] = {SMTP_STAGE_HELO, SMTP_TIMEOUT_HELLO},
    [SMTP_CLIENT_TLS] = {SMTP_STAGE_HELO, SMTP_TIMEOUT_HELLO},
    [SMTP_CLIENT_CHUNKS] = {SMTP_STAGE_CONTENT, SMTP_TIMEOUT_DATA_BLOCK},
    [SMTP_CLIENT_AUTH] = {SMTP_STAGE_AUTH, SMTP_TIMEOUT_HELLO},
    [SMTP_CLIENT_READY] = {SMTP_STAGE_IDLE, SMTP_TIMEOUT_NONE},
    [SMTP_CLIENT_MAIL] = {SMTP_STAGE_MAIL, SMTP_TIMEOUT_MAIL},
    [SMTP_CLIENT_RCPT] = {SMTP_STAGE_RCPT, SMTP_TIMEOUT_RCPT},
    [SMTP_CLIENT_DATA] = {SMTP_STAGE_DATA, SMTP_TIMEOUT_DATA_INITIATION},
    [SMTP_CLIENT_CONTENT] = {SMTP_STAGE_CONTENT, SMTP_TIMEOUT_DATA_BLOCK},
    [SMTP_CLIENT_FINAL_DOT] = {SMTP_STAGE_FINAL_DOT, SMTP_TIMEOUT_DATA_TERMINATION},
    [SMTP_CLIENT_DRAIN] = {SMTP_STAGE_IDLE, SMTP_TIMEOUT_RCPT},
    [SMTP_CLIENT_RSET] = {SMTP_STAGE_IDLE, SMTP_TIMEOUT_HELLO},
    [SMTP_CLIENT_QUIT] = {SMTP_STAGE_IDLE, SMTP_TIMEOUT_HELLO},
    [SMTP_CLIENT_CLOSED] = {SMTP_STAGE_IDLE, SMTP_TIMEOUT_NONE},
};

/* Nothing of the content is left to put into the output: the last chunk's reply decides. */
static bool all_chunks_sent(const SmtpClient *client)
{
    return client->transaction->all_sent && client->transaction->chunk.length == 0;
}

static SmtpStage stage_of(const SmtpClient *client, uint8_t state)
{
    bool decided_now = state == SMTP_CLIENT_CHUNKS && all_chunks_sent(client);
    return decided_now ? SMTP_STAGE_FINAL_DOT : waits[state].stage;
}

/* The table and its actions */

/* The one door through which the state changes. */
static void set_state(SmtpClient *client, uint8_t next)
{
    const SmtpObserver *observer = &client->options.observer;
    uint8_t from = client->state;
    if (next == from)
        return;
    client->state = next;
    client->epoch++;
    if (observer->state != NULL)
        observer->state(observer->user, &smtp_client_table, from, next);
}

/* From now on every recipient without a result has this one; events follow. */
static void settle(SmtpClient *client, const SmtpReply *reply, SmtpStage stage)
{
    client->settling = true;
    client->settling_next = 0;
    client->settling_reply = *reply;
    client->settling_class = smtp_reply_class(reply->code);
    client->settling_stage = stage;
}

/* One recipient's result, settled before the others. */
static void settle_recipient(SmtpClient *client, size_t index, const SmtpReply *reply,
                             SmtpReplyClass class, SmtpStage stage)
{
    SmtpOwnTransaction *transaction = client->transaction;
    transaction->recipients[index].fate = SMTP_FATE_SETTLED;
    transaction->delivered += class == SMTP_REPLY_SUCCESS;
    transaction->temporary += class == SMTP_REPLY_TEMPORARY;
    transaction->permanent += class == SMTP_REPLY_PERMANENT;
    client->event = (SmtpClientEvent){.kind = SMTP_CLIENT_EVENT_RECIPIENT_RESULT};
    client->event.result.index = index;
    client->event.result.stage = stage;
    client->event.result.reply = *reply;
    client->event.result.class = class;
    client->has_event = true;
}

/* Settles what is open when the connection fails. A reply that does not fit, such as 250 to DATA,
 * is no success: somebody has lost count, and the mail is tried again. */
static void break_off(SmtpClient *client, const SmtpReply *reply, SmtpStage stage)
{
    if (client->transaction == NULL || client->transaction->done)
        return;
    settle(client, reply, stage);
    if (reply->code < 400)
        client->settling_class = SMTP_REPLY_TEMPORARY;
}

static size_t in_flight(const SmtpClient *client)
{
    return client->transaction->sent - client->transaction->answered;
}

/* After a failure: are replies to pipelined commands still to come? */
static void fire_what_is_left(SmtpClient *client, SmtpClientInput none_left)
{
    smtp_client_fire(client, in_flight(client) > 0 ? SMTP_CLIENT_ON_IN_FLIGHT : none_left, NULL);
}

static void take_rcpt_reply(SmtpClient *client, const SmtpReply *reply)
{
    SmtpOwnTransaction *transaction = client->transaction;
    size_t index = transaction->answered - 1; /* command 0 is MAIL */
    SmtpReplyClass class = smtp_reply_class_of_rcpt(reply->code);
    transaction->answered++;
    if (class == SMTP_REPLY_SUCCESS) {
        transaction->recipients[index].fate = SMTP_FATE_ACCEPTED;
        transaction->accepted++;
    } else {
        settle_recipient(client, index, reply, class, SMTP_STAGE_RCPT);
    }
    if (index + 1 < transaction->recipient_count)
        return;
    if (transaction->accepted > 0) {
        smtp_client_fire(client,
                         transaction->is_chunking ? SMTP_CLIENT_ON_RCPT_DONE_CHUNKING
                                                  : SMTP_CLIENT_ON_RCPT_DONE,
                         NULL);
        return;
    }
    settle(client, reply, SMTP_STAGE_RCPT); /* nobody is left: this asks for the sum alone */
    fire_what_is_left(client, SMTP_CLIENT_ON_ALL_REFUSED);
}

static void fail_mail(SmtpClient *client, const SmtpReply *reply)
{
    client->transaction->answered++;
    settle(client, reply, SMTP_STAGE_MAIL);
    fire_what_is_left(client, SMTP_CLIENT_ON_OVER);
}

static void take_chunk_reply(SmtpClient *client, const SmtpReply *reply)
{
    SmtpOwnTransaction *transaction = client->transaction;
    transaction->answered++;
    if (transaction->all_sent && in_flight(client) == 0)
        smtp_client_fire(client, SMTP_CLIENT_ON_ALL_TAKEN, reply);
    else
        smtp_client_pump_commands(client);
}

static void fail_chunk(SmtpClient *client, const SmtpReply *reply, SmtpStage stage)
{
    client->transaction->answered++;
    settle(client, reply, stage);
    fire_what_is_left(client, SMTP_CLIENT_ON_OVER);
}

static void discard_reply(SmtpClient *client)
{
    client->transaction->answered++;
    if (in_flight(client) == 0)
        smtp_client_fire(client, SMTP_CLIENT_ON_OVER, NULL);
}

/* RFC 2920 §3.1: a server may say 354 though no recipient was good; a lone dot ends that. */
static void send_lone_dot(SmtpClient *client)
{
    client->transaction->sent++;
    CHECK(buffer_append_text(&client->output, ".\r\n"));
    discard_reply(client);
}

static void refused(SmtpClient *client, const SmtpReply *reply, uint8_t from)
{
    client->event = (SmtpClientEvent){.kind = SMTP_CLIENT_EVENT_REFUSED};
    client->event.refused.stage = waits[from].stage;
    client->event.refused.reply = *reply;
    client->event.refused.class = smtp_reply_class(reply->code);
    client->has_event = true;
    if (client->state == SMTP_CLIENT_QUIT)
        smtp_client_send_line(client, "QUIT");
}

/* RFC 3207 §4.2: what the server has offered in the clear is forgotten; and what it, or somebody on
 * the way, has sent behind its 220 was not sent over TLS. */
static void begin_tls(SmtpClient *client)
{
    client->offered = 0;
    client->size_maximum = 0;
    client->auth_plain = client->auth_login = false;
    buffer_consume(&client->input, client->input.length);
    client->tls_due = true;
}

static SmtpClientCloseReason close_reason(uint8_t from, SmtpClientInput input)
{
    if (from == SMTP_CLIENT_QUIT)
        return SMTP_CLIENT_CLOSE_QUIT;
    if (input == SMTP_CLIENT_ON_LOST)
        return SMTP_CLIENT_CLOSE_LOST;
    if (input == SMTP_CLIENT_ON_TIME_OUT)
        return SMTP_CLIENT_CLOSE_TIME_OUT;
    return input == SMTP_CLIENT_ON_CLOSING ? SMTP_CLIENT_CLOSE_BY_SERVER
                                           : SMTP_CLIENT_CLOSE_PROTOCOL;
}

static void close_connection(SmtpClient *client, const SmtpReply *reply, uint8_t from,
                             SmtpClientInput input)
{
    client->closed_due = true;
    client->ready_due = false;
    client->closed_event = (SmtpClientEvent){.kind = SMTP_CLIENT_EVENT_CLOSED};
    client->closed_event.closed.reason = close_reason(from, input);
    client->closed_event.closed.stage = stage_of(client, from);
    client->closed_event.closed.reply = *reply;
}

/* A transition's consequences, after the state has changed. Longer than most functions: one case an
 * action, none of which does more than name what is done. */
/* NOLINTNEXTLINE(readability-function-size) */
static void act(SmtpClient *client, const StateCell *cell, uint8_t from, SmtpClientInput input,
                const SmtpReply *reply)
{
    SmtpStage stage = stage_of(client, from);
    switch ((SmtpClientAction)cell->action) {
    case SMTP_CLIENT_ACTION_IMPOSSIBLE:
    case SMTP_CLIENT_ACTION_COUNT:
        CHECK(false);
    case SMTP_CLIENT_ACTION_NONE:
        break;
    case SMTP_CLIENT_ACTION_SEND_EHLO:
        smtp_client_send_line(client, "EHLO %s", client->name);
        break;
    case SMTP_CLIENT_ACTION_SEND_HELO:
        smtp_client_send_line(client, "HELO %s", client->name);
        break;
    case SMTP_CLIENT_ACTION_SEND_STARTTLS:
        client->tls_tried = true;
        smtp_client_send_line(client, "STARTTLS");
        break;
    case SMTP_CLIENT_ACTION_BEGIN_TLS:
        begin_tls(client);
        break;
    case SMTP_CLIENT_ACTION_SEND_AUTH:
        smtp_client_send_auth(client);
        break;
    case SMTP_CLIENT_ACTION_SEND_RESPONSE:
        smtp_client_send_auth_response(client);
        break;
    case SMTP_CLIENT_ACTION_SEND_RCPT:
        client->transaction->answered++;
        smtp_client_pump_commands(client);
        break;
    case SMTP_CLIENT_ACTION_SEND_MAIL:
    case SMTP_CLIENT_ACTION_SEND_DATA:
    case SMTP_CLIENT_ACTION_SEND_CHUNKS:
        smtp_client_pump_commands(client);
        break;
    case SMTP_CLIENT_ACTION_SEND_CONTENT: /* as the output has room: see pump */
        client->transaction->answered++;
        break;
    case SMTP_CLIENT_ACTION_TAKE_CHUNK:
        take_chunk_reply(client, reply);
        break;
    case SMTP_CLIENT_ACTION_FAIL_CHUNK:
        fail_chunk(client, reply, stage);
        break;
    case SMTP_CLIENT_ACTION_SEND_LONE_DOT:
        send_lone_dot(client);
        break;
    case SMTP_CLIENT_ACTION_SEND_RSET:
        smtp_client_send_line(client, "RSET");
        break;
    case SMTP_CLIENT_ACTION_SEND_QUIT:
        smtp_client_send_line(client, "QUIT");
        break;
    case SMTP_CLIENT_ACTION_BE_READY:
        client->ready_due = true;
        break;
    case SMTP_CLIENT_ACTION_REFUSED:
        refused(client, reply, from);
        if (cell->next == SMTP_CLIENT_CLOSED)
            close_connection(client, reply, from, input);
        break;
    case SMTP_CLIENT_ACTION_ADD_RCPT:
    case SMTP_CLIENT_ACTION_DROP_RCPT:
        take_rcpt_reply(client, reply);
        break;
    case SMTP_CLIENT_ACTION_SUCCEED:
    case SMTP_CLIENT_ACTION_FAIL:
        settle(client, reply, stage);
        client->ready_due = true;
        break;
    case SMTP_CLIENT_ACTION_FAIL_MAIL:
        fail_mail(client, reply);
        break;
    case SMTP_CLIENT_ACTION_FAIL_RSET:
        settle(client, reply, stage);
        smtp_client_send_line(client, "RSET");
        break;
    case SMTP_CLIENT_ACTION_DISCARD:
        discard_reply(client);
        break;
    case SMTP_CLIENT_ACTION_BREAK_OFF:
        break_off(client, reply, stage);
        close_connection(client, reply, from, input);
        break;
    case SMTP_CLIENT_ACTION_CLOSE:
        close_connection(client, reply, from, input);
        break;
    }
}

void smtp_client_fire(SmtpClient *client, SmtpClientInput input, const SmtpReply *reply)
{
    uint8_t from = client->state;
    const StateCell *cell = state_table_cell(&smtp_client_table, from, (uint8_t)input);
    CHECK(cell->action != SMTP_CLIENT_ACTION_IMPOSSIBLE);
    set_state(client, cell->next);
    act(client, cell, from, input, reply);
}

/* Replies */

static SmtpClientInput input_of_success(SmtpClient *client, const SmtpReply *reply)
{
    if (client->state == SMTP_CLIENT_CONNECT && client->options.helo_only)
        return SMTP_CLIENT_ON_HELO_ONLY;
    if (client->state != SMTP_CLIENT_EHLO)
        return SMTP_CLIENT_ON_SUCCESS;
    smtp_client_take_extensions(client, reply->text);
    if (smtp_client_wants_tls(client))
        return SMTP_CLIENT_ON_TLS_OFFERED;
    return smtp_client_wants_auth(client) ? SMTP_CLIENT_ON_AUTH_NEEDED : SMTP_CLIENT_ON_SUCCESS;
}

/* A reply to a chunk before its end: the rest would be read as commands. */
static bool comes_too_early(const SmtpClient *client)
{
    const SmtpOwnTransaction *transaction = client->transaction;
    return transaction != NULL && transaction->chunk.length > 0 && in_flight(client) == 1;
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
    switch (smtp_reply_reader_read(&client->reader, &client->input, &reply)) {
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
    if (!content && buffer_room(&client->output) < SMTP_CLIENT_COMMAND_LINE_MAXIMUM)
        return false;
    return read_reply(client);
}

/* Events */

/* The next open recipient's result, and after the last one the sum. */
static void settle_next(SmtpClient *client)
{
    SmtpOwnTransaction *transaction = client->transaction;
    while (client->settling_next < transaction->recipient_count) {
        size_t index = client->settling_next++;
        if (transaction->recipients[index].fate == SMTP_FATE_SETTLED)
            continue;
        settle_recipient(client, index, &client->settling_reply, client->settling_class,
                         client->settling_stage);
        return;
    }
    client->settling = false;
    client->event = (SmtpClientEvent){.kind = SMTP_CLIENT_EVENT_TRANSACTION_DONE};
    client->event.done.delivered = transaction->delivered;
    client->event.done.temporary = transaction->temporary;
    client->event.done.permanent = transaction->permanent;
    client->has_event = true;
    transaction->done = true;
}

static void make_ready(SmtpClient *client)
{
    client->ready_due = false;
    g_clear_pointer(&client->transaction, smtp_own_transaction_free);
    client->event = (SmtpClientEvent){.kind = SMTP_CLIENT_EVENT_READY};
    client->event.ready.extensions = client->offered;
    client->event.ready.size_maximum = client->size_maximum;
    client->has_event = true;
}

/* Makes the next event of those that are due, in the order in which they are told. */
static bool prepare_event(SmtpClient *client)
{
    if (client->has_event)
        return true;
    if (client->settling) {
        settle_next(client);
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
    while (!prepare_event(client)) {
        bool waits_for_node = client->state == SMTP_CLIENT_TLS;
        if (client->state == SMTP_CLIENT_CLOSED || waits_for_node || !step(client))
            return false;
    }
    *event = client->event;
    client->has_event = false;
    return true;
}

/* The node */

void smtp_client_start_tls(SmtpClient *client)
{
    smtp_client_fire(client, SMTP_CLIENT_ON_TLS_STARTED, NULL);
}

void smtp_client_send(SmtpClient *client, const SmtpClientTransaction *transaction)
{
    CHECK(client->state == SMTP_CLIENT_READY && client->transaction == NULL && !client->ready_due);
    SmtpReply refusal = {0};
    bool chunking = smtp_client_used_extensions(client) & SMTP_EXTENSION_CHUNKING;
    client->transaction =
        smtp_own_transaction_new(transaction, client->options.send_bare_newlines, chunking);
    if (!smtp_client_find_obstacle(client, &refusal)) {
        smtp_client_fire(client, SMTP_CLIENT_ON_SEND, NULL);
        return;
    }
    settle(client, &refusal, SMTP_STAGE_LOCAL);
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
    buffer_append(&client->input, bytes);
}

void smtp_client_receive_end(SmtpClient *client)
{
    client->input_ended = true;
}

size_t smtp_client_input_room(const SmtpClient *client)
{
    bool deaf = client->state == SMTP_CLIENT_CLOSED || client->state == SMTP_CLIENT_TLS;
    return deaf ? 0 : buffer_room(&client->input);
}

Span smtp_client_peek_output(const SmtpClient *client)
{
    return buffer_peek(&client->output);
}

void smtp_client_consume_output(SmtpClient *client, size_t count)
{
    bool content = client->state == SMTP_CLIENT_CONTENT || client->state == SMTP_CLIENT_CHUNKS ||
                   client->state == SMTP_CLIENT_FINAL_DOT;
    if (content && count > 0)
        client->epoch++;
    buffer_consume(&client->output, count);
}

bool smtp_client_is_finished(const SmtpClient *client)
{
    return client->state == SMTP_CLIENT_CLOSED;
}

SmtpTimeout smtp_client_timeout(const SmtpClient *client)
{
    bool last_chunk = client->state == SMTP_CLIENT_CHUNKS && all_chunks_sent(client);
    return last_chunk ? SMTP_TIMEOUT_DATA_TERMINATION : waits[client->state].timeout;
}

uint32_t smtp_client_timeout_epoch(const SmtpClient *client)
{
    return client->epoch;
}

uint8_t smtp_client_state(const SmtpClient *client)
{
    return client->state;
}
