/* The mail server replaces an address by those that it stands for (mail/address_book.h): the new
 * addresses enter the queue as an entry of their own, and once that is durable the old one is done.
 *
 * For an alias, and for a user who forwards, the envelope's sender and the message stay as they are
 * (RFC 5321 §3.9.1), Received fields included: nothing has been transmitted. So two servers that
 * forward to each other are found out by the number of Received fields (§6.3), and the sender gets
 * one bounce. What the sender asked to be told (RFC 3461) goes along where there is one address;
 * where there are several, without SUCCESS, which "expanded" answers (§5.2.7.2, §5.2.7.3 c).
 *
 * A list redistributes (§3.9.2): the sender is its owner from then on, fields on top say what list
 * it is (RFC 2369, RFC 2919), and Delivered-To (RFC 9228) that it has been here: lists that are
 * members of each other end there. For the author that is final delivery (RFC 3461 §5.2.7.1). A
 * notification sent to the list, which no list should multiply, goes to its owner instead. */
#include "node/mail_server_internal.h"

static bool is_list(const LocalDelivery *local)
{
    return local->lead == LEAD_LIST;
}

/* ---- The list's message ---- */

static void append_text(GByteArray *message, const char *text)
{
    g_byte_array_append(message, (const uint8_t *)text, (guint)strlen(text));
}

/* RFC 2369 §3, RFC 2919 §3. Precedence is no standard, and keeps many answering programs silent. */
static GBytes *list_message(const QueueEntry *entry, const Address *address, const char *list)
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
    GByteArray *message = g_byte_array_new();
    append_text(message, fields);
    g_byte_array_append(message, g_bytes_get_data(entry->message, NULL),
                        (guint)g_bytes_get_size(entry->message));
    return g_byte_array_free_to_bytes(message);
}

/* Whether the list has had the message before. */
static bool was_here(const QueueEntry *entry, const Address *address, const char *list)
{
    g_autofree char *posting = g_strdup_printf("%s@%s", list, address->domain);
    Span message =
        span_of(g_bytes_get_data(entry->message, NULL), g_bytes_get_size(entry->message));
    size_t position = 0;
    Span name, value;
    while (message_next_header(message, &position, &name, &value)) {
        if (!span_equals_text_nocase(name, "Delivered-To"))
            continue;
        g_autofree char *text = span_dup_text(value);
        if (address_texts_equal(g_strstrip(text), posting))
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
        g_strlcpy(owner.local_part, name, sizeof owner.local_part);
        g_autofree char *sender = address_format(&owner);
        envelope = envelope_new(sender);
    } else {
        envelope = envelope_new(before->reverse_path);
        envelope->return_content = before->return_content;
        envelope_set_id(envelope, before->id);
    }
    envelope_set_origin(envelope, local->entry->id, local->recipient,
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
    if (into != NULL) {
        confirm(local);
        queue_expanded(local->entry, local->recipient, into);
    } else if (result == DISK_ERROR) {
        local_delivery_fail(local, false,
                            "the addresses it stands for cannot be written to the queue", "4.3.0");
    } else {
        local_delivery_fail(local, false, "the queue has no room for the addresses it stands for",
                            "4.3.1");
    }
    local_delivery_end(local);
}

static void refuse(LocalDelivery *local, const char *text, const char *status)
{
    local_delivery_fail(local, true, text, status);
    g_ptr_array_remove(local->server->locals, local);
}

void local_delivery_expand(LocalDelivery *local, const Address *address,
                           const AddressMeaning *meaning)
{
    const QueueEntry *entry = local->entry;
    Address target = *address;
    AddressMeaning target_meaning = *meaning;
    if (is_list(local) && entry->envelope->reverse_path[0] == '\0') {
        g_autofree char *name = g_strconcat(meaning->name, "-owner", NULL);
        g_strlcpy(target.local_part, name, sizeof target.local_part);
        target_meaning = address_book_find(local->server->addresses, &target);
        local->lead = LEAD_OWNER;
    }
    if (is_list(local) && was_here(entry, address, meaning->name)) {
        refuse(local, "the list has had this message before: it goes in circles", "5.4.6");
        return;
    }
    g_auto(GStrv) addresses = NULL;
    ExpansionResult result =
        address_book_expand(local->server->addresses, &target, &target_meaning, &addresses);
    if (result != EXPANSION_DONE) {
        refuse(local,
               result == EXPANSION_CIRCLE ? "the address leads to nothing but itself"
                                          : "the address stands for too many others",
               result == EXPANSION_CIRCLE ? "5.4.6" : "5.3.0");
        return;
    }
    local->has_one_address = addresses[1] == NULL;
    g_autoptr(Envelope) envelope = new_envelope(local, address, meaning);
    add_recipients(local, envelope, addresses);
    g_autoptr(GBytes) message =
        is_list(local) ? list_message(entry, address, meaning->name) : g_bytes_ref(entry->message);
    queue_add(local->server->queue, envelope, message, (QueueAdded){expanded, local});
}
