/* Tests of proto/smtp_server: dialogues against RFC 5321, and the same bytes in any pieces. */
#include "pieces.h"
#include "smtp_server_session.h"

/* Dialogues */

static void test_textbook_dialogue(void **state)
{
    (void)state;
    SmtpServerOptions options = smtp_server_options("mx.b.example");
    options.extensions = 0;
    Session *session = session_with(options);
    expect(session, "", "220 mx.b.example ESMTP service ready\r\n");
    expect(session, "HELO a.example\r\n", "250 mx.b.example greets a.example\r\n");
    expect(session, "MAIL FROM: <alice@a.example>\r\n", "501 Syntax error in address\r\n");
    expect(session, "MAIL FROM:<alice@a.example>\r\n", "250 OK\r\n");
    expect(session, "RCPT TO:<bob@b.example>\r\n", "250 OK\r\n");
    expect(session, "DATA\r\n", "354 Start mail input; end with <CRLF>.<CRLF>\r\n");
    expect(session, "Do you like ketchup?\r\n.\r\n", "250 OK\r\n");
    expect(session, "QUIT\r\n", "221 mx.b.example Service closing transmission channel\r\n");
    assert_true(smtp_server_is_finished(session->server));
    assert_non_null(strstr(session->log->str, "message [Do you like ketchup?\r\n]\n"));
    assert_non_null(strstr(session->log->str, "C QUIT\nREADY>CLOSED\nS 221\nclosed 0\n"));
    session_free(session);
}

static void test_ehlo_names_extensions(void **state)
{
    (void)state;
    SmtpServerOptions options = smtp_server_options("mx.b.example");
    options.message_maximum = 1000;
    Session *session = session_with(options);
    feed(session, "");
    expect(session, hello,
           "250-mx.b.example greets a.example\r\n250-PIPELINING\r\n250-8BITMIME\r\n"
           "250-ENHANCEDSTATUSCODES\r\n250-DSN\r\n250-SMTPUTF8\r\n"
           "250-EXPN\r\n250-HELP\r\n250 SIZE 1000\r\n");
    expect(session, "NOOP\r\n", "250 2.0.0 OK\r\n");
    expect(session, "MAIL FROM:<a@a.example> SIZE=1001\r\n",
           "552 5.3.4 Message size exceeds fixed maximum message size\r\n");
    expect(session, "MAIL FROM:<a@a.example> SIZE=1000 BODY=8BITMIME\r\n", "250 2.1.0 OK\r\n");
    expect(session, "RCPT TO:<b@b.example>\r\n", "250 2.1.5 OK\r\n");
    session_free(session);
}

/* Engines of one server share what they say; each says what it offers itself. */
static void test_engines_share_their_offer(void **state)
{
    (void)state;
    SmtpOffers offers = {0};
    const uint32_t sizes = SMTP_EXTENSION_PIPELINING | SMTP_EXTENSION_SIZE;
    const SmtpOffer *offer = smtp_offers_need(&offers, sizes, 1000);
    Span text = span_of(offer->text, offer->text_length);
    assert_true(span_equals(text, span_of_text("\nPIPELINING\nSIZE 1000")));
    Span wire = span_of(offer->wire, offer->wire_length);
    assert_true(span_equals(wire, span_of_text("250-PIPELINING\r\n250 SIZE 1000\r\n")));
    assert_ptr_not_equal(smtp_offers_need(&offers, sizes, 2000), offer);
    assert_int_equal(smtp_offers_need(&offers, 0, 1000)->text_length, 0);
    assert_ptr_equal(smtp_offers_need(&offers, sizes, 1000), offer);

    SmtpServerOptions options = smtp_server_options("mx.b.example");
    options.offers = &offers;
    options.message_maximum = 1000;
    const uint32_t extensions[] = {sizes, SMTP_EXTENSION_SIZE, 0, sizes};
    const char *const replies[] = {
        "250-mx.b.example greets a.example\r\n250-PIPELINING\r\n250 SIZE 1000\r\n",
        "250-mx.b.example greets a.example\r\n250 SIZE 1000\r\n",
        "250 mx.b.example greets a.example\r\n",
        "250-mx.b.example greets a.example\r\n250-PIPELINING\r\n250 SIZE 1000\r\n",
    };
    for (size_t i = 0; i < G_N_ELEMENTS(replies); i++) {
        options.extensions = extensions[i];
        Session *session = session_with(options);
        expect(session, "", "220 mx.b.example ESMTP service ready\r\n");
        expect(session, "EHLO a.example\r\n", replies[i]);
        session_free(session);
    }
    smtp_offers_clear(&offers);
}

/* §2.2.1: what a server has beyond the required commands it names; what it does not name it does
 * not have (§4.1.1.1, §4.2.4). */
static void test_what_is_not_named_is_not_there(void **state)
{
    (void)state;
    static const char *const lines[] = {"EXPN all\r\n", "HELP\r\n"};
    for (size_t i = 0; i < G_N_ELEMENTS(lines); i++) {
        SmtpServerOptions options = smtp_server_options("mx.b.example");
        options.extensions = SMTP_EXTENSION_ENHANCEDSTATUSCODES;
        Session *session = session_with(options);
        expect(session, "", "220 mx.b.example ESMTP service ready\r\n");
        expect(session, lines[i], "502 5.5.1 Command not implemented\r\n");
        expect_code(session, "VRFY bob\r\n", 252);
        session_free(session);
    }
}

/* §2.4, §4.1.2: beyond ASCII there is nothing but what SMTPUTF8 allows, where it is offered. */
static void test_invalid_characters(void **state)
{
    (void)state;
    static const struct {
        const char *line;
        int with, without; /* SMTPUTF8 on offer */
    } cases[] = {
        {"\xc3\xa9\r\n", 500, 500},
        {"EHLO \xc3\xa9.example\r\n", 501, 501},
        {"NOOP \xc3\xa9\r\n", 501, 501},
        {"VRFY \xc3\xa9\r\n", 252, 501},
        {"MAIL FROM:<\xc3\xa9@a.example>\r\n", 550, 501},
        {"MAIL FROM:<\xc3\xa9@a.example> SMTPUTF8\r\n", 250, 501},
        {"MAIL FROM:<a@a.example> \xc3\xa9=1\r\n", 555, 501},
    };
    for (size_t i = 0; i < 2 * G_N_ELEMENTS(cases); i++) {
        bool offered = i % 2 == 0;
        SmtpServerOptions options = smtp_server_options("mx.b.example");
        if (!offered)
            options.extensions &= ~(uint32_t)SMTP_EXTENSION_SMTPUTF8;
        Session *session = session_with(options);
        feed(session, hello);
        expect_code(session, cases[i / 2].line, offered ? cases[i / 2].with : cases[i / 2].without);
        session_free(session);
    }
}

/* RFC 6531 §3.7.4.2 */
static void test_utf8_in_replies_must_be_asked_for(void **state)
{
    (void)state;
    Session *session = session_new();
    session->special = SMTP_SERVER_EVENT_VRFY;
    session->answer = smtp_reply(250, "2.1.5", "<\xc3\xa9@b.example>");
    feed(session, hello);
    expect(session, "VRFY e\r\n", "252 2.6.8 The answer needs SMTPUTF8\r\n");
    expect(session, "VRFY e SMTPUTF8\r\n", "250 2.1.5 <\xc3\xa9@b.example>\r\n");
    expect_code(session, "VRFY smtputf8\r\n", 252);
    assert_non_null(strstr(session->log->str, "verify e\n"));
    assert_non_null(strstr(session->log->str, "verify smtputf8\n"));
    session_free(session);
}

static void test_node_chooses_replies(void **state)
{
    (void)state;
    Session *session = session_new();
    feed(session, hello);
    session->special = SMTP_SERVER_EVENT_RCPT;
    session->answer = smtp_reply(550, "5.1.1", "No such user\r\nhere\nsecond line");
    feed(session, "MAIL FROM:<>\r\n");
    expect(session, "RCPT TO:<x@b.example>\r\n",
           "550-5.1.1 No such user?\r\n550-5.1.1 here\r\n550 5.1.1 second line\r\n");
    expect(session, "DATA\r\n", "554 5.5.1 No valid recipients\r\n");
    session->special = SMTP_SERVER_EVENT_MESSAGE_END;
    session->answer = smtp_reply(250, "2.0.0", "queued as 17");
    feed(session, "RCPT TO:<b@b.example>\r\nDATA\r\n");
    expect(session, "Hi\r\n.\r\n", "250 2.0.0 queued as 17\r\n");
    session_free(session);
}

static void test_commands_out_of_order(void **state)
{
    (void)state;
    Session *session = session_new();
    feed(session, "");
    expect_code(session, "MAIL FROM:<a@a.example>\r\n", 503);
    expect_code(session, hello, 250);
    expect_code(session, "RCPT TO:<b@b.example>\r\n", 503);
    expect_code(session, "DATA\r\n", 503);
    expect_code(session, "mail from:<a@a.example>\r\n", 250);
    expect_code(session, "MAIL FROM:<a@a.example>\r\n", 503);
    expect_code(session, "DATA\r\n", 554);
    expect_code(session, "RSET x\r\n", 501);
    expect_code(session, "rset  \r\n", 250);
    expect_code(session, "VRFY bob\r\n", 252);
    expect_code(session, "EXPN all\r\n", 252);
    expect_code(session, "VRFY\r\n", 501);
    expect_code(session, "HELP me\r\n", 504);
    expect(session, "HELP data\r\n",
           "214 2.0.0 DATA: then the message, ended by a line with a single dot\r\n");
    expect_code(session, "NOOP anything\r\n", 250);
    expect_code(session, "\r\n", 500);
    expect_code(session, "BDAT 10 LAST\r\n", 500);
    session_free(session);
}

static void test_addresses(void **state)
{
    (void)state;
    static const struct {
        const char *line;
        int code;
    } cases[] = {
        {"RCPT TO:<@x.example,@y.example:b@b.example>\r\n", 250},
        {"RCPT TO:<PostMaster>\r\n", 250},
        {"RCPT TO:<\"b ob\\\"\"@b.example>\r\n", 250},
        {"RCPT TO:<b@[192.0.2.1]>\r\n", 250},
        {"RCPT TO:<b@[IPv6:2001:db8::1]>\r\n", 250},
        {"RCPT TO:<b@b.example> NOTIFY=SUCCESS,DELAY ORCPT=rfc822;b+40b.example\r\n", 250},
        {"RCPT TO:<>\r\n", 501},
        {"RCPT TO:<b>\r\n", 501},
        {"RCPT TO:b@b.example\r\n", 501},
        {"RCPT TO:<b..c@b.example>\r\n", 501},
        {"RCPT TO:<b@-b.example>\r\n", 501},
        {"RCPT TO:<b@b_b.example>\r\n", 501},
        {"RCPT TO:<b@[300.0.2.1]>\r\n", 501},
        {"RCPT TO:<b@b.example>x\r\n", 501},
        {"RCPT FROM:<b@b.example>\r\n", 501},
        {"RCPT TO:<b@b.example> NOTIFY=NEVER,DELAY\r\n", 501},
        {"RCPT TO:<b@b.example> FOO=BAR\r\n", 555},
        {"RCPT TO:<\xc3\xa9@b.example>\r\n", 553},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        Session *session = session_new();
        feed(session, "EHLO a\r\nMAIL FROM:<>\r\n");
        expect_code(session, cases[i].line, cases[i].code);
        session_free(session);
    }
}

static void test_mail_parameters_reach_the_node(void **state)
{
    (void)state;
    SmtpMailParameters mail;
    SmtpReply refusal;
    uint32_t all = SMTP_EXTENSIONS_DEFAULT;
    assert_true(smtp_mail_parameters_parse(
        span_of_text(" SIZE=12 BODY=8BITMIME RET=HDRS ENVID=QQ+2B1 SMTPUTF8"), all, &mail,
        &refusal));
    assert_int_equal(mail.size, 12);
    assert_int_equal(mail.body, SMTP_BODY_8BITMIME);
    assert_int_equal(mail.ret, RETURN_HEADERS);
    assert_true(mail.utf8);
    assert_true(span_equals(mail.envid, span_of_text("QQ+2B1")));
    static const struct {
        const char *text;
        int code;
    } bad[] = {
        {" SIZE=x", 501},          {" SIZE", 501},          {" RET=ALL", 501}, {" ENVID=a=b", 501},
        {" BODY=BINARYMIME", 504}, {" SIZE=1 SIZE=2", 501}, {"x", 501},        {" AUTH=<>", 555},
        {" ENVID=+zz", 501},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(bad); i++) {
        assert_false(smtp_mail_parameters_parse(span_of_text(bad[i].text), all, &mail, &refusal));
        assert_int_equal(refusal.code, bad[i].code);
    }
    assert_false(smtp_mail_parameters_parse(span_of_text(" SIZE=1"), 0, &mail, &refusal));
    assert_int_equal(refusal.code, 555);
}

static void test_auth(void **state)
{
    (void)state;
    Session *session = session_new();
    feed(session, hello);
    expect(session, "AUTH PLAIN\r\n", "334 \r\n");
    expect(session, "*\r\n", "501 5.7.0 Authentication cancelled\r\n");
    expect_code(session, "AUTH CRAM-MD5\r\n", 504);
    expect(session, "AUTH\r\n", "501 5.5.4 Syntax: AUTH mechanism\r\n");
    expect_code(session, "AUTH PLAIN !!!!\r\n", 501);
    session->special = SMTP_SERVER_EVENT_AUTH;
    session->answer = smtp_reply(535, "5.7.8", "");
    expect_code(session, "AUTH PLAIN AGFsaWNlAHNlY3JldA==\r\n", 535);
    session->special = SMTP_SERVER_EVENT_CONTENT;
    expect(session, "AUTH LOGIN\r\n", "334 VXNlcm5hbWU6\r\n");
    expect(session, "YWxpY2U=\r\n", "334 UGFzc3dvcmQ6\r\n");
    expect(session, "c2VjcmV0\r\n", "235 2.7.0 Authentication succeeded\r\n");
    assert_non_null(strstr(session->log->str, "auth PLAIN alice secret\n"));
    assert_non_null(strstr(session->log->str, "auth LOGIN alice secret\n"));
    expect_code(session, "AUTH PLAIN AGFsaWNlAHNlY3JldA==\r\n", 503);
    session_free(session);
}

/* STARTTLS: RFC 3207 */

static void test_starttls_forgets_everything(void **state)
{
    (void)state;
    SmtpServerOptions options = smtp_server_options("mx.b.example");
    options.extensions = SMTP_EXTENSION_AUTH | SMTP_EXTENSION_STARTTLS;
    options.auth_needs_tls = true;
    Session *session = session_with(options);
    feed(session, "");
    expect_code(session, "STARTTLS\r\n", 503);
    expect(session, hello, "250-mx.b.example greets a.example\r\n250 STARTTLS\r\n");
    expect_code(session, "AUTH PLAIN AGEAYg==\r\n", 538);
    expect_code(session, "STARTTLS now\r\n", 501);
    /* What is injected behind STARTTLS is dropped. */
    expect(session, "STARTTLS\r\nMAIL FROM:<eve@a.example>\r\n", "220 Ready to start TLS\r\n");
    assert_null(strstr(session->log->str, "eve"));
    assert_non_null(strstr(session->log->str, "S 220\ntls\nTLS>GREETED\n"));
    expect_code(session, "MAIL FROM:<>\r\n", 503);
    expect(session, hello, "250-mx.b.example greets a.example\r\n250 AUTH PLAIN LOGIN\r\n");
    expect_code(session, "STARTTLS\r\n", 500);
    expect_code(session, "AUTH PLAIN AGEAYg==\r\n", 235);
    session_free(session);
}

/* While the node hides the stream the engine takes no octets. */
static void test_starttls_takes_nothing_meanwhile(void **state)
{
    (void)state;
    SmtpServerOptions options = smtp_server_options("mx.b.example");
    options.extensions = SMTP_EXTENSION_STARTTLS;
    Session *session = session_with(options);
    session->hold = SMTP_SERVER_EVENT_TLS;
    feed(session, "EHLO a\r\nSTARTTLS\r\n");
    assert_int_equal(smtp_server_input_room(session->server), 0);
    assert_int_equal(smtp_server_timeout(session->server), SMTP_TIMEOUT_SERVER);
    smtp_server_accept(session->server, session->token);
    assert_true(smtp_server_input_room(session->server) > 0);
    assert_int_equal(smtp_server_timeout(session->server), SMTP_TIMEOUT_SERVER);
    session_free(session);
}

/* A client that is silent, or gone, before the handshake is over: no reply could be read by it. */
static void test_starttls_that_comes_to_nothing(void **state)
{
    (void)state;
    SmtpServerOptions options = smtp_server_options("mx.b.example");
    options.extensions = SMTP_EXTENSION_STARTTLS;
    for (int is_gone = 0; is_gone < 2; is_gone++) {
        Session *session = session_with(options);
        session->hold = SMTP_SERVER_EVENT_TLS;
        feed(session, "EHLO a\r\nSTARTTLS\r\n");
        g_string_truncate(session->log, 0);
        if (is_gone)
            smtp_server_receive_end(session->server);
        else
            smtp_server_time_out(session->server);
        run(session);
        assert_string_equal(session->log->str, "TLS>CLOSED\nclosed 1\n");
        assert_true(smtp_server_is_finished(session->server));
        session_free(session);
    }
}

/* Who shuts down meanwhile says so as soon as the client can hear it. */
static void test_shutdown_during_starttls(void **state)
{
    (void)state;
    SmtpServerOptions options = smtp_server_options("mx.b.example");
    options.extensions = SMTP_EXTENSION_STARTTLS;
    Session *session = session_with(options);
    session->hold = SMTP_SERVER_EVENT_TLS;
    feed(session, "EHLO a\r\nSTARTTLS\r\n");
    g_string_truncate(session->log, 0);
    smtp_server_shut_down(session->server);
    assert_string_equal(session->log->str, "");
    smtp_server_accept(session->server, session->token);
    run(session);
    assert_non_null(strstr(session->log->str, "TLS>GREETED\nGREETED>CLOSED\nS 421\n"));
    session_free(session);
}

/* Transactions that come to nothing */

static void test_resets_are_told(void **state)
{
    (void)state;
    Session *session = session_new();
    feed(session, hello);
    feed(session, envelope);
    feed(session, "RSET\r\n");
    feed(session, envelope);
    feed(session, hello);
    feed(session, envelope);
    smtp_server_receive_end(session->server);
    run(session);
    const char *log = session->log->str;
    assert_non_null(log = strstr(log, "RCPT>READY\nS 250\nreset 0\n"));
    assert_non_null(log = strstr(log, "helo a.example\nRCPT>READY\nS 250\nreset 0\n"));
    assert_non_null(log = strstr(log, "RCPT>CLOSED\nreset 2\nclosed 1\n"));
    session_free(session);
}

static void test_refused_ehlo_keeps_the_transaction(void **state)
{
    (void)state;
    Session *session = session_new();
    feed(session, hello);
    feed(session, envelope);
    session->special = SMTP_SERVER_EVENT_HELO;
    session->answer = smtp_reply(550, "5.7.1", "not you");
    expect(session, hello, "550 not you\r\n"); /* RFC 2034 §4: no enhanced code here */
    assert_int_equal(smtp_server_state(session->server), SMTP_SERVER_RCPT);
    session_free(session);
}

static void test_shut_down_waits_for_the_answer(void **state)
{
    (void)state;
    Session *session = session_new();
    session->hold = SMTP_SERVER_EVENT_MESSAGE_END;
    assert_int_equal(deliver(session, ".\r\n"), 0);
    smtp_server_shut_down(session->server);
    run(session);
    assert_string_equal(session->output->str, "");
    smtp_server_accept(session->server, session->token);
    run(session);
    assert_string_equal(session->output->str,
                        "250 2.0.0 OK\r\n421 4.3.2 mx.b.example Service not available, closing "
                        "transmission channel\r\n");
    assert_non_null(strstr(session->log->str, "closed 3\n"));
    session_free(session);
}

static void test_timeout_and_its_epoch(void **state)
{
    (void)state;
    Session *session = session_new();
    assert_int_equal(smtp_server_timeout(session->server), SMTP_TIMEOUT_NONE);
    feed(session, hello);
    uint32_t epoch = smtp_server_timeout_epoch(session->server);
    feed(session, "NO");
    feed(session, "OP");
    assert_int_equal(smtp_server_timeout_epoch(session->server), epoch);
    feed(session, "\r\n");
    assert_int_not_equal(smtp_server_timeout_epoch(session->server), epoch);
    assert_int_equal(smtp_server_timeout(session->server), SMTP_TIMEOUT_SERVER);
    assert_true(smtp_timeout_default_ns(SMTP_TIMEOUT_SERVER) == INT64_C(300000000000));
    g_string_truncate(session->output, 0);
    smtp_server_time_out(session->server);
    run(session);
    assert_true(g_str_has_prefix(session->output->str, "421 4.4.2 "));
    assert_int_equal(smtp_server_timeout(session->server), SMTP_TIMEOUT_NONE);
    session_free(session);
}

/* Pieces */

static const char *const long_session =
    "EHLO a.example\r\nAUTH LOGIN\r\nYWxpY2U=\r\nc2VjcmV0\r\nMAIL FROM:<a@a.example> SIZE=7\r\n"
    "RCPT TO:<b@b.example>\r\nRCPT TO:<nobody\r\nDATA\r\n..\r\n.x\r\n\r\nend\r\n.\r\nNOOP\n\r\n"
    "MAIL FROM:<>\r\nRCPT TO:<c@b.example>\r\nDATA\r\nbare\nx\r\n.\r\nRSET\r\nMAIL FROM:<>\r\n"
    "BDAT 4\r\nlostRSET\r\nMAIL FROM:<>\r\nRCPT TO:<c@b.example>\r\nBDAT 6\r\nab\r\n.\r"
    "BDAT 3 LAST\r\n\nz\nBDAT 2 LAST\r\nxyRSET\r\nMAIL FROM:<>\r\nRCPT TO:<c@b.example>\r\n"
    "BDAT 1\r\n.BDAT 2 LAST\r\n\r\nQUIT\r\nignored\r\n";

static char *play_in_pieces(size_t largest, uint32_t seed)
{
    SmtpServerOptions options = smtp_server_options("mx.b.example");
    options.extensions |= SMTP_EXTENSION_AUTH | SMTP_EXTENSION_CHUNKING;
    Session *session = session_with(options);
    Span rest = span_of_text(long_session);
    while (rest.length > 0) {
        size_t piece = next_piece(rest.length, largest, &seed);
        feed_span(session, span_of(rest.data, piece));
        rest = span_skip(rest, piece);
    }
    char *all = g_strconcat(session->log->str, session->output->str, NULL);
    session_free(session);
    return all;
}

static void test_any_pieces_give_the_same(void **state)
{
    (void)state;
    g_autofree char *whole = play_in_pieces(0, 0);
    assert_non_null(strstr(whole, "message [.\r\nx\r\n\r\nend\r\n] not plain\n"));
    assert_non_null(strstr(whole, "message [.\r\n] not plain\n"));
    for (uint32_t seed = 0; seed < 200; seed++) {
        g_autofree char *cut = play_in_pieces(1 + seed % 20, seed);
        assert_string_equal(cut, whole);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_textbook_dialogue),
        cmocka_unit_test(test_ehlo_names_extensions),
        cmocka_unit_test(test_engines_share_their_offer),
        cmocka_unit_test(test_what_is_not_named_is_not_there),
        cmocka_unit_test(test_invalid_characters),
        cmocka_unit_test(test_utf8_in_replies_must_be_asked_for),
        cmocka_unit_test(test_node_chooses_replies),
        cmocka_unit_test(test_commands_out_of_order),
        cmocka_unit_test(test_addresses),
        cmocka_unit_test(test_mail_parameters_reach_the_node),
        cmocka_unit_test(test_auth),
        cmocka_unit_test(test_starttls_forgets_everything),
        cmocka_unit_test(test_starttls_takes_nothing_meanwhile),
        cmocka_unit_test(test_starttls_that_comes_to_nothing),
        cmocka_unit_test(test_shutdown_during_starttls),
        cmocka_unit_test(test_resets_are_told),
        cmocka_unit_test(test_refused_ehlo_keeps_the_transaction),
        cmocka_unit_test(test_shut_down_waits_for_the_answer),
        cmocka_unit_test(test_timeout_and_its_epoch),
        cmocka_unit_test(test_any_pieces_give_the_same),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
