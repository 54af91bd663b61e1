/* Tests of disk: what a loss of power leaves. */
#include "disk_plans.h"

/* For certain: content and name are durable apart, all four cases. */
static void test_what_power_off_leaves(void **state)
{
    (void)state;
    for (int sync = 0; sync < 4; sync++) {
        World world;
        world_init(&world, (DiskOptions){.loss = DISK_LOSS_ALL});
        DiskPlan *plan = disk_plan_new();
        add_write(plan, "f/a", "text");
        if ((sync & 1) != 0)
            disk_plan_sync(plan, "f/a");
        if ((sync & 2) != 0)
            disk_plan_sync_folder(plan, "f");
        run_plan(&world, plan);
        disk_power_off(world.disk);
        assert_file(&world, "f/a", (sync & 2) == 0 ? NULL : (sync & 1) != 0 ? "text" : "");
        assert_int_equal(disk_used(world.disk), sync == 3 ? 4 : 0);
        world_clear(&world);
    }
}

static void test_power_off_undoes(void **state)
{
    (void)state;
    World world;
    world_init(&world, (DiskOptions){.loss = DISK_LOSS_ALL});
    make_durable(&world, "f/a", "f", "a");
    make_durable(&world, "f/b", "f", "b");
    DiskPlan *plan = disk_plan_new();
    add_append(plan, "f/a", " more");
    disk_plan_rename(plan, "f/a", "f/b");
    add_write(plan, "f/c", "new");
    disk_plan_sync(plan, "f/c");
    run_plan(&world, plan);
    assert_list(disk_list(world.disk, "f"), "b c");
    disk_crash_program(world.disk);
    assert_file(&world, "f/b", "a more");
    disk_power_off(world.disk);
    assert_list(disk_list(world.disk, "f"), "a b");
    assert_file(&world, "f/a", "a");
    assert_file(&world, "f/b", "b");
    assert_int_equal(disk_used(world.disk), 2);
    world_clear(&world);
}

/* A rename into another folder is two changes of names: the file can come back under both. */
static void test_rename_between_folders(void **state)
{
    (void)state;
    World world;
    world_init(&world, (DiskOptions){.loss = DISK_LOSS_ALL});
    make_durable(&world, "tmp/a", "tmp", "text");
    DiskPlan *plan = disk_plan_new();
    disk_plan_rename(plan, "tmp/a", "queue/a");
    disk_plan_sync_folder(plan, "queue");
    run_plan(&world, plan);
    assert_file(&world, "tmp/a", NULL);
    disk_power_off(world.disk);
    assert_file(&world, "tmp/a", "text");
    assert_file(&world, "queue/a", "text");
    assert_int_equal(disk_used(world.disk), 4);
    plan = disk_plan_new();
    disk_plan_unlink(plan, "tmp/a");
    disk_plan_sync_folder(plan, "tmp");
    run_plan(&world, plan);
    disk_power_off(world.disk);
    assert_file(&world, "tmp/a", NULL);
    assert_file(&world, "queue/a", "text");
    world_clear(&world);
}

/* Whether the content can be what a loss of power leaves of an append of `added` to `kept`: all of
 * `kept`, then a piece of `added` from its beginning, where blocks may be zeros. */
static bool is_torn(Octets *content, const char *kept, const char *added)
{
    size_t size = octets_length(content);
    const char *text = (const char *)octets_data(content);
    size_t kept_size = strlen(kept);
    if (size < kept_size || size > kept_size + strlen(added) || memcmp(text, kept, kept_size) != 0)
        return false;
    for (size_t from = kept_size; from < size;) {
        size_t next = MIN((from / 512 + 1) * 512, size);
        bool is_there = memcmp(text + from, added + (from - kept_size), next - from) == 0;
        for (size_t i = from; i < next; i++) {
            if (!is_there && text[i] != '\0')
                return false;
        }
        from = next;
    }
    return true;
}

/* Of an append and of a file written anew, by many seeds: always something legal, and each kind of
 * it turns up. */
static void test_torn_writes(void **state)
{
    (void)state;
    g_autofree char *added = g_strnfill(1500, 'n');
    for (int is_append = 0; is_append < 2; is_append++) {
        unsigned old = 0, whole = 0, cut = 0, holed = 0;
        for (uint64_t seed = 1; seed <= 200; seed++) {
            World world;
            world_init_seeded(&world, (DiskOptions){0}, seed);
            make_durable(&world, "f/a", "f", "old");
            DiskPlan *plan = disk_plan_new();
            (is_append ? add_append : add_write)(plan, "f/a", added);
            run_plan(&world, plan);
            disk_power_off(world.disk);
            g_autoptr(Octets) left = disk_read(world.disk, "f/a");
            size_t size = octets_length(left);
            const char *text = (const char *)octets_data(left);
            bool is_old = size == 3 && memcmp(text, "old", 3) == 0;
            assert_true(is_old || is_torn(left, is_append ? "old" : "", added));
            assert_int_equal(disk_used(world.disk), size);
            bool is_holed = size > 0 && memchr(text, '\0', size) != NULL;
            bool is_whole = size == strlen(added) + (is_append ? 3 : 0);
            old += is_old;
            holed += is_holed;
            whole += is_whole && !is_holed;
            cut += !is_whole && !is_holed && !is_old;
            disk_power_off(world.disk); /* what is left is durable */
            g_autoptr(Octets) again = disk_read(world.disk, "f/a");
            assert_true(octets_equal(left, again));
            world_clear(&world);
        }
        assert_true(old > 20 && whole > 20 && cut > 5 && holed > 5);
    }
}

/* Of the changes of names those up to some moment are kept, a rename as one. */
static void test_names_kept_in_order(void **state)
{
    (void)state;
    static const char *const legal[] = {"a b", "b c", "b c d", "b c d e", "c d e"};
    unsigned seen[G_N_ELEMENTS(legal)] = {0};
    for (uint64_t seed = 1; seed <= 200; seed++) {
        World world;
        world_init_seeded(&world, (DiskOptions){0}, seed);
        make_durable(&world, "f/a", "f", "a");
        make_durable(&world, "f/b", "f", "b");
        DiskPlan *plan = disk_plan_new();
        disk_plan_rename(plan, "f/a", "f/c");
        add_write(plan, "f/d", "");
        add_write(plan, "f/e", "");
        disk_plan_unlink(plan, "f/b");
        run_plan(&world, plan);
        disk_power_off(world.disk);
        g_auto(GStrv) list = disk_list(world.disk, "f");
        g_autofree char *names = g_strjoinv(" ", list);
        size_t found = 0;
        while (found < G_N_ELEMENTS(legal) && strcmp(names, legal[found]) != 0)
            found++;
        assert_true(found < G_N_ELEMENTS(legal));
        seen[found]++;
        world_clear(&world);
    }
    for (size_t i = 0; i < G_N_ELEMENTS(legal); i++)
        assert_true(seen[i] > 5);
}

/* With the same seed the same is left; what is synced survives whatever is drawn. */
static void test_loss_by_seed(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 50; seed++) {
        g_autoptr(Octets) first = NULL;
        for (int run = 0; run < 2; run++) {
            World world;
            world_init_seeded(&world, (DiskOptions){0}, seed);
            make_durable(&world, "f/safe", "f", "safe");
            DiskPlan *plan = disk_plan_new();
            add_append(plan, "f/safe", "and more");
            disk_plan_sync(plan, "f/safe");
            add_append(plan, "f/safe", " than that");
            run_plan(&world, plan);
            disk_power_off(world.disk);
            Octets *left = disk_read(world.disk, "f/safe");
            assert_true(is_torn(left, "safeand more", " than that"));
            assert_true(run == 0 || octets_equal(left, first));
            g_clear_pointer(&first, octets_unref);
            first = left;
            world_clear(&world);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_power_off_leaves),  cmocka_unit_test(test_power_off_undoes),
        cmocka_unit_test(test_rename_between_folders), cmocka_unit_test(test_torn_writes),
        cmocka_unit_test(test_names_kept_in_order),    cmocka_unit_test(test_loss_by_seed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
