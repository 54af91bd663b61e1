/* The SMTP server's state table: which command is in order when (RFC 5321 §4.1.4), what each
 * replies (§4.3.2), and where it leads.
 *
 * A command that the node must judge first stays in its state and asks; the answer then moves on,
 * in a column of its own ("MAIL accepted"). That the argument of a command is sound, is read in
 * smtp_server_commands.c; if not, it is "command refused". */
#include "proto/smtp_server_internal.h"

static const char *const states[SMTP_SERVER_STATE_COUNT] = {
    [SMTP_SERVER_CONNECT] = "CONNECT", [SMTP_SERVER_REFUSED] = "REFUSED",
    [SMTP_SERVER_GREETED] = "GREETED", [SMTP_SERVER_READY] = "READY",
    [SMTP_SERVER_AUTH] = "AUTH",       [SMTP_SERVER_TLS] = "TLS",
    [SMTP_SERVER_MAIL] = "MAIL",       [SMTP_SERVER_CHUNK] = "CHUNK",
    [SMTP_SERVER_CHUNKS] = "CHUNKS",   [SMTP_SERVER_RCPT] = "RCPT",
    [SMTP_SERVER_DATA] = "DATA",       [SMTP_SERVER_FINAL_DOT] = "FINAL_DOT",
    [SMTP_SERVER_CLOSED] = "CLOSED",
};

static const char *const inputs[SMTP_SERVER_INPUT_COUNT] = {
    [SMTP_SERVER_ON_EHLO] = "EHLO",
    [SMTP_SERVER_ON_HELO] = "HELO",
    [SMTP_SERVER_ON_STARTTLS] = "STARTTLS",
    [SMTP_SERVER_ON_AUTH] = "AUTH",
    [SMTP_SERVER_ON_MAIL] = "MAIL",
    [SMTP_SERVER_ON_RCPT] = "RCPT",
    [SMTP_SERVER_ON_DATA] = "DATA",
    [SMTP_SERVER_ON_BDAT] = "BDAT",
    [SMTP_SERVER_ON_BDAT_MALFORMED] = "BDAT without a size",
    [SMTP_SERVER_ON_RSET] = "RSET",
    [SMTP_SERVER_ON_NOOP] = "NOOP",
    [SMTP_SERVER_ON_VRFY] = "VRFY",
    [SMTP_SERVER_ON_EXPN] = "EXPN",
    [SMTP_SERVER_ON_HELP] = "HELP",
    [SMTP_SERVER_ON_QUIT] = "QUIT",
    [SMTP_SERVER_ON_UNKNOWN] = "unknown command",
    [SMTP_SERVER_ON_AUTH_LINE] = "answer to 334",
    [SMTP_SERVER_ON_CHUNK_END] = "end of a chunk",
    [SMTP_SERVER_ON_END_OF_CONTENT] = "CRLF.CRLF or end of the last chunk",
    [SMTP_SERVER_ON_CONTENT_REFUSED] = "the same after bad content",
    [SMTP_SERVER_ON_GREETING_ACCEPTED] = "greeting accepted",
    [SMTP_SERVER_ON_GREETING_REFUSED] = "greeting refused",
    [SMTP_SERVER_ON_HELO_ACCEPTED] = "EHLO or HELO accepted",
    [SMTP_SERVER_ON_TLS_STARTED] = "TLS started",
    [SMTP_SERVER_ON_AUTH_CHALLENGED] = "AUTH needs a response",
    [SMTP_SERVER_ON_AUTH_ACCEPTED] = "AUTH accepted",
    [SMTP_SERVER_ON_MAIL_ACCEPTED] = "MAIL accepted",
    [SMTP_SERVER_ON_RCPT_ACCEPTED] = "RCPT accepted",
    [SMTP_SERVER_ON_DATA_ACCEPTED] = "DATA accepted",
    [SMTP_SERVER_ON_MESSAGE_ANSWERED] = "message answered",
    [SMTP_SERVER_ON_VRFY_ANSWERED] = "VRFY or EXPN answered",
    [SMTP_SERVER_ON_COMMAND_REFUSED] = "command refused",
    [SMTP_SERVER_ON_SHUT_DOWN] = "service shuts down",
    [SMTP_SERVER_ON_TIME_OUT] = "timeout",
    [SMTP_SERVER_ON_TOO_MANY_ERRORS] = "too many errors",
    [SMTP_SERVER_ON_CONNECTION_END] = "connection ended",
};

static const char *const actions[SMTP_SERVER_ACTION_COUNT] = {
    [SMTP_SERVER_ACTION_IMPOSSIBLE] = "cannot happen",
    [SMTP_SERVER_ACTION_REPLY] = "reply",
    [SMTP_SERVER_ACTION_ANSWER] = "send the chosen reply",
    [SMTP_SERVER_ACTION_ASK_HELO] = "ask: is this client welcome?",
    [SMTP_SERVER_ACTION_ASK_MAIL] = "ask: may this sender send?",
    [SMTP_SERVER_ACTION_ASK_RCPT] = "ask: is this recipient taken?",
    [SMTP_SERVER_ACTION_ASK_DATA] = "ask: may the content come?",
    [SMTP_SERVER_ACTION_ASK_MESSAGE] = "ask: is the message safe?",
    [SMTP_SERVER_ACTION_ASK_VRFY] = "ask: who is this?",
    [SMTP_SERVER_ACTION_ASK_EXPN] = "ask: who is on this list?",
    [SMTP_SERVER_ACTION_HELP] = "name the commands",
    [SMTP_SERVER_ACTION_BEGIN_TLS] = "reply, then hide the stream behind TLS",
    [SMTP_SERVER_ACTION_FORGET] = "forget all that the client said",
    [SMTP_SERVER_ACTION_BEGIN_AUTH] = "read mechanism; ask: are these credentials right?",
    [SMTP_SERVER_ACTION_TAKE_AUTH] = "read response; ask: are these credentials right?",
    [SMTP_SERVER_ACTION_ACCEPT_AUTH] = "remember who it is, send the chosen reply",
    [SMTP_SERVER_ACTION_HELLO] = "drop any transaction, name the extensions",
    [SMTP_SERVER_ACTION_ADD_RCPT] = "add the recipient, send the chosen reply",
    [SMTP_SERVER_ACTION_BEGIN_DATA] = "reply, then read content",
    [SMTP_SERVER_ACTION_BEGIN_CHUNK] = "read the chunk",
    [SMTP_SERVER_ACTION_END_CHUNK] = "say how much has come",
    [SMTP_SERVER_ACTION_ANSWER_MESSAGE] = "send the chosen reply, begin anew",
    [SMTP_SERVER_ACTION_RESET] = "drop the transaction, reply",
    [SMTP_SERVER_ACTION_DROP] = "drop the transaction, send the chosen reply",
    [SMTP_SERVER_ACTION_CLOSE] = "reply, drop any transaction, close",
    [SMTP_SERVER_ACTION_NONE] = "nothing",
};

#define ON(input) [SMTP_SERVER_ON_##input]
#define CELL(next, action, reply, section)                                                         \
    {                                                                                              \
        SMTP_SERVER_##next, SMTP_SERVER_ACTION_##action, reply, section                            \
    }
#define NEVER(state, why) CELL(state, IMPOSSIBLE, 0, why)

/* Commands that §4.1.4 allows at any time; they change nothing. */
#define ANY_TIME(state)                                                                            \
    ON(NOOP) = CELL(state, REPLY, 250, "RFC 5321 §4.1.1.9"),                                       \
    ON(VRFY) = CELL(state, ASK_VRFY, 0, "RFC 5321 §3.5.1, §4.1.1.6"),                              \
    ON(EXPN) = CELL(state, ASK_EXPN, 0, "RFC 5321 §3.5.1, §4.1.1.7"),                              \
    ON(VRFY_ANSWERED) = CELL(state, ANSWER, 252, "RFC 5321 §3.5.3, §7.3"),                         \
    ON(HELP) = CELL(state, HELP, 214, "RFC 5321 §4.1.1.8"),                                        \
    ON(BDAT_MALFORMED) = CELL(CLOSED, CLOSE, 421, "RFC 3030 §2"),                                  \
    ON(QUIT) = CELL(CLOSED, CLOSE, 221, "RFC 5321 §4.1.1.10"),                                     \
    ON(UNKNOWN) = CELL(state, REPLY, 500, "RFC 5321 §4.3.2, §4.5.3.1.9")

/* The first line of a client, and of a client that starts anew. */
#define HELLO(state)                                                                               \
    ON(EHLO) = CELL(state, ASK_HELO, 0, "RFC 5321 §4.1.1.1"),                                      \
    ON(HELO) = CELL(state, ASK_HELO, 0, "RFC 5321 §4.1.1.1"),                                      \
    ON(HELO_ACCEPTED) = CELL(READY, HELLO, 250, "RFC 5321 §4.1.4"),                                \
    ON(COMMAND_REFUSED) = CELL(state, ANSWER, 0, "RFC 5321 §4.3.2")

/* What may end the connection. While a question is open only the node can do so, by its answer. */
#define SHUT_DOWN_421 ON(SHUT_DOWN) = CELL(CLOSED, CLOSE, 421, "RFC 5321 §3.8")
#define TIME_OUT_421  ON(TIME_OUT) = CELL(CLOSED, CLOSE, 421, "RFC 5321 §3.8, §4.5.3.2.7")
#define ENDED         ON(CONNECTION_END) = CELL(CLOSED, CLOSE, 0, "RFC 5321 §3.8")
#define NO_ERRORS(state)                                                                           \
    ON(TOO_MANY_ERRORS) = NEVER(state, "errors are counted when a command comes")
#define ENDINGS                                                                                    \
    SHUT_DOWN_421, TIME_OUT_421, ENDED,                                                            \
        ON(TOO_MANY_ERRORS) = CELL(CLOSED, CLOSE, 421, "RFC 5321 §7.8")
#define ENDINGS_OF_QUESTION(state)                                                                 \
    SHUT_DOWN_421, NO_ERRORS(state), ON(TIME_OUT) = NEVER(state, "the client waits, not we"),      \
                                     ON(CONNECTION_END) = NEVER(state, "the node answers first")

/* Each AUTH, STARTTLS and BDAT that is out of order; a chunk's octets are dropped (RFC 3030 §2). */
#define BDAT_503(state)            ON(BDAT) = CELL(state, REPLY, 503, "RFC 3030 §2")
#define OUT_OF_ORDER(state, input) ON(input) = CELL(state, REPLY, 503, "RFC 5321 §4.1.4")

/* Inputs that cannot come: no line is read as a command here; it is not content; ... */
#define NO_COMMANDS(state, why)                                                                    \
    ON(EHLO) = NEVER(state, why), ON(HELO) = NEVER(state, why), ON(AUTH) = NEVER(state, why),      \
    ON(STARTTLS) = NEVER(state, why), ON(BDAT) = NEVER(state, why),                                \
    ON(BDAT_MALFORMED) = NEVER(state, why), ON(MAIL) = NEVER(state, why),                          \
    ON(RCPT) = NEVER(state, why), ON(DATA) = NEVER(state, why), ON(RSET) = NEVER(state, why),      \
    ON(NOOP) = NEVER(state, why), ON(VRFY) = NEVER(state, why), ON(EXPN) = NEVER(state, why),      \
    ON(HELP) = NEVER(state, why), ON(QUIT) = NEVER(state, why), ON(UNKNOWN) = NEVER(state, why)
#define NO_AUTH_LINE(state) ON(AUTH_LINE) = NEVER(state, "no challenge is open")
#define NO_CHUNK_END(state) ON(CHUNK_END) = NEVER(state, "no chunk is read")
#define NO_CONTENT(state)                                                                          \
    NO_CHUNK_END(state), ON(END_OF_CONTENT) = NEVER(state, "no content is read"),                  \
                         ON(CONTENT_REFUSED) = NEVER(state, "no content is read")
#define NOT_ASKED(state, input) ON(input) = NEVER(state, "the node was not asked this")
#define NO_GREETING(state)      NOT_ASKED(state, GREETING_ACCEPTED), NOT_ASKED(state, GREETING_REFUSED)
#define NO_AUTH_ANSWER(state)   NOT_ASKED(state, AUTH_CHALLENGED), NOT_ASKED(state, AUTH_ACCEPTED)
#define NO_TLS_ANSWER(state)    NOT_ASKED(state, TLS_STARTED)
#define NO_VRFY_ANSWER(state)   NOT_ASKED(state, VRFY_ANSWERED)
#define NO_MAIL_ANSWERS(state)                                                                     \
    NOT_ASKED(state, MAIL_ACCEPTED), NOT_ASKED(state, RCPT_ACCEPTED),                              \
        NOT_ASKED(state, DATA_ACCEPTED), NOT_ASKED(state, MESSAGE_ANSWERED)

static const StateCell cells[SMTP_SERVER_STATE_COUNT][SMTP_SERVER_INPUT_COUNT] =
    {
        [SMTP_SERVER_CONNECT] =
            {
                NO_COMMANDS(CONNECT, "the client is not read before the greeting"),
                ON(GREETING_ACCEPTED) = CELL(GREETED, ANSWER, 220, "RFC 5321 §3.1, §4.3.1"),
                ON(GREETING_REFUSED) = CELL(REFUSED, ANSWER, 554, "RFC 5321 §3.1"),
                NO_AUTH_LINE(CONNECT),
                NO_CONTENT(CONNECT),
                NOT_ASKED(CONNECT, HELO_ACCEPTED),
                NO_AUTH_ANSWER(CONNECT),
                NO_MAIL_ANSWERS(CONNECT),
                NOT_ASKED(CONNECT, COMMAND_REFUSED),
                ENDINGS_OF_QUESTION(CONNECT),
                NO_TLS_ANSWER(CONNECT),
                NO_VRFY_ANSWER(CONNECT),
            },
        /* §3.1: a server that has said 554 waits for QUIT and says 503 to all else. */
        [SMTP_SERVER_REFUSED] =
            {
                OUT_OF_ORDER(REFUSED, EHLO),
                OUT_OF_ORDER(REFUSED, HELO),
                OUT_OF_ORDER(REFUSED, AUTH),
                OUT_OF_ORDER(REFUSED, MAIL),
                OUT_OF_ORDER(REFUSED, RCPT),
                OUT_OF_ORDER(REFUSED, DATA),
                OUT_OF_ORDER(REFUSED, RSET),
                OUT_OF_ORDER(REFUSED, NOOP),
                OUT_OF_ORDER(REFUSED, VRFY),
                OUT_OF_ORDER(REFUSED, EXPN),
                OUT_OF_ORDER(REFUSED, HELP),
                OUT_OF_ORDER(REFUSED, UNKNOWN),
                ON(QUIT) = CELL(CLOSED, CLOSE, 221, "RFC 5321 §3.1, §4.1.1.10"),
                NO_AUTH_LINE(REFUSED),
                NO_CONTENT(REFUSED),
                NO_GREETING(REFUSED),
                NOT_ASKED(REFUSED, HELO_ACCEPTED),
                NO_AUTH_ANSWER(REFUSED),
                NO_MAIL_ANSWERS(REFUSED),
                NOT_ASKED(REFUSED, COMMAND_REFUSED),
                ENDINGS,
                NO_TLS_ANSWER(REFUSED),
                NO_VRFY_ANSWER(REFUSED),
                OUT_OF_ORDER(REFUSED, STARTTLS),
                BDAT_503(REFUSED),
                ON(BDAT_MALFORMED) = CELL(CLOSED, CLOSE, 421, "RFC 3030 §2"),
            },
        [SMTP_SERVER_GREETED] =
            {
                HELLO(GREETED),
                ANY_TIME(GREETED),
                ON(RSET) = CELL(GREETED, REPLY, 250, "RFC 5321 §4.1.1.5"),
                OUT_OF_ORDER(GREETED, AUTH),
                OUT_OF_ORDER(GREETED, MAIL),
                OUT_OF_ORDER(GREETED, RCPT),
                OUT_OF_ORDER(GREETED, DATA),
                NO_AUTH_LINE(GREETED),
                NO_CONTENT(GREETED),
                NO_GREETING(GREETED),
                NO_AUTH_ANSWER(GREETED),
                NO_MAIL_ANSWERS(GREETED),
                ENDINGS,
                NO_TLS_ANSWER(GREETED),
                OUT_OF_ORDER(GREETED, STARTTLS),
                BDAT_503(GREETED),
            },
        [SMTP_SERVER_READY] =
            {
                HELLO(READY),
                ANY_TIME(READY),
                ON(RSET) = CELL(READY, REPLY, 250, "RFC 5321 §4.1.1.5"),
                ON(AUTH) = CELL(READY, BEGIN_AUTH, 0, "RFC 4954 §4"),
                ON(AUTH_CHALLENGED) = CELL(AUTH, ANSWER, 334, "RFC 4954 §4"),
                ON(AUTH_ACCEPTED) = CELL(READY, ACCEPT_AUTH, 235, "RFC 4954 §6"),
                ON(MAIL) = CELL(READY, ASK_MAIL, 0, "RFC 5321 §4.1.1.2"),
                ON(MAIL_ACCEPTED) = CELL(MAIL, ANSWER, 250, "RFC 5321 §3.3, §4.1.1.2"),
                OUT_OF_ORDER(READY, RCPT),
                OUT_OF_ORDER(READY, DATA),
                NO_AUTH_LINE(READY),
                NO_CONTENT(READY),
                NO_GREETING(READY),
                NOT_ASKED(READY, RCPT_ACCEPTED),
                NOT_ASKED(READY, DATA_ACCEPTED),
                NOT_ASKED(READY, MESSAGE_ANSWERED),
                ENDINGS,
                NO_TLS_ANSWER(READY),
                ON(STARTTLS) = CELL(TLS, BEGIN_TLS, 220, "RFC 3207 §4"),
                BDAT_503(READY),
            },
        [SMTP_SERVER_AUTH] =
            {
                NO_COMMANDS(AUTH, "the line answers the challenge"),
                ON(AUTH_LINE) = CELL(AUTH, TAKE_AUTH, 0, "RFC 4954 §4"),
                ON(AUTH_CHALLENGED) = CELL(AUTH, ANSWER, 334, "RFC 4954 §4"),
                ON(AUTH_ACCEPTED) = CELL(READY, ACCEPT_AUTH, 235, "RFC 4954 §6"),
                ON(COMMAND_REFUSED) = CELL(READY, ANSWER, 0, "RFC 4954 §4, §6"),
                NO_CONTENT(AUTH),
                NO_GREETING(AUTH),
                NOT_ASKED(AUTH, HELO_ACCEPTED),
                NO_MAIL_ANSWERS(AUTH),
                SHUT_DOWN_421,
                TIME_OUT_421,
                ENDED,
                NO_ERRORS(AUTH),
                NO_TLS_ANSWER(AUTH),
                NO_VRFY_ANSWER(AUTH),
            },
        [SMTP_SERVER_TLS] =
            {
                NO_COMMANDS(TLS, "what comes now is no SMTP"),
                ON(TLS_STARTED) = CELL(GREETED, FORGET, 0, "RFC 3207 §4.2"),
                NO_AUTH_LINE(TLS),
                NO_CONTENT(TLS),
                NO_GREETING(TLS),
                NOT_ASKED(TLS, HELO_ACCEPTED),
                NO_AUTH_ANSWER(TLS),
                NO_MAIL_ANSWERS(TLS),
                NO_VRFY_ANSWER(TLS),
                NOT_ASKED(TLS, COMMAND_REFUSED),
                SHUT_DOWN_421,
                TIME_OUT_421,
                ENDED,
                NO_ERRORS(TLS),
            },
        [SMTP_SERVER_MAIL] =
            {
                HELLO(MAIL),
                ANY_TIME(MAIL),
                ON(RSET) = CELL(READY, RESET, 250, "RFC 5321 §4.1.1.5"),
                ON(AUTH) = CELL(MAIL, REPLY, 503, "RFC 4954 §4"),
                OUT_OF_ORDER(MAIL, MAIL),
                ON(RCPT) = CELL(MAIL, ASK_RCPT, 0, "RFC 5321 §4.1.1.3"),
                ON(RCPT_ACCEPTED) = CELL(RCPT, ADD_RCPT, 250, "RFC 5321 §3.3, §4.1.1.3"),
                /* §3.3 leaves the choice between 503 and 554; 554 tells a client that pipelines
                   why. */
                ON(DATA) = CELL(MAIL, REPLY, 554, "RFC 5321 §3.3, §4.1.1.4"),
                NO_AUTH_LINE(MAIL),
                NO_CONTENT(MAIL),
                NO_GREETING(MAIL),
                NO_AUTH_ANSWER(MAIL),
                NOT_ASKED(MAIL, MAIL_ACCEPTED),
                NOT_ASKED(MAIL, DATA_ACCEPTED),
                NOT_ASKED(MAIL, MESSAGE_ANSWERED),
                ENDINGS,
                NO_TLS_ANSWER(MAIL),
                OUT_OF_ORDER(MAIL, STARTTLS),
                ON(BDAT) = CELL(MAIL, REPLY, 554, "RFC 3030 §2, RFC 5321 §3.3"),
            },
        [SMTP_SERVER_RCPT] =
            {
                HELLO(RCPT),
                ANY_TIME(RCPT),
                ON(RSET) = CELL(READY, RESET, 250, "RFC 5321 §4.1.1.5"),
                ON(AUTH) = CELL(RCPT, REPLY, 503, "RFC 4954 §4"),
                OUT_OF_ORDER(RCPT, MAIL),
                ON(RCPT) = CELL(RCPT, ASK_RCPT, 0, "RFC 5321 §4.1.1.3"),
                ON(RCPT_ACCEPTED) = CELL(RCPT, ADD_RCPT, 250, "RFC 5321 §3.3, §4.1.1.3"),
                ON(DATA) = CELL(RCPT, ASK_DATA, 0, "RFC 5321 §4.1.1.4"),
                ON(DATA_ACCEPTED) = CELL(DATA, BEGIN_DATA, 354, "RFC 5321 §4.1.1.4"),
                NO_AUTH_LINE(RCPT),
                NO_CONTENT(RCPT),
                NO_GREETING(RCPT),
                NO_AUTH_ANSWER(RCPT),
                NOT_ASKED(RCPT, MAIL_ACCEPTED),
                NOT_ASKED(RCPT, MESSAGE_ANSWERED),
                ENDINGS,
                NO_TLS_ANSWER(RCPT),
                OUT_OF_ORDER(RCPT, STARTTLS),
                ON(BDAT) = CELL(CHUNK, BEGIN_CHUNK, 0, "RFC 3030 §2"),
            },
        [SMTP_SERVER_DATA] =
            {
                NO_COMMANDS(DATA, "every line is content"),
                ON(END_OF_CONTENT) = CELL(FINAL_DOT, ASK_MESSAGE, 0, "RFC 5321 §4.1.1.4, §4.5.2"),
                ON(CONTENT_REFUSED) = CELL(READY, DROP, 0, "RFC 5321 §4.1.1.4, §4.5.3.1.9"),
                NO_AUTH_LINE(DATA),
                NO_GREETING(DATA),
                NOT_ASKED(DATA, HELO_ACCEPTED),
                NO_AUTH_ANSWER(DATA),
                NO_MAIL_ANSWERS(DATA),
                NOT_ASKED(DATA, COMMAND_REFUSED),
                SHUT_DOWN_421,
                TIME_OUT_421,
                ENDED,
                NO_ERRORS(DATA),
                NO_TLS_ANSWER(DATA),
                NO_VRFY_ANSWER(DATA),
                NO_CHUNK_END(DATA),
            },
        [SMTP_SERVER_CHUNK] =
            {
                NO_COMMANDS(CHUNK, "every octet is content"),
                ON(CHUNK_END) = CELL(CHUNKS, END_CHUNK, 250, "RFC 3030 §2"),
                ON(END_OF_CONTENT) = CELL(FINAL_DOT, ASK_MESSAGE, 0, "RFC 3030 §2"),
                ON(CONTENT_REFUSED) = CELL(READY, DROP, 0, "RFC 3030 §2"),
                NO_AUTH_LINE(CHUNK),
                NO_GREETING(CHUNK),
                NOT_ASKED(CHUNK, HELO_ACCEPTED),
                NO_TLS_ANSWER(CHUNK),
                NO_AUTH_ANSWER(CHUNK),
                NO_MAIL_ANSWERS(CHUNK),
                NO_VRFY_ANSWER(CHUNK),
                NOT_ASKED(CHUNK, COMMAND_REFUSED),
                SHUT_DOWN_421,
                TIME_OUT_421,
                ENDED,
                NO_ERRORS(CHUNK),
            },
        /* RFC 3030 §2: between chunks DATA is out of order, and so are MAIL and RCPT, since the
           envelope is complete. */
        [SMTP_SERVER_CHUNKS] =
            {
                HELLO(CHUNKS),
                ANY_TIME(CHUNKS),
                ON(RSET) = CELL(READY, RESET, 250, "RFC 5321 §4.1.1.5"),
                ON(BDAT) = CELL(CHUNK, BEGIN_CHUNK, 0, "RFC 3030 §2"),
                OUT_OF_ORDER(CHUNKS, STARTTLS),
                ON(AUTH) = CELL(CHUNKS, REPLY, 503, "RFC 4954 §4"),
                OUT_OF_ORDER(CHUNKS, MAIL),
                OUT_OF_ORDER(CHUNKS, RCPT),
                ON(DATA) = CELL(CHUNKS, REPLY, 503, "RFC 3030 §2"),
                NO_AUTH_LINE(CHUNKS),
                NO_CONTENT(CHUNKS),
                NO_GREETING(CHUNKS),
                NO_TLS_ANSWER(CHUNKS),
                NO_AUTH_ANSWER(CHUNKS),
                NO_MAIL_ANSWERS(CHUNKS),
                ENDINGS,
            },
        [SMTP_SERVER_FINAL_DOT] =
            {
                NO_COMMANDS(FINAL_DOT, "nothing is read until the node answers"),
                /* 250 takes responsibility for the message (§6.1); either way the buffers are
                   cleared. */
                ON(MESSAGE_ANSWERED) = CELL(READY, ANSWER_MESSAGE, 250, "RFC 5321 §4.1.1.4, §6.1"),
                NO_AUTH_LINE(FINAL_DOT),
                NO_CONTENT(FINAL_DOT),
                NO_GREETING(FINAL_DOT),
                NOT_ASKED(FINAL_DOT, HELO_ACCEPTED),
                NO_AUTH_ANSWER(FINAL_DOT),
                NOT_ASKED(FINAL_DOT, MAIL_ACCEPTED),
                NOT_ASKED(FINAL_DOT, RCPT_ACCEPTED),
                NOT_ASKED(FINAL_DOT, DATA_ACCEPTED),
                NOT_ASKED(FINAL_DOT, COMMAND_REFUSED),
                ENDINGS_OF_QUESTION(FINAL_DOT),
                NO_TLS_ANSWER(FINAL_DOT),
                NO_VRFY_ANSWER(FINAL_DOT),
            },
        [SMTP_SERVER_CLOSED] =
            {
                NO_COMMANDS(CLOSED, "nothing is read any more"),
                NO_AUTH_LINE(CLOSED),
                NO_CONTENT(CLOSED),
                NO_GREETING(CLOSED),
                NOT_ASKED(CLOSED, HELO_ACCEPTED),
                NO_AUTH_ANSWER(CLOSED),
                NO_MAIL_ANSWERS(CLOSED),
                NOT_ASKED(CLOSED, COMMAND_REFUSED),
                ON(SHUT_DOWN) = CELL(CLOSED, NONE, 0, "RFC 5321 §3.8"),
                ON(TIME_OUT) = CELL(CLOSED, NONE, 0, "RFC 5321 §3.8"),
                NO_ERRORS(CLOSED),
                ON(CONNECTION_END) = NEVER(CLOSED, "nothing is read any more"),
                NO_TLS_ANSWER(CLOSED),
                NO_VRFY_ANSWER(CLOSED),
            },
};

const StateTable smtp_server_table = {
    .name = "smtp-server",
    .title = "SMTP, the server's side",
    .source = "RFC 5321 §3, §4.1, §4.3.2; RFC 4954 §4, RFC 3030 §2, RFC 3207 §4",
    .states = states,
    .events = inputs,
    .actions = actions,
    .state_count = SMTP_SERVER_STATE_COUNT,
    .event_count = SMTP_SERVER_INPUT_COUNT,
    .action_count = SMTP_SERVER_ACTION_COUNT,
    .initial = SMTP_SERVER_CONNECT,
    .cells = &cells[0][0],
};
