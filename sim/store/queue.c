/* The message queue. See queue.h for the order of steps and why.
 *
 * Each waiting recipient stands in a tree by the time of its next attempt, so that what is due is
 * found without looking at the rest. */
#include "store/queue.h"

#include "core/check.h"
#include "mail/address.h"
#include "store/mail_name.h"

#include <string.h>

/* An entry and what only the queue knows of it. */
typedef struct Item {
    QueueEntry entry;
    uint64_t serial;  /* counts the entries; the order of arrival */
    QueueAdded added; /* until it has been told */
    GList link;       /* in queue->adding or queue->items */
} Item;

/* A recipient waiting for its time; the tree's key. */
typedef struct Due {
    SimTime at;
    Item *item;
    size_t recipient;
} Due;

struct Queue {
    Trace *trace;
    Simulator *simulator;
    NodeId host;
    Spool *spool;
    RetrySchedule schedule;
    size_t active_limit, active_count; /* messages */
    Random jitter;
    uint64_t serials;
    GQueue adding;     /* Item: not yet durable */
    GQueue items;      /* Item, in order of arrival */
    GHashTable *by_id; /* id -> Item, of `items` */
    GTree *due;        /* Due */
};

/* ---- States ---- */

/* Through which each recipient's state changes. */
static void set_state(QueueEntry *entry, size_t i, QueueRecipientState state)
{
    QueueRecipient *recipient = &entry->recipients[i];
    bool was_active = entry->active_count > 0;
    entry->active_count += (state == QUEUE_ACTIVE) - (size_t)(recipient->state == QUEUE_ACTIVE);
    entry->waiting_count -= state == QUEUE_DONE && recipient->state != QUEUE_DONE;
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
        if (recipient->state == QUEUE_DONE || recipient->retry.attempts > 0)
            return QUEUE_STATE_DEFERRED;
    }
    return QUEUE_STATE_INCOMING;
}

/* ---- The tree of what is due ---- */

static int compare_arrival(const Due *a, const Due *b)
{
    if (a->item->serial != b->item->serial)
        return a->item->serial < b->item->serial ? -1 : 1;
    return a->recipient < b->recipient ? -1 : a->recipient > b->recipient;
}

static int compare_due(const void *a, const void *b, void *unused)
{
    const Due *first = a, *second = b;
    (void)unused;
    if (first->at != second->at)
        return first->at < second->at ? -1 : 1;
    return compare_arrival(first, second);
}

/* What is on hold stands not in the tree. */
static void item_wait(Item *item, size_t i, SimTime next_at)
{
    Due due = {next_at, item, i};
    Queue *queue = item->entry.queue;
    set_state(&item->entry, i, QUEUE_WAITING);
    item->entry.recipients[i].next_attempt_at = next_at;
    item->entry.recipients[i].wait_cause = *simulator_cause(queue->simulator);
    if (!item->entry.is_held)
        g_tree_insert(queue->due, g_memdup2(&due, sizeof due), NULL);
}

static void item_stop_waiting(Item *item, size_t i)
{
    Due due = {item->entry.recipients[i].next_attempt_at, item, i};
    g_tree_remove(item->entry.queue->due, &due);
}

static const Due *first_due(const Queue *queue)
{
    GTreeNode *node = g_tree_node_first(queue->due);
    return node != NULL ? g_tree_node_key(node) : NULL;
}

/* A message that is active already may have more of its recipients attempted. */
static bool may_activate(const Queue *queue, const Due *due)
{
    return queue->active_count < queue->active_limit || due->item->entry.active_count > 0;
}

SimTime queue_next_due_at(const Queue *queue)
{
    const Due *due = first_due(queue);
    return due != NULL && may_activate(queue, due) ? due->at : SIM_NEVER;
}

/* ---- Items ---- */

/* Takes `envelope` and `message` over. The recipients and the names lie behind the item. */
static Item *item_new(Queue *queue, const char *id, Envelope *envelope, GBytes *message,
                      SimTime arrived_at)
{
    g_autofree char *mail = mail_name_of(message);
    size_t count = envelope->recipient_count;
    size_t id_size = strlen(id) + 1, mail_size = strlen(mail) + 1;
    size_t recipients_size = count * sizeof(QueueRecipient);
    Item *item = g_malloc0(sizeof *item + recipients_size + id_size + mail_size);
    QueueRecipient *recipients = (QueueRecipient *)(void *)(item + 1);
    char *names = (char *)(recipients + count);
    memcpy(names, id, id_size);
    memcpy(names + id_size, mail, mail_size);
    item->entry = (QueueEntry){
        .queue = queue,
        .id = names,
        .mail = names + id_size,
        .envelope = envelope,
        .message = message,
        .arrived_at = arrived_at,
        .recipients = recipients,
        .waiting_count = count,
    };
    for (size_t i = 0; i < count; i++) {
        recipients[i].retry = retry_state_new(arrived_at);
        recipients[i].reason = g_ref_string_new_intern("");
    }
    item->serial = ++queue->serials;
    item->link.data = item;
    return item;
}

static void item_free(Item *item)
{
    QueueEntry *entry = &item->entry;
    for (size_t i = 0; i < entry->envelope->recipient_count; i++)
        g_ref_string_release(entry->recipients[i].reason);
    envelope_free(entry->envelope);
    g_bytes_unref(entry->message);
    g_free(item);
}

static void item_enter(Item *item)
{
    Queue *queue = item->entry.queue;
    g_queue_push_tail_link(&queue->items, &item->link);
    g_hash_table_insert(queue->by_id, (char *)item->entry.id, item);
}

static void items_free(GQueue *items)
{
    GList *link;
    while ((link = g_queue_pop_head_link(items)) != NULL)
        item_free(link->data);
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
    g_queue_init(&queue->adding);
    g_queue_init(&queue->items);
    queue->by_id = g_hash_table_new(g_str_hash, g_str_equal);
    queue->due = g_tree_new_full(compare_due, NULL, g_free, NULL);
    return queue;
}

void queue_free(Queue *queue)
{
    g_tree_destroy(queue->due);
    g_hash_table_destroy(queue->by_id);
    items_free(&queue->adding);
    items_free(&queue->items);
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
static void accept_item(Item *item)
{
    const QueueEntry *entry = &item->entry;
    const Queue *queue = entry->queue;
    TRACE(queue->trace, queue->host, QUEUE_ENTER, 0, .entry = entry->id, .mail = entry->mail,
          .recipients = entry->envelope->recipient_count, .length = queue_length(queue),
          .expires_at = expires_at(entry));
    Cause entered = *simulator_cause(queue->simulator);
    for (size_t i = 0; i < entry->envelope->recipient_count; i++) {
        *simulator_cause(queue->simulator) = entered;
        TRACE(queue->trace, queue->host, MAIL_ACCEPTED, 0, .mail = entry->mail,
              .recipient = entry->envelope->recipients[i].address,
              .sender = entry->envelope->reverse_path, .entry = entry->id,
              .origin = entry->envelope->origin.entry, .size = g_bytes_get_size(entry->message));
        item_wait(item, i, simulator_now(queue->simulator));
    }
}

static void on_added(void *owner, DiskResult result)
{
    Item *item = owner;
    Queue *queue = item->entry.queue;
    QueueAdded added = item->added;
    QueueEntry *entry = NULL;
    g_queue_unlink(&queue->adding, &item->link);
    if (result == DISK_OK) {
        entry = &item->entry;
        item_enter(item);
        accept_item(item);
    } else {
        item_free(item);
    }
    if (added.done != NULL)
        added.done(added.owner, entry, result);
}

void queue_add(Queue *queue, const Envelope *envelope, GBytes *message, QueueAdded added)
{
    SpoolId id = spool_take_id(queue->spool);
    SimTime now = simulator_now(queue->simulator);
    CHECK(envelope->recipient_count > 0);
    Item *item = item_new(queue, id.text, envelope_copy(envelope), g_bytes_ref(message), now);
    item->added = added;
    g_queue_push_tail_link(&queue->adding, &item->link);
    spool_add(queue->spool, id.text, envelope, message, now, (DiskDone){on_added, item});
}

static void recover_recipient(Item *item, size_t i, const SpoolRecipient *found)
{
    QueueRecipient *recipient = &item->entry.recipients[i];
    recipient->retry = found->retry;
    recipient->is_warned = found->is_warned;
    if (found->is_done)
        set_state(&item->entry, i, QUEUE_DONE);
    else
        item_wait(item, i, MAX(found->next_at, simulator_now(item->entry.queue->simulator)));
}

static void recover_entry(Queue *queue, SpoolEntry *found)
{
    Item *item = item_new(queue, found->id, g_steal_pointer(&found->envelope),
                          g_bytes_ref(found->message), found->arrived_at);
    item->entry.is_held = found->is_held;
    item->entry.is_recovered = true;
    for (size_t i = 0; i < item->entry.envelope->recipient_count; i++)
        recover_recipient(item, i, &found->recipients[i]);
    item_enter(item);
    TRACE(queue->trace, queue->host, QUEUE_RECOVER, 0, .entry = item->entry.id,
          .mail = item->entry.mail, .recipients = item->entry.waiting_count,
          .length = queue_length(queue), .expires_at = expires_at(&item->entry),
          .origin = item->entry.envelope->origin.entry);
    for (size_t i = 0; i < item->entry.envelope->recipient_count; i++)
        item->entry.recipients[i].wait_cause = *simulator_cause(queue->simulator);
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

static int compare_arrival_of(const void *a, const void *b)
{
    return compare_arrival(a, b);
}

void queue_batch_free(QueueBatch *batch)
{
    if (batch == NULL)
        return;
    g_free(batch->recipients);
    g_free(batch);
}

static void batch_free(void *batch)
{
    queue_batch_free(batch);
}

/* Takes out of the tree what is due and may become active, in the order of arrival. */
static GArray *take_all_due(Queue *queue, SimTime now)
{
    GArray *taken = g_array_new(FALSE, FALSE, sizeof(Due));
    while (queue_next_due_at(queue) <= now) {
        Due due = *first_due(queue);
        g_array_append_val(taken, due);
        g_tree_remove(queue->due, &due);
        set_state(&due.item->entry, due.recipient, QUEUE_ACTIVE);
    }
    g_array_sort(taken, compare_arrival_of);
    return taken;
}

/* The batch for this entry and domain among the last ones that has room, or a new one. */
static QueueBatch *find_batch(GPtrArray *batches, QueueEntry *entry, const char *domain)
{
    for (guint i = batches->len; i-- > 0;) {
        QueueBatch *batch = batches->pdata[i];
        if (batch->entry != entry)
            break;
        if (g_ascii_strcasecmp(batch->domain, domain) == 0 && batch->count < QUEUE_BATCH_MAX)
            return batch;
    }
    QueueBatch *batch = g_new0(QueueBatch, 1);
    *batch = (QueueBatch){.entry = entry, .domain = domain};
    g_ptr_array_add(batches, batch);
    return batch;
}

static void batch_add(QueueBatch *batch, size_t recipient)
{
    if ((batch->count & (batch->count - 1)) == 0)
        batch->recipients = g_renew(size_t, batch->recipients, MAX(2 * batch->count, 1));
    batch->recipients[batch->count++] = recipient;
}

GPtrArray *queue_take_due(Queue *queue, SimTime now)
{
    GPtrArray *batches = g_ptr_array_new_with_free_func(batch_free);
    g_autoptr(GArray) taken = take_all_due(queue, now);
    for (guint i = 0; i < taken->len; i++) {
        const Due *due = &g_array_index(taken, Due, i);
        QueueEntry *entry = &due->item->entry;
        const char *address = entry->envelope->recipients[due->recipient].address;
        batch_add(find_batch(batches, entry, address_text_peek_domain(address)), due->recipient);
    }
    return batches;
}

void queue_activate(QueueBatch *batch)
{
    QueueEntry *entry = batch->entry;
    Queue *queue = entry->queue;
    batch->has_waited = true;
    for (size_t i = 0; i < batch->count; i++) {
        size_t recipient = batch->recipients[i];
        *simulator_cause(queue->simulator) = entry->recipients[recipient].wait_cause;
        TRACE(queue->trace, queue->host, QUEUE_ACTIVATE, 0, .entry = entry->id, .mail = entry->mail,
              .recipient = entry->envelope->recipients[recipient].address,
              .destination = batch->domain);
    }
}

/* ---- What the administrator does ---- */

static void note_hold(QueueEntry *entry, SpoolOutcomeKind kind)
{
    spool_note(entry->queue->spool, entry->id, 0, (SpoolOutcome){.kind = kind}, (DiskDone){0});
}

bool queue_hold(QueueEntry *entry)
{
    Queue *queue = entry->queue;
    if (entry->is_held || entry->waiting_count == 0)
        return false;
    for (size_t i = 0; i < entry->envelope->recipient_count; i++) {
        if (entry->recipients[i].state == QUEUE_WAITING)
            item_stop_waiting((Item *)entry, i);
    }
    entry->is_held = true;
    TRACE(queue->trace, queue->host, QUEUE_HOLD, 0, .entry = entry->id, .mail = entry->mail);
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
    TRACE(queue->trace, queue->host, QUEUE_RELEASE, 0, .entry = entry->id, .mail = entry->mail);
    for (size_t i = 0; i < entry->envelope->recipient_count; i++) {
        if (entry->recipients[i].state == QUEUE_WAITING)
            item_wait((Item *)entry, i, MAX(entry->recipients[i].next_attempt_at, now));
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
    for (QueueEntry *entry = queue_first(queue); entry != NULL; entry = queue_next(entry))
        for (size_t i = 0; i < entry->envelope->recipient_count; i++)
            count += is_to_flush(entry, i, domain, now);
    TRACE(queue->trace, queue->host, QUEUE_FLUSH, 0, .domain = domain, .recipients = count);
    for (QueueEntry *entry = queue_first(queue); entry != NULL; entry = queue_next(entry)) {
        for (size_t i = 0; i < entry->envelope->recipient_count; i++) {
            if (!is_to_flush(entry, i, domain, now))
                continue;
            item_stop_waiting((Item *)entry, i);
            item_wait((Item *)entry, i, now);
        }
    }
    return count;
}

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
    Item *item = owner;
    Queue *queue = item->entry.queue;
    CHECK(result != DISK_NO_FILE); /* what a failing disk keeps is the spool's to remove */
    g_queue_unlink(&queue->items, &item->link);
    g_hash_table_remove(queue->by_id, item->entry.id);
    TRACE(queue->trace, queue->host, QUEUE_REMOVE, 0, .entry = item->entry.id,
          .mail = item->entry.mail, .length = queue_length(queue));
    item_free(item);
}

/* After the record, so that the record is what sets the disk's steps off. */
static void finish_recipient(QueueEntry *entry, size_t i, SpoolOutcome outcome)
{
    Queue *queue = entry->queue;
    set_state(entry, i, QUEUE_DONE);
    spool_note(queue->spool, entry->id, i, outcome, (DiskDone){0});
    if (entry->waiting_count == 0)
        spool_remove(queue->spool, entry->id, (DiskDone){on_removed, (Item *)entry});
}

bool queue_read_fails(const QueueEntry *entry)
{
    return spool_read_fails(entry->queue->spool, entry->id);
}

void queue_begin_attempt(QueueEntry *entry, size_t i, const char *transport,
                         const char *destination)
{
    const QueueRecipient *recipient = active_recipient(entry, i);
    *simulator_cause(entry->queue->simulator) = recipient->wait_cause;
    TRACE(entry->queue->trace, entry->queue->host, QUEUE_ATTEMPT, 0, .entry = entry->id,
          .mail = entry->mail, .recipient = address_of(entry, i),
          .attempt = (uint64_t)recipient->retry.attempts + 1, .transport = transport,
          .destination = destination);
}

void queue_relayed(QueueEntry *entry, size_t i, const char *next, Span reply, uint64_t because)
{
    active_recipient(entry, i);
    TRACE(entry->queue->trace, entry->queue->host, MAIL_RELAYED, because, .mail = entry->mail,
          .recipient = address_of(entry, i), .entry = entry->id, .next = next, .reply = reply);
    finish_recipient(entry, i, (SpoolOutcome){.kind = SPOOL_RELAYED});
}

void queue_delivered(QueueEntry *entry, size_t i, uint32_t uid, const char *found)
{
    active_recipient(entry, i);
    TRACE(entry->queue->trace, entry->queue->host, MAIL_DELIVERED, 0, .mail = entry->mail,
          .recipient = address_of(entry, i), .entry = entry->id, .uid = uid, .found = found);
    finish_recipient(entry, i, (SpoolOutcome){.kind = SPOOL_DELIVERED});
}

void queue_bounced(QueueEntry *entry, size_t i, const char *bounce, const char *status, Span reason,
                   uint64_t because)
{
    active_recipient(entry, i);
    TRACE(entry->queue->trace, entry->queue->host, MAIL_BOUNCED, because, .mail = entry->mail,
          .recipient = address_of(entry, i), .entry = entry->id, .bounce = bounce, .status = status,
          .reason = reason);
    finish_recipient(entry, i, (SpoolOutcome){.kind = SPOOL_BOUNCED});
}

void queue_reported(QueueEntry *entry, size_t i, const char *notice, uint64_t because)
{
    active_recipient(entry, i);
    TRACE(entry->queue->trace, entry->queue->host, MAIL_REPORTED, because, .mail = entry->mail,
          .recipient = address_of(entry, i), .entry = entry->id, .notice = notice);
}

void queue_discarded(QueueEntry *entry, size_t i, const char *rule, uint64_t because)
{
    active_recipient(entry, i);
    TRACE(entry->queue->trace, entry->queue->host, MAIL_DISCARDED, because, .mail = entry->mail,
          .recipient = address_of(entry, i), .entry = entry->id, .rule = rule);
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
    const Origin *origin = &into->envelope->origin;
    active_recipient(entry, i);
    CHECK(strcmp(origin->entry, entry->id) == 0 && origin->recipient == i);
    g_autofree char *to = join_recipients(into->envelope);
    TRACE(entry->queue->trace, entry->queue->host, MAIL_EXPANDED, 0, .mail = entry->mail,
          .recipient = address_of(entry, i), .entry = entry->id, .how = origin->how,
          .into = into->id, .to = to, .count = into->envelope->recipient_count,
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
    for (const QueueEntry *into = queue_first(queue); into != NULL; into = queue_next(into)) {
        const Origin *origin = &into->envelope->origin;
        QueueEntry *entry = origin->entry != NULL ? queue_find(queue, origin->entry) : NULL;
        if (entry == NULL || origin->recipient >= entry->envelope->recipient_count ||
            entry->recipients[origin->recipient].state != QUEUE_WAITING)
            continue;
        item_stop_waiting((Item *)entry, origin->recipient);
        set_state(entry, origin->recipient, QUEUE_ACTIVE);
        *cause = entry->recipients[origin->recipient].wait_cause;
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
    TRACE(entry->queue->trace, entry->queue->host, MAIL_EXPIRED, because, .mail = entry->mail,
          .recipient = address_of(entry, i), .entry = entry->id, .reason = reason);
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
    SimTime next_at = retry_schedule_next(&queue->schedule, &recipient->retry, now, draw);
    TRACE(queue->trace, queue->host, QUEUE_DEFER, because, .entry = entry->id, .mail = entry->mail,
          .recipient = address_of(entry, i), .reason = reason, .next_at = next_at);
    item_wait((Item *)entry, i, next_at);
    SpoolOutcome outcome = {.kind = SPOOL_DEFERRED, .retry = recipient->retry, .next_at = next_at};
    spool_note(queue->spool, entry->id, i, outcome, (DiskDone){0});
    bool is_late = now >= retry_schedule_warn_at(&queue->schedule, entry->arrived_at);
    return is_late && !recipient->is_warned ? QUEUE_DEFERRED_WARN : QUEUE_DEFERRED;
}

void queue_untold(QueueEntry *entry, size_t i, const char *bounce, Span reason, SimTime next_at,
                  uint64_t because)
{
    set_reason(active_recipient(entry, i), reason);
    TRACE(entry->queue->trace, entry->queue->host, MAIL_UNTOLD, because, .mail = entry->mail,
          .recipient = address_of(entry, i), .entry = entry->id, .bounce = bounce, .reason = reason,
          .next_at = next_at);
}

void queue_warned(QueueEntry *entry, size_t i, const char *warning, uint64_t because)
{
    Queue *queue = entry->queue;
    CHECK(i < entry->envelope->recipient_count && entry->recipients[i].state != QUEUE_DONE);
    entry->recipients[i].is_warned = true;
    TRACE(queue->trace, queue->host, MAIL_DELAYED, because, .mail = entry->mail,
          .recipient = address_of(entry, i), .entry = entry->id, .warning = warning);
    spool_note(queue->spool, entry->id, i, (SpoolOutcome){.kind = SPOOL_WARNED}, (DiskDone){0});
}

/* ---- Looking ---- */

size_t queue_length(const Queue *queue)
{
    return queue->items.length;
}

QueueEntry *queue_find(const Queue *queue, const char *id)
{
    Item *item = g_hash_table_lookup(queue->by_id, id);
    return item != NULL ? &item->entry : NULL;
}

QueueEntry *queue_first(const Queue *queue)
{
    Item *item = g_queue_peek_head((GQueue *)&queue->items);
    return item != NULL ? &item->entry : NULL;
}

QueueEntry *queue_next(const QueueEntry *entry)
{
    const GList *link = ((const Item *)entry)->link.next;
    return link != NULL ? &((Item *)link->data)->entry : NULL;
}
