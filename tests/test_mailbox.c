/* Tests of store/mailbox: each change, and what a restart finds. */
#include "mailbox_server.h"

/* ---- Delivery ---- */

static void test_deliver(void **state)
{
    (void)state;
    Server server;
    server_init(&server, (DiskOptions){0});
    assert_folder(&server, "INBOX", "");
    assert_int_equal(deliver(&server, "INBOX", "one"), 1);
    assert_log(&server, "mailbox.store one bob INBOX 1\n", "0 bob INBOX 1 0;");
    assert_int_equal(deliver(&server, "INBOX", "two"), 2);
    assert_string_equal(strstr(server.world.disk_log->str, "disk.write mail/bob/1772409600/tmp."
                                                           "0000000002"),
                        "disk.write mail/bob/1772409600/tmp.0000000002 33\n"
                        "disk.sync mail/bob/1772409600/tmp.0000000002\n"
                        "disk.rename mail/bob/1772409600/tmp.0000000002 "
                        "mail/bob/1772409600/0000000002.5.\n"
                        "disk.sync mail/bob/1772409600\n");
    server_restart(&server, true);
    assert_folder(&server, "INBOX", "1:one:0 2:two:0 ");
    const MailFolder *inbox = mail_store_find_folder(server.store, "bob", "INBOX");
    assert_int_equal(mail_folder_uid_validity(inbox), START_UNIX);
    assert_int_equal(mail_folder_uid_next(inbox), 3);
    assert_null(mail_folder_find(inbox, 3));
    assert_null(mail_folder_read(inbox, 3));
    server_clear(&server);
}

static void test_users(void **state)
{
    (void)state;
    Server server;
    server_init(&server, (DiskOptions){0});
    g_autoptr(Octets) message = bytes_of("no name");
    assert_true(mail_store_has_user(server.store, "alice/x"));
    assert_false(mail_store_has_user(server.store, "Bob"));
    assert_null(mail_store_list_folders(server.store, "carol"));
    mail_store_append(server.store, "carol", "INBOX", message, 0, 0, tell(&server));
    assert_int_equal(end(&server), MAIL_NO_FOLDER);
    assert_int_equal(server.uid_count, 0);
    mail_store_append(server.store, "alice/x", "INBOX", message, MAIL_FLAG_SEEN, 0, tell(&server));
    assert_int_equal(end(&server), MAIL_OK);
    assert_true(disk_has_file(server.world.disk, "mail/alice%2Fx/1772409600/0000000001.0.S"));
    assert_string_equal(server.world.log->str, "mailbox.store  alice/x INBOX 1\n");
    server_clear(&server);
}

static void test_folder_on_demand(void **state)
{
    (void)state;
    Server server;
    server_init(&server, (DiskOptions){0});
    assert_int_equal(deliver(&server, "Sent", "one"), 1);
    assert_int_equal(deliver(&server, "보낸 편지함", "two"), 1);
    assert_folders(&server, "INBOX Sent 보낸 편지함");
    server_restart(&server, true);
    assert_folders(&server, "INBOX Sent 보낸 편지함");
    assert_folder(&server, "Sent", "1:one:0 ");
    assert_folder(&server, "보낸 편지함", "1:two:0 ");
    static const char *const bad[] = {"", "/a", "a/", "a//b", "\xff"};
    for (size_t i = 0; i < G_N_ELEMENTS(bad); i++) {
        world_run(&server.world);
        ask_deliver(&server, bad[i], "three");
        assert_int_equal(end(&server), MAIL_FORBIDDEN);
    }
    server_clear(&server);
}

/* ---- Flags ---- */

static void test_flags(void **state)
{
    (void)state;
    Server server;
    server_init(&server, (DiskOptions){0});
    deliver(&server, "INBOX", "one");
    assert_log(&server, "mailbox.store one bob INBOX 1\n", "0 bob INBOX 1 0;");
    assert_int_equal(set_flags(&server, 1, MAIL_FLAGS_ADD, MAIL_FLAG_SEEN | MAIL_FLAG_DRAFT),
                     MAIL_OK);
    assert_log(&server, "mailbox.flag bob INBOX 1 \\Draft \\Seen\n", "1 bob INBOX 1 17;");
    assert_int_equal(set_flags(&server, 1, MAIL_FLAGS_ADD, MAIL_FLAG_SEEN), MAIL_OK);
    assert_log(&server, "", "");
    assert_int_equal(set_flags(&server, 1, MAIL_FLAGS_REMOVE, MAIL_FLAG_DRAFT), MAIL_OK);
    assert_folder(&server, "INBOX", "1:one:1 ");
    assert_int_equal(set_flags(&server, 1, MAIL_FLAGS_REPLACE, 0xff), MAIL_OK);
    server_restart(&server, true);
    world_run(&server.world);
    assert_folder(&server, "INBOX", "1:one:31 ");
    assert_int_equal(set_flags(&server, 1, MAIL_FLAGS_REPLACE, 0), MAIL_OK);
    assert_folder(&server, "INBOX", "1:one:0 ");
    assert_int_equal(set_flags(&server, 2, MAIL_FLAGS_REPLACE, 0), MAIL_NO_MESSAGE);
    server_clear(&server);
}

/* Changes asked for at once are made in order, each on what the one before has left. */
static void test_changes_in_order(void **state)
{
    (void)state;
    Server server;
    static const uint32_t first[] = {1};
    server_init(&server, (DiskOptions){0});
    ask_deliver(&server, "Work", "one");
    mail_store_set_flags(server.store, "bob", "Work", 1, MAIL_FLAGS_ADD, MAIL_FLAG_SEEN,
                         tell(&server));
    mail_store_set_flags(server.store, "bob", "Work", 1, MAIL_FLAGS_ADD, MAIL_FLAG_FLAGGED,
                         tell(&server));
    mail_store_rename_folder(server.store, "bob", "Work", "Play", tell(&server));
    mail_store_move(server.store, "bob", "Play", first, 1, "INBOX", tell(&server));
    mail_store_delete_folder(server.store, "bob", "Play", tell(&server));
    world_run(&server.world);
    assert_int_equal(server.told, 6);
    assert_int_equal(server.result, MAIL_OK);
    assert_folders(&server, "INBOX");
    assert_folder(&server, "INBOX", "1:one:5 ");
    server_clear(&server);
}

/* ---- Copy, move, expunge ---- */

static void test_copy(void **state)
{
    (void)state;
    Server server;
    static const uint32_t two[] = {1, 2}, gone[] = {1, 9};
    server_init(&server, (DiskOptions){0});
    deliver(&server, "INBOX", "one");
    deliver(&server, "INBOX", "two");
    set_flags(&server, 2, MAIL_FLAGS_ADD, MAIL_FLAG_SEEN);
    assert_int_equal(copy(&server, "INBOX", two, 2, "Work"), MAIL_NO_FOLDER);
    deliver(&server, "Work", "old");
    forget_log(&server);
    assert_int_equal(copy(&server, "INBOX", gone, 2, "Work"), MAIL_NO_MESSAGE);
    assert_int_equal(copy(&server, "INBOX", two, 2, "Work"), MAIL_OK);
    assert_int_equal(server.uid_count, 2);
    assert_int_equal(server.uids[1], 3);
    assert_log(&server, "mailbox.store one bob Work 2\nmailbox.store two bob Work 3\n",
               "0 bob Work 2 0;0 bob Work 3 1;");
    server_restart(&server, true);
    assert_folder(&server, "INBOX", "1:one:0 2:two:1 ");
    assert_folder(&server, "Work", "1:old:0 2:one:0 3:two:1 ");
    server_clear(&server);
}

static void test_move(void **state)
{
    (void)state;
    Server server;
    static const uint32_t two[] = {3, 1}, twice[] = {2, 2};
    server_init(&server, (DiskOptions){0});
    deliver(&server, "INBOX", "one");
    deliver(&server, "INBOX", "two");
    deliver(&server, "INBOX", "three");
    assert_int_equal(create_folder(&server, "Trash"), MAIL_OK);
    forget_log(&server);
    assert_int_equal(move(&server, "INBOX", two, 2, "Trash"), MAIL_OK);
    assert_int_equal(server.uids[0], 1);
    assert_log(&server,
               "mailbox.store three bob Trash 1\nmailbox.store one bob Trash 2\n"
               "mailbox.expunge three bob INBOX 3\nmailbox.expunge one bob INBOX 1\n",
               "0 bob Trash 1 0;0 bob Trash 2 0;2 bob INBOX 3 0;2 bob INBOX 1 0;");
    assert_int_equal(move(&server, "INBOX", twice, 2, "Trash"), MAIL_NO_MESSAGE);
    server_restart(&server, true);
    world_run(&server.world);
    assert_folder(&server, "INBOX", "2:two:0 ");
    assert_folder(&server, "Trash", "1:three:0 2:one:0 ");
    /* Into the same folder: a new UID. */
    assert_int_equal(move(&server, "Trash", two + 1, 1, "Trash"), MAIL_OK);
    assert_folder(&server, "Trash", "2:one:0 3:three:0 ");
    assert_int_equal(deliver(&server, "INBOX", "four"), 4);
    server_clear(&server);
}

static void test_expunge(void **state)
{
    (void)state;
    Server server;
    static const uint32_t asked[] = {3, 1, 3, 7};
    server_init(&server, (DiskOptions){0});
    deliver(&server, "INBOX", "one");
    deliver(&server, "INBOX", "two");
    deliver(&server, "INBOX", "three");
    set_flags(&server, 3, MAIL_FLAGS_ADD, MAIL_FLAG_DELETED);
    forget_log(&server);
    assert_int_equal(expunge(&server, "INBOX", asked, 4, true), MAIL_OK);
    assert_int_equal(server.uid_count, 1);
    assert_int_equal(server.uids[0], 3);
    assert_log(&server, "mailbox.expunge three bob INBOX 3\n", "2 bob INBOX 3 8;");
    assert_int_equal(expunge(&server, "INBOX", asked, 4, false), MAIL_OK);
    assert_int_equal(server.uid_count, 1);
    assert_int_equal(expunge(&server, "INBOX", asked, 4, false), MAIL_OK);
    assert_int_equal(server.uid_count, 0);
    assert_int_equal(expunge(&server, "None", asked, 4, false), MAIL_NO_FOLDER);
    /* The highest UID is gone, and even so is not given again. */
    server_restart(&server, true);
    world_run(&server.world);
    assert_folder(&server, "INBOX", "2:two:0 ");
    assert_int_equal(deliver(&server, "INBOX", "four"), 4);
    server_clear(&server);
}

/* ---- Folders ---- */

static void test_folders(void **state)
{
    (void)state;
    Server server;
    server_init(&server, (DiskOptions){0});
    assert_int_equal(create_folder(&server, "Work"), MAIL_OK);
    assert_int_equal(create_folder(&server, "Work"), MAIL_EXISTS);
    assert_int_equal(create_folder(&server, "INBOX"), MAIL_EXISTS);
    deliver(&server, "Work/Lab", "one");
    deliver(&server, "Workshop", "two");
    uint32_t lab =
        mail_folder_uid_validity(mail_store_find_folder(server.store, "bob", "Work/Lab"));
    assert_int_equal(rename_folder(&server, "Work", "Workshop"), MAIL_EXISTS);
    assert_int_equal(rename_folder(&server, "Work", "Work"), MAIL_EXISTS);
    assert_int_equal(rename_folder(&server, "INBOX", "Box"), MAIL_FORBIDDEN);
    assert_int_equal(rename_folder(&server, "Work", "Work/"), MAIL_FORBIDDEN);
    assert_int_equal(rename_folder(&server, "None", "Some"), MAIL_NO_FOLDER);
    assert_int_equal(rename_folder(&server, "Work", "Work/Lab"), MAIL_OK);
    assert_folders(&server, "INBOX Work/Lab Work/Lab/Lab Workshop");
    server_restart(&server, true);
    world_run(&server.world);
    assert_folders(&server, "INBOX Work/Lab Work/Lab/Lab Workshop");
    assert_folder(&server, "Work/Lab/Lab", "1:one:0 ");
    assert_int_equal(
        mail_folder_uid_validity(mail_store_find_folder(server.store, "bob", "Work/Lab/Lab")), lab);

    g_string_truncate(server.world.log, 0);
    assert_int_equal(delete_folder(&server, "Work/Lab/Lab"), MAIL_OK);
    assert_int_equal(server.uid_count, 0);
    assert_string_equal(server.world.log->str, "mailbox.expunge one bob Work/Lab/Lab 1\n");
    assert_int_equal(delete_folder(&server, "INBOX"), MAIL_FORBIDDEN);
    assert_int_equal(delete_folder(&server, "None"), MAIL_NO_FOLDER);
    /* The name again is another folder (RFC 9051 §2.3.1.1). */
    deliver(&server, "Work/Lab/Lab", "three");
    assert_true(mail_folder_uid_validity(
                    mail_store_find_folder(server.store, "bob", "Work/Lab/Lab")) > lab);
    server_restart(&server, true);
    assert_folder(&server, "Work/Lab/Lab", "1:three:0 ");
    server_clear(&server);
}

/* ---- A full disk ---- */

static void test_full_disk(void **state)
{
    (void)state;
    Server server;
    static const uint32_t both[] = {1, 2};
    server_init(&server, (DiskOptions){.capacity = 90});
    deliver(&server, "INBOX", "one");
    deliver(&server, "INBOX", "two");
    assert_int_equal(create_folder(&server, "Trash"), MAIL_OK);
    assert_int_equal(copy(&server, "INBOX", both, 2, "Trash"), MAIL_NO_ROOM);
    disk_fill(server.world.disk, 0);
    ask_deliver(&server, "INBOX", "three");
    assert_int_equal(end(&server), MAIL_NO_ROOM);
    assert_int_equal(server.uid_count, 0);
    ask_deliver(&server, "New", "three");
    assert_int_equal(end(&server), MAIL_NO_ROOM);
    assert_folders(&server, "INBOX Trash");
    assert_null(strstr(server.world.log->str, "three"));
    /* Whatever makes room, or needs none, can be done. */
    assert_int_equal(set_flags(&server, 1, MAIL_FLAGS_ADD, MAIL_FLAG_DELETED), MAIL_OK);
    assert_int_equal(move(&server, "INBOX", both + 1, 1, "Trash"), MAIL_OK);
    assert_int_equal(expunge(&server, "INBOX", both, 2, true), MAIL_OK);
    assert_int_equal(disk_used(server.world.disk), 33);
    disk_free_space(server.world.disk);
    assert_int_equal(deliver(&server, "INBOX", "four"), 3);
    server_restart(&server, true);
    assert_folder(&server, "INBOX", "3:four:0 ");
    assert_folder(&server, "Trash", "1:two:0 ");
    server_clear(&server);
}

/* What APPEND says may be older than the simulation; a start reads it back. */
static void test_old_dates(void **state)
{
    (void)state;
    Server server;
    server_init(&server, (DiskOptions){0});
    g_autoptr(Octets) message = bytes_of("old");
    static const SimTime dates[] = {-30 * 365 * SIM_DAY, -1, 0, -INT64_MAX};
    for (size_t i = 0; i < G_N_ELEMENTS(dates); i++) {
        mail_store_append(server.store, "bob", "INBOX", message, MAIL_FLAG_DRAFT, dates[i],
                          tell(&server));
        assert_int_equal(end(&server), MAIL_OK);
    }
    server_restart(&server, true);
    const MailFolder *inbox = mail_store_find_folder(server.store, "bob", "INBOX");
    assert_int_equal(mail_folder_count(inbox), G_N_ELEMENTS(dates));
    for (size_t i = 0; i < G_N_ELEMENTS(dates); i++) {
        assert_int_equal(mail_folder_message(inbox, i)->date, dates[i]);
        assert_int_equal(mail_folder_message(inbox, i)->flags, MAIL_FLAG_DRAFT);
    }
    server_clear(&server);
}

/* The names that bob is subscribed to, with a space between them. */
static void assert_subscriptions(const Server *server, const char *expected)
{
    g_auto(GStrv) names = mail_store_list_subscriptions(server->store, "bob");
    g_autofree char *text = g_strjoinv(" ", names);
    assert_string_equal(text, expected);
}

static MailResult subscribe(Server *server, const char *folder, bool subscribes)
{
    mail_store_subscribe(server->store, "bob", folder, subscribes, tell(server));
    return end(server);
}

/* To any name that a folder may have; a folder that goes does not take it along. */
static void test_subscriptions(void **state)
{
    (void)state;
    Server server;
    server_init(&server, (DiskOptions){0});
    assert_int_equal(subscribe(&server, "Work", true), MAIL_OK);
    assert_int_equal(subscribe(&server, "Work", true), MAIL_OK);
    assert_int_equal(subscribe(&server, "INBOX", true), MAIL_OK);
    assert_int_equal(subscribe(&server, "Lab/a b", true), MAIL_OK);
    assert_int_equal(subscribe(&server, "a//b", true), MAIL_FORBIDDEN);
    assert_int_equal(subscribe(&server, "Nowhere", false), MAIL_OK);
    assert_subscriptions(&server, "INBOX Lab/a b Work");
    assert_int_equal(create_folder(&server, "Work"), MAIL_OK);
    assert_int_equal(delete_folder(&server, "Work"), MAIL_OK);
    server_restart(&server, true);
    assert_subscriptions(&server, "INBOX Lab/a b Work");
    world_run(&server.world);
    assert_int_equal(subscribe(&server, "Lab/a b", false), MAIL_OK);
    server_restart(&server, true);
    assert_subscriptions(&server, "INBOX Work");
    world_run(&server.world);
    assert_null(mail_store_list_subscriptions(server.store, "carol"));
    mail_store_subscribe(server.store, "carol", "Work", true, tell(&server));
    assert_int_equal(end(&server), MAIL_NO_FOLDER);
    server_clear(&server);
}

/* ---- File names ---- */

static void test_names(void **state)
{
    (void)state;
    MailMessage message;
    assert_true(mail_message_name_parse("0000000002.90000000000.FS", &message));
    assert_int_equal(message.uid, 2);
    assert_int_equal(message.date, 90 * SIM_SECOND);
    assert_int_equal(message.flags, MAIL_FLAG_FLAGGED | MAIL_FLAG_SEEN);
    assert_true(mail_message_name_parse("0000000002.-9223372036854775807.", &message));
    assert_int_equal(message.date, -INT64_MAX);
    assert_true(mail_message_name_parse("0000000002.90000000000.3-14-1.S", &message));
    assert_int_equal(message.origin.start, 3);
    assert_int_equal(message.origin.number, 14);
    assert_int_equal(message.origin.recipient, 1);
    assert_int_equal(message.flags, MAIL_FLAG_SEEN);
    static const char *const no_messages[] = {
        "0000000002.5.0-1-1.",
        "0000000002.5.1-1.",
        "0000000002.5.1-1-.",
        "0000000002.5.01-1-1.",
        "0000000002.5.1-1-4294967296.",
        "0000000002.5.1-1-1",
        "0000000002.5.1-1-1.S.",
        "0000000002.5..S",
        "",
        "0000000000.5.",
        "2.5.",
        "0000000002.5",
        "0000000002.5.SF",
        "0000000002.5.SS",
        "0000000002.5.X",
        "4294967296.5.",
        "0000000002.-0.",
        "0000000002.--5.",
        "0000000002.-",
        "0000000002.-9223372036854775808.",
        "0000000002.05.",
        "0000000002.9223372036854775808.",
        "tmp.0000000002",
    };
    for (size_t i = 0; i < G_N_ELEMENTS(no_messages); i++)
        assert_false(mail_message_name_parse(no_messages[i], &message));

    uint32_t uid_next = 0;
    char *folder = NULL;
    assert_true(mail_folder_name_parse("folder.0000000003.Work%2FLab", &uid_next, &folder));
    assert_int_equal(uid_next, 3);
    assert_string_equal(folder, "Work/Lab");
    g_free(folder);
    static const char *const no_folders[] = {
        "folder.0000000003.",        "folder.3.Work",         "folder.0000000000.Work",
        "folder.0000000003.W%2",     "folder.0000000003.%00", "folder.0000000003.%2fLab",
        "folder.0000000003.a%2F%2F", "folder.0000000003.%FF", "0000000003.Work",
    };
    for (size_t i = 0; i < G_N_ELEMENTS(no_folders); i++)
        assert_false(mail_folder_name_parse(no_folders[i], &uid_next, &folder));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_deliver),
        cmocka_unit_test(test_users),
        cmocka_unit_test(test_folder_on_demand),
        cmocka_unit_test(test_flags),
        cmocka_unit_test(test_changes_in_order),
        cmocka_unit_test(test_copy),
        cmocka_unit_test(test_move),
        cmocka_unit_test(test_expunge),
        cmocka_unit_test(test_folders),
        cmocka_unit_test(test_full_disk),
        cmocka_unit_test(test_old_dates),
        cmocka_unit_test(test_subscriptions),
        cmocka_unit_test(test_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
