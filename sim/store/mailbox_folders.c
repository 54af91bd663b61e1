/* Changes of folders: create, delete, rename. See mailbox.h. */
#include "core/check.h"
#include "store/mailbox_jobs.h"
#include "store/mailbox_names.h"

#include <string.h>

/* ---- Create ---- */

static MailResult prepare_create(MailJob *job, DiskPlan *plan)
{
    if (mail_store_find_folder(job->store, job->user_name, job->folder_name) != NULL)
        return MAIL_EXISTS;
    MailResult result = mail_job_make_folder(job, job->folder_name);
    if (result != MAIL_OK)
        return result;
    mail_job_plan_additions(job, plan);
    return MAIL_OK;
}

void mail_store_create_folder(MailStore *store, const char *user, const char *folder, MailDone done)
{
    static const MailJobType type = {prepare_create, mail_job_apply_additions};
    mail_job_ask(mail_job_new(store, &type, user, folder, done));
}

/* ---- Delete ---- */

/* The mark goes first: without it there is no folder, and recovery removes the rest. */
static MailResult prepare_delete(MailJob *job, DiskPlan *plan)
{
    MailResult result = mail_job_find_source(job);
    if (result != MAIL_OK)
        return result;
    if (strcmp(job->folder_name, MAIL_INBOX) == 0)
        return MAIL_FORBIDDEN;
    for (size_t i = 0; i < mail_folder_count(job->source); i++)
        mail_job_touch_removal(job, mail_folder_message(job->source, i));
    g_autofree char *mark = mail_folder_mark_path(job->source, job->source->stored_uid_next);
    disk_plan_unlink(plan, mark);
    mail_job_plan_removals(job, plan);
    disk_plan_sync_folder(plan, job->source->path);
    return MAIL_OK;
}

static void apply_delete(MailJob *job)
{
    mail_job_apply_removals(job);
    g_array_set_size(job->uids, 0);
    g_tree_remove(job->source->user->folders, job->folder_name);
    job->source = NULL;
}

void mail_store_delete_folder(MailStore *store, const char *user, const char *folder, MailDone done)
{
    static const MailJobType type = {prepare_delete, apply_delete};
    mail_job_ask(mail_job_new(store, &type, user, folder, done));
}

/* ---- Rename ---- */

/* The new name of `name` when the job renames it, itself or one above it; else NULL. To free. */
static char *renamed(const MailJob *job, const char *name)
{
    size_t length = strlen(job->folder_name);
    if (strncmp(name, job->folder_name, length) != 0 ||
        (name[length] != '\0' && name[length] != '/'))
        return NULL;
    return g_strconcat(job->target_name, name + length, NULL);
}

/* A new name must be allowed, and free unless its folder is renamed too. */
static MailResult check_new_name(const MailJob *job, const char *name)
{
    g_autofree char *moves_on = renamed(job, name);
    if (!mail_folder_name_is_valid(name))
        return MAIL_FORBIDDEN;
    bool is_taken = mail_store_find_folder(job->store, job->user_name, name) != NULL;
    return is_taken && moves_on == NULL ? MAIL_EXISTS : MAIL_OK;
}

static void plan_rename(const MailFolder *folder, const char *new_name, DiskPlan *plan)
{
    g_autofree char *old_path = mail_folder_mark_path(folder, folder->stored_uid_next);
    g_autofree char *name = mail_folder_name_format(folder->stored_uid_next, new_name);
    g_autofree char *new_path = g_strconcat(folder->path, "/", name, NULL);
    disk_plan_rename(plan, old_path, new_path);
    disk_plan_sync_folder(plan, folder->path);
}

static MailResult prepare_rename(MailJob *job, DiskPlan *plan)
{
    MailResult result = mail_job_find_source(job);
    if (result != MAIL_OK)
        return result;
    if (strcmp(job->folder_name, MAIL_INBOX) == 0)
        return MAIL_FORBIDDEN;
    if (strcmp(job->folder_name, job->target_name) == 0)
        return MAIL_EXISTS;
    GTree *folders = job->source->user->folders;
    for (GTreeNode *node = g_tree_node_first(folders); node != NULL;
         node = g_tree_node_next(node)) {
        g_autofree char *new_name = renamed(job, g_tree_node_key(node));
        result = new_name != NULL ? check_new_name(job, new_name) : MAIL_OK;
        if (result != MAIL_OK)
            return result;
        if (new_name != NULL)
            plan_rename(g_tree_node_value(node), new_name, plan);
    }
    return MAIL_OK;
}

/* All leave the tree before any comes back, for one may get another's old name. */
static void apply_rename(MailJob *job)
{
    GTree *folders = job->source->user->folders;
    g_autoptr(GPtrArray) moving = g_ptr_array_new();
    for (GTreeNode *node = g_tree_node_first(folders); node != NULL;
         node = g_tree_node_next(node)) {
        g_autofree char *new_name = renamed(job, g_tree_node_key(node));
        if (new_name != NULL)
            g_ptr_array_add(moving, g_tree_node_value(node));
    }
    for (guint i = 0; i < moving->len; i++)
        g_tree_steal(folders, ((const MailFolder *)moving->pdata[i])->name);
    for (guint i = 0; i < moving->len; i++) {
        MailFolder *folder = moving->pdata[i];
        char *new_name = renamed(job, folder->name);
        g_free(folder->name);
        folder->name = new_name;
        mail_folder_adopt(folder);
    }
}

void mail_store_rename_folder(MailStore *store, const char *user, const char *folder,
                              const char *new_name, MailDone done)
{
    static const MailJobType type = {prepare_rename, apply_rename};
    MailJob *job = mail_job_new(store, &type, user, folder, done);
    job->target_name = g_strdup(new_name);
    mail_job_ask(job);
}
