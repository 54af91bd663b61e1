/* What becomes of each mail for each of its recipients. See facts.h.
 *
 * While the run goes on a mail counts as queued where the records opened an entry and have not
 * closed it; from timeline.end on, where the final inventory of the disks holds it. */
#include "audit/facts_internal.h"

#include <string.h>

/* A recipient in a queue entry of a server. */
typedef struct OpenKey {
    NodeId node;
    const char *entry, *recipient; /* interned */
} OpenKey;

guint facts_open_hash(const void *key)
{
    const OpenKey *open = key;
    return g_direct_hash(open->entry) ^ (g_direct_hash(open->recipient) * 31U) ^ open->node;
}

gboolean facts_open_equals(const void *a, const void *b)
{
    const OpenKey *first = a, *second = b;
    return first->node == second->node && first->entry == second->entry &&
           first->recipient == second->recipient;
}

const char *facts_intern(Facts *facts, const char *text)
{
    return interner_take(facts->names, text);
}

/* ---- Mails and recipients ---- */

KnownMail *known_mail_new(const char *name)
{
    KnownMail *mail = g_new0(KnownMail, 1);
    mail->shown.name = name;
    mail->shown.from = "";
    mail->recipients = g_array_new(FALSE, FALSE, sizeof(FactsRecipient));
    mail->states = g_array_new(FALSE, TRUE, sizeof(RecipientState));
    return mail;
}

void known_mail_free(void *pointer)
{
    KnownMail *mail = pointer;
    g_array_unref(mail->recipients);
    g_array_unref(mail->states);
    if (mail->bounces != NULL)
        g_ptr_array_unref(mail->bounces);
    g_free(mail);
}

static KnownMail *find_or_add_mail(Facts *facts, const char *name)
{
    const char *key = interner_take(facts->mail_names, name);
    void **meaning = interned_meaning(key);
    if (*meaning == NULL) {
        *meaning = known_mail_new(key);
        g_ptr_array_add(facts->mails, *meaning);
    }
    return *meaning;
}

/* The case of a local-part may matter, that of a domain does not (RFC 5321 §2.4). */
static bool address_matches(const char *a, const char *b)
{
    const char *at = strrchr(a, '@');
    size_t local = at != NULL ? (size_t)(at - a) : strlen(a);
    return strncmp(a, b, local) == 0 && g_ascii_strcasecmp(a + local, b + local) == 0;
}

static size_t find_index(const FactsMail *mail, const char *address)
{
    for (size_t i = 0; i < mail->recipient_count; i++) {
        if (mail->recipients[i].address == address ||
            address_matches(mail->recipients[i].address, address))
            return i;
    }
    return mail->recipient_count;
}

static size_t find_or_add_recipient(Facts *facts, KnownMail *mail, const char *address)
{
    size_t index = find_index(&mail->shown, address);
    if (index < mail->shown.recipient_count)
        return index;
    FactsRecipient recipient = {
        .address = facts_intern(facts, address),
        .fate = MAIL_FATE_NONE,
        .accepted_at = SIM_NEVER,
        .first_attempt_at = SIM_NEVER,
        .delivered_at = SIM_NEVER,
        .bounced_at = SIM_NEVER,
    };
    RecipientState state = {0};
    g_array_append_val(mail->recipients, recipient);
    g_array_append_val(mail->states, state);
    mail->shown.recipients = (const FactsRecipient *)(const void *)mail->recipients->data;
    mail->shown.recipient_count = mail->recipients->len;
    return index;
}

static MailFate fate_of(const FactsRecipient *recipient, const RecipientState *state,
                        bool has_ended)
{
    if (recipient->copies > 0)
        return MAIL_FATE_DELIVERED;
    if (has_ended ? state->held > 0 : state->open > 0)
        return MAIL_FATE_QUEUED;
    if (state->is_bounced)
        return MAIL_FATE_BOUNCED;
    if (state->is_discarded)
        return MAIL_FATE_DISCARDED;
    if (state->is_outside)
        return MAIL_FATE_RELAYED;
    if (state->is_expanded)
        return MAIL_FATE_EXPANDED;
    if (recipient->accepted_at != SIM_NEVER)
        return MAIL_FATE_LOST;
    if (state->is_lost)
        return MAIL_FATE_LOST_BY_AGENT;
    return state->is_refused ? MAIL_FATE_REFUSED : MAIL_FATE_NONE;
}

static void settle(const Facts *facts, KnownMail *mail, size_t index)
{
    FactsRecipient *recipient = &g_array_index(mail->recipients, FactsRecipient, index);
    recipient->fate =
        fate_of(recipient, &g_array_index(mail->states, RecipientState, index), facts->has_ended);
}

/* ---- Records ---- */

/* What a record with a mail and a recipient is about. */
typedef struct Subject {
    KnownMail *mail;
    size_t index;
    FactsRecipient *recipient;
    RecipientState *state;
    OpenKey key;
} Subject;

static Subject subject_of(Facts *facts, NodeId node, const char *mail, const char *recipient,
                          const char *entry)
{
    KnownMail *known = find_or_add_mail(facts, mail);
    size_t index = find_or_add_recipient(facts, known, recipient != NULL ? recipient : "");
    FactsRecipient *shown = &g_array_index(known->recipients, FactsRecipient, index);
    return (Subject){
        .mail = known,
        .index = index,
        .recipient = shown,
        .state = &g_array_index(known->states, RecipientState, index),
        .key = {node, facts_intern(facts, entry), shown->address},
    };
}

static void open_entry(Facts *facts, const Subject *subject)
{
    if (g_hash_table_contains(facts->open, &subject->key))
        return;
    g_hash_table_add(facts->open, g_memdup2(&subject->key, sizeof subject->key));
    subject->state->open++;
}

static void close_entry(Facts *facts, const Subject *subject)
{
    if (g_hash_table_remove(facts->open, &subject->key))
        subject->state->open--;
}

static void note_composed(Facts *facts, const TraceFields_AGENT_COMPOSE *fields)
{
    KnownMail *mail = find_or_add_mail(facts, fields->mail);
    mail->shown.from = facts_intern(facts, fields->from);
    mail->shown.subject = facts_intern(facts, fields->subject);
    g_auto(GStrv) addresses = g_strsplit(fields->to != NULL ? fields->to : "", ",", -1);
    for (char **address = addresses; *address != NULL; address++) {
        if (*g_strstrip(*address) != '\0')
            find_or_add_recipient(facts, mail, *address);
    }
}

/* Without a recipient it is about all of them. */
static void note_failed(Facts *facts, const TraceFields_AGENT_FAILED *fields)
{
    if (fields->mail == NULL || g_strcmp0(fields->action, "submit") != 0)
        return;
    KnownMail *mail = find_or_add_mail(facts, fields->mail);
    for (size_t i = 0; i < mail->shown.recipient_count; i++) {
        if (fields->recipient == NULL ||
            address_matches(mail->shown.recipients[i].address, fields->recipient)) {
            g_array_index(mail->states, RecipientState, i).is_refused = true;
            settle(facts, mail, i);
        }
    }
}

static void note_lost(Facts *facts, const TraceFields_AGENT_LOST *fields)
{
    KnownMail *mail = find_or_add_mail(facts, fields->mail);
    size_t index = find_or_add_recipient(facts, mail, fields->recipient);
    g_array_index(mail->states, RecipientState, index).is_lost = true;
    settle(facts, mail, index);
}

static void note_accepted(Facts *facts, const TraceRecord *record)
{
    const TraceFields_MAIL_ACCEPTED *fields = record->fields;
    Subject subject =
        subject_of(facts, record->node, fields->mail, fields->recipient, fields->entry);
    open_entry(facts, &subject);
    if (subject.mail->shown.from[0] == '\0')
        subject.mail->shown.from = facts_intern(facts, fields->sender);
    subject.recipient->servers += fields->origin == NULL;
    subject.recipient->accepted_at = MIN(subject.recipient->accepted_at, record->time);
    settle(facts, subject.mail, subject.index);
}

/* After a crash an entry that was done may be attempted again: so it is open. */
static void note_attempt(Facts *facts, const TraceRecord *record)
{
    const TraceFields_QUEUE_ATTEMPT *fields = record->fields;
    Subject subject =
        subject_of(facts, record->node, fields->mail, fields->recipient, fields->entry);
    open_entry(facts, &subject);
    if (g_strcmp0(fields->transport, "smtp") == 0) {
        subject.recipient->attempts++;
        subject.recipient->first_attempt_at =
            MIN(subject.recipient->first_attempt_at, record->time);
    }
    settle(facts, subject.mail, subject.index);
}

static bool is_outside(const Facts *facts, const char *host)
{
    for (size_t node = facts->first_outside; node < simulator_node_count(facts->simulator);
         node++) {
        if (g_strcmp0(simulator_node_name(facts->simulator, (NodeId)node), host) == 0)
            return true;
    }
    return false;
}

static void note_relayed(Facts *facts, const TraceRecord *record)
{
    const TraceFields_MAIL_RELAYED *fields = record->fields;
    Subject subject =
        subject_of(facts, record->node, fields->mail, fields->recipient, fields->entry);
    close_entry(facts, &subject);
    if (is_outside(facts, fields->next))
        subject.state->is_outside = true;
    settle(facts, subject.mail, subject.index);
}

static void note_expanded(Facts *facts, const TraceRecord *record)
{
    const TraceFields_MAIL_EXPANDED *fields = record->fields;
    Subject subject =
        subject_of(facts, record->node, fields->mail, fields->recipient, fields->entry);
    close_entry(facts, &subject);
    subject.state->is_expanded = true;
    settle(facts, subject.mail, subject.index);
}

static void note_delivered(Facts *facts, const TraceRecord *record)
{
    const TraceFields_MAIL_DELIVERED *fields = record->fields;
    Subject subject =
        subject_of(facts, record->node, fields->mail, fields->recipient, fields->entry);
    close_entry(facts, &subject);
    /* Found there by another attempt, it is the copy that was told of, unless a crash forestalled
     * that. */
    if (fields->found == NULL || subject.recipient->copies == 0)
        subject.recipient->copies++;
    subject.recipient->delivered_at = MIN(subject.recipient->delivered_at, record->time);
    settle(facts, subject.mail, subject.index);
}

static void add_bounce(KnownMail *mail, const char *name)
{
    if (mail->bounces == NULL)
        mail->bounces = g_ptr_array_new();
    if (!g_ptr_array_find(mail->bounces, name, NULL))
        g_ptr_array_add(mail->bounces, (char *)name);
}

static void note_bounced(Facts *facts, const TraceRecord *record)
{
    const TraceFields_MAIL_BOUNCED *fields = record->fields;
    Subject subject =
        subject_of(facts, record->node, fields->mail, fields->recipient, fields->entry);
    close_entry(facts, &subject);
    subject.state->is_bounced = true;
    subject.recipient->bounced_at = MIN(subject.recipient->bounced_at, record->time);
    if (fields->bounce != NULL) {
        subject.recipient->bounce = facts_intern(facts, fields->bounce);
        add_bounce(subject.mail, subject.recipient->bounce);
    }
    settle(facts, subject.mail, subject.index);
}

static void note_discarded(Facts *facts, const TraceRecord *record)
{
    const TraceFields_MAIL_DISCARDED *fields = record->fields;
    Subject subject =
        subject_of(facts, record->node, fields->mail, fields->recipient, fields->entry);
    close_entry(facts, &subject);
    subject.state->is_discarded = true;
    settle(facts, subject.mail, subject.index);
}

static void note_inventory(Facts *facts, const TraceRecord *record)
{
    const TraceFields_STORE_INVENTORY *fields = record->fields;
    if (!fields->is_final || g_strcmp0(fields->place, "queue") != 0)
        return;
    Subject subject =
        subject_of(facts, record->node, fields->mail, fields->recipient, fields->entry);
    subject.state->held++;
    settle(facts, subject.mail, subject.index);
}

static void note_end(Facts *facts)
{
    facts->has_ended = true;
    for (guint i = 0; i < facts->mails->len; i++) {
        KnownMail *mail = g_ptr_array_index(facts->mails, i);
        for (size_t at = 0; at < mail->shown.recipient_count; at++)
            settle(facts, mail, at);
    }
}

void facts_note_mail(Facts *facts, const TraceRecord *record)
{
    if (record->kind == TRACE_AGENT_COMPOSE)
        note_composed(facts, record->fields);
    else if (record->kind == TRACE_AGENT_FAILED)
        note_failed(facts, record->fields);
    else if (record->kind == TRACE_AGENT_LOST)
        note_lost(facts, record->fields);
    else if (record->kind == TRACE_MAIL_ACCEPTED)
        note_accepted(facts, record);
    else if (record->kind == TRACE_QUEUE_ATTEMPT)
        note_attempt(facts, record);
    else if (record->kind == TRACE_MAIL_RELAYED)
        note_relayed(facts, record);
    else if (record->kind == TRACE_MAIL_DELIVERED)
        note_delivered(facts, record);
    else if (record->kind == TRACE_MAIL_BOUNCED)
        note_bounced(facts, record);
    else if (record->kind == TRACE_MAIL_DISCARDED)
        note_discarded(facts, record);
    else if (record->kind == TRACE_MAIL_EXPANDED)
        note_expanded(facts, record);
    else if (record->kind == TRACE_STORE_INVENTORY)
        note_inventory(facts, record);
    else if (record->kind == TRACE_TIMELINE_OUTSIDE)
        facts->first_outside = record->node;
    else if (record->kind == TRACE_TIMELINE_END)
        note_end(facts);
}

/* ---- Questions ---- */

const char *mail_fate_name(MailFate fate)
{
    static const char *const NAMES[] = {
        [MAIL_FATE_DELIVERED] = "delivered",
        [MAIL_FATE_QUEUED] = "queued",
        [MAIL_FATE_BOUNCED] = "bounced",
        [MAIL_FATE_DISCARDED] = "discarded",
        [MAIL_FATE_LOST] = "lost",
        [MAIL_FATE_REFUSED] = "refused",
        [MAIL_FATE_LOST_BY_AGENT] = "lost_by_agent",
        [MAIL_FATE_EXPANDED] = "expanded",
        [MAIL_FATE_NONE] = "none",
        [MAIL_FATE_RELAYED] = "relayed",
    };
    return NAMES[fate];
}

size_t facts_mail_count(const Facts *facts)
{
    return facts->mails->len;
}

const FactsMail *facts_mail_at(const Facts *facts, size_t index)
{
    const KnownMail *mail = g_ptr_array_index(facts->mails, index);
    return &mail->shown;
}

static const KnownMail *find_known(const Facts *facts, const char *name)
{
    return *interned_meaning(interner_take(facts->mail_names, name));
}

const FactsMail *facts_find_mail(const Facts *facts, const char *name)
{
    const KnownMail *mail = find_known(facts, name);
    return mail != NULL ? &mail->shown : NULL;
}

const FactsRecipient *facts_find_recipient(const FactsMail *mail, const char *address)
{
    size_t index = find_index(mail, address);
    return index < mail->recipient_count ? &mail->recipients[index] : NULL;
}

bool facts_mail_fate(const FactsMail *mail, MailFate *fate)
{
    *fate = mail->recipient_count > 0 ? mail->recipients[0].fate : MAIL_FATE_NONE;
    for (size_t i = 1; i < mail->recipient_count; i++) {
        if (mail->recipients[i].fate != *fate)
            return false;
    }
    return true;
}

const char **facts_bounces_of(const Facts *facts, const char *mail)
{
    const KnownMail *known = find_known(facts, mail);
    size_t count = known != NULL && known->bounces != NULL ? known->bounces->len : 0;
    const char **names = g_new0(const char *, count + 1);
    for (size_t i = 0; i < count; i++)
        names[i] = g_ptr_array_index(known->bounces, i);
    return names;
}
