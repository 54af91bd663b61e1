/* The message store: users, folders, reading. See mailbox.h; changes are in mailbox_jobs.c, what is
 * found on the disk in mailbox_recovery.c. */
#include "store/mailbox.h"

#include "core/check.h"
#include "core/text.h"
#include "store/mailbox_internal.h"
#include "store/mailbox_names.h"

#include <string.h>

static int compare_texts(const void *a, const void *b, void *unused)
{
    (void)unused;
    return strcmp(a, b);
}

/* ---- Folders ---- */

MailFolder *mail_folder_new(MailUser *user, const char *name, uint32_t uid_validity)
{
    MailFolder *folder = g_new0(MailFolder, 1);
    folder->user = user;
    folder->name = g_strdup(name);
    folder->path = g_strdup_printf("%s/%u", user->path, uid_validity);
    folder->uid_validity = uid_validity;
    folder->uid_next = 1;
    folder->messages = g_array_new(FALSE, FALSE, sizeof(MailMessage));
    return folder;
}

void mail_folder_free(void *data)
{
    MailFolder *folder = data;
    g_array_unref(folder->messages);
    g_free(folder->path);
    g_free(folder->name);
    g_free(folder);
}

void mail_folder_adopt(MailFolder *folder)
{
    folder->user->last_validity = MAX(folder->user->last_validity, folder->uid_validity);
    g_tree_replace(folder->user->folders, folder->name, folder);
}

/* The path of a file in the folder, whose name is `prefix` and `name`. */
static inline char *path_in(const MailFolder *folder, const char *prefix, const char *name)
{
    size_t front = strlen(folder->path), prefix_length = strlen(prefix), size = strlen(name) + 1;
    char *path = g_malloc(front + 1 + prefix_length + size);
    memcpy(path, folder->path, front);
    path[front] = '/';
    memcpy(path + front + 1, prefix, prefix_length);
    memcpy(path + front + 1 + prefix_length, name, size);
    return path;
}

char *mail_folder_message_path(const MailFolder *folder, const MailMessage *message)
{
    char name[MAIL_MESSAGE_NAME_SIZE];
    mail_message_name_put(message, name);
    return path_in(folder, "", name);
}

char *mail_folder_tmp_path(const MailFolder *folder, uint32_t uid)
{
    char room[TEXT_NUMBER_SIZE];
    return path_in(folder, MAIL_TMP_PREFIX, text_number(uid, 10, room));
}

char *mail_folder_mark_path(const MailFolder *folder, uint32_t uid_next)
{
    g_autofree char *name = mail_folder_name_format(uid_next, folder->name);
    return path_in(folder, "", name);
}

uint32_t mail_folder_uid_validity(const MailFolder *folder)
{
    return folder->uid_validity;
}

uint32_t mail_folder_uid_next(const MailFolder *folder)
{
    return folder->uid_next;
}

size_t mail_folder_count(const MailFolder *folder)
{
    return folder->messages->len;
}

const MailMessage *mail_folder_message(const MailFolder *folder, size_t index)
{
    CHECK(index < folder->messages->len);
    return &g_array_index(folder->messages, MailMessage, index);
}

const MailMessage *mail_folder_find(const MailFolder *folder, uint32_t uid)
{
    size_t low = 0, high = folder->messages->len;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        const MailMessage *message = mail_folder_message(folder, middle);
        if (message->uid == uid)
            return message;
        if (message->uid < uid)
            low = middle + 1;
        else
            high = middle;
    }
    return NULL;
}

Octets *mail_folder_peek(const MailFolder *folder, uint32_t uid)
{
    const MailMessage *message = mail_folder_find(folder, uid);
    if (message == NULL)
        return NULL;
    g_autofree char *path = mail_folder_message_path(folder, message);
    return disk_read(folder->user->store->disk, path);
}

Octets *mail_folder_read(const MailFolder *folder, uint32_t uid)
{
    Disk *disk = folder->user->store->disk;
    const MailMessage *message = mail_folder_find(folder, uid);
    if (message != NULL && disk_may_fail_to_read(disk)) {
        g_autofree char *path = mail_folder_message_path(folder, message);
        if (disk_read_fails(disk, path))
            return NULL;
    }
    return mail_folder_peek(folder, uid);
}

/* ---- Users ---- */

/* Seconds of the wall clock, within UIDVALIDITY's range. */
static uint32_t validity_at(const MailStore *store, SimTime time)
{
    int64_t seconds = store->start_unix + time / SIM_SECOND;
    return (uint32_t)CLAMP(seconds, 1, (int64_t)UINT32_MAX);
}

uint32_t mail_user_new_validity(MailUser *user)
{
    uint32_t now = validity_at(user->store, simulator_now(user->store->simulator));
    CHECK(user->last_validity < UINT32_MAX);
    user->last_validity = MAX(now, user->last_validity + 1);
    return user->last_validity;
}

MailUser *mail_user_find(const MailStore *store, const char *user)
{
    return g_tree_lookup(store->users, user);
}

/* INBOX is as old as time zero, so its number is the same after every start. */
static void add_inbox(MailUser *user)
{
    mail_folder_adopt(mail_folder_new(user, MAIL_INBOX, validity_at(user->store, 0)));
}

void mail_store_add_user(MailStore *store, const char *name)
{
    size_t length = strlen(name);
    CHECK(length > 0 && length <= MAIL_USER_MAX);
    if (mail_store_has_user(store, name))
        return;
    g_autofree char *escaped = mail_name_escape(name);
    MailUser *user = g_new0(MailUser, 1);
    user->store = store;
    user->name = g_strdup(name);
    user->path = g_strconcat(MAIL_STORE_PATH "/", escaped, NULL);
    user->folders = g_tree_new_full(compare_texts, NULL, NULL, mail_folder_free);
    user->subscriptions = g_tree_new_full(compare_texts, NULL, g_free, NULL);
    g_tree_insert(store->users, user->name, user);
    add_inbox(user);
}

static void user_free(void *data)
{
    MailUser *user = data;
    g_tree_destroy(user->folders);
    g_tree_destroy(user->subscriptions);
    g_free(user->path);
    g_free(user->name);
    g_free(user);
}

bool mail_store_has_user(const MailStore *store, const char *user)
{
    return mail_user_find(store, user) != NULL;
}

static gboolean add_sizes(gpointer name, gpointer value, gpointer sum)
{
    (void)name;
    const MailFolder *folder = value;
    for (size_t i = 0; i < mail_folder_count(folder); i++)
        *(uint64_t *)sum += mail_folder_message(folder, i)->size;
    return FALSE;
}

uint64_t mail_store_used(const MailStore *store, const char *user)
{
    uint64_t sum = 0;
    const MailUser *known = g_tree_lookup(store->users, user);
    if (known != NULL)
        g_tree_foreach(known->folders, add_sizes, &sum);
    return sum;
}

uint64_t mail_store_last_stored(const MailStore *store, const char *user)
{
    const MailUser *known = g_tree_lookup(store->users, user);
    return known != NULL ? known->last_stored : 0;
}

MailFolder *mail_store_find_folder(const MailStore *store, const char *user, const char *folder)
{
    const MailUser *found = mail_user_find(store, user);
    return found != NULL ? g_tree_lookup(found->folders, folder) : NULL;
}

char **mail_store_list_folders(const MailStore *store, const char *name)
{
    const MailUser *user = mail_user_find(store, name);
    if (user == NULL)
        return NULL;
    GPtrArray *list = g_ptr_array_new();
    g_ptr_array_add(list, g_strdup(MAIL_INBOX));
    for (GTreeNode *node = g_tree_node_first(user->folders); node != NULL;
         node = g_tree_node_next(node)) {
        const char *folder = g_tree_node_key(node);
        if (strcmp(folder, MAIL_INBOX) != 0)
            g_ptr_array_add(list, g_strdup(folder));
    }
    g_ptr_array_add(list, NULL);
    return (char **)g_ptr_array_free(list, FALSE);
}

/* ---- The store ---- */

MailStore *mail_store_new(Trace *trace, NodeId host, Disk *disk, int64_t start_unix)
{
    MailStore *store = g_new0(MailStore, 1);
    store->trace = trace;
    store->simulator = trace_simulator(trace);
    store->host = host;
    store->disk = disk;
    store->start_unix = start_unix;
    store->users = g_tree_new_full(compare_texts, NULL, NULL, user_free);
    g_queue_init(&store->jobs);
    return store;
}

void mail_store_free(MailStore *store)
{
    mail_jobs_free(store);
    g_tree_destroy(store->users);
    g_free(store);
}

uint64_t mail_store_failure(const MailStore *store)
{
    return store->failure;
}

void mail_store_watch(MailStore *store, MailWatcher watcher)
{
    store->watcher = watcher;
}
