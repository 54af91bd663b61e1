/* What the SMTP server says: standard texts, enhanced codes, the reply to EHLO. */
#include "proto/smtp_server_internal.h"

#include "core/check.h"
#include "core/text.h"

#include <string.h>

/* Texts of RFC 5321 §4.2.3, enhanced codes of RFC 3463. */
static const struct {
    uint16_t code;
    SmtpEnhanced enhanced;
    const char *text;
} standard_replies[] = {
    {221, {2, 0, 0}, "Service closing transmission channel"},
    {220, {0}, "ESMTP service ready"},
    {235, {2, 7, 0}, "Authentication succeeded"},
    {250, {2, 0, 0}, "OK"},
    {252, {2, 5, 0}, "Cannot VRFY user, but will accept message and attempt delivery"},
    {354, {0}, "Start mail input; end with <CRLF>.<CRLF>"},
    {421, {4, 3, 2}, "Service not available, closing transmission channel"},
    {450, {4, 2, 0}, "Requested mail action not taken: mailbox unavailable"},
    {451, {4, 3, 0}, "Requested action aborted: error in processing"},
    {452, {4, 3, 1}, "Requested action not taken: insufficient system storage"},
    {500, {5, 5, 2}, "Syntax error, command unrecognized"},
    {501, {5, 5, 4}, "Syntax error in parameters or arguments"},
    {502, {5, 5, 1}, "Command not implemented"},
    {503, {5, 5, 1}, "Bad sequence of commands"},
    {535, {5, 7, 8}, "Authentication credentials invalid"},
    {550, {5, 0, 0}, "Requested action not taken: mailbox unavailable"},
    {552, {5, 3, 4}, "Requested mail action aborted: exceeded storage allocation"},
    {554, {5, 0, 0}, "Transaction failed"},
};

/* Replies whose text starts with <domain> in §4.2.3. */
static bool names_domain(uint16_t code)
{
    return code == 220 || code == 221 || code == 421;
}

enum { REPLY_ROOM = 512 }; /* for a text of which no more than a line is sent */

/* Writes as much of a text as has room before `end`; returns the end of it. */
static char *put_part(char *out, const char *end, Span text)
{
    return mempcpy(out, text.data, MIN(text.length, (size_t)(end - out)));
}

/* Gives a reply without a text the standard one of its code, in `room` if it is made up. Whether
 * the text is all our own words. */
static bool reply_complete_text(const SmtpServer *server, SmtpReply *reply, char room[REPLY_ROOM])
{
    if (reply->text.length > 0)
        return false;
    for (size_t i = 0; i < G_N_ELEMENTS(standard_replies); i++) {
        if (standard_replies[i].code != reply->code)
            continue;
        reply->text = span_of_text(standard_replies[i].text);
        bool has_name = names_domain(reply->code);
        if (has_name) {
            const char *limit = room + REPLY_ROOM;
            char *end = put_part(room, limit, span_of_text(server->options.name));
            end = put_part(put_part(end, limit, span_of_text(" ")), limit, reply->text);
            reply->text = span_of(room, (size_t)(end - room));
        }
        if (reply->enhanced.class == 0)
            reply->enhanced = standard_replies[i].enhanced;
        return !has_name;
    }
    return false;
}

/* Positive replies to MAIL and RCPT have enhanced codes of their own (RFC 3463 §3.2). */
static void reply_complete_enhanced(const SmtpServer *server, SmtpReply *reply)
{
    if (reply->enhanced.class != 0 || reply->code != 250 || !server->is_asking)
        return;
    if (server->asked == SMTP_SERVER_EVENT_MAIL)
        reply->enhanced = (SmtpEnhanced){2, 1, 0};
    else if (server->asked == SMTP_SERVER_EVENT_RCPT)
        reply->enhanced = (SmtpEnhanced){2, 1, 5};
}

/* Each reply that has been put into the output. */
static void observe_reply(SmtpServer *server, const SmtpReply *reply)
{
    const SmtpObserver *observer = &server->options.observer;
    server->epoch++;
    if (observer->reply != NULL)
        observer->reply(observer->user, reply);
}

static void send_reply(SmtpServer *server, const SmtpReply *reply)
{
    smtp_reply_write(reply, &server->output);
    observe_reply(server, reply);
}

/* RFC 2034 §4: every 2yz, 4yz and 5yz reply but the greeting and those to EHLO and HELO. */
static bool carries_enhanced(const SmtpServer *server)
{
    return server->options.extensions & SMTP_EXTENSION_ENHANCEDSTATUSCODES &&
           server->command.input != SMTP_SERVER_ON_EHLO &&
           server->command.input != SMTP_SERVER_ON_HELO;
}

void smtp_server_send_reply(SmtpServer *server, SmtpReply reply)
{
    char room[REPLY_ROOM];
    if (reply.code >= 500)
        server->errors++;
    if (reply.code == 554 && !server->is_asking) /* the table's own (§3.3) */
        reply = smtp_reply(554, "5.5.1", "No valid recipients");
    if (reply.code == 220) /* to STARTTLS */
        reply = smtp_reply(220, "2.0.0", "Ready to start TLS");
    reply_complete_enhanced(server, &reply);
    bool is_standard = reply_complete_text(server, &reply, room);
    if (reply.enhanced.class == 0 && reply.code / 100 != 3)
        reply.enhanced.class = (uint8_t)(reply.code / 100);
    if (!carries_enhanced(server))
        reply.enhanced = (SmtpEnhanced){0};
    if (!is_standard) {
        send_reply(server, &reply);
        return;
    }
    smtp_reply_write_line(&reply, &server->output);
    observe_reply(server, &reply);
}

void smtp_server_send_greeting(SmtpServer *server, SmtpReply reply)
{
    char room[REPLY_ROOM];
    if (reply.code == 554 && reply.text.length == 0) /* the code has another meaning here (§3.1) */
        reply.text = span_of_text("No SMTP service here");
    reply_complete_text(server, &reply, room);
    reply.enhanced = (SmtpEnhanced){0};
    send_reply(server, &reply);
}

/* Room for the lines of a server that offers all extensions. */
enum { OFFER_ROOM = 512 };

/* The first line of the reply to EHLO or HELO; returns its end. */
static char *put_hello(const SmtpServer *server, const SmtpReply *reply, char *out)
{
    const char *limit = out + REPLY_ROOM + REPLY_ROOM;
    if (reply->text.length > 0) /* a second line would be taken for an extension */
        return put_part(out, limit, span_of(reply->text.data, span_find(reply->text, '\n')));
    out = put_part(out, limit, span_of_text(server->options.name));
    out = put_part(out, limit, span_of_text(" greets "));
    return put_part(out, limit, span_of_text(server->client_name));
}

void smtp_server_send_hello(SmtpServer *server, SmtpReply reply)
{
    char text[REPLY_ROOM + REPLY_ROOM + OFFER_ROOM], *end = put_hello(server, &reply, text);
    SmtpReply whole = {.code = 250, .text = span_of(text, (size_t)(end - text))};
    const SmtpOffer *offer = NULL;
    if (server->extended)
        offer = smtp_offers_need(server->options.offers, smtp_server_offered(server),
                                 server->options.message_maximum);
    if (offer == NULL || offer->text_length == 0) {
        send_reply(server, &whole);
        return;
    }
    CHECK(offer->text_length <= OFFER_ROOM);
    smtp_reply_write_first(&whole, &server->output);
    CHECK(buffer_append(&server->output, span_of(offer->wire, offer->wire_length)));
    end = mempcpy(end, offer->text, offer->text_length);
    whole.text = span_of(text, (size_t)(end - text));
    observe_reply(server, &whole);
}

/* HELP */

static const struct {
    const char *verb, *line;
    uint32_t extension; /* that it comes with; 0: RFC 5321's own */
} help_lines[] = {
    {"EHLO", "EHLO domain: greet; the reply names the extensions", 0},
    {"HELO", "HELO domain: greet, without extensions", 0},
    {"MAIL", "MAIL FROM:<sender>: begin a message's envelope", 0},
    {"RCPT", "RCPT TO:<recipient>: add a recipient to the envelope", 0},
    {"DATA", "DATA: then the message, ended by a line with a single dot", 0},
    {"BDAT", "BDAT size [LAST]: then so many octets of the message", SMTP_EXTENSION_CHUNKING},
    {"RSET", "RSET: forget the envelope", 0},
    {"NOOP", "NOOP: do nothing", 0},
    {"VRFY", "VRFY name: is there such a mailbox?", 0},
    {"EXPN", "EXPN name: who is on this list?", SMTP_EXTENSION_EXPN},
    {"HELP", "HELP [command]: this text", SMTP_EXTENSION_HELP},
    {"STARTTLS", "STARTTLS: go on under encryption", SMTP_EXTENSION_STARTTLS},
    {"AUTH", "AUTH mechanism: say who you are", SMTP_EXTENSION_AUTH},
    {"QUIT", "QUIT: end the session", 0},
};

static bool help_applies(const SmtpServer *server, size_t line)
{
    uint32_t extension = help_lines[line].extension;
    return extension == 0 || smtp_server_offered(server) & extension;
}

void smtp_server_send_help(SmtpServer *server)
{
    Span topic = server->command.argument;
    g_autoptr(GString) all = g_string_new("Commands:");
    for (size_t i = 0; i < G_N_ELEMENTS(help_lines); i++) {
        if (!help_applies(server, i))
            continue;
        if (span_equals_text_nocase(topic, help_lines[i].verb)) {
            smtp_server_send_reply(server, smtp_reply(214, "2.0.0", help_lines[i].line));
            return;
        }
        g_string_append_printf(all, " %s", help_lines[i].verb);
    }
    if (topic.length > 0)
        smtp_server_send_reply(server, smtp_reply(504, "5.5.4", "There is no such command"));
    else
        smtp_server_send_reply(server, smtp_reply(214, "2.0.0", all->str));
}
