/* What the files of the books share: the ledger and who writes into it. See books.h.
 *
 * All names are interned, so equal texts are equal pointers. What is made lives as long as the
 * books. Outages (crashes, losses of power, failures of the disk) are counted per server; whoever
 * needs one as a witness compares that count with what it was when the thing in question happened.
 */
#pragma once

#include "audit/books.h"
#include "audit/interner.h"
#include "core/table.h"

#include <string.h>

typedef struct Server Server;
typedef struct Entry Entry;
typedef struct Mail Mail;
typedef struct Account Account;
typedef struct Copy Copy;

struct Server {
    const char *name;
    NodeId node;
    Table entries;        /* Entry, by its id */
    Entry *latest;        /* of them, asked for last; NULL: none */
    uint64_t length;      /* entries in its queue */
    uint32_t outages;     /* so far */
    bool has_lost_note;   /* its disk was full, or failed: what it wrote may be missing */
    bool has_failed_disk; /* what it removed may be there */
    bool is_careless;     /* says 250 before a message is durable */
    bool has_outside;     /* programs outside, or smugglers, may bring any message */
    Table mailboxes;      /* Copy, by where it lies now */
    GHashTable *settled;  /* user, interned -> Settled; NULL: none */
};

/* One server, entry and recipient. */
struct Account {
    Entry *entry;
    const char *recipient;
    const char *sender; /* NULL: unknown, found on the disk after an outage */
    Account *next_of_entry, *next_of_mail;
    Account *source; /* whose copy it is; NULL: an agent's, a notification, or nobody knows */
    uint64_t seq;    /* of the record that opened it */
    SimTime time;
    uint32_t outages_at_open, outages_at_close;
    uint32_t attempts_by_smtp, attempts_local;
    uint32_t handed; /* copies that other servers have accepted from it */
    uint32_t stored; /* copies put into the mailbox */
    uint32_t relayed, delivered, uncertain;
    bool is_open;
    bool is_first;        /* it is part of its entry */
    bool is_submitted;    /* came from an agent */
    bool is_notification; /* made here: mail.bounced or one of the like must name it */
    bool is_named;        /* one of them has */
    bool is_report;       /* to a postmaster: mail.reported has */
    bool is_in_inventory;
    guint place; /* among all accounts */
};

/* A queue entry. */
struct Entry {
    Server *server;
    const char *id;
    Mail *mail;
    Entry *origin;            /* of whose expansion it is the outcome; NULL: of none */
    uint32_t outages_at_open; /* of the server */
    bool is_named;            /* by mail.expanded of `origin` */
    Account *accounts;        /* newest first */
    uint64_t untold;          /* recipients found on the disk that no record has told of yet */
    uint32_t open_count;      /* accounts */
    uint32_t recovered_after; /* outages at the last queue.recover */
    bool is_in_queue;         /* counted in the server's length */
    bool is_removed;          /* queue.remove */
    bool has_first;           /* the first account is this one: */
    Account first;            /* mostly there is no other */
};

typedef struct Submission {
    NodeId server; /* NODE_TIMELINE: a name that is no host's, so any server */
    uint32_t count;
} Submission;

/* Addresses of a mail that its agent could not hand in: each NULL where there is none. */
typedef struct NotSent {
    GPtrArray *refused; /* for which it was told no */
    GPtrArray *kept;    /* for which it has kept the mail */
} NotSent;

/* The meaning of its name. */
struct Mail {
    const char *name;            /* NULL as long as it is none */
    const char *author;          /* address; NULL: not composed by an agent */
    Account *accounts;           /* newest first */
    Copy *copies;                /* newest first */
    Submission first_submission; /* count 0: there is none */
    GArray *submissions;         /* further ones; NULL: none */
    const char *addressees;      /* for whom it was composed, with commas */
    NotSent *not_sent;           /* NULL: there is no such address */
    uint64_t sent_seq;           /* of the record that a server has taken it; 0: none has */
    uint32_t entries;            /* that it has had in queues */
};

/* A message in a mailbox. */
struct Copy {
    Mail *mail;
    Server *server;
    const char *user, *folder;
    uint64_t uid;
    Copy *next_of_mail;
    uint32_t outages; /* of the server, when it was stored */
    bool by_delivery;
    bool is_untold;         /* a crash came before its record: a recovery's inventory has it */
    const Account *owner;   /* mail.delivered of it tells of it first; NULL: none yet */
    bool is_marked_deleted; /* by mailbox.flag */
    bool is_gone;           /* mailbox.expunge */
    bool is_in_inventory;
    guint place; /* among all copies */
};

/* A message that the final inventory finds in a mailbox and no record has told of. */
typedef struct Surplus {
    Mail *mail;
    Server *server;
    const char *user;
    bool is_explained;
} Surplus;

typedef struct CopyKey {
    const char *user, *folder;
    uint64_t uid;
} CopyKey;

/* Copies that are forgotten, all in an INBOX. */
typedef struct Settled {
    uint64_t count, sum; /* of settled_hash */
} Settled;

/* Accounts, copies or mails in order, with NULL where one is forgotten. */
typedef struct BooksList {
    GPtrArray *items;
    guint holes;
} BooksList;

struct Books {
    Simulator *simulator;
    Interner *names;
    GPtrArray *servers; /* Server by NodeId, NULL where there is none */
    Interner *hosts;    /* names as records have them: each means a NodeId and 1 */
    Interner *mails;    /* each means a Mail */
    BooksList accounts; /* Account in the order of opening */
    BooksList copies;   /* Copy in the order of storing */
    GArray *surplus;    /* Surplus */
    GArray *violations; /* BooksViolation */
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

/* ---- books.c ---- */

/* The account that a record is about, when it may go on; NULL after a complaint. `does` says what
 * the server does, such as "relays". */
Account *books_account_to_go_on(Books *books, NodeId node, const char *entry, const char *mail,
                                const char *recipient, const char *does);
/* Of what it owns; its memory is its name's. */
void books_mail_clear(void *mail);
void books_violate(Books *books, const char *format, ...) G_GNUC_PRINTF(2, 3);

/* ---- books_ledger.c ---- */

/* Interns; NULL gives "". */
const char *books_intern(Books *books, const char *text);
Server *books_server(Books *books, NodeId node);
/* The host of that name, or NODE_TIMELINE. */
NodeId books_find_host(Books *books, const char *name);
Mail *books_mail(Books *books, const char *name);
/* The same, but NULL when there is none. */
Mail *books_find_mail(Books *books, const char *name);
/* NULL when there is none. */
Entry *books_find_entry(Books *books, NodeId node, const char *id);
Entry *books_add_entry(Books *books, NodeId node, const char *id, const char *mail);
/* Its accounts are forgotten. */
void books_forget_entry(Entry *entry);
Account *books_open_account(Books *books, Entry *entry, const char *recipient, const char *sender);
/* Before its entry, of which it may be a part. NULL is no account. */
void books_account_free(void *account);
/* What a record means that names an entry and a recipient: an open account where there is one, else
 * one that is done. A recipient found on the disk after an outage gets its account here. NULL when
 * there is none. */
Account *books_find_account(Books *books, NodeId node, const char *entry, const char *recipient);
void books_close_account(Account *account);
/* Opens it again where an outage and the entry's recovery explain that; else false. */
bool books_reopen_account(Account *account);
/* The left part of an address, without quotes; to free. */
char *books_dup_user(const char *recipient);
/* The same, interned. */
const char *books_user_of(Books *books, const char *recipient);

/* ---- books_flow.c: where mail comes from ---- */

/* How often more than once the account's mail may have gone out. */
uint32_t account_excuses(const Account *account);
void books_compose(Books *books, const TraceFields_AGENT_COMPOSE *fields);
void books_be_sent(Books *books, const TraceFields_AGENT_SENT *fields);
void books_be_refused(Books *books, const TraceFields_AGENT_FAILED *fields);
void books_be_kept(Books *books, const TraceFields_AGENT_WAIT *fields);
void books_be_lost(Books *books, const TraceFields_AGENT_LOST *fields);
void books_submit(Books *books, const TraceFields_AGENT_SUBMIT *fields);
/* Finds out whence an account just opened has its mail, or complains. */
void books_trace_origin(Books *books, Account *account);
/* The entry comes from expanding a recipient of the entry `origin` of the same server; NULL: it
 * does not. Complains when that cannot be. */
void books_set_origin(Books *books, Entry *entry, const char *origin);
/* mail.expanded: closes the account in favour of the other entry. */
void books_expand(Books *books, NodeId node, const TraceFields_MAIL_EXPANDED *fields);
/* What was taken for a notification and is not named: whether its own server has sent it. */
bool books_comes_from_its_own_server(Account *account);
/* Who gave a copy away is told afterwards only: mail.accepted does not name the client. Where two
 * servers may have, the guess is put right: the account takes the copy of another that has not
 * claimed it. False when there is none at the next server. */
bool books_take_credit(Account *account, NodeId next);
/* mail.bounced, .delayed, .confirmed or .answered of `about` names a notification. */
void books_name_notification(Books *books, const Account *about, const char *name);
/* mail.reported of `about` names what the server's own postmaster gets. */
void books_name_report(Books *books, const Account *about, const char *name);

/* ---- books_mailboxes.c ---- */

void books_store(Books *books, NodeId node, const TraceFields_MAILBOX_STORE *fields);
void books_flag(Books *books, NodeId node, const TraceFields_MAILBOX_FLAG *fields);
void books_expunge(Books *books, NodeId node, const TraceFields_MAILBOX_EXPUNGE *fields);
/* Finds the copy that mail.delivered tells of, or complains. When it was there already, another
 * delivery may have told of it. */
void books_claim_copy(Books *books, Account *account, uint64_t uid, bool was_there);
/* What an inventory on recovery finds and no record has told of. */
void books_learn_copy(Books *books, NodeId node, const TraceFields_STORE_INVENTORY *fields);
void books_free_mailboxes(Server *server);
/* By where it lies. */
uint32_t books_copy_hash(const void *copy);
/* It lies there no more, if it does. */
void books_remove_copy(const Copy *copy);

/* ---- books_settle.c ---- */

/* Returns its place. */
guint books_list_add(BooksList *list, void *item);
/* Something has come to its end: forgets the mail if that is to be done and was the last thing. It
 * may be gone afterwards. */
void books_settle(Books *books, Mail *mail);
/* A message in the final inventory that has no copy: whether it counts among the forgotten. */
bool books_enter_settled(Books *books, NodeId node, const TraceFields_STORE_INVENTORY *fields);
void books_check_settled(Books *books);

/* ---- books_end.c ---- */

/* Whether the mail was composed for one address, for which an account or a refusal is known. */
bool books_sent_is_answered(const Mail *mail);

void books_inventory(Books *books, NodeId node, const TraceFields_STORE_INVENTORY *fields);
