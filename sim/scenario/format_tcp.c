/* The keys of `tcp`: for the whole network, and for one machine. See format.h. */
#include "scenario/format.h"

/* The engine counts buffers in 30 bits (net/tcp.h). */
#define BUFFER_MINIMUM 1000
#define BUFFER_MAXIMUM (INT64_C(512) << 20)

static const char *const profiles[] = {
    [TCP_CHOICE_RFC] = "rfc", [TCP_CHOICE_LINUX] = "linux", NULL};
static const char *const nagle_choices[] = {[NAGLE_CHOICE_NEVER] = "never",
                                            [NAGLE_CHOICE_CLASSIC] = "classic",
                                            [NAGLE_CHOICE_MINSHALL] = "minshall",
                                            NULL};
static const char *const recovery_choices[] = {[RECOVERY_CHOICE_TIMER] = "timer",
                                               [RECOVERY_CHOICE_TAHOE] = "tahoe",
                                               [RECOVERY_CHOICE_RENO] = "reno",
                                               [RECOVERY_CHOICE_NEWRENO] = "newreno",
                                               NULL};
static const char *const switch_choices[] = {
    [SWITCH_NEVER] = "never", [SWITCH_ALWAYS] = "always", NULL};
static const char *const soft_error_choices[] = {
    [SOFT_ERROR_CHOICE_NOTED] = "noted", [SOFT_ERROR_CHOICE_ENDS_OPENING] = "ends_opening", NULL};

/* The values of the three sorts of keys below. */
#define A_DURATION(least)                                                                          \
    {                                                                                              \
        .type = VALUE_QUANTITY, .units = UNITS_DURATION, .minimum = (least), .maximum = SIM_DAY    \
    }
#define A_NUMBER(least, most)                                                                      \
    {                                                                                              \
        .type = VALUE_INTEGER, .minimum = (least), .maximum = (most)                               \
    }
#define A_CHOICE(words)                                                                            \
    {                                                                                              \
        .type = VALUE_CHOICE, .choices = (words)                                                   \
    }
#define A_BUFFER                                                                                   \
    {                                                                                              \
        .type = VALUE_QUANTITY, .units = UNITS_SIZE, .minimum = BUFFER_MINIMUM,                    \
        .maximum = BUFFER_MAXIMUM                                                                  \
    }

#define KEY(name, member, ...)                                                                     \
    .key = (name), .offset = offsetof(TcpParameters, member), .value = __VA_ARGS__

/* All keys: the profile's default, and what holds without each. */
#define TCP_KEYS(usual_profile, absent_profile, absent_keep_alive, absent_user_timeout, absent)    \
    {KEY("profile", profile, A_CHOICE(profiles)), .default_text = (usual_profile),                 \
     .when_absent = (absent_profile),                                                              \
     .meaning = "whose values hold: those that the RFCs recommend, or a recent Linux's"},          \
        {KEY("initial_window", initial_window, A_NUMBER(1, 100)), .when_absent = (absent),         \
         .meaning = "segments that may be sent before the first acknowledgement: 10 (RFC 6928), "  \
                    "1 as in the textbook"},                                                       \
        {KEY("mss", mss_bytes,                                                                     \
             {.type = VALUE_QUANTITY, .units = UNITS_SIZE, .minimum = 64, .maximum = 1460}),       \
         .when_absent = (absent),                                                                  \
         .meaning = "the maximum segment size: octets of data in one segment"},                    \
        {KEY("receive_buffer", receive_buffer_bytes, A_BUFFER), .when_absent = (absent),           \
         .meaning = "the most that a sender may have under way, as the window offers"},            \
        {KEY("send_buffer", send_buffer_bytes, A_BUFFER), .when_absent = (absent),                 \
         .meaning = "the most that a program may write ahead of the acknowledgements"},            \
        {KEY("window_scale", window_scale, A_CHOICE(switch_choices)), .when_absent = (absent),     \
         .meaning = "whether the window scale option is offered (RFC 7323), without which no "     \
                    "window exceeds 65,535 octets; a larger `receive_buffer` alone asks for it"},  \
        {KEY("delayed_ack", delayed_ack_ns, A_DURATION(0)), .when_absent = (absent),               \
         .meaning = "how long an acknowledgement may wait for company; 0 s: it never waits"},      \
        {KEY("nagle", nagle, A_CHOICE(nagle_choices)), .when_absent = (absent),                    \
         .meaning = "when a short segment waits for an acknowledgement: never, as Nagle has it, "  \
                    "or as Minshall has changed it"},                                              \
        {KEY("slow_start_limit", slow_start_limit, A_NUMBER(0, 100)), .when_absent = (absent),     \
         .meaning = "segments by which one acknowledgement opens the congestion window in slow "   \
                    "start: 1 (RFC 5681), 2 (RFC 3465); 0: by all that it acknowledges"},          \
        {KEY("recovery", recovery, A_CHOICE(recovery_choices)), .when_absent = (absent),           \
         .meaning = "what follows a lost segment: a wait for the `timer`; or after three "         \
                    "duplicate acknowledgements the segment again and slow start (`tahoe`), or "   \
                    "fast recovery (`reno`, RFC 5681; `newreno`, RFC 6582)"},                      \
        {KEY("limited_transmit", limited_transmit, A_CHOICE(switch_choices)),                      \
         .when_absent = (absent),                                                                  \
         .meaning = "whether the first two duplicate acknowledgements let new segments out "       \
                    "(RFC 3042)"},                                                                 \
        {KEY("tail_loss_probe", tail_loss_probe, A_CHOICE(switch_choices)),                        \
         .when_absent = (absent),                                                                  \
         .meaning = "whether a probe goes out before the first retransmission timeout "            \
                    "(RFC 8985)"},                                                                 \
        {KEY("restart_after_idle", restart_after_idle, A_CHOICE(switch_choices)),                  \
         .when_absent = (absent),                                                                  \
         .meaning = "whether the congestion window shrinks to the initial window when a "          \
                    "connection has been idle (RFC 5681)"},                                        \
        {KEY("initial_rto", initial_rto_ns, A_DURATION(1)), .when_absent = (absent),               \
         .meaning = "the retransmission timeout before there is a measurement (RFC 6298)"},        \
        {KEY("minimum_rto", minimum_rto_ns, A_DURATION(1)), .when_absent = (absent),               \
         .meaning = "the shortest retransmission timeout"},                                        \
        {KEY("maximum_rto", maximum_rto_ns, A_DURATION(1)), .when_absent = (absent),               \
         .meaning = "the longest retransmission timeout, at which doubling it ends"},              \
        {KEY("r1", r1, A_NUMBER(1, 250)), .when_absent = (absent),                                 \
         .meaning = "retransmissions after which the trace tells of trouble (RFC 9293 §3.8.3)"},   \
        {KEY("r2", r2, A_NUMBER(1, 250)), .when_absent = (absent),                                 \
         .meaning = "retransmissions after which an open connection is given up"},                 \
        {KEY("r2_syn", r2_syn, A_NUMBER(0, 250)), .when_absent = (absent),                         \
         .meaning = "retransmissions of a SYN after which opening is given up"},                   \
        {KEY("user_timeout", user_timeout_ns, A_DURATION(1)),                                      \
         .when_absent = (absent_user_timeout),                                                     \
         .meaning = "how long data or a SYN may stay unacknowledged before the connection is "     \
                    "given up (RFC 9293 §3.9.1)"},                                                 \
        {KEY("keep_alive", keep_alive_ns, A_DURATION(1)), .when_absent = (absent_keep_alive),      \
         .meaning = "how long a connection is idle before it is probed; by default never"},        \
        {KEY("keep_alive_interval", keep_alive_interval_ns, A_DURATION(1)),                        \
         .when_absent = (absent),                                                                  \
         .meaning = "between the probes of an idle connection that nothing answers"},              \
        {KEY("keep_alive_probes", keep_alive_probes, A_NUMBER(1, 250)), .when_absent = (absent),   \
         .meaning = "unanswered probes after which an idle connection is given up"},               \
        {KEY("fin_wait_2_timeout", fin_wait_2_timeout_ns, A_DURATION(1)), .when_absent = (absent), \
         .meaning = "how long a closed connection waits for a peer that never closes"},            \
        {KEY("msl", msl_ns, A_DURATION(1)), .when_absent = (absent),                               \
         .meaning = "the maximum segment lifetime; TIME-WAIT lasts twice as long"},                \
    {                                                                                              \
        KEY("soft_errors", soft_errors, A_CHOICE(soft_error_choices)),                             \
            .when_absent = (absent),                                                               \
            .meaning = "what an ICMP message that a host cannot be reached does to a connection "  \
                       "that is being opened: it is noted (RFC 9293), or ends it (RFC 5461)"       \
    }

static const KeySpec network_keys[] = {
    TCP_KEYS("rfc", NULL, "never", "`r2` and `r2_syn` alone decide", "as the profile has it")};
static const char as_network[] = "as in `network.tcp`";
static const KeySpec machine_keys[] = {
    TCP_KEYS(NULL, as_network, as_network, as_network, as_network)};

const MappingSpec format_tcp = {
    .what = "`tcp`",
    .size = sizeof(TcpParameters),
    .keys = network_keys,
    .key_count = G_N_ELEMENTS(network_keys),
};

const MappingSpec format_machine_tcp = {
    .what = "the `tcp` of a machine",
    .size = sizeof(TcpParameters),
    .keys = machine_keys,
    .key_count = G_N_ELEMENTS(machine_keys),
};
