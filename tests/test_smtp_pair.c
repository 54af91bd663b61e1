/* Tests of both SMTP engines together, in memory: what one sends the other receives, in pieces of
 * any size, and every message arrives byte for byte. */
#include "pieces.h"
#include "proto/smtp_client.h"
#include "proto/smtp_server.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

typedef struct Pair {
    SmtpServer *server;
    SmtpClient *client;
    size_t largest; /* octets moved at once; 0: all there is */
    uint32_t seed;
    GByteArray *content; /* of the present message */
    GString *log;        /* the server's events, the client's results */
    GPtrArray *messages; /* Octets to be sent one after the other */
    size_t next_message;
    bool bad_recipients;  /* refuse every recipient */
    size_t pieces_shared; /* of the content, that came by reference */
    bool is_by_reference; /* messages in one part, output as slices */
} Pair;

static Pair *pair_new(const SmtpServerOptions *server, const SmtpClientOptions *client)
{
    Pair *pair = g_new0(Pair, 1);
    pair->server = smtp_server_new(server);
    pair->client = smtp_client_new(client);
    pair->content = g_byte_array_new();
    pair->log = g_string_new(NULL);
    pair->messages = g_ptr_array_new_with_free_func((GDestroyNotify)octets_unref);
    return pair;
}

static Pair *pair_default(void)
{
    SmtpServerOptions server = smtp_server_options("b.example");
    SmtpClientOptions client = smtp_client_options("a.example");
    return pair_new(&server, &client);
}

static void pair_free(Pair *pair)
{
    smtp_server_free(pair->server);
    smtp_client_free(pair->client);
    g_byte_array_unref(pair->content);
    g_string_free(pair->log, TRUE);
    g_ptr_array_unref(pair->messages);
    g_free(pair);
}

static void add_message(Pair *pair, const void *data, size_t length)
{
    g_ptr_array_add(pair->messages, octets_new(data, length));
}

/* A piece is said to lie in shared bytes only if it does. */
static void take_content(Pair *pair, const SmtpServerEvent *event)
{
    if (event->within != NULL) {
        size_t size = octets_length(event->within);
        const uint8_t *data = octets_data(event->within);
        assert_true(event->content.data >= data &&
                    event->content.data + event->content.length <= data + size);
        pair->pieces_shared++;
    }
    g_byte_array_append(pair->content, event->content.data, (guint)event->content.length);
}

/* What the engine says of a message is so; that lines are plain it need not know. */
static void assert_flags(const SmtpServerEvent *event, Span content)
{
    assert_int_equal(event->message.is_beyond_ascii, !span_is_ascii(content));
    if (event->message.is_plain)
        assert_int_equal(span_plain_lines(content), content.length);
}

/* The server's node takes everything, and writes down a checksum of each message. */
static void serve(Pair *pair)
{
    SmtpServerEvent event;
    while (smtp_server_next_event(pair->server, &event)) {
        if (event.kind == SMTP_SERVER_EVENT_MAIL)
            g_byte_array_set_size(pair->content, 0);
        if (event.kind == SMTP_SERVER_EVENT_CONTENT)
            take_content(pair, &event);
        if (event.kind == SMTP_SERVER_EVENT_MESSAGE_END) {
            assert_flags(&event, span_of(pair->content->data, pair->content->len));
            g_autofree char *sum = g_compute_checksum_for_data(
                G_CHECKSUM_SHA256, pair->content->data, pair->content->len);
            g_string_append_printf(pair->log, "message %u %s\n", pair->content->len, sum);
        }
        if (event.kind == SMTP_SERVER_EVENT_RESET)
            g_string_append(pair->log, "reset\n");
        if (event.kind == SMTP_SERVER_EVENT_CLOSED)
            g_string_append_printf(pair->log, "server closed %d\n", (int)event.closed);
        if (event.kind == SMTP_SERVER_EVENT_RCPT && pair->bad_recipients)
            smtp_server_answer(pair->server, event.token, smtp_reply(550, "5.1.1", "nobody"));
        else if (event.token != 0)
            smtp_server_accept(pair->server, event.token);
    }
}

static void send_next(Pair *pair)
{
    static const SmtpClientRecipient recipients[] = {{.mailbox = "bob@b.example"},
                                                     {.mailbox = "carol@b.example"}};
    if (pair->next_message == pair->messages->len) {
        smtp_client_quit(pair->client);
        return;
    }
    Octets *bytes = g_ptr_array_index(pair->messages, pair->next_message++);
    size_t half = octets_length(bytes) / 2;
    /* In two parts, so that a line and even a CRLF may lie across them. */
    Slice parts[] = {slice_new(bytes, 0, half),
                     slice_new(bytes, half, octets_length(bytes) - half)};
    SmtpClientTransaction transaction = {.reverse_path = "alice@a.example",
                                         .recipients = recipients,
                                         .recipient_count = G_N_ELEMENTS(recipients),
                                         .content = parts,
                                         .content_count = G_N_ELEMENTS(parts)};
    Span front = slice_span(parts[0]);
    if (pair->is_by_reference) { /* whole lines first, and the rest of them in one part */
        while (front.length > 0 && front.data[front.length - 1] != '\n')
            front.length--;
        transaction.content_front = front;
        parts[0].offset += front.length;
        parts[0].length += parts[1].length - front.length;
        transaction.content_count = 1;
    }
    smtp_client_send(pair->client, &transaction);
    slice_clear(&parts[0]);
    slice_clear(&parts[1]);
}

static void work(Pair *pair)
{
    SmtpClientEvent event;
    while (smtp_client_next_event(pair->client, &event)) {
        if (event.kind == SMTP_CLIENT_EVENT_READY)
            send_next(pair);
        if (event.kind == SMTP_CLIENT_EVENT_RECIPIENT_RESULT)
            g_string_append_printf(pair->log, "result %zu %s %d\n", event.result.index,
                                   smtp_stage_name(event.result.stage), event.result.reply.code);
        if (event.kind == SMTP_CLIENT_EVENT_TRANSACTION_DONE)
            g_string_append_printf(pair->log, "done %zu\n", event.done.delivered);
        if (event.kind == SMTP_CLIENT_EVENT_CLOSED)
            g_string_append_printf(pair->log, "client closed %d\n", (int)event.closed.reason);
    }
}

/* Octets of the client's output as slices; there may be more of them than peek_output shows. */
static bool move_slices_to_server(Pair *pair)
{
    Slice slices[SMTP_OUTPUT_SLICES_MAXIMUM];
    size_t room = next_piece(smtp_server_input_room(pair->server), pair->largest, &pair->seed);
    size_t count = smtp_client_take_output(pair->client, room, slices);
    for (size_t i = 0; i < count; i++)
        smtp_server_take_input(pair->server, slices[i]);
    return count > 0;
}

static bool move_to_server(Pair *pair)
{
    if (pair->is_by_reference)
        return move_slices_to_server(pair);
    Span output = smtp_client_peek_output(pair->client);
    size_t length = MIN(output.length, smtp_server_input_room(pair->server));
    length = next_piece(length, pair->largest, &pair->seed);
    if (output.length == 0 || length == 0 || smtp_server_input_room(pair->server) == 0)
        return false;
    smtp_server_receive(pair->server, span_of(output.data, length));
    smtp_client_consume_output(pair->client, length);
    return true;
}

static bool move_slices_to_client(Pair *pair)
{
    Slice slices[SMTP_OUTPUT_SLICES_MAXIMUM];
    size_t room = next_piece(smtp_client_input_room(pair->client), pair->largest, &pair->seed);
    size_t count = smtp_server_take_output(pair->server, room, slices);
    for (size_t i = 0; i < count; i++)
        smtp_client_take_input(pair->client, slices[i]);
    return count > 0;
}

static bool move_to_client(Pair *pair)
{
    if (pair->is_by_reference)
        return move_slices_to_client(pair);
    Span output = smtp_server_peek_output(pair->server);
    size_t length = MIN(output.length, smtp_client_input_room(pair->client));
    length = next_piece(length, pair->largest, &pair->seed);
    if (output.length == 0 || length == 0 || smtp_client_input_room(pair->client) == 0)
        return false;
    smtp_client_receive(pair->client, span_of(output.data, length));
    smtp_server_consume_output(pair->server, length);
    return true;
}

/* Lets both work until nothing moves. */
static void play(Pair *pair)
{
    bool moved = true;
    while (moved) {
        serve(pair);
        work(pair);
        moved = move_to_server(pair);
        serve(pair);
        moved |= move_to_client(pair);
    }
    work(pair);
}

static void assert_log_has(const Pair *pair, const char *part)
{
    if (strstr(pair->log->str, part) == NULL)
        fail_msg("not in the log: %s\n%s", part, pair->log->str);
}

/* What must arrive: the content, ended by CRLF. */
static char *expected_line(Octets *bytes)
{
    size_t length = octets_length(bytes);
    const uint8_t *data = octets_data(bytes);
    g_autoptr(GByteArray) whole = g_byte_array_new();
    g_byte_array_append(whole, data, (guint)length);
    bool ended = length == 0 || (length >= 2 && memcmp(data + length - 2, "\r\n", 2) == 0);
    if (!ended)
        g_byte_array_append(whole, (const uint8_t *)"\r\n", 2);
    g_autofree char *sum = g_compute_checksum_for_data(G_CHECKSUM_SHA256, whole->data, whole->len);
    return g_strdup_printf("message %u %s\n", whole->len, sum);
}

static void add_contents(Pair *pair)
{
    static const char *const texts[] = {
        "",
        "\r\n",
        ".",
        ".\r\n",
        "..\r\n",
        "\r\n.\r\n",
        "a\r\n.\r\nMAIL FROM:<eve@a.example>\r\n.\r\n..\r\n...\r\nend\r\n",
        "no line end",
        ".no line end.",
        "Subject: x\r\n\r\n\xea\xb0\x80\xff\x80\r\n",
    };
    for (size_t i = 0; i < G_N_ELEMENTS(texts); i++)
        add_message(pair, texts[i], strlen(texts[i]));
    add_message(pair, "nul\0inside\r\n", 12);
    /* Larger than the output, and nothing is to be changed in it. */
    g_autoptr(GString) plain = g_string_new("Subject: plain\r\n\r\n");
    for (size_t i = 0; plain->len < 2 * SMTP_CLIENT_OUTPUT_MAXIMUM; i++)
        g_string_append_printf(plain, "%zu lines come before this one.\r\n", i);
    add_message(pair, plain->str, plain->len);
}

static bool chunking;     /* offered by play_contents */
static bool by_reference; /* what play_contents moves */

static void play_contents(bool pipelining, size_t largest, uint32_t seed)
{
    SmtpServerOptions server = smtp_server_options("b.example");
    SmtpClientOptions client = smtp_client_options("a.example");
    if (chunking)
        server.extensions |= SMTP_EXTENSION_CHUNKING;
    if (!pipelining)
        client.extensions &= ~(uint32_t)SMTP_EXTENSION_PIPELINING;
    Pair *pair = pair_new(&server, &client);
    pair->largest = largest;
    pair->seed = seed;
    pair->is_by_reference = by_reference;
    add_contents(pair);
    play(pair);
    const char *log = pair->log->str;
    for (size_t i = 0; i < pair->messages->len; i++) {
        g_autofree char *line = expected_line(g_ptr_array_index(pair->messages, i));
        g_autofree char *whole =
            g_strconcat(line, "result 0 final_dot 250\nresult 1 final_dot 250\ndone 2\n", NULL);
        assert_true(g_str_has_prefix(log, whole));
        log += strlen(whole);
    }
    assert_string_equal(log, "server closed 0\nclient closed 0\n");
    assert_true((pair->pieces_shared > 0) == by_reference);
    assert_true(smtp_server_is_finished(pair->server));
    assert_true(smtp_client_is_finished(pair->client));
    pair_free(pair);
}

static void test_contents_arrive_whole(void **state)
{
    (void)state;
    play_contents(true, 0, 1);
    play_contents(false, 0, 1);
}

static void test_contents_arrive_octet_by_octet(void **state)
{
    (void)state;
    play_contents(true, 1, 1);
    play_contents(false, 1, 1);
}

static void test_contents_arrive_cut_anywhere(void **state)
{
    (void)state;
    for (uint32_t seed = 0; seed < 50; seed++)
        play_contents(seed % 2 == 0, 2 + seed % 30, seed);
}

static void test_contents_arrive_in_chunks(void **state)
{
    chunking = true;
    test_contents_arrive_whole(state);
    test_contents_arrive_octet_by_octet(state);
    test_contents_arrive_cut_anywhere(state);
    chunking = false;
}

static void test_contents_arrive_by_reference(void **state)
{
    by_reference = true;
    test_contents_arrive_whole(state);
    test_contents_arrive_octet_by_octet(state);
    test_contents_arrive_cut_anywhere(state);
    test_contents_arrive_in_chunks(state);
    by_reference = false;
}

/* 1 MB of random octets in lines, dots at many starts. */
static void test_a_megabyte_arrives(void **state)
{
    (void)state;
    enum { SIZE = 1000000 };
    g_autofree uint8_t *data = g_malloc(SIZE);
    uint32_t seed = 7;
    for (size_t i = 0; i < SIZE; i++) {
        data[i] = (uint8_t)next_random(&seed);
        if (data[i] == '\r' || data[i] == '\n')
            data[i] = '.';
    }
    for (size_t i = 70; i + 2 < SIZE; i += 2 + next_random(&seed) % 300)
        memcpy(data + i, next_random(&seed) % 2 ? "\r\n." : "\r\n\xff", 3);
    for (size_t i = 0; i + 1 < SIZE; i++) { /* no CR or LF alone, where lines overlapped */
        if (data[i] == '\r' && data[i + 1] != '\n')
            data[i] = 'r';
        if (data[i + 1] == '\n' && data[i] != '\r')
            data[i + 1] = 'n';
    }
    data[SIZE - 1] = '.';
    static const size_t largest[] = {0, 1460, 20000};
    for (size_t i = 0; i < 2 * G_N_ELEMENTS(largest); i++) {
        SmtpServerOptions server = smtp_server_options("b.example");
        SmtpClientOptions client = smtp_client_options("a.example");
        if (i % 2 == 1)
            server.extensions |= SMTP_EXTENSION_CHUNKING;
        Pair *pair = pair_new(&server, &client);
        pair->largest = largest[i / 2];
        add_message(pair, data, SIZE);
        play(pair);
        g_autofree char *line = expected_line(g_ptr_array_index(pair->messages, 0));
        assert_log_has(pair, line);
        pair_free(pair);
    }
}

static void test_bare_newlines_are_made_right(void **state)
{
    (void)state;
    Pair *pair = pair_default();
    add_message(pair, "a\nb\rc\n.\nd\r\r\ne\n", 15);
    play(pair);
    g_autoptr(Octets) right = octets_new("a\r\nb\r\nc\r\n.\r\nd\r\n\r\ne\r\n", 21);
    g_autofree char *line = expected_line(right);
    assert_log_has(pair, line);
    pair_free(pair);
}

/* The smuggler's mail: one message to a strict server, which refuses it; two to a vulnerable one.
 */
static void test_smuggling_end_to_end(void **state)
{
    (void)state;
    static const char *const mail =
        "a\n.\r\nMAIL FROM:<eve@a.example>\r\nRCPT TO:<bob@b.example>\r\nDATA\r\nevil";
    for (int vulnerable = 0; vulnerable < 2; vulnerable++) {
        SmtpServerOptions server = smtp_server_options("b.example");
        SmtpClientOptions client = smtp_client_options("a.example");
        if (vulnerable)
            server.bare_newlines = SMTP_BARE_NEWLINES_END_LINES;
        client.send_bare_newlines = true;
        Pair *pair = pair_new(&server, &client);
        add_message(pair, mail, strlen(mail));
        play(pair);
        g_autoptr(Octets) evil = octets_new("evil\r\n", 6);
        g_autofree char *line = expected_line(evil);
        assert_int_equal(strstr(pair->log->str, line) != NULL, vulnerable == 1);
        if (!vulnerable)
            assert_log_has(pair, "reset\nresult 0 final_dot 550\n");
        pair_free(pair);
    }
}

static void test_all_refused_then_quit(void **state)
{
    (void)state;
    for (int pipelining = 0; pipelining < 2; pipelining++) {
        SmtpServerOptions server = smtp_server_options("b.example");
        SmtpClientOptions client = smtp_client_options("a.example");
        server.extensions &= ~(uint32_t)SMTP_EXTENSION_PIPELINING;
        if (pipelining)
            server.extensions |= SMTP_EXTENSION_PIPELINING | SMTP_EXTENSION_CHUNKING;
        Pair *pair = pair_new(&server, &client);
        pair->bad_recipients = true;
        add_message(pair, "x", 1);
        add_message(pair, "y", 1);
        play(pair);
        assert_string_equal(pair->log->str, "result 0 rcpt 550\nresult 1 rcpt 550\ndone 0\nreset\n"
                                            "result 0 rcpt 550\nresult 1 rcpt 550\ndone 0\nreset\n"
                                            "server closed 0\nclient closed 0\n");
        pair_free(pair);
    }
}

static void test_many_recipients(void **state)
{
    (void)state;
    enum { COUNT = SMTP_CLIENT_RECIPIENTS_MAXIMUM };
    Pair *pair = pair_default();
    SmtpClientRecipient recipients[COUNT];
    for (size_t i = 0; i < COUNT; i++)
        recipients[i] = (SmtpClientRecipient){.mailbox = "bob.with.a.long.name@b.example"};
    SmtpClientTransaction transaction = {
        .reverse_path = "", .recipients = recipients, .recipient_count = COUNT};
    SmtpClientEvent event;
    while (smtp_client_state(pair->client) != SMTP_CLIENT_READY) {
        serve(pair);
        move_to_client(pair);
        smtp_client_next_event(pair->client, &event);
        move_to_server(pair);
    }
    smtp_client_next_event(pair->client, &event);
    smtp_client_send(pair->client, &transaction);
    play(pair);
    assert_log_has(pair, "result 100 rcpt 452\n");
    assert_log_has(pair, "result 0 final_dot 250\n");
    assert_log_has(pair, "done 100\n");
    pair_free(pair);
}

static void test_auth_and_old_client(void **state)
{
    (void)state;
    for (int old = 0; old < 2; old++) {
        SmtpServerOptions server = smtp_server_options("b.example");
        SmtpClientOptions client = smtp_client_options("a.example");
        server.extensions |= SMTP_EXTENSION_AUTH;
        client.identity = "alice";
        client.password = "secret";
        client.helo_only = old == 1;
        Pair *pair = pair_new(&server, &client);
        add_message(pair, "x\r\n", 3);
        play(pair);
        assert_log_has(pair, "done 2\nserver closed 0\nclient closed 0\n");
        pair_free(pair);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_contents_arrive_whole),
        cmocka_unit_test(test_contents_arrive_octet_by_octet),
        cmocka_unit_test(test_contents_arrive_cut_anywhere),
        cmocka_unit_test(test_contents_arrive_in_chunks),
        cmocka_unit_test(test_contents_arrive_by_reference),
        cmocka_unit_test(test_a_megabyte_arrives),
        cmocka_unit_test(test_bare_newlines_are_made_right),
        cmocka_unit_test(test_smuggling_end_to_end),
        cmocka_unit_test(test_all_refused_then_quit),
        cmocka_unit_test(test_many_recipients),
        cmocka_unit_test(test_auth_and_old_client),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
