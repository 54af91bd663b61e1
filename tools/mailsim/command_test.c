/* mailsim test: plays scenarios and judges their expectations, in the Test Anything Protocol. */
#include "commands.h"

#include "play.h"

#include <stdio.h>
#include <string.h>

enum { TEST_FOLDER_DEPTH_MAXIMUM = 16 };

typedef struct TestRun {
    unsigned count;
    unsigned failed;
    bool is_wrong; /* a file could not be read, or the books did not balance */
    bool has_bug;
} TestRun;

static void judge(TestRun *run, bool holds, const char *path, const char *what, const char *actual)
{
    printf("%sok %u - %s: %s\n", holds ? "" : "not ", ++run->count, path, what);
    if (holds)
        return;
    run->failed++;
    if (actual != NULL)
        printf("# it is %s\n", actual);
}

static void tell_unmet(const Run *run)
{
    g_autoptr(GPtrArray) unmet = simulation_list_unmet(run->simulation);
    for (guint i = 0; i < unmet->len; i++)
        printf("# did not happen: %s\n", (const char *)g_ptr_array_index(unmet, i));
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

static int compare_names(gconstpointer a, gconstpointer b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* The names in a folder, in byte order; NULL when it cannot be read. */
static GPtrArray *list_folder(const char *path)
{
    g_autoptr(GDir) folder = g_dir_open(path, 0, NULL);
    if (folder == NULL)
        return NULL;
    GPtrArray *names = g_ptr_array_new_with_free_func(g_free);
    const char *name;
    while ((name = g_dir_read_name(folder)) != NULL)
        g_ptr_array_add(names, g_strdup(name));
    g_ptr_array_sort(names, compare_names);
    return names;
}

/* Every scenario.yaml in the folder and below it. */
static void test_folder(TestRun *run, const char *path, unsigned depth)
{
    g_autoptr(GPtrArray) names = list_folder(path);
    for (guint i = 0; names != NULL && i < names->len; i++) {
        const char *name = g_ptr_array_index(names, i);
        g_autofree char *below = g_build_filename(path, name, NULL);
        if (strcmp(name, "scenario.yaml") == 0)
            test_file(run, below);
        else if (g_file_test(below, G_FILE_TEST_IS_DIR) && depth < TEST_FOLDER_DEPTH_MAXIMUM)
            test_folder(run, below, depth + 1);
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
    printf("TAP version 13\n");
    for (int i = 1; i < argc; i++) {
        if (g_file_test(argv[i], G_FILE_TEST_IS_DIR))
            test_folder(&run, argv[i], 0);
        else
            test_file(&run, argv[i]);
    }
    printf("1..%u\n", run.count);
    if (run.count == 0) {
        fprintf(stderr, "mailsim: there is no scenario.yaml\n");
        return EXIT_BAD_INPUT;
    }
    if (run.has_bug)
        return EXIT_BUG;
    if (run.is_wrong)
        return EXIT_BAD_INPUT;
    return run.failed > 0 ? EXIT_EXPECTATION_FAILED : EXIT_WELL;
}
