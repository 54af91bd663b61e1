/* Small scenarios drawn from a seed: two to four servers, a few people, mails of every kind. */
#pragma once

#include <stdint.h>

/* A scenario as text, to free. It is well written: the reader takes it. */
char *random_scenario_write(uint64_t seed);
