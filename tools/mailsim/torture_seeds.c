/* mailsim torture by seeds. See torture_seeds.h. */
#include "torture_seeds.h"

#include "output.h"
#include "pool.h"
#include "scenario/reader.h"
#include "torture/random_scenario.h"
#include "torture/shrink.h"
#include "torture/swarm.h"

#include <stdio.h>
#include <string.h>

enum {
    TOLD_MAX = 10,          /* failures of a file that are told; the others are counted */
    SHRUNK_MAX = 3,         /* of these are shrunk: each takes a while */
    SHRINK_TESTS_MAX = 2000 /* of each */
};

typedef struct Seeds {
    const char *path; /* NULL: scenarios are drawn */
    const Scenario *base;
    const TortureOptions *options;
    TortureTally *tally;
    unsigned failures;
    bool is_broken; /* a file could not be written */
} Seeds;

/* ---- Runs ---- */

static char *swarm_text(const Seeds *seeds, uint64_t seed)
{
    if (seeds->base != NULL)
        return swarm_write(seeds->base, seed);
    g_autofree char *text = random_scenario_write(seed);
    g_autoptr(Diagnostics) diagnostics = diagnostics_new();
    g_autoptr(Scenario) base = scenario_read_bytes("drawn", span_of_text(text), diagnostics);
    if (base == NULL)
        diagnostics_print(diagnostics, stderr);
    g_assert(base != NULL); /* what is drawn is a scenario */
    return swarm_write(base, seed);
}

static void run_seed(void *owner, uint64_t seed, GString *line)
{
    g_autofree char *text = swarm_text(owner, seed);
    TrialResult result = trial_play_text(text);
    g_assert(result.is_readable); /* a swarm is a scenario */
    torture_result_write(&result, line);
    trial_result_clear(&result);
}

/* ---- One text in a process of its own ---- */

static void run_text(void *owner, uint64_t number, GString *line)
{
    (void)number;
    TrialResult result = trial_play_text(owner);
    if (result.is_readable)
        torture_result_write(&result, line);
    trial_result_clear(&result);
}

typedef struct Single {
    const char *text;
    TrialResult result;
} Single;

static void run_single(void *owner, uint64_t number, GString *line)
{
    run_text((void *)(uintptr_t)((const Single *)owner)->text, number, line);
}

static bool take_single(void *owner, uint64_t number, const char *line, const char *death)
{
    (void)number;
    ((Single *)owner)->result = torture_result_of(line, death);
    return true;
}

/* Plays a text where it can do no harm. */
static TrialResult play_apart(const char *text)
{
    Single single = {.text = text};
    PoolWork work = {0, 1, 1, run_single, take_single, &single};
    pool_run(&work);
    return single.result;
}

/* ---- Shrinking ---- */

/* Appends the words of a sentence without what names this mail, server or entry. */
static void append_shape(const char *sentence, GString *shape)
{
    g_auto(GStrv) words = g_strsplit(sentence, " ", -1);
    for (char **word = words; *word != NULL; word++) {
        bool is_name = strpbrk(*word, "0123456789.@()") != NULL;
        if (!is_name)
            g_string_append_printf(shape, "%s ", *word);
    }
}

/* Whether two sentences say the same of other mails. */
static bool are_alike(const char *a, const char *b)
{
    g_autoptr(GString) shape_of_a = g_string_new(NULL);
    g_autoptr(GString) shape_of_b = g_string_new(NULL);
    append_shape(a, shape_of_a);
    append_shape(b, shape_of_b);
    return g_string_equal(shape_of_a, shape_of_b);
}

static bool fails_likewise(void *owner, const char *text)
{
    const TrialResult *wanted = owner;
    TrialResult result = play_apart(text);
    /* What is not healed may well leave mail over: that would be another failure, or none. */
    bool may_be_left_over = result.kind == DEFECT_LEFT_OVER || result.kind == DEFECT_UNREST;
    bool is_alike = result.is_readable && result.kind == wanted->kind &&
                    (result.is_plain || !wanted->is_plain) &&
                    (result.is_healed || !may_be_left_over) &&
                    (result.kind == DEFECT_DEATH || are_alike(result.defect, wanted->defect));
    trial_result_clear(&result);
    return is_alike;
}

static unsigned count_lines(const char *text)
{
    unsigned count = 0;
    for (const char *at = strchr(text, '\n'); at != NULL; at = strchr(at + 1, '\n'))
        count++;
    return count;
}

/* `torture-05-receiver-down-17.yaml`, after the file or, where its name says nothing, its folder;
 * to free. */
static char *file_name(const Seeds *seeds, uint64_t seed)
{
    g_autofree char *base = seeds->path != NULL ? g_path_get_basename(seeds->path) : NULL;
    if (base != NULL && strcmp(base, "scenario.yaml") == 0) {
        g_autofree char *folder = g_path_get_dirname(seeds->path);
        g_free(base);
        base = g_path_get_basename(folder);
    }
    if (base != NULL && g_str_has_suffix(base, ".yaml"))
        base[strlen(base) - strlen(".yaml")] = '\0';
    g_autofree char *name = g_strdup_printf("torture-%s-%" G_GUINT64_FORMAT ".yaml",
                                            base != NULL ? base : "drawn", seed);
    return g_build_filename(seeds->options->folder, name, NULL);
}

/* Writes the scenario that fails, small if it may be shrunk, and says how to play it. */
static void keep_failure(Seeds *seeds, uint64_t seed, const TrialResult *failed)
{
    g_autofree char *whole = swarm_text(seeds, seed);
    g_autofree char *text =
        seeds->options->is_shrinking
            ? shrink_text(whole, fails_likewise, (void *)(uintptr_t)failed, SHRINK_TESTS_MAX)
            : g_strdup(whole);
    TrialResult result = play_apart(text);
    g_autofree char *path = file_name(seeds, seed);
    OutputFile output;
    if (!output_open(&output, path)) {
        seeds->is_broken = true;
    } else {
        g_autofree char *defect = g_strdelimit(g_strdup(result.defect), "\n\r", ' ');
        g_autofree char *remark = g_strdup_printf("# %s\n", defect);
        output_write(&output, span_of_text(remark));
        output_write(&output, span_of_text(text));
        seeds->is_broken = !output_close(&output) || seeds->is_broken;
        printf("    in %u lines, as a scenario: %s\n", count_lines(text) + 1, defect);
        printf("      mailsim run %s%s\n", result.is_plain ? "" : "--audit ", path);
    }
    trial_result_clear(&result);
}

/* ---- All seeds ---- */

static void tell_failure(Seeds *seeds, uint64_t seed, const TrialResult *failed)
{
    const char *path = seeds->path != NULL ? seeds->path : "";
    torture_tally_hide_progress(seeds->tally);
    printf("FAILED seed %" G_GUINT64_FORMAT " (%s): %s\n", seed, defect_kind_name(failed->kind),
           failed->defect);
    printf("    the same again:\n      mailsim torture --seeds %" G_GUINT64_FORMAT " %s\n", seed,
           path);
    fflush(stdout);
    if (seeds->failures <= SHRUNK_MAX)
        keep_failure(seeds, seed, failed);
    else if (seeds->failures == TOLD_MAX)
        printf("Further failures of this file are counted only.\n");
    fflush(stdout);
}

static bool take_result(void *owner, uint64_t seed, const char *line, const char *death)
{
    Seeds *seeds = owner;
    TrialResult result = torture_result_of(line, death);
    torture_tally_add(seeds->tally, &result);
    if (result.kind != DEFECT_NONE && ++seeds->failures <= TOLD_MAX)
        tell_failure(seeds, seed, &result);
    trial_result_clear(&result);
    torture_tally_show_progress(seeds->tally);
    return seeds->failures == 0 || !seeds->options->stops;
}

bool torture_seeds(const char *path, const TortureOptions *options, TortureTally *tally)
{
    g_autoptr(Diagnostics) diagnostics = diagnostics_new();
    g_autoptr(Scenario) base = path != NULL ? scenario_read_file(path, diagnostics) : NULL;
    if (path != NULL && base == NULL) {
        diagnostics_print(diagnostics, stderr);
        return false;
    }
    Seeds seeds = {.path = path, .base = base, .options = options, .tally = tally};
    PoolWork work = {options->first, options->count, options->jobs, run_seed, take_result, &seeds};
    bool is_well = pool_run(&work);
    torture_tally_hide_progress(tally);
    return is_well && !seeds.is_broken;
}
