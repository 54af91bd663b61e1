/* The ledger: servers, entries, mails and accounts, found by name. See books_internal.h. */
#include "audit/books_internal.h"

#include <string.h>

const char *books_intern(Books *books, const char *text)
{
    return interner_take(books->names, text);
}

/* Ids are interned, so where one lies tells it from all others. */
static uint32_t hash_of_id(const char *id)
{
    return table_hash_number((uintptr_t)id);
}

static uint32_t hash_of_entry(const void *entry)
{
    return hash_of_id(((const Entry *)entry)->id);
}

Server *books_server(Books *books, NodeId node)
{
    if (node >= books->servers->len)
        g_ptr_array_set_size(books->servers, (int)node + 1);
    Server *server = g_ptr_array_index(books->servers, node);
    if (server == NULL) {
        server = g_new0(Server, 1);
        server->node = node;
        server->name = simulator_node_name(books->simulator, node);
        server->entries.hash_of = hash_of_entry;
        server->mailboxes.hash_of = books_copy_hash;
        books->servers->pdata[node] = server;
    }
    return server;
}

/* Host names are compared without regard to case, and a final dot does not matter. */
static NodeId search_host(const Books *books, const char *name)
{
    size_t length = strlen(name);
    if (length > 0 && name[length - 1] == '.')
        length--;
    for (NodeId node = 1; node < simulator_node_count(books->simulator); node++) {
        const char *known = simulator_node_name(books->simulator, node);
        if (strlen(known) == length && g_ascii_strncasecmp(known, name, length) == 0)
            return node;
    }
    return NODE_TIMELINE;
}

NodeId books_find_host(Books *books, const char *name)
{
    const char *key = interner_take(books->hosts, name);
    NodeId *host = interner_meaning(books->hosts, key);
    if (*host == 0)
        *host = search_host(books, key) + 1;
    return *host - 1;
}

Mail *books_mail(Books *books, const char *name)
{
    const char *key = interner_take(books->mails, name);
    Mail *mail = interner_meaning(books->mails, key);
    mail->name = key;
    return mail;
}

Mail *books_find_mail(Books *books, const char *name)
{
    const char *key = interner_find(books->mails, name);
    return key != NULL ? interner_meaning(books->mails, key) : NULL;
}

Entry *books_find_entry(Books *books, NodeId node, const char *id)
{
    Server *server = books_server(books, node);
    if (server->latest != NULL && id != NULL && strcmp(server->latest->id, id) == 0)
        return server->latest;
    const char *key = books_intern(books, id);
    TableProbe probe = table_probe(&server->entries, hash_of_id(key));
    Entry *entry;
    while ((entry = table_next(&server->entries, &probe)) != NULL && entry->id != key)
        continue;
    if (entry != NULL)
        server->latest = entry;
    return entry;
}

Entry *books_add_entry(Books *books, NodeId node, const char *id, const char *mail)
{
    Entry *entry = g_new(Entry, 1);
    *entry = (Entry){0};
    entry->server = books_server(books, node);
    entry->id = books_intern(books, id);
    entry->mail = books_mail(books, mail);
    entry->outages_at_open = entry->server->outages;
    table_add(&entry->server->entries, hash_of_id(entry->id), entry);
    entry->server->latest = entry;
    return entry;
}

void books_forget_entry(Entry *entry)
{
    Server *server = entry->server;
    if (server->latest == entry)
        server->latest = NULL;
    table_remove(&server->entries, entry);
    g_free(entry);
}

void books_account_free(void *pointer)
{
    Account *account = pointer;
    if (account != NULL && !account->is_first)
        g_free(account);
}

Account *books_open_account(Books *books, Entry *entry, const char *recipient, const char *sender)
{
    bool is_first = !entry->has_first;
    Account *account = is_first ? &entry->first : g_new(Account, 1);
    entry->has_first = true;
    *account = (Account){.entry = entry, .is_first = is_first};
    account->recipient = books_intern(books, recipient);
    account->sender = sender != NULL ? books_intern(books, sender) : NULL;
    account->next_of_entry = entry->accounts;
    account->next_of_mail = entry->mail->accounts;
    account->seq = books->seq;
    account->time = books->time;
    account->outages_at_open = entry->server->outages;
    account->is_open = true;
    entry->accounts = account;
    entry->open_count++;
    entry->mail->accounts = account;
    account->place = books_list_add(&books->accounts, account);
    return account;
}

/* An envelope may name an address twice; then any of its open accounts will do, best the one that
 * the other server has accepted. */
static Account *find_best(const Entry *entry, const char *recipient)
{
    Account *best = NULL;
    for (Account *at = entry->accounts; at != NULL; at = at->next_of_entry) {
        if (at->recipient != recipient)
            continue;
        bool is_better = best == NULL || (at->is_open && !best->is_open) ||
                         (at->is_open == best->is_open && at->handed > at->relayed);
        if (is_better)
            best = at;
    }
    return best;
}

Account *books_find_account(Books *books, NodeId node, const char *entry_id, const char *recipient)
{
    Entry *entry = books_find_entry(books, node, entry_id);
    if (entry == NULL)
        return NULL;
    Account *account = entry->accounts;
    bool is_only = account != NULL && account->next_of_entry == NULL && recipient != NULL &&
                   strcmp(account->recipient, recipient) == 0;
    if (!is_only)
        account = find_best(entry, books_intern(books, recipient));
    if (account == NULL && entry->untold > 0) {
        entry->untold--;
        account = books_open_account(books, entry, recipient, NULL);
        books_trace_origin(books, account);
        /* Its client may have been told no, and sends again, if the disk kept what it was to let
         * go. */
        if (entry->server->has_failed_disk && account->source != NULL)
            account->source->uncertain++;
    }
    return account;
}

void books_close_account(Account *account)
{
    account->is_open = false;
    account->outages_at_close = account->entry->server->outages;
    account->entry->open_count--;
}

bool books_reopen_account(Account *account)
{
    if (account->entry->recovered_after <= account->outages_at_close)
        return false;
    account->is_open = true;
    account->entry->open_count++;
    return true;
}

char *books_dup_user(const char *recipient)
{
    const char *at = strrchr(recipient, '@');
    size_t length = at != NULL ? (size_t)(at - recipient) : strlen(recipient);
    bool is_quoted = length >= 2 && recipient[0] == '"' && recipient[length - 1] == '"';
    char *user = g_malloc(length + 1), *end = user;
    for (size_t i = is_quoted; i < length - is_quoted; i++) {
        if (is_quoted && recipient[i] == '\\' && i + 1 < length - 1)
            i++;
        *end++ = recipient[i];
    }
    *end = '\0';
    return user;
}

const char *books_user_of(Books *books, const char *recipient)
{
    g_autofree char *user = books_dup_user(recipient);
    return books_intern(books, user);
}
