/* Messages: composing. */
#include "mail/message_compose_plain.h"
#include "mail_texts.h"

static void assert_refused(const MessageDraft *draft, const char *reason)
{
    g_autoptr(GError) error = NULL;
    assert_null(message_compose(draft, &error));
    assert_string_equal(error->message, reason);
}

static void a_plain_message_is_octet_for_octet_this(void **state)
{
    (void)state;
    MessageDraft draft = lunch_draft();
    g_autoptr(Octets) bytes = compose(&draft);
    assert_span(span_of_octets(bytes), "Date: Mon, 2 Mar 2026 09:00:00 +0900\r\n"
                                       "From: Alice <alice@naver.example>\r\n"
                                       "To: Bob <bob@gmail.example>\r\n"
                                       "Subject: Lunch?\r\n"
                                       "Message-ID: <lunch@naver.example>\r\n"
                                       "MIME-Version: 1.0\r\n"
                                       "Content-Type: text/plain; charset=us-ascii\r\n"
                                       "Content-Transfer-Encoding: 7bit\r\n"
                                       "\r\n"
                                       "Noon, at the usual place?\r\n");
}

/* 7-bit octets, CRLF alone ends lines, no line longer than 998 octets. */
static void assert_fit_for_smtp(Span message)
{
    size_t line = 0;
    for (size_t i = 0; i < message.length; i++) {
        uint8_t c = message.data[i];
        assert_true(c < 0x80 && c != 0);
        assert_true((c == '\n') == (i > 0 && message.data[i - 1] == '\r'));
        line = c == '\n' ? 0 : line + 1;
        assert_true(line <= 999);
    }
    assert_true(message.length > 0 && message.data[message.length - 1] == '\n');
}

static void assert_body_travels(const char *body, const char *encoding, const char *expected)
{
    MessageDraft draft = lunch_draft();
    draft.body = body;
    g_autoptr(Octets) bytes = compose(&draft);
    assert_fit_for_smtp(span_of_octets(bytes));
    assert_span(message_find_header(span_of_octets(bytes), "content-transfer-encoding"), encoding);
    g_autofree char *text = message_dup_text(span_of_octets(bytes));
    assert_string_equal(text, expected);
}

/* What GMime writes of a draft: one more field makes it too special for the short way. */
static char *compose_by_gmime(const MessageDraft *draft)
{
    static const MessageField judge = {"X-Judge", "x"};
    static const char FIELD[] = "X-Judge: x\r\n";
    MessageDraft special = *draft;
    special.fields = &judge;
    special.field_count = 1;
    g_autoptr(Octets) bytes = compose(&special);
    g_autofree char *text = span_dup_text(span_of_octets(bytes));
    char *field = strstr(text, FIELD);
    assert_non_null(field);
    *field = '\0';
    return g_strconcat(text, field + strlen(FIELD), NULL);
}

/* Every combination of these: values of any length around where lines fold, with and without what
 * must be quoted, encoded or tidied. */
static void the_short_way_writes_what_gmime_writes(void **state)
{
    (void)state;
    static const char *const SUBJECTS[] = {
        NULL,
        "",
        "m",
        "m.17",
        "Lunch?",
        " x",
        "x ",
        "a  b",
        "=?utf-8?q?a?=",
        "a =? b",
        "\"q\"",
        "(c)",
        "caf\xc3\xa9",
        "x@y,z;<w>",
        "a:b",
        "\\",
        "word word word word word word word word word word word word word",
        "word word word word word word word word word word word word word w",
        "wordwordwordwordwordwordwordwordwordwordwordwordwordwordwordwordword",
        "wordwordwordwordwordwordwordwordwordwordwordwordwordwordwordwordwordword word"};
    static const char *const BODIES[] = {
        NULL,          "",          "\n",          "a",      "a\n", "a\r\nb", "a\rb\r\r\nc\r", "\r",
        "From x\n.\n", "\tx\x7f\n", "caf\xc3\xa9", "a\n\n\n"};
    static const MessageMailbox TO[] = {{NULL, "bob@gmail.example"},
                                        {NULL, "carol.of.the.long.name@mail.daum.example"},
                                        {NULL, "erin@d99.example"},
                                        {NULL, "o'hara+tag@gmail.example"},
                                        {NULL, "\"two words\"@gmail.example"},
                                        {NULL, "Dave@Nate.Example"},
                                        {"Bob", "bob@gmail.example"}};
    static const char *const IDS[] = {"lunch@naver.example", "a.b.c@[192.0.2.1]", "Lunch-2@x"};
    unsigned drafts = 0;
    for (size_t s = 0; s < G_N_ELEMENTS(SUBJECTS); s++) {
        for (size_t i = 0; i < G_N_ELEMENTS(BODIES) * G_N_ELEMENTS(TO) * 4 * G_N_ELEMENTS(IDS);
             i++) {
            MessageDraft draft = lunch_draft();
            size_t first = i % G_N_ELEMENTS(TO), rest = i / G_N_ELEMENTS(TO);
            draft.from = TO[(first + s) % G_N_ELEMENTS(TO)];
            draft.to = &TO[first];
            draft.to_count = MIN(rest % 4, G_N_ELEMENTS(TO) - first);
            draft.cc = TO;
            draft.cc_count = draft.to_count / 2;
            draft.body = BODIES[rest / 4 % G_N_ELEMENTS(BODIES)];
            draft.message_id = IDS[rest / 4 / G_N_ELEMENTS(BODIES)];
            draft.subject = SUBJECTS[s];
            g_autoptr(Octets) bytes = compose(&draft);
            g_autofree char *expected = compose_by_gmime(&draft);
            assert_span(span_of_octets(bytes), expected);
            assert_int_equal(bytes->is_plain, span_is_plain(span_of_octets(bytes)));
            g_autoptr(Octets) plain = message_compose_plain(&draft, 0);
            drafts += plain != NULL;
        }
    }
    assert_in_range(drafts, 500, 5000); /* that many went the short way */
}

static void each_body_gets_the_encoding_that_it_needs(void **state)
{
    (void)state;
    g_autofree char *long_line = g_strnfill(998, 'a');
    g_autofree char *too_long_line = g_strnfill(999, 'a');
    g_autofree char *long_body = g_strconcat(long_line, "\n", NULL);
    g_autofree char *too_long_body = g_strconcat(too_long_line, "\n", NULL);
    assert_body_travels("", "7bit", "");
    assert_body_travels("a\r\nb\n.\nFrom c", "7bit", "a\nb\n.\nFrom c\n");
    assert_body_travels(long_body, "7bit", long_body);
    assert_body_travels(too_long_body, "quoted-printable", too_long_body);
    assert_body_travels("Noon at the café on the corner, = or +? \n", "quoted-printable",
                        "Noon at the café on the corner, = or +? \n");
    assert_body_travels("안녕하세요, 밥.\n점심 먹을까?\n", "base64",
                        "안녕하세요, 밥.\n점심 먹을까?\n");
    assert_body_travels("a\x1b[31mb\n", "quoted-printable", "a\x1b[31mb\n");
}

static void base64_text_has_crlf_inside(void **state)
{
    (void)state;
    MessageDraft draft = lunch_draft();
    draft.body = "가\n";
    g_autoptr(Octets) bytes = compose(&draft);
    Span message = span_of_octets(bytes);
    /* U+AC00 CR LF */
    assert_span(span_skip(message, message_body_offset(message)), "6rCADQo=\r\n");
}

static void headers_carry_korean_as_encoded_words(void **state)
{
    (void)state;
    const MessageMailbox to[] = {{"밥 킴", "bob@gmail.example"}, {"\"C\", Carol", "carol@b.test"}};
    MessageDraft draft = lunch_draft();
    draft.to = to;
    draft.to_count = 2;
    draft.subject = "[과제] 오늘 정오에 늘 가던 그 식당에서 만나서 같이 점심 먹을까? 나는 좋은데";
    g_autoptr(Octets) bytes = compose(&draft);
    Span message = span_of_octets(bytes);
    assert_fit_for_smtp(message);
    g_autofree char *subject = message_dup_header_shown(message, "SUBJECT");
    assert_string_equal(subject, draft.subject);
    g_autofree char *shown = message_dup_header_shown(message, "To");
    assert_string_equal(shown, "밥 킴 <bob@gmail.example>, \"\\\"C\\\", Carol\" <carol@b.test>");
}

static void attachments_travel_and_the_text_stays_readable(void **state)
{
    (void)state;
    static const MessageAttachment attachments[] = {{"과제 보고서.hwp", 3000}, {"a.bin", 0}};
    MessageDraft draft = lunch_draft();
    draft.attachments = attachments;
    draft.attachment_count = 2;
    g_autoptr(Octets) bytes = compose(&draft), again = compose(&draft);
    assert_true(octets_equal(bytes, again));
    assert_fit_for_smtp(span_of_octets(bytes));
    assert_true(octets_length(bytes) > 4000);
    g_autofree char *type = message_dup_header(span_of_octets(bytes), "Content-Type");
    assert_true(g_str_has_prefix(type, "multipart/mixed; boundary=\"=_"));
    g_autofree char *text = message_dup_text(span_of_octets(bytes));
    assert_string_equal(text, draft.body);
    g_autofree char *all = span_dup_text(span_of_octets(bytes));
    assert_non_null(strstr(all, "filename*=UTF-8''%EA%B3%BC%EC%A0%9C"));

    draft.boundary_seed = "other";
    g_autoptr(Octets) other = compose(&draft);
    assert_false(octets_equal(bytes, other));
}

static void a_body_cannot_hold_the_boundary(void **state)
{
    (void)state;
    static const MessageAttachment attachment = {"a.bin", 3};
    MessageDraft draft = lunch_draft();
    draft.attachments = &attachment;
    draft.attachment_count = 1;
    g_autoptr(Octets) first = compose(&draft);
    g_autofree char *type = message_dup_header(span_of_octets(first), "Content-Type");
    g_auto(GStrv) parts = g_strsplit(type, "\"", 3);
    g_autofree char *hostile = g_strdup_printf("--%s--\nstill here\n", parts[1]);
    draft.body = hostile;
    g_autoptr(Octets) second = compose(&draft);
    g_autofree char *text = message_dup_text(span_of_octets(second));
    assert_string_equal(text, hostile);
}

static void a_given_field_stands_in_for_ours(void **state)
{
    (void)state;
    const MessageField fields[] = {{"from", "Mallory <mallory@evil.test>"},
                                   {"Received", "by a.test"},
                                   {"Received", "by b.test"},
                                   {"X-Word", "과제"}};
    MessageDraft draft = lunch_draft();
    draft.fields = fields;
    draft.field_count = 4;
    draft.in_reply_to = "x@a.test";
    draft.references = "w@a.test x@a.test";
    g_autoptr(Octets) bytes = compose(&draft);
    Span message = span_of_octets(bytes);
    assert_span(message_find_header(message, "From"), "Mallory <mallory@evil.test>");
    assert_int_equal(message_count_received(message), 2);
    g_autofree char *word = message_dup_header_shown(message, "X-Word");
    assert_string_equal(word, "과제");
    assert_span(message_find_header(message, "In-Reply-To"), "<x@a.test>");
    assert_span(message_find_header(message, "References"), "<w@a.test> <x@a.test>");
    assert_null(message_find_header(message, "Cc").data);
}

/* RFC 6532: no encoded word can stand in an address; names around it are encoded as ever. */
static void an_address_beyond_ascii_stands_as_it_is(void **state)
{
    (void)state;
    MessageDraft draft = lunch_draft();
    draft.from = (MessageMailbox){"앨리스", "앨리스@naver.example"};
    g_autoptr(GError) error = NULL;
    g_autoptr(Octets) bytes = message_compose(&draft, &error);
    assert_non_null(bytes);
    Span message = span_of_octets(bytes);
    assert_false(message_header_is_ascii(message));
    Span from = message_find_header(message, "From");
    g_autofree char *text = span_dup_text(from);
    assert_true(g_str_has_suffix(text, " <앨리스@naver.example>"));
    assert_true(g_str_has_prefix(text, "=?UTF-8?"));
}

static void wrong_drafts_are_refused_with_a_reason(void **state)
{
    (void)state;
    MessageDraft draft = lunch_draft();
    draft.subject = "Lunch?\r\nBcc: eve@evil.test";
    assert_refused(&draft, "the subject has a line break or control character");
    draft = lunch_draft();
    draft.body = "\xff";
    assert_refused(&draft, "the body is not UTF-8");
    draft = lunch_draft();
    draft.from.address = "alice";
    assert_refused(&draft, "the address in From is wrong: there is no @ and domain after the "
                           "local-part");
    draft = lunch_draft();
    draft.message_id = "lunch";
    assert_refused(&draft, "\"lunch\" is no identifier for Message-ID");
    draft = lunch_draft();
    const MessageField bcc = {"BCC", "eve@evil.test"}, wrong = {"X Y", ""};
    draft.fields = &bcc;
    draft.field_count = 1;
    assert_refused(&draft, "the header field BCC cannot be given");
    draft.fields = &wrong;
    assert_refused(&draft, "a header field has a wrong name");
    draft = lunch_draft();
    const MessageAttachment huge = {"a", MESSAGE_ATTACHMENT_MAX + 1};
    draft.attachments = &huge;
    draft.attachment_count = 1;
    assert_refused(&draft, "the attachment a is larger than 64 MiB");
    draft = lunch_draft();
    g_autofree char *word = g_strnfill(2000, 'x');
    g_autofree char *id = g_strconcat(word, "@a.test", NULL);
    draft.in_reply_to = id;
    assert_refused(&draft, "a header field has a word longer than a line can be");
}

/* ---- Sizes ---- */

static bool span_ends_with(Span span, const char *end)
{
    Span wanted = span_of_text(end);
    return span.length >= wanted.length &&
           span_equals(span_skip(span, span.length - wanted.length), wanted);
}

/* Messages of each size from that of the plain one to so many octets more, none but `misses`
 * missed; whole lines, none of them too long for a reader. */
static void assert_sizes(const MessageDraft *draft, size_t more, size_t misses)
{
    g_autoptr(Octets) plain = compose(draft);
    size_t has = octets_length(plain), missed = 0;
    for (size_t size = 1; size <= has + more; size = size < has ? MIN(size + 50, has) : size + 1) {
        g_autoptr(GError) error = NULL;
        g_autoptr(Octets) bytes = message_compose_of_size(draft, size, &error);
        assert_non_null(bytes);
        Span rest = span_of_octets(bytes);
        missed += rest.length != MAX(size, has);
        /* Of one octet more, which may go into the last line, nothing need be said. */
        assert_true(bytes->is_plain ? span_is_plain(rest)
                                    : size == has + 1 || !span_is_plain(rest));
        /* Some programs take an empty line before the final dot for a part of the dot's. */
        if (size > has + 2)
            assert_false(span_ends_with(rest, "\r\n\r\n"));
        while (rest.length > 0) {
            size_t line = span_find(rest, '\n');
            assert_true(line < rest.length && line > 0 && rest.data[line - 1] == '\r');
            assert_true(line <= 78 + 1 && rest.data[0] != '.');
            rest = span_skip(rest, line + 1);
        }
    }
    assert_int_equal(missed, misses);
}

static void a_message_has_the_size_asked_for(void **state)
{
    (void)state;
    static const MessageAttachment photo = {"photo.jpg", 1000};
    MessageDraft draft = lunch_draft();
    assert_sizes(&draft, 400, 0);
    draft.body = "no line end";
    assert_sizes(&draft, 400, 0);
    draft.body = NULL;
    assert_sizes(&draft, 400, 1);
    draft.body =
        "점심 먹을까? 12시에 늘 가던 곳에서, where else?\n" /* quoted-printable when long */
        "That is what we have always done, and there is no better place in all of the town.\n";
    g_autoptr(GError) error = NULL;
    for (size_t size = 2000; size < 2300; size++) {
        g_autoptr(Octets) bytes = message_compose_of_size(&draft, size, &error);
        assert_int_equal(octets_length(bytes), size);
        g_autofree char *text = message_dup_text(span_of_octets(bytes));
        assert_true(g_str_has_prefix(text, draft.body));
    }
    draft = lunch_draft();
    draft.attachments = &photo;
    draft.attachment_count = 1;
    assert_sizes(&draft, 300, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_plain_message_is_octet_for_octet_this),
        cmocka_unit_test(the_short_way_writes_what_gmime_writes),
        cmocka_unit_test(each_body_gets_the_encoding_that_it_needs),
        cmocka_unit_test(base64_text_has_crlf_inside),
        cmocka_unit_test(headers_carry_korean_as_encoded_words),
        cmocka_unit_test(attachments_travel_and_the_text_stays_readable),
        cmocka_unit_test(a_body_cannot_hold_the_boundary),
        cmocka_unit_test(a_given_field_stands_in_for_ours),
        cmocka_unit_test(an_address_beyond_ascii_stands_as_it_is),
        cmocka_unit_test(wrong_drafts_are_refused_with_a_reason),
        cmocka_unit_test(a_message_has_the_size_asked_for),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
