/* mailsim: the command-line program. */
#include "commands.h"

#include "mailsim/version.h"
#include "scenario/model.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

typedef struct Command {
    const char *name;
    int (*run)(int argc, char **argv);
    const char *summary;
} Command;

static const Command COMMANDS[] = {
    {"run", command_run, "play a scenario and show what happens"},
    {"live", command_live, "play it in real time, open to real mail programs"},
    {"check", command_check, "check scenario files without playing them"},
    {"test", command_test, "play scenarios and judge their expectations (TAP)"},
    {"torture", command_torture, "break everything by seed, and look that no mail is lost"},
    {"explain", command_explain, "tell the story of one mail, with causes"},
    {"view", command_view, "show a run in the browser"},
    {"states", command_states, "print a protocol's state table"},
};

static void print_help(FILE *out)
{
    fprintf(out, "mailsim %s: a simulator of Internet e-mail\n\n", MS_VERSION);
    for (size_t i = 0; i < G_N_ELEMENTS(COMMANDS); i++)
        fprintf(out, "  mailsim %-8s  %s\n", COMMANDS[i].name, COMMANDS[i].summary);
    fprintf(out, "\n`mailsim COMMAND --help` tells more. Begin with:\n\n"
                 "  mailsim run scenarios/01-first-mail/scenario.yaml\n");
}

/* A failed assertion is a bug in mailsim, and has its own exit status. */
static void exit_with_bug(int signal_number)
{
    (void)signal_number;
    _exit(EXIT_BUG);
}

/* GLib would write `?` for each sign that the locale's charset lacks; what mailsim writes is UTF-8
 * everywhere. */
static void print_utf8(const char *text)
{
    fputs(text, stdout);
}

bool command_parse(const char *arguments, const char *summary, const GOptionEntry *entries,
                   int *argc, char ***argv)
{
    g_autoptr(GOptionContext) context = g_option_context_new(arguments);
    g_option_context_set_summary(context, summary);
    g_option_context_add_main_entries(context, entries, NULL);
    g_autoptr(GError) error = NULL;
    if (g_option_context_parse(context, argc, argv, &error))
        return true;
    fprintf(stderr, "mailsim: %s\n", error->message);
    return false;
}

bool command_take_seed(int64_t given, int64_t *seed)
{
    *seed = given == COMMAND_NO_SEED ? SCENARIO_UNSET : given;
    if (given == COMMAND_NO_SEED || given >= 0)
        return true;
    fprintf(stderr, "mailsim: --seed: a seed is not negative\n");
    return false;
}

int command_usage(const char *name, const char *arguments)
{
    fprintf(stderr, "mailsim: call it as: mailsim %s %s\n", name, arguments);
    return EXIT_BAD_INPUT;
}

static const Command *find_command(const char *name)
{
    for (size_t i = 0; i < G_N_ELEMENTS(COMMANDS); i++) {
        if (strcmp(COMMANDS[i].name, name) == 0)
            return &COMMANDS[i];
    }
    return NULL;
}

int main(int argc, char **argv)
{
    signal(SIGABRT, exit_with_bug);
    g_set_print_handler(print_utf8);
    if (argc < 2) {
        print_help(stderr);
        return EXIT_BAD_INPUT;
    }
    if (strcmp(argv[1], "--version") == 0) {
        printf("mailsim %s\n", MS_VERSION);
        return EXIT_WELL;
    }
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "help") == 0) {
        print_help(stdout);
        return EXIT_WELL;
    }
    const Command *command = find_command(argv[1]);
    if (command == NULL) {
        fprintf(stderr, "mailsim: there is no command `%s`\n\n", argv[1]);
        print_help(stderr);
        return EXIT_BAD_INPUT;
    }
    g_autofree char *name = g_strdup_printf("mailsim %s", command->name);
    g_set_prgname(name);
    return command->run(argc - 1, argv + 1);
}
