/* mailsim torture --crashes: each server struck by each kind of fault after each event. */
#pragma once

#include "torture_seeds.h"

/* `paths` are scenario files; without any, small scenarios are drawn, one a seed. `sample` 0: all
 * points. False when a file cannot be read or written or the work cannot be done, which is told on
 * standard error. */
bool torture_points(const GPtrArray *paths, const TortureOptions *options, uint64_t sample,
                    TortureTally *tally);
