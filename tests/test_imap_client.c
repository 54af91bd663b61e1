/* The IMAP client engine: commands and responses, limits, ends. */
#include "imap_test_script.h"
#include "pieces.h"

static void test_greeting_and_login(void **state)
{
    (void)state;
    Session session;
    session_begin(&session);
    assert_int_equal(imap_client_login(session.client, "bob", "x"), 0);
    assert_int_equal(imap_client_timeout(session.client), IMAP_CLIENT_TIMEOUT_RESPONSE);
    expect(&session, "* OK [CAPABILITY IMAP4rev1 IDLE] mx ready\r\n",
           "greeting -> not-authenticated\ncapability IMAP4rev1 IDLE\ngreeted mx ready\n");
    assert_int_equal(imap_client_timeout(session.client), IMAP_CLIENT_TIMEOUT_NONE);
    assert_int_equal(imap_client_login(session.client, "b\"o\\b", "secret"), 1);
    expect_sent(&session, "A1 LOGIN \"b\\\"o\\\\b\" \"secret\"\r\n");
    assert_int_equal(imap_client_noop(session.client), 0);
    expect(&session, "A1 NO [AUTHENTICATIONFAILED] wrong\r\n",
           "done 1 NO [AUTHENTICATIONFAILED] wrong\n");
    assert_int_equal(imap_client_login(session.client, "bob", "secret"), 2);
    expect(&session, "A2 OK welcome\r\n",
           "not-authenticated -> authenticated\ndone 2 OK [] welcome\n");
    session_end(&session);
}

static void test_select(void **state)
{
    (void)state;
    Session session;
    begin_authenticated(&session);
    imap_client_select(session.client, "Work Lab", true);
    expect_sent(&session, "A1 EXAMINE \"Work Lab\"\r\n");
    expect(&session,
           "* FLAGS (\\Seen)\r\n* 172 EXISTS\r\n* 0 RECENT\r\n* OK [UIDVALIDITY 38] valid\r\n"
           "* OK [UIDNEXT 4392] next\r\n* OK [PERMANENTFLAGS (\\*)] all\r\n"
           "A1 OK [READ-ONLY] done\r\n",
           "exists 172\nuid validity 38\nuid next 4392\nauthenticated -> selected\n"
           "done 1 OK [READ-ONLY] done\n");
    imap_client_select(session.client, "Nowhere", false);
    expect_sent(&session, "A2 SELECT \"Nowhere\"\r\n");
    expect(&session, "* OK [CLOSED] closed\r\nA2 NO no such mailbox\r\n",
           "done 2 NO [] no such mailbox\n");
    assert_int_equal(imap_client_state(session.client), IMAP_CLIENT_AUTHENTICATED);
    session_end(&session);
}

static void test_fetch(void **state)
{
    (void)state;
    Session session;
    begin_selected(&session);
    unsigned all = IMAP_NEED_FLAGS | IMAP_NEED_SIZE | IMAP_NEED_DATE | IMAP_NEED_CONTENT;
    imap_client_fetch(session.client, 1, UINT32_MAX, all, true);
    expect_sent(&session, "A2 UID FETCH 1:* (UID FLAGS RFC822.SIZE INTERNALDATE BODY.PEEK[])\r\n");
    expect(&session,
           "* 1 FETCH (UID 11 FLAGS (\\Seen $Junk) RFC822.SIZE 12 INTERNALDATE \" 1-Jan\" "
           "BODY[] {7}\r\nab\r\ncd\n)\r\n",
           "message 1 uid 11 (\\Seen) size 12 date  1-Jan content ab\r\ncd\n");
    expect(&session,
           "* 2 FETCH (ENVELOPE (NIL \"a)\" ((\"A\" NIL {1}\r\n( \"b\"))) BODY[TEXT]<0> NIL UID 5 "
           "BODYSTRUCTURE ((\"a\" 1)(\"b\" 2) \"mixed\"))\r\n",
           "message 2 uid 5 content \n");
    expect(&session, "A2 OK done\r\n", "done 2 OK [] done\n");
    imap_client_fetch(session.client, 7, 7, 0, false);
    expect_sent(&session, "A3 UID FETCH 7 (UID)\r\n");
    session_end(&session);
}

static void test_commands_on_messages(void **state)
{
    (void)state;
    Session session;
    begin_selected(&session);
    ImapClient *client = session.client;
    imap_client_store_flags(client, 3, 5, IMAP_STORE_ADD, IMAP_FLAG_SEEN | IMAP_FLAG_DELETED);
    expect_sent(&session, "A2 UID STORE 3:5 +FLAGS (\\Seen \\Deleted)\r\n");
    expect(&session, "* 1 FETCH (FLAGS ())\r\nA2 OK x\r\n", "message 1 uid 0 ()\ndone 2 OK [] x\n");
    imap_client_expunge(client);
    expect(&session, "* 3 EXPUNGE\r\n* 3 EXPUNGE\r\n* 1 EXISTS\r\nA3 OK x\r\n",
           "expunged 3\nexpunged 3\nexists 1\ndone 3 OK [] x\n");
    imap_client_copy(client, 1, 2, "Work");
    expect_sent(&session, "A4 UID COPY 1:2 \"Work\"\r\n");
    hear(&session, "A4 OK [COPYUID 7 1:2 3:4] x\r\n");
    imap_client_move(client, 1, 1, "Work");
    expect_sent(&session, "A5 UID MOVE 1 \"Work\"\r\n");
    hear(&session, "A5 OK x\r\n");
    imap_client_search(client, "UNSEEN FROM alice");
    expect_sent(&session, "A6 UID SEARCH UNSEEN FROM alice\r\n");
    expect(&session, "* SEARCH 2 84 882\r\n* SEARCH\r\n", "found 2 84 882\nfound\n");
    expect(&session, "* ESEARCH (TAG \"A6\") UID COUNT 5 ALL 4:7,9 MODSEQ 12\r\n",
           "found 4 5 6 7 9\n");
    hear(&session, "A6 OK x\r\n");
    imap_client_close(client);
    expect(&session, "A7 OK [CLOSED] x\r\n", "selected -> authenticated\ndone 7 OK [CLOSED] x\n");
    assert_int_equal(imap_client_unselect(client), 0);
    session_end(&session);
}

static void test_commands_on_mailboxes(void **state)
{
    (void)state;
    Session session;
    begin_authenticated(&session);
    ImapClient *client = session.client;
    imap_client_list(client, "", "%");
    expect_sent(&session, "A1 LIST \"\" \"%\"\r\n");
    expect(&session,
           "* LIST (\\HasNoChildren \\Sent) \"/\" \"Sent mail\"\r\n* LIST () NIL inbox\r\n"
           "* LIST (\\Noselect) \"/\" {4}\r\nW\"rk (\"CHILDINFO\" (\"X\"))\r\nA1 OK x\r\n",
           "attributes 16 mailbox Sent mail\nattributes 0 mailbox INBOX\n"
           "attributes 1 mailbox W\"rk\ndone 1 OK [] x\n");
    imap_client_status(client, "INBOX");
    expect_sent(&session, "A2 STATUS \"INBOX\" (MESSAGES UIDNEXT UIDVALIDITY UNSEEN)\r\n");
    expect(&session, "* STATUS INBOX (MESSAGES 4 UNSEEN 2 HIGHESTMODSEQ 7 SIZE 99)\r\nA2 OK x\r\n",
           "messages 4 unseen 2 size 99 in INBOX\ndone 2 OK [] x\n");
    imap_client_create(client, "New");
    expect_sent(&session, "A3 CREATE \"New\"\r\n");
    hear(&session, "A3 OK x\r\n");
    imap_client_delete(client, "New");
    expect_sent(&session, "A4 DELETE \"New\"\r\n");
    hear(&session, "A4 OK x\r\n");
    imap_client_enable_rev2(client);
    expect_sent(&session, "A5 ENABLE IMAP4rev2\r\n");
    expect(&session, "* ENABLED IMAP4rev2\r\nA5 OK x\r\n", "done 5 OK [] x\n");
    imap_client_capability(client);
    expect(&session, "* CAPABILITY IMAP4rev2 X\r\nA6 OK x\r\n",
           "capability IMAP4rev2 X\ndone 6 OK [] x\n");
    session_end(&session);
}

static void test_append_waits_to_be_invited(void **state)
{
    (void)state;
    Session session;
    begin_authenticated(&session);
    g_autoptr(Octets) bytes = octets_new("xhello", 6);
    Slice content = {bytes, 1, 5};
    imap_client_append(session.client, "Sent", IMAP_FLAG_SEEN, " 1-Jan-2026 00:00:00 +0000",
                       content);
    expect_sent(&session, "A1 APPEND \"Sent\" (\\Seen) \" 1-Jan-2026 00:00:00 +0000\" {5}\r\n");
    clear_logs(&session);
    hear(&session, "+ go on\r\n");
    assert_string_equal(session.sent->str, "hello\r\n");
    expect(&session, "A1 OK [APPENDUID 7 12] x\r\n", "done 1 OK [APPENDUID 7 12] x\n");
    imap_client_append(session.client, "Nowhere", 0, NULL, content);
    expect(&session, "A2 NO [TRYCREATE] x\r\n", "done 2 NO [TRYCREATE] x\n");
    expect(&session, "+ go on\r\n",
           "error The server sends what cannot be understood\nauthenticated -> logout\nclosed\n");
    session_end(&session);
}

static void test_idle(void **state)
{
    (void)state;
    Session session;
    begin_selected(&session);
    imap_client_idle(session.client);
    assert_false(imap_client_idle_done(session.client));
    expect_sent(&session, "A2 IDLE\r\n");
    expect(&session, "+ idling\r\n* 4 EXISTS\r\n", "idling\nexists 4\n");
    assert_int_equal(imap_client_timeout(session.client), IMAP_CLIENT_TIMEOUT_IDLE);
    assert_true(imap_client_timeout_ns(IMAP_CLIENT_TIMEOUT_IDLE) == INT64_C(1740000000000));
    imap_client_time_out(session.client);
    expect_sent(&session, "DONE\r\n");
    assert_false(imap_client_idle_done(session.client));
    assert_int_equal(imap_client_timeout(session.client), IMAP_CLIENT_TIMEOUT_RESPONSE);
    expect(&session, "A2 OK x\r\n", "done 2 OK [] x\n");
    assert_true(imap_client_is_ready(session.client));
    session_end(&session);
}

static void test_logout(void **state)
{
    (void)state;
    Session session;
    begin_selected(&session);
    imap_client_logout(session.client);
    expect(&session, "* BYE see you\r\nA2 OK x\r\n",
           "bye see you\nselected -> logout\ndone 2 OK [] x\nclosed\n");
    assert_true(imap_client_is_finished(session.client));
    session_end(&session);
}

static void test_ends_of_other_kinds(void **state)
{
    (void)state;
    Session session;
    session_begin(&session);
    expect(&session, "* BYE too busy\r\n", "bye too busy\ngreeting -> logout\nclosed\n");
    session_end(&session);
    begin_selected(&session);
    expect(&session, "* BYE going down\r\n* 1 EXISTS\r\n",
           "bye going down\nselected -> logout\nclosed\n");
    session_end(&session);
    begin_selected(&session);
    imap_client_noop(session.client);
    clear_logs(&session);
    imap_client_time_out(session.client);
    expect(&session, "", "");
    assert_true(imap_client_is_finished(session.client));
    session_end(&session);
    begin_selected(&session);
    expect(&session, "* OK [CLOSED] mailbox is gone\r\n", "selected -> authenticated\n");
    imap_client_receive_end(session.client);
    pump(&session);
    assert_true(imap_client_is_finished(session.client));
    session_end(&session);
}

/* Each ends the session. */
static void test_protocol_errors(void **state)
{
    (void)state;
    static const char *const lines[] = {
        "A2 OK x\r\n",
        "A1 MAYBE x\r\n",
        "A99 OK x\r\n",
        "hello\r\n",
        "* 3 EXISTS\n",
        "*\r\n",
        "* 99999999999 EXISTS\r\n",
        "* OK [UNFINISHED\r\n",
        "* PREAUTH again\r\n",
        "* 1 FETCH FLAGS\r\n",
        "* 1 FETCH (FLAGS (\\Seen)\r\n",
        "* 1 FETCH (BODY[ NIL)\r\n",
        "* 1 FETCH (RFC822.SIZE many)\r\n",
        "* 1 FETCH (X ((((((((((((((((((1))))))))))))))))))\r\n",
        "* LIST \"/\" x\r\n",
        "* STATUS INBOX (MESSAGES x)\r\n",
        "* SEARCH x\r\n",
        "* ESEARCH ALL x\r\n",
        "* ESEARCH ALL 1:4294967295\r\n",
        "+ unasked\r\n",
    };
    for (size_t i = 0; i < G_N_ELEMENTS(lines); i++) {
        Session session;
        begin_selected(&session);
        hear(&session, lines[i]);
        if (strstr(session.log->str, "error The server") == NULL)
            fail_msg("accepted: %s", lines[i]);
        assert_true(imap_client_is_finished(session.client));
        session_end(&session);
    }
}

static void test_nesting_is_bounded(void **state)
{
    (void)state;
    Session session;
    begin_selected(&session);
    g_autoptr(GString) line = g_string_new("* 1 FETCH (X ");
    for (int i = 0; i < 16; i++)
        g_string_append_c(line, '(');
    for (int i = 0; i < 16; i++)
        g_string_append_c(line, ')');
    g_string_append(line, " UID 3)\r\n");
    expect(&session, line->str, "message 1 uid 3\n");
    session_end(&session);
}

static void test_sizes_are_bounded(void **state)
{
    (void)state;
    Session session;
    session_begin_with(&session, &(ImapClientOptions){.line_maximum = 40, .literal_maximum = 10});
    hear(&session, "* PREAUTH x\r\n");
    expect(&session, "* 1 FETCH (BODY[] {6}\r\n123456 X {4}\r\n1234)\r\n",
           "message 1 uid 0 content 123456\n");
    expect(&session, "* 1 FETCH (BODY[] {6}\r\n123456 X {5}\r\n",
           "error The server sends a literal that is too large\nauthenticated -> logout\nclosed\n");
    session_end(&session);
    session_begin_with(&session, &(ImapClientOptions){.line_maximum = 40});
    expect(&session, "* OK 012345678901234567890123456789012345678901234567890\r\n",
           "error The server sends a line that is too long\ngreeting -> logout\nclosed\n");
    session_end(&session);
}

static const char script[] =
    "* PREAUTH [CAPABILITY X] hi\r\n* 2 EXISTS\r\n* LIST () \"/\" {3}\r\na b\r\n"
    "* 1 FETCH (UID 4 FLAGS (\\Seen) BODY[] {9}\r\n{3}\r\nabc) BODY[TEXT] \"q\\\"\")\r\n"
    "* ESEARCH UID ALL 1:3\r\n* NONSENSE\r\n* STATUS x (MESSAGES 1)\r\n* 1 EXPUNGE\r\n* BYE x\r\n";

static char *play(size_t largest, uint32_t seed)
{
    Session session;
    session_begin(&session);
    Span rest = span_of_text(script);
    while (rest.length > 0) {
        size_t piece = next_piece(rest.length, largest, &seed);
        imap_client_receive(session.client, span_of(rest.data, piece));
        pump(&session);
        rest = span_skip(rest, piece);
    }
    imap_client_free(session.client);
    g_string_free(session.sent, TRUE);
    return g_string_free(session.log, FALSE);
}

static void test_cuts_change_nothing(void **state)
{
    (void)state;
    g_autofree char *whole = play(0, 0);
    assert_non_null(strstr(whole, "closed\n"));
    for (uint32_t seed = 1; seed < 50; seed++) {
        g_autofree char *pieces = play(seed == 1 ? 1 : 30, seed);
        assert_string_equal(pieces, whole);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_greeting_and_login),
        cmocka_unit_test(test_select),
        cmocka_unit_test(test_fetch),
        cmocka_unit_test(test_commands_on_messages),
        cmocka_unit_test(test_commands_on_mailboxes),
        cmocka_unit_test(test_append_waits_to_be_invited),
        cmocka_unit_test(test_idle),
        cmocka_unit_test(test_logout),
        cmocka_unit_test(test_ends_of_other_kinds),
        cmocka_unit_test(test_protocol_errors),
        cmocka_unit_test(test_nesting_is_bounded),
        cmocka_unit_test(test_sizes_are_bounded),
        cmocka_unit_test(test_cuts_change_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
