/* Plans for a disk, as its tests make and run them, and what it holds then. */
#pragma once

#include "store_world.h"

typedef struct Told {
    World *world;
    unsigned count;
    DiskResult result;
    SimTime at;
} Told;

static inline void on_done(void *owner, DiskResult result)
{
    Told *told = owner;
    told->count++;
    told->result = result;
    told->at = simulator_now(told->world->simulator);
}

static inline void add_write(DiskPlan *plan, const char *path, const char *text)
{
    g_autoptr(Octets) content = bytes_of(text);
    disk_plan_write(plan, path, content);
}

static inline void add_append(DiskPlan *plan, const char *path, const char *text)
{
    disk_plan_append_octets(plan, path, span_of_text(text));
}

/* Runs the plan to its end and gives its result. */
static inline DiskResult run_plan(World *world, DiskPlan *plan)
{
    Told told = {.world = world};
    disk_run(world->disk, plan, (DiskDone){on_done, &told});
    world_run(world);
    assert_int_equal(told.count, 1);
    return told.result;
}

static inline void make_durable(World *world, const char *path, const char *folder,
                                const char *text)
{
    DiskPlan *plan = disk_plan_new();
    add_write(plan, path, text);
    disk_plan_sync(plan, path);
    disk_plan_sync_folder(plan, folder);
    assert_int_equal(run_plan(world, plan), DISK_OK);
}

static inline void assert_file(const World *world, const char *path, const char *text)
{
    g_autoptr(Octets) content = disk_read(world->disk, path);
    assert_int_equal(disk_has_file(world->disk, path), text != NULL);
    if (text == NULL)
        assert_null(content);
    else
        assert_bytes(content, text);
}

static inline void assert_list(char **list, const char *expected)
{
    g_autofree char *joined = g_strjoinv(" ", list);
    assert_string_equal(joined, expected);
    g_strfreev(list);
}
