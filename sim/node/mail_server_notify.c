/* The mail server tells a sender what became of a message: bounces and delay warnings (RFC 5321
 * §4.5.5, §6.1; RFC 3464).
 *
 * A notification is a message of its own with the null reverse-path, named after the message that
 * it is about: `lunch.bounce`, `lunch.delay`. It is durable in the queue before the message that
 * it is about leaves it, so that a crash may tell twice but never loses. What cannot be told to
 * anybody is discarded by a named rule: mail with the null reverse-path, which is itself a
 * notification, and recipients for whom RFC 3461's NOTIFY forbids it. Of a notification that
 * cannot be delivered, a double bounce, the server's own postmaster may be told by one more,
 * `lunch.bounce.double`, and that is the last: whatever becomes of it, wherever the postmaster's
 * address leads to, nobody is told.
 *
 * A bounce for which the disk has no room, or which it fails to take, is kept in memory and written
 * later: the recipient has failed, and is not attempted again for want of room (RFC 5321 §4.2.1: a
 * 5yz is not repeated). That failure cannot be noted in the spool either, as a note needs room too.
 * So after a crash or a shutdown the recipient is found waiting, and attempted once more. A warning
 * or a notice of success that finds no room is not kept: the next deferral warns again, and success
 * needs none. */
#include "node/mail_server_internal.h"

static const char NO_ANSWER_TO_A_NOTIFICATION[] =
    "a notification is never answered by another (RFC 5321 §4.5.5)";

/* How long a bounce waits when the disk has no room for it: at first, and, doubled each time, at
 * most. */
#define ROOM_WAIT_FIRST (5 * SIM_MINUTE)
#define ROOM_WAIT_MAX   SIM_HOUR

typedef enum NotificationKind {
    NOTIFY_OF_FAILURE, /* the sender */
    NOTIFY_OF_DELAY,
    NOTIFY_OF_DOUBLE_BOUNCE, /* the postmaster */
} NotificationKind;

typedef struct Notification {
    MailServer *server;
    NotificationKind kind;
    char *to;
    QueueEntry *entry;
    char *entry_id;
    char *name;       /* of the notification */
    Octets *message;  /* as it was composed: waiting for room does not change its dates */
    SimTime wait_ns;  /* how long it has waited for room the last time; 0: not yet */
    SimTime offer_at; /* and when that is over */
    Timer room_timer;
    GPtrArray *failures; /* Failure */
    DsnAction action;
    char *confirmed, *recipient; /* of a notice of success: the message and whom it reached */
    Cause cause;                 /* of what is reported when it is durable */
} Notification;

void notification_free(void *pointer)
{
    Notification *notification = pointer;
    simulator_cancel(notification->server->machine.simulator, &notification->room_timer);
    octets_unref(notification->message);
    g_free(notification->to);
    g_free(notification->entry_id);
    g_free(notification->name);
    g_free(notification->confirmed);
    g_free(notification->recipient);
    g_ptr_array_unref(notification->failures);
    g_free(notification);
}

/* `lunch.bounce`; `lunch.bounce-2` when it is about the second recipient and those after. */
static char *notification_name(const QueueEntry *entry, const char *what, size_t first_recipient)
{
    if (first_recipient == 0)
        return g_strdup_printf("%s.%s", queue_entry_mail(entry), what);
    return g_strdup_printf("%s.%s-%zu", queue_entry_mail(entry), what, first_recipient + 1);
}

static DsnRecipient *report_recipients(const Notification *notification)
{
    const Machine *machine = &notification->server->machine;
    const QueueEntry *entry = notification->entry;
    DsnRecipient *recipients = g_new0(DsnRecipient, notification->failures->len);
    for (guint i = 0; i < notification->failures->len; i++) {
        const Failure *failure = g_ptr_array_index(notification->failures, i);
        const Recipient *recipient = &entry->envelope->recipients[failure->recipient];
        SimTime end = simtime_add(entry->arrived_at, notification->server->retry.lifetime_ns);
        recipients[i] = (DsnRecipient){
            .final_recipient = recipient->address,
            .original_recipient = recipient->original,
            .action = notification->kind == NOTIFY_OF_DELAY ? DSN_DELAYED : DSN_FAILED,
            .has_expired = failure->has_expired,
            .status = failure->status,
            .remote_mta = failure->remote,
            .reply = failure->is_reply ? failure->text : NULL,
            .reason = failure->is_reply ? NULL : failure->text,
            .last_attempt_unix = machine_unix_now(machine),
            .will_retry_until_unix = machine_unix_at(machine, end),
        };
    }
    return recipients;
}

/* The message of `notification`, about `entry`. */
static Octets *compose(const Notification *notification, const QueueEntry *entry,
                       const DsnRecipient *recipients, size_t recipient_count)
{
    const Machine *machine = &notification->server->machine;
    const char *name = notification->name;
    const char *host = host_name(machine->host);
    g_autoptr(Octets) original = stored_message_join(entry->message);
    g_autofree char *message_id = g_strdup_printf("%s@%s", name, host);
    DsnReport report = {
        .reporting_mta = host,
        .to = notification->to,
        .message_id = message_id,
        .boundary_seed = name,
        .envelope_id = envelope_id(entry->envelope),
        .arrival_unix = machine_unix_at(machine, entry->arrived_at),
        .date_unix = machine_unix_now(machine),
        .utc_offset_minutes = machine->clock.utc_offset_minutes,
        .original = span_of_octets(original),
        /* RFC 3461 §4.3: RET is for failures; any other notice returns the headers. */
        .return_full =
            entry->envelope->return_content == RETURN_FULL && recipients[0].action == DSN_FAILED,
        .recipients = recipients,
        .recipient_count = recipient_count,
    };
    return dsn_compose(&report);
}

/* Asks the queue to take the notification; `done` says whether it has. */
static void offer(Notification *notification,
                  void (*done)(void *owner, QueueEntry *entry, DiskResult result))
{
    g_autoptr(Envelope) envelope = envelope_new("");
    envelope_add_recipient(envelope, notification->to, NOTIFY_NEVER, NULL);
    g_autoptr(StoredMessage) message = stored_message_of_octets(notification->message);
    queue_add(notification->server->queue, envelope, (QueueMessage){.message = message},
              (QueueAdded){done, notification});
}

/* ---- No room ---- */

static void notification_added(void *owner, QueueEntry *added, DiskResult result);

static void on_room_timer(void *owner, void *data)
{
    (void)data;
    Notification *notification = owner;
    offer(notification, notification_added);
}

static void arm_room_timer(Notification *notification, EventPriority priority)
{
    const Machine *machine = &notification->server->machine;
    EventAction action = {on_room_timer, notification, NULL, NULL};
    simulator_cancel(machine->simulator, &notification->room_timer);
    notification->room_timer = simulator_schedule(machine->simulator, notification->offer_at,
                                                  machine->node, priority, action);
}

/* In the background: as long as nothing makes room, this alone does not keep a run going. A disk
 * that has failed may take the next write. */
static void wait_for_room(Notification *notification, DiskResult result)
{
    bool may_work = result == DISK_ERROR && !disk_fails_for_good(notification->server->disk);
    SimTime now = simulator_now(notification->server->machine.simulator);
    notification->wait_ns = notification->wait_ns == 0
                                ? ROOM_WAIT_FIRST
                                : MIN(2 * notification->wait_ns, ROOM_WAIT_MAX);
    notification->offer_at = simtime_add(now, notification->wait_ns);
    arm_room_timer(notification, may_work ? EVENT_FOREGROUND : EVENT_BACKGROUND);
    uint64_t because = disk_last_failure(notification->server->disk);
    Cause *cause = simulator_cause(notification->server->machine.simulator);
    Cause before = *cause;
    for (guint i = 0; i < notification->failures->len; i++) {
        const Failure *failure = g_ptr_array_index(notification->failures, i);
        *cause = before;
        queue_untold(notification->entry, failure->recipient, notification->name,
                     span_of_text(failure->text), notification->offer_at, because);
    }
    *cause = before;
}

static bool is_waiting_for_room(const Notification *notification)
{
    return simulator_is_pending(notification->server->machine.simulator, notification->room_timer);
}

void mail_server_notifications_have_room(MailServer *server)
{
    for (guint i = 0; i < server->notifications->len; i++) {
        Notification *notification = g_ptr_array_index(server->notifications, i);
        if (is_waiting_for_room(notification))
            arm_room_timer(notification, EVENT_FOREGROUND);
    }
}

void mail_server_notifications_shut_down(MailServer *server)
{
    for (guint i = server->notifications->len; i-- > 0;) {
        if (is_waiting_for_room(g_ptr_array_index(server->notifications, i)))
            g_ptr_array_remove_index(server->notifications, i);
    }
}

/* ---- Bounces and warnings ---- */

static void tell_queue(const Notification *notification, const Failure *failure)
{
    QueueEntry *entry = notification->entry;
    switch (notification->kind) {
    case NOTIFY_OF_FAILURE:
        queue_bounced(entry, failure->recipient, notification->name, failure->status,
                      span_of_text(failure->text), failure->because);
        break;
    case NOTIFY_OF_DELAY:
        if (queue_find(notification->server->queue, notification->entry_id) != NULL)
            queue_warned(entry, failure->recipient, notification->name, failure->because);
        break;
    case NOTIFY_OF_DOUBLE_BOUNCE:
        queue_reported(entry, failure->recipient, notification->name, failure->because);
        queue_discarded(entry, failure->recipient, NO_ANSWER_TO_A_NOTIFICATION, failure->because);
        break;
    }
}

/* The notification is durable: now the message that it is about may go. */
static void notification_added(void *owner, QueueEntry *added, DiskResult result)
{
    Notification *notification = owner;
    MailServer *server = notification->server;
    if (added == NULL && notification->kind != NOTIFY_OF_DELAY && !server->is_shutting_down) {
        wait_for_room(notification, result);
        return;
    }
    Cause *cause = simulator_cause(server->machine.simulator);
    Cause before = *cause;
    for (guint i = 0; added != NULL && i < notification->failures->len; i++) {
        *cause = notification->cause;
        tell_queue(notification, g_ptr_array_index(notification->failures, i));
    }
    *cause = before;
    g_ptr_array_remove(server->notifications, notification);
    mail_server_run_queue(server);
    mail_server_settle(server);
}

/* ---- Notices of success ---- */

/* The notice is durable, or there was no room for it: then there is none. */
static void notice_added(void *owner, QueueEntry *added, DiskResult result)
{
    (void)result;
    Notification *notification = owner;
    MailServer *server = notification->server;
    if (added != NULL)
        TRACE(server->machine.trace, server->machine.node, MAIL_CONFIRMED, 0,
              .mail = notification->confirmed, .recipient = notification->recipient,
              .entry = notification->entry_id, .action = dsn_action_text(notification->action),
              .notice = notification->name);
    g_ptr_array_remove(server->notifications, notification);
    mail_server_run_queue(server);
    mail_server_settle(server);
}

void mail_server_confirm(MailServer *server, const QueueEntry *entry, size_t recipient,
                         DsnAction action, const char *remote, const char *reply)
{
    const Recipient *about = &entry->envelope->recipients[recipient];
    if (entry->envelope->reverse_path[0] == '\0' || !notify_wants_success(about->notify))
        return;
    DsnRecipient report = {
        .final_recipient = about->address,
        .original_recipient = about->original,
        .action = action,
        .status = "2.0.0",
        .remote_mta = remote,
        .reply = reply,
        .last_attempt_unix = machine_unix_now(&server->machine),
    };
    Notification *notification = g_new0(Notification, 1);
    *notification = (Notification){
        .server = server,
        .entry_id = g_strdup(queue_entry_id(entry)),
        .to = g_strdup(entry->envelope->reverse_path),
        .name = notification_name(entry, dsn_action_text(action), recipient),
        .failures = g_ptr_array_new(),
        .action = action,
        .confirmed = g_strdup(queue_entry_mail(entry)),
        .recipient = g_strdup(about->address),
    };
    g_ptr_array_add(server->notifications, notification);
    notification->message = compose(notification, entry, &report, 1);
    offer(notification, notice_added);
}

/* Of a server without a domain of its own too: its address literal is one (RFC 5321 §4.5.1). To
 * free. */
static char *postmaster_of(const MailServer *server)
{
    char address[IPV4_TEXT_SIZE];
    return server->domains[0] != NULL
               ? g_strdup_printf("postmaster@%s", server->domains[0])
               : g_strdup_printf("postmaster@[%s]",
                                 ipv4_format(host_address(server->machine.host), address));
}

/* Takes `failures` over; they are about at least one recipient. */
static void notify(MailServer *server, QueueEntry *entry, GPtrArray *failures,
                   NotificationKind kind)
{
    static const char *const WORDS[] = {"bounce", "delay", "double"};
    Notification *notification = g_new0(Notification, 1);
    const Failure *first = g_ptr_array_index(failures, 0);
    *notification = (Notification){
        .server = server,
        .kind = kind,
        .to = kind == NOTIFY_OF_DOUBLE_BOUNCE ? postmaster_of(server)
                                              : g_strdup(entry->envelope->reverse_path),
        .entry = entry,
        .entry_id = g_strdup(queue_entry_id(entry)),
        .name = notification_name(entry, WORDS[kind], first->recipient),
        .failures = failures,
        .cause = *simulator_cause(server->machine.simulator),
    };
    g_ptr_array_add(server->notifications, notification);
    g_autofree DsnRecipient *recipients = report_recipients(notification);
    notification->message = compose(notification, entry, recipients, failures->len);
    offer(notification, notification_added);
}

/* What is to happen for want of a sender who wants to know: a rule to discard by, or NULL. */
static const char *silence_rule(const QueueEntry *entry, const Recipient *recipient)
{
    if (entry->envelope->reverse_path[0] == '\0')
        return NO_ANSWER_TO_A_NOTIFICATION;
    if (!notify_wants_failure(recipient->notify))
        return "the sender asked not to be told (NOTIFY, RFC 3461 §4.1)";
    return NULL;
}

/* Whether it tells some postmaster of a double bounce. Its name says so wherever it is by now: at
 * an address for which that postmaster stands, or on another server. */
static bool is_double_notice(const QueueEntry *entry)
{
    const char *dot = strrchr(queue_entry_mail(entry), '.');
    return entry->envelope->reverse_path[0] == '\0' && dot != NULL &&
           (strcmp(dot, ".double") == 0 || g_str_has_prefix(dot, ".double-"));
}

/* Not of what a postmaster was told, nor of a notification to this one, so that there is an end. */
static bool is_reported(const MailServer *server, const QueueEntry *entry,
                        const Recipient *recipient)
{
    g_autofree char *postmaster = postmaster_of(server);
    return server->reports_double_bounces && entry->envelope->reverse_path[0] == '\0' &&
           !is_double_notice(entry) && g_ascii_strcasecmp(recipient->address, postmaster) != 0;
}

/* The entry lives as long as it has a recipient that is not done: those of the array, until now. */
static void discard(QueueEntry *entry, const GPtrArray *failures)
{
    for (guint i = 0; i < failures->len; i++) {
        const Failure *failure = g_ptr_array_index(failures, i);
        const Recipient *recipient = &entry->envelope->recipients[failure->recipient];
        queue_discarded(entry, failure->recipient, silence_rule(entry, recipient),
                        failure->because);
    }
}

void mail_server_bounce_take(MailServer *server, QueueEntry *entry, GPtrArray *failures)
{
    GPtrArray *told = NULL, *reported = NULL, *silent = NULL;
    if (failures == NULL)
        return;
    g_ptr_array_set_free_func(failures, NULL);
    for (guint i = 0; i < failures->len; i++) {
        Failure *failure = g_ptr_array_index(failures, i);
        const Recipient *recipient = &entry->envelope->recipients[failure->recipient];
        failures_add(silence_rule(entry, recipient) == NULL  ? &told
                     : is_reported(server, entry, recipient) ? &reported
                                                             : &silent,
                     failure);
    }
    g_ptr_array_unref(failures);
    if (told != NULL)
        notify(server, entry, told, NOTIFY_OF_FAILURE);
    if (reported != NULL)
        notify(server, entry, reported, NOTIFY_OF_DOUBLE_BOUNCE);
    if (silent != NULL) {
        discard(entry, silent);
        g_ptr_array_unref(silent);
    }
}

void mail_server_warn_take(MailServer *server, QueueEntry *entry, GPtrArray *failures)
{
    GPtrArray *told = NULL;
    if (failures == NULL)
        return;
    g_ptr_array_set_free_func(failures, NULL);
    for (guint i = 0; i < failures->len; i++) {
        Failure *failure = g_ptr_array_index(failures, i);
        const Recipient *recipient = &entry->envelope->recipients[failure->recipient];
        if (entry->envelope->reverse_path[0] != '\0' && notify_wants_delay(recipient->notify))
            failures_add(&told, failure);
        else
            failure_free(failure);
    }
    g_ptr_array_unref(failures);
    if (told != NULL)
        notify(server, entry, told, NOTIFY_OF_DELAY);
}
