/* Tests of spool_states: the table is walked. For each state a disk is built that is in it; the
 * survey finds that state, and recovery does what the table says, also when power fails at any of
 * its steps and it begins anew. Then the other way round: no crash leaves anything but legal
 * states, and each legal state comes about. */
#include "store/inventory.h"
#include "store/spool_states.h"
#include "store_world.h"

#define HEAD  "spool 1\narrived 7\nenvelope 58\nmessage 2\n"
#define ENTRY HEAD "envelope 1\nfrom <alice@naver.example>\nto <b@b.test>\nend 1\nhi"

/* How a disk gets into each state: files, and what is in them. The file in that state is the first.
 */
static const struct {
    const char *path, *content;
    const char *other_path, *other_content;
} examples[SPOOL_STATE_COUNT] = {
    [SPOOL_STATE_START] = {"spool/start.1", "", NULL, NULL},
    [SPOOL_STATE_UNNAMED] = {"spool/tmp/1-1", HEAD "envel", NULL, NULL},
    [SPOOL_STATE_TWO_NAMES] = {"spool/tmp/1-1", ENTRY, "spool/queue/1-1", ENTRY},
    [SPOOL_STATE_WAITING] = {"spool/queue/1-1", ENTRY "\n0 deferred 1 2 3 4 5;", NULL, NULL},
    [SPOOL_STATE_TORN] = {"spool/queue/1-1", ENTRY "\n0 relay", NULL, NULL},
    [SPOOL_STATE_DONE] = {"spool/queue/1-1", ENTRY "\n0 relayed;", NULL, NULL},
    [SPOOL_STATE_SECOND_START] = {"spool/start.1", "", "spool/start.2", ""},
    [SPOOL_STATE_DAMAGED] = {"spool/queue/1-1", HEAD "envelope 1\nfrom <al", NULL, NULL},
    [SPOOL_STATE_STRANGE] = {"spool/queue/core", "dumped", NULL, NULL},
};

static void plan_file(DiskPlan *plan, const char *path, const char *content)
{
    g_autofree char *folder = g_path_get_dirname(path);
    g_autoptr(Octets) bytes = bytes_of(content);
    disk_plan_write(plan, path, bytes);
    disk_plan_sync(plan, path);
    disk_plan_sync_folder(plan, folder);
}

static void build(World *world, SpoolState state)
{
    DiskPlan *plan = disk_plan_new();
    plan_file(plan, examples[state].path, examples[state].content);
    if (examples[state].other_path != NULL)
        plan_file(plan, examples[state].other_path, examples[state].other_content);
    disk_run(world->disk, plan, (DiskDone){0});
    world_run(world);
}

/* The state of the file, or SPOOL_STATE_COUNT when the survey does not have it. */
static SpoolState state_of(const World *world, const char *path)
{
    g_autoptr(GArray) files = spool_survey(world->disk);
    for (guint i = 0; i < files->len; i++) {
        const SpoolFile *file = &g_array_index(files, SpoolFile, i);
        if (strcmp(file->path, path) == 0)
            return file->state;
    }
    return SPOOL_STATE_COUNT;
}

/* Recovers, up to a loss of power after so many events; false when it had ended before. */
static bool recover(World *world, uint64_t events, guint *found)
{
    Spool *spool = spool_new(world->disk, SPOOL_SYNC_FIRST);
    g_autoptr(GPtrArray) entries = spool_recover(spool);
    *found = entries->len;
    bool is_cut = world_run_events(world, events);
    disk_power_off(world->disk);
    spool_free(spool);
    return is_cut;
}

static void assert_recovered(World *world, SpoolState state)
{
    const char *path = examples[state].path;
    switch (spool_state_info(state)->recovery) {
    case SPOOL_KEEPS:
        assert_int_equal(state_of(world, path), state);
        break;
    case SPOOL_REMOVES:
    case SPOOL_RENAMES:
        if (disk_has_file(world->disk, path))
            fail_msg("%s (%s) is still there", path, spool_state_info(state)->name);
        break;
    case SPOOL_LEAVES: {
        g_autoptr(Octets) content = disk_read(world->disk, path);
        assert_bytes(content, examples[state].content);
        break;
    }
    }
}

/* The inventory names what recovery leaves alone, and nothing else. */
static void assert_reported(World *world, SpoolState state)
{
    g_string_truncate(world->log, 0);
    store_inventory(world->disk, world->trace, world->host, true);
    g_autofree char *line = g_strdup_printf("damaged %s", examples[state].path);
    bool is_legal = spool_state_info(state)->is_legal;
    assert_int_equal(count_of(world->log->str, line), is_legal ? 0 : 1);
    assert_int_equal(count_of(world->log->str, "damaged"), is_legal ? 0 : 1);
    assert_int_equal(spool_has_damage(world->disk), !is_legal);
}

static guint expected_entries(SpoolState state)
{
    return spool_state_info(state)->recovery == SPOOL_KEEPS || state == SPOOL_STATE_TWO_NAMES;
}

static void test_each_state_is_recovered(void **unused)
{
    (void)unused;
    for (SpoolState state = 0; state < SPOOL_STATE_COUNT; state++) {
        bool is_cut = true;
        for (uint64_t events = 0; is_cut; events++) {
            World world;
            guint found = 0;
            world_init_seeded(&world, (DiskOptions){0}, events + 1);
            build(&world, state);
            assert_int_equal(state_of(&world, examples[state].path), state);
            is_cut = recover(&world, events, &found);
            assert_int_equal(found, expected_entries(state));
            assert_false(recover(&world, 1000, &found));
            assert_int_equal(found, expected_entries(state));
            assert_recovered(&world, state);
            assert_reported(&world, state);
            world_clear(&world);
        }
    }
}

static void test_table(void **unused)
{
    (void)unused;
    for (SpoolState state = 0; state < SPOOL_STATE_COUNT; state++) {
        const SpoolStateInfo *info = spool_state_info(state);
        assert_non_null(info->name);
        assert_non_null(info->reason);
        assert_int_equal(info->is_legal, info->recovery != SPOOL_LEAVES);
    }
}

/* ---- What crashes leave ---- */

typedef struct Story {
    Spool *spool;
    unsigned told;
} Story;

/* An entry is added, noted, noted again and removed; a second one is on its way meanwhile. */
static void story_go_on(void *owner, DiskResult result)
{
    Story *story = owner;
    DiskDone done = {story_go_on, story};
    assert_int_equal(result, DISK_OK);
    switch (++story->told) {
    case 1:
        spool_note(story->spool, "1-1", 0, (SpoolOutcome){.kind = SPOOL_WARNED}, done);
        break;
    case 2:
        spool_note(story->spool, "1-1", 0, (SpoolOutcome){.kind = SPOOL_RELAYED}, done);
        break;
    case 3:
        spool_remove(story->spool, "1-1", (DiskDone){0});
        break;
    }
}

static void note_states(const World *world, unsigned *seen)
{
    g_autoptr(GArray) files = spool_survey(world->disk);
    for (guint i = 0; i < files->len; i++) {
        const SpoolFile *file = &g_array_index(files, SpoolFile, i);
        if (!spool_state_info(file->state)->is_legal)
            fail_msg("%s is %s", file->path, spool_state_info(file->state)->name);
        seen[file->state]++;
    }
}

/* Power fails after so many events; false when there are not so many. */
static bool play_story(uint64_t seed, uint64_t events, unsigned *seen)
{
    World world;
    world_init_seeded(&world, (DiskOptions){0}, seed);
    g_autoptr(Envelope) envelope = envelope_new("alice@naver.example");
    envelope_add_recipient(envelope, "b@b.test", 0, NULL);
    g_autofree char *text = g_strnfill(1500, 'm');
    g_autoptr(StoredMessage) message = stored_of(text);
    Story story = {.spool = spool_new(world.disk, SPOOL_SYNC_FIRST)};
    g_ptr_array_unref(spool_recover(story.spool));
    spool_add(story.spool, "1-1", envelope, message, 7, (DiskDone){story_go_on, &story});
    spool_add(story.spool, "1-2", envelope, message, 8, (DiskDone){0});
    bool is_cut = world_run_events(&world, events);
    disk_power_off(world.disk);
    note_states(&world, seen);
    spool_free(story.spool);
    guint found = 0;
    for (uint64_t more = 0; recover(&world, more, &found); more++)
        note_states(&world, seen);
    note_states(&world, seen);
    world_clear(&world);
    return is_cut;
}

/* Two names need a system that writes the name in tmp back while it runs; this disk does so only
 * when power fails. */
static bool comes_about(SpoolState state)
{
    return spool_state_info(state)->is_legal && state != SPOOL_STATE_TWO_NAMES;
}

static void test_crashes_leave_legal_states(void **unused)
{
    (void)unused;
    unsigned seen[SPOOL_STATE_COUNT] = {0};
    for (uint64_t seed = 1; seed <= 100; seed++) {
        for (uint64_t events = 0; play_story(seed, events, seen);)
            events++;
    }
    for (SpoolState state = 0; state < SPOOL_STATE_COUNT; state++) {
        print_message("%s: %u times\n", spool_state_info(state)->name, seen[state]);
        assert_int_equal(seen[state] > 0, comes_about(state));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_table),
        cmocka_unit_test(test_each_state_is_recovered),
        cmocka_unit_test(test_crashes_leave_legal_states),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
