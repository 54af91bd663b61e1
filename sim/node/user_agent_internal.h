/* What the files of the user agent share. */
#pragma once

#include "mail/envelope.h"
#include "mail/message.h"
#include "node/delivery.h"
#include "node/resolver.h"
#include "node/session.h"
#include "node/smtp_trace.h"
#include "node/user_agent.h"
#include "proto/imap_client.h"
#include "proto/smtp_client.h"

/* How far the handing over has come for a recipient. */
typedef enum RecipientState {
    RECIPIENT_OPEN,
    RECIPIENT_WAITS,   /* put off: not again over this connection */
    RECIPIENT_SETTLED, /* accepted, or refused for good */
} RecipientState;

/* A message written here and not yet handed over, or one that has been fetched. */
typedef struct AgentMail {
    char *name; /* behind the mail */
    Octets *content;
    Envelope *envelope; /* written ones only */
    uint32_t uid;       /* fetched ones only */
    bool is_read;       /* the person has opened it */
    bool is_seen;       /* the mailbox knows that */
    unsigned accepted;  /* recipients that the server has accepted */
    uint8_t *states;    /* written ones: a RecipientState for each recipient; behind the mail */
    size_t *under_way;  /* the recipients of the transaction under way; behind the mail */
    bool is_tried;      /* an attempt at handing it over has been made */
    SimTime written_at;
} AgentMail;

/* What the command under way is for. */
typedef enum FetchStep {
    FETCH_LOGIN,
    FETCH_SELECT,
    FETCH_MESSAGES,
    FETCH_STORE_SEEN,
    FETCH_LOGOUT,
} FetchStep;

struct UserAgent {
    Machine machine;
    char *address, *server, *user, *password, *helo_name;
    bool sends_directly;
    char *through, *through_literal; /* "[198.18.0.3]"; both NULL: to the recipients' servers */
    SimTime retry_ns, lifetime_ns;
    Resolver *resolver;

    /* Submission: one connection at a time carries the whole outbox. */
    GPtrArray *outbox; /* AgentMail, in the order written */
    guint sending;     /* the one of the outbox that is next, or under way */
    Timer retry_timer;
    Random route_draws;
    GPtrArray *directs; /* DirectDelivery: those under way, of an agent that sends directly */
    SmtpClient *smtp;
    Session *smtp_session;
    SmtpTrace smtp_trace;
    SmtpHeard heard; /* from the servers */
    uint64_t smtp_look_up;
    bool is_submitting;
    bool has_quit; /* QUIT has been said: the connection takes no more */

    /* Fetching. */
    GPtrArray *inbox; /* AgentMail, by UID */
    ImapClient *imap;
    Session *imap_session;
    TraceRef imap_connection;
    uint64_t imap_look_up;
    bool is_fetching;
    bool has_new;          /* UIDNEXT says that there are messages not fetched yet */
    bool fetch_has_failed; /* and the person knows */
    bool fetch_again;      /* asked for while one was under way */
    FetchStep fetch_step;
    uint32_t next_uid;
    uint32_t fetched_count;
};

/* Begins to hand the outbox over, unless that is under way. */
void user_agent_submit(UserAgent *agent);
/* Sends a message that was written just now to its recipients' servers. Takes it over. */
void user_agent_send_directly_take(UserAgent *agent, AgentMail *mail);
void direct_delivery_free(void *direct);
/* Takes `envelope` over, which is NULL for one that has been fetched. */
AgentMail *agent_mail_new(Span name, Octets *content, Envelope *envelope);
void agent_mail_free(void *mail);
/* Lets go of the connection and its engine, if there are any. */
void user_agent_drop_submission(UserAgent *agent);
void user_agent_drop_fetching(UserAgent *agent);

/* The person is told that something did not work. */
void user_agent_tell_failure(UserAgent *agent, const char *action, const char *mail,
                             const char *recipient, Span reason, uint64_t because);
/* The fetched message of that name, or NULL. */
AgentMail *user_agent_find_received(const UserAgent *agent, const char *mail);
/* The first address of a look-up of type A, or false. */
bool user_agent_first_address(const DnsResolverEvent *event, Ipv4Address *address);
