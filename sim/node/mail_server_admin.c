/* What a mail server's administrator does at its command line: look at the queue (Postfix's mailq),
 * put mail on hold and release it (postsuper -h, -H), and have all that waits attempted at once
 * (postqueue -f, or -s for one domain; RFC 1985's ETRN asks for the same from afar).
 *
 * Left out on purpose: deleting mail from the queue, for which no sender would be told. */
#include "node/mail_server_internal.h"

#include "store/mail_name.h"

/* ---- mailq ---- */

/* The list as it grows: the records are of one cause, none sets another off. */
typedef struct Listing {
    const MailServer *server;
    TraceFields_QUEUE_LIST total;
    uint64_t by_state[QUEUE_STATES];
    GArray *lines; /* TraceFields_QUEUE_LISTED */
} Listing;

static void list_entry(Listing *listing, size_t size, QueueState state)
{
    listing->total.length++;
    listing->total.size += size;
    listing->by_state[state]++;
}

static void list_from_memory(Listing *listing)
{
    g_autoptr(GPtrArray) entries = queue_list(listing->server->queue);
    for (guint e = 0; e < entries->len; e++) {
        const QueueEntry *entry = entries->pdata[e];
        QueueState state = queue_entry_state(entry);
        TraceFields_QUEUE_LISTED line = {
            .entry = queue_entry_id(entry),
            .mail = queue_entry_mail(entry),
            .size = stored_message_size(entry->message),
            .arrived_at = entry->arrived_at,
            .sender = entry->envelope->reverse_path,
            .state = queue_state_text(state),
            .expires_at = simtime_add(entry->arrived_at, listing->server->retry.lifetime_ns),
        };
        list_entry(listing, line.size, state);
        for (size_t i = 0; i < entry->envelope->recipient_count; i++) {
            const QueueRecipient *recipient = &entry->recipients[i];
            if (recipient->state == QUEUE_DONE)
                continue;
            line.place++;
            line.recipient = entry->envelope->recipients[i].address;
            line.attempts = recipient->attempts;
            line.reason = recipient->reason[0] != '\0' ? recipient->reason : NULL;
            line.next_at = recipient->state == QUEUE_ACTIVE || entry->is_held
                               ? SIM_NEVER
                               : recipient->next_attempt_at;
            g_array_append_val(listing->lines, line);
        }
    }
}

static QueueState state_on_disk(const SpoolEntry *entry)
{
    if (entry->is_held)
        return QUEUE_STATE_HOLD;
    for (size_t i = 0; i < entry->envelope->recipient_count; i++) {
        if (entry->recipients[i].is_done || entry->recipients[i].retry.attempts > 0)
            return QUEUE_STATE_DEFERRED;
    }
    return QUEUE_STATE_INCOMING;
}

/* The journal has no reasons. Names are kept in `names` as long as the lines are. */
static void list_from_disk(Listing *listing, const GPtrArray *entries, GPtrArray *names)
{
    for (guint e = 0; e < entries->len; e++) {
        const SpoolEntry *entry = entries->pdata[e];
        if (spool_entry_waiting(entry) == 0)
            continue;
        QueueState state = state_on_disk(entry);
        char *mail = mail_name_of_stored(entry->message);
        g_ptr_array_add(names, mail);
        TraceFields_QUEUE_LISTED line = {
            .entry = entry->id,
            .mail = mail,
            .size = stored_message_size(entry->message),
            .arrived_at = entry->arrived_at,
            .sender = entry->envelope->reverse_path,
            .state = queue_state_text(state),
            .expires_at = simtime_add(entry->arrived_at, listing->server->retry.lifetime_ns),
        };
        list_entry(listing, line.size, state);
        for (size_t i = 0; i < entry->envelope->recipient_count; i++) {
            if (entry->recipients[i].is_done)
                continue;
            line.place++;
            line.recipient = entry->envelope->recipients[i].address;
            line.attempts = entry->recipients[i].retry.attempts;
            line.next_at = entry->is_held ? SIM_NEVER : entry->recipients[i].next_at;
            g_array_append_val(listing->lines, line);
        }
    }
}

static void record_listing(Listing *listing)
{
    const Machine *machine = &listing->server->machine;
    Cause before = *simulator_cause(machine->simulator);
    listing->total.incoming = listing->by_state[QUEUE_STATE_INCOMING];
    listing->total.active = listing->by_state[QUEUE_STATE_ACTIVE];
    listing->total.deferred = listing->by_state[QUEUE_STATE_DEFERRED];
    listing->total.hold = listing->by_state[QUEUE_STATE_HOLD];
    trace_write(machine->trace, machine->node, TRACE_QUEUE_LIST, 0, &listing->total);
    Cause list = *simulator_cause(machine->simulator);
    for (guint i = 0; i < listing->lines->len; i++) {
        *simulator_cause(machine->simulator) = list;
        trace_write(machine->trace, machine->node, TRACE_QUEUE_LISTED, 0,
                    &g_array_index(listing->lines, TraceFields_QUEUE_LISTED, i));
    }
    *simulator_cause(machine->simulator) = before;
}

void mail_server_list_queue(const MailServer *server)
{
    if (!host_is_on(server->machine.host))
        return;
    Listing listing = {.server = server,
                       .lines = g_array_new(FALSE, FALSE, sizeof(TraceFields_QUEUE_LISTED))};
    g_autoptr(GPtrArray) entries = spool_read_all(server->disk);
    g_autoptr(GPtrArray) names = g_ptr_array_new_with_free_func(g_free);
    listing.total.source = server->is_running ? "memory" : "disk";
    if (server->is_running)
        list_from_memory(&listing);
    else
        list_from_disk(&listing, entries, names);
    record_listing(&listing);
    g_array_unref(listing.lines);
}

/* ---- hold, release, flush ---- */

/* Does it to each message in the queue, or to those called `mail`, in the order of arrival. */
static void change_entries(MailServer *server, const char *mail, bool (*change)(QueueEntry *entry))
{
    Cause *cause = simulator_cause(server->machine.simulator);
    Cause before = *cause;
    if (!server->is_running || server->is_shutting_down)
        return;
    g_autoptr(GPtrArray) entries = queue_list(server->queue);
    for (guint e = 0; e < entries->len; e++) {
        QueueEntry *entry = entries->pdata[e];
        *cause = before;
        if (mail == NULL || strcmp(queue_entry_mail(entry), mail) == 0)
            change(entry);
    }
    *cause = before;
    mail_server_run_queue(server);
}

void mail_server_hold(MailServer *server, const char *mail)
{
    change_entries(server, mail, queue_hold);
}

void mail_server_release(MailServer *server, const char *mail)
{
    change_entries(server, mail, queue_release);
}

void mail_server_flush(MailServer *server, const char *domain)
{
    if (!server->is_running || server->is_shutting_down)
        return;
    queue_flush(server->queue, domain);
    mail_server_run_queue(server);
}
