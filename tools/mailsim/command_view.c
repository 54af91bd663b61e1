/* mailsim view: writes the viewer with a run in it as one HTML file, and opens it. */
#include "commands.h"

#include "core/text.h"
#include "output.h"
#include "outputs.h"
#include "play.h"
#include "viewer_file.h"

#include <stdio.h>
#include <string.h>

/* "lesson.html" in the folder for temporary files, for FILE or FOLDER/scenario.yaml. To free. */
static char *default_output(const char *path)
{
    g_autofree char *absolute = g_canonicalize_filename(path, NULL);
    g_autofree char *base = g_path_get_basename(absolute);
    if (g_str_has_prefix(base, "scenario.")) {
        g_autofree char *folder = g_path_get_dirname(absolute);
        g_free(base);
        base = g_path_get_basename(folder);
    }
    char *dot = strrchr(base, '.');
    if (dot != NULL && dot != base)
        *dot = '\0';
    g_autofree char *name = g_strdup_printf("mailsim-%s-XXXXXX", base);
    g_autoptr(GError) error = NULL;
    g_autofree char *folder = g_dir_make_tmp(name, &error);
    if (folder == NULL) {
        fprintf(stderr, "mailsim: no folder for the page: %s\n", error->message);
        return NULL;
    }
    g_autofree char *file = g_strdup_printf("%s.html", base);
    return g_build_filename(folder, file, NULL);
}

static bool has_display(void)
{
    return g_getenv("DISPLAY") != NULL || g_getenv("WAYLAND_DISPLAY") != NULL;
}

/* Opens the page in the person's browser; where that cannot be, says where the page is. */
static void open_page(const char *path)
{
    g_autofree char *program = has_display() ? g_find_program_in_path("xdg-open") : NULL;
    char *arguments[] = {program, (char *)path, NULL};
    bool is_open =
        program != NULL && g_spawn_async(NULL, arguments, NULL,
                                         G_SPAWN_STDOUT_TO_DEV_NULL | G_SPAWN_STDERR_TO_DEV_NULL,
                                         NULL, NULL, NULL, NULL);
    printf("%s%s\n", is_open ? "opened: " : "", path);
}

/* What does not hold, and how many do; no more, since a student may be about to guess. */
static void tell_verdicts(const Run *run)
{
    size_t count = expectations_count(run->expectations);
    for (size_t i = 0; i < count; i++) {
        g_autofree char *text = expectations_describe(run->expectations, i);
        g_autofree char *actual = expectations_actual(run->expectations, i);
        g_autofree char *line = g_strdup_printf("%s; it is %s", text, actual);
        g_autofree char *shown = text_shown_line(line);
        if (!expectations_hold(run->expectations, i))
            fprintf(stderr, "FAILED  %s\n", shown);
    }
    if (count > 0)
        fprintf(stderr, "Expectations: %zu of %zu hold\n", count - run_failures(run), count);
}

/* The exit status, as of `mailsim run`. */
static int write_page(const char *path, const ViewerFileOptions *options, const char *output)
{
    if (viewer_file_is_trace(path))
        return viewer_file_write_trace(path, output) ? EXIT_WELL : EXIT_BAD_INPUT;
    g_autoptr(Play) play = play_new(path, options->simulation);
    if (play == NULL)
        return EXIT_BAD_INPUT;
    ViewerCounts counts;
    viewer_file_count(simulation_trace(play->run->simulation), &counts);
    bool is_balanced = play_to_end(play);
    bool is_written = is_balanced && viewer_file_write(play->run, &counts, options, output);
    if (is_written)
        tell_verdicts(play->run);
    return outputs_status(play->run, is_balanced, is_written);
}

static int view_file(const char *path, const ViewerFileOptions *options, const char *wanted,
                     bool is_to_open)
{
    g_autofree char *output = wanted != NULL ? g_strdup(wanted) : default_output(path);
    int status = output == NULL ? EXIT_BAD_INPUT : write_page(path, options, output);
    if (status == EXIT_BAD_INPUT || status == EXIT_BUG)
        return status;
    if (is_to_open)
        open_page(output);
    else
        printf("%s\n", output);
    return status;
}

int command_view(int argc, char **argv)
{
    g_autofree char *output = NULL;
    g_autofree char *level = NULL;
    gboolean is_closed = FALSE;
    const GOptionEntry entries[] = {
        {"output", 'o', 0, G_OPTION_ARG_FILENAME, &output,
         "where to write the page; otherwise a new folder for temporary files", "FILE"},
        {"level", 0, 0, G_OPTION_ARG_STRING, &level,
         "mail, protocol or segment; otherwise the finest of at most 100,000 records", "LEVEL"},
        {"no-open", 0, 0, G_OPTION_ARG_NONE, &is_closed, "only write it", NULL},
        {0},
    };
    if (!command_parse("FILE|TRACE", "Shows a run in the browser: one HTML file, offline.", entries,
                       &argc, &argv))
        return EXIT_BAD_INPUT;
    if (argc != 2)
        return command_usage("view", "[OPTION…] FILE|TRACE");
    SimulationOptions simulation = {.seed = SCENARIO_UNSET, .until_ns = SCENARIO_UNSET};
    ViewerFileOptions options = {.simulation = &simulation, .has_level = level != NULL};
    if (level != NULL && !trace_level_find(level, &options.level)) {
        fprintf(stderr, "mailsim: --level %s: it is mail, protocol or segment\n", level);
        return EXIT_BAD_INPUT;
    }
    if (!output_spares(argv[1], output))
        return EXIT_BAD_INPUT;
    return view_file(argv[1], &options, output, !is_closed);
}
