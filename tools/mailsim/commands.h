/* The subcommands of mailsim, one file each. */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

/* What the program exits with. */
enum {
    EXIT_WELL = 0,
    EXIT_EXPECTATION_FAILED = 1,
    EXIT_BAD_INPUT = 2, /* the input or the call is wrong */
    EXIT_BUDGET = 3,    /* a budget was exceeded; partial results are written */
    EXIT_BUG = 70,      /* a bug in mailsim */
};

/* Each takes its arguments with its own name first, and returns the exit status. */
int command_run(int argc, char **argv);
int command_live(int argc, char **argv);
int command_check(int argc, char **argv);
int command_test(int argc, char **argv);
int command_torture(int argc, char **argv);
int command_explain(int argc, char **argv);
int command_view(int argc, char **argv);
int command_states(int argc, char **argv);

/* Reads the options of a subcommand; `arguments` (such as "FILE") and `summary` are for --help.
 * False, with the error told, when they are wrong. What is left in argv are the arguments. */
bool command_parse(const char *arguments, const char *summary, const GOptionEntry *entries,
                   int *argc, char ***argv);
/* What the option --seed begins with: SCENARIO_UNSET is -1, which somebody might write. */
#define COMMAND_NO_SEED INT64_MIN
/* The seed that the option holds now, or SCENARIO_UNSET; false, with the error told, when it is
 * negative. */
bool command_take_seed(int64_t given, int64_t *seed);
/* Tells how the subcommand is called, on standard error; returns EXIT_BAD_INPUT. */
int command_usage(const char *name, const char *arguments);
