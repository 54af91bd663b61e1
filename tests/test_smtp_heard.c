/* Tests of proto/smtp_heard: a reply to EHLO means what it says, whatever was heard before. */
#include "smtp_client_session.h"

/* What a client of those that share what they hear says of a reply to EHLO that comes in pieces of
 * that size. */
static char *log_of_hello(SmtpHeard *heard, const char *reply, size_t piece)
{
    SmtpClientOptions options = smtp_client_options("a.example");
    options.heard = heard;
    Session *session = session_with(options);
    feed(session, "220 b\r\n");
    for (size_t at = 0; at < strlen(reply) && !smtp_client_is_finished(session->client);
         at += piece) {
        g_autofree char *text = g_strndup(reply + at, piece);
        feed(session, text);
    }
    char *log = g_strconcat(session->log->str, session->texts->str, NULL);
    session_free(session);
    return log;
}

/* Whatever the clients before have heard, a reply means what it says. */
static void test_what_others_heard_changes_nothing(void **state)
{
    (void)state;
    static const char *const replies[] = {
        "250-b\r\n250-PIPELINING\r\n250 SIZE 1000\r\n",
        "250-other\r\n250-PIPELINING\r\n250 SIZE 1000\r\n",
        "250-b\r\n250-PIPELINING\r\n250-SIZE 1000\r\n250 DSN\r\n",
        "250-b\r\n250-PIPELINING\r\n250 SIZE 1000\r\n250 2.0.0 more\r\n",
        "250-2.0.0 b\r\n250-PIPELINING\r\n250 SIZE 1000\r\n",
        "251-b\r\n250-PIPELINING\r\n250 SIZE 1000\r\n",
        "251-b\r\n251-PIPELINING\r\n251 SIZE 1000\r\n",
        "250-b\r\n250-AUTH PLAIN\r\n250 SIZE\r\n",
        "250-b\r\n250-2.0.0 PIPELINING\r\n250 SIZE 1000\r\n",
        "550-b\r\n550-PIPELINING\r\n550 SIZE 1000\r\n",
        "250-b\n250-PIPELINING\n250 SIZE 1000\n",
        "250 b\r\n",
    };
    for (size_t before = 0; before < G_N_ELEMENTS(replies); before++) {
        for (size_t i = 0; i < G_N_ELEMENTS(replies); i++) {
            for (size_t piece = 1; piece <= strlen(replies[i]); piece++) {
                SmtpHeard heard = {0};
                g_autofree char *alone = log_of_hello(NULL, replies[i], piece);
                g_autofree char *first = log_of_hello(&heard, replies[before], 1000);
                g_autofree char *then = log_of_hello(&heard, replies[i], piece);
                assert_string_equal(then, alone);
                assert_non_null(first);
                smtp_heard_clear(&heard);
            }
        }
    }
}

static void test_what_was_heard_is_not_read_again(void **state)
{
    (void)state;
    SmtpHeard heard = {0};
    g_autofree char *first = log_of_hello(&heard, "250-b\r\n250-DSN\r\n250 SIZE 7\r\n", 1000);
    assert_int_equal(heard.abilities.size_maximum, 7);
    heard.abilities.size_maximum = 8;
    g_autofree char *again = log_of_hello(&heard, "250-c\r\n250-DSN\r\n250 SIZE 7\r\n", 1000);
    assert_non_null(strstr(again, " 8\n"));
    g_autofree char *other = log_of_hello(&heard, "250-c\r\n250 SIZE 7\r\n", 1000);
    assert_non_null(strstr(other, " 7\n"));
    assert_non_null(strstr(first, " 7\n"));
    smtp_heard_clear(&heard);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_others_heard_changes_nothing),
        cmocka_unit_test(test_what_was_heard_is_not_read_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
