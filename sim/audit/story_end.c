/* How the story ends: what became of each recipient, and the chain of causes that led to it. See
 * story_internal.h. */
#include "audit/story_internal.h"

enum {
    CHAIN_INDENT = 2,
    CHAIN_TEXT_INDENT = 12, /* behind the time */
};

/* ---- What became of a recipient ---- */

static const Note *find_last(const Story *story, const char *mail, TraceKind kind,
                             const char *recipient)
{
    for (guint i = story->notes->len; i-- > 0;) {
        const Note *note = &g_array_index(story->notes, Note, i);
        if (note->kind == kind && note->mail != NULL && g_str_equal(note->mail, mail) &&
            (recipient == NULL || g_strcmp0(note->recipient, recipient) == 0))
            return note;
    }
    return NULL;
}

/* The record that decided the fate; NULL when there is none. */
static const Note *find_decisive(const Story *story, const char *mail, const char *recipient,
                                 MailFate fate)
{
    static const TraceKind KINDS[] = {
        [MAIL_FATE_DELIVERED] = TRACE_MAIL_DELIVERED, [MAIL_FATE_QUEUED] = TRACE_QUEUE_DEFER,
        [MAIL_FATE_BOUNCED] = TRACE_MAIL_BOUNCED,     [MAIL_FATE_DISCARDED] = TRACE_MAIL_DISCARDED,
        [MAIL_FATE_LOST] = TRACE_MAIL_ACCEPTED,       [MAIL_FATE_REFUSED] = TRACE_AGENT_FAILED,
        [MAIL_FATE_LOST_BY_AGENT] = TRACE_AGENT_LOST, [MAIL_FATE_NONE] = TRACE_AGENT_COMPOSE,
        [MAIL_FATE_RELAYED] = TRACE_MAIL_RELAYED,     [MAIL_FATE_EXPANDED] = TRACE_MAIL_EXPANDED,
    };
    const Note *note = find_last(story, mail, KINDS[fate], recipient);
    if (note == NULL && fate == MAIL_FATE_QUEUED)
        note = find_last(story, mail, TRACE_MAIL_ACCEPTED, recipient);
    if (note == NULL && (fate == MAIL_FATE_REFUSED || fate == MAIL_FATE_NONE))
        note = find_last(story, mail, KINDS[fate], NULL);
    return note;
}

static Words words_of(const FactsRecipient *recipient)
{
    static const Words WORDS[] = {
        [MAIL_FATE_DELIVERED] = WORDS_END_DELIVERED,
        [MAIL_FATE_QUEUED] = WORDS_END_QUEUED,
        [MAIL_FATE_BOUNCED] = WORDS_END_BOUNCED,
        [MAIL_FATE_DISCARDED] = WORDS_END_DISCARDED,
        [MAIL_FATE_LOST] = WORDS_END_LOST,
        [MAIL_FATE_REFUSED] = WORDS_END_REFUSED,
        [MAIL_FATE_LOST_BY_AGENT] = WORDS_END_LOST_BY_AGENT,
        [MAIL_FATE_NONE] = WORDS_END_NONE,
        [MAIL_FATE_EXPANDED] = WORDS_END_EXPANDED,
        [MAIL_FATE_RELAYED] = WORDS_END_RELAYED,
    };
    if (recipient->fate == MAIL_FATE_DELIVERED && recipient->attempts == 0)
        return WORDS_END_DELIVERED_HERE;
    return WORDS[recipient->fate];
}

static char *say_attempts(uint64_t count)
{
    g_autofree char *digits = g_strdup_printf("%" G_GUINT64_FORMAT, count);
    GString *text = g_string_new(NULL);
    SAY(text, count == 1 ? WORDS_ONE_ATTEMPT : WORDS_ATTEMPTS, {"count", digits});
    return g_string_free(text, FALSE);
}

/* Since it was sent; of a notification, since it was accepted. */
static SimTime age_at_end(const Story *story, const FactsMail *mail,
                          const FactsRecipient *recipient)
{
    const Note *composed = find_last(story, mail->name, TRACE_AGENT_COMPOSE, NULL);
    SimTime begun = composed != NULL ? composed->time : recipient->accepted_at;
    SimTime ended =
        recipient->fate == MAIL_FATE_DELIVERED ? recipient->delivered_at : recipient->bounced_at;
    return ended != SIM_NEVER ? ended - begun : 0;
}

/* What took an accepted mail away again: the loss of power of the server that had it last. */
static char *say_loss(const Story *story, const FactsMail *mail, const FactsRecipient *recipient)
{
    GString *text = g_string_new(NULL);
    const Note *accepted = find_last(story, mail->name, TRACE_MAIL_ACCEPTED, recipient->address);
    for (guint i = 0; accepted != NULL && i < story->notes->len; i++) {
        const Note *note = &g_array_index(story->notes, Note, i);
        if (note->kind != TRACE_HOST_POWER_OFF || note->node != accepted->node ||
            note->seq < accepted->seq)
            continue;
        g_autoptr(GString) reason = g_string_new(NULL);
        words_say_reason(reason, story, note);
        SAY(text, WORDS_BECAUSE, {"reason", reason->str});
        break;
    }
    return g_string_free(text, FALSE);
}

static void tell_fate(const Story *story, const FactsMail *mail, const FactsRecipient *recipient,
                      GString *out)
{
    g_autofree char *attempts = say_attempts(recipient->attempts);
    g_autofree char *age = words_format_age(age_at_end(story, mail, recipient));
    g_autofree char *because =
        recipient->fate == MAIL_FATE_LOST ? say_loss(story, mail, recipient) : NULL;
    g_autoptr(GString) text = g_string_new(NULL);
    SAY(text, words_of(recipient), {"because", because}, {"mail", mail->name},
        {"recipients", recipient->address}, {"attempts", attempts}, {"age", age},
        {"notification", recipient->bounce});
    if (recipient->copies > 1) {
        g_autofree char *count = g_strdup_printf("%u", recipient->copies);
        SAY(text, WORDS_END_COPIES, {"count", count});
    }
    g_string_append_c(out, '\n');
    words_wrap(out, text->str, 0, story->width);
}

/* ---- The chain of causes ---- */

/* A link as it is printed: what a record says, and a remark below it or NULL. */
typedef struct Link {
    SimTime time;
    char *text, *remark;
} Link;

/* Where the walk is: the attempts and deferrals of one queue entry are told once, unless another
 * thing decided them. */
typedef struct Chain {
    const Story *story;
    GPtrArray *links;               /* Link */
    const Note *attempt, *deferral; /* told last */
    const Note *last;               /* told or counted */
    uint64_t because;               /* of the records before, whether told or not */
    SimTime counted_at;             /* of the deferral counted last: one a step, not a recipient */
    guint folded;                   /* deferrals not told */
    bool has_full_disk;             /* the last one told; those before it go without saying */
} Chain;

static void link_free(void *pointer)
{
    Link *link = pointer;
    g_free(link->text);
    g_free(link->remark);
    g_free(link);
}

/* A verdict that follows from one before, as a greylist's do, has that as a link of its own. */
static const Note *find_reason(const Story *story, const Note *note)
{
    const Note *reason = note->because != 0 ? story_find_note(story, note->because) : NULL;
    bool is_of_same_rule = reason != NULL && note->kind == TRACE_POLICY_VERDICT &&
                           reason->kind == TRACE_POLICY_VERDICT;
    return is_of_same_rule ? NULL : reason;
}

static void add_link(Chain *chain, const Note *note)
{
    g_autoptr(GString) text = g_string_new(NULL);
    words_say_link(text, chain->story, note);
    const Note *reason = find_reason(chain->story, note);
    if (reason != NULL) {
        g_autoptr(GString) words = g_string_new(NULL);
        words_say_reason(words, chain->story, reason);
        if (words->len > 0)
            SAY(text, WORDS_BECAUSE, {"reason", words->str});
    }
    Link *link = g_new0(Link, 1);
    link->time = note->time;
    link->text = g_strdup(text->str);
    g_ptr_array_add(chain->links, link);
}

/* A remark below the link added last. */
static void add_remark(Chain *chain, Words words, const char *count)
{
    g_autoptr(GString) text = g_string_new(NULL);
    SAY(text, words, {"count", count}, {"mail", chain->story->mail});
    Link *link = g_ptr_array_index(chain->links, chain->links->len - 1);
    g_free(link->remark);
    link->remark = g_strdup(text->str);
}

static bool is_repetition(const Chain *chain, const Note *note)
{
    if (note->kind == TRACE_DISK_FULL)
        return chain->has_full_disk;
    const Note *known = note->kind == TRACE_QUEUE_ATTEMPT ? chain->attempt
                        : note->kind == TRACE_QUEUE_DEFER ? chain->deferral
                                                          : NULL;
    return known != NULL && known->node == note->node && known->entry == note->entry &&
           story_reasons_agree(chain->story, known->because, note->because);
}

static void add_folded(Chain *chain)
{
    if (chain->folded > 0) {
        g_autofree char *count = g_strdup_printf("%u", chain->folded);
        add_remark(chain, chain->folded == 1 ? WORDS_CHAIN_FOLDED_ONE : WORDS_CHAIN_FOLDED, count);
    }
    chain->folded = 0;
}

/* What became of another recipient in an attempt: it comes before in the chain, as the server tells
 * of one after the other, and decides nothing. */
static bool is_of_another(const Chain *chain, const Note *note, const Note *end)
{
    if (note->mail != end->mail || note->recipient == end->recipient)
        return false;
    if (note->kind == TRACE_QUEUE_DEFER) /* one that decides is what the next attempt follows */
        return chain->last != NULL && chain->last->kind != TRACE_QUEUE_ATTEMPT;
    bool is_outcome = note->kind == TRACE_MAIL_RELAYED || note->kind == TRACE_MAIL_DELIVERED ||
                      note->kind == TRACE_MAIL_BOUNCED ||
                      (note->kind == TRACE_MAIL_ACCEPTED && note->node != end->node);
    return is_outcome && chain->attempt == NULL;
}

/* These say nothing that the record beside them does not say; a refusal of one recipient comes
 * before the acceptance of the others, and only decides its own. */
static bool is_passed_over(const Chain *chain, const Note *note, const Note *end)
{
    bool is_reason_told = note->kind == TRACE_POLICY_VERDICT && note->seq == chain->because;
    return note != end &&
           (note->kind == TRACE_QUEUE_ENTER || note->kind == TRACE_MAILBOX_STORE ||
            note->kind == TRACE_AGENT_FAILED || is_reason_told || is_of_another(chain, note, end));
}

static void follow_link(Chain *chain, const Note *note)
{
    chain->last = note;
    if (is_repetition(chain, note)) {
        chain->folded += note->kind == TRACE_QUEUE_DEFER && note->time != chain->counted_at;
        if (note->kind == TRACE_QUEUE_DEFER)
            chain->counted_at = note->time;
        return;
    }
    add_folded(chain);
    add_link(chain, note);
    chain->has_full_disk = note->kind == TRACE_DISK_FULL;
    if (note->kind == TRACE_QUEUE_ATTEMPT) {
        chain->attempt = note;
    } else if (note->kind == TRACE_QUEUE_DEFER) {
        chain->deferral = note;
        chain->counted_at = note->time;
    }
}

/* A notification's chain leads into that of the mail that it is about, which has been told. */
static bool is_told_above(const Story *story, const Note *note, const Note *end)
{
    return end->mail != story->mail && note->mail == story->mail;
}

/* Walks the causes back to the timeline; each is earlier than its effect, so this ends. */
static void walk(Chain *chain, const Note *end)
{
    const Story *story = chain->story;
    for (const Note *note = end; note != NULL; note = story_find_note(story, note->cause)) {
        if (!is_passed_over(chain, note, end))
            follow_link(chain, note);
        if (note->because != 0)
            chain->because = note->because;
        if (is_told_above(story, note, end)) {
            add_remark(chain, WORDS_CHAIN_ABOVE, NULL);
            break;
        }
    }
    add_folded(chain);
}

static bool links_agree(const void *row, guint a, guint b)
{
    const Link *first = g_ptr_array_index((const GPtrArray *)row, a);
    const Link *second = g_ptr_array_index((const GPtrArray *)row, b);
    return g_str_equal(first->text, second->text) && g_strcmp0(first->remark, second->remark) == 0;
}

/* Returns the column at which its text begins. */
static unsigned put_link(const Story *story, const Link *link, GString *out)
{
    g_autoptr(GString) time = g_string_new(NULL);
    words_say_time(time, link->time);
    unsigned indent = MAX(CHAIN_TEXT_INDENT, CHAIN_INDENT + (unsigned)time->len + 2);
    g_string_append_printf(out, "%*s%-*s", CHAIN_INDENT, "", (int)indent - CHAIN_INDENT, time->str);
    words_wrap(out, link->text, indent, story->width);
    if (link->remark != NULL) {
        g_string_append_printf(out, "%*s", (int)indent, "");
        words_wrap(out, link->remark, indent, story->width);
    }
    return indent;
}

/* The links; rounds that come again are told once. */
static void put_links(const Story *story, const GPtrArray *links, GString *out)
{
    unsigned indent = CHAIN_TEXT_INDENT;
    guint told = 0;
    while (told < links->len) {
        guint round = 0;
        guint again = rounds_count(links, told, links->len, links_agree, &round);
        guint end = told + (again > 0 ? round : 1);
        for (; told < end; told++)
            indent = put_link(story, g_ptr_array_index(links, told), out);
        if (again == 0)
            continue;
        told += again * round;
        g_autofree char *count = g_strdup_printf("%u", again);
        g_autoptr(GString) until = g_string_new(NULL);
        g_autoptr(GString) text = g_string_new(NULL);
        words_say_time(until, ((const Link *)g_ptr_array_index(links, told - 1))->time);
        SAY(text, WORDS_CHAIN_ROUNDS, {"count", count}, {"until", until->str});
        g_string_append_printf(out, "%*s", (int)indent, "");
        words_wrap(out, text->str, indent, story->width);
    }
}

static void tell_chain(const Story *story, const Note *end, GString *out)
{
    Chain chain = {
        .story = story,
        .links = g_ptr_array_new_with_free_func(link_free),
        .counted_at = SIM_NEVER,
    };
    g_autoptr(GString) heading = g_string_new(NULL);
    SAY(heading, WORDS_CHAIN, {"mail", end->mail});
    words_wrap(out, heading->str, 0, story->width);
    walk(&chain, end);
    put_links(story, chain.links, out);
    g_ptr_array_unref(chain.links);
}

/* ---- All recipients ---- */

/* Whether an earlier recipient has the same end at the same moment, and so the same chain. */
static bool was_told(const FactsMail *mail, size_t index)
{
    const FactsRecipient *recipient = &mail->recipients[index];
    for (size_t i = 0; i < index; i++) {
        const FactsRecipient *earlier = &mail->recipients[i];
        if (earlier->fate == recipient->fate && earlier->delivered_at == recipient->delivered_at &&
            earlier->bounced_at == recipient->bounced_at &&
            earlier->attempts == recipient->attempts)
            return true;
    }
    return false;
}

void story_tell_end(const Story *story, const char *name, GString *out)
{
    const FactsMail *mail = facts_find_mail(story->facts, name);
    for (size_t i = 0; mail != NULL && i < mail->recipient_count; i++) {
        const FactsRecipient *recipient = &mail->recipients[i];
        const Note *note = find_decisive(story, name, recipient->address, recipient->fate);
        tell_fate(story, mail, recipient, out);
        if (note != NULL && !was_told(mail, i))
            tell_chain(story, note, out);
    }
}
