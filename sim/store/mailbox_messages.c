/* Changes of messages: deliver, copy, move, flags, expunge. See mailbox.h. */
#include "core/check.h"
#include "store/mailbox_jobs.h"
#include "store/mailbox_names.h"

#include <string.h>

/* ---- Deliver ---- */

static MailResult prepare_deliver(MailJob *job, DiskPlan *plan)
{
    job->target = mail_store_find_folder(job->store, job->user_name, job->folder_name);
    MailResult result = job->target != NULL ? MAIL_OK : mail_job_make_folder(job, job->folder_name);
    if (result != MAIL_OK)
        return result;
    if (!mail_job_has_room(job, 1))
        return MAIL_NO_ROOM;
    MailMessage message = {.flags = job->flags, .date = job->date, .origin = job->origin};
    mail_job_touch_new(job, message, g_steal_pointer(&job->mail), g_steal_pointer(&job->message));
    mail_job_plan_additions(job, plan);
    return MAIL_OK;
}

static void apply_deliver(MailJob *job)
{
    mail_job_apply_additions(job);
    mail_job_tell_additions(job);
}

static MailJob *delivery_new(MailStore *store, const char *user, const char *folder,
                             StoredMessage *message, SimTime date, MailDone done)
{
    static const MailJobType type = {prepare_deliver, apply_deliver};
    CHECK(date > INT64_MIN); /* as a name can say it */
    MailJob *job = mail_job_new(store, &type, user, folder, done);
    job->message = stored_message_ref(message);
    job->date = date;
    return job;
}

void mail_store_append(MailStore *store, const char *user, const char *folder, Octets *message,
                       MailFlags flags, SimTime date, MailDone done)
{
    g_autoptr(StoredMessage) stored = stored_message_of_octets(message);
    MailJob *job = delivery_new(store, user, folder, stored, date, done);
    job->flags = flags & MAIL_FLAGS_ALL;
    mail_job_ask(job);
}

void mail_store_deliver(MailStore *store, const char *user, const char *folder,
                        StoredMessage *message, const char *mail, MailOrigin origin, SimTime date,
                        MailDone done)
{
    MailJob *job = delivery_new(store, user, folder, message, date, done);
    CHECK(origin.start != 0);
    job->mail = g_strdup(mail);
    job->origin = origin;
    mail_job_ask(job);
}

/* ---- Deliveries that are there ---- */

static const MailMessage *find_in_folder(const MailFolder *folder, MailOrigin origin)
{
    for (size_t i = mail_folder_count(folder); i-- > 0;) {
        const MailMessage *message = mail_folder_message(folder, i);
        if (message->origin.start == origin.start && message->origin.number == origin.number &&
            message->origin.recipient == origin.recipient)
            return message;
    }
    return NULL;
}

/* The message, and the folder that it is in; NULL when there is none. */
static const MailMessage *find_delivery(const MailUser *user, MailOrigin origin,
                                        MailFolder **folder)
{
    GTreeNode *node = user != NULL ? g_tree_node_first(user->folders) : NULL;
    for (; node != NULL; node = g_tree_node_next(node)) {
        *folder = g_tree_node_value(node);
        const MailMessage *message = find_in_folder(*folder, origin);
        if (message != NULL)
            return message;
    }
    return NULL;
}

bool mail_store_has_delivery(const MailStore *store, const char *user, MailOrigin origin)
{
    MailFolder *folder = NULL;
    return find_delivery(mail_user_find(store, user), origin, &folder) != NULL;
}

/* It was synced before it got its name: only that may not be durable. */
static MailResult prepare_settle(MailJob *job, DiskPlan *plan)
{
    const MailUser *user = mail_user_find(job->store, job->user_name);
    const MailMessage *message = find_delivery(user, job->origin, &job->source);
    if (message == NULL)
        return MAIL_NO_MESSAGE;
    g_array_append_val(job->uids, message->uid);
    disk_plan_sync_folder(plan, job->source->path);
    return MAIL_OK;
}

static void apply_settle(MailJob *job)
{
    (void)job;
}

void mail_store_settle(MailStore *store, const char *user, MailOrigin origin, MailDone done)
{
    static const MailJobType type = {prepare_settle, apply_settle};
    MailJob *job = mail_job_new(store, &type, user, "INBOX", done);
    job->origin = origin;
    mail_job_ask(job);
}

/* ---- Copy and move ---- */

/* The messages asked for, once each is known to be there and the target has room. */
static MailResult find_transfer(MailJob *job)
{
    MailResult result = mail_job_find_source(job);
    if (result != MAIL_OK)
        return result;
    job->target = mail_store_find_folder(job->store, job->user_name, job->target_name);
    if (job->target == NULL)
        return MAIL_NO_FOLDER;
    for (guint i = 0; i < job->uids->len; i++)
        if (mail_folder_find(job->source, mail_job_uid(job, i)) == NULL)
            return MAIL_NO_MESSAGE;
    return mail_job_has_room(job, job->uids->len) ? MAIL_OK : MAIL_NO_ROOM;
}

/* A move reads nothing, it renames. */
static MailResult touch_transfer(MailJob *job, bool is_move)
{
    for (guint i = 0; i < job->uids->len; i++) {
        uint32_t uid = mail_job_uid(job, i);
        g_autoptr(Octets) content =
            is_move ? mail_folder_peek(job->source, uid) : mail_folder_read(job->source, uid);
        if (content == NULL)
            return MAIL_FAILED;
        MailMessage message = *mail_folder_find(job->source, uid);
        if (!is_move)
            message.origin = (MailOrigin){0}; /* the first one stays what the delivery has made */
        mail_job_touch_new(job, message, NULL, stored_message_of_octets(content));
        mail_job_touched(job, i)->from_uid = uid;
        mail_job_touched(job, i)->is_moved = is_move;
    }
    return MAIL_OK;
}

static MailResult prepare_copy(MailJob *job, DiskPlan *plan)
{
    MailResult result = find_transfer(job);
    if (result != MAIL_OK)
        return result;
    result = touch_transfer(job, false);
    if (result != MAIL_OK)
        return result;
    mail_job_plan_additions(job, plan);
    return MAIL_OK;
}

static int compare_uids(const void *a, const void *b)
{
    const uint32_t *first = a, *second = b;
    return *first < *second ? -1 : *first > *second;
}

/* A message can be moved once only. */
static bool has_repetition(const MailJob *job)
{
    g_autoptr(GArray) sorted = g_array_copy(job->uids);
    g_array_sort(sorted, compare_uids);
    for (guint i = 1; i < sorted->len; i++)
        if (g_array_index(sorted, uint32_t, i) == g_array_index(sorted, uint32_t, i - 1))
            return true;
    return false;
}

/* The target's names are durable before the source's are gone (RFC 6851 §3.3: never lose one). */
static MailResult prepare_move(MailJob *job, DiskPlan *plan)
{
    MailResult result = find_transfer(job);
    if (result != MAIL_OK)
        return result;
    if (has_repetition(job))
        return MAIL_NO_MESSAGE;
    touch_transfer(job, true);
    mail_job_plan_mark_update(job->source, plan);
    mail_job_plan_mark(job->target, plan);
    for (guint i = 0; i < job->touched->len; i++) {
        const Touched *touched = mail_job_touched(job, i);
        g_autofree char *from =
            mail_folder_message_path(job->source, mail_folder_find(job->source, touched->from_uid));
        g_autofree char *to = mail_folder_message_path(job->target, &touched->message);
        disk_plan_rename(plan, from, to);
    }
    disk_plan_sync_folder(plan, job->target->path);
    disk_plan_sync_folder(plan, job->source->path);
    return MAIL_OK;
}

static void apply_move(MailJob *job)
{
    MailFolder *source = job->source;
    source->stored_uid_next = source->uid_next;
    mail_job_apply_additions(job);
    for (guint i = 0; i < job->touched->len; i++)
        mail_job_remove_message(source, mail_job_touched(job, i)->from_uid);
    mail_job_tell_additions(job);
    Cause cause = *simulator_cause(job->store->simulator);
    for (guint i = 0; i < job->touched->len; i++) {
        MailMessage gone = mail_job_touched(job, i)->message;
        gone.uid = mail_job_touched(job, i)->from_uid;
        *simulator_cause(job->store->simulator) = cause;
        mail_job_tell_expunged(job, mail_job_touched(job, i)->mail, &gone);
    }
}

static MailJob *transfer_new(MailStore *store, const MailJobType *type, const char *user,
                             const char *folder, const uint32_t *uids, size_t count,
                             const char *target, MailDone done)
{
    MailJob *job = mail_job_new(store, type, user, folder, done);
    job->target_name = g_strdup(target);
    g_array_append_vals(job->uids, uids, (guint)count);
    return job;
}

void mail_store_copy(MailStore *store, const char *user, const char *folder, const uint32_t *uids,
                     size_t count, const char *target, MailDone done)
{
    static const MailJobType type = {prepare_copy, apply_deliver};
    mail_job_ask(transfer_new(store, &type, user, folder, uids, count, target, done));
}

void mail_store_move(MailStore *store, const char *user, const char *folder, const uint32_t *uids,
                     size_t count, const char *target, MailDone done)
{
    static const MailJobType type = {prepare_move, apply_move};
    mail_job_ask(transfer_new(store, &type, user, folder, uids, count, target, done));
}

/* ---- Flags ---- */

static MailFlags change_flags(MailFlags before, MailFlagMode mode, MailFlags flags)
{
    switch (mode) {
    case MAIL_FLAGS_REPLACE:
        return flags;
    case MAIL_FLAGS_ADD:
        return before | flags;
    case MAIL_FLAGS_REMOVE:
        return before & (MailFlags)~flags;
    }
    CHECK(false);
    return before;
}

static MailResult prepare_flags(MailJob *job, DiskPlan *plan)
{
    MailResult result = mail_job_find_source(job);
    if (result != MAIL_OK)
        return result;
    uint32_t uid = mail_job_uid(job, 0);
    const MailMessage *found = mail_folder_find(job->source, uid);
    if (found == NULL)
        return MAIL_NO_MESSAGE;
    Touched touched = {.message = *found};
    touched.message.flags = change_flags(found->flags, job->mode, job->flags);
    if (touched.message.flags == found->flags)
        return MAIL_OK;
    g_autofree char *from = mail_folder_message_path(job->source, found);
    g_autofree char *to = mail_folder_message_path(job->source, &touched.message);
    g_array_append_val(job->touched, touched);
    disk_plan_rename(plan, from, to);
    disk_plan_sync_folder(plan, job->source->path);
    return MAIL_OK;
}

static void apply_flags(MailJob *job)
{
    if (job->touched->len == 0)
        return;
    const MailMessage *message = &mail_job_touched(job, 0)->message;
    MailMessage *known = (MailMessage *)mail_folder_find(job->source, message->uid);
    g_autofree char *text = mail_flags_text(message->flags);
    known->flags = message->flags;
    TRACE(job->store->trace, job->store->host, MAILBOX_FLAG, 0, .user = job->user_name,
          .folder = job->source->name, .uid = message->uid, .flags = text);
    mail_job_tell(job, MAIL_NEWS_FLAGS, job->source, message);
}

void mail_store_set_flags(MailStore *store, const char *user, const char *folder, uint32_t uid,
                          MailFlagMode mode, MailFlags flags, MailDone done)
{
    static const MailJobType type = {prepare_flags, apply_flags};
    MailJob *job = mail_job_new(store, &type, user, folder, done);
    g_array_append_val(job->uids, uid);
    job->mode = mode;
    job->flags = flags & MAIL_FLAGS_ALL;
    mail_job_ask(job);
}

/* ---- Expunge ---- */

static MailResult prepare_expunge(MailJob *job, DiskPlan *plan)
{
    MailResult result = mail_job_find_source(job);
    if (result != MAIL_OK)
        return result;
    uint32_t last = 0;
    g_array_sort(job->uids, compare_uids);
    for (guint i = 0; i < job->uids->len; i++) {
        uint32_t uid = mail_job_uid(job, i);
        const MailMessage *message = uid != last ? mail_folder_find(job->source, uid) : NULL;
        last = uid;
        if (message != NULL && (!job->only_deleted || (message->flags & MAIL_FLAG_DELETED) != 0))
            mail_job_touch_removal(job, message);
    }
    if (job->touched->len == 0)
        return MAIL_OK;
    mail_job_plan_mark_update(job->source, plan);
    mail_job_plan_removals(job, plan);
    disk_plan_sync_folder(plan, job->source->path);
    return MAIL_OK;
}

static void apply_expunge(MailJob *job)
{
    if (job->touched->len > 0)
        job->source->stored_uid_next = job->source->uid_next;
    mail_job_apply_removals(job);
}

void mail_store_expunge(MailStore *store, const char *user, const char *folder,
                        const uint32_t *uids, size_t count, bool only_deleted, MailDone done)
{
    static const MailJobType type = {prepare_expunge, apply_expunge};
    MailJob *job = mail_job_new(store, &type, user, folder, done);
    g_array_append_vals(job->uids, uids, (guint)count);
    job->only_deleted = only_deleted;
    mail_job_ask(job);
}
