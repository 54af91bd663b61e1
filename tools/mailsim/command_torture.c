/* mailsim torture: faults by seed, then healing; nothing may be lost, nothing left over. */
#include "commands.h"

#include "pool.h"
#include "scenario_files.h"
#include "torture_points.h"

#include <stdio.h>
#include <string.h>

typedef struct Arguments {
    char *seeds, *folder;
    int jobs;
    int64_t sample;
    gboolean is_whole, wants_crashes, stops;
} Arguments;

/* Reads `A..B` or `A`; false, with the error told, when it is none. */
static bool parse_seeds(const char *text, TortureOptions *options)
{
    g_auto(GStrv) ends = g_strsplit(text, "..", 2);
    guint64 first = 0, last = 0;
    bool is_right = ends[0] != NULL &&
                    g_ascii_string_to_unsigned(ends[0], 10, 0, G_MAXINT64, &first, NULL) &&
                    g_ascii_string_to_unsigned(ends[1] != NULL ? ends[1] : ends[0], 10, 0,
                                               G_MAXINT64, &last, NULL) &&
                    first <= last && last - first < G_MAXINT32;
    if (!is_right) {
        fprintf(stderr, "mailsim: --seeds %s: write FIRST..LAST, such as 1..1000, or one seed\n",
                text);
        return false;
    }
    options->first = first;
    options->count = last - first + 1;
    return true;
}

static bool read_arguments(const Arguments *arguments, TortureOptions *options)
{
    if (arguments->jobs < 0 || arguments->jobs > 1000) {
        fprintf(stderr, "mailsim: --jobs %d: a number of processes from 1 on\n", arguments->jobs);
        return false;
    }
    if (arguments->sample < 0 || (arguments->sample > 0 && !arguments->wants_crashes)) {
        fprintf(stderr, "mailsim: --sample: a number from 1 on, together with --crashes\n");
        return false;
    }
    options->jobs = arguments->jobs > 0 ? (unsigned)arguments->jobs : pool_processors();
    options->folder = arguments->folder != NULL ? arguments->folder : ".";
    options->stops = arguments->stops;
    options->is_shrinking = !arguments->is_whole;
    return parse_seeds(arguments->seeds != NULL ? arguments->seeds : "1..100", options);
}

static int torture(const GPtrArray *files, const Arguments *arguments,
                   const TortureOptions *options)
{
    TortureTally tally = {.total = options->count * MAX(files->len, 1)};
    bool is_well = true;
    if (arguments->wants_crashes)
        is_well = torture_points(files, options, (uint64_t)arguments->sample, &tally);
    else if (files->len == 0)
        is_well = torture_seeds(NULL, options, &tally);
    for (guint i = 0; i < files->len && !arguments->wants_crashes; i++) {
        if (!is_well || (options->stops && tally.failures > 0))
            break;
        printf("%s\n", (const char *)files->pdata[i]);
        is_well = torture_seeds(files->pdata[i], options, &tally);
    }
    if (!is_well)
        return EXIT_BAD_INPUT;
    torture_tally_print(&tally);
    return tally.failures > 0 ? EXIT_BUG : EXIT_WELL;
}

int command_torture(int argc, char **argv)
{
    Arguments arguments = {0};
    const GOptionEntry entries[] = {
        {"seeds", 0, 0, G_OPTION_ARG_STRING, &arguments.seeds,
         "which seeds to play; each draws its own faults and mail (default 1..100)", "FIRST..LAST"},
        {"jobs", 'j', 0, G_OPTION_ARG_INT, &arguments.jobs,
         "processes at once (default: one a processor)", "NUMBER"},
        {"crashes", 0, 0, G_OPTION_ARG_NONE, &arguments.wants_crashes,
         "instead: one fault a run, of each kind, at each server, after each event", NULL},
        {"sample", 0, 0, G_OPTION_ARG_INT64, &arguments.sample,
         "with --crashes: only about so many of these points, evenly spread", "NUMBER"},
        {"stop", 0, 0, G_OPTION_ARG_NONE, &arguments.stops, "end at the first failure", NULL},
        {"whole", 0, 0, G_OPTION_ARG_NONE, &arguments.is_whole,
         "do not shrink the scenarios of failing seeds", NULL},
        {"output", 'o', 0, G_OPTION_ARG_FILENAME, &arguments.folder,
         "the folder for scenarios of failing seeds (default: this one)", "FOLDER"},
        {0}};
    int status = EXIT_BAD_INPUT;
    TortureOptions options = {0};
    g_autoptr(GPtrArray) files = g_ptr_array_new_with_free_func(g_free);
    if (command_parse("[FILE|FOLDER…]",
                      "Plays scenarios with faults that seeds draw, heals them, and demands that "
                      "no mail is lost, made up or left over. Without a file, small scenarios are "
                      "drawn too. A failure is shown with the command that plays it again, and "
                      "its scenario is shrunk to a small file. Exit status 70: there is one.",
                      entries, &argc, &argv) &&
        read_arguments(&arguments, &options) && scenario_files_list(argc - 1, argv + 1, files))
        status = torture(files, &arguments, &options);
    g_free(arguments.seeds);
    g_free(arguments.folder);
    return status;
}
