/* A fault that a run gets from outside of its scenario, at any point of it: after an event, or
 * before or after a step of a server's disk. In text, as `mailsim run --fault` has it:
 *
 *     crash:mail.gmail.example:117                    after the run's event 117
 *     power_off:mail.gmail.example:before-step-9      when the disk's step 9 is about to take
 * effect power_off:mail.gmail.example:after-step-9       when it has, and nobody has been told
 *
 * The steps of a disk are counted from 1 (store/disk.h). */
#pragma once

#include "scenario/model.h"

typedef enum SimulationFaultPoint {
    FAULT_AFTER_EVENT,
    FAULT_BEFORE_DISK_STEP,
    FAULT_AFTER_DISK_STEP,
} SimulationFaultPoint;

typedef enum SimulationFaultKind {
    FAULT_CRASH,
    FAULT_POWER_OFF,
    FAULT_SHUTDOWN,
    FAULT_LINK_DOWN, /* of the server's own link */
    FAULT_RESET,     /* each TCP segment from or to it is answered by a RST */
    FAULT_FILL_DISK,
    FAULT_DISK_ERROR, /* the disk's next operation fails */
    FAULT_DISK_ERROR_FOR_GOOD,
    FAULT_KINDS,
} SimulationFaultKind;

/* What befalls a server; some time later it starts again, or what it is is over. */
typedef struct SimulationFault {
    uint64_t number; /* of the event or step; 0: no fault */
    SimulationFaultKind kind;
    const char *server; /* borrowed; it exists */
    SimTime restart_after_ns;
    SimulationFaultPoint point;
} SimulationFault;

/* How long a fault lasts as a rule. */
#define SIMULATION_FAULT_DURATION (10 * SIM_MINUTE)

/* The kind's word, such as "disk_error". */
const char *simulation_fault_name(SimulationFaultKind kind);
/* All of them, for people: `crash, power_off, … or disk_error_for_good`. */
#define SIMULATION_FAULT_NAMES                                                                     \
    "crash, power_off, shutdown, link_down, reset, fill_disk, disk_error or disk_error_for_good"
/* What the fault is as an action of the timeline, and what ends it. */
ActionKind simulation_fault_action(SimulationFaultKind kind);
ActionKind simulation_fault_end(SimulationFaultKind kind);

/* Reads the text, all but `restart_after_ns`; the server's name stays in it, which is cut there.
 * False when it is not so written: then nothing is changed. */
bool simulation_fault_parse(char *text, SimulationFault *fault);
/* The text, to free; "" for no fault. */
char *simulation_fault_format(const SimulationFault *fault);
