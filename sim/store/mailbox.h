/* The message store: each user's folders on disk, as an IMAP server shows them.
 *
 * Layout, in the manner of maildir, with everything but the messages' octets in file names, so that
 * a folder's sync makes any change durable as a whole and no change but a new message needs room:
 *
 *     mail/alice/1772409600/                         a folder; the number is its UIDVALIDITY
 *     mail/alice/1772409600/folder.0000000003.INBOX  its UIDNEXT, at least, and its name
 *     mail/alice/1772409600/0000000002.90000000000.1-5-0.FS    a message: UID, internal date (ns),
 *                                                    whose delivery it is (MailOrigin), flags
 *     mail/alice/1772409600/0000000003.90000000000.S one that an agent has put there
 *     mail/alice/1772409600/0000000004.-1000000000.  likewise, older than the simulation
 *     mail/alice/1772409600/tmp.0000000003           a message being written
 *
 * Names of users and folders are written with %HH for what is not a letter, digit, `-` or `_`.
 * Flags are maildir's letters: D draft, F flagged, R answered, S seen, T deleted.
 *
 * A new message is written as tmp, synced, renamed, and the folder synced: durable, and only then
 * told. UIDNEXT on disk is brought up to date together with the removal of any message, so that no
 * UID is given twice (RFC 9051 §2.3.1.1); else it follows from the messages. Changes are made
 * one after the other; what a change sees is the store after all changes before it. When the disk
 * fails half-way, what was to be added goes again, and the store is what the disk shows: a removal
 * or a move may have come half-way. A new message's UID is not given again.
 *
 * A delivery's message says in its name whose it is, as maildir's unique names do: so a server that
 * starts again, and finds in its queue a recipient whose delivery a crash has kept from being
 * noted, sees that the message is there, and does not deliver it twice.
 *
 * A subscription, to a name whether or not there is such a folder, is an empty file:
 *
 *     mail/alice/subscribed.Work
 *
 * mailbox_states.h lists all states that crashes can leave. Users are the server's configuration,
 * not on the disk. INBOX is always there. Left out on purpose: keywords, shared folders;
 * quotas are the server's to keep.
 *
 * Source: RFC 9051 §2.3 (UIDs, flags, internal date), §5.1 (names), §6.3, §6.4 (commands). */
#pragma once

#include "core/simtime.h"
#include "store/stored_message.h"

enum {
    MAIL_USER_MAX = 64,    /* octets */
    MAIL_FOLDER_MAX = 200, /* octets of a folder's name */
    MAIL_FOLDERS_MAX = 1000,
    MAIL_FOLDER_MESSAGES_MAX = 1 << 20,
};

/* System flags (RFC 9051 §2.3.2), in the bits of proto/imap.h's ImapFlag. */
typedef enum MailFlag {
    MAIL_FLAG_SEEN = 1 << 0,
    MAIL_FLAG_ANSWERED = 1 << 1,
    MAIL_FLAG_FLAGGED = 1 << 2,
    MAIL_FLAG_DELETED = 1 << 3,
    MAIL_FLAG_DRAFT = 1 << 4,
} MailFlag;
enum { MAIL_FLAGS_ALL = 31 };
/* A set of MailFlag. */
typedef uint8_t MailFlags;

typedef enum MailResult {
    MAIL_OK,
    MAIL_NO_ROOM,    /* the disk or the folder is full; nothing changed */
    MAIL_NO_FOLDER,  /* no such folder, or no such user */
    MAIL_NO_MESSAGE, /* the message is gone */
    MAIL_EXISTS,     /* a folder of that name is there already */
    MAIL_FORBIDDEN,  /* INBOX cannot be deleted or renamed; or a folder cannot have this name */
    MAIL_FAILED,     /* the disk has failed: a part of the change may have been made, and is told */
} MailResult;

typedef struct MailStore MailStore;
typedef struct MailFolder MailFolder;

/* Of a delivery: the entry of the server's queue that it is of, START-NUMBER, and the recipient's
 * index there. All zero: of none. */
typedef struct MailOrigin {
    uint32_t start, number, recipient;
} MailOrigin;

typedef struct MailMessage {
    SimTime date; /* internal date: when it came, or what APPEND says: then it may be negative */
    MailOrigin origin;
    uint32_t uid;  /* from 1 */
    uint32_t size; /* octets */
    MailFlags flags;
} MailMessage;

/* `start_unix` is the wall clock at time zero, from which UIDVALIDITY is made as RFC 9051 §2.3.1.1
 * advises. The disk and the trace outlive the store. */
MailStore *mail_store_new(Trace *trace, NodeId host, Disk *disk, int64_t start_unix);
/* Not while something asked of it is under way: first let the disk finish or crash. */
void mail_store_free(MailStore *store);
/* A user, of 1 to MAIL_USER_MAX octets, with an INBOX; nothing happens when it is known. */
void mail_store_add_user(MailStore *store, const char *user);
bool mail_store_has_user(const MailStore *store, const char *user);
/* Reads everything back after a start, once the users are added; removes what crashes have left,
 * and makes durable what it found. Not needed on an empty disk. */
void mail_store_recover(MailStore *store);

/* ---- Reading; folders and messages are borrowed, valid until the simulator's next event ---- */

/* Octets of all messages in the user's folders; 0 when there is no such user. */
uint64_t mail_store_used(const MailStore *store, const char *user);
/* The record of the message that came last since the start; 0: none has, or there is no such user.
 */
uint64_t mail_store_last_stored(const MailStore *store, const char *user);
/* NULL when there is no such user or folder. */
MailFolder *mail_store_find_folder(const MailStore *store, const char *user, const char *folder);
/* The user's folders: INBOX, then the others in byte order; NULL when there is no such user. NULL-
 * terminated, to free with g_strfreev. */
char **mail_store_list_folders(const MailStore *store, const char *user);
/* The names that the user is subscribed to, in byte order; likewise. */
char **mail_store_list_subscriptions(const MailStore *store, const char *user);
uint32_t mail_folder_uid_validity(const MailFolder *folder);
uint32_t mail_folder_uid_next(const MailFolder *folder);
/* How many messages; then each by its index, in the order of UIDs. */
size_t mail_folder_count(const MailFolder *folder);
const MailMessage *mail_folder_message(const MailFolder *folder, size_t index);
/* NULL when it is not there. */
const MailMessage *mail_folder_find(const MailFolder *folder, uint32_t uid);
/* The message's octets, read from the disk, to unref; NULL when it is not there, or cannot be read
 * now. */
Octets *mail_folder_read(const MailFolder *folder, uint32_t uid);

/* ---- Changing ---- */

/* Told of a change's end, once it is durable, from an event of the host. `uids` are those given
 * (deliver, copy, move: in the order asked for) or removed (expunge, rising); valid in the call. */
typedef struct MailDone {
    void (*done)(void *owner, MailResult result, const uint32_t *uids, size_t count);
    void *owner;
} MailDone;

/* While `done` is told of a failure: the seq of disk.full or disk.error behind it; 0: the disk is
 * not. */
uint64_t mail_store_failure(const MailStore *store);

/* Puts a message into a folder, which is made when it is not there: IMAP's APPEND, and delivery,
 * which has an origin, and the message's name (mail_name_of) where it is known; NULL: it is looked
 * for. Records mailbox.store. Shares `message`. */
void mail_store_append(MailStore *store, const char *user, const char *folder, Octets *message,
                       MailFlags flags, SimTime date, MailDone done);
void mail_store_deliver(MailStore *store, const char *user, const char *folder,
                        StoredMessage *message, const char *mail, MailOrigin origin, SimTime date,
                        MailDone done);
/* Whether the message of that delivery is in one of the user's folders already. Looks at each
 * message: only for a delivery that may have been attempted before. */
bool mail_store_has_delivery(const MailStore *store, const char *user, MailOrigin origin);
/* Makes that message durable, which no record tells; MAIL_NO_MESSAGE when it is gone. */
void mail_store_settle(MailStore *store, const char *user, MailOrigin origin, MailDone done);

typedef enum MailFlagMode { MAIL_FLAGS_REPLACE, MAIL_FLAGS_ADD, MAIL_FLAGS_REMOVE } MailFlagMode;

/* Records mailbox.flag when the flags change. */
void mail_store_set_flags(MailStore *store, const char *user, const char *folder, uint32_t uid,
                          MailFlagMode mode, MailFlags flags, MailDone done);
/* All messages or none: MAIL_NO_MESSAGE when one is gone. The target must be there. Flags and dates
 * go with them (RFC 9051 §6.4.7). Records mailbox.store. */
void mail_store_copy(MailStore *store, const char *user, const char *folder, const uint32_t *uids,
                     size_t count, const char *target, MailDone done);
/* Likewise; records mailbox.store and mailbox.expunge. A crash in between leaves both (RFC 6851).
 */
void mail_store_move(MailStore *store, const char *user, const char *folder, const uint32_t *uids,
                     size_t count, const char *target, MailDone done);
/* Removes those of the messages that are there; with `only_deleted`, those that have
 * MAIL_FLAG_DELETED. Records mailbox.expunge. */
void mail_store_expunge(MailStore *store, const char *user, const char *folder,
                        const uint32_t *uids, size_t count, bool only_deleted, MailDone done);
void mail_store_create_folder(MailStore *store, const char *user, const char *folder,
                              MailDone done);
/* Removes the folder and its messages; records mailbox.expunge for each. */
void mail_store_delete_folder(MailStore *store, const char *user, const char *folder,
                              MailDone done);
/* Renames a folder and those below it ("Work" and "Work/Lab"); messages keep their UIDs. */
void mail_store_rename_folder(MailStore *store, const char *user, const char *folder,
                              const char *new_name, MailDone done);

/* Subscribes the user to the name, which may be no folder's, or no more. MAIL_NO_FOLDER: there is
 * no such user; MAIL_FORBIDDEN: no folder could have that name; MAIL_NO_ROOM: of so many. */
void mail_store_subscribe(MailStore *store, const char *user, const char *folder, bool subscribes,
                          MailDone done);

/* ---- News, so that other connections can be told (IDLE, RFC 2177) ---- */

typedef enum MailNewsKind { MAIL_NEWS_STORED, MAIL_NEWS_FLAGS, MAIL_NEWS_EXPUNGED } MailNewsKind;

typedef struct MailNews {
    MailNewsKind kind;
    const char *user, *folder;
    uint32_t uid;
    MailFlags flags;
    const void *origin; /* the MailDone.owner of whoever caused it */
} MailNews;

typedef struct MailWatcher {
    void (*news)(void *owner, const MailNews *news);
    void *owner;
} MailWatcher;

/* The one watcher, told before `done`, after the trace; a zero one for none. */
void mail_store_watch(MailStore *store, MailWatcher watcher);

/* ---- File names, for whoever reads the disk ---- */

/* The folder that holds one folder for each user. */
#define MAIL_STORE_PATH "mail"

/* What `0000000002.90000000000.1-5-0.FS` says, all but the size; false when it is no message's
 * name. */
bool mail_message_name_parse(const char *name, MailMessage *message);
/* What `folder.0000000003.INBOX` says; false when it is no folder's mark. `folder` is to free. */
bool mail_folder_name_parse(const char *name, uint32_t *uid_next, char **folder);
/* What %HH writing means, to free; NULL when it is not so written. */
char *mail_name_unescape(const char *text);
