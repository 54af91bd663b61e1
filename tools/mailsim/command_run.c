/* mailsim run: plays a scenario; a timeline while it runs, then a summary and the verdicts. */
#include "commands.h"

#include "captures.h"
#include "core/units.h"
#include "export/timeline.h"
#include "output.h"
#include "pictures.h"
#include "play.h"
#include "progress.h"
#include "summary.h"
#include "terminal.h"
#include "viewer_file.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

typedef struct RunOptions {
    char *until, *level, *trace, *facts, *pcap, *fault, *follow, *form, *mermaid, *html;
    char **svg;
    char **pcap_at;
    int64_t seed, max_events;
    gboolean is_quiet, wants_digest, is_unfolded, use_unicode;
} RunOptions;

static void digest_write(void *owner, Span bytes)
{
    g_checksum_update(owner, bytes.data, (gssize)bytes.length);
}

/* What the run writes beside its simulation; unused parts are NULL. */
typedef struct Outputs {
    Timeline *timeline;
    Progress *progress; /* where the timeline is not on the terminal */
    GChecksum *digest;
    NdjsonWriter *digest_writer;
    OutputFile trace_file;
    NdjsonWriter *trace_writer;
    Captures *captures;
    Pictures *pictures;
} Outputs;

static bool outputs_open(Outputs *outputs, const Run *run, const RunOptions *options,
                         TraceLevel level, const char *start)
{
    Trace *trace = simulation_trace(run->simulation);
    if (!options->is_quiet) {
        TerminalOptions terminal = {level, options->follow, options->form, options->is_unfolded,
                                    options->use_unicode};
        outputs->timeline = terminal_timeline_new(run, &terminal);
    }
    if (options->is_quiet || !isatty(STDOUT_FILENO))
        outputs->progress = progress_new(trace, simulation_until(run->simulation));
    if (options->wants_digest) {
        NdjsonHeader header = run_ndjson_header(run, TRACE_LEVEL_SEGMENT, start);
        outputs->digest = g_checksum_new(G_CHECKSUM_SHA256);
        outputs->digest_writer =
            ndjson_writer_new(trace, &header, (NdjsonOutput){digest_write, outputs->digest});
    }
    if (options->trace != NULL) {
        if (!output_open(&outputs->trace_file, options->trace))
            return false;
        NdjsonHeader header =
            run_ndjson_header(run, options->level != NULL ? level : TRACE_LEVEL_SEGMENT, start);
        outputs->trace_writer =
            ndjson_writer_new(trace, &header, (NdjsonOutput){output_write, &outputs->trace_file});
    }
    CapturesOptions captures = {options->pcap, options->pcap_at};
    outputs->captures = captures_new(run, &captures);
    PicturesOptions pictures = {options->svg, options->mermaid, level, options->follow,
                                options->is_unfolded};
    outputs->pictures = pictures_new(run, &pictures);
    return outputs->captures != NULL && outputs->pictures != NULL;
}

static bool write_facts(const Run *run, const char *path)
{
    OutputFile file = {0};
    if (!output_open(&file, path))
        return false;
    g_autofree char *text = facts_format_json(run->facts);
    output_write(&file, span_of_text(text));
    output_write(&file, span_of_text("\n"));
    return output_close(&file);
}

/* Ends what is being written; false when something could not be. */
static bool outputs_finish(Outputs *outputs, const Run *run, const RunOptions *options)
{
    g_clear_pointer(&outputs->progress, progress_free);
    if (outputs->timeline != NULL)
        timeline_finish(outputs->timeline);
    bool is_written = captures_finish(outputs->captures);
    is_written = pictures_finish(outputs->pictures) && is_written;
    if (outputs->trace_writer != NULL) {
        ndjson_writer_flush(outputs->trace_writer);
        is_written = output_close(&outputs->trace_file) && is_written;
    }
    if (options->facts != NULL)
        is_written = write_facts(run, options->facts) && is_written;
    if (!options->is_quiet) {
        SummaryOptions summary_options = {terminal_wants_colour(), terminal_language()};
        g_autoptr(GString) summary = g_string_new("\n");
        summary_write(run, &summary_options, summary);
        fputs(summary->str, stdout);
    }
    if (outputs->digest != NULL) {
        ndjson_writer_flush(outputs->digest_writer);
        printf("digest %s\n", g_checksum_get_string(outputs->digest));
    }
    return is_written;
}

static void outputs_clear(Outputs *outputs)
{
    g_clear_pointer(&outputs->timeline, timeline_free);
    g_clear_pointer(&outputs->progress, progress_free);
    g_clear_pointer(&outputs->digest_writer, ndjson_writer_free);
    g_clear_pointer(&outputs->trace_writer, ndjson_writer_free);
    g_clear_pointer(&outputs->digest, g_checksum_free);
    g_clear_pointer(&outputs->captures, captures_free);
    g_clear_pointer(&outputs->pictures, pictures_free);
}

static int run_status(const Run *run, bool is_balanced, bool is_written)
{
    if (!is_balanced)
        return EXIT_BUG;
    if (!is_written)
        return EXIT_BAD_INPUT;
    if (run->end == SIMULATOR_END_BUDGET)
        return EXIT_BUDGET;
    return run_failures(run) > 0 ? EXIT_EXPECTATION_FAILED : EXIT_WELL;
}

static int run_file(const char *path, const RunOptions *options, TraceLevel level,
                    const SimulationOptions *simulation_options)
{
    g_autoptr(Play) play = play_new(path, simulation_options);
    if (play == NULL)
        return EXIT_BAD_INPUT;
    g_autofree char *start = simulation_format_start(play->scenario);
    Outputs outputs = {0};
    int status = EXIT_BAD_INPUT;
    if (outputs_open(&outputs, play->run, options, level, start)) {
        if (!options->is_quiet)
            printf("%s\n\n", local_text_choose(&play->scenario->title, terminal_language()));
        bool is_balanced = play_to_end(play);
        bool is_written = outputs_finish(&outputs, play->run, options);
        ViewerFileOptions viewer = {simulation_options, options->level != NULL, level};
        if (options->html != NULL && is_balanced)
            is_written = viewer_file_write(play->scenario, &viewer, options->html) && is_written;
        bool is_known = play_knows_mail(play, options->follow);
        status = is_known ? run_status(play->run, is_balanced, is_written) : EXIT_BAD_INPUT;
    }
    outputs_clear(&outputs);
    return status;
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

/* How long a server that --fault has struck stays down. */
#define FAULT_RESTART_AFTER (10 * SIM_MINUTE)

/* Reads KIND:SERVER:EVENT; false, with the error told, when it is not so written. */
static bool parse_fault(char *text, SimulationFault *fault)
{
    g_auto(GStrv) parts = g_strsplit(text, ":", -1);
    guint64 event = 0;
    bool is_right = g_strv_length(parts) == 3 &&
                    (strcmp(parts[0], "crash") == 0 || strcmp(parts[0], "power_off") == 0) &&
                    g_ascii_string_to_unsigned(parts[2], 10, 1, INT64_MAX, &event, NULL);
    if (!is_right) {
        fprintf(stderr, "mailsim: --fault %s: write crash:SERVER:EVENT or power_off:SERVER:EVENT\n",
                text);
        return false;
    }
    char *server = strchr(text, ':') + 1; /* stays in the option's text, which outlives the run */
    *strchr(server, ':') = '\0';
    *fault =
        (SimulationFault){event, strcmp(parts[0], "crash") == 0 ? ACTION_CRASH : ACTION_POWER_OFF,
                          server, FAULT_RESTART_AFTER};
    return true;
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
    if (options->seed < SCENARIO_UNSET) {
        fprintf(stderr, "mailsim: --seed: a seed is not negative\n");
        return false;
    }
    if (options->max_events < 0) {
        fprintf(stderr, "mailsim: --max-events: a number of events is not negative\n");
        return false;
    }
    simulation->seed = options->seed;
    simulation->max_events = (uint64_t)options->max_events;
    if (options->fault != NULL && !parse_fault(options->fault, &simulation->fault))
        return false;
    return options->until == NULL || parse_time("--until", options->until, &simulation->until_ns);
}

int command_run(int argc, char **argv)
{
    RunOptions options = {.seed = SCENARIO_UNSET};
    const GOptionEntry entries[] = {
        {"level", 0, 0, G_OPTION_ARG_STRING, &options.level,
         "how much to show: mail, protocol (the default) or segment", "LEVEL"},
        {"follow", 0, 0, G_OPTION_ARG_STRING, &options.follow,
         "show what concerns one mail alone, with the failures around it", "MAIL"},
        {"form", 0, 0, G_OPTION_ARG_STRING, &options.form,
         "ladder (hosts as columns; the default on a terminal that is wide enough) or list",
         "FORM"},
        {"unfolded", 0, 0, G_OPTION_ARG_NONE, &options.is_unfolded,
         "show each attempt at delivery, those too that fail like the one before", NULL},
        {"unicode", 0, 0, G_OPTION_ARG_NONE, &options.use_unicode, "draw the ladder with box lines",
         NULL},
        {"until", 0, 0, G_OPTION_ARG_STRING, &options.until, "when to end, such as 2 h", "TIME"},
        {"seed", 0, 0, G_OPTION_ARG_INT64, &options.seed, "another seed than the scenario's",
         "NUMBER"},
        {"max-events", 0, 0, G_OPTION_ARG_INT64, &options.max_events,
         "a budget: end after so many events, with exit status 3 and what there is until then",
         "NUMBER"},
        {"quiet", 'q', 0, G_OPTION_ARG_NONE, &options.is_quiet,
         "no timeline and no summary; the exit status tells", NULL},
        {"trace", 0, 0, G_OPTION_ARG_FILENAME, &options.trace,
         "write the trace as NDJSON (at level segment unless --level says otherwise)", "FILE"},
        {"facts", 0, 0, G_OPTION_ARG_FILENAME, &options.facts, "write the run's facts as JSON",
         "FILE"},
        {"fault", 0, 0, G_OPTION_ARG_STRING, &options.fault,
         "crash or power_off a server after so many events; it restarts 10 min later",
         "KIND:SERVER:EVENT"},
        {"html", 0, 0, G_OPTION_ARG_FILENAME, &options.html,
         "write the viewer with this run in it, one HTML file", "FILE"},
        {"pcap", 0, 0, G_OPTION_ARG_FILENAME, &options.pcap,
         "write a capture with each packet once, as it leaves its source", "FILE"},
        {"pcap-at", 0, 0, G_OPTION_ARG_FILENAME_ARRAY, &options.pcap_at,
         "write what a host's own capture sees; can be given several times", "HOST=FILE"},
        {"svg", 0, 0, G_OPTION_ARG_FILENAME_ARRAY, &options.svg,
         "draw a picture: the ladder, or with queue= or map= before FILE the queues or the "
         "network; "
         "can be given several times",
         "[KIND=]FILE"},
        {"mermaid", 0, 0, G_OPTION_ARG_FILENAME, &options.mermaid,
         "write the ladder as a Mermaid sequence diagram", "FILE"},
        {"digest", 0, 0, G_OPTION_ARG_NONE, &options.wants_digest,
         "print the SHA-256 of the trace at level segment", NULL},
        {0},
    };
    if (!command_parse("FILE", "Plays a scenario and shows what happens.", entries, &argc, &argv))
        return EXIT_BAD_INPUT;
    TraceLevel level = TRACE_LEVEL_PROTOCOL;
    SimulationOptions simulation = {.seed = SCENARIO_UNSET, .until_ns = SCENARIO_UNSET};
    int status = EXIT_BAD_INPUT;
    if (argc != 2)
        status = command_usage("run", "[OPTION…] FILE");
    else if (read_options(&options, &level, &simulation))
        status = run_file(argv[1], &options, level, &simulation);
    g_free(options.level);
    g_free(options.follow);
    g_free(options.form);
    g_free(options.mermaid);
    g_strfreev(options.svg);
    g_free(options.until);
    g_free(options.trace);
    g_free(options.facts);
    g_free(options.html);
    g_free(options.pcap);
    g_strfreev(options.pcap_at);
    g_free(options.fault);
    return status;
}
