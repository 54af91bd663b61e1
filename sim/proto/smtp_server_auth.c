/* AUTH on the server's side, mechanisms PLAIN (RFC 4616) and LOGIN (in wide use, never published
 * as an RFC): the client's words are decoded here, the node judges them.
 *
 * Source: RFC 4954 §4. */
#include "proto/smtp_server_internal.h"

#include <string.h>

enum { BASE64_MAXIMUM = (SMTP_SERVER_CREDENTIALS_MAXIMUM + 2) / 3 * 4 };

/* Decodes into server->credentials. False: not base64, or too long. */
static bool credentials_decode(SmtpServer *server, Span base64, Span *decoded)
{
    char text[BASE64_MAXIMUM + 1];
    if (base64.length > BASE64_MAXIMUM || base64.length % 4 != 0)
        return false;
    for (size_t i = 0; i < base64.length; i++) {
        bool padding = base64.data[i] == '=' && i + 2 >= base64.length;
        if (!g_ascii_isalnum(base64.data[i]) && memchr("+/", base64.data[i], 2) == NULL && !padding)
            return false;
        text[i] = (char)base64.data[i];
    }
    text[base64.length] = '\0';
    gsize length = 0;
    g_free(server->credentials);
    server->credentials = g_base64_decode(text, &length);
    if (length > SMTP_SERVER_CREDENTIALS_MAXIMUM)
        return false;
    *decoded = span_of(server->credentials, length);
    return true;
}

static void refuse_syntax(SmtpServer *server)
{
    smtp_server_refuse(server, 501, "5.5.2", "Cannot decode the response");
}

static void ask_auth(SmtpServer *server, const char *mechanism, Span identity, Span password)
{
    SmtpServerEvent event = {.kind = SMTP_SERVER_EVENT_AUTH};
    event.auth.mechanism = mechanism;
    event.auth.identity = identity;
    event.auth.password = password;
    smtp_server_ask(server, &event);
}

/* `challenge`: base64, or "". The space behind 334 stays even then (RFC 4954 §4). */
static void challenge(SmtpServer *server, SmtpAuthStep step, const char *base64)
{
    SmtpReply reply = smtp_reply(334, NULL, base64);
    server->auth_step = step;
    smtp_server_fire(server, SMTP_SERVER_ON_AUTH_CHALLENGED, &reply);
}

/* message = [authzid] NUL authcid NUL passwd (RFC 4616 §2). To act for somebody else is not
 * offered, so an authzid must repeat the authcid. */
static void take_plain(SmtpServer *server, Span decoded)
{
    size_t first = span_find(decoded, '\0');
    Span authzid = span_of(decoded.data, first);
    Span rest = first < decoded.length ? span_skip(decoded, first + 1) : (Span){0};
    size_t second = span_find(rest, '\0');
    Span authcid = span_of(rest.data, second);
    if (authcid.length == 0 || second >= rest.length ||
        (authzid.length > 0 && !span_equals(authzid, authcid))) {
        refuse_syntax(server);
        return;
    }
    ask_auth(server, "PLAIN", authcid, span_skip(rest, second + 1));
}

static void take_login_name(SmtpServer *server, Span decoded)
{
    if (decoded.length == 0 || span_find(decoded, '\0') < decoded.length) {
        refuse_syntax(server);
        return;
    }
    g_free(server->auth_name);
    server->auth_name = span_dup_text(decoded);
    challenge(server, SMTP_AUTH_LOGIN_PASSWORD, "UGFzc3dvcmQ6"); /* Password: */
}

static void take_response(SmtpServer *server, Span base64)
{
    Span decoded = {0};
    if (!credentials_decode(server, base64, &decoded)) {
        refuse_syntax(server);
        return;
    }
    switch (server->auth_step) {
    case SMTP_AUTH_PLAIN:
        take_plain(server, decoded);
        return;
    case SMTP_AUTH_LOGIN_NAME:
        take_login_name(server, decoded);
        return;
    case SMTP_AUTH_LOGIN_PASSWORD:
        ask_auth(server, "LOGIN", span_of_text(server->auth_name), decoded);
        return;
    }
}

void smtp_server_begin_auth(SmtpServer *server)
{
    Span argument = server->command.argument;
    size_t length = span_find(argument, ' ');
    Span mechanism = span_of(argument.data, length);
    bool plain = span_equals_text_nocase(mechanism, "PLAIN");
    if (server->authenticated) {
        smtp_server_refuse(server, 503, "5.5.1", "Already authenticated");
        return;
    }
    if (!(smtp_server_offered(server) & SMTP_EXTENSION_AUTH)) { /* RFC 4954 §6 */
        smtp_server_refuse(server, 538, "5.7.11", "Start TLS first");
        return;
    }
    if (mechanism.length == 0) {
        smtp_server_refuse(server, 501, "5.5.4", "Syntax: AUTH mechanism");
        return;
    }
    if (!plain && !span_equals_text_nocase(mechanism, "LOGIN")) {
        smtp_server_refuse(server, 504, "5.5.4", "Mechanism not implemented");
        return;
    }
    server->auth_step = plain ? SMTP_AUTH_PLAIN : SMTP_AUTH_LOGIN_NAME;
    if (length == argument.length) {
        challenge(server, server->auth_step, plain ? "" : "VXNlcm5hbWU6"); /* Username: */
        return;
    }
    Span initial = span_skip(argument, length + 1);
    bool empty = span_equals(initial, span_of_text("=")); /* RFC 4954 §4: an empty response */
    take_response(server, empty ? (Span){0} : initial);
}

void smtp_server_take_auth(SmtpServer *server)
{
    Span line = server->command.argument;
    if (span_equals(line, span_of_text("*"))) /* RFC 4954 §4: the client cancels */
        smtp_server_refuse(server, 501, "5.7.0", "Authentication cancelled");
    else
        take_response(server, line);
}
