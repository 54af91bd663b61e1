/* Simulations: a scenario played in virtual time. A run is a pure function of scenario, seed and
 * version; any number of simulations can be there at once, each used by one thread. */
#pragma once

#include "mailsim/api.h"
#include "mailsim/scenario.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct MsSimulation MsSimulation;

/* How much a trace holds; each level holds those before it. */
typedef enum MsTraceLevel {
    MS_TRACE_MAIL,     /* what happens to messages and machines */
    MS_TRACE_PROTOCOL, /* each line of a dialogue */
    MS_TRACE_SEGMENT,  /* each packet and hop */
} MsTraceLevel;

/* Takes the next bytes of a trace in NDJSON (scenarios/TRACE.md). */
typedef void MsTraceWrite(void *user, const void *bytes, size_t length);

/* How a run ended. */
typedef enum MsResult {
    MS_RESULT_HOLDS,      /* all expectations of the scenario hold */
    MS_RESULT_FAILS,      /* some do not */
    MS_RESULT_BUDGET,     /* the limit of events was reached */
    MS_RESULT_UNBALANCED, /* a bug of mailsim: mail was lost or made up; see ms_simulation_violation
                           */
} MsResult;

/* The scenario is to outlive the simulation. */
MS_API MsSimulation *ms_simulation_new(const MsScenario *scenario);
MS_API void ms_simulation_free(MsSimulation *simulation);

/* Before the run: another seed than the scenario's (not negative), an end in nanoseconds after the
 * start, a limit on events, and any number of traces (at most 8). */
MS_API void ms_simulation_set_seed(MsSimulation *simulation, int64_t seed);
MS_API void ms_simulation_set_until(MsSimulation *simulation, int64_t until_ns);
MS_API void ms_simulation_set_max_events(MsSimulation *simulation, uint64_t max_events);
MS_API void ms_simulation_add_trace(MsSimulation *simulation, MsTraceLevel level,
                                    MsTraceWrite *write, void *user);

/* Plays the scenario, once. */
MS_API MsResult ms_simulation_run(MsSimulation *simulation);

/* After the run. Expectations are numbered as in the scenario. */
MS_API size_t ms_simulation_expectation_count(const MsSimulation *simulation);
MS_API bool ms_simulation_expectation_holds(const MsSimulation *simulation, size_t index);
/* "mail lunch: attempts is 3", to be released with ms_free_text. */
MS_API char *ms_simulation_expectation_text(const MsSimulation *simulation, size_t index);
/* All facts of the run as JSON, to be released with ms_free_text. */
MS_API char *ms_simulation_facts(const MsSimulation *simulation);
/* Why the result is MS_RESULT_UNBALANCED, in a sentence; NULL otherwise. Borrowed. */
MS_API const char *ms_simulation_violation(const MsSimulation *simulation);
