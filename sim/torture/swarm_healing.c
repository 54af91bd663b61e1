/* Whether a timeline heals what it breaks. See swarm.h. */
#include "torture/swarm.h"

#include <glib.h>
#include <string.h>

/* The action that ends the fault; ACTION_KINDS: it is no fault. */
static ActionKind end_of(ActionKind kind)
{
    switch (kind) {
    case ACTION_CRASH:
    case ACTION_POWER_OFF:
    case ACTION_SHUTDOWN:
        return ACTION_RESTART;
    case ACTION_FILL_DISK:
        return ACTION_FREE_DISK;
    case ACTION_DISK_FAIL:
        return ACTION_DISK_FIX;
    case ACTION_LINK_DOWN:
        return ACTION_LINK_UP;
    case ACTION_DEGRADE:
        return ACTION_RESTORE;
    case ACTION_PARTITION:
        return ACTION_HEAL;
    case ACTION_DNS_FAIL:
    case ACTION_DNS_SET:
        return ACTION_DNS_FIX;
    default:
        return ACTION_KINDS;
    }
}

static bool has_same_object(const ScenarioAction *fault, const ScenarioAction *end)
{
    switch (end->kind) {
    case ACTION_RESTART:
    case ACTION_FREE_DISK:
        return strcmp(fault->machine.host.text, end->machine.host.text) == 0;
    case ACTION_DISK_FIX:
        return strcmp(fault->disk_fail.host.text, end->machine.host.text) == 0;
    case ACTION_LINK_UP:
    case ACTION_RESTORE:
        return strcmp(fault->link.between.items[0].text, end->link.between.items[0].text) == 0 &&
               strcmp(fault->link.between.items[1].text, end->link.between.items[1].text) == 0;
    case ACTION_DNS_FIX:
        return g_ascii_strcasecmp(fault->kind == ACTION_DNS_FAIL ? fault->dns_fail.name.text
                                                                 : fault->dns_set.name.text,
                                  end->dns_fix.name.text) == 0;
    default:
        return true;
    }
}

static bool is_same_trigger(const ScenarioTrigger *a, const ScenarioTrigger *b)
{
    return g_strcmp0(a->host.text, b->host.text) == 0 && a->machine == b->machine &&
           a->event == b->event && g_strcmp0(a->enters.text, b->enters.text) == 0 &&
           a->nth == b->nth;
}

/* Behind the last occurrence of the fault: by the clock, or by the same trigger. */
static bool is_behind(const ScenarioAction *fault, const ScenarioAction *end)
{
    if ((fault->time_ns == SCENARIO_UNSET) != (end->time_ns == SCENARIO_UNSET))
        return false;
    if (fault->time_ns == SCENARIO_UNSET)
        return is_same_trigger(&fault->when, &end->when) && end->after_ns > fault->after_ns;
    SimTime last = fault->time_ns + (fault->times - 1) * MAX(fault->every_ns, 0);
    return end->time_ns > last;
}

static bool has_end(const ScenarioTimeline *timeline, const ScenarioAction *fault)
{
    for (size_t i = 0; i < timeline->count; i++) {
        const ScenarioAction *end = &timeline->items[i];
        if (end->kind == end_of(fault->kind) && has_same_object(fault, end) &&
            is_behind(fault, end))
            return true;
    }
    return false;
}

bool swarm_is_healed(const Scenario *scenario)
{
    for (size_t i = 0; i < scenario->timeline.count; i++) {
        const ScenarioAction *action = &scenario->timeline.items[i];
        if (end_of(action->kind) != ACTION_KINDS && !has_end(&scenario->timeline, action))
            return false;
    }
    return true;
}
