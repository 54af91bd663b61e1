/* Answers for users who are away (RFC 3834): one to each sender within some days, and none that
 * could set another program off.
 *
 * What may be answered mail/auto_reply.h says. The answer goes to the envelope's sender (§4) with
 * the null reverse-path (§3.3) and Auto-Submitted (§5), so no server bounces it and no other such
 * program answers it. That the sender has been answered is durable first, then the answer enters
 * the queue: a crash between the two costs an answer, and never sends two; the mail itself is safe
 * in the mailbox, and no program waits for the answer. */
#include "node/mail_server_internal.h"

#include "mail/auto_reply.h"

typedef struct Answer {
    MailServer *server;
    char *mail, *recipient, *entry, *name, *to;
    Octets *message;
} Answer;

void answer_free(void *pointer)
{
    Answer *answer = pointer;
    g_free(answer->mail);
    g_free(answer->recipient);
    g_free(answer->entry);
    g_free(answer->name);
    g_free(answer->to);
    if (answer->message != NULL)
        octets_unref(answer->message);
    g_free(answer);
}

/* ---- Whether ---- */

/* The user's vacation when answers are sent now; NULL: they are not. */
static const MailServerVacation *find_vacation(const MailServer *server, const char *user)
{
    SimTime now = simulator_now(server->machine.simulator);
    for (guint i = 0; i < server->users->len; i++) {
        const MailServerCredential *known = &g_array_index(server->users, MailServerCredential, i);
        const MailServerVacation *vacation = &known->vacation;
        if (g_ascii_strcasecmp(known->name, user) == 0)
            return vacation->body != NULL && now >= vacation->from && now < vacation->until
                       ? vacation
                       : NULL;
    }
    return NULL;
}

typedef struct OwnAddresses {
    const MailServer *server;
    const char *user;
} OwnAddresses;

static bool is_own(void *owner, const Address *address)
{
    const OwnAddresses *own = owner;
    AddressMeaning meaning = address_book_find(own->server->addresses, address);
    return (meaning.lead == LEAD_MAILBOX || meaning.lead == LEAD_FORWARD) &&
           g_ascii_strcasecmp(meaning.name, own->user) == 0;
}

/* NULL: it may be answered. */
static const char *find_rule(MailServer *server, const QueueEntry *entry, const char *user,
                             const MailServerVacation *vacation)
{
    OwnAddresses own = {server, user};
    g_autoptr(Octets) octets = stored_message_join(entry->message);
    Span message = span_of_octets(octets);
    const char *sender = entry->envelope->reverse_path;
    const char *rule = auto_reply_find_rule(message, sender, &(AutoReplyUser){is_own, &own});
    if (rule != NULL)
        return rule;
    SimTime last = answered_last(server->answered, user, sender);
    SimTime now = simulator_now(server->machine.simulator);
    bool is_recent = last != SIM_NEVER && now < simtime_add(last, vacation->again_after);
    return is_recent ? "the sender has had this answer lately (RFC 3834 §2)" : NULL;
}

/* ---- What ---- */

/* One line of text, whatever a peer has put into the field. */
static char *answer_subject(Span message, const MailServerVacation *vacation)
{
    g_autofree char *subject = message_dup_header_shown(message, "Subject");
    char *text = vacation->subject != NULL ? g_strdup(vacation->subject)
                                           : g_strconcat("Auto: ", subject, NULL);
    for (char *c = text; *c != '\0'; c++) {
        if (g_ascii_iscntrl(*c))
            *c = ' ';
    }
    return text;
}

/* `lunch@naver.example`, without brackets; NULL when there is none. To free. */
static char *message_id_of(Span message)
{
    g_autofree char *id = message_dup_header(message, "Message-ID");
    char *open = id != NULL ? strchr(id, '<') : NULL;
    char *close = open != NULL ? strchr(open, '>') : NULL;
    return close != NULL ? g_strndup(open + 1, (gsize)(close - open - 1)) : NULL;
}

static Octets *compose(const MailServer *server, const QueueEntry *entry, const Answer *answer,
                       const MailServerVacation *vacation)
{
    const Machine *machine = &server->machine;
    g_autoptr(Octets) octets = stored_message_join(entry->message);
    Span message = span_of_octets(octets);
    g_autofree char *subject = answer_subject(message, vacation);
    g_autofree char *id = message_id_of(message);
    g_autofree char *own_id = g_strdup_printf("%s@%s", answer->name, host_name(machine->host));
    MessageMailbox to = {NULL, answer->to};
    MessageField field = {"Auto-Submitted", "auto-replied"};
    MessageDraft draft = {
        .from = {NULL, answer->recipient},
        .to = &to,
        .to_count = 1,
        .subject = subject,
        .body = vacation->body,
        .message_id = own_id,
        .in_reply_to = id,
        .references = id,
        .fields = &field,
        .field_count = 1,
        .date_unix = machine_unix_now(machine),
        .utc_offset_minutes = machine->clock.utc_offset_minutes,
        .boundary_seed = answer->name,
    };
    Octets *composed = message_compose(&draft, NULL);
    if (composed != NULL)
        return composed;
    draft.in_reply_to = draft.references = NULL; /* the peer's Message-ID is none */
    return message_compose(&draft, NULL);
}

/* ---- The steps ---- */

static void answer_end(Answer *answer)
{
    MailServer *server = answer->server;
    g_ptr_array_remove(server->answers, answer);
    mail_server_run_queue(server);
    mail_server_settle(server);
}

static void answer_added(void *owner, QueueEntry *added, DiskResult result)
{
    (void)result;
    Answer *answer = owner;
    const MailServer *server = answer->server;
    if (added != NULL)
        TRACE(server->machine.trace, server->machine.node, MAIL_ANSWERED, 0, .mail = answer->mail,
              .recipient = answer->recipient, .entry = answer->entry, .answer = answer->name);
    answer_end(answer);
}

static void answer_noted(void *owner, DiskResult result)
{
    Answer *answer = owner;
    if (result != DISK_OK) {
        answer_end(answer);
        return;
    }
    g_autoptr(Envelope) envelope = envelope_new("");
    envelope_add_recipient(envelope, answer->to, NOTIFY_NEVER, NULL);
    g_autoptr(StoredMessage) message = stored_message_of_octets(answer->message);
    queue_add(answer->server->queue, envelope, (QueueMessage){.message = message},
              (QueueAdded){answer_added, answer});
}

/* `lunch.vacation`; `lunch.vacation-2` of the second recipient. */
static char *answer_name(const QueueEntry *entry, size_t recipient)
{
    return recipient == 0
               ? g_strdup_printf("%s.vacation", queue_entry_mail(entry))
               : g_strdup_printf("%s.vacation-%zu", queue_entry_mail(entry), recipient + 1);
}

static void begin(MailServer *server, const QueueEntry *entry, size_t recipient, const char *user,
                  const MailServerVacation *vacation)
{
    Answer *answer = g_new0(Answer, 1);
    *answer = (Answer){
        .server = server,
        .mail = g_strdup(queue_entry_mail(entry)),
        .recipient = g_strdup(entry->envelope->recipients[recipient].address),
        .entry = g_strdup(queue_entry_id(entry)),
        .name = answer_name(entry, recipient),
        .to = g_strdup(entry->envelope->reverse_path),
    };
    answer->message = compose(server, entry, answer, vacation);
    if (answer->message == NULL) { /* an address or name that no message can carry */
        answer_free(answer);
        return;
    }
    g_ptr_array_add(server->answers, answer);
    answered_note(server->answered, user, answer->to, simulator_now(server->machine.simulator),
                  (DiskDone){answer_noted, answer});
}

void mail_server_answer(MailServer *server, const QueueEntry *entry, size_t recipient,
                        const char *user)
{
    const MailServerVacation *vacation = find_vacation(server, user);
    if (vacation == NULL)
        return;
    Cause *cause = simulator_cause(server->machine.simulator);
    Cause before = *cause;
    const char *rule = find_rule(server, entry, user, vacation);
    if (rule == NULL)
        begin(server, entry, recipient, user, vacation);
    else
        TRACE(server->machine.trace, server->machine.node, MAIL_UNANSWERED, 0,
              .mail = queue_entry_mail(entry),
              .recipient = entry->envelope->recipients[recipient].address,
              .entry = queue_entry_id(entry), .rule = rule);
    *cause = before;
}
