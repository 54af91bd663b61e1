/* The IMAP server engine, with mailboxes in memory. */
#include "imap_test_node.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

typedef struct Session {
    TestNode node;
    ImapServer *server;
} Session;

static const ImapServerOptions usual = {.host_name = "mx.test"};

static void session_begin_with(Session *session, const ImapServerOptions *options)
{
    test_node_init(&session->node);
    session->server = imap_server_new(options);
    test_node_pump(&session->node, session->server);
    g_string_truncate(session->node.sent, 0);
}

static void session_begin(Session *session)
{
    session_begin_with(session, &usual);
}

static void session_end(Session *session)
{
    imap_server_free(session->server);
    test_node_clear(&session->node);
}

static void feed(Session *session, const void *data, size_t length)
{
    Span rest = span_of(data, length);
    while (rest.length > 0) {
        size_t count = MIN(rest.length, imap_server_input_room(session->server));
        assert_true(count > 0);
        imap_server_receive(session->server, span_of(rest.data, count));
        rest = span_skip(rest, count);
        test_node_pump(&session->node, session->server);
    }
}

/* Sends lines, and returns what the server has said since. */
static const char *say(Session *session, const char *text)
{
    g_string_truncate(session->node.sent, 0);
    feed(session, text, strlen(text));
    test_node_pump(&session->node, session->server);
    return session->node.sent->str;
}

static void expect(Session *session, const char *text, const char *answer)
{
    assert_string_equal(say(session, text), answer);
}

/* For answers of which only a part matters. */
static void expect_part(Session *session, const char *text, const char *part)
{
    const char *said = say(session, text);
    if (strstr(said, part) == NULL)
        fail_msg("no \"%s\" in \"%s\"", part, said);
}

static void begin_selected(Session *session)
{
    session_begin(session);
    say(session, "a LOGIN bob secret\r\nb SELECT INBOX\r\n");
    assert_int_equal(imap_server_state(session->server), IMAP_SERVER_SELECTED);
}

static void test_table_is_whole(void **state)
{
    (void)state;
    assert_null(state_table_find_defect(&imap_server_table));
    assert_string_equal(imap_server_table.name, "imap-server");
}

static void test_greeting_and_capability(void **state)
{
    (void)state;
    Session session;
    test_node_init(&session.node);
    session.server = imap_server_new(&usual);
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
    expect(&session, "2 FETCH 1 ENVELOPE\r\n", "2 NO [CANNOT] FETCH item is not offered\r\n");
    expect(&session, "3 FETCH 1 BODY[1.MIME]\r\n", "3 NO [CANNOT] FETCH item is not offered\r\n");
    expect(&session, "4 FETCH 1 BODY[NONSENSE]\r\n", "4 BAD Arguments are wrong\r\n");
    expect(&session, "5 FETCH 0 FLAGS\r\n", "5 BAD Arguments are wrong\r\n");
    expect(&session, "6 FETCH 1 (FLAGS\r\n", "6 BAD Arguments are wrong\r\n");
    expect(&session, "7 FETCH 1 BODY[]<0.0>\r\n", "7 BAD Arguments are wrong\r\n");
    expect(&session, "8 FETCH 1 (FLAGS FLAGS FLAGS) \r\n", "8 BAD Arguments are wrong\r\n");
    expect(&session, "9 FETCH 1 BODY[HEADER.FIELDS ({2+}\r\n\r\n)]\r\n",
           "9 BAD Arguments are wrong\r\n");
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
    expect(&session, "4 STORE 1 FLAG (\\Seen)\r\n", "4 BAD Arguments are wrong\r\n");
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
    expect(&session, "3 EXPUNGE 1\r\n", "3 BAD Arguments are wrong\r\n");
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

static void test_append(void **state)
{
    (void)state;
    Session session;
    begin_selected(&session);
    expect(&session,
           "1 APPEND INBOX (\\Seen) \"17-Jul-1996 02:44:25 -0700\" {14+}\r\nSubject: x\r\n\r\n\r\n",
           "* 4 EXISTS\r\n1 OK [APPENDUID 7 14] APPEND completed\r\n");
    assert_int_equal(session.node.inbox.messages[3].flags, IMAP_FLAG_SEEN);
    expect(&session, "2 APPEND Nowhere {1+}\r\nx\r\n", "2 NO [TRYCREATE] No such mailbox\r\n");
    expect(&session, "3 APPEND INBOX notliteral\r\n", "3 BAD Arguments are wrong\r\n");
    feed(&session, "4 APPEND INBOX {3+}\r\na\0b\r\n", 26);
    assert_non_null(strstr(session.node.sent->str, "4 BAD "));
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
    expect(&session, "3 NOOP extra\r\n", "3 BAD Arguments are wrong\r\n");
    expect(&session, "4 UID NOOP\r\n", "4 BAD No such command\r\n");
    expect(&session, "5 LOGIN \"a{3}\r\n", "+ Ready for literal data\r\n");
    expect(&session, "abc\r\n", "5 BAD Arguments are wrong\r\n");
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
    expect(&session, "7 LIST (SUBSCRIBED) \"\" *\r\n",
           "7 NO [CANNOT] LIST options are not offered\r\n");
    expect(&session, "8 STATUS INBOX (MESSAGES UNSEEN SIZE)\r\n",
           "* STATUS \"INBOX\" (MESSAGES 3 UNSEEN 2 SIZE 156)\r\n8 OK STATUS completed\r\n");
    expect(&session, "9 STATUS Nowhere (MESSAGES)\r\n", "9 NO [NONEXISTENT] STATUS failed\r\n");
    expect(&session, "10 STATUS INBOX ()\r\n", "10 BAD Arguments are wrong\r\n");
    expect_part(&session, "11 NAMESPACE\r\n", "* NAMESPACE ((\"\" \"/\")) NIL NIL\r\n");
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
    expect(&session, "14 SEARCH SENTON 1-Jan-2026\r\n",
           "14 NO [CANNOT] Search key or option is not offered\r\n");
    expect(&session, "15 SEARCH\r\n", "15 BAD Arguments are wrong\r\n");
    expect(&session, "16 SEARCH OR ALL\r\n", "16 BAD Arguments are wrong\r\n");
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
    expect(&session, line->str, "1 BAD Arguments are wrong\r\n");
    g_string_assign(line, "2 SEARCH");
    for (int i = 0; i < 255; i++)
        g_string_append(line, " ALL");
    g_string_append(line, "\r\n");
    expect_part(&session, line->str, "2 OK ");
    g_string_insert(line, (gssize)strlen("2 SEARCH"), " ALL");
    expect_part(&session, line->str, "2 BAD ");
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
    ImapServer *server = imap_server_new(&usual);
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
    ImapServer *server = imap_server_new(&usual);
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

static const char script[] =
    "a CAPABILITY\r\nb LOGIN {3+}\r\nbob \"secret\"\r\nc SELECT INBOX\r\n"
    "d FETCH 1:* (UID FLAGS BODY[])\r\ne STORE 2 +FLAGS (\\Deleted)\r\nf EXPUNGE\r\n"
    "g APPEND INBOX {5+}\r\nhello\r\nh SEARCH OR SEEN SUBJECT last\r\ni IDLE\r\nDONE\r\n"
    "j BAD\nk NOOP\r\nl UID MOVE 1:* Work/Archive\r\nm LOGOUT\r\n";

/* Plays the script, cut after `cut()` octets each time. */
static void play(Session *session, size_t (*cut)(uint32_t *seed), uint32_t seed)
{
    session_begin(session);
    for (size_t at = 0; at < sizeof script - 1;) {
        size_t wanted = cut(&seed);
        size_t count = MIN(wanted, sizeof script - 1 - at);
        imap_server_receive(session->server, span_of(script + at, count));
        test_node_pump(&session->node, session->server);
        at += count;
    }
}

static size_t cut_never(uint32_t *seed)
{
    (void)seed;
    return sizeof script;
}

static size_t cut_everywhere(uint32_t *seed)
{
    (void)seed;
    return 1;
}

static size_t cut_anywhere(uint32_t *seed)
{
    *seed = *seed * 1664525U + 1013904223U;
    return 1 + (*seed >> 16) % 40;
}

static void test_cuts_change_nothing(void **state)
{
    (void)state;
    Session whole;
    play(&whole, cut_never, 0);
    assert_true(whole.node.finished);
    for (uint32_t seed = 0; seed < 50; seed++) {
        Session pieces;
        play(&pieces, seed == 0 ? cut_everywhere : cut_anywhere, seed);
        assert_string_equal(pieces.node.log->str, whole.node.log->str);
        assert_string_equal(pieces.node.sent->str, whole.node.sent->str);
        session_end(&pieces);
    }
    session_end(&whole);
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
    [IMAP_SERVER_ON_LIST] = " \"\" *",
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

static void test_every_cell(void **state)
{
    (void)state;
    unsigned walked = 0, never = 0;
    for (uint8_t from = 0; from < IMAP_SERVER_STATE_COUNT; from++) {
        for (uint8_t input = 0; input < IMAP_SERVER_INPUT_COUNT; input++) {
            const StateCell *cell = state_table_cell(&imap_server_table, from, input);
            Session session;
            begin_in_state(&session, from);
            if (cell->action == IMAP_SERVER_NEVER) {
                never++;
            } else if (cause(&session, (ImapServerInput)input)) {
                check_cell(&session, cell, (ImapServerInput)input);
                /* These sessions end at their first BAD, after the cell's own transition. */
                bool bad = cell->action == IMAP_SERVER_REFUSE;
                assert_int_equal(imap_server_state(session.server),
                                 bad ? (uint8_t)IMAP_SERVER_LOGOUT : cell->next);
                walked++;
            }
            session_end(&session);
        }
    }
    assert_int_equal(never, 4);
    /* One more is out of reach: no client can have that much said before it has logged in. */
    assert_int_equal(walked, IMAP_SERVER_STATE_COUNT * IMAP_SERVER_INPUT_COUNT - 5);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_table_is_whole),
        cmocka_unit_test(test_greeting_and_capability),
        cmocka_unit_test(test_login),
        cmocka_unit_test(test_synchronizing_literal_is_invited),
        cmocka_unit_test(test_select),
        cmocka_unit_test(test_fetch),
        cmocka_unit_test(test_fetch_sets_seen),
        cmocka_unit_test(test_fetch_refusals),
        cmocka_unit_test(test_fetch_items_are_bounded),
        cmocka_unit_test(test_store),
        cmocka_unit_test(test_uid_expunge_and_close),
        cmocka_unit_test(test_copy_and_move),
        cmocka_unit_test(test_append),
        cmocka_unit_test(test_append_is_bounded),
        cmocka_unit_test(test_lines_are_bounded),
        cmocka_unit_test(test_malformed_lines),
        cmocka_unit_test(test_too_many_bad_commands),
        cmocka_unit_test(test_list_and_status),
        cmocka_unit_test(test_create_delete_rename),
        cmocka_unit_test(test_search),
        cmocka_unit_test(test_search_asks_only_what_it_needs),
        cmocka_unit_test(test_search_nesting_is_bounded),
        cmocka_unit_test(test_news_between_commands),
        cmocka_unit_test(test_idle),
        cmocka_unit_test(test_question_holds_the_input),
        cmocka_unit_test(test_shut_down_kills_the_question),
        cmocka_unit_test(test_large_content_goes_by_reference),
        cmocka_unit_test(test_cuts_change_nothing),
        cmocka_unit_test(test_every_cell),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
