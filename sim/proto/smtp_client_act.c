/* The SMTP client's one door and what stands behind it: smtp_client_fire looks up the cell, changes
 * the state, and does the cell's action. */
#include "proto/smtp_client_internal.h"

#include "core/check.h"

/* One move through the table. */
typedef struct Move {
    uint8_t from;
    SmtpStage stage; /* that `from` was part of */
    SmtpClientInput input;
    const SmtpReply *reply; /* that the server sent, or that says why none came; else NULL */
} Move;

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

/* Actions outside transactions: the state has changed when they are done. */

static void send_ehlo(SmtpClient *client)
{
    smtp_client_send_line(client, "EHLO", client->options.name);
}

static void send_helo(SmtpClient *client)
{
    smtp_client_send_line(client, "HELO", client->options.name);
}

static void send_starttls(SmtpClient *client)
{
    client->tls_tried = true;
    smtp_client_send_line(client, "STARTTLS", NULL);
}

/* RFC 3207 §4.2: what the server has offered in the clear is forgotten; and what it, or somebody on
 * the way, has sent behind its 220 was not sent over TLS. */
static void begin_tls(SmtpClient *client)
{
    smtp_client_set_abilities(client, (SmtpAbilities){0});
    intake_consume(&client->input, intake_peek(&client->input).length);
    client->tls_due = true;
}

static void send_rset(SmtpClient *client)
{
    smtp_client_send_line(client, "RSET", NULL);
}

static void send_quit(SmtpClient *client)
{
    smtp_client_send_line(client, "QUIT", NULL);
}

static void be_ready(SmtpClient *client)
{
    client->ready_due = true;
}

static SmtpClientCloseReason close_reason(const Move *move)
{
    if (move->from == SMTP_CLIENT_QUIT)
        return SMTP_CLIENT_CLOSE_QUIT;
    if (move->input == SMTP_CLIENT_ON_LOST)
        return SMTP_CLIENT_CLOSE_LOST;
    if (move->input == SMTP_CLIENT_ON_TIME_OUT)
        return SMTP_CLIENT_CLOSE_TIME_OUT;
    return move->input == SMTP_CLIENT_ON_CLOSING ? SMTP_CLIENT_CLOSE_BY_SERVER
                                                 : SMTP_CLIENT_CLOSE_PROTOCOL;
}

static void close_channel(SmtpClient *client, const Move *move)
{
    client->closed_due = true;
    client->ready_due = false;
    client->closed_event = (SmtpClientEvent){.kind = SMTP_CLIENT_EVENT_CLOSED};
    client->closed_event.closed.reason = close_reason(move);
    client->closed_event.closed.stage = move->stage;
    client->closed_event.closed.reply = *move->reply;
}

static void tell_refused(SmtpClient *client, const Move *move)
{
    client->event = (SmtpClientEvent){.kind = SMTP_CLIENT_EVENT_REFUSED};
    client->event.refused.stage = move->stage;
    client->event.refused.reply = *move->reply;
    client->event.refused.class = smtp_reply_class(move->reply->code);
    client->has_event = true;
    if (client->state == SMTP_CLIENT_CLOSED)
        close_channel(client, move);
    else
        send_quit(client);
}

/* Actions of a transaction. Each reply that it has got is counted before what follows from it is
 * done. */

static void send_rcpt(SmtpClient *client)
{
    client->transaction->answered++;
    smtp_client_pump_commands(client);
}

/* The content itself follows as the output has room (pump in smtp_client.c). */
static void begin_content(SmtpClient *client)
{
    client->transaction->answered++;
}

/* After a failure: are replies to pipelined commands still to come? */
static void fire_what_is_left(SmtpClient *client, SmtpClientInput none_left)
{
    bool none = smtp_client_in_flight(client) == 0;
    smtp_client_fire(client, none ? none_left : SMTP_CLIENT_ON_IN_FLIGHT, NULL);
}

static void take_rcpt_reply(SmtpClient *client, const Move *move)
{
    SmtpOwnTransaction *transaction = client->transaction;
    size_t index = transaction->answered - 1; /* command 0 is MAIL */
    SmtpReplyClass class = smtp_reply_class_of_rcpt(move->reply);
    transaction->answered++;
    if (class == SMTP_REPLY_SUCCESS) {
        transaction->recipients[index].fate = SMTP_FATE_ACCEPTED;
        transaction->accepted++;
    } else {
        smtp_client_settle_recipient(client, index, move->reply, class, SMTP_STAGE_RCPT);
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
    /* Nobody is left: this asks for the sum alone. */
    smtp_client_settle(client, move->reply, SMTP_STAGE_RCPT);
    fire_what_is_left(client, SMTP_CLIENT_ON_ALL_REFUSED);
}

static void take_chunk_reply(SmtpClient *client, const Move *move)
{
    SmtpOwnTransaction *transaction = client->transaction;
    transaction->answered++;
    if (transaction->all_sent && smtp_client_in_flight(client) == 0)
        smtp_client_fire(client, SMTP_CLIENT_ON_ALL_TAKEN, move->reply);
    else
        smtp_client_pump_commands(client);
}

/* Nobody gets the mail: MAIL, or a chunk, was refused. */
static void fail_and_drain(SmtpClient *client, const Move *move)
{
    client->transaction->answered++;
    smtp_client_settle(client, move->reply, move->stage);
    fire_what_is_left(client, SMTP_CLIENT_ON_OVER);
}

static void discard_reply(SmtpClient *client)
{
    client->transaction->answered++;
    if (smtp_client_in_flight(client) == 0)
        smtp_client_fire(client, SMTP_CLIENT_ON_OVER, NULL);
}

/* RFC 2920 §3.1: a server may say 354 though no recipient was good; a lone dot ends that. */
static void send_lone_dot(SmtpClient *client)
{
    client->transaction->sent++;
    CHECK(buffer_append_text(&client->output, ".\r\n"));
    discard_reply(client);
}

static void end_transaction(SmtpClient *client, const Move *move)
{
    smtp_client_settle(client, move->reply, move->stage);
    client->ready_due = true;
}

static void fail_and_reset(SmtpClient *client, const Move *move)
{
    smtp_client_settle(client, move->reply, move->stage);
    send_rset(client);
}

/* Settles what is open when the connection fails. A reply that does not fit, such as 250 to DATA,
 * is no success: somebody has lost count, and the mail is tried again. */
static void break_off(SmtpClient *client, const Move *move)
{
    if (client->transaction != NULL && !client->transaction->done) {
        smtp_client_settle(client, move->reply, move->stage);
        if (move->reply->code < 400)
            client->settling_class = SMTP_REPLY_TEMPORARY;
    }
    close_channel(client, move);
}

static const struct {
    void (*act)(SmtpClient *client);
    void (*act_on)(SmtpClient *client, const Move *move);
} actions[SMTP_CLIENT_ACTION_COUNT] = {
    [SMTP_CLIENT_ACTION_SEND_EHLO] = {.act = send_ehlo},
    [SMTP_CLIENT_ACTION_SEND_HELO] = {.act = send_helo},
    [SMTP_CLIENT_ACTION_SEND_STARTTLS] = {.act = send_starttls},
    [SMTP_CLIENT_ACTION_BEGIN_TLS] = {.act = begin_tls},
    [SMTP_CLIENT_ACTION_SEND_AUTH] = {.act = smtp_client_send_auth},
    [SMTP_CLIENT_ACTION_SEND_RESPONSE] = {.act = smtp_client_send_auth_response},
    [SMTP_CLIENT_ACTION_SEND_MAIL] = {.act = smtp_client_pump_commands},
    [SMTP_CLIENT_ACTION_SEND_RCPT] = {.act = send_rcpt},
    [SMTP_CLIENT_ACTION_SEND_DATA] = {.act = smtp_client_pump_commands},
    [SMTP_CLIENT_ACTION_SEND_CONTENT] = {.act = begin_content},
    [SMTP_CLIENT_ACTION_SEND_CHUNKS] = {.act = smtp_client_pump_commands},
    [SMTP_CLIENT_ACTION_TAKE_CHUNK] = {.act_on = take_chunk_reply},
    [SMTP_CLIENT_ACTION_FAIL_CHUNK] = {.act_on = fail_and_drain},
    [SMTP_CLIENT_ACTION_SEND_LONE_DOT] = {.act = send_lone_dot},
    [SMTP_CLIENT_ACTION_SEND_RSET] = {.act = send_rset},
    [SMTP_CLIENT_ACTION_SEND_QUIT] = {.act = send_quit},
    [SMTP_CLIENT_ACTION_BE_READY] = {.act = be_ready},
    [SMTP_CLIENT_ACTION_REFUSED] = {.act_on = tell_refused},
    [SMTP_CLIENT_ACTION_ADD_RCPT] = {.act_on = take_rcpt_reply},
    [SMTP_CLIENT_ACTION_DROP_RCPT] = {.act_on = take_rcpt_reply},
    [SMTP_CLIENT_ACTION_SUCCEED] = {.act_on = end_transaction},
    [SMTP_CLIENT_ACTION_FAIL] = {.act_on = end_transaction},
    [SMTP_CLIENT_ACTION_FAIL_MAIL] = {.act_on = fail_and_drain},
    [SMTP_CLIENT_ACTION_FAIL_RSET] = {.act_on = fail_and_reset},
    [SMTP_CLIENT_ACTION_DISCARD] = {.act = discard_reply},
    [SMTP_CLIENT_ACTION_BREAK_OFF] = {.act_on = break_off},
    [SMTP_CLIENT_ACTION_CLOSE] = {.act_on = close_channel},
};

void smtp_client_fire(SmtpClient *client, SmtpClientInput input, const SmtpReply *reply)
{
    uint8_t from = client->state;
    const StateCell *cell = state_table_cell(&smtp_client_table, from, (uint8_t)input);
    CHECK(cell->action != SMTP_CLIENT_ACTION_IMPOSSIBLE);
    set_state(client, cell->next);
    if (actions[cell->action].act != NULL) {
        actions[cell->action].act(client);
    } else if (actions[cell->action].act_on != NULL) {
        Move move = {from, smtp_client_stage_of(client, from), input, reply};
        actions[cell->action].act_on(client, &move);
    } else {
        CHECK(cell->action == SMTP_CLIENT_ACTION_NONE);
    }
}
