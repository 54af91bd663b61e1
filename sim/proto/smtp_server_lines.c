/* How the SMTP server reads command lines: where a line ends, how long it may be, and how many
 * errors a client may make. */
#include "proto/smtp_server_internal.h"

static void observe_command(const SmtpServer *server, Span line)
{
    const SmtpObserver *observer = &server->options.observer;
    if (observer->command != NULL)
        observer->command(observer->user, line);
}

/* Index of the LF that ends the line, or the length of `bytes`. Only CRLF ends a line (§2.3.8). */
static size_t line_find_end(const SmtpServer *server, Span bytes)
{
    bool ends_lines = server->options.bare_newlines == SMTP_BARE_NEWLINES_END_LINES;
    for (size_t at = 0; at < bytes.length; at++) {
        at += span_find(span_skip(bytes, at), '\n');
        if (at == bytes.length)
            break;
        if (ends_lines || (at > 0 && bytes.data[at - 1] == '\r'))
            return at;
    }
    return bytes.length;
}

/* A line that is no command at all: `text` says why. */
static void reject_line(SmtpServer *server, const char *text)
{
    SmtpReply reply = smtp_reply(500, "5.5.2", text);
    bool refused = server->state == SMTP_SERVER_REFUSED; /* where everything is 503 */
    if (server->state == SMTP_SERVER_AUTH)
        smtp_server_fire(server, SMTP_SERVER_ON_COMMAND_REFUSED, &reply);
    else
        smtp_server_fire(server, SMTP_SERVER_ON_UNKNOWN, refused ? NULL : &reply);
}

static bool too_many_errors(SmtpServer *server)
{
    uint32_t maximum = server->options.error_maximum;
    if (maximum == 0 || server->errors < maximum)
        return false;
    SmtpReply reply = smtp_reply(421, "4.7.0", "Too many errors, closing transmission channel");
    smtp_server_fire(server, SMTP_SERVER_ON_TOO_MANY_ERRORS, &reply);
    return true;
}

static bool has_bare_newline(const SmtpServer *server, Span line)
{
    return server->options.bare_newlines != SMTP_BARE_NEWLINES_END_LINES &&
           (span_find(line, '\r') < line.length || span_find(line, '\n') < line.length);
}

/* A command that does not further any mail: beyond a number of them each is an error. */
static void count_junk(SmtpServer *server)
{
    const uint32_t maximum = server->options.junk_maximum;
    if (!smtp_server_command_is_junk(&server->command) || maximum == 0)
        return;
    if (server->junk < maximum)
        server->junk++;
    else
        server->errors++;
}

/* BDAT: the octets behind the line are its chunk, whatever becomes of it. */
static void take_bdat(SmtpServer *server)
{
    if (!smtp_server_read_bdat(server)) {
        SmtpReply reply =
            smtp_reply(421, "4.5.4", "BDAT without a size: cannot tell where its chunk ends");
        smtp_server_fire(server, SMTP_SERVER_ON_BDAT_MALFORMED, &reply);
        return;
    }
    server->skipping_chunk = server->state != SMTP_SERVER_RCPT &&
                             server->state != SMTP_SERVER_CHUNKS && server->chunk_left > 0;
    if (!server->skipping_chunk)
        smtp_server_fire(server, SMTP_SERVER_ON_BDAT, NULL);
}

/* EXPN and HELP where they are not named in the reply to EHLO (§4.1.1.1, §4.2.4). */
static bool is_left_out(const SmtpServer *server)
{
    uint32_t offered = smtp_server_offered(server);
    return (server->command.input == SMTP_SERVER_ON_EXPN && !(offered & SMTP_EXTENSION_EXPN)) ||
           (server->command.input == SMTP_SERVER_ON_HELP && !(offered & SMTP_EXTENSION_HELP));
}

/* §2.4, §4.1.2: beyond ASCII only what SMTPUTF8 allows (RFC 6531 §3.3, §3.7.4.2). */
static bool has_invalid_character(const SmtpServer *server)
{
    SmtpServerInput input = server->command.input;
    bool may_have_utf8 = smtp_server_offered(server) & SMTP_EXTENSION_SMTPUTF8 &&
                         (input == SMTP_SERVER_ON_MAIL || input == SMTP_SERVER_ON_RCPT ||
                          input == SMTP_SERVER_ON_VRFY || input == SMTP_SERVER_ON_EXPN);
    return input != SMTP_SERVER_ON_UNKNOWN && input != SMTP_SERVER_ON_AUTH_LINE && !may_have_utf8 &&
           !span_is_ascii(server->command.argument);
}

/* Acts on one command line, CRLF removed. */
static void take_line(SmtpServer *server, Span line)
{
    observe_command(server, line);
    server->command = (SmtpCommand){SMTP_SERVER_ON_AUTH_LINE, line};
    if (server->state != SMTP_SERVER_AUTH)
        server->command = smtp_server_command_parse(server, line);
    if (too_many_errors(server))
        return;
    count_junk(server);
    bool is_refused = server->state == SMTP_SERVER_REFUSED; /* where everything is 503 */
    if (has_bare_newline(server, line))
        reject_line(server, "Bare CR or LF is not allowed");
    else if (smtp_server_command_has_excess(&server->command) && !is_refused)
        smtp_server_refuse(server, 501, "5.5.4", "This command takes no argument");
    else if (has_invalid_character(server) && !is_refused)
        smtp_server_refuse(server, 501, "5.5.2", "Invalid character");
    else if (is_left_out(server) && !is_refused)
        smtp_server_refuse(server, 502, "5.5.1", "Command not implemented");
    else if (server->command.input == SMTP_SERVER_ON_BDAT)
        take_bdat(server);
    else
        smtp_server_fire(server, server->command.input, NULL);
}

/* Drops octets of a line that is too long; true when its end has come. */
static bool skip_line(SmtpServer *server)
{
    Span bytes = intake_peek(&server->input);
    size_t end = line_find_end(server, bytes);
    if (end < bytes.length) {
        intake_consume(&server->input, end + 1);
        server->skipping_line = false;
        return true;
    }
    bool half = bytes.length > 0 && bytes.data[bytes.length - 1] == '\r';
    intake_consume(&server->input, bytes.length - (half ? 1 : 0));
    return false;
}

/* Finishes a line that was too long: one reply, once it has been read to its end. */
static bool step_long_line(SmtpServer *server)
{
    if (!skip_line(server))
        return false;
    if (!too_many_errors(server))
        reject_line(server, "Line too long");
    return true;
}

/* Known as soon as the octets that may make up a line have come without its end. */
static bool line_is_too_long(Span bytes, size_t end)
{
    if (end < bytes.length)
        return end + 1 > SMTP_COMMAND_LINE_MAXIMUM;
    return bytes.length >= SMTP_COMMAND_LINE_MAXIMUM;
}

bool smtp_server_step_line(SmtpServer *server)
{
    if (server->skipping_line)
        return step_long_line(server);
    Span bytes = intake_peek(&server->input);
    if (bytes.length == 0)
        return false;
    size_t end = line_find_end(server, bytes);
    if (line_is_too_long(bytes, end)) {
        /* Its first octets are all that the trace is told. */
        observe_command(server, span_of(bytes.data, SMTP_COMMAND_LINE_MINIMUM));
        server->command = (SmtpCommand){.input = SMTP_SERVER_ON_UNKNOWN};
        server->skipping_line = true;
        return step_long_line(server);
    }
    if (end == bytes.length)
        return false;
    size_t length = end > 0 && bytes.data[end - 1] == '\r' ? end - 1 : end;
    /* The octets stay where they are until more are received, so the spans of an event may point
     * to them. */
    intake_consume(&server->input, end + 1);
    take_line(server, span_of(bytes.data, length));
    return true;
}
