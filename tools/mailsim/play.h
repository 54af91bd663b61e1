/* Playing a scenario with the observers that every run has: the books and the facts. */
#pragma once

#include "audit/books.h"
#include "audit/facts.h"
#include "export/ndjson.h"
#include "scenario/expectations.h"
#include "scenario/simulation.h"

typedef struct Play {
    Scenario *scenario;
    Simulation *simulation;
    Facts *facts;
    Books *books;
    Expectations *expectations;
    SimulatorEnd end; /* after play_run */
} Play;

/* Reads the file and builds its simulation; NULL, with the errors told on standard error, when it
 * is wrong. Further sinks can then be added to the trace. */
Play *play_new(const char *path, const SimulationOptions *options);
void play_free(Play *play);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Play, play_free)

/* Plays it. A violation of the books is a bug: it is told on standard error, with the command that
 * replays it, and false is returned. */
bool play_run(Play *play, const char *path);
/* How many expectations do not hold. */
size_t play_failures(const Play *play);

/* The header of the play's trace at a level; `start` is kept by the caller until it is written. */
NdjsonHeader play_ndjson_header(const Play *play, TraceLevel level, const char *start);

/* Reads "2 h" or "90 s" of an option; false, with the error told, when it is none. */
bool play_parse_time(const char *option, const char *text, int64_t *time_ns);
