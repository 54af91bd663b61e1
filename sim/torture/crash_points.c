/* Crash everywhere. See crash_points.h. */
#include "torture/crash_points.h"

#include "core/check.h"

typedef struct Group {
    size_t scenario;
    const char *server;
    SimulationFaultKind kind;
    SimulationFaultPoint point;
    uint64_t events; /* of the run: what a point costs */
    uint64_t all;    /* points that there are */
    uint64_t count;  /* points struck: all, or fewer */
    uint64_t first;  /* the number of the first of them */
} Group;

struct CrashPoints {
    GPtrArray *scenarios;
    GArray *groups; /* Group */
    uint64_t count;
};

CrashPoints *crash_points_new(void)
{
    CrashPoints *points = g_new0(CrashPoints, 1);
    points->scenarios = g_ptr_array_new();
    points->groups = g_array_new(FALSE, FALSE, sizeof(Group));
    return points;
}

void crash_points_free(CrashPoints *points)
{
    g_ptr_array_unref(points->scenarios);
    g_array_unref(points->groups);
    g_free(points);
}

static void number_groups(CrashPoints *points)
{
    points->count = 0;
    for (guint i = 0; i < points->groups->len; i++) {
        Group *group = &g_array_index(points->groups, Group, i);
        group->first = points->count;
        points->count += group->count;
    }
}

static void add_group(CrashPoints *points, Group group)
{
    group.count = group.all;
    g_array_append_val(points->groups, group);
}

static void add_server(CrashPoints *points, const char *server, uint64_t events,
                       uint64_t disk_steps)
{
    static const struct {
        SimulationFaultKind kind;
        SimulationFaultPoint point;
    } STEPS[CRASH_POINTS_AT_STEPS] = {
        {FAULT_CRASH, FAULT_BEFORE_DISK_STEP},
        {FAULT_CRASH, FAULT_AFTER_DISK_STEP},
        {FAULT_POWER_OFF, FAULT_BEFORE_DISK_STEP},
        {FAULT_POWER_OFF, FAULT_AFTER_DISK_STEP},
        {FAULT_DISK_ERROR, FAULT_BEFORE_DISK_STEP},
        {FAULT_DISK_ERROR_FOR_GOOD, FAULT_BEFORE_DISK_STEP},
    };
    Group group = {.scenario = points->scenarios->len, .server = server, .events = events};
    for (SimulationFaultKind kind = 0; kind < FAULT_KINDS; kind++) {
        group.kind = kind;
        group.all = events;
        add_group(points, group);
    }
    for (size_t i = 0; i < CRASH_POINTS_AT_STEPS; i++) {
        group.kind = STEPS[i].kind;
        group.point = STEPS[i].point;
        group.all = disk_steps;
        add_group(points, group);
    }
}

void crash_points_add(CrashPoints *points, const Scenario *scenario)
{
    g_autofree uint64_t *disk_steps = g_new0(uint64_t, scenario->servers.count + 1);
    uint64_t events = trial_count_points(scenario, disk_steps);
    for (size_t i = 0; i < scenario->servers.count; i++)
        add_server(points, scenario->servers.items[i].name.text, events, disk_steps[i]);
    g_ptr_array_add(points->scenarios, (gpointer)(uintptr_t)scenario);
    number_groups(points);
}

/* ---- Samples ---- */

/* How many points of the group fit into so much work, in events. */
static uint64_t affordable(const Group *group, uint64_t work)
{
    return group->all == 0 ? 0 : CLAMP(work / MAX(group->events, 1), 1, group->all);
}

static uint64_t count_affordable(const CrashPoints *points, uint64_t work)
{
    uint64_t count = 0;
    for (guint i = 0; i < points->groups->len; i++)
        count += affordable(&g_array_index(points->groups, Group, i), work);
    return count;
}

void crash_points_sample(CrashPoints *points, uint64_t count)
{
    uint64_t low = 0, high = UINT64_C(1) << 62; /* of work for each group */
    while (low + 1 < high) {
        uint64_t middle = low + (high - low) / 2;
        if (count_affordable(points, middle) <= count)
            low = middle;
        else
            high = middle;
    }
    for (guint i = 0; i < points->groups->len; i++) {
        Group *group = &g_array_index(points->groups, Group, i);
        group->count = affordable(group, low);
    }
    number_groups(points);
}

/* ---- Points ---- */

uint64_t crash_points_count(const CrashPoints *points)
{
    return points->count;
}

static const Group *find_group(const CrashPoints *points, uint64_t index)
{
    guint low = 0, high = points->groups->len;
    while (low + 1 < high) {
        guint middle = low + (high - low) / 2;
        if (g_array_index(points->groups, Group, middle).first <= index)
            low = middle;
        else
            high = middle;
    }
    return &g_array_index(points->groups, Group, low);
}

/* Of `count` equal parts of the group, a point of each; which one differs from part to part. */
static uint64_t number_of(const Group *group, uint64_t part)
{
    uint64_t from = group->all * part / group->count;
    uint64_t to = group->all * (part + 1) / group->count;
    Random random = random_stream(part, group->server, RANDOM_TORTURE);
    return 1 + from + random_draw_below(&random, MAX(to - from, 1));
}

CrashPoint crash_points_at(const CrashPoints *points, uint64_t index)
{
    CHECK(index < points->count);
    const Group *group = find_group(points, index);
    return (CrashPoint){group->scenario,
                        {.number = number_of(group, index - group->first),
                         .kind = group->kind,
                         .point = group->point,
                         .server = group->server,
                         .restart_after_ns = SIMULATION_FAULT_DURATION}};
}

TrialResult crash_points_play(const CrashPoints *points, uint64_t index)
{
    CrashPoint point = crash_points_at(points, index);
    return trial_play_with_fault(points->scenarios->pdata[point.scenario], &point.fault);
}
