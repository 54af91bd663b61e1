/* mailsim check: reads scenario files and says what is wrong with them, without playing them. */
#include "commands.h"

#include "scenario/reader.h"

#include <stdio.h>

/* True when the file has no errors. */
static bool check_file(const char *path)
{
    g_autoptr(Diagnostics) diagnostics = diagnostics_new();
    g_autoptr(Scenario) scenario = scenario_read_file(path, diagnostics);
    diagnostics_print(diagnostics, stderr);
    if (scenario == NULL)
        return false;
    printf("%s: ok\n", path);
    return true;
}

int command_check(int argc, char **argv)
{
    const GOptionEntry entries[] = {{0}};
    if (!command_parse("FILE…", "Checks scenario files without playing them.", entries, &argc,
                       &argv))
        return EXIT_BAD_INPUT;
    if (argc < 2)
        return command_usage("check", "FILE…");
    int status = EXIT_WELL;
    for (int i = 1; i < argc; i++) {
        if (!check_file(argv[i]))
            status = EXIT_BAD_INPUT;
    }
    return status;
}
