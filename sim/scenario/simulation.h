/* A simulation: a scenario built into a network of running programs, and played.
 *
 *     Simulation *simulation = simulation_new(scenario, &options);
 *     trace_add_sink(simulation_trace(simulation), …);    sinks before the run
 *     simulation_run(simulation);
 *     simulation_free(simulation);
 *
 * Nothing is global: many simulations can be there at once. */
#pragma once

#include "core/simulator.h"
#include "node/gateway.h"
#include "scenario/fault.h"
#include "scenario/model.h"
#include "trace/trace.h"

typedef struct Simulation Simulation;

/* Programs outside take part (node/gateway.h). Borrowed, and outlives the simulation. */
typedef struct SimulationOutside {
    char **domains; /* those whose servers are such programs, NULL at the end; none is a host */
    const GatewayInput *inputs; /* of a recorded session, in order of time; or NULL */
    size_t input_count;
} SimulationOutside;

typedef struct SimulationOptions {
    int64_t seed;        /* SCENARIO_UNSET: the scenario's */
    int64_t until_ns;    /* SCENARIO_UNSET: the scenario's */
    uint64_t max_events; /* 0: no limit */
    SimulationFault fault;
    EventQueueKind queue;             /* the run is the same with each */
    const SimulationOutside *outside; /* NULL: the simulation is by itself */
} SimulationOptions;

/* The scenario has been checked, and outlives the simulation. */
Simulation *simulation_new(const Scenario *scenario, const SimulationOptions *options);
void simulation_free(Simulation *simulation);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Simulation, simulation_free)

Trace *simulation_trace(const Simulation *simulation);
Simulator *simulation_simulator(const Simulation *simulation);
/* How many steps the disk of this server has taken: see SimulationFault. The server exists. */
uint64_t simulation_disk_steps(const Simulation *simulation, const char *server);
/* Octets of all files on its disk. The server exists. */
uint64_t simulation_disk_used(const Simulation *simulation, const char *server);
/* After the run: whether it came as far as the point at which the fault of the options strikes. */
bool simulation_fault_has_struck(const Simulation *simulation);
/* When it ends at the latest; SIM_NEVER: when nothing is left to happen. */
SimTime simulation_until(const Simulation *simulation);

/* Plays the scenario to its end, once: from timeline.begin to timeline.end and the final
 * inventory of every server's disk. */
SimulatorEnd simulation_run(Simulation *simulation);
/* The same in three steps, for who feeds the gateway while it runs: begins, goes on within the
 * limits as often as wanted, ends. */
void simulation_begin(Simulation *simulation);
SimulatorEnd simulation_advance(Simulation *simulation, SimulatorLimits limits);
void simulation_end(Simulation *simulation, SimulatorEnd end);
/* NULL without SimulationOptions.outside. */
Gateway *simulation_gateway(const Simulation *simulation);

/* After the run: the actions that nothing came of, since they were idle (a crash of what is down)
 * or waited (`when`) for what did not happen; each with the reason in a line of text; to unref. */
GPtrArray *simulation_list_unmet(const Simulation *simulation);

/* "2026-03-02T09:00:00+09:00": the wall clock of time zero, to free. */
char *simulation_format_start(const Scenario *scenario);

/* The name of an agent's machine: PERSON.AGENT. To free. */
char *simulation_agent_host_name(const ScenarioPerson *person, const ScenarioAgent *agent);
/* The machine that answers look-ups. */
#define SIMULATION_NAME_SERVER "nameserver"
