/* The message store as it is found on the disk: after a start, and after a change that the disk has
 * failed to make as a whole. See mailbox.h. */
#include "store/mailbox_jobs.h"

#include "store/mail_name.h"
#include "store/mailbox_names.h"
#include "store/numbers.h"

/* ---- Recovery ---- */

/* The folder of that number on the disk, by its mark; NULL when it has none. */
static MailFolder *recover_folder(MailUser *user, uint32_t uid_validity, char **names)
{
    for (char **name = names; *name != NULL; name++) {
        uint32_t uid_next = 0;
        g_autofree char *folder_name = NULL;
        if (!mail_folder_name_parse(*name, &uid_next, &folder_name))
            continue;
        MailFolder *folder = mail_folder_new(user, folder_name, uid_validity);
        folder->uid_next = folder->stored_uid_next = uid_next;
        return folder;
    }
    return NULL;
}

static void recover_message(MailFolder *folder, MailMessage message)
{
    guint count = folder->messages->len;
    if (message.uid == UINT32_MAX || count == MAIL_FOLDER_MESSAGES_MAX ||
        (count > 0 && message.uid <= mail_folder_message(folder, count - 1)->uid))
        return;
    g_autofree char *path = mail_folder_message_path(folder, &message);
    message.size = (uint32_t)disk_file_size(folder->user->store->disk, path);
    g_array_append_val(folder->messages, message);
    folder->uid_next = MAX(folder->uid_next, message.uid + 1);
}

/* The names are in byte order, which for messages is the order of UIDs. */
static void recover_messages(MailFolder *folder, char **names)
{
    for (char **name = names; *name != NULL; name++) {
        MailMessage message;
        if (mail_message_name_parse(*name, &message))
            recover_message(folder, message);
    }
}

/* Removes what a crash has left: messages not yet whole, and, where there is no mark, all that is
 * left of a folder being deleted. What stays is made durable. */
static void plan_cleaning(const char *path, char **names, bool has_mark, DiskPlan *plan)
{
    for (char **name = names; *name != NULL; name++) {
        if (has_mark && !g_str_has_prefix(*name, MAIL_TMP_PREFIX))
            continue;
        g_autofree char *file = g_strconcat(path, "/", *name, NULL);
        disk_plan_unlink(plan, file);
    }
    disk_plan_sync_folder(plan, path);
}

/* Each of the user's folders on the disk: with its number and the names in it. */
static void for_each_folder(MailUser *user,
                            void (*look)(MailUser *user, uint32_t uid_validity, const char *path,
                                         char **names, void *data),
                            void *data)
{
    Disk *disk = user->store->disk;
    g_auto(GStrv) numbers = disk_list_folders(disk, user->path);
    for (char **number = numbers; *number != NULL; number++) {
        uint64_t uid_validity = 0;
        if (!number_parse(span_of_text(*number), UINT32_MAX, &uid_validity) || uid_validity == 0)
            continue;
        g_autofree char *path = g_strconcat(user->path, "/", *number, NULL);
        g_auto(GStrv) names = disk_list(disk, path);
        look(user, (uint32_t)uid_validity, path, names, data);
    }
}

/* INBOX without its mark yet: its first message has been cut off. If the disk does not let that go,
 * no other may get its UID. */
static void pass_over_uids(MailUser *user, uint32_t uid_validity, char **names)
{
    MailFolder *inbox = g_tree_lookup(user->folders, MAIL_INBOX);
    for (char **name = names; inbox->uid_validity == uid_validity && *name != NULL; name++) {
        MailMessage message;
        if (mail_message_name_parse(*name, &message) && message.uid < UINT32_MAX)
            inbox->uid_next = MAX(inbox->uid_next, message.uid + 1);
    }
}

static void recover_one(MailUser *user, uint32_t uid_validity, const char *path, char **names,
                        void *plan)
{
    MailFolder *folder = recover_folder(user, uid_validity, names);
    if (folder != NULL) {
        recover_messages(folder, names);
        mail_folder_adopt(folder);
    } else {
        pass_over_uids(user, uid_validity, names);
    }
    plan_cleaning(path, names, folder != NULL, plan);
}

static void recover_user(MailUser *user, DiskPlan *plan)
{
    for_each_folder(user, recover_one, plan);
    mail_user_read_subscriptions(user);
    if (g_tree_nnodes(user->subscriptions) > 0)
        disk_plan_sync_folder(plan, user->path);
}

void mail_store_recover(MailStore *store)
{
    DiskPlan *plan = disk_plan_new();
    disk_plan_go_on_after_failures(plan);
    for (GTreeNode *node = g_tree_node_first(store->users); node != NULL;
         node = g_tree_node_next(node))
        recover_user(g_tree_node_value(node), plan);
    disk_run(store->disk, plan, (DiskDone){0});
}

/* ---- After a failed change ---- */

/* The name of the mail that the job was about to take out of its source; "": of none such. */
static const char *mail_of_removal(const MailJob *job, const MailFolder *folder, uint32_t uid)
{
    for (guint i = 0; folder == job->source && i < job->touched->len; i++) {
        const Touched *touched = mail_job_touched(job, i);
        if ((touched->from_uid != 0 ? touched->from_uid : touched->message.uid) == uid)
            return touched->mail;
    }
    return "";
}

static void tell_gone(const MailJob *job, const MailFolder *folder, const MailMessage *message)
{
    TRACE(job->store->trace, job->store->host, MAILBOX_EXPUNGE, 0,
          .mail = mail_of_removal(job, folder, message->uid), .user = job->user_name,
          .folder = folder->name, .uid = message->uid);
    mail_job_tell_all(job, MAIL_NEWS_EXPUNGED, folder, message);
}

static void tell_found(const MailJob *job, const MailFolder *folder, const MailMessage *message)
{
    g_autofree char *path = mail_folder_message_path(folder, message);
    g_autofree char *mail = mail_name_of_file(job->store->disk, path);
    TRACE(job->store->trace, job->store->host, MAILBOX_STORE, 0, .mail = mail,
          .user = job->user_name, .folder = folder->name, .uid = message->uid);
    mail_job_tell_all(job, MAIL_NEWS_STORED, folder, message);
}

static void tell_flags(const MailJob *job, const MailFolder *folder, const MailMessage *message)
{
    g_autofree char *flags = mail_flags_text(message->flags);
    TRACE(job->store->trace, job->store->host, MAILBOX_FLAG, 0, .user = job->user_name,
          .folder = folder->name, .uid = message->uid, .flags = flags);
    mail_job_tell_all(job, MAIL_NEWS_FLAGS, folder, message);
}

/* Lets the folder have the messages of `found`, and tells what is other than before. */
static void take_messages(const MailJob *job, MailFolder *folder, const MailFolder *found)
{
    Cause *cause = simulator_cause(job->store->simulator);
    Cause before = *cause;
    g_autoptr(GArray) old = folder->messages;
    folder->messages = g_array_ref(found->messages);
    folder->uid_next = MAX(folder->uid_next, found->uid_next);
    folder->stored_uid_next = found->stored_uid_next;
    for (guint i = 0; i < old->len; i++, *cause = before) {
        const MailMessage *message = &g_array_index(old, MailMessage, i);
        const MailMessage *now = mail_folder_find(folder, message->uid);
        if (now == NULL)
            tell_gone(job, folder, message);
        else if (now->flags != message->flags)
            tell_flags(job, folder, now);
    }
    guint known = 0;
    for (size_t i = 0; i < mail_folder_count(folder); i++, *cause = before) {
        const MailMessage *message = mail_folder_message(folder, i);
        while (known < old->len && g_array_index(old, MailMessage, known).uid < message->uid)
            known++;
        if (known == old->len || g_array_index(old, MailMessage, known).uid != message->uid)
            tell_found(job, folder, message);
    }
}

static void find_one(MailUser *user, uint32_t uid_validity, const char *path, char **names,
                     void *found)
{
    (void)path;
    MailFolder *folder = recover_folder(user, uid_validity, names);
    if (folder == NULL)
        return;
    recover_messages(folder, names);
    g_ptr_array_add(found, folder);
}

/* The folder of that number, taken out of the array; NULL when there is none. */
static MailFolder *take_folder(GPtrArray *folders, uint32_t uid_validity)
{
    for (guint i = 0; i < folders->len; i++) {
        if (((const MailFolder *)folders->pdata[i])->uid_validity == uid_validity)
            return g_ptr_array_steal_index(folders, i);
    }
    return NULL;
}

/* What the user's folders were; they leave the tree, for one may get another's old name. */
static GPtrArray *take_known(MailUser *user)
{
    GPtrArray *known = g_ptr_array_new();
    for (GTreeNode *node = g_tree_node_first(user->folders); node != NULL;
         node = g_tree_node_next(node))
        g_ptr_array_add(known, g_tree_node_value(node));
    for (guint i = 0; i < known->len; i++)
        g_tree_steal(user->folders, ((const MailFolder *)known->pdata[i])->name);
    return known;
}

/* A folder without a mark is gone, unless it never had one. */
static void update_folder(MailJob *job, MailFolder *folder, MailFolder *found)
{
    if (found == NULL && folder->stored_uid_next != 0) {
        g_autoptr(GArray) nothing = g_array_new(FALSE, FALSE, sizeof(MailMessage));
        take_messages(job, folder, &(MailFolder){.messages = nothing});
        job->source = job->source != folder ? job->source : NULL;
        mail_folder_free(folder);
        return;
    }
    if (found != NULL) {
        g_free(folder->name);
        folder->name = g_strdup(found->name);
        take_messages(job, folder, found);
        mail_folder_free(found);
    }
    mail_folder_adopt(folder);
}

void mail_job_read_back(MailJob *job)
{
    MailUser *user = mail_user_find(job->store, job->user_name);
    if (user == NULL)
        return;
    mail_user_read_subscriptions(user);
    g_autoptr(GPtrArray) found = g_ptr_array_new();
    for_each_folder(user, find_one, found);
    g_autoptr(GPtrArray) known = take_known(user);
    for (guint i = 0; i < known->len; i++) {
        MailFolder *folder = known->pdata[i];
        update_folder(job, folder, take_folder(found, folder->uid_validity));
    }
    for (guint i = 0; i < found->len; i++)
        mail_folder_adopt(found->pdata[i]);
}
