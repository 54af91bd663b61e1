/* Facts of a run: hosts, totals, and how all facts get their records. See facts.h. */
#include "audit/facts_internal.h"

#include <string.h>

/* ---- Hosts and totals ---- */

static HostTally *host_tally(Facts *facts, NodeId node)
{
    if (node >= facts->hosts->len)
        g_array_set_size(facts->hosts, node + 1);
    return &g_array_index(facts->hosts, HostTally, node);
}

static void host_tally_clear(void *tally)
{
    g_clear_pointer(&((HostTally *)tally)->relays, g_array_unref);
}

static void note_length(Facts *facts, NodeId node, uint64_t length)
{
    HostTally *host = host_tally(facts, node);
    host->is_mail_server = true;
    host->queue_length = length;
    host->queue_peak = MAX(host->queue_peak, length);
}

/* A message to two recipients counts as two. */
static void note_relay(Facts *facts, const TraceRecord *record)
{
    enum { PAST_MAX = 1024 };
    HostTally *host = host_tally(facts, record->node);
    if (host->relays == NULL)
        host->relays = g_array_new(FALSE, FALSE, sizeof(SimTime));
    g_array_append_val(host->relays, record->time);
    while (record->time - g_array_index(host->relays, SimTime, host->relays_past) >= SIM_MINUTE)
        host->relays_past++;
    host->relays_peak = MAX(host->relays_peak, host->relays->len - host->relays_past);
    if (host->relays_past > PAST_MAX) {
        g_array_remove_range(host->relays, 0, host->relays_past);
        host->relays_past = 0;
    }
}

static void note_drop(Facts *facts, const TraceRecord *record)
{
    const TraceFields_LINK_DROP *fields = record->fields;
    const char *reason = facts_text(facts, facts_intern(facts, fields->reason));
    host_tally(facts, record->node)->drops++;
    for (guint i = 0; i < facts->drops->len; i++) {
        FactsDrop *drop = &g_array_index(facts->drops, FactsDrop, i);
        if (drop->reason == reason) {
            drop->count++;
            return;
        }
    }
    FactsDrop drop = {reason, 1};
    g_array_append_val(facts->drops, drop);
}

static void note_connect(Facts *facts, const TraceRecord *record)
{
    host_tally(facts, record->node)->connections++;
}

static void note_enter(Facts *facts, const TraceRecord *record)
{
    note_length(facts, record->node, ((const TraceFields_QUEUE_ENTER *)record->fields)->length);
}

static void note_remove(Facts *facts, const TraceRecord *record)
{
    note_length(facts, record->node, ((const TraceFields_QUEUE_REMOVE *)record->fields)->length);
}

static void note_recover(Facts *facts, const TraceRecord *record)
{
    note_length(facts, record->node, ((const TraceFields_QUEUE_RECOVER *)record->fields)->length);
}

static void note_server(Facts *facts, const TraceRecord *record)
{
    host_tally(facts, record->node)->is_mail_server = true;
}

/* queue.recover tells what is there */
static void note_restart(Facts *facts, const TraceRecord *record)
{
    host_tally(facts, record->node)->queue_length = 0;
}

/* NULL: the kind says nothing of hosts. */
static const FactsNote HOST_NOTES[TRACE_KIND_COUNT] = {
    [TRACE_TCP_CONNECT] = note_connect,  [TRACE_LINK_DROP] = note_drop,
    [TRACE_MAIL_RELAYED] = note_relay,   [TRACE_QUEUE_ENTER] = note_enter,
    [TRACE_QUEUE_REMOVE] = note_remove,  [TRACE_QUEUE_RECOVER] = note_recover,
    [TRACE_MAIL_ACCEPTED] = note_server, [TRACE_HOST_RESTART] = note_restart,
};

size_t facts_host_count(const Facts *facts)
{
    return simulator_node_count(facts->simulator);
}

/* What a level below SEGMENT leaves out is not there. */
static uint64_t tally_of(const Facts *facts, NodeId node, TraceTally tally)
{
    return facts->level >= TRACE_LEVEL_SEGMENT ? trace_tally(facts->trace, node, tally) : 0;
}

FactsHost facts_host_at(const Facts *facts, size_t node)
{
    static const HostTally NOTHING;
    const HostTally *tally =
        node < facts->hosts->len ? &g_array_index(facts->hosts, HostTally, node) : &NOTHING;
    return (FactsHost){
        .name = simulator_node_name(facts->simulator, (NodeId)node),
        .is_mail_server = tally->is_mail_server,
        .queue_length = tally->queue_length,
        .queue_peak = tally->queue_peak,
        .relay_peak = tally->relays_peak,
        .connections = tally->connections,
        .segments = tally_of(facts, (NodeId)node, TRACE_TALLY_SEGMENTS),
        .retransmissions = tally_of(facts, (NodeId)node, TRACE_TALLY_RETRANSMISSIONS),
        .drops = tally->drops,
    };
}

bool facts_find_host(const Facts *facts, const char *name, FactsHost *host)
{
    for (size_t node = 0; node < facts_host_count(facts); node++) {
        if (strcmp(simulator_node_name(facts->simulator, (NodeId)node), name) == 0) {
            *host = facts_host_at(facts, node);
            return true;
        }
    }
    return false;
}

FactsTotals facts_totals(const Facts *facts)
{
    FactsTotals totals = {
        .drops_by_reason = (const FactsDrop *)(const void *)facts->drops->data,
        .reason_count = facts->drops->len,
    };
    for (size_t node = 0; node < facts_host_count(facts); node++) {
        FactsHost host = facts_host_at(facts, node);
        totals.connections += host.connections;
        totals.segments += host.segments;
        totals.retransmissions += host.retransmissions;
        totals.drops += host.drops;
    }
    return totals;
}

/* ---- Records ---- */

static void facts_write(void *owner, const TraceRecord *record)
{
    Facts *facts = owner;
    FactsNote host = HOST_NOTES[record->kind], mail = FACTS_MAIL_NOTES[record->kind];
    if (host != NULL)
        host(facts, record);
    if (mail != NULL)
        mail(facts, record);
    if (facts->queue_watches->len > 0)
        facts_note_queue(facts, record);
    if (facts->first_watch[record->kind] != 0)
        facts_count_watched(facts, record);
}

/* A queue that is watched takes any record of a mail. */
static bool is_wanted(const Facts *facts, TraceKind kind)
{
    bool is_of_mail = trace_kind_info(kind)->level == TRACE_LEVEL_MAIL;
    return HOST_NOTES[kind] != NULL || FACTS_MAIL_NOTES[kind] != NULL ||
           facts->first_watch[kind] != 0 || (is_of_mail && facts->queue_watches->len > 0);
}

/* ---- Life ---- */

Facts *facts_new(Trace *trace, Roster *roster)
{
    Facts *facts = g_new0(Facts, 1);
    facts->first_outside = UINT32_MAX;
    facts->trace = trace;
    facts->simulator = trace_simulator(trace);
    facts->roster = roster != NULL ? roster_ref(roster) : roster_new();
    facts->names = roster_names(facts->roster);
    facts_init_mails(facts);
    facts_init_questions(facts);
    facts->hosts = g_array_new(FALSE, TRUE, sizeof(HostTally));
    g_array_set_clear_func(facts->hosts, host_tally_clear);
    facts->drops = g_array_new(FALSE, FALSE, sizeof(FactsDrop));
    facts->watches = g_array_new(FALSE, FALSE, sizeof(Watch));
    g_array_set_clear_func(facts->watches, watch_clear);
    facts_init_queues(facts);
    return facts;
}

void facts_start(Facts *facts, TraceLevel level)
{
    facts->level = MAX(facts->level, level);
    bool kinds[TRACE_KIND_COUNT];
    for (TraceKind kind = 0; kind < TRACE_KIND_COUNT; kind++)
        kinds[kind] = is_wanted(facts, kind);
    trace_add_sink_of_kinds(facts->trace, (TraceSink){facts_write, facts, facts->level}, kinds);
}

TraceLevel facts_level(const Facts *facts)
{
    return facts->level;
}

void facts_free(Facts *facts)
{
    facts_clear_queues(facts);
    g_array_unref(facts->watches);
    g_array_unref(facts->drops);
    g_array_unref(facts->hosts);
    facts_clear_questions(facts);
    facts_clear_mails(facts);
    roster_unref(facts->roster);
    g_free(facts);
}
