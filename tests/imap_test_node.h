/* A node with mailboxes in memory, for the tests of the IMAP engines: it answers every question at
 * once and writes down what happens. */
#pragma once

#include "core/check.h"
#include "mail/date.h"
#include "proto/imap_server.h"

#include <string.h>

enum { TEST_MESSAGES_MAXIMUM = 64 };

typedef struct TestMessage {
    uint32_t uid;
    ImapFlags flags;
    Octets *content;
    char *date; /* NULL: the node's own */
} TestMessage;

typedef struct TestMailbox {
    const char *name;
    TestMessage messages[TEST_MESSAGES_MAXIMUM];
    size_t count;
    uint32_t uid_next;
} TestMailbox;

typedef struct TestNode {
    TestMailbox inbox, archive;
    TestMailbox *selected;
    GString *log;      /* questions, command lines and changes of state */
    GString *sent;     /* everything the server has sent */
    uint32_t vanished; /* this UID is gone when it is asked about, though nothing told of it */
    bool finished;
    GPtrArray *subscriptions; /* of names */
} TestNode;

static inline void test_mailbox_add(TestMailbox *mailbox, const void *data, size_t length,
                                    ImapFlags flags)
{
    if (mailbox->count == TEST_MESSAGES_MAXIMUM)
        return;
    mailbox->messages[mailbox->count++] =
        (TestMessage){mailbox->uid_next++, flags, octets_new(data, length), NULL};
}

static inline void test_mailbox_add_text(TestMailbox *mailbox, const char *text, ImapFlags flags)
{
    test_mailbox_add(mailbox, text, strlen(text), flags);
}

static inline TestMessage *test_mailbox_find(TestMailbox *mailbox, uint32_t uid)
{
    for (size_t i = 0; i < mailbox->count; i++) {
        if (mailbox->messages[i].uid == uid)
            return &mailbox->messages[i];
    }
    return NULL;
}

static inline void test_mailbox_remove(TestMailbox *mailbox, uint32_t uid)
{
    TestMessage *message = test_mailbox_find(mailbox, uid);
    CHECK(message != NULL);
    octets_unref(message->content);
    g_free(message->date);
    size_t behind = mailbox->count - (size_t)(message - mailbox->messages) - 1;
    memmove(message, message + 1, behind * sizeof *message);
    mailbox->count--;
}

static inline void test_node_init(TestNode *node)
{
    *node = (TestNode){.log = g_string_new(NULL),
                       .sent = g_string_new(NULL),
                       .subscriptions = g_ptr_array_new_with_free_func(g_free)};
    node->inbox = (TestMailbox){.name = "INBOX", .uid_next = 11};
    node->archive = (TestMailbox){.name = "Work/Archive", .uid_next = 101};
    test_mailbox_add_text(&node->inbox,
                          "From: alice@naver.example\r\nSubject: Lunch?\r\n"
                          "To: bob@gmail.example\r\n\r\nAt noon.\r\n",
                          IMAP_FLAG_SEEN);
    test_mailbox_add_text(
        &node->inbox, "From: carol@isp.example\r\nSubject: A\r\n folded one\r\n\r\nHello.\r\n", 0);
    test_mailbox_add_text(&node->inbox, "Subject: last\r\n\r\n", IMAP_FLAG_FLAGGED);
}

static inline void test_mailbox_clear(TestMailbox *mailbox)
{
    while (mailbox->count > 0)
        test_mailbox_remove(mailbox, mailbox->messages[0].uid);
}

static inline void test_node_clear(TestNode *node)
{
    test_mailbox_clear(&node->inbox);
    test_mailbox_clear(&node->archive);
    g_ptr_array_unref(node->subscriptions);
    g_string_free(node->log, TRUE);
    g_string_free(node->sent, TRUE);
}

static inline TestMailbox *test_node_mailbox(TestNode *node, Span name)
{
    if (span_equals(name, span_of_text(node->inbox.name)))
        return &node->inbox;
    return span_equals(name, span_of_text(node->archive.name)) ? &node->archive : NULL;
}

static inline void test_answer_select(TestNode *node, ImapServer *server,
                                      const ImapServerEvent *event)
{
    TestMailbox *mailbox = test_node_mailbox(node, event->mailbox);
    uint32_t uids[TEST_MESSAGES_MAXIMUM];
    if (mailbox == NULL) {
        imap_server_answer_no(server, event->token, "NONEXISTENT", "No such mailbox");
        return;
    }
    node->selected = mailbox;
    ImapServerMailbox answer = {.uid_validity = 7,
                                .uid_next = mailbox->uid_next,
                                .uids = uids,
                                .count = mailbox->count,
                                .read_only = event->read_only};
    for (size_t i = 0; i < mailbox->count; i++) {
        uids[i] = mailbox->messages[i].uid;
        if (answer.first_unseen == 0 && (mailbox->messages[i].flags & IMAP_FLAG_SEEN) == 0)
            answer.first_unseen = i + 1;
    }
    imap_server_answer_mailbox(server, event->token, &answer);
}

static inline void test_answer_status(TestNode *node, ImapServer *server,
                                      const ImapServerEvent *event)
{
    TestMailbox *mailbox = test_node_mailbox(node, event->mailbox);
    if (mailbox == NULL) {
        imap_server_answer_no(server, event->token, "NONEXISTENT", NULL);
        return;
    }
    ImapStatus status = {
        .messages = (uint32_t)mailbox->count, .uid_next = mailbox->uid_next, .uid_validity = 7};
    for (size_t i = 0; i < mailbox->count; i++) {
        status.unseen += (mailbox->messages[i].flags & IMAP_FLAG_SEEN) == 0;
        status.deleted += (mailbox->messages[i].flags & IMAP_FLAG_DELETED) != 0;
        status.size_octets += octets_length(mailbox->messages[i].content);
    }
    imap_server_answer_status(server, event->token, &status);
}

static inline void test_answer_message(TestNode *node, ImapServer *server,
                                       const ImapServerEvent *event)
{
    TestMessage *message = test_mailbox_find(node->selected, event->uid);
    if (message == NULL || event->uid == node->vanished) {
        imap_server_answer_no(server, event->token, NULL, NULL);
        return;
    }
    size_t size = octets_length(message->content);
    ImapServerMessage answer = {0};
    if (event->needs & IMAP_NEED_FLAGS)
        answer.flags = message->flags;
    if (event->needs & IMAP_NEED_SIZE)
        answer.size_octets = size;
    if (event->needs & IMAP_NEED_DATE)
        answer.date = message->date != NULL ? message->date
                      : event->uid == 11    ? " 2-Mar-2026 09:00:00 +0900"
                                            : "17-Jul-2026 02:44:25 -0700";
    if (event->needs & IMAP_NEED_CONTENT)
        answer.content = (Slice){message->content, 0, size};
    imap_server_answer_message(server, event->token, &answer);
}

static inline void test_answer_store(TestNode *node, ImapServer *server,
                                     const ImapServerEvent *event)
{
    TestMessage *message = test_mailbox_find(node->selected, event->uid);
    if (message == NULL || event->uid == node->vanished) {
        imap_server_answer_no(server, event->token, NULL, NULL);
        return;
    }
    message->flags = imap_flags_after_store(message->flags, event->mode, event->flags);
    imap_server_answer_flags(server, event->token, message->flags);
}

static inline void test_answer_append(TestNode *node, ImapServer *server,
                                      const ImapServerEvent *event)
{
    TestMailbox *mailbox = test_node_mailbox(node, event->mailbox);
    if (mailbox == NULL) {
        imap_server_answer_no(server, event->token, "TRYCREATE", "No such mailbox");
        return;
    }
    uint32_t uid = mailbox->uid_next;
    test_mailbox_add(mailbox, event->content.data, event->content.length, event->flags);
    if (event->has_date && mailbox->uid_next > uid) {
        TestMessage *added = &mailbox->messages[mailbox->count - 1];
        added->date = g_malloc(MAIL_INTERNAL_DATE_SIZE);
        mail_format_internal_date(event->date_unix, 0, added->date);
    }
    if (mailbox == &node->inbox)
        imap_server_tell_exists(server, uid);
    imap_server_answer_copied(server, event->token, 7, &uid, 1);
}

/* COPY or MOVE out of the selected mailbox. */
static inline void test_answer_copy(TestNode *node, ImapServer *server,
                                    const ImapServerEvent *event)
{
    TestMailbox *mailbox = test_node_mailbox(node, event->mailbox);
    uint32_t uids[TEST_MESSAGES_MAXIMUM];
    if (mailbox == NULL) {
        imap_server_answer_no(server, event->token, "TRYCREATE", "No such mailbox");
        return;
    }
    for (size_t i = 0; i < event->uid_count; i++) {
        const TestMessage *message = test_mailbox_find(node->selected, event->uids[i]);
        uids[i] = mailbox->uid_next;
        size_t size = octets_length(message->content);
        const void *data = octets_data(message->content);
        test_mailbox_add(mailbox, data, size, message->flags);
        if (event->kind == IMAP_SERVER_ASK_MOVE)
            test_mailbox_remove(node->selected, event->uids[i]);
    }
    imap_server_answer_copied(server, event->token, 7, uids, event->uid_count);
}

static inline void test_answer_expunge(TestNode *node, ImapServer *server,
                                       const ImapServerEvent *event)
{
    uint32_t uids[TEST_MESSAGES_MAXIMUM];
    size_t count = 0;
    for (size_t i = 0; i < event->uid_count; i++) {
        const TestMessage *message = test_mailbox_find(node->selected, event->uids[i]);
        if (message == NULL || (message->flags & IMAP_FLAG_DELETED) == 0)
            continue;
        uids[count++] = event->uids[i];
        test_mailbox_remove(node->selected, event->uids[i]);
    }
    imap_server_answer_removed(server, event->token, uids, count);
}

static inline void test_answer_close(TestNode *node, ImapServer *server,
                                     const ImapServerEvent *event)
{
    for (size_t i = node->selected->count; event->expunge && i-- > 0;) {
        if (node->selected->messages[i].flags & IMAP_FLAG_DELETED)
            test_mailbox_remove(node->selected, node->selected->messages[i].uid);
    }
    imap_server_answer_ok(server, event->token);
}

static inline bool test_find_subscription(const TestNode *node, const char *name, guint *place)
{
    return g_ptr_array_find_with_equal_func(node->subscriptions, name, g_str_equal, place);
}

static inline void test_answer_list(TestNode *node, ImapServer *server,
                                    const ImapServerEvent *event)
{
    enum { FOLDERS = 2 };
    ImapListEntry entries[FOLDERS + TEST_MESSAGES_MAXIMUM] = {
        {node->inbox.name, 0},
        {node->archive.name, IMAP_LIST_ARCHIVE},
    };
    size_t count = FOLDERS;
    for (guint i = 0; i < node->subscriptions->len; i++) {
        const char *name = node->subscriptions->pdata[i];
        size_t at = 0;
        while (at < FOLDERS && strcmp(entries[at].name, name) != 0)
            at++;
        if (at == FOLDERS)
            entries[at = count++] = (ImapListEntry){name, IMAP_LIST_NONEXISTENT};
        entries[at].attributes |= IMAP_LIST_SUBSCRIBED;
    }
    imap_server_answer_list(server, event->token, entries, count);
}

static inline void test_answer_subscribe(TestNode *node, ImapServer *server,
                                         const ImapServerEvent *event)
{
    g_autofree char *name = span_dup_text(event->mailbox);
    guint place = 0;
    bool is_there = test_find_subscription(node, name, &place);
    if (event->subscribes && !is_there && node->subscriptions->len == TEST_MESSAGES_MAXIMUM) {
        imap_server_answer_no(server, event->token, "LIMIT", "Too many");
        return;
    }
    if (event->subscribes && !is_there)
        g_ptr_array_add(node->subscriptions, g_steal_pointer(&name));
    else if (!event->subscribes && is_there)
        g_ptr_array_remove_index(node->subscriptions, place);
    imap_server_answer_ok(server, event->token);
}

static inline void test_log_span(TestNode *node, const char *label, Span span)
{
    g_string_append_printf(node->log, "%s%.*s\n", label, (int)span.length, (const char *)span.data);
}

static inline void test_answer_login(TestNode *node, ImapServer *server,
                                     const ImapServerEvent *event)
{
    test_log_span(node, "login ", event->user);
    if (span_equals(event->password, span_of_text("secret")))
        imap_server_answer_ok(server, event->token);
    else
        imap_server_answer_no(server, event->token, "AUTHENTICATIONFAILED", "Wrong password");
}

static inline void test_answer_name(TestNode *node, ImapServer *server,
                                    const ImapServerEvent *event)
{
    test_log_span(node, "name ", event->mailbox);
    if (event->kind == IMAP_SERVER_ASK_RENAME)
        test_log_span(node, "new name ", event->new_name);
    if (test_node_mailbox(node, event->mailbox) == NULL)
        imap_server_answer_ok(server, event->token);
    else
        imap_server_answer_no(server, event->token, "CANNOT", "Not this mailbox");
}

static inline void test_node_handle(TestNode *node, ImapServer *server,
                                    const ImapServerEvent *event)
{
    switch (event->kind) {
    case IMAP_SERVER_COMMAND_LINE:
        test_log_span(node, "C: ", event->line);
        return;
    case IMAP_SERVER_RESPONSE_LINE:
        test_log_span(node, "S: ", event->line);
        return;
    case IMAP_SERVER_STATE_CHANGED:
        CHECK(state_table_allows(&imap_server_table, event->from, event->to));
        g_string_append_printf(node->log, "%s -> %s\n", imap_server_table.states[event->from],
                               imap_server_table.states[event->to]);
        return;
    case IMAP_SERVER_ASK_LOGIN:
        test_answer_login(node, server, event);
        return;
    case IMAP_SERVER_ASK_SELECT:
        test_answer_select(node, server, event);
        return;
    case IMAP_SERVER_ASK_CLOSE:
        test_answer_close(node, server, event);
        return;
    case IMAP_SERVER_ASK_CREATE:
    case IMAP_SERVER_ASK_DELETE:
    case IMAP_SERVER_ASK_RENAME:
        test_answer_name(node, server, event);
        return;
    case IMAP_SERVER_ASK_SUBSCRIBE:
        test_answer_subscribe(node, server, event);
        return;
    case IMAP_SERVER_ASK_LIST:
        test_answer_list(node, server, event);
        return;
    case IMAP_SERVER_ASK_STATUS:
        test_answer_status(node, server, event);
        return;
    case IMAP_SERVER_ASK_APPEND:
        test_answer_append(node, server, event);
        return;
    case IMAP_SERVER_ASK_MESSAGE:
        test_answer_message(node, server, event);
        return;
    case IMAP_SERVER_ASK_STORE:
        test_answer_store(node, server, event);
        return;
    case IMAP_SERVER_ASK_COPY:
    case IMAP_SERVER_ASK_MOVE:
        test_answer_copy(node, server, event);
        return;
    case IMAP_SERVER_ASK_EXPUNGE:
        test_answer_expunge(node, server, event);
        return;
    case IMAP_SERVER_FINISHED:
        node->finished = true;
        return;
    }
}

/* Moves everything the server has to send to `sent`, and lets it go on. */
static inline void test_node_pump(TestNode *node, ImapServer *server)
{
    ImapServerEvent event;
    Span output;
    do {
        while (imap_server_next_event(server, &event))
            test_node_handle(node, server, &event);
        output = imap_server_peek_output(server);
        g_string_append_len(node->sent, (const char *)output.data, (gssize)output.length);
        imap_server_consume_output(server, output.length);
    } while (output.length > 0);
}
