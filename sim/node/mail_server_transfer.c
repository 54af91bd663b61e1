/* A transfer: one message on its way to those of its recipients who are in one domain, over a
 * connection that mail_server_connections.c gives it; and the failures that it meets with. */
#include "node/mail_server_internal.h"

#include "core/rare.h"

#include <string.h>

Failure *failure_new(size_t recipient, const char *text, const char *status, const char *remote,
                     bool is_reply, uint64_t because)
{
    Failure *failure = g_new0(Failure, 1);
    failure->recipient = recipient;
    failure->text = g_strdup(text);
    failure->status = g_strdup(status);
    failure->remote = g_strdup(remote);
    failure->is_reply = is_reply;
    failure->because = because;
    return failure;
}

void failure_free(void *pointer)
{
    Failure *failure = pointer;
    g_free(failure->text);
    g_free(failure->status);
    g_free(failure->remote);
    g_free(failure);
}

void failures_add(GPtrArray **failures, Failure *failure)
{
    if (*failures == NULL)
        *failures = g_ptr_array_new_with_free_func(failure_free);
    g_ptr_array_add(*failures, failure);
}

static Failure *failure_copy(const Failure *failure)
{
    return failure_new(failure->recipient, failure->text, failure->status, failure->remote,
                       failure->is_reply, failure->because);
}

void mail_server_defer(MailServer *server, QueueEntry *entry, const Failure *failure,
                       GPtrArray **bounces, GPtrArray **warnings)
{
    (void)server;
    switch (queue_defer(entry, failure->recipient, span_of_text(failure->text), failure->because)) {
    case QUEUE_DEFERRED:
        break;
    case QUEUE_DEFERRED_WARN:
        failures_add(warnings, failure_copy(failure));
        break;
    case QUEUE_EXPIRED: {
        Failure *last = failure_copy(failure);
        last->has_expired = true;
        failures_add(bounces, last);
        break;
    }
    }
}

/* ---- One transfer ---- */

void transfer_free(Transfer *transfer)
{
    envelope_free(transfer->envelope);
    stored_message_unref(transfer->message);
    for (size_t i = 0; transfer->original_recipients != NULL && i < transfer->batch->count; i++)
        g_free(transfer->original_recipients[i]);
    free_rare(transfer->original_recipients);
    free_rare(transfer->envelope_id);
    g_clear_pointer(&transfer->bounces, g_ptr_array_unref);
    g_clear_pointer(&transfer->warnings, g_ptr_array_unref);
    queue_batch_free(transfer->batch);
    g_free(transfer);
}

/* The xtext of ORCPT, which the transfer keeps; most recipients have none. */
static Span keep_original(Transfer *transfer, size_t index, const char *original)
{
    if (original == NULL)
        return (Span){0};
    if (transfer->original_recipients == NULL)
        transfer->original_recipients = g_new0(char *, transfer->batch->count);
    transfer->original_recipients[index] = xtext_encode(span_of_text(original));
    return span_of_text(transfer->original_recipients[index]);
}

static void fill_addresses(Transfer *transfer)
{
    for (size_t i = 0; i < transfer->batch->count; i++) {
        const Recipient *recipient =
            &transfer->envelope->recipients[transfer->batch->recipients[i]];
        transfer->addresses[i] = (SmtpClientRecipient){
            .mailbox = recipient->address,
            .parameters = {recipient->notify, keep_original(transfer, i, recipient->original)},
        };
    }
}

/* One piece of memory, with the message's name behind the addresses. */
static Transfer *transfer_new(const QueueBatch *batch)
{
    const char *mail = queue_entry_mail(batch->entry);
    const size_t addresses_size = batch->count * sizeof(SmtpClientRecipient);
    const size_t mail_size = strlen(mail) + 1;
    Transfer *transfer = g_malloc(sizeof *transfer + addresses_size + mail_size);
    *transfer = (Transfer){0};
    transfer->addresses = (SmtpClientRecipient *)(void *)(transfer + 1);
    transfer->mail = memcpy(transfer->addresses + batch->count, mail, mail_size);
    return transfer;
}

Transfer *transfer_begin(MailServer *server, QueueBatch *batch)
{
    Transfer *transfer = transfer_new(batch);
    transfer->server = server;
    transfer->batch = batch;
    transfer->envelope = envelope_copy(batch->entry->envelope);
    transfer->message = stored_message_ref(batch->entry->message);
    fill_addresses(transfer);
    const Envelope *envelope = transfer->envelope;
    if (envelope_id(envelope) != NULL)
        transfer->envelope_id = xtext_encode(span_of_text(envelope_id(envelope)));
    transfer->job = (DeliveryJob){
        .mail = transfer->mail,
        .reverse_path = envelope->reverse_path,
        .parameters = {.ret = envelope->return_content,
                       .envid = envelope_id(envelope) != NULL ? span_of_text(transfer->envelope_id)
                                                              : (Span){0}},
        .recipients = transfer->addresses,
        .recipient_count = batch->count,
        .message = transfer->message,
    };
    for (size_t i = 0; i < batch->count; i++)
        queue_begin_attempt(batch->entry, batch->recipients[i], "smtp", batch->domain);
    return transfer;
}

void transfer_take_result(Transfer *transfer, size_t index, const DeliveryResult *result)
{
    MailServer *server = transfer->server;
    size_t recipient = transfer->batch->recipients[index];
    if (result->outcome == DELIVERY_RELAYED) {
        if (!result->passes_dsn)
            mail_server_confirm(server, transfer->batch->entry, recipient, DSN_RELAYED,
                                result->remote, result->text);
        queue_relayed(transfer->batch->entry, recipient, result->remote, span_of_text(result->text),
                      0);
        return;
    }
    if (result->is_uncertain)
        TRACE(server->machine.trace, server->machine.node, MAIL_UNCERTAIN, result->because,
              .mail = transfer->mail,
              .recipient = transfer->envelope->recipients[recipient].address,
              .entry = queue_entry_id(transfer->batch->entry));
    Failure *failure = failure_new(recipient, result->text, result->status, result->remote,
                                   result->is_reply, result->because);
    if (result->outcome == DELIVERY_PERMANENT) {
        failures_add(&transfer->bounces, failure);
        return;
    }
    mail_server_defer(server, transfer->batch->entry, failure, &transfer->bounces,
                      &transfer->warnings);
    failure_free(failure);
}

void transfer_end(Transfer *transfer)
{
    MailServer *server = transfer->server;
    QueueEntry *entry = transfer->batch->entry;
    mail_server_warn_take(server, entry, g_steal_pointer(&transfer->warnings));
    mail_server_bounce_take(server, entry, g_steal_pointer(&transfer->bounces));
    transfer_free(transfer);
}
