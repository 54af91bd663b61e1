/* Messages from hostile hands: header lines as each hop reads them, text as an agent shows it,
 * and addresses and parts as an IMAP server tells them. */
#include "core/check.h"
#include "mail/auto_reply.h"
#include "mail/mailbox_list.h"
#include "mail/message.h"
#include "mail/mime_tree.h"

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

/* Parts lie within what holds them, and in their order. */
static void check_parts(const MimePart *part, unsigned depth)
{
    CHECK(depth <= MIME_DEPTH_MAX);
    CHECK(part->content.type != NULL && part->content.subtype != NULL);
    CHECK(!mime_part_is_message(part) || part->part_count == 1);
    const uint8_t *end = part->body.data;
    for (size_t i = 0; i < part->part_count; i++) {
        const MimePart *child = part->parts[i];
        check_inside(child->header, part->body);
        check_inside(child->body, part->body);
        CHECK(child->header.length == 0 || child->header.data >= end);
        if (child->body.length > 0)
            end = child->body.data + child->body.length;
        check_parts(child, depth + 1);
    }
    Octets *decoded = mime_part_decode(part);
    if (decoded != NULL)
        octets_unref(decoded);
}

static void check_mailboxes(Span value)
{
    GArray *items = mailbox_list_parse(value);
    CHECK(items->len <= MAILBOX_LIST_MAX);
    bool is_in_group = false;
    for (guint i = 0; i < items->len; i++) {
        const MailboxItem *item = &g_array_index(items, MailboxItem, i);
        CHECK((item->kind == MAILBOX_ITEM_GROUP_END) <= is_in_group);
        CHECK((item->kind == MAILBOX_ITEM_GROUP) + is_in_group <= 1);
        if (item->kind != MAILBOX_ITEM)
            is_in_group = item->kind == MAILBOX_ITEM_GROUP;
        CHECK((item->kind == MAILBOX_ITEM) == (item->local_part != NULL));
    }
    CHECK(!is_in_group);
    g_array_unref(items);
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
        check_mailboxes(value);
        received += span_equals_text_nocase(name, "Received");
        before = position;
    }
    CHECK(message_count_received(message) == received);
    MessageSurvey survey = message_survey(message);
    CHECK(survey.received == received && survey.body_offset == message_body_offset(message));
    CHECK(survey.id_left.length == message_id_left(message).length);
    CHECK(message_body_offset(message) <= size);
    check_inside(message_id_left(message), message);

    AutoReplyUser user = {is_own, NULL};
    auto_reply_find_rule(message, "alice@a.test", &user);
    CHECK(auto_reply_find_rule(message, "", &user) != NULL);

    g_autofree char *subject = message_dup_header_shown(message, "Subject");
    CHECK(subject == NULL || g_utf8_validate(subject, -1, NULL));
    g_autofree char *text = message_dup_text(message);
    CHECK(g_utf8_validate(text, -1, NULL));

    MimePart *root = mime_tree_new(message);
    check_parts(root, 0);
    mime_tree_free(root);
    return 0;
}
