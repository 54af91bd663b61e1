/* What the files of the swarm share. */
#pragma once

#include "core/random.h"
#include "torture/swarm.h"

#include <glib.h>

typedef struct SwarmLink {
    const char *a, *b; /* nodes */
} SwarmLink;

typedef struct Swarm {
    const Scenario *base;
    uint64_t seed;
    SimTime window_ns; /* faults begin within it */
    Random random;     /* of the family that draws now */
    Arena *arena;      /* owns what is added */
    GArray *actions;   /* ScenarioAction */
    GArray *links;     /* SwarmLink: all there are */
    GPtrArray *names;  /* that look-ups are made of; borrowed */
} Swarm;

/* One family of faults: draws as many as it likes. Each fault that it adds ends by itself. */
typedef struct SwarmFamily {
    const char *name;
    void (*draw)(Swarm *swarm);
} SwarmFamily;

extern const SwarmFamily SWARM_FAMILIES[];
extern const size_t SWARM_FAMILY_COUNT;

/* ---- swarm.c: what families are made of ---- */

/* An action of this kind, at a time or at none. */
ScenarioAction swarm_action(ActionKind kind, int64_t time_ns);
void swarm_add(Swarm *swarm, const ScenarioAction *action);
ScenarioText swarm_text(Swarm *swarm, const char *text);
/* Uniform in [0, bound). */
uint64_t swarm_draw(Swarm *swarm, uint64_t bound);
/* Within the window; as a rule in its beginning, where the mail is. */
SimTime swarm_draw_time(Swarm *swarm);
/* From a millisecond to the rest of the window. */
SimTime swarm_draw_duration(Swarm *swarm);
const char *swarm_draw_server(Swarm *swarm);
