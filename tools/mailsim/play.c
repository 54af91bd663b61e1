/* Playing a scenario. See play.h. */
#include "play.h"

#include "core/units.h"
#include "scenario/reader.h"

#include <stdio.h>

Play *play_new(const char *path, const SimulationOptions *options)
{
    g_autoptr(Diagnostics) diagnostics = diagnostics_new();
    Scenario *scenario = scenario_read_file(path, diagnostics);
    diagnostics_print(diagnostics, stderr);
    if (scenario == NULL)
        return NULL;
    Play *play = g_new0(Play, 1);
    play->scenario = scenario;
    play->simulation = simulation_new(scenario, options);
    Trace *trace = simulation_trace(play->simulation);
    play->books = books_new(trace);
    books_stop_at_violation(play->books);
    play->facts = facts_new(trace);
    play->expectations = expectations_new(scenario, play->facts);
    facts_start(play->facts, TRACE_LEVEL_SEGMENT);
    return play;
}

void play_free(Play *play)
{
    expectations_free(play->expectations);
    facts_free(play->facts);
    books_free(play->books);
    simulation_free(play->simulation);
    scenario_free(play->scenario);
    g_free(play);
}

static void tell_violation(const Play *play, const char *path)
{
    const BooksViolation *violation = books_first_violation(play->books);
    g_autofree char *time = units_format_readable(violation->time);
    fprintf(stderr, "mailsim: the books do not balance: at %s, record %llu: %s\n", time,
            (unsigned long long)violation->seq, violation->text);
    fprintf(stderr, "mailsim: seed %llu, scenario SHA-256 %s; to see it again:\n",
            (unsigned long long)simulator_seed(simulation_simulator(play->simulation)),
            play->scenario->sha256);
    fprintf(stderr, "    mailsim run --level segment --seed %llu %s\n",
            (unsigned long long)simulator_seed(simulation_simulator(play->simulation)), path);
}

bool play_run(Play *play, const char *path)
{
    play->end = simulation_run(play->simulation);
    if (books_check_end(play->books))
        return true;
    tell_violation(play, path);
    return false;
}

size_t play_failures(const Play *play)
{
    size_t failures = 0;
    for (size_t i = 0; i < expectations_count(play->expectations); i++)
        failures += !expectations_hold(play->expectations, i);
    return failures;
}

NdjsonHeader play_ndjson_header(const Play *play, TraceLevel level, const char *start)
{
    return (NdjsonHeader){
        .title = local_text_choose(&play->scenario->title, "en"),
        .start = start,
        .scenario_sha256 = play->scenario->sha256,
        .seed = simulator_seed(simulation_simulator(play->simulation)),
        .level = level,
    };
}

bool play_parse_time(const char *option, const char *text, int64_t *time_ns)
{
    g_autofree char *reason = NULL;
    if (units_parse(UNITS_DURATION, span_of_text(text), time_ns, &reason))
        return true;
    fprintf(stderr, "mailsim: %s %s: %s\n", option, text, reason);
    return false;
}
