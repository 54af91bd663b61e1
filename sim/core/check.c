/* Always-on assertions. See check.h. */
#include "core/check.h"

#include <stdio.h>
#include <stdlib.h>

noreturn void check_failed(const char *file, int line, const char *expression)
{
    fprintf(stderr, "mailsim: bug: %s:%d: it does not hold that %s\n", file, line, expression);
    abort();
}
