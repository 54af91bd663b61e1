/* Tests of proto/smtp_server: every cell of the table. */
#include "smtp_server_session.h"
#include "state_walk.h"

/* The table */

static void test_table_is_whole(void **state)
{
    (void)state;
    assert_null(state_table_find_defect(&smtp_server_table));
}

static void enter(Session *session, SmtpServerState state)
{
    static const char *const scripts[SMTP_SERVER_STATE_COUNT] = {
        [SMTP_SERVER_CONNECT] = "",
        [SMTP_SERVER_REFUSED] = "",
        [SMTP_SERVER_GREETED] = "",
        [SMTP_SERVER_READY] = "EHLO a\r\n",
        [SMTP_SERVER_AUTH] = "EHLO a\r\nAUTH LOGIN\r\n",
        [SMTP_SERVER_TLS] = "EHLO a\r\nSTARTTLS\r\n",
        [SMTP_SERVER_CHUNK] = "EHLO a\r\nMAIL FROM:<>\r\nRCPT TO:<b@b>\r\nBDAT 3 LAST\r\n",
        [SMTP_SERVER_CHUNKS] = "EHLO a\r\nMAIL FROM:<>\r\nRCPT TO:<b@b>\r\nBDAT 1\r\nx",
        [SMTP_SERVER_MAIL] = "EHLO a\r\nMAIL FROM:<>\r\n",
        [SMTP_SERVER_RCPT] = "EHLO a\r\nMAIL FROM:<>\r\nRCPT TO:<b@b>\r\n",
        [SMTP_SERVER_DATA] = "EHLO a\r\nMAIL FROM:<>\r\nRCPT TO:<b@b>\r\nDATA\r\n",
        [SMTP_SERVER_FINAL_DOT] = "EHLO a\r\nMAIL FROM:<>\r\nRCPT TO:<b@b>\r\nDATA\r\n.\r\n",
        [SMTP_SERVER_CLOSED] = "QUIT\r\n",
    };
    if (state == SMTP_SERVER_CONNECT)
        session->hold = SMTP_SERVER_EVENT_CONNECT;
    if (state == SMTP_SERVER_TLS)
        session->hold = SMTP_SERVER_EVENT_TLS;
    if (state == SMTP_SERVER_FINAL_DOT)
        session->hold = SMTP_SERVER_EVENT_MESSAGE_END;
    if (state == SMTP_SERVER_REFUSED) {
        session->special = SMTP_SERVER_EVENT_CONNECT;
        session->answer = smtp_reply(554, NULL, "");
    }
    feed(session, scripts[state]);
    if (state == SMTP_SERVER_CHUNK && session->more_chunks)
        feed(session, "x\r\nRSET\r\nMAIL FROM:<>\r\nRCPT TO:<b@b>\r\nBDAT 3\r\n");
    assert_int_equal(smtp_server_state(session->server), state);
    g_string_truncate(session->output, 0);
}

/* The same, and there an error that uses up a limit of one. */
static void enter_with_error(Session *session, SmtpServerState state)
{
    static const char *const last[SMTP_SERVER_STATE_COUNT] = {
        [SMTP_SERVER_REFUSED] = "NOOP\r\n", [SMTP_SERVER_GREETED] = "FOO\r\n",
        [SMTP_SERVER_READY] = "FOO\r\n",    [SMTP_SERVER_MAIL] = "FOO\r\n",
        [SMTP_SERVER_RCPT] = "FOO\r\n",     [SMTP_SERVER_CHUNKS] = "FOO\r\n",
    };
    enter(session, state);
    feed(session, last[state]);
    assert_int_equal(smtp_server_state(session->server), state);
    g_string_truncate(session->output, 0);
}

/* What makes an input happen: a line, or the node's answer or news. */
static const char *line_of(SmtpServerState state, SmtpServerInput input)
{
    static const char *const lines[SMTP_SERVER_INPUT_COUNT] = {
        [SMTP_SERVER_ON_EHLO] = "EHLO a\r\n",
        [SMTP_SERVER_ON_HELO] = "HELO a\r\n",
        [SMTP_SERVER_ON_STARTTLS] = "STARTTLS\r\n",
        [SMTP_SERVER_ON_BDAT] = "BDAT 3 LAST\r\n",
        [SMTP_SERVER_ON_BDAT_MALFORMED] = "BDAT many\r\n",
        [SMTP_SERVER_ON_VRFY_ANSWERED] = "VRFY bob\r\n",
        [SMTP_SERVER_ON_AUTH] = "AUTH PLAIN AGEAYg==\r\n",
        [SMTP_SERVER_ON_MAIL] = "MAIL FROM:<a@a>\r\n",
        [SMTP_SERVER_ON_RCPT] = "RCPT TO:<b@b>\r\n",
        [SMTP_SERVER_ON_DATA] = "DATA\r\n",
        [SMTP_SERVER_ON_RSET] = "RSET\r\n",
        [SMTP_SERVER_ON_NOOP] = "NOOP\r\n",
        [SMTP_SERVER_ON_VRFY] = "VRFY bob\r\n",
        [SMTP_SERVER_ON_EXPN] = "EXPN list\r\n",
        [SMTP_SERVER_ON_HELP] = "HELP\r\n",
        [SMTP_SERVER_ON_QUIT] = "QUIT\r\n",
        [SMTP_SERVER_ON_UNKNOWN] = "TURN\r\n",
        [SMTP_SERVER_ON_AUTH_LINE] = "Ym9i\r\n",
        [SMTP_SERVER_ON_END_OF_CONTENT] = "x\r\n.\r\n",
        [SMTP_SERVER_ON_CONTENT_REFUSED] = "x\ny\r\n.\r\n",
        [SMTP_SERVER_ON_HELO_ACCEPTED] = "EHLO a\r\n",
        [SMTP_SERVER_ON_AUTH_CHALLENGED] = "AUTH LOGIN\r\n",
        [SMTP_SERVER_ON_AUTH_ACCEPTED] = "AUTH PLAIN AGEAYg==\r\n",
        [SMTP_SERVER_ON_MAIL_ACCEPTED] = "MAIL FROM:<a@a>\r\n",
        [SMTP_SERVER_ON_RCPT_ACCEPTED] = "RCPT TO:<b@b>\r\n",
        [SMTP_SERVER_ON_DATA_ACCEPTED] = "DATA\r\n",
        [SMTP_SERVER_ON_COMMAND_REFUSED] = "EHLO\r\n",
    };
    bool is_reading =
        state == SMTP_SERVER_CHUNK || state == SMTP_SERVER_RCPT || state == SMTP_SERVER_CHUNKS;
    if (input == SMTP_SERVER_ON_BDAT && !is_reading)
        return "BDAT 3 LAST\r\nabc";
    if (state == SMTP_SERVER_CHUNK && input == SMTP_SERVER_ON_CONTENT_REFUSED)
        return "a\nb";
    if (state == SMTP_SERVER_CHUNK)
        return "a\r\n";
    if (state != SMTP_SERVER_AUTH)
        return lines[input];
    if (input == SMTP_SERVER_ON_AUTH_CHALLENGED)
        return "Ym9i\r\n";
    if (input == SMTP_SERVER_ON_AUTH_ACCEPTED)
        return "Ym9i\r\nYg==\r\n";
    return input == SMTP_SERVER_ON_COMMAND_REFUSED ? "*\r\n" : lines[input];
}

/* The question whose answer an asking action leaves open. */
static SmtpServerEventKind asked_by(SmtpServerInput input)
{
    switch ((int)input) {
    case SMTP_SERVER_ON_EHLO:
    case SMTP_SERVER_ON_HELO:
        return SMTP_SERVER_EVENT_HELO;
    case SMTP_SERVER_ON_STARTTLS:
        return SMTP_SERVER_EVENT_TLS;
    case SMTP_SERVER_ON_VRFY:
        return SMTP_SERVER_EVENT_VRFY;
    case SMTP_SERVER_ON_EXPN:
        return SMTP_SERVER_EVENT_EXPN;
    case SMTP_SERVER_ON_AUTH:
        return SMTP_SERVER_EVENT_AUTH;
    case SMTP_SERVER_ON_MAIL:
        return SMTP_SERVER_EVENT_MAIL;
    case SMTP_SERVER_ON_RCPT:
        return SMTP_SERVER_EVENT_RCPT;
    case SMTP_SERVER_ON_DATA:
        return SMTP_SERVER_EVENT_DATA;
    case SMTP_SERVER_ON_END_OF_CONTENT:
        return SMTP_SERVER_EVENT_MESSAGE_END;
    }
    return SMTP_SERVER_EVENT_CONTENT;
}

static void cause_input(Session *session, SmtpServerState state, SmtpServerInput input)
{
    SmtpServer *server = session->server;
    bool open = state == SMTP_SERVER_CONNECT || state == SMTP_SERVER_FINAL_DOT;
    bool from_tls = state == SMTP_SERVER_TLS && input != SMTP_SERVER_ON_TLS_STARTED;
    /* In TLS only what strikes before the 220 has been taken does so: an open question waits. */
    if (from_tls) {
        smtp_server_free(server);
        session->server = server = smtp_server_new(&session->options);
        SmtpServerEvent event;
        while (smtp_server_next_event(server, &event))
            smtp_server_accept(server, event.token);
        smtp_server_receive(server, span_of_text("EHLO a\r\nSTARTTLS\r\n"));
        while (smtp_server_next_event(server, &event))
            smtp_server_accept(server, event.token);
        assert_int_equal(smtp_server_state(server), SMTP_SERVER_TLS);
        g_string_truncate(session->log, 0);
    }
    switch ((int)input) {
    case SMTP_SERVER_ON_GREETING_ACCEPTED:
    case SMTP_SERVER_ON_MESSAGE_ANSWERED:
    case SMTP_SERVER_ON_TLS_STARTED:
        smtp_server_accept(server, session->token);
        break;
    case SMTP_SERVER_ON_GREETING_REFUSED:
        smtp_server_answer(server, session->token, smtp_reply(554, NULL, "no"));
        break;
    case SMTP_SERVER_ON_SHUT_DOWN:
        if (open)
            smtp_server_answer(server, session->token, smtp_reply(421, NULL, "bye"));
        else
            smtp_server_shut_down(server);
        break;
    case SMTP_SERVER_ON_TIME_OUT:
        smtp_server_time_out(server);
        break;
    case SMTP_SERVER_ON_CONNECTION_END:
        smtp_server_receive_end(server);
        break;
    default:
        feed(session, line_of(state, input));
    }
    run(session);
}

/* What an action must have left in the log: the questions, the replies, the reset, the end. */
typedef struct Effect {
    const char *action;
    const char *question; /* NULL: none is asked */
    int replies;
    bool resets; /* where a transaction is under way */
} Effect;

static const Effect effects[] = {
    {"reply", NULL, 1, false},
    {"send the chosen reply", NULL, 1, false},
    {"ask: is this client welcome?", "helo a\n", 0, false},
    {"ask: may this sender send?", "mail <a@a>\n", 0, false},
    {"ask: is this recipient taken?", "rcpt <b@b>\n", 0, false},
    {"ask: may the content come?", "data\n", 0, false},
    {"ask: is the message safe?", "message [", 0, false},
    {"ask: who is this?", "verify bob\n", 0, false},
    {"ask: who is on this list?", "verify list\n", 0, false},
    {"name the commands", NULL, 1, false},
    {"reply, then hide the stream behind TLS", "tls\n", 1, false},
    {"forget all that the client said", NULL, 0, false},
    {"read mechanism; ask: are these credentials right?", "auth PLAIN a b\n", 0, false},
    {"read response; ask: are these credentials right?", NULL, 1, false}, /* 334, for the next */
    {"remember who it is, send the chosen reply", NULL, 1, false},
    {"drop any transaction, name the extensions", NULL, 1, true},
    {"add the recipient, send the chosen reply", NULL, 1, false},
    {"reply, then read content", NULL, 1, false},
    {"read the chunk", NULL, 0, false},
    {"say how much has come", NULL, 1, false},
    {"send the chosen reply, begin anew", NULL, 1, false},
    {"drop the transaction, reply", NULL, 1, true},
    {"drop the transaction, send the chosen reply", NULL, 1, true},
    {"reply, drop any transaction, close", NULL, 1, true},
    {"nothing", NULL, 0, false},
};

static const Effect *effect_of(const StateCell *cell)
{
    for (size_t i = 0; i < G_N_ELEMENTS(effects); i++) {
        if (strcmp(effects[i].action, smtp_server_table.actions[cell->action]) == 0)
            return &effects[i];
    }
    fail_msg("no effect is known of: %s", smtp_server_table.actions[cell->action]);
    return NULL;
}

/* Replies in the log, and the code of the last. */
static int count_replies(const Session *session, int *last)
{
    int count = 0;
    for (const char *at = strstr(session->log->str, "S "); at != NULL;
         at = strstr(at + 1, "\nS ")) {
        at += at[0] == '\n';
        *last = (int)g_ascii_strtoull(at + 2, NULL, 10);
        count++;
    }
    return count;
}

static bool has_transaction(SmtpServerState state)
{
    return state == SMTP_SERVER_MAIL || state == SMTP_SERVER_RCPT || state == SMTP_SERVER_DATA ||
           state == SMTP_SERVER_CHUNK || state == SMTP_SERVER_CHUNKS ||
           state == SMTP_SERVER_FINAL_DOT;
}

static void check_effects(const Session *session, SmtpServerState state, SmtpServerInput input,
                          const StateCell *cell)
{
    const Effect *effect = effect_of(cell);
    const char *log = session->log->str;
    int last = 0, replies = count_replies(session, &last), wanted = effect->replies;
    if (input == SMTP_SERVER_ON_CONNECTION_END)
        wanted = 0; /* nobody would hear it */
    if (state == SMTP_SERVER_AUTH && input == SMTP_SERVER_ON_AUTH_ACCEPTED)
        wanted = 2; /* a challenge before */
    bool resets = effect->resets && has_transaction(state);
    bool closes = cell->next == SMTP_SERVER_CLOSED && state != SMTP_SERVER_CLOSED;
    bool questions = effect->question == NULL || strstr(log, effect->question) != NULL;
    if (smtp_server_state(session->server) != cell->next || replies != wanted || !questions ||
        (cell->reply != 0 && wanted > 0 && last != cell->reply) ||
        (strstr(log, "reset ") != NULL) != resets || (strstr(log, "closed ") != NULL) != closes)
        fail_msg("[%s][%s] leads to %s:\n%s", smtp_server_table.states[state],
                 smtp_server_table.events[input],
                 smtp_server_table.states[smtp_server_state(session->server)], log);
}

static bool walk_cell(uint8_t state, uint8_t input, const StateCell *cell)
{
    SmtpServerOptions options = smtp_server_options("mx.b.example");
    options.extensions |= SMTP_EXTENSION_AUTH | SMTP_EXTENSION_CHUNKING | SMTP_EXTENSION_STARTTLS;
    bool too_many = input == SMTP_SERVER_ON_TOO_MANY_ERRORS;
    if (too_many)
        options.error_maximum = 1;
    Session *session = session_with(options);
    session->more_chunks = input == SMTP_SERVER_ON_CHUNK_END;
    if (too_many)
        enter_with_error(session, state);
    else
        enter(session, state);
    if (effect_of(cell)->question != NULL)
        session->hold = asked_by(input);
    g_string_truncate(session->log, 0);
    if (too_many)
        feed(session, "NOOP\r\n");
    else
        cause_input(session, state, input);
    check_effects(session, state, input, cell);
    session_free(session);
    return true;
}

static void test_every_cell_does_what_it_says(void **state)
{
    (void)state;
    assert_true(walk_cells(&smtp_server_table, walk_cell).walked > 100);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_table_is_whole),
        cmocka_unit_test(test_every_cell_does_what_it_says),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
