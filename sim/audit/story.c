/* The story of one mail: what is kept of the trace while the run goes on. See story.h. */
#include "audit/story_internal.h"

#include <string.h>

/* ---- Keeping ---- */

static const char *keep(const Story *story, const char *text)
{
    return text != NULL ? g_string_chunk_insert_const(story->texts, text) : NULL;
}

static const char *keep_octets(const Story *story, Span octets)
{
    if (octets.length == 0)
        return NULL;
    g_autofree char *text = g_utf8_make_valid((const char *)octets.data, (gssize)octets.length);
    return keep(story, g_strdelimit(text, "\r\n\t", ' '));
}

/* What a note holds that only the mail's story needs. */
typedef struct Detail {
    const char *recipient, *entry, *what, *more;
    Span octets; /* in the place of `more` */
    uint64_t number;
    SimTime until;
} Detail;

/* Reads the fields of the kinds that tell of a mail; false for others. */
static bool read_mail_record(const TraceRecord *record, const char **mail, Detail *detail)
{
    const void *at = record->fields;
#define READ(id, ...)                                                                              \
    if (record->kind == TRACE_##id) {                                                              \
        const TraceFields_##id *f = at;                                                            \
        *mail = f->mail;                                                                           \
        *detail = (Detail){__VA_ARGS__};                                                           \
        return true;                                                                               \
    }
    READ(AGENT_COMPOSE, .recipient = f->to, .what = f->subject, .number = f->size)
    READ(AGENT_SUBMIT, .what = f->server, .number = f->is_direct)
    READ(AGENT_SENT, .what = f->server)
    READ(AGENT_FAILED, .recipient = f->recipient, .what = f->action, .octets = f->reason)
    READ(AGENT_LOST, .recipient = f->recipient, .what = f->server, .octets = f->reason)
    READ(AGENT_WAIT, .recipient = f->recipient, .octets = f->reason, .until = f->next_at)
    READ(AGENT_RECEIVE, .what = f->subject)
    READ(AGENT_READ, .what = f->subject)
    READ(MAIL_ACCEPTED, .recipient = f->recipient, .entry = f->entry, .what = f->sender,
         .more = f->origin)
    READ(MAIL_EXPANDED, .recipient = f->recipient, .entry = f->entry, .what = f->how, .more = f->to)
    READ(MAIL_RELAYED, .recipient = f->recipient, .entry = f->entry, .what = f->next,
         .octets = f->reply)
    READ(MAIL_DELIVERED, .recipient = f->recipient, .entry = f->entry, .more = f->found)
    READ(MAIL_EXPIRED, .recipient = f->recipient, .entry = f->entry, .octets = f->reason)
    READ(MAIL_BOUNCED, .recipient = f->recipient, .entry = f->entry, .what = f->bounce,
         .octets = f->reason)
    READ(MAIL_DELAYED, .recipient = f->recipient, .entry = f->entry, .what = f->warning)
    READ(MAIL_CONFIRMED, .recipient = f->recipient, .entry = f->entry, .what = f->notice,
         .more = f->action)
    READ(MAIL_ANSWERED, .recipient = f->recipient, .entry = f->entry, .what = f->answer)
    READ(MAIL_UNANSWERED, .recipient = f->recipient, .entry = f->entry, .more = f->rule)
    READ(MAIL_DISCARDED, .recipient = f->recipient, .entry = f->entry, .more = f->rule)
    READ(MAIL_UNCERTAIN, .recipient = f->recipient, .entry = f->entry)
    READ(QUEUE_ENTER, .entry = f->entry)
    READ(QUEUE_ATTEMPT, .recipient = f->recipient, .entry = f->entry, .what = f->transport,
         .number = f->attempt)
    READ(QUEUE_DEFER, .recipient = f->recipient, .entry = f->entry, .octets = f->reason,
         .until = f->next_at)
    READ(QUEUE_REMOVE, .entry = f->entry)
    READ(QUEUE_RECOVER, .entry = f->entry)
    READ(QUEUE_HOLD, .entry = f->entry)
    READ(QUEUE_RELEASE, .entry = f->entry)
    READ(MAILBOX_STORE, .recipient = f->user, .what = f->folder)
    READ(MAILBOX_EXPUNGE, .recipient = f->user, .what = f->folder)
#undef READ
    return false;
}

/* Reads the fields of the kinds that can be a reason. */
static Detail read_other_record(const TraceRecord *record)
{
    const void *at = record->fields;
#define READ(id, ...)                                                                              \
    if (record->kind == TRACE_##id) {                                                              \
        const TraceFields_##id *f = at;                                                            \
        return (Detail){__VA_ARGS__};                                                              \
    }
    READ(TIMELINE_ACTION, .what = f->action, .more = f->subject)
    READ(TIMELINE_END, .what = f->reason)
    READ(POLICY_VERDICT, .what = f->policy, .more = f->reason)
    READ(HOST_CRASH, .what = f->program)
    READ(HOST_POWER_OFF, .what = f->program)
    READ(HOST_SHUTDOWN, .what = f->program)
    READ(HOST_RESTART, .what = f->program)
    READ(LINK_DOWN, .what = f->a, .more = f->b)
    READ(LINK_UP, .what = f->a, .more = f->b)
    READ(DNS_FAIL, .what = f->name, .more = f->how)
    READ(DNS_FIX, .what = f->name)
    READ(FIREWALL_SET, .what = f->rules)
    READ(NAT_ADDRESS, .more = f->forwards)
    READ(DISK_ERROR, .what = f->operation, .more = f->path)
    READ(DISK_FAIL, .what = f->how_long, .more = f->operations)
    READ(DNS_SET, .what = f->name, .more = f->records)
#undef READ
    return (Detail){0};
}

/* A mail with an empty sender may turn out to be a notification of this one: mail.bounced names it
 * after its mail.accepted. */
static void follow(Story *story, const TraceRecord *record, const char *mail)
{
    if (record->kind == TRACE_MAIL_ACCEPTED) {
        const TraceFields_MAIL_ACCEPTED *fields = record->fields;
        if (fields->sender == NULL || fields->sender[0] == '\0')
            g_hash_table_add(story->followed, (char *)mail);
    }
    if (mail != story->mail)
        return;
    const char *notification = NULL;
    if (record->kind == TRACE_MAIL_BOUNCED)
        notification = ((const TraceFields_MAIL_BOUNCED *)record->fields)->bounce;
    else if (record->kind == TRACE_MAIL_DELAYED)
        notification = ((const TraceFields_MAIL_DELAYED *)record->fields)->warning;
    else if (record->kind == TRACE_MAIL_CONFIRMED)
        notification = ((const TraceFields_MAIL_CONFIRMED *)record->fields)->notice;
    else if (record->kind == TRACE_MAIL_ANSWERED)
        notification = ((const TraceFields_MAIL_ANSWERED *)record->fields)->answer;
    if (notification != NULL)
        g_hash_table_add(story->own_mails, (char *)keep(story, notification));
}

static void fill_note(Story *story, Note *note, const TraceRecord *record)
{
    const char *mail = NULL;
    Detail detail = {0};
    bool is_of_mail = read_mail_record(record, &mail, &detail);
    if (is_of_mail) {
        note->mail = keep(story, mail != NULL ? mail : "");
        follow(story, record, note->mail);
        if (!g_hash_table_contains(story->followed, note->mail))
            return;
    } else {
        detail = read_other_record(record);
    }
    note->recipient = keep(story, detail.recipient);
    note->entry = keep(story, detail.entry);
    note->what = keep(story, detail.what);
    note->more =
        detail.octets.length > 0 ? keep_octets(story, detail.octets) : keep(story, detail.more);
    note->number = detail.number;
    note->until = detail.until;
}

static void write_note(Story *story, const TraceRecord *record)
{
    Note note = {
        .seq = record->seq,
        .cause = record->cause.nearest[TRACE_LEVEL_MAIL],
        .because = record->because,
        .hop = record->cause.nearest[TRACE_LEVEL_PROTOCOL],
        .time = record->time,
        .kind = record->kind,
        .node = record->node,
    };
    fill_note(story, &note, record);
    g_array_append_val(story->notes, note);
}

static const char *hop_text(const TraceRecord *record)
{
    const void *at = record->fields;
    if (record->kind == TRACE_TCP_CONNECT)
        return ((const TraceFields_TCP_CONNECT *)at)->remote;
    if (record->kind == TRACE_TCP_ESTABLISHED)
        return ((const TraceFields_TCP_ESTABLISHED *)at)->remote;
    if (record->kind == TRACE_TCP_FAILED)
        return ((const TraceFields_TCP_FAILED *)at)->remote;
    if (record->kind == TRACE_TCP_CLOSED)
        return ((const TraceFields_TCP_CLOSED *)at)->remote;
    if (record->kind == TRACE_DNS_RESULT)
        return ((const TraceFields_DNS_RESULT *)at)->name;
    if (record->kind == TRACE_DNS_TIMEOUT)
        return ((const TraceFields_DNS_TIMEOUT *)at)->name;
    return NULL;
}

static void story_write(void *owner, const TraceRecord *record)
{
    Story *story = owner;
    if (trace_kind_info(record->kind)->level == TRACE_LEVEL_MAIL) {
        write_note(story, record);
        return;
    }
    Hop hop = {
        .seq = record->seq,
        .cause = record->cause.nearest[TRACE_LEVEL_PROTOCOL],
        .because = record->because,
        .time = record->time,
        .kind = record->kind,
        .node = record->node,
        .what = keep(story, hop_text(record)),
        .is_refusal = record->kind == TRACE_SMTP_REPLY &&
                      ((const TraceFields_SMTP_REPLY *)record->fields)->code >= 400,
    };
    g_array_append_val(story->hops, hop);
}

/* ---- Finding ---- */

static int compare_note(const void *a, const void *b)
{
    const Note *first = a, *second = b;
    return first->seq < second->seq ? -1 : first->seq > second->seq;
}

static int compare_hop(const void *a, const void *b)
{
    const Hop *first = a, *second = b;
    return first->seq < second->seq ? -1 : first->seq > second->seq;
}

const Note *story_find_note(const Story *story, uint64_t seq)
{
    guint index = 0;
    Note key = {.seq = seq};
    return g_array_binary_search(story->notes, &key, compare_note, &index)
               ? &g_array_index(story->notes, Note, index)
               : NULL;
}

const Hop *story_find_hop(const Story *story, uint64_t seq)
{
    guint index = 0;
    Hop key = {.seq = seq};
    return g_array_binary_search(story->hops, &key, compare_hop, &index)
               ? &g_array_index(story->hops, Hop, index)
               : NULL;
}

uint64_t story_find_cause(const Story *story, uint64_t seq)
{
    const Hop *hop = story_find_hop(story, seq);
    const Note *note = hop == NULL ? story_find_note(story, seq) : NULL;
    return hop != NULL ? hop->cause : note != NULL ? note->hop : 0;
}

const Hop *story_find_failure(const Story *story, const Hop *connect)
{
    for (const Hop *hop = connect + 1;
         hop < (const Hop *)(void *)story->hops->data + story->hops->len; hop++) {
        if (hop->kind == TRACE_TCP_FAILED && hop->node == connect->node &&
            hop->what == connect->what)
            return hop;
    }
    return NULL;
}

bool story_reasons_agree(const Story *story, uint64_t a, uint64_t b)
{
    const Note *first = story_find_note(story, a), *second = story_find_note(story, b);
    if (a == b || first == NULL || second == NULL)
        return a == b;
    bool is_verdict = first->kind == TRACE_POLICY_VERDICT && first->what == second->what &&
                      first->more == second->more;
    bool is_of_disk = first->kind == TRACE_DISK_FULL || first->kind == TRACE_DISK_ERROR;
    return first->kind == second->kind && first->node == second->node && (is_verdict || is_of_disk);
}

/* ---- Life ---- */

Story *story_new(Trace *trace, const StoryOptions *options)
{
    Story *story = g_new0(Story, 1);
    story->simulator = trace_simulator(trace);
    story->facts = facts_new(trace, NULL);
    facts_start(story->facts, TRACE_LEVEL_MAIL);
    story->texts = g_string_chunk_new(4096);
    story->mail = keep(story, options->mail);
    story->width = options->width;
    story->notes = g_array_new(FALSE, FALSE, sizeof(Note));
    story->hops = g_array_new(FALSE, FALSE, sizeof(Hop));
    story->followed = g_hash_table_new(NULL, NULL);
    story->own_mails = g_hash_table_new(NULL, NULL);
    g_hash_table_add(story->followed, (char *)story->mail);
    g_hash_table_add(story->own_mails, (char *)story->mail);
    trace_add_sink(trace, (TraceSink){story_write, story, TRACE_LEVEL_PROTOCOL});
    return story;
}

void story_free(Story *story)
{
    facts_free(story->facts);
    g_hash_table_destroy(story->followed);
    g_hash_table_destroy(story->own_mails);
    g_array_unref(story->notes);
    g_array_unref(story->hops);
    g_string_chunk_free(story->texts);
    g_free(story);
}

bool story_has_mail(const Story *story)
{
    return facts_find_mail(story->facts, story->mail) != NULL;
}
