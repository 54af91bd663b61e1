/* The queue of changes, and what several of them do. See mailbox_jobs.h. */
#include "store/mailbox_jobs.h"

#include "core/check.h"
#include "store/mail_name.h"
#include "store/mailbox_names.h"

#include <string.h>

/* ---- The queue of jobs ---- */

static void touched_clear(void *data)
{
    Touched *touched = data;
    g_free(touched->mail);
    g_clear_pointer(&touched->content, stored_message_unref);
}

/* What the last job has left, or a new one. */
static GArray *array_take(GArray **spare, guint element_size)
{
    GArray *array = g_steal_pointer(spare);
    return array != NULL ? array : g_array_new(FALSE, FALSE, element_size);
}

static void array_give_back(GArray **spare, GArray *array)
{
    g_array_set_size(array, 0);
    if (*spare == NULL)
        *spare = array;
    else
        g_array_unref(array);
}

MailJob *mail_job_new(MailStore *store, const MailJobType *type, const char *user,
                      const char *folder, MailDone done)
{
    size_t user_size = strlen(user) + 1, folder_size = strlen(folder) + 1;
    MailJob *job = g_malloc(sizeof *job + user_size + folder_size);
    char *names = (char *)(job + 1);
    *job = (MailJob){
        .store = store,
        .type = type,
        .user_name = memcpy(names, user, user_size),
        .folder_name = memcpy(names + user_size, folder, folder_size),
        .uids = array_take(&store->spare_uids, sizeof(uint32_t)),
        .touched = array_take(&store->spare_touched, sizeof(Touched)),
        .done = done,
        .cause = *simulator_cause(store->simulator),
    };
    job->link.data = job;
    g_array_set_clear_func(job->touched, touched_clear);
    return job;
}

static void job_free(MailJob *job)
{
    g_free(job->target_name);
    g_clear_pointer(&job->message, stored_message_unref);
    g_free(job->mail);
    g_clear_pointer(&job->new_folder, mail_folder_free);
    array_give_back(&job->store->spare_uids, job->uids);
    array_give_back(&job->store->spare_touched, job->touched);
    g_free(job);
}

void mail_jobs_free(MailStore *store)
{
    while (!g_queue_is_empty(&store->jobs))
        job_free(g_queue_pop_head_link(&store->jobs)->data);
    g_clear_pointer(&store->spare_uids, g_array_unref);
    g_clear_pointer(&store->spare_touched, g_array_unref);
}

static void on_job_done(void *owner, DiskResult result);

/* Starts the first job, in the name of whoever asked for it. */
static void start_job(MailStore *store)
{
    MailJob *job = g_queue_peek_head(&store->jobs);
    DiskPlan *plan = disk_plan_new();
    job->result = job->type->prepare(job, plan);
    if (job->result != MAIL_OK) {
        disk_plan_free(plan);
        plan = disk_plan_new();
    }
    Cause saved = *simulator_cause(store->simulator);
    *simulator_cause(store->simulator) = job->cause;
    disk_run(store->disk, plan, (DiskDone){on_job_done, job});
    *simulator_cause(store->simulator) = saved;
}

void mail_job_ask(MailJob *job)
{
    bool was_idle = g_queue_is_empty(&job->store->jobs);
    g_queue_push_tail_link(&job->store->jobs, &job->link);
    if (was_idle)
        start_job(job->store);
}

/* Takes the job out of the queue, starts the next, and tells. */
static void end_job(MailJob *job)
{
    MailStore *store = job->store;
    if (job->result != MAIL_OK)
        g_array_set_size(job->uids, 0);
    g_queue_pop_head_link(&store->jobs);
    if (!g_queue_is_empty(&store->jobs))
        start_job(store);
    store->failure = job->failure;
    if (job->done.done != NULL)
        job->done.done(job->done.owner, job->result, (const uint32_t *)(void *)job->uids->data,
                       job->uids->len);
    job_free(job);
}

static void plan_unlink_if_there(const MailJob *job, const char *path, DiskPlan *plan)
{
    if (disk_has_file(job->store->disk, path))
        disk_plan_unlink(plan, path);
}

/* Steps that take away what was to be added, as far as it has come; no message that was moved. A
 * name that was given may come back with a loss of power, so its UID is used up. */
static void plan_undo(const MailJob *job, DiskPlan *plan)
{
    MailFolder *target = job->target;
    disk_plan_go_on_after_failures(plan);
    for (guint i = 0; i < job->touched->len; i++) {
        const Touched *touched = mail_job_touched(job, i);
        if (touched->content == NULL || touched->is_moved)
            continue;
        g_autofree char *tmp = mail_folder_tmp_path(target, touched->message.uid);
        g_autofree char *path = mail_folder_message_path(target, &touched->message);
        plan_unlink_if_there(job, tmp, plan);
        plan_unlink_if_there(job, path, plan);
        if (disk_has_file(job->store->disk, path))
            target->uid_next = MAX(target->uid_next, touched->message.uid + 1);
    }
    if (job->new_folder != NULL) {
        g_autofree char *mark = mail_folder_mark_path(target, 1);
        plan_unlink_if_there(job, mark, plan);
    }
}

static void on_undone(void *owner, DiskResult result)
{
    (void)result; /* what is left is read back */
    MailJob *job = owner;
    mail_job_read_back(job);
    end_job(job);
}

static void on_job_done(void *owner, DiskResult result)
{
    MailJob *job = owner;
    CHECK(result != DISK_NO_FILE);
    if (result == DISK_OK) {
        if (job->result == MAIL_OK)
            job->type->apply(job);
        end_job(job);
        return;
    }
    job->result = result == DISK_FULL ? MAIL_NO_ROOM : MAIL_FAILED;
    job->failure = disk_last_failure(job->store->disk);
    DiskPlan *plan = disk_plan_new();
    plan_undo(job, plan);
    disk_run(job->store->disk, plan, (DiskDone){on_undone, job});
}

/* ---- Telling ---- */

static void tell(const MailStore *store, MailNewsKind kind, const MailFolder *folder,
                 const MailMessage *message, const void *origin)
{
    MailNews news = {kind, folder->user->name, folder->name, message->uid, message->flags, origin};
    if (store->watcher.news != NULL)
        store->watcher.news(store->watcher.owner, &news);
}

void mail_job_tell(const MailJob *job, MailNewsKind kind, const MailFolder *folder,
                   const MailMessage *message)
{
    tell(job->store, kind, folder, message, job->done.owner);
}

void mail_job_tell_all(const MailJob *job, MailNewsKind kind, const MailFolder *folder,
                       const MailMessage *message)
{
    tell(job->store, kind, folder, message, NULL);
}

static void tell_stored(const MailJob *job, const Touched *touched)
{
    job->target->user->last_stored =
        TRACE(job->store->trace, job->store->host, MAILBOX_STORE, 0, .mail = touched->mail,
              .user = job->user_name, .folder = job->target->name, .uid = touched->message.uid);
    mail_job_tell(job, MAIL_NEWS_STORED, job->target, &touched->message);
}

void mail_job_tell_expunged(const MailJob *job, const char *mail, const MailMessage *message)
{
    TRACE(job->store->trace, job->store->host, MAILBOX_EXPUNGE, 0, .mail = mail,
          .user = job->user_name, .folder = job->source->name, .uid = message->uid);
    mail_job_tell(job, MAIL_NEWS_EXPUNGED, job->source, message);
}

uint32_t mail_job_uid(const MailJob *job, guint index)
{
    return g_array_index(job->uids, uint32_t, index);
}

Touched *mail_job_touched(const MailJob *job, guint index)
{
    return &g_array_index(job->touched, Touched, index);
}

/* ---- What several jobs do ---- */

MailResult mail_job_find_source(MailJob *job)
{
    job->source = mail_store_find_folder(job->store, job->user_name, job->folder_name);
    return job->source != NULL ? MAIL_OK : MAIL_NO_FOLDER;
}

/* A message that was cut off, and that the failing disk did not let go, is none while its folder
 * has no mark: it must be gone for good before the mark makes it one. UIDNEXT tells whether there
 * can be any; a recovery that is still under way may yet take it away. */
static void plan_clearing(const MailFolder *folder, DiskPlan *plan)
{
    if (folder->uid_next == 1)
        return;
    g_auto(GStrv) names = disk_list(folder->user->store->disk, folder->path);
    bool is_clear = true;
    for (char **name = names; *name != NULL; name++) {
        MailMessage message;
        if (!mail_message_name_parse(*name, &message))
            continue;
        g_autofree char *path = g_strconcat(folder->path, "/", *name, NULL);
        disk_plan_unlink_if_there(plan, path);
        is_clear = false;
    }
    if (!is_clear)
        disk_plan_sync_folder(plan, folder->path);
}

void mail_job_plan_mark(const MailFolder *folder, DiskPlan *plan)
{
    if (folder->stored_uid_next != 0)
        return;
    plan_clearing(folder, plan);
    g_autofree char *path = mail_folder_mark_path(folder, folder->uid_next);
    g_autoptr(Octets) nothing = octets_new(NULL, 0);
    disk_plan_write(plan, path, nothing);
}

void mail_job_plan_mark_update(const MailFolder *folder, DiskPlan *plan)
{
    if (folder->stored_uid_next == folder->uid_next)
        return;
    g_autofree char *old = mail_folder_mark_path(folder, folder->stored_uid_next);
    g_autofree char *new = mail_folder_mark_path(folder, folder->uid_next);
    disk_plan_rename(plan, old, new);
}

MailResult mail_job_make_folder(MailJob *job, const char *name)
{
    MailUser *user = mail_user_find(job->store, job->user_name);
    if (user == NULL)
        return MAIL_NO_FOLDER;
    if (!mail_folder_name_is_valid(name))
        return MAIL_FORBIDDEN;
    if (g_tree_nnodes(user->folders) >= MAIL_FOLDERS_MAX)
        return MAIL_NO_ROOM;
    job->new_folder = mail_folder_new(user, name, mail_user_new_validity(user));
    job->target = job->new_folder;
    return MAIL_OK;
}

static void apply_new_folder(MailJob *job)
{
    if (job->new_folder != NULL)
        mail_folder_adopt(g_steal_pointer(&job->new_folder));
}

bool mail_job_has_room(const MailJob *job, size_t count)
{
    return count <= MAIL_FOLDER_MESSAGES_MAX - job->target->messages->len &&
           count < UINT32_MAX - job->target->uid_next;
}

/* As whoever reads the file will find it. */
static char *name_in_file(const StoredMessage *content)
{
    g_autoptr(Octets) octets = stored_message_join_delivered(content);
    return mail_name_of(octets);
}

void mail_job_touch_new(MailJob *job, MailMessage message, char *mail, StoredMessage *content)
{
    message.uid = job->target->uid_next + job->touched->len;
    CHECK(stored_message_delivered_size(content) <= UINT32_MAX);
    message.size = (uint32_t)stored_message_delivered_size(content);
    Touched touched = {.message = message,
                       .mail = mail != NULL ? mail : name_in_file(content),
                       .content = content};
    g_array_append_val(job->touched, touched);
}

static void plan_content(const Touched *touched, const char *tmp, DiskPlan *plan)
{
    disk_plan_write_delivered(plan, tmp, touched->content);
    disk_plan_sync(plan, tmp);
}

static void plan_name(const MailJob *job, const Touched *touched, const char *tmp, DiskPlan *plan)
{
    g_autofree char *path = mail_folder_message_path(job->target, &touched->message);
    disk_plan_rename(plan, tmp, path);
}

/* All are written before any gets its name, so that a full disk leaves none behind. */
static void plan_contents(const MailJob *job, DiskPlan *plan)
{
    guint count = job->touched->len;
    g_autofree char *tmp = NULL; /* of the one before */
    for (guint i = 0; i < count; i++) {
        const Touched *touched = mail_job_touched(job, i);
        g_free(tmp);
        tmp = mail_folder_tmp_path(job->target, touched->message.uid);
        plan_content(touched, tmp, plan);
    }
    for (guint i = 0; i < count; i++) {
        const Touched *touched = mail_job_touched(job, i);
        if (count > 1) { /* as is seldom so */
            g_free(tmp);
            tmp = mail_folder_tmp_path(job->target, touched->message.uid);
        }
        plan_name(job, touched, tmp, plan);
    }
}

void mail_job_plan_additions(const MailJob *job, DiskPlan *plan)
{
    plan_contents(job, plan);
    mail_job_plan_mark(job->target, plan);
    disk_plan_sync_folder(plan, job->target->path);
}

void mail_job_apply_additions(MailJob *job)
{
    MailFolder *target = job->target;
    apply_new_folder(job);
    if (target->stored_uid_next == 0)
        target->stored_uid_next = target->uid_next;
    g_array_set_size(job->uids, 0);
    for (guint i = 0; i < job->touched->len; i++) {
        MailMessage message = mail_job_touched(job, i)->message;
        g_array_append_val(target->messages, message);
        g_array_append_val(job->uids, message.uid);
        target->uid_next = message.uid + 1;
    }
}

void mail_job_tell_additions(const MailJob *job)
{
    Cause cause = *simulator_cause(job->store->simulator);
    for (guint i = 0; i < job->touched->len; i++) {
        *simulator_cause(job->store->simulator) = cause;
        tell_stored(job, mail_job_touched(job, i));
    }
}

void mail_job_remove_message(MailFolder *folder, uint32_t uid)
{
    const MailMessage *message = mail_folder_find(folder, uid);
    const MailMessage *first = (const MailMessage *)(void *)folder->messages->data;
    g_array_remove_index(folder->messages, (guint)(message - first));
}

/* ---- Removing ---- */

void mail_job_touch_removal(MailJob *job, const MailMessage *message)
{
    g_autofree char *path = mail_folder_message_path(job->source, message);
    Touched touched = {.message = *message, .mail = mail_name_of_file(job->store->disk, path)};
    g_array_append_val(job->touched, touched);
}

void mail_job_plan_removals(const MailJob *job, DiskPlan *plan)
{
    for (guint i = 0; i < job->touched->len; i++) {
        g_autofree char *path =
            mail_folder_message_path(job->source, &mail_job_touched(job, i)->message);
        disk_plan_unlink(plan, path);
    }
}

void mail_job_apply_removals(MailJob *job)
{
    Cause cause = *simulator_cause(job->store->simulator);
    g_array_set_size(job->uids, 0);
    for (guint i = 0; i < job->touched->len; i++) {
        const Touched *touched = mail_job_touched(job, i);
        mail_job_remove_message(job->source, touched->message.uid);
        g_array_append_val(job->uids, touched->message.uid);
        *simulator_cause(job->store->simulator) = cause;
        mail_job_tell_expunged(job, touched->mail, &touched->message);
    }
}
