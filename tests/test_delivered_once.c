/* A server struck anywhere while it delivers into its own mailboxes: each recipient has one copy,
 * for the mailbox says whose delivery a message is. Alice's agent does not send again, so a second
 * copy could only be the server's. */
#include "sanitized.h"
#include "scenario_play.h"
#include "torture/trial.h"

#define HOST "mail.a.example"
/* A retry schedule; an alias, whose addresses are delivered by an entry of their own; and a user in
 * two spellings, who gets one copy. */
static const char HOUSE[] =
    "mailsim: 1\n"
    "servers:\n"
    "  " HOST ": {domains: [a.example], users: {alice: {}, bob: {}, carol: {}},\n"
    "    retry: {intervals: [10 min]}, aliases: {both: {to: [bob@a.example, carol@a.example]}}}\n"
    "people: {alice: {address: alice@a.example}}\n"
    "mails:\n"
    "  lunch: {from: alice, to: [bob@a.example, carol@a.example], subject: \"?\", body: "
    "\"Noon?\"}\n"
    "  party: {from: alice, to: [both@a.example], subject: \"!\", body: \"At eight.\"}\n"
    "  twice: {from: alice, to: [bob@a.example, BOB@a.example], subject: \".\", body: \"So.\"}\n"
    "timeline:\n"
    "  - {at: 1 s, do: send, mail: lunch}\n"
    "  - {at: 1.5 s, do: send, mail: party}\n"
    "  - {at: 2 s, do: send, mail: twice}\n";

/* Each so-manieth point. */
enum { STRIDE = IS_SANITIZED ? 11 : 1 };

/* The most copies that a recipient has; what was found there is counted too. */
static uint64_t strike(const Scenario *scenario, const SimulationFault *fault, uint64_t *found)
{
    SimulationOptions options = {
        .seed = SCENARIO_UNSET, .until_ns = SCENARIO_UNSET, .fault = *fault};
    g_autoptr(Run) run = run_new(scenario, &options);
    MarksObserver *observer = marks_observer_new(simulation_trace(run->simulation));
    g_autofree char *text = simulation_fault_format(fault);
    if (!run_play(run))
        fail_msg("%s: %s", text, books_first_violation(run->books)->text);
    Marks marks = marks_observer_take(observer);
    *found += marks.counts[mark_find("found-delivered")];
    uint64_t most = 0;
    for (size_t i = 0; i < facts_mail_count(run->facts); i++) {
        const FactsMail *mail = facts_mail_at(run->facts, i);
        for (size_t r = 0; r < mail->recipient_count; r++)
            most = MAX(most, mail->recipients[r].copies);
    }
    if (most > 1)
        fail_msg("%s: %d copies", text, (int)most);
    assert_int_equal(marks.counts[mark_find("second-copy")], 0);
    return most;
}

static uint64_t strike_all(const Scenario *scenario, SimulationFault fault, uint64_t count)
{
    uint64_t found = 0, with_copy = 0;
    for (fault.number = 1; fault.number <= count; fault.number += STRIDE)
        with_copy += strike(scenario, &fault, &found);
    assert_true(with_copy > 0);
    return found;
}

static void test_one_copy(void **state)
{
    (void)state;
    g_autoptr(Diagnostics) diagnostics = diagnostics_new();
    g_autoptr(Scenario) scenario =
        scenario_read_bytes("house.yaml", span_of_text(HOUSE), diagnostics);
    assert_non_null(scenario);
    uint64_t steps = 0, events = trial_count_points(scenario, &steps), found = 0;
    assert_true(events > 100 && steps > 40);
    SimulationFault fault = {.server = HOST, .restart_after_ns = SIM_MINUTE};
    static const SimulationFaultKind KINDS[] = {FAULT_CRASH, FAULT_POWER_OFF, FAULT_DISK_ERROR,
                                                FAULT_DISK_ERROR_FOR_GOOD};
    for (size_t i = 0; i < G_N_ELEMENTS(KINDS); i++) {
        fault.kind = KINDS[i];
        fault.point = FAULT_AFTER_EVENT;
        found += strike_all(scenario, fault, events);
        fault.point = FAULT_BEFORE_DISK_STEP;
        found += strike_all(scenario, fault, steps);
    }
    printf("%d deliveries were found\n", (int)found);
    assert_true(found > 10 / STRIDE);
}

/* The crash comes when the mailbox has it and the journal does not know: what the trace says. */
static void test_found(void **state)
{
    (void)state;
    g_autofree char *crashed =
        g_strconcat(HOUSE,
                    "  - {when: {host: " HOST
                    ", event: mail.delivered, mail: lunch}, do: crash, host: " HOST "}\n"
                    "  - {when: {host: " HOST
                    ", event: mail.delivered, mail: lunch}, after: 1 min, do: restart,"
                    " host: " HOST "}\n",
                    NULL);
    Played played = play(crashed);
    const Record *first = played_find(&played, "mail.delivered", "mail=lunch");
    assert_null(record_text(first, "found"));
    const Record *again =
        played_find_after(&played, first, "mail.delivered", "mail=lunch recipient=bob@a.example");
    assert_non_null(again);
    assert_string_equal(record_text(again, "found"), "as an attempt before had left it");
    assert_int_equal(record_number(again, "imap.uid"), record_number(first, "imap.uid"));
    assert_int_equal(played_count(&played, "mailbox.store", "mail=lunch user=bob"), 1);
    assert_int_equal(facts_find_mail(played.run->facts, "lunch")->recipients[0].copies, 1);
    played_end(&played);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_one_copy),
        cmocka_unit_test(test_found),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
