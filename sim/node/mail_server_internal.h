/* What the files of the mail server share. */
#pragma once

#include "core/table.h"
#include "mail/address.h"
#include "mail/address_book.h"
#include "mail/dsn.h"
#include "mail/envelope.h"
#include "mail/message.h"
#include "mail/xtext.h"
#include "node/delivery.h"
#include "node/mail_server.h"
#include "node/resolver.h"
#include "node/session.h"
#include "node/smtp_trace.h"
#include "proto/smtp_offer.h"
#include "store/answered.h"
#include "store/disk.h"
#include "store/inventory.h"
#include "store/mailbox.h"
#include "store/queue.h"
#include "store/spool.h"
#include "store/spool_states.h"

enum { SMTP_PORT = 25, SUBMISSION_PORT = 587, IMAP_PORT = 143 };

typedef struct MailServerCredential {
    char *name;
    char *password;
    uint64_t quota;
    MailServerVacation vacation; /* its texts are owned */
} MailServerCredential;

struct MailServer {
    Machine machine;
    GStrv domains;
    AddressBook *addresses;
    uint32_t hop_limit;
    GStrv backup_domains;
    GArray *users; /* MailServerCredential */
    uint32_t extensions;
    uint64_t size_limit;
    uint32_t recipient_limit, error_limit;
    bool tells_users, auth_needs_tls, reports_double_bounces;
    SmtpBareNewlines bare_newlines;
    SmtpTimeouts own_timeouts;
    const SmtpTimeouts *timeouts; /* those, or NULL: they are RFC 5321's */
    SimTime connect_timeout;
    SpoolOrder spool_order;
    RetrySchedule retry;
    MailServerConnections limits;
    size_t active_limit;
    GArray *relay_clients; /* Ipv4Address */
    Policy *policy;        /* its rules; what they remember goes with the program */
    Disk *disk;

    /* The running program; all NULL or empty when it does not run. */
    Spool *spool;
    Queue *queue;
    MailStore *mailboxes;
    Resolver *resolver;
    GQueue receptions;   /* Reception, by its link: SMTP connections from clients */
    GPtrArray *accesses; /* Access: IMAP connections */
    GQueue connections;  /* Connection, by its link: SMTP connections to servers */
    SmtpOffers offers;   /* to the clients */
    StoredFronts fronts; /* of messages that clients have brought */
    SmtpHeard heard;     /* from the servers */
    Table destinations;  /* Destination, by domain: where mail has been due */
    GQueue turns;        /* Destination, by its link: where more connections may be opened */
    GPtrArray *fresh;    /* Destination: where mail has come and may not have found a connection */
    GQueue locals;       /* LocalDelivery, by its link: attempts into a mailbox */
    Answered *answered;
    GPtrArray *answers;       /* Answer: of users who are away, on their way into the queue */
    GPtrArray *notifications; /* Notification: bounces and warnings on their way into the queue */
    Timer queue_timer;        /* when the next recipient is due */
    SimTime queue_timer_at;
    Timer leftovers_timer; /* when it looks for what a failing disk has left to do over */
    Random route_draws;
    bool is_running;
    bool is_shutting_down;
    bool has_settled;   /* only the disk is waited for */
    bool is_to_restart; /* when the shutdown is over */
    uint64_t shutdown_because;
};

/* ---- mail_server.c ---- */

/* Octets that the mailbox may hold; 0: any number. */
uint64_t mail_server_quota_of(const MailServer *server, const char *mailbox);
bool mail_server_has_domain(const MailServer *server, const char *domain);
/* Whether it takes mail for the domain from anybody, to pass it on. */
bool mail_server_is_backup_for(const MailServer *server, const char *domain);
bool mail_server_relays_for(const MailServer *server, Ipv4Address client);
bool mail_server_check_password(const MailServer *server, Span user, Span password);
/* Something has ended; when the server is shutting down it may be able to stop now. */
void mail_server_settle(MailServer *server);

/* ---- The parts: each keeps its own list, and frees what is in it without a word ---- */

void mail_server_listen_smtp(MailServer *server);
void mail_server_shut_down_receptions(MailServer *server);
void reception_free(void *reception);

void mail_server_listen_imap(MailServer *server);
void mail_server_shut_down_accesses(MailServer *server);
void access_free(void *access);

/* Takes up everything due, and comes back when the next is. */
void mail_server_run_queue(MailServer *server);
/* The disk has failed, or may: looks at the queue's leftovers from now on, until there are none. */
void mail_server_watch_leftovers(MailServer *server);

/* Takes over a batch that is due at another server. */
void mail_server_connections_take(MailServer *server, QueueBatch *batch);
/* Opens connections for what waits, as far as the limits permit, and tells of what must wait on. */
void mail_server_connections_start(MailServer *server);
/* Starts nothing more: idle connections end; what waits is found in the queue after the restart. */
void mail_server_connections_shut_down(MailServer *server);
void mail_server_connections_begin(MailServer *server);
/* When no connection is left. */
void mail_server_connections_free(MailServer *server);
void connection_free(void *connection);

/* One message on its way to the recipients of a batch. */
typedef struct Transfer {
    MailServer *server;
    QueueBatch *batch;
    Envelope *envelope; /* own references: the entry may be done before the connection is */
    StoredMessage *message;
    char *mail;                     /* this and the addresses lie behind the transfer */
    SmtpClientRecipient *addresses; /* of the batch */
    char **original_recipients;     /* xtext of ORCPT, each or all may be NULL */
    char *envelope_id;              /* xtext of ENVID, or NULL */
    DeliveryJob job;
    GPtrArray *bounces, *warnings; /* Failure; NULL: none */
} Transfer;
/* Takes the batch over, and records the attempts. */
Transfer *transfer_begin(MailServer *server, QueueBatch *batch);
void transfer_take_result(Transfer *transfer, size_t index, const DeliveryResult *result);
/* After the last result: tells senders what they have to know, and frees the transfer. */
void transfer_end(Transfer *transfer);
/* Without a word. */
void transfer_free(Transfer *transfer);

/* Delivers to those recipients of the batch, which are in a domain of ours, or expands them. */
void mail_server_deliver_locally(MailServer *server, const QueueBatch *batch);
/* An attempt at a recipient in a domain of ours; in server->locals while it is under way. */
typedef struct LocalDelivery {
    MailServer *server;
    QueueEntry *entry;
    size_t recipient;
    AddressLead lead;
    const char *user;     /* whose mailbox it is; borrowed from the address book */
    bool has_one_address; /* an alias or forwarding that leads to one address alone */
    GList link;           /* in server->locals */
    GArray *sharers;      /* size_t: recipients that are the same mailbox, spelled otherwise; the
                             outcome is theirs too. NULL: none */
} LocalDelivery;
void local_delivery_free(void *local);
/* Takes it out of the list, and frees it. */
void local_delivery_remove(LocalDelivery *local);
/* The attempt has failed: for good, or for now, for those that share it too; because of that record
 * or 0. Frees nothing. */
void local_delivery_fail(const LocalDelivery *local, bool is_final, const char *text,
                         const char *status, uint64_t because);
/* It is over, one way or another: frees it, and the queue goes on. */
void local_delivery_end(LocalDelivery *local);
/* The message has come into the user's mailbox: answers it where the user is away, unless a rule
 * forbids that. Before the recipient is reported as done. */
void mail_server_answer(MailServer *server, const QueueEntry *entry, size_t recipient,
                        const char *user);
void answer_free(void *answer);

/* Puts the addresses for which the recipient stands into the queue in its place. */
void local_delivery_expand(LocalDelivery *local, const Address *address,
                           const AddressMeaning *meaning);

/* What a failed attempt said, kept until the sender is told. */
typedef struct Failure {
    size_t recipient; /* index into the entry's envelope */
    char *text;       /* reply or reason */
    char *status;     /* RFC 3463 */
    char *remote;     /* or NULL */
    bool is_reply;
    bool has_expired; /* the recipient's time is over */
    uint64_t because; /* seq of the record that decided it */
    Cause cause;      /* of the bounce: the attempt's end */
} Failure;
Failure *failure_new(size_t recipient, const char *text, const char *status, const char *remote,
                     bool is_reply, uint64_t because);
void failure_free(void *failure);
/* Appends to a list of Failure, which is NULL as long as it is empty, as it mostly stays. */
void failures_add(GPtrArray **failures, Failure *failure);

/* An attempt has failed for now: defers the recipient; the failure goes to `warnings` when the
 * sender should be warned, to `bounces` when the recipient's time is over. */
void mail_server_defer(MailServer *server, QueueEntry *entry, const Failure *failure,
                       GPtrArray **bounces, GPtrArray **warnings);
/* Tells the sender that delivery to these active recipients (Failure) has failed for good. Takes
 * the array over; NULL: there are none. A message that may not be bounced is discarded. */
void mail_server_bounce_take(MailServer *server, QueueEntry *entry, GPtrArray *failures);
/* Tells the sender that delivery to these recipients takes long. Takes the array over; NULL: there
 * are none. */
void mail_server_warn_take(MailServer *server, QueueEntry *entry, GPtrArray *failures);
void notification_free(void *notification);
/* The disk, which was full or failed, takes writes again. */
void mail_server_notifications_have_room(MailServer *server);
/* Those that wait for room are forgotten: the spool still has what they are about. */
void mail_server_notifications_shut_down(MailServer *server);
/* Tells the sender, if NOTIFY asks for it, that the message is delivered (DSN_DELIVERED), or
 * relayed to a server that will tell nothing (DSN_RELAYED; `remote` has said `reply`). Before the
 * recipient is reported as done. A crash may lose this notice, or send it twice; the message is
 * safe. */
void mail_server_confirm(MailServer *server, const QueueEntry *entry, size_t recipient,
                         DsnAction action, const char *remote, const char *reply);
