/* The mail server replaces an address by those that it stands for (mail/address_book.h): the new
 * addresses enter the queue as an entry of their own, and once that is durable the old one is done.
 *
 * For an alias, and for a user who forwards, the envelope's sender and the message stay as they are
 * (RFC 5321 §3.9.1), Received fields included: nothing has been transmitted. So two servers that
 * forward to each other are found out by the number of Received fields (§6.3), and the sender gets
 * one bounce. Where there are several addresses, that would be too late, since each turn makes more
 * copies: then a Delivered-To field (RFC 9228) says, as with Postfix, what the message has been
 * through, and an address that finds its own refuses the message. What the sender asked to be told
 * (RFC 3461) goes along where there is one address; where there are several, without SUCCESS, which
 * "expanded" answers (§5.2.7.2, §5.2.7.3 c).
 *
 * A list redistributes (§3.9.2): the sender is its owner from then on, fields on top say what list
 * it is (RFC 2369, RFC 2919), and Delivered-To that it has been here: lists that are members of
 * each other end there. For the author that is final delivery (RFC 3461 §5.2.7.1). A notification
 * sent to the list, which no list should multiply, goes to its owner instead; where that leads back
 * to the list, or to a list of which it is the owner, it goes nowhere. */
#include "node/mail_server_internal.h"

static bool is_list(const LocalDelivery *local)
{
    return local->lead == LEAD_LIST;
}

/* ---- The message ---- */

/* The address as Delivered-To has it: of a list, alias or user without what is behind a `+`. To
 * free. */
static char *delivered_to(const Address *address, const AddressMeaning *meaning)
{
    Address own = *address;
    if (meaning->lead != LEAD_OWNER)
        address_set_local_part(&own, meaning->name);
    return address_format(&own);
}

/* RFC 2369 §3, RFC 2919 §3. Precedence is no standard, and keeps many answering programs silent. */
static StoredMessage *list_message(const QueueEntry *entry, const Address *address,
                                   const char *list)
{
    g_autofree char *fields =
        g_strdup_printf("Delivered-To: %s@%s\r\n"
                        "List-Id: <%s.%s>\r\n"
                        "List-Post: <mailto:%s@%s>\r\n"
                        "List-Owner: <mailto:%s-owner@%s>\r\n"
                        "List-Unsubscribe: <mailto:%s-request@%s>\r\n"
                        "Precedence: list\r\n",
                        list, address->domain, list, address->domain, list, address->domain, list,
                        address->domain, list, address->domain);
    return stored_message_with_fields(entry->message, span_of_text(fields));
}

static StoredMessage *new_message(const LocalDelivery *local, const Address *address,
                                  const AddressMeaning *meaning)
{
    if (is_list(local))
        return list_message(local->entry, address, meaning->name);
    if (local->has_one_address)
        return stored_message_ref(local->entry->message);
    g_autofree char *own = delivered_to(address, meaning);
    g_autofree char *field = g_strdup_printf("Delivered-To: %s\r\n", own);
    return stored_message_with_fields(local->entry->message, span_of_text(field));
}

/* Whether the address has had the message before. */
static bool was_here(const QueueEntry *entry, const Address *address, const AddressMeaning *meaning)
{
    g_autofree char *own = delivered_to(address, meaning);
    g_autoptr(Octets) octets = stored_message_join(entry->message);
    Span message = span_of_octets(octets);
    size_t position = 0;
    Span name, value;
    while (message_next_header_named(message, "Delivered-To", &position, &name, &value)) {
        g_autofree char *text = span_dup_text(value);
        if (address_texts_equal(g_strstrip(text), own))
            return true;
    }
    return false;
}

/* ---- The envelope ---- */

static Envelope *new_envelope(const LocalDelivery *local, const Address *address,
                              const AddressMeaning *meaning)
{
    const Envelope *before = local->entry->envelope;
    Envelope *envelope;
    if (is_list(local)) {
        Address owner = *address;
        g_autofree char *name = g_strconcat(meaning->name, "-owner", NULL);
        address_set_local_part(&owner, name);
        g_autofree char *sender = address_format(&owner);
        envelope = envelope_new(sender);
    } else {
        envelope = envelope_new(before->reverse_path);
        envelope->return_content = before->return_content;
        envelope_set_id(envelope, envelope_id(before));
    }
    envelope_set_origin(envelope, queue_entry_id(local->entry), local->recipient,
                        address_lead_text(local->lead));
    return envelope;
}

/* Several addresses: SUCCESS is not asked of them, and NEVER stays (RFC 3461 §5.2.7.3). */
static void add_recipients(const LocalDelivery *local, Envelope *envelope, char **addresses)
{
    const Recipient *before = &local->entry->envelope->recipients[local->recipient];
    uint8_t notify = before->notify;
    if (!local->has_one_address && notify == NOTIFY_SUCCESS)
        notify = NOTIFY_NEVER; /* neither failure nor delay was asked for */
    else if (!local->has_one_address)
        notify &= (uint8_t)~NOTIFY_SUCCESS;
    for (char **to = addresses; *to != NULL; to++)
        envelope_add_recipient(envelope, *to, is_list(local) ? 0 : notify,
                               is_list(local) ? NULL : before->original);
}

/* ---- The step ---- */

/* A list is where the author's message ends; an alias of several addresses is told of too. */
static void confirm(const LocalDelivery *local)
{
    if (is_list(local))
        mail_server_confirm(local->server, local->entry, local->recipient, DSN_DELIVERED, NULL,
                            NULL);
    else if (!local->has_one_address)
        mail_server_confirm(local->server, local->entry, local->recipient, DSN_EXPANDED, NULL,
                            NULL);
}

static void expanded(void *owner, QueueEntry *into, DiskResult result)
{
    LocalDelivery *local = owner;
    uint64_t failure = disk_last_failure(local->server->disk);
    if (into != NULL) {
        confirm(local);
        queue_expanded(local->entry, local->recipient, into);
    } else if (result == DISK_ERROR) {
        local_delivery_fail(local, false,
                            "the addresses it stands for cannot be written to the queue", "4.3.0",
                            failure);
    } else {
        local_delivery_fail(local, false, "the queue has no room for the addresses it stands for",
                            "4.3.1", failure);
    }
    local_delivery_end(local);
}

static void refuse(LocalDelivery *local, const char *text, const char *status)
{
    local_delivery_fail(local, true, text, status, 0);
    local_delivery_remove(local);
}

/* NULL: nothing is in the way of expanding to `addresses` (NULL: there are none). */
static const char *find_circle(const LocalDelivery *local, const Address *address,
                               const AddressMeaning *meaning, char **addresses)
{
    if (addresses == NULL)
        return "the address leads to nothing but itself";
    bool is_marked = is_list(local) || !local->has_one_address;
    if (!is_marked || !was_here(local->entry, address, meaning))
        return NULL;
    return is_list(local) ? "the list has had this message before: it goes in circles"
                          : "the address has had this message before: it goes in circles";
}

/* Of a notification the list's owner is the target. */
static void turn_to_owner(LocalDelivery *local, Address *target, AddressMeaning *meaning)
{
    g_autofree char *name = g_strconcat(meaning->name, "-owner", NULL);
    address_set_local_part(target, name);
    *meaning = address_book_find(local->server->addresses, target);
    local->lead = LEAD_OWNER;
}

void local_delivery_expand(LocalDelivery *local, const Address *address,
                           const AddressMeaning *meaning)
{
    bool is_notification = local->entry->envelope->reverse_path[0] == '\0';
    Address target = *address;
    AddressMeaning target_meaning = *meaning;
    if (is_list(local) && is_notification)
        turn_to_owner(local, &target, &target_meaning);
    g_auto(GStrv) addresses = NULL;
    ExpansionResult result =
        address_book_expand(local->server->addresses, &target, &target_meaning,
                            is_notification ? LISTS_FOR_OWNERS : LISTS_STAY, &addresses);
    if (result == EXPANSION_TOO_MANY) {
        refuse(local, "the address stands for too many others", "5.3.0");
        return;
    }
    local->has_one_address = addresses != NULL && addresses[1] == NULL;
    const char *circle = find_circle(local, &target, &target_meaning, addresses);
    if (circle != NULL) {
        refuse(local, circle, "5.4.6");
        return;
    }
    g_autoptr(Envelope) envelope = new_envelope(local, address, meaning);
    add_recipients(local, envelope, addresses);
    g_autoptr(StoredMessage) message = new_message(local, &target, &target_meaning);
    queue_add(local->server->queue, envelope, (QueueMessage){.message = message},
              (QueueAdded){expanded, local});
}
