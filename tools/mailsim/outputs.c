/* What a run writes. See outputs.h. */
#include "outputs.h"

#include "captures.h"
#include "commands.h"
#include "export/timeline.h"
#include "output.h"
#include "pictures.h"
#include "progress.h"
#include "scenario/inputs.h"
#include "scenario/summary.h"
#include "terminal.h"

#include <stdio.h>
#include <unistd.h>

static void digest_write(void *owner, Span bytes)
{
    g_checksum_update(owner, bytes.data, (gssize)bytes.length);
}

/* What the run writes beside its simulation; unused parts are NULL. */
struct Outputs {
    Timeline *timeline;
    Progress *progress; /* where the timeline is not on the terminal */
    GChecksum *digest;
    NdjsonWriter *digest_writer;
    OutputFile trace_file;
    NdjsonWriter *trace_writer;
    OutputFile record_file;
    NdjsonWriter *record_writer;
    Captures *captures;
    Pictures *pictures;
};

static bool outputs_open_all(Outputs *outputs, const Run *run, const OutputsOptions *options,
                             const char *start)
{
    Trace *trace = simulation_trace(run->simulation);
    if (!options->is_quiet) {
        TerminalOptions terminal = {options->level, options->follow, options->form,
                                    options->is_unfolded, options->use_unicode};
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
        NdjsonHeader header = run_ndjson_header(run, options->trace_level, start);
        outputs->trace_writer =
            ndjson_writer_new(trace, &header, (NdjsonOutput){output_write, &outputs->trace_file});
    }
    if (options->record != NULL) {
        if (!output_open(&outputs->record_file, options->record))
            return false;
        NdjsonHeader header = run_ndjson_header(run, TRACE_LEVEL_SEGMENT, start);
        header.holds = inputs_kind_is_input;
        outputs->record_writer =
            ndjson_writer_new(trace, &header, (NdjsonOutput){output_write, &outputs->record_file});
    }
    CapturesOptions captures = {options->pcap, options->pcap_at};
    outputs->captures = captures_new(run, &captures);
    PicturesOptions pictures = {options->svg, options->mermaid, options->level, options->follow,
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

bool outputs_finish(Outputs *outputs, const Run *run, const OutputsOptions *options)
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
    if (outputs->record_writer != NULL) {
        ndjson_writer_flush(outputs->record_writer);
        is_written = output_close(&outputs->record_file) && is_written;
    }
    if (options->facts != NULL)
        is_written = write_facts(run, options->facts) && is_written;
    if (!options->is_quiet) {
        SummaryOptions summary_options = {terminal_wants_colour(), terminal_language(),
                                          options->follow};
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

void outputs_free(Outputs *outputs)
{
    g_clear_pointer(&outputs->timeline, timeline_free);
    g_clear_pointer(&outputs->progress, progress_free);
    g_clear_pointer(&outputs->digest_writer, ndjson_writer_free);
    g_clear_pointer(&outputs->trace_writer, ndjson_writer_free);
    g_clear_pointer(&outputs->record_writer, ndjson_writer_free);
    g_clear_pointer(&outputs->digest, g_checksum_free);
    g_clear_pointer(&outputs->captures, captures_free);
    g_clear_pointer(&outputs->pictures, pictures_free);
    g_free(outputs);
}

Outputs *outputs_new(const Run *run, const OutputsOptions *options, const char *start)
{
    Outputs *outputs = g_new0(Outputs, 1);
    if (outputs_open_all(outputs, run, options, start))
        return outputs;
    outputs_free(outputs);
    return NULL;
}

static void tell_of_endless_mail(const Run *run)
{
    const char *mail = books_endless_mail(run->books);
    if (mail != NULL)
        fprintf(stderr,
                "mailsim: the run ends here: %s has entered queues %d times. It is multiplied by "
                "lists or forwarding that lead to each other; see its mail.expanded\n",
                mail, BOOKS_ENTRIES_MAX);
}

int outputs_status(const Run *run, bool is_balanced, bool is_written)
{
    if (!is_balanced)
        return EXIT_BUG;
    if (!is_written)
        return EXIT_BAD_INPUT;
    if (run->end == SIMULATOR_END_BUDGET) {
        tell_of_endless_mail(run);
        return EXIT_BUDGET;
    }
    return !run_is_cut(run) && run_failures(run) > 0 ? EXIT_EXPECTATION_FAILED : EXIT_WELL;
}
