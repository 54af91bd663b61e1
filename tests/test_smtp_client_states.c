/* Tests of proto/smtp_client: every cell of the table. */
#include "smtp_client_session.h"
#include "state_walk.h"

/* The table */

static void test_table_is_whole(void **state)
{
    (void)state;
    assert_null(state_table_find_defect(&smtp_client_table));
}

/* Brings a session to `state`, with one recipient. */
static Session *enter(SmtpClientState state, bool auth, bool helo_only, bool two_in_flight,
                      bool chunking)
{
    static const char *const scripts[SMTP_CLIENT_STATE_COUNT][4] = {
        [SMTP_CLIENT_EHLO] = {"220 b\r\n"},
        [SMTP_CLIENT_HELO] = {"220 b\r\n", "500 what\r\n"},
        [SMTP_CLIENT_STARTTLS] = {"220 b\r\n", "250-b\r\n250 STARTTLS\r\n"},
        [SMTP_CLIENT_TLS] = {"220 b\r\n", "250-b\r\n250 STARTTLS\r\n", "220 go\r\n"},
        [SMTP_CLIENT_AUTH] = {"220 b\r\n", "250-b\r\n250 AUTH LOGIN\r\n"},
        [SMTP_CLIENT_READY] = {"220 b\r\n", "250 b\r\n"},
        [SMTP_CLIENT_QUIT] = {"554 b\r\n"},
        [SMTP_CLIENT_CLOSED] = {"421 b\r\n"},
    };
    static const char *const replies[SMTP_CLIENT_STATE_COUNT] = {
        [SMTP_CLIENT_MAIL] = "",
        [SMTP_CLIENT_RCPT] = "250 ok\r\n",
        [SMTP_CLIENT_DATA] = "250 ok\r\n250 ok\r\n",
        [SMTP_CLIENT_CONTENT] = "250 ok\r\n250 ok\r\n354 go\r\n",
        [SMTP_CLIENT_CHUNKS] = "250 ok\r\n250 ok\r\n",
        [SMTP_CLIENT_FINAL_DOT] = "250 ok\r\n250 ok\r\n354 go\r\n",
        [SMTP_CLIENT_DRAIN] = "250 ok\r\n550 no\r\n",
        [SMTP_CLIENT_RSET] = "250 ok\r\n550 no\r\n",
    };
    SmtpClientOptions options = smtp_client_options("a.example");
    options.helo_only = helo_only;
    options.extensions |= SMTP_EXTENSION_STARTTLS;
    options.identity = auth || state == SMTP_CLIENT_AUTH ? "alice" : NULL;
    options.password = "secret";
    Session *session = session_with(options);
    if (replies[state] == NULL) {
        for (size_t i = 0; i < 4 && scripts[state][i] != NULL; i++)
            feed(session, scripts[state][i]);
    } else {
        bool pipelining = two_in_flight || state == SMTP_CLIENT_DRAIN;
        feed(session, "220 b\r\n");
        bool chunks = chunking || state == SMTP_CLIENT_CHUNKS;
        g_autofree char *ehlo = g_strdup_printf("250-b\r\n250-X\r\n%s%s250 Y\r\n",
                                                pipelining ? "250-PIPELINING\r\n" : "",
                                                chunks ? "250-CHUNKING\r\n" : "");
        feed(session, ehlo);
        if (state == SMTP_CLIENT_CHUNKS && two_in_flight) {
            g_autofree char *large = g_strnfill(SMTP_CLIENT_CHUNK_MAXIMUM + 1, 'x');
            send_mail(session, 1, large);
            feed(session, replies[state]);
        } else if (state == SMTP_CLIENT_CONTENT) {
            /* More content than the output holds, and nobody takes it. */
            g_autofree char *large = g_strnfill(2 * SMTP_CLIENT_OUTPUT_MAXIMUM, 'x');
            send_mail(session, 1, large);
            SmtpClientEvent event;
            smtp_client_receive(session->client, span_of_text("250 ok\r\n"));
            run(session);
            smtp_client_receive(session->client, span_of_text("250 ok\r\n"));
            run(session);
            smtp_client_receive(session->client, span_of_text("354 ok\r\n"));
            assert_false(smtp_client_next_event(session->client, &event));
        } else {
            send_mail(session, 1, "Hi\r\n");
            feed(session, replies[state]);
        }
    }
    assert_int_equal(smtp_client_state(session->client), state);
    return session;
}

static void cause_input(Session *session, SmtpClientState state, SmtpClientInput input)
{
    static const char *const replies[SMTP_CLIENT_INPUT_COUNT] = {
        [SMTP_CLIENT_ON_SUCCESS] = "250 ok\r\n",
        [SMTP_CLIENT_ON_INTERMEDIATE] = "354 go\r\n",
        [SMTP_CLIENT_ON_TEMPORARY] = "451 later\r\n",
        [SMTP_CLIENT_ON_PERMANENT] = "550 no\r\n",
        [SMTP_CLIENT_ON_CLOSING] = "421 bye\r\n",
        [SMTP_CLIENT_ON_MALFORMED] = "hello\r\n",
        [SMTP_CLIENT_ON_AUTH_NEEDED] = "250-b\r\n250 AUTH PLAIN\r\n",
        [SMTP_CLIENT_ON_TLS_OFFERED] = "250-b\r\n250 STARTTLS\r\n",
        [SMTP_CLIENT_ON_RCPT_DONE_CHUNKING] = "250 ok\r\n",
        [SMTP_CLIENT_ON_ALL_TAKEN] = "250 ok\r\n",
        [SMTP_CLIENT_ON_HELO_ONLY] = "220 b\r\n",
        [SMTP_CLIENT_ON_RCPT_DONE] = "250 ok\r\n",
        [SMTP_CLIENT_ON_ALL_REFUSED] = "550 no\r\n",
        [SMTP_CLIENT_ON_IN_FLIGHT] = "550 no\r\n",
        [SMTP_CLIENT_ON_OVER] = "550 no\r\n",
    };
    SmtpClientEvent event;
    switch ((int)input) {
    case SMTP_CLIENT_ON_SEND:
        send_mail(session, 1, "Hi\r\n");
        break;
    case SMTP_CLIENT_ON_TLS_STARTED:
        smtp_client_start_tls(session->client);
        break;
    case SMTP_CLIENT_ON_QUIT:
        smtp_client_quit(session->client);
        break;
    case SMTP_CLIENT_ON_TIME_OUT:
        smtp_client_time_out(session->client);
        break;
    case SMTP_CLIENT_ON_LOST:
        smtp_client_receive_end(session->client);
        break;
    case SMTP_CLIENT_ON_CONTENT_SENT:
        run(session);
        break;
    default:
        smtp_client_receive(session->client, span_of_text(replies[input]));
    }
    /* In CONTENT the output must stay full for the state to stay what it is. */
    while (smtp_client_next_event(session->client, &event))
        log_event(session, &event);
    if (state != SMTP_CLIENT_CONTENT)
        run(session);
}

/* What an action must have left in the log, and whether inputs follow from it by themselves, which
 * have cells, and walks, of their own. */
typedef struct Effect {
    const char *action;
    const char *done;   /* a part of the log; NULL: it stays empty but for replies */
    const char *result; /* the recipient's, if this settles it */
    bool leads_on;
    const char *sent; /* how the output ends; NULL: any way */
} Effect;

static const Effect effects[] = {
    {"send EHLO", "C EHLO a.example\n", NULL, false, NULL},
    {"send HELO", "C HELO a.example\n", NULL, false, NULL},
    {"send STARTTLS", "C STARTTLS\n", NULL, false, NULL},
    {"hide the stream behind TLS", "tls\n", NULL, false, NULL},
    {"send AUTH", "C AUTH PLAIN AGFsaWNlAHNlY3JldA==\n", NULL, false, NULL},
    {"answer the challenge", "C YWxpY2U=\n", NULL, false, NULL},
    {"send MAIL", "C MAIL FROM:<alice@a.example>\n", NULL, false, NULL},
    {"send RCPT", "C RCPT TO:<bob@b.example>\n", NULL, false, NULL},
    {"send DATA", "C DATA\n", NULL, false, NULL},
    {"send the content", NULL, NULL, true, "DATA\r\nHi\r\n.\r\n"},
    {"send BDAT", "C BDAT 4 LAST\n", NULL, false, NULL},
    {"chunk taken", "done 1 0 0\n", "result 0 final_dot success", true, NULL},
    {"content failed", "C RSET\n", "result 0 final_dot ", true, NULL},
    {"send a lone dot", NULL, NULL, false, "DATA\r\n.\r\n"},
    {"send RSET", "C RSET\n", NULL, false, NULL},
    {"send QUIT", "C QUIT\n", NULL, false, NULL},
    {"ready for mail", "ready ", NULL, false, NULL},
    {"no service here", "refused ", NULL, false, NULL},
    {"recipient accepted", "C DATA\n", NULL, true, NULL},
    {"recipient failed", "C RSET\n", "result 0 rcpt ", true, NULL},
    {"accepted recipients delivered", "done 1 0 0\nready ", "result 0 final_dot success", false,
     NULL},
    {"accepted recipients failed", "ready ", "result 0 final_dot ", false, NULL},
    {"all recipients failed", "ready ", "result 0 mail ", true, NULL},
    {"accepted recipients failed, send RSET", "C RSET\n", "result 0 data ", false, NULL},
    {"ignore the reply", "C RSET\n", NULL, true, NULL},
    {"open recipients failed, close", "closed ", NULL, false, NULL},
    {"close", "closed 0 idle\n", NULL, false, NULL},
    {"nothing", NULL, NULL, false, NULL},
};

static const Effect *effect_of(const StateCell *cell)
{
    for (size_t i = 0; i < G_N_ELEMENTS(effects); i++) {
        if (strcmp(effects[i].action, smtp_client_table.actions[cell->action]) == 0)
            return &effects[i];
    }
    fail_msg("no effect is known of: %s", smtp_client_table.actions[cell->action]);
    return NULL;
}

/* The recipient's result is open: what breaks the connection off settles it, for now. */
static bool is_open(SmtpClientState state)
{
    return state == SMTP_CLIENT_MAIL || state == SMTP_CLIENT_RCPT || state == SMTP_CLIENT_DATA ||
           state == SMTP_CLIENT_CONTENT || state == SMTP_CLIENT_CHUNKS ||
           state == SMTP_CLIENT_FINAL_DOT;
}

/* In DRAIN the recipient has been refused, in RSET too; which cell it was says `action`. */
static const char *result_of(SmtpClientState state, const Effect *effect)
{
    if (strcmp(effect->action, "open recipients failed, close") == 0 && is_open(state))
        return "result 0 ";
    return effect->result;
}

static void check_effects(const Session *session, SmtpClientState state, SmtpClientInput input,
                          const StateCell *cell)
{
    const Effect *effect = effect_of(cell);
    const char *log = session->log->str, *result = result_of(state, effect);
    bool moves = cell->next != state;
    bool right = moves ? session->moved && session->first_next == cell->next
                       : session->moved == effect->leads_on;
    /* An input that follows by itself is walked from the one that it follows from. */
    bool follows = input >= SMTP_CLIENT_ON_RCPT_DONE && input <= SMTP_CLIENT_ON_CONTENT_SENT;
    if (!follows)
        right &= (strstr(log, "result ") != NULL) == (result != NULL);
    if (result != NULL)
        right &= strstr(log, result) != NULL;
    if (effect->done != NULL)
        right &= strstr(log, effect->done) != NULL;
    if (effect->sent != NULL)
        right &= g_str_has_suffix(session->output->str, effect->sent);
    right &= (strstr(log, "closed ") != NULL) == (moves && cell->next == SMTP_CLIENT_CLOSED);
    if (!right)
        fail_msg("[%s][%s] leads to %s, first to %s:\n%s", smtp_client_table.states[state],
                 smtp_client_table.events[input],
                 smtp_client_table.states[smtp_client_state(session->client)],
                 smtp_client_table.states[session->first_next], log);
}

static bool walk_cell(uint8_t state, uint8_t input, const StateCell *cell)
{
    Session *session =
        enter(state, input == SMTP_CLIENT_ON_AUTH_NEEDED, input == SMTP_CLIENT_ON_HELO_ONLY,
              input == SMTP_CLIENT_ON_IN_FLIGHT, input == SMTP_CLIENT_ON_RCPT_DONE_CHUNKING);
    g_string_truncate(session->log, 0);
    session->moved = false;
    cause_input(session, state, input);
    check_effects(session, state, input, cell);
    session_free(session);
    return true;
}

static void test_every_cell_does_what_it_says(void **state)
{
    (void)state;
    assert_true(walk_cells(&smtp_client_table, walk_cell).walked > 100);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_table_is_whole),
        cmocka_unit_test(test_every_cell_does_what_it_says),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
