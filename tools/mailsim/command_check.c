/* mailsim check: reads scenario files and says what is wrong with them, without playing them. */
#include "commands.h"

#include "scenario/full_writer.h"
#include "scenario/reader.h"

#include <stdio.h>

/* True when the file has no errors. */
static bool check_file(const char *path, bool is_full)
{
    g_autoptr(Diagnostics) diagnostics = diagnostics_new();
    g_autoptr(Scenario) scenario = scenario_read_file(path, diagnostics);
    diagnostics_print(diagnostics, stderr);
    if (scenario == NULL)
        return false;
    if (is_full) {
        g_autofree char *text = scenario_format_full(scenario);
        fputs(text, stdout);
    } else {
        printf("%s: ok\n", path);
    }
    return true;
}

int command_check(int argc, char **argv)
{
    gboolean is_full = FALSE;
    const GOptionEntry entries[] = {
        {"full", 0, 0, G_OPTION_ARG_NONE, &is_full,
         "print the scenario with every default filled in", NULL},
        {0},
    };
    if (!command_parse("FILE…", "Checks scenario files without playing them.", entries, &argc,
                       &argv))
        return EXIT_BAD_INPUT;
    if (argc < 2)
        return command_usage("check", "[--full] FILE…");
    int status = EXIT_WELL;
    for (int i = 1; i < argc; i++) {
        if (!check_file(argv[i], is_full))
            status = EXIT_BAD_INPUT;
    }
    return status;
}
