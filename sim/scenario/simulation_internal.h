/* What the files of the simulation share. */
#pragma once

#include "net/network.h"
#include "node/mail_server.h"
#include "node/name_faults.h"
#include "node/name_server.h"
#include "node/user_agent.h"
#include "scenario/simulation.h"

typedef struct SimulatedServer {
    const ScenarioServer *scenario;
    Machine machine;
    MailServer *server;
} SimulatedServer;

typedef struct SimulatedAgent {
    const ScenarioPerson *person;
    const ScenarioAgent *scenario;
    Machine machine;
    UserAgent *agent;
} SimulatedAgent;

/* An entry of the timeline on its way: the same one for each repetition. */
typedef struct PlannedAction {
    struct Simulation *simulation;
    const ScenarioAction *action;
    int64_t done;    /* occurrences so far */
    SimTime idle_at; /* the first that nothing came of at once; 0: none yet, or at the very start */
} PlannedAction;

/* An action that waits for the nth record of a kind. */
typedef struct Trigger {
    PlannedAction *planned;
    NodeId host;
    char **values; /* that the fields of `when` must have, as text */
    int64_t seen;  /* such records so far */
} Trigger;

/* A mail of `traffic`. */
typedef struct PlannedMail {
    const ScenarioTraffic *traffic;
    int64_t index; /* from 0 */
    SimulatedAgent *agent;
    const char *to;
    int64_t size;
} PlannedMail;

struct Simulation {
    const Scenario *scenario;
    SimulationOptions options;
    Simulator *simulator;
    Trace *trace;
    Network *network;
    NameFaults *name_faults;
    DnsZone *zone;
    Machine name_server_machine;
    NameServer *name_server;
    SimulatedServer *servers; /* scenario->servers.count */
    GArray *agents;           /* SimulatedAgent, in the order of the scenario */
    uint64_t seed;
    PlannedMail *planned_mails; /* of all traffic */
    Machine *outside;           /* the gateway's: `outside`, then the domains'; or NULL */
    Gateway *gateway;
    PlannedAction *actions;          /* scenario->timeline.count */
    GArray *triggers;                /* Trigger, of those actions that have one */
    ScenarioAction fault_actions[2]; /* the options' fault, and its end */
    ScenarioText fault_between[2];   /* the link of it */
    ScenarioRule fault_rule;         /* the firewall of it, */
    GArray *fault_end_rules;         /* and the server's own: ScenarioRule */
    PlannedAction fault_end;
    bool fault_has_struck;
};

/* The users' passwords: the scenario has none, since nobody is kept out by them. */
#define SIMULATION_PASSWORD "secret"

/* ---- simulation_network.c: machines and what joins them ---- */

/* All of them, with the outside's where the options have one. */
void simulation_build_network(Simulation *simulation);
/* Changes what is given; the chances' denominators are set in any case. */
void simulation_change_link(LinkOptions *options, const LinkParameters *changes);

/* Appends what a rule of the file means, FilterRule: with lists, one for each pair. */
void simulation_append_rule(const Simulation *simulation, const ScenarioRule *rule,
                            GArray *filters);
/* ---- simulation_policy.c: who may send what to whom ---- */

/* What the options point into, beside the scenario; to clear. */
typedef struct PolicyLists {
    GArray *ranges; /* PolicyRange */
    const char **zones;
} PolicyLists;

/* Once the network is built. */
PolicyOptions simulation_policy(const Simulation *simulation, const ScenarioPolicy *policy,
                                PolicyLists *lists);
void policy_lists_clear(PolicyLists *lists);

/* ---- simulation_zone.c: the names ---- */

/* What the name server knows at the start: generated from the servers, then the `dns` section. */
DnsZone *simulation_build_zone(const Simulation *simulation);
/* Replaces records of a name, as `dns` and `dns_set` say. */
void simulation_set_records(const Simulation *simulation, DnsZone *zone, const char *name,
                            const DnsRecords *records);
/* Dynamic DNS: the names of all machines behind the home's router lead to the address that it has
 * now, each with a record dns.set. */
void simulation_update_home_names(const Simulation *simulation, const char *home);
/* The records in words, to free. */
char *simulation_describe_records(const DnsRecords *records);

/* ---- simulation_timeline.c: what happens when ---- */

/* Schedules the first occurrence of every action; before the run. */
void simulation_plan_timeline(Simulation *simulation);
/* The node on which the action is an event. */
NodeId simulation_action_node(const Simulation *simulation, const ScenarioAction *action);
/* Whom or what the action concerns, to free. */
char *simulation_action_subject(const ScenarioAction *action);
/* The event of an action; `owner` is its PlannedAction. */
void simulation_run_action(void *owner, void *data);
/* `lunch`, and for later occurrences `lunch.2` and so on; from 0; to free. */
char *simulation_occurrence_name(const char *name, int64_t occurrence);
/* The next occurrence of an action. */
void simulation_plan_next(PlannedAction *planned, SimTime time);
/* One that the scenario has, as its reader has found. */
SimulatedServer *simulation_find_server(const Simulation *simulation, const char *name);

/* ---- simulation_fault.c: the fault of the options ---- */

/* Strikes with the fault of the options, between two events or at a step of the server's disk, and
 * schedules its end. */
void simulation_strike(Simulation *simulation);
/* Strikes when the server's disk comes to the step that the fault names; before the run. */
void simulation_watch_disk(Simulation *simulation);

/* ---- simulation_trigger.c: what happens when something else has happened ---- */

/* Watches the trace for what actions wait for; before the run. */
void simulation_watch_triggers(Simulation *simulation);
void trigger_clear(void *trigger);

/* ---- simulation_traffic.c ---- */

/* Draws all traffic and schedules it; before the run. */
void simulation_plan_traffic(Simulation *simulation);
