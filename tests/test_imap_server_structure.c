/* The IMAP server engine: what FETCH tells of a message's structure, and its MIME parts. */
#include "imap_test_session.h"

#include "proto/imap_section.h"

/* A mailbox with one message, as number 1. */
static void begin_with(Session *session, const char *message)
{
    session_begin(session);
    while (session->node.inbox.count > 0)
        test_mailbox_remove(&session->node.inbox, session->node.inbox.messages[0].uid);
    test_mailbox_add_text(&session->node.inbox, message, IMAP_FLAG_SEEN);
    say(session, "a LOGIN bob secret\r\nb SELECT INBOX\r\n");
}

/* FETCHes one item; compares what stands in the parentheses. */
static void expect_item(Session *session, const char *item, const char *value)
{
    g_autofree char *command = g_strdup_printf("1 FETCH 1 (%s)\r\n", item);
    g_autofree char *answer = g_strdup_printf("* 1 FETCH (%s)\r\n1 OK FETCH completed\r\n", value);
    expect(session, command, answer);
}

static void expect_of(const char *message, const char *item, const char *value)
{
    Session session;
    begin_with(&session, message);
    g_autofree char *whole = g_strdup_printf("%s %s", item, value);
    expect_item(&session, item, whole);
    session_end(&session);
}

/* The message of RFC 9051 §8. */
static void test_envelope_of_the_rfc(void **state)
{
    (void)state;
    expect_of("Date: Wed, 17 Jul 1996 02:23:25 -0700 (PDT)\r\n"
              "From: Terry Gray <gray@cac.washington.edu>\r\n"
              "Subject: IMAP4rev2 WG mtg summary and minutes\r\n"
              "To: imap@cac.washington.edu\r\n"
              "cc: minutes@CNRI.Reston.VA.US, John Klensin <KLENSIN@MIT.EDU>\r\n"
              "Message-Id: <B27397-0100000@cac.washington.edu>\r\n\r\n",
              "ENVELOPE",
              "(\"Wed, 17 Jul 1996 02:23:25 -0700 (PDT)\" "
              "\"IMAP4rev2 WG mtg summary and minutes\" "
              "((\"Terry Gray\" NIL \"gray\" \"cac.washington.edu\")) "
              "((\"Terry Gray\" NIL \"gray\" \"cac.washington.edu\")) "
              "((\"Terry Gray\" NIL \"gray\" \"cac.washington.edu\")) "
              "((NIL NIL \"imap\" \"cac.washington.edu\")) "
              "((NIL NIL \"minutes\" \"CNRI.Reston.VA.US\")"
              "(\"John Klensin\" NIL \"KLENSIN\" \"MIT.EDU\")) NIL NIL "
              "\"<B27397-0100000@cac.washington.edu>\")");
}

static void test_envelope_with_group_and_quotes(void **state)
{
    (void)state;
    expect_of("From: \"Kim, \\\"Bob\\\"\" <bob@b.test>\r\n"
              "Sender: clerk@a.test\r\nReply-To: team@a.test\r\n"
              "To: Friends: ann@a.test, =?utf-8?Q?J=C3=B6?= <\"j o\"@[192.0.2.1]>;,\r\n"
              " Nobody:;\r\n"
              "Subject: a\r\n  folded \"one\"\r\nIn-Reply-To: <x@y>\r\n\r\n",
              "ENVELOPE",
              "(NIL \"a  folded \\\"one\\\"\" "
              "((\"Kim, \\\"Bob\\\"\" NIL \"bob\" \"b.test\")) "
              "((NIL NIL \"clerk\" \"a.test\")) ((NIL NIL \"team\" \"a.test\")) "
              "((NIL NIL \"Friends\" NIL)(NIL NIL \"ann\" \"a.test\")"
              "(\"=?utf-8?Q?J=C3=B6?=\" NIL \"j o\" \"[192.0.2.1]\")(NIL NIL NIL NIL)"
              "(NIL NIL \"Nobody\" NIL)(NIL NIL NIL NIL)) NIL NIL \"<x@y>\" NIL)");
}

/* RFC 9051 §4.3: a quoted string holds no 8-bit octets before ENABLE IMAP4rev2. */
static void test_envelope_beyond_ascii(void **state)
{
    (void)state;
    Session session;
    begin_with(&session, "Subject: caf\xc3\xa9\r\n\r\n");
    expect_part(&session, "1 FETCH 1 ENVELOPE\r\n", "ENVELOPE (NIL {5}\r\ncaf\xc3\xa9 NIL NIL");
    expect_part(&session,
                "2 CLOSE\r\n3 ENABLE IMAP4rev2\r\n4 SELECT INBOX\r\n5 FETCH 1 ENVELOPE\r\n",
                "ENVELOPE (NIL \"caf\xc3\xa9\" NIL NIL");
    session_end(&session);
}

static void test_structure_of_plain_text(void **state)
{
    (void)state;
    static const char message[] =
        "Content-Type: TEXT/PLAIN; CHARSET=US-ASCII\r\n\r\none\r\ntwo\r\n";
    expect_of(message, "BODY",
              "(\"TEXT\" \"PLAIN\" (\"CHARSET\" \"US-ASCII\") NIL NIL \"7bit\" 10 2)");
    expect_of(
        message, "BODYSTRUCTURE",
        "(\"TEXT\" \"PLAIN\" (\"CHARSET\" \"US-ASCII\") NIL NIL \"7bit\" 10 2 NIL NIL NIL NIL)");
    /* RFC 2045 §5.2: without a Content-Type, and with a wrong one. */
    expect_of("\r\nx\r\n", "BODY",
              "(\"text\" \"plain\" (\"charset\" \"us-ascii\") NIL NIL \"7bit\" 3 1)");
    expect_of("Content-Type: multipart/mixed\r\n\r\nx", "BODY",
              "(\"text\" \"plain\" (\"charset\" \"us-ascii\") NIL NIL \"7bit\" 1 0)");
}

#define ATTACHED                                                                                   \
    "Content-Type: application/pdf; name=\"a b.pdf\"\r\n"                                          \
    "Content-Transfer-Encoding: base64\r\n"                                                        \
    "Content-Disposition: attachment; filename=\"a b.pdf\"\r\n"                                    \
    "Content-ID: <1@a.test>\r\n\r\n"
#define INNER "Subject: in\r\nFrom: ann@a.test\r\n\r\nHello.\r\n"
#define MIXED                                                                                      \
    "Subject: out\r\nContent-Type: multipart/mixed; boundary=\"=b\"\r\n\r\nPreamble.\r\n"          \
    "--=b\r\nContent-Type: multipart/alternative; boundary=c\r\n\r\n"                              \
    "--c\r\n\r\nplain\r\n--c \r\nContent-Type: text/html\r\n\r\n<p>\r\n\r\n--c--\r\n"              \
    "\r\n--=b\r\n" ATTACHED "AGhpAA==\r\n\r\n--=b\r\nContent-Type: message/rfc822\r\n\r\n" INNER   \
    "\r\n--=b--\r\nEpilogue.\r\n"

static void test_structure_of_nested_parts(void **state)
{
    (void)state;
    Session session;
    begin_with(&session, MIXED);
    expect_item(
        &session, "BODY",
        "BODY (((\"text\" \"plain\" (\"charset\" \"us-ascii\") NIL NIL \"7bit\" 5 0)"
        "(\"text\" \"html\" NIL NIL NIL \"7bit\" 5 1) \"alternative\")"
        "(\"application\" \"pdf\" (\"name\" \"a b.pdf\") \"<1@a.test>\" NIL \"base64\" 10)"
        "(\"message\" \"rfc822\" NIL NIL NIL \"7bit\" 41 "
        "(NIL \"in\" ((NIL NIL \"ann\" \"a.test\")) ((NIL NIL \"ann\" \"a.test\")) "
        "((NIL NIL \"ann\" \"a.test\")) NIL NIL NIL NIL NIL) "
        "(\"text\" \"plain\" (\"charset\" \"us-ascii\") NIL NIL \"7bit\" 8 1) 4) \"mixed\")");
    expect_part(&session, "2 FETCH 1 BODYSTRUCTURE\r\n",
                "\"base64\" 10 NIL (\"attachment\" (\"filename\" \"a b.pdf\")) NIL NIL)(");
    expect_part(&session, "3 FETCH 1 BODYSTRUCTURE\r\n",
                " \"mixed\" (\"boundary\" \"=b\") NIL NIL NIL))\r\n");
    session_end(&session);
}

/* RFC 9051 §6.4.5.1. */
static void test_parts(void **state)
{
    (void)state;
    Session session;
    begin_with(&session, MIXED);
    expect_item(&session, "BODY[1.1]", "BODY[1.1] {5}\r\nplain");
    expect_item(&session, "BODY[1.2]", "BODY[1.2] {5}\r\n<p>\r\n");
    expect_item(&session, "BODY.PEEK[1.2.MIME]",
                "BODY[1.2.MIME] {27}\r\nContent-Type: text/html\r\n\r\n");
    expect_item(&session, "BODY[2]<2.3>", "BODY[2]<2> {3}\r\nhpA");
    expect_item(&session, "BODY[3]", "BODY[3] {41}\r\n" INNER);
    expect_item(&session, "BODY[3.HEADER]",
                "BODY[3.HEADER] {33}\r\nSubject: in\r\nFrom: ann@a.test\r\n\r\n");
    expect_item(&session, "BODY[3.HEADER.FIELDS (SUBJECT)]",
                "BODY[3.HEADER.FIELDS (SUBJECT)] {15}\r\nSubject: in\r\n\r\n");
    expect_item(&session, "BODY[3.TEXT]", "BODY[3.TEXT] {8}\r\nHello.\r\n");
    expect_item(&session, "BODY[3.1]", "BODY[3.1] {8}\r\nHello.\r\n");
    expect_item(&session, "BODY[1.3]", "BODY[1.3] NIL");
    expect_item(&session, "BODY[2.1]", "BODY[2.1] NIL");
    expect_item(&session, "BODY[1.HEADER]", "BODY[1.HEADER] NIL");
    expect_item(&session, "BODY[3.2]", "BODY[3.2] NIL");
    session_end(&session);
    begin_with(&session, "Subject: x\r\n\r\nbody");
    expect_item(&session, "BODY[1]", "BODY[1] {4}\r\nbody");
    expect_item(&session, "BODY[1.1]", "BODY[1.1] NIL");
    expect_item(&session, "BODY[2]", "BODY[2] NIL");
    session_end(&session);
}

static void test_parts_are_bounded(void **state)
{
    (void)state;
    Session session;
    begin_with(&session, MIXED);
    static const char *const wrong[] = {
        "BODY[0]",   "BODY[1.]",       "BODY[MIME]",          "BODY[1MIME]",     "BODY[.1]",
        "BODY[1.0]", "BINARY[1.MIME]", "BINARY.SIZE[1]<0.1>", "BODY[4294967296]"};
    for (size_t i = 0; i < G_N_ELEMENTS(wrong); i++) {
        g_autofree char *command = g_strdup_printf("1 FETCH 1 %s\r\n", wrong[i]);
        expect_part(&session, command, " of FETCH must ");
    }
    g_autoptr(GString) deep = g_string_new("1 FETCH 1 BODY[1");
    for (int i = 1; i < IMAP_SECTION_DEPTH_MAXIMUM; i++)
        g_string_append(deep, ".1");
    g_autofree char *deepest = g_strdup_printf("%s]\r\n", deep->str);
    g_autofree char *deeper = g_strdup_printf("%s.1]\r\n", deep->str);
    expect_part(&session, deepest, " NIL)\r\n1 OK");
    expect_part(&session, deeper, "1 BAD Items of FETCH must be");
    session_end(&session);
}

/* RFC 9051 §6.4.5 BINARY, §9 literal8. */
static void test_binary(void **state)
{
    (void)state;
    Session session;
    begin_with(&session, MIXED);
    g_string_truncate(session.node.sent, 0);
    say(&session, "1 FETCH 1 BINARY.PEEK[2]\r\n");
    static const char answer[] = "* 1 FETCH (BINARY[2] ~{4}\r\n\0hi\0)\r\n1 OK FETCH completed\r\n";
    assert_int_equal(session.node.sent->len, sizeof answer - 1);
    assert_memory_equal(session.node.sent->str, answer, sizeof answer - 1);
    expect_item(&session, "BINARY.SIZE[2]", "BINARY.SIZE[2] 4");
    expect_item(&session, "BINARY[2]<1.2>", "BINARY[2]<1> {2}\r\nhi");
    expect_item(&session, "BINARY[1]", "BINARY[1] NIL");
    expect_item(&session, "BINARY.PEEK[3]", "BINARY[3] NIL");
    expect_item(&session, "BINARY[1.1]", "BINARY[1.1] {5}\r\nplain");
    session_end(&session);
    begin_with(&session, "Content-Transfer-Encoding: rot13\r\n\r\nuryyb");
    expect(&session, "1 FETCH 1 BINARY[1]\r\n",
           "* 1 FETCH (BINARY[1] NIL)\r\n1 NO [UNKNOWN-CTE] A part cannot be decoded\r\n");
    expect_item(&session, "BODY[1]", "BODY[1] {5}\r\nuryyb");
    session_end(&session);
}

static void test_macros(void **state)
{
    (void)state;
    Session session;
    begin_with(&session, "Subject: x\r\n\r\nbody");
    expect_part(&session, "1 FETCH 1 ALL\r\n", "RFC822.SIZE 18 ENVELOPE (NIL \"x\" ");
    expect_part(&session, "1 FETCH 1 ALL\r\n", "NIL NIL))\r\n1 OK");
    expect_part(&session, "2 FETCH 1 FULL\r\n", " BODY (\"text\" \"plain\" ");
    session_end(&session);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_envelope_of_the_rfc),
        cmocka_unit_test(test_envelope_with_group_and_quotes),
        cmocka_unit_test(test_envelope_beyond_ascii),
        cmocka_unit_test(test_structure_of_plain_text),
        cmocka_unit_test(test_structure_of_nested_parts),
        cmocka_unit_test(test_parts),
        cmocka_unit_test(test_parts_are_bounded),
        cmocka_unit_test(test_binary),
        cmocka_unit_test(test_macros),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
