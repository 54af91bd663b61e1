/* The fault of the options: when it strikes, and what ends it. See simulation_internal.h. */
#include "scenario/simulation_internal.h"

/* A firewall resets every connection of the server; in the end it is as the scenario has it. */
static void fill_reset(Simulation *simulation, const ScenarioServer *server, ScenarioAction *strike,
                       ScenarioAction *end)
{
    const ScenarioRules *own = &simulation->scenario->network.firewall;
    GArray *rules = simulation->fault_end_rules;
    for (size_t i = 0; i < own->count; i++) {
        if (g_strcmp0(own->items[i].host.text, server->name.text) == 0)
            g_array_append_val(rules, own->items[i]);
    }
    simulation->fault_rule =
        (ScenarioRule){.action = FIREWALL_RESET, .protocol = FIREWALL_TCP, .port = SCENARIO_UNSET};
    strike->set_firewall.host.text = end->set_firewall.host.text = server->name.text;
    strike->set_firewall.rules = (ScenarioRules){&simulation->fault_rule, 1};
    end->set_firewall.rules = (ScenarioRules){(ScenarioRule *)(void *)rules->data, rules->len};
}

/* What the fault does, and what ends it. */
static void fill_fault(Simulation *simulation, ScenarioAction *strike, ScenarioAction *end)
{
    const SimulationFault *fault = &simulation->options.fault;
    const ScenarioServer *server = scenario_find_server(simulation->scenario, fault->server);
    *strike = (ScenarioAction){.kind = simulation_fault_action(fault->kind), .times = 1};
    *end = (ScenarioAction){.kind = simulation_fault_end(fault->kind), .times = 1};
    if (fault->kind == FAULT_RESET) {
        fill_reset(simulation, server, strike, end);
        return;
    }
    if (fault->kind == FAULT_LINK_DOWN) {
        simulation->fault_between[0].text = server->name.text;
        simulation->fault_between[1].text = server->router.text;
        strike->link.between = (ScenarioTexts){simulation->fault_between, 2};
        end->link.between = strike->link.between;
        return;
    }
    end->machine.host.text = server->name.text;
    if (strike->kind != ACTION_DISK_FAIL) {
        strike->machine.host.text = server->name.text;
        return;
    }
    strike->disk_fail.host.text = server->name.text;
    strike->disk_fail.failures = fault->kind == FAULT_DISK_ERROR ? 1 : SCENARIO_UNSET;
}

bool simulation_fault_has_struck(const Simulation *simulation)
{
    return simulation->fault_has_struck;
}

void simulation_strike(Simulation *simulation)
{
    simulation->fault_has_struck = true;
    ScenarioAction *strike = &simulation->fault_actions[0];
    ScenarioAction *end = &simulation->fault_actions[1];
    *simulator_cause(simulation->simulator) = (Cause){0};
    fill_fault(simulation, strike, end);
    PlannedAction planned = {.simulation = simulation, .action = strike};
    simulation_run_action(&planned, NULL);
    *simulator_cause(simulation->simulator) = (Cause){0};
    simulation->fault_end = (PlannedAction){.simulation = simulation, .action = end};
    simulation_plan_next(&simulation->fault_end,
                         simtime_add(simulator_now(simulation->simulator),
                                     simulation->options.fault.restart_after_ns));
}

static void on_disk_step(void *owner, uint64_t number, DiskMoment moment)
{
    Simulation *simulation = owner;
    const SimulationFault *fault = &simulation->options.fault;
    DiskMoment wanted = fault->point == FAULT_BEFORE_DISK_STEP ? DISK_BEFORE_STEP : DISK_AFTER_STEP;
    if (number != fault->number || moment != wanted)
        return;
    Cause step = *simulator_cause(simulation->simulator);
    simulation_strike(simulation);
    *simulator_cause(simulation->simulator) = step; /* the disk goes on, if it can */
}

uint64_t simulation_disk_steps(const Simulation *simulation, const char *server)
{
    return mail_server_disk_steps(simulation_find_server(simulation, server)->server);
}

uint64_t simulation_disk_used(const Simulation *simulation, const char *server)
{
    return mail_server_disk_used(simulation_find_server(simulation, server)->server);
}

void simulation_watch_disk(Simulation *simulation)
{
    const SimulationFault *fault = &simulation->options.fault;
    if (fault->number > 0 && fault->point != FAULT_AFTER_EVENT)
        mail_server_watch_disk(simulation_find_server(simulation, fault->server)->server,
                               (DiskWatcher){on_disk_step, simulation});
}
