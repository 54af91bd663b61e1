/* What the files of a live session share. */
#pragma once

#include "live/live.h"

/* A real program's connection, or one to a real program. */
typedef struct LiveLink {
    Live *live;
    uint64_t number; /* at the gateway; 0: it is being connected there */
    GSocket *socket;
    GSource *readable, *writable; /* NULL: not waited for */
    GByteArray *output;           /* for the program; at most GATEWAY_CREDIT octets */
    bool is_connecting;           /* to a real program */
    bool input_has_ended;
    bool output_ends; /* nothing comes after `output` */
    bool is_broken;   /* to be closed as soon as `output` is written */
} LiveLink;

struct Live {
    Run *run;
    LiveOptions options;
    Gateway *gateway;
    Simulator *simulator;
    GMainLoop *loop;
    GPtrArray *listeners; /* LiveListener */
    GHashTable *links;    /* &number -> LiveLink */
    int64_t began_us;     /* g_get_monotonic_time at simulated time 0 */
    SimTime until;
    GSource *timer;
    SimulatorEnd end;
    bool has_ended;
};

/* live.c: brings the simulation to the present. False when the run has ended. */
bool live_advance(Live *live);
/* live.c: gives the gateway an input at the present, and lets it act. */
void live_give(Live *live, GatewayInput *input);

/* live_link.c */
void live_link_free(void *link);
/* A real program has connected: gives it to the simulation. */
void live_link_accept(Live *live, GSocket *socket, const char *server, uint16_t port);
/* The gateway's observer, whose owner is the Live. */
void live_link_opened(void *owner, uint64_t connection, const char *domain);
void live_link_output(void *owner, uint64_t connection, Span octets);
void live_link_ended(void *owner, uint64_t connection, bool is_broken);
/* After the simulation has moved: reads and writes what can be. */
void live_link_settle(LiveLink *link);
