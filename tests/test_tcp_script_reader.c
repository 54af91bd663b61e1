/* The scripts of tests/tcp are played strictly: what is wrong in one, or not as the engine does it,
 * is found, and told with its place. */
#include "tcp_script_play.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define RULE        "# RFC 9293 §3.5: a rule.\n"
#define ESTABLISHED "10 ms established\n"

/* What is wrong with a script; NULL: nothing. To be freed. */
static char *complaint_of(const char *text)
{
    char *error = NULL;
    g_autoptr(TcpScript) script = tcp_script_read("x.tcp", span_of_text(text), &error);
    return script != NULL ? tcp_script_play(script, NULL) : error;
}

typedef struct Wrong {
    const char *text, *complaint;
} Wrong;

static void expect_complaints(const Wrong *wrong, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        g_autofree char *told = complaint_of(wrong[i].text);
        assert_non_null(told);
        assert_string_equal(told, wrong[i].complaint);
    }
}

static void test_lines_that_cannot_be_read(void **state)
{
    (void)state;
    static const Wrong WRONG[] = {
        {"open\n", "x.tcp:1: the first line names the rule: `# RFC 9293 §3.5: what it says`"},
        {"# RFC 9293: a rule.\nopen\n",
         "x.tcp:1: the first line names the rule: `# RFC 9293 §3.5: what it says`"},
        {RULE "# nothing but words\n", "x.tcp:3: there are no steps"},
        {RULE "\n1 ms < A 1 ack 2 win 3\n0 ms nothing", "x.tcp:4: the time goes back"},
        {RULE "10 parsecs open", "x.tcp:2: `10 parsecs` has a unit that is not known here; the "
                                 "unit of a duration is ns, us, "
                                 "ms, s, min, h or d"},
        {RULE "10", "x.tcp:2: `10` is no time; it is two words, such as `10 ms`"},
        {RULE "1s", "x.tcp:2: `1s` is no time; it is two words, such as `10 ms`"},
        {RULE "open\ndeadline", "x.tcp:3: `` is no time; it is two words, such as `10 ms`"},
        {RULE "2000 d nothing", "x.tcp:2: `2000 d` is longer than a script, 1000 d at most"},
        {RULE "600 d nothing\n+600 d nothing", "x.tcp:3: a script is not longer than 1000 d"},
        {RULE "open\nlimit-mss 9", "x.tcp:3: an MSS is at least 28"},
        {RULE "< F 1 win 1 x101", "x.tcp:2: how often is a number up to 100, not `101`"},
        {RULE "opne",
         "x.tcp:2: `opne` is no step; there are open, listen, <, write, read, shutdown, close, "
         "abort, icmp, limit-mss, >, event, state, deadline, readable, room, info, nothing"},
        {RULE "open now", "x.tcp:2: `now` is too much on this line"},
        {RULE "open; state SYN-SENT",
         "x.tcp:2: `;` joins what is done to the engine, not what is expected of it"},
        {RULE "< AS 1 ack 2",
         "x.tcp:2: `AS` are no flags; they are of F, S, R, P, A in this order, or - for none"},
        {RULE "< A 1", "x.tcp:2: a segment with the flag A says `ack NUMBER`"},
        {RULE "< F 1 ack 2", "x.tcp:2: `ack` needs the flag A"},
        {RULE "< F 1+x", "x.tcp:2: a length is a number up to 65535, not `x`"},
        {RULE "< F 4294967296",
         "x.tcp:2: a sequence number is a number up to 4294967295, not `4294967296`"},
        {RULE "< R 1 win 3", "x.tcp:2: the window of a RST says nothing, so it has no `win`"},
        {RULE "> RA 1 ack 2 win 3",
         "x.tcp:2: the window of a RST says nothing, so it has no `win`"},
        {RULE "< A 1 ack 2 mss 1000", "x.tcp:2: `mss` and `wscale` need the flag S"},
        {RULE "< A 1 ack 2 wscale 3", "x.tcp:2: `mss` and `wscale` need the flag S"},
        {RULE "< F 1 fast", "x.tcp:2: `fast` is too much on this line"},
        {RULE "> F 1 slow",
         "x.tcp:2: `slow` is no reason to send; there are first, pure-ack, timeout, fast, smaller, "
         "tail-loss-probe, window-probe, keep-alive, reset"},
        {RULE "write", "x.tcp:2: how many octets is a number up to 1048576, not ``"},
        {RULE "state OPEN",
         "x.tcp:2: `OPEN` is no state; there are CLOSED, LISTEN, SYN-SENT, SYN-RECEIVED, "
         "ESTABLISHED, FIN-WAIT-1, FIN-WAIT-2, CLOSE-WAIT, CLOSING, LAST-ACK, TIME-WAIT"},
        {RULE "info speed 3",
         "x.tcp:2: `speed` is no value of the connection; there are snd_una, snd_nxt, snd_wnd, "
         "rcv_nxt, rcv_wnd, cwnd, ssthresh, flight, mss, srtt, rttvar, rto, retransmissions, "
         "recovering, unsent, unread"},
        {RULE "info recovering 1", "x.tcp:2: `1` is no answer; there are no, yes"},
        {RULE "open\ntcp: {nagle: never}", "x.tcp:3: `tcp:` comes before all steps"},
        {RULE "tcp: {nagle: sometimes}",
         "x.tcp:2: `nagle` takes `never` or `classic` or `minshall`, not `sometimes`"},
        {RULE "10 ms established slowly",
         "x.tcp:2: `TIME established` or `TIME established win NUMBER` is how it is written"},
    };
    expect_complaints(WRONG, G_N_ELEMENTS(WRONG));
}

/* The same connection, in which each script tells one thing that is not so. */
static void test_what_the_engine_does_not(void **state)
{
    (void)state;
    static const Wrong WRONG[] = {
        {RULE "write 5", "x.tcp:2: at 0 s there is no connection yet"},
        {RULE ESTABLISHED "write 5\n> A 1001+5 ack 5001",
         "x.tcp:4: at 10 ms `> A 1001+5 ack 5001 win 65535` is expected, but the engine sends `> "
         "PA "
         "1001+5 ack 5001 win 65535`"},
        {RULE ESTABLISHED "write 5\n> PA 1001+5 ack 5001 fast",
         "x.tcp:4: at 10 ms `> PA 1001+5 ack 5001 win 65535 fast` is expected, but the engine "
         "sends "
         "`> PA 1001+5 ack 5001 win 65535`"},
        {RULE ESTABLISHED "write 5\n> PA 1001+5 ack 5001 win 60000",
         "x.tcp:4: at 10 ms `> PA 1001+5 ack 5001 win 60000` is expected, but the engine sends `> "
         "PA 1001+5 ack 5001 win 65535`"},
        {RULE ESTABLISHED "write 5\n20 ms > PA 1001+5 ack 5001",
         "x.tcp:4: at 10 ms no line before this one expects `> PA 1001+5 ack 5001 win 65535`"},
        {RULE ESTABLISHED "write 5\n> PA 1001+5 ack 5001\n1 s > PA 1001+5 ack 5001 timeout",
         "x.tcp:5: at 1 s `> PA 1001+5 ack 5001 win 65535 timeout` is expected, but the engine "
         "sends nothing (deadline 1010 ms)"},
        {RULE ESTABLISHED "write 5\n> PA 1001+5 ack 5001\n2 s > PA 1001+5 ack 5001 timeout",
         "x.tcp:5: at 1010 ms no line before this one expects `> PA 1001+5 ack 5001 win 65535 "
         "timeout`"},
        {RULE ESTABLISHED "close\n> FA 1001 ack 5001\n20 ms < A 5001 ack 1002",
         "x.tcp:5: at 10 ms no line before this one expects `state FIN-WAIT-1`"},
        {RULE ESTABLISHED "close\nstate FIN-WAIT-2",
         "x.tcp:4: at 10 ms `state FIN-WAIT-2` is expected, but it is FIN-WAIT-1"},
        {RULE ESTABLISHED "< A 5001+5 ack 1001\n# no event\n50 ms nothing",
         "x.tcp:5: at 10 ms no line before this one expects `event READABLE retries 0 "
         "unacknowledged 0`"},
        {RULE ESTABLISHED "event READABLE",
         "x.tcp:3: at 10 ms `event READABLE` is expected, but none is told"},
        {RULE ESTABLISHED "write 7\n> PA 1001+7 ack 5001\n< R 5001\nstate CLOSED\n"
                          "event RESET unacknowledged 6",
         "x.tcp:7: at 10 ms another `event RESET` is expected, but what is told is `event RESET "
         "retries 0 unacknowledged 7`"},
        {RULE ESTABLISHED "deadline 1 s",
         "x.tcp:3: at 10 ms `deadline 1 s` is expected, but it is none"},
        {RULE ESTABLISHED "info cwnd 9000",
         "x.tcp:3: at 10 ms `info cwnd 9000` is expected, but it is 10000"},
        {RULE ESTABLISHED "info srtt 11 ms",
         "x.tcp:3: at 10 ms `info srtt 11 ms` is expected, but it is 10 ms"},
        {RULE ESTABLISHED "readable 1", "x.tcp:3: at 10 ms `readable 1` is expected, but it is 0"},
        {RULE ESTABLISHED "room 1", "x.tcp:3: at 10 ms `room 1` is expected, but it is 65535"},
        {RULE ESTABLISHED "read 1", "x.tcp:3: at 10 ms only 0 octets can be read"},
        {RULE ESTABLISHED "write 65536",
         "x.tcp:3: at 10 ms 65536 octets are to be taken, but 65535 are"},
        {RULE "listen\n< S 5000", "x.tcp:3: at 0 s the first segment of the peer says `win`"},
        {RULE "open\nstate SYN-SENT\n== the next\nopen\nstate SYN-SENT",
         "x.tcp:4: at 0 s no line before this one expects `> S 1000 win 65535 mss 1000`"},
        {RULE "open\nstate SYN-SENT\n",
         "x.tcp:3: at 0 s no line expects `> S 1000 win 65535 mss 1000`"},
    };
    expect_complaints(WRONG, G_N_ELEMENTS(WRONG));
}

/* Octets that are not those of the stream are seen on their way out and in. */
static void test_octets_are_compared(void **state)
{
    (void)state;
    Slice text = script_octets(1001, 40);
    assert_true(script_are_octets(text, 1001));
    assert_true(script_are_octets(text, 1001 + 26));
    assert_false(script_are_octets(text, 1002));
    slice_clear(&text);
}

/* What is right is not complained of: times, rows, joined steps, scenarios one behind the other. */
static void test_right_scripts(void **state)
{
    (void)state;
    static const char *const RIGHT[] = {
        RULE
        "  0 ms   open   # comment\n state SYN-SENT\n\n> S 1000 win 65535 mss 1000\n500 ms nothing",
        RULE
        "tcp: {delayed_ack: 0 s}\n" ESTABLISHED
        "+1 ms < A 5001+10 ack 1001 x3\nevent READABLE, READABLE, READABLE\n"
        "> A 1001 ack 5011 win 65525\n> A 1001 ack 5021 win 65515\n> A 1001 ack 5031 win 65505",
        RULE ESTABLISHED "write 2500; shutdown\nstate FIN-WAIT-1\n> A 1001+1000 ack 5001 x2\n"
                         "> FPA 3001+500 ack 5001\n== more\nopen iss 4294967295\n"
                         "state SYN-SENT\n> S 4294967295 win 65535 mss 1000\n"
                         "< SA 7 ack 0 win 10 mss 5\nstate ESTABLISHED\nevent CONNECTED\n"
                         "> A 0 ack 8\ninfo recovering no, mss 5",
    };
    for (size_t i = 0; i < G_N_ELEMENTS(RIGHT); i++) {
        g_autofree char *told = complaint_of(RIGHT[i]);
        if (told != NULL)
            fail_msg("%s", told);
    }
}

/* The examples in the language's description are right: its indented blocks that begin with a rule
 * or at 0 ms. */
static void test_examples_of_the_description(void **state)
{
    (void)state;
    g_autofree char *text = NULL;
    assert_true(g_file_get_contents("tests/tcp/README.md", &text, NULL, NULL));
    g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
    unsigned played = 0;
    for (size_t i = 0; lines[i] != NULL; i++) {
        bool begins_rule = g_str_has_prefix(lines[i], "    # RFC");
        if (!begins_rule && !g_str_has_prefix(lines[i], "    0 ms"))
            continue;
        g_autoptr(GString) example = g_string_new(begins_rule ? "" : RULE);
        for (; g_str_has_prefix(lines[i], "    ") || *lines[i] == '\0'; i++)
            g_string_append_printf(example, "%s\n", g_strchug(lines[i]));
        g_autofree char *told = complaint_of(example->str);
        if (told != NULL)
            fail_msg("%s", told);
        played++;
    }
    assert_int_equal(played, 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lines_that_cannot_be_read),
        cmocka_unit_test(test_what_the_engine_does_not),
        cmocka_unit_test(test_octets_are_compared),
        cmocka_unit_test(test_right_scripts),
        cmocka_unit_test(test_examples_of_the_description),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
