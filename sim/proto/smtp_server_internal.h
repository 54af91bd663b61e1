/* What the files of the SMTP server share among themselves. */
#pragma once

#include "core/cache_line.h"
#include "core/intake.h"
#include "proto/smtp_content.h"
#include "proto/smtp_server.h"

enum {
    SMTP_SERVER_OUTPUT_USUAL = 640,        /* octets said on a connection with one message */
    SMTP_SERVER_CLIENT_NAME_MAXIMUM = 255, /* a domain, §4.5.3.1.2; longer: 501 */
    /* Room that a step needs in the output: its own reply, and a 421 behind it. */
    SMTP_SERVER_OUTPUT_RESERVE = 2 * SMTP_REPLY_WIRE_MAXIMUM,
    /* Decoded credentials: identity, user name and password of up to 255 octets (RFC 4616 §2). */
    SMTP_SERVER_CREDENTIALS_MAXIMUM = 3 * 255 + 2,
};

/* Actions of smtp_server_table. */
typedef enum SmtpServerAction {
    SMTP_SERVER_ACTION_IMPOSSIBLE, /* this input cannot come in this state: the engine's own bug */
    SMTP_SERVER_ACTION_REPLY,      /* send the cell's reply */
    SMTP_SERVER_ACTION_ANSWER,     /* send the reply chosen by the node, or by the refusal */
    SMTP_SERVER_ACTION_ASK_HELO,   /* read the argument, then ask the node; so with the others */
    SMTP_SERVER_ACTION_ASK_MAIL,
    SMTP_SERVER_ACTION_ASK_RCPT,
    SMTP_SERVER_ACTION_ASK_DATA,
    SMTP_SERVER_ACTION_ASK_MESSAGE,
    SMTP_SERVER_ACTION_ASK_VRFY,
    SMTP_SERVER_ACTION_ASK_EXPN,
    SMTP_SERVER_ACTION_HELP,
    SMTP_SERVER_ACTION_BEGIN_TLS,   /* reply, drop what is read beyond; then ask the node */
    SMTP_SERVER_ACTION_FORGET,      /* all that was learnt from the client (RFC 3207 §4.2) */
    SMTP_SERVER_ACTION_BEGIN_AUTH,  /* read mechanism and initial response */
    SMTP_SERVER_ACTION_TAKE_AUTH,   /* read the answer to a challenge */
    SMTP_SERVER_ACTION_ACCEPT_AUTH, /* remember, and send the node's answer */
    SMTP_SERVER_ACTION_HELLO,       /* drop any transaction; name the extensions after EHLO */
    SMTP_SERVER_ACTION_ADD_RCPT,    /* count the recipient, send the node's answer */
    SMTP_SERVER_ACTION_BEGIN_DATA,
    SMTP_SERVER_ACTION_BEGIN_CHUNK,
    SMTP_SERVER_ACTION_END_CHUNK, /* say how many octets it had */
    SMTP_SERVER_ACTION_ANSWER_MESSAGE,
    SMTP_SERVER_ACTION_RESET, /* drop the transaction, send the cell's reply */
    SMTP_SERVER_ACTION_DROP,  /* drop the transaction, send the refusal */
    SMTP_SERVER_ACTION_CLOSE, /* send the reply if there is one, then close */
    SMTP_SERVER_ACTION_NONE,
    SMTP_SERVER_ACTION_COUNT
} SmtpServerAction;

typedef enum SmtpAuthStep {
    SMTP_AUTH_PLAIN,
    SMTP_AUTH_LOGIN_NAME,
    SMTP_AUTH_LOGIN_PASSWORD
} SmtpAuthStep;

/* A command line taken apart. */
typedef struct SmtpCommand {
    SmtpServerInput input; /* the column of its verb */
    Span argument;         /* behind the verb and its space; trailing space removed */
} SmtpCommand;

/* Line by line: octets in and out, the command, the limits and who watches, what is rare, the
 * content and what the node is told; then what comes once or twice in a dialogue. */
struct SmtpServer {
    uint8_t state;
    SmtpServerEventKind asked : 8; /* what the last question was */
    bool is_asking : 1;            /* it is open */
    bool is_held_back : 1;         /* by the output, when last asked for an event */
    bool input_ended : 1;
    bool skipping_line : 1; /* inside a line that was too long */
    /* Inside a chunk that is out of order; chunk_left octets are to come. */
    bool skipping_chunk : 1;
    bool has_event : 1;
    bool reset_due : 1; /* events to be handed out before anything else; so the next */
    bool closed_due : 1;
    bool shut_down_due : 1; /* 421 once the question is answered */
    uint32_t epoch;
    Intake input;
    Buffer output;

    SmtpCommand command; /* the last one read; its argument is valid while it is acted on */
    uint32_t question;   /* token of the last question */
    uint32_t errors;     /* 5yz replies, and junk beyond its maximum */
    uint32_t recipients; /* accepted in this transaction */
    uint32_t junk;       /* since the last message taken */
    bool extended;       /* the hello under way is an EHLO */
    bool tls;            /* STARTTLS is done */
    bool authenticated;  /* RFC 4954 §4: once a session */
    bool utf8;           /* the transaction is of RFC 6531 */
    bool reply_utf8;     /* the reply to this VRFY or EXPN may be */
    bool chunk_is_last;
    bool is_beyond_ascii;   /* an octet of the content is */
    uint64_t content_size;  /* octets so far, */
    uint64_t content_limit; /* and how many there may be */

    SmtpServerOptions options;
    SmtpResetReason reset_reason;
    SmtpServerCloseReason close_reason;
    char *client_name;     /* that it gave last; NULL: none */
    SmtpOffers own_offers; /* of an engine that shares none */
    guchar *credentials;   /* decoded, while the node judges them; NULL: none yet */

    SmtpContentDecoder decoder;
    SmtpServerEvent event; /* to be handed out, if has_event */

    uint64_t chunk_size, chunk_left; /* octets of the present chunk */
    SmtpAuthStep auth_step;
    bool refuses_size; /* with the reply that is being said */
    char *auth_name;   /* LOGIN: the name, until the password comes */
    Address path;      /* that the event points to; last */
};

_Static_assert(offsetof(SmtpServer, command) == CACHE_LINE &&
                   offsetof(SmtpServer, options) == 2 * CACHE_LINE &&
                   offsetof(SmtpServerOptions, junk_maximum) == CACHE_LINE &&
                   offsetof(SmtpServer, decoder) == 4 * CACHE_LINE &&
                   offsetof(SmtpServer, chunk_size) == 5 * CACHE_LINE,
               "what a step touches lies in few lines");

/* smtp_server_act.c: moves through the table's cell for `input` and does its action. `chosen` is
 * the reply that the node or a refusal chose; NULL: the cell's own. */
void smtp_server_fire(SmtpServer *server, SmtpServerInput input, const SmtpReply *chosen);
/* Refuses the present command with a reply of the engine's own. */
void smtp_server_refuse(SmtpServer *server, uint16_t code, const char *enhanced, const char *text);
/* Refuses the message at hand, which is too large, at MAIL or at its end. */
void smtp_server_refuse_size(SmtpServer *server, SmtpServerInput input);
/* Asks the node: `event` is handed out next, its token filled in here. */
void smtp_server_ask(SmtpServer *server, const SmtpServerEvent *event);

/* smtp_server_lines.c: one step while commands are awaited; true when something moved. */
bool smtp_server_step_line(SmtpServer *server);

/* smtp_server_content.c: one step while content arrives, or while a chunk is skipped; true when
 * something moved. */
bool smtp_server_step_data(SmtpServer *server);
bool smtp_server_step_chunk(SmtpServer *server);
bool smtp_server_skip_chunk(SmtpServer *server);
void smtp_server_begin_data(SmtpServer *server);
/* Reads the present chunk, whose size is known, in state CHUNK. */
void smtp_server_begin_chunk(SmtpServer *server, bool is_first);

/* smtp_server_commands.c */
SmtpCommand smtp_server_command_parse(const SmtpServer *server, Span line);
/* True when the command takes no argument and this one has one (§4.1.1). */
bool smtp_server_command_has_excess(const SmtpCommand *command);
/* Read the argument of server->command and ask the node, or refuse. */
void smtp_server_ask_helo(SmtpServer *server);
void smtp_server_ask_mail(SmtpServer *server);
void smtp_server_ask_rcpt(SmtpServer *server);
void smtp_server_ask_verify(SmtpServer *server, SmtpServerEventKind kind);
/* Reads `size [LAST]` of BDAT into the present chunk; false: it cannot be read. */
bool smtp_server_read_bdat(SmtpServer *server);
/* SmtpExtension bits on offer at this moment. */
uint32_t smtp_server_offered(const SmtpServer *server);
/* True when the present command is of a kind of which a client needs few (junk_maximum). */
bool smtp_server_command_is_junk(const SmtpCommand *command);

/* smtp_server_auth.c */
void smtp_server_begin_auth(SmtpServer *server);
void smtp_server_take_auth(SmtpServer *server);

/* smtp_server_replies.c */
/* Puts a reply into the output; a code without text gets the standard text. */
void smtp_server_send_reply(SmtpServer *server, SmtpReply reply);
/* The same for the greeting, and for EHLO or HELO accepted. */
void smtp_server_send_greeting(SmtpServer *server, SmtpReply reply);
void smtp_server_send_hello(SmtpServer *server, SmtpReply reply);
/* The reply to HELP: all commands, or the one that the argument names (§4.1.1.8). */
void smtp_server_send_help(SmtpServer *server);
