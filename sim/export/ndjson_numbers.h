/* Numbers in decimal, by hand.
 *
 * Each function puts digits at a place where there is room for NDJSON_NUMBER_SIZE, and returns the
 * place behind them. They come out two, four and eight at a time: to divide and to go round a loop
 * is what costs. */
#pragma once

#include <stdint.h>
#include <string.h>

enum {
    NDJSON_NUMBER_SIZE = 20, /* digits of a 64-bit number, or a sign and digits */
    NDJSON_FOUR_DIGITS = 10000,
    NDJSON_EIGHT_DIGITS = 100000000,
};

char *ndjson_put_unsigned(char *at, uint64_t number);
char *ndjson_put_signed(char *at, int64_t number);

/* Always that many digits, with zeros in front. */
extern const char NDJSON_PAIRS[]; /* the digits of 0 to 99 */

static inline char *ndjson_put_two(char *at, uint32_t number)
{
    memcpy(at, NDJSON_PAIRS + (size_t)number * 2, 2);
    return at + 2;
}

static inline char *ndjson_put_four(char *at, uint32_t number)
{
    return ndjson_put_two(ndjson_put_two(at, number / 100), number % 100);
}

static inline char *ndjson_put_eight(char *at, uint32_t number)
{
    at = ndjson_put_four(at, number / NDJSON_FOUR_DIGITS);
    return ndjson_put_four(at, number % NDJSON_FOUR_DIGITS);
}

/* The leading digits that numbers close to each other have in common: all but the last four, or
 * the last eight, as `size` says: NDJSON_FOUR_DIGITS or NDJSON_EIGHT_DIGITS. */
typedef struct NdjsonLead {
    uint64_t first;  /* of `size` numbers that begin with them */
    uint32_t length; /* how many they are, never 0 */
    char digits[16]; /* copied as a whole */
} NdjsonLead;

NdjsonLead ndjson_lead_new(uint64_t size);
/* Takes over those of the number, unless it has none or too many. */
void ndjson_lead_move(NdjsonLead *lead, uint64_t size, uint64_t number);

static inline char *ndjson_put_lead(char *at, const NdjsonLead *lead)
{
    memcpy(at, lead->digits, sizeof lead->digits);
    return at + lead->length;
}

/* Any number, with less effort for one that begins with these digits. */
static inline char *ndjson_put_led_four(char *at, const NdjsonLead *lead, uint64_t number)
{
    uint64_t rest = number - lead->first;
    return rest < NDJSON_FOUR_DIGITS ? ndjson_put_four(ndjson_put_lead(at, lead), (uint32_t)rest)
                                     : ndjson_put_unsigned(at, number);
}

static inline char *ndjson_put_led_eight(char *at, const NdjsonLead *lead, int64_t number)
{
    uint64_t rest = (uint64_t)number - lead->first;
    return rest < NDJSON_EIGHT_DIGITS ? ndjson_put_eight(ndjson_put_lead(at, lead), (uint32_t)rest)
                                      : ndjson_put_signed(at, number);
}
