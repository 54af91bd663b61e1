/* Simulated time: int64_t nanoseconds since the start of the run. */
#pragma once

#include "core/check.h"

#include <stdint.h>

typedef int64_t SimTime;

#define SIM_NANOSECOND  ((SimTime)1)
#define SIM_MICROSECOND (1000 * SIM_NANOSECOND)
#define SIM_MILLISECOND (1000 * SIM_MICROSECOND)
#define SIM_SECOND      (1000 * SIM_MILLISECOND)
#define SIM_MINUTE      (60 * SIM_SECOND)
#define SIM_HOUR        (60 * SIM_MINUTE)
#define SIM_DAY         (24 * SIM_HOUR)
/* "Never": later than any event. */
#define SIM_NEVER INT64_MAX

/* Sum with overflow checked, of what is not SIM_NEVER. */
static inline SimTime simtime_after(SimTime time, SimTime delay_ns)
{
    SimTime sum = 0;
    CHECK(!__builtin_add_overflow(time, delay_ns, &sum));
    return sum;
}

/* The same; a deadline of SIM_NEVER stays so. */
static inline SimTime simtime_add(SimTime time, SimTime delay_ns)
{
    return time == SIM_NEVER || delay_ns == SIM_NEVER ? SIM_NEVER : simtime_after(time, delay_ns);
}
