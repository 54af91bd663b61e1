/* The SMTP server engine as its node sees it.
 *
 * Input is read a step at a time, a command line or a piece of content, and only while no question
 * is open and the output has room for what a step may send. Everything that happens goes through
 * smtp_server_fire. */
#include "proto/smtp_server_internal.h"

#include "core/check.h"
#include "core/rare.h"

#include <string.h>

SmtpServerOptions smtp_server_options(const char *name)
{
    return (SmtpServerOptions){.name = name,
                               .extensions = SMTP_EXTENSIONS_DEFAULT,
                               .recipient_maximum = SMTP_RECIPIENTS_MINIMUM,
                               .error_maximum = SMTP_SERVER_ERRORS_DEFAULT,
                               .junk_maximum = SMTP_SERVER_JUNK_DEFAULT};
}

size_t smtp_server_size(void)
{
    return sizeof(SmtpServer);
}

SmtpServer *smtp_server_new(const SmtpServerOptions *options)
{
    SmtpServer *server = g_new(SmtpServer, 1);
    smtp_server_init(server, options);
    return server;
}

void smtp_server_init(SmtpServer *server, const SmtpServerOptions *options)
{
    memset(server, 0, offsetof(SmtpServer, path)); /* long, and filled in where it is told of */
    server->options = *options;
    if (options->offers == NULL)
        server->options.offers = &server->own_offers;
    server->state = smtp_server_table.initial;
    intake_init(&server->input, SMTP_SERVER_INPUT_MAXIMUM);
    buffer_init(&server->output, SMTP_SERVER_OUTPUT_MAXIMUM);
    buffer_expect(&server->output, SMTP_SERVER_OUTPUT_USUAL);
}

void smtp_server_free(SmtpServer *server)
{
    if (server == NULL)
        return;
    smtp_server_clear(server);
    g_free(server);
}

void smtp_server_clear(SmtpServer *server)
{
    intake_clear(&server->input);
    buffer_clear(&server->output);
    free_rare(server->auth_name);
    free_rare(server->credentials);
    g_free(server->client_name);
    smtp_offers_clear(&server->own_offers);
}

/* Steps and events */

/* The 220 leaves in the clear; then, and not before, the node may hide the stream. */
static bool step_tls(SmtpServer *server)
{
    server->is_held_back = server->output.length > 0;
    if (server->is_held_back || server->input_ended)
        return false;
    smtp_server_ask(server, &(SmtpServerEvent){.kind = SMTP_SERVER_EVENT_TLS});
    return true;
}

static bool step(SmtpServer *server)
{
    bool moved = false;
    server->is_held_back = buffer_room(&server->output) < SMTP_SERVER_OUTPUT_RESERVE;
    if (server->is_held_back)
        return false;
    if (server->state == SMTP_SERVER_CONNECT) {
        smtp_server_ask(server, &(SmtpServerEvent){.kind = SMTP_SERVER_EVENT_CONNECT});
        return true;
    }
    if (server->state == SMTP_SERVER_TLS)
        moved = step_tls(server);
    else if (server->state == SMTP_SERVER_DATA)
        moved = smtp_server_step_data(server);
    else if (server->state == SMTP_SERVER_CHUNK)
        moved = smtp_server_step_chunk(server);
    else if (server->skipping_chunk)
        moved = smtp_server_skip_chunk(server);
    else
        moved = smtp_server_step_line(server);
    if (!moved && server->input_ended) {
        smtp_server_fire(server, SMTP_SERVER_ON_CONNECTION_END, NULL);
        return true;
    }
    return moved;
}

/* A reset comes before the end. */
static void take_ending(SmtpServer *server, SmtpServerEvent *event)
{
    if (server->reset_due) {
        *event = (SmtpServerEvent){.kind = SMTP_SERVER_EVENT_RESET, .reset = server->reset_reason};
        server->reset_due = false;
    } else {
        *event =
            (SmtpServerEvent){.kind = SMTP_SERVER_EVENT_CLOSED, .closed = server->close_reason};
        server->closed_due = false;
    }
}

/* Hands out what has been put by: a reset and the end come before the next thing. */
static bool take_event(SmtpServer *server, SmtpServerEvent *event)
{
    if (server->reset_due || server->closed_due) {
        take_ending(server, event);
        return true;
    }
    if (!server->has_event)
        return false;
    *event = server->event;
    server->has_event = false;
    return true;
}

/* The node has been asked for TLS, and the handshake goes on. */
static bool is_shaking_hands(const SmtpServer *server)
{
    return server->is_asking && server->asked == SMTP_SERVER_EVENT_TLS;
}

/* The client is gone, or silent, before the handshake is over. No reply can be read now. */
static void give_up_handshake(SmtpServer *server)
{
    server->is_asking = false;
    server->shut_down_due = false;
    smtp_server_fire(server, SMTP_SERVER_ON_CONNECTION_END, NULL);
}

bool smtp_server_next_event(SmtpServer *server, SmtpServerEvent *event)
{
    server->is_held_back = false;
    for (;;) {
        if (take_event(server, event))
            return true;
        if (is_shaking_hands(server) && server->input_ended)
            give_up_handshake(server);
        else if (server->is_asking || server->state == SMTP_SERVER_CLOSED || !step(server))
            return false;
    }
}

/* Answers and news */

static SmtpServerInput input_of_acceptance(SmtpServerEventKind asked)
{
    switch (asked) {
    case SMTP_SERVER_EVENT_CONNECT:
        return SMTP_SERVER_ON_GREETING_ACCEPTED;
    case SMTP_SERVER_EVENT_HELO:
        return SMTP_SERVER_ON_HELO_ACCEPTED;
    case SMTP_SERVER_EVENT_TLS:
        return SMTP_SERVER_ON_TLS_STARTED;
    case SMTP_SERVER_EVENT_VRFY:
    case SMTP_SERVER_EVENT_EXPN:
        return SMTP_SERVER_ON_VRFY_ANSWERED;
    case SMTP_SERVER_EVENT_AUTH:
        return SMTP_SERVER_ON_AUTH_ACCEPTED;
    case SMTP_SERVER_EVENT_MAIL:
        return SMTP_SERVER_ON_MAIL_ACCEPTED;
    case SMTP_SERVER_EVENT_RCPT:
        return SMTP_SERVER_ON_RCPT_ACCEPTED;
    case SMTP_SERVER_EVENT_DATA:
        return SMTP_SERVER_ON_DATA_ACCEPTED;
    case SMTP_SERVER_EVENT_MESSAGE_END:
        return SMTP_SERVER_ON_MESSAGE_ANSWERED;
    case SMTP_SERVER_EVENT_CONTENT:
    case SMTP_SERVER_EVENT_RESET:
    case SMTP_SERVER_EVENT_CLOSED:
        break; /* no questions */
    }
    CHECK(false);
}

static SmtpServerInput input_of_answer(SmtpServerEventKind asked, uint16_t code)
{
    if (code == 421)
        return SMTP_SERVER_ON_SHUT_DOWN;
    if (code < 400 || asked == SMTP_SERVER_EVENT_MESSAGE_END)
        return input_of_acceptance(asked);
    return asked == SMTP_SERVER_EVENT_CONNECT ? SMTP_SERVER_ON_GREETING_REFUSED
                                              : SMTP_SERVER_ON_COMMAND_REFUSED;
}

/* The table's own reply where the open question is answered by yes. */
static uint16_t standard_code(const SmtpServer *server)
{
    uint8_t input = (uint8_t)input_of_acceptance(server->asked);
    const StateCell *cell = state_table_cell(&smtp_server_table, server->state, input);
    CHECK(cell->reply != 0);
    return cell->reply;
}

/* RFC 6531 §3.7.4.2: UTF-8 only to those who have said that they can take it. */
static bool is_reply_hidden(const SmtpServer *server, const SmtpReply *reply)
{
    bool verifies =
        server->asked == SMTP_SERVER_EVENT_VRFY || server->asked == SMTP_SERVER_EVENT_EXPN;
    return verifies && !server->reply_utf8 && !span_is_ascii(reply->text);
}

/* The question stays open while its reply is written: it gives the enhanced code. */
static void close_question(SmtpServer *server, SmtpServerInput input, const SmtpReply *reply)
{
    smtp_server_fire(server, input, reply);
    server->is_asking = false;
    if (server->shut_down_due)
        smtp_server_shut_down(server);
}

void smtp_server_answer(SmtpServer *server, uint32_t token, SmtpReply reply)
{
    CHECK(server->is_asking && token == server->question);
    CHECK(server->asked != SMTP_SERVER_EVENT_TLS);
    uint16_t standard = standard_code(server);
    CHECK(reply.code >= 400 || reply.code / 10 == standard / 10);
    if (is_reply_hidden(server, &reply))
        reply = smtp_reply(252, "2.6.8", "The answer needs SMTPUTF8");
    close_question(server, input_of_answer(server->asked, reply.code), &reply);
}

void smtp_server_accept(SmtpServer *server, uint32_t token)
{
    CHECK(server->is_asking && token == server->question);
    SmtpServerInput input = input_of_acceptance(server->asked);
    if (server->asked == SMTP_SERVER_EVENT_TLS) /* the wait begins anew without a reply */
        server->epoch++;
    if (server->asked != SMTP_SERVER_EVENT_EXPN) {
        close_question(server, input, NULL);
        return;
    }
    /* The code's own words are those of VRFY. */
    SmtpReply reply = smtp_reply(standard_code(server), "2.5.0",
                                 "Cannot EXPN list, but will accept message and attempt delivery");
    close_question(server, input, &reply);
}

void smtp_server_shut_down(SmtpServer *server)
{
    server->shut_down_due = server->is_asking;
    if (server->shut_down_due)
        return;
    server->command = (SmtpCommand){.input = SMTP_SERVER_ON_UNKNOWN};
    smtp_server_fire(server, SMTP_SERVER_ON_SHUT_DOWN, NULL);
}

void smtp_server_time_out(SmtpServer *server)
{
    if (is_shaking_hands(server)) {
        give_up_handshake(server);
        return;
    }
    CHECK(!server->is_asking);
    server->command = (SmtpCommand){.input = SMTP_SERVER_ON_UNKNOWN};
    SmtpReply reply = smtp_reply(421, "4.4.2", "Timeout, closing transmission channel");
    smtp_server_fire(server, SMTP_SERVER_ON_TIME_OUT, &reply);
}

/* Bytes in, bytes out */

void smtp_server_receive(SmtpServer *server, Span bytes)
{
    CHECK(!server->input_ended);
    CHECK(bytes.length <= smtp_server_input_room(server));
    intake_append(&server->input, bytes);
}

void smtp_server_take_input(SmtpServer *server, Slice bytes)
{
    CHECK(!server->input_ended);
    CHECK(bytes.length <= smtp_server_input_room(server));
    intake_take(&server->input, bytes);
}

void smtp_server_receive_end(SmtpServer *server)
{
    server->input_ended = true;
}

size_t smtp_server_input_room(const SmtpServer *server)
{
    bool deaf = server->state == SMTP_SERVER_CLOSED || server->state == SMTP_SERVER_TLS;
    return deaf ? 0 : intake_room(&server->input);
}

Span smtp_server_peek_output(const SmtpServer *server)
{
    return buffer_peek(&server->output);
}

void smtp_server_consume_output(SmtpServer *server, size_t count)
{
    buffer_consume(&server->output, count);
}

size_t smtp_server_take_output(SmtpServer *server, size_t room,
                               Slice slices[static SMTP_OUTPUT_SLICES_MAXIMUM])
{
    size_t count = MIN(server->output.length, room);
    if (count > 0)
        slices[0] = buffer_take(&server->output, count);
    return count > 0;
}

bool smtp_server_is_held_back(const SmtpServer *server)
{
    return server->is_held_back;
}

bool smtp_server_is_finished(const SmtpServer *server)
{
    return server->state == SMTP_SERVER_CLOSED && server->output.length == 0;
}

SmtpTimeout smtp_server_timeout(const SmtpServer *server)
{
    bool waits = (!server->is_asking || is_shaking_hands(server)) &&
                 server->state != SMTP_SERVER_CONNECT && server->state != SMTP_SERVER_CLOSED;
    return waits ? SMTP_TIMEOUT_SERVER : SMTP_TIMEOUT_NONE;
}

int64_t smtp_server_timeout_ns(const SmtpServer *server)
{
    return smtp_timeouts_ns(server->options.timeouts, smtp_server_timeout(server));
}

uint32_t smtp_server_timeout_epoch(const SmtpServer *server)
{
    return server->epoch;
}

uint8_t smtp_server_state(const SmtpServer *server)
{
    return server->state;
}
