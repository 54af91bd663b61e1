/* The SMTP client's mail transaction: its commands, one by one or in a group, and its content.
 *
 * Source: RFC 5321 §3.3, §4.1.1.2 to §4.1.1.4; RFC 2920 §3.1 (DATA is the last of a group); RFC
 * 3030 §2, §4.2 (BDAT need not be); RFC 1870 §6.1; RFC 6152 §3; RFC 6531 §3.2. */
#include "proto/smtp_client_internal.h"

#include "core/check.h"
#include "core/rare.h"
#include "mail/address.h"

#include <string.h>

/* The copy */

/* Copies a text to `*at`, and a NUL behind it; `*at` is then behind that. */
static Span put_text(Span text, char **at)
{
    Span copy = span_of(*at, text.length);
    if (text.length > 0)
        memcpy(*at, text.data, text.length);
    (*at)[text.length] = '\0';
    *at += text.length + 1;
    return copy;
}

static const char *put_string(const char *text, char **at)
{
    return (const char *)put_text(span_of_text(text), at).data;
}

/* An envelope address must not be able to end a line or its angle brackets: that it cannot is for
 * whoever read it to see to. Its length. */
static size_t check_mailbox(const char *mailbox)
{
    Span text = span_of_text(mailbox);
    CHECK(text.length <= ADDRESS_PATH_MAX && !span_has_control(text));
    return text.length;
}

static SmtpOwnRecipient own_recipient(const SmtpClientRecipient *recipient, char **texts)
{
    SmtpOwnRecipient own = {.mailbox = put_string(recipient->mailbox, texts),
                            .parameters = recipient->parameters};
    own.parameters.orcpt = put_text(recipient->parameters.orcpt, texts);
    return own;
}

/* How much room the texts take, once they have been looked at. */
static size_t texts_size(const SmtpClientTransaction *transaction)
{
    CHECK(transaction->parameters.envid.length <= ENVELOPE_ENVID_MAX);
    size_t size = check_mailbox(transaction->reverse_path) + 1;
    size += transaction->parameters.envid.length + 1 + transaction->content_front.length + 1;
    for (size_t i = 0; i < transaction->recipient_count; i++) {
        const SmtpClientRecipient *recipient = &transaction->recipients[i];
        CHECK(recipient->parameters.orcpt.length <= ENVELOPE_ORCPT_MAX);
        size += check_mailbox(recipient->mailbox) + 1 + recipient->parameters.orcpt.length + 1;
    }
    return size;
}

/* The front, and the parts behind it. */
static size_t part_count(const SmtpOwnTransaction *transaction)
{
    return 1 + transaction->content_count;
}

/* What it lies in; NULL: in the transaction. */
static const Octets *octets_at(const SmtpOwnTransaction *transaction, size_t index)
{
    return index == 0 ? NULL : transaction->content[index - 1].bytes;
}

static Span part_at(const SmtpOwnTransaction *transaction, size_t index)
{
    return index == 0 ? transaction->content_front : slice_span(transaction->content[index - 1]);
}

static uint64_t content_length(const SmtpOwnTransaction *transaction)
{
    uint64_t length = transaction->content_front.length;
    for (size_t i = 0; i < transaction->content_count; i++)
        length += transaction->content[i].length;
    return length;
}

SmtpOwnTransaction *smtp_own_transaction_new(const SmtpClientTransaction *transaction,
                                             bool send_bare_newlines, bool is_chunking)
{
    CHECK(transaction->recipient_count >= 1 &&
          transaction->recipient_count <= SMTP_CLIENT_RECIPIENTS_MAXIMUM);
    CHECK(transaction->content_count <= SMTP_CLIENT_PARTS_MAXIMUM);
    const size_t recipients = transaction->recipient_count * sizeof(SmtpOwnRecipient);
    const size_t contents = transaction->content_count * sizeof(Slice);
    SmtpOwnTransaction *own =
        g_malloc(sizeof *own + recipients + contents + texts_size(transaction));
    *own = (SmtpOwnTransaction){.recipient_count = (uint32_t)transaction->recipient_count,
                                .parameters = transaction->parameters};
    own->content = (Slice *)(own->recipients + own->recipient_count);
    char *texts = (char *)own->content + contents;
    own->reverse_path = put_string(transaction->reverse_path, &texts);
    own->parameters.envid = put_text(transaction->parameters.envid, &texts);
    for (size_t i = 0; i < own->recipient_count; i++)
        own->recipients[i] = own_recipient(&transaction->recipients[i], &texts);
    own->content_front = put_text(transaction->content_front, &texts);
    own->content_count = (uint32_t)transaction->content_count;
    own->is_plain = transaction->is_plain;
    for (size_t i = 0; i < own->content_count; i++)
        own->content[i] = slice_ref(transaction->content[i], 0, transaction->content[i].length);
    if (own->parameters.size == 0)
        own->parameters.size = content_length(own);
    own->encoder = smtp_content_encoder(send_bare_newlines, is_chunking);
    own->is_chunking = is_chunking;
    buffer_init(&own->chunk, SMTP_CLIENT_CHUNK_MAXIMUM);
    return own;
}

void smtp_own_transaction_free(SmtpOwnTransaction *transaction)
{
    if (transaction == NULL)
        return;
    for (size_t i = 0; i < transaction->content_count; i++)
        slice_clear(&transaction->content[i]);
    buffer_clear(&transaction->chunk);
    free_rare(transaction->obstacle);
    g_free(transaction);
}

/* What the server can take */

bool smtp_client_find_obstacle(SmtpClient *client, SmtpReply *refusal)
{
    const SmtpMailParameters *parameters = &client->transaction->parameters;
    uint32_t used = client->used_extensions;
    if (parameters->utf8 && !(used & SMTP_EXTENSION_SMTPUTF8)) {
        *refusal = smtp_reply(553, "5.6.7", "The server does not take UTF-8 addresses");
        return true;
    }
    if (parameters->body == SMTP_BODY_8BITMIME && !(used & SMTP_EXTENSION_8BITMIME)) {
        *refusal = smtp_reply(554, "5.6.3", "The server does not take 8-bit content");
        return true;
    }
    uint64_t maximum = client->abilities.size_maximum;
    bool limited = used & SMTP_EXTENSION_SIZE && maximum > 0;
    if (limited && parameters->size > maximum) {
        client->transaction->obstacle =
            g_strdup_printf("The message has %" G_GUINT64_FORMAT
                            " octets, and the server says to EHLO that it takes %" G_GUINT64_FORMAT,
                            parameters->size, maximum);
        *refusal = smtp_reply(552, "5.3.4", client->transaction->obstacle);
        return true;
    }
    return false;
}

/* Commands */

static bool append_path(Buffer *output, Span verb, const char *mailbox)
{
    size_t length = strlen(mailbox);
    uint8_t *out = buffer_add(output, verb.length + length + 1);
    if (out == NULL)
        return false;
    out = mempcpy(mempcpy(out, verb.data, verb.length), mailbox, length);
    *out = '>';
    return true;
}

/* Encodes content until it is at its end or `output` is full; true at its end. */
static bool encode_content(SmtpOwnTransaction *transaction, Buffer *output)
{
    enum { FINAL_DOT_ROOM = 8 };
    while (transaction->part < part_count(transaction)) {
        Span part = part_at(transaction, transaction->part);
        Span rest = span_skip(part, transaction->offset);
        buffer_expect(output, rest.length + FINAL_DOT_ROOM);
        transaction->offset += smtp_content_encoder_write(&transaction->encoder, rest, output);
        if (transaction->offset < part.length)
            return false;
        transaction->part++;
        transaction->offset = 0;
    }
    return smtp_content_encoder_finish(&transaction->encoder, output);
}

/* The next chunk as it will travel: its size must be known before it is sent. */
static void fill_chunk(SmtpOwnTransaction *transaction)
{
    transaction->all_sent = encode_content(transaction, &transaction->chunk);
}

static void send_command(SmtpClient *client, size_t index)
{
    const SmtpOwnTransaction *transaction = client->transaction;
    uint32_t used = client->used_extensions;
    Buffer *output = &client->output;
    size_t before = output->length;
    bool fits = false;
    if (index == 0) {
        fits = append_path(output, span_of_text("MAIL FROM:<"), transaction->reverse_path) &&
               smtp_mail_parameters_write(&transaction->parameters, used, output);
    } else if (index <= transaction->recipient_count) {
        const SmtpOwnRecipient *recipient = &transaction->recipients[index - 1];
        fits = append_path(output, span_of_text("RCPT TO:<"), recipient->mailbox) &&
               smtp_rcpt_parameters_write(&recipient->parameters, used, output);
    } else if (transaction->is_chunking) {
        fill_chunk(client->transaction);
        fits = buffer_append_format(output, "BDAT %u%s", transaction->chunk.length,
                                    transaction->all_sent ? " LAST" : "");
    } else {
        client->transaction->all_sent = true;
        fits = buffer_append_text(output, "DATA");
    }
    CHECK(fits && buffer_append_text(output, "\r\n"));
    smtp_client_observe_line(client, output->length - before);
}

/* Puts what has room of the present chunk into the output; true when none of it is left. */
static bool pump_chunk(SmtpClient *client)
{
    Buffer *chunk = &client->transaction->chunk;
    if (chunk->length == 0)
        return true;
    size_t count = MIN(chunk->length, smtp_client_output_room(client));
    buffer_append(&client->output, span_of(buffer_peek(chunk).data, count));
    buffer_consume(chunk, count);
    return chunk->length == 0;
}

void smtp_client_pump_commands(SmtpClient *client)
{
    SmtpOwnTransaction *transaction = client->transaction;
    bool pipelining = client->used_extensions & SMTP_EXTENSION_PIPELINING;
    while (pump_chunk(client) && !transaction->all_sent && client->state != SMTP_CLIENT_DRAIN &&
           (pipelining || transaction->sent == transaction->answered) &&
           smtp_client_output_room(client) >= SMTP_CLIENT_COMMAND_LINE_MAXIMUM) {
        size_t index = transaction->sent++;
        send_command(client, index);
    }
}

static bool is_plain(const SmtpOwnTransaction *transaction)
{
    for (size_t i = 0; i < part_count(transaction) && !transaction->is_plain; i++) {
        Span part = part_at(transaction, i);
        if (span_plain_lines_within(part, octets_at(transaction, i)) < part.length)
            return false;
    }
    return true;
}

/* Puts all parts but the last into the output, where they are small enough; see begin_lending. */
static bool put_front(SmtpClient *client)
{
    SmtpOwnTransaction *transaction = client->transaction;
    size_t last = part_count(transaction) - 1;
    size_t front = content_length(transaction) - part_at(transaction, last).length;
    if (front >= buffer_room(&client->output) - SMTP_CONTENT_FINISH_ROOM)
        return false;
    for (size_t i = 0; i < last; i++)
        buffer_append(&client->output, part_at(transaction, i));
    client->before_lent = (uint32_t)front;
    transaction->part = (uint32_t)last;
    return true;
}

/* Whether the content's last part, which mostly is nearly all of it, goes out by reference, and the
 * others are in the output: nothing in it has to be changed, and nothing else is in the output.
 * Records are cut where the output's pieces end, and so want it whole. */
static bool begin_lending(SmtpClient *client)
{
    const SmtpOwnTransaction *transaction = client->transaction;
    return transaction->content_count > 0 &&
           transaction->content[transaction->content_count - 1].length > 0 &&
           !client->is_encrypted && client->output.length == 0 && !client->is_lending &&
           is_plain(transaction) && put_front(client);
}

/* Lends as much of the content as the output has room for; true at its end. */
static bool lend_content(SmtpClient *client)
{
    SmtpOwnTransaction *transaction = client->transaction;
    const Slice *content = &transaction->content[transaction->part - 1];
    size_t room = smtp_client_output_room(client);
    size_t count = MIN(content->length - transaction->offset, room - MIN(room, 1));
    if (client->is_lending)
        client->lent.length += count; /* it ends where this begins */
    else if (count > 0)
        client->lent = slice_ref(*content, transaction->offset, count);
    client->is_lending = client->lent.length > 0;
    transaction->offset += count;
    return transaction->offset == content->length &&
           smtp_client_output_room(client) >= SMTP_CONTENT_FINISH_ROOM &&
           smtp_content_encoder_finish(&transaction->encoder, &client->output);
}

bool smtp_client_pump_content(SmtpClient *client)
{
    SmtpOwnTransaction *transaction = client->transaction;
    if (transaction->part == 0 && transaction->offset == 0 && !transaction->is_lent)
        transaction->is_lent = begin_lending(client);
    return transaction->is_lent ? lend_content(client)
                                : encode_content(transaction, &client->output);
}
