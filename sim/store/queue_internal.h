/* What the files of the queue share. See queue.h. */
#pragma once

#include "core/table.h"
#include "store/queue.h"
#include "store/queue_due.h"

/* Of the envelopes that have come lately, since many are the same. */
enum { QUEUE_RECENT_ENVELOPES = 512 };

struct Queue {
    Trace *trace;
    Simulator *simulator;
    NodeId host;
    Spool *spool;
    RetrySchedule schedule;
    size_t active_limit, active_count; /* messages */
    Random jitter;
    uint32_t serials;
    GQueue additions;       /* Addition */
    Table by_id;            /* those entered */
    GRefString *no_reason;  /* "" */
    QueueDue due;           /* their recipients that wait, but for what is on hold */
    QueueRecipient **taken; /* by queue_take_due, which sorts them */
    size_t taken_capacity;
    Envelope *recent[QUEUE_RECENT_ENVELOPES]; /* by whom they are from and for; NULL: none */
};

/* Through which each recipient's state changes. */
void queue_set_state(QueueEntry *entry, size_t i, QueueRecipientState state);
/* The recipient waits until then; what is on hold is not among what is due. */
void queue_entry_wait(QueueEntry *entry, size_t i, SimTime next_at);
/* Keeps what the schedule has to know of the attempts that have failed. */
void queue_recipient_set_retry(QueueRecipient *recipient, const RetryState *retry);
/* What sets the recipient's next attempt off becomes the cause of what follows. */
void queue_entry_resume(const QueueEntry *entry, size_t i);
/* The entry is none of the queue's any more, but still there. */
void queue_entry_leave(QueueEntry *entry);
void queue_entry_free(QueueEntry *entry);
