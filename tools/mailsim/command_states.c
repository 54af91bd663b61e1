/* mailsim states: prints the table that a protocol engine runs from. */
#include "commands.h"

#include "export/states.h"
#include "machines.h"

#include <stdio.h>
#include <string.h>

static const StateTable *find_table(const char *name)
{
    for (size_t i = 0; MACHINES[i] != NULL; i++) {
        if (strcmp(MACHINES[i]->name, name) == 0)
            return MACHINES[i];
    }
    return NULL;
}

static void list_tables(FILE *out)
{
    for (size_t i = 0; MACHINES[i] != NULL; i++)
        fprintf(out, "  %-12s  %s (%s)\n", MACHINES[i]->name, MACHINES[i]->title,
                MACHINES[i]->source);
}

int command_states(int argc, char **argv)
{
    gboolean use_dot = FALSE;
    const GOptionEntry entries[] = {
        {"dot", 0, 0, G_OPTION_ARG_NONE, &use_dot, "a graph for Graphviz instead of a table", NULL},
        {0},
    };
    if (!command_parse("[MACHINE]", "Prints a protocol's state table; without MACHINE, a list.",
                       entries, &argc, &argv))
        return EXIT_BAD_INPUT;
    if (argc == 1) {
        list_tables(stdout);
        return EXIT_WELL;
    }
    if (argc > 2)
        return command_usage("states", "[--dot] [MACHINE]");
    const StateTable *table = find_table(argv[1]);
    if (table == NULL) {
        fprintf(stderr, "mailsim: there is no machine `%s`; there are:\n", argv[1]);
        list_tables(stderr);
        return EXIT_BAD_INPUT;
    }
    g_autoptr(GString) text = g_string_new(NULL);
    if (use_dot)
        states_write_dot(table, text);
    else
        states_write_text(table, text);
    fputs(text->str, stdout);
    return EXIT_WELL;
}
