/* Numbers in decimal, by hand: see ndjson_internal.h.
 *
 * Digits come out two, four and eight at a time: to divide and to go round a loop is what costs. */
#include "export/ndjson_internal.h"

/* The digits of 0 to 99. */
static const char PAIRS[] = "00010203040506070809101112131415161718192021222324252627282930313233"
                            "34353637383940414243444546474849505152535455565758596061626364656667"
                            "6869707172737475767778798081828384858687888990919293949596979899";

static inline char *put_pair(char *at, uint32_t pair)
{
    memcpy(at, PAIRS + (size_t)pair * 2, 2);
    return at + 2;
}

static inline char *put_four(char *at, uint32_t number)
{
    return put_pair(put_pair(at, number / 100), number % 100);
}

static inline char *put_eight(char *at, uint32_t number)
{
    return put_four(put_four(at, number / NDJSON_FOUR_DIGITS), number % NDJSON_FOUR_DIGITS);
}

static inline char *put_up_to_two(char *at, uint32_t number)
{
    if (number >= 10)
        return put_pair(at, number);
    *at = (char)('0' + number);
    return at + 1;
}

static inline char *put_up_to_four(char *at, uint32_t number)
{
    if (number < 100)
        return put_up_to_two(at, number);
    return put_pair(put_up_to_two(at, number / 100), number % 100);
}

static inline char *put_up_to_eight(char *at, uint32_t number)
{
    if (number < NDJSON_FOUR_DIGITS)
        return put_up_to_four(at, number);
    at = put_up_to_four(at, number / NDJSON_FOUR_DIGITS);
    return put_four(at, number % NDJSON_FOUR_DIGITS);
}

static char *put_more_than_sixteen(char *at, uint64_t number)
{
    at = ndjson_put_unsigned(at, number / NDJSON_EIGHT_DIGITS);
    return put_eight(at, (uint32_t)(number % NDJSON_EIGHT_DIGITS));
}

char *ndjson_put_unsigned(char *at, uint64_t number)
{
    if (number < NDJSON_EIGHT_DIGITS)
        return put_up_to_eight(at, (uint32_t)number);
    uint64_t upper = number / NDJSON_EIGHT_DIGITS;
    if (upper >= NDJSON_EIGHT_DIGITS)
        return put_more_than_sixteen(at, number);
    at = put_up_to_eight(at, (uint32_t)upper);
    return put_eight(at, (uint32_t)(number % NDJSON_EIGHT_DIGITS));
}

char *ndjson_put_signed(char *at, int64_t number)
{
    if (number < 0)
        return ndjson_put_unsigned(NDJSON_PUT(at, "-"), -(uint64_t)number);
    return ndjson_put_unsigned(at, (uint64_t)number);
}

/* ---- Numbers that are close to each other ---- */

NdjsonLead ndjson_lead_new(uint64_t size)
{
    return (NdjsonLead){size, 1, "1"};
}

void ndjson_lead_move(NdjsonLead *lead, uint64_t size, uint64_t number)
{
    if (number < size)
        return;
    lead->first = number - number % size;
    lead->length = (uint32_t)(ndjson_put_unsigned(lead->digits, number / size) - lead->digits);
}

static inline char *put_lead(char *at, const NdjsonLead *lead)
{
    memcpy(at, lead->digits, sizeof lead->digits);
    return at + lead->length;
}

char *ndjson_put_led_four(char *at, const NdjsonLead *lead, uint64_t number)
{
    uint64_t rest = number - lead->first;
    return rest < NDJSON_FOUR_DIGITS ? put_four(put_lead(at, lead), (uint32_t)rest)
                                     : ndjson_put_unsigned(at, number);
}

char *ndjson_put_led_eight(char *at, const NdjsonLead *lead, int64_t number)
{
    uint64_t rest = (uint64_t)number - lead->first;
    return rest < NDJSON_EIGHT_DIGITS ? put_eight(put_lead(at, lead), (uint32_t)rest)
                                      : ndjson_put_signed(at, number);
}
