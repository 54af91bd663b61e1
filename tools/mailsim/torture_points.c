/* mailsim torture --crashes. See torture_points.h. */
#include "torture_points.h"

#include "output.h"
#include "pool.h"
#include "scenario/reader.h"
#include "torture/crash_points.h"
#include "torture/random_scenario.h"

#include <stdio.h>

enum { TOLD_MAX = 10 }; /* failures that are told; the others are counted */

typedef struct Points {
    const TortureOptions *options;
    TortureTally *tally;
    CrashPoints *points;
    GPtrArray *scenarios;
    GPtrArray *paths; /* where each of them is; of one that is drawn, where it is written */
    GPtrArray *texts; /* of those that are drawn, or NULL */
    uint64_t failures;
    bool is_broken; /* a file could not be written */
} Points;

static void run_point(void *owner, uint64_t number, GString *line)
{
    TrialResult result = crash_points_play(((const Points *)owner)->points, number);
    torture_result_write(&result, line);
    trial_result_clear(&result);
}

/* A scenario that was drawn is written, once, for the command that plays it again. */
static void keep_scenario(Points *points, size_t index)
{
    char *text = points->texts->pdata[index];
    OutputFile output;
    if (text == NULL)
        return;
    if (!output_open(&output, points->paths->pdata[index])) {
        points->is_broken = true;
        return;
    }
    output_write(&output, span_of_text(text));
    points->is_broken = !output_close(&output) || points->is_broken;
    g_clear_pointer(&points->texts->pdata[index], g_free);
}

static void tell_failure(Points *points, uint64_t number, const TrialResult *failed)
{
    CrashPoint point = crash_points_at(points->points, number);
    torture_tally_hide_progress(points->tally);
    keep_scenario(points, point.scenario);
    printf("FAILED (%s): %s\n    the same again:\n", defect_kind_name(failed->kind),
           failed->defect);
    g_autofree char *fault = simulation_fault_format(&point.fault);
    printf("      mailsim run --audit --fault %s %s\n", fault,
           (const char *)points->paths->pdata[point.scenario]);
    if (points->failures == TOLD_MAX)
        printf("Further failures are counted only.\n");
    fflush(stdout);
}

static bool take_point(void *owner, uint64_t number, const char *line, const char *death)
{
    Points *points = owner;
    TrialResult result = torture_result_of(line, death);
    torture_tally_add(points->tally, &result);
    if (result.kind != DEFECT_NONE && ++points->failures <= TOLD_MAX)
        tell_failure(points, number, &result);
    trial_result_clear(&result);
    torture_tally_show_progress(points->tally);
    return points->failures == 0 || !points->options->stops;
}

/* ---- Scenarios ---- */

static bool add_scenario(Points *points, Scenario *scenario, const Diagnostics *diagnostics,
                         char *path, char *text)
{
    g_ptr_array_add(points->paths, path);
    g_ptr_array_add(points->texts, text);
    if (scenario == NULL) {
        diagnostics_print(diagnostics, stderr);
        return false;
    }
    g_ptr_array_add(points->scenarios, scenario);
    crash_points_add(points->points, scenario);
    return true;
}

static bool add_files(Points *points, const GPtrArray *paths)
{
    for (guint i = 0; i < paths->len; i++) {
        g_autoptr(Diagnostics) diagnostics = diagnostics_new();
        Scenario *scenario = scenario_read_file(paths->pdata[i], diagnostics);
        if (!add_scenario(points, scenario, diagnostics, g_strdup(paths->pdata[i]), NULL))
            return false;
    }
    return true;
}

static bool add_drawn(Points *points)
{
    for (uint64_t i = 0; i < points->options->count; i++) {
        g_autoptr(Diagnostics) diagnostics = diagnostics_new();
        uint64_t seed = points->options->first + i;
        char *text = random_scenario_write(seed);
        g_autofree char *name = g_strdup_printf("drawn-%" G_GUINT64_FORMAT ".yaml", seed);
        Scenario *scenario = scenario_read_bytes(name, span_of_text(text), diagnostics);
        char *path = g_build_filename(points->options->folder, name, NULL);
        if (!add_scenario(points, scenario, diagnostics, path, text))
            return false;
    }
    return true;
}

bool torture_points(const GPtrArray *paths, const TortureOptions *options, uint64_t sample,
                    TortureTally *tally)
{
    Points points = {.options = options,
                     .tally = tally,
                     .points = crash_points_new(),
                     .scenarios = g_ptr_array_new_with_free_func((GDestroyNotify)scenario_free),
                     .paths = g_ptr_array_new_with_free_func(g_free),
                     .texts = g_ptr_array_new_with_free_func(g_free)};
    bool is_well = paths->len > 0 ? add_files(&points, paths) : add_drawn(&points);
    if (is_well) {
        uint64_t all = crash_points_count(points.points);
        if (sample > 0 && sample < all)
            crash_points_sample(points.points, sample);
        tally->total = crash_points_count(points.points);
        printf("%u scenarios with %" G_GUINT64_FORMAT " points to strike at, %" G_GUINT64_FORMAT
               " of them struck\n",
               points.scenarios->len, all, tally->total);
        fflush(stdout);
        PoolWork work = {0, tally->total, options->jobs, run_point, take_point, &points};
        is_well = pool_run(&work);
        torture_tally_hide_progress(tally);
    }
    crash_points_free(points.points);
    g_ptr_array_unref(points.scenarios);
    g_ptr_array_unref(points.paths);
    g_ptr_array_unref(points.texts);
    return is_well && !points.is_broken;
}
