/* Attempts that fail alike, folded. See timeline_fold.h. */
#include "export/timeline_fold.h"

#include "export/timeline.h"

#include <string.h>

enum {
    TIMES_SHOWN = 6,         /* of folded attempts */
    HELD_BACK_MAXIMUM = 4096 /* events; then the oldest attempt is shown as it is */
};

/* One attempt for one recipient. */
typedef struct Attempt {
    char *key;        /* host, entry and recipient */
    GString *outline; /* what it did, without what differs from attempt to attempt */
    bool is_open;
    bool has_failed; /* it ended with queue.defer */
    bool is_folded;  /* not to be shown; known once its first event comes to the front */
    unsigned held;   /* events of it that are held back */
} Attempt;

/* What is known of the attempts for one recipient. */
typedef struct History {
    char *outline; /* of the last one */
    char *whom;    /* "lunch to bob@b.example" */
    NodeId node;
    unsigned folded; /* since the last one that was shown */
    SimTime times[TIMES_SHOWN], last;
} History;

typedef struct Held {
    TimelineEvent *event;
    Attempt *attempt; /* or NULL */
} Held;

struct TimelineFold {
    TraceLevel level;
    TimelineReceiver receiver;
    GQueue held;           /* Held */
    GPtrArray *open;       /* Attempt, in order of their beginning */
    GHashTable *members;   /* seq of a record -> Attempt that is open */
    GHashTable *histories; /* key -> History */
    GPtrArray *ordered;    /* History, in order of appearance */
};

static void attempt_free(Attempt *attempt)
{
    g_free(attempt->key);
    g_string_free(attempt->outline, TRUE);
    g_free(attempt);
}

static void history_free(gpointer data)
{
    History *history = data;
    g_free(history->outline);
    g_free(history->whom);
    g_free(history);
}

TimelineFold *timeline_fold_new(TraceLevel level, TimelineReceiver receiver)
{
    TimelineFold *fold = g_new0(TimelineFold, 1);
    fold->level = level;
    fold->receiver = receiver;
    g_queue_init(&fold->held);
    fold->open = g_ptr_array_new();
    fold->members = g_hash_table_new_full(g_int64_hash, g_int64_equal, g_free, NULL);
    fold->histories = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, history_free);
    fold->ordered = g_ptr_array_new();
    return fold;
}

/* ---- Giving events ---- */

static void put_times(const History *history, GString *text)
{
    for (unsigned i = 0; i < MIN(history->folded, TIMES_SHOWN); i++) {
        g_string_append(text, i == 0 ? ": " : ", ");
        timeline_format_time(history->times[i], 0, text);
    }
    if (history->folded > TIMES_SHOWN) {
        g_string_append(text, history->folded > TIMES_SHOWN + 1 ? ", ..., " : ", ");
        timeline_format_time(history->last, 0, text);
    }
}

/* Tells of the attempts that were folded, if there are any. */
static void give_folded(TimelineFold *fold, History *history, SimTime now)
{
    if (history->folded == 0)
        return;
    g_autoptr(GString) text = g_string_new(NULL);
    g_string_append_printf(text, "queue: %u more attempt%s for %s, failed likewise",
                           history->folded, history->folded == 1 ? "" : "s", history->whom);
    put_times(history, text);
    TimelineEvent event = {now,          TRACE_QUEUE_DEFER, history->node, TIMELINE_NO_PEER,
                           TIMELINE_BAD, text->str};
    history->folded = 0;
    fold->receiver.receive(fold->receiver.owner, &event);
}

static bool is_like_the_last(TimelineFold *fold, const Attempt *attempt)
{
    const History *history = g_hash_table_lookup(fold->histories, attempt->key);
    return attempt->has_failed && history->outline != NULL &&
           strcmp(history->outline, attempt->outline->str) == 0;
}

/* The attempt's first event has come to the front: fold it, or show it and remember it. */
static void settle(TimelineFold *fold, Attempt *attempt, const TimelineEvent *event)
{
    History *history = g_hash_table_lookup(fold->histories, attempt->key);
    if (is_like_the_last(fold, attempt)) {
        if (history->folded < TIMES_SHOWN)
            history->times[history->folded] = event->time;
        history->folded++;
        history->last = event->time;
        attempt->is_folded = true;
        return;
    }
    give_folded(fold, history, event->time);
    g_free(history->outline);
    history->outline = attempt->has_failed ? g_strdup(attempt->outline->str) : NULL;
}

static void give_first(TimelineFold *fold)
{
    g_autofree Held *held = g_queue_pop_head(&fold->held);
    g_autoptr(TimelineEvent) event = held->event;
    Attempt *attempt = held->attempt;
    if (attempt != NULL && event->kind == TRACE_QUEUE_ATTEMPT)
        settle(fold, attempt, event);
    if (attempt == NULL || !attempt->is_folded)
        fold->receiver.receive(fold->receiver.owner, event);
    if (attempt != NULL && --attempt->held == 0 && !attempt->is_open)
        attempt_free(attempt);
}

/* Gives all up to the first attempt that is still open. */
static void give_settled(TimelineFold *fold)
{
    for (;;) {
        const Held *first = g_queue_peek_head(&fold->held);
        if (first == NULL || (first->attempt != NULL && first->attempt->is_open))
            return;
        give_first(fold);
    }
}

/* ---- Attempts ---- */

static const char *text_or_nothing(const TraceRecord *record, const char *key)
{
    const char *text = timeline_record_text(record, key);
    return text != NULL ? text : "";
}

static char *attempt_key(const TraceRecord *record)
{
    return g_strdup_printf("%" G_GUINT32_FORMAT " %s %s", record->node,
                           text_or_nothing(record, "entry"), text_or_nothing(record, "recipient"));
}

static void add_history(TimelineFold *fold, const TraceRecord *record, const char *key)
{
    if (g_hash_table_contains(fold->histories, key))
        return;
    History *history = g_new0(History, 1);
    history->node = record->node;
    history->whom = g_strdup_printf("%s to %s", text_or_nothing(record, "mail"),
                                    text_or_nothing(record, "recipient"));
    g_hash_table_insert(fold->histories, g_strdup(key), history);
    g_ptr_array_add(fold->ordered, history);
}

static Attempt *open_attempt(TimelineFold *fold, const TraceRecord *record)
{
    Attempt *attempt = g_new0(Attempt, 1);
    attempt->key = attempt_key(record);
    attempt->outline = g_string_new(NULL);
    attempt->is_open = true;
    add_history(fold, record, attempt->key);
    g_ptr_array_add(fold->open, attempt);
    return attempt;
}

static gboolean is_member_of(gpointer seq, gpointer member, gpointer attempt)
{
    (void)seq;
    return member == attempt;
}

static void close_attempt(TimelineFold *fold, Attempt *attempt, bool has_failed)
{
    attempt->is_open = false;
    attempt->has_failed = has_failed;
    g_hash_table_foreach_remove(fold->members, is_member_of, attempt);
    g_ptr_array_remove(fold->open, attempt);
    if (attempt->held == 0)
        attempt_free(attempt);
}

static Attempt *find_open(const TimelineFold *fold, const char *key)
{
    for (guint i = 0; i < fold->open->len; i++) {
        Attempt *attempt = g_ptr_array_index(fold->open, i);
        if (strcmp(attempt->key, key) == 0)
            return attempt;
    }
    return NULL;
}

/* The attempt that the record belongs to: its own, by entry and recipient, or its cause's. */
static Attempt *attempt_of(TimelineFold *fold, const TraceRecord *record)
{
    if (record->kind == TRACE_QUEUE_ATTEMPT)
        return open_attempt(fold, record);
    g_autofree char *key = attempt_key(record);
    Attempt *attempt = find_open(fold, key);
    gint64 cause = (gint64)record->cause.nearest[fold->level];
    return attempt != NULL ? attempt : g_hash_table_lookup(fold->members, &cause);
}

/* What two attempts must share to be alike. Look-ups may be cached or not, times differ. */
static void add_to_outline(Attempt *attempt, const TraceRecord *record, const TimelineEvent *event)
{
    if (record->kind == TRACE_QUEUE_ATTEMPT || event->tone == TIMELINE_DIM)
        return;
    if (record->kind != TRACE_QUEUE_DEFER) {
        g_string_append(attempt->outline, event->text);
        g_string_append_c(attempt->outline, '\n');
        return;
    }
    const TraceFields_QUEUE_DEFER *defer = record->fields;
    g_string_append_len(attempt->outline, (const char *)defer->reason.data,
                        (gssize)defer->reason.length);
}

/* A server that stops takes its attempts with it. */
static void close_all_of(TimelineFold *fold, NodeId node)
{
    for (guint i = fold->open->len; i-- > 0;) {
        Attempt *attempt = g_ptr_array_index(fold->open, i);
        if (g_ascii_strtoull(attempt->key, NULL, 10) == node)
            close_attempt(fold, attempt, false);
    }
}

static bool is_end_of_attempt(TraceKind kind)
{
    return kind == TRACE_QUEUE_DEFER || kind == TRACE_MAIL_RELAYED || kind == TRACE_MAIL_BOUNCED ||
           kind == TRACE_MAIL_DELIVERED || kind == TRACE_MAIL_DISCARDED ||
           kind == TRACE_MAIL_EXPIRED;
}

void timeline_fold_take(TimelineFold *fold, const TraceRecord *record, TimelineEvent *event)
{
    if (record->kind == TRACE_HOST_CRASH || record->kind == TRACE_HOST_POWER_OFF)
        close_all_of(fold, record->node);
    Attempt *attempt = attempt_of(fold, record);
    Held *held = g_new(Held, 1);
    *held = (Held){event, attempt};
    g_queue_push_tail(&fold->held, held);
    if (attempt != NULL) {
        attempt->held++;
        gint64 *seq = g_new(gint64, 1);
        *seq = (gint64)record->seq;
        g_hash_table_insert(fold->members, seq, attempt);
        add_to_outline(attempt, record, event);
        if (is_end_of_attempt(record->kind))
            close_attempt(fold, attempt, record->kind == TRACE_QUEUE_DEFER);
    }
    if (g_queue_get_length(&fold->held) > HELD_BACK_MAXIMUM)
        close_attempt(fold, g_ptr_array_index(fold->open, 0), false);
    give_settled(fold);
}

void timeline_fold_finish(TimelineFold *fold, SimTime now)
{
    while (fold->open->len > 0)
        close_attempt(fold, g_ptr_array_index(fold->open, 0), false);
    give_settled(fold);
    for (guint i = 0; i < fold->ordered->len; i++)
        give_folded(fold, g_ptr_array_index(fold->ordered, i), now);
}

void timeline_fold_free(TimelineFold *fold)
{
    while (fold->open->len > 0)
        close_attempt(fold, g_ptr_array_index(fold->open, 0), false);
    while (!g_queue_is_empty(&fold->held)) {
        g_autofree Held *held = g_queue_pop_head(&fold->held);
        timeline_event_free(held->event);
        if (held->attempt != NULL && --held->attempt->held == 0)
            attempt_free(held->attempt);
    }
    g_ptr_array_unref(fold->open);
    g_hash_table_unref(fold->members);
    g_hash_table_unref(fold->histories);
    g_ptr_array_unref(fold->ordered);
    g_free(fold);
}
