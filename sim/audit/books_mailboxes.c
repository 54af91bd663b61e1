/* Mailboxes: what is put into them by delivery or by people's agents, and what is taken out. */
#include "audit/books_internal.h"

#include <string.h>

static uint32_t hash_of_key(CopyKey key)
{
    return table_hash_number((uintptr_t)key.user + 31 * (uintptr_t)key.folder + key.uid);
}

uint32_t books_copy_hash(const void *pointer)
{
    const Copy *copy = pointer;
    return hash_of_key((CopyKey){copy->user, copy->folder, copy->uid});
}

/* NULL: none lies there now. */
static Copy *find_copy(const Server *server, CopyKey key)
{
    TableProbe probe = table_probe(&server->mailboxes, hash_of_key(key));
    Copy *copy;
    while ((copy = table_next(&server->mailboxes, &probe)) != NULL &&
           (copy->uid != key.uid || copy->user != key.user || copy->folder != key.folder))
        continue;
    return copy;
}

void books_remove_copy(const Copy *copy)
{
    if (find_copy(copy->server, (CopyKey){copy->user, copy->folder, copy->uid}) == copy)
        table_remove(&copy->server->mailboxes, copy);
}

static CopyKey key_of(Books *books, const char *user, const char *folder, uint64_t uid)
{
    return (CopyKey){books_intern(books, user), books_intern(books, folder), uid};
}

void books_free_mailboxes(Server *server)
{
    table_clear(&server->mailboxes);
    if (server->settled != NULL)
        g_hash_table_destroy(server->settled);
}

static Copy *add_copy(Books *books, NodeId node, const TraceFields_MAILBOX_STORE *fields)
{
    Server *server = books_server(books, node);
    Copy *copy = g_new(Copy, 1);
    *copy = (Copy){0};
    CopyKey key = key_of(books, fields->user, fields->folder, fields->uid);
    copy->mail = books_mail(books, fields->mail);
    copy->server = server;
    copy->user = key.user;
    copy->folder = key.folder;
    copy->uid = key.uid;
    copy->outages = server->outages;
    copy->next_of_mail = copy->mail->copies;
    copy->mail->copies = copy;
    copy->place = books_list_add(&books->copies, copy);
    const Copy *before = find_copy(server, key);
    if (before != NULL) /* its folder is a new one of that name */
        table_remove(&server->mailboxes, before);
    table_add(&server->mailboxes, hash_of_key(key), copy);
    return copy;
}

/* ---- Why a message is put into a mailbox ---- */

static bool is_user(const Account *account, const char *user)
{
    g_autofree char *local_part = books_dup_user(account->recipient);
    size_t length = strlen(user);
    /* bob+news is bob's (RFC 5233) */
    return g_ascii_strncasecmp(local_part, user, length) == 0 &&
           (local_part[length] == '\0' || local_part[length] == '+');
}

/* The account that is being delivered into this mailbox. */
static Account *find_delivery(const Copy *copy)
{
    for (Account *at = copy->mail->accounts; at != NULL; at = at->next_of_mail) {
        if (at->entry->server == copy->server && at->is_open && at->attempts_local > at->stored &&
            at->stored <= account_excuses(at) && is_user(at, copy->user))
            return at;
    }
    return NULL;
}

/* IMAP's COPY and MOVE: the user has it in another folder, or had. */
static bool is_copied(const Copy *copy)
{
    for (const Copy *at = copy->mail->copies; at != NULL; at = at->next_of_mail) {
        if (at != copy && at->server == copy->server && at->user == copy->user &&
            at->folder != copy->folder)
            return true;
    }
    return false;
}

/* IMAP's APPEND: an agent keeps what its person wrote (in INBOX only what is the user's own), or
 * saves on one server what it has from another. */
static bool is_appended(Books *books, const Copy *copy)
{
    const char *author = copy->mail->author;
    if (!books_same_nocase(copy->folder, "INBOX"))
        return author != NULL || copy->mail->accounts != NULL;
    return author != NULL && books_same_nocase(books_user_of(books, author), copy->user);
}

void books_store(Books *books, NodeId node, const TraceFields_MAILBOX_STORE *fields)
{
    Copy *copy = add_copy(books, node, fields);
    bool is_inbox = books_same_nocase(copy->folder, "INBOX");
    Account *account = is_inbox ? find_delivery(copy) : NULL;
    if (account != NULL) {
        account->stored++;
        copy->by_delivery = true;
    } else if (!is_copied(copy) && !is_appended(books, copy) && !copy->server->has_outside) {
        books_violate(books, "%s puts %s into %s of %s without a delivery", copy->server->name,
                      copy->mail->name, copy->folder, copy->user);
    }
}

/* Two spellings of an address, or an alias beside an address, lead to one mailbox, and a message
 * put into it may have been booked on the other account: what is known now decides. */
static void take_stored(Account *account, const char *user)
{
    for (Account *at = account->entry->mail->accounts;
         account->stored < account->delivered && at != NULL; at = at->next_of_mail) {
        if (at->entry->server == account->entry->server && at->stored > at->delivered &&
            is_user(at, user)) {
            at->stored--;
            account->stored++;
        }
    }
}

/* Two recipients of one entry that differ by case alone are one mailbox, and one copy does for
 * both. */
static bool is_shared(const Account *account, const Copy *copy)
{
    return copy->owner != NULL && copy->owner->entry == account->entry &&
           books_same_nocase(copy->owner->recipient, account->recipient);
}

static bool shares_copy(const Account *account, uint64_t uid)
{
    for (const Copy *at = account->entry->mail->copies; at != NULL; at = at->next_of_mail) {
        if (at->server == account->entry->server && at->uid == uid && is_shared(account, at))
            return true;
    }
    return false;
}

void books_learn_copy(Books *books, NodeId node, const TraceFields_STORE_INVENTORY *fields)
{
    TraceFields_MAILBOX_STORE stored = {.mail = fields->mail,
                                        .user = fields->recipient,
                                        .folder = fields->folder,
                                        .uid = fields->uid};
    if (books_server(books, node)->outages > 0)
        add_copy(books, node, &stored)->is_untold = true;
}

void books_claim_copy(Books *books, Account *account, uint64_t uid, bool was_there)
{
    for (Copy *at = account->entry->mail->copies; at != NULL; at = at->next_of_mail) {
        bool is_claimable = was_there || (at->by_delivery && at->owner == NULL);
        if (at->server == account->entry->server && at->uid == uid && !at->is_gone &&
            is_claimable && is_user(account, at->user)) {
            at->owner = at->owner != NULL ? at->owner : account;
            if (!was_there)
                take_stored(account, at->user);
            return;
        }
    }
    if (shares_copy(account, uid))
        return;
    books_violate(books, "%s says that %s is delivered to %s, and has not put it into the mailbox",
                  account->entry->server->name, account->entry->mail->name, account->recipient);
}

/* ---- What becomes of it there ---- */

void books_flag(Books *books, NodeId node, const TraceFields_MAILBOX_FLAG *fields)
{
    Copy *copy = find_copy(books_server(books, node),
                           key_of(books, fields->user, fields->folder, fields->uid));
    if (copy != NULL)
        copy->is_marked_deleted = fields->flags != NULL && strstr(fields->flags, "Deleted") != NULL;
}

/* A folder may have been renamed since: its messages keep their UIDs. */
static Copy *find_renamed(Books *books, NodeId node, const TraceFields_MAILBOX_EXPUNGE *fields)
{
    const char *user = books_intern(books, fields->user);
    for (Copy *at = books_mail(books, fields->mail)->copies; at != NULL; at = at->next_of_mail) {
        if (at->server->node == node && at->user == user && at->uid == fields->uid && !at->is_gone)
            return at;
    }
    return NULL;
}

void books_expunge(Books *books, NodeId node, const TraceFields_MAILBOX_EXPUNGE *fields)
{
    Copy *copy = find_copy(books_server(books, node),
                           key_of(books, fields->user, fields->folder, fields->uid));
    if (copy == NULL || copy->is_gone || copy->mail != books_mail(books, fields->mail))
        copy = find_renamed(books, node, fields);
    if (copy != NULL)
        copy->is_gone = true;
    else if (books_server(books, node)->outages == 0)
        books_violate(books, "%s removes %s from %s of %s, where it never was",
                      simulator_node_name(books->simulator, node), fields->mail, fields->folder,
                      fields->user);
}
