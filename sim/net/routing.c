/* Shortest paths. See routing.h. */
#include "net/routing.h"

#include "core/check.h"

#include <glib.h>
#include <string.h>

#define NO_ROW UINT32_MAX

typedef struct RoutingEdge {
    uint32_t ends[2];
    SimTime delays_ns[2]; /* from each end to the other */
    bool is_usable;
} RoutingEdge;

typedef struct RoutingNode {
    const char *name;
    bool forwards;
    GArray *edges; /* uint32_t: indices of edges */
    uint32_t row;  /* in the tables; NO_ROW: a leaf */
} RoutingNode;

struct Routing {
    GArray *nodes;    /* RoutingNode */
    GArray *edges;    /* RoutingEdge */
    GArray *inner;    /* uint32_t: the nodes that have rows, by row */
    uint32_t **rows;  /* by destination's row: next edge by source's row; NULL: not computed */
    SimTime *lengths; /* by row, while one is computed */
    bool *is_settled; /* the same */
};

static RoutingNode *node_at(const Routing *routing, uint32_t index)
{
    CHECK(index < routing->nodes->len);
    return &g_array_index(routing->nodes, RoutingNode, index);
}

static RoutingEdge *edge_at(const Routing *routing, uint32_t index)
{
    CHECK(index < routing->edges->len);
    return &g_array_index(routing->edges, RoutingEdge, index);
}

static uint32_t edge_other_end(const RoutingEdge *edge, uint32_t node)
{
    return edge->ends[edge->ends[0] == node];
}

static SimTime edge_delay_from(const RoutingEdge *edge, uint32_t node)
{
    return edge->delays_ns[edge->ends[0] != node];
}

static uint32_t inner_at(const Routing *routing, uint32_t row)
{
    return g_array_index(routing->inner, uint32_t, row);
}

static void node_clear(void *node)
{
    g_array_unref(((RoutingNode *)node)->edges);
}

Routing *routing_new(void)
{
    Routing *routing = g_new0(Routing, 1);
    routing->nodes = g_array_new(FALSE, FALSE, sizeof(RoutingNode));
    g_array_set_clear_func(routing->nodes, node_clear);
    routing->edges = g_array_new(FALSE, FALSE, sizeof(RoutingEdge));
    routing->inner = g_array_new(FALSE, FALSE, sizeof(uint32_t));
    return routing;
}

static void rows_clear(Routing *routing)
{
    for (uint32_t row = 0; routing->rows != NULL && row < routing->inner->len; row++)
        g_clear_pointer(&routing->rows[row], g_free);
}

void routing_free(Routing *routing)
{
    rows_clear(routing);
    g_free(routing->rows);
    g_free(routing->lengths);
    g_free(routing->is_settled);
    g_array_unref(routing->nodes);
    g_array_unref(routing->edges);
    g_array_unref(routing->inner);
    g_free(routing);
}

uint32_t routing_add_node(Routing *routing, const char *name, bool forwards)
{
    RoutingNode node = {name, forwards, g_array_new(FALSE, FALSE, sizeof(uint32_t)), NO_ROW};
    g_array_append_val(routing->nodes, node);
    return routing->nodes->len - 1;
}

uint32_t routing_add_edge(Routing *routing, uint32_t a, uint32_t b, SimTime delay_ns)
{
    CHECK(a != b && delay_ns > 0 && routing->rows == NULL);
    RoutingEdge edge = {{a, b}, {delay_ns, delay_ns}, true};
    uint32_t index = routing->edges->len;
    g_array_append_val(routing->edges, edge);
    g_array_append_val(node_at(routing, a)->edges, index);
    g_array_append_val(node_at(routing, b)->edges, index);
    return index;
}

/* The only edge of a node that has one edge, to a forwarding node; NULL: it has a row. */
static const RoutingEdge *leaf_edge(const Routing *routing, uint32_t index)
{
    const RoutingNode *node = node_at(routing, index);
    if (node->forwards || node->edges->len != 1)
        return NULL;
    const RoutingEdge *edge = edge_at(routing, g_array_index(node->edges, uint32_t, 0));
    return node_at(routing, edge_other_end(edge, index))->forwards ? edge : NULL;
}

void routing_finish(Routing *routing)
{
    CHECK(routing->rows == NULL);
    for (uint32_t index = 0; index < routing->nodes->len; index++) {
        if (leaf_edge(routing, index) == NULL) {
            node_at(routing, index)->row = routing->inner->len;
            g_array_append_val(routing->inner, index);
        }
    }
    routing->rows = g_new0(uint32_t *, routing->inner->len + 1);
    routing->lengths = g_new0(SimTime, routing->inner->len + 1);
    routing->is_settled = g_new0(bool, routing->inner->len + 1);
}

void routing_set_delay(Routing *routing, uint32_t edge, uint32_t from, SimTime delay_ns)
{
    CHECK(delay_ns > 0);
    RoutingEdge *changed = edge_at(routing, edge);
    changed->delays_ns[changed->ends[0] != from] = delay_ns;
    rows_clear(routing);
}

void routing_set_usable(Routing *routing, uint32_t edge, bool is_usable)
{
    edge_at(routing, edge)->is_usable = is_usable;
    rows_clear(routing);
}

/* Shortens the paths of the neighbours of `settled` by going through it. */
static void neighbours_relax(Routing *routing, uint32_t settled)
{
    const RoutingNode *node = node_at(routing, settled);
    for (guint i = 0; i < node->edges->len; i++) {
        const RoutingEdge *edge = edge_at(routing, g_array_index(node->edges, uint32_t, i));
        uint32_t neighbour = edge_other_end(edge, settled);
        uint32_t row = node_at(routing, neighbour)->row;
        if (row == NO_ROW || !edge->is_usable)
            continue;
        SimTime length = simtime_add(routing->lengths[node->row], edge_delay_from(edge, neighbour));
        routing->lengths[row] = MIN(routing->lengths[row], length);
    }
}

/* The unsettled row with the shortest path, or NO_ROW when none can be reached. A plain scan: the
 * inner nodes are routers, of which there are few. */
static uint32_t nearest_unsettled(const Routing *routing)
{
    uint32_t nearest = NO_ROW;
    for (uint32_t row = 0; row < routing->inner->len; row++) {
        if (routing->is_settled[row] || routing->lengths[row] == SIM_NEVER)
            continue;
        if (nearest == NO_ROW || routing->lengths[row] < routing->lengths[nearest])
            nearest = row;
    }
    return nearest;
}

/* Lengths of the shortest paths from every inner node to `destination`. */
static void lengths_compute(Routing *routing, uint32_t destination)
{
    for (uint32_t row = 0; row < routing->inner->len; row++) {
        routing->lengths[row] = SIM_NEVER;
        routing->is_settled[row] = false;
    }
    routing->lengths[node_at(routing, destination)->row] = 0;
    for (uint32_t row; (row = nearest_unsettled(routing)) != NO_ROW;) {
        routing->is_settled[row] = true;
        uint32_t settled = inner_at(routing, row);
        if (settled == destination || node_at(routing, settled)->forwards)
            neighbours_relax(routing, settled);
    }
}

/* The best edge at `from`, by the lengths computed for `destination`. */
static uint32_t best_edge(const Routing *routing, uint32_t from, uint32_t destination)
{
    const RoutingNode *node = node_at(routing, from);
    uint32_t best = ROUTING_NO_EDGE;
    SimTime best_length = SIM_NEVER;
    const char *best_name = NULL;
    for (guint i = 0; i < node->edges->len; i++) {
        uint32_t index = g_array_index(node->edges, uint32_t, i);
        const RoutingEdge *edge = edge_at(routing, index);
        uint32_t next_index = edge_other_end(edge, from);
        const RoutingNode *next = node_at(routing, next_index);
        if (!edge->is_usable || next->row == NO_ROW ||
            !(next->forwards || next_index == destination))
            continue;
        SimTime length = simtime_add(routing->lengths[next->row], edge_delay_from(edge, from));
        bool is_better = length < best_length || (length == best_length && length != SIM_NEVER &&
                                                  strcmp(next->name, best_name) < 0);
        if (is_better) {
            best = index;
            best_length = length;
            best_name = next->name;
        }
    }
    return best;
}

static const uint32_t *row_towards(Routing *routing, uint32_t destination)
{
    uint32_t **row = &routing->rows[node_at(routing, destination)->row];
    if (*row == NULL) {
        lengths_compute(routing, destination);
        *row = g_new(uint32_t, routing->inner->len);
        for (uint32_t source = 0; source < routing->inner->len; source++)
            (*row)[source] = best_edge(routing, inner_at(routing, source), destination);
    }
    return *row;
}

uint32_t routing_next_edge(Routing *routing, uint32_t from, uint32_t to)
{
    CHECK(routing->rows != NULL && from != to);
    const RoutingNode *node = node_at(routing, from);
    if (node->edges->len == 1 && !node->forwards)
        return g_array_index(node->edges, uint32_t, 0);
    if (to == ROUTING_NO_NODE)
        return ROUTING_NO_EDGE;
    const RoutingNode *target = node_at(routing, to);
    if (target->row == NO_ROW) {
        uint32_t last_index = g_array_index(target->edges, uint32_t, 0);
        const RoutingEdge *last = edge_at(routing, last_index);
        to = edge_other_end(last, to);
        if (from == to)
            return last->is_usable ? last_index : ROUTING_NO_EDGE;
    }
    return row_towards(routing, to)[node->row];
}
