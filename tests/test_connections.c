/* A server's connections to other servers: several messages over one, and limits on how many. */
#include "node/mail_server_internal.h"
#include "scenario/simulation_internal.h"
#include "scenario_play.h"

#define NETWORK_OF_TWO(connections, receiver)                                                      \
    "mailsim: 1\n"                                                                                 \
    "servers:\n"                                                                                   \
    "  mx.a.example:\n"                                                                            \
    "    domains: [a.example]\n"                                                                   \
    "    users: {alice: {}}\n"                                                                     \
    "    connections: {" connections "}\n"                                                         \
    "  mx.b.example: {domains: [b.example, c.example], users: {bob: {}}" receiver "}\n"            \
    "people:\n"                                                                                    \
    "  alice: {address: alice@a.example}\n"

/* Five mails at once, to b.example. */
#define FIVE_MAILS                                                                                 \
    "mails:\n"                                                                                     \
    "  lunch: {from: alice, to: [bob@b.example]}\n"                                                \
    "timeline:\n"                                                                                  \
    "  - {at: 0 s, do: crash, host: mx.b.example}\n"                                               \
    "  - {at: 1 s, do: send, mail: lunch, every: 1 s, times: 5}\n"                                 \
    "  - {at: 290 s, do: restart, host: mx.b.example}\n"

/* Connections that came about. */
static unsigned sessions(const Played *played)
{
    return played_count(played, "tcp.established", "host=mx.a.example tcp.dstport=25");
}

static void test_one_connection_carries_what_waits(void **state)
{
    (void)state;
    Played played = play(NETWORK_OF_TWO("per_destination: 1", "") FIVE_MAILS);
    assert_int_equal(played_count(&played, "mail.delivered", ""), 5);
    assert_int_equal(sessions(&played), 1);
    assert_int_equal(
        played_count(&played, "smtp.command", "host=mx.a.example smtp.command_line=QUIT"), 1);
    /* Each transaction's commands are about their own message; QUIT is about none. */
    assert_int_equal(played_count(&played, "smtp.command", "host=mx.a.example mail=lunch"), 3);
    assert_int_equal(played_count(&played, "smtp.command", "host=mx.a.example mail=lunch.5"), 3);
    assert_int_equal(played_count(&played, "smtp.command", "smtp.command_line=QUIT mail=lunch.5"),
                     0);
    /* In the order in which they had come. */
    assert_true(record_time(played_find(&played, "mail.relayed", "mail=lunch")) <
                record_time(played_find(&played, "mail.relayed", "mail=lunch.5")));
    played_end(&played);
}

static void test_a_connection_for_each(void **state)
{
    (void)state;
    Played played = play(NETWORK_OF_TWO("per_destination: 1, messages: 1", "") FIVE_MAILS);
    assert_int_equal(played_count(&played, "mail.delivered", ""), 5);
    assert_int_equal(sessions(&played), 5);
    played_end(&played);
}

static void test_messages_limit_is_kept(void **state)
{
    (void)state;
    Played played = play(NETWORK_OF_TWO("per_destination: 1, messages: 2", "") FIVE_MAILS);
    assert_int_equal(played_count(&played, "mail.delivered", ""), 5);
    assert_int_equal(sessions(&played), 3);
    played_end(&played);
}

/* How many connections of a.example are open at most, by the order of opening and closing. */
static unsigned open_at_most(const Played *played)
{
    unsigned open = 0, most = 0;
    for (guint i = 0; i < played->records->len; i++) {
        const Record *record = played->records->pdata[i];
        if (record_meets(record, "kind=tcp.connect") && record_meets(record, "host=mx.a.example") &&
            record_meets(record, "tcp.dstport=25"))
            open++;
        else if (record_meets(record, "kind=tcp.failed") &&
                 record_meets(record, "host=mx.a.example") && open > 0)
            open--;
        else if (record_meets(record, "kind=smtp.command") &&
                 record_meets(record, "host=mx.a.example") &&
                 record_meets(record, "smtp.command_line=QUIT"))
            open--;
        most = MAX(most, open);
    }
    return most;
}

static void test_concurrency_to_a_destination(void **state)
{
    (void)state;
    Played two = play(NETWORK_OF_TWO("per_destination: 2, messages: 1", "") FIVE_MAILS);
    Played five = play(NETWORK_OF_TWO("messages: 1", "") FIVE_MAILS);
    assert_int_equal(played_count(&two, "mail.delivered", ""), 5);
    assert_int_equal(open_at_most(&two), 2);
    assert_int_equal(open_at_most(&five), 5);
    played_end(&two);
    played_end(&five);
}

/* Three mails each to two domains, of which only one connection may be open at a time. */
#define TWO_DOMAINS                                                                                \
    "mails:\n"                                                                                     \
    "  b: {from: alice, to: [bob@b.example]}\n"                                                    \
    "  c: {from: alice, to: [bob@c.example]}\n"                                                    \
    "timeline:\n"                                                                                  \
    "  - {at: 0 s, do: crash, host: mx.b.example}\n"                                               \
    "  - {at: 1 s, do: send, mail: b, every: 1 s, times: 3}\n"                                     \
    "  - {at: 5 s, do: send, mail: c, every: 1 s, times: 3}\n"                                     \
    "  - {at: 290 s, do: restart, host: mx.b.example}\n"

static void test_total_is_shared_in_turns(void **state)
{
    (void)state;
    Played played = play(NETWORK_OF_TWO("total: 1, messages: 1", "") TWO_DOMAINS);
    assert_int_equal(played_count(&played, "mail.delivered", ""), 6);
    assert_int_equal(open_at_most(&played), 1);
    /* c.example has its turn before b.example's second. */
    const Record *first_c = played_find(&played, "mail.relayed", "mail=c");
    const Record *second_b = played_find(&played, "mail.relayed", "mail=b.2");
    assert_true(record_time(first_c) < record_time(second_b));
    played_end(&played);
}

/* Two mails, with a while between them. */
#define TWO_MAILS(gap, rest)                                                                       \
    "mails:\n"                                                                                     \
    "  lunch: {from: alice, to: [bob@b.example]}\n"                                                \
    "timeline:\n"                                                                                  \
    "  - {at: 1 s, do: send, mail: lunch, every: " gap ", times: 2}\n" rest

static void test_idle_connection_is_found(void **state)
{
    (void)state;
    Played played = play(NETWORK_OF_TWO("idle: 5 s", "") TWO_MAILS("3 s", ""));
    assert_int_equal(sessions(&played), 1);
    assert_int_equal(played_count(&played, "mail.delivered", ""), 2);
    /* QUIT comes the idle time after the second message's 250. */
    const Record *relayed = played_find(&played, "mail.relayed", "mail=lunch.2");
    const Record *quit = played_find_after(&played, relayed, "smtp.command",
                                           "host=mx.a.example smtp.command_line=QUIT");
    assert_non_null(quit);
    assert_int_equal(record_time(quit) - record_time(relayed), 5 * SIM_SECOND);
    played_end(&played);
}

static void test_idle_time_over(void **state)
{
    (void)state;
    Played played = play(NETWORK_OF_TWO("idle: 2 s", "") TWO_MAILS("3 s", ""));
    assert_int_equal(sessions(&played), 2);
    assert_int_equal(played_count(&played, "mail.delivered", ""), 2);
    played_end(&played);
}

static void test_connection_closed_meanwhile(void **state)
{
    (void)state;
    Played played = play(NETWORK_OF_TWO("idle: 1 min", "") TWO_MAILS(
        "30 s", "  - {at: 10 s, do: crash, host: mx.b.example}\n"
                "  - {at: 20 s, do: restart, host: mx.b.example}\n"));
    assert_int_equal(played_count(&played, "mail.delivered", ""), 2);
    assert_int_equal(played_count(&played, "queue.defer", ""), 0);
    played_end(&played);
}

/* The server is gone without a word: its RST answers MAIL, and the job goes over a new connection.
 */
static void test_connection_found_dead(void **state)
{
    (void)state;
    Played played = play(NETWORK_OF_TWO("idle: 1 min", "") TWO_MAILS(
        "30 s", "  - {at: 10 s, do: power_off, host: mx.b.example}\n"
                "  - {at: 20 s, do: restart, host: mx.b.example}\n"));
    assert_int_equal(played_count(&played, "mail.delivered", ""), 2);
    assert_int_equal(played_count(&played, "queue.defer", ""), 0);
    assert_int_equal(played_count(&played, "queue.attempt", "mail=lunch.2 host=mx.a.example"), 1);
    assert_int_equal(sessions(&played), 2);
    played_end(&played);
}

static void test_shutdown_ends_idle_connections(void **state)
{
    (void)state;
    Played played = play(NETWORK_OF_TWO("idle: 1 h", "") TWO_MAILS(
        "30 s", "  - {at: 40 s, do: shutdown, host: mx.a.example}\n"));
    const Record *quit =
        played_find(&played, "smtp.command", "host=mx.a.example smtp.command_line=QUIT");
    assert_int_equal(record_time(quit), 40 * SIM_SECOND);
    played_end(&played);
}

/* A refusal and a success over one connection: each recipient has its own fate. */
static void test_refusal_does_not_end_the_connection(void **state)
{
    (void)state;
    Played played = play(NETWORK_OF_TWO("per_destination: 1, idle: 9 s",
                                        "") "mails:\n"
                                            "  wrong: {from: alice, to: [bib@b.example]}\n"
                                            "  right: {from: alice, to: [bob@b.example]}\n"
                                            "timeline:\n"
                                            "  - {at: 1 s, do: send, mail: wrong}\n"
                                            "  - {at: 2 s, do: send, mail: right}\n");
    assert_int_equal(sessions(&played), 1);
    played_find(&played, "mail.bounced", "mail=wrong status=5.1.1");
    played_find(&played, "mail.delivered", "mail=right");
    played_find(&played, "mail.delivered", "mail=wrong.bounce");
    played_end(&played);
}

/* ---- Many destinations ---- */

enum { DOMAINS_A_MAIL = 100 };

/* Mails at 10 s and after, each for 100 domains that there are not, `count` in all; at 1 s one for
 * bob, and another when they are through. */
static char *many_domains(unsigned count)
{
    GString *text = g_string_new(NETWORK_OF_TWO(
        "idle: 1 h, total: 1000", "") "mails:\n"
                                      "  lunch: {from: alice, to: [bob@b.example]}\n");
    for (unsigned i = 0; i < count; i++) {
        if (i % DOMAINS_A_MAIL == 0)
            g_string_append_printf(text, "  m%u: {from: alice, to: [", i / DOMAINS_A_MAIL);
        bool is_last = i % DOMAINS_A_MAIL == DOMAINS_A_MAIL - 1;
        g_string_append_printf(text, "x@d%u.test%s", i, is_last ? "]}\n" : ", ");
    }
    g_string_append(text, "timeline:\n"
                          "  - {at: 1 s, do: send, mail: lunch, every: 4 min, times: 2}\n");
    for (unsigned i = 0; i < count / DOMAINS_A_MAIL; i++)
        g_string_append_printf(text, "  - {at: %u s, do: send, mail: m%u}\n", 10 + 10 * i, i);
    return g_string_free(text, FALSE);
}

/* What is looked at while the run goes on. */
typedef struct Watched {
    const MailServer *server;
    size_t most; /* destinations */
    unsigned bounced, sessions;
} Watched;

static void watch(void *owner, const TraceRecord *record)
{
    Watched *watched = owner;
    watched->most = MAX(watched->most, table_count(&watched->server->destinations));
    if (record->kind == TRACE_MAIL_BOUNCED)
        watched->bounced++;
    if (record->kind == TRACE_TCP_CONNECT && record->node == watched->server->machine.node)
        watched->sessions++;
}

/* Past 1000 those are forgotten that have neither mail nor a connection; that of the idle
 * connection is not, and the connection is found. */
static void test_idle_destinations_are_forgotten(void **state)
{
    (void)state;
    enum { DOMAINS = 1300, KEPT = 1000 };
    g_autofree char *text = many_domains(DOMAINS);
    Played played = played_prepare(text);
    const Simulation *simulation = played.run->simulation;
    Watched watched = {.server = simulation_find_server(simulation, "mx.a.example")->server};
    trace_add_sink(simulation_trace(simulation),
                   (TraceSink){watch, &watched, TRACE_LEVEL_PROTOCOL});
    assert_true(run_play(played.run));
    assert_int_equal(watched.bounced, DOMAINS);
    /* A mail's domains come within a step, in which nothing is recorded. */
    assert_in_range(watched.most, KEPT - DOMAINS_A_MAIL, KEPT);
    assert_in_range(table_count(&watched.server->destinations), DOMAINS - KEPT, KEPT - 1);
    assert_int_equal(watched.sessions, 1);
    run_free(played.run);
    scenario_free(played.scenario);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_one_connection_carries_what_waits),
        cmocka_unit_test(test_a_connection_for_each),
        cmocka_unit_test(test_messages_limit_is_kept),
        cmocka_unit_test(test_concurrency_to_a_destination),
        cmocka_unit_test(test_total_is_shared_in_turns),
        cmocka_unit_test(test_idle_connection_is_found),
        cmocka_unit_test(test_idle_time_over),
        cmocka_unit_test(test_connection_closed_meanwhile),
        cmocka_unit_test(test_connection_found_dead),
        cmocka_unit_test(test_shutdown_ends_idle_connections),
        cmocka_unit_test(test_refusal_does_not_end_the_connection),
        cmocka_unit_test(test_idle_destinations_are_forgotten),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
