/* Tests of proto/smtp_client: dialogues with a server played by hand, results at each stage. */
#include "smtp_client_session.h"

/* BDAT and STARTTLS */

static void test_chunks(void **state)
{
    (void)state;
    Session *session = session_new();
    greet(session, "250-b\r\n250 CHUNKING\r\n");
    send_mail(session, 1, ".\r\nx\n.");
    feed(session, "250 ok\r\n");
    g_string_truncate(session->output, 0);
    feed(session, "250 ok\r\n");
    assert_string_equal(session->output->str, "BDAT 9 LAST\r\n.\r\nx\r\n.\r\n");
    assert_int_equal(smtp_client_timeout(session->client), SMTP_TIMEOUT_DATA_TERMINATION);
    feed(session, "250 2.0.0 queued\r\n");
    assert_log_has(session,
                   "result 0 final_dot success 250 2.0.0 queued\ndone 1 0 0\nready 80 0\n");
    session_free(session);
}

/* With pipelining nothing waits; a chunk that fails makes what follows it pointless. */
static void test_pipelined_chunks(void **state)
{
    (void)state;
    static const char *const endings[] = {"250 1\r\n250 2\r\n", "552 no\r\n503 no\r\n",
                                          "250 1\r\n452 later\r\n"};
    static const char *const logs[] = {"result 0 final_dot success 250", "content permanent 552",
                                       "result 0 final_dot temporary 452"};
    g_autofree char *large = g_strnfill(SMTP_CLIENT_CHUNK_MAXIMUM + 5, 'x');
    for (size_t i = 0; i < G_N_ELEMENTS(endings); i++) {
        Session *session = session_new();
        greet(session, "250-b\r\n250-PIPELINING\r\n250 CHUNKING\r\n");
        send_mail(session, 1, large);
        assert_log_has(session, "C BDAT 16383\n");
        assert_log_has(session, "C BDAT 8 LAST\n");
        feed(session, "250 ok\r\n250 ok\r\n");
        if (i == 1) {
            feed(session, "552 no\r\n");
            assert_log_has(session, "result 0 final_dot permanent 552");
            assert_log_lacks(session, "C RSET");
            feed(session, "503 no\r\n");
        } else {
            feed(session, endings[i]);
            assert_log_has(session, logs[i]);
        }
        assert_true((strstr(session->log->str, "C RSET\n") != NULL) == (i > 0));
        session_free(session);
    }
}

static void test_starttls(void **state)
{
    (void)state;
    SmtpClientOptions options = smtp_client_options("a.example");
    options.extensions |= SMTP_EXTENSION_STARTTLS;
    options.identity = "alice";
    options.password = "secret";
    Session *session = session_with(options);
    greet(session, "250-b\r\n250-SIZE 5\r\n250-AUTH PLAIN\r\n250 STARTTLS\r\n");
    assert_log_lacks(session, "C AUTH");
    feed(session, "220 go\r\n250 injected\r\n");
    assert_log_has(session, "C STARTTLS\nS 220\ntls\n");
    assert_int_equal(smtp_client_input_room(session->client), 0);
    smtp_client_start_tls(session->client);
    feed(session, "250-b\r\n250 AUTH PLAIN\r\n");
    assert_log_has(session,
                   "S 220\ntls\nC EHLO a.example\nS 250\nC AUTH PLAIN AGFsaWNlAHNlY3JldA==\n");
    feed(session, "235 ok\r\n");
    assert_log_has(session, "ready 40 0\n");
    session_free(session);

    session = session_with(options);
    greet(session, "250-b\r\n250 STARTTLS\r\n");
    feed(session, "454 not now\r\n");
    feed(session, "250-b\r\n250 STARTTLS\r\n");
    assert_log_has(session, "S 454\nC EHLO a.example\nS 250\nready 100 0\n");
    session_free(session);
}

/* Dialogues */

static void test_textbook_dialogue(void **state)
{
    (void)state;
    SmtpClientOptions options = smtp_client_options("a.example");
    options.helo_only = true;
    Session *session = session_with(options);
    greet(session, "250 b\r\n");
    send_mail(session, 1, "Do you like ketchup?\r\n.\r\n");
    feed(session, "250 ok\r\n");
    feed(session, "250 ok\r\n");
    feed(session, "354 go\r\n");
    feed(session, "250 2.0.0 queued\r\n");
    smtp_client_quit(session->client);
    feed(session, "221 bye\r\n");
    assert_string_equal(session->output->str,
                        "HELO a.example\r\nMAIL FROM:<alice@a.example>\r\n"
                        "RCPT TO:<bob@b.example>\r\nDATA\r\nDo you like ketchup?\r\n..\r\n.\r\n"
                        "QUIT\r\n");
    assert_log_has(session, "S 250\nresult 0 final_dot success 250 2.0.0 queued\ndone 1 0 0\n"
                            "ready 0 0\nC QUIT\nS 221\nclosed 0 idle\n");
    assert_true(smtp_client_is_finished(session->client));
    session_free(session);
}

static void test_extensions_are_used_when_offered(void **state)
{
    (void)state;
    Session *session = session_new();
    greet(session, "250-b\r\n250-size 5000\r\n250-8BITMIME\r\n250-X-OTHER\r\n250 DSN\r\n");
    assert_log_has(session, "ready 16 5000\n");
    const SmtpClientRecipient recipient = {
        .mailbox = "bob@b.example",
        .parameters = {.notify = NOTIFY_SUCCESS | NOTIFY_DELAY,
                       .orcpt = span_of_text("rfc822;bob@b.example")}};
    SmtpClientTransaction transaction = {.reverse_path = "",
                                         .parameters = {.body = SMTP_BODY_8BITMIME,
                                                        .ret = RETURN_HEADERS,
                                                        .envid = span_of_text("QQ1")},
                                         .recipients = &recipient,
                                         .recipient_count = 1};
    transaction.parameters.size = 77;
    smtp_client_send(session->client, &transaction);
    feed(session, "250 ok\r\n");
    assert_log_has(session, "C MAIL FROM:<> SIZE=77 BODY=8BITMIME RET=HDRS ENVID=QQ1\n");
    assert_log_has(session,
                   "C RCPT TO:<bob@b.example> NOTIFY=SUCCESS,DELAY ORCPT=rfc822;bob@b.example\n");
    session_free(session);
}

static void test_obstacles_fail_before_mail(void **state)
{
    (void)state;
    Session *session = session_new();
    greet(session, "250-b\r\n250 SIZE 3\r\n");
    send_mail(session, 2, "Hi\r\n");
    assert_log_has(session, "result 0 local permanent 552 5.3.4 The message has 4 octets, and the "
                            "server says to EHLO that it takes 3");
    assert_log_has(session, "result 1 local permanent 552 5.3.4");
    assert_log_has(session, "done 0 0 2\nready 2 3\n");
    assert_log_lacks(session, "C MAIL");
    send_mail(session, 1, "x");
    assert_log_has(session, "C MAIL FROM:<alice@a.example> SIZE=1\n");
    session_free(session);
}

static void test_ehlo_refused_means_helo(void **state)
{
    (void)state;
    Session *session = session_new();
    feed(session, "220-many\r\n220 lines\r\n");
    feed(session, "502 what?\r\n");
    feed(session, "250 b\r\n");
    assert_log_has(session, "C EHLO a.example\nS 502\nC HELO a.example\nS 250\nready 0 0\n");
    session_free(session);
}

/* RFC 5321 §3.2 knows no reply to EHLO that is worth waiting for; 421 alone ends the session. */
static void test_ehlo_refused_for_now_means_helo(void **state)
{
    (void)state;
    Session *session = session_new();
    feed(session, "220 b\r\n450 not now\r\n250 b\r\n");
    assert_log_has(session, "C EHLO a.example\nS 450\nC HELO a.example\nS 250\nready 0 0\n");
    session_free(session);
    session = session_new();
    feed(session, "220 b\r\n421 closing\r\n");
    assert_log_has(session, "refused helo temporary 421");
    assert_log_lacks(session, "C HELO");
    session_free(session);
}

static void test_no_service(void **state)
{
    (void)state;
    Session *session = session_new();
    feed(session, "554 5.7.1 go away\r\n");
    assert_log_has(session, "refused connect permanent 554 5.7.1 go away\n");
    assert_string_equal(session->output->str, "QUIT\r\n");
    smtp_client_receive_end(session->client);
    run(session);
    assert_log_has(session, "closed 0 idle\n");
    session_free(session);

    session = session_new();
    feed(session, "421 busy\r\n");
    assert_log_has(session, "refused connect temporary 421 0.0.0 busy\nclosed 3 connect\n");
    session_free(session);
}

static void test_auth(void **state)
{
    (void)state;
    SmtpClientOptions options = smtp_client_options("a.example");
    options.identity = "alice";
    options.password = "secret";
    Session *session = session_with(options);
    greet(session, "250-b\r\n250 AUTH LOGIN PLAIN\r\n");
    feed(session, "235 ok\r\n");
    assert_log_has(session, "C AUTH PLAIN AGFsaWNlAHNlY3JldA==\nS 235\nready 40 0\n");
    session_free(session);

    session = session_with(options);
    greet(session, "250-b\r\n250 AUTH LOGIN\r\n");
    feed(session, "334 VXNlcm5hbWU6\r\n");
    feed(session, "334 UGFzc3dvcmQ6\r\n");
    feed(session, "535 5.7.8 no\r\n");
    assert_log_has(session, "C AUTH LOGIN\nS 334\nC YWxpY2U=\nS 334\nC c2VjcmV0\nS 535\n");
    assert_log_has(session, "refused auth permanent 535 5.7.8 no\n");
    session_free(session);
}

/* Results */

static void test_each_recipient_has_a_result(void **state)
{
    (void)state;
    Session *session = session_with_mail(3);
    feed(session, "250 ok\r\n");
    feed(session, "250 ok\r\n");
    feed(session, "552 5.5.3 too many\r\n"); /* §4.5.3.1.10: temporary */
    feed(session, "550 5.1.1 nobody\r\n");
    feed(session, "354 go\r\n");
    feed(session, "250 taken\r\n");
    assert_log_has(session, "result 1 rcpt temporary 552 5.5.3 too many\n");
    assert_log_has(session, "result 2 rcpt permanent 550 5.1.1 nobody\n");
    assert_log_has(session, "result 0 final_dot success 250 0.0.0 taken\ndone 1 1 1\nready");
    session_free(session);
}

/* Where the enhanced code says that 552 is not about their number, it is as final as it looks. */
static void test_552_that_is_not_about_recipients(void **state)
{
    static const struct {
        const char *text, *class;
    } CASES[] = {
        {"552 no", "temporary"},          {"552 5.5.3 many", "temporary"},
        {"552 5.2.2 full", "permanent"},  {"552 5.2.3 large", "permanent"},
        {"552 5.3.4 large", "permanent"},
    };
    (void)state;
    for (size_t i = 0; i < G_N_ELEMENTS(CASES); i++) {
        Session *session = session_with_mail(1);
        g_autofree char *line = g_strconcat(CASES[i].text, "\r\n", NULL);
        g_autofree char *log = g_strdup_printf("result 0 rcpt %s 552", CASES[i].class);
        feed(session, "250 ok\r\n");
        feed(session, line);
        assert_log_has(session, log);
        session_free(session);
    }
}

static void test_all_refused_sends_no_data(void **state)
{
    (void)state;
    Session *session = session_with_mail(2);
    feed(session, "250 ok\r\n");
    feed(session, "450 4.2.1 a\r\n");
    feed(session, "550 5.1.1 b\r\n");
    feed(session, "250 reset\r\n");
    assert_log_has(session, "result 0 rcpt temporary 450 4.2.1 a\n");
    assert_log_has(session, "result 1 rcpt permanent 550 5.1.1 b\ndone 0 1 1\nS 250\nready");
    assert_log_has(session, "C RSET\n");
    assert_log_lacks(session, "C DATA");
    send_mail(session, 1, "next");
    assert_log_has(session, "ready 0 0\nC MAIL FROM");
    session_free(session);
}

static void test_sender_refused(void **state)
{
    (void)state;
    Session *session = session_with_mail(2);
    feed(session, "451 4.7.1 greylisted\r\n");
    assert_log_has(session, "result 0 mail temporary 451 4.7.1 greylisted\n"
                            "result 1 mail temporary 451 4.7.1 greylisted\ndone 0 2 0\nready");
    session_free(session);
}

static void test_data_refused(void **state)
{
    (void)state;
    Session *session = session_with_mail(1);
    feed(session, "250 ok\r\n");
    feed(session, "250 ok\r\n");
    feed(session, "452 4.3.1 full\r\n");
    feed(session, "250 ok\r\n");
    assert_log_has(session, "C RSET\nresult 0 data temporary 452 4.3.1 full\ndone 0 1 0\n");
    assert_int_equal(smtp_client_state(session->client), SMTP_CLIENT_READY);
    session_free(session);
}

static void test_lost_at_each_stage(void **state)
{
    (void)state;
    static const struct {
        const char *replies[4];
        const char *stage;
    } cases[] = {
        {{NULL}, "mail"},
        {{"250 ok\r\n"}, "rcpt"},
        {{"250 ok\r\n", "250 ok\r\n"}, "data"},
        {{"250 ok\r\n", "250 ok\r\n", "354 go\r\n"}, "final_dot"},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        Session *session = session_with_mail(1);
        for (size_t j = 0; j < 4 && cases[i].replies[j] != NULL; j++)
            feed(session, cases[i].replies[j]);
        smtp_client_receive_end(session->client);
        run(session);
        bool is_uncertain = strcmp(cases[i].stage, "final_dot") == 0;
        g_autofree char *expected = g_strdup_printf(
            "%sresult 0 %s temporary 0 4.4.2 connection closed by the server\ndone 0 1 0\n"
            "closed 1 %s\n",
            is_uncertain ? "\nuncertain " : "\n", cases[i].stage, cases[i].stage);
        assert_log_has(session, expected);
        session_free(session);
    }
}

/* RFC 1047, with pipelining and chunks: the whole message goes out with MAIL, so that a server
 * which is not heard of again may have taken it whatever reply was awaited. */
static void test_pipelined_chunks_are_lost(void **state)
{
    (void)state;
    static const char *const replies[] = {"", "250 ok\r\n", "250 ok\r\n250 ok\r\n"};
    static const char *const stages[] = {"mail", "rcpt", "final_dot"};
    for (size_t i = 0; i < G_N_ELEMENTS(replies); i++) {
        Session *session = session_new();
        greet(session, "250-b\r\n250-PIPELINING\r\n250 CHUNKING\r\n");
        send_mail(session, 1, "Hi");
        assert_log_has(session, "C BDAT 4 LAST\n");
        feed(session, replies[i]);
        smtp_client_receive_end(session->client);
        run(session);
        g_autofree char *expected =
            g_strdup_printf("\nuncertain result 0 %s temporary 0 4.4.2", stages[i]);
        assert_log_has(session, expected);
        session_free(session);
    }
}

/* A chunk that is not the last decides nothing, and what is refused is certain. */
static void test_part_of_the_chunks_is_lost(void **state)
{
    (void)state;
    Session *session = session_new();
    g_autofree char *large = g_strnfill(SMTP_CLIENT_CHUNK_MAXIMUM + 5, 'x');
    greet(session, "250-b\r\n250 CHUNKING\r\n");
    send_mail(session, 2, large);
    feed(session, "250 ok\r\n");
    feed(session, "250 ok\r\n");
    feed(session, "550 no\r\n");
    assert_log_has(session, "C BDAT 16383\n");
    smtp_client_receive_end(session->client);
    run(session);
    assert_log_has(session, "\nresult 1 rcpt permanent 550");
    assert_log_lacks(session, "uncertain");
    session_free(session);
}

static void test_421_at_the_final_dot(void **state)
{
    (void)state;
    Session *session = session_with_mail(1);
    feed(session, "250 ok\r\n");
    feed(session, "250 ok\r\n");
    feed(session, "354 go\r\n");
    feed(session, "421 4.3.2 shutting down\r\n");
    assert_log_has(session, "result 0 final_dot temporary 421 4.3.2 shutting down\ndone 0 1 0\n"
                            "closed 3 final_dot\n");
    session_free(session);
}

static void test_250_to_data_is_no_success(void **state)
{
    (void)state;
    Session *session = session_with_mail(1);
    feed(session, "250 ok\r\n");
    feed(session, "250 ok\r\n");
    feed(session, "250 ok\r\n");
    assert_log_has(session, "result 0 data temporary 250 0.0.0 ok\ndone 0 1 0\nclosed 4 data\n");
    session_free(session);
}

static void test_failure_at_quit_is_still_sent(void **state)
{
    (void)state;
    Session *session = session_with_mail(1);
    feed(session, "250 ok\r\n");
    feed(session, "250 ok\r\n");
    feed(session, "354 go\r\n");
    feed(session, "250 ok\r\n");
    smtp_client_quit(session->client);
    run(session);
    smtp_client_time_out(session->client);
    run(session);
    assert_log_has(session, "done 1 0 0\n");
    assert_log_has(session, "closed 0 idle\n");
    session_free(session);
}

/* Pipelining */

static void test_pipelined_group(void **state)
{
    (void)state;
    Session *session = session_pipelined(2);
    assert_true(g_str_has_suffix(session->output->str,
                                 "MAIL FROM:<alice@a.example>\r\nRCPT TO:<bob@b.example>\r\n"
                                 "RCPT TO:<carol@b.example>\r\nDATA\r\n"));
    feed(session, "250 ok\r\n550 5.1.1 no\r\n250 ok\r\n354 go\r\n");
    assert_true(g_str_has_suffix(session->output->str, "DATA\r\nHi\r\n.\r\n"));
    feed(session, "250 ok\r\n");
    assert_log_has(session, "done 1 0 1\nready");
    session_free(session);
}

static void test_pipelined_all_refused_then_354(void **state)
{
    (void)state;
    Session *session = session_pipelined(1);
    feed(session, "250 ok\r\n550 no\r\n354 go\r\n");
    assert_true(g_str_has_suffix(session->output->str, "DATA\r\n.\r\n"));
    feed(session, "554 no recipients\r\n");
    assert_true(g_str_has_suffix(session->output->str, "\r\nRSET\r\n"));
    feed(session, "250 ok\r\n");
    assert_log_has(session, "result 0 rcpt permanent 550 0.0.0 no\ndone 0 0 1\n");
    assert_int_equal(smtp_client_state(session->client), SMTP_CLIENT_READY);
    session_free(session);
}

static void test_pipelined_sender_refused(void **state)
{
    (void)state;
    Session *session = session_pipelined(2);
    feed(session, "550 5.7.1 not you\r\n503 no\r\n503 no\r\n503 no\r\n");
    assert_log_has(session, "result 1 mail permanent 550 5.7.1 not you\ndone 0 0 2\n");
    feed(session, "250 ok\r\n");
    assert_int_equal(smtp_client_state(session->client), SMTP_CLIENT_READY);
    session_free(session);
}

/* Timeouts and replies */

static void test_timeouts_by_stage(void **state)
{
    (void)state;
    Session *session = session_new();
    assert_int_equal(smtp_client_timeout(session->client), SMTP_TIMEOUT_GREETING);
    session_free(session);
    session = session_with_mail(1);
    assert_int_equal(smtp_client_timeout(session->client), SMTP_TIMEOUT_MAIL);
    feed(session, "250 ok\r\n");
    assert_int_equal(smtp_client_timeout(session->client), SMTP_TIMEOUT_RCPT);
    uint32_t epoch = smtp_client_timeout_epoch(session->client);
    feed(session, "250 o");
    assert_int_equal(smtp_client_timeout_epoch(session->client), epoch);
    feed(session, "k\r\n");
    assert_int_not_equal(smtp_client_timeout_epoch(session->client), epoch);
    assert_int_equal(smtp_client_timeout(session->client), SMTP_TIMEOUT_DATA_INITIATION);
    feed(session, "354 go\r\n");
    assert_int_equal(smtp_client_timeout(session->client), SMTP_TIMEOUT_DATA_TERMINATION);
    assert_true(smtp_timeout_default_ns(SMTP_TIMEOUT_DATA_TERMINATION) == INT64_C(600000000000));
    smtp_client_time_out(session->client);
    run(session);
    assert_log_has(session, "result 0 final_dot temporary 0 4.4.2 no reply in time\n");
    session_free(session);
}

static void test_timeouts_that_are_the_standard_are_none(void **state)
{
    (void)state;
    SmtpTimeouts timeouts = {0};
    assert_null(smtp_timeouts_need(NULL));
    assert_null(smtp_timeouts_need(&timeouts));
    for (int i = 0; i < SMTP_TIMEOUT_COUNT; i++)
        timeouts.ns[i] = smtp_timeout_default_ns((SmtpTimeout)i);
    assert_null(smtp_timeouts_need(&timeouts));
    timeouts.ns[SMTP_TIMEOUT_SERVER]--;
    assert_ptr_equal(smtp_timeouts_need(&timeouts), &timeouts);
}

static void test_malformed_replies(void **state)
{
    (void)state;
    g_autofree char *long_line = g_strnfill(3000, 'x');
    const char *const bad[] = {
        "hello\r\n",          "25\r\n", "660 x\r\n", "2x0 x\r\n", "250_x\r\n",
        "250-a\r\n251 b\r\n", "\r\n",   long_line,
    };
    for (size_t i = 0; i < G_N_ELEMENTS(bad); i++) {
        Session *session = session_new();
        feed(session, bad[i]);
        assert_log_has(session, "closed 4 connect\n");
        session_free(session);
    }
    const char *const good[] = {"220\r\n", "220 x\n", "220-a\r\n220-b\r\n220\r\n", "299 odd\r\n"};
    for (size_t i = 0; i < G_N_ELEMENTS(good); i++) {
        Session *session = session_new();
        feed(session, good[i]);
        assert_log_has(session, "C EHLO a.example\n");
        session_free(session);
    }
}

/* §4.5.3.1.5: a reply line of 512 octets must be read. */
static void test_the_longest_reply_line_is_read(void **state)
{
    (void)state;
    Session *session = session_with_mail(1);
    g_autofree char *fill = g_strnfill(512 - strlen("550 5.1.1 \r\n"), 'x');
    g_autofree char *line = g_strdup_printf("550 5.1.1 %s\r\n", fill);
    assert_int_equal(strlen(line), 512);
    feed(session, line);
    g_autofree char *result = g_strdup_printf("result 0 mail permanent 550 5.1.1 %s\n", fill);
    assert_log_has(session, result);
    session_free(session);
}

static void test_reply_of_endless_lines_is_bounded(void **state)
{
    (void)state;
    Session *session = session_new();
    g_autofree char *fill = g_strnfill(500, 'x');
    g_autofree char *line = g_strdup_printf("220-%s\r\n", fill);
    for (int i = 0; i < 100 && !smtp_client_is_finished(session->client); i++)
        feed(session, line);
    assert_log_has(session, "closed 4 connect\n");
    session_free(session);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_chunks),
        cmocka_unit_test(test_pipelined_chunks),
        cmocka_unit_test(test_starttls),
        cmocka_unit_test(test_textbook_dialogue),
        cmocka_unit_test(test_extensions_are_used_when_offered),
        cmocka_unit_test(test_obstacles_fail_before_mail),
        cmocka_unit_test(test_ehlo_refused_means_helo),
        cmocka_unit_test(test_ehlo_refused_for_now_means_helo),
        cmocka_unit_test(test_no_service),
        cmocka_unit_test(test_auth),
        cmocka_unit_test(test_each_recipient_has_a_result),
        cmocka_unit_test(test_552_that_is_not_about_recipients),
        cmocka_unit_test(test_all_refused_sends_no_data),
        cmocka_unit_test(test_sender_refused),
        cmocka_unit_test(test_data_refused),
        cmocka_unit_test(test_lost_at_each_stage),
        cmocka_unit_test(test_pipelined_chunks_are_lost),
        cmocka_unit_test(test_part_of_the_chunks_is_lost),
        cmocka_unit_test(test_421_at_the_final_dot),
        cmocka_unit_test(test_250_to_data_is_no_success),
        cmocka_unit_test(test_failure_at_quit_is_still_sent),
        cmocka_unit_test(test_pipelined_group),
        cmocka_unit_test(test_pipelined_all_refused_then_354),
        cmocka_unit_test(test_pipelined_sender_refused),
        cmocka_unit_test(test_timeouts_by_stage),
        cmocka_unit_test(test_timeouts_that_are_the_standard_are_none),
        cmocka_unit_test(test_malformed_replies),
        cmocka_unit_test(test_the_longest_reply_line_is_read),
        cmocka_unit_test(test_reply_of_endless_lines_is_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
