/* Tests of scenario/reader with files that mean harm: each is refused early, in a clear sentence.
 *
 * Some of these cost libfyaml more than a gigabyte, or minutes, where nothing stops it before. */
#include "scenario/reader.h"
#include "scenario/yaml.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

/* The unit so often that `size` octets are reached, behind the beginning. */
static GString *repeat(const char *beginning, const char *unit, size_t size)
{
    GString *text = g_string_sized_new(size + strlen(unit) + 1);
    g_string_append(text, beginning);
    while (text->len < size)
        g_string_append(text, unit);
    return text;
}

static bool has_error(const Diagnostics *diagnostics, uint32_t line, const char *text)
{
    for (size_t i = 0; i < diagnostics_kept(diagnostics); i++) {
        const Diagnostic *entry = diagnostics_peek(diagnostics, i);
        if (entry->at.line == line && strcmp(entry->text, text) == 0)
            return true;
    }
    return false;
}

/* Reads the text and frees it; one of its errors must be this one. */
static void assert_refused(GString *text, uint32_t line, const char *expected)
{
    g_autoptr(Diagnostics) diagnostics = diagnostics_new();
    assert_null(scenario_read_bytes("x", span_of(text->str, text->len), diagnostics));
    g_string_free(text, TRUE);
    if (!has_error(diagnostics, line, expected)) {
        diagnostics_print(diagnostics, stderr);
        fail_msg("no error in line %u: %s", line, expected);
    }
}

static void test_size(void **state)
{
    (void)state;
    assert_refused(repeat("", "# a comment\n", SCENARIO_FILE_MAXIMUM + 1), 0,
                   "the file has more than 4 MiB; a scenario is shorter");
    assert_refused(repeat("", "# a comment\n", SCENARIO_FILE_MAXIMUM - 12), 0, "the file is empty");
}

static void test_no_text(void **state)
{
    (void)state;
    GString *binary = g_string_new(NULL);
    g_string_append_len(binary,
                        "\x7f"
                        "ELF\n\0\1\2",
                        8);
    assert_refused(binary, 2, "a NUL octet; the file is not a text");
    assert_refused(repeat("mailsim: 1\n", "\xed\xa0\x80", 100), 2,
                   "octet 0xED is not UTF-8; save the file as UTF-8");
}

/* What an editor calls "Unicode" may be none of what is read here. */
static void test_other_encodings(void **state)
{
    (void)state;
    static const struct {
        const char *bytes;
        size_t length;
        uint32_t line;
        const char *expected;
    } FILES[] = {
        {"\xff\xfem\0a\0", 6, 0, "the file is UTF-16; save it as UTF-8"},
        {"\xfe\xff\0m\0a", 6, 0, "the file is UTF-16; save it as UTF-8"},
        {"\xff\xfe\0\0m\0\0\0", 8, 0, "the file is UTF-32; save it as UTF-8"},
        {"\0\0\xfe\xff\0\0\0m", 8, 1, "a NUL octet; the file is not a text"},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(FILES); i++)
        assert_refused(g_string_new_len(FILES[i].bytes, (gssize)FILES[i].length), FILES[i].line,
                       FILES[i].expected);
}

static void test_lines(void **state)
{
    (void)state;
    static const char too_long[] =
        "this line has more than 16384 octets; spread it over several lines";
    assert_refused(repeat("", "[", 4000000), 1, too_long);
    assert_refused(repeat("a: 1\n", "!t ", 4000000), 2, too_long);
    assert_refused(repeat("", "%", 16000), 1,
                   "a line that begins with `%` is a YAML directive; there are none here");
}

static void test_nesting(void **state)
{
    (void)state;
    static const char too_deep[] = "maps and lists are nested more than 32 deep";
    assert_refused(repeat("", "[", 1000), 1, too_deep);
    assert_refused(repeat("", "{a: ", 1000), 1, too_deep);
    assert_refused(repeat("", "- ", 1000), 1, too_deep);
    assert_refused(repeat("", "? ", 1000), 1, "a key must be a word, not a map or a list");
    assert_refused(repeat("", "[\n", 300000), 33, too_deep);
    assert_refused(repeat("", "[\n", 4000000), 0,
                   "the file has more than 200000 opening brackets; make it smaller");
}

static void test_aliases(void **state)
{
    (void)state;
    assert_refused(g_string_new("a: &a [x, x, x]\nb: &b [*a, *a, *a]\nc: &c [*b, *b, *b]\n"), 1,
                   "anchors (`&name`) are not used here; a text that begins with `&` needs quotes");
}

static void test_many_values(void **state)
{
    (void)state;
    assert_refused(repeat("", "- a\n", 2100000), 500000,
                   "the file holds more than 500000 values; make it smaller");
}

/* Thousands of names and of errors about them must not cost the square of their number. */
static void test_many_names(void **state)
{
    (void)state;
    g_autoptr(Diagnostics) diagnostics = diagnostics_new();
    g_autoptr(GString) text = g_string_new("mailsim: 1\nservers:\n");
    for (int i = 0; i < 5000; i++)
        g_string_append_printf(text, "  s%d.example: {domains: [d%d.example]}\n", i, i);
    g_string_append(text, "people:\n");
    for (int i = 0; i < 5000; i++)
        g_string_append_printf(text, "  p%d: {address: x@d%d.example}\n", i, i);
    assert_null(scenario_read_bytes("x", span_of(text->str, text->len), diagnostics));
    assert_int_equal(diagnostics_error_count(diagnostics), 5000);
}

/* A file that breaks off anywhere gives errors or a scenario, and nothing else. */
static void test_cut_anywhere(void **state)
{
    (void)state;
    g_autofree char *text = NULL;
    gsize length = 0;
    assert_true(g_file_get_contents("tests/data/full.yaml", &text, &length, NULL));
    g_autoptr(Diagnostics) diagnostics = diagnostics_new();
    for (size_t cut = 0; cut < length; cut += 23) {
        Scenario *scenario = scenario_read_bytes("x", span_of(text, cut), diagnostics);
        assert_int_equal(scenario == NULL, diagnostics_error_count(diagnostics) > 0);
        scenario_free(scenario);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_size),         cmocka_unit_test(test_no_text),
        cmocka_unit_test(test_lines),        cmocka_unit_test(test_other_encodings),
        cmocka_unit_test(test_nesting),      cmocka_unit_test(test_aliases),
        cmocka_unit_test(test_many_values),  cmocka_unit_test(test_many_names),
        cmocka_unit_test(test_cut_anywhere),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
