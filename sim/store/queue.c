/* The message queue. See queue.h for the order of steps and why; what becomes of an attempt is in
 * queue_results.c. */
#include "core/check.h"
#include "mail/address.h"
#include "store/mail_name.h"
#include "store/queue_internal.h"

#include <string.h>

/* An entry on its way to the disk. */
typedef struct Addition {
    QueueEntry *entry;
    QueueAdded added;
    GList link; /* in queue->additions */
} Addition;

/* ---- States ---- */

void queue_set_state(QueueEntry *entry, size_t i, QueueRecipientState state)
{
    QueueRecipient *recipient = &entry->recipients[i];
    bool was_active = entry->active_count > 0;
    if (state == QUEUE_ACTIVE)
        entry->active_count++;
    if (recipient->state == QUEUE_ACTIVE)
        entry->active_count--;
    if (state == QUEUE_DONE && recipient->state != QUEUE_DONE)
        entry->waiting_count--;
    recipient->state = state;
    bool is_active = entry->active_count > 0;
    entry->queue->active_count += is_active - (size_t)was_active;
}

const char *queue_state_text(QueueState state)
{
    static const char *const TEXTS[QUEUE_STATES] = {
        [QUEUE_STATE_INCOMING] = "incoming",
        [QUEUE_STATE_ACTIVE] = "active",
        [QUEUE_STATE_DEFERRED] = "deferred",
        [QUEUE_STATE_HOLD] = "hold",
    };
    CHECK(state < QUEUE_STATES);
    return TEXTS[state];
}

QueueState queue_entry_state(const QueueEntry *entry)
{
    if (entry->active_count > 0)
        return QUEUE_STATE_ACTIVE;
    if (entry->is_held)
        return QUEUE_STATE_HOLD;
    for (size_t i = 0; i < entry->envelope->recipient_count; i++) {
        const QueueRecipient *recipient = &entry->recipients[i];
        if (recipient->state == QUEUE_DONE || recipient->attempts > 0)
            return QUEUE_STATE_DEFERRED;
    }
    return QUEUE_STATE_INCOMING;
}

/* ---- Waiting ---- */

#define RECORD_MASK ((UINT64_C(1) << 54) - 1)

/* It is a record of this queue that has made it wait, so of every level of the trace. */
void queue_entry_wait(QueueEntry *entry, size_t i, SimTime next_at)
{
    Queue *queue = entry->queue;
    const Cause *cause = simulator_cause(queue->simulator);
    CHECK(cause->nearest[0] == trace_count(queue->trace));
    queue_set_state(entry, i, QUEUE_WAITING);
    entry->recipients[i].next_attempt_at = next_at;
    entry->recipients[i].waits_since = cause->nearest[0] & RECORD_MASK;
    if (!entry->is_held)
        queue_due_add(&queue->due, &entry->recipients[i]);
}

void queue_entry_resume(const QueueEntry *entry, size_t i)
{
    Cause *cause = simulator_cause(entry->queue->simulator);
    for (size_t level = 0; level < CAUSE_LEVELS; level++)
        cause->nearest[level] = entry->recipients[i].waits_since;
}

/* A message that is active already may have more of its recipients attempted. */
static bool may_activate(const Queue *queue, const QueueRecipient *recipient)
{
    return queue->active_count < queue->active_limit ||
           queue_recipient_entry(recipient)->active_count > 0;
}

SimTime queue_next_due_at(const Queue *queue)
{
    const QueueRecipient *first = queue_due_first(&queue->due);
    return first != NULL && may_activate(queue, first) ? first->next_attempt_at : SIM_NEVER;
}

/* ---- Entries ---- */

enum { ID_SIZE_MASK = 31, INDEX_MASK = 1023 };
G_STATIC_ASSERT(SPOOL_ID_MAX < 32 && ENVELOPE_RECIPIENTS_MAX < 1024);

void queue_recipient_set_retry(QueueRecipient *recipient, const RetryState *retry)
{
    recipient->memory = retry_memory_of(retry);
    recipient->attempts = retry->attempts & RETRY_ATTEMPTS_MAX;
}

/* Takes `envelope` over, and shares the message. */
static QueueEntry *entry_new(Queue *queue, const char *id, Envelope *envelope,
                             const QueueMessage *message, SimTime arrived_at)
{
    g_autofree char *mail = message->left.length > 0 ? mail_name_of_left(message->left)
                                                     : mail_name_of_stored(message->message);
    size_t count = envelope->recipient_count;
    size_t id_size = strlen(id) + 1, mail_size = strlen(mail) + 1;
    CHECK(count <= ENVELOPE_RECIPIENTS_MAX && id_size <= SPOOL_ID_MAX);
    size_t recipients_size = count * sizeof(QueueRecipient);
    QueueEntry *entry = g_malloc(sizeof *entry + recipients_size + id_size + mail_size);
    memset(entry, 0, sizeof *entry + recipients_size);
    char *names = (char *)(entry->recipients + count);
    entry->queue = queue;
    memcpy(names, id, id_size);
    memcpy(names + id_size, mail, mail_size);
    entry->id_size = id_size & ID_SIZE_MASK;
    entry->arrived_at = arrived_at;
    entry->envelope = envelope;
    entry->message = stored_message_ref(message->message);
    for (size_t i = 0; i < count; i++) {
        entry->recipients[i].reason = g_ref_string_acquire(queue->no_reason);
        entry->recipients[i].index = i & INDEX_MASK;
        entry->waiting_count++;
    }
    CHECK(queue->serials < UINT32_MAX);
    entry->serial = ++queue->serials;
    return entry;
}

void queue_entry_free(QueueEntry *entry)
{
    for (size_t i = 0; i < entry->envelope->recipient_count; i++)
        g_ref_string_release(entry->recipients[i].reason);
    envelope_free(entry->envelope);
    stored_message_unref(entry->message);
    g_free(entry);
}

static uint32_t hash_of_entry(const void *data)
{
    const QueueEntry *entry = data;
    return table_hash(queue_entry_id(entry), entry->id_size - 1U);
}

static void entry_enter(QueueEntry *entry)
{
    table_add(&entry->queue->by_id, hash_of_entry(entry), entry);
}

void queue_entry_leave(QueueEntry *entry)
{
    table_remove(&entry->queue->by_id, entry);
}

Queue *queue_new(Trace *trace, NodeId host, Spool *spool, const RetrySchedule *schedule,
                 size_t active_limit)
{
    Queue *queue = g_new0(Queue, 1);
    CHECK(retry_schedule_find_defect(schedule) == NULL);
    CHECK(active_limit > 0);
    queue->active_limit = active_limit;
    queue->trace = trace;
    queue->simulator = trace_simulator(trace);
    queue->host = host;
    queue->spool = spool;
    queue->schedule = *schedule;
    queue->jitter = simulator_random(queue->simulator, host, RANDOM_RETRY_JITTER);
    g_queue_init(&queue->additions);
    queue->by_id.hash_of = hash_of_entry;
    queue->no_reason = g_ref_string_new_intern("");
    return queue;
}

static void clear_recent(Queue *queue)
{
    for (size_t i = 0; i < QUEUE_RECENT_ENVELOPES; i++)
        envelope_free(queue->recent[i]);
}

static void addition_free(Addition *addition)
{
    g_queue_unlink(&addition->entry->queue->additions, &addition->link);
    g_free(addition);
}

void queue_free(Queue *queue)
{
    queue_due_clear(&queue->due);
    g_free(queue->taken);
    while (!g_queue_is_empty(&queue->additions)) {
        Addition *addition = g_queue_peek_head(&queue->additions);
        QueueEntry *entry = addition->entry;
        addition_free(addition);
        queue_entry_free(entry);
    }
    size_t at = 0;
    for (QueueEntry *entry; (entry = table_each(&queue->by_id, &at)) != NULL;)
        queue_entry_free(entry);
    table_clear(&queue->by_id);
    g_ref_string_release(queue->no_reason);
    clear_recent(queue);
    g_free(queue);
}

/* ---- In ---- */

SpoolId queue_peek_next_id(const Queue *queue)
{
    return spool_peek_id(queue->spool);
}

static SimTime expires_at(const QueueEntry *entry)
{
    return entry->arrived_at + entry->queue->schedule.lifetime_ns;
}

/* Each recipient is due at once. */
static void accept_entry(QueueEntry *entry)
{
    const Queue *queue = entry->queue;
    TRACE(queue->trace, queue->host, QUEUE_ENTER, 0, .entry = queue_entry_id(entry),
          .mail = queue_entry_mail(entry), .recipients = entry->envelope->recipient_count,
          .length = queue_length(queue), .expires_at = expires_at(entry));
    Cause entered = *simulator_cause(queue->simulator);
    for (size_t i = 0; i < entry->envelope->recipient_count; i++) {
        *simulator_cause(queue->simulator) = entered;
        TRACE(queue->trace, queue->host, MAIL_ACCEPTED, 0, .mail = queue_entry_mail(entry),
              .recipient = entry->envelope->recipients[i].address,
              .sender = entry->envelope->reverse_path, .entry = queue_entry_id(entry),
              .origin = envelope_origin(entry->envelope)->entry,
              .size = stored_message_size(entry->message));
        queue_entry_wait(entry, i, simulator_now(queue->simulator));
    }
}

static void on_added(void *owner, DiskResult result)
{
    Addition *addition = owner;
    QueueAdded added = addition->added;
    QueueEntry *entry = addition->entry;
    addition_free(addition);
    if (result == DISK_OK) {
        entry_enter(entry);
        accept_entry(entry);
    } else {
        g_clear_pointer(&entry, queue_entry_free);
    }
    if (added.done != NULL)
        added.done(added.owner, entry, result);
}

/* The same, while few messages are in the queue, as they mostly leave it at once. Where many wait,
 * a small copy, or a recent one that is the same. */
static Envelope *keep_envelope(Queue *queue, Envelope *envelope)
{
    enum { FEW_ENTRIES = 64 };
    enum { SHARED_MAX = 8 }; /* recipients: to look at more would be long */
    if (queue_length(queue) < FEW_ENTRIES)
        envelope_finish(envelope);
    if (envelope->is_final || envelope->recipient_count > SHARED_MAX)
        return envelope_copy(envelope);
    const char *from = envelope->reverse_path, *to = envelope->recipients[0].address;
    uint32_t hash = table_hash(from, strlen(from)) + table_hash(to, strlen(to));
    Envelope **recent = &queue->recent[hash % QUEUE_RECENT_ENVELOPES];
    if (*recent == NULL || !envelope_equals(*recent, envelope)) {
        g_clear_pointer(recent, envelope_free);
        *recent = envelope_copy(envelope);
    }
    return envelope_copy(*recent);
}

void queue_add(Queue *queue, Envelope *envelope, QueueMessage message, QueueAdded added)
{
    SpoolId id = spool_take_id(queue->spool);
    SimTime now = simulator_now(queue->simulator);
    CHECK(envelope->recipient_count > 0);
    QueueEntry *entry = entry_new(queue, id.text, keep_envelope(queue, envelope), &message, now);
    envelope_finish(envelope);
    Addition *addition = g_new(Addition, 1);
    *addition = (Addition){.entry = entry, .added = added, .link.data = addition};
    g_queue_push_tail_link(&queue->additions, &addition->link);
    spool_add(queue->spool, id.text, entry->envelope, message.message, now,
              (DiskDone){on_added, addition});
}

static void recover_recipient(QueueEntry *entry, size_t i, const SpoolRecipient *found)
{
    QueueRecipient *recipient = &entry->recipients[i];
    queue_recipient_set_retry(recipient, &found->retry);
    recipient->is_warned = found->is_warned;
    if (found->is_done)
        queue_set_state(entry, i, QUEUE_DONE);
}

static void recover_entry(Queue *queue, SpoolEntry *found)
{
    QueueEntry *entry = entry_new(queue, found->id, g_steal_pointer(&found->envelope),
                                  &(QueueMessage){.message = found->message}, found->arrived_at);
    size_t count = entry->envelope->recipient_count;
    entry->is_held = found->is_held;
    entry->is_recovered = true;
    for (size_t i = 0; i < count; i++)
        recover_recipient(entry, i, &found->recipients[i]);
    entry_enter(entry);
    TRACE(queue->trace, queue->host, QUEUE_RECOVER, 0, .entry = queue_entry_id(entry),
          .mail = queue_entry_mail(entry), .recipients = entry->waiting_count,
          .length = queue_length(queue), .expires_at = expires_at(entry),
          .origin = envelope_origin(entry->envelope)->entry);
    SimTime now = simulator_now(queue->simulator);
    for (size_t i = 0; i < count; i++)
        if (!found->recipients[i].is_done)
            queue_entry_wait(entry, i, MAX(found->recipients[i].next_at, now));
}

static size_t recover_entries(Queue *queue, const GPtrArray *entries)
{
    Cause start = *simulator_cause(queue->simulator);
    for (guint i = 0; i < entries->len; i++) {
        *simulator_cause(queue->simulator) = start;
        recover_entry(queue, entries->pdata[i]);
    }
    return entries->len;
}

size_t queue_recover(Queue *queue)
{
    g_autoptr(GPtrArray) entries = spool_recover(queue->spool);
    return recover_entries(queue, entries);
}

bool queue_has_leftovers(const Queue *queue)
{
    return spool_has_leftovers(queue->spool);
}

size_t queue_retry(Queue *queue)
{
    g_autoptr(GPtrArray) entries = spool_retry(queue->spool);
    return recover_entries(queue, entries);
}

/* ---- What is due ---- */

void queue_batch_free(QueueBatch *batch)
{
    if (batch == NULL)
        return;
    if (batch->recipients != &batch->only)
        g_free(batch->recipients);
    g_free(batch);
}

static int compare_arrival(const void *a, const void *b)
{
    const QueueRecipient *const *first = a, *const *second = b;
    return queue_recipient_arrived_before(*first, *second)
               ? -1
               : queue_recipient_arrived_before(*second, *first);
}

/* Takes what is due and may become active, in the order of arrival; returns how many they are. */
static size_t take_all_due(Queue *queue, SimTime now)
{
    size_t count = 0;
    while (queue_next_due_at(queue) <= now) {
        QueueRecipient *recipient = queue_due_first(&queue->due);
        if (count == queue->taken_capacity) {
            queue->taken_capacity = MAX(4, 2 * count);
            queue->taken = g_renew(QueueRecipient *, queue->taken, queue->taken_capacity);
        }
        queue->taken[count++] = recipient;
        queue_due_remove(&queue->due, recipient);
        queue_set_state(queue_recipient_entry(recipient), recipient->index, QUEUE_ACTIVE);
    }
    if (count > 1)
        qsort(queue->taken, count, sizeof(QueueRecipient *), compare_arrival);
    return count;
}

static QueueBatch *batch_new(QueueEntry *entry, const char *domain)
{
    QueueBatch *batch = g_new(QueueBatch, 1);
    *batch = (QueueBatch){.entry = entry, .domain = domain, .recipients = &batch->only};
    return batch;
}

static void batch_add(QueueBatch *batch, size_t recipient)
{
    size_t count = batch->count;
    if (count > 0 && (count & (count - 1)) == 0) {
        batch->recipients = g_renew(size_t, count > 1 ? batch->recipients : NULL, 2 * count);
        batch->recipients[0] = count > 1 ? batch->recipients[0] : batch->only;
    }
    batch->recipients[batch->count++] = recipient;
}

/* The batch for this entry and domain that has room, among those from `first` on; NULL: none has.
 * Behind those of other entries are those of this one. */
static QueueBatch *find_batch(QueueBatch *first, const QueueEntry *entry, const char *domain)
{
    QueueBatch *found = NULL;
    for (QueueBatch *batch = first; batch != NULL; batch = batch->after) {
        if (batch->entry == entry && batch->count < QUEUE_BATCH_MAX &&
            g_ascii_strcasecmp(batch->domain, domain) == 0)
            found = batch;
    }
    return found;
}

QueueBatch *queue_take_due(Queue *queue, SimTime now)
{
    size_t count = take_all_due(queue, now);
    QueueBatch *first = NULL, *last = NULL;
    QueueBatch *of_entry = NULL; /* the first of the present entry */
    for (size_t i = 0; i < count; i++) {
        const QueueRecipient *recipient = queue->taken[i];
        QueueEntry *entry = queue_recipient_entry(recipient);
        const char *address = entry->envelope->recipients[recipient->index].address;
        const char *domain = address_text_peek_domain(address);
        if (of_entry != NULL && of_entry->entry != entry)
            of_entry = NULL;
        QueueBatch *batch = find_batch(of_entry, entry, domain);
        if (batch == NULL) {
            batch = batch_new(entry, domain);
            if (last != NULL)
                last->after = batch;
            else
                first = batch;
            last = batch;
            of_entry = of_entry != NULL ? of_entry : batch;
        }
        batch_add(batch, recipient->index);
    }
    return first;
}

void queue_activate(const QueueBatch *batch)
{
    QueueEntry *entry = batch->entry;
    Queue *queue = entry->queue;
    for (size_t i = 0; i < batch->count; i++) {
        size_t recipient = batch->recipients[i];
        queue_entry_resume(entry, recipient);
        TRACE(queue->trace, queue->host, QUEUE_ACTIVATE, 0, .entry = queue_entry_id(entry),
              .mail = queue_entry_mail(entry),
              .recipient = entry->envelope->recipients[recipient].address,
              .destination = batch->domain);
    }
}

/* ---- What the administrator does ---- */

static void note_hold(QueueEntry *entry, SpoolOutcomeKind kind)
{
    spool_note(entry->queue->spool, queue_entry_id(entry), 0, (SpoolOutcome){.kind = kind},
               (DiskDone){0});
}

bool queue_hold(QueueEntry *entry)
{
    Queue *queue = entry->queue;
    if (entry->is_held || entry->waiting_count == 0)
        return false;
    for (size_t i = 0; i < entry->envelope->recipient_count; i++) {
        if (entry->recipients[i].state == QUEUE_WAITING)
            queue_due_remove(&queue->due, &entry->recipients[i]);
    }
    entry->is_held = true;
    TRACE(queue->trace, queue->host, QUEUE_HOLD, 0, .entry = queue_entry_id(entry),
          .mail = queue_entry_mail(entry));
    note_hold(entry, SPOOL_HELD);
    return true;
}

bool queue_release(QueueEntry *entry)
{
    Queue *queue = entry->queue;
    SimTime now = simulator_now(queue->simulator);
    if (!entry->is_held)
        return false;
    entry->is_held = false;
    TRACE(queue->trace, queue->host, QUEUE_RELEASE, 0, .entry = queue_entry_id(entry),
          .mail = queue_entry_mail(entry));
    for (size_t i = 0; i < entry->envelope->recipient_count; i++) {
        if (entry->recipients[i].state == QUEUE_WAITING)
            queue_entry_wait(entry, i, MAX(entry->recipients[i].next_attempt_at, now));
    }
    note_hold(entry, SPOOL_RELEASED);
    return true;
}

/* Whether the recipient waits for its time, and is for the domain. */
static bool is_to_flush(const QueueEntry *entry, size_t i, const char *domain, SimTime now)
{
    const char *address = entry->envelope->recipients[i].address;
    return !entry->is_held && entry->recipients[i].state == QUEUE_WAITING &&
           entry->recipients[i].next_attempt_at > now &&
           (domain == NULL || g_ascii_strcasecmp(address_text_peek_domain(address), domain) == 0);
}

size_t queue_flush(Queue *queue, const char *domain)
{
    SimTime now = simulator_now(queue->simulator);
    size_t count = 0;
    g_autoptr(GPtrArray) entries = queue_list(queue);
    for (guint e = 0; e < entries->len; e++) {
        const QueueEntry *entry = entries->pdata[e];
        for (size_t i = 0; i < entry->envelope->recipient_count; i++)
            count += is_to_flush(entry, i, domain, now);
    }
    TRACE(queue->trace, queue->host, QUEUE_FLUSH, 0, .domain = domain, .recipients = count);
    for (guint e = 0; e < entries->len; e++) {
        QueueEntry *entry = entries->pdata[e];
        for (size_t i = 0; i < entry->envelope->recipient_count; i++) {
            if (!is_to_flush(entry, i, domain, now))
                continue;
            queue_due_remove(&queue->due, &entry->recipients[i]);
            queue_entry_wait(entry, i, now);
        }
    }
    return count;
}

/* ---- Looking ---- */

size_t queue_length(const Queue *queue)
{
    return table_count(&queue->by_id);
}

QueueEntry *queue_find(const Queue *queue, const char *id)
{
    TableProbe probe = table_probe(&queue->by_id, table_hash(id, strlen(id)));
    QueueEntry *entry;
    while ((entry = table_next(&queue->by_id, &probe)) != NULL &&
           strcmp(queue_entry_id(entry), id) != 0)
        continue;
    return entry;
}

static int compare_serials(const void *a, const void *b)
{
    const QueueEntry *const *first = a, *const *second = b;
    return (*first)->serial < (*second)->serial ? -1 : (*first)->serial > (*second)->serial;
}

GPtrArray *queue_list(const Queue *queue)
{
    GPtrArray *entries = g_ptr_array_sized_new((guint)queue_length(queue));
    size_t at = 0;
    for (QueueEntry *entry; (entry = table_each(&queue->by_id, &at)) != NULL;)
        g_ptr_array_add(entries, entry);
    g_ptr_array_sort(entries, compare_serials);
    return entries;
}
