/* Tests of proto/smtp_content: whatever the pieces that content comes in, dots, line ends and
 * faults are as an octet by octet reading has them. */
#include "proto/smtp_content.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

enum { LINE_MAXIMUM = 100 };

typedef struct Decoded {
    GString *content;
    size_t rest; /* octets of the input behind the final dot */
    bool ended;
    SmtpContentFault fault;
} Decoded;

/* Reads the input in pieces of that size, as an engine does, behind so many octets of a line that
 * lie elsewhere. */
static Decoded decode_behind(size_t before, Span input, const Octets *within, size_t piece,
                             SmtpBareNewlines bare_newlines, uint32_t line_maximum)
{
    SmtpContentDecoder decoder = smtp_content_decoder(bare_newlines, line_maximum);
    char line[LINE_MAXIMUM];
    memset(line, 'y', sizeof line);
    if (before > 0)
        smtp_content_decoder_read(&decoder, span_of(line, before), NULL);
    Decoded decoded = {.content = g_string_new(NULL)};
    size_t at = 0, come = 0;
    while (!decoded.ended) {
        SmtpContentPiece read =
            smtp_content_decoder_read(&decoder, span_of(input.data + at, come - at), within);
        g_string_append_len(decoded.content, (const char *)read.content.data,
                            (gssize)read.content.length);
        at += read.consumed;
        decoded.ended = read.end;
        if (read.consumed > 0)
            continue;
        assert_in_range(come - at, 0, 2);
        if (come == input.length)
            break;
        come = MIN(come + piece, input.length);
    }
    decoded.rest = input.length - at;
    decoded.fault = decoder.fault;
    return decoded;
}

static Decoded decode(Span input, size_t piece, SmtpBareNewlines bare_newlines)
{
    return decode_behind(0, input, NULL, piece, bare_newlines, LINE_MAXIMUM);
}

static void assert_decodes(const char *input, SmtpBareNewlines bare_newlines, const char *content,
                           size_t rest, SmtpContentFault fault)
{
    Span span = span_of_text(input);
    for (size_t piece = 1; piece <= span.length; piece++) {
        Decoded decoded = decode(span, piece, bare_newlines);
        assert_string_equal(decoded.content->str, content);
        assert_true(decoded.ended);
        assert_int_equal(decoded.fault, fault);
        /* What has not come with the dot is not looked at. */
        assert_int_equal(decoded.rest, rest);
        g_string_free(decoded.content, TRUE);
    }
}

static void test_decoder_in_pieces(void **state)
{
    (void)state;
    assert_decodes("a\r\n..b\r\n.\r\nQUIT\r\n", SMTP_BARE_NEWLINES_REFUSED, "a\r\n.b\r\n", 6,
                   SMTP_CONTENT_SOUND);
    assert_decodes(".\r\n", SMTP_BARE_NEWLINES_REFUSED, "", 0, SMTP_CONTENT_SOUND);
    assert_decodes(".a\r\n\r\n..\r\n.\r\n", SMTP_BARE_NEWLINES_REFUSED, "a\r\n\r\n.\r\n", 0,
                   SMTP_CONTENT_SOUND);
    assert_decodes("a\n.\nb\r\n.\r\n", SMTP_BARE_NEWLINES_REFUSED, "a\n.\nb\r\n", 0,
                   SMTP_CONTENT_BARE_NEWLINE);
    assert_decodes("a\n.\nb\r\n.\r\n", SMTP_BARE_NEWLINES_END_LINES, "a\r\n", 6,
                   SMTP_CONTENT_SOUND);
    assert_decodes("a\n.\nb\r\n.\r\n", SMTP_BARE_NEWLINES_KEPT, "a\n.\nb\r\n", 0,
                   SMTP_CONTENT_SOUND);
    assert_decodes("a\rb\r\n.\r\n", SMTP_BARE_NEWLINES_REFUSED, "a\rb\r\n", 0,
                   SMTP_CONTENT_BARE_NEWLINE);
}

/* A line that is too long among others that are not, wherever it stands. */
static void test_decoder_meets_long_line(void **state)
{
    (void)state;
    for (size_t place = 0; place < 8; place++) {
        for (size_t longer = 0; longer < 2; longer++) {
            g_autoptr(GString) text = g_string_new(NULL);
            for (size_t line = 0; line < 8; line++) {
                size_t length = line == place ? LINE_MAXIMUM - 2 + longer : 50;
                for (size_t i = 0; i < length; i++)
                    g_string_append_c(text, 'x');
                g_string_append(text, "\r\n");
            }
            g_autofree char *content = g_strdup(text->str);
            g_string_append(text, ".\r\n");
            assert_decodes(text->str, SMTP_BARE_NEWLINES_REFUSED, content, 0,
                           longer ? SMTP_CONTENT_LINE_TOO_LONG : SMTP_CONTENT_SOUND);
        }
    }
}

/* Lines of all lengths up to the longest, with dots in them, that are known to be plain. */
static Octets *known_octets_new(void)
{
    static const size_t LENGTHS[] = {3, 0, 90, 5, 0, 101, OCTETS_PLAIN_LINE_MAX - 2, 2};
    g_autoptr(GString) text = g_string_new(NULL);
    for (size_t line = 0; line < G_N_ELEMENTS(LENGTHS); line++) {
        for (size_t i = 0; i < LENGTHS[line]; i++)
            g_string_append_c(text, i % 3 == 1 ? '.' : 'x');
        g_string_append(text, "\r\n");
    }
    Octets *octets = octets_new(text->str, text->len);
    octets->is_plain = span_is_plain(span_of_octets(octets));
    assert_true(octets->is_plain);
    return octets;
}

/* What is known of the octets changes nothing, wherever in them the content begins: in the middle
 * of a line, with a dot, between CR and LF; and what is not known, whether a line goes on from what
 * came before and so is too long, is seen. */
static void test_decoder_of_known_octets(void **state)
{
    (void)state;
    static const uint32_t MAXIMA[] = {LINE_MAXIMUM, OCTETS_PLAIN_LINE_MAX};
    static const size_t BEFORE[] = {0, 1, 98};
    g_autoptr(Octets) octets = known_octets_new();
    unsigned faults[2] = {0};
    for (size_t i = 0; i < 2 * G_N_ELEMENTS(BEFORE); i++) {
        for (size_t begin = 0; begin < octets_length(octets); begin += begin < 320 ? 1 : 97) {
            Span input = span_skip(span_of_octets(octets), begin);
            for (size_t piece = 1; piece < 2 * input.length; piece += piece < 20 ? 1 : piece / 2) {
                Decoded read[2];
                for (int known = 0; known < 2; known++)
                    read[known] = decode_behind(BEFORE[i / 2], input, known ? octets : NULL, piece,
                                                SMTP_BARE_NEWLINES_REFUSED, MAXIMA[i % 2]);
                assert_string_equal(read[0].content->str, read[1].content->str);
                assert_int_equal(read[0].fault, read[1].fault);
                assert_int_equal(read[0].rest, read[1].rest);
                faults[i % 2] += read[1].fault == SMTP_CONTENT_LINE_TOO_LONG;
                g_string_free(read[0].content, TRUE);
                g_string_free(read[1].content, TRUE);
            }
        }
    }
    assert_true(faults[0] > faults[1] && faults[1] > 0);
}

/* What the encoder makes of a text, into an output that holds `room` octets at a time. */
static GString *encode(Span source, uint32_t room)
{
    SmtpContentEncoder encoder = smtp_content_encoder(false, false);
    Buffer output;
    buffer_init(&output, room);
    GString *all = g_string_new(NULL);
    bool done = false;
    while (!done) {
        source = span_skip(source, smtp_content_encoder_write(&encoder, source, &output));
        done = source.length == 0 && smtp_content_encoder_finish(&encoder, &output);
        Span octets = buffer_peek(&output);
        g_string_append_len(all, (const char *)octets.data, (gssize)octets.length);
        buffer_consume(&output, octets.length);
    }
    buffer_clear(&output);
    return all;
}

static void test_encoder_in_pieces(void **state)
{
    (void)state;
    static const struct {
        const char *source, *encoded;
    } cases[] = {
        {"a\r\nb\r\n", "a\r\nb\r\n.\r\n"},
        {".a\r\n.\r\n", "..a\r\n..\r\n.\r\n"},
        {"a", "a\r\n.\r\n"},
        {"a\nb\rc\r", "a\r\nb\r\nc\r\n.\r\n"},
        {"\n.\n", "\r\n..\r\n.\r\n"},
        {"", ".\r\n"},
        {"a.\r\n.b.\r\nc\r\n", "a.\r\n..b.\r\nc\r\n.\r\n"},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        for (uint32_t room = 8; room < 40; room++) {
            GString *encoded = encode(span_of_text(cases[i].source), room);
            assert_string_equal(encoded->str, cases[i].encoded);
            g_string_free(encoded, TRUE);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_decoder_in_pieces),
        cmocka_unit_test(test_decoder_meets_long_line),
        cmocka_unit_test(test_decoder_of_known_octets),
        cmocka_unit_test(test_encoder_in_pieces),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
