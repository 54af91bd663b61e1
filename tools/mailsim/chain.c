/* How a record came about. See chain.h. */
#include "chain.h"

#include "export/timeline.h"

enum { CHAIN_SHOWN_MAXIMUM = 40 };

typedef struct ChainRecord {
    uint64_t seq, cause;
    char *text; /* time, host and words */
} ChainRecord;

typedef struct Chain {
    const Simulator *simulator;
    GArray *records; /* ChainRecord, by rising seq */
} Chain;

static void chain_record_clear(void *record)
{
    g_free(((ChainRecord *)record)->text);
}

static void chain_note(void *owner, const TraceRecord *record)
{
    Chain *chain = owner;
    GString *text = g_string_new(NULL);
    timeline_format_time(record->time, 3, text);
    g_string_append_printf(text, "  %s  ", simulator_node_name(chain->simulator, record->node));
    timeline_describe(chain->simulator, record, text);
    ChainRecord noted = {record->seq, record->cause.nearest[TRACE_LEVEL_MAIL],
                         g_string_free(text, FALSE)};
    g_array_append_val(chain->records, noted);
}

/* The last record that is not later than `seq`; NULL when there is none. */
static const ChainRecord *chain_find(const Chain *chain, uint64_t seq)
{
    const ChainRecord *found = NULL;
    for (guint i = 0; i < chain->records->len; i++) {
        const ChainRecord *record = &g_array_index(chain->records, ChainRecord, i);
        if (record->seq > seq)
            break;
        found = record;
    }
    return found;
}

static void chain_format(const Chain *chain, uint64_t seq, GString *out)
{
    const ChainRecord *record = seq == 0 ? NULL : chain_find(chain, seq);
    for (unsigned shown = 0; record != NULL && shown < CHAIN_SHOWN_MAXIMUM; shown++) {
        g_autofree char *line = g_strdup_printf("    %s\n", record->text);
        g_string_prepend(out, line);
        record = record->cause == 0 ? NULL : chain_find(chain, record->cause);
    }
}

void chain_write(const Scenario *scenario, const SimulationOptions *options, uint64_t seq,
                 GString *out)
{
    g_autoptr(Run) run = run_new(scenario, options);
    Chain chain = {simulation_simulator(run->simulation),
                   g_array_new(FALSE, FALSE, sizeof(ChainRecord))};
    g_array_set_clear_func(chain.records, chain_record_clear);
    trace_add_sink(simulation_trace(run->simulation),
                   (TraceSink){chain_note, &chain, TRACE_LEVEL_MAIL});
    run_play(run);
    chain_format(&chain, seq, out);
    g_array_unref(chain.records);
}
