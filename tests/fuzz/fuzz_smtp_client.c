/* Fuzz target: a server replies whatever it likes. Whole and in pieces the client must send the
 * same octets, and each recipient of each mail must get exactly one result.
 *
 * The first octet of the input chooses the client's ways, the second the size of the pieces. */
#include "core/check.h"
#include "proto/smtp_client.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { CLIENT_AUTHENTICATES = 1, CLIENT_SAYS_HELO = 2, CLIENT_TIMES_OUT = 4 };
enum { RECIPIENTS = 3, MAILS = 3 };

typedef struct Run {
    SmtpClient *client;
    unsigned mails;
    bool sending;
    bool settled[RECIPIENTS];
    bool closed;
    bool over; /* what follows STARTTLS comes in records, and how much was dropped is chance */
    GByteArray *output;
} Run;

static void observe_state(void *user, const StateTable *table, uint8_t from, uint8_t to)
{
    (void)user;
    CHECK(state_table_allows(table, from, to));
}

static void send_mail(Run *run)
{
    static const SmtpClientRecipient recipients[RECIPIENTS] = {
        {.mailbox = "b@b.example"}, {.mailbox = "c@b.example"}, {.mailbox = "d@b.example"}};
    static const char content[] = ".Hi\r\nthere";
    CHECK(!run->sending);
    if (run->mails++ == MAILS) {
        smtp_client_quit(run->client);
        return;
    }
    g_autoptr(Octets) bytes = octets_new(content, strlen(content));
    Slice slice = slice_new(bytes, 0, strlen(content));
    const SmtpClientTransaction transaction = {.reverse_path = "a@a.example",
                                               .recipients = recipients,
                                               .recipient_count = RECIPIENTS,
                                               .content = &slice,
                                               .content_count = 1};
    run->sending = true;
    memset(run->settled, 0, sizeof run->settled);
    smtp_client_send(run->client, &transaction);
    slice_clear(&slice);
}

static void take_done(Run *run, const SmtpClientEvent *event)
{
    CHECK(run->sending);
    CHECK(event->done.delivered + event->done.temporary + event->done.permanent == RECIPIENTS);
    for (size_t i = 0; i < RECIPIENTS; i++)
        CHECK(run->settled[i]);
    run->sending = false;
}

static void take_event(Run *run, const SmtpClientEvent *event)
{
    CHECK(!run->closed);
    switch (event->kind) {
    case SMTP_CLIENT_EVENT_TLS:
        smtp_client_start_tls(run->client);
        run->over = true;
        break;
    case SMTP_CLIENT_EVENT_READY:
        send_mail(run);
        break;
    case SMTP_CLIENT_EVENT_REFUSED:
        CHECK(!run->sending);
        break;
    case SMTP_CLIENT_EVENT_RECIPIENT_RESULT:
        CHECK(run->sending && !run->settled[event->result.index]);
        CHECK(event->result.class != SMTP_REPLY_INTERMEDIATE);
        run->settled[event->result.index] = true;
        break;
    case SMTP_CLIENT_EVENT_TRANSACTION_DONE:
        take_done(run, event);
        break;
    case SMTP_CLIENT_EVENT_CLOSED:
        CHECK(!run->sending);
        run->closed = true;
        break;
    }
}

static void drain(Run *run)
{
    SmtpClientEvent event;
    Span output;
    do {
        while (smtp_client_next_event(run->client, &event))
            take_event(run, &event);
        output = smtp_client_peek_output(run->client);
        g_byte_array_append(run->output, output.data, (guint)output.length);
        smtp_client_consume_output(run->client, output.length);
    } while (output.length > 0);
}

/* Everything the client said; to be freed by g_byte_array_unref. */
static GByteArray *play(uint8_t ways, size_t largest, bool by_reference, SmtpHeard *heard,
                        Span input)
{
    Run run = {.output = g_byte_array_new()};
    SmtpClientOptions options = smtp_client_options("a.example");
    options.identity = ways & CLIENT_AUTHENTICATES ? "alice" : NULL;
    options.password = "secret";
    options.extensions |= SMTP_EXTENSION_STARTTLS;
    options.helo_only = ways & CLIENT_SAYS_HELO;
    options.observer.state = observe_state;
    options.heard = heard;
    run.client = smtp_client_new(&options);
    g_autoptr(Octets) bytes = octets_new(input.data, input.length);
    size_t size = input.length;
    while (input.length > 0 && !run.closed && !run.over) {
        size_t piece = MIN(input.length, largest);
        piece = MIN(piece, smtp_client_input_room(run.client));
        CHECK(piece > 0);
        if (by_reference)
            smtp_client_take_input(run.client, slice_new(bytes, size - input.length, piece));
        else
            smtp_client_receive(run.client, span_of(input.data, piece));
        input = span_skip(input, piece);
        drain(&run);
    }
    if (!run.closed && ways & CLIENT_TIMES_OUT)
        smtp_client_time_out(run.client);
    else if (!run.closed)
        smtp_client_receive_end(run.client);
    drain(&run);
    CHECK(run.closed && smtp_client_is_finished(run.client));
    smtp_client_free(run.client);
    return run.output;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 2)
        return 0;
    Span input = span_of(data + 2, size - 2);
    size_t largest = 1 + data[1] % 16;
    SmtpHeard heard = {0};
    g_autoptr(GByteArray) whole = play(data[0], SMTP_CLIENT_INPUT_MAXIMUM, false, &heard, input);
    g_autoptr(GByteArray) again = play(data[0], SMTP_CLIENT_INPUT_MAXIMUM, false, &heard, input);
    g_autoptr(GByteArray) cut = play(data[0], largest, false, &heard, input);
    g_autoptr(GByteArray) lent = play(data[0], largest, true, &heard, input);
    smtp_heard_clear(&heard);
    g_autoptr(GByteArray) new_to_all = play(data[0], largest, true, NULL, input);
    CHECK(span_equals(span_of(whole->data, whole->len), span_of(again->data, again->len)));
    CHECK(span_equals(span_of(whole->data, whole->len), span_of(cut->data, cut->len)));
    CHECK(span_equals(span_of(whole->data, whole->len), span_of(lent->data, lent->len)));
    CHECK(
        span_equals(span_of(whole->data, whole->len), span_of(new_to_all->data, new_to_all->len)));
    return 0;
}
