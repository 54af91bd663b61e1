/* Tests of mailbox: each change, what a restart finds, and crashes at each step. */
#include "store/mailbox.h"
#include "store_world.h"

enum { START_UNIX = 1772409600 };

typedef struct Server {
    World world;
    MailStore *store;
    /* What the last change told. */
    unsigned told;
    MailResult result;
    uint32_t uids[8];
    size_t uid_count;
    GString *news;
} Server;

static void on_news(void *owner, const MailNews *news)
{
    Server *server = owner;
    g_string_append_printf(server->news, "%d %s %s %u %u%s;", (int)news->kind, news->user,
                           news->folder, news->uid, news->flags,
                           news->origin == server ? "" : " ?");
}

static void server_start(Server *server)
{
    server->store =
        mail_store_new(server->world.trace, server->world.host, server->world.disk, START_UNIX);
    mail_store_add_user(server->store, "bob");
    mail_store_add_user(server->store, "bob");
    mail_store_add_user(server->store, "alice/x");
    mail_store_watch(server->store, (MailWatcher){on_news, server});
}

static void server_init_seeded(Server *server, DiskOptions options, uint64_t seed)
{
    *server = (Server){.news = g_string_new(NULL)};
    world_init_seeded(&server->world, options, seed);
    server_start(server);
}

static void server_init(Server *server, DiskOptions options)
{
    server_init_seeded(server, options, 1);
}

static void server_clear(Server *server)
{
    mail_store_free(server->store);
    world_clear(&server->world);
    g_string_free(server->news, TRUE);
}

static void server_restart(Server *server, bool is_power_off)
{
    world_crash(&server->world, is_power_off);
    mail_store_free(server->store);
    server_start(server);
    mail_store_recover(server->store);
}

static void on_done(void *owner, MailResult result, const uint32_t *uids, size_t count)
{
    Server *server = owner;
    server->told++;
    server->result = result;
    server->uid_count = count;
    assert_true(count <= G_N_ELEMENTS(server->uids));
    if (count > 0)
        memcpy(server->uids, uids, count * sizeof *uids);
}

static MailDone tell(Server *server)
{
    return (MailDone){on_done, server};
}

/* Lets the change that was just asked for end, and gives its result. */
static MailResult end(Server *server)
{
    unsigned told = server->told;
    world_run(&server->world);
    assert_int_equal(server->told, told + 1);
    return server->result;
}

static void ask_deliver(Server *server, const char *folder, const char *name)
{
    g_autofree char *text = g_strdup_printf("Message-ID: <%s@x.test>\r\n\r\n%s\r\n", name, name);
    g_autoptr(GBytes) message = bytes_of(text);
    mail_store_deliver(server->store, "bob", folder, message, 0, 5, tell(server));
}

static uint32_t deliver(Server *server, const char *folder, const char *name)
{
    ask_deliver(server, folder, name);
    assert_int_equal(end(server), MAIL_OK);
    assert_int_equal(server->uid_count, 1);
    return server->uids[0];
}

/* "uid:name:flags " of each message, from the octets on the disk. */
static char *folder_text(const Server *server, const char *folder_name)
{
    MailFolder *folder = mail_store_find_folder(server->store, "bob", folder_name);
    if (folder == NULL)
        return g_strdup("none");
    GString *text = g_string_new(NULL);
    for (size_t i = 0; i < mail_folder_count(folder); i++) {
        const MailMessage *message = mail_folder_message(folder, i);
        assert_ptr_equal(mail_folder_find(folder, message->uid), message);
        g_autoptr(GBytes) content = mail_folder_read(folder, message->uid);
        assert_non_null(content);
        assert_int_equal(g_bytes_get_size(content), message->size);
        assert_int_equal(message->date, 5);
        gsize size = 0;
        const char *data = g_bytes_get_data(content, &size);
        const char *at = memchr(data + 13, '@', size - 13);
        assert_non_null(at);
        g_autofree char *name = g_strndup(data + 13, (gsize)(at - data) - 13);
        g_string_append_printf(text, "%u:%s:%u ", message->uid, name, message->flags);
    }
    return g_string_free(text, FALSE);
}

static void assert_folder(const Server *server, const char *folder, const char *expected)
{
    g_autofree char *text = folder_text(server, folder);
    assert_string_equal(text, expected);
}

static void assert_folders(const Server *server, const char *expected)
{
    g_auto(GStrv) list = mail_store_list_folders(server->store, "bob");
    g_autofree char *joined = g_strjoinv(" ", list);
    assert_string_equal(joined, expected);
}

static void assert_log(Server *server, const char *log, const char *news)
{
    assert_string_equal(server->world.log->str, log);
    assert_string_equal(server->news->str, news);
    g_string_truncate(server->world.log, 0);
    g_string_truncate(server->news, 0);
}

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
    g_autoptr(GBytes) message = bytes_of("no name");
    assert_true(mail_store_has_user(server.store, "alice/x"));
    assert_false(mail_store_has_user(server.store, "Bob"));
    assert_null(mail_store_list_folders(server.store, "carol"));
    mail_store_deliver(server.store, "carol", "INBOX", message, 0, 0, tell(&server));
    assert_int_equal(end(&server), MAIL_NO_FOLDER);
    assert_int_equal(server.uid_count, 0);
    mail_store_deliver(server.store, "alice/x", "INBOX", message, MAIL_FLAG_SEEN, 0, tell(&server));
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

static MailResult set_flags(Server *server, uint32_t uid, MailFlagMode mode, MailFlags flags)
{
    mail_store_set_flags(server->store, "bob", "INBOX", uid, mode, flags, tell(server));
    return end(server);
}

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
    mail_store_copy(server.store, "bob", "INBOX", two, 2, "Work", tell(&server));
    assert_int_equal(end(&server), MAIL_NO_FOLDER);
    deliver(&server, "Work", "old");
    g_string_truncate(server.world.log, 0);
    g_string_truncate(server.news, 0);
    mail_store_copy(server.store, "bob", "INBOX", gone, 2, "Work", tell(&server));
    assert_int_equal(end(&server), MAIL_NO_MESSAGE);
    mail_store_copy(server.store, "bob", "INBOX", two, 2, "Work", tell(&server));
    assert_int_equal(end(&server), MAIL_OK);
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
    mail_store_create_folder(server.store, "bob", "Trash", tell(&server));
    assert_int_equal(end(&server), MAIL_OK);
    g_string_truncate(server.world.log, 0);
    g_string_truncate(server.news, 0);
    mail_store_move(server.store, "bob", "INBOX", two, 2, "Trash", tell(&server));
    assert_int_equal(end(&server), MAIL_OK);
    assert_int_equal(server.uids[0], 1);
    assert_log(&server,
               "mailbox.store three bob Trash 1\nmailbox.store one bob Trash 2\n"
               "mailbox.expunge three bob INBOX 3\nmailbox.expunge one bob INBOX 1\n",
               "0 bob Trash 1 0;0 bob Trash 2 0;2 bob INBOX 3 0;2 bob INBOX 1 0;");
    mail_store_move(server.store, "bob", "INBOX", twice, 2, "Trash", tell(&server));
    assert_int_equal(end(&server), MAIL_NO_MESSAGE);
    server_restart(&server, true);
    world_run(&server.world);
    assert_folder(&server, "INBOX", "2:two:0 ");
    assert_folder(&server, "Trash", "1:three:0 2:one:0 ");
    /* Into the same folder: a new UID. */
    mail_store_move(server.store, "bob", "Trash", two + 1, 1, "Trash", tell(&server));
    assert_int_equal(end(&server), MAIL_OK);
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
    g_string_truncate(server.world.log, 0);
    g_string_truncate(server.news, 0);
    mail_store_expunge(server.store, "bob", "INBOX", asked, 4, true, tell(&server));
    assert_int_equal(end(&server), MAIL_OK);
    assert_int_equal(server.uid_count, 1);
    assert_int_equal(server.uids[0], 3);
    assert_log(&server, "mailbox.expunge three bob INBOX 3\n", "2 bob INBOX 3 8;");
    mail_store_expunge(server.store, "bob", "INBOX", asked, 4, false, tell(&server));
    assert_int_equal(end(&server), MAIL_OK);
    assert_int_equal(server.uid_count, 1);
    mail_store_expunge(server.store, "bob", "INBOX", asked, 4, false, tell(&server));
    assert_int_equal(end(&server), MAIL_OK);
    assert_int_equal(server.uid_count, 0);
    mail_store_expunge(server.store, "bob", "None", asked, 4, false, tell(&server));
    assert_int_equal(end(&server), MAIL_NO_FOLDER);
    /* The highest UID is gone, and even so is not given again. */
    server_restart(&server, true);
    world_run(&server.world);
    assert_folder(&server, "INBOX", "2:two:0 ");
    assert_int_equal(deliver(&server, "INBOX", "four"), 4);
    server_clear(&server);
}

/* ---- Folders ---- */

static MailResult rename_folder(Server *server, const char *from, const char *to)
{
    mail_store_rename_folder(server->store, "bob", from, to, tell(server));
    return end(server);
}

static void test_folders(void **state)
{
    (void)state;
    Server server;
    server_init(&server, (DiskOptions){0});
    mail_store_create_folder(server.store, "bob", "Work", tell(&server));
    assert_int_equal(end(&server), MAIL_OK);
    mail_store_create_folder(server.store, "bob", "Work", tell(&server));
    assert_int_equal(end(&server), MAIL_EXISTS);
    mail_store_create_folder(server.store, "bob", "INBOX", tell(&server));
    assert_int_equal(end(&server), MAIL_EXISTS);
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
    mail_store_delete_folder(server.store, "bob", "Work/Lab/Lab", tell(&server));
    assert_int_equal(end(&server), MAIL_OK);
    assert_int_equal(server.uid_count, 0);
    assert_string_equal(server.world.log->str, "mailbox.expunge one bob Work/Lab/Lab 1\n");
    mail_store_delete_folder(server.store, "bob", "INBOX", tell(&server));
    assert_int_equal(end(&server), MAIL_FORBIDDEN);
    mail_store_delete_folder(server.store, "bob", "None", tell(&server));
    assert_int_equal(end(&server), MAIL_NO_FOLDER);
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
    mail_store_create_folder(server.store, "bob", "Trash", tell(&server));
    assert_int_equal(end(&server), MAIL_OK);
    mail_store_copy(server.store, "bob", "INBOX", both, 2, "Trash", tell(&server));
    assert_int_equal(end(&server), MAIL_NO_ROOM);
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
    mail_store_move(server.store, "bob", "INBOX", both + 1, 1, "Trash", tell(&server));
    assert_int_equal(end(&server), MAIL_OK);
    mail_store_expunge(server.store, "bob", "INBOX", both, 2, true, tell(&server));
    assert_int_equal(end(&server), MAIL_OK);
    assert_int_equal(disk_used(server.world.disk), 33);
    disk_free_space(server.world.disk);
    assert_int_equal(deliver(&server, "INBOX", "four"), 3);
    server_restart(&server, true);
    assert_folder(&server, "INBOX", "3:four:0 ");
    assert_folder(&server, "Trash", "1:two:0 ");
    server_clear(&server);
}

/* ---- Crashes ---- */

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

static void assert_no_tmp(const Server *server)
{
    g_auto(GStrv) folders = disk_list_folders(server->world.disk, "mail/bob");
    for (char **folder = folders; *folder != NULL; folder++) {
        g_autofree char *path = g_strconcat("mail/bob/", *folder, NULL);
        g_auto(GStrv) names = disk_list(server->world.disk, path);
        for (char **name = names; *name != NULL; name++)
            assert_false(g_str_has_prefix(*name, "tmp."));
    }
}

/* Crashes after so many events of the story, and again after so many of the recovery. */
static bool crash_story(uint64_t seed, uint64_t events, uint64_t more, bool is_power_off,
                        bool *recovery_ended)
{
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
    for (uint64_t seed = 0; seed <= 20; seed++) { /* 0: the program crashes */
        bool is_cut = true;
        unsigned runs = 0;
        for (uint64_t events = 0; is_cut; events++) {
            bool recovery_ended = false;
            for (uint64_t more = 0; !recovery_ended; more++, runs++)
                is_cut = crash_story(seed, events, more, seed > 0, &recovery_ended);
        }
        assert_true(runs > 50);
    }
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

/* ---- File names ---- */

static void test_names(void **state)
{
    (void)state;
    MailMessage message;
    assert_true(mail_message_name_parse("0000000002.90000000000.FS", &message));
    assert_int_equal(message.uid, 2);
    assert_int_equal(message.date, 90 * SIM_SECOND);
    assert_int_equal(message.flags, MAIL_FLAG_FLAGGED | MAIL_FLAG_SEEN);
    static const char *const no_messages[] = {
        "",
        "0000000000.5.",
        "2.5.",
        "0000000002.5",
        "0000000002.5.SF",
        "0000000002.5.SS",
        "0000000002.5.X",
        "4294967296.5.",
        "0000000002.-5.",
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
        cmocka_unit_test(test_crash_at_each_step),
        cmocka_unit_test(test_crash_in_deletion),
        cmocka_unit_test(test_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
