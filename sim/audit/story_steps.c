/* The steps of a story: notes put together that tell the same of several recipients, or again. See
 * story_internal.h. */
#include "audit/story_internal.h"

enum { HOPS_TO_AN_OBSTACLE_MAX = 64 };

/* ---- What made an attempt fail ---- */

/* The end of its lifetime, not the last reply, is what a message is returned for. */
static bool has_expired(const Story *story, const Note *note)
{
    const Note *cause = story_find_note(story, note->cause);
    return note->kind == TRACE_MAIL_BOUNCED && cause != NULL && cause->kind == TRACE_MAIL_EXPIRED &&
           cause->recipient == note->recipient;
}

/* A decisive record among those that led to the note within the same attempt. What other
 * recipients met there stands in between, such as their relaying and the 250 for it. */
static void find_obstacle(const Story *story, Step *step)
{
    uint64_t seq = step->first->hop;
    for (int i = 0; i < HOPS_TO_AN_OBSTACLE_MAX && seq != 0; i++) {
        const Hop *hop = story_find_hop(story, seq);
        seq = story_find_cause(story, seq);
        if (hop == NULL || (hop->kind == TRACE_SMTP_REPLY && !hop->is_refusal))
            continue;
        step->where = hop->what;
        if (hop->kind == TRACE_SMTP_REPLY) {
            step->obstacle = OBSTACLE_REPLY;
            step->replied_at = hop->time;
            step->where = simulator_node_name(story->simulator, hop->node);
            return;
        }
        if (hop->kind == TRACE_DNS_RESULT || hop->kind == TRACE_DNS_TIMEOUT) {
            step->obstacle = OBSTACLE_NAME;
            return;
        }
        if (hop->what != NULL) { /* tcp.* */
            step->obstacle = OBSTACLE_CONNECTION;
            return;
        }
    }
}

static const Note *find_attempt(const GPtrArray *notes, guint before, const Note *note)
{
    for (guint i = before; i-- > 0;) {
        const Note *at = g_ptr_array_index(notes, i);
        if (at->kind == TRACE_QUEUE_ATTEMPT && at->node == note->node && at->entry == note->entry &&
            at->recipient == note->recipient)
            return at;
    }
    return NULL;
}

static bool tells_of_failure(TraceKind kind)
{
    return kind == TRACE_QUEUE_DEFER || kind == TRACE_MAIL_BOUNCED || kind == TRACE_MAIL_EXPIRED;
}

/* ---- Steps ---- */

static void step_free(void *pointer)
{
    Step *step = pointer;
    g_ptr_array_unref(step->recipients);
    g_free(step);
}

static Step *step_new(const Story *story, const GPtrArray *notes, guint index)
{
    Step *step = g_new0(Step, 1);
    step->first = step->last = g_ptr_array_index(notes, index);
    step->times = 1;
    step->recipients = g_ptr_array_new();
    if (step->first->recipient != NULL)
        g_ptr_array_add(step->recipients, (char *)step->first->recipient);
    if (step->first->entry != NULL)
        step->attempt = find_attempt(notes, index, step->first);
    bool is_local = step->attempt != NULL && g_strcmp0(step->attempt->what, "local") == 0;
    if (is_local && tells_of_failure(step->first->kind))
        step->obstacle = OBSTACLE_MAILBOX;
    else if (tells_of_failure(step->first->kind) && !has_expired(story, step->first))
        find_obstacle(story, step);
    return step;
}

static bool notes_agree(const Story *story, const Note *a, const Note *b)
{
    return a->kind == b->kind && a->node == b->node && a->mail == b->mail && a->entry == b->entry &&
           a->what == b->what && a->more == b->more &&
           story_reasons_agree(story, a->because, b->because);
}

/* The same at the same time for another recipient. */
static bool step_takes_recipient(const Story *story, Step *step, const Step *other)
{
    if (step->times > 1 || step->first->time != other->first->time ||
        step->first->until != other->first->until || step->first->recipient == NULL ||
        !notes_agree(story, step->first, other->first))
        return false;
    g_ptr_array_add(step->recipients, (char *)other->first->recipient);
    return true;
}

static bool recipients_agree(const Step *a, const Step *b)
{
    if (a->recipients->len != b->recipients->len)
        return false;
    for (guint i = 0; i < a->recipients->len; i++) {
        if (a->recipients->pdata[i] != b->recipients->pdata[i])
            return false;
    }
    return true;
}

/* Whether both are about the same recipients of the same queue entry. */
static bool steps_share_entry(const Step *a, const Step *b)
{
    return a->first->node == b->first->node && a->first->entry == b->first->entry &&
           recipients_agree(a, b);
}

/* Folds each deferral into the one before it that says the same, unless something else happened to
 * these recipients in between. */
static void fold(const Story *story, GPtrArray *steps)
{
    for (guint i = 1; i < steps->len;) {
        const Step *step = g_ptr_array_index(steps, i);
        Step *before = NULL;
        for (guint at = i; step->first->kind == TRACE_QUEUE_DEFER && at-- > 0 && before == NULL;) {
            if (steps_share_entry(g_ptr_array_index(steps, at), step))
                before = g_ptr_array_index(steps, at);
        }
        if (before != NULL && notes_agree(story, before->first, step->first) &&
            before->obstacle == step->obstacle && before->where == step->where) {
            before->times++;
            before->last = step->first;
            g_ptr_array_remove_index(steps, i);
        } else {
            i++;
        }
    }
}

/* ---- Cause before effect ---- */

static bool tells_of_notification(TraceKind kind)
{
    return kind == TRACE_MAIL_BOUNCED || kind == TRACE_MAIL_DELAYED ||
           kind == TRACE_MAIL_CONFIRMED || kind == TRACE_MAIL_ANSWERED;
}

/* Whether `accepted` came about by what `note` tells of. */
static bool is_outcome_of(const Note *accepted, const Note *note)
{
    if (accepted->kind != TRACE_MAIL_ACCEPTED || accepted->time != note->time)
        return false;
    if (note->kind == TRACE_MAIL_EXPANDED)
        return accepted->node == note->node && accepted->more == note->entry;
    return tells_of_notification(note->kind) && accepted->mail == note->what;
}

/* A server records a notification, or the addresses in the place of another, when they are durable,
 * and only then what they are about; a reader is to hear of that first. Both have the same time. */
static void put_reasons_first(GPtrArray *steps)
{
    for (guint i = 1; i < steps->len; i++) {
        const Note *note = ((const Step *)g_ptr_array_index(steps, i))->first;
        const Step *before = g_ptr_array_index(steps, i - 1);
        if (is_outcome_of(before->first, note)) {
            void *moved = steps->pdata[i];
            steps->pdata[i] = steps->pdata[i - 1];
            steps->pdata[i - 1] = moved;
        }
    }
}

/* ---- Which notes are told ---- */

static bool is_told(const Note *note)
{
    return note->kind != TRACE_QUEUE_ENTER && note->kind != TRACE_QUEUE_ATTEMPT &&
           note->kind != TRACE_QUEUE_REMOVE && note->kind != TRACE_AGENT_SENT &&
           note->kind != TRACE_MAILBOX_STORE;
}

static GPtrArray *own_notes(const Story *story)
{
    GPtrArray *notes = g_ptr_array_new();
    for (guint i = 0; i < story->notes->len; i++) {
        Note *note = &g_array_index(story->notes, Note, i);
        if (note->mail != NULL && g_hash_table_contains(story->own_mails, note->mail))
            g_ptr_array_add(notes, note);
    }
    return notes;
}

GPtrArray *story_steps(const Story *story)
{
    GPtrArray *steps = g_ptr_array_new_with_free_func(step_free);
    g_autoptr(GPtrArray) notes = own_notes(story);
    for (guint i = 0; i < notes->len; i++) {
        if (!is_told(g_ptr_array_index(notes, i)))
            continue;
        Step *step = step_new(story, notes, i);
        bool is_taken = false;
        for (guint at = steps->len; at-- > 0 && !is_taken;) {
            Step *earlier = g_ptr_array_index(steps, at);
            if (earlier->first->time != step->first->time)
                break;
            is_taken = step_takes_recipient(story, earlier, step);
        }
        if (is_taken)
            step_free(step);
        else
            g_ptr_array_add(steps, step);
    }
    fold(story, steps);
    put_reasons_first(steps);
    return steps;
}
