/* What the facts say of mails to whoever asks. See facts.h. */
#include "audit/facts_internal.h"

#include <string.h>

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

void facts_init_questions(Facts *facts)
{
    facts->shown = g_new0(Shown, 1);
    facts->shown->listed = g_array_new(FALSE, FALSE, sizeof(MailId));
}

void facts_clear_questions(Facts *facts)
{
    g_array_unref(facts->shown->listed);
    g_free(facts->shown->recipients);
    g_free(facts->shown);
}

/* ---- All mails ---- */

static KnownMail *mail_at(const Facts *facts, MailId id)
{
    return slab_at(&facts->mails, id);
}

static int compare_order(const void *a, const void *b, void *owner)
{
    uint32_t first = mail_at(owner, *(const MailId *)a)->order;
    uint32_t second = mail_at(owner, *(const MailId *)b)->order;
    return first < second ? -1 : first > second;
}

static const GArray *list_mails(const Facts *facts)
{
    Shown *shown = facts->shown;
    if (shown->is_list_valid)
        return shown->listed;
    g_array_set_size(shown->listed, 0);
    for (MailId id = slab_next(&facts->mails, 0); id != 0; id = slab_next(&facts->mails, id)) {
        if (mail_at(facts, id)->order != 0)
            g_array_append_val(shown->listed, id);
    }
    g_array_sort_with_data(shown->listed, compare_order, (void *)facts);
    shown->is_list_valid = true;
    return shown->listed;
}

size_t facts_mail_count(const Facts *facts)
{
    return facts->mail_count;
}

/* ---- One mail ---- */

static MailFate fate_of(const Facts *facts, const KnownRecipient *recipient)
{
    if (facts_delivery_of(facts, recipient)->copies > 0)
        return MAIL_FATE_DELIVERED;
    if (facts->has_ended ? (recipient->marks & FACTS_HELD) != 0
                         : recipient->open != FACTS_OPEN_NONE)
        return MAIL_FATE_QUEUED;
    if ((recipient->marks & FACTS_BOUNCED) != 0)
        return MAIL_FATE_BOUNCED;
    if ((recipient->marks & FACTS_DISCARDED) != 0)
        return MAIL_FATE_DISCARDED;
    if ((recipient->marks & FACTS_OUTSIDE) != 0)
        return MAIL_FATE_RELAYED;
    if ((recipient->marks & FACTS_EXPANDED) != 0)
        return MAIL_FATE_EXPANDED;
    if (recipient->accepted_at != SIM_NEVER)
        return MAIL_FATE_LOST;
    if ((recipient->marks & FACTS_LOST) != 0)
        return MAIL_FATE_LOST_BY_AGENT;
    return (recipient->marks & FACTS_REFUSED) != 0 ? MAIL_FATE_REFUSED : MAIL_FATE_NONE;
}

static const GArray *bounces_of(const Facts *facts, MailId id)
{
    return g_hash_table_lookup(facts->bounces, GUINT_TO_POINTER(id));
}

/* When it was given up first, and the notification named last. */
static void show_bounce(const Facts *facts, MailId id, uint32_t index, FactsRecipient *recipient)
{
    const GArray *bounces = bounces_of(facts, id);
    for (guint i = 0; i < bounces->len; i++) {
        const FactsBounce *bounce = &g_array_index(bounces, FactsBounce, i);
        if (bounce->recipient != index)
            continue;
        recipient->bounced_at = MIN(recipient->bounced_at, bounce->at);
        if (bounce->name != NAME_NONE)
            recipient->bounce = facts_text(facts, bounce->name);
    }
}

static FactsRecipient show_recipient(const Facts *facts, MailId id, uint32_t index)
{
    const KnownRecipient *recipient = &facts_recipients_of(mail_at(facts, id))[index];
    const FactsDelivery *delivery = facts_delivery_of(facts, recipient);
    FactsRecipient shown = {
        .address = facts_text(facts, recipient->address),
        .fate = fate_of(facts, recipient),
        .attempts = recipient->attempts,
        .copies = delivery->copies,
        .servers = recipient->servers,
        .accepted_at = recipient->accepted_at,
        .first_attempt_at = recipient->first_attempt_at,
        .delivered_at = delivery->copies > 0 ? delivery->first_at : SIM_NEVER,
        .bounced_at = SIM_NEVER,
    };
    if ((recipient->marks & FACTS_BOUNCED) != 0)
        show_bounce(facts, id, index, &shown);
    return shown;
}

static const FactsMail *show_mail(const Facts *facts, MailId id)
{
    Shown *shown = facts->shown;
    const KnownMail *mail = mail_at(facts, id);
    if (mail->recipient_count > shown->room) {
        shown->room = MAX(2 * shown->room, mail->recipient_count);
        shown->recipients = g_renew(FactsRecipient, shown->recipients, shown->room);
    }
    for (uint32_t i = 0; i < mail->recipient_count; i++)
        shown->recipients[i] = show_recipient(facts, id, i);
    const char *name = roster_name(facts->roster, id);
    shown->mail = (FactsMail){
        .name = name,
        .from = facts_text(facts, mail->from),
        .subject = mail->subject == FACTS_OWN_NAME ? name : facts_text(facts, mail->subject),
        .recipients = shown->recipients,
        .recipient_count = mail->recipient_count,
    };
    return &shown->mail;
}

const FactsMail *facts_mail_at(const Facts *facts, size_t index)
{
    return show_mail(facts, g_array_index(list_mails(facts), MailId, index));
}

const FactsMail *facts_find_mail(const Facts *facts, const char *name)
{
    MailId id = roster_find(facts->roster, ROSTER_FACTS, name);
    return id != 0 ? show_mail(facts, id) : NULL;
}

const FactsRecipient *facts_find_recipient(const FactsMail *mail, const char *address)
{
    for (size_t i = 0; i < mail->recipient_count; i++) {
        if (facts_address_matches(mail->recipients[i].address, address))
            return &mail->recipients[i];
    }
    return NULL;
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
    MailId id = roster_find(facts->roster, ROSTER_FACTS, mail);
    const GArray *bounces = id != 0 ? bounces_of(facts, id) : NULL;
    guint length = bounces != NULL ? bounces->len : 0;
    g_autoptr(GPtrArray) names = g_ptr_array_new();
    for (guint i = 0; i < length; i++) {
        const char *name = facts_text(facts, g_array_index(bounces, FactsBounce, i).name);
        if (name != NULL && !g_ptr_array_find(names, name, NULL))
            g_ptr_array_add(names, (char *)name);
    }
    g_ptr_array_add(names, NULL);
    return (const char **)g_ptr_array_free(g_steal_pointer(&names), FALSE);
}
