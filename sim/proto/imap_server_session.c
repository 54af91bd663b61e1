/* IMAP commands of any state, log-in and IDLE. RFC 9051 §6.1, §6.2, §6.3.1, §6.3.13.
 *
 * Left out: STARTTLS, since the simulation has no TLS, and AUTHENTICATE, beside which LOGIN would
 * carry the same password: both are answered NO. */
#include "core/check.h"
#include "proto/imap_server_internal.h"

static void run_capability(ImapServer *server)
{
    imap_server_say(server, "* CAPABILITY %s", imap_server_capabilities());
    imap_server_complete(server, IMAP_OK, NULL, NULL);
}

/* NOOP and rev1's CHECK do nothing, and so give the news its chance (RFC 9051 §6.1.2). */
static void run_noop(ImapServer *server)
{
    imap_server_complete(server, IMAP_OK, NULL, NULL);
}

/* RFC 9051 §6.1.3: BYE comes before the tagged response. */
static void run_logout(ImapServer *server)
{
    imap_server_say(server, "* BYE %s closes the session", server->host_name);
    imap_server_complete(server, IMAP_OK, NULL, NULL);
    imap_server_end(server);
}

/* STARTTLS and AUTHENTICATE are declined before they run. */
static void run_never(ImapServer *server)
{
    (void)server;
    CHECK(false);
}

static bool parse_login(ImapServer *server, ImapLexer *lexer)
{
    static const char rule[] = "must be a string, such as bob or \"two words\"";
    bool user = imap_lexer_space(lexer) && imap_lexer_astring(lexer, &server->task.first);
    if (!imap_server_want(server, user, "User name", rule))
        return false;
    bool password = imap_lexer_space(lexer) && imap_lexer_astring(lexer, &server->task.second);
    return imap_server_want(server, password, "Password", rule);
}

static void run_login(ImapServer *server)
{
    imap_server_ask(server, (ImapServerEvent){.kind = IMAP_SERVER_ASK_LOGIN,
                                              .user = server->task.first,
                                              .password = server->task.second});
}

/* RFC 9051 §6.3.1: one or more capabilities; those not known are passed over. */
static bool parse_enable(ImapServer *server, ImapLexer *lexer)
{
    do {
        Span name;
        bool right = imap_lexer_space(lexer) && imap_lexer_atom(lexer, &name);
        if (!imap_server_want(server, right, "Capability", "must be a name such as IMAP4rev2"))
            return false;
        server->task.enables_rev2 |= span_equals_text_nocase(name, "IMAP4rev2");
    } while (!imap_lexer_at_end(lexer));
    return true;
}

static void run_enable(ImapServer *server)
{
    bool newly = server->task.enables_rev2 && !server->rev2;
    server->rev2 |= newly;
    imap_server_say(server, "* ENABLED%s", newly ? " IMAP4rev2" : "");
    imap_server_complete(server, IMAP_OK, NULL, NULL);
}

/* RFC 9051 §6.3.13: the command lasts until the client says DONE. */
static void run_idle(ImapServer *server)
{
    server->idling = true;
    imap_reader_start_anew(&server->reader);
    imap_server_say(server, "+ idling");
}

void imap_server_idle_line(ImapServer *server)
{
    bool done = span_equals_text_nocase(buffer_peek(&server->reader.text), "DONE");
    imap_reader_start_anew(&server->reader);
    imap_server_complete(server, done ? IMAP_OK : IMAP_BAD, NULL, done ? NULL : "Expected DONE");
}

const ImapServerCommand imap_server_session_commands[] = {
    {"CAPABILITY", IMAP_SERVER_ON_CAPABILITY, false, false, NULL, run_capability},
    {"NOOP", IMAP_SERVER_ON_NOOP, false, false, NULL, run_noop},
    {"CHECK", IMAP_SERVER_ON_CHECK, false, false, NULL, run_noop},
    {"LOGOUT", IMAP_SERVER_ON_LOGOUT, false, false, NULL, run_logout},
    {"STARTTLS", IMAP_SERVER_ON_STARTTLS, false, false, NULL, run_never},
    {"AUTHENTICATE", IMAP_SERVER_ON_AUTHENTICATE, false, false, NULL, run_never},
    {"LOGIN", IMAP_SERVER_ON_LOGIN, false, false, parse_login, run_login},
    {"ENABLE", IMAP_SERVER_ON_ENABLE, false, false, parse_enable, run_enable},
    {"IDLE", IMAP_SERVER_ON_IDLE, false, false, NULL, run_idle},
    {0},
};

/* Answers that are a plain yes or no. */

static bool is_question(const ImapServer *server)
{
    return server->state != IMAP_SERVER_LOGOUT;
}

void imap_server_answer_ok(ImapServer *server, uint32_t token)
{
    if (!is_question(server))
        return;
    ImapServerEventKind kind = server->question.kind;
    CHECK(kind == IMAP_SERVER_ASK_LOGIN || kind == IMAP_SERVER_ASK_CLOSE ||
          kind == IMAP_SERVER_ASK_CREATE || kind == IMAP_SERVER_ASK_DELETE ||
          kind == IMAP_SERVER_ASK_RENAME || kind == IMAP_SERVER_ASK_SUBSCRIBE);
    imap_server_take_answer(server, token, kind);
    if (kind == IMAP_SERVER_ASK_LOGIN)
        imap_server_transition(server, IMAP_SERVER_ON_LOGIN_GRANTED, NULL);
    imap_server_complete(server, IMAP_OK, NULL, NULL);
}

void imap_server_answer_no(ImapServer *server, uint32_t token, const char *code, const char *text)
{
    if (!is_question(server))
        return;
    ImapServerEventKind kind = server->question.kind;
    CHECK(kind != IMAP_SERVER_ASK_LIST && kind != IMAP_SERVER_ASK_CLOSE);
    imap_server_take_answer(server, token, kind);
    bool is_one_of_many = kind == IMAP_SERVER_ASK_MESSAGE || kind == IMAP_SERVER_ASK_STORE;
    bool is_gone = code == NULL || strcmp(code, "EXPUNGEISSUED") == 0;
    if (is_one_of_many && (is_gone || imap_server_has_held(server)))
        imap_server_target_gone(server);
    else
        imap_server_complete(server, IMAP_NO, code, text);
}
