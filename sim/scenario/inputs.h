/* The inputs of a live session, as `mailsim live --record` writes them: its trace with the records
 * timeline.outside, timeline.connect, .data, .room, .close, .reset and .stop; a whole trace of the
 * session at level segment serves as well, since other records are passed over. Played again with
 * the same scenario they give the same run.
 *
 * The file is hostile input: at most INPUTS_FILE_MAXIMUM octets, each line one JSON object
 * (export/ndjson_reader.h), times that never go back. */
#pragma once

#include "node/gateway.h"
#include "scenario/diagnostics.h"
#include "scenario/model.h"
#include "scenario/simulation.h"
#include "trace/trace.h"

enum {
    INPUTS_FILE_MAXIMUM = 256 * 1024 * 1024,
    INPUTS_DOMAINS_MAXIMUM = 100,
};

typedef struct Inputs {
    int64_t seed;
    char *scenario_sha256;
    char **domains; /* NULL at the end */
    GArray *items;  /* GatewayInput */
} Inputs;

/* NULL when the file is wrong: `diagnostics` says where. */
Inputs *inputs_read_file(const char *path, Diagnostics *diagnostics);
Inputs *inputs_read_bytes(const char *name, Span bytes, Diagnostics *diagnostics);
void inputs_free(Inputs *inputs);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Inputs, inputs_free)

/* Why the scenario is not the one that the inputs were recorded with, to free; NULL: it is. */
char *inputs_find_misfit(const Inputs *inputs, const Scenario *scenario);
/* Why the domain cannot be one of programs outside, to free; NULL: it can. */
char *inputs_find_domain_defect(const Scenario *scenario, const char *domain);
/* The node that has the name of the host of programs outside, so that none can take part; or NULL.
 */
const ScenarioText *inputs_find_name_taken(const Scenario *scenario);
/* For the options of a simulation; borrowed. */
SimulationOutside inputs_outside(const Inputs *inputs);

/* Whether a recording holds records of that kind. */
bool inputs_kind_is_input(TraceKind kind);
