/* Tests of disk: what is durable when, latencies, order, a full disk, crashes at each step. */
#include "store_world.h"

typedef struct Told {
    World *world;
    unsigned count;
    DiskResult result;
    SimTime at;
} Told;

static void on_done(void *owner, DiskResult result)
{
    Told *told = owner;
    told->count++;
    told->result = result;
    told->at = simulator_now(told->world->simulator);
}

static void add_write(DiskPlan *plan, const char *path, const char *text)
{
    g_autoptr(GBytes) content = bytes_of(text);
    disk_plan_write(plan, path, content);
}

static void add_append(DiskPlan *plan, const char *path, const char *text)
{
    g_autoptr(GBytes) content = bytes_of(text);
    disk_plan_append(plan, path, content);
}

/* Runs the plan to its end and gives its result. */
static DiskResult run_plan(World *world, DiskPlan *plan)
{
    Told told = {.world = world};
    disk_run(world->disk, plan, (DiskDone){on_done, &told});
    world_run(world);
    assert_int_equal(told.count, 1);
    return told.result;
}

static void assert_file(const World *world, const char *path, const char *text)
{
    g_autoptr(GBytes) content = disk_read(world->disk, path);
    assert_int_equal(disk_has_file(world->disk, path), text != NULL);
    if (text == NULL)
        assert_null(content);
    else
        assert_bytes(content, text);
}

static void assert_list(char **list, const char *expected)
{
    g_autofree char *joined = g_strjoinv(" ", list);
    assert_string_equal(joined, expected);
    g_strfreev(list);
}

static void test_view(void **state)
{
    (void)state;
    World world;
    world_init(&world, (DiskOptions){0});
    DiskPlan *plan = disk_plan_new();
    add_write(plan, "queue/b", "one");
    add_append(plan, "queue/b", " two");
    add_append(plan, "queue/B", "made by append");
    add_write(plan, "queue/c", "");
    add_write(plan, "queue/deep/er", "x");
    add_write(plan, "queue-2/a", "x");
    add_write(plan, "top", "x");
    disk_plan_rename(plan, "queue/c", "queue/a");
    assert_int_equal(run_plan(&world, plan), DISK_OK);
    assert_file(&world, "queue/b", "one two");
    assert_file(&world, "queue/a", "");
    assert_file(&world, "queue/c", NULL);
    assert_file(&world, "nowhere/c", NULL);
    assert_list(disk_list(world.disk, "queue"), "B a b");
    assert_list(disk_list(world.disk, ""), "top");
    assert_list(disk_list(world.disk, "nowhere"), "");
    assert_list(disk_list_folders(world.disk, ""), "queue queue-2");
    assert_list(disk_list_folders(world.disk, "queue"), "deep");
    assert_int_equal(disk_used(world.disk), 7 + 14 + 3);

    plan = disk_plan_new();
    disk_plan_rename(plan, "queue/b", "queue/a");
    disk_plan_unlink(plan, "queue/deep/er");
    add_write(plan, "queue/B", "short");
    assert_int_equal(run_plan(&world, plan), DISK_OK);
    assert_file(&world, "queue/a", "one two");
    assert_list(disk_list_folders(world.disk, "queue"), "");
    assert_int_equal(disk_used(world.disk), 7 + 5 + 2);
    world_clear(&world);
}

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

static void make_durable(World *world, const char *path, const char *folder, const char *text)
{
    DiskPlan *plan = disk_plan_new();
    add_write(plan, path, text);
    disk_plan_sync(plan, path);
    disk_plan_sync_folder(plan, folder);
    assert_int_equal(run_plan(world, plan), DISK_OK);
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
static bool is_torn(GBytes *content, const char *kept, const char *added)
{
    gsize size = 0;
    const char *text = g_bytes_get_data(content, &size);
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
            g_autoptr(GBytes) left = disk_read(world.disk, "f/a");
            gsize size = 0;
            const char *text = g_bytes_get_data(left, &size);
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
            g_autoptr(GBytes) again = disk_read(world.disk, "f/a");
            assert_true(g_bytes_equal(left, again));
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
        g_autoptr(GBytes) first = NULL;
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
            GBytes *left = disk_read(world.disk, "f/safe");
            assert_true(is_torn(left, "safeand more", " than that"));
            assert_true(run == 0 || g_bytes_equal(left, first));
            g_clear_pointer(&first, g_bytes_unref);
            first = left;
            world_clear(&world);
        }
    }
}

static void test_latencies_add_up(void **state)
{
    (void)state;
    World world;
    DiskOptions options = {.write_latency_ns = 10, .sync_latency_ns = 1000};
    world_init(&world, options);
    Told first = {.world = &world}, second = {.world = &world}, empty = {.world = &world};
    DiskPlan *plan = disk_plan_new();
    add_write(plan, "f/a", "x");
    disk_plan_sync(plan, "f/a");
    disk_run(world.disk, plan, (DiskDone){on_done, &first});
    plan = disk_plan_new();
    disk_plan_rename(plan, "f/a", "f/b");
    disk_plan_sync_folder(plan, "f");
    disk_run(world.disk, plan, (DiskDone){on_done, &second});
    disk_run(world.disk, disk_plan_new(), (DiskDone){on_done, &empty});
    assert_false(disk_is_idle(world.disk));
    world_run(&world);
    assert_true(disk_is_idle(world.disk));
    assert_int_equal(first.at, 1010);
    assert_int_equal(second.at, 2020);
    assert_int_equal(empty.at, 2020);
    assert_int_equal(empty.count, 1);
    assert_string_equal(world.disk_log->str, "disk.write f/a 1\ndisk.sync f/a\n"
                                             "disk.rename f/a f/b\ndisk.sync f\n");
    world_clear(&world);
}

static void test_failures_end_a_plan(void **state)
{
    (void)state;
    World world;
    world_init(&world, (DiskOptions){.capacity = 10});
    DiskPlan *plan = disk_plan_new();
    add_write(plan, "f/a", "12345678");
    add_append(plan, "f/a", "90x");
    add_write(plan, "f/b", "");
    assert_int_equal(run_plan(&world, plan), DISK_FULL);
    assert_file(&world, "f/a", "12345678");
    assert_file(&world, "f/b", NULL);
    assert_string_equal(world.disk_log->str, "disk.write f/a 8\ndisk.full f/a 3\n");
    plan = disk_plan_new();
    add_write(plan, "f/a", "1234567890");
    assert_int_equal(run_plan(&world, plan), DISK_OK);

    disk_fill(world.disk, 1);
    plan = disk_plan_new();
    add_write(plan, "f/b", "");
    add_write(plan, "f/a", "1");
    assert_int_equal(run_plan(&world, plan), DISK_FULL);
    assert_file(&world, "f/b", "");
    disk_free_space(world.disk);
    plan = disk_plan_new();
    add_write(plan, "f/a", "1");
    disk_plan_unlink(plan, "f/a");
    disk_plan_unlink(plan, "f/a");
    assert_int_equal(run_plan(&world, plan), DISK_NO_FILE);

    void (*const steps[])(DiskPlan *, const char *) = {disk_plan_sync, disk_plan_unlink};
    for (size_t i = 0; i < G_N_ELEMENTS(steps); i++) {
        plan = disk_plan_new();
        steps[i](plan, "g/none");
        assert_int_equal(run_plan(&world, plan), DISK_NO_FILE);
    }
    plan = disk_plan_new();
    disk_plan_rename(plan, "g/none", "g/some");
    assert_int_equal(run_plan(&world, plan), DISK_NO_FILE);
    plan = disk_plan_new();
    disk_plan_sync_folder(plan, "g");
    assert_int_equal(run_plan(&world, plan), DISK_OK);
    world_clear(&world);
}

/* The safe way to replace a file leaves the old text or the new one, wherever it is cut off. */
static void test_crash_at_each_step(void **state)
{
    (void)state;
    for (int power = 0; power < 2; power++) {
        bool is_more = true;
        unsigned old_count = 0, new_count = 0;
        for (uint64_t events = 0; is_more; events++) {
            World world;
            world_init(&world, (DiskOptions){0});
            make_durable(&world, "f/a", "f", "old");
            Told told = {.world = &world};
            DiskPlan *plan = disk_plan_new();
            add_write(plan, "f/tmp", "new!");
            disk_plan_sync(plan, "f/tmp");
            disk_plan_rename(plan, "f/tmp", "f/a");
            disk_plan_sync_folder(plan, "f");
            disk_run(world.disk, plan, (DiskDone){on_done, &told});
            is_more = world_run_events(&world, events);
            world_crash(&world, power == 1);
            world_run(&world);
            g_autoptr(GBytes) content = disk_read(world.disk, "f/a");
            bool is_new = g_bytes_get_size(content) == 4;
            assert_bytes(content, is_new ? "new!" : "old");
            assert_true(is_new || told.count == 0); /* told: durable */
            assert_int_equal(told.count, is_more ? 0 : 1);
            *(is_new ? &new_count : &old_count) += 1;
            world_clear(&world);
        }
        /* 0 to 5 events: four steps and the end. */
        assert_int_equal(old_count, power == 1 ? 4 : 3);
        assert_int_equal(new_count, power == 1 ? 2 : 3);
    }
}

static void crash_on_sync(void *owner, const TraceRecord *record)
{
    if (record->kind == TRACE_DISK_SYNC)
        disk_power_off(((World *)owner)->disk);
}

/* A crash that strikes at a record comes before the plan's end is told. */
static void test_crash_by_a_record(void **state)
{
    (void)state;
    World world;
    world_init(&world, (DiskOptions){.loss = DISK_LOSS_ALL});
    trace_add_sink(world.trace, (TraceSink){crash_on_sync, &world, TRACE_LEVEL_SEGMENT});
    Told told = {.world = &world};
    DiskPlan *plan = disk_plan_new();
    add_write(plan, "f/a", "x");
    disk_plan_sync_folder(plan, "f");
    disk_run(world.disk, plan, (DiskDone){on_done, &told});
    world_run(&world);
    assert_int_equal(told.count, 0);
    assert_true(disk_is_idle(world.disk));
    assert_file(&world, "f/a", "");
    world_clear(&world);
}

static void log_causes(void *owner, const TraceRecord *record)
{
    g_string_append_printf(owner, "%d<%d ", (int)record->seq,
                           (int)record->cause.nearest[TRACE_LEVEL_SEGMENT]);
}

static void ask_twice(void *owner, void *data)
{
    (void)data;
    World *world = owner;
    for (int i = 0; i < 2; i++) {
        *simulator_cause(world->simulator) = (Cause){0};
        TRACE(world->trace, world->host, TIMELINE_NOTE, 0, .text = "asks");
        DiskPlan *plan = disk_plan_new();
        add_write(plan, "f/a", "x");
        disk_plan_sync(plan, "f/a");
        disk_run(world->disk, plan, (DiskDone){0});
    }
}

/* A step is caused by what asked for it, not by what the disk did before. */
static void test_causes(void **state)
{
    (void)state;
    World world;
    world_init(&world, (DiskOptions){0});
    g_autoptr(GString) causes = g_string_new(NULL);
    trace_add_sink(world.trace, (TraceSink){log_causes, causes, TRACE_LEVEL_SEGMENT});
    EventAction action = {ask_twice, &world, NULL, NULL};
    simulator_schedule(world.simulator, 5, world.host, EVENT_FOREGROUND, action);
    world_run(&world);
    assert_string_equal(causes->str, "1<0 2<0 3<1 4<3 5<2 6<5 ");
    world_clear(&world);
}

/* ---- A disk that fails ---- */

/* A plan with a step of each kind, on files that are there. */
static DiskPlan *plan_all(void)
{
    DiskPlan *plan = disk_plan_new();
    add_write(plan, "f/a", "new");
    add_append(plan, "f/b", "+");
    disk_plan_sync(plan, "f/b");
    disk_plan_rename(plan, "f/b", "f/c");
    disk_plan_sync_folder(plan, "f");
    disk_plan_unlink(plan, "f/c");
    return plan;
}

static void begin_failing(World *world, DiskOptions options)
{
    world_init(world, options);
    make_durable(world, "f/a", "f", "old");
    make_durable(world, "f/b", "f", "old");
    g_string_truncate(world->disk_log, 0);
}

/* Each kind of operation by itself: the step is not taken, and the plan ends there. */
static void test_each_operation_fails(void **state)
{
    (void)state;
    static const struct {
        DiskOperation operation;
        const char *log;
    } CASES[] = {
        {DISK_OPERATION_WRITE, "disk.error write f/a\n"},
        {DISK_OPERATION_SYNC, "disk.write f/a 3\ndisk.write f/b 1\ndisk.error sync f/b\n"},
        {DISK_OPERATION_RENAME, "disk.write f/a 3\ndisk.write f/b 1\ndisk.sync f/b\n"
                                "disk.error rename f/b\n"},
        {DISK_OPERATION_UNLINK, "disk.write f/a 3\ndisk.write f/b 1\ndisk.sync f/b\n"
                                "disk.rename f/b f/c\ndisk.sync f\ndisk.error unlink f/c\n"},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(CASES); i++) {
        World world;
        begin_failing(&world, (DiskOptions){0});
        disk_fail(world.disk, (DiskOperations)(1 << CASES[i].operation), 0, 3);
        assert_int_equal(run_plan(&world, plan_all()), DISK_ERROR);
        assert_string_equal(world.disk_log->str, CASES[i].log);
        assert_int_equal(disk_error_count(world.disk), 1);
        assert_file(&world, "f/a", CASES[i].operation == DISK_OPERATION_WRITE ? "old" : "new");
        assert_false(disk_read_fails(world.disk, "f/a"));
        /* For good: the same again, until it is fixed. */
        assert_int_equal(run_plan(&world, plan_all()), DISK_ERROR);
        disk_fix(world.disk);
        assert_int_equal(run_plan(&world, plan_all()), DISK_OK);
        assert_file(&world, "f/c", NULL);
        world_clear(&world);
    }
}

/* So many times, then it works again; of whatever kind when all are meant. */
static void test_failures_are_counted(void **state)
{
    (void)state;
    World world;
    begin_failing(&world, (DiskOptions){0});
    disk_fail(world.disk, DISK_OPERATIONS_ALL, 3, 0);
    assert_true(disk_may_fail_to_read(world.disk));
    assert_true(disk_read_fails(world.disk, "f/a"));
    assert_int_equal(run_plan(&world, plan_all()), DISK_ERROR);
    assert_int_equal(run_plan(&world, plan_all()), DISK_ERROR);
    assert_false(disk_may_fail_to_read(world.disk));
    assert_string_equal(world.disk_log->str,
                        "disk.error read f/a\ndisk.error write f/a\ndisk.error write f/a\n");
    assert_int_equal(run_plan(&world, plan_all()), DISK_OK);
    assert_int_equal(disk_error_count(world.disk), 3);
    world_clear(&world);
}

/* What cleans up takes its other steps, and tells of the first failure. */
static void test_a_plan_that_goes_on(void **state)
{
    (void)state;
    World world;
    begin_failing(&world, (DiskOptions){0});
    disk_fail(world.disk, DISK_OPERATIONS_ALL, 1, 0);
    DiskPlan *plan = disk_plan_new();
    disk_plan_unlink(plan, "f/a");
    disk_plan_unlink(plan, "f/none");
    disk_plan_unlink(plan, "f/b");
    disk_plan_go_on_after_failures(plan);
    assert_int_equal(run_plan(&world, plan), DISK_ERROR);
    assert_file(&world, "f/a", "old");
    assert_file(&world, "f/b", NULL);
    world_clear(&world);
}

/* What a failed sync was to make durable is not. */
static void test_a_failed_sync_makes_nothing_durable(void **state)
{
    (void)state;
    World world;
    begin_failing(&world, (DiskOptions){.loss = DISK_LOSS_ALL});
    disk_fail(world.disk, 1 << DISK_OPERATION_SYNC, 1, 0);
    DiskPlan *plan = disk_plan_new();
    add_write(plan, "f/a", "new");
    disk_plan_sync(plan, "f/a");
    assert_int_equal(run_plan(&world, plan), DISK_ERROR);
    assert_file(&world, "f/a", "new");
    disk_power_off(world.disk);
    assert_file(&world, "f/a", "old");
    world_clear(&world);
}

static void note_because(void *owner, const TraceRecord *record)
{
    if (record->kind == TRACE_DISK_ERROR)
        *(uint64_t *)owner = record->because;
}

static void test_an_error_tells_why(void **state)
{
    (void)state;
    World world;
    uint64_t because = 0;
    begin_failing(&world, (DiskOptions){0});
    trace_add_sink(world.trace, (TraceSink){note_because, &because, TRACE_LEVEL_MAIL});
    disk_fail(world.disk, DISK_OPERATIONS_ALL, 0, 2);
    assert_int_equal(run_plan(&world, plan_all()), DISK_ERROR);
    assert_int_equal(because, 2);
    because = 0;
    assert_true(disk_read_fails(world.disk, "f/a"));
    assert_int_equal(because, 2);
    world_clear(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_view),
        cmocka_unit_test(test_what_power_off_leaves),
        cmocka_unit_test(test_power_off_undoes),
        cmocka_unit_test(test_rename_between_folders),
        cmocka_unit_test(test_torn_writes),
        cmocka_unit_test(test_names_kept_in_order),
        cmocka_unit_test(test_loss_by_seed),
        cmocka_unit_test(test_latencies_add_up),
        cmocka_unit_test(test_failures_end_a_plan),
        cmocka_unit_test(test_crash_at_each_step),
        cmocka_unit_test(test_crash_by_a_record),
        cmocka_unit_test(test_causes),
        cmocka_unit_test(test_each_operation_fails),
        cmocka_unit_test(test_failures_are_counted),
        cmocka_unit_test(test_a_plan_that_goes_on),
        cmocka_unit_test(test_a_failed_sync_makes_nothing_durable),
        cmocka_unit_test(test_an_error_tells_why),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
