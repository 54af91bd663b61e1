/* What a lesson's text says of other seeds than its own, which no expectation can prove. */
#include "scenario/run.h"
#include "scenario_read.h"

/* Dave's mail in lesson 15, over the link that loses packets. */
typedef struct Rough {
    Simulator *simulator;
    SimTime first_at, stored_at; /* its first segment; in Bob's mailbox */
    unsigned sent_again;         /* segments */
} Rough;

static void watch(void *owner, const TraceRecord *record)
{
    Rough *rough = owner;
    const char *host = simulator_node_name(rough->simulator, record->node);
    if (record->kind == TRACE_MAILBOX_STORE) {
        const TraceFields_MAILBOX_STORE *fields = record->fields;
        if (strcmp(fields->mail, "over-rough") == 0)
            rough->stored_at = record->time;
    }
    if (strcmp(host, "mail.nate.example") != 0)
        return;
    if (record->kind == TRACE_SMTP_CONTENT && rough->first_at == 0)
        rough->first_at = record->time;
    if (record->kind == TRACE_TCP_SEND) {
        const TraceFields_TCP_SEND *fields = record->fields;
        rough->sent_again += fields->destination_port == 25 &&
                             (strcmp(fields->reason, "fast retransmission") == 0 ||
                              strcmp(fields->reason, "retransmission after timeout") == 0);
    }
}

static Rough play_seed(const Scenario *scenario, int64_t seed)
{
    SimulationOptions options = {.seed = seed, .until_ns = SCENARIO_UNSET};
    g_autoptr(Run) run = run_new(scenario, &options);
    Rough rough = {.simulator = simulation_simulator(run->simulation)};
    trace_add_sink(simulation_trace(run->simulation),
                   (TraceSink){watch, &rough, TRACE_LEVEL_SEGMENT});
    assert_true(run_play(run));
    return rough;
}

static int compare_times(const void *a, const void *b)
{
    SimTime first = *(const SimTime *)a, second = *(const SimTime *)b;
    return (first > second) - (first < second);
}

/* "with the seeds 1 to 40 the server sends between one and eight segments again, and the message
 * takes between 0.36 s and 16.5 s; half of them take at most 1.2 s" */
static void test_lossy_link_with_forty_seeds(void **state)
{
    (void)state;
    enum { SEEDS = 40 };
    g_autoptr(Scenario) scenario = scenario_of_file("scenarios/15-lossy-link/scenario.yaml");
    SimTime times[SEEDS];
    unsigned fewest = UINT_MAX, most = 0;
    for (int seed = 1; seed <= SEEDS; seed++) {
        Rough rough = play_seed(scenario, seed);
        times[seed - 1] = rough.stored_at - rough.first_at;
        fewest = MIN(fewest, rough.sent_again);
        most = MAX(most, rough.sent_again);
    }
    qsort(times, SEEDS, sizeof *times, compare_times);
    assert_int_equal(fewest, 1);
    assert_int_equal(most, 8);
    assert_in_range(times[0], 355 * SIM_MILLISECOND, 365 * SIM_MILLISECOND);
    assert_in_range(times[SEEDS - 1], 16450 * SIM_MILLISECOND, 16550 * SIM_MILLISECOND);
    assert_true(times[SEEDS / 2 - 1] <= 1200 * SIM_MILLISECOND);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lossy_link_with_forty_seeds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
