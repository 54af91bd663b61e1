/* Tests of node/incoming_message: however a message comes in pieces, it is the same one. */
#include "node/incoming_message.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define FIELDS "Received: from a.example\r\n\tby b.example; now\r\n"

static const char *const messages[] = {
    "",
    "\r\n",
    "body without a header",
    "Received: from x\r\n by y\r\nReceived: z\r\nMessage-ID: <lunch@a.example>\r\n\r\nRice.\r\n",
    "Message-ID:\r\n <lunch@a.example>\r\nReturn-Path: <x@x.example>\r\n\r\nReceived: no\r\n",
    "Subject: one\nMessage-ID: <lunch@a.example>\nReceived: z\n\nMessage-ID: <no@a.example>\n",
    "Subject: header only\r\nReceived: z\r\n",
    "Message-ID: none\r\nReceived: z\r\nMessage-ID: <lunch@a.example>\r\n\r\nRice.\r\n",
};

/* Gives a piece of the text, by reference or not. */
static void take_piece(IncomingMessage *incoming, Octets *bytes, size_t from, size_t to,
                       bool is_shared)
{
    if (to > from)
        incoming_message_take(incoming, span_of(octets_data(bytes) + from, to - from),
                              is_shared ? bytes : NULL);
}

static void assert_survey(const MessageSurvey *survey, Span text)
{
    MessageSurvey expected = message_survey(text);
    assert_int_equal(survey->received, expected.received);
    assert_int_equal(survey->has_return_path, expected.has_return_path);
    assert_int_equal(survey->body_offset, expected.body_offset);
    assert_true(span_equals(survey->id_left, expected.id_left));
}

/* `way` says which of three pieces lie in bytes of their own: each bit one of them. Text is padded,
 * so that pieces are kept where they lie. */
static void check_in_pieces(const char *text, size_t first, size_t second, unsigned way)
{
    g_autofree char *padded = g_strdup_printf("%s%*s", text, 700, "");
    size_t length = strlen(padded);
    g_autoptr(Octets) whole = octets_new(padded, length);
    IncomingMessage incoming;
    incoming_message_init(&incoming);
    size_t cuts[] = {0, first, second, length};
    for (unsigned i = 0; i < 3; i++) {
        g_autoptr(Octets) own = octets_new(padded, length);
        take_piece(&incoming, (way >> i) & 1 ? own : whole, cuts[i], cuts[i + 1], way < 8);
    }
    MessageSurvey survey = incoming_message_survey(&incoming);
    assert_survey(&survey, span_of(padded, length));
    g_autoptr(StoredMessage) message =
        incoming_message_place(&incoming, &survey, "bob@b.example", FIELDS, NULL);
    g_autoptr(Octets) joined = stored_message_join(message);
    g_autofree char *expected = g_strconcat(FIELDS, padded, NULL);
    assert_true(span_equals(span_of_octets(joined), span_of_text(expected)));
    assert_int_equal(stored_message_path_length(message),
                     survey.has_return_path ? 0 : strlen("Return-Path: <bob@b.example>\r\n"));
    incoming_message_clear(&incoming);
}

static void test_any_pieces_give_the_same(void **state)
{
    (void)state;
    for (size_t i = 0; i < G_N_ELEMENTS(messages); i++) {
        size_t length = strlen(messages[i]);
        for (size_t first = 0; first <= length; first++)
            for (size_t second = first; second <= length; second += 1 + second / 8)
                for (unsigned way = 0; way < 9; way++)
                    check_in_pieces(messages[i], first, second, way);
    }
}

/* Where the client's octets lie in one run, they stay there; what the server before has put in
 * front of them is copied; the rest of a large memory is not kept for the sake of little. */
static void test_what_stays_where_it_is(void **state)
{
    (void)state;
    g_autofree char *text = g_strnfill(1000, 'x');
    g_autoptr(Octets) bytes = octets_new(text, 1000);
    static const struct {
        size_t from, to;
        const char *front;
        bool is_shared;
    } cases[] = {{0, 1000, "", true},
                 {400, 1000, "", true},
                 {600, 1000, "", false},
                 {0, 1000, "a: b\r\n", true},
                 {600, 1000, "a: b\r\n", false}};
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        IncomingMessage incoming;
        incoming_message_init(&incoming);
        if (cases[i].front[0] != '\0')
            incoming_message_take(&incoming, span_of_text(cases[i].front), NULL);
        take_piece(&incoming, bytes, cases[i].from, cases[i].to, true);
        MessageSurvey survey = incoming_message_survey(&incoming);
        g_autoptr(StoredMessage) message =
            incoming_message_place(&incoming, &survey, NULL, "", NULL);
        assert_int_equal(message->rest_bytes == bytes, cases[i].is_shared);
        assert_int_equal(stored_message_size(message),
                         strlen(cases[i].front) + cases[i].to - cases[i].from);
        incoming_message_clear(&incoming);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_any_pieces_give_the_same),
        cmocka_unit_test(test_what_stays_where_it_is),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
