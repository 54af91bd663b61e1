/* What becomes of an attempt, recipient by recipient, and how it is noted. See queue.h. */
#include "core/check.h"
#include "store/queue_internal.h"

#include <string.h>

/* ---- Results ---- */

static const char *address_of(const QueueEntry *entry, size_t i)
{
    return entry->envelope->recipients[i].address;
}

static QueueRecipient *active_recipient(QueueEntry *entry, size_t i)
{
    CHECK(i < entry->envelope->recipient_count && entry->recipients[i].state == QUEUE_ACTIVE);
    return &entry->recipients[i];
}

static void on_removed(void *owner, DiskResult result)
{
    QueueEntry *entry = owner;
    const Queue *queue = entry->queue;
    CHECK(result != DISK_NO_FILE); /* what a failing disk keeps is the spool's to remove */
    queue_entry_leave(entry);
    TRACE(queue->trace, queue->host, QUEUE_REMOVE, 0, .entry = queue_entry_id(entry),
          .mail = queue_entry_mail(entry), .length = queue_length(queue));
    queue_entry_free(entry);
}

/* After the record, so that the record is what sets the disk's steps off. */
static void finish_recipient(QueueEntry *entry, size_t i, SpoolOutcome outcome)
{
    Queue *queue = entry->queue;
    queue_set_state(entry, i, QUEUE_DONE);
    spool_note(queue->spool, queue_entry_id(entry), i, outcome, (DiskDone){0});
    if (entry->waiting_count == 0)
        spool_remove(queue->spool, queue_entry_id(entry), (DiskDone){on_removed, entry});
}

bool queue_read_fails(const QueueEntry *entry)
{
    return spool_read_fails(entry->queue->spool, queue_entry_id(entry));
}

void queue_begin_attempt(QueueEntry *entry, size_t i, const char *transport,
                         const char *destination)
{
    const QueueRecipient *recipient = active_recipient(entry, i);
    queue_entry_resume(entry, i);
    TRACE(entry->queue->trace, entry->queue->host, QUEUE_ATTEMPT, 0, .entry = queue_entry_id(entry),
          .mail = queue_entry_mail(entry), .recipient = address_of(entry, i),
          .attempt = recipient->attempts + UINT64_C(1), .transport = transport,
          .destination = destination);
}

void queue_relayed(QueueEntry *entry, size_t i, const char *next, Span reply, uint64_t because)
{
    active_recipient(entry, i);
    TRACE(entry->queue->trace, entry->queue->host, MAIL_RELAYED, because,
          .mail = queue_entry_mail(entry), .recipient = address_of(entry, i),
          .entry = queue_entry_id(entry), .next = next, .reply = reply);
    finish_recipient(entry, i, (SpoolOutcome){.kind = SPOOL_RELAYED});
}

void queue_delivered(QueueEntry *entry, size_t i, uint32_t uid, const char *found)
{
    active_recipient(entry, i);
    TRACE(entry->queue->trace, entry->queue->host, MAIL_DELIVERED, 0,
          .mail = queue_entry_mail(entry), .recipient = address_of(entry, i),
          .entry = queue_entry_id(entry), .uid = uid, .found = found);
    finish_recipient(entry, i, (SpoolOutcome){.kind = SPOOL_DELIVERED});
}

void queue_bounced(QueueEntry *entry, size_t i, const char *bounce, const char *status, Span reason,
                   uint64_t because)
{
    active_recipient(entry, i);
    TRACE(entry->queue->trace, entry->queue->host, MAIL_BOUNCED, because,
          .mail = queue_entry_mail(entry), .recipient = address_of(entry, i),
          .entry = queue_entry_id(entry), .bounce = bounce, .status = status, .reason = reason);
    finish_recipient(entry, i, (SpoolOutcome){.kind = SPOOL_BOUNCED});
}

void queue_reported(QueueEntry *entry, size_t i, const char *notice, uint64_t because)
{
    active_recipient(entry, i);
    TRACE(entry->queue->trace, entry->queue->host, MAIL_REPORTED, because,
          .mail = queue_entry_mail(entry), .recipient = address_of(entry, i),
          .entry = queue_entry_id(entry), .notice = notice);
}

void queue_discarded(QueueEntry *entry, size_t i, const char *rule, uint64_t because)
{
    active_recipient(entry, i);
    TRACE(entry->queue->trace, entry->queue->host, MAIL_DISCARDED, because,
          .mail = queue_entry_mail(entry), .recipient = address_of(entry, i),
          .entry = queue_entry_id(entry), .rule = rule);
    finish_recipient(entry, i, (SpoolOutcome){.kind = SPOOL_DISCARDED});
}

/* `alice@a.example, bob@b.example`; to free. */
static char *join_recipients(const Envelope *envelope)
{
    GString *text = g_string_new(NULL);
    for (size_t i = 0; i < envelope->recipient_count; i++)
        g_string_append_printf(text, "%s%s", i > 0 ? ", " : "", envelope->recipients[i].address);
    return g_string_free(text, FALSE);
}

static void note_expanded(QueueEntry *entry, size_t i, const QueueEntry *into, const char *rests_on)
{
    const Origin *origin = envelope_origin(into->envelope);
    active_recipient(entry, i);
    CHECK(strcmp(origin->entry, queue_entry_id(entry)) == 0 && origin->recipient == i);
    g_autofree char *to = join_recipients(into->envelope);
    TRACE(entry->queue->trace, entry->queue->host, MAIL_EXPANDED, 0,
          .mail = queue_entry_mail(entry), .recipient = address_of(entry, i),
          .entry = queue_entry_id(entry), .how = origin->how, .into = queue_entry_id(into),
          .to = to, .count = into->envelope->recipient_count,
          .sender = into->envelope->reverse_path);
    finish_recipient(entry, i, (SpoolOutcome){.kind = SPOOL_EXPANDED, .rests_on = rests_on});
}

void queue_expanded(QueueEntry *entry, size_t i, const QueueEntry *into)
{
    note_expanded(entry, i, into, NULL);
}

void queue_finish_expansions(Queue *queue)
{
    Cause *cause = simulator_cause(queue->simulator);
    Cause before = *cause;
    g_autoptr(GPtrArray) entries = queue_list(queue);
    for (guint i = 0; i < entries->len; i++) {
        const QueueEntry *into = entries->pdata[i];
        const Origin *origin = envelope_origin(into->envelope);
        QueueEntry *entry = origin->entry != NULL ? queue_find(queue, origin->entry) : NULL;
        if (entry == NULL || origin->recipient >= entry->envelope->recipient_count ||
            entry->recipients[origin->recipient].state != QUEUE_WAITING)
            continue;
        queue_due_remove(&queue->due, &entry->recipients[origin->recipient]);
        queue_set_state(entry, origin->recipient, QUEUE_ACTIVE);
        queue_entry_resume(entry, origin->recipient);
        /* The crash may have come before the new entry's name was durable. */
        note_expanded(entry, origin->recipient, into, SPOOL_QUEUE_FOLDER);
    }
    *cause = before;
}

/* ---- Deferral ---- */

/* Many wait for the same reason, which is kept once. */
static void set_reason(QueueRecipient *recipient, Span reason)
{
    size_t length = MIN(reason.length, QUEUE_REASON_MAX);
    g_autofree char *text =
        length > 0 ? g_utf8_make_valid((const char *)reason.data, (gssize)length) : g_strdup("");
    if (strlen(text) > QUEUE_REASON_MAX)
        *g_utf8_find_prev_char(text, text + QUEUE_REASON_MAX + 1) = '\0';
    g_ref_string_release(recipient->reason);
    recipient->reason = g_ref_string_new_intern(text);
}

static void expire(const QueueEntry *entry, size_t i, Span reason, uint64_t because)
{
    TRACE(entry->queue->trace, entry->queue->host, MAIL_EXPIRED, because,
          .mail = queue_entry_mail(entry), .recipient = address_of(entry, i),
          .entry = queue_entry_id(entry), .reason = reason);
}

QueueDeferral queue_defer(QueueEntry *entry, size_t i, Span reason, uint64_t because)
{
    Queue *queue = entry->queue;
    QueueRecipient *recipient = active_recipient(entry, i);
    SimTime now = simulator_now(queue->simulator);
    set_reason(recipient, reason);
    if (retry_schedule_is_expired(&queue->schedule, entry->arrived_at, now)) {
        expire(entry, i, reason, because);
        return QUEUE_EXPIRED;
    }
    uint32_t draw = (uint32_t)random_draw(&queue->jitter);
    RetryState retry =
        retry_memory_state(&recipient->memory, entry->arrived_at, recipient->attempts);
    SimTime next_at = retry_schedule_next(&queue->schedule, &retry, now, draw);
    queue_recipient_set_retry(recipient, &retry);
    TRACE(queue->trace, queue->host, QUEUE_DEFER, because, .entry = queue_entry_id(entry),
          .mail = queue_entry_mail(entry), .recipient = address_of(entry, i), .reason = reason,
          .next_at = next_at);
    queue_entry_wait(entry, i, next_at);
    SpoolOutcome outcome = {.kind = SPOOL_DEFERRED, .retry = retry, .next_at = next_at};
    spool_note(queue->spool, queue_entry_id(entry), i, outcome, (DiskDone){0});
    bool is_late = now >= retry_schedule_warn_at(&queue->schedule, entry->arrived_at);
    return is_late && !recipient->is_warned ? QUEUE_DEFERRED_WARN : QUEUE_DEFERRED;
}

void queue_untold(QueueEntry *entry, size_t i, const char *bounce, Span reason, SimTime next_at,
                  uint64_t because)
{
    set_reason(active_recipient(entry, i), reason);
    TRACE(entry->queue->trace, entry->queue->host, MAIL_UNTOLD, because,
          .mail = queue_entry_mail(entry), .recipient = address_of(entry, i),
          .entry = queue_entry_id(entry), .bounce = bounce, .reason = reason, .next_at = next_at);
}

void queue_warned(QueueEntry *entry, size_t i, const char *warning, uint64_t because)
{
    Queue *queue = entry->queue;
    CHECK(i < entry->envelope->recipient_count && entry->recipients[i].state != QUEUE_DONE);
    entry->recipients[i].is_warned = true;
    TRACE(queue->trace, queue->host, MAIL_DELAYED, because, .mail = queue_entry_mail(entry),
          .recipient = address_of(entry, i), .entry = queue_entry_id(entry), .warning = warning);
    spool_note(queue->spool, queue_entry_id(entry), i, (SpoolOutcome){.kind = SPOOL_WARNED},
               (DiskDone){0});
}
