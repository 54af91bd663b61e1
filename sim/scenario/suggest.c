/* The nearest of some words. See suggest.h. */
#include "scenario/suggest.h"

#include <glib.h>
#include <string.h>

enum { WORD_MAXIMUM = 63 };

Suggestion suggestion_start(const char *word)
{
    /* One slip in a short word, one in every three letters of a longer one. */
    return (Suggestion){.word = word, .distance = MAX(strlen(word) / 3, 1) + 1};
}

void suggestion_offer(Suggestion *suggestion, const char *candidate)
{
    if (suggestion->distance == 0)
        return; /* nothing is nearer */
    size_t distance = suggest_distance(suggestion->word, candidate, suggestion->distance - 1);
    if (distance < suggestion->distance) {
        suggestion->distance = distance;
        suggestion->best = candidate;
    }
}

/* The optimal string alignment distance, row by row; three rows are kept. */
size_t suggest_distance(const char *a, const char *b, size_t limit)
{
    size_t rows = strlen(a), columns = strlen(b);
    size_t longer = MAX(rows, columns), shorter = MIN(rows, columns);
    if (longer > WORD_MAXIMUM || longer - shorter > limit)
        return limit + 1;
    size_t row[3][WORD_MAXIMUM + 1];
    for (size_t j = 0; j <= columns; j++)
        row[0][j] = j;
    for (size_t i = 1; i <= rows; i++) {
        size_t *now = row[i % 3];
        const size_t *above = row[(i + 2) % 3], *twice_above = row[(i + 1) % 3];
        now[0] = i;
        for (size_t j = 1; j <= columns; j++) {
            char left = g_ascii_tolower(a[i - 1]), right = g_ascii_tolower(b[j - 1]);
            now[j] = MIN(MIN(above[j], now[j - 1]) + 1, above[j - 1] + (left != right));
            bool is_swap = i > 1 && j > 1 && left == g_ascii_tolower(b[j - 2]) &&
                           g_ascii_tolower(a[i - 2]) == right;
            if (is_swap)
                now[j] = MIN(now[j], twice_above[j - 2] + 1);
        }
    }
    return MIN(row[rows % 3][columns], limit + 1);
}
