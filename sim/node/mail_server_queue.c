/* The queue manager: takes up what is due. Mail for a domain of ours goes into its mailbox, all
 * other waits for a connection to its destination (mail_server_connections.c). */
#include "node/mail_server_internal.h"

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
        QueueBatch *batch = g_steal_pointer(&batches->pdata[i]);
        *cause = before;
        if (mail_server_has_domain(server, batch->domain)) {
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
