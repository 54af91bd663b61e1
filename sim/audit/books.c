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

static void count_entry(Books *books, const Entry *entry, const Server *server)
{
    Mail *mail = books_mail_at(books, entry->mail);
    if (mail->entries < BOOKS_ENTRIES_MAX)
        mail->entries++;
    if (mail->entries < BOOKS_ENTRIES_MAX || server->has_outside)
        return;
    books->endless = books_mail_name(books, entry->mail);
    simulator_stop(books->simulator);
}

static void enter_queue(Books *books, const TraceRecord *record)
{
    const TraceFields_QUEUE_ENTER *fields = record->fields;
    bool is_new = false;
    Entry *entry = books_take_entry(books, record->node, fields->entry, fields->mail, &is_new);
    Server *server = books_known_server(books, entry->node);
    if (!is_new) {
        books_violate(books, "%s gives the queue entry %s a second time, now to %s", server->name,
                      books_text(books, entry->id), fields->mail);
        return;
    }
    entry->is_in_queue = true;
    server->length++;
    count_entry(books, entry, server);
    check_length(books, server, fields->length);
}

static void leave_queue(Books *books, const TraceRecord *record)
{
    const TraceFields_QUEUE_REMOVE *fields = record->fields;
    Server *server = books_server(books, record->node);
    Entry *entry = books_find_entry(books, record->node, fields->entry);
    if (entry == NULL || !entry->is_in_queue) {
        books_violate(books, "%s removes the queue entry %s (%s), which is not in its queue",
                      server->name, fields->entry, fields->mail);
        return;
    }
    entry->is_in_queue = false;
    entry->is_removed = true;
    server->length--;
    for (const Account *at = books_first_of_entry(books, entry); at != NULL;
         at = books_next_of_entry(books, at)) {
        if (at->is_open)
            books_violate(books, "%s removes %s (queue entry %s), which is not done for %s",
                          server->name, books_mail_name(books, entry->mail),
                          books_text(books, entry->id), books_text(books, at->recipient));
    }
    check_length(books, server, fields->length);
    books_settle(books, entry->mail);
}

static unsigned count_open(const Books *books, const Entry *entry)
{
    unsigned count = 0;
    for (const Account *at = books_first_of_entry(books, entry); at != NULL;
         at = books_next_of_entry(books, at))
        count += at->is_open;
    return count;
}

/* The disk has at least the recipients that are open: a note comes after its record. */
static void recover(Books *books, const TraceRecord *record)
{
    const TraceFields_QUEUE_RECOVER *fields = record->fields;
    bool is_new = false;
    Entry *entry = books_take_entry(books, record->node, fields->entry, fields->mail, &is_new);
    Server *server = books_known_server(books, entry->node);
    if (is_new && server->outages == 0)
        books_violate(books,
                      "%s finds %s (queue entry %s) on its disk, which it never accepted, and "
                      "no crash explains it",
                      server->name, fields->mail, fields->entry);
    if (is_new) {
        books_take_entry_extra(books, entry)->untold = (uint32_t)fields->recipients;
        books_set_origin(books, entry, fields->origin);
    }
    if (count_open(books, entry) > fields->recipients)
        books_violate(books,
                      "%s finds %s (queue entry %s) for %" G_GUINT64_FORMAT
                      " recipients on its disk, and %u of them are not done",
                      server->name, fields->mail, fields->entry, fields->recipients,
                      count_open(books, entry));
    if (server->outages > 0)
        books_take_entry_extra(books, entry)->recovered_after = server->outages;
    entry->is_in_queue = true;
    server->length++;
    check_length(books, server, fields->length);
}

Account *books_account_to_go_on(Books *books, NodeId node, const char *entry, const char *mail,
                                const char *recipient, const char *does)
{
    Account *account = books_find_account(books, node, entry, recipient);
    if (account != NULL && (account->is_open || books_reopen_account(books, account)))
        return account;
    const char *server = simulator_node_name(books->simulator, node);
    if (account == NULL)
        books_violate(books, "%s %s %s for %s (queue entry %s), which it never accepted", server,
                      does, mail, recipient, entry);
    else
        books_violate(books,
                      "%s %s %s for %s (queue entry %s), which was done already, and no crash "
                      "explains it",
                      server, does, mail, recipient, entry);
    return NULL;
}

static void attempt(Books *books, const TraceRecord *record)
{
    const TraceFields_QUEUE_ATTEMPT *fields = record->fields;
    Account *account = books_account_to_go_on(books, record->node, fields->entry, fields->mail,
                                              fields->recipient, "attempts");
    if (account == NULL)
        return;
    if (g_strcmp0(fields->transport, "local") == 0)
        books_take_account_extra(books, account)->attempts_local++;
    else
        account->attempts_by_smtp++;
}

/* ---- Mail ---- */

static void accept(Books *books, const TraceRecord *record)
{
    const TraceFields_MAIL_ACCEPTED *fields = record->fields;
    bool is_new = false;
    Entry *entry = books_find_entry(books, record->node, fields->entry);
    if (entry == NULL)
        entry = books_take_entry(books, record->node, fields->entry, fields->mail, &is_new);
    if (entry->accounts == 0)
        books_set_origin(books, entry, fields->origin);
    Account *account = books_open_account(books, entry, fields->recipient,
                                          fields->sender != NULL ? fields->sender : "");
    books_trace_origin(books, account);
}

/* Several entries may hold a mail for one address, by way of an alias and directly: the next server
 * has accepted it without a word about which. What is known now decides. */
static void take_handed(Books *books, Account *account)
{
    NodeId node = books_entry_of(books, account)->node;
    for (Account *at = books_first_of_mail(books, books_mail_of(books, account)); at != NULL;
         at = books_next_of_mail(books, at)) {
        if (books_entry_of(books, at)->node == node && at->recipient == account->recipient &&
            books_is_owed(books, at)) {
            books_take_account_extra(books, at)->handed--;
            books_take_account_extra(books, account)->handed++;
            return;
        }
    }
}

/* What a next server outside of the simulation has done cannot be seen. */
static void relay(Books *books, const TraceRecord *record)
{
    const TraceFields_MAIL_RELAYED *fields = record->fields;
    Account *account = books_account_to_go_on(books, record->node, fields->entry, fields->mail,
                                              fields->recipient, "relays");
    if (account == NULL)
        return;
    books_close_account(books, account);
    const char *next = fields->next != NULL ? fields->next : "";
    AccountExtra *extra = books_take_account_extra(books, account);
    extra->relayed++;
    if (extra->relayed > extra->handed)
        take_handed(books, account);
    NodeId node_of_next = books_find_host(books, next);
    bool is_seen = node_of_next != NODE_TIMELINE && node_of_next < books->first_outside;
    if (extra->relayed > extra->handed && is_seen &&
        !books_take_credit(books, account, node_of_next))
        books_violate(books, "%s says that %s has taken over %s for %s, which %s never accepted",
                      books_server_of(books, account)->name, next, fields->mail, fields->recipient,
                      next);
}

static void deliver(Books *books, const TraceRecord *record)
{
    const TraceFields_MAIL_DELIVERED *fields = record->fields;
    Account *account = books_account_to_go_on(books, record->node, fields->entry, fields->mail,
                                              fields->recipient, "delivers");
    if (account == NULL)
        return;
    books_close_account(books, account);
    books_take_account_extra(books, account)->delivered += fields->found == NULL;
    books_claim_copy(books, account, fields->uid, fields->found != NULL);
}

static void bounce(Books *books, const TraceRecord *record)
{
    const TraceFields_MAIL_BOUNCED *fields = record->fields;
    Account *account = books_account_to_go_on(books, record->node, fields->entry, fields->mail,
                                              fields->recipient, "bounces");
    if (account == NULL)
        return;
    books_close_account(books, account);
    books_name_notification(books, account, fields->bounce);
}

static void delay(Books *books, const TraceRecord *record)
{
    const TraceFields_MAIL_DELAYED *fields = record->fields;
    const Account *account =
        books_account_to_go_on(books, record->node, fields->entry, fields->mail, fields->recipient,
                               "warns of the delay of");
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

static void confirm(Books *books, const TraceRecord *record)
{
    const TraceFields_MAIL_CONFIRMED *fields = record->fields;
    tell(books, record->node, "confirms", fields->mail, fields->recipient, fields->entry,
         fields->notice);
}

/* An answer is a notification: its sender is empty, and what has an empty sender gets none. */
static void answer(Books *books, const TraceRecord *record)
{
    const TraceFields_MAIL_ANSWERED *fields = record->fields;
    tell(books, record->node, "answers", fields->mail, fields->recipient, fields->entry,
         fields->answer);
}

static void report(Books *books, const TraceRecord *record)
{
    const TraceFields_MAIL_REPORTED *fields = record->fields;
    const Account *account = books_account_to_go_on(books, record->node, fields->entry,
                                                    fields->mail, fields->recipient, "reports");
    if (account != NULL)
        books_name_report(books, account, fields->notice);
}

static void discard(Books *books, const TraceRecord *record)
{
    const TraceFields_MAIL_DISCARDED *fields = record->fields;
    Account *account = books_account_to_go_on(books, record->node, fields->entry, fields->mail,
                                              fields->recipient, "discards");
    if (account == NULL)
        return;
    books_close_account(books, account);
    if (fields->rule == NULL || fields->rule[0] == '\0')
        books_violate(books, "%s discards %s for %s and names no rule",
                      books_server_of(books, account)->name, fields->mail, fields->recipient);
}

static void be_uncertain(Books *books, const TraceRecord *record)
{
    const TraceFields_MAIL_UNCERTAIN *fields = record->fields;
    Account *account = books_account_to_go_on(books, record->node, fields->entry, fields->mail,
                                              fields->recipient, "is uncertain of");
    if (account != NULL)
        books_take_account_extra(books, account)->uncertain++;
}

static void put_off(Books *books, const TraceRecord *record)
{
    const TraceFields_QUEUE_DEFER *fields = record->fields;
    books_account_to_go_on(books, record->node, fields->entry, fields->mail, fields->recipient,
                           "puts off");
}

static void give_up(Books *books, const TraceRecord *record)
{
    const TraceFields_MAIL_EXPIRED *fields = record->fields;
    books_account_to_go_on(books, record->node, fields->entry, fields->mail, fields->recipient,
                           "gives up");
}

/* ---- Machines ---- */

static void end_run(Books *books, const TraceRecord *record)
{
    const TraceFields_TIMELINE_END *fields = record->fields;
    books->has_ended = true;
    books->end_seq = books->seq;
    books->is_cut = g_strcmp0(fields->reason, "quiet") != 0;
}

static void note_outage(Books *books, const TraceRecord *record)
{
    Server *server = books_server(books, record->node);
    server->outages++;
    server->length = 0;
}

/* What a program outside sends cannot be seen before a server has accepted it. */
static void note_connection(Books *books, const TraceRecord *record)
{
    const TraceFields_TIMELINE_CONNECT *fields = record->fields;
    books_server(books, books_find_host(books, fields->server))->has_outside = true;
}

static void note_outside(Books *books, const TraceRecord *record)
{
    books->first_outside = record->node;
}

void books_trust_server(Books *books, const char *host)
{
    books_server(books, books_find_host(books, host))->has_outside = true;
}

void books_expect_loss(Books *books, const char *host)
{
    books_server(books, books_find_host(books, host))->is_careless = true;
}

static void note_full_disk(Books *books, const TraceRecord *record)
{
    books_server(books, record->node)->has_lost_note = true;
}

/* What a failed operation was to change may be so or not, as after a crash. */
static void note_disk_error(Books *books, const TraceRecord *record)
{
    Server *server = books_server(books, record->node);
    server->outages++;
    server->has_lost_note = server->has_failed_disk = true;
}

/* What was in memory is gone; queue.recover tells what is found. What the disk had no room to note,
 * or failed to, is forgotten by a restart, even one in good order: to that, it is an outage. */
static void note_restart(Books *books, const TraceRecord *record)
{
    Server *server = books_server(books, record->node);
    server->length = 0;
    server->outages += server->has_lost_note;
}

/* ---- Records ---- */

typedef void (*Booking)(Books *books, const TraceRecord *record);

/* What is done about a record of that kind; NULL: it says nothing about conservation. */
static const Booking BOOKINGS[TRACE_KIND_COUNT] = {
    [TRACE_AGENT_COMPOSE] = books_compose,
    [TRACE_AGENT_SUBMIT] = books_submit,
    [TRACE_AGENT_SENT] = books_be_sent,
    [TRACE_AGENT_FAILED] = books_be_refused,
    [TRACE_AGENT_WAIT] = books_be_kept,
    [TRACE_AGENT_LOST] = books_be_lost,
    [TRACE_QUEUE_ENTER] = enter_queue,
    [TRACE_QUEUE_REMOVE] = leave_queue,
    [TRACE_QUEUE_RECOVER] = recover,
    [TRACE_QUEUE_ATTEMPT] = attempt,
    [TRACE_QUEUE_DEFER] = put_off,
    [TRACE_MAIL_ACCEPTED] = accept,
    [TRACE_MAIL_RELAYED] = relay,
    [TRACE_MAIL_DELIVERED] = deliver,
    [TRACE_MAIL_BOUNCED] = bounce,
    [TRACE_MAIL_DELAYED] = delay,
    [TRACE_MAIL_CONFIRMED] = confirm,
    [TRACE_MAIL_ANSWERED] = answer,
    [TRACE_MAIL_REPORTED] = report,
    [TRACE_MAIL_DISCARDED] = discard,
    [TRACE_MAIL_EXPANDED] = books_expand,
    [TRACE_MAIL_UNCERTAIN] = be_uncertain,
    [TRACE_MAIL_EXPIRED] = give_up,
    [TRACE_MAILBOX_STORE] = books_store,
    [TRACE_MAILBOX_FLAG] = books_flag,
    [TRACE_MAILBOX_EXPUNGE] = books_expunge,
    [TRACE_STORE_INVENTORY] = books_inventory,
    [TRACE_HOST_CRASH] = note_outage,
    [TRACE_HOST_POWER_OFF] = note_outage,
    [TRACE_HOST_RESTART] = note_restart,
    [TRACE_DISK_FULL] = note_full_disk,
    [TRACE_DISK_ERROR] = note_disk_error,
    [TRACE_TIMELINE_OUTSIDE] = note_outside,
    [TRACE_TIMELINE_CONNECT] = note_connection,
    [TRACE_TIMELINE_END] = end_run,
};

static void books_write(void *owner, const TraceRecord *record)
{
    Books *books = owner;
    books->seq = record->seq;
    books->time = record->time;
    BOOKINGS[record->kind](books, record);
}

static void listen(Books *books, Trace *trace)
{
    bool kinds[TRACE_KIND_COUNT];
    for (TraceKind kind = 0; kind < TRACE_KIND_COUNT; kind++)
        kinds[kind] = BOOKINGS[kind] != NULL;
    trace_add_sink_of_kinds(trace, (TraceSink){books_write, books, TRACE_LEVEL_MAIL}, kinds);
}

/* ---- Life ---- */

static void violation_clear(void *violation)
{
    g_free((char *)((BooksViolation *)violation)->text);
}

Books *books_new(Trace *trace, Roster *roster)
{
    Books *books = g_new0(Books, 1);
    books->simulator = trace_simulator(trace);
    books->first_outside = UINT32_MAX;
    books->roster = roster != NULL ? roster_ref(roster) : roster_new();
    books->names = roster_names(books->roster);
    books_init_ledger(books);
    books_init_mailboxes(books);
    books->surplus = g_array_new(FALSE, FALSE, sizeof(Surplus));
    books->violations = g_array_new(FALSE, FALSE, sizeof(BooksViolation));
    g_array_set_clear_func(books->violations, violation_clear);
    listen(books, trace);
    return books;
}

void books_free(Books *books)
{
    books_clear_mailboxes(books);
    books_clear_ledger(books);
    g_array_unref(books->surplus);
    g_array_unref(books->violations);
    roster_unref(books->roster);
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
