/* SMTP commands as they are read: verb, argument, and the questions that they put to the node.
 *
 * Source: RFC 5321 §4.1.1 (commands), §4.1.2 (arguments); RFC 6531 §3.5 (addresses). The space that
 * some clients put behind `FROM:` and `TO:` is an error, as §3.3 says. */
#include "proto/smtp_server_internal.h"

#include "core/check.h"

#include <string.h>

/* Verb and argument */

enum { FOUR = 4 };

/* All but STARTTLS, which have four letters. */
static const struct {
    char verb[FOUR + 1];
    SmtpServerInput input;
} verbs[] = {
    {"MAIL", SMTP_SERVER_ON_MAIL}, {"RCPT", SMTP_SERVER_ON_RCPT}, {"DATA", SMTP_SERVER_ON_DATA},
    {"EHLO", SMTP_SERVER_ON_EHLO}, {"QUIT", SMTP_SERVER_ON_QUIT}, {"HELO", SMTP_SERVER_ON_HELO},
    {"AUTH", SMTP_SERVER_ON_AUTH}, {"BDAT", SMTP_SERVER_ON_BDAT}, {"RSET", SMTP_SERVER_ON_RSET},
    {"NOOP", SMTP_SERVER_ON_NOOP}, {"VRFY", SMTP_SERVER_ON_VRFY}, {"EXPN", SMTP_SERVER_ON_EXPN},
    {"HELP", SMTP_SERVER_ON_HELP},
};

uint32_t smtp_server_offered(const SmtpServer *server)
{
    uint32_t offered = server->options.extensions;
    if (server->tls) /* RFC 3207 §4.2 */
        offered &= ~(uint32_t)SMTP_EXTENSION_STARTTLS;
    else if (server->options.auth_needs_tls)
        offered &= ~(uint32_t)SMTP_EXTENSION_AUTH;
    return offered;
}

/* The extension that brings a command along; 0: it is RFC 5321's own. */
static uint32_t verb_extension(SmtpServerInput input)
{
    switch ((int)input) {
    case SMTP_SERVER_ON_AUTH:
        return SMTP_EXTENSION_AUTH;
    case SMTP_SERVER_ON_BDAT:
        return SMTP_EXTENSION_CHUNKING;
    case SMTP_SERVER_ON_STARTTLS:
        return SMTP_EXTENSION_STARTTLS;
    }
    return 0;
}

static SmtpServerInput known_verb(Span verb)
{
    if (verb.length != FOUR)
        return span_equals_text_nocase(verb, "STARTTLS") ? SMTP_SERVER_ON_STARTTLS
                                                         : SMTP_SERVER_ON_UNKNOWN;
    char capitals[FOUR]; /* of letters; what else there may be becomes none */
    for (size_t i = 0; i < FOUR; i++)
        capitals[i] = (char)(verb.data[i] & ~0x20);
    for (size_t i = 0; i < G_N_ELEMENTS(verbs); i++) {
        if (memcmp(verbs[i].verb, capitals, FOUR) == 0)
            return verbs[i].input;
    }
    return SMTP_SERVER_ON_UNKNOWN;
}

static SmtpServerInput verb_input(const SmtpServer *server, Span verb)
{
    SmtpServerInput input = known_verb(verb);
    uint32_t extension = verb_extension(input);
    bool is_hidden = extension != 0 && !(smtp_server_offered(server) & extension);
    /* AUTH too early gets a reply that says so. */
    if (input == SMTP_SERVER_ON_AUTH && server->options.auth_needs_tls)
        is_hidden = !(server->options.extensions & SMTP_EXTENSION_AUTH);
    return is_hidden ? SMTP_SERVER_ON_UNKNOWN : input;
}

SmtpCommand smtp_server_command_parse(const SmtpServer *server, Span line)
{
    /* §4.1.1: trailing white space should be tolerated. */
    while (line.length > 0 &&
           (line.data[line.length - 1] == ' ' || line.data[line.length - 1] == '\t'))
        line.length--;
    size_t length = span_find(line, ' ');
    Span argument = length < line.length ? span_skip(line, length + 1) : (Span){0};
    return (SmtpCommand){verb_input(server, span_of(line.data, length)), argument};
}

bool smtp_server_command_has_excess(const SmtpCommand *command)
{
    bool alone = command->input == SMTP_SERVER_ON_DATA || command->input == SMTP_SERVER_ON_RSET ||
                 command->input == SMTP_SERVER_ON_QUIT || command->input == SMTP_SERVER_ON_STARTTLS;
    return alone && command->argument.length > 0;
}

bool smtp_server_command_is_junk(const SmtpCommand *command)
{
    return command->input == SMTP_SERVER_ON_NOOP || command->input == SMTP_SERVER_ON_RSET ||
           command->input == SMTP_SERVER_ON_VRFY || command->input == SMTP_SERVER_ON_EXPN ||
           command->input == SMTP_SERVER_ON_HELP;
}

/* VRFY and EXPN */

/* RFC 6531 §3.7.4.2: takes the parameter that allows UTF-8 in the reply off the argument. */
static bool take_smtputf8(const SmtpServer *server, Span *argument)
{
    Span keyword = span_of_text(" SMTPUTF8");
    if (!(smtp_server_offered(server) & SMTP_EXTENSION_SMTPUTF8) ||
        argument->length <= keyword.length ||
        !span_equals_text_nocase(span_skip(*argument, argument->length - keyword.length),
                                 " SMTPUTF8"))
        return false;
    argument->length -= keyword.length;
    return true;
}

void smtp_server_ask_verify(SmtpServer *server, SmtpServerEventKind kind)
{
    SmtpServerEvent event = {.kind = kind, .verify = server->command.argument};
    server->reply_utf8 = take_smtputf8(server, &event.verify);
    if (event.verify.length == 0)
        smtp_server_refuse(server, 501, "5.5.4", "Syntax: VRFY or EXPN, then a name or address");
    else
        smtp_server_ask(server, &event);
}

/* BDAT */

enum { CHUNK_DIGITS_MAXIMUM = 18 }; /* fits uint64_t, and is larger than any message */

bool smtp_server_read_bdat(SmtpServer *server)
{
    Span argument = server->command.argument;
    size_t digits = 0;
    uint64_t size = 0;
    while (digits < argument.length && g_ascii_isdigit(argument.data[digits])) {
        if (digits == CHUNK_DIGITS_MAXIMUM)
            return false;
        size = size * 10 + (uint64_t)(argument.data[digits++] - '0');
    }
    Span rest = span_skip(argument, digits);
    if (digits == 0 || (rest.length > 0 && !span_equals_text_nocase(rest, " LAST")))
        return false;
    server->chunk_size = server->chunk_left = size;
    server->chunk_is_last = rest.length > 0;
    return true;
}

/* EHLO and HELO */

/* §4.1.4: a name that is not a domain must not be the reason to refuse; but it is one word. */
static bool is_one_word(Span name)
{
    for (size_t i = 0; i < name.length; i++) {
        if (name.data[i] <= ' ' || name.data[i] == 0x7f)
            return false;
    }
    return name.length > 0 && name.length <= SMTP_SERVER_CLIENT_NAME_MAXIMUM;
}

void smtp_server_ask_helo(SmtpServer *server)
{
    Span name = server->command.argument;
    if (!is_one_word(name)) {
        smtp_server_refuse(server, 501, "5.5.4", "Syntax: EHLO or HELO, then a domain");
        return;
    }
    g_free(server->client_name);
    server->client_name = span_dup_text(name);
    server->extended = server->command.input == SMTP_SERVER_ON_EHLO;
    SmtpServerEvent event = {.kind = SMTP_SERVER_EVENT_HELO};
    event.helo.name = server->client_name;
    event.helo.extended = server->extended;
    smtp_server_ask(server, &event);
}

/* MAIL and RCPT */

/* What MAIL and RCPT differ in. */
typedef struct PathArgument {
    const char *keyword;         /* "FROM:" or "TO:" */
    const char *syntax_enhanced; /* of a refusal */
    bool is_reverse;             /* `<>` may stand there, the bare `<Postmaster>` may not */
} PathArgument;

static const PathArgument REVERSE_PATH = {"FROM:", "5.1.7", true};
static const PathArgument FORWARD_PATH = {"TO:", "5.1.3", false};

static bool fault_is_length(AddressFault fault)
{
    return fault == ADDRESS_PATH_TOO_LONG || fault == ADDRESS_LOCAL_PART_TOO_LONG ||
           fault == ADDRESS_DOMAIN_TOO_LONG;
}

/* Reads keyword and path; `*rest` is what follows. False: refused. */
static bool path_argument_parse(SmtpServer *server, const PathArgument *form, Span *rest)
{
    Span argument = server->command.argument;
    Address *path = &server->path;
    if (!span_starts_with_nocase(argument, form->keyword)) {
        smtp_server_refuse(server, 501, "5.5.4",
                           "Syntax: MAIL FROM:<address> or RCPT TO:<address>");
        return false;
    }
    argument = span_skip(argument, strlen(form->keyword));
    size_t used = 0;
    AddressFault fault = address_scan_path(argument, path, &used);
    bool is_out_of_place = form->is_reverse ? path->domain[0] == '\0' && path->local_part[0] != '\0'
                                            : address_is_null(path);
    if (fault == ADDRESS_OK && !is_out_of_place) {
        *rest = span_skip(argument, used);
        return true;
    }
    smtp_server_refuse(server, 501, form->syntax_enhanced,
                       fault_is_length(fault) ? "Path too long" : "Syntax error in address");
    return false;
}

void smtp_server_ask_mail(SmtpServer *server)
{
    SmtpServerEvent event = {.kind = SMTP_SERVER_EVENT_MAIL, .mail.reverse_path = &server->path};
    SmtpMailParameters *parameters = &event.mail.parameters;
    SmtpReply refusal = {0};
    Span rest = {0};
    if (!path_argument_parse(server, &REVERSE_PATH, &rest))
        return;
    if (!smtp_mail_parameters_parse(rest, server->options.extensions, parameters, &refusal)) {
        smtp_server_fire(server, SMTP_SERVER_ON_COMMAND_REFUSED, &refusal);
        return;
    }
    if (!parameters->utf8 && !address_is_ascii(&server->path)) {
        smtp_server_refuse(server, 550, "5.6.7", "Address needs SMTPUTF8"); /* RFC 6531 §3.5 */
        return;
    }
    uint64_t maximum = server->options.message_maximum;
    if (maximum > 0 && parameters->size > maximum) { /* RFC 1870 §6.1 */
        smtp_server_refuse_size(server, SMTP_SERVER_ON_COMMAND_REFUSED);
        return;
    }
    server->utf8 = parameters->utf8;
    server->recipients = 0;
    smtp_server_ask(server, &event);
}

void smtp_server_ask_rcpt(SmtpServer *server)
{
    SmtpServerEvent event = {.kind = SMTP_SERVER_EVENT_RCPT, .rcpt.forward_path = &server->path};
    SmtpReply refusal = {0};
    Span rest = {0};
    if (!path_argument_parse(server, &FORWARD_PATH, &rest))
        return;
    if (!smtp_rcpt_parameters_parse(rest, server->options.extensions, &event.rcpt.parameters,
                                    &refusal)) {
        smtp_server_fire(server, SMTP_SERVER_ON_COMMAND_REFUSED, &refusal);
        return;
    }
    if (!server->utf8 && !address_is_ascii(&server->path)) {
        smtp_server_refuse(server, 553, "5.6.7", "Address needs SMTPUTF8"); /* RFC 6531 §3.5 */
        return;
    }
    if (server->recipients >= server->options.recipient_maximum) { /* §4.5.3.1.10 */
        smtp_server_refuse(server, 452, "4.5.3", "Too many recipients");
        return;
    }
    smtp_server_ask(server, &event);
}
