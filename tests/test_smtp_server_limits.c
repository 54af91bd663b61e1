/* Tests of proto/smtp_server: the limits of RFC 5321 §4.5.3.1, and those of a server's own. */
#include "smtp_server_session.h"

/* §4.5.3.1.1 to §4.5.3.1.3: what must be taken is, in MAIL and in RCPT, and one octet more is
 * not. A path of 256 octets has its angle brackets in it. */
static void test_lengths_of_addresses(void **state)
{
    (void)state;
    enum { LOCAL_PART = 64, DOMAIN = 255, PATH = 256 };
    g_autofree char *letters = g_strnfill(63, 'd');
    g_autofree char *domain =
        g_strdup_printf("%s.%s.%s.%.57s.bb", letters, letters, letters, letters);
    for (int rcpt = 0; rcpt < 2; rcpt++) {
        const char *verb = rcpt ? "RCPT TO" : "MAIL FROM";
        const char *too_long = rcpt ? "501 5.1.3 Path too long\r\n" : "501 5.1.7 Path too long\r\n";
        Session *session = session_new();
        feed(session, rcpt ? "EHLO a\r\nMAIL FROM:<>\r\n" : "EHLO a\r\n");
        size_t most = PATH - strlen("<>@") - LOCAL_PART;
        g_autofree char *local = g_strnfill(LOCAL_PART, 'l');
        g_autofree char *longest = g_strdup_printf("%.*s", (int)most, domain);
        g_autofree char *good = g_strdup_printf("%s:<%s@%s>\r\n", verb, local, longest);
        assert_int_equal(strlen(good), strlen(verb) + 1 + PATH + 2);
        expect_code(session, good, 250);
        feed(session, rcpt ? "" : "RSET\r\n");
        g_autofree char *path = g_strdup_printf("%s:<%s@%s1>\r\n", verb, local, longest);
        expect(session, path, too_long);
        g_autofree char *user = g_strdup_printf("%s:<l%s@b.example>\r\n", verb, local);
        expect(session, user, too_long);
        session_free(session);
    }
    /* A path has room for a domain of 252 octets; in EHLO it may have all its 255. */
    Session *session = session_new();
    assert_int_equal(strlen(domain), DOMAIN - 3);
    g_autofree char *hello_line = g_strdup_printf("EHLO %sccc\r\n", domain);
    feed(session, "");
    expect_code(session, "EHLO a\r\n", 250);
    expect_code(session, hello_line, 250);
    g_autofree char *beyond = g_strdup_printf("EHLO %scccc\r\n", domain);
    expect_code(session, beyond, 501);
    session_free(session);
}

/* Limits */

static void test_command_line_length(void **state)
{
    (void)state;
    Session *session = session_new();
    feed(session, "");
    g_autofree char *fill = g_strnfill(SMTP_COMMAND_LINE_MAXIMUM - 7, 'x');
    g_autofree char *longest = g_strdup_printf("NOOP %s\r\n", fill);
    g_autofree char *longer = g_strdup_printf("NOOP %sx\r\n", fill);
    expect_code(session, longest, 250);
    expect(session, longer, "500 5.5.2 Line too long\r\n");
    expect_code(session, "NOOP\r\n", 250);
    session_free(session);
}

/* §4.5.3.1.4, §4.5.3.1.6: what any server must take, with its CRLF. */
static void test_lines_that_must_be_taken(void **state)
{
    (void)state;
    Session *session = session_new();
    feed(session, "");
    g_autofree char *command = g_strnfill(SMTP_COMMAND_LINE_MINIMUM - strlen("NOOP \r\n"), 'x');
    g_autofree char *line = g_strdup_printf("NOOP %s\r\n", command);
    assert_int_equal(strlen(line), 512);
    expect_code(session, line, 250);
    /* "not counting the leading dot duplicated for transparency" */
    g_autofree char *fill = g_strnfill(SMTP_TEXT_LINE_MINIMUM - strlen(".\r\n"), 'x');
    g_autofree char *text = g_strdup_printf("..%s\r\n", fill);
    assert_int_equal(strlen(text), 1000 + 1);
    g_autofree char *wire = g_strdup_printf("%s.\r\n", text);
    assert_int_equal(deliver(session, wire), 250);
    assert_int_equal(session->content->len, 1000);
    session_free(session);
}

/* §4.5.3.1.5: whatever a node has to say, a reply line has 512 octets at most, and each says
 * whether another follows. */
static void test_reply_line_length(void **state)
{
    (void)state;
    Session *session = session_new();
    g_autofree char *fill = g_strnfill(600, 'x');
    g_autofree char *text = g_strdup_printf("%s\nsecond", fill);
    session->special = SMTP_SERVER_EVENT_MAIL;
    session->answer = smtp_reply(550, "5.7.1", text);
    feed(session, hello);
    g_string_truncate(session->output, 0);
    feed(session, "MAIL FROM:<>\r\n");
    const char *second = strstr(session->output->str, "\r\n") + 2;
    assert_int_equal(second - session->output->str, 512);
    assert_true(g_str_has_prefix(session->output->str, "550-5.7.1 xxx"));
    assert_string_equal(second, "550 5.7.1 second\r\n");
    session_free(session);
}

static void test_text_line_length(void **state)
{
    (void)state;
    g_autofree char *fill = g_strnfill(SMTP_TEXT_LINE_MAXIMUM - 2, 'x');
    g_autofree char *longest = g_strdup_printf(".%s\r\n.\r\n", fill);
    g_autofree char *longer = g_strdup_printf("%sx\r\n.\r\n", fill);
    Session *session = session_new();
    assert_int_equal(deliver(session, longest), 250);
    assert_int_equal(deliver(session, longer), 500);
    session_free(session);
}

static void test_message_size(void **state)
{
    (void)state;
    SmtpServerOptions options = smtp_server_options("mx.b.example");
    options.message_maximum = 10;
    Session *session = session_with(options);
    assert_int_equal(deliver(session, "12345678\r\n.\r\n"), 250);
    assert_int_equal(deliver(session, "123456789\r\n.\r\n"), 552);
    session_free(session);
}

static void test_recipient_limit(void **state)
{
    (void)state;
    Session *session = session_new();
    feed(session, hello);
    feed(session, "MAIL FROM:<>\r\n");
    for (int i = 0; i < SMTP_RECIPIENTS_MINIMUM; i++)
        expect_code(session, "RCPT TO:<b@b.example>\r\n", 250);
    expect(session, "RCPT TO:<b@b.example>\r\n", "452 4.5.3 Too many recipients\r\n");
    expect_code(session, "DATA\r\n", 354);
    session_free(session);
}

static void test_error_limit(void **state)
{
    (void)state;
    Session *session = session_new();
    feed(session, "");
    for (int i = 0; i < SMTP_SERVER_ERRORS_DEFAULT; i++)
        expect_code(session, "FOO\r\n", 500);
    expect_code(session, "NOOP\r\n", 421);
    assert_true(smtp_server_is_finished(session->server));
    session_free(session);
}

/* As Postfix has it: junk beyond the limit counts as errors, a message taken sets it back. */
static void test_junk_limit(void **state)
{
    (void)state;
    SmtpServerOptions options = smtp_server_options("mx.b.example");
    options.junk_maximum = 3;
    options.error_maximum = 2;
    Session *session = session_with(options);
    feed(session, "");
    for (int round = 0; round < 2; round++) {
        expect_code(session, "NOOP\r\n", 250);
        expect_code(session, "HELP DATA\r\n", 214);
        expect_code(session, "RSET\r\n", 250);
        if (round == 0)
            assert_int_equal(deliver(session, "x\r\n.\r\n"), 250);
    }
    expect_code(session, "NOOP\r\n", 250);
    expect_code(session, "VRFY bob\r\n", 252);
    expect_code(session, "NOOP\r\n", 421);
    session_free(session);
}

/* A peer that never reads: the engine holds commands back and keeps within its maximum. */
static void test_output_is_bounded(void **state)
{
    (void)state;
    SmtpServerOptions options = smtp_server_options("mx.b.example");
    SmtpServer *server = smtp_server_new(&options);
    SmtpServerEvent event;
    size_t fed = 0;
    for (;;) {
        while (smtp_server_next_event(server, &event)) {
            if (event.token != 0)
                smtp_server_accept(server, event.token);
        }
        if (smtp_server_input_room(server) < 6)
            break;
        smtp_server_receive(server, span_of_text("HELP\r\n"));
        fed++;
    }
    size_t replies = 0;
    while (smtp_server_peek_output(server).length > 0) {
        Span output = smtp_server_peek_output(server);
        assert_true(output.length <= SMTP_SERVER_OUTPUT_MAXIMUM);
        for (size_t i = 0; i < output.length; i++)
            replies += output.data[i] == '\n';
        smtp_server_consume_output(server, output.length);
        assert_false(smtp_server_next_event(server, &event));
    }
    assert_int_equal(replies, fed + 1);
    smtp_server_free(server);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lengths_of_addresses),
        cmocka_unit_test(test_command_line_length),
        cmocka_unit_test(test_lines_that_must_be_taken),
        cmocka_unit_test(test_reply_line_length),
        cmocka_unit_test(test_text_line_length),
        cmocka_unit_test(test_message_size),
        cmocka_unit_test(test_recipient_limit),
        cmocka_unit_test(test_error_limit),
        cmocka_unit_test(test_junk_limit),
        cmocka_unit_test(test_output_is_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
