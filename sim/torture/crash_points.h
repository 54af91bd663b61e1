/* Crash everywhere: each server of a scenario struck by each kind of fault after each event of the
 * run, by crashes and losses of power before and after each step of its disk, and by a failure of
 * each step, that one alone or all from there on.
 *
 * Points are counted through, over all scenarios, servers and kinds, so that they can be dealt out
 * to processes by their number. Where there are too many, each group - one scenario, server, kind
 * and sort of point - gives as many, evenly spread, as take about the same time: a long run costs
 * more and has more points. */
#pragma once

#include "torture/trial.h"

/* Kinds of fault and moments at a disk's step. */
enum { CRASH_POINTS_AT_STEPS = 6 };

typedef struct CrashPoint {
    size_t scenario; /* in the order of adding */
    SimulationFault fault;
} CrashPoint;

typedef struct CrashPoints CrashPoints;

CrashPoints *crash_points_new(void);
void crash_points_free(CrashPoints *points);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(CrashPoints, crash_points_free)

/* Plays the scenario once, to learn how many points it has; it is borrowed. */
void crash_points_add(CrashPoints *points, const Scenario *scenario);
/* After the last one: leaves about `count` of the points over, at least one of each group. */
void crash_points_sample(CrashPoints *points, uint64_t count);

uint64_t crash_points_count(const CrashPoints *points);
/* The server's name is borrowed from the scenario. */
CrashPoint crash_points_at(const CrashPoints *points, uint64_t index);
TrialResult crash_points_play(const CrashPoints *points, uint64_t index);
