/* Tests of mailbox_states: the table is walked. For each state a disk is built that is in it; the
 * survey finds that state, and recovery does what the table says, also when power fails at any of
 * its steps and it begins anew. Then the other way round: no crash leaves anything but legal
 * states, and each legal state comes about. */
#include "mailbox_server.h"

#include "mail/message.h"
#include "store/inventory.h"
#include "store/mailbox_states.h"

#define BOB  "mail/bob/1772409600/"
#define WORK "mail/bob/1772409700/"
#define TEXT "Message-ID: <one@x.test>\r\n\r\none\r\n"

/* How a disk gets into each state: files, and what is in them. The file in that state is the first.
 */
static const struct {
    const char *path, *content;
    const char *other_path, *other_content;
    const char *third_path;
} examples[MAILBOX_STATE_COUNT] = {
    [MAILBOX_STATE_MARK] = {BOB "folder.0000000001.INBOX", "", NULL, NULL, NULL},
    [MAILBOX_STATE_MESSAGE] = {BOB "0000000001.5.1-1-0.S", TEXT, BOB "folder.0000000001.INBOX", "",
                               NULL},
    [MAILBOX_STATE_TWO_FOLDERS] = {WORK "0000000004.5.1-1-0.", TEXT, BOB "0000000001.5.1-1-0.S",
                                   TEXT, BOB "folder.0000000001.INBOX"},
    [MAILBOX_STATE_UNNAMED] = {BOB "tmp.0000000001", "Mess", BOB "folder.0000000001.INBOX", "",
                               NULL},
    [MAILBOX_STATE_ORPHAN] = {BOB "0000000001.5.1-1-0.", TEXT, NULL, NULL, NULL},
    [MAILBOX_STATE_SUBSCRIPTION] = {"mail/bob/subscribed.Work%2FLab", "", NULL, NULL, NULL},
    [MAILBOX_STATE_SECOND_MARK] = {BOB "folder.0000000002.INBOX", "", BOB "folder.0000000001.INBOX",
                                   "", NULL},
    [MAILBOX_STATE_SECOND_UID] = {BOB "0000000001.6.", TEXT, BOB "0000000001.5.", TEXT,
                                  BOB "folder.0000000001.INBOX"},
    [MAILBOX_STATE_STRANGE] = {BOB "core", "dumped", BOB "folder.0000000001.INBOX", "", NULL},
};

static void plan_file(DiskPlan *plan, const char *path, const char *content)
{
    g_autofree char *folder = g_path_get_dirname(path);
    g_autoptr(Octets) bytes = bytes_of(content);
    disk_plan_write(plan, path, bytes);
    disk_plan_sync(plan, path);
    disk_plan_sync_folder(plan, folder);
}

static void build(World *world, MailboxState state)
{
    DiskPlan *plan = disk_plan_new();
    plan_file(plan, examples[state].path, examples[state].content);
    if (examples[state].other_path != NULL)
        plan_file(plan, examples[state].other_path, examples[state].other_content);
    if (examples[state].third_path != NULL)
        plan_file(plan, examples[state].third_path, "");
    if (state == MAILBOX_STATE_TWO_FOLDERS)
        plan_file(plan, WORK "folder.0000000004.Work", "");
    disk_run(world->disk, plan, (DiskDone){0});
    world_run(world);
}

/* The state of the file, or MAILBOX_STATE_COUNT when the survey does not have it. */
static MailboxState state_of(const World *world, const char *path)
{
    g_autoptr(GArray) files = mailbox_survey(world->disk);
    for (guint i = 0; i < files->len; i++) {
        const MailboxFile *file = &g_array_index(files, MailboxFile, i);
        if (strcmp(file->path, path) == 0)
            return file->state;
    }
    return MAILBOX_STATE_COUNT;
}

/* Recovers, up to a loss of power after so many events; false when it had ended before. */
static bool recover(Server *server, uint64_t events)
{
    server_restart(server, false);
    bool is_cut = world_run_events(&server->world, events);
    disk_power_off(server->world.disk);
    return is_cut;
}

static void assert_recovered(const World *world, MailboxState state)
{
    const char *path = examples[state].path;
    switch (mailbox_state_info(state)->recovery) {
    case MAILBOX_KEEPS:
        assert_int_equal(state_of(world, path), state);
        break;
    case MAILBOX_REMOVES:
        if (disk_has_file(world->disk, path))
            fail_msg("%s (%s) is still there", path, mailbox_state_info(state)->name);
        break;
    case MAILBOX_LEAVES: {
        g_autoptr(Octets) content = disk_read(world->disk, path);
        assert_bytes(content, examples[state].content);
        break;
    }
    }
}

/* The inventory names what recovery leaves alone, and nothing else. */
static void assert_reported(World *world, MailboxState state)
{
    g_string_truncate(world->log, 0);
    store_inventory(world->disk, world->trace, world->host, true);
    g_autofree char *line = g_strdup_printf("damaged %s", examples[state].path);
    bool is_legal = mailbox_state_info(state)->is_legal;
    assert_int_equal(count_of(world->log->str, line), is_legal ? 0 : 1);
    assert_int_equal(count_of(world->log->str, "damaged"), is_legal ? 0 : 1);
}

static void test_each_state_is_recovered(void **unused)
{
    (void)unused;
    for (MailboxState state = 0; state < MAILBOX_STATE_COUNT; state++) {
        bool is_cut = true;
        for (uint64_t events = 0; is_cut; events++) {
            Server server;
            server_init_seeded(&server, (DiskOptions){0}, events + 1);
            build(&server.world, state);
            assert_int_equal(state_of(&server.world, examples[state].path), state);
            is_cut = recover(&server, events);
            assert_false(recover(&server, 1000));
            assert_recovered(&server.world, state);
            assert_reported(&server.world, state);
            server_clear(&server);
        }
    }
}

static void test_table(void **unused)
{
    (void)unused;
    for (MailboxState state = 0; state < MAILBOX_STATE_COUNT; state++) {
        const MailboxStateInfo *info = mailbox_state_info(state);
        assert_non_null(info->name);
        assert_non_null(info->reason);
        assert_int_equal(info->is_legal, info->recovery != MAILBOX_LEAVES);
    }
}

/* ---- What crashes leave ---- */

static void note_states(const World *world, unsigned *seen)
{
    g_autoptr(GArray) files = mailbox_survey(world->disk);
    MailboxStock stock = mailbox_take_stock(world->disk);
    guint messages = 0, in_stock = 0;
    for (guint i = 0; i < files->len; i++) {
        const MailboxFile *file = &g_array_index(files, MailboxFile, i);
        if (!mailbox_state_info(file->state)->is_legal)
            fail_msg("%s is %s", file->path, mailbox_state_info(file->state)->name);
        seen[file->state]++;
        messages +=
            file->state == MAILBOX_STATE_MESSAGE || file->state == MAILBOX_STATE_TWO_FOLDERS;
    }
    for (guint i = 0; i < stock.folders->len; i++)
        in_stock += g_array_index(stock.folders, MailboxFolder, i).messages->len;
    assert_int_equal(stock.damaged->len, 0);
    assert_int_equal(in_stock, messages);
    mailbox_stock_clear(&stock);
}

/* Deliveries, flags, a move, a removal, a folder renamed and one deleted, all asked for at once.
 * The move goes into the folder that comes later. */
static void ask_for_all(Server *server)
{
    static const uint32_t one[] = {1}, two[] = {2};
    MailStore *store = server->store;
    g_autofree char *text = g_strnfill(1500, 'm');
    g_autoptr(Octets) message = bytes_of(text);
    g_autoptr(StoredMessage) stored = stored_of(text);
    mail_store_subscribe(store, "bob", "Work", true, (MailDone){0});
    for (uint32_t i = 0; i < 3; i++)
        mail_store_deliver(store, "bob", "INBOX", stored, NULL, (MailOrigin){1, 1, i}, 5,
                           (MailDone){0});
    mail_store_append(store, "bob", "Work", message, 0, 5, (MailDone){0});
    mail_store_set_flags(store, "bob", "INBOX", 1, MAIL_FLAGS_ADD, MAIL_FLAG_SEEN, (MailDone){0});
    mail_store_move(store, "bob", "INBOX", two, 1, "Work", (MailDone){0});
    mail_store_expunge(store, "bob", "INBOX", one, 1, false, (MailDone){0});
    mail_store_rename_folder(store, "bob", "Work", "Play", (MailDone){0});
    mail_store_delete_folder(store, "bob", "Play", (MailDone){0});
}

/* Power fails after so many events; false when there are not so many. */
static bool play_story(uint64_t seed, uint64_t events, unsigned *seen)
{
    Server server;
    server_init_seeded(&server, (DiskOptions){0}, seed);
    ask_for_all(&server);
    bool is_cut = world_run_events(&server.world, events);
    disk_power_off(server.world.disk);
    note_states(&server.world, seen);
    for (uint64_t more = 0; recover(&server, more); more++)
        note_states(&server.world, seen);
    note_states(&server.world, seen);
    server_clear(&server);
    return is_cut;
}

static void test_crashes_leave_legal_states(void **unused)
{
    (void)unused;
    unsigned seen[MAILBOX_STATE_COUNT] = {0};
    for (uint64_t seed = 1; seed <= 30; seed++) {
        for (uint64_t events = 0; play_story(seed, events, seen);)
            events++;
    }
    for (MailboxState state = 0; state < MAILBOX_STATE_COUNT; state++) {
        print_message("%s: %u times\n", mailbox_state_info(state)->name, seen[state]);
        assert_int_equal(seen[state] > 0, mailbox_state_info(state)->is_legal);
    }
}

/* ---- A delivery that is there ---- */

static void test_a_delivery_is_found(void **unused)
{
    (void)unused;
    Server server;
    const MailOrigin first = {1, 7, 0}, second = {1, 7, 1}, other = {2, 7, 0};
    static const uint32_t uid[] = {1};
    server_init(&server, (DiskOptions){.loss = DISK_LOSS_ALL});
    g_autoptr(StoredMessage) message = stored_of(TEXT);
    mail_store_deliver(server.store, "bob", "INBOX", message, NULL, first, 5, tell(&server));
    assert_int_equal(end(&server), MAIL_OK);
    server_restart(&server, true);
    world_run(&server.world);
    assert_true(mail_store_has_delivery(server.store, "bob", first));
    assert_false(mail_store_has_delivery(server.store, "bob", second));
    assert_false(mail_store_has_delivery(server.store, "bob", other));
    assert_false(mail_store_has_delivery(server.store, "alice/x", first));
    mail_store_settle(server.store, "bob", first, tell(&server));
    assert_int_equal(end(&server), MAIL_OK);
    assert_int_equal(server.uid_count, 1);
    assert_int_equal(server.uids[0], 1);
    mail_store_settle(server.store, "bob", second, tell(&server));
    assert_int_equal(end(&server), MAIL_NO_MESSAGE);
    /* It stays the delivery in another folder, with another flag; a copy of it is none. */
    assert_int_equal(set_flags(&server, 1, MAIL_FLAGS_ADD, MAIL_FLAG_SEEN), MAIL_OK);
    assert_int_equal(create_folder(&server, "Work"), MAIL_OK);
    assert_int_equal(copy(&server, "INBOX", uid, 1, "Work"), MAIL_OK);
    assert_int_equal(expunge(&server, "INBOX", uid, 1, false), MAIL_OK);
    assert_false(mail_store_has_delivery(server.store, "bob", first));
    mail_store_deliver(server.store, "bob", "INBOX", message, NULL, first, 5, tell(&server));
    assert_int_equal(end(&server), MAIL_OK);
    assert_int_equal(move(&server, "INBOX", server.uids, 1, "Work"), MAIL_OK);
    assert_true(mail_store_has_delivery(server.store, "bob", first));
    server_clear(&server);
}

/* A mail has the name that its file tells: a Return-Path on top may move the Message-ID out of what
 * is looked at. */
static void test_a_name_is_that_of_the_file(void **unused)
{
    (void)unused;
    static const char PATH[] = "Return-Path: <someone@kakao.example>\r\n";
    static const char ID[] = "Message-ID: <deep@x.example>\r\n\r\n";
    const char *const paths[] = {NULL, PATH};
    for (size_t i = 0; i < G_N_ELEMENTS(paths); i++) {
        Server server;
        server_init(&server, (DiskOptions){0});
        g_autofree char *filler = g_strnfill(MESSAGE_HEADER_MAX - sizeof ID - 10, 'x');
        g_autofree char *text = g_strconcat("X: ", filler, "\r\n", ID, "body\r\n", NULL);
        Octets *octets = octets_new(text, strlen(text));
        g_autoptr(StoredMessage) message = stored_message_new(
            NULL, paths[i], (Span){0}, (Span){0}, (Slice){octets, 0, octets_length(octets)});
        mail_store_deliver(server.store, "bob", "INBOX", message, NULL, (MailOrigin){1, 7, 0}, 5,
                           tell(&server));
        assert_int_equal(end(&server), MAIL_OK);
        bool is_named = strstr(server.world.log->str, "deep") != NULL;
        assert_int_equal(is_named, paths[i] == NULL);
        server_clear(&server);
    }
}

/* What a crash of the program has left is not durable before it is settled. */
static void test_settling_is_durable(void **unused)
{
    (void)unused;
    const MailOrigin origin = {1, 7, 0};
    for (int is_settled = 0; is_settled < 2; is_settled++) {
        Server server;
        server_init(&server, (DiskOptions){.loss = DISK_LOSS_ALL});
        g_autoptr(StoredMessage) stored = stored_of(TEXT);
        g_autoptr(Octets) message = bytes_of(TEXT);
        mail_store_append(server.store, "bob", "INBOX", message, 0, 5, tell(&server));
        assert_int_equal(end(&server), MAIL_OK);
        mail_store_deliver(server.store, "bob", "INBOX", stored, NULL, origin, 5, tell(&server));
        world_run_events(&server.world, 3); /* write, sync, rename */
        /* The recovery's own sync fails. */
        disk_fail(server.world.disk, 1 << DISK_OPERATION_SYNC, 1, 0);
        server_restart(&server, false);
        world_run(&server.world);
        assert_true(mail_store_has_delivery(server.store, "bob", origin));
        if (is_settled) {
            mail_store_settle(server.store, "bob", origin, tell(&server));
            assert_int_equal(end(&server), MAIL_OK);
        }
        server_restart(&server, true);
        assert_int_equal(mail_store_has_delivery(server.store, "bob", origin), is_settled);
        server_clear(&server);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_table),
        cmocka_unit_test(test_each_state_is_recovered),
        cmocka_unit_test(test_crashes_leave_legal_states),
        cmocka_unit_test(test_a_delivery_is_found),
        cmocka_unit_test(test_a_name_is_that_of_the_file),
        cmocka_unit_test(test_settling_is_durable),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
