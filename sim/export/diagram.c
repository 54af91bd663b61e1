/* Collecting the events of a diagram. See diagram.h. */
#include "export/diagram_internal.h"

#include "core/units.h"
#include "export/timeline_fold.h"

#include <string.h>

static const SimTime DIAGRAM_PAUSE = 10 * SIM_SECOND;

static void collect(void *owner, const TimelineEvent *event)
{
    Diagram *diagram = owner;
    if (diagram->events->len == DIAGRAM_EVENTS_MAXIMUM) {
        diagram->left_out++;
        return;
    }
    TimelineEvent *copy = g_new(TimelineEvent, 1);
    *copy = *event;
    copy->text = g_strdup(event->text);
    g_ptr_array_add(diagram->events, copy);
}

static void diagram_take(void *owner, const TraceRecord *record)
{
    Diagram *diagram = owner;
    TimelineEvent *event = timeline_reader_read(diagram->reader, record);
    if (diagram->fold != NULL) {
        timeline_fold_take(diagram->fold, record, event);
        return;
    }
    if (event == NULL)
        return;
    collect(diagram, event);
    timeline_event_free(event);
}

static void free_event(gpointer event)
{
    timeline_event_free(event);
}

Diagram *diagram_new(Trace *trace, const DiagramOptions *options)
{
    Diagram *diagram = g_new0(Diagram, 1);
    diagram->trace = trace;
    diagram->title = g_strdup(options->title);
    diagram->reader = timeline_reader_new(trace, options->level, options->follow);
    if (!options->is_unfolded && options->level < TRACE_LEVEL_SEGMENT)
        diagram->fold = timeline_fold_new(options->level, (TimelineReceiver){collect, diagram});
    diagram->columns = g_array_new(FALSE, FALSE, sizeof(NodeId));
    g_array_append_vals(diagram->columns, options->columns, (guint)options->column_count);
    diagram->network = options->network;
    diagram->network_count = options->network_count;
    diagram->events = g_ptr_array_new_with_free_func(free_event);
    trace_add_sink(trace, (TraceSink){diagram_take, diagram, options->level});
    return diagram;
}

void diagram_free(Diagram *diagram)
{
    timeline_reader_free(diagram->reader);
    g_clear_pointer(&diagram->fold, timeline_fold_free);
    g_free(diagram->title);
    g_array_unref(diagram->columns);
    g_ptr_array_unref(diagram->events);
    g_free(diagram);
}

static bool has_events(const Diagram *diagram, NodeId node)
{
    for (guint i = 0; i < diagram->events->len; i++) {
        const TimelineEvent *event = g_ptr_array_index(diagram->events, i);
        if (event->node == node || event->peer == node)
            return true;
    }
    return false;
}

void diagram_finish(Diagram *diagram)
{
    if (diagram->is_finished)
        return;
    diagram->is_finished = true;
    if (diagram->fold != NULL)
        timeline_fold_finish(diagram->fold, simulator_now(trace_simulator(diagram->trace)));
    for (guint i = diagram->columns->len; i-- > 0;) {
        if (!has_events(diagram, g_array_index(diagram->columns, NodeId, i)))
            g_array_remove_index(diagram->columns, i);
    }
}

int diagram_column(const Diagram *diagram, NodeId node)
{
    for (guint i = 0; i < diagram->columns->len; i++) {
        if (g_array_index(diagram->columns, NodeId, i) == node)
            return (int)i;
    }
    return -1;
}

const char *diagram_column_name(const Diagram *diagram, guint column)
{
    return simulator_node_name(trace_simulator(diagram->trace),
                               g_array_index(diagram->columns, NodeId, column));
}

const NdjsonNode *diagram_column_node(const Diagram *diagram, guint column)
{
    const char *name = diagram_column_name(diagram, column);
    for (size_t i = 0; i < diagram->network_count; i++) {
        if (strcmp(diagram->network[i].name, name) == 0)
            return &diagram->network[i];
    }
    return NULL;
}

char *diagram_pause(const Diagram *diagram, guint event)
{
    const TimelineEvent *now = g_ptr_array_index(diagram->events, event);
    const TimelineEvent *before = event > 0 ? g_ptr_array_index(diagram->events, event - 1) : NULL;
    SimTime pause = now->time - (before != NULL ? before->time : 0);
    if (pause < DIAGRAM_PAUSE)
        return NULL;
    pause -= pause % (pause >= SIM_HOUR ? SIM_MINUTE : SIM_SECOND);
    g_autofree char *text = units_format_readable(pause);
    return g_strdup_printf("... %s ...", text);
}

char *diagram_left_out(const Diagram *diagram)
{
    if (diagram->left_out == 0)
        return NULL;
    return g_strdup_printf("%" G_GUINT64_FORMAT " more events are left out; --follow, --level mail "
                           "or --until shows fewer",
                           diagram->left_out);
}

char *diagram_text(const Diagram *diagram, const TimelineEvent *event)
{
    if (event->node == NODE_TIMELINE || diagram_column(diagram, event->node) >= 0)
        return g_strdup(event->text);
    return g_strdup_printf(
        "(%s) %s", simulator_node_name(trace_simulator(diagram->trace), event->node), event->text);
}
