/* Any bytes from a client: the server engine keeps its promises to the node. The first octet says
 * how the bytes are cut on their way. */
#include "../imap_test_node.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    const ImapServerOptions options = {
        .host_name = "mx.test", .line_maximum = 512, .append_maximum = 1024};
    TestNode node;
    test_node_init(&node);
    ImapServer *server = imap_server_new(&options);
    Span rest = span_of(data + 1, size - 1);
    size_t cut = data[0] == 0 ? size : data[0];
    while (rest.length > 0) {
        size_t count = MIN(MIN(rest.length, cut), imap_server_input_room(server));
        CHECK(count > 0);
        imap_server_receive(server, span_of(rest.data, count));
        rest = span_skip(rest, count);
        test_node_pump(&node, server);
    }
    imap_server_tell_exists(server, node.inbox.uid_next);
    imap_server_receive_end(server);
    test_node_pump(&node, server);
    CHECK(node.finished && imap_server_is_finished(server));
    imap_server_free(server);
    test_node_clear(&node);
    return 0;
}
