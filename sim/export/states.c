/* A protocol's state table for people. See states.h. */
#include "export/states.h"

#include <string.h>

#define STATES_IMPOSSIBLE "cannot happen"

enum { STATES_WIDTH = 96, STATES_INDENT = 2, STATES_DETAIL_INDENT = 6 };

/* Cells that are alike are told together: same next state, action, reply and source. */
static bool cells_are_alike(const StateCell *a, const StateCell *b)
{
    return a->next == b->next && a->action == b->action && a->reply == b->reply &&
           g_strcmp0(a->section, b->section) == 0;
}

/* The tables say of a cell that no client, node or clock can bring about: it cannot happen. */
static bool cell_is_impossible(const StateTable *table, const StateCell *cell)
{
    return strcmp(table->actions[cell->action], STATES_IMPOSSIBLE) == 0;
}

/* Appends words with commas between, going on below, indented, where a line is full. */
static void write_list(GPtrArray *words, const char *head, const char *tail, GString *out)
{
    int column = g_snprintf(NULL, 0, "%*s%s", STATES_INDENT, "", head);
    g_string_append_printf(out, "%*s%s", STATES_INDENT, "", head);
    for (guint i = 0; i < words->len; i++) {
        const char *word = g_ptr_array_index(words, i);
        const char *separator = i + 1 < words->len ? ", " : tail;
        int length = (int)(g_utf8_strlen(word, -1) + g_utf8_strlen(separator, -1));
        if (column + length > STATES_WIDTH) {
            g_string_truncate(out, out->len - 1); /* the space behind the comma */
            g_string_append_printf(out, "\n%*s", STATES_INDENT, "");
            column = STATES_INDENT;
        }
        g_string_append_printf(out, "%s%s", word, separator);
        column += length;
    }
    g_string_append_c(out, '\n');
}

/* One block for all events whose cell is like that of `first`: the events and the next state, then
 * the reply, what the engine does, and where that is specified. */
static void write_group(const StateTable *table, uint8_t state, uint8_t first, GString *out)
{
    const StateCell *cell = state_table_cell(table, state, first);
    g_autoptr(GPtrArray) events = g_ptr_array_new();
    for (uint8_t event = first; event < table->event_count; event++) {
        if (cells_are_alike(cell, state_table_cell(table, state, event)))
            g_ptr_array_add(events, (gpointer)(uintptr_t)table->events[event]);
    }
    g_autofree char *next =
        cell->next == state ? g_strdup("") : g_strdup_printf(" -> %s", table->states[cell->next]);
    write_list(events, "", next, out);
    g_string_append_printf(out, "%*s", STATES_DETAIL_INDENT, "");
    if (cell->reply != 0)
        g_string_append_printf(out, "%u: ", cell->reply);
    g_string_append_printf(out, "%s (%s)\n", table->actions[cell->action],
                           cell->section != NULL ? cell->section : "");
}

static bool is_first_of_group(const StateTable *table, uint8_t state, uint8_t event)
{
    const StateCell *cell = state_table_cell(table, state, event);
    for (uint8_t earlier = 0; earlier < event; earlier++) {
        if (cells_are_alike(cell, state_table_cell(table, state, earlier)))
            return false;
    }
    return true;
}

static void write_impossible(const StateTable *table, uint8_t state, GString *out)
{
    g_autoptr(GPtrArray) events = g_ptr_array_new();
    for (uint8_t event = 0; event < table->event_count; event++) {
        if (cell_is_impossible(table, state_table_cell(table, state, event)))
            g_ptr_array_add(events, (gpointer)(uintptr_t)table->events[event]);
    }
    if (events->len > 0)
        write_list(events, STATES_IMPOSSIBLE ": ", "", out);
}

void states_write_text(const StateTable *table, GString *out)
{
    g_string_append_printf(out, "%s: %s\nSource: %s\nFirst state: %s\n", table->name, table->title,
                           table->source, table->states[table->initial]);
    for (uint8_t state = 0; state < table->state_count; state++) {
        g_string_append_printf(out, "\n%s\n", table->states[state]);
        for (uint8_t event = 0; event < table->event_count; event++) {
            if (!cell_is_impossible(table, state_table_cell(table, state, event)) &&
                is_first_of_group(table, state, event))
                write_group(table, state, event, out);
        }
        write_impossible(table, state, out);
    }
}
