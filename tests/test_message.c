/* Messages: reading, and the fields that servers add. */
#include "mail_texts.h"

/* ---- Reading ---- */

static const char odd_message[] = "Received: by b.test;\r\n\tMon, 2 Mar 2026 09:00:00 +0900\r\n"
                                  "RECEIVED : by a.test\r\n"
                                  "no field at all\r\n"
                                  "Subject: a\r\n  b\r\n\tc \r\n"
                                  "Message-Id:\r\n <lunch@naver.example>\r\n"
                                  "Subject: second\r\n"
                                  "\r\n"
                                  "Received: in the body\r\n"
                                  "Message-ID: <body@b.test>\r\n";

/* One walk finds what three find. */
static void assert_survey_agrees(Span message)
{
    MessageSurvey survey = message_survey(message);
    Span left = message_id_left(message);
    assert_int_equal(survey.received, message_count_received(message));
    assert_int_equal(survey.body_offset, message_body_offset(message));
    assert_true(survey.id_left.data == left.data && survey.id_left.length == left.length);
}

static void header_fields_are_found(void **state)
{
    (void)state;
    Span message = span_of_text(odd_message);
    assert_int_equal(message_count_received(message), 2);
    assert_span(message_id_left(message), "lunch");
    assert_survey_agrees(message);
    assert_span(message_find_header(message, "subject"), "a\r\n  b\r\n\tc");
    g_autofree char *subject = message_dup_header(message, "Subject");
    assert_string_equal(subject, "a  b\tc");
    assert_null(message_find_header(message, "To").data);
    assert_null(message_dup_header(message, "To"));
    assert_null(message_dup_header_shown(message, "To"));
    assert_memory_equal(odd_message + message_body_offset(message), "Received: in", 12);
}

static void a_message_cut_anywhere_names_no_other_mail(void **state)
{
    (void)state;
    for (size_t length = 0; length <= strlen(odd_message); length++) {
        Span cut = span_of(odd_message, length);
        Span left = message_id_left(cut);
        assert_true(left.length == 0 || span_equals(left, span_of_text("lunch")));
        assert_true(message_body_offset(cut) <= length);
        assert_true(message_count_received(cut) <= 2);
        assert_survey_agrees(cut);
    }
}

static void lines_may_end_in_lf(void **state)
{
    (void)state;
    Span message = span_of_text("Subject: a\n b\nMessage-ID: <x@y>\n\nbody\n");
    assert_span(message_find_header(message, "Subject"), "a\n b");
    assert_span(message_id_left(message), "x");
    assert_int_equal(message_body_offset(message), message.length - 5);
}

static void the_header_is_looked_at_within_its_limit(void **state)
{
    (void)state;
    g_autoptr(GString) text = g_string_new(NULL);
    while (text->len < MESSAGE_HEADER_MAX)
        g_string_append(text, "X: y\r\n");
    g_string_append(text, "Message-ID: <far@b.test>\r\n\r\nbody\r\n");
    assert_int_equal(message_id_left(span_of_text(text->str)).length, 0);
    assert_survey_agrees(span_of_text(text->str));
    assert_int_equal(message_body_offset(span_of_text(text->str)), text->len);
}

static void foreign_text_is_shown_as_utf8(void **state)
{
    (void)state;
    static const struct {
        const char *message, *text;
    } cases[] = {
        {"Content-Type: text/plain; charset=iso-8859-1\r\n\r\ncaf\xe9\r\n", "café\n"},
        {"Content-Type: text/plain; charset=nonsense\r\n\r\na\xffz\r\n", "a\xef\xbf\xbdz\n"},
        {"Subject: x\r\n\r\n가\r\n", "가\n"},
        {"Content-Transfer-Encoding: base64\r\n\r\n6rCADQo=\r\n", "가\n"},
        {"Content-Type: text/html\r\n\r\n<p>a</p>\r\n", "<p>a</p>\n"},
        {"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n"
         "Content-Disposition: attachment\r\n\r\nno\r\n--b\r\n"
         "Content-Type: text/html\r\n\r\nno\r\n--b\r\n\r\nyes\r\n--b--\r\n",
         "yes\n"},
        {"Content-Type: message/rfc822\r\n\r\nSubject: x\r\n\r\ninner\r\n", ""},
        {"Content-Type: multipart/mixed; boundary=b\r\n\r\n", ""},
        {"", ""},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autofree char *text = message_dup_text(span_of_text(cases[i].message));
        assert_string_equal(text, cases[i].text);
    }
}

static void deep_nesting_is_no_danger(void **state)
{
    (void)state;
    g_autoptr(GString) text = g_string_new(NULL);
    for (int i = 0; i < 3000; i++)
        g_string_append_printf(text, "Content-Type: multipart/mixed; boundary=b%d\n\n--b%d\n", i,
                               i);
    g_string_append(text, "\ndeep\n");
    g_autofree char *shown = message_dup_text(span_of_text(text->str));
    assert_string_equal(shown, "");
}

/* ---- Trace fields ---- */

static void received_fields_are_those_of_the_rfc(void **state)
{
    (void)state;
    ReceivedField field = {.helo_name = "mail.naver.example",
                           .client_name = "mail.naver.example",
                           .client_address = "192.0.2.1",
                           .host = "mail.gmail.example",
                           .protocol = "ESMTP",
                           .queue_id = "Q1",
                           .recipient = "bob@gmail.example",
                           .date_unix = NINE_IN_SEOUL,
                           .utc_offset_minutes = SEOUL};
    g_autofree char *full = message_format_received(&field);
    assert_string_equal(full, "Received: from mail.naver.example (mail.naver.example "
                              "[192.0.2.1])\r\n"
                              "\tby mail.gmail.example with ESMTP id Q1\r\n"
                              "\tfor <bob@gmail.example>;\r\n"
                              "\tMon, 2 Mar 2026 09:00:00 +0900\r\n");
    field.helo_name = "[192.0.2.1]";
    field.client_name = NULL;
    field.recipient = NULL;
    g_autofree char *bare = message_format_received(&field);
    assert_string_equal(bare, "Received: from [192.0.2.1] (unknown [192.0.2.1])\r\n"
                              "\tby mail.gmail.example with ESMTP id Q1;\r\n"
                              "\tMon, 2 Mar 2026 09:00:00 +0900\r\n");
    field = (ReceivedField){.host = "mail.gmail.example", .queue_id = "Q2"};
    g_autofree char *own = message_format_received(&field);
    assert_string_equal(own, "Received: by mail.gmail.example id Q2;\r\n"
                             "\tThu, 1 Jan 1970 00:00:00 +0000\r\n");
}

static void what_peers_say_cannot_break_out_of_the_field(void **state)
{
    (void)state;
    g_autofree char *long_name = g_strnfill(5000, 'a');
    ReceivedField field = {.helo_name = "a b\r\nX: y(",
                           .host = "b.test",
                           .client_name = long_name,
                           .client_address = "192.0.2.1",
                           .protocol = "",
                           .queue_id = "a;b"};
    g_autofree char *text = message_format_received(&field);
    assert_true(g_str_has_prefix(text, "Received: from a?b??X:?y? (aaaa"));
    assert_non_null(strstr(text, "\tby b.test with ? id a?b;\r\n"));
    assert_true(strlen(text) < 998);
    size_t position = 0;
    Span name, value;
    assert_true(message_next_header(span_of_text(text), &position, &name, &value));
    assert_int_equal(position, strlen(text));
}

static void return_path_is_the_envelopes(void **state)
{
    (void)state;
    g_autofree char *path = message_format_return_path("alice@naver.example");
    assert_string_equal(path, "Return-Path: <alice@naver.example>\r\n");
    g_autofree char *null_path = message_format_return_path("");
    assert_string_equal(null_path, "Return-Path: <>\r\n");
}

/* ---- Made 7-bit ---- */

static char *downgraded_text(const char *message)
{
    g_autoptr(Octets) bytes = message_downgrade(span_of_text(message));
    if (bytes == NULL)
        return NULL;
    return span_dup_text(span_of_octets(bytes));
}

/* RFC 6152 §3: the text is encoded anew; what was 7-bit, the header's order included, stays. */
static void an_8bit_message_is_made_7bit(void **state)
{
    (void)state;
    g_autofree char *text =
        downgraded_text("X-First: 1\r\nSubject: a  b\r\nMIME-Version: 1.0\r\n"
                        "Content-Type: text/plain; charset=utf-8\r\n"
                        "Content-Transfer-Encoding: 8bit\r\n\r\n"
                        "The caf\xc3\xa9 at the corner = good, and it is open until ten\r\n.\r\n");
    assert_non_null(text);
    assert_string_equal(text,
                        "X-First: 1\r\nSubject: a  b\r\nMIME-Version: 1.0\r\n"
                        "Content-Type: text/plain; charset=utf-8\r\n"
                        "Content-Transfer-Encoding: quoted-printable\r\n\r\n"
                        "The caf=C3=A9 at the corner =3D good, and it is open until ten\r\n.\r\n");
    g_autofree char *shown = message_dup_text(span_of_text(text));
    assert_string_equal(shown,
                        "The caf\xc3\xa9 at the corner = good, and it is open until ten\n.\n");
}

static void what_cannot_be_made_7bit_is_told(void **state)
{
    (void)state;
    g_autofree char *header = downgraded_text("Subject: caf\xc3\xa9\r\n\r\nx\r\n");
    assert_null(header);
    g_autofree char *sealed = downgraded_text(
        "MIME-Version: 1.0\r\nContent-Type: multipart/signed; boundary=b; micalg=x; "
        "protocol=\"application/x\"\r\n\r\n--b\r\nContent-Type: text/plain; charset=utf-8\r\n"
        "Content-Transfer-Encoding: 8bit\r\n\r\ncaf\xc3\xa9\r\n--b\r\n"
        "Content-Type: application/x\r\n\r\nseal\r\n--b--\r\n");
    assert_null(sealed);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(header_fields_are_found),
        cmocka_unit_test(a_message_cut_anywhere_names_no_other_mail),
        cmocka_unit_test(lines_may_end_in_lf),
        cmocka_unit_test(the_header_is_looked_at_within_its_limit),
        cmocka_unit_test(foreign_text_is_shown_as_utf8),
        cmocka_unit_test(deep_nesting_is_no_danger),
        cmocka_unit_test(received_fields_are_those_of_the_rfc),
        cmocka_unit_test(what_peers_say_cannot_break_out_of_the_field),
        cmocka_unit_test(return_path_is_the_envelopes),
        cmocka_unit_test(an_8bit_message_is_made_7bit),
        cmocka_unit_test(what_cannot_be_made_7bit_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
