/* A mail server: message submission, transfer, delivery, and the message store, in one program on
 * one host (RFC 5598: MSA, MTA, MDA, MS).
 *
 *     port 25, 587 -> mail_server_reception.c  SMTP server side: takes messages in
 *                  -> policy/, policy_check.c  who may send what to whom
 *                  -> store/queue, store/spool the message queue, durable before the 250
 *                  -> mail_server_queue.c      the queue manager: what is due, and what became of
 * it
 *                  -> mail_server_connections.c  how many connections, and what goes over which
 *                  -> mail_server_transfer.c   one message over one of them
 *                  -> delivery.c               SMTP client side, to the next server
 *                  -> mail_server_local.c      delivery into a mailbox of this server
 *                  -> mail_server_expand.c     aliases, forwarding, mailing lists
 *                  -> mail_server_vacation.c   answers for users who are away
 *                  -> mail_server_notify.c     bounces and delay warnings
 *                  -> mail_server_admin.c      what its administrator does: mailq, hold, flush
 *     port 143     -> mail_server_access.c     IMAP server side: gives mailboxes to their readers
 *
 * Calls belong into steps of the server's own node, or before the run. */
#pragma once

#include "mail/retry_schedule.h"
#include "node/machine.h"
#include "policy/policy.h"
#include "proto/smtp.h"
#include "proto/smtp_content.h"
#include "store/spool.h"

#include <stdbool.h>
#include <stddef.h>

typedef struct MailServer MailServer;

enum {
    MAIL_SERVER_HOP_LIMIT = 100,       /* Received fields, RFC 5321 §6.3 */
    MAIL_SERVER_SIZE_LIMIT = 10240000, /* octets of a message, as Postfix has it */
};

#define MAIL_SERVER_PROGRAM "mail server" /* as records of its host's life name it */

/* What a user who is away has their mail answered by (RFC 3834). */
typedef struct MailServerVacation {
    const char *body;    /* NULL: there are no answers */
    const char *subject; /* NULL: that of the mail, with `Auto: ` before it */
    SimTime from, until; /* when answers are sent; SIM_NEVER: without end */
    SimTime again_after; /* the same sender is answered once within so long */
} MailServerVacation;

typedef struct MailServerUser {
    const char *name; /* local-part of the address, and the name to log in with */
    const char *password;
    uint64_t quota; /* octets that the mailbox may hold; 0: any number */
    MailServerVacation vacation;
    const char *const *forward; /* as in mail/address_book.h; NULL: mail goes into the mailbox */
} MailServerUser;

/* An alias, or a mailing list when it has an owner. */
typedef struct MailServerGroup {
    const char *name;
    const char *owner;     /* an address; NULL: an alias */
    const char *const *to; /* addresses, ended by NULL */
} MailServerGroup;

/* Connections to other servers. Each number is at least 1. */
typedef struct MailServerConnections {
    uint32_t messages;        /* that one connection carries at most */
    SimTime idle_ns;          /* how long it waits for another message; 0: not at all */
    uint32_t per_destination; /* connections at once to one domain */
    uint32_t total;           /* and to all of them */
} MailServerConnections;

/* As Postfix has it by default, whose connections carry on only while mail waits for them. */
#define MAIL_SERVER_CONNECTIONS_DEFAULT                                                            \
    ((MailServerConnections){.messages = 100, .idle_ns = 0, .per_destination = 20, .total = 100})

/* Everything is copied. */
typedef struct MailServerOptions {
    const char *const *domains;        /* whose mailboxes are here */
    size_t domain_count;               /* at least one */
    const char *const *backup_domains; /* for which mail is taken and passed on */
    size_t backup_domain_count;
    const MailServerUser *users;
    size_t user_count;
    const MailServerGroup *groups;
    size_t group_count;
    bool accepts_plus;   /* bob+news is bob's */
    uint32_t hop_limit;  /* Received fields that a message may have; 0: MAIL_SERVER_HOP_LIMIT */
    uint32_t extensions; /* SmtpExtension bits that are offered; AUTH is added on port 587 */
    uint64_t size_limit; /* octets of a message; 0: MAIL_SERVER_SIZE_LIMIT */
    uint32_t recipient_limit;       /* a transaction; 0: SMTP_RECIPIENTS_MINIMUM */
    uint32_t error_limit;           /* 5yz replies a session; 0: SMTP_SERVER_ERRORS_DEFAULT */
    bool tells_users;               /* VRFY is answered by 250 or 550 rather than 252 */
    SmtpBareNewlines bare_newlines; /* in what it receives; KEPT: sends them on as they are */
    SmtpTimeouts timeouts;          /* both of its clients and of its servers */
    SimTime connect_timeout;        /* for a TCP connection; 0: DELIVERY_CONNECT_TIMEOUT */
    bool auth_needs_tls;            /* AUTH is offered after STARTTLS only, if that is offered */
    DiskOptions disk;
    SpoolOrder spool_order;
    RetrySchedule retry;
    MailServerConnections connections;
    uint32_t active_limit;            /* messages under way at once; 0: QUEUE_ACTIVE_MAX */
    const Ipv4Address *relay_clients; /* who may send to any domain without logging in */
    size_t relay_client_count;
    bool reports_double_bounces; /* to its postmaster; otherwise they are discarded in silence */
    const char *catch_all;       /* the user who gets mail for unknown users; NULL: nobody does */
    PolicyOptions policy;        /* its other rules; copied as policy_new does */
} MailServerOptions;

MailServer *mail_server_new(const Machine *machine, const MailServerOptions *options);
void mail_server_free(MailServer *server);

/* Starts the program: reads the disk, listens, takes up the queue. Nothing when it runs. */
void mail_server_start(MailServer *server);
/* Starts a program that has ended, with host.restart; one that is shutting down once it has. */
void mail_server_restart(MailServer *server);
/* The program dies where it stands; its operating system closes the connections. `because` is the
 * seq of the record that tells of it (host.crash, host.power_off). */
void mail_server_crash(MailServer *server, uint64_t because);
/* The machine loses power: connections fall silent, what was not synced is lost. */
void mail_server_power_off(MailServer *server, uint64_t because);
/* The program ends in order: new clients are refused, those there get 421 or BYE, what is under way
 * is brought to its end, then it stops. `because` is the seq of host.shutdown. */
void mail_server_shut_down(MailServer *server, uint64_t because);
bool mail_server_is_running(const MailServer *server);

/* Something else takes all room on its disk, or gives it back: disk.fill, disk.free. */
void mail_server_fill_disk(MailServer *server);
void mail_server_free_disk(MailServer *server);
/* Its disk fails (disk_fail), or works again: disk.fail, disk.fix. */
void mail_server_fail_disk(MailServer *server, DiskOperations operations, uint64_t failures);
void mail_server_fix_disk(MailServer *server);

/* What the administrator types. The queue is told by queue.list and queue.listed; of a program that
 * is down, as its disk has it; of a machine without power, nothing. The others ask for a running
 * program. `mail` is the name of a message, `domain` that of recipients; NULL is all of them. */
void mail_server_list_queue(const MailServer *server);
void mail_server_hold(MailServer *server, const char *mail);
void mail_server_release(MailServer *server, const char *mail);
void mail_server_flush(MailServer *server, const char *domain);

/* Its disk's steps: see disk_watch, disk_step_count. */
void mail_server_watch_disk(MailServer *server, DiskWatcher watcher);
uint64_t mail_server_disk_steps(const MailServer *server);
uint64_t mail_server_disk_used(const MailServer *server); /* octets */

/* Writes store.inventory for all that its disk holds. */
void mail_server_take_inventory(const MailServer *server, bool is_final);
