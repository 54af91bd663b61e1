/* Tests of proto/smtp_server: the content by DATA and by BDAT, its end, and what is smuggled in it.
 */
#include "pieces.h"
#include "smtp_server_session.h"

/* BDAT: RFC 3030 */

static Session *session_chunking(void)
{
    SmtpServerOptions options = smtp_server_options("mx.b.example");
    options.extensions |= SMTP_EXTENSION_CHUNKING;
    options.message_maximum = 100;
    Session *session = session_with(options);
    feed(session, hello);
    return session;
}

static void test_chunks_make_a_message(void **state)
{
    (void)state;
    Session *session = session_chunking();
    feed(session, envelope);
    expect(session, "BDAT 7\r\n.\r\n\r\nQU", "250 2.0.0 7 octets received\r\n");
    expect(session, "DATA\r\n", "503 5.5.1 Bad sequence of commands\r\n");
    expect(session, "BDAT 0\r\n", "250 2.0.0 0 octets received\r\n");
    expect(session, "BDAT 10 LAST\r\nIT\r\nx\r\n.\r\nQUIT\r\n",
           "250 2.0.0 OK\r\n221 2.0.0 mx.b.example Service closing transmission channel\r\n");
    assert_non_null(strstr(session->log->str, "message [.\r\n\r\nQUIT\r\nx\r\n.\r\n] not plain\n"));
    session_free(session);
}

/* Whatever becomes of a chunk, its octets are not taken for commands. */
static void test_chunks_out_of_order_are_dropped(void **state)
{
    (void)state;
    Session *session = session_chunking();
    expect_code(session, "BDAT 6\r\nQUIT\r\n", 503);
    feed(session, "MAIL FROM:<>\r\n");
    expect_code(session, "BDAT 6 LAST\r\nRSET\r\n", 554);
    feed(session, "RCPT TO:<b@b.example>\r\n");
    expect(session, "BDAT 3\r\na\nbBDAT 6 LAST\r\nQUIT\r\n",
           "550 5.5.2 Bare CR or LF is not allowed in a message\r\n"
           "503 5.5.1 Bad sequence of commands\r\n");
    assert_int_equal(smtp_server_state(session->server), SMTP_SERVER_READY);
    g_autofree char *large = g_strnfill(101, 'x');
    g_autofree char *too_large = g_strconcat("BDAT 101 LAST\r\n", large, NULL);
    feed(session, envelope);
    expect(session, too_large, "552 5.3.4 Message size exceeds fixed maximum message size\r\n");
    feed(session, envelope);
    expect_code(session, "BDAT 3\r\na\r\r", 550);
    feed(session, envelope);
    expect_code(session, "BDAT 2 LAST\r\na\r", 550);
    expect_code(session, "BDAT 1 FIRST\r\n", 421);
    assert_true(smtp_server_is_finished(session->server));
    session_free(session);
}

/* A CR and its LF may lie in two chunks. */
static void test_a_line_end_across_chunks(void **state)
{
    (void)state;
    Session *session = session_chunking();
    feed(session, envelope);
    expect_code(session, "BDAT 2\r\na\r", 250);
    expect_code(session, "BDAT 1 LAST\r\n\n", 250);
    assert_non_null(strstr(session->log->str, "message [a\r\n] not plain\n"));
    session_free(session);
}

static void test_dots_are_removed(void **state)
{
    (void)state;
    static const struct {
        const char *wire, *content;
    } cases[] = {
        {".\r\n", ""},
        {"\r\n.\r\n", "\r\n"},
        {"..\r\n.\r\n", ".\r\n"},
        {"...a\r\n.\r\n", "..a\r\n"},
        {".a\r\n.\r\n", "a\r\n"},
        {"a.\r\n..b\r\n..\r\n.\r\n", "a.\r\n.b\r\n.\r\n"},
        {"\xff\xfe\r\n.\r\n", "\xff\xfe\r\n"},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        Session *session = session_new();
        assert_int_equal(deliver(session, cases[i].wire), 250);
        assert_string_equal(session->content->str, cases[i].content);
        session_free(session);
    }
}

/* Each sequence that some server takes for the end of the content, a second mail behind it. */
static const char *const smuggling[] = {
    "\n.\n", "\n.\r\n", "\r.\r", "\r.\r\n", "\r\n.\n", "\r\n.\r", "\n.\r", "\r\n\r.\r\n",
};

static const char *const smuggled =
    "MAIL FROM:<eve@a.example>\r\nRCPT TO:<bob@b.example>\r\nDATA\r\nevil\r\n.\r\n";

static void test_smuggling_is_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < G_N_ELEMENTS(smuggling); i++) {
        Session *session = session_new();
        g_autofree char *wire = g_strconcat("a", smuggling[i], smuggled, NULL);
        assert_int_equal(deliver(session, wire), 550);
        assert_null(strstr(session->log->str, "eve"));
        assert_null(strstr(session->log->str, "message"));
        assert_non_null(strstr(session->log->str, "reset 1\n"));
        assert_int_equal(smtp_server_state(session->server), SMTP_SERVER_READY);
        session_free(session);
    }
}

static void test_vulnerable_server_is_smuggled_to(void **state)
{
    (void)state;
    static const char *const works[] = {"\n.\n", "\n.\r\n", "\r\n.\n"};
    for (size_t i = 0; i < G_N_ELEMENTS(works); i++) {
        SmtpServerOptions options = smtp_server_options("mx.b.example");
        options.bare_newlines = SMTP_BARE_NEWLINES_END_LINES;
        Session *session = session_with(options);
        g_autofree char *wire = g_strconcat("a", works[i], smuggled, NULL);
        assert_int_equal(deliver(session, wire), 250);
        assert_non_null(strstr(session->log->str, "message [a\r\n] not plain\n"));
        assert_non_null(strstr(session->log->str, "mail <eve@a.example>\n"));
        assert_non_null(strstr(session->log->str, "message [evil\r\n] not plain\n"));
        session_free(session);
    }
}

/* The smuggler's own server: what it takes it hands on as it came, one message whole. */
static void test_bare_newlines_are_kept(void **state)
{
    (void)state;
    SmtpServerOptions options = smtp_server_options("mx.b.example");
    options.bare_newlines = SMTP_BARE_NEWLINES_KEPT;
    Session *session = session_with(options);
    assert_int_equal(deliver(session, "a\n.\nb\rc\n.\r\nd\r\n.\r\n"), 250);
    assert_non_null(strstr(session->log->str, "message [a\n.\nb\rc\n.\r\nd\r\n] not plain\n"));
    expect(session, "NOOP\nMAIL FROM:<>\r\n", "500 5.5.2 Bare CR or LF is not allowed\r\n");
    session_free(session);
}

static void test_bare_newlines_in_commands(void **state)
{
    (void)state;
    Session *session = session_new();
    feed(session, hello);
    expect(session, "NOOP\nMAIL FROM:<>\r\n", "500 5.5.2 Bare CR or LF is not allowed\r\n");
    expect(session, "NOOP\rNOOP\r\n", "500 5.5.2 Bare CR or LF is not allowed\r\n");
    assert_int_equal(smtp_server_state(session->server), SMTP_SERVER_READY);
    session_free(session);
}

/* A second reading of the end of content, as simple as can be: the first CRLF.CRLF, counted from
 * the CRLF of the DATA line, ends it; a dot that starts a line is removed; a CR or LF that is alone
 * makes the content bad. */
static bool reference_read(const GString *wire, GString *content, bool *is_sound)
{
    g_autofree char *whole = g_strconcat("\r\n", wire->str, NULL);
    const char *end = strstr(whole, "\r\n.\r\n");
    if (end == NULL)
        return false;
    size_t length = (size_t)(end - whole) + 2;
    g_string_truncate(content, 0);
    *is_sound = true;
    for (size_t i = 2; i < length; i++) {
        bool starts_line = whole[i - 2] == '\r' && whole[i - 1] == '\n';
        if (!(starts_line && whole[i] == '.'))
            g_string_append_c(content, whole[i]);
        if ((whole[i] == '\n' && whole[i - 1] != '\r') ||
            (whole[i] == '\r' && whole[i + 1] != '\n'))
            *is_sound = false;
    }
    return true;
}

static void test_end_of_content_against_reference(void **state)
{
    (void)state;
    static const char *const alphabet[] = {"\r\n", "\r", "\n", ".", ".", "a", "\r\n.\r\n"};
    unsigned ended = 0, sound = 0;
    uint32_t seed = 20;
    g_autoptr(GString) wire = g_string_new(NULL);
    g_autoptr(GString) content = g_string_new(NULL);
    for (int round = 0; round < 20000; round++) {
        g_string_truncate(wire, 0);
        for (uint32_t left = 1 + next_random(&seed) % 12; left > 0; left--)
            g_string_append(wire, alphabet[next_random(&seed) % G_N_ELEMENTS(alphabet)]);
        bool is_sound = false;
        bool has_end = reference_read(wire, content, &is_sound);
        Session *session = session_new();
        session->hold = SMTP_SERVER_EVENT_MESSAGE_END;
        int code = deliver(session, wire->str);
        bool taken = smtp_server_state(session->server) == SMTP_SERVER_FINAL_DOT;
        assert_int_equal(taken, has_end && is_sound);
        assert_int_equal(code == 550, has_end && !is_sound);
        if (taken)
            assert_string_equal(session->content->str, content->str);
        ended += has_end;
        sound += taken;
        session_free(session);
    }
    assert_true(sound > 1000 && ended > sound + 1000 && ended < 19000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_chunks_make_a_message),
        cmocka_unit_test(test_chunks_out_of_order_are_dropped),
        cmocka_unit_test(test_a_line_end_across_chunks),
        cmocka_unit_test(test_dots_are_removed),
        cmocka_unit_test(test_smuggling_is_refused),
        cmocka_unit_test(test_vulnerable_server_is_smuggled_to),
        cmocka_unit_test(test_end_of_content_against_reference),
        cmocka_unit_test(test_bare_newlines_are_kept),
        cmocka_unit_test(test_bare_newlines_in_commands),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
