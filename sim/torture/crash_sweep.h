/* Crash sweeps: a scenario is played again and again, each time with one crash or loss of power of
 * one server after another event, or before or after another step of its disk, until every point of
 * its run has been struck. After the fault the
 * server starts again, everything drains, and the run is audited: balanced books (a duplicate needs
 * its witness), sound causes, and no mail that is lost or left over. */
#pragma once

#include "scenario/fault.h"

typedef struct CrashSweep {
    const Scenario *scenario; /* without an `until`, so that it drains */
    const char *path;         /* its file, for the command that replays a failure */
    const char *server;       /* whom to strike */
    ActionKind kind;          /* ACTION_CRASH or ACTION_POWER_OFF */
    SimTime restart_after_ns;
    uint64_t stride; /* strike at every so many points; 1: at each */
    SimulationFaultPoint point;
} CrashSweep;

typedef struct CrashSweepResult {
    uint64_t points; /* of the run without the fault: its events, or the disk's steps */
    uint64_t runs;
    uint64_t duplicates; /* runs in which a mail arrived twice, each with its witness */
    uint64_t failures;
    char *first_failure; /* in words, with the command that replays it; NULL: none. To free. */
} CrashSweepResult;

CrashSweepResult crash_sweep(const CrashSweep *sweep);
