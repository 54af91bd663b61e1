/* What the books forget in a run in which nothing fails: mails that are delivered, with all their
 * accounts, entries and copies. Each is held against the rules of the end first, and stays where it
 * does not meet them; the mailboxes' contents are held against a sum. See books_forget_delivered.
 */
#include "audit/books_internal.h"

#include <string.h>

/* ---- Lists ---- */

guint books_list_add(BooksList *list, void *item)
{
    g_ptr_array_add(list->items, item);
    return list->items->len - 1;
}

/* Closes the holes once they are most of it. `place` says where an item keeps its place. */
static void list_close_holes(BooksList *list, guint *(*place)(void *item))
{
    guint kept = 0;
    if (list->holes * 2 <= list->items->len)
        return;
    for (guint i = 0; i < list->items->len; i++) {
        void *item = list->items->pdata[i];
        if (item == NULL)
            continue;
        list->items->pdata[i] = NULL;
        list->items->pdata[kept] = item;
        *place(item) = kept++;
    }
    g_ptr_array_set_size(list->items, (gint)kept);
    list->holes = 0;
}

static void list_remove(BooksList *list, guint *(*place)(void *item), void *item)
{
    list->items->pdata[*place(item)] = NULL;
    list->holes++;
    list_close_holes(list, place);
}

static guint *place_of_account(void *account)
{
    return &((Account *)account)->place;
}

static guint *place_of_copy(void *copy)
{
    return &((Copy *)copy)->place;
}

/* ---- Who is through ---- */

static bool account_is_through(const Account *account)
{
    const Entry *entry = account->entry;
    return !account->is_open && entry->is_removed && entry->origin == NULL && entry->untold == 0 &&
           account->sender != NULL && !account->is_notification && account->uncertain == 0 &&
           account->handed == account->relayed && account->stored == account->delivered;
}

static bool copy_is_through(const Copy *copy)
{
    return copy->by_delivery && copy->owner != NULL && !copy->is_gone && !copy->is_marked_deleted &&
           books_same_nocase(copy->folder, "INBOX");
}

static bool mail_is_through(const Mail *mail)
{
    if (mail->author == NULL || mail->sent_seq == 0 || mail->copies == NULL ||
        (mail->not_sent != NULL && mail->not_sent->refused != NULL) ||
        !books_sent_is_answered(mail))
        return false;
    for (const Account *at = mail->accounts; at != NULL; at = at->next_of_mail) {
        if (!account_is_through(at))
            return false;
    }
    for (const Copy *at = mail->copies; at != NULL; at = at->next_of_mail) {
        if (!copy_is_through(at))
            return false;
    }
    return true;
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

static Settled *settled_of(Server *server, const char *user)
{
    if (server->settled == NULL)
        server->settled = g_hash_table_new_full(NULL, NULL, NULL, g_free);
    Settled *settled = g_hash_table_lookup(server->settled, user);
    if (settled == NULL) {
        settled = g_new0(Settled, 1);
        g_hash_table_insert(server->settled, (char *)user, settled);
    }
    return settled;
}

static void forget_copy(Books *books, Copy *copy)
{
    Settled *settled = settled_of(copy->server, copy->user);
    settled->count++;
    settled->sum += settled_hash(copy->mail->name, copy->uid);
    books_remove_copy(copy);
    list_remove(&books->copies, place_of_copy, copy);
    g_free(copy);
}

/* The entry goes with the last of its accounts. */
static void forget_account(Books *books, Account *account)
{
    Entry *entry = account->entry;
    entry->accounts = account->next_of_entry;
    list_remove(&books->accounts, place_of_account, account);
    books_account_free(account);
    if (entry->accounts == NULL)
        books_forget_entry(entry);
}

void books_settle(Books *books, Mail *mail)
{
    if (!books->forgets || !mail_is_through(mail))
        return;
    for (Copy *at = mail->copies, *next; at != NULL; at = next) {
        next = at->next_of_mail;
        forget_copy(books, at);
    }
    for (Account *at = mail->accounts, *next; at != NULL; at = next) {
        next = at->next_of_mail;
        forget_account(books, at);
    }
    books_mail_clear(mail);
    interner_remove(books->mails, mail->name);
}

bool books_enter_settled(Books *books, NodeId node, const TraceFields_STORE_INVENTORY *fields)
{
    const Server *server = books_server(books, node);
    const char *user = books_intern(books, fields->recipient);
    Settled *settled = server->settled != NULL ? g_hash_table_lookup(server->settled, user) : NULL;
    if (settled == NULL || settled->count == 0 ||
        !books_same_nocase(fields->folder != NULL ? fields->folder : "", "INBOX"))
        return false;
    settled->count--;
    settled->sum -= settled_hash(fields->mail, fields->uid);
    return true;
}

static int compare_users(const void *a, const void *b)
{
    return strcmp(a, b);
}

static void check_server(Books *books, const Server *server)
{
    g_autoptr(GList) users = g_list_sort(g_hash_table_get_keys(server->settled), compare_users);
    for (const GList *user = users; user != NULL; user = user->next) {
        const Settled *settled = g_hash_table_lookup(server->settled, user->data);
        if (settled->count != 0 || settled->sum != 0)
            books_violate(books, "the mailbox of %s at %s does not hold what was delivered into it",
                          (const char *)user->data, server->name);
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
