/* Changes of the message store, for the store alone: see mailbox.h.
 *
 * A change is a job in a queue. When its turn comes, `prepare` looks at the store and either
 * refuses or writes the disk's plan; when the plan is done, `apply` makes memory say what the disk
 * says, and tells. So each plan is made from a state that is already durable. */
#pragma once

#include "store/mailbox_internal.h"

typedef struct MailJob MailJob;

typedef struct MailJobType {
    MailResult (*prepare)(MailJob *job, DiskPlan *plan);
    void (*apply)(MailJob *job);
} MailJobType;

/* A message that a job puts somewhere, changes or takes away. */
typedef struct Touched {
    MailMessage message;
    char *mail;             /* its name */
    StoredMessage *content; /* of one put into the target */
    uint32_t from_uid;      /* of one copied or moved: the UID it had */
    bool is_moved;
} Touched;

struct MailJob {
    MailStore *store;
    GList link; /* in store->jobs */
    const MailJobType *type;
    const char *user_name, *folder_name; /* behind the job */
    char *target_name;
    StoredMessage *message; /* deliver */
    char *mail;             /* deliver: its name, where that is known, until it is touched */
    SimTime date;           /* deliver */
    MailFlags flags;        /* append, set_flags */
    MailOrigin origin;      /* deliver, settle */
    MailFlagMode mode;      /* set_flags */
    bool only_deleted;      /* expunge */
    bool subscribes;        /* subscribe: or no more */
    GArray *uids;           /* uint32_t: those asked for; at the end those to tell */
    MailDone done;
    Cause cause; /* what asked for it */

    /* Worked out by `prepare`. */
    MailResult result;
    uint64_t failure; /* the disk's record behind `result`, or 0 */
    MailFolder *source, *target;
    MailFolder *new_folder; /* the target when this job makes it, until it is among the user's */
    GArray *touched;        /* Touched */
};

MailJob *mail_job_new(MailStore *store, const MailJobType *type, const char *user,
                      const char *folder, MailDone done);
/* Puts the job behind those not finished, and takes it over. */
void mail_job_ask(MailJob *job);

/* ---- For prepare ---- */

/* Sets the source: the folder that the job names. */
MailResult mail_job_find_source(MailJob *job);
/* Sets the target: a new folder, among the user's once the job is done. */
MailResult mail_job_make_folder(MailJob *job, const char *name);
/* Whether the target takes so many more messages. */
bool mail_job_has_room(const MailJob *job, size_t count);
uint32_t mail_job_uid(const MailJob *job, guint index);
Touched *mail_job_touched(const MailJob *job, guint index);
/* Gives a message its UID in the target. `mail` is its name; NULL: it is looked for. Takes it and
 * `content` over. */
void mail_job_touch_new(MailJob *job, MailMessage message, char *mail, StoredMessage *content);
/* Sets a message of the source down for removal. */
void mail_job_touch_removal(MailJob *job, const MailMessage *message);
/* Steps that write all touched messages into the target, and its mark if it has none. */
void mail_job_plan_additions(const MailJob *job, DiskPlan *plan);
void mail_job_plan_removals(const MailJob *job, DiskPlan *plan);
/* Writes the folder's mark unless it has one. A mark holds nothing, so it needs no room. */
void mail_job_plan_mark(const MailFolder *folder, DiskPlan *plan);
/* Brings UIDNEXT in the mark up to date: it must outlive the messages that it follows from. */
void mail_job_plan_mark_update(const MailFolder *folder, DiskPlan *plan);

/* ---- After a failure of the disk ---- */

/* Makes memory say what the disk says, and tells what that changes (mailbox_recovery.c). */
void mail_job_read_back(MailJob *job);

/* ---- For apply ---- */

/* Puts the touched messages into the target's memory; their UIDs are those to tell. */
void mail_job_apply_additions(MailJob *job);
/* Takes the touched messages out of the source's memory and tells each. */
void mail_job_apply_removals(MailJob *job);
void mail_job_remove_message(MailFolder *folder, uint32_t uid);
void mail_job_tell_additions(const MailJob *job);
void mail_job_tell_expunged(const MailJob *job, const char *mail, const MailMessage *message);
void mail_job_tell(const MailJob *job, MailNewsKind kind, const MailFolder *folder,
                   const MailMessage *message);
/* Likewise; who asked for the change is told too. */
void mail_job_tell_all(const MailJob *job, MailNewsKind kind, const MailFolder *folder,
                       const MailMessage *message);
