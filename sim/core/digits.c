/* Numbers in decimal. See digits.h. */
#include "core/digits.h"

#include <glib.h>

const char DIGITS_PAIRS[] = "00010203040506070809101112131415161718192021222324252627282930313233"
                            "34353637383940414243444546474849505152535455565758596061626364656667"
                            "6869707172737475767778798081828384858687888990919293949596979899";

static inline char *put_up_to_two(char *at, uint32_t number)
{
    if (number >= 10)
        return digits_put_two(at, number);
    *at = (char)('0' + number);
    return at + 1;
}

static inline char *put_up_to_four(char *at, uint32_t number)
{
    if (number < 100)
        return put_up_to_two(at, number);
    return digits_put_two(put_up_to_two(at, number / 100), number % 100);
}

/* At least five. */
static inline char *put_up_to_eight(char *at, uint32_t number)
{
    at = put_up_to_four(at, number / DIGITS_FOUR);
    return digits_put_four(at, number % DIGITS_FOUR);
}

/* As those of TCP are. */
static inline char *put_up_to_ten(char *at, uint64_t number)
{
    at = put_up_to_two(at, (uint32_t)(number / DIGITS_EIGHT));
    return digits_put_eight(at, (uint32_t)(number % DIGITS_EIGHT));
}

/* Kept apart, so that the others need not keep anything over a call. */
G_GNUC_NO_INLINE static char *put_many(char *at, uint64_t number)
{
    at = digits_put(at, number / DIGITS_EIGHT);
    return digits_put_eight(at, (uint32_t)(number % DIGITS_EIGHT));
}

char *digits_put(char *at, uint64_t number)
{
    if (number < 100)
        return put_up_to_two(at, (uint32_t)number);
    if (number < DIGITS_FOUR)
        return put_up_to_four(at, (uint32_t)number);
    if (number < DIGITS_EIGHT)
        return put_up_to_eight(at, (uint32_t)number);
    return number / 100 < DIGITS_EIGHT ? put_up_to_ten(at, number) : put_many(at, number);
}

char *digits_put_signed(char *at, int64_t number)
{
    if (number >= 0)
        return digits_put(at, (uint64_t)number);
    *at = '-';
    return digits_put(at + 1, -(uint64_t)number);
}

DigitsLead digits_lead_new(uint64_t size)
{
    return (DigitsLead){size, 1, "1"};
}

void digits_lead_move(DigitsLead *lead, uint64_t size, uint64_t number)
{
    const uint64_t too_many = UINT64_C(10000000000000000);
    if (number < size || number / size >= too_many)
        return;
    lead->first = number - number % size;
    lead->length = (uint32_t)(digits_put(lead->digits, number / size) - lead->digits);
}
