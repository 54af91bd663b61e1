/* Tests of core/bytes. */
#include "core/bytes.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void test_buffer_keeps_its_maximum(void **state)
{
    (void)state;
    Buffer buffer;
    buffer_init(&buffer, 300);
    uint8_t filler[299] = {0};
    assert_true(buffer_append(&buffer, span_of(filler, sizeof filler)));
    assert_false(buffer_append_text(&buffer, "ab"));
    assert_int_equal(buffer.length, 299);
    assert_true(buffer_append_text(&buffer, "a"));
    assert_int_equal(buffer_room(&buffer), 0);
    buffer_consume(&buffer, 299);
    assert_true(span_equals(buffer_peek(&buffer), span_of_text("a")));
    buffer_clear(&buffer);
}

static void test_span_compares_without_case(void **state)
{
    (void)state;
    assert_true(span_equals_text_nocase(span_of_text("rCpT"), "RCPT"));
    assert_false(span_equals_text_nocase(span_of_text("rcp"), "RCPT"));
    assert_true(span_starts_with_nocase(span_of_text("FROM:<a>"), "from:"));
    assert_false(span_starts_with_nocase(span_of_text("FRO"), "from:"));
    assert_false(span_starts_with_nocase((Span){0}, "from:"));
    assert_true(span_starts_with_nocase(span_of_text("a"), ""));
    assert_true(span_equals_text_nocase((Span){0}, ""));
    assert_false(span_equals_text_nocase(span_of_text(" "), ""));
    assert_false(span_equals_text_nocase((Span){0}, "a"));
    assert_int_equal(span_find(span_of_text("a:b"), ':'), 1);
    assert_int_equal(span_find(span_of_text("ab"), ':'), 2);
}

/* What span_plain_lines says, octet by octet. */
static size_t plain_lines(Span text)
{
    size_t lines = 0;
    for (size_t i = 0; i < text.length; i++) {
        uint8_t before = i == 0 ? '\n' : text.data[i - 1];
        if ((text.data[i] == '\n') != (before == '\r') || (text.data[i] == '.' && before == '\n'))
            break;
        if (text.data[i] == '\n')
            lines = i + 1;
    }
    return lines;
}

/* Lines of 40 octets; each wrong octet at each place, so that it meets each edge of what is looked
 * at at once. */
static void test_plain_lines_end_before_what_is_wrong(void **state)
{
    (void)state;
    enum { LINE = 40, LENGTH = 8 * LINE };
    static const char wrong[] = {'\r', '\n', '.', 'x'};
    uint8_t text[LENGTH];
    for (size_t length = 0; length <= LENGTH; length++) {
        for (size_t place = 0; place < length; place++) {
            for (size_t w = 0; w < sizeof wrong; w++) {
                for (size_t i = 0; i < LENGTH; i++)
                    text[i] = i % LINE == LINE - 2 ? '\r' : i % LINE == LINE - 1 ? '\n' : 'a';
                text[place] = (uint8_t)wrong[w];
                Span span = span_of(text, length);
                assert_int_equal(span_plain_lines(span), plain_lines(span));
            }
        }
    }
    assert_int_equal(span_plain_lines((Span){0}), 0);
    assert_int_equal(span_plain_lines(span_of_text("a\r\nb\r\n")), 6);
}

/* Plain is what is ASCII, too. Octets that say so are believed where a line of theirs begins. */
static void test_plain_octets(void **state)
{
    (void)state;
    assert_true(span_is_plain((Span){0}));
    assert_true(span_is_plain(span_of_text("a\r\n\r\n")));
    assert_false(span_is_plain(span_of_text("a\r\nb")));
    assert_false(span_is_plain(span_of_text("caf\xc3\xa9\r\n")));
    /* One octet more than a line may have, and just as many. */
    char line[OCTETS_PLAIN_LINE_MAX + 1];
    memset(line, 'x', sizeof line);
    line[sizeof line - 2] = '\r';
    line[sizeof line - 1] = '\n';
    assert_false(span_is_plain(span_of(line, sizeof line)));
    assert_true(span_is_plain(span_of(line + 1, sizeof line - 1)));
    g_autoptr(Octets) octets = octets_new("ab\r\nc.d\r\n", 9);
    assert_false(octets->is_plain);
    for (int known = 0; known < 2; known++) {
        octets->is_plain = known;
        for (size_t begin = 0; begin < 9; begin++) {
            for (size_t end = begin; end <= 9; end++) {
                Span text = span_of(octets->here + begin, end - begin);
                assert_int_equal(span_plain_lines_within(text, octets), plain_lines(text));
                assert_true(span_is_ascii_within(text, octets));
            }
        }
    }
    assert_int_equal(span_plain_lines_within(span_of_text("a\r\n."), NULL), 3);
    assert_false(span_is_ascii_within(span_of_text("\xc3\xa9"), NULL));
}

static void test_span_has_control(void **state)
{
    (void)state;
    assert_false(span_has_control(span_of_text("gr\xc3\xbc\xc3\x9f dich, 1 ~")));
    assert_true(span_has_control(span_of_text("0123456789abcdef\x7f")));
    assert_true(span_has_control(span_of_text("a\tb")));
    assert_false(span_has_control((Span){0}));
    /* Every octet at every place in texts of each length around those looked at at once. */
    enum { LONGEST = 50 };
    for (size_t length = 1; length <= LONGEST; length++) {
        for (unsigned octet = 0; octet < 256; octet++) {
            for (size_t place = 0; place < length; place++) {
                uint8_t text[LONGEST];
                memset(text, ' ', sizeof text);
                text[place] = (uint8_t)octet;
                bool is_control = octet < ' ' || octet == 0x7f;
                assert_int_equal(span_has_control(span_of(text, length)), is_control);
                assert_int_equal(span_is_ascii(span_of(text, length)), octet < 0x80);
            }
        }
    }
}

/* What is taken stays as it is whatever becomes of the buffer, and is not copied. */
static void test_buffer_shares_what_is_taken(void **state)
{
    (void)state;
    enum { TIMES = 100 };
    static const char line[] = "0123456789abcdefghij";
    Buffer buffer;
    buffer_init(&buffer, 1000);
    Slice taken[TIMES] = {0};
    size_t neighbours = 0;
    for (size_t i = 0; i < TIMES; i++) {
        size_t length = 1 + i % (sizeof line - 1);
        assert_true(buffer_append(&buffer, span_of(line, length)));
        assert_true(buffer_append_text(&buffer, "rest"));
        const uint8_t *before = buffer_peek(&buffer).data;
        taken[i] = buffer_take(&buffer, length);
        assert_ptr_equal(slice_span(taken[i]).data, before);
        assert_true(span_equals(buffer_peek(&buffer), span_of_text("rest")));
        buffer_consume(&buffer, 2);
        buffer_expect(&buffer, i % 5 == 0 ? i : 0);
        assert_true(span_equals(buffer_peek(&buffer), span_of_text("st")));
        buffer_consume(&buffer, 2);
        neighbours += i > 0 && taken[i].bytes == taken[i - 1].bytes;
    }
    assert_in_range(neighbours, TIMES / 2, TIMES - 2);
    buffer_clear(&buffer);
    for (size_t i = 0; i < TIMES; i++) {
        size_t length = 1 + i % (sizeof line - 1);
        assert_true(span_equals(slice_span(taken[i]), span_of(line, length)));
        slice_clear(&taken[i]);
    }
}

/* Memory that is taken to its end is the slice's alone. */
static void test_buffer_gives_full_memory_away(void **state)
{
    (void)state;
    Buffer buffer;
    buffer_init(&buffer, 5000);
    buffer_expect(&buffer, 4000);
    memset(buffer_add(&buffer, 4000), 'x', 4000);
    assert_null(buffer_add(&buffer, 1001));
    Slice all = buffer_take(&buffer, 4000);
    assert_null(buffer.memory);
    assert_true(buffer_append_text(&buffer, "new"));
    assert_int_equal(slice_span(all).data[0], 'x');
    slice_clear(&all);
    buffer_clear(&buffer);
}

/* Memory is the buffer's again when nobody else has a part of it. */
static void test_buffer_takes_its_memory_back(void **state)
{
    (void)state;
    Buffer buffer;
    buffer_init(&buffer, 5000);
    buffer_append_text(&buffer, "first");
    const Octets *memory = buffer.memory;
    Slice first = buffer_take(&buffer, 5);
    g_autofree char *filling = g_strnfill(memory->length - 2, 'x');
    Span long_text = span_of_text(filling);
    slice_clear(&first);
    assert_true(buffer_append(&buffer, long_text));
    assert_ptr_equal(buffer.memory, memory);
    Slice second = buffer_take(&buffer, 5);
    assert_true(buffer_append(&buffer, long_text)); /* beside what is in other hands */
    assert_ptr_not_equal(buffer.memory, memory);
    assert_true(span_equals(slice_span(second), span_of_text("xxxxx")));
    slice_clear(&second);
    buffer_clear(&buffer);
}

static void test_octets(void **state)
{
    (void)state;
    GByteArray *array = g_byte_array_new();
    g_byte_array_append(array, (const uint8_t *)"abc", 3);
    g_autoptr(Octets) octets = octets_of_array(array), same = octets_new("abc", 3);
    g_autoptr(Octets) shorter = octets_new("ab", 2), other = octets_new("abd", 3);
    g_autoptr(Octets) none = octets_new(NULL, 0), nothing = octets_of_array(g_byte_array_new());
    assert_true(octets_equal(octets, same) && octets_equal(none, nothing));
    assert_false(octets_equal(octets, shorter) || octets_equal(octets, other));
    assert_true(span_equals(span_of_octets(octets), span_of_text("abc")));
}

static void test_slice_shares(void **state)
{
    (void)state;
    g_autoptr(Octets) bytes = octets_new("abcdef", 6);
    Slice whole = slice_new(bytes, 1, 4);
    Slice part = slice_ref(whole, 1, 2);
    slice_clear(&whole);
    assert_true(span_equals(slice_span(part), span_of_text("cd")));
    slice_clear(&part);
    assert_int_equal(slice_span(part).length, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_buffer_keeps_its_maximum),
        cmocka_unit_test(test_span_compares_without_case),
        cmocka_unit_test(test_plain_lines_end_before_what_is_wrong),
        cmocka_unit_test(test_plain_octets),
        cmocka_unit_test(test_span_has_control),
        cmocka_unit_test(test_buffer_shares_what_is_taken),
        cmocka_unit_test(test_buffer_gives_full_memory_away),
        cmocka_unit_test(test_buffer_takes_its_memory_back),
        cmocka_unit_test(test_octets),
        cmocka_unit_test(test_slice_shares),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
