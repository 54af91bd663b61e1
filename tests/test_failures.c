/* What each fault of the timeline does to a dialogue: what the other side comes to know, and that
 * the trace names the fault behind every failure. */
#include "scenario_play.h"

#define SERVERS                                                                                    \
    "mailsim: 1\n"                                                                                 \
    "title: a fault\n"                                                                             \
    "servers:\n"                                                                                   \
    "  mx.a.test: {domains: [a.test], users: {alice: {}}, retry: {intervals: [10 min]}}\n"         \
    "  mx.b.test: {domains: [b.test], users: {bob: {}}, extensions: [SIZE]}\n"                     \
    "people:\n"                                                                                    \
    "  alice: {address: alice@a.test}\n"                                                           \
    "  bob: {address: bob@b.test}\n"                                                               \
    "mails:\n"                                                                                     \
    "  lunch: {from: alice, to: [bob@b.test], subject: \"Lunch?\", body: \"Noon?\"}\n"             \
    "timeline:\n"
#define SHORT_LIVED                                                                                \
    "mailsim: 1\n"                                                                                 \
    "servers:\n"                                                                                   \
    "  mx.a.test: {domains: [a.test], users: {alice: {}}, "                                        \
    "retry: {intervals: [10 min], warn_after: 15 min, lifetime: 1 h}}\n"                           \
    "  mx.b.test: {domains: [b.test], users: {bob: {}}}\n"                                         \
    "people:\n"                                                                                    \
    "  alice: {address: alice@a.test}\n"                                                           \
    "  bob: {address: bob@b.test}\n"                                                               \
    "mails:\n"                                                                                     \
    "  lunch: {from: alice, to: [bob@b.test], subject: \"Lunch?\", body: \"Noon?\"}\n"             \
    "timeline:\n"
#define LARGE(faults)                                                                              \
    "mailsim: 1\n"                                                                                 \
    "network: {tcp: {profile: linux, send_buffer: 64 KiB}}\n"                                      \
    "servers:\n"                                                                                   \
    "  mx.a.test: {domains: [a.test], users: {alice: {}}, retry: {intervals: [10 min]}}\n"         \
    "  mx.b.test: {domains: [b.test], users: {bob: {}}}\n"                                         \
    "people: {alice: {address: alice@a.test}}\n"                                                   \
    "mails: {lunch: {from: alice, to: [bob@b.test], size: 4 MB}}\n"                                \
    "timeline: [{at: 1 s, do: send, mail: lunch}" faults "]\n"
#define SEND SERVERS "  - {at: 1 s, do: send, mail: lunch}\n"

/* The faults that cut mx.b.test off, each with what mends it and the record that stands for it. */
typedef struct Fault {
    const char *begin, *end; /* actions of the timeline without their times */
    const char *kind, *conditions;
} Fault;

static const Fault crash = {"do: crash, host: mx.b.test", "do: restart, host: mx.b.test",
                            "host.crash", "host=mx.b.test"};
static const Fault power_off = {"do: power_off, host: mx.b.test", "do: restart, host: mx.b.test",
                                "host.power_off", "host=mx.b.test"};
static const Fault link_down = {"do: link_down, between: [internet, mx.b.test]",
                                "do: link_up, between: [internet, mx.b.test]", "link.down",
                                "a=internet b=mx.b.test"};
static const Fault partition = {"do: partition, groups: [[mx.a.test], [mx.b.test]]", "do: heal",
                                "timeline.action", "do=partition"};
static const Fault *const silent_faults[] = {&power_off, &link_down, &partition};

/* Plays lunch from Alice to Bob, with the fault from `begin` to `end`. */
static Played play_fault(const Fault *fault, SimTime begin, SimTime end)
{
    g_autofree char *text =
        g_strdup_printf(SEND "  - {at: %lld ns, %s}\n"
                             "  - {at: %lld ns, %s}\n",
                        (long long)begin, fault->begin, (long long)end, fault->end);
    return play(text);
}

static const Record *assert_deferred(const Played *played, const Fault *fault, const char *reason)
{
    const Record *defer = played_find(played, "queue.defer", "host=mx.a.test mail=lunch");
    assert_string_equal(record_text(defer, "reason"), reason);
    assert_because(played, defer, fault->kind, fault->conditions);
    const Record *failed =
        played_find_after(played, NULL, "tcp.failed", "host=mx.a.test remote=mx.b.test");
    if (failed != NULL)
        assert_because(played, failed, fault->kind, fault->conditions);
    return defer;
}

/* ---- Nobody is there ---- */

static void test_a_crashed_server_refuses(void **state)
{
    (void)state;
    Played played = play_fault(&crash, SIM_SECOND / 2, SIM_HOUR);
    const Record *defer = assert_deferred(&played, &crash, "connection refused");
    const Record *connect = played_find(&played, "tcp.connect", "host=mx.a.test");
    assert_true(record_time(defer) - record_time(connect) < 50 * SIM_MILLISECOND);
    const Record *reset = played_find(&played, "tcp.send", "host=mx.b.test tcp.flags~RST");
    assert_because(&played, reset, "host.crash", "");
    assert_int_equal(played_count(&played, "mailbox.store", "mail=lunch"), 1);
    played_end(&played);
}

/* Silence lasts until the sender's patience ends: 30 s for a connection. */
static void test_silence_times_out(void **state)
{
    (void)state;
    for (size_t i = 0; i < G_N_ELEMENTS(silent_faults); i++) {
        Played played = play_fault(silent_faults[i], SIM_SECOND / 2, SIM_HOUR);
        const Record *defer = assert_deferred(&played, silent_faults[i], "connection timed out");
        const Record *connect = played_find(&played, "tcp.connect", "host=mx.a.test");
        assert_int_equal(record_time(defer) - record_time(connect), 30 * SIM_SECOND);
        assert_int_equal(played_count(&played, "mailbox.store", "mail=lunch"), 1);
        played_end(&played);
    }
}

/* The link is up again when the sender loses its patience, between two of its SYNs: what took the
 * SYNs was the link all the same. */
static void test_a_fault_that_is_over_is_named(void **state)
{
    (void)state;
    Played played = play_fault(&link_down, SIM_SECOND / 2, 25 * SIM_SECOND);
    assert_deferred(&played, &link_down, "connection timed out");
    played_end(&played);
}

static void test_a_server_without_power_says_nothing(void **state)
{
    (void)state;
    Played smooth = play(SEND);
    SimTime at = record_time(played_find(&smooth, "smtp.command", "host=mx.a.test"));
    Played played = play_fault(&power_off, at, SIM_HOUR);
    const Record *off = played_find(&played, "host.power_off", "");
    const Record *send = played_find_after(&played, off, "tcp.send", "host=mx.b.test");
    assert_true(record_time(send) > SIM_HOUR);
    assert_true(played_count(&played, "link.drop", "to=mx.b.test reason~off") > 3);
    played_end(&played);
    played_end(&smooth);
}

/* ---- The connection is lost in mid-dialogue ---- */

/* A moment of a smooth run; the fault begins 5 ms later, with what was sent on its way. */
typedef struct Moment {
    const char *kind, *conditions;
    const char *after_crash, *after_silence; /* what the sender says; NULL: nothing goes wrong */
} Moment;

static const Moment moments[] = {
    {"tcp.established", "host=mx.a.test remote=mx.b.test",
     "connection reset by peer, before the greeting", "no reply in time, before the greeting"},
    {"smtp.command", "host=mx.a.test smtp.command_line~EHLO",
     "connection closed by the server, after EHLO", "connection timed out, after EHLO"},
    {"smtp.command", "host=mx.a.test smtp.command_line~MAIL",
     "connection closed by the server, after MAIL", "connection timed out, after MAIL"},
    {"smtp.command", "host=mx.a.test smtp.command_line~RCPT",
     "connection closed by the server, after RCPT", "connection timed out, after RCPT"},
    /* RFC 5321 §4.5.3.2.4: for this reply two minutes, which is less than TCP takes. */
    {"smtp.command", "host=mx.a.test smtp.command_line=DATA",
     "connection closed by the server, after DATA", "no reply in time, after DATA"},
    {"smtp.content", "host=mx.a.test", "connection closed by the server, after the final dot",
     "connection timed out, after the final dot"},
};

static void assert_lost(const Played *played, const Fault *fault, const Moment *moment,
                        const char *reason)
{
    assert_deferred(played, fault, reason);
    bool is_uncertain = strcmp(moment->kind, "smtp.content") == 0;
    assert_int_equal(played_count(played, "mail.uncertain", "mail=lunch"), is_uncertain);
    if (is_uncertain)
        assert_because(played, played_find(played, "mail.uncertain", ""), fault->kind,
                       fault->conditions);
    assert_true(played_count(played, "mailbox.store", "mail=lunch") >= 1);
    assert_int_equal(played_count(played, "queue.attempt", "host=mx.a.test"), 7);
}

static void test_lost_in_mid_dialogue(void **state)
{
    (void)state;
    Played smooth = play(SEND);
    for (size_t m = 0; m < G_N_ELEMENTS(moments); m++) {
        const Moment *moment = &moments[m];
        SimTime at = record_time(played_find(&smooth, moment->kind, moment->conditions)) +
                     5 * SIM_MILLISECOND;
        Played played = play_fault(&crash, at, SIM_HOUR);
        assert_lost(&played, &crash, moment, moment->after_crash);
        played_end(&played);
        for (size_t i = 0; i < G_N_ELEMENTS(silent_faults); i++) {
            played = play_fault(silent_faults[i], at, SIM_HOUR);
            assert_lost(&played, silent_faults[i], moment, moment->after_silence);
            played_end(&played);
        }
    }
    played_end(&smooth);
}

/* RFC 5321 §4.5.3.2: with a TCP that is more patient than SMTP, it is SMTP's patience that ends, at
 * each stage after its own time; and it is known what made the server fall silent. */
typedef struct Wait {
    const char *kind, *conditions; /* a moment of a smooth run */
    const char *reason;
    SimTime wait; /* from there */
} Wait;

static const Wait waits[] = {
    {"tcp.established", "host=mx.a.test remote=mx.b.test", "no reply in time, before the greeting",
     5 * SIM_MINUTE},
    {"smtp.command", "host=mx.a.test smtp.command_line~EHLO", "no reply in time, after EHLO",
     5 * SIM_MINUTE},
    {"smtp.command", "host=mx.a.test smtp.command_line~MAIL", "no reply in time, after MAIL",
     5 * SIM_MINUTE},
    {"smtp.command", "host=mx.a.test smtp.command_line~RCPT", "no reply in time, after RCPT",
     5 * SIM_MINUTE},
    {"smtp.command", "host=mx.a.test smtp.command_line=DATA", "no reply in time, after DATA",
     2 * SIM_MINUTE},
    {"smtp.content", "host=mx.a.test", "no reply in time, after the final dot", 10 * SIM_MINUTE},
};

static void test_each_wait_ends_in_its_time_and_says_why(void **state)
{
    (void)state;
    g_autofree char *patient = g_strconcat(SEND, "network: {tcp: {profile: linux}}\n", NULL);
    Played smooth = play(patient);
    for (size_t i = 0; i < G_N_ELEMENTS(waits); i++) {
        const Wait *wait = &waits[i];
        SimTime at = record_time(played_find(&smooth, wait->kind, wait->conditions));
        SimTime begin = at + 5 * SIM_MILLISECOND;
        for (size_t j = 0; j < G_N_ELEMENTS(silent_faults); j++) {
            const Fault *fault = silent_faults[j];
            g_autofree char *text = g_strdup_printf(
                SEND "  - {at: %lld ns, %s}\n  - {at: 1 h, %s}\nnetwork: {tcp: {profile: linux}}\n",
                (long long)begin, fault->begin, fault->end);
            Played played = play(text);
            const Record *defer = assert_deferred(&played, fault, wait->reason);
            assert_int_equal(record_time(defer) - at, wait->wait);
            assert_true(played_count(&played, "mailbox.store", "mail=lunch") >= 1);
            played_end(&played);
        }
    }
    played_end(&smooth);
}

/* §4.5.3.2.5: three minutes for each piece of the content that there is no room for. */
static void test_a_wait_for_room_ends_in_its_time_and_says_why(void **state)
{
    (void)state;
    Played smooth = play(LARGE(""));
    SimTime data =
        record_time(played_find(&smooth, "smtp.command", "host=mx.a.test smtp.command_line=DATA"));
    SimTime end = record_time(played_find(&smooth, "smtp.content", "host=mx.a.test"));
    SimTime at = data + (end - data) / 2;
    g_autofree char *broken = g_strdup_printf(LARGE(", {at: %lld ns, %s}, {at: 1 h, %s}"),
                                              (long long)at, link_down.begin, link_down.end);
    Played played = play(broken);
    const Record *defer =
        assert_deferred(&played, &link_down, "no reply in time, in the middle of the message");
    assert_in_range(record_time(defer) - at, 3 * SIM_MINUTE, 3 * SIM_MINUTE + SIM_SECOND);
    assert_int_equal(played_count(&played, "mailbox.store", "mail=lunch"), 1);
    played_end(&played);
    played_end(&smooth);
}

/* RFC 1047: the 250 is on its way when the link dies. The sender cannot know, and sends again. */
static void test_a_lost_250_makes_a_duplicate(void **state)
{
    (void)state;
    Played smooth = play(SEND);
    const Record *accepted = played_find(&smooth, "mail.accepted", "host=mx.b.test");
    Played played = play_fault(&link_down, record_time(accepted) + 5 * SIM_MILLISECOND, SIM_HOUR);
    assert_deferred(&played, &link_down, "connection timed out, after the final dot");
    assert_because(&played, played_find(&played, "mail.uncertain", ""), "link.down", "");
    assert_int_equal(played_count(&played, "mail.accepted", "host=mx.b.test mail=lunch"), 2);
    assert_int_equal(played_count(&played, "mailbox.store", "mail=lunch"), 2);
    played_end(&played);
    played_end(&smooth);
}

/* A crash on the same spot: the 250 was said and is heard, then comes the end. */
static void test_a_250_that_is_heard_ends_it(void **state)
{
    (void)state;
    Played smooth = play(SEND);
    const Record *accepted = played_find(&smooth, "mail.accepted", "host=mx.b.test");
    Played played = play_fault(&crash, record_time(accepted) + 5 * SIM_MILLISECOND, SIM_HOUR);
    assert_int_equal(played_count(&played, "queue.defer", "host=mx.a.test"), 0);
    assert_int_equal(played_count(&played, "mail.relayed", "mail=lunch"), 1);
    assert_int_equal(played_count(&played, "mailbox.store", "mail=lunch"), 1);
    played_end(&played);
    played_end(&smooth);
}

/* ---- What follows from it ---- */

/* The fault lasts longer than the mail: what is said to Alice names it too. */
static void test_warning_expiry_and_bounce_name_the_fault(void **state)
{
    (void)state;
    static const Fault *const faults[] = {&crash, &power_off, &link_down, &partition};
    static const char *const records[] = {"queue.defer", "mail.delayed", "mail.expired",
                                          "mail.bounced"};
    for (size_t i = 0; i < G_N_ELEMENTS(faults); i++) {
        g_autofree char *text =
            g_strdup_printf(SHORT_LIVED "  - {at: 0 s, %s}\n"
                                        "  - {at: 1 s, do: send, mail: lunch}\n",
                            faults[i]->begin);
        Played played = play(text);
        for (size_t r = 0; r < G_N_ELEMENTS(records); r++) {
            const Record *record = NULL;
            unsigned count = 0;
            while ((record = played_find_after(&played, record, records[r], "mail=lunch"))) {
                assert_because(&played, record, faults[i]->kind, faults[i]->conditions);
                count++;
            }
            assert_true(count > 0);
        }
        assert_int_equal(played_count(&played, "mail.bounced", ""), 1);
        assert_int_equal(played_count(&played, "mailbox.store", "mail=lunch.delay user=alice"), 1);
        assert_int_equal(played_count(&played, "mailbox.store", "mail=lunch.bounce user=alice"), 1);
        played_end(&played);
    }
}

/* ---- Shutdown ---- */

/* What a server's end leaves open its own system breaks off when more of the message comes. */
static void test_an_end_closes_its_own_connections(void **state)
{
    (void)state;
    static const char *const ENDS[] = {"crash", "shutdown"};
    for (size_t i = 0; i < G_N_ELEMENTS(ENDS); i++) {
        g_autofree char *end =
            g_strdup_printf(", {when: {host: mx.b.test, machine: smtp-server, enters: DATA}, do: "
                            "%s, host: mx.b.test}",
                            ENDS[i]);
        g_autofree char *text = g_strdup_printf(LARGE("%s"), end);
        g_autofree char *kind = g_strconcat("host.", ENDS[i], NULL);
        Played played = play(text);
        const Record *own = played_find(&played, "tcp.failed", "host=mx.b.test");
        assert_string_equal(record_text(own, "reason"), "given up by this host");
        assert_because(&played, own, kind, "host=mx.b.test");
        const Record *peer = played_find(&played, "tcp.failed", "host=mx.a.test");
        assert_because(&played, peer, kind, "host=mx.b.test");
        played_end(&played);
    }
}

/* Both sessions that are open are told, and what is queued is kept. */
static void test_shutdown_tells_its_clients(void **state)
{
    (void)state;
    Played smooth = play(SEND "  - {at: 2 h, do: fetch, who: bob}\n");
    SimTime mail = record_time(played_find(&smooth, "smtp.command",
                                           "host=mx.a.test "
                                           "smtp.command_line~MAIL"));
    SimTime login =
        record_time(played_find(&smooth, "imap.command", "host=bob.laptop imap.request~LOGIN"));
    g_autofree char *text = g_strdup_printf(
        SEND "  - {at: %lld ns, do: shutdown, host: mx.b.test}\n"
             "  - {at: 1 h, do: restart, host: mx.b.test}\n"
             "  - {at: 2 h, do: fetch, who: bob}\n"
             "  - {at: %lld ns, do: shutdown, host: mx.b.test}\n"
             "  - {at: 3 h, do: restart, host: mx.b.test}\n",
        (long long)mail + 5 * SIM_MILLISECOND, (long long)login + 5 * SIM_MILLISECOND);
    Played played = play(text);
    const Record *reply = played_find(&played, "smtp.reply", "smtp.response.code=421");
    assert_string_equal(record_text(reply, "host"), "mx.b.test");
    assert_because(&played, reply, "host.shutdown", "host=mx.b.test");
    const Record *defer = played_find(&played, "queue.defer", "mail=lunch");
    assert_true(g_str_has_prefix(record_text(defer, "reason"), "421 "));
    assert_because(&played, defer, "host.shutdown", "host=mx.b.test");
    defer = played_find_after(&played, defer, "queue.defer", "mail=lunch");
    assert_string_equal(record_text(defer, "reason"), "connection refused");
    assert_because(&played, defer, "host.shutdown", "host=mx.b.test");
    assert_int_equal(played_count(&played, "mailbox.store", "mail=lunch"), 1);
    assert_int_equal(played_count(&played, "imap.response", "imap.response~BYE"), 1);
    const Record *failed = played_find(&played, "agent.failed", "action=fetch");
    assert_string_equal(record_text(failed, "reason"), "The server shuts down");
    assert_because(&played, failed, "host.shutdown", "host=mx.b.test");
    assert_int_equal(played_count(&played, "agent.failed", ""), 1);
    played_end(&played);
    played_end(&smooth);
}

static void test_shutdown_keeps_the_queue(void **state)
{
    (void)state;
    Played played = play(SEND "  - {at: 0 s, do: crash, host: mx.b.test}\n"
                              "  - {at: 15 min, do: shutdown, host: mx.a.test}\n"
                              "  - {at: 16 min, do: restart, host: mx.b.test}\n"
                              "  - {at: 1 h, do: restart, host: mx.a.test}\n");
    assert_int_equal(played_count(&played, "queue.recover", "mail=lunch"), 1);
    assert_true(record_time(played_find(&played, "mailbox.store", "mail=lunch")) > SIM_HOUR);
    assert_int_equal(played_count(&played, "mailbox.store", "mail=lunch"), 1);
    played_end(&played);
}

/* The server is told to start again while it still waits for a peer that is silent. */
static void test_a_restart_waits_for_the_shutdown(void **state)
{
    (void)state;
    Played played = play(SEND "  - {at: 0 s, do: power_off, host: mx.b.test}\n"
                              "  - {at: 10 s, do: shutdown, host: mx.a.test}\n"
                              "  - {at: 11 s, do: restart, host: mx.a.test}\n"
                              "  - {at: 5 min, do: restart, host: mx.b.test}\n");
    SimTime restart = record_time(played_find(&played, "host.restart", "host=mx.a.test"));
    SimTime defer = record_time(played_find(&played, "queue.defer", "mail=lunch"));
    assert_true(defer > 30 * SIM_SECOND && restart >= defer);
    assert_int_equal(played_count(&played, "mailbox.store", "mail=lunch"), 1);
    played_end(&played);
}

/* ---- Agents ---- */

static void assert_agent_failed(const char *timeline, const char *action, const char *reason,
                                const char *kind)
{
    g_autofree char *text = g_strconcat(SERVERS, timeline, NULL);
    g_autofree char *condition = g_strdup_printf("action=%s", action);
    Played played = play(text);
    const Record *failed = played_find(&played, "agent.failed", condition);
    assert_string_equal(record_text(failed, "reason"), reason);
    assert_because(&played, failed, kind, "");
    assert_int_equal(played_count(&played, "agent.failed", ""), 1);
    played_end(&played);
}

static void test_an_agent_is_told_why(void **state)
{
    (void)state;
    assert_agent_failed("  - {at: 0 s, do: crash, host: mx.a.test}\n"
                        "  - {at: 1 s, do: send, mail: lunch}\n",
                        "submit", "connection refused", "host.crash");
    assert_agent_failed("  - {at: 0 s, do: crash, host: mx.b.test}\n"
                        "  - {at: 1 s, do: fetch, who: bob}\n",
                        "fetch", "connection refused", "host.crash");
    assert_agent_failed("  - {at: 0 s, do: link_down, between: [internet, mx.a.test]}\n"
                        "  - {at: 1 s, do: send, mail: lunch}\n",
                        "submit", "connection timed out", "link.down");
    assert_agent_failed("  - {at: 0 s, do: power_off, host: mx.b.test}\n"
                        "  - {at: 1 s, do: fetch, who: bob}\n",
                        "fetch", "connection timed out", "host.power_off");
    assert_agent_failed("  - {at: 0 s, do: dns_fail, name: mx.a.test, how: servfail}\n"
                        "  - {at: 1 s, do: send, mail: lunch}\n",
                        "submit", "the server's name cannot be resolved", "dns.fail");
    assert_agent_failed("  - {at: 0 s, do: dns_fail, name: mx.b.test, how: timeout}\n"
                        "  - {at: 1 s, do: fetch, who: bob}\n",
                        "fetch", "the server's name cannot be resolved", "dns.fail");
    assert_agent_failed("  - {at: 0 s, do: link_down, between: [internet, bob.laptop]}\n"
                        "  - {at: 1 s, do: fetch, who: bob}\n",
                        "fetch", "the server's name cannot be resolved", "link.down");
}

static void assert_agent_lost(const char *at_kind, const char *at_conditions, const char *fault,
                              const char *action, const char *reason, const char *kind)
{
    static const char actions[] = "  - {at: 1 s, do: send, mail: lunch}\n"
                                  "  - {at: 2 h, do: fetch, who: bob}\n";
    Played smooth = play(SEND "  - {at: 2 h, do: fetch, who: bob}\n");
    SimTime at = record_time(played_find(&smooth, at_kind, at_conditions)) + 5 * SIM_MILLISECOND;
    g_autofree char *timeline =
        g_strdup_printf("%s  - {at: %lld ns, %s}\n", actions, (long long)at, fault);
    assert_agent_failed(timeline, action, reason, kind);
    played_end(&smooth);
}

static void test_an_agent_loses_its_connection(void **state)
{
    (void)state;
    assert_agent_lost("smtp.command", "host=alice.laptop smtp.command_line~AUTH",
                      "do: crash, host: mx.a.test", "submit",
                      "connection closed by the server, after AUTH", "host.crash");
    assert_agent_lost("smtp.command", "host=alice.laptop smtp.command_line~MAIL",
                      "do: power_off, host: mx.a.test", "submit",
                      "connection timed out, after MAIL", "host.power_off");
    assert_agent_lost("imap.command", "host=bob.laptop imap.request~SELECT",
                      "do: crash, host: mx.b.test", "fetch", "connection closed by the server",
                      "host.crash");
    assert_agent_lost("imap.command", "host=bob.laptop imap.request~SELECT",
                      "do: link_down, between: [internet, bob.laptop]", "fetch",
                      "connection timed out", "link.down");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_crashed_server_refuses),
        cmocka_unit_test(test_silence_times_out),
        cmocka_unit_test(test_a_fault_that_is_over_is_named),
        cmocka_unit_test(test_a_server_without_power_says_nothing),
        cmocka_unit_test(test_lost_in_mid_dialogue),
        cmocka_unit_test(test_each_wait_ends_in_its_time_and_says_why),
        cmocka_unit_test(test_a_wait_for_room_ends_in_its_time_and_says_why),
        cmocka_unit_test(test_a_lost_250_makes_a_duplicate),
        cmocka_unit_test(test_a_250_that_is_heard_ends_it),
        cmocka_unit_test(test_warning_expiry_and_bounce_name_the_fault),
        cmocka_unit_test(test_an_end_closes_its_own_connections),
        cmocka_unit_test(test_shutdown_tells_its_clients),
        cmocka_unit_test(test_shutdown_keeps_the_queue),
        cmocka_unit_test(test_a_restart_waits_for_the_shutdown),
        cmocka_unit_test(test_an_agent_is_told_why),
        cmocka_unit_test(test_an_agent_loses_its_connection),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
