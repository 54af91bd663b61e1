/* The gateway: what stands for programs outside of the simulation, as hosts of its network.
 *
 * A program outside that connects to a simulated server does so from the host `outside`; a domain
 * whose server is such a program has a host of its own name, which accepts SMTP connections. What
 * the programs do comes in as inputs, each at a time of its own; a run is a function of its inputs
 * as it is of the scenario, so nothing else that happens outside may change what happens here.
 *
 * Memory is bounded both ways. What comes from outside waits here until the stream has room;
 * whoever brings it looks at gateway_input_room before it takes more from its program. What goes
 * outside needs credit, GATEWAY_CREDIT octets, which an input (ROOM) gives anew when the program
 * has taken all; meanwhile octets stay in the stream, and the simulated window closes. */
#pragma once

#include "node/machine.h"

#include <glib.h>

typedef struct Gateway Gateway;

enum {
    GATEWAY_CREDIT = 64 * 1024,
    GATEWAY_DATA_MAX = 16 * 1024, /* octets of one input */
};

#define GATEWAY_HOST "outside"

typedef enum GatewayInputKind {
    GATEWAY_INPUT_CONNECT, /* a program connects: it gets the next number */
    GATEWAY_INPUT_DATA,    /* octets from it */
    GATEWAY_INPUT_ROOM,    /* it has taken what it was given */
    GATEWAY_INPUT_CLOSE,   /* it sends no more */
    GATEWAY_INPUT_RESET,   /* it is gone */
    GATEWAY_INPUT_STOP,    /* the run is to end */
} GatewayInputKind;

typedef struct GatewayInput {
    SimTime time;
    GatewayInputKind kind;
    uint64_t connection; /* all but STOP; numbers that are none are ignored */
    char *server;        /* CONNECT: a host */
    uint16_t port;       /* CONNECT */
    Octets *data;        /* DATA */
} GatewayInput;

void gateway_input_clear(GatewayInput *input);

/* What the programs outside are told, from steps of the simulation; none may give inputs. */
typedef struct GatewayObserver {
    void *owner;
    /* A simulated host has connected to the domain's server. */
    void (*opened)(void *owner, uint64_t connection, const char *domain);
    void (*output)(void *owner, uint64_t connection, Span octets);
    /* The simulated end sends no more; when `is_broken`, the connection is gone altogether. */
    void (*ended)(void *owner, uint64_t connection, bool is_broken);
} GatewayObserver;

/* `outside` is the first machine, the domains' follow in order; their hosts have the domains'
 * names. The machines are copied. */
Gateway *gateway_new(const Machine *machines, size_t domain_count);
void gateway_free(Gateway *gateway);
void gateway_set_observer(Gateway *gateway, const GatewayObserver *observer);
/* Listens for the domains, and writes timeline.outside; at the start of the run. */
void gateway_start(Gateway *gateway);
/* The input happens at its time, which is later than now; between two events only. */
void gateway_schedule(Gateway *gateway, const GatewayInput *input);

/* The number that the next connection gets. */
uint64_t gateway_next_connection(const Gateway *gateway);
/* Octets that a connection's program may bring now; 0 also when it is none. */
size_t gateway_input_room(const Gateway *gateway, uint64_t connection);
/* Whether octets for the program wait for ROOM. */
bool gateway_wants_room(const Gateway *gateway, uint64_t connection);
