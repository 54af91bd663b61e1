/* Subscriptions: names that a user wants to see, each an empty file. See mailbox.h. */
#include "store/mailbox_jobs.h"
#include "store/mailbox_names.h"

/* A name need not be a folder's (RFC 9051 §6.3.7), and what is so already changes nothing. */
static MailResult prepare_subscribe(MailJob *job, DiskPlan *plan)
{
    const MailUser *user = mail_user_find(job->store, job->user_name);
    if (user == NULL)
        return MAIL_NO_FOLDER;
    if (job->subscribes && !mail_folder_name_is_valid(job->folder_name))
        return MAIL_FORBIDDEN;
    bool is_subscribed = g_tree_lookup(user->subscriptions, job->folder_name) != NULL;
    if (is_subscribed == job->subscribes)
        return MAIL_OK;
    if (job->subscribes && g_tree_nnodes(user->subscriptions) >= MAIL_FOLDERS_MAX)
        return MAIL_NO_ROOM;
    g_autofree char *name = mail_subscription_name_format(job->folder_name);
    g_autofree char *path = g_strconcat(user->path, "/", name, NULL);
    if (job->subscribes) {
        g_autoptr(Octets) nothing = octets_new("", 0);
        disk_plan_write(plan, path, nothing);
    } else {
        disk_plan_unlink(plan, path);
    }
    disk_plan_sync_folder(plan, user->path);
    return MAIL_OK;
}

static void remember(MailUser *user, const char *folder)
{
    char *name = g_strdup(folder);
    g_tree_replace(user->subscriptions, name, name);
}

static void apply_subscribe(MailJob *job)
{
    MailUser *user = mail_user_find(job->store, job->user_name);
    if (job->subscribes)
        remember(user, job->folder_name);
    else
        g_tree_remove(user->subscriptions, job->folder_name);
}

void mail_store_subscribe(MailStore *store, const char *user, const char *folder, bool subscribes,
                          MailDone done)
{
    static const MailJobType type = {prepare_subscribe, apply_subscribe};
    MailJob *job = mail_job_new(store, &type, user, folder, done);
    job->subscribes = subscribes;
    mail_job_ask(job);
}

void mail_user_read_subscriptions(MailUser *user)
{
    g_auto(GStrv) names = disk_list(user->store->disk, user->path);
    g_tree_remove_all(user->subscriptions);
    for (char **name = names; *name != NULL; name++) {
        g_autofree char *folder = mail_subscription_name_parse(*name);
        if (folder != NULL)
            remember(user, folder);
    }
}

char **mail_store_list_subscriptions(const MailStore *store, const char *name)
{
    const MailUser *user = mail_user_find(store, name);
    if (user == NULL)
        return NULL;
    GPtrArray *list = g_ptr_array_new();
    for (GTreeNode *node = g_tree_node_first(user->subscriptions); node != NULL;
         node = g_tree_node_next(node))
        g_ptr_array_add(list, g_strdup(g_tree_node_key(node)));
    g_ptr_array_add(list, NULL);
    return (char **)g_ptr_array_free(list, FALSE);
}
