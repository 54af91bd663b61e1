/* The IMAP client engine: every cell of its table. */
#include "imap_test_script.h"
#include "state_walk.h"

static void test_table_is_whole(void **state)
{
    (void)state;
    assert_null(state_table_find_defect(&imap_client_table));
    assert_string_equal(imap_client_table.name, "imap-client");
}

static uint32_t give(ImapClient *client, ImapClientInput input)
{
    switch (input) {
    case IMAP_CLIENT_ON_CAPABILITY:
        return imap_client_capability(client);
    case IMAP_CLIENT_ON_NOOP:
        return imap_client_noop(client);
    case IMAP_CLIENT_ON_LOGOUT:
        return imap_client_logout(client);
    case IMAP_CLIENT_ON_LOGIN:
        return imap_client_login(client, "u", "p");
    case IMAP_CLIENT_ON_ENABLE:
        return imap_client_enable_rev2(client);
    case IMAP_CLIENT_ON_SELECT:
        return imap_client_select(client, "x", false);
    case IMAP_CLIENT_ON_CREATE:
        return imap_client_create(client, "x");
    case IMAP_CLIENT_ON_DELETE:
        return imap_client_delete(client, "x");
    case IMAP_CLIENT_ON_LIST:
        return imap_client_list(client, "", "*");
    case IMAP_CLIENT_ON_STATUS:
        return imap_client_status(client, "x");
    case IMAP_CLIENT_ON_APPEND:
        return imap_client_append(client, "x", 0, NULL, (Slice){0});
    case IMAP_CLIENT_ON_IDLE:
        return imap_client_idle(client);
    case IMAP_CLIENT_ON_CLOSE:
        return imap_client_close(client);
    case IMAP_CLIENT_ON_UNSELECT:
        return imap_client_unselect(client);
    case IMAP_CLIENT_ON_EXPUNGE:
        return imap_client_expunge(client);
    case IMAP_CLIENT_ON_SEARCH:
        return imap_client_search(client, "ALL");
    case IMAP_CLIENT_ON_FETCH:
        return imap_client_fetch(client, 1, 1, 0, true);
    case IMAP_CLIENT_ON_STORE:
        return imap_client_store_flags(client, 1, 1, IMAP_STORE_ADD, 0);
    case IMAP_CLIENT_ON_COPY:
        return imap_client_copy(client, 1, 1, "x");
    case IMAP_CLIENT_ON_MOVE:
        return imap_client_move(client, 1, 1, "x");
    default:
        fail();
        return 0;
    }
}

static void begin_in_state(Session *session, uint8_t state)
{
    switch ((ImapClientState)state) {
    case IMAP_CLIENT_GREETING:
        session_begin(session);
        break;
    case IMAP_CLIENT_NOT_AUTHENTICATED:
        session_begin(session);
        hear(session, "* OK hello\r\n");
        break;
    case IMAP_CLIENT_AUTHENTICATED:
        begin_authenticated(session);
        break;
    case IMAP_CLIENT_SELECTED:
        begin_selected(session);
        break;
    case IMAP_CLIENT_LOGOUT: /* LOGOUT has been sent, and BYE has come */
        begin_authenticated(session);
        imap_client_logout(session->client);
        hear(session, "* BYE x\r\n");
        break;
    case IMAP_CLIENT_STATE_COUNT:
        fail();
    }
    assert_int_equal(imap_client_state(session->client), state);
    clear_logs(session);
}

/* The tagged OK to a command, with the tag it has got. */
static void hear_ok(Session *session, uint32_t tag)
{
    g_autofree char *line = g_strdup_printf("A%u OK x\r\n", tag);
    assert_true(tag != 0);
    hear(session, line);
}

static void cause(Session *session, uint8_t from, ImapClientInput input)
{
    ImapClient *client = session->client;
    switch (input) {
    case IMAP_CLIENT_ON_GREETING_OK:
        hear(session, "* OK hello\r\n");
        return;
    case IMAP_CLIENT_ON_GREETING_PREAUTH:
        hear(session, "* PREAUTH hello\r\n");
        return;
    case IMAP_CLIENT_ON_LOGGED_IN:
        hear_ok(session, imap_client_login(client, "u", "p"));
        return;
    case IMAP_CLIENT_ON_OPENED:
        hear_ok(session, imap_client_select(client, "x", false));
        return;
    case IMAP_CLIENT_ON_MAILBOX_CLOSED:
        if (from == IMAP_CLIENT_SELECTED) {
            hear_ok(session, imap_client_close(client));
            return;
        }
        /* Closed by the server while CLOSE was on its way. */
        hear_ok(session, imap_client_select(client, "x", false));
        imap_client_close(client);
        hear(session, "* OK [CLOSED] x\r\nA2 OK x\r\n");
        return;
    case IMAP_CLIENT_ON_BYE:
    case IMAP_CLIENT_ON_BYE_AWAITED:
        if (input == IMAP_CLIENT_ON_BYE_AWAITED && from != IMAP_CLIENT_LOGOUT)
            imap_client_logout(client);
        hear(session, "* BYE x\r\n");
        return;
    case IMAP_CLIENT_ON_LOGGED_OUT:
        hear_ok(session, from == IMAP_CLIENT_LOGOUT ? 1 : imap_client_logout(client));
        return;
    case IMAP_CLIENT_ON_BAD_RESPONSE:
        hear(session, "nonsense\r\n");
        return;
    case IMAP_CLIENT_ON_TIMEOUT:
        if (from != IMAP_CLIENT_GREETING && from != IMAP_CLIENT_LOGOUT)
            imap_client_noop(client);
        imap_client_time_out(client);
        pump(session);
        return;
    case IMAP_CLIENT_ON_PEER_CLOSED:
        imap_client_receive_end(client);
        pump(session);
        return;
    default:
        fail();
    }
}

static bool walk_cell(uint8_t from, uint8_t input, const StateCell *cell)
{
    Session session;
    begin_in_state(&session, from);
    if (input < IMAP_CLIENT_ON_GREETING_OK) {
        uint32_t tag = give(session.client, (ImapClientInput)input);
        assert_int_equal(tag != 0, cell->action == IMAP_CLIENT_SEND);
        pump(&session);
        assert_int_equal(session.sent->len > 0, tag != 0);
    } else {
        cause(&session, from, (ImapClientInput)input);
        bool closed = g_str_has_suffix(session.log->str, "closed\n");
        assert_int_equal(closed, cell->action == IMAP_CLIENT_END);
    }
    assert_int_equal(imap_client_state(session.client), cell->next);
    session_end(&session);
    return true;
}

static void test_every_cell(void **state)
{
    (void)state;
    StateWalk walk = walk_cells(&imap_client_table, walk_cell);
    /* 21 cells cannot happen. */
    assert_int_equal(walk.walked, IMAP_CLIENT_STATE_COUNT * IMAP_CLIENT_INPUT_COUNT - 21);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_table_is_whole),
        cmocka_unit_test(test_every_cell),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
