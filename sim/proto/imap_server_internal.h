/* What the files of the IMAP server engine share. See imap_server.h.
 *
 *     imap_server.c           life, events, transitions, news, time-outs
 *     imap_server_read.c      from bytes to a command, and its run
 *     imap_server_say.c       responses
 *     imap_server_session.c   commands of any state, log-in, IDLE
 *     imap_server_mailbox.c   commands on mailboxes
 *     imap_server_list.c      LIST, LSUB, SUBSCRIBE, UNSUBSCRIBE, NAMESPACE
 *     imap_server_messages.c  FETCH, STORE, COPY, MOVE, EXPUNGE
 *     imap_server_find.c      SEARCH
 */
#pragma once

#include "proto/imap_lexer.h"
#include "proto/imap_output.h"
#include "proto/imap_reader.h"
#include "proto/imap_search.h"
#include "proto/imap_section.h"
#include "proto/imap_server.h"

enum { IMAP_SERVER_STATUS_ITEMS_MAXIMUM = 8 };

typedef struct ImapServerCommand {
    const char *name;
    ImapServerInput input;
    bool has_uid_form;
    bool holds_expunges; /* no EXPUNGE response while it runs, RFC 9051 §7.5.1; not in UID form */
    /* Takes the arguments; false: they are wrong. NULL: there are none. */
    bool (*parse)(ImapServer *server, ImapLexer *lexer);
    void (*run)(ImapServer *server);
} ImapServerCommand;

/* The command under way and how far it has come. */
typedef struct ImapServerTask {
    const ImapServerCommand *command; /* NULL: none */
    GString *tag;
    bool by_uid;
    /* Arguments; spans point into the line, which stays until the command is complete. */
    Span first, second; /* user, password; mailbox, new name; reference, pattern */
    Span content;
    bool has_date;
    int64_t date_unix;
    ImapFlags flags;
    ImapStoreMode mode;
    bool silent;
    bool enables_rev2;
    bool is_extended, only_subscribed, shows_subscribed; /* LIST */
    ImapWrong wrong;                                     /* of the arguments */
    const char *unsupported; /* asks for something left out: what the NO says */
    const char *status_items[IMAP_SERVER_STATUS_ITEMS_MAXIMUM];
    size_t status_count;
    ImapSet set;
    ImapFetch fetch;
    ImapSearch search;
    /* Progress */
    GArray *targets; /* of uint32_t: UIDs the command is about, rising */
    guint next_target;
    bool gone;                        /* some target had been expunged */
    bool unknown_encoding;            /* some part could not be decoded for BINARY */
    GArray *found;                    /* of uint32_t: SEARCH */
    ImapServerMessage held;           /* waits for its \Seen to be set */
    void (*step)(ImapServer *server); /* takes the next target; NULL: nothing to step through */
} ImapServerTask;

/* News of flags not yet told. */
typedef struct ImapServerFlagNews {
    uint32_t uid;
    ImapFlags flags;
} ImapServerFlagNews;

struct ImapServer {
    char *host_name;
    unsigned bad_maximum, bad_count;
    uint8_t state;
    bool rev2; /* ENABLE IMAP4rev2 has been given */
    ImapReader reader;
    bool input_ended;
    ImapOutput output;
    bool output_full;
    GString *line; /* the response line being said, as people see it */
    GQueue events; /* of QueuedEvent: lines and changes of state */
    char *event_text;
    ImapServerEvent question; /* kind and token of the open one */
    bool question_open, question_new;
    uint32_t last_token;
    bool idling;
    ImapServerTask task;
    /* The selected mailbox as the client has been told. */
    GArray *view; /* of uint32_t: UIDs in the order of message numbers */
    bool read_only;
    /* News not yet told. */
    GArray *arrived, *expunged; /* of uint32_t: UIDs, rising */
    GArray *flag_news;          /* of ImapServerFlagNews, by UID */
};

/* imap_server.c */
/* The one door through which every change of state passes. Carries out the ends; what a command or
 * a grant does is the caller's. */
const StateCell *imap_server_transition(ImapServer *server, ImapServerInput input,
                                        const char *text);
/* The end of the session, in the logout state: whatever is under way dies with it. */
void imap_server_end(ImapServer *server);
void imap_server_push(ImapServer *server, ImapServerEvent event, char *text);
/* Asks the node; the answer comes by one of imap_server_answer_*. */
void imap_server_ask(ImapServer *server, ImapServerEvent question);
/* True when an answer to that kind of question may be taken now; it closes the question. */
bool imap_server_take_answer(ImapServer *server, uint32_t token, ImapServerEventKind kind);
/* Says the news that may be told now; true when there was some. */
bool imap_server_say_news(ImapServer *server, bool expunges_too);
/* Takes the messages out of the view, saying EXPUNGE for each. `uids` rise. */
void imap_server_expunge(ImapServer *server, const uint32_t *uids, size_t count);
/* The message number of a UID, or 0. */
uint32_t imap_server_number_of(const ImapServer *server, uint32_t uid);
void imap_server_forget_flag_news(ImapServer *server, uint32_t uid);
void imap_server_task_clear(ImapServer *server);

/* imap_server_say.c */
/* One whole response line. */
void imap_server_say(ImapServer *server, const char *format, ...) G_GNUC_PRINTF(2, 3);
/* Parts of a line, which imap_server_end_line ends. */
void imap_server_put(ImapServer *server, const char *format, ...) G_GNUC_PRINTF(2, 3);
void imap_server_put_text(ImapServer *server, Span text);
/* A quoted string, or a literal where the text cannot be quoted. */
void imap_server_put_string(ImapServer *server, Span string);
void imap_server_put_literal(ImapServer *server, Slice content);
/* The values of ENVELOPE, and of BODYSTRUCTURE, or of BODY when not extended. */
void imap_server_put_envelope(ImapServer *server, Span message);
void imap_server_put_structure(ImapServer *server, Span message, bool is_extended);
void imap_server_end_line(ImapServer *server);
/* The tagged response: tells the news and ends the command. `code` is a response code without
 * brackets or NULL; a NULL `text` is "NAME completed" or "NAME failed". */
void imap_server_complete(ImapServer *server, ImapResult result, const char *code,
                          const char *text);
/* The capabilities, separated by spaces. */
const char *imap_server_capabilities(void);

/* imap_server_read.c */
/* One step; false: more bytes are needed. */
bool imap_server_read(ImapServer *server);
/* Gives `right` back. Where it is false, BAD will say "ARGUMENT of COMMAND RULE", as "Mailbox of
 * SELECT must be ...", unless it says such a thing already. Both texts are constant. */
bool imap_server_want(ImapServer *server, bool right, const char *argument, const char *rule);

/* Commands. */
/* Each ends with an entry without a name. */
extern const ImapServerCommand imap_server_session_commands[];
extern const ImapServerCommand imap_server_mailbox_commands[];
extern const ImapServerCommand imap_server_list_commands[];
extern const ImapServerCommand imap_server_message_commands[];
extern const ImapServerCommand imap_server_find_commands[];

/* A line received during IDLE. */
void imap_server_idle_line(ImapServer *server);
bool imap_server_parse_mailbox(ImapServer *server, ImapLexer *lexer);
#define IMAP_SERVER_NAME_RULE "must be a name such as INBOX or \"My mail\""
/* The set and the space behind it. */
bool imap_server_parse_set(ImapServer *server, ImapLexer *lexer);
/* Fills the targets from the set. False: the command has been answered BAD. */
bool imap_server_find_targets(ImapServer *server);
/* Completes a command that went through messages: some may have been gone (RFC 9051 §7.1
 * EXPUNGEISSUED). */
void imap_server_complete_targets(ImapServer *server);
/* The node says that the current message is gone. */
/* Whether a FETCH holds a message until its flag is set. */
bool imap_server_has_held(const ImapServer *server);
void imap_server_target_gone(ImapServer *server);
/* The node has answered a question of SEARCH about a message. */
void imap_server_search_take(ImapServer *server, const ImapServerMessage *message);
