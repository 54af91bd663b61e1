/* Tests of scenario/full_writer: what is written is what was read. */
#include "scenario/full_writer.h"

#include "scenario/format.h"
#include "scenario/reader.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

/* It has every key of the format, in the form that the writer gives. */
static const char full_path[] = "tests/data/full.yaml";
/* The same of a scenario that says nothing but what it must: every default. */
static const char smallest_path[] = "tests/data/smallest.yaml";

static char *format_of(const char *name, const char *text)
{
    g_autoptr(Diagnostics) diagnostics = diagnostics_new();
    g_autoptr(Scenario) scenario = scenario_read_bytes(name, span_of_text(text), diagnostics);
    if (scenario == NULL) {
        diagnostics_print(diagnostics, stderr);
        fail_msg("%s has errors", name);
    }
    return scenario_format_full(scenario);
}

static char *contents_of(const char *path)
{
    char *text = NULL;
    assert_true(g_file_get_contents(path, &text, NULL, NULL));
    return text;
}

static void test_full_form_reads_back(void **state)
{
    (void)state;
    g_autofree char *text = contents_of(full_path);
    g_autofree char *written = format_of(full_path, text);
    assert_string_equal(written, text);
}

static void test_lessons_read_back(void **state)
{
    (void)state;
    g_autoptr(GDir) folder = g_dir_open("scenarios", 0, NULL);
    assert_non_null(folder);
    unsigned lessons = 0;
    const char *name;
    while ((name = g_dir_read_name(folder)) != NULL) {
        g_autofree char *path = g_build_filename("scenarios", name, "scenario.yaml", NULL);
        if (!g_file_test(path, G_FILE_TEST_EXISTS))
            continue;
        g_autofree char *text = contents_of(path);
        g_autofree char *first = format_of(name, text);
        g_autofree char *second = format_of("full form", first);
        assert_string_equal(second, first);
        lessons++;
    }
    assert_true(lessons >= 20);
}

static void assert_has_keys(const char *text, const KeySpec *keys, size_t count);

static void assert_has_keys_below(const char *text, const ValueSpec *value)
{
    if (value->type == VALUE_LIST)
        assert_has_keys_below(text, value->element);
    else if (value->type == VALUE_MAP || value->type == VALUE_NAMED)
        assert_has_keys(text, value->mapping->keys, value->mapping->key_count);
}

static void assert_has_keys(const char *text, const KeySpec *keys, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        g_autofree char *line = g_strdup_printf(" %s:", keys[i].key);
        g_autofree char *first = g_strdup_printf("\n%s:", keys[i].key);
        if (strstr(text, line) == NULL && strstr(text, first) == NULL)
            fail_msg("no `%s` in %s", keys[i].key, full_path);
        assert_has_keys_below(text, &keys[i].value);
    }
}

/* Without this the first test would say nothing of a key that nobody has put into the file. */
static void test_full_form_has_every_key(void **state)
{
    (void)state;
    g_autofree char *file = contents_of(full_path);
    g_autofree char *text = g_strconcat("\n", file, NULL);
    assert_has_keys(text, format_scenario.keys, format_scenario.key_count);
    assert_has_keys(text, format_action.keys, format_action.key_count);
    for (ActionKind kind = 0; kind < ACTION_KINDS; kind++) {
        const ActionSpec *action = format_action_of(kind);
        g_autofree char *line = g_strdup_printf(" do: %s\n", action->name);
        assert_non_null(strstr(text, line));
        assert_has_keys(text, action->keys, action->key_count);
    }
    for (FactComparator comparator = 0; comparator < FACT_COMPARATORS; comparator++) {
        g_autofree char *line = g_strdup_printf(" %s: ", fact_comparator_name(comparator));
        assert_non_null(strstr(text, line));
    }
}

static void test_smallest_scenario(void **state)
{
    (void)state;
    g_autofree char *written =
        format_of("smallest", "mailsim: 1\nservers: {a.example: {domains: [a.example]}}\n");
    g_autofree char *text = contents_of(smallest_path);
    assert_string_equal(written, text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_full_form_reads_back),
        cmocka_unit_test(test_lessons_read_back),
        cmocka_unit_test(test_full_form_has_every_key),
        cmocka_unit_test(test_smallest_scenario),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
