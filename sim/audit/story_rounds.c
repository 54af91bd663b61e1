/* Rounds in a row of steps or of links. See story_internal.h. */
#include "audit/story_internal.h"

enum {
    ROUND_MAX = 32, /* elements: a forwarding loop of two servers has 8 steps and 8 links */
    ROUNDS_MIN = 2,
};

static bool round_comes_again(const void *row, guint at, guint round, RoundsAgree agree)
{
    for (guint i = 0; i < round; i++) {
        if (!agree(row, at + i, at + round + i))
            return false;
    }
    return true;
}

guint rounds_count(const void *row, guint at, guint length, RoundsAgree agree, guint *round)
{
    for (*round = 1; *round <= ROUND_MAX; ++*round) {
        guint count = 0;
        while (at + (count + 2) * *round <= length &&
               round_comes_again(row, at + count * *round, *round, agree))
            count++;
        if (count >= ROUNDS_MIN)
            return count;
    }
    return 0;
}
