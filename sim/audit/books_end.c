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
    const Entry *entry = books_entry_of(books, account);
    const Server *server = books_known_server(books, entry->node);
    return server->outages > books_account_extra(books, account)->outages_at_close ||
           (!entry->is_removed && (books->is_cut || server->has_lost_note));
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
                      server->name, fields->mail, books_text(books, account->recipient),
                      fields->entry);
    account->is_in_inventory = true;
}

static Copy *find_stored(Books *books, NodeId node, const TraceFields_STORE_INVENTORY *fields)
{
    MailId mail = books_find_mail(books, fields->mail);
    if (mail == 0)
        return NULL;
    NameId user = books_intern(books, fields->recipient);
    NameId folder = books_intern(books, fields->folder);
    Copy *renamed = NULL;
    for (Copy *at = books_copy(books, books_mail_at(books, mail)->copies); at != NULL;
         at = books_copy(books, at->next_of_mail)) {
        if (at->node != node || at->user != user || at->uid != fields->uid || at->is_gone ||
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
    Surplus surplus = {books_take_mail(books, fields->mail), books_server(books, node)->node,
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
void books_inventory(Books *books, const TraceRecord *record)
{
    const TraceFields_STORE_INVENTORY *fields = record->fields;
    NodeId node = record->node;
    bool is_queue = g_strcmp0(fields->place, "queue") == 0;
    if (g_strcmp0(fields->place, "damaged") == 0) {
        enter_damaged(books, node, fields);
        return;
    }
    if (!fields->is_final && is_queue) {
        Account *account = books_find_account(books, node, fields->entry, fields->recipient);
        if (account != NULL && !account->is_open)
            books_reopen_account(books, account);
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
    const Server *server = books_known_server(books, entry->node);
    const EntryExtra *extra = books_entry_extra(books, entry);
    const Entry *origin = books_entry(books, extra->origin);
    bool may_differ = books->is_cut || server->outages > extra->outages_at_open;
    if (origin != NULL && !entry->is_named && !may_differ)
        books_violate(books,
                      "%s has %s (queue entry %s) from nowhere: no mail.expanded of queue entry %s "
                      "names it",
                      server->name, books_mail_name(books, entry->mail),
                      books_text(books, entry->id), books_text(books, origin->id));
}

static bool may_be_lost(const Books *books, const Account *account)
{
    const Server *server = books_server_of(books, account);
    return server->is_careless &&
           server->outages > books_account_extra(books, account)->outages_at_open;
}

/* A message that a crash has left on the disk before any record told of it: nobody has heard that
 * it is there, so the next loss of power may take it away again. Its client has it still. */
static bool may_be_gone(const Books *books, const Account *account)
{
    return account->sender == NAME_NONE && books_server_of(books, account)->outages >
                                               books_account_extra(books, account)->outages_at_open;
}

static void check_account(Books *books, Account *account)
{
    const Entry *entry = books_entry_of(books, account);
    const Server *server = books_known_server(books, entry->node);
    books->about = account->seq;
    if (account == books_first_of_entry(books, entry))
        check_origin(books, entry);
    if (account->is_open && !account->is_in_inventory && !may_be_lost(books, account) &&
        !may_be_gone(books, account))
        books_violate(books,
                      "%s for %s is lost: %s accepted it (queue entry %s), and its disk "
                      "does not hold it",
                      books_mail_name(books, entry->mail), books_text(books, account->recipient),
                      server->name, books_text(books, entry->id));
    /* One found on the disk after an outage may have been overtaken before it was named. */
    if (account->is_notification && !account->is_named && account->sender != NAME_NONE &&
        !server->has_outside && !books_comes_from_its_own_server(books, account))
        books_violate(books,
                      "%s has %s for %s (queue entry %s) from nowhere: it is not a "
                      "notification that mail.bounced, mail.delayed, mail.confirmed or "
                      "mail.answered names",
                      server->name, books_mail_name(books, entry->mail),
                      books_text(books, account->recipient), books_text(books, entry->id));
    books->about = 0;
}

/* The numbers of the things in a slab that are there, in the order that `compare` says. */
static GArray *list(Books *books, const Slab *slab, bool (*is_there)(const void *thing),
                    GCompareDataFunc compare)
{
    GArray *ids = g_array_new(FALSE, FALSE, sizeof(uint32_t));
    for (uint32_t id = slab_next(slab, 0); id != 0; id = slab_next(slab, id)) {
        if (is_there(slab_at(slab, id)))
            g_array_append_val(ids, id);
    }
    g_array_sort_with_data(ids, compare, books);
    return ids;
}

static int compare_numbers(uint64_t first, uint64_t second)
{
    return first < second ? -1 : first > second;
}

static bool account_is_there(const void *account)
{
    return ((const Account *)account)->entry != 0;
}

static int compare_accounts(const void *a, const void *b, void *books)
{
    return compare_numbers(books_account(books, *(const AccountId *)a)->seq,
                           books_account(books, *(const AccountId *)b)->seq);
}

/* In the order in which they were opened: by a record each. */
static void check_all_accounts(Books *books)
{
    g_autoptr(GArray) ids = list(books, &books->accounts, account_is_there, compare_accounts);
    for (guint i = 0; i < ids->len; i++)
        check_account(books, books_account(books, g_array_index(ids, AccountId, i)));
}

static bool has_address(const Books *books, const GArray *addresses, const char *address)
{
    for (guint i = 0; addresses != NULL && i < addresses->len; i++) {
        if (books_same_nocase(books_text(books, g_array_index(addresses, NameId, i)), address))
            return true;
    }
    return false;
}

static bool was_answered(const Books *books, const Mail *mail, const char *address)
{
    for (const Account *at = books_first_of_mail(books, mail); at != NULL;
         at = books_next_of_mail(books, at)) {
        if (books_same_nocase(books_text(books, at->recipient), address))
            return true;
    }
    return has_address(books, books_mail_extra(books, mail)->refused, address);
}

/* The agent was told 250 for the message: for each address either a server has an account, or the
 * agent was told no, or it waits in the agent's outbox when the run is cut. An address with a comma
 * of its own stands in quotes; such a list is passed over. */
static void check_sent(Books *books, MailId id)
{
    const Mail *mail = books_mail_at(books, id);
    const char *addressees = books_text(books, mail->addressees);
    if (addressees == NULL || strchr(addressees, '"') != NULL)
        return;
    const GArray *kept = books_mail_extra(books, mail)->kept;
    g_auto(GStrv) addresses = g_strsplit(addressees, ", ", -1);
    books->about = mail->sent_seq;
    for (char **address = addresses; *address != NULL; address++) {
        bool may_wait = books->is_cut && has_address(books, kept, *address);
        if ((*address)[0] != '\0' && !may_wait && !was_answered(books, mail, *address))
            books_violate(books,
                          "%s for %s is lost: its agent was told that the mail is taken, and no "
                          "server has accepted it for that recipient",
                          books_mail_name(books, id), *address);
    }
    books->about = 0;
}

bool books_sent_is_answered(const Books *books, const Mail *mail)
{
    const char *addressees = books_text(books, mail->addressees);
    bool is_one = addressees != NULL && strpbrk(addressees, "\",") == NULL;
    return is_one && was_answered(books, mail, addressees);
}

static bool mail_is_sent(const void *mail)
{
    return ((const Mail *)mail)->sent_seq != 0;
}

static int compare_sent(const void *a, const void *b, void *books)
{
    return compare_numbers(books_mail_at(books, *(const MailId *)a)->sent_seq,
                           books_mail_at(books, *(const MailId *)b)->sent_seq);
}

/* In the order in which their agents were told. */
static void check_all_sent(Books *books)
{
    g_autoptr(GArray) ids = list(books, &books->mails, mail_is_sent, compare_sent);
    for (guint i = 0; i < ids->len; i++)
        check_sent(books, g_array_index(ids, MailId, i));
}

/* A move cut short: the copy is in another folder, told of or not. */
static bool has_other_copy(const Books *books, const Copy *copy)
{
    for (guint i = 0; i < books->surplus->len; i++) {
        Surplus *surplus = &g_array_index(books->surplus, Surplus, i);
        if (!surplus->is_explained && surplus->mail == copy->mail && surplus->node == copy->node &&
            surplus->user == copy->user) {
            surplus->is_explained = true;
            return true;
        }
    }
    for (const Copy *at = books_copy(books, books_mail_at(books, copy->mail)->copies); at != NULL;
         at = books_copy(books, at->next_of_mail)) {
        if (at != copy && at->node == copy->node && at->user == copy->user && at->is_in_inventory)
            return true;
    }
    return false;
}

static void check_copy(Books *books, const Copy *copy)
{
    const Server *server = books_known_server(books, copy->node);
    const char *mail = books_mail_name(books, copy->mail), *user = books_text(books, copy->user);
    bool may_differ = books->is_cut || server->outages > copy->outages;
    if (copy->by_delivery && copy->owner == 0 && !may_differ)
        books_violate(books, "%s put %s into the mailbox of %s and never told of its delivery",
                      server->name, mail, user);
    if (copy->is_gone || copy->is_in_inventory)
        return;
    if (may_differ && (copy->is_marked_deleted || has_other_copy(books, copy)))
        return;
    if (may_differ && copy->is_untold && copy->owner == 0)
        return; /* nor has anybody been told of it since */
    books_violate(books,
                  "%s is lost: %s put it into %s of %s (UID %" G_GUINT64_FORMAT "), and its "
                  "disk does not hold it",
                  mail, server->name, books_text(books, copy->folder), user, copy->uid);
}

static bool copy_is_there(const void *copy)
{
    return ((const Copy *)copy)->mail != 0;
}

static int compare_copies(const void *a, const void *b, void *books)
{
    return compare_numbers(books_copy(books, *(const CopyId *)a)->order,
                           books_copy(books, *(const CopyId *)b)->order);
}

/* In the order in which they were stored. */
static void check_all_copies(Books *books)
{
    g_autoptr(GArray) ids = list(books, &books->copies, copy_is_there, compare_copies);
    for (guint i = 0; i < ids->len; i++)
        check_copy(books, books_copy(books, g_array_index(ids, CopyId, i)));
}

static void check_surplus(Books *books, const Surplus *surplus)
{
    const Mail *mail = books_mail_at(books, surplus->mail);
    const Server *server = books_known_server(books, surplus->node);
    bool is_known = mail->accounts != 0 || mail->author != NAME_NONE;
    bool may_differ = books->is_cut || server->outages > 0;
    if (!surplus->is_explained && !(is_known && may_differ))
        books_violate(books, "the mailbox of %s at %s holds %s, which no record put there",
                      books_text(books, surplus->user), server->name,
                      books_mail_name(books, surplus->mail));
}

bool books_check_end(Books *books)
{
    books->seq = books->end_seq;
    if (!books->has_ended)
        books_violate(books, "the trace does not come to timeline.end");
    if (books->has_ended) {
        check_all_accounts(books);
        check_all_sent(books);
        check_all_copies(books);
    }
    for (guint i = 0; i < books->surplus->len; i++)
        check_surplus(books, &g_array_index(books->surplus, Surplus, i));
    if (books->has_ended)
        books_check_settled(books);
    return books->violation_count == 0;
}
