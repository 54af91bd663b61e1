/* Delivery status notifications: composed, and read back. */
#include "mail/dsn.h"
#include "mail_texts.h"

static const char original[] = "Received: by mail.naver.example id Q1;\r\n"
                               "\tMon, 2 Mar 2026 09:00:00 +0900\r\n"
                               "From: alice@naver.example\r\n"
                               "Message-ID: <lunch@naver.example>\r\n"
                               "\r\n"
                               "Noon, at the usual place?\r\n";

static DsnRecipient refused_bob(void)
{
    return (DsnRecipient){.final_recipient = "bob@gmail.example",
                          .original_recipient = "rfc822;Bob@gmail.example",
                          .action = DSN_FAILED,
                          .status = "5.1.1",
                          .remote_mta = "mail.gmail.example",
                          .reply = "550 5.1.1 No such user",
                          .last_attempt_unix = NINE_IN_SEOUL + 1};
}

static DsnReport report_of(const DsnRecipient *recipients, size_t count)
{
    return (DsnReport){.reporting_mta = "mail.naver.example",
                       .to = "alice@naver.example",
                       .message_id = "lunch.bounce@mail.naver.example",
                       .boundary_seed = "lunch.bounce",
                       .envelope_id = "QQ314159",
                       .arrival_unix = NINE_IN_SEOUL,
                       .date_unix = NINE_IN_SEOUL + 2,
                       .utc_offset_minutes = SEOUL,
                       .original = span_of_text(original),
                       .recipients = recipients,
                       .recipient_count = count};
}

static Dsn *read_back(Octets *bytes)
{
    Dsn *dsn = dsn_parse(span_of_octets(bytes));
    assert_non_null(dsn);
    return dsn;
}

static void a_bounce_is_octet_for_octet_this(void **state)
{
    (void)state;
    DsnRecipient bob = refused_bob();
    DsnReport report = report_of(&bob, 1);
    g_autoptr(Octets) bytes = dsn_compose(&report);
    g_autofree char *text = span_dup_text(span_of_octets(bytes));
    static const char expected[] =
        "Date: Mon, 2 Mar 2026 09:00:02 +0900\r\n"
        "From: Mail Delivery System <MAILER-DAEMON@mail.naver.example>\r\n"
        "To: alice@naver.example\r\n"
        "Subject: Mail not delivered\r\n"
        "Message-ID: <lunch.bounce@mail.naver.example>\r\n"
        "In-Reply-To: <lunch@naver.example>\r\n"
        "References: <lunch@naver.example>\r\n"
        "Auto-Submitted: auto-replied\r\n"
        "MIME-Version: 1.0\r\n"
        "Content-Type: multipart/report; boundary=\"=_d4e85dbea742a84b\";\r\n"
        "\treport-type=delivery-status\r\n"
        "\r\n"
        "--=_d4e85dbea742a84b\r\n"
        "Content-Type: text/plain; charset=us-ascii\r\n"
        "Content-Transfer-Encoding: 7bit\r\n"
        "\r\n"
        "This is the mail server mail.naver.example.\r\n"
        "\r\n"
        "<bob@gmail.example>\r\n"
        "    Your message could not be delivered. It will not be tried again.\r\n"
        "    The server mail.gmail.example said: 550 5.1.1 No such user\r\n"
        "\r\n"
        "--=_d4e85dbea742a84b\r\n"
        "Content-Type: message/delivery-status\r\n"
        "Content-Transfer-Encoding: 7bit\r\n"
        "\r\n"
        "Original-Envelope-Id: QQ314159\r\n"
        "Reporting-MTA: dns; mail.naver.example\r\n"
        "Arrival-Date: Mon, 2 Mar 2026 09:00:00 +0900\r\n"
        "\r\n"
        "Original-Recipient: rfc822;Bob@gmail.example\r\n"
        "Final-Recipient: rfc822; bob@gmail.example\r\n"
        "Action: failed\r\n"
        "Status: 5.1.1\r\n"
        "Remote-MTA: dns; mail.gmail.example\r\n"
        "Diagnostic-Code: smtp; 550 5.1.1 No such user\r\n"
        "Last-Attempt-Date: Mon, 2 Mar 2026 09:00:01 +0900\r\n"
        "\r\n"
        "--=_d4e85dbea742a84b\r\n"
        "Content-Type: text/rfc822-headers\r\n"
        "Content-Transfer-Encoding: 7bit\r\n"
        "\r\n"
        "Received: by mail.naver.example id Q1;\r\n"
        "\tMon, 2 Mar 2026 09:00:00 +0900\r\n"
        "From: alice@naver.example\r\n"
        "Message-ID: <lunch@naver.example>\r\n"
        "\r\n"
        "\r\n"
        "--=_d4e85dbea742a84b--\r\n";
    assert_string_equal(text, expected);
}

static void what_was_written_is_read_back(void **state)
{
    (void)state;
    DsnRecipient recipients[2] = {refused_bob(), refused_bob()};
    recipients[1].final_recipient = "carol@b.test";
    recipients[1].action = DSN_DELAYED;
    recipients[1].reply = NULL;
    recipients[1].remote_mta = NULL;
    recipients[1].reason = "connection timed out";
    recipients[1].status = "4.4.1";
    recipients[1].will_retry_until_unix = NINE_IN_SEOUL + 432000;
    DsnReport report = report_of(recipients, 2);
    g_autoptr(Octets) bytes = dsn_compose(&report);
    g_autoptr(Dsn) dsn = read_back(bytes);
    assert_string_equal(dsn->reporting_mta, "mail.naver.example");
    assert_string_equal(dsn->envelope_id, "QQ314159");
    assert_string_equal(dsn->arrival_date, "Mon, 2 Mar 2026 09:00:00 +0900");
    assert_string_equal(dsn->original_message_id, "lunch@naver.example");
    assert_int_equal(dsn->recipient_count, 2);
    assert_string_equal(dsn->recipients[0].final_recipient, "bob@gmail.example");
    assert_string_equal(dsn->recipients[0].original_recipient, "Bob@gmail.example");
    assert_string_equal(dsn->recipients[0].action, "failed");
    assert_string_equal(dsn->recipients[0].status, "5.1.1");
    assert_string_equal(dsn->recipients[0].remote_mta, "mail.gmail.example");
    assert_string_equal(dsn->recipients[0].diagnostic, "550 5.1.1 No such user");
    assert_string_equal(dsn->recipients[0].last_attempt, "Mon, 2 Mar 2026 09:00:01 +0900");
    assert_null(dsn->recipients[0].will_retry_until);
    assert_string_equal(dsn->recipients[1].action, "delayed");
    assert_string_equal(dsn->recipients[1].will_retry_until, "Sat, 7 Mar 2026 09:00:00 +0900");
    assert_null(dsn->recipients[1].diagnostic);
    g_autofree char *text = message_dup_text(span_of_octets(bytes));
    assert_non_null(strstr(text, "The reason: connection timed out"));
    assert_non_null(strstr(text, "It will be tried until Sat, 7 Mar 2026 09:00:00 +0900."));
}

static void assert_subject(DsnAction action, const char *subject)
{
    DsnRecipient bob = refused_bob();
    bob.action = action;
    DsnReport report = report_of(&bob, 1);
    g_autoptr(Octets) bytes = dsn_compose(&report);
    g_autofree char *found = message_dup_header(span_of_octets(bytes), "Subject");
    assert_string_equal(found, subject);
    g_autoptr(Dsn) dsn = read_back(bytes);
    assert_string_equal(dsn->recipients[0].action, dsn_action_text(action));
    assert_true((dsn->recipients[0].will_retry_until != NULL) == (action == DSN_DELAYED));
}

static void each_action_has_its_words(void **state)
{
    (void)state;
    assert_subject(DSN_FAILED, "Mail not delivered");
    assert_subject(DSN_DELAYED, "Mail delayed");
    assert_subject(DSN_DELIVERED, "Mail delivered");
    assert_subject(DSN_RELAYED, "Mail passed on");
    assert_subject(DSN_EXPANDED, "Mail delivered to a list");
}

static void ret_full_returns_the_whole_message(void **state)
{
    (void)state;
    DsnRecipient bob = refused_bob();
    DsnReport report = report_of(&bob, 1);
    report.return_full = true;
    g_autoptr(Octets) bytes = dsn_compose(&report);
    g_autofree char *text = span_dup_text(span_of_octets(bytes));
    assert_non_null(strstr(text, "Content-Type: message/rfc822\r\n"));
    assert_non_null(strstr(text, original));
    g_autoptr(Dsn) dsn = read_back(bytes);
    assert_string_equal(dsn->original_message_id, "lunch@naver.example");
}

static void a_returned_message_cannot_end_the_report(void **state)
{
    (void)state;
    DsnRecipient bob = refused_bob();
    DsnReport report = report_of(&bob, 1);
    g_autofree char *hostile = g_strconcat(original, "--=_d4e85dbea742a84b--\r\n", NULL);
    report.original = span_of_text(hostile);
    report.return_full = true;
    g_autoptr(Octets) bytes = dsn_compose(&report);
    g_autofree char *type = message_dup_header(span_of_octets(bytes), "Content-Type");
    assert_null(strstr(type, "d4e85dbea742a84b"));
}

static void what_a_server_said_cannot_forge_a_field(void **state)
{
    (void)state;
    g_autofree char *long_words = g_strnfill(5000, 'x');
    DsnRecipient recipients[2] = {refused_bob(), refused_bob()};
    recipients[0].reply = "550 no\r\nStatus: 2.0.0\r\n\r\n\xff가";
    recipients[1].reply = long_words;
    DsnReport report = report_of(recipients, 2);
    g_autoptr(Octets) bytes = dsn_compose(&report);
    g_autoptr(Dsn) dsn = read_back(bytes);
    assert_int_equal(dsn->recipient_count, 2);
    assert_string_equal(dsn->recipients[0].status, "5.1.1");
    assert_string_equal(dsn->recipients[0].diagnostic, "550 no??Status: 2.0.0????????");
    assert_true(strlen(dsn->recipients[1].diagnostic) > 900);
    Span rest = span_of_octets(bytes);
    while (rest.length > 0) {
        size_t line = span_find(rest, '\n');
        assert_true(line <= 999);
        rest = span_skip(rest, line + 1);
    }
}

static void an_address_beyond_ascii_has_its_own_type(void **state)
{
    (void)state;
    DsnRecipient bob = refused_bob();
    bob.final_recipient = "밥+x@b.test";
    bob.original_recipient = NULL;
    DsnReport report = report_of(&bob, 1);
    g_autoptr(Octets) bytes = dsn_compose(&report);
    g_autofree char *text = span_dup_text(span_of_octets(bytes));
    assert_non_null(strstr(text, "Final-Recipient: utf-8; \\x{BC25}\\x{2B}x@b.test\r\n"));
    assert_true(g_str_is_ascii(text));
}

static void an_unsound_identifier_is_not_repeated(void **state)
{
    (void)state;
    static const char *const identifiers[] = {"<a b@c>", "a@b", "<a@b> <c@d>", "<>", "<\xff@b>"};
    for (size_t i = 0; i < G_N_ELEMENTS(identifiers); i++) {
        DsnRecipient bob = refused_bob();
        DsnReport report = report_of(&bob, 1);
        g_autofree char *message = g_strdup_printf("Message-ID: %s\r\n\r\n", identifiers[i]);
        report.original = span_of_text(message);
        g_autoptr(Octets) bytes = dsn_compose(&report);
        assert_null(message_find_header(span_of_octets(bytes), "In-Reply-To").data);
    }
}

static void other_messages_are_no_reports(void **state)
{
    (void)state;
    assert_null(dsn_parse(span_of_text(original)));
    assert_null(dsn_parse(span_of_text("")));
    g_autoptr(Dsn) empty =
        dsn_parse(span_of_text("Content-Type: message/delivery-status\r\n\r\n\r\n"));
    assert_non_null(empty);
    assert_int_equal(empty->recipient_count, 0);
    assert_null(empty->reporting_mta);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_bounce_is_octet_for_octet_this),
        cmocka_unit_test(what_was_written_is_read_back),
        cmocka_unit_test(each_action_has_its_words),
        cmocka_unit_test(ret_full_returns_the_whole_message),
        cmocka_unit_test(a_returned_message_cannot_end_the_report),
        cmocka_unit_test(what_a_server_said_cannot_forge_a_field),
        cmocka_unit_test(an_address_beyond_ascii_has_its_own_type),
        cmocka_unit_test(an_unsound_identifier_is_not_repeated),
        cmocka_unit_test(other_messages_are_no_reports),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
