/* The network in the scenario's model: links, homes, the firewall, TCP. See model.h. */
#pragma once

#include "scenario/model_values.h"

/* How a link behaves in each direction, or what shall change: then SCENARIO_UNSET is as it was. */
typedef struct LinkParameters {
    SourcePosition at;
    int64_t delay_ns; /* propagation, more than 0 */
    int64_t rate_bps; /* bits per second */
    int64_t loss_ppb; /* chance that a packet is lost, in parts per billion */
    int64_t queue_packets;
    int64_t buffer_bytes; /* octets that wait; SCENARIO_UNSET: any number */
    int64_t mtu_bytes;
    int64_t jitter_ns;
    int64_t reorder_ppb, duplicate_ppb, corrupt_ppb; /* like loss_ppb */
} LinkParameters;

typedef struct ScenarioLink {
    SourcePosition at;
    ScenarioTexts between; /* two different routers */
    LinkParameters parameters;
} ScenarioLink;

typedef struct ScenarioLinks {
    ScenarioLink *items;
    size_t count;
} ScenarioLinks;

/* A direction of a link that differs from the other. */
typedef struct ScenarioOneWay {
    SourcePosition at;
    ScenarioText from, to; /* nodes that a link joins */
    LinkParameters changes;
} ScenarioOneWay;

typedef struct ScenarioOneWays {
    ScenarioOneWay *items;
    size_t count;
} ScenarioOneWays;

/* A port of a home's router whose connections go to a machine inside. */
typedef struct ScenarioForward {
    SourcePosition at;
    int64_t port;
    ScenarioText to; /* a server or an agent's machine behind that router */
} ScenarioForward;

typedef struct ScenarioForwards {
    ScenarioForward *items;
    size_t count;
} ScenarioForwards;

/* A NAT router: machines that name it as their router have private addresses. */
typedef struct ScenarioHome {
    SourcePosition at;
    ScenarioText name;
    ScenarioText router;
    LinkParameters link;
    int64_t tcp_timeout_ns, udp_timeout_ns; /* of mappings */
    ScenarioForwards forward;
} ScenarioHome;

typedef struct ScenarioHomes {
    ScenarioHome *items;
    size_t count;
} ScenarioHomes;

typedef enum FirewallAction {
    FIREWALL_ALLOW,
    FIREWALL_DROP,
    FIREWALL_REJECT,
    FIREWALL_RESET,
} FirewallAction;

typedef enum FirewallProtocol {
    FIREWALL_TCP,
    FIREWALL_UDP,
    FIREWALL_ICMP,
    FIREWALL_ANY,
} FirewallProtocol;

/* A rule of a firewall: what it does with packets that fit. */
typedef struct ScenarioRule {
    SourcePosition at;
    ScenarioText host;      /* the router or machine whose firewall it is */
    int64_t action;         /* FirewallAction */
    int64_t protocol;       /* FirewallProtocol */
    int64_t port;           /* of the destination; SCENARIO_UNSET: any */
    ScenarioTexts from, to; /* nodes and ranges of addresses; none: anybody */
} ScenarioRule;

typedef struct ScenarioRules {
    ScenarioRule *items;
    size_t count;
} ScenarioRules;

typedef enum TcpProfileChoice { TCP_CHOICE_RFC, TCP_CHOICE_LINUX } TcpProfileChoice;
typedef enum NagleChoice {
    NAGLE_CHOICE_NEVER,
    NAGLE_CHOICE_CLASSIC,
    NAGLE_CHOICE_MINSHALL
} NagleChoice;
typedef enum RecoveryChoice {
    RECOVERY_CHOICE_TIMER,
    RECOVERY_CHOICE_TAHOE,
    RECOVERY_CHOICE_RENO,
    RECOVERY_CHOICE_NEWRENO
} RecoveryChoice;
typedef enum SwitchChoice { SWITCH_NEVER, SWITCH_ALWAYS } SwitchChoice;
typedef enum SoftErrorChoice {
    SOFT_ERROR_CHOICE_NOTED,
    SOFT_ERROR_CHOICE_ENDS_OPENING
} SoftErrorChoice;

/* How TCP behaves, in the network or on one machine. All but the profile: SCENARIO_UNSET: as the
 * profile has it. What a machine does not give is as in the network. */
typedef struct TcpParameters {
    SourcePosition at;
    int64_t profile;        /* TcpProfileChoice */
    int64_t initial_window; /* segments */
    int64_t mss_bytes;
    int64_t receive_buffer_bytes;
    int64_t send_buffer_bytes;
    int64_t window_scale; /* SwitchChoice */
    int64_t delayed_ack_ns;
    int64_t nagle;                                                 /* NagleChoice */
    int64_t slow_start_limit;                                      /* segments; 0: none */
    int64_t recovery;                                              /* RecoveryChoice */
    int64_t limited_transmit, tail_loss_probe, restart_after_idle; /* SwitchChoice */
    int64_t initial_rto_ns, minimum_rto_ns, maximum_rto_ns;
    int64_t r1, r2, r2_syn;  /* retransmissions */
    int64_t user_timeout_ns; /* SCENARIO_UNSET: R2 alone decides */
    int64_t keep_alive_ns;   /* idle time before the first one */
    int64_t keep_alive_interval_ns, keep_alive_probes;
    int64_t fin_wait_2_timeout_ns;
    int64_t msl_ns;
    int64_t soft_errors; /* SoftErrorChoice */
} TcpParameters;

typedef struct ScenarioNetwork {
    SourcePosition at;
    ScenarioTexts routers; /* at least one */
    LinkParameters default_link;
    ScenarioLinks links;
    ScenarioOneWays one_way;
    ScenarioHomes homes;
    ScenarioRules firewall;
    TcpParameters tcp;
} ScenarioNetwork;
