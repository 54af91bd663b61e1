/* What the files of the books share: the ledger and who writes into it. See books.h.
 *
 * All names are interned, so equal texts are equal numbers; mails are known by their numbers in the
 * roster. Of a mail that waits in a queue there are a Mail, an Entry and an Account, and there may
 * be millions: they name each other by numbers (core/slab.h), and what few mails have is apart.
 * Outages (crashes, losses of power, failures of the disk) are counted per server; whoever needs
 * one as a witness compares that count with what it was when the thing in question happened. */
#pragma once

#include "audit/books.h"
#include "audit/interner.h"
#include "core/id_table.h"
#include "core/slab.h"

#include <string.h>

/* Numbers in the slabs of the books; 0: none. */
typedef uint32_t EntryId, AccountId, CopyId;

typedef struct Server {
    const char *name;
    NodeId node;
    EntryId latest;       /* of its entries, asked for last; 0: none */
    uint64_t length;      /* entries in its queue */
    uint32_t outages;     /* so far */
    bool has_lost_note;   /* its disk was full, or failed: what it wrote may be missing */
    bool has_failed_disk; /* what it removed may be there */
    bool is_careless;     /* says 250 before a message is durable */
    bool has_outside;     /* programs outside, or smugglers, may bring any message */
    GHashTable *settled;  /* user's NameId -> Settled; NULL: none */
} Server;

/* There are fewer nodes, and records. */
enum { BOOKS_NODE_MASK = (1 << 29) - 1 };
#define BOOKS_SEQ_MASK ((UINT64_C(1) << 54) - 1)

/* What accounts have of which something has come, and few of those that wait. */
typedef struct AccountExtra {
    uint32_t outages_at_open, outages_at_close; /* of the server */
    uint32_t uncertain;                         /* times that it did not hear of an outcome */
    uint32_t attempts_local;
    uint32_t handed; /* copies that other servers have accepted from it */
    uint32_t stored; /* copies put into the mailbox */
    uint32_t relayed, delivered;
} AccountExtra;

/* One server, entry and recipient. */
typedef struct Account {
    uint64_t seq : 54; /* of the record that opened it */
    bool is_open : 1;
    bool is_submitted : 1;    /* came from an agent */
    bool is_notification : 1; /* made here: mail.bounced or one of the like must name it */
    bool is_named : 1;        /* one of them has */
    bool is_report : 1;       /* to a postmaster: mail.reported has */
    bool is_in_inventory : 1;
    EntryId entry;
    NameId recipient;
    NameId sender; /* NAME_NONE: unknown, found on the disk after an outage */
    AccountId next_of_entry, next_of_mail;
    AccountId source; /* whose copy it is; 0: an agent's, a notification, or nobody knows */
    uint32_t extra;   /* AccountExtra; 0: all zeros */
    uint32_t attempts_by_smtp;
} Account;

G_STATIC_ASSERT(sizeof(Account) == 40);

/* What few entries have, under the entry's number. */
typedef struct EntryExtra {
    EntryId origin;           /* of whose expansion it is the outcome; 0: of none */
    uint32_t outages_at_open; /* of the server */
    uint32_t recovered_after; /* outages at the last queue.recover */
    uint32_t untold;          /* recipients found on the disk that no record has told of yet */
} EntryExtra;

/* A queue entry. */
typedef struct Entry {
    EntryId number;       /* its own */
    NodeId node : 29;     /* the server */
    bool is_named : 1;    /* by mail.expanded of its origin */
    bool is_in_queue : 1; /* counted in the server's length */
    bool is_removed : 1;  /* queue.remove */
    NameId id;
    MailId mail;
    AccountId accounts; /* newest first */
} Entry;

G_STATIC_ASSERT(sizeof(Entry) == 20);

typedef struct Submission {
    NodeId server; /* NODE_TIMELINE: a name that is no host's, so any server */
    uint32_t count;
} Submission;

/* What few mails have. */
typedef struct MailExtra {
    GArray *submissions; /* Submission: the second and further ones; NULL: none */
    GArray *refused;     /* NameId: addresses for which its agent was told no; NULL: none */
    GArray *kept;        /* likewise, for which it has kept the mail */
} MailExtra;

enum { BOOKS_ENTRIES_BITS = 13 };
#define BOOKS_SENT_SEQ_MASK ((UINT64_C(1) << (64 - BOOKS_ENTRIES_BITS)) - 1)

/* Under its number in the roster. There is one for each mail, so it is packed. */
typedef struct __attribute__((packed, aligned(4))) Mail {
    /* Of the record that a server has taken it; 0: none has. */
    uint64_t sent_seq : 64 - BOOKS_ENTRIES_BITS;
    uint64_t entries : BOOKS_ENTRIES_BITS; /* that it has had in queues, or BOOKS_ENTRIES_MAX */
    NameId author;                         /* address; NAME_NONE: not composed by an agent */
    NameId addressees;                     /* for whom it was composed, with commas */
    AccountId accounts;                    /* newest first */
    CopyId copies;                         /* newest first */
    Submission first_submission;           /* count 0: there is none */
    uint32_t extra;                        /* MailExtra; 0: all zeros */
} Mail;

G_STATIC_ASSERT(sizeof(Mail) == 36);
G_STATIC_ASSERT(BOOKS_ENTRIES_MAX < 1 << BOOKS_ENTRIES_BITS);

/* A message in a mailbox. */
typedef struct Copy {
    uint64_t uid;
    MailId mail;
    NodeId node; /* the server */
    NameId user, folder;
    CopyId next_of_mail;
    uint32_t outages; /* of the server, when it was stored */
    AccountId owner;  /* mail.delivered of it tells of it first; 0: none yet */
    uint32_t order;   /* of storing, among all copies */
    bool by_delivery;
    bool is_untold;         /* a crash came before its record: a recovery's inventory has it */
    bool is_marked_deleted; /* by mailbox.flag */
    bool is_gone;           /* mailbox.expunge */
    bool is_in_inventory;
} Copy;

/* A message that the final inventory finds in a mailbox and no record has told of. */
typedef struct Surplus {
    MailId mail;
    NodeId node;
    NameId user;
    bool is_explained;
} Surplus;

/* Copies that are forgotten, all in an INBOX. */
typedef struct Settled {
    uint64_t count, sum; /* of settled_hash */
} Settled;

struct Books {
    Simulator *simulator;
    Roster *roster;
    Interner *names;                  /* the roster's */
    GPtrArray *servers;               /* Server by NodeId, NULL where there is none */
    Interner *hosts;                  /* names as records have them */
    GArray *host_nodes;               /* NodeId by such a name's number */
    Slab mails;                       /* Mail by MailId */
    Slab entries;                     /* Entry */
    Slab accounts;                    /* Account */
    Slab copies;                      /* Copy */
    Slab mail_extras, account_extras; /* each with zeros at 0 */
    Slab entry_extras;                /* reached by the entries' own numbers */
    IdTable by_id;                    /* entries, by server and id */
    IdTable by_place;                 /* copies, by where they lie now */
    uint32_t copy_count;              /* ever */
    GArray *surplus;                  /* Surplus */
    GArray *violations;               /* BooksViolation */
    size_t violation_count;
    bool stops;
    bool forgets;   /* what is delivered */
    bool has_ended; /* timeline.end was seen */
    bool is_cut;    /* the run ended while something was under way */
    uint64_t seq;   /* of the present record */
    SimTime time;
    uint64_t about; /* the record that a violation found now is about; 0: the present one */
    uint64_t end_seq;
    const char *endless;  /* the mail that has ended the run; NULL: none */
    NodeId first_outside; /* hosts from this one on stand for programs outside */
};

/* Without regard to the case of ASCII letters; nearly always they are alike in that too. */
static inline bool books_same_nocase(const char *a, const char *b)
{
    return strcmp(a, b) == 0 || g_ascii_strcasecmp(a, b) == 0;
}

/* ---- What numbers mean: NULL for 0 ---- */

static inline Entry *books_entry(const Books *books, EntryId id)
{
    return id != 0 ? slab_at(&books->entries, id) : NULL;
}

static inline Account *books_account(const Books *books, AccountId id)
{
    return id != 0 ? slab_at(&books->accounts, id) : NULL;
}

static inline Copy *books_copy(const Books *books, CopyId id)
{
    return id != 0 ? slab_at(&books->copies, id) : NULL;
}

/* Of one that the books hold. */
static inline Mail *books_mail_at(const Books *books, MailId id)
{
    return slab_at(&books->mails, id);
}

/* For reading: what few have, zeros for the others. */
static inline const MailExtra *books_mail_extra(const Books *books, const Mail *mail)
{
    return slab_at(&books->mail_extras, mail->extra);
}

static inline const EntryExtra *books_entry_extra(const Books *books, const Entry *entry)
{
    static const EntryExtra none = {0};
    const EntryExtra *extra = slab_find(&books->entry_extras, entry->number);
    return extra != NULL ? extra : &none;
}

static inline const AccountExtra *books_account_extra(const Books *books, const Account *account)
{
    return slab_at(&books->account_extras, account->extra);
}

/* Whether another server has accepted more from it than it has told of. */
static inline bool books_is_owed(const Books *books, const Account *account)
{
    const AccountExtra *extra = books_account_extra(books, account);
    return extra->handed > extra->relayed;
}

/* NULL for NAME_NONE. */
static inline const char *books_text(const Books *books, NameId name)
{
    return interner_text(books->names, name);
}

static inline const char *books_mail_name(const Books *books, MailId mail)
{
    return roster_name(books->roster, mail);
}

static inline Entry *books_entry_of(const Books *books, const Account *account)
{
    return books_entry(books, account->entry);
}

/* One that the books know, as that of an entry or a copy. */
static inline Server *books_known_server(const Books *books, NodeId node)
{
    return books->servers->pdata[node];
}

Server *books_add_server(Books *books, NodeId node);

static inline Server *books_server(Books *books, NodeId node)
{
    Server *server = node < books->servers->len ? books_known_server(books, node) : NULL;
    return server != NULL ? server : books_add_server(books, node);
}

static inline Server *books_server_of(const Books *books, const Account *account)
{
    return books_known_server(books, books_entry_of(books, account)->node);
}

static inline Mail *books_mail_of(const Books *books, const Account *account)
{
    return books_mail_at(books, books_entry_of(books, account)->mail);
}

/* Its accounts, one after the other, the newest first. */
static inline Account *books_first_of_entry(const Books *books, const Entry *entry)
{
    return books_account(books, entry->accounts);
}

static inline Account *books_next_of_entry(const Books *books, const Account *account)
{
    return books_account(books, account->next_of_entry);
}

/* Likewise of a mail. */
static inline Account *books_first_of_mail(const Books *books, const Mail *mail)
{
    return books_account(books, mail->accounts);
}

static inline Account *books_next_of_mail(const Books *books, const Account *account)
{
    return books_account(books, account->next_of_mail);
}

/* ---- books.c ---- */

/* The account that a record is about, when it may go on; NULL after a complaint. `does` says what
 * the server does, such as "relays". */
Account *books_account_to_go_on(Books *books, NodeId node, const char *entry, const char *mail,
                                const char *recipient, const char *does);
void books_violate(Books *books, const char *format, ...) G_GNUC_PRINTF(2, 3);

/* ---- books_ledger.c ---- */

/* Interns; NULL gives "". */
NameId books_intern(Books *books, const char *text);
/* The host of that name, or NODE_TIMELINE. */
NodeId books_find_host(Books *books, const char *name);
MailId books_take_mail(Books *books, const char *name);
Mail *books_mail(Books *books, const char *name);
/* 0 when there is none. */
MailId books_find_mail(const Books *books, const char *name);
/* For writing. */
MailExtra *books_take_mail_extra(Books *books, Mail *mail);
EntryExtra *books_take_entry_extra(Books *books, Entry *entry);
AccountExtra *books_take_account_extra(Books *books, Account *account);
/* Its accounts and copies are forgotten. */
void books_forget_mail(Books *books, MailId mail);
void books_init_ledger(Books *books);
void books_clear_ledger(Books *books);
/* NULL when there is none. */
Entry *books_find_entry(Books *books, NodeId node, const char *id);
/* The same, but where there is none, one of that mail is added: `is_new`. */
Entry *books_take_entry(Books *books, NodeId node, const char *id, const char *mail, bool *is_new);
/* The entry goes with the last of its accounts. */
void books_forget_account(Books *books, AccountId id);
/* `sender` may be NULL. */
Account *books_open_account(Books *books, Entry *entry, const char *recipient, const char *sender);
/* The number of an account; 0 for NULL. */
AccountId books_number_of(const Books *books, const Account *account);
/* What a record means that names an entry and a recipient: an open account where there is one, else
 * one that is done. A recipient found on the disk after an outage gets its account here. NULL when
 * there is none. */
Account *books_find_account(Books *books, NodeId node, const char *entry, const char *recipient);
void books_close_account(Books *books, Account *account);
/* Opens it again where an outage and the entry's recovery explain that; else false. */
bool books_reopen_account(const Books *books, Account *account);
/* The left part of an address, without quotes, interned. */
NameId books_user_of(Books *books, NameId address);
/* Whether that is this user's; bob+news is bob's (RFC 5233). */
bool books_is_user(const Books *books, NameId address, NameId user);

/* ---- books_flow.c: where mail comes from ---- */

/* How often more than once the account's mail may have gone out. */
uint32_t books_excuses(const Books *books, const Account *account);
void books_compose(Books *books, const TraceRecord *record);
void books_be_sent(Books *books, const TraceRecord *record);
void books_be_refused(Books *books, const TraceRecord *record);
void books_be_kept(Books *books, const TraceRecord *record);
void books_be_lost(Books *books, const TraceRecord *record);
void books_submit(Books *books, const TraceRecord *record);
/* Finds out whence an account just opened has its mail, or complains. */
void books_trace_origin(Books *books, Account *account);
/* The entry comes from expanding a recipient of the entry `origin` of the same server; NULL: it
 * does not. Complains when that cannot be. */
void books_set_origin(Books *books, Entry *entry, const char *origin);
/* mail.expanded: closes the account in favour of the other entry. */
void books_expand(Books *books, const TraceRecord *record);
/* What was taken for a notification and is not named: whether its own server has sent it. */
bool books_comes_from_its_own_server(Books *books, Account *account);
/* Who gave a copy away is told afterwards only: mail.accepted does not name the client. Where two
 * servers may have, the guess is put right: the account takes the copy of another that has not
 * claimed it. False when there is none at the next server. */
bool books_take_credit(Books *books, Account *account, NodeId next);
/* mail.bounced, .delayed, .confirmed or .answered of `about` names a notification. */
void books_name_notification(Books *books, const Account *about, const char *name);
/* mail.reported of `about` names what the server's own postmaster gets. */
void books_name_report(Books *books, const Account *about, const char *name);

/* ---- books_mailboxes.c ---- */

void books_store(Books *books, const TraceRecord *record);
void books_flag(Books *books, const TraceRecord *record);
void books_expunge(Books *books, const TraceRecord *record);
/* Finds the copy that mail.delivered tells of, or complains. When it was there already, another
 * delivery may have told of it. */
void books_claim_copy(Books *books, Account *account, uint64_t uid, bool was_there);
/* What an inventory on recovery finds and no record has told of. */
void books_learn_copy(Books *books, NodeId node, const TraceFields_STORE_INVENTORY *fields);
void books_init_mailboxes(Books *books);
void books_clear_mailboxes(Books *books);
/* It lies there no more, if it does, and is gone from memory. */
void books_forget_copy(Books *books, CopyId id);

/* ---- books_settle.c ---- */

/* Something has come to its end: forgets the mail if that is to be done and was the last thing. It
 * may be gone afterwards. */
void books_settle(Books *books, MailId mail);
/* A message in the final inventory that has no copy: whether it counts among the forgotten. */
bool books_enter_settled(Books *books, NodeId node, const TraceFields_STORE_INVENTORY *fields);
void books_check_settled(Books *books);

/* ---- books_end.c ---- */

/* Whether the mail was composed for one address, for which an account or a refusal is known. */
bool books_sent_is_answered(const Books *books, const Mail *mail);

void books_inventory(Books *books, const TraceRecord *record);
