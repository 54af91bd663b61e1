/* A host that keeps mailboxes, for the tests of store/mailbox: each change, as one call that gives
 * its result, and what the store holds and has told. */
#pragma once

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

static inline void on_news(void *owner, const MailNews *news)
{
    Server *server = owner;
    g_string_append_printf(server->news, "%d %s %s %u %u%s;", (int)news->kind, news->user,
                           news->folder, news->uid, news->flags,
                           news->origin == server ? "" : " ?");
}

static inline void server_start(Server *server)
{
    server->store =
        mail_store_new(server->world.trace, server->world.host, server->world.disk, START_UNIX);
    mail_store_add_user(server->store, "bob");
    mail_store_add_user(server->store, "bob");
    mail_store_add_user(server->store, "alice/x");
    mail_store_watch(server->store, (MailWatcher){on_news, server});
}

static inline void server_init_seeded(Server *server, DiskOptions options, uint64_t seed)
{
    *server = (Server){.news = g_string_new(NULL)};
    world_init_seeded(&server->world, options, seed);
    server_start(server);
}

static inline void server_init(Server *server, DiskOptions options)
{
    server_init_seeded(server, options, 1);
}

static inline void server_clear(Server *server)
{
    mail_store_free(server->store);
    world_clear(&server->world);
    g_string_free(server->news, TRUE);
}

static inline void server_restart(Server *server, bool is_power_off)
{
    world_crash(&server->world, is_power_off);
    mail_store_free(server->store);
    server_start(server);
    mail_store_recover(server->store);
}

static inline void on_done(void *owner, MailResult result, const uint32_t *uids, size_t count)
{
    Server *server = owner;
    server->told++;
    server->result = result;
    server->uid_count = count;
    assert_true(count <= G_N_ELEMENTS(server->uids));
    if (count > 0)
        memcpy(server->uids, uids, count * sizeof *uids);
}

static inline MailDone tell(Server *server)
{
    return (MailDone){on_done, server};
}

/* Lets the change that was just asked for end, and gives its result. */
static inline MailResult end(Server *server)
{
    unsigned told = server->told;
    world_run(&server->world);
    assert_int_equal(server->told, told + 1);
    return server->result;
}

static inline void ask_deliver(Server *server, const char *folder, const char *name)
{
    g_autofree char *text = g_strdup_printf("Message-ID: <%s@x.test>\r\n\r\n%s\r\n", name, name);
    g_autoptr(Octets) message = bytes_of(text);
    mail_store_append(server->store, "bob", folder, message, 0, 5, tell(server));
}

static inline uint32_t deliver(Server *server, const char *folder, const char *name)
{
    ask_deliver(server, folder, name);
    assert_int_equal(end(server), MAIL_OK);
    assert_int_equal(server->uid_count, 1);
    return server->uids[0];
}

static inline MailResult set_flags(Server *server, uint32_t uid, MailFlagMode mode, MailFlags flags)
{
    mail_store_set_flags(server->store, "bob", "INBOX", uid, mode, flags, tell(server));
    return end(server);
}

static inline MailResult rename_folder(Server *server, const char *from, const char *to)
{
    mail_store_rename_folder(server->store, "bob", from, to, tell(server));
    return end(server);
}

static inline MailResult create_folder(Server *server, const char *name)
{
    mail_store_create_folder(server->store, "bob", name, tell(server));
    return end(server);
}

static inline MailResult delete_folder(Server *server, const char *name)
{
    mail_store_delete_folder(server->store, "bob", name, tell(server));
    return end(server);
}

static inline MailResult copy(Server *server, const char *from, const uint32_t *uids, size_t count,
                              const char *to)
{
    mail_store_copy(server->store, "bob", from, uids, count, to, tell(server));
    return end(server);
}

static inline MailResult move(Server *server, const char *from, const uint32_t *uids, size_t count,
                              const char *to)
{
    mail_store_move(server->store, "bob", from, uids, count, to, tell(server));
    return end(server);
}

static inline MailResult expunge(Server *server, const char *folder, const uint32_t *uids,
                                 size_t count, bool only_deleted)
{
    mail_store_expunge(server->store, "bob", folder, uids, count, only_deleted, tell(server));
    return end(server);
}

/* "uid:name:flags " of each message, from the octets on the disk. */
static inline char *folder_text(const Server *server, const char *folder_name)
{
    MailFolder *folder = mail_store_find_folder(server->store, "bob", folder_name);
    if (folder == NULL)
        return g_strdup("none");
    GString *text = g_string_new(NULL);
    for (size_t i = 0; i < mail_folder_count(folder); i++) {
        const MailMessage *message = mail_folder_message(folder, i);
        assert_ptr_equal(mail_folder_find(folder, message->uid), message);
        g_autoptr(Octets) content = mail_folder_read(folder, message->uid);
        assert_non_null(content);
        assert_int_equal(octets_length(content), message->size);
        assert_int_equal(message->date, 5);
        size_t size = octets_length(content);
        const char *data = (const char *)octets_data(content);
        const char *at = memchr(data + 13, '@', size - 13);
        assert_non_null(at);
        g_autofree char *name = g_strndup(data + 13, (gsize)(at - data) - 13);
        g_string_append_printf(text, "%u:%s:%u ", message->uid, name, message->flags);
    }
    return g_string_free(text, FALSE);
}

static inline void assert_folder(const Server *server, const char *folder, const char *expected)
{
    g_autofree char *text = folder_text(server, folder);
    assert_string_equal(text, expected);
}

static inline void assert_folders(const Server *server, const char *expected)
{
    g_auto(GStrv) list = mail_store_list_folders(server->store, "bob");
    g_autofree char *joined = g_strjoinv(" ", list);
    assert_string_equal(joined, expected);
}

/* What follows is compared alone. */
static inline void forget_log(Server *server)
{
    g_string_truncate(server->world.log, 0);
    g_string_truncate(server->news, 0);
}

static inline void assert_log(Server *server, const char *log, const char *news)
{
    assert_string_equal(server->world.log->str, log);
    assert_string_equal(server->news->str, news);
    forget_log(server);
}

static inline void assert_no_tmp(const Server *server)
{
    g_auto(GStrv) folders = disk_list_folders(server->world.disk, "mail/bob");
    for (char **folder = folders; *folder != NULL; folder++) {
        g_autofree char *path = g_strconcat("mail/bob/", *folder, NULL);
        g_auto(GStrv) names = disk_list(server->world.disk, path);
        for (char **name = names; *name != NULL; name++)
            assert_false(g_str_has_prefix(*name, "tmp."));
    }
}
