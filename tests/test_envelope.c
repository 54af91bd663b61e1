/* The envelope, its parameters of RFC 3461, xtext, and the spool's form. */
#include "mail/envelope.h"
#include "mail/xtext.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static Envelope *example(void)
{
    Envelope *envelope = envelope_new("alice@naver.example");
    assert_true(envelope_set_id(envelope, "QQ 314159+"));
    envelope->return_content = RETURN_HEADERS;
    envelope_set_origin(envelope, "1-3", 12, "list");
    assert_true(envelope_add_recipient(envelope, "bob@gmail.example", NOTIFY_FAILURE | NOTIFY_DELAY,
                                       "rfc822;Bob@gmail.example"));
    assert_true(envelope_add_recipient(envelope, "\"a> b\"@b.test", 0, NULL));
    assert_true(envelope_add_recipient(envelope, "carol@b.test", NOTIFY_NEVER, NULL));
    return envelope;
}

static const char example_text[] = "envelope 1\n"
                                   "from <alice@naver.example>\n"
                                   "envid QQ+20314159+2B\n"
                                   "ret hdrs\n"
                                   "origin 1-3 12 list\n"
                                   "to <bob@gmail.example> notify=FAILURE,DELAY "
                                   "orcpt=rfc822;Bob@gmail.example\n"
                                   "to <\"a> b\"@b.test>\n"
                                   "to <carol@b.test> notify=NEVER\n"
                                   "end 3\n";

static void the_spool_form_is_as_documented(void **state)
{
    (void)state;
    g_autoptr(Envelope) envelope = example();
    g_autofree char *text = envelope_format(envelope);
    assert_string_equal(text, example_text);
    g_autoptr(Envelope) read = envelope_parse(span_of_text(text));
    assert_non_null(read);
    assert_true(envelope_equals(envelope, read));
    assert_string_equal(envelope_id(read), "QQ 314159+");
    assert_string_equal(envelope_origin(read)->entry, "1-3");
    assert_int_equal(envelope_origin(read)->recipient, 12);
    assert_string_equal(envelope_origin(read)->how, "list");
    assert_string_equal(read->recipients[0].original, "rfc822;Bob@gmail.example");
}

static void a_bounce_has_the_null_reverse_path(void **state)
{
    (void)state;
    g_autoptr(Envelope) envelope = envelope_new(NULL);
    assert_string_equal(envelope->reverse_path, "");
    assert_true(envelope_add_recipient(envelope, "Postmaster", 0, NULL));
    g_autofree char *text = envelope_format(envelope);
    assert_string_equal(text, "envelope 1\nfrom <>\nto <Postmaster>\nend 1\n");
    g_autoptr(Envelope) read = envelope_parse(span_of_text(text));
    assert_true(envelope_equals(envelope, read));
}

static void a_text_cut_short_is_no_envelope(void **state)
{
    (void)state;
    for (size_t length = 0; length < strlen(example_text); length++)
        assert_null(envelope_parse(span_of(example_text, length)));
}

static void any_changed_octet_is_noticed_or_means_something_else(void **state)
{
    (void)state;
    g_autoptr(Envelope) envelope = example();
    for (size_t i = 0; i < strlen(example_text); i++) {
        g_autofree char *text = g_strdup(example_text);
        text[i] ^= 0x20;
        g_autoptr(Envelope) read = envelope_parse(span_of(text, strlen(example_text)));
        assert_true(read == NULL || !envelope_equals(envelope, read));
    }
}

static void other_texts_are_no_envelope(void **state)
{
    (void)state;
    static const char *const wrong[] = {
        "envelope 2\nfrom <>\nend 0\n",
        "envelope 1\nend 0\n",
        "envelope 1\nfrom alice@a.test\nend 0\n",
        "envelope 1\nfrom <@r.test:alice@a.test>\nend 0\n",
        "envelope 1\nfrom <\"alice@a.test>\nend 0\n",
        "envelope 1\nfrom <>\nto <>\nend 1\n",
        "envelope 1\nfrom <>\nto <bob@b.test> notify=\nend 1\n",
        "envelope 1\nfrom <>\nto <bob@b.test> notify=DELAY,FAILURE\nend 1\n",
        "envelope 1\nfrom <>\nto <bob@b.test> orcpt=bob\nend 1\n",
        "envelope 1\nfrom <>\nto <bob@b.test>  orcpt=rfc822;bob\nend 1\n",
        "envelope 1\nfrom <>\nret full\nenvid 1\nend 0\n",
        "envelope 1\nfrom <>\nenvid +4\nend 0\n",
        "envelope 1\nfrom <>\nend 0\nend 0\n",
        "envelope 1\nfrom <>\nend 0\nto <bob@b.test>\n",
        "envelope 1\nfrom <>\nend 1\n",
        "envelope 1\r\nfrom <>\r\nend 0\r\n",
    };
    for (size_t i = 0; i < G_N_ELEMENTS(wrong); i++) {
        g_autoptr(Envelope) read = envelope_parse(span_of_text(wrong[i]));
        if (read != NULL)
            fail_msg("taken: %s", wrong[i]);
    }
}

static void limits_hold(void **state)
{
    (void)state;
    g_autoptr(Envelope) envelope = envelope_new("alice@a.test");
    g_autofree char *longest_id = g_strnfill(ENVELOPE_ENVID_MAX, 'i');
    g_autofree char *long_id = g_strconcat(longest_id, "i", NULL);
    assert_true(envelope_set_id(envelope, longest_id));
    assert_false(envelope_set_id(envelope, long_id));
    assert_false(envelope_set_id(envelope, ""));
    assert_string_equal(envelope_id(envelope), longest_id);
    assert_true(envelope_set_id(envelope, NULL));

    g_autofree char *spaces = g_strnfill(ENVELOPE_ORCPT_MAX / 3, ' ');
    g_autofree char *long_original = g_strconcat("rfc822;", spaces, NULL);
    assert_false(envelope_add_recipient(envelope, "bob@b.test", 0, long_original));
    assert_false(envelope_add_recipient(envelope, "bob@b.test", 0, "bob@b.test"));
    for (int i = 0; i < ENVELOPE_RECIPIENTS_MAX; i++)
        assert_true(envelope_add_recipient(envelope, "bob@b.test", 0, NULL));
    assert_false(envelope_add_recipient(envelope, "bob@b.test", 0, NULL));

    g_autoptr(Envelope) copy = envelope_copy(envelope);
    g_autofree char *text = envelope_format(copy);
    g_autoptr(Envelope) read = envelope_parse(span_of_text(text));
    assert_true(envelope_equals(envelope, read));
    assert_int_equal(read->recipient_count, ENVELOPE_RECIPIENTS_MAX);
}

static void a_copy_is_another_value(void **state)
{
    (void)state;
    g_autoptr(Envelope) envelope = example();
    g_autoptr(Envelope) copy = envelope_copy(envelope);
    assert_true(envelope_equals(envelope, copy));
    copy->recipients[0].notify = 0;
    assert_false(envelope_equals(envelope, copy));
    assert_int_equal(envelope->recipients[0].notify, NOTIFY_FAILURE | NOTIFY_DELAY);
}

static void a_copy_of_a_copy_is_the_same(void **state)
{
    (void)state;
    g_autoptr(Envelope) envelope = example();
    Envelope *copy = envelope_copy(envelope);
    g_autoptr(Envelope) again = envelope_copy(copy);
    assert_ptr_equal(again, copy);
    envelope_free(copy);
    assert_true(envelope_equals(envelope, again));
}

static void a_copy_of_what_is_final_is_the_same(void **state)
{
    (void)state;
    Envelope *envelope = example();
    envelope_finish(envelope);
    g_autoptr(Envelope) again = envelope_copy(envelope);
    assert_ptr_equal(again, envelope);
    envelope_free(envelope);
    g_autoptr(Envelope) other = example();
    assert_true(envelope_equals(again, other));
}

static void notify_is_read_and_written(void **state)
{
    (void)state;
    uint8_t notify = 0;
    assert_true(notify_parse(span_of_text("success,Delay"), &notify));
    assert_int_equal(notify, NOTIFY_SUCCESS | NOTIFY_DELAY);
    g_autofree char *text = notify_format(notify);
    assert_string_equal(text, "SUCCESS,DELAY");
    assert_true(notify_parse(span_of_text("NEVER"), &notify));
    static const char *const wrong[] = {"", "NEVER,DELAY", "DELAY,", ",DELAY", "OFTEN", "DELAY "};
    for (size_t i = 0; i < G_N_ELEMENTS(wrong); i++)
        assert_false(notify_parse(span_of_text(wrong[i]), &notify));
    assert_true(notify_wants_failure(0) && notify_wants_delay(0) && !notify_wants_success(0));
    assert_false(notify_wants_failure(NOTIFY_NEVER) || notify_wants_delay(NOTIFY_NEVER));
    assert_false(notify_wants_failure(NOTIFY_SUCCESS));
}

static void xtext_is_that_of_rfc_3461(void **state)
{
    (void)state;
    g_autofree char *encoded = xtext_encode(span_of_text("a+b=c d\x7f"));
    assert_string_equal(encoded, "a+2Bb+3Dc+20d+7F");
    g_autofree char *decoded = xtext_decode(span_of_text(encoded));
    assert_string_equal(decoded, "a+b=c d\x7f");
    static const char *const wrong[] = {"a b", "a=b", "+", "+2", "+2b", "+G0", "+00", "\x80"};
    for (size_t i = 0; i < G_N_ELEMENTS(wrong); i++)
        assert_null(xtext_decode(span_of_text(wrong[i])));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_spool_form_is_as_documented),
        cmocka_unit_test(a_bounce_has_the_null_reverse_path),
        cmocka_unit_test(a_text_cut_short_is_no_envelope),
        cmocka_unit_test(any_changed_octet_is_noticed_or_means_something_else),
        cmocka_unit_test(other_texts_are_no_envelope),
        cmocka_unit_test(limits_hold),
        cmocka_unit_test(a_copy_is_another_value),
        cmocka_unit_test(a_copy_of_a_copy_is_the_same),
        cmocka_unit_test(a_copy_of_what_is_final_is_the_same),
        cmocka_unit_test(notify_is_read_and_written),
        cmocka_unit_test(xtext_is_that_of_rfc_3461),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
