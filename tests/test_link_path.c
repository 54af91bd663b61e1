/* What each property of a link does to a mail that goes over it: what the trace tells of it, and
 * that the mail arrives all the same, whole and once. */
#include "scenario_play.h"

#include "scenario/simulation_internal.h"

#define WORLD(link, more, timeline)                                                                \
    "mailsim: 1\n"                                                                                 \
    "seed: 7\n"                                                                                    \
    "network:\n"                                                                                   \
    "  routers: [west, east]\n"                                                                    \
    "  links: [{between: [west, east], " link "}]\n" more "servers:\n"                             \
    "  a.test: {router: west, domains: [a.test], users: {alice: {}}}\n"                            \
    "  b.test: {router: east, domains: [b.test], users: {bob: {}}}\n"                              \
    "people:\n"                                                                                    \
    "  alice: {address: alice@a.test, agents: {laptop: {router: west}}}\n"                         \
    "  bob: {address: bob@b.test, agents: {phone: {router: east}}}\n"                              \
    "mails: {photo: {from: alice, to: [bob@b.test], size: 300 kB}}\n"                              \
    "timeline:\n"                                                                                  \
    "  - {at: 1 s, do: send, mail: photo}\n" timeline "  - {at: 2 h, do: fetch, who: bob}\n"
#define SMOOTH "delay: 20 ms, rate: 10 Mbit/s"

static int64_t received_size(const Played *played)
{
    return record_number(played_find(played, "agent.receive", "host=bob.phone mail=photo"), "size");
}

/* Packets on the way from west to east that arrive before one that left earlier. */
static unsigned count_overtakings(const Played *played)
{
    unsigned count = 0;
    int64_t latest = 0;
    const Record *record = NULL;
    while ((record = played_find_after(played, record, "link.transmit", "host=west to=east")) !=
           NULL) {
        count += record_number(record, "arrives_at") < latest;
        latest = MAX(latest, record_number(record, "arrives_at"));
    }
    return count;
}

static Played play_link(const char *properties)
{
    g_autofree char *text = g_strdup_printf(WORLD("%s", "", ""), properties);
    Played played = play(text);
    assert_int_equal(played_count(&played, "mailbox.store", "host=b.test mail=photo"), 1);
    return played;
}

static void test_each_fault_is_seen_and_survived(void **state)
{
    (void)state;
    static const struct {
        const char *properties, *kind, *conditions;
        unsigned least;
    } cases[] = {
        {SMOOTH ", loss: 5 %", "link.drop", "reason=loss", 5},
        {SMOOTH ", duplicate: 10 %", "link.duplicate", "", 10},
        {SMOOTH ", corrupt: 5 %", "link.drop", "reason~checksum", 5},
        {SMOOTH ", queue: 5 packets", "link.drop", "reason~queue", 2},
        {SMOOTH ", buffer: 6 kB", "link.drop", "reason~queue", 2},
        {SMOOTH ", mtu: 600 B", "link.drop", "reason~large", 1},
        {SMOOTH ", mtu: 600 B", "icmp.send", "icmp.type=3 icmp.code=4", 1},
    };
    Played smooth = play_link(SMOOTH);
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        assert_int_equal(played_count(&smooth, cases[i].kind, cases[i].conditions), 0);
        Played played = play_link(cases[i].properties);
        unsigned count = played_count(&played, cases[i].kind, cases[i].conditions);
        if (count < cases[i].least)
            fail_msg("%s: %s %u times", cases[i].properties, cases[i].kind, count);
        assert_int_equal(received_size(&played), received_size(&smooth));
        played_end(&played);
    }
    played_end(&smooth);
}

/* From the first server's SYN until it has the answer; and from its 354 until the mail is stored.
 */
static SimTime time_to_connect(const Played *played)
{
    return record_time(played_find(played, "tcp.established", "host=a.test remote=b.test")) -
           record_time(played_find(played, "tcp.connect", "host=a.test remote=b.test"));
}

static SimTime time_to_transfer(const Played *played)
{
    return record_time(played_find(played, "mailbox.store", "mail=photo")) -
           record_time(played_find(played, "smtp.command", "host=a.test smtp.command_line=DATA"));
}

static void test_delay_rate_and_jitter(void **state)
{
    (void)state;
    Played smooth = play_link(SMOOTH);
    Played far = play_link("delay: 220 ms, rate: 10 Mbit/s");
    assert_int_equal(time_to_connect(&far) - time_to_connect(&smooth), 400 * SIM_MILLISECOND);
    Played slow = play_link("delay: 20 ms, rate: 1 Mbit/s");
    assert_true(time_to_transfer(&slow) > 300000LL * 8 * SIM_SECOND / 1000000);
    assert_true(time_to_transfer(&smooth) < 300000LL * 8 * SIM_SECOND / 1000000);
    Played shaky = play_link(SMOOTH ", jitter: 30 ms");
    assert_in_range(time_to_connect(&shaky) - time_to_connect(&smooth), 1, 60 * SIM_MILLISECOND);
    assert_int_equal(count_overtakings(&shaky), 0);
    assert_int_equal(received_size(&shaky), received_size(&smooth));
    played_end(&smooth);
    played_end(&far);
    played_end(&slow);
    played_end(&shaky);
}

static void test_reordering(void **state)
{
    (void)state;
    Played smooth = play_link(SMOOTH);
    Played mixed = play_link(SMOOTH ", reorder: 10 %");
    assert_int_equal(count_overtakings(&smooth), 0);
    assert_true(count_overtakings(&mixed) >= 10);
    assert_int_equal(played_count(&mixed, "link.drop", ""), 0);
    assert_int_equal(received_size(&mixed), received_size(&smooth));
    played_end(&smooth);
    played_end(&mixed);
}

/* The way back is cut for five seconds, and the routers do not know: what is sent arrives, and the
 * sender does not learn of it until then. */
static void test_one_way_failure(void **state)
{
    (void)state;
    Played smooth = play_link(SMOOTH);
    SimTime from = record_time(played_find(&smooth, "smtp.content", "host=a.test")),
            until = from + 5 * SIM_SECOND;
    g_autofree char *text = g_strdup_printf(
        WORLD(SMOOTH, "",
              "  - {at: %lld ns, do: link_down, between: [west, east], from: east}\n"
              "  - {at: %lld ns, do: link_up, between: [west, east]}\n"),
        (long long)from, (long long)until);
    Played played = played_prepare(text);
    network_set_convergence(played.run->simulation->network, SIM_HOUR);
    played_run(&played);
    unsigned there = 0, back = 0;
    const Record *record = NULL;
    while ((record = played_find_after(&played, record, "tcp.receive", "")) != NULL) {
        bool is_cut =
            record_time(record) > from + 100 * SIM_MILLISECOND && record_time(record) < until;
        there += is_cut && strcmp(record_text(record, "host"), "b.test") == 0;
        back += is_cut && strcmp(record_text(record, "host"), "a.test") == 0;
    }
    assert_true(there > 0);
    assert_int_equal(back, 0);
    assert_int_equal(played_count(&played, "mailbox.store", "mail=photo"), 1);
    assert_int_equal(played_count(&played, "queue.defer", ""), 0);
    assert_int_equal(received_size(&played), received_size(&smooth));
    played_end(&played);
    played_end(&smooth);
}

/* A link is down, and west knows: an opening ends at once with Linux's profile, and goes on for its
 * thirty seconds with the RFCs' (RFC 5461); the reason names the link in both. */
static void test_icmp_says_that_there_is_no_way(void **state)
{
    (void)state;
    static const struct {
        const char *tcp, *reason;
        SimTime longest, least;
    } profiles[] = {
        {"  tcp: {profile: linux}\n", "host unreachable", SIM_SECOND, 1},
        {"  tcp: {profile: rfc}\n", "connection timed out", 30 * SIM_SECOND, 30 * SIM_SECOND},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(profiles); i++) {
        g_autofree char *text =
            g_strdup_printf(WORLD(SMOOTH, "%s",
                                  "  - {at: 10 ms, do: link_down, between: [west, east]}\n"
                                  "  - {at: 1 h, do: link_up, between: [west, east]}\n"),
                            profiles[i].tcp);
        Played played = play(text);
        const Record *defer = played_find(&played, "queue.defer", "host=a.test mail=photo");
        if (strcmp(record_text(defer, "reason"), profiles[i].reason) != 0)
            fail_msg("the reason is %s", record_text(defer, "reason"));
        assert_because(&played, defer, "link.down", "");
        SimTime waited =
            record_time(defer) - record_time(played_find(&played, "tcp.connect", "remote=b.test"));
        assert_in_range(waited, profiles[i].least, profiles[i].longest);
        assert_true(played_count(&played, "icmp.send", "host=west icmp.type=3 icmp.code=1") > 0);
        assert_int_equal(played_count(&played, "mailbox.store", "mail=photo"), 1);
        played_end(&played);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_fault_is_seen_and_survived),
        cmocka_unit_test(test_delay_rate_and_jitter),
        cmocka_unit_test(test_reordering),
        cmocka_unit_test(test_one_way_failure),
        cmocka_unit_test(test_icmp_says_that_there_is_no_way),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
