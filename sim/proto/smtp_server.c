/* The SMTP server engine: its input, its table, its door.
 *
 * Input is read a step at a time, a command line or a piece of content, and only while no question
 * is open and the output has room for what a step may send. Everything that happens goes through
 * smtp_server_fire, which looks up the cell, changes the state, and does the cell's action. */
#include "proto/smtp_server_internal.h"

#include "core/check.h"

#include <string.h>

SmtpServerOptions smtp_server_options(const char *name)
{
    return (SmtpServerOptions){.name = name,
                               .extensions = SMTP_EXTENSIONS_DEFAULT,
                               .recipient_maximum = SMTP_RECIPIENTS_MINIMUM,
                               .error_maximum = SMTP_SERVER_ERRORS_DEFAULT,
                               .junk_maximum = SMTP_SERVER_JUNK_DEFAULT};
}

SmtpServer *smtp_server_new(const SmtpServerOptions *options)
{
    SmtpServer *server = g_new0(SmtpServer, 1);
    server->options = *options;
    server->name = g_strdup(options->name);
    server->options.name = server->name;
    server->state = smtp_server_table.initial;
    buffer_init(&server->input, SMTP_SERVER_INPUT_MAXIMUM);
    buffer_init(&server->output, SMTP_SERVER_OUTPUT_MAXIMUM);
    return server;
}

void smtp_server_free(SmtpServer *server)
{
    if (server == NULL)
        return;
    buffer_clear(&server->input);
    buffer_clear(&server->output);
    g_free(server->auth_name);
    g_free(server->name);
    g_free(server);
}

/* The table and its actions */

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

static void ask(SmtpServer *server, SmtpServerEventKind kind)
{
    SmtpServerEvent event = {.kind = kind};
    if (kind == SMTP_SERVER_EVENT_MESSAGE_END)
        event.message.size = server->content_size;
    smtp_server_ask(server, event);
}

/* RFC 3207 §4.2: as if the connection had just been greeted. */
static void forget_client(SmtpServer *server)
{
    server->tls = true;
    server->authenticated = false;
    server->extended = false;
    server->client_name[0] = '\0';
}

/* RFC 3207 §6: what a client, or somebody on the way, has sent behind STARTTLS in the clear must
 * not be acted on as if it had come over TLS. */
static void begin_tls(SmtpServer *server, const SmtpReply *reply)
{
    smtp_server_send_reply(server, *reply);
    buffer_consume(&server->input, server->input.length);
}

static void end_chunk(SmtpServer *server)
{
    g_autofree char *text =
        g_strdup_printf("%" G_GUINT64_FORMAT " octets received", server->chunk_size);
    smtp_server_send_reply(server, smtp_reply(250, "2.0.0", text));
}

/* A transition's consequences, after the state has changed. Longer than most functions: one case an
 * action, none of which does more than name what is done. */
/* NOLINTNEXTLINE(readability-function-size) */
static void act(SmtpServer *server, const StateCell *cell, uint8_t from, SmtpServerInput input,
                const SmtpReply *chosen)
{
    SmtpReply reply = chosen != NULL ? *chosen : (SmtpReply){.code = cell->reply};
    if (input == SMTP_SERVER_ON_BDAT_MALFORMED && cell->reply == 421)
        reply = smtp_reply(421, "4.5.4", "BDAT without a size: cannot tell where its chunk ends");
    switch ((SmtpServerAction)cell->action) {
    case SMTP_SERVER_ACTION_IMPOSSIBLE:
    case SMTP_SERVER_ACTION_COUNT:
        CHECK(false);
    case SMTP_SERVER_ACTION_NONE:
        return;
    case SMTP_SERVER_ACTION_ASK_HELO:
        smtp_server_ask_helo(server);
        return;
    case SMTP_SERVER_ACTION_ASK_MAIL:
        smtp_server_ask_mail(server);
        return;
    case SMTP_SERVER_ACTION_ASK_RCPT:
        smtp_server_ask_rcpt(server);
        return;
    case SMTP_SERVER_ACTION_BEGIN_AUTH:
        smtp_server_begin_auth(server);
        return;
    case SMTP_SERVER_ACTION_TAKE_AUTH:
        smtp_server_take_auth(server);
        return;
    case SMTP_SERVER_ACTION_ASK_DATA:
        ask(server, SMTP_SERVER_EVENT_DATA);
        return;
    case SMTP_SERVER_ACTION_ASK_VRFY:
        smtp_server_ask_verify(server, SMTP_SERVER_EVENT_VRFY);
        return;
    case SMTP_SERVER_ACTION_ASK_EXPN:
        smtp_server_ask_verify(server, SMTP_SERVER_EVENT_EXPN);
        return;
    case SMTP_SERVER_ACTION_HELP:
        smtp_server_send_help(server);
        return;
    case SMTP_SERVER_ACTION_BEGIN_TLS:
        begin_tls(server, &reply);
        return;
    case SMTP_SERVER_ACTION_FORGET:
        forget_client(server);
        return;
    case SMTP_SERVER_ACTION_BEGIN_CHUNK:
        smtp_server_begin_chunk(server, from == SMTP_SERVER_RCPT);
        return;
    case SMTP_SERVER_ACTION_END_CHUNK:
        end_chunk(server);
        return;
    case SMTP_SERVER_ACTION_ASK_MESSAGE:
        ask(server, SMTP_SERVER_EVENT_MESSAGE_END);
        return;
    case SMTP_SERVER_ACTION_ACCEPT_AUTH:
        server->authenticated = true;
        break;
    case SMTP_SERVER_ACTION_HELLO:
        drop_transaction(server, from, SMTP_RESET_COMMAND);
        smtp_server_send_hello(server, reply);
        return;
    case SMTP_SERVER_ACTION_ADD_RCPT:
        server->recipients++;
        break;
    case SMTP_SERVER_ACTION_BEGIN_DATA:
        smtp_server_begin_data(server);
        break;
    case SMTP_SERVER_ACTION_ANSWER_MESSAGE:
        if (reply.code < 300)
            server->junk = 0;
        break;
    case SMTP_SERVER_ACTION_RESET:
        drop_transaction(server, from, SMTP_RESET_COMMAND);
        break;
    case SMTP_SERVER_ACTION_DROP:
        drop_transaction(server, from, SMTP_RESET_CONTENT);
        break;
    case SMTP_SERVER_ACTION_CLOSE:
        drop_transaction(server, from, SMTP_RESET_CLOSED);
        server->closed_due = true;
        server->close_reason = close_reason(input);
        if (reply.code == 0)
            return;
        break;
    case SMTP_SERVER_ACTION_REPLY:
    case SMTP_SERVER_ACTION_ANSWER:
        break;
    }
    if (from == SMTP_SERVER_CONNECT)
        smtp_server_send_greeting(server, reply);
    else
        smtp_server_send_reply(server, reply);
}

void smtp_server_fire(SmtpServer *server, SmtpServerInput input, const SmtpReply *chosen)
{
    uint8_t from = server->state;
    const StateCell *cell = state_table_cell(&smtp_server_table, from, (uint8_t)input);
    CHECK(cell->action != SMTP_SERVER_ACTION_IMPOSSIBLE);
    set_state(server, cell->next);
    act(server, cell, from, input, chosen);
}

void smtp_server_refuse(SmtpServer *server, uint16_t code, const char *enhanced, const char *text)
{
    SmtpReply reply = smtp_reply(code, enhanced, text);
    smtp_server_fire(server, SMTP_SERVER_ON_COMMAND_REFUSED, &reply);
}

void smtp_server_ask(SmtpServer *server, SmtpServerEvent event)
{
    server->last_token++;
    if (server->last_token == 0) /* 0 means "no question" */
        server->last_token++;
    event.token = server->last_token;
    server->question = event.token;
    server->asked = event.kind;
    server->event = event;
    server->has_event = true;
}

/* Command lines */

static void observe_command(const SmtpServer *server, Span line)
{
    const SmtpObserver *observer = &server->options.observer;
    if (observer->command != NULL)
        observer->command(observer->user, line);
}

/* Index of the LF that ends the line, or the length of `bytes`. Only CRLF ends a line (§2.3.8). */
static size_t line_find_end(const SmtpServer *server, Span bytes)
{
    bool ends_lines = server->options.bare_newlines == SMTP_BARE_NEWLINES_END_LINES;
    for (size_t at = 0; at < bytes.length; at++) {
        at += span_find(span_skip(bytes, at), '\n');
        if (at == bytes.length)
            break;
        if (ends_lines || (at > 0 && bytes.data[at - 1] == '\r'))
            return at;
    }
    return bytes.length;
}

/* A line that is no command at all: `text` says why. */
static void reject_line(SmtpServer *server, const char *text)
{
    SmtpReply reply = smtp_reply(500, "5.5.2", text);
    bool refused = server->state == SMTP_SERVER_REFUSED; /* where everything is 503 */
    if (server->state == SMTP_SERVER_AUTH)
        smtp_server_fire(server, SMTP_SERVER_ON_COMMAND_REFUSED, &reply);
    else
        smtp_server_fire(server, SMTP_SERVER_ON_UNKNOWN, refused ? NULL : &reply);
}

static bool too_many_errors(SmtpServer *server)
{
    uint32_t maximum = server->options.error_maximum;
    if (maximum == 0 || server->errors < maximum)
        return false;
    SmtpReply reply = smtp_reply(421, "4.7.0", "Too many errors, closing transmission channel");
    smtp_server_fire(server, SMTP_SERVER_ON_TOO_MANY_ERRORS, &reply);
    return true;
}

static bool has_bare_newline(const SmtpServer *server, Span line)
{
    return server->options.bare_newlines != SMTP_BARE_NEWLINES_END_LINES &&
           (span_find(line, '\r') < line.length || span_find(line, '\n') < line.length);
}

/* A command that does not further any mail: beyond a number of them each is an error. */
static void count_junk(SmtpServer *server)
{
    uint32_t maximum = server->options.junk_maximum;
    if (maximum == 0 || !smtp_server_command_is_junk(&server->command))
        return;
    if (server->junk < maximum)
        server->junk++;
    else
        server->errors++;
}

/* BDAT: the octets behind the line are its chunk, whatever becomes of it. */
static void take_bdat(SmtpServer *server)
{
    if (!smtp_server_read_bdat(server)) {
        smtp_server_fire(server, SMTP_SERVER_ON_BDAT_MALFORMED, NULL);
        return;
    }
    server->skipping_chunk = server->state != SMTP_SERVER_RCPT &&
                             server->state != SMTP_SERVER_CHUNKS && server->chunk_left > 0;
    if (!server->skipping_chunk)
        smtp_server_fire(server, SMTP_SERVER_ON_BDAT, NULL);
}

/* Acts on one command line, CRLF removed. */
static void take_line(SmtpServer *server, Span line)
{
    observe_command(server, line);
    server->command = (SmtpCommand){SMTP_SERVER_ON_AUTH_LINE, line};
    if (server->state != SMTP_SERVER_AUTH)
        server->command = smtp_server_command_parse(server, line);
    if (too_many_errors(server))
        return;
    count_junk(server);
    if (has_bare_newline(server, line))
        reject_line(server, "Bare CR or LF is not allowed");
    else if (smtp_server_command_has_excess(&server->command) &&
             server->state != SMTP_SERVER_REFUSED)
        smtp_server_refuse(server, 501, "5.5.4", "This command takes no argument");
    else if (server->command.input == SMTP_SERVER_ON_BDAT)
        take_bdat(server);
    else
        smtp_server_fire(server, server->command.input, NULL);
}

/* Drops octets of a line that is too long; true when its end has come. */
static bool skip_line(SmtpServer *server)
{
    Span bytes = buffer_peek(&server->input);
    size_t end = line_find_end(server, bytes);
    if (end < bytes.length) {
        buffer_consume(&server->input, end + 1);
        server->skipping_line = false;
        return true;
    }
    bool half = bytes.length > 0 && bytes.data[bytes.length - 1] == '\r';
    buffer_consume(&server->input, bytes.length - (half ? 1 : 0));
    return false;
}

/* Finishes a line that was too long: one reply, once it has been read to its end. */
static bool step_long_line(SmtpServer *server)
{
    if (!skip_line(server))
        return false;
    if (!too_many_errors(server))
        reject_line(server, "Line too long");
    return true;
}

/* Known as soon as the octets that may make up a line have come without its end. */
static bool line_is_too_long(Span bytes, size_t end)
{
    if (end < bytes.length)
        return end + 1 > SMTP_COMMAND_LINE_MAXIMUM;
    return bytes.length >= SMTP_COMMAND_LINE_MAXIMUM;
}

static bool step_command(SmtpServer *server)
{
    if (server->skipping_line)
        return step_long_line(server);
    Span bytes = buffer_peek(&server->input);
    size_t end = line_find_end(server, bytes);
    if (line_is_too_long(bytes, end)) {
        /* Its first octets are all that the trace is told. */
        observe_command(server, span_of(bytes.data, SMTP_COMMAND_LINE_MINIMUM));
        server->command = (SmtpCommand){.input = SMTP_SERVER_ON_UNKNOWN};
        server->skipping_line = true;
        return step_long_line(server);
    }
    if (end == bytes.length)
        return false;
    size_t length = end > 0 && bytes.data[end - 1] == '\r' ? end - 1 : end;
    /* The octets stay where they are until more are received, so the spans of an event may point
     * to them. */
    buffer_consume(&server->input, end + 1);
    take_line(server, span_of(bytes.data, length));
    return true;
}

/* Steps and events */

/* The 220 leaves in the clear; then, and not before, the node may hide the stream. */
static bool step_tls(SmtpServer *server)
{
    if (server->output.length > 0 || server->input_ended)
        return false;
    ask(server, SMTP_SERVER_EVENT_TLS);
    return true;
}

static bool step(SmtpServer *server)
{
    bool moved = false;
    if (buffer_room(&server->output) < SMTP_SERVER_OUTPUT_RESERVE)
        return false;
    if (server->state == SMTP_SERVER_CONNECT) {
        ask(server, SMTP_SERVER_EVENT_CONNECT);
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
        moved = step_command(server);
    if (!moved && server->input_ended) {
        smtp_server_fire(server, SMTP_SERVER_ON_CONNECTION_END, NULL);
        return true;
    }
    return moved;
}

/* Hands out what has been put by: a reset comes before the end, and both before the next thing. */
static bool take_event(SmtpServer *server, SmtpServerEvent *event)
{
    if (server->reset_due) {
        *event = (SmtpServerEvent){.kind = SMTP_SERVER_EVENT_RESET, .reset = server->reset_reason};
        server->reset_due = false;
        return true;
    }
    if (server->closed_due) {
        *event =
            (SmtpServerEvent){.kind = SMTP_SERVER_EVENT_CLOSED, .closed = server->close_reason};
        server->closed_due = false;
        return true;
    }
    *event = server->event;
    bool taken = server->has_event;
    server->has_event = false;
    return taken;
}

bool smtp_server_next_event(SmtpServer *server, SmtpServerEvent *event)
{
    for (;;) {
        if (take_event(server, event))
            return true;
        if (server->question != 0 || server->state == SMTP_SERVER_CLOSED || !step(server))
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

static uint16_t standard_code(SmtpServerEventKind asked)
{
    uint8_t input = (uint8_t)input_of_acceptance(asked);
    for (uint8_t state = 0; state < SMTP_SERVER_STATE_COUNT; state++) {
        const StateCell *cell = state_table_cell(&smtp_server_table, state, input);
        if (cell->reply != 0)
            return cell->reply;
    }
    CHECK(false);
}

void smtp_server_answer(SmtpServer *server, uint32_t token, SmtpReply reply)
{
    CHECK(token != 0 && token == server->question);
    CHECK(server->asked != SMTP_SERVER_EVENT_TLS);
    uint16_t standard = standard_code(server->asked);
    CHECK(reply.code >= 400 || reply.code / 10 == standard / 10);
    /* The question stays open while its reply is written: it gives the enhanced code. */
    smtp_server_fire(server, input_of_answer(server->asked, reply.code), &reply);
    server->question = 0;
    if (server->shut_down_due)
        smtp_server_shut_down(server);
}

/* No reply belongs to it: the client speaks next, over TLS. */
static void accept_tls(SmtpServer *server)
{
    smtp_server_fire(server, SMTP_SERVER_ON_TLS_STARTED, NULL);
    server->question = 0;
    server->epoch++;
    if (server->shut_down_due)
        smtp_server_shut_down(server);
}

void smtp_server_accept(SmtpServer *server, uint32_t token)
{
    if (server->asked == SMTP_SERVER_EVENT_TLS && token == server->question) {
        accept_tls(server);
        return;
    }
    smtp_server_answer(server, token, (SmtpReply){.code = standard_code(server->asked)});
}

void smtp_server_shut_down(SmtpServer *server)
{
    server->shut_down_due = server->question != 0;
    if (server->shut_down_due)
        return;
    server->command = (SmtpCommand){.input = SMTP_SERVER_ON_UNKNOWN};
    smtp_server_fire(server, SMTP_SERVER_ON_SHUT_DOWN, NULL);
}

void smtp_server_time_out(SmtpServer *server)
{
    CHECK(server->question == 0);
    server->command = (SmtpCommand){.input = SMTP_SERVER_ON_UNKNOWN};
    SmtpReply reply = smtp_reply(421, "4.4.2", "Timeout, closing transmission channel");
    smtp_server_fire(server, SMTP_SERVER_ON_TIME_OUT, &reply);
}

/* Bytes in, bytes out */

void smtp_server_receive(SmtpServer *server, Span bytes)
{
    CHECK(!server->input_ended);
    CHECK(bytes.length <= smtp_server_input_room(server));
    buffer_append(&server->input, bytes);
}

void smtp_server_receive_end(SmtpServer *server)
{
    server->input_ended = true;
}

size_t smtp_server_input_room(const SmtpServer *server)
{
    bool deaf = server->state == SMTP_SERVER_CLOSED || server->state == SMTP_SERVER_TLS;
    return deaf ? 0 : buffer_room(&server->input);
}

Span smtp_server_peek_output(const SmtpServer *server)
{
    return buffer_peek(&server->output);
}

void smtp_server_consume_output(SmtpServer *server, size_t count)
{
    buffer_consume(&server->output, count);
}

bool smtp_server_is_finished(const SmtpServer *server)
{
    return server->state == SMTP_SERVER_CLOSED && server->output.length == 0;
}

SmtpTimeout smtp_server_timeout(const SmtpServer *server)
{
    bool waits = server->question == 0 && server->state != SMTP_SERVER_CONNECT &&
                 server->state != SMTP_SERVER_CLOSED;
    return waits ? SMTP_TIMEOUT_SERVER : SMTP_TIMEOUT_NONE;
}

uint32_t smtp_server_timeout_epoch(const SmtpServer *server)
{
    return server->epoch;
}

uint8_t smtp_server_state(const SmtpServer *server)
{
    return server->state;
}
