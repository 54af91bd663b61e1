/* Tests of spool: the file's form, and crashes before and after each step of the disk. */
#include "store/spool.h"
#include "store_world.h"

static const char message_text[] = "Message-ID: <lunch@naver.example>\r\n\r\nNoon?\r\n0 relayed;\n";

static Envelope *make_envelope(void)
{
    Envelope *envelope = envelope_new("alice@naver.example");
    assert_true(envelope_add_recipient(envelope, "bob@gmail.example", 0, NULL));
    assert_true(envelope_add_recipient(envelope, "carol@gmail.example", NOTIFY_SUCCESS, NULL));
    return envelope;
}

static const SpoolOutcome deferred = {
    .kind = SPOOL_DEFERRED,
    .retry = {.arrived_at = 7,
              .first_failed_at = 100,
              .last_failed_at = 200,
              .due_at = 300,
              .attempts = 2},
    .next_at = 400,
};

static void count_done(void *owner, DiskResult result)
{
    assert_int_equal(result, DISK_OK);
    (*(unsigned *)owner)++;
}

static void add_one(World *world, Spool *spool, const char *id)
{
    unsigned told = 0;
    g_autoptr(Envelope) envelope = make_envelope();
    g_autoptr(StoredMessage) message = stored_of(message_text);
    spool_add(spool, id, envelope, message, 7, (DiskDone){count_done, &told});
    world_run(world);
    assert_int_equal(told, 1);
}

static Spool *start(const World *world, GPtrArray **entries)
{
    Spool *spool = spool_new(world->disk, SPOOL_SYNC_FIRST);
    *entries = spool_recover(spool);
    return spool;
}

/* ---- The form ---- */

static void test_form(void **state)
{
    (void)state;
    World world;
    GPtrArray *entries;
    world_init(&world, (DiskOptions){0});
    Spool *spool = start(&world, &entries);
    assert_int_equal(entries->len, 0);
    g_ptr_array_unref(entries);
    SpoolId id = spool_take_id(spool);
    assert_string_equal(id.text, "1-1");
    add_one(&world, spool, id.text);
    spool_note(spool, id.text, 1, deferred, (DiskDone){0});
    spool_note(spool, id.text, 1, (SpoolOutcome){.kind = SPOOL_WARNED}, (DiskDone){0});
    world_run(&world);
    g_autoptr(Octets) file = disk_read(world.disk, "spool/queue/1-1");
    assert_bytes(file, "spool 1\narrived 7\nenvelope 107\nmessage 55\n"
                       "envelope 1\nfrom <alice@naver.example>\nto <bob@gmail.example>\n"
                       "to <carol@gmail.example> notify=SUCCESS\nend 2\n"
                       "Message-ID: <lunch@naver.example>\r\n\r\nNoon?\r\n0 relayed;\n"
                       "\n1 deferred 2 100 200 300 400;\n1 warned;");
    g_autoptr(SpoolEntry) entry = spool_entry_parse("1-1", file);
    g_autoptr(Envelope) envelope = make_envelope();
    assert_string_equal(entry->id, "1-1");
    assert_true(envelope_equals(entry->envelope, envelope));
    assert_message(entry->message, message_text);
    assert_int_equal(entry->arrived_at, 7);
    assert_int_equal(spool_entry_waiting(entry), 2);
    assert_false(entry->recipients[0].is_done);
    assert_false(entry->recipients[0].is_warned);
    assert_int_equal(entry->recipients[0].next_at, 7);
    assert_int_equal(entry->recipients[0].retry.attempts, 0);
    assert_true(entry->recipients[1].is_warned);
    assert_int_equal(entry->recipients[1].next_at, 400);
    assert_memory_equal(&entry->recipients[1].retry, &deferred.retry, sizeof(RetryState));
    spool_free(spool);
    world_clear(&world);
}

#define HEAD "spool 1\narrived 7\nenvelope 58\nmessage 2\n"
#define BODY "envelope 1\nfrom <alice@naver.example>\nto <b@b.test>\nend 1\nhi"

static SpoolEntry *parse(const char *text)
{
    g_autoptr(Octets) file = bytes_of(text);
    return spool_entry_parse("1-1", file);
}

/* A file cut short anywhere before the message's end is no entry; a journal cut short anywhere is
 * one, with the notes that are whole. */
static void test_cut_anywhere(void **state)
{
    (void)state;
    static const char whole[] = HEAD BODY "\n0 deferred 1 2 3 4 5;\n0 relayed;";
    size_t message_end = strlen(HEAD BODY), first_end = strlen(whole) - strlen("\n0 relayed;");
    for (size_t length = 0; length <= strlen(whole); length++) {
        g_autofree char *text = g_strndup(whole, length);
        g_autoptr(SpoolEntry) entry = parse(text);
        assert_int_equal(entry != NULL, length >= message_end);
        if (entry == NULL)
            continue;
        assert_message(entry->message, "hi");
        assert_int_equal(entry->recipients[0].retry.attempts, length >= first_end ? 1 : 0);
        assert_int_equal(entry->recipients[0].is_done, length == strlen(whole));
        /* The next line is read whatever the torn one looks like. */
        g_autofree char *more = g_strconcat(text, "\n0 bounced;", NULL);
        g_autoptr(SpoolEntry) next = parse(more);
        assert_true(next->recipients[0].is_done);
    }
}

static void test_outcomes(void **state)
{
    (void)state;
    static const struct {
        const char *line;
        bool is_done, is_warned, is_held;
    } cases[] = {
        {"0 relayed;", true, false, false},
        {"0 delivered;", true, false, false},
        {"0 bounced;", true, false, false},
        {"0 discarded;", true, false, false},
        {"0 warned;", false, true, false},
        {"0 held;", false, false, true},
        {"1 held;", false, false, false}, /* there is no such recipient */
        {"0 held;\n\n0 released;", false, false, false},
        {"0 released;\n0 held;", false, false, true},
        {"0 held;\n\n0 relea", false, false, true},
        {"1 relayed;", false, false, false},
        {"0 relayed", false, false, false},
        {"0 relayed;;", true, false, false},
        {"0  relayed;", false, false, false},
        {"0 waiting;", false, false, false},
        {" relayed;", false, false, false},
        {"-1 relayed;", false, false, false},
        {"99999999999999999999999 relayed;", false, false, false},
        {"0 relayed 1;", false, false, false},
        {"", false, false, false},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autofree char *text = g_strconcat(HEAD BODY "\n", cases[i].line, NULL);
        g_autoptr(SpoolEntry) entry = parse(text);
        assert_int_equal(entry->recipients[0].is_done, cases[i].is_done);
        assert_int_equal(entry->recipients[0].is_warned, cases[i].is_warned);
        assert_int_equal(entry->is_held, cases[i].is_held);
    }
    static const char *const no_deferrals[] = {
        "0 deferred;",
        "0 deferred 1 2 3 4;",
        "0 deferred 1 2 3 4 5 6;",
        "0 deferred 4294967296 2 3 4 5;",
        "0 deferred 1 -2 3 4 5;",
        "0 deferred 1 2 3 4 9223372036854775808;",
    };
    for (size_t i = 0; i < G_N_ELEMENTS(no_deferrals); i++) {
        g_autofree char *text = g_strconcat(HEAD BODY "\n", no_deferrals[i], NULL);
        g_autoptr(SpoolEntry) entry = parse(text);
        assert_int_equal(entry->recipients[0].retry.attempts, 0);
        assert_int_equal(entry->recipients[0].next_at, 7);
    }
}

static void test_no_entries(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "",
        "spool 2\narrived 7\nenvelope 58\nmessage 2\n" BODY,
        "spool 1\narrived -7\nenvelope 58\nmessage 2\n" BODY,
        "spool 1\narrived 7\nenvelope 57\nmessage 2\n" BODY,
        "spool 1\narrived 7\nenvelope 59\nmessage 1\n" BODY,
        "spool 1\narrived 7\nenvelope 58\nmessage 3\n" BODY,
        "spool 1\narrived 7\nenvelope 58\nmessage 18446744073709551615\n" BODY,
        "spool 1\narrived 7\nenvelope 18446744073709551615\nmessage 2\n" BODY,
    };
    for (size_t i = 0; i < G_N_ELEMENTS(texts); i++)
        assert_null(parse(texts[i]));
}

/* ---- Ids and order ---- */

static void test_ids(void **state)
{
    (void)state;
    World world;
    GPtrArray *entries;
    world_init(&world, (DiskOptions){0});
    static const char *const expected[] = {"1-1", "2-1", "3-1"};
    for (size_t i = 0; i < G_N_ELEMENTS(expected); i++) {
        Spool *spool = start(&world, &entries);
        g_ptr_array_unref(entries);
        assert_string_equal(spool_peek_id(spool).text, expected[i]);
        assert_string_equal(spool_take_id(spool).text, expected[i]);
        assert_string_not_equal(spool_peek_id(spool).text, expected[i]);
        add_one(&world, spool, expected[i]);
        spool_remove(spool, expected[i], (DiskDone){0});
        world_run(&world);
        disk_power_off(world.disk);
        spool_free(spool);
    }
    world_clear(&world);
}

static void test_order_of_arrival(void **state)
{
    (void)state;
    World world;
    GPtrArray *entries;
    world_init(&world, (DiskOptions){0});
    Spool *spool = start(&world, &entries);
    g_ptr_array_unref(entries);
    static const char *const ids[] = {"10-1", "2-10", "2-9", "no-id", "2"};
    for (size_t i = 0; i < G_N_ELEMENTS(ids); i++)
        add_one(&world, spool, ids[i]);
    spool_free(spool);
    spool = start(&world, &entries);
    assert_int_equal(entries->len, 3);
    static const char *const expected[] = {"2-9", "2-10", "10-1"};
    for (guint i = 0; i < entries->len; i++)
        assert_string_equal(((SpoolEntry *)entries->pdata[i])->id, expected[i]);
    world_run(&world);
    assert_true(disk_has_file(world.disk, "spool/queue/no-id"));
    g_ptr_array_unref(entries);
    spool_free(spool);
    world_clear(&world);
}

/* ---- A full disk ---- */

static void keep_result(void *owner, DiskResult result)
{
    *(DiskResult *)owner = result;
}

static void test_full_disk(void **state)
{
    (void)state;
    for (uint64_t capacity = 1; capacity < 220; capacity += 30) {
        World world;
        GPtrArray *entries;
        DiskResult result = DISK_NO_FILE;
        g_autoptr(Envelope) envelope = make_envelope();
        g_autoptr(StoredMessage) message = stored_of(message_text);
        world_init(&world, (DiskOptions){.capacity = capacity});
        Spool *spool = start(&world, &entries);
        g_ptr_array_unref(entries);
        spool_add(spool, "1-1", envelope, message, 7, (DiskDone){keep_result, &result});
        world_run(&world);
        bool fits = capacity > 208;
        assert_int_equal(result, fits ? DISK_OK : DISK_FULL);
        assert_int_equal(disk_has_file(world.disk, "spool/queue/1-1"), fits);
        assert_false(disk_has_file(world.disk, "spool/tmp/1-1"));
        assert_int_equal(count_of(world.disk_log->str, "disk.full"), fits ? 0 : 1);
        spool_free(spool);
        world_clear(&world);
    }
}

/* After a recovery that was let finish nothing is left over, and power takes nothing away. */
static void assert_clean(World *world, const GPtrArray *entries)
{
    disk_power_off(world->disk);
    g_auto(GStrv) tmp = disk_list(world->disk, "spool/tmp");
    g_auto(GStrv) queue = disk_list(world->disk, "spool/queue");
    assert_null(tmp[0]);
    assert_int_equal(g_strv_length(queue), entries->len);
    g_autoptr(GPtrArray) again = spool_read_all(world->disk);
    assert_int_equal(again->len, entries->len);
    for (guint i = 0; i < entries->len; i++) {
        const SpoolEntry *first = entries->pdata[i], *second = again->pdata[i];
        for (size_t r = 0; r < 2; r++)
            assert_memory_equal(&first->recipients[r], &second->recipients[r],
                                sizeof(SpoolRecipient));
    }
}

/* ---- A disk that fails ---- */

/* Fails at one step of its life. */
typedef struct Breaker {
    Disk *disk;
    uint64_t step;     /* 0: at none */
    uint64_t failures; /* from there on; 0: all */
} Breaker;

static void break_at(void *owner, uint64_t number, DiskMoment moment)
{
    const Breaker *breaker = owner;
    if (number == breaker->step && moment == DISK_BEFORE_STEP)
        disk_fail(breaker->disk, DISK_OPERATIONS_ALL, breaker->failures, 0);
}

/* Adds an entry on a disk that fails at its `step`; false when there is no such step. A crash and a
 * recovery on a sound disk follow. What was told holds: told 250, it is there; told of an error, it
 * is not there, unless the disk did not let it go. */
static bool add_with_failure(uint64_t step, uint64_t failures, bool is_power_off, unsigned *left)
{
    World world;
    DiskResult result = DISK_NO_FILE;
    g_autoptr(Envelope) envelope = make_envelope();
    g_autoptr(StoredMessage) message = stored_of(message_text);
    world_init(&world, (DiskOptions){.loss = DISK_LOSS_ALL});
    Breaker breaker = {world.disk, step, failures};
    disk_watch(world.disk, (DiskWatcher){break_at, &breaker});
    Spool *spool = spool_new(world.disk, SPOOL_SYNC_FIRST);
    g_ptr_array_unref(spool_recover(spool));
    spool_add(spool, "1-1", envelope, message, 7, (DiskDone){keep_result, &result});
    world_run(&world);
    assert_int_not_equal(result, DISK_NO_FILE); /* it was told */
    bool is_struck = disk_error_count(world.disk) > 0;
    if (failures == 1)
        assert_false(spool_has_leftovers(spool));
    bool has_left = spool_has_leftovers(spool);
    assert_int_equal(has_left || result == DISK_OK, disk_has_file(world.disk, "spool/queue/1-1") ||
                                                        disk_has_file(world.disk, "spool/tmp/1-1"));
    *left += has_left;
    world_crash(&world, is_power_off);
    spool_free(spool);
    disk_fix(world.disk);
    spool = spool_new(world.disk, SPOOL_SYNC_FIRST);
    g_autoptr(GPtrArray) entries = spool_recover(spool);
    assert_string_not_equal(spool_peek_id(spool).text, result == DISK_OK ? "1-1" : "");
    if (result == DISK_OK)
        assert_int_equal(entries->len, 1);
    else
        assert_true(entries->len == 0 || has_left);
    world_run(&world);
    assert_clean(&world, entries);
    spool_free(spool);
    world_clear(&world);
    return is_struck;
}

static void test_each_step_of_adding_fails(void **state)
{
    (void)state;
    for (unsigned way = 0; way < 4; way++) {
        uint64_t step = 1;
        unsigned left = 0;
        while (add_with_failure(step, way < 2 ? 1 : 0, way % 2 == 1, &left))
            step++;
        assert_int_equal(step, 9); /* 2 of the start, 1 of the recovery, 5 of the entry */
        assert_int_equal(left > 0, way >= 2);
    }
}

/* What could not be removed goes when it is tried again. */
static void test_leftovers(void **state)
{
    (void)state;
    World world;
    GPtrArray *entries;
    world_init(&world, (DiskOptions){0});
    Spool *spool = start(&world, &entries);
    g_ptr_array_unref(entries);
    add_one(&world, spool, "1-1");
    disk_fail(world.disk, 1 << DISK_OPERATION_UNLINK, 0, 0);
    DiskResult result = DISK_OK;
    spool_remove(spool, "1-1", (DiskDone){keep_result, &result});
    world_run(&world);
    assert_int_equal(result, DISK_ERROR);
    assert_true(spool_has_leftovers(spool));
    g_ptr_array_unref(spool_retry(spool));
    world_run(&world);
    assert_true(spool_has_leftovers(spool));
    disk_fix(world.disk);
    g_ptr_array_unref(spool_retry(spool));
    world_run(&world);
    assert_false(spool_has_leftovers(spool));
    assert_false(disk_has_file(world.disk, "spool/queue/1-1"));
    spool_free(spool);
    world_clear(&world);
}

/* Two entries, of which the disk does not give the first: it comes when it is tried again. */
static void test_an_unread_entry(void **state)
{
    (void)state;
    World world;
    GPtrArray *entries;
    world_init(&world, (DiskOptions){0});
    Spool *spool = start(&world, &entries);
    g_ptr_array_unref(entries);
    add_one(&world, spool, "1-1");
    add_one(&world, spool, "1-2");
    world_crash(&world, false);
    spool_free(spool);
    disk_fail(world.disk, 1 << DISK_OPERATION_READ, 1, 0);
    spool = start(&world, &entries);
    assert_int_equal(entries->len, 1);
    assert_string_equal(((const SpoolEntry *)entries->pdata[0])->id, "1-2");
    g_ptr_array_unref(entries);
    world_run(&world);
    assert_true(disk_has_file(world.disk, "spool/queue/1-1"));
    assert_true(spool_has_leftovers(spool));
    entries = spool_retry(spool);
    assert_int_equal(entries->len, 1);
    assert_string_equal(((const SpoolEntry *)entries->pdata[0])->id, "1-1");
    g_ptr_array_unref(entries);
    world_run(&world);
    assert_false(spool_has_leftovers(spool));
    spool_free(spool);
    world_clear(&world);
}

/* ---- The wrong order ---- */

typedef struct Told {
    World *world;
    SimTime at;
} Told;

static void keep_time(void *owner, DiskResult result)
{
    Told *told = owner;
    assert_int_equal(result, DISK_OK);
    told->at = simulator_now(told->world->simulator);
}

/* Told at once, durable after two syncs: a loss of power in between takes the entry, one after that
 * does not. */
static void test_told_before_the_sync(void **state)
{
    (void)state;
    for (int is_late = 0; is_late < 2; is_late++) {
        World world;
        world_init(&world, (DiskOptions){.loss = DISK_LOSS_ALL});
        Spool *spool = spool_new(world.disk, SPOOL_TELL_FIRST);
        g_ptr_array_unref(spool_recover(spool));
        world_run(&world);
        SimTime begin = simulator_now(world.simulator);
        Told told = {.world = &world, .at = SIM_NEVER};
        g_autoptr(Envelope) envelope = make_envelope();
        g_autoptr(StoredMessage) message = stored_of(message_text);
        spool_add(spool, "1-1", envelope, message, 7, (DiskDone){keep_time, &told});
        world_run_to(&world, begin + (is_late ? 2 : 1) * SIM_MILLISECOND);
        assert_int_equal(told.at, begin);
        disk_power_off(world.disk);
        spool_free(spool);
        GPtrArray *entries;
        spool = start(&world, &entries);
        assert_int_equal(entries->len, is_late);
        g_ptr_array_unref(entries);
        spool_free(spool);
        world_clear(&world);
    }
}

/* ---- Crashes ---- */

/* What a server does with one entry, each thing once the one before is durable. */
typedef struct Story {
    Spool *spool;
    Envelope *envelope;
    StoredMessage *message;
    unsigned told; /* how many are durable: added, bob relayed, carol deferred, relayed, removed */
} Story;

static void story_go_on(void *owner, DiskResult result)
{
    Story *story = owner;
    DiskDone done = {story_go_on, story};
    SpoolOutcome relayed = {.kind = SPOOL_RELAYED};
    assert_int_equal(result, DISK_OK);
    switch (++story->told) {
    case 1:
        spool_note(story->spool, "1-1", 0, relayed, done);
        break;
    case 2:
        spool_note(story->spool, "1-1", 1, deferred, done);
        break;
    case 3:
        spool_note(story->spool, "1-1", 1, relayed, done);
        break;
    case 4:
        spool_remove(story->spool, "1-1", done);
        break;
    }
}

/* Whether what has been found can be, when this much had been told and the next was under way. */
static void assert_legal(const GPtrArray *entries, unsigned told)
{
    assert_true(entries->len <= 1);
    if (entries->len == 0) {
        assert_true(told == 0 || told >= 3); /* not accepted, or all recipients done */
        return;
    }
    const SpoolEntry *entry = entries->pdata[0];
    assert_true(told <= 3);
    assert_string_equal(entry->id, "1-1");
    assert_message(entry->message, message_text);
    assert_int_equal(entry->arrived_at, 7);
    const SpoolRecipient *bob = &entry->recipients[0], *carol = &entry->recipients[1];
    assert_true(bob->is_done ? told >= 1 : told <= 1);
    assert_true(carol->retry.attempts == 2 ? told >= 2 : told <= 2);
    assert_false(carol->is_done && told < 3);
}

static void recover_and_check(World *world, unsigned told)
{
    GPtrArray *entries;
    Spool *spool = start(world, &entries);
    if (entries->len > 0 || told > 0) /* the id has been used */
        assert_string_not_equal(spool_peek_id(spool).text, "1-1");
    assert_legal(entries, told);
    world_run(world);
    assert_clean(world, entries);
    g_ptr_array_unref(entries);
    spool_free(spool);
}

/* Crashes after `events` events of the story, and again after `more` events of the recovery. */
static bool crash_story(uint64_t seed, uint64_t events, uint64_t more, bool *recovery_ended)
{
    bool is_power_off = seed > 0;
    World world;
    GPtrArray *entries;
    world_init_seeded(&world, (DiskOptions){0}, seed);
    Story story = {.spool = start(&world, &entries),
                   .envelope = make_envelope(),
                   .message = stored_of(message_text)};
    g_ptr_array_unref(entries);
    spool_add(story.spool, "1-1", story.envelope, story.message, 7,
              (DiskDone){story_go_on, &story});
    bool is_cut = world_run_events(&world, events);
    world_crash(&world, is_power_off);
    spool_free(story.spool);
    Spool *spool = start(&world, &entries);
    assert_legal(entries, story.told);
    *recovery_ended = !world_run_events(&world, more);
    world_crash(&world, is_power_off);
    g_ptr_array_unref(entries);
    spool_free(spool);
    recover_and_check(&world, story.told);
    envelope_free(story.envelope);
    stored_message_unref(story.message);
    world_clear(&world);
    return is_cut;
}

static void test_crash_at_each_step(void **state)
{
    (void)state;
    play_crashes(crash_story, 30, 80);
}

/* A note whose octets are zeros at its beginning is lost, and nothing before or behind it. */
static void test_journal_with_a_hole(void **state)
{
    (void)state;
    static const char first[] = "\n0 relayed;", torn[] = "\n0 deferred 1 2 3 4 5;";
    for (size_t hole = 1; hole < strlen(torn); hole++) {
        g_autoptr(GString) text = g_string_new(HEAD BODY);
        g_string_append(text, first);
        g_string_append(text, torn);
        memset(text->str + text->len - strlen(torn), 0, hole);
        g_string_append(text, "\n0 warned;");
        g_autoptr(Octets) file = octets_new(text->str, text->len);
        g_autoptr(SpoolEntry) entry = spool_entry_parse("1-1", file);
        assert_true(entry->recipients[0].is_done && entry->recipients[0].is_warned);
        assert_int_equal(entry->recipients[0].retry.attempts, 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_step_of_adding_fails),
        cmocka_unit_test(test_leftovers),
        cmocka_unit_test(test_an_unread_entry),
        cmocka_unit_test(test_form),
        cmocka_unit_test(test_cut_anywhere),
        cmocka_unit_test(test_outcomes),
        cmocka_unit_test(test_no_entries),
        cmocka_unit_test(test_ids),
        cmocka_unit_test(test_order_of_arrival),
        cmocka_unit_test(test_full_disk),
        cmocka_unit_test(test_told_before_the_sync),
        cmocka_unit_test(test_crash_at_each_step),
        cmocka_unit_test(test_journal_with_a_hole),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
