/* Tests of store/answered: whom absent users have answered is known after a crash, and after a loss
 * of power once it was durable. */
#include "store_world.h"

#include "store/answered.h"

#include <glib.h>

static void count_done(void *owner, DiskResult result)
{
    assert_int_equal(result, DISK_OK);
    ++*(unsigned *)owner;
}

static void note(World *world, Answered *answered, const char *user, const char *sender,
                 SimTime now)
{
    unsigned told = 0;
    answered_note(answered, user, sender, now, (DiskDone){count_done, &told});
    world_run(world);
    assert_int_equal(told, 1);
}

static void test_who_was_answered(void **state)
{
    (void)state;
    World world;
    world_init(&world, (DiskOptions){0});
    Answered *answered = answered_new(world.disk);
    assert_int_equal(answered_last(answered, "bob", "alice@a.test"), SIM_NEVER);
    note(&world, answered, "bob", "alice@a.test", 0);
    note(&world, answered, "bob", "\"a/b .1\"@a.test", 7);
    note(&world, answered, "Bob", "Alice@A.test", 5 * SIM_DAY);
    assert_int_equal(answered_last(answered, "bob", "alice@a.test"), 5 * SIM_DAY);
    assert_int_equal(answered_last(answered, "bob", "\"a/b .1\"@a.test"), 7);
    assert_int_equal(answered_last(answered, "carol", "alice@a.test"), SIM_NEVER);
    answered_free(answered);
    /* another start of the program reads the same */
    answered = answered_new(world.disk);
    assert_int_equal(answered_last(answered, "bob", "ALICE@a.test"), 5 * SIM_DAY);
    assert_int_equal(answered_last(answered, "bob", "\"a/b .1\"@a.test"), 7);
    answered_free(answered);
    world_clear(&world);
}

/* What is noted counts at once; stopped after any event, the disk has the answer's time or the one
 * before, and after `done` this one. */
static void test_stopped_anywhere(void **state)
{
    (void)state;
    for (int is_power_off = 0; is_power_off < 2; is_power_off++) {
        bool goes_on = true;
        for (uint64_t events = 0; goes_on; events++) {
            World world;
            unsigned told = 0;
            world_init(&world, (DiskOptions){0});
            Answered *answered = answered_new(world.disk);
            note(&world, answered, "bob", "alice@a.test", 3);
            answered_note(answered, "bob", "alice@a.test", 9, (DiskDone){count_done, &told});
            assert_int_equal(answered_last(answered, "bob", "alice@a.test"), 9);
            goes_on = world_run_events(&world, events);
            world_crash(&world, is_power_off);
            answered_free(answered);
            answered = answered_new(world.disk);
            SimTime last = answered_last(answered, "bob", "alice@a.test");
            assert_true(last == 9 || (told == 0 && last == 3));
            answered_free(answered);
            world_clear(&world);
        }
    }
}

/* Files of other names are none of ours. */
static void test_other_files(void **state)
{
    (void)state;
    World world;
    world_init(&world, (DiskOptions){0});
    DiskPlan *plan = disk_plan_new();
    g_autoptr(Octets) text = bytes_of("x");
    disk_plan_write(plan, "vacation/bob/alice%40a.test", text);
    disk_plan_write(plan, "vacation/bob/alice%40a.test.", text);
    disk_plan_write(plan, "vacation/bob/alice%40a.test.9x", text);
    disk_plan_write(plan, "vacation/bob/alice%40a.test.99999999999999999999", text);
    disk_plan_write(plan, "vacation/alice%40a.test.9", text);
    disk_run(world.disk, plan, (DiskDone){0});
    world_run(&world);
    Answered *answered = answered_new(world.disk);
    assert_int_equal(answered_last(answered, "bob", "alice@a.test"), SIM_NEVER);
    answered_free(answered);
    world_clear(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_who_was_answered),
        cmocka_unit_test(test_stopped_anywhere),
        cmocka_unit_test(test_other_files),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
