/* mailsim test: plays scenarios and judges their expectations, in the Test Anything Protocol. */
#include "commands.h"

#include "core/text.h"
#include "play.h"
#include "scenario_files.h"

#include <stdio.h>

typedef struct TestRun {
    unsigned count;
    unsigned failed;
    bool is_wrong; /* a file could not be read, or the books did not balance */
    bool has_bug;
} TestRun;

static void judge(TestRun *run, bool holds, const char *path, const char *what, const char *actual)
{
    g_autofree char *description = text_shown_line(what);
    printf("%sok %u - %s: %s\n", holds ? "" : "not ", ++run->count, path, description);
    if (holds)
        return;
    run->failed++;
    g_autofree char *fact = actual != NULL ? text_shown_line(actual) : NULL;
    if (fact != NULL)
        printf("# it is %s\n", fact);
}

static void tell_unmet(const Run *run)
{
    g_autoptr(GPtrArray) unmet = simulation_list_unmet(run->simulation);
    for (guint i = 0; i < unmet->len; i++) {
        g_autofree char *shown = text_shown_line(g_ptr_array_index(unmet, i));
        printf("# did not happen: %s\n", shown);
    }
}

static void test_file(TestRun *run, const char *path)
{
    SimulationOptions options = {.seed = SCENARIO_UNSET, .until_ns = SCENARIO_UNSET};
    g_autoptr(Play) play = play_new(path, &options);
    if (play == NULL) {
        run->is_wrong = true;
        judge(run, false, path, "can be read", NULL);
        return;
    }
    bool is_balanced = play_to_end(play);
    run->has_bug = run->has_bug || !is_balanced;
    judge(run, is_balanced, path, "the books balance", NULL);
    tell_unmet(play->run);
    for (size_t i = 0; i < expectations_count(play->run->expectations); i++) {
        g_autofree char *what = expectations_describe(play->run->expectations, i);
        g_autofree char *actual = expectations_actual(play->run->expectations, i);
        judge(run, expectations_hold(play->run->expectations, i), path, what, actual);
    }
}

int command_test(int argc, char **argv)
{
    const GOptionEntry entries[] = {{0}};
    if (!command_parse("FILE|FOLDER…",
                       "Plays scenarios and judges their expectations; of a folder, every "
                       "scenario.yaml in it. The output is TAP.",
                       entries, &argc, &argv))
        return EXIT_BAD_INPUT;
    if (argc < 2)
        return command_usage("test", "FILE|FOLDER…");
    TestRun run = {0};
    g_autoptr(GPtrArray) paths = g_ptr_array_new_with_free_func(g_free);
    if (!scenario_files_list(argc - 1, argv + 1, paths))
        return EXIT_BAD_INPUT;
    printf("TAP version 13\n");
    for (guint i = 0; i < paths->len; i++)
        test_file(&run, paths->pdata[i]);
    printf("1..%u\n", run.count);
    if (run.has_bug)
        return EXIT_BUG;
    if (run.is_wrong)
        return EXIT_BAD_INPUT;
    return run.failed > 0 ? EXIT_EXPECTATION_FAILED : EXIT_WELL;
}
