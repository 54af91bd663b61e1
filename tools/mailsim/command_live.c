/* mailsim live: plays a scenario in real time, with its servers open to real mail programs. */
#include "commands.h"

#include "live/live.h"
#include "output.h"
#include "outputs.h"
#include "play.h"

#include <stdio.h>
#include <string.h>

typedef struct LiveCall {
    char *level, *trace, *facts, *record;
    char **ports, **targets;
    int64_t seed;
    double speed;
    gboolean is_quiet, wants_digest;
} LiveCall;

/* ---- --port HOST:SERVICE=PORT ---- */

typedef struct Opening {
    const char *server;
    LiveService service;
    uint16_t port; /* 0: a free one */
} Opening;

static bool refuse(const char *option, const char *text, const char *reason)
{
    fprintf(stderr, "mailsim: %s %s: %s\n", option, text, reason);
    return false;
}

static bool parse_port(const char *text, uint16_t *port)
{
    guint64 number = 0;
    bool is_port = g_ascii_string_to_unsigned(text, 10, 1, UINT16_MAX, &number, NULL);
    *port = (uint16_t)number;
    return is_port;
}

static bool parse_opening(const Scenario *scenario, const char *text, Opening *opening)
{
    g_auto(GStrv) sides = g_strsplit(text, "=", 2);
    g_auto(GStrv) names = g_strsplit(sides[0] != NULL ? sides[0] : "", ":", 2);
    if (g_strv_length(names) != 2)
        return refuse("--port", text, "write HOST:SERVICE=PORT");
    const ScenarioServer *server = scenario_find_server(scenario, names[0]);
    if (server == NULL)
        return refuse("--port", text, "the scenario has no such server");
    if (!live_service_find(names[1], &opening->service))
        return refuse("--port", text, "the service is smtp, submission or imap");
    opening->server = server->name.text;
    opening->port = 0;
    if (sides[1] != NULL && !parse_port(sides[1], &opening->port))
        return refuse("--port", text,
                      "the port is a number from 1 to 65535; without one, a free "
                      "one is taken");
    return true;
}

/* What --port says; without it, every service of every server. False with the error told. */
static bool list_openings(const Scenario *scenario, char **ports, GArray *openings)
{
    for (size_t i = 0; ports != NULL && ports[i] != NULL; i++) {
        Opening opening;
        if (!parse_opening(scenario, ports[i], &opening))
            return false;
        g_array_append_val(openings, opening);
    }
    for (size_t i = 0; ports == NULL && i < scenario->servers.count; i++) {
        for (int service = 0; service < LIVE_SERVICES; service++) {
            Opening opening = {scenario->servers.items[i].name.text, (LiveService)service, 0};
            g_array_append_val(openings, opening);
        }
    }
    return true;
}

static bool open_all(Live *live, const GArray *openings)
{
    printf("%-28s %-11s %s\n", "server", "service", "address");
    for (guint i = 0; i < openings->len; i++) {
        const Opening *opening = &g_array_index(openings, Opening, i);
        g_autoptr(GError) error = NULL;
        uint16_t port = live_listen(live, opening->server, opening->service, opening->port, &error);
        if (port == 0) {
            fprintf(stderr, "mailsim: port %u cannot be used: %s\n", opening->port, error->message);
            return false;
        }
        printf("%-28s %-11s 127.0.0.1 %u\n", opening->server, live_service_name(opening->service),
               port);
    }
    printf("Ctrl-C ends the session.\n\n");
    fflush(stdout);
    return true;
}

/* ---- --deliver DOMAIN=ADDRESS:PORT ---- */

/* NULL, with the error told. */
static GSocketAddress *parse_address(const char *option, const char *text)
{
    const char *colon = strrchr(text, ':');
    uint16_t port = 0;
    g_autofree char *host = colon != NULL ? g_strndup(text, (gsize)(colon - text)) : g_strdup(text);
    size_t length = strlen(host);
    if (length > 2 && host[0] == '[' && host[length - 1] == ']') {
        host[length - 1] = '\0';
        memmove(host, host + 1, length - 1);
    }
    g_autoptr(GInetAddress) address = g_inet_address_new_from_string(host);
    if (colon == NULL || address == NULL || !parse_port(colon + 1, &port)) {
        refuse("--deliver", option,
               "write DOMAIN=ADDRESS:PORT, such as out.example=127.0.0.1:2526");
        return NULL;
    }
    if (!g_inet_address_get_is_loopback(address)) {
        refuse("--deliver", option, "only a loopback address, such as 127.0.0.1, is allowed");
        return NULL;
    }
    return g_inet_socket_address_new(address, port);
}

static void target_clear(void *pointer)
{
    LiveTarget *target = pointer;
    g_free((char *)target->domain);
    g_object_unref(target->address);
}

/* Reads all of --deliver; false with the error told. */
static bool list_targets(char **options, GArray *targets)
{
    for (size_t i = 0; options != NULL && options[i] != NULL; i++) {
        const char *equals = strchr(options[i], '=');
        if (equals == NULL)
            return refuse("--deliver", options[i], "write DOMAIN=ADDRESS:PORT");
        GSocketAddress *address = parse_address(options[i], equals + 1);
        if (address == NULL)
            return false;
        LiveTarget target = {g_strndup(options[i], (gsize)(equals - options[i])), address};
        g_array_append_val(targets, target);
    }
    return true;
}

static GArray *targets_new(void)
{
    GArray *targets = g_array_new(FALSE, FALSE, sizeof(LiveTarget));
    g_array_set_clear_func(targets, target_clear);
    return targets;
}

/* ---- The session ---- */

static void flush_timeline(void *owner)
{
    (void)owner;
    fflush(stdout);
}

static int play_live(Play *play, const LiveCall *call, const GArray *targets,
                     const OutputsOptions *options)
{
    LiveOptions live_options = {
        .speed = call->speed,
        .targets = (const LiveTarget *)(void *)targets->data,
        .target_count = targets->len,
        .moved = flush_timeline,
    };
    g_autoptr(GArray) openings = g_array_new(FALSE, FALSE, sizeof(Opening));
    if (!list_openings(play->scenario, call->ports, openings))
        return EXIT_BAD_INPUT;
    g_autoptr(Live) live = live_new(play->run, &live_options);
    g_autofree char *start = simulation_format_start(play->scenario);
    Outputs *outputs = outputs_new(play->run, options, start);
    int status = EXIT_BAD_INPUT;
    if (outputs != NULL && open_all(live, openings)) {
        bool is_balanced = live_play(live);
        bool is_written = outputs_finish(outputs, play->run, options);
        if (!is_balanced)
            play_tell_violation(play); /* by what has been recorded of it, which is complete now */
        status = outputs_status(play->run, is_balanced, is_written);
    }
    g_clear_pointer(&outputs, outputs_free);
    return status;
}

static int play_file(const char *path, const LiveCall *call, const OutputsOptions *options)
{
    g_autoptr(GArray) targets = targets_new();
    if (!list_targets(call->targets, targets))
        return EXIT_BAD_INPUT;
    g_autofree char **domains = g_new0(char *, targets->len + 1);
    for (guint i = 0; i < targets->len; i++)
        domains[i] = (char *)(uintptr_t)g_array_index(targets, LiveTarget, i).domain;
    SimulationOutside outside = {.domains = domains};
    SimulationOptions simulation = {
        .seed = call->seed, .until_ns = SCENARIO_UNSET, .outside = &outside};
    g_autoptr(Play) play = play_new(path, &simulation);
    if (play == NULL)
        return EXIT_BAD_INPUT;
    play->recording = options->record;
    return play_live(play, call, targets, options);
}

static bool check_call(LiveCall *call, TraceLevel *level)
{
    if (call->level != NULL && !trace_level_find(call->level, level))
        return refuse("--level", call->level, "it is mail, protocol or segment");
    if (!(call->speed > 0 && call->speed <= 1e6)) {
        fprintf(stderr, "mailsim: --speed: it is above 0 and at most 1000000\n");
        return false;
    }
    return command_take_seed(call->seed, &call->seed);
}

int command_live(int argc, char **argv)
{
    LiveCall call = {.seed = COMMAND_NO_SEED, .speed = 1};
    const GOptionEntry entries[] = {
        {"port", 0, 0, G_OPTION_ARG_STRING_ARRAY, &call.ports,
         "open this service (smtp, submission or imap) on a loopback port; can be given several "
         "times. Without it, all of all servers, on free ports",
         "HOST:SERVICE=PORT"},
        {"deliver", 0, 0, G_OPTION_ARG_STRING_ARRAY, &call.targets,
         "mail for this domain goes to a real SMTP server on loopback", "DOMAIN=ADDRESS:PORT"},
        {"speed", 0, 0, G_OPTION_ARG_DOUBLE, &call.speed,
         "simulated seconds a second; 1 unless given", "N"},
        {"record", 0, 0, G_OPTION_ARG_FILENAME, &call.record,
         "write what comes from outside, for mailsim run --inputs", "FILE"},
        {"level", 0, 0, G_OPTION_ARG_STRING, &call.level,
         "how much to show: mail, protocol (the default) or segment", "LEVEL"},
        {"seed", 0, 0, G_OPTION_ARG_INT64, &call.seed, "another seed than the scenario's",
         "NUMBER"},
        {"quiet", 'q', 0, G_OPTION_ARG_NONE, &call.is_quiet, "no timeline and no summary", NULL},
        {"trace", 0, 0, G_OPTION_ARG_FILENAME, &call.trace, "write the trace as NDJSON", "FILE"},
        {"facts", 0, 0, G_OPTION_ARG_FILENAME, &call.facts, "write the run's facts as JSON",
         "FILE"},
        {"digest", 0, 0, G_OPTION_ARG_NONE, &call.wants_digest,
         "print the SHA-256 of the trace at level segment", NULL},
        {0},
    };
    if (!command_parse("FILE", "Plays a scenario in real time, open to real mail programs.",
                       entries, &argc, &argv))
        return EXIT_BAD_INPUT;
    TraceLevel level = TRACE_LEVEL_PROTOCOL;
    int status = EXIT_BAD_INPUT;
    if (argc != 2) {
        status = command_usage("live", "[OPTION…] FILE");
    } else if (check_call(&call, &level) && output_spares(argv[1], call.trace) &&
               output_spares(argv[1], call.facts) && output_spares(argv[1], call.record)) {
        OutputsOptions options = {
            .level = level,
            .trace_level = call.level != NULL ? level : TRACE_LEVEL_SEGMENT,
            .is_quiet = call.is_quiet,
            .wants_digest = call.wants_digest,
            .trace = call.trace,
            .facts = call.facts,
            .record = call.record,
        };
        status = play_file(argv[1], &call, &options);
    }
    g_free(call.level);
    g_free(call.trace);
    g_free(call.facts);
    g_free(call.record);
    g_strfreev(call.ports);
    g_strfreev(call.targets);
    return status;
}
