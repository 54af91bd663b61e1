/* Causality. See causality.h. The timeline's own records are of level MAIL, so what has a cause at
 * one level has one at each. */
#include "audit/causality.h"

enum {
    LEVEL_BITS = 2,
    LEVELS_A_BYTE = 8 / LEVEL_BITS,
    LEVEL_MASK = (1 << LEVEL_BITS) - 1,
};

struct Causality {
    Simulator *simulator;
    GByteArray *levels; /* of each seq, four a byte */
    uint64_t count;     /* records so far */
    SimTime time;       /* of the last one */
    GArray *defects;    /* CausalityDefect */
    size_t defect_count;
};

/* ---- What is known of each record ---- */

static void remember_level(Causality *causality, uint64_t seq, TraceLevel level)
{
    guint at = (guint)(seq / LEVELS_A_BYTE);
    guint shift = (guint)(seq % LEVELS_A_BYTE) * LEVEL_BITS;
    static const guint8 NONE = 0;
    while (causality->levels->len <= at)
        g_byte_array_append(causality->levels, &NONE, 1);
    causality->levels->data[at] |= (guint8)((guint)level << shift);
}

/* `seq` is one that was remembered. */
static TraceLevel level_of(const Causality *causality, uint64_t seq)
{
    guint shift = (guint)(seq % LEVELS_A_BYTE) * LEVEL_BITS;
    return (TraceLevel)(causality->levels->data[seq / LEVELS_A_BYTE] >> shift & LEVEL_MASK);
}

/* ---- Complaints ---- */

static void complain(Causality *causality, const TraceRecord *record, const char *format, ...)
    G_GNUC_PRINTF(3, 4);

static void complain(Causality *causality, const TraceRecord *record, const char *format, ...)
{
    causality->defect_count++;
    if (causality->defects->len >= CAUSALITY_MAX_DEFECTS)
        return;
    va_list arguments;
    va_start(arguments, format);
    g_autofree char *what = g_strdup_vprintf(format, arguments);
    va_end(arguments);
    CausalityDefect defect = {
        .seq = record->seq,
        .time = record->time,
        .text = g_strdup_printf("%s of %s %s", trace_kind_info(record->kind)->name,
                                simulator_node_name(causality->simulator, record->node), what),
    };
    g_array_append_val(causality->defects, defect);
}

/* ---- The rules ---- */

static bool is_of_timeline(const TraceRecord *record)
{
    return record->node == NODE_TIMELINE || record->kind == TRACE_TIMELINE_BEGIN ||
           record->kind == TRACE_TIMELINE_END || record->kind == TRACE_TIMELINE_ACTION ||
           record->kind == TRACE_TIMELINE_NOTE || record->kind == TRACE_TIMELINE_CONNECT ||
           record->kind == TRACE_TIMELINE_STOP;
}

static void check_order(Causality *causality, const TraceRecord *record)
{
    if (record->seq != causality->count + 1)
        complain(causality, record, "does not have the next seq, which is %" G_GUINT64_FORMAT,
                 causality->count + 1);
    if (record->time < causality->time)
        complain(causality, record, "is earlier than the record before it");
}

static void check_cause(Causality *causality, const TraceRecord *record, TraceLevel level)
{
    static const char *const LEVELS[] = {"mail", "protocol", "segment"};
    uint64_t cause = record->cause.nearest[level];
    if (cause == 0 && !is_of_timeline(record))
        complain(causality, record, "has no cause at level %s", LEVELS[level]);
    else if (cause >= record->seq)
        complain(causality, record, "is not later than its cause %" G_GUINT64_FORMAT, cause);
    else if (cause != 0 && level_of(causality, cause) > level)
        complain(causality, record,
                 "names as its cause at level %s record %" G_GUINT64_FORMAT
                 ", which that level leaves out",
                 LEVELS[level], cause);
    else if (level > 0 && cause < record->cause.nearest[level - 1])
        complain(causality, record, "has a nearer cause at level %s than at level %s",
                 LEVELS[level - 1], LEVELS[level]);
}

static void check_because(Causality *causality, const TraceRecord *record)
{
    uint64_t because = record->because;
    if (because >= record->seq)
        complain(causality, record,
                 "is not later than the record %" G_GUINT64_FORMAT " that decided it", because);
    else if (because != 0 && level_of(causality, because) != TRACE_LEVEL_MAIL)
        complain(causality, record,
                 "was decided by record %" G_GUINT64_FORMAT ", which is not of level mail",
                 because);
}

static void causality_write(void *owner, const TraceRecord *record)
{
    Causality *causality = owner;
    check_order(causality, record);
    remember_level(causality, record->seq, trace_kind_info(record->kind)->level);
    for (TraceLevel level = TRACE_LEVEL_MAIL; level <= TRACE_LEVEL_SEGMENT; level++)
        check_cause(causality, record, level);
    check_because(causality, record);
    causality->count = record->seq;
    causality->time = record->time;
}

/* ---- Life ---- */

static void defect_clear(void *defect)
{
    g_free((char *)((CausalityDefect *)defect)->text);
}

Causality *causality_new(Trace *trace)
{
    Causality *causality = g_new0(Causality, 1);
    causality->simulator = trace_simulator(trace);
    causality->levels = g_byte_array_new();
    causality->defects = g_array_new(FALSE, FALSE, sizeof(CausalityDefect));
    g_array_set_clear_func(causality->defects, defect_clear);
    trace_add_sink(trace, (TraceSink){causality_write, causality, TRACE_LEVEL_SEGMENT});
    return causality;
}

void causality_free(Causality *causality)
{
    g_byte_array_unref(causality->levels);
    g_array_unref(causality->defects);
    g_free(causality);
}

size_t causality_defect_count(const Causality *causality)
{
    return causality->defect_count;
}

const CausalityDefect *causality_defect_at(const Causality *causality, size_t index)
{
    return index < causality->defects->len
               ? &g_array_index(causality->defects, CausalityDefect, index)
               : NULL;
}
