/* mailsim run: plays a scenario; a timeline while it runs, then a summary and the verdicts. */
#include "commands.h"

#include "core/units.h"
#include "output.h"
#include "outputs.h"
#include "play.h"
#include "scenario/inputs.h"
#include "terminal.h"
#include "torture/judge.h"
#include "viewer_file.h"

#include <stdio.h>
#include <string.h>

typedef struct RunOptions {
    char *until, *level, *trace, *facts, *pcap, *fault, *inputs, *follow, *form, *mermaid, *html;
    char **svg;
    char **pcap_at;
    int64_t seed, max_events;
    gboolean is_quiet, wants_digest, is_unfolded, use_unicode, is_audited;
} RunOptions;

/* What the judge says; a defect is told. */
static bool is_found_sound(const Judge *judge, bool is_balanced)
{
    DefectKind kind = DEFECT_NONE;
    g_autofree char *defect = judge_find_defect(judge, is_balanced, &kind);
    if (kind != DEFECT_NONE)
        fprintf(stderr, "mailsim: the audit finds (%s): %s\n", defect_kind_name(kind), defect);
    return kind == DEFECT_NONE;
}

static int run_file(const char *path, const RunOptions *options, TraceLevel level,
                    const SimulationOptions *simulation_options, const Inputs *inputs)
{
    g_autoptr(Play) play = play_new_with_inputs(path, simulation_options, inputs);
    if (play == NULL || !play_may_know_mail(play, options->follow))
        return EXIT_BAD_INPUT;
    play->recording = options->inputs;
    OutputsOptions outputs_options = {
        .level = level,
        .trace_level = options->level != NULL ? level : TRACE_LEVEL_SEGMENT,
        .is_quiet = options->is_quiet,
        .wants_digest = options->wants_digest,
        .is_unfolded = options->is_unfolded,
        .use_unicode = options->use_unicode,
        .trace = options->trace,
        .facts = options->facts,
        .pcap = options->pcap,
        .pcap_at = options->pcap_at,
        .follow = options->follow,
        .form = options->form,
        .mermaid = options->mermaid,
        .svg = options->svg,
    };
    g_autofree char *start = simulation_format_start(play->scenario);
    Outputs *outputs = outputs_new(play->run, &outputs_options, start);
    if (outputs == NULL)
        return EXIT_BAD_INPUT;
    if (!options->is_quiet)
        printf("%s\n\n", local_text_choose(&play->scenario->title, terminal_language()));
    ViewerCounts counts;
    if (options->html != NULL)
        viewer_file_count(simulation_trace(play->run->simulation), &counts);
    g_autoptr(Judge) judge = options->is_audited ? judge_new(play->run) : NULL;
    /* Nobody will ask for a single one of many mails. */
    if (options->facts == NULL && options->follow == NULL && options->html == NULL && judge == NULL)
        run_forget_delivered(play->run);
    bool is_balanced = play_to_end(play);
    bool is_sound = judge == NULL || is_found_sound(judge, is_balanced);
    bool is_written = outputs_finish(outputs, play->run, &outputs_options);
    outputs_free(outputs);
    ViewerFileOptions viewer = {simulation_options, options->level != NULL, level};
    if (options->html != NULL && is_balanced)
        is_written = viewer_file_write(play->run, &counts, &viewer, options->html) && is_written;
    if (!play_knows_mail(play, options->follow))
        return EXIT_BAD_INPUT;
    if (judge != NULL) /* whose verdict counts: what the lesson expects may not hold with a fault */
        return is_sound ? EXIT_WELL : EXIT_BUG;
    return outputs_status(play->run, is_balanced, is_written);
}

/* Runs with the inputs of a recorded session, and with its seed. */
static int run_inputs(const char *path, const RunOptions *options, TraceLevel level,
                      SimulationOptions *simulation)
{
    g_autoptr(Diagnostics) diagnostics = diagnostics_new();
    g_autoptr(Inputs) inputs = inputs_read_file(options->inputs, diagnostics);
    diagnostics_print(diagnostics, stderr);
    if (inputs == NULL)
        return EXIT_BAD_INPUT;
    if (simulation->seed != SCENARIO_UNSET || simulation->fault.number > 0) {
        fprintf(stderr, "mailsim: --inputs goes without --seed and --fault: it is that very run\n");
        return EXIT_BAD_INPUT;
    }
    SimulationOutside outside = inputs_outside(inputs);
    simulation->seed = inputs->seed;
    simulation->outside = &outside;
    return run_file(path, options, level, simulation, inputs);
}

/* Reads "2 h" or "90 s"; false, with the error told, when it is none. */
static bool parse_time(const char *option, const char *text, int64_t *time_ns)
{
    g_autofree char *reason = NULL;
    if (units_parse(UNITS_DURATION, span_of_text(text), time_ns, &reason))
        return true;
    fprintf(stderr, "mailsim: %s %s: %s\n", option, text, reason);
    return false;
}

/* False, with the error told, when it is not so written. */
static bool parse_fault(char *text, SimulationFault *fault)
{
    if (simulation_fault_parse(text, fault)) {
        fault->restart_after_ns = SIMULATION_FAULT_DURATION;
        return true;
    }
    fprintf(stderr,
            "mailsim: --fault %s: write KIND:SERVER:POINT, where KIND is " SIMULATION_FAULT_NAMES
            ", and POINT is the number of an event, or "
            "before-step-NUMBER or after-step-NUMBER of the server's disk\n",
            text);
    return false;
}

static bool read_options(const RunOptions *options, TraceLevel *level,
                         SimulationOptions *simulation)
{
    if (options->level != NULL && !trace_level_find(options->level, level)) {
        fprintf(stderr, "mailsim: --level %s: it is mail, protocol or segment\n", options->level);
        return false;
    }
    if (options->form != NULL && strcmp(options->form, "ladder") != 0 &&
        strcmp(options->form, "list") != 0) {
        fprintf(stderr, "mailsim: --form %s: it is ladder or list\n", options->form);
        return false;
    }
    if (!command_take_seed(options->seed, &simulation->seed))
        return false;
    if (options->max_events < 0) {
        fprintf(stderr, "mailsim: --max-events: a number of events is not negative\n");
        return false;
    }
    simulation->max_events = (uint64_t)options->max_events;
    if (options->fault != NULL && !parse_fault(options->fault, &simulation->fault))
        return false;
    if (options->is_audited) { /* to its rest, or until it is plain that there is none */
        simulation->until_ns = SIM_NEVER;
        if (options->max_events == 0)
            simulation->max_events = JUDGE_EVENTS_MAX;
    }
    return options->until == NULL || parse_time("--until", options->until, &simulation->until_ns);
}

/* The arguments of all options that write something, `FILE` or `WORD=FILE`; to unref. */
static GPtrArray *written_files(const RunOptions *options)
{
    char *const paths[] = {options->trace, options->facts, options->html, options->pcap,
                           options->mermaid};
    GPtrArray *files = g_ptr_array_new();
    for (size_t i = 0; i < G_N_ELEMENTS(paths); i++) {
        if (paths[i] != NULL)
            g_ptr_array_add(files, paths[i]);
    }
    for (char **svg = options->svg; svg != NULL && *svg != NULL; svg++)
        g_ptr_array_add(files, *svg);
    for (char **pcap = options->pcap_at; pcap != NULL && *pcap != NULL; pcap++)
        g_ptr_array_add(files, *pcap);
    return files;
}

/* `-` stands for standard output, which then holds nothing else. False, with the error told, when
 * that cannot be, or when an output would overwrite the scenario. */
static bool take_outputs(const char *input, RunOptions *options)
{
    g_autoptr(GPtrArray) files = written_files(options);
    guint standard = options->wants_digest ? 1 : 0;
    for (guint i = 0; i < files->len; i++) {
        const char *file = g_ptr_array_index(files, i), *equals = strchr(file, '=');
        if (!output_spares(input, file))
            return false;
        if (output_is_standard(file) || (equals != NULL && output_is_standard(equals + 1))) {
            options->is_quiet = true;
            standard++;
        }
    }
    if (options->is_quiet && standard > 1) {
        fprintf(stderr, "mailsim: standard output (`-`, and --digest) is for one of them alone\n");
        return false;
    }
    return true;
}

/* ---- The options ---- */

/* How it is played. */
static void add_playing_options(RunOptions *options, GArray *entries)
{
    const GOptionEntry added[] = {
        {"until", 0, 0, G_OPTION_ARG_STRING, &options->until, "when to end, such as 2 h", "TIME"},
        {"seed", 0, 0, G_OPTION_ARG_INT64, &options->seed, "another seed than the scenario's",
         "NUMBER"},
        {"max-events", 0, 0, G_OPTION_ARG_INT64, &options->max_events,
         "a budget: end after so many events, with exit status 3 and what there is until then",
         "NUMBER"},
        {"fault", 0, 0, G_OPTION_ARG_STRING, &options->fault,
         SIMULATION_FAULT_NAMES ": what befalls a server after so many events, or before or after "
                                "a step of its disk; after 10 min it is over",
         "KIND:SERVER:POINT"},
        {"audit", 0, 0, G_OPTION_ARG_NONE, &options->is_audited,
         "judge the run as mailsim torture does: to its rest, and no mail may be left over", NULL},
        {"inputs", 0, 0, G_OPTION_ARG_FILENAME, &options->inputs,
         "play a live session again, from what mailsim live --record wrote", "FILE"},
    };
    g_array_append_vals(entries, added, G_N_ELEMENTS(added));
}

/* What is shown on the terminal. */
static void add_showing_options(RunOptions *options, GArray *entries)
{
    const GOptionEntry added[] = {
        {"level", 0, 0, G_OPTION_ARG_STRING, &options->level,
         "how much to show: mail, protocol (the default) or segment", "LEVEL"},
        {"follow", 0, 0, G_OPTION_ARG_STRING, &options->follow,
         "show what concerns one mail alone, with the failures around it", "MAIL"},
        {"form", 0, 0, G_OPTION_ARG_STRING, &options->form,
         "ladder (hosts as columns; the default on a terminal that is wide enough) or list",
         "FORM"},
        {"unfolded", 0, 0, G_OPTION_ARG_NONE, &options->is_unfolded,
         "show each attempt at delivery, those too that fail like the one before", NULL},
        {"unicode", 0, 0, G_OPTION_ARG_NONE, &options->use_unicode,
         "draw the ladder with box lines", NULL},
        {"quiet", 'q', 0, G_OPTION_ARG_NONE, &options->is_quiet,
         "no timeline and no summary; the exit status tells", NULL},
        {"digest", 0, 0, G_OPTION_ARG_NONE, &options->wants_digest,
         "print the SHA-256 of the trace at level segment", NULL},
    };
    g_array_append_vals(entries, added, G_N_ELEMENTS(added));
}

/* What is written to files. */
static void add_writing_options(RunOptions *options, GArray *entries)
{
    const GOptionEntry added[] = {
        {"trace", 0, 0, G_OPTION_ARG_FILENAME, &options->trace,
         "write the trace as NDJSON (at level segment unless --level says otherwise); here and "
         "below `-` is standard output, which then holds nothing else",
         "FILE"},
        {"facts", 0, 0, G_OPTION_ARG_FILENAME, &options->facts, "write the run's facts as JSON",
         "FILE"},
        {"html", 0, 0, G_OPTION_ARG_FILENAME, &options->html,
         "write the viewer with this run in it, one HTML file", "FILE"},
        {"pcap", 0, 0, G_OPTION_ARG_FILENAME, &options->pcap,
         "write a capture with each packet once, as it leaves its source", "FILE"},
        {"pcap-at", 0, 0, G_OPTION_ARG_FILENAME_ARRAY, &options->pcap_at,
         "write what a host's own capture sees; can be given several times", "HOST=FILE"},
        {"svg", 0, 0, G_OPTION_ARG_FILENAME_ARRAY, &options->svg,
         "draw a picture: the ladder, or with queue= or map= before FILE the queues or the "
         "network; "
         "can be given several times",
         "[KIND=]FILE"},
        {"mermaid", 0, 0, G_OPTION_ARG_FILENAME, &options->mermaid,
         "write the ladder as a Mermaid sequence diagram", "FILE"},
    };
    g_array_append_vals(entries, added, G_N_ELEMENTS(added));
}

static void run_options_clear(RunOptions *options)
{
    g_free(options->level);
    g_free(options->follow);
    g_free(options->form);
    g_free(options->mermaid);
    g_strfreev(options->svg);
    g_free(options->until);
    g_free(options->trace);
    g_free(options->facts);
    g_free(options->html);
    g_free(options->pcap);
    g_strfreev(options->pcap_at);
    g_free(options->fault);
    g_free(options->inputs);
}

int command_run(int argc, char **argv)
{
    RunOptions options = {.seed = COMMAND_NO_SEED};
    g_autoptr(GArray) entries = g_array_new(TRUE, FALSE, sizeof(GOptionEntry));
    add_showing_options(&options, entries);
    add_playing_options(&options, entries);
    add_writing_options(&options, entries);
    if (!command_parse("FILE", "Plays a scenario and shows what happens.",
                       (const GOptionEntry *)(const void *)entries->data, &argc, &argv))
        return EXIT_BAD_INPUT;
    TraceLevel level = TRACE_LEVEL_PROTOCOL;
    SimulationOptions simulation = {.seed = SCENARIO_UNSET, .until_ns = SCENARIO_UNSET};
    int status = EXIT_BAD_INPUT;
    if (argc != 2)
        status = command_usage("run", "[OPTION…] FILE, where an option's own FILE follows it");
    else if (read_options(&options, &level, &simulation) && take_outputs(argv[1], &options))
        status = options.inputs != NULL ? run_inputs(argv[1], &options, level, &simulation)
                                        : run_file(argv[1], &options, level, &simulation, NULL);
    run_options_clear(&options);
    return status;
}
