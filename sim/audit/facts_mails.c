/* What becomes of each mail for each of its recipients. See facts.h.
 *
 * While the run goes on a mail counts as queued where the records opened an entry and have not
 * closed it; from timeline.end on, where the final inventory of the disks holds it. */
#include "audit/facts_internal.h"

#include <string.h>

const char *facts_intern(Facts *facts, const char *text)
{
    return interner_take(facts->names, text);
}

/* ---- Mails and recipients ---- */

static FactsRecipient *recipients_of(KnownMail *mail)
{
    return (FactsRecipient *)mail->shown.recipients;
}

static FactsEntry *entries_of(FactsState *state)
{
    return state->open <= 1 ? &state->entries.one : state->entries.several;
}

/* Of what it owns; its memory is its name's. */
static void known_mail_clear(void *pointer)
{
    KnownMail *mail = pointer;
    if (mail == NULL)
        return;
    for (size_t i = 0; i < mail->shown.recipient_count; i++) {
        FactsState *state = &recipients_of(mail)[i].own;
        if (state->open > 1)
            g_free(state->entries.several);
    }
    if (recipients_of(mail) != &mail->first)
        g_free(recipients_of(mail));
}

static void summed_group_clear(void *group)
{
    g_array_unref(((SummedGroup *)group)->delays);
}

void facts_init_mails(Facts *facts)
{
    facts->mail_names = interner_new(sizeof(KnownMail));
    facts->mails = g_new0(MailList, 1);
    facts->mails->mails = g_ptr_array_new_with_free_func(known_mail_clear);
    facts->bounces = g_hash_table_new_full(NULL, NULL, NULL, (GDestroyNotify)g_ptr_array_unref);
    facts->summed = g_array_new(FALSE, FALSE, sizeof(SummedGroup));
    g_array_set_clear_func(facts->summed, summed_group_clear);
}

void facts_clear_mails(Facts *facts)
{
    g_array_unref(facts->summed);
    g_hash_table_destroy(facts->bounces);
    g_ptr_array_unref(facts->mails->mails);
    g_free(facts->mails);
    interner_free(facts->mail_names, NULL);
}

/* Closes the holes. */
static GPtrArray *list_mails(MailList *list)
{
    guint kept = 0;
    for (guint i = 0; list->holes > 0 && i < list->mails->len; i++) {
        KnownMail *mail = list->mails->pdata[i];
        if (mail == NULL)
            continue;
        mail->place = kept;
        list->mails->pdata[i] = NULL;
        list->mails->pdata[kept++] = mail;
    }
    if (list->holes > 0)
        g_ptr_array_set_size(list->mails, (gint)kept);
    list->holes = 0;
    return list->mails;
}

static KnownMail *find_or_add_mail(Facts *facts, const char *name)
{
    const char *key = interner_take(facts->mail_names, name);
    KnownMail *mail = interner_meaning(facts->mail_names, key);
    if (mail->shown.name == NULL) {
        mail->shown.name = key;
        mail->shown.from = "";
        mail->shown.recipients = &mail->first;
        mail->place = facts->mails->mails->len;
        g_ptr_array_add(facts->mails->mails, mail);
    }
    return mail;
}

/* NULL: there is none. */
static KnownMail *find_known(const Facts *facts, const char *name)
{
    const char *key = interner_find(facts->mail_names, name);
    return key != NULL ? interner_meaning(facts->mail_names, key) : NULL;
}

/* The case of a local-part may matter, that of a domain does not (RFC 5321 §2.4). */
static bool address_matches(const char *a, const char *b)
{
    if (strcmp(a, b) == 0)
        return true;
    const char *at = strrchr(a, '@');
    size_t local = at != NULL ? (size_t)(at - a) : strlen(a);
    return strncmp(a, b, local) == 0 && g_ascii_strcasecmp(a + local, b + local) == 0;
}

static size_t find_index(const FactsMail *mail, const char *address)
{
    for (size_t i = 0; i < mail->recipient_count; i++) {
        if (address_matches(mail->recipients[i].address, address))
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
    if (index > 0) {
        FactsRecipient *before = index == 1 ? NULL : recipients_of(mail);
        FactsRecipient *recipients = g_renew(FactsRecipient, before, index + 1);
        if (before == NULL)
            recipients[0] = mail->first;
        mail->shown.recipients = recipients;
    }
    recipients_of(mail)[index] = recipient;
    mail->shown.recipient_count = index + 1;
    return index;
}

static MailFate fate_of(const FactsRecipient *recipient, const FactsState *state, bool has_ended)
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
    FactsRecipient *recipient = &recipients_of(mail)[index];
    recipient->fate = fate_of(recipient, &recipient->own, facts->has_ended);
}

/* ---- Records ---- */

/* What a record with a mail and a recipient is about. */
typedef struct Subject {
    KnownMail *mail;
    size_t index;
    FactsRecipient *recipient;
    FactsState *state;
    FactsEntry entry;
} Subject;

static Subject subject_of(Facts *facts, NodeId node, const char *mail, const char *recipient,
                          const char *entry)
{
    KnownMail *known = find_or_add_mail(facts, mail);
    size_t index = find_or_add_recipient(facts, known, recipient != NULL ? recipient : "");
    FactsRecipient *shown = &recipients_of(known)[index];
    return (Subject){
        .mail = known,
        .index = index,
        .recipient = shown,
        .state = &shown->own,
        .entry = {node, entry != NULL ? entry : ""},
    };
}

/* Where the entry stands among those that hold the recipient; their number: it does not. */
static uint32_t find_entry(const Subject *subject)
{
    const FactsEntry *entries = entries_of(subject->state);
    uint32_t i = 0;
    while (i < subject->state->open && (entries[i].node != subject->entry.node ||
                                        strcmp(entries[i].id, subject->entry.id) != 0))
        i++;
    return i;
}

static void open_entry(Facts *facts, const Subject *subject)
{
    FactsState *state = subject->state;
    uint32_t count = state->open;
    if (find_entry(subject) < count)
        return;
    if (count > 0) {
        FactsEntry *several =
            g_renew(FactsEntry, count > 1 ? state->entries.several : NULL, count + 1);
        if (count == 1)
            several[0] = state->entries.one;
        state->entries.several = several;
    }
    state->open++;
    entries_of(state)[count] =
        (FactsEntry){subject->entry.node, facts_intern(facts, subject->entry.id)};
}

static void close_entry(const Subject *subject)
{
    FactsState *state = subject->state;
    FactsEntry *entries = entries_of(state);
    uint32_t i = find_entry(subject);
    if (i == state->open)
        return;
    entries[i] = entries[--state->open];
    if (state->open == 1) {
        state->entries.one = entries[0];
        g_free(entries);
    }
}

/* ---- What is summed up and forgotten ---- */

static SummedGroup *group_of(const Facts *facts, const KnownMail *mail)
{
    for (guint i = 0; i < facts->summed->len; i++) {
        SummedGroup *group = &g_array_index(facts->summed, SummedGroup, i);
        if (group->owns(group->name, mail->shown.name))
            return group;
    }
    return NULL;
}

static bool is_done(const KnownMail *mail)
{
    const FactsRecipient *recipient = &mail->first;
    return mail->is_sent && mail->shown.recipient_count == 1 && recipient->copies == 1 &&
           recipient->own.open == 0;
}

/* The last that is done with the mail of a record: it may be gone afterwards. */
static void forget_if_done(Facts *facts, KnownMail *mail)
{
    if (facts->summed->len == 0 || !is_done(mail))
        return;
    SummedGroup *group = group_of(facts, mail);
    if (group == NULL)
        return;
    SimTime delay = mail->first.delivered_at - mail->first.accepted_at;
    g_array_append_val(group->delays, delay);
    if (group->last_delivered_at == SIM_NEVER ||
        mail->first.delivered_at > group->last_delivered_at)
        group->last_delivered_at = mail->first.delivered_at;
    facts->mails->mails->pdata[mail->place] = NULL;
    known_mail_clear(mail);
    g_hash_table_remove(facts->bounces, mail->shown.name);
    interner_remove(facts->mail_names, mail->shown.name);
    if (++facts->mails->holes * 2 > facts->mails->mails->len)
        list_mails(facts->mails);
}

void facts_sum_up(Facts *facts, const char *group,
                  bool (*owns)(const char *group, const char *mail))
{
    SummedGroup summed = {facts_intern(facts, group), owns, SIM_NEVER,
                          g_array_new(FALSE, FALSE, sizeof(SimTime))};
    g_array_append_val(facts->summed, summed);
}

FactsSums facts_sums(const Facts *facts, const char *group)
{
    for (guint i = 0; i < facts->summed->len; i++) {
        const SummedGroup *summed = &g_array_index(facts->summed, SummedGroup, i);
        if (strcmp(summed->name, group) == 0)
            return (FactsSums){summed->delays->len, summed->last_delivered_at,
                               (const SimTime *)(const void *)summed->delays->data};
    }
    return (FactsSums){.last_delivered_at = SIM_NEVER};
}

/* The addresses between the commas, without the blanks around them. */
static void add_recipients(Facts *facts, KnownMail *mail, const char *list)
{
    if (strpbrk(list, ", \t\n\v\f\r") == NULL) { /* as nearly all are */
        if (list[0] != '\0')
            find_or_add_recipient(facts, mail, list);
        return;
    }
    g_auto(GStrv) addresses = g_strsplit(list, ",", -1);
    for (char **address = addresses; *address != NULL; address++) {
        if (*g_strstrip(*address) != '\0')
            find_or_add_recipient(facts, mail, *address);
    }
}

static void note_composed(Facts *facts, const TraceFields_AGENT_COMPOSE *fields)
{
    KnownMail *mail = find_or_add_mail(facts, fields->mail);
    mail->shown.from = facts_intern(facts, fields->from);
    bool is_named_so = g_strcmp0(fields->subject, mail->shown.name) == 0;
    mail->shown.subject = is_named_so ? mail->shown.name : facts_intern(facts, fields->subject);
    if (fields->to != NULL)
        add_recipients(facts, mail, fields->to);
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
            recipients_of(mail)[i].own.is_refused = true;
            settle(facts, mail, i);
        }
    }
}

static void note_lost(Facts *facts, const TraceFields_AGENT_LOST *fields)
{
    KnownMail *mail = find_or_add_mail(facts, fields->mail);
    size_t index = find_or_add_recipient(facts, mail, fields->recipient);
    recipients_of(mail)[index].own.is_lost = true;
    settle(facts, mail, index);
}

static void note_sent(Facts *facts, const TraceFields_AGENT_SENT *fields)
{
    KnownMail *mail = find_known(facts, fields->mail);
    if (mail == NULL)
        return;
    mail->is_sent = true;
    forget_if_done(facts, mail);
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
    close_entry(&subject);
    if (is_outside(facts, fields->next))
        subject.state->is_outside = true;
    settle(facts, subject.mail, subject.index);
    forget_if_done(facts, subject.mail);
}

static void note_expanded(Facts *facts, const TraceRecord *record)
{
    const TraceFields_MAIL_EXPANDED *fields = record->fields;
    Subject subject =
        subject_of(facts, record->node, fields->mail, fields->recipient, fields->entry);
    close_entry(&subject);
    subject.state->is_expanded = true;
    settle(facts, subject.mail, subject.index);
}

static void note_delivered(Facts *facts, const TraceRecord *record)
{
    const TraceFields_MAIL_DELIVERED *fields = record->fields;
    Subject subject =
        subject_of(facts, record->node, fields->mail, fields->recipient, fields->entry);
    close_entry(&subject);
    /* Found there by another attempt, it is the copy that was told of, unless a crash forestalled
     * that. */
    if (fields->found == NULL || subject.recipient->copies == 0)
        subject.recipient->copies++;
    subject.recipient->delivered_at = MIN(subject.recipient->delivered_at, record->time);
    settle(facts, subject.mail, subject.index);
    forget_if_done(facts, subject.mail);
}

static void add_bounce(Facts *facts, const KnownMail *mail, const char *name)
{
    GPtrArray *names = g_hash_table_lookup(facts->bounces, mail->shown.name);
    if (names == NULL) {
        names = g_ptr_array_new();
        g_hash_table_insert(facts->bounces, (char *)mail->shown.name, names);
    }
    if (!g_ptr_array_find(names, name, NULL))
        g_ptr_array_add(names, (char *)name);
}

static void note_bounced(Facts *facts, const TraceRecord *record)
{
    const TraceFields_MAIL_BOUNCED *fields = record->fields;
    Subject subject =
        subject_of(facts, record->node, fields->mail, fields->recipient, fields->entry);
    close_entry(&subject);
    subject.state->is_bounced = true;
    subject.recipient->bounced_at = MIN(subject.recipient->bounced_at, record->time);
    if (fields->bounce != NULL) {
        subject.recipient->bounce = facts_intern(facts, fields->bounce);
        add_bounce(facts, subject.mail, subject.recipient->bounce);
    }
    settle(facts, subject.mail, subject.index);
}

static void note_discarded(Facts *facts, const TraceRecord *record)
{
    const TraceFields_MAIL_DISCARDED *fields = record->fields;
    Subject subject =
        subject_of(facts, record->node, fields->mail, fields->recipient, fields->entry);
    close_entry(&subject);
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
    const GPtrArray *mails = list_mails(facts->mails);
    for (guint i = 0; i < mails->len; i++) {
        KnownMail *mail = g_ptr_array_index(mails, i);
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
    else if (record->kind == TRACE_AGENT_SENT)
        note_sent(facts, record->fields);
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
    return list_mails(facts->mails)->len;
}

const FactsMail *facts_mail_at(const Facts *facts, size_t index)
{
    const KnownMail *mail = g_ptr_array_index(list_mails(facts->mails), index);
    return &mail->shown;
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
    const GPtrArray *bounces =
        known != NULL ? g_hash_table_lookup(facts->bounces, known->shown.name) : NULL;
    size_t count = bounces != NULL ? bounces->len : 0;
    const char **names = g_new0(const char *, count + 1);
    for (size_t i = 0; i < count; i++)
        names[i] = g_ptr_array_index(bounces, i);
    return names;
}
