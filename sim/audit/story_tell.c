/* The story in sentences: one paragraph a step. See story.h. */
#include "audit/story_internal.h"

#include <string.h>

#define BOUNCE_AT_ONCE_MAX SIM_MINUTE

enum { TIME_COLUMNS = 10 }; /* "00:10:00" and two spaces */

/* What the sentences of a step are made of. */
typedef struct Telling {
    const Story *story;
    const Step *step;
    GString *text;
    char *recipients, *attempt, *because;
} Telling;

/* ---- Values ---- */

/* `alice@a.example, bob@b.example and carol@c.example` */
static char *join_recipients(const GPtrArray *recipients)
{
    GString *text = g_string_new(NULL);
    for (guint i = 0; i < recipients->len; i++) {
        if (i > 0)
            SAY(text, i + 1 == recipients->len ? WORDS_AND : WORDS_COMMA, {"", ""});
        g_string_append(text, g_ptr_array_index(recipients, i));
    }
    return g_string_free(text, FALSE);
}

/* What stopped the server before it started anew; NULL when nothing did. */
static const Note *find_outage(const Story *story, const Note *recovery)
{
    for (guint i = story->notes->len; i-- > 0;) {
        const Note *note = &g_array_index(story->notes, Note, i);
        if (note->seq < recovery->seq && note->node == recovery->node &&
            (note->kind == TRACE_HOST_CRASH || note->kind == TRACE_HOST_POWER_OFF ||
             note->kind == TRACE_HOST_SHUTDOWN))
            return note;
    }
    return NULL;
}

/* `, because …`, or "" for a record that is no reason. */
static char *say_reason(const Story *story, const Note *decisive)
{
    GString *text = g_string_new(NULL);
    g_autoptr(GString) reason = g_string_new(NULL);
    if (decisive != NULL)
        words_say_reason(reason, story, decisive);
    if (reason->len > 0)
        SAY(text, WORDS_BECAUSE, {"reason", reason->str});
    return g_string_free(text, FALSE);
}

static char *say_because(const Story *story, const Note *note)
{
    if (note->kind == TRACE_QUEUE_RECOVER)
        return say_reason(story, find_outage(story, note));
    return say_reason(story, story_find_note(story, note->because));
}

static char *say_moment(SimTime time)
{
    GString *text = g_string_new(NULL);
    words_say_time(text, time);
    return g_string_free(text, FALSE);
}

/* All sentences but the first few take their values from here. */
static void say_step(const Telling *telling, Words words)
{
    const Note *note = telling->step->first;
    g_autofree char *size = g_strdup_printf("%" G_GUINT64_FORMAT, note->number);
    SAY(telling->text, words, {"host", simulator_node_name(telling->story->simulator, note->node)},
        {"mail", note->mail}, {"recipients", telling->recipients}, {"entry", note->entry},
        {"subject", note->what}, {"server", note->what}, {"next", note->what},
        {"notification", note->what}, {"folder", note->what}, {"reason", note->more},
        {"size", size}, {"attempt", telling->attempt}, {"because", telling->because},
        {"where", telling->step->where});
}

/* ---- Steps that need more than one sentence, or a choice of it ---- */

static void tell_deferral(const Telling *telling)
{
    static const Words WORDS[] = {
        [OBSTACLE_UNKNOWN] = WORDS_FAILED,     [OBSTACLE_CONNECTION] = WORDS_NO_CONNECTION,
        [OBSTACLE_REPLY] = WORDS_REPLY,        [OBSTACLE_NAME] = WORDS_NO_NAME,
        [OBSTACLE_MAILBOX] = WORDS_NO_MAILBOX,
    };
    const Step *step = telling->step;
    g_autofree char *until = say_moment(step->first->until);
    g_autofree char *last = say_moment(step->last->time);
    g_autofree char *last_until = say_moment(step->last->until);
    g_autofree char *times = g_strdup_printf("%" G_GUINT64_FORMAT, step->times - 1);
    say_step(telling, WORDS[step->obstacle]);
    SAY(telling->text, WORDS_WAITS, {"until", until});
    if (step->times == 2)
        SAY(telling->text, WORDS_AGAIN_ONCE, {"last", last}, {"until", last_until});
    else if (step->times > 2)
        SAY(telling->text, WORDS_AGAIN, {"times", times}, {"last", last}, {"until", last_until});
}

/* Whence the mail came: mail.accepted follows queue.enter, whose cause is the verdict of a rule,
 * the attempt of the server before, or leads back to the agent. */
static void tell_acceptance(const Telling *telling)
{
    const Story *story = telling->story;
    const Note *note = telling->step->first;
    const Note *cause = story_find_note(story, note->cause);
    while (cause != NULL && cause->node == note->node &&
           (cause->kind == TRACE_POLICY_VERDICT ||
            ((cause->kind == TRACE_QUEUE_ENTER || cause->kind == TRACE_MAIL_ACCEPTED) &&
             cause->mail == note->mail)))
        cause = story_find_note(story, cause->cause);
    bool is_from_server =
        cause != NULL && cause->node != note->node && cause->kind == TRACE_QUEUE_ATTEMPT;
    if (note->more != NULL) {
        say_step(telling, WORDS_ACCEPTED_FROM_EXPANSION);
        return;
    }
    bool is_notification = note->what == NULL || note->what[0] == '\0';
    if (is_from_server)
        SAY(telling->text, WORDS_ACCEPTED_FROM_SERVER,
            {"host", simulator_node_name(story->simulator, note->node)}, {"mail", note->mail},
            {"recipients", telling->recipients}, {"entry", note->entry},
            {"previous", simulator_node_name(story->simulator, cause->node)});
    else
        say_step(telling,
                 is_notification ? WORDS_NOTIFICATION_ACCEPTED : WORDS_ACCEPTED_FROM_AGENT);
}

static void tell_expansion(const Telling *telling)
{
    const char *how = telling->step->first->what;
    Words words = WORDS_EXPANDED_ALIAS;
    if (g_strcmp0(how, "forward") == 0)
        words = WORDS_EXPANDED_FORWARD;
    else if (g_strcmp0(how, "list") == 0)
        words = WORDS_EXPANDED_LIST;
    else if (g_strcmp0(how, "owner") == 0)
        words = WORDS_EXPANDED_OWNER;
    else if (g_strcmp0(how, "catch_all") == 0)
        words = WORDS_EXPANDED_CATCH_ALL;
    say_step(telling, words);
}

/* Whether the agent had kept in its outbox what it now gives up. */
static bool was_kept(const Story *story, const Note *failure)
{
    for (guint i = 0; i < story->notes->len; i++) {
        const Note *note = &g_array_index(story->notes, Note, i);
        if (note->seq < failure->seq && note->kind == TRACE_AGENT_WAIT &&
            note->node == failure->node && note->mail == failure->mail &&
            (note->recipient == NULL || failure->recipient == NULL ||
             note->recipient == failure->recipient))
            return true;
    }
    return false;
}

/* No outbox keeps what was refused for good: RFC 5321 §4.2.1, replies 5yz. One that stands for no
 * recipient refused the whole dialogue, not the message. */
static bool is_refused_for_good(const Note *failure)
{
    return failure->recipient != NULL && failure->more != NULL && failure->more[0] == '5' &&
           g_ascii_isdigit(failure->more[1]) && g_ascii_isdigit(failure->more[2]);
}

static SimTime composed_at(const Story *story, const Note *failure)
{
    for (guint i = 0; i < story->notes->len; i++) {
        const Note *note = &g_array_index(story->notes, Note, i);
        if (note->kind == TRACE_AGENT_COMPOSE && note->mail == failure->mail)
            return note->time;
    }
    return failure->time;
}

/* Why the person is told now. */
static void tell_failure(const Telling *telling)
{
    const Note *failure = telling->step->first;
    if (g_strcmp0(failure->what, "submit") != 0)
        return;
    say_step(telling, failure->recipient != NULL ? WORDS_NOT_SUBMITTED_FOR : WORDS_NOT_SUBMITTED);
    g_autofree char *age = words_format_age(failure->time - composed_at(telling->story, failure));
    Words words = WORDS_TOLD_NO_OUTBOX;
    if (is_refused_for_good(failure))
        words = WORDS_TOLD_FINAL;
    else if (was_kept(telling->story, failure))
        words = WORDS_TOLD_AFTER_TRYING;
    SAY(telling->text, words, {"age", age});
}

/* A bounce is written at once, unless the disk has no room for it. */
static void tell_refusal(const Telling *telling)
{
    const Step *step = telling->step;
    if (step->first->time - step->replied_at < BOUNCE_AT_ONCE_MAX) {
        say_step(telling, WORDS_BOUNCED_FOR_REPLY);
        return;
    }
    g_autofree char *replied = say_moment(step->replied_at);
    SAY(telling->text, WORDS_BOUNCED_LATE, {"where", step->where}, {"mail", step->first->mail},
        {"recipients", telling->recipients}, {"replied", replied}, {"reason", step->first->more},
        {"host", simulator_node_name(telling->story->simulator, step->first->node)},
        {"notification", step->first->what});
}

/* The mail exchangers that the same attempt had tried before the one that took the message. That
 * one may be behind the router of a home, whose address was connected to: the last connection,
 * unless it failed, is the one that carried the message. */
static void tell_relay(const Telling *telling)
{
    const Story *story = telling->story;
    const Step *step = telling->step;
    say_step(telling, WORDS_RELAYED);
    const char *reached = step->first->what;
    bool is_last = true;
    for (uint64_t seq = step->first->hop; step->attempt != NULL && seq > step->attempt->seq;
         seq = story_find_cause(story, seq)) {
        const Hop *hop = story_find_hop(story, seq);
        if (hop == NULL || hop->kind != TRACE_TCP_CONNECT || hop->node != step->first->node ||
            hop->what == reached)
            continue;
        const Hop *failure = story_find_failure(story, hop);
        bool has_carried = is_last && failure == NULL;
        is_last = false;
        if (has_carried)
            continue;
        g_autofree char *because =
            say_reason(story, failure != NULL ? story_find_note(story, failure->because) : NULL);
        SAY(telling->text, WORDS_TRIED_FIRST, {"where", hop->what}, {"because", because});
        reached = hop->what;
    }
}

/* The kinds that one sentence tells; WORDS_COUNT for the others. */
static Words words_of(TraceKind kind)
{
    static const struct {
        TraceKind kind;
        Words words;
    } TABLE[] = {
        {TRACE_AGENT_COMPOSE, WORDS_COMPOSED},   {TRACE_AGENT_SUBMIT, WORDS_SUBMITTED},
        {TRACE_MAIL_DELIVERED, WORDS_DELIVERED}, {TRACE_MAIL_UNCERTAIN, WORDS_UNCERTAIN},
        {TRACE_MAIL_EXPIRED, WORDS_EXPIRED},     {TRACE_MAIL_BOUNCED, WORDS_BOUNCED},
        {TRACE_MAIL_DELAYED, WORDS_DELAYED},     {TRACE_MAIL_DISCARDED, WORDS_DISCARDED},
        {TRACE_QUEUE_RECOVER, WORDS_RECOVERED},  {TRACE_AGENT_RECEIVE, WORDS_RECEIVED},
        {TRACE_AGENT_LOST, WORDS_LOST_BY_AGENT}, {TRACE_AGENT_WAIT, WORDS_KEPT_BY_AGENT},
        {TRACE_AGENT_READ, WORDS_READ},          {TRACE_MAILBOX_EXPUNGE, WORDS_EXPUNGED},
        {TRACE_QUEUE_HOLD, WORDS_HELD},          {TRACE_QUEUE_RELEASE, WORDS_RELEASED},
        {TRACE_MAIL_ANSWERED, WORDS_ANSWERED},   {TRACE_MAIL_UNANSWERED, WORDS_UNANSWERED},
        {TRACE_MAIL_CONFIRMED, WORDS_CONFIRMED},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(TABLE); i++) {
        if (TABLE[i].kind == kind)
            return TABLE[i].words;
    }
    return WORDS_COUNT;
}

static void tell_what_happened(const Telling *telling)
{
    TraceKind kind = telling->step->first->kind;
    if (kind == TRACE_QUEUE_DEFER)
        tell_deferral(telling);
    else if (kind == TRACE_AGENT_SUBMIT && telling->step->first->number != 0)
        say_step(telling, WORDS_SENT_DIRECTLY);
    else if (kind == TRACE_MAIL_ACCEPTED)
        tell_acceptance(telling);
    else if (kind == TRACE_MAIL_DELIVERED && telling->step->first->more != NULL)
        say_step(telling, WORDS_FOUND_DELIVERED);
    else if (kind == TRACE_MAIL_RELAYED)
        tell_relay(telling);
    else if (kind == TRACE_MAIL_EXPANDED)
        tell_expansion(telling);
    else if (kind == TRACE_AGENT_FAILED)
        tell_failure(telling);
    else if (kind == TRACE_MAIL_BOUNCED && telling->step->obstacle == OBSTACLE_REPLY)
        tell_refusal(telling);
    else if (words_of(kind) != WORDS_COUNT)
        say_step(telling, words_of(kind));
}

/* ---- The whole ---- */

/* A paragraph behind its time. */
static void put_paragraph(const Story *story, SimTime at, const char *text, GString *out)
{
    g_autofree char *time = say_moment(at);
    unsigned indent = (unsigned)MAX(TIME_COLUMNS, (int)strlen(time) + 2);
    g_string_append_printf(out, "%-*s", (int)indent, time);
    words_wrap(out, text, indent, story->width);
}

static void tell_step(const Story *story, const Step *step, GString *out)
{
    const Note *attempt = step->attempt;
    Telling telling = {
        .story = story,
        .step = step,
        .text = g_string_new(NULL),
        .recipients = join_recipients(step->recipients),
        .attempt = g_strdup_printf("%" G_GUINT64_FORMAT, attempt != NULL ? attempt->number : 0),
        .because = say_because(story, step->first),
    };
    tell_what_happened(&telling);
    if (telling.text->len > 0)
        put_paragraph(story, step->first->time, telling.text->str, out);
    g_string_free(telling.text, TRUE);
    g_free(telling.recipients);
    g_free(telling.attempt);
    g_free(telling.because);
}

/* Whether two steps say the same, but for the queue entries and the times in them. */
static bool steps_agree(const void *row, guint a, guint b)
{
    const Step *first = g_ptr_array_index((const GPtrArray *)row, a);
    const Step *second = g_ptr_array_index((const GPtrArray *)row, b);
    const Note *note = first->first, *other = second->first;
    g_autofree char *recipients = join_recipients(first->recipients);
    g_autofree char *others = join_recipients(second->recipients);
    return note->kind == other->kind && note->node == other->node && note->mail == other->mail &&
           note->what == other->what && first->obstacle == second->obstacle &&
           first->times == second->times && g_str_equal(recipients, others);
}

/* All steps; rounds that come again are told once. */
static void tell_steps(const Story *story, const GPtrArray *steps, GString *out)
{
    guint told = 0;
    while (told < steps->len) {
        guint round = 0;
        guint again = rounds_count(steps, told, steps->len, steps_agree, &round);
        guint end = told + (again > 0 ? round : 1);
        for (; told < end; told++)
            tell_step(story, g_ptr_array_index(steps, told), out);
        if (again == 0)
            continue;
        const Step *second = g_ptr_array_index(steps, told);
        told += again * round;
        const Step *last = g_ptr_array_index(steps, told - 1);
        g_autofree char *count = g_strdup_printf("%u", again);
        g_autofree char *time = say_moment(second->first->time);
        g_autofree char *until = say_moment(last->last->time);
        g_autoptr(GString) text = g_string_new(NULL);
        SAY(text, WORDS_ROUNDS, {"count", count}, {"time", time}, {"until", until});
        put_paragraph(story, second->first->time, text->str, out);
    }
}

/* The mail and its notifications, in the order in which the trace first told of them. */
static void tell_ends(const Story *story, GString *out)
{
    story_tell_end(story, story->mail, out);
    for (size_t i = 0; i < facts_mail_count(story->facts); i++) {
        const char *name = facts_mail_at(story->facts, i)->name;
        const char *kept = g_string_chunk_insert_const(story->texts, name);
        if (kept != story->mail && g_hash_table_contains(story->own_mails, kept))
            story_tell_end(story, name, out);
    }
}

char *story_tell(const Story *story)
{
    GString *out = g_string_new(NULL);
    if (!story_has_mail(story)) {
        g_autoptr(GString) text = g_string_new(NULL);
        SAY(text, WORDS_UNKNOWN_MAIL, {"mail", story->mail});
        words_wrap(out, text->str, 0, story->width);
        return g_string_free(out, FALSE);
    }
    g_autoptr(GPtrArray) steps = story_steps(story);
    tell_steps(story, steps, out);
    tell_ends(story, out);
    return g_string_free(out, FALSE);
}
