/* How many messages are in which state of a server's queue at a time that somebody asked for. Only
 * the queues of such servers are followed. See facts.h. */
#include "audit/facts_internal.h"

#include "core/check.h"

#include <string.h>

/* ---- States ---- */

static void entry_state_free(void *pointer)
{
    EntryState *state = pointer;
    g_hash_table_unref(state->active);
    g_free(state);
}

static EntryState *entry_state_new(void)
{
    EntryState *state = g_new0(EntryState, 1);
    state->active = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    return state;
}

static FactsQueue queue_of(const EntryState *state)
{
    return g_hash_table_size(state->active) > 0 ? FACTS_QUEUE_ACTIVE
           : state->is_held                     ? FACTS_QUEUE_HOLD
           : state->was_attempted               ? FACTS_QUEUE_DEFERRED
                                                : FACTS_QUEUE_INCOMING;
}

static uint64_t *counts_of(Facts *facts, NodeId node)
{
    return &g_array_index(facts->queue_counts, uint64_t, node * FACTS_QUEUES);
}

/* Puts the entry into the counts, or takes it out. */
static void count(uint64_t *counts, const EntryState *state, bool is_more)
{
    if (!state->is_in)
        return;
    counts[FACTS_QUEUE_ALL] += is_more ? 1 : UINT64_MAX;
    counts[queue_of(state)] += is_more ? 1 : UINT64_MAX;
}

static const char *text_of(const TraceRecord *record, const char *key)
{
    const TraceFieldInfo *field = trace_kind_field(record->kind, key);
    return field != NULL ? *(const TraceField_TEXT *)(const void *)((const char *)record->fields +
                                                                    field->offset)
                         : NULL;
}

/* What the record makes of its entry; the kinds not named here change nothing. */
static void change(EntryState *state, const TraceRecord *record)
{
    switch ((int)record->kind) {
    case TRACE_QUEUE_ENTER:
    case TRACE_QUEUE_RECOVER:
        state->is_in = true;
        break;
    case TRACE_QUEUE_HOLD:
    case TRACE_QUEUE_RELEASE:
        state->is_held = record->kind == TRACE_QUEUE_HOLD;
        break;
    case TRACE_QUEUE_ACTIVATE:
    case TRACE_QUEUE_ATTEMPT:
        g_hash_table_add(state->active, g_strdup(text_of(record, "recipient")));
        break;
    case TRACE_QUEUE_DEFER:
    case TRACE_MAIL_RELAYED:
    case TRACE_MAIL_DELIVERED:
    case TRACE_MAIL_BOUNCED:
    case TRACE_MAIL_DISCARDED:
        g_hash_table_remove(state->active, text_of(record, "recipient"));
        state->was_attempted = true;
        break;
    }
}

static void note_entry(Facts *facts, GHashTable *entries, const TraceRecord *record)
{
    const char *id = text_of(record, "entry");
    EntryState *state = id != NULL ? g_hash_table_lookup(entries, id) : NULL;
    bool is_in = record->kind == TRACE_QUEUE_ENTER || record->kind == TRACE_QUEUE_RECOVER;
    if (state == NULL && is_in) {
        state = entry_state_new();
        g_hash_table_insert(entries, g_strdup(id), state);
    }
    if (state == NULL)
        return;
    count(counts_of(facts, record->node), state, false);
    if (record->kind == TRACE_QUEUE_REMOVE) {
        g_hash_table_remove(entries, id);
        return;
    }
    change(state, record);
    count(counts_of(facts, record->node), state, true);
}

/* A program that ends attempts nothing any more. When it starts it tells what it finds on its disk:
 * until then nothing is in its queue. */
static void note_life(Facts *facts, GHashTable *entries, const TraceRecord *record)
{
    GHashTableIter iter;
    void *state;
    uint64_t *counts = counts_of(facts, record->node);
    memset(counts, 0, sizeof(uint64_t[FACTS_QUEUES]));
    g_hash_table_iter_init(&iter, entries); /* in any order: they are counted */
    while (g_hash_table_iter_next(&iter, NULL, &state)) {
        g_hash_table_remove_all(((EntryState *)state)->active);
        if (record->kind == TRACE_HOST_RESTART)
            ((EntryState *)state)->is_in = false;
        count(counts, state, true);
    }
}

/* ---- Watches ---- */

void facts_init_queues(Facts *facts)
{
    facts->queue_watches = g_array_new(FALSE, FALSE, sizeof(QueueWatch));
    facts->entry_states = g_ptr_array_new();
    facts->queue_counts = g_array_new(FALSE, TRUE, sizeof(uint64_t));
}

void facts_clear_queues(Facts *facts)
{
    for (guint i = 0; i < facts->entry_states->len; i++) {
        if (facts->entry_states->pdata[i] != NULL)
            g_hash_table_unref(facts->entry_states->pdata[i]);
    }
    g_ptr_array_unref(facts->entry_states);
    g_array_unref(facts->queue_counts);
    g_array_unref(facts->queue_watches);
}

size_t facts_watch_queue(Facts *facts, const char *host, FactsQueue queue, SimTime time)
{
    QueueWatch watch = {.queue = queue, .time = time};
    while (strcmp(simulator_node_name(facts->simulator, watch.node), host) != 0) {
        watch.node++;
        CHECK(watch.node < facts_host_count(facts));
    }
    if (watch.node >= facts->entry_states->len) {
        g_ptr_array_set_size(facts->entry_states, (gint)watch.node + 1);
        g_array_set_size(facts->queue_counts, (watch.node + 1) * FACTS_QUEUES);
    }
    if (facts->entry_states->pdata[watch.node] == NULL)
        facts->entry_states->pdata[watch.node] =
            g_hash_table_new_full(g_str_hash, g_str_equal, g_free, entry_state_free);
    g_array_append_val(facts->queue_watches, watch);
    return facts->queue_watches->len - 1;
}

uint64_t facts_queue_at(const Facts *facts, size_t watch)
{
    return g_array_index(facts->queue_watches, QueueWatch, watch).value;
}

void facts_note_queue(Facts *facts, const TraceRecord *record)
{
    TraceKind kind = record->kind;
    GHashTable *entries =
        record->node < facts->entry_states->len ? facts->entry_states->pdata[record->node] : NULL;
    if (entries == NULL || trace_kind_info(kind)->level != TRACE_LEVEL_MAIL)
        return;
    if (kind == TRACE_HOST_CRASH || kind == TRACE_HOST_POWER_OFF || kind == TRACE_HOST_RESTART)
        note_life(facts, entries, record);
    else
        note_entry(facts, entries, record);
    for (guint i = 0; i < facts->queue_watches->len; i++) {
        QueueWatch *watch = &g_array_index(facts->queue_watches, QueueWatch, i);
        if (watch->node == record->node && record->time <= watch->time)
            watch->value = counts_of(facts, record->node)[watch->queue];
    }
}
