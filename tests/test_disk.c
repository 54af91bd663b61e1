/* Tests of disk: latencies, order, a full disk, a disk that fails, crashes at each step. */
#include "disk_plans.h"

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

/* A value whose octets are its text so many times. */
typedef struct Chorus {
    unsigned times;
    char *text; /* owned */
} Chorus;

static Chorus chorus_of(const uint8_t *value)
{
    Chorus chorus;
    memcpy(&chorus, value, sizeof chorus);
    return chorus;
}

static size_t chorus_write(const uint8_t *value, uint8_t *octets)
{
    Chorus chorus = chorus_of(value);
    size_t length = strlen(chorus.text);
    for (unsigned i = 0; i < chorus.times; i++)
        memcpy(octets + i * length, chorus.text, length);
    return chorus.times * length;
}

static void chorus_begin(const uint8_t *value, uint8_t *octets, size_t count)
{
    Chorus chorus = chorus_of(value);
    for (size_t i = 0; i < count; i++)
        octets[i] = (uint8_t)chorus.text[i % strlen(chorus.text)];
}

static void chorus_clear(const uint8_t *value)
{
    g_free(chorus_of(value).text); /* what it leaves is seen under AddressSanitizer */
}

static DiskValue chorus_value(Chorus *chorus, unsigned times, const char *text)
{
    static const DiskValueType type = {chorus_write, chorus_clear, chorus_begin};
    *chorus = (Chorus){times, g_strdup(text)};
    return (DiskValue){&type, span_of(chorus, sizeof *chorus), times * strlen(text)};
}

static void add_chorus(DiskPlan *plan, const char *path, unsigned times, const char *text)
{
    Chorus chorus;
    disk_plan_write_value(plan, path, chorus_value(&chorus, times, text));
}

static void test_a_value_is_its_octets(void **state)
{
    (void)state;
    World world;
    world_init(&world, (DiskOptions){.capacity = 16});
    DiskPlan *plan = disk_plan_new();
    add_write(plan, "f/a", "before");
    add_chorus(plan, "f/a", 3, "la ");
    add_chorus(plan, "f/b", 1, "x");
    assert_int_equal(run_plan(&world, plan), DISK_OK);
    assert_file(&world, "f/a", "la la la ");
    plan = disk_plan_new();
    add_append(plan, "f/a", "oh");
    disk_plan_rename(plan, "f/a", "f/b");
    assert_int_equal(run_plan(&world, plan), DISK_OK);
    assert_file(&world, "f/b", "la la la oh");
    assert_int_equal(disk_file_size(world.disk, "f/b"), 11);
    plan = disk_plan_new();
    add_chorus(plan, "f/c", 2, "too long ");
    add_chorus(plan, "f/d", 1, "y");
    assert_int_equal(run_plan(&world, plan), DISK_FULL);
    assert_int_equal(disk_used(world.disk), 11);
    assert_non_null(strstr(world.disk_log->str, "disk.full f/c"));
    world_clear(&world);
}

static void assert_beginning(const World *world, size_t count, const char *expected)
{
    g_autoptr(Octets) beginning = disk_read_beginning(world->disk, "f/a", count);
    g_autofree char *text = span_dup_text(span_of_octets(beginning));
    assert_string_equal(text, expected);
}

/* Of a value alone no more is read than is asked for; of anything else all. */
static void test_beginning(void **state)
{
    (void)state;
    World world;
    world_init(&world, (DiskOptions){0});
    DiskPlan *plan = disk_plan_new();
    add_chorus(plan, "f/a", 3, "la ");
    assert_int_equal(run_plan(&world, plan), DISK_OK);
    assert_beginning(&world, 5, "la la");
    assert_beginning(&world, 8, "la la la");
    assert_beginning(&world, 9, "la la la ");
    assert_beginning(&world, 10, "la la la ");
    plan = disk_plan_new();
    add_append(plan, "f/a", "oh");
    assert_int_equal(run_plan(&world, plan), DISK_OK);
    assert_beginning(&world, 5, "la la la oh");
    assert_null(disk_read_beginning(world.disk, "f/none", 5));
    world_clear(&world);
}

/* Whatever stands in a file, and whenever it is synced, it reads the same, before a loss of power
 * and after it. */
static void test_pieces_of_all_kinds(void **state)
{
    (void)state;
    enum { STEPS = 2000, REWRITE_EVERY = 700 };
    World world;
    world_init(&world, (DiskOptions){.loss = DISK_LOSS_ALL});
    g_autoptr(GString) file = g_string_new(NULL), durable = g_string_new(NULL);
    g_autofree char *many = g_strnfill(300, 'm'), *some = g_strnfill(100, 's');
    Random draws = random_stream(1, "pieces", RANDOM_WORKLOAD);
    for (unsigned i = 1; i <= STEPS; i++) {
        DiskPlan *plan = disk_plan_new();
        uint64_t kind = random_draw_below(&draws, 5);
        const char *text = kind == 0 ? many : kind == 1 ? some : kind == 2 ? "few" : "la ";
        Chorus chorus;
        if (i % REWRITE_EVERY == 0) {
            add_chorus(plan, "f/a", 1, text);
            g_string_truncate(file, 0);
        } else if (kind < 3) {
            add_append(plan, "f/a", text);
        } else {
            disk_plan_append_value(plan, "f/a", chorus_value(&chorus, 1, text));
        }
        g_string_append(file, text);
        if (random_draw_chance(&draws, 2, 3)) {
            disk_plan_sync(plan, "f/a");
            disk_plan_sync_folder(plan, "f");
            g_string_assign(durable, file->str);
        }
        assert_int_equal(run_plan(&world, plan), DISK_OK);
        assert_file(&world, "f/a", file->str);
        assert_int_equal(disk_used(world.disk), file->len);
        if (durable->len > 0 && random_draw_chance(&draws, 1, 50)) {
            disk_power_off(world.disk);
            assert_file(&world, "f/a", durable->str);
            g_string_assign(file, durable->str);
        }
    }
    world_clear(&world);
}

/* However a name is kept, it is another than all others, and comes back as it was. */
static void test_names_of_all_kinds(void **state)
{
    (void)state;
    static const char *const names[] = {
        "-",      ".",     "0",      "00", "0000", "00000", "000000", "0000000", "00000.", "00000x",
        "000001", "00001", "0x0000", "1",  "1-",   "1-1",   "1-10",   "1-2",     "1.S",    "1.FS",
        "10",     "12",    "1x",     "S",  "SS",   "x",     "x00000", "xxxxxxxx"};
    static const char *const long_names[] = {
        "0000000002.90000000000.1-5-0.",   "0000000002.90000000000.1-5-0.S",
        "0000000002.90000000000.1-5-0.FS", "0000000020.90000000000.1-5-0.",
        "00000000020.9000000000.1-5-0.",   "12345678901234567890123456789",
        "folder.0000000003.INBOX",         "tmp.0000000003"};
    World world;
    world_init(&world, (DiskOptions){0});
    g_autoptr(GPtrArray) all = g_ptr_array_new_with_free_func(g_free);
    for (size_t i = 0; i < G_N_ELEMENTS(names); i++)
        g_ptr_array_add(all, g_strconcat("f/", names[i], NULL));
    for (size_t i = 0; i < G_N_ELEMENTS(long_names); i++)
        g_ptr_array_add(all, g_strconcat("f/", long_names[i], NULL));
    DiskPlan *plan = disk_plan_new();
    for (guint i = 0; i < all->len; i++)
        add_write(plan, all->pdata[i], all->pdata[i]);
    assert_int_equal(run_plan(&world, plan), DISK_OK);
    for (guint i = 0; i < all->len; i++)
        assert_file(&world, all->pdata[i], all->pdata[i]);
    g_auto(GStrv) listed = disk_list(world.disk, "f");
    assert_int_equal(g_strv_length(listed), all->len);
    for (guint i = 0; i < all->len; i++)
        assert_true(g_strv_contains((const char *const *)listed,
                                    (const char *)all->pdata[i] + strlen("f/")));
    world_clear(&world);
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
    add_write(plan, "f/a", "1");
    disk_plan_unlink_if_there(plan, "f/a");
    disk_plan_unlink_if_there(plan, "f/a");
    add_write(plan, "f/b", "2");
    assert_int_equal(run_plan(&world, plan), DISK_OK);
    assert_false(disk_has_file(world.disk, "f/a"));
    assert_file(&world, "f/b", "2");
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
            g_autoptr(Octets) content = disk_read(world.disk, "f/a");
            bool is_new = octets_length(content) == 4;
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
        cmocka_unit_test(test_a_value_is_its_octets),
        cmocka_unit_test(test_beginning),
        cmocka_unit_test(test_pieces_of_all_kinds),
        cmocka_unit_test(test_names_of_all_kinds),
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
