/* Any bytes from a server: the client engine stays within its limits. The first octet says how the
 * bytes are cut on their way, the second which command is given whenever one may be. */
#include "core/check.h"
#include "proto/imap_client.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void give_command(ImapClient *client, unsigned choice)
{
    imap_client_login(client, "u", "p");
    switch (choice % 6) {
    case 0:
        imap_client_fetch(client, 1, UINT32_MAX, IMAP_NEED_CONTENT, false);
        break;
    case 1:
        imap_client_search(client, "ALL");
        break;
    case 2:
        imap_client_idle(client);
        break;
    case 3:
        imap_client_append(client, "x", 0, NULL, (Slice){0});
        break;
    case 4:
        imap_client_close(client);
        break;
    default:
        imap_client_logout(client);
        break;
    }
    imap_client_select(client, "INBOX", false);
}

static void pump(ImapClient *client, unsigned choice)
{
    ImapClientEvent event;
    size_t spanned = 0;
    do {
        while (imap_client_next_event(client, &event)) {
            spanned += event.content.length + event.text.length + event.mailbox.length;
            for (size_t i = 0; i < event.number_count; i++)
                spanned += event.numbers[i];
        }
        if (imap_client_is_ready(client))
            give_command(client, choice);
        Span output = imap_client_peek_output(client);
        imap_client_consume_output(client, output.length);
    } while (imap_client_next_event(client, &event));
    CHECK(spanned < SIZE_MAX);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 2)
        return 0;
    const ImapClientOptions options = {.line_maximum = 512, .literal_maximum = 1024};
    ImapClient *client = imap_client_new(&options);
    size_t cut = data[0] == 0 ? size : data[0];
    Span rest = span_of(data + 2, size - 2);
    while (rest.length > 0) {
        size_t count = MIN(MIN(rest.length, cut), imap_client_input_room(client));
        CHECK(count > 0);
        imap_client_receive(client, span_of(rest.data, count));
        rest = span_skip(rest, count);
        pump(client, data[1]);
    }
    imap_client_receive_end(client);
    pump(client, data[1]);
    CHECK(imap_client_is_finished(client));
    imap_client_free(client);
    return 0;
}
