/* Answers for users who are away, through whole runs: whom they go to, how often, and that two such
 * users do not answer each other for ever. RFC 3834. */
#include "sanitized.h"
#include "scenario_play.h"

#include "node/user_agent_internal.h"
#include "scenario/simulation_internal.h"

#define AWAY "vacation: {body: \"Back on Monday.\"}"
#define WORLD(alice, bob, more, timeline)                                                          \
    "mailsim: 1\n"                                                                                 \
    "start: 2026-03-02T09:00:00+09:00\n"                                                           \
    "servers:\n"                                                                                   \
    "  mx.a.test: {domains: [a.test], users: {alice: {" alice "}, carol: {}}}\n"                   \
    "  mx.b.test: {domains: [b.test], users: {bob: {" bob "}}" more "}\n"                          \
    "people:\n"                                                                                    \
    "  alice: {address: alice@a.test}\n"                                                           \
    "  carol: {address: carol@a.test}\n"                                                           \
    "mails:\n"                                                                                     \
    "  lunch: {from: alice, to: [bob@b.test], subject: \"점심?\", body: \"Noon?\"}\n"            \
    "  other: {from: carol, to: [bob@b.test], subject: \"Tea?\", body: \"At four?\"}\n"            \
    "  team: {from: alice, to: [team@b.test], subject: \"Team\", body: \"All of you.\"}\n"         \
    "  course: {from: alice, to: [course@b.test], subject: \"Course\", body: \"Lesson 9.\"}\n"     \
    "timeline:\n" timeline

static void test_the_answer(void **state)
{
    (void)state;
    Played played = play(WORLD("", AWAY, "",
                               "  - {at: 1 s, do: send, mail: lunch}\n"
                               "  - {at: 1 h, do: fetch, who: alice}\n"
                               "  - {at: 2 h, do: read, who: alice, mail: lunch.vacation}\n"));
    played_find(&played, "mail.answered",
                "host=mx.b.test mail=lunch recipient=bob@b.test answer=lunch.vacation");
    const Record *accepted = played_find(&played, "mail.accepted", "mail=lunch.vacation");
    assert_string_equal(record_text(accepted, "sender"), "");
    const SimulatedAgent *alice = &g_array_index(played.run->simulation->agents, SimulatedAgent, 0);
    const AgentMail *mail = user_agent_find_received(alice->agent, "lunch.vacation");
    assert_non_null(mail);
    Span octets = span_of_octets(mail->content);
    static const struct {
        const char *name, *value;
    } FIELDS[] = {
        {"Return-Path", "<>"},
        {"From", "bob@b.test"},
        {"To", "alice@a.test"},
        {"Subject", "Auto: 점심?"},
        {"In-Reply-To", "<lunch@a.test>"},
        {"References", "<lunch@a.test>"},
        {"Message-ID", "<lunch.vacation@mx.b.test>"},
        {"Auto-Submitted", "auto-replied"},
        {"Date", "Mon, 2 Mar 2026 09:00:01 +0900"},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(FIELDS); i++) {
        g_autofree char *value = message_dup_header_shown(octets, FIELDS[i].name);
        assert_string_equal(value, FIELDS[i].value);
    }
    g_autofree char *text = message_dup_text(octets);
    assert_string_equal(text, "Back on Monday.\n");
    played_end(&played);
}

static void test_a_subject_of_ones_own(void **state)
{
    (void)state;
    Played played = play(WORLD("", "vacation: {body: \"Away.\", subject: \"Not here\"}", "",
                               "  - {at: 1 s, do: send, mail: lunch}\n"
                               "  - {at: 1 h, do: fetch, who: alice}\n"));
    played_find(&played, "agent.receive", "mail=lunch.vacation subject~here");
    played_end(&played);
}

/* Within seven days each sender has one answer. */
static void test_once_within_some_days(void **state)
{
    (void)state;
    Played played = play(WORLD("", AWAY, "",
                               "  - {at: 1 s, do: send, mail: lunch, every: 1 d, times: 9}\n"
                               "  - {at: 1 h, do: send, mail: other}\n"));
    assert_int_equal(played_count(&played, "mail.answered", ""), 3);
    played_find(&played, "mail.answered", "mail=lunch");
    played_find(&played, "mail.answered", "mail=other");
    /* lunch.8 comes seven days later to the second; nothing has changed by the crash either */
    played_find(&played, "mail.answered", "mail=lunch.8");
    assert_int_equal(played_count(&played, "mail.unanswered", "rule~lately"), 7);
    played_end(&played);
}

static void test_from_and_until(void **state)
{
    (void)state;
    Played played =
        play(WORLD("", "vacation: {body: \"Away.\", from: 1 d, until: 3 d, again_after: 0 s}", "",
                   "  - {at: 1 s, do: send, mail: lunch, every: 1 d, times: 5}\n"));
    assert_int_equal(played_count(&played, "mail.answered", ""), 2);
    played_find(&played, "mail.answered", "mail=lunch.2");
    played_find(&played, "mail.answered", "mail=lunch.3");
    assert_int_equal(played_count(&played, "mail.unanswered", ""), 0);
    played_end(&played);
}

/* Both are away: one answer, which is not answered. */
static void test_two_who_are_away(void **state)
{
    (void)state;
    Played played = play(WORLD("vacation: {body: \"Away too.\", again_after: 0 s}",
                               "vacation: {body: \"Away.\", again_after: 0 s}", "",
                               "  - {at: 1 s, do: send, mail: lunch}\n"));
    assert_int_equal(played_count(&played, "mail.answered", ""), 1);
    played_find(&played, "mail.unanswered",
                "mail=lunch.vacation recipient=alice@a.test "
                "rule~notification");
    assert_int_equal(played_count(&played, "mail.accepted", "recipient=bob@b.test"), 2);
    played_end(&played);
}

/* By way of an alias the user is not named in the header; a list's members never answer it. */
static void test_aliases_and_lists(void **state)
{
    (void)state;
    Played played = play(WORLD("", AWAY,
                               ", aliases: {team: {to: [bob@b.test]}}, lists: {course: {owner: "
                               "bob@b.test, members: [bob@b.test]}}",
                               "  - {at: 1 s, do: send, mail: team}\n"
                               "  - {at: 1 h, do: send, mail: course}\n"));
    assert_int_equal(played_count(&played, "mail.answered", ""), 0);
    played_find(&played, "mail.unanswered", "mail=team rule~neither");
    played_find(&played, "mail.unanswered", "mail=course rule~mailing");
    assert_int_equal(played_count(&played, "mail.delivered", "recipient=bob@b.test"), 2);
    played_end(&played);
}

/* The answer of a user who forwards is nobody's: no mail comes into the mailbox. */
static void test_forwarded_mail_is_not_answered(void **state)
{
    (void)state;
    Played played = play(
        WORLD("", AWAY ", forward: [carol@a.test]", "", "  - {at: 1 s, do: send, mail: lunch}\n"));
    assert_int_equal(played_count(&played, "mail.answered", ""), 0);
    assert_int_equal(played_count(&played, "mail.unanswered", ""), 0);
    played_end(&played);
}

enum { STRIDE = IS_SANITIZED ? 5 : 1 };

/* How often the answer has entered the queue of a server. */
typedef struct Answers {
    NodeId node;
    unsigned count;
} Answers;

static void count_answers(void *owner, const TraceRecord *record)
{
    Answers *answers = owner;
    const TraceFields_MAIL_ACCEPTED *fields = record->fields;
    if (record->kind == TRACE_MAIL_ACCEPTED && record->node == answers->node &&
        strcmp(fields->mail, "lunch.vacation") == 0)
        answers->count++;
}

/* Plays with the fault after so many events; how often the mail was answered. */
static unsigned strike(const Scenario *scenario, SimulationFaultKind kind, uint64_t after,
                       uint64_t *events)
{
    g_autoptr(Run) run = run_struck(scenario, "mx.b.test", kind, after);
    Answers answers = {run->simulation->servers[1].machine.node, 0};
    trace_add_sink(simulation_trace(run->simulation),
                   (TraceSink){count_answers, &answers, TRACE_LEVEL_MAIL});
    if (!run_play(run))
        fail_msg("%s after %d events: %s", simulation_fault_name(kind), (int)after,
                 books_first_violation(run->books)->text);
    *events = simulator_event_count(simulation_simulator(run->simulation));
    const FactsMail *lunch = facts_find_mail(run->facts, "lunch");
    assert_int_equal(facts_find_recipient(lunch, "bob@b.test")->fate, MAIL_FATE_DELIVERED);
    return answers.count;
}

/* Whatever the crash repeats, who has been noted is not answered again. A crash between the note
 * and the queue costs the answer: so it is in some runs, and never in the others. */
static void test_a_crash_answers_nobody_twice(void **state)
{
    (void)state;
    g_autoptr(Scenario) scenario = scenario_of_text(
        WORLD("", AWAY, "", "  - {at: 1 s, do: send, mail: lunch, every: 1 d, times: 2}\n"));
    uint64_t events = 0, ignored = 0;
    unsigned runs = 0, answers = 0;
    assert_int_equal(strike(scenario, FAULT_CRASH, 0, &events), 1);
    for (uint64_t after = 1; after < events; after += STRIDE, runs += 2) {
        for (int is_power = 0; is_power < 2; is_power++) {
            SimulationFaultKind kind = is_power ? FAULT_POWER_OFF : FAULT_CRASH;
            unsigned count = strike(scenario, kind, after, &ignored);
            assert_in_range(count, 0, 1);
            answers += count;
        }
    }
    assert_in_range(answers, runs - runs / 5, runs - 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_answer),
        cmocka_unit_test(test_a_subject_of_ones_own),
        cmocka_unit_test(test_once_within_some_days),
        cmocka_unit_test(test_from_and_until),
        cmocka_unit_test(test_two_who_are_away),
        cmocka_unit_test(test_aliases_and_lists),
        cmocka_unit_test(test_forwarded_mail_is_not_answered),
        cmocka_unit_test(test_a_crash_answers_nobody_twice),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
