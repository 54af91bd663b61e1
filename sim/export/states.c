/* A protocol's state table for people. See states.h. */
#include "export/states.h"

#include <string.h>

static int longest(const char *const *names, size_t count, size_t least)
{
    size_t columns = least;
    for (size_t i = 0; i < count; i++)
        columns = MAX(columns, strlen(names[i]));
    return (int)columns;
}

typedef struct Columns {
    int event, next, action;
} Columns;

static void write_cell(const StateTable *table, uint8_t state, uint8_t event, Columns columns,
                       GString *out)
{
    const StateCell *cell = state_table_cell(table, state, event);
    char reply[8] = "-";
    if (cell->reply != 0)
        g_snprintf(reply, sizeof reply, "%u", cell->reply);
    g_string_append_printf(out, "  %-*s  %-5s  %-*s  %-*s  %s\n", columns.event,
                           table->events[event], reply, columns.next, table->states[cell->next],
                           columns.action, table->actions[cell->action],
                           cell->section != NULL ? cell->section : "");
}

void states_write_text(const StateTable *table, GString *out)
{
    Columns columns = {longest(table->events, table->event_count, strlen("event")),
                       longest(table->states, table->state_count, strlen("next state")),
                       longest(table->actions, table->action_count, strlen("what it does"))};
    g_string_append_printf(out, "%s: %s\nSource: %s\nFirst state: %s\n", table->name, table->title,
                           table->source, table->states[table->initial]);
    for (uint8_t state = 0; state < table->state_count; state++) {
        g_string_append_printf(out, "\n%s\n  %-*s  reply  %-*s  %-*s  source\n",
                               table->states[state], columns.event, "event", columns.next,
                               "next state", columns.action, "what it does");
        for (uint8_t event = 0; event < table->event_count; event++)
            write_cell(table, state, event, columns, out);
    }
}

/* Appends the names of the events that lead from `from` to `to`; false when there are none. */
static bool write_events(const StateTable *table, uint8_t from, uint8_t to, GString *out)
{
    bool is_any = false;
    for (uint8_t event = 0; event < table->event_count; event++) {
        const StateCell *cell = state_table_cell(table, from, event);
        if (cell->section == NULL || cell->next != to)
            continue;
        g_string_append_printf(out, "%s%s", is_any ? "\\n" : "", table->events[event]);
        is_any = true;
    }
    return is_any;
}

void states_write_dot(const StateTable *table, GString *out)
{
    g_string_append_printf(out, "digraph \"%s\" {\n  label=\"%s (%s)\";\n", table->name,
                           table->title, table->source);
    g_string_append(out, "  node [shape=box, style=rounded, fontname=\"sans-serif\"];\n"
                         "  edge [fontname=\"sans-serif\", fontsize=10];\n");
    g_string_append_printf(out, "  \"%s\" [penwidth=2];\n", table->states[table->initial]);
    for (uint8_t from = 0; from < table->state_count; from++) {
        for (uint8_t to = 0; to < table->state_count; to++) {
            g_autoptr(GString) events = g_string_new(NULL);
            if (from != to && write_events(table, from, to, events))
                g_string_append_printf(out, "  \"%s\" -> \"%s\" [label=\"%s\"];\n",
                                       table->states[from], table->states[to], events->str);
        }
    }
    g_string_append(out, "}\n");
}
