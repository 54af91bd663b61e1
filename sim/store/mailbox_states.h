/* Every state that a file of the message store can be in after a crash or a loss of power, in one
 * table: what it looks like, whether the steps of mailbox.h can leave it, and what recovery makes
 * of it. The spool's is spool_states.h.
 *
 * A state that they cannot leave is a bug of ours. Its file is left alone, since it may be
 * somebody's mail, and reported: the inventory lists it, and the books do not balance. */
#pragma once

#include "store/mailbox.h"

typedef enum MailboxState {
    MAILBOX_STATE_MARK,         /* folder.UIDNEXT.NAME */
    MAILBOX_STATE_MESSAGE,      /* UID.DATE.ORIGIN.FLAGS beside a mark */
    MAILBOX_STATE_TWO_FOLDERS,  /* likewise, and a folder before has the same delivery */
    MAILBOX_STATE_UNNAMED,      /* tmp.UID beside a mark, whatever is in it */
    MAILBOX_STATE_ORPHAN,       /* whatever lies in a folder without a mark */
    MAILBOX_STATE_SUBSCRIPTION, /* subscribed.NAME beside the folders */
    MAILBOX_STATE_SECOND_MARK,  /* another mark in the same folder */
    MAILBOX_STATE_SECOND_UID,   /* another message of the same UID in the same folder */
    MAILBOX_STATE_STRANGE,      /* a file that the store does not make */
    MAILBOX_STATE_COUNT,
} MailboxState;

typedef enum MailboxRecovery {
    MAILBOX_KEEPS,   /* makes its name durable */
    MAILBOX_REMOVES, /* nobody was told of it */
    MAILBOX_LEAVES,  /* alone, and reports it */
} MailboxRecovery;

typedef struct MailboxStateInfo {
    const char *name;
    const char *reason; /* how it comes about, and why recovery does what it does */
    bool is_legal;
    MailboxRecovery recovery;
} MailboxStateInfo;

const MailboxStateInfo *mailbox_state_info(MailboxState state);

/* A file of the store. */
typedef struct MailboxFile {
    char *path;
    MailboxState state;
} MailboxFile;

/* All files of the store as they stand, in the order of their folders and names: MailboxFile, to
 * unref. Changes nothing. */
GArray *mailbox_survey(const Disk *disk);

/* ---- For the inventory ---- */

typedef struct MailboxMessage {
    const char *file; /* its name, one of the folder's files */
    uint32_t uid;
} MailboxMessage;

/* A folder that has its mark, and messages. */
typedef struct MailboxFolder {
    char *user, *name, *path;
    char **files;
    uint32_t number;  /* its UIDVALIDITY */
    GArray *messages; /* MailboxMessage, by UID */
} MailboxFolder;

typedef struct MailboxStock {
    GArray *damaged; /* MailboxFile: those in a state that is not legal, in order as above */
    GArray *folders; /* MailboxFolder, by user and number */
} MailboxStock;

/* All at one look. Changes nothing. */
MailboxStock mailbox_take_stock(const Disk *disk);
void mailbox_stock_clear(MailboxStock *stock);
