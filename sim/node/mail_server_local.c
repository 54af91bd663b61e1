/* The mail server delivers into its own mailboxes: final delivery (RFC 5321 §4.4), with the
 * Return-Path field on top. An address that leads on is expanded instead
 * (mail_server_expand.c). */
#include "node/mail_server_internal.h"

#include <string.h>

void local_delivery_free(void *pointer)
{
    LocalDelivery *local = pointer;
    if (local->sharers != NULL)
        g_array_unref(local->sharers);
    g_free(local);
}

void local_delivery_remove(LocalDelivery *local)
{
    g_queue_unlink(&local->server->locals, &local->link);
    local_delivery_free(local);
}

/* ---- For whom ---- */

/* The recipients whose attempt this is. */
static size_t count_recipients(const LocalDelivery *local)
{
    return 1 + (local->sharers != NULL ? local->sharers->len : 0);
}

static size_t recipient_at(const LocalDelivery *local, size_t index)
{
    return index == 0 ? local->recipient : g_array_index(local->sharers, size_t, index - 1);
}

static const char *address_of(const QueueEntry *entry, size_t recipient)
{
    return entry->envelope->recipients[recipient].address;
}

static bool is_other_spelling(const QueueEntry *entry, size_t recipient, size_t other)
{
    return g_ascii_strcasecmp(address_of(entry, recipient), address_of(entry, other)) == 0;
}

/* ---- What is stored ---- */

/* There is one Return-Path (RFC 5321 §4.4): those that came with the message are left out. `stored`
 * has room for all of it; returns how much is written. */
static size_t copy_without_return_path(uint8_t *stored, Span message)
{
    size_t position = 0, kept = 0, length = 0;
    Span name, value;
    while (message_next_header_named(message, "Return-Path", &position, &name, &value)) {
        size_t start = (size_t)(name.data - message.data);
        memcpy(stored + length, message.data + kept, start - kept);
        length += start - kept;
        kept = position;
    }
    memcpy(stored + length, message.data + kept, message.length - kept);
    return length + message.length - kept;
}

static StoredMessage *with_return_path(const QueueEntry *entry)
{
    if (stored_message_path_length(entry->message) > 0)
        return stored_message_ref(entry->message);
    g_autofree char *field = message_format_return_path(entry->envelope->reverse_path);
    g_autoptr(Octets) octets = stored_message_join(entry->message);
    Octets *stored = octets_allocate(octets_length(octets));
    stored->length = copy_without_return_path(stored->here, span_of_octets(octets));
    Slice rest = {stored, 0, stored->length};
    return stored_message_new(NULL, field, (Span){0}, (Span){0}, rest);
}

/* ---- Outcomes ---- */

void local_delivery_fail(const LocalDelivery *local, bool is_final, const char *text,
                         const char *status, uint64_t because)
{
    MailServer *server = local->server;
    GPtrArray *bounces = NULL, *warnings = NULL;
    for (size_t i = 0; i < count_recipients(local); i++) {
        Failure *failure = failure_new(recipient_at(local, i), text, status, NULL, false, because);
        if (is_final) {
            failures_add(&bounces, failure);
        } else {
            mail_server_defer(server, local->entry, failure, &bounces, &warnings);
            failure_free(failure);
        }
    }
    mail_server_warn_take(server, local->entry, warnings);
    mail_server_bounce_take(server, local->entry, bounces);
}

void local_delivery_end(LocalDelivery *local)
{
    MailServer *server = local->server;
    local_delivery_remove(local);
    mail_server_run_queue(server);
    mail_server_settle(server);
}

/* The one copy is that of all who share it. With the last of them the entry may go. `found` is as
 * for queue_delivered. */
static void report_delivered(const LocalDelivery *local, uint32_t uid, const char *found)
{
    Cause *cause = simulator_cause(local->server->machine.simulator);
    Cause before = *cause;
    for (size_t i = 0; i < count_recipients(local); i++)
        mail_server_confirm(local->server, local->entry, recipient_at(local, i), DSN_DELIVERED,
                            NULL, NULL);
    mail_server_answer(local->server, local->entry, local->recipient, local->user);
    for (size_t i = 0; i < count_recipients(local); i++) {
        *cause = before;
        queue_delivered(local->entry, recipient_at(local, i), uid, found);
    }
}

/* The user may have removed it meanwhile, or the disk has failed: the next attempt will see. */
static void settled(void *owner, MailResult result, const uint32_t *uids, size_t count)
{
    LocalDelivery *local = owner;
    if (result == MAIL_OK && count > 0)
        report_delivered(local, uids[0], "as an attempt before had left it");
    else
        local_delivery_fail(local, false, "the mailbox cannot be written", "4.3.0",
                            mail_store_failure(local->server->mailboxes));
    local_delivery_end(local);
}

static void stored(void *owner, MailResult result, const uint32_t *uids, size_t count)
{
    LocalDelivery *local = owner;
    uint64_t failure = mail_store_failure(local->server->mailboxes);
    if (result == MAIL_OK && count > 0) {
        report_delivered(local, uids[0], NULL);
    } else if (result == MAIL_FAILED) {
        local_delivery_fail(local, false, "the mailbox cannot be written", "4.3.0", failure);
    } else {
        local_delivery_fail(local, false, "the mailbox has no room", "4.2.2", failure);
    }
    local_delivery_end(local);
}

/* RCPT has been asked about the quota, but two messages may come at the same time. */
static bool has_no_room(const MailServer *server, const char *mailbox, uint64_t size)
{
    uint64_t quota = mail_server_quota_of(server, mailbox);
    return quota > 0 && mail_store_used(server->mailboxes, mailbox) + size > quota;
}

static void refuse_for_quota(LocalDelivery *local, const char *mailbox, uint64_t size)
{
    const MailServer *server = local->server;
    uint64_t quota = mail_server_quota_of(server, mailbox);
    SmtpReply reply = policy_quota_reply(server->policy, size, quota);
    g_autofree char *text = span_dup_text(reply.text);
    g_autofree char *status = g_strdup_printf("%u.%u.%u", reply.enhanced.class,
                                              reply.enhanced.subject, reply.enhanced.detail);
    uint64_t because = size <= quota ? mail_store_last_stored(server->mailboxes, mailbox) : 0;
    local_delivery_fail(local, reply.code >= 500, text, status, because);
    local_delivery_remove(local);
}

/* Whether an attempt before has put it there: a crash may have lost the note of that, a failing
 * disk may not have let a message go that it could not take as a whole. */
static bool is_there(const LocalDelivery *local, const char *mailbox, MailOrigin origin)
{
    const QueueEntry *entry = local->entry;
    bool may_be_there = entry->is_recovered || entry->recipients[local->recipient].attempts > 0;
    return may_be_there && mail_store_has_delivery(local->server->mailboxes, mailbox, origin);
}

/* Recipients that share a copy have one origin, whichever of them is left to be attempted. */
static MailOrigin origin_of(const LocalDelivery *local)
{
    MailOrigin origin = {0};
    size_t first = 0;
    while (first < local->recipient && !is_other_spelling(local->entry, first, local->recipient))
        first++;
    spool_id_numbers(queue_entry_id(local->entry), &origin.start, &origin.number);
    origin.recipient = (uint32_t)first;
    return origin;
}

static void store(LocalDelivery *local, const char *mailbox)
{
    MailServer *server = local->server;
    MailOrigin origin = origin_of(local);
    if (is_there(local, mailbox, origin)) {
        mail_store_settle(server->mailboxes, mailbox, origin, (MailDone){settled, local});
        return;
    }
    g_autoptr(StoredMessage) message = with_return_path(local->entry);
    uint64_t size = stored_message_delivered_size(message);
    /* In a long one, the field on top may have moved it out of what is looked at. */
    const char *mail = size <= MESSAGE_HEADER_MAX ? queue_entry_mail(local->entry) : NULL;
    if (has_no_room(server, mailbox, size))
        refuse_for_quota(local, mailbox, size);
    else
        mail_store_deliver(server->mailboxes, mailbox, "INBOX", message, mail, origin,
                           simulator_now(server->machine.simulator), (MailDone){stored, local});
}

/* ---- The attempt ---- */

/* Whether an earlier recipient of the batch takes this one along. */
static bool has_earlier_spelling(const QueueBatch *batch, size_t index)
{
    for (size_t i = 0; i < index; i++) {
        if (is_other_spelling(batch->entry, batch->recipients[i], batch->recipients[index]))
            return true;
    }
    return false;
}

/* Takes those along that are later in the batch, and records their attempts. */
static void take_sharers(LocalDelivery *local, const QueueBatch *batch, size_t index)
{
    Cause *cause = simulator_cause(local->server->machine.simulator);
    Cause before = *cause;
    for (size_t i = index + 1; i < batch->count; i++) {
        size_t other = batch->recipients[i];
        if (!is_other_spelling(batch->entry, local->recipient, other))
            continue;
        if (local->sharers == NULL)
            local->sharers = g_array_new(FALSE, FALSE, sizeof(size_t));
        g_array_append_val(local->sharers, other);
        queue_begin_attempt(local->entry, other, "local", batch->domain);
        *cause = before;
    }
}

static AddressMeaning find_meaning(const MailServer *server, const char *text, Address *address)
{
    if (address_parse(span_of_text(text), address) != ADDRESS_OK)
        return (AddressMeaning){.lead = LEAD_NOWHERE};
    return address_book_find(server->addresses, address);
}

/* Local-parts that differ by case alone are one here (mail/address_book.h), and are given one copy.
 */
static void deliver(MailServer *server, const QueueBatch *batch, size_t index)
{
    QueueEntry *entry = batch->entry;
    size_t recipient = batch->recipients[index];
    Address address;
    AddressMeaning meaning = find_meaning(server, address_of(entry, recipient), &address);
    /* What comes from an expansion has been followed to its end, but for lists: an address of a
     * user who forwards stands there for the mailbox itself. */
    bool is_end = envelope_origin(entry->envelope)->entry != NULL && meaning.lead == LEAD_FORWARD;
    bool is_mailbox = meaning.lead == LEAD_MAILBOX || is_end;
    if (is_mailbox && has_earlier_spelling(batch, index))
        return;
    LocalDelivery *local = g_new(LocalDelivery, 1);
    *local = (LocalDelivery){.server = server,
                             .entry = entry,
                             .recipient = recipient,
                             .lead = meaning.lead,
                             .user = meaning.name};
    if (is_mailbox)
        take_sharers(local, batch, index);
    queue_begin_attempt(entry, recipient, "local", batch->domain);
    if (meaning.name == NULL) {
        local_delivery_fail(local, true, "no such user here", "5.1.1", 0);
        local_delivery_free(local);
        return;
    }
    local->link.data = local;
    g_queue_push_tail_link(&server->locals, &local->link);
    if (is_mailbox)
        store(local, meaning.name);
    else
        local_delivery_expand(local, &address, &meaning);
}

void mail_server_deliver_locally(MailServer *server, const QueueBatch *batch)
{
    Cause *cause = simulator_cause(server->machine.simulator);
    Cause before = *cause;
    for (size_t i = 0; i < batch->count; i++) {
        *cause = before;
        deliver(server, batch, i);
    }
}
