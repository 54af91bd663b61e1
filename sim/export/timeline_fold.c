/* Attempts that fail alike, folded. See timeline_fold.h. */
#include "export/timeline_fold.h"

#include "export/timeline.h"

#include <string.h>

enum {
    TIMES_SHOWN = 6,          /* of folded attempts */
    HELD_BACK_MAXIMUM = 4096, /* events; then the oldest attempt is shown as it is */
    TAILS_MAXIMUM = 64        /* attempts that are over, and their connections perhaps not */
};

/* An attempt that has failed still closes its connection, or it is used for the next message. */
typedef enum Stage { STAGE_OPEN, STAGE_TAIL, STAGE_GONE } Stage;

/* One attempt of a server for one recipient, or of an agent for one message. */
typedef struct Attempt {
    char *key;        /* host, entry and recipient; of an agent host and message */
    GString *outline; /* what it did, without what differs from attempt to attempt */
    GArray *seqs;     /* gint64: its records, which `members` knows */
    NodeId node;
    Stage stage;
    bool has_failed; /* it ended with queue.defer or agent.wait */
    bool is_folded;  /* not to be shown; known once its first event comes to the front */
    unsigned held;   /* events of it that are held back */
} Attempt;

/* What is known of the attempts for one recipient. */
typedef struct History {
    char *outline; /* of the last one */
    char *whom;    /* "lunch to bob@b.example" */
    bool is_agents;
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
    GPtrArray *tails;      /* Attempt */
    GHashTable *members;   /* seq of a record -> Attempt that is open, or a tail */
    GHashTable *histories; /* key -> History */
    GPtrArray *ordered;    /* History, in order of appearance */
};

static void attempt_free(Attempt *attempt)
{
    g_free(attempt->key);
    g_string_free(attempt->outline, TRUE);
    g_array_unref(attempt->seqs);
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
    fold->tails = g_ptr_array_new();
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
    g_string_append_printf(text, "%s: %u more attempt%s for %s, failed likewise",
                           history->is_agents ? "outbox" : "queue", history->folded,
                           history->folded == 1 ? "" : "s", history->whom);
    put_times(history, text);
    TimelineEvent event = {now,          TRACE_QUEUE_DEFER, history->node, TIMELINE_NO_PEER,
                           TIMELINE_BAD, text->str};
    history->folded = 0;
    fold->receiver.receive(fold->receiver.owner, &event);
}

static bool is_beginning(TraceKind kind)
{
    return kind == TRACE_QUEUE_ATTEMPT || kind == TRACE_AGENT_SUBMIT;
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
    if (attempt != NULL && is_beginning(event->kind))
        settle(fold, attempt, event);
    if (attempt == NULL || !attempt->is_folded)
        fold->receiver.receive(fold->receiver.owner, event);
    if (attempt != NULL && --attempt->held == 0 && attempt->stage == STAGE_GONE)
        attempt_free(attempt);
}

/* Gives all up to the first attempt that is still open. */
static void give_settled(TimelineFold *fold)
{
    for (;;) {
        const Held *first = g_queue_peek_head(&fold->held);
        if (first == NULL || (first->attempt != NULL && first->attempt->stage == STAGE_OPEN))
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

/* NULL: the record is of no attempt by itself. */
static char *attempt_key(const TraceRecord *record)
{
    switch ((int)record->kind) {
    case TRACE_AGENT_SUBMIT:
    case TRACE_AGENT_WAIT:
    case TRACE_AGENT_SENT:
    case TRACE_AGENT_FAILED:
    case TRACE_AGENT_LOST:
        return g_strdup_printf("%" G_GUINT32_FORMAT " %s", record->node,
                               text_or_nothing(record, "mail"));
    }
    const char *entry = timeline_record_text(record, "entry");
    return entry == NULL ? NULL
                         : g_strdup_printf("%" G_GUINT32_FORMAT " %s %s", record->node, entry,
                                           text_or_nothing(record, "recipient"));
}

static void add_history(TimelineFold *fold, const TraceRecord *record, const char *key)
{
    if (g_hash_table_contains(fold->histories, key))
        return;
    History *history = g_new0(History, 1);
    history->node = record->node;
    history->is_agents = record->kind == TRACE_AGENT_SUBMIT;
    const char *mail = text_or_nothing(record, "mail");
    history->whom = history->is_agents
                        ? g_strdup(mail)
                        : g_strdup_printf("%s to %s", mail, text_or_nothing(record, "recipient"));
    g_hash_table_insert(fold->histories, g_strdup(key), history);
    g_ptr_array_add(fold->ordered, history);
}

static Attempt *open_attempt(TimelineFold *fold, const TraceRecord *record, const char *key)
{
    Attempt *attempt = g_new0(Attempt, 1);
    attempt->key = g_strdup(key);
    attempt->outline = g_string_new(NULL);
    attempt->seqs = g_array_new(FALSE, FALSE, sizeof(gint64));
    attempt->node = record->node;
    add_history(fold, record, key);
    g_ptr_array_add(fold->open, attempt);
    return attempt;
}

/* From now on no record belongs to the attempt. */
static void forget_attempt(TimelineFold *fold, Attempt *attempt)
{
    for (guint i = 0; i < attempt->seqs->len; i++)
        g_hash_table_remove(fold->members, &g_array_index(attempt->seqs, gint64, i));
    attempt->stage = STAGE_GONE;
    g_ptr_array_remove(fold->open, attempt);
    g_ptr_array_remove(fold->tails, attempt);
    if (attempt->held == 0)
        attempt_free(attempt);
}

/* What has failed may be folded, and then what its connection still does must not be left over. */
static void close_attempt(TimelineFold *fold, Attempt *attempt, bool has_failed)
{
    attempt->has_failed = has_failed;
    if (!has_failed || fold->level == TRACE_LEVEL_MAIL) {
        forget_attempt(fold, attempt);
        return;
    }
    attempt->stage = STAGE_TAIL;
    g_ptr_array_remove(fold->open, attempt);
    if (fold->tails->len == TAILS_MAXIMUM)
        forget_attempt(fold, g_ptr_array_index(fold->tails, 0));
    g_ptr_array_add(fold->tails, attempt);
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

static bool is_of_connection(const TraceRecord *record)
{
    return trace_kind_field(record->kind, "connection") != NULL;
}

static bool is_new_transaction(const TraceRecord *record)
{
    if (record->kind != TRACE_SMTP_COMMAND)
        return false;
    const TraceFields_SMTP_COMMAND *command = record->fields;
    return command->line.length >= 4 &&
           g_ascii_strncasecmp((const char *)command->line.data, "MAIL", 4) == 0;
}

/* What its cause belongs to. To an attempt that is over only what happens on its connection, until
 * that is closed or has the next message. */
static Attempt *attempt_of_cause(TimelineFold *fold, const TraceRecord *record)
{
    gint64 cause = (gint64)record->cause.nearest[fold->level];
    Attempt *attempt = g_hash_table_lookup(fold->members, &cause);
    if (attempt == NULL || attempt->stage == STAGE_OPEN)
        return attempt;
    if (!is_of_connection(record))
        return NULL;
    if (is_new_transaction(record)) {
        forget_attempt(fold, attempt);
        return NULL;
    }
    return attempt;
}

/* The attempt that the record belongs to: its own, by entry and recipient, or its cause's. */
static Attempt *attempt_of(TimelineFold *fold, const TraceRecord *record, bool is_event)
{
    g_autofree char *key = attempt_key(record);
    if (is_beginning(record->kind))
        return is_event ? open_attempt(fold, record, key) : NULL;
    Attempt *attempt = key != NULL ? find_open(fold, key) : NULL;
    return attempt != NULL ? attempt : attempt_of_cause(fold, record);
}

static bool is_failure(TraceKind kind)
{
    return kind == TRACE_QUEUE_DEFER || kind == TRACE_AGENT_WAIT;
}

static Span reason_of(const TraceRecord *record)
{
    if (record->kind == TRACE_AGENT_WAIT)
        return ((const TraceFields_AGENT_WAIT *)record->fields)->reason;
    return ((const TraceFields_QUEUE_DEFER *)record->fields)->reason;
}

/* A number is #: "back after 2 min" is told of the next attempt as "back after 4 min". */
static void append_without_numbers(GString *outline, const char *text)
{
    for (; *text != '\0'; text++) {
        if (!g_ascii_isdigit(*text))
            g_string_append_c(outline, *text);
        else if (!g_ascii_isdigit(text[1]))
            g_string_append_c(outline, '#');
    }
    g_string_append_c(outline, '\n');
}

/* What two attempts must share to be alike. Look-ups may be cached or not, times differ, and so
 * does how long or how much a policy has counted. */
static void add_to_outline(Attempt *attempt, const TraceRecord *record, const TimelineEvent *event)
{
    if (is_beginning(record->kind) || event->tone == TIMELINE_DIM)
        return;
    if (record->kind == TRACE_POLICY_VERDICT || record->kind == TRACE_DISK_FULL ||
        record->kind == TRACE_DISK_ERROR) { /* the file has the number of the attempt's entry */
        append_without_numbers(attempt->outline, event->text);
        return;
    }
    if (!is_failure(record->kind)) {
        g_string_append(attempt->outline, event->text);
        g_string_append_c(attempt->outline, '\n');
        return;
    }
    Span reason = reason_of(record);
    g_string_append_len(attempt->outline, (const char *)reason.data, (gssize)reason.length);
}

/* A machine that stops takes its attempts with it. */
static void close_all_of(TimelineFold *fold, NodeId node)
{
    GPtrArray *lists[] = {fold->open, fold->tails};
    for (size_t k = 0; k < G_N_ELEMENTS(lists); k++) {
        for (guint i = lists[k]->len; i-- > 0;) {
            Attempt *attempt = g_ptr_array_index(lists[k], i);
            if (attempt->node == node)
                forget_attempt(fold, attempt);
        }
    }
}

static bool is_end_of_attempt(TraceKind kind)
{
    return is_failure(kind) || kind == TRACE_MAIL_RELAYED || kind == TRACE_MAIL_BOUNCED ||
           kind == TRACE_MAIL_DELIVERED || kind == TRACE_MAIL_DISCARDED ||
           kind == TRACE_MAIL_EXPIRED || kind == TRACE_MAIL_EXPANDED || kind == TRACE_AGENT_SENT ||
           kind == TRACE_AGENT_FAILED || kind == TRACE_AGENT_LOST;
}

static bool ends_connection(const TraceRecord *record, const Attempt *attempt)
{
    return record->node == attempt->node &&
           (record->kind == TRACE_TCP_CLOSED || record->kind == TRACE_TCP_FAILED);
}

static void add_member(TimelineFold *fold, Attempt *attempt, const TraceRecord *record)
{
    gint64 seq = (gint64)record->seq;
    g_array_append_val(attempt->seqs, seq);
    g_hash_table_insert(fold->members, g_memdup2(&seq, sizeof seq), attempt);
}

static void hold(TimelineFold *fold, TimelineEvent *event, Attempt *attempt)
{
    Held *held = g_new(Held, 1);
    *held = (Held){event, attempt};
    g_queue_push_tail(&fold->held, held);
    if (attempt != NULL)
        attempt->held++;
}

void timeline_fold_take(TimelineFold *fold, const TraceRecord *record, TimelineEvent *event)
{
    if (record->kind == TRACE_HOST_CRASH || record->kind == TRACE_HOST_POWER_OFF)
        close_all_of(fold, record->node);
    Attempt *attempt = attempt_of(fold, record, event != NULL);
    if (event != NULL)
        hold(fold, event, attempt);
    if (attempt != NULL) {
        add_member(fold, attempt, record);
        bool is_open = attempt->stage == STAGE_OPEN;
        if (event != NULL && is_open)
            add_to_outline(attempt, record, event);
        if (is_open && is_end_of_attempt(record->kind))
            close_attempt(fold, attempt, is_failure(record->kind));
        else if (!is_open && ends_connection(record, attempt))
            forget_attempt(fold, attempt);
    }
    if (g_queue_get_length(&fold->held) > HELD_BACK_MAXIMUM)
        forget_attempt(fold, g_ptr_array_index(fold->open, 0));
    give_settled(fold);
}

static void forget_all(TimelineFold *fold)
{
    while (fold->open->len > 0)
        forget_attempt(fold, g_ptr_array_index(fold->open, 0));
    while (fold->tails->len > 0)
        forget_attempt(fold, g_ptr_array_index(fold->tails, 0));
}

void timeline_fold_finish(TimelineFold *fold, SimTime now)
{
    forget_all(fold);
    give_settled(fold);
    for (guint i = 0; i < fold->ordered->len; i++)
        give_folded(fold, g_ptr_array_index(fold->ordered, i), now);
}

void timeline_fold_free(TimelineFold *fold)
{
    forget_all(fold);
    while (!g_queue_is_empty(&fold->held)) {
        g_autofree Held *held = g_queue_pop_head(&fold->held);
        timeline_event_free(held->event);
        if (held->attempt != NULL && --held->attempt->held == 0)
            attempt_free(held->attempt);
    }
    g_ptr_array_unref(fold->open);
    g_ptr_array_unref(fold->tails);
    g_hash_table_unref(fold->members);
    g_hash_table_unref(fold->histories);
    g_ptr_array_unref(fold->ordered);
    g_free(fold);
}
