/* A run: a simulation with the observers that every run has, the books and the facts, and the
 * scenario's expectations held against them. */
#pragma once

#include "audit/books.h"
#include "audit/facts.h"
#include "export/ndjson.h"
#include "scenario/expectations.h"
#include "scenario/simulation.h"
#include "scenario/topology.h"

typedef struct Run {
    const Scenario *scenario;
    Simulation *simulation;
    Facts *facts;
    Books *books;
    Expectations *expectations;
    Topology *topology; /* as the header of the trace tells it */
    SimTime until;      /* the end that the options set; SIM_NEVER: none */
    SimulatorEnd end;   /* after run_play; BUDGET too for an endless mail (audit/books.h) */
    bool is_disturbed;  /* by a fault or by programs outside */
} Run;

/* Builds the scenario, which is to outlive the run. Further sinks can then be added to the trace.
 */
Run *run_new(const Scenario *scenario, const SimulationOptions *options);
void run_free(Run *run);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Run, run_free)

/* Before run_play: mails of `traffic` that are delivered are summed up and forgotten, so that a run
 * of a million takes the memory of those under way and of the mailboxes. The facts then do not list
 * them, and those of `traffic` are the same. False, and nothing done, where what is done may come
 * back: where the timeline, a fault or a program outside does anything, or a disk may be full. */
bool run_forget_delivered(Run *run);
/* Plays it, once; false when the books do not balance, which is a bug of ours. The run ends at the
 * first violation (books_first_violation). */
bool run_play(Run *run);
/* After simulation_begin and simulation_advance by the caller: the rest of run_play. */
bool run_finish(Run *run, SimulatorEnd end);
/* Whether it was ended before the scenario would have: by a person, by a budget, or by an end that
 * the options set. Then nothing can be said of what it was to show. */
bool run_is_cut(const Run *run);
/* How many expectations do not hold. */
size_t run_failures(const Run *run);
/* The header of the run's trace at a level. `start`, as simulation_format_start gives it, is
 * borrowed. */
NdjsonHeader run_ndjson_header(const Run *run, TraceLevel level, const char *start);
