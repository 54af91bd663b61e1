/* "did you mean `delay`?": the nearest of some words. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

/* Offer candidates one by one; the nearest is kept, of equally near ones the first. */
typedef struct Suggestion {
    const char *word;
    const char *best; /* borrowed from the candidates; NULL while none is near enough */
    size_t distance;  /* of the best */
} Suggestion;

Suggestion suggestion_start(const char *word);
void suggestion_offer(Suggestion *suggestion, const char *candidate);

/* How many letters must be inserted, removed, replaced, or swapped with their neighbour to make one
 * word the other, without regard to ASCII case; more than `limit` where it is more. Words longer
 * than 63 octets are near nothing. */
size_t suggest_distance(const char *a, const char *b, size_t limit);
