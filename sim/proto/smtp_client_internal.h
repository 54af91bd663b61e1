/* What the files of the SMTP client share among themselves. */
#pragma once

#include "core/cache_line.h"
#include "core/intake.h"
#include "proto/smtp_client.h"
#include "proto/smtp_content.h"

enum { SMTP_CLIENT_COMMAND_LINE_MAXIMUM = 2048 }; /* what one command takes of the output at most */

/* Actions of smtp_client_table. */
typedef enum SmtpClientAction {
    SMTP_CLIENT_ACTION_IMPOSSIBLE, /* this input cannot come in this state: the engine's own bug */
    SMTP_CLIENT_ACTION_SEND_EHLO,
    SMTP_CLIENT_ACTION_SEND_HELO,
    SMTP_CLIENT_ACTION_SEND_STARTTLS,
    SMTP_CLIENT_ACTION_BEGIN_TLS, /* tell the node */
    SMTP_CLIENT_ACTION_SEND_AUTH,
    SMTP_CLIENT_ACTION_SEND_RESPONSE, /* to a 334 challenge */
    SMTP_CLIENT_ACTION_SEND_MAIL,     /* and with pipelining all that may follow; so below */
    SMTP_CLIENT_ACTION_SEND_RCPT,
    SMTP_CLIENT_ACTION_SEND_DATA,
    SMTP_CLIENT_ACTION_SEND_CONTENT,
    SMTP_CLIENT_ACTION_SEND_CHUNKS,
    SMTP_CLIENT_ACTION_TAKE_CHUNK, /* a chunk has been taken; the last one ends the transaction */
    SMTP_CLIENT_ACTION_FAIL_CHUNK, /* the accepted recipients do not; see what is in flight */
    SMTP_CLIENT_ACTION_SEND_LONE_DOT,
    SMTP_CLIENT_ACTION_SEND_RSET,
    SMTP_CLIENT_ACTION_SEND_QUIT,
    SMTP_CLIENT_ACTION_BE_READY,  /* tell the node */
    SMTP_CLIENT_ACTION_REFUSED,   /* tell the node; QUIT, unless the server closes */
    SMTP_CLIENT_ACTION_ADD_RCPT,  /* recipient accepted so far */
    SMTP_CLIENT_ACTION_DROP_RCPT, /* recipient refused */
    SMTP_CLIENT_ACTION_SUCCEED,   /* the accepted recipients have their mail */
    SMTP_CLIENT_ACTION_FAIL,      /* the accepted recipients do not */
    SMTP_CLIENT_ACTION_FAIL_MAIL, /* no recipient has; see what is in flight */
    SMTP_CLIENT_ACTION_FAIL_RSET, /* no recipient has; clear the server's envelope */
    SMTP_CLIENT_ACTION_DISCARD,   /* the reply is to a command that no longer matters */
    SMTP_CLIENT_ACTION_BREAK_OFF, /* open recipients fail for now; close */
    SMTP_CLIENT_ACTION_CLOSE,     /* nothing is open; close */
    SMTP_CLIENT_ACTION_NONE,
    SMTP_CLIENT_ACTION_COUNT
} SmtpClientAction;

typedef enum SmtpRecipientFate {
    SMTP_FATE_OPEN,
    SMTP_FATE_ACCEPTED,
    SMTP_FATE_SETTLED
} SmtpRecipientFate;

typedef struct SmtpOwnRecipient {
    const char *mailbox;
    SmtpRcptParameters parameters;
    SmtpRecipientFate fate;
} SmtpOwnRecipient;

/* The transaction under way: a copy of the node's, in one piece of memory. Its commands are
 * numbered in the order they are sent: 0 MAIL, 1 to recipient_count RCPT, then DATA, or the chunks
 * of BDAT. What each step looks at comes first. */
typedef struct SmtpOwnTransaction {
    uint32_t recipient_count;
    uint32_t sent;                            /* commands */
    uint32_t answered;                        /* commands */
    uint32_t accepted;                        /* recipients */
    uint32_t delivered, temporary, permanent; /* recipients with a result */
    SmtpContentEncoder encoder;
    bool done;        /* the sum has been told */
    bool is_chunking; /* BDAT, not DATA */
    bool is_plain;    /* as of SmtpClientTransaction */
    bool is_lent;     /* the content travels as it is, so its last part goes by reference */
    bool all_sent;    /* DATA, or the last BDAT, is among the commands sent */
    Buffer chunk;     /* what is still to be put into the output of the present chunk */

    uint32_t content_count;
    uint32_t part; /* content: index of the part being sent; 0: the front */
    size_t offset; /* content: octets of that part that are sent */
    Slice *content;
    Span content_front;
    const char *reverse_path;
    char *obstacle; /* the words of a refusal for size; NULL: there was none */
    SmtpMailParameters parameters;
    SmtpOwnRecipient recipients[]; /* behind them the content and the texts */
} SmtpOwnTransaction;

/* Line by line: octets in and out, the transaction and the reply, who watches; then what comes once
 * or twice in a dialogue. */
struct SmtpClient {
    uint8_t state;
    bool is_held_back : 1; /* by the output, when last asked for an event */
    bool input_ended : 1;
    bool has_event : 1;
    bool is_lending : 1; /* some of `lent` is in the output */
    bool settling : 1; /* every recipient still open is to be handed out with this result, then the
                          sum */
    bool tls_due : 1;  /* the node has not been told yet; so with the next two */
    bool ready_due : 1;
    bool closed_due : 1;
    bool tls_tried : 1;    /* STARTTLS is done, or was refused */
    bool is_encrypted : 1; /* the stream is behind records */
    bool name_sent : 1;    /* AUTH LOGIN: the next response is the password */
    uint32_t epoch;
    Intake input;
    Buffer output;

    SmtpOwnTransaction *transaction; /* NULL: none */
    uint32_t used_extensions;        /* SmtpExtension bits that the server offers and we want */
    uint32_t before_lent; /* octets of `output` that go before it; 0: it goes first, or is empty */
    SmtpReplyReader reader;

    SmtpClientOptions options;
    Slice lent;              /* content in the output by reference */
    SmtpAbilities abilities; /* of the server, as it has said to EHLO */
    SmtpClientEvent event;   /* to be handed out first, if has_event */
    SmtpReply settling_reply;
    SmtpReplyClass settling_class;
    SmtpStage settling_stage;
    size_t settling_next;
    SmtpClientEvent closed_event;
};

_Static_assert(offsetof(SmtpClient, transaction) == CACHE_LINE &&
                   offsetof(SmtpClient, options) == 2 * CACHE_LINE &&
                   offsetof(SmtpClientOptions, identity) == CACHE_LINE,
               "what a step touches lies in few lines");

/* smtp_client_act.c: moves through the table's cell for `input` and does its action. */
void smtp_client_fire(SmtpClient *client, SmtpClientInput input, const SmtpReply *reply);

/* smtp_client_waits.c: what hangs on the reply that `state` waits for. */
/* Nothing of the content is left to put into the output: the last chunk's reply decides. */
bool smtp_client_has_sent_chunks(const SmtpClient *client);
SmtpStage smtp_client_stage_of(const SmtpClient *client, uint8_t state);

/* smtp_client_results.c */
/* From now on every recipient without a result has this one; events follow. */
void smtp_client_settle(SmtpClient *client, const SmtpReply *reply, SmtpStage stage);
/* One recipient's result, settled before the others. */
void smtp_client_settle_recipient(SmtpClient *client, size_t index, const SmtpReply *reply,
                                  SmtpReplyClass class, SmtpStage stage);
/* Makes the event of the next recipient without a result, after the last one that of the sum. */
void smtp_client_settle_next(SmtpClient *client);
/* Commands of the transaction whose replies are still to come. */
size_t smtp_client_in_flight(const SmtpClient *client);

/* smtp_client_session.c: commands outside transactions */
/* Puts one line into the output and shows it to the observer; `argument` may be NULL. */
void smtp_client_send_line(SmtpClient *client, const char *verb, const char *argument);
/* The same for a line that the caller has built with its CRLF at the end of the output. */
void smtp_client_observe_line(SmtpClient *client, size_t length);
/* What the server says to EHLO, which is heard by others too. */
void smtp_client_take_extensions(SmtpClient *client, const SmtpReply *reply);
void smtp_client_set_abilities(SmtpClient *client, SmtpAbilities abilities);
bool smtp_client_wants_tls(const SmtpClient *client);
bool smtp_client_wants_auth(const SmtpClient *client);
void smtp_client_send_auth(SmtpClient *client);
void smtp_client_send_auth_response(SmtpClient *client);

/* How many octets the output has room for, with what is lent. */
size_t smtp_client_output_room(const SmtpClient *client);

/* smtp_client_transaction.c */
SmtpOwnTransaction *smtp_own_transaction_new(const SmtpClientTransaction *transaction,
                                             bool send_bare_newlines, bool is_chunking);
void smtp_own_transaction_free(SmtpOwnTransaction *transaction);
/* True when the server cannot take this transaction; `*refusal` says why. */
bool smtp_client_find_obstacle(SmtpClient *client, SmtpReply *refusal);
/* Puts all commands that may be sent now into the output. */
void smtp_client_pump_commands(SmtpClient *client);
/* Puts content into the output; true once the final dot is there. */
bool smtp_client_pump_content(SmtpClient *client);
