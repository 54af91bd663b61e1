/* The spool: accepted messages on disk, each with its envelope and a journal of its recipients.
 *
 * One entry is one file, `spool/queue/ID`:
 *
 *     spool 1                                 the form's version
 *     arrived 90000000000                     ns since the start
 *     envelope 97                             octets of the envelope's text (mail/envelope.h)
 *     message 512                             octets of the message
 *     (the envelope's text, then the message)
 *
 * and behind them the journal, one line a note, each of the form LF text `;`:
 *
 *     0 relayed;
 *     1 deferred 1 90000000000 90000000000 390000000000 600000000000;
 *
 * (deferred: failed attempts, the first's and the last's time, when the next one is due, and when
 * it is made.) A line torn by a loss of power is not whole and is passed over. Since each line
 * brings its own LF, the next one is not spoilt by it, and since it ends with `;`, neither is the
 * one before. The later note on a recipient holds.
 *
 * Steps, and what a crash leaves:
 *  - add: write `spool/tmp/ID`, sync it, rename it into `spool/queue/`, sync that folder; only then
 *    may a server say 250 (RFC 5321 §4.2.5, §6.1). Before the rename, recovery finds a file in
 *    tmp/ and removes it: nobody was told 250. From the rename on it may find the entry; then the
 *    client was perhaps not told and sends again: the duplicate of RFC 1047.
 *  - note: append to the entry, sync. Before the append the note is lost: see queue.h.
 *  - remove: unlink the entry, sync the folder. Loss of power between the two brings the entry
 *    back with all its recipients done, and recovery removes it again.
 *
 * What a disk that fails costs:
 *  - add: what has been written goes again, and the server says 451. The file may be left where
 *    the disk does not let it be removed either: then a crash before spool_retry makes it an entry
 *    of which nobody was told 250, which is delivered beside what the client sends again.
 *  - note: it is lost, and only a crash after that repeats the attempt.
 *  - remove: the file stays until spool_retry, or the recovery after a crash.
 *  - recovery: an entry that cannot be read stays on the disk, and waits for spool_retry. As long
 *    as the start's number is not on the disk, no entry is added: its id might be given again.
 *
 * spool_states.h lists all states that this can leave. Left out on purpose: repair. A file that is
 * none of them is left alone, and reported. */
#pragma once

#include "mail/envelope.h"
#include "mail/retry_schedule.h"
#include "store/disk.h"
#include "store/stored_message.h"

typedef struct Spool Spool;

/* When `done` is told of an added entry. */
typedef enum SpoolOrder {
    SPOOL_SYNC_FIRST, /* once it is durable */
    SPOOL_TELL_FIRST, /* once it is written, and the syncs follow: what RFC 5321 §6.1 forbids */
} SpoolOrder;

/* A disk has at most one spool in use at a time, and outlives it. Call spool_recover first, on an
 * empty disk too. */
Spool *spool_new(Disk *disk, SpoolOrder order);
/* Not while something asked of it is under way: first let the disk finish or crash. */
void spool_free(Spool *spool);

/* ---- Ids: "START-NUMBER", counting the server's starts and the entries since; so none is ever
 * given twice. Their order in numbers is the order of arrival. ---- */

enum { SPOOL_ID_MAX = 24 };
typedef struct SpoolId {
    char text[SPOOL_ID_MAX];
} SpoolId;

/* The id that is next; the same until spool_take_id. */
SpoolId spool_peek_id(const Spool *spool);
SpoolId spool_take_id(Spool *spool);

/* ---- Changes; `done` is told once they are durable, but see SpoolOrder ---- */

/* What became of one recipient. */
typedef enum SpoolOutcomeKind {
    SPOOL_WAITING,   /* nothing noted yet */
    SPOOL_RELAYED,   /* the next server has it */
    SPOOL_DELIVERED, /* it is in the mailbox */
    SPOOL_BOUNCED,   /* the notification is in the queue */
    SPOOL_DISCARDED, /* ended by a rule */
    SPOOL_EXPANDED,  /* an entry for the addresses in its place is in the queue */
    SPOOL_DEFERRED,  /* still waiting, after a failed attempt */
    SPOOL_WARNED,    /* still waiting, and the sender has been warned of the delay */
    SPOOL_HELD,      /* the whole entry is on hold, whatever the recipient; */
    SPOOL_RELEASED,  /* and is no longer */
} SpoolOutcomeKind;

typedef struct SpoolOutcome {
    SpoolOutcomeKind kind;
    RetryState retry; /* SPOOL_DEFERRED: the state after the failure, */
    SimTime next_at;  /* and when the next attempt is made */
    /* The folder whose names the outcome rests on, where they may not be durable; NULL: none. It is
     * synced first, and when that fails nothing is noted. */
    const char *rests_on;
} SpoolOutcome;

enum { SPOOL_ENTRIES_MAX = 1 << 20 };

/* Shares `message`. DISK_FULL: no room, or too many entries; DISK_ERROR: the disk has failed. The
 * spool is then as before. */
void spool_add(Spool *spool, const char *entry_id, const Envelope *envelope, StoredMessage *message,
               SimTime arrived_at, DiskDone done);
/* Notes an outcome other than SPOOL_WAITING. DISK_FULL, DISK_ERROR: it may not be noted. */
void spool_note(Spool *spool, const char *entry_id, size_t recipient, SpoolOutcome outcome,
                DiskDone done);
/* Whatever `done` is told, the entry is the spool's to remove from then on. */
void spool_remove(Spool *spool, const char *entry_id, DiskDone done);
/* Before an attempt, for which a server reads the message: whether it cannot. */
bool spool_read_fails(Spool *spool, const char *entry_id);

/* ---- Reading back ---- */

typedef struct SpoolRecipient {
    bool is_done;     /* relayed, delivered, bounced, discarded or expanded */
    bool is_warned;   /* the sender knows of the delay */
    RetryState retry; /* as last noted, else that of a new arrival, */
    SimTime next_at;  /* and then the time of arrival */
} SpoolRecipient;

typedef struct SpoolEntry {
    char *id;
    Envelope *envelope;
    StoredMessage *message;
    SimTime arrived_at;
    bool is_held;               /* as last noted */
    bool has_torn_note;         /* a line of the journal is not whole */
    SpoolRecipient *recipients; /* envelope->recipient_count of them */
} SpoolEntry;

void spool_entry_free(SpoolEntry *entry);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(SpoolEntry, spool_entry_free)

/* How many recipients are not done. */
size_t spool_entry_waiting(const SpoolEntry *entry);
/* What the file of the entry `id` says, its journal included; NULL when it is no entry. */
SpoolEntry *spool_entry_parse(const char *id, Octets *file);

/* ---- Names of files, for spool_states.c ---- */

#define SPOOL_FOLDER       "spool"
#define SPOOL_TMP_FOLDER   "spool/tmp"
#define SPOOL_QUEUE_FOLDER "spool/queue"

bool spool_id_is_valid(const char *text);
/* The two numbers of an id, which is valid. */
void spool_id_numbers(const char *id, uint32_t *start, uint32_t *number);
/* The number of a name such as `start.3`; false when it is none. */
bool spool_start_parse(const char *name, uint32_t *number);
/* How often the server has started, by the name that says so. */
uint32_t spool_read_starts(const Disk *disk);

/* ---- Recovery ---- */

/* After a start: gives the entries that have a recipient waiting, in order of arrival, as
 * SpoolEntry to unref; removes what crashes have left; makes durable what it found, so that nothing
 * is acted upon that the next loss of power would undo. */
GPtrArray *spool_recover(Spool *spool);
/* Whether a failure of the disk has left something to do over: call spool_retry after a while. */
bool spool_has_leftovers(const Spool *spool);
/* Tries again to remove what could not be removed, and to read what could not be read at recovery:
 * gives those entries as spool_recover does. */
GPtrArray *spool_retry(Spool *spool);
/* The same entries, and those with all recipients done, as they stand on the disk; changes nothing.
 */
GPtrArray *spool_read_all(const Disk *disk);
