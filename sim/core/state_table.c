/* State machines as data. See state_table.h. */
#include "core/state_table.h"

#include <glib.h>

bool state_table_allows(const StateTable *table, uint8_t from, uint8_t to)
{
    for (uint8_t event = 0; event < table->event_count; event++) {
        const StateCell *cell = state_table_cell(table, from, event);
        if (cell->section != NULL && cell->next == to)
            return true;
    }
    return false;
}

static char *cell_find_defect(const StateTable *table, uint8_t state, uint8_t event)
{
    const StateCell *cell = state_table_cell(table, state, event);
    const char *what = NULL;
    if (cell->section == NULL)
        what = "is not filled";
    else if (cell->next >= table->state_count)
        what = "leads to a state that does not exist";
    else if (cell->action >= table->action_count)
        what = "names an action that does not exist";
    if (what == NULL)
        return NULL;
    return g_strdup_printf("%s: [%s][%s] %s", table->name, table->states[state],
                           table->events[event], what);
}

char *state_table_find_defect(const StateTable *table)
{
    for (uint8_t state = 0; state < table->state_count; state++) {
        for (uint8_t event = 0; event < table->event_count; event++) {
            char *defect = cell_find_defect(table, state, event);
            if (defect != NULL)
                return defect;
        }
    }
    return NULL;
}
