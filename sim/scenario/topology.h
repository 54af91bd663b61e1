/* The network of a scenario as the header of its trace tells it: who is there, and what joins them.
 */
#pragma once

#include "export/ndjson.h"
#include "scenario/model.h"

/* Nodes: the routers, the homes' routers, the name server, the servers, the agents. Read only. */
typedef struct Topology {
    NdjsonNode *nodes;
    NdjsonLink *links;
    size_t node_count, link_count;
    GStringChunk *texts;
} Topology;

/* Borrows texts of the scenario, which outlives it. */
Topology *topology_new(const Scenario *scenario);
void topology_free(Topology *topology);
