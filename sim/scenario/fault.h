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

/* What befalls a server; some time later it starts again, or what it is is over. */
typedef struct SimulationFault {
    uint64_t number;    /* of the event or step; 0: no fault */
    ActionKind kind;    /* one of SIMULATION_FAULT_KINDS */
    const char *server; /* borrowed; it exists */
    SimTime restart_after_ns;
    SimulationFaultPoint point;
} SimulationFault;

/* How long a fault lasts as a rule. */
#define SIMULATION_FAULT_DURATION (10 * SIM_MINUTE)

/* crash, power_off, shutdown, link_down (of the server's own link), fill_disk. */
enum { SIMULATION_FAULT_KIND_COUNT = 5 };
extern const ActionKind SIMULATION_FAULT_KINDS[SIMULATION_FAULT_KIND_COUNT];

/* Reads the text, all but `restart_after_ns`; the server's name stays in it, which is cut there.
 * False when it is not so written: then nothing is changed. */
bool simulation_fault_parse(char *text, SimulationFault *fault);
/* The text, to free; "" for no fault. */
char *simulation_fault_format(const SimulationFault *fault);
