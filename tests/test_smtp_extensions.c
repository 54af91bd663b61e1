/* Tests of SMTP's extensions and limits between whole machines: what a server of the scenario
 * offers is used, every mail arrives, and behind STARTTLS nothing can be read on the line. */
#include "scenario_play.h"

#define HEAD(alice, bob)                                                                           \
    "mailsim: 1\n"                                                                                 \
    "servers:\n"                                                                                   \
    "  a.example: {domains: [a.example], users: {alice: {}}, " alice "}\n"                         \
    "  b.example: {domains: [b.example], users: {bob: {}}, " bob "}\n"                             \
    "people:\n"                                                                                    \
    "  alice: {address: alice@a.example}\n"                                                        \
    "  bob: {address: bob@b.example}\n"                                                            \
    "mails:\n"                                                                                     \
    "  lunch: {from: alice, to: [bob@b.example], subject: Lunch, body: Noon,\n"                    \
    "          attach: [{name: a.bin, size: 60 kB}]}\n"                                            \
    "timeline:\n"                                                                                  \
    "  - {at: 1 s, do: send, mail: lunch}\n"                                                       \
    "  - {at: 1 min, do: fetch, who: bob}\n"                                                       \
    "  - {at: 2 min, do: read, who: bob, mail: lunch}\n"

static void test_starttls_on_both_hops(void **state)
{
    (void)state;
    Played played = play(HEAD("extensions: [STARTTLS], smtp: {auth: after_starttls}",
                              "extensions: [STARTTLS, CHUNKING, PIPELINING]"));
    assert_non_null(played_find(&played, "agent.read", "mail=lunch"));
    assert_non_null(played_find(&played, "smtp.command", "smtp.command_line=STARTTLS"));
    assert_non_null(played_find(&played, "smtp.state", "from=TLS"));
    played_end(&played);
}

/* How long the machine of that kind was in state TLS on its host. */
static SimTime tls_lasts(const Played *played, const char *machine, const char *host)
{
    g_autofree char *entered = g_strdup_printf("host=%s machine=%s to=TLS", host, machine);
    g_autofree char *left = g_strdup_printf("host=%s machine=%s from=TLS", host, machine);
    const Record *begin = played_find(played, "smtp.state", entered);
    const Record *end = played_find(played, "smtp.state", left);
    return record_time(end) - record_time(begin);
}

/* The handshake takes its round trip; EHLO is said again when it is over, and from then on what is
 * said is marked: it goes within TLS, which is simulated. */
static void test_starttls_takes_its_time(void **state)
{
    (void)state;
    Played played = play(HEAD("extensions: []", "extensions: [STARTTLS, CHUNKING]"));
    assert_true(tls_lasts(&played, "smtp-client", "a.example") >= 40 * SIM_MILLISECOND);
    assert_true(tls_lasts(&played, "smtp-server", "b.example") >= 40 * SIM_MILLISECOND);
    const Record *over = played_find(&played, "smtp.state", "machine=smtp-client from=TLS");
    const Record *hello =
        played_find(&played, "smtp.command", "host=a.example smtp.command_line~EHLO tls=simulated");
    assert_int_equal(record_time(hello), record_time(over));
    const Record *sent = played_find_after(&played, hello, "tcp.send", "host=a.example");
    assert_int_equal(record_time(sent), record_time(hello));
    assert_null(
        record_text(played_find(&played, "smtp.command", "smtp.command_line=STARTTLS"), "tls"));
    assert_int_equal(played_count(&played, "smtp.command", "host=alice.laptop tls=simulated"), 0);
    assert_int_equal(played_count(&played, "smtp.content", "host=a.example tls=simulated"), 1);
    assert_non_null(played_find(&played, "smtp.reply", "host=b.example tls=simulated"));
    played_end(&played);
}

/* What strikes in the middle of the handshake: the mail waits, and comes once. */
static void test_faults_strike_during_the_handshake(void **state)
{
    (void)state;
    static const struct {
        const char *begin, *end, *kind, *reason;
    } faults[] = {
        {"do: crash, host: b.example", "do: restart, host: b.example", "host.crash",
         "connection closed by the server, after STARTTLS"},
        {"do: shutdown, host: b.example", "do: restart, host: b.example", "host.shutdown", "421"},
        {"do: power_off, host: b.example", "do: restart, host: b.example", "host.power_off",
         "connection timed out, after STARTTLS"},
        {"do: link_down, between: [internet, b.example]",
         "do: link_up, between: [internet, "
         "b.example]",
         "link.down", "connection timed out, after STARTTLS"},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(faults); i++) {
        g_autofree char *text = g_strdup_printf(
            HEAD("extensions: []",
                 "extensions: [STARTTLS]") "  - {when: {host: b.example, machine: smtp-server, "
                                           "enters: TLS}, after: 5 ms, %s}\n"
                                           "  - {at: 30 min, %s}\n"
                                           "  - {at: 3 h, do: fetch, who: bob}\n",
            faults[i].begin, faults[i].end);
        char *early = strstr(text, "  - {at: 1 min, do: fetch");
        memmove(early, strstr(text, "  - {when"), strlen(strstr(text, "  - {when")) + 1);
        Played played = play(text);
        const Record *defer = played_find(&played, "queue.defer", "host=a.example");
        if (!g_str_has_prefix(record_text(defer, "reason"), faults[i].reason))
            fail_msg("%s: deferred for `%s`", faults[i].begin, record_text(defer, "reason"));
        assert_because(&played, defer, faults[i].kind, "");
        assert_int_equal(played_count(&played, "mailbox.store", "host=b.example"), 1);
        played_end(&played);
    }
}

/* A client that falls silent in the handshake is let go: by TCP, which has sent to it in vain, or
 * after the server's five minutes. */
static void test_a_silent_client_in_the_handshake(void **state)
{
    (void)state;
    Played played = play(HEAD(
        "extensions: []", "extensions: [STARTTLS]") "  - {when: {host: b.example, machine: "
                                                    "smtp-server, enters: TLS}, "
                                                    "after: 5 ms, do: power_off, host: a.example}\n"
                                                    "  - {at: 1 h, do: restart, host: a.example}\n"
                                                    "  - {at: 3 h, do: fetch, who: bob}\n");
    const Record *entered = played_find(&played, "smtp.state", "machine=smtp-server to=TLS");
    const Record *closed =
        played_find(&played, "smtp.state", "machine=smtp-server from=TLS to=CLOSED");
    SimTime waited = record_time(closed) - record_time(entered);
    assert_in_range(waited, SIM_MINUTE, 5 * SIM_MINUTE + SIM_SECOND);
    assert_int_equal(played_count(&played, "mailbox.store", "host=b.example"), 1);
    played_end(&played);
}

static void test_a_server_may_limit_sizes(void **state)
{
    (void)state;
    Played played =
        play(HEAD("extensions: [SIZE]", "extensions: [SIZE], smtp: {size_limit: 10 kB}"));
    assert_non_null(played_find(&played, "mail.bounced", "mail=lunch"));
    assert_int_equal(played_count(&played, "agent.read", "mail=lunch"), 0);
    played_end(&played);
}

/* RFC 6531: an address in Hangul, there and back. Where a server on the way does not offer SMTPUTF8
 * the mail goes no further, and its writer is told. */
static void test_addresses_in_hangul(void **state)
{
    (void)state;
    static const struct {
        const char *alice, *bob,
            *told; /* extensions; what becomes of the mail, if it does not arrive */
    } cases[] = {
        {"8BITMIME, SMTPUTF8", "8BITMIME, SMTPUTF8", NULL},
        {"8BITMIME, SMTPUTF8", "8BITMIME", "mail.bounced"},
        {"8BITMIME", "8BITMIME, SMTPUTF8", "agent.failed"},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autofree char *text = g_strdup_printf(
            "mailsim: 1\n"
            "servers:\n"
            "  a.example: {domains: [a.example], users: {alice: {}}, extensions: [%s]}\n"
            "  b.example: {domains: [b.example], users: {밥: {}}, extensions: [%s]}\n"
            "people:\n"
            "  alice: {address: alice@a.example}\n"
            "  bob: {address: 밥@b.example}\n"
            "mails: {lunch: {from: alice, to: [밥@b.example], subject: 점심, body: 정오에}}\n"
            "timeline:\n"
            "  - {at: 1 s, do: send, mail: lunch}\n"
            "  - {at: 1 min, do: fetch, who: bob}\n"
            "  - {at: 2 min, do: fetch, who: alice}\n%s",
            cases[i].alice, cases[i].bob,
            cases[i].told != NULL
                ? ""
                : "  - {at: 3 min, do: reply, who: bob, mail: lunch, as: answer}\n"
                  "  - {at: 4 min, do: fetch, who: alice}\n");
        Played played = play(text);
        bool arrives = cases[i].told == NULL;
        assert_int_equal(played_count(&played, "agent.receive", "host=bob.laptop mail=lunch"),
                         arrives);
        assert_int_equal(played_count(&played, "agent.receive", "host=alice.laptop mail=answer"),
                         arrives);
        if (!arrives)
            assert_int_equal(played_count(&played, cases[i].told, "mail=lunch reason~5.6.7"), 1);
        assert_int_equal(
            played_count(&played, "agent.receive", "host=alice.laptop mail=lunch.bounce"), i == 1);
        played_end(&played);
    }
}

/* A domain in letters is looked up, and known to its server, by its A-label (RFC 6531 §3.2). */
static void test_a_domain_in_hangul(void **state)
{
    (void)state;
    Played played = play("mailsim: 1\n"
                         "servers:\n"
                         "  a.example: {domains: [a.example], users: {alice: {}}}\n"
                         "  b.example: {domains: [xn--3e0b707e.example], users: {bob: {}}}\n"
                         "people: {alice: {address: alice@a.example}}\n"
                         "mails: {lunch: {from: alice, to: [bob@한국.example]}}\n"
                         "timeline: [{at: 1 s, do: send, mail: lunch}]\n");
    assert_int_equal(played_count(&played, "mailbox.store", "host=b.example user=bob"), 1);
    assert_int_equal(
        played_count(&played, "smtp.command", "host=a.example smtp.command_line~SMTPUTF8"), 1);
    played_end(&played);
}

/* RFC 5321 §4.5.3.1.8: servers need take no more than a hundred recipients at a time, and clients
 * have to live with that. */
static void test_many_recipients_in_hundreds(void **state)
{
    (void)state;
    enum { RECIPIENTS = 150 };
    g_autoptr(GString) users = g_string_new(NULL);
    g_autoptr(GString) addresses = g_string_new(NULL);
    for (int i = 0; i < RECIPIENTS; i++) {
        g_string_append_printf(users, "%su%d: {}", i == 0 ? "" : ", ", i);
        g_string_append_printf(addresses, "%su%d@b.example", i == 0 ? "" : ", ", i);
    }
    g_autofree char *text =
        g_strdup_printf("mailsim: 1\n"
                        "servers:\n"
                        "  a.example: {domains: [a.example], users: {alice: {}}}\n"
                        "  b.example: {domains: [b.example], users: {%s}}\n"
                        "people: {alice: {address: alice@a.example}}\n"
                        "mails: {lunch: {from: alice, to: [%s]}}\n"
                        "timeline: [{at: 1 s, do: send, mail: lunch}]\n",
                        users->str, addresses->str);
    Played played = play(text);
    assert_int_equal(played_count(&played, "mailbox.store", "host=b.example"), RECIPIENTS);
    assert_int_equal(played_count(&played, "agent.failed", ""), 0);
    assert_int_equal(played_count(&played, "queue.defer", ""), 0);
    static const char *const clients[] = {"alice.laptop", "a.example"};
    for (size_t i = 0; i < G_N_ELEMENTS(clients); i++) {
        g_autofree char *data = g_strdup_printf("host=%s smtp.command_line=DATA", clients[i]);
        assert_int_equal(played_count(&played, "smtp.command", data), 2);
    }
    played_end(&played);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_starttls_on_both_hops),
        cmocka_unit_test(test_starttls_takes_its_time),
        cmocka_unit_test(test_faults_strike_during_the_handshake),
        cmocka_unit_test(test_a_silent_client_in_the_handshake),
        cmocka_unit_test(test_a_server_may_limit_sizes),
        cmocka_unit_test(test_addresses_in_hangul),
        cmocka_unit_test(test_a_domain_in_hangul),
        cmocka_unit_test(test_many_recipients_in_hundreds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
