/* Each lesson's timeline is the one that was read and committed, at the first play and the second,
 * and each of its records, at every level, has a cause that exists and is not later.
 *
 * `build/tests/test_golden --write` writes the files anew; see tests/golden/README.md. */
#include "audit/causality.h"
#include "export/timeline.h"
#include "scenario/reader.h"
#include "scenario/run.h"
#include "text_output.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

enum { GOLDEN_WIDTH = 100 };

/* Of a timeline too long to be read: its beginning, its end, and a digest of all of it. */
static char *shorten(char *text)
{
    enum { LINES_MAX = 1000, LINES_KEPT = 60 };
    g_auto(GStrv) lines = g_strsplit(text, "\n", 0);
    guint count = g_strv_length(lines);
    if (count <= LINES_MAX)
        return text;
    g_autofree char *digest = g_compute_checksum_for_string(G_CHECKSUM_SHA256, text, -1);
    g_free(text);
    GString *shown = g_string_new(NULL);
    for (guint i = 0; i < LINES_KEPT; i++)
        g_string_append_printf(shown, "%s\n", lines[i]);
    g_string_append_printf(shown, "... %u lines; SHA-256 of all %s ...\n", count - 2U * LINES_KEPT,
                           digest);
    for (guint i = count - LINES_KEPT; i < count; i++)
        g_string_append_printf(shown, "%s%s", lines[i], i + 1 < count ? "\n" : "");
    return g_string_free(shown, FALSE);
}

/* The lesson's timeline at level MAIL, to free. */
static char *play(const char *lesson)
{
    g_autofree char *path = g_strdup_printf("scenarios/%s/scenario.yaml", lesson);
    g_autoptr(Diagnostics) diagnostics = diagnostics_new();
    g_autoptr(Scenario) scenario = scenario_read_file(path, diagnostics);
    if (scenario == NULL)
        return NULL;
    SimulationOptions options = {.seed = SCENARIO_UNSET, .until_ns = SCENARIO_UNSET};
    g_autoptr(Run) run = run_new(scenario, &options);
    GString *text = g_string_new(NULL);
    TimelineOptions timeline_options = {.level = TRACE_LEVEL_MAIL, .width = GOLDEN_WIDTH};
    Timeline *timeline = timeline_new(simulation_trace(run->simulation), &timeline_options,
                                      (TimelineOutput){append_text, text});
    Causality *causality = causality_new(simulation_trace(run->simulation));
    assert_true(run_play(run));
    if (causality_defect_count(causality) > 0)
        fail_msg("%s: %s", lesson, causality_defect_at(causality, 0)->text);
    causality_free(causality);
    timeline_finish(timeline);
    timeline_free(timeline);
    return shorten(g_string_free(text, FALSE));
}

static char *golden_path(const char *lesson)
{
    return g_strdup_printf("tests/golden/%s.txt", lesson);
}

static int compare_names(gconstpointer a, gconstpointer b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* The names of the lessons' folders, in byte order. */
static GPtrArray *list_lessons(void)
{
    GPtrArray *lessons = g_ptr_array_new_with_free_func(g_free);
    g_autoptr(GDir) folder = g_dir_open("scenarios", 0, NULL);
    const char *name;
    while (folder != NULL && (name = g_dir_read_name(folder)) != NULL) {
        if (g_ascii_isdigit(name[0]))
            g_ptr_array_add(lessons, g_strdup(name));
    }
    g_ptr_array_sort(lessons, compare_names);
    return lessons;
}

static void test_lessons_are_as_read(void **state)
{
    (void)state;
    g_autoptr(GPtrArray) lessons = list_lessons();
    assert_true(lessons->len >= 6);
    for (guint i = 0; i < lessons->len; i++) {
        g_autofree char *path = golden_path(g_ptr_array_index(lessons, i));
        g_autofree char *golden = NULL;
        if (!g_file_get_contents(path, &golden, NULL, NULL))
            fail_msg("%s is missing; see tests/golden/README.md", path);
        g_autofree char *first = play(g_ptr_array_index(lessons, i));
        g_autofree char *second = play(g_ptr_array_index(lessons, i));
        assert_string_equal(first, golden);
        assert_string_equal(second, golden);
    }
}

static int write_files(void)
{
    g_autoptr(GPtrArray) lessons = list_lessons();
    for (guint i = 0; i < lessons->len; i++) {
        g_autofree char *path = golden_path(g_ptr_array_index(lessons, i));
        g_autofree char *text = play(g_ptr_array_index(lessons, i));
        if (text == NULL || !g_file_set_contents(path, text, -1, NULL))
            return 1;
    }
    return 0;
}

int main(int argc, char **argv)
{
    if (argc == 2 && strcmp(argv[1], "--write") == 0)
        return write_files();
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_lessons_are_as_read)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
