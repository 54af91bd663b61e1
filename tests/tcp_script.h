/* A script of tests/tcp (tests/tcp/README.md has the language) as steps, and the words in which
 * scripts and what is said about them name things. tcp_script_read.h reads it, tcp_script_play.h
 * plays it. */
#pragma once

#include "core/simtime.h"
#include "net/tcp.h"

#include <stddef.h>

enum {
    SCRIPT_OUR_ISS = 1000,
    SCRIPT_MSS = 1000,           /* where `tcp` says no other */
    SCRIPT_PEER_WINDOW = 60000,  /* of `established` */
    SCRIPT_TIMES = 100,          /* the most that `x` may say */
    SCRIPT_WRITE_MOST = 1 << 20, /* octets */
    SCRIPT_SIZE_MOST = 1 << 16,  /* of a file */
};
#define SCRIPT_LONGEST (1000 * SIM_DAY)

typedef enum ScriptStepKind {
    SCRIPT_BEGIN, /* a new scenario: nothing of the one before is left */
    /* What is done to the engine. */
    SCRIPT_OPEN,
    SCRIPT_LISTEN,
    SCRIPT_PEER_SENDS,
    SCRIPT_WRITE,
    SCRIPT_READ,
    SCRIPT_SHUTDOWN,
    SCRIPT_CLOSE,
    SCRIPT_ABORT,
    SCRIPT_ICMP,
    SCRIPT_LIMIT_MSS,
    /* What is expected of it. */
    SCRIPT_WE_SEND,
    SCRIPT_EVENT,
    SCRIPT_STATE,
    SCRIPT_DEADLINE,
    SCRIPT_READABLE,
    SCRIPT_ROOM,
    SCRIPT_INFO,
    SCRIPT_NOTHING,
} ScriptStepKind;

typedef struct ScriptStep {
    ScriptStepKind kind;
    unsigned line;
    SimTime at;
    bool is_joined;  /* to the step before: the engine is not asked in between */
    Segment segment; /* without its text */
    uint32_t length; /* of the text */
    bool has_window;
    uint32_t times, ack_step; /* so many segments, each one's ACK so much farther */
    size_t which;             /* TcpEventKind, TcpState, TcpIcmp, a field, or the BEGIN's options */
    int64_t value;
    int64_t taken;                   /* SCRIPT_WRITE */
    int64_t retries, unacknowledged; /* SCRIPT_EVENT; -1: not told */
    TcpIcmp icmp;                    /* SCRIPT_EVENT; TCP_ICMP_NONE: not told */
} ScriptStep;

typedef struct TcpScript {
    char *file;
    GArray *steps;   /* of ScriptStep; the first is a BEGIN */
    GArray *options; /* of TcpOptions */
} TcpScript;

static inline void tcp_script_free(TcpScript *script)
{
    g_free(script->file);
    g_array_unref(script->steps);
    g_array_unref(script->options);
    g_free(script);
}
G_DEFINE_AUTOPTR_CLEANUP_FUNC(TcpScript, tcp_script_free)

/* ---- Words ---- */

static const char *const script_event_names[] = {
    [TCP_EVENT_CONNECTED] = "CONNECTED",
    [TCP_EVENT_READABLE] = "READABLE",
    [TCP_EVENT_WRITABLE] = "WRITABLE",
    [TCP_EVENT_TROUBLE] = "TROUBLE",
    [TCP_EVENT_SOFT_ERROR] = "SOFT-ERROR",
    [TCP_EVENT_PEER_CLOSED] = "PEER-CLOSED",
    [TCP_EVENT_REFUSED] = "REFUSED",
    [TCP_EVENT_RESET] = "RESET",
    [TCP_EVENT_TIMED_OUT_OPENING] = "TIMED-OUT-OPENING",
    [TCP_EVENT_TIMED_OUT] = "TIMED-OUT",
    [TCP_EVENT_UNREACHABLE] = "UNREACHABLE",
    [TCP_EVENT_CLOSED] = "CLOSED",
};

static const char *const script_icmp_names[] = {
    [TCP_ICMP_NONE] = "none",
    [TCP_ICMP_NETWORK_UNREACHABLE] = "network-unreachable",
    [TCP_ICMP_HOST_UNREACHABLE] = "host-unreachable",
    [TCP_ICMP_TIME_EXCEEDED] = "time-exceeded",
    [TCP_ICMP_PROTOCOL_UNREACHABLE] = "protocol-unreachable",
    [TCP_ICMP_PORT_UNREACHABLE] = "port-unreachable",
    [TCP_ICMP_PROHIBITED] = "prohibited",
    [TCP_ICMP_FRAGMENTATION_NEEDED] = "too-large",
};

/* SegmentSending, where it is not what the segment is usually sent for. */
static const char *const script_sending_names[] = {
    [SEGMENT_SENDING_FIRST] = "first",
    [SEGMENT_SENDING_PURE_ACK] = "pure-ack",
    [SEGMENT_SENDING_TIMEOUT_RESEND] = "timeout",
    [SEGMENT_SENDING_FAST_RESEND] = "fast",
    [SEGMENT_SENDING_SMALLER_RESEND] = "smaller",
    [SEGMENT_SENDING_TAIL_LOSS_PROBE] = "tail-loss-probe",
    [SEGMENT_SENDING_WINDOW_PROBE] = "window-probe",
    [SEGMENT_SENDING_KEEP_ALIVE] = "keep-alive",
    [SEGMENT_SENDING_RESET] = "reset",
};

typedef enum ScriptUnit { SCRIPT_NUMBER, SCRIPT_DURATION, SCRIPT_YES_OR_NO } ScriptUnit;

/* What `info` can ask for: members of TcpInfo. */
typedef struct ScriptField {
    const char *name;
    ScriptUnit unit;
    size_t offset, size;
} ScriptField;

#define SCRIPT_FIELD(member, unit)                                                                 \
    {                                                                                              \
#member, unit, offsetof(TcpInfo, member), sizeof(((TcpInfo *)NULL)->member)                \
    }

static const ScriptField script_fields[] = {
    SCRIPT_FIELD(snd_una, SCRIPT_NUMBER),
    SCRIPT_FIELD(snd_nxt, SCRIPT_NUMBER),
    SCRIPT_FIELD(snd_wnd, SCRIPT_NUMBER),
    SCRIPT_FIELD(rcv_nxt, SCRIPT_NUMBER),
    SCRIPT_FIELD(rcv_wnd, SCRIPT_NUMBER),
    SCRIPT_FIELD(cwnd, SCRIPT_NUMBER),
    SCRIPT_FIELD(ssthresh, SCRIPT_NUMBER),
    SCRIPT_FIELD(flight, SCRIPT_NUMBER),
    SCRIPT_FIELD(mss, SCRIPT_NUMBER),
    SCRIPT_FIELD(srtt, SCRIPT_DURATION),
    SCRIPT_FIELD(rttvar, SCRIPT_DURATION),
    SCRIPT_FIELD(rto, SCRIPT_DURATION),
    SCRIPT_FIELD(retransmissions, SCRIPT_NUMBER),
    SCRIPT_FIELD(recovering, SCRIPT_YES_OR_NO),
    SCRIPT_FIELD(unsent, SCRIPT_NUMBER),
    SCRIPT_FIELD(unread, SCRIPT_NUMBER),
};

/* In the order in which they are written. */
static const struct {
    char letter;
    uint8_t flag;
} script_flags[] = {
    {'F', SEGMENT_FIN}, {'S', SEGMENT_SYN}, {'R', SEGMENT_RST},
    {'P', SEGMENT_PSH}, {'A', SEGMENT_ACK},
};
