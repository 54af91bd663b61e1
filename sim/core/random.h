/* Random streams: Philox 4x64, counter-based (Salmon et al. 2011, by Random123).
 *
 * A draw is a pure function of (seed, node's name, purpose, index). So adding a node, or a fault
 * of probability 0, changes nobody else's draws. Nothing here goes through floating point. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/* What a stream is drawn for. Faults and workload are apart; a new purpose goes at the end. */
typedef enum RandomPurpose {
    RANDOM_TCP_ISS = 1,
    RANDOM_LINK_LOSS,
    RANDOM_LINK_JITTER,
    RANDOM_DNS_ID,
    RANDOM_MX_ORDER,
    RANDOM_RETRY_JITTER,
    RANDOM_WORKLOAD,
    RANDOM_LINK_DUPLICATE,
    RANDOM_LINK_REORDER,
    RANDOM_LINK_CORRUPT,
    RANDOM_DISK_LOSS,
    RANDOM_TORTURE, /* what faults, traffic and scenarios a torture run is made of */
} RandomPurpose;

/* One stream; a plain value. Advance it by drawing. */
typedef struct Random {
    uint64_t seed;
    uint64_t node; /* random_hash_name of the node's name */
    uint64_t purpose;
    uint64_t index; /* of the next draw */
} Random;

/* FNV-1a, 64 bits: the id that a name has in random streams. */
uint64_t random_hash_name(const char *name);
Random random_stream(uint64_t seed, const char *node_name, RandomPurpose purpose);
uint64_t random_draw(Random *random);
/* Goes on as a draw does, where nobody wants to know what it is. */
static inline void random_skip(Random *random)
{
    random->index++;
}
/* Uniform in [0, bound); bound > 0. Without bias (Lemire's method with rejection). */
uint64_t random_draw_below(Random *random, uint64_t bound);
/* The largest mean, above ten years in ns: a variate is at most about 44 means. */
#define RANDOM_MEAN_MAX (INT64_C(1) << 57)
/* Exponentially distributed with this mean: the time until a Poisson process's next event. */
int64_t random_draw_exponential(Random *random, int64_t mean);
/* True with probability numerator/denominator; a probability of 0 or 1 draws too, so that the
 * stream's position does not depend on it. */
bool random_draw_chance(Random *random, uint64_t numerator, uint64_t denominator);
