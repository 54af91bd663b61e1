/* The IMAP server engine: every cell of its table. */
#include "imap_test_session.h"
#include "state_walk.h"

static void test_table_is_whole(void **state)
{
    (void)state;
    assert_null(state_table_find_defect(&imap_server_table));
    assert_string_equal(imap_server_table.name, "imap-server");
}

/* Every cell: a session is brought into the state, the input happens, and the state after it, what
 * was said and how the session goes on are what the cell says. */

static const char *const command_arguments[IMAP_SERVER_INPUT_COUNT] = {
    [IMAP_SERVER_ON_LOGIN] = " bob wrong",
    [IMAP_SERVER_ON_ENABLE] = " IMAP4rev2",
    [IMAP_SERVER_ON_SELECT] = " Nowhere",
    [IMAP_SERVER_ON_EXAMINE] = " Nowhere",
    [IMAP_SERVER_ON_CREATE] = " New",
    [IMAP_SERVER_ON_DELETE] = " Old",
    [IMAP_SERVER_ON_RENAME] = " Old New",
    [IMAP_SERVER_ON_SUBSCRIBE] = " Work",
    [IMAP_SERVER_ON_UNSUBSCRIBE] = " Work",
    [IMAP_SERVER_ON_LIST] = " \"\" *",
    [IMAP_SERVER_ON_LSUB] = " \"\" *",
    [IMAP_SERVER_ON_STATUS] = " INBOX (MESSAGES)",
    [IMAP_SERVER_ON_APPEND] = " INBOX {1+}\r\nx",
    [IMAP_SERVER_ON_SEARCH] = " ALL",
    [IMAP_SERVER_ON_FETCH] = " 1 FLAGS",
    [IMAP_SERVER_ON_STORE] = " 1 FLAGS ()",
    [IMAP_SERVER_ON_COPY] = " 1 Work/Archive",
    [IMAP_SERVER_ON_MOVE] = " 1 Work/Archive",
};

static void begin_in_state(Session *session, uint8_t state)
{
    const ImapServerOptions options = {.host_name = "mx.test", .bad_maximum = 1};
    session_begin_with(session, &options);
    if (state == IMAP_SERVER_AUTHENTICATED || state == IMAP_SERVER_SELECTED)
        say(session, "a LOGIN bob secret\r\n");
    if (state == IMAP_SERVER_SELECTED)
        say(session, "b SELECT INBOX\r\n");
    if (state == IMAP_SERVER_LOGOUT)
        say(session, "c LOGOUT\r\n");
    g_string_truncate(session->node.sent, 0);
    assert_int_equal(imap_server_state(session->server), state);
}

/* A client that asks for more text than the output may hold. */
static void ask_too_much(Session *session)
{
    g_autofree char *name = g_strnfill(1 << 20, 'n');
    ImapListEntry entries[20];
    for (size_t i = 0; i < G_N_ELEMENTS(entries); i++)
        entries[i] = (ImapListEntry){name, 0};
    imap_server_receive(session->server, span_of_text("x LIST \"\" *\r\n"));
    ImapServerEvent event;
    while (imap_server_next_event(session->server, &event)) {
        if (event.kind == IMAP_SERVER_ASK_LIST)
            imap_server_answer_list(session->server, event.token, entries, 20);
    }
}

/* Makes `input` happen; false when only the engine itself can. */
static bool cause(Session *session, ImapServerInput input)
{
    uint8_t state = imap_server_state(session->server);
    if (input < IMAP_SERVER_ON_UNKNOWN) {
        g_autofree char *line =
            g_strdup_printf("x %s%s\r\n", imap_server_table.events[input],
                            command_arguments[input] ? command_arguments[input] : "");
        say(session, line);
        return true;
    }
    switch (input) {
    case IMAP_SERVER_ON_UNKNOWN:
        say(session, "x NONSENSE\r\n");
        return true;
    case IMAP_SERVER_ON_LOGIN_GRANTED:
        say(session, "x LOGIN bob secret\r\n");
        return true;
    case IMAP_SERVER_ON_MAILBOX_OPENED:
        say(session, "x SELECT INBOX\r\n");
        return true;
    case IMAP_SERVER_ON_TOO_MANY_BAD:
        say(session, "x NONSENSE\r\n");
        return true;
    case IMAP_SERVER_ON_SHUT_DOWN:
        imap_server_shut_down(session->server, "Going down");
        break;
    case IMAP_SERVER_ON_TIMEOUT:
        imap_server_time_out(session->server);
        break;
    case IMAP_SERVER_ON_OUTPUT_FULL:
        if (state == IMAP_SERVER_NOT_AUTHENTICATED)
            return false; /* nothing to be had yet is that long */
        ask_too_much(session);
        break;
    case IMAP_SERVER_ON_PEER_CLOSED:
        imap_server_receive_end(session->server);
        break;
    default:
        return false;
    }
    test_node_pump(&session->node, session->server);
    return true;
}

static void check_cell(Session *session, const StateCell *cell, ImapServerInput input)
{
    const char *sent = session->node.sent->str;
    switch ((ImapServerAction)cell->action) {
    case IMAP_SERVER_RUN:
        assert_null(strstr(sent, "x BAD"));
        assert_non_null(strstr(sent, input == IMAP_SERVER_ON_IDLE ? "+ " : "x "));
        break;
    case IMAP_SERVER_REFUSE:
        assert_non_null(strstr(sent, "x BAD "));
        break;
    case IMAP_SERVER_DECLINE:
        assert_non_null(strstr(sent, "x NO "));
        break;
    case IMAP_SERVER_ENTER:
        assert_non_null(strstr(sent, "x OK "));
        break;
    case IMAP_SERVER_SAY_BYE:
        assert_non_null(strstr(sent, "* BYE "));
        assert_true(session->node.finished);
        break;
    case IMAP_SERVER_END:
        assert_null(strstr(sent, "* BYE "));
        break;
    case IMAP_SERVER_IGNORE:
        assert_string_equal(sent, "");
        break;
    case IMAP_SERVER_NEVER:
    case IMAP_SERVER_ACTION_COUNT:
        fail();
    }
}

static bool walk_cell(uint8_t from, uint8_t input, const StateCell *cell)
{
    Session session;
    begin_in_state(&session, from);
    bool is_caused = cause(&session, (ImapServerInput)input);
    if (is_caused) {
        check_cell(&session, cell, (ImapServerInput)input);
        /* These sessions end at their first BAD, after the cell's own transition. */
        bool bad = cell->action == IMAP_SERVER_REFUSE;
        assert_int_equal(imap_server_state(session.server),
                         bad ? (uint8_t)IMAP_SERVER_LOGOUT : cell->next);
    }
    session_end(&session);
    return is_caused;
}

static void test_every_cell(void **state)
{
    (void)state;
    StateWalk walk = walk_cells(&imap_server_table, walk_cell);
    assert_int_equal(walk.impossible, 4);
    /* One more is out of reach: no client can have that much said before it has logged in. */
    assert_int_equal(walk.walked, IMAP_SERVER_STATE_COUNT * IMAP_SERVER_INPUT_COUNT - 5);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_table_is_whole),
        cmocka_unit_test(test_every_cell),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
