/* The SMTP client outside mail transactions: lines, extensions, AUTH.
 *
 * Source: RFC 5321 §4.1.1.1 (the reply to EHLO), RFC 1870 §3, RFC 4954 §4, RFC 4616. */
#include "proto/smtp_client_internal.h"

#include "core/check.h"

#include <string.h>

void smtp_client_observe_line(SmtpClient *client, size_t length)
{
    const SmtpObserver *observer = &client->options.observer;
    Span output = buffer_peek(&client->output);
    Span line = span_skip(output, output.length - length);
    if (observer->command != NULL)
        observer->command(observer->user, span_of(line.data, length - strlen("\r\n")));
}

void smtp_client_send_line(SmtpClient *client, const char *verb, const char *argument)
{
    size_t verb_length = strlen(verb), argument_length = argument != NULL ? strlen(argument) : 0;
    size_t length = verb_length + (argument != NULL) + argument_length + strlen("\r\n");
    uint8_t *out = buffer_add(&client->output, length);
    CHECK(out != NULL);
    out = mempcpy(out, verb, verb_length);
    if (argument != NULL) {
        *out++ = ' ';
        out = mempcpy(out, argument, argument_length);
    }
    memcpy(out, "\r\n", 2);
    smtp_client_observe_line(client, length);
}

/* Extensions */

static void take_size(SmtpAbilities *abilities, Span parameters)
{
    uint64_t size = 0;
    for (size_t i = 0; i < parameters.length && g_ascii_isdigit(parameters.data[i]); i++) {
        uint64_t digit = (uint64_t)(parameters.data[i] - '0');
        if (__builtin_mul_overflow(size, 10, &size) || __builtin_add_overflow(size, digit, &size))
            size = UINT64_MAX;
    }
    abilities->size_maximum = size;
}

static void take_mechanisms(SmtpAbilities *abilities, Span parameters)
{
    while (parameters.length > 0) {
        size_t length = span_find(parameters, ' ');
        Span mechanism = span_of(parameters.data, length);
        abilities->auth_plain |= span_equals_text_nocase(mechanism, "PLAIN");
        abilities->auth_login |= span_equals_text_nocase(mechanism, "LOGIN");
        parameters = span_skip(parameters, MIN(length + 1, parameters.length));
    }
}

/* ehlo-line = ehlo-keyword *( SP ehlo-param ) */
static void take_extension(SmtpAbilities *abilities, Span line)
{
    static const struct {
        const char *keyword;
        SmtpExtension extension;
    } known[] = {
        {"PIPELINING", SMTP_EXTENSION_PIPELINING},
        {"8BITMIME", SMTP_EXTENSION_8BITMIME},
        {"ENHANCEDSTATUSCODES", SMTP_EXTENSION_ENHANCEDSTATUSCODES},
        {"DSN", SMTP_EXTENSION_DSN},
        {"SMTPUTF8", SMTP_EXTENSION_SMTPUTF8},
        {"CHUNKING", SMTP_EXTENSION_CHUNKING},
        {"STARTTLS", SMTP_EXTENSION_STARTTLS},
        {"EXPN", SMTP_EXTENSION_EXPN},
        {"HELP", SMTP_EXTENSION_HELP},
        {"AUTH", SMTP_EXTENSION_AUTH},
        {"SIZE", SMTP_EXTENSION_SIZE},
    };
    size_t length = span_find(line, ' ');
    Span keyword = span_of(line.data, length);
    Span parameters = span_skip(line, MIN(length + 1, line.length));
    for (size_t i = 0; i < G_N_ELEMENTS(known); i++) {
        if (!span_equals_text_nocase(keyword, known[i].keyword))
            continue;
        abilities->extensions |= known[i].extension;
        if (known[i].extension == SMTP_EXTENSION_SIZE)
            take_size(abilities, parameters);
        if (known[i].extension == SMTP_EXTENSION_AUTH)
            take_mechanisms(abilities, parameters);
        return;
    }
}

static SmtpAbilities abilities_read(Span text)
{
    SmtpAbilities abilities = {0};
    size_t greeting = span_find(text, '\n'); /* the first line names the server alone */
    Span rest = span_skip(text, MIN(greeting + 1, text.length));
    while (rest.length > 0) {
        size_t length = span_find(rest, '\n');
        take_extension(&abilities, span_of(rest.data, length));
        rest = span_skip(rest, MIN(length + 1, rest.length));
    }
    return abilities;
}

void smtp_client_set_abilities(SmtpClient *client, SmtpAbilities abilities)
{
    client->abilities = abilities;
    client->used_extensions = abilities.extensions & client->options.extensions;
}

void smtp_client_take_extensions(SmtpClient *client, const SmtpReply *reply)
{
    SmtpHeard *heard = client->options.heard;
    if (client->reader.is_known) {
        smtp_client_set_abilities(client, heard->abilities);
        return;
    }
    smtp_client_set_abilities(client, abilities_read(reply->text));
    if (heard != NULL)
        smtp_heard_keep(heard, reply, span_of(client->reader.tail, client->reader.tail_length),
                        &client->abilities);
}

/* AUTH */

bool smtp_client_wants_tls(const SmtpClient *client)
{
    return client->used_extensions & SMTP_EXTENSION_STARTTLS && !client->tls_tried;
}

bool smtp_client_wants_auth(const SmtpClient *client)
{
    return client->options.identity != NULL &&
           (client->abilities.auth_plain || client->abilities.auth_login);
}

static char *base64_of(const char *text)
{
    return g_base64_encode((const guchar *)text, strlen(text));
}

/* RFC 4616 §2: [authzid] NUL authcid NUL passwd */
static char *plain_message(const SmtpClient *client)
{
    g_autoptr(GString) message = g_string_new(NULL);
    g_string_append_c(message, '\0');
    g_string_append(message, client->options.identity);
    g_string_append_c(message, '\0');
    g_string_append(message, client->options.password);
    return g_base64_encode((const guchar *)message->str, message->len);
}

void smtp_client_send_auth(SmtpClient *client)
{
    if (!client->abilities.auth_plain) {
        smtp_client_send_line(client, "AUTH LOGIN", NULL);
        return;
    }
    g_autofree char *message = plain_message(client);
    smtp_client_send_line(client, "AUTH PLAIN", message);
}

void smtp_client_send_auth_response(SmtpClient *client)
{
    if (client->abilities.auth_plain) { /* all has been said; RFC 4954 §4: "*" cancels */
        smtp_client_send_line(client, "*", NULL);
        return;
    }
    const SmtpClientOptions *options = &client->options;
    g_autofree char *word = base64_of(client->name_sent ? options->password : options->identity);
    client->name_sent = true;
    smtp_client_send_line(client, word, NULL);
}
