/* A protocol's state table as a graph for Graphviz. See states.h.
 *
 * What leads to one state from most others is drawn once, as a dashed edge that says where from:
 * where every state has an edge to CLOSED, the way of an ordinary connection cannot be seen. */
#include "export/states.h"

#include "core/check.h"

enum {
    DOT_STATES_MAXIMUM = 64,
    DOT_MANY = 3,            /* fewer edges are drawn each by itself */
    DOT_NAMES_IN_A_LINE = 4, /* of a box that names states */
};

/* A set of states, one bit each. */
typedef uint64_t States;

static States state_bit(uint8_t state)
{
    return (States)1 << state;
}

static unsigned states_count(States states)
{
    unsigned count = 0;
    for (; states != 0; states &= states - 1)
        count++;
    return count;
}

/* The states from which the event leads to `to`, which is another one. */
static States sources_of(const StateTable *table, uint8_t event, uint8_t to)
{
    States sources = 0;
    for (uint8_t from = 0; from < table->state_count; from++) {
        if (from != to && state_table_cell(table, from, event)->next == to)
            sources |= state_bit(from);
    }
    return sources;
}

/* Whether these are most of the states from which an edge may come. */
static bool are_most(const StateTable *table, States sources)
{
    unsigned count = states_count(sources);
    return count >= DOT_MANY && 2 * count > table->state_count - 1U;
}

/* Appends a line, justified to the left. */
static void put_event(const StateTable *table, uint8_t event, GString *label)
{
    g_string_append_printf(label, " %s \\l", table->events[event]);
}

static void put_edges(const StateTable *table, uint8_t from, uint8_t to, GString *out)
{
    g_autoptr(GString) label = g_string_new(NULL);
    for (uint8_t event = 0; event < table->event_count; event++) {
        States sources = sources_of(table, event, to);
        if ((sources & state_bit(from)) != 0 && !are_most(table, sources))
            put_event(table, event, label);
    }
    if (label->len > 0)
        g_string_append_printf(out, "  \"%s\" -> \"%s\" [label=\"%s\"];\n", table->states[from],
                               table->states[to], label->str);
}

static void put_names(const StateTable *table, States states, GString *out)
{
    unsigned count = 0;
    for (uint8_t state = 0; state < table->state_count; state++) {
        if ((states & state_bit(state)) == 0)
            continue;
        if (count > 0)
            g_string_append(out, count % DOT_NAMES_IN_A_LINE == 0 ? ",\\n" : ", ");
        g_string_append(out, table->states[state]);
        count++;
    }
}

/* Appends "every other state", or "every other state but A, B". */
static void put_sources(const StateTable *table, States sources, uint8_t to, GString *out)
{
    States missing = 0;
    for (uint8_t state = 0; state < table->state_count; state++)
        missing |= state == to ? 0 : state_bit(state) & ~sources;
    g_string_append(out, "every other state");
    if (missing == 0)
        return;
    g_string_append(out, " but\\n");
    put_names(table, missing, out);
}

static bool is_earlier_event_alike(const StateTable *table, uint8_t event, uint8_t to)
{
    for (uint8_t earlier = 0; earlier < event; earlier++) {
        if (sources_of(table, earlier, to) == sources_of(table, event, to))
            return true;
    }
    return false;
}

/* Draws the events that lead to `to` from most states, and the same ones, of which `event` is the
 * first. */
static void put_pool(const StateTable *table, uint8_t event, uint8_t to, GString *out)
{
    States sources = sources_of(table, event, to);
    if (!are_most(table, sources) || is_earlier_event_alike(table, event, to))
        return;
    g_autoptr(GString) names = g_string_new(NULL);
    g_autoptr(GString) label = g_string_new(NULL);
    put_sources(table, sources, to, names);
    for (uint8_t later = event; later < table->event_count; later++) {
        if (sources_of(table, later, to) == sources)
            put_event(table, later, label);
    }
    g_string_append_printf(out,
                           "  \"%u to %u\" [label=\"%s\", shape=plaintext, fontsize=11];\n"
                           "  \"%u to %u\" -> \"%s\" [label=\"%s\", style=dashed];\n",
                           event, to, names->str, event, to, table->states[to], label->str);
}

void states_write_dot(const StateTable *table, GString *out)
{
    CHECK(table->state_count <= DOT_STATES_MAXIMUM);
    g_string_append_printf(out, "digraph \"%s\" {\n  label=\"%s (%s)\";\n", table->name,
                           table->title, table->source);
    g_string_append(out, "  graph [fontname=\"sans-serif\", nodesep=0.4];\n"
                         "  node [shape=box, style=rounded, fontname=\"sans-serif\"];\n"
                         "  edge [fontname=\"sans-serif\", fontsize=10];\n");
    for (uint8_t state = 0; state < table->state_count; state++)
        g_string_append_printf(out, "  \"%s\"%s;\n", table->states[state],
                               state == table->initial ? " [penwidth=2]" : "");
    for (uint8_t from = 0; from < table->state_count; from++) {
        for (uint8_t to = 0; to < table->state_count; to++) {
            if (from != to)
                put_edges(table, from, to, out);
        }
    }
    for (uint8_t to = 0; to < table->state_count; to++) {
        for (uint8_t event = 0; event < table->event_count; event++)
            put_pool(table, event, to, out);
    }
    g_string_append(out, "}\n");
}
