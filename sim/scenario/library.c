/* The library's public functions: include/mailsim/scenario.h and simulation.h over the rooms of the
 * house. */
#include "mailsim/scenario.h"
#include "mailsim/simulation.h"

#include "core/check.h"
#include "scenario/reader.h"
#include "scenario/run.h"

enum { LIBRARY_TRACES_MAXIMUM = 8 };

struct MsScenario {
    Scenario *scenario;
};

typedef struct RequestedTrace {
    TraceLevel level;
    MsTraceWrite *write;
    void *user;
    NdjsonWriter *writer;
} RequestedTrace;

struct MsSimulation {
    const Scenario *scenario;
    SimulationOptions options;
    RequestedTrace traces[LIBRARY_TRACES_MAXIMUM];
    size_t trace_count;
    Run *run; /* from the run on */
};

/* ---- Scenarios ---- */

/* Hands the messages over, and wraps the scenario if there is one. */
static MsScenario *wrap(Scenario *scenario, const Diagnostics *diagnostics, char **messages)
{
    if (messages != NULL) {
        GString *text = g_string_new(NULL);
        diagnostics_format(diagnostics, text);
        *messages = g_string_free(text, FALSE);
    }
    if (scenario == NULL)
        return NULL;
    MsScenario *wrapped = g_new0(MsScenario, 1);
    wrapped->scenario = scenario;
    return wrapped;
}

MsScenario *ms_scenario_read_file(const char *path, char **messages)
{
    g_autoptr(Diagnostics) diagnostics = diagnostics_new();
    return wrap(scenario_read_file(path, diagnostics), diagnostics, messages);
}

MsScenario *ms_scenario_read_bytes(const char *name, const void *bytes, size_t length,
                                   char **messages)
{
    g_autoptr(Diagnostics) diagnostics = diagnostics_new();
    return wrap(scenario_read_bytes(name, span_of(bytes, length), diagnostics), diagnostics,
                messages);
}

void ms_scenario_free(MsScenario *scenario)
{
    scenario_free(scenario->scenario);
    g_free(scenario);
}

const char *ms_scenario_title(const MsScenario *scenario, const char *language)
{
    return local_text_choose(&scenario->scenario->title, language);
}

void ms_free_text(char *text)
{
    g_free(text);
}

/* ---- Simulations ---- */

MsSimulation *ms_simulation_new(const MsScenario *scenario)
{
    MsSimulation *simulation = g_new0(MsSimulation, 1);
    simulation->scenario = scenario->scenario;
    simulation->options = (SimulationOptions){.seed = SCENARIO_UNSET, .until_ns = SCENARIO_UNSET};
    return simulation;
}

void ms_simulation_free(MsSimulation *simulation)
{
    for (size_t i = 0; i < simulation->trace_count; i++)
        g_clear_pointer(&simulation->traces[i].writer, ndjson_writer_free);
    g_clear_pointer(&simulation->run, run_free);
    g_free(simulation);
}

void ms_simulation_set_seed(MsSimulation *simulation, int64_t seed)
{
    CHECK(seed >= 0);
    simulation->options.seed = seed;
}

void ms_simulation_set_until(MsSimulation *simulation, int64_t until_ns)
{
    CHECK(until_ns >= 0);
    simulation->options.until_ns = until_ns;
}

void ms_simulation_set_max_events(MsSimulation *simulation, uint64_t max_events)
{
    simulation->options.max_events = max_events;
}

void ms_simulation_add_trace(MsSimulation *simulation, MsTraceLevel level, MsTraceWrite *write,
                             void *user)
{
    CHECK(simulation->trace_count < LIBRARY_TRACES_MAXIMUM && simulation->run == NULL);
    simulation->traces[simulation->trace_count++] =
        (RequestedTrace){(TraceLevel)level, write, user, NULL};
}

static void write_trace(void *owner, Span bytes)
{
    const RequestedTrace *requested = owner;
    requested->write(requested->user, bytes.data, bytes.length);
}

static void open_traces(MsSimulation *simulation, const char *start)
{
    for (size_t i = 0; i < simulation->trace_count; i++) {
        RequestedTrace *requested = &simulation->traces[i];
        NdjsonHeader header = run_ndjson_header(simulation->run, requested->level, start);
        requested->writer = ndjson_writer_new(simulation_trace(simulation->run->simulation),
                                              &header, (NdjsonOutput){write_trace, requested});
    }
}

MsResult ms_simulation_run(MsSimulation *simulation)
{
    CHECK(simulation->run == NULL);
    simulation->run = run_new(simulation->scenario, &simulation->options);
    g_autofree char *start = simulation_format_start(simulation->scenario);
    open_traces(simulation, start);
    bool is_balanced = run_play(simulation->run);
    for (size_t i = 0; i < simulation->trace_count; i++)
        ndjson_writer_flush(simulation->traces[i].writer);
    if (!is_balanced)
        return MS_RESULT_UNBALANCED;
    if (simulation->run->end == SIMULATOR_END_BUDGET)
        return MS_RESULT_BUDGET;
    return run_failures(simulation->run) > 0 ? MS_RESULT_FAILS : MS_RESULT_HOLDS;
}

size_t ms_simulation_expectation_count(const MsSimulation *simulation)
{
    return expectations_count(simulation->run->expectations);
}

bool ms_simulation_expectation_holds(const MsSimulation *simulation, size_t index)
{
    CHECK(index < expectations_count(simulation->run->expectations));
    return expectations_hold(simulation->run->expectations, index);
}

char *ms_simulation_expectation_text(const MsSimulation *simulation, size_t index)
{
    CHECK(index < expectations_count(simulation->run->expectations));
    return expectations_describe(simulation->run->expectations, index);
}

char *ms_simulation_facts(const MsSimulation *simulation)
{
    return facts_format_json(simulation->run->facts);
}

const char *ms_simulation_violation(const MsSimulation *simulation)
{
    const BooksViolation *violation = books_first_violation(simulation->run->books);
    return violation != NULL ? violation->text : NULL;
}
