/* The books of conservation: what each record does to the accounts. See books.h for the rules. */
#include "audit/books_internal.h"

#include <string.h>

void books_violate(Books *books, const char *format, ...)
{
    books->violation_count++;
    if (books->stops)
        simulator_stop(books->simulator);
    if (books->violations->len >= BOOKS_MAX_VIOLATIONS)
        return;
    va_list arguments;
    va_start(arguments, format);
    BooksViolation violation = {books->seq, books->about != 0 ? books->about : books->seq,
                                books->time, g_strdup_vprintf(format, arguments)};
    va_end(arguments);
    g_array_append_val(books->violations, violation);
}

/* ---- The queue ---- */

static void check_length(Books *books, const Server *server, uint64_t told)
{
    if (server->length != told)
        books_violate(books,
                      "%s says that its queue has %" G_GUINT64_FORMAT
                      " messages, and the records so far make it %" G_GUINT64_FORMAT,
                      server->name, told, server->length);
}

static void count_entry(Books *books, const Entry *entry)
{
    if (++entry->mail->entries < BOOKS_ENTRIES_MAX || entry->server->has_outside)
        return;
    books->endless = entry->mail->name;
    simulator_stop(books->simulator);
}

static void enter_queue(Books *books, NodeId node, const TraceFields_QUEUE_ENTER *fields)
{
    Entry *entry = books_find_entry(books, node, fields->entry);
    if (entry != NULL) {
        books_violate(books, "%s gives the queue entry %s a second time, now to %s",
                      entry->server->name, entry->id, fields->mail);
        return;
    }
    entry = books_add_entry(books, node, fields->entry, fields->mail);
    entry->is_in_queue = true;
    entry->server->length++;
    count_entry(books, entry);
    check_length(books, entry->server, fields->length);
}

static void leave_queue(Books *books, NodeId node, const TraceFields_QUEUE_REMOVE *fields)
{
    Server *server = books_server(books, node);
    Entry *entry = books_find_entry(books, node, fields->entry);
    if (entry == NULL || !entry->is_in_queue) {
        books_violate(books, "%s removes the queue entry %s (%s), which is not in its queue",
                      server->name, fields->entry, fields->mail);
        return;
    }
    entry->is_in_queue = false;
    entry->is_removed = true;
    server->length--;
    for (const Account *at = entry->accounts; at != NULL; at = at->next_of_entry) {
        if (at->is_open)
            books_violate(books, "%s removes %s (queue entry %s), which is not done for %s",
                          server->name, entry->mail->name, entry->id, at->recipient);
    }
    check_length(books, server, fields->length);
    books_settle(books, entry->mail);
}

/* The disk has at least the recipients that are open: a note comes after its record. */
static void recover(Books *books, NodeId node, const TraceFields_QUEUE_RECOVER *fields)
{
    Server *server = books_server(books, node);
    Entry *entry = books_find_entry(books, node, fields->entry);
    if (entry == NULL && server->outages == 0)
        books_violate(books,
                      "%s finds %s (queue entry %s) on its disk, which it never accepted, and "
                      "no crash explains it",
                      server->name, fields->mail, fields->entry);
    if (entry == NULL) {
        entry = books_add_entry(books, node, fields->entry, fields->mail);
        entry->untold = fields->recipients;
        books_set_origin(books, entry, fields->origin);
    }
    if (entry->open_count > fields->recipients)
        books_violate(books,
                      "%s finds %s (queue entry %s) for %" G_GUINT64_FORMAT
                      " recipients on its disk, and %u of them are not done",
                      server->name, fields->mail, fields->entry, fields->recipients,
                      entry->open_count);
    entry->recovered_after = server->outages;
    entry->is_in_queue = true;
    server->length++;
    check_length(books, server, fields->length);
}

Account *books_account_to_go_on(Books *books, NodeId node, const char *entry, const char *mail,
                                const char *recipient, const char *does)
{
    const char *server = simulator_node_name(books->simulator, node);
    Account *account = books_find_account(books, node, entry, recipient);
    if (account == NULL) {
        books_violate(books, "%s %s %s for %s (queue entry %s), which it never accepted", server,
                      does, mail, recipient, entry);
        return NULL;
    }
    if (!account->is_open && !books_reopen_account(account)) {
        books_violate(books,
                      "%s %s %s for %s (queue entry %s), which was done already, and no crash "
                      "explains it",
                      server, does, mail, recipient, entry);
        return NULL;
    }
    return account;
}

static void attempt(Books *books, NodeId node, const TraceFields_QUEUE_ATTEMPT *fields)
{
    Account *account = books_account_to_go_on(books, node, fields->entry, fields->mail,
                                              fields->recipient, "attempts");
    if (account == NULL)
        return;
    if (g_strcmp0(fields->transport, "local") == 0)
        account->attempts_local++;
    else
        account->attempts_by_smtp++;
}

/* ---- Mail ---- */

static void accept(Books *books, NodeId node, const TraceFields_MAIL_ACCEPTED *fields)
{
    Entry *entry = books_find_entry(books, node, fields->entry);
    if (entry == NULL)
        entry = books_add_entry(books, node, fields->entry, fields->mail);
    if (entry->accounts == NULL)
        books_set_origin(books, entry, fields->origin);
    Account *account = books_open_account(books, entry, fields->recipient,
                                          fields->sender != NULL ? fields->sender : "");
    books_trace_origin(books, account);
}

/* Several entries may hold a mail for one address, by way of an alias and directly: the next server
 * has accepted it without a word about which. What is known now decides. */
static void take_handed(Account *account)
{
    for (Account *at = account->entry->mail->accounts; at != NULL; at = at->next_of_mail) {
        if (at->entry->server == account->entry->server && at->recipient == account->recipient &&
            at->handed > at->relayed) {
            at->handed--;
            account->handed++;
            return;
        }
    }
}

/* What a next server outside of the simulation has done cannot be seen. */
static void relay(Books *books, NodeId node, const TraceFields_MAIL_RELAYED *fields)
{
    Account *account = books_account_to_go_on(books, node, fields->entry, fields->mail,
                                              fields->recipient, "relays");
    if (account == NULL)
        return;
    books_close_account(account);
    const char *next = books_intern(books, fields->next);
    account->relayed++;
    if (account->relayed > account->handed)
        take_handed(account);
    NodeId node_of_next = books_find_host(books, next);
    bool is_seen = node_of_next != NODE_TIMELINE && node_of_next < books->first_outside;
    if (account->relayed > account->handed && is_seen && !books_take_credit(account, node_of_next))
        books_violate(books, "%s says that %s has taken over %s for %s, which %s never accepted",
                      account->entry->server->name, next, fields->mail, fields->recipient, next);
}

static void deliver(Books *books, NodeId node, const TraceFields_MAIL_DELIVERED *fields)
{
    Account *account = books_account_to_go_on(books, node, fields->entry, fields->mail,
                                              fields->recipient, "delivers");
    if (account == NULL)
        return;
    books_close_account(account);
    account->delivered += fields->found == NULL;
    books_claim_copy(books, account, fields->uid, fields->found != NULL);
}

static void bounce(Books *books, NodeId node, const TraceFields_MAIL_BOUNCED *fields)
{
    Account *account = books_account_to_go_on(books, node, fields->entry, fields->mail,
                                              fields->recipient, "bounces");
    if (account == NULL)
        return;
    books_close_account(account);
    books_name_notification(books, account, fields->bounce);
}

static void delay(Books *books, NodeId node, const TraceFields_MAIL_DELAYED *fields)
{
    const Account *account = books_account_to_go_on(books, node, fields->entry, fields->mail,
                                                    fields->recipient, "warns of the delay of");
    if (account != NULL)
        books_name_notification(books, account, fields->warning);
}

/* A notification of success, or an answer. By now the account may be closed, and its entry gone. */
static void tell(Books *books, NodeId node, const char *verb, const char *mail,
                 const char *recipient, const char *entry, const char *notification)
{
    const Account *account = books_find_account(books, node, entry, recipient);
    if (account != NULL)
        books_name_notification(books, account, notification);
    else
        books_violate(books, "%s %s %s for %s (queue entry %s), which it never accepted",
                      simulator_node_name(books->simulator, node), verb, mail, recipient, entry);
}

static void confirm(Books *books, NodeId node, const TraceFields_MAIL_CONFIRMED *fields)
{
    tell(books, node, "confirms", fields->mail, fields->recipient, fields->entry, fields->notice);
}

/* An answer is a notification: its sender is empty, and what has an empty sender gets none. */
static void answer(Books *books, NodeId node, const TraceFields_MAIL_ANSWERED *fields)
{
    tell(books, node, "answers", fields->mail, fields->recipient, fields->entry, fields->answer);
}

static void report(Books *books, NodeId node, const TraceFields_MAIL_REPORTED *fields)
{
    const Account *account = books_account_to_go_on(books, node, fields->entry, fields->mail,
                                                    fields->recipient, "reports");
    if (account != NULL)
        books_name_report(books, account, fields->notice);
}

static void discard(Books *books, NodeId node, const TraceFields_MAIL_DISCARDED *fields)
{
    Account *account = books_account_to_go_on(books, node, fields->entry, fields->mail,
                                              fields->recipient, "discards");
    if (account == NULL)
        return;
    books_close_account(account);
    if (fields->rule == NULL || fields->rule[0] == '\0')
        books_violate(books, "%s discards %s for %s and names no rule",
                      account->entry->server->name, fields->mail, fields->recipient);
}

static void be_uncertain(Books *books, NodeId node, const TraceFields_MAIL_UNCERTAIN *fields)
{
    Account *account = books_account_to_go_on(books, node, fields->entry, fields->mail,
                                              fields->recipient, "is uncertain of");
    if (account != NULL)
        account->uncertain++;
}

/* ---- Machines ---- */

static void end_run(Books *books, const TraceFields_TIMELINE_END *fields)
{
    books->has_ended = true;
    books->end_seq = books->seq;
    books->is_cut = g_strcmp0(fields->reason, "quiet") != 0;
}

static void note_outage(Books *books, NodeId node)
{
    Server *server = books_server(books, node);
    server->outages++;
    server->length = 0;
}

/* What a program outside sends cannot be seen before a server has accepted it. */
static void note_outside(Books *books, const TraceFields_TIMELINE_CONNECT *fields)
{
    books_server(books, books_find_host(books, fields->server))->has_outside = true;
}

void books_trust_server(Books *books, const char *host)
{
    books_server(books, books_find_host(books, host))->has_outside = true;
}

void books_expect_loss(Books *books, const char *host)
{
    books_server(books, books_find_host(books, host))->is_careless = true;
}

/* What a failed operation was to change may be so or not, as after a crash. */
static void note_disk_error(Books *books, NodeId node)
{
    Server *server = books_server(books, node);
    server->outages++;
    server->has_lost_note = server->has_failed_disk = true;
}

/* What was in memory is gone; queue.recover tells what is found. What the disk had no room to note,
 * or failed to, is forgotten by a restart, even one in good order: to that, it is an outage. */
static void note_restart(Books *books, NodeId node)
{
    Server *server = books_server(books, node);
    server->length = 0;
    server->outages += server->has_lost_note;
}

/* ---- Records ---- */

static void write_queue_record(Books *books, const TraceRecord *record)
{
    const void *fields = record->fields;
    if (record->kind == TRACE_QUEUE_ENTER) {
        enter_queue(books, record->node, fields);
    } else if (record->kind == TRACE_QUEUE_REMOVE) {
        leave_queue(books, record->node, fields);
    } else if (record->kind == TRACE_QUEUE_RECOVER) {
        recover(books, record->node, fields);
    } else if (record->kind == TRACE_QUEUE_ATTEMPT) {
        attempt(books, record->node, fields);
    } else if (record->kind == TRACE_QUEUE_DEFER) {
        const TraceFields_QUEUE_DEFER *defer = fields;
        books_account_to_go_on(books, record->node, defer->entry, defer->mail, defer->recipient,
                               "puts off");
    }
}

static void write_mail_record(Books *books, const TraceRecord *record)
{
    const void *fields = record->fields;
    if (record->kind == TRACE_MAIL_ACCEPTED) {
        accept(books, record->node, fields);
    } else if (record->kind == TRACE_MAIL_RELAYED) {
        relay(books, record->node, fields);
    } else if (record->kind == TRACE_MAIL_DELIVERED) {
        deliver(books, record->node, fields);
    } else if (record->kind == TRACE_MAIL_BOUNCED) {
        bounce(books, record->node, fields);
    } else if (record->kind == TRACE_MAIL_DELAYED) {
        delay(books, record->node, fields);
    } else if (record->kind == TRACE_MAIL_CONFIRMED) {
        confirm(books, record->node, fields);
    } else if (record->kind == TRACE_MAIL_ANSWERED) {
        answer(books, record->node, fields);
    } else if (record->kind == TRACE_MAIL_REPORTED) {
        report(books, record->node, fields);
    } else if (record->kind == TRACE_MAIL_DISCARDED) {
        discard(books, record->node, fields);
    } else if (record->kind == TRACE_MAIL_EXPANDED) {
        books_expand(books, record->node, fields);
    } else if (record->kind == TRACE_MAIL_UNCERTAIN) {
        be_uncertain(books, record->node, fields);
    } else if (record->kind == TRACE_MAIL_EXPIRED) {
        const TraceFields_MAIL_EXPIRED *expired = fields;
        books_account_to_go_on(books, record->node, expired->entry, expired->mail,
                               expired->recipient, "gives up");
    }
}

static void write_other_record(Books *books, const TraceRecord *record)
{
    const void *fields = record->fields;
    if (record->kind == TRACE_AGENT_COMPOSE)
        books_compose(books, fields);
    else if (record->kind == TRACE_AGENT_SENT)
        books_be_sent(books, fields);
    else if (record->kind == TRACE_AGENT_FAILED)
        books_be_refused(books, fields);
    else if (record->kind == TRACE_AGENT_WAIT)
        books_be_kept(books, fields);
    else if (record->kind == TRACE_AGENT_LOST)
        books_be_lost(books, fields);
    else if (record->kind == TRACE_AGENT_SUBMIT)
        books_submit(books, fields);
    else if (record->kind == TRACE_MAILBOX_STORE)
        books_store(books, record->node, fields);
    else if (record->kind == TRACE_MAILBOX_FLAG)
        books_flag(books, record->node, fields);
    else if (record->kind == TRACE_MAILBOX_EXPUNGE)
        books_expunge(books, record->node, fields);
    else if (record->kind == TRACE_STORE_INVENTORY)
        books_inventory(books, record->node, fields);
    else if (record->kind == TRACE_HOST_CRASH || record->kind == TRACE_HOST_POWER_OFF)
        note_outage(books, record->node);
    else if (record->kind == TRACE_HOST_RESTART)
        note_restart(books, record->node);
    else if (record->kind == TRACE_DISK_FULL)
        books_server(books, record->node)->has_lost_note = true;
    else if (record->kind == TRACE_DISK_ERROR)
        note_disk_error(books, record->node);
    else if (record->kind == TRACE_TIMELINE_OUTSIDE)
        books->first_outside = record->node;
    else if (record->kind == TRACE_TIMELINE_CONNECT)
        note_outside(books, fields);
    else if (record->kind == TRACE_TIMELINE_END)
        end_run(books, fields);
}

/* Records of levels above MAIL do not come. */
static void books_write(void *owner, const TraceRecord *record)
{
    Books *books = owner;
    books->seq = record->seq;
    books->time = record->time;
    if (record->kind >= TRACE_QUEUE_ENTER && record->kind <= TRACE_QUEUE_RECOVER)
        write_queue_record(books, record);
    else if (record->kind >= TRACE_MAIL_ACCEPTED && record->kind <= TRACE_MAIL_UNCERTAIN)
        write_mail_record(books, record);
    else
        write_other_record(books, record);
}

/* ---- Life ---- */

static void violation_clear(void *violation)
{
    g_free((char *)((BooksViolation *)violation)->text);
}

static void server_free(void *pointer)
{
    Server *server = pointer;
    if (server == NULL)
        return;
    size_t at = 0;
    for (Entry *entry; (entry = table_each(&server->entries, &at)) != NULL;)
        g_free(entry);
    table_clear(&server->entries);
    books_free_mailboxes(server);
    g_free(server);
}

void books_mail_clear(void *pointer)
{
    Mail *mail = pointer;
    if (mail->submissions != NULL)
        g_array_unref(mail->submissions);
    if (mail->not_sent == NULL)
        return;
    g_clear_pointer(&mail->not_sent->refused, g_ptr_array_unref);
    g_clear_pointer(&mail->not_sent->kept, g_ptr_array_unref);
    g_free(mail->not_sent);
}

Books *books_new(Trace *trace)
{
    Books *books = g_new0(Books, 1);
    books->simulator = trace_simulator(trace);
    books->first_outside = UINT32_MAX;
    books->names = interner_new(0);
    books->servers = g_ptr_array_new_with_free_func(server_free);
    books->hosts = interner_new(sizeof(NodeId));
    books->mails = interner_new(sizeof(Mail));
    books->accounts.items = g_ptr_array_new_with_free_func(books_account_free);
    books->copies.items = g_ptr_array_new_with_free_func(g_free);
    books->surplus = g_array_new(FALSE, FALSE, sizeof(Surplus));
    books->violations = g_array_new(FALSE, FALSE, sizeof(BooksViolation));
    g_array_set_clear_func(books->violations, violation_clear);
    trace_add_sink(trace, (TraceSink){books_write, books, TRACE_LEVEL_MAIL});
    return books;
}

void books_free(Books *books)
{
    g_ptr_array_unref(books->accounts.items);
    g_ptr_array_unref(books->servers);
    interner_free(books->hosts, NULL);
    interner_free(books->mails, books_mail_clear);
    g_ptr_array_unref(books->copies.items);
    g_array_unref(books->surplus);
    g_array_unref(books->violations);
    interner_free(books->names, NULL);
    g_free(books);
}

void books_forget_delivered(Books *books)
{
    books->forgets = true;
}

void books_stop_at_violation(Books *books)
{
    books->stops = true;
}

const char *books_endless_mail(const Books *books)
{
    return books->endless;
}

size_t books_violation_count(const Books *books)
{
    return books->violation_count;
}

const BooksViolation *books_violation_at(const Books *books, size_t index)
{
    return index < books->violations->len ? &g_array_index(books->violations, BooksViolation, index)
                                          : NULL;
}

const BooksViolation *books_first_violation(const Books *books)
{
    return books_violation_at(books, 0);
}
