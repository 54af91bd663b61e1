/* TCP's rules: every script of tests/tcp is a test (tests/tcp/README.md). With a file as its
 * argument the program plays that script alone. */
#include "tcp_script_play.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static const char folder[] = "tests/tcp";

static void play(const char *file, unsigned *saved)
{
    g_autofree char *text = NULL, *error = NULL;
    size_t length = 0;
    if (!g_file_get_contents(file, &text, &length, NULL))
        fail_msg("%s cannot be read", file);
    g_autoptr(TcpScript) script = tcp_script_read(file, span_of(text, length), &error);
    if (script != NULL)
        error = tcp_script_play(script, saved);
    if (error != NULL)
        fail_msg("%s", error);
}

/* Also with TIME-WAIT in little memory, which must not show. */
static void test_script(void **state)
{
    unsigned saved = 0;
    play(*state, NULL);
    play(*state, &saved);
}

static void test_time_wait_is_saved(void **state)
{
    (void)state;
    unsigned saved = 0;
    play("tests/tcp/time-wait-answers.tcp", &saved);
    assert_in_range(saved, 5, 100);
}

static gint compare_files(gconstpointer a, gconstpointer b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static GPtrArray *find_scripts(void)
{
    GPtrArray *files = g_ptr_array_new_with_free_func(g_free);
    g_autoptr(GDir) dir = g_dir_open(folder, 0, NULL);
    const char *name = NULL;
    while (dir != NULL && (name = g_dir_read_name(dir)) != NULL) {
        if (g_str_has_suffix(name, ".tcp"))
            g_ptr_array_add(files, g_build_filename(folder, name, NULL));
    }
    g_ptr_array_sort(files, compare_files);
    return files;
}

static int play_one(char *file)
{
    const struct CMUnitTest test = {.name = file, .test_func = test_script, .initial_state = file};
    return _cmocka_run_group_tests("tests", &test, 1, NULL, NULL);
}

int main(int argc, char **argv)
{
    if (argc > 2) {
        g_printerr("usage: %s [FILE.tcp]\n", argv[0]);
        return 2;
    }
    if (argc == 2)
        return play_one(argv[1]);
    g_autoptr(GPtrArray) files = find_scripts();
    g_autofree struct CMUnitTest *tests = g_new0(struct CMUnitTest, files->len + 1);
    if (files->len == 0) {
        g_printerr("there are no scripts in %s; tests run in the project's folder\n", folder);
        return 1;
    }
    for (guint i = 0; i < files->len; i++)
        tests[i] = (struct CMUnitTest){
            .name = files->pdata[i], .test_func = test_script, .initial_state = files->pdata[i]};
    tests[files->len] = (struct CMUnitTest)cmocka_unit_test(test_time_wait_is_saved);
    return _cmocka_run_group_tests("tests", tests, files->len + 1, NULL, NULL);
}
