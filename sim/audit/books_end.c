/* The end of the books: what the disks hold against what the records told. See books.h.
 *
 * Two things may leave something on a disk that no record told of, or the other way round: an
 * outage between a disk's step and its record, and a run that ends (reason other than quiet) while
 * a step is under way. */
#include "audit/books_internal.h"

#include <string.h>

/* ---- Lines of the final inventory ---- */

static bool may_still_be_queued(const Books *books, const Account *account)
{
    const Entry *entry = account->entry;
    return entry->server->outages > account->outages_at_close ||
           (!entry->is_removed && (books->is_cut || entry->server->has_lost_note));
}

static void enter_queued(Books *books, NodeId node, const TraceFields_STORE_INVENTORY *fields)
{
    Account *account = books_find_account(books, node, fields->entry, fields->recipient);
    const Server *server = books_server(books, node);
    if (account == NULL) {
        if (server->outages == 0 && !books->is_cut)
            books_violate(books,
                          "the queue of %s holds %s for %s (entry %s), which it never "
                          "accepted",
                          server->name, fields->mail, fields->recipient, fields->entry);
        return;
    }
    if (!account->is_open && !may_still_be_queued(books, account))
        books_violate(books, "the queue of %s holds %s for %s (entry %s), which is done",
                      server->name, fields->mail, account->recipient, fields->entry);
    account->is_in_inventory = true;
}

static Copy *find_stored(Books *books, NodeId node, const TraceFields_STORE_INVENTORY *fields)
{
    const char *user = books_intern(books, fields->recipient);
    const char *folder = books_intern(books, fields->folder);
    Copy *renamed = NULL;
    const Mail *mail = books_find_mail(books, fields->mail);
    for (Copy *at = mail != NULL ? mail->copies : NULL; at != NULL; at = at->next_of_mail) {
        if (at->server->node != node || at->user != user || at->uid != fields->uid || at->is_gone ||
            at->is_in_inventory)
            continue;
        if (at->folder == folder)
            return at;
        renamed = at;
    }
    return renamed;
}

static void enter_stored(Books *books, NodeId node, const TraceFields_STORE_INVENTORY *fields)
{
    Copy *copy = find_stored(books, node, fields);
    if (copy != NULL) {
        copy->is_in_inventory = true;
        return;
    }
    if (books_enter_settled(books, node, fields))
        return;
    Surplus surplus = {books_mail(books, fields->mail), books_server(books, node),
                       books_intern(books, fields->recipient), false};
    g_array_append_val(books->surplus, surplus);
}

/* No crash leaves such a file but that of a server which says 250 before it syncs. */
static void enter_damaged(Books *books, NodeId node, const TraceFields_STORE_INVENTORY *fields)
{
    const Server *server = books_server(books, node);
    if (!server->is_careless)
        books_violate(books, "the disk of %s holds %s, which is no mail, and no crash explains it",
                      server->name, fields->folder);
}

/* An inventory on recovery tells whose an entry is that was never told of; the final one is what
 * everything is compared with. */
void books_inventory(Books *books, NodeId node, const TraceFields_STORE_INVENTORY *fields)
{
    bool is_queue = g_strcmp0(fields->place, "queue") == 0;
    if (g_strcmp0(fields->place, "damaged") == 0) {
        enter_damaged(books, node, fields);
        return;
    }
    if (!fields->is_final && is_queue) {
        Account *account = books_find_account(books, node, fields->entry, fields->recipient);
        if (account != NULL && !account->is_open)
            books_reopen_account(account);
    } else if (fields->is_final && is_queue) {
        enter_queued(books, node, fields);
    } else if (fields->is_final) {
        enter_stored(books, node, fields);
    } else if (find_stored(books, node, fields) == NULL) {
        books_learn_copy(books, node, fields);
    }
}

/* ---- What is missing ---- */

/* An outage may have come between the entry and the record that names it; then the recovery names
 * it, unless the one that it comes from was gone by then. */
static void check_origin(Books *books, const Entry *entry)
{
    bool may_differ = books->is_cut || entry->server->outages > entry->outages_at_open;
    if (entry->origin != NULL && !entry->is_named && !may_differ)
        books_violate(books,
                      "%s has %s (queue entry %s) from nowhere: no mail.expanded of queue entry %s "
                      "names it",
                      entry->server->name, entry->mail->name, entry->id, entry->origin->id);
}

static bool may_be_lost(const Account *account)
{
    const Server *server = account->entry->server;
    return server->is_careless && server->outages > account->outages_at_open;
}

/* A message that a crash has left on the disk before any record told of it: nobody has heard that
 * it is there, so the next loss of power may take it away again. Its client has it still. */
static bool may_be_gone(const Account *account)
{
    return account->sender == NULL && account->entry->server->outages > account->outages_at_open;
}

static void check_account(Books *books, Account *account)
{
    const Entry *entry = account->entry;
    books->about = account->seq;
    if (account == entry->accounts)
        check_origin(books, entry);
    if (account->is_open && !account->is_in_inventory && !may_be_lost(account) &&
        !may_be_gone(account))
        books_violate(books,
                      "%s for %s is lost: %s accepted it (queue entry %s), and its disk "
                      "does not hold it",
                      entry->mail->name, account->recipient, entry->server->name, entry->id);
    /* One found on the disk after an outage may have been overtaken before it was named. */
    if (account->is_notification && !account->is_named && account->sender != NULL &&
        !entry->server->has_outside && !books_comes_from_its_own_server(account))
        books_violate(books,
                      "%s has %s for %s (queue entry %s) from nowhere: it is not a "
                      "notification that mail.bounced, mail.delayed, mail.confirmed or "
                      "mail.answered names",
                      entry->server->name, entry->mail->name, account->recipient, entry->id);
    books->about = 0;
}

static bool has_address(const GPtrArray *addresses, const char *address)
{
    for (guint i = 0; addresses != NULL && i < addresses->len; i++) {
        if (books_same_nocase(g_ptr_array_index(addresses, i), address))
            return true;
    }
    return false;
}

static bool was_answered(const Mail *mail, const char *address)
{
    for (const Account *at = mail->accounts; at != NULL; at = at->next_of_mail) {
        if (books_same_nocase(at->recipient, address))
            return true;
    }
    return mail->not_sent != NULL && has_address(mail->not_sent->refused, address);
}

/* The agent was told 250 for the message: for each address either a server has an account, or the
 * agent was told no, or it waits in the agent's outbox when the run is cut. An address with a comma
 * of its own stands in quotes; such a list is passed over. */
static void check_sent(Books *books, const Mail *mail)
{
    if (mail->addressees == NULL || strchr(mail->addressees, '"') != NULL)
        return;
    g_auto(GStrv) addresses = g_strsplit(mail->addressees, ", ", -1);
    books->about = mail->sent_seq;
    for (char **address = addresses; *address != NULL; address++) {
        bool may_wait =
            books->is_cut && mail->not_sent != NULL && has_address(mail->not_sent->kept, *address);
        if ((*address)[0] != '\0' && !may_wait && !was_answered(mail, *address))
            books_violate(books,
                          "%s for %s is lost: its agent was told that the mail is taken, and no "
                          "server has accepted it for that recipient",
                          mail->name, *address);
    }
    books->about = 0;
}

bool books_sent_is_answered(const Mail *mail)
{
    bool is_one = mail->addressees != NULL && strpbrk(mail->addressees, "\",") == NULL;
    return is_one && was_answered(mail, mail->addressees);
}

/* A move cut short: the copy is in another folder, told of or not. */
static bool has_other_copy(const Books *books, const Copy *copy)
{
    for (guint i = 0; i < books->surplus->len; i++) {
        Surplus *surplus = &g_array_index(books->surplus, Surplus, i);
        if (!surplus->is_explained && surplus->mail == copy->mail &&
            surplus->server == copy->server && surplus->user == copy->user) {
            surplus->is_explained = true;
            return true;
        }
    }
    for (const Copy *at = copy->mail->copies; at != NULL; at = at->next_of_mail) {
        if (at != copy && at->server == copy->server && at->user == copy->user &&
            at->is_in_inventory)
            return true;
    }
    return false;
}

static void check_copy(Books *books, const Copy *copy)
{
    bool may_differ = books->is_cut || copy->server->outages > copy->outages;
    if (copy->by_delivery && copy->owner == NULL && !may_differ)
        books_violate(books, "%s put %s into the mailbox of %s and never told of its delivery",
                      copy->server->name, copy->mail->name, copy->user);
    if (copy->is_gone || copy->is_in_inventory)
        return;
    if (may_differ && (copy->is_marked_deleted || has_other_copy(books, copy)))
        return;
    if (may_differ && copy->is_untold && copy->owner == NULL)
        return; /* nor has anybody been told of it since */
    books_violate(books,
                  "%s is lost: %s put it into %s of %s (UID %" G_GUINT64_FORMAT "), and its "
                  "disk does not hold it",
                  copy->mail->name, copy->server->name, copy->folder, copy->user, copy->uid);
}

static void check_surplus(Books *books, const Surplus *surplus)
{
    bool is_known = surplus->mail->accounts != NULL || surplus->mail->author != NULL;
    bool may_differ = books->is_cut || surplus->server->outages > 0;
    if (!surplus->is_explained && !(is_known && may_differ))
        books_violate(books, "the mailbox of %s at %s holds %s, which no record put there",
                      surplus->user, surplus->server->name, surplus->mail->name);
}

static int compare_sent(const void *a, const void *b)
{
    const Mail *const *first = a, *const *second = b;
    return (*first)->sent_seq < (*second)->sent_seq ? -1 : (*first)->sent_seq > (*second)->sent_seq;
}

/* In the order in which their agents were told. */
static void check_all_sent(Books *books)
{
    g_autoptr(GPtrArray) sent = g_ptr_array_new();
    size_t at = 0;
    for (const char *name; (name = interner_each(books->mails, &at)) != NULL;) {
        Mail *mail = interner_meaning(books->mails, name);
        if (mail->sent_seq != 0)
            g_ptr_array_add(sent, mail);
    }
    g_ptr_array_sort(sent, compare_sent);
    for (guint i = 0; i < sent->len; i++)
        check_sent(books, sent->pdata[i]);
}

bool books_check_end(Books *books)
{
    books->seq = books->end_seq;
    if (!books->has_ended)
        books_violate(books, "the trace does not come to timeline.end");
    for (guint i = 0; books->has_ended && i < books->accounts.items->len; i++)
        if (books->accounts.items->pdata[i] != NULL)
            check_account(books, books->accounts.items->pdata[i]);
    if (books->has_ended)
        check_all_sent(books);
    for (guint i = 0; books->has_ended && i < books->copies.items->len; i++)
        if (books->copies.items->pdata[i] != NULL)
            check_copy(books, books->copies.items->pdata[i]);
    for (guint i = 0; i < books->surplus->len; i++)
        check_surplus(books, &g_array_index(books->surplus, Surplus, i));
    if (books->has_ended)
        books_check_settled(books);
    return books->violation_count == 0;
}
