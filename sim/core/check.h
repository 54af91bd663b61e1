/* Always-on assertions: a failed one is a bug in the simulator, never wrong input. Code that has a
 * Simulator at hand uses SIMULATOR_CHECK (core/simulator.h), which also prints time, event and
 * seed. */
#pragma once

#include <stdbool.h>
#include <stdnoreturn.h>

__attribute__((cold)) noreturn void check_failed(const char *file, int line,
                                                 const char *expression);

#define CHECK(expression)                                                                          \
    do {                                                                                           \
        if (!(expression))                                                                         \
            check_failed(__FILE__, __LINE__, #expression);                                         \
    } while (false)
