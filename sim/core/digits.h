/* Numbers in decimal, by hand.
 *
 * Each function puts digits at a place where there is room for DIGITS_SIZE, and returns the
 * place behind them. They come out two, four and eight at a time: to divide and to go round a loop
 * is what costs. */
#pragma once

#include <stdint.h>
#include <string.h>

enum {
    DIGITS_SIZE = 20, /* digits of a 64-bit number, or a sign and digits */
    DIGITS_FOUR = 10000,
    DIGITS_EIGHT = 100000000,
};

char *digits_put(char *at, uint64_t number);
char *digits_put_signed(char *at, int64_t number);

/* Always that many digits, with zeros in front. */
extern const char DIGITS_PAIRS[]; /* the digits of 0 to 99 */

static inline char *digits_put_two(char *at, uint32_t number)
{
    memcpy(at, DIGITS_PAIRS + (size_t)number * 2, 2);
    return at + 2;
}

static inline char *digits_put_four(char *at, uint32_t number)
{
    return digits_put_two(digits_put_two(at, number / 100), number % 100);
}

static inline char *digits_put_eight(char *at, uint32_t number)
{
    at = digits_put_four(at, number / DIGITS_FOUR);
    return digits_put_four(at, number % DIGITS_FOUR);
}

/* The leading digits that numbers close to each other have in common: all but the last four, or
 * the last eight, as `size` says: DIGITS_FOUR or DIGITS_EIGHT. */
typedef struct DigitsLead {
    uint64_t first;  /* of `size` numbers that begin with them */
    uint32_t length; /* how many they are, never 0 */
    char digits[16]; /* copied as a whole */
} DigitsLead;

DigitsLead digits_lead_new(uint64_t size);
/* Takes over those of the number, unless it has none or too many. */
void digits_lead_move(DigitsLead *lead, uint64_t size, uint64_t number);

static inline char *digits_put_lead(char *at, const DigitsLead *lead)
{
    memcpy(at, lead->digits, sizeof lead->digits);
    return at + lead->length;
}

/* Any number, with less effort for one that begins with these digits. */
static inline char *digits_put_led_four(char *at, const DigitsLead *lead, uint64_t number)
{
    uint64_t rest = number - lead->first;
    return rest < DIGITS_FOUR ? digits_put_four(digits_put_lead(at, lead), (uint32_t)rest)
                              : digits_put(at, number);
}

static inline char *digits_put_led_eight(char *at, const DigitsLead *lead, int64_t number)
{
    uint64_t rest = (uint64_t)number - lead->first;
    return rest < DIGITS_EIGHT ? digits_put_eight(digits_put_lead(at, lead), (uint32_t)rest)
                               : digits_put_signed(at, number);
}
