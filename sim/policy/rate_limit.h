/* At most so many in any stretch of time of a given length, counted by name: the messages of a
 * client or of a sender.
 *
 * Exact: it remembers when the last ones were. Who is told that there is no room does not count
 * one.
 */
#pragma once

#include "core/simtime.h"

#include <stdbool.h>
#include <stdint.h>

enum { RATE_LIMIT_NAMES_MAX = 1 << 16 }; /* more are let pass */

typedef struct RateLimit RateLimit;

/* `count` is at least 1. */
RateLimit *rate_limit_new(uint32_t count, SimTime within_ns);
void rate_limit_free(RateLimit *limit);

/* Whether one more is within the limit at `now`, which never runs back. */
bool rate_limit_has_room(RateLimit *limit, const char *name, SimTime now);
/* Counts one. */
void rate_limit_count(RateLimit *limit, const char *name, SimTime now);
/* Puts a number beside the one counted last, as long as it is remembered; 0 is none. */
void rate_limit_mark(RateLimit *limit, const char *name, uint64_t mark);
uint64_t rate_limit_last_mark(const RateLimit *limit, const char *name);
