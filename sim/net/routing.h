/* Shortest paths through a graph of nodes and edges: which edge leads towards a destination.
 *
 * The length of a path is the sum of its edges' delays; of equal ones, the next node's name
 * decides (strcmp). Only nodes that forward may lie inside of a path. A node with one edge to a
 * forwarding node needs no routes of its own, and routes to it are those to its neighbour, so a
 * table has a row for each of the other nodes only. Rows are computed (Dijkstra) when they are
 * first asked for after a change, and depend on nothing but the graph. */
#pragma once

#include "core/simtime.h"

#include <stdbool.h>
#include <stdint.h>

#define ROUTING_NO_EDGE UINT32_MAX
#define ROUTING_NO_NODE UINT32_MAX

typedef struct Routing Routing;

Routing *routing_new(void);
void routing_free(Routing *routing);

/* Indices of nodes and of edges count up from 0. The name is borrowed. */
uint32_t routing_add_node(Routing *routing, const char *name, bool forwards);
uint32_t routing_add_edge(Routing *routing, uint32_t a, uint32_t b, SimTime delay_ns);
/* The graph is complete. */
void routing_finish(Routing *routing);

/* How long the edge takes from the end `from` to the other; both as given at first. */
void routing_set_delay(Routing *routing, uint32_t edge, uint32_t from, SimTime delay_ns);
/* Whether paths may use the edge from now on; they may at first. */
void routing_set_usable(Routing *routing, uint32_t edge, bool is_usable);

/* The edge to take at `from` towards `to`, another node, or ROUTING_NO_NODE: one that does not
 * exist. ROUTING_NO_EDGE: there is no path, as far as `from` can know. A node that does not forward
 * and has one edge always takes that. */
uint32_t routing_next_edge(Routing *routing, uint32_t from, uint32_t to);
