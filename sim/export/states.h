/* A protocol's state table for people: as text, and as a graph for Graphviz. It is the very table
 * that the engine runs from. */
#pragma once

#include "core/state_table.h"

#include <glib.h>

/* Appends one block a state: events that are treated alike, the next state where it is another, the
 * reply, what the engine does, and where that is specified; what cannot happen comes last. */
void states_write_text(const StateTable *table, GString *out);
/* Appends a digraph in the DOT language: one edge for each pair of states, labelled with the events
 * that lead from one to the other; one dashed edge for events that lead to a state from most
 * others. Events that stay in a state are left out. */
void states_write_dot(const StateTable *table, GString *out);
