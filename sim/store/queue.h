/* The message queue of a mail server: what it has taken responsibility for and still has to do.
 *
 * The queue lives in memory and knows no network; behind it stands the spool, from which
 * queue_recover builds it anew after a crash. The server asks what is due, attempts it, and reports
 * what became of each recipient.
 *
 *     waiting --queue_take_due--> active --queue_relayed, _delivered, _bounced, … --> done
 *        ^                          |
 *        +-------queue_defer--------+
 *
 * Of a message as a whole one says, as Postfix does, that it is in the incoming queue (never
 * attempted yet), active, deferred, or on hold. So many messages at most are active at once; what
 * is due beyond that stays where it is until another is through. What is on hold is not attempted,
 * however old it grows, until it is released; an attempt that is under way is brought to its end.
 *
 * A recipient that queue_defer finds expired, or that was refused for good, stays active until it
 * is bounced or discarded, however long its notification takes.
 *
 * The order of steps decides what a crash costs (RFC 1047; RFC 5321 §6.1: never lose, rather
 * deliver twice):
 *
 *  - Taking over: durable first, then `done`, then the server's 250. A crash between the two is a
 *    duplicate: the client did not hear the 250 and sends again.
 *  - Handing on: the next server's 250 comes first, then the note in the journal, never the other
 *    way round, or a crash would lose the message. From that 250 until the note is durable a crash
 *    makes the server send again after its restart. So report queue_relayed in the very step that
 *    reads the 250, before QUIT, the next message, or anything that takes time: RFC 1047's window
 *    is then one write and one sync.
 *  - Local delivery alike: the message is durable in the mailbox first, then noted. But after a
 *    crash the server can see what it has done: the mailbox says whose delivery a message is
 *    (mailbox.h), and there is no second copy.
 *  - Bouncing: the notification is durable in the queue first (queue_add's `done`), and only then
 *    queue_bounced for the original. A crash between is a second notification, not none.
 *  - Expanding (an alias, a list): the entry for the addresses in its place is durable first, and
 *    says whence it comes; only then queue_expanded for the original. After a crash between, that
 *    note lets queue_finish_expansions find that it is done: there is no second expansion.
 *  - A recipient is done in memory as soon as it is reported, so no second attempt is made in this
 *    run of the server whatever the disk does. When the disk is full the note is lost, and only a
 *    crash after that repeats the delivery; removing an entry needs no room.
 *  - A deferral is noted too, so that a restart does not shorten the wait; an attempt that a crash
 *    cut off is not counted.
 *  - What a failing disk costs, spool.h says: of a message that it takes, never more than a second
 *    copy after a crash.
 *
 * Source: RFC 5321 §4.5.4 (queueing and retry strategy), §6.1; RFC 1047. */
#pragma once

#include "mail/envelope.h"
#include "mail/retry_schedule.h"
#include "store/spool.h"

enum { QUEUE_REASON_MAX = 512 };

typedef struct Queue Queue;

typedef enum QueueRecipientState { QUEUE_WAITING, QUEUE_ACTIVE, QUEUE_DONE } QueueRecipientState;

typedef enum QueueState {
    QUEUE_STATE_INCOMING,
    QUEUE_STATE_ACTIVE, /* a recipient is being attempted, or waits for a connection */
    QUEUE_STATE_DEFERRED,
    QUEUE_STATE_HOLD,
    QUEUE_STATES,
} QueueState;
/* "incoming", … */
const char *queue_state_text(QueueState state);

enum { QUEUE_ACTIVE_MAX = 20000 }; /* messages; Postfix's qmgr_message_active_limit */

/* There are as many as mail waits in the whole simulation, so it is packed. */
typedef struct QueueRecipient {
    RetryMemory memory;        /* of the attempts that have failed */
    SimTime next_attempt_at;   /* while waiting */
    uint64_t waits_since : 54; /* the record that made it wait, and so sets its next attempt off */
    uint64_t index : 10;       /* its place in the entry */
    GRefString *reason; /* why the last attempt failed, at most QUEUE_REASON_MAX octets; "" */
    uint32_t due_place; /* the queue's own: see queue_due.h */
    uint32_t attempts : RETRY_ATTEMPTS_BITS; /* which have failed so far */
    uint32_t state : 2;                      /* QueueRecipientState */
    uint32_t is_warned : 1;                  /* the sender knows of the delay */
} QueueRecipient;

/* Read it, do not change it. It lives until its last recipient is reported as done. It is one piece
 * of memory, with its two texts behind the recipients. */
typedef struct QueueEntry {
    Queue *queue;
    Envelope *envelope;
    StoredMessage *message;
    SimTime arrived_at;
    uint32_t serial;             /* the queue's own: counts the entries in the order of arrival */
    uint32_t waiting_count : 11; /* recipients not done, the active ones included */
    uint32_t active_count : 11;
    uint32_t id_size : 5; /* octets of the id's text, with its NUL */
    uint32_t is_held : 1;
    uint32_t is_recovered : 1; /* after a start: a note on what became of a recipient may be lost */
    QueueRecipient recipients[]; /* envelope->recipient_count of them */
} QueueEntry;

/* Its name: printable, as Received fields and 250 replies show it. */
static inline const char *queue_entry_id(const QueueEntry *entry)
{
    return (const char *)(entry->recipients + entry->envelope->recipient_count);
}

/* The message's name: the left part of its Message-ID. */
static inline const char *queue_entry_mail(const QueueEntry *entry)
{
    return queue_entry_id(entry) + entry->id_size;
}

/* Told once the entry is durable, or that it could not be taken (`entry` NULL): say 452 for
 * DISK_FULL, 451 for DISK_ERROR. */
typedef struct QueueAdded {
    void (*done)(void *owner, QueueEntry *entry, DiskResult result);
    void *owner;
} QueueAdded;

/* The trace and the spool outlive the queue; the schedule is without defects and is copied. At most
 * `active_limit` messages, at least one, are active at once. Call queue_recover first, on an empty
 * disk too. */
Queue *queue_new(Trace *trace, NodeId host, Spool *spool, const RetrySchedule *schedule,
                 size_t active_limit);
/* Not while something asked of it is under way: first let the disk finish or crash. */
void queue_free(Queue *queue);

/* ---- In ---- */

/* The id that the next queue_add will give, for the Received field. */
SpoolId queue_peek_next_id(const Queue *queue);
/* A message, and what whoever gives it knows of it already. */
typedef struct QueueMessage {
    StoredMessage *message;
    Span left; /* its message_id_left; empty: it is looked for */
} QueueMessage;

/* Makes the message durable, records queue.enter and mail.accepted for each recipient, all of them
 * due at once, then tells `added`. The envelope, which has a recipient, stays the caller's, but is
 * final from now on; shares the message.
 */
void queue_add(Queue *queue, Envelope *envelope, QueueMessage message, QueueAdded added);
/* Reads the spool after a start: records queue.recover for each entry; recipients are due at once,
 * or when their deferral says. Returns how many entries there are. */
size_t queue_recover(Queue *queue);

/* Whether a failing disk has left something to do over, what of the spool could not be read at
 * recovery among it: call queue_retry after a while. That does, and gives the number of entries
 * found, as queue_recover does. */
bool queue_has_leftovers(const Queue *queue);
size_t queue_retry(Queue *queue);

/* After queue_recover or queue_retry: the recipients that had been expanded, of which the crash has
 * lost the note, are done. */
void queue_finish_expansions(Queue *queue);

/* ---- What is due ---- */

/* Recipients of one entry in one domain, to be sent in one transaction (RFC 5321 §4.5.4.1): no more
 * than any server must take (§4.5.3.1.8). */
enum { QUEUE_BATCH_MAX = 100 };
typedef struct QueueBatch {
    struct QueueBatch *after; /* of those that queue_take_due gives; NULL: it is the last. Whoever
                                 takes them may join them otherwise. */
    QueueEntry *entry;
    const char *domain; /* without regard to case; "" for the bare Postmaster. Borrowed. */
    size_t *recipients; /* indexes, rising */
    size_t count;
    size_t only; /* what `recipients` points to where there is one */
} QueueBatch;

void queue_batch_free(QueueBatch *batch); /* NULL is no batch */
/* Marks the recipients due at `now` as active, as far as the limit permits, and gives them, each
 * batch to free: in the order of arrival, then of the domains' first recipients; NULL: none. */
QueueBatch *queue_take_due(Queue *queue, SimTime now);
/* When the next recipient is due; SIM_NEVER when none is waiting, or as many messages are active
 * as may be: then ask again after the next result. */
SimTime queue_next_due_at(const Queue *queue);
/* The batch has to wait for its turn: records queue.activate. */
void queue_activate(const QueueBatch *batch);

/* ---- What the administrator does ---- */

/* Puts the message on hold, or takes it off: then what has become due meanwhile is due at once.
 * False, and nothing done, when it is so already. Records queue.hold and queue.release. */
bool queue_hold(QueueEntry *entry);
bool queue_release(QueueEntry *entry);
/* Makes what waits for this domain (NULL: for any), and is not on hold, due at once; gives the
 * number of recipients. Records queue.flush. */
size_t queue_flush(Queue *queue, const char *domain);

/* ---- Results, for an active recipient `i`; `because` is the record that decided it, or 0 ---- */

/* Whether the message of an entry that is to be attempted cannot be read now: quick. */
bool queue_read_fails(const QueueEntry *entry);
/* An attempt begins: records queue.attempt. `transport` is "smtp" or "local". */
void queue_begin_attempt(QueueEntry *entry, size_t i, const char *transport,
                         const char *destination);
/* Records mail.relayed. `next` is the next server's name, `reply` its 250. */
void queue_relayed(QueueEntry *entry, size_t i, const char *next, Span reply, uint64_t because);
/* Records mail.delivered. `found` says how it came that it was in the mailbox already; NULL: it has
 * just been put there. */
void queue_delivered(QueueEntry *entry, size_t i, uint32_t uid, const char *found);
/* Records mail.bounced. `bounce` is the notification's name, `status` such as "5.1.1". */
void queue_bounced(QueueEntry *entry, size_t i, const char *bounce, const char *status, Span reason,
                   uint64_t because);
/* Records mail.discarded. `rule` names the rule, for people. */
void queue_discarded(QueueEntry *entry, size_t i, const char *rule, uint64_t because);

/* Records mail.expanded: `into`, whose envelope names this recipient as its origin, is in the queue
 * in its place. */
void queue_expanded(QueueEntry *entry, size_t i, const QueueEntry *into);

typedef enum QueueDeferral {
    QUEUE_DEFERRED, /* waits for its next attempt: queue.defer */
    /* Likewise, and the sender should be warned by now: add the notification, then report
     * queue_warned (unless NOTIFY forbids it, RFC 3461 §4.1). */
    QUEUE_DEFERRED_WARN,
    QUEUE_EXPIRED, /* past its lifetime: mail.expired. Bounce or discard it now. */
} QueueDeferral;

/* The attempt has failed for now. `reason` is the reply or failure. */
QueueDeferral queue_defer(QueueEntry *entry, size_t i, Span reason, uint64_t because);
/* The notification found no room, and is tried again at `next_at`: records mail.untold. */
void queue_untold(QueueEntry *entry, size_t i, const char *bounce, Span reason, SimTime next_at,
                  uint64_t because);
/* Records mail.reported, before queue_discarded. `notice` is the name of what the postmaster gets.
 */
void queue_reported(QueueEntry *entry, size_t i, const char *notice, uint64_t because);
/* Records mail.delayed, for a recipient in any state but done. `warning` is the notification's
 * name. */
void queue_warned(QueueEntry *entry, size_t i, const char *warning, uint64_t because);

/* ---- Looking ---- */

/* Messages in the queue: entered and not yet removed. */
size_t queue_length(const Queue *queue);
QueueState queue_entry_state(const QueueEntry *entry);
/* NULL when it is not there. */
QueueEntry *queue_find(const Queue *queue, const char *id);
/* All of them, in the order of arrival, to unref: for what is done now and then. */
GPtrArray *queue_list(const Queue *queue);
