/* Mailboxes: what is put into them by delivery or by people's agents, and what is taken out. */
#include "audit/books_internal.h"

#include <string.h>

/* ---- Where a message lies ---- */

typedef struct CopyKey {
    NodeId node;
    NameId user, folder;
    uint64_t uid;
} CopyKey;

static uint32_t hash_of_key(const CopyKey *key)
{
    uint64_t mailbox = (uint64_t)key->node << 40 ^ (uint64_t)key->user << 20 ^ key->folder;
    return table_hash_number(((uint64_t)table_hash_number(mailbox) << 32) + key->uid);
}

static CopyKey key_of_copy(const Copy *copy)
{
    return (CopyKey){copy->node, copy->user, copy->folder, copy->uid};
}

static uint32_t hash_of_copy(const void *owner, uint32_t id)
{
    CopyKey key = key_of_copy(books_copy(owner, id));
    return hash_of_key(&key);
}

/* 0: none lies there now. */
static CopyId find_copy(const Books *books, const CopyKey *key)
{
    TableProbe probe = id_table_probe(&books->by_place, hash_of_key(key));
    CopyId id;
    while ((id = id_table_next(&books->by_place, &probe)) != 0) {
        const Copy *copy = books_copy(books, id);
        if (copy->uid == key->uid && copy->user == key->user && copy->folder == key->folder &&
            copy->node == key->node)
            break;
    }
    return id;
}

void books_forget_copy(Books *books, CopyId id)
{
    CopyKey key = key_of_copy(books_copy(books, id));
    if (find_copy(books, &key) == id)
        id_table_remove(&books->by_place, id);
    slab_give_back(&books->copies, id);
}

void books_init_mailboxes(Books *books)
{
    books->copies.size = sizeof(Copy);
    books->by_place = (IdTable){.hash_of = hash_of_copy, .owner = books};
}

void books_clear_mailboxes(Books *books)
{
    slab_clear(&books->copies);
    id_table_clear(&books->by_place);
}

static CopyKey key_of(Books *books, NodeId node, const char *user, const char *folder, uint64_t uid)
{
    return (CopyKey){node, books_intern(books, user), books_intern(books, folder), uid};
}

static Copy *add_copy(Books *books, NodeId node, const TraceFields_MAILBOX_STORE *fields)
{
    CopyId id = slab_take(&books->copies);
    Copy *copy = books_copy(books, id);
    CopyKey key = key_of(books, node, fields->user, fields->folder, fields->uid);
    copy->mail = books_take_mail(books, fields->mail);
    copy->node = node;
    copy->user = key.user;
    copy->folder = key.folder;
    copy->uid = key.uid;
    copy->outages = books_server(books, node)->outages;
    copy->order = books->copy_count++;
    Mail *mail = books_mail_at(books, copy->mail);
    copy->next_of_mail = mail->copies;
    mail->copies = id;
    CopyId before = find_copy(books, &key);
    if (before != 0) /* its folder is a new one of that name */
        id_table_remove(&books->by_place, before);
    id_table_add(&books->by_place, hash_of_key(&key), id);
    return copy;
}

static Copy *first_copy(const Books *books, MailId mail)
{
    return books_copy(books, books_mail_at(books, mail)->copies);
}

static Copy *next_copy(const Books *books, const Copy *copy)
{
    return books_copy(books, copy->next_of_mail);
}

/* ---- Why a message is put into a mailbox ---- */

/* The account that is being delivered into this mailbox. */
static Account *find_delivery(const Books *books, const Copy *copy)
{
    for (Account *at = books_first_of_mail(books, books_mail_at(books, copy->mail)); at != NULL;
         at = books_next_of_mail(books, at)) {
        const AccountExtra *extra = books_account_extra(books, at);
        if (books_entry_of(books, at)->node == copy->node && at->is_open &&
            extra->attempts_local > extra->stored && extra->stored <= books_excuses(books, at) &&
            books_is_user(books, at->recipient, copy->user))
            return at;
    }
    return NULL;
}

/* IMAP's COPY and MOVE: the user has it in another folder, or had. */
static bool is_copied(const Books *books, const Copy *copy)
{
    for (const Copy *at = first_copy(books, copy->mail); at != NULL; at = next_copy(books, at)) {
        if (at != copy && at->node == copy->node && at->user == copy->user &&
            at->folder != copy->folder)
            return true;
    }
    return false;
}

/* IMAP's APPEND: an agent keeps what its person wrote (in INBOX only what is the user's own), or
 * saves on one server what it has from another. */
static bool is_appended(Books *books, const Copy *copy, bool is_inbox)
{
    const Mail *mail = books_mail_at(books, copy->mail);
    if (!is_inbox)
        return mail->author != NAME_NONE || mail->accounts != 0;
    return mail->author != NAME_NONE &&
           books_same_nocase(books_text(books, books_user_of(books, mail->author)),
                             books_text(books, copy->user));
}

void books_store(Books *books, const TraceRecord *record)
{
    const TraceFields_MAILBOX_STORE *fields = record->fields;
    NodeId node = record->node;
    Copy *copy = add_copy(books, node, fields);
    const Server *server = books_known_server(books, node);
    bool is_inbox = books_same_nocase(books_text(books, copy->folder), "INBOX");
    Account *account = is_inbox ? find_delivery(books, copy) : NULL;
    if (account != NULL) {
        books_take_account_extra(books, account)->stored++;
        copy->by_delivery = true;
    } else if (!is_copied(books, copy) && !is_appended(books, copy, is_inbox) &&
               !server->has_outside) {
        books_violate(books, "%s puts %s into %s of %s without a delivery", server->name,
                      books_mail_name(books, copy->mail), books_text(books, copy->folder),
                      books_text(books, copy->user));
    }
}

/* Two spellings of an address, or an alias beside an address, lead to one mailbox, and a message
 * put into it may have been booked on the other account: what is known now decides. */
static void take_stored(Books *books, Account *account, NameId user)
{
    AccountExtra *its = books_take_account_extra(books, account);
    NodeId node = books_entry_of(books, account)->node;
    for (Account *at = books_first_of_mail(books, books_mail_of(books, account));
         its->stored < its->delivered && at != NULL; at = books_next_of_mail(books, at)) {
        const AccountExtra *extra = books_account_extra(books, at);
        if (books_entry_of(books, at)->node == node && extra->stored > extra->delivered &&
            books_is_user(books, at->recipient, user)) {
            books_take_account_extra(books, at)->stored--;
            its->stored++;
        }
    }
}

/* Two recipients of one entry that differ by case alone are one mailbox, and one copy does for
 * both. */
static bool is_shared(const Books *books, const Account *account, const Copy *copy)
{
    const Account *owner = books_account(books, copy->owner);
    return owner != NULL && owner->entry == account->entry &&
           books_same_nocase(books_text(books, owner->recipient),
                             books_text(books, account->recipient));
}

static bool shares_copy(const Books *books, const Account *account, uint64_t uid)
{
    const Entry *entry = books_entry_of(books, account);
    for (const Copy *at = first_copy(books, entry->mail); at != NULL; at = next_copy(books, at)) {
        if (at->node == entry->node && at->uid == uid && is_shared(books, account, at))
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
    const Entry *entry = books_entry_of(books, account);
    for (Copy *at = first_copy(books, entry->mail); at != NULL; at = next_copy(books, at)) {
        bool is_claimable = was_there || (at->by_delivery && at->owner == 0);
        if (at->node == entry->node && at->uid == uid && !at->is_gone && is_claimable &&
            books_is_user(books, account->recipient, at->user)) {
            at->owner = at->owner != 0 ? at->owner : books_number_of(books, account);
            if (!was_there)
                take_stored(books, account, at->user);
            return;
        }
    }
    if (shares_copy(books, account, uid))
        return;
    books_violate(books, "%s says that %s is delivered to %s, and has not put it into the mailbox",
                  books_known_server(books, entry->node)->name, books_mail_name(books, entry->mail),
                  books_text(books, account->recipient));
}

/* ---- What becomes of it there ---- */

void books_flag(Books *books, const TraceRecord *record)
{
    const TraceFields_MAILBOX_FLAG *fields = record->fields;
    NodeId node = record->node;
    CopyKey key = key_of(books, node, fields->user, fields->folder, fields->uid);
    Copy *copy = books_copy(books, find_copy(books, &key));
    if (copy != NULL)
        copy->is_marked_deleted = fields->flags != NULL && strstr(fields->flags, "Deleted") != NULL;
}

/* A folder may have been renamed since: its messages keep their UIDs. */
static Copy *find_renamed(const Books *books, const CopyKey *key, MailId mail)
{
    for (Copy *at = first_copy(books, mail); at != NULL; at = next_copy(books, at)) {
        if (at->node == key->node && at->user == key->user && at->uid == key->uid && !at->is_gone)
            return at;
    }
    return NULL;
}

void books_expunge(Books *books, const TraceRecord *record)
{
    const TraceFields_MAILBOX_EXPUNGE *fields = record->fields;
    NodeId node = record->node;
    CopyKey key = key_of(books, node, fields->user, fields->folder, fields->uid);
    MailId mail = books_take_mail(books, fields->mail);
    Copy *copy = books_copy(books, find_copy(books, &key));
    if (copy == NULL || copy->is_gone || copy->mail != mail)
        copy = find_renamed(books, &key, mail);
    if (copy != NULL)
        copy->is_gone = true;
    else if (books_server(books, node)->outages == 0)
        books_violate(books, "%s removes %s from %s of %s, where it never was",
                      simulator_node_name(books->simulator, node), fields->mail, fields->folder,
                      fields->user);
}
