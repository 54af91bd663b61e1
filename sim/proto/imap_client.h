/* The IMAP client side, sans I/O: RFC 9051 (IMAP4rev2), RFC 3501 (IMAP4rev1). Left out: commands
 * sent before the one under way is complete, STARTTLS, AUTHENTICATE, MIME parts.
 *
 * The node gives commands, one at a time; each comes back as IMAP_CLIENT_DONE with its tag after
 * the events of its untagged responses. Bytes in -> events out, bytes to send come out:
 *
 *     imap_client_receive(client, span);
 *     while (imap_client_next_event(client, &event))
 *         GREETING: imap_client_login(...); DONE: the next command; MESSAGE: keep it; ...
 *     send imap_client_peek_output(), then imap_client_consume_output();
 *
 * Tracing: each command line sent comes out as IMAP_CLIENT_COMMAND_LINE, each response line
 * received as IMAP_CLIENT_RESPONSE_LINE before the event it means, each change of state as
 * IMAP_CLIENT_STATE_CHANGED. A literal shows as its size: "BODY[] {1234}". */
#pragma once

#include "core/state_table.h"
#include "proto/imap.h"

#include <stdbool.h>

typedef struct ImapClient ImapClient;

/* RFC 9051 §3, with the time before the greeting as a state of its own. */
typedef enum ImapClientState {
    IMAP_CLIENT_GREETING,          /* connected; the server speaks first (§7.1) */
    IMAP_CLIENT_NOT_AUTHENTICATED, /* §3.1 */
    IMAP_CLIENT_AUTHENTICATED,     /* §3.2 */
    IMAP_CLIENT_SELECTED,          /* §3.3 */
    IMAP_CLIENT_LOGOUT,            /* §3.4 */
    IMAP_CLIENT_STATE_COUNT,
} ImapClientState;

/* Columns of imap_client_table: first the commands that the node gives, then what the server
 * answers, then what happens to the session. */
typedef enum ImapClientInput {
    IMAP_CLIENT_ON_CAPABILITY,
    IMAP_CLIENT_ON_NOOP,
    IMAP_CLIENT_ON_LOGOUT,
    IMAP_CLIENT_ON_LOGIN,
    IMAP_CLIENT_ON_ENABLE,
    IMAP_CLIENT_ON_SELECT,
    IMAP_CLIENT_ON_CREATE,
    IMAP_CLIENT_ON_DELETE,
    IMAP_CLIENT_ON_LIST,
    IMAP_CLIENT_ON_STATUS,
    IMAP_CLIENT_ON_APPEND,
    IMAP_CLIENT_ON_IDLE,
    IMAP_CLIENT_ON_CLOSE,
    IMAP_CLIENT_ON_UNSELECT,
    IMAP_CLIENT_ON_EXPUNGE,
    IMAP_CLIENT_ON_SEARCH,
    IMAP_CLIENT_ON_FETCH,
    IMAP_CLIENT_ON_STORE,
    IMAP_CLIENT_ON_COPY,
    IMAP_CLIENT_ON_MOVE,
    IMAP_CLIENT_ON_GREETING_OK,
    IMAP_CLIENT_ON_GREETING_PREAUTH,
    IMAP_CLIENT_ON_LOGGED_IN,
    IMAP_CLIENT_ON_OPENED,         /* a mailbox has been selected */
    IMAP_CLIENT_ON_MAILBOX_CLOSED, /* by CLOSE, UNSELECT or [CLOSED] */
    IMAP_CLIENT_ON_BYE,            /* a BYE that LOGOUT has not asked for */
    IMAP_CLIENT_ON_BYE_AWAITED,    /* the BYE that LOGOUT has asked for */
    IMAP_CLIENT_ON_LOGGED_OUT,     /* the tagged response to LOGOUT */
    IMAP_CLIENT_ON_BAD_RESPONSE,
    IMAP_CLIENT_ON_TIMEOUT,
    IMAP_CLIENT_ON_PEER_CLOSED,
    IMAP_CLIENT_INPUT_COUNT,
} ImapClientInput;

/* What a cell of imap_client_table makes the engine do. */
typedef enum ImapClientAction {
    IMAP_CLIENT_SEND,   /* send the command */
    IMAP_CLIENT_REFUSE, /* the call returns 0 */
    IMAP_CLIENT_TELL,   /* tell the node, and go on */
    IMAP_CLIENT_END,    /* the session is over */
    IMAP_CLIENT_IGNORE, /* nothing */
    IMAP_CLIENT_NEVER,  /* cannot happen */
    IMAP_CLIENT_ACTION_COUNT,
} ImapClientAction;

/* Named "imap-client". */
extern const StateTable imap_client_table;

enum {
    IMAP_CLIENT_LINE_DEFAULT = 1024 * 1024, /* a result of SEARCH is one line */
    IMAP_CLIENT_LITERAL_DEFAULT = 32 * 1024 * 1024,
};

/* A zero number means the default. */
typedef struct ImapClientOptions {
    size_t line_maximum;    /* octets of one response without its literals */
    size_t literal_maximum; /* octets of all literals of one response */
} ImapClientOptions;

typedef enum ImapClientEventKind {
    IMAP_CLIENT_COMMAND_LINE,   /* line: a command line has been put into the output */
    IMAP_CLIENT_RESPONSE_LINE,  /* line: a response has been received */
    IMAP_CLIENT_STATE_CHANGED,  /* from, to */
    IMAP_CLIENT_GREETED,        /* text: the server is ready; state says whether to log in */
    IMAP_CLIENT_CAPABILITY,     /* text: the capabilities, separated by spaces */
    IMAP_CLIENT_EXISTS,         /* number: messages in the selected mailbox */
    IMAP_CLIENT_EXPUNGED,       /* number: this message number is gone, later ones move down */
    IMAP_CLIENT_UID_VALIDITY,   /* number: of the mailbox being selected */
    IMAP_CLIENT_UID_NEXT,       /* number: of the mailbox being selected */
    IMAP_CLIENT_MESSAGE,        /* number, has, uid, flags, size_octets, date, content */
    IMAP_CLIENT_MAILBOX,        /* mailbox, attributes: one line of LIST */
    IMAP_CLIENT_STATUS,         /* mailbox, status: those asked for, others 0 */
    IMAP_CLIENT_FOUND,          /* numbers, number_count: the result of SEARCH */
    IMAP_CLIENT_IDLING,         /* IDLE has begun */
    IMAP_CLIENT_DONE,           /* tag, result, code, text: the command is complete */
    IMAP_CLIENT_BYE,            /* text: the server closes the session, asked for or not */
    IMAP_CLIENT_PROTOCOL_ERROR, /* text: what the server sent cannot be understood, or too much */
    IMAP_CLIENT_CLOSED,         /* text: why. The last event; a command under way has failed */
} ImapClientEventKind;

/* Only the fields named beside the kind mean something. Spans are valid until the next call. */
typedef struct ImapClientEvent {
    ImapClientEventKind kind;
    Span line; /* without its CRLF */
    uint8_t from, to;
    uint32_t tag; /* what the call that gave the command returned */
    ImapResult result;
    Span code; /* response code without brackets: "TRYCREATE", "APPENDUID 7 12"; or empty */
    Span text;
    uint32_t number;
    unsigned has; /* a set of ImapNeed: what of a message has come */
    uint32_t uid; /* 0: has not come */
    ImapFlags flags;
    uint64_t size_octets;
    Span date;
    Span content; /* BODY[] or the section asked for; the first, when there are several */
    Span mailbox;
    uint32_t attributes; /* a set of ImapListAttribute */
    ImapStatus status;
    const uint32_t *numbers; /* rising; UIDs, since the search was by UID */
    size_t number_count;
} ImapClientEvent;

ImapClient *imap_client_new(const ImapClientOptions *options);
void imap_client_free(ImapClient *client);
/* The same in memory of imap_client_size() octets that stays the caller's. */
size_t imap_client_size(void);
void imap_client_init(ImapClient *client, const ImapClientOptions *options);
void imap_client_clear(ImapClient *client);

/* Bytes from the server, at most imap_client_input_room(). */
void imap_client_receive(ImapClient *client, Span bytes);
/* The server has closed its sending side. */
void imap_client_receive_end(ImapClient *client);
bool imap_client_next_event(ImapClient *client, ImapClientEvent *event);

/* Commands. Each returns its tag's number (from 1; sent as "A1"), or 0 when it may not be given
 * now: the state does not allow it, or another command is under way. Texts hold no CR or LF
 * (CHECKed) and are ASCII, or UTF-8 once IMAP4rev2 has been enabled. Message numbers are UIDs; the
 * last UID UINT32_MAX means "*" (RFC 9051 §9 seq-number).
 */
uint32_t imap_client_capability(ImapClient *client);
uint32_t imap_client_noop(ImapClient *client);
uint32_t imap_client_logout(ImapClient *client);
uint32_t imap_client_enable_rev2(ImapClient *client);
uint32_t imap_client_login(ImapClient *client, const char *user, const char *password);
uint32_t imap_client_select(ImapClient *client, const char *mailbox, bool read_only);
uint32_t imap_client_create(ImapClient *client, const char *mailbox);
uint32_t imap_client_delete(ImapClient *client, const char *mailbox);
uint32_t imap_client_list(ImapClient *client, const char *reference, const char *pattern);
uint32_t imap_client_status(ImapClient *client, const char *mailbox);
/* `date` is a date-time or NULL. The content goes out when the server has asked for it. */
uint32_t imap_client_append(ImapClient *client, const char *mailbox, ImapFlags flags,
                            const char *date, Slice content);
/* One event MESSAGE for each; `needs` is a set of ImapNeed. IMAP_NEED_CONTENT fetches BODY.PEEK[]
 * with `peek`, else BODY[], which sets \Seen. */
uint32_t imap_client_fetch(ImapClient *client, uint32_t first_uid, uint32_t last_uid,
                           unsigned needs, bool peek);
uint32_t imap_client_store_flags(ImapClient *client, uint32_t first_uid, uint32_t last_uid,
                                 ImapStoreMode mode, ImapFlags flags);
uint32_t imap_client_copy(ImapClient *client, uint32_t first_uid, uint32_t last_uid,
                          const char *mailbox);
uint32_t imap_client_move(ImapClient *client, uint32_t first_uid, uint32_t last_uid,
                          const char *mailbox);
/* `criteria` is a search key as RFC 9051 §6.4.4 writes it: "UNSEEN FROM alice". */
uint32_t imap_client_search(ImapClient *client, const char *criteria);
uint32_t imap_client_expunge(ImapClient *client);
uint32_t imap_client_close(ImapClient *client);
uint32_t imap_client_unselect(ImapClient *client);
uint32_t imap_client_idle(ImapClient *client);
/* Ends IDLE: its DONE follows. False: IDLE has not begun, or has been ended already. */
bool imap_client_idle_done(ImapClient *client);

/* The next contiguous part of what is to be sent; more may follow once it has been consumed. */
Span imap_client_peek_output(const ImapClient *client);
void imap_client_consume_output(ImapClient *client, size_t count);
size_t imap_client_input_room(const ImapClient *client);

typedef enum ImapClientTimeout {
    IMAP_CLIENT_TIMEOUT_NONE,     /* no command is under way, or the session is over */
    IMAP_CLIENT_TIMEOUT_RESPONSE, /* greeting or response; no RFC names a value: 5 minutes */
    IMAP_CLIENT_TIMEOUT_IDLE,     /* RFC 9051 §6.3.13: end IDLE at least every 29 minutes */
} ImapClientTimeout;

/* The node starts it anew when it changes, and RESPONSE at any byte from the server. */
ImapClientTimeout imap_client_timeout(const ImapClient *client);
/* In nanoseconds; 0 for none. */
int64_t imap_client_timeout_ns(ImapClientTimeout timeout);
/* RESPONSE: gives the session up. IDLE: ends IDLE, as imap_client_idle_done(). */
void imap_client_time_out(ImapClient *client);

uint8_t imap_client_state(const ImapClient *client);
/* True when a command may be given that the state allows. */
bool imap_client_is_ready(const ImapClient *client);
/* The session is over, its events have been read, and its output is sent or pointless. */
bool imap_client_is_finished(const ImapClient *client);
