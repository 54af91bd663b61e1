/* A live session: a scenario played in real time, whose servers real programs can reach on loopback
 * ports, and which can hand mail to real SMTP servers there. Here, and nowhere below, the wall
 * clock is known.
 *
 * Simulated time is the time since the session began, times the speed. What a real program does
 * becomes an input of the gateway (node/gateway.h) at the simulated time that it is now; all else
 * is the simulation's own business, so that the inputs, recorded, give the same run again. When the
 * machine cannot keep up, simulated time falls behind.
 *
 * Only loopback addresses are listened on and connected to. Bounded memory: a socket is read when
 * the gateway has room, and written from one buffer of GATEWAY_CREDIT octets. */
#pragma once

#include "scenario/run.h"

#include <gio/gio.h>

typedef struct Live Live;

typedef enum LiveService { LIVE_SMTP, LIVE_SUBMISSION, LIVE_IMAP, LIVE_SERVICES } LiveService;

/* "smtp", "submission", "imap". */
const char *live_service_name(LiveService service);
/* False when there is none of that name. */
bool live_service_find(const char *name, LiveService *service);

/* A real SMTP server that takes the mail of a domain. */
typedef struct LiveTarget {
    const char *domain;      /* one of SimulationOutside.domains */
    GSocketAddress *address; /* loopback */
} LiveTarget;

typedef struct LiveOptions {
    double speed; /* simulated seconds a second, more than 0 */
    const LiveTarget *targets;
    size_t target_count;
    /* Called after each stretch of simulated time, for output; may be NULL. */
    void (*moved)(void *owner);
    void *owner;
} LiveOptions;

/* The run has SimulationOptions.outside and has not begun; it outlives the session. */
Live *live_new(Run *run, const LiveOptions *options);
void live_free(Live *live);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Live, live_free)

/* Listens on 127.0.0.1 for a server's service; port 0: a free one. The port, or 0 with an error. */
uint16_t live_listen(Live *live, const char *server, LiveService service, uint16_t port,
                     GError **error);
/* Plays until SIGINT, SIGTERM or the scenario's end; false when the books do not balance. */
bool live_play(Live *live);
