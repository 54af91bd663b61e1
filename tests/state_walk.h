/* A walk over a state table: each cell that can happen is made to happen. */
#pragma once

#include "core/state_table.h"

#include <string.h>

/* Brings an engine into the state, causes the input, and looks whether what happens is what the
 * cell says; false when nothing outside of the engine can cause it. */
typedef bool (*StateWalker)(uint8_t state, uint8_t input, const StateCell *cell);

typedef struct StateWalk {
    unsigned walked, impossible; /* cells; the others could not be caused */
} StateWalk;

static inline StateWalk walk_cells(const StateTable *table, StateWalker walker)
{
    StateWalk walk = {0};
    for (uint8_t state = 0; state < table->state_count; state++) {
        for (uint8_t input = 0; input < table->event_count; input++) {
            const StateCell *cell = state_table_cell(table, state, input);
            if (strcmp(table->actions[cell->action], "cannot happen") == 0)
                walk.impossible++;
            else if (walker(state, input, cell))
                walk.walked++;
        }
    }
    return walk;
}
