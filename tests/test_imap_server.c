/* The IMAP server engine: sessions, lines and literals, commands on mailboxes. */
#include "imap_test_session.h"
#include "pieces.h"

static void test_greeting_and_capability(void **state)
{
    (void)state;
    Session session;
    test_node_init(&session.node);
    session.server = imap_server_new(&usual_options);
    test_node_pump(&session.node, session.server);
    assert_true(g_str_has_prefix(session.node.sent->str, "* OK [CAPABILITY IMAP4rev2 IMAP4rev1 "));
    expect_part(&session, "1 CAPABILITY\r\n", "* CAPABILITY IMAP4rev2 IMAP4rev1 ");
    expect(&session, "2 NOOP\r\n", "2 OK NOOP completed\r\n");
    expect_part(&session, "3 logout\r\n", "* BYE mx.test");
    assert_true(session.node.finished);
    assert_true(imap_server_is_finished(session.server));
    session_end(&session);
}

static void test_login(void **state)
{
    (void)state;
    Session session;
    session_begin(&session);
    expect(&session, "1 LOGIN bob wrong\r\n", "1 NO [AUTHENTICATIONFAILED] Wrong password\r\n");
    expect(&session, "2 LOGIN \"bo\\\"b\" {6+}\r\nsecret\r\n", "2 OK LOGIN completed\r\n");
    assert_non_null(strstr(session.node.log->str, "C: 2 LOGIN \"bo\\\"b\" {6+}\nlogin bo\"b\n"));
    assert_non_null(strstr(session.node.log->str, "not-authenticated -> authenticated\n"));
    expect_part(&session, "3 LOGIN bob secret\r\n", "3 BAD ");
    session_end(&session);
}

static void test_synchronizing_literal_is_invited(void **state)
{
    (void)state;
    Session session;
    session_begin(&session);
    expect(&session, "1 LOGIN {3}\r\n", "+ Ready for literal data\r\n");
    expect(&session, "bob {6}\r\n", "+ Ready for literal data\r\n");
    expect(&session, "secret\r\n", "1 OK LOGIN completed\r\n");
    session_end(&session);
}

static void test_select(void **state)
{
    (void)state;
    Session session;
    session_begin(&session);
    say(&session, "a LOGIN bob secret\r\n");
    expect(
        &session, "b SELECT inbox\r\n",
        "* FLAGS (\\Seen \\Answered \\Flagged \\Deleted \\Draft)\r\n"
        "* 3 EXISTS\r\n* 0 RECENT\r\n* OK [UNSEEN 2] First unseen message\r\n"
        "* OK [UIDVALIDITY 7] UIDs valid\r\n* OK [UIDNEXT 14] Predicted next UID\r\n"
        "* OK [PERMANENTFLAGS (\\Seen \\Answered \\Flagged \\Deleted \\Draft)] Flags that last\r\n"
        "b OK [READ-WRITE] SELECT completed\r\n");
    expect(&session, "c SELECT Nowhere\r\n",
           "* OK [CLOSED] Previous mailbox is now closed\r\n"
           "c NO [NONEXISTENT] No such mailbox\r\n");
    assert_int_equal(imap_server_state(session.server), IMAP_SERVER_AUTHENTICATED);
    expect(&session, "d ENABLE X-FOO IMAP4rev2\r\n",
           "* ENABLED IMAP4rev2\r\nd OK ENABLE completed\r\n");
    expect_part(&session, "e EXAMINE INBOX\r\n", "* LIST () \"/\" \"INBOX\"\r\n");
    assert_null(strstr(session.node.sent->str, "RECENT"));
    assert_non_null(strstr(session.node.sent->str, "[PERMANENTFLAGS ()]"));
    assert_non_null(strstr(session.node.sent->str, "e OK [READ-ONLY] "));
    expect(&session, "f STORE 1 +FLAGS (\\Seen)\r\n", "f NO [CANNOT] Mailbox is read-only\r\n");
    expect(&session, "g BAD SYNTAX\r\n", "g BAD No such command\r\n");
    session_end(&session);
}

static void test_append(void **state)
{
    (void)state;
    Session session;
    begin_selected(&session);
    expect(&session,
           "1 APPEND INBOX (\\Seen) \"17-Jul-1996 02:44:25 -0700\" {14+}\r\nSubject: x\r\n\r\n\r\n",
           "* 4 EXISTS\r\n1 OK [APPENDUID 7 14] APPEND completed\r\n");
    assert_int_equal(session.node.inbox.messages[3].flags, IMAP_FLAG_SEEN);
    expect(&session, "1 FETCH 4 INTERNALDATE\r\n",
           "* 4 FETCH (INTERNALDATE \"17-Jul-1996 09:44:25 +0000\")\r\n1 OK FETCH completed\r\n");
    expect(&session, "2 APPEND Nowhere {1+}\r\nx\r\n", "2 NO [TRYCREATE] No such mailbox\r\n");
    expect(&session, "3 APPEND INBOX notliteral\r\n",
           "3 BAD Message of APPEND must be a literal such as {310} without NUL, "
           "behind at most a flag list and a quoted date-time\r\n");
    feed(&session, "4 APPEND INBOX {3+}\r\na\0b\r\n", 26);
    assert_non_null(strstr(session.node.sent->str, "4 BAD Message of APPEND must be a literal "));
    session_end(&session);
}

static void test_append_is_bounded(void **state)
{
    (void)state;
    Session session;
    ImapServerOptions options = {.host_name = "mx.test", .append_maximum = 10};
    session_begin_with(&session, &options);
    expect(&session, "0 APPEND INBOX {9000}\r\n", "0 BAD Literal is too large\r\n");
    say(&session, "a LOGIN bob secret\r\n");
    expect(&session, "1 APPEND INBOX {11}\r\n", "1 NO [TOOBIG] Message is too large\r\n");
    expect(&session, "2 APPEND INBOX {99999999999999999999999}\r\n",
           "2 NO [TOOBIG] Message is too large\r\n");
    expect_part(&session, "3 APPEND INBOX {10+}\r\n0123456789\r\n", "3 OK ");
    expect(&session, "4 APPEND INBOX {11+}\r\n", "* BYE [TOOBIG] Message is too large\r\n");
    assert_true(imap_server_is_finished(session.server));
    session_end(&session);
}

static void test_lines_are_bounded(void **state)
{
    (void)state;
    Session session;
    ImapServerOptions options = {.host_name = "mx.test", .line_maximum = 40};
    session_begin_with(&session, &options);
    expect(&session, "1 LOGIN 0123456789012345678901234567890123456789\r\n",
           "1 BAD Line is too long\r\n");
    expect(&session, "2 LOGIN {30}\r\n", "2 BAD Literal is too large\r\n");
    expect(&session, "3 NOOP\r\n", "3 OK NOOP completed\r\n");
    /* The rest of a line thrown away must not turn into commands. */
    expect_part(&session, "4 LOGIN 0123456789012345678901234567890123456789 {9+}\r\nx LOGOUT\r\n",
                "* BYE Lost in a literal\r\n");
    assert_null(strstr(session.node.sent->str, "x OK"));
    session_end(&session);
}

static void test_malformed_lines(void **state)
{
    (void)state;
    Session session;
    session_begin(&session);
    expect(&session, "1 NOOP\n", "1 BAD Line holds NUL, or CR or LF alone\r\n");
    expect(&session, "2 NO\rOP\r\n", "2 BAD Line holds NUL, or CR or LF alone\r\n");
    expect(&session, "\r\n", "* BAD No such command\r\n");
    expect(&session, "+ NOOP\r\n", "* BAD No such command\r\n");
    expect(&session, "3 NOOP extra\r\n",
           "3 BAD End of NOOP must come at once, for it takes no arguments\r\n");
    expect(&session, "4 UID NOOP\r\n", "4 BAD No such command\r\n");
    expect(&session, "5 LOGIN \"a{3}\r\n", "+ Ready for literal data\r\n");
    expect(&session, "abc\r\n",
           "5 BAD User name of LOGIN must be a string, such as bob or \"two words\"\r\n");
    session_end(&session);
}

static void test_too_many_bad_commands(void **state)
{
    (void)state;
    Session session;
    ImapServerOptions options = {.host_name = "mx.test", .bad_maximum = 3};
    session_begin_with(&session, &options);
    say(&session, "1 X\r\n2 X\r\n3 NOOP\r\n");
    expect(&session, "4 X\r\n5 NOOP\r\n",
           "4 BAD No such command\r\n* BYE Too many bad commands\r\n");
    assert_true(session.node.finished);
    session_end(&session);
}

static void test_list_and_status(void **state)
{
    (void)state;
    Session session;
    session_begin(&session);
    say(&session, "a LOGIN bob secret\r\n");
    expect(&session, "1 LIST \"\" \"\"\r\n",
           "* LIST (\\Noselect) \"/\" \"\"\r\n1 OK LIST completed\r\n");
    expect(&session, "2 LIST \"\" %\r\n",
           "* LIST () \"/\" \"INBOX\"\r\n* LIST (\\Noselect) \"/\" \"Work\"\r\n"
           "2 OK LIST completed\r\n");
    expect(&session, "3 LIST Work/ *\r\n",
           "* LIST (\\Archive) \"/\" \"Work/Archive\"\r\n3 OK LIST completed\r\n");
    expect(&session, "4 LIST \"\" inb%x\r\n",
           "* LIST () \"/\" \"INBOX\"\r\n4 OK LIST completed\r\n");
    expect(&session, "5 LIST \"\" w*e\r\n", "5 OK LIST completed\r\n");
    expect(&session, "6 LIST \"\" %/*ch*e\r\n",
           "* LIST (\\Archive) \"/\" \"Work/Archive\"\r\n6 OK LIST completed\r\n");
    expect(&session, "7 LIST (RECURSIVEMATCH SUBSCRIBED) \"\" *\r\n",
           "7 NO [CANNOT] Of the options of LIST only SUBSCRIBED is offered\r\n");
    expect(&session, "7 LIST \"\" (INBOX Work)\r\n",
           "7 NO [CANNOT] LIST takes one pattern here\r\n");
    expect(&session, "8 STATUS INBOX (MESSAGES UNSEEN SIZE)\r\n",
           "* STATUS \"INBOX\" (MESSAGES 3 UNSEEN 2 SIZE 156)\r\n8 OK STATUS completed\r\n");
    expect(&session, "9 STATUS Nowhere (MESSAGES)\r\n", "9 NO [NONEXISTENT] STATUS failed\r\n");
    expect(
        &session, "10 STATUS INBOX ()\r\n",
        "10 BAD Items of STATUS must be some of (MESSAGES UIDNEXT UIDVALIDITY UNSEEN DELETED SIZE "
        "RECENT)\r\n");
    expect_part(&session, "11 NAMESPACE\r\n", "* NAMESPACE ((\"\" \"/\")) NIL NIL\r\n");
    session_end(&session);
}

/* RFC 9051 §6.3.7 to §6.3.9, RFC 3501 §6.3.9. */
static void test_subscriptions(void **state)
{
    (void)state;
    Session session;
    session_begin(&session);
    say(&session, "a LOGIN bob secret\r\n");
    expect(&session, "1 SUBSCRIBE inbox\r\n", "1 OK SUBSCRIBE completed\r\n");
    expect(&session, "2 SUBSCRIBE Gone/Far\r\n", "2 OK SUBSCRIBE completed\r\n");
    expect(&session, "3 SUBSCRIBE Gone/Near\r\n", "3 OK SUBSCRIBE completed\r\n");
    expect(&session, "4 LIST (SUBSCRIBED) \"\" *\r\n",
           "* LIST (\\Subscribed) \"/\" \"INBOX\"\r\n"
           "* LIST (\\Subscribed \\NonExistent) \"/\" \"Gone/Far\"\r\n"
           "* LIST (\\Subscribed \\NonExistent) \"/\" \"Gone/Near\"\r\n4 OK LIST completed\r\n");
    expect(&session, "5 LIST \"\" * RETURN (SUBSCRIBED)\r\n",
           "* LIST (\\Subscribed) \"/\" \"INBOX\"\r\n"
           "* LIST (\\Archive) \"/\" \"Work/Archive\"\r\n5 OK LIST completed\r\n");
    expect(&session, "6 LIST \"\" I*\r\n", "* LIST () \"/\" \"INBOX\"\r\n6 OK LIST completed\r\n");
    expect(&session, "7 LIST (REMOTE) \"\" G*\r\n", "7 OK LIST completed\r\n");
    expect(&session, "8 LSUB \"\" *\r\n",
           "* LSUB () \"/\" \"INBOX\"\r\n* LSUB (\\Noselect) \"/\" \"Gone/Far\"\r\n"
           "* LSUB (\\Noselect) \"/\" \"Gone/Near\"\r\n8 OK LSUB completed\r\n");
    expect(&session, "9 LSUB \"\" %\r\n",
           "* LSUB () \"/\" \"INBOX\"\r\n* LSUB (\\Noselect) \"/\" \"Gone\"\r\n"
           "9 OK LSUB completed\r\n");
    expect(&session, "10 UNSUBSCRIBE INBOX\r\n", "10 OK UNSUBSCRIBE completed\r\n");
    expect(&session, "11 LIST (SUBSCRIBED) \"\" %\r\n", "11 OK LIST completed\r\n");
    expect_part(&session, "12 LIST \"\" * RETURN SUBSCRIBED\r\n",
                "12 BAD Options of LIST must be such as (SUBSCRIBED)");
    expect_part(&session, "13 LIST \"\" * x\r\n",
                "13 BAD End of LIST must come here, or RETURN (SUBSCRIBED)");
    expect_part(&session, "14 SUBSCRIBE\r\n", "14 BAD Mailbox of SUBSCRIBE must be a name");
    expect_part(&session, "15 LIST (NONSENSE) \"\" *\r\n", "15 BAD Options of LIST must be ");
    expect_part(&session, "15 LIST \"\" * RETURN (CHILDREN)\r\n", "15 NO [CANNOT] ");
    session_end(&session);
}

/* The node names "Work/Archive" alone. */
static void test_levels_of_hierarchy(void **state)
{
    (void)state;
    Session session;
    session_begin(&session);
    say(&session, "a LOGIN bob secret\r\n");
    expect(&session, "1 LIST \"\" %\r\n",
           "* LIST () \"/\" \"INBOX\"\r\n* LIST (\\Noselect) \"/\" \"Work\"\r\n"
           "1 OK LIST completed\r\n");
    expect(&session, "2 LIST \"\" W*k\r\n", "2 OK LIST completed\r\n");
    expect(&session, "3 LIST \"\" \"\"\r\n",
           "* LIST (\\Noselect) \"/\" \"\"\r\n3 OK LIST completed\r\n");
    expect(&session, "4 LIST (REMOTE) \"\" \"\"\r\n", "4 OK LIST completed\r\n");
    expect(&session, "5 LIST \"\" \"\" RETURN (SUBSCRIBED)\r\n", "5 OK LIST completed\r\n");
    say(&session, "6 SUBSCRIBE Work/Archive\r\n");
    expect(&session, "7 LSUB \"\" W%\r\n",
           "* LSUB (\\Noselect) \"/\" \"Work\"\r\n7 OK LSUB completed\r\n");
    expect(&session, "8 LSUB \"\" Work\r\n", "8 OK LSUB completed\r\n");
    expect(&session, "9 LIST (SUBSCRIBED) \"\" %\r\n", "9 OK LIST completed\r\n");
    session_end(&session);
}

static void test_create_delete_rename(void **state)
{
    (void)state;
    Session session;
    session_begin(&session);
    say(&session, "a LOGIN bob secret\r\n");
    expect(&session, "1 CREATE New/\r\n", "1 OK CREATE completed\r\n");
    expect(&session, "2 CREATE inbox\r\n", "2 NO [CANNOT] Not this mailbox\r\n");
    expect(&session, "3 CREATE {3+}\r\na\tb\r\n", "3 NO [CANNOT] No name for a mailbox\r\n");
    expect(&session, "4 DELETE Old\r\n", "4 OK DELETE completed\r\n");
    expect(&session, "5 RENAME Old \"New name\"\r\n", "5 OK RENAME completed\r\n");
    assert_non_null(strstr(session.node.log->str, "name Old\nnew name New name\n"));
    assert_non_null(strstr(session.node.log->str, "name New\n"));
    session_end(&session);
}

static void test_idle(void **state)
{
    (void)state;
    Session session;
    begin_selected(&session);
    expect(&session, "1 IDLE\r\n", "+ idling\r\n");
    assert_true(imap_server_is_idling(session.server));
    imap_server_tell_exists(session.server, 14);
    expect(&session, "", "* 4 EXISTS\r\n");
    imap_server_tell_expunged(session.server, 11);
    expect(&session, "", "* 1 EXPUNGE\r\n");
    imap_server_tell_flags(session.server, 12, IMAP_FLAG_SEEN);
    expect(&session, "", "* 1 FETCH (UID 12 FLAGS (\\Seen))\r\n");
    expect(&session, "done\r\n", "1 OK IDLE completed\r\n");
    assert_false(imap_server_is_idling(session.server));
    say(&session, "2 IDLE\r\n");
    expect(&session, "3 NOOP\r\n", "2 BAD Expected DONE\r\n");
    expect(&session, "4 NOOP\r\n", "4 OK NOOP completed\r\n");
    session_end(&session);
}

static void test_question_holds_the_input(void **state)
{
    (void)state;
    ImapServer *server = imap_server_new(&usual_options);
    ImapServerEvent event;
    while (imap_server_next_event(server, &event))
        assert_int_equal(event.token, 0);
    assert_int_equal(imap_server_timeout(server), IMAP_SERVER_TIMEOUT_AUTOLOGOUT);
    imap_server_receive(server, span_of_text("1 LOGIN a b\r\n2 NOOP\r\n"));
    imap_server_receive_end(server);
    do
        assert_true(imap_server_next_event(server, &event));
    while (event.kind != IMAP_SERVER_ASK_LOGIN);
    uint32_t token = event.token;
    assert_false(imap_server_next_event(server, &event));
    assert_int_equal(imap_server_timeout(server), IMAP_SERVER_TIMEOUT_NONE);
    imap_server_time_out(server);
    assert_int_equal(imap_server_state(server), IMAP_SERVER_NOT_AUTHENTICATED);
    imap_server_answer_ok(server, token);
    bool finished = false;
    while (imap_server_next_event(server, &event))
        finished = event.kind == IMAP_SERVER_FINISHED;
    assert_true(finished);
    Span output = imap_server_peek_output(server);
    assert_non_null(g_strstr_len((const char *)output.data, (gssize)output.length, "2 OK NOOP"));
    imap_server_free(server);
}

static void test_shut_down_kills_the_question(void **state)
{
    (void)state;
    ImapServer *server = imap_server_new(&usual_options);
    ImapServerEvent event;
    imap_server_receive(server, span_of_text("1 LOGIN a b\r\n"));
    do
        assert_true(imap_server_next_event(server, &event));
    while (event.kind != IMAP_SERVER_ASK_LOGIN);
    uint32_t token = event.token;
    imap_server_shut_down(server, "Going down");
    imap_server_answer_ok(server, token);
    assert_int_equal(imap_server_state(server), IMAP_SERVER_LOGOUT);
    while (imap_server_next_event(server, &event))
        assert_int_equal(event.token, 0);
    assert_false(imap_server_is_finished(server));
    while (imap_server_peek_output(server).length > 0)
        imap_server_consume_output(server, 1);
    assert_true(imap_server_is_finished(server));
    imap_server_free(server);
}

static const char script[] =
    "a CAPABILITY\r\nb LOGIN {3+}\r\nbob \"secret\"\r\nc SELECT INBOX\r\n"
    "d FETCH 1:* (UID FLAGS BODY[])\r\ne STORE 2 +FLAGS (\\Deleted)\r\nf EXPUNGE\r\n"
    "g APPEND INBOX {5+}\r\nhello\r\nh SEARCH OR SEEN SUBJECT last\r\ni IDLE\r\nDONE\r\n"
    "j BAD\nk NOOP\r\nl UID MOVE 1:* Work/Archive\r\nm LOGOUT\r\n";

static void play(Session *session, size_t largest, uint32_t seed)
{
    session_begin(session);
    Span rest = span_of_text(script);
    while (rest.length > 0) {
        size_t piece = next_piece(rest.length, largest, &seed);
        imap_server_receive(session->server, span_of(rest.data, piece));
        test_node_pump(&session->node, session->server);
        rest = span_skip(rest, piece);
    }
}

static void test_cuts_change_nothing(void **state)
{
    (void)state;
    Session whole;
    play(&whole, 0, 0);
    assert_true(whole.node.finished);
    for (uint32_t seed = 0; seed < 50; seed++) {
        Session pieces;
        play(&pieces, seed == 0 ? 1 : 40, seed);
        assert_string_equal(pieces.node.log->str, whole.node.log->str);
        assert_string_equal(pieces.node.sent->str, whole.node.sent->str);
        session_end(&pieces);
    }
    session_end(&whole);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_greeting_and_capability),
        cmocka_unit_test(test_login),
        cmocka_unit_test(test_synchronizing_literal_is_invited),
        cmocka_unit_test(test_select),
        cmocka_unit_test(test_append),
        cmocka_unit_test(test_append_is_bounded),
        cmocka_unit_test(test_lines_are_bounded),
        cmocka_unit_test(test_malformed_lines),
        cmocka_unit_test(test_too_many_bad_commands),
        cmocka_unit_test(test_list_and_status),
        cmocka_unit_test(test_subscriptions),
        cmocka_unit_test(test_levels_of_hierarchy),
        cmocka_unit_test(test_create_delete_rename),
        cmocka_unit_test(test_idle),
        cmocka_unit_test(test_question_holds_the_input),
        cmocka_unit_test(test_shut_down_kills_the_question),
        cmocka_unit_test(test_cuts_change_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
