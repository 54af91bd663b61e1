/* Actions that wait for what happens instead of for a time: `when` in the timeline.
 *
 * A trigger listens to the trace as a sink does. That a record is written is not the end of the
 * step that writes it, so an action on the same host comes as an interrupt: right after that step,
 * and before the next. For any other node it is an event of a later time. */
#include "scenario/simulation_internal.h"

#include "audit/facts.h"
#include "core/check.h"
#include "core/units.h"

#include <string.h>

void trigger_clear(void *trigger)
{
    g_strfreev(((Trigger *)trigger)->values);
}

static bool trigger_matches(const Simulation *simulation, const Trigger *trigger,
                            const TraceRecord *record)
{
    const ScenarioTrigger *when = &trigger->planned->action->when;
    if (record->kind != when->event || record->node != trigger->host)
        return false;
    for (size_t i = 0; i < when->field_count; i++) {
        const TraceFieldInfo *field = &trace_kind_info(when->event)->fields[when->fields[i].index];
        if (!facts_field_matches(simulation->simulator, record, field, trigger->values[i]))
            return false;
    }
    return true;
}

/* The record is the action's cause, though it is still being written. */
static Cause cause_by(const TraceRecord *record)
{
    Cause cause = record->cause;
    for (int at = (int)trace_kind_info(record->kind)->level; at < CAUSE_LEVELS; at++)
        cause.nearest[at] = record->seq;
    return cause;
}

static void trigger_fire(const Simulation *simulation, const Trigger *trigger,
                         const TraceRecord *record)
{
    Simulator *simulator = simulation->simulator;
    const ScenarioAction *action = trigger->planned->action;
    NodeId node = simulation_action_node(simulation, action);
    EventAction event = {simulation_run_action, trigger->planned, NULL, NULL};
    Cause saved = *simulator_cause(simulator);
    *simulator_cause(simulator) = cause_by(record);
    NodeId running = simulator_current_node(simulator);
    bool is_in_step = running == node || running == NODE_TIMELINE;
    if (action->after_ns == SCENARIO_UNSET && is_in_step && node == trigger->host)
        simulator_interrupt(simulator, node, event);
    else
        simulator_schedule(simulator, simtime_add(record->time, MAX(action->after_ns, 1)), node,
                           EVENT_FOREGROUND, event);
    *simulator_cause(simulator) = saved;
}

static void triggers_hear(void *owner, const TraceRecord *record)
{
    const Simulation *simulation = owner;
    for (guint i = 0; i < simulation->triggers->len; i++) {
        Trigger *trigger = &g_array_index(simulation->triggers, Trigger, i);
        if (trigger_matches(simulation, trigger, record) &&
            ++trigger->seen == trigger->planned->action->when.nth)
            trigger_fire(simulation, trigger, record);
    }
}

static NodeId find_node(const Simulator *simulator, const char *name)
{
    for (NodeId node = 0; node < simulator_node_count(simulator); node++) {
        if (strcmp(simulator_node_name(simulator, node), name) == 0)
            return node;
    }
    CHECK(false); /* the reader has looked */
    return NODE_TIMELINE;
}

static void add_trigger(Simulation *simulation, PlannedAction *planned)
{
    const ScenarioTrigger *when = &planned->action->when;
    Trigger trigger = {
        .planned = planned,
        .host = find_node(simulation->simulator, when->host.text),
        .values = g_new0(char *, when->field_count + 1),
    };
    for (size_t i = 0; i < when->field_count; i++) {
        const FactField *field = &when->fields[i];
        trigger.values[i] =
            fact_field_text(trace_kind_info(when->event)->fields[field->index].type, field);
    }
    g_array_append_val(simulation->triggers, trigger);
}

void simulation_watch_triggers(Simulation *simulation)
{
    TraceLevel level = TRACE_LEVEL_MAIL;
    for (size_t i = 0; i < simulation->scenario->timeline.count; i++) {
        const ScenarioAction *action = simulation->actions[i].action;
        if (action->time_ns != SCENARIO_UNSET)
            continue;
        add_trigger(simulation, &simulation->actions[i]);
        level = MAX(level, trace_kind_info(action->when.event)->level);
    }
    if (simulation->triggers->len > 0)
        trace_add_sink(simulation->trace, (TraceSink){triggers_hear, simulation, level});
}

/* ---- What did not come ---- */

/* " with path=spool/queue and to=DATA"; nothing when any record of the kind would do. */
static void describe_conditions(const Trigger *trigger, GString *out)
{
    const ScenarioTrigger *when = &trigger->planned->action->when;
    for (size_t i = 0; i < when->field_count; i++)
        g_string_append_printf(out, "%s %s=%s", i == 0 ? " with" : " and",
                               trace_kind_info(when->event)->fields[when->fields[i].index].key,
                               trigger->values[i]);
}

static char *describe_unmet(const Trigger *trigger)
{
    const ScenarioAction *action = trigger->planned->action;
    const ScenarioTrigger *when = &action->when;
    g_autofree char *subject = simulation_action_subject(action);
    GString *out = g_string_new(NULL);
    g_string_printf(out, "line %u, %s %s: ", action->at.line, action_name(action->kind), subject);
    if (trigger->seen >= when->nth) {
        g_string_append(out, "the run ended before it was due");
        return g_string_free(out, FALSE);
    }
    const char *event = trace_kind_info(when->event)->name;
    if (trigger->seen == 0)
        g_string_append_printf(out, "%s had no %s", when->host.text, event);
    else
        g_string_append_printf(out, "%s had %lld of the %lld %s", when->host.text,
                               (long long)trigger->seen, (long long)when->nth, event);
    describe_conditions(trigger, out);
    if (trigger->seen > 0)
        g_string_append(out, " that it waits for");
    return g_string_free(out, FALSE);
}

/* Such as a crash of what is down already. */
static char *describe_idle(const PlannedAction *planned)
{
    const ScenarioAction *action = planned->action;
    g_autofree char *subject = simulation_action_subject(action);
    g_autofree char *at = units_format_readable(planned->idle_at);
    return g_strdup_printf("line %u, %s %s: there was nothing to do for it at %s", action->at.line,
                           action_name(action->kind), subject, at);
}

GPtrArray *simulation_list_unmet(const Simulation *simulation)
{
    GPtrArray *list = g_ptr_array_new_with_free_func(g_free);
    for (size_t i = 0; i < simulation->scenario->timeline.count; i++) {
        if (simulation->actions[i].idle_at > 0)
            g_ptr_array_add(list, describe_idle(&simulation->actions[i]));
    }
    for (guint i = 0; i < simulation->triggers->len; i++) {
        const Trigger *trigger = &g_array_index(simulation->triggers, Trigger, i);
        if (trigger->planned->done == 0)
            g_ptr_array_add(list, describe_unmet(trigger));
    }
    return list;
}
