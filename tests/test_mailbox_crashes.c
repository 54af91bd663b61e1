/* Tests of store/mailbox: a crash, or a loss of power, at each step. */
#include "mailbox_server.h"

/* What the store may hold after so many changes of the story below have been told. */
static const char *const story_inbox[] = {
    "", "1:one:0 ", "1:one:0 2:two:0 ", "1:one:0 2:two:1 ", "1:one:0 2:two:1 ", "1:one:0 ", "",
};
static const char *const story_work[] = {
    "none", "none", "none", "none", "1:one:0 ", "1:one:0 2:two:1 ", "1:one:0 2:two:1 ",
};
enum { STORY_LENGTH = G_N_ELEMENTS(story_inbox) };

static void story_ask(Server *server, unsigned change)
{
    static const uint32_t one[] = {1}, two[] = {2};
    switch (change) {
    case 0:
        ask_deliver(server, "INBOX", "one");
        break;
    case 1:
        ask_deliver(server, "INBOX", "two");
        break;
    case 2:
        mail_store_set_flags(server->store, "bob", "INBOX", 2, MAIL_FLAGS_ADD, MAIL_FLAG_SEEN,
                             tell(server));
        break;
    case 3:
        ask_deliver(server, "Work", "one");
        break;
    case 4:
        mail_store_move(server->store, "bob", "INBOX", two, 1, "Work", tell(server));
        break;
    case 5:
        mail_store_expunge(server->store, "bob", "INBOX", one, 1, false, tell(server));
        break;
    }
}

/* One of: what was told, or what the next change makes of it. For a move that was cut off: also
 * both folders with the message. */
static void assert_story(const Server *server, unsigned told)
{
    g_autofree char *inbox = folder_text(server, "INBOX");
    g_autofree char *work = folder_text(server, "Work");
    unsigned next = MIN(told + 1, STORY_LENGTH - 1);
    bool inbox_is_before = strcmp(inbox, story_inbox[told]) == 0;
    assert_true(inbox_is_before || strcmp(inbox, story_inbox[next]) == 0);
    assert_true(strcmp(work, story_work[told]) == 0 || strcmp(work, story_work[next]) == 0);
    if (strcmp(inbox, story_inbox[next]) == 0 && !inbox_is_before)
        assert_string_equal(work, story_work[next]);
}

/* Crashes after so many events of the story, and again after so many of the recovery. */
static bool crash_story(uint64_t seed, uint64_t events, uint64_t more, bool *recovery_ended)
{
    bool is_power_off = seed > 0;
    Server server;
    server_init_seeded(&server, (DiskOptions){0}, seed);
    for (unsigned change = 0; change < STORY_LENGTH - 1; change++)
        story_ask(&server, change);
    bool is_cut = world_run_events(&server.world, events);
    unsigned told = server.told;
    server_restart(&server, is_power_off);
    assert_story(&server, told);
    g_autofree char *inbox = folder_text(&server, "INBOX");
    g_autofree char *work = folder_text(&server, "Work");
    *recovery_ended = !world_run_events(&server.world, more);
    server_restart(&server, is_power_off);
    if (*recovery_ended) { /* what it found, power does not take away */
        assert_folder(&server, "INBOX", inbox);
        assert_folder(&server, "Work", work);
    }
    assert_story(&server, told);
    world_run(&server.world);
    assert_no_tmp(&server);
    ask_deliver(&server, "INBOX", "last");
    assert_int_equal(end(&server), MAIL_OK);
    assert_true(server.uids[0] > (told >= 2 ? 2 : told));
    server_clear(&server);
    return is_cut;
}

static void test_crash_at_each_step(void **state)
{
    (void)state;
    play_crashes(crash_story, 20, 50);
}

/* A folder's deletion that was cut off is carried on with, or has not begun. */
static void test_crash_in_deletion(void **state)
{
    (void)state;
    for (uint64_t seed = 0; seed <= 20; seed++) { /* 0: the program crashes */
        bool is_cut = true;
        for (uint64_t events = 0; is_cut; events++) {
            Server server;
            server_init_seeded(&server, (DiskOptions){0}, seed);
            deliver(&server, "Work", "one");
            deliver(&server, "Work", "two");
            mail_store_delete_folder(server.store, "bob", "Work", tell(&server));
            unsigned told = server.told;
            is_cut = world_run_events(&server.world, events);
            bool is_told = server.told > told;
            server_restart(&server, seed > 0);
            g_autofree char *work = folder_text(&server, "Work");
            assert_true(strcmp(work, "none") == 0 ||
                        (!is_told && strcmp(work, "1:one:0 2:two:0 ") == 0));
            world_run(&server.world);
            assert_int_equal(disk_used(server.world.disk) == 0, strcmp(work, "none") == 0);
            server_clear(&server);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_crash_at_each_step),
        cmocka_unit_test(test_crash_in_deletion),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
