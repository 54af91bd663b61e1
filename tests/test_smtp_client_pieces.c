/* Tests of proto/smtp_client: the same bytes in any pieces give the same. */
#include "pieces.h"
#include "smtp_client_session.h"

/* What a server says, cut up: a part ends where the server waits for what the client does. */
typedef struct Script {
    const char *const *parts;
    size_t part_count;
    size_t mail_before; /* the part before which a mail is begun: the client is ready */
    size_t tls_before;  /* and the one before which the stream is put behind records; 0: none */
    const char *content;
} Script;

static char *play_in_pieces(const Script *script, size_t largest, uint32_t seed)
{
    SmtpClientOptions options = smtp_client_options("a.example");
    if (script->tls_before > 0)
        options.extensions |= SMTP_EXTENSION_STARTTLS;
    Session *session = session_with(options);
    for (size_t i = 0; i < script->part_count; i++) {
        Span rest = span_of_text(script->parts[i]);
        if (i > 0 && i == script->tls_before)
            smtp_client_start_tls(session->client);
        if (i == script->mail_before)
            send_mail(session, 2, script->content);
        run(session);
        while (rest.length > 0 && !smtp_client_is_finished(session->client)) {
            size_t piece = next_piece(rest.length, largest, &seed);
            smtp_client_receive(session->client, span_of(rest.data, piece));
            run(session);
            rest = span_skip(rest, piece);
        }
    }
    char *all = g_strconcat(session->log->str, session->output->str, NULL);
    session_free(session);
    return all;
}

/* Plays it whole, octet by octet, and cut anywhere; returns what comes of it each time. */
static char *play_in_any_pieces(const Script *script)
{
    char *whole = play_in_pieces(script, 0, 0);
    for (uint32_t seed = 0; seed < 200; seed++) {
        g_autofree char *cut = play_in_pieces(script, 1 + seed % 20, seed);
        assert_string_equal(cut, whole);
    }
    return whole;
}

static void test_any_pieces_give_the_same(void **state)
{
    (void)state;
    static const char *const parts[] = {
        "220-b\r\n220 b\r\n", "250-b\r\n250-SIZE 999\r\n250 PIPELINING\r\n",
        ("250 2.1.0 ok\r\n250-2.1.5 o\r\n250 2.1.5 k\r\n550-5.1.1 no\r\n550 5.1.1 body\r\n"
         "354 go\r\n250 2.0.0 queued\r\n421 bye\r\n")};
    const Script script = {parts, G_N_ELEMENTS(parts), 2, 0, "a\r\n.b"};
    g_autofree char *whole = play_in_any_pieces(&script);
    assert_non_null(strstr(whole, "result 1 rcpt permanent 550 5.1.1 no\nbody\n"));
    assert_non_null(strstr(whole, "done 1 0 1\nready 3 999\nS 421\nclosed 3 idle\n"));
}

/* Two chunks in flight, and a reply to each. */
static void test_any_pieces_of_chunks_give_the_same(void **state)
{
    (void)state;
    static const char *const parts[] = {
        "220 b\r\n", "250-b\r\n250-PIPELINING\r\n250 CHUNKING\r\n",
        ("250 ok\r\n250 ok\r\n550 5.1.1 no\r\n250-2.0.0 one\r\n250 2.0.0 chunk\r\n"
         "250 2.0.0 queued\r\n")};
    g_autofree char *large = g_strnfill(SMTP_CLIENT_CHUNK_MAXIMUM + 5, 'x');
    const Script script = {parts, G_N_ELEMENTS(parts), 2, 0, large};
    g_autofree char *whole = play_in_any_pieces(&script);
    assert_non_null(strstr(whole, "C BDAT 8 LAST\n"));
    assert_non_null(strstr(whole, "result 1 rcpt permanent 550 5.1.1 no\n"));
    assert_non_null(
        strstr(whole, "result 0 final_dot success 250 2.0.0 queued\ndone 1 0 1\nready 81 0\n"));
}

/* What the server offers in the clear is not what it offers behind records. */
static void test_any_pieces_around_starttls_give_the_same(void **state)
{
    (void)state;
    static const char *const parts[] = {
        "220 b\r\n", "250-b\r\n250-PIPELINING\r\n250 STARTTLS\r\n", "220-go\r\n220 ahead\r\n",
        "250-b\r\n250 CHUNKING\r\n",
        "250 ok\r\n250 ok\r\n250 ok\r\n250 2.0.0 queued\r\n421 bye\r\n"};
    const Script script = {parts, G_N_ELEMENTS(parts), 4, 3, "Hi\r\n"};
    g_autofree char *whole = play_in_any_pieces(&script);
    assert_non_null(strstr(whole, "C STARTTLS\nS 220\ntls\nC EHLO a.example\nS 250\nready 80 0\n"));
    assert_non_null(strstr(whole, "C BDAT 4 LAST\n"));
    assert_non_null(strstr(whole, "done 2 0 0\nready 80 0\nS 421\nclosed 3 idle\n"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_any_pieces_give_the_same),
        cmocka_unit_test(test_any_pieces_of_chunks_give_the_same),
        cmocka_unit_test(test_any_pieces_around_starttls_give_the_same),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
