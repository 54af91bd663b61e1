/* The IMAP server side, sans I/O: RFC 9051 (IMAP4rev2), RFC 3501 (IMAP4rev1).
 *
 * Bytes in -> events out; the node owns the mailboxes and answers questions; bytes to send come
 * out. The engine keeps the message numbers: its view of the selected mailbox is the list of UIDs
 * in the order of message numbers as the client has been told, so a node speaks of UIDs alone.
 *
 *     imap_server_receive(server, span);               at most imap_server_input_room() bytes
 *     while (imap_server_next_event(server, &event))
 *         answer event.token at once or later; record event.line; ...
 *     send imap_server_peek_output(), then imap_server_consume_output();
 *
 * The engine rests while a question is open, and while IMAP_SERVER_OUTPUT_HIGH bytes or more wait
 * to be sent: call imap_server_next_event() again after an answer, after news and after output has
 * been consumed. Answers may be given inside the loop.
 *
 * Tracing: each command line received comes out as IMAP_SERVER_COMMAND_LINE before it has any
 * effect, each response line sent as IMAP_SERVER_RESPONSE_LINE in the order of the bytes, and each
 * change of state as IMAP_SERVER_STATE_CHANGED. A literal shows as its size: "BODY[] {1234}"; a
 * quoted password shows as it is, since it also went over the wire so.
 *
 * Left out of what IMAP4rev2 asks for: STARTTLS, AUTHENTICATE, LIST's RECURSIVEMATCH, CHILDREN,
 * STATUS and lists of patterns, SAVE of SEARCH (NO [CANNOT]); keywords (not kept, as PERMANENTFLAGS
 * says). */
#pragma once

#include "core/state_table.h"
#include "proto/imap.h"

#include <stdbool.h>

typedef struct ImapServer ImapServer;

/* RFC 9051 §3. */
typedef enum ImapServerState {
    IMAP_SERVER_NOT_AUTHENTICATED, /* §3.1: the client must log in before most commands */
    IMAP_SERVER_AUTHENTICATED,     /* §3.2: a mailbox must be selected to reach messages */
    IMAP_SERVER_SELECTED,          /* §3.3: a mailbox is open */
    IMAP_SERVER_LOGOUT,            /* §3.4: the connection is being ended by either side */
    IMAP_SERVER_STATE_COUNT,
} ImapServerState;

/* Columns of imap_server_table: first the client's commands, plain and with UID alike, then what
 * the node has answered, then what happens to the session. */
typedef enum ImapServerInput {
    IMAP_SERVER_ON_CAPABILITY,
    IMAP_SERVER_ON_NOOP,
    IMAP_SERVER_ON_LOGOUT,
    IMAP_SERVER_ON_STARTTLS,
    IMAP_SERVER_ON_AUTHENTICATE,
    IMAP_SERVER_ON_LOGIN,
    IMAP_SERVER_ON_ENABLE,
    IMAP_SERVER_ON_SELECT,
    IMAP_SERVER_ON_EXAMINE,
    IMAP_SERVER_ON_CREATE,
    IMAP_SERVER_ON_DELETE,
    IMAP_SERVER_ON_RENAME,
    IMAP_SERVER_ON_SUBSCRIBE,
    IMAP_SERVER_ON_UNSUBSCRIBE,
    IMAP_SERVER_ON_LIST,
    IMAP_SERVER_ON_LSUB, /* of rev1 */
    IMAP_SERVER_ON_NAMESPACE,
    IMAP_SERVER_ON_STATUS,
    IMAP_SERVER_ON_APPEND,
    IMAP_SERVER_ON_IDLE,
    IMAP_SERVER_ON_CLOSE,
    IMAP_SERVER_ON_UNSELECT,
    IMAP_SERVER_ON_EXPUNGE,
    IMAP_SERVER_ON_SEARCH,
    IMAP_SERVER_ON_FETCH,
    IMAP_SERVER_ON_STORE,
    IMAP_SERVER_ON_COPY,
    IMAP_SERVER_ON_MOVE,
    IMAP_SERVER_ON_CHECK,   /* of rev1 */
    IMAP_SERVER_ON_UNKNOWN, /* no such command, or not to be understood */
    IMAP_SERVER_ON_LOGIN_GRANTED,
    IMAP_SERVER_ON_MAILBOX_OPENED,
    IMAP_SERVER_ON_TOO_MANY_BAD,
    IMAP_SERVER_ON_SHUT_DOWN,
    IMAP_SERVER_ON_TIMEOUT,
    IMAP_SERVER_ON_OUTPUT_FULL, /* the client asks for more than it reads */
    IMAP_SERVER_ON_PEER_CLOSED,
    IMAP_SERVER_INPUT_COUNT,
} ImapServerInput;

/* What a cell of imap_server_table makes the engine do. */
typedef enum ImapServerAction {
    IMAP_SERVER_RUN,     /* run the command; its syntax is right, or BAD and no change of state */
    IMAP_SERVER_REFUSE,  /* BAD: no such command here */
    IMAP_SERVER_DECLINE, /* NO: not offered */
    IMAP_SERVER_ENTER,   /* the node has granted it */
    IMAP_SERVER_SAY_BYE, /* untagged BYE, then the end */
    IMAP_SERVER_END,     /* the end without a word */
    IMAP_SERVER_IGNORE,  /* the session is over */
    IMAP_SERVER_NEVER,   /* cannot happen */
    IMAP_SERVER_ACTION_COUNT,
} ImapServerAction;

/* Named "imap-server". */
extern const StateTable imap_server_table;

enum {
    IMAP_SERVER_LINE_DEFAULT = 8192, /* RFC 7162 §4 advises to take at least 8192 octets */
    IMAP_SERVER_APPEND_DEFAULT = 32 * 1024 * 1024,
    IMAP_SERVER_BAD_DEFAULT = 20,
    IMAP_SERVER_OUTPUT_HIGH = 64 * 1024,    /* FETCH and SEARCH pause while this much waits */
    IMAP_SERVER_MESSAGES_MAXIMUM = 1 << 20, /* in one selected mailbox */
};

/* A zero number means the default. */
typedef struct ImapServerOptions {
    const char *host_name; /* in the greeting; copied */
    size_t line_maximum;   /* octets of a command, its literals outside APPEND included */
    size_t append_maximum; /* octets of the message that APPEND brings */
    unsigned bad_maximum;  /* BAD commands in a session before BYE */
} ImapServerOptions;

typedef enum ImapServerEventKind {
    IMAP_SERVER_COMMAND_LINE,  /* line: a command has been received */
    IMAP_SERVER_RESPONSE_LINE, /* line: a response has been put into the output */
    IMAP_SERVER_STATE_CHANGED, /* from, to */
    IMAP_SERVER_ASK_LOGIN,     /* user, password -> answer_ok, or answer_no */
    IMAP_SERVER_ASK_SELECT,    /* mailbox, read_only (EXAMINE) -> answer_mailbox, or answer_no */
    IMAP_SERVER_ASK_CLOSE,     /* the mailbox is closed; with `expunge` its messages flagged
                                  \Deleted are removed first, in silence -> answer_ok */
    IMAP_SERVER_ASK_CREATE,    /* mailbox -> answer_ok, or answer_no */
    IMAP_SERVER_ASK_DELETE,    /* mailbox -> answer_ok, or answer_no */
    IMAP_SERVER_ASK_RENAME,    /* mailbox, new_name -> answer_ok, or answer_no */
    IMAP_SERVER_ASK_SUBSCRIBE, /* mailbox, subscribes -> answer_ok, or answer_no */
    IMAP_SERVER_ASK_LIST,      /* -> answer_list with every mailbox, and every other name that is
                                  subscribed to; the engine chooses and matches patterns */
    IMAP_SERVER_ASK_STATUS,    /* mailbox -> answer_status, or answer_no */
    IMAP_SERVER_ASK_APPEND,    /* mailbox, flags, has_date, date_unix, content -> answer_copied, or
                                  answer_no */
    IMAP_SERVER_ASK_MESSAGE,   /* uid, needs -> answer_message, or answer_no when it is gone */
    IMAP_SERVER_ASK_STORE,     /* uid, mode, flags -> answer_flags, or answer_no when it is gone */
    IMAP_SERVER_ASK_COPY,      /* uids, mailbox: all or none -> answer_copied, or answer_no */
    IMAP_SERVER_ASK_MOVE,      /* uids, mailbox: all or none -> answer_copied, or answer_no */
    IMAP_SERVER_ASK_EXPUNGE,   /* uids: remove those of them that have \Deleted -> answer_removed,
                                  or answer_no */
    IMAP_SERVER_FINISHED,      /* the last event: send the output, then close the stream */
} ImapServerEventKind;

/* Only the fields named beside the kind mean something. Spans and arrays are valid until the next
 * call. In mailbox names any spelling of INBOX has become "INBOX" (RFC 9051 §5.1). */
typedef struct ImapServerEvent {
    ImapServerEventKind kind;
    uint32_t token; /* not 0: a question; what its answer must carry */
    Span line;      /* without its CRLF */
    uint8_t from, to;
    Span user, password;
    Span mailbox, new_name;
    bool read_only, expunge, subscribes;
    uint32_t uid;
    unsigned needs; /* a set of ImapNeed */
    ImapStoreMode mode;
    ImapFlags flags;
    bool has_date;     /* APPEND names the internal date: */
    int64_t date_unix; /* seconds since 1970 UTC, from MAIL_DATE_FIRST to MAIL_DATE_LAST */
    Span content;      /* the message that APPEND brings */
    const uint32_t *uids;
    size_t uid_count;
} ImapServerEvent;

/* A mailbox as it is when SELECT opens it. */
typedef struct ImapServerMailbox {
    uint32_t uid_validity;
    uint32_t uid_next;
    const uint32_t *uids; /* rising strictly; at most IMAP_SERVER_MESSAGES_MAXIMUM */
    size_t count;
    size_t first_unseen; /* message number (from 1) of the first without \Seen; 0: none */
    bool read_only;      /* true for EXAMINE; true also where SELECT may not write */
} ImapServerMailbox;

/* One message; only what the question's `needs` named is looked at. */
typedef struct ImapServerMessage {
    ImapFlags flags;
    uint64_t size_octets;
    const char *date; /* "17-Jul-1996 02:44:25 -0700", RFC 9051 §9 date-time; day padded to two */
    Slice content;    /* the whole message, CRLF line ends; the engine takes its own reference */
} ImapServerMessage;

ImapServer *imap_server_new(const ImapServerOptions *options);
void imap_server_free(ImapServer *server);
/* The same in memory of imap_server_size() octets that stays the caller's. */
size_t imap_server_size(void);
void imap_server_init(ImapServer *server, const ImapServerOptions *options);
void imap_server_clear(ImapServer *server);

/* Bytes from the client, at most imap_server_input_room(). */
void imap_server_receive(ImapServer *server, Span bytes);
/* The client has closed its sending side. */
void imap_server_receive_end(ImapServer *server);
bool imap_server_next_event(ImapServer *server, ImapServerEvent *event);

/* Refuses: any question but LIST and CLOSE. `code` is a response code without brackets such as
 * "NONEXISTENT" or "AUTHENTICATIONFAILED" (RFC 9051 §7.1), or NULL; `text` is for people. MESSAGE
 * and STORE without a code or with "EXPUNGEISSUED": this message is gone, and the command goes on
 * with the next; with another code the command ends there. */
void imap_server_answer_no(ImapServer *server, uint32_t token, const char *code, const char *text);
/* Grants LOGIN, CLOSE, CREATE, DELETE, RENAME or SUBSCRIBE. */
void imap_server_answer_ok(ImapServer *server, uint32_t token);
void imap_server_answer_mailbox(ImapServer *server, uint32_t token,
                                const ImapServerMailbox *mailbox);
/* Attributes say who is subscribed to, whether or not the client asks for that. */
void imap_server_answer_list(ImapServer *server, uint32_t token, const ImapListEntry *entries,
                             size_t count);
void imap_server_answer_status(ImapServer *server, uint32_t token, const ImapStatus *status);
void imap_server_answer_message(ImapServer *server, uint32_t token,
                                const ImapServerMessage *message);
/* The flags of the message after STORE. */
void imap_server_answer_flags(ImapServer *server, uint32_t token, ImapFlags flags);
/* COPY, MOVE, APPEND are done: the target's UIDVALIDITY and the new UIDs, in the order of the
 * question's. MOVE's messages have left the selected mailbox. */
void imap_server_answer_copied(ImapServer *server, uint32_t token, uint32_t uid_validity,
                               const uint32_t *uids, size_t count);
/* The messages that EXPUNGE has removed, rising. */
void imap_server_answer_removed(ImapServer *server, uint32_t token, const uint32_t *uids,
                                size_t count);

/* News of the selected mailbox: told to the client at once during IDLE, else at the end of the next
 * command that permits it (RFC 9051 §5.2, §7.5.1). A message that arrives by this connection's own
 * APPEND or COPY is told as any other. What the client knows already changes nothing, so a node may
 * tell every session of a mailbox everything. Ignored when no mailbox is selected. */
void imap_server_tell_exists(ImapServer *server, uint32_t uid);
void imap_server_tell_expunged(ImapServer *server, uint32_t uid);
void imap_server_tell_flags(ImapServer *server, uint32_t uid, ImapFlags flags);
/* The server is going down: BYE with `text`, RFC 9051 §7.1.5. An open question dies with it. */
void imap_server_shut_down(ImapServer *server, const char *text);

/* The next contiguous part of what is to be sent; more may follow once it has been consumed. */
Span imap_server_peek_output(const ImapServer *server);
void imap_server_consume_output(ImapServer *server, size_t count);
size_t imap_server_input_room(const ImapServer *server);

typedef enum ImapServerTimeout {
    IMAP_SERVER_TIMEOUT_NONE,       /* a question is open, or the session is over */
    IMAP_SERVER_TIMEOUT_AUTOLOGOUT, /* RFC 9051 §5.4; any byte from the client starts it anew */
} ImapServerTimeout;

ImapServerTimeout imap_server_timeout(const ImapServer *server);
/* The RFC's value in nanoseconds: 30 minutes; 0 for none. */
int64_t imap_server_timeout_ns(ImapServerTimeout timeout);
void imap_server_time_out(ImapServer *server);

uint8_t imap_server_state(const ImapServer *server);
/* IDLE is under way: news is sent at once. */
bool imap_server_is_idling(const ImapServer *server);
/* The session is over, its events have been read and its output has been sent. */
bool imap_server_is_finished(const ImapServer *server);
