/* mailsim: the command-line program. Each subcommand has a file of its own. */
#include "mailsim/version.h"

#include <stdio.h>
#include <string.h>

enum { EXIT_USAGE = 2 };

int main(int argc, char **argv)
{
    if (argc == 2 && strcmp(argv[1], "--version") == 0) {
        printf("mailsim %s\n", MAILSIM_VERSION);
        return 0;
    }
    fprintf(stderr, "usage: mailsim --version\n");
    return EXIT_USAGE;
}
