/* The ledger: servers, entries, mails and accounts, found by name. See books_internal.h. */
#include "audit/books_internal.h"

#include <string.h>

NameId books_intern(Books *books, const char *text)
{
    return interner_take(books->names, text);
}

/* ---- Servers ---- */

Server *books_add_server(Books *books, NodeId node)
{
    if (node >= books->servers->len)
        g_ptr_array_set_size(books->servers, (int)node + 1);
    Server *server = g_new0(Server, 1);
    server->node = node;
    server->name = simulator_node_name(books->simulator, node);
    books->servers->pdata[node] = server;
    return server;
}

static void server_free(void *pointer)
{
    Server *server = pointer;
    if (server == NULL)
        return;
    if (server->settled != NULL)
        g_hash_table_destroy(server->settled);
    g_free(server);
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
    NameId key = interner_take(books->hosts, name);
    for (NameId id = books->host_nodes->len; id <= key; id++) {
        NodeId node = id != NAME_NONE ? search_host(books, interner_text(books->hosts, id)) : 0;
        g_array_append_val(books->host_nodes, node);
    }
    return g_array_index(books->host_nodes, NodeId, key);
}

/* ---- Mails ---- */

MailId books_take_mail(Books *books, const char *name)
{
    MailId id = roster_take(books->roster, ROSTER_BOOKS, name);
    slab_reach(&books->mails, id);
    return id;
}

Mail *books_mail(Books *books, const char *name)
{
    return books_mail_at(books, books_take_mail(books, name));
}

MailId books_find_mail(const Books *books, const char *name)
{
    return roster_find(books->roster, ROSTER_BOOKS, name);
}

/* What few have: `number` is that of such a one's extra. */
static void *take_extra(Slab *extras, uint32_t *number)
{
    if (*number == 0)
        *number = slab_take(extras);
    return slab_at(extras, *number);
}

static void give_back_extra(Slab *extras, uint32_t number)
{
    if (number != 0)
        slab_give_back(extras, number);
}

MailExtra *books_take_mail_extra(Books *books, Mail *mail)
{
    return take_extra(&books->mail_extras, &mail->extra);
}

static void clear_extra(MailExtra *extra)
{
    g_clear_pointer(&extra->submissions, g_array_unref);
    g_clear_pointer(&extra->refused, g_array_unref);
    g_clear_pointer(&extra->kept, g_array_unref);
}

void books_forget_mail(Books *books, MailId id)
{
    Mail *mail = books_mail_at(books, id);
    clear_extra(slab_at(&books->mail_extras, mail->extra));
    give_back_extra(&books->mail_extras, mail->extra);
    *mail = (Mail){0};
    roster_release(books->roster, ROSTER_BOOKS, id);
}

/* ---- Entries ---- */

static uint32_t hash_of_id(NodeId node, NameId id)
{
    return table_hash_number((uint64_t)node << 32 | id);
}

static uint32_t hash_of_entry(const void *owner, uint32_t number)
{
    const Entry *entry = books_entry(owner, number);
    return hash_of_id(entry->node, entry->id);
}

static Entry *find_entry(Books *books, Server *server, NameId id)
{
    TableProbe probe = id_table_probe(&books->by_id, hash_of_id(server->node, id));
    Entry *entry;
    while ((entry = books_entry(books, id_table_next(&books->by_id, &probe))) != NULL &&
           (entry->id != id || entry->node != server->node))
        continue;
    return entry;
}

Entry *books_find_entry(Books *books, NodeId node, const char *id)
{
    Server *server = books_server(books, node);
    Entry *latest = books_entry(books, server->latest);
    if (latest != NULL && id != NULL && strcmp(books_text(books, latest->id), id) == 0)
        return latest;
    Entry *entry = find_entry(books, server, books_intern(books, id));
    if (entry != NULL)
        server->latest = entry->number;
    return entry;
}

EntryExtra *books_take_entry_extra(Books *books, Entry *entry)
{
    return slab_reach(&books->entry_extras, entry->number);
}

static Entry *add_entry(Books *books, Server *server, NameId id, const char *mail)
{
    EntryId number = slab_take(&books->entries);
    Entry *entry = books_entry(books, number);
    entry->number = number;
    entry->node = server->node & BOOKS_NODE_MASK;
    entry->id = id;
    entry->mail = books_take_mail(books, mail);
    if (server->outages > 0)
        books_take_entry_extra(books, entry)->outages_at_open = server->outages;
    id_table_add(&books->by_id, hash_of_id(server->node, id), number);
    server->latest = number;
    return entry;
}

Entry *books_take_entry(Books *books, NodeId node, const char *id, const char *mail, bool *is_new)
{
    Server *server = books_server(books, node);
    NameId key = books_intern(books, id);
    Entry *entry = find_entry(books, server, key);
    *is_new = entry == NULL;
    return entry != NULL ? entry : add_entry(books, server, key, mail);
}

static void forget_entry(Books *books, Entry *entry)
{
    Server *server = books_known_server(books, entry->node);
    if (server->latest == entry->number)
        server->latest = 0;
    id_table_remove(&books->by_id, entry->number);
    EntryExtra *extra = slab_find(&books->entry_extras, entry->number);
    if (extra != NULL)
        *extra = (EntryExtra){0};
    slab_give_back(&books->entries, entry->number);
}

/* ---- Accounts ---- */

AccountExtra *books_take_account_extra(Books *books, Account *account)
{
    return take_extra(&books->account_extras, &account->extra);
}

/* As books_intern; `likely` is what it mostly is. */
static NameId take_name(Books *books, NameId likely, const char *text)
{
    bool is_likely =
        likely != NAME_NONE && text != NULL && strcmp(books_text(books, likely), text) == 0;
    return is_likely ? likely : books_intern(books, text);
}

Account *books_open_account(Books *books, Entry *entry, const char *recipient, const char *sender)
{
    AccountId number = slab_take(&books->accounts);
    Account *account = books_account(books, number);
    Mail *mail = books_mail_at(books, entry->mail);
    account->entry = entry->number;
    account->recipient = take_name(books, mail->addressees, recipient);
    account->sender = sender != NULL ? take_name(books, mail->author, sender) : NAME_NONE;
    account->next_of_entry = entry->accounts;
    account->next_of_mail = mail->accounts;
    account->seq = books->seq & BOOKS_SEQ_MASK;
    uint32_t outages = books_known_server(books, entry->node)->outages;
    if (outages > 0)
        books_take_account_extra(books, account)->outages_at_open = outages;
    account->is_open = true;
    entry->accounts = mail->accounts = number;
    return account;
}

void books_forget_account(Books *books, AccountId id)
{
    const Account *account = books_account(books, id);
    Entry *entry = books_entry_of(books, account);
    entry->accounts = account->next_of_entry;
    give_back_extra(&books->account_extras, account->extra);
    slab_give_back(&books->accounts, id);
    if (entry->accounts == 0)
        forget_entry(books, entry);
}

AccountId books_number_of(const Books *books, const Account *account)
{
    AccountId number = account != NULL ? books_entry_of(books, account)->accounts : 0;
    while (number != 0 && books_account(books, number) != account)
        number = books_account(books, number)->next_of_entry;
    return number;
}

/* An envelope may name an address twice; then any of its open accounts will do, best the one that
 * the other server has accepted. */
static Account *find_best(const Books *books, const Entry *entry, NameId recipient)
{
    Account *best = NULL;
    for (Account *at = books_first_of_entry(books, entry); at != NULL;
         at = books_next_of_entry(books, at)) {
        if (at->recipient != recipient)
            continue;
        bool is_better = best == NULL || (at->is_open && !best->is_open) ||
                         (at->is_open == best->is_open && books_is_owed(books, at));
        if (is_better)
            best = at;
    }
    return best;
}

/* One found on the disk after an outage. */
static Account *open_untold(Books *books, Entry *entry, const char *recipient)
{
    books_take_entry_extra(books, entry)->untold--;
    Account *account = books_open_account(books, entry, recipient, NULL);
    books_trace_origin(books, account);
    /* Its client may have been told no, and sends again, if the disk kept what it was to let go. */
    Account *source = books_account(books, account->source);
    if (books_known_server(books, entry->node)->has_failed_disk && source != NULL)
        books_take_account_extra(books, source)->uncertain++;
    return account;
}

Account *books_find_account(Books *books, NodeId node, const char *entry_id, const char *recipient)
{
    Entry *entry = books_find_entry(books, node, entry_id);
    if (entry == NULL)
        return NULL;
    Account *account = books_first_of_entry(books, entry);
    bool is_only = account != NULL && account->next_of_entry == 0 && recipient != NULL &&
                   strcmp(books_text(books, account->recipient), recipient) == 0;
    if (!is_only)
        account = find_best(books, entry, books_intern(books, recipient));
    if (account == NULL && books_entry_extra(books, entry)->untold > 0)
        account = open_untold(books, entry, recipient);
    return account;
}

void books_close_account(Books *books, Account *account)
{
    uint32_t outages = books_server_of(books, account)->outages;
    account->is_open = false;
    if (outages > 0)
        books_take_account_extra(books, account)->outages_at_close = outages;
}

bool books_reopen_account(const Books *books, Account *account)
{
    const EntryExtra *entry = books_entry_extra(books, books_entry_of(books, account));
    if (entry->recovered_after <= books_account_extra(books, account)->outages_at_close)
        return false;
    account->is_open = true;
    return true;
}

/* ---- Users ---- */

/* The left part of an address, without quotes; to free. */
static char *dup_user(const char *address)
{
    const char *at = strrchr(address, '@');
    size_t length = at != NULL ? (size_t)(at - address) : strlen(address);
    bool is_quoted = length >= 2 && address[0] == '"' && address[length - 1] == '"';
    char *user = g_malloc(length + 1), *end = user;
    for (size_t i = is_quoted; i < length - is_quoted; i++) {
        if (is_quoted && address[i] == '\\' && i + 1 < length - 1)
            i++;
        *end++ = address[i];
    }
    *end = '\0';
    return user;
}

NameId books_user_of(Books *books, NameId address)
{
    g_autofree char *user = dup_user(books_text(books, address));
    return books_intern(books, user);
}

bool books_is_user(const Books *books, NameId address, NameId user)
{
    const char *text = books_text(books, address), *name = books_text(books, user);
    size_t length = strlen(name);
    if (strncmp(text, name, length) == 0 && text[0] != '"' && text[length] == '@' &&
        strchr(text + length + 1, '@') == NULL)
        return true; /* as nearly all are written */
    g_autofree char *local_part = dup_user(text);
    return g_ascii_strncasecmp(local_part, name, length) == 0 &&
           (local_part[length] == '\0' || local_part[length] == '+');
}

/* ---- Life ---- */

static void init_extras(Slab *extras, size_t size)
{
    extras->size = size;
    slab_reach(extras, 0);
}

void books_init_ledger(Books *books)
{
    books->servers = g_ptr_array_new_with_free_func(server_free);
    books->hosts = interner_new();
    books->host_nodes = g_array_new(FALSE, FALSE, sizeof(NodeId));
    books->mails.size = sizeof(Mail);
    books->entries.size = sizeof(Entry);
    books->accounts.size = sizeof(Account);
    init_extras(&books->mail_extras, sizeof(MailExtra));
    books->entry_extras.size = sizeof(EntryExtra);
    init_extras(&books->account_extras, sizeof(AccountExtra));
    books->by_id = (IdTable){.hash_of = hash_of_entry, .owner = books};
}

void books_clear_ledger(Books *books)
{
    Slab *extras = &books->mail_extras;
    for (uint32_t i = slab_next(extras, 0); i != 0; i = slab_next(extras, i))
        clear_extra(slab_at(extras, i));
    slab_clear(extras);
    slab_clear(&books->entry_extras);
    slab_clear(&books->account_extras);
    slab_clear(&books->mails);
    slab_clear(&books->entries);
    slab_clear(&books->accounts);
    id_table_clear(&books->by_id);
    g_array_unref(books->host_nodes);
    interner_free(books->hosts);
    g_ptr_array_unref(books->servers);
}
