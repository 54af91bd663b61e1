/* The facts' numbers of segments, which come from the trace's tallies, are those of its records. */
#include "scenario/run.h"
#include "scenario_read.h"

typedef struct Counted {
    uint64_t segments, retransmissions;
} Counted;

static void count(void *owner, const TraceRecord *record)
{
    GArray *nodes = owner;
    if (record->kind != TRACE_TCP_SEND)
        return;
    const TraceFields_TCP_SEND *fields = record->fields;
    if (record->node >= nodes->len)
        g_array_set_size(nodes, record->node + 1);
    Counted *counted = &g_array_index(nodes, Counted, record->node);
    counted->segments++;
    counted->retransmissions += strstr(fields->reason, "retransmission") != NULL;
}

/* With `nodes` the records are written, and counted there. */
static FactsTotals play(const Scenario *scenario, GArray *nodes)
{
    SimulationOptions options = {.seed = SCENARIO_UNSET, .until_ns = SCENARIO_UNSET};
    g_autoptr(Run) run = run_new(scenario, &options);
    if (nodes != NULL)
        trace_add_sink(simulation_trace(run->simulation),
                       (TraceSink){count, nodes, TRACE_LEVEL_SEGMENT});
    assert_true(run_play(run));
    for (guint node = 0; nodes != NULL && node < nodes->len; node++) {
        FactsHost host = facts_host_at(run->facts, node);
        const Counted *counted = &g_array_index(nodes, Counted, node);
        assert_int_equal(host.segments, counted->segments);
        assert_int_equal(host.retransmissions, counted->retransmissions);
    }
    return facts_totals(run->facts);
}

/* Over a link that loses packets. */
static void test_numbers_are_those_of_the_records(void **state)
{
    (void)state;
    g_autoptr(Scenario) scenario = scenario_of_file("scenarios/15-lossy-link/scenario.yaml");
    g_autoptr(GArray) nodes = g_array_new(FALSE, TRUE, sizeof(Counted));
    FactsTotals with = play(scenario, nodes), without = play(scenario, NULL);
    assert_true(with.retransmissions > 0);
    assert_true(with.segments > with.retransmissions);
    assert_int_equal(without.segments, with.segments);
    assert_int_equal(without.retransmissions, with.retransmissions);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_numbers_are_those_of_the_records),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
