/* Tests of core/simulator: the total order, timers, and the end of a run. */
#include "core/simulator.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <glib.h>
#include <string.h>

typedef struct Journal {
    Simulator *simulator;
    GString *text;
    NodeId a, b;
} Journal;

static void journal_run(void *owner, void *data)
{
    Journal *journal = owner;
    g_string_append_printf(journal->text, "%s@%d ", (const char *)data,
                           (int)simulator_now(journal->simulator));
}

static EventAction journal_action(Journal *journal, const char *name)
{
    return (EventAction){journal_run, journal, (void *)(uintptr_t)name, NULL};
}

static Journal journal_new(void)
{
    Journal journal = {.simulator = simulator_new(7), .text = g_string_new(NULL)};
    journal.a = simulator_add_node(journal.simulator, "a.example");
    journal.b = simulator_add_node(journal.simulator, "b.example");
    return journal;
}

static void journal_clear(Journal *journal)
{
    simulator_free(journal->simulator);
    g_string_free(journal->text, TRUE);
}

static const SimulatorLimits TO_THE_END = {.until = SIM_NEVER};

static void test_order_is_time_then_destination(void **state)
{
    (void)state;
    Journal journal = journal_new();
    Simulator *simulator = journal.simulator;
    simulator_schedule(simulator, 5, journal.b, EVENT_FOREGROUND, journal_action(&journal, "b5"));
    simulator_schedule(simulator, 5, journal.a, EVENT_FOREGROUND, journal_action(&journal, "a5"));
    simulator_schedule(simulator, 3, journal.b, EVENT_FOREGROUND, journal_action(&journal, "b3"));
    simulator_schedule(simulator, 5, journal.a, EVENT_FOREGROUND, journal_action(&journal, "A5"));
    assert_int_equal(simulator_run(simulator, TO_THE_END), SIMULATOR_END_QUIET);
    assert_string_equal(journal.text->str, "b3@3 a5@5 A5@5 b5@5 ");
    assert_int_equal(simulator_event_count(simulator), 4);
    journal_clear(&journal);
}

/* Within an instant a node's zero-delay steps come after what was already due there. */
static void step_again(void *owner, void *data)
{
    Journal *journal = owner;
    journal_run(owner, data);
    simulator_schedule(journal->simulator, simulator_now(journal->simulator), journal->a,
                       EVENT_FOREGROUND, journal_action(journal, "effect"));
}

static void test_an_effect_follows_its_cause(void **state)
{
    (void)state;
    Journal journal = journal_new();
    EventAction again = {step_again, &journal, "cause", NULL};
    simulator_schedule(journal.simulator, 5, journal.a, EVENT_FOREGROUND, again);
    simulator_schedule(journal.simulator, 5, journal.a, EVENT_FOREGROUND,
                       journal_action(&journal, "due"));
    simulator_run(journal.simulator, TO_THE_END);
    assert_string_equal(journal.text->str, "cause@5 due@5 effect@5 ");
    journal_clear(&journal);
}

static void step_interrupted(void *owner, void *text)
{
    Journal *journal = owner;
    simulator_schedule(journal->simulator, simulator_now(journal->simulator), journal->a,
                       EVENT_FOREGROUND, journal_action(journal, "effect"));
    simulator_interrupt(journal->simulator, journal->a, journal_action(journal, "interrupt"));
    journal_run(owner, text);
}

/* Before what the step has scheduled, and before what came for the same moment from elsewhere. */
static void test_an_interrupt_comes_next(void **state)
{
    (void)state;
    Journal journal = journal_new();
    EventAction step = {step_interrupted, &journal, "step", NULL};
    simulator_interrupt(journal.simulator, journal.a, journal_action(&journal, "first"));
    simulator_schedule(journal.simulator, 5, journal.a, EVENT_FOREGROUND, step);
    simulator_schedule(journal.simulator, 5, journal.a, EVENT_FOREGROUND,
                       journal_action(&journal, "due"));
    simulator_run(journal.simulator, TO_THE_END);
    assert_string_equal(journal.text->str, "first@0 step@5 interrupt@5 due@5 effect@5 ");
    assert_int_equal(simulator_event_count(journal.simulator), 5);
    journal_clear(&journal);
}

/* Goes on as the next event where that may be, and otherwise schedules it: the journal tells which.
 */
static void go_on(void *owner, void *data)
{
    Journal *journal = owner;
    journal_run(owner, data);
    if (simulator_begin_next(journal->simulator))
        journal_run(owner, "on");
    else
        simulator_schedule(journal->simulator, simulator_now(journal->simulator), journal->a,
                           EVENT_FOREGROUND, journal_action(journal, "later"));
}

static void go_on_interrupted(void *owner, void *data)
{
    Journal *journal = owner;
    simulator_interrupt(journal->simulator, journal->a, journal_action(journal, "interrupt"));
    go_on(owner, data);
}

static void go_on_stopped(void *owner, void *data)
{
    simulator_stop(((Journal *)owner)->simulator);
    go_on(owner, data);
}

/* Events for `a` that do `run`, and behind them one for `b` at the same time. The run ends after
 * `budget` events, 0: with the last, and goes on. */
static void check_going_on(unsigned events, void (*run)(void *owner, void *data), uint64_t budget,
                           const char *expected)
{
    Journal journal = journal_new();
    Simulator *simulator = journal.simulator;
    simulator_schedule(simulator, 5, journal.b, EVENT_FOREGROUND, journal_action(&journal, "b"));
    for (unsigned i = 0; i < events; i++)
        simulator_schedule(simulator, 5, journal.a, EVENT_FOREGROUND,
                           (EventAction){run, &journal, (void *)(uintptr_t) "go", NULL});
    simulator_run(simulator, (SimulatorLimits){.until = SIM_NEVER, .max_events = budget});
    g_string_append(journal.text, "| ");
    simulator_run(simulator, TO_THE_END);
    assert_string_equal(journal.text->str, expected);
    bool has_interrupt = strstr(expected, "interrupt") != NULL;
    assert_int_equal(simulator_event_count(simulator), 2 * events + 1 + has_interrupt);
    journal_clear(&journal);
}

static void test_the_next_event_may_begin_at_once(void **state)
{
    (void)state;
    check_going_on(1, go_on, 0, "go@5 on@5 b@5 | ");
    check_going_on(1, go_on, 2, "go@5 on@5 | b@5 ");
    check_going_on(1, go_on, 1, "go@5 | later@5 b@5 ");
    check_going_on(1, go_on_interrupted, 0, "go@5 interrupt@5 later@5 b@5 | ");
    check_going_on(1, go_on_stopped, 0, "go@5 | later@5 b@5 ");
    check_going_on(2, go_on, 0, "go@5 go@5 later@5 later@5 b@5 | ");
}

static void test_a_cancelled_event_does_not_come(void **state)
{
    (void)state;
    Journal journal = journal_new();
    Simulator *simulator = journal.simulator;
    EventAction owned = {journal_run, &journal, g_strdup("x"), g_free};
    Timer timer = simulator_schedule(simulator, 5, journal.a, EVENT_FOREGROUND, owned);
    assert_true(simulator_is_pending(simulator, timer));
    Timer copy = timer;
    simulator_cancel(simulator, &timer);
    assert_false(simulator_is_pending(simulator, copy));
    simulator_schedule(simulator, 6, journal.a, EVENT_FOREGROUND, journal_action(&journal, "y"));
    simulator_run(simulator, TO_THE_END);
    assert_string_equal(journal.text->str, "y@6 ");
    /* Its slot may be another event's by now: the old timer must not cancel that one. */
    Timer other = simulator_schedule(simulator, 9, journal.a, EVENT_FOREGROUND,
                                     journal_action(&journal, "z"));
    simulator_cancel(simulator, &copy);
    assert_true(simulator_is_pending(simulator, other));
    journal_clear(&journal);
}

/* So many that the cancelled ones are swept out while others wait, at all distances. */
static void test_what_is_not_cancelled_comes_in_order(void **state)
{
    (void)state;
    enum { COUNT = 3000 };
    Journal journal = journal_new();
    Simulator *simulator = journal.simulator;
    Timer *timers = g_new(Timer, COUNT);
    unsigned freed = 0;
    for (int i = 0; i < COUNT; i++) {
        EventAction action = {journal_run, &journal, (void *)(uintptr_t) "e", NULL};
        timers[i] = simulator_schedule(simulator, (SimTime)1 << (i % 40), journal.a,
                                       EVENT_FOREGROUND, action);
    }
    for (int i = 0; i < COUNT; i++) {
        if (i % 100 == 41)
            continue;
        simulator_cancel(simulator, &timers[i]);
        freed++;
    }
    assert_int_equal(freed, COUNT - COUNT / 100);
    simulator_run(simulator, TO_THE_END);
    assert_int_equal(simulator_event_count(simulator), COUNT / 100);
    assert_int_equal(simulator_now(simulator),
                     (SimTime)1 << 21); /* 41, 141, … modulo 40: 1 or 21 */
    for (int i = 0; i < COUNT; i++)
        assert_false(simulator_is_pending(simulator, timers[i]));
    g_free(timers);
    journal_clear(&journal);
}

/* What is fetched ahead, by what the events are given. */
enum { FETCHED = 100 };
typedef struct Fetching {
    Simulator *simulator;
    NodeId node;
    Timer timers[FETCHED];
    bool has_ended[FETCHED]; /* it has run, or is cancelled */
    unsigned stages[FETCHED], runs, others;
} Fetching;

static Fetching fetching; /* `fetch` may change nothing that it is given */

static void fetched_run(void *owner, void *data)
{
    (void)owner;
    unsigned index = (unsigned)((bool *)data - fetching.has_ended);
    fetching.has_ended[index] = true;
    fetching.runs++;
    /* Every tenth cancels the next but one, which has been fetched for by then. */
    if (index % 10 == 0)
        simulator_cancel(fetching.simulator, &fetching.timers[index + 2]);
}

static void fetched_discard(void *data)
{
    *(bool *)data = true;
}

static void fetched_fetch(const void *owner, const void *data, FetchStage stage)
{
    (void)owner;
    assert_false(*(const bool *)data);
    fetching.stages[(const bool *)data - fetching.has_ended] |= 1u << stage;
}

static void other_run(void *owner, void *data)
{
    (void)owner;
    (void)data;
    fetching.others++;
}

/* Only for events of that kind, and never with the data of one that has ended. */
static void test_events_are_fetched_ahead(void **state)
{
    (void)state;
    fetching = (Fetching){.simulator = simulator_new(7)};
    Simulator *simulator = fetching.simulator;
    fetching.node = simulator_add_node(simulator, "a.example");
    simulator_fetch_ahead(simulator, fetched_run, fetched_fetch);
    for (int i = 0; i < FETCHED; i++) {
        EventAction action = {fetched_run, NULL, &fetching.has_ended[i], fetched_discard};
        fetching.timers[i] =
            simulator_schedule(simulator, 10 * i + 10, fetching.node, EVENT_FOREGROUND, action);
        if (i % 5 == 0)
            simulator_schedule(simulator, 10 * i + 11, fetching.node, EVENT_FOREGROUND,
                               (EventAction){other_run, NULL, NULL, NULL});
    }
    simulator_run(simulator, TO_THE_END);
    unsigned fetched_fully = 0;
    for (int i = 0; i < FETCHED; i++)
        fetched_fully += fetching.stages[i] == (1u << FETCH_FAR | 1u << FETCH_NEAR);
    assert_int_equal(fetching.others, FETCHED / 5);
    assert_int_equal(fetching.runs, FETCHED - FETCHED / 10);
    assert_true(fetched_fully > fetching.runs / 2); /* it is a hint, but not an empty one */
    simulator_free(simulator);
}

static void test_background_does_not_keep_a_run_going(void **state)
{
    (void)state;
    Journal journal = journal_new();
    Simulator *simulator = journal.simulator;
    simulator_schedule(simulator, 2, journal.a, EVENT_BACKGROUND, journal_action(&journal, "scan"));
    simulator_schedule(simulator, 3, journal.a, EVENT_FOREGROUND, journal_action(&journal, "mail"));
    simulator_schedule(simulator, 4, journal.a, EVENT_BACKGROUND, journal_action(&journal, "poll"));
    assert_int_equal(simulator_run(simulator, TO_THE_END), SIMULATOR_END_QUIET);
    assert_string_equal(journal.text->str, "scan@2 mail@3 ");
    assert_int_equal(simulator_run(simulator, (SimulatorLimits){.until = 9}), SIMULATOR_END_UNTIL);
    assert_string_equal(journal.text->str, "scan@2 mail@3 poll@4 ");
    assert_int_equal(simulator_now(simulator), 9);
    journal_clear(&journal);
}

static void test_the_budget_of_events_ends_a_run(void **state)
{
    (void)state;
    Journal journal = journal_new();
    for (int i = 1; i <= 3; i++)
        simulator_schedule(journal.simulator, i, journal.a, EVENT_FOREGROUND,
                           journal_action(&journal, "e"));
    SimulatorLimits limits = {.until = SIM_NEVER, .max_events = 2};
    assert_int_equal(simulator_run(journal.simulator, limits), SIMULATOR_END_BUDGET);
    assert_string_equal(journal.text->str, "e@1 e@2 ");
    journal_clear(&journal);
}

/* A run that ends at a given time has looked at the next event; an earlier one can still come. */
static void test_events_can_be_added_between_runs(void **state)
{
    (void)state;
    Journal journal = journal_new();
    Simulator *simulator = journal.simulator;
    simulator_schedule(simulator, 1000, journal.a, EVENT_FOREGROUND,
                       journal_action(&journal, "late"));
    assert_int_equal(simulator_run(simulator, (SimulatorLimits){.until = 10}), SIMULATOR_END_UNTIL);
    simulator_schedule(simulator, 20, journal.a, EVENT_FOREGROUND,
                       journal_action(&journal, "early"));
    simulator_run(simulator, TO_THE_END);
    assert_string_equal(journal.text->str, "early@20 late@1000 ");
    journal_clear(&journal);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_order_is_time_then_destination),
        cmocka_unit_test(test_an_effect_follows_its_cause),
        cmocka_unit_test(test_an_interrupt_comes_next),
        cmocka_unit_test(test_the_next_event_may_begin_at_once),
        cmocka_unit_test(test_a_cancelled_event_does_not_come),
        cmocka_unit_test(test_what_is_not_cancelled_comes_in_order),
        cmocka_unit_test(test_events_are_fetched_ahead),
        cmocka_unit_test(test_background_does_not_keep_a_run_going),
        cmocka_unit_test(test_the_budget_of_events_ends_a_run),
        cmocka_unit_test(test_events_can_be_added_between_runs),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
