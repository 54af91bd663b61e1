/* What the books forget in a run in which nothing fails: mails that are delivered, with all their
 * accounts, entries and copies. Each is held against the rules of the end first, and stays where it
 * does not meet them; the mailboxes' contents are held against a sum. See books_forget_delivered.
 */
#include "audit/books_internal.h"

#include <string.h>

/* ---- Who is through ---- */

static bool account_is_through(const Books *books, const Account *account)
{
    const Entry *entry = books_entry_of(books, account);
    const EntryExtra *extra = books_entry_extra(books, entry);
    const AccountExtra *results = books_account_extra(books, account);
    return !account->is_open && entry->is_removed && extra->origin == 0 && extra->untold == 0 &&
           account->sender != NAME_NONE && !account->is_notification && results->uncertain == 0 &&
           results->handed == results->relayed && results->stored == results->delivered;
}

static bool copy_is_through(const Books *books, const Copy *copy)
{
    return copy->by_delivery && copy->owner != 0 && !copy->is_gone && !copy->is_marked_deleted &&
           books_same_nocase(books_text(books, copy->folder), "INBOX");
}

static bool mail_is_through(const Books *books, const Mail *mail)
{
    if (mail->author == NAME_NONE || mail->sent_seq == 0 || mail->copies == 0 ||
        books_mail_extra(books, mail)->refused != NULL)
        return false;
    for (const Account *at = books_first_of_mail(books, mail); at != NULL;
         at = books_next_of_mail(books, at)) {
        if (!account_is_through(books, at))
            return false;
    }
    for (const Copy *at = books_copy(books, mail->copies); at != NULL;
         at = books_copy(books, at->next_of_mail)) {
        if (!copy_is_through(books, at))
            return false;
    }
    return books_sent_is_answered(books, mail);
}

/* ---- The sum ---- */

/* FNV-1a of the mail's name, mixed with its UID. */
static uint64_t settled_hash(const char *mail, uint64_t uid)
{
    uint64_t hash = UINT64_C(0xcbf29ce484222325) ^ (uid * UINT64_C(0x9e3779b97f4a7c15));
    for (const char *c = mail; *c != '\0'; c++)
        hash = (hash ^ (uint8_t)*c) * UINT64_C(0x100000001b3);
    return hash ^ (hash >> 29);
}

static Settled *settled_of(Server *server, NameId user)
{
    if (server->settled == NULL)
        server->settled = g_hash_table_new_full(NULL, NULL, NULL, g_free);
    Settled *settled = g_hash_table_lookup(server->settled, GUINT_TO_POINTER(user));
    if (settled == NULL) {
        settled = g_new0(Settled, 1);
        g_hash_table_insert(server->settled, GUINT_TO_POINTER(user), settled);
    }
    return settled;
}

static void settle_copies(Books *books, MailId mail)
{
    CopyId next;
    for (CopyId id = books_mail_at(books, mail)->copies; id != 0; id = next) {
        const Copy *copy = books_copy(books, id);
        Settled *settled = settled_of(books_known_server(books, copy->node), copy->user);
        settled->count++;
        settled->sum += settled_hash(books_mail_name(books, mail), copy->uid);
        next = copy->next_of_mail;
        books_forget_copy(books, id);
    }
}

static void forget_accounts(Books *books, MailId mail)
{
    AccountId next;
    for (AccountId id = books_mail_at(books, mail)->accounts; id != 0; id = next) {
        next = books_account(books, id)->next_of_mail;
        books_forget_account(books, id);
    }
}

void books_settle(Books *books, MailId mail)
{
    if (!books->forgets || !mail_is_through(books, books_mail_at(books, mail)))
        return;
    settle_copies(books, mail);
    forget_accounts(books, mail);
    books_forget_mail(books, mail);
}

bool books_enter_settled(Books *books, NodeId node, const TraceFields_STORE_INVENTORY *fields)
{
    const Server *server = books_server(books, node);
    NameId user = books_intern(books, fields->recipient);
    Settled *settled = server->settled != NULL
                           ? g_hash_table_lookup(server->settled, GUINT_TO_POINTER(user))
                           : NULL;
    if (settled == NULL || settled->count == 0 ||
        !books_same_nocase(fields->folder != NULL ? fields->folder : "", "INBOX"))
        return false;
    settled->count--;
    settled->sum -= settled_hash(fields->mail, fields->uid);
    return true;
}

static int compare_users(const void *a, const void *b, void *books)
{
    return strcmp(books_text(books, GPOINTER_TO_UINT(a)), books_text(books, GPOINTER_TO_UINT(b)));
}

static void check_server(Books *books, const Server *server)
{
    g_autoptr(GList) users =
        g_list_sort_with_data(g_hash_table_get_keys(server->settled), compare_users, books);
    for (const GList *user = users; user != NULL; user = user->next) {
        const Settled *settled = g_hash_table_lookup(server->settled, user->data);
        if (settled->count != 0 || settled->sum != 0)
            books_violate(books, "the mailbox of %s at %s does not hold what was delivered into it",
                          books_text(books, GPOINTER_TO_UINT(user->data)), server->name);
    }
}

void books_check_settled(Books *books)
{
    for (guint node = 0; node < books->servers->len; node++) {
        const Server *server = books->servers->pdata[node];
        if (server != NULL && server->settled != NULL)
            check_server(books, server);
    }
}
