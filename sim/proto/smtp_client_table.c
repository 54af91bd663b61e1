/* The SMTP client's state table: what each reply means where (RFC 5321 §4.2.1, §4.3.2), and what is
 * sent next. Success and failure are told by the first digit alone (§4.3.2). */
#include "proto/smtp_client_internal.h"

static const char *const states[SMTP_CLIENT_STATE_COUNT] = {
    [SMTP_CLIENT_CONNECT] = "CONNECT",   [SMTP_CLIENT_EHLO] = "EHLO",
    [SMTP_CLIENT_HELO] = "HELO",         [SMTP_CLIENT_AUTH] = "AUTH",
    [SMTP_CLIENT_READY] = "READY",       [SMTP_CLIENT_MAIL] = "MAIL",
    [SMTP_CLIENT_RCPT] = "RCPT",         [SMTP_CLIENT_DATA] = "DATA",
    [SMTP_CLIENT_CONTENT] = "CONTENT",   [SMTP_CLIENT_FINAL_DOT] = "FINAL_DOT",
    [SMTP_CLIENT_STARTTLS] = "STARTTLS", [SMTP_CLIENT_TLS] = "TLS",
    [SMTP_CLIENT_CHUNKS] = "CHUNKS",     [SMTP_CLIENT_DRAIN] = "DRAIN",
    [SMTP_CLIENT_RSET] = "RSET",         [SMTP_CLIENT_QUIT] = "QUIT",
    [SMTP_CLIENT_CLOSED] = "CLOSED",
};

static const char *const inputs[SMTP_CLIENT_INPUT_COUNT] = {
    [SMTP_CLIENT_ON_SUCCESS] = "2yz",
    [SMTP_CLIENT_ON_INTERMEDIATE] = "3yz",
    [SMTP_CLIENT_ON_TEMPORARY] = "4yz",
    [SMTP_CLIENT_ON_PERMANENT] = "5yz",
    [SMTP_CLIENT_ON_CLOSING] = "421",
    [SMTP_CLIENT_ON_MALFORMED] = "not a reply",
    [SMTP_CLIENT_ON_AUTH_NEEDED] = "2yz, and AUTH is to follow",
    [SMTP_CLIENT_ON_TLS_OFFERED] = "2yz, and STARTTLS is to follow",
    [SMTP_CLIENT_ON_TLS_STARTED] = "TLS started",
    [SMTP_CLIENT_ON_HELO_ONLY] = "2yz, and EHLO is not known",
    [SMTP_CLIENT_ON_RCPT_DONE] = "some recipient accepted",
    [SMTP_CLIENT_ON_RCPT_DONE_CHUNKING] = "some recipient accepted, BDAT offered",
    [SMTP_CLIENT_ON_ALL_TAKEN] = "last chunk taken",
    [SMTP_CLIENT_ON_ALL_REFUSED] = "all recipients refused",
    [SMTP_CLIENT_ON_IN_FLIGHT] = "failed, replies outstanding",
    [SMTP_CLIENT_ON_OVER] = "failed, none outstanding",
    [SMTP_CLIENT_ON_CONTENT_SENT] = "final dot sent",
    [SMTP_CLIENT_ON_SEND] = "mail to send",
    [SMTP_CLIENT_ON_QUIT] = "no more mail",
    [SMTP_CLIENT_ON_TIME_OUT] = "timeout",
    [SMTP_CLIENT_ON_LOST] = "connection ended",
};

static const char *const actions[SMTP_CLIENT_ACTION_COUNT] = {
    [SMTP_CLIENT_ACTION_IMPOSSIBLE] = "cannot happen",
    [SMTP_CLIENT_ACTION_SEND_EHLO] = "send EHLO",
    [SMTP_CLIENT_ACTION_SEND_HELO] = "send HELO",
    [SMTP_CLIENT_ACTION_SEND_STARTTLS] = "send STARTTLS",
    [SMTP_CLIENT_ACTION_BEGIN_TLS] = "hide the stream behind TLS",
    [SMTP_CLIENT_ACTION_SEND_AUTH] = "send AUTH",
    [SMTP_CLIENT_ACTION_SEND_RESPONSE] = "answer the challenge",
    [SMTP_CLIENT_ACTION_SEND_MAIL] = "send MAIL",
    [SMTP_CLIENT_ACTION_SEND_RCPT] = "send RCPT",
    [SMTP_CLIENT_ACTION_SEND_DATA] = "send DATA",
    [SMTP_CLIENT_ACTION_SEND_CONTENT] = "send the content",
    [SMTP_CLIENT_ACTION_SEND_CHUNKS] = "send BDAT",
    [SMTP_CLIENT_ACTION_TAKE_CHUNK] = "chunk taken",
    [SMTP_CLIENT_ACTION_FAIL_CHUNK] = "content failed",
    [SMTP_CLIENT_ACTION_SEND_LONE_DOT] = "send a lone dot",
    [SMTP_CLIENT_ACTION_SEND_RSET] = "send RSET",
    [SMTP_CLIENT_ACTION_SEND_QUIT] = "send QUIT",
    [SMTP_CLIENT_ACTION_BE_READY] = "ready for mail",
    [SMTP_CLIENT_ACTION_REFUSED] = "no service here",
    [SMTP_CLIENT_ACTION_ADD_RCPT] = "recipient accepted",
    [SMTP_CLIENT_ACTION_DROP_RCPT] = "recipient failed",
    [SMTP_CLIENT_ACTION_SUCCEED] = "accepted recipients delivered",
    [SMTP_CLIENT_ACTION_FAIL] = "accepted recipients failed",
    [SMTP_CLIENT_ACTION_FAIL_MAIL] = "all recipients failed",
    [SMTP_CLIENT_ACTION_FAIL_RSET] = "accepted recipients failed, send RSET",
    [SMTP_CLIENT_ACTION_DISCARD] = "ignore the reply",
    [SMTP_CLIENT_ACTION_BREAK_OFF] = "open recipients failed, close",
    [SMTP_CLIENT_ACTION_CLOSE] = "close",
    [SMTP_CLIENT_ACTION_NONE] = "nothing",
};

#define ON(input) [SMTP_CLIENT_ON_##input]
#define CELL(next, action, section)                                                                \
    {                                                                                              \
        SMTP_CLIENT_##next, SMTP_CLIENT_ACTION_##action, 0, section                                \
    }
#define NEVER(state, input) ON(input) = CELL(state, IMPOSSIBLE, "cannot arise in this state")

/* A reply that does not fit its command: the two ends no longer agree on what is said. */
#define UNFIT(input) ON(input) = CELL(CLOSED, BREAK_OFF, "RFC 5321 §4.3.2")

/* The connection fails: what is not settled is tried again later. */
#define FAILURES                                                                                   \
    ON(MALFORMED) = CELL(CLOSED, BREAK_OFF, "RFC 5321 §4.2"),                                      \
    ON(TIME_OUT) = CELL(CLOSED, BREAK_OFF, "RFC 5321 §4.5.3.2"),                                   \
    ON(LOST) = CELL(CLOSED, BREAK_OFF, "RFC 5321 §3.8")

/* 421 may come at any time and stands for the reply that was awaited. */
#define SERVER_CLOSES  ON(CLOSING) = CELL(CLOSED, BREAK_OFF, "RFC 5321 §3.8, §4.2.1")
#define NO_SERVICE_421 ON(CLOSING) = CELL(CLOSED, REFUSED, "RFC 5321 §3.8, §4.2.1")

/* The node speaks in READY alone. */
#define NO_NODE(state)   NEVER(state, SEND), NEVER(state, QUIT)
#define NO_TLS(state)    NEVER(state, TLS_OFFERED), NEVER(state, TLS_STARTED)
#define NO_CHUNKS(state) NEVER(state, RCPT_DONE_CHUNKING), NEVER(state, ALL_TAKEN)
#define NO_HELLO(state)  NEVER(state, AUTH_NEEDED), NEVER(state, HELO_ONLY), NO_TLS(state)
/* Inputs that belong to the course of a transaction. */
#define NO_COURSE(state)                                                                           \
    NO_CHUNKS(state), NEVER(state, RCPT_DONE), NEVER(state, ALL_REFUSED), NEVER(state, IN_FLIGHT), \
        NEVER(state, OVER), NEVER(state, CONTENT_SENT)

static const StateCell cells[SMTP_CLIENT_STATE_COUNT][SMTP_CLIENT_INPUT_COUNT] =
    {
        [SMTP_CLIENT_CONNECT] =
            {
                ON(SUCCESS) = CELL(EHLO, SEND_EHLO, "RFC 5321 §3.1, §3.2"),
                ON(HELO_ONLY) = CELL(HELO, SEND_HELO, "RFC 5321 §3.2"),
                UNFIT(INTERMEDIATE),
                ON(TEMPORARY) = CELL(QUIT, REFUSED, "RFC 5321 §3.1, §4.2.1"),
                ON(PERMANENT) = CELL(QUIT, REFUSED, "RFC 5321 §3.1"),
                NO_SERVICE_421,
                FAILURES,
                NEVER(CONNECT, AUTH_NEEDED),
                NO_TLS(CONNECT),
                NO_COURSE(CONNECT),
                NO_NODE(CONNECT),
            },
        [SMTP_CLIENT_EHLO] =
            {
                ON(SUCCESS) = CELL(READY, BE_READY, "RFC 5321 §4.1.1.1"),
                ON(AUTH_NEEDED) = CELL(AUTH, SEND_AUTH, "RFC 4954 §4"),
                UNFIT(INTERMEDIATE),
                /* HELO fits any refusal; a server that takes none refuses that one too. */
                ON(TEMPORARY) = CELL(HELO, SEND_HELO, "RFC 5321 §3.2, §4.1.4"),
                ON(PERMANENT) = CELL(HELO, SEND_HELO, "RFC 5321 §3.2, §4.1.4"),
                NO_SERVICE_421,
                FAILURES,
                ON(TLS_OFFERED) = CELL(STARTTLS, SEND_STARTTLS, "RFC 3207 §4"),
                NEVER(EHLO, TLS_STARTED),
                NEVER(EHLO, HELO_ONLY),
                NO_COURSE(EHLO),
                NO_NODE(EHLO),
            },
        [SMTP_CLIENT_HELO] =
            {
                ON(SUCCESS) = CELL(READY, BE_READY, "RFC 5321 §4.1.1.1"),
                UNFIT(INTERMEDIATE),
                ON(TEMPORARY) = CELL(QUIT, REFUSED, "RFC 5321 §4.2.1"),
                ON(PERMANENT) = CELL(QUIT, REFUSED, "RFC 5321 §4.2.1"),
                NO_SERVICE_421,
                FAILURES,
                NO_HELLO(HELO),
                NO_COURSE(HELO),
                NO_NODE(HELO),
            },
        /* Refused, it goes on in the clear: RFC 3207 §4 leaves that to the client. */
        [SMTP_CLIENT_STARTTLS] =
            {
                ON(SUCCESS) = CELL(TLS, BEGIN_TLS, "RFC 3207 §4"),
                UNFIT(INTERMEDIATE),
                ON(TEMPORARY) = CELL(EHLO, SEND_EHLO, "RFC 3207 §4"),
                ON(PERMANENT) = CELL(EHLO, SEND_EHLO, "RFC 3207 §4"),
                NO_SERVICE_421,
                FAILURES,
                NO_HELLO(STARTTLS),
                NO_COURSE(STARTTLS),
                NO_NODE(STARTTLS),
            },
        [SMTP_CLIENT_TLS] =
            {
                ON(TLS_STARTED) = CELL(EHLO, SEND_EHLO, "RFC 3207 §4.2"),
                NEVER(TLS, TLS_OFFERED),
                NEVER(TLS, SUCCESS),
                NEVER(TLS, INTERMEDIATE),
                NEVER(TLS, TEMPORARY),
                NEVER(TLS, PERMANENT),
                NEVER(TLS, CLOSING),
                NEVER(TLS, MALFORMED),
                ON(TIME_OUT) = CELL(CLOSED, BREAK_OFF, "RFC 5321 §4.5.3.2"),
                ON(LOST) = CELL(CLOSED, BREAK_OFF, "RFC 5321 §3.8"),
                NEVER(TLS, AUTH_NEEDED),
                NEVER(TLS, HELO_ONLY),
                NO_COURSE(TLS),
                NO_NODE(TLS),
            },
        [SMTP_CLIENT_AUTH] =
            {
                ON(SUCCESS) = CELL(READY, BE_READY, "RFC 4954 §4, §6"),
                ON(INTERMEDIATE) = CELL(AUTH, SEND_RESPONSE, "RFC 4954 §4"),
                ON(TEMPORARY) = CELL(QUIT, REFUSED, "RFC 4954 §6"),
                ON(PERMANENT) = CELL(QUIT, REFUSED, "RFC 4954 §6"),
                NO_SERVICE_421,
                FAILURES,
                NO_HELLO(AUTH),
                NO_COURSE(AUTH),
                NO_NODE(AUTH),
            },
        [SMTP_CLIENT_READY] =
            {
                ON(SEND) = CELL(MAIL, SEND_MAIL, "RFC 5321 §3.3, §4.1.1.2"),
                ON(QUIT) = CELL(QUIT, SEND_QUIT, "RFC 5321 §3.8, §4.1.1.10"),
                UNFIT(SUCCESS),
                UNFIT(INTERMEDIATE),
                UNFIT(TEMPORARY),
                UNFIT(PERMANENT),
                SERVER_CLOSES,
                FAILURES,
                NO_HELLO(READY),
                NO_COURSE(READY),
            },
        [SMTP_CLIENT_MAIL] =
            {
                ON(SUCCESS) = CELL(RCPT, SEND_RCPT, "RFC 5321 §3.3, §4.1.1.3"),
                UNFIT(INTERMEDIATE),
                ON(TEMPORARY) = CELL(MAIL, FAIL_MAIL, "RFC 5321 §4.1.1.2"),
                ON(PERMANENT) = CELL(MAIL, FAIL_MAIL, "RFC 5321 §4.1.1.2"),
                ON(OVER) = CELL(READY, BE_READY, "RFC 5321 §4.1.1.2"),
                ON(IN_FLIGHT) = CELL(DRAIN, NONE, "RFC 2920 §3.1"),
                SERVER_CLOSES,
                FAILURES,
                NO_HELLO(MAIL),
                NO_CHUNKS(MAIL),
                NEVER(MAIL, RCPT_DONE),
                NEVER(MAIL, ALL_REFUSED),
                NEVER(MAIL, CONTENT_SENT),
                NO_NODE(MAIL),
            },
        [SMTP_CLIENT_RCPT] =
            {
                ON(SUCCESS) = CELL(RCPT, ADD_RCPT, "RFC 5321 §4.1.1.3"),
                UNFIT(INTERMEDIATE),
                ON(TEMPORARY) = CELL(RCPT, DROP_RCPT, "RFC 5321 §4.2.1, §4.5.3.1.10"),
                ON(PERMANENT) = CELL(RCPT, DROP_RCPT, "RFC 5321 §4.2.1, §4.5.3.1.10"),
                ON(RCPT_DONE) = CELL(DATA, SEND_DATA, "RFC 5321 §3.3, §4.1.1.4"),
                ON(RCPT_DONE_CHUNKING) = CELL(CHUNKS, SEND_CHUNKS, "RFC 3030 §2, §4.2"),
                NEVER(RCPT, ALL_TAKEN),
                ON(ALL_REFUSED) = CELL(RSET, SEND_RSET, "RFC 5321 §3.3, §4.1.1.5"),
                ON(IN_FLIGHT) = CELL(DRAIN, NONE, "RFC 2920 §3.1"),
                SERVER_CLOSES,
                FAILURES,
                NO_HELLO(RCPT),
                NEVER(RCPT, OVER),
                NEVER(RCPT, CONTENT_SENT),
                NO_NODE(RCPT),
            },
        [SMTP_CLIENT_DATA] =
            {
                UNFIT(SUCCESS),
                ON(INTERMEDIATE) = CELL(CONTENT, SEND_CONTENT, "RFC 5321 §4.1.1.4"),
                /* The server keeps the envelope when it refuses DATA. */
                ON(TEMPORARY) = CELL(RSET, FAIL_RSET, "RFC 5321 §4.1.1.4, §4.1.1.5"),
                ON(PERMANENT) = CELL(RSET, FAIL_RSET, "RFC 5321 §4.1.1.4, §4.1.1.5"),
                SERVER_CLOSES,
                FAILURES,
                NO_HELLO(DATA),
                NO_COURSE(DATA),
                NO_NODE(DATA),
            },
        [SMTP_CLIENT_CONTENT] =
            {
                ON(CONTENT_SENT) = CELL(FINAL_DOT, NONE, "RFC 5321 §4.1.1.4, §4.5.2"),
                /* A reply before the final dot: the rest would be read as commands. */
                UNFIT(SUCCESS),
                UNFIT(INTERMEDIATE),
                UNFIT(TEMPORARY),
                UNFIT(PERMANENT),
                SERVER_CLOSES,
                FAILURES,
                NO_HELLO(CONTENT),
                NO_CHUNKS(CONTENT),
                NEVER(CONTENT, RCPT_DONE),
                NEVER(CONTENT, ALL_REFUSED),
                NEVER(CONTENT, IN_FLIGHT),
                NEVER(CONTENT, OVER),
                NO_NODE(CONTENT),
            },
        /* Each chunk has a reply; after one that fails only RSET helps (RFC 3030 §2). */
        [SMTP_CLIENT_CHUNKS] =
            {
                ON(SUCCESS) = CELL(CHUNKS, TAKE_CHUNK, "RFC 3030 §2"),
                ON(ALL_TAKEN) = CELL(READY, SUCCEED, "RFC 3030 §2, RFC 5321 §6.1"),
                UNFIT(INTERMEDIATE),
                ON(TEMPORARY) = CELL(CHUNKS, FAIL_CHUNK, "RFC 3030 §2"),
                ON(PERMANENT) = CELL(CHUNKS, FAIL_CHUNK, "RFC 3030 §2"),
                ON(OVER) = CELL(RSET, SEND_RSET, "RFC 3030 §2"),
                ON(IN_FLIGHT) = CELL(DRAIN, NONE, "RFC 2920 §3.1"),
                SERVER_CLOSES,
                FAILURES,
                NO_HELLO(CHUNKS),
                NEVER(CHUNKS, RCPT_DONE_CHUNKING),
                NEVER(CHUNKS, RCPT_DONE),
                NEVER(CHUNKS, ALL_REFUSED),
                NEVER(CHUNKS, CONTENT_SENT),
                NO_NODE(CHUNKS),
            },
        [SMTP_CLIENT_FINAL_DOT] =
            {
                ON(SUCCESS) = CELL(READY, SUCCEED, "RFC 5321 §4.1.1.4, §6.1"),
                UNFIT(INTERMEDIATE),
                ON(TEMPORARY) = CELL(READY, FAIL, "RFC 5321 §4.2.1"),
                ON(PERMANENT) = CELL(READY, FAIL, "RFC 5321 §4.2.1"),
                SERVER_CLOSES,
                /* Here nobody knows who has the message: it is sent again (RFC 1047). */
                FAILURES,
                NO_HELLO(FINAL_DOT),
                NO_COURSE(FINAL_DOT),
                NO_NODE(FINAL_DOT),
            },
        [SMTP_CLIENT_DRAIN] =
            {
                ON(SUCCESS) = CELL(DRAIN, DISCARD, "RFC 2920 §3.1"),
                ON(INTERMEDIATE) = CELL(DRAIN, SEND_LONE_DOT, "RFC 2920 §3.1"),
                ON(TEMPORARY) = CELL(DRAIN, DISCARD, "RFC 2920 §3.1"),
                ON(PERMANENT) = CELL(DRAIN, DISCARD, "RFC 2920 §3.1"),
                ON(OVER) = CELL(RSET, SEND_RSET, "RFC 5321 §4.1.1.5"),
                SERVER_CLOSES,
                FAILURES,
                NO_HELLO(DRAIN),
                NO_CHUNKS(DRAIN),
                NEVER(DRAIN, RCPT_DONE),
                NEVER(DRAIN, ALL_REFUSED),
                NEVER(DRAIN, IN_FLIGHT),
                NEVER(DRAIN, CONTENT_SENT),
                NO_NODE(DRAIN),
            },
        [SMTP_CLIENT_RSET] =
            {
                ON(SUCCESS) = CELL(READY, BE_READY, "RFC 5321 §4.1.1.5"),
                UNFIT(INTERMEDIATE),
                UNFIT(TEMPORARY),
                UNFIT(PERMANENT),
                SERVER_CLOSES,
                FAILURES,
                NO_HELLO(RSET),
                NO_COURSE(RSET),
                NO_NODE(RSET),
            },
        /* §4.1.1.10: nothing that happens here changes what has become of the mails. */
        [SMTP_CLIENT_QUIT] =
            {
                ON(SUCCESS) = CELL(CLOSED, CLOSE, "RFC 5321 §4.1.1.10"),
                ON(INTERMEDIATE) = CELL(CLOSED, CLOSE, "RFC 5321 §4.1.1.10"),
                ON(TEMPORARY) = CELL(CLOSED, CLOSE, "RFC 5321 §4.1.1.10"),
                ON(PERMANENT) = CELL(CLOSED, CLOSE, "RFC 5321 §4.1.1.10"),
                ON(CLOSING) = CELL(CLOSED, CLOSE, "RFC 5321 §4.1.1.10"),
                ON(MALFORMED) = CELL(CLOSED, CLOSE, "RFC 5321 §4.1.1.10"),
                ON(TIME_OUT) = CELL(CLOSED, CLOSE, "RFC 5321 §4.1.1.10"),
                ON(LOST) = CELL(CLOSED, CLOSE, "RFC 5321 §4.1.1.10"),
                NO_HELLO(QUIT),
                NO_COURSE(QUIT),
                NO_NODE(QUIT),
            },
        [SMTP_CLIENT_CLOSED] =
            {
                NEVER(CLOSED, SUCCESS),
                NEVER(CLOSED, INTERMEDIATE),
                NEVER(CLOSED, TEMPORARY),
                NEVER(CLOSED, PERMANENT),
                NEVER(CLOSED, CLOSING),
                NEVER(CLOSED, MALFORMED),
                ON(TIME_OUT) = CELL(CLOSED, NONE, "RFC 5321 §3.8"),
                NEVER(CLOSED, LOST),
                NO_HELLO(CLOSED),
                NO_COURSE(CLOSED),
                NO_NODE(CLOSED),
            },
};

const StateTable smtp_client_table = {
    .name = "smtp-client",
    .title = "SMTP, the client's side",
    .source = "RFC 5321 §3, §4.2, §4.3.2; RFC 2920 §3.1; RFC 4954 §4; RFC 3030 §2, RFC 3207 §4",
    .states = states,
    .events = inputs,
    .actions = actions,
    .state_count = SMTP_CLIENT_STATE_COUNT,
    .event_count = SMTP_CLIENT_INPUT_COUNT,
    .action_count = SMTP_CLIENT_ACTION_COUNT,
    .initial = SMTP_CLIENT_CONNECT,
    .cells = &cells[0][0],
};
