/* Tests of mailbox on a disk that fails at each step of each change: nothing that was there is
 * lost, and the memory says what a start would find. */
#include "mailbox_server.h"

/* What the store holds, in memory and as a start would find it. */
static char *store_text(const Server *server)
{
    g_auto(GStrv) folders = mail_store_list_folders(server->store, "bob");
    GString *text = g_string_new(NULL);
    for (char **folder = folders; *folder != NULL; folder++) {
        g_autofree char *messages = folder_text(server, *folder);
        g_string_append_printf(text, "%s: %s\n", *folder, messages);
    }
    return g_string_free(text, FALSE);
}

/* Fails at one step of the disk's life. */
typedef struct Breaker {
    Disk *disk;
    uint64_t step;
    uint64_t failures; /* from there on; 0: all */
} Breaker;

static void break_at(void *owner, uint64_t number, DiskMoment moment)
{
    const Breaker *breaker = owner;
    if (number == breaker->step && moment == DISK_BEFORE_STEP)
        disk_fail(breaker->disk, DISK_OPERATIONS_ALL, breaker->failures, 0);
}

enum { CHANGES = 9 };

static void ask_change(Server *server, unsigned change)
{
    static const uint32_t both[] = {1, 2};
    MailStore *store = server->store;
    switch (change) {
    case 0:
        ask_deliver(server, "INBOX", "three");
        break;
    case 1:
        ask_deliver(server, "New", "three");
        break;
    case 2:
        mail_store_set_flags(store, "bob", "INBOX", 1, MAIL_FLAGS_ADD, MAIL_FLAG_SEEN,
                             tell(server));
        break;
    case 3:
        mail_store_copy(store, "bob", "INBOX", both, 2, "Work", tell(server));
        break;
    case 4:
        mail_store_move(store, "bob", "INBOX", both, 2, "Work", tell(server));
        break;
    case 5:
        mail_store_expunge(store, "bob", "INBOX", both, 2, false, tell(server));
        break;
    case 6:
        mail_store_create_folder(store, "bob", "New", tell(server));
        break;
    case 7:
        mail_store_rename_folder(store, "bob", "Work", "Play", tell(server));
        break;
    case 8:
        mail_store_delete_folder(store, "bob", "Work", tell(server));
        break;
    }
}

/* The change fails at its `step`: what was there before is there, or gone as asked, and what the
 * memory says is what a start finds. False when there is no such step. */
static bool change_with_failure(unsigned change, uint64_t step, uint64_t failures)
{
    Server server;
    server_init(&server, (DiskOptions){0});
    deliver(&server, "INBOX", "one");
    deliver(&server, "INBOX", "two");
    deliver(&server, "Work", "work");
    deliver(&server, "Work/Lab", "lab");
    g_string_truncate(server.news, 0);
    g_autofree char *before = store_text(&server);
    Breaker breaker = {server.world.disk, disk_step_count(server.world.disk) + step, failures};
    disk_watch(server.world.disk, (DiskWatcher){break_at, &breaker});
    ask_change(&server, change);
    MailResult result = end(&server);
    disk_watch(server.world.disk, (DiskWatcher){0});
    bool is_struck = disk_error_count(server.world.disk) > 0;
    assert_int_equal(result, is_struck ? MAIL_FAILED : MAIL_OK);
    disk_fix(server.world.disk);
    g_autofree char *after = store_text(&server);
    if (is_struck && (change == 0 || change == 3) && failures == 1)
        assert_string_equal(after, before); /* what was to be added is gone again */
    /* Nothing is lost: each message is in a folder yet, unless it was to go. */
    if (change != 5 && change != 8) {
        assert_non_null(strstr(after, ":one:"));
        assert_non_null(strstr(after, ":two:"));
        assert_non_null(strstr(after, ":work:"));
    }
    assert_non_null(strstr(after, ":lab:"));
    /* The store goes on, and gives no UID twice. */
    uint32_t uid = deliver(&server, "INBOX", "last");
    assert_true(uid >= 3);
    g_autofree char *memory = store_text(&server);
    server_restart(&server, false);
    g_autofree char *found = store_text(&server);
    assert_string_equal(found, memory);
    world_run(&server.world);
    assert_no_tmp(&server);
    server_clear(&server);
    return is_struck;
}

static void test_each_step_of_each_change_fails(void **state)
{
    (void)state;
    for (unsigned change = 0; change < CHANGES; change++) {
        for (uint64_t failures = 0; failures < 3; failures++) {
            uint64_t step = 1;
            while (change_with_failure(change, step, failures))
                step++;
            assert_true(step > 2);
        }
    }
}

/* The first delivery of a mailbox fails at its `step`, and is made again: what the disk kept of the
 * first is no second copy, neither for a start nor for one after a loss of power. False when there
 * is no such step. */
static bool first_delivery_with_failure(uint64_t step, uint64_t failures, bool is_power_lost)
{
    Server server;
    server_init(&server, (DiskOptions){.loss = DISK_LOSS_ALL});
    Breaker breaker = {server.world.disk, disk_step_count(server.world.disk) + step, failures};
    disk_watch(server.world.disk, (DiskWatcher){break_at, &breaker});
    ask_deliver(&server, "INBOX", "one");
    MailResult result = end(&server);
    disk_watch(server.world.disk, (DiskWatcher){0});
    bool is_struck = disk_error_count(server.world.disk) > 0;
    disk_fix(server.world.disk);
    g_autofree char *before = store_text(&server);
    bool is_found = result != MAIL_OK && strstr(before, ":one:") != NULL;
    if (result != MAIL_OK && !is_found)
        deliver(&server, "INBOX", "one");
    g_autofree char *memory = store_text(&server);
    server_restart(&server, is_power_lost && !is_found); /* what is found is not yet durable */
    g_autofree char *found = store_text(&server);
    assert_string_equal(found, memory);
    server_clear(&server);
    return is_struck;
}

static void test_each_step_of_the_first_delivery_fails(void **state)
{
    (void)state;
    for (uint64_t failures = 0; failures < 3; failures++) {
        for (int is_power_lost = 0; is_power_lost < 2; is_power_lost++) {
            uint64_t step = 1;
            while (first_delivery_with_failure(step, failures, is_power_lost))
                step++;
            assert_true(step > 2);
        }
    }
}

/* What cannot be read is not there for now; a copy of it is not made, and a move needs no reading.
 */
static void test_reading_fails(void **state)
{
    (void)state;
    static const uint32_t one[] = {1};
    Server server;
    server_init(&server, (DiskOptions){0});
    deliver(&server, "INBOX", "one");
    deliver(&server, "Work", "work");
    MailFolder *inbox = mail_store_find_folder(server.store, "bob", "INBOX");
    disk_fail(server.world.disk, 1 << DISK_OPERATION_READ, 0, 0);
    assert_null(mail_folder_read(inbox, 1));
    mail_store_copy(server.store, "bob", "INBOX", one, 1, "Work", tell(&server));
    assert_int_equal(end(&server), MAIL_FAILED);
    mail_store_move(server.store, "bob", "INBOX", one, 1, "Work", tell(&server));
    assert_int_equal(end(&server), MAIL_OK);
    disk_fix(server.world.disk);
    assert_folder(&server, "Work", "1:work:0 2:one:0 ");
    assert_folder(&server, "INBOX", "");
    server_clear(&server);
}

/* Who looks on is told what a change that failed has changed: here a removal that came half-way. */
static void test_news_of_a_failed_change(void **state)
{
    (void)state;
    static const uint32_t both[] = {1, 2};
    Server server;
    server_init(&server, (DiskOptions){0});
    deliver(&server, "INBOX", "one");
    deliver(&server, "INBOX", "two");
    g_string_truncate(server.news, 0);
    g_string_truncate(server.world.log, 0);
    /* The mark's rename, then the two removals. */
    Breaker breaker = {server.world.disk, disk_step_count(server.world.disk) + 3, 1};
    disk_watch(server.world.disk, (DiskWatcher){break_at, &breaker});
    mail_store_expunge(server.store, "bob", "INBOX", both, 2, false, tell(&server));
    assert_int_equal(end(&server), MAIL_FAILED);
    assert_string_equal(server.news->str, "2 bob INBOX 1 0 ?;");
    assert_string_equal(server.world.log->str, "mailbox.expunge one bob INBOX 1\n");
    assert_folder(&server, "INBOX", "2:two:0 ");
    server_clear(&server);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_step_of_each_change_fails),
        cmocka_unit_test(test_each_step_of_the_first_delivery_fails),
        cmocka_unit_test(test_reading_fails),
        cmocka_unit_test(test_news_of_a_failed_change),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
