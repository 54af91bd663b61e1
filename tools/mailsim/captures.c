/* The captures that a run writes. See captures.h. */
#include "captures.h"

#include "export/pcapng.h"
#include "output.h"
#include "scenario/suggest.h"

#include <string.h>

/* The trace has a place for so many sinks beside those that a run has anyway. */
enum { CAPTURES_MAXIMUM = 8 };

typedef struct Capture {
    NodeId host; /* NODE_TIMELINE: of the whole network */
    const char *path;
    OutputFile file;
    PcapngWriter *writer; /* NULL: not begun */
} Capture;

struct Captures {
    Capture items[CAPTURES_MAXIMUM];
    size_t count;
};

static bool name_is_router(const Scenario *scenario, const char *name)
{
    for (size_t i = 0; i < scenario->network.routers.count; i++) {
        if (strcmp(scenario->network.routers.items[i].text, name) == 0)
            return true;
    }
    return false;
}

static void tell_unknown_host(const char *name, const Suggestion *nearest)
{
    fprintf(stderr, "mailsim: --pcap-at: there is no host `%s`", name);
    if (nearest->best != NULL)
        fprintf(stderr, "; did you mean `%s`?", nearest->best);
    fprintf(stderr, "\n");
}

/* NODE_TIMELINE, with the error told, when it is no host's name. */
static NodeId find_host(const Run *run, const char *name)
{
    const Simulator *simulator = simulation_simulator(run->simulation);
    Suggestion nearest = suggestion_start(name);
    for (NodeId node = 1; node < simulator_node_count(simulator); node++) {
        const char *candidate = simulator_node_name(simulator, node);
        if (name_is_router(run->scenario, candidate))
            continue;
        if (strcmp(candidate, name) == 0)
            return node;
        suggestion_offer(&nearest, candidate);
    }
    tell_unknown_host(name, &nearest);
    return NODE_TIMELINE;
}

/* Reads "HOST=FILE"; false, with the error told, when it is wrong. */
static bool add_host(Captures *captures, const Run *run, const char *argument)
{
    const char *equals = strchr(argument, '=');
    if (equals == NULL || equals[1] == '\0') {
        fprintf(stderr, "mailsim: --pcap-at %s: write it as HOST=FILE\n", argument);
        return false;
    }
    if (captures->count == CAPTURES_MAXIMUM) {
        fprintf(stderr, "mailsim: a run writes at most %d captures\n", CAPTURES_MAXIMUM);
        return false;
    }
    g_autofree char *name = g_strndup(argument, (gsize)(equals - argument));
    NodeId host = find_host(run, name);
    captures->items[captures->count++] = (Capture){.host = host, .path = equals + 1};
    return host != NODE_TIMELINE;
}

static bool add_all(Captures *captures, const Run *run, const CapturesOptions *options)
{
    if (options->network_file != NULL)
        captures->items[captures->count++] = (Capture){.path = options->network_file};
    for (char *const *argument = options->host_files; argument != NULL && *argument != NULL;
         argument++) {
        if (!add_host(captures, run, *argument))
            return false;
    }
    return true;
}

static bool capture_begin(Capture *capture, const Run *run)
{
    if (!output_open(&capture->file, capture->path))
        return false;
    PcapngOptions options = {
        .title = local_text_choose(&run->scenario->title, "en"),
        .start_unix_seconds = run->scenario->start.unix_seconds,
        .host = capture->host,
    };
    capture->writer = pcapng_writer_new(simulation_trace(run->simulation), &options,
                                        (PcapngOutput){output_write, &capture->file});
    return true;
}

Captures *captures_new(const Run *run, const CapturesOptions *options)
{
    Captures *captures = g_new0(Captures, 1);
    bool is_well = add_all(captures, run, options);
    for (size_t i = 0; is_well && i < captures->count; i++)
        is_well = capture_begin(&captures->items[i], run);
    if (!is_well)
        g_clear_pointer(&captures, captures_free);
    return captures;
}

bool captures_finish(Captures *captures)
{
    bool is_written = true;
    for (size_t i = 0; i < captures->count; i++) {
        pcapng_writer_flush(captures->items[i].writer);
        is_written = output_close(&captures->items[i].file) && is_written;
    }
    return is_written;
}

void captures_free(Captures *captures)
{
    for (size_t i = 0; i < captures->count; i++) {
        g_clear_pointer(&captures->items[i].writer, pcapng_writer_free);
        output_close(&captures->items[i].file);
    }
    g_free(captures);
}
