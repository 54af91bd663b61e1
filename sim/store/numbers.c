/* Decimal numbers. See numbers.h. */
#include "store/numbers.h"

/* The number that the text begins with; returns how many digits it has, 0: none, or too many. */
static size_t read_digits(Span text, uint64_t *number)
{
    enum { SAFE_DIGITS = 19 }; /* so many cannot overflow */
    uint64_t value = 0;
    size_t i = 0;
    for (; i < text.length; i++) {
        unsigned digit = (unsigned)text.data[i] - '0';
        if (digit > 9)
            break;
        if (i < SAFE_DIGITS)
            value = value * 10 + digit;
        else if (__builtin_mul_overflow(value, 10, &value) ||
                 __builtin_add_overflow(value, digit, &value))
            return 0;
    }
    *number = value;
    return i;
}

bool number_parse(Span text, uint64_t maximum, uint64_t *number)
{
    uint64_t value = 0;
    size_t digits = read_digits(text, &value);
    if (digits == 0 || digits < text.length)
        return false;
    *number = value;
    return value <= maximum;
}

bool number_take(Span *text, char end, uint64_t maximum, uint64_t *number)
{
    uint64_t value = 0;
    size_t digits = read_digits(*text, &value);
    if (digits == 0 || digits == text->length || text->data[digits] != (uint8_t)end ||
        value > maximum)
        return false;
    *number = value;
    *text = span_skip(*text, digits + 1);
    return true;
}
