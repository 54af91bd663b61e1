/* A mail server as a program that starts, runs, and ends in one way or another. See mail_server.h.
 */
#include "node/mail_server_internal.h"

#include "core/check.h"
#include "proto/smtp_server.h"

#include <string.h>

static void credential_clear(void *credential)
{
    MailServerCredential *user = credential;
    g_free(user->name);
    g_free(user->password);
    g_free((char *)user->vacation.body);
    g_free((char *)user->vacation.subject);
}

static GArray *copy_users(const MailServerOptions *options)
{
    GArray *users = g_array_new(FALSE, FALSE, sizeof(MailServerCredential));
    g_array_set_clear_func(users, credential_clear);
    for (size_t i = 0; i < options->user_count; i++) {
        MailServerCredential credential = {g_strdup(options->users[i].name),
                                           g_strdup(options->users[i].password),
                                           options->users[i].quota, options->users[i].vacation};
        credential.vacation.body = g_strdup(credential.vacation.body);
        credential.vacation.subject = g_strdup(credential.vacation.subject);
        g_array_append_val(users, credential);
    }
    return users;
}

static GStrv copy_names(const char *const *names, size_t count)
{
    GStrv copy = g_new0(char *, count + 1);
    for (size_t i = 0; i < count; i++)
        copy[i] = g_strdup(names[i]);
    return copy;
}

static AddressBook *fill_address_book(const MailServer *server, const MailServerOptions *options)
{
    char address[IPV4_TEXT_SIZE];
    ipv4_format(host_address(server->machine.host), address);
    g_autofree char *literal = g_strdup_printf("[%s]", address); /* RFC 5321 §4.1.3 */
    g_autofree const char **domains = g_new0(const char *, options->domain_count + 1);
    for (size_t i = 0; i < options->domain_count; i++)
        domains[i] = options->domains[i];
    domains[options->domain_count] = literal;
    AddressBook *book = address_book_new(domains, options->domain_count + 1);
    if (options->accepts_plus)
        address_book_accept_plus(book);
    for (size_t i = 0; i < options->user_count; i++)
        address_book_add_user(book, options->users[i].name, options->users[i].forward);
    for (size_t i = 0; i < options->group_count; i++) {
        const MailServerGroup *group = &options->groups[i];
        if (group->owner != NULL)
            address_book_add_list(book, group->name, group->owner, group->to);
        else
            address_book_add_alias(book, group->name, group->to);
    }
    address_book_set_catch_all(book, options->catch_all);
    return book;
}

MailServer *mail_server_new(const Machine *machine, const MailServerOptions *options)
{
    MailServer *server = g_new0(MailServer, 1);
    server->machine = *machine;
    server->domains = copy_names(options->domains, options->domain_count);
    server->backup_domains = copy_names(options->backup_domains, options->backup_domain_count);
    server->users = copy_users(options);
    server->extensions = options->extensions;
    server->size_limit = options->size_limit > 0 ? options->size_limit : MAIL_SERVER_SIZE_LIMIT;
    server->recipient_limit =
        options->recipient_limit > 0 ? options->recipient_limit : SMTP_RECIPIENTS_MINIMUM;
    server->error_limit =
        options->error_limit > 0 ? options->error_limit : SMTP_SERVER_ERRORS_DEFAULT;
    server->tells_users = options->tells_users;
    server->reports_double_bounces = options->reports_double_bounces;
    server->bare_newlines = options->bare_newlines;
    server->own_timeouts = options->timeouts;
    server->timeouts = smtp_timeouts_need(&server->own_timeouts);
    server->connect_timeout =
        options->connect_timeout > 0 ? options->connect_timeout : DELIVERY_CONNECT_TIMEOUT;
    server->auth_needs_tls = options->auth_needs_tls;
    server->spool_order = options->spool_order;
    server->retry = options->retry;
    server->limits = options->connections;
    server->active_limit = options->active_limit > 0 ? options->active_limit : QUEUE_ACTIVE_MAX;
    CHECK(server->limits.messages > 0 && server->limits.per_destination > 0 &&
          server->limits.total > 0);
    server->relay_clients = g_array_new(FALSE, FALSE, sizeof(Ipv4Address));
    if (options->relay_client_count > 0)
        g_array_append_vals(server->relay_clients, options->relay_clients,
                            (guint)options->relay_client_count);
    server->addresses = fill_address_book(server, options);
    server->hop_limit = options->hop_limit > 0 ? options->hop_limit : MAIL_SERVER_HOP_LIMIT;
    PolicyOptions policy = options->policy;
    policy.recipient_limit = server->recipient_limit;
    server->policy = policy_new(&policy);
    server->disk = disk_new(machine->trace, machine->node, options->disk);
    server->route_draws = simulator_random(machine->simulator, machine->node, RANDOM_MX_ORDER);
    return server;
}

bool mail_server_is_running(const MailServer *server)
{
    return server->is_running;
}

/* ---- Who and what is here ---- */

static bool has_name(GStrv names, const char *name)
{
    if (names[0] == NULL)
        return false;
    g_autofree char *ascii = g_str_is_ascii(name) ? NULL : address_domain_to_ascii(name);
    for (char **own = names; *own != NULL; own++) {
        if (g_ascii_strcasecmp(*own, ascii != NULL ? ascii : name) == 0)
            return true;
    }
    return false;
}

bool mail_server_has_domain(const MailServer *server, const char *domain)
{
    return address_book_has_domain(server->addresses, domain);
}

bool mail_server_is_backup_for(const MailServer *server, const char *domain)
{
    return has_name(server->backup_domains, domain);
}

bool mail_server_relays_for(const MailServer *server, Ipv4Address client)
{
    for (guint i = 0; i < server->relay_clients->len; i++) {
        if (g_array_index(server->relay_clients, Ipv4Address, i) == client)
            return true;
    }
    return false;
}

static const MailServerCredential *find_user(const MailServer *server, Span name)
{
    for (guint i = 0; i < server->users->len; i++) {
        const MailServerCredential *user = &g_array_index(server->users, MailServerCredential, i);
        if (span_equals_text_nocase(name, user->name))
            return user;
    }
    return NULL;
}

uint64_t mail_server_quota_of(const MailServer *server, const char *mailbox)
{
    const MailServerCredential *user = find_user(server, span_of_text(mailbox));
    return user != NULL ? user->quota : 0;
}

/* The user's name, or a whole address of this server. */
bool mail_server_check_password(const MailServer *server, Span user, Span password)
{
    size_t at = span_find(user, '@');
    if (at < user.length) {
        g_autofree char *domain = span_dup_text(span_skip(user, at + 1));
        if (!mail_server_has_domain(server, domain))
            return false;
    }
    const MailServerCredential *known = find_user(server, span_of(user.data, at));
    return known != NULL && span_equals(password, span_of_text(known->password));
}

/* ---- Starting and ending ---- */

static void add_users(MailServer *server)
{
    mail_store_add_user(server->mailboxes, "postmaster");
    for (guint i = 0; i < server->users->len; i++)
        mail_store_add_user(server->mailboxes,
                            g_array_index(server->users, MailServerCredential, i).name);
}

void mail_server_start(MailServer *server)
{
    if (server->is_running)
        return;
    const Machine *machine = &server->machine;
    if (!host_is_on(machine->host))
        host_power_on(machine->host);
    server->accesses = g_ptr_array_new_with_free_func(access_free);
    mail_server_connections_begin(server);
    server->notifications = g_ptr_array_new_with_free_func(notification_free);
    server->answers = g_ptr_array_new_with_free_func(answer_free);
    server->answered = answered_new(server->disk);
    server->resolver = resolver_new(machine);
    server->spool = spool_new(server->disk, server->spool_order);
    server->queue = queue_new(machine->trace, machine->node, server->spool, &server->retry,
                              server->active_limit);
    server->mailboxes =
        mail_store_new(machine->trace, machine->node, server->disk, machine->clock.start_unix);
    add_users(server);
    mail_store_recover(server->mailboxes);
    server->is_running = true;
    bool has_damage = spool_has_damage(server->disk);
    size_t found = queue_recover(server->queue);
    if (found > 0 || has_damage)
        mail_server_take_inventory(server, false);
    if (found > 0)
        queue_finish_expansions(server->queue);
    if (disk_error_count(server->disk) > 0)
        mail_server_watch_leftovers(server);
    mail_server_listen_smtp(server);
    mail_server_listen_imap(server);
    mail_server_run_queue(server);
}

static void free_list(GQueue *list, GDestroyNotify free_element)
{
    GList *link;
    while ((link = g_queue_pop_head_link(list)) != NULL)
        free_element(link->data); /* which the link lies in */
}

/* Frees everything that the running program had in memory. */
static void forget_all(MailServer *server)
{
    simulator_cancel(server->machine.simulator, &server->queue_timer);
    simulator_cancel(server->machine.simulator, &server->leftovers_timer);
    free_list(&server->connections, connection_free);
    mail_server_connections_free(server);
    free_list(&server->locals, local_delivery_free);
    g_clear_pointer(&server->notifications, g_ptr_array_unref);
    g_clear_pointer(&server->answers, g_ptr_array_unref);
    g_clear_pointer(&server->answered, answered_free);
    free_list(&server->receptions, reception_free);
    g_clear_pointer(&server->accesses, g_ptr_array_unref);
    g_clear_pointer(&server->queue, queue_free);
    g_clear_pointer(&server->spool, spool_free);
    g_clear_pointer(&server->mailboxes, mail_store_free);
    g_clear_pointer(&server->resolver, resolver_free);
    policy_forget(server->policy);
    server->is_running = server->is_shutting_down = server->has_settled = false;
    server->is_to_restart = false;
}

void mail_server_restart(MailServer *server)
{
    server->is_to_restart = server->is_shutting_down;
    if (server->is_running)
        return;
    TRACE(server->machine.trace, server->machine.node, HOST_RESTART, 0,
          .program = MAIL_SERVER_PROGRAM);
    mail_server_start(server);
}

void mail_server_crash(MailServer *server, uint64_t because)
{
    if (!server->is_running)
        return;
    disk_crash_program(server->disk);
    host_crash_program(server->machine.host, because);
    forget_all(server);
}

void mail_server_power_off(MailServer *server, uint64_t because)
{
    disk_power_off(server->disk);
    host_power_off(server->machine.host, because);
    if (server->is_running)
        forget_all(server);
}

void mail_server_free(MailServer *server)
{
    disk_crash_program(server->disk);
    if (server->is_running)
        forget_all(server);
    disk_free(server->disk);
    policy_free(server->policy);
    smtp_offers_clear(&server->offers);
    fronts_clear(&server->fronts);
    smtp_heard_clear(&server->heard);
    g_array_unref(server->users);
    g_array_unref(server->relay_clients);
    address_book_free(server->addresses);
    g_strfreev(server->domains);
    g_strfreev(server->backup_domains);
    g_free(server);
}

static void stop_after_disk(void *owner, DiskResult result)
{
    (void)result;
    MailServer *server = owner;
    disk_crash_program(server->disk); /* what was asked for meanwhile, by nobody who waits */
    host_stop_program(server->machine.host, server->shutdown_because);
    bool is_to_restart = server->is_to_restart;
    forget_all(server);
    if (is_to_restart)
        mail_server_restart(server);
}

void mail_server_settle(MailServer *server)
{
    if (!server->is_shutting_down || server->has_settled || server->receptions.length > 0 ||
        server->accesses->len > 0 || server->connections.length > 0 || server->locals.length > 0 ||
        server->notifications->len > 0 || server->answers->len > 0)
        return;
    server->has_settled = true;
    disk_run(server->disk, disk_plan_new(), (DiskDone){stop_after_disk, server});
}

void mail_server_shut_down(MailServer *server, uint64_t because)
{
    if (!server->is_running || server->is_shutting_down)
        return;
    server->is_shutting_down = true;
    server->shutdown_because = because;
    simulator_cancel(server->machine.simulator, &server->queue_timer);
    simulator_cancel(server->machine.simulator, &server->leftovers_timer);
    host_unlisten(server->machine.host, SMTP_PORT, because);
    host_unlisten(server->machine.host, SUBMISSION_PORT, because);
    host_unlisten(server->machine.host, IMAP_PORT, because);
    mail_server_connections_shut_down(server);
    mail_server_notifications_shut_down(server);
    mail_server_shut_down_receptions(server);
    mail_server_shut_down_accesses(server);
    mail_server_settle(server);
}

void mail_server_fill_disk(MailServer *server)
{
    const Machine *machine = &server->machine;
    disk_fill(server->disk,
              TRACE(machine->trace, machine->node, DISK_FILL, 0, .used = disk_used(server->disk)));
}

void mail_server_free_disk(MailServer *server)
{
    TRACE(server->machine.trace, server->machine.node, DISK_FREE, 0,
          .used = disk_used(server->disk));
    disk_free_space(server->disk);
    if (server->is_running)
        mail_server_notifications_have_room(server);
}

/* `write, sync`; to free. */
static char *operations_text(DiskOperations operations)
{
    GString *text = g_string_new(NULL);
    for (DiskOperation i = 0; i < DISK_OPERATION_COUNT; i++) {
        if ((operations & 1U << i) != 0)
            g_string_append_printf(text, "%s%s", text->len > 0 ? ", " : "", disk_operation_text(i));
    }
    return g_string_free(text, FALSE);
}

void mail_server_fail_disk(MailServer *server, DiskOperations operations, uint64_t failures)
{
    const Machine *machine = &server->machine;
    g_autofree char *what = operations_text(operations);
    g_autofree char *how_long = failures == 0 ? g_strdup("until it is fixed")
                                : failures == 1
                                    ? g_strdup("once")
                                    : g_strdup_printf("%" G_GUINT64_FORMAT " times", failures);
    disk_fail(server->disk, operations, failures,
              TRACE(machine->trace, machine->node, DISK_FAIL, 0, .operations = what,
                    .how_long = how_long));
    mail_server_watch_leftovers(server);
}

void mail_server_fix_disk(MailServer *server)
{
    TRACE(server->machine.trace, server->machine.node, DISK_FIX, 0,
          .errors = disk_error_count(server->disk));
    disk_fix(server->disk);
    mail_server_watch_leftovers(server);
    if (server->is_running)
        mail_server_notifications_have_room(server);
}

void mail_server_watch_disk(MailServer *server, DiskWatcher watcher)
{
    disk_watch(server->disk, watcher);
}

uint64_t mail_server_disk_steps(const MailServer *server)
{
    return disk_step_count(server->disk);
}

uint64_t mail_server_disk_used(const MailServer *server)
{
    return disk_used(server->disk);
}

void mail_server_take_inventory(const MailServer *server, bool is_final)
{
    store_inventory(server->disk, server->machine.trace, server->machine.node, is_final);
}
