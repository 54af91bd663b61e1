/* Messages from hostile hands: header lines as each hop reads them, and text as an agent shows it.
 */
#include "core/check.h"
#include "mail/auto_reply.h"
#include "mail/message.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool is_own(void *owner, const Address *address)
{
    (void)owner;
    CHECK(strlen(address->local_part) <= ADDRESS_LOCAL_PART_MAX);
    return address->local_part[0] == 'b';
}

static void check_inside(Span part, Span whole)
{
    CHECK(part.length == 0 ||
          (part.data >= whole.data && part.data + part.length <= whole.data + whole.length));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    Span message = span_of(data, size), name, value;
    size_t position = 0, before = 0;
    unsigned received = 0;
    while (message_next_header(message, &position, &name, &value)) {
        CHECK(position > before && position <= size);
        check_inside(name, message);
        check_inside(value, message);
        received += span_equals_text_nocase(name, "Received");
        before = position;
    }
    CHECK(message_count_received(message) == received);
    CHECK(message_body_offset(message) <= size);
    check_inside(message_id_left(message), message);

    AutoReplyUser user = {is_own, NULL};
    auto_reply_find_rule(message, "alice@a.test", &user);
    CHECK(auto_reply_find_rule(message, "", &user) != NULL);

    g_autofree char *subject = message_dup_header_shown(message, "Subject");
    CHECK(subject == NULL || g_utf8_validate(subject, -1, NULL));
    g_autofree char *text = message_dup_text(message);
    CHECK(g_utf8_validate(text, -1, NULL));
    return 0;
}
