/* The queue manager: takes up what is due. Mail for a domain of ours goes into its mailbox, all
 * other waits for a connection to its destination (mail_server_connections.c). */
#include "node/mail_server_internal.h"

/* How often it looks for what a failing disk has left: Postfix's queue_run_delay. */
#define LEFTOVERS_WAIT (5 * SIM_MINUTE)

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

/* The disk does not give the message now. For each recipient that is an attempt, and it failed. */
static void defer_unreadable(MailServer *server, const QueueBatch *batch)
{
    GPtrArray *bounces = NULL, *warnings = NULL;
    uint64_t error = disk_last_failure(server->disk);
    bool is_local = mail_server_has_domain(server, batch->domain);
    for (size_t i = 0; i < batch->count; i++) {
        queue_begin_attempt(batch->entry, batch->recipients[i], is_local ? "local" : "smtp",
                            batch->domain);
        Failure *failure =
            failure_new(batch->recipients[i], "the message cannot be read from the disk", "4.3.0",
                        NULL, false, error);
        mail_server_defer(server, batch->entry, failure, &bounces, &warnings);
        failure_free(failure);
    }
    mail_server_warn_take(server, batch->entry, warnings);
    mail_server_bounce_take(server, batch->entry, bounces);
}

void mail_server_run_queue(MailServer *server)
{
    if (server->is_shutting_down)
        return;
    Cause *cause = simulator_cause(server->machine.simulator);
    Cause before = *cause;
    QueueBatch *batch = queue_take_due(server->queue, simulator_now(server->machine.simulator));
    for (QueueBatch *after; batch != NULL; batch = after) {
        after = batch->after;
        *cause = before;
        if (queue_read_fails(batch->entry)) {
            defer_unreadable(server, batch);
            queue_batch_free(batch);
        } else if (mail_server_has_domain(server, batch->domain)) {
            mail_server_deliver_locally(server, batch);
            queue_batch_free(batch);
        } else {
            mail_server_connections_take(server, batch);
        }
    }
    mail_server_connections_start(server);
    *cause = before;
    arm_queue_timer(server);
}

/* ---- What a failing disk has left ---- */

static void on_leftovers_timer(void *owner, void *data)
{
    (void)data;
    MailServer *server = owner;
    if (queue_retry(server->queue) > 0) {
        mail_server_take_inventory(server, false);
        queue_finish_expansions(server->queue);
    }
    if (queue_has_leftovers(server->queue) || disk_fails_for_good(server->disk))
        mail_server_watch_leftovers(server);
    mail_server_run_queue(server);
}

/* In the background as long as the disk must be fixed first: that alone keeps no run going. */
void mail_server_watch_leftovers(MailServer *server)
{
    Simulator *simulator = server->machine.simulator;
    EventAction action = {on_leftovers_timer, server, NULL, NULL};
    if (!server->is_running || server->is_shutting_down)
        return;
    simulator_cancel(simulator, &server->leftovers_timer);
    server->leftovers_timer = simulator_schedule(
        simulator, simtime_add(simulator_now(simulator), LEFTOVERS_WAIT), server->machine.node,
        disk_fails_for_good(server->disk) ? EVENT_BACKGROUND : EVENT_FOREGROUND, action);
}
