/* The IMAP client and server engines against each other: a user agent that reads, flags, files and
 * answers mail, over a pipe that cuts the bytes anywhere. */
#include "imap_test_node.h"
#include "pieces.h"
#include "proto/imap_client.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

typedef struct Pair {
    TestNode node;
    ImapServer *server;
    ImapClient *client;
    size_t largest; /* octets moved at once; 0: all there is */
    uint32_t seed;
    unsigned step; /* of the agent's plan */
    bool rev2;
    bool tells;   /* other sessions change the mailbox during IDLE */
    GString *log; /* what the agent sees */
    bool closed;
} Pair;

/* The agent's plan: one command after another, each when the last is complete. */
static uint32_t give_next(Pair *pair)
{
    ImapClient *client = pair->client;
    static const char answer[] = "From: bob@gmail.example\r\nSubject: Re: Lunch?\r\n\r\nYes.\r\n";
    g_autoptr(Octets) bytes = octets_new(answer, sizeof answer - 1);
    switch (pair->step++) {
    case 0:
        return imap_client_login(client, "bob", "secret");
    case 1:
        return pair->rev2 ? imap_client_enable_rev2(client) : imap_client_noop(client);
    case 2:
        return imap_client_list(client, "", "*");
    case 3:
        return imap_client_status(client, "INBOX");
    case 4:
        return imap_client_select(client, "INBOX", false);
    case 5:
        return imap_client_search(client, "UNSEEN");
    case 6:
        return imap_client_fetch(
            client, 1, UINT32_MAX,
            IMAP_NEED_FLAGS | IMAP_NEED_SIZE | IMAP_NEED_DATE | IMAP_NEED_CONTENT, false);
    case 7:
        return imap_client_store_flags(client, 11, 11, IMAP_STORE_ADD, IMAP_FLAG_ANSWERED);
    case 8:
        return imap_client_append(client, "INBOX", IMAP_FLAG_SEEN, "17-Jul-2026 02:44:25 -0700",
                                  (Slice){bytes, 0, sizeof answer - 1});
    case 9:
        return imap_client_move(client, 12, 12, "Work/Archive");
    case 10:
        return imap_client_idle(client);
    case 11:
        return imap_client_store_flags(client, 13, 13, IMAP_STORE_ADD, IMAP_FLAG_DELETED);
    case 12:
        return imap_client_expunge(client);
    case 13:
        return imap_client_close(client);
    default:
        return imap_client_logout(client);
    }
}

static void log_message(Pair *pair, const ImapClientEvent *event)
{
    g_autofree char *flags = imap_flags_text(event->flags);
    g_string_append_printf(pair->log, "message %u uid %u (%s) %.*s", event->number, event->uid,
                           flags, (int)event->content.length, (const char *)event->content.data);
    g_string_append_c(pair->log, '\n');
}

/* While the client idles, a message comes and the last one is flagged by someone else. */
static void change_mailbox(Pair *pair)
{
    TestMailbox *inbox = &pair->node.inbox;
    uint32_t uid = inbox->uid_next;
    test_mailbox_add_text(inbox, "Subject: new\r\n\r\n", 0);
    imap_server_tell_exists(pair->server, uid);
    imap_server_tell_flags(pair->server, 13, IMAP_FLAG_FLAGGED);
}

static void handle(Pair *pair, const ImapClientEvent *event)
{
    switch (event->kind) {
    case IMAP_CLIENT_COMMAND_LINE:
    case IMAP_CLIENT_RESPONSE_LINE:
        g_string_append_printf(pair->log, "%c: %.*s\n",
                               event->kind == IMAP_CLIENT_COMMAND_LINE ? 'C' : 'S',
                               (int)event->line.length, (const char *)event->line.data);
        return;
    case IMAP_CLIENT_STATE_CHANGED:
        assert_true(state_table_allows(&imap_client_table, event->from, event->to));
        return;
    case IMAP_CLIENT_GREETED:
        assert_true(give_next(pair) != 0);
        return;
    case IMAP_CLIENT_MESSAGE:
        log_message(pair, event);
        return;
    case IMAP_CLIENT_FOUND:
        g_string_append_printf(pair->log, "found %zu\n", event->number_count);
        return;
    case IMAP_CLIENT_IDLING:
        pair->tells = true;
        return;
    case IMAP_CLIENT_EXISTS:
        if (imap_server_is_idling(pair->server))
            assert_true(imap_client_idle_done(pair->client));
        return;
    case IMAP_CLIENT_DONE:
        assert_int_equal(event->result, IMAP_OK);
        assert_int_equal(event->tag, pair->step);
        if (imap_client_is_ready(pair->client))
            assert_true(give_next(pair) != 0);
        return;
    case IMAP_CLIENT_PROTOCOL_ERROR:
        fail_msg("%.*s", (int)event->text.length, (const char *)event->text.data);
        return;
    case IMAP_CLIENT_CLOSED:
        pair->closed = true;
        return;
    case IMAP_CLIENT_CAPABILITY:
    case IMAP_CLIENT_EXPUNGED:
    case IMAP_CLIENT_UID_VALIDITY:
    case IMAP_CLIENT_UID_NEXT:
    case IMAP_CLIENT_MAILBOX:
    case IMAP_CLIENT_STATUS:
    case IMAP_CLIENT_BYE:
        return;
    }
}

static void run_events(Pair *pair)
{
    ImapServerEvent asked;
    ImapClientEvent seen;
    while (imap_server_next_event(pair->server, &asked))
        test_node_handle(&pair->node, pair->server, &asked);
    while (imap_client_next_event(pair->client, &seen))
        handle(pair, &seen);
}

/* Carries some octets each way; false when nothing waits. */
static bool carry(Pair *pair)
{
    Span down = imap_server_peek_output(pair->server);
    size_t count = next_piece(MIN(down.length, imap_client_input_room(pair->client)), pair->largest,
                              &pair->seed);
    imap_client_receive(pair->client, span_of(down.data, count));
    imap_server_consume_output(pair->server, count);
    Span up = imap_client_peek_output(pair->client);
    size_t back = next_piece(MIN(up.length, imap_server_input_room(pair->server)), pair->largest,
                             &pair->seed);
    imap_server_receive(pair->server, span_of(up.data, back));
    imap_client_consume_output(pair->client, back);
    return count + back > 0;
}

static void play(Pair *pair, bool rev2, size_t largest, uint32_t seed)
{
    *pair = (Pair){.largest = largest, .seed = seed, .rev2 = rev2, .log = g_string_new(NULL)};
    test_node_init(&pair->node);
    pair->server = imap_server_new(&(ImapServerOptions){.host_name = "mx.test"});
    pair->client = imap_client_new(&(ImapClientOptions){0});
    do {
        run_events(pair);
        if (pair->tells)
            change_mailbox(pair);
        pair->tells = false;
        run_events(pair);
    } while (carry(pair));
}

static void pair_end(Pair *pair)
{
    imap_server_free(pair->server);
    imap_client_free(pair->client);
    test_node_clear(&pair->node);
    g_string_free(pair->log, TRUE);
}

static void expect_logged(const Pair *pair, const char *part)
{
    if (strstr(pair->log->str, part) == NULL)
        fail_msg("no \"%s\" in:\n%s", part, pair->log->str);
}

static void check_session(bool rev2)
{
    Pair pair;
    play(&pair, rev2, 0, 0);
    assert_true(pair.closed && pair.node.finished);
    assert_true(imap_client_is_finished(pair.client) && imap_server_is_finished(pair.server));
    expect_logged(&pair, rev2 ? "S: * ESEARCH (TAG \"A6\") UID ALL 12:13\nfound 2\n"
                              : "S: * SEARCH 12 13\nfound 2\n");
    expect_logged(&pair, "message 2 uid 12 (\\Seen) From: carol@isp.example\r\n");
    expect_logged(&pair, "message 1 uid 11 (\\Seen \\Answered) \n");
    expect_logged(&pair, "S: A9 OK [APPENDUID 7 14] APPEND completed\n");
    expect_logged(&pair, "S: * OK [COPYUID 7 12 101] Moved\nS: * 2 EXPUNGE\n");
    expect_logged(&pair, "S: * 4 EXISTS\n");
    expect_logged(&pair, "message 2 uid 13 (\\Flagged) \n");
    /* What is left at the server: 11, the answer and the new one. */
    assert_int_equal(pair.node.inbox.count, 3);
    assert_int_equal(pair.node.archive.count, 1);
    assert_int_equal(pair.node.inbox.messages[0].flags, IMAP_FLAG_SEEN | IMAP_FLAG_ANSWERED);
    pair_end(&pair);
}

static void test_rev1_session(void **state)
{
    (void)state;
    check_session(false);
}

static void test_rev2_session(void **state)
{
    (void)state;
    check_session(true);
}

/* What each side has recorded of the other's lines is the same. */
static void test_both_sides_show_the_same_lines(void **state)
{
    (void)state;
    Pair pair;
    play(&pair, false, 0, 0);
    g_auto(GStrv) lines = g_strsplit(pair.node.log->str, "\n", -1);
    unsigned compared = 0;
    for (size_t i = 0; lines[i] != NULL; i++) {
        if (!g_str_has_prefix(lines[i], "C: ") && !g_str_has_prefix(lines[i], "S: "))
            continue;
        g_autofree char *line = g_strdup_printf("%s\n", lines[i]);
        expect_logged(&pair, line);
        compared++;
    }
    assert_true(compared > 50);
    pair_end(&pair);
}

static void test_cuts_change_nothing(void **state)
{
    (void)state;
    Pair whole;
    play(&whole, true, 0, 0);
    for (uint32_t seed = 1; seed < 40; seed++) {
        Pair pieces;
        play(&pieces, true, seed == 1 ? 1 : 50, seed);
        assert_string_equal(pieces.log->str, whole.log->str);
        assert_string_equal(pieces.node.log->str, whole.node.log->str);
        pair_end(&pieces);
    }
    pair_end(&whole);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rev1_session),
        cmocka_unit_test(test_rev2_session),
        cmocka_unit_test(test_both_sides_show_the_same_lines),
        cmocka_unit_test(test_cuts_change_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
