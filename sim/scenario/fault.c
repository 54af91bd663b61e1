/* A fault's text. See fault.h. */
#include "scenario/fault.h"

#include "core/check.h"

#include <string.h>

static const struct {
    const char *prefix;
    SimulationFaultPoint point;
} points[] = {
    {"before-step-", FAULT_BEFORE_DISK_STEP},
    {"after-step-", FAULT_AFTER_DISK_STEP},
    {"", FAULT_AFTER_EVENT},
};

static const struct {
    const char *name;
    ActionKind action, end;
} kinds[FAULT_KINDS] = {
    [FAULT_CRASH] = {"crash", ACTION_CRASH, ACTION_RESTART},
    [FAULT_POWER_OFF] = {"power_off", ACTION_POWER_OFF, ACTION_RESTART},
    [FAULT_SHUTDOWN] = {"shutdown", ACTION_SHUTDOWN, ACTION_RESTART},
    [FAULT_LINK_DOWN] = {"link_down", ACTION_LINK_DOWN, ACTION_LINK_UP},
    [FAULT_RESET] = {"reset", ACTION_SET_FIREWALL, ACTION_SET_FIREWALL},
    [FAULT_FILL_DISK] = {"fill_disk", ACTION_FILL_DISK, ACTION_FREE_DISK},
    [FAULT_DISK_ERROR] = {"disk_error", ACTION_DISK_FAIL, ACTION_DISK_FIX},
    [FAULT_DISK_ERROR_FOR_GOOD] = {"disk_error_for_good", ACTION_DISK_FAIL, ACTION_DISK_FIX},
};

const char *simulation_fault_name(SimulationFaultKind kind)
{
    CHECK(kind < FAULT_KINDS);
    return kinds[kind].name;
}

ActionKind simulation_fault_action(SimulationFaultKind kind)
{
    CHECK(kind < FAULT_KINDS);
    return kinds[kind].action;
}

ActionKind simulation_fault_end(SimulationFaultKind kind)
{
    CHECK(kind < FAULT_KINDS);
    return kinds[kind].end;
}

static bool parse_kind(const char *text, SimulationFault *fault)
{
    for (SimulationFaultKind kind = 0; kind < FAULT_KINDS; kind++) {
        if (strcmp(text, kinds[kind].name) == 0) {
            fault->kind = kind;
            return true;
        }
    }
    return false;
}

static bool parse_point(const char *text, SimulationFault *fault)
{
    for (size_t i = 0; i < G_N_ELEMENTS(points); i++) {
        guint64 number = 0;
        if (!g_str_has_prefix(text, points[i].prefix))
            continue;
        fault->point = points[i].point;
        bool is_number = g_ascii_string_to_unsigned(text + strlen(points[i].prefix), 10, 1,
                                                    INT64_MAX, &number, NULL);
        fault->number = number;
        return is_number;
    }
    return false;
}

bool simulation_fault_parse(char *text, SimulationFault *fault)
{
    SimulationFault read = *fault;
    g_auto(GStrv) parts = g_strsplit(text, ":", -1);
    if (g_strv_length(parts) != 3 || parts[1][0] == '\0' || !parse_kind(parts[0], &read) ||
        !parse_point(parts[2], &read))
        return false;
    char *server = text + strlen(parts[0]) + 1;
    server[strlen(parts[1])] = '\0';
    read.server = server;
    *fault = read;
    return true;
}

char *simulation_fault_format(const SimulationFault *fault)
{
    const char *prefix = "";
    if (fault->number == 0)
        return g_strdup("");
    for (size_t i = 0; i < G_N_ELEMENTS(points); i++) {
        if (points[i].point == fault->point)
            prefix = points[i].prefix;
    }
    return g_strdup_printf("%s:%s:%s%" G_GUINT64_FORMAT, simulation_fault_name(fault->kind),
                           fault->server, prefix, fault->number);
}
