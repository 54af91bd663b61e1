/* A machine: what every program on a host of the simulation has at hand. A plain value that the
 * builder fills in; it outlives the programs. */
#pragma once

#include "net/host.h"
#include "net/network.h"
#include "node/name_faults.h"
#include "trace/trace.h"

/* The wall clock of time zero: for Date fields and the like, never for decisions. */
typedef struct WallClock {
    int64_t start_unix; /* seconds since 1970-01-01 UTC */
    int utc_offset_minutes;
} WallClock;

typedef struct Machine {
    Simulator *simulator;
    Trace *trace;
    Network *network;
    Host *host;
    NodeId node; /* of the host */
    WallClock clock;
    Ipv4Address name_server; /* whom the resolver asks */
    NameFaults *name_faults; /* shared by all machines */
    /* Hosts from this address on stand for real programs, with which no TLS is spoken, since that
     * of the simulation is none; 0: there are no such hosts. */
    Ipv4Address outside_from;
} Machine;

/* Whether STARTTLS may be offered to, or asked of, the host of that address. */
static inline bool machine_may_encrypt(const Machine *machine, Ipv4Address peer)
{
    return machine->outside_from == 0 || peer < machine->outside_from;
}

/* Seconds since 1970-01-01 UTC, as the machine's clock shows them. */
static inline int64_t machine_unix_now(const Machine *machine)
{
    return machine->clock.start_unix + simulator_now(machine->simulator) / SIM_SECOND;
}

/* The same for a moment of simulated time. */
static inline int64_t machine_unix_at(const Machine *machine, SimTime time)
{
    return machine->clock.start_unix + time / SIM_SECOND;
}
