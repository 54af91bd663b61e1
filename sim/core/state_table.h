/* A protocol's state machine as data: [state][event] -> {next state, action, reply, section}.
 *
 * The engine runs from the table, the tests walk it, `mailsim states` prints it. Each machine
 * declares its own enums for states, events and actions; the table names them by index. */
#pragma once

#include "core/check.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct StateCell {
    uint8_t next;   /* the state after the transition */
    uint8_t action; /* index into StateTable.actions; what the engine does */
    uint16_t
        reply; /* reply code that this cell itself sends; 0 when it sends none or a chosen one */
    const char
        *section; /* where it is specified, such as "RFC 5321 §4.1.4"; NULL: cell not filled */
} StateCell;

typedef struct StateTable {
    const char *name;           /* as `mailsim states NAME` takes it: "smtp-server" */
    const char *title;          /* one line for people: "SMTP server side" */
    const char *source;         /* the specification: "RFC 5321 §4.1, §4.3" */
    const char *const *states;  /* names, as the scenario's `enters:` takes them */
    const char *const *events;  /* names */
    const char *const *actions; /* names; what happens, in a few words */
    uint8_t state_count, event_count, action_count;
    uint8_t initial;        /* the first state */
    const StateCell *cells; /* state_count * event_count, row by row */
} StateTable;

/* The cell for `event` in `state`; the table has every cell filled (tests prove it). */
static inline const StateCell *state_table_cell(const StateTable *table, uint8_t state,
                                                uint8_t event)
{
    CHECK(state < table->state_count && event < table->event_count);
    return &table->cells[state * table->event_count + event];
}
/* True when some cell leads from `from` to `to`. */
bool state_table_allows(const StateTable *table, uint8_t from, uint8_t to);
/* The first defect, such as an unfilled cell or an index out of range, as text to free, or NULL. */
char *state_table_find_defect(const StateTable *table);
