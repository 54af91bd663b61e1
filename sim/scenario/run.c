/* A run: a simulation with its observers. See run.h. */
#include "scenario/run.h"

#include "scenario/traffic_facts.h"

Run *run_new(const Scenario *scenario, const SimulationOptions *options)
{
    Run *run = g_new0(Run, 1);
    run->scenario = scenario;
    run->until = options->until_ns != SCENARIO_UNSET ? options->until_ns : SIM_NEVER;
    run->is_disturbed = options->fault.number > 0 || options->outside != NULL;
    run->simulation = simulation_new(scenario, options);
    Trace *trace = simulation_trace(run->simulation);
    g_autoptr(Roster) roster = roster_new();
    run->books = books_new(trace, roster);
    books_stop_at_violation(run->books);
    for (size_t i = 0; i < scenario->servers.count; i++) {
        if (scenario->servers.items[i].smtp.bare_newlines == NEWLINE_CHOICE_ACCEPT)
            books_trust_server(run->books, scenario->servers.items[i].name.text);
        if (scenario->servers.items[i].smtp.final_reply == FINAL_REPLY_CHOICE_BEFORE_SYNC)
            books_expect_loss(run->books, scenario->servers.items[i].name.text);
    }
    run->facts = facts_new(trace, roster);
    run->expectations = expectations_new(scenario, run->facts);
    run->topology = topology_new(scenario);
    facts_start(run->facts, TRACE_LEVEL_SEGMENT);
    return run;
}

void run_free(Run *run)
{
    topology_free(run->topology);
    expectations_free(run->expectations);
    facts_free(run->facts);
    books_free(run->books);
    simulation_free(run->simulation);
    g_free(run);
}

static bool has_limited_disk(const Scenario *scenario)
{
    for (size_t i = 0; i < scenario->servers.count; i++) {
        if (scenario->servers.items[i].disk.size != SCENARIO_UNSET)
            return true;
    }
    return false;
}

bool run_forget_delivered(Run *run)
{
    const Scenario *scenario = run->scenario;
    if (scenario->timeline.count > 0 || run->is_disturbed || has_limited_disk(scenario))
        return false;
    for (size_t i = 0; i < scenario->traffic.count; i++)
        facts_sum_up(run->facts, scenario->traffic.items[i].name.text, traffic_owns);
    books_forget_delivered(run->books);
    return true;
}

/* What goes round without an end has used up what one mail may. */
static SimulatorEnd end_of(const Run *run, SimulatorEnd end)
{
    bool is_endless = end == SIMULATOR_END_STOPPED && books_endless_mail(run->books) != NULL;
    return is_endless ? SIMULATOR_END_BUDGET : end;
}

bool run_play(Run *run)
{
    run->end = end_of(run, simulation_run(run->simulation));
    return books_check_end(run->books);
}

bool run_finish(Run *run, SimulatorEnd end)
{
    run->end = end_of(run, end);
    simulation_end(run->simulation, end);
    return books_check_end(run->books);
}

bool run_is_cut(const Run *run)
{
    SimTime own_end =
        run->scenario->until_ns != SCENARIO_UNSET ? run->scenario->until_ns : SIM_NEVER;
    bool is_unfinished = run->end == SIMULATOR_END_UNTIL && run->until < own_end &&
                         !simulator_is_quiet(simulation_simulator(run->simulation));
    return run->end == SIMULATOR_END_STOPPED || run->end == SIMULATOR_END_BUDGET || is_unfinished;
}

size_t run_failures(const Run *run)
{
    size_t failures = 0;
    for (size_t i = 0; i < expectations_count(run->expectations); i++)
        failures += !expectations_hold(run->expectations, i);
    return failures;
}

NdjsonHeader run_ndjson_header(const Run *run, TraceLevel level, const char *start)
{
    return (NdjsonHeader){
        .title = local_text_choose(&run->scenario->title, "en"),
        .start = start,
        .scenario_sha256 = run->scenario->sha256,
        .seed = simulator_seed(simulation_simulator(run->simulation)),
        .level = level,
        .nodes = run->topology->nodes,
        .node_count = run->topology->node_count,
        .links = run->topology->links,
        .link_count = run->topology->link_count,
    };
}
