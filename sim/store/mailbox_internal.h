/* What the files of the message store share: see mailbox.h. */
#pragma once

#include "store/mailbox.h"

#define MAIL_INBOX      "INBOX"
#define MAIL_TMP_PREFIX "tmp."

typedef struct MailUser {
    MailStore *store;
    char *name;
    char *path;             /* mail/alice */
    GTree *folders;         /* name -> MailFolder */
    GTree *subscriptions;   /* names, each its own value */
    uint32_t last_validity; /* the highest UIDVALIDITY given */
    uint64_t last_stored;   /* seq of the last mailbox.store; 0: none since the start */
} MailUser;

struct MailFolder {
    MailUser *user;
    char *name;
    char *path; /* mail/alice/1772409600 */
    uint32_t uid_validity, uid_next;
    uint32_t stored_uid_next; /* in its mark's name; 0: it has no mark on the disk yet */
    GArray *messages;         /* MailMessage, by UID */
};

struct MailStore {
    Trace *trace;
    Simulator *simulator;
    NodeId host;
    Disk *disk;
    int64_t start_unix;
    GTree *users; /* name -> MailUser */
    GQueue jobs;  /* MailJob; the first is under way */
    MailWatcher watcher;
    uint64_t failure; /* of the job told of last: mail_store_failure */
    /* Of the last job, for the next; NULL: there is none. */
    GArray *spare_uids, *spare_touched;
};

/* A folder of the user that is not yet among its folders. */
MailFolder *mail_folder_new(MailUser *user, const char *name, uint32_t uid_validity);
void mail_folder_free(void *folder);
/* Makes the folder one of its user's. */
void mail_folder_adopt(MailFolder *folder);
/* A UIDVALIDITY that the user has not had (RFC 9051 §2.3.1.1). */
uint32_t mail_user_new_validity(MailUser *user);
/* Makes memory say what the disk says. */
void mail_user_read_subscriptions(MailUser *user);
MailUser *mail_user_find(const MailStore *store, const char *user);

/* Where a message, or one not yet whole, or the folder's mark is. To free. */
char *mail_folder_message_path(const MailFolder *folder, const MailMessage *message);
char *mail_folder_tmp_path(const MailFolder *folder, uint32_t uid);
char *mail_folder_mark_path(const MailFolder *folder, uint32_t uid_next);

/* The message's octets whatever the disk does, to name it in the trace; to unref. */
Octets *mail_folder_peek(const MailFolder *folder, uint32_t uid);

void mail_jobs_free(MailStore *store);
