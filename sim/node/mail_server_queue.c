/* The queue manager: takes up what is due, and deals with what became of it.
 *
 * Each batch (one message, one destination) is a transfer of its own. Left out on purpose: limits
 * on how many run at once, and several messages over one connection. */
#include "node/mail_server_internal.h"

typedef struct Transfer {
    MailServer *server;
    QueueEntry *entry;
    size_t *recipients; /* indexes into the entry's envelope */
    size_t count;
    Envelope *envelope; /* own references: the entry may be done before the connection is closed */
    GBytes *message;
    char *mail, *domain;
    SmtpClientRecipient *addresses;
    char **original_recipients; /* xtext of ORCPT */
    char *envelope_id;
    DeliveryJob job;
    Delivery *delivery;
    GPtrArray *bounces, *warnings; /* Failure */
} Transfer;

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

static Failure *failure_copy(const Failure *failure)
{
    return failure_new(failure->recipient, failure->text, failure->status, failure->remote,
                       failure->is_reply, failure->because);
}

void transfer_free(void *pointer)
{
    Transfer *transfer = pointer;
    if (transfer->delivery != NULL)
        delivery_free(transfer->delivery);
    envelope_free(transfer->envelope);
    g_bytes_unref(transfer->message);
    g_strfreev(transfer->original_recipients);
    g_free(transfer->recipients);
    g_free(transfer->mail);
    g_free(transfer->domain);
    g_free(transfer->addresses);
    g_free(transfer->envelope_id);
    g_ptr_array_unref(transfer->bounces);
    g_ptr_array_unref(transfer->warnings);
    g_free(transfer);
}

void mail_server_defer(MailServer *server, QueueEntry *entry, const Failure *failure,
                       GPtrArray *bounces, GPtrArray *warnings)
{
    (void)server;
    switch (queue_defer(entry, failure->recipient, span_of_text(failure->text), failure->because)) {
    case QUEUE_DEFERRED:
        break;
    case QUEUE_DEFERRED_WARN:
        g_ptr_array_add(warnings, failure_copy(failure));
        break;
    case QUEUE_EXPIRED:
        g_ptr_array_add(bounces, failure_copy(failure));
        break;
    }
}

/* ---- One transfer ---- */

static void on_result(void *owner, Delivery *delivery, size_t index, const DeliveryResult *result)
{
    (void)delivery;
    Transfer *transfer = owner;
    MailServer *server = transfer->server;
    size_t recipient = transfer->recipients[index];
    if (result->outcome == DELIVERY_RELAYED) {
        queue_relayed(transfer->entry, recipient, result->remote, span_of_text(result->text), 0);
        return;
    }
    if (result->is_uncertain)
        TRACE(server->machine.trace, server->machine.node, MAIL_UNCERTAIN, result->because,
              .mail = transfer->mail,
              .recipient = transfer->envelope->recipients[recipient].address,
              .entry = transfer->entry->id);
    Failure *failure = failure_new(recipient, result->text, result->status, result->remote,
                                   result->is_reply, result->because);
    if (result->outcome == DELIVERY_PERMANENT) {
        g_ptr_array_add(transfer->bounces, failure);
        return;
    }
    mail_server_defer(server, transfer->entry, failure, transfer->bounces, transfer->warnings);
    failure_free(failure);
}

static void on_done(void *owner, Delivery *delivery)
{
    (void)delivery;
    Transfer *transfer = owner;
    MailServer *server = transfer->server;
    mail_server_warn_take(server, transfer->entry, g_steal_pointer(&transfer->warnings));
    mail_server_bounce_take(server, transfer->entry, g_steal_pointer(&transfer->bounces));
    transfer->warnings = g_ptr_array_new();
    transfer->bounces = g_ptr_array_new();
    g_ptr_array_remove(server->transfers, transfer);
    mail_server_run_queue(server);
    mail_server_settle(server);
}

static void fill_addresses(Transfer *transfer)
{
    transfer->addresses = g_new0(SmtpClientRecipient, transfer->count);
    transfer->original_recipients = g_new0(char *, transfer->count + 1);
    for (size_t i = 0; i < transfer->count; i++) {
        const Recipient *recipient = &transfer->envelope->recipients[transfer->recipients[i]];
        transfer->original_recipients[i] = recipient->original != NULL
                                               ? xtext_encode(span_of_text(recipient->original))
                                               : g_strdup("");
        transfer->addresses[i] = (SmtpClientRecipient){
            .mailbox = recipient->address,
            .parameters = {recipient->notify, span_of_text(transfer->original_recipients[i])},
        };
    }
}

static Transfer *transfer_new(MailServer *server, const QueueBatch *batch)
{
    Transfer *transfer = g_new0(Transfer, 1);
    transfer->server = server;
    transfer->entry = batch->entry;
    transfer->recipients = g_memdup2(batch->recipients, batch->count * sizeof *batch->recipients);
    transfer->count = batch->count;
    transfer->envelope = envelope_copy(batch->entry->envelope);
    transfer->message = g_bytes_ref(batch->entry->message);
    transfer->mail = g_strdup(batch->entry->mail);
    transfer->domain = g_strdup(batch->domain);
    transfer->bounces = g_ptr_array_new_with_free_func(failure_free);
    transfer->warnings = g_ptr_array_new_with_free_func(failure_free);
    fill_addresses(transfer);
    const Envelope *envelope = transfer->envelope;
    transfer->envelope_id =
        envelope->id != NULL ? xtext_encode(span_of_text(envelope->id)) : g_strdup("");
    transfer->job = (DeliveryJob){
        .helo_name = host_name(server->machine.host),
        .mail = transfer->mail,
        .domain = transfer->domain,
        .reverse_path = envelope->reverse_path,
        .parameters = {.ret = envelope->return_content,
                       .envid = span_of_text(transfer->envelope_id)},
        .recipients = transfer->addresses,
        .recipient_count = transfer->count,
        .content = {transfer->message, 0, g_bytes_get_size(transfer->message)},
        .route_draw = random_draw(&server->route_draws),
    };
    return transfer;
}

static void begin_transfer(MailServer *server, const QueueBatch *batch)
{
    Transfer *transfer = transfer_new(server, batch);
    g_ptr_array_add(server->transfers, transfer);
    for (size_t i = 0; i < batch->count; i++)
        queue_begin_attempt(batch->entry, batch->recipients[i], "smtp", batch->domain);
    DeliveryOwner owner = {transfer, on_result, on_done};
    transfer->delivery = delivery_new(&server->machine, server->resolver, &transfer->job, owner);
}

/* ---- The queue ---- */

static void on_queue_timer(void *owner, void *data)
{
    (void)data;
    mail_server_run_queue(owner);
}

static void arm_queue_timer(MailServer *server)
{
    Simulator *simulator = server->machine.simulator;
    SimTime due = queue_next_due_at(server->queue);
    if (simulator_is_pending(simulator, server->queue_timer) && server->queue_timer_at == due)
        return;
    simulator_cancel(simulator, &server->queue_timer);
    server->queue_timer_at = due;
    if (due == SIM_NEVER)
        return;
    EventAction action = {on_queue_timer, server, NULL, NULL};
    server->queue_timer = simulator_schedule(simulator, MAX(due, simulator_now(simulator)),
                                             server->machine.node, EVENT_FOREGROUND, action);
}

void mail_server_run_queue(MailServer *server)
{
    if (server->is_shutting_down)
        return;
    Cause *cause = simulator_cause(server->machine.simulator);
    Cause before = *cause;
    g_autoptr(GPtrArray) batches =
        queue_take_due(server->queue, simulator_now(server->machine.simulator));
    for (guint i = 0; i < batches->len; i++) {
        const QueueBatch *batch = g_ptr_array_index(batches, i);
        *cause = before;
        if (mail_server_has_domain(server, batch->domain))
            mail_server_deliver_locally(server, batch);
        else
            begin_transfer(server, batch);
    }
    *cause = before;
    arm_queue_timer(server);
}
