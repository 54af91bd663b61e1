/* A user agent (RFC 5598: MUA): the program with which a person writes and reads mail.
 *
 * It composes RFC 5322 messages, submits them to its own mail server by SMTP on port 587 with AUTH
 * (RFC 6409), and gets the mailbox's new messages by IMAP. It has no queue: when its server cannot
 * be reached the person is told, and the message is not sent; or, with an outbox, it tries its
 * server again now and then.
 *
 * An agent may also send directly: it does what a mail server does to find the recipients' servers,
 * and has none of what makes a mail server wait. What it cannot hand over at once is lost.
 *
 * Calls belong into steps of the agent's own node. */
#pragma once

#include "mail/envelope.h"
#include "mail/message.h"
#include "node/machine.h"

#include <stddef.h>

typedef struct UserAgent UserAgent;

/* Everything is copied. */
typedef struct UserAgentOptions {
    const char *address; /* of its person: "alice@naver.example" */
    const char *server;  /* host name of the person's mail server */
    const char *user;    /* for logging in there */
    const char *password;
    const char *helo_name; /* what it says in EHLO; NULL: its host's name */
    bool sends_directly;
    /* Sends everything to this host's port 25, without logging in; NULL: it does not. */
    const char *through;         /* its name, */
    Ipv4Address through_address; /* and its address */
    SimTime retry_ns; /* how long its outbox waits; 0: it does not keep what is not taken */
    SimTime lifetime_ns;
} UserAgentOptions;

/* ORCPT of a recipient (RFC 3461 §4.2). */
typedef struct UserAgentOriginal {
    const char *address;
    const char *original; /* `rfc822;bob@old.example` */
} UserAgentOriginal;

/* A message to write; everything is borrowed during the call. */
typedef struct UserAgentMail {
    const char *name;   /* becomes the left part of the Message-ID; unique in the run */
    const char *sender; /* the envelope's, in place of the person's address; NULL: that */
    const char *const *to, *const *cc, *const *bcc; /* addresses */
    size_t to_count, cc_count, bcc_count;
    const char *subject;
    const char *body; /* lines end in LF */
    size_t size;      /* octets of the whole message, to which the body is filled up; 0: as it is */
    const char
        *raw;       /* octets behind the body, sent as they are; NULL: none; not with attachments */
    uint8_t notify; /* NOTIFY_ bits of mail/envelope.h */
    ReturnContent return_content; /* RET */
    const char *envid;            /* NULL: none */
    const UserAgentOriginal *originals;
    size_t original_count;
    const MessageField *fields; /* in place of the agent's own, or beside them: MessageDraft */
    size_t field_count;
    const MessageAttachment *attachments;
    size_t attachment_count;
} UserAgentMail;

UserAgent *user_agent_new(const Machine *machine, const UserAgentOptions *options);
void user_agent_free(UserAgent *agent);

/* Writes a message and hands it to the agent's mail server. */
void user_agent_send(UserAgent *agent, const UserAgentMail *mail);
/* Answers the sender of a message that the agent has fetched; the answer is called `name`. */
void user_agent_reply(UserAgent *agent, const char *mail, const char *name, const char *body);
/* Synchronises with the mailbox: gets new messages, tells which ones have been read. */
void user_agent_fetch(UserAgent *agent);
/* The person opens a message that has been fetched. */
void user_agent_read(UserAgent *agent, const char *mail);
