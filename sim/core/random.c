/* Random streams. See random.h. */
#include "core/random.h"

#include "core/check.h"

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wpedantic"
#include <Random123/philox.h>
#pragma GCC diagnostic pop

#define FNV_OFFSET_BASIS 0xcbf29ce484222325U
#define FNV_PRIME        0x100000001b3U

__extension__ typedef unsigned __int128 Wide; /* an extension of gcc and clang */

uint64_t random_hash_name(const char *name)
{
    uint64_t hash = FNV_OFFSET_BASIS;
    for (const char *c = name; *c != '\0'; c++) {
        hash ^= (uint8_t)*c;
        hash *= FNV_PRIME;
    }
    return hash;
}

Random random_stream(uint64_t seed, const char *node_name, RandomPurpose purpose)
{
    return (Random){.seed = seed, .node = random_hash_name(node_name), .purpose = purpose};
}

uint64_t random_draw(Random *random)
{
    philox4x64_key_t key = {{random->seed, 0}};
    philox4x64_ctr_t counter = {{random->node, random->purpose, random->index++, 0}};
    return philox4x64(counter, key).v[0];
}

uint64_t random_draw_below(Random *random, uint64_t bound)
{
    CHECK(bound > 0);
    uint64_t threshold = -bound % bound;
    for (;;) {
        Wide product = (Wide)random_draw(random) * bound;
        if ((uint64_t)product >= threshold)
            return (uint64_t)(product >> 64);
    }
}

bool random_draw_chance(Random *random, uint64_t numerator, uint64_t denominator)
{
    return random_draw_below(random, denominator) < numerator;
}
