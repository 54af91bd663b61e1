/* The mail server delivers into its own mailboxes: final delivery (RFC 5321 §4.4), with the
 * Return-Path field on top. */
#include "node/mail_server_internal.h"

typedef struct LocalDelivery {
    MailServer *server;
    QueueEntry *entry;
    size_t recipient;
} LocalDelivery;

void local_delivery_free(void *local)
{
    g_free(local);
}

/* There is one Return-Path (RFC 5321 §4.4): those that came with the message are left out. */
static void append_without_return_path(GByteArray *stored, Span message)
{
    size_t position = 0, kept = 0;
    Span name, value;
    while (message_next_header(message, &position, &name, &value)) {
        if (!span_equals_text_nocase(name, "Return-Path"))
            continue;
        size_t start = (size_t)(name.data - message.data);
        g_byte_array_append(stored, message.data + kept, (guint)(start - kept));
        kept = position;
    }
    g_byte_array_append(stored, message.data + kept, (guint)(message.length - kept));
}

static GBytes *with_return_path(const QueueEntry *entry)
{
    g_autofree char *field = message_format_return_path(entry->envelope->reverse_path);
    GByteArray *message = g_byte_array_new();
    g_byte_array_append(message, (const uint8_t *)field, (guint)strlen(field));
    append_without_return_path(
        message, span_of(g_bytes_get_data(entry->message, NULL), g_bytes_get_size(entry->message)));
    /* Copied to measure, without the array's reserve: it stays in the mailbox. */
    GBytes *bytes = g_bytes_new(message->data, message->len);
    g_byte_array_unref(message);
    return bytes;
}

static void fail(LocalDelivery *local, bool is_final, const char *text, const char *status)
{
    MailServer *server = local->server;
    GPtrArray *bounces = g_ptr_array_new_with_free_func(failure_free);
    GPtrArray *warnings = g_ptr_array_new_with_free_func(failure_free);
    Failure *failure = failure_new(local->recipient, text, status, NULL, false, 0);
    if (is_final) {
        g_ptr_array_add(bounces, failure);
    } else {
        mail_server_defer(server, local->entry, failure, bounces, warnings);
        failure_free(failure);
    }
    mail_server_warn_take(server, local->entry, warnings);
    mail_server_bounce_take(server, local->entry, bounces);
}

static void stored(void *owner, MailResult result, const uint32_t *uids, size_t count)
{
    LocalDelivery *local = owner;
    MailServer *server = local->server;
    if (result == MAIL_OK && count > 0) {
        mail_server_confirm(server, local->entry, local->recipient, DSN_DELIVERED, NULL, NULL);
        queue_delivered(local->entry, local->recipient, uids[0], 0);
    } else {
        fail(local, false, "the mailbox has no room", "4.2.2");
    }
    g_ptr_array_remove(server->locals, local);
    mail_server_run_queue(server);
    mail_server_settle(server);
}

static void deliver(MailServer *server, QueueEntry *entry, size_t recipient, const char *domain)
{
    LocalDelivery *local = g_new0(LocalDelivery, 1);
    *local = (LocalDelivery){server, entry, recipient};
    queue_begin_attempt(entry, recipient, "local", domain);
    Address address;
    const char *mailbox = NULL;
    if (address_parse(span_of_text(entry->envelope->recipients[recipient].address), &address) ==
        ADDRESS_OK)
        mailbox = mail_server_find_mailbox(server, address.local_part, address.domain);
    if (mailbox == NULL) {
        fail(local, true, "no such user here", "5.1.1");
        g_free(local);
        return;
    }
    g_ptr_array_add(server->locals, local);
    g_autoptr(GBytes) message = with_return_path(entry);
    mail_store_deliver(server->mailboxes, mailbox, "INBOX", message, 0,
                       simulator_now(server->machine.simulator), (MailDone){stored, local});
}

void mail_server_deliver_locally(MailServer *server, const QueueBatch *batch)
{
    Cause *cause = simulator_cause(server->machine.simulator);
    Cause before = *cause;
    for (size_t i = 0; i < batch->count; i++) {
        *cause = before;
        deliver(server, batch->entry, batch->recipients[i], batch->domain);
    }
}
