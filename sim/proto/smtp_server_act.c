/* The SMTP server's one door and what stands behind it: smtp_server_fire looks up the cell, changes
 * the state, and does the cell's action. */
#include "proto/smtp_server_internal.h"

#include "core/check.h"

/* One move through the table. */
typedef struct Move {
    uint8_t from;
    SmtpServerInput input;
    SmtpReply reply; /* chosen by the node or a refusal, else the cell's; code 0: none */
} Move;

/* The one door through which the state changes. */
static void set_state(SmtpServer *server, uint8_t next)
{
    const SmtpObserver *observer = &server->options.observer;
    uint8_t from = server->state;
    if (next == from)
        return;
    server->state = next;
    if (observer->state != NULL)
        observer->state(observer->user, &smtp_server_table, from, next);
}

static bool in_transaction(uint8_t state)
{
    return state == SMTP_SERVER_MAIL || state == SMTP_SERVER_RCPT || state == SMTP_SERVER_DATA ||
           state == SMTP_SERVER_CHUNK || state == SMTP_SERVER_CHUNKS ||
           state == SMTP_SERVER_FINAL_DOT;
}

static void drop_transaction(SmtpServer *server, uint8_t from, SmtpResetReason reason)
{
    if (!in_transaction(from))
        return;
    server->reset_due = true;
    server->reset_reason = reason;
}

static SmtpServerCloseReason close_reason(SmtpServerInput input)
{
    if (input == SMTP_SERVER_ON_QUIT)
        return SMTP_SERVER_CLOSE_QUIT;
    if (input == SMTP_SERVER_ON_TIME_OUT)
        return SMTP_SERVER_CLOSE_TIME_OUT;
    if (input == SMTP_SERVER_ON_SHUT_DOWN)
        return SMTP_SERVER_CLOSE_SHUT_DOWN;
    if (input == SMTP_SERVER_ON_TOO_MANY_ERRORS || input == SMTP_SERVER_ON_BDAT_MALFORMED)
        return SMTP_SERVER_CLOSE_ERRORS;
    return SMTP_SERVER_CLOSE_LOST;
}

/* Actions: the state has changed when they are done. */

static void say(SmtpServer *server, const Move *move)
{
    if (move->from == SMTP_SERVER_CONNECT)
        smtp_server_send_greeting(server, move->reply);
    else
        smtp_server_send_reply(server, move->reply);
}

static void ask_data(SmtpServer *server)
{
    smtp_server_ask(server, &(SmtpServerEvent){.kind = SMTP_SERVER_EVENT_DATA});
}

static void ask_message(SmtpServer *server)
{
    const SmtpContentDecoder *decoder = &server->decoder;
    bool is_plain = decoder->bare_newlines == SMTP_BARE_NEWLINES_REFUSED && !decoder->may_have_dots;
    smtp_server_ask(server,
                    &(SmtpServerEvent){.kind = SMTP_SERVER_EVENT_MESSAGE_END,
                                       .message = {.size = server->content_size,
                                                   .is_plain = is_plain,
                                                   .is_beyond_ascii = server->is_beyond_ascii}});
}

static void ask_vrfy(SmtpServer *server)
{
    smtp_server_ask_verify(server, SMTP_SERVER_EVENT_VRFY);
}

static void ask_expn(SmtpServer *server)
{
    smtp_server_ask_verify(server, SMTP_SERVER_EVENT_EXPN);
}

static void accept_auth(SmtpServer *server, const Move *move)
{
    server->authenticated = true;
    say(server, move);
}

/* RFC 3207 §6: what a client, or somebody on the way, has sent behind STARTTLS in the clear must
 * not be acted on as if it had come over TLS. */
static void begin_tls(SmtpServer *server, const Move *move)
{
    say(server, move);
    intake_consume(&server->input, intake_peek(&server->input).length);
}

/* RFC 3207 §4.2: as if the connection had just been greeted. */
static void forget_client(SmtpServer *server)
{
    server->tls = true;
    server->authenticated = false;
    server->extended = false;
}

static void greet_back(SmtpServer *server, const Move *move)
{
    drop_transaction(server, move->from, SMTP_RESET_COMMAND);
    smtp_server_send_hello(server, move->reply);
}

static void add_rcpt(SmtpServer *server, const Move *move)
{
    server->recipients++;
    say(server, move);
}

static void begin_data(SmtpServer *server, const Move *move)
{
    smtp_server_begin_data(server);
    say(server, move);
}

static void begin_chunk(SmtpServer *server, const Move *move)
{
    smtp_server_begin_chunk(server, move->from == SMTP_SERVER_RCPT);
}

static void end_chunk(SmtpServer *server)
{
    g_autofree char *text =
        g_strdup_printf("%" G_GUINT64_FORMAT " octets received", server->chunk_size);
    smtp_server_send_reply(server, smtp_reply(250, "2.0.0", text));
}

static void answer_message(SmtpServer *server, const Move *move)
{
    if (move->reply.code < 300)
        server->junk = 0;
    say(server, move);
}

static void reset(SmtpServer *server, const Move *move)
{
    drop_transaction(server, move->from, SMTP_RESET_COMMAND);
    say(server, move);
}

static void drop(SmtpServer *server, const Move *move)
{
    drop_transaction(server, move->from, SMTP_RESET_CONTENT);
    say(server, move);
}

static void close_channel(SmtpServer *server, const Move *move)
{
    drop_transaction(server, move->from, SMTP_RESET_CLOSED);
    server->closed_due = true;
    server->close_reason = close_reason(move->input);
    if (move->reply.code != 0)
        say(server, move);
}

static const struct {
    void (*act)(SmtpServer *server);
    void (*act_on)(SmtpServer *server, const Move *move);
} actions[SMTP_SERVER_ACTION_COUNT] = {
    [SMTP_SERVER_ACTION_REPLY] = {.act_on = say},
    [SMTP_SERVER_ACTION_ANSWER] = {.act_on = say},
    [SMTP_SERVER_ACTION_ASK_HELO] = {.act = smtp_server_ask_helo},
    [SMTP_SERVER_ACTION_ASK_MAIL] = {.act = smtp_server_ask_mail},
    [SMTP_SERVER_ACTION_ASK_RCPT] = {.act = smtp_server_ask_rcpt},
    [SMTP_SERVER_ACTION_ASK_DATA] = {.act = ask_data},
    [SMTP_SERVER_ACTION_ASK_MESSAGE] = {.act = ask_message},
    [SMTP_SERVER_ACTION_ASK_VRFY] = {.act = ask_vrfy},
    [SMTP_SERVER_ACTION_ASK_EXPN] = {.act = ask_expn},
    [SMTP_SERVER_ACTION_HELP] = {.act = smtp_server_send_help},
    [SMTP_SERVER_ACTION_BEGIN_TLS] = {.act_on = begin_tls},
    [SMTP_SERVER_ACTION_FORGET] = {.act = forget_client},
    [SMTP_SERVER_ACTION_BEGIN_AUTH] = {.act = smtp_server_begin_auth},
    [SMTP_SERVER_ACTION_TAKE_AUTH] = {.act = smtp_server_take_auth},
    [SMTP_SERVER_ACTION_ACCEPT_AUTH] = {.act_on = accept_auth},
    [SMTP_SERVER_ACTION_HELLO] = {.act_on = greet_back},
    [SMTP_SERVER_ACTION_ADD_RCPT] = {.act_on = add_rcpt},
    [SMTP_SERVER_ACTION_BEGIN_DATA] = {.act_on = begin_data},
    [SMTP_SERVER_ACTION_BEGIN_CHUNK] = {.act_on = begin_chunk},
    [SMTP_SERVER_ACTION_END_CHUNK] = {.act = end_chunk},
    [SMTP_SERVER_ACTION_ANSWER_MESSAGE] = {.act_on = answer_message},
    [SMTP_SERVER_ACTION_RESET] = {.act_on = reset},
    [SMTP_SERVER_ACTION_DROP] = {.act_on = drop},
    [SMTP_SERVER_ACTION_CLOSE] = {.act_on = close_channel},
};

void smtp_server_fire(SmtpServer *server, SmtpServerInput input, const SmtpReply *chosen)
{
    uint8_t from = server->state;
    const StateCell *cell = state_table_cell(&smtp_server_table, from, (uint8_t)input);
    CHECK(cell->action != SMTP_SERVER_ACTION_IMPOSSIBLE);
    Move move = {from, input, chosen != NULL ? *chosen : (SmtpReply){.code = cell->reply}};
    set_state(server, cell->next);
    if (actions[cell->action].act != NULL)
        actions[cell->action].act(server);
    else if (actions[cell->action].act_on != NULL)
        actions[cell->action].act_on(server, &move);
    else
        CHECK(cell->action == SMTP_SERVER_ACTION_NONE);
}

void smtp_server_refuse(SmtpServer *server, uint16_t code, const char *enhanced, const char *text)
{
    SmtpReply reply = smtp_reply(code, enhanced, text);
    smtp_server_fire(server, SMTP_SERVER_ON_COMMAND_REFUSED, &reply);
}

void smtp_server_refuse_size(SmtpServer *server, SmtpServerInput input)
{
    SmtpReply usual = smtp_reply(552, "5.3.4", "Message size exceeds fixed maximum message size");
    const SmtpReply *chosen = server->options.size_reply;
    server->refuses_size = true;
    smtp_server_fire(server, input, chosen != NULL ? chosen : &usual);
    server->refuses_size = false;
}

bool smtp_server_refuses_size(const SmtpServer *server)
{
    return server->refuses_size;
}

void smtp_server_ask(SmtpServer *server, const SmtpServerEvent *event)
{
    server->question++;
    if (server->question == 0) /* 0 means "no question" */
        server->question++;
    server->is_asking = true;
    server->asked = event->kind;
    server->event = *event;
    server->event.token = server->question;
    server->has_event = true;
}
