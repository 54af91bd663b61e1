/* The families of faults that a swarm is drawn from. Each fault has an end of its own; the swarm
 * heals all of them again in any case. */
#include "torture/swarm_internal.h"

#include "core/units.h"
#include "scenario/format.h"
#include "store/disk.h"

/* How many faults a family draws at most. */
enum { FAULTS_MAX = 3 };

static unsigned draw_count(Swarm *swarm)
{
    return 1 + (unsigned)swarm_draw(swarm, FAULTS_MAX);
}

/* ---- Machines ---- */

static void add_machine(Swarm *swarm, ActionKind kind, const char *host, SimTime time)
{
    ScenarioAction action = swarm_action(kind, time);
    action.machine.host.text = host;
    swarm_add(swarm, &action);
}

static void draw_down(Swarm *swarm, ActionKind kind, ActionKind end)
{
    for (unsigned i = draw_count(swarm); i > 0; i--) {
        const char *host = swarm_draw_server(swarm);
        SimTime time = swarm_draw_time(swarm);
        add_machine(swarm, kind, host, time);
        add_machine(swarm, end, host, time + swarm_draw_duration(swarm));
    }
}

static void draw_crashes(Swarm *swarm)
{
    draw_down(swarm, ACTION_CRASH, ACTION_RESTART);
}

static void draw_power_offs(Swarm *swarm)
{
    draw_down(swarm, ACTION_POWER_OFF, ACTION_RESTART);
}

static void draw_shutdowns(Swarm *swarm)
{
    draw_down(swarm, ACTION_SHUTDOWN, ACTION_RESTART);
}

static void draw_full_disks(Swarm *swarm)
{
    draw_down(swarm, ACTION_FILL_DISK, ACTION_FREE_DISK);
}

/* ---- Disks that fail ---- */

/* Operations of all kinds, or of one; once, a few times, or until the end. */
static void fill_disk_failure(Swarm *swarm, ScenarioAction *action, const char *host)
{
    int64_t *one = arena_allocate(swarm->arena, 1, sizeof(int64_t));
    action->disk_fail.host.text = host;
    action->disk_fail.failures = SCENARIO_UNSET;
    *one = (int64_t)swarm_draw(swarm, DISK_OPERATION_COUNT);
    if (swarm_draw(swarm, 2) == 0)
        action->disk_fail.operations = (ScenarioNumbers){one, 1};
    if (swarm_draw(swarm, 2) == 0)
        action->disk_fail.failures = 1 + (int64_t)swarm_draw(swarm, 4);
}

static void draw_disk_errors(Swarm *swarm)
{
    for (unsigned i = draw_count(swarm); i > 0; i--) {
        const char *host = swarm_draw_server(swarm);
        ScenarioAction action = swarm_action(ACTION_DISK_FAIL, swarm_draw_time(swarm));
        fill_disk_failure(swarm, &action, host);
        swarm_add(swarm, &action);
        add_machine(swarm, ACTION_DISK_FIX, host, action.time_ns + swarm_draw_duration(swarm));
    }
}

/* A server that falls down again and again right after it has started: while it recovers. As every
 * fault, none begins behind the window, where nothing would heal it. */
static void draw_relapses(Swarm *swarm)
{
    enum { RELAPSES = 4, UPTIME_MS = 40 };
    const char *host = swarm_draw_server(swarm);
    SimTime time = swarm_draw_time(swarm);
    for (uint64_t i = 1 + swarm_draw(swarm, RELAPSES); i > 0 && time <= swarm->window_ns; i--) {
        ActionKind kind = swarm_draw(swarm, 2) == 0 ? ACTION_CRASH : ACTION_POWER_OFF;
        add_machine(swarm, kind, host, time);
        time += swarm_draw_duration(swarm);
        add_machine(swarm, ACTION_RESTART, host, time);
        time += (SimTime)swarm_draw(swarm, UPTIME_MS * 10) * (SIM_MILLISECOND / 10);
    }
}

/* ---- At a moment that the mail itself brings about ---- */

/* Such a moment can come after the healing: then the end of the fault is all that heals it, and
 * must not come after the end of the run. */
static SimTime draw_short_duration(Swarm *swarm)
{
    SimTime duration = swarm_draw_duration(swarm);
    return MIN(duration, SIM_HOUR);
}

/* Strikes the host where and when `when` says, and ends the fault a while later. */
static void add_strike(Swarm *swarm, const ScenarioTrigger *when)
{
    ScenarioAction action =
        swarm_action(swarm_draw(swarm, 2) == 0 ? ACTION_CRASH : ACTION_POWER_OFF, SCENARIO_UNSET);
    action.when = *when;
    action.machine.host = when->host;
    swarm_add(swarm, &action);
    action.kind = ACTION_RESTART;
    action.after_ns = draw_short_duration(swarm);
    swarm_add(swarm, &action);
}

/* Silence, so long as TCP bears it or longer: the link of the host is cut. */
static void add_cut(Swarm *swarm, const ScenarioTrigger *when)
{
    ScenarioAction action = swarm_action(ACTION_LINK_DOWN, SCENARIO_UNSET);
    for (guint i = 0; i < swarm->links->len; i++) {
        const SwarmLink *link = &g_array_index(swarm->links, SwarmLink, i);
        if (g_strcmp0(link->a, when->host.text) != 0)
            continue;
        action.link.between.items = arena_allocate(swarm->arena, 2, sizeof(ScenarioText));
        action.link.between.count = 2;
        action.link.between.items[0].text = link->a;
        action.link.between.items[1].text = link->b;
    }
    action.when = *when;
    action.after_ns = 1 + (SimTime)swarm_draw(swarm, 2 * SIM_MILLISECOND);
    swarm_add(swarm, &action);
    action.kind = ACTION_LINK_UP;
    action.after_ns += draw_short_duration(swarm);
    swarm_add(swarm, &action);
}

static int64_t draw_nth(Swarm *swarm)
{
    return 1 + (int64_t)swarm_draw(swarm, 12);
}

/* Crash, loss of power or silence when a session enters a state. */
static void draw_state_strikes(Swarm *swarm)
{
    for (unsigned i = draw_count(swarm); i > 0; i--) {
        int64_t machine = (int64_t)swarm_draw(swarm, 2); /* the SMTP server's or client's */
        const StateTable *table = format_machine(machine);
        ScenarioTrigger when = {
            .host.text = swarm_draw_server(swarm),
            .machine = machine,
            .enters.text = table->states[1 + swarm_draw(swarm, table->state_count - 1U)],
            .nth = draw_nth(swarm),
        };
        if (swarm_draw(swarm, 3) == 0)
            add_cut(swarm, &when);
        else
            add_strike(swarm, &when);
    }
}

static void draw_event_strikes(Swarm *swarm, const TraceKind *kinds, size_t count)
{
    for (unsigned i = draw_count(swarm); i > 0; i--) {
        ScenarioTrigger when = {
            .host.text = swarm_draw_server(swarm),
            .machine = SCENARIO_UNSET,
            .event = kinds[swarm_draw(swarm, count)],
            .nth = draw_nth(swarm),
        };
        add_strike(swarm, &when);
    }
}

static void draw_disk_strikes(Swarm *swarm)
{
    static const TraceKind KINDS[] = {TRACE_DISK_WRITE, TRACE_DISK_SYNC, TRACE_DISK_RENAME,
                                      TRACE_DISK_UNLINK};
    draw_event_strikes(swarm, KINDS, G_N_ELEMENTS(KINDS));
}

/* The disk begins to fail at one of its own steps, or at what a mail server does. */
static void draw_disk_error_strikes(Swarm *swarm)
{
    static const TraceKind KINDS[] = {
        TRACE_DISK_WRITE,    TRACE_DISK_SYNC,     TRACE_DISK_RENAME,    TRACE_DISK_UNLINK,
        TRACE_QUEUE_RECOVER, TRACE_QUEUE_ATTEMPT, TRACE_MAIL_DELIVERED, TRACE_MAIL_RELAYED,
        TRACE_HOST_RESTART,  TRACE_MAIL_BOUNCED};
    for (unsigned i = draw_count(swarm); i > 0; i--) {
        const char *host = swarm_draw_server(swarm);
        ScenarioAction action = swarm_action(ACTION_DISK_FAIL, SCENARIO_UNSET);
        action.when = (ScenarioTrigger){
            .host.text = host,
            .machine = SCENARIO_UNSET,
            .event = KINDS[swarm_draw(swarm, G_N_ELEMENTS(KINDS))],
            .nth = draw_nth(swarm),
        };
        fill_disk_failure(swarm, &action, host);
        swarm_add(swarm, &action);
        ScenarioAction fix = swarm_action(ACTION_DISK_FIX, SCENARIO_UNSET);
        fix.when = action.when;
        fix.machine.host.text = host;
        fix.after_ns = draw_short_duration(swarm);
        swarm_add(swarm, &fix);
    }
}

static void draw_mail_strikes(Swarm *swarm)
{
    static const TraceKind KINDS[] = {
        TRACE_QUEUE_ENTER,   TRACE_QUEUE_RECOVER,  TRACE_QUEUE_ATTEMPT,  TRACE_QUEUE_DEFER,
        TRACE_QUEUE_REMOVE,  TRACE_MAIL_ACCEPTED,  TRACE_MAIL_RELAYED,   TRACE_MAIL_BOUNCED,
        TRACE_MAILBOX_STORE, TRACE_MAIL_DELIVERED, TRACE_STORE_INVENTORY};
    draw_event_strikes(swarm, KINDS, G_N_ELEMENTS(KINDS));
}

/* ---- Links ---- */

static ScenarioAction draw_link_action(Swarm *swarm, ActionKind kind, SimTime time)
{
    ScenarioAction action = swarm_action(kind, time);
    const SwarmLink *link =
        &g_array_index(swarm->links, SwarmLink, swarm_draw(swarm, swarm->links->len));
    action.link.between.items = arena_allocate(swarm->arena, 2, sizeof(ScenarioText));
    action.link.between.count = 2;
    action.link.between.items[0].text = link->a;
    action.link.between.items[1].text = link->b;
    if (swarm_draw(swarm, 3) == 0)
        action.link.from.text = swarm_draw(swarm, 2) == 0 ? link->a : link->b;
    return action;
}

static void end_link_action(Swarm *swarm, ScenarioAction action, ActionKind kind)
{
    action.kind = kind;
    action.link.from = (ScenarioText){0};
    action.time_ns += swarm_draw_duration(swarm);
    swarm_add(swarm, &action);
}

static void draw_cuts(Swarm *swarm)
{
    for (unsigned i = draw_count(swarm); i > 0; i--) {
        ScenarioAction action = draw_link_action(swarm, ACTION_LINK_DOWN, swarm_draw_time(swarm));
        swarm_add(swarm, &action);
        end_link_action(swarm, action, ACTION_LINK_UP);
    }
}

/* Up to 30 %, in whole percent. */
static int64_t draw_share(Swarm *swarm)
{
    return (int64_t)(1 + swarm_draw(swarm, 30)) * (UNITS_SHARE_WHOLE / 100);
}

static void draw_bad_links(Swarm *swarm)
{
    enum { WAYS = 7 };
    for (unsigned i = draw_count(swarm); i > 0; i--) {
        ScenarioAction action = draw_link_action(swarm, ACTION_DEGRADE, swarm_draw_time(swarm));
        LinkParameters *changes = &action.link.changes;
        *changes = (LinkParameters){.delay_ns = SCENARIO_UNSET,
                                    .rate_bps = SCENARIO_UNSET,
                                    .loss_ppb = SCENARIO_UNSET,
                                    .queue_packets = SCENARIO_UNSET,
                                    .buffer_bytes = SCENARIO_UNSET,
                                    .mtu_bytes = SCENARIO_UNSET,
                                    .jitter_ns = SCENARIO_UNSET,
                                    .reorder_ppb = SCENARIO_UNSET,
                                    .duplicate_ppb = SCENARIO_UNSET,
                                    .corrupt_ppb = SCENARIO_UNSET};
        int64_t *const shares[] = {&changes->loss_ppb, &changes->reorder_ppb,
                                   &changes->duplicate_ppb, &changes->corrupt_ppb};
        uint64_t way = swarm_draw(swarm, WAYS);
        if (way < G_N_ELEMENTS(shares))
            *shares[way] = draw_share(swarm);
        else if (way == 4)
            changes->delay_ns = (SimTime)(1 + swarm_draw(swarm, 30)) * 100 * SIM_MILLISECOND;
        else if (way == 5)
            changes->rate_bps = (int64_t)(1 + swarm_draw(swarm, 64)) * 1000;
        else
            changes->jitter_ns = (SimTime)(1 + swarm_draw(swarm, 500)) * SIM_MILLISECOND;
        swarm_add(swarm, &action);
        end_link_action(swarm, action, ACTION_RESTORE);
    }
}

/* Each server falls into one part or the other, or is in none. */
static void draw_partitions(Swarm *swarm)
{
    SimTime time = swarm_draw_time(swarm);
    ScenarioAction action = swarm_action(ACTION_PARTITION, time);
    size_t count = swarm->base->servers.count;
    ScenarioTexts *groups = arena_allocate(swarm->arena, 2, sizeof(ScenarioTexts));
    for (int i = 0; i < 2; i++)
        groups[i].items = arena_allocate(swarm->arena, count, sizeof(ScenarioText));
    for (size_t i = 0; i < count; i++) {
        uint64_t group = swarm_draw(swarm, 3);
        if (group < 2)
            groups[group].items[groups[group].count++].text =
                swarm->base->servers.items[i].name.text;
    }
    if (groups[0].count == 0 || groups[1].count == 0)
        return;
    action.partition.groups.items = groups;
    action.partition.groups.count = 2;
    swarm_add(swarm, &action);
    ScenarioAction heal = swarm_action(ACTION_HEAL, time + swarm_draw_duration(swarm));
    swarm_add(swarm, &heal);
}

/* ---- Names ---- */

static void draw_lost_names(Swarm *swarm)
{
    for (unsigned i = draw_count(swarm); i > 0; i--) {
        ScenarioAction action = swarm_action(ACTION_DNS_FAIL, swarm_draw_time(swarm));
        action.dns_fail.name.text = swarm->names->pdata[swarm_draw(swarm, swarm->names->len)];
        action.dns_fail.how = (int64_t)swarm_draw(swarm, DNS_FAILURE_NXDOMAIN + 1);
        swarm_add(swarm, &action);
        ScenarioAction fix =
            swarm_action(ACTION_DNS_FIX, action.time_ns + swarm_draw_duration(swarm));
        fix.dns_fix.name = action.dns_fail.name;
        swarm_add(swarm, &fix);
    }
}

const SwarmFamily SWARM_FAMILIES[] = {
    {"crash", draw_crashes},
    {"power-off", draw_power_offs},
    {"shutdown", draw_shutdowns},
    {"relapse", draw_relapses},
    {"full-disk", draw_full_disks},
    {"disk-error", draw_disk_errors},
    {"disk-error-strike", draw_disk_error_strikes},
    {"state-strike", draw_state_strikes},
    {"disk-strike", draw_disk_strikes},
    {"mail-strike", draw_mail_strikes},
    {"cut-link", draw_cuts},
    {"bad-link", draw_bad_links},
    {"partition", draw_partitions},
    {"lost-name", draw_lost_names},
};
const size_t SWARM_FAMILY_COUNT = G_N_ELEMENTS(SWARM_FAMILIES);
