/* Attempts that fail alike, folded. See timeline_fold.h. */
#include "export/timeline_fold.h"

#include "export/timeline.h"
#include "export/timeline_outline.h"

#include <string.h>

enum {
    TIMES_SHOWN = 6,          /* of folded attempts */
    MAILS_SHOWN = 3,          /* that fail alike on one way; those after them are folded together */
    NAMES_SHOWN = 3,          /* of mails that are folded together */
    HELD_BACK_MAXIMUM = 4096, /* events; then the oldest attempt is shown as it is */
    TAILS_MAXIMUM = 64        /* attempts that are over, and their connections perhaps not */
};

/* An attempt that has failed still closes its connection, or it is used for the next message. */
typedef enum Stage { STAGE_OPEN, STAGE_TAIL, STAGE_GONE } Stage;

/* One attempt of a server for one recipient, or of an agent for one message. */
typedef struct Attempt {
    char *key;         /* host, entry and recipient; of an agent host and message */
    GString *outline;  /* what it did, without what differs from attempt to attempt */
    GString *likeness; /* and without what differs from mail to mail */
    char *mail, *recipient;
    GArray *seqs; /* gint64: its records, which `members` knows */
    NodeId node;
    Stage stage;
    bool has_failed; /* it ended with queue.defer, agent.wait or mail.bounced */
    bool is_folded;  /* not to be shown; known once its first event comes to the front */
    unsigned held;   /* events of it that are held back */
} Attempt;

/* Attempts that were not shown, since the last one that was. */
typedef struct Tally {
    unsigned folded;
    SimTime times[TIMES_SHOWN], last;
} Tally;

/* What is known of the attempts of one host for one destination, whatever the mail. */
typedef struct Way {
    char *destination; /* a domain, or an agent's server */
    char *likeness;    /* of the last mails that failed; NULL: the last one did not */
    unsigned shown;    /* of them */
    bool is_agents;
    NodeId node;
    Tally tally;
    unsigned round; /* counts tallies */
    unsigned mails; /* in this one */
    GString *names; /* of the first of them */
} Way;

/* What is known of the attempts for one recipient. */
typedef struct History {
    char *outline; /* of the last one */
    char *whom;    /* "lunch to bob@b.example" */
    char *mail;
    bool is_agents;
    bool is_of_way; /* the last one was folded together with other mails */
    NodeId node;
    Tally tally;
    Way *way;
    unsigned round; /* of the way's tally, in which this mail has been counted; 0: in none */
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
    GHashTable *ways;      /* host and destination -> Way */
    GPtrArray *ways_ordered;
};

static void attempt_free(Attempt *attempt)
{
    g_free(attempt->key);
    g_string_free(attempt->outline, TRUE);
    g_string_free(attempt->likeness, TRUE);
    g_free(attempt->mail);
    g_free(attempt->recipient);
    g_array_unref(attempt->seqs);
    g_free(attempt);
}

static void history_free(gpointer data)
{
    History *history = data;
    g_free(history->outline);
    g_free(history->whom);
    g_free(history->mail);
    g_free(history);
}

static void way_free(gpointer data)
{
    Way *way = data;
    g_free(way->destination);
    g_free(way->likeness);
    g_string_free(way->names, TRUE);
    g_free(way);
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
    fold->ways = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, way_free);
    fold->ways_ordered = g_ptr_array_new();
    return fold;
}

/* ---- Giving events ---- */

static void tally_add(Tally *tally, SimTime time)
{
    if (tally->folded < TIMES_SHOWN)
        tally->times[tally->folded] = time;
    tally->folded++;
    tally->last = time;
}

static void put_times(const Tally *tally, GString *text)
{
    for (unsigned i = 0; i < MIN(tally->folded, TIMES_SHOWN); i++) {
        g_string_append(text, i == 0 ? ": " : ", ");
        timeline_format_time(tally->times[i], 0, text);
    }
    if (tally->folded > TIMES_SHOWN) {
        g_string_append(text, tally->folded > TIMES_SHOWN + 1 ? ", ..., " : ", ");
        timeline_format_time(tally->last, 0, text);
    }
}

static void give_tally(TimelineFold *fold, NodeId node, Tally *tally, SimTime now, GString *text)
{
    g_string_append(text, ", failed likewise");
    put_times(tally, text);
    TimelineEvent event = {now, TRACE_QUEUE_DEFER, node, TIMELINE_NO_PEER, TIMELINE_BAD, text->str};
    tally->folded = 0;
    fold->receiver.receive(fold->receiver.owner, &event);
}

static void put_count(GString *text, bool is_agents, unsigned count)
{
    g_string_append_printf(text, "%s: %u more attempt%s for ", is_agents ? "outbox" : "queue",
                           count, count == 1 ? "" : "s");
}

/* Tells of the attempts that were folded, if there are any. */
static void give_folded(TimelineFold *fold, History *history, SimTime now)
{
    if (history->tally.folded == 0)
        return;
    g_autoptr(GString) text = g_string_new(NULL);
    put_count(text, history->is_agents, history->tally.folded);
    g_string_append(text, history->whom);
    give_tally(fold, history->node, &history->tally, now, text);
}

/* The same for those that were folded together with other mails. */
static void give_folded_mails(TimelineFold *fold, Way *way, SimTime now)
{
    if (way->tally.folded == 0)
        return;
    g_autoptr(GString) text = g_string_new(NULL);
    put_count(text, way->is_agents, way->tally.folded);
    g_string_append_printf(text, "%u other mail%s to %s (%s%s)", way->mails,
                           way->mails == 1 ? "" : "s", way->destination, way->names->str,
                           way->mails > NAMES_SHOWN ? ", ..." : "");
    give_tally(fold, way->node, &way->tally, now, text);
    way->mails = 0;
    way->round++;
    g_string_truncate(way->names, 0);
}

static bool is_beginning(TraceKind kind)
{
    return kind == TRACE_QUEUE_ATTEMPT || kind == TRACE_AGENT_SUBMIT;
}

static bool is_like_the_last(const History *history, const Attempt *attempt)
{
    return attempt->has_failed && history->outline != NULL &&
           strcmp(history->outline, attempt->outline->str) == 0;
}

static bool is_like_other_mails(const Way *way, const Attempt *attempt)
{
    return attempt->has_failed && way->likeness != NULL &&
           strcmp(way->likeness, attempt->likeness->str) == 0;
}

static void fold_into_way(History *history, SimTime time)
{
    Way *way = history->way;
    tally_add(&way->tally, time);
    history->is_of_way = true;
    if (history->round == way->round)
        return;
    history->round = way->round;
    if (way->mails++ < NAMES_SHOWN)
        g_string_append_printf(way->names, "%s%s", way->names->len > 0 ? ", " : "", history->mail);
}

/* The attempt is shown, and what comes is held against it. */
static void note_shown(TimelineFold *fold, Way *way, const Attempt *attempt, SimTime time)
{
    if (is_like_other_mails(way, attempt)) {
        way->shown++;
        return;
    }
    give_folded_mails(fold, way, time);
    g_free(way->likeness);
    way->likeness = attempt->has_failed ? g_strdup(attempt->likeness->str) : NULL;
    way->shown = 1;
}

/* The attempt's first event has come to the front: fold it, or show it and remember it. */
static void settle(TimelineFold *fold, Attempt *attempt, const TimelineEvent *event)
{
    History *history = g_hash_table_lookup(fold->histories, attempt->key);
    Way *way = history->way;
    bool is_again = is_like_the_last(history, attempt);
    bool is_of_many = is_like_other_mails(way, attempt) && way->shown >= MAILS_SHOWN;
    attempt->is_folded = is_again || is_of_many;
    if (is_again && !(history->is_of_way && is_of_many)) {
        tally_add(&history->tally, event->time);
        return;
    }
    give_folded(fold, history, event->time);
    g_free(history->outline);
    history->outline = attempt->has_failed ? g_strdup(attempt->outline->str) : NULL;
    history->is_of_way = false;
    if (is_of_many)
        fold_into_way(history, event->time);
    else
        note_shown(fold, way, attempt, event->time);
}

static void give_first(TimelineFold *fold)
{
    g_autofree Held *held = g_queue_pop_head(&fold->held);
    g_autoptr(TimelineEvent) event = held->event;
    Attempt *attempt = held->attempt;
    if (attempt != NULL && is_beginning(event->kind))
        settle(fold, attempt, event);
    /* What has become of a mail is told of each: it does not come again, as an attempt does. */
    bool is_fate = event->kind == TRACE_MAIL_BOUNCED;
    if (attempt == NULL || !attempt->is_folded || is_fate)
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

static Way *way_of(TimelineFold *fold, const TraceRecord *record)
{
    bool is_agents = record->kind == TRACE_AGENT_SUBMIT;
    const char *destination = text_or_nothing(record, is_agents ? "server" : "destination");
    g_autofree char *key =
        g_strdup_printf("%" G_GUINT32_FORMAT " %d %s", record->node, is_agents, destination);
    Way *way = g_hash_table_lookup(fold->ways, key);
    if (way != NULL)
        return way;
    way = g_new0(Way, 1);
    *way = (Way){.destination = g_strdup(destination),
                 .is_agents = is_agents,
                 .node = record->node,
                 .round = 1,
                 .names = g_string_new(NULL)};
    g_hash_table_insert(fold->ways, g_steal_pointer(&key), way);
    g_ptr_array_add(fold->ways_ordered, way);
    return way;
}

static void add_history(TimelineFold *fold, const TraceRecord *record, const char *key)
{
    if (g_hash_table_contains(fold->histories, key))
        return;
    History *history = g_new0(History, 1);
    history->node = record->node;
    history->is_agents = record->kind == TRACE_AGENT_SUBMIT;
    history->way = way_of(fold, record);
    history->mail = g_strdup(text_or_nothing(record, "mail"));
    history->whom = history->is_agents ? g_strdup(history->mail)
                                       : g_strdup_printf("%s to %s", history->mail,
                                                         text_or_nothing(record, "recipient"));
    g_hash_table_insert(fold->histories, g_strdup(key), history);
    g_ptr_array_add(fold->ordered, history);
}

static Attempt *open_attempt(TimelineFold *fold, const TraceRecord *record, const char *key)
{
    Attempt *attempt = g_new0(Attempt, 1);
    attempt->key = g_strdup(key);
    attempt->outline = g_string_new(NULL);
    attempt->likeness = g_string_new(NULL);
    attempt->mail = g_strdup(text_or_nothing(record, "mail"));
    attempt->recipient = g_strdup(text_or_nothing(record, "recipient"));
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

/* Kinds whose text has numbers of this very attempt, such as those of its entry in a file's name.
 */
static bool has_own_numbers(TraceKind kind)
{
    return kind == TRACE_POLICY_VERDICT || kind == TRACE_DISK_FULL || kind == TRACE_DISK_ERROR ||
           kind == TRACE_QUEUE_ENTER;
}

/* What two attempts must share to be alike. Look-ups may be cached or not, times differ, and so
 * does how long or how much a policy has counted. */
static void add_to_outline(Attempt *attempt, const TraceRecord *record, const TimelineEvent *event)
{
    if (is_beginning(record->kind) || event->tone == TIMELINE_DIM)
        return;
    bool has_numbers = has_own_numbers(record->kind);
    g_autofree char *reason = is_failure(record->kind) ? span_dup_text(reason_of(record)) : NULL;
    const char *text = reason != NULL ? reason : event->text;
    timeline_outline_add(attempt->outline, text, has_numbers);
    g_autofree char *likeness = timeline_without_names(text, attempt->mail, attempt->recipient);
    timeline_outline_add(attempt->likeness, likeness, has_numbers);
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
            close_attempt(fold, attempt,
                          is_failure(record->kind) || record->kind == TRACE_MAIL_BOUNCED);
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
    for (guint i = 0; i < fold->ways_ordered->len; i++)
        give_folded_mails(fold, g_ptr_array_index(fold->ways_ordered, i), now);
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
    g_hash_table_unref(fold->ways);
    g_ptr_array_unref(fold->ways_ordered);
    g_free(fold);
}
