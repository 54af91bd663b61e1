/* Fuzz target: a client says whatever it likes. Whole and in pieces it must be answered with the
 * same octets, every transition must be in the table, and a message that is handed over must be
 * free of bare CR and LF.
 *
 * The first octet of the input chooses the node's ways, the second the size of the pieces. */
#include "core/check.h"
#include "proto/smtp_server.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { NODE_REFUSES = 1, NODE_IS_VULNERABLE = 2, NODE_LIMITS_SIZE = 4, NODE_OFFERS_NOTHING = 8 };

typedef struct Run {
    SmtpServer *server;
    uint8_t ways;
    unsigned questions;
    bool in_transaction;
    bool closed;
    bool over; /* what follows STARTTLS comes in records, and how much was dropped is chance */
    GByteArray *output;
    GByteArray *content;
} Run;

static void observe_state(void *user, const StateTable *table, uint8_t from, uint8_t to)
{
    (void)user;
    CHECK(state_table_allows(table, from, to));
}

static void check_content(const GByteArray *content)
{
    for (guint i = 0; i < content->len; i++) {
        if (content->data[i] == '\n')
            CHECK(i > 0 && content->data[i - 1] == '\r');
        if (content->data[i] == '\r')
            CHECK(i + 1 < content->len && content->data[i + 1] == '\n');
    }
}

static void answer(Run *run, const SmtpServerEvent *event)
{
    run->questions++;
    bool refuse =
        event->kind != SMTP_SERVER_EVENT_TLS && run->ways & NODE_REFUSES && run->questions % 5 == 0;
    if (refuse)
        smtp_server_answer(run->server, event->token, smtp_reply(450, NULL, "later\n\r\n\x01"));
    else
        smtp_server_accept(run->server, event->token);
    if (event->kind == SMTP_SERVER_EVENT_MAIL && !refuse)
        run->in_transaction = true;
}

static void take_event(Run *run, const SmtpServerEvent *event)
{
    CHECK(!run->closed);
    if (event->kind == SMTP_SERVER_EVENT_MAIL)
        g_byte_array_set_size(run->content, 0);
    if (event->kind == SMTP_SERVER_EVENT_CONTENT)
        g_byte_array_append(run->content, event->content.data, (guint)event->content.length);
    if (event->kind == SMTP_SERVER_EVENT_MESSAGE_END) {
        CHECK(event->message.size == run->content->len);
        if (!(run->ways & NODE_IS_VULNERABLE))
            check_content(run->content);
        run->in_transaction = false;
    }
    if (event->kind == SMTP_SERVER_EVENT_RESET) {
        CHECK(run->in_transaction);
        run->in_transaction = false;
    }
    run->over |= event->kind == SMTP_SERVER_EVENT_TLS;
    run->closed = event->kind == SMTP_SERVER_EVENT_CLOSED;
    if (event->token != 0)
        answer(run, event);
}

static void drain(Run *run)
{
    SmtpServerEvent event;
    Span output;
    do {
        while (smtp_server_next_event(run->server, &event))
            take_event(run, &event);
        output = smtp_server_peek_output(run->server);
        g_byte_array_append(run->output, output.data, (guint)output.length);
        smtp_server_consume_output(run->server, output.length);
    } while (output.length > 0);
}

/* Everything the server said; to be freed by g_byte_array_unref. */
static GByteArray *play(uint8_t ways, size_t largest, bool by_reference, Span input)
{
    Run run = {.ways = ways, .output = g_byte_array_new(), .content = g_byte_array_new()};
    SmtpServerOptions options = smtp_server_options("b.example");
    options.extensions |= SMTP_EXTENSION_AUTH | SMTP_EXTENSION_CHUNKING | SMTP_EXTENSION_STARTTLS;
    if (ways & NODE_OFFERS_NOTHING)
        options.extensions = 0;
    options.bare_newlines =
        ways & NODE_IS_VULNERABLE ? SMTP_BARE_NEWLINES_END_LINES : SMTP_BARE_NEWLINES_REFUSED;
    options.message_maximum = ways & NODE_LIMITS_SIZE ? 100 : 0;
    options.observer.state = observe_state;
    run.server = smtp_server_new(&options);
    drain(&run);
    /* As a client lends them: lines that are known to be plain, and what comes behind. */
    size_t size = input.length, lines = span_plain_lines(input);
    g_autoptr(Octets) known = octets_new(input.data, lines);
    g_autoptr(Octets) others = octets_new(span_skip(input, lines).data, size - lines);
    known->is_plain = span_is_plain(span_of_octets(known));
    while (input.length > 0 && !run.closed && !run.over) {
        size_t piece = MIN(input.length, largest);
        piece = MIN(piece, smtp_server_input_room(run.server));
        CHECK(piece > 0);
        size_t at = size - input.length;
        if (by_reference && at < lines) {
            piece = MIN(piece, lines - at);
            smtp_server_take_input(run.server, slice_new(known, at, piece));
        } else if (by_reference) {
            smtp_server_take_input(run.server, slice_new(others, at - lines, piece));
        } else {
            smtp_server_receive(run.server, span_of(input.data, piece));
        }
        input = span_skip(input, piece);
        drain(&run);
    }
    if (!run.closed)
        smtp_server_receive_end(run.server);
    drain(&run);
    CHECK(run.closed && !run.in_transaction && smtp_server_is_finished(run.server));
    smtp_server_free(run.server);
    g_byte_array_unref(run.content);
    return run.output;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 2)
        return 0;
    Span input = span_of(data + 2, size - 2);
    size_t largest = 1 + data[1] % 16;
    g_autoptr(GByteArray) whole = play(data[0], SMTP_SERVER_INPUT_MAXIMUM, false, input);
    g_autoptr(GByteArray) cut = play(data[0], largest, false, input);
    g_autoptr(GByteArray) lent = play(data[0], largest, true, input);
    CHECK(span_equals(span_of(whole->data, whole->len), span_of(cut->data, cut->len)));
    CHECK(span_equals(span_of(whole->data, whole->len), span_of(lent->data, lent->len)));
    return 0;
}
