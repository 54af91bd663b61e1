/* One scenario before the judge. See trial.h. */
#include "torture/trial.h"

#include "scenario/reader.h"
#include "torture/swarm.h"

void trial_result_clear(TrialResult *result)
{
    g_clear_pointer(&result->defect, g_free);
}

static TrialResult play(const Scenario *scenario, const SimulationOptions *options)
{
    TrialResult result = {.is_readable = true, .is_healed = swarm_is_healed(scenario)};
    g_autoptr(Run) run = run_new(scenario, options);
    g_autoptr(Judge) judge = judge_new(run);
    MarksObserver *observer = marks_observer_new(simulation_trace(run->simulation));
    result.defect = judge_find_defect(judge, run_play(run), &result.kind);
    result.marks = marks_observer_take(observer);
    result.is_plain = result.kind == DEFECT_BOOKS || run_failures(run) > 0;
    result.events = simulator_event_count(simulation_simulator(run->simulation));
    result.mails = facts_mail_count(run->facts);
    return result;
}

TrialResult trial_play(const Scenario *scenario)
{
    SimulationOptions options = {
        .seed = SCENARIO_UNSET, .until_ns = SCENARIO_UNSET, .max_events = JUDGE_EVENTS_MAX};
    return play(scenario, &options);
}

TrialResult trial_play_with_fault(const Scenario *scenario, const SimulationFault *fault)
{
    SimulationOptions options = {.seed = SCENARIO_UNSET,
                                 .until_ns = SIM_NEVER,
                                 .max_events = JUDGE_EVENTS_MAX,
                                 .fault = *fault};
    return play(scenario, &options);
}

uint64_t trial_count_points(const Scenario *scenario, uint64_t *disk_steps)
{
    SimulationOptions options = {
        .seed = SCENARIO_UNSET, .until_ns = SIM_NEVER, .max_events = JUDGE_EVENTS_MAX};
    g_autoptr(Run) run = run_new(scenario, &options);
    run_play(run);
    for (size_t i = 0; i < scenario->servers.count; i++)
        disk_steps[i] =
            simulation_disk_steps(run->simulation, scenario->servers.items[i].name.text);
    return simulator_event_count(simulation_simulator(run->simulation));
}

TrialResult trial_play_text(const char *text)
{
    g_autoptr(Diagnostics) diagnostics = diagnostics_new();
    g_autoptr(Scenario) scenario =
        scenario_read_bytes("torture.yaml", span_of_text(text), diagnostics);
    return scenario != NULL ? trial_play(scenario) : (TrialResult){0};
}
