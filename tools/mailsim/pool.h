/* Many pieces of work in child processes: so that all processors have something to do, and so that
 * a piece which dies of an assertion is a result like any other. */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

typedef struct PoolWork {
    uint64_t first, count; /* the pieces' numbers */
    unsigned jobs;         /* processes at once, at least 1 */
    /* In a child: does a piece and appends its result, a text without line ends. */
    void (*run)(void *owner, uint64_t number, GString *result);
    /* In the parent, in the order of the numbers. `result` is NULL when the child has died over
     * this piece: `death` then says of what, in a line or more. False ends the work. */
    bool (*done)(void *owner, uint64_t number, const char *result, const char *death);
    void *owner;
} PoolWork;

/* False, with the reason told on standard error, when the system gives no more processes. */
bool pool_run(const PoolWork *work);
/* How many processors there are. */
unsigned pool_processors(void);
