/* The IMAP server engine: commands on messages, and news of them. */
#include "imap_test_session.h"

static void test_fetch(void **state)
{
    (void)state;
    Session session;
    begin_selected(&session);
    expect(&session, "1 FETCH 1:* (UID FLAGS)\r\n",
           "* 1 FETCH (UID 11 FLAGS (\\Seen))\r\n* 2 FETCH (UID 12 FLAGS ())\r\n"
           "* 3 FETCH (UID 13 FLAGS (\\Flagged))\r\n1 OK FETCH completed\r\n");
    expect(&session, "2 UID FETCH 11 FAST\r\n",
           "* 1 FETCH (UID 11 FLAGS (\\Seen) INTERNALDATE \" 2-Mar-2026 09:00:00 +0900\" "
           "RFC822.SIZE 79)\r\n2 OK UID FETCH completed\r\n");
    expect(&session, "3 FETCH 1 (BODY.PEEK[HEADER.FIELDS (subject X)] BODY[TEXT]<3.4>)\r\n",
           "* 1 FETCH (BODY[HEADER.FIELDS (subject X)] {19}\r\nSubject: Lunch?\r\n\r\n"
           " BODY[TEXT]<3> {4}\r\nnoon)\r\n3 OK FETCH completed\r\n");
    expect(&session, "4 FETCH 2 BODY.PEEK[HEADER.FIELDS.NOT (From)]\r\n",
           "* 2 FETCH (BODY[HEADER.FIELDS.NOT (From)] {27}\r\nSubject: A\r\n folded one\r\n\r\n)"
           "\r\n4 OK FETCH completed\r\n");
    expect(&session, "5 FETCH 3 (RFC822.HEADER RFC822.SIZE BODY.PEEK[TEXT]<9.1>)\r\n",
           "* 3 FETCH (RFC822.HEADER {17}\r\nSubject: last\r\n\r\n RFC822.SIZE 17 "
           "BODY[TEXT]<9> {0}\r\n)\r\n5 OK FETCH completed\r\n");
    expect(&session, "6 UID FETCH 99:200 FLAGS\r\n", "6 OK UID FETCH completed\r\n");
    expect(&session, "7 UID FETCH 99:* UID\r\n",
           "* 3 FETCH (UID 13)\r\n7 OK UID FETCH completed\r\n");
    session_end(&session);
}

static void test_fetch_sets_seen(void **state)
{
    (void)state;
    Session session;
    begin_selected(&session);
    expect(&session, "1 FETCH 3 BODY[]\r\n",
           "* 3 FETCH (BODY[] {17}\r\nSubject: last\r\n\r\n FLAGS (\\Seen \\Flagged))\r\n"
           "1 OK FETCH completed\r\n");
    assert_true(session.node.inbox.messages[2].flags & IMAP_FLAG_SEEN);
    assert_non_null(strstr(session.node.log->str, "S: * 3 FETCH (BODY[] {17} FLAGS ("));
    expect(&session, "2 FETCH 3 RFC822.TEXT\r\n",
           "* 3 FETCH (RFC822.TEXT {0}\r\n)\r\n2 OK FETCH completed\r\n");
    say(&session, "3 EXAMINE INBOX\r\n4 FETCH 2 BODY[]\r\n");
    assert_false(session.node.inbox.messages[1].flags & IMAP_FLAG_SEEN);
    session_end(&session);
}

static void test_fetch_refusals(void **state)
{
    (void)state;
    Session session;
    begin_selected(&session);
    expect(&session, "1 FETCH 4 FLAGS\r\n", "1 BAD No such message number\r\n");
    expect_part(&session, "3 FETCH 1 BINARY\r\n", "3 BAD Items of FETCH must be");
    expect_part(&session, "4 FETCH 1 BODY[NONSENSE]\r\n", "4 BAD Items of FETCH must be");
    expect_part(&session, "5 FETCH 0 FLAGS\r\n", "5 BAD Set of FETCH must be");
    expect_part(&session, "6 FETCH 1 (FLAGS\r\n", "6 BAD Items of FETCH must be");
    expect_part(&session, "7 FETCH 1 BODY[]<0.0>\r\n", "7 BAD Items of FETCH must be");
    expect_part(&session, "8 FETCH 1 (FLAGS FLAGS FLAGS) \r\n",
                "8 BAD End of FETCH must come here");
    expect_part(&session, "9 FETCH 1 BODY[HEADER.FIELDS ({2+}\r\n\r\n)]\r\n",
                "9 BAD Items of FETCH must be");
    session.node.vanished = 12;
    expect(&session, "a FETCH 2:3 FLAGS\r\n",
           "* 3 FETCH (FLAGS (\\Flagged))\r\n"
           "a NO [EXPUNGEISSUED] Some messages have been expunged\r\n");
    session_end(&session);
}

static void test_fetch_items_are_bounded(void **state)
{
    (void)state;
    Session session;
    begin_selected(&session);
    g_autoptr(GString) line = g_string_new("1 UID FETCH 13 (FLAGS");
    for (int i = 1; i < 32; i++)
        g_string_append(line, " FLAGS");
    g_string_append(line, ")\r\n");
    expect_part(&session, line->str, "1 OK ");
    g_string_insert(line, (gssize)strlen("1 UID FETCH 13 ("), "FLAGS ");
    expect_part(&session, line->str, "1 BAD ");
    session_end(&session);
}

static void test_store(void **state)
{
    (void)state;
    Session session;
    begin_selected(&session);
    expect(&session, "1 STORE 1:2 +FLAGS (\\Deleted $Forwarded)\r\n",
           "* 1 FETCH (FLAGS (\\Seen \\Deleted))\r\n* 2 FETCH (FLAGS (\\Deleted))\r\n"
           "1 OK STORE completed\r\n");
    expect(&session, "2 UID STORE 11 -FLAGS \\Seen\r\n",
           "* 1 FETCH (UID 11 FLAGS (\\Deleted))\r\n2 OK UID STORE completed\r\n");
    expect(&session, "3 STORE 1,3 FLAGS.SILENT ()\r\n", "3 OK STORE completed\r\n");
    assert_int_equal(session.node.inbox.messages[2].flags, 0);
    expect_part(&session, "4 STORE 1 FLAG (\\Seen)\r\n", "4 BAD Item of STORE must be");
    expect(&session, "5 EXPUNGE\r\n", "* 2 EXPUNGE\r\n5 OK EXPUNGE completed\r\n");
    expect(&session, "6 UID FETCH 1:* UID\r\n",
           "* 1 FETCH (UID 11)\r\n* 2 FETCH (UID 13)\r\n6 OK UID FETCH completed\r\n");
    session_end(&session);
}

static void test_uid_expunge_and_close(void **state)
{
    (void)state;
    Session session;
    begin_selected(&session);
    say(&session, "1 STORE 1:3 +FLAGS.SILENT \\Deleted\r\n");
    expect(&session, "2 UID EXPUNGE 1:11,13\r\n",
           "* 1 EXPUNGE\r\n* 2 EXPUNGE\r\n2 OK UID EXPUNGE completed\r\n");
    expect_part(&session, "3 EXPUNGE 1\r\n", "3 BAD End of EXPUNGE must come here");
    expect(&session, "4 CLOSE\r\n", "4 OK CLOSE completed\r\n");
    assert_int_equal(session.node.inbox.count, 0);
    assert_int_equal(imap_server_state(session.server), IMAP_SERVER_AUTHENTICATED);
    say(&session, "5 SELECT INBOX\r\n");
    expect(&session, "6 EXPUNGE\r\n", "6 OK EXPUNGE completed\r\n");
    expect(&session, "7 FETCH * FLAGS\r\n", "7 BAD No such message number\r\n");
    expect(&session, "8 UID FETCH 1:* FLAGS\r\n", "8 OK UID FETCH completed\r\n");
    expect(&session, "9 UNSELECT\r\n", "9 OK UNSELECT completed\r\n");
    session_end(&session);
}

static void test_copy_and_move(void **state)
{
    (void)state;
    Session session;
    begin_selected(&session);
    expect(&session, "1 COPY 2:3 Work/Archive\r\n",
           "1 OK [COPYUID 7 12:13 101:102] COPY completed\r\n");
    expect(&session, "2 COPY 1 Nowhere\r\n", "2 NO [TRYCREATE] No such mailbox\r\n");
    expect(&session, "3 UID MOVE 13,11 Work/Archive\r\n",
           "* OK [COPYUID 7 11,13 103:104] Moved\r\n* 1 EXPUNGE\r\n* 2 EXPUNGE\r\n"
           "3 OK UID MOVE completed\r\n");
    expect(&session, "4 UID COPY 11 Work/Archive\r\n", "4 OK UID COPY completed\r\n");
    assert_int_equal(session.node.archive.count, 4);
    session_end(&session);
}

static void test_search(void **state)
{
    (void)state;
    Session session;
    begin_selected(&session);
    expect(&session, "1 SEARCH ALL\r\n", "* SEARCH 1 2 3\r\n1 OK SEARCH completed\r\n");
    expect(&session, "2 UID SEARCH UNSEEN FROM Carol\r\n",
           "* SEARCH 12\r\n2 OK UID SEARCH completed\r\n");
    expect(&session, "3 SEARCH OR SUBJECT lunch FLAGGED\r\n",
           "* SEARCH 1 3\r\n3 OK SEARCH completed\r\n");
    expect(&session, "4 SEARCH NOT (SEEN) 2:* UID 1:12\r\n",
           "* SEARCH 2\r\n4 OK SEARCH completed\r\n");
    expect(&session, "5 SEARCH BODY hello\r\n", "* SEARCH 2\r\n5 OK SEARCH completed\r\n");
    expect(&session, "6 SEARCH BEFORE 3-Mar-2026\r\n", "* SEARCH 1\r\n6 OK SEARCH completed\r\n");
    expect(&session, "7 SEARCH SINCE \"17-Jul-2026\" SMALLER 50\r\n",
           "* SEARCH 3\r\n7 OK SEARCH completed\r\n");
    expect(&session, "8 SEARCH HEADER To \"\"\r\n", "* SEARCH 1\r\n8 OK SEARCH completed\r\n");
    expect(&session, "9 SEARCH RETURN (MIN MAX COUNT) SUBJECT a\r\n",
           "* ESEARCH (TAG \"9\") MIN 2 MAX 3 COUNT 2\r\n9 OK SEARCH completed\r\n");
    expect(&session, "10 UID SEARCH RETURN () ALL\r\n",
           "* ESEARCH (TAG \"10\") UID ALL 11:13\r\n10 OK UID SEARCH completed\r\n");
    expect(&session, "11 SEARCH RETURN (ALL COUNT) KEYWORD x\r\n",
           "* ESEARCH (TAG \"11\") COUNT 0\r\n11 OK SEARCH completed\r\n");
    expect(&session, "12 SEARCH 4\r\n", "12 BAD No such message number\r\n");
    expect_part(&session, "13 SEARCH CHARSET KOI8-R ALL\r\n",
                "13 NO [BADCHARSET (US-ASCII UTF-8)]");
    expect(&session, "14 SEARCH RETURN (SAVE) ALL\r\n",
           "14 NO [CANNOT] Search option is not offered\r\n");
    expect_part(&session, "14 SEARCH SINCE 1-Mar-26\r\n",
                "14 BAD SINCE of SEARCH needs a date such as 1-Feb-1994");
    expect_part(&session, "14 SEARCH SINCE 0-Mar-2026\r\n",
                "14 BAD SINCE of SEARCH needs a date such as 1-Feb-1994");
    expect_part(&session, "15 SEARCH\r\n", "15 BAD Keys of SEARCH ");
    expect_part(&session, "16 SEARCH OR ALL\r\n", "16 BAD Keys of SEARCH ");
    session_end(&session);
}

/* RFC 9051 §6.4.4: the day that the Date field names, whatever its zone; RFC 5322 §3.3, §4.3. */
static void test_search_by_the_day_of_sending(void **state)
{
    (void)state;
    static const char *const dates[] = {
        "Mon, 2 Mar 2026 23:59:00 -1200",
        "3 mar 2026 00:00 +0900",
        "Tue, 3 Mar 26 10:00:00 GMT",
        "Sat, 31 Dec 99 10:00:00 GMT",
        "tomorrow",
        "Mon, 2 March 2026 10:00:00 Z",
        "Mon 2 Mar 2026 10:00 Z",
        "0 Mar 2026",
        "32 Mar 2026",
    };
    Session session;
    session_begin(&session);
    while (session.node.inbox.count > 0)
        test_mailbox_remove(&session.node.inbox, session.node.inbox.messages[0].uid);
    for (size_t i = 0; i < G_N_ELEMENTS(dates); i++) {
        g_autofree char *message = g_strdup_printf("Date: %s\r\n\r\n", dates[i]);
        test_mailbox_add_text(&session.node.inbox, message, 0);
    }
    test_mailbox_add_text(&session.node.inbox, "Subject: no date\r\n\r\n", 0);
    say(&session, "a LOGIN bob secret\r\nb SELECT INBOX\r\n");
    expect(&session, "1 SEARCH SENTON 3-Mar-2026\r\n", "* SEARCH 2 3\r\n1 OK SEARCH completed\r\n");
    expect(&session, "2 SEARCH SENTBEFORE 3-Mar-2026\r\n",
           "* SEARCH 1 4 7\r\n2 OK SEARCH completed\r\n");
    expect(&session, "3 SEARCH SENTSINCE 2-Mar-2026\r\n",
           "* SEARCH 1 2 3 7\r\n3 OK SEARCH completed\r\n");
    expect(&session, "4 SEARCH NOT SENTSINCE 1-Jan-1990\r\n",
           "* SEARCH 5 6 8 9 10\r\n4 OK SEARCH completed\r\n");
    session_end(&session);
}

static void test_search_asks_only_what_it_needs(void **state)
{
    (void)state;
    Session session;
    begin_selected(&session);
    session.node.vanished = 12;
    /* Message 2 is out by its UID, so its absence is not even seen. */
    expect(&session, "1 UID SEARCH UID 11,13 SUBJECT lunch\r\n",
           "* SEARCH 11\r\n1 OK UID SEARCH completed\r\n");
    expect(&session, "2 UID SEARCH OR UID 12 SEEN\r\n",
           "* SEARCH 11 12\r\n2 OK UID SEARCH completed\r\n");
    expect(&session, "3 SEARCH SEEN\r\n",
           "* SEARCH 1\r\n3 OK [EXPUNGEISSUED] SEARCH completed\r\n");
    session_end(&session);
}

static void test_search_nesting_is_bounded(void **state)
{
    (void)state;
    Session session;
    begin_selected(&session);
    g_autoptr(GString) line = g_string_new("1 SEARCH ");
    for (int i = 0; i < 16; i++)
        g_string_append(line, "NOT ");
    g_string_append(line, "ALL\r\n");
    expect(&session, line->str, "* SEARCH 1 2 3\r\n1 OK SEARCH completed\r\n");
    g_string_insert(line, (gssize)strlen("1 SEARCH "), "NOT ");
    expect_part(&session, line->str, "1 BAD Keys of SEARCH may be 16 within one another");
    g_string_assign(line, "2 SEARCH");
    for (int i = 0; i < 255; i++)
        g_string_append(line, " ALL");
    g_string_append(line, "\r\n");
    expect_part(&session, line->str, "2 OK ");
    g_string_insert(line, (gssize)strlen("2 SEARCH"), " ALL");
    expect_part(&session, line->str, "2 BAD Keys of SEARCH may be 256 at most");
    session_end(&session);
}

static void test_news_between_commands(void **state)
{
    (void)state;
    Session session;
    begin_selected(&session);
    test_mailbox_add_text(&session.node.inbox, "x", 0);
    imap_server_tell_exists(session.server, 14);
    imap_server_tell_exists(session.server, 14);
    test_mailbox_remove(&session.node.inbox, 12);
    imap_server_tell_expunged(session.server, 12);
    imap_server_tell_flags(session.server, 13, IMAP_FLAG_DRAFT);
    test_node_pump(&session.node, session.server);
    /* RFC 9051 §7.5.1: no EXPUNGE while FETCH runs; the numbers stay. */
    expect(&session, "1 FETCH 1 FLAGS\r\n",
           "* 1 FETCH (FLAGS (\\Seen))\r\n* 4 EXISTS\r\n* 3 FETCH (UID 13 FLAGS (\\Draft))\r\n"
           "1 OK FETCH completed\r\n");
    expect(&session, "2 UID FETCH 14 UID\r\n",
           "* 4 FETCH (UID 14)\r\n* 2 EXPUNGE\r\n2 OK UID FETCH completed\r\n");
    /* What came and went unseen is not told. */
    imap_server_tell_exists(session.server, 15);
    imap_server_tell_expunged(session.server, 15);
    imap_server_tell_flags(session.server, 99, 0);
    expect(&session, "3 NOOP\r\n", "3 OK NOOP completed\r\n");
    session_end(&session);
}

static void test_large_content_goes_by_reference(void **state)
{
    (void)state;
    Session session;
    session_begin(&session);
    size_t size = 300000;
    g_autofree char *text = g_malloc(size);
    memset(text, 'x', size);
    for (int i = 0; i < 4; i++)
        test_mailbox_add(&session.node.inbox, text, size, IMAP_FLAG_SEEN);
    say(&session, "a LOGIN bob secret\r\nb SELECT INBOX\r\n");
    imap_server_receive(session.server, span_of_text("c FETCH 4:7 (UID BODY.PEEK[] FLAGS)\r\n"));
    ImapServerEvent event;
    size_t fetched = 0;
    while (imap_server_next_event(session.server, &event)) {
        test_node_handle(&session.node, session.server, &event);
        fetched += event.kind == IMAP_SERVER_ASK_MESSAGE;
    }
    /* The output is full, so the engine rests until some has been sent. */
    assert_int_equal(fetched, 1);
    expect_part(&session, "", "c OK FETCH completed\r\n");
    assert_true(session.node.sent->len > 4 * size);
    assert_non_null(strstr(session.node.sent->str, "x FLAGS (\\Seen))\r\n* 5 FETCH (UID 15 "));
    session_end(&session);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_fetch),
        cmocka_unit_test(test_fetch_sets_seen),
        cmocka_unit_test(test_fetch_refusals),
        cmocka_unit_test(test_fetch_items_are_bounded),
        cmocka_unit_test(test_store),
        cmocka_unit_test(test_uid_expunge_and_close),
        cmocka_unit_test(test_copy_and_move),
        cmocka_unit_test(test_search),
        cmocka_unit_test(test_search_by_the_day_of_sending),
        cmocka_unit_test(test_search_asks_only_what_it_needs),
        cmocka_unit_test(test_search_nesting_is_bounded),
        cmocka_unit_test(test_news_between_commands),
        cmocka_unit_test(test_large_content_goes_by_reference),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
