/* What becomes of each mail for each of its recipients. See facts.h.
 *
 * While the run goes on a mail counts as queued where the records opened an entry and have not
 * closed it; from timeline.end on, where the final inventory of the disks holds it. */
#include "audit/facts_internal.h"

#include <string.h>

NameId facts_intern(Facts *facts, const char *text)
{
    return interner_take(facts->names, text);
}

const char *facts_text(const Facts *facts, NameId name)
{
    return interner_text(facts->names, name);
}

/* ---- Mails and recipients ---- */

KnownRecipient *facts_recipients_of(KnownMail *mail)
{
    return mail->recipient_count <= 1 ? &mail->recipients.one : mail->recipients.several;
}

const FactsDelivery *facts_delivery_of(const Facts *facts, const KnownRecipient *recipient)
{
    return slab_at(&facts->deliveries, recipient->delivery);
}

static FactsDelivery *take_delivery(Facts *facts, KnownRecipient *recipient)
{
    if (recipient->delivery == 0)
        recipient->delivery = slab_take(&facts->deliveries);
    return slab_at(&facts->deliveries, recipient->delivery);
}

static void mark(KnownRecipient *recipient, unsigned marks)
{
    enum { MARKS = 255 };
    recipient->marks = (recipient->marks | marks) & MARKS;
}

static uint32_t count_open(const KnownRecipient *recipient)
{
    return recipient->open == FACTS_OPEN_SEVERAL ? recipient->entries.several->count
                                                 : recipient->open;
}

static FactsEntry *entries_of(KnownRecipient *recipient)
{
    return recipient->open == FACTS_OPEN_SEVERAL ? recipient->entries.several->at
                                                 : &recipient->entries.one;
}

static void clear_recipient(Facts *facts, const KnownRecipient *recipient)
{
    if (recipient->open == FACTS_OPEN_SEVERAL)
        g_free(recipient->entries.several);
    if (recipient->delivery != 0)
        slab_give_back(&facts->deliveries, recipient->delivery);
}

static void clear_mail(Facts *facts, KnownMail *mail)
{
    KnownRecipient *recipients = facts_recipients_of(mail);
    for (uint32_t i = 0; i < mail->recipient_count; i++)
        clear_recipient(facts, &recipients[i]);
    if (mail->recipient_count > 1)
        g_free(recipients);
    *mail = (KnownMail){0};
}

static KnownMail *mail_at(const Facts *facts, MailId id)
{
    return slab_at(&facts->mails, id);
}

static void summed_group_clear(void *data)
{
    SummedGroup *group = data;
    g_free(group->name);
    g_array_unref(group->delays);
}

void facts_init_mails(Facts *facts)
{
    facts->mails.size = sizeof(KnownMail);
    facts->deliveries.size = sizeof(FactsDelivery);
    slab_reach(&facts->deliveries, 0);
    facts->bounces = g_hash_table_new_full(NULL, NULL, NULL, (GDestroyNotify)g_array_unref);
    facts->summed = g_array_new(FALSE, FALSE, sizeof(SummedGroup));
    g_array_set_clear_func(facts->summed, summed_group_clear);
}

void facts_clear_mails(Facts *facts)
{
    for (MailId id = slab_next(&facts->mails, 0); id != 0; id = slab_next(&facts->mails, id))
        clear_mail(facts, mail_at(facts, id));
    slab_clear(&facts->mails);
    slab_clear(&facts->deliveries);
    g_array_unref(facts->summed);
    g_hash_table_destroy(facts->bounces);
}

static MailId find_or_add_mail(Facts *facts, const char *name)
{
    MailId id = roster_take(facts->roster, ROSTER_FACTS, name);
    KnownMail *mail = slab_reach(&facts->mails, id);
    if (mail->order == 0) {
        mail->from = NAME_EMPTY;
        mail->order = ++facts->appeared;
        facts->mail_count++;
        facts->shown->is_list_valid = false;
    }
    return id;
}

bool facts_address_matches(const char *a, const char *b)
{
    if (strcmp(a, b) == 0)
        return true;
    const char *at = strrchr(a, '@');
    size_t local = at != NULL ? (size_t)(at - a) : strlen(a);
    return strncmp(a, b, local) == 0 && g_ascii_strcasecmp(a + local, b + local) == 0;
}

/* Their number: there is none. */
static uint32_t find_index(const Facts *facts, KnownMail *mail, const char *address)
{
    const KnownRecipient *recipients = facts_recipients_of(mail);
    uint32_t i = 0;
    while (i < mail->recipient_count &&
           !facts_address_matches(facts_text(facts, recipients[i].address), address))
        i++;
    return i;
}

static KnownRecipient *add_recipient(Facts *facts, KnownMail *mail, const char *address)
{
    uint32_t count = mail->recipient_count;
    if (count > 0) {
        KnownRecipient *before = count > 1 ? mail->recipients.several : NULL;
        KnownRecipient *several = g_renew(KnownRecipient, before, count + 1);
        if (count == 1)
            several[0] = mail->recipients.one;
        mail->recipients.several = several;
    }
    mail->recipient_count++;
    KnownRecipient *added = &facts_recipients_of(mail)[count];
    *added = (KnownRecipient){
        .address = facts_intern(facts, address),
        .accepted_at = SIM_NEVER,
        .first_attempt_at = SIM_NEVER,
    };
    return added;
}

static KnownRecipient *find_or_add_recipient(Facts *facts, KnownMail *mail, const char *address)
{
    uint32_t index = find_index(facts, mail, address);
    return index < mail->recipient_count ? &facts_recipients_of(mail)[index]
                                         : add_recipient(facts, mail, address);
}

/* ---- Records ---- */

/* What a record with a mail and a recipient is about. */
typedef struct Subject {
    MailId mail;
    KnownRecipient *recipient;
    NodeId node;
    const char *entry;
} Subject;

static Subject subject_of(Facts *facts, NodeId node, const char *mail, const char *recipient,
                          const char *entry)
{
    MailId id = find_or_add_mail(facts, mail);
    return (Subject){
        .mail = id,
        .recipient =
            find_or_add_recipient(facts, mail_at(facts, id), recipient != NULL ? recipient : ""),
        .node = node,
        .entry = entry != NULL ? entry : "",
    };
}

/* Where the entry stands among those that hold the recipient; their number: it does not. */
static uint32_t find_entry(const Facts *facts, const Subject *subject)
{
    const FactsEntry *entries = entries_of(subject->recipient);
    uint32_t i = 0, count = count_open(subject->recipient);
    while (i < count && (entries[i].node != subject->node ||
                         strcmp(facts_text(facts, entries[i].id), subject->entry) != 0))
        i++;
    return i;
}

static FactsEntries *renew_entries(FactsEntries *entries, uint32_t count)
{
    entries = g_realloc(entries, sizeof *entries + count * sizeof(FactsEntry));
    entries->count = count;
    return entries;
}

static void open_entry(Facts *facts, const Subject *subject)
{
    KnownRecipient *recipient = subject->recipient;
    uint32_t count = count_open(recipient);
    if (find_entry(facts, subject) < count)
        return;
    FactsEntry entry = {subject->node, facts_intern(facts, subject->entry)};
    if (count == 0) {
        recipient->open = FACTS_OPEN_ONE;
        recipient->entries.one = entry;
        return;
    }
    FactsEntries *several = renew_entries(count > 1 ? recipient->entries.several : NULL, count + 1);
    if (count == 1)
        several->at[0] = recipient->entries.one;
    several->at[count] = entry;
    recipient->entries.several = several;
    recipient->open = FACTS_OPEN_SEVERAL;
}

static void close_entry(const Facts *facts, const Subject *subject)
{
    KnownRecipient *recipient = subject->recipient;
    FactsEntry *entries = entries_of(recipient);
    uint32_t i = find_entry(facts, subject), count = count_open(recipient);
    if (i == count)
        return;
    if (count == 1) {
        recipient->open = FACTS_OPEN_NONE;
        return;
    }
    FactsEntries *several = recipient->entries.several;
    entries[i] = entries[--several->count];
    if (several->count == 1) {
        recipient->entries.one = entries[0];
        recipient->open = FACTS_OPEN_ONE;
        g_free(several);
    }
}

/* ---- What is summed up and forgotten ---- */

static SummedGroup *group_of(const Facts *facts, MailId id)
{
    const char *name = roster_name(facts->roster, id);
    for (guint i = 0; i < facts->summed->len; i++) {
        SummedGroup *group = &g_array_index(facts->summed, SummedGroup, i);
        if (group->owns(group->name, name))
            return group;
    }
    return NULL;
}

static bool is_done(const Facts *facts, const KnownMail *mail)
{
    const KnownRecipient *only = &mail->recipients.one;
    return mail->recipient_count == 1 && (only->marks & FACTS_SENT) != 0 &&
           only->open == FACTS_OPEN_NONE && facts_delivery_of(facts, only)->copies == 1;
}

/* The last that is done with the mail of a record: it may be gone afterwards. */
static void forget_if_done(Facts *facts, MailId id)
{
    KnownMail *mail = mail_at(facts, id);
    if (facts->summed->len == 0 || !is_done(facts, mail))
        return;
    SummedGroup *group = group_of(facts, id);
    if (group == NULL)
        return;
    const KnownRecipient *only = &mail->recipients.one;
    SimTime delivered_at = facts_delivery_of(facts, only)->first_at;
    SimTime delay = delivered_at - only->accepted_at;
    g_array_append_val(group->delays, delay);
    if (group->last_delivered_at == SIM_NEVER || delivered_at > group->last_delivered_at)
        group->last_delivered_at = delivered_at;
    if ((only->marks & FACTS_BOUNCED) != 0)
        g_hash_table_remove(facts->bounces, GUINT_TO_POINTER(id));
    clear_mail(facts, mail);
    roster_release(facts->roster, ROSTER_FACTS, id);
    facts->mail_count--;
    facts->shown->is_list_valid = false;
}

void facts_sum_up(Facts *facts, const char *group,
                  bool (*owns)(const char *group, const char *mail))
{
    SummedGroup summed = {g_strdup(group), owns, SIM_NEVER,
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

/* ---- Kinds of records ---- */

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

static void note_composed(Facts *facts, const TraceRecord *record)
{
    const TraceFields_AGENT_COMPOSE *fields = record->fields;
    MailId id = find_or_add_mail(facts, fields->mail);
    KnownMail *mail = mail_at(facts, id);
    mail->from = facts_intern(facts, fields->from);
    bool is_named_so = g_strcmp0(fields->subject, roster_name(facts->roster, id)) == 0;
    mail->subject = is_named_so ? FACTS_OWN_NAME : facts_intern(facts, fields->subject);
    if (fields->to != NULL)
        add_recipients(facts, mail, fields->to);
}

/* Without a recipient it is about all of them. */
static void note_failed(Facts *facts, const TraceRecord *record)
{
    const TraceFields_AGENT_FAILED *fields = record->fields;
    if (fields->mail == NULL || g_strcmp0(fields->action, "submit") != 0)
        return;
    KnownMail *mail = mail_at(facts, find_or_add_mail(facts, fields->mail));
    KnownRecipient *recipients = facts_recipients_of(mail);
    for (uint32_t i = 0; i < mail->recipient_count; i++) {
        if (fields->recipient == NULL ||
            facts_address_matches(facts_text(facts, recipients[i].address), fields->recipient))
            mark(&recipients[i], FACTS_REFUSED);
    }
}

static void note_lost(Facts *facts, const TraceRecord *record)
{
    const TraceFields_AGENT_LOST *fields = record->fields;
    KnownMail *mail = mail_at(facts, find_or_add_mail(facts, fields->mail));
    mark(find_or_add_recipient(facts, mail, fields->recipient), FACTS_LOST);
}

static void note_sent(Facts *facts, const TraceRecord *record)
{
    const TraceFields_AGENT_SENT *fields = record->fields;
    MailId id = roster_find(facts->roster, ROSTER_FACTS, fields->mail);
    if (id == 0)
        return;
    KnownMail *mail = mail_at(facts, id);
    for (uint32_t i = 0; i < mail->recipient_count; i++)
        mark(&facts_recipients_of(mail)[i], FACTS_SENT);
    forget_if_done(facts, id);
}

static void note_accepted(Facts *facts, const TraceRecord *record)
{
    const TraceFields_MAIL_ACCEPTED *fields = record->fields;
    Subject subject =
        subject_of(facts, record->node, fields->mail, fields->recipient, fields->entry);
    KnownMail *mail = mail_at(facts, subject.mail);
    open_entry(facts, &subject);
    if (mail->from == NAME_EMPTY)
        mail->from = facts_intern(facts, fields->sender);
    if (fields->origin == NULL)
        subject.recipient->servers++;
    subject.recipient->accepted_at = MIN(subject.recipient->accepted_at, record->time);
}

/* After a crash an entry that was done may be attempted again: so it is open. */
static void note_attempt(Facts *facts, const TraceRecord *record)
{
    const TraceFields_QUEUE_ATTEMPT *fields = record->fields;
    Subject subject =
        subject_of(facts, record->node, fields->mail, fields->recipient, fields->entry);
    open_entry(facts, &subject);
    if (g_strcmp0(fields->transport, "smtp") != 0)
        return;
    subject.recipient->attempts++;
    subject.recipient->first_attempt_at = MIN(subject.recipient->first_attempt_at, record->time);
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
        mark(subject.recipient, FACTS_OUTSIDE);
    forget_if_done(facts, subject.mail);
}

static void note_expanded(Facts *facts, const TraceRecord *record)
{
    const TraceFields_MAIL_EXPANDED *fields = record->fields;
    Subject subject =
        subject_of(facts, record->node, fields->mail, fields->recipient, fields->entry);
    close_entry(facts, &subject);
    mark(subject.recipient, FACTS_EXPANDED);
}

static void note_delivered(Facts *facts, const TraceRecord *record)
{
    const TraceFields_MAIL_DELIVERED *fields = record->fields;
    Subject subject =
        subject_of(facts, record->node, fields->mail, fields->recipient, fields->entry);
    close_entry(facts, &subject);
    /* Found there by another attempt, it is the copy that was told of, unless a crash forestalled
     * that. */
    FactsDelivery *delivery = take_delivery(facts, subject.recipient);
    if (delivery->copies == 0)
        delivery->first_at = record->time;
    if (fields->found == NULL || delivery->copies == 0)
        delivery->copies++;
    forget_if_done(facts, subject.mail);
}

static void add_bounce(Facts *facts, MailId mail, FactsBounce bounce)
{
    GArray *bounces = g_hash_table_lookup(facts->bounces, GUINT_TO_POINTER(mail));
    if (bounces == NULL) {
        bounces = g_array_new(FALSE, FALSE, sizeof bounce);
        g_hash_table_insert(facts->bounces, GUINT_TO_POINTER(mail), bounces);
    }
    g_array_append_val(bounces, bounce);
}

static void note_bounced(Facts *facts, const TraceRecord *record)
{
    const TraceFields_MAIL_BOUNCED *fields = record->fields;
    Subject subject =
        subject_of(facts, record->node, fields->mail, fields->recipient, fields->entry);
    close_entry(facts, &subject);
    mark(subject.recipient, FACTS_BOUNCED);
    FactsBounce bounce = {
        .at = record->time,
        .name = fields->bounce != NULL ? facts_intern(facts, fields->bounce) : NAME_NONE,
        .recipient =
            (uint32_t)(subject.recipient - facts_recipients_of(mail_at(facts, subject.mail))),
    };
    add_bounce(facts, subject.mail, bounce);
}

static void note_discarded(Facts *facts, const TraceRecord *record)
{
    const TraceFields_MAIL_DISCARDED *fields = record->fields;
    Subject subject =
        subject_of(facts, record->node, fields->mail, fields->recipient, fields->entry);
    close_entry(facts, &subject);
    mark(subject.recipient, FACTS_DISCARDED);
}

static void note_inventory(Facts *facts, const TraceRecord *record)
{
    const TraceFields_STORE_INVENTORY *fields = record->fields;
    if (!fields->is_final || g_strcmp0(fields->place, "queue") != 0)
        return;
    Subject subject =
        subject_of(facts, record->node, fields->mail, fields->recipient, fields->entry);
    mark(subject.recipient, FACTS_HELD);
}

static void note_outside(Facts *facts, const TraceRecord *record)
{
    facts->first_outside = record->node;
}

static void note_end(Facts *facts, const TraceRecord *record)
{
    (void)record;
    facts->has_ended = true;
}

const FactsNote FACTS_MAIL_NOTES[TRACE_KIND_COUNT] = {
    [TRACE_AGENT_COMPOSE] = note_composed,   [TRACE_AGENT_FAILED] = note_failed,
    [TRACE_AGENT_LOST] = note_lost,          [TRACE_AGENT_SENT] = note_sent,
    [TRACE_MAIL_ACCEPTED] = note_accepted,   [TRACE_QUEUE_ATTEMPT] = note_attempt,
    [TRACE_MAIL_RELAYED] = note_relayed,     [TRACE_MAIL_DELIVERED] = note_delivered,
    [TRACE_MAIL_BOUNCED] = note_bounced,     [TRACE_MAIL_DISCARDED] = note_discarded,
    [TRACE_MAIL_EXPANDED] = note_expanded,   [TRACE_STORE_INVENTORY] = note_inventory,
    [TRACE_TIMELINE_OUTSIDE] = note_outside, [TRACE_TIMELINE_END] = note_end,
};
